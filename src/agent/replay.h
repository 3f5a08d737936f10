/* SPDX-License-Identifier: Apache-2.0 */
/* replay: what those who read captures share. Not a door. */
#ifndef SALLYPORT_AGENT_REPLAY_H
#define SALLYPORT_AGENT_REPLAY_H

#include "agent/worker.h"
#include "base/base.h"
#include "sensor/capture/capture.h"

/* "-" is standard input. *fd is to be closed in any case, when it is not -1. */
FALLIBLE replay_open_capture(const char *path, int *fd, struct capture **out, struct diag *d);

/* Say on stderr why it failed (what, when d has no words of its own); returns the exit code. */
int replay_fail(enum err err, struct diag *d, const char *what, bool colour);

/* Read rule files and compiled content into memory; replay_free_rules in any case. */
FALLIBLE replay_read_rules(char *const *paths, uint32_t n, struct worker_file **files, uint32_t *n_files,
			   struct diag *d);
void replay_free_rules(struct worker_file *files, uint32_t n);

#endif
