/* SPDX-License-Identifier: Apache-2.0 */
/* rows: an instruction of each row of isa.def with any operands, for the tests of the assembler. */
#ifndef SALLYPORT_TESTS_ASM_ROWS_H
#define SALLYPORT_TESTS_ASM_ROWS_H

#include "test.h"

#include "engine/asm/asm.h"

/* Row i with operands that follow from seed; jumps and calls stay within a few slots. Returns the slots it takes. */
static inline unsigned rows_make(size_t i, uint64_t seed, struct isa_insn out[2])
{
	static const int32_t numbers[] = { 0, 1, -1, 5, -5, INT32_MAX, INT32_MIN, 0x1234, 255 };
	static const int16_t offsets[] = { 0, 8, -8, INT16_MAX, INT16_MIN, 1 };
	const struct isa_row *r = &isa_rows[i];
	uint64_t x = hash_u64(seed * 4096 + i);
	bool jump = r->form >= ISA_FORM_J && r->form <= ISA_FORM_JRI;
	uint8_t f = r->form;

	out[0] = isa_make(r->sem, r->width, f, r->aux);
	out[1] = (struct isa_insn){ 0 };
	if (f != ISA_FORM_N && f != ISA_FORM_J && f != ISA_FORM_JL && f != ISA_FORM_LDABS && f != ISA_FORM_LDIND &&
	    f != ISA_FORM_CALL)
		out[0].dst = (uint8_t)(x % 11);
	if (f == ISA_FORM_RR || f == ISA_FORM_RRI || f == ISA_FORM_LDX || f == ISA_FORM_STX || f == ISA_FORM_JRR ||
	    f == ISA_FORM_LDIND)
		out[0].src = (uint8_t)((x >> 8) % 11);
	if (f == ISA_FORM_LDX || f == ISA_FORM_ST || f == ISA_FORM_STX || jump)
		out[0].off = offsets[(x >> 16) % countof(offsets)];
	if (f == ISA_FORM_JL)
		out[0].off = numbers[(x >> 16) % countof(numbers)];
	if (f == ISA_FORM_RI || f == ISA_FORM_RRI || f == ISA_FORM_ST || f == ISA_FORM_LDABS || f == ISA_FORM_LDIND ||
	    f == ISA_FORM_JRI || f == ISA_FORM_CALL)
		out[0].imm = numbers[(x >> 24) % countof(numbers)];
	if (f == ISA_FORM_LDDW)
		out[0].imm = (int64_t)(hash_u64(x) >> (x >> 32) % 64);
	return f == ISA_FORM_LDDW ? 2 : 1;
}

/* Text, or NULL with d filled; into the arena. */
static inline enum err rows_read(const char *text, struct arena *a, struct prog *out, struct diag *d)
{
	diag_init(d);
	return asm_text(view_of(text, strlen(text)), "t.s", a, out, d);
}

#endif
