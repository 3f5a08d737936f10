/* SPDX-License-Identifier: Apache-2.0 */
/* Control that leaves the straight path: function references, callx, may_goto, callbacks, tail calls. */
#include "vmtest.h"

#include <errno.h>

/* Point the instruction at slot `at` at the next slot to be written. */
static void to_here(struct code *c, uint32_t at)
{
	c->insns[at].imm = (int64_t)(uint32_t)((int32_t)c->n - (int32_t)at - 1);
	if (c->insns[at].sem == ISA_CALL)
		c->insns[at].imm = (int64_t)c->n - at - 1;
}

static uint32_t func_ref(struct code *c, unsigned dst)
{
	uint32_t at = c->n;

	(void)emit(c, "LDDW_FUNC", dst, 0, 0, 0);
	return at;
}

/* --- callx --- */

TEST(callx_calls_the_function_that_a_register_names)
{
	struct code c = { 0 };
	struct outcome o;
	uint32_t at = func_ref(&c, 6);

	movi(&c, 1, 30);
	(void)emit(&c, "CALLX", 6, 0, 0, 0);
	addi(&c, 0, 1);
	exit_(&c);
	to_here(&c, at);
	mov(&c, 0, 1);
	addi(&c, 0, 11);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 42);
}

TEST(callx_calls_helpers_by_number_and_checks_their_arguments)
{
	for (uint64_t size = 24; size <= 25; size++) {
		uint8_t ctx[24] = { 0 };
		struct helper_env env = { 0 };
		struct code c = { 0 };
		struct outcome o;

		mov(&c, 1, 1);
		movi(&c, 2, (int32_t)size);
		movi(&c, 3, 1);
		movi(&c, 5, ABI_HELPER_tmp_text);
		(void)emit(&c, "CALLX", 5, 0, 0, 0);
		exit_(&c);
		o = run_code(&c, &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = sizeof ctx, .env = &env });
		CHECK_EQ(o.err, size == 24 ? E_OK : E_FAULT);
		if (size > 24) {
			CHECK_EQ(o.d.id, 304);
			CHECK_HAS(o.d.text, "tmp_text: argument 1");
			CHECK_EQ(o.fault.insn, 4);
		}
	}
}

TEST(callx_with_anything_else_is_a_fault)
{
	static const uint64_t forged[] = { 0,
					   4,
					   999,
					   UINT32_MAX,
					   UINT64_MAX,
					   VM_FUNC_REF + 1,
					   VM_FUNC_REF + 3,
					   VM_FUNC_REF - 1,
					   VM_FUNC_REF + UINT32_MAX,
					   VM_MAP_REF,
					   1ull << 32 | 1,
					   ABI_HELPER_tail_call };

	for (size_t i = 0; i < countof(forged); i++) {
		struct code c = { 0 };
		struct outcome o;

		lddw(&c, 3, forged[i]);
		(void)emit(&c, "CALLX", 3, 0, 0, 0);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_FAULT);
		CHECK_EQ(o.d.id, 315);
		CHECK_EQ(o.fault.insn, 2);
		CHECK_EQ(o.fault.addr, forged[i]);
	}
}

/* Function references are numbers that programs can make: what they name is a function of the program, or nothing. */
TEST(recursion_through_callx_stops_at_the_last_frame_and_costs_fuel)
{
	struct code c = { 0 };
	struct outcome o;

	lddw(&c, 6, VM_FUNC_REF);
	(void)emit(&c, "CALLX", 6, 0, 0, 0);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.d.id, 303);
	o = run_code(&c, &(struct vm_run_args){ .fuel = 10 });
	CHECK_EQ(o.err, E_FUEL);
}

/* --- may_goto --- */

static struct outcome loop_with_may_goto(uint64_t fuel, bool back)
{
	struct code c = { 0 };

	movi(&c, 0, 0);
	if (back) { /* leaves the loop backwards */
		(void)emit(&c, "JA", 0, 0, 1, 0);
		exit_(&c);
	}
	addi(&c, 0, 1);
	(void)emit(&c, "MAY_GOTO", 0, 0, back ? -3 : 1, 0);
	(void)emit(&c, "JA", 0, 0, -3, 0);
	exit_(&c);
	return run_code(&c, &(struct vm_run_args){ .fuel = fuel });
}

TEST(may_goto_falls_through_as_often_as_the_kernels)
{
	for (unsigned back = 0; back < 2; back++) {
		struct outcome o = loop_with_may_goto(100000000, back);

		CHECK_OK(o.err);
		CHECK_EQ(o.r0, VM_MAY_GOTO_MAX + 1);
		CHECK_EQ(loop_with_may_goto(0, back).err, E_FUEL);
	}
}

