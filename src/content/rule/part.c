/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: a rule's condition taken apart, so that each part can be asked by itself.
 *
 * There is no second way to judge a part: each becomes a rule of its own in a set that is compiled, verified and run
 * like any other. Trees of macros are shared, so a part that stands in several places is compiled once.
 */
#include "content/image/image.h"
#include "content/rule/internal.h"

struct seen {
	struct hnode node;
	const struct rule_cond *cond;
	uint32_t number;
};

struct take {
	struct rule_ctx c;
	struct rule_parts *out;
	struct rule_part *parts;
	size_t parts_cap, rules_cap;
	struct htab seen;
	uint32_t depth;
	struct rule_part_field *known; /* fields that have a rule already */
	uint32_t n_known;
	size_t known_cap;
};

/* ---- how a part is shown ---- */

static const char *joined_values(struct arena *a, const struct rule_check *k)
{
	enum { SHOWN = 8 };
	const char *s = "";

	for (uint32_t i = 0; s && i < k->n_values && i < SHOWN; i++)
		s = arena_printf(a, "%s%s%.*s", s, i ? ", " : "", (int)k->values[i].len, k->values[i].p);
	if (s && k->n_values > SHOWN)
		s = arena_printf(a, "%s, ... %u in all", s, k->n_values);
	return s;
}

/* proc.aname[2], proc.env[HOME]: rows of fields that take an index can end in []. */
static const char *shown_field(struct arena *a, const char *name, int32_t index, const char *key)
{
	size_t len = strlen(name);

	if (len > 2 && !strcmp(name + len - 2, "[]"))
		len -= 2;
	if (key)
		return arena_printf(a, "%.*s[%s]", (int)len, name, key);
	if (index >= 0)
		return arena_printf(a, "%.*s[%d]", (int)len, name, index);
	return name;
}

/* As it was written, each run of blanks as one space. */
static const char *written(struct arena *a, struct rule_span s)
{
	char *text = arena_strndup(a, s.text->p + s.off, s.len), *to = text;

	for (const char *p = text; p && *p; p++) {
		bool blank = strchr(" \t\r\n", *p) != NULL;

		if (!blank || (to > text && to[-1] != ' '))
			*to++ = blank ? ' ' : *p;
	}
	if (text)
		*to = 0;
	return text;
}

const char *rule_check_text(struct arena *a, const struct rule_check *k)
{
	const struct rule_op_row *op = &rule_ops[k->op];
	const char *values;

	if (k->text.len)
		return written(a, k->text);
	values = joined_values(a, k);
	if (!values)
		return NULL;
	return arena_printf(a, op->flags & OP_LIST ? "%s %s (%s)" : "%s %s %s",
			    shown_field(a, k->field, k->index, k->key), op->word, values);
}

static const char *text_of(struct arena *a, const struct rule_cond *cond)
{
	switch ((enum rule_cond_kind)cond->kind) {
	case COND_AND:
		return "and";
	case COND_OR:
		return "or";
	case COND_NOT:
		return "not";
	case COND_MACRO:
		return written(a, cond->at);
	case COND_CHECK:
		return rule_check_text(a, &cond->check);
	}
	return NULL;
}

/* ---- the tree ---- */

/* A rule that is true when the condition is. */
static FALLIBLE add_rule(struct take *x, const struct rule_cond *cond, uint32_t *out)
{
	struct rule_set *set = &x->out->set;

	if (set->n_rules == IMAGE_MAX_RULES)
		return E_LIMIT;
	set->rules = arena_grow(x->c.a, set->rules, set->n_rules, &x->rules_cap, sizeof *set->rules);
	if (!set->rules)
		return E_NOMEM;
	set->rules[set->n_rules] = (struct rule){ .name = arena_printf(x->c.a, "part %u", set->n_rules),
						  .desc = "",
						  .output = "",
						  .source = "syscall",
						  .enabled = true,
						  .cond = cond };
	if (!set->rules[set->n_rules].name)
		return E_NOMEM;
	TRY(rule_find_types(&x->c, cond, &set->rules[set->n_rules].types, &set->rules[set->n_rules].always));
	*out = set->n_rules++;
	return E_OK;
}

/* The rule of a condition; a macro is what it stands for. */
static FALLIBLE rule_of(struct take *x, const struct rule_cond *cond, uint32_t *out)
{
	struct seen *s;
	uint64_t hash;

	while (cond->kind == COND_MACRO)
		cond = cond->kids[0];
	hash = hash_u64((uintptr_t)cond);
	for (struct hnode *n = htab_first(&x->seen, hash); n; n = htab_next(n)) {
		s = CONTAINER_OF(n, struct seen, node);
		*out = s->number;
		if (s->cond == cond)
			return E_OK;
	}
	s = ARENA_NEW(x->c.a, struct seen);
	if (!s)
		return E_NOMEM;
	TRY(add_rule(x, cond, out));
	*s = (struct seen){ .cond = cond, .number = *out };
	htab_add(&x->seen, &s->node, hash);
	return E_OK;
}

