/* SPDX-License-Identifier: Apache-2.0 */
/* alert_files: the lines of a file of alerts and of those that it was renamed to. */
#ifndef SALLYPORT_CLI_ALERT_FILES_H
#define SALLYPORT_CLI_ALERT_FILES_H

#include "agent/agent.h"
#include "sensor/output/output.h"

struct alert_files {
	const char *path;  /* the newest; before it PATH.1, PATH.2 and so on */
	uint64_t since_ns; /* files that were written last before this are left out */
	bool follow;       /* go on as the file grows and is renamed */
	/* A line without its newline, hostile; without memory (p is NULL): one that is too long. False: enough. */
	bool (*line)(void *user, struct view line);
	/* follow: nothing more for now. False: enough. */
	bool (*idle)(void *user);
	void *user;
};

/*
 * Memory for one line, whatever the files hold. E_NOT_FOUND: there is no such file. E_PERM, E_INVALID (no regular
 * file), E_IO, E_LIMIT with d; E_NOMEM.
 */
FALLIBLE alert_files_read(const struct alert_files *f, struct diag *d);

#endif
