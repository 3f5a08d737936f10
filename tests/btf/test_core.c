/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relocations between hand-made types: what a compiler's output does not have, limits, and every reason to refuse.
 * tests/btf/test_clang.c has what clang makes.
 */
#include "make.h"

struct world {
	struct arena a;
	struct make ml, mt;
	struct btf l, t;
};

static void world_init(struct world *w)
{
	arena_init(&w->a, 16 << 20);
	make_init(&w->ml, NULL);
	make_init(&w->mt, NULL);
}

static void world_read(struct world *w)
{
	struct diag d;

	if (make_read(&w->ml, NULL, &w->a, &w->l, &d) != E_OK || make_read(&w->mt, NULL, &w->a, &w->t, &d) != E_OK)
		fail_msg("%s", d.text);
}

static void world_done(struct world *w)
{
	make_done(&w->ml);
	make_done(&w->mt);
	arena_done(&w->a);
}

static enum err resolve(const struct world *w, uint32_t type, const char *access, enum core_kind kind,
			struct core_result *out, struct diag *d)
{
	struct core_relo r = { .type = type, .access = access, .kind = (uint8_t)kind };
	uint64_t steps = CORE_MAX_STEPS;

	*out = (struct core_result){ .value = 0xbad };
	diag_init(d);
	return core_resolve(&w->l, &r, &w->t, &steps, out, d);
}

static struct core_result value(const struct world *w, uint32_t type, const char *access, enum core_kind kind)
{
	struct core_result r;
	struct diag d;

	if (resolve(w, type, access, kind, &r, &d) != E_OK)
		fail_msg("%s: U%u %s", access, d.id, d.text);
	return r;
}

static void refused(const struct world *w, uint32_t type, const char *access, enum core_kind kind, enum err want,
		    unsigned id)
{
	struct core_result r;
	struct diag d;

	test_row = access;
	CHECK_EQ(resolve(w, type, access, kind, &r, &d), want);
	CHECK_EQ(d.family, 'U');
	CHECK_EQ(d.id, id);
	CHECK_EQ(r.value, 0xbad); /* nothing was written */
}

/* int a; int b[4]; flexible int c[]; in the target b comes first and is longer, a and c are in an anonymous struct. */
static uint32_t arrays(struct world *w)
{
	uint32_t i = make_int(&w->ml, "int", 4, 1), s, a, f;

	a = make_array(&w->ml, i, 4);
	f = make_array(&w->ml, i, 0);
	s = make_struct(&w->ml, BTF_STRUCT, "s___v1", 20,
			(struct make_member[]){ { "a", i, 0, 0 }, { "b", a, 32, 0 }, { "c", f, 160, 0 } }, 3);
	i = make_int(&w->mt, "int", 4, 1);
	a = make_array(&w->mt, i, 8);
	f = make_array(&w->mt, i, 0);
	make_struct(&w->mt, BTF_STRUCT, "", 8, (struct make_member[]){ { "a", i, 32, 0 }, { "c", f, 64, 0 } }, 2);
	make_struct(&w->mt, BTF_STRUCT, "s", 40, (struct make_member[]){ { "b", a, 0, 0 }, { "", 4, 256, 0 } }, 2);
	return s;
}

