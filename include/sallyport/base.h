/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what all headers of libsallyport share: status codes, reports, versions.
 *
 * libsallyport is an eBPF runtime: it loads the object files that clang writes, verifies programs, and runs them in an
 * interpreter or as native code. It needs libc and nothing else, has no global state but what debuggers read
 * (sp_module_opts.gdb), installs no signal handler, reads no clock and opens no file.
 *
 * Objects are opaque. What a function makes the caller frees with the _free function of that name; NULL may be freed.
 * Functions that can fail return an enum sp_status. Threads: each docstring says; by default an object belongs to one
 * thread at a time, and different objects are independent.
 */
#ifndef SALLYPORT_PUBLIC_BASE_H
#define SALLYPORT_PUBLIC_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SP_MUST_USE __attribute__((warn_unused_result))

enum sp_status {
	SP_OK = 0,
	SP_NOMEM = 1,
	SP_INVALID = 2,     /* an argument that the documentation rules out */
	SP_FORMAT = 3,      /* bytes or text that are not what they should be, or end too early */
	SP_UNSUPPORTED = 4, /* well-formed, and not supported: by this build, host or target */
	SP_LIMIT = 5,       /* over a limit */
	SP_REJECTED = 6,    /* the verifier did not prove the program safe */
	SP_FAULT = 7,       /* a running program did what it may not */
	SP_FUEL = 8,        /* a running program used up its fuel */
	SP_NOT_FOUND = 9,
	SP_EXISTS = 10,
	SP_CANCELLED = 12, /* the caller's function said so */
	SP_BUG = 11,       /* a broken invariant of the library: treat as SP_REJECTED, and tell us */
};
/* A few words, never NULL. Any thread. */
const char *sp_status_text(enum sp_status s);

/* The library's version, "0.1.0". */
const char *sp_version(void);

/*
 * What is wrong, said so that a person can mend it: one diagnostic with its place, what was known, and what to do.
 * Every function that takes one fills it when it fails, and empties it first; NULL is fine everywhere.
 */
struct sp_report;
struct sp_report *sp_report_new(void); /* NULL: no memory */
void sp_report_free(struct sp_report *r);

/* One sentence; "" when the last call succeeded. Lives until the next call that takes the report. */
const char *sp_report_text(const struct sp_report *r);
/* A stable identifier, "V111", or "". */
const char *sp_report_id(const struct sp_report *r);
/* All of it: place, source line, notes, hint; several lines. */
const char *sp_report_long(const struct sp_report *r);
/* What to do about it, or "". */
const char *sp_report_hint(const struct sp_report *r);

#define SP_NO_PLACE UINT64_MAX
/* The instruction (slot; a 64-bit immediate takes two), or SP_NO_PLACE. */
uint64_t sp_report_insn(const struct sp_report *r);
/* The byte in the input, or SP_NO_PLACE. */
uint64_t sp_report_offset(const struct sp_report *r);
/* The source line: file and 1-based number; NULL and 0 when not known. */
const char *sp_report_file(const struct sp_report *r);
uint32_t sp_report_line(const struct sp_report *r);

#ifdef __cplusplus
}
#endif
#endif
