/* SPDX-License-Identifier: Apache-2.0 */
/* A length from a map is not bounded at all. kernel: 6.12 */
#include "mistake.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} lengths SEC(".maps");

SEC("kprobe/do_nanosleep")
int copy(void *ctx)
{
	u32 key = 0;
	u32 *len = bpf_map_lookup_elem(&lengths, &key);
	char buf[64];

#ifdef MENDED
	if (len && *len <= sizeof(buf))
#else
	if (len)
#endif
		bpf_probe_read_kernel(buf, *len, ctx);
	return 0;
}
LICENSE("GPL");
