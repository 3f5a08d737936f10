/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fastcall: registers that are kept on the stack around a call which would leave them alone.
 *
 * A compiler that does not know that the kernel makes the call an instruction stores and loads what the call might
 * spoil. The kernel takes those stores and loads away, and the stack that they use with them, unless the function uses
 * that stack in another way. Only the depth of the stack depends on it.
 * Linux: kernel/bpf/verifier.c:mark_fastcall_pattern_for_call, check_fastcall_stack_contract, v6.12; fixups.c, v7.2.
 */
#include "engine/kverify/stack.h"

enum { CALLER_SAVED = 6, GET_SMP_PROCESSOR_ID = 8 };

/* A store to, or load from, [r10 + off] of 8 bytes. */
static bool is_slot_access(const struct isa_insn *in, enum isa_sem sem, int32_t off)
{
	unsigned base = sem == ISA_STX ? in->dst : in->src;

	return in->sem == sem && in->width == 64 && base == ISA_FP && in->off == off;
}

/* Registers that the call leaves alone; 0: not known, or none. */
static uint32_t kept_by(const struct kernel_proto *p)
{
	uint32_t spoiled = p->ret.base != KRET_VOID;

	for (unsigned i = 0; i < 5; i++)
		spoiled |= p->arg[i].base != KA_DONTCARE ? 2u << i : 0;
	return ~spoiled & ((1u << CALLER_SAVED) - 1);
}

/* The i-th store before the call, and load behind it, are of one register that need not be kept. */
static bool is_pair(const struct kverifier *v, uint32_t call, uint32_t i, int32_t off, uint32_t kept)
{
	const struct isa_insn *st, *ld;

	if (i > call || call + i >= v->p->n_insns)
		return false;
	if (khas(v, KERNEL_LIVE_STATIC) && (v->aux[call - i + 1].jump_target || v->aux[call + i].jump_target))
		return false;
	st = &v->p->insns[call - i];
	ld = &v->p->insns[call + i];
	return is_slot_access(st, ISA_STX, off) && is_slot_access(ld, ISA_LDX, off) && st->src == ld->dst &&
	       kept >> st->src & 1;
}

static void mark_call(struct kverifier *v, struct ksubprog *s, uint32_t call, int32_t lowest)
{
	const struct kernel_proto *p;
	int32_t off = lowest;
	uint32_t kept, i;

	if (kernel_helper(v->k, &v->o->target, (uint32_t)v->p->insns[call].imm, &p) != KERNEL_ALLOWED)
		return;
	kept = kept_by(p);
	for (i = 1; i <= CALLER_SAVED && is_pair(v, call, i, off, kept); i++, off += KSLOT_BYTES) {
		kept &= ~(1u << v->p->insns[call - i].src);
		v->aux[call - i].fastcall |= 1;
		v->aux[call + i].fastcall |= 1;
	}
	if (i == 1)
		return;
	/* Of the helpers only this one becomes instructions. Linux: verifier_inlines_helper_call, v6.12 */
	if (p->flags & KP_FASTCALL && p->id == GET_SMP_PROCESSOR_ID)
		v->aux[call].fastcall = (i - 1) << 1 & 0x3f;
	else
		s->keep_fastcall_stack = true;
	if (off < s->fastcall_off)
		s->fastcall_off = off;
}

FALLIBLE kfastcall_mark(struct kverifier *v)
{
	for (uint32_t k = 0; k < v->n_subprogs && khas(v, KERNEL_FASTCALL); k++) {
		struct ksubprog *s = &v->subprogs[k];
		int32_t lowest = 0;

		for (uint32_t i = s->start; i < s->end; i++) {
			const struct isa_insn *in = &v->p->insns[i];

			if (is_slot_access(in, ISA_STX, in->off) && in->off < lowest)
				lowest = in->off;
		}
		for (uint32_t i = s->start; i < s->end; i++)
			if (v->p->insns[i].sem == ISA_CALL && v->p->insns[i].aux == ISA_CALL_HELPER)
				mark_call(v, s, i, lowest);
	}
	return E_OK;
}

void kfastcall_touch(struct kverifier *v, const struct kframe *f, int32_t off)
{
	struct ksubprog *s = &v->subprogs[f->subprog];

	if (s->fastcall_off <= off || v->aux[v->at].fastcall)
		return;
	s->fastcall_off = INT16_MIN;
	for (uint32_t i = s->start; i < s->end; i++)
		v->aux[i].fastcall = 0;
}

void kfastcall_remove(struct kverifier *v)
{
	for (uint32_t k = 0; k < v->n_subprogs; k++) {
		struct ksubprog *s = &v->subprogs[k];
		bool any = false;

		for (uint32_t i = s->start; i < s->end; i++)
			any |= v->aux[i].fastcall > 1;
		if (any && !s->keep_fastcall_stack)
			s->stack_bytes = (uint32_t)-s->fastcall_off;
	}
}
