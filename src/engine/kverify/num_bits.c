/* SPDX-License-Identifier: Apache-2.0 */
/* num_bits: arithmetic on numbers of which some bits are known. See num_bits.h. */
#include "engine/kverify/num_bits.h"

struct kbits kbits_const(uint64_t v)
{
	return (struct kbits){ v, 0 };
}

struct kbits kbits_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;

	if (!differ)
		return kbits_const(min);
	return kbits(min, UINT64_MAX >> __builtin_clzll(differ));
}

/* A bit of the sum is known where both operands' are and the carry into it is the same for the least and the greatest
 * sum. */
struct kbits kbits_add(struct kbits a, struct kbits b)
{
	uint64_t least = a.value + b.value, greatest = least + (a.mask + b.mask);

	return kbits(least, (least ^ greatest) | a.mask | b.mask);
}

struct kbits kbits_sub(struct kbits a, struct kbits b)
{
	uint64_t middle = a.value - b.value;

	return kbits(middle, ((middle + a.mask) ^ (middle - b.mask)) | a.mask | b.mask);
}

bool kbits_in(struct kbits out, struct kbits in)
{
	return !(in.mask & ~out.mask) && (in.value & ~out.mask) == out.value;
}

bool kbits_aligned(struct kbits a, uint64_t size)
{
	return !size || !(kbits_max(a) & (size - 1));
}

struct kbits kbits_arsh(struct kbits a, unsigned n, bool is32)
{
	if (is32)
		return (struct kbits){ (uint32_t)((int32_t)a.value >> n), (uint32_t)((int32_t)a.mask >> n) };
	return (struct kbits){ (uint64_t)((int64_t)a.value >> n), (uint64_t)((int64_t)a.mask >> n) };
}

/* The sum of {0, unknown << i} for every bit i that is set in where, on top of sum. */
static struct kbits add_unknown(struct kbits sum, uint64_t unknown, uint64_t where)
{
	for (; where; where &= where - 1)
		sum = kbits_add(sum, kbits(0, unknown << __builtin_ctzll(where)));
	return sum;
}

/* Linux: kernel/bpf/tnum.c:tnum_mul, v5.10 */
static struct kbits mul_halves(struct kbits a, struct kbits b)
{
	struct kbits sum = add_unknown(kbits_const(a.value * b.value), a.mask, kbits_max(b));

	return add_unknown(sum, b.mask, a.value);
}

/* What is certain and what is not are summed apart. Linux: kernel/bpf/tnum.c:tnum_mul, v6.1 */
static struct kbits mul_partial(struct kbits a, struct kbits b)
{
	struct kbits unknown = kbits_const(0);

	for (uint64_t bits = kbits_max(a); bits; bits &= bits - 1) {
		unsigned i = (unsigned)__builtin_ctzll(bits);
		uint64_t mask = a.value >> i & 1 ? b.mask : kbits_max(b);

		unknown = kbits_add(unknown, kbits(0, mask << i));
	}
	return kbits_add(kbits_const(a.value * b.value), unknown);
}

/* Each unknown bit of a is tried both ways. Linux: kernel/bpf/tnum.c:tnum_mul, v7.2 */
static struct kbits mul_both_ways(struct kbits a, struct kbits b)
{
	struct kbits product = kbits_const(0);

	for (uint64_t bits = kbits_max(a); bits; bits &= bits - 1) {
		unsigned i = (unsigned)__builtin_ctzll(bits);
		struct kbits with = kbits_add(product, kbits_lsh(b, i));

		product = a.value >> i & 1 ? with : kbits_either(product, with);
	}
	return product;
}

struct kbits kbits_mul(const struct knum_rules *r, struct kbits a, struct kbits b)
{
	if (kbits_known(a) && kbits_known(b))
		return kbits_const(a.value * b.value);
	if (knum_rule(r, KERNEL_BITS_MUL_BOTH_WAYS))
		return mul_both_ways(a, b);
	return knum_rule(r, KERNEL_BITS_MUL_PARTIAL) ? mul_partial(a, b) : mul_halves(a, b);
}

static uint64_t swap(uint64_t v, unsigned bits)
{
	return __builtin_bswap64(v) >> (64 - bits);
}

struct kbits kbits_swap(struct kbits a, unsigned bits)
{
	return (struct kbits){ swap(a.value, bits), swap(a.mask, bits) };
}

/*
 * Members of a are a.value plus a part of a.mask: the next one has the next greater part. Counting within a mask: the
 * bits outside of it are set, so that a carry runs through them; those below the highest bit of z that does not fit the
 * mask are set too, since whatever stands there is less than the member that is sought.
 */
uint64_t kbits_next(struct kbits a, uint64_t z)
{
	uint64_t part, misfit, below;

	if (z >= kbits_max(a))
		return kbits_max(a);
	if (z < a.value)
		return a.value;
	part = z - a.value;
	misfit = part & ~a.mask;
	below = misfit ? UINT64_MAX >> __builtin_clzll(misfit) : 0;
	return a.value | (((part | below | ~a.mask) + 1) & a.mask);
}
