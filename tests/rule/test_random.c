/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random: compiled programs against the oracle, on random rules and events.
 *
 * Each rule is written twice (gen.h). The program of the one with macros, lists and exceptions must say what the
 * program of the flat one says, and what the oracle says of the flat condition. SALLYPORT_DIFF_PAIRS is the number of
 * (rule, event) pairs, SALLYPORT_DIFF_SEED the seed.
 */
#include "gen.h"
#include "oracle.h"
#include "rule_test.h"

#include "content/rule/internal.h"

enum { EVENTS = 25, DEFAULT_PAIRS = 50000 };

static uint64_t from_environment(const char *name, uint64_t fallback)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : fallback;
}

struct side {
	struct buf text;
	struct loaded l;
	struct ready r;
};

static void side_make(struct side *s)
{
	test_row = s->text.p;
	load_text(&s->l, s->text.p);
	if (s->l.err)
		fail_msg("%s\nis refused:\n%s", s->text.p, s->l.said.p);
	ready_make(&s->r, &s->l);
}

static void side_done(struct side *s)
{
	ready_done(&s->r);
	unload(&s->l);
	buf_done(&s->text);
}

static void one_event(struct gen *g, struct side side[2], uint32_t type, unsigned *n_true)
{
	uint64_t seed = g->seed;
	bool want, got[2];

	arena_init(&g->a, 1 << 20);
	for (int i = 0; i < 2; i++) {
		g->seed = seed;
		ready_event(&side[i].r, type);
		gen_event(g, side[i].r.event);
		got[i] = ready_fires(&side[i].r, 0);
	}
	want = oracle_holds(side[1].l.rs->rules[0].cond, side[1].r.event);
	if (got[0] != want || got[1] != want)
		fail_msg("seed %llu: the oracle says %d, the flat rule %d, the other %d, on %s\n%s\n%s",
			 (unsigned long long)seed, want, got[1], got[0], template_builtin.types[type].name,
			 side[1].text.p, side[0].text.p);
	*n_true += want;
	arena_done(&g->a);
}

TEST(a_compiled_program_agrees_with_the_oracle_on_random_rules_and_events)
{
	uint64_t pairs = from_environment("SALLYPORT_DIFF_PAIRS", DEFAULT_PAIRS), n = 0;
	struct gen g = { .seed = from_environment("SALLYPORT_DIFF_SEED", 20260101) };
	unsigned n_true = 0;

	while (n < pairs) {
		uint32_t type = gen_below(&g, template_builtin.n_types);
		struct side side[2];

		buf_init(&side[0].text, 1 << 20);
		buf_init(&side[1].text, 1 << 20);
		gen_rules(&g, &template_builtin.types[type], &side[0].text, &side[1].text);
		side_make(&side[0]);
		side_make(&side[1]);
		for (unsigned k = 0; k < EVENTS; k++, n++)
			one_event(&g, side, gen_below(&g, 8) ? type : gen_below(&g, template_builtin.n_types), &n_true);
		side_done(&side[0]);
		side_done(&side[1]);
	}
	/* a test that is nearly always false (or true) would show nothing */
	CHECK(n_true > n / 6 && n_true < n * 5 / 6);
}
