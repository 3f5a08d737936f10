/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: each child's list of system calls, as a classic BPF program made by hand.
 *
 * A call that is not on the list kills the process (it dies with SIGSYS, which the supervisor reports). Arguments are
 * looked at where a call could do more than the child needs: mappings are never executable, but a worker's shared ones
 * of files that others made, files are opened for reading only, signals go to the child itself. The courier runs other
 * people's libraries: what they try and can do without is answered with an error. Start-up of the C library is over,
 * and all threads are there, when the filter is set.
 */
#include "agent/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#ifdef __x86_64__
enum { ARCH = (int)AUDIT_ARCH_X86_64, X32_BIT = 0x40000000 };
#elif defined(__aarch64__)
enum { ARCH = (int)AUDIT_ARCH_AARCH64, X32_BIT = 0x40000000 };
#else
#error "the worker's list of system calls is not known for this machine"
#endif

/* Of every child. */
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

/* Of the courier besides: sockets, and what the resolver asks. */
static const uint32_t courier_calls[] = {
	SYS_memfd_create,
	SYS_connect,
	SYS_bind, /* netlink: the resolver's question for addresses of this host */
	SYS_getsockname,
	SYS_getpeername,
	SYS_getsockopt,
	SYS_setsockopt,
	SYS_shutdown,
	SYS_sendto,
	SYS_recvfrom,
	SYS_sendmmsg,
	SYS_writev,
	SYS_readv,
	SYS_pwrite64,
	SYS_ppoll,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_uname,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_fcntl,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_statx,
	SYS_pipe2,
	SYS_eventfd2,
	SYS_set_robust_list,
	SYS_clock_getres,
	SYS_getcwd,
	SYS_faccessat,
	SYS_readlinkat,
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_access
	SYS_access,
#endif
#ifdef SYS_stat
	SYS_stat,
	SYS_lstat,
#endif
#ifdef SYS_readlink
	SYS_readlink,
#endif
};

/* Of a courier with a repository in a directory besides. */
static const uint32_t directory_calls[] = {
	SYS_openat2,   SYS_getdents64, SYS_fsync,    SYS_mkdirat,   SYS_renameat,
	SYS_renameat2, SYS_linkat,     SYS_unlinkat, SYS_ftruncate, SYS_fchmod,
};

/* Of the steward besides. */
static const uint32_t steward_calls[] = {
	SYS_memfd_create, SYS_accept4, SYS_getsockopt, SYS_sendto, SYS_recvfrom,
	SYS_ppoll,        SYS_fcntl,   SYS_statx,      SYS_getuid, SYS_geteuid,
#ifdef SYS_poll
	SYS_poll,
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

/* Not done, and no reason to die. */
static void refuse(struct program *p, uint32_t nr, uint32_t error)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	ret(p, SECCOMP_RET_ERRNO | error);
}

/* Allowed for these values of the argument, an error for others. */
static void allow_some(struct program *p, uint32_t nr, unsigned which, const uint32_t *values, uint8_t n,
		       uint32_t error)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, (uint8_t)(n + 3));
	load(p, arg(which));
	for (uint8_t i = 0; i < n; i++)
		put(p, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(n - i), 0);
	ret(p, SECCOMP_RET_ERRNO | error);
	ret(p, SECCOMP_RET_ALLOW);
}

/* An error when one of these bits of the argument is set, allowed when not. */
static void refuse_with(struct program *p, uint32_t nr, unsigned which, uint32_t bits, uint32_t error)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4);
	load(p, arg(which));
	put(p, BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
	ret(p, SECCOMP_RET_ALLOW);
	ret(p, SECCOMP_RET_ERRNO | error);
}

/*
 * Executable is only what somebody else's file holds, shared, and not writable in the same mapping. The worker has no
 * file that it could have written: no call that makes one is on its list, and what it is given to write to cannot be
 * read, so not be mapped.
 */
static void allow_code(struct program *p)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 8);
	load(p, arg(2));
	put(p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0);
	ret(p, SECCOMP_RET_ALLOW);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, PROT_READ | PROT_EXEC, 0, 3);
	load(p, arg(3));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, MAP_SHARED, 0, 1);
	ret(p, SECCOMP_RET_ALLOW);
	ret(p, SECCOMP_RET_KILL_PROCESS);
}

