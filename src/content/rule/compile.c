/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile: a checked set to one ELF file: a program per (enabled rule, template type), the literals, and the two
 * sections that say what it was compiled against and what the rules are (content/image).
 */
#include "content/filter/filter.h"
#include "content/rule/share.h"
#include "engine/obj/obj.h"

enum {
	SCRATCH_MAX_BYTES = 64 << 20,
	N_FIELDS = 2 * TEMPLATE_CAP,
	SECTION_MAX_BYTES = 16 << 20,
	FILTERS_MAX_BYTES = 64 << 20
};

struct compile {
	const struct rule_set *rs;
	struct rule_ctx c;
	struct rule_pool pool;
	struct prog_map map;
	struct prog *progs;
	struct image_prog *records;
	struct image_plan *plans;
	struct filter_prog *filters;
	uint32_t n_progs;
	size_t progs_cap, records_cap, plans_cap, filters_cap;
	bool simple;
	struct rule_share *shares[TEMPLATE_MAX_TYPES]; /* by type; NULL: no program yet */
	struct rule_pool operands;
	struct image_rule *rules;
	uint32_t n_rules;
	struct rule_names names;
};

static FALLIBLE report_limit(struct compile *x, enum rule_diag id, const struct rule *r, const char *type,
			     const char *text)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = diag_fail(&d, E_REJECTED, 'R', (uint16_t)id, __FILE__, __LINE__, "rule '%.80s', %s: %s", r->name, type,
			text);
	d.pos = r->pos;
	diags_add(x->c.ds, &d);
	return err;
}

/* ---- one program ---- */

static void use_output_fields(const struct compile *x, const struct image_rule *r, const struct template_type *type,
			      bool *used)
{
	uint32_t id;

	for (uint32_t i = 0; i < r->n_placeholders; i++) {
		const char *name = r->placeholders[i].field;

		if (template_field_find(x->rs->table, type, name, strlen(name), &id))
			used[id] = true;
	}
}

/* The set fields' ids, ascending. */
static FALLIBLE ids_of(struct compile *x, const bool *set, const uint16_t **out, uint32_t *ret_n)
{
	uint32_t n = 0, k = 0;
	uint16_t *ids;

	for (uint32_t id = 0; id < N_FIELDS; id++)
		n += set[id];
	ids = ARENA_ARRAY(x->c.a, uint16_t, n);
	if (!ids)
		return E_NOMEM;
	for (uint32_t id = 0; id < N_FIELDS; id++)
		if (set[id])
			ids[k++] = (uint16_t)id;
	*out = ids;
	*ret_n = n;
	return E_OK;
}

static FALLIBLE record_fields(struct compile *x, const struct template_type *type, const bool *used,
			      struct image_prog *rec)
{
	const uint16_t *ids;
	uint32_t n;

	TRY(ids_of(x, used, &ids, &n));
	image_prog_fields(x->rs->table, type, ids, n, rec);
	return E_OK;
}

/* The scratch arena's code, kept. */
static FALLIBLE keep_program(struct compile *x, const struct rule_code *code, const char *name, struct prog *out)
{
	struct prog_func *func = ARENA_NEW(x->c.a, struct prog_func);
	struct isa_insn *insns = ARENA_ARRAY(x->c.a, struct isa_insn, code->n);

	if (!func || !insns)
		return E_NOMEM;
	memcpy(insns, code->insns, code->n * sizeof *insns);
	*func = (struct prog_func){ .name = name };
	*out = (struct prog){ .name = name,
			      .section = IMAGE_PROG_SECTION,
			      .insns = insns,
			      .n_insns = code->n,
			      .maps = &x->map,
			      .n_maps = 1,
			      .funcs = func,
			      .n_funcs = 1 };
	return E_OK;
}

