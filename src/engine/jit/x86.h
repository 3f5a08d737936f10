/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86: the state of one compilation for x86-64, as the files x86_*.c share it.
 *
 * Registers. Each BPF register has its own host register (x86_host), chosen so that a helper's arguments are where the
 * C ABI wants them and r6 to r10 survive calls. r12 is the struct vm_run_state, r9 and r11 are scratch, r10 is the fuel
 * where fuel is counted, else scratch.
 *
 * Pending registers. `mov`, `add` and small `lsh` are not emitted when they are seen: the register becomes pending,
 * with an expression base + index << scale + disp over host registers. A load or store takes the expression as its
 * operand, a copy takes it over, and what nobody asks for is never emitted. Anything else that reads the register has
 * it computed first (x86_compute), and so does whoever overwrites a host register that the expression needs. A pending
 * register's expression refers only to registers that are not pending, or pending on nothing but themselves: so
 * computing one never has to compute more than those that use it.
 *
 * Two streams. Code that runs stands in the hot stream, what a failed check needs in the cold one behind it. Branches
 * are noted, and made short where that reaches, at the end (x86_link.c).
 */
#ifndef SALLYPORT_ENGINE_JIT_X86_H
#define SALLYPORT_ENGINE_JIT_X86_H

#include "engine/jit/impl.h"
#include "engine/jit/plan.h"
#include "engine/jit/x86_enc.h"

enum {
	X86_RUN = R12,
	X86_FUEL = R10,
	X86_T1 = R11,
	X86_T2 = R9,
	X86_FACTS = 6,
	X86_ROOM = 2048, /* bytes in each stream before each instruction; calls and frames take most */
};

struct x86_expr {
	uint8_t base, index, scale; /* BPF registers, or X86_NO_REG */
	bool map;                   /* instead: the reference to map number disp */
	int32_t disp;
};

/* [base + index << scale + lo, ... + hi) was found to be inside a window. */
struct x86_fact {
	uint8_t base, index, scale;
	bool write;
	int32_t lo, hi;
};

enum x86_branch_kind { X86_TO_SLOT, X86_TO_COLD };
enum { X86_JMP = 16, X86_CALL = 17 }; /* beside enum x86_cc */

struct x86_branch {
	uint32_t pos;    /* in the hot stream */
	uint32_t target; /* label, or offset in the cold stream */
	uint8_t kind, cc, len;
	uint8_t shrink; /* bytes to be saved */
	bool fixed;     /* its length is counted on */
};

/* A jump in the cold stream to a place in the hot one. */
struct x86_back {
	uint32_t pos; /* of its 4 bytes, in the cold stream */
	uint32_t hot, n_branches;
};

/* Unwinding, as it is from a place of a stream on. */
struct x86_unwind {
	struct jit_unwind u; /* native: in the stream */
	uint32_t n_branches; /* before it */
};

struct x86_rows {
	struct x86_unwind *p;
	size_t n, cap;
};

struct x86_stream {
	uint8_t *start, *end;
	uint8_t *p; /* where to go on, while the other one is written */
};

struct x86 {
	struct x86_code c;
	struct x86_stream hot, cold;
	const struct jit_opts *o;
	const struct vm_prog *vp;
	const struct plan *plan;
	struct diag *d;
	bool sandboxed, fuel, bmi2, in_cold, oom;
	bool frames;     /* stack_lo, stack_live and depth are kept in the run */
	bool skips_next; /* the instruction at hand did what the next one does */
	bool leaves;     /* a run can end elsewhere than at exit */

	uint32_t at;
	const struct plan_insn *in;
	const struct plan_func *f;
	uint16_t need;     /* registers whose values are wanted from here on */
	uint16_t zero;     /* the upper 32 bits are zero */
	uint16_t small;    /* below 65536 */
	uint16_t stackish; /* most likely an address in the stack: a hint */
	uint16_t pending;
	uint16_t deps[ISA_N_REGS];
	struct x86_expr e[ISA_N_REGS];
	struct x86_fact facts[X86_FACTS];
	unsigned n_facts, next_fact;

	uint32_t *native;    /* per label: offset in the hot stream; UINT32_MAX: not yet known */
	uint32_t *branch_at; /* per label: branches before it */
	struct x86_branch *branches;
	size_t n_branches, cap_branches;
	struct x86_back *backs;
	size_t n_backs, cap_backs;
	struct jit_unwind unwind; /* as it is where code is emitted */
	struct x86_rows rows[2];  /* of the hot stream, of the cold one */
	uint32_t slow_common, deopt_common, depth_common, handle_common, fuel_common, leave_common,
		retpoline_common; /* offsets in the cold stream */
	uint64_t key;
};

extern const uint8_t x86_host[ISA_N_REGS];

static inline uint16_t x86_bit(unsigned r)
{
	return (uint16_t)(1u << r);
}

static inline bool x86_is_live(const struct x86 *x, unsigned r)
{
	return x->in->live >> r & 1;
}

static inline bool x86_is_pending(const struct x86 *x, unsigned r)
{
	return x->pending >> r & 1;
}

