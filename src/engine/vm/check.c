/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: is the program whole?
 *
 * Every instruction is one that isa.def has and this VM runs, functions end in exit or a jump, jumps stay inside their
 * function, r10 is never written: so control never leaves the program, and r10 is always the top of the frame.
 */
#include "engine/vm/prepare.h"

/* A row of isa.def, unchanged: struct prog promises nothing. */
static bool fits_its_row(const struct isa_insn *in)
{
	const struct isa_row *r;

	if (in->row >= isa_n_rows || in->dst >= ISA_N_REGS)
		return false;
	r = &isa_rows[in->row];
	return r->sem == in->sem && r->width == in->width && r->form == in->form && r->aux == in->aux &&
	       (in->src < ISA_N_REGS || !reads_src(in));
}

/* Why an instruction of the set does not run here, or NULL: it does. */
static const char *unsupported(const struct isa_insn *in)
{
	switch ((enum isa_sem)in->sem) {
	case ISA_LD_ABS:
	case ISA_LD_IND:
		return "there is no packet to load from; load from the context";
	case ISA_ADDR_CAST:
		return "there are no arenas";
	case ISA_CALL:
		return in->aux == ISA_CALL_KFUNC ? "there are no functions of a kernel to call" : NULL;
	case ISA_IMM64:
		if (in->aux == ISA_IMM64_BTF_ID)
			return "there are no variables of a kernel";
		if (in->aux == ISA_IMM64_MAP_IDX || in->aux == ISA_IMM64_MAP_IDX_VALUE)
			return "there is no array of map descriptors; a loader resolves this form";
		return NULL;
	default:
		return NULL;
	}
}

static FALLIBLE check_target(struct prep *s, uint32_t at, int64_t delta)
{
	int64_t to = delta < INT32_MIN || delta > INT32_MAX ? -1 : (int64_t)at + 1 + delta;

	if (to < 0 || to >= s->p->n_insns)
		FAIL_AT(at, FORMAT, 202, "'%s' leads to instruction %lld, outside the program",
			mnemonic(&s->p->insns[at]), (long long)to);
	if (s->p->insns[to].sem == ISA_PAD)
		FAIL_AT(at, FORMAT, 202, "'%s' leads into the middle of a 64-bit immediate",
			mnemonic(&s->p->insns[at]));
	s->leader[to] |= 1;
	return E_OK;
}

static FALLIBLE check_insn(struct prep *s, uint32_t at)
{
	const struct isa_insn *in = &s->p->insns[at];

	if (!fits_its_row(in))
		FAIL_AT(at, FORMAT, 204, "the instruction is not one that the instruction set has");
	if (unsupported(in))
		FAIL_AT(at, UNSUPPORTED, 207, "'%s' (%s) cannot run here: %s", mnemonic(in), isa_rows[in->row].name,
			unsupported(in));
	if (written_reg(in) == ISA_FP)
		FAIL_AT(at, FORMAT, 210, "'%s' writes r10, which is read-only", mnemonic(in));
	if (in->sem == ISA_IMM64 && (at + 1 >= s->p->n_insns || s->p->insns[at + 1].sem != ISA_PAD))
		FAIL_AT(at, FORMAT, 204, "a 64-bit immediate without its second slot");
	if (is_jump(in))
		return check_target(s, at, in->off);
	if (is_local_call(in) || is_func_ref(in)) {
		TRY(check_target(s, at, func_delta(in)));
		s->leader[at + 1 + func_delta(in)] |= 2;
		s->n_funcs++;
	}
	return E_OK;
}

static FALLIBLE check_insns(struct prep *s)
{
	const struct prog *p = s->p;

	if (!p->n_insns || p->n_insns > ISA_MAX_SLOTS)
		FAIL_AT(DIAG_NONE, FORMAT, 201, "a program has 1 to %d instructions, not %u", ISA_MAX_SLOTS,
			p->n_insns);
	for (uint32_t i = 0; i < p->n_insns; i++) {
		if (p->insns[i].sem == ISA_PAD && (!i || p->insns[i - 1].sem != ISA_IMM64))
			FAIL_AT(i, FORMAT, 204, "a second slot without a 64-bit immediate before it");
		if (p->insns[i].sem != ISA_PAD)
			TRY(check_insn(s, i));
	}
	return E_OK;
}

static bool uses_r10(const struct isa_insn *in)
{
	return (reads_src(in) && in->src == ISA_FP) || in->dst == ISA_FP;
}

/*
 * How much of its frame a function can read, so that calls clear only that: up to the deepest fixed access,
 * or everything once r10 goes anywhere else.
 */
static uint32_t frame_bytes(const struct prog *p, const struct vm_func *f)
{
	uint32_t deepest = 0, depth;

	for (uint32_t i = f->start; i < f->end; i++) {
		const struct isa_insn *in = &p->insns[i];

		if (!uses_r10(in))
			continue;
		if (!fixed_stack_access(in, &depth) || (in->form == ISA_FORM_STX && in->src == ISA_FP))
			return VM_STACK_BYTES;
		if (depth > deepest)
			deepest = depth;
	}
	return (deepest + 63) & ~63u;
}

static FALLIBLE check_func(struct prep *s, struct vm_func *f)
{
	const struct isa_insn *last = &s->p->insns[f->end - 1];

	if (last->sem != ISA_EXIT && last->sem != ISA_JA)
		FAIL_AT(f->end - 1, FORMAT, 203, "the function at instruction %u does not end in exit or a jump",
			f->start);
	for (uint32_t i = f->start; i < f->end; i++) {
		const struct isa_insn *in = &s->p->insns[i];
		int64_t to = (int64_t)i + 1 + in->off;

		f->may_goto |= in->sem == ISA_MAY_GOTO;
		if (is_jump(in) && (to < f->start || to >= f->end))
			FAIL_AT(i, FORMAT, 212, "'%s' leads to instruction %lld, in another function", mnemonic(in),
				(long long)to);
	}
	f->zero_bytes = frame_bytes(s->p, f);
	return E_OK;
}

/* A function goes from slot 0 or what a local call or a function reference names to the next. */
static FALLIBLE check_funcs(struct prep *s)
{
	uint32_t n = 0;

	s->funcs = calloc((size_t)s->n_funcs + 1, sizeof *s->funcs);
	if (!s->funcs)
		return E_NOMEM;
	for (uint32_t i = 0; i < s->p->n_insns; i++)
		if (!i || s->leader[i] & 2) {
			if (n)
				s->funcs[n - 1].end = i;
			s->funcs[n++].start = i;
		}
	s->funcs[n - 1].end = s->p->n_insns;
	s->n_funcs = n;
	for (uint32_t i = 0; i < n; i++)
		TRY(check_func(s, &s->funcs[i]));
	return E_OK;
}

static bool has_callx(const struct prog *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++)
		if (p->insns[i].sem == ISA_CALLX)
			return true;
	return false;
}

/* Data may hold addresses of functions that no instruction names: what callx may be given is all that p lists. */
static void add_listed(struct prep *s)
{
	const struct prog *p = s->p;

	if (!has_callx(p))
		return;
	for (uint32_t i = 0; i < p->n_funcs; i++) {
		uint32_t start = p->funcs[i].start;

		if (start >= p->n_insns || p->insns[start].sem == ISA_PAD || s->leader[start] & 2)
			continue;
		s->leader[start] |= 3;
		s->n_funcs++;
	}
}

FALLIBLE prep_check(struct prep *s)
{
	TRY(check_insns(s));
	add_listed(s);
	return check_funcs(s);
}
