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
