/* SPDX-License-Identifier: Apache-2.0 */
/* A signed length is bounded from above only. kernel: 6.12 */
#include "mistake.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, s64);
} lengths SEC(".maps");

SEC("kprobe/do_nanosleep")
int copy(void *ctx)
{
	u32 key = 0;
	s64 *len = bpf_map_lookup_elem(&lengths, &key);
	char buf[64];
	s64 n;

	if (!len)
		return 0;
	n = *len;
#ifdef MENDED
	if (n < 0)
		return 0;
#endif
	if (n > (s64)sizeof buf)
		return 0;
	bpf_probe_read_kernel(buf, n, ctx);
	return 0;
}
LICENSE("GPL");
