/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a text is said with its line and column; every id of asm is provoked here. */
#include "rows.h"

#include <stdlib.h>

TEST(a_wrong_line_is_named_with_its_place)
{
	static const struct {
		const char *text;
		uint16_t id;
		uint32_t line, col;
		const char *has;
	} rows[] = {
		{ "exit\n/* open\nexit", 101, 2, 1, "comment" },
		{ "r1 = 12ab", 102, 1, 6, "'12ab'" },
		{ "r1 = 0x", 102, 1, 6, "'0x'" },
		{ "lddw %r1, 18446744073709551616", 103, 1, 11, "64 bits" },
		{ "r1 = -9223372036854775809 ll", 103, 1, 6, "64 bits" },
		{ "exit\n	mov %r11, 5", 104, 2, 6, "%r11" },
		{ "mov %rx, 5", 104, 1, 5, "%rx" },
		{ "call \"open", 105, 1, 6, "quote" },
		{ "call \"\"", 106, 1, 6, "empty" },
		{ "exit !", 107, 1, 6, "character" },
		{ "add %r1 5", 110, 1, 9, "expected ','" },
		{ "if 5 > r1 goto +1", 111, 1, 4, "register" },
		{ "ldxw %r1, [8]", 111, 1, 12, "register" },
		{ "*(u32 *)(r1 + x) = 5", 112, 1, 15, "number" },
		{ "mov %r1, 4294967296", 113, 1, 10, "32 bits" },
		{ "mov %r1, -2147483649", 113, 1, 10, "32 bits" },
		{ ".map m, array, 4, 8, 1\nr1 = m+4294967295 ll", 113, 2, 7, "offset" },
		{ "ldxw %r1, [%r2+32768]", 114, 1, 15, "-32768" },
		{ "goto +40000", 114, 1, 6, "-32768" },
		{ "gotol +2147483648", 114, 1, 7, "-2147483648" },
		{ "goto 3", 115, 1, 6, "+3" },
		{ "ja %r1", 115, 1, 4, "label" },
		{ "call local 3", 115, 1, 12, "+3" },
		{ "lock *(u8 *)(r1 + 0) += w2", 116, 1, 1, "8 bits" },
		{ "r1 = = ll", 117, 1, 6, "map" },
		{ "goto +1 5", 119, 1, 9, "'5'" },
		{ ".data\nexit", 120, 2, 1, "no code" },
		{ "w1 = *(u64 *)(r2 + 0)", 130, 1, 1, "r1" },
		{ "*(u64 *)(r2 + 0) = w1", 130, 1, 20, "r1" },
		{ "w1 = 5 ll", 130, 1, 1, "r1" },
		{ "w1 = load_acquire((u64 *)(r2 + 0))", 130, 1, 1, "r1" },
		{ "r1 = -r2", 131, 1, 7, "same" },
		{ "r1 = le16 r2", 131, 1, 11, "same" },
		{ "r1 = atomic_fetch_add((u64 *)(r2 + 0), r3)", 131, 1, 40, "same" },
		{ "r1 = xchg_64(r2 + 0, r3)", 131, 1, 22, "same" },
		{ "r1 = *(int *)(r2 + 0)", 132, 1, 8, "type" },
		{ "*(s8 *)(r2 + 0) = 5", 132, 1, 3, "signed" },
		{ "r1 = (u8)r2", 132, 1, 7, "s8" },
		{ "r1 = *(u8 *)skb[5]", 133, 1, 1, "r0" },
		{ "r1 = w2", 134, 1, 6, "width" },
		{ "w1 += r2", 134, 1, 7, "width" },
		{ "r1 = (s8)w2", 134, 1, 10, "width" },
		{ "r1 = cmpxchg_64(r2 + 0, r0, r3)", 135, 1, 1, "r0" },
		{ "r0 = cmpxchg_64(r2 + 0, r1, r3)", 135, 1, 25, "r0" },
		{ "r1 = addr_space_cast(r2, 0, 65536)", 136, 1, 29, "65535" },
		{ "r1 5", 137, 1, 4, "operator" },
		{ "if r1 += 5 goto +1", 138, 1, 7, "comparison" },
		{ "lock *(u64 *)(r1 + 0) -= r2", 139, 1, 23, "+=" },
		{ "lock 5", 140, 1, 6, "operation" },
		{ "movv %r1, 5", 141, 1, 1, "'movv'" },
		{ "lock sub [%r1], %r2", 141, 1, 1, "no instruction" },
		{ "+ 5", 141, 1, 1, "instruction" },
		{ "ldxw %r1, [%r2 8]", 142, 1, 16, "sign" },
		{ "add %r1, w2", 143, 1, 10, "w2" },
		{ "add %r1, goto", 144, 1, 10, "'goto'" },
		{ "add %r1", 145, 1, 5, "other operands" },
		{ "exit %r1", 145, 1, 6, "no operands" },
		{ "ldxw %r1, 5", 145, 1, 11, "[%r2+8]" },
		{ ".globl 5", 150, 1, 8, "name" },
		{ ".section", 150, 1, 9, "section" },
		{ ".section a\nexit\n.section b\nexit", 151, 3, 10, "second section" },
		{ ".equ X, 1\n.equ X, 2", 152, 2, 6, "'X'" },
		{ ".map m, array, -1, 1, 1", 154, 1, 16, "4294967295" },
		{ ".map m, tree, 4, 1, 1", 155, 1, 9, "'tree'" },
		{ ".map m, array, 4, 1, 1\n.map m, array, 4, 1, 1", 156, 2, 6, "'m'" },
		{ ".map m, array, 4, 8, 1\n.bytes m, 00 1", 158, 2, 14, "pairs" },
		{ ".map m, array, 4, 2, 1\n.bytes m, 00 01 02", 159, 2, 17, "more bytes" },
		{ ".bytes m, 00", 160, 1, 8, "'m'" },
		{ ".map m, array, 4, 5000000, 1\n.bytes m, 00", 161, 2, 8, "4194304" },
		{ ".long 5", 162, 1, 1, "'.long'" },
		{ "a: exit\na: exit", 170, 2, 1, "line 1" },
		{ "goto nowhere", 171, 1, 6, "label 'nowhere'" },
		{ "call nobody", 171, 1, 6, "function or helper" },
		{ "call local map_lookup_elem", 171, 1, 12, "function" },
		{ "r1 = nothing ll", 171, 1, 6, "map or function" },
		{ "f: r1 = f+8 ll", 171, 1, 9, "map" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct arena a;
		struct prog p;
		struct diag d;

		test_row = rows[i].text;
		arena_init(&a, 1 << 18);
		CHECK(rows_read(rows[i].text, &a, &p, &d) != E_OK);
		CHECK_EQ(d.family, 'A');
		CHECK_EQ(d.id, rows[i].id);
		CHECK_EQ(d.pos.line, rows[i].line);
		CHECK_EQ(d.pos.col, rows[i].col);
		CHECK_STR(d.pos.file, "t.s");
		CHECK(d.line_text != NULL);
		CHECK_HAS(d.text, rows[i].has);
		arena_done(&a);
	}
}

static void check_limit(struct buf *b, uint16_t id)
{
	struct arena a;
	struct prog p;
	struct diag d;

	CHECK(!b->full);
	arena_init(&a, 1 << 30);
	diag_init(&d);
	CHECK_EQ(asm_text(view_of(b->p, b->len), "t.s", &a, &p, &d), E_LIMIT);
	CHECK_EQ(d.id, id);
	arena_done(&a);
	buf_done(b);
}

TEST(texts_have_limits)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	for (int i = 0; i <= ASM_MAX_BYTES; i++)
		buf_putc(&b, '\n');
	check_limit(&b, 100);
	for (int i = 0; i <= ISA_MAX_SLOTS; i++)
		buf_puts(&b, "exit\n");
	check_limit(&b, 118);
	for (int i = 0; i <= ASM_MAX_EQUS; i++)
		buf_printf(&b, ".equ X%d, 5\n", i);
	check_limit(&b, 153);
	for (int i = 0; i <= ASM_MAX_MAPS; i++)
		buf_printf(&b, ".map m%d, array, 4, 4, 1\n", i);
	check_limit(&b, 157);
}

