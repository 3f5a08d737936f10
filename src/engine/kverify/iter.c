/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iter: open-coded iterators: some slots of the stack that a kernel function makes, another takes elements from until
 * it gives NULL, and a third ends.
 *
 * A call of `next` forks the path: no element any more, once and for all; or one more, in a round that is one deeper.
 * Why rounds come to an end: widen.c, prune.c. Linux: kernel/bpf/verifier.c:process_iter_arg, mark_stack_slots_iter,
 * unmark_stack_slots_iter, process_iter_next_call, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"

enum where { WHERE_OK, WHERE_BAD, WHERE_NOT_YET /* no such slots so far */ };

struct place {
	struct kframe *f;
	uint32_t spi, n; /* slots spi, spi - 1, ... */
	uint32_t type;   /* BTF id of struct bpf_iter_* */
	const char *name;
};

static enum where find_slots(struct kverifier *v, const struct kreg *reg, struct place *p)
{
	int64_t off = kreg_off(reg);

	p->f = v->cur.frame[reg->frame];
	if (!knum_is_const(&reg->n) || off % KSLOT_BYTES || off >= 0)
		return WHERE_BAD;
	if (off < -KSLOTS_MAX * KSLOT_BYTES)
		return WHERE_NOT_YET;
	p->spi = (uint32_t)(-off - 1) / KSLOT_BYTES;
	if (p->spi + 1 < p->n)
		return WHERE_BAD;
	return p->spi < p->f->n_slots ? WHERE_OK : WHERE_NOT_YET;
}

/* Linux: btf_check_iter_arg */
static FALLIBLE find_type(struct kverifier *v, const struct kfcall *k, unsigned arg, struct place *p)
{
	const struct btf_type *ptr = kfc_type(k, k->f->proto->params[arg].type), *t;

	p->type = btf_skip(k->b, ptr->type);
	t = btf_get(k->b, p->type);
	if (t->kind != BTF_STRUCT || strncmp(t->name, "bpf_iter_", 9) != 0)
		KREJECT_REG(v, ITER_POINTER, arg + 1, "expected valid iter pointer as arg #%u", arg);
	p->n = t->size / KSLOT_BYTES;
	p->name = t->name + 4;
	KENSURE(v, p->n);
	return E_OK;
}

/* ---- new ---- */

static bool holds_iter(const struct place *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		for (uint32_t b = 0; b < KSLOT_BYTES; b++)
			if (p->f->slots[p->spi - i].byte[b] == KBYTE_ITER)
				return true;
	return false;
}

static uint32_t protection(const struct kverifier *v, const struct kfcall *k)
{
	if (!kfc_is(k, KK_RCU_PROTECTED))
		return 0;
	return kin_rcu(v) ? KF_RCU : KF_UNTRUSTED;
}

static FALLIBLE make(struct kverifier *v, const struct kfcall *k, const struct place *p)
{
	bool by_id = khas(v, KERNEL_REF_BY_ID);
	uint32_t id;

	TRY(kref_take(v, KREF_PTR, &id));
	for (uint32_t i = 0; i < p->n; i++) {
		struct kslot *s = &p->f->slots[p->spi - i];

		memset(s->byte, KBYTE_ITER, sizeof s->byte);
		kreg_pointer(&v->rules, &s->reg, KR_STACK, protection(v, k));
		s->reg.id = !i && by_id ? id : 0;
		s->reg.ref_id = !i && !by_id ? id : 0;
		s->reg.iter_type = p->type;
		s->reg.iter_state = KITER_ACTIVE;
		klive_slot_written(v, p->f->frameno, p->spi - i);
	}
	return E_OK;
}

static FALLIBLE begin(struct kverifier *v, const struct kfcall *k, unsigned arg, struct place *p)
{
	unsigned r = arg + 1;
	enum where w = find_slots(v, kreg_at(v, r), p);

	if (w == WHERE_BAD || (w == WHERE_OK && holds_iter(p)))
		KREJECT_REG(v, ITER_UNINIT, r, "expected uninitialized %s as arg #%u", p->name, arg);
	for (uint32_t i = 0; i < p->n; i++) {
		struct kaccess a = {
			.reg = r, .off = (int32_t)(i * KSLOT_BYTES), .size = KSLOT_BYTES, .write = true, .value = -1
		};

		TRY(kcheck_mem(v, &a));
	}
	KENSURE(v, find_slots(v, kreg_at(v, r), p) == WHERE_OK);
	return make(v, k, p);
}

