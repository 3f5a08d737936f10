/* SPDX-License-Identifier: Apache-2.0 */
/* 32 bits of a 64-bit number are checked, all of it is used. kernel: 5.10 */
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

SEC("kprobe/do_nanosleep")
int pick(void *ctx)
{
	u32 key = 0;
	struct entry *e = bpf_map_lookup_elem(&entries, &key);
	u64 id = bpf_get_current_pid_tgid();

	if (!e)
		return 0;
#ifdef MENDED
	if (id >= sizeof e->name)
#else
	if ((u32)id >= sizeof e->name)
#endif
		return 0;
	barrier_var(id);
	return e->name[id];
}
LICENSE("GPL");
