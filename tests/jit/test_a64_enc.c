/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder against another reader of the same manual: each word is disassembled by binutils' objdump and the text
 * compared with what was meant.
 */
#include "test.h"
#include "engine/jit/a64_enc.h"

#include <sys/stat.h>

#define OBJDUMP "aarch64-linux-gnu-objdump"

static uint32_t bitmask(bool sf, enum a64_logic op, unsigned rd, unsigned rn, uint64_t v)
{
	uint32_t field = 0;

	CHECK(a64_bitmask_fits(sf, v, &field));
	return a64_logic_imm(sf, op, rd, rn, field);
}

struct form {
	uint32_t word;
	const char *text; /* spaces instead of tabs; no comment */
};

/* Every function of a64_enc.h with its extreme fields; bitmask() is why it cannot be static. */
static size_t forms(struct form *out)
{
	const struct form all[] = {
		// clang-format off
	{ a64_addsub_imm(true, A64_ADD, 0, 1, 4095), "add x0, x1, #0xfff" },
	{ a64_addsub_imm(true, A64_ADD, 0, 1, 0xfff000), "add x0, x1, #0xfff, lsl #12" },
	{ a64_addsub_imm(false, A64_SUB, 30, 29, 1), "sub w30, w29, #0x1" },
	{ a64_addsub_imm(true, A64_SUB, A64_SP, A64_SP, 96), "sub sp, sp, #0x60" },
	{ a64_addsub_imm(true, A64_ADD, A64_SP, 28, 0), "mov sp, x28" },
	{ a64_addsub_imm(true, A64_SUBS, A64_ZR, 3, 7), "cmp x3, #0x7" },
	{ a64_addsub_imm(false, A64_ADDS, A64_ZR, 3, 7), "cmn w3, #0x7" },
	{ a64_addsub_imm(true, A64_SUBS, 23, 23, 4096), "subs x23, x23, #0x1, lsl #12" },
	{ a64_addsub_reg(true, A64_ADD, 1, 2, 3, A64_LSL, 0), "add x1, x2, x3" },
	{ a64_addsub_reg(true, A64_ADD, 1, 2, 3, A64_LSL, 63), "add x1, x2, x3, lsl #63" },
	{ a64_addsub_reg(false, A64_SUB, 1, 2, 3, A64_ASR, 31), "sub w1, w2, w3, asr #31" },
	{ a64_addsub_reg(true, A64_SUB, 9, A64_ZR, 9, A64_LSL, 0), "neg x9, x9" },
	{ a64_addsub_reg(false, A64_SUBS, A64_ZR, 2, 30, A64_LSL, 0), "cmp w2, w30" },
	{ a64_addsub_reg(true, A64_ADDS, 4, 5, 6, A64_LSR, 1), "adds x4, x5, x6, lsr #1" },
	{ bitmask(true, A64_AND, 0, 1, 1), "and x0, x1, #0x1" },
	{ bitmask(true, A64_AND, 0, 1, UINT64_C(0xfffffffffffffff0)), "and x0, x1, #0xfffffffffffffff0" },
	{ bitmask(true, A64_ORR, 0, A64_ZR, UINT64_C(0x5555555555555555)), "mov x0, #0x5555555555555555" },
	{ bitmask(true, A64_EOR, 7, 8, UINT64_C(0x8000000000000001)), "eor x7, x8, #0x8000000000000001" },
	{ bitmask(true, A64_ANDS, A64_ZR, 8, UINT64_C(0x00ff00ff00ff00ff)), "tst x8, #0xff00ff00ff00ff" },
	{ bitmask(true, A64_AND, 7, 8, UINT64_C(0xe7ffe7ffe7ffe7ff)), "and x7, x8, #0xe7ffe7ffe7ffe7ff" },
	{ bitmask(false, A64_AND, 7, 8, 0xc0000003), "and w7, w8, #0xc0000003" },
	{ bitmask(false, A64_EOR, 7, 8, 0x7fffffff), "eor w7, w8, #0x7fffffff" },
	{ bitmask(false, A64_ANDS, A64_ZR, 1, 0x80000000), "tst w1, #0x80000000" },
	{ a64_logic_reg(true, A64_AND, false, 1, 2, 3, A64_LSL, 0), "and x1, x2, x3" },
	{ a64_logic_reg(true, A64_ORR, false, 1, A64_ZR, 3, A64_LSL, 0), "mov x1, x3" },
	{ a64_logic_reg(false, A64_ORR, false, 1, A64_ZR, 3, A64_LSL, 0), "mov w1, w3" },
	{ a64_logic_reg(true, A64_ORR, true, 1, A64_ZR, 3, A64_LSL, 0), "mvn x1, x3" },
	{ a64_logic_reg(false, A64_EOR, false, 1, 2, 3, A64_ROR, 31), "eor w1, w2, w3, ror #31" },
	{ a64_logic_reg(true, A64_ANDS, false, A64_ZR, 2, 3, A64_LSL, 0), "tst x2, x3" },
	{ a64_logic_reg(true, A64_AND, true, 1, 2, 3, A64_ASR, 63), "bic x1, x2, x3, asr #63" },
	{ a64_mov_wide(true, A64_MOVZ, 5, 0xffff, 3), "mov x5, #0xffff000000000000" },
	{ a64_mov_wide(true, A64_MOVN, 5, 4, 0), "mov x5, #0xfffffffffffffffb" },
	{ a64_mov_wide(false, A64_MOVN, 5, 4, 1), "mov w5, #0xfffbffff" },
	{ a64_mov_wide(true, A64_MOVK, 5, 0x1234, 2), "movk x5, #0x1234, lsl #32" },
	{ a64_bitfield(true, A64_UBFM, 1, 2, 61, 60), "lsl x1, x2, #3" },
	{ a64_bitfield(true, A64_UBFM, 1, 2, 63, 63), "lsr x1, x2, #63" },
	{ a64_bitfield(false, A64_UBFM, 1, 2, 31, 30), "lsl w1, w2, #1" },
	{ a64_bitfield(false, A64_UBFM, 1, 2, 0, 15), "uxth w1, w2" },
	{ a64_bitfield(true, A64_SBFM, 1, 2, 0, 31), "sxtw x1, w2" },
	{ a64_bitfield(true, A64_SBFM, 1, 2, 0, 7), "sxtb x1, w2" },
	{ a64_bitfield(false, A64_SBFM, 1, 2, 0, 15), "sxth w1, w2" },
	{ a64_bitfield(true, A64_SBFM, 1, 2, 17, 63), "asr x1, x2, #17" },
	{ a64_bitfield(true, A64_BFM, 1, 2, 0, 15), "bfxil x1, x2, #0, #16" },
	{ a64_extr(true, 1, 2, 2, 63), "ror x1, x2, #63" },
	{ a64_extr(false, 1, 2, 3, 31), "extr w1, w2, w3, #31" },
	{ a64_dp2(true, A64_UDIV, 1, 2, 3), "udiv x1, x2, x3" },
	{ a64_dp2(false, A64_SDIV, 1, 2, 3), "sdiv w1, w2, w3" },
	{ a64_dp2(true, A64_LSLV, 1, 2, 3), "lsl x1, x2, x3" },
	{ a64_dp2(false, A64_LSRV, 1, 2, 3), "lsr w1, w2, w3" },
	{ a64_dp2(true, A64_ASRV, 1, 2, 3), "asr x1, x2, x3" },
	{ a64_dp2(false, A64_RORV, 1, 2, 3), "ror w1, w2, w3" },
	{ a64_rev(true, A64_REV64, 1, 2), "rev x1, x2" },
	{ a64_rev(false, A64_REV32, 1, 2), "rev w1, w2" },
	{ a64_rev(true, A64_REV32, 1, 2), "rev32 x1, x2" },
	{ a64_rev(false, A64_REV16, 1, 2), "rev16 w1, w2" },
	{ a64_madd(true, 1, 2, 3, A64_ZR), "mul x1, x2, x3" },
	{ a64_madd(false, 1, 2, 3, 4), "madd w1, w2, w3, w4" },
	{ a64_msub(true, 1, 2, 3, 4), "msub x1, x2, x3, x4" },
	{ a64_umulh(1, 2, 3), "umulh x1, x2, x3" },
	{ a64_csel(true, 1, 2, 3, A64_HI), "csel x1, x2, x3, hi" },
	{ a64_ccmp(true, 10, 11, 2, A64_HS), "ccmp x10, x11, #0x2, cs" },
	{ a64_ccmp(false, 1, 2, 15, A64_LE), "ccmp w1, w2, #0xf, le" },
	{ a64_mem(A64_LDR, 3, 1, 2, 0), "ldr x1, [x2]" },
	{ a64_mem(A64_LDR, 3, 1, 2, 32760), "ldr x1, [x2, #32760]" },
	{ a64_mem(A64_LDR, 3, 1, 2, 255), "ldur x1, [x2, #255]" },
	{ a64_mem(A64_LDR, 3, 1, 2, -256), "ldur x1, [x2, #-256]" },
	{ a64_mem(A64_LDR, 2, 1, 2, 16380), "ldr w1, [x2, #16380]" },
	{ a64_mem(A64_LDR, 1, 1, 2, 8190), "ldrh w1, [x2, #8190]" },
	{ a64_mem(A64_LDR, 0, 1, 2, 4095), "ldrb w1, [x2, #4095]" },
	{ a64_mem(A64_STR, 3, A64_ZR, A64_SP, 8), "str xzr, [sp, #8]" },
	{ a64_mem(A64_STR, 2, 1, 2, 2), "stur w1, [x2, #2]" },
	{ a64_mem(A64_STR, 1, 1, 2, -1), "sturh w1, [x2, #-1]" },
	{ a64_mem(A64_STR, 0, 1, 2, 7), "strb w1, [x2, #7]" },
	{ a64_mem(A64_LDRS64, 0, 1, 2, 1), "ldrsb x1, [x2, #1]" },
	{ a64_mem(A64_LDRS64, 1, 1, 2, 2), "ldrsh x1, [x2, #2]" },
	{ a64_mem(A64_LDRS64, 2, 1, 2, 4), "ldrsw x1, [x2, #4]" },
	{ a64_mem(A64_LDRS32, 1, 1, 2, 4), "ldrsh w1, [x2, #4]" },
	{ a64_mem_reg(A64_LDR, 3, 1, 2, 3, false), "ldr x1, [x2, x3]" },
	{ a64_mem_reg(A64_LDR, 3, 1, 2, 3, true), "ldr x1, [x2, x3, lsl #3]" },
	{ a64_mem_reg(A64_STR, 2, 1, 2, 3, true), "str w1, [x2, x3, lsl #2]" },
	{ a64_mem_reg(A64_LDR, 0, 1, 2, 3, false), "ldrb w1, [x2, x3]" },
	{ a64_mem_reg(A64_LDRS64, 2, 1, 2, 3, false), "ldrsw x1, [x2, x3]" },
	{ a64_stp(A64_PAIR_PRE, 29, 30, A64_SP, -96), "stp x29, x30, [sp, #-96]!" },
	{ a64_stp(A64_PAIR_OFF, 19, 20, A64_SP, 504), "stp x19, x20, [sp, #504]" },
	{ a64_ldp(A64_PAIR_POST, 29, 30, A64_SP, 96), "ldp x29, x30, [sp], #96" },
	{ a64_ldp(A64_PAIR_OFF, 1, 2, 26, -512), "ldp x1, x2, [x26, #-512]" },
	{ a64_ldar(3, 1, 2), "ldar x1, [x2]" },
	{ a64_ldar(0, 1, 2), "ldarb w1, [x2]" },
	{ a64_stlr(2, 1, 2), "stlr w1, [x2]" },
	{ a64_stlr(1, 1, 2), "stlrh w1, [x2]" },
	{ a64_ldaxr(3, 1, 2), "ldaxr x1, [x2]" },
	{ a64_ldaxr(2, 1, 2), "ldaxr w1, [x2]" },
	{ a64_stlxr(3, 9, 1, 2), "stlxr w9, x1, [x2]" },
	{ a64_stlxr(2, 9, 1, 2), "stlxr w9, w1, [x2]" },
	{ a64_lse(A64_LDADD, 3, 1, 2, 3), "ldaddal x1, x2, [x3]" },
	{ a64_lse(A64_LDCLR, 2, 1, 2, 3), "ldclral w1, w2, [x3]" },
	{ a64_lse(A64_LDEOR, 3, 1, 2, 3), "ldeoral x1, x2, [x3]" },
	{ a64_lse(A64_LDSET, 2, 1, 2, 3), "ldsetal w1, w2, [x3]" },
	{ a64_lse(A64_SWP, 3, 1, 2, 3), "swpal x1, x2, [x3]" },
	{ a64_casal(3, 1, 2, 3), "casal x1, x2, [x3]" },
	{ a64_casal(2, 1, 2, 3), "casal w1, w2, [x3]" },
	{ a64_blr(16), "blr x16" },
	{ a64_ret(), "ret" },
	{ A64_BTI_C, "bti c" },
	{ A64_BTI_J, "bti j" },
	{ A64_UDF, "udf #0" },
		// clang-format on
	};

	if (out)
		memcpy(out, all, sizeof all);
	return countof(all);
}