/* ---- fields ---- */

static bool same_field(const struct rule_part_field *f, const struct rule_part_field *g)
{
	return !strcmp(f->name, g->name) && f->index == g->index && !f->key == !g->key && f->key_len == g->key_len &&
	       (!f->key || !memcmp(f->key, g->key, f->key_len));
}

/* The rule "field exists". */
static FALLIBLE presence_rule(struct take *x, struct rule_part_field *f)
{
	struct rule_cond *exists;

	for (uint32_t i = 0; i < x->n_known; i++) {
		f->rule = x->known[i].rule;
		if (same_field(f, &x->known[i]))
			return E_OK;
	}
	exists = rule_cond_new(&x->c, COND_CHECK, (struct rule_span){ 0 }, NULL, 0);
	x->known = arena_grow(x->c.a, x->known, x->n_known, &x->known_cap, sizeof *x->known);
	if (!exists || !x->known)
		return E_NOMEM;
	exists->check = (struct rule_check){
		.field = f->name, .index = f->index, .key = f->key, .key_len = f->key_len, .op = OP_EXISTS
	};
	TRY(add_rule(x, exists, &f->rule));
	x->known[x->n_known++] = *f;
	return E_OK;
}

struct fields {
	struct take *x;
	struct rule_part_field *list;
	uint32_t n;
	size_t cap;
};

static FALLIBLE add_field(struct fields *l, const char *name, int32_t index, const char *key, uint32_t key_len)
{
	struct rule_part_field f = { .name = name,
				     .shown = shown_field(l->x->c.a, name, index, key),
				     .index = index,
				     .key = key,
				     .key_len = key_len };

	if (!f.shown)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->n; i++)
		if (same_field(&f, &l->list[i]))
			return E_OK;
	TRY(presence_rule(l->x, &f));
	l->list = arena_grow(l->x->c.a, l->list, l->n, &l->cap, sizeof *l->list);
	if (!l->list)
		return E_NOMEM;
	l->list[l->n++] = f;
	return E_OK;
}

static FALLIBLE add_leaves(struct fields *l, const struct rule_expr *e)
{
	if (!e)
		return E_OK;
	if (e->kind == EXPR_FIELD)
		return add_field(l, e->text, e->index, e->key, e->key_len);
	for (uint32_t i = 0; i < e->n; i++)
		TRY(add_leaves(l, e->kids[i]));
	return E_OK;
}

/* evt.dir is no field: there is nothing to miss. */
static FALLIBLE fields_of(struct take *x, const struct rule_check *k, struct rule_part *p)
{
	struct fields l = { .x = x };

	if (k->left) {
		TRY(add_leaves(&l, k->left));
		TRY(add_leaves(&l, k->right));
	} else if (strcmp(k->field, "evt.dir") != 0) {
		TRY(add_field(&l, k->field, k->index, k->key, k->key_len));
	}
	p->fields = l.list;
	p->n_fields = l.n;
	p->asks_exists = k->op == OP_EXISTS;
	return E_OK;
}

static FALLIBLE take(struct take *x, const struct rule_cond *cond, uint32_t parent)
{
	struct rule_parts *out = x->out;
	uint32_t me = out->n;
	struct rule_part *p;

	x->parts = arena_grow(x->c.a, x->parts, out->n, &x->parts_cap, sizeof *x->parts);
	if (!x->parts)
		return E_NOMEM;
	out->n++;
	p = &x->parts[me];
	*p = (struct rule_part){ .kind = cond->kind,
				 .parent = parent,
				 .depth = x->depth,
				 .text = text_of(x->c.a, cond),
				 .pos = rule_span_pos(cond->at, x->c.a, NULL) };
	if (!p->text)
		return E_NOMEM;
	TRY(rule_of(x, cond, &p->rule));
	if (cond->kind == COND_CHECK)
		TRY(fields_of(x, &cond->check, p));
	x->depth++;
	for (uint32_t i = 0; i < cond->n; i++)
		TRY(take(x, cond->kids[i], me));
	x->depth--;
	x->parts[me].end = out->n;
	return E_OK;
}

static_assert((int)RULE_PART_AND == COND_AND && (int)RULE_PART_OR == COND_OR && (int)RULE_PART_NOT == COND_NOT &&
		      (int)RULE_PART_CHECK == COND_CHECK && (int)RULE_PART_MACRO == COND_MACRO,
	      "a part's kind is its condition's");

