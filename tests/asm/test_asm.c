/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler and the disassembler against each other: every row, both syntaxes, names. */
#include "rows.h"

enum { ROUNDS = 60 };

static void check_same(const struct isa_insn *a, const struct isa_insn *b, uint32_t n)
{
	struct buf x, y;

	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	asm_encode(a, n, &x);
	asm_encode(b, n, &y);
	CHECK_EQ(x.len, y.len);
	CHECK(!memcmp(x.p, y.p, x.len));
	buf_done(&x);
	buf_done(&y);
}

/* Bytes to text to bytes. */
static void check_bytes(const struct isa_insn *insns, unsigned n)
{
	struct buf code, text;
	struct prog p, again;
	struct arena a;
	struct diag d;

	arena_init(&a, 1 << 20);
	buf_init(&code, 64);
	buf_init(&text, 4096);
	asm_encode(insns, n, &code);
	CHECK_OK(prog_from_code(view_of(code.p, code.len), "t", &a, &p, NULL));
	asm_list(&p, ASM_SLOTS | ASM_BYTES, &text);
	CHECK(text.len && !text.full);
	if (rows_read(text.p, &a, &again, &d) != E_OK)
		fail_msg("%s: %s", text.p, d.text);
	CHECK_EQ(again.n_insns, n);
	check_same(p.insns, again.insns, n);
	buf_done(&code);
	buf_done(&text);
	arena_done(&a);
}

TEST(every_row_goes_to_text_and_back_to_the_same_bytes)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		for (uint64_t k = 0; k < ROUNDS; k++) {
			struct isa_insn in[2];
			unsigned n = rows_make(i, k, in);

			test_row = isa_rows[i].name;
			check_bytes(in, n);
		}
	}
}

TEST(one_instruction_prints_as_text_that_reads_back_as_it)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		for (uint64_t k = 0; k < ROUNDS; k++) {
			struct isa_insn in[2];
			unsigned n = rows_make(i, k, in);
			struct arena a;
			struct prog p;
			struct diag d;
			struct buf b;

			test_row = isa_rows[i].name;
			arena_init(&a, 1 << 18);
			buf_init(&b, 1024);
			asm_print(in, 0, NULL, &b);
			if (rows_read(b.p, &a, &p, &d) != E_OK)
				fail_msg("%s: %s", b.p, d.text);
			CHECK_EQ(p.n_insns, n);
			CHECK_EQ(p.insns[0].row, i);
			check_same(in, p.insns, n);
			buf_done(&b);
			arena_done(&a);
		}
	}
}

/* The row's instruction as `word operands`. */
static void put_mnemonic(const struct isa_insn *in, const char *word, struct buf *b)
{
	long long imm = in->imm;

	buf_puts(b, word);
	switch ((enum isa_form)in->form) {
	case ISA_FORM_N:
		break;
	case ISA_FORM_R:
		buf_printf(b, " %%r%u", in->dst);
		break;
	case ISA_FORM_RR:
		buf_printf(b, " %%r%u, %%r%u", in->dst, in->src);
		break;
	case ISA_FORM_RI:
		buf_printf(b, " %%r%u, %lld", in->dst, imm);
		break;
	case ISA_FORM_RRI:
		buf_printf(b, " %%r%u, %%r%u, %lld", in->dst, in->src, imm);
		break;
	case ISA_FORM_LDX:
		buf_printf(b, " %%r%u, [%%r%u%+d]", in->dst, in->src, in->off);
		break;
	case ISA_FORM_ST:
		buf_printf(b, " [%%r%u%+d], %lld", in->dst, in->off, imm);
		break;
	case ISA_FORM_STX:
		buf_printf(b, " [%%r%u%+d], %%r%u", in->dst, in->off, in->src);
		break;
	case ISA_FORM_LDABS:
	case ISA_FORM_CALL:
		buf_printf(b, " %s%lld", in->aux == ISA_CALL_LOCAL && imm >= 0 ? "+" : "", imm);
		break;
	case ISA_FORM_LDIND:
		buf_printf(b, " %%r%u, %lld", in->src, imm);
		break;
	case ISA_FORM_J:
	case ISA_FORM_JL:
		buf_printf(b, " %+d", in->off);
		break;
	case ISA_FORM_JRR:
		buf_printf(b, " %%r%u, %%r%u, %+d", in->dst, in->src, in->off);
		break;
	case ISA_FORM_JRI:
		buf_printf(b, " %%r%u, %lld, %+d", in->dst, imm, in->off);
		break;
	case ISA_FORM_LDDW:
		break;
	}
}

