/* SPDX-License-Identifier: Apache-2.0 */
/* sources: section 4, the rules as their authors wrote them. */
#include "content/bundle/internal.h"

bool bundle_source_name_ok(const char *name, size_t len)
{
	uint32_t code;

	if (!len || len > BUNDLE_MAX_SOURCE_NAME || name[0] == '.')
		return false;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_decode(name + i, len - i, &code);

		if (!n || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '/')
			return false;
		i += n;
	}
	return true;
}

static FALLIBLE read_hdr(struct view bytes, struct bundle_sources_hdr *h, struct diag *d)
{
	bundle_at(d, 0);
	if (VIEW_READ(bytes, 0, h))
		FAIL_ID(d, TRUNCATED, 'B', 30, "section sources has %zu bytes, its header %zu", bytes.len, sizeof *h);
	if (memcmp(h->magic, "SPSO", 4) || h->version != BUNDLE_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'B', 31, "section sources does not begin with SPSO, version %d",
			BUNDLE_VERSION);
	bundle_at(d, offsetof(struct bundle_sources_hdr, n_sources));
	if (!h->n_sources || h->n_sources > BUNDLE_MAX_SOURCES)
		FAIL_ID(d, LIMIT, 'B', 32, "a bundle has 1 to %d sources, this one %u", BUNDLE_MAX_SOURCES,
			h->n_sources);
	bundle_at(d, offsetof(struct bundle_sources_hdr, flags));
	if (h->flags & ~(uint32_t)BUNDLE_STRICT_FALCO)
		FAIL_ID(d, UNSUPPORTED, 'B', 33, "section sources has unknown flags 0x%x", h->flags);
	return E_OK;
}

/* Name and text of a source at *at, which moves past it. */
static FALLIBLE read_source(struct view bytes, const struct bundle_sources_rec *rec, uint64_t *at, struct arena *a,
			    struct bundle_source *out, struct diag *d)
{
	struct view name;

	bundle_at(d, *at);
	if (rec->text_bytes > BUNDLE_MAX_SOURCE_BYTES)
		FAIL_ID(d, LIMIT, 'B', 34, "a source of %u bytes, at most %d", rec->text_bytes,
			BUNDLE_MAX_SOURCE_BYTES);
	if (!view_sub(bytes, *at, rec->name_bytes, &name) ||
	    !view_sub(bytes, *at + rec->name_bytes, rec->text_bytes, &out->text))
		FAIL_ID(d, TRUNCATED, 'B', 35, "a source goes on behind the end of its section");
	if (!bundle_source_name_ok((const char *)name.p, name.len))
		FAIL_ID(d, INVALID, 'B', 36, "the name of a source is not that of a plain file");
	out->name = arena_strndup(a, (const char *)name.p, name.len);
	*at += (uint64_t)rec->name_bytes + rec->text_bytes;
	return out->name ? E_OK : E_NOMEM;
}

static bool has_name(const struct bundle_source *list, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return true;
	return false;
}

FALLIBLE bundle_read_sources(struct view bytes, struct arena *a, struct bundle *out, uint32_t *n, struct diag *d)
{
	struct bundle_sources_hdr h;
	struct bundle_sources_rec rec;
	struct bundle_source *list;
	uint64_t at;

	TRY(read_hdr(bytes, &h, d));
	list = ARENA_ARRAY(a, struct bundle_source, h.n_sources);
	if (!list)
		return E_NOMEM;
	at = sizeof h + (uint64_t)h.n_sources * sizeof rec;
	for (uint32_t i = 0; i < h.n_sources; i++) {
		bundle_at(d, sizeof h + (uint64_t)i * sizeof rec);
		if (VIEW_READ(bytes, sizeof h + (uint64_t)i * sizeof rec, &rec))
			FAIL_ID(d, TRUNCATED, 'B', 35, "section sources has no room for %u sources", h.n_sources);
		TRY(read_source(bytes, &rec, &at, a, &list[i], d));
		if (!GUARD(16, !has_name(list, i, list[i].name)))
			FAIL_ID(d, FORMAT, 'B', 37, "two sources are named '%.80s'", list[i].name);
	}
	bundle_at(d, at);
	if (at != bytes.len)
		FAIL_ID(d, FORMAT, 'B', 38, "section sources has %zu bytes behind its last source",
			(size_t)(bytes.len - at));
	out->sources = list;
	out->flags = h.flags;
	*n = h.n_sources;
	return E_OK;
}

/* What a reader would refuse is not written. */
static FALLIBLE check_sources(const struct bundle_source *list, uint32_t n, struct diag *d)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!bundle_source_name_ok(list[i].name, strlen(list[i].name)))
			FAIL_ID(d, INVALID, 'B', 36,
				"'%.80s' cannot be the name of a source: one component, no control "
				"characters, no dot at its beginning",
				list[i].name);
		if (list[i].text.len > BUNDLE_MAX_SOURCE_BYTES)
			FAIL_ID(d, LIMIT, 'B', 34, "the source '%.80s' has %zu bytes, at most %d", list[i].name,
				list[i].text.len, BUNDLE_MAX_SOURCE_BYTES);
		if (has_name(list, i, list[i].name))
			FAIL_ID(d, EXISTS, 'B', 37,
				"two sources are named '%.80s': a bundle knows files by the last part "
				"of their path",
				list[i].name);
	}
	return E_OK;
}

FALLIBLE bundle_write_sources(const struct bundle_parts *in, struct buf *out, struct diag *d)
{
	struct bundle_sources_hdr h = {
		.magic = "SPSO", .version = BUNDLE_VERSION, .n_sources = in->n_sources, .flags = in->flags
	};
	const struct bundle_source *list = in->sources;

	if (!in->n_sources || in->n_sources > BUNDLE_MAX_SOURCES)
		FAIL_ID(d, LIMIT, 'B', 32, "a bundle has 1 to %d sources, not %u", BUNDLE_MAX_SOURCES, in->n_sources);
	TRY(check_sources(list, in->n_sources, d));
	buf_put(out, &h, sizeof h);
	for (uint32_t i = 0; i < in->n_sources; i++) {
		struct bundle_sources_rec rec = { (uint32_t)strlen(list[i].name), (uint32_t)list[i].text.len };

		buf_put(out, &rec, sizeof rec);
	}
	for (uint32_t i = 0; i < in->n_sources; i++) {
		buf_puts(out, list[i].name);
		buf_put(out, list[i].text.p, list[i].text.len);
	}
	return E_OK;
}
