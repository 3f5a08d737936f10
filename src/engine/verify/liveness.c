/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liveness: which registers and stack slots may still be read after an instruction.
 *
 * What nobody reads is dropped before states are compared, so that they match more often. Two passes over
 * each function, each to a fixed point: forward, what each register can be of the frame's address; backward,
 * what is read. Where an address is not followed (saved to memory, variable offset), every slot is live.
 *
 * Dropped things become REG_DEAD and BYTE_DEAD, and the checks refuse to read those: a mistake here can only
 * reject a good program, never accept a bad one.
 */
#include "engine/verify/verify_internal.h"

/* What a register is of its frame's address: nothing, a constant offset from it, or anything. */
enum { ORIGIN_NONE = INT32_MIN, ORIGIN_ANY = INT32_MAX, ORIGIN_LIMIT = 1 << 20 };

/* Code laid out backwards could need a sweep per instruction: past this many, everything counts as live. */
enum { SWEEPS_MAX = 100 };

struct origins {
	int32_t of[ISA_N_REGS];
	bool reached;
};

struct pass {
	struct verifier *v;
	const struct func *f;
	struct origins *at; /* per slot, before it runs */
	bool saved;         /* an address of the frame was stored: loads may bring it back */
};

#define ALL_SLOTS UINT64_MAX
#define ARG_REGS 0x3eu /* r1..r5 */

static uint32_t bit(unsigned r)
{
	return 1u << r;
}

static int32_t origin_join(int32_t a, int32_t b)
{
	return a == b ? a : ORIGIN_ANY;
}

static int32_t origin_add(int32_t o, int64_t by)
{
	if (o == ORIGIN_NONE || o == ORIGIN_ANY)
		return o;
	if (by < -ORIGIN_LIMIT || by > ORIGIN_LIMIT || o + by < -ORIGIN_LIMIT || o + by > ORIGIN_LIMIT)
		return ORIGIN_ANY;
	return (int32_t)(o + by);
}

static int32_t alu_origin(const struct isa_insn *in, const int32_t *of)
{
	int32_t a = of[in->dst], b = in->form == ISA_FORM_RR ? of[in->src] : ORIGIN_NONE;

	if (in->sem == ISA_MOV)
		return in->width == 64 || b == ORIGIN_NONE ? b : ORIGIN_ANY;
	if (in->sem == ISA_MOVSX)
		a = ORIGIN_NONE;
	if (a == ORIGIN_NONE && b == ORIGIN_NONE)
		return ORIGIN_NONE;
	if (in->form == ISA_FORM_RI && in->width == 64 && in->sem == ISA_ADD)
		return origin_add(a, in->imm);
	if (in->form == ISA_FORM_RI && in->width == 64 && in->sem == ISA_SUB)
		return origin_add(a, -in->imm);
	return ORIGIN_ANY;
}

/* A helper or function may give back what it was given. */
static int32_t result_origin(const int32_t *of)
{
	for (int r = 1; r <= 5; r++)
		if (of[r] != ORIGIN_NONE)
			return ORIGIN_ANY;
	return ORIGIN_NONE;
}

static void note_saved(struct pass *s, int32_t value)
{
	if (value != ORIGIN_NONE)
		s->saved = true;
}

/* Of the program, be it by way of a helper. */
static bool calls_function(const struct verifier *v, const struct isa_insn *in)
{
	return in->sem == ISA_CALLX || (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL) || calls_back(v, in);
}

static void step_origins(struct pass *s, const struct isa_insn *in, int32_t *of)
{
	switch ((enum isa_sem)in->sem) {
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_LOAD_ACQ:
		of[in->dst] = ORIGIN_ANY; /* settled below, when it is known whether an address was saved */
		break;
	case ISA_STX:
	case ISA_STORE_REL:
		note_saved(s, of[in->src]);
		break;
	case ISA_ATOMIC:
		note_saved(s, of[in->src]);
		if (isa_atomic_fetches(in->aux))
			of[in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src] = ORIGIN_ANY;
		break;
	case ISA_IMM64:
		of[in->dst] = ORIGIN_NONE;
		break;
	case ISA_CALL:
	case ISA_CALLX:
		if (calls_function(s->v, in)) /* it may store what it is given where it is told */
			note_saved(s, result_origin(of));
		of[0] = s->saved ? ORIGIN_ANY : result_origin(of);
		for (int r = 1; r <= 5; r++)
			of[r] = ORIGIN_NONE;
		break;
	case ISA_ST:
	case ISA_JA:
	case ISA_EXIT:
	case ISA_PAD:
		break;
	default:
		if (!isa_is_cond_jump(in))
			of[in->dst] = alu_origin(in, of);
	}
}

static bool loads(const struct isa_insn *in, unsigned *dst)
{
	if (in->sem == ISA_LDX || in->sem == ISA_LDXS || in->sem == ISA_LOAD_ACQ) {
		*dst = in->dst;
		return true;
	}
	if (in->sem != ISA_ATOMIC || !isa_atomic_fetches(in->aux))
		return false;
	*dst = in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src;
	return true;
}

