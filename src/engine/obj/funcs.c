/* SPDX-License-Identifier: Apache-2.0 */
/*
 * funcs: which functions there are, each decoded once.
 */
#include "engine/obj/link.h"

enum { IMM64_OPCODE = 0x18, CALLX_OPCODE = 0x8d };

static int by_place(const void *pa, const void *pb)
{
	const struct func *a = pa, *b = pb;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return strcmp(a->name, b->name);
}

static FALLIBLE add_function(struct linker *l, const struct elf_symbol *s)
{
	const struct elf_section *sec = &l->e->sections[s->section];
	struct func *f = &l->funcs[l->n_funcs];

	TRY(elf_check_name(l->e, s->name, "function"));
	if (!s->name[0] || !s->size || s->value % ISA_SLOT_BYTES || s->size % ISA_SLOT_BYTES ||
	    !view_has(sec->data, s->value, s->size))
		FAIL_ID(l->e->d, FORMAT, 'E', 221,
			"function '%s' (0x%llx bytes at 0x%llx) does not lie on instructions of section %s", s->name,
			(unsigned long long)s->size, (unsigned long long)s->value, sec->name);
	*f = (struct func){ .name = s->name,
			    .section = s->section,
			    .start = (uint32_t)(s->value / ISA_SLOT_BYTES),
			    .n = (uint32_t)(s->size / ISA_SLOT_BYTES),
			    .prog = NO_INDEX,
			    .hidden = s->visibility == STV_HIDDEN || s->visibility == STV_INTERNAL };
	if (s->bind != STB_LOCAL && (l->e->opts->text_programs || strcmp(sec->name, ".text") != 0))
		f->prog = l->n_progs++; /* numbered anew when all are in order */
	l->n_funcs++;
	return E_OK;
}

static FALLIBLE find_aliases(struct linker *l)
{
	for (uint32_t i = 0; i < l->n_funcs; i++) {
		struct func *f = &l->funcs[i], *prev = i ? &l->funcs[i - 1] : NULL;

		f->first = i;
		if (!prev || prev->section != f->section || prev->start + prev->n <= f->start)
			continue;
		if (prev->start != f->start || prev->n != f->n)
			FAIL_ID(l->e->d, FORMAT, 'E', 222, "functions '%s' and '%s' overlap", prev->name, f->name);
		f->first = prev->first;
	}
	return E_OK;
}

/* Code that no function covers would be left out without a word. */
static FALLIBLE refuse_nameless_code(const struct linker *l)
{
	uint32_t k = 0;

	for (uint32_t i = 1; i < l->e->n_sections; i++) {
		while (k < l->n_funcs && l->funcs[k].section < i)
			k++;
		elf_at(l->e, l->e->sections[i].off);
		if (elf_is_code(&l->e->sections[i]) && (k == l->n_funcs || l->funcs[k].section != i))
			FAIL_ID(l->e->d, FORMAT, 'E', 223, "section %s has code, but no function symbol",
				l->e->sections[i].name);
	}
	elf_at(l->e, DIAG_NONE);
	return E_OK;
}

static FALLIBLE list_functions(struct linker *l)
{
	struct elf *e = l->e;
	uint32_t n_progs = 0;

	l->funcs = ARENA_ARRAY(e->a, struct func, e->n_symbols);
	if (!l->funcs)
		return E_NOMEM;
	for (uint32_t i = 1; i < e->n_symbols; i++) {
		const struct elf_symbol *s = &e->symbols[i];

		if (s->type != STT_FUNC || s->section == 0 || s->section == NO_SECTION ||
		    !elf_is_code(&e->sections[s->section]))
			continue;
		elf_at(e, e->sections[e->symtab].off + (uint64_t)i * SYMBOL_BYTES);
		TRY(add_function(l, s));
	}
	elf_at(e, DIAG_NONE);
	if (l->n_progs > OBJ_MAX_PROGS)
		FAIL_ID(e->d, LIMIT, 'E', 224, "%u programs, at most %d are read", l->n_progs, OBJ_MAX_PROGS);
	qsort(l->funcs, l->n_funcs, sizeof *l->funcs, by_place);
	for (uint32_t i = 0; i < l->n_funcs; i++)
		if (l->funcs[i].prog != NO_INDEX)
			l->funcs[i].prog = n_progs++;
	TRY(find_aliases(l));
	return refuse_nameless_code(l);
}