FALLIBLE rule_parts(const struct rule_set *rs, uint32_t rule, struct arena *a, struct rule_parts *out)
{
	struct take x = { .c = { .table = rs->table, .a = a }, .out = out };
	enum err err;

	*out = (struct rule_parts){ .set = { .table = rs->table } };
	TRY(htab_init(&x.seen, IMAGE_MAX_RULES));
	err = take(&x, rs->rules[rule].cond, 0);
	htab_done(&x.seen);
	out->parts = x.parts;
	return err;
}

/* ---- what a rule uses ---- */

struct uses {
	struct arena *a;
	const struct rule_book *book;
	bool *macros, *lists;
	struct rule_uses *out;
	size_t fields_cap;
};

static FALLIBLE use_field(struct uses *x, const char *field)
{
	struct rule_uses *u = x->out;

	for (uint32_t i = 0; i < u->n_fields; i++)
		if (!strcmp(u->fields[i], field))
			return E_OK;
	u->fields = arena_grow(x->a, u->fields, u->n_fields, &x->fields_cap, sizeof *u->fields);
	if (!u->fields)
		return E_NOMEM;
	u->fields[u->n_fields++] = field;
	return E_OK;
}

static FALLIBLE use_leaves(struct uses *x, const struct rule_expr *e)
{
	if (e && e->kind == EXPR_FIELD)
		return use_field(x, e->text);
	for (uint32_t i = 0; e && i < e->n; i++)
		TRY(use_leaves(x, e->kids[i]));
	return E_OK;
}

static void use_list(struct uses *x, const char *name, size_t len)
{
	for (uint32_t i = 0; i < x->book->n_lists; i++) {
		struct rule_span s = x->book->lists[i]->name;

		if (s.len == len && !memcmp(s.text->p + s.off, name, len))
			x->lists[i] = true;
	}
}

/* Lists are put in when a condition is expanded: their names are only in its text. */
static FALLIBLE use_lists(struct uses *x, const struct rule_check *k)
{
	struct rule_span s = k->text;
	uint32_t i = k->op_at.off + k->op_at.len, end = s.off + s.len;
	const char *p;

	if (!s.len || k->op_at.text != s.text)
		return E_OK;
	for (p = s.text->p; i < end;) {
		uint32_t start = i;
		char quote = p[i] == '"' || p[i] == '\'' ? p[i] : 0;

		while (i < end && (quote ? i == start || p[i] != quote : !strchr(" \t\r\n(),", p[i])))
			i += p[i] == '\\' && i + 1 < end ? 2 : 1;
		if (!quote && i > start)
			use_list(x, p + start, i - start);
		i += quote || i == start;
	}
	return E_OK;
}

static FALLIBLE find_uses(struct uses *x, const struct rule_cond *cond)
{
	if (cond->kind == COND_CHECK) {
		TRY(use_leaves(x, cond->check.left));
		TRY(use_leaves(x, cond->check.right));
		if (!cond->check.left)
			TRY(use_field(x, cond->check.field));
		return use_lists(x, &cond->check);
	}
	for (uint32_t i = 0; cond->kind == COND_MACRO && i < x->book->n_macros; i++) {
		const struct rule_macro *m = x->book->macros[i];

		if (m->cond != cond->kids[0])
			continue;
		if (x->macros[i])
			return E_OK;
		x->macros[i] = true;
	}
	for (uint32_t i = 0; i < cond->n; i++)
		TRY(find_uses(x, cond->kids[i]));
	return E_OK;
}

static FALLIBLE keep_names(struct uses *x)
{
	const struct rule_book *b = x->book;
	struct rule_uses *u = x->out;

	u->macros = ARENA_ARRAY(x->a, const char *, b->n_macros);
	u->lists = ARENA_ARRAY(x->a, const char *, b->n_lists);
	if (!u->macros || !u->lists)
		return E_NOMEM;
	for (uint32_t i = 0; i < b->n_macros; i++)
		if (x->macros[i])
			u->macros[u->n_macros++] = written(x->a, b->macros[i]->name);
	for (uint32_t i = 0; i < b->n_lists; i++)
		if (x->lists[i])
			u->lists[u->n_lists++] = written(x->a, b->lists[i]->name);
	return E_OK;
}

FALLIBLE rule_find_uses(const struct rule_set *rs, uint32_t rule, struct arena *a, struct rule_uses *out)
{
	struct uses x = { .a = a, .book = rs->book, .out = out };

	*out = (struct rule_uses){ 0 };
	x.macros = ARENA_ARRAY(a, bool, x.book->n_macros);
	x.lists = ARENA_ARRAY(a, bool, x.book->n_lists);
	if (!x.macros || !x.lists)
		return E_NOMEM;
	TRY(find_uses(&x, rs->rules[rule].cond));
	return keep_names(&x);
}
