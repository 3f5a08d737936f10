/* SPDX-License-Identifier: Apache-2.0 */
/* Pointers from data to zeroes, to itself, and to a section with a name. */
#include "conf.h"

u64 zeroes[4];
u64 named SEC(".data.named") = 50;
u64 *both[2] = { &zeroes[2], &named };
void *self = &self;

SEC("conf") u64 entry(u64 *ctx)
{
	*both[ctx[0] & 1] += 5;
	*both[0] += ctx[1];
	return named * 100 + zeroes[2] + (self == &self);
}
