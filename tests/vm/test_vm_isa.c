/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each instruction does: one row or more for every row of isa.def, and a test that none is without. Expected
 * values are from RFC 9669 sections 4 and 5, worked out by hand.
 */
#include "vmtest.h"

#define TOP UINT64_C(0x8000000000000000)
#define ONES UINT64_MAX

/* dst = a OP b, b also as the immediate. */
struct alu_row {
	const char *op;
	uint64_t a, b, want;
};
// clang-format off
static const struct alu_row alu_rows[] = {
	{ "ADD64_IMM", 1, (uint64_t)-2, ONES }, { "ADD64_REG", ONES, 2, 1 },
	{ "SUB64_IMM", 0, 1, ONES }, { "SUB64_REG", 5, 7, (uint64_t)-2 },
	{ "MUL64_IMM", TOP + 3, 2, 6 }, { "MUL64_REG", 0x100000001, 0x100000001, 0x200000001 },
	{ "DIV64_IMM", ONES, (uint64_t)-1, 1 }, { "DIV64_IMM", 9, 0, 0 }, { "DIV64_REG", TOP, 3, TOP / 3 },
	{ "DIV64_REG", 7, 0, 0 },
	{ "SDIV64_IMM", (uint64_t)-7, 2, (uint64_t)-3 }, { "SDIV64_IMM", TOP, (uint64_t)-1, TOP },
	{ "SDIV64_IMM", 4, 0, 0 }, { "SDIV64_REG", TOP, ONES, TOP }, { "SDIV64_REG", 7, (uint64_t)-2, (uint64_t)-3 },
	{ "SDIV64_REG", 7, 0, 0 },
	{ "OR64_IMM", 1, TOP >> 33, 0x40000001 }, { "OR64_IMM", 0, (uint64_t)-16, (uint64_t)-16 },
	{ "OR64_REG", 0xf0, 0x0f, 0xff },
	{ "AND64_IMM", ONES, (uint64_t)-16, (uint64_t)-16 }, { "AND64_REG", 0xff00, 0x0ff0, 0x0f00 },
	{ "LSH64_IMM", 1, 63, TOP }, { "LSH64_REG", 3, 64 + 1, 6 }, { "LSH64_REG", 3, 0x100, 3 },
	{ "RSH64_IMM", TOP, 63, 1 }, { "RSH64_REG", ONES, 64 + 60, 15 },
	{ "ARSH64_IMM", TOP, 63, ONES }, { "ARSH64_REG", (uint64_t)-16, 2, (uint64_t)-4 },
	{ "MOD64_IMM", ONES, 10, 5 }, { "MOD64_IMM", 77, 0, 77 }, { "MOD64_REG", 17, 5, 2 }, { "MOD64_REG", ONES, 0, ONES },
	{ "SMOD64_IMM", (uint64_t)-7, 3, (uint64_t)-1 }, { "SMOD64_IMM", TOP, (uint64_t)-1, 0 },
	{ "SMOD64_IMM", 5, 0, 5 }, { "SMOD64_REG", 7, (uint64_t)-3, 1 }, { "SMOD64_REG", TOP, ONES, 0 },
	{ "SMOD64_REG", (uint64_t)-9, 0, (uint64_t)-9 },
	{ "XOR64_IMM", ONES, (uint64_t)-1, 0 }, { "XOR64_REG", 0xff, 0x0f, 0xf0 },
	{ "MOV64_IMM", 3, (uint64_t)-5, (uint64_t)-5 }, { "MOV64_REG", 3, TOP, TOP },
	{ "MOVSX64_8", 0, 0x180, (uint64_t)-128 }, { "MOVSX64_16", 0, 0x18000, (uint64_t)-32768 },
	{ "MOVSX64_32", 0, 0x180000000, (uint64_t)INT32_MIN }, { "MOVSX64_8", 0, 0x17f, 0x7f },

	{ "ADD32_IMM", 0xffffffff, 1, 0 }, { "ADD32_REG", ONES, ONES, 0xfffffffe },
	{ "SUB32_IMM", TOP, 1, 0xffffffff }, { "SUB32_REG", 1, 2, 0xffffffff },
	{ "MUL32_IMM", 0x80000001, 2, 2 }, { "MUL32_REG", ONES, ONES, 1 },
	{ "DIV32_IMM", ONES, (uint64_t)-1, 1 }, { "DIV32_IMM", ONES, 0, 0 }, { "DIV32_REG", ONES, 0x100000002, 0x7fffffff },
	{ "DIV32_REG", 5, TOP, 0 },
	{ "SDIV32_IMM", 0xfffffff9, 2, 0xfffffffd }, { "SDIV32_IMM", 0x80000000, (uint64_t)-1, 0x80000000 },
	{ "SDIV32_REG", 0x80000000, 0xffffffff, 0x80000000 }, { "SDIV32_REG", 8, 0, 0 },
	{ "OR32_IMM", TOP, 1, 1 }, { "OR32_REG", TOP | 2, 1, 3 },
	{ "AND32_IMM", ONES, (uint64_t)-2, 0xfffffffe }, { "AND32_REG", ONES, ONES, 0xffffffff },
	{ "LSH32_IMM", 3, 31, 0x80000000 }, { "LSH32_REG", 1, 33, 2 },
	{ "RSH32_IMM", ONES, 31, 1 }, { "RSH32_REG", ONES, 32 + 28, 15 },
	{ "ARSH32_IMM", 0x80000000, 31, 0xffffffff }, { "ARSH32_REG", 0x180000000, 4, 0xf8000000 },
	{ "MOD32_IMM", TOP | 77, 10, 7 }, { "MOD32_IMM", ONES, 0, 0xffffffff }, { "MOD32_REG", TOP | 9, TOP, 9 },
	{ "SMOD32_IMM", 0xfffffff9, 3, 0xffffffff }, { "SMOD32_IMM", 0x80000000, (uint64_t)-1, 0 },
	{ "SMOD32_REG", 7, 0xfffffffd, 1 }, { "SMOD32_REG", TOP | 7, 0, 7 },
	{ "XOR32_IMM", ONES, (uint64_t)-1, 0 }, { "XOR32_REG", TOP | 1, 3, 2 },
	{ "MOV32_IMM", ONES, (uint64_t)-5, 0xfffffffb }, { "MOV32_REG", 0, ONES, 0xffffffff },
	{ "MOVSX32_8", ONES, 0x80, 0xffffff80 }, { "MOVSX32_16", ONES, 0x8000, 0xffff8000 },

	{ "NEG64", 1, 0, ONES }, { "NEG64", TOP, 0, TOP }, { "NEG32", TOP | 1, 0, 0xffffffff },
	{ "LE16", 0x1122334455667788, 0, 0x7788 }, { "LE32", 0x1122334455667788, 0, 0x55667788 },
	{ "LE64", 0x1122334455667788, 0, 0x1122334455667788 }, { "BE16", 0x1122334455667788, 0, 0x8877 },
	{ "BE32", 0x1122334455667788, 0, 0x88776655 }, { "BE64", 0x1122334455667788, 0, 0x8877665544332211 },
	{ "BSWAP16", 0x1122334455667788, 0, 0x8877 }, { "BSWAP32", 0x1122334455667788, 0, 0x88776655 },
	{ "BSWAP64", 0x1122334455667788, 0, 0x8877665544332211 },
	{ "LDDW", 5, 0x1122334455667788, 0x1122334455667788 },
};
// clang-format on