TEST(a_label_too_far_for_16_bits_is_refused_and_gotol_reaches_it)
{
	struct arena a;
	struct prog p;
	struct diag d;
	struct buf b;

	buf_init(&b, 1 << 20);
	arena_init(&a, 64 << 20);
	buf_puts(&b, "goto far\n");
	for (int i = 0; i < 40000; i++)
		buf_puts(&b, "exit\n");
	buf_puts(&b, "far: exit\n");
	diag_init(&d);
	CHECK_EQ(asm_text(view_of(b.p, b.len), "t.s", &a, &p, &d), E_FORMAT);
	CHECK_EQ(d.id, 172);
	memcpy(b.p, "ja32 far", 8);
	CHECK_OK(asm_text(view_of(b.p, b.len), "t.s", &a, &p, &d));
	CHECK_EQ(p.insns[0].off, 40000);
	buf_done(&b);
	arena_done(&a);
}

TEST(no_memory_is_said_and_nothing_else)
{
	struct prog p;
	struct diag d;

	for (size_t cap = 0; cap < 1 << 14; cap += 64) {
		struct arena a;
		enum err e;

		arena_init(&a, cap);
		e = rows_read(".map m, array, 4, 4, 1\n.bytes m, 00\n.equ A, 1\n.section x\na: r1 = m ll\ncall a\n"
			      ".globl a\nexit\n",
			      &a, &p, &d);
		CHECK(e == E_OK || e == E_NOMEM);
		arena_done(&a);
	}
}
