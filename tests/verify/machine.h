/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: a plain interpreter that knows what every value is, for holding the verifier against.
 *
 * A value is a number, or a tagged pointer with an offset: there are no addresses, so that every misuse is noticed at
 * once: reading what was not written, arithmetic that pointers do not allow, an access outside of its
 * object, a helper given something else than it asks, a record that is not given back. None of them may happen to a
 * program that was accepted. Helpers call back, and timers fire, as often as chance has it.
 */
#ifndef SALLYPORT_TESTS_VERIFY_MACHINE_H
#define SALLYPORT_TESTS_VERIFY_MACHINE_H

#include "engine/verify/verify.h"
#include "fixture.h"

enum val_kind {
	VAL_NONE,
	VAL_NUMBER,
	VAL_CTX,
	VAL_STACK,
	VAL_VALUE,
	VAL_MAP,
	VAL_HANDLE,
	VAL_KEY,
	VAL_RECORD,
	VAL_FUNC
};

struct val {
	uint8_t kind;    /* enum val_kind */
	uint8_t frame;   /* STACK */
	bool inner;      /* VALUE, MAP: one of the maps in `map` */
	uint32_t map;    /* VALUE, MAP, KEY; FUNC: the slot */
	uint32_t object; /* VALUE: which of the map's values; RECORD: which */
	uint64_t n;      /* the number, or the byte offset; STACK: from the frame's top */
};

enum { MACHINE_FRAMES = 8, MACHINE_STACK = 512, MACHINE_OBJECTS = 4, MACHINE_OBJECT_BYTES = 64, MACHINE_RECORDS = 64 };

enum byte_state { MEM_NONE, MEM_DATA, MEM_SAVED /* part of a saved pointer or handle */ };

struct machine_frame {
	struct val r[ISA_N_REGS];
	uint8_t byte[MACHINE_STACK];
	uint8_t state[MACHINE_STACK]; /* enum byte_state */
	struct val saved[MACHINE_STACK / 8];
	uint32_t call_site;
	uint32_t callback; /* id of the helper that called it */
	uint32_t budget;   /* of may_goto */
	bool in_work;      /* at a helper that calls back */
	uint32_t rounds;   /* that it still wants */
};

struct machine_record {
	uint32_t bytes; /* 0: given back */
	uint32_t frame; /* of the innermost callback when it was taken */
	uint8_t data[MACHINE_OBJECT_BYTES];
};

struct machine {
	const struct prog *p;
	const struct abi_profile *profile;
	const struct abi_ctx *ctx;
	uint64_t rng; /* for what helpers answer */
	uint32_t insn, n_frames;
	struct machine_frame frame[MACHINE_FRAMES];
	uint8_t value[N_MAPS][MACHINE_OBJECTS][MACHINE_OBJECT_BYTES];
	uint8_t memory[256]; /* the context */
	uint8_t key[MACHINE_OBJECT_BYTES];
	struct machine_record record[MACHINE_RECORDS];
	uint32_t n_records, n_held;
	uint32_t missing;                       /* bit i: field i of the context, a handle, is not there */
	uint32_t timer_func, timer_map, timers; /* the callback that was set last, and how often it still runs */
	const char *fault;                      /* what went wrong, or NULL */
	bool ended;
};

/* Random memory everywhere that a program is given some. */
void machine_init(struct machine *m, const struct prog *p, const struct abi_profile *profile, const struct abi_ctx *ctx,
		  uint64_t seed);
/* One instruction; afterwards look at ended and fault. */
void machine_step(struct machine *m);

#endif
