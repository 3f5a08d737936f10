/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backtrack: one instruction, seen from behind: what must be known exactly before it, so that what is wanted after it
 * is.
 *
 * `mov r1, r2` moves the wish from r1 to r2; `r1 += r2` extends it to r2; a constant fulfils it. Loads from the stack
 * and stores to it move wishes between registers and slots, calls between frames. Registers that learned together at a
 * branch are wanted together. Linux: kernel/bpf/backtrack.c:backtrack_insn, v7.2; kernel/bpf/verifier.c:backtrack_insn,
 * v5.10, v6.1, v6.12.
 */
#include "engine/kverify/prune.h"

enum { ARGS = 0x3e /* r1 to r5 */, R0 = 1, TAIL_CALL = 12 };

static bool wants(const struct kwanted *w, unsigned r)
{
	return w->regs[w->frame] >> r & 1;
}

static void drop(struct kwanted *w, unsigned r)
{
	w->regs[w->frame] = (uint16_t)(w->regs[w->frame] & ~(1u << r));
}

static void want(struct kwanted *w, unsigned r)
{
	w->regs[w->frame] = (uint16_t)(w->regs[w->frame] | 1u << r);
}

/* r10 is known anyway; older releases do not say so. */
static void want_but_fp(const struct kverifier *v, struct kwanted *w, unsigned r)
{
	if (r != ISA_FP || !khas(v, KERNEL_PRECISE_CALLS))
		want(w, r);
}

static enum kback enter(struct kwanted *w)
{
	if (w->frame == KFRAMES_MAX - 1)
		return KBACK_BUG;
	w->frame++;
	return KBACK_OK;
}

static enum kback leave(struct kwanted *w)
{
	if (!w->frame)
		return KBACK_BUG;
	w->frame--;
	return KBACK_OK;
}

/* ---- registers that learned together ---- */

enum { LINK_SIZE_BITS = 4, LINK_SLOT_BITS = 6 };

/* Six entries have room for eight frames, five for sixteen. */
static unsigned frame_bits(unsigned n)
{
	return n > 5 ? 3 : 4;
}

uint64_t klinked_pack(const struct klinked *l)
{
	unsigned frame = frame_bits(l->n), bits = frame + LINK_SLOT_BITS + 1;
	uint64_t all = 0;

	for (unsigned i = 0; i < l->n; i++)
		all = all << bits | (uint64_t)l->e[i].is_reg << (frame + LINK_SLOT_BITS) |
		      (uint64_t)l->e[i].spi << frame | l->e[i].frame;
	return all << LINK_SIZE_BITS | l->n;
}

static struct klinked unpack(uint64_t all)
{
	struct klinked l = { .n = (uint8_t)(all & ((1u << LINK_SIZE_BITS) - 1)) };
	unsigned frame = frame_bits(l.n), bits = frame + LINK_SLOT_BITS + 1;

	all >>= LINK_SIZE_BITS;
	for (unsigned i = 0; i < l.n && i < KLINKED_MAX; i++, all >>= bits)
		l.e[i] = (struct klinked_entry){ .frame = (uint8_t)(all & ((1u << frame) - 1)),
						 .spi = (uint8_t)(all >> frame & ((1u << LINK_SLOT_BITS) - 1)),
						 .is_reg = all >> (frame + LINK_SLOT_BITS) & 1 };
	return l;
}

/* One of them is wanted: all are. */
static void want_linked(const struct khist *h, struct kwanted *w)
{
	struct klinked l;
	bool some = false;

	if (!h || !h->linked)
		return;
	l = unpack(h->linked);
	for (unsigned i = 0; i < l.n; i++)
		some |= (l.e[i].is_reg ? (uint64_t)w->regs[l.e[i].frame] : w->slots[l.e[i].frame]) >> l.e[i].spi & 1;
	for (unsigned i = 0; some && i < l.n; i++) {
		if (l.e[i].is_reg)
			w->regs[l.e[i].frame] = (uint16_t)(w->regs[l.e[i].frame] | 1u << l.e[i].spi);
		else
			w->slots[l.e[i].frame] |= UINT64_C(1) << l.e[i].spi;
	}
}

/* ---- kinds of instructions ---- */

static void back_alu(const struct kverifier *v, const struct isa_insn *in, struct kwanted *w)
{
	bool from_reg = !isa_b_is_imm(in);

	if (!wants(w, in->dst))
		return;
	switch ((enum isa_sem)in->sem) {
	case ISA_NEG:
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_BSWAP:
		return;
	case ISA_MOV:
	case ISA_MOVSX:
	case ISA_ADDR_CAST:
		drop(w, in->dst);
		break;
	default:
		break;
	}
	if (from_reg)
		want_but_fp(v, w, in->src);
}

