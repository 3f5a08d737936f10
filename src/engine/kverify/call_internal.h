/* SPDX-License-Identifier: Apache-2.0 */
/* call_internal: what the files about calls share: numbers of helpers that the verifier treats by name, maps of
 * registers, references. */
#ifndef SALLYPORT_ENGINE_KVERIFY_CALL_INTERNAL_H
#define SALLYPORT_ENGINE_KVERIFY_CALL_INTERNAL_H

#include "engine/kverify/call.h"
#include "engine/kverify/mem.h"

/* As in enum bpf_func_id. */
enum helper_id {
	HELPER_MAP_LOOKUP_ELEM = 1,
	HELPER_MAP_UPDATE_ELEM = 2,
	HELPER_MAP_DELETE_ELEM = 3,
	HELPER_PROBE_READ = 4,
	HELPER_GET_SMP_PROCESSOR_ID = 8,
	HELPER_TAIL_CALL = 12,
	HELPER_PROBE_WRITE_USER = 36,
	HELPER_PROBE_READ_STR = 45,
	HELPER_REDIRECT_MAP = 51,
	HELPER_GET_STACK = 67,
	HELPER_GET_LOCAL_STORAGE = 81,
	HELPER_SK_LOOKUP_TCP = 84,
	HELPER_SK_LOOKUP_UDP = 85,
	HELPER_SK_RELEASE = 86,
	HELPER_MAP_PUSH_ELEM = 87,
	HELPER_MAP_POP_ELEM = 88,
	HELPER_MAP_PEEK_ELEM = 89,
	HELPER_SPIN_LOCK = 93,
	HELPER_SPIN_UNLOCK = 94,
	HELPER_SK_FULLSOCK = 95,
	HELPER_TCP_SOCK = 96,
	HELPER_SKC_LOOKUP_TCP = 99,
	HELPER_PROBE_READ_KERNEL = 113,
	HELPER_PROBE_READ_USER_STR = 114,
	HELPER_PROBE_READ_KERNEL_STR = 115,
	HELPER_RINGBUF_RESERVE = 131,
	HELPER_RINGBUF_SUBMIT = 132,
	HELPER_RINGBUF_DISCARD = 133,
	HELPER_SKC_TO_TCP6_SOCK = 136,
	HELPER_SKC_TO_TCP_SOCK = 137,
	HELPER_SKC_TO_TCP_TIMEWAIT_SOCK = 138,
	HELPER_SKC_TO_TCP_REQUEST_SOCK = 139,
	HELPER_SKC_TO_UDP6_SOCK = 140,
	HELPER_GET_TASK_STACK = 141,
	HELPER_PER_CPU_PTR = 153,
	HELPER_THIS_CPU_PTR = 154,
	HELPER_FOR_EACH_MAP_ELEM = 164,
	HELPER_SNPRINTF = 165,
	HELPER_TIMER_SET_CALLBACK = 170,
	HELPER_GET_FUNC_IP = 173,
	HELPER_FIND_VMA = 180,
	HELPER_LOOP = 181,
	HELPER_GET_RETVAL = 186,
	HELPER_SET_RETVAL = 187,
	HELPER_KPTR_XCHG = 194,
	HELPER_MAP_LOOKUP_PERCPU_ELEM = 195,
	HELPER_SKC_TO_MPTCP_SOCK = 196,
	HELPER_DYNPTR_FROM_MEM = 197,
	HELPER_DYNPTR_WRITE = 202,
	HELPER_DYNPTR_DATA = 203,
	HELPER_USER_RINGBUF_DRAIN = 209,
};

/* As in enum bpf_map_type, where struct prog_map has no name for it. */
enum {
	MAP_SOCKMAP = 15,
	MAP_SOCKHASH = 18,
	MAP_INSN_ARRAY = 34,
	MAP_RHASH = 35,
};

enum { KMAX_ERRNO = 4095 };