/* A field of struct vm_run_state. */
#define X86_RUN_FIELD(field) x86_at(X86_RUN, (int32_t)offsetof(struct vm_run_state, field))

/* --- x86_pend.c: pending registers --- */

static inline struct x86_expr x86_expr_of(const struct x86 *x, unsigned r)
{
	if (x86_is_pending(x, r))
		return x->e[r];
	return (struct x86_expr){ .base = (uint8_t)r, .index = X86_NO_REG };
}

static inline unsigned x86_host_or_none(unsigned r)
{
	return r == X86_NO_REG ? X86_NO_REG : x86_host[r];
}

static inline struct x86_mem x86_mem_of(struct x86_expr e)
{
	return (struct x86_mem){ .base = (uint8_t)x86_host_or_none(e.base),
				 .index = (uint8_t)x86_host_or_none(e.index),
				 .scale = e.scale,
				 .disp = e.disp };
}

/* Make r pending. Its old value is gone. */
void x86_pend(struct x86 *x, unsigned r, struct x86_expr e);
void x86_compute(struct x86 *x, unsigned r);
/* The host register that holds r's value, computed if need be. Good until something else is computed. */
unsigned x86_read(struct x86 *x, unsigned r);
/* r's host register is about to be overwritten, wholly. */
void x86_overwrite(struct x86 *x, unsigned r);
/* r's host register, computed, is about to be changed; returns it. */
unsigned x86_modify(struct x86 *x, unsigned r);
/* r's host register is about to grow by imm: what depends on it is kept right. */
void x86_shift_deps(struct x86 *x, unsigned r, int32_t imm);
/* Compute what is pending and in the set; forget the rest if `all`. */
void x86_settle(struct x86 *x, uint16_t set, bool all);
/* The operand [r + off]. */
struct x86_mem x86_address(struct x86 *x, unsigned r, int32_t off);
void x86_forget_facts(struct x86 *x, unsigned r);

/* --- x86.c: labels: a slot, where a function begins with its prologue, its epilogue --- */

uint32_t x86_exit_label(const struct x86 *x, uint32_t func);
uint32_t x86_entry_label(const struct x86 *x, uint32_t func);
/* It is here, in the hot stream. */
void x86_label(struct x86 *x, uint32_t label);

/* --- x86_link.c --- */

void x86_jump(struct x86 *x, unsigned cc, uint32_t label, bool fixed);
void x86_to_cold(struct x86 *x, unsigned cc, uint32_t cold_offset);
/* Where the cold stream stands; write it from now on; no longer. */
uint32_t x86_cold_next(const struct x86 *x);
void x86_cold_begin(struct x86 *x);
void x86_cold_end(struct x86 *x);
/* In the cold stream: jump to the place in the hot one where it will go on. */
void x86_back_to_hot(struct x86 *x, unsigned cc);
/* In the cold stream: jmp or call to an offset in it. */
void x86_within_cold(struct x86 *x, unsigned op, uint32_t cold_offset);
FALLIBLE x86_link(struct x86 *x, struct arena *a, struct jit_code *out);

/* --- x86_unwind.c: every change of rsp is noted, for debuggers --- */

/* x->unwind was changed, and is so from here on. */
void x86_unwind_note(struct x86 *x);
/* As the caller's call leaves it: at the first byte of a function that slot `insn` is of. */
void x86_unwind_start(struct x86 *x, uint32_t insn);
/* What was emitted took `bytes` from the stack; less than 0: gave back. */
void x86_unwind_sp(struct x86 *x, int bytes);
/* push, pop; what calls preserve is noted as saved there. */
void x86_save(struct x86 *x, unsigned host);
void x86_restore(struct x86 *x, unsigned host);
/* The same without code. */
void x86_unwind_saved(struct x86 *x, unsigned host);
/* The rows of both streams, at their final places. */
FALLIBLE x86_unwind_table(const struct x86 *x, const uint32_t *saved, uint32_t hot_bytes, struct arena *a,
			  struct jit_code *out);

/* --- the instructions --- */

void x86_alu(struct x86 *x);
void x86_divide(struct x86 *x);
void x86_memory(struct x86 *x);
void x86_imm64(struct x86 *x);
void x86_branch(struct x86 *x);
void x86_call(struct x86 *x);
void x86_exit(struct x86 *x);
void x86_func_begin(struct x86 *x);
void x86_callback(struct x86 *x);
/* may_goto: T1 becomes the frame, and its loops are compared with 0; then, one less. */
void x86_loops(struct x86 *x);
void x86_loops_less(struct x86 *x);
void x86_common(struct x86 *x);
/* A constant of the program to a host register, blinded if that is wished. Leaves flags alone unless blinded. */
void x86_const(struct x86 *x, unsigned host, uint64_t v);
/* May v stand in an instruction as it is? */
bool x86_immediate(const struct x86 *x, int64_t v);
/* In the cold stream: go on in the interpreter, at this instruction. */
void x86_deopt(struct x86 *x);

#endif
