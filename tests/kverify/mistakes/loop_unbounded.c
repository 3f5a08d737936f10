/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing says that the loop ends. kernel: 6.12 */
#include "mistake.h"

SEC("kprobe/do_nanosleep")
int spin(void *ctx)
{
	u64 until = bpf_ktime_get_ns() + 1000;

#ifdef MENDED
	for (int i = 0; i < 100 && bpf_ktime_get_ns() < until; i++)
#else
	while (bpf_ktime_get_ns() < until)
#endif
		;
	return 0;
}
LICENSE("GPL");
