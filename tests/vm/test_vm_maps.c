/* SPDX-License-Identifier: Apache-2.0 */
/* What programs, checked at every access, can do with maps of every kind, and cannot. */
#include "vmtest.h"

#include <errno.h>

/* Maps of a program by name of place. */
enum { ARRAY, RODATA, RING, QUEUE, PERCPU, OUTER, USER_RING, N_MAPS };

static const struct prog_map inner_def = {
	.name = "inner", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2
};

struct world {
	struct prog_map defs[N_MAPS];
	struct map *maps[N_MAPS], *inner;
};

static void world_init(struct world *w)
{
	*w = (struct world){ .defs = {
				     [ARRAY] = { .name = "array",
						 .kind = PROG_MAP_ARRAY,
						 .key_size = 4,
						 .value_size = 8,
						 .max_entries = 2 },
				     [RODATA] = { .name = "rodata",
						  .kind = PROG_MAP_ARRAY,
						  .key_size = 4,
						  .value_size = 8,
						  .max_entries = 1,
						  .flags = PROG_MAP_RDONLY },
				     [RING] = { .name = "ring", .kind = PROG_MAP_RINGBUF, .max_entries = 4096 },
				     [QUEUE] = { .name = "queue",
						 .kind = PROG_MAP_QUEUE,
						 .value_size = 8,
						 .max_entries = 2 },
				     [PERCPU] = { .name = "percpu",
						  .kind = PROG_MAP_PERCPU_ARRAY,
						  .key_size = 4,
						  .value_size = 8,
						  .max_entries = 2 },
				     [USER_RING] = { .name = "user_ring",
						     .kind = PROG_MAP_USER_RINGBUF,
						     .max_entries = 4096 },
				     [OUTER] = { .name = "outer",
						 .kind = PROG_MAP_ARRAY_OF_MAPS,
						 .key_size = 4,
						 .value_size = 4,
						 .max_entries = 2,
						 .inner = &inner_def },
			     } };
	for (unsigned i = 0; i < N_MAPS; i++)
		CHECK_OK(map_new_with(&w->defs[i], &(struct map_opts){ .n_cpus = 4 }, &w->maps[i], NULL));
	CHECK_OK(map_new(&inner_def, &w->inner, NULL));
	CHECK_OK(map_set_inner(w->maps[OUTER], &(uint32_t){ 1 }, w->inner, NULL));
}

static void world_done(struct world *w)
{
	for (unsigned i = 0; i < N_MAPS; i++)
		map_free(w->maps[i]);
	map_free(w->inner);
}

static struct code code_in(struct world *w)
{
	return (struct code){ .maps = w->defs, .map_objs = w->maps, .n_maps = N_MAPS };
}

static void load_map(struct code *c, unsigned reg, unsigned map)
{
	(void)emit(c, "LDDW_MAP_FD", reg, 0, 0, map);
}

/* r2 = address of a 4-byte key on the stack. */
static void load_key(struct code *c, int32_t key)
{
	(void)emit(c, "STW", 10, 0, -4, key);
	mov(c, 2, 10);
	addi(c, 2, -4);
}

/* r6 = a record of `bytes`. */
static void reserve(struct code *c, int32_t bytes)
{
	load_map(c, 1, RING);
	movi(c, 2, bytes);
	movi(c, 3, 0);
	call(c, ABI_HELPER_ringbuf_reserve);
	mov(c, 6, 0);
}

static void give_back(struct code *c, uint32_t how)
{
	mov(c, 1, 6);
	movi(c, 2, 0);
	call(c, how);
}

TEST(a_record_that_a_program_fills_and_submits_reaches_the_host)
{
	struct helper_env env = { 0 };
	struct outcome o;
	struct world w;
	struct code c;
	struct view v;

	world_init(&w);
	c = code_in(&w);
	reserve(&c, 16);
	lddw(&c, 3, 0x1122334455667788);
	stx(&c, "STXDW", 6, 0, 3);
	stx(&c, "STXDW", 6, 8, 3);
	ldx(&c, "LDXDW", 7, 6, 8);
	give_back(&c, ABI_HELPER_ringbuf_submit);
	mov(&c, 0, 7);
	exit_(&c);
	o = run_code(&c, &(struct vm_run_args){ .env = &env });
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 0x1122334455667788);
	CHECK(map_ring_next(w.maps[RING], &v));
	CHECK_EQ(v.len, 16);
	CHECK(!memcmp(v.p + 8, "\x88\x77\x66\x55\x44\x33\x22\x11", 8));
	world_done(&w);
}

