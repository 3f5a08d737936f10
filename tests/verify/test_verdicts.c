/* SPDX-License-Identifier: Apache-2.0 */
/* Small programs and what the verifier must say of each. Together the rows provoke every diagnostic. */
#include "asm.h"
#include "fixture.h"
#include "test.h"

struct row {
	const char *name;
	const struct isa_insn *code;
	size_t n;
	uint16_t id; /* 0: accepted */
	const struct abi_ctx *ctx;
};

static bool provoked[1000];

static enum err verify_with(const struct row *r, const struct abi_profile *profile, const struct abi_prog_type *type,
			    size_t cap, struct diag *d)
{
	struct prog p = fixture_prog(r->code, r->n);
	struct verify_opts o = { .profile = profile, .type = type, .ctx = r->ctx ? r->ctx : &fixture_ctx };
	struct arena a;
	enum err err;

	arena_init(&a, cap);
	diag_init(d);
	err = verify_prog(&p, &o, &a, NULL, d);
	d->notes = NULL;
	arena_done(&a);
	if (err)
		provoked[d->id] = true;
	return err;
}

static void check_rows(const struct row *rows, size_t n, const struct abi_prog_type *type)
{
	for (size_t i = 0; i < n; i++) {
		struct diag d;
		enum err err = verify_with(&rows[i], &fixture_profile, type, 64 << 20, &d);

		test_row = rows[i].name;
		if (err && !rows[i].id)
			print_error("%s: V%u: %s\n", rows[i].name, d.id, d.text);
		CHECK_EQ(err ? d.id : 0, rows[i].id);
	}
	test_row = NULL;
}

