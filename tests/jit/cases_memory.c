/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every load, store and atomic operation: inside each window, what it gives on every engine; at each edge and beyond,
 * that it is refused as the interpreter refuses it, and by no signal.
 */
#include "bed.h"

enum { WIN = 40 };
enum where { IN_CTX, IN_STACK, IN_FRAME, IN_MAP, N_WHERE };

static const uint8_t bytes[WIN] = { 0x80, 0x7f, 0xff, 1,    2,    0x81, 0xfe, 0x55, 0x80, 0,    0,    0,    0,    0,
				    0,    0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x12, 0x34, 0x56, 0x78,
				    0x9a, 0xbc, 0xde, 0xf0, 9,    8,    7,    6,    5,    4,    3,    0x82 };

struct world {
	struct prog_map def;
	struct map *map;
};

static void world_init(struct world *w)
{
	w->def = (struct prog_map){
		.name = "values", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = WIN, .max_entries = 1
	};
	CHECK_OK(map_new(&w->def, &w->map, NULL));
}

static struct code code_in(struct world *w)
{
	return (struct code){ .maps = &w->def, .map_objs = &w->map, .n_maps = 1 };
}

static bool is_memory(const struct isa_row *r)
{
	return r->sem >= ISA_LDX && r->sem <= ISA_STORE_REL;
}

static bool is_load(const struct isa_row *r)
{
	return r->form == ISA_FORM_LDX;
}

static bool must_be_aligned(const struct isa_row *r)
{
	return r->sem >= ISA_ATOMIC;
}

/* The window's bytes to the stack, by way of r5. */
static void fill_stack(struct code *c)
{
	for (int i = 0; i < WIN; i += 8) {
		uint64_t v;

		memcpy(&v, bytes + i, 8);
		lddw(c, 5, v);
		stx(c, "STXDW", 10, i - VM_STACK_BYTES, 5);
		if (i + 8 >= WIN)
			stx(c, "STXDW", 10, -8, 5);
	}
}

/* r4 = the window's start; IN_FRAME has none, it is named by r10. */
static void put_base(struct code *c, enum where where)
{
	if (where == IN_CTX) {
		mov(c, 4, 1);
	} else if (where == IN_MAP) {
		(void)emit(c, "LDDW_MAP_VALUE", 4, 0, 0, 0);
	} else {
		fill_stack(c);
		mov(c, 4, 10);
		addi(c, 4, -VM_STACK_BYTES);
	}
}

/* The access at base + fixed + off, fixed being added to the base; then everything that can have changed, to r0. */
static void put_access(struct code *c, const struct isa_row *r, enum where where, int32_t fixed, int32_t off)
{
	unsigned base = where == IN_FRAME ? 10 : 4;

	put_base(c, where);
	if (fixed)
		addi(c, 4, fixed);
	if (where == IN_FRAME)
		off -= VM_STACK_BYTES;
	lddw(c, 0, UINT64_C(0x810255fe01ff7f80)); /* what CMPXCHG finds at offset 0 */
	lddw(c, 6, UINT64_C(0x8899aabbccddeeff));
	if (is_load(r))
		(void)emit(c, r->name, 6, base, off, 0);
	else
		(void)emit(c, r->name, base, 6, off, -2);
	(void)emit(c, "MUL64_IMM", 0, 0, 0, 31);
	(void)emit(c, "ADD64_REG", 0, 6, 0, 0);
	if (where == IN_STACK || where == IN_FRAME) {
		for (int i = 0; i < WIN; i += 8) {
			ldx(c, "LDXDW", 5, 10, i - VM_STACK_BYTES);
			(void)emit(c, "MUL64_IMM", 0, 0, 0, 31);
			(void)emit(c, "XOR64_REG", 0, 5, 0, 0);
		}
	}
	exit_(c);
}

static struct bed_result access_at(struct world *w, unsigned engines, const struct isa_row *r, enum where where,
				   int32_t fixed, int32_t off, bool read_only)
{
	struct code c = code_in(w);

	put_access(&c, r, where, fixed, off);
	return bed_compare(
		engines, &c,
		&(struct bed_input){
			.ctx = bytes, .ctx_bytes = WIN, .map = bytes, .map_bytes = WIN, .read_only = read_only });
}