/* What the instruction before the tested one wrote: a, b, or something else; or a jump leads to the tested one. */
enum before { A_LAST, B_LAST, OTHER_LAST, JUMPED_TO, N_BEFORE };

static void put_operands(struct code *c, uint64_t a, uint64_t b, enum before before)
{
	if (before != B_LAST)
		lddw(c, 2, b);
	lddw(c, 1, a);
	if (before == B_LAST)
		lddw(c, 2, b);
	if (before == OTHER_LAST)
		movi(c, 3, 77);
	if (before == JUMPED_TO)
		(void)emit(c, "JA", 0, 0, 0, 0);
}

TEST(arithmetic_gives_what_rfc_9669_says_wherever_its_operands_are)
{
	for (size_t i = 0; i < countof(alu_rows); i++) {
		const struct alu_row *row = &alu_rows[i];

		test_row = row->op;
		for (enum before before = 0; before < N_BEFORE; before++) {
			struct code c = { 0 };

			put_operands(&c, row->a, row->b, before);
			(void)emit(&c, row->op, 1, 2, 0, (int64_t)row->b);
			mov(&c, 0, 1);
			exit_(&c);
			struct outcome o = run_code(&c, NULL);
			CHECK_OK(o.err);
			CHECK_EQ(o.r0, row->want);
		}
	}
}