TEST(members_and_elements_are_found_where_they_moved)
{
	struct core_result r;
	struct world w;
	uint32_t s;

	world_init(&w);
	s = arrays(&w);
	world_read(&w);
	r = value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET);
	CHECK(r.exists && !r.poison && r.was_known);
	CHECK_EQ(r.was, 0);
	CHECK_EQ(r.value, 36);
	CHECK_EQ(r.bytes, 4);
	CHECK_EQ(r.bytes_was, 4);
	CHECK_EQ(r.type, 5);
	CHECK_EQ(value(&w, s, "0:1:3", CORE_FIELD_BYTE_OFFSET).value, 12);
	CHECK_EQ(value(&w, s, "0:1", CORE_FIELD_BYTE_SIZE).value, 32);
	CHECK_EQ(value(&w, s, "0:1", CORE_FIELD_BYTE_SIZE).was, 16);
	r = value(&w, s, "0:1", CORE_FIELD_BYTE_OFFSET); /* a load of the array's first element keeps its width */
	CHECK_EQ(r.bytes, 4);
	CHECK_EQ(r.bytes_was, 4);
	CHECK_EQ(value(&w, s, "2:1", CORE_FIELD_BYTE_OFFSET).was, 2 * 20 + 4);
	CHECK_EQ(value(&w, s, "2:1", CORE_FIELD_BYTE_OFFSET).value, 2 * 40);
	CHECK_EQ(value(&w, s, "1", CORE_FIELD_BYTE_OFFSET).value, 40); /* the next struct as a whole */
	CHECK_EQ(value(&w, s, "0:2:5", CORE_FIELD_BYTE_OFFSET).value, 40 + 5 * 4);
	CHECK_EQ(value(&w, s, "0:2:5", CORE_FIELD_BYTE_OFFSET).was, 20 + 5 * 4);
	world_done(&w);
}

TEST(an_access_that_is_none_of_the_type_is_refused)
{
	static const char *const bad[] = {
		"",   "0:",   ":0",     "0:3", "0:1:4", "0:0:0", "0:1:", "x", "0 :1", "4294967296", "0:99999999999999",
		"-1", "0:-1", "0:1:0:0"
	};
	struct world w;
	uint32_t s;
	char deep[4 * CORE_MAX_ACCESS];

	world_init(&w);
	s = arrays(&w);
	world_read(&w);
	for (size_t i = 0; i < countof(bad); i++)
		refused(&w, s, bad[i], CORE_FIELD_BYTE_OFFSET, E_FORMAT, 210);
	refused(&w, s, "0:0", CORE_TYPE_SIZE, E_FORMAT, 210);
	refused(&w, s, "1", CORE_TYPE_EXISTS, E_FORMAT, 210);
	refused(&w, s, "0", CORE_ENUMVAL_VALUE, E_FORMAT, 210); /* no enumeration */
	for (size_t i = 0; i + 1 < sizeof deep; i++)
		deep[i] = i % 2 ? ':' : '0';
	deep[sizeof deep - 1] = 0;
	refused(&w, s, deep, CORE_FIELD_BYTE_OFFSET, E_LIMIT, 215);
	refused(&w, w.l.n_types, "0", CORE_FIELD_BYTE_OFFSET, E_FORMAT, 211);
	refused(&w, 2, "0", CORE_FIELD_BYTE_OFFSET, E_FORMAT, 211); /* an array has no name to look for */
	refused(&w, s, "0", CORE_N_KINDS, E_FORMAT, 211);
	refused(&w, s, "0", CORE_FIELD_SIGNED, E_UNSUPPORTED, 214); /* of no field */
	world_done(&w);
}

TEST(what_is_missing_poisons_where_a_value_is_needed)
{
	struct core_result r;
	struct world w;
	uint32_t i, s, e;

	world_init(&w);
	i = make_int(&w.ml, "int", 4, 1);
	s = make_struct(&w.ml, BTF_STRUCT, "gone", 4, (struct make_member[]){ { "a", i, 0, 0 } }, 1);
	e = make_enum(&w.ml, BTF_ENUM, "e", false, (struct make_value[]){ { "A", 1 } }, 1);
	make_enum(&w.mt, BTF_ENUM, "e", false, (struct make_value[]){ { "B", 1 } }, 1);
	world_read(&w);
	for (unsigned kind = CORE_FIELD_BYTE_OFFSET; kind <= CORE_FIELD_RSHIFT_U64; kind++) {
		r = value(&w, s, "0:0", kind);
		CHECK(!r.exists && !r.type);
		CHECK_EQ(r.poison, kind != CORE_FIELD_EXISTS);
		CHECK_EQ(r.value, 0);
	}
	r = value(&w, s, "0", CORE_TYPE_SIZE);
	CHECK(!r.exists && !r.poison && r.value == 0 && r.was == 4);
	CHECK_EQ(value(&w, s, "0", CORE_TYPE_ID_LOCAL).value, s);
	CHECK_EQ(value(&w, s, "0", CORE_TYPE_ID_TARGET).value, 0);
	CHECK_EQ(value(&w, s, "0", CORE_TYPE_EXISTS).value, 0);
	CHECK_EQ(value(&w, e, "0", CORE_TYPE_EXISTS).value, 1);
	CHECK_EQ(value(&w, e, "0", CORE_ENUMVAL_EXISTS).value, 0);
	CHECK(!value(&w, e, "0", CORE_ENUMVAL_EXISTS).poison);
	CHECK(value(&w, e, "0", CORE_ENUMVAL_VALUE).poison);
	world_done(&w);
}

