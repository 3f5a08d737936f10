/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* syscalls: which system call this exit belongs to, decided from its number and its entry before anything else is looked at. */
#ifndef SALLYPORT_SENSOR_BPF_SYSCALLS_H
#define SALLYPORT_SENSOR_BPF_SYSCALLS_H

enum { N_SYSCALLS = 512 };

enum call_id {
	CALL_NONE,
#define SYSCALL(name, nr64, nr32, hooks) CALL_##name,
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
	N_CALLS
};

/* A call that an entry lacks gets a number past the end. */
#define NONE (-1)
#define CALL_INDEX(name, nr) ((nr) < 0 ? N_SYSCALLS + CALL_##name : (nr))
static const u8 calls64[N_SYSCALLS + N_CALLS] = {
#define SYSCALL(name, nr64, nr32, hooks) [CALL_INDEX(name, nr64)] = CALL_##name,
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
};
static const u8 calls32[N_SYSCALLS + N_CALLS] = {
#define SYSCALL(name, nr64, nr32, hooks) [CALL_INDEX(name, nr32)] = CALL_##name,
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
};
#undef CALL_INDEX
#undef NONE
static const u32 call_hooks[] = {
	0,
#define SYSCALL(name, nr64, nr32, hooks) hooks,
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
};

/* One system call that returned and that somebody wants. */
struct call {
	const struct task_struct *task;
	s64 ret;
	u64 arg[4];
	u32 id; /* enum call_id */
	u32 nr;
	u32 hooks; /* wanted ones */
	u32 tgid;
	bool compat;
};

/* False for a call that nobody wants: then out is not set. */
static __always_inline bool call_find(const struct pt_regs *regs, s64 ret, struct call *out)
{
	u32 nr = arch_syscall_nr(regs), id;
	bool compat;

	barrier_var(nr); /* one register for the bounds check and the index */
	if (nr >= N_SYSCALLS || !(calls64[nr] | calls32[nr]))
		return false;
	out->task = (void *)bpf_get_current_task();
	compat = arch_is_compat(out->task);
	id = compat ? calls32[nr] : calls64[nr];
	barrier_var(id);
	if (!id || id >= N_CALLS)
		return false;
	out->hooks = wanted_hooks & call_hooks[id];
	if (!out->hooks)
		return false;
	out->id = id;
	out->nr = nr;
	out->compat = compat;
	out->ret = compat ? (s64)(int)ret : ret;
	out->tgid = bpf_get_current_pid_tgid() >> 32;
	arch_syscall_args(regs, compat, out->arg);
	return true;
}

static __always_inline void call_header(struct scratch *s, u32 kind, u32 fixed, const struct call *c)
{
	record_header(s, kind, fixed, c->task);
	s->rec.hdr.ret = c->ret;
	s->rec.hdr.syscall = c->nr;
	s->rec.hdr.flags = c->compat ? WIRE_COMPAT : 0;
}

#endif