struct jump_row {
	const char *op;
	uint64_t a, b;
	bool taken;
};
// clang-format off
static const struct jump_row jump_rows[] = {
#define BOTH(name, a, b, taken) { #name "_IMM", a, (uint64_t)(b), taken }, { #name "_REG", a, (uint64_t)(b), taken }
	BOTH(JEQ64, ONES, -1, true), BOTH(JEQ64, 0xffffffff, -1, false),
	BOTH(JNE64, 0xffffffff, -1, true), BOTH(JNE64, 5, 5, false),
	BOTH(JGT64, ONES, 1, true), BOTH(JGT64, 1, 1, false), BOTH(JGT64, 1, -1, false),
	BOTH(JGE64, 1, 1, true), BOTH(JGE64, 0, -1, false),
	BOTH(JLT64, 0, -1, true), BOTH(JLT64, 1, 1, false),
	BOTH(JLE64, 1, 1, true), BOTH(JLE64, ONES, 1, false),
	BOTH(JSGT64, 0, -1, true), BOTH(JSGT64, ONES, 1, false), BOTH(JSGT64, 1, 1, false),
	BOTH(JSGE64, 1, 1, true), BOTH(JSGE64, TOP, 0, false),
	BOTH(JSLT64, ONES, 1, true), BOTH(JSLT64, 0xffffffff, 1, false),
	BOTH(JSLE64, 1, 1, true), BOTH(JSLE64, 0, -1, false),
	BOTH(JSET64, 6, 2, true), BOTH(JSET64, 5, 2, false), BOTH(JSET64, TOP, -1, true),
	BOTH(JEQ32, TOP | 5, 5, true), BOTH(JEQ32, 4, 5, false),
	BOTH(JNE32, TOP | 5, 5, false), BOTH(JNE32, 4, 5, true),
	BOTH(JGT32, 0xffffffff, 1, true), BOTH(JGT32, TOP, 1, false),
	BOTH(JGE32, TOP | 1, 1, true), BOTH(JGE32, TOP, 1, false),
	BOTH(JLT32, TOP, 1, true), BOTH(JLT32, 0xffffffff, 1, false),
	BOTH(JLE32, TOP | 1, 1, true), BOTH(JLE32, TOP | 2, 1, false),
	BOTH(JSGT32, 1, -1, true), BOTH(JSGT32, 0xffffffff, 1, false),
	BOTH(JSGE32, TOP | 1, 1, true), BOTH(JSGE32, 0x80000000, 1, false),
	BOTH(JSLT32, 0x80000000, 0, true), BOTH(JSLT32, TOP | 1, 0, false),
	BOTH(JSLE32, 0x80000000, 0, true), BOTH(JSLE32, 1, 0, false),
	BOTH(JSET32, TOP | 4, 4, true), BOTH(JSET32, TOP, -1, false),
#undef BOTH
	{ "JA", 0, 0, true }, { "JA32", 0, 0, true },
};
// clang-format on

static void check_jump(const struct jump_row *row, enum before before, bool backwards)
{
	struct code c = { 0 };
	struct outcome o;
	uint32_t start = 0;

	if (backwards) {
		(void)emit(&c, "JA", 0, 0, 2, 0);
		start = c.n;
		movi(&c, 0, 1);
		exit_(&c);
	}
	movi(&c, 0, 0);
	put_operands(&c, row->a, row->b, before);
	(void)emit(&c, row->op, 1, 2, backwards ? (int32_t)start - (int32_t)c.n - 1 : 1, (int64_t)row->b);
	exit_(&c);
	movi(&c, 0, 1);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, row->taken);
}

TEST(jumps_are_taken_when_the_comparison_holds_in_both_directions)
{
	for (size_t i = 0; i < countof(jump_rows); i++)
		for (enum before before = 0; before < N_BEFORE; before++) {
			test_row = jump_rows[i].op;
			check_jump(&jump_rows[i], before, false);
			check_jump(&jump_rows[i], before, true);
		}
}