/* Branches, whose text holds the target's address: here it is the distance. */
static size_t branches(struct form *out)
{
	const struct form all[] = {
		// clang-format off
	{ a64_b(-(INT64_C(1) << 25)), "b -0x8000000" },
	{ a64_b((INT64_C(1) << 25) - 1), "b 0x7fffffc" },
	{ a64_bl(1), "bl 0x4" },
	{ a64_bcond(A64_LE, -(INT64_C(1) << 18)), "b.le -0x100000" },
	{ a64_bcond(A64_HS, (INT64_C(1) << 18) - 1), "b.cs 0xffffc" },
	{ a64_bcond(A64_MI, 2), "b.mi 0x8" },
	{ a64_cb(true, false, 30, -2), "cbz x30, -0x8" },
	{ a64_cb(false, true, 3, 4), "cbnz w3, 0x10" },
	{ a64_adr(10, (1 << 18) - 1), "adr x10, 0xffffc" },
	{ a64_adr(0, -1), "adr x0, -0x4" },
	{ a64_tb(true, 23, 63, -(1 << 13)), "tbnz x23, #63, -0x8000" },
	{ a64_tb(false, 0, 0, (1 << 13) - 1), "tbz w0, #0, 0x7ffc" },
		// clang-format on
	};

	if (out)
		memcpy(out, all, sizeof all);
	return countof(all);
}