TEST(structure_is_checked_before_anything_runs)
{
	struct isa_insn odd = mov(0, 0);
	const struct row rows[] = {
		{ "nothing", CODE(mov(0, 0)), 101 },
		{ "a row that does not fit", CODE(odd, exit_()), 102 },
		{ "half a 64-bit immediate", CODE(imm64(ISA_IMM64_VALUE, 0, 0, 0), mov(0, 0), exit_()), 102 },
		{ "a jump past the end", CODE(jcc(ISA_JEQ, 64, 1, 0, 5), mov(0, 0), exit_()), 104 },
		{ "a jump before the start", CODE(jmp(-2), mov(0, 0), exit_()), 104 },
		{ "a jump into an immediate", CODE(jcc(ISA_JEQ, 64, 1, 0, 1), LDDW(0, 0), exit_()), 104 },
		{ "a jump into another function", CODE(call_local(2), jmp(2), exit_(), mov(0, 0), exit_()), 105 },
		{ "no exit", CODE(mov(0, 0)), 106 },
		{ "a function without exit", CODE(call_local(1), exit_(), mov(0, 0)), 106 },
		{ "a branch at the end", CODE(mov(0, 0), jcc(ISA_JEQ, 64, 0, 1, -2)), 106 },
		{ "code after exit", CODE(mov(0, 0), exit_(), exit_()), 107 },
		{ "code jumped over", CODE(mov(0, 0), jmp(1), mov(0, 1), exit_()), 107 },
		{ "a call out of the program", CODE(call_local(7), exit_()), 108 },
		{ "a call into an immediate", CODE(call_local(1), LDDW(0, 0), exit_()), 108 },
		{ "a function that calls itself", CODE(call_local(1), exit_(), call_local(-1), exit_()), 109 },
		{ "two functions that call each other",
		  CODE(call_local(1), exit_(), call_local(1), exit_(), call_local(-3), exit_()), 109 },
		{ "a kernel function", CODE(call_kind(ISA_CALL_KFUNC, 1), exit_()), 110 },
		{ "a function outside of the program", CODE(FUNC(1, 7), mov(0, 0), exit_()), 108 },
		{ "a function inside of an immediate", CODE(FUNC(1, 0), mov(0, 0), exit_()), 108 },
		{ "the address of a BTF object", CODE(imm64(ISA_IMM64_BTF_ID, 1, 0, 0), PAD, mov(0, 0), exit_()), 110 },
		{ "a classic packet load", CODE(isa_make(ISA_LD_ABS, 32, ISA_FORM_LDABS, 0), exit_()), 110 },
		{ "an arena cast", CODE(isa_make(ISA_ADDR_CAST, 64, ISA_FORM_RRI, 0), exit_()), 110 },
		{ "an empty loop", CODE(mov(0, 0), jmp(-1), exit_()), 107 },
		{ "a loop without progress", CODE(mov(0, 0), jcc(ISA_JEQ, 64, 0, 0, -1), exit_()), 111 },
		{ "a loop that undoes its progress",
		  CODE(mov(0, 0), add(0, 1), add(0, -1), jcc(ISA_JNE, 64, 0, 7, -3), exit_()), 111 },
		{ "a loop on a number that is not known",
		  CODE(ldx(64, 2, 1, CTX_U64), mov(0, 0), jcc(ISA_JNE, 64, 2, 7, -1), exit_()), 111 },
	};
	struct row empty = rows[0];
	struct diag d;

	empty.n = 0;
	CHECK_EQ(verify_with(&empty, &fixture_profile, &fixture_type, 1 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 101);
	odd.width = 32;
	for (size_t i = 1; i < countof(rows); i++) {
		struct isa_insn first[4];
		struct row r = rows[i];

		if (i == 1) { /* the table was filled before `odd` went wrong */
			first[0] = odd;
			first[1] = exit_();
			r.code = first;
		}
		check_rows(&r, 1, &fixture_type);
	}
}

TEST(what_is_not_modelled_is_unsupported_not_merely_rejected)
{
	const struct row r = { "kfunc", CODE(call_kind(ISA_CALL_KFUNC, 1), exit_()), 110 };
	struct diag d;

	CHECK_EQ(verify_with(&r, &fixture_profile, &fixture_type, 1 << 20, &d), E_UNSUPPORTED);
}

TEST(numbers_and_registers)
{
	const struct row rows[] = {
		{ "return a constant", CODE(mov(0, 1), exit_()), 0 },
		{ "r0 never set", CODE(exit_()), 201 },
		{ "r2 never set", CODE(movr(0, 2), exit_()), 201 },
		{ "set on one path only",
		  CODE(jcc(ISA_JEQ, 64, 1, 0, 0), ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(0, 0), exit_()),
		  201 },
		{ "r1 after a helper", CODE(movr(6, 1), call(HELPER_CTX), movr(0, 1), exit_()), 201 },
		{ "r5 after a helper", CODE(mov(5, 0), call(HELPER_CTX), movr(0, 5), exit_()), 201 },
		{ "r6 in a callee", CODE(mov(6, 0), call_local(1), exit_(), movr(0, 6), exit_()), 201 },
		{ "r1 after a local call", CODE(call_local(2), movr(0, 1), exit_(), mov(0, 0), exit_()), 201 },
		{ "r6 kept over a local call", CODE(mov(6, 1), call_local(2), movr(0, 6), exit_(), mov(0, 0), exit_()),
		  0 },
		{ "r0 not set by a callee", CODE(call_local(1), exit_(), exit_()), 201 },
		{ "r10 written", CODE(mov(10, 0), mov(0, 0), exit_()), 202 },
		{ "r10 loaded", CODE(ldx(64, 10, 1, 0), mov(0, 0), exit_()), 202 },
		{ "r10 added to", CODE(add(10, -8), mov(0, 0), exit_()), 202 },
		{ "r10 given a map", CODE(MAP_FD(10, MAP_HASH), mov(0, 0), exit_()), 202 },
		{ "shift by 64", CODE(mov(0, 1), op_ri(ISA_LSH, 64, 0, 64), exit_()), 203 },
		{ "32-bit shift by 32", CODE(mov(0, 1), op_ri(ISA_RSH, 32, 0, 32), exit_()), 203 },
		{ "shift by -1", CODE(mov(0, 1), op_ri(ISA_ARSH, 64, 0, -1), exit_()), 203 },
		{ "shift by 63", CODE(ldx(64, 0, 1, 0), op_ri(ISA_RSH, 64, 0, 63), exit_()), 0 },
		{ "divide by zero", CODE(mov(0, 1), op_ri(ISA_DIV, 64, 0, 0), exit_()), 204 },
		{ "signed remainder by zero", CODE(mov(0, 1), op_ri(ISA_SMOD, 32, 0, 0), exit_()), 204 },
		{ "divide by a number that may be zero",
		  CODE(ldx(64, 2, 1, 0), mov(0, 1), op_rr(ISA_DIV, 64, 0, 0, 2), exit_()), 0 },
		{ "multiply a pointer", CODE(op_ri(ISA_MUL, 64, 1, 8), mov(0, 0), exit_()), 205 },
		{ "32-bit add to a pointer", CODE(op_ri(ISA_ADD, 32, 1, 8), mov(0, 0), exit_()), 205 },
		{ "32-bit move of a pointer", CODE(op_rr(ISA_MOV, 32, 0, 0, 1), mov(0, 0), exit_()), 205 },
		{ "negate a pointer", CODE(op_r(ISA_NEG, 64, 1), mov(0, 0), exit_()), 205 },
		{ "swap a pointer", CODE(op_r(ISA_BSWAP, 64, 1), mov(0, 0), exit_()), 205 },
		{ "sign-extend a pointer", CODE(op_rr(ISA_MOVSX, 64, 32, 0, 1), mov(0, 0), exit_()), 205 },
		{ "subtract a pointer from a number", CODE(mov(2, 9), op_rr(ISA_SUB, 64, 0, 2, 10), mov(0, 0), exit_()),
		  205 },
		{ "add to a map", CODE(MAP_FD(1, MAP_HASH), add(1, 8), mov(0, 0), exit_()), 205 },
		{ "add to a handle", CODE(ldx(64, 2, 1, CTX_HANDLE), add(2, 1), mov(0, 0), exit_()), 206 },
		{ "a handle as a number", CODE(ldx(64, 2, 1, CTX_HANDLE), mov(0, 1), addr(0, 2), exit_()), 206 },
		{ "32-bit move of a handle",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), op_rr(ISA_MOV, 32, 0, 0, 2), mov(0, 0), exit_()), 206 },
		{ "add to a value that may be null",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1), add(0, 4), mov(0, 0),
		       exit_()),
		  207 },
		{ "an unbounded offset",
		  CODE(ldx(64, 2, 1, 0), MAP_VALUE(3, MAP_ARRAY, 0), addr(3, 2), mov(0, 0), exit_()), 208 },
		{ "offsets that add up",
		  CODE(MAP_VALUE(3, MAP_ARRAY, 0), add(3, 1 << 29), add(3, 1 << 29), mov(0, 0), exit_()), 208 },
		{ "the sum of pointers", CODE(movr(2, 10), addr(2, 10), mov(0, 0), exit_()), 209 },
		{ "the difference of pointers to different things",
		  CODE(movr(2, 10), op_rr(ISA_SUB, 64, 0, 2, 1), mov(0, 0), exit_()), 209 },
		{ "the difference of pointers to the stack",
		  CODE(movr(2, 10), add(2, -1), movr(0, 10), op_rr(ISA_SUB, 64, 0, 0, 2), exit_()), 0 },
		{ "a pointer compared with a number", CODE(mov(0, 0), jcc(ISA_JGT, 64, 10, 7, 0), exit_()), 210 },
		{ "pointers to different things compared", CODE(mov(0, 0), jccr(ISA_JEQ, 64, 10, 1, 0), exit_()), 210 },
		{ "half of a pointer compared", CODE(mov(0, 0), jcc(ISA_JEQ, 32, 1, 0, 0), exit_()), 210 },
		{ "bits of a pointer tested", CODE(mov(0, 0), jcc(ISA_JSET, 64, 1, 1, 0), exit_()), 210 },
		{ "a pointer compared with zero",
		  CODE(mov(0, 0), jcc(ISA_JEQ, 64, 10, 0, 1), exit_(), mov(0, 5), exit_()), 0 },
		{ "a handle compared with a number",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), mov(0, 0), jcc(ISA_JEQ, 64, 2, 5, 0), exit_()), 211 },
		{ "two handles compared",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), ldx(64, 3, 1, CTX_LIST), mov(0, 0), jccr(ISA_JEQ, 64, 2, 3, 0),
		       exit_()),
		  211 },
		{ "a handle less than zero",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), mov(0, 0), jcc(ISA_JSLT, 64, 2, 0, 0), exit_()), 211 },
		{ "half of a handle compared with zero",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), mov(0, 0), jcc(ISA_JEQ, 32, 2, 0, 0), exit_()), 211 },
		{ "return the context pointer", CODE(movr(0, 1), exit_()), 212 },
		{ "return a handle", CODE(ldx(64, 0, 1, CTX_HANDLE), exit_()), 212 },
		{ "return 2", CODE(mov(0, 2), exit_()), 213 },
		{ "return -1", CODE(mov(0, -1), exit_()), 213 },
		{ "return anything", CODE(ldx(64, 0, 1, CTX_U64), exit_()), 213 },
		{ "return a bit", CODE(ldx(64, 0, 1, CTX_U64), and_(0, 1), exit_()), 0 },
		{ "return what was compared",
		  CODE(ldx(64, 0, 1, CTX_U64), jcc(ISA_JGT, 64, 0, 1, 1), exit_(), mov(0, 0), exit_()), 0 },
		{ "a variable offset into the context", CODE(ldx(8, 2, 1, CTX_U8), addr(1, 2), mov(0, 0), exit_()),
		  214 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

TEST(branches_tell_what_they_test)
{
	const struct row rows[] = {
		{ "a dead branch may do anything",
		  CODE(mov(0, 1), jcc(ISA_JEQ, 64, 0, 1, 1), ldx(64, 0, 9, 0), exit_()), 0 },
		{ "copies learn together",
		  CODE(ldx(64, 0, 1, 0), movr(2, 0), jcc(ISA_JLE, 64, 2, 1, 1), mov(0, 0), exit_()), 0 },
		{ "a changed copy does not learn",
		  CODE(ldx(64, 0, 1, 0), movr(2, 0), add(0, 1), jcc(ISA_JLE, 64, 2, 1, 1), mov(0, 0), exit_()), 213 },
		{ "a spilled copy learns",
		  CODE(ldx(64, 2, 1, 0), stx(64, 10, -8, 2), jcc(ISA_JLE, 64, 2, 1, 2), mov(0, 0), exit_(),
		       ldx(64, 0, 10, -8), exit_()),
		  0 },
		{ "a 32-bit comparison says nothing of the upper half",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JLE, 32, 0, 1, 1), mov(0, 0), exit_()), 213 },
		{ "unless it is known", CODE(ldx(32, 0, 1, CTX_U32), jcc(ISA_JLE, 32, 0, 1, 1), mov(0, 0), exit_()),
		  0 },
		{ "a signed lower bound alone is not enough",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JSLE, 64, 0, 1, 1), mov(0, 0), exit_()), 213 },
		{ "both signed bounds",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JSGT, 64, 0, 1, 2), jcc(ISA_JSLT, 64, 0, 0, 1), exit_(), mov(0, 0),
		       exit_()),
		  0 },
		{ "a register as the bound",
		  CODE(ldx(64, 0, 1, 0), mov(2, 2), jccr(ISA_JLT, 64, 0, 2, 1), mov(0, 0), exit_()), 0 },
		{ "a register with a bound as the bound",
		  CODE(ldx(64, 0, 1, 0), ldx(8, 2, 1, CTX_U8), and_(2, 1), jccr(ISA_JLE, 64, 0, 2, 1), mov(0, 0),
		       exit_()),
		  0 },
		{ "jset not taken clears bits",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JSET, 64, 0, -2, 1), exit_(), mov(0, 0), exit_()), 0 },
		{ "two values taken off the ends",
		  CODE(ldx(8, 0, 1, CTX_U8), and_(0, 3), jcc(ISA_JEQ, 64, 0, 3, 2), jcc(ISA_JEQ, 64, 0, 2, 1), exit_(),
		       mov(0, 0), exit_()),
		  0 },
		{ "a remainder is below its divisor", CODE(ldx(64, 0, 1, 0), op_ri(ISA_MOD, 64, 0, 2), exit_()), 0 },
		{ "a signed remainder may be negative", CODE(ldx(64, 0, 1, 0), op_ri(ISA_SMOD, 64, 0, 2), exit_()),
		  213 },
		{ "sign extension by shifts",
		  CODE(mov(0, -1), op_ri(ISA_LSH, 64, 0, 32), op_ri(ISA_ARSH, 64, 0, 32), add(0, 1), exit_()), 0 },
		{ "32-bit results have no upper half", CODE(mov(0, -1), op_ri(ISA_ADD, 32, 0, 2), exit_()), 0 },
		{ "a 32-bit constant is zero-extended", CODE(op_ri(ISA_MOV, 32, 0, -1), exit_()), 213 },
		{ "byte swap of a constant", CODE(mov(0, 0x0100), op_r(ISA_BSWAP, 16, 0), exit_()), 0 },
		{ "a comparison with itself",
		  CODE(ldx(64, 2, 1, 0), mov(0, 0), jccr(ISA_JNE, 64, 2, 2, 1), exit_(), mov(0, 9), exit_()), 0 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

TEST(memory_is_only_what_the_program_was_given)
{
	const struct row rows[] = {
		{ "load through a number", CODE(mov(2, 0), ldx(64, 0, 2, 0), exit_()), 301 },
		{ "store through a number", CODE(mov(2, 64), st(64, 2, 0, 0), mov(0, 0), exit_()), 301 },
		{ "load through a map", CODE(MAP_FD(2, MAP_HASH), ldx(64, 0, 2, 0), exit_()), 301 },
		{ "load through null",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1), ldx(64, 0, 0, 0),
		       exit_()),
		  302 },
		{ "load after the check",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1),
		       jcc(ISA_JEQ, 64, 0, 0, 2), ldx(64, 0, 0, 8), and_(0, 1), exit_()),
		  0 },
		{ "load on the wrong side of the check",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1),
		       jcc(ISA_JNE, 64, 0, 0, 2), ldx(64, 0, 0, 8), and_(0, 1), mov(0, 0), exit_()),
		  301 },
		{ "a check of a copy counts",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1), movr(6, 0),
		       jcc(ISA_JEQ, 64, 0, 0, 1), ldx(64, 0, 6, 8), mov(0, 0), exit_()),
		  0 },
		{ "a check of another value does not",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1), movr(6, 0),
		       MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1), jcc(ISA_JEQ, 64, 0, 0, 1),
		       ldx(64, 0, 6, 8), mov(0, 0), exit_()),
		  302 },
		{ "load through a handle", CODE(ldx(64, 2, 1, CTX_HANDLE), ldx(64, 0, 2, 0), exit_()), 303 },
		{ "half a field", CODE(ldx(32, 0, 1, CTX_U64), exit_()), 304 },
		{ "between fields", CODE(ldx(8, 0, 1, 13), exit_()), 304 },
		{ "across fields", CODE(ldx(64, 0, 1, 8), exit_()), 304 },
		{ "past the context", CODE(ldx(64, 0, 1, CTX_BYTES), exit_()), 304 },
		{ "before the context", CODE(ldx(64, 0, 1, -8), exit_()), 304 },
		{ "a handle in halves", CODE(ldx(32, 0, 1, CTX_HANDLE), exit_()), 304 },
		{ "a moved context pointer", CODE(add(1, 4), ldx(8, 0, 1, 8), and_(0, 1), exit_()), 0 },
		{ "store to the context", CODE(st(64, 1, 0, 0), mov(0, 0), exit_()), 305 },
		{ "store to read-only memory", CODE(st(64, 1, 0, 0), mov(0, 0), exit_()), 305, &fixture_memory },
		{ "store to a buffer", CODE(st(64, 1, 56, 0), mov(0, 0), exit_()), 0, &fixture_buffer },
		{ "the last byte of memory", CODE(ldx(8, 0, 1, 63), and_(0, 1), exit_()), 0, &fixture_memory },
		{ "one past memory", CODE(ldx(8, 0, 1, 64), exit_()), 306, &fixture_memory },
		{ "a bounded index into memory",
		  CODE(ldx(8, 2, 1, 0), and_(2, 63), addr(1, 2), ldx(8, 0, 1, 0), and_(0, 1), exit_()), 0,
		  &fixture_memory },
		{ "an index one too far",
		  CODE(ldx(8, 2, 1, 0), and_(2, 64), addr(1, 2), ldx(8, 0, 1, 0), and_(0, 1), exit_()), 306,
		  &fixture_memory },
		{ "below the frame", CODE(st(8, 10, -513, 0), mov(0, 0), exit_()), 307 },
		{ "above the frame", CODE(st(8, 10, 0, 0), mov(0, 0), exit_()), 307 },
		{ "the lowest byte of the frame", CODE(st(8, 10, -512, 0), mov(0, 0), exit_()), 0 },
		{ "misaligned stack", CODE(st(64, 10, -12, 0), mov(0, 0), exit_()), 308 },
		{ "misaligned atomic",
		  CODE(MAP_VALUE(2, MAP_ARRAY, 0), mov(0, 0), atomic(ISA_ATOMIC_ADD, 64, 2, 4, 0), exit_()), 308 },
		{ "misaligned memory", CODE(ldx(64, 2, 1, 4), mov(0, 0), exit_()), 308, &fixture_memory },
		{ "a misaligned map value is fine",
		  CODE(MAP_VALUE(2, MAP_ARRAY, 0), st(64, 2, 3, 0), mov(0, 0), exit_()), 0 },
		{ "stack never written", CODE(ldx(64, 0, 10, -8), exit_()), 309 },
		{ "stack half written", CODE(st(32, 10, -8, 0), ldx(64, 0, 10, -8), exit_()), 309 },
		{ "stack written in parts", CODE(st(32, 10, -8, 0), st(32, 10, -4, 0), ldx(64, 0, 10, -8), exit_()),
		  0 },
		{ "a spilled number comes back whole", CODE(mov(2, 1), stx(64, 10, -8, 2), ldx(64, 0, 10, -8), exit_()),
		  0 },
		{ "and in part", CODE(LDDW(2, 0x100000000), stx(64, 10, -8, 2), ldx(32, 0, 10, -4), exit_()), 0 },
		{ "a spilled pointer comes back",
		  CODE(stx(64, 10, -8, 1), ldx(64, 3, 10, -8), ldx(8, 0, 3, CTX_U8), and_(0, 1), exit_()), 0 },
		{ "half of a spilled pointer", CODE(stx(64, 10, -8, 1), ldx(32, 0, 10, -8), exit_()), 310 },
		{ "a spilled handle as data",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), stx(64, 10, -8, 2), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8),
		       call(1), mov(0, 0), exit_()),
		  310 },
		{ "a broken spilled pointer", CODE(stx(64, 10, -8, 1), st(8, 10, -8, 0), ldx(8, 0, 10, -7), exit_()),
		  309 },
		{ "a variable stack slot",
		  CODE(st(64, 10, -8, 0), ldx(8, 2, 1, CTX_U8), and_(2, 7), movr(3, 10), add(3, -8), addr(3, 2),
		       ldx(8, 0, 3, 0), exit_()),
		  0 },
		{ "a variable stack slot that may be unwritten",
		  CODE(st(64, 10, -8, 0), ldx(8, 2, 1, CTX_U8), and_(2, 15), movr(3, 10), add(3, -16), addr(3, 2),
		       ldx(8, 0, 3, 0), exit_()),
		  309 },
		{ "a variable store spoils what was known",
		  CODE(mov(4, 0), stx(64, 10, -8, 4), ldx(8, 2, 1, CTX_U8), and_(2, 7), movr(3, 10), add(3, -8),
		       addr(3, 2), st(8, 3, 0, 5), ldx(64, 0, 10, -8), exit_()),
		  213 },
		{ "a variable store does not initialise",
		  CODE(ldx(8, 2, 1, CTX_U8), and_(2, 7), movr(3, 10), add(3, -8), addr(3, 2), st(8, 3, 0, 5),
		       ldx(8, 0, 10, -8), exit_()),
		  309 },
		{ "the last bytes of a value", CODE(MAP_VALUE(2, MAP_ARRAY, 8), st(64, 2, 48, 0), mov(0, 0), exit_()),
		  0 },
		{ "one past a value", CODE(MAP_VALUE(2, MAP_ARRAY, 8), st(64, 2, 49, 0), mov(0, 0), exit_()), 311 },
		{ "before a value", CODE(MAP_VALUE(2, MAP_ARRAY, 0), ldx(64, 0, 2, -8), exit_()), 311 },
		{ "a masked index",
		  CODE(ldx(64, 3, 1, 0), and_(3, 63), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3), st(8, 2, 0, 1), mov(0, 0),
		       exit_()),
		  0 },
		{ "a mask one too wide",
		  CODE(ldx(64, 3, 1, 0), and_(3, 63), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3), st(16, 2, 0, 1),
		       mov(0, 0), exit_()),
		  311 },
		{ "an index below zero",
		  CODE(ldx(64, 3, 1, 0), and_(3, 7), MAP_VALUE(2, MAP_ARRAY, 0), op_rr(ISA_SUB, 64, 0, 2, 3),
		       ldx(8, 0, 2, 0), mov(0, 0), exit_()),
		  311 },
		{ "a compared index",
		  CODE(ldx(64, 3, 1, 0), mov(0, 0), jcc(ISA_JGT, 64, 3, 56, 4), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3),
		       st(64, 2, 0, 1), exit_()),
		  0 },
		{ "a signed comparison leaves negative indexes",
		  CODE(ldx(64, 3, 1, 0), mov(0, 0), jcc(ISA_JSGT, 64, 3, 56, 4), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3),
		       st(64, 2, 0, 1), exit_()),
		  208 },
		{ "store to .rodata", CODE(MAP_VALUE(2, MAP_RODATA, 0), st(8, 2, 0, 0), mov(0, 0), exit_()), 312 },
		{ "atomic on .rodata",
		  CODE(MAP_VALUE(2, MAP_RODATA, 0), mov(0, 0), atomic(ISA_ATOMIC_ADD, 64, 2, 0, 0), exit_()), 312 },
		{ "a pointer into a map", CODE(MAP_VALUE(2, MAP_ARRAY, 0), stx(64, 2, 0, 10), mov(0, 0), exit_()),
		  313 },
		{ "a pointer into the context", CODE(stx(64, 1, 0, 10), mov(0, 0), exit_()), 313, &fixture_buffer },
		{ "a handle into a map",
		  CODE(ldx(64, 3, 1, CTX_HANDLE), MAP_VALUE(2, MAP_ARRAY, 0), stx(64, 2, 0, 3), mov(0, 0), exit_()),
		  314 },
		{ "half of a pointer onto the stack", CODE(stx(32, 10, -8, 1), mov(0, 0), exit_()), 315 },
		{ "a map that is not there", CODE(MAP_FD(1, N_MAPS), mov(0, 0), exit_()), 316 },
		{ "a map of an unknown kind", CODE(MAP_FD(1, MAP_ODD_KIND), mov(0, 0), exit_()), 317 },
		{ "the address of a hash's value", CODE(MAP_VALUE(1, MAP_HASH, 0), mov(0, 0), exit_()), 318 },
		{ "the address past an array's value", CODE(MAP_VALUE(1, MAP_ARRAY, 64), mov(0, 0), exit_()), 318 },
		{ "the address before an array's value", CODE(MAP_VALUE(1, MAP_ARRAY, -1), mov(0, 0), exit_()), 318 },
		{ "a callee's stack in the caller's",
		  CODE(movr(1, 10), add(1, -8), call_local(2), mov(0, 0), exit_(), stx(64, 1, 0, 10), mov(0, 0),
		       exit_()),
		  319 },
		{ "a caller's stack written by a callee",
		  CODE(movr(1, 10), add(1, -8), call_local(2), ldx(64, 0, 10, -8), exit_(), st(64, 1, 0, 1), mov(0, 0),
		       exit_()),
		  0 },
		{ "atomic on the context", CODE(mov(2, 0), atomic(ISA_ATOMIC_ADD, 64, 1, 0, 2), mov(0, 0), exit_()),
		  320 },
		{ "atomic with a pointer",
		  CODE(st(64, 10, -8, 0), atomic(ISA_ATOMIC_ADD, 64, 10, -8, 1), mov(0, 0), exit_()), 320 },
		{ "atomic on unwritten stack",
		  CODE(mov(2, 0), atomic(ISA_ATOMIC_ADD, 64, 10, -8, 2), mov(0, 0), exit_()), 309 },
		{ "atomic on a spilled pointer",
		  CODE(stx(64, 10, -8, 1), mov(2, 0), atomic(ISA_ATOMIC_ADD, 64, 10, -8, 2), mov(0, 0), exit_()), 310 },
		{ "atomic spoils what was known",
		  CODE(mov(2, 0), stx(64, 10, -8, 2), atomic(ISA_ATOMIC_ADD, 64, 10, -8, 2), ldx(64, 0, 10, -8),
		       exit_()),
		  213 },
		{ "exchange gives what was there",
		  CODE(mov(2, 1), stx(64, 10, -8, 2), atomic(ISA_ATOMIC_XCHG, 64, 10, -8, 2), movr(0, 2), exit_()),
		  213 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

TEST(helpers_get_what_their_prototypes_ask)
{
	const struct row rows[] = {
		{ "a helper that is not there", CODE(call(77), exit_()), 401 },
		{ "a helper with a negative id", CODE(call(-1), exit_()), 401 },
		{ "a helper of another program type", CODE(call(HELPER_DENIED), mov(0, 0), exit_()), 402 },
		{ "str_eq",
		  CODE(ldx(64, 1, 1, CTX_HANDLE), MAP_VALUE(2, MAP_RODATA, 0), mov(3, 32), call(ABI_HELPER_str_eq),
		       exit_()),
		  0 },
		{ "str_eq past .rodata",
		  CODE(ldx(64, 1, 1, CTX_HANDLE), MAP_VALUE(2, MAP_RODATA, 0), mov(3, 33), call(ABI_HELPER_str_eq),
		       exit_()),
		  311 },
		{ "str_eq without bytes",
		  CODE(ldx(64, 1, 1, CTX_HANDLE), mov(2, 0), mov(3, 0), call(ABI_HELPER_str_eq), exit_()), 0 },
		{ "str_eq of a number", CODE(mov(1, 1), mov(2, 0), mov(3, 0), call(ABI_HELPER_str_eq), exit_()), 403 },
		{ "str_eq of the context", CODE(mov(2, 0), mov(3, 0), call(ABI_HELPER_str_eq), exit_()), 403 },
		{ "str_eq with a number for memory",
		  CODE(ldx(64, 1, 1, CTX_HANDLE), mov(2, 0), mov(3, 1), call(ABI_HELPER_str_eq), exit_()), 403 },
		{ "str_eq with a pointer for a size",
		  CODE(ldx(64, 1, 1, CTX_HANDLE), MAP_VALUE(2, MAP_RODATA, 0), movr(3, 10), call(ABI_HELPER_str_eq),
		       exit_()),
		  403 },
		{ "a missing argument",
		  CODE(ldx(64, 1, 1, CTX_HANDLE), MAP_VALUE(2, MAP_RODATA, 0), call(ABI_HELPER_str_eq), exit_()), 201 },
		{ "an element that may be missing",
		  CODE(ldx(64, 1, 1, CTX_LIST), mov(2, 0), call(ABI_HELPER_list_get), movr(1, 0), mov(2, 0), mov(3, 0),
		       call(ABI_HELPER_str_eq), exit_()),
		  405 },
		{ "an element that was checked",
		  CODE(ldx(64, 1, 1, CTX_LIST), mov(2, 0), call(ABI_HELPER_list_get), jcc(ISA_JEQ, 64, 0, 0, 4),
		       movr(1, 0), mov(2, 0), mov(3, 0), call(ABI_HELPER_str_eq), exit_()),
		  0 },
		{ "a handle kept on the stack",
		  CODE(ldx(64, 2, 1, CTX_HANDLE), stx(64, 10, -8, 2), ldx(64, 1, 10, -8), mov(2, 0), mov(3, 0),
		       call(ABI_HELPER_str_eq), exit_()),
		  0 },
		{ "a size that may be zero",
		  CODE(ldx(8, 2, 1, CTX_U8), and_(2, 7), st(64, 10, -8, 0), movr(1, 10), add(1, -8), call(HELPER_READ),
		       mov(0, 0), exit_()),
		  404 },
		{ "a size that may be negative",
		  CODE(ldx(64, 2, 1, CTX_U64), jcc(ISA_JSGT, 64, 2, 8, 4), st(64, 10, -8, 0), movr(1, 10), add(1, -8),
		       call(HELPER_READ), mov(0, 0), exit_()),
		  404 },
		{ "a size without bound",
		  CODE(ldx(64, 2, 1, CTX_U64), op_ri(ISA_RSH, 64, 2, 1), add(2, 1), jcc(ISA_JSLE, 64, 2, 0, 4),
		       st(64, 10, -8, 0), movr(1, 10), add(1, -8), call(HELPER_READ), mov(0, 0), exit_()),
		  404 },
		{ "a bounded size",
		  CODE(ldx(8, 2, 1, CTX_U8), and_(2, 7), add(2, 1), st(64, 10, -8, 0), movr(1, 10), add(1, -8),
		       call(HELPER_READ), mov(0, 0), exit_()),
		  0 },
		{ "a bounded size over unwritten stack",
		  CODE(ldx(8, 2, 1, CTX_U8), and_(2, 7), add(2, 1), st(32, 10, -8, 0), movr(1, 10), add(1, -8),
		       call(HELPER_READ), mov(0, 0), exit_()),
		  309 },
		{ "a helper initialises",
		  CODE(movr(1, 10), add(1, -16), mov(2, 16), call(HELPER_FILL), ldx(64, 0, 10, -16), and_(0, 1),
		       exit_()),
		  0 },
		{ "but only the bytes that are certain",
		  CODE(ldx(8, 2, 1, CTX_U8), and_(2, 8), add(2, 8), movr(1, 10), add(1, -16), call(HELPER_FILL),
		       ldx(64, 0, 10, -8), and_(0, 1), exit_()),
		  309 },
		{ "a helper writes .rodata",
		  CODE(MAP_VALUE(1, MAP_RODATA, 0), mov(2, 8), call(HELPER_FILL), mov(0, 0), exit_()), 312 },
		{ "a helper writes past the frame",
		  CODE(movr(1, 10), add(1, -8), mov(2, 9), call(HELPER_FILL), mov(0, 0), exit_()), 307 },
		{ "a helper reads the context's fields", CODE(mov(2, 8), call(HELPER_READ), mov(0, 0), exit_()), 304 },
		{ "a helper reads plain memory", CODE(mov(2, 64), call(HELPER_READ), mov(0, 0), exit_()), 0,
		  &fixture_memory },
		{ "a helper reads past plain memory", CODE(mov(2, 65), call(HELPER_READ), mov(0, 0), exit_()), 306,
		  &fixture_memory },
		{ "a helper writes plain memory", CODE(mov(2, 64), call(HELPER_FILL), mov(0, 0), exit_()), 305,
		  &fixture_memory },
		{ "the context to a helper", CODE(call(HELPER_CTX), mov(0, 0), exit_()), 0 },
		{ "a moved context to a helper", CODE(add(1, 8), call(HELPER_CTX), mov(0, 0), exit_()), 403 },
		{ "a result out of range", CODE(call(HELPER_CTX), exit_()), 213 },
		{ "a key that is too short",
		  CODE(st(32, 10, -4, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -4), call(1), mov(0, 0), exit_()),
		  307 },
		{ "a key in a value",
		  CODE(MAP_FD(1, MAP_HASH), MAP_VALUE(2, MAP_ARRAY, 56), call(1), mov(0, 0), exit_()), 0 },
		{ "a key that is a number", CODE(MAP_FD(1, MAP_HASH), mov(2, 5), call(1), mov(0, 0), exit_()), 403 },
		{ "a map that is a value", CODE(MAP_VALUE(1, MAP_ARRAY, 0), movr(2, 1), call(1), mov(0, 0), exit_()),
		  403 },
		{ "an update",
		  CODE(st(64, 10, -8, 1), st(64, 10, -16, 1), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), movr(3, 10),
		       add(3, -16), mov(4, 0), call(ABI_HELPER_map_update_elem), mov(0, 0), exit_()),
		  0 },
		{ "an update of .rodata",
		  CODE(MAP_FD(1, MAP_RODATA), MAP_VALUE(2, MAP_ARRAY, 0), movr(3, 2), mov(4, 0),
		       call(ABI_HELPER_map_update_elem), mov(0, 0), exit_()),
		  406 },
		{ "a callee returns its stack", CODE(call_local(2), mov(0, 0), exit_(), movr(0, 10), exit_()), 407 },
		{ "a callee returns its caller's stack",
		  CODE(movr(1, 10), call_local(3), st(64, 0, -8, 1), ldx(64, 0, 10, -8), exit_(), movr(0, 1), exit_()),
		  0 },
		{ "a prototype that makes no sense", CODE(movr(1, 10), mov(2, 0), call(HELPER_BROKEN), exit_()), 901 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

TEST(loops_that_end_are_accepted)
{
	const struct row rows[] = {
		{ "a counted loop", CODE(mov(0, 0), add(0, 1), jcc(ISA_JLT, 64, 0, 1000, -2), mov(0, 0), exit_()), 0 },
		{ "a loop with a bound that is not known",
		  CODE(ldx(8, 2, 1, CTX_U8), mov(0, 0), add(0, 1), jccr(ISA_JLT, 64, 0, 2, -2), mov(0, 0), exit_()),
		  0 },
		{ "a loop with a branch inside",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), mov(4, 0), jcc(ISA_JSET, 64, 2, 1, 1), add(4, 1), add(3, 1),
		       op_ri(ISA_RSH, 64, 2, 1), jcc(ISA_JLT, 64, 3, 64, -5), mov(0, 0), exit_()),
		  0 },
		{ "loops in loops",
		  CODE(mov(0, 0), mov(2, 0), add(2, 1), jcc(ISA_JLT, 64, 2, 30, -2), add(0, 1),
		       jcc(ISA_JLT, 64, 0, 30, -5), mov(0, 1), exit_()),
		  0 },
		{ "a loop over a value",
		  CODE(mov(3, 0), mov(0, 0), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3), ldx(8, 4, 2, 0), addr(0, 4),
		       add(3, 1), jcc(ISA_JLT, 64, 3, 64, -7), mov(0, 1), exit_()),
		  0 },
		{ "a loop over a value, one too many",
		  CODE(mov(3, 0), mov(0, 0), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3), ldx(8, 4, 2, 0), addr(0, 4),
		       add(3, 1), jcc(ISA_JLE, 64, 3, 64, -7), mov(0, 1), exit_()),
		  311 },
		{ "a loop over pointers",
		  CODE(MAP_VALUE(2, MAP_ARRAY, 0), movr(3, 2), add(3, 64), mov(0, 0), ldx(8, 4, 2, 0), add(2, 1),
		       jccr(ISA_JLT, 64, 2, 3, -3), exit_()),
		  0 },
		{ "a function called in a loop",
		  CODE(mov(6, 0), movr(1, 6), call_local(5), movr(6, 0), jcc(ISA_JLT, 64, 6, 50, -4), mov(0, 0),
		       exit_(), exit_(), movr(0, 1), add(0, 1), exit_()),
		  107 },
		{ "a function called in a loop, for real",
		  CODE(mov(6, 0), movr(1, 6), call_local(4), movr(6, 0), jcc(ISA_JLT, 64, 6, 50, -4), mov(0, 0),
		       exit_(), movr(0, 1), add(0, 1), exit_()),
		  0 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

/*
 * FUNC(2, n) at slot s names the instruction at s + 1 + n. Callbacks stand behind the program; CB is what most of these
 * programs begin with: loop 10 times, with the frame's address.
 */
#define CB(n) mov(1, 10), FUNC(2, n), movr(3, 10), mov(4, 0)

TEST(callbacks_run_zero_or_more_times)
{
	const struct row rows[] = {
		{ "a loop", CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 0), exit_()), 0 },
		{ "index and context",
		  CODE(CB(7), st(64, 10, -8, 0), call(LINUX_LOOP), mov(0, 0), exit_(), stx(64, 2, -8, 1), mov(0, 0),
		       exit_()),
		  0 },
		{ "a third argument", CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), movr(0, 3), exit_()), 201 },
		{ "it may not run at all",
		  CODE(CB(7), call(LINUX_LOOP), ldx(64, 0, 10, -8), mov(0, 0), exit_(), st(64, 2, -8, 0), mov(0, 0),
		       exit_()),
		  309 },
		{ "it may run",
		  CODE(CB(7), st(64, 10, -8, 0), call(LINUX_LOOP), ldx(64, 0, 10, -8), exit_(), st(64, 2, -8, 7),
		       mov(0, 0), exit_()),
		  213 },
		{ "it may run twice",
		  CODE(CB(7), st(64, 10, -8, 0), call(LINUX_LOOP), mov(0, 0), exit_(), ldx(64, 1, 2, -8),
		       MAP_VALUE(3, MAP_ARRAY, 0), addr(3, 1), ldx(8, 0, 3, 0), st(64, 2, -8, 64), mov(0, 0), exit_()),
		  311 },
		{ "a count goes anywhere",
		  CODE(CB(8), st(64, 10, -8, 0), call(LINUX_LOOP), ldx(64, 0, 10, -8), and_(0, 1), exit_(),
		       ldx(64, 1, 2, -8), add(1, 1), stx(64, 2, -8, 1), mov(0, 0), exit_()),
		  0 },
		{ "a count as an index",
		  CODE(CB(7), st(64, 10, -8, 0), call(LINUX_LOOP), mov(0, 0), exit_(), ldx(64, 1, 2, -8),
		       MAP_VALUE(3, MAP_ARRAY, 0), addr(3, 1), ldx(8, 0, 3, 0), add(1, 1), stx(64, 2, -8, 1), mov(0, 0),
		       exit_()),
		  208 },
		{ "a count as an index, tested",
		  CODE(CB(7), st(64, 10, -8, 0), call(LINUX_LOOP), mov(0, 0), exit_(), ldx(64, 1, 2, -8),
		       jcc(ISA_JGT, 64, 1, 63, 6), MAP_VALUE(3, MAP_ARRAY, 0), addr(3, 1), ldx(8, 0, 3, 0), add(1, 1),
		       stx(64, 2, -8, 1), mov(0, 0), exit_()),
		  0 },
		{ "it returns 2", CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 2), exit_()), 409 },
		{ "it returns -1", CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, -1), exit_()), 409 },
		{ "it returns a pointer", CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), movr(0, 10), exit_()),
		  409 },
		{ "it returns nothing", CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), exit_()), 201 },
		{ "it has registers of its own",
		  CODE(mov(6, 1), CB(6), call(LINUX_LOOP), movr(0, 6), exit_(), mov(6, 5), mov(0, 0), exit_()), 0 },
		{ "r1 after the call", CODE(CB(6), call(LINUX_LOOP), movr(0, 1), exit_(), mov(0, 0), exit_()), 201 },
		{ "a number for the function",
		  CODE(mov(1, 1), mov(2, 0), mov(3, 0), mov(4, 0), call(LINUX_LOOP), mov(0, 0), exit_()), 403 },
		{ "the program as its own callback", CODE(CB(-2), call(LINUX_LOOP), mov(0, 0), exit_()), 112 },
		{ "the address of its own stack",
		  CODE(CB(7), st(64, 10, -8, 0), call(LINUX_LOOP), mov(0, 0), exit_(), stx(64, 2, -8, 10), mov(0, 0),
		       exit_()),
		  319 },
		{ "a loop in a loop in a loop",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), CB(6),
		       call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 1), exit_()),
		  0 },
		{ "branches in each round",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 0), jcc(ISA_JSET, 64, 1, 1, 1), mov(3, 1),
		       jcc(ISA_JSET, 64, 1, 2, 1), mov(3, 2), jcc(ISA_JSET, 64, 1, 4, 1), mov(0, 1), exit_()),
		  0 },
		{ "a loop that never ends around it",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), jmp(-8), mov(0, 0), exit_()), 111 },
		{ "a loop that ends around it",
		  CODE(mov(6, 0), CB(8), call(LINUX_LOOP), add(6, 1), jcc(ISA_JLT, 64, 6, 5, -8), mov(0, 0), exit_(),
		       mov(0, 0), exit_()),
		  0 },
		{ "a loop around it that only the callback may end",
		  CODE(ldx(64, 2, 1, 0), stx(64, 10, -8, 2), CB(10), call(LINUX_LOOP), ldx(64, 0, 10, -8),
		       jcc(ISA_JNE, 64, 0, 1, 2), st(64, 10, -8, 0), jmp(-10), mov(0, 0), exit_(),
		       MAP_VALUE(3, MAP_ARRAY, 0), ldx(64, 4, 3, 0), stx(64, 2, -8, 4), mov(0, 0), exit_()),
		  111 },
		{ "a loop in it that never ends",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 0), jcc(ISA_JNE, 64, 1, 7, -2), exit_()),
		  111 },
		{ "each element of a map",
		  CODE(MAP_FD(1, MAP_HASH), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       ldx(64, 5, 2, 0), ldx(64, 5, 3, 8), st(64, 3, 0, 1), movr(5, 4), mov(0, 0), exit_()),
		  0 },
		{ "past the key",
		  CODE(MAP_FD(1, MAP_HASH), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       ldx(64, 5, 2, 1), mov(0, 0), exit_()),
		  322 },
		{ "past the value",
		  CODE(MAP_FD(1, MAP_HASH), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       ldx(64, 5, 3, 9), mov(0, 0), exit_()),
		  311 },
		{ "the key is written",
		  CODE(MAP_FD(1, MAP_HASH), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       st(64, 2, 0, 1), mov(0, 0), exit_()),
		  321 },
		{ "the key is written by a helper",
		  CODE(MAP_FD(1, MAP_HASH), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       movr(1, 2), mov(2, 8), call(HELPER_FILL), mov(0, 0), exit_()),
		  321 },
		{ "the key is used",
		  CODE(MAP_FD(1, MAP_HASH), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       call(ABI_HELPER_map_delete_elem), mov(0, 0), exit_()),
		  0 },
		{ "each element of a program array",
		  CODE(MAP_FD(1, MAP_PROGS), FUNC(2, 6), mov(3, 0), mov(4, 0), call(LINUX_FOR_EACH), mov(0, 0), exit_(),
		       mov(0, 0), exit_()),
		  414 },
		{ "what user space sends",
		  CODE(MAP_FD(1, MAP_USER_RING), FUNC(2, 6), movr(3, 10), mov(4, 0), call(LINUX_DRAIN), mov(0, 0),
		       exit_(), st(64, 2, -8, 1), mov(0, 1), exit_()),
		  0 },
		{ "what user space sends, looked into",
		  CODE(MAP_FD(1, MAP_USER_RING), FUNC(2, 6), movr(3, 10), mov(4, 0), call(LINUX_DRAIN), mov(0, 0),
		       exit_(), ldx(64, 0, 1, 0), exit_()),
		  303 },
		{ "what user space sends, read",
		  CODE(MAP_FD(1, MAP_USER_RING), FUNC(2, 6), movr(3, 10), mov(4, 0), call(LINUX_DRAIN), mov(0, 0),
		       exit_(), movr(3, 1), movr(1, 10), add(1, -8), mov(2, 8), mov(4, 0), mov(5, 0),
		       call(ABI_HELPER_dynptr_read), ldx(64, 1, 10, -8), mov(0, 0), exit_()),
		  0 },
		{ "a sample that was made up",
		  CODE(MAP_FD(1, MAP_USER_RING), FUNC(2, 6), movr(3, 10), mov(4, 0), call(LINUX_DRAIN), mov(0, 0),
		       exit_(), mov(3, 1), movr(1, 10), add(1, -8), mov(2, 8), mov(4, 0), mov(5, 0),
		       call(ABI_HELPER_dynptr_read), mov(0, 0), exit_()),
		  403 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

#define TIMER_SET(n) MAP_VALUE(1, MAP_ARRAY, 8), FUNC(2, n), call(LINUX_TIMER_SET_CALLBACK)

TEST(callbacks_of_timers_stand_for_themselves)
{
	const struct row rows[] = {
		{ "a timer",
		  CODE(MAP_VALUE(1, MAP_ARRAY, 8), MAP_FD(2, MAP_ARRAY), mov(3, 0), call(LINUX_TIMER_INIT),
		       TIMER_SET(4), mov(0, 0), exit_(), ldx(32, 0, 2, 0), ldx(64, 0, 3, 0), mov(0, 0), exit_()),
		  0 },
		{ "it sets itself again", CODE(TIMER_SET(4), mov(0, 0), exit_(), TIMER_SET(-3), mov(0, 0), exit_()),
		  0 },
		{ "it reads past the value",
		  CODE(TIMER_SET(4), mov(0, 0), exit_(), ldx(64, 0, 3, 57), mov(0, 0), exit_()), 311 },
		{ "it returns 1", CODE(TIMER_SET(4), mov(0, 0), exit_(), mov(0, 1), exit_()), 409 },
		{ "it knows no context", CODE(TIMER_SET(4), mov(0, 0), exit_(), movr(0, 4), exit_()), 201 },
		{ "it makes a tail call",
		  CODE(TIMER_SET(4), mov(0, 0), exit_(), movr(1, 3), MAP_FD(2, MAP_PROGS), mov(3, 0),
		       call(LINUX_TAIL_CALL), mov(0, 0), exit_()),
		  403 },
		{ "a timer of another map",
		  CODE(MAP_VALUE(1, MAP_ARRAY, 8), MAP_FD(2, MAP_HASH), mov(3, 0), call(LINUX_TIMER_INIT), mov(0, 0),
		       exit_()),
		  416 },
		{ "a timer at an odd place",
		  CODE(MAP_VALUE(1, MAP_ARRAY, 4), FUNC(2, 4), call(LINUX_TIMER_SET_CALLBACK), mov(0, 0), exit_(),
		       mov(0, 0), exit_()),
		  416 },
		{ "a timer that sticks out",
		  CODE(MAP_VALUE(1, MAP_ARRAY, 56), FUNC(2, 4), call(LINUX_TIMER_SET_CALLBACK), mov(0, 0), exit_(),
		       mov(0, 0), exit_()),
		  311 },
		{ "a timer on the stack",
		  CODE(movr(1, 10), FUNC(2, 4), call(LINUX_TIMER_SET_CALLBACK), mov(0, 0), exit_(), mov(0, 0), exit_()),
		  403 },
		{ "a timer in .rodata",
		  CODE(MAP_VALUE(1, MAP_RODATA, 8), FUNC(2, 4), call(LINUX_TIMER_SET_CALLBACK), mov(0, 0), exit_(),
		       mov(0, 0), exit_()),
		  312 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

#define RESERVE(n) MAP_FD(1, MAP_RING), mov(2, n), mov(3, 0), call(LINUX_RESERVE)
#define SUBMIT(r) movr(1, r), mov(2, 0), call(LINUX_SUBMIT)

TEST(records_are_given_back_once_on_every_path)
{
	const struct row rows[] = {
		{ "taken, filled, given back",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 4), st(64, 0, 8, 7), SUBMIT(0), mov(0, 0), exit_()), 0 },
		{ "never looked at", CODE(RESERVE(16), mov(0, 0), exit_()), 410 },
		{ "not checked", CODE(RESERVE(16), st(64, 0, 0, 0), mov(0, 0), exit_()), 302 },
		{ "given back unchecked", CODE(RESERVE(16), SUBMIT(0), mov(0, 0), exit_()), 405 },
		{ "kept on one path",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 5), ldx(64, 2, 0, 0), jcc(ISA_JEQ, 64, 2, 0, 3), SUBMIT(0),
		       mov(0, 0), exit_()),
		  410 },
		{ "past its end",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 4), st(64, 0, 9, 7), SUBMIT(0), mov(0, 0), exit_()), 322 },
		{ "given back twice",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 7), movr(6, 0), SUBMIT(0), SUBMIT(6), mov(0, 0), exit_()),
		  201 },
		{ "used when given back",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 5), movr(6, 0), SUBMIT(0), ldx(64, 0, 6, 0), mov(0, 0),
		       exit_()),
		  201 },
		{ "a saved copy used when given back",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 6), stx(64, 10, -8, 0), SUBMIT(0), ldx(64, 1, 10, -8),
		       ldx(64, 0, 1, 0), mov(0, 0), exit_()),
		  309 },
		{ "given back in the middle",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 4), add(0, 8), SUBMIT(0), mov(0, 0), exit_()), 403 },
		{ "a number given back", CODE(mov(1, 0), mov(2, 0), call(LINUX_SUBMIT), mov(0, 0), exit_()), 403 },
		{ "two of them",
		  CODE(RESERVE(8), movr(6, 0), RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 3), SUBMIT(0),
		       jcc(ISA_JEQ, 64, 6, 0, 3), SUBMIT(6), mov(0, 0), exit_()),
		  0 },
		{ "one of two",
		  CODE(RESERVE(8), movr(6, 0), RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 3), SUBMIT(0), mov(0, 0), exit_()),
		  410 },
		{ "of a size that is not known",
		  CODE(ldx(8, 2, 1, CTX_U8), add(2, 1), MAP_FD(1, MAP_RING), mov(3, 0), call(LINUX_RESERVE), mov(0, 0),
		       exit_()),
		  408 },
		{ "of no size", CODE(RESERVE(0), mov(0, 0), exit_()), 408 },
		{ "from a map that is no ring",
		  CODE(MAP_FD(1, MAP_ARRAY), mov(2, 8), mov(3, 0), call(LINUX_RESERVE), mov(0, 0), exit_()), 414 },
		{ "a pointer put into it",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 4), stx(64, 0, 0, 10), SUBMIT(0), mov(0, 0), exit_()), 313 },
		{ "atomic in it",
		  CODE(RESERVE(16), mov(2, 1), jcc(ISA_JEQ, 64, 0, 0, 5), st(64, 0, 8, 0),
		       atomic(ISA_ATOMIC_ADD, 64, 0, 8, 2), SUBMIT(0), mov(0, 0), exit_()),
		  0 },
		{ "taken by a function for its caller",
		  CODE(call_local(6), jcc(ISA_JEQ, 64, 0, 0, 3), SUBMIT(0), mov(0, 0), exit_(), RESERVE(16), exit_()),
		  0 },
		{ "taken by a function, kept by its caller",
		  CODE(call_local(2), mov(0, 0), exit_(), RESERVE(16), exit_()), 410 },
		{ "taken in a callback and kept",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), RESERVE(16), mov(0, 0), exit_()), 410 },
		{ "taken in a callback and given back",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 3), SUBMIT(0),
		       mov(0, 0), exit_()),
		  0 },
		{ "given to a callback, which writes it",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 10), movr(6, 0), mov(1, 10), FUNC(2, 9), movr(3, 6),
		       mov(4, 0), call(LINUX_LOOP), SUBMIT(6), mov(0, 0), exit_(), stx(64, 2, 0, 1), mov(0, 0),
		       exit_()),
		  0 },
		{ "given to a callback, which gives it back",
		  CODE(RESERVE(16), jcc(ISA_JEQ, 64, 0, 0, 10), movr(6, 0), mov(1, 10), FUNC(2, 9), movr(3, 6),
		       mov(4, 0), call(LINUX_LOOP), SUBMIT(6), mov(0, 0), exit_(), SUBMIT(2), mov(0, 0), exit_()),
		  411 },
		{ "held over a tail call",
		  CODE(movr(6, 1), RESERVE(16), movr(7, 0), movr(1, 6), MAP_FD(2, MAP_PROGS), mov(3, 0),
		       call(LINUX_TAIL_CALL), mov(0, 0), exit_()),
		  410 },
		{ "too many", CODE(mov(6, 0), RESERVE(8), add(6, 1), jcc(ISA_JLT, 64, 6, 40, -7), mov(0, 0), exit_()),
		  506 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

#define TAIL_CALL MAP_FD(2, MAP_PROGS), mov(3, 1), call(LINUX_TAIL_CALL)

TEST(calls_of_other_kinds)
{
	const struct row rows[] = {
		{ "a tail call", CODE(TAIL_CALL, mov(0, 0), exit_()), 0 },
		{ "what it leaves in r0", CODE(TAIL_CALL, exit_()), 213 },
		{ "r6 is kept when it fails", CODE(mov(6, 1), TAIL_CALL, movr(0, 6), exit_()), 0 },
		{ "a tail call to a hash",
		  CODE(MAP_FD(2, MAP_HASH), mov(3, 1), call(LINUX_TAIL_CALL), mov(0, 0), exit_()), 414 },
		{ "a tail call in a function", CODE(call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()),
		  0 },
		{ "the function's caller may get what the other program returns",
		  CODE(call_local(1), exit_(), TAIL_CALL, mov(0, 0), exit_()), 213 },
		{ "a tail call with much stack below it",
		  CODE(st(64, 10, -256, 0), call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()), 413 },
		{ "a tail call with a little stack below it",
		  CODE(st(64, 10, -248, 0), call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()), 0 },
		{ "a tail call in a callback",
		  CODE(movr(6, 1), mov(1, 10), FUNC(2, 6), movr(3, 6), mov(4, 0), call(LINUX_LOOP), mov(0, 0), exit_(),
		       movr(1, 2), TAIL_CALL, mov(0, 0), exit_()),
		  412 },
		{ "a call through a register", CODE(FUNC(6, 4), callx(6), mov(0, 0), exit_(), mov(0, 0), exit_()), 0 },
		{ "and what it returns", CODE(FUNC(6, 3), callx(6), exit_(), mov(0, 1), exit_()), 0 },
		{ "with arguments", CODE(mov(1, 1), FUNC(6, 3), callx(6), exit_(), movr(0, 1), exit_()), 0 },
		{ "one of two functions",
		  CODE(ldx(8, 7, 1, CTX_U8), FUNC(6, 6), jcc(ISA_JEQ, 64, 7, 0, 2), FUNC(6, 5), callx(6), exit_(),
		       mov(0, 1), exit_(), mov(0, 0), exit_()),
		  0 },
		{ "one of two functions, one of them bad",
		  CODE(ldx(8, 7, 1, CTX_U8), FUNC(6, 6), jcc(ISA_JEQ, 64, 7, 0, 2), FUNC(6, 5), callx(6), exit_(),
		       mov(0, 1), exit_(), mov(0, 2), exit_()),
		  213 },
		{ "through a number", CODE(mov(6, 1), callx(6), mov(0, 0), exit_()), 417 },
		{ "through nothing", CODE(callx(6), mov(0, 0), exit_()), 201 },
		{ "through a changed reference", CODE(FUNC(6, 4), add(6, 1), callx(6), exit_(), mov(0, 1), exit_()),
		  205 },
		{ "recursion through a register",
		  CODE(FUNC(6, 4), callx(6), mov(0, 0), exit_(), FUNC(6, -1), callx(6), exit_()), 112 },
		{ "a reference stored in a map",
		  CODE(FUNC(6, 6), MAP_VALUE(1, MAP_ARRAY, 0), stx(64, 1, 0, 6), mov(0, 0), exit_(), mov(0, 0),
		       exit_()),
		  313 },
		{ "a function as memory", CODE(FUNC(6, 3), ldx(64, 0, 6, 0), exit_(), mov(0, 0), exit_()), 301 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

TEST(may_goto_bounds_what_the_program_does_not)
{
	const struct row rows[] = {
		{ "a loop without an end", CODE(mov(0, 0), may_goto(1), jmp(-2), exit_()), 0 },
		{ "a count", CODE(mov(0, 0), may_goto(2), add(0, 1), jmp(-3), and_(0, 1), exit_()), 0 },
		{ "a count as an index",
		  CODE(mov(6, 0), may_goto(6), MAP_VALUE(1, MAP_ARRAY, 0), addr(1, 6), ldx(8, 0, 1, 0), add(6, 1),
		       jmp(-7), mov(0, 0), exit_()),
		  208 },
		{ "a tested count as an index",
		  CODE(mov(6, 0), may_goto(7), jcc(ISA_JGT, 64, 6, 63, 6), MAP_VALUE(1, MAP_ARRAY, 0), addr(1, 6),
		       ldx(8, 0, 1, 0), add(6, 1), jmp(-8), mov(0, 0), exit_()),
		  0 },
		{ "both ways go round", CODE(mov(0, 0), may_goto(0), jmp(-2)), 111 },
		{ "it stands beside the loop", CODE(mov(0, 0), may_goto(0), jcc(ISA_JEQ, 64, 0, 0, -1), exit_()), 111 },
		{ "a loop in it that never ends",
		  CODE(mov(0, 0), may_goto(2), jcc(ISA_JEQ, 64, 0, 0, -1), jmp(-3), exit_()), 111 },
		{ "a loop in it that ends",
		  CODE(mov(0, 0), may_goto(4), mov(6, 0), add(6, 1), jcc(ISA_JLT, 64, 6, 9, -2), jmp(-5), exit_()), 0 },
		{ "a loop that never ends around it", CODE(mov(0, 0), may_goto(1), jmp(-2), jmp(-4)), 111 },
		{ "branches in it",
		  CODE(movr(6, 1), mov(0, 0), may_goto(6), ldx(64, 2, 6, 0), jcc(ISA_JSET, 64, 2, 1, 1), mov(7, 1),
		       jcc(ISA_JSET, 64, 2, 2, 1), mov(0, 1), jmp(-7), exit_()),
		  0 },
		{ "in a function called in a loop that never ends",
		  CODE(call_local(1), jmp(-2), mov(0, 0), may_goto(1), jmp(-2), exit_()), 111 },
		{ "in a function that it calls",
		  CODE(mov(0, 0), may_goto(2), call_local(2), jmp(-3), exit_(), mov(0, 0), may_goto(1), jmp(-2),
		       exit_()),
		  0 },
		{ "in a callback",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 0), may_goto(1), jmp(-2), exit_()), 0 },
		{ "around a callback",
		  CODE(mov(0, 0), may_goto(7), CB(7), call(LINUX_LOOP), jmp(-8), mov(0, 0), exit_(), mov(0, 0),
		       exit_()),
		  0 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

#define AT_STACK(r) movr(r, 10), add(r, -8)

TEST(values_and_text_for_helpers)
{
	const struct row rows[] = {
		{ "pop fills",
		  CODE(MAP_FD(1, MAP_QUEUE), AT_STACK(2), call(88), ldx(64, 0, 10, -8), and_(0, 1), exit_()), 0 },
		{ "pop past the frame",
		  CODE(MAP_FD(1, MAP_QUEUE), movr(2, 10), add(2, -4), call(88), mov(0, 0), exit_()), 307 },
		{ "pop into .rodata",
		  CODE(MAP_FD(1, MAP_QUEUE), MAP_VALUE(2, MAP_RODATA, 0), call(88), mov(0, 0), exit_()), 312 },
		{ "a peek fills", CODE(MAP_FD(1, MAP_QUEUE), AT_STACK(2), call(89), mov(0, 0), exit_()), 0 },
		{ "a peek into a bloom filter asks",
		  CODE(MAP_FD(1, MAP_BLOOM), AT_STACK(2), call(89), mov(0, 0), exit_()), 309 },
		{ "a pop of a bloom filter", CODE(MAP_FD(1, MAP_BLOOM), AT_STACK(2), call(88), mov(0, 0), exit_()),
		  414 },
		{ "a push reads", CODE(MAP_FD(1, MAP_QUEUE), AT_STACK(2), mov(3, 0), call(87), mov(0, 0), exit_()),
		  309 },
		{ "eight bytes filled", CODE(AT_STACK(1), call(HELPER_LONG), ldx(64, 0, 10, -8), and_(0, 1), exit_()),
		  0 },
		{ "eight bytes past the frame", CODE(movr(1, 10), add(1, -7), call(HELPER_LONG), mov(0, 0), exit_()),
		  307 },
		{ "eight bytes of a number", CODE(mov(1, 8), call(HELPER_LONG), mov(0, 0), exit_()), 403 },
		{ "text", CODE(MAP_VALUE(1, MAP_TEXT, 1), call(HELPER_TEXT), mov(0, 0), exit_()), 0 },
		{ "text without an end", CODE(MAP_VALUE(1, MAP_TEXT, 4), call(HELPER_TEXT), mov(0, 0), exit_()), 418 },
		{ "text that is zeroes", CODE(MAP_VALUE(1, MAP_RODATA, 31), call(HELPER_TEXT), mov(0, 0), exit_()), 0 },
		{ "text before its start",
		  CODE(MAP_VALUE(1, MAP_TEXT, 0), add(1, -1), call(HELPER_TEXT), mov(0, 0), exit_()), 418 },
		{ "text past its end",
		  CODE(MAP_VALUE(1, MAP_RODATA, 31), add(1, 1), call(HELPER_TEXT), mov(0, 0), exit_()), 418 },
		{ "text that may change", CODE(MAP_VALUE(1, MAP_ARRAY, 0), call(HELPER_TEXT), mov(0, 0), exit_()),
		  418 },
		{ "text on the stack", CODE(st(64, 10, -8, 0), AT_STACK(1), call(HELPER_TEXT), mov(0, 0), exit_()),
		  403 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

#define LOOKUP(map) st(64, 10, -8, 0), MAP_FD(1, map), movr(2, 10), add(2, -8), call(ABI_HELPER_map_lookup_elem)
#define AGAIN movr(1, 0), movr(2, 10), add(2, -8), call(ABI_HELPER_map_lookup_elem)

TEST(maps_of_maps)
{
	const struct row rows[] = {
		{ "a value in a map in a map",
		  CODE(LOOKUP(MAP_OUTER), jcc(ISA_JEQ, 64, 0, 0, 7), AGAIN, jcc(ISA_JEQ, 64, 0, 0, 2),
		       ldx(64, 0, 0, 16), mov(0, 1), mov(0, 0), exit_()),
		  0 },
		{ "past it",
		  CODE(LOOKUP(MAP_OUTER), jcc(ISA_JEQ, 64, 0, 0, 7), AGAIN, jcc(ISA_JEQ, 64, 0, 0, 2),
		       ldx(64, 0, 0, 17), mov(0, 1), mov(0, 0), exit_()),
		  311 },
		{ "not checked", CODE(LOOKUP(MAP_OUTER), AGAIN, mov(0, 0), exit_()), 405 },
		{ "the map as memory",
		  CODE(LOOKUP(MAP_OUTER), jcc(ISA_JEQ, 64, 0, 0, 1), ldx(64, 0, 0, 0), mov(0, 0), exit_()), 301 },
		{ "nobody said what is in it", CODE(LOOKUP(MAP_OUTER_BARE), mov(0, 0), exit_()), 415 },
		{ "an update of it",
		  CODE(st(64, 10, -8, 0), MAP_FD(1, MAP_OUTER), movr(2, 10), add(2, -8), movr(3, 2), mov(4, 0),
		       call(ABI_HELPER_map_update_elem), mov(0, 0), exit_()),
		  414 },
		{ "a lookup in a queue", CODE(LOOKUP(MAP_QUEUE), mov(0, 0), exit_()), 414 },
		{ "a timer in an inner map",
		  CODE(LOOKUP(MAP_OUTER), jcc(ISA_JEQ, 64, 0, 0, 11), AGAIN, jcc(ISA_JEQ, 64, 0, 0, 5), movr(1, 0),
		       FUNC(2, 6), call(LINUX_TIMER_SET_CALLBACK), mov(0, 0), mov(0, 0), mov(0, 0), exit_(), mov(0, 0),
		       exit_()),
		  416 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

/* Pairs that pruning must tell apart: the first path is harmless, the second is not. */
TEST(a_safe_path_does_not_hide_an_unsafe_one)
{
	const struct row rows[] = {
		{ "another number",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "the other way round",
		  CODE(ldx(64, 2, 1, 0), mov(3, 64), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 0), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "a number for a pointer",
		  CODE(ldx(64, 2, 1, 0), movr(3, 10), st(64, 10, -8, 0), jcc(ISA_JNE, 64, 2, 0, 1), mov(3, 64),
		       ldx(64, 0, 3, -8), exit_()),
		  301 },
		{ "stack unwritten on one path",
		  CODE(ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), ldx(64, 0, 10, -8), exit_()),
		  309 },
		{ "one byte unwritten on one path",
		  CODE(ldx(64, 2, 1, 0), st(8, 10, -7, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(8, 10, -8, 0),
		       ldx(8, 0, 10, -8), ldx(8, 0, 10, -7), exit_()),
		  309 },
		{ "a saved pointer under the byte on one path",
		  CODE(ldx(64, 2, 1, 0), stx(64, 10, -8, 1), jcc(ISA_JEQ, 64, 2, 0, 1), st(8, 10, -8, 0),
		       ldx(8, 0, 10, -8), exit_()),
		  310 },
		{ "stack read through a pointer that was saved",
		  CODE(movr(3, 10), add(3, -8), stx(64, 10, -16, 3), ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1),
		       st(64, 10, -8, 0), ldx(64, 4, 10, -16), ldx(64, 0, 4, 0), exit_()),
		  309 },
		{ "stack read by a callee",
		  CODE(ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), movr(1, 10), call_local(1),
		       exit_(), ldx(64, 0, 1, -8), exit_()),
		  309 },
		{ "stack read through a pointer that a callee saved",
		  CODE(movr(6, 1), movr(1, 10), movr(2, 10), add(2, -8), call_local(6), ldx(64, 2, 6, 0),
		       jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), ldx(64, 4, 10, -16), ldx(64, 0, 4, 0), exit_(),
		       stx(64, 1, -16, 2), mov(0, 0), exit_()),
		  309 },
		{ "stack read by a helper",
		  CODE(ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), movr(1, 10), add(1, -8),
		       mov(2, 8), call(HELPER_READ), mov(0, 0), exit_()),
		  309 },
		{ "null on one path",
		  CODE(movr(6, 1), st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1),
		       jcc(ISA_JNE, 64, 0, 0, 2), mov(0, 0), exit_(), movr(7, 0), MAP_FD(1, MAP_HASH), movr(2, 10),
		       add(2, -8), call(1), ldx(64, 2, 6, 0), jcc(ISA_JNE, 64, 2, 0, 1), movr(0, 7), ldx(64, 2, 0, 0),
		       mov(0, 0), exit_()),
		  302 },
		{ "links broken on one path",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 4, 1, 0), jcc(ISA_JNE, 64, 4, 0, 1), movr(3, 2),
		       jcc(ISA_JGT, 64, 2, 63, 4), MAP_VALUE(5, MAP_ARRAY, 0), addr(5, 3), ldx(8, 0, 5, 0), mov(0, 0),
		       exit_()),
		  208 },
		{ "another caller",
		  CODE(mov(1, 0), call_local(4), mov(1, 2), call_local(2), mov(0, 0), exit_(),
		       MAP_VALUE(2, MAP_ARRAY, 56), op_ri(ISA_MUL, 64, 1, 8), addr(2, 1), ldx(64, 0, 2, 0), exit_()),
		  311 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

/* The same with the two constants before and after the first branch exchanged: what was explored first comes second. */
static void check_other_way_round(const struct row *r)
{
	struct isa_insn code[64];
	struct row other = *r;
	size_t i = 0, k;
	int64_t imm;

	CHECK(r->n <= countof(code));
	memcpy(code, r->code, r->n * sizeof code[0]);
	while (i + 1 < r->n && code[i].sem != ISA_JEQ)
		i++;
	for (k = 0; k < i && (code[k].row != code[i + 1].row || code[k].dst != code[i + 1].dst); k++)
		;
	if (k == i)
		return;
	imm = code[k].imm;
	code[k].imm = code[i + 1].imm;
	code[i + 1].imm = imm;
	other.code = code;
	check_rows(&other, 1, &fixture_type);
}

/* Pairs that pruning must tell apart only because something hangs on a number. */
TEST(numbers_that_matter_are_told_apart)
{
	const struct row rows[] = {
		{ "through arithmetic",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 32), movr(6, 3),
		       op_ri(ISA_LSH, 64, 6, 1), jmp(0), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  311 },
		{ "through a second number",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), mov(6, 0), addr(6, 3),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "through the stack",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3),
		       mov(3, 0), jmp(0), ldx(64, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  311 },
		{ "saved before the paths meet",
		  CODE(ldx(64, 2, 1, 0), st(64, 10, -8, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 64), mov(3, 0),
		       jmp(0), ldx(64, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0),
		       exit_()),
		  311 },
		{ "part of what was saved",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3), jmp(0),
		       ldx(8, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "a zero somewhere on the stack",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3),
		       ldx(8, 6, 1, CTX_U8), and_(6, 7), movr(7, 10), add(7, -8), addr(7, 6), ldx(8, 8, 7, 0),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 8), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "a zero that was stored in part",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), st(64, 10, -8, 0), jmp(0),
		       stx(8, 10, -8, 3), ldx(64, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  208 },
		{ "a zero that falls apart",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3), jmp(0),
		       st(8, 10, -1, 0), ldx(32, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  208 },
		{ "through a function",
		  CODE(ldx(64, 2, 1, 0), mov(1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(1, 64), call_local(6),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 0), ldx(8, 0, 4, 0), mov(0, 0), exit_(), movr(0, 1),
		       exit_()),
		  311 },
		{ "through the stack of a function's caller",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3),
		       movr(1, 10), call_local(6), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 0), ldx(8, 0, 4, 0), mov(0, 0),
		       exit_(), ldx(64, 0, 1, -8), exit_()),
		  311 },
		{ "a branch that one value decides",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 1), mov(0, 0),
		       jcc(ISA_JEQ, 64, 3, 0, 1), mov(0, 7), exit_()),
		  213 },
		{ "a branch on two numbers",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), mov(4, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 1), mov(0, 0), jmp(0),
		       jccr(ISA_JEQ, 64, 4, 3, 1), mov(0, 7), exit_()),
		  213 },
		{ "a bound that another number gave",
		  CODE(ldx(64, 2, 1, 0), mov(3, 64), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 65), ldx(64, 5, 1, 0), jmp(0),
		       jccr(ISA_JGE, 64, 5, 3, 5), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0), mov(0, 0),
		       mov(0, 0), exit_()),
		  311 },
		{ "a copy that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 5, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), movr(5, 3),
		       mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 4), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  208 },
		{ "a saved copy that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 5, 1, 0), stx(64, 10, -8, 5),
		       jcc(ISA_JEQ, 64, 2, 0, 1), stx(64, 10, -8, 3), mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 5),
		       ldx(64, 5, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  208 },
		{ "a size",
		  CODE(ldx(64, 6, 1, 0), st(64, 10, -8, 0), mov(2, 8), jcc(ISA_JEQ, 64, 6, 0, 1), mov(2, 9),
		       movr(1, 10), add(1, -8), call(HELPER_READ), mov(0, 0), exit_()),
		  307 },
		{ "the size of a record",
		  CODE(ldx(64, 6, 1, 0), mov(2, 16), jcc(ISA_JEQ, 64, 6, 0, 1), mov(2, 8), MAP_FD(1, MAP_RING),
		       mov(3, 0), call(LINUX_RESERVE), jcc(ISA_JEQ, 64, 0, 0, 4), st(64, 0, 8, 0), movr(1, 0),
		       mov(2, 0), call(LINUX_SUBMIT), mov(0, 0), exit_()),
		  322 },
		{ "what is returned", CODE(ldx(64, 2, 1, 0), mov(0, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(0, 2), exit_()),
		  213 },
		{ "where a pointer is compared with null",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 1), mov(0, 0),
		       jccr(ISA_JEQ, 64, 10, 3, 0), exit_()),
		  210 },
		{ "needed long before the path ends",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), jcc(ISA_JEQ, 64, 2, 5, 1), mov(5, 1), mov(5, 2),
		       jcc(ISA_JEQ, 64, 2, 6, 1), mov(5, 1), mov(5, 3), jcc(ISA_JEQ, 64, 2, 7, 1), mov(5, 1), mov(0, 0),
		       exit_()),
		  311 },
		{ "where the older path was cut off itself",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 2, 2), jcc(ISA_JEQ, 64, 2, 1, 2), jmp(2),
		       mov(3, 64), mov(5, 1), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0),
		       exit_()),
		  311 },
		{ "a copy of another number that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 7, 1, 0), movr(5, 7), jcc(ISA_JEQ, 64, 2, 0, 1),
		       movr(5, 3), mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 4), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5),
		       ldx(8, 0, 4, 0), movr(0, 7), mov(0, 0), exit_()),
		  208 },
		{ "on a path that was cut off",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), ldx(64, 5, 1, 0),
		       jcc(ISA_JEQ, 64, 5, 0, 1), mov(5, 0), mov(5, 0), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3),
		       ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
	};

	check_rows(rows, countof(rows), &fixture_type);
	for (size_t i = 0; i < countof(rows); i++)
		check_other_way_round(&rows[i]);
}

