/* SPDX-License-Identifier: Apache-2.0 */
#include <sallyport/bpf.h>

struct visit {
	u32 user, page;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u64);
} visits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} news SEC(".maps");

/* How often somebody may come before we hear of it. */
volatile const u64 most = 2;

SEC("program") int count(const struct visit *v)
{
	u32 user = v->user;
	u64 one = 1, *n = bpf_map_lookup_elem(&visits, &user);
	struct visit copy = { v->user, v->page };

	if (!n)
		return (int)bpf_map_update_elem(&visits, &user, &one, BPF_ANY);
	__sync_fetch_and_add(n, 1);
	if (*n > most)
		bpf_ringbuf_output(&news, &copy, sizeof copy, 0);
	return 0;
}
