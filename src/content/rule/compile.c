/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile: a checked set to one ELF file: a program per (enabled rule, template type), the literals, and the two
 * sections that say what it was compiled against and what the rules are (content/image).
 */
#include "content/filter/filter.h"
#include "content/image/image.h"
#include "content/rule/internal.h"
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
	struct filter_prog *filters;
	uint32_t n_progs;
	size_t progs_cap, records_cap, filters_cap;
	struct image_rule *rules;
	uint32_t n_rules;
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

static FALLIBLE record_fields(struct compile *x, const struct template_type *type, const bool *used,
			      struct image_prog *rec)
{
	uint16_t *ids = ARENA_ARRAY(x->c.a, uint16_t, N_FIELDS);
	uint32_t n = 0;

	if (!ids)
		return E_NOMEM;
	for (uint16_t id = 0; id < N_FIELDS; id++)
		if (used[id])
			ids[n++] = id;
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

static FALLIBLE lower_one(struct compile *x, const struct rule *r, uint32_t rule, const struct template_type *type,
			  struct arena *scratch)
{
	const struct rule_fold *f = rule_fold(r->cond, x->rs->table, type, scratch);
	struct rule_code code = { .a = scratch };
	bool used[N_FIELDS] = { false };
	const char *name = arena_printf(x->c.a, "rule_%u_%s", rule, type->name);
	enum err err;

	if (!f || !name)
		return E_NOMEM;
	if (f->kind == FOLD_FALSE)
		return E_BUG; /* r->types said otherwise */
	err = rule_lower(f, &x->pool, &code, used);
	if (err == E_LIMIT && x->pool.bytes.full)
		return report_limit(x, RD_LITERALS, r, type->name,
				    "the literal values of all rules together pass 4 MiB");
	if (err == E_LIMIT)
		return report_limit(x, RD_PROGRAM_SIZE, r, type->name, "the program is too large");
	TRY(err);
	x->progs = arena_grow(x->c.a, x->progs, x->n_progs, &x->progs_cap, sizeof *x->progs);
	x->records = arena_grow(x->c.a, x->records, x->n_progs, &x->records_cap, sizeof *x->records);
	if (!x->progs || !x->records)
		return E_NOMEM;
	TRY(keep_program(x, &code, name, &x->progs[x->n_progs]));
	TRY(keep_filter(x, f, type, name, scratch));
	use_output_fields(x, &x->rules[rule], type, used);
	x->records[x->n_progs] = (struct image_prog){ .prog = name, .rule = rule };
	TRY(record_fields(x, type, used, &x->records[x->n_progs]));
	x->n_progs++;
	return E_OK;
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
			.field = arena_strndup(x->c.a, tok.text, tok.name_len),
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
		err = lower_one(x, r, rule, &x->rs->table->types[i], &scratch);
		arena_done(&scratch);
	}
	return err;
}

/* ---- the file ---- */

static FALLIBLE write_file(struct compile *x, struct buf *schema, struct buf *rules, struct buf *filters,
			   struct buf *out)
{
	struct image_schema s = { x->records, x->n_progs };
	struct image_rules r = { x->rules, x->n_rules };
	struct obj_section extra[3];
	struct obj_out o = { .progs = x->progs,
			     .n_progs = x->n_progs,
			     .maps = &x->map,
			     .n_maps = 1,
			     .extra = extra,
			     .n_extra = countof(extra),
			     .license = "Dual BSD/GPL" };
	struct diag d;
	enum err err;

	diag_init(&d);
	err = image_write_schema(&s, schema, &d);
	err = err ? err : image_write_rules(&r, rules, &d);
	err = err ? err : filter_write(x->filters, x->n_progs, filters, &d);
	extra[0] = (struct obj_section){ IMAGE_SCHEMA_SECTION, view_of(schema->p, schema->len) };
	extra[1] = (struct obj_section){ IMAGE_RULES_SECTION, view_of(rules->p, rules->len) };
	extra[2] = (struct obj_section){ FILTER_SECTION, view_of(filters->p, filters->len) };
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
	struct buf schema, rules, filters;
	uint32_t off;
	enum err err = E_OK;

	x->rules = ARENA_ARRAY(x->c.a, struct image_rule, x->rs->n_rules);
	if (!x->rules)
		return E_NOMEM;
	TRY(rule_pool_add(&x->pool, zero, sizeof zero, &off)); /* the map always has a value */
	for (uint32_t i = 0; i < x->rs->n_rules; i++) {
		enum err one = x->rs->rules[i].enabled ? compile_rule(x, &x->rs->rules[i]) : E_OK;

		if (one && one != E_REJECTED)
			return one;
		err = err ? err : one;
	}
	TRY(err);
	buf_init(&schema, SECTION_MAX_BYTES);
	buf_init(&rules, SECTION_MAX_BYTES);
	buf_init(&filters, FILTERS_MAX_BYTES);
	err = write_file(x, &schema, &rules, &filters, out);
	buf_done(&schema);
	buf_done(&rules);
	buf_done(&filters);
	return err;
}

FALLIBLE rule_compile(const struct rule_set *rs, struct arena *a, struct buf *out, struct diags *ds)
{
	struct compile x = { .rs = rs, .c = { .table = rs->table, .a = a, .ds = ds } };
	enum err err;

	x.map = (struct prog_map){
		.name = ".rodata", .kind = PROG_MAP_ARRAY, .key_size = 4, .max_entries = 1, .flags = PROG_MAP_RDONLY
	};
	err = rule_pool_init(&x.pool, a);
	err = err ? err : compile_set(&x, out);
	rule_pool_done(&x.pool);
	return err;
}
