/* SPDX-License-Identifier: Apache-2.0 */
/* loading: rule files and schemas for commands that work on them without a sensor. */
#include "agent/agent.h"
#include "cli/cli.h"
#include "content/runtime/runtime.h"

enum { ARENA_MAX = 512 << 20, SCHEMA_MAX_BYTES = 1 << 20, ELF_MAX_BYTES = 64 << 20 };

static int read_all(const struct agent_files *files, struct cli_rules *r)
{
	r->src = ARENA_ARRAY(&r->arena, struct rule_source, files->n);
	r->texts = calloc(files->n, sizeof *r->texts);
	if (!r->src || !r->texts)
		return cli_fail(CLI_HOST, "out of memory");
	for (uint32_t i = 0; i < files->n; i++) {
		size_t len;
		struct diag d;
		enum err err;

		diag_init(&d);
		err = agent_file_read(files->path[i], &r->texts[i], &len, &d);
		if (err != E_OK)
			return cli_fail_diag(err, &d);
		r->n_src = i + 1;
		if (len >= 4 && !memcmp(r->texts[i], "\177ELF", 4))
			return cli_fail(CLI_REFUSED,
					"'%s' is an ELF object, not rules: 'sallyport verify' reads compiled ones",
					files->path[i]);
		r->src[i] = (struct rule_source){ arena_strndup(&r->arena, files->path[i], strlen(files->path[i])),
						  r->texts[i], len };
		if (!r->src[i].name)
			return cli_fail(CLI_HOST, "out of memory");
	}
	return 0;
}

int cli_rules_load_opts(char *const *paths, uint32_t n, const struct template_table *t, const struct rule_opts *o,
			struct cli_rules *r)
{
	struct agent_files files = { .n = 0 };
	struct diag d;
	enum err err;
	int code;

	*r = (struct cli_rules){ .table = t };
	arena_init(&r->arena, ARENA_MAX);
	diags_init(&r->ds, &r->arena);
	diag_init(&d);
	err = agent_files_list(paths, n, &files, &d);
	code = err == E_OK ? read_all(&files, r) : cli_fail_diag(err, &d);
	agent_files_free(&files);
	if (code)
		return code;
	err = rule_load_opts(r->src, r->n_src, t, o, &r->arena, &r->ds, &r->set);
	if (err != E_OK && !r->ds.n_errors)
		return cli_fail(err == E_NOMEM ? CLI_HOST : CLI_REFUSED, "rules cannot be loaded: %s", err_text(err));
	return err == E_OK ? 0 : CLI_REFUSED;
}

int cli_rules_load(char *const *paths, uint32_t n, const struct template_table *t, struct cli_rules *r)
{
	const struct rule_opts none = { 0 };

	return cli_rules_load_opts(paths, n, t, &none, r);
}

void cli_rules_done(struct cli_rules *r)
{
	for (uint32_t i = 0; i < r->n_src; i++)
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