/* Sixteen bits of a number, added up one by one: 65536 sums, and nothing hangs on any. */
TEST(numbers_that_do_not_matter_cost_nothing)
{
	enum { BITS = 16 };
	struct isa_insn code[3 * BITS + 5];
	struct verify_opts o = { .profile = &fixture_profile, .type = &fixture_any, .ctx = &fixture_ctx };
	struct verify_stats stats;
	struct arena a;
	struct prog p;
	uint32_t n = 0;

	code[n++] = ldx(64, 2, 1, CTX_U64);
	code[n++] = mov(3, 0);
	for (int i = 0; i < BITS; i++) {
		code[n++] = jcc(ISA_JSET, 64, 2, 1 << i, 1);
		code[n++] = add(3, 1 << i);
		code[n++] = mov(4, 0);
	}
	code[n++] = movr(0, 3);
	code[n++] = add(0, 1);
	code[n++] = exit_();
	p = fixture_prog(code, n);
	arena_init(&a, 16 << 20);
	CHECK_OK(verify_prog(&p, &o, &a, &stats, NULL));
	CHECK(stats.steps < 500);
	arena_done(&a);
}

TEST(budgets_are_limits_not_verdicts)
{
	const struct row loop = { "loop", CODE(mov(0, 0), add(0, 1), jcc(ISA_JLT, 64, 0, 1 << 20, -2), exit_()), 501 };
	const struct row wide = { "wide",
				  CODE(ldx(64, 2, 1, 0), mov(0, 0), jcc(ISA_JEQ, 64, 2, 1, 3),
				       jcc(ISA_JEQ, 64, 2, 2, 2), jcc(ISA_JEQ, 64, 2, 3, 1), jcc(ISA_JEQ, 64, 2, 4, 0),
				       exit_()),
				  502 };
	const struct row deep = { "deep", CODE(call_local(1), exit_(), call_local(1), exit_(), mov(0, 0), exit_()),
				  112 };
	const struct row tall = { "tall",
				  CODE(st(64, 10, -512, 0), call_local(2), mov(0, 0), exit_(), st(64, 10, -512, 0),
				       call_local(2), mov(0, 0), exit_(), st(64, 10, -8, 0), mov(0, 0), exit_()),
				  505 };
	const struct row v4 = { "v4", CODE(mov(0, 1), op_ri(ISA_SDIV, 64, 0, 1), exit_()), 103 };
	struct abi_profile p = fixture_profile;
	struct diag d;

	CHECK_EQ(verify_with(&loop, &p, &fixture_any, 64 << 20, &d), E_LIMIT);
	CHECK_EQ(d.id, 501);
	p.limits.branch_depth = 2;
	CHECK_EQ(verify_with(&wide, &p, &fixture_any, 64 << 20, &d), E_LIMIT);
	CHECK_EQ(d.id, 502);
	p = fixture_profile;
	p.limits.prog_slots = 3;
	CHECK_EQ(verify_with(&wide, &p, &fixture_any, 64 << 20, &d), E_LIMIT);
	CHECK_EQ(d.id, 503);
	for (size_t cap = 0; cap < 1 << 16; cap += 1024 - cap % 7) {
		enum err err = verify_with(&wide, &fixture_profile, &fixture_any, cap, &d);

		CHECK(err == E_LIMIT || err == E_OK);
		CHECK(err == E_OK || d.id == 504);
	}
	p = fixture_profile;
	p.limits.frames = 2;
	CHECK_EQ(verify_with(&deep, &p, &fixture_any, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 112);
	CHECK_OK(verify_with(&deep, &fixture_profile, &fixture_any, 64 << 20, &d));
	CHECK_EQ(verify_with(&tall, &fixture_profile, &fixture_any, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 505);
	p.limits.frames = 8;
	p.limits.isa_version = 3;
	CHECK_EQ(verify_with(&v4, &p, &fixture_any, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 103);
}

TEST(unreachable_code_is_fine_where_the_profile_says_so)
{
	const struct row r = { "code after exit", CODE(mov(0, 0), exit_(), mov(0, 7), exit_()), 0 };
	struct abi_profile p = fixture_profile;
	struct diag d;

	p.allow_unreachable = true;
	CHECK_OK(verify_with(&r, &p, &fixture_type, 1 << 20, &d));
}

TEST(what_the_target_lacks_is_refused_where_it_is_reached_and_says_what_it_is)
{
	static const char *const missing[] = { "the target has no byte offset of struct s.a" };
	struct isa_insn bad = isa_make(ISA_ST, 64, ISA_FORM_ST, 0), code[5];
	const struct verify_opts o = { .profile = &fixture_profile, .type = &fixture_type, .ctx = &fixture_ctx };

	bad.dst = ISA_FP;
	bad.off = PROG_MISSING_OFF;
	bad.imm = PROG_MISSING;
	for (int exists = 0; exists < 2; exists++) {
		struct prog p;
		struct arena a;
		struct diag d;

		code[0] = mov(1, exists);
		code[1] = mov(0, 0);
		code[2] = jcc(ISA_JEQ, 64, 1, 0, 1);
		code[3] = bad;
		code[4] = exit_();
		p = fixture_prog(code, countof(code));
		p.missing = missing;
		p.n_missing = 1;
		arena_init(&a, 1 << 20);
		diag_init(&d);
		CHECK_EQ(verify_prog(&p, &o, &a, NULL, &d), exists ? E_REJECTED : E_OK);
		CHECK_EQ(d.id, exists ? 113 : 0);
		if (exists)
			CHECK_STR(d.text, missing[0]);
		provoked[d.id] = true;
		arena_done(&a);
	}
}

/* Runs last: tests run in the order of this file. */
TEST(every_diagnostic_was_provoked)
{
	for (size_t i = 0; i < verify_n_diags; i++) {
		if (!provoked[verify_diags[i].id])
			print_error("V%u (%s) is not provoked\n", verify_diags[i].id, verify_diags[i].title);
		CHECK(provoked[verify_diags[i].id]);
		CHECK(verify_diags[i].title[0] && verify_diags[i].help[0]);
		CHECK(!i || verify_diags[i - 1].id < verify_diags[i].id);
	}
}
