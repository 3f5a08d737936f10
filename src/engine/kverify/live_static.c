/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_static: which halves of stack slots may be read later, before any path is followed (Linux 7.2).
 *
 * Each function is looked at once on its own, and again for each call that gives it addresses of its callers' frames.
 * live_track.c says where addresses go; from that come, per instruction and frame, halves that it may read and halves
 * that it surely writes, and from those, backwards, what may be read at it or later. What a callee may read of its
 * callers' frames the call may read. Linux: kernel/bpf/liveness.c:bpf_compute_subprog_arg_access, v7.2.
 */
#include "engine/kverify/static.h"

enum { HALF_BYTES = 4 };

static const struct halves every = { { UINT64_MAX, UINT64_MAX } };

static struct halves both(struct halves a, struct halves b)
{
	return (struct halves){ { a.v[0] | b.v[0], a.v[1] | b.v[1] } };
}

static struct halves range(int64_t low, int64_t high)
{
	struct halves h = { { 0, 0 } };

	for (int64_t i = low; i <= high && i < HALVES; i++)
		h.v[i / 64] |= UINT64_C(1) << i % 64;
	return h;
}

/* ---- instances ---- */

static struct sinstance *find(const struct kstatic *a, uint32_t callsite, uint32_t depth)
{
	struct sinstance *n = a->by_call[(callsite * 31 + depth) % SBUCKETS];

	while (n && (n->callsite != callsite || n->depth != depth))
		n = n->next;
	return n;
}

static struct sinstance *instance(struct kverifier *v, uint32_t callsite, uint32_t depth, uint32_t subprog)
{
	struct kstatic *a = v->live->ahead;
	struct sinstance *n = find(a, callsite, depth), **head = &a->by_call[(callsite * 31 + depth) % SBUCKETS];

	if (n)
		return n;
	n = ARENA_NEW(v->arena, struct sinstance);
	if (!n)
		return NULL;
	*n = (struct sinstance){ .next = *head, .callsite = callsite, .depth = depth, .subprog = subprog };
	*head = n;
	return n;
}

static uint32_t size_of(const struct kverifier *v, const struct sinstance *n)
{
	return v->subprogs[n->subprog].end - v->subprogs[n->subprog].start;
}

static struct smasks *at(const struct kverifier *v, const struct sinstance *n, uint32_t frame, uint32_t insn)
{
	return n->frames[frame] ? &n->frames[frame][insn - v->subprogs[n->subprog].start] : NULL;
}

static FALLIBLE make(struct kverifier *v, struct sinstance *n, uint32_t frame, uint32_t insn, struct smasks **out)
{
	size_t bytes = size_of(v, n) * sizeof(struct smasks);

	if (!n->frames[frame]) {
		n->frames[frame] = kpool_alloc(v, bytes);
		KNEED(v, n->frames[frame]);
		memset(n->frames[frame], 0, bytes);
	}
	*out = at(v, n, frame, insn);
	return E_OK;
}

/* ---- what an instruction reads and writes ---- */

static FALLIBLE reads(struct kverifier *v, struct sinstance *n, uint32_t frame, uint32_t insn, struct halves h)
{
	struct smasks *m;

	TRY(make(v, n, frame, insn, &m));
	m->may_read = both(m->may_read, h);
	return E_OK;
}

static FALLIBLE writes(struct kverifier *v, struct sinstance *n, uint32_t frame, uint32_t insn, struct halves h)
{
	struct smasks *m;

	TRY(make(v, n, frame, insn, &m));
	m->must_write = both(m->must_write, h);
	return E_OK;
}

static int64_t at_least_0(int64_t n)
{
	return n < 0 ? 0 : n;
}

/* Reads touch halves, writes count when they cover one. Offsets of 0 and above are the walk's to refuse. */
static FALLIBLE access_at(struct kverifier *v, struct sinstance *n, int64_t off, int64_t bytes, uint32_t frame,
			  uint32_t insn)
{
	int64_t low, high;

	if (off >= 0)
		return E_OK;
	high = (-off - 1) / HALF_BYTES;
	if (bytes == KACCESS_UNKNOWN)
		return reads(v, n, frame, insn, range(0, high));
	if (bytes > 0)
		return reads(v, n, frame, insn, range(at_least_0((-off - bytes) / HALF_BYTES), high));
	high = -off / HALF_BYTES - 1;
	low = at_least_0((-off + bytes + HALF_BYTES - 1) / HALF_BYTES);
	return low <= high ? writes(v, n, frame, insn, range(low, high)) : E_OK;
}

