/* SPDX-License-Identifier: Apache-2.0 */
/* parts: what the files of decode share. Private to it. */
#ifndef SALLYPORT_SENSOR_DECODE_PARTS_H
#define SALLYPORT_SENSOR_DECODE_PARTS_H

#include "sensor/decode/decode.h"
#include "sensor/ipc/ipc.h"

/* users.c: who has a number, from the text of a passwd or group file. */
struct users;
struct user {
	uint32_t id, order;
	struct helper_str name, home, shell; /* of a group only the name */
};
FALLIBLE users_new(const char *text, size_t len, struct users **out);
void users_free(struct users *u);
/* NULL when there is none. u may be NULL. */
const struct user *users_find(const struct users *u, uint32_t id);

/* record.c: a record's bytes, checked and taken apart. */
enum { RECORD_MAX_SEGS = 7 };
/* of an exec or task record */
enum record_seg { SEG_EXE, SEG_CWD, SEG_FILENAME, SEG_INTERP, SEG_ARGS, SEG_ENV, SEG_CGROUP };
enum { SEG_ONLY = 0 };                             /* memfd, chdir */
enum { SEG_PATH, SEG_OPEN_RAW, SEG_OPEN_DIR };     /* open */
enum { SEG_RAW, SEG_DIR, SEG_TO_RAW, SEG_TO_DIR }; /* names */
enum { SEG_SUN_PATH, SEG_DATA };                   /* sockets; dup has only the first */
enum { SEG_TEXT, SEG_CALL_PATH };                  /* numbers */

struct record {
	union {
		WIRE_RECORDS
	};
	struct proc_str seg[RECORD_MAX_SEGS]; /* borrowed from the bytes */
	uint16_t seg_flags[RECORD_MAX_SEGS];
};

/* E_TRUNCATED, E_FORMAT. The fixed part is copied: the bytes need no alignment. */
FALLIBLE record_read(struct view in, struct record *out);

/* path.c: paths as text. */
enum { PATH_TEXT = WIRE_PATH_BYTES + 8, JOIN_TEXT = PATH_TEXT + WIRE_PATH_BYTES + 8 };
/*
 * Leaf-first names to a path: "shadow\0etc\0" to "/etc/shadow". A cut one begins with ".../", and is empty when nothing
 * was sent; a memory file has no slash.
 */
struct proc_str record_path(struct proc_str names, uint16_t flags, char out[PATH_TEXT]);
/*
 * What a caller wrote (at most WIRE_PATH_BYTES), joined to the directory that it starts from and freed of ".", ".." and
 * double slashes, by its letters alone. dir: as record_path makes it, empty when unknown: then ".../" stands for it.
 * For an absolute raw it is the root that the caller has, which ".." does not leave.
 */
struct proc_str path_asked(struct proc_str raw, struct proc_str dir, char out[JOIN_TEXT]);

/* names.c: numbers to what people call them. */
enum call {
	CALL_NONE, /* not a system call */
#define CALL(type, name) CALL_##name,
#define CALL_NR64(name, nr)
#define CALL_NR32(name, nr)
#include "sensor/decode/calls.def"
#undef CALL
#undef CALL_NR64
#undef CALL_NR32
	N_CALLS
};
/* Which of its type's calls made the record: by its number or, when that is another type's, the type's usual one. */
enum call call_of(const struct wire_hdr *h, uint32_t type);
struct proc_str call_name(enum call call);  /* "openat" */
const char *name_of_error(int64_t ret);     /* "SUCCESS", "ENOENT", or NULL */
const char *name_of_stdio(uint8_t fd_kind); /* NULL for none */
const char *name_of_l4proto(uint8_t proto);
const char *name_of_family(uint64_t domain);                 /* "AF_INET", or NULL */
const char *name_of_ptrace(uint64_t request);                /* "PTRACE_ATTACH"; PTRACE_UNKNOWN */
const char *name_of_bpf(uint64_t cmd);                       /* "BPF_PROG_LOAD", or NULL */
const char *name_of_service(uint16_t port, uint8_t l4proto); /* "https", or NULL */

