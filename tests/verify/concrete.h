/* SPDX-License-Identifier: Apache-2.0 */
/*
 * concrete: what instructions do to plain numbers, written as directly as RFC 9669 says it. The tests hold the
 * verifier's abstract arithmetic and branches against this.
 */
#ifndef SALLYPORT_TESTS_VERIFY_CONCRETE_H
#define SALLYPORT_TESTS_VERIFY_CONCRETE_H

#include "engine/isa/isa.h"

static inline uint64_t cut(uint64_t x, unsigned width)
{
	return width == 64 ? x : x & ((UINT64_C(1) << width) - 1);
}

static inline int64_t as_signed(uint64_t x, unsigned width)
{
	x = cut(x, width);
	return x >> (width - 1) & 1 ? (int64_t)(x - (UINT64_C(1) << (width - 1) << 1)) : (int64_t)x;
}

static inline uint64_t concrete_sdiv(int64_t x, int64_t y)
{
	if (!y)
		return 0;
	return y == -1 ? -(uint64_t)x : (uint64_t)(x / y);
}

static inline uint64_t concrete_smod(int64_t x, int64_t y)
{
	if (!y)
		return (uint64_t)x;
	return y == -1 ? 0 : (uint64_t)(x % y);
}

/* x OP y at `width` bits, zero-extended. Section 4.1. */
static inline uint64_t concrete_alu(enum isa_sem op, unsigned width, uint64_t x, uint64_t y)
{
	unsigned by = (unsigned)(y & (width - 1));

	x = cut(x, width);
	y = cut(y, width);
	switch (op) {
	case ISA_ADD:
		return cut(x + y, width);
	case ISA_SUB:
		return cut(x - y, width);
	case ISA_MUL:
		return cut(x * y, width);
	case ISA_DIV:
		return y ? x / y : 0;
	case ISA_MOD:
		return y ? x % y : x;
	case ISA_SDIV:
		return cut(concrete_sdiv(as_signed(x, width), as_signed(y, width)), width);
	case ISA_SMOD:
		return cut(concrete_smod(as_signed(x, width), as_signed(y, width)), width);
	case ISA_OR:
		return x | y;
	case ISA_AND:
		return x & y;
	case ISA_XOR:
		return x ^ y;
	case ISA_LSH:
		return cut(x << by, width);
	case ISA_RSH:
		return x >> by;
	case ISA_ARSH:
		return cut((uint64_t)(as_signed(x, width) >> by), width);
	case ISA_NEG:
		return cut(-x, width);
	default:
		return y; /* MOV */
	}
}

static inline bool concrete_compare(enum isa_sem op, unsigned width, uint64_t x, uint64_t y)
{
	int64_t sx = as_signed(x, width), sy = as_signed(y, width);

	x = cut(x, width);
	y = cut(y, width);
	switch (op) {
	case ISA_JEQ:
		return x == y;
	case ISA_JNE:
		return x != y;
	case ISA_JGT:
		return x > y;
	case ISA_JGE:
		return x >= y;
	case ISA_JLT:
		return x < y;
	case ISA_JLE:
		return x <= y;
	case ISA_JSGT:
		return sx > sy;
	case ISA_JSGE:
		return sx >= sy;
	case ISA_JSLT:
		return sx < sy;
	case ISA_JSLE:
		return sx <= sy;
	default:
		return (x & y) != 0; /* JSET */
	}
}

/* A small generator with a fixed seed: every run tries the same. */
static inline uint64_t rng_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline uint32_t rng_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((rng_next(state) >> 32) * n >> 32);
}

/* Numbers where things happen: small ones, and near powers of two. */
static inline uint64_t rng_number(uint64_t *state)
{
	uint64_t r = rng_next(state), near = UINT64_C(1) << (r >> 8 & 63);

	switch (r & 7) {
	case 0:
		return r >> 60;
	case 1:
		return -(r >> 60);
	case 2:
		return near + (r >> 61) - 4;
	case 3:
		return -near + (r >> 61) - 4;
	case 4:
		return r >> 32;
	case 5:
		return (uint64_t)(int64_t)(int32_t)(r >> 32);
	case 6:
		return (r >> 61) + INT32_MAX - 4;
	default:
		return rng_next(state);
	}
}

#endif
