/* SPDX-License-Identifier: Apache-2.0 */
/* What trust takes and what it refuses, by failure mode. */
#include "test.h"

#include "fleet.h"

/* Nothing that was refused left a trace. */
static void unchanged(const struct fleet *f, const struct trust *before)
{
	CHECK(memcmp(&f->t, before, sizeof *before) == 0);
}

static enum err take_root(struct fleet *f, const struct object_root *r, uint32_t mask)
{
	struct signed_object o = make_root(f, r, mask);

	return trust_root(&f->t, o.payload, o.signatures, NULL);
}

static struct object_root next_root(const struct fleet *f)
{
	struct object_root r = f->t.root;

	r.version++;
	return r;
}

static enum err take_promotion(struct fleet *f, struct signed_object o, uint64_t now_s)
{
	struct object_promotion out;

	return trust_promotion(&f->t, o.payload, o.signatures, now_s, &out, NULL);
}

static enum err take_revoke(struct fleet *f, struct signed_object o)
{
	struct object_revoke out;

	return trust_revoke(&f->t, o.payload, o.signatures, &out, NULL);
}

TEST(a_release_goes_its_way)
{
	struct fleet f;
	struct object_promotion p, out;
	struct object_revoke r;
	struct signed_object o;

	fleet_init(&f);
	CHECK(trust_is_stale(&f.t, NOW));
	CHECK_OK(give_timestamp(&f, 1, 3, 1));
	CHECK(!trust_is_stale(&f.t, NOW));
	p = a_promotion(&f, 1, 0, 0xaa);
	o = make_promotion(&f, &p, PROMOTER);
	CHECK_OK(trust_promotion(&f.t, o.payload, o.signatures, NOW, &out, NULL));
	CHECK_EQ(out.seq, 1);
	CHECK_EQ(out.digest[31], 0xaa);
	p = a_promotion(&f, 2, 3, 0xaa);
	p.security_floor = 7;
	CHECK_OK(give_promotion(&f, &p, PROMOTER));
	CHECK_EQ(f.t.security_floor, 7);
	p = a_promotion(&f, 3, 4, 0xaa);
	CHECK_OK(give_promotion(&f, &p, PROMOTER | PERSON));
	CHECK_EQ(f.t.promotion_seq, 3);
	CHECK_EQ(f.t.security_floor, 7);
	CHECK(!trust_is_revoked(&f.t, p.digest));
	r = a_revoke(&f, 1, 0xaa);
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	CHECK(trust_is_revoked(&f.t, p.digest));
	fleet_done(&f);
}

TEST(refusals_say_who_signed_and_why_others_do_not_count)
{
	struct fleet f;
	struct object_root r;
	struct signed_object o;
	struct diag d;

	fleet_init(&f);
	r = next_root(&f);
	o = make_root(&f, &r, KEY(K_ROOT) | KEY(K_ROOT + 1) | PROMOTER | KEY(K_STRANGER));
	diag_init(&d);
	CHECK_EQ(trust_root(&f.t, o.payload, o.signatures, &d), E_REJECTED);
	CHECK_EQ(d.family, 'T');
	CHECK_EQ(d.id, 101);
	CHECK_HAS(d.text, "2 of the 3 signatures that the role 'root' needs (0101010101010101 0202020202020202)");
	CHECK_HAS(d.hint, "1 by unknown keys, 1 by keys of other roles, 0 by a key that signed before, 0 that do not");
	fleet_done(&f);
}

TEST(a_first_root_must_meet_its_own_threshold)
{
	struct fleet f;
	struct signed_object o;
	struct trust t;

	fleet_init(&f);
	o = make_root(&f, &f.root, KEY(K_ROOT) | KEY(K_ROOT + 1));
	CHECK_EQ(trust_init(&t, o.payload, o.signatures, NULL), E_REJECTED);
	o = make_root(&f, &f.root, KEY(K_ROOT) | KEY(K_ROOT + 1) | KEY(K_BUNDLE));
	CHECK_EQ(trust_init(&t, o.payload, o.signatures, NULL), E_REJECTED);
	o = make_root(&f, &f.root, KEY(K_ROOT) | KEY(K_ROOT + 1) | KEY(K_ROOT + 3));
	CHECK_OK(trust_init(&t, o.payload, o.signatures, NULL));
	o.payload.len--;
	CHECK_EQ(trust_init(&t, o.payload, o.signatures, NULL), E_REJECTED);
	fleet_done(&f);
}

TEST(a_root_is_followed_by_the_next_under_both_thresholds)
{
	struct fleet f;
	struct object_root r;

	fleet_init(&f);
	/* five new root keys, of which strangers are two */
	r = next_root(&f);
	for (uint32_t i = 0; i < 2; i++) {
		memcpy(r.key[i].key, f.key[K_STRANGER + i].pub.key, OBJECT_KEY_BYTES);
		memcpy(r.key[i].id, f.key[K_STRANGER + i].pub.id, OBJECT_KEY_ID_BYTES);
	}
	/* old keys 0 1 2 3 4, new ones S S 2 3 4 */
	CHECK_EQ(take_root(&f, &r, KEY(0) | KEY(1) | KEY(2)), E_REJECTED);
	CHECK_EQ(take_root(&f, &r, KEY(K_STRANGER) | KEY(K_STRANGER + 1) | KEY(2)), E_REJECTED);
	CHECK_OK(take_root(&f, &r, KEY(0) | KEY(2) | KEY(3) | KEY(K_STRANGER)));
	CHECK_EQ(f.t.root.version, 2);
	CHECK_EQ(take_root(&f, &r, KEY(0) | KEY(2) | KEY(3) | KEY(K_STRANGER)), E_EXISTS);
	/* the next is not by the keys that went */
	r = next_root(&f);
	CHECK_EQ(take_root(&f, &r, KEY(0) | KEY(1) | KEY(2)), E_REJECTED);
	CHECK_OK(take_root(&f, &r, KEY(2) | KEY(3) | KEY(4)));
	fleet_done(&f);
}

