/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half of an address in data.
 *
 * refuse E232 relocation type
 */
#include "conf.h"

u64 target = 4;
#ifdef __bpf__
asm(".data\n.globl half\nhalf: .long target\n.text");
#else
asm(".data\n.globl half\nhalf: .long 0\n.text");
#endif
extern u32 half;

SEC("conf") u64 entry(u64 *ctx)
{
	return half + target + ctx[0];
}