TEST(types_of_one_name_that_disagree_are_refused)
{
	struct core_result r;
	struct world w;
	uint32_t i, s, c;

	world_init(&w);
	i = make_int(&w.ml, "int", 4, 1);
	s = make_struct(&w.ml, BTF_STRUCT, "s", 8, (struct make_member[]){ { "a", i, 0, 0 }, { "b", i, 32, 0 } }, 2);
	i = make_int(&w.mt, "int", 4, 1);
	c = make_int(&w.mt, "char", 1, 1);
	make_struct(&w.mt, BTF_STRUCT, "s", 8, (struct make_member[]){ { "a", i, 0, 0 }, { "b", i, 32, 0 } }, 2);
	make_struct(&w.mt, BTF_STRUCT, "s___x", 12, (struct make_member[]){ { "a", c, 0, 0 }, { "b", i, 64, 0 } }, 2);
	make_struct(&w.mt, BTF_STRUCT, "s___y", 4, (struct make_member[]){ { "z", i, 0, 0 } }, 1); /* does not fit */
	world_read(&w);
	refused(&w, s, "0:1", CORE_FIELD_BYTE_OFFSET, E_REJECTED, 212);
	refused(&w, s, "0:1", CORE_FIELD_EXISTS, E_REJECTED, 212); /* not at the same place: libbpf's rule */
	refused(&w, s, "0:0", CORE_FIELD_BYTE_SIZE, E_REJECTED, 212);
	refused(&w, s, "0", CORE_TYPE_SIZE, E_REJECTED, 212);
	refused(&w, s, "0", CORE_TYPE_ID_TARGET, E_REJECTED, 212);
	r = value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET); /* one place, two widths: not for a load */
	CHECK_EQ(r.value, 0);
	CHECK_EQ(r.bytes, 0);
	CHECK(!r.resize);
	world_done(&w);
}

/* Relocate a field `f` of the local type by one of the target type, and say whether it was found. */
static bool compatible(void (*local)(struct make *m), void (*target)(struct make *m))
{
	struct core_result r;
	struct world w;
	uint32_t s;

	world_init(&w);
	local(&w.ml);
	s = make_struct(&w.ml, BTF_STRUCT, "s", 64, (struct make_member[]){ { "f", w.ml.next_id - 1, 0, 0 } }, 1);
	target(&w.mt);
	make_struct(&w.mt, BTF_STRUCT, "s", 64, (struct make_member[]){ { "f", w.mt.next_id - 1, 0, 0 } }, 1);
	world_read(&w);
	r = value(&w, s, "0:0", CORE_FIELD_EXISTS);
	world_done(&w);
	return r.exists;
}