/* Two years of operation; then everything of it once more, and each part with another's signatures. */
enum { HISTORY = 12 };

struct history {
	struct signed_object root[HISTORY], timestamp[HISTORY], promotion[HISTORY], revoke[HISTORY];
	uint32_t n;
};

static void replay(struct fleet *f, const struct history *h)
{
	struct trust before = f->t;
	enum err err;

	for (uint32_t i = 0; i < h->n; i++) {
		CHECK_EQ(take_promotion(f, h->promotion[i], NOW), E_REJECTED);
		CHECK_EQ(take_revoke(f, h->revoke[i]), E_REJECTED);
		err = trust_timestamp(&f->t, h->timestamp[i].payload, h->timestamp[i].signatures, NULL);
		CHECK_EQ(err, i + 1 == h->n ? E_EXISTS : E_REJECTED);
		err = trust_root(&f->t, h->root[i].payload, h->root[i].signatures, NULL);
		CHECK_EQ(err, i + 1 == h->n ? E_EXISTS : E_REJECTED);
		unchanged(f, &before);
	}
}

TEST(f19_a_replay_of_any_older_signed_object_is_refused)
{
	struct fleet f;
	struct history h = { 0 };

	fleet_init(&f);
	for (uint32_t i = 0; i < HISTORY; i++) {
		struct object_root r = next_root(&f);
		struct object_timestamp t;
		struct object_promotion p;
		struct object_revoke v;

		h.root[i] = make_root(&f, &r, ROOTS);
		CHECK_OK(trust_root(&f.t, h.root[i].payload, h.root[i].signatures, NULL));
		t = a_timestamp(&f, i + 1, i + 1, i + 1);
		h.timestamp[i] = make_timestamp(&f, &t, CLOCK);
		CHECK_OK(trust_timestamp(&f.t, h.timestamp[i].payload, h.timestamp[i].signatures, NULL));
		p = a_promotion(&f, i + 1, i % (PLAN_BLESSED + 1), (uint8_t)(0x10 + i));
		h.promotion[i] = make_promotion(&f, &p, PROMOTER | PERSON);
		CHECK_OK(take_promotion(&f, h.promotion[i], NOW));
		v = a_revoke(&f, i + 1, (uint8_t)(0x80 + i));
		h.revoke[i] = make_revoke(&f, &v, REVOKER);
		CHECK_OK(take_revoke(&f, h.revoke[i]));
		h.n = i + 1;
		replay(&f, &h);
	}
	fleet_done(&f);
}

TEST(f19_a_root_that_skips_goes_back_or_is_another_fleets_is_refused)
{
	struct fleet f;
	struct object_root r;
	struct trust before;

	fleet_init(&f);
	r = next_root(&f);
	r.epoch = 2;
	CHECK_OK(take_root(&f, &r, ROOTS));
	before = f.t;
	r = next_root(&f);
	r.version++;
	CHECK_EQ(take_root(&f, &r, ROOTS), E_REJECTED);
	r.version -= 2;
	r.expires++;
	CHECK_EQ(take_root(&f, &r, ROOTS), E_REJECTED);
	r = next_root(&f);
	r.epoch = 1;
	CHECK_EQ(take_root(&f, &r, ROOTS), E_REJECTED);
	r = next_root(&f);
	r.fleet[0] = 'b';
	CHECK_EQ(take_root(&f, &r, ROOTS), E_REJECTED);
	unchanged(&f, &before);
	/* 2^32 versions on there is none that follows */
	f.t.root.version = UINT32_MAX;
	r = f.t.root;
	r.version = 1;
	CHECK_EQ(take_root(&f, &r, ROOTS), E_REJECTED);
	fleet_done(&f);
}

TEST(f19_a_frozen_timestamp_is_noticed_and_lets_nothing_in)
{
	struct fleet f;
	struct object_promotion p;
	struct object_timestamp t;
	struct signed_object o, frozen;

	fleet_init(&f);
	t = a_timestamp(&f, 1, 5, 0);
	frozen = make_timestamp(&f, &t, CLOCK);
	CHECK_OK(trust_timestamp(&f.t, frozen.payload, frozen.signatures, NULL));
	CHECK(!trust_is_stale(&f.t, NOW + DAY - 1));
	/* served again and again */
	CHECK_EQ(trust_timestamp(&f.t, frozen.payload, frozen.signatures, NULL), E_EXISTS);
	CHECK(trust_is_stale(&f.t, NOW + DAY));
	p = a_promotion(&f, 1, 0, 0xaa);
	o = make_promotion(&f, &p, PROMOTER);
	CHECK_EQ(take_promotion(&f, o, NOW + DAY), E_REJECTED);
	/* nor does another one of the same number, or one that is newer and knows less */
	t.expires += DAY;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	t.version = 2;
	t.promotion_seq = 4;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	t.promotion_seq = 5;
	t.time--;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	t.time++;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_OK(trust_timestamp(&f.t, o.payload, o.signatures, NULL));
	CHECK(!trust_is_stale(&f.t, NOW + DAY));
	fleet_done(&f);
}

