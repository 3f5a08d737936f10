/* SPDX-License-Identifier: Apache-2.0 */
/* bundle inspect: what a bundle says of itself. */
#include "cli/cli.h"

#include <getopt.h>

#include "content/image/image.h"
#include "engine/obj/obj.h"

struct inspected {
	struct arena a;
	struct bundle b;
	struct image_rules rules;
	size_t bytes;
};

/* Of the content only what rules say of themselves is read; a bundle whose content cannot be read is refused. */
static int read_rules(struct inspected *k, const char *path)
{
	const struct obj_section *s;
	struct obj obj;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = obj_read(k->b.content, path, NULL, &k->a, &obj, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	s = obj_section(&obj, IMAGE_RULES_SECTION);
	if (!s)
		return cli_fail(CLI_REFUSED, "'%s': its content has no section " IMAGE_RULES_SECTION, path);
	err = image_read_rules(s->bytes, &k->a, &k->rules, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

static void put_pair(struct buf *out, const char *word, const uint8_t digest[BUNDLE_DIGEST_BYTES], size_t bytes)
{
	char hex[BUNDLE_HEX_BYTES];

	buf_printf(out, "%-16s %s  %zu bytes\n", word, bundle_hex(digest, hex), bytes);
}

static size_t sources_bytes(const struct bundle *b)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < b->manifest.n_sources; i++)
		bytes += b->sources[i].text.len;
	return bytes;
}

static void put_manifest(const struct inspected *k, struct buf *out)
{
	const struct bundle_manifest *m = &k->b.manifest;

	put_pair(out, "digest", k->b.digest, k->bytes);
	buf_printf(out, "%-16s %s\n%-16s %s\n%-16s %llu\n", "name", m->name, "version", m->version, "security floor",
		   (unsigned long long)m->security_floor);
	buf_printf(out, "%-16s %u to ", "engine", m->engine_min);
	if (m->engine_max == BUNDLE_ANY_ENGINE)
		buf_puts(out, "any\n");
	else
		buf_printf(out, "%u\n", m->engine_max);
	buf_printf(out, "%-16s %u rules, %u programs, %u vectors, %u sources%s\n", "holds", m->n_rules, m->n_programs,
		   m->n_vectors, m->n_sources, k->b.flags & BUNDLE_STRICT_FALCO ? ", read as Falco does" : "");
	put_pair(out, "content", m->content, k->b.content.len);
	put_pair(out, "vectors", m->vectors, k->b.vectors.len);
	put_pair(out, "sources", m->sources, sources_bytes(&k->b));
}

static int print_text(const struct inspected *k)
{
	const struct bundle_manifest *m = &k->b.manifest;
	char hex[BUNDLE_HEX_BYTES];
	struct buf out;

	buf_init(&out, 16 << 20);
	put_manifest(k, &out);
	buf_puts(&out, "\nlimits\n");
	for (size_t i = 0; i < bundle_n_limits; i++)
		buf_printf(&out, "  %-18s %12llu  %s\n", bundle_limit_rows[i].word,
			   (unsigned long long)bundle_limit_at(&m->limits, i), bundle_limit_rows[i].what);
	buf_puts(&out, "\nevent types, and the fields that the content counts on\n");
	for (uint32_t i = 0; i < m->n_types; i++) {
		buf_puts(&out, "  ");
		buf_put_safe(&out, m->types[i].name, strlen(m->types[i].name));
		buf_printf(&out, "\n    %3u common  %s\n", m->types[i].n_common,
			   bundle_hex(m->types[i].digest_common, hex));
		buf_printf(&out, "    %3u own     %s\n", m->types[i].n_own, bundle_hex(m->types[i].digest_own, hex));
	}
	buf_puts(&out, "\nrules\n");
	for (uint32_t i = 0; i < k->rules.n_rules; i++) {
		buf_printf(&out, "  %-13s ", rule_priority_name(k->rules.rules[i].priority));
		buf_put_safe(&out, k->rules.rules[i].name, strlen(k->rules.rules[i].name));
		buf_putc(&out, '\n');
	}
	buf_puts(&out, "\nsources\n");
	for (uint32_t i = 0; i < m->n_sources; i++)
		buf_printf(&out, "  %8zu bytes  %s\n", k->b.sources[i].text.len, k->b.sources[i].name);
	return cli_print(&out);
}

static void json_digest(struct json *j, const char *key, const uint8_t digest[BUNDLE_DIGEST_BYTES])
{
	char hex[BUNDLE_HEX_BYTES];

	json_key(j, key);
	json_str(j, bundle_hex(digest, hex));
}

static void json_number(struct json *j, const char *key, uint64_t n)
{
	json_key(j, key);
	json_u64(j, n);
}

static void json_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_str(j, text);
}