static void an_int(struct make *m)
{
	make_int(m, "int", 4, 1);
}
static void a_byte(struct make *m)
{
	make_ref(m, BTF_CONST, "", make_ref(m, BTF_TYPEDEF, "u8", make_int(m, "unsigned char", 1, 0)));
}
static void part_of_int(struct make *m)
{
	make_type(m, "int", BTF_INT, 0, 4, (uint32_t[]){ 3 << 16 | 5 }, 1);
}
static void a_float(struct make *m)
{
	make_type(m, "float", BTF_FLOAT, 0, 4, NULL, 0);
}
static void a_double(struct make *m)
{
	make_type(m, "double", BTF_FLOAT, 0, 8, NULL, 0);
}
static void a_pointer(struct make *m)
{
	make_ref(m, BTF_PTR, "", 0);
}
static void a_struct(struct make *m)
{
	make_struct(m, BTF_STRUCT, "x", 4, NULL, 0);
}
static void a_union(struct make *m)
{
	make_struct(m, BTF_UNION, "y", 8, NULL, 0);
}
static void enum_e(struct make *m)
{
	make_enum(m, BTF_ENUM, "e___old", false, (struct make_value[]){ { "A", 1 } }, 1);
}
static void wide_enum_e(struct make *m)
{
	make_enum(m, BTF_ENUM64, "e", true, (struct make_value[]){ { "B", 1 } }, 1);
}
static void enum_other(struct make *m)
{
	make_enum(m, BTF_ENUM, "other", false, NULL, 0);
}
static void enum_anonymous(struct make *m)
{
	make_enum(m, BTF_ENUM, "", false, NULL, 0);
}
static void ints(struct make *m)
{
	make_array(m, make_int(m, "int", 4, 1), 4);
}
static void bytes(struct make *m)
{
	make_array(m, make_int(m, "char", 1, 1), 32);
}
static void pointers(struct make *m)
{
	make_array(m, make_ref(m, BTF_PTR, "", 0), 2);
}

TEST(fields_are_compatible_as_libbpf_says)
{
	static const struct {
		const char *name;
		void (*local)(struct make *m), (*target)(struct make *m);
		bool want;
	} rows[] = {
		{ "integers of other sizes and signs", an_int, a_byte, true },
		{ "an integer of a part of its bytes", an_int, part_of_int, false },
		{ "a float of another size", a_float, a_double, true },
		{ "a float for an integer", an_int, a_float, false },
		{ "a pointer for an integer", an_int, a_pointer, false },
		{ "pointers", a_pointer, a_pointer, true },
		{ "a struct for a union", a_union, a_struct, true },
		{ "a struct for an integer", an_int, a_struct, false },
		{ "enumerations that differ in flavour and width", enum_e, wide_enum_e, true },
		{ "enumerations of other names", enum_e, enum_other, false },
		{ "an enumeration without a name", enum_e, enum_anonymous, true },
		{ "an enumeration for an integer", an_int, enum_e, false },
		{ "arrays of other lengths and integers", ints, bytes, true },
		{ "arrays of pointers for integers", ints, pointers, false },
		{ "an array for its element", an_int, ints, false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK_EQ(compatible(rows[i].local, rows[i].target), rows[i].want);
	}
}

TEST(a_name_inside_an_unfit_anonymous_struct_does_not_hide_a_later_one)
{
	struct world w;
	uint32_t i, p, s;

	world_init(&w);
	i = make_int(&w.ml, "int", 4, 1);
	s = make_struct(&w.ml, BTF_STRUCT, "s", 4, (struct make_member[]){ { "a", i, 0, 0 } }, 1);
	i = make_int(&w.mt, "int", 4, 1);
	p = make_ref(&w.mt, BTF_PTR, "", 0);
	make_struct(&w.mt, BTF_STRUCT, "", 16, (struct make_member[]){ { "a", p, 64, 0 } }, 1);
	make_struct(&w.mt, BTF_STRUCT, "", 4, (struct make_member[]){ { "a", i, 0, 0 } }, 1);
	make_struct(&w.mt, BTF_STRUCT, "s", 24, (struct make_member[]){ { "", 3, 0, 0 }, { "", 4, 128, 0 } }, 2);
	world_read(&w);
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET).value, 16); /* not 24: what was tried leaves no trace */
	world_done(&w);
}

