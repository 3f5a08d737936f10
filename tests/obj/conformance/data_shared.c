/* SPDX-License-Identifier: Apache-2.0 */
/* What one program writes another one reads. */
#include "conf.h"

struct {
	u64 sum;
	u32 calls;
} state;
u8 flag = 1;

SEC("conf") u64 entry(u64 *ctx)
{
	state.sum += ctx[0];
	state.calls++;
	flag ^= 3;
	return state.sum;
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	state.sum += ctx[1];
	state.calls++;
	return state.sum * 10 + flag;
}

SEC("conf/three") u64 entry3(u64 *ctx)
{
	return state.sum * 100 + state.calls + ctx[0];
}
