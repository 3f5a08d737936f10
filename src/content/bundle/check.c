/* SPDX-License-Identifier: Apache-2.0 */
/* check: whether this host may load a bundle that was read: what its manifest says against what is. */
#include "content/bundle/internal.h"

struct bundle_host bundle_this_host(void)
{
	return (struct bundle_host){ .table = &template_builtin,
				     .level = ABI_LEVEL,
				     .level_oldest = ABI_LEVEL_OLDEST,
				     .limits = bundle_host_limits };
}

static FALLIBLE check_engine(const struct bundle_manifest *m, const struct bundle_host *h, struct diag *d)
{
	if (!GUARD(4, m->engine_min <= h->level))
		FAIL_ID(d, UNSUPPORTED, 'B', 40, "the bundle needs an engine of level %u, this one has level %u",
			m->engine_min, h->level);
	if (!GUARD(4, m->engine_max >= h->level))
		FAIL_ID(d, UNSUPPORTED, 'B', 41, "the bundle is for engines up to level %u, this one has level %u",
			m->engine_max, h->level);
	if (!GUARD(4, m->engine_min >= h->level_oldest))
		FAIL_ID(d, UNSUPPORTED, 'B', 42,
			"the bundle was made for an engine of level %u, this one runs content from level %u on",
			m->engine_min, h->level_oldest);
	if (m->security_floor < h->security_floor)
		FAIL_ID(d, INVALID, 'B', 43, "the bundle has security floor %llu, this host takes none below %llu",
			(unsigned long long)m->security_floor, (unsigned long long)h->security_floor);
	return E_OK;
}

static FALLIBLE check_limits(const struct bundle_limits *said, const struct bundle_limits *host, struct diag *d)
{
	for (size_t i = 0; i < bundle_n_limits; i++)
		if (!GUARD(15, bundle_limit_at(said, i) <= bundle_limit_at(host, i)))
			FAIL_ID(d, LIMIT, 'B', 44, "the bundle's limit %s is %llu, this host takes at most %llu",
				bundle_limit_rows[i].word, (unsigned long long)bundle_limit_at(said, i),
				(unsigned long long)bundle_limit_at(host, i));
	return E_OK;
}

/* Those limits that content can pass by being what it is; the others hold while it is loaded and while it runs. */
static FALLIBLE check_size(const struct bundle_limits *said, const struct bundle_measure *m, struct diag *d)
{
	const struct bundle_limits is = { .programs = m->n_programs,
					  .instructions = m->instructions,
					  .rules = m->n_rules,
					  .predicates = m->predicates,
					  .filter_names = m->filter_names };

	for (size_t i = 0; i < bundle_n_limits; i++)
		if (!GUARD(15, bundle_limit_at(&is, i) <= bundle_limit_at(said, i)))
			FAIL_ID(d, LIMIT, 'B', 45, "the content has %llu %s, its manifest allows %llu",
				(unsigned long long)bundle_limit_at(&is, i), bundle_limit_rows[i].what,
				(unsigned long long)bundle_limit_at(said, i));
	return E_OK;
}

static FALLIBLE check_count(uint32_t said, uint32_t is, const char *what, struct diag *d)
{
	if (said != is)
		FAIL_ID(d, FORMAT, 'B', 46, "the manifest says %u %s, the content has %u", said, what, is);
	return E_OK;
}

static bool same_type(const struct bundle_type *a, const struct bundle_type *b)
{
	return !strcmp(a->name, b->name) && a->n_common == b->n_common && a->n_own == b->n_own &&
	       !memcmp(a->digest_common, b->digest_common, TEMPLATE_DIGEST_BYTES) &&
	       !memcmp(a->digest_own, b->digest_own, TEMPLATE_DIGEST_BYTES);
}

