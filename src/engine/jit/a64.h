/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64: what the files of the aarch64 compiler share.
 *
 * Registers. r1..r5 are x0..x4 and r0 is x7, so that a helper finds its arguments where it looks for them and env goes
 * to x5; r6..r9 are x19..x22. x25 holds the lowest address of the frame (r10 - VM_STACK_BYTES), because offsets
 * from there are not negative and fit the scaled forms. x26 is the run, x27 the table of imports, x23 the fuel where it
 * is counted; sandboxed, x24 is how many bytes of stack are live from x25 on. x28 is sp as the entry left it, to leave
 * from any depth. x9 to x13 and x16 are scratch; x18 is the platform's.
 *
 * Functions of the program call each other with bl; return addresses and saved registers are on the native stack,
 * frames on the VM's.
 */
#ifndef SALLYPORT_ENGINE_JIT_A64_H
#define SALLYPORT_ENGINE_JIT_A64_H

#include "engine/jit/a64_asm.h"
#include "engine/jit/impl.h"
#include "engine/jit/plan.h"

enum a64_reg {
	A64_ENV = 5,
	A64_R0 = 7,
	A64_T0 = 9, /* the address of a checked access */
	A64_T1,
	A64_T2,
	A64_T3,
	A64_AT = 13, /* the slot at fault */
	A64_CALLEE = 16,
	A64_FUEL = 23,
	A64_LIVE,
	A64_FRAME,
	A64_RUN,
	A64_TABLE,
	A64_ENTRY_SP,
	A64_FP,
};

/* Where a register most likely points to: which window a check looks at first. Never more than a guess. */
enum a64_place { A64_IN_CTX, A64_IN_STACK, A64_ELSEWHERE };

/* What is done about a check that failed inline. */
enum a64_how {
	A64_CALL_CHECK, /* the full one, and back */
	A64_MISALIGNED, /* a fault */
	A64_EACH_CHECK, /* slots up to `end` once more, each access checked for itself; then on at `end` */
};
struct a64_cold {
	a64_label here, back;
	uint32_t slot, end;
	uint8_t base; /* native register with the address */
	uint8_t log2;
	bool write;
	uint8_t how; /* enum a64_how */
};

/* A sandboxed program: [reg + lo, reg + hi) was found to be inside one window, and reg has not changed since. */
struct a64_fact {
	uint8_t reg; /* of eBPF */
	bool write;
	int64_t lo, hi;
	uint32_t until; /* from this slot on code is there that did not find it */
};
enum { A64_FACTS = 8 };

/* A part that stands once per program, if it is used. */
struct a64_stub {
	a64_label label;
	bool used;
};

struct a64_gen {
	struct a64_asm as;
	const struct vm_prog *vp;
	const struct jit_opts *o;
	struct plan plan;
	const struct plan_func *func; /* the one at hand */
	uint32_t at;                  /* the slot at hand */
	uint32_t done;                /* slots from the one at hand on whose code is there */
	uint16_t zero;                /* registers whose upper half is zero */
	struct a64_fact facts[A64_FACTS];
	unsigned n_facts, next_fact;
	uint32_t group_end; /* the region of a check for several accesses ends here */
	bool each;          /* no such checks */
	uint64_t rng;

	/* What the program needs. */
	bool fuel;         /* is counted */
	bool frames;       /* where the frames are is kept in A64_FRAME and A64_LIVE, because the VM or checks ask */
	bool nested;       /* it can be left with more on the native stack than its entry put there */
	bool link;         /* A64_LR changes */
	bool by_table;     /* functions are entered through the table */
	bool outer_maps;   /* there are maps of maps */
	bool map_pointers; /* registers hold a struct map * and no VM_MAP_REF: nobody but helpers called directly looks
			    */
	uint16_t saved;    /* bit i: x19 + i is used */

	a64_label slots;              /* of slot 0; the others follow */
	a64_label funcs;              /* of function 0: where calls lead to; the others follow */
	a64_label entered;            /* the same, behind what a call pays */
	a64_label inner;              /* the same, behind the making of the frame */
	a64_label epilogue;           /* of the function at hand */
	a64_label table;              /* distances of `entered` from here, for callx */
	uint32_t callback;            /* offset of the entry for callbacks */
	struct a64_stub access[4][2]; /* log2 of the bytes, write */
	struct a64_stub wide[2];      /* of A64_T3 bytes: LS when they are in one window */
	struct a64_stub misaligned[4];
	struct a64_stub helper, callx, tail, bad_handle, too_deep, out_of_fuel, end_of_fuel, fault, leave;
	struct a64_cold *cold; /* heap */
	uint32_t n_cold, cap_cold;
	uint8_t place[ISA_N_REGS]; /* enum a64_place */
	struct jit_unwind unwind;  /* where code is put */
};

