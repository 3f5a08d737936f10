/* SPDX-License-Identifier: Apache-2.0 */
/* 64 bytes are read into 16. kernel: 6.12 */
#include "mistake.h"

SEC("kprobe/do_nanosleep")
int copy(void *ctx)
{
	char name[16];

#ifdef MENDED
	bpf_probe_read_kernel(name, sizeof(name), ctx);
#else
	bpf_probe_read_kernel(name, 64, ctx);
#endif
	return 0;
}
LICENSE("GPL");
