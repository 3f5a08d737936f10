/* SPDX-License-Identifier: Apache-2.0 */
/* bundle build: rule files to one file that says what it is, proven before it is written. */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>

#include "content/vector/vector.h"
#include "engine/abi/abi.h"

struct build_args {
	struct bundle_parts parts;
	struct rule_opts opts;
	const char *out;
	bool json, in_order;
};

/* A number in decimal, 0 too. */
static bool read_number(const char *s, uint64_t max, uint64_t *out)
{
	*out = cli_number(s, max);
	return *out || !strcmp(s, "0");
}

static int set_limit(struct bundle_limits *l, const char *arg)
{
	const char *eq = strchr(arg, '=');
	uint64_t *limit = eq ? bundle_limit_by_word(l, arg, (size_t)(eq - arg)) : NULL;

	if (!limit || !cli_number(eq + 1, UINT64_MAX))
		return cli_fail(CLI_USAGE, "--limit '%s' is not NAME=N, with N from 1 on, of a limit that there is",
				arg);
	*limit = cli_number(eq + 1, UINT64_MAX);
	return 0;
}

static int set_number(const char *option, const char *arg, uint64_t least, uint64_t most, uint64_t *out)
{
	uint64_t n;

	if (!read_number(arg, most, &n) || n < least)
		return cli_fail(CLI_USAGE, "%s takes a number from %llu to %llu", option, (unsigned long long)least,
				(unsigned long long)most);
	*out = n;
	return 0;
}

