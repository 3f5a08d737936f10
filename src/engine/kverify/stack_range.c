/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack_range: does an access lie within the stack, and is memory there that a call is given initialised?
 *
 * Linux: kernel/bpf/verifier.c:check_stack_access_within_bounds, check_stack_range_initialized, grow_stack_state,
 * v5.10 to v7.2.
 */
#include "engine/kverify/call.h"
#include "engine/kverify/mem.h"
#include "engine/kverify/stack.h"

enum { STACK_BYTES = KSLOTS_MAX * KSLOT_BYTES };

FALLIBLE kstack_grow(struct kverifier *v, struct kframe *f, int32_t off)
{
	uint32_t n = off < 0 ? kstack_slot(off) + 1 : 0;

	if (n <= f->n_slots)
		return E_OK;
	KNEED(v, kframe_grow(v, f, n));
	if (khas(v, KERNEL_STACK_GROWS_ON_ACCESS) && v->subprogs[f->subprog].stack_bytes < n * KSLOT_BYTES)
		v->subprogs[f->subprog].stack_bytes = n * KSLOT_BYTES;
	return E_OK;
}

FALLIBLE kstack_depth(struct kverifier *v, const struct kframe *f, int32_t off)
{
	if (!khas(v, KERNEL_STACK_GROWS_ON_ACCESS) && off < 0 && v->subprogs[f->subprog].stack_bytes < (uint32_t)-off)
		v->subprogs[f->subprog].stack_bytes = (uint32_t)-off;
	return E_OK;
}

/* What the kernel's line says between "invalid" and "stack". */
static const char *access_name(const struct kverifier *v, const struct kstack_range *r)
{
	if (r->helper && !khas(v, KERNEL_STACK_HELPER_READS))
		return " indirect access to";
	return r->write ? " write to" : " read from";
}

static FALLIBLE outside(struct kverifier *v, const struct kstack_range *r)
{
	const struct kreg *reg = kreg_at(v, r->reg);

	if (knum_is_const(&reg->n))
		KREJECT_REG(v, STACK_BOUNDS, r->reg, "invalid%s stack R%u off=%d size=%u", access_name(v, r), r->reg,
			    r->low, r->size);
	KREJECT_REG(v, STACK_BOUNDS, r->reg, "invalid variable-offset%s stack R%u var_off=%s off=%d size=%u",
		    access_name(v, r), r->reg, kreg_offset_text(v, reg), r->off, r->size);
}

FALLIBLE kstack_bounds(struct kverifier *v, struct kstack_range *r)
{
	const struct kreg *reg = kreg_at(v, r->reg);
	struct kframe *f = v->cur.frame[reg->frame];
	bool grows = khas(v, KERNEL_STACK_GROWS_ON_ACCESS);
	int64_t low, high, lowest = -STACK_BYTES;

	if (knum_is_const(&reg->n)) {
		low = high = (int64_t)reg->n.t.value + r->off;
	} else {
		if (reg->n.smax >= KMAX_VAR_OFF || reg->n.smin <= -KMAX_VAR_OFF)
			KREJECT_REG(v, STACK_UNBOUNDED, r->reg, "invalid unbounded variable-offset%s stack R%u",
				    access_name(v, r), r->reg);
		low = reg->n.smin + r->off;
		high = reg->n.smax + r->off;
	}
	r->low = (int32_t)low;
	r->high = (int32_t)high;
	/* Calls may write, as far as older releases know, and root may read what was never written. */
	if (!r->write && !r->helper && !grows)
		lowest = -(int64_t)f->n_slots * KSLOT_BYTES;
	if (low < lowest || low > -1 || high + r->size > 0)
		return outside(v, r);
	return grows ? kstack_grow(v, f, r->low) : E_OK;
}

/* ---- memory that a call is given ---- */

