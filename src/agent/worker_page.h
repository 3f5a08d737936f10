/* SPDX-License-Identifier: Apache-2.0 */
/* worker_page: what a worker writes for those who survive it: counters, and what it is doing. Part of control.h. */
#ifndef SALLYPORT_AGENT_WORKER_PAGE_H
#define SALLYPORT_AGENT_WORKER_PAGE_H

#include <stdatomic.h>

#include "base/base.h"
#include "sensor/wire/wire.h"

/*
 * The page. Written by the worker, read by the supervisor (which believes nothing: it only prints). It outlives
 * workers, so counters go on. All numbers are plain 64-bit words written by one thread.
 */
enum {
	PAGE_MAX_RULES = 4096,
	PAGE_NAME_BYTES = 64,
	PAGE_MAX_OUTPUTS = 4,
	PAGE_TIMED_EVERY = 1024,
	PAGE_QUESTION_BYTES = 1 << 20, /* names that rules use */
	PAGE_MAGIC = 0x47505053        /* "SPPG" */
};

#define PAGE_RECORD_FAILED UINT64_MAX

/* What content needs from the kernel. Written by the worker before CONTROL_FILTER, copied by the supervisor then. */
struct page_filter {
	struct wire_filter filter;
	struct wire_filter_name names[WIRE_FILTER_MAX_NAMES];
	uint32_t masks[WIRE_FILTER_MAX_NAMES]; /* clauses that each name satisfies */
};

/* One rule, since its content was put in force; over workers that have the same. */
struct page_rule {
	_Atomic uint64_t evaluated;        /* its programs were started */
	_Atomic uint64_t alerts;           /* it fired, written or not */
	_Atomic uint64_t faults;           /* its programs ended in an error: fuel... */
	_Atomic uint64_t throttled, muted; /* of alerts: not written */
	_Atomic uint64_t timed_ns,
		timed; /* time in its programs, and how many of them, of one event in PAGE_TIMED_EVERY */
	_Atomic uint64_t spare;
};

/* Why programs run as they do. */
enum page_native {
	PAGE_NATIVE_WAITS, /* a compiler will be started, or is at work */
	PAGE_NATIVE_OFF,   /* by the setting */
	PAGE_NATIVE_GIVEN, /* the worker has the code: when none is in use, it refused it */
	PAGE_NATIVE_NONE,  /* the compiler failed */
	PAGE_NATIVE_DIED,  /* a worker died while it ran it */
};

struct page {
	_Atomic uint32_t magic;
	uint32_t zero;
	_Atomic uint64_t heartbeat; /* rises while the worker lives */
	_Atomic uint64_t events;    /* judged or being judged: evt.num of the last */
	_Atomic uint64_t alerts;
	_Atomic uint64_t faults; /* programs that ended in an error */
	_Atomic uint64_t malformed;
	_Atomic uint64_t consumed[WIRE_N_RINGS];
	/* lines, by output; what waits is in the worker's memory: lost when it dies */
	_Atomic uint64_t dropped[PAGE_MAX_OUTPUTS], sent[PAGE_MAX_OUTPUTS], waiting[PAGE_MAX_OUTPUTS];
	_Atomic uint64_t mid_line; /* bit i: output i stopped inside a line */
	_Atomic uint64_t n_rules;
	_Atomic uint64_t recorded;                /* records in the capture, or PAGE_RECORD_FAILED */
	_Atomic uint64_t swap_ns;                 /* how long judging stood still for the last new rules */
	_Atomic uint64_t throttled, muted;        /* alerts that were counted and not written */
	_Atomic uint64_t skips, skipped_bytes;    /* a shadow: how often it was overtaken, and by how much */
	_Atomic uint64_t vectors, vectors_failed; /* tried in a scratch run or an exercise */
	_Atomic uint64_t exercises;               /* that came to their end */
	_Atomic uint64_t table;                   /* odd: names, rules and digest are being replaced; see page_table */
	_Atomic uint8_t digest[32];               /* of the content that names and rules are about */
	_Atomic uint64_t cpu_ns, memory_bytes;    /* used by workers in all; resident now. Once a second */
	_Atomic uint64_t native;                  /* programs of the content in force that run as native code */
	_Atomic uint64_t native_state;            /* enum page_native, written by the supervisor */
	_Atomic uint64_t native_deaths;           /* the same: workers that died of it */
	uint8_t spare[512 - 328];
	char names[PAGE_MAX_RULES][PAGE_NAME_BYTES]; /* NUL-terminated, cut */
	struct page_rule rules[PAGE_MAX_RULES];      /* by index; begin at 0 with other content */
	struct page_filter filter;
	char question[PAGE_QUESTION_BYTES]; /* written before CONTROL_QUESTION, copied by the supervisor then */
};