/* What the program can depend on; names out of the scratch arena. */
static FALLIBLE keep_filter(struct compile *x, const struct rule_fold *f, const struct template_type *type,
			    const char *name, struct arena *scratch)
{
	struct filter_prog *out;

	x->filters = arena_grow(x->c.a, x->filters, x->n_progs, &x->filters_cap, sizeof *x->filters);
	if (!x->filters)
		return E_NOMEM;
	out = &x->filters[x->n_progs];
	out->prog = name;
	TRY(rule_filter(f, type, scratch, &out->filter));
	for (uint32_t i = 0; i < out->filter.n; i++)
		for (uint32_t p = 0; p < FILTER_PLACES; p++) {
			struct filter_names *at = &out->filter.clauses[i].at[p];
			struct filter_name *list = ARENA_ARRAY(x->c.a, struct filter_name, at->n);

			if (!list)
				return E_NOMEM;
			if (at->n)
				memcpy(list, at->list, at->n * sizeof *list);
			at->list = list;
		}
	return E_OK;
}

static FALLIBLE add_program(struct compile *x, const struct rule_code *code, const struct template_type *type,
			    const struct image_prog *rec, bool *used, const struct image_plan *plan)
{
	x->progs = arena_grow(x->c.a, x->progs, x->n_progs, &x->progs_cap, sizeof *x->progs);
	x->records = arena_grow(x->c.a, x->records, x->n_progs, &x->records_cap, sizeof *x->records);
	x->plans = arena_grow(x->c.a, x->plans, x->n_progs, &x->plans_cap, sizeof *x->plans);
	if (!x->progs || !x->records || !x->plans)
		return E_NOMEM;
	TRY(keep_program(x, code, rec->prog, &x->progs[x->n_progs]));
	use_output_fields(x, &x->rules[rec->rule], type, used);
	x->records[x->n_progs] = *rec;
	TRY(record_fields(x, type, used, &x->records[x->n_progs]));
	x->plans[x->n_progs++] = *plan;
	return E_OK;
}

/* What programs of the type share; the next program is one of them. */
static FALLIBLE share_of(struct compile *x, uint32_t type, struct rule_share **out)
{
	if (!x->shares[type] && !x->simple) {
		struct rule_share *s = ARENA_NEW(x->c.a, struct rule_share);

		if (!s)
			return E_NOMEM;
		TRY(rule_share_init(s, x->c.a, &x->operands, x->n_progs));
		x->shares[type] = s;
	}
	*out = x->shares[type];
	return E_OK;
}

static FALLIBLE lower_one(struct compile *x, const struct rule *r, uint32_t rule, uint32_t type_index,
			  struct arena *scratch)
{
	const struct template_type *type = &x->rs->table->types[type_index];
	const struct rule_fold *f = rule_fold(r->cond, x->rs->table, type, scratch);
	struct rule_code code = { .a = scratch };
	bool used[N_FIELDS] = { false }, asked[N_FIELDS] = { false };
	const char *name = arena_printf(x->c.a, "rule_%u_%s", rule, type->name);
	struct image_plan plan = { .guards = NULL };
	struct rule_share *share;
	enum err err;

	if (!f || !name)
		return E_NOMEM;
	if (f->kind == FOLD_FALSE)
		return E_BUG; /* r->types said otherwise */
	TRY(rule_names_collect(f, &x->names, x->c.a));
	TRY(share_of(x, type_index, &share));
	err = rule_lower(f, &x->pool, share, &code, used, asked);
	if (err == E_OK && share)
		err = rule_share_guards(share, f, scratch, &plan);
	if (err == E_LIMIT && (x->pool.bytes.full || x->operands.bytes.full))
		return report_limit(x, RD_LITERALS, r, type->name,
				    "the literal values of all rules together pass 4 MiB");
	if (err == E_LIMIT)
		return report_limit(x, RD_PROGRAM_SIZE, r, type->name, "the program is too large");
	TRY(err);
	TRY(keep_filter(x, f, type, name, scratch));
	TRY(ids_of(x, used, &plan.reads, &plan.n_reads));
	for (uint32_t id = 0; id < N_FIELDS; id++)
		used[id] |= asked[id];
	return add_program(x, &code, type, &(struct image_prog){ .prog = name, .rule = rule }, used, &plan);
}

