/* SPDX-License-Identifier: Apache-2.0 */
#include "sigma_test.h"

void import_bytes(struct imported *m, const char *text, size_t len)
{
	struct rule_source src = { "t.yml", text, len };

	memset(m, 0, sizeof *m);
	arena_init(&m->a, SIGMA_FILE_ARENA_BYTES);
	diags_init(&m->ds, &m->a);
	buf_init(&m->said, 1 << 20);
	buf_init(&m->out, 16 << 20);
	CHECK_OK(sigma_new(&template_builtin, &m->s));
	m->err = sigma_add(m->s, &src, &m->a, &m->ds, &m->first);
	m->n = sigma_counts(m->s);
	diags_render(&m->said, &m->ds, false);
	buf_puts(&m->said, "");
	CHECK_OK(sigma_write(m->s, &m->out));
}

void import_text(struct imported *m, const char *text)
{
	import_bytes(m, text, strlen(text));
}

void import_done(struct imported *m)
{
	sigma_free(m->s);
	buf_done(&m->said);
	buf_done(&m->out);
	arena_done(&m->a);
}

bool import_said(const struct imported *m, unsigned id)
{
	for (const struct diag_node *n = m->ds.head; n; n = n->next)
		if (n->d.family == 'M' && n->d.id == id)
			return true;
	return false;
}

const char *import_condition(struct imported *m)
{
	const char *rule = strstr(m->out.p, "\n- rule: "), *p = rule ? strstr(rule, "  condition: |2-\n") : NULL, *end;
	char *text;
	size_t n = 0;

	if (!p)
		return "";
	p += strlen("  condition: |2-\n");
	end = strstr(p, "\n  output: ");
	text = arena_alloc(&m->a, (size_t)(end - p) + 1);
	for (bool indent = true; text && p < end; p++) {
		if (*p == '\n' && n)
			text[n++] = ' ';
		else if (*p != '\n' && !(*p == ' ' && indent))
			text[n++] = *p;
		indent = *p == '\n' || (*p == ' ' && indent);
	}
	return text ? text : "";
}
