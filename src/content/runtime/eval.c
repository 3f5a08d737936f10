/* SPDX-License-Identifier: Apache-2.0 */
/* eval: one event through the programs of its type, and what is asked about loaded content. */
#include "content/runtime/internal.h"

uint32_t content_n_rules(const struct content *c)
{
	return c->n_rules;
}

const struct content_rule *content_rule(const struct content *c, uint32_t i)
{
	return i < c->n_rules ? &c->rules[i] : NULL;
}

const uint8_t *content_digest(const struct content *c)
{
	return c->digest;
}

uint64_t content_types(const struct content *c)
{
	return c->types;
}

uint32_t content_n_programs(const struct content *c)
{
	return c->n_programs;
}

bool content_uses(const struct content *c, uint32_t type_index, uint32_t field_id)
{
	if (type_index >= TEMPLATE_MAX_TYPES || field_id >= N_FIELDS)
		return false;
	return c->used[type_index][field_id / 64] >> field_id % 64 & 1;
}

uint32_t content_eval(const struct content *c, struct content_eval *ce, struct event *e, uint32_t *fired, uint32_t max)
{
	/* exactly what this type has, never the whole of e->ctx: the third wall */
	struct vm_run_args args = {
		.ctx = e->ctx, .ctx_bytes = template_ctx_bytes(e->type), .env = &e->env, .fuel = c->fuel
	};
	uint32_t n = 0;

	assert(e->table == c->table && "an event of the table that the content was loaded for");
	for (uint32_t i = c->bucket[e->type_index]; i < c->bucket[e->type_index + 1] && n < max; i++) {
		const struct program *p = &c->programs[i];
		uint64_t ret = 0;

		if (ce->before)
			ce->before(ce->before_user, p->rule);
		ce->programs_run++;
		if (vm_run(ce->vm, p->vp, &args, &ret, NULL, &ce->fault.d) != E_OK) {
			ce->faults++;
			ce->fault.rule = p->rule;
			ce->fault.d.subject = c->rules[p->rule].name;
			continue;
		}
		if (ret != 1)
			continue;
		fired[n++] = p->rule;
		if (!c->all_matches)
			break;
	}
	for (uint32_t i = 0; c->has_dynamic_maps && i < c->n_maps; i++)
		map_reclaim(c->maps[i]);
	return n;
}
