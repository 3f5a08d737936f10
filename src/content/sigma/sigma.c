/* SPDX-License-Identifier: Apache-2.0 */
/* sigma: files in, one rules file out; what is given out was compiled first. */
#include "content/sigma/internal.h"

enum { NAMES_ARENA_BYTES = 8 << 20, TRIAL_ARENA_BYTES = 64 << 20, TRIAL_ELF_BYTES = 16 << 20 };

const struct sigma_diag_row sigma_diags[] = {
#define M(id, ident, title, help) { id, title, help },
#include "content/sigma/sigma_diags.def"
#undef M
};
const size_t sigma_n_diags = countof(sigma_diags);

struct name {
	struct hnode node;
	const char *text;
};

struct sigma_import {
	const struct template_table *table;
	struct arena names_arena;
	struct htab names;
	struct buf rules;
	uint32_t views;
	struct sigma_counts counts;
};

FALLIBLE sigma_new(const struct template_table *t, struct sigma_import **out)
{
	struct sigma_import *s = calloc(1, sizeof *s);

	if (!s)
		return E_NOMEM;
	s->table = t;
	arena_init(&s->names_arena, NAMES_ARENA_BYTES);
	buf_init(&s->rules, SIGMA_MAX_OUT_BYTES);
	if (htab_init(&s->names, SIGMA_MAX_RULES) != E_OK) {
		free(s);
		return E_NOMEM;
	}
	*out = s;
	return E_OK;
}

void sigma_free(struct sigma_import *s)
{
	if (!s)
		return;
	htab_done(&s->names);
	arena_done(&s->names_arena);
	buf_done(&s->rules);
	free(s);
}

struct sigma_counts sigma_counts(const struct sigma_import *s)
{
	return s->counts;
}

/* ---- names ---- */

static bool name_taken(const struct sigma_import *s, const char *text)
{
	struct hnode *n = htab_first(&s->names, hash_bytes(text, strlen(text), 0));

	for (; n; n = htab_next(n))
		if (!strcmp(((struct name *)(void *)n)->text, text))
			return true;
	return false;
}

static FALLIBLE name_add(struct sigma_import *s, const char *text)
{
	struct name *n = ARENA_NEW(&s->names_arena, struct name);

	if (!n)
		return E_NOMEM;
	n->text = arena_strndup(&s->names_arena, text, strlen(text));
	if (!n->text)
		return E_NOMEM;
	htab_add(&s->names, &n->node, hash_bytes(text, strlen(text), 0));
	return E_OK;
}

/* The title, if another rule has it with the begin of the id, if that is not enough with a number. */
static FALLIBLE unique_name(struct sigma_import *s, struct sigma_ctx *c, const struct sigma_rule *r, const char **out)
{
	const char *title = sigma_name(c->a, rule_node_text(r->title)), *id = NULL;
	const struct rule_node *n = sigma_get(r->doc, "id");

	if (!title)
		return E_NOMEM;
	if (!name_taken(s, title)) {
		*out = title;
		return E_OK;
	}
	if (n && rule_node_text(n).len)
		id = sigma_name(c->a, rule_node_text(n));
	*out = id ? arena_printf(c->a, "%s (%.8s)", title, id) : NULL;
	for (unsigned i = 2; !*out || name_taken(s, *out); i++) {
		*out = arena_printf(c->a, "%s (%u)", title, i);
		if (!*out)
			return E_NOMEM;
	}
	return E_OK;
}

/* ---- one rule ---- */

/* Load and compile what was written. E_UNSUPPORTED with why: the rules compiler says no. */
static FALLIBLE trial(struct sigma_ctx *c, const struct sigma_rule *r, const struct sigma_built *b,
		      const struct buf *text, const struct sigma_why **why)
{
	struct rule_source src = { .name = "the imported rule" };
	struct rule_set *set = NULL;
	struct buf whole, elf;
	struct arena a;
	struct diags ds;
	enum err err;

	buf_init(&whole, SIGMA_MAX_OUT_BYTES);
	buf_init(&elf, TRIAL_ELF_BYTES);
	arena_init(&a, TRIAL_ARENA_BYTES);
	diags_init(&ds, &a);
	sigma_write_head(b->views, &whole);
	buf_put(&whole, text->p, text->len);
	src.text = whole.p;
	src.len = whole.len;
	err = whole.full ? E_LIMIT : rule_load(&src, 1, c->table, &a, &ds, &set);
	if (!err && !set->rules[0].types)
		err = E_NOT_FOUND;
	if (!err)
		err = rule_compile(set, &a, &elf, &ds);
	if (err == E_NOT_FOUND)
		*why = sigma_why_new(c, MD_NEVER, r->condition, "no event of this release can satisfy the condition");
	else if (err)
		*why = sigma_why_new(c, MD_COMPILER, r->condition, "the rules compiler refuses it: %.120s",
				     ds.n_errors && ds.head ? ds.head->d.text : err_text(err));
	arena_done(&a);
	buf_done(&elf);
	buf_done(&whole);
	return err ? E_UNSUPPORTED : E_OK;
}

