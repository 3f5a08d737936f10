/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what the kernel's verifier knows at one point of one path.
 *
 * A state is spread out: frames with eleven registers and a stack by slots of eight bytes. States that are kept for
 * comparison are whole copies, as in the kernel, since how many there are and when they match is part of the verdict
 * ("too large"). Linux: include/linux/bpf_verifier.h:struct bpf_verifier_state, v6.12 and v7.2.
 */
#ifndef SALLYPORT_ENGINE_KVERIFY_STATE_H
#define SALLYPORT_ENGINE_KVERIFY_STATE_H

#include "engine/kverify/num.h"

enum {
	KFRAMES_MAX = 16, /* MAX_CALL_FRAMES is 8, in newer releases 16 */
	KSLOT_BYTES = 8,
	KSLOTS_MAX = 64, /* of the stack of one frame: 512 bytes */
	KMAX_VAR_OFF = 1 << 29,
	KMAX_VAR_SIZE = 1 << 29,
	KMAX_VAR_OFF_DIRECT = 1 << 29, /* of an address in a map value, in the instruction */
	KPACKET_MAX_OFF = 0xffff,
};

enum kiter_state { KITER_INVALID, KITER_ACTIVE, KITER_DRAINED };

/* Whose types a BTF id counts in. */
enum ktypes { KTYPES_NONE, KTYPES_KERNEL, KTYPES_OBJECT };

struct kreg {
	uint8_t base;  /* enum kernel_reg */
	uint8_t frame; /* STACK: whose */
	bool precise;
	uint32_t flags;  /* enum kernel_flag */
	int32_t off;     /* constant part of a pointer's offset; linked scalars: the constant difference. 0 with
			    KERNEL_OFFSET_IN_NUM */
	uint32_t id;     /* see KID_ADD_CONST */
	uint32_t ref_id; /* of the reference that it is, or that it came out of; 7.2: parent_id too */
	uint32_t parent_id;
	union {
		struct {
			uint32_t map;     /* index in prog->maps */
			uint32_t map_uid; /* one lookup in an outer map; 0: the map itself */
		};
		int32_t range; /* PACKET: bytes known to be there; KPKT_END_* */
		struct {
			uint32_t type_id;
			uint32_t types; /* enum ktypes */
		};
		uint32_t mem_size;
		struct {
			uint32_t dynptr; /* one of KF_DYNPTR_* */
			bool first_slot;
		};
		struct {
			uint32_t iter_type; /* BTF id of struct bpf_iter_* */
			uint8_t iter_state; /* enum kiter_state */
			uint32_t iter_depth;
		};
		uint32_t func; /* FUNC: number of the subprogram */
		uint32_t lock_class;
		uint64_t raw[2];
	};
	struct knum n; /* SCALAR: the number. Pointers: the variable part of the offset */
};

/* Linked scalars whose difference is constant: r->off. Linux: BPF_ADD_CONST, v6.12. */
#define KID_ADD_CONST64 (UINT32_C(1) << 31)
#define KID_ADD_CONST32 (UINT32_C(1) << 30)
#define KID_ADD_CONST (KID_ADD_CONST64 | KID_ADD_CONST32)

enum { KPKT_AT_END = -1, KPKT_BEYOND_END = -2 };

enum klive { KLIVE_NONE = 0, KLIVE_READ32 = 1, KLIVE_READ64 = 2, KLIVE_WRITTEN = 4, KLIVE_DONE = 8 };

enum kbyte {
	KBYTE_INVALID,
	KBYTE_SPILL,
	KBYTE_MISC,
	KBYTE_ZERO,
	KBYTE_DYNPTR,
	KBYTE_ITER,
	KBYTE_IRQ_FLAG,
	KBYTE_POISON
};

/* Bytes [-8 * (i + 1), -8 * i) of a frame; byte[7] has the lowest address, as slot_type in the kernel. */
struct kslot {
	struct kreg reg;           /* SPILL, DYNPTR, ITER, IRQ_FLAG */
	uint8_t byte[KSLOT_BYTES]; /* enum kbyte */
};

enum kref_type { KREF_PTR = 2, KREF_IRQ = 4, KREF_LOCK = 8, KREF_RES_LOCK = 16, KREF_RES_LOCK_IRQ = 32 };
struct kref {
	uint32_t type; /* enum kref_type */
	uint32_t id, insn, parent_id;
	uint32_t callback_frame;    /* in which frame it was taken (5.10 to 6.1 look at it) */
	uint32_t lock_map, lock_id; /* LOCK: of which object */
};

struct krange {
	int64_t min, max;
	bool ret32;
};

