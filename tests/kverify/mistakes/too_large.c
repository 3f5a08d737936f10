/* SPDX-License-Identifier: Apache-2.0 */
/* A million rounds are more than the verifier follows. kernel: 6.12 */
#include "mistake.h"

SEC("kprobe/do_nanosleep")
int work(void *ctx)
{
	u64 sum = 0;

	for (u32 i = 0; i < 1000000; i++) {
		if (bpf_get_prandom_u32() > i)
			sum += i;
		barrier_var(sum);
	}
	return sum > 3;
}
LICENSE("GPL");
