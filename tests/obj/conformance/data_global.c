/* SPDX-License-Identifier: Apache-2.0 */
/* A variable with an initial value, changed. */
#include "conf.h"

u64 counter = 41;

SEC("conf") u64 entry(u64 *ctx)
{
	counter += ctx[0];
	return counter;
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	counter *= ctx[1];
	return counter;
}
