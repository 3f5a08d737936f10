/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: what of a state may be read later, and checks of reads and writes of registers.
 *
 * Three generations. Marks: each read is noted in the ancestors of the state at work while paths are followed
 * (live_marks.c). Masks: registers by the program's text, stack slots noted per instruction and chain of calls, then
 * solved as equations (6.18: live_regs.c, live_stack.c). Ahead: stack slots too are known before any path is followed
 * (7.2: live_static.c). Linux: kernel/bpf/verifier.c:check_reg_arg, v6.12; kernel/bpf/states.c:clean_verifier_state,
 * v7.2.
 */
#include "engine/kverify/prune.h"

FALLIBLE klive_begin(struct kverifier *v)
{
	v->live = ARENA_NEW(v->arena, struct klive_data);
	KNEED(v, v->live);
	v->live->mode = khas(v, KERNEL_LIVE_AHEAD)    ? KLIVE_AHEAD
			: khas(v, KERNEL_LIVE_STATIC) ? KLIVE_MASKS
						      : KLIVE_MARKS;
	if (khas(v, KERNEL_LIVE_REGS) || khas(v, KERNEL_LIVE_STATIC))
		TRY(kflow_compute(v, &v->live->flow));
	if (!khas(v, KERNEL_CONST_BRANCHES))
		return E_OK;
	TRY(kconst_compute(v));
	return kflow_compute(v, &v->live->flow);
}

FALLIBLE klive_compute(struct kverifier *v)
{
	TRY(kcompare_init(v));
	if (v->live->mode == KLIVE_AHEAD)
		TRY(kstatic_compute(v));
	if (v->live->mode == KLIVE_MASKS)
		TRY(kmasks_init(v));
	return khas(v, KERNEL_LIVE_REGS) ? klive_regs_compute(v) : E_OK;
}

/* ---- registers ---- */

FALLIBLE kreg_read(struct kverifier *v, unsigned r)
{
	if (r >= ISA_N_REGS)
		KREJECT(v, REG_INVALID, "R%u is invalid", r);
	if (kreg_at(v, r)->base == KR_NONE)
		KREJECT_REG(v, REG_UNREADABLE, r, "R%u !read_ok", r);
	if (r != ISA_FP && v->live->mode == KLIVE_MARKS)
		return kmarks_read(v, v->cur.cur, r);
	return E_OK;
}

FALLIBLE kreg_write(struct kverifier *v, unsigned r, bool mark_unknown)
{
	if (r >= ISA_N_REGS)
		KREJECT(v, REG_INVALID, "R%u is invalid", r);
	if (r == ISA_FP)
		KREJECT_REG(v, FP_READ_ONLY, r, "frame pointer is read only");
	kframe_cur(&v->cur)->live[r] |= KLIVE_WRITTEN;
	if (mark_unknown)
		kreg_scalar_unknown(&v->rules, kreg_at(v, r));
	return E_OK;
}

void klive_pass(struct kframe *to, unsigned r, const struct kframe *from, unsigned from_r)
{
	to->live[r] = from->live[from_r];
	to->link[r] = from->link[from_r];
}

/* ---- slots ---- */

FALLIBLE klive_slot_read(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	switch (v->live->mode) {
	case KLIVE_MARKS:
		return kmarks_read(v, frame, ISA_N_REGS + spi);
	case KLIVE_MASKS:
		return kmasks_read(v, frame, spi);
	case KLIVE_AHEAD:
		break;
	}
	return E_OK;
}

void klive_slot_written(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	switch (v->live->mode) {
	case KLIVE_MARKS:
		v->cur.frame[frame]->live[ISA_N_REGS + spi] |= KLIVE_WRITTEN;
		break;
	case KLIVE_MASKS:
		kmasks_written(v, frame, spi);
		break;
	case KLIVE_AHEAD:
		break;
	}
}

FALLIBLE klive_step_begin(struct kverifier *v)
{
	return v->live->mode == KLIVE_MASKS ? kmasks_step_begin(v) : E_OK;
}

FALLIBLE klive_step_end(struct kverifier *v)
{
	return v->live->mode == KLIVE_MASKS ? kmasks_step_end(v) : E_OK;
}

FALLIBLE klive_path_end(struct kverifier *v)
{
	return v->live->mode == KLIVE_MASKS ? kmasks_solve(v) : E_OK;
}

/* ---- forgetting ---- */

static void clear_slot(struct kverifier *v, struct kslot *s)
{
	static const uint8_t clear[KSLOT_BYTES] = { KBYTE_INVALID };

	if (s->reg.base == KR_NONE && !memcmp(s->byte, clear, sizeof clear))
		return;
	kreg_none(&v->rules, &s->reg);
	memset(s->byte, KBYTE_INVALID, sizeof s->byte);
}

static bool is_special(uint8_t byte)
{
	return byte == KBYTE_DYNPTR || byte == KBYTE_ITER || byte == KBYTE_IRQ_FLAG;
}

static bool is_zero(const struct kreg *r)
{
	return kreg_is_const(r) && !r->n.t.value;
}

/*
 * Halves that nothing reads are poison: bytes 0 to 3 are the one nearer to the frame's top. What the upper half of a
 * spill held is lost with it, but a pointer, which a partial fill must still be told from a number, and zero, which
 * would have to be marked as known exactly.
 */
static void poison_halves(struct kverifier *v, struct kslot *s, bool low, bool high)
{
	uint8_t kind = s->byte[KSLOT_BYTES - 1];

	if (is_special(kind))
		return;
	if (!high) {
		if (low && kind == KBYTE_SPILL) {
			if (s->reg.base != KR_SCALAR || is_zero(&s->reg))
				return;
			for (unsigned i = 0; i < KSLOT_BYTES / 2; i++)
				if (s->byte[i] == KBYTE_SPILL)
					s->byte[i] = KBYTE_MISC;
		}
		if (s->reg.base != KR_NONE)
			kreg_none(&v->rules, &s->reg);
	}
	if (!low)
		memset(s->byte, KBYTE_POISON, KSLOT_BYTES / 2);
	if (!high)
		memset(s->byte + KSLOT_BYTES / 2, KBYTE_POISON, KSLOT_BYTES / 2);
}

static void clean_slots(struct kverifier *v, struct kframe *f, uint32_t frame)
{
	for (uint32_t i = 0; i < f->n_slots; i++) {
		if (v->live->mode == KLIVE_MASKS) {
			if (!kmasks_alive(v, frame, i))
				clear_slot(v, &f->slots[i]);
		} else {
			bool low = kstatic_alive(v, frame, 2 * i), high = kstatic_alive(v, frame, 2 * i + 1);

			if (!low || !high)
				poison_halves(v, &f->slots[i], low, high);
		}
	}
}

void klive_clean(struct kverifier *v, struct kverify_state *s)
{
	if (v->live->mode == KLIVE_MASKS)
		kmasks_query(v, s);
	else
		kstatic_query(v, s);
	for (uint32_t f = 0; f <= s->cur; f++) {
		uint16_t live = v->aux[kstate_insn(s, f)].live_regs;

		for (unsigned r = 0; r < ISA_FP; r++)
			if (!(live >> r & 1) && s->frame[f]->r[r].base != KR_NONE)
				kreg_none(&v->rules, &s->frame[f]->r[r]);
		clean_slots(v, s->frame[f], f);
	}
}
