/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* process: fork, exec, exit, and the same record as exec for every process that was there before. */
#ifndef SALLYPORT_SENSOR_BPF_PROCESS_H
#define SALLYPORT_SENSOR_BPF_PROCESS_H

enum {
	PIDTYPE_PID = 0, /* include/linux/pid_types.h */
	PIDTYPE_TGID = 1,
	PIDTYPE_PGID = 2,
	PIDTYPE_SID = 3,
	CGROUP_NAMES = 8,
	SIGNAL_GROUP_EXIT = 4, /* include/linux/sched/signal.h */
	PF_KTHREAD = 0x00200000,
	STRING_MAX = 256,
	EXITED_MAX = 1024,
	EEXIST = 17,
};

/* The processes that ended last: two last threads that exit at once both see themselves as the last. */
struct exited_key {
	u64 start_ns;
	u32 pid, pad;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EXITED_MAX);
	__type(key, struct exited_key);
	__type(value, u8);
} exited SEC(".maps");

static __always_inline struct pid *task_session(const struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]);
}

/* The number that a process, group or session has in the namespace at this level; 0: it is not in there. */
static __always_inline u32 pid_number(const struct pid *pid, u32 level)
{
	u64 numbers = (u64)pid + bpf_core_field_offset(struct pid, numbers);
	int nr = 0;

	if (!pid || level > BPF_CORE_READ(pid, level))
		return 0;
	bpf_probe_read_kernel(&nr, sizeof nr, (void *)(numbers + level * bpf_core_type_size(struct upid)));
	return (u32)nr;
}

struct task_numbers {
	u32 vpid, pgid, vpgid;
};

static __always_inline void task_numbers(const struct task_struct *task, struct task_numbers *out)
{
	struct pid *pid = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
	struct pid *group = BPF_CORE_READ(task, signal, pids[PIDTYPE_PGID]);
	u32 level = BPF_CORE_READ(pid, level);

	out->vpid = pid_number(pid, level);
	out->pgid = pid_number(group, 0);
	out->vpgid = pid_number(group, level);
}

static __always_inline void on_fork(const struct task_struct *parent, const struct task_struct *child)
{
	u32 slot, parent_pid = (u32)BPF_CORE_READ(parent, tgid), pid = (u32)BPF_CORE_READ(child, tgid);
	struct task_numbers numbers;
	struct scratch *s;

	if (pid == parent_pid)
		return;
	if (track_is_on())
		track_fork(parent_pid, pid);
	s = record_begin(WIRE_FORK, WIRE_RING_RESERVED, &slot);
	if (!s)
		return;
	record_header(s, slot, WIRE_FORK, sizeof(struct wire_fork), parent);
	s->rec.hdr.ret = pid;
	s->rec.fork.child_start_ns = task_start_ns(child);
	s->rec.fork.child_pid = pid;
	task_numbers(child, &numbers);
	s->rec.fork.child_vpid = numbers.vpid;
	s->rec.fork.pgid = numbers.pgid;
	s->rec.fork.vpgid = numbers.vpgid;
	s->rec.fork.reserved = 0;
	s->rec.fork.sid = (u32)BPF_CORE_READ(task_session(child), numbers[0].nr);
	record_send(slot, WIRE_FORK, WIRE_RING_RESERVED);
}

static __always_inline void on_exit(const struct task_struct *task)
{
	struct exited_key key = { .start_ns = task_start_ns(task), .pid = (u32)BPF_CORE_READ(task, tgid) };
	struct signal_struct *sig = BPF_CORE_READ(task, signal);
	struct scratch *s;
	u32 slot;
	u8 one = 1;

	if (BPF_CORE_READ(sig, live.counter) > 0 || bpf_map_update_elem(&exited, &key, &one, BPF_NOEXIST) == -EEXIST)
		return;
	track_exit(key.pid);
	s = record_begin(WIRE_EXIT, WIRE_RING_RESERVED, &slot);
	if (!s)
		return;
	record_header(s, slot, WIRE_EXIT, sizeof(struct wire_exit), task);
	s->rec.exit.fields.status =
		(u32)(BPF_CORE_READ(sig, flags) & SIGNAL_GROUP_EXIT ? BPF_CORE_READ(sig, group_exit_code)
								    : BPF_CORE_READ(task, group_leader, exit_code));
	record_send(slot, WIRE_EXIT, WIRE_RING_RESERVED);
}