static void add_worker(struct program *p)
{
	allow_code(p);
	allow_if(p, SYS_fcntl, 1, F_GET_SEALS);
	allow_without(p, SYS_mprotect, 2, PROT_EXEC);
	allow_without(p, SYS_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
}

static void add_all(struct program *p, const uint32_t *nr, size_t n)
{
	for (size_t i = 0; i < n; i++)
		allow(p, nr[i]);
}

/* It is given everything: no file is opened, nothing is mapped but memory. */
static void add_steward(struct program *p)
{
	add_all(p, steward_calls, countof(steward_calls));
	allow_without(p, SYS_mmap, 2, PROT_EXEC);
	allow_without(p, SYS_mprotect, 2, PROT_EXEC);
	refuse(p, SYS_openat, EACCES);
}

/* It makes code, as bytes in a file of memory; it cannot run it. */
static void add_compiler(struct program *p)
{
	allow(p, SYS_memfd_create);
	allow_if(p, SYS_fcntl, 1, F_ADD_SEALS);
	allow_without(p, SYS_mmap, 2, PROT_EXEC);
	allow_without(p, SYS_mprotect, 2, PROT_EXEC);
	refuse(p, SYS_openat, EACCES);
}

static void add_courier(struct program *p, bool writes)
{
	static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	static const uint32_t ioctls[] = { FIONREAD, FIONBIO, SIOCOUTQ };
	const uint32_t write_flags = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;

	add_all(p, courier_calls, countof(courier_calls));
	allow_some(p, SYS_socket, 0, families, countof(families), EAFNOSUPPORT);
	allow_some(p, SYS_socketpair, 0, families, 1, EAFNOSUPPORT);
	allow_some(p, SYS_ioctl, 1, ioctls, countof(ioctls), ENOTTY);
	/* A name service that is a library of its own (nsswitch.conf) cannot be loaded any more: the next one is asked.
	 */
	refuse_with(p, SYS_mmap, 2, PROT_EXEC, EPERM);
	refuse_with(p, SYS_mprotect, 2, PROT_EXEC, EPERM);
	if (writes) {
		/* Landlock and the files' modes say where. */
		add_all(p, directory_calls, countof(directory_calls));
		allow(p, SYS_openat);
	}
	refuse_with(p, SYS_openat, 2, write_flags, EACCES);
#ifdef SYS_open
	refuse_with(p, SYS_open, 1, write_flags, EACCES);
#endif
	refuse(p, SYS_clone3, ENOSYS);
	refuse(p, SYS_clone, EAGAIN);
}

size_t confine_filter(enum confine_role role, struct sock_filter *out, size_t max)
{
	struct program p = { .out = out, .max = max };

	load(&p, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)ARCH, 1, 0);
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	add_all(&p, calls, countof(calls));
	add_all(&p, confine_extra_calls, confine_n_extra_calls);
	if (role == CONFINE_WORKER)
		add_worker(&p);
	else if (role == CONFINE_STEWARD)
		add_steward(&p);
	else if (role == CONFINE_COMPILER)
		add_compiler(&p);
	else
		add_courier(&p, role == CONFINE_COURIER_DIR);
	allow_if(&p, SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER); /* only ever fewer calls */
	allow_if(&p, SYS_tgkill, 0, (uint32_t)getpid());
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	return p.n;
}

static bool install(struct sock_filter *f, size_t n)
{
	struct sock_fprog prog = { .len = (unsigned short)n, .filter = f };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) == 0;
}

FALLIBLE confine_syscalls(enum confine_role role, struct diag *d)
{
	struct sock_filter f[CONFINE_MAX_INSNS];

	if (!install(f, confine_filter(role, f, countof(f))))
		FAIL(d, IO, "the kernel refuses the system call filter: %s", strerror(errno));
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

FALLIBLE confine_no_code(void)
{
	struct sock_filter f[8];
	struct program p = { .out = f, .max = countof(f) };

	load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3);
	load(&p, arg(2));
	put(&p, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	ret(&p, SECCOMP_RET_ALLOW);
	return install(f, p.n) ? E_OK : E_IO;
}

FALLIBLE confine_no_shared_writes(void)
{
	struct sock_filter f[8];
	struct program p = { .out = f, .max = countof(f) };

	load(&p, offsetof(struct seccomp_data, nr));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 5);
	load(&p, arg(2));
	put(&p, BPF_JMP | BPF_JSET | BPF_K, PROT_WRITE, 0, 3);
	load(&p, arg(3));
	put(&p, BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 0, 1); /* of MAP_SHARED_VALIDATE, too */
	ret(&p, SECCOMP_RET_KILL_PROCESS);
	ret(&p, SECCOMP_RET_ALLOW);
	return install(f, p.n) ? E_OK : E_IO;
}
