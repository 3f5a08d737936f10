/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depth: how much stack a chain of calls takes, after the walk has found what each function uses.
 *
 * Depth first over calls as they stand in the program, in order, whether or not a path takes them.
 * Linux: kernel/bpf/verifier.c:check_max_stack_depth, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/internal.h"

/* x86-64 keeps a program's stack apart from the kernel's for some types: then each function has all of it. */
enum { PRIVATE_STACK_MIN = 64 };

struct call {
	uint32_t subprog, next; /* the instruction to go on with */
	uint32_t bytes;         /* that this frame adds to the chain */
	uint32_t frame;
};

struct chain {
	struct call call[256]; /* one per function: a chain that comes back to itself ends by depth or frames */
	uint32_t n, depth;
	bool private_ok; /* functions may have a stack of their own */
	uint8_t *mode;   /* per subprog: enum mode */
};
enum mode { MODE_UNKNOWN, MODE_SHARED, MODE_PRIVATE };

static uint32_t rounded(const struct kverifier *v, uint32_t bytes)
{
	if (khas(v, KERNEL_STACK_ROUND_16))
		return (bytes + 15) / 16 * 16;
	return bytes ? (bytes + 31) / 32 * 32 : 32;
}

static FALLIBLE enter(struct kverifier *v, struct chain *c, uint32_t s, uint32_t frame)
{
	struct ksubprog *sp = &v->subprogs[s];
	uint32_t bytes = rounded(v, sp->stack_bytes);
	struct call *call;

	KENSURE(v, c->n < countof(c->call));
	call = &c->call[c->n++];
	*call = (struct call){ .subprog = s, .next = sp->start, .frame = frame };
	v->insn = sp->start;
	if (sp->has_ld_abs)
		for (uint32_t i = 0; i < c->n; i++)
			if (v->subprogs[c->call[i].subprog].is_cb && khas(v, KERNEL_LD_ABS_NOT_IN_CALLBACK))
				KREJECT(v, LD_ABS_CALLBACK, "cannot use BPF_LD_[ABS|IND] within callback");
	if (s && sp->has_tail_call && c->depth >= v->k->limits.tail_call_stack)
		KREJECT(v, TAIL_CALL_STACK,
			"tail_calls are not allowed when call stack of previous frames is %u bytes. Too large",
			c->depth);
	if (!c->private_ok)
		c->mode[s] = MODE_SHARED;
	else if (c->mode[s] == MODE_UNKNOWN && bytes >= PRIVATE_STACK_MIN)
		c->mode[s] = MODE_PRIVATE;
	if (c->mode[s] == MODE_PRIVATE) {
		if (bytes > v->k->limits.stack_bytes)
			KREJECT(v, STACK_TOO_LARGE, "stack size of subprog %u is %u. Too large", s, bytes);
		return E_OK;
	}
	call->bytes = bytes;
	c->depth += bytes;
	if (c->depth > v->stats.stack_bytes)
		v->stats.stack_bytes = c->depth;
	if (c->depth > v->k->limits.stack_bytes)
		KREJECT(v, STACK_TOO_LARGE, "combined stack size of %u calls is %u. Too large", c->n, c->depth);
	return E_OK;
}

/* The function that instruction i makes part of the chain; -1: none. */
static int callee(struct kverifier *v, uint32_t i)
{
	const struct isa_insn *in = &v->p->insns[i];
	bool call = in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;
	int s;

	if (!call && !(in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC))
		return -1;
	s = kcfg_subprog_at(v, (uint32_t)(i + 1 + in->imm));
	if (s >= 0 && v->subprogs[s].is_async_cb && !call)
		return -1;
	return s;
}

static void mark_tail_calls(struct kverifier *v, const struct chain *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		v->subprogs[c->call[i].subprog].tail_call_reachable = true;
}

static FALLIBLE check_throw(struct kverifier *v, const struct chain *c, uint32_t insn)
{
	uint32_t subprogs[countof(c->call)];

	v->insn = insn;
	for (uint32_t i = 0; i < c->n; i++)
		subprogs[i] = c->call[i].subprog;
	return kexception_check_chain(v, insn, subprogs, c->n);
}

static FALLIBLE check_from(struct kverifier *v, struct chain *c, uint32_t root)
{
	c->n = c->depth = 0;
	TRY(enter(v, c, root, 0));
	while (c->n) {
		struct call *at = &c->call[c->n - 1];
		uint32_t end = v->names_subprogs || v->kfuncs ? v->subprogs[at->subprog].end : 0, frame;
		int to = -1;

		for (; at->next < end; at->next++) {
			if (kkfunc_facts(v, at->next).throws)
				TRY(check_throw(v, c, at->next));
			to = callee(v, at->next);
			if (to >= 0)
				break;
		}
		if (to < 0) {
			c->depth -= at->bytes;
			c->n--;
			continue;
		}
		v->insn = at->next++;
		if (v->subprogs[to].is_exception_cb)
			KREJECT(v, EXCEPTION_CALLED, "insn %u cannot call exception cb directly", v->insn);
		frame = v->subprogs[to].global && khas(v, KERNEL_GLOBAL_FRAMES_APART) ? 0 : at->frame + 1;
		if (frame >= v->k->limits.frames)
			KREJECT(v, FRAMES, "the call stack of %u frames is too deep !", frame);
		TRY(enter(v, c, (uint32_t)to, frame));
		if (v->subprogs[to].has_tail_call)
			mark_tail_calls(v, c);
	}
	return E_OK;
}

/* Linux: bpf_enable_priv_stack, v6.13 on x86-64. */
static bool private_stack(const struct kverifier *v)
{
	if (!khas(v, KERNEL_PRIVATE_STACK))
		return false;
	for (uint32_t s = 0; s < v->n_subprogs; s++)
		if (v->subprogs[s].has_tail_call)
			return false;
	return kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_PRIVATE_STACK);
}

FALLIBLE kdepth_check(struct kverifier *v)
{
	struct chain *c = ARENA_NEW(v->arena, struct chain);
	bool private = private_stack(v);

	KNEED(v, c);
	*c = (struct chain){ .mode = ARENA_ARRAY(v->arena, uint8_t, v->n_subprogs) };
	KNEED(v, c->mode);
	kfastcall_remove(v);
	for (uint32_t s = v->n_subprogs; s-- > 0;) {
		if (s && !v->subprogs[s].is_async_cb)
			continue;
		c->private_ok = !s && private;
		TRY(check_from(v, c, s));
	}
	return E_OK;
}
