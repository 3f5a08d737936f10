/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_scratch: content that nobody relies on yet, in a process that nobody would miss: it is loaded as ever, its
 * vectors are run, and the answer is how they went. What becomes of the process meanwhile is the supervisor's to judge.
 */
#include "agent/worker.h"

FALLIBLE worker_scratch(struct worker *w)
{
	struct control_packet p;

	worker_set_phase(w, FLIGHT_TESTING);
	/* Rules as text and compiled files bring no vectors. */
	control_init(&p, CONTROL_TESTED);
	memcpy(p.msg.u.tested.digest, w->set->digest, sizeof p.msg.u.tested.digest);
	worker_set_phase(w, FLIGHT_DRAINING);
	return control_send(w->sock, &p);
}