/* Nothing there need be set: the call writes all of it, after all its arguments were looked at. */
static FALLIBLE raw_memory(struct kverifier *v, const struct kstack_range *r, const struct kframe *f,
			   struct kcall *call)
{
	for (int32_t i = r->low; i < r->high + (int32_t)r->size; i++)
		if (kstack_slot(i) < f->n_slots && *kstack_byte(f, i) == KBYTE_DYNPTR)
			KREJECT_REG(v, STACK_DYNPTR_WRITE, r->reg, "potential write to dynptr at off=%d disallowed", i);
	call->access_size = (int32_t)r->size;
	call->raw_reg = r->reg;
	return E_OK;
}

static FALLIBLE unset(struct kverifier *v, const struct kstack_range *r, int32_t at, uint8_t byte)
{
	const struct kreg *reg = kreg_at(v, r->reg);
	const char *extra = r->helper && !khas(v, KERNEL_STACK_HELPER_READS) ? " indirect" : "";

	if (byte == KBYTE_POISON)
		KREJECT_REG(v, STACK_POISONED, r->reg,
			    "reading from stack R%u off %d+%d size %u, slot poisoned by dead code elimination", r->reg,
			    r->low, at - r->low, r->size);
	if (knum_is_const(&reg->n))
		KREJECT_REG(v, STACK_UNSET, r->reg, "invalid%s read from stack R%u off %d+%d size %u", extra, r->reg,
			    r->low, at - r->low, r->size);
	KREJECT_REG(v, STACK_UNSET, r->reg, "invalid%s read from stack R%u var_off %s+%d size %u", extra, r->reg,
		    kreg_offset_text(v, reg), at - r->low, r->size);
}

/* One byte; clobber: it may be another afterwards. */
static FALLIBLE byte_is_set(struct kverifier *v, const struct kstack_range *r, const struct kframe *f, int32_t at,
			    bool clobber)
{
	struct kslot *s = &f->slots[kstack_slot(at)];
	uint8_t *byte = kstack_byte(f, at);

	if (*byte == KBYTE_MISC)
		return E_OK;
	if (*byte == KBYTE_ZERO || *byte == KBYTE_INVALID) {
		if (clobber)
			*byte = KBYTE_MISC;
		return E_OK;
	}
	if (kslot_is_spill(s)) {
		/* 5.10 gives helpers pointers to objects from the stack, and goes on knowing them. */
		if (khas(v, KERNEL_SPILLED_OBJECTS_STAY) && kreg_is_plain(&s->reg, KR_BTF_ID))
			return E_OK;
		if (clobber) {
			kreg_scalar_unknown(&v->rules, &s->reg);
			kslot_scrub(s);
		}
		return E_OK;
	}
	if (*byte == KBYTE_POISON && (v->poison_ok || clobber))
		return E_OK;
	return unset(v, r, at, *byte);
}

FALLIBLE kstack_initialised(struct kverifier *v, unsigned reg, int32_t off, uint32_t size, bool zero_ok, bool helper,
			    bool write, struct kcall *call)
{
	const struct kreg *ptr = kreg_at(v, reg);
	struct kframe *f = v->cur.frame[ptr->frame];
	struct kstack_range r = { .reg = reg, .off = off, .size = size, .write = write, .helper = helper };
	bool clobber = khas(v, KERNEL_STACK_HELPER_READS) ? write : helper;

	if (!size && !zero_ok)
		KREJECT_REG(v, SIZE_ZERO, reg, "invalid zero-sized read");
	TRY(kstack_bounds(v, &r));
	if (call && call->raw && knum_is_const(&ptr->n))
		return raw_memory(v, &r, f, call);
	for (int32_t i = r.low; i < r.high + (int32_t)size; i++) {
		if (kstack_slot(i) >= f->n_slots)
			return unset(v, &r, i, KBYTE_INVALID);
		TRY(byte_is_set(v, &r, f, i, clobber));
		TRY(klive_slot_read(v, f->frameno, kstack_slot(i)));
	}
	return kstack_depth(v, f, r.low);
}
