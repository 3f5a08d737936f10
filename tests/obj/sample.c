/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

struct isa_insn insn_mov(uint8_t dst, int32_t imm)
{
	struct isa_insn in = isa_make(ISA_MOV, 64, ISA_FORM_RI, 0);

	in.dst = dst;
	in.imm = imm;
	return in;
}

struct isa_insn insn_call(int32_t distance)
{
	struct isa_insn in = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL);

	in.imm = distance;
	return in;
}

struct isa_insn insn_exit(void)
{
	return isa_make(ISA_EXIT, 64, ISA_FORM_N, 0);
}

struct isa_insn insn_ref(uint8_t dst, enum isa_imm64 kind, uint32_t map, int32_t off)
{
	struct isa_insn in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, kind);

	in.dst = dst;
	in.imm = map;
	in.off = off;
	return in;
}

void sample_init(struct sample *s)
{
	static const uint8_t words[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct isa_insn *c;

	*s = (struct sample){ .maps = {
				      [SAMPLE_HOT] = { .name = "hot",
						       .kind = PROG_MAP_HASH,
						       .key_size = 4,
						       .value_size = 16,
						       .max_entries = 8,
						       .flags = 1 },
				      [SAMPLE_RODATA] = { .name = ".rodata",
							  .kind = PROG_MAP_ARRAY,
							  .key_size = 4,
							  .value_size = 8,
							  .max_entries = 1,
							  .flags = PROG_MAP_RDONLY,
							  .init = { words, 8 } },
				      [SAMPLE_DATA] = { .name = ".data",
							.kind = PROG_MAP_ARRAY,
							.key_size = 4,
							.value_size = 8,
							.max_entries = 1,
							.init = { words, 8 } },
				      [SAMPLE_BSS] = { .name = ".bss.x",
						       .kind = PROG_MAP_ARRAY,
						       .key_size = 4,
						       .value_size = 24,
						       .max_entries = 1 },
			      } };
	arena_init(&s->a, 1 << 20);
	c = s->code = ARENA_ARRAY(&s->a, struct isa_insn, 9);
	c[0] = insn_ref(1, ISA_IMM64_MAP_FD, SAMPLE_HOT, 0);
	c[2] = insn_ref(2, ISA_IMM64_MAP_VALUE, SAMPLE_RODATA, 4);
	c[4] = insn_call(1);
	c[5] = insn_exit();
	c[6] = insn_mov(0, 7); /* sub */
	c[7] = insn_mov(0, 8);
	c[8] = insn_exit();
	s->funcs[0] = (struct prog_func){ "one", 0 };
	s->funcs[1] = (struct prog_func){ "sub", 6 };
	s->lines[0] = (struct prog_line){ 0, "a.yaml", "first line", 3, 4 };
	s->lines[1] = (struct prog_line){ 4, "a.yaml", "", 5, 0 };
	s->lines[2] = (struct prog_line){ 6, "b.yaml", "first line", 1000000, 1023 };
	s->progs[0] = (struct prog){ "one", "sallyport/rule", c, 9, s->maps, SAMPLE_N_MAPS, s->funcs, 2, s->lines, 3 };
	s->progs[1] = (struct prog){ "two", "sallyport/rule", c + 7, 2, s->maps, SAMPLE_N_MAPS, NULL, 0, NULL, 0 };
	s->extra[0] = (struct obj_section){ ".sallyport.schema", { words, 8 } };
	s->out = (struct obj_out){ s->progs, 2, s->maps, SAMPLE_N_MAPS, s->extra, 1, "Apache-2.0" };
}

void sample_done(struct sample *s)
{
	arena_done(&s->a);
}

void sample_write(struct buf *out)
{
	struct sample s;

	sample_init(&s);
	buf_init(out, 1 << 20);
	CHECK_OK(obj_write(&s.out, out, NULL));
	sample_done(&s);
}

bool same_code(const struct isa_insn *x, const struct isa_insn *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (x[i].row != y[i].row || x[i].sem != y[i].sem || x[i].width != y[i].width || x[i].dst != y[i].dst ||
		    (isa_rows[x[i].row].sel != ISA_SEL_SRC && x[i].src != y[i].src) || x[i].form != y[i].form ||
		    x[i].aux != y[i].aux || x[i].off != y[i].off || x[i].imm != y[i].imm)
			return false;
	return true;
}

static bool is_start(const struct prog *p, int64_t slot)
{
	const struct prog_func *f = slot >= 0 && slot < p->n_insns ? prog_func_at(p, (uint32_t)slot) : NULL;

	return f && f->start == slot;
}

static void check_insn(const struct prog *p, uint32_t i)
{
	const struct isa_insn *in = &p->insns[i];
	const struct prog_map *m;
	uint8_t bytes[16];

	if (in->sem == ISA_PAD) {
		CHECK(i && p->insns[i - 1].sem == ISA_IMM64);
		return;
	}
	(void)isa_encode(in, bytes); /* asserts that it is sound */
	if (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL)
		CHECK(is_start(p, (int64_t)i + 1 + in->imm));
	if (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC)
		CHECK(is_start(p, (int64_t)i + 1 + in->imm));
	if (in->sem != ISA_IMM64 || in->aux == ISA_IMM64_VALUE || in->aux == ISA_IMM64_FUNC)
		return;
	CHECK(in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE);
	CHECK(in->imm >= 0 && in->imm < p->n_maps);
	m = &p->maps[in->imm];
	if (in->aux == ISA_IMM64_MAP_VALUE)
		CHECK(in->off >= 0 && (uint32_t)in->off <= m->value_size);
}

static void check_ptrs(const struct obj *o, const struct prog_map *m)
{
	static const uint8_t zero[8];

	for (uint32_t i = 0; i < m->n_ptrs; i++) {
		const struct prog_ptr *p = &m->ptrs[i];

		CHECK(p->at % 8 == 0 && view_has(m->init, p->at, 8) && !memcmp(m->init.p + p->at, zero, 8));
		CHECK(!i || p->at > p[-1].at);
		if (p->map == PROG_PTR_FUNC)
			CHECK(p->prog < o->n_progs && is_start(&o->progs[p->prog], p->func));
		else
			CHECK(p->map < o->n_maps && p->off <= o->maps[p->map].value_size);
	}
}

static void check_held(const struct obj *o, const struct prog_map *m)
{
	uint32_t end = m->kind == PROG_MAP_PROG_ARRAY ? o->n_progs : o->n_maps;

	CHECK(m->n_inner_maps <= m->max_entries);
	for (uint32_t i = 0; i < m->n_inner_maps; i++)
		CHECK(m->inner_maps[i] <= end);
	CHECK(!m->inner || (m->inner->name && !m->inner->inner && !m->inner->n_inner_maps));
}

void check_promises(const struct obj *o)
{
	for (uint32_t i = 0; i < o->n_maps; i++) {
		CHECK(o->maps[i].name && o->maps[i].value_size <= OBJ_MAX_VALUE_BYTES &&
		      o->maps[i].init.len <= o->maps[i].value_size);
		check_ptrs(o, &o->maps[i]);
		check_held(o, &o->maps[i]);
	}
	for (uint32_t i = 0; i < o->n_progs; i++) {
		const struct prog *p = &o->progs[i];

		CHECK(p->n_insns && p->n_funcs && !p->funcs[0].start && strlen(p->name) <= OBJ_MAX_NAME);
		for (uint32_t k = 1; k < p->n_funcs; k++)
			CHECK(p->funcs[k].start > p->funcs[k - 1].start && p->funcs[k].start < p->n_insns);
		for (uint32_t k = 0; k < p->n_lines; k++)
			CHECK(p->lines[k].insn < p->n_insns && p->lines[k].file && p->lines[k].text &&
			      (!k || p->lines[k].insn > p->lines[k - 1].insn));
		for (uint32_t k = 0; k < p->n_insns; k++)
			check_insn(p, k);
	}
}

bool sample_resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	(void)user;
	if ((strncmp(x->name, "ext_", 4) != 0 && strncmp(x->name, "CONFIG_", 7) != 0) ||
	    !strcmp(x->name, "ext_absent") || !strcmp(x->name, "CONFIG_WEAK"))
		return false;
	*out = (struct obj_bound){ .kind = OBJ_BOUND_HELPER, .number = 7 };
	if (x->kind == OBJ_EXTERN_VAR)
		*out = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER, .number = 0x1122334455667788 };
	if (x->kind == OBJ_EXTERN_CONFIG)
		*out = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER, .number = 100 };
	if (x->kind == OBJ_EXTERN_CONFIG && x->value_size > 8)
		*out = (struct obj_bound){ .kind = OBJ_BOUND_BYTES, .bytes = { (const uint8_t *)"abc", 3 } };
	return true;
}