TEST(bit_fields_give_the_least_load_that_holds_them)
{
	struct world w;
	uint32_t u, s, b;

	world_init(&w);
	u = make_int(&w.ml, "unsigned int", 4, 0);
	s = make_struct(&w.ml, BTF_STRUCT, "s", 4, (struct make_member[]){ { "f", u, 3, 5 }, { "g", u, 8, 2 } }, 2);
	u = make_int(&w.mt, "unsigned int", 4, 0);
	b = make_int(&w.mt, "int", 4, 1);
	/* f lies across two units of 4 bytes, so that 8 are needed; g is signed and whole */
	make_struct(&w.mt, BTF_STRUCT, "s", 24,
		    (struct make_member[]){ { "f", u, 94, 7 }, { "g", b, 128, 0 }, { "h", b, 0, 1 } }, 3);
	world_read(&w);
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET).value, 8);
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET).bytes, 0);
	CHECK(!value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET).was_known);
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_BYTE_SIZE).value, 8);
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_LSHIFT_U64).value, 64 - (94 - 64 + 7));
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_RSHIFT_U64).value, 64 - 7);
	CHECK_EQ(value(&w, s, "0:0", CORE_FIELD_SIGNED).value, 0);
	CHECK_EQ(value(&w, s, "0:1", CORE_FIELD_BYTE_OFFSET).value, 16);
	CHECK_EQ(value(&w, s, "0:1", CORE_FIELD_LSHIFT_U64).value, 32);
	CHECK_EQ(value(&w, s, "0:1", CORE_FIELD_RSHIFT_U64).value, 32);
	CHECK_EQ(value(&w, s, "0:1", CORE_FIELD_SIGNED).value, 1);
	world_done(&w);

	world_init(&w); /* 40 bits that begin at bit 60: no load of 8 aligned bytes has them */
	u = make_int(&w.ml, "u64", 8, 0);
	s = make_struct(&w.ml, BTF_STRUCT, "s", 8, (struct make_member[]){ { "f", u, 0, 40 } }, 1);
	u = make_int(&w.mt, "u64", 8, 0);
	make_struct(&w.mt, BTF_STRUCT, "s", 24, (struct make_member[]){ { "f", u, 60, 40 } }, 1);
	world_read(&w);
	refused(&w, s, "0:0", CORE_FIELD_BYTE_SIZE, E_UNSUPPORTED, 213);
	world_done(&w);
}

TEST(loads_may_change_width_for_pointers_and_unsigned_integers_only)
{
	enum { UNSIGNED, SIGNED, POINTER, FLOAT, N };
	struct core_result r;
	struct world w;
	uint32_t ids[2][N], s;

	for (int l = 0; l < N; l++)
		for (int t = 0; t < N; t++) {
			world_init(&w);
			make_int(&w.mt, "long int", 4, 1); /* pointers of 4 bytes */
			for (int side = 0; side < 2; side++) {
				struct make *m = side ? &w.mt : &w.ml;

				ids[side][UNSIGNED] = make_int(m, "u", side ? 2 : 4, 0);
				ids[side][SIGNED] = make_int(m, "i", side ? 2 : 4, 1);
				ids[side][POINTER] = make_ref(m, BTF_PTR, "", 0);
				ids[side][FLOAT] = make_type(m, "f", BTF_FLOAT, 0, side ? 8 : 4, NULL, 0);
			}
			s = make_struct(&w.ml, BTF_STRUCT, "s", 8, (struct make_member[]){ { "f", ids[0][l], 0, 0 } },
					1);
			make_struct(&w.mt, BTF_STRUCT, "s", 8, (struct make_member[]){ { "f", ids[1][t], 0, 0 } }, 1);
			world_read(&w);
			r = value(&w, s, "0:0", CORE_FIELD_BYTE_OFFSET);
			CHECK_EQ(r.exists, l == t || (l <= SIGNED && t <= SIGNED));
			CHECK_EQ(r.resize, l == t && (l == UNSIGNED || l == POINTER));
			if (r.exists)
				CHECK_EQ(r.bytes, t == POINTER ? 4 : t == FLOAT ? 8 : 2);
			world_done(&w);
		}
}

