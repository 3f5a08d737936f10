/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the verifier accepts, a machine that notices every misuse runs without any, to its end; and at every step
 * the machine is in one of the states that the verifier saw at that instruction.
 *
 * SALLYPORT_TEST_PROGRAMS: how many random programs (2000); of those in which two paths clash, twice as many.
 */
#include "clash.h"
#include "judge.h"
#include "test.h"

enum { RUNS = 6, PROGRAMS = 2000 };

static uint32_t programs(void)
{
	const char *n = getenv("SALLYPORT_TEST_PROGRAMS");

	return n ? (uint32_t)strtoul(n, NULL, 10) : PROGRAMS;
}

/* Instructions that the verifier does not model; test_structure.c has them refused. */
static bool is_modelled(const struct isa_row *r)
{
	if (r->sem == ISA_LD_ABS || r->sem == ISA_LD_IND || r->sem == ISA_ADDR_CAST)
		return false;
	if (r->sem == ISA_IMM64)
		return r->aux != ISA_IMM64_BTF_ID && r->aux != ISA_IMM64_MAP_IDX && r->aux != ISA_IMM64_MAP_IDX_VALUE;
	return r->sem != ISA_CALL || r->aux != ISA_CALL_KFUNC;
}

static void check_helpers(const struct watch_census *c)
{
	static const uint32_t ids[] = {
		ABI_HELPER_map_lookup_elem,
		ABI_HELPER_map_update_elem,
		ABI_HELPER_map_delete_elem,
		LINUX_TAIL_CALL,
		ABI_HELPER_map_push_elem,
		ABI_HELPER_map_pop_elem,
		ABI_HELPER_map_peek_elem,
		LINUX_RESERVE,
		LINUX_SUBMIT,
		LINUX_FOR_EACH,
		LINUX_TIMER_SET_CALLBACK,
		LINUX_LOOP,
		LINUX_DRAIN,
		ABI_HELPER_str_eq,
		ABI_HELPER_list_get,
		HELPER_FILL,
		HELPER_CTX,
		HELPER_READ,
		HELPER_LONG,
		HELPER_TEXT,
	};

	for (size_t i = 0; i < countof(ids); i++) {
		const struct abi_helper *h = abi_helper(&fixture_profile, ids[i]);

		if (!c->helpers[h - fixture_profile.helpers])
			print_error("%s was never called\n", h->name);
		CHECK(c->helpers[h - fixture_profile.helpers] > 0);
	}
}

/* Every instruction that the verifier may accept was run, each helper of the fixture, and what goes beyond one
 * function. */
static void check_census(const struct watch_census *c)
{
	CHECK(isa_n_rows <= countof(c->rows) && fixture_profile.n_helpers <= countof(c->helpers));
	for (size_t i = 0; i < isa_n_rows; i++) {
		if (is_modelled(&isa_rows[i]) != (c->rows[i] > 0))
			print_error("%s was run %llu times\n", isa_rows[i].name, (unsigned long long)c->rows[i]);
		CHECK_EQ(c->rows[i] > 0, is_modelled(&isa_rows[i]));
	}
	check_helpers(c);
	CHECK(c->saved_loads > 100 && c->deep > 100 && c->calls_back > 100);
}

static void watch_programs(struct judge *j, void (*make)(struct gen *g, uint64_t seed), uint32_t n)
{
	static struct gen g;

	for (uint32_t i = 0; i < n; i++) {
		struct prog p;
		bool right;

		make(&g, i);
		p = fixture_prog(g.code, g.n);
		j->seed = i;
		right = judge_watched(j, &p);
		if (!right)
			print_error("program %u: %s\n", i, j->wrong);
		CHECK(right);
	}
	print_message("# %u of %u accepted, %llu steps\n", j->accepted, n, (unsigned long long)j->strict_steps);
	for (uint32_t i = 0; i < countof(j->refused); i++)
		if (j->refused[i])
			print_message("# V%u: %u\n", i, j->refused[i]);
}

TEST(what_is_accepted_runs_as_the_verifier_expected)
{
	static struct watch_census census;
	static struct judge j = {
		.profile = &fixture_profile, .type = &fixture_any, .ctx = &fixture_ctx, .runs = RUNS, .census = &census
	};
	uint32_t n = programs();

	watch_programs(&j, gen_program, n);
	CHECK(j.accepted > n / 5);
	if (n >= PROGRAMS)
		check_census(&census);
}

TEST(where_two_paths_clash_all_runs_as_the_verifier_expected)
{
	static struct judge j = {
		.profile = &fixture_profile, .type = &fixture_any, .ctx = &fixture_ctx, .runs = RUNS
	};
	uint32_t n = programs() * 2;

	watch_programs(&j, clash_program, n);
	CHECK(j.accepted > n / 20);
}