static void put_lddw(const struct isa_insn *in, struct buf *b)
{
	static const char *const kinds[] = { "", "map_fd", "map_value", "btf_id", "func", "map_idx", "map_idx_value" };
	unsigned long long v = (unsigned long long)in->imm;

	buf_printf(b, "lddw %%r%u, ", in->dst);
	if (!in->aux)
		buf_printf(b, "0x%llx", v);
	else if (in->aux == ISA_IMM64_MAP_VALUE || in->aux == ISA_IMM64_MAP_IDX_VALUE)
		buf_printf(b, "%s(0x%llx, 0x%llx)", kinds[in->aux], v & UINT32_MAX, v >> 32);
	else
		buf_printf(b, "%s(0x%llx)", kinds[in->aux], v);
}

static void check_mnemonic(const struct isa_insn *in, unsigned n, const char *word)
{
	struct arena a;
	struct prog p;
	struct diag d;
	struct buf b;

	arena_init(&a, 1 << 18);
	buf_init(&b, 1024);
	if (in->sem == ISA_IMM64)
		put_lddw(in, &b);
	else
		put_mnemonic(in, word, &b);
	if (rows_read(b.p, &a, &p, &d) != E_OK)
		fail_msg("%s: %s", b.p, d.text);
	CHECK_EQ(p.n_insns, n);
	check_same(in, p.insns, n);
	buf_done(&b);
	arena_done(&a);
}

TEST(every_row_has_a_line_of_mnemonics)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		for (uint64_t k = 0; k < ROUNDS; k++) {
			struct isa_insn in[2];
			unsigned n = rows_make(i, k, in);

			test_row = isa_rows[i].name;
			check_mnemonic(in, n, isa_rows[i].mnemonic);
		}
	}
}

