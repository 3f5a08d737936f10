/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64_enc: instruction words of A64, one function per encoding class.
 *
 * Pure arithmetic on fields, no state. Fields out of range are our own mistakes (asserted): the caller asks first, with
 * the functions that end in _fits. `sf` is true for the 64-bit form. Register 31 is the zero register or sp, as the
 * class has it. Source: Arm Architecture Reference Manual for A-profile (DDI 0487), chapter C4 and C6.
 */
#ifndef SALLYPORT_ENGINE_JIT_A64_ENC_H
#define SALLYPORT_ENGINE_JIT_A64_ENC_H

#include "base/base.h"

enum { A64_ZR = 31, A64_SP = 31, A64_LR = 30 };

enum a64_cond {
	A64_EQ,
	A64_NE,
	A64_HS,
	A64_LO,
	A64_MI,
	A64_PL,
	A64_VS,
	A64_VC,
	A64_HI,
	A64_LS,
	A64_GE,
	A64_LT,
	A64_GT,
	A64_LE,
	A64_AL
};

static inline enum a64_cond a64_cond_not(enum a64_cond c)
{
	return (enum a64_cond)(c ^ 1);
}

/* --- addition, logic --- */

enum a64_addsub { A64_ADD, A64_ADDS, A64_SUB, A64_SUBS };
enum a64_logic { A64_AND, A64_ORR, A64_EOR, A64_ANDS };
enum a64_shift { A64_LSL, A64_LSR, A64_ASR, A64_ROR };

/* An unsigned 12-bit number, or one shifted left by 12. */
static inline bool a64_addsub_fits(uint64_t imm)
{
	return imm < 4096 || (!(imm & 4095) && imm >> 12 < 4096);
}

uint32_t a64_addsub_imm(bool sf, enum a64_addsub op, unsigned rd, unsigned rn, uint64_t imm);
uint32_t a64_addsub_reg(bool sf, enum a64_addsub op, unsigned rd, unsigned rn, unsigned rm, enum a64_shift shift,
			unsigned amount);
/* Is v a bitmask immediate: a run of ones, rotated, in a field of 2 to 64 bits that repeats? *field: N:immr:imms. */
bool a64_bitmask_fits(bool sf, uint64_t v, uint32_t *field);
uint32_t a64_logic_imm(bool sf, enum a64_logic op, unsigned rd, unsigned rn, uint32_t field);
/* invert: bic, orn, eon, bics */
uint32_t a64_logic_reg(bool sf, enum a64_logic op, bool invert, unsigned rd, unsigned rn, unsigned rm,
		       enum a64_shift shift, unsigned amount);

/* --- moves, bit fields, other arithmetic --- */

enum a64_wide { A64_MOVN, A64_MOVZ = 2, A64_MOVK = 3 };
uint32_t a64_mov_wide(bool sf, enum a64_wide op, unsigned rd, uint16_t imm, unsigned hw);

enum a64_field { A64_SBFM, A64_BFM, A64_UBFM };
uint32_t a64_bitfield(bool sf, enum a64_field op, unsigned rd, unsigned rn, unsigned immr, unsigned imms);
/* The low half of rn:rm shifted right; rn == rm: a rotation. */
uint32_t a64_extr(bool sf, unsigned rd, unsigned rn, unsigned rm, unsigned lsb);

enum a64_dp2 { A64_UDIV = 2, A64_SDIV = 3, A64_LSLV = 8, A64_LSRV = 9, A64_ASRV = 10, A64_RORV = 11 };
uint32_t a64_dp2(bool sf, enum a64_dp2 op, unsigned rd, unsigned rn, unsigned rm);

enum a64_rev { A64_REV16 = 1, A64_REV32 = 2, A64_REV64 = 3 };
uint32_t a64_rev(bool sf, enum a64_rev op, unsigned rd, unsigned rn);

/* rd = ra + rn * rm, or minus; umulh: the high half of the 128-bit product */
uint32_t a64_madd(bool sf, unsigned rd, unsigned rn, unsigned rm, unsigned ra);
uint32_t a64_msub(bool sf, unsigned rd, unsigned rn, unsigned rm, unsigned ra);
uint32_t a64_umulh(unsigned rd, unsigned rn, unsigned rm);

