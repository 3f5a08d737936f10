/* SPDX-License-Identifier: Apache-2.0 */
/* Two functions of a chain use 320 bytes each. kernel: 6.12 */
#include "mistake.h"

static __noinline int inner(void *from)
{
	char buf[320];

	bpf_probe_read_kernel(buf, sizeof buf, from);
	return buf[3];
}

SEC("kprobe/do_nanosleep")
int outer(void *ctx)
{
	char buf[320];

	bpf_probe_read_kernel(buf, sizeof buf, ctx);
	return inner(ctx) + buf[7];
}
LICENSE("GPL");