/* off, and where in the life of a record of 16 bytes. */
static struct outcome touch_record(struct world *w, const char *op, int32_t off, bool after)
{
	struct code c = code_in(w);

	reserve(&c, 16);
	if (after)
		give_back(&c, ABI_HELPER_ringbuf_submit);
	movi(&c, 3, 0);
	(void)emit(&c, op, op[0] == 'S' ? 6 : 3, op[0] == 'S' ? 3 : 6, off, 0);
	if (!after)
		give_back(&c, ABI_HELPER_ringbuf_submit);
	exit_(&c);
	return run_code(&c, NULL);
}

TEST(only_the_bytes_of_an_open_record_are_the_programs)
{
	static const struct {
		const char *op;
		int32_t off;
		bool after;
		enum err want;
	} rows[] = {
		{ "STXDW", 8, false, E_OK },    { "LDXB", 15, false, E_OK },    { "STXDW", 9, false, E_FAULT },
		{ "STXB", 16, false, E_FAULT }, { "STXB", -1, false, E_FAULT }, { "STXW", -8, false, E_FAULT },
		{ "LDXB", -8, false, E_FAULT }, { "STXB", 0, true, E_FAULT },   { "LDXB", 0, true, E_FAULT },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct outcome o;
		struct world w;

		test_row = rows[i].op;
		world_init(&w);
		o = touch_record(&w, rows[i].op, rows[i].off, rows[i].after);
		CHECK_EQ(o.err, rows[i].want);
		if (o.err != E_OK)
			CHECK_EQ(o.d.id, 301);
		world_done(&w);
	}
}

TEST(what_a_program_leaves_open_is_discarded_however_it_ends)
{
	for (unsigned fault = 0; fault < 2; fault++) {
		struct world w;
		struct code c;
		struct view v;

		world_init(&w);
		c = code_in(&w);
		reserve(&c, 16);
		reserve(&c, 8);
		movi(&c, 0, 0);
		if (fault)
			ldx(&c, "LDXB", 0, 0, 0);
		exit_(&c);
		CHECK_EQ(run_code(&c, NULL).err, fault ? E_FAULT : E_OK);
		CHECK_OK(map_ring_output(w.maps[RING], "next", 4, 0));
		CHECK(map_ring_next(w.maps[RING], &v));
		CHECK_EQ(v.len, 4);
		world_done(&w);
	}
}

TEST(only_an_open_record_can_be_given_back)
{
	static const char *const names[] = { "null", "its middle", "twice", "the stack" };

	for (unsigned i = 0; i < countof(names); i++) {
		struct outcome o;
		struct world w;
		struct code c;

		test_row = names[i];
		world_init(&w);
		c = code_in(&w);
		reserve(&c, 16);
		if (i == 2)
			give_back(&c, ABI_HELPER_ringbuf_submit);
		if (i == 0)
			movi(&c, 6, 0);
		if (i == 1)
			addi(&c, 6, 8);
		if (i == 3)
			mov(&c, 6, 10);
		give_back(&c, ABI_HELPER_ringbuf_discard);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_FAULT);
		CHECK_EQ(o.d.id, 311);
		world_done(&w);
	}
}

TEST(a_run_has_at_most_so_many_records_open)
{
	struct outcome o;
	struct world w;
	struct code c;

	world_init(&w);
	c = code_in(&w);
	for (unsigned i = 0; i < HELPER_RECORDS; i++)
		reserve(&c, 8);
	mov(&c, 7, 6);
	reserve(&c, 8);
	(void)emit(&c, "JEQ64_IMM", 6, 0, 1, 0);
	movi(&c, 7, 0);
	mov(&c, 0, 7); /* the last one that was given, if the one after it was not */
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK(o.r0);
	world_done(&w);
}

