/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_track: which registers and spilled registers hold addresses of which stack frame (Linux 7.2).
 *
 * Forward over the graph of one function. Constant additions keep offsets exact, up to a few of them where ways meet;
 * other arithmetic loses the offset, mixing of frames the frame. Linux: kernel/bpf/liveness.c:arg_track_xfer,
 * arg_track_join, v7.2.
 */
#include "engine/kverify/static.h"

static const struct track none = { .frame = TRACK_NONE };

static struct track of_frame(int8_t frame)
{
	return (struct track){ .frame = frame };
}

static struct track at_offset(int8_t frame, int16_t off)
{
	return (struct track){ .off = { off }, .frame = frame, .n = 1 };
}

static bool equal(const struct track *a, const struct track *b)
{
	if (a->frame != b->frame)
		return false;
	if (a->frame == TRACK_IMPRECISE)
		return a->mask == b->mask;
	if (a->frame < 0)
		return true;
	return a->n == b->n && !memcmp(a->off, b->off, (size_t)a->n * sizeof *a->off);
}

/* Both ascending; too many: the offset is not known. */
static struct track merge(const struct track *a, const struct track *b)
{
	struct track m = of_frame(a->frame);
	int i = 0, j = 0;

	while (i < a->n || j < b->n) {
		bool first = j >= b->n || (i < a->n && a->off[i] <= b->off[j]);
		int16_t off = first ? a->off[i++] : b->off[j++];

		if (m.n && m.off[m.n - 1] == off)
			continue;
		if (m.n == TRACK_OFFS)
			return of_frame(a->frame);
		m.off[m.n++] = off;
	}
	return m;
}

static unsigned frames_of(const struct track *t)
{
	return t->frame >= 0 ? 1u << t->frame : t->frame == TRACK_IMPRECISE ? t->mask : 0;
}

static struct track mix(const struct track *a, const struct track *b)
{
	return (struct track){ .mask = (uint16_t)(frames_of(a) | frames_of(b)), .frame = TRACK_IMPRECISE };
}

/* An address on one way, none on the other: offset 0 is added, so that a store is not taken for certain. */
static struct track maybe(const struct track *t)
{
	struct track zero = at_offset(t->frame, 0);

	return t->n == 1 ? merge(t, &zero) : *t;
}

static struct track join(const struct track *a, const struct track *b)
{
	if (b->frame == TRACK_UNVISITED)
		return *a;
	if (a->frame == TRACK_UNVISITED)
		return *b;
	if (a->frame == b->frame && a->frame >= 0)
		return !a->n || !b->n ? of_frame(a->frame) : merge(a, b);
	if (a->frame == TRACK_NONE && b->frame == TRACK_NONE)
		return *a;
	if (a->frame >= 0 && b->frame == TRACK_NONE)
		return maybe(a);
	if (b->frame >= 0 && a->frame == TRACK_NONE)
		return maybe(b);
	return mix(a, b);
}

static bool join_into(struct track *to, const struct track *from, unsigned n)
{
	bool changed = false;

	for (unsigned i = 0; i < n; i++) {
		struct track t;

		if (equal(&to[i], &from[i]))
			continue;
		t = join(&to[i], &from[i]);
		if (equal(&t, &to[i]))
			continue;
		to[i] = t;
		changed = true;
	}
	return changed;
}

/* ---- arithmetic ---- */

static bool add_off(int16_t off, int64_t delta, int16_t *out)
{
	return delta == (int16_t)delta && !__builtin_add_overflow(off, (int16_t)delta, out);
}

static void add_const(struct track *t, int64_t delta)
{
	for (int i = 0; i < t->n; i++)
		if (!add_off(t->off[i], delta, &t->off[i])) {
			t->n = 0;
			return;
		}
}

static void alu_reg(struct track *dst, const struct track *src)
{
	if (dst->frame >= 0 && (src->frame == TRACK_NONE || src->frame == dst->frame)) {
		dst->n = 0;
		return;
	}
	if (src->frame >= 0 && dst->frame == TRACK_NONE) {
		*dst = of_frame(src->frame);
		return;
	}
	if (dst->frame != TRACK_NONE || src->frame != TRACK_NONE)
		*dst = mix(dst, src);
}

static void alu(const struct isa_insn *in, struct track *dst, const struct track *src)
{
	bool imm = in->form != ISA_FORM_RR && in->form != ISA_FORM_RRI;

	if ((in->width == 32 && in->sem != ISA_BSWAP) || in->sem == ISA_END_LE || in->sem == ISA_END_BE) {
		*dst = none;
	} else if (in->sem == ISA_MOV || in->sem == ISA_MOVSX || in->sem == ISA_ADDR_CAST) {
		*dst = in->sem == ISA_MOV && !imm ? *src : none;
	} else if (!imm) {
		alu_reg(dst, src);
	} else if (dst->frame >= 0) {
		if (in->sem == ISA_ADD)
			add_const(dst, in->imm);
		else if (in->sem == ISA_SUB)
			add_const(dst, -in->imm);
		else
			dst->n = 0;
	}
}