/* rd = cond ? rn : rm */
uint32_t a64_csel(bool sf, unsigned rd, unsigned rn, unsigned rm, enum a64_cond c);

/* Flags of rn - rm where c holds, else nzcv (N is bit 3). */
uint32_t a64_ccmp(bool sf, unsigned rn, unsigned rm, unsigned nzcv, enum a64_cond c);

/* --- memory --- */

enum a64_mem { A64_STR, A64_LDR, A64_LDRS64, A64_LDRS32 };

/* log2: of the bytes. An offset that the scaled form (0..4095 units) or the unscaled one (-256..255) takes. */
static inline bool a64_mem_fits(int64_t off, unsigned log2)
{
	return (off >= -256 && off <= 255) || (off > 0 && !(off & ((INT64_C(1) << log2) - 1)) && off >> log2 < 4096);
}

uint32_t a64_mem(enum a64_mem op, unsigned log2, unsigned rt, unsigned rn, int64_t off);
/* [rn + rm], or [rn + (rm << log2)] */
uint32_t a64_mem_reg(enum a64_mem op, unsigned log2, unsigned rt, unsigned rn, unsigned rm, bool scaled);

enum a64_pair { A64_PAIR_POST = 1, A64_PAIR_OFF = 2, A64_PAIR_PRE = 3 };
/* 64-bit registers; off: a multiple of 8, -512..504 */
uint32_t a64_stp(enum a64_pair how, unsigned rt, unsigned rt2, unsigned rn, int off);
uint32_t a64_ldp(enum a64_pair how, unsigned rt, unsigned rt2, unsigned rn, int off);

/* Acquire and release; the exclusive forms too. */
uint32_t a64_ldar(unsigned log2, unsigned rt, unsigned rn);
uint32_t a64_stlr(unsigned log2, unsigned rt, unsigned rn);
uint32_t a64_ldaxr(unsigned log2, unsigned rt, unsigned rn);
/* rs: 0 when the store was done */
uint32_t a64_stlxr(unsigned log2, unsigned rs, unsigned rt, unsigned rn);

/* FEAT_LSE, with acquire and release: rt gets what [rn] was. LDCLR clears the bits of rs. log2: 2 or 3. */
enum a64_lse { A64_LDADD, A64_LDCLR, A64_LDEOR, A64_LDSET, A64_SWP = 8 };
uint32_t a64_lse(enum a64_lse op, unsigned log2, unsigned rs, unsigned rt, unsigned rn);
/* rs: what is expected, then what was there; rt: what is stored */
uint32_t a64_casal(unsigned log2, unsigned rs, unsigned rt, unsigned rn);

/* --- control. Distances are in words, from the instruction itself --- */

/* A64_ADR is none, but has a distance too; A64_DISTANCE is a whole word of it, in a table. */
enum a64_branch { A64_B, A64_BL, A64_BCOND, A64_CBZ, A64_CBNZ, A64_TBZ, A64_TBNZ, A64_ADR, A64_DISTANCE };
/* Bits of the signed distance. */
unsigned a64_branch_bits(enum a64_branch k);

static inline bool a64_branch_fits(enum a64_branch k, int64_t words)
{
	int64_t half = INT64_C(1) << (a64_branch_bits(k) - 1);

	return words >= -half && words < half;
}

uint32_t a64_b(int64_t words);
uint32_t a64_bl(int64_t words);
uint32_t a64_bcond(enum a64_cond c, int64_t words);
uint32_t a64_cb(bool sf, bool nonzero, unsigned rt, int64_t words);
uint32_t a64_tb(bool nonzero, unsigned rt, unsigned bit, int64_t words);
/* The same branch with its distance filled in anew. */
uint32_t a64_branch_to(uint32_t word, enum a64_branch k, int64_t words);
/* rd = the address of this instruction + words * 4 */
uint32_t a64_adr(unsigned rd, int64_t words);
uint32_t a64_blr(unsigned rn);
uint32_t a64_ret(void);

enum { A64_BTI_C = 0xd503245f, A64_BTI_J = 0xd503249f, A64_UDF = 0 };

#endif
