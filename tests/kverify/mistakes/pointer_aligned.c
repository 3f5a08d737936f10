/* SPDX-License-Identifier: Apache-2.0 */
/* Pointers cannot be rounded. kernel: 6.12 */
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
int align(struct xdp_md *ctx)
{
	u32 key = 0;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);
	u64 at;

	if (!e)
		return XDP_PASS;
	at = (u64)e;
	barrier_var(at);
#ifndef MENDED
	at &= ~63ull;
#endif
	return *(u8 *)at;
}
LICENSE("GPL");