TEST(f19_parts_of_different_releases_do_not_make_one)
{
	static const char a[] = "bundle A", b[] = "bundle B";
	struct fleet f;
	struct view bytes_a = view_of(a, sizeof a), bytes_b = view_of(b, sizeof b);
	struct signed_object bundle_a, bundle_b, promote_a, promote_b;
	uint8_t digest_a[OBJECT_DIGEST_BYTES], digest_b[OBJECT_DIGEST_BYTES];
	struct object_promotion p;
	struct trust before;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 2, 0));
	before = f.t;
	bundle_a = sign_with(&f, bytes_a, AUTHORS);
	bundle_b = sign_with(&f, bytes_b, AUTHORS);
	object_digest(bytes_a, digest_a);
	object_digest(bytes_b, digest_b);
	CHECK_OK(trust_bundle(&f.t, bytes_a, bundle_a.signatures, digest_a, NULL));
	/* A with the signatures of B; B where A was promoted */
	CHECK_EQ(trust_bundle(&f.t, bytes_a, bundle_b.signatures, digest_a, NULL), E_REJECTED);
	CHECK_EQ(trust_bundle(&f.t, bytes_b, bundle_b.signatures, digest_a, NULL), E_REJECTED);
	CHECK_EQ(trust_bundle(&f.t, bytes_b, bundle_a.signatures, digest_a, NULL), E_REJECTED);
	/* one author's signature of A and the other's of B */
	bundle_a = sign_with(&f, bytes_a, KEY(K_BUNDLE));
	bundle_b = sign_with(&f, bytes_b, KEY(K_BUNDLE + 1));
	CHECK_EQ(trust_bundle(&f.t, bytes_a, both(&f, bundle_a.signatures, bundle_b.signatures), digest_a, NULL),
		 E_REJECTED);
	/* a promotion of A with the signatures of one of B */
	p = a_promotion(&f, 1, 0, 0xaa);
	promote_a = make_promotion(&f, &p, PROMOTER);
	memset(p.digest, 0xbb, sizeof p.digest);
	promote_b = make_promotion(&f, &p, PROMOTER);
	promote_b.signatures = promote_a.signatures;
	CHECK_EQ(take_promotion(&f, promote_b, NOW), E_REJECTED);
	/* a promotion that the timestamp does not know yet */
	p = a_promotion(&f, 3, 0, 0xaa);
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED);
	unchanged(&f, &before);
	fleet_done(&f);
}

TEST(f19_objects_of_another_root_epoch_or_kind_are_refused)
{
	struct fleet f;
	struct object_promotion p, p_out;
	struct object_revoke r, r_out;
	struct object_timestamp t;
	struct object_root root;
	struct signed_object o, old_time;
	struct trust before;

	fleet_init(&f);
	t = a_timestamp(&f, 1, 2, 2);
	old_time = make_timestamp(&f, &t, CLOCK);
	root = next_root(&f);
	/* all online roles on one key: what it signs of one kind is none of another */
	root.key[K_TIMESTAMP].roles = 1u << ROLE_TIMESTAMP | 1u << ROLE_REVOKE | 1u << ROLE_BUNDLE | 1u << ROLE_ROOT;
	CHECK_OK(take_root(&f, &root, ROOTS));
	/* made under root 1 */
	CHECK_EQ(trust_timestamp(&f.t, old_time.payload, old_time.signatures, NULL), E_REJECTED);
	t = a_timestamp(&f, 1, 2, 2);
	t.root_version = 3;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	t.root_version = 2;
	t.epoch = 2;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	CHECK_OK(give_timestamp(&f, 1, 2, 2));
	before = f.t;
	p = a_promotion(&f, 1, 0, 0xaa);
	p.epoch = 0;
	o = make_promotion(&f, &p, PROMOTER);
	CHECK_EQ(trust_promotion(&f.t, o.payload, o.signatures, NOW, &p_out, NULL), E_REJECTED);
	r = a_revoke(&f, 1, 0xaa);
	r.epoch = 2;
	o = make_revoke(&f, &r, REVOKER);
	CHECK_EQ(trust_revoke(&f.t, o.payload, o.signatures, &r_out, NULL), E_REJECTED);
	/* a timestamp as a revoke, a revoke as a timestamp */
	t = a_timestamp(&f, 2, 2, 2);
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_EQ(trust_revoke(&f.t, o.payload, o.signatures, &r_out, NULL), E_REJECTED);
	r.epoch = 1;
	o = make_revoke(&f, &r, CLOCK);
	CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	unchanged(&f, &before);
	fleet_done(&f);
}