/* Memory is 16 bytes, 0x80 0x81 ... 0x8f; the access is at offset 8 from a pointer to the middle minus 8. */
struct load_row {
	const char *op;
	uint64_t want;
};
// clang-format off
static const struct load_row load_rows[] = {
	{ "LDXB", 0x88 }, { "LDXH", 0x8988 }, { "LDXW", 0x8b8a8988 }, { "LDXDW", 0x8f8e8d8c8b8a8988 },
	{ "LDXSB", 0xffffffffffffff88 }, { "LDXSH", 0xffffffffffff8988 }, { "LDXSW", 0xffffffff8b8a8988 },
	{ "LOAD_ACQ8", 0x88 }, { "LOAD_ACQ16", 0x8988 }, { "LOAD_ACQ32", 0x8b8a8988 }, { "LOAD_ACQ64", 0x8f8e8d8c8b8a8988 },
};
// clang-format on

static void fill(uint8_t mem[16])
{
	for (unsigned i = 0; i < 16; i++)
		mem[i] = (uint8_t)(0x80 + i);
}

/* Copy 16 bytes of context to r10-16. */
static void copy_to_stack(struct code *c)
{
	for (int32_t i = 0; i < 16; i += 8) {
		ldx(c, "LDXDW", 3, 1, i);
		stx(c, "STXDW", 10, i - 16, 3);
	}
}

TEST(loads_give_the_bytes_extended_from_context_and_stack)
{
	_Alignas(8) uint8_t mem[16];

	fill(mem);
	for (size_t i = 0; i < countof(load_rows); i++)
		for (unsigned way = 0; way < 4; way++) {
			struct code c = { 0 };
			struct outcome o;

			test_row = load_rows[i].op;
			copy_to_stack(&c);
			mov(&c, 4, way == 2 ? 10 : 1);
			if (way == 2)
				addi(&c, 4, -16);
			if (way == 0)
				movi(&c, 5, 0); /* else the base is what was written last */
			if (way == 3)
				ldx(&c, load_rows[i].op, 0, 10, -8);
			else
				ldx(&c, load_rows[i].op, 0, 4, 8);
			exit_(&c);
			o = run_code(&c, &(struct vm_run_args){ .ctx = mem, .ctx_bytes = 16 });
			CHECK_OK(o.err);
			CHECK_EQ(o.r0, load_rows[i].want);
		}
}

/* The value stored is 0x1122334455667788 or the immediate -2, at offset 8 of 16 bytes of 0x80.. ; the answer is those 8
 * bytes. */
// clang-format off
static const struct load_row store_rows[] = {
	{ "STXB", 0x8f8e8d8c8b8a8988 }, { "STXH", 0x8f8e8d8c8b8a7788 }, { "STXW", 0x8f8e8d8c55667788 },
	{ "STXDW", 0x1122334455667788 }, { "STB", 0x8f8e8d8c8b8a89fe }, { "STH", 0x8f8e8d8c8b8afffe },
	{ "STW", 0x8f8e8d8cfffffffe }, { "STDW", 0xfffffffffffffffe },
	{ "STORE_REL8", 0x8f8e8d8c8b8a8988 }, { "STORE_REL16", 0x8f8e8d8c8b8a7788 },
	{ "STORE_REL32", 0x8f8e8d8c55667788 }, { "STORE_REL64", 0x1122334455667788 },
};
// clang-format on

static void check_store(const struct load_row *row, unsigned way)
{
	_Alignas(8) uint8_t mem[16];
	bool stack = way >= 3;
	struct code c = { 0 };
	struct outcome o;

	fill(mem);
	copy_to_stack(&c);
	lddw(&c, 5, 0x1122334455667788);
	mov(&c, 4, stack ? 10 : 1);
	if (stack)
		addi(&c, 4, -16);
	if (way == 0)
		movi(&c, 6, 0);
	if (way == 1 || way == 5) /* the value is what was written last */
		lddw(&c, 5, 0x1122334455667788);
	if (way >= 4)
		(void)emit(&c, row->op, 10, 5, -8, -2);
	else
		(void)emit(&c, row->op, 4, 5, 8, -2);
	ldx(&c, "LDXDW", 0, 4, 8);
	exit_(&c);
	o = run_code(&c, &(struct vm_run_args){ .ctx = mem, .ctx_bytes = 16, .ctx_writable = true });
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, row->want);
}

