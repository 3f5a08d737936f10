/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stack: loads and stores in the stack; registers that are kept there and come back.
 *
 * The stack is kept by slots of 8 bytes, each byte of which was never written, holds something, is zero, or belongs to
 * a register. Releases differ in which registers they keep and in what a narrow load makes of them. Linux:
 * kernel/bpf/verifier.c:check_stack_write_fixed_off, check_stack_write_var_off, check_stack_read_fixed_off,
 * check_stack_read_var_off, v5.10 to v7.2.
 */
#include "engine/kverify/call.h"
#include "engine/kverify/mem.h"
#include "engine/kverify/stack.h"

/* ---- slots ---- */

bool kslot_is_special(const struct kslot *s)
{
	switch ((enum kbyte)s->byte[KSLOT_BYTES - 1]) {
	case KBYTE_SPILL:
	case KBYTE_DYNPTR:
	case KBYTE_ITER:
	case KBYTE_IRQ_FLAG:
		return true;
	default:
		return false;
	}
}

void kslot_scrub(struct kslot *s)
{
	for (int i = 0; i < KSLOT_BYTES; i++)
		if (s->byte[i] != KBYTE_INVALID && s->byte[i] != KBYTE_POISON)
			s->byte[i] = KBYTE_MISC;
}

/* Whatever register was kept there, bytes are left of it. */
static void drop_register(struct kverifier *v, struct kslot *s)
{
	bool known = khas(v, KERNEL_VAR_WRITE_SCRUBS) ? kslot_is_special(s) : kslot_is_spill(s);

	s->reg.base = KR_NONE;
	s->reg.flags = 0;
	if (known)
		kslot_scrub(s);
}

static unsigned width(const struct kreg *r)
{
	return r->n.umax ? 64 - (unsigned)__builtin_clzll(r->n.umax) : 0;
}

static void forget_id(struct kreg *r)
{
	r->id = 0;
	r->off = 0;
}

static FALLIBLE note(struct kverifier *v, const struct kframe *f, uint32_t spi, bool fill)
{
	if (!khas(v, KERNEL_STACK_HISTORY))
		return E_OK;
	return khist_stack(v, f->frameno, spi, KHIST_STACK_ACCESS | (fill ? KHIST_SRC_STACK : KHIST_DST_STACK));
}

/* ---- stores ---- */

static bool is_spillable(const struct kreg *r)
{
	switch ((enum kernel_reg)r->base) {
	case KR_NONE:
	case KR_SCALAR:
	case KR_TP_BUFFER:
	case KR_DYNPTR:
	case KR_INSN:
	case KR_N:
		return false;
	default:
		return true;
	}
}

/* Does a number keep what is known of it on the stack? */
static bool is_kept(const struct kverifier *v, const struct kreg *r)
{
	if (r->base != KR_SCALAR)
		return false;
	return khas(v, KERNEL_SPILL_ALL_SCALARS) || (!knum_is_unknown(&r->n) && !kreg_is_null(r));
}

static void save(struct kverifier *v, const struct kframe *f, uint32_t spi, const struct kreg *r, uint32_t size)
{
	bool keeps_zero = khas(v, KERNEL_SPILL_ALL_SCALARS);
	struct kslot *s = &f->slots[spi];

	s->reg = *r;
	if (size == KSLOT_BYTES)
		klive_slot_written(v, f->frameno, spi);
	for (uint32_t i = 0; i < KSLOT_BYTES; i++) {
		if (i >= KSLOT_BYTES - size)
			s->byte[i] = KBYTE_SPILL;
		else if (s->byte[i] != KBYTE_INVALID && s->byte[i] != KBYTE_POISON &&
			 !(keeps_zero && s->byte[i] == KBYTE_ZERO))
			s->byte[i] = KBYTE_MISC;
	}
}

static FALLIBLE spill_number(struct kverifier *v, const struct kaccess *a, const struct kframe *f, uint32_t spi)
{
	struct kreg *r = kreg_at(v, (unsigned)a->value);
	bool fits = width(r) <= a->size * 8;

	if (!khas(v, KERNEL_STACK_HISTORY) && v->p->insns[v->at].dst != ISA_FP)
		TRY(kprecise_reg(v, (unsigned)a->value));
	if (fits && khas(v, KERNEL_SPILL_ALL_SCALARS))
		kreg_link_ids(v, r);
	save(v, f, spi, r, a->size);
	if (!fits)
		f->slots[spi].reg.id = 0;
	return note(v, f, spi, false);
}

