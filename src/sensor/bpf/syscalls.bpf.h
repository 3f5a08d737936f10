/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* syscalls: a system call that returned, as the handlers see it. */
#ifndef SALLYPORT_SENSOR_BPF_SYSCALLS_H
#define SALLYPORT_SENSOR_BPF_SYSCALLS_H

#define ALSO(name, nr64, nr32)

enum call_id {
	CALL_NONE,
#define SYSCALL(name, nr64, nr32, hooks) CALL_##name,
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
	N_CALLS
};

/* One system call that returned and that somebody wants. */
struct call {
	const struct task_struct *task;
	s64 ret;
	u64 arg[6];
	u32 id; /* enum call_id */
	u32 nr; /* in the row of id: where the caller used another number for the same call, that is not told */
	u32 used_nr;
	u32 hooks; /* wanted ones */
	u32 tgid;
	bool compat;
	bool small_pointers; /* structures in the caller's memory have 32-bit pointers and lengths */
};

/* s is scratch number slot. */
static __always_inline void call_header(struct scratch *s, u32 slot, u32 kind, u32 fixed, const struct call *c)
{
	record_header(s, slot, kind, fixed, c->task);
	s->rec.hdr.ret = c->ret;
	s->rec.hdr.syscall = c->nr;
	s->rec.hdr.flags = c->compat ? WIRE_COMPAT : 0;
}

#endif
