/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reloc: what instructions refer to, as indexes: of a map in a 64-bit immediate, of a function in a local call or in a
 * 64-bit immediate. What the object does not define becomes what externs_read found for it.
 */
#include "engine/obj/link.h"

static FALLIBLE resolve_call(struct linker *l, struct isa_insn *in, uint32_t section, int64_t slot)
{
	struct func *f = slot >= 0 ? func_before(l, section, (uint64_t)slot) : NULL;

	if (!f || f->start != (uint64_t)slot)
		FAIL_ID(l->e->d, FORMAT, 'E', 225, "a call to slot %lld of section %s, where no function begins",
			(long long)slot, l->e->sections[section].name);
	in->off = CALL_RESOLVED;
	in->imm = f - l->funcs;
	return E_OK;
}

/*
 * A call of something that is not there. The object may hold it behind a test of the address, so it loads; when it is
 * reached all the same, it neither goes on nor comes back: a jump to itself, which no verifier takes and fuel ends.
 */
static struct isa_insn never(void)
{
	struct isa_insn in = isa_make(ISA_JEQ, 64, ISA_FORM_JRR, 0);

	in.dst = in.src = ISA_FP;
	in.off = -1;
	return in;
}

static void call_extern(struct isa_insn *in, const struct obj_found *x)
{
	if (x->state == EXTERN_MISSING) {
		*in = never();
		return;
	}
	*in = isa_make(ISA_CALL, 64, ISA_FORM_CALL,
		       x->bound.kind == OBJ_BOUND_HELPER ? ISA_CALL_HELPER : ISA_CALL_KFUNC);
	in->imm = (int64_t)x->bound.number;
}

static FALLIBLE relocate_call(struct linker *l, struct isa_insn *in, const struct elf_rel *r)
{
	const struct elf_symbol *s = &l->e->symbols[r->symbol];

	if (!func_is_local_call(in) || in->off == CALL_RESOLVED)
		FAIL_ID(l->e->d, FORMAT, 'E', 228, "a call relocation stands on '%s'", isa_rows[in->row].mnemonic);
	if (!s->section && l->externs->found[r->symbol].kind == OBJ_EXTERN_FUNC) {
		call_extern(in, &l->externs->found[r->symbol]);
		return E_OK;
	}
	if (!s->section || s->section == NO_SECTION || !elf_is_code(&l->e->sections[s->section]) ||
	    s->value % ISA_SLOT_BYTES || s->value >= l->e->sections[s->section].size)
		FAIL_ID(l->e->d, FORMAT, 'E', 225, "a call to symbol '%.64s', which is no place in code", s->name);
	return resolve_call(l, in, s->section, (int64_t)(s->value / ISA_SLOT_BYTES) + in->imm + 1);
}

/* Turn the plain immediate into a reference of this kind; its register stays. */
static void set_imm64(struct isa_insn *in, enum isa_imm64 kind, int64_t imm, uint32_t off)
{
	uint8_t dst = in->dst;

	*in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, kind);
	in->dst = dst;
	in->imm = imm;
	in->off = (int32_t)off;
}

static void address_extern(const struct linker *l, struct isa_insn *in, const struct obj_found *x)
{
	if (x->kind == OBJ_EXTERN_CONFIG)
		set_imm64(in, ISA_IMM64_MAP_VALUE, l->externs->config, x->off + (uint32_t)in->imm);
	else if (x->bound.kind == OBJ_BOUND_BTF_ID)
		set_imm64(in, ISA_IMM64_BTF_ID, (int64_t)x->bound.number, 0);
	else
		in->imm = (int64_t)(x->bound.number + (uint64_t)in->imm);
}

static FALLIBLE address_of_map(const struct linker *l, struct isa_insn *in, uint64_t off)
{
	uint32_t map = maps_at(l->maps, off);

	if (map == NO_INDEX)
		FAIL_ID(l->e->d, FORMAT, 'E', 229, "a reference to byte %llu of .maps, where no map begins",
			(unsigned long long)off);
	set_imm64(in, ISA_IMM64_MAP_FD, map, 0);
	return E_OK;
}

static FALLIBLE address_of_code(const struct linker *l, struct isa_insn *in, uint32_t section, uint64_t off)
{
	const struct func *f = func_at(l, section, off);

	if (!f)
		FAIL_ID(l->e->d, FORMAT, 'E', 225, "the address of byte %llu of section %s, where no function begins",
			(unsigned long long)off, l->e->sections[section].name);
	set_imm64(in, ISA_IMM64_FUNC, f - l->funcs, 0);
	return E_OK;
}

