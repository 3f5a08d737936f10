/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_enc: bytes of x86-64 instructions.
 *
 * An encoder writes at `p` and never looks for room: its caller sees to X86_MAX_INSN bytes before each instruction.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */
#ifndef SALLYPORT_ENGINE_JIT_X86_ENC_H
#define SALLYPORT_ENGINE_JIT_X86_ENC_H

#include "base/base.h"

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, X86_NO_REG = 0xff };
enum { X86_MAX_INSN = 16 };

/* The low half of a jcc's, setcc's or cmovcc's opcode; cc ^ 1 is the opposite. */
enum x86_cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };

/* The /digit of 0x80..0x83, and (digit << 3 | 3) is the opcode of reg OP= reg/mem. */
enum x86_alu { X_ADD, X_OR, X_ADC, X_SBB, X_AND, X_SUB, X_XOR, X_CMP };
/* The /digit of 0xc1 and 0xd3. */
enum x86_shift { X_ROL = 0, X_ROR = 1, X_SHL = 4, X_SHR = 5, X_SAR = 7 };

/* [base + index << scale + disp]; either register may be X86_NO_REG. The index is never RSP. */
struct x86_mem {
	uint8_t base, index, scale;
	int32_t disp;
};

struct x86_code {
	uint8_t *p;
};

enum { X_W = 1, X_66 = 2, X_BYTE = 4, X_F2 = 8, X_LOCK = 16, X_F3 = 32 };

static inline void x86_u8(struct x86_code *c, unsigned v)
{
	*c->p++ = (uint8_t)v;
}

static inline void x86_u32(struct x86_code *c, uint32_t v)
{
	memcpy(c->p, &v, 4);
	c->p += 4;
}

static inline void x86_u64(struct x86_code *c, uint64_t v)
{
	memcpy(c->p, &v, 8);
	c->p += 8;
}

static inline bool x86_is_i8(int64_t v)
{
	return v >= -128 && v <= 127;
}

static inline bool x86_is_i32(int64_t v)
{
	return v >= INT32_MIN && v <= INT32_MAX;
}

/* Prefixes, REX and opcode. `op` has one byte, or 0x0f and one, or 0x0f38 and one. */
static inline void x86_head(struct x86_code *c, unsigned flags, unsigned op, unsigned reg, unsigned index,
			    unsigned base, bool force_rex)
{
	unsigned rex = (flags & X_W ? 8u : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);

	if (flags & X_LOCK)
		x86_u8(c, 0xf0);
	if (flags & X_66)
		x86_u8(c, 0x66);
	if (rex || force_rex)
		x86_u8(c, 0x40 | rex);
	if (op > 0xff)
		x86_u8(c, op >> 8);
	x86_u8(c, op);
}

/* Registers 4 to 7 as bytes are spl..dil only with a REX prefix. */
static inline bool x86_byte_rex(unsigned flags, unsigned reg)
{
	return flags & X_BYTE && reg >= 4 && reg < 8;
}