static void try_all_with(struct fleet *f, uint32_t mask, struct view bundle, const uint8_t *digest)
{
	struct trust before = f->t;
	struct object_root r = next_root(f);
	struct object_promotion p = a_promotion(f, 2, 4, 0xbb);
	struct object_revoke v = a_revoke(f, 1, 0xaa);

	CHECK_EQ(take_root(f, &r, mask), E_REJECTED);
	CHECK_EQ(trust_bundle(&f->t, bundle, sign_with(f, bundle, mask).signatures, digest, NULL), E_REJECTED);
	/* to ring 4 and later, blessed, urgent */
	CHECK_EQ(give_promotion(f, &p, mask), E_REJECTED);
	p = a_promotion(f, 2, PLAN_BLESSED, 0xbb);
	CHECK_EQ(give_promotion(f, &p, mask), E_REJECTED);
	p = a_promotion(f, 2, 0, 0xbb);
	p.lane = PLAN_URGENT;
	CHECK_EQ(give_promotion(f, &p, mask), E_REJECTED);
	/* the blessed 0xaa, said to be blessed or not */
	CHECK_EQ(give_revoke(f, &v, mask), E_REJECTED);
	v.blessed = true;
	CHECK_EQ(give_revoke(f, &v, mask), E_REJECTED);
	unchanged(f, &before);
}

TEST(f20_no_single_key_ships_rotates_or_revokes_what_is_blessed)
{
	static const char bytes[] = "a bundle";
	struct view bundle = view_of(bytes, sizeof bytes);
	uint8_t digest[OBJECT_DIGEST_BYTES];
	struct object_promotion p;
	struct fleet f;

	fleet_init(&f);
	object_digest(bundle, digest);
	CHECK_OK(give_timestamp(&f, 1, 5, 5));
	p = a_promotion(&f, 1, PLAN_BLESSED, 0xaa);
	CHECK_OK(give_promotion(&f, &p, PROMOTER | PERSON));
	for (uint32_t i = 0; i < N_KEYS; i++)
		try_all_with(&f, KEY(i), bundle, digest);
	/* nor do all the keys of one online role together, nor all that are not the role's */
	try_all_with(&f, KEY(K_TIMESTAMP) | KEY(K_TIMESTAMP + 1), bundle, digest);
	try_all_with(&f, KEY(K_PROMOTE) | KEY(K_PROMOTE + 1), bundle, digest);
	try_all_with(&f, KEY(K_STRANGER) | KEY(K_STRANGER + 1) | KEY(K_ROOT) | KEY(K_BUNDLE) | KEY(K_REVOKE), bundle,
		     digest);
	fleet_done(&f);
}

TEST(f20_online_keys_do_only_what_is_theirs)
{
	struct fleet f;
	struct object_promotion p;
	struct object_timestamp t;
	struct object_revoke r;
	struct signed_object o;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 5, 5));
	for (uint32_t i = 0; i < N_KEYS; i++) {
		if (i / 2 == K_PROMOTE / 2)
			continue;
		p = a_promotion(&f, 1, 0, 0xaa);
		CHECK_EQ(give_promotion(&f, &p, KEY(i) | PERSON), E_REJECTED);
	}
	for (uint32_t i = 0; i < K_TIMESTAMP; i++) {
		t = a_timestamp(&f, 2, 5, 5);
		o = make_timestamp(&f, &t, KEY(i));
		CHECK_EQ(trust_timestamp(&f.t, o.payload, o.signatures, NULL), E_REJECTED);
	}
	for (uint32_t i = 0; i < K_REVOKE; i++) {
		r = a_revoke(&f, 1, 0xaa);
		CHECK_EQ(give_revoke(&f, &r, KEY(i)), E_REJECTED);
	}
	fleet_done(&f);
}

TEST(f20_signatures_of_one_key_count_once)
{
	static const char bytes[] = "a bundle";
	struct view bundle = view_of(bytes, sizeof bytes), one, more;
	uint8_t digest[OBJECT_DIGEST_BYTES];
	struct buf other;
	struct fleet f;

	fleet_init(&f);
	object_digest(bundle, digest);
	one = sign_with(&f, bundle, KEY(K_BUNDLE)).signatures;
	CHECK_EQ(trust_bundle(&f.t, bundle, both(&f, one, one), digest, NULL), E_REJECTED);
	/* another comment makes another block of the same key */
	buf_init(&other, SIGN_BLOCK_MAX);
	CHECK_OK(sign_bytes(&f.key[K_BUNDLE], bundle, "another", &other, NULL));
	CHECK_EQ(trust_bundle(&f.t, bundle, both(&f, one, view_of(other.p, other.len)), digest, NULL), E_REJECTED);
	buf_done(&other);
	/* a key that says it were another's: its signature does not stand */
	memcpy(f.key[K_STRANGER].pub.id, f.key[K_BUNDLE + 1].pub.id, SIGN_ID_BYTES);
	more = sign_with(&f, bundle, KEY(K_STRANGER)).signatures;
	CHECK_EQ(trust_bundle(&f.t, bundle, both(&f, one, more), digest, NULL), E_REJECTED);
	/* the same key under another id of the root's */
	memcpy(f.key[K_BUNDLE].pub.id, f.key[K_BUNDLE + 1].pub.id, SIGN_ID_BYTES);
	more = sign_with(&f, bundle, KEY(K_BUNDLE)).signatures;
	CHECK_EQ(trust_bundle(&f.t, bundle, both(&f, one, more), digest, NULL), E_REJECTED);
	/* bad ones beside good ones do no harm */
	memset(f.key[K_BUNDLE].pub.id, K_BUNDLE + 1, SIGN_ID_BYTES);
	more = sign_with(&f, bundle, AUTHORS).signatures;
	CHECK_OK(trust_bundle(&f.t, bundle, both(&f, both(&f, one, one), more), digest, NULL));
	fleet_done(&f);
}