/* The callee's loop leaves the caller's counter alone, and the next call of it begins anew. */
TEST(may_goto_counts_for_each_call_of_its_function)
{
	struct code c = { 0 };
	struct outcome o;

	movi(&c, 6, 0);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 5);
	mov(&c, 6, 0);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 3);
	(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
	(void)emit(&c, "MAY_GOTO", 0, 0, 0, 0);
	exit_(&c);
	movi(&c, 0, 0);
	addi(&c, 0, 1);
	(void)emit(&c, "MAY_GOTO", 0, 0, 1, 0);
	(void)emit(&c, "JA", 0, 0, -3, 0);
	exit_(&c);
	o = run_code(&c, &(struct vm_run_args){ .fuel = 200000000 });
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 2 * (VM_MAY_GOTO_MAX + 1));
}

TEST(may_goto_stays_inside_its_function)
{
	struct code c = { 0 };

	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 1);
	exit_(&c);
	(void)emit(&c, "MAY_GOTO", 0, 0, -2, 0);
	exit_(&c);
	CHECK_EQ(run_code(&c, NULL).d.id, 212);
	c.insns[2].off = 5;
	CHECK_EQ(run_code(&c, NULL).d.id, 202);
}

/* --- function references --- */

TEST(a_reference_to_what_is_no_function_of_the_program_is_refused)
{
	static const int32_t delta[] = { 100, -2, INT32_MIN, INT32_MAX, 0 /* its own second slot */ };

	for (size_t i = 0; i < countof(delta); i++) {
		struct code c = { 0 };
		uint32_t at = func_ref(&c, 1);
		struct outcome o;

		c.insns[at].imm = (int64_t)(uint32_t)delta[i];
		movi(&c, 0, 0);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_FORMAT);
		CHECK_EQ(o.d.id, 202);
	}
}

TEST(functions_are_what_calls_and_references_name)
{
	static const uint32_t want[][2] = { { 0, 4 }, { 4, 6 }, { 6, 8 } };
	struct code c = { 0 };
	const struct vm_func *f;
	struct vm_prog *vp;
	uint32_t n, at;

	at = func_ref(&c, 1);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 1);
	exit_(&c);
	(void)emit(&c, "MAY_GOTO", 0, 0, 0, 0);
	exit_(&c);
	to_here(&c, at);
	ldx(&c, "LDXDW", 0, 10, -8);
	exit_(&c);
	CHECK_OK(prepare_code(&c, &vp, NULL));
	f = vm_prog_funcs(vp, &n);
	CHECK_EQ(n, 3);
	for (uint32_t i = 0; i < n; i++) {
		CHECK_EQ(f[i].start, want[i][0]);
		CHECK_EQ(f[i].end, want[i][1]);
		CHECK_EQ(f[i].may_goto, i == 1);
		CHECK_EQ(f[i].zero_bytes, i == 2 ? 64 : 0);
	}
	vm_prog_free(vp);
}

/* --- callbacks --- */

/* r0 = loop(n, callback, r10, flags), and the callback begins here; the caller writes it. */
static void loop_call(struct code *c, uint64_t n, int32_t flags)
{
	uint32_t at;

	lddw(c, 1, n);
	at = func_ref(c, 2);
	mov(c, 3, 10);
	movi(c, 4, flags);
	call(c, ABI_HELPER_loop);
	(void)emit(c, "JA", 0, 0, 1, 0);
	exit_(c); /* nobody comes here */
	ldx(c, "LDXDW", 1, 10, -8);
	(void)emit(c, "LSH64_IMM", 1, 0, 0, 32);
	(void)emit(c, "OR64_REG", 0, 1, 0, 0);
	exit_(c);
	to_here(c, at);
}

/* The callback adds its number to the caller's [r10 - 8], and says 1 at `until`. */
static void sum_callback(struct code *c, int32_t until)
{
	ldx(c, "LDXDW", 3, 2, -8);
	(void)emit(c, "ADD64_REG", 3, 1, 0, 0);
	stx(c, "STXDW", 2, -8, 3);
	movi(c, 0, 0);
	(void)emit(c, "JNE64_IMM", 1, 0, 1, until);
	movi(c, 0, 1);
	movi(c, 6, 77); /* the caller's registers are the caller's */
	exit_(c);
}

