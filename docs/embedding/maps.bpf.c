/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, uint64_t flags) = (void *)2;
static long (*bpf_ringbuf_output)(void *map, void *data, uint64_t size, uint64_t flags) = (void *)130;

struct visit {
	uint32_t user, page;
};

struct {
	__uint(type, 1); /* hash */
	__uint(max_entries, 1024);
	__type(key, uint32_t);
	__type(value, uint64_t);
} visits SEC(".maps");

struct {
	__uint(type, 27); /* ring buffer */
	__uint(max_entries, 4096);
} news SEC(".maps");

/* How often somebody may come before we hear of it; the host sets it. */
volatile const uint64_t most = 2;

SEC("program") int count(const struct visit *v)
{
	uint32_t user = v->user;
	uint64_t one = 1, *n = bpf_map_lookup_elem(&visits, &user);
	struct visit copy = { v->user, v->page };

	if (!n)
		return (int)bpf_map_update_elem(&visits, &user, &one, 0);
	__sync_fetch_and_add(n, 1);
	if (*n > most)
		bpf_ringbuf_output(&news, &copy, sizeof copy, 0);
	return 0;
}
