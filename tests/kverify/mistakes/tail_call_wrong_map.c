/* SPDX-License-Identifier: Apache-2.0 */
/* Tail calls go through a map of programs, not through an array. kernel: 6.12 */
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
int next(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &entries, 0);
	return XDP_PASS;
}
LICENSE("GPL");
