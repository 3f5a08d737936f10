/* SPDX-License-Identifier: Apache-2.0 */
/*
 * substitute: lists put into a condition's text before it is read, as Falco does it: wherever a list's name stands
 * between delimiters, in quotes too. Only with rule_opts.strict_falco; else expand.c puts lists where values are.
 */
#include "content/rule/internal.h"

enum { TEXT_MAX_BYTES = 4 << 20 };

struct substitute {
	struct rule_ctx *c;
	struct rule_items *it;
	struct rule_text_maker m;
	struct rule_span at; /* the name that is being replaced */
	uint32_t n_put;      /* items put in its place */
};

static bool is_delimiter(char ch)
{
	return !ch || strchr(" \t\n\r(),=", ch);
}

static FALLIBLE put_list(struct substitute *x, struct rule_list *l, unsigned depth);

static FALLIBLE put_item(struct substitute *x, const struct rule_text *item, unsigned depth)
{
	struct rule_list *inner = rule_list_find(x->it, item->p, item->len);
	bool quotes = strchr(item->p, ' ') && item->p[0] != '"' && item->p[0] != '\'';

	if (inner)
		return put_list(x, inner, depth + 1);
	if (x->n_put++)
		rule_text_put(&x->m, ", ", 2, x->at);
	if (quotes)
		rule_text_put(&x->m, "\"", 1, x->at);
	rule_text_put(&x->m, item->p, item->len, x->at);
	if (quotes)
		rule_text_put(&x->m, "\"", 1, x->at);
	return E_OK;
}

static FALLIBLE put_list(struct substitute *x, struct rule_list *l, unsigned depth)
{
	enum err err = E_OK;

	l->used = true;
	if (l->visit == VISIT_ACTIVE || depth > RULE_MAX_DEPTH) {
		rule_report(x->c, l->visit == VISIT_ACTIVE ? RD_CYCLE : RD_DEEP, x->at, "list '%.60s' %s",
			    l->name.text->p, l->visit == VISIT_ACTIVE ? "contains itself" : "is nested too deep");
		return E_REJECTED;
	}
	l->visit = VISIT_ACTIVE;
	for (uint32_t i = 0; i < l->n_items && !err; i++)
		err = x->m.out.full ? E_LIMIT : put_item(x, l->items[i], depth);
	l->visit = VISIT_NEW;
	return err;
}

/* A comma, and the blanks before it, off the end. */
static bool drop_comma_before(struct rule_text_maker *m)
{
	size_t n = m->out.len;

	while (n && strchr(" \t\n\r", m->out.p[n - 1]))
		n--;
	if (!n || m->out.p[n - 1] != ',')
		return false;
	m->out.len = n - 1;
	return true;
}

/* The place after a comma at i, blanks before it passed over; i when there is none. */
static uint32_t skip_comma(const struct rule_text *t, uint32_t i)
{
	uint32_t k = i;

	while (t->p[k] && strchr(" \t\n\r", t->p[k]))
		k++;
	return t->p[k] == ',' ? k + 1 : i;
}

static FALLIBLE replace_all(struct substitute *x, const struct rule_text *t, bool *ret_any)
{
	uint32_t done = 0, end;

	*ret_any = false;
	for (uint32_t i = 0; i < t->len; i = end) {
		struct rule_list *l;

		for (end = i; !is_delimiter(t->p[end]); end++)
			;
		l = end > i ? rule_list_find(x->it, t->p + i, end - i) : NULL;
		if (!l) {
			end += end == i;
			continue;
		}
		*ret_any = true;
		x->at = (struct rule_span){ t, i, end - i };
		x->n_put = 0;
		rule_text_take(&x->m, (struct rule_span){ t, done, i - done });
		TRY(put_list(x, l, 0));
		if (!x->n_put && !drop_comma_before(&x->m))
			end = skip_comma(t, end);
		done = end;
	}
	rule_text_take(&x->m, (struct rule_span){ t, done, t->len - done });
	return x->m.nomem ? E_NOMEM : x->m.out.full ? E_LIMIT : E_OK;
}

FALLIBLE rule_substitute(struct rule_ctx *c, struct rule_items *it, const struct rule_text *text,
			 const struct rule_text **out)
{
	struct substitute x = { .c = c, .it = it, .m = { .a = c->a } };
	bool any;
	enum err err;

	buf_init(&x.m.out, TEXT_MAX_BYTES);
	err = replace_all(&x, text, &any);
	*out = err ? NULL : any ? rule_text_finish(&x.m) : text;
	buf_done(&x.m.out);
	if (err == E_LIMIT) {
		rule_report(c, RD_TOO_LARGE, rule_span_all(text),
			    "with all lists put in, the text has more than %d MiB", TEXT_MAX_BYTES >> 20);
		return E_REJECTED;
	}
	return err ? err : *out ? E_OK : E_NOMEM;
}