/* op reg, rm with a register as rm. X_BYTE: rm or reg is a byte register. */
static inline void x86_rr(struct x86_code *c, unsigned flags, unsigned op, unsigned reg, unsigned rm)
{
	x86_head(c, flags, op, reg, 0, rm, x86_byte_rex(flags, reg) || x86_byte_rex(flags, rm));
	x86_u8(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void x86_modrm_mem(struct x86_code *c, unsigned reg, struct x86_mem m)
{
	unsigned mod = 0, r = (reg & 7) << 3;

	if (m.base == X86_NO_REG) {
		x86_u8(c, r | 4);
		x86_u8(c, (unsigned)m.scale << 6 | (m.index == X86_NO_REG ? 4u : m.index & 7u) << 3 | 5);
		x86_u32(c, (uint32_t)m.disp);
		return;
	}
	if (m.disp || (m.base & 7) == RBP)
		mod = x86_is_i8(m.disp) ? 0x40 : 0x80;
	if (m.index != X86_NO_REG || (m.base & 7) == RSP) {
		x86_u8(c, mod | r | 4);
		x86_u8(c, (unsigned)m.scale << 6 | (m.index == X86_NO_REG ? 4u : m.index & 7u) << 3 | (m.base & 7u));
	} else {
		x86_u8(c, mod | r | (m.base & 7u));
	}
	if (mod == 0x40)
		x86_u8(c, (uint8_t)m.disp);
	else if (mod == 0x80)
		x86_u32(c, (uint32_t)m.disp);
}

/* op reg, [m] */
static inline void x86_rm(struct x86_code *c, unsigned flags, unsigned op, unsigned reg, struct x86_mem m)
{
	x86_head(c, flags, op, reg, m.index == X86_NO_REG ? 0 : m.index, m.base == X86_NO_REG ? 0 : m.base,
		 x86_byte_rex(flags, reg));
	x86_modrm_mem(c, reg, m);
}

static inline struct x86_mem x86_at(unsigned base, int32_t disp)
{
	return (struct x86_mem){ .base = (uint8_t)base, .index = X86_NO_REG, .disp = disp };
}

static inline void x86_mov_rr(struct x86_code *c, bool w, unsigned dst, unsigned src)
{
	x86_rr(c, w, 0x8b, dst, src);
}

/* dst OP= src */
static inline void x86_alu_rr(struct x86_code *c, bool w, enum x86_alu op, unsigned dst, unsigned src)
{
	x86_rr(c, w, (unsigned)op << 3 | 3, dst, src);
}

static inline void x86_alu_ri(struct x86_code *c, bool w, enum x86_alu op, unsigned dst, int32_t imm)
{
	if (x86_is_i8(imm)) {
		x86_rr(c, w, 0x83, op, dst);
		x86_u8(c, (uint8_t)imm);
	} else if (dst == RAX) {
		x86_head(c, w, (unsigned)op << 3 | 5, 0, 0, 0, false);
		x86_u32(c, (uint32_t)imm);
	} else {
		x86_rr(c, w, 0x81, op, dst);
		x86_u32(c, (uint32_t)imm);
	}
}

static inline void x86_alu_mi(struct x86_code *c, unsigned flags, enum x86_alu op, struct x86_mem m, int32_t imm)
{
	bool small = x86_is_i8(imm);

	x86_rm(c, flags, small ? 0x83 : 0x81, op, m);
	if (small)
		x86_u8(c, (uint8_t)imm);
	else
		x86_u32(c, (uint32_t)imm);
}

static inline void x86_shift_i(struct x86_code *c, bool w, enum x86_shift op, unsigned dst, unsigned n)
{
	x86_rr(c, w, n == 1 ? 0xd1 : 0xc1, op, dst);
	if (n != 1)
		x86_u8(c, n);
}

/* The shortest that leaves flags alone. */
static inline void x86_mov_ri(struct x86_code *c, unsigned dst, uint64_t v)
{
	if (v <= UINT32_MAX) {
		x86_head(c, 0, 0xb8 | (dst & 7), 0, 0, dst, false);
		x86_u32(c, (uint32_t)v);
	} else if (x86_is_i32((int64_t)v)) {
		x86_rr(c, X_W, 0xc7, 0, dst);
		x86_u32(c, (uint32_t)v);
	} else {
		x86_head(c, X_W, 0xb8 | (dst & 7), 0, 0, dst, false);
		x86_u64(c, v);
	}
}

/* BMI2: dst = src shifted by count; pp 1: shlx, 2: sarx, 3: shrx. opcode map 2, 0xf7. */
static inline void x86_shiftx(struct x86_code *c, bool w, unsigned pp, unsigned dst, unsigned src, unsigned count)
{
	x86_u8(c, 0xc4);
	x86_u8(c, (dst < 8 ? 0x80u : 0) | 0x40 | (src < 8 ? 0x20u : 0) | 2);
	x86_u8(c, (w ? 0x80u : 0) | (~count & 15) << 3 | pp);
	x86_u8(c, 0xf7);
	x86_u8(c, 0xc0 | (dst & 7) << 3 | (src & 7));
}

/* BMI2: dst = the upper half of rdx * src. */
static inline void x86_mulx_hi(struct x86_code *c, unsigned dst, unsigned src)
{
	x86_u8(c, 0xc4);
	x86_u8(c, (dst < 8 ? 0x80u : 0) | 0x40 | (src < 8 ? 0x20u : 0) | 2);
	x86_u8(c, 0x80 | (~dst & 15) << 3 | 3);
	x86_u8(c, 0xf6);
	x86_u8(c, 0xc0 | (dst & 7) << 3 | (src & 7));
}

/* BMI2: dst = src rotated right by n. */
static inline void x86_rorx(struct x86_code *c, bool w, unsigned dst, unsigned src, unsigned n)
{
	x86_u8(c, 0xc4);
	x86_u8(c, (dst < 8 ? 0x80u : 0) | 0x40 | (src < 8 ? 0x20u : 0) | 3);
	x86_u8(c, (w ? 0x80u : 0) | 0x78 | 3);
	x86_u8(c, 0xf0);
	x86_u8(c, 0xc0 | (dst & 7) << 3 | (src & 7));
	x86_u8(c, n);
}

static inline void x86_push(struct x86_code *c, unsigned reg)
{
	x86_head(c, 0, 0x50 | (reg & 7), 0, 0, reg, false);
}

static inline void x86_pop(struct x86_code *c, unsigned reg)
{
	x86_head(c, 0, 0x58 | (reg & 7), 0, 0, reg, false);
}

/* Where indirect calls may land, on a host that checks that. */
static inline void x86_endbr(struct x86_code *c)
{
	x86_u32(c, 0xfa1e0ff3);
}

static inline void x86_bswap(struct x86_code *c, bool w, unsigned reg)
{
	x86_head(c, w, 0x0fc8 | (reg & 7), 0, 0, reg, false);
}

#endif
