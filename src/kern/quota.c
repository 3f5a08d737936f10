/* SPDX-License-Identifier: Apache-2.0 */
/* quota: which control groups lost records, as the programs charged it to them (quota.bpf.h). */
#include "kern/kern.h"

#include "kern/quota.h"

#include <bpf/bpf.h>

/* Keep the max that lost the most, most first. */
static uint32_t insert(struct kern_group *out, uint32_t n, uint32_t max, const struct kern_group *g)
{
	uint32_t at = n;

	while (at && out[at - 1].lost < g->lost)
		at--;
	if (at == max)
		return n;
	n = n < max ? n + 1 : max;
	memmove(out + at + 1, out + at, (n - at - 1) * sizeof *out);
	out[at] = *g;
	return n;
}

static void take_name(struct kern_group *g, const char name[WIRE_GROUP_NAME])
{
	for (uint32_t i = 0; i + 1 < sizeof g->name && name[i]; i++)
		g->name[i] = name[i] > ' ' && name[i] < 0x7f && name[i] != '\'' ? name[i] : '?';
	if (!g->name[0])
		g->name[0] = '/';
}

uint32_t quota_lost(int fd, struct kern_group *out, uint32_t max)
{
	struct wire_quota_key key, *last = NULL;
	struct wire_quota q;
	uint32_t n = 0, seen = 0;

	/* A key that vanished meanwhile makes the walk begin again: it is bounded by its steps. */
	for (; seen < 2 * KERN_MAX_GROUPS && !bpf_map_get_next_key(fd, last, &key); seen++) {
		struct kern_group g = { .id = key.group, .ring = key.ring };

		last = &key;
		if (bpf_map_lookup_elem(fd, &key, &q) || !q.lost)
			continue;
		g.lost = q.lost;
		take_name(&g, q.name);
		n = insert(out, n, max, &g);
	}
	return n;
}
