/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "release/object/object.h"

static struct object_root a_root(void)
{
	struct object_root r = { .version = 3, .epoch = 2, .expires = 2000000000, .fleet = "eu-1.web_x", .n_keys = 3 };
	uint32_t others = (1u << OBJECT_N_ROLES) - 1 - (1u << ROLE_PROMOTE);

	for (uint32_t i = 0; i < r.n_keys; i++) {
		memset(r.key[i].key, (int)(i + 1), sizeof r.key[i].key);
		memset(r.key[i].id, (int)(i + 101), sizeof r.key[i].id);
		r.key[i].roles = i ? others : 1u << ROLE_PROMOTE;
	}
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		r.threshold[role] = role == ROLE_PROMOTE ? 1 : 2;
	r.plan = plan_default;
	r.plan.shadow_s = 77;
	return r;
}

static struct object_promotion a_promotion(void)
{
	struct object_promotion p = { .epoch = 2,
				      .seq = 1ull << 40,
				      .channel = "stable",
				      .ring = 4,
				      .lane = PLAN_URGENT,
				      .cutoff = 0x01020304,
				      .not_before = 1700000000,
				      .expires = 1800000000,
				      .security_floor = 9,
				      .rollback = true };

	memset(p.digest, 0xd1, sizeof p.digest);
	memset(p.release, 0xe1, sizeof p.release);
	memset(p.evidence, 0xe7, sizeof p.evidence);
	return p;
}

static struct object_revoke a_revoke(void)
{
	struct object_revoke r = { .epoch = 2, .seq = 5, .n = 2, .blessed = true };

	memset(r.digest[0], 0xaa, sizeof r.digest[0]);
	memset(r.digest[1], 0xab, sizeof r.digest[1]);
	return r;
}

static struct object_timestamp a_timestamp(void)
{
	struct object_timestamp t = { .epoch = 2,
				      .version = 10,
				      .time = 1700000000,
				      .expires = 1700086400,
				      .root_version = 3,
				      .promotion_seq = 7,
				      .revoke_seq = 5 };

	memset(t.log_head, 0x1d, sizeof t.log_head);
	return t;
}

static struct object_health a_health(void)
{
	struct object_health h = { .seq = 4,
				   .time = 1700000000,
				   .uptime_s = 60,
				   .kernel = "6.1.0-18-amd64 #1 SMP",
				   .engine = "0.1.0",
				   .safe = true,
				   .phase = HEALTH_SHADOW,
				   .strike_cause = CAUSE_CRASH,
				   .strike_signal = 11,
				   .strike_rule = "Read sensitive file (caf\xc3\xa9)",
				   .n_rules = 2,
				   .rule = { { "A rule", 1, 2, 3, 4 }, { "B", 5, 6, 7, 8 } } };

	memset(h.agent, 1, sizeof h.agent);
	memset(h.key, 2, sizeof h.key);
	return h;
}

union any {
	struct object_root root;
	struct object_promotion promotion;
	struct object_revoke revoke;
	struct object_timestamp timestamp;
	struct object_health health;
};

typedef enum err write_fn(const void *, struct buf *, struct diag *);
typedef enum err read_fn(struct view, void *, struct diag *);

#define KIND(kind)                                                                    \
	static enum err write_##kind(const void *in, struct buf *out, struct diag *d) \
	{                                                                             \
		return object_write_##kind(in, out, d);                               \
	}                                                                             \
	static enum err read_##kind(struct view v, void *out, struct diag *d)         \
	{                                                                             \
		return object_read_##kind(v, out, d);                                 \
	}
KIND(root)
KIND(promotion)
KIND(revoke)
KIND(timestamp)
KIND(health)

