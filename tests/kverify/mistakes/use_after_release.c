/* SPDX-License-Identifier: Apache-2.0 */
/* A record is written to after it was submitted. kernel: 6.12 */
#include "mistake.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("kprobe/do_nanosleep")
int report(void *ctx)
{
	u64 *event = bpf_ringbuf_reserve(&events, 8, 0);

	if (!event)
		return 0;
#ifdef MENDED
	*event = 1;
	bpf_ringbuf_submit(event, 0);
#else
	bpf_ringbuf_submit(event, 0);
	*event = 1;
#endif
	return 0;
}
LICENSE("GPL");
