/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot: what can be put into the fields that a condition looks at, and what its comparisons make of it.
 *
 * Fields that one comparison looks at together are one slot. Its candidates: texts that no rule speaks of, what each
 * comparison suggests (rule_part_samples), later what several want together, and nothing at all. The compiled parts
 * say which comparisons a candidate satisfies: nothing here judges one.
 */
#include "content/vector/internal.h"

enum { PIECES = 6, MIXES = 192, NEAR_MIXES = 32, LIST_MAX = 64, VALUES_MAX = 64, JUDGE_MAX_BYTES = 4 << 20 };

static bool fail(struct vector_problem *p, enum err err)
{
	p->err = p->err ? p->err : err;
	return false;
}

/* ---- candidates ---- */

static bool same_values(const struct vector_slot *s, const struct vector_field *a, const struct vector_field *b)
{
	for (uint32_t i = 0; i < s->n_rows; i++)
		if (!a[i].value != !b[i].value || a[i].value_len != b[i].value_len ||
		    (a[i].value && memcmp(a[i].value, b[i].value, a[i].value_len)))
			return false;
	return true;
}

/* What the slot's comparisons are when nothing but its fields is there. False: it is no value of a field's. */
static bool judge(struct vector_problem *p, const struct vector_slot *s, struct vector_cand *c)
{
	struct arena a;
	struct diag d;
	enum err err;

	arena_init(&a, JUDGE_MAX_BYTES);
	diag_init(&d);
	err = vector_event(p->e, p->type->name, c->fields, s->n_rows, &a, &d);
	if (err == E_OK)
		err = explain_judge(p->x, p->e, p->values, &d);
	arena_done(&a);
	if (err == E_FAULT && p->d)
		*p->d = d;
	if (err == E_FAULT || err == E_NOMEM)
		return fail(p, err);
	for (uint32_t i = 0; i < s->n_vars && !err; i++)
		if (p->values[p->vars[s->vars[i]].part].truth == EXPLAIN_TRUE)
			c->bits[s->vars[i] / 64] |= 1ull << s->vars[i] % 64;
	return err == E_OK;
}

/* One more candidate, unless it is there; fields is kept. False: it is not new, or none of the fields'. */
static bool add(struct vector_problem *p, struct vector_slot *s, struct vector_cand c)
{
	if (s->n == VECTOR_MAX_VALUES || p->err)
		return false;
	c.missing = true;
	for (uint32_t i = 0; i < s->n_rows; i++)
		c.missing = c.missing && !c.fields[i].value;
	for (uint32_t i = 0; i < s->n; i++)
		if (same_values(s, s->cands[i].fields, c.fields))
			return false;
	c.bits = ARENA_ARRAY(p->a, uint64_t, (p->n_vars + 63) / 64);
	s->cands = arena_grow(p->a, s->cands, s->n, &s->cap, sizeof *s->cands);
	if (!c.bits || !s->cands)
		return fail(p, E_NOMEM);
	if (!judge(p, s, &c))
		return false;
	s->cands[s->n++] = c;
	return true;
}

/* A text that no rule speaks of, of the right kind. */
static const char *neutral(const struct template_field *row, uint32_t which)
{
	switch ((enum template_field_type)row->type) {
	case TEMPLATE_BOOL:
		return which ? "true" : "false";
	case TEMPLATE_U64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
		return which ? "40007" : "7";
	case TEMPLATE_I64:
		return which ? "-7" : "7";
	case TEMPLATE_IP:
		return which ? "2001:db8::7" : "192.0.2.7";
	case TEMPLATE_ANCESTRY:
		return which ? "/q7x/q7a\n/q7x/q7b\n/q7x/q7c" : "q7x\nq7a\nq7b\nq7c";
	case TEMPLATE_DICT:
		return which ? "q7x=/q7a" : "q7x=q7a";
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
	case TEMPLATE_LIST:
	case TEMPLATE_NAMES:
		return which ? "/q7x/q7a" : "q7x";
	}
	return NULL;
}

