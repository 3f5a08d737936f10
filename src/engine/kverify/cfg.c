/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cfg: every instruction can be reached, and where paths meet.
 *
 * Depth first over the graph of instructions, in the kernel's order, which decides which edges lead back. On the way
 * the places are marked where states are compared (prune points), where the order of instructions is noted (jump
 * points) and where a state must be kept (checkpoints). Linux: kernel/bpf/verifier.c:check_cfg, visit_insn, v5.10,
 * v6.1, v6.12; kernel/bpf/cfg.c, v7.2.
 */
#include "engine/kverify/internal.h"

enum { SEEN_NOT, SEEN_OPEN, SEEN_FALL, SEEN_BRANCH, SEEN_DONE };
enum edge { FALL, BRANCH };

struct graph {
	uint8_t *seen;   /* per slot */
	uint32_t *stack; /* the path from the entry */
	uint32_t depth;
};

static void mark_prune(struct kverifier *v, uint32_t insn)
{
	if (insn < v->p->n_insns)
		v->aux[insn].prune_point = true;
}

static void mark_jump(struct kverifier *v, uint32_t insn)
{
	if (insn < v->p->n_insns)
		v->aux[insn].jmp_point = true;
}

static uint32_t next_of(const struct kverifier *v, uint32_t t)
{
	return t + (v->p->insns[t].sem == ISA_IMM64 ? 2 : 1);
}

/* Follow one edge. *deeper: its end is new and stands on the stack. */
static FALLIBLE follow(struct kverifier *v, struct graph *g, uint32_t t, int64_t w, enum edge e, bool back_ok,
		       bool *deeper)
{
	*deeper = false;
	if (g->seen[t] >= (e == FALL ? SEEN_FALL : SEEN_BRANCH))
		return E_OK;
	v->insn = t;
	if (w < 0 || w >= v->p->n_insns)
		KREJECT(v, JUMP_OUT, "jump out of range from insn %u to %lld", t, (long long)w);
	if (e == BRANCH) {
		mark_prune(v, (uint32_t)w);
		mark_jump(v, (uint32_t)w);
		v->aux[w].jump_target = true;
	}
	if (v->p->insns[w].sem == ISA_PAD)
		KREJECT(v, JUMP_INTO_IMM64, "jump into the middle of ldimm64 insn %lld", (long long)w - 1);
	if (g->seen[w] == SEEN_NOT) {
		g->seen[t] = e == FALL ? SEEN_FALL : SEEN_BRANCH;
		g->seen[w] = SEEN_OPEN;
		g->stack[g->depth++] = (uint32_t)w;
		*deeper = true;
		return E_OK;
	}
	if (g->seen[w] == SEEN_DONE)
		g->seen[t] = e == FALL ? SEEN_FALL : SEEN_BRANCH;
	else if (!back_ok)
		KREJECT(v, BACK_EDGE, "back-edge from insn %u to %lld", t, (long long)w);
	return E_OK;
}

/* A call or the address of a function: after it comes the next, and the function. */
static FALLIBLE visit_call(struct kverifier *v, struct graph *g, uint32_t t, bool callee, bool *deeper)
{
	const struct isa_insn *in = &v->p->insns[t];
	bool back_ok = in->sem == ISA_IMM64 || khas(v, KERNEL_CFG_CALLS_BACK);

	TRY(follow(v, g, t, next_of(v, t), FALL, khas(v, KERNEL_CFG_CALLS_BACK), deeper));
	if (*deeper)
		return E_OK;
	mark_prune(v, next_of(v, t));
	mark_jump(v, next_of(v, t));
	if (!callee)
		return E_OK;
	mark_prune(v, t);
	return follow(v, g, t, (int64_t)t + 1 + in->imm, BRANCH, back_ok, deeper);
}

/* An iterator's next is where rounds of its loop are compared. */
static void mark_kfunc(struct kverifier *v, uint32_t t)
{
	struct ksubprog *s = &v->subprogs[kcfg_subprog_of(v, t)];
	struct kkfunc_facts f = kkfunc_facts(v, t);

	if (f.iter_next) {
		v->aux[t].is_iter_next = v->aux[t].force_checkpoint = true;
		mark_prune(v, t);
	}
	s->might_sleep |= f.sleeps;
	s->changes_pkt |= f.changes_packet;
	s->might_throw |= f.throws;
}

static void mark_helper(struct kverifier *v, uint32_t t)
{
	struct ksubprog *s = &v->subprogs[kcfg_subprog_of(v, t)];
	const struct isa_insn *in = &v->p->insns[t];
	const struct kernel_proto *proto = NULL;

	if (kcalls_async(v, t))
		mark_prune(v, t);
	if (kcalls_callback(v, t) && khas(v, KERNEL_CALLBACK_LOOPS)) {
		v->goes_back = true;
		v->aux[t].calls_callback = v->aux[t].force_checkpoint = true;
		mark_prune(v, t);
		mark_jump(v, t);
	}
	if (in->aux == ISA_CALL_KFUNC)
		mark_kfunc(v, t);
	if (in->aux != ISA_CALL_HELPER ||
	    kernel_helper(v->k, &v->o->target, (uint32_t)in->imm, &proto) != KERNEL_ALLOWED)
		return;
	s->might_sleep |= (proto->flags & KP_MIGHT_SLEEP) != 0;
	s->changes_pkt |= (proto->flags & KP_CHANGES_PACKET) != 0;
}