TEST(stores_write_their_bytes_and_no_others)
{
	for (size_t i = 0; i < countof(store_rows); i++)
		for (unsigned way = 0; way < 6; way++) {
			test_row = store_rows[i].op;
			check_store(&store_rows[i], way);
		}
}

/* Memory holds `old`; src is 0xf0f0f0f0f0f0f0f6; R0 is 5 before. */
struct atomic_row {
	const char *op;
	uint64_t old, mem, src, r0;
};
#define SRC UINT64_C(0xf0f0f0f0f0f0f0f6)
#define OLD UINT64_C(0x0101010101010105)
// clang-format off
static const struct atomic_row atomic_rows[] = {
	{ "ATOMIC_ADD64", OLD, OLD + SRC, SRC, 5 }, { "ATOMIC_ADD_FETCH64", OLD, OLD + SRC, OLD, 5 },
	{ "ATOMIC_OR64", OLD, OLD | SRC, SRC, 5 }, { "ATOMIC_OR_FETCH64", OLD, OLD | SRC, OLD, 5 },
	{ "ATOMIC_AND64", OLD, OLD & SRC, SRC, 5 }, { "ATOMIC_AND_FETCH64", OLD, OLD & SRC, OLD, 5 },
	{ "ATOMIC_XOR64", OLD, OLD ^ SRC, SRC, 5 }, { "ATOMIC_XOR_FETCH64", OLD, OLD ^ SRC, OLD, 5 },
	{ "ATOMIC_XCHG64", OLD, SRC, OLD, 5 },
	{ "ATOMIC_CMPXCHG64", 5, SRC, SRC, 5 }, { "ATOMIC_CMPXCHG64", OLD, OLD, SRC, OLD },
	{ "ATOMIC_ADD32", OLD, 0x01010101f1f1f1fb, SRC, 5 }, { "ATOMIC_ADD_FETCH32", OLD, 0x01010101f1f1f1fb, 0x01010105, 5 },
	{ "ATOMIC_OR32", OLD, 0x01010101f1f1f1f7, SRC, 5 }, { "ATOMIC_OR_FETCH32", OLD, 0x01010101f1f1f1f7, 0x01010105, 5 },
	{ "ATOMIC_AND32", OLD, 0x0101010100000004, SRC, 5 }, { "ATOMIC_AND_FETCH32", OLD, 0x0101010100000004, 0x01010105, 5 },
	{ "ATOMIC_XOR32", OLD, 0x01010101f1f1f1f3, SRC, 5 }, { "ATOMIC_XOR_FETCH32", OLD, 0x01010101f1f1f1f3, 0x01010105, 5 },
	{ "ATOMIC_XCHG32", OLD, 0x01010101f0f0f0f6, 0x01010105, 5 },
	{ "ATOMIC_CMPXCHG32", 0x0101010100000005, 0x01010101f0f0f0f6, SRC, 5 },
	{ "ATOMIC_CMPXCHG32", OLD, OLD, SRC, 0x01010105 },
};
// clang-format on

TEST(atomics_change_memory_and_fetch_the_old_value)
{
	for (size_t i = 0; i < countof(atomic_rows); i++) {
		const struct atomic_row *row = &atomic_rows[i];
		uint64_t mem[4] = { 0, row->old, 0, 0 };
		struct code c = { 0 };

		test_row = row->op;
		movi(&c, 0, 5);
		lddw(&c, 2, SRC);
		(void)emit(&c, row->op, 1, 2, 8, 0);
		stx(&c, "STXDW", 1, 16, 2); /* the fetched register is the last one written */
		stx(&c, "STXDW", 1, 24, 0);
		exit_(&c);
		CHECK_OK(run_code(&c, &(struct vm_run_args){ .ctx = mem, .ctx_bytes = 32, .ctx_writable = true }).err);
		CHECK_EQ(mem[1], row->mem);
		CHECK_EQ(mem[2], row->src);
		CHECK_EQ(mem[3], row->r0);
	}
}

/* Rows with tests of their own, below, in test_vm_safety.c and test_vm_calls.c. */
static const char *const other_rows[] = { "CALL",           "CALL_LOCAL", "EXIT",     "LDDW_MAP_FD",
					  "LDDW_MAP_VALUE", "LDDW_FUNC",  "MAY_GOTO", "CALLX" };
