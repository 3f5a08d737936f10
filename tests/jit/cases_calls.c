/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: of functions, of helpers, by register; what they cost, how deep they go, and what they leave in registers. */
#include "bed.h"

/* A profile of helpers that show what they were given. */
static uint64_t all_args(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, struct helper_env *env)
{
	env->work += 41;
	return a + 3 * b + 5 * c + 7 * d + 11 * e;
}

static uint64_t fill(uint64_t p, uint64_t n, uint64_t v, uint64_t d, uint64_t e, struct helper_env *env)
{
	(void)d;
	(void)e;
	(void)env;
	memset((void *)(uintptr_t)p, (int)v, n);
	return n;
}

static uint64_t look(uint64_t m, uint64_t key, uint64_t c, uint64_t d, uint64_t e, struct helper_env *env)
{
	(void)c;
	(void)d;
	(void)e;
	(void)env;
	return (uint64_t)(uintptr_t)map_lookup((struct map *)(uintptr_t)m, (const void *)(uintptr_t)key);
}

static uint64_t handle(uint64_t h, uint64_t b, uint64_t c, uint64_t d, uint64_t e, struct helper_env *env)
{
	(void)b;
	(void)c;
	(void)d;
	(void)e;
	if (h != 1)
		env->bad_handle = true;
	return h;
}

static const struct abi_helper rows[] = {
	{ .id = 1, .name = "look", .ret = ABI_RET_MAP_VALUE_OR_NULL, .args = { ABI_ARG_CONST_MAP, ABI_ARG_MAP_KEY } },
	{ .id = 2,
	  .name = "all_args",
	  .args = { ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_SCALAR, ABI_ARG_SCALAR } },
	{ .id = 3, .name = "fill", .args = { ABI_ARG_MEM_WRITE, ABI_ARG_SIZE_OR_ZERO, ABI_ARG_SCALAR } },
	{ .id = 4, .name = "handle", .args = { ABI_ARG_HANDLE } },
};

static helper_fn *find(uint32_t id)
{
	static helper_fn *const fns[] = { look, all_args, fill, handle };

	return id >= 1 && id <= countof(fns) ? fns[id - 1] : NULL;
}

static const struct abi_profile profile = { .name = "jit", .helpers = rows, .n_helpers = countof(rows) };

static struct code with_helpers(void)
{
	return (struct code){ .profile = &profile, .lookup = find };
}

static void call_local(struct code *c, int32_t distance)
{
	(void)emit(c, "CALL_LOCAL", 0, 0, 0, distance);
}

/* r1 to r9 = some numbers. */
static void number_all(struct code *c)
{
	for (unsigned r = 0; r < 10; r++)
		lddw(c, r, (r + 1) * UINT64_C(0x123456789abcdef));
}

static void sum_from(struct code *c, unsigned first)
{
	for (unsigned r = first; r < 10; r++) {
		(void)emit(c, "MUL64_IMM", 0, 0, 0, 7);
		(void)emit(c, "XOR64_REG", 0, r, 0, 0);
	}
}

/* The caller's r0 and r6 to r9 are in registers when a function starts: who did not verify his program can read them.
 */
static struct code two_functions(bool reads_all)
{
	struct code c = { 0 };

	number_all(&c);
	call_local(&c, 0);
	sum_from(&c, 6);
	exit_(&c);
	c.insns[20].imm = c.n - 21;
	if (!reads_all)
		movi(&c, 0, 9);
	for (unsigned r = 6; r < 10 && !reads_all; r++)
		mov(&c, r, r - 5);
	sum_from(&c, 1);
	for (unsigned r = 6; r < 10; r++)
		movi(&c, r, -1);
	stx(&c, "STXDW", 10, -8, 0);
	exit_(&c);
	return c;
}

TEST(a_function_gets_its_arguments_and_gives_back_what_it_may)
{
	struct code c = two_functions(false);

	CHECK_OK(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.err);
	c = two_functions(true);
	CHECK_OK(bed_compare(BED_CHECKED | 1 << BED_BLIND, &c, &(struct bed_input){ 0 }).o.err);
}

/* f(n) = n ? f(n - 1) + n : 0, each keeping n in r6 and on its own stack. */
static struct code recursive(int32_t n)
{
	struct code c = { 0 };

