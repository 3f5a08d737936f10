/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what is known of registers and stack at one point of one path.
 *
 * The path at work is a struct state, spread out for speed. A path that waits and a state kept for
 * comparison are a struct snap: one block that holds only what is initialised.
 *
 * Meaning    a snap stands for all concrete machines whose registers and stack bytes are in it; a register or
 *            byte that it does not name may be anything, and the program that ran on from it never read it
 * Soundness  snap_subsumes(old, new) implies that every machine of new is one of old
 */
#ifndef SALLYPORT_ENGINE_VERIFY_STATE_H
#define SALLYPORT_ENGINE_VERIFY_STATE_H

#include "base/base.h"
#include "engine/isa/isa.h"
#include "engine/verify/range.h"

enum reg_type {
	REG_NONE, /* never written: may not be read */
	REG_DEAD, /* liveness proved that nobody reads it: a read is our bug */
	REG_SCALAR,
	REG_CTX,           /* s: byte offset from the context's start */
	REG_STACK,         /* s: byte offset from the top of frame `frame`, so negative */
	REG_VALUE,         /* s: byte offset into a value of `map` */
	REG_VALUE_OR_NULL, /* s: 0 */
	REG_KEY,           /* s: byte offset into a key of `map`, which may only be read */
	REG_RECORD,        /* s: byte offset into the record `id`, of `map` bytes */
	REG_RECORD_OR_NULL,
	REG_MAP, /* a reference to `map` */
	REG_MAP_OR_NULL,
	REG_FUNC, /* a reference to the function at slot `map` */
	REG_HANDLE,
	REG_HANDLE_OR_NULL,
};

/*
 * id links registers and spilled copies that hold the same thing: the same number, the same pointer that may be null,
 * a pointer into the same map value. 0: linked to nothing.
 */
struct reg {
	uint8_t type; /* enum reg_type */
	uint8_t frame;
	uint8_t direct; /* VALUE: into the first value of an array, by ISA_IMM64_MAP_VALUE */
	uint8_t inner;  /* VALUE, KEY, MAP: not `map` itself, but one of the maps in it */
	uint32_t id;
	uint32_t map;    /* index; RECORD: bytes; FUNC: slot */
	uint32_t set_at; /* the instruction that wrote it, for messages; no part of the state */
	struct scalar s;
};

enum byte_kind {
	BYTE_NONE, /* never written */
	BYTE_DEAD, /* as REG_DEAD */
	BYTE_MISC, /* some number */
	BYTE_ZERO,
	BYTE_SPILL, /* of the register saved here; all eight bytes of a slot, or none */
};

enum { SLOT_BYTES = 8 };

/* Bytes [-8 * (index + 1), -8 * index) of a frame; byte[0] has the lowest address. */
struct slot {
	uint8_t byte[SLOT_BYTES]; /* enum byte_kind */
	struct reg reg;
};

/*
 * Which bounded work a state is in the middle of, and how far: prune.c needs it to tell progress from a loop. No part
 * of what a state means. 0: none.
 */
struct stamp {
	uint32_t work, round; /* a helper's calls of its callback: which, and how many were before */
	uint32_t life, spent; /* a frame of a function with may_goto: which, and how many of them went on */
};

struct frame {
	struct reg r[ISA_N_REGS];
	uint32_t call_site; /* the call that made it */
	uint32_t func;      /* index into the verifier's functions */
	uint32_t callback;  /* enum callback: who called it */
	struct stamp stamp;
	uint32_t n_slots; /* slots in use: the rest is BYTE_NONE */
	struct slot *slots;
};

enum { RECENT_MAX = 8, REFS_MAX = 32 };

/* A record that was taken and not given back. */
struct ref {
	uint32_t id;
	uint32_t frame; /* number of frames when the innermost callback at work began: it must give it back; 0: none */
};

struct stored;

enum { TRAIL_MAX = 256, LINKS_MAX = 64 };
#define TRAIL_IN_ORDER UINT32_MAX

/* What going back over an instruction needs to know of it that the program does not say. */
struct trail {
	uint32_t step; /* its number since the last kept state */
	uint32_t prev; /* the instruction before it; TRAIL_IN_ORDER: the one that stands before it */
	uint32_t slot; /* frame << 16 | index, plus 1: the stack slot that it loads or stores; 0: none */
	uint32_t link; /* a branch: index into links, plus 1; 0: none */
	uint32_t need; /* bit i: what was known of register i before it was used */
};

