/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * path: appending strings of the kernel's own objects to a record.
 *
 * A path is walked from the file upwards, over mounts, to the root of the mount namespace (not to the root of a chroot:
 * the host's view is what counts), one name per step. It is read while others may rename: a name is always whole, a
 * path may mix before and after. Each function is global, so that the verifier checks it once.
 */
#ifndef SALLYPORT_SENSOR_BPF_PATH_H
#define SALLYPORT_SENSOR_BPF_PATH_H

enum {
	NAME_BYTES = 256,                 /* NAME_MAX and its NUL */
	PATH_STEPS = WIRE_PATH_NAMES + 8, /* names and mount points */
	SEG_FLAGS_SHIFT = 16,
	TMPFS_MAGIC = 0x01021994, /* include/uapi/linux/magic.h */
	HUGETLBFS_MAGIC = 0x958458f6,
};

/* A global function returns a segment as one number. */
static __always_inline void seg_set(struct wire_seg *seg, int packed)
{
	seg->len = (u16)packed;
	seg->flags = (u16)((u32)packed >> SEG_FLAGS_SHIFT);
}

static __always_inline int seg_pack(u64 len, u32 flags)
{
	return (int)(len & 0xffff) | (int)(flags << SEG_FLAGS_SHIFT);
}

/* Append one NUL-terminated name. Its bytes with the NUL, or 0 when there is no room in the record. */
static __always_inline u64 name_append(struct scratch *s, const void *name)
{
	u64 at = s->at;
	long n;

	if (at > WIRE_RECORD_MAX - NAME_BYTES)
		return 0;
	n = bpf_probe_read_kernel_str(s->rec.bytes + at, NAME_BYTES, name);
	if (n <= 0) { /* the memory went away: an empty name, which no file has */
		s->rec.bytes[at] = 0;
		n = 1;
	}
	s->at = at + (u64)n;
	return (u64)n;
}

/* A path of one name, packed. */
static __always_inline int name_segment(u64 name, u32 slot)
{
	struct scratch *s = scratch_get(slot);

	return s ? seg_pack(name_append(s, (void *)name), 0) : 0;
}

static __always_inline bool dentry_is_unhashed(const struct dentry *d)
{
	return !BPF_CORE_READ(d, d_hash.pprev);
}

/* Of a file whose directory entry is its own root. */
static __always_inline bool dentry_is_memfd(const struct dentry *d, const struct inode *inode)
{
	unsigned long magic = BPF_CORE_READ(inode, i_sb, s_magic);
	char name[7] = {};

	bpf_probe_read_kernel_str(name, sizeof name, BPF_CORE_READ(d, d_name.name));
	return (magic == TMPFS_MAGIC || magic == HUGETLBFS_MAGIC) && name[0] == 'm' && name[1] == 'e' &&
	       name[2] == 'm' && name[3] == 'f' && name[4] == 'd' && name[5] == ':';
}

static __always_inline bool file_is_memfd(const struct file *f)
{
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);

	return BPF_CORE_READ(d, d_parent) == d && dentry_is_memfd(d, BPF_CORE_READ(f, f_inode));
}

/* DELETED, MEMFD: what the segment's flags say of the file itself. */
static __always_inline u32 path_file_flags(const struct dentry *d)
{
	struct inode *inode = BPF_CORE_READ(d, d_inode);
	bool own_root = BPF_CORE_READ(d, d_parent) == d;
	u32 flags = 0;

	if (!BPF_CORE_READ(inode, i_nlink) || (!own_root && dentry_is_unhashed(d)))
		flags |= WIRE_SEG_DELETED;
	if (own_root && dentry_is_memfd(d, inode))
		flags |= WIRE_SEG_MEMFD;
	return flags;
}

static __always_inline void path_enter(struct scratch *s, const struct mount *m, const struct dentry *d)
{
	s->dentry = (u64)d;
	s->mount = (u64)m;
	s->root = (u64)BPF_CORE_READ(m, mnt.mnt_root);
}

enum step { STEP_MORE, STEP_TOP, STEP_CUT };

