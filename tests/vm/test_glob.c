/* SPDX-License-Identifier: Apache-2.0 */
/* Globs and path prefixes: tables, fnmatch(3) as the oracle over random patterns, and a bound on the work. */
#include "test.h"
#include "engine/helpers/helpers.h"

#include <fnmatch.h>

static bool glob(const char *s, const char *pat, bool fold_case)
{
	return helper_glob(s, strlen(s), pat, strlen(pat), fold_case);
}

TEST(glob_matches_as_the_shell_does_and_stars_cross_slashes)
{
	static const struct {
		const char *s, *pat;
		bool want, want_folded;
		// clang-format off
	} rows[] = {
		{ "", "", 1, 1 }, { "a", "", 0, 0 }, { "", "*", 1, 1 }, { "", "?", 0, 0 },
		{ "/etc/passwd", "/etc/*", 1, 1 }, { "/etc/a/b", "/etc/*", 1, 1 }, { "/etc/a/b", "/*/b", 1, 1 },
		{ "/etc", "/etc/*", 0, 0 }, { "a/b", "a?b", 1, 1 }, { "ab", "a?b", 0, 0 },
		{ "Shadow", "shad*", 0, 1 }, { "shadow", "SHAD?W", 0, 1 }, { "K", "[a-z]", 0, 1 },
		{ "b", "[abc]", 1, 1 }, { "d", "[abc]", 0, 0 }, { "d", "[!abc]", 1, 1 }, { "d", "[^abc]", 1, 1 },
		{ "]", "[]a]", 1, 1 }, { "a", "[!]a]", 0, 0 }, { "-", "[a-]", 1, 1 }, { "b", "[a-c]", 1, 1 },
		{ "[", "[", 1, 1 }, { "[a", "[a", 1, 1 }, { "a", "[a", 0, 0 }, { "*", "\\*", 1, 1 }, { "x", "\\*", 0, 0 },
		{ "a]", "[\\]a]]", 1, 1 }, { "]", "[\\]]", 1, 1 }, { "x", "\\x", 1, 1 }, { "\\", "\\\\", 1, 1 }, { "a\\", "a\\", 0, 0 },
		{ "7", "[[:digit:]]", 1, 1 }, { "x", "[[:digit:]x]", 1, 1 }, { "x", "[![:alpha:]]", 0, 0 }, { "a", "[[:upper:]]", 0, 0 },
		{ "aXbXc", "a*X*c", 1, 1 }, { "aXbXd", "a*X*c", 0, 0 }, { "aaa", "a*a*a*a", 0, 0 }, { "mississippi", "m*is*p*i", 1, 1 },
		{ "abcd", "**d", 1, 1 }, { "\xff", "?", 1, 1 }, { "\xff", "[\xf0-\xff]", 1, 1 },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].pat;
		CHECK_EQ(glob(rows[i].s, rows[i].pat, false), rows[i].want);
		CHECK_EQ(glob(rows[i].s, rows[i].pat, true), rows[i].want_folded);
	}
}

/*
 * Not in the oracle's alphabet, since glibc and this glob differ on purpose: collation ("[.", "[="), class names that
 * do not exist, and bytes over 0x7f.
 */
TEST(glob_agrees_with_fnmatch_on_random_patterns)
{
	static const char *const tokens[] = { "a",
					      "b",
					      "A",
					      "B",
					      "c",
					      "*",
					      "*",
					      "*",
					      "?",
					      "?",
					      "[",
					      "]",
					      "!",
					      "^",
					      "-",
					      "\\",
					      "/",
					      "[ab]",
					      "[!a]",
					      "[a-c]",
					      "[[:alpha:]]",
					      "[^[:upper:]/]",
					      "[[:lower:]-]",
					      "[]a]" };
	static const char str_bytes[] = "aabbABc/-]";
	uint64_t seed = 1;
	unsigned matched = 0;

	for (unsigned i = 0; i < 300000; i++) {
		char pat[80] = "", s[10];
		size_t n_pat = hash_u64(seed++) % 6, n_s = hash_u64(seed++) % 6, len = 0;
		bool fold_case = i & 1;
		int want;

		for (size_t k = 0; k < n_pat; k++)
			len += (size_t)snprintf(pat + len, sizeof pat - len, "%s",
						tokens[hash_u64(seed++) % countof(tokens)]);
		for (size_t k = 0; k < n_s; k++)
			s[k] = str_bytes[hash_u64(seed++) % (sizeof str_bytes - 1)];
		s[n_s] = 0;
		want = !fnmatch(pat, s, fold_case ? FNM_CASEFOLD : 0);
		if (glob(s, pat, fold_case) != want)
			print_error("string '%s' pattern '%s' fold %d\n", s, pat, fold_case);
		CHECK_EQ(glob(s, pat, fold_case), want);
		matched += (unsigned)want;
	}
	CHECK(matched > 20000);
}

TEST(glob_does_not_blow_up)
{
	static char s[4096], pat[256];

	memset(s, 'a', sizeof s);
	for (size_t i = 0; i < sizeof pat; i++)
		pat[i] = i % 2 ? 'a' : '*';
	pat[sizeof pat - 1] = 'b';
	for (unsigned i = 0; i < 100; i++) /* exponential backtracking would not come back from one */
		CHECK(!helper_glob(s, sizeof s, pat, sizeof pat, false));
}

TEST(pmatch_is_a_prefix_of_whole_components)
{
	static const struct {
		const char *path, *pat;
		bool want;
		// clang-format off
	} rows[] = {
		{ "/opt/dir", "/opt/dir", 1 }, { "/opt/dir/", "/opt/dir", 1 }, { "/opt/dir/a/b", "/opt/dir", 1 },
		{ "/opt/dir", "/opt/dir/", 1 }, { "/opt/dir2", "/opt/dir", 0 }, { "/opt", "/opt/dir", 0 },
		{ "/opt/x/b", "/opt/*/b", 1 }, { "/opt/x/y/b", "/opt/*/b", 0 }, { "/opt/ab", "/opt/a?", 1 },
		{ "/opt/ab/c", "/opt/[a-c]b", 1 }, { "/opt/a/b", "/opt/a?b", 0 }, { "/usr/lib64/x", "/usr/lib*", 1 },
		{ "/anything", "/", 1 }, { "/", "/", 1 }, { "/opt//dir/x", "/opt/dir", 1 }, { "/opt/dir", "//opt//dir", 1 },
		{ "opt/dir", "/opt/dir", 0 }, { "/opt/dir", "opt/dir", 0 }, { "opt/dir/x", "opt/dir", 1 },
		{ "", "", 1 }, { "/a", "", 0 }, { "a", "", 0 }, { "", "/a", 0 }, { "", "*", 0 },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].path;
		CHECK_EQ(helper_pmatch(rows[i].path, strlen(rows[i].path), rows[i].pat, strlen(rows[i].pat)),
			 rows[i].want);
	}
}