TEST(values_of_enumerations_are_what_c_says)
{
	static const struct make_value values[] = { { "MINUS___v0", (uint64_t)-2 },
						    { "TOP", 0x80000000 },
						    { "ONE", 1 } };
	struct world w;
	uint32_t e, u, x, d;

	world_init(&w);
	e = make_enum(&w.ml, BTF_ENUM, "e", true, values, 3);
	u = make_enum(&w.ml, BTF_ENUM, "u", false, values, 3);
	x = make_enum(&w.ml, BTF_ENUM64, "x", false, values, 3);
	d = make_ref(&w.ml, BTF_TYPEDEF, "e_t", e);
	make_enum(&w.mt, BTF_ENUM, "e", true, (struct make_value[]){ { "ONE___new", 7 }, { "MINUS", (uint64_t)-9 } },
		  2);
	make_enum(&w.mt, BTF_ENUM64, "u", false, (struct make_value[]){ { "TOP", 0x8000000000000001 } }, 1);
	make_enum(&w.mt, BTF_ENUM, "x", false, (struct make_value[]){ { "TOP", 0xfffffffe } }, 1);
	make_ref(&w.mt, BTF_TYPEDEF, "e_t", 1);
	world_read(&w);
	CHECK_EQ(value(&w, e, "0", CORE_ENUMVAL_VALUE).value, -9);
	CHECK_EQ(value(&w, e, "0", CORE_ENUMVAL_VALUE).was, -2);
	CHECK_EQ(value(&w, e, "2", CORE_ENUMVAL_VALUE).value, 7);
	CHECK_EQ(value(&w, d, "2", CORE_ENUMVAL_VALUE).value, 7);
	CHECK_EQ(value(&w, u, "1", CORE_ENUMVAL_VALUE).value, 0x8000000000000001);
	CHECK_EQ(value(&w, u, "1", CORE_ENUMVAL_VALUE).was, 0x80000000);
	CHECK_EQ(value(&w, x, "1", CORE_ENUMVAL_VALUE).value, 0xfffffffe); /* unsigned: libbpf makes it negative */
	refused(&w, e, "3", CORE_ENUMVAL_VALUE, E_FORMAT, 210);
	refused(&w, e, "0:0", CORE_ENUMVAL_EXISTS, E_FORMAT, 210);
	world_done(&w);
}

TEST(what_a_relocation_may_cost_is_bounded)
{
	struct core_relo r = { .type = 1, .access = "0", .kind = CORE_TYPE_MATCHES };
	uint64_t steps = 100000;
	struct core_result out;
	struct diag d;
	struct world w;
	uint32_t n = 20;

	world_init(&w); /* each struct holds two of the next: 2^20 comparisons, and the innermost differ */
	for (int side = 0; side < 2; side++) {
		struct make *m = side ? &w.mt : &w.ml;

		for (uint32_t i = 1; i <= n; i++)
			make_struct(m, BTF_STRUCT, i == 1 ? "s" : "", 16,
				    (struct make_member[]){ { "", i + 1, 0, 0 }, { "", i + 1, 0, 0 } }, 2);
		make_int(m, side ? "x" : "y", 4, 0);
	}
	world_read(&w);
	diag_init(&d);
	CHECK_EQ(core_resolve(&w.l, &r, &w.t, &steps, &out, &d), E_LIMIT);
	CHECK_EQ(d.id, 215);
	CHECK_EQ(steps, 0);
	r.kind = CORE_FIELD_EXISTS;
	steps = 0;
	CHECK_EQ(core_resolve(&w.l, &r, &w.t, &steps, &out, &d), E_LIMIT);
	world_done(&w);

	world_init(&w); /* deeper than is followed */
	for (int side = 0; side < 2; side++) {
		struct make *m = side ? &w.mt : &w.ml;
		uint32_t t = make_int(m, "int", 4, 0);

		for (uint32_t i = 0; i < BTF_MAX_DEPTH; i++)
			t = make_ref(m, BTF_PTR, "", t);
		make_ref(m, BTF_TYPEDEF, "t", t);
	}
	world_read(&w);
	refused(&w, BTF_MAX_DEPTH + 2, "0", CORE_TYPE_EXISTS, E_LIMIT, 215);
	refused(&w, BTF_MAX_DEPTH + 2, "0", CORE_TYPE_MATCHES, E_LIMIT, 215);
	world_done(&w);
}