TEST(loop_calls_a_function_with_each_number_until_it_says_so)
{
	static const struct {
		uint64_t n;
		int32_t until, flags;
		int64_t want; /* calls, or errno */
	} rows[] = {
		{ 0, -1, 0, 0 },
		{ 1, -1, 0, 1 },
		{ 10, -1, 0, 10 },
		{ 10, 3, 0, 4 },
		{ 10, 9, 0, 10 },
		{ 10, 0, 0, 1 },
		{ (8 << 20) + 1, -1, 0, -E2BIG },
		{ 10, -1, 1, -EINVAL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct code c = { 0 };
		struct outcome o;
		uint64_t calls = rows[i].want > 0 ? (uint64_t)rows[i].want : 0;

		(void)emit(&c, "STDW", 10, 0, -8, 0);
		movi(&c, 6, 5);
		loop_call(&c, rows[i].n, rows[i].flags);
		sum_callback(&c, rows[i].until);
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ((int32_t)o.r0, rows[i].want);
		CHECK_EQ(rows[i].want < 0 ? 0 : o.r0 >> 32, calls * (calls - !!calls) / 2);
	}
}

TEST(a_callback_that_faults_is_where_the_run_failed)
{
	struct code c = { 0 };
	struct outcome o;
	uint32_t at;

	loop_call(&c, 3, 0);
	at = c.n;
	(void)emit(&c, "JEQ64_IMM", 1, 0, 2, 2); /* the third call */
	movi(&c, 0, 0);
	exit_(&c);
	ldx(&c, "LDXDW", 0, 1, 0);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.d.id, 301);
	CHECK_EQ(o.fault.insn, at + 3);
	CHECK_EQ(o.fault.addr, 2);
}

TEST(callbacks_spend_the_fuel_of_their_program)
{
	static const uint64_t fuel[] = { 20, 100, 1000, 5000 };

	for (size_t i = 0; i < countof(fuel); i++) {
		struct code c = { 0 };
		struct outcome o;

		loop_call(&c, 1 << 20, 0);
		addi(&c, 1, 1);
		movi(&c, 0, 0);
		exit_(&c);
		o = run_with(vm_interp_counted, &c, &(struct vm_run_args){ .fuel = fuel[i] });
		CHECK_EQ(o.err, E_FUEL);
		CHECK_EQ(o.d.id, 309);
		CHECK_EQ(o.fault.fuel_left, 0);
		CHECK(o.executed <= fuel[i] + c.n);
		CHECK(o.executed + 8 >= fuel[i]);
	}
}

/* A function that calls loop with itself as the callback. */
TEST(recursion_through_callbacks_stops_at_the_last_frame)
{
	struct code c = { 0 };
	struct outcome o;

	movi(&c, 1, 1);
	lddw(&c, 2, VM_FUNC_REF); /* forged, and slot 0 is a function */
	movi(&c, 3, 0);
	movi(&c, 4, 0);
	call(&c, ABI_HELPER_loop);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.d.id, 303);
}

TEST(a_forged_callback_is_refused)
{
	static const uint64_t forged[] = {
		0, 1, UINT64_MAX, VM_FUNC_REF + 1, VM_MAP_REF, VM_FUNC_REF + 1000000, VM_FUNC_REF - 1
	};

	for (size_t i = 0; i < countof(forged); i++) {
		struct code c = { 0 };
		struct outcome o;

		movi(&c, 1, 1);
		lddw(&c, 2, forged[i]);
		movi(&c, 3, 0);
		movi(&c, 4, 0);
		call(&c, ABI_HELPER_loop);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, E_FAULT);
		CHECK_EQ(o.d.id, 312);
		CHECK_EQ(o.fault.insn, 5);
	}
}

TEST(frames_of_callbacks_are_clear_and_gone_afterwards)
{
	struct code c = { 0 };
	struct outcome o;

	(void)emit(&c, "STDW", 10, 0, -8, 0);
	loop_call(&c, 4, 0);
	ldx(&c, "LDXDW", 3, 10, -16); /* adds what is in its own frame */
	ldx(&c, "LDXDW", 4, 2, -8);
	(void)emit(&c, "ADD64_REG", 4, 3, 0, 0);
	stx(&c, "STXDW", 2, -8, 4);
	(void)emit(&c, "STDW", 10, 0, -16, 9);
	movi(&c, 0, 0);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_OK(o.err);
	CHECK_EQ(o.r0, 4);
}

/* --- loops over maps --- */

enum { ELEMENTS = 20, VALUE = 24 };

static struct map *map_with(uint32_t kind, uint32_t value_size, struct prog_map *def)
{
	struct map *m;

	*def = (struct prog_map){
		.name = "m", .kind = kind, .key_size = 4, .value_size = value_size, .max_entries = ELEMENTS
	};
	CHECK_OK(map_new(def, &m, NULL));
	for (uint32_t i = 0; i < ELEMENTS; i++) {
		uint64_t value[VALUE / 8] = { i };

		CHECK_OK(map_update(m, &i, value, MAP_ANY));
	}
	return m;
}

