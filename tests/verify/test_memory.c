/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on loads, stores and atomic operations: context, values of maps, handles. */
#include "rows.h"

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
		{ "misaligned atomic",
		  CODE(MAP_VALUE(2, MAP_ARRAY, 0), mov(0, 0), atomic(ISA_ATOMIC_ADD, 64, 2, 4, 0), exit_()), 308 },
		{ "misaligned memory", CODE(ldx(64, 2, 1, 4), mov(0, 0), exit_()), 308, &fixture_memory },
		{ "a misaligned map value is fine",
		  CODE(MAP_VALUE(2, MAP_ARRAY, 0), st(64, 2, 3, 0), mov(0, 0), exit_()), 0 },
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
		{ "a map that is not there", CODE(MAP_FD(1, N_MAPS), mov(0, 0), exit_()), 316 },
		{ "a map of an unknown kind", CODE(MAP_FD(1, MAP_ODD_KIND), mov(0, 0), exit_()), 317 },
		{ "the address of a hash's value", CODE(MAP_VALUE(1, MAP_HASH, 0), mov(0, 0), exit_()), 318 },
		{ "the address past an array's value", CODE(MAP_VALUE(1, MAP_ARRAY, 64), mov(0, 0), exit_()), 318 },
		{ "the address before an array's value", CODE(MAP_VALUE(1, MAP_ARRAY, -1), mov(0, 0), exit_()), 318 },
		{ "atomic on the context", CODE(mov(2, 0), atomic(ISA_ATOMIC_ADD, 64, 1, 0, 2), mov(0, 0), exit_()),
		  320 },
		{ "atomic with a pointer",
		  CODE(st(64, 10, -8, 0), atomic(ISA_ATOMIC_ADD, 64, 10, -8, 1), mov(0, 0), exit_()), 320 },
	};

	check_rows(rows, countof(rows), &fixture_type);
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
