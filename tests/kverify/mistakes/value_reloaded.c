/* SPDX-License-Identifier: Apache-2.0 */
/* The length is in a map: it is checked, and then loaded again. kernel: 6.12 */
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
int last(struct xdp_md *ctx)
{
	u32 key = 0;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);

	if (!e)
		return XDP_PASS;
#ifdef MENDED
	u32 n = e->n;

	if (n >= sizeof e->name)
		return XDP_PASS;
	barrier();
	return e->name[n];
#else
	if (e->n >= sizeof e->name)
		return XDP_PASS;
	barrier();
	return e->name[e->n];
#endif
}
LICENSE("GPL");
