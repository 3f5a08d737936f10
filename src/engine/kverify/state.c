/* SPDX-License-Identifier: Apache-2.0 */
/* state: setting registers, copying states, visiting what is in them. */
#include "engine/kverify/internal.h"

static void reset(struct kreg *r, enum kernel_reg base, uint32_t flags, const struct knum *n)
{
	*r = (struct kreg){ .base = (uint8_t)base, .flags = flags, .n = *n };
}

void kreg_none(const struct knum_rules *rules, struct kreg *r)
{
	struct knum n = knum_unknown(rules);

	reset(r, KR_NONE, 0, &n);
}

void kreg_scalar_unknown(const struct knum_rules *rules, struct kreg *r)
{
	struct knum n = knum_unknown(rules);

	reset(r, KR_SCALAR, 0, &n);
}

void kreg_scalar_const(const struct knum_rules *rules, struct kreg *r, uint64_t value)
{
	struct knum n = knum_const(rules, value);

	reset(r, KR_SCALAR, 0, &n);
}

void kreg_pointer(const struct knum_rules *rules, struct kreg *r, enum kernel_reg base, uint32_t flags)
{
	struct knum n = knum_const(rules, 0);

	reset(r, base, flags, &n);
}

bool kslot_is_spill(const struct kslot *s)
{
	return s->byte[KSLOT_BYTES - 1] == KBYTE_SPILL;
}

bool kslot_is_scalar_spill(const struct kslot *s)
{
	return kslot_is_spill(s) && s->reg.base == KR_SCALAR;
}

bool kslot_is_scalar_spill64(const struct kslot *s)
{
	return s->byte[0] == KBYTE_SPILL && s->reg.base == KR_SCALAR;
}

/* ---- slots, which frames may have in common ---- */

struct shared {
	uint64_t users;
	struct kslot slot[];
};

static struct shared *shared_of(const struct kframe *f)
{
	return (struct shared *)(void *)((char *)f->slots - offsetof(struct shared, slot));
}

static size_t shared_bytes(uint32_t n)
{
	return sizeof(struct shared) + n * sizeof(struct kslot);
}

static void drop_slots(struct kverifier *v, struct kframe *f)
{
	struct shared *s;

	if (!f->slots)
		return;
	s = shared_of(f);
	if (!--s->users)
		kpool_free(v, s, shared_bytes(f->slots_room));
	f->slots = NULL;
	f->slots_room = 0;
}

/* Other slots, of f alone: the first `keep` are as they were. False: no memory, and nothing has changed. */
static bool new_slots(struct kverifier *v, struct kframe *f, uint32_t room, uint32_t keep)
{
	struct shared *s = kpool_alloc(v, shared_bytes(room));

	if (!s)
		return false;
	s->users = 1;
	if (keep)
		memcpy(s->slot, f->slots, keep * sizeof *s->slot);
	drop_slots(v, f);
	f->slots = s->slot;
	f->slots_room = room;
	return true;
}

bool kframe_own(struct kverifier *v, struct kframe **f, bool slots)
{
	struct kframe *own = *f;

	if (own->others) {
		own = kpool_alloc(v, sizeof *own);
		if (!own)
			return false;
		*own = **f;
		own->others = 0;
		if (own->slots)
			shared_of(own)->users++;
		(*f)->others--;
		*f = own;
	}
	return !slots || !own->slots || shared_of(own)->users == 1 || new_slots(v, own, own->n_slots, own->n_slots);
}

bool kstate_own(struct kverifier *v, struct kverify_state *s)
{
	for (uint32_t i = 0; i <= s->cur; i++)
		if (!kframe_own(v, &s->frame[i], true))
			return false;
	return true;
}

/* States differ again and again by the same slot: it is looked at first. */
static bool same_slots(struct kverifier *v, const struct kframe *a, const struct kframe *b)
{
	uint32_t i = v->differs < a->n_slots ? v->differs : 0;

	if (memcmp(&a->slots[i], &b->slots[i], sizeof *a->slots) != 0)
		return false;
	for (i = 0; i < a->n_slots; i++)
		if (memcmp(&a->slots[i], &b->slots[i], sizeof *a->slots) != 0) {
			v->differs = i;
			return false;
		}
	return true;
}

/* Looking for what is the same takes time: it begins when there is much. */
enum { SHARE_FROM_BYTES = 24 << 20 };

void kstate_share(struct kverifier *v, struct kverify_state *s, const struct kverify_state *with)
{
	if (v->arena->used < SHARE_FROM_BYTES)
		return;
	for (uint32_t i = 0; with && i <= s->cur && i <= with->cur; i++) {
		struct kframe *f = s->frame[i];
		struct kframe *w = with->frame[i];

		if (f == w || f->n_slots != w->n_slots || (f->n_slots && f->slots != w->slots && !same_slots(v, f, w)))
			continue;
		if (!memcmp(f, w, offsetof(struct kframe, slots))) {
			kframe_free(v, f);
			s->frame[i] = w;
			w->others++;
			continue;
		}
		if (!f->n_slots || f->slots == w->slots)
			continue;
		drop_slots(v, f);
		f->slots = w->slots;
		f->slots_room = w->slots_room;
		shared_of(w)->users++;
	}
}