TEST(f20_what_is_blessed_is_revoked_by_two_keys)
{
	struct fleet f;
	struct object_promotion p;
	struct object_revoke r;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 5, 5));
	p = a_promotion(&f, 1, PLAN_BLESSED, 0xaa);
	CHECK_OK(give_promotion(&f, &p, PROMOTER | PERSON));
	r = a_revoke(&f, 1, 0xbb);
	memset(r.digest[1], 0xaa, OBJECT_DIGEST_BYTES);
	r.n = 2;
	CHECK_EQ(give_revoke(&f, &r, REVOKER), E_REJECTED);
	CHECK(!trust_is_revoked(&f.t, r.digest[0]));
	CHECK_OK(give_revoke(&f, &r, REVOKERS));
	CHECK(trust_is_revoked(&f.t, r.digest[0]) && trust_is_revoked(&f.t, r.digest[1]));
	fleet_done(&f);
}

TEST(f21_numbers_cannot_be_used_up_and_a_new_epoch_recovers)
{
	static const uint64_t far[] = { TRUST_MAX_JUMP + 1ull, 1ull << 32, INT64_MAX, UINT64_MAX };
	struct fleet f;
	struct object_promotion p;
	struct object_revoke r;
	struct object_root root;
	struct trust before;

	fleet_init(&f);
	before = f.t;
	for (uint32_t i = 0; i < countof(far); i++) {
		r = a_revoke(&f, far[i], 0xaa);
		CHECK_EQ(give_revoke(&f, &r, REVOKER), E_REJECTED);
		CHECK_EQ(give_timestamp(&f, far[i], 1, 1), E_REJECTED);
		CHECK_EQ(give_timestamp(&f, 1, far[i], 1), E_REJECTED);
		CHECK_EQ(give_timestamp(&f, 1, 1, far[i]), E_REJECTED);
	}
	unchanged(&f, &before);
	/* as far as it goes, with every online key; the next step is as far again, never the end */
	r = a_revoke(&f, TRUST_MAX_JUMP, 0xaa);
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	CHECK_OK(give_timestamp(&f, TRUST_MAX_JUMP, TRUST_MAX_JUMP, TRUST_MAX_JUMP));
	CHECK_OK(give_timestamp(&f, 2 * TRUST_MAX_JUMP, 2 * TRUST_MAX_JUMP, 2 * TRUST_MAX_JUMP));
	before = f.t;
	p = a_promotion(&f, TRUST_MAX_JUMP + 1, 0, 0xbb);
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED);
	p = a_promotion(&f, TRUST_MAX_JUMP, 0, 0xbb);
	p.security_floor = UINT64_MAX;
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED);
	unchanged(&f, &before);
	p.security_floor = TRUST_MAX_JUMP;
	CHECK_OK(give_promotion(&f, &p, PROMOTER));
	/* a new epoch: numbers begin again, what is revoked stays so, and old objects are none */
	root = next_root(&f);
	root.epoch++;
	CHECK_OK(take_root(&f, &root, ROOTS));
	CHECK(trust_is_stale(&f.t, NOW));
	CHECK_EQ(f.t.security_floor, 0);
	CHECK(trust_is_revoked(&f.t, r.digest[0]));
	CHECK_OK(give_timestamp(&f, 1, 2, 2));
	p.seq = 1;
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED); /* still of the old epoch */
	p = a_promotion(&f, 1, 0, 0xbb);
	CHECK_OK(give_promotion(&f, &p, PROMOTER));
	r = a_revoke(&f, 1, 0xcc);
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	fleet_done(&f);
}

TEST(f18_expiry_stops_what_is_new_and_takes_nothing_away)
{
	static const char bytes[] = "the content that runs";
	static const uint64_t clocks[] = { NOW + DAY, NOW + 10ull * YEAR, NOW - 10ull * YEAR, NOW - DAY - 1,
					   0,         UINT64_MAX };
	struct view bundle = view_of(bytes, sizeof bytes);
	struct object_promotion p;
	struct object_revoke r;
	struct signed_object o, running;
	struct trust before;
	struct fleet f;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 5, 5));
	running = sign_with(&f, bundle, AUTHORS);
	p = a_promotion(&f, 1, PLAN_BLESSED, 0xaa);
	object_digest(bundle, p.digest);
	CHECK_OK(give_promotion(&f, &p, PROMOTER | PERSON));
	before = f.t;
	for (uint32_t i = 0; i < countof(clocks); i++) {
		struct object_promotion next = a_promotion(&f, 2, 0, 0xbb);

		next.not_before = 0;
		next.expires = UINT64_MAX;
		o = make_promotion(&f, &next, PROMOTER);
		CHECK(trust_is_stale(&f.t, clocks[i]));
		CHECK_EQ(take_promotion(&f, o, clocks[i]), E_REJECTED);
		/* what runs is as trusted as before */
		CHECK_OK(trust_bundle(&f.t, bundle, running.signatures, p.digest, NULL));
		CHECK(!trust_is_revoked(&f.t, p.digest));
		unchanged(&f, &before);
	}
	/* and danger can still be taken back */
	r = a_revoke(&f, 1, 0xbb);
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	/* the clock comes right: as if nothing had been */
	CHECK(!trust_is_stale(&f.t, NOW));
	CHECK(!trust_is_stale(&f.t, NOW - DAY));
	fleet_done(&f);
}

