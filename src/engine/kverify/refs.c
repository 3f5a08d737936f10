/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refs: what the program has been given and must give back, on every path.
 *
 * A reference is a number. It stands in the state from the call that took it to the call that gives it back; registers
 * that carry it are forgotten then. Until 7.2 a register names it apart from its own id, and what comes out of a
 * referenced object (a cast, a dynptr's data) carries the same number; 7.2 knows by the id itself, and what comes out
 * of an object names it as its parent, so that releasing an object forgets all that came out of it, step by step.
 *
 * Linux: kernel/bpf/verifier.c:acquire_reference_state, release_reference, check_reference_leak, v6.1, v6.12; v7.2.
 */
#include "engine/kverify/call_internal.h"

FALLIBLE kref_push(struct kverifier *v, const struct kref *ref)
{
	struct kverify_state *s = &v->cur;

	if (s->n_refs == s->refs_room) {
		uint32_t room = s->refs_room ? s->refs_room * 2 : 4;
		struct kref *refs = kpool_alloc(v, room * sizeof *refs);

		KNEED(v, refs);
		if (s->n_refs)
			memcpy(refs, s->refs, s->n_refs * sizeof *refs);
		kpool_free(v, s->refs, s->refs_room * sizeof *refs);
		s->refs = refs;
		s->refs_room = room;
	}
	s->refs[s->n_refs++] = *ref;
	return E_OK;
}

FALLIBLE kref_take(struct kverifier *v, enum kref_type t, uint32_t *id)
{
	const struct kframe *f = kframe_cur(&v->cur);
	struct kref ref = { .type = t, .id = kid_fresh(v), .insn = v->at };

	ref.callback_frame = f->in_callback ? f->frameno : 0;
	TRY(kref_push(v, &ref));
	*id = ref.id;
	return E_OK;
}

/* The order is part of what states are compared by: older releases put the last into the gap. */
void kref_drop(struct kverifier *v, uint32_t i)
{
	struct kverify_state *s = &v->cur;

	if (khas(v, KERNEL_REFS_OF_STATE))
		memmove(s->refs + i, s->refs + i + 1, (s->n_refs - i - 1) * sizeof *s->refs);
	else
		s->refs[i] = s->refs[s->n_refs - 1];
	s->n_refs--;
}

bool kref_held(const struct kverifier *v, uint32_t id)
{
	for (uint32_t i = 0; id && i < v->cur.n_refs; i++)
		if (v->cur.refs[i].type == KREF_PTR && v->cur.refs[i].id == id)
			return true;
	return false;
}

uint32_t kref_of(const struct kverifier *v, const struct kreg *r)
{
	if (!khas(v, KERNEL_REF_BY_ID))
		return r->ref_id;
	return kref_held(v, r->id) ? r->id : 0;
}

bool kref_end(struct kverifier *v, uint32_t id)
{
	const struct kframe *f = kframe_cur(&v->cur);

	for (uint32_t i = 0; i < v->cur.n_refs; i++) {
		const struct kref *ref = &v->cur.refs[i];

		if (ref->type != KREF_PTR || ref->id != id)
			continue;
		if (khas(v, KERNEL_CALLBACK_REFS) && f->in_callback && ref->callback_frame != f->frameno)
			return false;
		kref_drop(v, i);
		return true;
	}
	return false;
}

void kreg_forget(struct kverifier *v, struct kreg *r)
{
	kreg_scalar_unknown(&v->rules, r);
}

static bool forget_ref(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)slot;
	if (r->ref_id == *(const uint32_t *)user)
		kreg_forget(v, r);
	return true;
}

/* ---- 7.2: an object, and all that came out of it ---- */

enum { MAX_FAMILY = 600 }; /* Linux: BPF_ID_MAP_SIZE, v7.2 */

struct family {
	uint32_t id;
	uint32_t *ids; /* still to be forgotten, and forgotten */
	uint32_t n, done;
	bool full;
};

static void add_member(struct family *f, uint32_t id)
{
	if (!id)
		return;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->ids[i] == id)
			return;
	if (f->n == MAX_FAMILY)
		f->full = true;
	else
		f->ids[f->n++] = id;
}

static bool of_family(struct family *f, const struct kreg *r)
{
	if (r->id != f->id && r->parent_id != f->id)
		return false;
	if (r->parent_id == f->id)
		add_member(f, r->id);
	return true;
}

static bool forget_member(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)slot;
	if (of_family(user, r))
		kreg_forget(v, r);
	return true;
}

static void forget_dynptrs(struct kverifier *v, struct family *f)
{
	for (uint32_t fr = 0; fr <= v->cur.cur; fr++) {
		struct kframe *frame = v->cur.frame[fr];

		for (uint32_t i = 1; i < frame->n_slots; i++) {
			struct kslot *s = &frame->slots[i];

			if (s->byte[0] == KBYTE_DYNPTR && s->reg.first_slot && of_family(f, &s->reg))
				kdynptr_invalidate(v, fr, i);
		}
	}
}

static FALLIBLE no_children(struct kverifier *v, uint32_t id)
{
	for (uint32_t i = 0; i < v->cur.n_refs; i++) {
		const struct kref *ref = &v->cur.refs[i];

		if (ref->type == KREF_PTR && ref->parent_id == id)
			KREJECT(v, CHILD_LEAK, "Leaking reference id=%u alloc_insn=%u. Release it first.", ref->id,
				ref->insn);
	}
	return E_OK;
}

