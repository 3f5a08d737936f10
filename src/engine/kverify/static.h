/* SPDX-License-Identifier: Apache-2.0 */
/* static: what live_track.c (where do addresses of stack frames go?) and live_static.c (which slots may be read?)
 * share. */
#ifndef SALLYPORT_ENGINE_KVERIFY_STATIC_H
#define SALLYPORT_ENGINE_KVERIFY_STATIC_H

#include "engine/kverify/prune.h"

enum { HALVES = 2 * KSLOTS_MAX, TRACK_OFFS = 4 };

/* A set of half slots of one frame: bit i is the four bytes below -4 * i. */
struct halves {
	uint64_t v[2];
};

/*
 * An address of a stack, or none. Known frame and offsets (at most TRACK_OFFS, ascending); known frame, offset not
 * known (n == 0); or IMPRECISE: of one of the frames in mask. Linux: struct arg_track
 */
struct track {
	union {
		int16_t off[TRACK_OFFS];
		uint16_t mask;
	};
	int8_t frame; /* or enum track_kind */
	int8_t n;
};
enum track_kind { TRACK_NONE = -1, TRACK_UNVISITED = -2, TRACK_IMPRECISE = -3 };

struct track_row {
	struct track r[ISA_N_REGS];
};
struct track_stack {
	struct track slot[KSLOTS_MAX];
};

static inline bool track_is_address(const struct track *t)
{
	return t->frame >= 0 || t->frame == TRACK_IMPRECISE;
}

struct stack_block {
	struct track_stack s;
	struct stack_block *next;
};

/* A function, as called at one place at one depth. */
struct sinstance {
	struct sinstance *next;
	uint32_t callsite; /* or its first instruction, at depth 0 */
	uint32_t depth, subprog;
	bool merged; /* solved before: another pass is recorded apart */
	struct smasks {
		struct halves may_read, must_write, live;
	} * frames[KFRAMES_MAX]; /* per instruction; NULL: nothing known */
};

enum { SBUCKETS = 256, ANALYSES_MAX = 10000 };
struct kstatic {
	struct sinstance *by_call[SBUCKETS];
	struct track_row **rows; /* per subprogram: at each of its instructions; NULL: not looked at */
	/* Stacks at each instruction of the function at work: shared, so never changed in place. NULL: not reached. */
	const struct track_stack **stacks;
	struct stack_block *used, *unused; /* what they are made of; all given back when the next function begins */
	struct track_stack empty;
	struct track_stack **at_call; /* per instruction: the stack at a call */
	uint32_t calls[KFRAMES_MAX];  /* on the way to the function at work */
	uint32_t n_analyses;
	struct sinstance *asked[KFRAMES_MAX];
	uint32_t asked_calls[KFRAMES_MAX], asked_frame, asked_insn;
};

/* Follow addresses through the function, from what its arguments are (NULL: none), until nothing changes: rows, stacks.
 */
void ktrack_empty(struct track_stack *s);
FALLIBLE ktrack_subprog(struct kverifier *v, struct sinstance *n, const struct track *args);

/* ---- live_access.c ---- */
/* Bytes that a call reads (positive) or fills (negative) through argument `arg` (0 to 4); ACCESS_UNKNOWN: any number is
 * read. */
#define KACCESS_UNKNOWN INT64_MIN
int64_t kaccess_of_arg(const struct kverifier *v, uint32_t insn, unsigned arg);
/* A callback whose call passes on an address: its subprogram and the registers. -1: none; -2: more than one. */
int kaccess_callback(const struct kverifier *v, uint32_t insn, unsigned *from, unsigned *to);
unsigned kaccess_n_args(const struct kverifier *v, uint32_t insn);

#endif