TEST(f18_an_expired_promotion_is_not_taken_nor_one_of_a_later_time)
{
	struct fleet f;
	struct object_promotion p;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 5, 5));
	p = a_promotion(&f, 1, 0, 0xaa);
	p.not_before = NOW - DAY;
	p.expires = NOW;
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED);
	p = a_promotion(&f, 1, 0, 0xaa);
	p.not_before = NOW + TRUST_CLOCK_SLACK_S + 1;
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED);
	p.not_before--;
	CHECK_OK(give_promotion(&f, &p, PROMOTER));
	fleet_done(&f);
}

TEST(f18_an_expired_root_lets_nothing_in_but_the_next_root)
{
	uint64_t later = NOW + YEAR;
	struct object_timestamp t;
	struct object_promotion p;
	struct object_root r;
	struct signed_object o;
	struct fleet f;

	fleet_init(&f);
	t = a_timestamp(&f, 1, 5, 5);
	t.time = later;
	t.expires = later + DAY;
	o = make_timestamp(&f, &t, CLOCK);
	CHECK_OK(trust_timestamp(&f.t, o.payload, o.signatures, NULL));
	p = a_promotion(&f, 1, 0, 0xaa);
	p.expires = later + DAY;
	o = make_promotion(&f, &p, PROMOTER);
	CHECK(trust_is_stale(&f.t, later));
	CHECK_EQ(take_promotion(&f, o, later), E_REJECTED);
	CHECK(!trust_is_stale(&f.t, later - 1));
	r = next_root(&f);
	r.expires = later + YEAR;
	CHECK_OK(take_root(&f, &r, ROOTS));
	CHECK(!trust_is_stale(&f.t, later));
	CHECK_OK(take_promotion(&f, o, later));
	fleet_done(&f);
}

TEST(f06_a_promotion_of_a_larger_share_than_the_plan_gives_the_ring_is_refused)
{
	struct fleet f;
	struct object_promotion p;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 9, 9));
	for (uint32_t ring = 0; ring < PLAN_LAST; ring++) {
		p = a_promotion(&f, 1, ring, 0xaa);
		p.cutoff = UINT32_MAX;
		CHECK_EQ(give_promotion(&f, &p, PROMOTER | PERSON), E_REJECTED);
		p.cutoff = f.root.plan.ring[ring].cutoff + 1;
		CHECK_EQ(give_promotion(&f, &p, PROMOTER | PERSON), E_REJECTED);
	}
	p = a_promotion(&f, 1, 3, 0xaa);
	p.cutoff /= 2;
	CHECK_OK(give_promotion(&f, &p, PROMOTER));
	fleet_done(&f);
}

TEST(f10_what_is_revoked_is_neither_promoted_nor_opened)
{
	static const char bytes[] = "bad";
	struct view bundle = view_of(bytes, sizeof bytes);
	struct object_promotion p;
	struct object_revoke r;
	struct signed_object o;
	struct fleet f;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 9, 9));
	r = a_revoke(&f, 1, 0);
	object_digest(bundle, r.digest[0]);
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	p = a_promotion(&f, 1, 0, 0xaa);
	memcpy(p.digest, r.digest[0], sizeof p.digest);
	CHECK_EQ(give_promotion(&f, &p, PROMOTER), E_REJECTED);
	o = sign_with(&f, bundle, AUTHORS);
	CHECK_EQ(trust_bundle(&f.t, bundle, o.signatures, r.digest[0], NULL), E_REJECTED);
	/* but for the content that came with the sensor */
	memcpy(f.t.factory, r.digest[0], sizeof f.t.factory);
	CHECK(!trust_is_revoked(&f.t, r.digest[0]));
	CHECK_OK(trust_bundle(&f.t, bundle, o.signatures, r.digest[0], NULL));
	fleet_done(&f);
}

TEST(a_full_list_of_revokes_forgets_the_oldest_that_was_not_blessed)
{
	struct fleet f;
	struct object_revoke r;
	uint8_t digest[OBJECT_DIGEST_BYTES];

	fleet_init(&f);
	r = a_revoke(&f, 1, 0xb1);
	r.blessed = true;
	CHECK_OK(give_revoke(&f, &r, REVOKERS));
	for (uint32_t i = 0; i < TRUST_MAX_REVOKED / OBJECT_MAX_REVOKED; i++) {
		r = a_revoke(&f, 2 + i, 0);
		r.n = OBJECT_MAX_REVOKED;
		for (uint32_t j = 0; j < r.n; j++) {
			r.digest[j][0] = (uint8_t)i;
			r.digest[j][1] = (uint8_t)(j + 1);
		}
		CHECK_OK(give_revoke(&f, &r, REVOKER));
	}
	CHECK_EQ(f.t.n_revoked, TRUST_MAX_REVOKED);
	memset(digest, 0xb1, sizeof digest);
	CHECK(trust_is_revoked(&f.t, digest));
	memset(digest, 0, sizeof digest);
	digest[1] = 1; /* the first unblessed one */
	CHECK(!trust_is_revoked(&f.t, digest));
	digest[1] = 2;
	CHECK(trust_is_revoked(&f.t, digest));
	/* once more changes nothing */
	r.seq = 100;
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	CHECK_EQ(f.t.n_revoked, TRUST_MAX_REVOKED);
	CHECK(trust_is_revoked(&f.t, digest));
	fleet_done(&f);
}