enum err read_exact(const void *p, size_t len, uint16_t *id)
{
	AUTO_FREE uint8_t *copy = malloc(len ? len : 1);
	struct arena a;
	struct diag d;
	struct obj o;
	enum err e;

	memcpy(copy, p, len);
	arena_init(&a, 256 << 20);
	diag_init(&d);
	e = obj_read(view_of(copy, len), "test.o", &(struct obj_opts){ .resolve = sample_resolve }, &a, &o, &d);
	if (e == E_OK)
		check_promises(&o);
	else
		CHECK(e == E_NOMEM || (d.err == e && d.id && d.text[0]));
	if (id)
		*id = d.id;
	arena_done(&a);
	return e;
}

static Elf64_Ehdr *ehdr(struct buf *file)
{
	return (Elf64_Ehdr *)(void *)file->p;
}

static Elf64_Shdr *table(struct buf *file)
{
	return (Elf64_Shdr *)(void *)(file->p + ehdr(file)->e_shoff);
}

uint32_t shdr_index(struct buf *file, const char *name)
{
	const char *names = file->p + table(file)[ehdr(file)->e_shstrndx].sh_offset;

	for (uint32_t i = 0; i < ehdr(file)->e_shnum; i++)
		if (!strcmp(names + table(file)[i].sh_name, name))
			return i;
	fail_msg("[%s] no section %s", test_row, name);
	return 0;
}

Elf64_Shdr *shdr(struct buf *file, const char *name)
{
	return &table(file)[shdr_index(file, name)];
}

uint8_t *bytes_of(struct buf *file, const char *name)
{
	return (uint8_t *)file->p + shdr(file, name)->sh_offset;
}

Elf64_Sym *symbol(struct buf *file, const char *name)
{
	Elf64_Shdr *tab = shdr(file, ".symtab");
	const char *names = file->p + table(file)[tab->sh_link].sh_offset;
	Elf64_Sym *syms = (Elf64_Sym *)(void *)bytes_of(file, ".symtab");

	for (size_t i = 0; i < tab->sh_size / sizeof *syms; i++)
		if (!strcmp(names + syms[i].st_name, name))
			return &syms[i];
	fail_msg("[%s] no symbol %s", test_row, name);
	return NULL;
}
