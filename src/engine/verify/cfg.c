/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfg: is the program well formed, whatever values it computes?
 *
 * Fields agree with their row, jumps land on instructions of their own function, no function runs off its end, every
 * instruction is reached, calls form no circle. Functions are the entry and the targets of local calls
 * (prog.funcs only gives names). What is found here, the other files rely on.
 */
#include "engine/verify/verify_internal.h"

static int64_t jump_target(const struct isa_insn *in, uint32_t at)
{
	return (int64_t)at + 1 + in->off;
}

static bool is_local_call(const struct isa_insn *in)
{
	return in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;
}

static bool is_func_ref(const struct isa_insn *in)
{
	return in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC;
}

/* A local call, and a reference to a function, name it in the same way. */
static bool names_func(const struct isa_insn *in)
{
	return is_local_call(in) || is_func_ref(in);
}

uint32_t cfg_call_target(uint32_t at, const struct isa_insn *in)
{
	return (uint32_t)((int64_t)at + 1 + in->imm);
}

static bool is_jump(const struct isa_insn *in)
{
	return in->sem == ISA_JA || isa_is_cond_jump(in);
}

unsigned cfg_successors(const struct prog *p, uint32_t insn, uint32_t out[2])
{
	const struct isa_insn *in = &p->insns[insn];
	unsigned n = 0;

	if (in->sem == ISA_EXIT)
		return 0;
	if (in->sem != ISA_JA)
		out[n++] = insn + (in->sem == ISA_IMM64 ? 2 : 1);
	if (is_jump(in))
		out[n++] = (uint32_t)jump_target(in, insn);
	return n;
}

static bool is_modelled(const struct isa_insn *in)
{
	switch ((enum isa_sem)in->sem) {
	case ISA_ADDR_CAST:
	case ISA_LD_ABS:
	case ISA_LD_IND:
		return false;
	case ISA_IMM64:
		return in->aux == ISA_IMM64_VALUE || in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE ||
		       in->aux == ISA_IMM64_FUNC;
	case ISA_CALL:
		return in->aux == ISA_CALL_HELPER || in->aux == ISA_CALL_LOCAL;
	default:
		return true;
	}
}

static bool fields_agree(const struct prog *p, uint32_t at)
{
	const struct isa_insn *in = &p->insns[at];
	const struct isa_row *row = in->row < isa_n_rows ? &isa_rows[in->row] : NULL;

	return row && row->sem == in->sem && row->width == in->width && row->form == in->form && row->aux == in->aux &&
	       in->dst < ISA_N_REGS && in->src < ISA_N_REGS &&
	       (in->sem != ISA_IMM64 || (at + 1 < p->n_insns && p->insns[at + 1].sem == ISA_PAD));
}

static FALLIBLE check_insns(struct verifier *v)
{
	const struct prog *p = v->p;

	for (uint32_t i = 0; i < p->n_insns; i++) {
		const struct isa_insn *in = &p->insns[i];

		v->cur.insn = i;
		if (!fields_agree(p, i))
			REJECT(v, MALFORMED, "the decoded instruction does not fit its row of the instruction set");
		if (isa_rows[in->row].since > v->limits->isa_version)
			REJECT(v, TOO_NEW, "'%s' needs instruction set v%u; %s has v%u", isa_rows[in->row].mnemonic,
			       isa_rows[in->row].since, v->o->profile->name, v->limits->isa_version);
		if (!is_modelled(in))
			REJECT(v, UNSUPPORTED, "'%s' (%s) is not modelled by this verifier", isa_rows[in->row].mnemonic,
			       isa_rows[in->row].name);
		if (in->sem == ISA_MAY_GOTO || calls_back(v, in))
			v->marks[i] |= MARK_PRUNE | MARK_HEAD;
		i += in->sem == ISA_IMM64;
	}
	return E_OK;
}

static bool lands(const struct prog *p, int64_t target)
{
	return target >= 0 && target < p->n_insns && p->insns[target].sem != ISA_PAD;
}

/* Mark call targets, then list them. */
static FALLIBLE find_funcs(struct verifier *v)
{
	const struct prog *p = v->p;
	uint32_t n = 0;

	v->marks[0] |= MARK_CALLED;
	for (uint32_t i = 0; i < p->n_insns; i++) {
		int64_t imm = p->insns[i].imm, target;

		v->cur.insn = i;
		if (!names_func(&p->insns[i]))
			continue;
		target = imm == (int32_t)imm ? (int64_t)i + 1 + imm : -1;
		if (!lands(p, target))
			REJECT(v, CALL_TARGET, "the %s goes to slot %lld of %u",
			       is_func_ref(&p->insns[i]) ? "reference" : "call", (long long)target, p->n_insns);
		v->marks[target] |= MARK_CALLED;
	}
	for (uint32_t i = 0; i < p->n_insns; i++)
		v->n_funcs += !!(v->marks[i] & MARK_CALLED);
	v->funcs = ARENA_ARRAY(v->arena, struct func, v->n_funcs);
	NEED(v, v->funcs);
	for (uint32_t i = 0; i < p->n_insns; i++) {
		if (!(v->marks[i] & MARK_CALLED))
			continue;
		if (n)
			v->funcs[n - 1].end = i;
		v->funcs[n++].start = i;
	}
	v->funcs[n - 1].end = p->n_insns;
	return E_OK;
}

