/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose: what the files that put a reject into words share.
 *
 * A path is the steps from the first instruction to the one that fails, each with the registers as they were before
 * it. A value is what an instruction made: registers and slots that hold the same value are copies of each other.
 */
#ifndef SALLYPORT_ENGINE_KVERIFY_DIAGNOSE_H
#define SALLYPORT_ENGINE_KVERIFY_DIAGNOSE_H

#include "engine/kverify/internal.h"

enum {
	DX_STEPS = 2048, /* of a path are kept: the last ones */
	DX_FACTS = 1024,
	DX_NAME = 64,
	DX_TEXT = 240,
	DX_NONE = 0, /* no value */
};

struct dx_step {
	uint32_t insn, frame;
	struct kreg r[ISA_N_REGS]; /* of that frame, before the instruction */
};

enum dx_kind {
	DX_UNKNOWN,
	DX_ENTRY,   /* there when the function began, in register imm */
	DX_CONST,   /* imm */
	DX_ADDRESS, /* of a map, a map's value, a function */
	DX_ALU,     /* in, of a and b (0: an immediate) */
	DX_LOW,     /* the lower half of a */
	DX_LOAD,    /* of size bytes at a + off */
	DX_CALL,    /* what a call gave */
	DX_GONE,    /* a call may have changed it */
};

struct dx_value {
	enum dx_kind kind;
	uint32_t at; /* index of the step that made it */
	uint32_t a, b;
	const struct isa_insn *in;
	int32_t off;
	uint32_t size;
	int64_t imm;
};

/* A conditional jump on the path. */
struct dx_fact {
	uint32_t at, a, b; /* step, operands; b 0: an immediate */
	const struct isa_insn *in;
	bool taken;
};

struct dx_slot {
	uint32_t value, size;
};

/* Which value is where, at one point. */
struct dx_places {
	uint32_t reg[KFRAMES_MAX][ISA_N_REGS];
	struct dx_slot slot[KFRAMES_MAX][KSLOTS_MAX];
};

struct dx {
	const struct kverifier *v; /* as the failing run left it */
	struct kverify_opts opts;  /* of that run: v->o */
	const struct prog *p;
	struct arena *arena; /* for notes, and for all that stands here */
	struct diag *d;
	const struct kverify_diag_row *row;
	struct dx_step *step; /* n of them; the last is the one that fails */
	uint32_t n;
	uint64_t n_before;    /* steps of the path before step[0] */
	const uint32_t *heat; /* per slot: how often it was judged, on all paths */

	struct dx_value *value; /* [1, n_values) */
	size_t n_values, values_room;
	struct dx_fact *fact;
	uint32_t n_facts;
	struct dx_places *places; /* before the failing step */
	bool no_memory;
};

/* ---- diagnose_values.c ---- */
/* Number the values along the path. False: no memory. */
bool dx_values(struct dx *x);
/* What register r holds where the path fails. */
uint32_t dx_in_reg(const struct dx *x, unsigned r);
static inline const struct dx_value *dx_value(const struct dx *x, uint32_t v)
{
	return &x->value[v];
}
static inline const struct isa_insn *dx_insn(const struct dx *x, uint32_t at)
{
	return &x->p->insns[x->step[at].insn];
}
/* The last conditional jump that says something of v, and how what it looked at is related to v. */
enum dx_relation {
	DX_UNRELATED,
	DX_SAME,
	DX_HALF,      /* it looked at the lower half (or other bits) only */
	DX_RELOADED,  /* it looked at another load of the same memory */
	DX_SAME_CALL, /* it looked at what another call of the same helper gave */
	DX_BEFORE,    /* it looked at what v was computed from */
	DX_AFTER,     /* it looked at something computed from v */
};
const struct dx_fact *dx_fact_about(const struct dx *x, uint32_t v, enum dx_relation *how);
/* The other operand of the jump when one is v (or related): a value, or DX_NONE: the immediate. */
bool dx_is_signed(const struct dx_fact *f);

/*
 * A pointer with an index in it: base + scale * index + off, the last index that was added. index DX_NONE: off is all
 * there is. `at`: the step that adds it. What was added to base before is in base_reg.
 */