/*
 * callx has its register in dst (kernel and LLVM from 19 on); before, LLVM put it into imm. Returns code itself, or a
 * copy in which it is where it belongs; NULL: no memory.
 */
static const uint8_t *mend_callx(struct arena *a, const uint8_t *code, uint32_t n)
{
	uint8_t *copy = NULL;

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *in = code + (size_t)i * ISA_SLOT_BYTES;
		uint32_t imm;

		memcpy(&imm, in + 4, sizeof imm);
		if (in[0] == IMM64_OPCODE)
			i++;
		if (in[0] != CALLX_OPCODE || in[1] || !imm || imm >= ISA_N_REGS)
			continue;
		if (!copy) {
			copy = ARENA_ARRAY(a, uint8_t, (size_t)n * ISA_SLOT_BYTES);
			if (!copy)
				return NULL;
			memcpy(copy, code, (size_t)n * ISA_SLOT_BYTES);
		}
		copy[(size_t)i * ISA_SLOT_BYTES + 1] = (uint8_t)imm;
		copy[(size_t)i * ISA_SLOT_BYTES + 4] = 0;
	}
	return copy ? copy : code;
}

static FALLIBLE decode_functions(struct linker *l)
{
	const char *subject = l->e->d ? l->e->d->subject : NULL;

	for (uint32_t i = 0; i < l->n_funcs; i++) {
		struct func *f = &l->funcs[i];
		const uint8_t *code = l->e->sections[f->section].data.p + (size_t)f->start * ISA_SLOT_BYTES;
		uint32_t n;

		if (f->first != i) {
			f->insns = l->funcs[f->first].insns;
			continue;
		}
		code = mend_callx(l->e->a, code, f->n);
		if (!code)
			return E_NOMEM;
		if (l->e->d)
			l->e->d->subject = f->name;
		TRY(isa_decode(view_of(code, (size_t)f->n * ISA_SLOT_BYTES), l->e->a, &f->insns, &n, l->e->d));
	}
	if (l->e->d)
		l->e->d->subject = subject;
	return E_OK;
}

struct func *func_before(const struct linker *l, uint32_t section, uint64_t slot)
{
	uint32_t lo = 0, hi = l->n_funcs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct func *f = &l->funcs[mid];

		if (f->section < section || (f->section == section && f->start <= slot))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || l->funcs[lo - 1].section != section)
		return NULL;
	return &l->funcs[l->funcs[lo - 1].first];
}

struct func *func_at(const struct linker *l, uint32_t section, uint64_t off)
{
	struct func *f = off % ISA_SLOT_BYTES ? NULL : func_before(l, section, off / ISA_SLOT_BYTES);

	return f && f->start == off / ISA_SLOT_BYTES ? f : NULL;
}

/* Before any relocation: a map reference in the file's bytes names a descriptor of somebody's process. */
static FALLIBLE refuse_raw_refs(const struct linker *l, const struct func *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		if (f->insns[i].sem != ISA_IMM64 || f->insns[i].aux == ISA_IMM64_VALUE)
			continue;
		elf_at(l->e, l->e->sections[f->section].off + ((uint64_t)f->start + i) * ISA_SLOT_BYTES);
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 233, "'%s' has a 64-bit immediate of kind %u without relocation",
			f->name, f->insns[i].aux);
	}
	return E_OK;
}

FALLIBLE funcs_list(struct linker *l)
{
	TRY(list_functions(l));
	TRY(decode_functions(l));
	for (uint32_t i = 0; i < l->n_funcs; i++)
		TRY(refuse_raw_refs(l, &l->funcs[i]));
	return E_OK;
}
