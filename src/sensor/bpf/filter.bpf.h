/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * filter: what the loaded rules can depend on, as data; the rest is dropped here.
 *
 * A filter is two frozen inner maps, under the same slot of two outer maps; the slot in force is config.filter. User
 * space fills the slot that is not in force, then switches: a program sees one whole filter or the other whole one.
 * Where there is none everything passes.
 */
#ifndef SALLYPORT_SENSOR_BPF_FILTER_H
#define SALLYPORT_SENSOR_BPF_FILTER_H

enum { FILTER_SLOTS = 2, MOUNTS_AT_ONE_NAME = 3 };

/* So that the compiler describes these whole: it does not look for them in the inner maps below. */
const struct wire_filter *filter_type_of_value __attribute__((unused));
const struct wire_filter_name *filter_type_of_key __attribute__((unused));

struct filter_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wire_filter);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FILTER_SLOTS);
	__type(key, u32);
	__array(values, struct filter_inner);
} filters SEC(".maps");

struct names_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(max_entries, WIRE_FILTER_MAX_NAMES);
	__type(key, struct wire_filter_name);
	__type(value, u32);
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FILTER_SLOTS);
	__type(key, u32);
	__array(values, struct names_inner);
} filter_names SEC(".maps");

/* NULL: everything passes. */
static __always_inline const struct wire_filter *filter_get(u32 slot)
{
	void *inner = bpf_map_lookup_elem(&filters, &slot);
	u32 zero = 0;

	return inner ? bpf_map_lookup_elem(inner, &zero) : 0;
}

/* Does a rule want this? enum wire_filter_flags */
static __always_inline bool filter_flag(u32 flag)
{
	const struct wire_filter *f = filter_get(config.filter);

	return !f || f->flags & flag;
}

/* Does a rule want a record of this kind, of a call that returned ret? Counts what it does not. */
static __always_inline bool filter_wants(u32 kind, s64 ret)
{
	const struct wire_filter *f = filter_get(config.filter);

	if (!f ||
	    (f->kinds >> (kind & 63) & 1 && (ret >= 0 || kind == WIRE_EXEC_FAILED || f->failed >> (kind & 63) & 1)))
		return true;
	stats_filtered();
	return false;
}

/* Of the clauses, those that a name at this place satisfies. A name that is too long to be told satisfies all. */
static __always_inline u32 filter_name(u32 slot, u32 place, u64 name, u32 len, u32 clauses)
{
	struct wire_filter_name key = { .place = (u8)place };
	void *inner = bpf_map_lookup_elem(&filter_names, &slot);
	u32 *mask;

	if (!inner || len >= WIRE_FILTER_NAME ||
	    (len && bpf_probe_read_kernel(key.name, (u32)at_most(len, WIRE_FILTER_NAME), (void *)name)))
		return clauses;
	mask = bpf_map_lookup_elem(inner, &key);
	return mask ? clauses & *mask : 0;
}

/* Where in the tree: a directory entry that is not the root of its mount, or nothing at the root of all. */
struct place {
	struct dentry *dentry;
	struct vfsmount *mnt;
};

enum place_is { PLACE_NAMED, PLACE_ROOT, PLACE_UNKNOWN };

/* From the root of a mount to what it is mounted on. */
static __always_inline enum place_is place_settle(struct place *p)
{
#pragma unroll
	for (u32 i = 0; i < MOUNTS_AT_ONE_NAME; i++) {
		struct dentry *d = p->dentry;
		struct vfsmount *mnt = p->mnt;
		struct mount *m, *above;

		if (BPF_CORE_READ(mnt, mnt_root) != d)
			return BPF_CORE_READ(d, d_parent) == d ? PLACE_UNKNOWN : PLACE_NAMED;
		m = (void *)((u64)mnt - bpf_core_field_offset(struct mount, mnt));
		above = BPF_CORE_READ(m, mnt_parent);
		if (above == m)
			return BPF_CORE_READ(d, d_parent) == d ? PLACE_ROOT : PLACE_UNKNOWN;
		p->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		p->mnt = (void *)((u64)above + bpf_core_field_offset(struct mount, mnt));
	}
	return PLACE_UNKNOWN;
}

