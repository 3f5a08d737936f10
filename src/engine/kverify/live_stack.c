/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_stack: stack slots that may be read later, from what paths were seen to read and write (Linux 6.18).
 *
 * For each chain of calls and each instruction of the function it leads to: slots that it may read (of any path: a
 * union) and slots that it surely writes whole (of all paths: an intersection), in the frames of the chain. From these
 * the usual equations are solved when a path or a call ends: live before = live after, without what is written, with
 * what is read. A callee's part that concerns its callers' frames becomes that of the call. A query is answered for
 * states all of whose paths have ended, when all that they may read has been seen. Linux: kernel/bpf/liveness.c, v6.18.
 */
#include "engine/kverify/prune.h"

struct masks {
	uint64_t may_read, must_write, must_write_on,
		live; /* on: here or on all ways from here to the function's end */
};

/* Most instructions of a large program touch no stack, and nothing is alive at them: there are masks where there is
 * one. */
enum { CHUNK = 32 };
struct chunk {
	struct masks m[CHUNK];
};

/* A function at the end of a chain of calls. */
struct instance {
	struct instance *next;
	uint32_t calls[KFRAMES_MAX],
		starts[KFRAMES_MAX]; /* of frames 0 .. depth: call of the next frame; first instruction */
	uint32_t depth, subprog;
	bool changed, dropped;              /* since it was solved; some must_write became smaller */
	bool *write_seen;                   /* per instruction: must_write has been set at all */
	struct chunk **frames[KFRAMES_MAX]; /* of CHUNK instructions each; NULL: nothing known */
};

enum { BUCKETS = 256 };
struct kmasks {
	struct instance *by_chain[BUCKETS];
	struct instance *cur;    /* of the state at work; NULL: to be looked up */
	struct instance *writer; /* whose instruction at work writes ... */
	uint64_t written[KFRAMES_MAX];
	uint32_t write_insn;
	struct instance *asked[KFRAMES_MAX]; /* kmasks_query: by frame */
	uint32_t asked_frame, asked_insn;
};

FALLIBLE kmasks_init(struct kverifier *v)
{
	v->live->masks = ARENA_NEW(v->arena, struct kmasks);
	KNEED(v, v->live->masks);
	return E_OK;
}

static uint32_t size_of(const struct kverifier *v, const struct instance *n)
{
	return v->subprogs[n->subprog].end - v->subprogs[n->subprog].start;
}

static const struct masks *at(const struct kverifier *v, const struct instance *n, uint32_t frame, uint32_t insn)
{
	static const struct masks nothing;
	uint32_t i = insn - v->subprogs[n->subprog].start;
	const struct chunk *c = n->frames[frame] ? n->frames[frame][i / CHUNK] : NULL;

	return c ? &c->m[i % CHUNK] : &nothing;
}

static struct masks *make(struct kverifier *v, struct instance *n, uint32_t frame, uint32_t insn)
{
	uint32_t i = insn - v->subprogs[n->subprog].start;
	struct chunk **c;

	if (!n->frames[frame])
		n->frames[frame] = ARENA_ARRAY(v->arena, struct chunk *, size_of(v, n) / CHUNK + 1);
	if (!n->frames[frame])
		return NULL;
	c = &n->frames[frame][i / CHUNK];
	if (!*c)
		*c = ARENA_NEW(v->arena, struct chunk);
	return *c ? &(*c)->m[i % CHUNK] : NULL;
}

static uint32_t hash(const struct instance *key)
{
	uint32_t h = key->depth;

	for (uint32_t f = 0; f <= key->depth; f++)
		h = (h ^ key->calls[f] ^ key->starts[f] << 7) * UINT32_C(0x9e3779b1);
	return h >> 24;
}

static struct instance *lookup(struct kverifier *v, const struct instance *key)
{
	struct instance **head = &v->live->masks->by_chain[hash(key)], *n;

	for (n = *head; n; n = n->next)
		if (n->depth == key->depth && !memcmp(n->calls, key->calls, sizeof n->calls) &&
		    !memcmp(n->starts, key->starts, sizeof n->starts))
			return n;
	n = ARENA_NEW(v->arena, struct instance);
	if (!n)
		return NULL;
	*n = *key;
	n->next = *head;
	n->write_seen = ARENA_ARRAY(v->arena, bool, size_of(v, n));
	if (!n->write_seen)
		return NULL;
	*head = n;
	return n;
}