/* flags.c: sets of bits, as A|B; what has no name is a hexadecimal number at the end. */
enum { FLAGS_TEXT = 640 };
enum flag_kind {
	FLAGS_OPEN,
	FLAGS_MEMFD,
	FLAGS_ACCEPT,
	FLAGS_DUP,
	FLAGS_RENAME,
	FLAGS_AT,
	FLAGS_UNLINK,
	FLAGS_MODE,
	FLAGS_CLONE,
	FLAGS_MODULE,
	FLAGS_USERFAULTFD,
	FLAGS_EXE,
	N_FLAGS
};
struct proc_str flags_text(enum flag_kind kind, uint64_t flags, char out[FLAGS_TEXT]);

/* caps.c: sets of capabilities as text, remembered by value. */
enum caps_kind { CAPS_INHERITABLE, CAPS_PERMITTED, CAPS_EFFECTIVE, N_CAPS };
enum { CAPS_SLOTS = 16, CAPS_TEXT = 1280 };
struct caps_cache {
	struct caps_slot {
		uint64_t value;
		uint32_t len; /* 0 with value 0: the empty set, which is what a new cache holds */
		char text[CAPS_TEXT];
	} slots[CAPS_SLOTS];
};
/* "CAP_CHOWN CAP_KILL"; valid until another value is asked of the same cache. */
struct proc_str caps_text(struct caps_cache *c, uint64_t set);

/* An inet socket's addresses; IPv4 in IPv6 is taken out. */
struct inet {
	const uint8_t *remote, *local;
	uint32_t addr_len;
};
struct inet inet_of(const struct wire_fd *fd);

/* Arguments of a type: its rows evt.arg.*, which evt.args joins. */
enum { MAX_ARGS = 16 };
struct arg {
	uint16_t id;
	struct proc_str name; /* "flags" */
};

/*
 * Strings put together for one event never run out of room, whatever the records say: each field takes at most one of
 * JOIN_TEXT, but for the command lines of a chain of processes, and evt.args, which joins all arguments.
 */
enum {
	LINE_TEXT = WIRE_COMM + 2 * WIRE_ARGS_BYTES + 8,
	SCRATCH = (PROC_MAX_ANCESTORS + 1) * (LINE_TEXT + 16) + 40 * JOIN_TEXT + MAX_ARGS * JOIN_TEXT,
};

enum { CONTAINER_LIST_MAX = 3 * 256 }; /* mount.dest, mount.source, label */

struct decode {
	const struct template_table *table;
	struct users *users, *groups;
	char hostname[80];
	const struct names *names; /* or NULL */
	uint64_t boot_to_wall_ns;
	void (*emit)(void *user, struct event *e);
	void *emit_user;
	bool late;
	uint64_t types;
	uint64_t used[TEMPLATE_N_TYPES][2 * TEMPLATE_CAP / 64]; /* fields, by id */
	struct arg args[TEMPLATE_N_TYPES][MAX_ARGS];
	uint32_t n_args[TEMPLATE_N_TYPES];
	struct proc_table *procs;
	struct ipc *ipc;
	uint64_t next_sweep_ns, n_events;
	struct decode_stats stats;
	struct caps_cache caps[N_CAPS];

	/* the record at hand, and the event that is made of it */
	struct record rec;
	const struct ipc_chain *chain;
	enum call call;
	struct proc *p;               /* whose event it is */
	const struct proc_view *view; /* of p */
	struct proc stray;            /* stands in when the table is full: what the header tells, and no more */
	bool ids_hidden;              /* who the process was before the call is not known */
	bool has_path, has_joined[2], has_sock_name;
	struct proc_str path, joined[2], sock_name; /* once they are asked for */
	const struct wire_fd *sock;                 /* of types about sockets */
	uint32_t sock_flags;
	struct event event;
	char path_text[PATH_TEXT], cwd_text[PATH_TEXT], cgroup_text[PATH_TEXT], dir_text[PATH_TEXT], joined_text[2][JOIN_TEXT];
	struct helper_str ancestors[6][PROC_MAX_ANCESTORS + 1];
	struct helper_str cgroups[2];                         /* thread.cgroup[] */
	struct helper_str container_list[CONTAINER_LIST_MAX]; /* of the fields with lists, one after the other */
	size_t container_listed;
	uint64_t container_event; /* whose they are */
	struct helper_str argv[WIRE_ARGS_BYTES], envs[WIRE_ENV_BYTES];
	char text[SCRATCH];
	size_t text_used;
};

