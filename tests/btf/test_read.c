/* SPDX-License-Identifier: Apache-2.0 */
/* What hand-made BTF says is what is read; what the format forbids is refused at the byte where it stands. */
#include "make.h"

static void read_ok(const struct make *m, const struct btf *base, struct arena *a, struct btf *out)
{
	struct diag d;

	if (make_read(m, base, a, out, &d) != E_OK)
		fail_msg("%s", d.text);
}

TEST(types_of_every_kind_say_what_was_written)
{
	struct arena a;
	struct make m;
	struct btf b;
	uint32_t id, proto, var;

	arena_init(&a, 1 << 20);
	make_init(&m, NULL);
	CHECK_EQ(make_int(&m, "int", 4, 1), 1);
	make_ref(&m, BTF_PTR, "", 1);
	make_array(&m, 2, 7);
	make_struct(&m, BTF_STRUCT, "s", 40,
		    (struct make_member[]){ { "a", 1, 0, 0 }, { "b", 1, 32, 5 }, { "c", 3, 64, 0 } }, 3);
	make_struct(&m, BTF_UNION, "u", 8, (struct make_member[]){ { "x", 1, 0, 0 }, { "", 2, 0, 0 } }, 2);
	make_enum(&m, BTF_ENUM, "e", true, (struct make_value[]){ { "MINUS", (uint32_t)-3 }, { "TWO", 2 } }, 2);
	make_enum(&m, BTF_ENUM, "eu", false, (struct make_value[]){ { "TOP", 0xffffffff } }, 1);
	make_enum(&m, BTF_ENUM64, "e64", false, (struct make_value[]){ { "WIDE", 0x123456789abcdef0 } }, 1);
	make_type(&m, "fwd", BTF_FWD, MAKE_FLAG, 0, NULL, 0);
	make_ref(&m, BTF_TYPEDEF, "t", 1);
	make_ref(&m, BTF_VOLATILE, "", 10);
	make_ref(&m, BTF_CONST, "", 11);
	make_ref(&m, BTF_RESTRICT, "", 2);
	make_ref(&m, BTF_TYPE_TAG, "user", 12);
	proto = make_type(&m, "", BTF_FUNC_PROTO, 2, 2, (uint32_t[]){ make_string(&m, "p"), 1, 0, 0 }, 4);
	make_type(&m, "f", BTF_FUNC, 1, proto, NULL, 0);
	var = make_type(&m, "v", BTF_VAR, 0, 1, (uint32_t[]){ 1 }, 1);
	make_type(&m, ".data", BTF_DATASEC, 1, 12, (uint32_t[]){ var, 8, 4 }, 3);
	make_type(&m, "double", BTF_FLOAT, 0, 8, NULL, 0);
	id = make_type(&m, "tag", BTF_DECL_TAG, 0, 4, (uint32_t[]){ 2 }, 1);
	read_ok(&m, NULL, &a, &b);

	CHECK_EQ(b.n_types, id + 1);
	CHECK_EQ(btf_get(&b, 0)->kind, BTF_VOID);
	CHECK_STR(btf_get(&b, 1)->name, "int");
	CHECK_EQ(btf_get(&b, 1)->int_bits, 32);
	CHECK_EQ(btf_get(&b, 1)->int_enc, 1);
	CHECK_EQ(btf_get(&b, 3)->n, 7);
	CHECK_EQ(btf_get(&b, 3)->index_type, 2);
	CHECK_EQ(btf_get(&b, 4)->size, 40);
	CHECK_STR(btf_get(&b, 4)->members[1].name, "b");
	CHECK_EQ(btf_get(&b, 4)->members[1].bit_off, 32);
	CHECK_EQ(btf_get(&b, 4)->members[1].bit_size, 5);
	CHECK_EQ(btf_get(&b, 4)->members[2].bit_off, 64);
	CHECK_EQ(btf_get(&b, 5)->kind, BTF_UNION);
	CHECK_EQ(btf_get(&b, 6)->enumerators[0].value, -3);
	CHECK_EQ(btf_get(&b, 7)->enumerators[0].value, 0xffffffff);
	CHECK_EQ(btf_get(&b, 8)->enumerators[0].value, 0x123456789abcdef0);
	CHECK(btf_get(&b, 9)->flag);
	CHECK_EQ(btf_skip(&b, 14), 1);
	CHECK_EQ(btf_get(&b, proto)->type, 2);
	CHECK_STR(btf_get(&b, proto)->params[0].name, "p");
	CHECK_EQ(btf_get(&b, 16)->type, proto);
	CHECK_EQ(btf_get(&b, 16)->n, 1);
	CHECK_EQ(btf_get(&b, var)->n, 1);
	CHECK_EQ(btf_get(&b, 18)->vars[0].off, 8);
	CHECK_EQ(btf_get(&b, id)->component, 2);
	make_done(&m);
	arena_done(&a);
}

