/* SPDX-License-Identifier: Apache-2.0 */
/* vector_test: what the tests of vectors share. */
#include "vector_test.h"

#include <unistd.h>

struct content *load_content(const struct rule_set *rs, struct arena *a, bool all_matches)
{
	struct content_opts o = { .table = rs->table, .all_matches = all_matches };
	struct content *c = NULL;
	struct diags ds;
	struct diag d;
	struct buf elf;

	diag_init(&d);
	diags_init(&ds, a);
	buf_init(&elf, 64 << 20);
	CHECK_OK(rule_compile(rs, a, &elf, &ds));
	if (content_load(view_of(elf.p, elf.len), "rules", &o, a, &c, &d))
		fail_msg("%c%u: %s", d.family, d.id, d.text);
	buf_done(&elf);
	return c;
}

void make_sources(struct made *m, const struct rule_source *src, size_t n, bool every)
{
	struct arena texts = m->texts;

	*m = (struct made){ .texts = texts };
	arena_init(&m->l.a, 1 << 30);
	diags_init(&m->l.ds, &m->l.a);
	diags_init(&m->ds, &m->l.a);
	buf_init(&m->l.said, 4 << 20);
	m->l.err = rule_load(src, n, &template_builtin, &m->l.a, &m->l.ds, &m->l.rs);
	if (m->l.err) {
		diags_render(&m->l.said, &m->l.ds, false);
		fail_msg("%s", m->l.said.p);
	}
	for (uint32_t i = 0; i < m->l.rs->n_rules; i++)
		m->l.rs->rules[i].enabled |= every;
	m->c = load_content(m->l.rs, &m->l.a, true);
	m->err = vector_make(m->l.rs, m->c, &m->l.a, &m->ds, &m->set);
	buf_puts(&m->l.said, "");
	diags_render(&m->l.said, &m->ds, false);
}

void make_text(struct made *m, const char *text)
{
	struct rule_source src = { "r.yaml", text, strlen(text) };

	arena_init(&m->texts, 1);
	make_sources(m, &src, 1, false);
}

void make_shipped(struct made *m)
{
	static const char *const files[] = { "rules/file.yaml", "rules/ipc.yaml", "rules/network.yaml",
					     "rules/process.yaml" };
	struct rule_source src[countof(files)];

	arena_init(&m->texts, 16 << 20);
	for (size_t i = 0; i < countof(files); i++)
		src[i] = source_file(&m->texts, files[i]);
	make_sources(m, src, countof(files), false);
}

bool make_falco(struct made *m)
{
	static const char *const files[] = { "falco_rules.yaml", "falco-incubating_rules.yaml",
					     "falco-sandbox_rules.yaml" };
	const char *root = getenv("SALLYPORT_SOURCE");
	struct rule_source src[countof(files)];
	char dir[4096];

	(void)snprintf(dir, sizeof dir, "%s/../shared/peers/falco-rules/", root ? root : ".");
	if (access(dir, R_OK))
		(void)snprintf(dir, sizeof dir, "%s/../../shared/peers/falco-rules/", root ? root : ".");
	if (access(dir, R_OK))
		return false;
	arena_init(&m->texts, 16 << 20);
	for (size_t i = 0; i < countof(files); i++)
		src[i] = source_file(&m->texts, arena_printf(&m->texts, "%s%s", strstr(dir, "../"), files[i]));
	make_sources(m, src, countof(files), true);
	return true;
}

void made_done(struct made *m)
{
	content_free(m->c);
	unload(&m->l);
	arena_done(&m->texts);
}

bool made_said(const struct made *m, unsigned id)
{
	for (const struct diag_node *n = m->ds.head; n; n = n->next)
		if (n->d.family == 'W' && n->d.id == id)
			return true;
	return false;
}
