/* SPDX-License-Identifier: Apache-2.0 */
/* loading: rule files and schemas for commands that work on them without a sensor. */
#include "agent/agent.h"
#include "cli/cli.h"
#include "content/runtime/runtime.h"

enum { ARENA_MAX = 512 << 20, SCHEMA_MAX_BYTES = 1 << 20, ELF_MAX_BYTES = 64 << 20 };

static int add_source(struct cli_rules *r, const char *name, struct view text, size_t *cap)
{
	struct rule_source *src = arena_grow(&r->arena, r->src, r->n_src, cap, sizeof *src);

	if (!src || !name)
		return cli_fail(CLI_HOST, "out of memory");
	r->src = src;
	src[r->n_src++] = (struct rule_source){ name, (const char *)text.p, text.len };
	return 0;
}

/* What a bundle's content does is proven here; then its sources are read as if they were files beside each other. */
static int add_bundle(struct cli_rules *r, const char *path, struct view bytes, size_t *cap)
{
	struct bundle_host host = bundle_this_host();
	struct content *c = NULL;
	struct bundle b;
	struct diag d;
	int code = 0;
	enum err err;

	host.table = r->table;
	diag_init(&d);
	d.subject = path;
	err = bundle_read(bytes, &r->arena, &b, &d);
	if (err == E_OK)
		err = bundle_load(&b, path, &host, false, &r->arena, &c, &d);
	content_free(c);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	r->opts.strict_falco |= b.flags & BUNDLE_STRICT_FALCO;
	for (uint32_t i = 0; i < b.manifest.n_sources && !code; i++)
		code = add_source(r, arena_printf(&r->arena, "%s/%s", path, b.sources[i].name), b.sources[i].text, cap);
	return code;
}

static int add_file(struct cli_rules *r, const char *path, size_t *cap)
{
	char **text = &r->texts[r->n_texts];
	struct diag d;
	size_t len;
	enum err err;

	diag_init(&d);
	err = agent_file_read(path, text, &len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	r->n_texts++;
	if (len >= 4 && !memcmp(*text, "\177ELF", 4))
		return cli_fail(CLI_REFUSED, "'%s' is an ELF object, not rules: 'sallyport verify' reads compiled ones",
				path);
	if (bundle_is(view_of(*text, len)))
		return add_bundle(r, path, view_of(*text, len), cap);
	return add_source(r, arena_strndup(&r->arena, path, strlen(path)), view_of(*text, len), cap);
}

int cli_rules_read(char *const *paths, uint32_t n, const struct template_table *t, const struct rule_opts *o,
		   struct cli_rules *r)
{
	struct agent_files files = { .n = 0 };
	size_t cap = 0;
	struct diag d;
	enum err err;
	int code;

	*r = (struct cli_rules){ .table = t, .opts = *o };
	arena_init(&r->arena, ARENA_MAX);
	diags_init(&r->ds, &r->arena);
	diag_init(&d);
	err = agent_files_list(paths, n, &files, &d);
	code = err == E_OK ? 0 : cli_fail_diag(err, &d);
	if (!code && !(r->texts = calloc(files.n, sizeof *r->texts)))
		code = cli_fail(CLI_HOST, "out of memory");
	for (uint32_t i = 0; i < files.n && !code; i++)
		code = add_file(r, files.path[i], &cap);
	agent_files_free(&files);
	return code;
}

int cli_rules_parse(struct cli_rules *r)
{
	enum err err = rule_load_opts(r->src, r->n_src, r->table, &r->opts, &r->arena, &r->ds, &r->set);

	if (err != E_OK && !r->ds.n_errors)
		return cli_fail(err == E_NOMEM ? CLI_HOST : CLI_REFUSED, "rules cannot be loaded: %s", err_text(err));
	return err == E_OK ? 0 : CLI_REFUSED;
}

int cli_rules_load_opts(char *const *paths, uint32_t n, const struct template_table *t, const struct rule_opts *o,
			struct cli_rules *r)
{
	int code = cli_rules_read(paths, n, t, o, r);

	return code ? code : cli_rules_parse(r);
}

int cli_rules_load(char *const *paths, uint32_t n, const struct template_table *t, struct cli_rules *r)
{
	const struct rule_opts none = { 0 };

	return cli_rules_load_opts(paths, n, t, &none, r);
}

void cli_rules_done(struct cli_rules *r)
{
	for (uint32_t i = 0; i < r->n_texts; i++)
		free(r->texts[i]);
	free(r->texts);
	arena_done(&r->arena);
}

void cli_rules_show(const struct cli_rules *r)
{
	struct buf text;

	buf_init(&text, 4 << 20);
	diags_render(&text, &r->ds, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
}

int cli_rules_content(struct cli_rules *r, struct arena *a, struct content **out)
{
	struct content_opts o = { .table = r->table, .all_matches = true };
	struct buf elf;
	struct diag d;
	enum err err;

	diag_init(&d);
	buf_init(&elf, ELF_MAX_BYTES);
	err = rule_compile(r->set, &r->arena, &elf, &r->ds);
	if (err != E_OK) {
		buf_done(&elf);
		return r->ds.n_errors ? CLI_REFUSED
				      : cli_fail(CLI_REFUSED, "rules cannot be compiled: %s", err_text(err));
	}
	err = content_load(view_of(elf.p, elf.len), "compiled rules", &o, a, out, &d);
	buf_done(&elf);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}

int cli_schema_load(const char *path, struct arena *a, const struct template_table **out)
{
	AUTO_FREE char *text = NULL;
	struct diag d;
	size_t len;
	enum err err;

	diag_init(&d);
	err = io_read_file(path, SCHEMA_MAX_BYTES, &text, &len, &d);
	if (err == E_OK)
		err = template_read_schema(text, len, path, a, out, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}
