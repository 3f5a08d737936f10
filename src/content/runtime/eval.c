/* SPDX-License-Identifier: Apache-2.0 */
/* eval: one event against the programs of its type, and what the content says of itself. */
#include "content/runtime/internal.h"
#include "engine/maps/maps.h"

uint32_t content_n_rules(const struct content *c)
{
	return c->rules.n_rules;
}

const struct content_rule *content_rule(const struct content *c, uint32_t i)
{
	return i < c->rules.n_rules ? &c->public_rules[i] : NULL;
}

const uint8_t *content_digest(const struct content *c)
{
	return c->digest;
}

uint64_t content_types(const struct content *c)
{
	return c->types;
}

bool content_uses(const struct content *c, uint32_t type_index, uint32_t field_id)
{
	if (type_index >= c->table->n_types || field_id >= 2 * TEMPLATE_CAP)
		return false;
	return c->buckets[type_index].used[field_id / 64] >> (field_id % 64) & 1;
}

uint32_t content_n_programs(const struct content *c)
{
	return c->n_progs;
}

static bool fires(struct content_eval *ce, const struct runtime_prog *p, const struct vm_run_args *args)
{
	uint64_t ret = 0;

	if (ce->before)
		ce->before(ce->before_user, p->rule);
	if (!ce->programs_run++)
		diag_init(&ce->fault.d);
	if (vm_run(ce->vm, p->vp, args, &ret, NULL, &ce->fault.d) == E_OK)
		return ret == 1;
	ce->faults++;
	ce->fault.rule = p->rule;
	return false;
}

uint32_t content_eval(const struct content *c, struct content_eval *ce, struct event *e, uint32_t *fired, uint32_t max)
{
	const struct runtime_bucket *b = &c->buckets[e->type_index];
	struct vm_run_args args = { .ctx = e->ctx, .env = &e->env, .fuel = c->fuel };
	uint32_t n = 0;

	/* exactly what this type has, never the whole of e->ctx: wall 3 */
	args.ctx_bytes = template_ctx_bytes(e->type);
	for (uint32_t i = 0; i < b->n && n < max; i++) {
		if (!fires(ce, &b->progs[i], &args))
			continue;
		fired[n++] = b->progs[i].rule;
		if (!c->all_matches)
			break;
	}
	for (uint32_t i = 0; c->has_dynamic_maps && i < c->n_maps; i++)
		map_reclaim(c->maps[i]);
	return n;
}