static FALLIBLE access_by(struct kverifier *v, struct sinstance *n, const struct track *t, int64_t bytes, uint32_t insn)
{
	bool read = bytes > 0 || bytes == KACCESS_UNKNOWN;

	if (!bytes)
		return E_OK;
	if (t->frame == TRACK_IMPRECISE) {
		for (uint32_t f = 0; f <= n->depth; f++)
			if (t->mask >> f & 1)
				TRY(reads(v, n, f, insn, every));
		return E_OK;
	}
	if (t->frame < 0 || t->frame > (int8_t)n->depth)
		return E_OK;
	if (!t->n)
		return read ? reads(v, n, (uint32_t)t->frame, insn, every) : E_OK;
	if (!read && t->n != 1)
		return E_OK;
	for (int i = 0; i < t->n; i++)
		TRY(access_at(v, n, t->off[i], bytes, (uint32_t)t->frame, insn));
	return E_OK;
}

static FALLIBLE load_store(struct kverifier *v, struct sinstance *n, const struct track_row *r, uint32_t insn)
{
	const struct isa_insn *in = &v->p->insns[insn];
	bool load = in->sem == ISA_LDX || in->sem == ISA_LDXS || in->sem == ISA_LOAD_ACQ;
	bool store = in->sem == ISA_ST || in->sem == ISA_STX || in->sem == ISA_STORE_REL;
	int64_t bytes = in->width / 8;
	struct track t;

	if (!load && !store && in->sem != ISA_ATOMIC)
		return E_OK;
	t = r->r[load ? in->src : in->dst];
	for (int i = 0; t.frame >= 0 && i < t.n; i++) {
		if (in->off != (int16_t)in->off || __builtin_add_overflow(t.off[i], (int16_t)in->off, &t.off[i])) {
			t.n = 0;
			break;
		}
	}
	return access_by(v, n, &t, store ? -bytes : bytes, insn);
}

static FALLIBLE call_args(struct kverifier *v, struct sinstance *n, const struct track_row *r, uint32_t insn)
{
	unsigned args;

	if (v->p->insns[insn].sem != ISA_CALL || v->p->insns[insn].aux == ISA_CALL_LOCAL)
		return E_OK;
	args = kaccess_n_args(v, insn);
	for (unsigned a = 0; a < args; a++)
		if (track_is_address(&r->r[a + 1]))
			TRY(access_by(v, n, &r->r[a + 1], kaccess_of_arg(v, insn, a), insn));
	return E_OK;
}

static bool is_call_local(const struct kverifier *v, uint32_t insn)
{
	return v->p->insns[insn].sem == ISA_CALL && v->p->insns[insn].aux == ISA_CALL_LOCAL;
}

/* Once addresses have settled. Stacks at calls are kept: callees load from them. */
static FALLIBLE record(struct kverifier *v, struct sinstance *n)
{
	struct kstatic *a = v->live->ahead;
	const struct kflow *f = &v->live->flow;
	uint32_t start = v->subprogs[n->subprog].start;

	for (uint32_t k = f->first[n->subprog + 1]; k-- > f->first[n->subprog];) {
		uint32_t i = f->order[k];
		const struct track_row *r = &a->rows[n->subprog][i - start];

		TRY(load_store(v, n, r, i));
		TRY(call_args(v, n, r, i));
		if (!is_call_local(v, i) && !v->aux[i].calls_callback)
			continue;
		if (!a->at_call[i])
			a->at_call[i] = KSCRATCH(v, struct track_stack, 1);
		KNEED(v, a->at_call[i]);
		*a->at_call[i] = a->stacks[i - start] ? *a->stacks[i - start] : a->empty;
	}
	return E_OK;
}

/* ---- equations ---- */

static bool solve_insn(const struct kverifier *v, struct sinstance *n, uint32_t frame, uint32_t insn)
{
	struct smasks *m = at(v, n, frame, insn);
	struct halves live = { { 0, 0 } };
	uint32_t next[2];
	unsigned k = kflow_next(v, insn, next);
	bool changed;

	if (!k)
		return false;
	while (k--)
		live = both(live, at(v, n, frame, next[k])->live);
	for (int w = 0; w < 2; w++)
		live.v[w] = (live.v[w] & ~m->must_write.v[w]) | m->may_read.v[w];
	changed = memcmp(&live, &m->live, sizeof live) != 0;
	m->live = live;
	return changed;
}

static void solve(struct kverifier *v, struct sinstance *n)
{
	const struct kflow *f = &v->live->flow;

	n->merged = true;
	for (uint32_t fr = 0; fr <= n->depth; fr++)
		for (bool more = n->frames[fr] != NULL; more;) {
			more = false;
			for (uint32_t k = f->first[n->subprog]; k < f->first[n->subprog + 1]; k++)
				more |= solve_insn(v, n, fr, f->order[k]);
		}
}

/* ---- functions ---- */

