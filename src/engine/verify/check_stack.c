/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_stack: the stack, byte by byte, and registers saved in it.
 *
 * Eight aligned bytes can hold a saved register with all that is known of it. Anything else is single bytes. A byte
 * of a saved pointer or handle that is partly overwritten becomes as if never written: it must not leak as a number.
 */
#include "engine/verify/verify_internal.h"

static struct frame *frame_of(struct verifier *v, const struct stack_access *a)
{
	return &v->cur.frames[a->base->frame];
}

static uint32_t slot_index(int64_t off)
{
	return (uint32_t)((-off - 1) / SLOT_BYTES);
}

static unsigned byte_index(int64_t off)
{
	return (unsigned)(off + (int64_t)(slot_index(off) + 1) * SLOT_BYTES);
}

static uint8_t *byte_at(struct frame *f, int64_t off)
{
	return &f->slots[slot_index(off)].byte[byte_index(off)];
}

/* All of it lies in the frame; note how deep. */
FALLIBLE stack_check_bounds(struct verifier *v, const struct stack_access *a)
{
	int64_t lo = a->at.smin, hi = a->at.smax, depth = v->limits->stack_bytes;
	struct frame *f;
	uint32_t need;

	ENSURE(v, a->base->frame < v->cur.n_frames);
	if (lo < -depth || hi > 0 || a->n_bytes > (uint64_t)-hi)
		REJECT_REG(v, STACK_BOUNDS, (int)a->reg, "%llu bytes at fp%+lld%s; the frame is fp-%lld..fp",
			   (unsigned long long)a->n_bytes, (long long)(lo < -depth ? lo : hi),
			   lo == hi ? "" : " (worst case)", (long long)depth);
	if (!a->n_bytes)
		return E_OK;
	f = frame_of(v, a);
	need = slot_index(lo) + 1;
	ENSURE(v, need <= v->n_slots_max);
	if (need > f->n_slots) {
		memset(f->slots + f->n_slots, 0, (need - f->n_slots) * sizeof *f->slots);
		f->n_slots = need;
	}
	if (v->funcs[f->func].stack_bytes < (uint64_t)-lo)
		v->funcs[f->func].stack_bytes = (uint32_t)-lo;
	return E_OK;
}

static bool is_saved_pointer(const struct slot *s)
{
	return s->byte[0] == BYTE_SPILL && s->reg.type != REG_SCALAR;
}

/* One byte, as a number. */
static FALLIBLE read_byte(struct verifier *v, const struct stack_access *a, int64_t off)
{
	struct frame *f = frame_of(v, a);
	uint8_t kind = *byte_at(f, off);

	ENSURE(v, kind != BYTE_DEAD);
	if (kind == BYTE_NONE)
		REJECT_REG(v, STACK_UNINIT, (int)a->reg,
			   "the stack byte at fp%lld is read, but nothing wrote it on this path", (long long)off);
	if (is_saved_pointer(&f->slots[slot_index(off)]))
		REJECT_REG(v, SPILL_PART, (int)a->reg, "the stack byte at fp%lld is part of %s saved there",
			   (long long)off, verify_type_name(&f->slots[slot_index(off)].reg));
	return E_OK;
}

FALLIBLE stack_read_bytes(struct verifier *v, const struct stack_access *a)
{
	for (int64_t off = a->at.smin; off < a->at.smax + (int64_t)a->n_bytes; off++)
		TRY(read_byte(v, a, off));
	return E_OK;
}

static bool is_zero(const struct reg *r)
{
	return r->type == REG_SCALAR && scalar_is_const(&r->s) && !r->s.t.value;
}

static bool all_zero(struct verifier *v, const struct stack_access *a)
{
	for (int64_t off = a->at.smin; off < a->at.smax + (int64_t)a->n_bytes; off++) {
		const struct slot *s = &frame_of(v, a)->slots[slot_index(off)];
		uint8_t kind = s->byte[byte_index(off)];

		if (kind != BYTE_ZERO && !(kind == BYTE_SPILL && is_zero(&s->reg)))
			return false;
	}
	return true;
}