TEST(other_words_for_the_same_instruction_are_read_too)
{
	static const struct {
		const char *row, *text;
	} rows[] = {
		{ "BSWAP16", "swap16 %r3" },
		{ "BSWAP32", "swap32 %r3" },
		{ "BSWAP64", "swap64 %r3" },
		{ "MOVSX64_8", "movsx864 %r3, %r0" },
		{ "MOVSX64_16", "movsx1664 %r3, %r0" },
		{ "MOVSX64_32", "movsx3264 %r3, %r0" },
		{ "ADD64_IMM", "add64 %r3, 0" },
		{ "SMOD64_REG", "smod64 %r3, %r0" },
		{ "JA32", "ja32 +0" },
		{ "ATOMIC_ADD64", "lock add [%r3], %r0" },
		{ "ATOMIC_ADD_FETCH64", "lock fetch add [%r3], %r0" },
		{ "ATOMIC_ADD_FETCH64", "lock fetch_add [%r3+0], %r0" },
		{ "ATOMIC_XOR_FETCH32", "lock fetch xor32 [%r3], %r0" },
		{ "ATOMIC_XOR_FETCH32", "lock fetch_xor32 [%r3], %r0" },
		{ "ATOMIC_CMPXCHG32", "lock cmpxchg32 [%r3], %r0" },
		{ "LOAD_ACQ64", "load_acquire %r3, [%r0]" },
		{ "STORE_REL64", "store_release [%r3], %r0" },
		{ "CALL", "call helper 0" },
		{ "CALL_KFUNC", "call runtime 0" },
		{ "CALLX", "call %r3" },
		{ "CALLX", "call helper %r3" },
		{ "CALLX", "callx r3" },
		{ "ADD64_REG", "add r3, r0" }, /* without percent signs */
		{ "LDXW", "r3 = *(u32 *)(r0 + 0)" },
		{ "LDXW", "w3 = *(u32*)(r0)" },
		{ "STXB", "*(u8 *)(r3 + 0) = r0" },
		{ "ATOMIC_OR32", "lock *(u32 *)(r3 + 0) |= r0" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct arena a;
		struct prog p;
		struct diag d;

		test_row = rows[i].text;
		arena_init(&a, 1 << 18);
		CHECK_OK(rows_read(rows[i].text, &a, &p, &d));
		CHECK_EQ(p.n_insns, 1);
		CHECK_STR(isa_rows[p.insns[0].row].name, rows[i].row);
		CHECK_EQ(p.insns[0].dst,
			 strncmp(rows[i].row, "CALL", 4) && strcmp(rows[i].row, "JA32") ? 3 : p.insns[0].dst);
		CHECK_EQ(p.insns[0].src | p.insns[0].off | p.insns[0].imm, 0);
		arena_done(&a);
	}
}

static const char program[] = "; a line that begins with a semicolon is a comment\n"
			      ".equ LIMIT, 0x10 # and so is this\n"
			      "	.map	counts, array, 4, 8, 2\n"
			      "	.map	.rodata, array, 4, 4, 1, 128\n"
			      "	.bytes	.rodata, 01 02 0304\n"
			      "	.section	xdp\n"
			      "entry: r6 = r1; if r6 > LIMIT goto out /* two on\n"
			      " a line */\n"
			      "	r1 = counts ll\n"
			      "	r2 = .rodata+2 ll\n"
			      "	r3 = counts+4 ll // the value\n"
			      "	call map_lookup_elem\n"
			      "	call twice\n"
			      "	lddw %r4, twice\n"
			      "	jne %r0, -LIMIT, again\n"
			      "out:	exit\n"
			      "again:	gotol out\n"
			      "	.text\n"
			      "twice:	r0 = r1\n"
			      "	r0 += r1\n"
			      "	exit\n";

static void check_program(const struct prog *p)
{
	CHECK_STR(p->section, "xdp");
	CHECK_STR(p->name, "entry");
	CHECK_EQ(p->n_insns, 18);
	CHECK_EQ(p->n_funcs, 2);
	CHECK_STR(p->funcs[1].name, "twice");
	CHECK_EQ(p->funcs[1].start, 15);
	CHECK_EQ(p->n_maps, 2);
	CHECK_STR(p->maps[1].name, ".rodata");
	CHECK_EQ(p->maps[1].init.len, 4);
	CHECK(!memcmp(p->maps[1].init.p, "\1\2\3\4", 4));
	CHECK_EQ(p->maps[1].flags, PROG_MAP_RDONLY);
	CHECK_EQ(p->insns[1].imm, 16);
	CHECK_EQ(p->insns[1].off, 11);
	CHECK_EQ(p->insns[2].aux, ISA_IMM64_MAP_FD);
	CHECK_EQ(p->insns[4].aux, ISA_IMM64_MAP_VALUE);
	CHECK_EQ(p->insns[4].imm, 1);
	CHECK_EQ(p->insns[4].off, 2);
	CHECK_EQ(p->insns[6].aux, ISA_IMM64_MAP_VALUE);
	CHECK_EQ(p->insns[6].off, 4);
	CHECK_EQ(p->insns[8].imm, 1);
	CHECK_EQ(p->insns[9].aux, ISA_CALL_LOCAL);
	CHECK_EQ(p->insns[9].imm, 5);
	CHECK_EQ(p->insns[10].aux, ISA_IMM64_FUNC);
	CHECK_EQ(p->insns[10].imm, 4);
	CHECK_EQ(p->insns[12].imm, -16);
	CHECK_EQ(p->insns[12].off, 1);
	CHECK_EQ(p->insns[14].off, -2);
}

TEST(names_sections_maps_and_functions_come_out_as_they_were_meant)
{
	const struct prog_line *row;
	struct arena a;
	struct prog p;
	struct diag d;

	arena_init(&a, 1 << 20);
	CHECK_OK(rows_read(program, &a, &p, &d));
	check_program(&p);
	row = prog_line_at(&p, 1);
	CHECK_EQ(row->line, 7);
	CHECK_STR(row->file, "t.s");
	row = prog_line_at(&p, 15);
	CHECK_STR(row->text, "twice:	r0 = r1");
	arena_done(&a);
}

TEST(a_listing_reads_back_with_its_names)
{
	struct prog p, again;
	struct arena a;
	struct diag d;
	struct buf b;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 16);
	CHECK_OK(rows_read(program, &a, &p, &d));
	asm_list(&p, ASM_LINES | ASM_SLOTS, &b);
	CHECK_OK(rows_read(b.p, &a, &again, &d));
	CHECK_EQ(again.n_insns, p.n_insns);
	check_same(p.insns, again.insns, p.n_insns);
	CHECK_STR(again.section, p.section);
	CHECK_EQ(again.n_funcs, p.n_funcs);
	for (uint32_t i = 0; i < p.n_funcs; i++) {
		CHECK_STR(again.funcs[i].name, p.funcs[i].name);
		CHECK_EQ(again.funcs[i].start, p.funcs[i].start);
	}
	CHECK_EQ(again.n_maps, p.n_maps);
	CHECK_EQ(again.maps[0].value_size, 8);
	CHECK(!memcmp(again.maps[1].init.p, "\1\2\3\4", 4));
	CHECK_HAS(b.p, "call map_lookup_elem");
	CHECK_HAS(b.p, "r2 = .rodata+2 ll");
	CHECK_HAS(b.p, "; t.s:7: entry: r6 = r1; if r6 > LIMIT goto out");
	buf_done(&b);
	arena_done(&a);
}