static void merge_frame(struct kverifier *v, struct sinstance *to, struct sinstance *from, uint32_t f)
{
	struct smasks *a, *b = from->frames[f];
	bool taken = !to->frames[f];

	if (taken) {
		to->frames[f] = b;
		from->frames[f] = NULL;
	}
	a = to->frames[f];
	for (uint32_t i = 0; a && i < size_of(v, to); i++)
		for (int w = 0; w < 2; w++) {
			a[i].may_read.v[w] |= b ? b[i].may_read.v[w] : 0;
			a[i].must_write.v[w] &= b && !taken ? b[i].must_write.v[w] : 0;
		}
	kpool_free(v, from->frames[f], size_of(v, from) * sizeof *b);
}

static FALLIBLE analyse(struct kverifier *v, struct sinstance *n, const struct track *args);

/* A call that may give its callee addresses: what that may read of the frames here. */
static FALLIBLE follow_call(struct kverifier *v, struct sinstance *n, uint32_t insn, int callee,
			    const struct track *args)
{
	struct sinstance *c;
	bool any = false;

	for (unsigned r = 1; r <= 5; r++)
		any |= track_is_address(&args[r]);
	if (!any)
		return E_OK;
	if (n->depth + 1 >= v->k->limits.frames)
		KREJECT(v, FRAMES, "the call stack of %u frames is too deep !", v->k->limits.frames);
	c = instance(v, insn, n->depth + 1, (uint32_t)callee);
	KNEED(v, c);
	v->live->ahead->calls[n->depth] = insn;
	TRY(analyse(v, c, args));
	for (uint32_t f = 0; f < c->depth; f++) {
		const struct smasks *entry = at(v, c, f, v->subprogs[c->subprog].start);

		if (entry)
			TRY(reads(v, n, f, insn, entry->live));
	}
	return E_OK;
}

static FALLIBLE follow_callback(struct kverifier *v, struct sinstance *n, uint32_t insn, const struct track_row *r)
{
	struct track args[ISA_N_REGS];
	unsigned from = 0, to = 0;
	int callee = kaccess_callback(v, insn, &from, &to);

	if (callee == -2 && r->r[from].frame != TRACK_NONE)
		for (uint32_t f = 0; f <= n->depth; f++)
			TRY(reads(v, n, f, insn, every));
	if (callee < 0)
		return E_OK;
	for (unsigned k = 0; k < ISA_N_REGS; k++)
		args[k] = (struct track){ .frame = TRACK_NONE };
	args[to] = r->r[from];
	return follow_call(v, n, insn, callee, args);
}

static FALLIBLE follow_calls(struct kverifier *v, struct sinstance *n)
{
	const struct kflow *f = &v->live->flow;
	uint32_t start = v->subprogs[n->subprog].start;

	for (uint32_t k = f->first[n->subprog]; k < f->first[n->subprog + 1]; k++) {
		uint32_t i = f->order[k];
		const struct track_row *r = &v->live->ahead->rows[n->subprog][i - start];

		if (is_call_local(v, i)) {
			int callee = kcfg_subprog_at(v, (uint32_t)((int64_t)i + 1 + v->p->insns[i].imm));

			if (callee >= 0)
				TRY(follow_call(v, n, i, callee, r->r));
		} else if (v->aux[i].calls_callback) {
			TRY(follow_callback(v, n, i, r));
		}
	}
	return E_OK;
}

static FALLIBLE analyse(struct kverifier *v, struct sinstance *n, const struct track *args)
{
	struct sinstance apart = { .callsite = n->callsite, .depth = n->depth, .subprog = n->subprog };
	struct sinstance *to = n->merged ? &apart : n;

	if (++v->live->ahead->n_analyses > ANALYSES_MAX)
		KREJECT(v, LIVENESS_TOO_COMPLEX, "liveness analysis exceeded complexity limit (%u calls)",
			v->live->ahead->n_analyses);
	TRY(ktrack_subprog(v, to, args));
	TRY(record(v, to));
	TRY(follow_calls(v, to));
	for (uint32_t f = 0; to != n && f <= n->depth; f++)
		merge_frame(v, n, to, f);
	solve(v, n);
	return E_OK;
}

/* ---- all functions, callers before callees ---- */

struct topo {
	uint8_t *seen; /* 1: on the path, 2: done */
	uint32_t *order, n;
};

/* Depth is bounded by the number of functions, and recursion of the program is refused elsewhere. */
static bool callee_left(const struct kverifier *v, const struct topo *t, uint32_t s, uint32_t *out)
{
	const struct kflow *f = &v->live->flow;

	for (uint32_t k = f->first[s]; k < f->first[s + 1]; k++) {
		const struct isa_insn *in = &v->p->insns[f->order[k]];
		int to;

		if (!is_call_local(v, f->order[k]) && !(in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC))
			continue;
		to = kcfg_subprog_at(v, (uint32_t)((int64_t)f->order[k] + 1 + in->imm));
		if (to >= 0 && !t->seen[to]) {
			*out = (uint32_t)to;
			return true;
		}
	}
	return false;
}

