/* SPDX-License-Identifier: Apache-2.0 */
/* scap_path: paths as text, by their letters alone: a capture does not say which names were symbolic links. */
#include "sensor/capture/scap.h"

/* Put the names of p in front of what stands in out from *at on, leaving out what *up names ask to. False: no room. */
static bool prepend(char *out, size_t *at, const char *p, size_t len, uint32_t *up)
{
	while (len) {
		size_t n = 0;

		while (len && p[len - 1] == '/')
			len--;
		while (n < len && p[len - 1 - n] != '/')
			n++;
		len -= n;
		if (!n || (n == 1 && p[len] == '.'))
			continue;
		if (n == 2 && p[len] == '.' && p[len + 1] == '.') {
			*up += 1;
			continue;
		}
		if (*up) {
			*up -= 1;
			continue;
		}
		if (n + 1 > *at)
			return false;
		*at -= n;
		memcpy(out + *at, p + len, n);
		out[--*at] = '/';
	}
	return true;
}

size_t path_join(char *out, const struct text *base, const char *rel, size_t rel_len)
{
	size_t at = SCAP_PATH, len;
	uint32_t up = 0;
	bool absolute = rel_len && rel[0] == '/', whole;

	out[SCAP_PATH] = 0;
	whole = prepend(out, &at, rel, rel_len, &up);
	if (!absolute && base) {
		whole = whole && prepend(out, &at, base->s, base->len, &up);
		absolute = base->len && base->s[0] == '/';
	}
	if (absolute && whole && at == SCAP_PATH)
		out[--at] = '/';
	if ((!absolute || !whole) && at < SCAP_PATH)
		at++; /* without the slash: something is missing in front */
	len = SCAP_PATH - at;
	memmove(out, out + at, len + 1);
	return len;
}

size_t path_names(const char *path, size_t len, uint8_t *out, size_t max, uint16_t *flags)
{
	bool absolute = len && path[0] == '/';
	size_t used = 0;
	uint32_t names = 0;

	while (len) {
		size_t n = 0;

		while (len && path[len - 1] == '/')
			len--;
		while (n < len && path[len - 1 - n] != '/')
			n++;
		if (!n)
			break;
		if (names == WIRE_PATH_NAMES || used + n + 1 > max) {
			absolute = false;
			break;
		}
		len -= n;
		memcpy(out + used, path + len, n);
		out[used + n] = 0;
		used += n + 1;
		names++;
	}
	*flags = absolute ? 0 : WIRE_SEG_CUT;
	return used;
}
