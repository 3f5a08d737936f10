/* SPDX-License-Identifier: Apache-2.0 */
/* a64_enc: fields to words. */
#include "engine/jit/a64_enc.h"

static uint32_t rd_rn(unsigned rd, unsigned rn)
{
	assert(rd < 32 && rn < 32);
	return rn << 5 | rd;
}

static uint32_t rd_rn_rm(unsigned rd, unsigned rn, unsigned rm)
{
	assert(rm < 32);
	return rm << 16 | rd_rn(rd, rn);
}

static uint32_t size_bit(bool sf)
{
	return (uint32_t)sf << 31;
}

/* --- addition, logic --- */

uint32_t a64_addsub_imm(bool sf, enum a64_addsub op, unsigned rd, unsigned rn, uint64_t imm)
{
	bool high = imm >= 4096;

	assert(a64_addsub_fits(imm));
	return size_bit(sf) | (uint32_t)op << 29 | 0x11000000 | (uint32_t)high << 22 |
	       (uint32_t)(high ? imm >> 12 : imm) << 10 | rd_rn(rd, rn);
}

uint32_t a64_addsub_reg(bool sf, enum a64_addsub op, unsigned rd, unsigned rn, unsigned rm, enum a64_shift shift,
			unsigned amount)
{
	assert(shift != A64_ROR && amount < (sf ? 64u : 32u));
	return size_bit(sf) | (uint32_t)op << 29 | 0x0b000000 | (uint32_t)shift << 22 | amount << 10 |
	       rd_rn_rm(rd, rn, rm);
}

static bool is_run(uint64_t v)
{
	return v && !((v | (v - 1)) & ((v | (v - 1)) + 1));
}