/*
 * Of the clauses that ask about a place of this file's path, those that its name there satisfies. Global, so that the
 * verifier looks at it once.
 */
__attribute__((noinline)) u64 filter_place(u64 file_addr, u32 slot, u32 place, u32 asks)
{
	const struct file *f = (void *)file_addr;
	struct place p = { .dentry = BPF_CORE_READ(f, f_path.dentry), .mnt = BPF_CORE_READ(f, f_path.mnt) };
	enum place_is is = place_settle(&p);
	struct dentry *d = p.dentry;

	if (place == WIRE_PLACE_PARENT && is == PLACE_NAMED) {
		p.dentry = BPF_CORE_READ(d, d_parent);
		is = place_settle(&p);
		d = p.dentry;
	}
	if (is == PLACE_UNKNOWN)
		return asks;
	if (is == PLACE_ROOT)
		return filter_name(slot, place, 0, 0, asks);
	return filter_name(slot, place, (u64)BPF_CORE_READ(d, d_name.name), BPF_CORE_READ(d, d_name.len), asks);
}

/* What an open has to satisfy yet, after its class, its name and its directory; 0: it is dropped. */
struct verdict {
	u32 clauses;
	u32 slot;
	u32 top;      /* the clauses that ask about the top of the path, or 0: the path need not be looked at */
	bool upwards; /* every clause that is left asks for "../" in the path as it was written */
};

/* f: NULL when the call failed. */
static __attribute__((noinline)) int filter_open(const struct file *f, u32 class, struct verdict *v)
{
	const struct wire_filter *w = filter_get(v->slot);
	u32 m, any_leaf, any_parent, any_top;

	v->top = 0;
	v->upwards = false;
	v->clauses = ~0u;
	if (!w)
		return 0;
	if (!(w->kinds >> WIRE_OPEN & 1) || (!f && !(w->failed >> WIRE_OPEN & 1)))
		return v->clauses = 0;
	m = w->open_class[class & (WIRE_OPEN_CLASSES - 1)];
	any_leaf = w->any[WIRE_PLACE_LEAF];
	any_parent = w->any[WIRE_PLACE_PARENT];
	any_top = w->any[WIRE_PLACE_TOP];
	if (f && m & ~any_leaf && !(m & any_leaf & any_parent & any_top))
		m = (m & any_leaf) | (u32)filter_place((u64)f, v->slot, WIRE_PLACE_LEAF, m & ~any_leaf);
	if (f && m & ~any_parent && !(m & any_parent & any_top))
		m = (m & any_parent) | (u32)filter_place((u64)f, v->slot, WIRE_PLACE_PARENT, m & ~any_parent);
	v->clauses = m;
	v->upwards = f && m && !(m & ~w->upwards);
	if (f && !(m & any_top))
		v->top = m;
	return 0;
}

/* After the walk: is the first component of the path one that is asked for? */
static __attribute__((noinline)) int filter_top(u32 slot, u32 scratch_slot, u32 clauses)
{
	struct wire_filter_name key = { .place = WIRE_PLACE_TOP };
	void *inner = bpf_map_lookup_elem(&filter_names, &slot);
	struct scratch *s = scratch_get(scratch_slot);
	u32 *mask;
	long n = 0;
	u64 at;

	if (!s || !inner)
		return 1;
	at = s->top;
	if (at > WIRE_RECORD_MAX - NAME_BYTES)
		return 1;
	if (s->n_names)
		n = bpf_probe_read_kernel_str(key.name, sizeof key.name, s->rec.bytes + at);
	if (n == sizeof key.name) /* perhaps more */
		return 1;
	mask = bpf_map_lookup_elem(inner, &key);
	return mask && clauses & *mask;
}

#endif