/* The name at before has no parent: it is a memory file's name, "/" at the top of a file system, or nothing: a pipe. */
static __always_inline enum step path_end(struct scratch *s, u64 before)
{
	bool is_slash = false;
	u64 n = s->at - before;

	if (n == 2 && before < WIRE_RECORD_MAX)
		is_slash = s->rec.bytes[before] == '/';
	if (n == 1 || is_slash) {
		s->at = before;
		s->n_names -= 1;
		s->top = s->below_top;
	}
	return n == 1 ? STEP_CUT : STEP_TOP;
}

/* One name, or one mount point, further up. start: where the path begins in the record. */
static __always_inline enum step path_step(struct scratch *s, u64 start)
{
	struct dentry *d = (void *)s->dentry, *parent;
	u64 before = s->at;

	if ((u64)d == s->root) {
		struct mount *m = (void *)s->mount, *above = BPF_CORE_READ(m, mnt_parent);

		if (above == m) {
			/* A detached copy of a subtree (open_tree) must not hide where it is: go on. */
			s->root = 0;
			return BPF_CORE_READ(d, d_parent) == d ? STEP_TOP : STEP_MORE;
		}
		path_enter(s, above, BPF_CORE_READ(m, mnt_mountpoint));
		return STEP_MORE;
	}
	if (s->n_names >= WIRE_PATH_NAMES)
		return STEP_CUT;
	s->n_names += 1;
	s->below_top = s->top;
	s->top = before;
	if (!name_append(s, BPF_CORE_READ(d, d_name.name)))
		return STEP_CUT;
	if (s->at - start > WIRE_PATH_BYTES) {
		s->at = before;
		return STEP_CUT;
	}
	parent = BPF_CORE_READ(d, d_parent);
	s->dentry = (u64)parent;
	if (parent != d)
		return STEP_MORE;
	return path_end(s, before);
}

/* Append the path of (struct dentry, struct vfsmount); returns the segment, packed: empty and CUT when there is none.
 */
__attribute__((noinline)) int path_append(u64 dentry, u64 mnt, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	enum step step = STEP_CUT;
	u32 flags;
	u64 start;

	if (!s || !dentry || !mnt)
		return seg_pack(0, WIRE_SEG_CUT);
	start = s->at;
	flags = path_file_flags((void *)dentry);
	path_enter(s, (void *)(mnt - bpf_core_field_offset(struct mount, mnt)), (void *)dentry);
	s->n_names = 0;
	for (u32 i = 0; i < PATH_STEPS; i++) {
		step = path_step(s, start);
		if (step != STEP_MORE)
			break;
	}
	if (step != STEP_TOP)
		flags |= WIRE_SEG_CUT;
	return seg_pack(s->at - start, flags);
}

/* Append a kernel string of up to WIRE_PATH_BYTES without its NUL; returns the segment, packed. */
__attribute__((noinline)) int string_append(u64 string_addr, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u64 at;
	long n;

	if (!s || !string_addr)
		return 0;
	at = s->at;
	if (at > WIRE_RECORD_MAX - WIRE_PATH_BYTES)
		return 0;
	n = bpf_probe_read_kernel_str(s->rec.bytes + at, WIRE_PATH_BYTES, (void *)string_addr);
	if (n <= 1)
		return 0;
	s->at = at + (u64)n - 1;
	return seg_pack((u64)n - 1, n == WIRE_PATH_BYTES ? WIRE_SEG_CUT : 0);
}

/* Append a string of the caller's memory, without its NUL; CUT when it cannot be read or was longer. */
__attribute__((noinline)) int user_string_append(u64 string_addr, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u64 at;
	long n;

	if (!s)
		return 0;
	at = s->at;
	if (at > WIRE_RECORD_MAX - WIRE_PATH_BYTES)
		return seg_pack(0, WIRE_SEG_CUT);
	n = bpf_probe_read_user_str(s->rec.bytes + at, WIRE_PATH_BYTES, (void *)string_addr);
	if (n <= 0)
		return seg_pack(0, WIRE_SEG_CUT);
	s->at = at + (u64)n - 1;
	return seg_pack((u64)n - 1, n == WIRE_PATH_BYTES ? WIRE_SEG_CUT : 0);
}

static __always_inline int path_append_file(const struct file *f, u32 slot)
{
	return path_append((u64)BPF_CORE_READ(f, f_path.dentry), (u64)BPF_CORE_READ(f, f_path.mnt), slot);
}

#endif
