/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dynptr: two slots of the stack that hold a pointer with its size, which only helpers and kfuncs may look into.
 *
 * A new one may take the place of one that owns nothing; writing over half of one ends it. What was sliced out of it
 * ends with it. Three ages: 5.19 to 6.2 (no age of slices, writes over it go unnoticed), 6.3, and 7.2 (ids instead of
 * reference numbers).
 *
 * Linux: kernel/bpf/verifier.c:process_dynptr_func, mark_stack_slots_dynptr, unmark_stack_slots_dynptr,
 * destroy_if_dynptr_stack_slot, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/call_internal.h"

enum { DYNPTR_SLOTS = 2, DYNPTR_BYTES = 16 };
enum where { WHERE_OK, WHERE_BAD, WHERE_NOT_YET /* no such slot so far */ };

static bool owns(uint32_t kind)
{
	return kind & (KF_DYNPTR_RINGBUF | KF_DYNPTR_FILE);
}

static struct kframe *frame_of(struct kverifier *v, const struct kreg *r)
{
	return v->cur.frame[r->frame];
}

/* Which slot it begins in: the one with the higher number. */
static enum where slot_of(struct kverifier *v, const struct kreg *r, uint32_t *spi)
{
	int64_t off = kreg_off(r);
	uint32_t i;

	if (off >= 0 || off < -KSLOTS_MAX * KSLOT_BYTES)
		return WHERE_BAD;
	i = (uint32_t)(-off - 1) / KSLOT_BYTES;
	*spi = i;
	if (i + 1 < DYNPTR_SLOTS)
		return WHERE_BAD;
	return i < frame_of(v, r)->n_slots ? WHERE_OK : WHERE_NOT_YET;
}

static FALLIBLE check_place(struct kverifier *v, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r);
	uint32_t spi;

	if (reg->base != KR_STACK || !khas(v, KERNEL_DYNPTR_SLICES))
		return E_OK;
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, DYNPTR_NOT_CONST, r, "dynptr has to be at a constant offset");
	if (kreg_off(reg) % KSLOT_BYTES || slot_of(v, reg, &spi) == WHERE_BAD)
		KREJECT_REG(v, DYNPTR_OFFSET, r, "cannot pass in dynptr at an offset=%lld", (long long)kreg_off(reg));
	return E_OK;
}

struct kreg *kdynptr_of(struct kverifier *v, unsigned r)
{
	struct kreg *reg = kreg_at(v, r);
	uint32_t spi;

	if (reg->base == KR_DYNPTR)
		return reg;
	if (reg->base != KR_STACK || slot_of(v, reg, &spi) != WHERE_OK)
		return NULL;
	return &frame_of(v, reg)->slots[spi].reg;
}

void kdynptr_reg(struct kverifier *v, struct kreg *r, uint32_t kind, bool first, uint32_t id, uint32_t parent_id)
{
	kreg_pointer(&v->rules, r, KR_DYNPTR, 0);
	r->dynptr = kind;
	r->first_slot = first;
	r->id = id;
	r->parent_id = parent_id;
}

static void clear_slots(struct kverifier *v, struct kframe *f, uint32_t spi)
{
	for (uint32_t i = spi - 1; i <= spi; i++) {
		memset(f->slots[i].byte, KBYTE_INVALID, sizeof f->slots[i].byte);
		kreg_none(&v->rules, &f->slots[i].reg);
		klive_slot_written(v, f->frameno, i);
	}
}

void kdynptr_invalidate(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	clear_slots(v, v->cur.frame[frame], spi);
}

/* ---- the end of one that owns nothing ---- */

static bool forget_slice(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	(void)slot;
	if (r->base == KR_MEM && !(r->flags & ~(uint32_t)KF_OR_NULL) && r->parent_id &&
	    r->parent_id == *(uint32_t *)user)
		kreg_forget(v, r);
	return true;
}

/* How many dynptrs stand for the reference of this one. */
static uint32_t sharers(const struct kverifier *v, uint32_t parent_id)
{
	uint32_t n = 0;

	for (uint32_t fr = 0; fr <= v->cur.cur; fr++)
		for (uint32_t i = 0; i < v->cur.frame[fr]->n_slots; i++) {
			const struct kslot *s = &v->cur.frame[fr]->slots[i];

			n += s->byte[0] == KBYTE_DYNPTR && s->reg.first_slot && s->reg.parent_id == parent_id;
		}
	return n;
}

