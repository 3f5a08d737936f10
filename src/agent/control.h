/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: how the supervisor talks with its children, the worker and the courier, and the memory that they share.
 *
 * Messages of one fixed size over a SOCK_SEQPACKET pair, descriptors beside them. Both sides treat what comes in as
 * hostile: size, type, direction, number of descriptors and every field are checked before anything acts on it. Neither
 * side ever blocks on the other for longer than the socket's time limit. Normative: docs/formats/control.md.
 */
#ifndef SALLYPORT_AGENT_CONTROL_H
#define SALLYPORT_AGENT_CONTROL_H

#include "agent/worker_page.h"
#include "base/base.h"
#include "sensor/container/container.h"
#include "sensor/wire/wire.h"

enum {
	CONTROL_VERSION = 1,
	CONTROL_BYTES = 512,      /* every message */
	CONTROL_NAME_BYTES = 448, /* a file's name with its NUL */
	CONTROL_MAX_FDS = 8,
	CONTROL_MAX_FILES = 256,
	CONTROL_MAX_OUTPUTS = 3,
	CONTROL_MAX_RATE = 1000000,        /* records of a capture a second */
	CONTROL_MAX_NAMES_BYTES = 1 << 20, /* of names that are asked for, and of answers */
};

/* Places in CONTROL_OUTPUT and in the page. */
enum control_output_index { CONTROL_STDOUT, CONTROL_FILE_OUTPUT, CONTROL_COURIER_PIPE };

/* From the supervisor below 16, to it from 16 on. */
enum control_type {
	CONTROL_START = 1, /* fds: page, flight recorder, passwd, group (or /dev/null), then by its flags ring 0, ring
			      1, statistics, the courier's page if there is one */
	CONTROL_FILE,      /* fd: rules or compiled content, sealed memory */
	CONTROL_OUTPUT,    /* fd: the sink; also the answer to CONTROL_ROTATE, then the fd may be missing: it failed */
	CONTROL_LOAD,      /* all files were sent: judge them, answer READY or FAILED; later: the same with new files */
	CONTROL_GO,        /* fd: task iterator (of a capture none); hooks are attached: scan, answer SCANNED */
	CONTROL_RUN,       /* from now on sinks are the worker's to write to */
	CONTROL_STOP,      /* hooks are detached: drain, flush, answer FINAL, exit */
	CONTROL_RECORD, /* before LOAD, fd: a file for all records that the worker consumes; then LOAD may have no files
			 */
	CONTROL_NAMES,  /* fd: to the worker: lines "ADDRESS NAME..."; to the courier: the names to resolve, one a line
			 */
	CONTROL_COURIER,   /* to a courier, first: settings, its page, the pipe of alerts, certificates (may be missing)
			    */
	CONTROL_RESCAN,    /* fd: task iterator; records were lost: look at all processes again, beside judging */
	CONTROL_CODE = 12, /* fd: native code of the content in force, as a compiler made and sealed it */
	CONTROL_CONTAINER = 15, /* answers ASK_CONTAINER; fds: its files, or none */
	CONTROL_READY = 16,
	CONTROL_FAILED, /* content was refused; reasons went to stderr; the worker goes on with what it had, or exits */
	CONTROL_SCANNED,
	CONTROL_ROTATE, /* an output is past its limit */
	CONTROL_GONE,   /* an output's reader is gone for good */
	CONTROL_FINAL,
	CONTROL_ASK,      /* fd: from the courier: lines "ADDRESS NAME..." */
	CONTROL_FILTER,   /* before READY: the page has the filter of the content; without it everything passes */
	CONTROL_QUESTION, /* from the worker: the page has the names that rules use, one a line */
	CONTROL_COMPILED, /* fd: from a compiler: sealed memory with native code */
	CONTROL_ASK_CONTAINER = 31, /* what is known of a container? */

