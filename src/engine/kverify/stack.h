/* SPDX-License-Identifier: Apache-2.0 */
/* stack: what stack.c (loads and stores) and stack_range.c (bounds, memory of calls) share. */
#ifndef SALLYPORT_ENGINE_KVERIFY_STACK_H
#define SALLYPORT_ENGINE_KVERIFY_STACK_H

#include "engine/kverify/internal.h"

/* off: from the frame's end, -512 to -1. */
static inline uint32_t kstack_slot(int32_t off)
{
	return (uint32_t)(-off - 1) / KSLOT_BYTES;
}
static inline uint8_t *kstack_byte(const struct kframe *f, int32_t off)
{
	return &f->slots[kstack_slot(off)].byte[(uint32_t)(-off - 1) % KSLOT_BYTES];
}

/* Bytes [off, off + size) of what reg points to, whose variable offset is not in off. */
struct kstack_range {
	unsigned reg;
	int32_t off;
	uint32_t size;
	bool write;
	bool helper;       /* a call makes the access */
	int32_t low, high; /* set by kstack_bounds: where it may begin */
};
/* It lies within the stack. Releases that grow the stack at any access do. Linux: check_stack_access_within_bounds */
FALLIBLE kstack_bounds(struct kverifier *v, struct kstack_range *r);
/* The frame has slots down to off. */
FALLIBLE kstack_grow(struct kverifier *v, struct kframe *f, int32_t off);
/* The function uses its stack down to off (without the variable part). Linux: update_stack_depth, up to v6.1 */
FALLIBLE kstack_depth(struct kverifier *v, const struct kframe *f, int32_t off);

/* Holds a register, dynptr, iterator or interrupt flags. */
bool kslot_is_special(const struct kslot *s);
/* Its written bytes become bytes of which nothing is known. */
void kslot_scrub(struct kslot *s);
/* An access that is no part of a bpf_fastcall pattern reaches the slots of one. Linux: check_fastcall_stack_contract */
void kfastcall_touch(struct kverifier *v, const struct kframe *f, int32_t off);

#endif
