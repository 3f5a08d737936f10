/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: explores every path, depth first.
 *
 * At a branch that can go both ways one side waits on a stack. The path at work ends at exit, or where an explored
 * state covers it; then the newest that waits goes on.
 */
#include "engine/verify/verify_internal.h"

void walk_note_branch(struct state *s, uint32_t insn, bool taken)
{
	s->recent[s->n_recent % RECENT_MAX] = insn * 2 + taken;
	s->n_recent++;
}

/* Frames are made when first needed and kept: most programs have one. */
FALLIBLE walk_need_frame(struct verifier *v, uint32_t index)
{
	struct frame *f = &v->cur.frames[index];

	ENSURE(v, index < v->limits->frames);
	if (!f->slots)
		f->slots = ARENA_ARRAY(v->arena, struct slot, v->n_slots_max + 1);
	NEED(v, f->slots);
	return E_OK;
}

FALLIBLE walk_push(struct verifier *v, uint32_t insn)
{
	struct pending *p = pool_alloc(v, sizeof *p);
	size_t bytes = snap_size(&v->cur);
	void *mem = pool_alloc(v, bytes);
	struct stretch stretch;

	NEED(v, p && mem && stretch_save(v, &stretch));
	if (v->n_pending >= v->limits->branch_depth)
		REJECT(v, BRANCHES, "more than %u branches wait to be verified", v->limits->branch_depth);
	v->cur.forks++;
	*p = (struct pending){ .next = v->pending,
			       .snap = snap_fill(&v->cur, mem),
			       .parent = v->cur.parent,
			       .insn = insn,
			       .forks = v->cur.forks,
			       .steps = v->cur.steps,
			       .n_recent = v->cur.n_recent,
			       .stretch = stretch,
			       .last = v->cur.insn };
	memcpy(p->recent, v->cur.recent, sizeof p->recent);
	p->recent[p->n_recent++ % RECENT_MAX] = v->cur.insn * 2 + 1;
	if (p->parent)
		p->parent->branches++;
	v->pending = p;
	if (++v->n_pending > v->stats.branch_peak)
		v->stats.branch_peak = v->n_pending;
	return E_OK;
}

static bool pop(struct verifier *v)
{
	struct pending *p = v->pending;

	if (!p)
		return false;
	snap_restore(p->snap, &v->cur);
	v->cur.insn = p->insn;
	v->cur.parent = p->parent;
	v->cur.forks = p->forks;
	v->cur.steps = p->steps;
	v->cur.n_recent = p->n_recent;
	memcpy(v->cur.recent, p->recent, sizeof p->recent);
	stretch_load(v, &p->stretch);
	v->last = p->last;
	v->pending = p->next;
	v->n_pending--;
	stretch_free(v, &p->stretch);
	pool_free(v, p->snap, p->snap->bytes);
	pool_free(v, p, sizeof *p);
	return true;
}

static void trace(struct verifier *v)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	state_print(&v->cur, &b);
	v->o->trace(v->o->trace_user, v->cur.insn, b.p ? b.p : "");
	buf_done(&b);
}

static FALLIBLE step(struct verifier *v)
{
	const struct isa_insn *in = &v->p->insns[v->cur.insn];

	switch ((enum isa_sem)in->sem) {
	case ISA_EXIT:
		return check_exit(v);
	case ISA_CALL:
	case ISA_CALLX:
		return check_call(v, in);
	case ISA_IMM64:
		TRY(check_imm64(v, in));
		v->cur.insn += 2;
		return E_OK;
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_LOAD_ACQ:
		TRY(check_load(v, in));
		break;
	case ISA_ST:
		if (prog_missing(v->p, v->cur.insn))
			REJECT(v, MISSING, "%s", prog_missing(v->p, v->cur.insn));
		TRY(check_store(v, in));
		break;
	case ISA_STX:
	case ISA_STORE_REL:
		TRY(check_store(v, in));
		break;
	case ISA_ATOMIC:
		TRY(check_atomic(v, in));
		break;
	default:
		if (in->sem == ISA_JA || isa_is_cond_jump(in))
			return check_jump(v, in);
		ENSURE(v, in->sem >= ISA_ADD && in->sem <= ISA_BSWAP);
		TRY(check_alu(v, in));
	}
	v->cur.insn++;
	return E_OK;
}

/* One instruction, unless an explored state covers what comes. */
static FALLIBLE advance(struct verifier *v)
{
	bool covered = false;

	ENSURE(v, v->cur.insn < v->p->n_insns);
	precise_arrive(v);
	if (v->marks[v->cur.insn] & MARK_PRUNE)
		TRY(prune_visit(v, &covered));
	if (v->observer)
		v->observer(v->observer_user, &v->cur);
	if (covered) {
		v->path_ends = true;
		return E_OK;
	}
	if (v->stats.steps >= v->limits->steps)
		REJECT(v, STEPS, "more than %llu instructions, over all paths", (unsigned long long)v->limits->steps);
	v->stats.steps++;
	v->cur.steps++;
	if (v->o->trace)
		trace(v);
	v->last = v->cur.insn;
	return step(v);
}

/* From the state at work, and all that comes to wait, to the end. */
static FALLIBLE walk_from(struct verifier *v)
{
	do {
		v->path_ends = false;
		v->back_to = NULL;
		while (!v->path_ends)
			TRY(advance(v));
		prune_path_end(v, v->cur.parent, v->back_to);
	} while (pop(v));
	return E_OK;
}

FALLIBLE walk(struct verifier *v)
{
	bool more = true;

	while (more) {
		TRY(walk_from(v));
		TRY(callback_next_later(v, &more));
	}
	return E_OK;
}
