/* SPDX-License-Identifier: Apache-2.0 */
/* common: a file's bytes, and an end with a message. */
#ifndef COMMON_H
#define COMMON_H

#include <sallyport/sallyport.h>
#include <stdio.h>
#include <stdlib.h>

/* NULL when it cannot be read. free() it. */
static inline void *read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *bytes = NULL;
	size_t have = 0, got;

	if (!f)
		return NULL;
	do {
		char *more = realloc(bytes, have + 65536);

		if (!more)
			break;
		bytes = more;
		got = fread(bytes + have, 1, 65536, f);
		have += got;
	} while (got);
	fclose(f);
	*n = have;
	return bytes;
}

static inline void must(enum sp_status s, const struct sp_report *r)
{
	if (s == SP_OK)
		return;
	fprintf(stderr, "%s", r && sp_report_long(r)[0] ? sp_report_long(r) : sp_status_text(s));
	exit(1);
}

static inline void *must_have(void *p)
{
	if (!p) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

#endif