/* What learned together at a branch: in its own frame, and in one other. */
struct link {
	uint64_t slots[2];
	uint16_t regs[2];
	uint16_t other; /* that frame plus 1; 0: none */
	bool many;      /* more than these */
};

/* One stretch of a path: links, then the trail, in one block. */
struct stretch {
	struct link *links;
	uint32_t n_trail, n_links;
	bool lost;  /* too long: not known */
	bool needs; /* an entry here, or in a stretch before, has a need that was not followed back */
};

struct state {
	uint32_t insn;
	uint32_t n_frames;
	uint32_t n_refs;
	struct frame *frames;
	struct ref refs[REFS_MAX];   /* in the order they were taken */
	struct stamp between;        /* at a helper, before the next round of its callback: work and round */
	struct stored *parent;       /* the newest kept state on this path */
	uint32_t forks;              /* branches that went both ways since then */
	uint32_t steps;              /* instructions since then */
	uint32_t n_recent;           /* branches on this path */
	uint32_t recent[RECENT_MAX]; /* the last of them, a ring: instruction * 2 + taken */
};

struct snap_frame {
	uint32_t call_site, func, callback;
	uint32_t regs; /* bit i: register i is there */
	uint32_t n_slots;
	struct stamp stamp;
};

struct snap_slot {
	uint32_t index;
	uint32_t spill;
	uint8_t byte[SLOT_BYTES];
};

struct snap {
	size_t bytes;
	uint32_t n_frames, n_regs, n_slots, n_refs;
	struct stamp between;
	struct snap_frame *frames;
	struct snap_slot *slots;
	struct reg *regs; /* by frame: registers, then spilled ones */
	struct ref *refs;
	uint8_t *precise; /* by register as in regs: its number matters to what comes (precise.c) */
};

static inline struct frame *state_frame(const struct state *s)
{
	return &s->frames[s->n_frames - 1];
}

static inline bool reg_is_readable(const struct reg *r)
{
	return r->type != REG_NONE && r->type != REG_DEAD;
}

/* Types that hold an address, or may. */
static inline bool reg_is_pointer(const struct reg *r)
{
	return r->type >= REG_CTX && r->type <= REG_FUNC;
}

/* Types that can be loaded from. */
static inline bool reg_is_memory(const struct reg *r)
{
	return r->type == REG_CTX || r->type == REG_STACK || r->type == REG_VALUE || r->type == REG_KEY ||
	       r->type == REG_RECORD;
}

static inline bool reg_may_be_null(const struct reg *r)
{
	return r->type == REG_VALUE_OR_NULL || r->type == REG_RECORD_OR_NULL || r->type == REG_MAP_OR_NULL ||
	       r->type == REG_HANDLE_OR_NULL;
}

static inline bool reg_is_handle(const struct reg *r)
{
	return r->type == REG_HANDLE || r->type == REG_HANDLE_OR_NULL;
}

struct reg reg_scalar(struct scalar s, uint32_t set_at);

/* The size in bytes that snap_fill() needs. */
size_t snap_size(const struct state *s);
/* mem: at least snap_size(s) zeroed or old bytes, aligned for a pointer. */
struct snap *snap_fill(const struct state *s, void *mem);
/* Back into s, whose frames have room. */
void snap_restore(const struct snap *n, struct state *s);
/*
 * Number the ids in order of appearance and drop those that link nothing, so that equal states have equal
 * bytes. scratch: room for 2 * (n_regs + n_refs).
 */
void snap_normalise(struct snap *n, uint32_t *scratch);
uint64_t snap_hash(const struct snap *n, uint32_t insn);
bool snap_equal(const struct snap *a, const struct snap *b);
/*
 * Every machine that `new` stands for is one of old's; with `loose`, but for numbers that are not marked precise in
 * old. Both normalised. map: room for old's n_regs + n_refs + 1 ids.
 */
bool snap_subsumes(const struct snap *old, const struct snap *new, uint32_t *map, bool loose);

/* One line for people: "r0=0..1 r1=ctx fp-8=..." */
void state_print(const struct state *s, struct buf *out);
void reg_print(const struct reg *r, struct buf *out);

#endif