static struct instance *instance_of(struct kverifier *v, const struct kverify_state *s, uint32_t frame)
{
	struct instance key = { .depth = frame, .subprog = s->frame[frame]->subprog };

	for (uint32_t f = 0; f <= frame; f++) {
		key.starts[f] = v->subprogs[s->frame[f]->subprog].start;
		if (f < frame)
			key.calls[f] = (uint32_t)s->frame[f + 1]->callsite;
	}
	return lookup(v, &key);
}

static struct instance *caller_of(struct kverifier *v, const struct instance *n)
{
	struct instance key = { .depth = n->depth - 1, .subprog = kcfg_subprog_of(v, n->starts[n->depth - 1]) };

	memcpy(key.starts, n->starts, n->depth * sizeof *n->starts);
	memcpy(key.calls, n->calls, (n->depth - 1) * sizeof *n->calls);
	return lookup(v, &key);
}

/* ---- what the instruction at work does ---- */

static FALLIBLE need_cur(struct kverifier *v)
{
	struct kmasks *m = v->live->masks;

	if (!m->cur)
		m->cur = instance_of(v, &v->cur, v->cur.cur);
	KNEED(v, m->cur);
	return E_OK;
}

static FALLIBLE note_read(struct kverifier *v, struct instance *n, uint32_t frame, uint32_t insn, uint64_t slots)
{
	struct masks *m = make(v, n, frame, insn);

	KNEED(v, m);
	if (!(slots & ~m->may_read))
		return E_OK;
	m->may_read |= slots;
	if (m->may_read & ~m->live)
		n->changed = true;
	return E_OK;
}

FALLIBLE kmasks_read(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	TRY(need_cur(v));
	return note_read(v, v->live->masks->cur, frame, v->cur.insn, UINT64_C(1) << spi);
}

void kmasks_written(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	v->live->masks->written[frame] |= UINT64_C(1) << spi;
}

static bool may_write(const struct isa_insn *in)
{
	return in->sem == ISA_ST || in->sem == ISA_STX || in->sem == ISA_ATOMIC || in->sem == ISA_STORE_REL ||
	       in->sem == ISA_CALL;
}

static void begin_write(struct kmasks *m, struct instance *n, uint32_t insn)
{
	m->writer = n;
	m->write_insn = insn;
	memset(m->written, 0, sizeof m->written);
}

/* The first time it is what was written, then no more than that. */
static FALLIBLE commit_write(struct kverifier *v)
{
	struct kmasks *m = v->live->masks;
	struct instance *n = m->writer;
	bool *seen;

	if (!n)
		return E_OK;
	m->writer = NULL;
	seen = &n->write_seen[m->write_insn - v->subprogs[n->subprog].start];
	for (uint32_t f = 0; f <= n->depth; f++) {
		uint64_t slots = m->written[f];
		struct masks *at_insn;

		if (!slots && (!*seen || !n->frames[f]))
			continue;
		at_insn = make(v, n, f, m->write_insn);
		KNEED(v, at_insn);
		if (*seen)
			slots &= at_insn->must_write;
		if (slots == at_insn->must_write)
			continue;
		n->dropped |= (at_insn->must_write & ~slots) != 0;
		n->changed = true;
		at_insn->must_write = slots;
	}
	*seen = true;
	return E_OK;
}

FALLIBLE kmasks_step_begin(struct kverifier *v)
{
	const struct isa_insn *in = &v->p->insns[v->cur.insn];

	if (in->sem == ISA_EXIT && v->cur.cur)
		return kmasks_solve(v);
	if (!may_write(in))
		return E_OK;
	TRY(need_cur(v));
	begin_write(v->live->masks, v->live->masks->cur, v->cur.insn);
	return E_OK;
}

FALLIBLE kmasks_step_end(struct kverifier *v)
{
	const struct isa_insn *in = &v->p->insns[v->at];

	if (in->sem == ISA_CALL || in->sem == ISA_EXIT)
		v->live->masks->cur = NULL;
	return may_write(in) ? commit_write(v) : E_OK;
}

/* ---- equations ---- */

