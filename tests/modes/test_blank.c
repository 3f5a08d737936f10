/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F16: every format that a host or a controller reads, blank, cut short, doubled, and with a record that is there
 * twice. Bundles have theirs in tests/bundle/test_hostile.c.
 */
#include <stdlib.h>

#include "../gate/world.h"
#include "../local/fixture.h"
#include "../trust/fleet.h"
#include "../vector/vector_test.h"
#include "agent/steward_parts.h"
#include "release/endpoint/endpoint.h"
#include "release/policy/policy.h"

struct format {
	void (*make)(struct buf *out);
	enum err (*read)(struct view v);
};

static void seal(struct buf *b)
{
	size_t body = b->len - OBJECT_DIGEST_BYTES;

	object_digest(view_of(b->p, body), (uint8_t *)b->p + body);
}

/* From memory that ends where its bytes end. */
static enum err read_copy(const struct format *f, const void *p, size_t len)
{
	uint8_t *copy = malloc(len + !len);
	enum err err;

	CHECK(copy);
	memcpy(copy, len ? p : "", len);
	err = f->read(view_of(copy, len));
	free(copy);
	return err;
}

static void refuses_blanks(const struct format *f, void (*change)(struct buf *b))
{
	struct buf good, bad;
	uint8_t *zero;

	f->make(&good);
	CHECK_OK(read_copy(f, good.p, good.len));
	zero = calloc(1, good.len);
	CHECK(zero);
	for (size_t n = 0; n <= good.len; n = n < good.len && 2 * n + 1 > good.len ? good.len : 2 * n + 1)
		CHECK(read_copy(f, zero, n) != E_OK);
	for (size_t n = 0; n < good.len; n += 1 + good.len / 1000)
		CHECK(read_copy(f, good.p, n) != E_OK);
	buf_init(&bad, 2 * good.len + 1);
	buf_put(&bad, good.p, good.len);
	buf_put(&bad, good.p, good.len);
	CHECK(read_copy(f, bad.p, bad.len) != E_OK);
	buf_reset(&bad);
	buf_put(&bad, good.p, good.len);
	change(&bad);
	CHECK(read_copy(f, bad.p, bad.len) != E_OK);
	free(zero);
	buf_done(&good);
	buf_done(&bad);
}

static void blank_magic(struct buf *b)
{
	memset(b->p, 0, 4);
}

static void blank_digest(struct buf *b)
{
	memset(b->p + b->len - OBJECT_DIGEST_BYTES, 0, OBJECT_DIGEST_BYTES);
}

/* ---- signed objects ---- */

static struct fleet fleet;

