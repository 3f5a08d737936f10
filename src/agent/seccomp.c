/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: the worker's list of system calls, as a classic BPF program made by hand.
 *
 * A call that is not on the list kills the process (it dies with SIGSYS, which the supervisor reports). Arguments are
 * looked at where a call could do more than the worker needs: mappings are never executable, files are opened for
 * reading only, signals go to the worker itself. The list is the worker's own: start-up of the C library is over when
 * the filter is set.
 */
#include "agent/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#ifdef __x86_64__
enum { ARCH = (int)AUDIT_ARCH_X86_64, X32_BIT = 0x40000000 };
#elif defined(__aarch64__)
enum { ARCH = (int)AUDIT_ARCH_AARCH64, X32_BIT = 0x40000000 };
#else
#error "the worker's list of system calls is not known for this machine"
#endif

static const uint32_t calls[] = {
	/* memory */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	/* descriptors that it was given or made */
	SYS_read,
	SYS_pread64,
	SYS_write,
	SYS_lseek,
	SYS_close,
	SYS_newfstatat,
	SYS_fstat,
	SYS_recvmsg,
	SYS_sendmsg,
	/* waiting */
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_restart_syscall,
	/* time and chance, where the vDSO does not answer; sysinfo is qsort's question for memory */
	SYS_clock_gettime,
	SYS_gettimeofday,
	SYS_getrandom,
	SYS_sysinfo,
	/* its own end */
	SYS_getpid,
	SYS_gettid,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_futex,
	SYS_exit,
	SYS_exit_group,
#ifdef SYS_epoll_wait
	SYS_epoll_wait,
#endif
};

struct program {
	struct sock_filter *out;
	size_t n, max;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	assert(p->n < p->max && "the filter's array is large enough");
	p->out[p->n++] = (struct sock_filter){ .code = code, .jt = jt, .jf = jf, .k = k };
}

static void load(struct program *p, size_t off)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)off, 0, 0);
}

static void ret(struct program *p, uint32_t action)
{
	put(p, BPF_RET | BPF_K, action, 0, 0);
}

/* Low half of an argument: on the little-endian machines that are supported it comes first. */
static size_t arg(unsigned i)
{
	return offsetof(struct seccomp_data, args) + 8 * (size_t)i;
}

static void allow(struct program *p, uint32_t nr)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	ret(p, SECCOMP_RET_ALLOW);
}

/* Allowed when none of these bits of the argument is set. */
static void allow_without(struct program *p, uint32_t nr, unsigned which, uint32_t bits)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4);
	load(p, arg(which));
	put(p, BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
	ret(p, SECCOMP_RET_ALLOW);
	ret(p, SECCOMP_RET_KILL_PROCESS);
}

static void allow_if(struct program *p, uint32_t nr, unsigned which, uint32_t value)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4);
	load(p, arg(which));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	ret(p, SECCOMP_RET_ALLOW);
	ret(p, SECCOMP_RET_KILL_PROCESS);
}

size_t confine_filter(struct sock_filter *out, size_t max)
{
	struct program p = { .out = out, .max = max };

	load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ARCH, 1, 0);
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < countof(calls); i++)
		allow(&p, calls[i]);
	for (size_t i = 0; i < confine_n_extra_calls; i++)
		allow(&p, confine_extra_calls[i]);
	allow_without(&p, SYS_mmap, 2, PROT_EXEC);
	allow_without(&p, SYS_mprotect, 2, PROT_EXEC);
	allow_without(&p, SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
	allow_if(&p, SYS_prctl, 0, PR_SET_SECCOMP); /* only ever fewer calls */
	allow_if(&p, SYS_tgkill, 0, (uint32_t)getpid());
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	return p.n;
}

static bool install(struct sock_filter *f, size_t n)
{
	struct sock_fprog prog = { .len = (unsigned short)n, .filter = f };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0;
}

FALLIBLE confine_syscalls(struct diag *d)
{
	struct sock_filter f[256];

	if (!install(f, confine_filter(f, countof(f))))
		FAIL(d, IO, "worker: the kernel refuses the system call filter: %s", strerror(errno));
	return E_OK;
}

FALLIBLE confine_no_open(void)
{
	struct sock_filter f[8];
	struct program p = { .out = f, .max = countof(f) };

	load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1);
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	ret(&p, SECCOMP_RET_ALLOW);
	return install(f, p.n) ? E_OK : E_IO;
}