/* Which slot does it touch, as the history or (older releases) the instruction itself has it? */
static bool slot_of(const struct kverifier *v, const struct isa_insn *in, unsigned base, const struct khist *h,
		    const struct kwanted *w, uint32_t *frame, uint32_t *spi)
{
	if (khas(v, KERNEL_PRECISE_SLOTS)) {
		if (!h || !(h->flags & KHIST_STACK_ACCESS))
			return false;
		*spi = h->flags >> 8 & 0xff;
		*frame = h->flags >> 16;
		return true;
	}
	*frame = w->frame;
	*spi = (uint32_t)(-in->off - 1) / KSLOT_BYTES;
	return base == ISA_FP;
}

static enum kback back_load(struct kverifier *v, const struct isa_insn *in, unsigned into, unsigned base,
			    const struct khist *h, struct kwanted *w)
{
	uint32_t frame, spi;

	if (!wants(w, into))
		return KBACK_OK;
	drop(w, into);
	if (!slot_of(v, in, base, h, w, &frame, &spi))
		return KBACK_OK;
	if (spi >= KSLOTS_MAX || frame >= KFRAMES_MAX)
		return KBACK_BUG;
	w->slots[frame] |= UINT64_C(1) << spi;
	return KBACK_OK;
}

static enum kback back_store(struct kverifier *v, const struct isa_insn *in, const struct khist *h, struct kwanted *w)
{
	uint32_t frame, spi;

	if (wants(w, in->dst)) /* an address made of numbers: the difference of pointers */
		return KBACK_GIVE_UP;
	if (!slot_of(v, in, in->dst, h, w, &frame, &spi))
		return KBACK_OK;
	if (spi >= KSLOTS_MAX || frame >= KFRAMES_MAX)
		return KBACK_BUG;
	if (!(w->slots[frame] >> spi & 1))
		return KBACK_OK;
	w->slots[frame] &= ~(UINT64_C(1) << spi);
	if (in->sem != ISA_ST)
		want(w, in->src);
	return KBACK_OK;
}

static enum kback back_atomic(struct kverifier *v, const struct isa_insn *in, const struct khist *h, struct kwanted *w)
{
	if (in->sem == ISA_LOAD_ACQ)
		return back_load(v, in, in->dst, in->src, h, w);
	if (in->sem == ISA_ATOMIC && isa_atomic_fetches(in->aux) && khas(v, KERNEL_PRECISE_ATOMICS))
		return back_load(v, in, in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src, in->dst, h, w);
	return back_store(v, in, h, w);
}

/* Out of a function that was called, to its first instruction's caller. */
static enum kback back_call_local(struct kverifier *v, uint32_t idx, int64_t next, struct kwanted *w)
{
	int s = kcfg_subprog_at(v, (uint32_t)((int64_t)idx + 1 + v->p->insns[idx].imm));
	uint16_t args;

	if (s < 0)
		return KBACK_BUG;
	if (v->subprogs[s].global) {
		if (next != (int64_t)idx + 1 || w->regs[w->frame] & ARGS)
			return KBACK_BUG;
		drop(w, 0);
		return KBACK_OK;
	}
	if (w->regs[w->frame] & ~ARGS || !w->frame)
		return KBACK_BUG;
	if (w->slots[w->frame])
		return khas(v, KERNEL_PRECISE_SLOTS) ? KBACK_BUG : KBACK_GIVE_UP;
	args = w->regs[w->frame];
	w->regs[w->frame] = 0;
	w->frame--;
	w->regs[w->frame] |= args;
	return KBACK_OK;
}

/* Out of a callback: its arguments are made by the helper, not passed. */
static enum kback back_callback(struct kverifier *v, struct kwanted *w)
{
	if (w->regs[w->frame] & ~ARGS)
		return KBACK_BUG;
	if (w->slots[w->frame])
		return khas(v, KERNEL_PRECISE_SLOTS) ? KBACK_BUG : KBACK_GIVE_UP;
	w->regs[w->frame] = 0;
	return leave(w);
}

static enum kback back_call(struct kverifier *v, uint32_t idx, int64_t next, struct kwanted *w)
{
	const struct isa_insn *in = &v->p->insns[idx];

	if (in->aux == ISA_CALL_LOCAL)
		return back_call_local(v, idx, next, w);
	if (next != (int64_t)idx + 1 && kcalls_callback(v, idx))
		return back_callback(v, w);
	if (in->aux == ISA_CALL_KFUNC && !in->imm)
		return KBACK_GIVE_UP;
	drop(w, 0);
	if (w->regs[w->frame] & ARGS)
		return KBACK_BUG;
	if (in->aux == ISA_CALL_HELPER && in->imm == TAIL_CALL && next != (int64_t)idx + 1 &&
	    khas(v, KERNEL_ABNORMAL_RETURNS))
		return enter(w);
	return KBACK_OK;
}