/* "   4:\tb9400041 \tldr\tw1, [x2]  // comment" to "ldr w1, [x2]" and 4. False: another line. */
static bool instruction_of(char *line, unsigned long *at)
{
	char *end, *text, *out = line;

	*at = strtoul(line, &end, 16);
	if (end == line || strncmp(end, ":\t", 2) || !(text = strchr(end + 2, '\t')))
		return false;
	for (text++; *text && *text != '\n' && strncmp(text, "//", 2); text++)
		*out++ = *text == '\t' ? ' ' : *text;
	while (out > line && out[-1] == ' ')
		out--;
	*out = '\0';
	return true;
}

/* "b.le 0x1234" with the target's address to one with the distance. */
static void make_relative(char *line, unsigned long at)
{
	char *target = strrchr(line, ' '), *end;
	long long distance;

	CHECK(target);
	distance = (long long)strtoull(target + 1, &end, 16) - (long long)at;
	CHECK_EQ(*end, '\0');
	(void)snprintf(target + 1, 32, "%s0x%llx", distance < 0 ? "-" : "", distance < 0 ? -distance : distance);
}

static void compare(const struct form *f, size_t n, bool relative)
{
	enum { BASE = 0x10000000 };
	char path[] = "/tmp/a64-enc-XXXXXX", command[160], line[256];
	int fd = mkstemp(path);
	size_t seen = 0;
	FILE *p;

	CHECK(fd >= 0);
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(write(fd, &f[i].word, 4), 4);
	(void)close(fd);
	(void)snprintf(command, sizeof command, OBJDUMP " -D -b binary -m aarch64 --adjust-vma=0x%x %s", BASE, path);
	p = popen(command, "r");
	CHECK(p);
	while (fgets(line, sizeof line, p)) {
		unsigned long at;

		if (!instruction_of(line, &at) || seen >= n)
			continue;
		CHECK_EQ(at, BASE + seen * 4);
		if (relative)
			make_relative(line, at);
		CHECK_STR(line, f[seen++].text);
	}
	CHECK_EQ(pclose(p), 0);
	(void)unlink(path);
	CHECK_EQ(seen, n);
}