static int parse(int argc, char **argv, struct build_args *a)
{
	static const struct option opts[] = { { "name", required_argument, NULL, 'n' },
					      { "version", required_argument, NULL, 'v' },
					      { "security-floor", required_argument, NULL, 'f' },
					      { "engine-max", required_argument, NULL, 'e' },
					      { "limit", required_argument, NULL, 'l' },
					      { "strict-falco", no_argument, NULL, 's' },
					      { "in-order", no_argument, NULL, 'i' },
					      { "json", no_argument, NULL, 'j' },
					      { 0 } };
	uint64_t engine = BUNDLE_ANY_ENGINE;
	int c, code = 0;

	while (!code && (c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		if (c == 'n')
			a->parts.name = optarg;
		else if (c == 'v')
			a->parts.version = optarg;
		else if (c == 'f')
			code = set_number("--security-floor", optarg, 0, UINT64_MAX, &a->parts.security_floor);
		else if (c == 'e')
			code = set_number("--engine-max", optarg, ABI_LEVEL, UINT32_MAX, &engine);
		else if (c == 'l')
			code = set_limit(&a->parts.limits, optarg);
		else if (c == 's')
			a->opts.strict_falco = true;
		else if (c == 'i')
			a->in_order = true;
		else if (c == 'j')
			a->json = true;
		else if (c == 'o')
			a->out = optarg;
		else
			return cli_usage("bundle");
	}
	a->parts.engine_max = (uint32_t)engine;
	if (code)
		return code;
	if (!a->out)
		return cli_fail(CLI_USAGE, "-o OUT is missing: where is the bundle to go?");
	return optind < argc ? 0 : cli_fail(CLI_USAGE, "which files?");
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int by_last_part(const void *pa, const void *pb)
{
	return strcmp(last_part(((const struct rule_source *)pa)->name),
		      last_part(((const struct rule_source *)pb)->name));
}

/* In the order of their names: that of anybody's arguments, or of a shell, is to change nothing. */
static void sort_sources(struct cli_rules *r)
{
	for (uint32_t i = 1; i < r->n_src; i++) {
		if (by_last_part(&r->src[i - 1], &r->src[i]) <= 0)
			continue;
		(void)fprintf(stderr,
			      "sallyport: warning: files are read in the order of their names, '%s' before '%s'; "
			      "--in-order takes them as they are given\n",
			      last_part(r->src[i].name), last_part(r->src[i - 1].name));
		break;
	}
	if (r->n_src)
		qsort(r->src, r->n_src, sizeof *r->src, by_last_part);
}

static FALLIBLE parts_of_sources(struct cli_rules *r, struct bundle_parts *p)
{
	struct bundle_source *list = ARENA_ARRAY(&r->arena, struct bundle_source, r->n_src);

	if (!list)
		return E_NOMEM;
	for (uint32_t i = 0; i < r->n_src; i++)
		list[i] = (struct bundle_source){ last_part(r->src[i].name), view_of(r->src[i].text, r->src[i].len) };
	p->sources = list;
	p->n_sources = r->n_src;
	p->flags = r->opts.strict_falco ? BUNDLE_STRICT_FALCO : 0;
	return E_OK;
}

/* A rule that no vector fires for is not made into a bundle: nobody could show that it works. */
static FALLIBLE make_vectors(struct cli_rules *r, struct bundle_parts *p, struct buf *out, struct diag *d)
{
	const struct content_opts o = { .table = r->table, .all_matches = true };
	struct content *c = NULL;
	struct vector_set set;
	enum err err;

	TRY(content_load(p->content, "compiled rules", &o, &r->arena, &c, d));
	if (!content_n_rules(c)) { /* what is written says so */
		content_free(c);
		return E_OK;
	}
	err = vector_make(r->set, c, &r->arena, &r->ds, &set);
	if (err == E_OK)
		err = vector_complete(&set, content_n_rules(c), r->set, &r->arena, d);
	if (err == E_OK)
		err = vector_write(&set, out, d);
	content_free(c);
	p->vectors = view_of(out->p, out->len);
	p->n_vectors = err == E_OK ? set.n : 0;
	return err;
}

int cli_bundle_make(struct cli_rules *r, struct bundle_parts *p, struct buf *out)
{
	AUTO(buf_done) struct buf elf;
	AUTO(buf_done) struct buf vectors;
	struct diag d;
	enum err err;

	buf_init(&elf, CLI_ELF_MAX);
	buf_init(&vectors, BUNDLE_MAX_BYTES);
	diag_init(&d);
	err = rule_compile(r->set, &r->arena, &elf, &r->ds);
	if (err != E_OK)
		return r->ds.n_errors ? CLI_REFUSED
				      : cli_fail(CLI_REFUSED, "rules cannot be compiled: %s", err_text(err));
	err = parts_of_sources(r, p);
	if (err == E_OK) {
		p->content = view_of(elf.p, elf.len);
		err = make_vectors(r, p, &vectors, &d);
	}
	if (err == E_OK)
		err = bundle_write(p, out, &d);
	p->content = p->vectors = view_of(NULL, 0);
	return err == E_OK ? 0 : r->ds.n_errors ? CLI_REFUSED : cli_fail_diag(err, &d);
}

/* What every host will do, done before anybody has the file. */
static int prove(struct view bytes, struct bundle *b, struct arena *a)
{
	const struct bundle_host host = bundle_this_host();
	struct content *c = NULL;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = bundle_read(bytes, a, b, &d);
	if (err == E_OK)
		err = bundle_load(b, "compiled rules", &host, false, a, &c, &d);
	content_free(c);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

static int print_made(const struct build_args *a, const struct bundle *b, size_t bytes)
{
	const struct bundle_manifest *m = &b->manifest;
	char hex[BUNDLE_HEX_BYTES];
	struct buf out;
	struct json j;

	buf_init(&out, 1 << 20);
	if (!a->json) {
		buf_printf(&out, "%s\n", bundle_hex(b->digest, hex));
		(void)fprintf(stderr, "%s: %u rule%s, %u program%s, %u vector%s, %u source%s, %zu bytes\n", a->out,
			      m->n_rules, PLURAL(m->n_rules), m->n_programs, PLURAL(m->n_programs), m->n_vectors,
			      PLURAL(m->n_vectors), m->n_sources, PLURAL(m->n_sources), bytes);
		return cli_print(&out);
	}
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "bytes");
	json_u64(&j, bytes);
	json_key(&j, "digest");
	json_str(&j, bundle_hex(b->digest, hex));
	json_key(&j, "programs");
	json_u64(&j, m->n_programs);
	json_key(&j, "rules");
	json_u64(&j, m->n_rules);
	json_key(&j, "sources");
	json_u64(&j, m->n_sources);
	json_key(&j, "vectors");
	json_u64(&j, m->n_vectors);
	json_end_object(&j);
	return cli_print(&out);
}

static int write_out(const char *path, const struct buf *b)
{
	struct diag d;

	diag_init(&d);
	return io_replace_file(path, b->p, b->len, 0644, &d) == E_OK ? 0 : cli_fail(CLI_HOST, "%s", d.text);
}

static int make_and_write(struct build_args *a, struct cli_rules *r)
{
	AUTO(buf_done) struct buf file;
	AUTO(arena_done) struct arena arena = { 0 };
	struct bundle b;
	int code;

	buf_init(&file, BUNDLE_MAX_BYTES);
	arena_init(&arena, BUNDLE_ARENA_MAX);
	code = cli_bundle_make(r, &a->parts, &file);
	if (!code)
		code = prove(view_of(file.p, file.len), &b, &arena);
	if (!code && !b.manifest.n_rules)
		code = cli_fail(CLI_REFUSED, "the files define no enabled rule: nothing to put into a bundle");
	if (!code)
		code = write_out(a->out, &file);
	return code ? code : print_made(a, &b, file.len);
}

int cmd_bundle_build(int argc, char **argv)
{
	struct build_args a = {
		.parts = { .name = "local", .version = "0", .engine_min = ABI_LEVEL, .limits = bundle_usual_limits }
	};
	struct cli_rules r = { 0 };
	int code = parse(argc, argv, &a);

	if (code)
		return code;
	code = cli_rules_read(argv + optind, (uint32_t)(argc - optind), &template_builtin, &a.opts, &r);
	if (!code && !a.in_order)
		sort_sources(&r);
	if (!code)
		code = cli_rules_parse(&r);
	if (!code)
		code = make_and_write(&a, &r);
	cli_rules_show(&r);
	cli_rules_done(&r);
	return code;
}
