/* SPDX-License-Identifier: Apache-2.0 */
/* prune: what the files that keep, compare and mark states share. */
#ifndef SALLYPORT_ENGINE_KVERIFY_PRUNE_H
#define SALLYPORT_ENGINE_KVERIFY_PRUNE_H

#include "engine/kverify/internal.h"

/* The instruction at which frame f stands: the call of the next frame, or the one at work. Linux: frame_insn_idx */
static inline uint32_t kstate_insn(const struct kverify_state *s, uint32_t f)
{
	return f == s->cur ? s->insn : (uint32_t)s->frame[f + 1]->callsite;
}

/* Only states that are kept are parents, and those lie in a kstored. */
static inline struct kstored *kstored_of(struct kverify_state *s)
{
	return (struct kstored *)(void *)((char *)s - offsetof(struct kstored, st));
}

/* The list that holds states of this instruction and chain of calls, among others. Linux: explored_state */
static inline struct kstored **kstored_head(const struct kverifier *v, uint32_t insn)
{
	return &v->stored[(insn ^ (uint32_t)kframe_cur(&v->cur)->callsite) % v->p->n_insns];
}

/* ---- compare.c ---- */
/* How alike two states must be: as far as it mattered, in every respect, or the new one within the old whatever
 * mattered. */
enum kexact { KEXACT_NO, KEXACT_YES, KEXACT_RANGE };
FALLIBLE kcompare_init(struct kverifier *v);
bool kstates_equal(struct kverifier *v, struct kverify_state *old, const struct kverify_state *cur, enum kexact exact);
/* Quick: are the registers of the frame at work the same, as bytes? */
bool kstates_maybe_looping(struct kverify_state *old, const struct kverify_state *cur);
bool kstates_same_calls(const struct kverify_state *a, const struct kverify_state *b);
/* Everything but what can be mapped or does not count. */
bool kreg_exact(struct kverifier *v, const struct kreg *old, const struct kreg *cur); /* identities mapped */
void kids_reset(struct kverifier *v);
bool kreg_same_value(const struct kreg *a, const struct kreg *b);

/* ---- live_marks.c: releases that note reads while they walk ---- */
FALLIBLE kmarks_read(struct kverifier *v, uint32_t frame, uint32_t i); /* i: register, or ISA_N_REGS + slot */
void kmarks_connect(struct kverify_state *cur);
FALLIBLE kmarks_propagate(struct kverifier *v, const struct kverify_state *old, struct kverify_state *cur);
void kmarks_clean(struct kverifier *v, struct kverify_state *s);

/* ---- live.c ---- */
FALLIBLE klive_begin(struct kverifier *v); /* before components of the graph are sought */
/* Forget what is dead in this state. Linux: clean_verifier_state */
void klive_clean(struct kverifier *v, struct kverify_state *s);
FALLIBLE klive_path_end(struct kverifier *v);

/* ---- loops.c: states whose marks are not complete before a loop is done ---- */
FALLIBLE kloops_enter(struct kverifier *v, struct kverify_state *kept);
FALLIBLE kloops_exit(struct kverifier *v, struct kverify_state *s);
bool kloops_incomplete(struct kverifier *v, struct kverify_state *s);
FALLIBLE kloops_back(struct kverifier *v, struct kverify_state *to);
void kloops_reset(struct kverifier *v);
uint32_t kloops_waiting(const struct kverifier *v); /* copies of states at the ends of back edges */
struct kverify_state *kloops_entry_of(struct kverify_state *s);
void kloops_entry_learn(struct kverify_state *cur, struct kverify_state *head);

/* ---- precise.c, backtrack.c ---- */
/* Registers and slots of each frame that must be known exactly, on the way back. */
struct kwanted {
	uint32_t frame; /* at which the way back stands */
	uint16_t regs[KFRAMES_MAX];
	uint64_t slots[KFRAMES_MAX];
};
enum kback { KBACK_OK, KBACK_GIVE_UP, KBACK_BUG };
enum kback kbacktrack(struct kverifier *v, uint32_t idx, int64_t next, const struct khist *h, struct kwanted *w);
/* Releases that follow one frame only, and the stack by r10 alone. */
enum kback kbacktrack_simple(struct kverifier *v, uint32_t idx, struct kwanted *w);
FALLIBLE kprecise_wanted(struct kverifier *v, struct kverify_state *from, struct kwanted *w, bool *changed);
/* What the old state needed exactly the new one does, which the old one covers. Linux: propagate_precision */
FALLIBLE kprecise_propagate(struct kverifier *v, const struct kverify_state *old, struct kverify_state *cur,
			    bool *changed);
FALLIBLE kprecise_all(struct kverifier *v, struct kverify_state *below); /* every scalar of all its parents */
void kprecise_forget(struct kverify_state *s);

/* ---- flow.c: the graph of instructions ---- */
struct kflow {
	uint32_t *order; /* instructions of a function after all that follow them, function by function: "postorder" */
	uint32_t *first; /* of subprog s: order[first[s]] .. order[first[s + 1]] */
};
FALLIBLE kflow_compute(struct kverifier *v, struct kflow *f); /* again, when branches have become one-way */
unsigned kflow_next_of(const struct kverifier *v, uint32_t insn, uint32_t out[2]);
/* The first two that follow: straight on, then by a jump. After most instructions comes the next. */
static inline unsigned kflow_next(const struct kverifier *v, uint32_t insn, uint32_t out[2])
{
	enum isa_sem sem = (enum isa_sem)v->p->insns[insn].sem;

	if (sem >= ISA_LD_ABS || sem == ISA_IMM64)
		return kflow_next_of(v, insn, out);
	out[0] = insn + 1;
	return 1;
}

/* ---- live_regs.c, const_regs.c, live_static.c ---- */
FALLIBLE klive_regs_compute(struct kverifier *v);
/* Constants in registers before each instruction, found without following paths. Linux: kernel/bpf/const_fold.c, v7.2
 */
struct kconst {
	uint16_t number, map, subprog; /* registers that hold one */
	uint32_t value[ISA_FP];
};
FALLIBLE kconst_compute(struct kverifier *v); /* of calls and branches */
/* Nothing is known where nothing was kept. */
const struct kconst *kconst_at(const struct kverifier *v, uint32_t insn);
FALLIBLE kstatic_compute(struct kverifier *v);
/* May it be read later, in the state that was asked about? half: 2 * slot, the one with lower addresses + 1. */
void kstatic_query(struct kverifier *v, const struct kverify_state *s);
bool kstatic_alive(struct kverifier *v, uint32_t frame, uint32_t half);

/* ---- live_stack.c: 6.18 ---- */
FALLIBLE kmasks_init(struct kverifier *v);
FALLIBLE kmasks_step_begin(struct kverifier *v);
FALLIBLE kmasks_step_end(struct kverifier *v);
FALLIBLE kmasks_read(struct kverifier *v, uint32_t frame, uint32_t spi);
void kmasks_written(struct kverifier *v, uint32_t frame, uint32_t spi);
FALLIBLE kmasks_solve(struct kverifier *v);
void kmasks_query(struct kverifier *v, const struct kverify_state *s);
bool kmasks_alive(struct kverifier *v, uint32_t frame, uint32_t spi);

enum klive_mode { KLIVE_MARKS, KLIVE_MASKS, KLIVE_AHEAD }; /* read marks; 6.18; 7.2 */
struct klive_data {
	enum klive_mode mode;
	bool regs; /* registers by the program's text */
	struct kflow flow;
	struct kconst **consts; /* per instruction */
	struct kmasks *masks;
	struct kstatic *ahead;
};

#endif