static void some_state(struct fleet *f)
{
	struct object_promotion p;
	struct object_revoke r;

	CHECK_OK(give_timestamp(f, 3, 9, 9));
	p = a_promotion(f, 4, PLAN_BLESSED, 0xaa);
	p.security_floor = 5;
	CHECK_OK(give_promotion(f, &p, PROMOTER | PERSON));
	r = a_revoke(f, 2, 0xbb);
	r.blessed = true;
	CHECK_OK(give_revoke(f, &r, REVOKERS));
	r = a_revoke(f, 3, 0xcc);
	CHECK_OK(give_revoke(f, &r, REVOKER));
}

TEST(what_is_remembered_survives_a_restart)
{
	struct fleet f;
	struct trust back;
	struct buf b, again;

	fleet_init(&f);
	for (int round = 0; round < 2; round++) {
		buf_init(&b, TRUST_MAX_SAVED);
		buf_init(&again, TRUST_MAX_SAVED);
		CHECK_OK(trust_save(&f.t, &b));
		CHECK_OK(trust_restore(view_of(b.p, b.len), &back, NULL));
		CHECK_OK(trust_save(&back, &again));
		CHECK(again.len == b.len && memcmp(again.p, b.p, b.len) == 0);
		CHECK_EQ(back.promotion_seq, f.t.promotion_seq);
		CHECK_EQ(back.revoke_seq, f.t.revoke_seq);
		CHECK_EQ(back.security_floor, f.t.security_floor);
		CHECK_EQ(back.latest_s, f.t.latest_s);
		CHECK_EQ(back.n_blessed, f.t.n_blessed);
		CHECK(memcmp(&back.root, &f.t.root, sizeof back.root) == 0);
		CHECK(memcmp(&back.timestamp, &f.t.timestamp, sizeof back.timestamp) == 0);
		CHECK(memcmp(back.revoked, f.t.revoked, f.t.n_revoked * sizeof back.revoked[0]) == 0);
		buf_done(&b);
		buf_done(&again);
		if (!round)
			some_state(&f);
	}
	fleet_done(&f);
}

TEST(the_largest_state_fits)
{
	struct fleet f;
	struct trust back;
	struct buf b;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 1, 1));
	f.t.n_revoked = TRUST_MAX_REVOKED;
	f.t.n_blessed = TRUST_MAX_BLESSED;
	buf_init(&b, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&f.t, &b));
	/* fifteen more keys */
	CHECK(b.len + 15 * 44 <= TRUST_MAX_SAVED);
	CHECK_OK(trust_restore(view_of(b.p, b.len), &back, NULL));
	buf_done(&b);
	buf_init(&b, 1000);
	CHECK_EQ(trust_save(&f.t, &b), E_LIMIT);
	buf_done(&b);
	fleet_done(&f);
}

TEST(torn_state_is_refused_at_every_byte)
{
	struct fleet f;
	struct trust back = { .promotion_seq = 77 };
	struct buf b;

	fleet_init(&f);
	some_state(&f);
	buf_init(&b, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&f.t, &b));
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *torn = malloc(n + !n);

		memcpy(torn, b.p, n);
		CHECK_EQ(trust_restore(view_of(torn, n), &back, NULL), E_FORMAT);
		free(torn);
	}
	for (size_t i = 0; i < b.len; i++) {
		b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
		CHECK_EQ(trust_restore(view_of(b.p, b.len), &back, NULL), E_FORMAT);
		b.p[i] = (char)(b.p[i] ^ 1 << i % 8);
	}
	CHECK_EQ(back.promotion_seq, 77);
	buf_done(&b);
	fleet_done(&f);
}

/* With a checksum that agrees, as a bug or a later version would write it. */
static enum err restore_changed(const struct buf *b, size_t at, uint8_t to, size_t cut)
{
	uint8_t *p = malloc(b->len);
	size_t n = b->len - cut;
	enum err err;
	struct trust back;

	memcpy(p, b->p, b->len);
	p[at] = to;
	object_digest(view_of(p, n - OBJECT_DIGEST_BYTES), p + n - OBJECT_DIGEST_BYTES);
	err = trust_restore(view_of(p, n), &back, NULL);
	free(p);
	return err;
}

TEST(malformed_state_is_refused_whatever_its_checksum)
{
	struct fleet f;
	struct buf b;

	fleet_init(&f);
	some_state(&f);
	buf_init(&b, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&f.t, &b));
	CHECK_OK(restore_changed(&b, 0, 'S', 0));
	CHECK_EQ(restore_changed(&b, 4, 2, 0), E_UNSUPPORTED);
	CHECK_EQ(restore_changed(&b, 8, (uint8_t)(b.p[8] + 1), 0), E_FORMAT);           /* a longer root */
	CHECK_EQ(restore_changed(&b, b.len - 32 - 32 - 66 - 8, 3, 0), E_FORMAT);        /* three revoked */
	CHECK_EQ(restore_changed(&b, b.len - 32 - 32 - 66 - 8 + 3, 0x80, 0), E_FORMAT); /* 2^31 of them */
	CHECK_EQ(restore_changed(&b, b.len - 32 - 32 - 1, 2, 0), E_FORMAT);             /* blessed, 2 */
	for (size_t cut = 1; cut < b.len - 40; cut++)
		CHECK_EQ(restore_changed(&b, 0, 'S', cut), E_FORMAT);
	buf_done(&b);
	fleet_done(&f);
}

