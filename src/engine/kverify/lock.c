/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock: bpf_spin_lock and its unlock: which lock is meant, and which is held.
 *
 * A lock is told by where it is: the map (or the object's type) and the id of the pointer, which two look-ups of one
 * key do not share. Until 6.14 the state has room for one lock; then locks stand among the references, and must be
 * released in order.
 *
 * Linux: kernel/bpf/verifier.c:process_spin_lock, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"

enum { LOCK_OF_OBJECT = 1 << 30 }; /* plus nothing: an object that the program allocated; else index of the map + 1 */

struct lock {
	uint32_t type; /* enum kref_type */
	uint32_t id, map;
	const char *name; /* "bpf_spin", "bpf_res_spin" */
};

static uint32_t type_of(bool irq, bool res)
{
	if (!res)
		return KREF_LOCK;
	return irq ? KREF_RES_LOCK_IRQ : KREF_RES_LOCK;
}

static FALLIBLE find_in_map(struct kverifier *v, unsigned r, bool res, struct lock *l)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kmap *fields = kreg_map(v, reg);
	int32_t at;

	KENSURE(v, fields);
	TRY(kmap_typed(v, r, fields->m, res ? "bpf_res_spin_lock" : "bpf_spin_lock"));
	at = res ? fields->res_spin_lock_off : fields->spin_lock_off;
	if (at < 0)
		KREJECT_REG(v, NO_LOCK, r, "map '%s' has no valid %s_lock", kmap_name(fields->m), l->name);
	if (at != kreg_off(reg))
		KREJECT_REG(v, LOCK_OFFSET, r, "off %lld doesn't point to 'struct %s_lock' that is at %d",
			    (long long)kreg_off(reg), l->name, at);
	l->map = reg->map + 1;
	return E_OK;
}

static FALLIBLE find_in_object(struct kverifier *v, unsigned r, bool res, struct lock *l)
{
	const struct kreg *reg = kreg_at(v, r);
	const struct kmap *fields = ktypes_record(v, reg->type_id);
	int32_t at = !fields ? -1 : res ? fields->res_spin_lock_off : fields->spin_lock_off;

	if (at < 0)
		KREJECT_REG(v, NO_LOCK, r, "local 'kptr' has no valid %s_lock", l->name);
	if (at != kreg_off(reg))
		KREJECT_REG(v, LOCK_OFFSET, r, "off %lld doesn't point to 'struct %s_lock' that is at %d",
			    (long long)kreg_off(reg), l->name, at);
	l->map = LOCK_OF_OBJECT;
	return E_OK;
}

static FALLIBLE find(struct kverifier *v, unsigned r, bool irq, bool res, struct lock *l)
{
	const struct kreg *reg = kreg_at(v, r);

	*l = (struct lock){ .type = type_of(irq, res), .id = reg->id, .name = res ? "bpf_res_spin" : "bpf_spin" };
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, LOCK_NOT_CONST, r,
			    "R%u doesn't have constant offset. %s_lock has to be at the constant offset", r, l->name);
	return reg->base == KR_MAP_VALUE ? find_in_map(v, r, res, l) : find_in_object(v, r, res, l);
}

static bool same(const struct kref *ref, uint32_t types, const struct lock *l)
{
	return ref->type & types && ref->lock_id == l->id && ref->lock_map == l->map;
}

bool klock_guards(const struct kverifier *v, const struct kreg *r)
{
	const struct kverify_state *s = &v->cur;
	struct lock l = { .id = r->id, .map = r->base == KR_MAP_VALUE ? r->map + 1 : LOCK_OF_OBJECT };

	if (!s->active_locks)
		return false;
	if (!khas(v, KERNEL_REFS_OF_STATE))
		return s->lock_id == l.id && s->lock_map == l.map;
	for (uint32_t i = 0; i < s->n_refs; i++)
		if (same(&s->refs[i], KREF_LOCK | KREF_RES_LOCK | KREF_RES_LOCK_IRQ, &l))
			return true;
	return false;
}

/* ---- from 6.14 on: among the references ---- */