/* ---- use, and the end ---- */

static bool is_whole(const struct kslot *s, uint32_t type, bool first)
{
	if (!!(s->reg.id | s->reg.ref_id) != first || s->reg.iter_type != type)
		return false;
	for (uint32_t b = 0; b < KSLOT_BYTES; b++)
		if (s->byte[b] != KBYTE_ITER)
			return false;
	return true;
}

static FALLIBLE check_made(struct kverifier *v, const struct kfcall *k, unsigned arg, struct place *p)
{
	bool there = find_slots(v, kreg_at(v, arg + 1), p) == WHERE_OK;

	for (uint32_t i = 0; there && i < p->n; i++) {
		const struct kslot *s = &p->f->slots[p->spi - i];

		if (s->byte[0] == KBYTE_ITER && s->reg.flags & KF_UNTRUSTED)
			KREJECT_REG(v, ITER_RCU, arg + 1, "expected an RCU CS when using %s", k->f->name);
		there = is_whole(s, p->type, !i);
	}
	if (!there)
		KREJECT_REG(v, ITER_INIT, arg + 1, "expected an initialized %s as arg #%u", p->name, arg);
	return E_OK;
}

static FALLIBLE end(struct kverifier *v, const struct place *p)
{
	const struct kreg *first = &p->f->slots[p->spi].reg;
	uint32_t id = first->id | first->ref_id;

	TRY(kref_release_if_own(
		v, id)); /* a callback of 6.1 to 6.13 may end its caller's iterator, and leaves the reference */
	for (uint32_t i = 0; i < p->n; i++) {
		struct kslot *s = &p->f->slots[p->spi - i];

		memset(s->byte, KBYTE_INVALID, sizeof s->byte);
		kreg_none(&v->rules, &s->reg);
		klive_slot_written(v, p->f->frameno, p->spi - i);
	}
	return E_OK;
}

FALLIBLE kiter_arg(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	struct place p = { 0 };

	if (k->f->special == KS_CSS_TASK_NEW && v->o->target.prog_type != KPROG_LSM && !kin_sleepable(v) &&
	    !(v->o->target.prog_type == KPROG_TRACING && v->o->target.attach_type == KATTACH_TRACE_ITER))
		KREJECT(v, KFUNC_CSS_TASK, "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
	if (!kreg_is_plain(reg, KR_STACK))
		KREJECT_REG(v, ITER_POINTER, arg + 1, "arg#%u expected pointer to an iterator on stack", arg);
	TRY(find_type(v, k, arg, &p));
	if (kfc_is(k, KK_ITER_NEW))
		return begin(v, k, arg, &p);
	TRY(check_made(v, k, arg, &p));
	for (uint32_t i = 0; i < p.n; i++)
		TRY(klive_slot_read(v, p.f->frameno, p.spi - i));
	k->iter_frame = p.f->frameno;
	k->iter_spi = p.spi;
	reg = &p.f->slots[p.spi].reg;
	k->c.ref_id = reg->id | reg->ref_id;
	k->c.n_refs++;
	return kfc_is(k, KK_ITER_DESTROY) ? end(v, &p) : E_OK;
}

/* ---- one more element, or none ---- */

FALLIBLE kiter_next(struct kverifier *v, const struct kfcall *k)
{
	struct kreg *at = &v->cur.frame[k->iter_frame]->slots[k->iter_spi].reg;
	struct kverify_state *s;

	KENSURE(v, at->iter_state == KITER_ACTIVE || at->iter_state == KITER_DRAINED);
	if (at->iter_state == KITER_ACTIVE) {
		KENSURE(v, v->cur.parent && v->cur.parent->insn == v->at);
		TRY(kwalk_push(v, v->at + 1, v->at, &s));
		s->frame[k->iter_frame]->slots[k->iter_spi].reg.iter_depth++;
		kprune_widen(v, s);
		kreg_not_null(v, &kframe_cur(s)->r[0]);
	}
	at->iter_state = KITER_DRAINED;
	kreg_scalar_const(&v->rules, kreg_at(v, 0), 0);
	return E_OK;
}
