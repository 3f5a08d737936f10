/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

void watch_init(struct watch *w)
{
	*w = (struct watch){ 0 };
	arena_init(&w->arena, 256 << 20);
}

void watch_done(struct watch *w)
{
	arena_done(&w->arena);
}

void watch_observe(void *user, const struct state *s)
{
	struct watch *w = user;
	void *mem = w->n < WATCH_STATES_MAX ? arena_alloc(&w->arena, snap_size(s)) : NULL;
	struct watch_state *e = mem ? ARENA_NEW(&w->arena, struct watch_state) : NULL;

	if (!e || s->insn >= GEN_MAX) {
		w->overflow = true;
		return;
	}
	w->n++;
	*e = (struct watch_state){ .next = w->at[s->insn], .snap = snap_fill(s, mem) };
	w->at[s->insn] = e;
}

static bool is_null(struct val v)
{
	return v.kind == VAL_NUMBER && !v.n;
}

static bool val_fits(const struct reg *r, struct val v)
{
	switch ((enum reg_type)r->type) {
	case REG_SCALAR:
		return v.kind == VAL_NUMBER && scalar_has(&r->s, v.n);
	case REG_CTX:
		return v.kind == VAL_CTX && scalar_has(&r->s, v.n);
	case REG_STACK:
		return v.kind == VAL_STACK && v.frame == r->frame && scalar_has(&r->s, v.n);
	case REG_VALUE_OR_NULL:
		if (is_null(v))
			return true;
		__attribute__((fallthrough));
	case REG_VALUE:
		return v.kind == VAL_VALUE && v.map == r->map && v.inner == r->inner && scalar_has(&r->s, v.n) &&
		       (!r->direct || !v.object);
	case REG_KEY:
		return v.kind == VAL_KEY && v.map == r->map && scalar_has(&r->s, v.n);
	case REG_RECORD_OR_NULL:
		if (is_null(v))
			return true;
		__attribute__((fallthrough));
	case REG_RECORD:
		return v.kind == VAL_RECORD && scalar_has(&r->s, v.n);
	case REG_MAP_OR_NULL:
		if (is_null(v))
			return true;
		__attribute__((fallthrough));
	case REG_MAP:
		return v.kind == VAL_MAP && v.map == r->map && v.inner == r->inner;
	case REG_FUNC:
		return v.kind == VAL_FUNC && v.map == r->map;
	case REG_HANDLE_OR_NULL:
		return is_null(v) || v.kind == VAL_HANDLE;
	case REG_HANDLE:
		return v.kind == VAL_HANDLE;
	default:
		return false;
	}
}

/* Registers of one id hold the same number, point into the same object, or are all null. */
struct links {
	uint32_t id[1024];
	struct val v[1024];
	uint32_t n;
};

static bool link_fits(struct links *l, const struct reg *r, struct val v)
{
	if (!r->id)
		return true;
	if (r->type != REG_SCALAR && !is_null(v))
		v.n = 0;
	for (uint32_t i = 0; i < l->n; i++)
		if (l->id[i] == r->id)
			return l->v[i].kind == v.kind && l->v[i].n == v.n && l->v[i].map == v.map &&
			       l->v[i].object == v.object;
	if (l->n < countof(l->id)) {
		l->id[l->n] = r->id;
		l->v[l->n++] = v;
	}
	return true;
}

static bool slot_fits(const struct snap_slot *s, const struct reg *spill, const struct machine_frame *f,
		      struct links *l)
{
	uint32_t low = MACHINE_STACK - (s->index + 1) * 8;
	struct val v = { .kind = VAL_NUMBER };

	if (spill) {
		if (f->state[low] == MEM_SAVED)
			v = f->saved[low / 8];
		else
			memcpy(&v.n, f->byte + low, 8);
		for (int b = 0; b < 8; b++)
			if (f->state[low + (uint32_t)b] == MEM_NONE)
				return false;
		return val_fits(spill, v) && link_fits(l, spill, v);
	}
	for (uint32_t b = 0; b < 8; b++) {
		if (s->byte[b] == BYTE_NONE)
			continue;
		if (f->state[low + b] != MEM_DATA || (s->byte[b] == BYTE_ZERO && f->byte[low + b]))
			return false;
	}
	return true;
}

static bool machine_fits(const struct snap *n, const struct machine *m)
{
	const struct reg *r = n->regs;
	const struct snap_slot *s = n->slots;
	struct links links;

	links.n = 0;
	/* A record that may be null is one to the verifier, and perhaps none. */
	if (n->n_frames != m->n_frames || n->n_refs < m->n_held)
		return false;
	for (uint32_t f = 0; f < n->n_frames; f++) {
		const struct snap_frame *sf = &n->frames[f];

		if (f && sf->call_site != m->frame[f].call_site)
			return false;
		for (unsigned i = 0; i < ISA_N_REGS; i++) {
			if (!(sf->regs >> i & 1))
				continue;
			if (!val_fits(r, m->frame[f].r[i]) || !link_fits(&links, r, m->frame[f].r[i]))
				return false;
			r++;
		}
		for (uint32_t i = 0; i < sf->n_slots; i++, s++) {
			if (!slot_fits(s, s->spill ? r : NULL, &m->frame[f], &links))
				return false;
			r += s->spill;
		}
	}
	return true;
}

bool watch_saw(const struct watch *w, const struct machine *m)
{
	if (w->overflow)
		return true;
	for (const struct watch_state *e = w->at[m->insn]; e; e = e->next)
		if (machine_fits(e->snap, m))
			return true;
	return false;
}

static void count(struct watch_census *c, const struct machine *m)
{
	const struct machine_frame *f = &m->frame[m->n_frames - 1];
	const struct isa_insn *in = &m->p->insns[m->insn];

	c->rows[in->row]++;
	if (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER)
		c->helpers[abi_helper(m->profile, (uint32_t)in->imm) - m->profile->helpers]++;
	if (in->sem == ISA_LDX && f->r[in->src].kind == VAL_STACK)
		c->saved_loads +=
			m->frame[f->r[in->src].frame]
				.state[(f->r[in->src].n + (uint64_t)in->off + MACHINE_STACK) % MACHINE_STACK] ==
			MEM_SAVED;
	c->deep += m->n_frames > 1 && !f->callback;
	c->calls_back += f->callback != 0;
}

const char *watch_run(const struct watch *w, const struct prog *p, const struct abi_ctx *ctx, uint64_t seed,
		      uint32_t *insn)
{
	static struct machine m;

	machine_init(&m, p, &fixture_profile, ctx, seed);
	for (uint32_t i = 0; i < WATCH_STEPS_MAX; i++) {
		*insn = m.insn;
		if (!watch_saw(w, &m))
			return "the verifier did not expect this state";
		if (w->census && m.insn < p->n_insns)
			count(w->census, &m);
		machine_step(&m);
		if (m.fault || m.ended)
			return m.fault;
	}
	return "it does not end";
}
