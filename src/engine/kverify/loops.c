/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loops: which kept states have marks that are not complete, because a loop that they are part of is not done.
 *
 * Marks go from a path's end up to its ancestors. Where a path ends inside a loop because a kept state S covers it, S
 * itself may get marks later, from paths not yet followed; the ancestors of the path that ended need those too.
 *
 * Newer releases (LOOP_SCC): a visit of a loop is a strongly connected part of the graph of instructions together with
 * the calls that lead there. It begins with the first state kept in it. A path that ends on a state of a visit leaves a
 * copy, a back edge. When the first state's paths have all ended, marks are carried along all back edges until nothing
 * changes; as long as there are any, the visit's states are not complete. Linux: kernel/bpf/states.c:maybe_enter_scc,
 * propagate_backedges, v7.2.
 *
 * Older ones (LOOP_ENTRIES): a state that ended on another that was not done remembers that one, the loop's entry, and
 * hands it to its parent; it counts as incomplete while its outermost entry has paths that have not ended. Linux:
 * kernel/bpf/verifier.c:update_loop_entry, get_loop_entry, v6.12.
 */
#include "engine/kverify/prune.h"

enum { BACK_EDGE_ROUNDS = 64 };

struct back_edge {
	struct back_edge *next;
	struct kverify_state st; /* st.equal: the state that covers it */
};

struct loop_visit {
	struct loop_visit *next; /* of the same component */
	uint32_t calls[KFRAMES_MAX];
	struct kverify_state *entry; /* NULL: the visit is over */
	struct back_edge *edges;
	uint32_t n_edges;
};

struct kloops {
	struct loop_visit **visits; /* by component */
	uint32_t n_components;      /* numbers 1 .. n_components - 1 */
	uint32_t n_edges;
};

/* ---- visits ---- */

/* The outermost loop that some frame stands in, and the calls that lead to that frame. 0: none. */
static uint32_t chain_of(const struct kverifier *v, const struct kverify_state *s, uint32_t calls[KFRAMES_MAX])
{
	memset(calls, 0, KFRAMES_MAX * sizeof *calls);
	for (uint32_t f = 0; f <= s->cur; f++) {
		uint32_t insn = kstate_insn(s, f);

		if (v->aux[insn].scc)
			return v->aux[insn].scc;
		calls[f] = insn;
	}
	return 0;
}

static struct loop_visit *find_visit(struct kverifier *v, const struct kverify_state *s, bool make)
{
	uint32_t calls[KFRAMES_MAX];
	uint32_t scc = v->loops ? chain_of(v, s, calls) : 0;
	struct loop_visit *l;

	if (!scc)
		return NULL;
	for (l = v->loops->visits[scc]; l; l = l->next)
		if (!memcmp(l->calls, calls, sizeof calls))
			return l;
	if (!make)
		return NULL;
	l = kpool_alloc(v, sizeof *l);
	if (!l)
		return NULL;
	*l = (struct loop_visit){ .next = v->loops->visits[scc] };
	memcpy(l->calls, calls, sizeof calls);
	v->loops->visits[scc] = l;
	return l;
}

FALLIBLE kloops_enter(struct kverifier *v, struct kverify_state *kept)
{
	uint32_t calls[KFRAMES_MAX];
	struct loop_visit *l;

	if (!v->loops || !chain_of(v, kept, calls))
		return E_OK;
	l = find_visit(v, kept, true);
	KNEED(v, l);
	if (!l->entry)
		l->entry = kept;
	return E_OK;
}

bool kloops_incomplete(struct kverifier *v, struct kverify_state *s)
{
	struct loop_visit *l;

	if (!v->loops || !v->loops->n_edges)
		return false;
	l = find_visit(v, s, false);
	return l && l->edges;
}

uint32_t kloops_waiting(const struct kverifier *v)
{
	return v->loops ? v->loops->n_edges : 0;
}

static void free_edges(struct kverifier *v, struct loop_visit *l)
{
	for (struct back_edge *e = l->edges, *next; e; e = next) {
		next = e->next;
		kstate_free(v, &e->st);
		kpool_free(v, e, sizeof *e);
	}
	l->edges = NULL;
	l->n_edges = 0;
}

static FALLIBLE carry_marks(struct kverifier *v, struct loop_visit *l)
{
	bool changed = l->edges != NULL;

	for (int round = 0; changed; round++) {
		if (round >= BACK_EDGE_ROUNDS) {
			for (struct back_edge *e = l->edges; e; e = e->next)
				TRY(kprecise_all(v, &e->st));
			break;
		}
		changed = false;
		for (struct back_edge *e = l->edges; e; e = e->next)
			TRY(kprecise_propagate(v, e->st.equal, &e->st, &changed));
	}
	free_edges(v, l);
	return E_OK;
}

FALLIBLE kloops_exit(struct kverifier *v, struct kverify_state *s)
{
	struct loop_visit *l = find_visit(v, s, false);

	if (!l || l->entry != s)
		return E_OK;
	l->entry = NULL;
	v->loops->n_edges -= l->n_edges;
	l->n_edges = 0;
	return carry_marks(v, l);
}