TEST(a_base_of_split_types_is_searched_too)
{
	struct core_relo r = { .access = "0:0", .kind = CORE_FIELD_BYTE_OFFSET };
	uint64_t steps = CORE_MAX_STEPS;
	struct core_result out;
	struct make mod;
	struct world w;
	struct btf split;
	struct diag d;
	uint32_t i;

	world_init(&w);
	i = make_int(&w.ml, "int", 4, 1);
	r.type = make_struct(&w.ml, BTF_STRUCT, "s", 4, (struct make_member[]){ { "a", i, 0, 0 } }, 1);
	i = make_int(&w.mt, "int", 4, 1);
	make_struct(&w.mt, BTF_STRUCT, "s", 12, (struct make_member[]){ { "a", i, 64, 0 } }, 1);
	world_read(&w);
	make_init(&mod, &w.t);
	make_struct(&mod, BTF_STRUCT, "other", 12, (struct make_member[]){ { "a", i, 64, 0 } }, 1);
	CHECK_OK(make_read(&mod, &w.t, &w.a, &split, &d));
	CHECK_OK(core_resolve(&w.l, &r, &split, &steps, &out, &d));
	CHECK_EQ(out.value, 8);
	CHECK_EQ(out.type, 2);
	make_done(&mod);
	world_done(&w);
}

/* .BTF.ext with one part of relocations: record size, section's name, count, then records of `size` bytes. */
struct ext {
	uint32_t w[64];
	size_t n;
};

static struct ext ext_of(uint32_t hdr_bytes, uint32_t record_bytes, uint32_t section, uint32_t type, uint32_t access,
			 uint32_t kind)
{
	struct ext x = { .w = { 0x01eb9f, hdr_bytes } };

	x.n = hdr_bytes / 4;
	x.w[7] = 4 + 2 * (8 + record_bytes);
	for (int part = 0; part < 2; part++) {
		if (!part)
			x.w[x.n++] = record_bytes;
		x.w[x.n++] = section;
		x.w[x.n++] = 1;
		memcpy(&x.w[x.n], (uint32_t[]){ 8u * (unsigned)part, type, access, kind }, 16);
		x.n += record_bytes / 4;
	}
	return x;
}

TEST(relocations_are_listed_by_section)
{
	const struct core_relo *list;
	struct buf text;
	struct world w;
	struct diag d;
	struct ext x;
	uint32_t sec, acc, n, type;

	world_init(&w);
	make_int(&w.ml, "int", 4, 1);
	type = make_struct(&w.ml, BTF_STRUCT, "s", 16, (struct make_member[]){ { "a", 1, 64, 0 } }, 1);
	sec = make_string(&w.ml, "xdp");
	acc = make_string(&w.ml, "1:0");
	world_read(&w);
	diag_init(&d);
	for (uint32_t bytes = 16; bytes <= 32; bytes += 8) { /* records and headers may be longer than known */
		x = ext_of(16 + bytes, bytes, sec, type, acc, CORE_FIELD_BYTE_SIZE);
		CHECK_OK(core_read(view_of(x.w, x.n * 4), &w.l, "xdp", &w.a, &list, &n, &d));
		CHECK_EQ(n, 2);
		CHECK_EQ(list[1].insn_off, 8);
		CHECK_EQ(list[1].type, type);
		CHECK_STR(list[1].access, "1:0");
		CHECK_EQ(list[1].kind, CORE_FIELD_BYTE_SIZE);
		CHECK_OK(core_read(view_of(x.w, x.n * 4), &w.l, "tc", &w.a, &list, &n, &d));
		CHECK_EQ(n, 0);
	}
	x = ext_of(32, 16, sec, type, acc, CORE_FIELD_BYTE_SIZE);
	CHECK_OK(core_read(view_of(x.w, x.n * 4), &w.l, "xdp", &w.a, &list, &n, &d));
	buf_init(&text, 256);
	core_print(&w.l, &list[0], &text);
	CHECK_STR(text.p, "byte size of struct s[1].a");
	buf_done(&text);
	x = ext_of(32, 16, sec, type, acc, CORE_FIELD_BYTE_SIZE);
	x.w[1] = 24; /* a header from before CO-RE */
	CHECK_OK(core_read(view_of(x.w, x.n * 4), &w.l, "xdp", &w.a, &list, &n, &d));
	CHECK_EQ(n, 0);
	world_done(&w);
}

