/* SPDX-License-Identifier: Apache-2.0 */
/* worker_vectors: the vectors that came with content, against that content. */
#include "agent/worker.h"

struct run {
	struct worker *w; /* or NULL */
	uint64_t *evaluated;
	uint32_t first_rule;
	const uint8_t *digest;
};

static void before(void *user, uint32_t index, const struct vector *v)
{
	struct run *r = user;
	uint32_t rule = r->first_rule + v->rule;

	if (r->evaluated)
		r->evaluated[rule]++;
	if (!r->w)
		return;
	worker_beat(r->w);
	memcpy(r->w->flight->digest, r->digest, sizeof r->w->flight->digest);
	worker_flight_put(&r->w->flight->vector, index);
	worker_flight_put(&r->w->flight->rule, rule);
}

FALLIBLE worker_vectors(const struct content_set *set, struct worker *w, uint64_t *evaluated, struct vector_result *out,
			struct diag *d)
{
	*out = (struct vector_result){ 0 };
	for (uint32_t i = 0; i < set->n_contents; i++) {
		struct run r = {
			.w = w, .evaluated = evaluated, .first_rule = set->first_rule[i], .digest = set->digests[i]
		};
		struct vector_run_opts o = { .before = before, .user = &r };
		struct vector_result one = { 0 };
		enum err err = vector_prove(set->vectors[i], set->n_vectors[i], set->contents[i], &template_builtin, &o,
					    &one, d);

		out->n += one.n;
		out->failed += one.failed;
		if (!GUARD(4, err == E_OK)) {
			out->vector = one.vector;
			out->rule = r.first_rule + one.rule;
			memcpy(out->text, one.text, sizeof out->text);
			return err;
		}
	}
	return E_OK;
}