static struct vector_field *fields_new(struct vector_problem *p, const struct vector_slot *s, uint32_t which)
{
	struct vector_field *f = ARENA_ARRAY(p->a, struct vector_field, s->n_rows);

	for (uint32_t i = 0; f && i < s->n_rows; i++) {
		const char *text = which < 2 ? neutral(s->rows[i], which) : NULL;

		f[i] = (struct vector_field){ s->rows[i]->name, text, text ? (uint32_t)strlen(text) : 0 };
	}
	if (!f)
		fail(p, E_NOMEM);
	return f;
}

/* ---- from wishes to values ---- */

struct wishes {
	const struct rule_sample_value *v[VALUES_MAX];
	uint32_t n;
};

static const char *keep(struct vector_problem *p, struct buf *b, uint32_t *len)
{
	const char *text = b->full ? NULL : arena_strndup(p->a, b->p ? b->p : "", b->len);

	*len = (uint32_t)b->len;
	buf_done(b);
	return text;
}

static bool has(const struct buf *b, const struct rule_sample_value *v, bool at_end)
{
	if (at_end)
		return b->len >= v->len && !memcmp(b->p + b->len - v->len, v->text, v->len);
	return b->len && memmem(b->p, b->len, v->text, v->len) != NULL;
}

/* How wishes become one text: what stands between them, and where nobody wishes for a beginning or an end. */
struct style {
	const char *sep, *ends;
};

/* One text that begins, goes on and ends as wished: the first whole one, else the parts. */
static void put_text(struct buf *b, const struct wishes *w, const struct style *st)
{
	static const uint8_t order[] = { RULE_SAMPLE_BEGIN, RULE_SAMPLE_INSIDE, RULE_SAMPLE_END };
	const struct rule_sample_value *begin = NULL;
	bool end = false;

	for (uint32_t i = 0; i < w->n; i++) {
		end |= w->v[i]->place == RULE_SAMPLE_END;
		if (w->v[i]->place == RULE_SAMPLE_WHOLE) {
			buf_put(b, w->v[i]->text, w->v[i]->len);
			return;
		}
		if (w->v[i]->place == RULE_SAMPLE_BEGIN && (!begin || begin->len < w->v[i]->len))
			begin = w->v[i];
	}
	buf_put(b, begin ? begin->text : st->ends, begin ? begin->len : strlen(st->ends));
	for (size_t o = 1; o < countof(order); o++)
		for (uint32_t i = 0; i < w->n; i++) {
			const struct rule_sample_value *v = w->v[i];

			if (v->place != order[o] || (b->len && has(b, v, v->place == RULE_SAMPLE_END)))
				continue;
			if (b->len)
				buf_puts(b, st->sep);
			buf_put(b, v->text, v->len);
		}
	buf_puts(b, end ? "" : st->ends);
}

/* Wishes for the same element are one text; those for any have elements of their own behind the others. */
static void put_list(struct buf *b, const struct template_field *row, const struct wishes *w, const struct style *st)
{
	int32_t n = row->type == TEMPLATE_ANCESTRY; /* 0 is the process itself, which comparisons of any leave out */

	for (uint32_t i = 0; i < w->n; i++) {
		if (w->v[i]->element == -2) {
			buf_put(b, w->v[i]->text, w->v[i]->len);
			return;
		}
		n = w->v[i]->element >= n ? w->v[i]->element + 1 : n;
	}
	n = n < LIST_MAX ? n : LIST_MAX;
	for (int32_t e = 0; e < n; e++) {
		struct wishes one = { .n = 0 };

		for (uint32_t i = 0; i < w->n; i++)
			if (w->v[i]->element == e)
				one.v[one.n++] = w->v[i];
		buf_puts(b, e ? "\n" : "");
		if (row->type == TEMPLATE_DICT)
			buf_printf(b, "%s=", one.n && one.v[0]->key ? one.v[0]->key : "q7x");
		if (one.n)
			put_text(b, &one, st);
		else
			buf_puts(b, "q7x");
	}
	for (uint32_t i = 0, k = (uint32_t)n; i < w->n; i++) {
		struct wishes one = { .v = { w->v[i] }, .n = 1 };
		bool first = true;

		if (w->v[i]->element != -1)
			continue;
		for (uint32_t j = 0; j < w->n && w->v[i]->key; j++) { /* wishes about one key are about one value */
			if (j == i || w->v[j]->element != -1 || strcmp(w->v[j]->key, w->v[i]->key) != 0)
				continue;
			first = first && j > i;
			one.v[one.n++] = w->v[j];
		}
		if (!first)
			continue;
		buf_puts(b, k++ ? "\n" : "");
		if (w->v[i]->key)
			buf_printf(b, "%s=", w->v[i]->key);
		put_text(b, &one, st);
	}
}