struct kframe {
	struct kreg r[ISA_N_REGS];
	int32_t callsite; /* instruction of the call; -1: the main program */
	uint32_t frameno, subprog, async_entry_cnt;
	struct krange callback_ret;
	bool in_callback, in_async_callback, in_exception_callback;
	uint32_t callback_depth;
	/* Read and write marks since the state that is the parent, and where in that one a value came from:
	 * live_marks.c */
	uint8_t live[ISA_N_REGS + KSLOTS_MAX]; /* enum klive: registers, then slots */
	uint8_t link[ISA_N_REGS];              /* 0: nowhere; else 1 + (frame << 4 | register) of the parent */
	bool linked;                           /* this frame was there when the parent was kept */
	/* Room for slots_room; slots [n_slots, slots_room) are not initialised memory. States that do not change any
	 * more may have frames in common, or their slots: kstate_share(). */
	struct kslot *slots;
	uint32_t n_slots, slots_room;
	uint32_t others; /* states that have this very frame, beside one */
};

struct khist {
	uint64_t idx : 21, prev_idx : 22; /* slots of a program are ISA_MAX_SLOTS at most; 22 bits of ones: none */
	uint64_t flags : 21;              /* enum khist_flag | spi << 8 | frame << 16 */
	uint64_t linked;                  /* registers and slots that learned together here: precise.c packs them */
};
static_assert(ISA_MAX_SLOTS < 1 << 21, "idx has room");
enum khist_flag { KHIST_STACK_ACCESS = 1, KHIST_DST_STACK = 2, KHIST_SRC_STACK = 4 };

struct kstored;

struct kverify_state {
	struct kframe *frame[KFRAMES_MAX];
	struct kverify_state *parent;
	struct kref *refs; /* of references, locks, disabled interrupts, in the order they were taken */
	uint32_t n_refs, refs_room;
	uint32_t cur;      /* frame at work: frame[0..cur] */
	uint32_t branches; /* paths from here that have not ended */
	uint32_t insn;     /* at which it was kept */
	uint32_t first_insn, last_insn;
	uint32_t active_locks, preempt_locks, irq_id, rcu_locks, lock_id, lock_map;
	bool in_sleepable;
	bool used_as_loop_entry;
	uint8_t missed_frame, missed_reg, missed_loop; /* compare.c: what told another state from it last */
	struct khist *hist;
	uint32_t n_hist, hist_room;
	uint32_t dfs_depth, callback_unroll_depth, may_goto_depth;
	struct kverify_state *loop_entry, *equal;
	uint64_t first_step; /* steps processed when it began */
};

static inline struct kframe *kframe_cur(const struct kverify_state *s)
{
	return s->frame[s->cur];
}

/* Registers: what they are. */
static inline bool kreg_is(const struct kreg *r, enum kernel_reg base)
{
	return r->base == base && !(r->flags & KF_OR_NULL);
}
static inline bool kreg_may_be_null(const struct kreg *r)
{
	return r->flags & KF_OR_NULL;
}
static inline bool kreg_is_pkt(const struct kreg *r)
{
	return r->base == KR_PACKET || r->base == KR_PACKET_META;
}
static inline bool kreg_is_const(const struct kreg *r)
{
	return r->base == KR_SCALAR && knum_is_const(&r->n);
}

/* state.c: setting registers as the kernel's mark_reg_* do. */
void kreg_none(const struct knum_rules *rules, struct kreg *r);
void kreg_scalar_unknown(const struct knum_rules *rules, struct kreg *r);
void kreg_scalar_const(const struct knum_rules *rules, struct kreg *r, uint64_t v);
/* A pointer with offset 0: base, flags, everything else empty. */
void kreg_pointer(const struct knum_rules *rules, struct kreg *r, enum kernel_reg base, uint32_t flags);
/* The kernel's name for what it holds, as its log has it: "scalar", "map_value_or_null", "trusted_ptr_" . Appends. */
void kreg_type_print(const struct kreg *r, struct buf *out);

bool kslot_is_spill(const struct kslot *s);          /* byte[7] says so */
bool kslot_is_scalar_spill(const struct kslot *s);   /* a scalar, all or part of the slot */
bool kslot_is_scalar_spill64(const struct kslot *s); /* all eight bytes */
/* Room for n slots; new ones are KBYTE_INVALID. False: no memory. */
struct kverifier;
void kreg_print(const struct kverifier *v, const struct kreg *r, uint32_t frameno, struct buf *out);
bool kframe_grow(struct kverifier *v, struct kframe *f, uint32_t n);

#endif
