/* SPDX-License-Identifier: Apache-2.0 */
/* Control that leaves the straight path: callx, may_goto, callbacks, tail calls. */
#include "bed.h"

/* each(n, f, x): f(i, x) for i below n, until it gives something odd; the sum. */
static uint64_t each(uint64_t n, uint64_t f, uint64_t x, uint64_t d, uint64_t e, struct helper_env *env)
{
	uint64_t sum = 0, ret;

	(void)d;
	(void)e;
	for (uint64_t i = 0; i < n; i++) {
		if (!env->vm->call(env, f, (const uint64_t[ABI_MAX_ARGS]){ i, x, 3, 4, 5 }, &ret))
			return 0;
		sum += ret;
		if (ret & 1)
			break;
	}
	return sum;
}

static uint64_t plain(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, struct helper_env *env)
{
	(void)b;
	(void)c;
	(void)d;
	(void)e;
	env->work += 7;
	return a * 5;
}

static const struct abi_helper rows[] = {
	{ .id = 2, .name = "plain", .args = { ABI_ARG_SCALAR } },
	{ .id = 5, .name = "each", .args = { ABI_ARG_SCALAR, ABI_ARG_FUNC, ABI_ARG_ANY } },
};

static helper_fn *find(uint32_t id)
{
	return id == 2 ? plain : id == 5 ? each : NULL;
}

static const struct abi_profile profile = { .name = "jit", .helpers = rows, .n_helpers = countof(rows) };

static struct code with_helpers(void)
{
	return (struct code){ .profile = &profile, .lookup = find };
}

/* dst = the function at a place that to_here names. */
static uint32_t func_ref(struct code *c, unsigned dst)
{
	uint32_t at = c->n;

	(void)emit(c, "LDDW_FUNC", dst, 0, 0, 0);
	return at;
}

static void to_here(struct code *c, uint32_t at)
{
	c->insns[at].imm = (int64_t)(uint32_t)(c->n - at - 1);
}

enum { COUNTING = BED_CHECKED | 1 << BED_BLIND | 1 << BED_VERIFIED_FUEL };

/* --- callx --- */

static struct code callx_program(bool by_number)
{
	struct code c = with_helpers();
	uint32_t at = func_ref(&c, 6);

	movi(&c, 7, 70);
	movi(&c, 1, 30);
	if (by_number)
		movi(&c, 6, 2);
	(void)emit(&c, "CALLX", 6, 0, 0, 0);
	stx(&c, "STXDW", 10, -8, 0);
	movi(&c, 1, 12);
	(void)emit(&c, "CALLX", 6, 0, 0, 0);
	ldx(&c, "LDXDW", 1, 10, -8);
	(void)emit(&c, "MUL64_REG", 0, 1, 0, 0);
	(void)emit(&c, "ADD64_REG", 0, 7, 0, 0);
	exit_(&c);
	to_here(&c, at);
	mov(&c, 0, 1);
	movi(&c, 7, 1);
	stx(&c, "STXDW", 10, -8, 7);
	addi(&c, 0, 11);
	exit_(&c);
	return c;
}

TEST(callx_calls_functions_and_helpers_that_a_register_names)
{
	struct code c = callx_program(false);

	CHECK_EQ(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.r0, 41 * 23 + 70);
	for (uint64_t fuel = 1; fuel < 16; fuel++)
		(void)bed_compare(COUNTING, &c, &(struct bed_input){ .fuel = fuel });
	c = callx_program(true);
	CHECK_EQ(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.r0, 150 * 60 + 70);
	for (uint64_t fuel = 1; fuel < 16; fuel++)
		(void)bed_compare(COUNTING, &c, &(struct bed_input){ .fuel = fuel });
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
					   VM_MAP_REF,
					   1ull << 32 | 1 };

	for (size_t i = 0; i < countof(forged); i++)
		for (unsigned reg = 0; reg < 10; reg += 3) {
			struct code c = with_helpers();

			lddw(&c, reg, forged[i]);
			(void)emit(&c, "CALLX", reg, 0, 0, 0);
			exit_(&c);
			CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.d.id, 315);
		}
}

TEST(recursion_through_callx_stops_at_the_last_frame_and_costs_fuel)
{
	struct code c = { 0 };

	lddw(&c, 6, VM_FUNC_REF);
	(void)emit(&c, "CALLX", 6, 0, 0, 0);
	exit_(&c);
	CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.d.id, 303);
	for (uint64_t fuel = 1; fuel < 40; fuel++)
		(void)bed_compare(BED_CHECKED, &c, &(struct bed_input){ .fuel = fuel });
}

/* --- may_goto --- */

static struct code may_goto_loop(bool back, bool in_function)
{
	struct code c = { 0 };

