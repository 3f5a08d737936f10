/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Predicates: what groups answer in one pass is what the string helpers answer one by one; each is answered once,
 * values are made when they are asked for, and what helpers do is charged to the program.
 */
#include "vmtest.h"

enum { N_VALUES = 4, MAX_PREDS = 300 };

struct bed {
	struct helper_value values[N_VALUES];
	uint8_t present;
	uint64_t lazy, numbers[N_VALUES];
	struct helper_env env;
	struct helper_memo memo;
	uint32_t made; /* calls of need */
};

static void need(struct helper_env *env, uint32_t i)
{
	struct bed *b = CONTAINER_OF(env, struct bed, env);

	b->made++;
	b->lazy &= ~(1ull << i);
	b->present |= (uint8_t)(1 << i);
}

static void bed_init(struct bed *b)
{
	memset(b, 0, sizeof *b);
	b->env = (struct helper_env){ .values = b->values,
				      .n_values = N_VALUES,
				      .present = &b->present,
				      .numbers = (const uint8_t *)b->numbers,
				      .lazy = &b->lazy,
				      .need = need,
				      .memo = &b->memo };
}

static void set_text(struct bed *b, uint32_t i, const char *p, size_t len)
{
	b->values[i] = (struct helper_value){ .kind = HELPER_VALUE_STR, .len = (uint32_t)len, .p = p };
	b->present |= (uint8_t)(1 << i);
}

/* The helper of that name, asked directly. */
static bool one(struct bed *b, const struct helper_pred *p)
{
	uint64_t args[ABI_MAX_ARGS] = { helper_handle(p->value), (uint64_t)(uintptr_t)p->operand.p, p->operand.len };

	if (!(b->present >> p->value & 1))
		return false;
	return helper_call(helper_lookup(p->test), &b->env, args) != p->negate;
}

static void random_text(uint64_t *seed, char *out, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		out[i] = "ab/"[rnd(seed) % 3];
}

/* Short texts of three letters, so that all kinds of overlap happen. */
static void random_pred(uint64_t *seed, struct arena *a, struct helper_pred *p)
{
	static const uint32_t tests[] = { ABI_HELPER_str_eq,       ABI_HELPER_str_startswith,
					  ABI_HELPER_str_endswith, ABI_HELPER_str_contains,
					  ABI_HELPER_str_in,       ABI_HELPER_str_startswith_in,
					  ABI_HELPER_str_glob };
	struct helper_str strs[5];
	uint32_t n = 1 + (uint32_t)(rnd(seed) % countof(strs));
	struct buf set;

	for (uint32_t i = 0; i < n; i++) {
		char text[8];
		uint32_t len = (uint32_t)(rnd(seed) % 6);

		random_text(seed, text, len);
		strs[i] = (struct helper_str){ arena_strndup(a, text, len), len };
	}
	*p = (struct helper_pred){ .value = (uint16_t)(rnd(seed) % 2),
				   .subject = HELPER_TEXT,
				   .negate = rnd(seed) % 8 == 0,
				   .test = tests[rnd(seed) % countof(tests)],
				   .operand = strs[0] };
	if (p->test != ABI_HELPER_str_in && p->test != ABI_HELPER_str_startswith_in)
		return;
	buf_init(&set, 1 << 16);
	CHECK_OK(helper_pack_set(strs, n, &set));
	p->operand = (struct helper_str){ arena_strndup(a, set.p, set.len), (uint32_t)set.len };
	buf_done(&set);
}

TEST(a_group_answers_what_each_helper_answers)
{
	uint64_t seed = 1, held = 0;
	struct bed b;

	for (int round = 0; round < 60; round++) {
		struct helper_pred p[MAX_PREDS];
		uint32_t n = 1 + (uint32_t)(rnd(&seed) % MAX_PREDS);
		struct helper_preds *preds;
		struct arena a;

		arena_init(&a, 16 << 20);
		bed_init(&b);
		for (uint32_t i = 0; i < n; i++)
			random_pred(&seed, &a, &p[i]);
		CHECK_OK(helper_preds_new(p, n, &a, &preds));
		CHECK_EQ(helper_preds_count(preds), n);
		for (int e = 0; e < 50; e++) {
			char text[2][12];

			b.present = 0;
			for (uint32_t v = 0; v < 2; v++) {
				uint32_t len = (uint32_t)(rnd(&seed) % sizeof text[v]);

				random_text(&seed, text[v], len);
				set_text(&b, v, text[v], len);
			}
			b.present &= (uint8_t) ~(rnd(&seed) % 8 ? 0 : 1);
			helper_memo_begin(&b.memo, preds);
			for (uint32_t i = 0, k = (uint32_t)rnd(&seed) % n; i < n; i++, k = (k + 1) % n) {
				bool holds = helper_pred_holds(&b.env, k);

				if (holds != one(&b, &p[k]))
					fail_msg("round %d, predicate %u, test %u, '%.*s' of %u", round, k, p[k].test,
						 (int)b.values[p[k].value].len, b.values[p[k].value].p, p[k].value);
				held += holds;
			}
		}
		arena_done(&a);
	}
	CHECK(held > 10000);
}