TEST(a_helper_takes_only_maps_of_kinds_that_it_is_for)
{
	static const struct {
		uint32_t id;
		unsigned map;
		bool takes;
	} rows[] = {
		{ ABI_HELPER_map_lookup_elem, ARRAY, true },
		{ ABI_HELPER_map_lookup_elem, QUEUE, false },
		{ ABI_HELPER_map_lookup_elem, RING, false },
		{ ABI_HELPER_map_lookup_elem, OUTER, true },
		{ ABI_HELPER_map_update_elem, OUTER, false },
		{ ABI_HELPER_map_push_elem, ARRAY, false },
		{ ABI_HELPER_map_pop_elem, QUEUE, true },
		{ ABI_HELPER_ringbuf_query, RING, true },
		{ ABI_HELPER_ringbuf_query, QUEUE, false },
		{ ABI_HELPER_map_lookup_percpu_elem, PERCPU, true },
		{ ABI_HELPER_map_lookup_percpu_elem, ARRAY, false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct outcome o;
		struct world w;
		struct code c;

		world_init(&w);
		c = code_in(&w);
		(void)emit(&c, "STDW", 10, 0, -16, 0);
		load_key(&c, 0);
		mov(&c, 3, 10);
		addi(&c, 3, -16);
		if (rows[i].id == ABI_HELPER_map_pop_elem)
			mov(&c, 2, 3);
		load_map(&c, 1, rows[i].map);
		call(&c, rows[i].id);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, rows[i].takes ? E_OK : E_FAULT);
		CHECK_EQ(o.d.id, rows[i].takes ? 0 : 306);
		world_done(&w);
	}
}

TEST(a_queue_fills_memory_that_the_program_may_write_and_no_other)
{
	struct outcome o;
	struct world w;
	struct code c;

	world_init(&w);
	c = code_in(&w);
	(void)emit(&c, "STDW", 10, 0, -8, 77);
	load_map(&c, 1, QUEUE);
	mov(&c, 2, 10);
	addi(&c, 2, -8);
	movi(&c, 3, 0);
	call(&c, ABI_HELPER_map_push_elem);
	load_map(&c, 1, QUEUE);
	mov(&c, 2, 10);
	addi(&c, 2, -16);
	call(&c, ABI_HELPER_map_peek_elem);
	ldx(&c, "LDXDW", 7, 10, -16);
	load_map(&c, 1, QUEUE);
	(void)emit(&c, "LDDW_MAP_VALUE", 2, 0, 0, RODATA);
	call(&c, ABI_HELPER_map_pop_elem);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.d.id, 304);
	CHECK_EQ(map_count(w.maps[QUEUE]), 1);
	c.n -= 4; /* from the last lddw on */
	(void)emit(&c, "LDDW_MAP_VALUE", 2, 0, 0, ARRAY);
	call(&c, ABI_HELPER_map_pop_elem);
	mov(&c, 0, 7);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 77);
	CHECK_EQ(*(uint64_t *)map_lookup(w.maps[ARRAY], &(uint32_t){ 0 }), 77);
	CHECK_EQ(map_count(w.maps[QUEUE]), 1);
	world_done(&w);
}

TEST(a_program_sees_the_values_of_its_cpu_and_of_another_that_it_names)
{
	struct world w;

	world_init(&w);
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		CHECK_OK(map_prog_update(w.maps[PERCPU], &(uint32_t){ 1 }, &(uint64_t){ 100 + cpu }, MAP_ANY, cpu));
	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		struct helper_env env = { .cpu = cpu };
		struct code c = code_in(&w);
		struct outcome o;

		load_key(&c, 1);
		load_map(&c, 1, PERCPU);
		call(&c, ABI_HELPER_map_lookup_elem);
		ldx(&c, "LDXDW", 6, 0, 0);
		load_key(&c, 1);
		load_map(&c, 1, PERCPU);
		movi(&c, 3, (int32_t)(3 - cpu));
		call(&c, ABI_HELPER_map_lookup_percpu_elem);
		ldx(&c, "LDXDW", 0, 0, 0);
		(void)emit(&c, "MUL64_IMM", 0, 0, 0, 1000);
		(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .env = &env });
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, (103 - cpu) * 1000 + 100 + cpu);
	}
	world_done(&w);
}

/* r0 = value under `key` of the inner map under 1. */
static struct code look_inside(struct world *w, int32_t key)
{
	struct code c = code_in(w);

	load_key(&c, 1);
	load_map(&c, 1, OUTER);
	call(&c, ABI_HELPER_map_lookup_elem);
	mov(&c, 7, 0);
	mov(&c, 1, 0);
	load_key(&c, key);
	call(&c, ABI_HELPER_map_lookup_elem);
	return c;
}

TEST(a_program_reaches_the_values_of_an_inner_map)
{
	struct outcome o;
	struct world w;
	struct code c;

	world_init(&w);
	CHECK_OK(map_update(w.inner, &(uint32_t){ 1 }, &(uint64_t){ 5 }, MAP_ANY));
	c = look_inside(&w, 1);
	ldx(&c, "LDXDW", 6, 0, 0);
	addi(&c, 6, 1);
	stx(&c, "STXDW", 0, 0, 6);
	mov(&c, 0, 6);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 6);
	CHECK_EQ(*(uint64_t *)map_lookup(w.inner, &(uint32_t){ 1 }), 6);
	world_done(&w);
}