static inline const char *kmap_name(const struct prog_map *m)
{
	return m && m->name ? m->name : "";
}

/* The whole offset of a pointer, when it is constant. */
static inline int64_t kreg_off(const struct kreg *r)
{
	return (int64_t)r->off + (int64_t)r->n.t.value;
}
/* ---- refs.c ---- */
bool kref_held(const struct kverifier *v, uint32_t id);
/* The reference that this register is; 0: it is none. */
uint32_t kref_of(const struct kverifier *v, const struct kreg *r);
FALLIBLE kref_push(struct kverifier *v, const struct kref *ref);
void kref_drop(struct kverifier *v, uint32_t i);
/* No register with this id is followed any further: it holds some number. Linux: mark_reg_invalid */
void kreg_forget(struct kverifier *v, struct kreg *r);
/* It ends, and nothing is made of the registers that carry it yet. False: no such reference, or not this callback's. */
bool kref_end(struct kverifier *v, uint32_t id);
/* As kref_release; nothing happens where the reference may not end here. */
FALLIBLE kref_release_if_own(struct kverifier *v, uint32_t id);

/* ---- args.c ---- */
/* The object says the type of the map's values. */
FALLIBLE kmap_typed(struct kverifier *v, unsigned r, const struct prog_map *m, const char *what);

/* ---- dynptr.c ---- */
FALLIBLE kdynptr_make(struct kverifier *v, unsigned r, uint32_t arg_flags, uint32_t clone_ref_id, uint32_t parent_id);
/* Where an argument says that a new one is to be made (6.3 on). clone_ref_id, parent_id: of what it comes from; 0: it
 * is nobody's. */
FALLIBLE kdynptr_new(struct kverifier *v, unsigned r, uint32_t arg_flags, uint32_t clone_ref_id, uint32_t parent_id);
FALLIBLE kdynptr_make_late(struct kverifier *v, unsigned r, uint32_t arg_flags);
FALLIBLE kdynptr_release(struct kverifier *v, unsigned r);
/* The register that says what the dynptr is: r itself, or the slot that it points to; NULL: it points to none. */
struct kreg *kdynptr_of(struct kverifier *v, unsigned r);
void kdynptr_reg(struct kverifier *v, struct kreg *r, uint32_t kind, bool first, uint32_t id, uint32_t parent_id);
/* The two slots are no dynptr any longer. */
void kdynptr_invalidate(struct kverifier *v, uint32_t frame, uint32_t spi);

/* ---- callback.c ---- */
/* The callback that the frame at work belongs to adds to an rbtree, under its lock. Linux: in_rbtree_lock_required_cb
 */
bool kin_rbtree_callback(const struct kverifier *v);
/* What a kfunc calls back, if it is one that does. */
enum kcallback kkfunc_callback(const struct kverifier *v, const struct isa_insn *in);
/* May it be called while a lock is held? Linux: kfunc_spin_allowed */
bool kkfunc_allowed_locked(const struct kverifier *v, const struct isa_insn *in);
/* R1 to R5 of a callback that a kfunc calls. */
FALLIBLE kkfunc_callback_args(struct kverifier *v, enum kcallback kind, const struct kframe *caller, struct kframe *f);

/* ---- ret.c ---- */
/* The target, with what the kernel's types say of the function that it goes to. */
struct kernel_target ktarget(const struct kverifier *v);
/* The frame at work ends, and its caller goes on. Linux: prepare_func_exit */
FALLIBLE kframe_leave(struct kverifier *v);

FALLIBLE kcheck_ret_range(struct kverifier *v, unsigned r, const struct krange *range, const char *where);

/* ---- call_func.c ---- */
FALLIBLE kcall_scratch(struct kverifier *v);
/* A register of a callee is one of its caller's. */
void kcall_pass(struct kframe *to, unsigned r, const struct kframe *from, unsigned from_r);
FALLIBLE kglobal_check_args(struct kverifier *v, uint32_t subprog);

#endif
