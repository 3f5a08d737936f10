/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: what the kernel side sends of a path, and what a caller wrote, as text.
 *
 * A path that a caller wrote is judged by its letters alone: which of its names are symbolic links was not looked at
 * when it was sent, and may be different by now.
 */
#include "sensor/decode/parts.h"

struct proc_str record_path(struct proc_str names, uint16_t flags, char out[PATH_TEXT])
{
	const char *s = names.p, *end = names.p + names.len;
	char *p = out + PATH_TEXT;
	bool memfd = flags & WIRE_SEG_MEMFD, cut = flags & WIRE_SEG_CUT;

	*--p = 0;
	if (!names.len) {
		if (!cut)
			*--p = '/';
		return (struct proc_str){ p, !cut };
	}
	while (s < end) {
		size_t n = strnlen(s, (size_t)(end - s));

		p -= n;
		memcpy(p, s, n);
		*--p = '/';
		s += n + 1;
	}
	if (memfd) {
		p++;
	} else if (cut) {
		p -= 3;
		memcpy(p, "...", 3);
	}
	return (struct proc_str){ p, (uint32_t)(out + PATH_TEXT - 1 - p) };
}

/* What stands for names that are not known. */
static const char unknown[] = "...";
enum { UNKNOWN = sizeof unknown - 1 };

/* Where the path in out begins that a name can be taken from: ".." does not go further up. */
static size_t floor_of(struct proc_str raw, const char *out, size_t len)
{
	if (raw.len && raw.p[0] == '/')
		return len;
	return len >= UNKNOWN && !memcmp(out, unknown, UNKNOWN) ? UNKNOWN : 0;
}

static size_t parent(const char *out, size_t len, size_t floor)
{
	while (len > floor && out[len - 1] != '/')
		len--;
	return len > floor ? len - 1 : floor;
}

struct proc_str path_asked(struct proc_str raw, struct proc_str dir, char out[JOIN_TEXT])
{
	bool absolute = raw.len && raw.p[0] == '/';
	size_t len = 0, floor;

	if (dir.len) {
		len = dir.len - (dir.p[dir.len - 1] == '/');
		memcpy(out, dir.p, len);
	} else if (!absolute) {
		len = UNKNOWN;
		memcpy(out, unknown, len);
	}
	floor = floor_of(raw, out, len);
	for (uint32_t at = 0; at < raw.len;) {
		const char *name = raw.p + at, *slash = memchr(name, '/', raw.len - at);
		size_t n = slash ? (size_t)(slash - name) : raw.len - at;

		at += (uint32_t)n + 1;
		if (!n || (n == 1 && name[0] == '.'))
			continue;
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			len = parent(out, len, floor);
			continue;
		}
		out[len++] = '/';
		memcpy(out + len, name, n);
		len += n;
	}
	if (!len)
		out[len++] = '/';
	return (struct proc_str){ out, (uint32_t)len };
}
