/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_trust: bytes choose a history: objects of each kind with chosen numbers, chosen signers, bytes changed before or
 * after they were signed, signatures of the one before. Whatever is taken, versions and numbers rise within an epoch,
 * epochs never fall, what was refused left no trace, and all of it can be saved and restored. The first byte 0: the
 * rest is remembered state.
 */
#include "fleet.h"

enum { MAX_STEPS = 12, STEP_BYTES = 8 };

static void must(bool what)
{
	if (!what)
		abort();
}

struct play {
	struct fleet f;
	struct signed_object last;
};

static uint64_t number(uint8_t how, uint64_t ours)
{
	static const uint64_t far[] = { TRUST_MAX_JUMP, TRUST_MAX_JUMP + 1ull, UINT64_MAX, UINT32_MAX };
	uint64_t n = how < 240 ? ours + how % 4 : ours + far[how % 4];

	return n ? n : 1;
}

static struct signed_object make(struct play *p, const uint8_t *s)
{
	static const uint32_t owners[] = { ROOTS, PROMOTER | PERSON, REVOKERS, CLOCK };
	uint32_t mask = (s[1] | (uint32_t)s[2] << 8 | (uint32_t)s[3] << 16) & ((1u << N_KEYS) - 1);
	struct object_promotion promotion = a_promotion(&p->f, number(s[4], p->f.t.promotion_seq), s[5] % 8, s[6] | 1);
	struct object_revoke revoke = a_revoke(&p->f, number(s[4], p->f.t.revoke_seq), s[6] | 1);
	struct object_timestamp t =
		a_timestamp(&p->f, number(s[4], p->f.t.timestamp.version), number(s[5], p->f.t.timestamp.promotion_seq),
			    number(s[6], p->f.t.timestamp.revoke_seq));
	struct object_root root = p->f.t.root;

	promotion.lane = s[5] >> 7;
	revoke.blessed = s[5] & 1;
	root.version += s[4] % 3;
	root.version = root.version ? root.version : 1;
	root.epoch += s[5] % 2;
	/* the owner's own signatures, or those of whoever holds these keys; a file has sixteen at most */
	if (mask & 1)
		mask = owners[s[0] % 4];
	while (__builtin_popcount(mask) > OBJECT_MAX_SIGNATURES)
		mask &= mask - 1;
	switch (s[0] % 4) {
	case 0:
		return make_root(&p->f, &root, mask);
	case 1:
		return make_promotion(&p->f, &promotion, mask);
	case 2:
		return make_revoke(&p->f, &revoke, mask);
	default:
		return make_timestamp(&p->f, &t, mask);
	}
}

static void damage(struct play *p, struct signed_object *o, const uint8_t *s)
{
	uint8_t *to = (uint8_t *)o->payload.p;

	if (s[7] & 1)
		to[s[6] % o->payload.len] ^= s[7];
	if (s[7] & 2 && p->last.signatures.p)
		o->signatures = p->last.signatures;
	if (s[7] & 4 && o->signatures.len)
		o->signatures.len -= s[6] % o->signatures.len;
	if (s[7] & 8 && p->last.payload.p)
		*o = p->last;
}

static enum err give(struct play *p, const struct signed_object *o, uint32_t kind)
{
	struct object_promotion promotion;
	struct object_revoke revoke;
	struct trust *t = &p->f.t;

	switch (kind) {
	case 0:
		return trust_root(t, o->payload, o->signatures, NULL);
	case 1:
		return trust_promotion(t, o->payload, o->signatures, NOW, &promotion, NULL);
	case 2:
		return trust_revoke(t, o->payload, o->signatures, &revoke, NULL);
	default:
		return trust_timestamp(t, o->payload, o->signatures, NULL);
	}
}

static void judge(const struct trust *was, const struct trust *is, enum err err)
{
	if (err != E_OK) {
		must(memcmp(was, is, sizeof *is) == 0);
		return;
	}
	must(is->root.epoch >= was->root.epoch && is->root.version >= was->root.version &&
	     is->root.version <= was->root.version + 1);
	must(is->n_revoked >= was->n_revoked);
	if (is->root.epoch != was->root.epoch)
		return;
	must(is->promotion_seq >= was->promotion_seq && is->revoke_seq >= was->revoke_seq &&
	     is->timestamp.version >= was->timestamp.version && is->security_floor >= was->security_floor &&
	     is->latest_s >= was->latest_s);
	must(is->promotion_seq - was->promotion_seq <= TRUST_MAX_JUMP &&
	     is->revoke_seq - was->revoke_seq <= TRUST_MAX_JUMP);
}

static void try_saved(struct view v)
{
	struct trust t;
	struct buf b;

	buf_init(&b, TRUST_MAX_SAVED);
	if (trust_restore(v, &t, NULL) == E_OK)
		must(trust_save(&t, &b) == E_OK && b.len == v.len && memcmp(b.p, v.p, b.len) == 0);
	buf_done(&b);
}

/* With a checksum that agrees, so that what is below it is reached. */
static void try_state(const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n + OBJECT_DIGEST_BYTES);

	must(copy);
	memcpy(copy, p, n);
	object_digest(view_of(copy, n), copy + n);
	try_saved(view_of(copy, n + OBJECT_DIGEST_BYTES));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct fleet fresh;
	static struct play play;
	static struct trust was;
	struct buf b;

	if (n && !p[0]) {
		try_state(p + 1, n - 1);
		return 0;
	}
	if (!fresh.root.version)
		fleet_init(&fresh);
	play = (struct play){ .f = fresh };
	arena_init(&play.f.a, fresh.a.cap);
	for (size_t i = 0; i < MAX_STEPS && (i + 1) * STEP_BYTES < n; i++) {
		const uint8_t *s = p + 1 + i * STEP_BYTES;
		struct signed_object o = make(&play, s);

		damage(&play, &o, s);
		was = play.f.t;
		judge(&was, &play.f.t, give(&play, &o, s[7] & 16 ? s[6] % 4 : s[0] % 4));
		play.last = o;
	}
	buf_init(&b, TRUST_MAX_SAVED);
	must(trust_save(&play.f.t, &b) == E_OK);
	try_saved(view_of(b.p, b.len));
	buf_done(&b);
	fleet_done(&play.f);
	return 0;
}
