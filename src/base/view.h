/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: borrowed bytes that somebody else wrote.
 *
 * Untrusted input is only ever touched through a view. Every read names its offset and takes
 * its size from the destination, so a read of the wrong size cannot be written down.
 */
#ifndef SALLYPORT_BASE_VIEW_H
#define SALLYPORT_BASE_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *p;
	size_t len;
};

static inline struct view view_of(const void *p, size_t len)
{
	return (struct view){ p, len };
}

static inline bool view_has(struct view v, uint64_t off, uint64_t need)
{
	return off <= v.len && need <= v.len - off; /* cannot overflow */
}

/* Copy sizeof *(out) bytes at off into out: E_OK or E_TRUNCATED. */
#define VIEW_READ(v, off, out) \
	(view_has((v), (off), sizeof *(out)) ? (memcpy((out), (v).p + (off), sizeof *(out)), E_OK) : E_TRUNCATED)

/* The part [off, off+len) as *out; false, and *out untouched, when it is not all there. */
static inline bool view_sub(struct view v, uint64_t off, uint64_t len, struct view *out)
{
	if (!view_has(v, off, len))
		return false;
	*out = (struct view){ v.p + off, (size_t)len };
	return true;
}

/* The NUL-terminated string at off, or NULL when it does not end inside the view. */
static inline const char *view_str(struct view v, uint64_t off)
{
	if (off >= v.len || !memchr(v.p + off, 0, v.len - off))
		return NULL;
	return (const char *)v.p + off;
}

#endif
