/* SPDX-License-Identifier: Apache-2.0 */
/* state: the table of known releases as bytes. Normative: docs/formats/known.md. */
#include "release/endpoint/internal.h"

enum { HEADER_BYTES = 16, FORMAT_VERSION = 1, Y_STATE = 301 };
/* More than any host ran. */
#define MAX_DWELL_S (UINT64_C(1) << 40)

static const uint8_t magic[4] = { 'S', 'P', 'K', 'N' };

/* Of one entry, in order; number: little-endian of so many bytes, 1 for bytes and flags. Arrays are field by field. */
static const struct field {
	size_t at, bytes, number;
} fields[] = {
#define RAW(member)                                                                                         \
	{                                                                                                   \
		offsetof(struct endpoint_known, member), sizeof(((struct endpoint_known *)NULL)->member), 1 \
	}
#define U32(member)                                                                                         \
	{                                                                                                   \
		offsetof(struct endpoint_known, member), sizeof(((struct endpoint_known *)NULL)->member), 4 \
	}
#define U64(member)                                                                                         \
	{                                                                                                   \
		offsetof(struct endpoint_known, member), sizeof(((struct endpoint_known *)NULL)->member), 8 \
	}
	RAW(release),     RAW(digest),     RAW(channel),   U64(dwell_s),      U32(epoch),
	U32(first_epoch), U64(seq),        U64(first_seq), U32(ring),         U32(lane),
	U32(cutoff),      U64(not_before), U64(expires),   U64(open_dwell_s), U64(security_floor),
	RAW(evidence),    RAW(blessed),    RAW(rollback),  RAW(evidence_ok),
};

static size_t entry_bytes(void)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(fields); i++)
		n += fields[i].bytes;
	return n;
}

static void put_number(struct buf *out, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(out, (char)(v >> 8 * i));
}

static uint64_t get_number(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

static void put_entry(struct buf *out, const struct endpoint_known *k)
{
	for (size_t i = 0; i < countof(fields); i++) {
		const struct field *f = &fields[i];
		const char *p = (const char *)k + f->at;

		for (size_t at = 0; at < f->bytes; at += f->number) {
			uint32_t u32;
			uint64_t v = 0;

			if (f->number == 4) {
				memcpy(&u32, p + at, 4);
				v = u32;
			} else if (f->number == 8) {
				memcpy(&v, p + at, 8);
			} else {
				v = (uint8_t)p[at];
			}
			put_number(out, v, f->number);
		}
	}
}

static void get_entry(const uint8_t *from, uint8_t *k)
{
	for (size_t i = 0; i < countof(fields); i++) {
		const struct field *f = &fields[i];

		for (size_t at = 0; at < f->bytes; at += f->number, from += f->number) {
			uint64_t v = get_number(from, f->number);
			uint32_t u32 = (uint32_t)v;
			uint8_t u8 = (uint8_t)v;

			if (f->number == 8)
				memcpy(k + f->at + at, &v, 8);
			else if (f->number == 4)
				memcpy(k + f->at + at, &u32, 4);
			else
				k[f->at + at] = u8;
		}
	}
}

FALLIBLE endpoint_save(const struct endpoint_table *t, struct buf *out)
{
	uint8_t digest[OBJECT_DIGEST_BYTES];
	size_t from = out->len;

	if (t->n > ENDPOINT_MAX_KNOWN)
		return E_INVALID;
	buf_put(out, magic, sizeof magic);
	put_number(out, FORMAT_VERSION, 4);
	put_number(out, t->n, 4);
	put_number(out, entry_bytes(), 4);
	for (uint32_t i = 0; i < t->n; i++)
		put_entry(out, &t->k[i]);
	if (out->full)
		return E_LIMIT;
	object_digest(view_of(out->p + from, out->len - from), digest);
	buf_put(out, digest, sizeof digest);
	return out->full ? E_LIMIT : E_OK;
}

/* A flag is read as a byte first: any other value than 0 and 1 is no bool. */
static bool flags_are_flags(const uint8_t *entry)
{
	size_t end = entry_bytes();

	static_assert(sizeof(bool) == 1, "a flag is a byte");
	return entry[end - 3] <= 1 && entry[end - 2] <= 1 && entry[end - 1] <= 1;
}

static bool is_sound(const struct endpoint_table *t, uint32_t i)
{
	const struct endpoint_known *k = &t->k[i];

	if (k->ring > PLAN_BLESSED || k->lane >= PLAN_N_LANES || k->blessed != (k->ring == PLAN_BLESSED) ||
	    k->dwell_s > MAX_DWELL_S || !memchr(k->channel, 0, sizeof k->channel))
		return false;
	for (uint32_t r = 0; r < PLAN_RINGS; r++)
		if (k->open_dwell_s[r] != UINT64_MAX && k->open_dwell_s[r] > k->dwell_s)
			return false;
	for (uint32_t o = 0; o < i; o++)
		if (!GUARD(16, memcmp(t->k[o].digest, k->digest, sizeof k->digest) != 0))
			return false;
	return true;
}

FALLIBLE endpoint_restore(struct view v, struct endpoint_table *out, struct diag *d)
{
	struct endpoint_table t = { .n = 0 };
	uint8_t digest[OBJECT_DIGEST_BYTES];
	uint64_t n, size;

	if (v.len < HEADER_BYTES + sizeof digest)
		FAIL_ID(d, TRUNCATED, 'Y', Y_STATE, "known releases: %zu bytes are too few", v.len);
	if (memcmp(v.p, magic, sizeof magic) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_STATE, "known releases: the file does not begin with SPKN");
	if (get_number(v.p + 4, 4) != FORMAT_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'Y', Y_STATE, "known releases: format version %u; this build knows %d",
			(unsigned)get_number(v.p + 4, 4), FORMAT_VERSION);
	object_digest(view_of(v.p, v.len - sizeof digest), digest);
	if (memcmp(v.p + v.len - sizeof digest, digest, sizeof digest) != 0)
		FAIL_ID(d, FORMAT, 'Y', Y_STATE, "known releases: the checksum does not agree");
	n = get_number(v.p + 8, 4);
	size = get_number(v.p + 12, 4);
	if (n > ENDPOINT_MAX_KNOWN || size != entry_bytes() || v.len != HEADER_BYTES + n * size + sizeof digest)
		FAIL_ID(d, FORMAT, 'Y', Y_STATE, "known releases: %zu bytes are not %u entries of %u", v.len,
			(unsigned)n, (unsigned)size);
	for (; t.n < n; t.n++) {
		const uint8_t *entry = v.p + HEADER_BYTES + t.n * size;

		if (flags_are_flags(entry))
			get_entry(entry, (uint8_t *)&t.k[t.n]);
		if (!flags_are_flags(entry) || !is_sound(&t, t.n))
			FAIL_ID(d, FORMAT, 'Y', Y_STATE, "known releases: entry %u is none that this build writes",
				t.n);
	}
	*out = t;
	return E_OK;
}
