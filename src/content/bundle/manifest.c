/* SPDX-License-Identifier: Apache-2.0 */
/* manifest: section 1, read and written; the limits by name. */
#include "content/bundle/internal.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they are");

#define X(member, word, usual, most, what) .member = (usual),
const struct bundle_limits bundle_usual_limits = { BUNDLE_LIMITS(X) };
#undef X
#define X(member, word, usual, most, what) .member = (most),
const struct bundle_limits bundle_host_limits = { BUNDLE_LIMITS(X) };
#undef X
#define X(member, word, usual, most, what) { word, what, offsetof(struct bundle_limits, member) },
const struct bundle_limit_row bundle_limit_rows[] = { BUNDLE_LIMITS(X) };
#undef X
const size_t bundle_n_limits = countof(bundle_limit_rows);

uint64_t bundle_limit_at(const struct bundle_limits *l, size_t row)
{
	return *(const uint64_t *)((const char *)l + bundle_limit_rows[row].offset);
}

uint64_t *bundle_limit_by_word(struct bundle_limits *l, const char *word, size_t len)
{
	for (size_t i = 0; i < bundle_n_limits; i++)
		if (!strncmp(bundle_limit_rows[i].word, word, len) && !bundle_limit_rows[i].word[len])
			return (uint64_t *)((char *)l + bundle_limit_rows[i].offset);
	return NULL;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool bundle_name_ok(const char *name)
{
	size_t len = strnlen(name, BUNDLE_MAX_NAME + 1);

	for (size_t i = 0; i < len; i++)
		if (!is_alnum(name[i]) && (!i || !strchr("._+-", name[i])))
			return false;
	return len && len <= BUNDLE_MAX_NAME;
}

struct reader {
	struct view bytes, strings;
	uint64_t string; /* where the next one begins */
	struct arena *a;
	struct diag *d;
};

/* Header and sizes: the counts that it gives make up the section to the byte. */
static FALLIBLE read_hdr(struct reader *r, struct bundle_manifest_hdr *h)
{
	uint64_t strings;

	bundle_at(r->d, 0);
	if (VIEW_READ(r->bytes, 0, h))
		FAIL_ID(r->d, TRUNCATED, 'B', 20, "the manifest has %zu bytes, its header %zu", r->bytes.len,
			sizeof *h);
	if (memcmp(h->magic, "SPMF", 4) || h->version != BUNDLE_VERSION)
		FAIL_ID(r->d, UNSUPPORTED, 'B', 21, "the manifest does not begin with SPMF, version %d",
			BUNDLE_VERSION);
	bundle_at(r->d, offsetof(struct bundle_manifest_hdr, n_types));
	if (h->n_types > TEMPLATE_MAX_TYPES)
		FAIL_ID(r->d, LIMIT, 'B', 25, "the manifest counts %u event types, at most %d", h->n_types,
			TEMPLATE_MAX_TYPES);
	strings = sizeof *h + (uint64_t)h->n_types * sizeof(struct bundle_manifest_type);
	bundle_at(r->d, strings);
	if (strings + h->str_bytes != r->bytes.len)
		FAIL_ID(r->d, FORMAT, 'B', 22, "the manifest has %zu bytes, its header counts %llu", r->bytes.len,
			(unsigned long long)(strings + h->str_bytes));
	r->strings = view_of(r->bytes.p + strings, h->str_bytes);
	return E_OK;
}

static FALLIBLE next_string(struct reader *r, size_t max, const char **out)
{
	const char *s = view_str(r->strings, r->string);

	bundle_at(r->d, r->bytes.len - r->strings.len + r->string);
	if (!s || strnlen(s, max + 1) > max)
		FAIL_ID(r->d, FORMAT, 'B', 23, "a string of the manifest has no end, or over %zu bytes", max);
	r->string += strlen(s) + 1;
	*out = arena_strndup(r->a, s, strlen(s));
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE read_names(struct reader *r, struct bundle_manifest *m)
{
	TRY(next_string(r, BUNDLE_MAX_NAME, &m->name));
	if (!bundle_name_ok(m->name))
		FAIL_ID(r->d, INVALID, 'B', 24, "the bundle's name is not made of A-Z a-z 0-9 . _ + -");
	TRY(next_string(r, BUNDLE_MAX_NAME, &m->version));
	if (!bundle_name_ok(m->version))
		FAIL_ID(r->d, INVALID, 'B', 24, "the bundle's version is not made of A-Z a-z 0-9 . _ + -");
	return E_OK;
}

static FALLIBLE read_type(struct reader *r, uint32_t i, struct bundle_type *out)
{
	uint64_t off = sizeof(struct bundle_manifest_hdr) + (uint64_t)i * sizeof(struct bundle_manifest_type);
	struct bundle_manifest_type rec;

	TRY(VIEW_READ(r->bytes, off, &rec));
	TRY(next_string(r, IMAGE_MAX_NAME, &out->name));
	bundle_at(r->d, off);
	if (rec.n_common > TEMPLATE_CAP || rec.n_own > TEMPLATE_CAP)
		FAIL_ID(r->d, LIMIT, 'B', 26, "the manifest counts %u and %u fields of an event type, at most %d",
			rec.n_common, rec.n_own, TEMPLATE_CAP);
	out->n_common = rec.n_common;
	out->n_own = rec.n_own;
	memcpy(out->digest_common, rec.digest_common, sizeof out->digest_common);
	memcpy(out->digest_own, rec.digest_own, sizeof out->digest_own);
	return E_OK;
}

static FALLIBLE read_types(struct reader *r, struct bundle_manifest *m)
{
	struct bundle_type *types = ARENA_ARRAY(r->a, struct bundle_type, m->n_types);

	if (!types)
		return E_NOMEM;
	for (uint32_t i = 0; i < m->n_types; i++) {
		TRY(read_type(r, i, &types[i]));
		if (!types[i].name[0] || !GUARD(16, !i || strcmp(types[i - 1].name, types[i].name) < 0))
			FAIL_ID(r->d, FORMAT, 'B', 27, "the manifest's event types are not ascending by name");
	}
	m->types = types;
	if (r->string != r->strings.len)
		FAIL_ID(r->d, FORMAT, 'B', 23, "the manifest has %zu bytes of strings that nobody refers to",
			(size_t)(r->strings.len - r->string));
	return E_OK;
}

static FALLIBLE check_values(const struct bundle_manifest *m, struct diag *d)
{
	bundle_at(d, offsetof(struct bundle_manifest_hdr, engine_min));
	if (!m->engine_min || m->engine_min > m->engine_max)
		FAIL_ID(d, INVALID, 'B', 28, "the engine range %u to %u holds no engine", m->engine_min, m->engine_max);
	for (size_t i = 0; i < bundle_n_limits; i++) {
		bundle_at(d, offsetof(struct bundle_manifest_hdr, limits) + bundle_limit_rows[i].offset);
		if (!bundle_limit_at(&m->limits, i))
			FAIL_ID(d, INVALID, 'B', 29, "the limit %s is 0: there is no such thing as no limit",
				bundle_limit_rows[i].word);
	}
	return E_OK;
}

FALLIBLE bundle_read_manifest(struct view bytes, struct arena *a, struct bundle_manifest *out, struct diag *d)
{
	struct reader r = { .bytes = bytes, .a = a, .d = d };
	struct bundle_manifest_hdr h;
	struct bundle_manifest m;

	TRY(read_hdr(&r, &h));
	m = (struct bundle_manifest){ .security_floor = h.security_floor,
				      .engine_min = h.engine_min,
				      .engine_max = h.engine_max,
				      .limits = h.limits,
				      .n_types = h.n_types,
				      .n_rules = h.n_rules,
				      .n_programs = h.n_programs,
				      .n_vectors = h.n_vectors,
				      .n_sources = h.n_sources };
	memcpy(m.content, h.content, sizeof m.content);
	memcpy(m.vectors, h.vectors, sizeof m.vectors);
	memcpy(m.sources, h.sources, sizeof m.sources);
	TRY(check_values(&m, d));
	TRY(read_names(&r, &m));
	TRY(read_types(&r, &m));
	*out = m;
	return E_OK;
}

static void put_string(struct buf *out, const char *s)
{
	buf_put(out, s, strlen(s) + 1);
}

void bundle_write_manifest(const struct bundle_manifest *m, struct buf *out)
{
	struct bundle_manifest_hdr h = { .magic = "SPMF",
					 .version = BUNDLE_VERSION,
					 .security_floor = m->security_floor,
					 .engine_min = m->engine_min,
					 .engine_max = m->engine_max,
					 .n_types = m->n_types,
					 .n_rules = m->n_rules,
					 .n_programs = m->n_programs,
					 .n_vectors = m->n_vectors,
					 .n_sources = m->n_sources,
					 .limits = m->limits };

	h.str_bytes = (uint32_t)(strlen(m->name) + 1 + strlen(m->version) + 1);
	for (uint32_t i = 0; i < m->n_types; i++)
		h.str_bytes += (uint32_t)strlen(m->types[i].name) + 1;
	memcpy(h.content, m->content, sizeof h.content);
	memcpy(h.vectors, m->vectors, sizeof h.vectors);
	memcpy(h.sources, m->sources, sizeof h.sources);
	buf_put(out, &h, sizeof h);
	for (uint32_t i = 0; i < m->n_types; i++) {
		struct bundle_manifest_type rec = { .n_common = m->types[i].n_common, .n_own = m->types[i].n_own };

		memcpy(rec.digest_common, m->types[i].digest_common, sizeof rec.digest_common);
		memcpy(rec.digest_own, m->types[i].digest_own, sizeof rec.digest_own);
		buf_put(out, &rec, sizeof rec);
	}
	put_string(out, m->name);
	put_string(out, m->version);
	for (uint32_t i = 0; i < m->n_types; i++)
		put_string(out, m->types[i].name);
}