TEST(names_that_look_like_something_else_are_quoted_or_replaced)
{
	static const char *const names[] = { "r1", "exit", "two words", "le16", "twin", "twin", "map_lookup_elem",
					     "L5", "\"\n" };
	struct prog_func funcs[countof(names)];
	struct isa_insn insns[2 * countof(names) + 1];
	struct prog p = { .name = "t", .section = "odd \"name\"", .insns = insns, .funcs = funcs }, again;
	struct arena a;
	struct diag d;
	struct buf b;

	for (size_t i = 0; i < countof(names); i++) {
		funcs[i] = (struct prog_func){ names[i], (uint32_t)(2 * i) };
		insns[2 * i] = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL);
		insns[2 * i].imm = -1 - (int64_t)(2 * i); /* each calls the first */
		insns[2 * i + 1] = isa_make(ISA_EXIT, 64, ISA_FORM_N, 0);
		p.n_insns += 2;
	}
	insns[p.n_insns] = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER);
	insns[p.n_insns++].imm = 1;
	p.n_funcs = countof(names);
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 16);
	asm_list(&p, 0, &b);
	if (rows_read(b.p, &a, &again, &d) != E_OK)
		fail_msg("%s:%u: %s\n%s", d.text, d.pos.line, d.line_text, b.p);
	check_same(insns, again.insns, p.n_insns);
	CHECK_EQ(again.n_funcs, p.n_funcs);
	CHECK_STR(again.section, p.section);
	for (size_t i = 0; i < countof(names); i++)
		CHECK(!strcmp(again.funcs[i].name, names[i]) == (strcmp(names[i], "twin") != 0));
	buf_done(&b);
	arena_done(&a);
}

TEST(a_jump_to_exit_goes_to_the_first_one)
{
	struct arena a;
	struct prog p;
	struct diag d;

	arena_init(&a, 1 << 18);
	CHECK_OK(rows_read("jeq %r1, 0, exit\nmov %r0, 1\nexit\nexit\n", &a, &p, &d));
	CHECK_EQ(p.insns[0].off, 1);
	CHECK_OK(rows_read("jeq %r1, 0, exit\nexit\nexit:\nmov %r0, 1\nexit\n", &a, &p, &d));
	CHECK_EQ(p.insns[0].off, 1);
	arena_done(&a);
}

TEST(numbers_are_taken_signed_or_unsigned_as_far_as_the_field_goes)
{
	static const struct {
		const char *text;
		int64_t imm;
	} rows[] = {
		{ "r1 = 4294967295", -1 },
		{ "mov %r1, 0xffffffff", -1 },
		{ "r1 = -2147483648", INT32_MIN },
		{ "r1 = 0xffffffffffffffff ll", -1 },
		{ "r1 = -9223372036854775808 ll", INT64_MIN },
		{ "lddw %r1, 18446744073709551615", -1 },
		{ "r1 = -0x5", -5 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct arena a;
		struct prog p;
		struct diag d;

		test_row = rows[i].text;
		arena_init(&a, 1 << 18);
		CHECK_OK(rows_read(rows[i].text, &a, &p, &d));
		CHECK_EQ(p.insns[0].imm, rows[i].imm);
		arena_done(&a);
	}
}

TEST(an_empty_text_is_an_empty_program)
{
	struct arena a;
	struct prog p;
	struct diag d;

	arena_init(&a, 1 << 18);
	CHECK_OK(asm_text((struct view){ 0 }, "t.s", &a, &p, &d));
	CHECK_EQ(p.n_insns + p.n_funcs, 0);
	CHECK_OK(rows_read("# only this\n\n;and this", &a, &p, &d));
	CHECK_EQ(p.n_insns, 0);
	arena_done(&a);
}