FALLIBLE kdynptr_destroy(struct kverifier *v, struct kframe *f, uint32_t spi)
{
	const struct kreg *reg;
	uint32_t id;

	if (!khas(v, KERNEL_DYNPTR_SLICES) || spi >= f->n_slots || f->slots[spi].byte[0] != KBYTE_DYNPTR)
		return E_OK;
	if (!f->slots[spi].reg.first_slot)
		spi++;
	KENSURE(v, spi && spi < f->n_slots);
	reg = &f->slots[spi].reg;
	if (owns(reg->dynptr) && (!khas(v, KERNEL_REF_BY_ID) || sharers(v, reg->parent_id) <= 1))
		KREJECT(v, DYNPTR_OVERWRITE, "cannot overwrite referenced dynptr");
	id = reg->id;
	if (khas(v, KERNEL_REF_BY_ID))
		return kref_release(v, id);
	kstate_each_reg(v, &v->cur, forget_slice, &id);
	clear_slots(v, f, spi);
	return E_OK;
}

/* ---- the making of one ---- */

static FALLIBLE take_reference(struct kverifier *v, uint32_t kind, uint32_t clone_ref_id, uint32_t *parent_id,
			       uint32_t *ref_id)
{
	*ref_id = 0;
	if (!owns(kind))
		return E_OK;
	if (!clone_ref_id) {
		TRY(kref_take(v, KREF_PTR, &clone_ref_id));
		v->cur.refs[v->cur.n_refs - 1].parent_id = *parent_id;
	}
	if (khas(v, KERNEL_REF_BY_ID))
		*parent_id = clone_ref_id;
	else
		*ref_id = clone_ref_id;
	return E_OK;
}

/* Linux: mark_stack_slots_dynptr */
FALLIBLE kdynptr_make(struct kverifier *v, unsigned r, uint32_t arg_flags, uint32_t clone_ref_id, uint32_t parent_id)
{
	const struct kreg *reg = kreg_at(v, r);
	struct kframe *f = frame_of(v, reg);
	uint32_t kind = arg_flags & KF_DYNPTR_ANY, spi, ref_id = 0, id = 0;

	KENSURE(v, slot_of(v, reg, &spi) == WHERE_OK && kind);
	TRY(kdynptr_destroy(v, f, spi));
	TRY(kdynptr_destroy(v, f, spi - 1));
	if (khas(v, KERNEL_REF_BY_ID))
		TRY(take_reference(v, kind, clone_ref_id, &parent_id, &ref_id));
	if (khas(v, KERNEL_DYNPTR_SLICES))
		id = kid_fresh(v);
	if (!khas(v, KERNEL_REF_BY_ID))
		TRY(take_reference(v, kind, clone_ref_id, &parent_id, &ref_id));
	for (uint32_t i = 0; i < DYNPTR_SLOTS; i++) {
		struct kslot *s = &f->slots[spi - i];

		memset(s->byte, KBYTE_DYNPTR, sizeof s->byte);
		kdynptr_reg(v, &s->reg, kind, i == 0, khas(v, KERNEL_DYNPTR_SLICES) ? id : ref_id, parent_id);
		s->reg.ref_id = khas(v, KERNEL_DYNPTR_SLICES) ? ref_id : 0;
		klive_slot_written(v, f->frameno, spi - i);
	}
	return E_OK;
}

static FALLIBLE write_bytes(struct kverifier *v, unsigned r)
{
	for (int32_t off = 0; off < DYNPTR_BYTES; off += KSLOT_BYTES) {
		struct kaccess a = { .reg = r, .off = off, .size = KSLOT_BYTES, .write = true, .value = -1 };

		TRY(kcheck_mem(v, &a));
	}
	return E_OK;
}

/* May one be made here? Linux: is_dynptr_reg_valid_uninit */
static FALLIBLE check_uninit(struct kverifier *v, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r);
	uint32_t spi;

	if (reg->base == KR_DYNPTR)
		KREJECT_REG(v, DYNPTR_UNINIT, r, "Dynptr has to be an uninitialized dynptr");
	TRY(check_place(v, r));
	if (khas(v, KERNEL_DYNPTR_SLICES) || slot_of(v, reg, &spi) != WHERE_OK)
		return E_OK;
	for (uint32_t i = spi - 1; i <= spi; i++)
		for (uint32_t b = 0; b < KSLOT_BYTES; b++)
			if (frame_of(v, reg)->slots[i].byte[b] == KBYTE_DYNPTR)
				KREJECT_REG(v, DYNPTR_UNINIT, r, "Dynptr has to be an uninitialized dynptr");
	return E_OK;
}

/* ---- the use of one ---- */

static bool is_init(struct kverifier *v, const struct kreg *reg)
{
	const struct kframe *f;
	uint32_t spi;

	if (reg->base == KR_DYNPTR)
		return true;
	if (slot_of(v, reg, &spi) != WHERE_OK)
		return false;
	f = frame_of(v, reg);
	if (!f->slots[spi].reg.first_slot)
		return false;
	for (uint32_t b = 0; b < KSLOT_BYTES; b++)
		if (f->slots[spi].byte[b] != KBYTE_DYNPTR || f->slots[spi - 1].byte[b] != KBYTE_DYNPTR)
			return false;
	return true;
}