/* fields.c: make the event of a type for process p and hand it out, when the type is wanted. */
void fields_emit(struct decode *d, enum template_type_id type, struct proc *p);

/* Each group of fields: put the value of one into the event, or leave it missing. */
void fields_proc(struct decode *d, uint32_t id);      /* proc.*, user.*, group.* */
void fields_container(struct decode *d, uint32_t id); /* container.*, k8s.*, thread.cgroup[] */
void fields_exec(struct decode *d, uint32_t id);
void fields_exit(struct decode *d, uint32_t id);
void fields_open(struct decode *d, uint32_t id);
void fields_memfd(struct decode *d, uint32_t id);
void fields_rename(struct decode *d, uint32_t id);
void fields_unlink(struct decode *d, uint32_t id);
void fields_link(struct decode *d, uint32_t id);
void fields_symlink(struct decode *d, uint32_t id);
void fields_mkdir(struct decode *d, uint32_t id);
void fields_chmod(struct decode *d, uint32_t id);
void fields_connect(struct decode *d, uint32_t id);
void fields_accept(struct decode *d, uint32_t id);
void fields_listen(struct decode *d, uint32_t id);
void fields_socket(struct decode *d, uint32_t id);
void fields_send(struct decode *d, uint32_t id);
void fields_recv(struct decode *d, uint32_t id);
void fields_dup(struct decode *d, uint32_t id);
void fields_ptrace(struct decode *d, uint32_t id);
void fields_creds(struct decode *d, uint32_t id);
void fields_namespace(struct decode *d, uint32_t id);
void fields_module(struct decode *d, uint32_t id);
void fields_bpf(struct decode *d, uint32_t id);
void fields_userfaultfd(struct decode *d, uint32_t id);
void fields_ipc(struct decode *d, uint32_t id);

/* value.c: values that many fields have. */
char *value_room(struct decode *d, size_t len); /* for a string of this event; NULL when it is used up */
void value_str(struct decode *d, uint32_t id, struct proc_str s);     /* an empty one stays missing */
void value_name(struct decode *d, uint32_t id, const struct proc *p); /* its comm; p may be NULL */
size_t value_put_number(char *out, int64_t n);                        /* as text; at most 20 bytes, no NUL */
void value_number(struct decode *d, uint32_t id, int64_t n);          /* as text */
void value_octal(struct decode *d, uint32_t id, uint64_t n);          /* as text */
void value_flags(struct decode *d, uint32_t id, enum flag_kind kind, uint64_t flags);
void value_user(struct decode *d, uint32_t id, const struct users *u, uint32_t n); /* its name or, as text, n */
/* "3(<f>/etc/hosts)"; of a negative one "-2(ENOENT)" */
void value_fd(struct decode *d, uint32_t id, int64_t fd, const char *letter, struct proc_str name);
const char *value_fd_letter(uint8_t fd_kind, uint16_t seg_flags); /* f d p m o, for what is not a socket */
/* comm, a space, the arguments */
struct proc_str value_cmdline(struct decode *d, const struct proc *p);
/* All of a path, its directory or its last name. */
enum path_part { PATH_WHOLE, PATH_DIRECTORY, PATH_FILENAME };
void value_path(struct decode *d, uint32_t id, struct proc_str path, enum path_part part);
/* fields_container.c: container.id of the event's process; empty when it is not known. */
struct proc_str container_id(const struct decode *d);
bool container_field_needs_files(uint32_t id);
/* "container.id:text" */
void value_in_container(struct decode *d, uint32_t id, struct proc_str s);

#endif
