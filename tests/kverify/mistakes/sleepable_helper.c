/* SPDX-License-Identifier: Apache-2.0 */
/* A helper that may wait for a page, in a program that may not. kernel: 6.12 */
#include "mistake.h"

SEC("kprobe/do_nanosleep")
int peek(void *ctx)
{
	u64 word;

#ifdef MENDED
	bpf_probe_read_user(&word, sizeof word, NULL);
#else
	bpf_copy_from_user(&word, sizeof word, NULL);
#endif
	return 0;
}
LICENSE("GPL");
