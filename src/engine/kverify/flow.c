/* SPDX-License-Identifier: Apache-2.0 */
/* flow: which instructions may follow one, inside its function, and an order in which each comes after those that
 * follow it. Linux: kernel/bpf/liveness.c:bpf_insn_successors, kernel/bpf/cfg.c:bpf_compute_postorder, v7.2. */
#include "engine/kverify/prune.h"

/* Tail calls and packet loads may leave the function at once. */
static bool may_return(const struct kverifier *v, const struct isa_insn *in)
{
	enum { TAIL_CALL = 12 };

	if (!khas(v, KERNEL_ABNORMAL_RETURNS))
		return false;
	return in->sem == ISA_LD_ABS || in->sem == ISA_LD_IND ||
	       (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER && in->imm == TAIL_CALL);
}

/* A function that never returns has none. */
static bool has_exit(const struct kverifier *v, const struct ksubprog *s)
{
	return s->exit_insn >= s->start && s->exit_insn < s->end && v->p->insns[s->exit_insn].sem == ISA_EXIT;
}

unsigned kflow_next_of(const struct kverifier *v, uint32_t i, uint32_t out[2])
{
	const struct isa_insn *in = &v->p->insns[i];
	uint32_t to = (uint32_t)((int64_t)i + 1 + in->off);
	unsigned n = 0;

	if (in->sem == ISA_EXIT)
		return 0;
	if (in->sem == ISA_JA || v->aux[i].one_way) {
		out[n++] = in->sem == ISA_JA || v->aux[i].one_way == KONE_WAY_TAKEN ? to : i + 1;
		return n;
	}
	out[n++] = i + (in->sem == ISA_IMM64 ? 2 : 1);
	if (isa_is_cond_jump(in))
		out[n++] = to;
	else if (may_return(v, in) && has_exit(v, &v->subprogs[kcfg_subprog_of(v, i)]))
		out[n++] = v->subprogs[kcfg_subprog_of(v, i)].exit_insn;
	return n;
}

struct walk {
	uint8_t *seen;
	uint32_t *stack;
	uint32_t n_stack, n_order;
};
enum { FOUND = 1, OPENED = 2 };

static void order_subprog(struct kverifier *v, struct kflow *f, struct walk *w, uint32_t start)
{
	w->stack[0] = start;
	w->n_stack = 1;
	while (w->n_stack) {
		uint32_t top = w->stack[w->n_stack - 1], next[2];
		unsigned n;

		if (w->seen[top] & OPENED) {
			f->order[w->n_order++] = top;
			w->n_stack--;
			continue;
		}
		w->seen[top] |= FOUND;
		n = kflow_next(v, top, next);
		for (unsigned i = 0; i < n; i++) {
			if (w->seen[next[i]])
				continue;
			w->seen[next[i]] = FOUND;
			w->stack[w->n_stack++] = next[i];
		}
		w->seen[top] |= OPENED;
	}
}

FALLIBLE kflow_compute(struct kverifier *v, struct kflow *f)
{
	uint32_t n = v->p->n_insns;
	struct walk w = { .seen = KSCRATCH(v, uint8_t, n), .stack = KSCRATCH(v, uint32_t, n + 1) };

	if (!f->order) {
		f->order = ARENA_ARRAY(v->arena, uint32_t, n);
		f->first = ARENA_ARRAY(v->arena, uint32_t, v->n_subprogs + 1);
	}
	KNEED(v, w.seen && w.stack && f->order && f->first);
	for (uint32_t s = 0; s < v->n_subprogs; s++) {
		f->first[s] = w.n_order;
		order_subprog(v, f, &w, v->subprogs[s].start);
	}
	f->first[v->n_subprogs] = w.n_order;
	kscratch_done(v);
	return E_OK;
}