static FALLIBLE sort_subprogs(struct kverifier *v, struct topo *t)
{
	uint32_t *stack = KSCRATCH(v, uint32_t, v->n_subprogs), n = 0, to;

	t->seen = KSCRATCH(v, uint8_t, v->n_subprogs);
	t->order = KSCRATCH(v, uint32_t, v->n_subprogs);
	KNEED(v, stack && t->seen && t->order);
	for (uint32_t s = 0; s < v->n_subprogs; s++) {
		if (t->seen[s])
			continue;
		t->seen[s] = 1;
		stack[n++] = s;
		while (n) {
			if (callee_left(v, t, stack[n - 1], &to)) {
				t->seen[to] = 1;
				stack[n++] = to;
			} else {
				t->order[t->n++] = stack[--n];
			}
		}
	}
	return E_OK;
}

static uint32_t longest(const struct kverifier *v)
{
	uint32_t most = 0;

	for (uint32_t s = 0; s < v->n_subprogs; s++)
		if (v->subprogs[s].end - v->subprogs[s].start > most)
			most = v->subprogs[s].end - v->subprogs[s].start;
	return most;
}

FALLIBLE kstatic_compute(struct kverifier *v)
{
	struct kstatic *a = ARENA_NEW(v->arena, struct kstatic);
	struct topo t = { 0 };

	KNEED(v, a);
	v->live->ahead = a;
	a->rows = KSCRATCH(v, struct track_row *, v->n_subprogs);
	a->stacks = KSCRATCH(v, const struct track_stack *, longest(v));
	ktrack_empty(&a->empty);
	a->at_call = KSCRATCH(v, struct track_stack *, v->p->n_insns);
	KNEED(v, a->rows && a->stacks && a->at_call);
	TRY(sort_subprogs(v, &t));
	for (uint32_t k = t.n; k--;) {
		uint32_t s = t.order[k];
		struct sinstance *n;

		if (a->rows[s] && !v->subprogs[s].global)
			continue;
		n = instance(v, v->subprogs[s].start, 0, s);
		KNEED(v, n);
		TRY(analyse(v, n, NULL));
	}
	kscratch_done(v);
	a->rows = NULL;
	a->stacks = NULL;
	a->at_call = NULL;
	a->used = a->unused = NULL;
	return E_OK;
}

/* ---- queries ---- */

/* A chain that was not followed because no addresses were passed: as if it began further in. */
static struct sinstance *instance_for(const struct kverifier *v, const struct kverify_state *s, uint32_t frame)
{
	uint32_t start = v->subprogs[s->frame[frame]->subprog].start;

	for (uint32_t depth = frame;; depth--) {
		struct sinstance *n = find(v->live->ahead, depth ? (uint32_t)s->frame[frame]->callsite : start, depth);

		if (n || !depth)
			return n;
	}
}

void kstatic_query(struct kverifier *v, const struct kverify_state *s)
{
	struct kstatic *a = v->live->ahead;

	for (uint32_t f = 0; f <= s->cur; f++) {
		a->asked[f] = instance_for(v, s, f);
		if (f < s->cur)
			a->asked_calls[f] = (uint32_t)s->frame[f + 1]->callsite;
	}
	a->asked_frame = s->cur;
	a->asked_insn = s->insn;
}

static bool live_at(const struct kverifier *v, const struct sinstance *n, uint32_t insn, int64_t frame, uint32_t half)
{
	const struct smasks *m = at(v, n, (uint32_t)frame, insn);

	return m && m->live.v[half / 64] >> half % 64 & 1;
}

bool kstatic_alive(struct kverifier *v, uint32_t frame, uint32_t half)
{
	const struct kstatic *a = v->live->ahead;
	const struct sinstance *n = a->asked[a->asked_frame];
	int64_t rel;

	if (!n)
		return true;
	rel = (int64_t)frame + n->depth - a->asked_frame;
	if (rel >= 0 && rel <= n->depth && live_at(v, n, a->asked_insn, rel, half))
		return true;
	for (uint32_t f = frame; f < a->asked_frame; f++) {
		uint32_t call = a->asked_calls[f];

		n = a->asked[f];
		if (!n)
			return true;
		rel = (int64_t)frame + n->depth - f;
		if (rel < 0 || rel > n->depth)
			return true;
		if (live_at(v, n, v->aux[call].calls_callback ? call : call + 1, rel, half))
			return true;
	}
	return false;
}