#define OBJECT_FORMAT(kind, ...)                                                                   \
	static void make_##kind##_bytes(struct buf *out)                                           \
	{                                                                                          \
		struct object_##kind o;                                                            \
                                                                                                   \
		fleet_init(&fleet);                                                                \
		o = __VA_ARGS__;                                                                   \
		buf_init(out, OBJECT_MAX_BYTES);                                                   \
		CHECK_OK(object_write_##kind(&o, out, NULL));                                      \
		fleet_done(&fleet);                                                                \
	}                                                                                          \
	static enum err read_##kind(struct view v)                                                 \
	{                                                                                          \
		struct object_##kind o;                                                            \
                                                                                                   \
		return object_read_##kind(v, &o, NULL);                                            \
	}                                                                                          \
	TEST(f16_a_blank_##kind##_is_refused)                                                      \
	{                                                                                          \
		refuses_blanks(&(struct format){ make_##kind##_bytes, read_##kind }, blank_magic); \
	}

OBJECT_FORMAT(root, fleet.root)
OBJECT_FORMAT(promotion, a_promotion(&fleet, 4, 2, 0xaa))
OBJECT_FORMAT(revoke, a_revoke(&fleet, 4, 0xaa))
OBJECT_FORMAT(timestamp, a_timestamp(&fleet, 4, 2, 2))
OBJECT_FORMAT(health, (struct object_health){ .agent = { 1 },
					      .key = { 2 },
					      .seq = 4,
					      .time = NOW,
					      .kernel = "6.1.0",
					      .engine = "0.1.0",
					      .n_rules = 1,
					      .rule = { { "A rule", 1, 2, 3, 4 } } })

/* ---- evidence ---- */

static void make_evidence(struct buf *out)
{
	static struct gate_evidence e;
	struct rng r = { 16 };

	memset(&e, 0, sizeof e);
	world_clean(&e.gate, 1, &r);
	memset(e.digest, 7, sizeof e.digest);
	e.opts = gate_default;
	e.judged_s = world_end(&e.gate);
	buf_init(out, GATE_EVIDENCE_MAX_BYTES);
	CHECK_OK(gate_write_evidence(&e, out, NULL));
}

static enum err read_evidence(struct view v)
{
	static struct gate_evidence e;

	return gate_read_evidence(v, &e, NULL);
}

TEST(f16_blank_evidence_is_refused)
{
	refuses_blanks(&(struct format){ make_evidence, read_evidence }, blank_magic);
}

/* ---- what a host remembers ---- */

static void put_known(struct buf *out)
{
	struct object_promotion p = { .epoch = 1, .seq = 1, .channel = "stable", .expires = UINT64_MAX };
	struct endpoint_table t;
	struct policy policy;

	policy_init(&policy);
	endpoint_table_init(&t);
	for (uint8_t i = 1; i <= 3; i++) {
		p.seq = p.digest[0] = p.release[0] = i;
		CHECK(endpoint_take(&t, &p, &policy) != NULL);
	}
	CHECK_OK(endpoint_save(&t, out));
}

static void make_known(struct buf *out)
{
	buf_init(out, 1 << 20);
	put_known(out);
}

static enum err read_known(struct view v)
{
	struct endpoint_table t;

	return endpoint_restore(v, &t, NULL);
}

/* docs/formats/known.md: 16 bytes of header with the size of an entry at 12, entries, digest. */
static void entry_twice(struct buf *b)
{
	uint32_t size;

	memcpy(&size, b->p + 12, sizeof size);
	memcpy(b->p + 16 + size, b->p + 16, size);
	seal(b);
}

TEST(f16_blank_known_releases_and_one_that_is_there_twice_are_refused)
{
	refuses_blanks(&(struct format){ make_known, read_known }, blank_digest);
	refuses_blanks(&(struct format){ make_known, read_known }, entry_twice);
}

static void make_trust(struct buf *out)
{
	fleet_init(&fleet);
	buf_init(out, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&fleet.t, out));
	fleet_done(&fleet);
}

static enum err read_trust(struct view v)
{
	struct trust t;

	return trust_restore(v, &t, NULL);
}

TEST(f16_blank_trust_is_refused)
{
	refuses_blanks(&(struct format){ make_trust, read_trust }, blank_digest);
}

static void make_slot(struct buf *out)
{
	struct local_state s;
	uint8_t slot[LOCAL_SLOT_BYTES];

	local_init(&s);
	to_good(&s, LOCAL_RELEASE, 1, 1);
	local_write(&s, slot);
	buf_init(out, sizeof slot);
	buf_put(out, slot, sizeof slot);
}

static enum err read_slot(struct view v)
{
	struct local_state s;

	return local_read(v, &s, NULL);
}

TEST(f16_a_blank_slot_is_refused)
{
	refuses_blanks(&(struct format){ make_slot, read_slot }, blank_digest);
}

/* src/agent/steward_state.c: 40 bytes of header, trust (none here), known releases, mutes. */
static void make_steward(struct buf *out)
{
	uint64_t header[5] = { 0 };

	buf_init(out, 1 << 20);
	buf_put(out, header, sizeof header);
	put_known(out);
	header[3] = out->len - sizeof header;
	memcpy(out->p, header, sizeof header);
	memcpy(out->p, "SPST\1\0\0", 8);
}

static enum err read_steward(struct view v)
{
	static struct steward s;

	memset(&s, 0, sizeof s);
	return steward_restore(&s, v, NULL);
}

TEST(f16_a_blank_state_of_the_steward_is_refused)
{
	refuses_blanks(&(struct format){ make_steward, read_steward }, blank_magic);
}

/* ---- vectors ---- */

static uint32_t le32(const struct buf *b, size_t off)
{
	uint32_t v;

	memcpy(&v, b->p + off, sizeof v);
	return v;
}

static void make_vectors(struct buf *out)
{
	struct made m;

	make_text(&m, "- rule: R\n  condition: evt.type = open and fd.name = /a and proc.name = b\n" RULE_TAIL);
	buf_init(out, 1 << 20);
	CHECK_OK(vector_write(&m.set, out, NULL));
	made_done(&m);
}

static enum err read_vectors(struct view v)
{
	struct vector_set s;
	struct arena a;
	enum err err;

	arena_init(&a, 16 << 20);
	err = vector_read(v, &a, &s, NULL);
	arena_done(&a);
	return err;
}

/* docs/formats/vectors.md: 28 bytes of header, 20 of each vector, 12 of each field. */
static void field_twice(struct buf *b)
{
	size_t field = 28 + (size_t)20 * le32(b, 12);

	CHECK(le32(b, 28 + 16) >= 2); /* of the first vector */
	memcpy(b->p + field + 12, b->p + field, 12);
}

TEST(f16_blank_vectors_and_a_field_that_is_there_twice_are_refused)
{
	refuses_blanks(&(struct format){ make_vectors, read_vectors }, blank_magic);
	refuses_blanks(&(struct format){ make_vectors, read_vectors }, field_twice);
}

/* ---- policy: text, of which a part may be a whole one ---- */

TEST(f16_a_blank_policy_or_a_key_that_is_there_twice_pauses)
{
	static const char zero[64];
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ zero, 1 },
		{ zero, sizeof zero },
		{ "\n\n", 2 },
		{ "{}", 2 },
		{ "hold: ", 6 },
		{ "hold: 1h\nhold: 2h\n", 18 },
		{ "hold: 1h\nchannel: stable\nhold: 1h\n", 34 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct policy p;
		struct arena a;
		struct diags ds;

		arena_init(&a, 1 << 20);
		diags_init(&ds, &a);
		test_row = rows[i].text;
		CHECK_EQ(policy_read("p", view_of(rows[i].text, rows[i].len), NULL, NULL, &a, &ds, &p), E_REJECTED);
		CHECK(p.paused);
		CHECK(ds.n_errors > 0);
		arena_done(&a);
	}
}