static bool has_objdump(void)
{
	return system(OBJDUMP " --version >/dev/null 2>&1") == 0;
}

TEST(a64_words_disassemble_to_what_was_meant)
{
	struct form f[256];

	CHECK(forms(NULL) <= countof(f));
	if (!has_objdump())
		SKIP("no " OBJDUMP);
	compare(f, forms(f), false);
}

TEST(a64_branches_reach_what_was_meant)
{
	struct form f[32];

	CHECK(branches(NULL) <= countof(f));
	if (!has_objdump())
		SKIP("no " OBJDUMP);
	compare(f, branches(f), true);
}

/* DecodeBitMasks of the manual, written down once more: from the field to the value. */
static uint64_t decode_bitmask(bool sf, uint32_t field)
{
	unsigned imms = field & 63, immr = field >> 6 & 63, len = 6, ones, rot;
	uint64_t v = 0;

	while (!((field >> 12 << 6 | (~imms & 63)) >> len & 1))
		len--;
	ones = (imms & ((1u << len) - 1)) + 1;
	rot = immr & ((1u << len) - 1);
	for (unsigned i = 0; i < 64; i++)
		v |= (uint64_t)((i + rot) % (1u << len) < ones) << i;
	return sf ? v : v & UINT32_MAX;
}

/* Every field has its value, and every one of the 5334 values (1302 of 32 bits) that have a field has it found. */
TEST(a64_bitmask_immediates_are_exactly_those_that_the_manual_has)
{
	unsigned n[2] = { 0 };

	for (unsigned len = 1; len <= 6; len++)
		for (unsigned ones = 1; ones < 1u << len; ones++)
			for (unsigned rot = 0; rot < 1u << len; rot++) {
				uint32_t imms = (~((2u << len) - 1) & 63) | (ones - 1),
					 field = (uint32_t)(len == 6) << 12 | rot << 6 | imms, got = 0;

				for (unsigned sf = len == 6; sf < 2; sf++) {
					CHECK(a64_bitmask_fits(sf, decode_bitmask(sf, field), &got));
					CHECK_EQ(decode_bitmask(sf, got), decode_bitmask(sf, field));
					n[sf]++;
				}
			}
	CHECK_EQ(n[0], 1302);
	CHECK_EQ(n[1], 5334);
}

TEST(a64_numbers_that_are_no_bitmask_are_refused)
{
	static const uint64_t no[] = { 0,
				       UINT64_MAX,
				       5,
				       0xfffe7,
				       0x101,
				       UINT64_C(0x100000003),
				       0x1234567890abcdef,
				       UINT64_C(0xf0f0f0f0f0f0f0f1) };
	uint32_t field;

	for (size_t i = 0; i < countof(no); i++)
		CHECK(!a64_bitmask_fits(true, no[i], &field));
	CHECK(!a64_bitmask_fits(false, UINT32_MAX, &field));
	CHECK(!a64_bitmask_fits(false, 0, &field));
	/* One that a 64-bit instruction would take, but not a 32-bit one. */
	CHECK(a64_bitmask_fits(true, UINT64_C(0x1f00000000), &field));
	CHECK(!a64_bitmask_fits(false, UINT64_C(0x1f00000000), &field));
}