/* Literals of every length, with bytes of all values; and strings in which they stand at every place. */
TEST(a_literal_is_found_wherever_it_stands)
{
	char text[300], needle[256];
	struct helper_pred p = { .subject = HELPER_TEXT, .test = ABI_HELPER_str_contains };
	struct helper_preds *preds;
	struct bed b;

	for (uint32_t i = 0; i < sizeof needle; i++)
		needle[i] = (char)(i * 7);
	for (uint32_t len = 1; len < sizeof needle; len += 1 + len / 4) {
		struct arena a;

		arena_init(&a, 16 << 20);
		p.operand = (struct helper_str){ needle, len };
		CHECK_OK(helper_preds_new(&p, 1, &a, &preds));
		for (uint32_t at = 0; at + len <= sizeof text; at += 13) {
			memset(text, 'x', sizeof text);
			memcpy(text + at, needle, len);
			bed_init(&b);
			set_text(&b, 0, text, sizeof text);
			helper_memo_begin(&b.memo, preds);
			CHECK(helper_pred_holds(&b.env, 0));
			text[at + len / 2] ^= 1;
			helper_memo_begin(&b.memo, preds);
			CHECK_EQ(helper_pred_holds(&b.env, 0), memmem(text, sizeof text, needle, len) != NULL);
		}
		arena_done(&a);
	}
}

TEST(too_many_bytes_for_one_automaton_are_asked_one_by_one)
{
	enum { N = 40, BYTES = 1000 };
	static char literals[N][BYTES];
	static char text[2 * BYTES];
	struct helper_pred p[N];
	struct helper_preds *preds;
	struct arena a;
	struct bed b;

	arena_init(&a, 64 << 20);
	for (uint32_t i = 0; i < N; i++) {
		memset(literals[i], 'a' + (int)(i % 26), BYTES);
		literals[i][BYTES / 2] = (char)('0' + i);
		p[i] = (struct helper_pred){ .subject = HELPER_TEXT,
					     .test = ABI_HELPER_str_contains,
					     .operand = { literals[i], BYTES } };
	}
	CHECK_OK(helper_preds_new(p, N, &a, &preds));
	CHECK_EQ(helper_preds_groups(preds), 0);
	bed_init(&b);
	memcpy(text + 77, literals[3], BYTES);
	set_text(&b, 0, text, sizeof text);
	helper_memo_begin(&b.memo, preds);
	for (uint32_t i = 0; i < N; i++)
		CHECK_EQ(helper_pred_holds(&b.env, i), i == 3);
	arena_done(&a);
}

TEST(a_value_is_made_once_and_only_when_a_predicate_is_about_it)
{
	static const struct helper_pred p[] = {
		{ .value = 0, .subject = HELPER_TEXT, .test = ABI_HELPER_str_eq, .operand = { "x", 1 } },
		{ .value = 0, .subject = HELPER_TEXT, .test = ABI_HELPER_str_glob, .operand = { "x*", 2 } },
		{ .value = 1, .subject = HELPER_NUMBER, .test = HELPER_SGE, .number = 5 },
		{ .value = 1, .subject = HELPER_NUMBER, .test = HELPER_EQ, .negate = true, .number = 5 },
		{ .value = 2, .subject = HELPER_PRESENT },
	};
	struct helper_preds *preds;
	struct arena a;
	struct bed b;

	arena_init(&a, 1 << 20);
	CHECK_OK(helper_preds_new(p, countof(p), &a, &preds));
	bed_init(&b);
	set_text(&b, 0, "x", 1);
	b.numbers[1] = (uint64_t)-1;
	b.present = 0;
	b.lazy = 3;
	helper_memo_begin(&b.memo, preds);
	CHECK(helper_pred_holds(&b.env, 0));
	CHECK_EQ(b.made, 1);
	CHECK(helper_pred_holds(&b.env, 1));
	CHECK_EQ(b.made, 1);
	CHECK(!helper_pred_holds(&b.env, 2));
	CHECK(helper_pred_holds(&b.env, 3));
	CHECK_EQ(b.made, 2);
	CHECK(!helper_pred_holds(&b.env, 4));
	set_text(&b, 0, "y", 1); /* the answers of this event stand */
	CHECK(helper_pred_holds(&b.env, 0));
	arena_done(&a);
}