static __always_inline u32 task_tty(const struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	struct tty_driver *driver = BPF_CORE_READ(tty, driver);

	if (!tty)
		return 0;
	return dev_encode((u32)BPF_CORE_READ(driver, major) << 20 |
			  (u32)(BPF_CORE_READ(driver, minor_start) + BPF_CORE_READ(tty, index)));
}

/* When the session's leader started; 0 when it is gone. */
static __always_inline u64 session_start_ns(struct pid *session)
{
	u64 node = (u64)BPF_CORE_READ(session, tasks[PIDTYPE_PID].first);

	if (!node)
		return 0;
	return task_start_ns((void *)(node - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID])));
}

static __always_inline void exec_relations(struct wire_exec *e, const struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	struct pid *session = task_session(task);
	struct task_numbers numbers;

	task_numbers(task, &numbers);
	e->vpid = numbers.vpid;
	e->pgid = numbers.pgid;
	e->vpgid = numbers.vpgid;
	e->ppid = (u32)BPF_CORE_READ(parent, tgid);
	e->parent_start_ns = task_start_ns(parent);
	e->sid = (u32)BPF_CORE_READ(session, numbers[0].nr);
	e->sid_start_ns = session_start_ns(session);
	e->loginuid = 0xffffffff;
	if (bpf_core_field_exists(task->loginuid)) /* CONFIG_AUDIT */
		e->loginuid = BPF_CORE_READ(task, loginuid.val);
	e->tty = task_tty(task);
}

/* Append up to CGROUP_NAMES names from this node upwards, without the root's. */
__attribute__((noinline)) int kernfs_append(u64 kernfs_addr, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u64 start;

	if (!s)
		return 0;
	start = s->at;
	s->dentry = kernfs_addr;
	for (u32 i = 0; i < CGROUP_NAMES; i++) {
		struct kernfs_node *kn = (void *)s->dentry, *parent = kernfs_parent(kn);

		if (!parent)
			return seg_pack(s->at - start, 0);
		if (!name_append(s, BPF_CORE_READ(kn, name)))
			break;
		s->dentry = (u64)parent;
	}
	return seg_pack(s->at - start, kernfs_parent((void *)s->dentry) ? WIRE_SEG_CUT : 0);
}

/* The path of task_cgroup. */
static __always_inline int cgroup_append(const struct task_struct *task, u32 slot)
{
	return kernfs_append((u64)BPF_CORE_READ(task_cgroup(task), kn), slot);
}

/* Append [start, end) of the current process's memory; the last byte sent is always a NUL. */
__attribute__((noinline)) int args_append(u64 start, u64 end, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u64 at, bytes = end - start;

	if (!s || end <= start)
		return 0;
	at = s->at;
	if (at > WIRE_RECORD_MAX - WIRE_ARGS_BYTES)
		return 0;
	if (bytes > WIRE_ARGS_BYTES)
		bytes = WIRE_ARGS_BYTES;
	if (bpf_probe_read_user(s->rec.bytes + at, (u32)bytes, (void *)start))
		return seg_pack(0, WIRE_SEG_CUT);
	s->at = at + bytes;
	at += bytes - 1;
	if (at < WIRE_RECORD_MAX)
		s->rec.bytes[at] = 0;
	return seg_pack(bytes, end - start > WIRE_ARGS_BYTES ? WIRE_SEG_CUT : 0);
}