TEST(an_inner_map_is_left_at_its_edges)
{
	static const struct {
		int32_t off;
		enum err want;
	} rows[] = { { 8, E_OK }, { 9, E_FAULT }, { 16, E_FAULT }, { -1, E_FAULT } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct world w;
		struct code c;

		world_init(&w);
		c = look_inside(&w, 0);
		ldx(&c, "LDXDW", 0, 0, rows[i].off);
		exit_(&c);
		CHECK_EQ(run_code(&c, NULL).err, rows[i].want);
		world_done(&w);
	}
}

TEST(a_reference_to_an_inner_map_is_no_memory_and_a_forged_one_no_map)
{
	struct outcome o;
	struct world w;
	struct code c;

	world_init(&w);
	c = look_inside(&w, 0);
	ldx(&c, "LDXB", 0, 7, 0);
	exit_(&c);
	CHECK_EQ(run_code(&c, NULL).d.id, 301);
	for (uint64_t n = 2; n < 1ull << 40; n <<= 1) {
		c = code_in(&w);
		lddw(&c, 1, VM_MAP_REF + OUTER + (n << VM_MAP_REF_INNER));
		load_key(&c, 0);
		call(&c, ABI_HELPER_map_lookup_elem);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_FAULT);
		CHECK_EQ(o.d.id, 306);
	}
	c = code_in(&w); /* an inner map of a map that has none */
	lddw(&c, 1, VM_MAP_REF + ARRAY + (1ull << VM_MAP_REF_INNER));
	load_key(&c, 0);
	call(&c, ABI_HELPER_map_lookup_elem);
	exit_(&c);
	CHECK_EQ(run_code(&c, NULL).d.id, 306);
	world_done(&w);
}

TEST(no_inner_map_under_a_key_is_null)
{
	struct outcome o;
	struct world w;
	struct code c;

	world_init(&w);
	c = code_in(&w);
	load_key(&c, 0);
	load_map(&c, 1, OUTER);
	call(&c, ABI_HELPER_map_lookup_elem);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 0);
	world_done(&w);
}

/*
 * Drains with a callback that reads `bytes` from `offset` of its sample and adds the first byte to a sum, which the
 * program returns times 1,000,000 plus what the helper gave; 1000 times what the last read gave. A sample of 99 is the
 * last one.
 */
static struct code drain(struct world *w, int32_t bytes, int32_t offset, bool forge)
{
	struct code c = code_in(w);
	uint32_t at;

	(void)emit(&c, "STDW", 10, 0, -8, 0);
	(void)emit(&c, "STDW", 10, 0, -16, 0);
	load_map(&c, 1, USER_RING);
	at = c.n;
	(void)emit(&c, "LDDW_FUNC", 2, 0, 0, 0);
	mov(&c, 3, 10);
	addi(&c, 3, -16);
	movi(&c, 4, 0);
	call(&c, ABI_HELPER_user_ringbuf_drain);
	ldx(&c, "LDXDW", 1, 10, -8);
	(void)emit(&c, "MUL64_IMM", 1, 0, 0, 1000000);
	(void)emit(&c, "ADD64_REG", 0, 1, 0, 0);
	ldx(&c, "LDXDW", 1, 10, -16);
	(void)emit(&c, "MUL64_IMM", 1, 0, 0, 1000);
	(void)emit(&c, "ADD64_REG", 0, 1, 0, 0);
	exit_(&c);
	c.insns[at].imm = (int64_t)(uint32_t)((int32_t)c.n - (int32_t)at - 1);
	mov(&c, 6, 2);
	mov(&c, 3, 1);
	if (forge)
		addi(&c, 3, 1);
	(void)emit(&c, "STDW", 10, 0, -8, 0);
	mov(&c, 1, 10);
	addi(&c, 1, -8);
	movi(&c, 2, bytes);
	movi(&c, 4, offset);
	movi(&c, 5, 0);
	call(&c, ABI_HELPER_dynptr_read);
	stx(&c, "STXDW", 6, 0, 0);
	ldx(&c, "LDXB", 1, 10, -8);
	ldx(&c, "LDXDW", 2, 6, 8);
	(void)emit(&c, "ADD64_REG", 2, 1, 0, 0);
	stx(&c, "STXDW", 6, 8, 2);
	movi(&c, 0, 0);
	(void)emit(&c, "JNE64_IMM", 1, 0, 1, 99);
	movi(&c, 0, 1);
	exit_(&c);
	return c;
}