struct dx_index {
	uint32_t base, index, at;
	uint64_t scale;
	int64_t off;
	struct kreg base_reg, index_reg; /* as they were when the one was added to the other */
};
struct dx_index dx_pointer_parts(const struct dx *x, uint32_t v);

/* ---- diagnose_source.c: names out of source lines ---- */
/* "e" of "struct entry *e = bpf_map_lookup_elem(...)"; of several declarations in one line, the one that column col
 * lies in. */
bool dx_assigned(const char *line, uint32_t col, char name[DX_NAME], const char **right);
/* "e->name[i]" around column col (from 1). */
bool dx_expression_at(const char *line, uint32_t col, char name[DX_NAME]);
/* The first "base->member" or "base[i]" of the line. */
bool dx_member_of(const char *line, const char *base, char name[DX_NAME]);
/* The n-th argument (from 0) of the call of `function` in the line. */
bool dx_argument(const char *line, const char *function, unsigned n, char name[DX_NAME]);
/* Nothing but names, members, casts, * and &: no arithmetic. */
bool dx_is_plain(const char *expression);
const char *dx_line_text(const struct dx *x, uint32_t insn); /* without leading blanks; "" when there is none */
uint32_t dx_line(const struct dx *x, uint32_t insn);         /* 0: not known */

/* ---- diagnose_words.c ---- */
/* What the program calls it; false: the source does not tell. */
bool dx_name(const struct dx *x, uint32_t v, char name[DX_NAME]);
/* "`len` (r2)", or "r2". */
const char *dx_call_it(const struct dx *x, unsigned r, char out[DX_NAME + 8]);
/* "a number from 0 to 255", "packet data plus 14, 34 bytes from its start known to be there". */
const char *dx_describe(const struct dx *x, const struct kreg *r, char out[DX_TEXT]);
/* "helper bpf_ktime_get_ns", "function f", "kfunc". */
const char *dx_callee(const struct dx *x, const struct isa_insn *in, uint32_t insn, char out[DX_NAME]);
/* A note at the line of a step (or none). */
void dx_note(struct dx *x, uint32_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void dx_note_plain(struct dx *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "line 12", or "instruction 7". */
const char *dx_where(const struct dx *x, uint32_t at, char out[DX_NAME]);
/* A mend for this very program, in place of the row's. Later ones do not replace the first. */
void dx_mend(struct dx *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What holds on this side of the jump: "`len` <= 64". */
const char *dx_condition(const struct dx *x, const struct dx_fact *f, char out[DX_TEXT]);

/* ---- diagnose_path.c ---- */
void dx_note_path(struct dx *x);
/* The last step before `before` that calls this helper; UINT32_MAX: none. */
uint32_t dx_last_call(const struct dx *x, uint32_t helper, uint32_t before);

/* ---- diagnose_memory.c, diagnose_numbers.c, diagnose_calls.c: one function per family of reasons; false: not theirs
 */
bool dx_memory(struct dx *x);
bool dx_calls(struct dx *x);
bool dx_resources(struct dx *x);
bool dx_structure(struct dx *x);
/* ---- diagnose_bounds.c ---- */
/* A number must lie in [min, max]: what is known, what was checked, what is missing. use: "index", "size". */
struct dx_need {
	uint32_t value; /* whose */
	struct kreg reg;
	int64_t min, max;
	uint32_t at;       /* the step that relies on it */
	const char *whose; /* "the value of m is 64 bytes long" */
	const char *name;  /* what the source calls it there; NULL: what it is called where it was made */
	const char *limit; /* in place of max: "sizeof(buf)" */
};
void dx_explain_bounds(struct dx *x, const struct dx_need *need);
/* "where it comes from": a note at the step that made v. */
void dx_note_origin(struct dx *x, uint32_t v, unsigned reg);
/* A pointer that may be NULL is used at the failing step. */
void dx_explain_null(struct dx *x, uint32_t v, unsigned reg);
/* The bytes of what a pointer points to, with a name for it in `whose`; 0: not known. end: where the object ends,
 * counted as the pointer's offset is. */
bool dx_object(const struct dx *x, const struct kreg *r, int64_t *end, char whose[DX_TEXT]);
/* A pointer is gone that an earlier step still had: which step took it. False: it never was one. */
bool dx_explain_forgotten(struct dx *x, unsigned reg);

#endif