/* r0 = for_each(map 0, callback, r10) | [r10 - 8] << 32. */
static void each_call(struct code *c, int32_t flags)
{
	uint32_t at;

	(void)emit(c, "STDW", 10, 0, -8, 0);
	(void)emit(c, "LDDW_MAP_FD", 1, 0, 0, 0);
	at = func_ref(c, 2);
	mov(c, 3, 10);
	movi(c, 4, flags);
	call(c, ABI_HELPER_for_each_map_elem);
	ldx(c, "LDXDW", 1, 10, -8);
	(void)emit(c, "LSH64_IMM", 1, 0, 0, 32);
	(void)emit(c, "OR64_REG", 0, 1, 0, 0);
	exit_(c);
	to_here(c, at);
}

static const uint32_t each_kinds[] = { PROG_MAP_ARRAY, PROG_MAP_HASH, PROG_MAP_LRU_HASH };

TEST(for_each_gives_each_element_once_with_its_key)
{
	for (size_t k = 0; k < countof(each_kinds); k++) {
		struct prog_map def;
		struct map *m = map_with(each_kinds[k], VALUE, &def);
		struct code c = { .maps = &def, .map_objs = &m, .n_maps = 1 };
		struct outcome o;

		each_call(&c, 0);
		ldx(&c, "LDXW", 5, 2, 0); /* key and value agree, or the sum does not */
		ldx(&c, "LDXDW", 0, 3, 0);
		(void)emit(&c, "SUB64_REG", 0, 5, 0, 0);
		(void)emit(&c, "JNE64_IMM", 0, 0, 5, 0);
		(void)emit(&c, "STDW", 2, 0, 0, -1); /* the key is a copy: nothing happens */
		ldx(&c, "LDXDW", 0, 4, -8);
		(void)emit(&c, "ADD64_REG", 0, 5, 0, 0);
		stx(&c, "STXDW", 4, -8, 0);
		movi(&c, 0, 0);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, (uint64_t)(ELEMENTS * (ELEMENTS - 1) / 2) << 32 | ELEMENTS);
		for (uint32_t i = 0; i < ELEMENTS; i++)
			CHECK(map_lookup(m, &i));
		map_free(m);
	}
}

TEST(a_callback_may_remove_the_element_that_it_is_called_for)
{
	for (size_t k = 1; k < countof(each_kinds); k++) {
		struct prog_map def;
		struct map *m = map_with(each_kinds[k], VALUE, &def);
		struct code c = { .maps = &def, .map_objs = &m, .n_maps = 1 };
		struct outcome o;

		each_call(&c, 0);
		mov(&c, 6, 3);
		call(&c, ABI_HELPER_map_delete_elem);
		(void)emit(&c, "JNE64_IMM", 0, 0, 2, 0);
		(void)emit(&c, "STDW", 6, 0, 0, 5); /* the value stays memory of the map */
		ldx(&c, "LDXDW", 1, 6, 0);
		movi(&c, 0, 0);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_OK(o.err);
		CHECK_EQ(o.r0, ELEMENTS);
		CHECK_EQ(map_count(m), 0);
		map_free(m);
	}
}

TEST(for_each_ends_when_told_or_asked_in_vain)
{
	struct prog_map def;
	struct map *m = map_with(PROG_MAP_ARRAY, VALUE, &def);
	struct outcome o;

	for (int32_t way = 0; way < 3; way++) {
		struct code c = { .maps = &def, .map_objs = &m, .n_maps = 1 };

		each_call(&c, way == 1);
		movi(&c, 0, 1);
		if (way == 2) /* eight bytes past the value: the padding is the next one's */
			ldx(&c, "LDXDW", 0, 3, VALUE * ELEMENTS);
		exit_(&c);
		o = run_code(&c, NULL);
		CHECK_EQ(o.err, way == 2 ? E_FAULT : E_OK);
		if (way < 2)
			CHECK_EQ((int32_t)o.r0, way ? -EINVAL : 1);
	}
	map_free(m);
}

/* Each nesting takes a frame for the key and one for the callback: the fourth has none left. */
TEST(nested_loops_over_maps_stop_at_the_last_frame)
{
	struct prog_map def;
	struct map *m = map_with(PROG_MAP_HASH, VALUE, &def);
	struct code c = { .maps = &def, .map_objs = &m, .n_maps = 1 };
	struct outcome o;
	uint32_t at;

	each_call(&c, 0);
	at = c.n;
	lddw(&c, 2, VM_FUNC_REF + at);
	movi(&c, 3, 0);
	movi(&c, 4, 0);
	call(&c, ABI_HELPER_for_each_map_elem);
	exit_(&c);
	o = run_code(&c, NULL);
	CHECK_EQ(o.err, E_FAULT);
	CHECK_EQ(o.d.id, 303);
	map_free(m);
}
