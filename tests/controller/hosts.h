/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts: a repository, a ledger, a controller, and a fleet of hosts that are only words: they read promotions and
 * revokes, take content when their ring is open, and leave signed reports. Virtual time.
 */
#ifndef SALLYPORT_TESTS_CONTROLLER_HOSTS_H
#define SALLYPORT_TESTS_CONTROLLER_HOSTS_H

#include "../trust/fleet.h"
#include "release/controller/controller.h"

enum { MAX_HOSTS = 256, MAX_SEEN = 512, STEP_S = 60 };

struct host {
	struct sign_secret key;
	struct object_health h;
	uint64_t armed_s; /* candidate since */
	bool mute;        /* its reports get lost */
};

struct world;
/* What becomes of a host that took content: its report may be changed. */
typedef void harm_fn(struct world *w, struct host *h);

struct world {
	struct fleet fleet;
	char dir[96], url[112], ledger[112];
	struct transport *repo;
	struct ledger *l;
	struct controller c;
	struct diag d;
	uint64_t now_s;
	struct host host[MAX_HOSTS];
	uint32_t n_hosts, n_ring0;
	harm_fn *harm;
	uint64_t read_seq, read_revoke;        /* of the newest that hosts read */
	struct object_promotion promotion[16]; /* newest of each release */
	uint32_t n_promotions;
	uint8_t revoked[16][OBJECT_DIGEST_BYTES];
	uint32_t n_revoked;
	enum controller_answer answer;
	uint32_t asked;
	uint32_t armed; /* activations, over all hosts */
};

/* Plan with short soaks; every ring has hosts. approve: the controller has a person's key. */
void world_init(struct world *w, uint32_t hosts, uint32_t ring0, bool approve);
void world_done(struct world *w);
/* As if the controller had been killed and started. */
void world_restart(struct world *w);
/* A bundle with this byte as digest becomes a release. */
enum err world_publish(struct world *w, uint8_t digest, const char *version, enum plan_lane lane,
		       const char *const *changed, uint32_t n_changed, struct release *out);
/* Hosts read and report, the controller ticks, time goes by. */
void world_step(struct world *w);
/* Hosts only. */
void hosts_step(struct world *w);
struct release world_release(struct world *w, const uint8_t id[16]);
/* Until the release is in this state; the number of steps, or 0 after max. */
uint32_t world_until(struct world *w, const uint8_t id[16], enum release_state state, uint32_t max);
/* The next report is written. */
void host_report(struct world *w, struct host *h);
/*
 * As a suspicious host: all that is in the repository is what trust takes, in order; every promotion of a later ring
 * cites evidence that is there, is of the same digest and of the ring before, and passes. Rings of each release come in
 * order. Returns how many promotions.
 */
uint32_t world_audit(struct world *w);

#endif
