/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls: who calls whom, how deep, and on how much stack.
 *
 * Local calls stand in the program. Callbacks and calls through registers are known only when the walk comes to them,
 * so the graph is looked at twice: before the walk for what is certain, and after it with all.
 */
#include "engine/verify/verify_internal.h"

/* The calls of function f are [first[f], first[f + 1]). */
struct graph {
	uint32_t *first, *to, *site;
	uint32_t *chain, *at;     /* the functions being looked at, and how far into each we have come */
	uint32_t *order, n_order; /* settled ones: callees before callers */
};

static bool is_local_call(const struct isa_insn *in)
{
	return in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;
}

static uint32_t func_of(const struct verifier *v, uint32_t insn)
{
	return (uint32_t)(cfg_func(v, insn) - v->funcs);
}

FALLIBLE calls_note(struct verifier *v, uint32_t slot)
{
	uint32_t from = func_of(v, v->cur.insn), to = func_of(v, slot);
	struct call_edge *e;

	for (e = v->edges; e; e = e->next)
		if (e->from == from && e->to == to)
			return E_OK;
	e = ARENA_NEW(v->arena, struct call_edge);
	NEED(v, e);
	*e = (struct call_edge){ .next = v->edges, .from = from, .to = to, .site = v->cur.insn };
	v->edges = e;
	return E_OK;
}

typedef void edge_fn(struct graph *g, uint32_t from, uint32_t to, uint32_t site);

static void count_edge(struct graph *g, uint32_t from, uint32_t to, uint32_t site)
{
	(void)to;
	(void)site;
	g->first[from + 1]++;
}

static void add_edge(struct graph *g, uint32_t from, uint32_t to, uint32_t site)
{
	g->to[g->at[from]] = to;
	g->site[g->at[from]++] = site;
}

static void each_edge(const struct verifier *v, struct graph *g, edge_fn *fn)
{
	for (uint32_t f = 0; f < v->n_funcs; f++)
		for (uint32_t i = v->funcs[f].start; i < v->funcs[f].end; i++)
			if (is_local_call(&v->p->insns[i]))
				fn(g, f, func_of(v, cfg_call_target(i, &v->p->insns[i])), i);
	for (const struct call_edge *e = v->edges; e; e = e->next)
		fn(g, e->from, e->to, e->site);
}

static FALLIBLE build(struct verifier *v, struct graph *g)
{
	uint32_t n = v->n_funcs;

	*g = (struct graph){ .first = ARENA_ARRAY(v->arena, uint32_t, n + 1),
			     .chain = ARENA_ARRAY(v->arena, uint32_t, n),
			     .at = ARENA_ARRAY(v->arena, uint32_t, n),
			     .order = ARENA_ARRAY(v->arena, uint32_t, n) };
	NEED(v, g->first && g->chain && g->at && g->order);
	each_edge(v, g, count_edge);
	for (uint32_t f = 0; f < n; f++) {
		g->first[f + 1] += g->first[f];
		g->at[f] = g->first[f];
	}
	g->to = ARENA_ARRAY(v->arena, uint32_t, g->first[n] + 1);
	g->site = ARENA_ARRAY(v->arena, uint32_t, g->first[n] + 1);
	NEED(v, g->to && g->site);
	each_edge(v, g, add_edge);
	for (uint32_t f = 0; f < n; f++) {
		v->funcs[f].visit = VISIT_NOT;
		g->at[f] = g->first[f];
	}
	return E_OK;
}

