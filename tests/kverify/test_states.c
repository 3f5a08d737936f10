/* SPDX-License-Identifier: Apache-2.0 */
/* Which states are kept, and which paths they spare: instructions that each release processes. */
#include "test.h"

#include "state_programs.h"

#include "engine/asm/asm.h"
#include "engine/kverify/state.h"

enum { SOCKET_FILTER = 1, ARENA_MIB = 64 };

struct outcome {
	enum err err;
	uint16_t id;
	struct kverify_stats stats;
	size_t used;
};

static struct outcome verify(const char *release, const char *text, uint32_t flags,
			     const struct kverify_watcher *watcher)
{
	struct kverify_opts o = { .kernel = kernel_profile(release),
				  .target = { .prog_type = SOCKET_FILTER },
				  .flags = flags,
				  .gpl = true,
				  .watcher = watcher };
	struct outcome r = { 0 };
	struct diag d = { 0 };
	struct arena a;
	struct prog p;

	CHECK(o.kernel);
	arena_init(&a, ARENA_MIB << 20);
	CHECK_OK(asm_text((struct view){ (const uint8_t *)text, strlen(text) }, "test", &a, &p, &d));
	r.err = kverify_prog(&p, &o, &a, &r.stats, &d);
	r.id = d.id;
	r.used = a.used;
	arena_done(&a);
	return r;
}

static const char *const releases[] = { "5.10", "6.1", "6.12", "6.18", "7.2" };

static const struct state_program *find(const char *name)
{
	for (size_t i = 0; i < N_STATE_PROGRAMS; i++)
		if (!strcmp(state_programs[i].name, name))
			return &state_programs[i];
	return NULL;
}

/* Steps in all releases. */
static void check_steps(const char *name, uint64_t want)
{
	const struct state_program *p = find(name);

	CHECK(p);
	for (size_t i = 0; i < countof(releases); i++) {
		struct outcome r = verify(releases[i], p->text, p->each ? KVERIFY_STATE_FREQ : 0, NULL);

		test_row = releases[i];
		CHECK_EQ(r.err, E_OK);
		CHECK_EQ(r.stats.steps, want);
	}
}

/* 8 instructions one way; the other comes from the branch to L, is counted there, and ends. */
TEST(a_number_that_is_only_copied_does_not_tell_states_apart)
{
	check_steps("two ways that meet, with a number that is only copied", 9);
}

/* 9 one way, all from L on again the other. */
TEST(a_number_that_is_an_offset_tells_states_apart)
{
	check_steps("two ways that meet, with an offset of the stack", 9 + 5);
}

TEST(what_is_written_before_it_is_read_does_not_tell_states_apart)
{
	check_steps("pointer on one way, number on the other, never read", 7 + 1);
}

TEST(a_loop_that_changes_nothing_is_refused_when_it_comes_round)
{
	const struct state_program *p = find("a loop without an end");

	for (size_t i = 0; i < countof(releases); i++) {
		struct outcome r = verify(releases[i], p->text, KVERIFY_STATE_FREQ, NULL);

		test_row = releases[i];
		CHECK_EQ(r.err, E_REJECTED);
		CHECK_EQ(r.id, 123);
		CHECK(r.stats.steps <= 8);
	}
}

/* One state in a hundred instructions is kept in a loop that is not done: the limit is reached within the cap. */
TEST(a_million_instructions_fit_into_64_mib)
{
	const struct state_program *p = find("a loop that is too long");

	for (size_t i = 0; i < countof(releases); i++) {
		struct outcome r = verify(releases[i], p->text, 0, NULL);

		test_row = releases[i];
		CHECK_EQ(r.err, E_REJECTED);
		CHECK_EQ(r.id, 901);
		CHECK_EQ(r.stats.steps, 1000001);
		CHECK(r.stats.states_total > 1000 && r.stats.states_total <= 1000001 / 40 + 1);
	}
}

/* The number that comes out of the callee was stored by the caller: it is exact on the way back through both. */
TEST(exact_numbers_are_followed_through_functions_and_slots)
{
	const struct state_program *p = find("a function reads its caller's slot, exactly");

	for (size_t i = 0; i < countof(releases); i++) {
		struct outcome r = verify(releases[i], p->text, KVERIFY_STATE_FREQ, NULL);

		test_row = releases[i];
		CHECK_EQ(r.err, E_OK);
		CHECK_EQ(r.stats.steps, 15 + 11); /* no path is spared */
	}
}

struct seen {
	uint32_t insn, visits;
	bool widened; /* r6 was any number there */
};

static void watch(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	struct seen *seen = user;

	(void)v;
	if (insn != seen->insn)
		return;
	seen->visits++;
	seen->widened |= kframe_cur(s)->r[6].base == KR_SCALAR && knum_is_unknown(&kframe_cur(s)->r[6].n);
}

/* r6 grows from round to round; nothing needs it, so it becomes any number, and the third round is covered. */
TEST(rounds_of_may_goto_come_to_a_fixed_point)
{
	const struct state_program *p = find("rounds that may_goto bounds");

	for (size_t i = 2; i < countof(releases); i++) {
		struct seen seen = { .insn = 3 };
		struct kverify_watcher w = { watch, &seen };
		struct outcome r = verify(releases[i], p->text, 0, &w);

		test_row = releases[i];
		CHECK_EQ(r.err, E_OK);
		CHECK(r.stats.steps < 100);
		/* where r6 is dead, newer releases do not know it at all */
		CHECK(seen.visits && (seen.widened || i > 2));
	}
}

TEST(verdicts_and_counts_do_not_depend_on_what_was_verified_before)
{
	for (size_t i = 0; i < N_STATE_PROGRAMS; i++)
		for (size_t k = 0; k < countof(releases); k++) {
			const struct state_program *p = &state_programs[i];
			uint32_t flags = p->each ? KVERIFY_STATE_FREQ : 0;
			struct outcome a, b;

			if (kernel_profile(releases[k])->version < p->since)
				continue;
			test_row = p->name;
			a = verify(releases[k], p->text, flags, NULL);
			b = verify(releases[k], p->text, flags, NULL);
			CHECK(a.err == E_OK || a.err == E_REJECTED);
			CHECK_EQ(a.err, b.err);
			CHECK_EQ(a.stats.steps, b.stats.steps);
			CHECK_EQ(a.stats.states_total, b.stats.states_total);
			CHECK_EQ(a.stats.states_peak, b.stats.states_peak);
		}
}
