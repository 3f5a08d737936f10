/* SPDX-License-Identifier: Apache-2.0 */
/* write: parts to bytes. Nothing that is not in the parts gets in: no time, no place, no order of anybody's arguments.
 */
#include "content/bundle/internal.h"

static FALLIBLE check_parts(const struct bundle_parts *in, struct diag *d)
{
	if (!bundle_name_ok(in->name) || !bundle_name_ok(in->version))
		FAIL_ID(d, INVALID, 'B', 24,
			"'%.80s' cannot be the %s of a bundle: 1 to %d of A-Z a-z 0-9 . _ + -, the first a letter or "
			"digit",
			bundle_name_ok(in->name) ? in->version : in->name,
			bundle_name_ok(in->name) ? "version" : "name", BUNDLE_MAX_NAME);
	if (!in->engine_min || in->engine_min > in->engine_max)
		FAIL_ID(d, INVALID, 'B', 28, "the engine range %u to %u holds no engine", in->engine_min,
			in->engine_max);
	for (size_t i = 0; i < bundle_n_limits; i++)
		if (!bundle_limit_at(&in->limits, i))
			FAIL_ID(d, INVALID, 'B', 29, "the limit %s is 0: there is no such thing as no limit",
				bundle_limit_rows[i].word);
	return E_OK;
}

static FALLIBLE make_manifest(const struct bundle_parts *in, struct view sources, struct buf *out, struct diag *d)
{
	AUTO(arena_done) struct arena a = { 0 };
	struct bundle_measure m;
	struct bundle_manifest mf;
	enum err err;

	arena_init(&a, CONTENT_ARENA_MAX);
	err = bundle_measure(in->content, &a, &m, d);
	if (err != E_OK && d)
		d->subject = NULL; /* it is in the arena */
	TRY(err);
	mf = (struct bundle_manifest){ .name = in->name,
				       .version = in->version,
				       .security_floor = in->security_floor,
				       .engine_min = in->engine_min,
				       .engine_max = in->engine_max,
				       .limits = in->limits,
				       .types = m.types,
				       .n_types = m.n_types,
				       .n_rules = m.n_rules,
				       .n_programs = m.n_programs,
				       .n_vectors = in->n_vectors,
				       .n_sources = in->n_sources };
	bundle_digest(in->content, mf.content);
	bundle_digest(in->vectors, mf.vectors);
	bundle_digest(sources, mf.sources);
	bundle_write_manifest(&mf, out);
	return E_OK;
}

static void put_all(const struct view part[BUNDLE_N_SECTIONS], struct buf *out)
{
	struct bundle_hdr h = { .version = BUNDLE_VERSION, .n_sections = BUNDLE_N_SECTIONS };
	struct bundle_hdr_section s[BUNDLE_N_SECTIONS] = { 0 };

	memcpy(h.magic, BUNDLE_MAGIC, sizeof h.magic);
	h.bytes = sizeof h + sizeof s;
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++) {
		s[i] = (struct bundle_hdr_section){ .kind = i + 1, .offset = h.bytes, .bytes = part[i].len };
		bundle_digest(part[i], s[i].digest);
		h.bytes += part[i].len;
	}
	buf_put(out, &h, sizeof h);
	buf_put(out, s, sizeof s);
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++)
		buf_put(out, part[i].p, part[i].len);
}

FALLIBLE bundle_write(const struct bundle_parts *in, struct buf *out, struct diag *d)
{
	AUTO(buf_done) struct buf manifest, sources;
	size_t begin = out->len;

	buf_init(&manifest, BUNDLE_MAX_BYTES);
	buf_init(&sources, BUNDLE_MAX_BYTES);
	TRY(check_parts(in, d));
	TRY(bundle_write_sources(in, &sources, d));
	TRY(make_manifest(in, view_of(sources.p, sources.len), &manifest, d));
	put_all((const struct view[]){ view_of(manifest.p, manifest.len), in->content, in->vectors,
				       view_of(sources.p, sources.len) },
		out);
	if (manifest.full || sources.full || out->full || !GUARD(15, out->len - begin <= BUNDLE_MAX_BYTES))
		FAIL_ID(d, LIMIT, 'B', 5, "the bundle would have more than %d bytes", BUNDLE_MAX_BYTES);
	return E_OK;
}
