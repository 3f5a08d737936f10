/* SPDX-License-Identifier: Apache-2.0 */
/* eval: one event through the programs of its type, and what is asked about loaded content. */
#include "content/runtime/index.h"

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

const char *const *content_names(const struct content *c, uint32_t *out_n)
{
	*out_n = c->n_names;
	return c->names;
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

/* What the program at hand reads without asking a predicate. */
static void make_reads(const struct type_index *x, uint32_t program, struct event *e)
{
	for (uint32_t i = x->first_read[program]; i < x->first_read[program + 1]; i++)
		event_need(e, x->reads[i]);
}

/* True: its rule matches. */
static bool run_one(const struct content *c, struct content_eval *ce, const struct program *p, struct event *e)
{
	/* exactly what this type has, never the whole of e->ctx: the third wall */
	struct vm_run_args args = {
		.ctx = e->ctx, .ctx_bytes = template_ctx_bytes(e->type), .env = &e->env, .fuel = c->fuel
	};
	uint64_t ret = 0;

	if (ce->before)
		ce->before(ce->before_user, p->rule);
	ce->programs_run++;
	if (vm_run(ce->vm, p->vp, &args, &ret, NULL, &ce->fault.d) != E_OK) {
		ce->faults++;
		ce->fault.rule = p->rule;
		ce->fault.d.subject = c->rules[p->rule].name;
		return false;
	}
	return ret == 1;
}

static uint32_t eval_all(const struct content *c, struct content_eval *ce, struct event *e, uint32_t *fired,
			 uint32_t max)
{
	uint32_t n = 0, end = c->bucket[e->type_index + 1];

	event_need_set(e, c->used[e->type_index]);
	for (uint32_t i = c->bucket[e->type_index]; i < end && n < max; i++) {
		if (!run_one(c, ce, &c->programs[i], e))
			continue;
		fired[n++] = c->programs[i].rule;
		if (!c->all_matches && !ce->all_matches)
			break;
	}
	return n;
}

static uint32_t eval_selected(const struct content *c, struct content_eval *ce, struct event *e, uint32_t *fired,
			      uint32_t max)
{
	const struct type_index *x = c->index[e->type_index];
	const struct program *first = &c->programs[c->bucket[e->type_index]];
	uint32_t n = 0;

	if (ce->before)
		ce->before(ce->before_user, CONTENT_NO_RULE);
	index_select(x, ce, e);
	for (uint32_t w = 0; w < x->n_words; w++)
		for (uint64_t bits = ce->alive[w]; bits && n < max; bits &= bits - 1) {
			uint32_t i = 64 * w + (uint32_t)__builtin_ctzll(bits);

			make_reads(x, i, e);
			if (!run_one(c, ce, &first[i], e))
				continue;
			fired[n++] = first[i].rule;
			if (!c->all_matches && !ce->all_matches)
				return n;
		}
	return n;
}

uint32_t content_eval(const struct content *c, struct content_eval *ce, struct event *e, uint32_t *fired, uint32_t max)
{
	const struct type_index *x = c->index[e->type_index];
	uint32_t n;

	assert(e->table == c->table && "an event of the table that the content was loaded for");
	if (x) {
		helper_memo_begin(&ce->memo, x->preds);
		e->env.memo = &ce->memo;
	}
	n = x && !ce->simple ? eval_selected(c, ce, e, fired, max) : eval_all(c, ce, e, fired, max);
	e->env.memo = NULL;
	if (n)
		event_need_set(e, c->used[e->type_index]);
	return n;
}
