/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_internal: what the files of this module share, and the door for its own tests.
 *
 * Every check_*() judges the instruction at v->cur.insn and changes v->cur to what holds after it.
 */
#ifndef SALLYPORT_ENGINE_VERIFY_INTERNAL_H
#define SALLYPORT_ENGINE_VERIFY_INTERNAL_H

#include "engine/verify/state.h"
#include "engine/verify/verify.h"

/* VERIFY_ENDLESS = 111 and so on. */
enum verify_id {
#define VDIAG(id, name, err, title, help) VERIFY_##name = (id),
#include "engine/verify/diagnostics.def"
#undef VDIAG
};

enum {
	VERIFY_MAX_FRAMES = 64, /* whatever a profile says: reg.frame is a byte */
	VERIFY_MAX_STACK_BYTES = 1 << 16,
	VERIFY_LIVE_SLOTS = 64,      /* stack slots that liveness tracks; deeper ones always live */
	VERIFY_MAX_OFFSET = 1 << 29, /* pointers further from their object are refused */
	VERIFY_FIRST_ID = 1 << 20,   /* fresh ids lie above those that snap_normalise gives */
	/* Of callers below a tail call. Linux: kernel/bpf/verifier.c:check_max_stack_depth_subprog, v6.12. */
	VERIFY_TAIL_CALL_STACK = 256,
	TIMER_BYTES = 16, /* struct bpf_timer, include/uapi/linux/bpf.h */
	TIMER_ALIGN = 8,
};

/* Linux's ids of helpers that mean more than their prototype says. */
enum {
	HELPER_TAIL_CALL = 12,
	HELPER_MAP_PUSH = 87,
	HELPER_MAP_POP = 88,
	HELPER_MAP_PEEK = 89,
	HELPER_RINGBUF_OUTPUT = 130,
	HELPER_RINGBUF_RESERVE = 131,
	HELPER_FOR_EACH = 164,
	HELPER_TIMER_SET_CALLBACK = 170,
	HELPER_LOOP = 181,
	HELPER_USER_RINGBUF_DRAIN = 209,
};

/* What calls a function of the program from outside. */
enum callback { CALLBACK_NONE, CALLBACK_LOOP, CALLBACK_FOR_EACH, CALLBACK_DRAIN, CALLBACK_TIMER };

struct callback_call {
	enum callback kind;
	uint32_t func; /* slot */
	uint32_t map;  /* FOR_EACH, TIMER */
	bool inner;
};

/* A timer's callback, to be verified when the rest is. */
struct later {
	struct later *next;
	struct callback_call call;
	bool looked_at;
};

/* A call that the walk found. */
struct call_edge {
	struct call_edge *next;
	uint32_t from, to, site;
};

enum visit { VISIT_NOT, VISIT_OPEN, VISIT_DONE };

struct func {
	uint32_t start, end;      /* slots [start, end) */
	uint32_t stack_bytes;     /* deepest use seen */
	uint32_t chain_bytes;     /* of it and the deepest chain of calls below */
	uint32_t height;          /* functions in the longest chain of calls from it, itself included */
	uint8_t visit;            /* enum visit */
	bool may_goto, tail_call; /* it has one */
};

/* What liveness says at one instruction, before it runs. */
struct live {
	uint64_t slots; /* bit i: slot i of the frame may be read */
	uint32_t regs;  /* bit i: register i may be read */
};

/* A path that waits. */
struct pending {
	struct pending *next;
	struct snap *snap;
	struct stored *parent;
	uint32_t insn, forks, steps, n_recent;
	uint32_t recent[RECENT_MAX];
	struct stretch stretch;
	uint32_t last;
};

/* A state kept for comparison. */
struct stored {
	struct stored *parent; /* the one kept before on the same path */
	struct stored *next;   /* explored to the end, at the same instruction */
	struct stored *next_hash;
	struct stored *head;       /* the newest on the same path, itself included, at a place that MARK_HEAD marks */
	struct stored *low;        /* the oldest open one that a path below was found to come back to */
	struct stored *waits_next; /* among those that wait for the same low */
	struct stored *waits;      /* explored, but for what comes of this one */
	struct snap *snap;
	uint64_t hash;
	uint32_t insn;
	uint32_t depth;    /* how many are above it */
	uint32_t branches; /* paths through it that have not ended; 0: explored */
	uint32_t hits, misses;
	struct stretch stretch; /* of the `steps` instructions from the parent to here */
	uint32_t steps;
	bool all_precise; /* every number matters, here and in all parents */
};

struct block {
	struct block *next;
};

/* Called before each processed instruction, after the state was cleaned for comparison. */
typedef void verify_observer(void *user, const struct state *s);

struct verifier {
	const struct prog *p;
	const struct verify_opts *o;
	const struct abi_limits *limits;
	struct arena *arena;
	struct diag *d;
	struct verify_stats stats;
	verify_observer *observer;
	void *observer_user;

	/* cfg.c */
	struct func *funcs; /* sorted by start; 0 is the entry */
	uint32_t n_funcs;
	uint8_t *marks; /* per slot: enum mark */

