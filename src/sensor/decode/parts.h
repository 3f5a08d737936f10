/* SPDX-License-Identifier: Apache-2.0 */
/* parts: what the files of decode share. Private to it. */
#ifndef SALLYPORT_SENSOR_DECODE_PARTS_H
#define SALLYPORT_SENSOR_DECODE_PARTS_H

#include "sensor/decode/decode.h"
#include "sensor/ipc/ipc.h"

/* users.c: names from the text of a passwd file. */
struct users;
FALLIBLE users_new(const char *passwd, size_t len, struct users **out);
void users_free(struct users *u);
/* NULL when there is none. */
const struct helper_str *users_name(const struct users *u, uint32_t uid);

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

enum { PATH_TEXT = WIRE_PATH_BYTES + 8 };
/*
 * Leaf-first names to a path: "shadow\0etc\0" to "/etc/shadow". A cut one begins with ".../", and is empty when nothing
 * was sent; a memory file has no slash.
 */
struct proc_str record_path(struct proc_str names, uint16_t flags, char out[PATH_TEXT]);

/* names.c: numbers to what people call them. */
const char *name_of_syscall(const struct wire_hdr *h, uint32_t type); /* evt.type of a template type */
const char *name_of_error(int64_t ret);                               /* "SUCCESS", "ENOENT", or NULL */
const char *name_of_stdio(uint8_t fd_kind);                           /* NULL for none */
const char *name_of_l4proto(uint8_t proto);
struct proc_str open_flags(uint64_t flags, char out[256]);
struct proc_str memfd_flags(uint64_t flags, char out[256]);

/* An inet socket's addresses; IPv4 in IPv6 is taken out. */
struct inet {
	const uint8_t *remote, *local;
	uint32_t addr_len;
};
struct inet inet_of(const struct wire_fd *fd);

struct decode {
	const struct template_table *table;
	struct users *users;
	const struct names *names; /* or NULL */
	uint64_t boot_to_wall_ns;
	void (*emit)(void *user, struct event *e);
	void *emit_user;
	bool late;
	uint64_t types;
	uint64_t used[TEMPLATE_N_TYPES][2 * TEMPLATE_CAP / 64]; /* fields, by id */
	struct proc_table *procs;
	struct ipc *ipc;
	uint64_t next_sweep_ns, n_events;
	struct decode_stats stats;

	/* the record at hand, and the event that is made of it */
	struct record rec;
	const struct ipc_chain *chain;
	struct proc *p;        /* whose event it is */
	struct proc_view view; /* of p */
	struct proc stray;     /* stands in when the table is full: what the header tells, and no more */
	struct proc_str path;  /* resolved */
	struct event event;
	char path_text[PATH_TEXT], cwd_text[PATH_TEXT], flags_text[256], name_text[256];
	struct helper_str anames[PROC_MAX_ANCESTORS + 1], aexepaths[PROC_MAX_ANCESTORS + 1],
		acmdlines[PROC_MAX_ANCESTORS + 1];
	char text[64 * 1024]; /* strings put together for this event */
	size_t text_used;
};

/* fields.c: make the event of a type for process p and hand it out, when the type is wanted. */
void fields_emit(struct decode *d, enum template_type_id type, struct proc *p);

#endif
