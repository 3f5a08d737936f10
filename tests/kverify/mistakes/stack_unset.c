/* SPDX-License-Identifier: Apache-2.0 */
/* The key has a hole after its first byte that nobody writes. kernel: 5.10 */
#include "mistake.h"

struct key {
	u8 proto;
	u32 addr;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct key);
	__type(value, u64);
} flows SEC(".maps");

SEC("tc")
int count(struct __sk_buff *skb)
{
	struct key key;
	u64 *n;

	key.proto = 6;
	key.addr = skb->hash;
	n = bpf_map_lookup_elem(&flows, &key);
	if (n)
		*n += 1;
	return 0;
}
LICENSE("GPL");