/* Numbers saved there were needed to be zero. */
static void use_zeroes(struct verifier *v, const struct stack_access *a)
{
	for (int64_t off = a->at.smin; off < a->at.smax + (int64_t)a->n_bytes; off++)
		if (*byte_at(frame_of(v, a), off) == BYTE_SPILL)
			precise_slot(v, a->base->frame, slot_index(off));
}

FALLIBLE stack_load(struct verifier *v, const struct stack_access *a, struct reg *out)
{
	bool fixed = scalar_is_const(&a->at);
	struct slot *s = &frame_of(v, a)->slots[slot_index(a->at.smin)];
	struct scalar bits;

	if (fixed && s->byte[0] == BYTE_SPILL)
		precise_note_slot(v, a->base->frame, slot_index(a->at.smin));
	if (fixed && a->n_bytes == SLOT_BYTES && s->byte[0] == BYTE_SPILL) {
		*out = reg_copy(v, &s->reg);
		return E_OK;
	}
	TRY(stack_read_bytes(v, a));
	bits = scalar_bits((unsigned)a->n_bytes * 8);
	if (all_zero(v, a)) {
		use_zeroes(v, a);
		bits = scalar_const(0);
	} else if (fixed && s->byte[0] == BYTE_SPILL) { /* part of a saved number */
		struct scalar by = scalar_const(8 * byte_index(a->at.smin));

		ENSURE(v, scalar_alu(ISA_RSH, 64, s->reg.s, by, &bits));
		ENSURE(v, scalar_low(bits, (unsigned)a->n_bytes * 8, &bits));
	}
	*out = reg_scalar(bits, 0);
	return E_OK;
}

/* A saved register falls apart: a number into bytes of it, anything else into nothing. */
static void break_spill(struct verifier *v, const struct stack_access *a, uint32_t index)
{
	struct slot *s = &frame_of(v, a)->slots[index];
	uint8_t kind = s->reg.type == REG_SCALAR ? BYTE_MISC : BYTE_NONE;

	if (s->byte[0] != BYTE_SPILL)
		return;
	if (is_zero(&s->reg)) {
		precise_slot(v, a->base->frame, index);
		kind = BYTE_ZERO;
	}
	memset(s->byte, kind, sizeof s->byte);
}

/* Where the place is not certain a byte keeps what holds in both cases. */
static uint8_t maybe_written(uint8_t was, bool zero)
{
	if (was == BYTE_NONE || was == BYTE_DEAD)
		return was;
	return was == BYTE_ZERO && zero ? BYTE_ZERO : BYTE_MISC;
}

void stack_write_bytes(struct verifier *v, const struct stack_access *a, bool surely, bool zero)
{
	struct frame *f = frame_of(v, a);

	surely = surely && scalar_is_const(&a->at);
	for (int64_t off = a->at.smin; off < a->at.smax + (int64_t)a->n_bytes; off++) {
		uint8_t *b = byte_at(f, off);

		break_spill(v, a, slot_index(off));
		if (surely)
			*b = zero ? BYTE_ZERO : BYTE_MISC;
		else
			*b = maybe_written(*b, zero);
	}
}

FALLIBLE stack_store(struct verifier *v, const struct stack_access *a, const struct reg *value)
{
	bool whole = scalar_is_const(&a->at) && a->n_bytes == SLOT_BYTES;
	struct slot *s = &frame_of(v, a)->slots[slot_index(a->at.smin)];
	bool zero = value->type == REG_SCALAR && scalar_is_const(&value->s) &&
		    !(value->s.t.value & low_bits((unsigned)a->n_bytes * 8));

	if (value->type != REG_SCALAR && !whole)
		REJECT_REG(v, SPILL_SHAPE, (int)a->reg, "%s is stored in %llu bytes%s", verify_type_name(value),
			   (unsigned long long)a->n_bytes, scalar_is_const(&a->at) ? "" : " at a place that varies");
	if (value->type == REG_STACK && value->frame > a->base->frame)
		REJECT_REG(v, CALLEE_STACK, (int)a->reg,
			   "a pointer to this function's stack is stored in its caller's");
	if (!whole) {
		stack_write_bytes(v, a, true, zero);
		return E_OK;
	}
	precise_note_slot(v, a->base->frame, slot_index(a->at.smin));
	memset(s->byte, BYTE_SPILL, sizeof s->byte);
	s->reg = *value;
	return E_OK;
}