/* ---- one rule ---- */

static bool has_placeholder(const struct image_rule *r, const struct image_token *tok)
{
	for (uint32_t i = 0; i < r->n_placeholders; i++)
		if (strlen(r->placeholders[i].text) == tok->text_len &&
		    !memcmp(r->placeholders[i].text, tok->text, tok->text_len))
			return true;
	return false;
}

static FALLIBLE find_placeholders(struct compile *x, struct image_rule *r)
{
	struct image_placeholder *list = NULL;
	size_t cap = 0, len = strlen(r->output), took;
	struct image_token tok;

	for (size_t i = 0; i < len; i += took ? took : 1) {
		took = r->output[i] == '%' ? image_token(r->output + i, len - i, &tok) : 0;
		if (!took || has_placeholder(r, &tok))
			continue;
		list = arena_grow(x->c.a, list, r->n_placeholders, &cap, sizeof *list);
		if (!list)
			return E_NOMEM;
		list[r->n_placeholders] = (struct image_placeholder){
			.text = arena_strndup(x->c.a, tok.text, tok.text_len),
			.field = rule_output_field(x->rs->table, x->c.a, &tok),
			.index = tok.index,
		};
		if (!list[r->n_placeholders].text || !list[r->n_placeholders].field)
			return E_NOMEM;
		r->placeholders = list;
		r->n_placeholders++;
	}
	return E_OK;
}

static FALLIBLE compile_rule(struct compile *x, const struct rule *r)
{
	uint32_t rule = x->n_rules++;
	struct arena scratch;
	enum err err = E_OK;

	x->rules[rule] = (struct image_rule){ .name = r->name,
					      .desc = r->desc,
					      .output = r->output,
					      .source = r->source,
					      .drill = r->drill,
					      .priority = r->priority,
					      .tags = r->tags,
					      .n_tags = r->n_tags };
	TRY(find_placeholders(x, &x->rules[rule]));
	for (uint32_t i = 0; i < x->rs->table->n_types && !err; i++) {
		if (!(r->types >> i & 1))
			continue;
		arena_init(&scratch, SCRATCH_MAX_BYTES);
		err = lower_one(x, r, rule, i, &scratch);
		arena_done(&scratch);
	}
	return err;
}

/* ---- the file ---- */

/* The predicates of all types, with their operands where they now are. */
static FALLIBLE write_index(struct compile *x, struct buf *out, struct diag *d)
{
	struct image_index in = { .plans = x->plans, .n_plans = x->n_progs };
	struct image_pred *preds;
	uint32_t n = 0;

	for (uint32_t t = 0; t < TEMPLATE_MAX_TYPES; t++)
		n += x->shares[t] ? x->shares[t]->n : 0;
	preds = ARENA_ARRAY(x->c.a, struct image_pred, n);
	if (!preds)
		return E_NOMEM;
	for (uint32_t t = 0; t < TEMPLATE_MAX_TYPES; t++)
		for (uint32_t i = 0; x->shares[t] && i < x->shares[t]->n; i++) {
			struct image_pred *q = &preds[in.n_preds++];

			*q = x->shares[t]->preds[i];
			q->operand = view_of(x->operands.bytes.p + (uintptr_t)q->operand.p, q->operand.len);
		}
	in.preds = preds;
	return image_write_index(&in, out, d);
}

struct sections {
	struct buf schema, rules, filters, index, names;
};

