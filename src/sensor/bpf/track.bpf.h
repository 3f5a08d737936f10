/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * track: which of a process's first TRACK_FDS descriptors are pipes, FIFOs or sockets, so that only their closing is
 * told; and which are memory files, so that what replaces one is told even when no rule asks for it.
 *
 * One byte per descriptor, because threads store them at the same time. It may say too much (a missed close, then the
 * next close of that number is told for nothing), and too little when the least recently used process had to make room
 * or the number is higher: then the reader keeps an edge too long, which finds too many chains, never too few.
 */
#ifndef SALLYPORT_SENSOR_BPF_TRACK_H
#define SALLYPORT_SENSOR_BPF_TRACK_H

enum { TRACK_FDS = 64, TRACK_PROCESSES = 8192 };
enum tracked_as { TRACK_NONE, TRACK_CHANNEL, TRACK_MEMFD };

struct tracked {
	u8 fd[TRACK_FDS]; /* enum tracked_as */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TRACK_PROCESSES);
	__type(key, u32);
	__type(value, struct tracked);
} tracked SEC(".maps");

static __always_inline bool track_is_on(void)
{
	return config.hooks & (HOOK_IPC | HOOK_MEMFD);
}

static __always_inline struct tracked *track_make(u32 tgid)
{
	struct tracked none = {}, *t = bpf_map_lookup_elem(&tracked, &tgid);

	if (t)
		return t;
	bpf_map_update_elem(&tracked, &tgid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tracked, &tgid);
}

static __always_inline void track_set(u32 tgid, u32 fd, enum tracked_as as)
{
	struct tracked *t;

	barrier_var(fd);
	if (fd >= TRACK_FDS)
		return;
	t = track_make(tgid);
	if (t)
		t->fd[fd] = (u8)as;
}

/* Was it tracked? It is not any more. */
static __always_inline bool track_clear(u32 tgid, u32 fd)
{
	struct tracked *t;
	bool was;

	barrier_var(fd);
	if (fd >= TRACK_FDS)
		return false;
	t = bpf_map_lookup_elem(&tracked, &tgid);
	if (!t)
		return false;
	was = t->fd[fd];
	t->fd[fd] = 0;
	return was;
}

static __always_inline void track_fork(u32 parent, u32 child)
{
	struct tracked *t = bpf_map_lookup_elem(&tracked, &parent);

	if (t)
		bpf_map_update_elem(&tracked, &child, t, BPF_ANY);
	else
		bpf_map_delete_elem(&tracked, &child);
}

static __always_inline void track_exit(u32 tgid)
{
	bpf_map_delete_elem(&tracked, &tgid);
}

/* enum tracked_as. Global, so that loops stay small for the verifier. */
__attribute__((noinline)) int file_track_as(u64 file_addr)
{
	struct file *f = (void *)file_addr;

	if (file_is_channel(file_addr))
		return TRACK_CHANNEL;
	return f && file_is_memfd(f) ? TRACK_MEMFD : TRACK_NONE;
}

/* What a process has now, looked at afresh: files and open as in struct fd_table. */
__attribute__((noinline)) int track_table(u32 tgid, u64 files, u64 open_bitmap)
{
	u64 open = fd_bits(open_bitmap, 0);
	struct tracked *t = track_make(tgid);

	if (!t)
		return 0;
	for (u32 fd = 0; fd < TRACK_FDS; fd++)
		t->fd[fd] = open >> fd & 1 ? (u8)file_track_as((u64)fd_file_low(files, fd)) : 0;
	return 0;
}

#endif
