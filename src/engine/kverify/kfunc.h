/* SPDX-License-Identifier: Apache-2.0 */
/* kfunc: what the files about calls of the kernel's functions share. Linux: struct bpf_kfunc_call_arg_meta, v6.12. */
#ifndef SALLYPORT_ENGINE_KVERIFY_KFUNC_H
#define SALLYPORT_ENGINE_KVERIFY_KFUNC_H

#include "engine/kverify/call_internal.h"

/* Functions that the verifier knows by name: one for all that it treats alike. */
enum kspecial {
	KS_NONE,
	KS_OBJ_NEW,
	KS_PERCPU_NEW,
	KS_OBJ_DROP,
	KS_PERCPU_DROP,
	KS_REFCOUNT_ACQUIRE,
	KS_LIST_PUSH,
	KS_LIST_TAKE, /* pop, del */
	KS_LIST_LOOK, /* front, back, is_first ... */
	KS_RBTREE_ADD,
	KS_RBTREE_REMOVE,
	KS_RBTREE_LOOK, /* first, root, left, right */
	KS_CAST_KERN_CTX,
	KS_RDONLY_CAST,
	KS_RCU_LOCK,
	KS_RCU_UNLOCK,
	KS_PREEMPT_OFF,
	KS_PREEMPT_ON,
	KS_IRQ_SAVE,
	KS_IRQ_RESTORE,
	KS_RES_LOCK,
	KS_RES_UNLOCK,
	KS_RES_LOCK_IRQ,
	KS_RES_UNLOCK_IRQ,
	KS_DYNPTR_SKB,
	KS_DYNPTR_SKB_META,
	KS_DYNPTR_XDP,
	KS_DYNPTR_FILE,
	KS_FILE_DISCARD,
	KS_DYNPTR_CLONE,
	KS_SLICE,
	KS_SLICE_RDWR,
	KS_ITER_NUM,
	KS_CSS_TASK_NEW,
	KS_WQ_CALLBACK,
	KS_TASK_WORK,
	KS_THROW,
	KS_TRAP,
	KS_SESSION_COOKIE,
	KS_SESSION_IS_RETURN,
	KS_KMEM_CACHE,
	KS_ARENA,
	KS_STREAM,
	KS_PULL_DATA,
	KS_DEV_BOUND, /* metadata of received packets: for programs that are bound to a device */
};

/* What a call names. */
struct kkfunc {
	struct kkfunc *next;
	const char *name;
	uint32_t id;                    /* its BTF id */
	const struct btf_type *proto;   /* FUNC_PROTO, with the arguments that the verifier fills in */
	uint32_t n_given;               /* arguments that the program gives */
	const struct kernel_kfunc *row; /* NULL: this release has no such function for programs */
	bool allowed;                   /* for this program */
	enum kspecial special;
};

/* A call at work. */
struct kfcall {
	struct kcall c; /* what callbacks and maps need */
	const struct kkfunc *f;
	const struct btf *b;
	bool has_constant;
	uint64_t constant; /* the argument that must be one: a size, or a type of the program's */
	bool r0_rdonly;    /* R0 is memory, of so many bytes */
	uint64_t r0_size;
	uint32_t obj_types, obj_id; /* type of the object that was given */
	bool owned;                 /* refcount_acquire: of something that the program owns */
	const struct kfield *root;  /* the list or tree */
	uint32_t ctx_id;            /* type of the context as the kernel has it */
	uint32_t iter_frame, iter_spi;
	uint32_t source_kind, source_ref, source_parent; /* dynptr that was given: its kind and what it belongs to */
};

