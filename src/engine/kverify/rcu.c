/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rcu: sections that kernel functions open and close: RCU, no preemption, no interrupts.
 *
 * In each nothing may sleep, and at exit none may be open. What RCU protects is not trusted any longer once its section
 * ends. The flags of interrupts lie in a slot of the stack; they are restored in the order opposite to that in which
 * they were saved.
 *
 * Linux: kernel/bpf/verifier.c:check_kfunc_call, process_irq_flag, mark_stack_slot_irq_flag, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"

/* ---- RCU ---- */

static void distrust(struct kreg *r)
{
	if (r->flags & KF_RCU)
		r->flags = (r->flags & ~(uint32_t)(KF_RCU | KF_OR_NULL)) | KF_UNTRUSTED;
}

static bool distrust_reg(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)v, (void)slot, (void)user;
	distrust(r);
	return true;
}

static void end_protection(struct kverifier *v)
{
	kstate_each_reg(v, &v->cur, distrust_reg, NULL);
	for (uint32_t f = 0; f <= v->cur.cur; f++)
		for (uint32_t i = 0; i < v->cur.frame[f]->n_slots; i++)
			if (v->cur.frame[f]->slots[i].byte[KSLOT_BYTES - 1] == KBYTE_ITER)
				distrust(&v->cur.frame[f]->slots[i].reg);
}

static FALLIBLE rcu(struct kverifier *v, const struct kfcall *k, bool lock)
{
	struct kverify_state *s = &v->cur;
	bool early = !khas(v, KERNEL_RCU_NESTS) && s->rcu_locks;

	if (early && kin_rbtree_callback(v))
		KREJECT(v, RCU_IN_RBTREE, "Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback");
	if (early && lock)
		KREJECT(v, RCU_NESTED, "nested rcu read lock (kernel function %s)", k->f->name);
	if (!lock && !s->rcu_locks)
		KREJECT(v, RCU_UNMATCHED, "unmatched rcu read unlock (kernel function %s)", k->f->name);
	if (lock)
		s->rcu_locks++;
	else if (!--s->rcu_locks)
		end_protection(v);
	if (khas(v, KERNEL_RCU_NESTS) && kin_rbtree_callback(v))
		KREJECT(v, RCU_IN_RBTREE, "Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback");
	return E_OK;
}

/* ---- preemption ---- */

static FALLIBLE preempt(struct kverifier *v, const struct kfcall *k, bool off)
{
	if (off) {
		v->cur.preempt_locks++;
		return E_OK;
	}
	if (!v->cur.preempt_locks)
		KREJECT(v, PREEMPT_UNMATCHED, "unmatched attempt to enable preemption (kernel function %s)",
			k->f->name);
	v->cur.preempt_locks--;
	return E_OK;
}

/* ---- what is open ---- */

static const char *open_section(const struct kverifier *v)
{
	const struct kverify_state *s = &v->cur;

	if (s->rcu_locks)
		return "rcu_read_lock region";
	if (s->preempt_locks)
		return "non-preemptible region";
	if (s->irq_id)
		return "IRQ-disabled region";
	return s->active_locks ? "lock region" : NULL;
}

FALLIBLE ksection_call(struct kverifier *v, const struct kfcall *k)
{
	switch (k->f->special) {
	case KS_RCU_LOCK:
	case KS_RCU_UNLOCK:
		TRY(rcu(v, k, k->f->special == KS_RCU_LOCK));
		break;
	case KS_PREEMPT_OFF:
	case KS_PREEMPT_ON:
		TRY(preempt(v, k, k->f->special == KS_PREEMPT_OFF));
		break;
	default:
		break;
	}
	if (kfc_is(k, KK_SLEEPABLE) && open_section(v))
		KREJECT(v, KFUNC_SLEEPS_IN, "kernel func %s is sleepable within %s", k->f->name, open_section(v));
	if (kfc_is(k, KK_RCU_PROTECTED) && khas(v, KERNEL_KFUNC_NEEDS_RCU) && !kin_rcu(v))
		KREJECT(v, KFUNC_NEEDS_RCU, "kernel func %s requires RCU critical section protection", k->f->name);
	return E_OK;
}

/* ---- interrupts ---- */

enum irq_class { IRQ_PLAIN, IRQ_OF_LOCK };

/* The slot that the register points to; NULL: none so far. *ok false: there can be none. */
static struct kslot *flag_slot(struct kverifier *v, const struct kreg *reg, uint32_t *spi, bool *ok)
{
	struct kframe *f = v->cur.frame[reg->frame];
	int64_t off = kreg_off(reg);

