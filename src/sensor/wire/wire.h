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
	/* Each of the following makes one event of its template type; reserved but for send and receive, unlink and
	   mkdir. */
	WIRE_EXEC_FAILED, /* a process_exec that did not happen: struct wire_exec_failed */
	WIRE_ACCEPT,
	WIRE_LISTEN,
	WIRE_SOCKET,
	WIRE_SEND,
	WIRE_RECV,
	WIRE_DUP,
	WIRE_RENAME,
	WIRE_UNLINK,
	WIRE_LINK,
	WIRE_SYMLINK,
	WIRE_MKDIR,
	WIRE_CHMOD,
	WIRE_PTRACE,
	WIRE_CREDS,
	WIRE_NAMESPACE,
	WIRE_MODULE,
	WIRE_BPF,
	WIRE_USERFAULTFD,
	WIRE_N_KINDS
};

enum wire_ring { WIRE_RING_RESERVED, WIRE_RING_BULK, WIRE_N_RINGS };

enum {
	WIRE_COMM = 16,
	WIRE_TASK_FDS = 16,          /* descriptors 0..15 that ride in an exec or task record */
	WIRE_PATH_NAMES = 32,        /* deepest path that is resolved whole */
	WIRE_PATH_BYTES = 4096,      /* most bytes of a path segment */
	WIRE_ARGS_BYTES = 4096,      /* most bytes of arguments */
	WIRE_ENV_BYTES = 4096,       /* most bytes of an environment */
	WIRE_DATA_BYTES = 128,       /* most bytes of what is sent or received */
	WIRE_RECORD_MAX = 30 * 1024, /* with its bookkeeping below 32 KiB: the most that a per-CPU map value can have */
	WIRE_MAX_KINDS = 44,         /* room for kinds in what both sides map and what captures hold */
	WIRE_MAX_CPUS = 256,
	WIRE_DIRFD = 101, /* AT_FDCWD is 1 */
};

