/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: the name of an image to repository, tag and digest.
 *
 * Grammar: distribution's reference package: [HOST[:PORT]/]PATH[:TAG][@ALGORITHM:HEX]. A colon before the last slash
 * belongs to a port.
 */
#include "sensor/container/container.h"

/* The algorithms that are registered (image-spec descriptor.md): a long tag is no digest. */
static bool is_digest(const char *p, size_t len)
{
	static const struct {
		const char *name;
		size_t digits;
	} rows[] = { { "sha256:", 64 }, { "sha384:", 96 }, { "sha512:", 128 } };

	for (size_t i = 0; i < countof(rows); i++)
		if (len == 7 + rows[i].digits && !memcmp(p, rows[i].name, 7))
			return true;
	return false;
}

static void put(struct container_str *s, const char *p, size_t len)
{
	if (len)
		*s = (struct container_str){ p, (uint32_t)len };
}

void container_image_split(const char *name, size_t len, struct container_image *out)
{
	const char *at, *slash, *colon;

	*out = (struct container_image){ { 0 } };
	if (is_digest(name, len)) { /* an image without a name */
		put(&out->digest, name, len);
		return;
	}
	at = memrchr(name, '@', len);
	if (at) {
		put(&out->digest, at + 1, len - (size_t)(at - name) - 1);
		len = (size_t)(at - name);
	}
	slash = memrchr(name, '/', len);
	colon = memrchr(name, ':', len);
	if (colon && (!slash || colon > slash)) {
		put(&out->tag, colon + 1, len - (size_t)(colon - name) - 1);
		len = (size_t)(colon - name);
	}
	put(&out->repository, name, len);
}
