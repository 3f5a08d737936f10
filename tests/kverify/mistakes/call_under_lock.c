/* SPDX-License-Identifier: Apache-2.0 */
/* A helper is called while a lock is held. kernel: 6.12 */
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
#ifdef MENDED
	u64 now = bpf_ktime_get_ns();

	bpf_spin_lock(&s->lock);
	s->when = now;
#else
	bpf_spin_lock(&s->lock);
	s->when = bpf_ktime_get_ns();
#endif
	bpf_spin_unlock(&s->lock);
	return 0;
}
LICENSE("GPL");