/* A candidate of what one or several samples want; fields that none wants are neutral. */
static bool add_samples(struct vector_problem *p, struct vector_slot *s, const struct rule_sample *const *samples,
			const uint32_t *vars, uint32_t n, const struct style *st)
{
	struct vector_cand c = { .origin = n == 1 ? vars[0] : VECTOR_NONE, .sample = n == 1 ? samples[0] : NULL };
	struct vector_field *f = fields_new(p, s, 0);

	for (uint32_t r = 0; f && r < s->n_rows; r++) {
		struct wishes w = { .n = 0 };
		struct buf b;

		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < samples[i]->n && w.n < VALUES_MAX; k++) {
				const struct rule_part *part = &p->parts->parts[p->vars[vars[i]].part];

				if (!strcmp(part->fields[samples[i]->v[k].field].name, s->rows[r]->name))
					w.v[w.n++] = &samples[i]->v[k];
			}
		if (!w.n)
			continue;
		buf_init(&b, 2 * RULE_SAMPLE_MAX_BYTES);
		if (s->rows[r]->type >= TEMPLATE_LIST)
			put_list(&b, s->rows[r], &w, st);
		else
			put_text(&b, &w, st);
		f[r].value = keep(p, &b, &f[r].value_len);
		if (!f[r].value)
			return false; /* too long */
	}
	c.fields = f;
	return f && add(p, s, c);
}

/* ---- several wishes together ---- */

struct mix {
	uint32_t vars[VALUES_MAX];
	const struct rule_sample *pieces[VALUES_MAX][PIECES];
	uint32_t n_pieces[VALUES_MAX], n;
};

/* Samples of the variable that make it what it must be: those for places first, then whole values. */
static uint32_t find_pieces(const struct vector_problem *p, const struct vector_slot *s, uint32_t var,
			    const struct rule_sample **out)
{
	uint32_t n = 0;

	for (int whole = 0; whole < 2; whole++)
		for (uint32_t i = 0; i < s->n && n < PIECES; i++) {
			const struct vector_cand *c = &s->cands[i];

			if (c->origin == var && vector_bit(c->bits, var) == p->vars[var].lit &&
			    (c->sample->v[0].place == RULE_SAMPLE_WHOLE) == whole)
				out[n++] = c->sample;
		}
	return n;
}

bool vector_compose(struct vector_problem *p, struct vector_slot *s, uint32_t var, const struct rule_sample *sample)
{
	static const struct style styles[] = { { "", "" },  { "/", "" },  { " ", "" },
					       { "x", "" }, { "x", "x" }, { "-", "-" } };
	struct mix *m = ARENA_NEW(p->a, struct mix);
	uint64_t all = countof(styles), max = sample ? NEAR_MIXES : MIXES;

	if (!m)
		return fail(p, E_NOMEM);
	for (uint32_t i = 0; i < s->n_vars && m->n < VALUES_MAX; i++) {
		uint32_t v = s->vars[i];

		if (v != var && (p->vars[v].lit == LIT_OPEN || vector_bit(s->cands[0].bits, v) == p->vars[v].lit))
			continue;
		m->vars[m->n] = v;
		m->pieces[m->n][0] = sample;
		m->n_pieces[m->n] = v == var ? 1 : find_pieces(p, s, v, m->pieces[m->n]);
		if (!m->n_pieces[m->n])
			return false;
		all *= all < MIXES ? m->n_pieces[m->n] : 1;
		m->n++;
	}
	if (m->n < 2)
		return false;
	for (uint64_t k = 0; k < max && k < all && *p->rule_tries && !p->err; k++) {
		const struct rule_sample *samples[VALUES_MAX];
		uint64_t rest = k / countof(styles);

		--*p->rule_tries;

		for (uint32_t i = 0; i < m->n; i++) {
			samples[i] = m->pieces[i][rest % m->n_pieces[i]];
			rest /= m->n_pieces[i];
		}
		if (!add_samples(p, s, samples, m->vars, m->n, &styles[k % countof(styles)]))
			continue;
		if (vector_agrees(p, s, s->n - 1))
			return true;
		s->n--;
	}
	return false;
}

