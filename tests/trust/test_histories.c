/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random fleets, random histories, signers that hold random keys: whatever is taken is covered by a threshold of
 * distinct keys, numbers only rise, and what is refused leaves no trace.
 */
#include "test.h"

#include "fleet.h"

enum { HISTORIES = 120, STEPS = 60, N_DIGESTS = 5 };

struct history {
	struct fleet f;
	uint64_t rng;
	uint32_t stolen;        /* keys that the attacker holds */
	uint8_t once_blessed;   /* digests by bit */
	uint32_t highest_epoch; /* with the highest numbers in it */
	uint64_t promotion, revoke, timestamp;
};

enum kind { ROOT, PROMOTION, REVOKE, TIMESTAMP, N_KINDS };

static uint32_t n_taken[N_KINDS], n_refused[N_KINDS];

static uint32_t below(struct history *h, uint32_t n)
{
	h->rng ^= h->rng << 13;
	h->rng ^= h->rng >> 7;
	h->rng ^= h->rng << 17;
	return (uint32_t)(h->rng >> 16) % n;
}

/* Around a number, seldom far away. */
static uint64_t near(struct history *h, uint64_t n)
{
	if (!below(h, 12))
		return UINT64_MAX - below(h, 2);
	return n + below(h, 4) - (n ? below(h, 2) : 0);
}

/* The test's own counting. */
static bool covers(const struct object_root *r, enum object_role role, uint32_t n, uint32_t mask)
{
	uint32_t good = 0;

	for (uint32_t i = 0; i < N_TRUSTED; i++)
		good += mask >> i & 1 && r->key[i].roles >> role & 1;
	return good >= n;
}

static bool role_covered(const struct object_root *r, enum object_role role, uint32_t mask)
{
	return covers(r, role, r->threshold[role], mask);
}

static void deal_roles(struct history *h, struct object_root *r)
{
	uint32_t others = (1u << OBJECT_N_ROLES) - 1 - (1u << ROLE_PROMOTE), have[OBJECT_N_ROLES];
	bool all;

	do {
		memset(have, 0, sizeof have);
		for (uint32_t i = 0; i < N_TRUSTED; i++) {
			r->key[i].roles = 1u << ROLE_PROMOTE;
			if (below(h, 4))
				r->key[i].roles = (1 + below(h, 63)) & others;
			if (!r->key[i].roles)
				r->key[i].roles = 1u << ROLE_ROOT;
			for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
				have[role] += r->key[i].roles >> role & 1;
		}
		all = true;
		for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
			all &= have[role] > 0;
	} while (!all);
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		r->threshold[role] = 1 + below(h, have[role] < 4 ? have[role] : 4);
}

/* The owner with all keys, the attacker with what was stolen, or somebody with some. */
static uint32_t signers(struct history *h)
{
	uint32_t trusted = (1u << N_TRUSTED) - 1, mask;

	switch (below(h, 4)) {
	case 0:
	case 1:
		mask = trusted;
		break;
	case 2:
		mask = h->stolen;
		break;
	default:
		mask = below(h, 1u << N_KEYS) & below(h, 1u << N_KEYS);
	}
	/* a file holds no more signatures than this */
	while (__builtin_popcount(mask) > OBJECT_MAX_SIGNATURES)
		mask &= ~(1u << below(h, N_KEYS));
	return mask;
}

static enum err step_root(struct history *h, uint32_t mask)
{
	struct object_root old = h->f.t.root, next = old;
	struct signed_object o;
	enum err err;

	next.version += below(h, 8) ? 1 : below(h, 3);
	next.epoch += below(h, 4) ? 0 : 1;
	if (!below(h, 3))
		deal_roles(h, &next);
	o = make_root(&h->f, &next, mask);
	err = trust_root(&h->f.t, o.payload, o.signatures, NULL);
	if (err != E_OK)
		return err;
	CHECK(role_covered(&old, ROLE_ROOT, mask) && role_covered(&next, ROLE_ROOT, mask));
	CHECK_EQ(next.version, old.version + 1);
	CHECK(next.epoch >= old.epoch);
	if (next.epoch > h->highest_epoch) {
		h->highest_epoch = next.epoch;
		h->promotion = h->revoke = h->timestamp = 0;
	}
	return E_OK;
}

static enum err step_promotion(struct history *h, uint32_t mask)
{
	uint32_t digest = below(h, N_DIGESTS);
	struct object_promotion out, p = a_promotion(&h->f, near(h, h->f.t.promotion_seq), below(h, PLAN_BLESSED + 1),
						     (uint8_t)(digest + 1));
	const struct object_root *r = &h->f.t.root;
	struct signed_object o;