TEST(memory_inside_the_windows_is_the_interpreters_on_every_engine)
{
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];
		int size = r->width / 8;

		if (!is_memory(r))
			continue;
		test_row = r->name;
		for (enum where where = 0; where < N_WHERE; where++)
			for (int at = 0; at + size <= WIN; at += must_be_aligned(r) ? size : 3) {
				int fixed = where == IN_FRAME ? 0 : at & 1 ? at - 1 : at & 8;

				CHECK_OK(access_at(&w, BED_ALL, r, where, fixed, at - fixed, false).o.err);
			}
	}
	map_free(w.map);
}

static int window_end(enum where where)
{
	return where == IN_STACK || where == IN_FRAME ? VM_STACK_BYTES : WIN;
}

TEST(memory_at_every_edge_is_refused_as_the_interpreter_refuses_it)
{
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];
		int size = r->width / 8;

		if (!is_memory(r))
			continue;
		test_row = r->name;
		for (enum where where = 0; where < N_WHERE; where++) {
			int end = window_end(where);

			for (int past = 0; past <= size; past += size > 1 ? size / 2 : 1) {
				enum err e = access_at(&w, BED_CHECKED, r, where, 0, end - size + past, false).o.err;

				CHECK_EQ(e, past ? E_FAULT : E_OK);
			}
			CHECK_EQ(access_at(&w, BED_CHECKED, r, where, 0, -size, false).o.err, E_FAULT);
			CHECK_EQ(access_at(&w, BED_CHECKED, r, where, 0, -1, false).o.err, E_FAULT);
			if (where == IN_FRAME)
				continue;
			CHECK_EQ(access_at(&w, BED_CHECKED, r, where, INT32_MIN, 0, false).o.err, E_FAULT);
			CHECK_EQ(access_at(&w, BED_CHECKED, r, where, INT32_MAX, 0, false).o.err, E_FAULT);
			CHECK_EQ(access_at(&w, BED_CHECKED, r, where, 32767, -32768, false).o.err, E_FAULT);
		}
		access_at(&w, BED_CHECKED, r, IN_CTX, 0, 0, true);
		if (must_be_aligned(r) && size > 1)
			CHECK_EQ(access_at(&w, BED_CHECKED, r, IN_CTX, 0, size / 2, false).o.d.id, 302);
	}
	map_free(w.map);
}

TEST(an_address_that_is_none_is_refused)
{
	static const uint64_t addresses[] = { 0,
					      1,
					      8,
					      4096,
					      UINT64_MAX,
					      UINT64_MAX - 7,
					      UINT64_C(1) << 63,
					      UINT64_C(0x5a11000000000000),
					      UINT64_C(0x5a12000000000000) };
	static const char *const rows[] = { "LDXB", "LDXDW", "STW", "STXH", "ATOMIC_ADD64", "LOAD_ACQ8" };
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < countof(rows); i++)
		for (size_t j = 0; j < countof(addresses); j++) {
			struct code c = code_in(&w);
			const struct isa_row *r = isa_row_by_name(rows[i]);

			test_row = rows[i];
			lddw(&c, 4, addresses[j]);
			movi(&c, 0, 0);
			movi(&c, 6, 0);
			(void)emit(&c, rows[i], is_load(r) ? 6 : 4, is_load(r) ? 4 : 6, 0, 0);
			exit_(&c);
			CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ .ctx = bytes, .ctx_bytes = WIN })
					 .o.err,
				 E_FAULT);
		}
	map_free(w.map);
}

TEST(a_context_that_is_too_small_for_the_access_has_no_window_for_it)
{
	for (size_t n = 0; n < 9; n++)
		for (unsigned width = 0; width < 4; width++) {
			static const char *const rows[] = { "LDXB", "LDXH", "LDXW", "LDXDW" };
			struct code c = { 0 };

			ldx(&c, rows[width], 0, 1, 0);
			exit_(&c);
			CHECK_EQ(
				bed_compare(BED_CHECKED, &c, &(struct bed_input){ .ctx = bytes, .ctx_bytes = n }).o.err,
				n >= 1u << width ? E_OK : E_FAULT);
		}
}