static bool merge_origins(struct origins *into, const int32_t *of)
{
	bool changed = !into->reached;

	for (int r = 0; r < ISA_N_REGS; r++) {
		int32_t to = into->reached ? origin_join(into->of[r], of[r]) : of[r];

		changed |= into->reached && to != into->of[r];
		into->of[r] = to;
	}
	into->reached = true;
	return changed;
}

/* One sweep in program order; true when something changed. */
static bool sweep_origins(struct pass *s)
{
	const struct prog *p = s->v->p;
	bool changed = false, saved = s->saved;

	for (uint32_t i = s->f->start; i < s->f->end; i++) {
		int32_t of[ISA_N_REGS];
		uint32_t next[2];
		unsigned n, dst;

		if (!s->at[i].reached)
			continue;
		memcpy(of, s->at[i].of, sizeof of);
		step_origins(s, &p->insns[i], of);
		if (!s->saved && loads(&p->insns[i], &dst))
			of[dst] = ORIGIN_NONE;
		n = cfg_successors(p, i, next);
		for (unsigned k = 0; k < n; k++)
			changed |= merge_origins(&s->at[next[k]], of);
	}
	return changed || saved != s->saved;
}

static void find_origins(struct pass *s)
{
	struct origins *first = &s->at[s->f->start];

	for (int r = 0; r < ISA_N_REGS; r++)
		first->of[r] = ORIGIN_NONE;
	first->of[ISA_FP] = 0;
	first->reached = true;
	for (int i = 0; i < SWEEPS_MAX; i++)
		if (!sweep_origins(s))
			return;
	s->saved = true;
	for (uint32_t i = s->f->start; i < s->f->end; i++) {
		s->at[i].reached = true;
		for (int r = 0; r < ISA_N_REGS; r++)
			s->at[i].of[r] = ORIGIN_ANY;
	}
}

/* The slots that bytes [off, off + n) of the frame lie in. */
static uint64_t slots_of(int64_t off, int64_t n)
{
	uint64_t slots = 0;

	for (int64_t i = 0; i < VERIFY_LIVE_SLOTS; i++) {
		int64_t low = -(i + 1) * SLOT_BYTES;

		if (low < off + n && off < low + SLOT_BYTES)
			slots |= UINT64_C(1) << i;
	}
	return slots;
}

static uint64_t access_slots(int32_t base, const struct isa_insn *in)
{
	if (base == ORIGIN_NONE)
		return 0;
	return base == ORIGIN_ANY ? ALL_SLOTS : slots_of((int64_t)base + in->off, in->width / 8);
}

/* Memory arguments reach upwards from their address. */
static uint64_t args_slots(const int32_t *of, uint32_t regs)
{
	uint64_t slots = 0;

	for (int r = 1; r <= 5; r++) {
		if (!(regs & bit(r)) || of[r] == ORIGIN_NONE)
			continue;
		slots |= of[r] == ORIGIN_ANY || of[r] >= 0 ? ALL_SLOTS : slots_of(of[r], -(int64_t)of[r]);
	}
	return slots;
}

static uint32_t helper_reads(const struct verifier *v, const struct isa_insn *in)
{
	const struct abi_helper *h = in->imm >= 0 ? abi_helper(v->o->profile, (uint32_t)in->imm) : NULL;
	uint32_t regs = 0;

	for (int i = 0; h && i < ABI_MAX_ARGS && h->args[i] != ABI_ARG_NONE; i++)
		regs |= bit(i + 1);
	return regs;
}

static void step_call(const struct pass *s, uint32_t at, struct live *l)
{
	const struct isa_insn *in = &s->v->p->insns[at];
	const int32_t *of = s->at[at].of;
	bool local = in->sem == ISA_CALLX || in->aux == ISA_CALL_LOCAL;
	uint32_t args = local ? ARG_REGS : helper_reads(s->v, in);

	if (!local)
		l->slots |= args_slots(of, args);
	if (calls_function(s->v, in) && (s->saved || result_origin(of) != ORIGIN_NONE))
		l->slots = ALL_SLOTS;
	if (calls_function(s->v, in))
		s->v->call_slots[at] = l->slots;
	l->regs = ((l->regs & ~(bit(0) | ARG_REGS)) | args);
	if (in->sem == ISA_CALLX)
		l->regs |= bit(in->dst);
}

static void step_store(const struct pass *s, uint32_t at, struct live *l)
{
	const struct isa_insn *in = &s->v->p->insns[at];
	int32_t base = s->at[at].of[in->dst];
	bool exact = base != ORIGIN_NONE && base != ORIGIN_ANY;

	if (exact && in->width == 64 && !((base + in->off) % SLOT_BYTES))
		l->slots &= ~access_slots(base, in);
	l->regs |= bit(in->dst);
	if (in->sem != ISA_ST)
		l->regs |= bit(in->src);
}

