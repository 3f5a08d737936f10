/* SPDX-License-Identifier: Apache-2.0 */
/* The value on the stack is smaller than the map's values. kernel: 6.12 */
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
int put(void *ctx)
{
#ifdef MENDED
	u32 key = 1;
	struct entry value = {};
#else
	u32 key = 1, value = 2;
#endif

	bpf_map_update_elem(&entries, &key, &value, 0);
	return 0;
}
LICENSE("GPL");