	if (in_function) {
		(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 3);
		mov(&c, 6, 0);
		(void)emit(&c, "MAY_GOTO", 0, 0, 0, 0);
		exit_(&c);
	}
	movi(&c, 0, 0);
	if (back) {
		(void)emit(&c, "JA", 0, 0, 1, 0);
		exit_(&c);
	}
	addi(&c, 0, 1);
	(void)emit(&c, "MAY_GOTO", 0, 0, back ? -3 : 1, 0);
	(void)emit(&c, "JA", 0, 0, -3, 0);
	exit_(&c);
	return c;
}

TEST(may_goto_falls_through_as_often_as_the_kernels)
{
	for (unsigned way = 0; way < 4; way++) {
		struct code c = may_goto_loop(way & 1, way & 2);
		struct bed_input in = { .fuel = 100000000 };
		unsigned engines = way & 1 ? 1 << BED_VERIFIED : BED_CHECKED;

		CHECK_EQ(bed_compare(engines, &c, &in).o.r0, VM_MAY_GOTO_MAX + 1);
		in.fuel = 1000 + way;
		CHECK_EQ(bed_compare(COUNTING, &c, &in).o.err, E_FUEL);
	}
}

/* --- callbacks --- */

/* each(n, f, fp - 16), f adding its number to the word there, with a frame and registers of its own. */
static struct code callback_program(int32_t n, int32_t off)
{
	struct code c = with_helpers();
	uint32_t at;

	movi(&c, 6, 600);
	movi(&c, 9, 900);
	(void)emit(&c, "STDW", 10, 0, -16, 1);
	(void)emit(&c, "STDW", 10, 0, -8, 5);
	movi(&c, 1, n);
	at = func_ref(&c, 2);
	mov(&c, 3, 10);
	addi(&c, 3, off);
	call(&c, 5);
	(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
	(void)emit(&c, "ADD64_REG", 0, 9, 0, 0);
	ldx(&c, "LDXDW", 1, 10, -16);
	(void)emit(&c, "ADD64_REG", 0, 1, 0, 0);
	exit_(&c);
	to_here(&c, at);
	movi(&c, 6, 1);
	movi(&c, 9, 2);
	stx(&c, "STXDW", 10, -8, 1);
	ldx(&c, "LDXDW", 4, 2, 0);
	(void)emit(&c, "ADD64_REG", 4, 1, 0, 0);
	stx(&c, "STXDW", 2, 0, 4);
	ldx(&c, "LDXDW", 0, 10, -8);
	(void)emit(&c, "LSH64_IMM", 0, 0, 0, 1);
	mov(&c, 1, 0);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 1);
	exit_(&c);
	stx(&c, "STXDW", 10, -8, 1);
	mov(&c, 0, 1);
	addi(&c, 0, 2);
	exit_(&c);
	return c;
}

TEST(callbacks_run_below_the_frames_of_the_program)
{
	for (int32_t n = 0; n < 9; n++) {
		struct code c = callback_program(n, -16);
		uint64_t sum = (uint64_t)(n * (n - 1) / 2);

		CHECK_EQ(bed_compare(BED_ALL, &c, &(struct bed_input){ 0 }).o.r0,
			 1501 + sum + 2 * sum + 2 * (uint64_t)n);
	}
	for (uint64_t fuel = 1; fuel < 200; fuel += 3) {
		struct code c = callback_program(5, -16);

		(void)bed_compare(COUNTING, &c, &(struct bed_input){ .fuel = fuel });
	}
}

TEST(a_fault_inside_of_a_callback_ends_the_run_there)
{
	static const int32_t out[] = { 0, -7, 8, -VM_STACK_BYTES * 3, 1 << 20 };

	for (size_t i = 0; i < countof(out); i++) {
		struct code c = callback_program(2, out[i]);

		CHECK_EQ(bed_compare(BED_CHECKED | 1 << BED_BLIND, &c, &(struct bed_input){ .strays = true }).o.err,
			 E_FAULT);
	}
}

TEST(callbacks_within_callbacks_end_at_the_last_frame)
{
	struct code c = with_helpers();

	lddw(&c, 2, VM_FUNC_REF);
	movi(&c, 1, 2);
	movi(&c, 3, 0);
	call(&c, 5);
	exit_(&c);
	CHECK_EQ(bed_compare(BED_CHECKED, &c, &(struct bed_input){ 0 }).o.d.id, 303);
	for (uint64_t fuel = 1; fuel < 60; fuel += 2)
		(void)bed_compare(BED_CHECKED, &c, &(struct bed_input){ .fuel = fuel });
}