static const struct {
	const char *name;
	write_fn *write;
	read_fn *read;
	size_t bytes, wire;
} kinds[] = {
	{ "root", write_root, read_root, sizeof(struct object_root), 252 + 3 * 44 },
	{ "promotion", write_promotion, read_promotion, sizeof(struct object_promotion), 180 },
	{ "revoke", write_revoke, read_revoke, sizeof(struct object_revoke), 36 + 2 * 32 },
	{ "timestamp", write_timestamp, read_timestamp, sizeof(struct object_timestamp), 96 },
	{ "health", write_health, read_health, sizeof(struct object_health), 564 + 2 * 96 },
};

static void fill(uint32_t kind, union any *out)
{
	memset(out, 0, sizeof *out);
	switch (kind) {
	case 0:
		out->root = a_root();
		return;
	case 1:
		out->promotion = a_promotion();
		return;
	case 2:
		out->revoke = a_revoke();
		return;
	case 3:
		out->timestamp = a_timestamp();
		return;
	default:
		out->health = a_health();
	}
}

static struct buf written(uint32_t kind, const union any *o)
{
	struct buf b;

	buf_init(&b, OBJECT_MAX_BYTES);
	CHECK_OK(kinds[kind].write(o, &b, NULL));
	return b;
}

TEST(every_kind_is_read_as_it_was_written)
{
	for (uint32_t k = 0; k < countof(kinds); k++) {
		union any o, back;
		struct buf b, again;

		test_row = kinds[k].name;
		fill(k, &o);
		b = written(k, &o);
		CHECK_EQ(b.len, kinds[k].wire);
		CHECK_OK(kinds[k].read(view_of(b.p, b.len), &back, NULL));
		again = written(k, &back);
		CHECK_EQ(again.len, b.len);
		CHECK(memcmp(again.p, b.p, b.len) == 0);
		buf_done(&b);
		buf_done(&again);
	}
}

TEST(fields_come_back_with_their_values)
{
	union any o, back;
	struct buf b;

	fill(1, &o);
	b = written(1, &o);
	CHECK_OK(object_read_promotion(view_of(b.p, b.len), &back.promotion, NULL));
	CHECK_EQ(back.promotion.seq, 1ull << 40);
	CHECK_EQ(back.promotion.cutoff, 0x01020304);
	CHECK_EQ(back.promotion.rollback, true);
	CHECK_STR(back.promotion.channel, "stable");
	buf_done(&b);
	fill(0, &o);
	b = written(0, &o);
	CHECK_OK(object_read_root(view_of(b.p, b.len), &back.root, NULL));
	CHECK(memcmp(&back.root.plan, &o.root.plan, sizeof o.root.plan) == 0);
	CHECK_EQ(back.root.threshold[ROLE_APPROVE], 2);
	CHECK_EQ(back.root.key[2].roles, o.root.key[2].roles);
	buf_done(&b);
	fill(4, &o);
	b = written(4, &o);
	CHECK_OK(object_read_health(view_of(b.p, b.len), &back.health, NULL));
	CHECK_STR(back.health.rule[1].name, "B");
	CHECK_EQ(back.health.rule[1].ns_per_run, 8);
	CHECK(back.health.safe && !back.health.ring0 && !back.health.critical);
	buf_done(&b);
}

/* The first bytes are what docs/formats/release.md says. */
TEST(a_payload_begins_with_magic_kind_version_and_length)
{
	static const uint8_t want[] = { 'S', 'P', 'O', 'B', 4, 0, 1, 0, 96, 0, 0, 0, 0,
					0,   0,   0,   2,   0, 0, 0, 3, 0,  0, 0, 10 };
	union any o;
	struct buf b;

	fill(3, &o);
	b = written(3, &o);
	CHECK(memcmp(b.p, want, sizeof want) == 0);
	buf_done(&b);
}

TEST(no_kind_is_read_as_another)
{
	for (uint32_t k = 0; k < countof(kinds); k++)
		for (uint32_t as = 0; as < countof(kinds); as++) {
			union any o, back;
			struct buf b;

			fill(k, &o);
			b = written(k, &o);
			if (as != k)
				CHECK_EQ(kinds[as].read(view_of(b.p, b.len), &back, NULL), E_FORMAT);
			buf_done(&b);
		}
}