	*ok = knum_is_const(&reg->n) && off < 0 && !(off % KSLOT_BYTES);
	if (!*ok || off < -KSLOTS_MAX * KSLOT_BYTES)
		return NULL;
	*spi = (uint32_t)(-off - 1) / KSLOT_BYTES;
	return *spi < f->n_slots ? &f->slots[*spi] : NULL;
}

static bool holds_flag(const struct kslot *s, bool whole)
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < KSLOT_BYTES; b++)
		n += s->byte[b] == KBYTE_IRQ_FLAG;
	return whole ? n == KSLOT_BYTES : n;
}

static FALLIBLE save(struct kverifier *v, unsigned r, enum irq_class class)
{
	struct kaccess a = { .reg = r, .size = KSLOT_BYTES, .write = true, .value = -1 };
	const struct kreg *reg = kreg_at(v, r);
	uint32_t spi = 0, id;
	bool ok;
	struct kslot *s = flag_slot(v, reg, &spi, &ok);

	if (!ok || (s && holds_flag(s, false)))
		KREJECT_REG(v, IRQ_UNINIT, r, "expected uninitialized irq flag as arg#%u", r - 1);
	TRY(kcheck_mem(v, &a));
	s = flag_slot(v, reg, &spi, &ok);
	KENSURE(v, s);
	TRY(kref_take(v, KREF_IRQ, &id));
	v->cur.irq_id = id;
	memset(s->byte, KBYTE_IRQ_FLAG, sizeof s->byte);
	kreg_pointer(&v->rules, &s->reg, KR_STACK, 0);
	s->reg.id = khas(v, KERNEL_REF_BY_ID) ? id : 0;
	s->reg.ref_id = khas(v, KERNEL_REF_BY_ID) ? 0 : id;
	s->reg.lock_class = class;
	klive_slot_written(v, reg->frame, spi);
	return E_OK;
}

static void drop_flag(struct kverifier *v, uint32_t id)
{
	uint32_t before = 0;

	for (uint32_t i = 0; i < v->cur.n_refs; i++) {
		if (v->cur.refs[i].type != KREF_IRQ)
			continue;
		if (v->cur.refs[i].id == id) {
			kref_drop(v, i);
			v->cur.irq_id = before;
			return;
		}
		before = v->cur.refs[i].id;
	}
}

static FALLIBLE restore(struct kverifier *v, unsigned r, enum irq_class class)
{
	static const char *const classes[] = { [IRQ_PLAIN] = "native", [IRQ_OF_LOCK] = "lock" };
	const struct kreg *reg = kreg_at(v, r);
	uint32_t spi = 0, id;
	bool ok;
	struct kslot *s = flag_slot(v, reg, &spi, &ok);

	if (!s || !holds_flag(s, true) || !(s->reg.id | s->reg.ref_id))
		KREJECT_REG(v, IRQ_INIT, r, "expected an initialized irq flag as arg#%u", r - 1);
	TRY(klive_slot_read(v, reg->frame, spi));
	id = s->reg.id | s->reg.ref_id;
	if (s->reg.lock_class != class)
		KREJECT_REG(v, IRQ_CLASS, r, "irq flag acquired by %s kfuncs cannot be restored with %s kfuncs",
			    classes[s->reg.lock_class], classes[class]);
	if (id != v->cur.irq_id)
		KREJECT_REG(v, IRQ_ORDER, r, "cannot restore irq state out of order, expected id=%u", v->cur.irq_id);
	drop_flag(v, id);
	memset(s->byte, KBYTE_INVALID, sizeof s->byte);
	kreg_none(&v->rules, &s->reg);
	klive_slot_written(v, reg->frame, spi);
	return E_OK;
}

FALLIBLE kirq_arg(struct kverifier *v, const struct kfcall *k, unsigned r)
{
	enum kspecial s = k->f->special;
	enum irq_class class = s == KS_RES_LOCK_IRQ || s == KS_RES_UNLOCK_IRQ ? IRQ_OF_LOCK : IRQ_PLAIN;

	if (!kreg_is_plain(kreg_at(v, r), KR_STACK))
		KREJECT_REG(v, IRQ_POINTER, r, "arg#%u doesn't point to an irq flag on stack", r - 1);
	if (s == KS_IRQ_SAVE || s == KS_RES_LOCK_IRQ)
		return save(v, r, class);
	KENSURE(v, s == KS_IRQ_RESTORE || s == KS_RES_UNLOCK_IRQ);
	return restore(v, r, class);
}
