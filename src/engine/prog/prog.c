/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/prog/prog.h"

const struct prog_line *prog_line_at(const struct prog *p, uint32_t insn)
{
	uint32_t lo = 0, hi = p->n_lines;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->lines[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &p->lines[lo - 1] : NULL;
}

const struct prog_func *prog_func_at(const struct prog *p, uint32_t insn)
{
	uint32_t lo = 0, hi = p->n_funcs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->funcs[mid].start <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &p->funcs[lo - 1] : NULL;
}

const char *prog_missing(const struct prog *p, uint32_t insn)
{
	const struct isa_insn *in = &p->insns[insn];

	if (in->sem != ISA_ST || in->dst != ISA_FP || in->off != PROG_MISSING_OFF || in->imm < PROG_MISSING ||
	    in->imm - PROG_MISSING >= p->n_missing)
		return NULL;
	return p->missing[in->imm - PROG_MISSING];
}

FALLIBLE prog_from_code(struct view code, const char *name, struct arena *a, struct prog *out, struct diag *d)
{
	struct prog p = { .name = name, .section = "" };

	TRY(isa_decode(code, a, &p.insns, &p.n_insns, d));
	*out = p;
	return E_OK;
}
