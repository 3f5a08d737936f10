/* SPDX-License-Identifier: Apache-2.0 */
/* <= where < was meant. kernel: 6.12 */
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
int pick(struct xdp_md *ctx)
{
	u32 key = 0, i = ctx->rx_queue_index;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);

	if (!e)
		return XDP_PASS;
#ifdef MENDED
	if (i > 59)
#else
	if (i > sizeof e->name)
#endif
		return XDP_PASS;
	return e->name[i];
}
LICENSE("GPL");