/* ---- the stack ---- */

static int slot_at(int16_t off)
{
	if (off >= 0 || off < -KSLOTS_MAX * KSLOT_BYTES || off % KSLOT_BYTES)
		return -1;
	return -off / KSLOT_BYTES - 1;
}

static struct track all_frames(uint32_t depth)
{
	return (struct track){ .mask = (uint16_t)((1u << (depth + 1)) - 1), .frame = TRACK_IMPRECISE };
}

static struct track fill(const struct isa_insn *in, const struct track *base, const struct track_stack *s,
			 uint32_t depth)
{
	struct track t = none;

	if (in->src == ISA_FP) {
		int slot = in->off == (int16_t)in->off ? slot_at((int16_t)in->off) : -1;

		return slot >= 0 ? s->slot[slot] : all_frames(depth);
	}
	if (!base->n)
		return all_frames(depth);
	for (int i = 0; i < base->n; i++) {
		int16_t off;
		int slot = add_off(base->off[i], in->off, &off) ? slot_at(off) : -1;

		if (slot < 0)
			return all_frames(depth);
		t = join(&t, &s->slot[slot]);
	}
	return t;
}

static void spill(const struct isa_insn *in, const struct track *base, struct track_stack *s, const struct track *value)
{
	struct track t = in->width == 64 ? *value : none;

	if (in->dst == ISA_FP) {
		int slot = slot_at((int16_t)in->off);

		if (slot >= 0)
			s->slot[slot] = t;
		return;
	}
	for (int i = 0; !base->n && i < KSLOTS_MAX; i++)
		s->slot[i] = join(&s->slot[i], &t);
	for (int i = 0; i < base->n; i++) {
		int16_t off;
		int slot = add_off(base->off[i], in->off, &off) ? slot_at(off) : -1;

		if (slot >= 0)
			s->slot[slot] = base->n == 1 ? t : join(&s->slot[slot], &t);
	}
}

/* What is not a spill overwrites what was spilled there; `sure`: it is there and nowhere else. */
static void overwrite(struct track_stack *s, int off, int size, bool sure)
{
	for (int i = 0; i < KSLOTS_MAX; i++) {
		int low = -(i + 1) * KSLOT_BYTES;

		if (low < off + size && low + KSLOT_BYTES > off)
			s->slot[i] = sure ? none : join(&s->slot[i], &none);
	}
}

static void overwrite_all(struct track_stack *s)
{
	for (int i = 0; i < KSLOTS_MAX; i++)
		s->slot[i] = join(&s->slot[i], &none);
}

static void store_plain(const struct isa_insn *in, const struct track *base, struct track_stack *s)
{
	int size = in->width / 8;

	if (in->dst == ISA_FP) {
		overwrite(s, in->off, size, true);
		return;
	}
	if (!base->n)
		overwrite_all(s);
	for (int i = 0; i < base->n; i++) {
		int16_t off;

		if (!add_off(base->off[i], in->off, &off)) {
			overwrite_all(s);
			return;
		}
		overwrite(s, off, size, base->n == 1);
	}
}

/* ---- one instruction ---- */

static bool may_be_own(const struct sinstance *n, unsigned reg, const struct track *t)
{
	return reg == ISA_FP || t->frame == (int8_t)n->depth ||
	       (t->frame == TRACK_IMPRECISE && t->mask >> n->depth & 1);
}

static void load(struct kverifier *v, const struct sinstance *n, const struct isa_insn *in, struct track_row *r,
		 const struct track_stack *s)
{
	const struct track *src = &r->r[in->src];
	struct track t = none;

	if (in->sem == ISA_LDX && in->width == 64) {
		if (may_be_own(n, in->src, src))
			t = fill(in, src, s, n->depth);
		else if (src->frame >= 0 && src->frame < (int8_t)n->depth)
			t = fill(in, src, v->live->ahead->at_call[v->live->ahead->calls[src->frame]],
				 (uint32_t)src->frame);
		else if (src->frame == TRACK_IMPRECISE && src->mask)
			t = *src;
	}
	r->r[in->dst] = t;
}

static void call(struct track_row *r)
{
	for (unsigned k = 0; k <= 5; k++)
		r->r[k] = none;
}

/* What does not write to memory. */
static void transfer(struct kverifier *v, const struct sinstance *n, const struct isa_insn *in, struct track_row *r,
		     const struct track_stack *s)
{
	if (in->sem == ISA_LDX || in->sem == ISA_LDXS)
		load(v, n, in, r, s);
	else if (in->sem == ISA_IMM64 || in->sem == ISA_LOAD_ACQ)
		r->r[in->dst] = none;
	else if (in->sem == ISA_CALL)
		call(r);
	else if (in->sem >= ISA_ADD && in->sem <= ISA_BSWAP)
		alu(in, &r->r[in->dst], &r->r[in->src]);
}

static void transfer_store(const struct sinstance *n, const struct isa_insn *in, struct track_row *r,
			   struct track_stack *s)
{
	const struct track *base = &r->r[in->dst];