/* What is surely written on the way to its end only a caller asks of a function. */
static FALLIBLE solve_insn(struct kverifier *v, struct instance *n, uint32_t frame, uint32_t insn, bool *changed)
{
	const struct masks *m = at(v, n, frame, insn);
	uint64_t after = 0, on = UINT64_MAX, live;
	struct masks *now;
	uint32_t next[2];
	unsigned k = kflow_next(v, insn, next);

	if (!k)
		return E_OK;
	while (k--) {
		const struct masks *to = at(v, n, frame, next[k]);

		after |= to->live;
		on &= to->must_write_on;
	}
	on = n->depth ? on | m->must_write : 0;
	live = (after & ~m->must_write) | m->may_read;
	if (live == m->live && on == m->must_write_on)
		return E_OK;
	*changed = true;
	now = make(v, n, frame, insn);
	KNEED(v, now);
	now->live = live;
	now->must_write_on = on;
	return E_OK;
}

/* Forget what is surely written further on: some instruction writes less than it was thought to. */
static void drop_on(const struct kverifier *v, struct instance *n, uint32_t frame)
{
	for (uint32_t i = 0; i < size_of(v, n) / CHUNK + 1; i++)
		for (uint32_t k = 0; n->frames[frame][i] && k < CHUNK; k++)
			n->frames[frame][i]->m[k].must_write_on = 0;
}

static FALLIBLE tell_caller(struct kverifier *v, struct instance *n)
{
	struct kmasks *m = v->live->masks;
	struct instance *up = caller_of(v, n);
	uint32_t call = n->calls[n->depth - 1];

	KNEED(v, up);
	begin_write(m, up, call);
	for (uint32_t f = 0; f < n->depth; f++) {
		const struct masks *entry = at(v, n, f, n->starts[n->depth]);

		if (!n->frames[f])
			continue;
		m->written[f] |= entry->must_write_on;
		TRY(note_read(v, up, f, call, entry->live));
	}
	return commit_write(v);
}

static FALLIBLE solve(struct kverifier *v, struct instance *n)
{
	const struct kflow *flow = &v->live->flow;

	for (uint32_t f = 0; f <= n->depth; f++) {
		if (!n->frames[f])
			continue;
		if (n->dropped)
			drop_on(v, n, f);
		for (bool more = true; more; more = more && v->goes_back) {
			more = false;
			for (uint32_t k = flow->first[n->subprog]; k < flow->first[n->subprog + 1]; k++)
				TRY(solve_insn(v, n, f, flow->order[k], &more));
		}
	}
	n->changed = n->dropped = false;
	return n->depth ? tell_caller(v, n) : E_OK;
}

/* The path at work, or its innermost call, ends. Linux: bpf_update_live_stack */
FALLIBLE kmasks_solve(struct kverifier *v)
{
	v->live->masks->cur = NULL;
	for (int64_t f = v->cur.cur; f >= 0; f--) {
		struct instance *n = instance_of(v, &v->cur, (uint32_t)f);

		KNEED(v, n);
		if (n->changed)
			TRY(solve(v, n));
	}
	return E_OK;
}

/* ---- queries ---- */

void kmasks_query(struct kverifier *v, const struct kverify_state *s)
{
	struct kmasks *m = v->live->masks;

	for (uint32_t f = 0; f <= s->cur; f++)
		m->asked[f] = instance_of(v, s, f);
	m->asked_frame = s->cur;
	m->asked_insn = s->insn;
}

static bool live_at(const struct kverifier *v, const struct instance *n, uint32_t insn, uint32_t frame, uint32_t spi)
{
	return at(v, n, frame, insn)->live >> spi & 1;
}

/* In the innermost function, or in a caller of it from the call on. No memory for an answer: alive. */
bool kmasks_alive(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	const struct kmasks *m = v->live->masks;
	const struct instance *n = m->asked[m->asked_frame];

	if (!n || live_at(v, n, m->asked_insn, frame, spi))
		return true;
	for (uint32_t f = frame; f < m->asked_frame; f++) {
		uint32_t call = n->calls[f];

		if (!m->asked[f] || live_at(v, m->asked[f], v->aux[call].calls_callback ? call : call + 1, frame, spi))
			return true;
	}
	return false;
}