TEST(sizes_are_those_of_the_machine_and_overflow_has_none)
{
	struct arena a;
	struct make m;
	struct btf b;
	uint32_t big = 0xffffffff, ids[12], n = 0;
	uint64_t size;

	arena_init(&a, 1 << 20);
	make_init(&m, NULL);
	ids[n++] = make_int(&m, "long int", 4, 1); /* a machine of 32 bits */
	ids[n++] = make_ref(&m, BTF_PTR, "", 1);
	ids[n++] = make_array(&m, 2, 3);
	ids[n++] = make_array(&m, 3, big);
	ids[n++] = make_array(&m, 4, big);
	ids[n++] = make_type(&m, "", BTF_FUNC_PROTO, 0, 0, NULL, 0);
	ids[n++] = make_type(&m, "v", BTF_VAR, 0, 3, (uint32_t[]){ 0 }, 1);
	ids[n++] = make_type(&m, "w", BTF_FWD, 0, 0, NULL, 0);
	read_ok(&m, NULL, &a, &b);
	CHECK_EQ(b.ptr_bytes, 4);
	CHECK(btf_size(&b, ids[1], &size) && size == 4);
	CHECK(btf_size(&b, ids[2], &size) && size == 12);
	CHECK(btf_size(&b, ids[3], &size) && size == 12 * (uint64_t)big);
	CHECK(!btf_size(&b, ids[4], &size));
	CHECK(!btf_size(&b, ids[5], &size));
	CHECK(btf_size(&b, ids[6], &size) && size == 12);
	CHECK(!btf_size(&b, ids[7], &size));
	CHECK(!btf_size(&b, 0, &size));
	make_done(&m);
	arena_done(&a);
}

TEST(types_are_found_by_kind_and_whole_name)
{
	struct arena a;
	struct make m;
	struct btf b;

	arena_init(&a, 1 << 20);
	make_init(&m, NULL);
	make_int(&m, "x", 4, 0);
	make_type(&m, "x", BTF_FWD, 0, 0, NULL, 0);
	make_ref(&m, BTF_TYPEDEF, "x", 1);
	make_int(&m, "x___old", 2, 0);
	make_int(&m, "x", 8, 0);
	make_int(&m, "___old", 8, 0);
	make_type(&m, "x", BTF_DECL_TAG, 0, 1, (uint32_t[]){ ~0u }, 1);
	read_ok(&m, NULL, &a, &b);
	CHECK_EQ(btf_find(&b, BTF_INT, "x", 0), 1);
	CHECK_EQ(btf_find(&b, BTF_INT, "x", 1), 1);
	CHECK_EQ(btf_find(&b, BTF_INT, "x", 2), 5);
	CHECK_EQ(btf_find(&b, BTF_INT, "x", 6), 0);
	CHECK_EQ(btf_find(&b, BTF_TYPEDEF, "x", 0), 3);
	CHECK_EQ(btf_find(&b, BTF_FWD, "x", 0), 2);
	CHECK_EQ(btf_find(&b, BTF_INT, "x___old", 0), 4);
	CHECK_EQ(btf_find(&b, BTF_INT, "___old", 0), 6);
	CHECK_EQ(btf_find(&b, BTF_STRUCT, "x", 0), 0);
	CHECK_EQ(btf_find(&b, BTF_INT, "", 0), 0);
	CHECK_STR(btf_string(&b, 0), "");
	CHECK(!btf_string(&b, b.n_strings));
	make_done(&m);
	arena_done(&a);
}