	/* calls.c */
	struct call_edge *edges;

	/* check_callback.c */
	struct later *later;

	/* liveness.c */
	struct live *live;    /* per slot */
	uint64_t *call_slots; /* per slot of a local call: the caller's stack slots that may be read during or after */

	/* walk.c */
	struct state cur;
	bool path_ends;
	bool loose;          /* numbers that do not matter may differ when states are compared */
	bool every_path;     /* nothing is covered, but where the runtime bounds a loop */
	uint32_t last;       /* the instruction before the one at work */
	struct stretch open; /* since the last kept state; its links are not used */
	struct trail trail[TRAIL_MAX];
	struct link links[LINKS_MAX];
	struct stored *back_to; /* where the path that ends comes back to; else NULL */
	uint32_t n_slots_max;   /* per frame */
	uint32_t next_id;
	uint32_t next_work; /* for stamps */
	struct pending *pending;
	uint32_t n_pending;

	/* prune.c */
	struct stored **done;             /* per slot: explored states, linked by next */
	struct stored *worn, **worn_tail; /* explored ones that no list holds, oldest first */
	struct stored **hash;             /* every kept state */
	uint64_t hash_mask;
	uint32_t n_stored;
	uint32_t *scratch;
	size_t max_regs;

	/* pool.c: blocks by size, given back for reuse */
	struct block **free_blocks;
	size_t n_classes;
};

enum mark {
	MARK_REACHED = 1,
	MARK_PRUNE = 2, /* paths meet here */
	MARK_CALLED = 4,
	MARK_HEAD = 8, /* of a loop that the runtime bounds: may_goto, a helper with a callback */
};

