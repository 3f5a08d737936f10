/* SPDX-License-Identifier: Apache-2.0 */
/* bpf_loop on a kernel that does not have it yet. kernel: 5.10 */
#include "mistake.h"

static int step(u32 i, void *ctx)
{
	return 0;
}

SEC("kprobe/do_nanosleep")
int rounds(void *ctx)
{
#ifdef MENDED
	for (u32 i = 0; i < 10; i++)
		if (step(i, NULL))
			break;
#else
	bpf_loop(10, step, NULL, 0);
#endif
	return 0;
}
LICENSE("GPL");
