/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_scratch: content that nobody relies on yet, in a process that nobody would miss: it is loaded as ever, its
 * vectors are run, and the answer is how they went. What becomes of the process meanwhile is the supervisor's to judge.
 */
#include "agent/worker.h"

FALLIBLE worker_scratch(struct worker *w)
{
	struct control_packet p;
	struct control_tested *t = &p.msg.u.tested;
	struct vector_result r;
	struct diag d;
	enum err err;

	diag_init(&d);
	worker_publish_names(w);
	worker_set_phase(w, FLIGHT_TESTING);
	err = worker_vectors(w->set, w, NULL, &r, &d);
	worker_set_phase(w, FLIGHT_DRAINING);
	control_init(&p, CONTROL_TESTED);
	memcpy(t->digest, w->set->digest, sizeof t->digest);
	t->n_vectors = r.n;
	t->n_failed = r.failed;
	t->first_failed = r.vector;
	t->rule = r.rule;
	/* Vectors that cannot be read or are not complete are all as good as failed. */
	if (err != E_OK && !r.failed)
		t->n_failed = t->n_vectors = 1;
	if (err != E_OK)
		(void)snprintf(t->text, sizeof t->text, "%.127s", d.text[0] ? d.text : err_text(err));
	page_set(&w->page->vectors, r.n);
	page_set(&w->page->vectors_failed, t->n_failed);
	return control_send(w->sock, &p);
}
