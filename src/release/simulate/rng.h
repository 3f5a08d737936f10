/* SPDX-License-Identifier: Apache-2.0 */
/* rng: seeded random numbers, the same everywhere (splitmix64: Steele, Lea, Flood 2014). */
#ifndef SALLYPORT_RELEASE_SIMULATE_RNG_H
#define SALLYPORT_RELEASE_SIMULATE_RNG_H

#include <math.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_u64(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* In (0, 1): never 0, so that its logarithm is finite. */
static inline double rng_unit(struct rng *r)
{
	return ((double)(rng_u64(r) >> 12) + 0.5) * 0x1p-52;
}

static inline double rng_exponential(struct rng *r, double mean)
{
	return -log(rng_unit(r)) * mean;
}

static inline double rng_normal(struct rng *r)
{
	return sqrt(-2 * log(rng_unit(r))) * cos(2 * M_PI * rng_unit(r));
}

#endif