static const char *const refused_rows[] = {
	"ADDR_SPACE_CAST", "LDDW_BTF_ID", "LDDW_MAP_IDX", "LDDW_MAP_IDX_VALUE", "LD_ABS_W",   "LD_ABS_H",
	"LD_ABS_B",        "LD_IND_W",    "LD_IND_H",     "LD_IND_B",           "CALL_KFUNC",
};

#define HAS_CASE(table, name_of, op)                   \
	for (size_t i_ = 0; i_ < countof(table); i_++) \
		if (!strcmp((table)[i_] name_of, op))  \
	return true

static bool has_case(const char *op)
{
	HAS_CASE(alu_rows, .op, op);
	HAS_CASE(jump_rows, .op, op);
	HAS_CASE(load_rows, .op, op);
	HAS_CASE(store_rows, .op, op);
	HAS_CASE(atomic_rows, .op, op);
	HAS_CASE(other_rows, , op);
	HAS_CASE(refused_rows, , op);
	return false;
}

TEST(every_row_of_the_instruction_set_has_a_case)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		test_row = isa_rows[i].name;
		CHECK(has_case(isa_rows[i].name));
	}
}

TEST(instructions_that_do_not_run_here_are_refused_by_name)
{
	for (size_t i = 0; i < countof(refused_rows); i++) {
		struct code c = { 0 };
		struct outcome o;

		test_row = refused_rows[i];
		movi(&c, 0, 0);
		(void)emit(&c, refused_rows[i], 0, 0, 0, 0);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_UNSUPPORTED);
		CHECK_EQ(o.d.insn, 1);
		CHECK_HAS(o.d.text, refused_rows[i]);
	}
}

TEST(local_calls_keep_r6_to_r9_and_give_each_frame_its_own_stack)
{
	struct code c = { 0 };
	struct outcome o;

	for (unsigned r = 6; r <= 9; r++)
		movi(&c, r, (int32_t)r);
	movi(&c, 1, 100);
	(void)emit(&c, "STDW", 10, 0, -8, 1000);
	uint32_t at = c.n;
	struct isa_insn *in = emit(&c, "CALL_LOCAL", 0, 0, 0, 0);
	for (unsigned r = 6; r <= 9; r++)
		(void)emit(&c, "ADD64_REG", 0, r, 0, 0);
	ldx(&c, "LDXDW", 1, 10, -8);
	(void)emit(&c, "ADD64_REG", 0, 1, 0, 0);
	exit_(&c);
	in->imm = (int64_t)c.n - at - 1;
	(void)emit(&c, "STDW", 10, 0, -8, 7);
	for (unsigned r = 6; r <= 9; r++)
		movi(&c, r, -1);
	mov(&c, 0, 1);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 100 + 6 + 7 + 8 + 9 + 1000);
}

TEST(a_callee_may_use_its_callers_stack_through_a_pointer)
{
	struct code c = { 0 };
	struct outcome o;

	mov(&c, 1, 10);
	addi(&c, 1, -8);
	struct isa_insn *in = emit(&c, "CALL_LOCAL", 0, 0, 0, 0);
	uint32_t after = c.n;
	ldx(&c, "LDXDW", 0, 10, -8);
	exit_(&c);
	in->imm = (int64_t)(c.n - after);
	(void)emit(&c, "STDW", 1, 0, 0, 42);
	movi(&c, 0, 0);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 42);
}

