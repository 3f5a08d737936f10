/* SPDX-License-Identifier: Apache-2.0 */
/* Two functions of a chain use 320 bytes each. kernel: 6.12 */
#include "mistake.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, char[320]);
} buffer SEC(".maps");

static __noinline int inner(struct __sk_buff *skb)
{
	char buf[320];

	bpf_skb_load_bytes(skb, 320, buf, sizeof buf);
	return buf[3];
}

SEC("tc")
int outer(struct __sk_buff *skb)
{
#ifdef MENDED
	u32 key = 0;
	char *buf = bpf_map_lookup_elem(&buffer, &key);

	if (!buf)
		return 0;
	bpf_skb_load_bytes(skb, 0, buf, 320);
#else
	char buf[320];

	bpf_skb_load_bytes(skb, 0, buf, sizeof buf);
#endif
	return inner(skb) + buf[7];
}
LICENSE("GPL");