	if (may_be_own(n, in->dst, base)) {
		if (in->sem == ISA_STX)
			spill(in, base, s, &r->r[in->src]);
		else
			store_plain(in, base, s);
	}
	if (in->sem == ISA_ATOMIC && isa_atomic_fetches(in->aux))
		r->r[in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src] = none;
}

void ktrack_empty(struct track_stack *s)
{
	for (unsigned i = 0; i < KSLOTS_MAX; i++)
		s->slot[i] = none;
}

static void init(struct kstatic *a, struct track_row *rows, uint32_t len, const struct sinstance *n,
		 const struct track *args)
{
	const struct track unvisited = { .frame = TRACK_UNVISITED };

	while (a->used) {
		struct stack_block *b = a->used;

		a->used = b->next;
		b->next = a->unused;
		a->unused = b;
	}
	memset(a->stacks, 0, len * sizeof *a->stacks);
	a->stacks[0] = &a->empty;
	for (uint32_t i = 0; i < len; i++)
		for (unsigned r = 0; r < ISA_N_REGS; r++)
			rows[i].r[r] = i ? unvisited : none;
	rows[0].r[ISA_FP] = at_offset((int8_t)n->depth, 0);
	for (unsigned r = 1; args && r <= 5; r++)
		rows[0].r[r] = args[r];
}

static struct track_stack *new_stack(struct kverifier *v, const struct track_stack *from)
{
	struct kstatic *a = v->live->ahead;
	struct stack_block *b = a->unused;

	if (b)
		a->unused = b->next;
	else
		b = KSCRATCH(v, struct stack_block, 1);
	if (!b)
		return NULL;
	b->next = a->used;
	a->used = b;
	b->s = *from;
	return &b->s;
}

/* The stack after the instruction is another only where it stores. */
static FALLIBLE through(struct kverifier *v, const struct sinstance *n, uint32_t i, struct track_row *r,
			const struct track_stack **stack)
{
	const struct isa_insn *in = &v->p->insns[i];
	bool stores = in->sem == ISA_ST || in->sem == ISA_STX || in->sem == ISA_ATOMIC || in->sem == ISA_STORE_REL;
	struct track_stack s;

	if (!stores) {
		transfer(v, n, in, r, *stack);
		return E_OK;
	}
	s = **stack;
	transfer_store(n, in, r, &s);
	if (!memcmp(&s, *stack, sizeof s))
		return E_OK;
	*stack = new_stack(v, &s);
	KNEED(v, *stack);
	return E_OK;
}

static FALLIBLE join_stack(struct kverifier *v, const struct track_stack **to, const struct track_stack *from,
			   bool *changed)
{
	struct track_stack s;

	if (!*to || *to == from) {
		*changed |= !*to;
		*to = from;
		return E_OK;
	}
	s = **to;
	if (!join_into(s.slot, from->slot, KSLOTS_MAX))
		return E_OK;
	*changed = true;
	*to = new_stack(v, &s);
	KNEED(v, *to);
	return E_OK;
}

/* What holds before i goes through it to those that follow. */
static FALLIBLE advance(struct kverifier *v, const struct sinstance *n, uint32_t i, struct track_row *rows,
			bool *changed)
{
	const struct ksubprog *sp = &v->subprogs[n->subprog];
	const struct track_stack **stacks = v->live->ahead->stacks, *s = stacks[i - sp->start];
	struct track_row r = rows[i - sp->start];
	uint32_t next[2];

	KENSURE(v, s);
	TRY(through(v, n, i, &r, &s));
	for (unsigned k = 0, all = kflow_next(v, i, next); k < all; k++) {
		uint32_t to = next[k] - sp->start;

		if (next[k] < sp->start || next[k] >= sp->end)
			continue;
		*changed |= join_into(rows[to].r, r.r, ISA_N_REGS);
		TRY(join_stack(v, &stacks[to], s, changed));
	}
	return E_OK;
}

FALLIBLE ktrack_subprog(struct kverifier *v, struct sinstance *n, const struct track *args)
{
	struct kstatic *a = v->live->ahead;
	const struct kflow *f = &v->live->flow;
	const struct ksubprog *sp = &v->subprogs[n->subprog];
	struct track_row *rows = a->rows[n->subprog];

	if (!rows)
		rows = KSCRATCH(v, struct track_row, sp->end - sp->start);
	KNEED(v, rows);
	a->rows[n->subprog] = rows;
	init(a, rows, sp->end - sp->start, n, args);
	for (bool more = true; more;) {
		more = false;
		for (uint32_t k = f->first[n->subprog + 1]; k-- > f->first[n->subprog];) {
			uint32_t i = f->order[k];

			if (rows[i - sp->start].r[0].frame != TRACK_UNVISITED ||
			    rows[i - sp->start].r[1].frame != TRACK_UNVISITED)
				TRY(advance(v, n, i, rows, &more));
		}
	}
	return E_OK;
}
