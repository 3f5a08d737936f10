/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the verifier accepts, a machine that notices every misuse runs without any, to its end; and at every step
 * the machine is in one of the states that the verifier saw at that instruction. While it is watched, the verifier
 * compares numbers that do not matter, too; what it accepts without that must run as well.
 *
 * SALLYPORT_TEST_PROGRAMS: how many random programs (2000).
 */
#include "test.h"
#include "watch.h"

enum { RUNS = 6, PROGRAMS = 2000 };

static uint32_t programs(void)
{
	const char *n = getenv("SALLYPORT_TEST_PROGRAMS");

	return n ? (uint32_t)strtoul(n, NULL, 10) : PROGRAMS;
}

struct tally {
	uint32_t accepted, unwatched, refused[1000];
	uint64_t steps, unwatched_steps;
	struct watch_census census;
};

static void run_program(const struct watch *w, const struct prog *p, uint64_t seed)
{
	uint32_t insn = 0;

	for (uint64_t k = 0; k < RUNS; k++) {
		const char *wrong = watch_run(w, p, &fixture_ctx, seed * RUNS + k, &insn);

		if (wrong)
			print_error("program %llu, run %llu, instruction %u: %s%s\n", (unsigned long long)seed,
				    (unsigned long long)k, insn, wrong, w->overflow ? " (unwatched)" : "");
		CHECK(!wrong);
	}
}

/* What is accepted with every number compared is accepted without, too. */
static void try_unwatched(const struct prog *p, const struct verify_opts *o, uint64_t seed, enum err watched,
			  struct tally *t)
{
	static struct watch nobody;
	struct verify_stats stats;
	struct arena a;
	enum err err;

	nobody.overflow = true;
	arena_init(&a, 64 << 20);
	err = verify_prog(p, o, &a, &stats, NULL);
	arena_done(&a);
	CHECK(err != E_BUG && (watched || !err));
	t->unwatched += !err;
	t->unwatched_steps += stats.steps;
	if (!err)
		run_program(&nobody, p, seed);
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

static void try_program(uint64_t seed, struct tally *t)
{
	static struct gen g;
	static struct watch w;
	struct verify_opts o = { .profile = &fixture_profile, .type = &fixture_any, .ctx = &fixture_ctx };
	struct verify_stats stats;
	struct arena a;
	struct diag d;
	struct prog p;
	enum err err;

	gen_program(&g, seed);
	p = fixture_prog(g.code, g.n);
	watch_init(&w);
	w.census = &t->census;
	arena_init(&a, 64 << 20);
	diag_init(&d);
	err = verify_observed(&p, &o, &a, &stats, &d, watch_observe, &w);
	t->steps += stats.steps;
	if (err)
		t->refused[d.id]++;
	CHECK(err != E_BUG);
	if (!err)
		run_program(&w, &p, seed);
	try_unwatched(&p, &o, seed, err, t);
	t->accepted += !err;
	arena_done(&a);
	watch_done(&w);
}

TEST(what_is_accepted_runs_as_the_verifier_expected)
{
	static struct tally t;
	uint32_t n = programs();

	for (uint32_t i = 0; i < n; i++)
		try_program(i, &t);
	print_message("# %u of %u accepted, %llu steps\n", t.accepted, n, (unsigned long long)t.steps);
	print_message("# unwatched: %u accepted, %llu steps\n", t.unwatched, (unsigned long long)t.unwatched_steps);
	CHECK(t.unwatched_steps <= t.steps);
	for (uint32_t i = 0; i < countof(t.refused); i++)
		if (t.refused[i])
			print_message("# V%u: %u\n", i, t.refused[i]);
	CHECK(t.accepted > n / 5);
	if (n >= PROGRAMS)
		check_census(&t.census);
}