static void send(struct world *w, uint8_t byte)
{
	uint8_t *p = map_ring_reserve(w->maps[USER_RING], 2);

	CHECK(p);
	p[0] = 200;
	p[1] = byte;
	map_ring_submit(w->maps[USER_RING], p, 0);
}

TEST(a_program_drains_samples_that_the_host_sent)
{
	struct world w;
	struct code c;

	world_init(&w);
	c = drain(&w, 1, 1, false);
	CHECK_EQ(run_code(&c, NULL).r0, 0);
	send(&w, 3);
	send(&w, 99);
	send(&w, 5);
	CHECK_EQ(run_code(&c, NULL).r0, 102000002); /* 99 ends it */
	CHECK_EQ(run_code(&c, NULL).r0, 5000001);
	CHECK_EQ(run_code(&c, NULL).r0, 0);
	world_done(&w);
}

TEST(a_sample_is_read_by_its_number_and_inside_its_bytes_only)
{
	static const struct {
		const char *name;
		int32_t bytes, offset;
		bool forge;
		int64_t want;
	} rows[] = {
		{ "all", 2, 0, false, 200000001 },
		{ "one more", 3, 0, false, -E2BIG * 1000 + 1 },
		{ "behind", 1, 2, false, -E2BIG * 1000 + 1 },
		{ "an offset that wraps", 2, -1, false, -E2BIG * 1000 + 1 },
		{ "another number", 1, 0, true, -EINVAL * 1000 + 1 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct outcome o;
		struct world w;
		struct code c;

		test_row = rows[i].name;
		world_init(&w);
		send(&w, 1);
		c = drain(&w, rows[i].bytes, rows[i].offset, rows[i].forge);
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, rows[i].want);
		world_done(&w);
	}
}

TEST(a_fault_in_a_drain_ends_the_run_and_leaves_the_ring_usable)
{
	struct world w;
	struct code c;

	world_init(&w);
	send(&w, 1);
	send(&w, 7);
	c = drain(&w, 100000, 0, false); /* more than the stack has */
	CHECK_EQ(run_code(&c, NULL).err, E_FAULT);
	c = drain(&w, 1, 1, false);
	CHECK_EQ(run_code(&c, NULL).r0, 7000001);
	world_done(&w);
}

/* A map of this kind, as small as it can be; NULL: the module does not have the kind. */
static struct map *smallest(uint32_t kind)
{
	static const struct {
		uint32_t key, value, entries;
	} sizes[] = { { 4, 4, 1 }, { 8, 4, 1 }, { 0, 4, 1 }, { 0, 0, 4096 } };
	struct map *m = NULL;
	enum err e = E_INVALID;

	for (size_t i = 0; i < countof(sizes) && e == E_INVALID; i++) {
		struct prog_map def = { .name = "m",
					.kind = kind,
					.key_size = sizes[i].key,
					.value_size = sizes[i].value,
					.max_entries = sizes[i].entries,
					.inner = &inner_def };

		e = map_new(&def, &m, NULL);
	}
	CHECK(e == E_OK || e == E_UNSUPPORTED);
	return m;
}

TEST(the_profile_says_of_each_kind_what_it_can_do)
{
	static const uint32_t ids[] = { ABI_HELPER_map_update_elem, ABI_HELPER_map_delete_elem,
					ABI_HELPER_map_push_elem,   ABI_HELPER_map_pop_elem,
					ABI_HELPER_map_peek_elem,   ABI_HELPER_ringbuf_output };
	struct helper_env env = { 0 };
	unsigned kinds = 0;

	for (uint32_t kind = 0; kind < 64; kind++) {
		const struct abi_map_kind *row = abi_map_kind(&abi_sallyport, kind);
		uint64_t key = 0, value = 0;
		struct map *m = smallest(kind);

		CHECK_EQ(m != NULL, row != NULL);
		if (!m)
			continue;
		kinds++;
		for (size_t i = 0; i < countof(ids); i++) {
			uint64_t mem = (uint64_t)(uintptr_t)&key, size = (uint64_t)(uintptr_t)&value;

			if (ids[i] == ABI_HELPER_ringbuf_output)
				size = 4;
			CHECK_EQ(helper_lookup(ids[i])((uint64_t)(uintptr_t)m, mem, size, 0, 0, &env) !=
					 (uint64_t)-EOPNOTSUPP,
				 abi_map_takes(row, ids[i]));
		}
		map_free(m);
	}
	CHECK_EQ(kinds, 15);
}