TEST(split_types_refer_to_their_base_and_shadow_nothing)
{
	struct arena a;
	struct make base, mod;
	struct btf b, s, t;
	uint64_t size;

	arena_init(&a, 1 << 20);
	make_init(&base, NULL);
	make_int(&base, "int", 4, 1);
	make_struct(&base, BTF_STRUCT, "s", 4, (struct make_member[]){ { "a", 1, 0, 0 } }, 1);
	read_ok(&base, NULL, &a, &b);
	make_init(&mod, &b);
	CHECK_EQ(make_struct(&mod, BTF_STRUCT, "m", 8, (struct make_member[]){ { "s", 2, 0, 0 }, { "self", 1, 32, 0 } },
			     2),
		 3);
	make_array(&mod, 3, 5);
	read_ok(&mod, &b, &a, &s);
	CHECK_EQ(s.n_types, 5);
	CHECK_STR(btf_get(&s, 2)->name, "s");
	CHECK_STR(btf_get(&s, 3)->members[0].name, "s");
	CHECK_EQ(btf_find(&s, BTF_STRUCT, "s", 0), 2);
	CHECK_EQ(btf_find(&s, BTF_STRUCT, "m", 0), 3);
	CHECK_EQ(btf_find(&b, BTF_STRUCT, "m", 0), 0);
	CHECK(btf_size(&s, 4, &size) && size == 40);
	make_done(&mod);

	make_init(&mod, &s); /* and a third one on top, without strings */
	make_array(&mod, 4, 2);
	read_ok(&mod, &s, &a, &t);
	CHECK(btf_size(&t, 5, &size) && size == 80);
	CHECK_STR(btf_get(&t, 1)->name, "int");
	make_done(&mod);
	make_done(&base);
	arena_done(&a);
}

TEST(declarations_are_spelled_as_c_spells_them)
{
	enum {
		INT = 1,
		CHAR,
		PTR,
		S,
		ANON,
		FN,
		FNPTR,
		ARR,
		ARRPTR,
		CC,
		CCP,
		PC,
		FNARR,
		E,
		VA,
		T,
		FUNC,
		LOOP,
		FWD,
		TAGGED
	};
	static const struct {
		uint32_t id;
		const char *want;
	} rows[] = {
		{ 0, "void" },
		{ INT, "int" },
		{ PTR, "void *" },
		{ S, "struct s" },
		{ ANON, "struct { int a; int b : 3; char name[16]; void *p; int (*fn)(void *); }" },
		{ FN, "int (void *)" },
		{ FNPTR, "int (*)(void *)" },
		{ ARR, "char[16]" },
		{ ARRPTR, "char (*)[16]" },
		{ CC, "const char" },
		{ CCP, "const char *" },
		{ PC, "const char *const" },
		{ FNARR, "int (*[4])(void *)" },
		{ E, "enum { MINUS = -1, ONE = 1 }" },
		{ VA, "void (int n, ...)" },
		{ T, "t" },
		{ FUNC, "void log(int n, ...)" },
		{ FWD, "union w" },
		{ TAGGED, "int *" },
	};
	struct arena a;
	struct make m;
	struct btf b;
	struct buf out;

	arena_init(&a, 1 << 20);
	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	make_int(&m, "char", 1, 1);
	make_ref(&m, BTF_PTR, "", 0);
	make_struct(&m, BTF_STRUCT, "s", 0, NULL, 0);
	make_struct(&m, BTF_STRUCT, "", 48,
		    (struct make_member[]){ { "a", INT, 0, 0 },
					    { "b", INT, 32, 3 },
					    { "name", ARR, 64, 0 },
					    { "p", PTR, 192, 0 },
					    { "fn", FNPTR, 256, 0 } },
		    5);
	make_type(&m, "", BTF_FUNC_PROTO, 1, INT, (uint32_t[]){ 0, PTR }, 2);
	make_ref(&m, BTF_PTR, "", FN);
	make_array(&m, CHAR, 16);
	make_ref(&m, BTF_PTR, "", ARR);
	make_ref(&m, BTF_CONST, "", CHAR);
	make_ref(&m, BTF_PTR, "", CC);
	make_ref(&m, BTF_CONST, "", CCP);
	make_array(&m, FNPTR, 4);
	make_enum(&m, BTF_ENUM, "", true, (struct make_value[]){ { "MINUS", (uint32_t)-1 }, { "ONE", 1 } }, 2);
	make_type(&m, "", BTF_FUNC_PROTO, 2, 0, (uint32_t[]){ make_string(&m, "n"), INT, 0, 0 }, 4);
	make_ref(&m, BTF_TYPEDEF, "t", INT);
	make_type(&m, "log", BTF_FUNC, 0, VA, NULL, 0);
	make_ref(&m, BTF_PTR, "", LOOP); /* points to itself, as no C can say */
	make_type(&m, "w", BTF_FWD, MAKE_FLAG, 0, NULL, 0);
	make_ref(&m, BTF_PTR, "", TAGGED + 1);
	make_ref(&m, BTF_TYPE_TAG, "user", INT);
	read_ok(&m, NULL, &a, &b);
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].want;
		buf_init(&out, 4096);
		btf_print(&b, rows[i].id, &out);
		CHECK_STR(out.p, rows[i].want);
		buf_done(&out);
	}
	buf_init(&out, 4096);
	btf_print(&b, LOOP, &out);
	CHECK_HAS(out.p, "... *");
	buf_done(&out);
	make_done(&m);
	arena_done(&a);
}