static FALLIBLE spill_constant(struct kverifier *v, const struct kaccess *a, const struct kframe *f, uint32_t spi)
{
	struct kreg r = { 0 };

	kreg_scalar_const(&v->rules, &r, (uint64_t)v->p->insns[v->at].imm);
	save(v, f, spi, &r, a->size);
	return note(v, f, spi, false);
}

static FALLIBLE spill_pointer(struct kverifier *v, const struct kaccess *a, const struct kframe *f, uint32_t spi)
{
	const struct kreg *r = kreg_at(v, (unsigned)a->value);

	if (a->size != KSLOT_BYTES)
		KREJECT_REG(v, SPILL_SIZE, a->value, "invalid size of register spill");
	if (f->frameno != v->cur.cur && kreg_is_plain(r, KR_STACK))
		KREJECT_REG(v, SPILL_TO_CALLER, a->value,
			    "cannot spill pointers to stack into stack frame of the caller");
	save(v, f, spi, r, a->size);
	return note(v, f, spi, false);
}

static bool stores_constant(const struct kverifier *v, const struct kaccess *a)
{
	return a->value < 0 && v->p->insns[v->at].sem == ISA_ST;
}

static bool stores_zero(const struct kverifier *v, const struct kaccess *a)
{
	return a->value >= 0 ? kreg_is_null(kreg_at(v, (unsigned)a->value))
			     : stores_constant(v, a) && !v->p->insns[v->at].imm;
}

/* Bytes that no register stands for. */
static FALLIBLE write_bytes(struct kverifier *v, const struct kaccess *a, const struct kframe *f, int32_t off)
{
	uint32_t spi = kstack_slot(off);
	enum kbyte kind = KBYTE_MISC;

	drop_register(v, &f->slots[spi]);
	if (a->size == KSLOT_BYTES)
		klive_slot_written(v, f->frameno, spi);
	if (stores_zero(v, a)) {
		/* What is concluded from a zero byte cannot be followed back to the register. */
		if (a->value >= 0)
			TRY(kprecise_reg(v, (unsigned)a->value));
		kind = KBYTE_ZERO;
	}
	for (uint32_t i = 0; i < a->size; i++)
		*kstack_byte(f, off + (int32_t)i) = (uint8_t)kind;
	return E_OK;
}

static FALLIBLE write_fixed(struct kverifier *v, const struct kaccess *a, struct kframe *f, int32_t off)
{
	const struct kreg *r = a->value >= 0 ? kreg_at(v, (unsigned)a->value) : NULL;
	bool aligned = off % KSLOT_BYTES == 0;
	uint32_t spi = kstack_slot(off);

	TRY(kdynptr_destroy(v, f, spi));
	kfastcall_touch(v, f, off);
	if (r && aligned && is_kept(v, r))
		return spill_number(v, a, f, spi);
	if (aligned && stores_constant(v, a) && (khas(v, KERNEL_SPILL_ALL_SCALARS) || v->p->insns[v->at].imm))
		return spill_constant(v, a, f, spi);
	if (r && is_spillable(r))
		return spill_pointer(v, a, f, spi);
	return write_bytes(v, a, f, off);
}

/* A byte that a store at a variable offset may change. *zero_used: it stays zero because a zero is stored. */
static void maybe_write(struct kverifier *v, const struct kframe *f, int32_t off, bool zero, bool *zero_used)
{
	struct kslot *s = &f->slots[kstack_slot(off)];
	uint8_t *byte = kstack_byte(f, off);

	if (zero && khas(v, KERNEL_SPILL_ALL_SCALARS) && *byte == KBYTE_SPILL && kslot_is_scalar_spill(s) &&
	    kreg_is_null(&s->reg)) {
		*zero_used = true;
		return;
	}
	if (khas(v, KERNEL_VAR_WRITE_SCRUBS)) {
		drop_register(v, s);
	} else {
		s->reg.base = KR_NONE;
		s->reg.flags = 0;
	}
	if (zero && *byte == KBYTE_ZERO)
		*zero_used = true;
	else
		*byte = KBYTE_MISC;
}

