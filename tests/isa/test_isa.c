/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction table against itself and against RFC 9669: what decodes encodes back, what is reserved is refused. */
#include "test.h"

#include "engine/isa/isa.h"

enum { DST = 1, SRC = 2, OFF = 4, IMM = 8 };

/* Which fields are operands, by form: RFC 9669 sections 4 and 5. */
static unsigned operands(const struct isa_row *r)
{
	switch ((enum isa_form)r->form) {
	case ISA_FORM_N:
		return 0;
	case ISA_FORM_R:
		return DST;
	case ISA_FORM_RR:
		return DST | SRC;
	case ISA_FORM_RI:
	case ISA_FORM_LDDW:
		return DST | IMM;
	case ISA_FORM_RRI:
		return DST | SRC | IMM;
	case ISA_FORM_LDX:
	case ISA_FORM_STX:
	case ISA_FORM_JRR:
		return DST | SRC | OFF;
	case ISA_FORM_ST:
	case ISA_FORM_JRI:
		return DST | OFF | IMM;
	case ISA_FORM_LDABS:
	case ISA_FORM_JL:
	case ISA_FORM_CALL:
		return IMM;
	case ISA_FORM_LDIND:
		return SRC | IMM;
	case ISA_FORM_J:
		return OFF;
	}
	return 0;
}

static unsigned selector_field(const struct isa_row *r)
{
	return r->sel == ISA_SEL_OFF ? OFF : r->sel == ISA_SEL_IMM ? IMM : r->sel == ISA_SEL_SRC ? SRC : 0;
}

/* Slot bytes with the row's opcode and selector; every operand set to something. Returns the number of bytes. */
static size_t make_bytes(const struct isa_row *r, uint8_t dst, uint8_t src, int16_t off, int32_t imm, uint8_t out[16])
{
	unsigned f = operands(r), sel = selector_field(r);

	memset(out, 0, 16);
	dst = f & DST ? dst : 0;
	src = sel == SRC ? (uint8_t)r->value : f & SRC ? src : 0;
	off = sel == OFF ? (int16_t)r->value : f & OFF ? off : 0;
	imm = sel == IMM ? r->value : f & IMM ? imm : 0;
	out[0] = r->byte;
	out[1] = (uint8_t)(dst | src << 4);
	memcpy(out + 2, &off, 2);
	memcpy(out + 4, &imm, 4);
	if (r->sem != ISA_IMM64)
		return 8;
	memcpy(out + 12, &imm, 4);
	return 16;
}

static enum err decode(const uint8_t *bytes, size_t n, struct isa_insn *out, uint16_t *id)
{
	struct isa_insn *insns = NULL;
	struct arena a;
	struct diag d;
	uint32_t count = 0;
	enum err e;

	arena_init(&a, 1 << 16);
	diag_init(&d);
	e = isa_decode(view_of(bytes, n), &a, &insns, &count, &d);
	if (e == E_OK && out)
		*out = insns[0];
	if (id)
		*id = d.id;
	arena_done(&a);
	return e;
}

TEST(every_row_decodes_to_itself_and_encodes_to_the_same_bytes)
{
	static const struct {
		uint8_t dst, src;
		int16_t off;
		int32_t imm;
	} operand_sets[] = {
		{ 0, 0, 0, 0 }, { 10, 9, -1, -1 }, { 3, 10, INT16_MIN, INT32_MIN }, { 1, 2, INT16_MAX, INT32_MAX }
	};

	for (size_t i = 0; i < isa_n_rows; i++) {
		for (size_t k = 0; k < countof(operand_sets); k++) {
			uint8_t bytes[16], back[16] = { 0 };
			struct isa_insn in = { 0 };
			size_t n;

			test_row = isa_rows[i].name;
			n = make_bytes(&isa_rows[i], operand_sets[k].dst, operand_sets[k].src, operand_sets[k].off,
				       operand_sets[k].imm, bytes);
			CHECK_OK(decode(bytes, n, &in, NULL));
			CHECK_EQ(in.row, i);
			CHECK_EQ(in.sem, isa_rows[i].sem);
			CHECK_EQ(in.width, isa_rows[i].width);
			CHECK_EQ(isa_encode(&in, back), n);
			CHECK(!memcmp(bytes, back, n));
		}
	}
}

TEST(no_two_rows_take_the_same_bytes)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		for (size_t k = i + 1; k < isa_n_rows; k++) {
			const struct isa_row *a = &isa_rows[i], *b = &isa_rows[k];

			test_row = a->name;
			CHECK(strcmp(a->name, b->name) != 0);
			if (a->byte != b->byte)
				continue;
			CHECK_EQ(a->sel, b->sel);
			CHECK(a->sel != ISA_SEL_NONE);
			CHECK(a->value != b->value);
		}
	}
}

TEST(a_code_generator_can_name_every_row)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];

		test_row = r->name;
		CHECK_EQ(isa_make(r->sem, r->width, r->form, r->aux).row, i);
		CHECK_EQ(isa_row_by_name(r->name) - isa_rows, i);
	}
	CHECK(!isa_row_by_name("ADD64"));
}

TEST(a_reserved_field_that_is_not_zero_is_refused)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];
		unsigned free_fields = (DST | SRC | OFF | IMM) & ~(operands(r) | selector_field(r));

		for (unsigned field = DST; field <= IMM; field <<= 1) {
			static const uint8_t at[] = { [DST] = 1, [SRC] = 1, [OFF] = 2, [IMM] = 4 };
			uint8_t bytes[16];
			uint16_t id = 0;
			size_t n = make_bytes(r, 1, 2, 3, 4, bytes);

			if (!(free_fields & field))
				continue;
			test_row = r->name;
			bytes[at[field]] |= field == SRC ? 0x10 : 1;
			CHECK_EQ(decode(bytes, n, NULL, &id), E_FORMAT);
			CHECK_EQ(id, 104);
		}
	}
}

