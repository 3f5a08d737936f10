/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core: CO-RE relocations, applied to functions before anything else is.
 *
 * Each names one instruction and what of the target's types its immediate or offset is to be. Before it is changed the
 * instruction must say what the compiler says of the object's own types: a relocation of something else is refused.
 * What the target lacks becomes an instruction that never is safe (prog_missing), since objects ask first and keep the
 * rest behind the answer. Source of the rules: tools/lib/bpf/relo_core.c:bpf_core_patch_insn, Linux v6.12.
 */
#include "engine/obj/link.h"

enum { TEXT_BYTES = 512 };

struct patcher {
	struct linker *l;
	const struct elf_section *ext;
	uint64_t steps;
	size_t missing_cap;
	/* of the relocation at work */
	const struct core_relo *relo;
	const struct core_result *res;
	struct isa_insn *in; /* its instruction, and for a 64-bit immediate the slot behind it */
};

static FALLIBLE no_fit(const struct patcher *p, const char *what)
{
	FAIL_ID(p->l->e->d, FORMAT, 'E', 290, "a CO-RE relocation (%.32s of type %u) stands on '%s', %s",
		p->relo->access, p->relo->type, isa_rows[p->in->row].mnemonic, what);
}

static FALLIBLE out_of_range(const struct patcher *p)
{
	FAIL_ID(p->l->e->d, LIMIT, 'E', 291, "a CO-RE relocation (%.32s of type %u) comes to %llu, too much for '%s'",
		p->relo->access, p->relo->type, (unsigned long long)p->res->value, isa_rows[p->in->row].mnemonic);
}

/* "the target has no byte offset of struct s.a" */
static FALLIBLE describe(const struct patcher *p, const char *what, const char **out)
{
	struct buf b;

	buf_init(&b, TEXT_BYTES);
	buf_printf(&b, "the target has no %s", what);
	core_print(p->l->types, p->relo, &b);
	*out = b.p ? arena_strndup(p->l->e->a, b.p, b.len) : NULL;
	buf_done(&b);
	return *out ? E_OK : E_NOMEM;
}

/* what: "", or what of it is missing */
static FALLIBLE poison(struct patcher *p, const char *what)
{
	struct linker *l = p->l;
	struct isa_insn bad = isa_make(ISA_ST, 64, ISA_FORM_ST, 0);
	const char **list;

	list = arena_grow(l->e->a, l->missing, l->n_missing, &p->missing_cap, sizeof *list);
	if (!list)
		return E_NOMEM;
	l->missing = list;
	TRY(describe(p, what, &l->missing[l->n_missing]));
	bad.dst = ISA_FP;
	bad.off = PROG_MISSING_OFF;
	bad.imm = PROG_MISSING + l->n_missing++;
	if (p->in->sem == ISA_IMM64)
		p->in[1] = bad;
	p->in[0] = bad;
	return E_OK;
}

static bool is_alu_imm(const struct isa_insn *in)
{
	return in->form == ISA_FORM_RI && in->sem >= ISA_ADD && in->sem <= ISA_MOV;
}

/* Immediates of 64-bit operations are sign-extended, those of 32-bit ones cut. */
static FALLIBLE patch_alu(struct patcher *p)
{
	uint64_t v = p->res->value;

	if (p->res->was_known && (uint32_t)p->in->imm != (uint32_t)p->res->was)
		return no_fit(p, "which has another immediate than the object's types say");
	if (v != (uint64_t)(int32_t)v && (p->in->width == 64 || v > UINT32_MAX))
		return out_of_range(p);
	p->in->imm = (int32_t)v;
	return E_OK;
}

static FALLIBLE patch_imm64(struct patcher *p)
{
	assert(p->in->aux == ISA_IMM64_VALUE && "funcs_list refuses references without relocation");
	if (p->res->was_known && (uint64_t)p->in->imm != p->res->was)
		return no_fit(p, "which has another immediate than the object's types say");
	p->in->imm = (int64_t)p->res->value;
	return E_OK;
}