static FALLIBLE release_family(struct kverifier *v, uint32_t id)
{
	struct family f = { .ids = kpool_alloc(v, MAX_FAMILY * sizeof(uint32_t)) };
	enum err err = E_OK;

	KNEED(v, f.ids);
	(void)kref_end(v, id);
	add_member(&f, id);
	while (err == E_OK && f.done < f.n) {
		f.id = f.ids[f.done++];
		err = no_children(v, f.id);
		if (err != E_OK)
			break;
		kstate_each_reg(v, &v->cur, forget_member, &f);
		forget_dynptrs(v, &f);
	}
	kpool_free(v, f.ids, MAX_FAMILY * sizeof(uint32_t));
	TRY(err);
	KENSURE(v, !f.full);
	return E_OK;
}

FALLIBLE kref_release(struct kverifier *v, uint32_t id)
{
	if (khas(v, KERNEL_REF_BY_ID))
		return release_family(v, id);
	if (!kref_end(v, id))
		KREJECT(v, NOT_ACQUIRED, "func %s#%u reference has not been acquired before",
			kernel_helper_name((uint32_t)v->p->insns[v->at].imm), (unsigned)v->p->insns[v->at].imm);
	kstate_each_reg(v, &v->cur, forget_ref, &id);
	return E_OK;
}

FALLIBLE kref_release_if_own(struct kverifier *v, uint32_t id)
{
	if (khas(v, KERNEL_REF_BY_ID))
		return release_family(v, id);
	if (kref_end(v, id))
		kstate_each_reg(v, &v->cur, forget_ref, &id);
	return E_OK;
}

/* ---- nothing may be left ---- */

/* May end with it: a struct_ops program that returns the reference it holds. */
static bool returned(const struct kverifier *v, const struct kref *ref, bool exception_exit)
{
	const struct kreg *r0 = &kframe_cur(&v->cur)->r[0];

	if (v->o->target.prog_type != KPROG_STRUCT_OPS || exception_exit || !khas(v, KERNEL_STRUCT_OPS_RETURNS_KPTR))
		return false;
	return (khas(v, KERNEL_REF_BY_ID) ? r0->id : r0->ref_id) == ref->id;
}

/* Whose references end where: until 6.1 every one, then the program's at its exit and a callback's at its, from 6.14
 * the program's. */
static const struct kref *leaked(const struct kverifier *v, bool exception_exit)
{
	const struct kframe *f = kframe_cur(&v->cur);
	bool callbacks_own = khas(v, KERNEL_CALLBACK_REFS), by_frame = callbacks_own || khas(v, KERNEL_REFS_OF_STATE);
	bool in_callback = callbacks_own && f->in_callback && !exception_exit;

	if (by_frame && !exception_exit && f->frameno && !in_callback)
		return NULL;
	for (uint32_t i = 0; i < v->cur.n_refs; i++) {
		const struct kref *ref = &v->cur.refs[i];

		if (ref->type != KREF_PTR || returned(v, ref, exception_exit))
			continue;
		if (!in_callback || ref->callback_frame == f->frameno)
			return ref;
	}
	return NULL;
}

/* prefix NULL: at exit, as older releases say it. */
static FALLIBLE check_leak(struct kverifier *v, bool exception_exit, const char *prefix)
{
	const struct kref *ref = leaked(v, exception_exit);
	struct note *n;
	enum err err;

	if (!ref)
		return E_OK;
	if (prefix && !khas(v, KERNEL_EXIT_RESOURCES) && strcmp(prefix, "tail_call") != 0)
		err = kv_fail(v, KV_REF_MIXED, -1, __FILE__, __LINE__, "%s cannot be mixed with socket references",
			      prefix);
	else if (prefix)
		err = kv_fail(v, KV_REF_LEAK_AT, -1, __FILE__, __LINE__, "%s would lead to reference leak", prefix);
	else
		err = kv_fail(v, KV_REF_LEAK, -1, __FILE__, __LINE__, "Unreleased reference id=%u alloc_insn=%u",
			      ref->id, ref->insn);
	n = diag_note(v->d, v->arena, "reference id=%u was taken here", ref->id);
	if (n)
		n->insn = ref->insn;
	return err;
}

FALLIBLE kref_none_held(struct kverifier *v, bool exception_exit, bool check_lock, const char *prefix)
{
	const struct kverify_state *s = &v->cur;

	if (check_lock && s->active_locks)
		KREJECT(v, LOCK_HELD, "%s cannot be used inside bpf_spin_lock-ed region", prefix);
	TRY(check_leak(v, exception_exit, prefix));
	if (check_lock && s->irq_id)
		KREJECT(v, IRQ_HELD, "%s cannot be used inside bpf_local_irq_save-ed region", prefix);
	if (check_lock && s->rcu_locks)
		KREJECT(v, RCU_HELD, "%s cannot be used inside bpf_rcu_read_lock-ed region", prefix);
	if (check_lock && s->preempt_locks)
		KREJECT(v, PREEMPT_HELD, "%s cannot be used inside bpf_preempt_disable-ed region", prefix);
	return E_OK;
}