static uint64_t low_ones(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* The smallest field that v repeats. */
static unsigned period(uint64_t v)
{
	unsigned bits = 64;

	while (bits > 2 && (v & low_ones(bits / 2)) == (v >> bits / 2 & low_ones(bits / 2)))
		bits /= 2;
	return bits;
}

bool a64_bitmask_fits(bool sf, uint64_t v, uint32_t *field)
{
	unsigned bits, ones, first;
	uint64_t one;

	if (!sf)
		v = (v & UINT32_MAX) | v << 32;
	if (!v || v == UINT64_MAX)
		return false;
	bits = period(v);
	one = v & low_ones(bits);
	ones = (unsigned)__builtin_popcountll(one);
	/* The run may go over the field's end: then its complement is one in the middle. */
	if (is_run(one))
		first = (unsigned)__builtin_ctzll(one);
	else if (is_run(~one & low_ones(bits)))
		first = (unsigned)__builtin_ctzll(~one) + bits - ones;
	else
		return false;
	*field = (bits == 64 ? 1u << 12 : 0) | ((bits - first) & (bits - 1)) << 6 |
		 ((~(bits * 2 - 1) & 63) | (ones - 1));
	return true;
}

uint32_t a64_logic_imm(bool sf, enum a64_logic op, unsigned rd, unsigned rn, uint32_t field)
{
	assert(field < 1u << 13 && (sf || !(field >> 12)));
	return size_bit(sf) | (uint32_t)op << 29 | 0x12000000 | field << 10 | rd_rn(rd, rn);
}

uint32_t a64_logic_reg(bool sf, enum a64_logic op, bool invert, unsigned rd, unsigned rn, unsigned rm,
		       enum a64_shift shift, unsigned amount)
{
	assert(amount < (sf ? 64u : 32u));
	return size_bit(sf) | (uint32_t)op << 29 | 0x0a000000 | (uint32_t)shift << 22 | (uint32_t)invert << 21 |
	       amount << 10 | rd_rn_rm(rd, rn, rm);
}

/* --- moves, bit fields, other arithmetic --- */

uint32_t a64_mov_wide(bool sf, enum a64_wide op, unsigned rd, uint16_t imm, unsigned hw)
{
	assert(hw < (sf ? 4u : 2u) && rd < 32);
	return size_bit(sf) | (uint32_t)op << 29 | 0x12800000 | hw << 21 | (uint32_t)imm << 5 | rd;
}

uint32_t a64_bitfield(bool sf, enum a64_field op, unsigned rd, unsigned rn, unsigned immr, unsigned imms)
{
	assert(immr < (sf ? 64u : 32u) && imms < (sf ? 64u : 32u));
	return size_bit(sf) | (uint32_t)op << 29 | 0x13000000 | (uint32_t)sf << 22 | immr << 16 | imms << 10 |
	       rd_rn(rd, rn);
}

uint32_t a64_extr(bool sf, unsigned rd, unsigned rn, unsigned rm, unsigned lsb)
{
	assert(lsb < (sf ? 64u : 32u));
	return size_bit(sf) | 0x13800000 | (uint32_t)sf << 22 | lsb << 10 | rd_rn_rm(rd, rn, rm);
}

uint32_t a64_dp2(bool sf, enum a64_dp2 op, unsigned rd, unsigned rn, unsigned rm)
{
	return size_bit(sf) | 0x1ac00000 | (uint32_t)op << 10 | rd_rn_rm(rd, rn, rm);
}

uint32_t a64_rev(bool sf, enum a64_rev op, unsigned rd, unsigned rn)
{
	assert(sf || op != A64_REV64);
	return size_bit(sf) | 0x5ac00000 | (uint32_t)op << 10 | rd_rn(rd, rn);
}

uint32_t a64_madd(bool sf, unsigned rd, unsigned rn, unsigned rm, unsigned ra)
{
	assert(ra < 32);
	return size_bit(sf) | 0x1b000000 | ra << 10 | rd_rn_rm(rd, rn, rm);
}

uint32_t a64_msub(bool sf, unsigned rd, unsigned rn, unsigned rm, unsigned ra)
{
	return a64_madd(sf, rd, rn, rm, ra) | 1u << 15;
}

uint32_t a64_umulh(unsigned rd, unsigned rn, unsigned rm)
{
	return 0x9bc07c00 | rd_rn_rm(rd, rn, rm);
}

uint32_t a64_csel(bool sf, unsigned rd, unsigned rn, unsigned rm, enum a64_cond c)
{
	return size_bit(sf) | 0x1a800000 | (uint32_t)c << 12 | rd_rn_rm(rd, rn, rm);
}

uint32_t a64_ccmp(bool sf, unsigned rn, unsigned rm, unsigned nzcv, enum a64_cond c)
{
	assert(nzcv < 16);
	return size_bit(sf) | 0x7a400000 | (uint32_t)c << 12 | rd_rn_rm(nzcv, rn, rm);
}

/* --- memory --- */

uint32_t a64_mem(enum a64_mem op, unsigned log2, unsigned rt, unsigned rn, int64_t off)
{
	uint32_t word = (uint32_t)log2 << 30 | 0x38000000 | (uint32_t)op << 22 | rd_rn(rt, rn);

	assert(log2 < 4 && a64_mem_fits(off, log2));
	if (off >= 0 && !(off & ((INT64_C(1) << log2) - 1)))
		return word | 1u << 24 | (uint32_t)(off >> log2) << 10;
	return word | ((uint32_t)off & 0x1ff) << 12;
}

uint32_t a64_mem_reg(enum a64_mem op, unsigned log2, unsigned rt, unsigned rn, unsigned rm, bool scaled)
{
	assert(log2 < 4);
	return (uint32_t)log2 << 30 | 0x38206800 | (uint32_t)op << 22 | (uint32_t)scaled << 12 | rd_rn_rm(rt, rn, rm);
}

static uint32_t pair(bool load, enum a64_pair how, unsigned rt, unsigned rt2, unsigned rn, int off)
{
	assert(rt2 < 32 && !(off & 7) && off >= -512 && off <= 504);
	return 0xa8000000 | (uint32_t)how << 23 | (uint32_t)load << 22 | ((uint32_t)(off / 8) & 0x7f) << 15 |
	       rt2 << 10 | rd_rn(rt, rn);
}

uint32_t a64_stp(enum a64_pair how, unsigned rt, unsigned rt2, unsigned rn, int off)
{
	return pair(false, how, rt, rt2, rn, off);
}

uint32_t a64_ldp(enum a64_pair how, unsigned rt, unsigned rt2, unsigned rn, int off)
{
	return pair(true, how, rt, rt2, rn, off);
}

uint32_t a64_ldar(unsigned log2, unsigned rt, unsigned rn)
{
	return (uint32_t)log2 << 30 | 0x08dffc00 | rd_rn(rt, rn);
}

uint32_t a64_stlr(unsigned log2, unsigned rt, unsigned rn)
{
	return (uint32_t)log2 << 30 | 0x089ffc00 | rd_rn(rt, rn);
}

uint32_t a64_ldaxr(unsigned log2, unsigned rt, unsigned rn)
{
	return (uint32_t)log2 << 30 | 0x085ffc00 | rd_rn(rt, rn);
}

uint32_t a64_stlxr(unsigned log2, unsigned rs, unsigned rt, unsigned rn)
{
	return (uint32_t)log2 << 30 | 0x0800fc00 | rd_rn_rm(rt, rn, rs);
}

uint32_t a64_lse(enum a64_lse op, unsigned log2, unsigned rs, unsigned rt, unsigned rn)
{
	assert(log2 == 2 || log2 == 3);
	return (uint32_t)log2 << 30 | 0x38e00000 | (uint32_t)op << 12 | rd_rn_rm(rt, rn, rs);
}

uint32_t a64_casal(unsigned log2, unsigned rs, unsigned rt, unsigned rn)
{
	assert(log2 == 2 || log2 == 3);
	return (uint32_t)log2 << 30 | 0x08e0fc00 | rd_rn_rm(rt, rn, rs);
}

/* --- control --- */

unsigned a64_branch_bits(enum a64_branch k)
{
	static const uint8_t bits[] = {
		[A64_B] = 26,   [A64_BL] = 26,   [A64_BCOND] = 19, [A64_CBZ] = 19,     [A64_CBNZ] = 19,
		[A64_TBZ] = 14, [A64_TBNZ] = 14, [A64_ADR] = 19,   [A64_DISTANCE] = 32
	};

	return bits[k];
}

uint32_t a64_branch_to(uint32_t word, enum a64_branch k, int64_t words)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << a64_branch_bits(k)) - 1);
	unsigned shift = k == A64_B || k == A64_BL || k == A64_DISTANCE ? 0 : 5;

	assert(a64_branch_fits(k, words));
	return (word & ~(mask << shift)) | ((uint32_t)words & mask) << shift;
}

