/* SPDX-License-Identifier: Apache-2.0 */
/* queue: what the two halves of output share: the sink with its bounded queue, and the scratch line. */
#ifndef SALLYPORT_SENSOR_OUTPUT_QUEUE_H
#define SALLYPORT_SENSOR_OUTPUT_QUEUE_H

#include "sensor/output/output.h"

struct output {
	int fd;
	enum output_format format;
	char hostname[65];
	char *queue; /* OUTPUT_QUEUE_BYTES; waiting bytes are [head, head + len) */
	size_t head, len;
	bool mid_line; /* the last byte written was not a newline */
	uint64_t written, sent, dropped, waiting;
	struct buf line; /* the line being built, at most OUTPUT_LINE_MAX */
	struct buf message;
	char status[OUTPUT_STATUS_MAX + 1];
	bool status_shown, status_stale; /* on the screen now; differs from what is on the screen */
};

/* Queue o->line if it was built whole. */
bool output_queue_built(struct output *o);

#endif