static const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case KF_DYNPTR_LOCAL:
		return "local";
	case KF_DYNPTR_RINGBUF:
		return "ringbuf";
	case KF_DYNPTR_SKB:
		return "skb";
	case KF_DYNPTR_XDP:
		return "xdp";
	case KF_DYNPTR_SKB_META:
		return "skb_meta";
	case KF_DYNPTR_FILE:
		return "file";
	default:
		return "<unknown>";
	}
}

static FALLIBLE mark_read(struct kverifier *v, const struct kreg *reg)
{
	uint32_t spi;

	if (reg->base == KR_DYNPTR || slot_of(v, reg, &spi) != WHERE_OK)
		return E_OK;
	TRY(klive_slot_read(v, reg->frame, spi));
	return klive_slot_read(v, reg->frame, spi - 1);
}

static FALLIBLE check_init(struct kverifier *v, unsigned r, uint32_t arg_flags)
{
	uint32_t want = arg_flags & KF_DYNPTR_ANY;
	const struct kreg *reg = kreg_at(v, r), *d;
	bool changes = khas(v, KERNEL_REF_BY_ID) ? arg_flags & KF_RELEASE : !(arg_flags & KF_RDONLY);

	if (reg->base == KR_DYNPTR && changes && khas(v, KERNEL_DYNPTR_SLICES))
		KREJECT_REG(v, DYNPTR_CONST, r, "cannot pass pointer to const bpf_dynptr, the helper mutates it");
	TRY(check_place(v, r));
	if (!is_init(v, reg))
		KREJECT_REG(v, DYNPTR_INIT, r, "Expected an initialized dynptr as arg #%u", r - 1);
	d = kdynptr_of(v, r);
	if (want && d->dynptr != want)
		KREJECT_REG(v, DYNPTR_KIND, r, "Expected a dynptr of type %s as arg #%u", kind_name(want), r - 1);
	return khas(v, KERNEL_DYNPTR_SLICES) ? mark_read(v, reg) : E_OK;
}

static FALLIBLE check_pointer(struct kverifier *v, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r);

	if (reg->base != KR_STACK && reg->base != KR_DYNPTR)
		KREJECT_REG(v, DYNPTR_POINTER, r, "arg#%u expected pointer to stack or const struct bpf_dynptr", r - 1);
	return E_OK;
}

FALLIBLE kdynptr_new(struct kverifier *v, unsigned r, uint32_t arg_flags, uint32_t clone_ref_id, uint32_t parent_id)
{
	TRY(check_pointer(v, r));
	TRY(check_uninit(v, r));
	TRY(write_bytes(v, r));
	return kdynptr_make(v, r, arg_flags, clone_ref_id, parent_id);
}

FALLIBLE kdynptr_arg(struct kverifier *v, unsigned r, uint32_t insn, uint32_t arg_flags, uint32_t clone_ref_id)
{
	(void)insn;
	TRY(check_pointer(v, r));
	if (!(arg_flags & KF_UNINIT))
		return check_init(v, r, arg_flags);
	TRY(check_uninit(v, r));
	if (!khas(v, KERNEL_DYNPTR_SLICES))
		return E_OK; /* made when all arguments are judged */
	TRY(write_bytes(v, r));
	return kdynptr_make(v, r, arg_flags, clone_ref_id, 0);
}

/* Before 6.3: after all arguments are judged. */
FALLIBLE kdynptr_make_late(struct kverifier *v, unsigned r, uint32_t arg_flags)
{
	TRY(write_bytes(v, r));
	return kdynptr_make(v, r, arg_flags, 0, 0);
}

/* ---- the release of one ---- */

/* Those that share the reference. */
static void clear_clones(struct kverifier *v, struct kframe *f, uint32_t ref_id)
{
	for (uint32_t i = 1; i < f->n_slots; i++)
		if (f->slots[i].byte[0] == KBYTE_DYNPTR && f->slots[i].reg.first_slot &&
		    f->slots[i].reg.ref_id == ref_id)
			clear_slots(v, f, i);
}

FALLIBLE kdynptr_release(struct kverifier *v, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r);
	struct kframe *f = frame_of(v, reg);
	const struct kreg *d;
	uint32_t spi, ref_id;

	KENSURE(v, reg->base == KR_STACK && slot_of(v, reg, &spi) == WHERE_OK);
	d = &f->slots[spi].reg;
	if (khas(v, KERNEL_REF_BY_ID))
		return kref_release(v, owns(d->dynptr) ? d->parent_id : d->id);
	if (!owns(d->dynptr)) {
		clear_slots(v, f, spi);
		return E_OK;
	}
	ref_id = khas(v, KERNEL_DYNPTR_SLICES) ? d->ref_id : d->id;
	TRY(kref_release(v, ref_id));
	if (khas(v, KERNEL_DYNPTR_SLICES))
		clear_clones(v, f, ref_id);
	else
		clear_slots(v, f, spi);
	return E_OK;
}
