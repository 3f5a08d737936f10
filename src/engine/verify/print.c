/* SPDX-License-Identifier: Apache-2.0 */
/* print: registers and states as text for people. */
#include "engine/verify/state.h"

static void print_number(uint64_t v, bool negative, struct buf *out)
{
	if (negative)
		buf_printf(out, "-%llu", (unsigned long long)-v);
	else if (v > 0xffff)
		buf_printf(out, "0x%llx", (unsigned long long)v);
	else
		buf_printf(out, "%llu", (unsigned long long)v);
}

/* Signed when that says more. */
static void print_scalar(const struct scalar *s, struct buf *out)
{
	bool is_signed = s->smin < 0 && (uint64_t)s->smax - (uint64_t)s->smin < s->umax - s->umin;

	if (scalar_is_const(s)) {
		print_number(s->t.value, s->smin < 0, out);
		return;
	}
	if (scalar_is_unknown(s)) {
		buf_puts(out, "any number");
		return;
	}
	print_number(is_signed ? (uint64_t)s->smin : s->umin, is_signed, out);
	buf_puts(out, "..");
	print_number(is_signed ? (uint64_t)s->smax : s->umax, is_signed && s->smax < 0, out);
	if (tnum_range(s->umin, s->umax).mask & ~s->t.mask)
		buf_printf(out, " with bits 0x%llx/0x%llx", (unsigned long long)s->t.value,
			   (unsigned long long)s->t.mask);
	if (s->umin32 > (uint32_t)s->umin || (s->umax > UINT32_MAX && s->umax32 < UINT32_MAX))
		buf_printf(out, " low half %u..%u", s->umin32, s->umax32);
}

static void print_offset(const struct scalar *s, struct buf *out)
{
	if (scalar_is_const(s) && !s->t.value)
		return;
	if (s->smin >= 0 || !scalar_is_const(s))
		buf_putc(out, '+');
	if (!scalar_is_const(s))
		buf_putc(out, '(');
	print_scalar(s, out);
	if (!scalar_is_const(s))
		buf_putc(out, ')');
}

void reg_print(const struct reg *r, struct buf *out)
{
	switch ((enum reg_type)r->type) {
	case REG_NONE:
		buf_puts(out, "not initialised");
		return;
	case REG_DEAD:
		buf_puts(out, "dead");
		return;
	case REG_SCALAR:
		print_scalar(&r->s, out);
		return;
	case REG_CTX:
		buf_puts(out, "ctx");
		break;
	case REG_STACK:
		buf_printf(out, "fp%u", r->frame);
		break;
	case REG_VALUE:
		buf_printf(out, "value(map %u)", r->map);
		break;
	case REG_VALUE_OR_NULL:
		buf_printf(out, "value(map %u) or null", r->map);
		return;
	case REG_KEY:
		buf_printf(out, "key(map %u)", r->map);
		break;
	case REG_RECORD:
		buf_printf(out, "record(%u bytes)", r->map);
		break;
	case REG_RECORD_OR_NULL:
		buf_printf(out, "record(%u bytes) or null", r->map);
		return;
	case REG_MAP:
	case REG_MAP_OR_NULL:
		buf_printf(out, "%smap %u%s", r->inner ? "a map in " : "", r->map,
			   r->type == REG_MAP ? "" : " or null");
		return;
	case REG_FUNC:
		buf_printf(out, "function at %u", r->map);
		return;
	case REG_HANDLE:
		buf_puts(out, "handle");
		return;
	case REG_HANDLE_OR_NULL:
		buf_puts(out, "handle or null");
		return;
	}
	print_offset(&r->s, out);
}

static void print_slot(const struct slot *s, uint32_t index, struct buf *out)
{
	static const char kind[] = { '.', '.', 'm', '0', 's' };

	buf_printf(out, " fp-%u=", (index + 1) * SLOT_BYTES);
	if (s->byte[0] == BYTE_SPILL) {
		reg_print(&s->reg, out);
		return;
	}
	for (int i = 0; i < SLOT_BYTES; i++)
		buf_putc(out, kind[s->byte[i]]);
}

void state_print(const struct state *s, struct buf *out)
{
	const struct frame *f = state_frame(s);

	if (s->n_frames > 1)
		buf_printf(out, "frame %u: ", s->n_frames - 1);
	for (int r = 0; r < ISA_FP; r++) {
		if (!reg_is_readable(&f->r[r]))
			continue;
		buf_printf(out, "r%d=", r);
		reg_print(&f->r[r], out);
		buf_puts(out, "; ");
	}
	for (uint32_t i = 0; i < f->n_slots; i++)
		for (int b = 0; b < SLOT_BYTES; b++)
			if (f->slots[i].byte[b] > BYTE_DEAD) {
				print_slot(&f->slots[i], i, out);
				break;
			}
}