const struct func *cfg_func(const struct verifier *v, uint32_t insn)
{
	uint32_t lo = 0, hi = v->n_funcs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->funcs[mid].start <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &v->funcs[lo - 1];
}

static FALLIBLE check_jumps(struct verifier *v, const struct func *f)
{
	const struct prog *p = v->p;
	uint32_t last = f->end - 1;

	for (uint32_t i = f->start; i < f->end; i++) {
		int64_t target = jump_target(&p->insns[i], i);

		v->cur.insn = i;
		if (!is_jump(&p->insns[i]))
			continue;
		if (!lands(p, target))
			REJECT(v, JUMP_OUT, "the jump goes to slot %lld of %u", (long long)target, p->n_insns);
		if (target < f->start || target >= f->end)
			REJECT(v, JUMP_ACROSS, "the jump goes from the function at %u to slot %lld", f->start,
			       (long long)target);
	}
	v->cur.insn = last;
	if (p->insns[last].sem != ISA_EXIT && p->insns[last].sem != ISA_JA)
		REJECT(v, FALLS_OFF, "the function at %u ends with '%s'", f->start,
		       isa_rows[p->insns[last].row].mnemonic);
	return E_OK;
}

static void reach(struct verifier *v, uint32_t to, bool meets, uint32_t *stack, uint32_t *n)
{
	if (meets || v->marks[to] & MARK_REACHED)
		v->marks[to] |= MARK_PRUNE;
	if (v->marks[to] & MARK_REACHED)
		return;
	v->marks[to] |= MARK_REACHED;
	stack[(*n)++] = to;
}

/* Paths meet where two edges or a backward one arrive, and after calls, which may return in many states. */
static FALLIBLE check_reached(struct verifier *v)
{
	const struct prog *p = v->p;
	uint32_t *stack = ARENA_ARRAY(v->arena, uint32_t, p->n_insns), n = 0, next[2];

	NEED(v, stack);
	reach(v, 0, false, stack, &n);
	while (n) {
		uint32_t at = stack[--n];
		const struct isa_insn *in = &p->insns[at];
		unsigned n_next = cfg_successors(p, at, next);

		for (unsigned i = 0; i < n_next; i++)
			reach(v, next[i],
			      next[i] <= at || is_local_call(in) || in->sem == ISA_CALLX || calls_back(v, in), stack,
			      &n);
		if (names_func(in) && !(v->marks[cfg_call_target(at, in)] & MARK_REACHED))
			reach(v, cfg_call_target(at, in), false, stack, &n);
	}
	for (uint32_t i = 0; i < p->n_insns; i++) {
		v->cur.insn = i;
		if (!(v->marks[i] & MARK_REACHED) && p->insns[i].sem != ISA_PAD && !v->o->profile->allow_unreachable)
			REJECT(v, UNREACHABLE, "no path reaches this instruction");
	}
	return E_OK;
}

static void note_properties(struct verifier *v)
{
	for (uint32_t f = 0; f < v->n_funcs; f++) {
		struct func *fn = &v->funcs[f];

		for (uint32_t i = fn->start; i < fn->end; i++) {
			const struct isa_insn *in = &v->p->insns[i];

			fn->may_goto |= in->sem == ISA_MAY_GOTO;
			fn->tail_call |=
				in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER && in->imm == HELPER_TAIL_CALL;
		}
	}
}

FALLIBLE cfg_check(struct verifier *v)
{
	const struct prog *p = v->p;

	v->cur.insn = UINT32_MAX;
	if (!p->n_insns)
		REJECT(v, EMPTY, "the program has no instructions");
	if (p->n_insns > v->limits->prog_slots)
		REJECT(v, SLOTS, "%u instructions; %s allows %u", p->n_insns, v->o->profile->name,
		       v->limits->prog_slots);
	v->marks = ARENA_ARRAY(v->arena, uint8_t, p->n_insns);
	NEED(v, v->marks);
	TRY(check_insns(v));
	TRY(find_funcs(v));
	for (uint32_t i = 0; i < v->n_funcs; i++)
		TRY(check_jumps(v, &v->funcs[i]));
	TRY(check_reached(v));
	note_properties(v);
	return calls_check(v);
}