/* The state at work ends here: `to`, a state of a loop, covers it. */
FALLIBLE kloops_back(struct kverifier *v, struct kverify_state *to)
{
	struct loop_visit *l = find_visit(v, to, false);
	struct back_edge *e = kpool_alloc(v, sizeof *e);

	KNEED(v, e);
	KENSURE(v, l);
	*e = (struct back_edge){ .next = l->edges };
	l->edges = e;
	l->n_edges++;
	v->loops->n_edges++;
	KNEED(v, kstate_copy(v, &e->st, &v->cur));
	e->st.equal = to;
	e->st.insn = v->insn;
	return E_OK;
}

void kloops_reset(struct kverifier *v)
{
	if (!v->loops)
		return;
	for (uint32_t c = 0; c < v->loops->n_components; c++) {
		for (struct loop_visit *l = v->loops->visits[c], *next; l; l = next) {
			next = l->next;
			free_edges(v, l);
			kpool_free(v, l, sizeof *l);
		}
		v->loops->visits[c] = NULL;
	}
	v->loops->n_edges = 0;
}

/* ---- entries, in older releases ---- */

/* The outermost; the chain to it becomes short. */
struct kverify_state *kloops_entry_of(struct kverify_state *s)
{
	struct kverify_state *top = s->loop_entry, *next;

	while (top && top->loop_entry && top != top->loop_entry)
		top = top->loop_entry;
	for (; s && s->loop_entry != top; s = next) {
		next = s->loop_entry;
		s->loop_entry = top;
	}
	return top;
}

void kloops_entry_learn(struct kverify_state *cur, struct kverify_state *head)
{
	struct kverify_state *c = kloops_entry_of(cur), *h = kloops_entry_of(head);

	c = c ? c : cur;
	h = h ? h : head;
	if (h->branches && h->dfs_depth <= c->dfs_depth) {
		cur->loop_entry = head;
		head->used_as_loop_entry = true;
	}
}

/* ---- components of the graph ---- */

/* Tarjan's algorithm without recursion. Linux: bpf_compute_scc, kernel/bpf/cfg.c, v7.2 */
struct tarjan {
	uint32_t *pre, *low, *stack, *path;
	uint32_t n_stack, n_path, next_pre, next_component;
};
enum { OFF_STACK = UINT32_MAX };

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* All that lies above w on the stack is one component: numbered when it is a loop. */
static void close_component(struct kverifier *v, struct tarjan *t, uint32_t w, bool self)
{
	bool loop =
		self || t->stack[t->n_stack - 1] != w || (v->aux[w].calls_callback && khas(v, KERNEL_LOOP_CALLBACKS));
	uint32_t x;

	do {
		x = t->stack[--t->n_stack];
		t->low[x] = OFF_STACK;
		if (loop)
			v->aux[x].scc = t->next_component;
	} while (x != w);
	t->next_component += loop;
}

/* One look at w: its next successor that was not seen goes on the path, or w is done. */
static void step(struct kverifier *v, struct tarjan *t, uint32_t w)
{
	uint32_t next[2];
	unsigned n = kflow_next(v, w, next);
	bool self = false;

	if (!t->pre[w]) {
		t->low[w] = t->pre[w] = t->next_pre++;
		t->stack[t->n_stack++] = w;
	}
	for (unsigned i = 0; i < n; i++) {
		self |= next[i] == w;
		if (!t->pre[next[i]]) {
			t->path[t->n_path++] = next[i];
			return;
		}
		t->low[w] = lower(t->low[w], t->low[next[i]]);
	}
	t->n_path--;
	if (t->low[w] == t->pre[w])
		close_component(v, t, w, self);
}

static FALLIBLE find_components(struct kverifier *v, struct tarjan *t)
{
	uint32_t n = v->p->n_insns;

	t->pre = KSCRATCH(v, uint32_t, n);
	t->low = KSCRATCH(v, uint32_t, n);
	t->stack = KSCRATCH(v, uint32_t, n);
	t->path = KSCRATCH(v, uint32_t, n + 1);
	KNEED(v, t->pre && t->low && t->stack && t->path);
	for (uint32_t i = 0; i < n; i++) {
		if (t->pre[i] || v->p->insns[i].sem == ISA_PAD)
			continue;
		t->path[t->n_path++] = i;
		while (t->n_path)
			step(v, t, t->path[t->n_path - 1]);
	}
	kscratch_done(v);
	return E_OK;
}

FALLIBLE kscc_compute(struct kverifier *v)
{
	struct tarjan t = { .next_pre = 1, .next_component = 1 };

	TRY(klive_begin(v));
	if (!khas(v, KERNEL_LOOP_SCC))
		return E_OK;
	if (v->goes_back)
		TRY(find_components(v, &t));
	v->loops = ARENA_NEW(v->arena, struct kloops);
	KNEED(v, v->loops);
	v->loops->n_components = t.next_component;
	v->loops->visits = ARENA_ARRAY(v->arena, struct loop_visit *, t.next_component);
	KNEED(v, v->loops->visits);
	return E_OK;
}
