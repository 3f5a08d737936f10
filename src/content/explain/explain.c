/* SPDX-License-Identifier: Apache-2.0 */
/* explain: a rule's parts as content of their own, and what an event makes of them. */
#include "content/explain/explain.h"

enum { ELF_MAX_BYTES = 64 << 20, PARTS_MAX_BYTES = 256 << 20 };

struct explain {
	struct arena a;
	struct rule_parts parts;
	struct content *content;
	struct content_eval eval;
	uint32_t *fired;
	bool *holds; /* by rule of the parts' set */
};

static FALLIBLE load_parts(struct explain *x, const struct buf *elf, struct diags *ds)
{
	struct content_opts o = { .table = x->parts.set.table, .all_matches = true };
	struct diag d;
	enum err err;

	diag_init(&d);
	err = content_load(view_of(elf->p, elf->len), "parts of a rule", &o, ds->arena, &x->content, &d);
	if (err && d.text[0])
		diags_add(ds, &d);
	return err;
}

static FALLIBLE make(struct explain *x, const struct rule_set *rs, uint32_t rule, struct diags *ds)
{
	struct buf elf;
	enum err err;

	TRY(rule_parts(rs, rule, &x->a, &x->parts));
	x->fired = ARENA_ARRAY(&x->a, uint32_t, x->parts.set.n_rules);
	x->holds = ARENA_ARRAY(&x->a, bool, x->parts.set.n_rules);
	if (!x->fired || !x->holds)
		return E_NOMEM;
	buf_init(&elf, ELF_MAX_BYTES);
	err = rule_compile(&x->parts.set, &x->a, &elf, ds);
	err = err ? err : load_parts(x, &elf, ds);
	buf_done(&elf);
	return err ? err : vm_new(&x->eval.vm);
}

FALLIBLE explain_new(const struct rule_set *rs, uint32_t rule, struct diags *ds, struct explain **out)
{
	struct explain *x = calloc(1, sizeof *x);
	enum err err;

	if (!x)
		return E_NOMEM;
	arena_init(&x->a, PARTS_MAX_BYTES);
	err = make(x, rs, rule, ds);
	if (err)
		explain_free(x);
	else
		*out = x;
	return err;
}

void explain_free(struct explain *x)
{
	if (!x)
		return;
	vm_free(x->eval.vm);
	content_free(x->content);
	arena_done(&x->a);
	free(x);
}

const struct rule_parts *explain_parts(const struct explain *x)
{
	return &x->parts;
}

/* ---- an event ---- */

/* Which of its fields is the reason, when it is false. */
static enum explain_truth truth_of(const struct explain *x, const struct rule_part *p, const struct event *e)
{
	enum explain_truth t = EXPLAIN_FALSE;
	uint32_t id;

	if (x->holds[p->rule])
		return EXPLAIN_TRUE;
	for (uint32_t i = 0; i < p->n_fields; i++) {
		const struct rule_part_field *f = &p->fields[i];

		if (!template_field_find(e->table, e->type, f->name, strlen(f->name), &id))
			return EXPLAIN_NO_FIELD;
		if (!p->asks_exists && !x->holds[f->rule])
			t = EXPLAIN_MISSING;
	}
	return t;
}

/* Parents stand before their parts: each tells its parts how far they are asked. */
static void mark_reached(const struct explain *x, struct explain_value *values)
{
	const struct rule_part *parts = x->parts.parts;

	values[0].reached = true;
	for (uint32_t i = 0; i < x->parts.n; i++) {
		bool open = values[i].reached;

		for (uint32_t k = i + 1; k < parts[i].end; k = parts[k].end) {
			bool holds = values[k].truth == EXPLAIN_TRUE;

			values[k].reached = open;
			if (parts[i].kind == RULE_PART_AND)
				open = open && holds;
			else if (parts[i].kind == RULE_PART_OR)
				open = open && !holds;
		}
	}
}

FALLIBLE explain_judge(struct explain *x, struct event *e, struct explain_value *values, struct diag *d)
{
	uint64_t faults = x->eval.faults;
	uint32_t n = content_eval(x->content, &x->eval, e, x->fired, x->parts.set.n_rules);

	if (x->eval.faults != faults)
		FAIL(d, FAULT, "a part's program ended in an error: %.180s", x->eval.fault.d.text);
	memset(x->holds, 0, x->parts.set.n_rules * sizeof *x->holds);
	for (uint32_t i = 0; i < n; i++)
		x->holds[x->fired[i]] = true;
	for (uint32_t i = 0; i < x->parts.n; i++)
		values[i].truth = (uint8_t)truth_of(x, &x->parts.parts[i], e);
	mark_reached(x, values);
	return E_OK;
}

/* ---- what follows from it ---- */

static bool holds(const struct explain_value *values, uint32_t i)
{
	return values[i].truth == EXPLAIN_TRUE;
}

struct deciders {
	const struct rule_part *parts;
	const struct explain_value *values;
	uint32_t *out, n, max;
};

static void find_deciders(struct deciders *x, uint32_t i)
{
	const struct rule_part *p = &x->parts[i];
	bool is_or = p->kind == RULE_PART_OR, whole = holds(x->values, i);
	bool one = is_or ? whole : p->kind == RULE_PART_AND && !whole; /* a single part was enough */

	if (p->kind == RULE_PART_CHECK && x->n < x->max)
		x->out[x->n++] = i;
	for (uint32_t k = i + 1; k < p->end; k = x->parts[k].end) {
		if (one && holds(x->values, k) != is_or)
			continue;
		find_deciders(x, k);
		if (one)
			return;
	}
}

uint32_t explain_deciders(const struct explain *x, const struct explain_value *values, uint32_t *out, uint32_t max)
{
	struct deciders d = { x->parts.parts, values, out, 0, max };

	find_deciders(&d, 0);
	return d.n;
}

uint32_t explain_conjuncts(const struct explain *x, uint32_t type_index, uint32_t *out, uint32_t max)
{
	const struct rule_part *parts = x->parts.parts;
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->parts.n && n < max;) {
		uint32_t inner = i;

		while (parts[inner].kind == RULE_PART_MACRO)
			inner++;
		if (parts[inner].kind == RULE_PART_AND) {
			i = inner + 1;
			continue;
		}
		if (!(x->parts.set.rules[parts[i].rule].always >> type_index & 1))
			out[n++] = i;
		i = parts[i].end;
	}
	return n;
}
