/* SPDX-License-Identifier: Apache-2.0 */
/* zone: TZif files, and the offset of a moment. */
#include "release/policy/zone.h"

#include "release/policy/internal.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	MIN_EAST = -89999, /* RFC 8536 section 3.2: more than -25 hours, less than 26 */
	MAX_EAST = 93599,
};

struct header {
	uint8_t version;
	uint32_t n_isut, n_isstd, n_leap, n_times, n_types, n_chars;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static FALLIBLE read_header(const char *name, struct view v, struct header *out, struct diag *d)
{
	uint8_t b[HEADER_BYTES];

	if (VIEW_READ(v, 0, &b) != E_OK)
		FAIL(d, TRUNCATED, "time zone '%s': its file ends in a header", name);
	if (memcmp(b, "TZif", 4) != 0)
		FAIL(d, FORMAT, "time zone '%s': not a TZif file", name);
	*out =
		(struct header){ b[4],         be32(b + 20), be32(b + 24), be32(b + 28),
				 be32(b + 32), be32(b + 36), be32(b + 40) };
	if (out->n_leap)
		FAIL(d, UNSUPPORTED, "time zone '%s' counts leap seconds, the clocks of hosts do not", name);
	if (out->n_times > ZONE_MAX_TIMES || out->n_types > 256 || out->n_chars > 4096 || out->n_isut > 256 ||
	    out->n_isstd > 256)
		FAIL(d, LIMIT, "time zone '%s': %u changes of %u kinds are more than can be", name, out->n_times,
		     out->n_types);
	if (!out->n_types || !out->n_chars || (out->n_isut && out->n_isut != out->n_types) ||
	    (out->n_isstd && out->n_isstd != out->n_types))
		FAIL(d, FORMAT, "time zone '%s': the counts of its header do not agree", name);
	return E_OK;
}

/* Of the block after the header. */
static uint64_t block_bytes(const struct header *h, uint32_t time_bytes)
{
	return (uint64_t)h->n_times * (time_bytes + 1) + (uint64_t)h->n_types * TYPE_BYTES + h->n_chars + h->n_isstd +
	       h->n_isut;
}

/* The block is all there. */
static FALLIBLE read_block(const struct header *h, struct view b, uint32_t time_bytes, struct arena *a,
			   struct policy_zone *z, struct diag *d)
{
	const uint8_t *which = b.p + (size_t)h->n_times * time_bytes, *types = which + h->n_times;
	int64_t *at = ARENA_ARRAY(a, int64_t, h->n_times + 1);
	int32_t *east = ARENA_ARRAY(a, int32_t, h->n_times + 1);

	if (!at || !east)
		return E_NOMEM;
	for (uint32_t i = 0; i < h->n_types; i++) {
		int32_t e = (int32_t)be32(types + (size_t)i * TYPE_BYTES);

		if (e < MIN_EAST || e > MAX_EAST)
			FAIL(d, FORMAT, "time zone '%s': an offset of %d s is none", z->name, e);
	}
	for (uint32_t i = 0; i < h->n_times; i++) {
		const uint8_t *t = b.p + (size_t)i * time_bytes;

		at[i] = time_bytes == 8 ? (int64_t)be64(t) : (int32_t)be32(t);
		if (i && at[i] <= at[i - 1])
			FAIL(d, FORMAT, "time zone '%s': its changes are not in order", z->name);
		if (which[i] >= h->n_types)
			FAIL(d, FORMAT, "time zone '%s': change %u is to kind %u of %u", z->name, i, which[i],
			     h->n_types);
		east[i] = (int32_t)be32(types + (size_t)which[i] * TYPE_BYTES);
	}
	z->before = (int32_t)be32(types);
	z->at = at;
	z->east = east;
	z->n = h->n_times;
	return E_OK;
}

/* A newline, the rule, a newline: version 2 and later. */
static FALLIBLE read_footer(struct view v, uint64_t off, struct policy_zone *z, struct diag *d)
{
	char text[128];
	const uint8_t *end;
	size_t n;

	if (!view_has(v, off, 2) || v.p[off] != '\n')
		FAIL(d, FORMAT, "time zone '%s': no footer follows its changes", z->name);
	end = memchr(v.p + off + 1, '\n', v.len - off - 1);
	n = end ? (size_t)(end - v.p) - off - 1 : sizeof text;
	if (n >= sizeof text || memchr(v.p + off + 1, 0, n))
		FAIL(d, FORMAT, "time zone '%s': its footer is not one short line", z->name);
	memcpy(text, v.p + off + 1, n);
	text[n] = 0;
	if (n && !zone_read_rule(text, &z->rule))
		FAIL(d, FORMAT, "time zone '%s': '%.60s' in its footer is no rule", z->name, text);
	return E_OK;
}

FALLIBLE zone_read(const char *name, struct view v, struct arena *a, struct policy_zone **out, struct diag *d)
{
	struct policy_zone *z = ARENA_NEW(a, struct policy_zone);
	uint32_t time_bytes = 4;
	uint64_t at = HEADER_BYTES, size;
	struct header h;
	struct view block = v;

	if (!z)
		return E_NOMEM;
	(void)snprintf(z->name, sizeof z->name, "%s", name);
	if (v.len > ZONE_MAX_BYTES)
		FAIL(d, LIMIT, "time zone '%s': a file of more than %d bytes", name, ZONE_MAX_BYTES);
	TRY(read_header(name, v, &h, d));
	if (h.version) { /* the first block is for readers that know no other */
		at += block_bytes(&h, 4);
		if (!view_sub(v, at, v.len - (at < v.len ? at : v.len), &block))
			FAIL(d, TRUNCATED, "time zone '%s': its file ends too early", name);
		TRY(read_header(name, block, &h, d));
		at += HEADER_BYTES;
		time_bytes = 8;
	}
	size = block_bytes(&h, time_bytes);
	if (!view_sub(v, at, size, &block))
		FAIL(d, TRUNCATED, "time zone '%s': its file ends too early", name);
	TRY(read_block(&h, block, time_bytes, a, z, d));
	if (time_bytes == 8)
		TRY(read_footer(v, at + size, z, d));
	*out = z;
	return E_OK;
}

/* The last i with at[i] <= t; n: none. */
static uint32_t last_before(const struct policy_zone *z, int64_t t)
{
	uint32_t lo = 0, hi = z->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (z->at[mid] <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : z->n;
}

int32_t zone_east(const struct policy_zone *z, int64_t t)
{
	uint32_t i = last_before(z, t);

	if (z->rule.is && (z->n == 0 || i == z->n - 1))
		return zone_rule_east(&z->rule, t);
	return i == z->n ? z->before : z->east[i];
}

int64_t zone_next(const struct policy_zone *z, int64_t t)
{
	uint32_t i = last_before(z, t);

	if (z->n && i == z->n)
		return z->at[0];
	if (z->n && i < z->n - 1)
		return z->at[i + 1];
	return z->rule.is ? zone_rule_next(&z->rule, t) : INT64_MAX;
}
