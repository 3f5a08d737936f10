/* SPDX-License-Identifier: Apache-2.0 */
/* kfunc_args: kinds of arguments that kernel functions take. Linux: enum kfunc_ptr_arg_type, v7.2 */
#ifndef SALLYPORT_ENGINE_KVERIFY_KFUNC_ARGS_H
#define SALLYPORT_ENGINE_KVERIFY_KFUNC_ARGS_H

#include "engine/kverify/kfunc.h"

enum kfarg {
	KFA_NONE,
	KFA_CTX,
	KFA_NULL,
	KFA_OWN_OBJECT, /* that the program allocated */
	KFA_REFCOUNTED,
	KFA_DYNPTR,
	KFA_ITER,
	KFA_LIST_HEAD,
	KFA_LIST_NODE,
	KFA_RB_ROOT,
	KFA_RB_NODE,
	KFA_OBJECT, /* of the kernel */
	KFA_MEM,
	KFA_MEM_SIZE, /* the size is the next argument */
	KFA_CALLBACK,
	KFA_STR,
	KFA_MAP,
	KFA_WQ,
	KFA_TASK_WORK,
	KFA_TIMER,
	KFA_IRQ_FLAG,
	KFA_RES_LOCK,
};

/* ---- kfunc_arg_kinds.c ---- */
FALLIBLE kkfunc_map(struct kverifier *v, struct kfcall *k, unsigned arg);
FALLIBLE kkfunc_pointer(struct kverifier *v, struct kfcall *k, unsigned arg, enum kfarg kind);
FALLIBLE kkfunc_object(struct kverifier *v, const struct kfcall *k, unsigned arg, uint32_t need, bool strict);

#endif