TEST(what_holds_itself_is_printed_to_a_depth)
{
	struct arena a;
	struct make m;
	struct btf b;
	struct buf out;

	arena_init(&a, 1 << 20);
	make_init(&m, NULL);
	make_struct(&m, BTF_STRUCT, "", 8, (struct make_member[]){ { "a", 1, 0, 0 }, { "b", 1, 0, 0 } }, 2);
	make_type(&m, "", BTF_FUNC_PROTO, 2, 0, (uint32_t[]){ 0, 2, 0, 2 }, 4);
	read_ok(&m, NULL, &a, &b);
	for (uint32_t id = 1; id <= 2; id++) { /* 2^32 words, were it not for the limit of out */
		buf_init(&out, 1 << 16);
		btf_print(&b, id, &out);
		CHECK(out.full);
		CHECK_HAS(out.p, "...");
		buf_done(&out);
	}
	make_done(&m);
	arena_done(&a);
}

/* Damage to bytes: where, and what to put there. */
static void refuses(const char *row, const struct make *m, uint32_t at, uint32_t word, enum err want, unsigned id)
{
	struct arena a;
	struct diag d;
	struct btf b;
	struct buf file;

	test_row = row;
	make_write(m, &file);
	arena_init(&a, 1 << 22);
	diag_init(&d);
	CHECK_OK(btf_read(view_of(file.p, file.len), NULL, &a, &b, NULL));
	memcpy(file.p + at, &word, sizeof word);
	CHECK_EQ(btf_read(view_of(file.p, file.len), NULL, &a, &b, &d), want);
	CHECK_EQ(d.family, 'U');
	CHECK_EQ(d.id, id);
	CHECK(d.offset <= file.len);
	arena_done(&a);
	buf_done(&file);
}

TEST(headers_that_make_no_sense_are_refused)
{
	struct make m;

	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	refuses("magic", &m, 0, 0x01eb90, E_FORMAT, 102);
	refuses("big-endian", &m, 0, 0x019feb, E_UNSUPPORTED, 103);
	refuses("version 2", &m, 0, 0x02eb9f, E_UNSUPPORTED, 103);
	refuses("a flag", &m, 0, 0x0101eb9f, E_UNSUPPORTED, 103);
	refuses("short header", &m, 4, 20, E_FORMAT, 104);
	refuses("header past the end", &m, 4, 4096, E_FORMAT, 104);
	refuses("types not aligned", &m, 8, 1, E_FORMAT, 104);
	refuses("types past the end", &m, 12, 0xfffffff0, E_FORMAT, 104);
	refuses("strings past the end", &m, 20, 6, E_FORMAT, 104);
	refuses("strings not ended", &m, 20, 4, E_FORMAT, 105);
	refuses("no strings", &m, 20, 0, E_FORMAT, 105);
	refuses("strings without the empty one", &m, MAKE_HDR_BYTES + 16, 0x746e69, E_FORMAT, 105);
	refuses("half a type", &m, 12, 15, E_TRUNCATED, 101);
	refuses("less than a type", &m, 12, 8, E_TRUNCATED, 101);
	make_done(&m);
}

TEST(a_file_that_ends_in_the_header_is_cut_off)
{
	struct arena a;
	struct diag d;
	struct btf b;

	arena_init(&a, 1 << 16);
	for (size_t n = 0; n < MAKE_HDR_BYTES; n++) {
		uint8_t bytes[MAKE_HDR_BYTES] = { 0x9f, 0xeb, 1 };

		diag_init(&d);
		CHECK_EQ(btf_read(view_of(bytes, n), NULL, &a, &b, &d), E_TRUNCATED);
		CHECK_EQ(d.id, 101);
	}
	arena_done(&a);
}

