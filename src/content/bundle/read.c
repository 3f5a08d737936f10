/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: the file as a bundle. There is one place for each byte: the header's numbers leave no choice of where a section
 * stands, so that two sections cannot overlap and nothing can hide between them.
 */
#include "content/bundle/internal.h"

#include <sodium.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are read as they are");

static const char *const section_words[BUNDLE_N_SECTIONS] = { "manifest", "content", "vectors", "sources" };

bool bundle_is(struct view bytes)
{
	return view_has(bytes, 0, sizeof BUNDLE_MAGIC - 1) && !memcmp(bytes.p, BUNDLE_MAGIC, sizeof BUNDLE_MAGIC - 1);
}

void bundle_digest(struct view bytes, uint8_t out[BUNDLE_DIGEST_BYTES])
{
	(void)crypto_generichash(out, BUNDLE_DIGEST_BYTES, bytes.p, bytes.len, NULL, 0);
}

const char *bundle_hex(const uint8_t digest[BUNDLE_DIGEST_BYTES], char out[BUNDLE_HEX_BYTES])
{
	return sodium_bin2hex(out, BUNDLE_HEX_BYTES, digest, BUNDLE_DIGEST_BYTES);
}

static FALLIBLE read_hdr(struct view bytes, struct diag *d)
{
	struct bundle_hdr h;

	bundle_at(d, 0);
	if (!GUARD(16, bundle_is(bytes)))
		FAIL_ID(d, FORMAT, 'B', 1, "this is no bundle: it does not begin with " BUNDLE_MAGIC);
	if (VIEW_READ(bytes, 0, &h))
		FAIL_ID(d, TRUNCATED, 'B', 3, "the bundle ends in its header");
	bundle_at(d, offsetof(struct bundle_hdr, version));
	if (h.version != BUNDLE_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'B', 2, "the bundle has version %u, this build reads version %d", h.version,
			BUNDLE_VERSION);
	bundle_at(d, offsetof(struct bundle_hdr, bytes));
	if (!GUARD(15, h.bytes <= BUNDLE_MAX_BYTES))
		FAIL_ID(d, LIMIT, 'B', 5, "the bundle says that it has %llu bytes, at most %d",
			(unsigned long long)h.bytes, BUNDLE_MAX_BYTES);
	if (bytes.len < h.bytes)
		FAIL_ID(d, TRUNCATED, 'B', 3, "the bundle has %llu bytes, here are %zu", (unsigned long long)h.bytes,
			bytes.len);
	if (bytes.len > h.bytes)
		FAIL_ID(d, FORMAT, 'B', 4, "%llu bytes follow the end of the bundle",
			(unsigned long long)(bytes.len - h.bytes));
	bundle_at(d, offsetof(struct bundle_hdr, n_sections));
	if (h.n_sections != BUNDLE_N_SECTIONS)
		FAIL_ID(d, FORMAT, 'B', 6, "the bundle has %u sections, not %d", h.n_sections, BUNDLE_N_SECTIONS);
	return E_OK;
}

/* Section i, which begins where the one before ended. */
static FALLIBLE read_section(struct view bytes, uint32_t i, uint64_t begin, struct bundle_hdr_section *s,
			     struct view *out, struct diag *d)
{
	uint64_t off = sizeof(struct bundle_hdr) + i * sizeof *s;
	uint8_t digest[BUNDLE_DIGEST_BYTES];

	bundle_at(d, off);
	if (VIEW_READ(bytes, off, s))
		FAIL_ID(d, TRUNCATED, 'B', 3, "the bundle ends in its table of sections");
	if (s->kind != i + 1)
		FAIL_ID(d, FORMAT, 'B', 7, "section %u has kind %u: each kind is there once, in order", i + 1, s->kind);
	if (s->zero)
		FAIL_ID(d, FORMAT, 'B', 11, "a reserved field of section %s is %u, not 0", section_words[i], s->zero);
	if (s->offset != begin)
		FAIL_ID(d, FORMAT, 'B', 8, "section %s begins at %llu, the part before it ends at %llu",
			section_words[i], (unsigned long long)s->offset, (unsigned long long)begin);
	if (!view_sub(bytes, s->offset, s->bytes, out))
		FAIL_ID(d, TRUNCATED, 'B', 9, "section %s goes on behind the end of the bundle", section_words[i]);
	bundle_digest(*out, digest);
	bundle_at(d, s->offset);
	if (memcmp(digest, s->digest, sizeof digest))
		FAIL_ID(d, FORMAT, 'B', 10, "section %s is not what its digest stands for: the bundle is damaged",
			section_words[i]);
	return E_OK;
}

