/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A branch that is farther than 16 bits reach.
 *
 * from v4
 */
#include "conf.h"

#define STEP(x)         \
	x = x * 3 + *p; \
	*p ^= x;
#define STEP8(x) STEP(x) STEP(x) STEP(x) STEP(x) STEP(x) STEP(x) STEP(x) STEP(x)
#define STEP64(x) STEP8(x) STEP8(x) STEP8(x) STEP8(x) STEP8(x) STEP8(x) STEP8(x) STEP8(x)
#define STEP512(x) STEP64(x) STEP64(x) STEP64(x) STEP64(x) STEP64(x) STEP64(x) STEP64(x) STEP64(x)
#define STEP4096(x) STEP512(x) STEP512(x) STEP512(x) STEP512(x) STEP512(x) STEP512(x) STEP512(x) STEP512(x)
volatile u64 memory = 9;

SEC("conf") u64 entry(u64 *ctx)
{
	volatile u64 *p = &memory;
	u64 x = ctx[0];

	if (x == 3) {
		STEP4096(x)
		STEP4096(x)
	}
	return x;
}