bool vector_graft(struct vector_problem *p, struct vector_slot *s, uint32_t base, uint32_t row, uint32_t from)
{
	struct vector_field *f = ARENA_ARRAY(p->a, struct vector_field, s->n_rows);

	if (!f)
		return fail(p, E_NOMEM);
	memcpy(f, s->cands[base].fields, s->n_rows * sizeof *f);
	f[row] = s->cands[from].fields[row];
	for (uint32_t i = 0; i < s->n; i++)
		if (same_values(s, s->cands[i].fields, f)) {
			s->pick = i;
			return true;
		}
	if (!add(p, s, (struct vector_cand){ .fields = f, .origin = VECTOR_NONE }))
		return false;
	s->pick = s->n - 1;
	return true;
}

/* ---- the problem ---- */

static FALLIBLE first_candidates(struct vector_problem *p, struct vector_slot *s)
{
	static const struct style plain = { "", "" };
	bool event = vector_is_event(s);

	for (uint32_t which = 0; which < 2 && !event; which++)
		(void)add(p, s, (struct vector_cand){ .fields = fields_new(p, s, which), .origin = VECTOR_NONE });
	for (const char *name = p->type->events; event && *name;) {
		struct vector_field *f = fields_new(p, s, 2);

		if (!f)
			return E_NOMEM;
		f->value_len = (uint32_t)strcspn(name, " ");
		f->value = arena_strndup(p->a, name, f->value_len);
		if (!f->value)
			return E_NOMEM;
		(void)add(p, s, (struct vector_cand){ .fields = f, .origin = VECTOR_NONE });
		name += f->value_len + (name[f->value_len] == ' ');
	}
	for (uint32_t i = 0; i < s->n_vars && !event; i++) {
		const struct rule_sample *samples;
		uint32_t n;

		TRY(rule_part_samples(p->parts, p->vars[s->vars[i]].part, p->type_index, p->a, &samples, &n));
		for (uint32_t k = 0; k < n; k++) {
			const struct rule_sample *one = &samples[k];

			(void)add_samples(p, s, &one, &s->vars[i], 1, &plain);
		}
	}
	if (!event)
		(void)add(p, s, (struct vector_cand){ .fields = fields_new(p, s, 2), .origin = VECTOR_NONE });
	return p->err;
}

int vector_fixed(const struct rule_parts *parts, uint32_t part, uint32_t type_index)
{
	const struct rule *r = &parts->set.rules[parts->parts[part].rule];

	if (!(r->types >> type_index & 1))
		return FIXED_FALSE;
	return r->always >> type_index & 1 ? FIXED_TRUE : FIXED_NOT;
}

static FALLIBLE find_vars(struct vector_problem *p)
{
	const struct rule_parts *parts = p->parts;
	uint32_t *by_rule = ARENA_ARRAY(p->a, uint32_t, parts->set.n_rules);

	p->fixed = ARENA_ARRAY(p->a, uint8_t, parts->n);
	p->var_of = ARENA_ARRAY(p->a, uint32_t, parts->n);
	p->vars = ARENA_ARRAY(p->a, struct vector_var, parts->n);
	if (!by_rule || !p->fixed || !p->var_of || !p->vars)
		return E_NOMEM;
	memset(p->var_of, 0xff, parts->n * sizeof *p->var_of);
	for (uint32_t i = 0; i < parts->n; i++) {
		uint32_t *known = &by_rule[parts->parts[i].rule];

		p->fixed[i] = (uint8_t)vector_fixed(parts, i, p->type_index);
		if (p->fixed[i] != FIXED_NOT) {
			i = parts->parts[i].end - 1; /* nobody asks what is below */
			continue;
		}
		if (parts->parts[i].kind != RULE_PART_CHECK)
			continue;
		if (!*known) {
			p->vars[p->n_vars] = (struct vector_var){ .part = i, .lit = LIT_OPEN };
			*known = ++p->n_vars;
		}
		p->var_of[i] = *known - 1;
	}
	return E_OK;
}

