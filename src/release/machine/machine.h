/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: the life of one release, as a table of states, events and what follows. Pure.
 *
 *   DRAFT -> COMPILED -> PROVEN -> SIGNED -> R0 -> ... -> R6 -> BLESSED
 *   any ring -> PAUSED (-> the same ring | ABORTED) | HALTED -> REVERTING -> WITHDRAWN
 *   unblessed and overtaken -> SUPERSEDED
 *
 * No arrow skips a ring. Nothing but a gate that passed opens the next one; a person can pause, halt, revert, and say
 * go on where a gate that passed waits for a person; a person cannot make a gate pass.
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
	RELEASE_EV_TICK,    /* time went by; the gate of the ring was judged */
	RELEASE_EV_PROMOTE, /* a person wants the next ring: only where the gate passed */
	RELEASE_EV_PAUSE,
	RELEASE_EV_RESUME,
	RELEASE_EV_HALT,
	RELEASE_EV_REVERT,     /* a person */
	RELEASE_EV_REVERTED,   /* no host reports it any more, or the time for that is over */
	RELEASE_EV_SUPERSEDED, /* a newer one entered ring 0 */
	RELEASE_N_EVENTS
};

enum release_action {
	RELEASE_DO_NOTHING,
	RELEASE_DO_PROMOTE /* sign a promotion: ring, cutoff */,
	RELEASE_DO_BLESS,
	RELEASE_DO_REVOKE,
	RELEASE_DO_PAUSE,
	RELEASE_DO_REPRODUCE /* run it in a scratch worker elsewhere */
};

struct release {
	uint8_t id[16], digest[OBJECT_DIGEST_BYTES];
	char channel[OBJECT_NAME_BYTES], version[OBJECT_NAME_BYTES];
	enum plan_lane lane;
	enum release_state state;
	uint32_t ring;     /* in RING and after it: the newest that was opened */
	uint32_t cutoff;   /* last that was promoted: rings 1 to 6 ramp in steps */
	uint64_t since_s;  /* in this state and ring */
	uint64_t paused_s; /* when it was paused */
	uint64_t fleet;    /* hosts known when ring 0 opened: rings smaller than one host merge into the next */
	bool by_person;    /* paused by one: only a person resumes */
};

struct release_step {
	enum release_action action;
	uint32_t ring, cutoff; /* DO_PROMOTE */
	enum release_state from, to;
	char why[200];
};

/*
 * What follows from an event. result: the gate's (TICK and PROMOTE), else NULL. Changes *r and sets *out. E_REJECTED
 * with d: the event is not allowed in this state, and says what is.
 */
FALLIBLE release_on(struct release *r, enum release_event ev, const struct gate_result *result, const struct plan *plan,
		    uint64_t now_s, struct release_step *out, struct diag *d);
/* Of a fleet of n hosts: is this ring of at least one host? Ring 0 always is. */
bool release_ring_is_real(const struct plan *plan, uint32_t ring, uint64_t fleet);

#endif
