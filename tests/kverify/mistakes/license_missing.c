/* SPDX-License-Identifier: Apache-2.0 */
/* The helper is for programs under the GPL. kernel: 6.12 */
#include "mistake.h"

SEC("kprobe/do_nanosleep")
int peek(void *ctx)
{
	u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof word, ctx);
	return word != 0;
}
#ifdef MENDED
LICENSE("GPL");
#else
LICENSE("Proprietary");
#endif