TEST(cut_or_lengthened_payloads_are_refused_and_leave_the_output_alone)
{
	for (uint32_t k = 0; k < countof(kinds); k++) {
		union any o, back, before;
		struct buf b;

		test_row = kinds[k].name;
		fill(k, &o);
		b = written(k, &o);
		memset(&back, 0x5a, sizeof back);
		before = back;
		for (size_t n = 0; n < b.len; n++) {
			uint8_t *cut = malloc(n + !n);

			memcpy(cut, b.p, n);
			CHECK_EQ(kinds[k].read(view_of(cut, n), &back, NULL), E_TRUNCATED);
			/* and with a length that agrees */
			if (n >= 16) {
				cut[8] = (uint8_t)n;
				cut[9] = (uint8_t)(n >> 8);
				CHECK_EQ(kinds[k].read(view_of(cut, n), &back, NULL), E_FORMAT);
			}
			free(cut);
		}
		buf_putc(&b, 0);
		CHECK_EQ(kinds[k].read(view_of(b.p, b.len), &back, NULL), E_FORMAT);
		b.p[8] = (char)b.len;
		b.p[9] = (char)(b.len >> 8);
		CHECK_EQ(kinds[k].read(view_of(b.p, b.len), &back, NULL), E_FORMAT);
		CHECK(memcmp(&back, &before, sizeof back) == 0);
		buf_done(&b);
	}
}

/* No two byte strings are one object: whatever is read is written as it was. */
TEST(every_changed_byte_is_refused_or_is_another_object)
{
	for (uint32_t k = 0; k < countof(kinds); k++) {
		union any o, back;
		struct buf b, again;

		test_row = kinds[k].name;
		fill(k, &o);
		b = written(k, &o);
		for (size_t i = 0; i < b.len * 8; i++) {
			b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
			if (kinds[k].read(view_of(b.p, b.len), &back, NULL) == E_OK) {
				CHECK(i / 8 >= 16);
				again = written(k, &back);
				CHECK(again.len == b.len && memcmp(again.p, b.p, b.len) == 0);
				buf_done(&again);
			}
			b.p[i / 8] = (char)(b.p[i / 8] ^ 1 << i % 8);
		}
		buf_done(&b);
	}
}

TEST(unknown_versions_are_said_to_be_unsupported)
{
	union any o;
	struct buf b;
	struct diag d;

	fill(3, &o);
	b = written(3, &o);
	b.p[6] = 2;
	diag_init(&d);
	CHECK_EQ(object_read_timestamp(view_of(b.p, b.len), &o.timestamp, &d), E_UNSUPPORTED);
	CHECK_EQ(d.family, 'O');
	CHECK_HAS(d.text, "format version 2");
	buf_done(&b);
}

static void refused(uint32_t kind, const union any *o, const char *why)
{
	struct buf b;
	struct diag d;

	test_row = why;
	buf_init(&b, OBJECT_MAX_BYTES);
	diag_init(&d);
	CHECK_EQ(kinds[kind].write(o, &b, &d), E_INVALID);
	CHECK_HAS(d.text, why);
	CHECK_EQ(b.len, 0);
	buf_done(&b);
	test_row = NULL;
}

#define REFUSED(kind, change, why)        \
	do {                              \
		union any o;              \
		fill((kind), &o);         \
		change;                   \
		refused((kind), &o, why); \
	} while (0)

