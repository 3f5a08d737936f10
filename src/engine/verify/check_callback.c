/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_callback: functions that a helper calls.
 *
 * A helper that calls back is a loop whose number of rounds the runtime bounds: from the instruction of the call one
 * way goes on with the helper's result, another into the callback with what the helper gives it, and the callback's
 * exit leads back to the same instruction, where the next round may begin. The caller's registers stay as they were
 * until the helper has returned; of its stack the callback can change what it was given the address of. prune.c sees
 * that rounds come to an end: a round that finds nothing new, or what widen.c made of it, is covered by the one before.
 *
 * A timer's callback runs when the program that set it has ended. It is verified for itself, once per function and map.
 * Linux: kernel/bpf/verifier.c:push_callback_call, set_loop_callback_state and its likes, prepare_func_exit, v6.12.
 */
#include "engine/verify/verify_internal.h"

static struct reg map_reg(enum reg_type type, uint32_t map, bool inner)
{
	return (struct reg){ .type = (uint8_t)type, .map = map, .inner = inner, .set_at = UINT32_MAX };
}

/* What r1 to r5 of the callback hold. */
static void give_arguments(struct verifier *v, const struct callback_call *c, struct reg *r)
{
	const struct reg *given = reg_at(v, 0);

	switch (c->kind) {
	case CALLBACK_LOOP:
		r[1] = reg_scalar(scalar_unsigned(0, UINT32_MAX), UINT32_MAX);
		r[2] = given[3];
		return;
	case CALLBACK_FOR_EACH:
		r[4] = given[3];
		__attribute__((fallthrough));
	case CALLBACK_TIMER:
		r[1] = map_reg(REG_MAP, c->map, c->inner);
		r[2] = map_reg(REG_KEY, c->map, c->inner);
		r[3] = map_reg(REG_VALUE, c->map, c->inner);
		r[3].id = reg_fresh_id(v);
		return;
	case CALLBACK_DRAIN: /* r1 names the sample: for dynptr_read alone, which knows it while the callback runs */
		r[1] = (struct reg){ .type = REG_HANDLE };
		r[2] = given[3];
		return;
	case CALLBACK_NONE:
		return;
	}
}

/* The rounds that are to come, and the way on when there are none: that one waits. */
static FALLIBLE push_end(struct verifier *v, struct reg r0)
{
	struct frame *f = state_frame(&v->cur);
	struct reg args[6];
	struct stamp between = v->cur.between;

	memcpy(args, f->r, sizeof args);
	for (unsigned i = 0; i <= 5; i++)
		f->r[i] = (struct reg){ .type = REG_NONE };
	reg_set(v, 0, r0);
	v->cur.between = (struct stamp){ 0 };
	TRY(walk_push(v, v->cur.insn + 1));
	memcpy(f->r, args, sizeof args);
	v->cur.between = between;
	return E_OK;
}

FALLIBLE callback_rounds(struct verifier *v, const struct callback_call *c, struct reg r0)
{
	struct reg r[ISA_N_REGS] = { 0 };
	struct stamp between;

	ENSURE(v, v->cur.between.work && c->kind != CALLBACK_TIMER);
	TRY(push_end(v, r0));
	between = v->cur.between;
	give_arguments(v, c, r);
	v->cur.between = (struct stamp){ 0 };
	TRY(calls_note(v, c->func));
	TRY(call_enter(v, c->func, r));
	state_frame(&v->cur)->callback = c->kind;
	state_frame(&v->cur)->stamp.work = between.work;
	state_frame(&v->cur)->stamp.round = between.round;
	return E_OK;
}

FALLIBLE callback_end(struct verifier *v)
{
	const struct frame *f = state_frame(&v->cur);
	int64_t most = f->callback == CALLBACK_TIMER ? 0 : 1;

	TRY(reg_read(v, 0));
	if (f->r[0].type != REG_SCALAR)
		REJECT_REG(v, CALLBACK_RETURN, 0, "the callback returns %s", verify_type_name(&f->r[0]));
	if (f->r[0].s.smin < 0 || f->r[0].s.smax > most)
		REJECT_REG(v, CALLBACK_RETURN, 0, "the callback may return %lld..%lld; 0..%lld is allowed",
			   (long long)f->r[0].s.smin, (long long)f->r[0].s.smax, (long long)most);
	precise_reg(v, 0);
	TRY(ref_none_held(v, true, "the callback ends"));
	if (v->cur.n_frames == 1) {
		precise_end(v);
		v->path_ends = true;
		return E_OK;
	}
	v->cur.between = (struct stamp){ .work = f->stamp.work, .round = f->stamp.round + 1 };
	v->cur.n_frames--;
	v->cur.insn = f->call_site;
	return E_OK;
}

FALLIBLE callback_later(struct verifier *v, const struct callback_call *c)
{
	struct later *l;

	for (l = v->later; l; l = l->next)
		if (l->call.func == c->func && l->call.map == c->map && l->call.inner == c->inner)
			return E_OK;
	l = ARENA_NEW(v->arena, struct later);
	NEED(v, l);
	*l = (struct later){ .next = v->later, .call = *c };
	v->later = l;
	return E_OK;
}

static struct later *waiting(struct verifier *v)
{
	struct later *l = v->later;

	while (l && l->looked_at)
		l = l->next;
	return l;
}

FALLIBLE callback_next_later(struct verifier *v, bool *there_is)
{
	struct later *l = waiting(v);
	struct reg r[ISA_N_REGS] = { 0 };

	*there_is = l != NULL;
	if (!l)
		return E_OK;
	l->looked_at = true;
	give_arguments(v, &l->call, r);
	v->cur.n_frames = v->cur.n_refs = v->cur.n_recent = v->cur.forks = v->cur.steps = 0;
	v->cur.between = (struct stamp){ 0 };
	v->cur.parent = NULL;
	stretch_begin(v);
	TRY(call_enter(v, l->call.func, r));
	state_frame(&v->cur)->callback = CALLBACK_TIMER;
	return E_OK;
}