static FALLIBLE take_ref(struct kverifier *v, const struct lock *l)
{
	struct kref ref = { .type = l->type, .id = l->id, .insn = v->at, .lock_id = l->id, .lock_map = l->map };
	uint32_t conflict = l->type == KREF_LOCK ? 0 : KREF_RES_LOCK | KREF_RES_LOCK_IRQ;

	for (uint32_t i = 0; i < v->cur.n_refs; i++) {
		const struct kref *held = &v->cur.refs[i];

		if (l->type == KREF_LOCK && held->type == KREF_LOCK)
			KREJECT(v, TWO_LOCKS, "Locking two bpf_spin_locks are not allowed");
		if (same(held, conflict, l))
			KREJECT(v, SAME_LOCK, "Acquiring the same lock again, AA deadlock detected");
	}
	TRY(kref_push(v, &ref));
	v->cur.active_locks++;
	v->cur.lock_id = l->id;
	v->cur.lock_map = l->map;
	return E_OK;
}

static FALLIBLE release_ref(struct kverifier *v, const struct lock *l)
{
	struct kverify_state *s = &v->cur;
	uint32_t i = 0, before_id = 0, before_map = 0;

	for (; i < s->n_refs && !same(&s->refs[i], l->type, l); i++) {
		if (!(s->refs[i].type & (KREF_LOCK | KREF_RES_LOCK | KREF_RES_LOCK_IRQ)))
			continue;
		before_id = s->refs[i].lock_id;
		before_map = s->refs[i].lock_map;
	}
	if (i == s->n_refs)
		KREJECT(v, UNLOCK_OTHER, "%s_unlock of different lock", l->name);
	if (khas(v, KERNEL_LOCKS_IN_ORDER) && (s->lock_id != l->id || s->lock_map != l->map))
		KREJECT(v, UNLOCK_ORDER, "%s_unlock cannot be out of order", l->name);
	kref_drop(v, i);
	s->active_locks--;
	s->lock_id = before_id;
	s->lock_map = before_map;
	return E_OK;
}

/* ---- before: one lock ---- */

static FALLIBLE take_one(struct kverifier *v, const struct lock *l)
{
	if (v->cur.active_locks)
		KREJECT(v, TWO_LOCKS, "Locking two bpf_spin_locks are not allowed");
	v->cur.active_locks = 1;
	v->cur.lock_id = l->id;
	v->cur.lock_map = l->map;
	return E_OK;
}

static FALLIBLE release_one(struct kverifier *v, const struct lock *l)
{
	if (v->cur.lock_id != l->id || (khas(v, KERNEL_LOCK_BY_MAP) && v->cur.lock_map != l->map))
		KREJECT(v, UNLOCK_OTHER, "%s_unlock of different lock", l->name);
	v->cur.active_locks = v->cur.lock_id = v->cur.lock_map = 0;
	return E_OK;
}

/* ---- what only the lock kept alive ---- */

static bool forget_borrowed(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)slot;
	(void)user;
	if (r->flags & KF_NON_OWN_REF)
		kreg_forget(v, r);
	return true;
}

static bool distrust_rcu(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)v;
	(void)slot;
	(void)user;
	if (r->flags & KF_RCU)
		r->flags = (r->flags & ~(uint32_t)(KF_RCU | KF_OR_NULL)) | KF_UNTRUSTED;
	return true;
}

static FALLIBLE unlock(struct kverifier *v, const struct lock *l)
{
	bool was_rcu = kin_rcu(v);

	if (!v->cur.active_locks)
		KREJECT(v, UNLOCK_NONE, "%s_unlock without taking a lock", l->name);
	TRY(khas(v, KERNEL_REFS_OF_STATE) ? release_ref(v, l) : release_one(v, l));
	if (khas(v, KERNEL_UNLOCK_ENDS_RCU) && was_rcu && !kin_rcu(v))
		kstate_each_reg(v, &v->cur, distrust_rcu, NULL);
	kstate_each_reg(v, &v->cur, forget_borrowed, NULL);
	return E_OK;
}

FALLIBLE klock_arg(struct kverifier *v, unsigned r, bool lock, bool irq, bool res)
{
	struct lock l;

	TRY(find(v, r, irq, res, &l));
	if (!lock)
		return unlock(v, &l);
	return khas(v, KERNEL_REFS_OF_STATE) ? take_ref(v, &l) : take_one(v, &l);
}
