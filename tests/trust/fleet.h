/* SPDX-License-Identifier: Apache-2.0 */
/* fleet: a fleet's keys, its root, and objects signed by any of them. */
#ifndef SALLYPORT_TESTS_TRUST_FLEET_H
#define SALLYPORT_TESTS_TRUST_FLEET_H

#include "content/sign/sign.h"
#include "release/trust/trust.h"

/* Keys by number; a set of them is a mask. */
enum {
	K_ROOT = 0,       /* 5, 3 sign */
	K_BUNDLE = 5,     /* 3, 2 sign */
	K_PROMOTE = 8,    /* 2, 1 signs; so for those below */
	K_APPROVE = 10,   /* 2 */
	K_REVOKE = 12,    /* 3 */
	K_TIMESTAMP = 15, /* 2 */
	N_TRUSTED = 17,
	K_STRANGER = N_TRUSTED, /* 2 that are in no root */
	N_KEYS = 19,
};

#define KEY(i) (1u << (i))
#define ROOTS (KEY(K_ROOT) | KEY(K_ROOT + 2) | KEY(K_ROOT + 4))
#define AUTHORS (KEY(K_BUNDLE) | KEY(K_BUNDLE + 1))
#define PROMOTER KEY(K_PROMOTE)
#define PERSON KEY(K_APPROVE)
#define REVOKER KEY(K_REVOKE)
#define REVOKERS (KEY(K_REVOKE) | KEY(K_REVOKE + 2))
#define CLOCK KEY(K_TIMESTAMP)

enum { NOW = 1700000000, DAY = 86400, YEAR = 365 * DAY };

struct fleet {
	struct arena a;
	struct sign_secret key[N_KEYS]; /* the same in every run */
	struct object_root root;        /* version 1, epoch 1, for a year from NOW */
	struct trust t;                 /* begun with it */
};

struct signed_object {
	struct view payload, signatures;
};

void fleet_init(struct fleet *f);
void fleet_done(struct fleet *f);

/* Bytes signed by each key of the mask. */
struct signed_object sign_with(struct fleet *f, struct view bytes, uint32_t mask);
struct signed_object make_root(struct fleet *f, const struct object_root *r, uint32_t mask);
struct signed_object make_promotion(struct fleet *f, const struct object_promotion *p, uint32_t mask);
struct signed_object make_revoke(struct fleet *f, const struct object_revoke *r, uint32_t mask);
struct signed_object make_timestamp(struct fleet *f, const struct object_timestamp *t, uint32_t mask);
/* The signatures of one after those of the other. */
struct view both(struct fleet *f, struct view a, struct view b);

/* Good ones, to be changed: digests are filled with a byte. */
struct object_promotion a_promotion(const struct fleet *f, uint64_t seq, uint32_t ring, uint8_t digest);
struct object_revoke a_revoke(const struct fleet *f, uint64_t seq, uint8_t digest);
struct object_timestamp a_timestamp(const struct fleet *f, uint64_t version, uint64_t promotions, uint64_t revokes);

/* To the fleet's trust, signed as it should be. */
enum err give_timestamp(struct fleet *f, uint64_t version, uint64_t promotions, uint64_t revokes);
enum err give_promotion(struct fleet *f, const struct object_promotion *p, uint32_t mask);
enum err give_revoke(struct fleet *f, const struct object_revoke *r, uint32_t mask);

#endif