static void refuses_many_parts(struct world *w)
{
	const struct core_relo *list;
	struct diag d;
	struct ext x = ext_of(32, 16, 0, 1, 0, CORE_FIELD_BYTE_SIZE);
	struct buf b;
	uint32_t n;

	buf_init(&b, 8 << 20);
	x.w[7] = 4 + (CORE_MAX_PARTS + 1) * 24;
	buf_put(&b, x.w, 36);
	for (uint32_t i = 0; i <= CORE_MAX_PARTS; i++)
		buf_put(&b, &x.w[9], 24);
	diag_init(&d);
	CHECK_EQ(core_read(view_of(b.p, b.len), &w->l, "xdp", &w->a, &list, &n, &d), E_LIMIT);
	CHECK_EQ(d.id, 206);
	buf_done(&b);
}

TEST(lists_of_relocations_that_make_no_sense_are_refused)
{
	static const struct {
		const char *name;
		uint32_t word, value;
		enum err want;
		unsigned id;
	} rows[] = {
		{ "magic", 0, 0x01eb90, E_FORMAT, 202 },
		{ "version", 0, 0x02eb9f, E_FORMAT, 202 },
		{ "short header", 1, 20, E_FORMAT, 202 },
		{ "header past the end", 1, 4096, E_FORMAT, 202 },
		{ "part past the end", 7, 4096, E_FORMAT, 202 },
		{ "part begins past the end", 6, 0xfffffff0, E_FORMAT, 202 },
		{ "short records", 8, 12, E_FORMAT, 203 },
		{ "records not aligned", 8, 18, E_FORMAT, 203 },
		{ "part of 2 bytes", 7, 2, E_FORMAT, 203 },
		{ "section's name outside", 9, 4096, E_FORMAT, 204 },
		{ "no records", 10, 0, E_FORMAT, 204 },
		{ "too many records", 10, 0x10000001, E_FORMAT, 204 },
		{ "type outside", 12, 77, E_FORMAT, 204 },
		{ "access outside", 13, 4096, E_FORMAT, 204 },
		{ "unknown kind", 14, CORE_N_KINDS, E_UNSUPPORTED, 205 },
	};
	const struct core_relo *list;
	struct world w;
	struct diag d;
	struct ext x;
	uint32_t sec, acc, n;

	world_init(&w);
	make_int(&w.ml, "int", 4, 1);
	sec = make_string(&w.ml, "xdp");
	acc = make_string(&w.ml, "0");
	world_read(&w);
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		x = ext_of(32, 16, sec, 1, acc, CORE_FIELD_BYTE_SIZE);
		x.w[rows[i].word] = rows[i].value;
		diag_init(&d);
		CHECK_EQ(core_read(view_of(x.w, x.n * 4), &w.l, "xdp", &w.a, &list, &n, &d), rows[i].want);
		CHECK_EQ(d.family, 'U');
		CHECK_EQ(d.id, rows[i].id);
	}
	refuses_many_parts(&w);
	x = ext_of(32, 16, sec, 1, acc, CORE_FIELD_BYTE_SIZE);
	for (size_t len = 0; len < 32; len++) {
		diag_init(&d);
		CHECK_EQ(core_read(view_of(x.w, len), &w.l, "xdp", &w.a, &list, &n, &d), E_TRUNCATED);
		CHECK_EQ(d.id, 201);
	}
	world_done(&w);
}
