/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive: a repository in one file, for hosts without a network: plain ustar with regular files and nothing else.
 *
 * It is only transport: what is in it is believed as little as what a repository holds. Writing is deterministic: no
 * times, no owners. Reading takes what writing gives and what any tar makes of regular files with short names; links,
 * directories, extensions and names outside of a repository are refused. Pure.
 */
#ifndef SALLYPORT_RELEASE_ARCHIVE_H
#define SALLYPORT_RELEASE_ARCHIVE_H

#include "base/base.h"

enum {
	ARCHIVE_BLOCK = 512,
	ARCHIVE_MAX_NAME = 100, /* with the NUL */
	ARCHIVE_MAX_FILES = 65536,
	ARCHIVE_MAX_FILE = 64 << 20,
	ARCHIVE_MAX_BYTES = 1 << 30,
};

struct archive_file {
	char name[ARCHIVE_MAX_NAME];
	struct view bytes; /* in the archive */
};

/* Header, bytes and padding, appended. E_INVALID: name; E_LIMIT: size, or out is full. */
FALLIBLE archive_add(struct buf *out, const char *name, struct view bytes, struct diag *d);
/* The two blocks of zeros at the end. */
FALLIBLE archive_end(struct buf *out);
/*
 * The file at *at (0 at first), which is moved behind it. E_NOT_FOUND: the end. E_TRUNCATED E_FORMAT E_LIMIT
 * E_UNSUPPORTED (no regular file) with d (D4xx) and its offset. Names are checked as those of files in a repository.
 */
FALLIBLE archive_next(struct view archive, size_t *at, struct archive_file *out, struct diag *d);

#endif
