/* SPDX-License-Identifier: Apache-2.0 */
/* call: what a call of a helper or kfunc has found out about its arguments so far. Linux: struct bpf_call_arg_meta,
 * v6.12. */
#ifndef SALLYPORT_ENGINE_KVERIFY_CALL_H
#define SALLYPORT_ENGINE_KVERIFY_CALL_H

#include "engine/kverify/internal.h"

struct kcall {
	const struct kernel_proto *proto; /* helpers; NULL: a kfunc */
	uint32_t id;                      /* of the helper */
	int32_t map;                      /* index of the map argument; -1: none */
	uint32_t map_uid;
	const struct prog_map *map_def; /* it, or the inner map that stands for those in it */
	bool raw; /* the memory argument need not be initialised: its slots are written after all checks */
	bool pkt_access;
	uint32_t raw_reg;     /* register of that argument */
	int32_t access_size;  /* bytes of it */
	uint32_t mem_size;    /* that a result has (ringbuf_reserve, dynptr_data) */
	uint64_t size_max;    /* largest value of the size argument */
	uint32_t ref_id;      /* of the reference that an argument carries */
	uint32_t release_reg; /* 0: none */
	uint32_t map_uid_of_spin_lock;
	uint32_t func; /* subprogram of a callback */
	uint32_t dynptr_id, dynptr_ref_id, dynptr_flags;
	uint32_t ret_type_id; /* BTF id of the result, from an argument */
	uint32_t ret_types;   /* enum ktypes of it */
	const struct kfield *kptr;
	bool uninit_dynptr;
	int64_t const_key;       /* constant map key; -1: not known */
	uint32_t new_dynptr_reg; /* a dynptr is made there after all checks (releases before 6.3); 0: none */
	uint32_t ref_parent_id;  /* 7.2: of what the argument with the reference comes from */
	uint32_t n_refs;         /* arguments that carry a reference */
	bool moved;              /* v->insn is where the path goes on; else it is behind the call */
	bool percpu_object;      /* the argument is an object per CPU that the program allocated */
				 /* kfuncs: kfunc.c keeps the rest in a struct that begins with this one */
};

/* ---- args.c ---- */
FALLIBLE kcheck_arg(struct kverifier *v, unsigned arg, struct kcall *c);
/* A register must be one of what this kind of argument takes. Linux: check_reg_type, check_func_arg_reg_off */
FALLIBLE kcheck_reg_type(struct kverifier *v, unsigned r, const struct kernel_typed *t, struct kcall *c);
FALLIBLE kcheck_arg_off(struct kverifier *v, const struct kreg *reg, unsigned r, const struct kernel_typed *t);
FALLIBLE kcheck_const_str(struct kverifier *v, unsigned r);

/* ---- callback.c ---- */
enum kcallback {
	KCB_NONE,
	KCB_LOOP,
	KCB_FOR_EACH,
	KCB_FIND_VMA,
	KCB_USER_RINGBUF,
	KCB_TIMER,
	KCB_WQ,
	KCB_RBTREE_ADD,
	KCB_TASK_WORK
};
/* Linux: push_callback_call */
FALLIBLE kcallback_push(struct kverifier *v, uint32_t insn, uint32_t subprog, enum kcallback kind, struct kcall *c);

/* ---- call_func.c ---- */
/* A frame for subprog, called at callsite; registers not set. Linux: setup_func_entry */
FALLIBLE kframe_enter(struct kverifier *v, struct kverify_state *s, uint32_t subprog, uint32_t callsite,
		      struct kframe **out);
void kcall_clear_caller_saved(struct kverifier *v, struct kframe *f); /* R0 to R5 */
/* What the BTF prototype of a global function asks for. Linux: btf_prepare_func_args */
FALLIBLE kglobal_prepare(struct kverifier *v, uint32_t subprog);
/* r1 to r5 at its start, when it is verified for itself. Linux: do_check_common */
FALLIBLE kglobal_enter(struct kverifier *v, uint32_t subprog, struct kframe *f);

/* ---- dynptr.c, iter.c, lock.c ---- */
FALLIBLE kdynptr_arg(struct kverifier *v, unsigned r, uint32_t insn, uint32_t arg_flags, uint32_t clone_ref_id);
/* A stack slot that is overwritten may be part of a dynptr. Linux: destroy_if_dynptr_stack_slot */
FALLIBLE kdynptr_destroy(struct kverifier *v, struct kframe *f, uint32_t spi);
FALLIBLE klock_arg(struct kverifier *v, unsigned r, bool lock, bool irq, bool res);

#endif