/* The slot with this row, or a new one. */
static struct vector_slot *slot_of(struct vector_problem *p, const struct template_field *row)
{
	struct vector_slot *s;

	for (uint32_t i = 0; i < p->n_slots; i++)
		for (uint32_t k = 0; k < p->slots[i].n_rows; k++)
			if (p->slots[i].rows[k] == row)
				return &p->slots[i];
	s = &p->slots[p->n_slots++];
	s->rows = ARENA_ARRAY(p->a, const struct template_field *, 1);
	if (!s->rows)
		return NULL;
	s->rows[s->n_rows++] = row;
	return s;
}

/* All of b's rows go to a. */
static FALLIBLE join(struct vector_problem *p, struct vector_slot *a, struct vector_slot *b)
{
	const struct template_field **rows = ARENA_ARRAY(p->a, const struct template_field *, a->n_rows + b->n_rows);

	if (!rows)
		return E_NOMEM;
	memcpy(rows, a->rows, a->n_rows * sizeof *rows);
	memcpy(rows + a->n_rows, b->rows, b->n_rows * sizeof *rows);
	a->rows = rows;
	a->n_rows += b->n_rows;
	b->n_rows = 0;
	return E_OK;
}

static FALLIBLE find_slots(struct vector_problem *p)
{
	uint32_t room = 0;

	for (uint32_t i = 0; i < p->n_vars; i++)
		room += p->parts->parts[p->vars[i].part].n_fields;
	p->slots = ARENA_ARRAY(p->a, struct vector_slot, room);
	if (!p->slots)
		return E_NOMEM;
	for (int pass = 0; pass < 2; pass++) /* first the rows are joined, then the variables find their slots */
		for (uint32_t i = 0; i < p->n_vars; i++) {
			const struct rule_part *part = &p->parts->parts[p->vars[i].part];
			struct vector_slot *mine = NULL, *s;

			for (uint32_t k = 0; k < part->n_fields; k++) {
				uint32_t id;
				const char *name = part->fields[k].name;
				const struct template_field *row =
					template_field_find(p->parts->set.table, p->type, name, strlen(name), &id);

				s = row ? slot_of(p, row) : NULL;
				if (!s)
					return row ? E_NOMEM : E_BUG;
				if (mine && s != mine)
					TRY(join(p, mine, s));
				mine = mine ? mine : s;
			}
			if (!mine)
				return E_BUG; /* a comparison of nothing is decided by the type */
			p->vars[i].slot = (uint32_t)(mine - p->slots);
		}
	for (uint32_t i = 0; i < p->n_slots; i++) {
		p->slots[i].vars = ARENA_ARRAY(p->a, uint32_t, p->n_vars);
		if (!p->slots[i].vars)
			return E_NOMEM;
	}
	for (uint32_t i = 0; i < p->n_vars; i++) {
		struct vector_slot *s = &p->slots[p->vars[i].slot];

		s->vars[s->n_vars++] = i;
	}
	return E_OK;
}

FALLIBLE vector_problem_make(struct vector_problem *p)
{
	TRY(find_vars(p));
	TRY(find_slots(p));
	for (uint32_t i = 0; i < p->n_slots; i++) {
		if (!p->slots[i].n_rows)
			continue; /* joined to another */
		TRY(first_candidates(p, &p->slots[i]));
		if (!p->slots[i].n)
			return E_BUG;
	}
	return E_OK;
}
