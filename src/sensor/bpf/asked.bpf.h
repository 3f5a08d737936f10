/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* asked: a path as the caller gave it, and the directory that it starts from. */
#ifndef SALLYPORT_SENSOR_BPF_ASKED_H
#define SALLYPORT_SENSOR_BPF_ASKED_H

enum {
	AT_FDCWD = -100,
	DIR_NONE = -0x7fffffff, /* text that no directory belongs to */
};

static __always_inline int dir_append(int dirfd, bool absolute, u32 slot)
{
	const struct task_struct *task = (void *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct fd_table table;
	struct file *f;

	if (dirfd == DIR_NONE)
		return seg_pack(0, WIRE_SEG_CUT);
	if (absolute)
		return path_append((u64)BPF_CORE_READ(fs, root.dentry), (u64)BPF_CORE_READ(fs, root.mnt), slot);
	if (dirfd == AT_FDCWD)
		return path_append((u64)BPF_CORE_READ(fs, pwd.dentry), (u64)BPF_CORE_READ(fs, pwd.mnt), slot);
	fd_table_of(task, &table);
	f = fd_file(&table, (u32)dirfd);
	return f ? path_append_file(f, slot) : seg_pack(0, WIRE_SEG_CUT);
}

/* Fill the struct wire_path at offset in the record. string_addr 0: there is only a descriptor. */
__attribute__((noinline)) int asked_append(u64 string_addr, int dirfd, u32 slot, u32 offset)
{
	struct scratch *s = scratch_get(slot);
	struct wire_path *p;
	bool absolute = false;
	u64 start;
	int raw = 0;

	if (!s || offset > WIRE_RECORD_MAX - sizeof *p)
		return 0;
	p = (void *)(s->rec.bytes + offset);
	start = s->at;
	if (string_addr)
		raw = user_string_append(string_addr, slot);
	seg_set(&p->raw, raw);
	barrier_var(start);
	if ((raw & 0xffff) && start < WIRE_RECORD_MAX)
		absolute = s->rec.bytes[start] == '/';
	seg_set(&p->dir, dir_append(dirfd, absolute, slot));
	return 0;
}

#endif
