/* SPDX-License-Identifier: Apache-2.0 */
/* The first look-up is checked, the second is used. kernel: 6.12 */
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
	u32 key = 3;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);
	struct entry *again;

	if (!e)
		return XDP_PASS;
	e->n++;
	again = bpf_map_lookup_elem(&entries, &key);
#ifdef MENDED
	if (!again)
		return 0;
#endif
	again->name[0] = 0;
	return XDP_PASS;
}
LICENSE("GPL");
