/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * wire: the records that the fixed BPF programs send, and the memory that both sides map.
 *
 * The only file that kernel and user side share. Numbers that the template table calls WIRE come from its
 * .def files, in struct wire_<type>_fields. Included by BPF C (which has its own integer types) and by
 * user space. Every struct is checked: by static asserts here and, against the BPF object's BTF, by a test.
 *
 * A record is a fixed struct, then its strings: the bytes of its segments in the order of their wire_seg members.
 * A path segment is a sequence of NUL-terminated names, leaf first ("shadow\0etc\0" is /etc/shadow; nothing at all is
 * /). Nothing at all and WIRE_SEG_CUT: there is no path (a kernel thread's exe, a pipe) or it could not be read. Paths
 * go up to the root of the mount namespace, also when the process is in a chroot.
 */
#ifndef SALLYPORT_SENSOR_WIRE_H
#define SALLYPORT_SENSOR_WIRE_H

#ifdef __bpf__
typedef unsigned char wire_u8;
typedef unsigned short wire_u16;
typedef unsigned int wire_u32;
typedef unsigned long long wire_u64;
typedef long long wire_i64;
#else
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t wire_u8;
typedef uint16_t wire_u16;
typedef uint32_t wire_u32;
typedef unsigned long long wire_u64;
typedef long long wire_i64;
#endif

enum wire_kind {
	WIRE_FORK = 1, /* reserved ring: a new process (not a thread) */
	WIRE_EXEC,     /* reserved */
	WIRE_EXIT,     /* reserved: the last thread is gone */
	WIRE_TASK,     /* from the task iterator at start: laid out as WIRE_EXEC */
	WIRE_MEMFD,    /* reserved */
	WIRE_OPEN,     /* bulk; a FIFO's goes to the reserved ring */
	WIRE_CONNECT,  /* reserved */
	WIRE_FDS,      /* reserved: descriptors of pipes, FIFOs and sockets made, copied or closed */
	WIRE_CHDIR,    /* reserved */
	WIRE_N_KINDS
};

enum wire_ring { WIRE_RING_RESERVED, WIRE_RING_BULK, WIRE_N_RINGS };

enum {
	WIRE_COMM = 16,
	WIRE_TASK_FDS = 16,     /* descriptors 0..15 that ride in an exec or task record */
	WIRE_PATH_NAMES = 32,   /* deepest path that is resolved whole */
	WIRE_PATH_BYTES = 4096, /* most bytes of a path segment */
	WIRE_ARGS_BYTES = 4096, /* most bytes of arguments */
	WIRE_RECORD_MAX = 24 * 1024,
	WIRE_MAX_CPUS = 256,
};

enum wire_hdr_flags {
	WIRE_COMPAT = 1, /* the 32-bit entry was used */
};

struct wire_hdr {
	wire_u32 bytes;   /* whole record */
	wire_u16 kind;    /* enum wire_kind */
	wire_u16 flags;   /* enum wire_hdr_flags */
	wire_u64 time_ns; /* CLOCK_BOOTTIME (bpf_ktime_get_boot_ns) */
	wire_u32 pid;     /* process (tgid) */
	wire_u32 tid;
	wire_u64 start_ns; /* start_boottime of the process's leader: with pid, its identity */
	wire_i64 ret;      /* what the system call returned */
	wire_u32 syscall;  /* its number in its ABI, or 0xffffffff */
	wire_u32 uid;      /* effective */
	wire_u32 gid;
	wire_u32 reserved;
	char comm[WIRE_COMM];
};

/* Bytes of one string after the fixed part. */
enum wire_seg_flags {
	WIRE_SEG_CUT = 1,     /* longer than was sent */
	WIRE_SEG_DELETED = 2, /* path: the file had no name any more */
	WIRE_SEG_MEMFD = 4,   /* path: an anonymous memory file; the one name is "memfd:..." */
};

struct wire_seg {
	wire_u16 len;
	wire_u16 flags;
};

enum wire_fd_kind {
	WIRE_FD_NONE, /* not open */
	WIRE_FD_FILE,
	WIRE_FD_DIR,
	WIRE_FD_CHAR,
	WIRE_FD_PIPE,
	WIRE_FD_FIFO,
	WIRE_FD_UNIX,
	WIRE_FD_IPV4,
	WIRE_FD_IPV6,
	WIRE_FD_OTHER,
};

enum wire_fd_flags {
	WIRE_FD_READ = 1,
	WIRE_FD_WRITE = 2,
	WIRE_FD_CONNECTED = 4, /* inet: has a remote address */
	WIRE_FD_CLOEXEC = 8,
};

struct wire_fd {
	wire_u32 fd;
	wire_u8 kind;    /* enum wire_fd_kind */
	wire_u8 flags;   /* enum wire_fd_flags */
	wire_u8 l4proto; /* inet: IPPROTO_* */
	wire_u8 reserved;
	wire_u64 ino; /* inode; unix: a number that both ends of a connected pair share, 0 when not connected */
	wire_u64 dev; /* device of the file system, as in stat(2) of the kernel's s_dev */
	wire_u8 remote_addr[16]; /* inet: network order, ipv4 in the first 4 */
	wire_u8 local_addr[16];
	wire_u16 remote_port, local_port; /* host order */
	wire_u32 reserved2;
};

/* struct wire_<type>_fields: the type's WIRE fields, as 64-bit numbers in table order. */
#define FIELD(ident, name, type, source, presence, doc) WIRE_FIELD_##source(ident)
#define WIRE_FIELD_WIRE(ident) wire_u64 ident;
#define WIRE_FIELD_PROC(ident)
#define WIRE_FIELD_DERIVED(ident)
struct wire_process_exec_fields {
#include "content/template/process_exec.def"
};
struct wire_process_exit_fields {
#include "content/template/process_exit.def"
};
struct wire_file_open_fields {
#include "content/template/file_open.def"
};
struct wire_memfd_create_fields {
#include "content/template/memfd_create.def"
};
struct wire_net_connect_fields {
#include "content/template/net_connect.def"
};
#undef FIELD
#undef WIRE_FIELD_WIRE
#undef WIRE_FIELD_PROC
#undef WIRE_FIELD_DERIVED

/* hdr.pid is the parent. The child has its parent's image and descriptors. */
struct wire_fork {
	struct wire_hdr hdr;
	wire_u64 child_start_ns;
	wire_u32 child_pid;
	wire_u32 sid;
};

struct wire_exec {
	struct wire_hdr hdr;
	struct wire_process_exec_fields fields;
	wire_u64 exe_ino, exe_dev;
	wire_u64 parent_start_ns;
	wire_u64 sid_start_ns;
	wire_u32 ppid, sid, loginuid, tty; /* loginuid 0xffffffff: unset */
	wire_u32 n_fds;
	struct wire_seg exe, cwd;          /* paths */
	struct wire_seg filename, interp;  /* bprm->filename and bprm->interp, no NUL; empty for WIRE_TASK */
	struct wire_seg args;              /* arguments, each NUL-terminated, from the new image */
	struct wire_seg cgroup;            /* name of the last component of the default cgroup, no NUL */
	struct wire_fd fds[WIRE_TASK_FDS]; /* n_fds of them, ascending by fd */
};

struct wire_exit {
	struct wire_hdr hdr;
	struct wire_process_exit_fields fields;
};

struct wire_open {
	struct wire_hdr hdr;
	struct wire_file_open_fields fields;
	struct wire_fd file;
	wire_u64 created; /* 1: FMODE_CREATED, this open made the file */
	struct wire_seg path;
	wire_u32 reserved;
};

struct wire_memfd {
	struct wire_hdr hdr;
	struct wire_memfd_create_fields fields;
	struct wire_seg name; /* the dentry's name: "memfd:x", no NUL */
	wire_u32 reserved;
};

struct wire_connect {
	struct wire_hdr hdr;
	struct wire_net_connect_fields fields;
	struct wire_fd sock;
	struct wire_seg path; /* unix: sun_path, as it is (an abstract name begins with NUL) */
	wire_u32 reserved;
};

enum wire_fds_op { WIRE_FDS_OPEN = 1, WIRE_FDS_DUP, WIRE_FDS_CLOSE };

/* OPEN (pipe, socketpair, accept): fds are new. DUP: fds[0] is the new descriptor, what it replaced is gone. CLOSE:
 * fds[0].fd is gone. */
struct wire_fds {
	struct wire_hdr hdr;
	wire_u32 op; /* enum wire_fds_op */
	wire_u32 n_fds;
	struct wire_fd fds[2];
};

struct wire_chdir {
	struct wire_hdr hdr;
	struct wire_seg path;
	wire_u32 reserved;
};

/*
 * One per CPU in a memory-mapped array (map "stats"). produced counts records that were to be sent, lost those that the
 * ring had no room for; so what user space consumed is exactly produced - lost, once the ring is empty.
 */
struct wire_stats {
	wire_u64 produced[WIRE_N_RINGS];
	wire_u64 lost[WIRE_N_RINGS];
	wire_u64 produced_kind[WIRE_N_KINDS];
	wire_u64 lost_kind[WIRE_N_KINDS];
	wire_u64 reserved[8]; /* to 256 bytes: CPUs do not share a line */
};

#ifndef __bpf__
static_assert(sizeof(struct wire_hdr) == 72, "wire");
static_assert(sizeof(struct wire_fd) == 64, "wire");
static_assert(sizeof(struct wire_stats) == 256, "wire");
static_assert(sizeof(struct wire_fork) == 88, "wire");
static_assert(sizeof(struct wire_seg) == 4, "wire");
static_assert(offsetof(struct wire_exec, fields) == sizeof(struct wire_hdr), "wire");
#endif

#endif
