/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <sodium.h>

static const struct {
	uint32_t first, n, threshold;
} roles[OBJECT_N_ROLES] = {
	[ROLE_ROOT] = { K_ROOT, 5, 3 },       [ROLE_BUNDLE] = { K_BUNDLE, 3, 2 },
	[ROLE_PROMOTE] = { K_PROMOTE, 2, 1 }, [ROLE_APPROVE] = { K_APPROVE, 2, 1 },
	[ROLE_REVOKE] = { K_REVOKE, 3, 1 },   [ROLE_TIMESTAMP] = { K_TIMESTAMP, 2, 1 },
};

static void must(bool what)
{
	if (!what)
		abort();
}

static void make_key(struct sign_secret *k, uint32_t i)
{
	uint8_t seed[crypto_sign_SEEDBYTES] = { 0x5e, (uint8_t)i };

	memset(k->pub.id, (int)i + 1, sizeof k->pub.id);
	(void)crypto_sign_seed_keypair(k->pub.key, k->secret, seed);
}

static void make_first_root(struct fleet *f)
{
	struct object_root *r = &f->root;

	*r = (struct object_root){
		.version = 1, .epoch = 1, .expires = NOW + YEAR, .fleet = "test", .plan = plan_default
	};
	r->n_keys = N_TRUSTED;
	for (uint32_t role = 0; role < OBJECT_N_ROLES; role++) {
		r->threshold[role] = roles[role].threshold;
		for (uint32_t i = roles[role].first; i < roles[role].first + roles[role].n; i++)
			r->key[i].roles |= 1u << role;
	}
	for (uint32_t i = 0; i < r->n_keys; i++) {
		memcpy(r->key[i].key, f->key[i].pub.key, OBJECT_KEY_BYTES);
		memcpy(r->key[i].id, f->key[i].pub.id, OBJECT_KEY_ID_BYTES);
	}
}

void fleet_init(struct fleet *f)
{
	struct signed_object o;

	memset(f, 0, sizeof *f);
	arena_init(&f->a, 64 << 20);
	for (uint32_t i = 0; i < N_KEYS; i++)
		make_key(&f->key[i], i);
	make_first_root(f);
	o = make_root(f, &f->root, ROOTS);
	must(trust_init(&f->t, o.payload, o.signatures, NULL) == E_OK);
}

void fleet_done(struct fleet *f)
{
	arena_done(&f->a);
}

/* Into the arena. */
static struct view keep(struct fleet *f, struct buf *b)
{
	char *copy = arena_strndup(&f->a, b->p ? b->p : "", b->len);
	struct view v = view_of(copy, b->len);

	must(copy && !b->full);
	buf_done(b);
	return v;
}

struct signed_object sign_with(struct fleet *f, struct view bytes, uint32_t mask)
{
	struct buf b;

	buf_init(&b, TRUST_MAX_SIGNATURE_TEXT);
	for (uint32_t i = 0; i < N_KEYS; i++)
		if (mask & KEY(i))
			must(sign_bytes(&f->key[i], bytes, "test", &b, NULL) == E_OK);
	return (struct signed_object){ bytes, keep(f, &b) };
}

#define MAKE(kind)                                                                                      \
	struct signed_object make_##kind(struct fleet *f, const struct object_##kind *o, uint32_t mask) \
	{                                                                                               \
		struct buf b;                                                                           \
                                                                                                        \
		buf_init(&b, OBJECT_MAX_BYTES);                                                         \
		must(object_write_##kind(o, &b, NULL) == E_OK);                                         \
		return sign_with(f, keep(f, &b), mask);                                                 \
	}
MAKE(root)
MAKE(promotion)
MAKE(revoke)
MAKE(timestamp)

struct view both(struct fleet *f, struct view a, struct view b)
{
	struct buf sum;

	buf_init(&sum, 2 * TRUST_MAX_SIGNATURE_TEXT);
	buf_put(&sum, a.p, a.len);
	buf_put(&sum, b.p, b.len);
	return keep(f, &sum);
}

struct object_promotion a_promotion(const struct fleet *f, uint64_t seq, uint32_t ring, uint8_t digest)
{
	struct object_promotion p = { .epoch = f->t.root.epoch,
				      .seq = seq,
				      .channel = "stable",
				      .ring = ring,
				      .not_before = NOW,
				      .expires = NOW + 30 * DAY };

	p.cutoff = ring == PLAN_BLESSED ? UINT32_MAX : f->t.root.plan.ring[ring].cutoff;
	memset(p.digest, digest, sizeof p.digest);
	memset(p.release, digest, sizeof p.release);
	memset(p.evidence, ring ? 0xee : 0, sizeof p.evidence);
	return p;
}

struct object_revoke a_revoke(const struct fleet *f, uint64_t seq, uint8_t digest)
{
	struct object_revoke r = { .epoch = f->t.root.epoch, .seq = seq, .n = 1 };

	memset(r.digest[0], digest, sizeof r.digest[0]);
	return r;
}

struct object_timestamp a_timestamp(const struct fleet *f, uint64_t version, uint64_t promotions, uint64_t revokes)
{
	return (struct object_timestamp){ .epoch = f->t.root.epoch,
					  .root_version = f->t.root.version,
					  .version = version,
					  .time = NOW,
					  .expires = NOW + DAY,
					  .promotion_seq = promotions,
					  .revoke_seq = revokes };
}

enum err give_timestamp(struct fleet *f, uint64_t version, uint64_t promotions, uint64_t revokes)
{
	struct object_timestamp t = a_timestamp(f, version, promotions, revokes);
	struct signed_object o = make_timestamp(f, &t, CLOCK);

	return trust_timestamp(&f->t, o.payload, o.signatures, NULL);
}

enum err give_promotion(struct fleet *f, const struct object_promotion *p, uint32_t mask)
{
	struct signed_object o = make_promotion(f, p, mask);
	struct object_promotion out;

	return trust_promotion(&f->t, o.payload, o.signatures, NOW, &out, NULL);
}

enum err give_revoke(struct fleet *f, const struct object_revoke *r, uint32_t mask)
{
	struct signed_object o = make_revoke(f, r, mask);
	struct object_revoke out;

	return trust_revoke(&f->t, o.payload, o.signatures, &out, NULL);
}