/* The manifest commits to the other sections: whoever vouches for it vouches for them. */
static FALLIBLE check_committed(const struct bundle_manifest *m, const struct bundle_hdr_section *s, struct diag *d)
{
	const uint8_t *said[BUNDLE_N_SECTIONS] = { NULL, m->content, m->vectors, m->sources };

	for (uint32_t i = 1; i < BUNDLE_N_SECTIONS; i++)
		if (memcmp(said[i], s[i].digest, BUNDLE_DIGEST_BYTES))
			FAIL_ID(d, FORMAT, 'B', 12, "section %s is another than the manifest is about",
				section_words[i]);
	return E_OK;
}

static FALLIBLE read_all(struct view bytes, struct arena *a, struct bundle *b, struct diag *d)
{
	struct bundle_hdr_section s[BUNDLE_N_SECTIONS];
	uint64_t end = sizeof(struct bundle_hdr) + sizeof s;
	struct view part[BUNDLE_N_SECTIONS];
	uint32_t n_sources;
	enum err err;

	TRY(read_hdr(bytes, d));
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++) {
		TRY(read_section(bytes, i, end, &s[i], &part[i], d));
		end = s[i].offset + s[i].bytes;
	}
	bundle_at(d, end);
	if (end != bytes.len)
		FAIL_ID(d, FORMAT, 'B', 4, "%llu bytes follow the last section", (unsigned long long)(bytes.len - end));
	err = bundle_read_manifest(part[0], a, &b->manifest, d);
	if (err != E_OK && d)
		d->offset += s[0].offset;
	TRY(err);
	bundle_at(d, s[0].offset);
	TRY(check_committed(&b->manifest, s, d));
	err = bundle_read_sources(part[3], a, b, &n_sources, d);
	if (err != E_OK && d)
		d->offset += s[3].offset;
	TRY(err);
	bundle_at(d, s[3].offset);
	if (n_sources != b->manifest.n_sources)
		FAIL_ID(d, FORMAT, 'B', 39, "the bundle has %u sources, its manifest says %u", n_sources,
			b->manifest.n_sources);
	b->content = part[1];
	b->vectors = part[2];
	return E_OK;
}

/* Where section i stands in a bundle that was read. */
static struct view section_at(struct view bytes, uint32_t i)
{
	struct bundle_hdr_section s;

	memcpy(&s, bytes.p + sizeof(struct bundle_hdr) + i * sizeof s, sizeof s);
	return view_of(bytes.p + s.offset, s.bytes);
}

FALLIBLE bundle_same(struct view bytes, struct view again, struct diag *d)
{
	static const uint32_t order[] = { 3, 1, 2, 0 }; /* causes before what follows from them */

	for (uint32_t i = 0; i < countof(order); i++) {
		struct view a = section_at(bytes, order[i]), b = section_at(again, order[i]);
		size_t at = 0;

		while (at < a.len && at < b.len && a.p[at] == b.p[at])
			at++;
		bundle_at(d, (uint64_t)(a.p - bytes.p) + at);
		if (at < a.len || at < b.len)
			FAIL_ID(d, INVALID, 'B', 56,
				"section %s is not what its sources give: %zu bytes, made again %zu, and byte %zu is "
				"the first that differs",
				section_words[order[i]], a.len, b.len, at);
	}
	bundle_at(d, DIAG_NONE);
	return E_OK;
}

FALLIBLE bundle_read(struct view bytes, struct arena *a, struct bundle *out, struct diag *d)
{
	struct bundle b = { 0 };

	TRY(read_all(bytes, a, &b, d));
	bundle_digest(bytes, b.digest);
	bundle_at(d, DIAG_NONE);
	*out = b;
	return E_OK;
}
