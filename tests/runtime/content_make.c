/* SPDX-License-Identifier: Apache-2.0 */
#include "content_make.h"

void make_init(struct make *m, const struct template_table *t)
{
	*m = (struct make){ .table = t };
	arena_init(&m->a, 16 << 20);
	buf_init(&m->literals, 1 << 16);
	buf_puts(&m->literals, "first"); /* so that no literal stands at 0 */
	m->maps[m->n_maps++] = (struct prog_map){
		.name = ".rodata", .kind = PROG_MAP_ARRAY, .key_size = 4, .max_entries = 1, .flags = PROG_MAP_RDONLY
	};
}

void make_done(struct make *m)
{
	buf_done(&m->literals);
	arena_done(&m->a);
}

uint32_t make_rule(struct make *m, const char *name, const char *output)
{
	struct image_placeholder *list = ARENA_ARRAY(&m->a, struct image_placeholder, MAKE_MAX);
	struct image_token t;
	uint32_t n = 0;

	for (const char *s = strchr(output, '%'); s; s = strchr(s + 1, '%')) {
		bool known = false;

		if (!image_token(s, strlen(s), &t))
			continue;
		list[n] = (struct image_placeholder){ arena_strndup(&m->a, t.text, t.text_len),
						      arena_strndup(&m->a, t.name, t.name_len), t.index };
		for (uint32_t i = 0; i < n; i++)
			known |= !strcmp(list[i].text, list[n].text);
		n += !known;
	}
	m->rules[m->n_rules] = (struct image_rule){ .name = name,
						    .desc = "",
						    .output = output,
						    .source = "syscall",
						    .priority = 4,
						    .placeholders = list,
						    .n_placeholders = n };
	return m->n_rules++;
}

void make_insn(struct make *m, struct isa_insn in)
{
	assert(m->n + 2 < countof(m->code));
	m->code[m->n++] = in;
	if (in.sem == ISA_IMM64)
		m->code[m->n++] = (struct isa_insn){ 0 };
}

static struct isa_insn alu(enum isa_sem sem, enum isa_form form, uint8_t dst, uint8_t src, int64_t imm)
{
	struct isa_insn in = isa_make(sem, 64, form, 0);

	in.dst = dst;
	in.src = src;
	in.imm = imm;
	return in;
}

static struct isa_insn load(uint8_t dst, uint8_t src, uint32_t off)
{
	struct isa_insn in = isa_make(ISA_LDX, 64, ISA_FORM_LDX, 0);

	in.dst = dst;
	in.src = src;
	in.off = (int32_t)off;
	return in;
}

/* goto the end unless r0 OP imm; make_end puts the distance right */
static void leave_if(struct make *m, enum isa_sem sem, int32_t imm)
{
	struct isa_insn in = isa_make(sem, 64, ISA_FORM_JRI, 0);

	in.imm = imm;
	in.off = INT16_MAX;
	make_insn(m, in);
}

void make_begin(struct make *m)
{
	m->n = 0;
	memset(m->used, 0, sizeof m->used);
	make_insn(m, alu(ISA_MOV, ISA_FORM_RR, 6, 1, 0)); /* r6: the context */
}

void make_if_present(struct make *m, uint32_t field)
{
	m->used[field] = true;
	make_insn(m, load(0, 6, field / 64 * 8));
	make_insn(m, alu(ISA_RSH, ISA_FORM_RI, 0, 0, field % 64));
	make_insn(m, alu(ISA_AND, ISA_FORM_RI, 0, 0, 1));
	leave_if(m, ISA_JEQ, 0);
}

void make_if_number(struct make *m, uint32_t field, int32_t value)
{
	make_if_present(m, field);
	make_insn(m, load(0, 6, template_slot_off(field)));
	leave_if(m, ISA_JNE, value);
}

void make_if_string(struct make *m, uint32_t field, const char *text)
{
	struct isa_insn ref = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_MAP_VALUE);
	struct isa_insn call = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER);

	make_if_present(m, field);
	ref.dst = 2;
	ref.off = (int32_t)m->literals.len;
	buf_puts(&m->literals, text);
	call.imm = ABI_HELPER_str_eq;
	make_insn(m, load(1, 6, template_slot_off(field)));
	make_insn(m, ref);
	make_insn(m, alu(ISA_MOV, ISA_FORM_RI, 3, 0, (int64_t)strlen(text)));
	make_insn(m, call);
	leave_if(m, ISA_JEQ, 0);
}

