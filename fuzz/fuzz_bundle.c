/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_bundle: any bytes as a bundle. Digests would stop nearly every mutation, so the bytes are also taken as one
 * section each (the first byte says which) of a bundle whose digests are right. What is read is written again to the
 * same bytes, unless the manifest lies about the content; what is checked and loads does what it says.
 */
#include "content/bundle/bundle.h"

enum { MANIFEST, CONTENT, VECTORS, SOURCES };

static void must(bool what)
{
	if (!what)
		abort();
}

/* Elements in the order of the format, none of which the fuzzer chose. */
static const struct bundle_manifest_hdr plain = { .magic = { 'S', 'P', 'M', 'F' },
						  .version = BUNDLE_VERSION,
						  .engine_min = 1,
						  .engine_max = 1,
						  .n_sources = 1,
						  .str_bytes = 4,
						  .limits = { 1, 1, 1, 1, 1, 1, 1, 1, 1 } };
static const char names[4] = "n\0v";
static const char one_source[] = "SPSO\1\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0at";

/* A bundle of one section of the fuzzer's and plain ones. */
static void wrap(unsigned which, struct view v, struct buf *out)
{
	struct bundle_hdr h = { .version = BUNDLE_VERSION,
				.n_sections = BUNDLE_N_SECTIONS,
				.bytes = sizeof h + BUNDLE_N_SECTIONS * sizeof(struct bundle_hdr_section) };
	struct bundle_hdr_section s[BUNDLE_N_SECTIONS] = { 0 };
	struct view part[BUNDLE_N_SECTIONS] = { [SOURCES] = view_of(one_source, sizeof one_source - 1) };
	struct buf manifest;

	buf_init(&manifest, BUNDLE_MAX_BYTES);
	memcpy(h.magic, BUNDLE_MAGIC, sizeof h.magic);
	part[which] = v;
	if (which == MANIFEST) {
		buf_put(&manifest, v.p, v.len);
	} else {
		buf_put(&manifest, &plain, sizeof plain);
		buf_put(&manifest, names, sizeof names);
	}
	for (uint32_t i = CONTENT; i <= SOURCES && manifest.len >= sizeof plain; i++)
		bundle_digest(part[i], (uint8_t *)manifest.p + offsetof(struct bundle_manifest_hdr, content) +
					       (size_t)(i - 1) * BUNDLE_DIGEST_BYTES);
	part[MANIFEST] = view_of(manifest.p, manifest.len);
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++) {
		s[i] = (struct bundle_hdr_section){ .kind = i + 1, .offset = h.bytes, .bytes = part[i].len };
		bundle_digest(part[i], s[i].digest);
		h.bytes += part[i].len;
	}
	buf_put(out, &h, sizeof h);
	buf_put(out, s, sizeof s);
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++)
		buf_put(out, part[i].p, part[i].len);
	buf_done(&manifest);
}

static void write_again(const struct bundle *b, struct view bytes)
{
	const struct bundle_manifest *m = &b->manifest;
	const struct bundle_parts p = { .name = m->name,
					.version = m->version,
					.security_floor = m->security_floor,
					.engine_min = m->engine_min,
					.engine_max = m->engine_max,
					.limits = m->limits,
					.content = b->content,
					.vectors = b->vectors,
					.n_vectors = m->n_vectors,
					.sources = b->sources,
					.n_sources = m->n_sources,
					.flags = b->flags };
	struct buf out;

	buf_init(&out, 2 * BUNDLE_MAX_BYTES);
	must(bundle_write(&p, &out, NULL) == E_OK);
	must(out.len == bytes.len && !memcmp(out.p, bytes.p, bytes.len));
	must(bundle_same(bytes, view_of(out.p, out.len), NULL) == E_OK);
	buf_done(&out);
}

static void try_bundle(struct view bytes)
{
	const struct bundle_host host = bundle_this_host();
	struct content *c;
	struct bundle b;
	struct arena a;
	struct diag d;

	arena_init(&a, BUNDLE_ARENA_MAX);
	diag_init(&d);
	if (bundle_read(bytes, &a, &b, &d) != E_OK) {
		must(d.text[0] || a.used > a.cap / 2);
	} else if (bundle_check(&b, &host, &d) == E_OK) {
		write_again(&b, bytes);
		if (bundle_load(&b, "fuzz", &host, true, &a, &c, NULL) == E_OK)
			content_free(c);
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf file;

	try_bundle(view_of(p, n));
	if (!n)
		return 0;
	buf_init(&file, 2 * BUNDLE_MAX_BYTES);
	wrap(p[0] % BUNDLE_N_SECTIONS, view_of(p + 1, n - 1), &file);
	try_bundle(view_of(file.p, file.len));
	buf_done(&file);
	return 0;
}
