/* SPDX-License-Identifier: Apache-2.0 */
/* Functions and data of hidden visibility. */
#include "conf.h"

#define HIDDEN __attribute__((visibility("hidden")))
HIDDEN u64 secret = 12;

HIDDEN NOINLINE u64 inner(u64 x)
{
	return x * secret;
}

SEC("conf") u64 entry(u64 *ctx)
{
	secret += ctx[0];
	return inner(ctx[1]);
}