TEST(registers_beyond_r10_are_refused)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];

		for (uint8_t reg = 11; reg < 16; reg++) {
			uint8_t bytes[16];
			uint16_t id = 0;
			size_t n;

			test_row = r->name;
			if (operands(r) & DST) {
				n = make_bytes(r, reg, 0, 0, 0, bytes);
				CHECK_EQ(decode(bytes, n, NULL, &id), E_FORMAT);
				CHECK_EQ(id, 103);
			}
			if (operands(r) & SRC) {
				n = make_bytes(r, 0, reg, 0, 0, bytes);
				CHECK_EQ(decode(bytes, n, NULL, &id), E_FORMAT);
				CHECK_EQ(id, 103);
			}
		}
	}
}

TEST(every_opcode_byte_decodes_or_says_that_it_does_not_exist)
{
	unsigned n_known = 0, n_unknown = 0;

	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t bytes[16] = { (uint8_t)byte };
		bool exists = false;
		uint16_t id = 0;
		enum err e;

		for (size_t i = 0; i < isa_n_rows; i++)
			exists |= isa_rows[i].byte == byte;
		e = decode(bytes, byte == 0x18 ? 16 : 8, NULL, &id);
		if (e == E_OK) {
			CHECK(exists);
			n_known++;
			continue;
		}
		CHECK_EQ(e, E_FORMAT);
		CHECK_EQ(id, exists ? 102 : 101);
		n_unknown++;
	}
	CHECK_EQ(n_known + n_unknown, 256);
	CHECK(n_known > 100 && n_unknown > 100);
}

TEST(variants_that_the_standard_does_not_name_are_refused)
{
	static const struct {
		const char *name;
		uint8_t bytes[8];
		uint16_t id;
	} rows[] = {
		{ "mov with off 2", { 0xbf, 0x21, 2 }, 102 },
		{ "32-bit movsx of 32 bits", { 0xbc, 0x21, 0x20 }, 102 },
		{ "div with off 2", { 0x37, 1, 2, 0, 1 }, 102 },
		{ "byte swap of 8 bits", { 0xdc, 1, 0, 0, 8 }, 102 },
		{ "byte swap of 48 bits", { 0xd7, 1, 0, 0, 48 }, 102 },
		{ "atomic with an unknown operation", { 0xdb, 0x21, 0, 0, 0x30 }, 102 },
		{ "8-bit atomic add", { 0xd3, 0x21, 0, 0, 0 }, 102 },
		{ "lddw of kind 7", { 0x18, 0x71 }, 102 },
		{ "call of kind 3", { 0x85, 0x30 }, 102 },
		{ "may_goto of kind 1", { 0xe5, 0x10 }, 102 },
		{ "opcode 0", { 0 }, 101 },
		{ "opcode 0xff", { 0xff }, 101 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		uint16_t id = 0;

		test_row = rows[i].name;
		CHECK_EQ(decode(rows[i].bytes, 8, NULL, &id), E_FORMAT);
		CHECK_EQ(id, rows[i].id);
	}
}

TEST(a_64_bit_immediate_is_whole_or_refused)
{
	uint8_t lddw[16] = { 0x18, 1, 0, 0, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0xf0, 0xde, 0xbc, 0x9a };
	struct isa_insn in = { 0 };
	uint16_t id = 0;

	CHECK_OK(decode(lddw, 16, &in, NULL));
	CHECK(in.imm == (int64_t)0x9abcdef012345678);
	CHECK_EQ(decode(lddw, 8, NULL, &id), E_TRUNCATED);
	CHECK_EQ(id, 105);
	for (size_t i = 8; i < 12; i++) {
		lddw[i] = 1;
		CHECK_EQ(decode(lddw, 16, NULL, &id), E_FORMAT);
		CHECK_EQ(id, 106);
		lddw[i] = 0;
	}
	for (size_t n = 1; n < 8; n++) {
		CHECK_EQ(decode(lddw, n, NULL, &id), E_TRUNCATED);
		CHECK_EQ(id, 105);
	}
}

TEST(a_program_has_a_limit)
{
	static uint8_t code[((size_t)ISA_MAX_SLOTS + 1) * ISA_SLOT_BYTES];
	uint16_t id = 0;

	CHECK_EQ(decode(code, sizeof code, NULL, &id), E_LIMIT);
	CHECK_EQ(id, 107);
	CHECK_EQ(decode(code, 0, NULL, &id), E_OK);
}

TEST(whatever_decodes_encodes_back_to_the_same_bytes)
{
	uint64_t seed = 1;
	unsigned n_good = 0;

	for (unsigned i = 0; i < 200000; i++) {
		const struct isa_row *r = &isa_rows[i % isa_n_rows];
		uint8_t bytes[16] = { 0 }, back[16] = { 0 };
		struct isa_insn in = { 0 };
		size_t n = r->sem == ISA_IMM64 ? 16 : 8;
		uint64_t noise = hash_u64(seed += i);

		make_bytes(r, 1, 2, 3, 4, bytes);
		bytes[1 + noise % 7] = (uint8_t)(noise >> 8);
		bytes[1 + (noise >> 16) % 7] ^= (uint8_t)(1u << (noise >> 24) % 8);
		if (decode(bytes, n, &in, NULL) != E_OK)
			continue;
		n_good++;
		CHECK_EQ(isa_encode(&in, back), n);
		CHECK(!memcmp(bytes, back, n));
	}
	CHECK(n_good > 20000);
}
