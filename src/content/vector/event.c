/* SPDX-License-Identifier: Apache-2.0 */
/* event: a vector's event, and what its rule says to it. */
#include "content/vector/internal.h"

#include <stdlib.h>

enum { EVENT_MAX_BYTES = 16 << 20 };

FALLIBLE vector_event(struct event *e, const char *type, const struct vector_field *fields, uint32_t n, struct arena *a,
		      struct diag *d)
{
	TRY(event_begin_named(e, type, d));
	for (uint32_t i = 0; i < n; i++)
		if (fields[i].value)
			TRY(event_set_named(e, fields[i].name, fields[i].value, fields[i].value_len, a, d));
	return E_OK;
}

FALLIBLE vector_judge_init(struct vector_judge *j, const struct content *c, const struct template_table *t)
{
	*j = (struct vector_judge){ .eval.all_matches = true, .max = content_n_rules(c) };
	j->event = malloc(sizeof *j->event);
	j->fired = calloc(j->max + 1u, sizeof *j->fired);
	if (!j->event || !j->fired || vm_new(&j->eval.vm) != E_OK) {
		vector_judge_done(j);
		return E_NOMEM;
	}
	event_init(j->event, t);
	return E_OK;
}

void vector_judge_done(struct vector_judge *j)
{
	vm_free(j->eval.vm);
	free(j->event);
	free(j->fired);
	*j = (struct vector_judge){ .event = NULL };
}

FALLIBLE vector_judge(struct vector_judge *j, const struct content *c, const struct vector *v, bool *fires,
		      struct diag *d)
{
	uint64_t faults = j->eval.faults;
	struct arena a;
	uint32_t n = 0;
	enum err err;

	arena_init(&a, EVENT_MAX_BYTES);
	err = vector_event(j->event, v->type, v->fields, v->n_fields, &a, d);
	if (err == E_OK)
		n = content_eval(c, &j->eval, j->event, j->fired, j->max);
	arena_done(&a);
	if (err)
		return err;
	if (j->eval.faults != faults)
		FAIL(d, FAULT, "a program ended in an error: %.180s", j->eval.fault.d.text);
	*fires = false;
	for (uint32_t i = 0; i < n; i++)
		*fires |= j->fired[i] == v->rule;
	return E_OK;
}