static FALLIBLE check_measure(const struct bundle *b, const struct bundle_measure *m, struct diag *d)
{
	const struct bundle_manifest *mf = &b->manifest;

	TRY(check_count(mf->n_rules, m->n_rules, "rules", d));
	TRY(check_count(mf->n_programs, m->n_programs, "programs", d));
	TRY(check_count(mf->n_types, m->n_types, "event types", d));
	for (uint32_t i = 0; i < m->n_types; i++)
		if (!same_type(&mf->types[i], &m->types[i]))
			FAIL_ID(d, FORMAT, 'B', 47, "the content counts other fields of %.64s than the manifest says",
				m->types[i].name);
	if (!mf->n_vectors != !b->vectors.len)
		FAIL_ID(d, FORMAT, 'B', 48, "the manifest says %u vectors, their section has %zu bytes", mf->n_vectors,
			b->vectors.len);
	return check_size(&mf->limits, m, d);
}

/* The first n fields of the section are those that the digest stands for. */
static FALLIBLE check_prefix(const char *type, const char *name, const struct template_section *s, uint32_t n,
			     const uint8_t digest[TEMPLATE_DIGEST_BYTES], struct diag *d)
{
	uint8_t have[TEMPLATE_DIGEST_BYTES];

	if (!GUARD(1, n <= s->n))
		FAIL_ID(d, SCHEMA, 'B', 51,
			"the bundle counts %u fields of section %.64s for events of %.64s, this "
			"sensor has %u",
			n, name, type, s->n);
	template_digest(name, s, n, have);
	if (!GUARD(1, !memcmp(have, digest, sizeof have)))
		FAIL_ID(d, SCHEMA, 'B', 52, "the first %u fields of section %.64s are others on this sensor", n, name);
	return E_OK;
}

static FALLIBLE check_schema(const struct bundle_manifest *m, const struct template_table *t, struct diag *d)
{
	for (uint32_t i = 0; i < m->n_types; i++) {
		const struct bundle_type *want = &m->types[i];
		const struct template_type *have = template_type_by_name(t, want->name);

		if (!have)
			FAIL_ID(d, SCHEMA, 'B', 50,
				"the bundle is about events of type %.64s, which this sensor does "
				"not have",
				want->name);
		TRY(check_prefix(want->name, "common", &t->common, want->n_common, want->digest_common, d));
		TRY(check_prefix(want->name, want->name, &have->own, want->n_own, want->digest_own, d));
	}
	return E_OK;
}

/* Arenas have the limit as their cap: when one is full, it is the content that wants too much. */
static FALLIBLE memory_limit(const struct bundle *b, enum err err, struct diag *d)
{
	if (err == E_NOMEM)
		FAIL_ID(d, LIMIT, 'B', 49,
			"loading the content takes more than the %llu bytes that its limit arena-bytes allows, or this "
			"host is out of memory",
			(unsigned long long)b->manifest.limits.arena_bytes);
	return err;
}

FALLIBLE bundle_check(const struct bundle *b, const struct bundle_host *h, struct diag *d)
{
	AUTO(arena_done) struct arena a = { 0 };
	struct bundle_measure m;
	enum err err;

	TRY(check_engine(&b->manifest, h, d));
	TRY(check_limits(&b->manifest.limits, &h->limits, d));
	TRY(check_schema(&b->manifest, h->table, d));
	arena_init(&a, b->manifest.limits.arena_bytes);
	err = bundle_measure(b->content, &a, &m, d);
	if (err != E_OK && d)
		d->subject = NULL; /* it is in the arena */
	TRY(memory_limit(b, err, d));
	return check_measure(b, &m, d);
}

FALLIBLE bundle_load(const struct bundle *b, const char *name, const struct bundle_host *h, bool all_matches,
		     struct arena *a, struct content **out, struct diag *d)
{
	const struct content_opts o = { .table = h->table,
					.arena_max = b->manifest.limits.arena_bytes,
					.fuel = b->manifest.limits.fuel,
					.all_matches = all_matches };

	TRY(bundle_check(b, h, d));
	return memory_limit(b, content_load(b->content, name, &o, a, out, d), d);
}

FALLIBLE bundle_signable(const struct bundle *b, struct diag *d)
{
	if (!b->manifest.n_vectors)
		FAIL_ID(d, REJECTED, 'B', 57, "the bundle has no vectors: nothing shows that its rules fire");
	return E_OK;
}

const struct bundle_diag_row bundle_diags[] = {
#define DIAG(id, title) { id, title },
#include "content/bundle/bundle_diags.def"
#undef DIAG
};
const size_t bundle_n_diags = countof(bundle_diags);