uint32_t a64_b(int64_t words)
{
	return a64_branch_to(0x14000000, A64_B, words);
}

uint32_t a64_bl(int64_t words)
{
	return a64_branch_to(0x94000000, A64_BL, words);
}

uint32_t a64_bcond(enum a64_cond c, int64_t words)
{
	return a64_branch_to(0x54000000 | (uint32_t)c, A64_BCOND, words);
}

uint32_t a64_cb(bool sf, bool nonzero, unsigned rt, int64_t words)
{
	assert(rt < 32);
	return a64_branch_to(size_bit(sf) | 0x34000000 | (uint32_t)nonzero << 24 | rt, A64_CBZ, words);
}

uint32_t a64_tb(bool nonzero, unsigned rt, unsigned bit, int64_t words)
{
	assert(rt < 32 && bit < 64);
	return a64_branch_to(size_bit(bit >> 5) | 0x36000000 | (uint32_t)nonzero << 24 | (bit & 31) << 19 | rt, A64_TBZ,
			     words);
}

uint32_t a64_adr(unsigned rd, int64_t words)
{
	assert(rd < 32);
	return a64_branch_to(0x10000000 | rd, A64_ADR, words);
}

uint32_t a64_blr(unsigned rn)
{
	return 0xd63f0000 | rd_rn(0, rn);
}

uint32_t a64_ret(void)
{
	return 0xd65f03c0;
}