static bool is_access(const struct isa_insn *in)
{
	return in->sem >= ISA_LDX && in->sem <= ISA_STORE_REL;
}

/* The field is as wide as the target says; so is then the access. */
static FALLIBLE widen(struct patcher *p)
{
	uint32_t bytes = p->res->bytes;
	struct isa_insn wide;

	if (p->in->sem != ISA_LDX && p->in->sem != ISA_ST && p->in->sem != ISA_STX)
		return no_fit(p, "which has only one width");
	if (p->in->width != p->res->bytes_was * 8)
		return no_fit(p, "which is not as wide as the object's types say");
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return out_of_range(p);
	wide = isa_make(p->in->sem, bytes * 8, p->in->form, p->in->aux);
	p->in->row = wide.row;
	p->in->width = wide.width;
	return E_OK;
}

static FALLIBLE patch_access(struct patcher *p)
{
	bool same = p->res->bytes == p->res->bytes_was;

	if (p->res->was_known && (uint64_t)p->in->off != p->res->was)
		return no_fit(p, "which has another offset than the object's types say");
	if (p->res->value > INT16_MAX)
		return out_of_range(p);
	if (!same && !p->res->resize)
		return poison(p, "field of the width of ");
	p->in->off = (int32_t)p->res->value;
	return same ? E_OK : widen(p);
}

static FALLIBLE patch(struct patcher *p)
{
	if (p->res->poison)
		return poison(p, "");
	if (is_alu_imm(p->in))
		return patch_alu(p);
	if (p->in->sem == ISA_IMM64)
		return patch_imm64(p);
	if (is_access(p->in))
		return patch_access(p);
	return no_fit(p, "which has nothing to relocate");
}

/* Code that no function covers belongs to no program: linkers leave relocations of what they dropped. */
static FALLIBLE relocate_one(struct patcher *p, uint32_t section, const struct core_relo *r)
{
	struct linker *l = p->l;
	uint64_t slot = r->insn_off / ISA_SLOT_BYTES;
	struct func *f = func_before(l, section, slot);
	struct core_result res;

	if (r->insn_off % ISA_SLOT_BYTES)
		FAIL_ID(l->e->d, FORMAT, 'E', 290, "a CO-RE relocation of byte 0x%x, where no instruction begins",
			r->insn_off);
	if (!f || slot - f->start >= f->n)
		return E_OK;
	elf_at(l->e, l->e->sections[section].off + r->insn_off);
	TRY(core_resolve(l->types, r, l->e->opts->target, &p->steps, &res, l->e->d));
	p->relo = r;
	p->res = &res;
	p->in = &f->insns[slot - f->start];
	return patch(p);
}

static bool is_first_of_name(const struct elf *e, uint32_t section)
{
	for (uint32_t i = 1; i < section; i++)
		if (elf_is_code(&e->sections[i]) && !strcmp(e->sections[i].name, e->sections[section].name))
			return false;
	return true;
}

static FALLIBLE relocate_section(struct patcher *p, uint32_t section)
{
	const struct elf *e = p->l->e;
	const struct core_relo *list;
	uint32_t n;
	enum err err;

	err = core_read(p->ext->data, p->l->types, e->sections[section].name, e->a, &list, &n, e->d);
	if (err != E_OK && e->d && e->d->offset != DIAG_NONE)
		e->d->offset += p->ext->off;
	TRY(err);
	for (uint32_t i = 0; i < n; i++)
		TRY(relocate_one(p, section, &list[i]));
	return E_OK;
}

FALLIBLE core_relocate(struct linker *l)
{
	struct patcher p = { .l = l, .steps = CORE_MAX_STEPS };

	if (!l->e->opts->target || !l->types)
		return E_OK;
	TRY(elf_find_one(l->e, ".BTF.ext", &p.ext));
	for (uint32_t i = 1; p.ext && i < l->e->n_sections; i++)
		if (elf_is_code(&l->e->sections[i]) && is_first_of_name(l->e, i))
			TRY(relocate_section(&p, i));
	elf_at(l->e, DIAG_NONE);
	return E_OK;
}
