/* SPDX-License-Identifier: Apache-2.0 */
/* isa: decode and encode, both driven by the rows of isa.def. */
#include "engine/isa/isa.h"

const struct isa_row isa_rows[] = {
#define OP(name_, byte_, sel_, value_, mnemonic_, sem_, width_, aux_, form_, since_) \
	{ .name = #name_,                                                            \
	  .mnemonic = mnemonic_,                                                     \
	  .value = value_,                                                           \
	  .byte = byte_,                                                             \
	  .sel = ISA_SEL_##sel_,                                                     \
	  .sem = ISA_##sem_,                                                         \
	  .width = width_,                                                           \
	  .aux = aux_,                                                               \
	  .form = ISA_FORM_##form_,                                                  \
	  .since = since_ },
#include "engine/isa/isa.def"
#undef OP
};
const size_t isa_n_rows = countof(isa_rows);

/* The 8 bytes of a slot. RFC 9669 section 3.1 (little-endian layout). */
struct slot {
	uint8_t op;
	uint8_t dst, src;
	int16_t off;
	int32_t imm;
};

static struct slot slot_read(const uint8_t *p)
{
	struct slot s = { .op = p[0], .dst = p[1] & 15, .src = p[1] >> 4 };

	s.off = (int16_t)(p[2] | p[3] << 8);
	s.imm = (int32_t)((uint32_t)p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 24);
	return s;
}

static void slot_write(const struct slot *s, uint8_t *p)
{
	uint32_t imm = (uint32_t)s->imm;

	p[0] = s->op;
	p[1] = (uint8_t)(s->dst | s->src << 4);
	p[2] = (uint8_t)s->off;
	p[3] = (uint8_t)((uint16_t)s->off >> 8);
	p[4] = (uint8_t)imm;
	p[5] = (uint8_t)(imm >> 8);
	p[6] = (uint8_t)(imm >> 16);
	p[7] = (uint8_t)(imm >> 24);
}

/* Which fields a form uses as operands. */
enum { F_DST = 1, F_SRC = 2, F_OFF = 4, F_IMM = 8 };
static const uint8_t form_fields[] = {
	[ISA_FORM_N] = 0,
	[ISA_FORM_R] = F_DST,
	[ISA_FORM_RR] = F_DST | F_SRC,
	[ISA_FORM_RI] = F_DST | F_IMM,
	[ISA_FORM_RRI] = F_DST | F_SRC | F_IMM,
	[ISA_FORM_LDX] = F_DST | F_SRC | F_OFF,
	[ISA_FORM_ST] = F_DST | F_OFF | F_IMM,
	[ISA_FORM_STX] = F_DST | F_SRC | F_OFF,
	[ISA_FORM_LDDW] = F_DST | F_IMM,
	[ISA_FORM_LDABS] = F_IMM,
	[ISA_FORM_LDIND] = F_SRC | F_IMM,
	[ISA_FORM_J] = F_OFF,
	[ISA_FORM_JL] = F_IMM,
	[ISA_FORM_JRR] = F_DST | F_SRC | F_OFF,
	[ISA_FORM_JRI] = F_DST | F_OFF | F_IMM,
	[ISA_FORM_CALL] = F_IMM,
};

static bool selects(const struct isa_row *r, const struct slot *s)
{
	switch ((enum isa_sel)r->sel) {
	case ISA_SEL_NONE:
		return true;
	case ISA_SEL_OFF:
		return s->off == r->value;
	case ISA_SEL_IMM:
		return s->imm == r->value;
	case ISA_SEL_SRC:
		return s->src == r->value;
	}
	return false;
}

/* NULL: no such opcode. *known: the byte exists, but not with this selector. */
static const struct isa_row *row_find(const struct slot *s, bool *known)
{
	*known = false;
	for (size_t i = 0; i < isa_n_rows; i++) {
		if (isa_rows[i].byte != s->op)
			continue;
		*known = true;
		if (selects(&isa_rows[i], s))
			return &isa_rows[i];
	}
	return NULL;
}

/* The first reserved field that is not zero, or NULL. */
static const char *reserved_field(const struct isa_row *r, const struct slot *s)
{
	uint8_t used = form_fields[r->form];

	if (!(used & F_DST) && s->dst)
		return "dst";
	if (!(used & F_SRC) && r->sel != ISA_SEL_SRC && s->src)
		return "src";
	if (!(used & F_OFF) && r->sel != ISA_SEL_OFF && s->off)
		return "off";
	if (!(used & F_IMM) && r->sel != ISA_SEL_IMM && s->imm)
		return "imm";
	return NULL;
}