/* Everything of a rule that is for us. *why: E_UNSUPPORTED, or with E_OK what was left out. */
static FALLIBLE convert(struct sigma_import *s, struct sigma_ctx *c, const struct sigma_rule *r, const char **name,
			const struct sigma_why **why)
{
	struct sigma_built built;
	struct buf text;
	enum err err;

	TRY(sigma_build(c, r, &built, why));
	TRY(unique_name(s, c, r, name));
	buf_init(&text, 1 << 20);
	sigma_write_rule(c, r, *name, &built, &text);
	err = text.full ? E_LIMIT : trial(c, r, &built, &text, why);
	if (!err && (s->rules.max - s->rules.len < text.len + (64 << 10) || s->counts.imported == SIGMA_MAX_RULES))
		err = E_LIMIT;
	if (!err)
		err = name_add(s, *name);
	if (!err) {
		buf_put(&s->rules, text.p, text.len);
		s->views |= built.views;
		*why = built.lost;
	}
	buf_done(&text);
	return err;
}

static const char *text_of(const struct rule_node *doc, const char *key)
{
	const struct rule_node *n = sigma_get(doc, key);

	return n && rule_node_is(n, NODE_SCALAR) ? (const char *)rule_node_text(n).p : NULL;
}

static void count(struct sigma_counts *n, enum sigma_fate fate)
{
	n->imported += fate == SIGMA_IMPORTED || fate == SIGMA_PARTIAL;
	n->partial += fate == SIGMA_PARTIAL;
	n->refused += fate == SIGMA_REFUSED;
	n->malformed += fate == SIGMA_MALFORMED;
}

/* A rule that is not imported as a whole: say so, and why. */
static void tell(struct sigma_ctx *c, struct sigma_outcome *o, const struct sigma_why *why)
{
	const char *title = o->title ? sigma_name(c->a, view_of(o->title, strlen(o->title))) : NULL;
	struct sigma_why partial = *why;

	o->reason = why->text;
	if (o->fate == SIGMA_PARTIAL)
		partial.id = MD_PARTIAL;
	sigma_report(c, &partial, "rule \"%.80s\" %s: %s", title ? title : "-",
		     o->fate == SIGMA_PARTIAL ? "imported in part" : "not imported", why->text);
}

static FALLIBLE add_document(struct sigma_import *s, struct sigma_ctx *c, const struct rule_node *doc,
			     struct sigma_outcome *o)
{
	const struct sigma_why *why = NULL;
	const struct diag_node *n;
	struct diag_node **tail = c->ds->tail;
	struct sigma_rule r;
	enum err err = sigma_read(c, doc, &r, &why);

	o->title = text_of(doc, "title");
	o->id = text_of(doc, "id");
	o->pos = rule_node_pos(r.title ? r.title : doc, 0, 0, c->a, NULL);
	if (!err)
		err = convert(s, c, &r, &o->name, &why);
	if (c->no_memory)
		return E_NOMEM;
	if (err && err != E_REJECTED && err != E_UNSUPPORTED)
		return err;
	o->fate = err == E_REJECTED ? SIGMA_MALFORMED : err ? SIGMA_REFUSED : why ? SIGMA_PARTIAL : SIGMA_IMPORTED;
	if (err)
		o->name = NULL;
	if (o->fate == SIGMA_PARTIAL || o->fate == SIGMA_REFUSED)
		tell(c, o, why);
	n = *tail;
	if (o->fate == SIGMA_MALFORMED)
		o->reason = n ? n->d.text : "malformed";
	count(&s->counts, o->fate);
	return E_OK;
}

FALLIBLE sigma_add(struct sigma_import *s, const struct rule_source *src, struct arena *a, struct diags *ds,
		   const struct sigma_outcome **first)
{
	struct sigma_ctx c = { .table = s->table, .a = a, .ds = ds };
	const struct sigma_outcome *none, **link = first ? first : &none;
	const struct rule_node *const *docs = NULL;
	uint32_t n_docs = 0;
	enum err err = rule_documents(src, a, ds, &docs, &n_docs);

	*link = NULL;
	s->counts.malformed += err == E_REJECTED;
	TRY(err);
	for (uint32_t i = 0; i < n_docs; i++) {
		struct sigma_outcome *o = ARENA_NEW(a, struct sigma_outcome);

		if (!o)
			return E_NOMEM;
		TRY(add_document(s, &c, docs[i], o));
		*link = o;
		link = &o->next;
	}
	return E_OK;
}

FALLIBLE sigma_write(const struct sigma_import *s, struct buf *out)
{
	sigma_write_head(s->views, out);
	if (s->rules.len)
		buf_put(out, s->rules.p, s->rules.len);
	return out->full ? E_LIMIT : E_OK;
}
