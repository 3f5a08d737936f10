/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sensor: the fixed programs. They look and tell; they change nothing, and take nothing from content but a mask of
 * hooks.
 *
 * Meant to load on kernels from 5.8 on: no kfuncs, no bpf_loop, no atomics with fetch, members looked up by BTF.
 */
#include "sensor/bpf/kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "sensor/wire/wire.h"

#if defined(SENSOR_ARCH_X86_64)
#include "sensor/bpf/arch_x86_64.bpf.h"
#else
#error "the system call table of this architecture is not described: only x86-64 is"
#endif

#include "sensor/bpf/record.bpf.h"
#include "sensor/bpf/path.bpf.h"
#include "sensor/bpf/fd.bpf.h"
#include "sensor/bpf/track.bpf.h"
#include "sensor/bpf/process.bpf.h"
#include "sensor/bpf/syscalls.bpf.h"
#include "sensor/bpf/files.bpf.h"
#include "sensor/bpf/net.bpf.h"
#include "sensor/bpf/ipc.bpf.h"

const char sensor_license[] SEC("license") = "Dual BSD/GPL";

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	on_fork(parent, child);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	on_exec(task, bprm);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	on_exit(task);
	return 0;
}

SEC("iter/task")
int task_iter(struct bpf_iter__task *ctx)
{
	on_task(ctx->meta->seq, ctx->task);
	return 0;
}

/* socketcall(2): the call's number, and its arguments in the caller's memory. */
static __always_inline void on_socketcall(const struct call *c)
{
	enum { SYS_CONNECT = 3, SYS_ACCEPT = 5, SYS_SOCKETPAIR = 8, SYS_ACCEPT4 = 18 };
	u32 arg[4] = {};

	bpf_probe_read_user(arg, sizeof arg, (void *)c->arg[1]);
	switch ((u32)c->arg[0]) {
	case SYS_CONNECT:
		on_connect(c, arg[0]);
		break;
	case SYS_SOCKETPAIR:
		if (c->hooks & HOOK_IPC)
			on_pair(c, arg[3]);
		break;
	case SYS_ACCEPT:
	case SYS_ACCEPT4:
		if (c->hooks & HOOK_IPC)
			on_accept(c);
		break;
	}
}

static __always_inline void on_call(const struct call *c)
{
	switch (c->id) {
	case CALL_OPEN:
	case CALL_OPENAT:
	case CALL_OPENAT2:
	case CALL_CREAT:
		on_open(c);
		break;
	case CALL_MEMFD_CREATE:
		on_memfd(c);
		break;
	case CALL_CONNECT:
		on_connect(c, (u32)c->arg[0]);
		break;
	case CALL_SOCKETCALL:
		on_socketcall(c);
		break;
	case CALL_PIPE:
	case CALL_PIPE2:
		on_pair(c, c->arg[0]);
		break;
	case CALL_SOCKETPAIR:
		on_pair(c, c->arg[3]);
		break;
	case CALL_ACCEPT:
	case CALL_ACCEPT4:
		on_accept(c);
		break;
	case CALL_DUP:
	case CALL_DUP2:
	case CALL_DUP3:
	case CALL_FCNTL:
	case CALL_FCNTL64:
		on_dup(c);
		break;
	case CALL_CLOSE:
		on_close(c);
		break;
	case CALL_CLOSE_RANGE:
		on_close_range(c);
		break;
	case CALL_CHDIR:
	case CALL_FCHDIR:
		on_chdir(c);
		break;
	}
}

enum { N_SYSCALLS = 512 };

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

/*
 * Which call this is, decided from its number and its entry before anything else is looked at: this runs for every
 * system call of the host. False for one that nobody wants; then out is not set.
 */
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

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	struct call c;

	if (call_find(regs, ret, &c))
		on_call(&c);
	return 0;
}