TEST(fields_out_of_bounds_are_not_written)
{
	REFUSED(0, o.root.version = 0, "version 0");
	REFUSED(0, o.root.expires = 0, "expires at 0");
	REFUSED(0, o.root.fleet[0] = 'A', "'fleet'");
	REFUSED(0, o.root.fleet[0] = 0, "'fleet'");
	REFUSED(0, o.root.fleet[0] = '.', "'fleet'");
	REFUSED(0, o.root.fleet[3] = '/', "'fleet'");
	REFUSED(0, o.root.fleet[31] = 'a', "'fleet'");
	REFUSED(0, memset(o.root.fleet, 'a', 32), "'fleet'");
	REFUSED(0, o.root.n_keys = 33, "a list of 33");
	REFUSED(0, o.root.plan.ring0_hosts = 201, "ring 0 of 201");
	REFUSED(0, o.root.plan.ring[3].cutoff = 0, "ring 3");
	REFUSED(1, o.promotion.ring = PLAN_BLESSED + 1, "ring 8");
	REFUSED(1, o.promotion.lane = PLAN_N_LANES, "lane 2");
	REFUSED(1, o.promotion.seq = 0, "number 0");
	REFUSED(1, o.promotion.expires = o.promotion.not_before, "holds from");
	REFUSED(1, memset(o.promotion.digest, 0, 32), "no bundle");
	REFUSED(1, memset(o.promotion.release, 0, 16), "no release");
	REFUSED(1, (o.promotion.ring = 0, o.promotion.rollback = false), "with evidence");
	REFUSED(1, (memset(o.promotion.evidence, 0, 32), o.promotion.rollback = false), "without evidence");
	REFUSED(1, o.promotion.channel[1] = ' ', "'channel'");
	REFUSED(2, o.revoke.seq = 0, "number 0");
	REFUSED(2, o.revoke.n = 0, "of 0 digests");
	REFUSED(2, o.revoke.n = OBJECT_MAX_REVOKED + 1, "a list of 65");
	REFUSED(2, o.revoke.n = 3, "digest 2 is zero");
	REFUSED(3, o.timestamp.version = 0, "version 0");
	REFUSED(3, o.timestamp.root_version = 0, "root 0");
	REFUSED(3, o.timestamp.expires = o.timestamp.time, "expires");
	REFUSED(4, o.health.seq = 0, "number 0");
	REFUSED(4, o.health.phase = HEALTH_QUARANTINED + 1, "phase 6");
	REFUSED(4, o.health.strike_cause = CAUSE_BOOT + 1, "cause 8");
	REFUSED(4, o.health.strike_signal = 65, "signal 65");
	REFUSED(4, o.health.kernel[0] = 27, "'kernel'");
	REFUSED(4, o.health.rule[1].name[0] = 10, "'name'");
	REFUSED(4, o.health.n_rules = HEALTH_MAX_RULES + 1, "a list of 65");
}

TEST(f20_a_root_whose_roles_or_thresholds_mean_nothing_is_refused)
{
	REFUSED(0, o.root.threshold[ROLE_BUNDLE] = 0, "'bundle' takes 0");
	REFUSED(0, o.root.threshold[ROLE_ROOT] = 3, "'root' takes 3");
	REFUSED(0, o.root.threshold[ROLE_PROMOTE] = 2, "'promote' takes 2 signatures and has 1 key");
	REFUSED(0, o.root.key[0].roles |= 1u << ROLE_BUNDLE, "promotes and has another role");
	REFUSED(0, o.root.key[1].roles |= 1u << ROLE_PROMOTE, "promotes and has another role");
	REFUSED(0, o.root.key[1].roles = 0, "has the roles 0x0");
	REFUSED(0, o.root.key[1].roles |= 1u << OBJECT_N_ROLES, "has the roles");
	REFUSED(0, memcpy(o.root.key[2].key, o.root.key[1].key, 32), "keys 1 and 2");
	REFUSED(0, memcpy(o.root.key[2].id, o.root.key[0].id, 8), "keys 0 and 2");
	REFUSED(0, o.root.n_keys = 0, "has 0 keys");
}

