/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subprogs: which functions a program has, and that jumps stay inside of them.
 *
 * Linux: kernel/bpf/verifier.c:add_subprog_and_kfunc, check_subprogs, check_abnormal_return, v6.12.
 */
#include "engine/kverify/internal.h"

enum { TAIL_CALL = 12 };

static bool is_local_call(const struct isa_insn *in)
{
	return in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;
}

static bool is_func_address(const struct isa_insn *in)
{
	return in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC;
}

int kcfg_subprog_at(const struct kverifier *v, uint32_t insn)
{
	uint32_t lo = 0, hi = v->n_subprogs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->subprogs[mid].start < insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->n_subprogs && v->subprogs[lo].start == insn ? (int)lo : -1;
}

uint32_t kcfg_subprog_of(const struct kverifier *v, uint32_t insn)
{
	uint32_t lo = 0, hi = v->n_subprogs;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->subprogs[mid].start <= insn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static FALLIBLE add(struct kverifier *v, uint32_t room, int64_t start)
{
	uint32_t i = v->n_subprogs;

	if (start < 0 || start >= v->p->n_insns)
		KREJECT(v, CALL_OUT, "call to invalid destination");
	if (kcfg_subprog_at(v, (uint32_t)start) >= 0)
		return E_OK;
	if (v->n_subprogs >= room)
		KREJECT(v, TOO_MANY_SUBPROGS, "too many subprograms");
	while (i && v->subprogs[i - 1].start > (uint32_t)start) {
		v->subprogs[i] = v->subprogs[i - 1];
		i--;
	}
	v->subprogs[i] = (struct ksubprog){ .start = (uint32_t)start, .func = UINT32_MAX };
	v->n_subprogs++;
	return E_OK;
}

/* What the object's types say: its name is for messages, a global one is verified for itself. */
static void name(struct kverifier *v, struct ksubprog *s)
{
	const struct btf *types = v->o->types;

	for (uint32_t f = 0; f < v->p->n_funcs; f++) {
		uint32_t id = v->p->funcs[f].type;

		if (v->p->funcs[f].start != s->start)
			continue;
		s->func = f;
		if (types && id && id < types->n_types && btf_get(types, id)->kind == BTF_FUNC)
			s->global =
				s->start && !v->p->funcs[f].hidden && btf_get(types, id)->n == 1; /* BTF_FUNC_GLOBAL */
	}
}

static FALLIBLE find(struct kverifier *v)
{
	uint32_t room = v->k->limits.subprogs, exception;

	v->subprogs = ARENA_ARRAY(v->arena, struct ksubprog, room);
	KNEED(v, v->subprogs);
	TRY(add(v, room, 0));
	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		const struct isa_insn *in = &v->p->insns[i];

		v->insn = i;
		if (!is_local_call(in) && !is_func_address(in))
			continue;
		v->names_subprogs = true;
		TRY(add(v, room, (int64_t)i + 1 + in->imm));
	}
	TRY(kexception_find(v, &exception));
	if (exception)
		TRY(add(v, room, exception));
	for (uint32_t s = 0; s < v->n_subprogs; s++) {
		struct ksubprog *sp = &v->subprogs[s];

		sp->is_exception_cb = sp->is_async_cb = sp->is_cb = sp->called = exception && sp->start == exception;
		v->catches |= sp->is_exception_cb;
		v->subprogs[s].end = s + 1 < v->n_subprogs ? v->subprogs[s + 1].start : v->p->n_insns;
		name(v, &v->subprogs[s]);
	}
	return E_OK;
}

static FALLIBLE check_last(struct kverifier *v, uint32_t i)
{
	const struct isa_insn *in = &v->p->insns[i];

	if (in->sem != ISA_EXIT && in->sem != ISA_JA)
		KREJECT(v, FALLS_OFF, "last insn is not an exit or jmp");
	return E_OK;
}

static FALLIBLE check_one(struct kverifier *v, struct ksubprog *s)
{
	for (uint32_t i = s->start; i < s->end; i++) {
		const struct isa_insn *in = &v->p->insns[i];
		int64_t to = (int64_t)i + 1 + in->off;

		v->insn = i;
		if (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER && in->imm == TAIL_CALL)
			s->has_tail_call = s->tail_call_reachable = true;
		if (in->sem == ISA_LD_ABS || in->sem == ISA_LD_IND)
			s->has_ld_abs = true;
		if (in->sem == ISA_EXIT)
			s->exit_insn = i;
		if ((in->sem == ISA_JA || isa_is_cond_jump(in)) && (to < s->start || to >= s->end))
			KREJECT(v, JUMP_OUT, "jump out of range from insn %u to %lld", i, (long long)to);
	}
	return check_last(v, s->end - 1);
}

/* Functions without types may not end early: nothing says what they return. */
static FALLIBLE check_abnormal_return(struct kverifier *v)
{
	for (uint32_t s = 1; s < v->n_subprogs; s++) {
		const struct ksubprog *sp = &v->subprogs[s];
		bool typed = v->o->types && sp->func != UINT32_MAX && v->p->funcs[sp->func].type;

		if (typed)
			continue;
		v->insn = sp->start;
		if (sp->has_ld_abs)
			KREJECT(v, LD_ABS_SUBPROG, "LD_ABS is not allowed in subprogs without BTF");
		if (sp->has_tail_call)
			KREJECT(v, TAIL_CALL_SUBPROG, "tail_call is not allowed in subprogs without BTF");
	}
	return E_OK;
}

FALLIBLE kcfg_subprogs(struct kverifier *v)
{
	TRY(find(v));
	TRY(kkfunc_find_all(v));
	for (uint32_t s = 0; s < v->n_subprogs; s++)
		TRY(check_one(v, &v->subprogs[s]));
	return check_abnormal_return(v);
}