/* A model of arithmetic that shares nothing with the interpreter: 128-bit integers and plain branches. */
static uint64_t model(const struct isa_insn *in, uint64_t a, uint64_t b)
{
	bool w32 = in->width == 32;
	__int128 sa = w32 ? (int32_t)a : (int64_t)a, sb = w32 ? (int32_t)b : (int64_t)b, v = 0;
	unsigned __int128 ua = w32 ? (uint32_t)a : a, ub = w32 ? (uint32_t)b : b;
	unsigned shift = (unsigned)ub % in->width;

	// clang-format off
	switch ((enum isa_sem)in->sem) {
	case ISA_ADD: v = (__int128)(ua + ub); break;
	case ISA_SUB: v = (__int128)(ua - ub); break;
	case ISA_MUL: v = (__int128)(ua * ub); break;
	case ISA_DIV: v = ub ? (__int128)(ua / ub) : 0; break;
	case ISA_MOD: v = (__int128)(ub ? ua % ub : ua); break;
	case ISA_SDIV: v = sb ? sa / sb : 0; break;
	case ISA_SMOD: v = sb ? sa % sb : sa; break;
	case ISA_OR: v = (__int128)(ua | ub); break;
	case ISA_AND: v = (__int128)(ua & ub); break;
	case ISA_XOR: v = (__int128)(ua ^ ub); break;
	case ISA_LSH: v = (__int128)(ua << shift); break;
	case ISA_RSH: v = (__int128)(ua >> shift); break;
	case ISA_ARSH: v = sa >> shift; break;
	case ISA_NEG: v = -sa; break;
	case ISA_MOV: v = (__int128)ub; break;
	case ISA_MOVSX: v = in->aux == 8 ? (int8_t)b : in->aux == 16 ? (int16_t)b : (int32_t)b; break;
	default: abort();
	}
	// clang-format on
	return w32 ? (uint32_t)v : (uint64_t)v;
}

static uint64_t interesting(uint64_t *seed)
{
	static const uint64_t edge[] = { 0,          1,           ONES, TOP, TOP - 1, 0x7fffffff, 0x80000000,
					 0xffffffff, 0x100000000, 31,   32,  63,      64 };
	uint64_t pick = rnd(seed);

	return pick & 1 ? edge[(pick >> 8) % countof(edge)] : rnd(seed) >> (pick >> 8) % 64;
}

static const struct isa_row *random_alu_row(uint64_t *seed)
{
	for (;;) {
		const struct isa_row *r = &isa_rows[rnd(seed) % isa_n_rows];

		if (r->sem >= ISA_ADD && r->sem <= ISA_MOVSX)
			return r;
	}
}

/* Random straight-line programs over r0..r9, with now and then a jump to the next instruction. */
TEST(random_arithmetic_agrees_with_a_plain_model)
{
	uint64_t seed = 1;

	for (unsigned round = 0; round < 2000; round++) {
		uint64_t r[10];
		struct code c = { 0 };
		struct outcome o;

		for (unsigned i = 0; i < 10; i++) {
			r[i] = interesting(&seed);
			lddw(&c, i, r[i]);
		}
		for (unsigned n = 0; n < 60; n++) {
			const struct isa_row *row = random_alu_row(&seed);
			unsigned dst = (unsigned)(rnd(&seed) % 10), src = (unsigned)(rnd(&seed) % 10);
			struct isa_insn *in = emit(&c, row->name, dst, src, 0, (int32_t)interesting(&seed));

			r[dst] = model(in, r[dst], row->form == ISA_FORM_RR ? r[src] : (uint64_t)in->imm);
			if (rnd(&seed) % 8 == 0)
				(void)emit(&c, "JA", 0, 0, 0, 0);
		}
		for (unsigned i = 1; i < 10; i++) {
			(void)emit(&c, "MUL64_IMM", 0, 0, 0, 31);
			(void)emit(&c, "ADD64_REG", 0, i, 0, 0);
			r[0] = r[0] * 31 + r[i];
		}
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, r[0]);
	}
}

/* --- whole programs against a reference interpreter --- */

enum { MEM_BYTES = 64, STEPS_MAX = 400 };

struct machine {
	uint64_t r[9];
	uint8_t mem[MEM_BYTES]; /* [r10 - MEM_BYTES, r10) */
};

static bool model_taken(const struct isa_insn *in, uint64_t a, uint64_t b)
{
	bool w32 = in->width == 32;
	__int128 sa = w32 ? (int32_t)a : (int64_t)a, sb = w32 ? (int32_t)b : (int64_t)b;
	unsigned __int128 ua = w32 ? (uint32_t)a : a, ub = w32 ? (uint32_t)b : b;

	// clang-format off
	switch ((enum isa_sem)in->sem) {
	case ISA_JEQ: return ua == ub;
	case ISA_JNE: return !(ua == ub);
	case ISA_JGT: return !(ua <= ub);
	case ISA_JGE: return !(ua < ub);
	case ISA_JLT: return ub > ua;
	case ISA_JLE: return ub >= ua;
	case ISA_JSGT: return !(sa <= sb);
	case ISA_JSGE: return !(sa < sb);
	case ISA_JSLT: return sb > sa;
	case ISA_JSLE: return sb >= sa;
	case ISA_JSET: return (ua & ub) != 0;
	default: return true;
	}
	// clang-format on
}