static FALLIBLE write_variable(struct kverifier *v, const struct kaccess *a, struct kframe *f, int32_t off)
{
	const struct kreg *ptr = kreg_at(v, a->reg);
	int32_t low = (int32_t)ptr->n.smin + off, end = (int32_t)ptr->n.smax + off + (int32_t)a->size;
	bool zero = a->value >= 0 || khas(v, KERNEL_VAR_WRITE_SCRUBS) ? stores_zero(v, a) : false;
	bool zero_used = false;

	for (int32_t i = low; i < end; i++)
		TRY(kdynptr_destroy(v, f, kstack_slot(i)));
	kfastcall_touch(v, f, low);
	for (int32_t i = low; i < end; i++)
		maybe_write(v, f, i, zero, &zero_used);
	return zero_used && a->value >= 0 ? kprecise_reg(v, (unsigned)a->value) : E_OK;
}

/* ---- loads ---- */

static void load_zero(struct kverifier *v, struct kreg *to, bool precise)
{
	kreg_scalar_const(&v->rules, to, 0);
	to->precise = precise;
}

/* A register from bytes of which none is a register's. */
static void load_bytes(struct kverifier *v, const struct kframe *f, int32_t low, int32_t end, struct kreg *to)
{
	for (int32_t i = low; i < end; i++) {
		if (*kstack_byte(f, i) == KBYTE_ZERO)
			continue;
		kreg_scalar_unknown(&v->rules, to);
		return;
	}
	load_zero(v, to, !khas(v, KERNEL_SPILL_ALL_SCALARS));
}

static FALLIBLE unset(struct kverifier *v, const struct kaccess *a, int32_t off, uint32_t i, uint8_t byte)
{
	if (byte == KBYTE_POISON)
		KREJECT_REG(v, STACK_POISONED, a->reg,
			    "reading from stack off %d+%u size %u, slot poisoned by dead code elimination", off, i,
			    a->size);
	KREJECT_REG(v, STACK_UNSET, a->reg, "invalid read from stack off %d+%u size %u", off, i, a->size);
}

/* How many of the bytes are of which kind. Bytes that were never written may be read by root. */
struct counts {
	uint32_t spill, zero;
};
static FALLIBLE count_bytes(struct kverifier *v, const struct kaccess *a, const struct kframe *f, int32_t off,
			    bool spilled, struct counts *out)
{
	*out = (struct counts){ 0 };
	for (uint32_t i = 0; i < a->size; i++) {
		uint8_t byte = *kstack_byte(f, off + (int32_t)i);

		if (byte == KBYTE_SPILL && spilled)
			out->spill++;
		else if (byte == KBYTE_ZERO && (!spilled || khas(v, KERNEL_FILL_NARROW)))
			out->zero++;
		else if (byte != KBYTE_MISC && byte != KBYTE_INVALID)
			return unset(v, a, off, i, byte);
	}
	return E_OK;
}

static void fill(struct kverifier *v, const struct kaccess *a, struct kslot *s, uint32_t spilled)
{
	struct kreg *to = kreg_at(v, (unsigned)a->value);

	if (khas(v, KERNEL_FILL_LINKS) && a->size == 4 && spilled == 4 && width(&s->reg) <= 32)
		kreg_link_ids(v, &s->reg);
	*to = s->reg;
	if (khas(v, KERNEL_FILL_NARROW) && width(&s->reg) > a->size * 8)
		forget_id(to);
}