TEST(what_no_helper_can_answer_is_refused)
{
	static const struct helper_pred bad[] = {
		{ .subject = HELPER_N_SUBJECTS },
		{ .subject = HELPER_TEXT, .test = ABI_HELPER_list_any },
		{ .subject = HELPER_ANY_ELEMENT, .test = 0 },
		{ .subject = HELPER_ADDRESS, .test = ABI_HELPER_str_eq },
		{ .subject = HELPER_NUMBER, .test = HELPER_SGE + 1 },
	};
	static struct helper_pred many[HELPER_MAX_PREDS + 1];
	struct helper_preds *preds = NULL;
	struct arena a;

	arena_init(&a, 64 << 20);
	for (size_t i = 0; i < countof(bad); i++)
		CHECK_EQ(helper_preds_new(&bad[i], 1, &a, &preds), E_INVALID);
	for (size_t i = 0; i < countof(many); i++)
		many[i] = (struct helper_pred){ .subject = HELPER_PRESENT };
	CHECK_EQ(helper_preds_new(many, countof(many), &a, &preds), E_LIMIT);
	CHECK_OK(helper_preds_new(many, countof(many) - 1, &a, &preds));
	CHECK(helper_preds_places(preds) <= 64 * HELPER_PRED_WORDS);
	arena_done(&a);
}

/* A program may ask for any number: one that is none ends it. */
TEST(a_number_that_no_predicate_has_ends_the_program)
{
	static const struct helper_pred p = { .subject = HELPER_PRESENT };
	struct helper_preds *preds;
	struct outcome o;
	struct arena a;
	struct bed b;

	arena_init(&a, 1 << 20);
	CHECK_OK(helper_preds_new(&p, 1, &a, &preds));
	for (int64_t n = -1; n < 3; n++) {
		struct code c = { .n = 0 };

		lddw(&c, 1, (uint64_t)n);
		call(&c, ABI_HELPER_holds);
		exit_(&c);
		bed_init(&b);
		b.present = 1;
		helper_memo_begin(&b.memo, preds);
		o = run_code(&c, &(struct vm_run_args){ .env = &b.env });
		CHECK_EQ(o.err, n ? E_FAULT : E_OK);
		b.env.memo = NULL;
		CHECK_EQ(run_code(&c, &(struct vm_run_args){ .env = &b.env }).err, E_FAULT);
	}
	arena_done(&a);
}

/* The dearest thing there is: 255 positions that all stay, over 8 KiB. */
TEST(fuel_bounds_what_helpers_do)
{
	static char text[8192];
	struct helper_regex_error e;
	struct helper_pred p = { .subject = HELPER_TEXT, .test = ABI_HELPER_str_regex };
	struct code c = { .n = 0 };
	struct helper_preds *preds;
	struct outcome o;
	struct buf packed;
	struct arena a;
	struct bed b;

	arena_init(&a, 16 << 20);
	buf_init(&packed, 1 << 20);
	memset(text, 'a', sizeof text);
	CHECK_OK(helper_pack_regex("(a?){255}b*", 11, &a, &packed, &e));
	p.operand = (struct helper_str){ packed.p, (uint32_t)packed.len };
	CHECK_OK(helper_preds_new(&p, 1, &a, &preds));
	movi(&c, 1, 0);
	call(&c, ABI_HELPER_holds);
	exit_(&c);
	bed_init(&b);
	set_text(&b, 0, text, sizeof text);
	for (uint32_t i = 0; i < 2; i++) {
		helper_memo_begin(&b.memo, preds);
		o = run_code(&c, &(struct vm_run_args){ .env = &b.env, .fuel = i ? 1000 : 10000000 });
		CHECK_EQ(o.err, i ? E_FUEL : E_OK);
		CHECK(b.env.work > 10000);
	}
	buf_done(&packed);
	arena_done(&a);
}
