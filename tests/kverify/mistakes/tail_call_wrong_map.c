/* SPDX-License-Identifier: Apache-2.0 */
/* Tail calls go through a map of programs, not through an array. kernel: 6.12 */
#include "mistake.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} programs SEC(".maps");

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
#ifdef MENDED
	bpf_tail_call(ctx, &programs, 0);
#else
	bpf_tail_call(ctx, &entries, 0);
#endif
	return XDP_PASS;
}
LICENSE("GPL");
