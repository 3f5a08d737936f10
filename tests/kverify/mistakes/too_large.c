/* SPDX-License-Identifier: Apache-2.0 */
/* A million rounds are more than the verifier follows. kernel: 6.12 */
#include "mistake.h"

#ifdef MENDED
static int add(u32 i, u64 *sum)
{
	if (bpf_get_prandom_u32() > i)
		*sum += i;
	return 0;
}
#endif

SEC("kprobe/do_nanosleep")
int work(void *ctx)
{
	u64 sum = 0;

#ifdef MENDED
	bpf_loop(1000000, add, &sum, 0);
#else
	for (u32 i = 0; i < 1000000; i++) {
		if (bpf_get_prandom_u32() > i)
			sum += i;
		barrier_var(sum);
	}
#endif
	return sum > 3;
}
LICENSE("GPL");