TEST(the_largest_objects_fit)
{
	union any o, back;
	struct buf b;

	fill(4, &o);
	o.health.n_rules = HEALTH_MAX_RULES;
	b = written(4, &o);
	CHECK_EQ(b.len, 564 + 64 * 96);
	CHECK_OK(object_read_health(view_of(b.p, b.len), &back.health, NULL));
	buf_done(&b);
	fill(2, &o);
	o.revoke.n = OBJECT_MAX_REVOKED;
	memset(o.revoke.digest, 1, sizeof o.revoke.digest);
	b = written(2, &o);
	CHECK_OK(object_read_revoke(view_of(b.p, b.len), &back.revoke, NULL));
	buf_done(&b);
}

TEST(a_full_buffer_is_an_error)
{
	union any o;
	struct buf b;

	fill(1, &o);
	buf_init(&b, 100);
	CHECK_EQ(object_write_promotion(&o.promotion, &b, NULL), E_LIMIT);
	buf_done(&b);
}

TEST(hexadecimal_digits_and_paths)
{
	static const uint8_t bytes[] = { 0x00, 0x9f, 0xff };
	char text[7], path[OBJECT_PATH_BYTES];
	uint8_t back[3] = { 7, 7, 7 }, digest[OBJECT_DIGEST_BYTES];

	object_hex(bytes, sizeof bytes, text);
	CHECK_STR(text, "009fff");
	CHECK(object_unhex(text, back, sizeof back));
	CHECK(memcmp(back, bytes, sizeof back) == 0);
	back[0] = 7;
	CHECK(!object_unhex("009FFF", back, 3) && !object_unhex("009ff", back, 3) &&
	      !object_unhex("009fff0", back, 3) && !object_unhex("009fg0", back, 3) && !object_unhex("", back, 3));
	CHECK_EQ(back[0], 7);
	object_path(path, "promotion/%u-%llu", 3u, 17ull);
	CHECK_STR(path, "promotion/3-17");
	object_digest(view_of("abc", 3), digest);
	/* b2sum -l 256 */
	CHECK_EQ(digest[0], 0xbd);
	CHECK_EQ(digest[1], 0xdd);
	CHECK_EQ(digest[31], 0x19);
}

/* Fields stand where docs/formats/release.md says. */
TEST(offsets_are_those_of_the_format)
{
	static const struct {
		uint32_t kind, at;
		uint8_t is;
	} want[] = {
		{ 0, 16, 3 },    { 0, 20, 2 },    { 0, 32, 'e' },     { 0, 64 + 8, 1 }, { 0, 88 + 4, 0x10 },
		{ 0, 228, 200 }, { 0, 232, 77 },  { 0, 248, 3 },      { 0, 252, 1 },    { 0, 284, 101 },
		{ 0, 292, 4 },   { 1, 20, 4 },    { 1, 29, 1 },       { 1, 32, 's' },   { 1, 64, 0xd1 },
		{ 1, 96, 0xe1 }, { 1, 112, 1 },   { 1, 116, 4 },      { 1, 136, 0xe7 }, { 1, 168, 9 },
		{ 1, 176, 1 },   { 2, 20, 1 },    { 2, 24, 5 },       { 2, 32, 2 },     { 2, 36, 0xaa },
		{ 3, 20, 3 },    { 3, 24, 10 },   { 3, 48, 7 },       { 3, 56, 5 },     { 3, 64, 0x1d },
		{ 4, 32, 2 },    { 4, 64, 4 },    { 4, 96, 60 },      { 4, 104, '6' },  { 4, 168, '0' },
		{ 4, 236, 1 },   { 4, 244, 2 },   { 4, 352, 1 },      { 4, 356, 11 },   { 4, 360, 'R' },
		{ 4, 560, 2 },   { 4, 564, 'A' }, { 4, 564 + 64, 1 },
	};

	for (size_t i = 0; i < countof(want); i++) {
		union any o;
		struct buf b;

		fill(want[i].kind, &o);
		b = written(want[i].kind, &o);
		CHECK_EQ((uint8_t)b.p[want[i].at], want[i].is);
		buf_done(&b);
	}
}