	/* Release: from the supervisor 64 to 79, to it from 80 on. The steward decides, the courier fetches, the
	 * supervisor keeps and arms; bytes go from one to the other unread. */
	CONTROL_STEWARD = 64, /* to the steward, first. fds: what it saved, root, root's signatures, policy, owner's
				 key, secret key of the agent (each may be /dev/null), the page (read only) */
	CONTROL_CLIENTS,      /* fd: to the steward: the socket that listens for the owner's commands; may not come */
	CONTROL_GOT,          /* fd, or none. To the steward: answers FETCH and PUT */
	CONTROL_FACT,         /* to the steward: what became of content: phases, strikes, levels */
	CONTROL_LOCAL,        /* fds: bytes and signatures: content of the owner's lane */
	CONTROL_MUTE,         /* to the worker, from the steward: see struct control_mute */
	CONTROL_EXERCISE,     /* to the worker: run the vectors of the content in force */
	CONTROL_CAPTURE,      /* to the worker before LOAD, fd: a capture to take instead of rings */
	CONTROL_FETCH_FILE,   /* to the courier: a file of the repository is wanted */
	CONTROL_PUT_FILE,     /* fd: the same: write it there */
	CONTROL_NOTE,         /* to the worker: an internal alert to write */
	CONTROL_WATCHING,     /* to the steward: a worker watches, and knows of no mutes */
	CONTROL_FETCH = 80,   /* from the steward, passed on to the courier */
	CONTROL_PUT,          /* fd: the same */
	CONTROL_FETCHED,      /* fd, or none: from the courier, passed on to the steward */
	CONTROL_SAVE,         /* fd: keep this for the next steward: its state, or its key */
	CONTROL_OFFER,        /* fd: content that may be activated: its lane and digest */
	CONTROL_REVOKED,      /* a digest */
	CONTROL_ORDER,        /* the owner's word, by way of the steward: safe on, off, clear */
	CONTROL_ASK_MUTE,     /* and mute, unmute, passed on to the worker */
	CONTROL_PLAN,         /* from the steward: how long the steps of new content take */
	CONTROL_TESTED,       /* from a scratch worker: how the vectors went */
};

enum { CONTROL_MAX_FETCH = 64 << 20, CONTROL_MAX_SAVED = 1 << 20, CONTROL_N_LANES = 2 };

enum control_start_flags {
	CONTROL_ALL_MATCHES = 1,
	CONTROL_COLOUR = 2,       /* stderr is a terminal that shows colours */
	CONTROL_STRICT_FALCO = 4, /* rules are read with rule_opts.strict_falco */
	CONTROL_NO_FILTER = 8,    /* send none: everything is to pass */
	/*
	 * At most one of these. Without: live, of rings.
	 *   SCRATCH   the first four descriptors only; FILE, LOAD; answers TESTED and exits with 0, or FAILED
	 *   SHADOW    as live, with a page and a flight recorder of its own, without OUTPUT and RECORD; it asks for no
	 *             names or containers. Start it with nice
	 * 10 CAPTURED  the first four, and the courier's page; CAPTURE before LOAD; GO without a descriptor
	 */
	CONTROL_SCRATCH = 16,
	CONTROL_SHADOW = 32,
	CONTROL_CAPTURED = 64,
	CONTROL_BUNDLES = 128,  /* what is no bundle is refused */
	CONTROL_NATIVE = 256,   /* to a live worker: CODE may come */
	CONTROL_COMPILER = 512, /* no worker but a compiler: no descriptors; FILE, LOAD; answers COMPILED and exits, or
				   exits */
};

struct control_hdr {
	uint32_t type; /* enum control_type */
	uint32_t version;
};

struct control_start {
	uint32_t flags;
	uint32_t ring_bytes[WIRE_N_RINGS];
	uint32_t n_cpus;
	uint64_t boot_to_wall_ns;
	char hostname[72];            /* NUL-terminated */
	uint32_t throttle_per_minute; /* alerts of a rule, control group and executable; 0: no bound */
	uint32_t zero;
};

struct control_capture {
	uint32_t records_per_s; /* 0: as far apart as they were recorded */
};

struct control_file {
	uint32_t index;
	uint32_t bytes;
	char name[CONTROL_NAME_BYTES]; /* for messages; NUL-terminated */
};

struct control_output {
	uint32_t index;
	uint32_t format;     /* enum output_format */
	uint64_t max_bytes;  /* ask for rotation past this; 0: never */
	uint64_t have_bytes; /* in the file already */
};

struct control_load {
	uint32_t n_files;
};

struct control_ready {
	uint32_t hooks; /* enum kern_hook: what loaded content needs */
	uint32_t n_rules, n_programs, n_warnings;
	uint8_t digest[32];
};

struct control_failed {
	uint32_t exit_code; /* 1 or 3 */
};

struct control_scanned {
	uint32_t n_procs;
};

struct control_which {
	uint32_t index;
	uint32_t error; /* GONE: errno */
};

struct control_filter {
	uint32_t n_names; /* in the page's filter: at most WIRE_FILTER_MAX_NAMES */
};

struct control_question {
	uint32_t bytes; /* at most PAGE_QUESTION_BYTES */
};

struct control_ask_container {
	uint32_t runtime; /* enum container_runtime */
	uint32_t zero;
	char id[CONTAINER_ID_MAX]; /* container_id_ok */
};