static void step_alu(const struct isa_insn *in, struct live *l)
{
	if (in->sem == ISA_MOV || in->sem == ISA_MOVSX)
		l->regs &= ~bit(in->dst);
	else
		l->regs |= bit(in->dst);
	if (in->form == ISA_FORM_RR)
		l->regs |= bit(in->src);
}

/* From what is live after the instruction to what is live before it. */
static void step_live(const struct pass *s, uint32_t at, struct live *l)
{
	const struct isa_insn *in = &s->v->p->insns[at];
	const int32_t *of = s->at[at].of;

	switch ((enum isa_sem)in->sem) {
	case ISA_PAD:
	case ISA_JA:
	case ISA_MAY_GOTO:
		return;
	case ISA_EXIT:
		*l = (struct live){ .regs = bit(0) };
		return;
	case ISA_IMM64:
		l->regs &= ~bit(in->dst);
		return;
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_LOAD_ACQ:
		l->regs = ((l->regs & ~bit(in->dst)) | bit(in->src));
		l->slots |= access_slots(of[in->src], in);
		return;
	case ISA_ST:
	case ISA_STX:
	case ISA_STORE_REL:
		step_store(s, at, l);
		return;
	case ISA_ATOMIC:
		l->regs |= bit(in->dst) | bit(in->src) | (in->aux == ISA_ATOMIC_CMPXCHG ? bit(0) : 0);
		l->slots |= access_slots(of[in->dst], in);
		return;
	case ISA_CALL:
	case ISA_CALLX:
		step_call(s, at, l);
		return;
	default:
		break;
	}
	if (!isa_is_cond_jump(in)) {
		step_alu(in, l);
		return;
	}
	l->regs |= bit(in->dst);
	if (!isa_b_is_imm(in))
		l->regs |= bit(in->src);
}

static bool sweep_live(const struct pass *s)
{
	const struct prog *p = s->v->p;
	bool changed = false;

	for (uint32_t i = s->f->end; i-- > s->f->start;) {
		struct live l = { 0 };
		uint32_t next[2];
		unsigned n;

		if (!s->at[i].reached)
			continue;
		n = cfg_successors(p, i, next);
		for (unsigned k = 0; k < n; k++) {
			l.regs |= s->v->live[next[k]].regs;
			l.slots |= s->v->live[next[k]].slots;
		}
		step_live(s, i, &l);
		l.regs |= bit(ISA_FP);
		changed |= l.regs != s->v->live[i].regs || l.slots != s->v->live[i].slots;
		s->v->live[i] = l;
	}
	return changed;
}

static void find_live(const struct pass *s)
{
	for (int i = 0; i < SWEEPS_MAX; i++)
		if (!sweep_live(s))
			return;
	for (uint32_t i = s->f->start; i < s->f->end; i++) {
		s->v->live[i] = (struct live){ .slots = ALL_SLOTS, .regs = UINT32_MAX };
		s->v->call_slots[i] = ALL_SLOTS;
	}
}

FALLIBLE liveness_compute(struct verifier *v)
{
	struct pass s = { .v = v };

	v->live = ARENA_ARRAY(v->arena, struct live, v->p->n_insns);
	v->call_slots = ARENA_ARRAY(v->arena, uint64_t, v->p->n_insns);
	s.at = ARENA_ARRAY(v->arena, struct origins, v->p->n_insns);
	NEED(v, v->live && v->call_slots && s.at);
	for (uint32_t i = 0; i < v->n_funcs; i++) {
		s.f = &v->funcs[i];
		s.saved = false;
		find_origins(&s);
		find_live(&s);
	}
	return E_OK;
}

static void clean_frame(struct frame *f, uint32_t regs, uint64_t slots)
{
	for (int r = 0; r < ISA_N_REGS; r++)
		if (!(regs & bit(r)) && reg_is_readable(&f->r[r]))
			f->r[r].type = REG_DEAD;
	for (uint32_t i = 0; i < f->n_slots && i < VERIFY_LIVE_SLOTS; i++) {
		if (slots >> i & 1)
			continue;
		for (int b = 0; b < SLOT_BYTES; b++)
			if (f->slots[i].byte[b] != BYTE_NONE)
				f->slots[i].byte[b] = BYTE_DEAD;
	}
}

void liveness_clean(const struct verifier *v, struct state *s)
{
	const struct live *l = &v->live[s->insn];

	clean_frame(state_frame(s), l->regs, l->slots);
	for (uint32_t f = s->n_frames - 1; f > 0; f--) {
		uint32_t call = s->frames[f].call_site, after = v->live[call + 1].regs & ~(bit(0) | ARG_REGS);

		/* A callback comes back to the call. */
		clean_frame(&s->frames[f - 1], s->frames[f].callback ? v->live[call].regs : after, v->call_slots[call]);
	}
}