static bool is_call_local(const struct kverifier *v, int64_t idx)
{
	return idx >= 0 && v->p->insns[idx].sem == ISA_CALL && v->p->insns[idx].aux == ISA_CALL_LOCAL;
}

/* Into a function, at its end. Only a called function's r0 is the caller's. */
static enum kback back_exit(struct kverifier *v, int64_t next, struct kwanted *w)
{
	bool called = is_call_local(v, next - 1);
	bool r0 = called && wants(w, 0);

	if (!khas(v, KERNEL_PRECISE_CALLBACK_ARGS) && next >= 0 && v->aux[next].calls_callback)
		w->regs[w->frame] = (uint16_t)(w->regs[w->frame] & ~ARGS);
	if ((called || !khas(v, KERNEL_PRECISE_CALLBACK_ARGS)) && w->regs[w->frame] & ARGS)
		return KBACK_BUG;
	drop(w, 0);
	if (enter(w) != KBACK_OK)
		return KBACK_BUG;
	if (r0)
		want(w, 0);
	return KBACK_OK;
}

static void back_branch(const struct isa_insn *in, const struct khist *h, struct kwanted *w)
{
	if (in->form != ISA_FORM_JRR || (!wants(w, in->dst) && !wants(w, in->src)))
		return;
	if (!h || !(h->flags & KHIST_SRC_STACK))
		want(w, in->src);
	if (!h || !(h->flags & KHIST_DST_STACK))
		want(w, in->dst);
}

static enum kback back_ld_abs(struct kverifier *v, uint32_t idx, int64_t next, struct kwanted *w)
{
	if (wants(w, 0))
		return KBACK_GIVE_UP;
	return khas(v, KERNEL_ABNORMAL_RETURNS) && next != (int64_t)idx + 1 ? enter(w) : KBACK_OK;
}

static enum kback back_one(struct kverifier *v, uint32_t idx, int64_t next, const struct khist *h, struct kwanted *w)
{
	const struct isa_insn *in = &v->p->insns[idx];

	switch ((enum isa_sem)in->sem) {
	case ISA_PAD:
	case ISA_JA:
	case ISA_MAY_GOTO:
		return KBACK_OK;
	case ISA_IMM64:
		drop(w, in->dst);
		return KBACK_OK;
	case ISA_LD_ABS:
	case ISA_LD_IND:
		return back_ld_abs(v, idx, next, w);
	case ISA_LDX:
	case ISA_LDXS:
		return back_load(v, in, in->dst, in->src, h, w);
	case ISA_ST:
	case ISA_STX:
		return back_store(v, in, h, w);
	case ISA_ATOMIC:
	case ISA_LOAD_ACQ:
	case ISA_STORE_REL:
		return back_atomic(v, in, h, w);
	case ISA_CALL:
	case ISA_CALLX:
		return back_call(v, idx, next, w);
	case ISA_EXIT:
		return back_exit(v, next, w);
	default:
		if (isa_is_cond_jump(in))
			back_branch(in, h, w);
		else
			back_alu(v, in, w);
		return KBACK_OK;
	}
}

enum kback kbacktrack(struct kverifier *v, uint32_t idx, int64_t next, const struct khist *h, struct kwanted *w)
{
	uint32_t frame = w->frame;
	enum kback r;

	want_linked(h, w);
	r = back_one(v, idx, next, h, w);
	if (r == KBACK_OK && w->frame == frame)
		want_linked(h, w);
	return r;
}

/* Before PRECISE_CALLS: calls and returns are the end of the way. w has one frame. */
enum kback kbacktrack_simple(struct kverifier *v, uint32_t idx, struct kwanted *w)
{
	const struct isa_insn *in = &v->p->insns[idx];

	if (in->sem == ISA_EXIT || in->sem == ISA_CALLX)
		return KBACK_GIVE_UP;
	if (in->sem == ISA_CALL) {
		if (in->aux == ISA_CALL_LOCAL || (in->aux == ISA_CALL_KFUNC && !in->imm))
			return KBACK_GIVE_UP;
		if (in->aux == ISA_CALL_HELPER && v->k->version >= KERNEL_V(5, 15) && kcalls_callback(v, idx))
			return KBACK_GIVE_UP;
		drop(w, 0);
		return w->regs[w->frame] & (ARGS | R0) ? KBACK_BUG : KBACK_OK;
	}
	return back_one(v, idx, -1, NULL, w);
}
