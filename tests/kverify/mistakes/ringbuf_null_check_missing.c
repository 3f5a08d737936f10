/* SPDX-License-Identifier: Apache-2.0 */
/* The ring may be full. kernel: 6.12 */
#include "mistake.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("kprobe/do_nanosleep")
int report(void *ctx)
{
	u64 *event = bpf_ringbuf_reserve(&events, 8, 0);

#ifdef MENDED
	if (!event)
		return 0;
#endif
	bpf_ringbuf_submit(event, 0);
	return 0;
}
LICENSE("GPL");