static FALLIBLE address_of_data(const struct linker *l, struct isa_insn *in, const struct elf_symbol *s)
{
	uint32_t map = s->section == NO_SECTION ? NO_INDEX : l->maps->by_section[s->section];
	uint64_t off = s->value + (uint64_t)in->imm;

	if (map == NO_INDEX)
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 230, "the address of '%.64s' in %s is neither a map, data nor code",
			s->name, s->section == NO_SECTION ? "no section" : l->e->sections[s->section].name);
	if (off > l->maps->maps[map].value_size)
		FAIL_ID(l->e->d, FORMAT, 'E', 231, "a reference to byte %lld of %s, which has %u", (long long)off,
			l->maps->maps[map].name, l->maps->maps[map].value_size);
	set_imm64(in, ISA_IMM64_MAP_VALUE, map, (uint32_t)off);
	return E_OK;
}

static FALLIBLE relocate_imm64(struct linker *l, struct isa_insn *in, const struct elf_rel *r)
{
	const struct elf_symbol *s = &l->e->symbols[r->symbol];
	const struct obj_found *x = &l->externs->found[r->symbol];

	if (in->sem != ISA_IMM64 || in->aux != ISA_IMM64_VALUE)
		FAIL_ID(l->e->d, FORMAT, 'E', 228, "a relocation of a 64-bit immediate stands on '%s'",
			isa_rows[in->row].mnemonic);
	if (!s->section) {
		if (x->kind == OBJ_EXTERN_CONFIG && (uint64_t)in->imm >= x->size)
			FAIL_ID(l->e->d, FORMAT, 'E', 231, "a reference to byte %lld of '%.64s', which has %u",
				(long long)in->imm, s->name, x->size);
		address_extern(l, in, x);
		return E_OK;
	}
	if (s->section != NO_SECTION && s->section == l->maps->maps_section)
		return address_of_map(l, in, s->value + (uint64_t)in->imm);
	if (s->section != NO_SECTION && elf_is_code(&l->e->sections[s->section]))
		return address_of_code(l, in, s->section, s->value + (uint64_t)in->imm);
	return address_of_data(l, in, s);
}

static FALLIBLE relocate(struct linker *l, uint32_t section, const struct elf_rel *r)
{
	uint64_t slot = r->off / ISA_SLOT_BYTES;
	struct func *f = func_before(l, section, slot);

	if (r->off % ISA_SLOT_BYTES || !f || slot - f->start >= f->n || !r->symbol || r->symbol >= l->e->n_symbols)
		FAIL_ID(l->e->d, FORMAT, 'E', 226,
			"a relocation of byte 0x%llx of section %s by symbol %u is about nothing there",
			(unsigned long long)r->off, l->e->sections[section].name, r->symbol);
	if (r->type == R_64_32)
		return relocate_call(l, &f->insns[slot - f->start], r);
	if (r->type == R_64_64)
		return relocate_imm64(l, &f->insns[slot - f->start], r);
	FAIL_ID(l->e->d, UNSUPPORTED, 'E', 232, "relocation type %u in section %s", r->type,
		l->e->sections[section].name);
}

/* Calls that the compiler resolved itself. */
static FALLIBLE finish_function(struct linker *l, const struct func *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		struct isa_insn *in = &f->insns[i];

		if (!func_is_local_call(in) || in->off == CALL_RESOLVED)
			continue;
		elf_at(l->e, l->e->sections[f->section].off + ((uint64_t)f->start + i) * ISA_SLOT_BYTES);
		TRY(resolve_call(l, in, f->section, (int64_t)f->start + i + 1 + in->imm));
	}
	return E_OK;
}

FALLIBLE code_relocate(struct linker *l)
{
	for (uint32_t i = 1; i < l->e->n_sections; i++) {
		const struct elf_section *s = &l->e->sections[i];

		if (s->type != SHT_REL || !elf_is_code(&l->e->sections[s->info]))
			continue;
		for (uint64_t k = 0; k < s->data.len / REL_BYTES; k++) {
			struct elf_rel r = elf_rel_at(s, k);

			elf_at(l->e, s->off + k * REL_BYTES);
			TRY(relocate(l, s->info, &r));
		}
	}
	for (uint32_t i = 0; i < l->n_funcs; i++)
		if (l->funcs[i].first == i)
			TRY(finish_function(l, &l->funcs[i]));
	elf_at(l->e, DIAG_NONE);
	return E_OK;
}