static FALLIBLE decode_slot(const uint8_t *p, uint32_t at, struct isa_insn *out, struct diag *d)
{
	struct slot s = slot_read(p);
	const struct isa_row *r;
	const char *field;
	bool known;

	if (d)
		d->insn = at;
	r = row_find(&s, &known);
	if (!r && known)
		FAIL_ID(d, FORMAT, 'E', 102, "opcode 0x%02x has no variant src=%u off=%d imm=%d", s.op, s.src, s.off,
			s.imm);
	if (!r)
		FAIL_ID(d, FORMAT, 'E', 101, "unknown opcode 0x%02x", s.op);
	if (s.dst >= ISA_N_REGS || (form_fields[r->form] & F_SRC && s.src >= ISA_N_REGS))
		FAIL_ID(d, FORMAT, 'E', 103, "register r%u does not exist", s.dst >= ISA_N_REGS ? s.dst : s.src);
	field = reserved_field(r, &s);
	if (field)
		FAIL_ID(d, FORMAT, 'E', 104, "'%s' leaves the field %s unused, but it is not zero", r->mnemonic, field);
	*out = (struct isa_insn){ .sem = r->sem,
				  .width = r->width,
				  .dst = s.dst,
				  .src = s.src,
				  .form = r->form,
				  .aux = r->aux,
				  .row = (uint16_t)(r - isa_rows),
				  .off = s.off,
				  .imm = s.imm };
	if (r->form == ISA_FORM_JL)
		out->off = s.imm;
	return E_OK;
}

static FALLIBLE decode_imm64(struct view code, uint32_t at, struct isa_insn *in, struct diag *d)
{
	struct slot s;

	if (!view_has(code, ((uint64_t)at + 1) * ISA_SLOT_BYTES, ISA_SLOT_BYTES))
		FAIL_ID(d, TRUNCATED, 'E', 105, "the program ends inside a 64-bit immediate");
	s = slot_read(code.p + ((size_t)at + 1) * ISA_SLOT_BYTES);
	if (s.op || s.dst || s.src || s.off)
		FAIL_ID(d, FORMAT, 'E', 106, "the second half of a 64-bit immediate has fields other than imm");
	in->imm = (int64_t)((uint64_t)(uint32_t)in->imm | (uint64_t)(uint32_t)s.imm << 32);
	return E_OK;
}

FALLIBLE isa_decode(struct view code, struct arena *a, struct isa_insn **out, uint32_t *out_n, struct diag *d)
{
	struct isa_insn *insns;
	uint32_t n = (uint32_t)(code.len / ISA_SLOT_BYTES);

	if (code.len / ISA_SLOT_BYTES > ISA_MAX_SLOTS)
		FAIL_ID(d, LIMIT, 'E', 107, "a program of over %d instructions", ISA_MAX_SLOTS);
	if (code.len % ISA_SLOT_BYTES)
		FAIL_ID(d, TRUNCATED, 'E', 105, "the code's length, %zu bytes, is not a multiple of 8", code.len);
	insns = ARENA_ARRAY(a, struct isa_insn, n ? n : 1);
	if (!insns)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		TRY(decode_slot(code.p + (size_t)i * ISA_SLOT_BYTES, i, &insns[i], d));
		if (insns[i].sem == ISA_IMM64) {
			TRY(decode_imm64(code, i, &insns[i], d));
			i++; /* the arena zeroed it: ISA_PAD */
		}
	}
	if (d)
		d->insn = DIAG_NONE;
	*out = insns;
	*out_n = n;
	return E_OK;
}

size_t isa_encode(const struct isa_insn *in, uint8_t out[16])
{
	const struct isa_row *r = &isa_rows[in->row];
	struct slot s = {
		.op = r->byte, .dst = in->dst, .src = in->src, .off = (int16_t)in->off, .imm = (int32_t)in->imm
	};

	assert(in->row < isa_n_rows && in->sem == r->sem && "encodes what isa_decode or isa_make gave");
	if (r->form == ISA_FORM_JL) {
		s.imm = in->off;
		s.off = 0;
	}
	if (r->sel == ISA_SEL_OFF)
		s.off = (int16_t)r->value;
	if (r->sel == ISA_SEL_IMM)
		s.imm = r->value;
	if (r->sel == ISA_SEL_SRC)
		s.src = (uint8_t)r->value;
	slot_write(&s, out);
	if (in->sem != ISA_IMM64)
		return ISA_SLOT_BYTES;
	s = (struct slot){ .imm = (int32_t)((uint64_t)in->imm >> 32) };
	slot_write(&s, out + ISA_SLOT_BYTES);
	return (size_t)2 * ISA_SLOT_BYTES;
}

struct isa_insn isa_make(enum isa_sem sem, unsigned width, enum isa_form form, unsigned aux)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];

		if (r->sem == sem && r->width == width && r->form == form && r->aux == aux)
			return (struct isa_insn){
				.sem = r->sem, .width = r->width, .form = r->form, .aux = r->aux, .row = (uint16_t)i
			};
	}
	assert(false && "isa_make: no such instruction");
	abort();
}

const struct isa_row *isa_row_by_name(const char *name)
{
	for (size_t i = 0; i < isa_n_rows; i++)
		if (!strcmp(isa_rows[i].name, name))
			return &isa_rows[i];
	return NULL;
}
