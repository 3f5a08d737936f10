/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: the life of one release, as a table of states, events and what follows. Pure.
 *
 *   DRAFT -> COMPILED -> PROVEN -> SIGNED -> R0 -> ... -> R6 -> BLESSED
 *   any ring -> PAUSED (-> the same ring | ABORTED) | HALTED -> REVERTING -> WITHDRAWN
 *   unblessed and overtaken -> SUPERSEDED
 *
 * No arrow skips a ring. Nothing but a gate that passed opens the next one; a person can pause, halt, revert, and say
 * go on where a gate that passed waits for a person; a person cannot make a gate pass. A ring of less than one host is
 * passed through with the next, and its soak is waited for all the same.
 *
 * Several releases of a channel, one per ring at a time: release_claim() says whether one may enter a ring. Who stands
 * in a ring is waited for, and the newest of those that wait takes the place of the others. What is foremost is waited
 * for by all and by nothing superseded, so it is blessed or fails: with any number of releases a day the
 * last-known-good advances as often as the slowest ring takes. Only a newer release of the urgent lane overtakes one of
 * the normal lane that goes on; and whoever is newer overtakes what has been paused for longer than its soak, or by a
 * person.
 */
#ifndef SALLYPORT_RELEASE_MACHINE_H
#define SALLYPORT_RELEASE_MACHINE_H

#include "release/gate/gate.h"

enum release_state {
	RELEASE_DRAFT,
	RELEASE_COMPILED,
	RELEASE_PROVEN,
	RELEASE_SIGNED,
	RELEASE_RING, /* with struct release.ring */
	RELEASE_BLESSED,
	RELEASE_PAUSED,
	RELEASE_HALTED,
	RELEASE_REVERTING,
	RELEASE_WITHDRAWN,
	RELEASE_ABORTED,
	RELEASE_SUPERSEDED,
	RELEASE_N_STATES
};
const char *release_state_name(enum release_state s);

enum release_event {
	RELEASE_EV_COMPILED,
	RELEASE_EV_PROVEN,
	RELEASE_EV_SIGNED,
	RELEASE_EV_TICK,       /* time went by; the gate of the ring was judged */
	RELEASE_EV_PROMOTE,    /* a person wants the next ring: only where the gate passed */
	RELEASE_EV_PAUSE,      /* a person */
	RELEASE_EV_RESUME,     /* a person */
	RELEASE_EV_HALT,       /* a person */
	RELEASE_EV_REVERT,     /* a person; of what is blessed too */
	RELEASE_EV_REVERTED,   /* no host reports it any more, or the time for that is over */
	RELEASE_EV_SUPERSEDED, /* release_claim() said so */
	RELEASE_N_EVENTS
};
const char *release_event_name(enum release_event e);

enum release_action {
	RELEASE_DO_NOTHING,
	RELEASE_DO_PROMOTE /* sign a promotion: ring, cutoff */,
	RELEASE_DO_BLESS,
	RELEASE_DO_REVOKE,
	RELEASE_DO_PAUSE,
	RELEASE_DO_REPRODUCE /* run it in a scratch worker elsewhere; asked again until gate_reproduction() */
};

enum { RELEASE_RAMP_STEPS = 24 }; /* promotions of a ring, at most: its hosts come in so many parts */

struct release {
	uint8_t id[16], digest[OBJECT_DIGEST_BYTES];
	char channel[OBJECT_NAME_BYTES], version[OBJECT_NAME_BYTES];
	uint64_t number; /* rises by release: which is newer */
	enum plan_lane lane;
	enum release_state state;
	uint32_t ring;      /* in RING and after it: the newest that was opened */
	uint32_t cutoff;    /* last that was promoted: rings 1 to 6 ramp in steps */
	uint64_t started_s; /* ring 0 opened */
	uint64_t since_s;   /* this ring opened, later by what it was paused since: ramps stand still meanwhile */
	uint64_t paused_s;  /* when it was paused */
	uint64_t fleet;     /* hosts known when ring 0 opened: rings smaller than one host merge into the next */
	bool by_person;     /* paused by one: only a person resumes */
	bool passed;        /* the gate of this ring passed; what is ahead is not free yet */
	/*
	 * The caller's, before each TICK and PROMOTE: the next ring may not be opened now, because release_claim() says
	 * so, or because a signature that it needs is not there (ring 4 and later, urgent lane: a person's).
	 */
	bool blocked;
};

struct release_step {
	enum release_action action;
	uint32_t ring, cutoff; /* DO_PROMOTE */
	bool opened;           /* a ring: those that release_claim() named give way now */
	enum release_state from, to;
	char why[200];
};

/*
 * What follows from an event. result: the gate's of this ring (TICK and PROMOTE; NULL: there is none, then nothing
 * opens). Changes *r and sets *out. E_REJECTED with d (G2xx): the event is not allowed in this state, and says what is;
 * *r stays.
 */
FALLIBLE release_on(struct release *r, enum release_event ev, const struct gate_result *result, const struct plan *plan,
		    uint64_t now_s, struct release_step *out, struct diag *d);
/* Of a fleet of n hosts: is this ring of at least one host? Ring 0 always is. */
bool release_ring_is_real(const struct plan *plan, uint32_t ring, uint64_t fleet);
/* The ring that opens after this one; PLAN_BLESSED after the last. */
uint32_t release_next_ring(const struct plan *plan, uint32_t ring, uint64_t fleet);
/* When the last host of the present ring may have it: the ramp's end, and no host's own dwell before. For the gate. */
uint64_t release_ramped_s(const struct release *r, const struct plan *plan);

/*
 * May all[i] take its next step into a ring (SIGNED: ring 0, else the one after its own), as far as the n releases of
 * its channel go? supersede: n flags, set for those that give way to it when it does; none when it may not.
 */
bool release_claim(const struct release *all, uint32_t n, uint32_t i, const struct plan *plan, uint64_t now_s,
		   bool *supersede);

#endif