TEST(a_callback_into_the_program_itself_gets_its_arguments)
{
	struct code c = with_helpers();

	(void)emit(&c, "JNE64_IMM", 3, 0, 6, 0);
	lddw(&c, 2, VM_FUNC_REF);
	movi(&c, 1, 1);
	movi(&c, 3, 77);
	call(&c, 5);
	exit_(&c);
	mov(&c, 0, 2);
	(void)emit(&c, "LSH64_REG", 0, 3, 0, 0);
	(void)emit(&c, "ADD64_REG", 0, 4, 0, 0);
	(void)emit(&c, "ADD64_REG", 0, 5, 0, 0);
	(void)emit(&c, "ADD64_REG", 0, 7, 0, 0);
	exit_(&c);
	CHECK_EQ(bed_compare(BED_CHECKED | 1 << BED_BLIND, &c, &(struct bed_input){ 0 }).o.r0, (77 << 3) + 4 + 5);
}

/* --- tail calls --- */

/* A program that goes to entry 1 of the array, from a function if asked; where there is none, it adds 1 to the answer.
 */
static struct code first_program(bool in_function)
{
	struct code c = { 0 };

	movi(&c, 6, 600);
	if (in_function) {
		(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 2);
		(void)emit(&c, "ADD64_REG", 0, 6, 0, 0);
		exit_(&c);
		movi(&c, 6, 7);
		(void)emit(&c, "STDW", 10, 0, -8, 5);
	}
	(void)emit(&c, "LDDW_MAP_FD", 2, 0, 0, 0);
	movi(&c, 3, 1);
	call(&c, ABI_HELPER_tail_call);
	addi(&c, 0, 1);
	exit_(&c);
	return c;
}

/* What it sees of its start, and of a function that it calls. */
static struct code second_program(void)
{
	struct code c = { 0 };

	(void)emit(&c, "STDW", 10, 0, -8, 3);
	ldx(&c, "LDXB", 0, 1, 0);
	(void)emit(&c, "ADD64_REG", 0, 2, 0, 0);
	mov(&c, 1, 0);
	(void)emit(&c, "CALL_LOCAL", 0, 0, 0, 3);
	ldx(&c, "LDXDW", 1, 10, -8);
	(void)emit(&c, "ADD64_REG", 0, 1, 0, 0);
	exit_(&c);
	(void)emit(&c, "STDW", 10, 0, -8, 1000);
	mov(&c, 0, 1);
	addi(&c, 0, 100);
	exit_(&c);
	return c;
}

static struct outcome run_chain(enum bed_engine first, enum bed_engine second, bool in_function, bool there,
				uint64_t fuel)
{
	static uint8_t ctx[16] = { 40 };
	struct prog_map def = {
		.name = "next", .kind = PROG_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2
	};
	struct code code[2];
	struct outcome o = { 0 };
	struct bed_native native[2];
	struct vm_prog *vp[2];
	struct map *m;
	struct vm *v;

	/* Not initialisers of the array: gcc 12 with -ftrivial-auto-var-init then clears parts of the first one again.
	 */
	code[0] = first_program(in_function);
	code[1] = second_program();
	diag_init(&o.d);
	CHECK_OK(map_new(&def, &m, NULL));
	CHECK_OK(vm_new(&v));
	for (unsigned i = 0; i < 2; i++) {
		code[i].maps = &def;
		code[i].map_objs = &m;
		code[i].n_maps = 1;
		CHECK_OK(prepare_code(&code[i], &vp[i], NULL));
		bed_attach(i ? second : first, vp[i], &native[i]);
	}
	if (there)
		CHECK_OK(vm_prog_array_set(m, 1, vp[1]));
	o.err = vm_run(v, vp[0], &(struct vm_run_args){ .ctx = ctx, .ctx_bytes = 16, .fuel = fuel }, &o.r0, &o.fault,
		       &o.d);
	for (unsigned i = 0; i < 2; i++) {
		bed_detach(&native[i]);
		vm_prog_free(vp[i]);
	}
	vm_free(v);
	map_free(m);
	return o;
}

TEST(tail_calls_lead_from_any_engine_to_any)
{
	for (unsigned way = 0; way < 4; way++)
		for (uint64_t fuel = 0; fuel < 24; fuel += 1 + 3 * (way & 1)) {
			struct outcome want = run_chain(BED_INTERP, BED_INTERP, way & 1, way & 2, fuel);

			if (!fuel)
				CHECK_OK(want.err);
			for (enum bed_engine a = 0; a < BED_N; a++)
				for (enum bed_engine b = 0; b < BED_N; b += 1 + (a > 0)) {
					struct outcome got;

					/* Who counts nothing does not run out. */
					if (fuel && (a == BED_VERIFIED || a == BED_OTHER_ATOMICS || b == BED_VERIFIED ||
						     b == BED_OTHER_ATOMICS))
						continue;
					got = run_chain(a, b, way & 1, way & 2, fuel);
					CHECK_EQ(got.err, want.err);
					CHECK_EQ(got.r0, want.r0);
					CHECK_EQ(got.fault.insn, want.fault.insn);
				}
		}
}