static uint32_t rounded(uint32_t bytes)
{
	return (bytes + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;
}

/* The function's callees are settled: so is it, with the deepest and the longest of their chains. */
static void settle(struct verifier *v, struct graph *g, uint32_t f)
{
	struct func *fn = &v->funcs[f];

	fn->height = 1;
	fn->chain_bytes = 0;
	for (uint32_t i = g->first[f]; i < g->first[f + 1]; i++) {
		const struct func *to = &v->funcs[g->to[i]];

		if (to->height >= fn->height)
			fn->height = to->height + 1;
		if (to->chain_bytes > fn->chain_bytes)
			fn->chain_bytes = to->chain_bytes;
	}
	fn->chain_bytes += rounded(fn->stack_bytes);
	fn->visit = VISIT_DONE;
	g->order[g->n_order++] = f;
}

/* Depth first from one function. */
static FALLIBLE look(struct verifier *v, struct graph *g, uint32_t root)
{
	uint32_t depth = 0;

	g->chain[depth++] = root;
	v->funcs[root].visit = VISIT_OPEN;
	while (depth) {
		uint32_t f = g->chain[depth - 1], to;

		if (g->at[f] == g->first[f + 1]) {
			settle(v, g, f);
			depth--;
			continue;
		}
		v->cur.insn = g->site[g->at[f]];
		to = g->to[g->at[f]++];
		if (v->funcs[to].visit == VISIT_OPEN)
			REJECT(v, RECURSION, "the function at %u is called again before it has returned",
			       v->funcs[to].start);
		if (v->funcs[to].visit == VISIT_DONE)
			continue;
		v->funcs[to].visit = VISIT_OPEN;
		g->chain[depth++] = to;
	}
	return E_OK;
}

/* Callbacks of timers start chains of their own; so does, for this, every function that nothing calls. */
static FALLIBLE look_at_all(struct verifier *v, struct graph *g)
{
	TRY(build(v, g));
	for (uint32_t f = 0; f < v->n_funcs; f++) {
		if (v->funcs[f].visit == VISIT_DONE)
			continue;
		TRY(look(v, g, f));
		v->cur.insn = f ? v->funcs[f].start : UINT32_MAX;
		if (v->funcs[f].height > v->limits->frames)
			REJECT(v, NESTING, "functions call each other %u deep; %u are allowed", v->funcs[f].height,
			       v->limits->frames);
	}
	return E_OK;
}

FALLIBLE calls_check(struct verifier *v)
{
	struct graph g;

	return look_at_all(v, &g);
}

/*
 * The program that a tail call goes to begins on the stack of the caller's callers, and has a whole program's needs.
 * Linux: kernel/bpf/verifier.c:check_max_stack_depth_subprog, v6.12.
 */
static FALLIBLE check_tail_calls(struct verifier *v, const struct graph *g)
{
	uint32_t *below = ARENA_ARRAY(v->arena, uint32_t, v->n_funcs);

	NEED(v, below);
	for (uint32_t k = g->n_order; k-- > 0;) {
		uint32_t f = g->order[k], with = below[f] + rounded(v->funcs[f].stack_bytes);

		v->cur.insn = v->funcs[f].start;
		if (v->funcs[f].tail_call && below[f] >= VERIFY_TAIL_CALL_STACK)
			REJECT(v, TAIL_STACK,
			       "the function at %u makes a tail call with %u bytes of stack below it; "
			       "less than %u are allowed",
			       v->funcs[f].start, below[f], VERIFY_TAIL_CALL_STACK);
		for (uint32_t i = g->first[f]; i < g->first[f + 1]; i++)
			if (below[g->to[i]] < with)
				below[g->to[i]] = with;
	}
	return E_OK;
}

FALLIBLE calls_check_stack(struct verifier *v)
{
	struct graph g;

	v->cur.n_frames = 0;
	TRY(look_at_all(v, &g));
	for (uint32_t f = 0; f < v->n_funcs; f++)
		if (v->funcs[f].chain_bytes > v->stats.stack_bytes)
			v->stats.stack_bytes = v->funcs[f].chain_bytes;
	v->cur.insn = UINT32_MAX;
	if (v->stats.stack_bytes > v->limits->total_stack_bytes)
		REJECT(v, TOTAL_STACK, "a chain of calls uses %u bytes of stack; %u are allowed", v->stats.stack_bytes,
		       v->limits->total_stack_bytes);
	return check_tail_calls(v, &g);
}
