/* SPDX-License-Identifier: Apache-2.0 */
/* run: what a host does with vectors before it arms content. */
#include "content/vector/internal.h"

enum { PROVE_ARENA = 256 << 20 };

static void note(struct vector_result *r, uint32_t i, const struct vector *v, const char *rule, const char *why)
{
	if (r->failed++)
		return;
	r->vector = i;
	r->rule = v->rule;
	(void)snprintf(r->text, sizeof r->text, "vector %u of rule '%.60s' (%.24s%s%.30s): %.80s", i, rule, v->type,
		       v->subject[0] ? ", " : "", v->subject, why);
}

FALLIBLE vector_run(const struct content *c, const struct template_table *t, const struct vector_set *set,
		    const struct vector_run_opts *opts, struct vector_result *out, struct diag *d)
{
	struct vector_result r = { .n = set->n };
	struct vector_judge j;

	TRY(vector_judge_init(&j, c, t));
	for (uint32_t i = 0; i < set->n; i++) {
		const struct vector *v = &set->v[i];
		const struct content_rule *rule = content_rule(c, v->rule);
		bool fires = false;
		struct diag why;

		diag_init(&why);
		if (opts && opts->before)
			opts->before(opts->user, i, v);
		if (!rule)
			note(&r, i, v, "?", "the content has no such rule");
		else if (vector_judge(&j, c, v, &fires, &why) != E_OK)
			note(&r, i, v, rule->name, why.text[0] ? why.text : "out of memory");
		else if (!GUARD(3, fires == v->fires))
			note(&r, i, v, rule->name,
			     v->fires ? "it should fire and does not" : "it fires and should not");
	}
	vector_judge_done(&j);
	*out = r;
	if (r.failed)
		FAIL_ID(d, REJECTED, 'W', 301, "%u of %u vectors failed; %.180s", r.failed, r.n, r.text);
	return E_OK;
}

FALLIBLE vector_prove(struct view bytes, uint32_t n, const struct content *c, const struct template_table *t,
		      const struct vector_run_opts *opts, struct vector_result *out, struct diag *d)
{
	AUTO(arena_done) struct arena a = { 0 };
	struct vector_set set;

	if (!n && !bytes.len) {
		*out = (struct vector_result){ 0 };
		return E_OK;
	}
	arena_init(&a, PROVE_ARENA);
	TRY(vector_read(bytes, &a, &set, d));
	if (set.n != n)
		FAIL_ID(d, FORMAT, 'W', 210, "there should be %u vectors, and there are %u", n, set.n);
	TRY(vector_complete(&set, content_n_rules(c), NULL, &a, d));
	return vector_run(c, t, &set, opts, out, d);
}
