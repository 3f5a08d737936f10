/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output: alerts as lines, to sinks that may stall.
 *
 * Lines queue in bounded memory per sink and leave without blocking; what does not fit is dropped whole and counted. So
 * a stalled reader never holds up the ring. A file sink asks its owner for a new descriptor when it has grown past its
 * limit (rotation: the worker may not rename). Three processes use this: the worker for alerts, the supervisor for what
 * it has to say itself and for opening files, the courier to take apart what came to it.
 */
#ifndef SALLYPORT_SENSOR_OUTPUT_H
#define SALLYPORT_SENSOR_OUTPUT_H

#include "base/base.h"
#include "content/event/event.h"
#include "content/runtime/runtime.h"

enum { OUTPUT_QUEUE_BYTES = 1 << 20, OUTPUT_LINE_MAX = 64 << 10, OUTPUT_STATUS_MAX = 255 };

enum output_format {
	OUTPUT_JSON,  /* one Falco-shaped object a line, keys sorted */
	OUTPUT_TEXT,  /* HH:MM:SS.nnnnnnnnn: Priority message */
	OUTPUT_COLOR, /* the same for a terminal, with colour */
	OUTPUT_BOTH,  /* for the courier: "PRIORITY TIME_NS TEXT JSON" with one tab between; TEXT and JSON as above */
};

/* A line of OUTPUT_BOTH taken apart; borrowed. */
struct output_parts {
	uint32_t priority; /* enum rule_priority */
	uint64_t time_ns;
	struct view text, json;
};
/* line: without its newline, at most OUTPUT_LINE_MAX bytes, hostile. False: it is not of this form. */
bool output_parts_read(struct view line, struct output_parts *out);

/* read.c: pure; no allocation, O(bytes); safe from any thread. */

/* A line of a file of alerts (OUTPUT_JSON). Texts are borrowed, as they stand in JSON: output_unescape. */
struct output_read {
	uint64_t time_ns;  /* since 1970 */
	uint32_t priority; /* enum rule_priority */
	struct view rule, output;
};
/*
 * line: without its newline, at most OUTPUT_LINE_MAX bytes, hostile. False: it is no JSON object in valid UTF-8, nested
 * too deep, lacks one of these four members, or has one twice. What is true holds no control character but those from
 * U+0080 to U+009F.
 */
bool output_json_read(struct view line, struct output_read *out);
/* What a text of output_json_read says, in UTF-8. It may have control characters: buf_put_safe for people. */
void output_unescape(struct view text, struct buf *out);
/* RFC 3339, up to nine digits of a fraction. False: it is none, or before 1970. */
bool output_time_read(struct view text, uint64_t *ret_ns);

struct output;

/* fd is borrowed and must be non-blocking or a regular file. */
FALLIBLE output_new(int fd, enum output_format format, const char *hostname, struct output **out);
void output_free(struct output *o); /* does not flush */

/* Queue one alert. False: it was dropped (queue full or line too long) and counted. */
bool output_alert(struct output *o, const struct content *c, uint32_t rule, const struct event *e);
/* Queue a line as it is (newline added). */
bool output_line(struct output *o, const char *line, size_t len);

/* What the sensor says about itself, always Critical, in the sink's format, with the time of now. Keys are sorted plain
 * names. */
struct output_note {
	const char *rule;
	const char *text; /* made safe for terminals */
	const char *const *keys;
	const uint64_t *values;
	uint32_t n;
};
bool output_note(struct output *o, const struct output_note *n);

/*
 * Terminals only (OUTPUT_COLOR): one line that stays below all others, replaced in place. text is trusted and without
 * newline; at most OUTPUT_STATUS_MAX bytes are kept. Drawn by output_flush; "" takes it away.
 */
void output_status(struct output *o, const char *text);
/* Write what the sink takes now; SIGPIPE must be ignored. E_IO, errno set: the sink is gone (EPIPE, ENOSPC...): what is
 * queued is kept up to the bound. */
FALLIBLE output_flush(struct output *o);
/* Bytes waiting: poll the descriptor for writing when not 0; and lines. */
size_t output_pending(const struct output *o);
uint64_t output_waiting(const struct output *o);
int output_fd(const struct output *o);
/* The last write ended inside a line: whoever writes next must begin a new one. */
bool output_mid_line(const struct output *o);
/* Go on with another descriptor (rotation). The rest of a line that was begun on the old one is dropped and counted. */
void output_set_fd(struct output *o, int fd);
uint64_t output_written_bytes(const struct output *o); /* to this descriptor */
uint64_t output_sent(const struct output *o);          /* whole lines */
uint64_t output_dropped(const struct output *o);

/* file.c: what the owner of the files does, who may open and rename. */

/* Our standard output, made non-blocking for us alone. E_IO with d. */
FALLIBLE output_stdout_open(int *out, struct diag *d);
/* A regular file to append to, made with mode 0640; never a symbolic link. have: its size. E_IO with d. */
FALLIBLE output_file_open(const char *path, int *out, uint64_t *have, struct diag *d);
/* "a.json" becomes "a.json.1", that "a.json.2" and so on to keep, whose old content goes; then a new file. E_IO. */
FALLIBLE output_file_rotate(const char *path, uint32_t keep, int *out, uint64_t *have);

#endif