/* The native register of r0..r9. r10 has none: a64_use. */
unsigned a64_native(unsigned reg);
/* A native register with the value of `reg`: its own, or for r10 tmp, filled. */
unsigned a64_use(struct a64_gen *g, unsigned reg, unsigned tmp);
/* A native register with the constant: tmp, filled, or the zero register. Blinded where asked: then T3 is changed. */
unsigned a64_const(struct a64_gen *g, bool sf, uint64_t imm, unsigned tmp);
/* May a constant of the program stand in the code? */
static inline bool a64_plain(const struct a64_gen *g)
{
	return !g->o->blind;
}

/* Code for one instruction. */
/* dst = a OP b; `a` is a native register: dst's own, or where a copy to it that is left out would have come from. */
void a64_alu(struct a64_gen *g, const struct plan_insn *in, unsigned a);
/* Several at once, from this one on: how many slots, or 0. */
uint32_t a64_fuse(struct a64_gen *g, const struct plan_insn *in);
void a64_branch(struct a64_gen *g, const struct plan_insn *in);
void a64_memory(struct a64_gen *g, const struct plan_insn *in);
void a64_atomic(struct a64_gen *g, const struct plan_insn *in);
void a64_ordered(struct a64_gen *g, const struct plan_insn *in);
void a64_call(struct a64_gen *g, const struct plan_insn *in);
void a64_imm64(struct a64_gen *g, const struct plan_insn *in);

/*
 * Sandboxed: the access must be allowed from here on. True: *base, a native register, has its address; false: there was
 * nothing to check that was not known. T0 to T3 and the flags are changed; *base may be T0.
 */
bool a64_check(struct a64_gen *g, const struct plan_insn *in, unsigned reg, bool write, unsigned *base);
/* The same for one that must be aligned: the native register with its address. */
unsigned a64_checked(struct a64_gen *g, const struct plan_insn *in, unsigned reg, bool write);
static inline void a64_forget_all(struct a64_gen *g)
{
	g->zero = 0;
	g->n_facts = 0;
}
/* What is left of the facts after an instruction. */
void a64_facts_after(struct a64_gen *g, const struct plan_insn *in);
/* Fuel goes down; the flags say whether any is left (PL). */
void a64_put_fuel(struct a64_gen *g, uint32_t amount);
void a64_put_slot(struct a64_gen *g, uint32_t slot);
/* rd = the import at this offset. */
void a64_put_import(struct a64_gen *g, unsigned rd, int32_t off);
/* To a stub, and note that it is needed. */
void a64_to_stub(struct a64_gen *g, enum a64_branch k, uint32_t word, struct a64_stub *s);

/* Cold parts of the function at hand; after the last one, the stubs. */
void a64_put_cold(struct a64_gen *g);
/* Slots up to `end` once more, with nothing known, every check by itself. */
void a64_put_again(struct a64_gen *g, uint32_t from, uint32_t end);
void a64_put_access_stubs(struct a64_gen *g);
void a64_put_call_stubs(struct a64_gen *g);
/* A function that slot `insn` is of begins, or a stub that is called: the return address is in LR, nothing is saved. */
void a64_unwind_start(struct a64_gen *g, uint32_t insn);
/* A stub pushed LR, above 8 bytes of something else, into 32 new bytes. False: it took that back. */
void a64_unwind_stub(struct a64_gen *g, bool pushed);
/* What is entered from any depth, to leave: sp is as the entry left it, or not yet. */
void a64_unwind_leaving(struct a64_gen *g, bool sp_is_back);
/* The callee-saved registers as the entry found them, and return. */
void a64_put_restore(struct a64_gen *g);
/* r0 to r5 to the run, or from it. */
void a64_put_caller_regs(struct a64_gen *g, bool load);
/* Where the frames are to the run. T1 is changed. */
void a64_put_frames(struct a64_gen *g);
/* May this helper be called without the VM? */
bool a64_is_direct(const struct a64_gen *g, const struct plan_insn *in);
/* Where the counter of may_goto is, from sp. */
int a64_loops_offset(const struct a64_gen *g);

#endif