struct control_container {
	uint32_t runtime; /* enum container_runtime, as far as the place of the files tells */
	uint32_t shape;   /* enum container_shape */
	uint32_t have;    /* bit i: file i of the shape is among the descriptors */
	uint32_t again;   /* 1: not looked up, there were too many questions */
	char id[CONTAINER_ID_MAX];
};

/* ---- release ---- */

struct control_steward {
	uint64_t boottime_s, realtime_s;
	uint8_t boot[16];
	uint32_t flags; /* enum control_steward_flags */
	char kernel[64], repository[256];
};
enum control_steward_flags {
	CONTROL_STEWARD_KEEPS = 1, /* there is a state directory: what is decided lasts, and SAFE can be ordered */
};

struct control_fetch {  /* FETCH, PUT, GOT */
	uint32_t id;    /* of the question */
	uint32_t max;   /* FETCH: bytes */
	uint32_t once;  /* PUT: not when it is there */
	uint32_t error; /* GOT: enum err, or 0 */
	char name[128];
};

struct control_fact { /* as struct local_state has it, after each change */
	uint32_t lane, phase, level, cause, signal;
	uint8_t lkg[32], candidate[32], strike[32];
	uint64_t in_phase_s, strikes, unclean_boots, worker_deaths, blind_ms, shadow_alerts, live_alerts;
	char rule[64], text[112];
};

struct control_offer { /* OFFER, REVOKED */
	uint32_t lane;
	uint32_t bytes;
	uint8_t digest[32];
	uint64_t seq;
};

struct control_save {
	uint32_t what; /* enum control_saved */
	uint32_t bytes;
};
enum control_saved { CONTROL_SAVED_STATE, CONTROL_SAVED_KEY };

struct control_mute {
	uint32_t remove; /* 1: unmute */
	uint32_t zero;
	uint64_t until_s; /* CLOCK_BOOTTIME */
	char rule[192];   /* NUL-terminated, as are: */
	char key[64];     /* a field's name, or "" */
	char value[128];
	char reason[96];
};

struct control_order {
	uint32_t order;  /* enum control_order_kind */
	uint32_t client; /* answered with the same number in FACT */
	uint8_t digest[32];
};
enum control_order_kind { CONTROL_ORDER_SAFE_ON, CONTROL_ORDER_SAFE_OFF, CONTROL_ORDER_CLEAR };

struct control_plan {
	uint32_t shadow_s, shadow_events, probation_s; /* as in struct plan */
};

struct control_note {
	char rule[96], text[256]; /* NUL-terminated */
};

struct control_tested {
	uint32_t n_vectors, n_failed, first_failed, rule;
	uint8_t digest[32];
	char text[128];
};

/* Counters are in the page. */
struct control_msg {
	struct control_hdr hdr;
	union {
		struct control_start start;
		struct control_file file;
		struct control_output output;
		struct control_load load;
		struct control_ready ready;
		struct control_failed failed;
		struct control_scanned scanned;
		struct control_which which; /* ROTATE, GONE */
		struct control_filter filter;
		struct control_question question;
		struct control_ask_container ask_container;
		struct control_container container;
		struct control_steward steward;
		struct control_fetch fetch;
		struct control_fact fact;
		struct control_offer offer;
		struct control_save save;
		struct control_mute mute;
		struct control_capture capture;
		struct control_order order;
		struct control_plan plan;
		struct control_note note;
		struct control_tested tested;
		uint8_t bytes[CONTROL_BYTES - sizeof(struct control_hdr)];
	} u;
};

/* A message and the descriptors that came or go with it. */
struct control_packet {
	struct control_msg msg;
	int fds[CONTROL_MAX_FDS];
	uint32_t n_fds;
};

void control_init(struct control_packet *p, enum control_type type);
/* A connected pair, close-on-exec. E_IO. */
FALLIBLE control_pair(int sv[2]);
/* Descriptors are borrowed. E_IO with errno (EPIPE: the other side is gone). */
FALLIBLE control_send(int sock, const struct control_packet *p);
/*
 * Receive and check one message that is allowed in this direction. On success the caller owns the descriptors.
 * from_child: which side's messages are accepted.
 *
 * E_NOT_FOUND  nothing there (non-blocking socket)
 * E_TRUNCATED  the other side is gone
 * E_FORMAT     wrong size, version, type, direction, number of descriptors, or a field out of bounds; d says which
 * E_IO
 */
FALLIBLE control_recv(int sock, bool from_child, struct control_packet *out, struct diag *d);
/* worker_control.c: the bodies of what the supervisor sends. E_FORMAT. */
FALLIBLE worker_control_check(const struct control_packet *p, struct diag *d);
void control_close_fds(struct control_packet *p);

#endif