static FALLIBLE visit_jump(struct kverifier *v, struct graph *g, uint32_t t, bool *deeper)
{
	const struct isa_insn *in = &v->p->insns[t];
	int64_t to = (int64_t)t + 1 + in->off;

	v->goes_back |= to <= t;
	if (in->sem == ISA_JA) {
		TRY(follow(v, g, t, to, FALL, true, deeper));
		if (*deeper)
			return E_OK;
		mark_prune(v, (uint32_t)to);
		mark_jump(v, (uint32_t)to);
		v->aux[to].jump_target = true;
		if (!khas(v, KERNEL_JUMP_POINTS))
			mark_prune(v, t + 1);
		return E_OK;
	}
	mark_prune(v, t);
	if (in->sem == ISA_MAY_GOTO)
		v->aux[t].force_checkpoint = true;
	TRY(follow(v, g, t, (int64_t)t + 1, FALL, true, deeper));
	return *deeper ? E_OK : follow(v, g, t, to, BRANCH, true, deeper);
}

/* Straight on, whatever it does. */
static bool is_plain(const struct isa_insn *in)
{
	return in->sem < ISA_JA && in->sem != ISA_IMM64;
}

static FALLIBLE visit(struct kverifier *v, struct graph *g, uint32_t t, bool *deeper)
{
	const struct isa_insn *in = &v->p->insns[t];

	*deeper = false;
	if (in->sem == ISA_EXIT)
		return E_OK;
	if (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC)
		return visit_call(v, g, t, true, deeper);
	if (in->sem == ISA_JA || isa_is_cond_jump(in))
		return visit_jump(v, g, t, deeper);
	if (in->sem != ISA_CALL && in->sem != ISA_CALLX)
		return follow(v, g, t, next_of(v, t), FALL, khas(v, KERNEL_CFG_CALLS_BACK), deeper);
	if (in->sem == ISA_CALL)
		mark_helper(v, t);
	return visit_call(v, g, t, in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL, deeper);
}

/* What a callee does its caller does. Callees are done when this is asked: there is no recursion that passes. */
static void merge_effects(struct kverifier *v)
{
	for (bool more = v->names_subprogs; more;) {
		more = false;
		for (uint32_t i = 0; i < v->p->n_insns; i++) {
			const struct isa_insn *in = &v->p->insns[i];
			struct ksubprog *from;
			int to = -1;

			if ((in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL) ||
			    (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC))
				to = kcfg_subprog_at(v, (uint32_t)(i + 1 + in->imm));
			if (to < 0)
				continue;
			from = &v->subprogs[kcfg_subprog_of(v, i)];
			more |= (v->subprogs[to].might_sleep && !from->might_sleep) ||
				(v->subprogs[to].changes_pkt && !from->changes_pkt);
			from->might_sleep |= v->subprogs[to].might_sleep;
			from->changes_pkt |= v->subprogs[to].changes_pkt;
			more |= v->subprogs[to].might_throw && !from->might_throw;
			from->might_throw |= v->subprogs[to].might_throw;
		}
	}
}

static FALLIBLE check_all_reached(struct kverifier *v, const struct graph *g)
{
	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		v->insn = i;
		if (v->p->insns[i].sem != ISA_PAD && g->seen[i] != SEEN_DONE)
			KREJECT(v, UNREACHABLE, "unreachable insn %u", i);
	}
	return E_OK;
}

static FALLIBLE explore(struct kverifier *v, struct graph *g, uint32_t from)
{
	if (g->seen[from])
		return E_OK;
	g->seen[from] = SEEN_OPEN;
	g->stack[g->depth++] = from;
	while (g->depth) {
		uint32_t t = g->stack[g->depth - 1];
		bool deeper = false;

		if (g->seen[t] != SEEN_FALL || !is_plain(&v->p->insns[t]))
			TRY(visit(v, g, t, &deeper));
		if (deeper)
			continue;
		g->seen[t] = SEEN_DONE;
		g->depth--;
	}
	return E_OK;
}

FALLIBLE kcfg_check(struct kverifier *v)
{
	uint32_t n = v->p->n_insns;
	struct graph g = { .seen = KSCRATCH(v, uint8_t, n), .stack = KSCRATCH(v, uint32_t, n + 1) };

	KNEED(v, g.seen && g.stack);
	TRY(explore(v, &g, 0));
	for (uint32_t s = 1; s < v->n_subprogs; s++)
		if (v->subprogs[s].is_exception_cb)
			TRY(explore(v, &g, v->subprogs[s].start));
	TRY(check_all_reached(v, &g));
	kscratch_done(v);
	merge_effects(v);
	return kscc_compute(v);
}