TEST(types_that_contradict_themselves_are_refused)
{
	enum { AT = MAKE_HDR_BYTES }; /* of the first type; 12 bytes and 4 */
	struct make m;

	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	refuses("kind 0", &m, AT + 4, 0, E_FORMAT, 107);
	refuses("kind 20", &m, AT + 4, 20u << 24, E_FORMAT, 107);
	refuses("name outside", &m, AT, 5, E_FORMAT, 108);
	refuses("int of no bytes", &m, AT + 8, 0, E_FORMAT, 111);
	refuses("int of 17 bytes", &m, AT + 8, 17, E_FORMAT, 111);
	refuses("int of no bits", &m, AT + 12, 0, E_FORMAT, 111);
	refuses("int of 33 bits", &m, AT + 12, 33, E_FORMAT, 111);
	refuses("int of 32 bits at 1", &m, AT + 12, 1 << 16 | 32, E_FORMAT, 111);
	make_type(&m, "float", BTF_FLOAT, 0, 4, NULL, 0); /* at 16 */
	refuses("float of 3 bytes", &m, AT + 16 + 8, 3, E_FORMAT, 112);
	make_enum(&m, BTF_ENUM, "e", 0, (struct make_value[]){ { "A", 1 } }, 1); /* at 28 */
	refuses("enum of no bytes", &m, AT + 28 + 8, 0, E_FORMAT, 112);
	refuses("enum of 16 bytes", &m, AT + 28 + 8, 16, E_FORMAT, 112);
	refuses("enumerator's name outside", &m, AT + 28 + 12, 4096, E_FORMAT, 108);
	make_ref(&m, BTF_PTR, "", 1); /* at 48 */
	refuses("pointer to type 5 of 5", &m, AT + 48 + 8, 5, E_FORMAT, 109);
	make_done(&m);
}

TEST(references_to_what_cannot_stand_there_are_refused)
{
	enum { AT = MAKE_HDR_BYTES, VAR = 16, SEC = 32, PROTO = 56, FUNC = 76, TAG = 88, ARR = 104, S = 128 };
	struct make m;

	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	make_type(&m, "v", BTF_VAR, 0, 1, (uint32_t[]){ 1 }, 1);
	make_type(&m, ".data", BTF_DATASEC, 1, 4, (uint32_t[]){ 2, 0, 4 }, 3);
	make_type(&m, "", BTF_FUNC_PROTO, 1, 0, (uint32_t[]){ 0, 1 }, 2);
	make_type(&m, "f", BTF_FUNC, 1, 4, NULL, 0);
	make_type(&m, "tag", BTF_DECL_TAG, 0, 2, (uint32_t[]){ ~0u }, 1);
	make_array(&m, 1, 2);
	make_struct(&m, BTF_STRUCT, "s", 4, (struct make_member[]){ { "a", 1, 0, 7 } }, 1);
	refuses("variable of a section's type", &m, AT + VAR + 8, 3, E_FORMAT, 110);
	refuses("variable of linkage 3", &m, AT + VAR + 12, 3, E_FORMAT, 116);
	refuses("section with a type", &m, AT + SEC + 12, 1, E_FORMAT, 115);
	refuses("section with type 9 of 9", &m, AT + SEC + 12, 9, E_FORMAT, 109);
	refuses("result is a function", &m, AT + PROTO + 8, 5, E_FORMAT, 110);
	refuses("parameter is a variable", &m, AT + PROTO + 16, 2, E_FORMAT, 110);
	refuses("function without prototype", &m, AT + FUNC + 8, 1, E_FORMAT, 110);
	refuses("function of linkage 7", &m, AT + FUNC + 4, 12u << 24 | 7, E_FORMAT, 116);
	refuses("tag of component -2", &m, AT + TAG + 12, (uint32_t)-2, E_FORMAT, 117);
	refuses("tag of type 9", &m, AT + TAG + 8, 9, E_FORMAT, 109);
	refuses("array of functions", &m, AT + ARR + 12, 5, E_FORMAT, 110);
	refuses("array indexed by a tag", &m, AT + ARR + 16, 6, E_FORMAT, 110);
	refuses("array of itself", &m, AT + ARR + 12, 7, E_LIMIT, 106);
	refuses("member outside", &m, AT + S + 20, 33 | 7 << 24, E_FORMAT, 113);
	refuses("member of a section's type", &m, AT + S + 16, 3, E_FORMAT, 110);
	refuses("bit-field of an array", &m, AT + S + 16, 7, E_FORMAT, 114);
	make_done(&m);

	make_init(&m, NULL);
	make_int(&m, "byte", 1, 0);
	make_struct(&m, BTF_STRUCT, "s", 4, (struct make_member[]){ { "a", 1, 0, 8 } }, 1);
	refuses("bit-field of 9 bits in a byte", &m, AT + 16 + 20, 9 << 24, E_FORMAT, 114);
	make_done(&m);
}