static void model_memory(struct machine *m, const struct isa_insn *in)
{
	uint8_t *at = m->mem + MEM_BYTES + in->off;
	unsigned bytes = in->width / 8;
	uint64_t v = 0;

	if (in->sem == ISA_ST || in->sem == ISA_STX) {
		v = in->sem == ISA_ST ? (uint64_t)in->imm : m->r[in->src];
		for (unsigned i = 0; i < bytes; i++)
			at[i] = (uint8_t)(v >> 8 * i);
		return;
	}
	for (unsigned i = bytes; i; i--)
		v = v << 8 | at[i - 1];
	if (in->sem == ISA_LDXS && v >> (in->width - 1))
		v |= ~UINT64_C(0) << (in->width - 1);
	m->r[in->dst] = v;
}

/* False: more than STEPS_MAX instructions. */
static bool model_run(const struct code *c, uint32_t at, struct machine *m)
{
	for (unsigned steps = 0; c->insns[at].sem != ISA_EXIT; steps++, at++) {
		const struct isa_insn *in = &c->insns[at];
		uint64_t b =
			in->form == ISA_FORM_RI || in->form == ISA_FORM_JRI ? (uint64_t)in->imm : m->r[in->src % 9];

		if (steps == STEPS_MAX)
			return false;
		if (in->sem >= ISA_JA)
			at += model_taken(in, m->r[in->dst], b) ? (uint32_t)in->off : 0;
		else if (in->sem >= ISA_LDX)
			model_memory(m, in);
		else
			m->r[in->dst] = model(in, m->r[in->dst], b);
	}
	return true;
}

/* A load, store or jump of any row, at slot c->n of `end`. Memory is reached through r10 or its copy r9. */
static void random_other(struct code *c, uint32_t start, uint32_t end, uint64_t *seed)
{
	const struct isa_row *row;
	unsigned reg = (unsigned)(rnd(seed) % 9), base = 9 + (unsigned)(rnd(seed) % 2);
	struct isa_insn *in;

	do
		row = &isa_rows[rnd(seed) % isa_n_rows];
	while (!((row->sem >= ISA_LDX && row->sem <= ISA_STX) || (row->sem >= ISA_JA && row->sem <= ISA_JSET)));
	in = emit(c, row->name, reg, (unsigned)(rnd(seed) % 9), 0, (int32_t)interesting(seed));
	if (row->sem >= ISA_JA) {
		if (rnd(seed) % 4)
			start = c->n; /* backwards, most programs would never end */
		in->off = (int32_t)(start + rnd(seed) % (end + 1 - start)) - (int32_t)c->n;
		return;
	}
	in->off = -MEM_BYTES + (int32_t)(rnd(seed) % (MEM_BYTES - row->width / 8 + 1));
	*(row->form == ISA_FORM_LDX ? &in->src : &in->dst) = (uint8_t)base;
}

TEST(random_programs_with_jumps_and_memory_agree_with_a_reference_interpreter)
{
	uint64_t seed = 21;
	unsigned ended = 0;

	for (unsigned round = 0; round < 20000; round++) {
		struct machine m = { 0 };
		struct code c = { 0 };
		struct outcome o;
		uint32_t start, end;
		uint64_t want;

		for (unsigned i = 0; i < 9; i++) {
			m.r[i] = interesting(&seed);
			lddw(&c, i, m.r[i]);
		}
		mov(&c, 9, 10);
		start = c.n;
		end = start + 25;
		while (c.n < end) {
			const struct isa_row *row = random_alu_row(&seed);

			if (rnd(&seed) % 3)
				(void)emit(&c, row->name, (unsigned)(rnd(&seed) % 9), (unsigned)(rnd(&seed) % 9), 0,
					   (int32_t)interesting(&seed));
			else
				random_other(&c, start, end, &seed);
		}
		for (unsigned i = 1; i < 9; i++) {
			(void)emit(&c, "MUL64_IMM", 0, 0, 0, 31);
			(void)emit(&c, "ADD64_REG", 0, i, 0, 0);
		}
		exit_(&c);
		if (!model_run(&c, start, &m))
			continue;
		want = m.r[0];
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, want);
		ended++;
	}
	CHECK(ended > 10000);
}
