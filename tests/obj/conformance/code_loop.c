/* SPDX-License-Identifier: Apache-2.0 */
/* Loops with bounds that nobody knows. */
#include "conf.h"

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = 1;

	for (u64 i = 0; i < ctx[5]; i++)
		for (u64 k = i; k < ctx[3]; k += ctx[0])
			r = (r << 5 | r >> 59) ^ (i * k + ctx[k & 7]);
	return r;
}
