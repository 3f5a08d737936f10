/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag: one thing that is wrong with an input, said so that a person can mend it.
 *
 * A function that judges one input fills one struct diag (its last parameter, may be NULL).
 * A compiler that goes on after an error collects them in struct diags.
 * Ids are stable: a letter for the module and a number ("V312"), documented, never reused.
 */
#ifndef SALLYPORT_BASE_DIAG_H
#define SALLYPORT_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define DIAG_NONE UINT64_MAX /* "no offset", "no instruction" */

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A place in a text file: 1-based line and column (in code points); line 0 means unknown. */
struct diag_pos {
	const char *file; /* borrowed */
	uint32_t line, col;
	uint32_t len; /* code points to underline; 0 and 1 both give one caret */
};

struct note {
	struct note *next;
	struct diag_pos pos;
	uint64_t insn; /* DIAG_NONE when it is not about an instruction */
	const char *text;
};

struct diag {
	enum err err;
	enum diag_severity severity;
	char family;           /* a letter (docs/hacking.md lists them), or 0: no id */
	uint16_t id;           /* 312 -> "V312" */
	struct diag_pos pos;   /* the place in a text input */
	const char *line_text; /* that source line without its newline, borrowed or in the arena; or NULL */
	const char *subject;   /* borrowed: file, section or program name; or NULL */
	uint64_t offset;       /* byte offset in subject, or DIAG_NONE */
	uint64_t insn;         /* instruction index (lddw counts as two), or DIAG_NONE */
	char text[240];        /* one sentence, no newline, no final period */
	char hint[240];        /* what to do about it; may be empty */
	struct note *notes;    /* in an arena: the path, what was known, the mend */
	const char *src_file;  /* our own position, for bug reports */
	int src_line;
};

/* All errors of one load, in order, at most DIAGS_MAX of them; strings and notes live in the arena. */
enum { DIAGS_MAX = 200 };

struct diag_node {
	struct diag_node *next;
	struct diag d;
};

struct diags {
	struct arena *arena;
	struct diag_node *head, **tail;
	unsigned n_errors, n_warnings;
	bool overflow; /* more than DIAGS_MAX, or no memory for one: some are missing */
};

void diag_init(struct diag *d);
/* Fill d (NULL is fine) and return err. Use the FAIL macros. */
FALLIBLE diag_fail(struct diag *d, enum err err, char family, uint16_t id, const char *src_file, int src_line,
		   const char *fmt, ...) __attribute__((format(printf, 7, 8)));
void diag_hint(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append a note; returns it, to be given a position, or NULL without memory (then it is dropped). */
struct note *diag_note(struct diag *d, struct arena *a, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* FAIL(d, IO, "cannot read '%s': %m", path): no id.  FAIL_ID(d, REJECTED, 'V', 312, ...): with one. */
#define FAIL(d, kind, ...) return diag_fail((d), E_##kind, 0, 0, __FILE__, __LINE__, __VA_ARGS__)
#define FAIL_ID(d, kind, family, id, ...) \
	return diag_fail((d), E_##kind, (family), (id), __FILE__, __LINE__, __VA_ARGS__)

void diags_init(struct diags *ds, struct arena *a);
/* Append a copy of *d (strings in pos, line_text and subject must outlive ds). Counts by severity. */
void diags_add(struct diags *ds, const struct diag *d);

/*
 * For people: "file:line:col: error[R104]: text", the source line, a caret under the place, then
 * hint and notes. Input text is made safe for a terminal. colour: ANSI colours.
 */
void diag_render(struct buf *out, const struct diag *d, bool colour);
void diags_render(struct buf *out, const struct diags *ds, bool colour);

#endif