static FALLIBLE write_file(struct compile *x, struct sections *b, struct buf *out)
{
	struct image_schema s = { x->records, x->n_progs };
	struct image_rules r = { x->rules, x->n_rules };
	struct obj_section extra[5];
	struct obj_out o = { .progs = x->progs,
			     .n_progs = x->n_progs,
			     .maps = &x->map,
			     .n_maps = 1,
			     .extra = extra,
			     .n_extra = 3,
			     .license = "Dual BSD/GPL" };
	struct diag d;
	enum err err;

	diag_init(&d);
	err = image_write_schema(&s, &b->schema, &d);
	err = err ? err : image_write_rules(&r, &b->rules, &d);
	err = err ? err : filter_write(x->filters, x->n_progs, &b->filters, &d);
	if (!err && !x->simple)
		err = write_index(x, &b->index, &d);
	err = err ? err : image_write_names(x->names.names, x->names.n, &b->names, &d);
	extra[0] = (struct obj_section){ IMAGE_SCHEMA_SECTION, view_of(b->schema.p, b->schema.len) };
	extra[1] = (struct obj_section){ IMAGE_RULES_SECTION, view_of(b->rules.p, b->rules.len) };
	extra[2] = (struct obj_section){ FILTER_SECTION, view_of(b->filters.p, b->filters.len) };
	if (!x->simple)
		extra[o.n_extra++] = (struct obj_section){ IMAGE_INDEX_SECTION, view_of(b->index.p, b->index.len) };
	if (x->names.n)
		extra[o.n_extra++] = (struct obj_section){ IMAGE_NAMES_SECTION, view_of(b->names.p, b->names.len) };
	x->map.init = view_of(x->pool.bytes.p, x->pool.bytes.len);
	x->map.value_size = (uint32_t)x->pool.bytes.len;
	err = err ? err : obj_write(&o, out, &d);
	if (err && err != E_NOMEM && d.text[0]) {
		diags_add(x->c.ds, &d);
		return E_REJECTED;
	}
	return err;
}

static FALLIBLE compile_set(struct compile *x, struct buf *out)
{
	static const char zero[8];
	struct sections b;
	uint32_t off;
	enum err err = E_OK;

	x->rules = ARENA_ARRAY(x->c.a, struct image_rule, x->rs->n_rules);
	if (!x->rules)
		return E_NOMEM;
	TRY(rule_pool_add(&x->pool, zero, sizeof zero, &off)); /* the map always has a value */
	TRY(rule_pool_add(&x->operands, zero, sizeof zero, &off));
	for (uint32_t i = 0; i < x->rs->n_rules; i++) {
		enum err one = x->rs->rules[i].enabled ? compile_rule(x, &x->rs->rules[i]) : E_OK;

		if (one && one != E_REJECTED)
			return one;
		err = err ? err : one;
	}
	TRY(err);
	buf_init(&b.schema, SECTION_MAX_BYTES);
	buf_init(&b.rules, SECTION_MAX_BYTES);
	buf_init(&b.filters, FILTERS_MAX_BYTES);
	buf_init(&b.index, SECTION_MAX_BYTES);
	buf_init(&b.names, SECTION_MAX_BYTES);
	err = write_file(x, &b, out);
	buf_done(&b.names);
	buf_done(&b.index);
	buf_done(&b.schema);
	buf_done(&b.rules);
	buf_done(&b.filters);
	return err;
}

static FALLIBLE compile(const struct rule_set *rs, bool simple, struct arena *a, struct buf *out, struct diags *ds)
{
	struct compile x = { .rs = rs, .simple = simple, .c = { .table = rs->table, .a = a, .ds = ds } };
	enum err err;

	x.map = (struct prog_map){
		.name = ".rodata", .kind = PROG_MAP_ARRAY, .key_size = 4, .max_entries = 1, .flags = PROG_MAP_RDONLY
	};
	err = rule_pool_init(&x.pool, a);
	if (err == E_OK) {
		err = rule_pool_init(&x.operands, a);
		err = err ? err : compile_set(&x, out);
		rule_pool_done(&x.operands);
	}
	rule_pool_done(&x.pool);
	for (uint32_t t = 0; t < TEMPLATE_MAX_TYPES; t++)
		if (x.shares[t])
			rule_share_done(x.shares[t]);
	return err;
}

FALLIBLE rule_compile(const struct rule_set *rs, struct arena *a, struct buf *out, struct diags *ds)
{
	return compile(rs, false, a, out, ds);
}

FALLIBLE rule_compile_simple(const struct rule_set *rs, struct arena *a, struct buf *out, struct diags *ds)
{
	return compile(rs, true, a, out, ds);
}
