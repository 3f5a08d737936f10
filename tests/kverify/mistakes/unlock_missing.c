/* SPDX-License-Identifier: Apache-2.0 */
/* An early return leaves the lock held. kernel: 6.12 */
#include "mistake.h"

struct slot {
	struct bpf_spin_lock lock;
	u64 when;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

SEC("tc")
int stamp(struct __sk_buff *skb)
{
	u32 key = 0;
	struct slot *s = bpf_map_lookup_elem(&slots, &key);

	if (!s)
		return 0;
	bpf_spin_lock(&s->lock);
#ifdef MENDED
	if (s->when) {
		bpf_spin_unlock(&s->lock);
		return 1;
	}
#else
	if (s->when)
		return 1;
#endif
	s->when = 1;
	bpf_spin_unlock(&s->lock);
	return 0;
}
LICENSE("GPL");