static void use_output(struct make *m, const struct template_type *type)
{
	const struct image_rule *r = &m->rules[m->n_rules - 1];
	uint32_t id;

	for (uint32_t i = 0; i < r->n_placeholders; i++)
		if (template_field_find(m->table, type, r->placeholders[i].field, strlen(r->placeholders[i].field),
					&id))
			m->used[id] = true;
}

void make_end(struct make *m, uint32_t type_index)
{
	const struct template_type *type = &m->table->types[type_index];
	const char *name = arena_printf(&m->a, "rule_%u_%s", m->n_rules - 1, type->name);
	uint16_t *ids = ARENA_ARRAY(&m->a, uint16_t, 2 * TEMPLATE_CAP);
	struct isa_insn *code;
	uint32_t n = 0;
	bool leaves = false;

	make_insn(m, alu(ISA_MOV, ISA_FORM_RI, 0, 0, 1));
	make_insn(m, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0));
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->code[i].off == INT16_MAX) {
			m->code[i].off = (int32_t)(m->n - i - 1);
			leaves = true;
		}
	}
	if (leaves) {
		make_insn(m, alu(ISA_MOV, ISA_FORM_RI, 0, 0, 0));
		make_insn(m, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0));
	}
	code = ARENA_ARRAY(&m->a, struct isa_insn, m->n);
	memcpy(code, m->code, m->n * sizeof *code);
	m->progs[m->n_progs] =
		(struct prog){ .name = name, .section = IMAGE_PROG_SECTION, .insns = code, .n_insns = m->n };
	use_output(m, type);
	for (uint32_t id = 0; id < 2 * TEMPLATE_CAP; id++)
		if (m->used[id])
			ids[n++] = (uint16_t)id;
	m->records[m->n_progs] = (struct image_prog){ .prog = name, .rule = m->n_rules - 1 };
	image_prog_fields(m->table, type, ids, n, &m->records[m->n_progs]);
	m->n_progs++;
}

void make_write(struct make *m, struct buf *out)
{
	struct obj_section extra[2];
	struct obj_out o = { .progs = m->progs,
			     .n_progs = m->n_progs,
			     .maps = m->maps,
			     .n_maps = m->n_maps,
			     .extra = extra,
			     .n_extra = 2,
			     .license = "Apache-2.0" };
	struct buf schema, rules;

	for (uint32_t i = 0; i < m->n_maps; i++) {
		if (strcmp(m->maps[i].name, ".rodata") != 0)
			continue;
		m->maps[i].init = view_of(m->literals.p, m->literals.len);
		m->maps[i].value_size = (uint32_t)m->literals.len;
	}
	buf_init(&schema, 1 << 20);
	buf_init(&rules, 1 << 20);
	CHECK_OK(image_write_schema(&(struct image_schema){ m->records, m->n_progs }, &schema, NULL));
	CHECK_OK(image_write_rules(&(struct image_rules){ m->rules, m->n_rules }, &rules, NULL));
	extra[0] = (struct obj_section){ IMAGE_SCHEMA_SECTION, view_of(schema.p, schema.len) };
	extra[1] = (struct obj_section){ IMAGE_RULES_SECTION, view_of(rules.p, rules.len) };
	buf_init(out, 4 << 20);
	CHECK_OK(obj_write(&o, out, NULL));
	buf_done(&schema);
	buf_done(&rules);
}

enum err make_load(struct make *m, const struct content_opts *o, struct arena *a, struct content **c, struct diag *d)
{
	struct buf file;
	enum err e;

	*c = NULL;
	diag_init(d);
	make_write(m, &file);
	e = content_load(view_of(file.p, file.len), "made.o", o, a, c, d);
	buf_done(&file); /* borrowed during the call only */
	return e;
}

static struct template_section resize(struct arena *a, const struct template_section *s, uint32_t n)
{
	struct template_field *fields = ARENA_ARRAY(a, struct template_field, n);

	for (uint32_t i = 0; i < n; i++)
		fields[i] =
			i < s->n ? s->fields[i]
				 : (struct template_field){ .name = arena_printf(a, "x%u", i), .type = TEMPLATE_U64 };
	return (struct template_section){ fields, n };
}

const struct template_table *make_table(struct arena *a, uint32_t common, uint32_t own)
{
	struct template_table *t = ARENA_NEW(a, struct template_table);
	struct template_type *types = ARENA_ARRAY(a, struct template_type, template_builtin.n_types);

	memcpy(types, template_builtin.types, template_builtin.n_types * sizeof *types);
	types[TEMPLATE_TYPE_ipc_pipe].own = resize(a, &types[TEMPLATE_TYPE_ipc_pipe].own, own);
	*t = (struct template_table){ resize(a, &template_builtin.common, common), types, template_builtin.n_types };
	return t;
}