/* Fresh memory of this size that nobody can resize, mapped; its first four bytes are the magic. E_IO. */
FALLIBLE page_new(size_t bytes, uint32_t magic, int *out_fd, void **out);
/* Map a descriptor as such a page. E_FORMAT when it is not one. */
FALLIBLE page_map(int fd, size_t bytes, uint32_t magic, bool writable, void **out);
void page_unmap(void *p, size_t bytes);

static inline void page_set(_Atomic uint64_t *v, uint64_t x)
{
	atomic_store_explicit(v, x, memory_order_relaxed);
}

static inline uint64_t page_get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

/*
 * A reader of names, rules and digest keeps what this gives, reads, and begins again when it is odd or another one
 * afterwards: the table was replaced meanwhile.
 */
static inline uint64_t page_table(const struct page *p)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&p->table, memory_order_acquire);
}

/* For the one writer: no locked instruction. */
static inline void page_add(_Atomic uint64_t *v, uint64_t x)
{
	page_set(v, page_get(v) + x);
}

/*
 * flight: the flight recorder: what a worker is doing just now, in 64 bytes that outlive it.
 *
 * The worker maps them and writes before each program is started, with plain stores and no system call. Whoever
 * survives reads them with pread(2) and never maps them: a worker that shortens the file hurts itself only. Where the
 * file lies on a disk the last words outlive the host, too.
 */
enum { FLIGHT_MAGIC = 0x4c465053 /* "SPFL" */, FLIGHT_DIGEST_BYTES = 16 };
#define FLIGHT_NONE UINT32_MAX

enum flight_phase {
	FLIGHT_STARTING,
	FLIGHT_LOADING,
	FLIGHT_SCANNING,
	FLIGHT_IDLE,
	FLIGHT_JUDGING,
	FLIGHT_DRAINING,
	FLIGHT_TESTING, /* a vector */
	FLIGHT_N_PHASES
};

struct flight {
	uint32_t magic;
	uint32_t phase; /* enum flight_phase */
	uint64_t event; /* evt.num, over all workers */
	uint32_t rule;  /* index over all that is loaded, or FLIGHT_NONE: which rules can match is being found out */
	uint32_t type;  /* template type, or FLIGHT_NONE */
	uint8_t digest[FLIGHT_DIGEST_BYTES]; /* first bytes of the digest of the content that the rule belongs to */
	uint64_t hash;                       /* of event, type, pid and the record's time */
	uint32_t vector;                     /* that is being tried, or FLIGHT_NONE */
	uint32_t zero[3];
};

/* Room for one: a new file of mode 0600 in place of what is there, or (path NULL) memory. E_IO with errno. */
FALLIBLE flight_open(const char *path, int *out_fd);
/*
 * flight.c: what a worker left; its bytes are hostile, and every field is in its bounds afterwards (rule and type may
 * still name nothing that exists). E_FORMAT: short, no magic, or a field out of bounds. E_IO.
 */
FALLIBLE flight_read(int fd, struct flight *out);

#endif
