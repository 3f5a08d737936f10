/* SPDX-License-Identifier: Apache-2.0 */
/* bundle check: would this host take it, and is it what its sources give? */
#include "cli/cli.h"

#include <getopt.h>

#include "agent/agent.h"
#include "content/vector/vector.h"

struct check_args {
	const char *path;
	bool json, rebuild;
};

struct checked {
	struct arena a;
	char *text;
	size_t len;
	struct bundle b;
	struct diag d;
	bool read;
	struct vector_result vectors;
};

static int parse(int argc, char **argv, struct check_args *a)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "rebuild", no_argument, NULL, 'r' },
					      { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'j')
			a->json = true;
		else if (c == 'r')
			a->rebuild = true;
		else
			return cli_usage("bundle");
	}
	if (optind + 1 != argc)
		return cli_fail(CLI_USAGE, optind == argc ? "which bundle?" : "one bundle at a time");
	a->path = argv[optind];
	return 0;
}

static FALLIBLE judge(const struct check_args *a, struct checked *k)
{
	const struct bundle_host host = bundle_this_host();
	struct content *c = NULL;
	enum err err;

	k->d.subject = a->path;
	TRY(bundle_read(view_of(k->text, k->len), &k->a, &k->b, &k->d));
	k->read = true;
	err = bundle_load(&k->b, a->path, &host, true, &k->a, &c, &k->d);
	if (err == E_OK)
		err = vector_prove(k->b.vectors, k->b.manifest.n_vectors, c, host.table, NULL, &k->vectors, &k->d);
	content_free(c);
	return err;
}

/* The sources of the bundle, as rules: under the names that they have there. */
static int load_sources(const struct bundle *b, struct cli_rules *r)
{
	*r = (struct cli_rules){ .table = &template_builtin,
				 .opts.strict_falco = b->flags & BUNDLE_STRICT_FALCO,
				 .n_src = b->manifest.n_sources };
	arena_init(&r->arena, 512 << 20);
	diags_init(&r->ds, &r->arena);
	r->src = ARENA_ARRAY(&r->arena, struct rule_source, r->n_src);
	if (!r->src)
		return cli_fail(CLI_HOST, "out of memory");
	for (uint32_t i = 0; i < r->n_src; i++)
		r->src[i] = (struct rule_source){ b->sources[i].name, (const char *)b->sources[i].text.p,
						  b->sources[i].text.len };
	return cli_rules_parse(r);
}

/* What is not made of the sources is taken from the manifest; all else must come out the same. */
static int make_again(const struct checked *k, struct buf *out)
{
	const struct bundle_manifest *m = &k->b.manifest;
	struct bundle_parts p = { .name = m->name,
				  .version = m->version,
				  .security_floor = m->security_floor,
				  .engine_min = m->engine_min,
				  .engine_max = m->engine_max,
				  .limits = m->limits };
	struct cli_rules r;
	int code = load_sources(&k->b, &r);

	if (!code)
		code = cli_bundle_make(&r, &p, out);
	cli_rules_show(&r);
	cli_rules_done(&r);
	return code ? cli_fail((enum cli_exit)code, "the bundle's sources cannot be compiled again") : 0;
}

static int rebuild(const struct check_args *a, struct checked *k)
{
	AUTO(buf_done) struct buf again;
	enum err err;
	int code;

	buf_init(&again, BUNDLE_MAX_BYTES);
	code = make_again(k, &again);
	if (code)
		return code;
	k->d.subject = a->path;
	err = bundle_same(view_of(k->text, k->len), view_of(again.p, again.len), &k->d);
	if (err != E_OK)
		diag_hint(&k->d, "another release of this program may compile the same rules otherwise");
	return err == E_OK ? 0 : a->json ? CLI_REFUSED : cli_fail_diag(err, &k->d);
}

static int print_text(const struct check_args *a, const struct checked *k)
{
	const struct bundle_manifest *m = &k->b.manifest;
	char hex[BUNDLE_HEX_BYTES];
	struct buf out;

	buf_init(&out, 1 << 16);
	buf_printf(&out, "%s\nok: %s %s, %u rule%s, %u program%s proven, %u vector%s%s\n", bundle_hex(k->b.digest, hex),
		   m->name, m->version, m->n_rules, PLURAL(m->n_rules), m->n_programs, PLURAL(m->n_programs),
		   m->n_vectors, PLURAL(m->n_vectors), a->rebuild ? ", the same when made again" : "");
	return cli_print(&out);
}

static int print_json(const struct check_args *a, const struct checked *k, bool ok)
{
	char hex[BUNDLE_HEX_BYTES];
	struct buf out;
	struct json j;

	buf_init(&out, 1 << 20);
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "diagnostics");
	json_array(&j);
	if (k->d.text[0])
		cli_json_diag(&j, &k->d);
	json_end_array(&j);
	json_key(&j, "digest");
	json_str(&j, k->read ? bundle_hex(k->b.digest, hex) : NULL);
	json_key(&j, "ok");
	json_bool(&j, ok);
	json_key(&j, "programs");
	json_u64(&j, k->read ? k->b.manifest.n_programs : 0);
	json_key(&j, "rebuilt");
	json_bool(&j, ok && a->rebuild);
	json_key(&j, "rules");
	json_u64(&j, k->read ? k->b.manifest.n_rules : 0);
	json_key(&j, "vectors");
	json_u64(&j, k->read ? k->b.manifest.n_vectors : 0);
	json_end_object(&j);
	return cli_print(&out);
}

static int check(const struct check_args *a, struct checked *k)
{
	struct diag d;
	enum err err;
	int code = 0, printed;

	diag_init(&d);
	err = agent_file_read(a->path, &k->text, &k->len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	err = judge(a, k);
	if (err != E_OK)
		code = a->json ? err == E_NOMEM || err == E_BUG ? CLI_HOST : CLI_REFUSED : cli_fail_diag(err, &k->d);
	if (!code && a->rebuild)
		code = rebuild(a, k);
	if (code && !a->json)
		return code;
	printed = a->json ? print_json(a, k, !code) : print_text(a, k);
	return code ? code : printed;
}

int cli_bundle_prove(const char *path)
{
	const struct check_args a = { .path = path };
	struct checked k = { 0 };
	struct diag d;
	enum err err;

	diag_init(&d);
	diag_init(&k.d);
	arena_init(&k.a, BUNDLE_ARENA_MAX);
	err = agent_file_read(path, &k.text, &k.len, &d);
	if (err == E_OK) {
		err = judge(&a, &k);
		d = k.d;
		if (err == E_OK)
			err = bundle_signable(&k.b, &d);
	}
	free(k.text);
	arena_done(&k.a);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

int cmd_bundle_check(int argc, char **argv)
{
	struct check_args a = { 0 };
	struct checked k = { 0 };
	int code = parse(argc, argv, &a);

	if (code)
		return code;
	arena_init(&k.a, BUNDLE_ARENA_MAX);
	diag_init(&k.d);
	code = check(&a, &k);
	arena_done(&k.a);
	free(k.text);
	return code;
}