static inline uint32_t kfc_flags(const struct kfcall *k)
{
	return k->f->row->flags;
}
static inline bool kfc_is(const struct kfcall *k, uint32_t flag)
{
	return k->f->row->flags & flag;
}
static inline const struct btf_type *kfc_type(const struct kfcall *k, uint32_t id)
{
	return btf_get(k->b, btf_skip(k->b, id));
}
static inline bool kbtf_is_scalar(const struct btf_type *t)
{
	return t->kind == BTF_INT || t->kind == BTF_ENUM || t->kind == BTF_ENUM64;
}
static inline bool kbtf_is_struct(const struct btf_type *t)
{
	return t->kind == BTF_STRUCT || t->kind == BTF_UNION;
}
const char *kbtf_kind_name(const struct btf_type *t);

/* ---- kfunc_find.c ---- */
/* NULL: the instruction is no call of a kernel function, or of number 0. */
const struct kkfunc *kkfunc_at(const struct kverifier *v, uint32_t insn);

/* ---- kfunc_args.c, kfunc_arg_kinds.c, kfunc_args_old.c ---- */
FALLIBLE kkfunc_args(struct kverifier *v, struct kfcall *k);
FALLIBLE kkfunc_args_old(struct kverifier *v, struct kfcall *k); /* releases before 6.2 */
bool kparam_ends(const struct btf_param *p, const char *suffix);
bool kparam_is_size(const struct kverifier *v, const struct kfcall *k, unsigned arg); /* of the argument before it */
/* A struct of numbers, of arrays of them and of such structs, four levels deep. Linux: __btf_type_is_scalar_struct */
bool kbtf_is_plain_struct(const struct btf *b, const struct btf_type *t, unsigned level);
/* The kernel's type of sockets and maps, which registers name in another way. 0: r is none of them. Linux: reg2btf_ids
 */
uint32_t kreg_kernel_type(struct kverifier *v, const struct kreg *r);
bool kreg_has_kernel_type(const struct kverifier *v, const struct kreg *r);
FALLIBLE kkfunc_size_const(struct kverifier *v, struct kfcall *k, unsigned r);
FALLIBLE kkfunc_buf_size(struct kverifier *v, struct kfcall *k, unsigned r, const char *name);

/* ---- kfunc_ret.c ---- */
FALLIBLE kkfunc_result(struct kverifier *v, struct kfcall *k);

/* ---- iter.c ---- */
FALLIBLE kiter_arg(struct kverifier *v, struct kfcall *k, unsigned arg);
FALLIBLE kiter_next(struct kverifier *v, const struct kfcall *k);

/* ---- rcu.c: RCU, preemption, interrupts ---- */
FALLIBLE ksection_call(struct kverifier *v, const struct kfcall *k);
FALLIBLE kirq_arg(struct kverifier *v, const struct kfcall *k, unsigned r);

/* ---- graph.c: lists and trees of objects that the program owns ---- */
FALLIBLE kgraph_root_arg(struct kverifier *v, struct kfcall *k, unsigned arg, uint32_t kind);
FALLIBLE kgraph_node_arg(struct kverifier *v, struct kfcall *k, unsigned arg, uint32_t kind);
FALLIBLE kgraph_inserted(struct kverifier *v, const struct kfcall *k);
void kgraph_node_reg(struct kverifier *v, struct kreg *r, const struct kfield *root);
/* It stays readable while the lock is held. Linux: ref_set_non_owning */
FALLIBLE kreg_borrow(struct kverifier *v, struct kreg *r);
bool kkfunc_is_graph(enum kspecial s);

/* ---- lock.c ---- */
/* Is the lock held that lies in the same allocation? Linux: check_reg_allocation_locked */
bool klock_guards(const struct kverifier *v, const struct kreg *r);

/* ---- ret.c ---- */
FALLIBLE kcheck_throw(struct kverifier *v);
FALLIBLE kexception_exit(struct kverifier *v); /* the path ends, in whatever frame: nothing may be held */

/* ---- global.c ---- */
/* Is this pointer type one to what programs of this type are given? Linux: btf_is_prog_ctx_type */
bool kbtf_is_context(const struct kverifier *v, const struct btf *b, const struct btf_type *ptr);

#endif
