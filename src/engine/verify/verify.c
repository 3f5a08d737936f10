/* SPDX-License-Identifier: Apache-2.0 */
/* verify: one verification from its options to its verdict. */
#include "engine/verify/verify_internal.h"

/* At entry: r1 is the context, r10 the frame; nothing else holds anything. */
static FALLIBLE init_state(struct verifier *v)
{
	const struct abi_limits *l = v->limits;
	struct state *s = &v->cur;

	v->n_slots_max = (l->stack_bytes + SLOT_BYTES - 1) / SLOT_BYTES;
	v->max_regs = (size_t)l->frames * (ISA_N_REGS + v->n_slots_max);
	v->n_classes = (sizeof(struct snap) + l->frames * sizeof(struct snap_frame) +
			v->max_regs * (sizeof(struct reg) + sizeof(struct snap_slot))) /
			       128 +
		       8 + (TRAIL_MAX * sizeof(struct trail) + LINKS_MAX * sizeof(struct link)) / 128;
	v->free_blocks = ARENA_ARRAY(v->arena, struct block *, v->n_classes);
	s->frames = ARENA_ARRAY(v->arena, struct frame, l->frames);
	NEED(v, v->free_blocks && s->frames);
	TRY(walk_need_frame(v, 0));
	s->n_frames = 1;
	s->insn = 0;
	v->next_id = VERIFY_FIRST_ID;
	s->frames[0].stamp.life = v->funcs[0].may_goto ? ++v->next_work : 0;
	*reg_at(v, 1) = (struct reg){ .type = REG_CTX, .set_at = UINT32_MAX };
	*reg_at(v, ISA_FP) = (struct reg){ .type = REG_STACK, .set_at = UINT32_MAX };
	return E_OK;
}

static FALLIBLE check_limits(struct verifier *v)
{
	const struct abi_limits *l = v->limits;

	v->cur.insn = UINT32_MAX;
	ENSURE(v, l->frames >= 1 && l->frames <= VERIFY_MAX_FRAMES);
	ENSURE(v, l->stack_bytes <= VERIFY_MAX_STACK_BYTES);
	return E_OK;
}

/* precise.c goes back over all instructions but these. */
static bool compares_loosely(const struct verifier *v)
{
	for (uint32_t i = 0; i < v->p->n_insns; i++)
		if (v->marks[i] & MARK_HEAD)
			return false;
	for (uint32_t f = 1; f < v->n_funcs; f++)
		if (v->funcs[f].tail_call)
			return false;
	return true;
}

static FALLIBLE run(struct verifier *v)
{
	TRY(check_limits(v));
	TRY(cfg_check(v));
	TRY(liveness_compute(v));
	TRY(init_state(v));
	TRY(prune_init(v));
	v->loose = !v->observer && !v->every_path && compares_loosely(v);
	TRY(walk(v));
	return calls_check_stack(v);
}

/* What only tests choose. */
struct manner {
	verify_observer *observer;
	void *user;
	bool every_path;
};

static FALLIBLE verify_in(struct manner how, const struct prog *p, const struct verify_opts *o, struct arena *a,
			  struct verify_stats *stats, struct diag *d)
{
	static const struct abi_ctx no_ctx = { .name = "(none)" };
	struct verify_opts opts = *o;
	struct verifier *v = ARENA_NEW(a, struct verifier);
	enum err err;

	assert(o->profile && o->type && "the caller chose both");
	if (stats)
		*stats = (struct verify_stats){ 0 };
	if (!v)
		FAIL_ID(d, LIMIT, 'V', VERIFY_MEMORY, "verification needs more than %zu KiB", a->cap >> 10);
	if (!opts.ctx)
		opts.ctx = &no_ctx;
	*v = (struct verifier){ .p = p,
				.o = &opts,
				.limits = &o->profile->limits,
				.arena = a,
				.d = d,
				.observer = how.observer,
				.observer_user = how.user,
				.every_path = how.every_path };
	err = run(v);
	if (stats)
		*stats = v->stats;
	return err;
}

/* With somebody watching, states that are compared must hold all numbers: each machine is in one that was seen. */
FALLIBLE verify_observed(const struct prog *p, const struct verify_opts *o, struct arena *a, struct verify_stats *stats,
			 struct diag *d, verify_observer *fn, void *user)
{
	return verify_in((struct manner){ .observer = fn, .user = user }, p, o, a, stats, d);
}

FALLIBLE verify_every_path(const struct prog *p, const struct verify_opts *o, struct arena *a,
			   struct verify_stats *stats, struct diag *d)
{
	return verify_in((struct manner){ .every_path = true }, p, o, a, stats, d);
}

FALLIBLE verify_prog(const struct prog *p, const struct verify_opts *o, struct arena *a, struct verify_stats *stats,
		     struct diag *d)
{
	return verify_observed(p, o, a, stats, d, NULL, NULL);
}
