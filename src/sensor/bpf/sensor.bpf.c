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
#include "sensor/bpf/filter.bpf.h"
#include "sensor/bpf/asked.bpf.h"
#include "sensor/bpf/track.bpf.h"
#include "sensor/bpf/process.bpf.h"
#include "sensor/bpf/syscalls.bpf.h"
#include "sensor/bpf/ipc.bpf.h"
#include "sensor/bpf/files.bpf.h"
#include "sensor/bpf/names.bpf.h"
#include "sensor/bpf/socket.bpf.h"
#include "sensor/bpf/data.bpf.h"
#include "sensor/bpf/calls.bpf.h"

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

static __always_inline void on_call(const struct call *c)
{
	switch (c->id) {
	case CALL_OPEN:
	case CALL_OPENAT:
	case CALL_OPENAT2:
	case CALL_CREAT:
	case CALL_OPEN_BY_HANDLE_AT:
		if (c->ret < 0)
			on_open_failed(c);
		else
			on_open(c);
		break;
	case CALL_MEMFD_CREATE:
		on_memfd(c);
		break;
	case CALL_CONNECT:
		on_connect(c);
		break;
	case CALL_ACCEPT:
	case CALL_ACCEPT4:
		if (c->hooks & HOOK_IPC)
			on_accept(c);
		if (c->hooks & ~HOOK_IPC)
			on_accept_event(c);
		break;
	case CALL_LISTEN:
		on_listen(c);
		break;
	case CALL_SOCKET:
		on_socket(c);
		break;
	case CALL_SENDTO:
	case CALL_RECVFROM:
		on_plain_data(c);
		break;
	case CALL_SENDMSG:
	case CALL_SENDMMSG:
	case CALL_RECVMSG:
	case CALL_RECVMMSG:
		on_data(c);
		break;
	case CALL_PIPE:
	case CALL_PIPE2:
		on_pair(c, c->arg[0]);
		break;
	case CALL_SOCKETPAIR:
		on_pair(c, c->arg[3]);
		break;
	case CALL_DUP:
	case CALL_DUP2:
	case CALL_DUP3:
		if (c->hooks & HOOK_IPC)
			on_dup(c);
		if (c->hooks & HOOK_DUP)
			on_dup_event(c);
		break;
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
	case CALL_PTRACE:
		on_ptrace(c);
		break;
	case CALL_SETUID:
	case CALL_SETREUID:
	case CALL_SETRESUID:
	case CALL_SETGID:
	case CALL_SETREGID:
	case CALL_SETRESGID:
	case CALL_CAPSET:
		on_creds(c);
		break;
	case CALL_SETNS:
	case CALL_UNSHARE:
		on_namespace(c);
		break;
	case CALL_INIT_MODULE:
	case CALL_FINIT_MODULE:
		on_module(c);
		break;
	case CALL_BPF:
		on_bpf(c);
		break;
	case CALL_USERFAULTFD:
		on_userfaultfd(c);
		break;
	default:
		on_names(c);
	}
}

enum { N_SYSCALLS = 552, ENTRIES = 2, N_SOCKETCALLS = 21 };

/* What is decided from a number, by entry: 0 the 64-bit one, 1 the 32-bit one. A call that an entry lacks gets a number
 * past the end. */