	movi(&c, 1, n);
	movi(&c, 6, 1000);
	call_local(&c, 2);
	(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
	exit_(&c);
	mov(&c, 6, 1);
	stx(&c, "STXDW", 10, -16, 6);
	movi(&c, 0, 0);
	(void)emit(&c, "JEQ64_IMM", 6, 0, 5, 0);
	addi(&c, 1, -1);
	call_local(&c, -6);
	(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
	ldx(&c, "LDXDW", 7, 10, -16);
	(void)emit(&c, "ADD64_REG", 0, 7, 0, 0);
	exit_(&c);
	return c;
}

TEST(frames_nest_up_to_the_limit_and_fail_beyond_it)
{
	for (int32_t n = 0; n < VM_MAX_FRAMES - 1; n++) {
		struct code c = recursive(n);

		CHECK_EQ(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.r0, 1000 + n * (n + 1));
	}
	for (int32_t n = VM_MAX_FRAMES - 1; n < VM_MAX_FRAMES + 3; n++) {
		struct code c = recursive(n);

		CHECK_EQ(bed_compare(BED_CHECKED | 1 << BED_BLIND, &c, &(struct bed_input){ 0 }).o.d.id, 303);
	}
}

TEST(a_program_may_call_itself)
{
	struct code c = { 0 };

	addi(&c, 1, -1);
	movi(&c, 0, 5);
	mov(&c, 6, 1);
	(void)emit(&c, "JSLE64_IMM", 6, 0, 2, -4);
	call_local(&c, -5);
	(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
	exit_(&c);
	/* r1 is 0 without a context. */
	CHECK_EQ(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.r0, 5 - 1 - 2 - 3);
}

TEST(a_frame_is_clear_where_its_function_reads_it)
{
	struct code c = { 0 };

	call_local(&c, 3);
	call_local(&c, 4);
	call_local(&c, 3);
	exit_(&c);
	lddw(&c, 1, UINT64_MAX); /* 4 */
	stx(&c, "STXDW", 10, -64, 1);
	exit_(&c);
	c.insns[0].imm = 3;
	c.insns[1].imm = 6;
	c.insns[2].imm = 5;
	ldx(&c, "LDXDW", 0, 10, -64); /* 8 */
	exit_(&c);
	CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.r0, 0);
}

TEST(a_caller_cannot_reach_the_frame_of_a_function_that_returned)
{
	struct code c = { 0 };

	call_local(&c, 4);
	mov(&c, 2, 10);
	addi(&c, 2, -VM_STACK_BYTES - 8);
	ldx(&c, "LDXDW", 0, 2, 0);
	exit_(&c);
	stx(&c, "STXDW", 10, -8, 10);
	mov(&c, 0, 10);
	exit_(&c);
	CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.d.id, 301);
}

TEST(a_helper_gets_five_arguments_and_leaves_the_other_registers)
{
	struct code c = with_helpers();

	number_all(&c);
	call(&c, 2);
	sum_from(&c, 6);
	exit_(&c);
	CHECK_OK(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.err);
	/* The interpreter leaves r1 to r5 too: who did not verify his program can see it. */
	c = with_helpers();
	number_all(&c);
	call(&c, 2);
	sum_from(&c, 1);
	exit_(&c);
	CHECK_OK(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.err);
}

TEST(helpers_cost_what_they_did_and_what_they_were_given)
{
	for (uint64_t fuel = 1; fuel < 40; fuel++) {
		struct code c = with_helpers();

		number_all(&c);
		call(&c, 2);
		mov(&c, 1, 10);
		addi(&c, 1, -256);
		movi(&c, 2, 256);
		movi(&c, 3, 7);
		call(&c, 3);
		number_all(&c);
		call(&c, 2);
		exit_(&c);
		(void)bed_compare(BED_CHECKED | 1 << BED_VERIFIED_FUEL, &c, &(struct bed_input){ .fuel = fuel });
	}
}

TEST(helper_arguments_are_refused_as_the_interpreter_refuses_them)
{
	static const int64_t sizes[] = { 0, 1, 8, 9, -1, INT64_MAX };
	struct code c;

	for (size_t i = 0; i < countof(sizes); i++) {
		c = with_helpers();
		mov(&c, 1, 10);
		addi(&c, 1, -8);
		lddw(&c, 2, (uint64_t)sizes[i]);
		movi(&c, 3, 1);
		call(&c, 3);
		exit_(&c);
		CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.err, i < 3 ? E_OK : E_FAULT);
	}
	for (int h = 1; h < 3; h++) {
		c = with_helpers();
		movi(&c, 1, h);
		call(&c, 4);
		exit_(&c);
		CHECK_EQ(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.err, h == 1 ? E_OK : E_FAULT);
	}
}

TEST(a_map_is_found_by_its_reference_and_a_forged_one_is_refused)
{
	static const uint64_t forged[] = { 0, 1, UINT64_C(0x5a11000000000002), UINT64_C(0x5a10ffffffffffff),
					   UINT64_MAX };
	struct prog_map defs[2] = {
		{ .name = "a", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 2 },
		{ .name = "b", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 2 },
	};
	struct map *maps[2];

	for (unsigned i = 0; i < 2; i++)
		CHECK_OK(map_new(&defs[i], &maps[i], NULL));
	for (size_t i = 0; i < 4 + countof(forged); i++) {
		struct code c = with_helpers();

		c.maps = defs;
		c.map_objs = maps;
		c.n_maps = 2;
		(void)emit(&c, "STW", 10, 0, -4, (int)(i & 1));
		mov(&c, 2, 10);
		addi(&c, 2, -4);
		if (i < 4)
			(void)emit(&c, "LDDW_MAP_FD", 1, 0, 0, (int)(i >> 1));
		else
			lddw(&c, 1, forged[i - 4]);
		call(&c, 1);
		(void)emit(&c, "JEQ64_IMM", 0, 0, 3, 0);
		(void)emit(&c, "STDW", 0, 0, 8, 0x1234);
		ldx(&c, "LDXDW", 0, 0, 8);
		exit_(&c);
		exit_(&c);
		CHECK_EQ(bed_compare(i < 4 ? BED_ALL : BED_CHECKED, &c,
				     &(struct bed_input){ .map_bytes = 32, .map = (const uint8_t[32]){ 0 } })
				 .o.err,
			 i < 4 ? E_OK : E_FAULT);
	}
	for (unsigned i = 0; i < 2; i++)
		map_free(maps[i]);
}