/* Descriptors 0..15, those that are open; and all that track wants to know. */
static __always_inline void exec_fds(struct scratch *s, const struct task_struct *task, u32 slot)
{
	volatile u32 *n = &s->rec.exec.n_fds; /* in memory: see struct scratch */
	struct fd_table table;
	u64 cloexec;

	fd_table_of(task, &table);
	if (!table.files)
		return;
	cloexec = fd_bits(table.close_on_exec, 0);
	for (u32 fd = 0; fd < WIRE_TASK_FDS; fd++) {
		struct file *f = fd_file_low(table.files, fd);

		if (!f)
			continue;
		fd_describe((u64)f, fd, cloexec >> fd & 1 ? WIRE_FD_CLOEXEC : 0, slot,
			    __builtin_offsetof(struct wire_exec, fds) + *n * (u32)sizeof(struct wire_fd));
		*n += 1;
	}
	if (track_is_on())
		track_table((u32)BPF_CORE_READ(task, tgid), table.files, table.open);
}

static __always_inline void exec_strings(struct scratch *s, const struct task_struct *task,
					 const struct linux_binprm *bprm, u32 slot)
{
	struct wire_exec *e = &s->rec.exec;
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	seg_set(&e->exe, path_append_file(BPF_CORE_READ(mm, exe_file), slot));
	seg_set(&e->cwd, path_append((u64)BPF_CORE_READ(fs, pwd.dentry), (u64)BPF_CORE_READ(fs, pwd.mnt), slot));
	if (bprm) {
		seg_set(&e->filename, string_append((u64)BPF_CORE_READ(bprm, filename), slot));
		seg_set(&e->interp, string_append((u64)BPF_CORE_READ(bprm, interp), slot));
		seg_set(&e->args, args_append(BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end), slot));
		if (filter_flag(WIRE_FILTER_ENV))
			seg_set(&e->env, args_append(BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end), slot));
	}
	seg_set(&e->cgroup, cgroup_append(task, slot));
}

/* A whole exec or task record. bprm is NULL for a process that is only looked at. */
static __always_inline void exec_fill(struct scratch *s, u32 kind, const struct task_struct *task,
				      const struct linux_binprm *bprm, u32 slot)
{
	struct wire_exec *e = &s->rec.exec;
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

	__builtin_memset(e, 0, sizeof *e - sizeof e->fds);
	for (u32 i = 0; i < sizeof e->fds / 8; i++)
		((volatile u64 *)e->fds)[i] = 0;
	record_header(s, slot, kind, sizeof *e, task);
	e->fields.exe_nlink = BPF_CORE_READ(inode, i_nlink);
	e->fields.exe_mode = BPF_CORE_READ(inode, i_mode);
	e->exe_ino = BPF_CORE_READ(inode, i_ino);
	e->exe_dev = dev_encode(BPF_CORE_READ(inode, i_sb, s_dev));
	e->exe_uid = BPF_CORE_READ(inode, i_uid.val);
	e->exe_ctime_ns = inode_ctime_ns(inode);
	e->exe_mtime_ns = inode_mtime_ns(inode);
	e->exe_flags = file_layer(inode);
	exec_relations(e, task);
	exec_fds(s, task, slot);
	exec_strings(s, task, bprm, slot);
}

static __always_inline void on_exec(const struct task_struct *task, const struct linux_binprm *bprm)
{
	u32 slot;
	struct scratch *s = record_begin(WIRE_EXEC, WIRE_RING_RESERVED, &slot);

	if (!s)
		return;
	exec_fill(s, WIRE_EXEC, task, bprm, slot);
	record_send(slot, WIRE_EXEC, WIRE_RING_RESERVED);
}

/* Is this the thread to tell a process's state from? The leader, or any other when the leader has ended before them. */
static __always_inline bool task_speaks(const struct task_struct *task)
{
	if (BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid))
		return true;
	return BPF_CORE_READ(task, mm) && !BPF_CORE_READ(task, group_leader, mm);
}

static __always_inline void on_task(struct seq_file *seq, const struct task_struct *task)
{
	struct scratch *s;
	u64 bytes;
	u32 slot;

	if (!task || !task_speaks(task))
		return;
	s = scratch_take(&slot);
	if (!s)
		return;
	exec_fill(s, WIRE_TASK, task, 0, slot);
	bytes = s->at;
	if (bytes <= WIRE_RECORD_MAX) {
		s->rec.hdr.bytes = (u32)bytes;
		bpf_seq_write(seq, &s->rec, (u32)bytes);
	}
	scratch_release(s);
}

#endif