#define NONE (-1)
#define CALL_INDEX(name, nr) ((nr) < 0 ? N_SYSCALLS + CALL_##name : (nr))
#define SYSCALL(name, nr64, nr32, hooks) HOOKS_##name = hooks,
#undef ALSO
#define ALSO(name, nr64, nr32)
enum {
#include "sensor/bpf/syscalls.def"
};
#undef SYSCALL
#undef ALSO
#define SYSCALL(name, nr64, nr32, hooks) [CALL_INDEX(name, nr64)] = CALL_##name,
#define ALSO(name, nr64, nr32) SYSCALL(name, nr64, nr32, 0)
static const u8 calls64[N_SYSCALLS + N_CALLS] = {
#include "sensor/bpf/syscalls.def"
};
#undef SYSCALL
#define SYSCALL(name, nr64, nr32, hooks) [CALL_INDEX(name, nr32)] = CALL_##name,
static const u8 calls32[N_SYSCALLS + N_CALLS] = {
#include "sensor/bpf/syscalls.def"
};
#undef SYSCALL
#define SYSCALL(name, nr64, nr32, hooks) [CALL_INDEX(name, nr64)] = HOOKS_##name,
static const u32 hooks64[N_SYSCALLS + N_CALLS] = {
#include "sensor/bpf/syscalls.def"
};
#undef SYSCALL
#define SYSCALL(name, nr64, nr32, hooks) [CALL_INDEX(name, nr32)] = HOOKS_##name,
static const u32 hooks32[N_SYSCALLS + N_CALLS] = {
#include "sensor/bpf/syscalls.def"
};
#undef SYSCALL
#undef ALSO
#undef CALL_INDEX
#define ALSO(name, nr64, nr32)
static const u32 call_hooks[] = {
	0,
#define SYSCALL(name, nr64, nr32, hooks) HOOKS_##name,
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
};
static const short call_numbers[N_CALLS][ENTRIES] = {
	{ 0 },
#define SYSCALL(name, nr64, nr32, hooks) { nr64, nr32 },
#include "sensor/bpf/syscalls.def"
#undef SYSCALL
};
#undef NONE

/* include/uapi/linux/net.h: SYS_SOCKET ... */
static const u8 socketcalls[N_SOCKETCALLS] = {
	[1] = CALL_SOCKET,   [3] = CALL_CONNECT,   [4] = CALL_LISTEN,    [5] = CALL_ACCEPT,    [8] = CALL_SOCKETPAIR,
	[9] = CALL_SENDTO,   [10] = CALL_RECVFROM, [11] = CALL_SENDTO,   [12] = CALL_RECVFROM, [16] = CALL_SENDMSG,
	[17] = CALL_RECVMSG, [18] = CALL_ACCEPT4,  [19] = CALL_RECVMMSG, [20] = CALL_SENDMMSG,
};
enum { SOCKETCALL_SEND = 9, SOCKETCALL_RECV = 10 };

/* socketcall(2): which call it stands for; its arguments are in the caller's memory. */
static __always_inline u32 socketcall_find(struct call *c)
{
	u32 which = (u32)c->arg[0], arg[6] = {};

	barrier_var(which);
	if (which >= N_SOCKETCALLS)
		return CALL_NONE;
	bpf_probe_read_user(arg, sizeof arg, (void *)c->arg[1]);
	if (which == SOCKETCALL_SEND || which == SOCKETCALL_RECV)
		arg[4] = arg[5] = 0; /* send and recv have four arguments */
	for (u32 i = 0; i < 6; i++)
		c->arg[i] = arg[i];
	return socketcalls[which];
}

/*
 * Which call this is, decided from its number and its entry before anything else is looked at: this runs for every
 * system call of the host. False for one that nobody wants; then out is not set.
 */
static __always_inline bool call_find(const struct pt_regs *regs, s64 ret, struct call *out)
{
	u32 nr = arch_syscall_nr(regs), id, hooks = config.hooks;
	bool compat;
	short row;

	barrier_var(nr); /* one register for the bounds check and the index */
	if (nr >= N_SYSCALLS || !((hooks64[nr] | hooks32[nr]) & hooks))
		return false;
	out->task = (void *)bpf_get_current_task();
	compat = arch_is_compat(out->task);
	id = compat ? calls32[nr] : calls64[nr];
	out->compat = compat;
	out->small_pointers = compat || nr >= ARCH_X32_FIRST;
	out->ret = compat ? (s64)(int)ret : ret;
	arch_syscall_args(regs, compat, out->arg);
	if (id == CALL_SOCKETCALL)
		id = socketcall_find(out);
	barrier_var(id);
	if (!id || id >= N_CALLS)
		return false;
	out->hooks = hooks & call_hooks[id];
	if (!out->hooks)
		return false;
	out->id = id;
	out->used_nr = nr;
	row = call_numbers[id][compat];
	out->nr = row < 0 ? nr : (u32)row;
	out->tgid = bpf_get_current_pid_tgid() >> 32;
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