TEST(chains_end_within_a_limit)
{
	struct arena a;
	struct make m;
	struct diag d;
	struct btf b;

	arena_init(&a, 1 << 20);
	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	for (uint32_t i = 1; i <= BTF_MAX_DEPTH; i++)
		make_ref(&m, BTF_CONST, "", i);
	CHECK_OK(make_read(&m, NULL, &a, &b, &d));
	CHECK_EQ(btf_skip(&b, BTF_MAX_DEPTH + 1), 1);
	make_ref(&m, BTF_TYPEDEF, "t", BTF_MAX_DEPTH + 1);
	CHECK_EQ(make_read(&m, NULL, &a, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 106);
	make_done(&m);

	make_init(&m, NULL);
	make_ref(&m, BTF_CONST, "", 2);
	make_ref(&m, BTF_TYPEDEF, "t", 1);
	CHECK_EQ(make_read(&m, NULL, &a, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 106);
	make_done(&m);
	arena_done(&a);
}

TEST(names_and_numbers_of_types_have_limits)
{
	char name[BTF_MAX_NAME + 2];
	struct arena a;
	struct make m;
	struct diag d;
	struct btf b;

	arena_init(&a, 256 << 20);
	memset(name, 'n', sizeof name);
	name[BTF_MAX_NAME + 1] = 0;
	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	make_type(&m, name, BTF_DECL_TAG, 0, 1, (uint32_t[]){ ~0u }, 1); /* a text, not a name */
	make_ref(&m, BTF_TYPEDEF, name + 1, 1);
	CHECK_OK(make_read(&m, NULL, &a, &b, &d));
	make_ref(&m, BTF_TYPEDEF, name, 1);
	CHECK_EQ(make_read(&m, NULL, &a, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 106);
	make_done(&m);

	make_init(&m, NULL);
	make_int(&m, name + 1, 4, 1);
	for (uint32_t i = 0, zero = 0, one = 1, kind = BTF_PTR << 24; i <= BTF_MAX_NAMES / BTF_MAX_NAME; i++) {
		buf_put(&m.types, &one, 4); /* one string for all */
		buf_put(&m.types, &kind, 4);
		buf_put(&m.types, &zero, 4);
	}
	CHECK_EQ(make_read(&m, NULL, &a, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 106);
	make_done(&m);

	make_init(&m, NULL);
	buf_done(&m.types);
	buf_init(&m.types, 16 << 20);
	for (uint32_t i = 1; i <= BTF_MAX_TYPES; i++)
		make_ref(&m, BTF_PTR, "", 0);
	CHECK_EQ(m.next_id, BTF_MAX_TYPES + 1);
	{
		uint32_t hdr[6] = { 0x01eb9f, 24, 0, (uint32_t)m.types.len, (uint32_t)m.types.len, 1 };
		struct buf file;

		buf_init(&file, 32 << 20);
		buf_put(&file, hdr, sizeof hdr);
		buf_put(&file, m.types.p, m.types.len);
		buf_putc(&file, 0);
		diag_init(&d);
		CHECK_EQ(btf_read(view_of(file.p, file.len), NULL, &a, &b, &d), E_LIMIT);
		CHECK_EQ(d.id, 106);
		buf_done(&file);
	}
	make_done(&m);
	arena_done(&a);
	diag_init(&d);
	CHECK_EQ(btf_read(view_of(name, BTF_MAX_BYTES + (size_t)1), NULL, &a, &b, &d), E_LIMIT); /* not looked at */
	CHECK_EQ(d.id, 106);
}

TEST(without_memory_it_says_so)
{
	struct arena a, keep;
	struct buf file;
	struct make m;
	struct btf b;
	enum err err = E_NOMEM;
	size_t cap;

	make_init(&m, NULL);
	make_int(&m, "int", 4, 1);
	make_struct(&m, BTF_STRUCT, "s", 4, (struct make_member[]){ { "a", 1, 0, 0 } }, 1);
	make_write(&m, &file);
	arena_init(&keep, 1 << 16);
	for (cap = 0; err == E_NOMEM; cap += 16) {
		arena_init(&a, cap);
		err = btf_read(view_of(file.p, file.len), NULL, &a, &b, NULL);
		arena_done(&a);
	}
	CHECK_EQ(err, E_OK);
	CHECK(cap > 64);
	arena_done(&keep);
	buf_done(&file);
	make_done(&m);
}