static void json_limits(struct json *j, const struct bundle_limits *l)
{
	json_key(j, "limits");
	json_object(j);
	for (size_t i = 0; i < bundle_n_limits; i++)
		json_number(j, bundle_limit_rows[i].word, bundle_limit_at(l, i));
	json_end_object(j);
}

static void json_types(struct json *j, const struct bundle_manifest *m)
{
	json_key(j, "types");
	json_array(j);
	for (uint32_t i = 0; i < m->n_types; i++) {
		json_object(j);
		json_digest(j, "common_digest", m->types[i].digest_common);
		json_number(j, "common_fields", m->types[i].n_common);
		json_text(j, "name", m->types[i].name);
		json_digest(j, "own_digest", m->types[i].digest_own);
		json_number(j, "own_fields", m->types[i].n_own);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_rules(struct json *j, const struct image_rules *r)
{
	json_key(j, "rules");
	json_array(j);
	for (uint32_t i = 0; i < r->n_rules; i++) {
		json_object(j);
		json_text(j, "name", r->rules[i].name);
		json_text(j, "priority", rule_priority_name(r->rules[i].priority));
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_sources(struct json *j, const struct bundle *b)
{
	json_key(j, "sources");
	json_array(j);
	for (uint32_t i = 0; i < b->manifest.n_sources; i++) {
		json_object(j);
		json_number(j, "bytes", b->sources[i].text.len);
		json_text(j, "name", b->sources[i].name);
		json_end_object(j);
	}
	json_end_array(j);
}

static int print_json(const struct inspected *k)
{
	const struct bundle_manifest *m = &k->b.manifest;
	struct buf out;
	struct json j;

	buf_init(&out, 16 << 20);
	json_init(&j, &out);
	json_object(&j);
	json_number(&j, "bytes", k->bytes);
	json_digest(&j, "content_digest", m->content);
	json_digest(&j, "digest", k->b.digest);
	json_key(&j, "engine_max");
	if (m->engine_max == BUNDLE_ANY_ENGINE)
		json_str(&j, NULL);
	else
		json_u64(&j, m->engine_max);
	json_number(&j, "engine_min", m->engine_min);
	json_limits(&j, &m->limits);
	json_text(&j, "name", m->name);
	json_number(&j, "programs", m->n_programs);
	json_rules(&j, &k->rules);
	json_number(&j, "security_floor", m->security_floor);
	json_sources(&j, &k->b);
	json_digest(&j, "sources_digest", m->sources);
	json_key(&j, "strict_falco");
	json_bool(&j, k->b.flags & BUNDLE_STRICT_FALCO);
	json_types(&j, m);
	json_number(&j, "vectors", m->n_vectors);
	json_digest(&j, "vectors_digest", m->vectors);
	json_text(&j, "version", m->version);
	json_end_object(&j);
	return cli_print(&out);
}

int cmd_bundle_inspect(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct inspected k = { 0 };
	AUTO_FREE char *text = NULL;
	bool json = false;
	int c, code;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c != 'j')
			return cli_usage("bundle");
		json = true;
	}
	if (optind + 1 != argc)
		return cli_fail(CLI_USAGE, optind == argc ? "which bundle?" : "one bundle at a time");
	arena_init(&k.a, CONTENT_ARENA_MAX);
	code = cli_bundle_read(argv[optind], &k.a, &text, &k.bytes, &k.b);
	if (!code)
		code = read_rules(&k, argv[optind]);
	if (!code)
		code = json ? print_json(&k) : print_text(&k);
	arena_done(&k.a);
	return code;
}