	p.lane = below(h, PLAN_N_LANES);
	p.epoch += below(h, 8) ? 0 : 1;
	p.seq = p.seq ? p.seq : 1;
	o = make_promotion(&h->f, &p, mask);
	if (trust_promotion(&h->f.t, o.payload, o.signatures, NOW, &out, NULL) != E_OK)
		return E_REJECTED;
	CHECK(role_covered(r, ROLE_PROMOTE, mask));
	if (p.ring >= 4 || p.lane == PLAN_URGENT)
		CHECK(role_covered(r, ROLE_APPROVE, mask));
	CHECK_EQ(p.epoch, h->highest_epoch);
	CHECK(p.seq > h->promotion && p.seq - h->promotion <= TRUST_MAX_JUMP);
	h->promotion = p.seq;
	if (p.ring == PLAN_BLESSED)
		h->once_blessed |= (uint8_t)(1u << digest);
	return E_OK;
}

static enum err step_revoke(struct history *h, uint32_t mask)
{
	uint32_t digest = below(h, N_DIGESTS + 200);
	struct object_revoke out, r = a_revoke(&h->f, near(h, h->f.t.revoke_seq), (uint8_t)(digest + 1));
	const struct object_root *root = &h->f.t.root;
	struct signed_object o;

	r.blessed = !below(h, 3);
	r.seq = r.seq ? r.seq : 1;
	o = make_revoke(&h->f, &r, mask);
	if (trust_revoke(&h->f.t, o.payload, o.signatures, &out, NULL) != E_OK)
		return E_REJECTED;
	CHECK(role_covered(root, ROLE_REVOKE, mask));
	if (r.blessed || (digest < N_DIGESTS && h->once_blessed >> digest & 1))
		CHECK(covers(root, ROLE_REVOKE, 2, mask));
	CHECK(r.seq > h->revoke && r.seq - h->revoke <= TRUST_MAX_JUMP);
	CHECK(trust_is_revoked(&h->f.t, r.digest[0]));
	h->revoke = r.seq;
	return E_OK;
}

static enum err step_timestamp(struct history *h, uint32_t mask)
{
	const struct object_timestamp *ours = &h->f.t.timestamp;
	struct object_timestamp t =
		a_timestamp(&h->f, near(h, ours->version), near(h, ours->promotion_seq), near(h, ours->revoke_seq));
	struct signed_object o;

	t.version = t.version ? t.version : 1;
	o = make_timestamp(&h->f, &t, mask);
	if (trust_timestamp(&h->f.t, o.payload, o.signatures, NULL) != E_OK)
		return E_REJECTED;
	CHECK(role_covered(&h->f.t.root, ROLE_TIMESTAMP, mask));
	CHECK(t.version > h->timestamp && t.version - h->timestamp <= TRUST_MAX_JUMP);
	CHECK_EQ(t.root_version, h->f.t.root.version);
	h->timestamp = t.version;
	return E_OK;
}

static void step(struct history *h, struct trust *before)
{
	enum kind kind = below(h, 10) ? 1 + below(h, 3) : ROOT;
	uint32_t mask = signers(h);
	enum err err;

	*before = h->f.t;
	switch (kind) {
	case ROOT:
		err = step_root(h, mask);
		break;
	case PROMOTION:
		err = step_promotion(h, mask);
		break;
	case REVOKE:
		err = step_revoke(h, mask);
		break;
	default:
		err = step_timestamp(h, mask);
	}
	(err == E_OK ? n_taken : n_refused)[kind]++;
	if (err != E_OK)
		CHECK(memcmp(before, &h->f.t, sizeof *before) == 0);
}

/* A restart in between changes nothing. */
static void restart(struct history *h)
{
	struct buf b;

	buf_init(&b, TRUST_MAX_SAVED);
	CHECK_OK(trust_save(&h->f.t, &b));
	CHECK_OK(trust_restore(view_of(b.p, b.len), &h->f.t, NULL));
	buf_done(&b);
}

static void live(struct history *h, uint64_t seed)
{
	struct trust before;
	struct signed_object o;

	memset(h, 0, sizeof *h);
	h->rng = seed * 0x9e3779b97f4a7c15 | 1;
	fleet_init(&h->f);
	deal_roles(h, &h->f.root);
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++)
		h->stolen |= 1u << below(h, N_TRUSTED);
	/* sixteen keys sign at most; the threshold is four at most and keys of the role are many or all in it */
	o = make_root(&h->f, &h->f.root, (1u << N_TRUSTED) - 2);
	if (trust_init(&h->f.t, o.payload, o.signatures, NULL) == E_OK) {
		h->highest_epoch = h->f.t.root.epoch;
		for (uint32_t i = 0; i < STEPS; i++) {
			step(h, &before);
			if (!below(h, 16))
				restart(h);
		}
	}
	fleet_done(&h->f);
}

TEST(f20_f21_whoever_holds_which_keys_what_is_taken_is_covered_and_numbers_rise)
{
	static struct history h;

	for (uint32_t i = 0; i < HISTORIES; i++)
		live(&h, i + 1);
	for (uint32_t k = 0; k < N_KINDS; k++) {
		CHECK(n_taken[k] > 30);
		CHECK(n_refused[k] > 30);
	}
}