/* A part of a number that is kept there, or more than is kept. */
static FALLIBLE fill_part(struct kverifier *v, const struct kaccess *a, struct kframe *f, int32_t off, uint32_t spilled)
{
	uint32_t spi = kstack_slot(off);
	struct kslot *s = &f->slots[spi];
	struct kreg *to;
	struct counts c;
	bool same;

	if (s->reg.base != KR_SCALAR)
		KREJECT_REG(v, FILL_SIZE, a->reg, "invalid size of register fill");
	TRY(klive_slot_read(v, f->frameno, spi));
	if (a->value < 0)
		return E_OK;
	same = khas(v, KERNEL_FILL_NARROW) ? a->size <= spilled : a->size == spilled;
	if (same && off % KSLOT_BYTES == 0) {
		fill(v, a, s, spilled);
		return note(v, f, spi, true);
	}
	TRY(count_bytes(v, a, f, off, true, &c));
	to = kreg_at(v, (unsigned)a->value);
	if (khas(v, KERNEL_FILL_NARROW) && c.spill == a->size && kreg_is_null(&s->reg)) {
		load_zero(v, to, false);
		return note(v, f, spi, true);
	}
	if (khas(v, KERNEL_FILL_NARROW) && c.zero == a->size)
		load_zero(v, to, false);
	else
		kreg_scalar_unknown(&v->rules, to);
	return E_OK;
}

static FALLIBLE fill_whole(struct kverifier *v, const struct kaccess *a, struct kframe *f, uint32_t spi)
{
	struct kslot *s = &f->slots[spi];

	if (a->value >= 0) {
		if (khas(v, KERNEL_FILL_LINKS))
			kreg_link_ids(v, &s->reg);
		*kreg_at(v, (unsigned)a->value) = s->reg;
	}
	TRY(klive_slot_read(v, f->frameno, spi));
	return note(v, f, spi, true);
}

static uint32_t spilled_bytes(const struct kslot *s)
{
	uint32_t n = 1;

	while (n < KSLOT_BYTES && s->byte[KSLOT_BYTES - 1 - n] == KBYTE_SPILL)
		n++;
	return n;
}

static FALLIBLE read_fixed(struct kverifier *v, const struct kaccess *a, struct kframe *f, int32_t off)
{
	uint32_t spi = kstack_slot(off), spilled;
	struct counts c;

	kfastcall_touch(v, v->cur.frame[v->cur.cur], off);
	if (kslot_is_spill(&f->slots[spi])) {
		spilled = spilled_bytes(&f->slots[spi]);
		if (a->size != KSLOT_BYTES || spilled != KSLOT_BYTES)
			return fill_part(v, a, f, off, spilled);
		return fill_whole(v, a, f, spi);
	}
	TRY(count_bytes(v, a, f, off, false, &c));
	TRY(klive_slot_read(v, f->frameno, spi));
	if (a->value >= 0)
		load_bytes(v, f, off, off + (int32_t)a->size, kreg_at(v, (unsigned)a->value));
	return E_OK;
}

static FALLIBLE read_variable(struct kverifier *v, const struct kaccess *a, struct kframe *f, int32_t off)
{
	const struct kreg *ptr = kreg_at(v, a->reg);
	int32_t low = (int32_t)ptr->n.smin + off, end = (int32_t)ptr->n.smax + off + (int32_t)a->size;

	if (a->value < 0)
		KREJECT_REG(v, STACK_VARIABLE_ARGUMENT, a->reg,
			    "variable offset stack pointer cannot be passed into helper function; var_off=%s off=%d "
			    "size=%u",
			    kreg_offset_text(v, ptr), off, a->size);
	TRY(kstack_initialised(v, a->reg, off, a->size, false, false, false, NULL));
	load_bytes(v, f, low, end, kreg_at(v, (unsigned)a->value));
	kfastcall_touch(v, f, low);
	return E_OK;
}

FALLIBLE kaccess_stack(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	struct kframe *f = v->cur.frame[r->frame];
	struct kstack_range range = { .reg = a->reg, .off = off, .size = a->size, .write = a->write };

	TRY(kstack_bounds(v, &range));
	TRY(kstack_depth(v, f, off));
	if (!knum_is_const(&r->n)) {
		if (a->write)
			TRY(kstack_grow(v, f, range.low));
		return a->write ? write_variable(v, a, f, off) : read_variable(v, a, f, off);
	}
	off += (int32_t)r->n.t.value;
	if (a->write)
		TRY(kstack_grow(v, f, off));
	return a->write ? write_fixed(v, a, f, off) : read_fixed(v, a, f, off);
}
