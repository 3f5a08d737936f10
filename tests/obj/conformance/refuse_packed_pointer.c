/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pointer at an odd place.
 *
 * refuse E285 is about no aligned pointer there
 */
#include "conf.h"

u64 target = 4;
struct {
	u8 a;
	u64 *p;
} __attribute__((packed)) packed = { 1, &target };

SEC("conf") u64 entry(u64 *ctx)
{
	return *packed.p + ctx[0];
}
