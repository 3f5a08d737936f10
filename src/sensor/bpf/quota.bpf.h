/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * quota: who may fill a ring, and how far, when the reader falls behind.
 *
 * Up to a share of the ring everybody may put records; nothing is accounted there. Beyond it a control group may hold
 * in the ring at most half of what is free. So the room that is left shrinks with every group that takes its part, but
 * never to nothing: n flooding groups leave 2/(n + 2) of what is above the share, and one more may put a third of
 * that. What a group may not put is lost, and counted as that group's.
 *
 * What a group holds is known from the ring's positions alone, without a clock: its account is the bytes that it put in
 * a window, and in the window before. A window ends when the reader has come to where it began: by then everything of
 * the window before is read. The account is never below what the group holds of what was accounted.
 *
 * A group is the control group of the running task, or its ancestor at QUOTA_LEVEL: that is a service, a container, a
 * pod or a user's manager with all that is below, where somebody who may make groups could otherwise make himself
 * many. What lies too deep to tell is one group, and so is what lies in the root.
 */
#ifndef SALLYPORT_SENSOR_BPF_QUOTA_H
#define SALLYPORT_SENSOR_BPF_QUOTA_H

/* include/uapi/linux/bpf.h: flags of bpf_ringbuf_query */
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_RING_SIZE = 1, BPF_RB_CONS_POS = 2, BPF_RB_PROD_POS = 3 };

enum {
	QUOTA_GROUPS = 2048,
	QUOTA_LEVEL = 3,          /* of the root: 0 */
	QUOTA_DEPTH = 32,         /* most levels that are walked */
	QUOTA_SHARE_RESERVED = 4, /* 1/n of the ring */
	QUOTA_SHARE_BULK = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QUOTA_GROUPS);
	__type(key, struct wire_quota_key);
	__type(value, struct wire_quota);
} quotas SEC(".maps");

static __always_inline struct kernfs_node *kernfs_parent(const struct kernfs_node *kn)
{
	if (bpf_core_field_exists(kn->__parent))
		return BPF_CORE_READ(kn, __parent);
	return BPF_CORE_READ((const struct kernfs_node___old *)kn, parent);
}

/* The cgroup in the default hierarchy or, where that is not in use, in the memory controller's. */
static __always_inline struct cgroup *task_cgroup(const struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *cg = BPF_CORE_READ(set, dfl_cgrp);

	if (!BPF_CORE_READ(cg, level) && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		struct cgroup_subsys_state *css = 0;
		u32 index = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);

		bpf_probe_read_kernel(&css, sizeof css,
				      (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * sizeof css);
		cg = BPF_CORE_READ(css, cgroup);
	}
	return cg;
}

/* The node of the running task's group; NULL: it lies too deep to tell. */
static __always_inline struct kernfs_node *quota_group(void)
{
	struct cgroup *cg = task_cgroup((void *)bpf_get_current_task());
	struct kernfs_node *kn = BPF_CORE_READ(cg, kn);
	int level = BPF_CORE_READ(cg, level);

	for (u32 i = 0; i < QUOTA_DEPTH; i++) {
		if (level <= QUOTA_LEVEL)
			return kn;
		kn = kernfs_parent(kn);
		level--;
	}
	return 0;
}

static __always_inline u64 ring_query(u32 ring, u64 what)
{
	return ring == WIRE_RING_BULK ? bpf_ringbuf_query(&bulk, what) : bpf_ringbuf_query(&reserved, what);
}

/* Has the reader fallen so far behind that quotas count? */
static __always_inline bool quota_counts(u32 ring)
{
	u32 share = ring == WIRE_RING_BULK ? QUOTA_SHARE_BULK : QUOTA_SHARE_RESERVED;

	return ring_query(ring, BPF_RB_AVAIL_DATA) > ring_query(ring, BPF_RB_RING_SIZE) / share;
}

/* A new account: its window has ended. Not on the stack, of which the calls down to here leave too little. */
static const struct wire_quota quota_fresh;

static __always_inline struct wire_quota *quota_get(u32 ring)
{
	struct kernfs_node *kn = quota_group();
	struct wire_quota_key key = { .group = BPF_CORE_READ(kn, id), .ring = ring };
	struct wire_quota *q = bpf_map_lookup_elem(&quotas, &key);

	if (q)
		return q;
	bpf_map_update_elem(&quotas, &key, &quota_fresh, BPF_NOEXIST);
	q = bpf_map_lookup_elem(&quotas, &key);
	if (q)
		bpf_probe_read_kernel_str(q->name, sizeof q->name, BPF_CORE_READ(kn, name));
	return q;
}

/* May the running task's group put a record of this size? Then it is on its account. Two processors that account for
 * one group at once can each overlook the other's new window: that is a few records more or less for this group. */
__attribute__((noinline)) int quota_refuses(u32 ring, u32 bytes)
{
	u64 producer = ring_query(ring, BPF_RB_PROD_POS), consumer = ring_query(ring, BPF_RB_CONS_POS);
	u64 room = ring_query(ring, BPF_RB_RING_SIZE) - (producer - consumer);
	struct wire_quota *q = quota_get(ring);

	if (!q)
		return 0;
	if (consumer >= q->begin) {
		q->before = consumer >= q->end ? 0 : q->bytes;
		q->bytes = 0;
		q->begin = producer;
	}
	if (q->before + q->bytes + bytes > room / 2) {
		__sync_fetch_and_add(&q->lost, 1);
		return 1;
	}
	__sync_fetch_and_add(&q->bytes, bytes);
	q->end = producer + bytes;
	return 0;
}

#endif
