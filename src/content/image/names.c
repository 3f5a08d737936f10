/* SPDX-License-Identifier: Apache-2.0 */
/* names: the section of the domain names that conditions compare addresses' names with. */
#include "content/image/image.h"

FALLIBLE image_write_names(const char *const *names, uint32_t n, struct buf *out, struct diag *d)
{
	if (n > IMAGE_MAX_NAMES)
		FAIL_ID(d, LIMIT, 'S', 52, "the rules use %u domain names, at most %d", n, IMAGE_MAX_NAMES);
	for (uint32_t i = 0; i < n; i++)
		buf_put(out, names[i], strlen(names[i]) + 1);
	return out->full ? E_LIMIT : E_OK;
}

FALLIBLE image_read_names(struct view bytes, struct arena *a, const char *const **out, uint32_t *out_n, struct diag *d)
{
	const char **names = ARENA_ARRAY(a, const char *, IMAGE_MAX_NAMES);
	uint32_t n = 0;

	if (!names)
		return E_NOMEM;
	for (size_t at = 0; at < bytes.len; n++) {
		const char *s = view_str(bytes, at);

		if (n == IMAGE_MAX_NAMES)
			FAIL_ID(d, LIMIT, 'S', 52, "%s holds more than %d names", IMAGE_NAMES_SECTION, IMAGE_MAX_NAMES);
		if (!s || !*s || strlen(s) > IMAGE_MAX_NAME)
			FAIL_ID(d, FORMAT, 'S', 51, "%s: a name at %zu is empty, too long or without an end",
				IMAGE_NAMES_SECTION, at);
		names[n] = arena_strndup(a, s, strlen(s));
		if (!names[n])
			return E_NOMEM;
		at += strlen(s) + 1;
	}
	*out = names;
	*out_n = n;
	return E_OK;
}
