/* SPDX-License-Identifier: Apache-2.0 */
/* The loop runs to a number that the value says, which may be larger than the value. kernel: 6.12 */
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
int sum(struct xdp_md *ctx)
{
	u32 key = 0, total = 0;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);

	if (!e)
		return XDP_PASS;
#ifdef MENDED
	for (u32 i = 0; i < 60 && i < e->n; i++) {
#else
	for (u32 i = 0; i < e->n; i++) {
#endif
		total += e->name[i];
		barrier();
	}
	return total ? XDP_PASS : XDP_DROP;
}
LICENSE("GPL");