enum wire_hdr_flags {
	WIRE_COMPAT = 1,  /* the 32-bit entry was used */
	WIRE_NO_CAPS = 2, /* captures of other programs: nobody knows the capabilities */
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
	wire_u64 cap_inheritable, cap_permitted,
		cap_effective; /* bit n: capability n (include/uapi/linux/capability.h) */
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
	WIRE_FD_NONBLOCK = 16,
	WIRE_FD_UPPER = 32, /* file: in the upper layer of an overlay file system */
	WIRE_FD_LOWER = 64, /* file: in a lower layer of one */
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
// clang-format off
#define FIELD(ident, name, type, source, presence, doc) WIRE_FIELD_##source(ident)
#define WIRE_FIELD_WIRE(ident) wire_u64 ident;
#define WIRE_FIELD_PROC(ident)
#define WIRE_FIELD_DERIVED(ident)
#define SECTION_BEGIN(section) struct wire_##section##_fields {
#define SECTION_END(section) };
#include "content/template/sections.def"
// clang-format on
#undef FIELD
#undef WIRE_FIELD_WIRE
#undef WIRE_FIELD_PROC
#undef WIRE_FIELD_DERIVED
#undef SECTION_BEGIN
#undef SECTION_END

/* hdr.pid is the parent. The child has its parent's image and descriptors. */
struct wire_fork {
	struct wire_hdr hdr;
	wire_u64 child_start_ns;
	wire_u32 child_pid;
	wire_u32 sid;
	wire_u32 child_vpid; /* in its innermost namespace */
	wire_u32 pgid, vpgid;
	wire_u32 reserved;
};

enum wire_exe_flags {
	WIRE_EXE_UPPER = 1,    /* in the upper layer of an overlay file system */
	WIRE_EXE_LOWER = 2,    /* in a lower layer of one */
	WIRE_EXE_WRITABLE = 4, /* captures of other programs, which have no mode: the user can write to it */
};

struct wire_exec {
	struct wire_hdr hdr;
	struct wire_process_exec_fields fields;
	wire_u64 exe_ino, exe_dev;
	wire_u64 exe_ctime_ns, exe_mtime_ns; /* since 1970 */
	wire_u64 parent_start_ns;
	wire_u64 sid_start_ns;
	wire_u32 ppid, sid, loginuid, tty; /* loginuid 0xffffffff: unset */
	wire_u32 vpid, pgid, vpgid;        /* v: numbers in its innermost namespace */
	wire_u32 exe_flags;                /* enum wire_exe_flags */
	wire_u32 exe_uid;                  /* owner of the executable */
	wire_u32 n_fds;
	struct wire_seg exe, cwd;         /* paths */
	struct wire_seg filename, interp; /* bprm->filename and bprm->interp, no NUL; empty for WIRE_TASK */
	struct wire_seg args;             /* arguments, each NUL-terminated, from the new image */
	struct wire_seg env;              /* the same of the environment; empty when no rule wants it */
	struct wire_seg cgroup; /* as a path: in the default hierarchy or, where unused, the memory controller's */
	struct wire_seg reserved;
	struct wire_fd fds[WIRE_TASK_FDS]; /* n_fds of them, ascending by fd */
};

/*
 * A path that a caller gave. raw: its bytes without the NUL; they are read when the call returns, the caller may have
 * changed them. dir: where a relative one starts from (the working directory or that of a descriptor), for an absolute
 * one the root of the process when that is a chroot; as a path, empty without CUT for /.
 */
struct wire_path {
	struct wire_seg raw, dir;
};

struct wire_exec_failed {
	struct wire_hdr hdr;
	struct wire_path path;
};

struct wire_exit {
	struct wire_hdr hdr;
	struct wire_process_exit_fields fields;
};

/* hdr.ret < 0: it failed; then file and path are empty, and asked tells of the path. */
struct wire_open {
	struct wire_hdr hdr;
	struct wire_file_open_fields fields;
	struct wire_fd file;
	wire_u64 created; /* 1: FMODE_CREATED, this open made the file */
	struct wire_seg path;
	struct wire_path asked; /* empty when no rule wants it and the call succeeded */
	wire_u32 dirfd; /* the descriptor that a relative path starts from, plus WIRE_DIRFD; 0: not known, or none */
};

struct wire_memfd {
	struct wire_hdr hdr;
	struct wire_memfd_create_fields fields;
	struct wire_seg name; /* the dentry's name: "memfd:x", no NUL */
	wire_u32 reserved;
};

/*
 * Types about a socket. sock is the socket itself: of accept the new one, of a failed accept the listening one. For
 * what is not connected remote_* is the address of the call, as the kernel (or, of a failed call, the caller) has it.
 */
enum wire_sock_flags {
	WIRE_SOCK_SERVER = 1,       /* it listens, or came from accept */
	WIRE_SOCK_NAME_CHANGED = 2, /* send, receive: another remote end than last time on this socket */
	WIRE_SOCK_ASKED = 4,        /* the remote address comes from the caller's memory: the call failed */
};
#define WIRE_SOCK_RECORD(record, section)                                                          \
	struct record {                                                                            \
		struct wire_hdr hdr;                                                               \
		struct wire_##section##_fields fields;                                             \
		struct wire_fd sock;                                                               \
		wire_u32 sock_flags;                                                               \
		struct wire_seg path; /* sun_path, as it is (an abstract name begins with NUL) */  \
		struct wire_seg data; /* send, receive: the first bytes, when a rule wants them */ \
		wire_u32 reserved;                                                                 \
	}
WIRE_SOCK_RECORD(wire_connect, net_connect);
WIRE_SOCK_RECORD(wire_accept, net_accept);
WIRE_SOCK_RECORD(wire_listen, net_listen);
WIRE_SOCK_RECORD(wire_socket, net_socket);
WIRE_SOCK_RECORD(wire_send, net_send);
WIRE_SOCK_RECORD(wire_recv, net_recv);

/* sock: the new descriptor, whatever it is. path: of a file, else sun_path. */
struct wire_dup {
	struct wire_hdr hdr;
	struct wire_fd_dup_fields fields;
	struct wire_fd sock;
	wire_u32 sock_flags; /* enum wire_sock_flags */
	struct wire_seg path;
};

/* Types about names: rename, link and symlink have two (symlink's target is one only by its raw bytes). */
#define WIRE_PATH_RECORD(record, section)              \
	struct record {                                \
		struct wire_hdr hdr;                   \
		struct wire_##section##_fields fields; \
		struct wire_path path;                 \
	}
#define WIRE_PATHS_RECORD(record, section)             \
	struct record {                                \
		struct wire_hdr hdr;                   \
		struct wire_##section##_fields fields; \
		struct wire_path from, to;             \
	}
WIRE_PATHS_RECORD(wire_rename, file_rename);
WIRE_PATHS_RECORD(wire_link, file_link);
WIRE_PATHS_RECORD(wire_symlink, file_symlink); /* from: target, to: the link */
WIRE_PATH_RECORD(wire_unlink, file_unlink);
WIRE_PATH_RECORD(wire_mkdir, file_mkdir);
WIRE_PATH_RECORD(wire_chmod, file_chmod); /* of a descriptor: raw is empty, dir is the file's own path */

/* Types about numbers. text: module: the parameters, no NUL; else empty. path: setns, finit_module: the descriptor's.
 */
#define WIRE_CALL_RECORD(record, section)              \
	struct record {                                \
		struct wire_hdr hdr;                   \
		struct wire_##section##_fields fields; \
		struct wire_seg text, path;            \
	}
WIRE_CALL_RECORD(wire_ptrace, process_ptrace);
WIRE_CALL_RECORD(wire_namespace, process_namespace);
WIRE_CALL_RECORD(wire_module, kernel_module);
WIRE_CALL_RECORD(wire_bpf, kernel_bpf);
WIRE_CALL_RECORD(wire_userfaultfd, kernel_userfaultfd);

/* hdr has the ids and capabilities of after the call; the process table still has those of before. */
struct wire_creds {
	struct wire_hdr hdr;
	struct wire_process_creds_fields fields;
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

/* Members of a union of all records, by their fixed parts. */
// clang-format off
#define WIRE_RECORDS                                                                                               \
	struct wire_hdr hdr; struct wire_fork fork; struct wire_exec exec; struct wire_exit exit;                  \
	struct wire_memfd memfd; struct wire_open open; struct wire_connect connect; struct wire_fds fds;          \
	struct wire_chdir chdir; struct wire_exec_failed exec_failed; struct wire_accept accept;                   \
	struct wire_listen listen; struct wire_socket socket; struct wire_send send; struct wire_recv recv;        \
	struct wire_dup dup; struct wire_rename rename; struct wire_unlink unlink; struct wire_link link;          \
	struct wire_symlink symlink; struct wire_mkdir mkdir; struct wire_chmod chmod; struct wire_ptrace ptrace;  \
	struct wire_creds creds; struct wire_namespace namespace; struct wire_module module; struct wire_bpf bpf;  \
	struct wire_userfaultfd userfaultfd;
// clang-format on

/*
 * One per CPU in a memory-mapped array (map "stats"). produced counts records that were to be sent, lost those that the
 * ring had no room for, or no room for their control group; so what user space consumed is exactly produced - lost,
 * once the ring is empty.
 */
struct wire_stats {
	wire_u64 produced[WIRE_N_RINGS];
	wire_u64 lost[WIRE_N_RINGS];
	wire_u64 produced_kind[WIRE_MAX_KINDS];
	wire_u64 lost_kind[WIRE_MAX_KINDS];
	wire_u64 filtered;                 /* calls that the filter dropped: no rule can depend on them */
	wire_u64 lost_quota[WIRE_N_RINGS]; /* of lost: the group had its part of the ring */
	wire_u64 reserved[1];              /* CPUs do not share a line */
};

/*
 * Map "quotas", hash: what a control group put in a ring while the ring was filled beyond a share (quota.bpf.h). Groups
 * that put nothing for long may be forgotten.
 */
enum { WIRE_GROUP_NAME = 64 };

struct wire_quota_key {
	wire_u64 group; /* kernfs id: inode number of the group's directory; 0: lies too deep */
	wire_u32 ring;  /* enum wire_ring */
	wire_u32 reserved;
};

struct wire_quota {
	wire_u64 begin, end;        /* positions in the ring: of its window, and behind the last record put in it */
	wire_u64 bytes, before;     /* put in the window, and in the one before */
	wire_u64 lost;              /* records */
	char name[WIRE_GROUP_NAME]; /* of the group's directory, cut; empty: the root */
};

/*
 * What the loaded rules can depend on, as data: one of these in a frozen inner map, swapped as a whole, and beside it a
 * frozen map from struct wire_filter_name to a mask of clauses. Too much may pass, never too little.
 *
 * An open passes when a clause lets it pass. A clause is one bit; it asks for a class of opens (open_class), and
 * for a name among its names at each place that it asks about: the leaf, the directory that holds it, the first
 * component of the path. What the kernel side cannot tell (a name longer than the key) it lets pass.
 */
enum wire_open_class {
	WIRE_OPEN_READ = 1,
	WIRE_OPEN_WRITE = 2,
	WIRE_OPEN_CREATED = 4,
	WIRE_OPEN_EXEC = 8, /* created with an execute permission */
	WIRE_OPEN_TRUNC = 16,
	WIRE_OPEN_DIR = 32,
	WIRE_OPEN_SPECIAL = 64, /* neither a file nor a directory */
	WIRE_OPEN_FAILED = 128,
	WIRE_OPEN_CLASSES = 256,
};

enum wire_filter_place { WIRE_PLACE_LEAF, WIRE_PLACE_PARENT, WIRE_PLACE_TOP, WIRE_N_PLACES };

enum wire_filter_flags {
	WIRE_FILTER_RAW = 1,       /* a rule wants the path as the caller wrote it */
	WIRE_FILTER_ENV = 2,       /* a rule wants the environment */
	WIRE_FILTER_DATA = 4,      /* a rule wants what is sent or received */
	WIRE_FILTER_SAME_NAME = 8, /* a rule wants sends and receives without WIRE_SOCK_NAME_CHANGED too */
};

enum { WIRE_FILTER_NAME = 31, WIRE_FILTER_MAX_NAMES = 4096, WIRE_FILTER_CLAUSES = 32 };

struct wire_filter {
	wire_u64 kinds;   /* bit k: records of enum wire_kind k are wanted for rules; state's are sent in any case */
	wire_u64 failed;  /* bit k: calls that failed too */
	wire_u32 flags;   /* enum wire_filter_flags */
	wire_u32 upwards; /* clauses that ask for "../" in the path as the caller wrote it */
	wire_u32 any[WIRE_N_PLACES];            /* clauses that do not ask about this place */
	wire_u32 open_class[WIRE_OPEN_CLASSES]; /* by or-ed enum wire_open_class: clauses that such an open can satisfy
						 */
};

/* Key of the names map; the value is a mask of clauses (wire_u32). Longer names are cut to WIRE_FILTER_NAME bytes. */
struct wire_filter_name {
	wire_u8 place; /* enum wire_filter_place */
	char name[WIRE_FILTER_NAME];
};

#ifndef __bpf__
static_assert(sizeof(struct wire_hdr) == 96, "wire");
static_assert(sizeof(struct wire_fd) == 64, "wire");
static_assert(sizeof(struct wire_stats) % 64 == 0, "wire");
static_assert((int)WIRE_N_KINDS <= (int)WIRE_MAX_KINDS, "wire");
static_assert(sizeof(struct wire_filter) == 1064, "wire");
static_assert(sizeof(struct wire_filter_name) == 32, "wire");
static_assert(sizeof(struct wire_fork) == 128, "wire");
static_assert(sizeof(struct wire_seg) == 4, "wire");
static_assert(offsetof(struct wire_exec, fields) == sizeof(struct wire_hdr), "wire");
#endif

#endif