/* More of a list than there is room for, or a byte that nobody asked for, under a good checksum. */
TEST(state_with_too_much_in_it_is_refused)
{
	enum { COUNTS = 8 };
	struct fleet f;
	struct trust back;
	struct buf b;
	uint8_t *p;
	size_t n, at;

	fleet_init(&f);
	buf_init(&b, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&f.t, &b));
	at = b.len - OBJECT_DIGEST_BYTES - COUNTS;
	for (uint32_t more = 0; more <= TRUST_MAX_REVOKED + 2; more += TRUST_MAX_REVOKED + 1) {
		n = b.len + (more ? 33 * more : 1);
		p = calloc(1, n);
		memcpy(p, b.p, b.len - OBJECT_DIGEST_BYTES);
		p[at] = (uint8_t)more;
		p[at + 1] = (uint8_t)(more >> 8);
		object_digest(view_of(p, n - OBJECT_DIGEST_BYTES), p + n - OBJECT_DIGEST_BYTES);
		CHECK_EQ(trust_restore(view_of(p, n), &back, NULL), E_FORMAT);
		free(p);
	}
	buf_done(&b);
	fleet_done(&f);
}

TEST(the_newest_blessings_are_remembered_once_each)
{
	struct fleet f;
	struct object_promotion p;
	struct object_revoke r;

	fleet_init(&f);
	CHECK_OK(give_timestamp(&f, 1, 500, 5));
	for (uint32_t i = 0; i <= TRUST_MAX_BLESSED; i++)
		for (uint32_t again = 0; again < 2; again++) {
			p = a_promotion(&f, 1 + 2 * i + again, PLAN_BLESSED, (uint8_t)(i + 1));
			CHECK_OK(give_promotion(&f, &p, PROMOTER | PERSON));
			CHECK_EQ(f.t.n_blessed, i < TRUST_MAX_BLESSED ? i + 1 : TRUST_MAX_BLESSED);
		}
	r = a_revoke(&f, 1, 2);
	CHECK_EQ(give_revoke(&f, &r, REVOKER), E_REJECTED);
	r = a_revoke(&f, 1, TRUST_MAX_BLESSED + 1);
	CHECK_EQ(give_revoke(&f, &r, REVOKER), E_REJECTED);
	r = a_revoke(&f, 1, 1); /* so long ago that it is forgotten */
	CHECK_OK(give_revoke(&f, &r, REVOKER));
	fleet_done(&f);
}

TEST(staleness_says_why)
{
	struct fleet f;
	struct object_promotion p, out;
	struct signed_object o;
	struct diag d;

	fleet_init(&f);
	p = a_promotion(&f, 1, 0, 0xaa);
	o = make_promotion(&f, &p, PROMOTER);
	diag_init(&d);
	CHECK_EQ(trust_promotion(&f.t, o.payload, o.signatures, NOW, &out, &d), E_REJECTED);
	CHECK_HAS(d.text, "there is no timestamp");
	CHECK_OK(give_timestamp(&f, 1, 1, 1));
	CHECK_EQ(trust_promotion(&f.t, o.payload, o.signatures, NOW + DAY, &out, &d), E_REJECTED);
	CHECK_HAS(d.text, "the timestamp is expired");
	CHECK_EQ(trust_promotion(&f.t, o.payload, o.signatures, NOW + YEAR, &out, &d), E_REJECTED);
	CHECK_HAS(d.text, "the root is expired");
	CHECK_EQ(trust_promotion(&f.t, o.payload, o.signatures, 0, &out, &d), E_REJECTED);
	CHECK_HAS(d.text, "clock is before");
	fleet_done(&f);
}

TEST(signature_files_without_bounds_are_refused)
{
	static const char bytes[] = "a bundle";
	struct view bundle = view_of(bytes, sizeof bytes), many;
	uint8_t digest[OBJECT_DIGEST_BYTES];
	struct fleet f;
	struct diag d;

	fleet_init(&f);
	object_digest(bundle, digest);
	CHECK_EQ(trust_bundle(&f.t, bundle, view_of("", 0), digest, NULL), E_REJECTED);
	CHECK_EQ(trust_bundle(&f.t, bundle, view_of("rubbish\n", 8), digest, NULL), E_REJECTED);
	many = sign_with(&f, bundle, (1u << OBJECT_MAX_SIGNATURES) - 1).signatures;
	CHECK_OK(trust_bundle(&f.t, bundle, many, digest, NULL));
	many = sign_with(&f, bundle, (1u << (OBJECT_MAX_SIGNATURES + 1)) - 1).signatures;
	diag_init(&d);
	CHECK_EQ(trust_bundle(&f.t, bundle, many, digest, &d), E_REJECTED);
	CHECK_HAS(d.text, "more than 16 signatures");
	many = view_of(arena_alloc(&f.a, TRUST_MAX_SIGNATURE_TEXT + 1), TRUST_MAX_SIGNATURE_TEXT + 1);
	CHECK_EQ(trust_bundle(&f.t, bundle, many, digest, &d), E_REJECTED);
	CHECK_EQ(d.id, 102);
	/* an object beyond its bound is not even hashed */
	many = view_of(arena_alloc(&f.a, OBJECT_MAX_BYTES + 1), OBJECT_MAX_BYTES + 1);
	diag_init(&d);
	CHECK_EQ(trust_timestamp(&f.t, many, view_of("", 0), &d), E_REJECTED);
	CHECK_EQ(d.id, 103);
	fleet_done(&f);
}
