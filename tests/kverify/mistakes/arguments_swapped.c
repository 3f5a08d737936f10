/* SPDX-License-Identifier: Apache-2.0 */
/* The key where the map is wanted. kernel: 6.12 */
#include "mistake.h"

struct entry {
	u32 n;
	char name[60];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, struct entry);
} entries SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	u32 key = 0;

#ifdef MENDED
	return bpf_map_lookup_elem(&entries, &key) ? XDP_PASS : XDP_DROP;
#else
	return bpf_map_lookup_elem(&key, &entries) ? XDP_PASS : XDP_DROP;
#endif
}
LICENSE("GPL");