/* report.c. Fill v->d: id, place, hint, notes; return the row's kind of error. reg: its number, or -1. */
FALLIBLE verify_fail(struct verifier *v, enum verify_id id, int reg, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
#define REJECT(v, id, ...) return verify_fail((v), VERIFY_##id, -1, __FILE__, __LINE__, __VA_ARGS__)
/* With a note on what the register was known to hold. */
#define REJECT_REG(v, id, reg, ...) return verify_fail((v), VERIFY_##id, (reg), __FILE__, __LINE__, __VA_ARGS__)
/* A broken invariant rejects. */
#define ENSURE(v, cond)                                                            \
	do {                                                                       \
		if (!(cond))                                                       \
			REJECT(v, BUG, "the invariant '%s' does not hold", #cond); \
	} while (0)
/* Memory from the arena, or V504. */
#define NEED(v, ptr)                                    \
	do {                                            \
		if (!(ptr))                             \
			return verify_out_of_memory(v); \
	} while (0)
FALLIBLE verify_out_of_memory(struct verifier *v);
const char *verify_type_name(const struct reg *r);

/* cfg.c: structure. Fills funcs and marks. */
FALLIBLE cfg_check(struct verifier *v);
const struct func *cfg_func(const struct verifier *v, uint32_t insn);
/* The slot that a local call or a reference to a function names. */
uint32_t cfg_call_target(uint32_t at, const struct isa_insn *in);
/* Where control may go from here inside the function: 0, 1 or 2 slots. A call goes on after it. */
unsigned cfg_successors(const struct prog *p, uint32_t insn, uint32_t out[2]);

/* calls.c: no circles, not too deep. */
FALLIBLE calls_check(struct verifier *v);
/* The walk found that the function at work calls the one at `slot`. */
FALLIBLE calls_note(struct verifier *v, uint32_t slot);
/* After the walk: the same with these calls, and stack over all chains. */
FALLIBLE calls_check_stack(struct verifier *v);

/* helper_facts.c */
bool helper_changes_map(uint32_t id);
enum callback helper_callback(uint32_t id);
bool calls_back(const struct verifier *v, const struct isa_insn *in);

/* liveness.c */
FALLIBLE liveness_compute(struct verifier *v);
/* Forget what nobody will read. */
void liveness_clean(const struct verifier *v, struct state *s);

/* pool.c */
void *pool_alloc(struct verifier *v, size_t bytes);
void pool_free(struct verifier *v, void *p, size_t bytes);

/* prune.c */
FALLIBLE prune_init(struct verifier *v);
/* At a place where paths meet: is the state covered by one that was explored? Else maybe keep it. */
FALLIBLE prune_visit(struct verifier *v, bool *covered);
/* The path at work has ended; low: where it comes back to, or NULL. */
void prune_path_end(struct verifier *v, struct stored *parent, struct stored *low);

/* precise.c. The stretch since the last kept state, kept. False: no memory. */
bool stretch_save(struct verifier *v, struct stretch *out);
void stretch_load(struct verifier *v, const struct stretch *s);
void stretch_free(struct verifier *v, const struct stretch *s);
/* An empty one. */
void stretch_begin(struct verifier *v);
/* Before each instruction, when v->last is the one before. */
void precise_arrive(struct verifier *v);
/* The instruction at work loads or stores this one slot. */
void precise_note_slot(struct verifier *v, uint32_t frame, uint32_t slot);
/* The branch at work tells something of all numbers with this id. */
void precise_note_links(struct verifier *v, uint32_t id);
/* What is known of this number before the instruction at work was needed. */
void precise_reg(struct verifier *v, unsigned r);
void precise_slot(struct verifier *v, uint32_t frame, uint32_t slot);
/* The path ends at the instruction at work: what was needed on the way is followed back. */
void precise_end(struct verifier *v);
/* The path at work ends here, since this state covers it. */
void precise_covered(struct verifier *v, const struct snap *by);

/* widen.c: give up, in s, what numbers do not share with `old` at the same place. */
void widen(struct state *s, const struct snap *old);

/* walk.c */
FALLIBLE walk(struct verifier *v);
/* Make room for one more frame. */
FALLIBLE walk_need_frame(struct verifier *v, uint32_t index);
/* Let the state as it is now go on at insn later. */
FALLIBLE walk_push(struct verifier *v, uint32_t insn);
void walk_note_branch(struct state *s, uint32_t insn, bool taken);

/* regs.c: registers of the frame at work */
static inline struct reg *reg_at(struct verifier *v, unsigned r)
{
	return &state_frame(&v->cur)->r[r];
}
FALLIBLE reg_read(struct verifier *v, unsigned r);
FALLIBLE reg_read_scalar(struct verifier *v, unsigned r, struct scalar *out);
FALLIBLE reg_may_write(struct verifier *v, unsigned r);
void reg_set(struct verifier *v, unsigned r, struct reg value);
void reg_set_scalar(struct verifier *v, unsigned r, struct scalar s);
/* Make *r linkable and return its copy, linked to it. */
struct reg reg_copy(struct verifier *v, struct reg *r);
uint32_t reg_fresh_id(struct verifier *v);
typedef void reg_visit(struct reg *r, const void *user);
/* Every register and spilled register of every frame with this id. */
void regs_with_id(struct state *s, uint32_t id, reg_visit *fn, const void *user);
bool regs_same_object(const struct reg *a, const struct reg *b);
/* What the map of a VALUE, KEY or MAP looks like; NULL: an inner map that nobody described. */
const struct prog_map *reg_map(const struct verifier *v, const struct reg *r);

/* refs.c */
FALLIBLE ref_take(struct verifier *v, uint32_t *id);
/* It was never there. False: it is not held. */
bool ref_drop(struct state *s, uint32_t id);
FALLIBLE ref_give_back(struct verifier *v, uint32_t id);
/* in_callback: none that the callback at work took. */
FALLIBLE ref_none_held(struct verifier *v, bool in_callback, const char *where);

/* check_alu.c, check_jump.c, check_mem.c, check_call.c */
FALLIBLE check_alu(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_imm64(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_jump(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_load(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_store(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_atomic(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_call(struct verifier *v, const struct isa_insn *in);
FALLIBLE check_exit(struct verifier *v);
/* A frame for the function at slot `to`, with these r1 to r5. */
FALLIBLE call_enter(struct verifier *v, uint32_t to, const struct reg *args);

/* check_callback.c. The helper at work calls c's function in rounds and then gives r0. */
FALLIBLE callback_rounds(struct verifier *v, const struct callback_call *c, struct reg r0);
FALLIBLE callback_end(struct verifier *v);
/* A timer's. */
FALLIBLE callback_later(struct verifier *v, const struct callback_call *c);
/* Make v->cur the start of one that was not looked at. */
FALLIBLE callback_next_later(struct verifier *v, bool *there_is);

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FILL /* a helper writes all of it */ };
/*
 * May `min`..`max` bytes from [reg + off] on be accessed? Reads of stack must be initialised bytes; writes make
 * stack bytes numbers. who: for messages, such as "argument 2 of str_eq".
 */
FALLIBLE check_region(struct verifier *v, unsigned reg, int64_t off, uint64_t min, uint64_t max, enum access how,
		      const char *who);

/* check_stack.c */
/* One access of the stack by an instruction: n_bytes at all the offsets in at. */
struct stack_access {
	const struct reg *base;
	unsigned reg;     /* the base's number */
	struct scalar at; /* offset of the first byte from the frame's top */
	uint64_t n_bytes;
};
FALLIBLE stack_check_bounds(struct verifier *v, const struct stack_access *a);
FALLIBLE stack_load(struct verifier *v, const struct stack_access *a, struct reg *out);
FALLIBLE stack_store(struct verifier *v, const struct stack_access *a, const struct reg *value);
FALLIBLE stack_read_bytes(struct verifier *v, const struct stack_access *a);
void stack_write_bytes(struct verifier *v, const struct stack_access *a, bool surely, bool zero);

/* verify_prog that walks every path as often as it comes, for tests of what prune.c leaves out. */
FALLIBLE verify_every_path(const struct prog *p, const struct verify_opts *o, struct arena *a,
			   struct verify_stats *stats, struct diag *d);
/* verify_prog with somebody watching: for tests of soundness. */
FALLIBLE verify_observed(const struct prog *p, const struct verify_opts *o, struct arena *a, struct verify_stats *stats,
			 struct diag *d, verify_observer *fn, void *user);

#endif
