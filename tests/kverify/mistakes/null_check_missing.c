/* SPDX-License-Identifier: Apache-2.0 */
/* A look-up can fail, and nobody asks. kernel: 6.12 */
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
	u32 key = ctx->rx_queue_index;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);

#ifdef MENDED
	if (!e)
		return 0;
#endif
	e->n++;
	return XDP_PASS;
}
LICENSE("GPL");