bool kframe_grow(struct kverifier *v, struct kframe *f, uint32_t n)
{
	if (n <= f->n_slots)
		return true;
	if (n > f->slots_room && !new_slots(v, f, n, f->n_slots))
		return false;
	memset(f->slots + f->n_slots, 0, (n - f->n_slots) * sizeof *f->slots);
	f->n_slots = n;
	return true;
}
static_assert(KBYTE_INVALID == 0 && KR_NONE == 0, "a new slot is zeroes");

void kframe_free(struct kverifier *v, struct kframe *f)
{
	if (!f)
		return;
	if (f->others) {
		f->others--;
		return;
	}
	drop_slots(v, f);
	kpool_free(v, f, sizeof *f);
}

static bool copy_frame(struct kverifier *v, struct kframe **to, const struct kframe *from)
{
	struct kframe *f = *to;
	struct kslot *slots;
	uint32_t room;

	if (f && f->others) {
		f->others--;
		f = NULL;
	}
	if (!f) {
		*to = NULL;
		f = kpool_alloc(v, sizeof *f);
		if (!f)
			return false;
		f->slots = NULL;
		f->slots_room = f->n_slots = 0;
		*to = f;
	}
	if ((f->slots_room < from->n_slots || (f->slots && shared_of(f)->users > 1)) &&
	    !new_slots(v, f, from->n_slots, 0))
		return false;
	slots = f->slots;
	room = f->slots_room;
	*f = *from;
	f->slots = slots;
	f->slots_room = room;
	f->others = 0;
	if (from->n_slots)
		memcpy(slots, from->slots, from->n_slots * sizeof *slots);
	return true;
}

static bool copy_refs(struct kverifier *v, struct kverify_state *to, const struct kverify_state *from)
{
	if (to->refs_room < from->n_refs) {
		kpool_free(v, to->refs, to->refs_room * sizeof *to->refs);
		to->refs_room = 0;
		to->refs = kpool_alloc(v, from->n_refs * sizeof *to->refs);
		if (!to->refs)
			return false;
		to->refs_room = from->n_refs;
	}
	if (from->n_refs)
		memcpy(to->refs, from->refs, from->n_refs * sizeof *to->refs);
	return true;
}

static bool copy_hist(struct kverifier *v, struct kverify_state *to, const struct kverify_state *from)
{
	if (to->hist_room < from->n_hist) {
		kpool_free(v, to->hist, to->hist_room * sizeof *to->hist);
		to->hist_room = 0;
		to->hist = kpool_alloc(v, from->n_hist * sizeof *to->hist);
		if (!to->hist)
			return false;
		to->hist_room = from->n_hist;
	}
	if (from->n_hist)
		memcpy(to->hist, from->hist, from->n_hist * sizeof *to->hist);
	return true;
}

bool kstate_copy(struct kverifier *v, struct kverify_state *to, const struct kverify_state *from)
{
	struct kverify_state keep;

	for (uint32_t i = from->cur + 1; i < KFRAMES_MAX; i++) {
		kframe_free(v, to->frame[i]);
		to->frame[i] = NULL;
	}
	for (uint32_t i = 0; i <= from->cur; i++)
		if (!copy_frame(v, &to->frame[i], from->frame[i]))
			return false;
	if (!copy_refs(v, to, from) || !copy_hist(v, to, from))
		return false;
	keep = *to;
	*to = *from;
	memcpy(to->frame, keep.frame, sizeof keep.frame);
	to->refs = keep.refs;
	to->refs_room = keep.refs_room;
	to->hist = keep.hist;
	to->hist_room = keep.hist_room;
	return true;
}

void kstate_free(struct kverifier *v, struct kverify_state *s)
{
	for (uint32_t i = 0; i < KFRAMES_MAX; i++)
		kframe_free(v, s->frame[i]);
	kpool_free(v, s->refs, s->refs_room * sizeof *s->refs);
	kpool_free(v, s->hist, s->hist_room * sizeof *s->hist);
	*s = (struct kverify_state){ 0 };
}

uint32_t kid_fresh(struct kverifier *v)
{
	return ++v->next_id;
}

void kstate_each_reg(struct kverifier *v, struct kverify_state *s, kreg_visit *fn, void *user)
{
	for (uint32_t f = 0; f <= s->cur; f++) {
		struct kframe *fr = s->frame[f];

		for (int r = 0; r < ISA_N_REGS; r++)
			if (!fn(v, &fr->r[r], NULL, user))
				return;
		for (uint32_t i = 0; i < fr->n_slots; i++)
			if (fr->slots[i].byte[KSLOT_BYTES - 1] == KBYTE_SPILL &&
			    !fn(v, &fr->slots[i].reg, &fr->slots[i], user))
				return;
	}
}

bool kin_sleepable(const struct kverifier *v)
{
	return v->cur.in_sleepable;
}

/* Linux: kernel/bpf/verifier.c:in_rcu_cs, v6.12 */
bool kin_rcu(const struct kverifier *v)
{
	return v->cur.rcu_locks || v->cur.active_locks || !kin_sleepable(v);
}
