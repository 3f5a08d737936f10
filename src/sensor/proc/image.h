/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: the strings of a process: what exec set, in one allocation with a count of its users; and the working
 * directory.
 *
 * Private to proc. All bytes count against one budget: past PROC_TEXT_MAX each string is cut to PROC_TEXT_CUT, so that
 * a host full of processes with long arguments costs a bounded amount.
 */
#ifndef SALLYPORT_SENSOR_PROC_IMAGE_H
#define SALLYPORT_SENSOR_PROC_IMAGE_H

#include "sensor/proc/proc.h"

struct text_budget {
	size_t used;
	uint64_t cut;
};

struct proc_image {
	uint32_t refs;
	uint32_t bytes;
	struct proc_view view;
	uint16_t ends[]; /* of the arguments; then the strings */
};

/* What an image is made of. */
struct image_spec {
	struct proc_view like; /* exepath, env and what is no string; the rest is made of the following */
	const char *comm;
	const char *args; /* NUL-terminated arguments; NULL: not known */
	uint32_t args_len;
};

/* One reference, or NULL without memory. */
struct proc_image *image_new(struct text_budget *b, const struct image_spec *s);
struct proc_image *image_ref(struct proc_image *img);
void image_unref(struct text_budget *b, struct proc_image *img);

/* A counted, NUL-terminated string; NULL for an empty one or without memory. cwd_ref(NULL) is NULL. */
char *cwd_new(struct text_budget *b, struct proc_str s);
char *cwd_ref(char *cwd);
void cwd_unref(struct text_budget *b, char *cwd);

#endif
