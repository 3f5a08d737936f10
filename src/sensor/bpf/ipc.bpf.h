/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ipc: pipes and sockets that are made, copied and closed, as far as they can be part of a chain between processes. */
#ifndef SALLYPORT_SENSOR_BPF_IPC_H
#define SALLYPORT_SENSOR_BPF_IPC_H

enum { F_DUPFD = 0, F_DUPFD_CLOEXEC = 1030, CLOSE_RANGE_CLOEXEC = 4 };

/* One record about one descriptor, or two when fd2 is not FD_ABSENT. */
enum { FD_ABSENT = 0xffffffff };

static __attribute__((noinline)) void fds_send(const struct call *c, const struct fd_table *t, u32 op, u32 fd1, u32 fd2)
{
	u32 slot;
	struct scratch *s = record_begin(WIRE_FDS, WIRE_RING_RESERVED, &slot);
	const u32 first = __builtin_offsetof(struct wire_fds, fds);

	if (!s)
		return;
	call_header(s, slot, WIRE_FDS, sizeof(struct wire_fds), c);
	s->rec.fds.op = op;
	s->rec.fds.n_fds = fd2 == FD_ABSENT ? 1 : 2;
	fd_describe(op == WIRE_FDS_CLOSE ? 0 : (u64)fd_file(t, fd1), fd1, op == WIRE_FDS_CLOSE ? 0 : fd_flags(t, fd1),
		    slot, first);
	fd_describe(fd2 == FD_ABSENT ? 0 : (u64)fd_file(t, fd2), fd2 == FD_ABSENT ? 0 : fd2,
		    fd2 == FD_ABSENT ? 0 : fd_flags(t, fd2), slot, first + sizeof(struct wire_fd));
	record_send(slot, WIRE_FDS, WIRE_RING_RESERVED);
}

static __always_inline bool fd_is_channel(const struct fd_table *t, u32 fd)
{
	return file_is_channel((u64)fd_file(t, fd));
}

/*
 * pipe and socketpair put two numbers into the caller's memory, which it may change before they are read here; numbers
 * that are no channel are left out. What is missed that way comes with the next exec or dup.
 */
static __attribute__((noinline)) int on_pair(const struct call *c, u64 numbers)
{
	struct fd_table table;
	u32 fd[2];
	bool is[2];

	if (c->ret || bpf_probe_read_user(fd, sizeof fd, (void *)numbers))
		return 0;
	fd_table_of(c->task, &table);
	for (u32 i = 0; i < 2; i++) {
		is[i] = fd_is_channel(&table, fd[i]);
		if (is[i])
			track_set(c->tgid, fd[i], TRACK_CHANNEL);
	}
	if (is[0])
		fds_send(c, &table, WIRE_FDS_OPEN, fd[0], is[1] ? fd[1] : FD_ABSENT);
	else if (is[1])
		fds_send(c, &table, WIRE_FDS_OPEN, fd[1], FD_ABSENT);
	return 0;
}

static __attribute__((noinline)) int on_accept(const struct call *c)
{
	struct fd_table table;
	u32 fd = (u32)c->ret;

	if (c->ret < 0)
		return 0;
	fd_table_of(c->task, &table);
	if (!fd_is_channel(&table, fd))
		return 0;
	track_set(c->tgid, fd, TRACK_CHANNEL);
	fds_send(c, &table, WIRE_FDS_OPEN, fd, FD_ABSENT);
	return 0;
}

/* dup, dup2, dup3, fcntl: told when what is copied, or what it replaced, is a channel. */
static __attribute__((noinline)) int on_dup(const struct call *c)
{
	bool was, is;
	struct fd_table table;
	u32 fd = (u32)c->ret;

	if (c->ret < 0 || (c->id == CALL_DUP2 && (u32)c->arg[0] == fd))
		return 0;
	if ((c->id == CALL_FCNTL || c->id == CALL_FCNTL64) && (u32)c->arg[1] != F_DUPFD &&
	    (u32)c->arg[1] != F_DUPFD_CLOEXEC)
		return 0;
	fd_table_of(c->task, &table);
	was = track_clear(c->tgid, fd);
	is = fd_is_channel(&table, fd);
	if (is)
		track_set(c->tgid, fd, TRACK_CHANNEL);
	if (was || is)
		fds_send(c, &table, WIRE_FDS_DUP, fd, FD_ABSENT);
	return 0;
}

/*
 * Told only when the number is free now: between the close and here another thread may have got it again, and has told
 * so. Whether the call reported an error does not matter (close can fail and still close).
 */
static __attribute__((noinline)) int on_close(const struct call *c)
{
	struct tracked *t;
	struct fd_table table;
	u32 fd = (u32)c->arg[0];

	barrier_var(fd);
	if (fd >= TRACK_FDS)
		return 0;
	t = bpf_map_lookup_elem(&tracked, &c->tgid);
	if (!t || t->fd[fd] != TRACK_CHANNEL)
		return 0;
	fd_table_of(c->task, &table);
	if (fd_bits(table.open, 0) >> fd & 1)
		return 0;
	t->fd[fd] = 0;
	fds_send(c, &table, WIRE_FDS_CLOSE, fd, FD_ABSENT);
	return 0;
}

/* Whatever range it was: tracked descriptors that are not open any more. */
static __attribute__((noinline)) int on_close_range(const struct call *c)
{
	struct tracked *t = bpf_map_lookup_elem(&tracked, &c->tgid);
	struct fd_table table;
	u64 open;

	if (!t || c->arg[2] & CLOSE_RANGE_CLOEXEC)
		return 0;
	fd_table_of(c->task, &table);
	open = fd_bits(table.open, 0);
	for (u32 fd = 0; fd < TRACK_FDS; fd++) {
		if (t->fd[fd] != TRACK_CHANNEL || open >> fd & 1)
			continue;
		t->fd[fd] = 0;
		fds_send(c, &table, WIRE_FDS_CLOSE, fd, FD_ABSENT);
	}
	return 0;
}

#endif
