/* SPDX-License-Identifier: Apache-2.0 */
/* support: the parts of a support bundle. */
#ifndef SALLYPORT_CLI_SUPPORT_H
#define SALLYPORT_CLI_SUPPORT_H

#include "cli/owner.h"

enum { SUPPORT_MAX_BYTES = 64 << 20, SUPPORT_MAX_PART = 8 << 20, SUPPORT_ALERT_BYTES = 256 << 10 };

struct support {
	struct buf tar, notes; /* notes: a line for each part that is in it, or was left out */
};

/* Keep it, or say why it is not there; bytes is emptied. */
void support_put(struct support *s, const char *name, struct buf *bytes);
void support_left_out(struct support *s, const char *name, const char *why);
/* A file as it is, at most max bytes of it; the last ones when it is longer. */
void support_put_file(struct support *s, const char *name, const char *path, size_t max);

/* support_state.c: slots of the state directory, what they say, and which content lies there. Never keys. */
void support_put_state(struct support *s, const char *dir);

#endif
