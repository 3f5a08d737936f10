/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: a table, regexec(3) as a second opinion on random ones, and hostile packed bytes. */
#include <regex.h>

#include "engine/helpers/helpers.h"

#include "test.h"

static int64_t ask(const void *packed, size_t bytes, const char *s, size_t len)
{
	struct helper_value v = { .kind = HELPER_VALUE_STR, .len = (uint32_t)len, .p = s };
	struct helper_env env = { .values = &v, .n_values = 1 };
	uint64_t args[ABI_MAX_ARGS] = { 1, (uint64_t)(uintptr_t)packed, bytes };

	return (int64_t)helper_call(helper_lookup(ABI_HELPER_str_regex), &env, args);
}

static enum err pack(const char *text, struct buf *out, struct helper_regex_error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, 4 << 20);
	buf_init(out, 1 << 20);
	err = helper_pack_regex(text, strlen(text), &a, out, e);
	arena_done(&a);
	return err;
}

TEST(the_whole_string_must_match)
{
	static const struct {
		const char *regex, *yes, *no; /* separated by one space; "-" is the empty string */
	} rows[] = {
		{ "abc", "abc", "ab abcd xabc - ABC" },
		{ "", "-", "a" },
		{ "a|b|", "a b -", "c ab" },
		{ "a|bc", "a bc", "ac abc" },
		{ "a*", "- a aaa", "b ab" },
		{ "a+b?", "a aab", "- b abb" },
		{ "(ab)*c", "c abc ababc", "ac abab" },
		{ "a{2}", "aa", "a aaa" },
		{ "a{2,}", "aa aaaa", "a" },
		{ "a{1,3}b", "ab aaab", "b aaaab" },
		{ "(a|b{0}){2}", "- a aa", "b aaa" },
		{ "a{,2}", "a{,2}", "aa" },
		{ "x{", "x{", "x" },
		{ "[a-c]x", "ax cx", "dx x" },
		{ "[^a-c]", "d -", "" },
		{ "[]a]+", "] a]a", "b -" },
		{ "[a-]", "a -", "" },
		{ "[^]]", "a", "]" },
		{ "[\\]\\d]+", "1]2", "a" },
		{ "[[:alpha:]_][[:^digit:]]", "ax _-", "a1 1x" },
		{ "\\d+\\.\\d+", "1.25 0.0", "1x2 1. a.b" },
		{ "\\w+\\W\\w+", "a-b", "a_b a" },
		{ "\\S+", "abc", "-" },
		{ "\\x41\\/", "A/", "a/" },
		{ ".*/(bash|zsh)", "/bin/bash /zsh", "/bin/bashx bash" },
		{ "^abc$", "abc", "abcd" },
		{ "(^a|b)c", "ac bc", "c" },
		{ "a^b|a$b", "", "ab a^b a$b" },
		{ "(^)*a($)+", "a", "aa" },
		{ "a|b^|$c", "a", "b c bc" },
		{ "^$", "-", "a" },
		{ "(a*)*", "- aaaa", "b" },
		{ "a**b*?", "- aab b", "c" },
		{ "((a|b)(c|d)){2}", "acbd adad", "ac acb" },
		{ "é+x", "éx ééx", "x é" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct helper_regex_error e = { 0 };
		struct buf b;

		test_row = rows[i].regex;
		if (pack(rows[i].regex, &b, &e))
			fail_msg("%s: %s", rows[i].regex, e.text);
		for (unsigned k = 0; k < 2; k++) {
			const char *s = k ? rows[i].no : rows[i].yes;

			for (size_t n; *s; s += n + (s[n] == ' ')) {
				bool dash = s[0] == '-' && !strchr(rows[i].regex, '-');

				n = strcspn(s, " ");
				if (ask(b.p, b.len, s, n == 1 && dash ? 0 : n) != !k)
					fail_msg("'%s' on '%.*s' is not %d", rows[i].regex, (int)n, s, !k);
			}
		}
		buf_done(&b);
	}
}

TEST(a_dot_is_any_byte_but_a_newline)
{
	struct helper_regex_error e;
	struct buf b;

	CHECK_OK(pack(".", &b, &e));
	for (unsigned c = 0; c < 256; c++)
		CHECK_EQ(ask(b.p, b.len, (char[]){ (char)c }, 1), c != '\n');
	buf_done(&b);
}

TEST(a_bad_expression_is_refused_where_it_is_bad)
{
	static const struct {
		const char *regex, *says;
		uint32_t at;
	} rows[] = {
		{ "a(b", "no ')'", 1 },
		{ "ab)", "no '('", 2 },
		{ "a|*b", "nothing to repeat", 2 },
		{ "(?:a)", "nothing to repeat", 1 },
		{ "a[bc", "no ']'", 1 },
		{ "[b-a]", "before it begins", 1 },
		{ "[a-c-e]", "first, last", 4 },
		{ "[[:alpa:]]", "no class", 1 },
		{ "[[:alpha]", "[:name:]", 1 },
		{ "[\xc3\xa9]", "ASCII only", 1 },
		{ "ab\\", "backslash", 2 },
		{ "a\\b", "no escape", 1 },
		{ "(a)\\1", "no escape", 3 },
		{ "a{2,1}", "wrong order", 1 },
		{ "a{256}", "at most 255", 1 },
		{ "a{99999999}", "at most 255", 1 },
		{ "a{3,65535}", "at most 255", 1 },
		{ "(a{20}){20}", "too large", 0 },
		{ "((((((){255}){255}){255}){255}){255})", "too large", 0 },
		{ "a*****************", "in a row", 17 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct helper_regex_error e = { 0 };
		struct buf b;
		enum err err = pack(rows[i].regex, &b, &e);

		test_row = rows[i].regex;
		CHECK_EQ(err, E_REJECTED);
		CHECK_HAS(e.text, rows[i].says);
		CHECK_EQ(e.at, rows[i].at);
		buf_done(&b);
	}
}

TEST(expressions_at_the_limit_work_and_beyond_it_are_refused)
{
	char text[300], s[300];
	struct helper_regex_error e;
	struct buf b;

	memset(text, '(', sizeof text);
	text[299] = 0;
	CHECK_EQ(pack(text, &b, &e), E_REJECTED);
	CHECK_HAS(e.text, "too deep");
	buf_done(&b);
	memset(text, 'a', sizeof text);
	memset(s, 'a', sizeof s);
	text[257] = 0;
	CHECK_EQ(pack(text, &b, &e), E_REJECTED);
	buf_done(&b);
	text[256] = 0;
	CHECK_OK(pack(text, &b, &e));
	CHECK_EQ(ask(b.p, b.len, s, 256), 1);
	CHECK_EQ(ask(b.p, b.len, s, 255), 0);
	CHECK_EQ(ask(b.p, b.len, s, 257), 0);
	buf_done(&b);
}

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* What both syntaxes mean the same by. */
static void random_regex(struct buf *b, unsigned depth)
{
	static const char *const atoms[] = {
		"a", "b",    "c", ".", "[ab]", "[^a]", "[b-d]", "\\.", "[[:alpha:]]", "[^[:digit:]]", "[1[:upper:]]",
		"1", "[]a]", "A"
	};
	static const char *const repeats[] = { "*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}" };

	for (uint32_t i = 0, n = 1 + below(3); i < n; i++) {
		if (depth && below(3) == 0) {
			buf_putc(b, '(');
			random_regex(b, depth - 1);
			while (below(2)) {
				buf_putc(b, '|');
				random_regex(b, depth - 1);
			}
			buf_putc(b, ')');
		} else {
			buf_puts(b, atoms[below(countof(atoms))]);
		}
		if (below(3) == 0)
			buf_puts(b, repeats[below(countof(repeats))]);
	}
}

TEST(random_expressions_answer_as_regexec_does)
{
	static const char alphabet[] = "aabbcd1A.]";
	unsigned n_yes = 0, n_runs = 0;

	seed = 20260102;
	for (unsigned round = 0; round < 1500; round++) {
		struct helper_regex_error e;
		struct buf text, b;
		char anchored[512];
		regex_t want;

		buf_init(&text, 1 << 10);
		random_regex(&text, 2);
		if (text.full || text.len > 100) {
			buf_done(&text);
			continue;
		}
		if (pack(text.p, &b, &e)) {
			CHECK_HAS(e.text, "too large");
			buf_done(&b);
			buf_done(&text);
			continue;
		}
		(void)snprintf(anchored, sizeof anchored, "^(%s)$", text.p);
		CHECK_EQ(regcomp(&want, anchored, REG_EXTENDED | REG_NOSUB), 0);
		test_row = text.p;
		for (unsigned k = 0; k < 40; k++) {
			char s[12];
			uint32_t len = below(sizeof s);
			bool yes;

			for (uint32_t i = 0; i < len; i++)
				s[i] = alphabet[below(sizeof alphabet - 1)];
			s[len] = 0;
			yes = !regexec(&want, s, 0, NULL, 0);
			if (ask(b.p, b.len, s, len) != yes)
				fail_msg("'%s' on '%s': not %d", text.p, s, yes);
			n_yes += yes;
			n_runs++;
		}
		regfree(&want);
		buf_done(&b);
		buf_done(&text);
	}
	CHECK(n_runs > 20000 && n_yes > n_runs / 50);
}

TEST(a_sample_of_an_expression_matches_it)
{
	unsigned n = 0;

	seed = 11;
	for (unsigned round = 0; round < 2000; round++) {
		struct buf text, b;
		struct helper_regex_error e;

		buf_init(&text, 4096);
		random_regex(&text, 2);
		if (pack(text.p, &b, &e)) { /* too large */
			buf_done(&b);
			buf_done(&text);
			continue;
		}
		for (uint32_t variant = 0; variant < 4; variant++) {
			struct arena a;
			struct buf s;

			arena_init(&a, 4 << 20);
			buf_init(&s, 4096);
			CHECK_OK(helper_regex_sample(text.p, text.len, variant, &a, &s));
			if (ask(b.p, b.len, s.p ? s.p : "", s.len) != 1)
				fail_msg("'%s' does not match '%s'", text.p, s.p ? s.p : "");
			n++;
			buf_done(&s);
			arena_done(&a);
		}
		buf_done(&b);
		buf_done(&text);
	}
	CHECK(n > 7000);
}

TEST(a_sample_stays_within_its_buffer_and_is_of_an_expression)
{
	struct arena a;
	struct buf s;

	arena_init(&a, 4 << 20);
	buf_init(&s, 64);
	CHECK_EQ(helper_regex_sample("((a{255}){255}){255}", 20, 0, &a, &s), E_LIMIT);
	buf_done(&s);
	buf_init(&s, 64);
	CHECK_EQ(helper_regex_sample("((^{255}){255}){255}", 20, 0, &a, &s), E_LIMIT); /* long about nothing */
	CHECK_EQ(helper_regex_sample("(a", 2, 0, &a, &s), E_REJECTED);
	buf_done(&s);
	arena_done(&a);
}

/* Whatever the bytes, the matcher stays inside them: each is its own heap block, so that ASan sees one byte more. */
TEST(hostile_bytes_answer_something_and_are_never_left)
{
	static const char *const from[] = { "a(b|c)*d", "[^a]{65}x", "(a|b){0,100}.*", "" };

	seed = 7;
	for (unsigned round = 0; round < 20000; round++) {
		struct helper_regex_error e;
		struct buf b;
		uint8_t *exact;
		size_t len;
		char s[16];
		int64_t r;

		CHECK_OK(pack(from[below(countof(from))], &b, &e));
		len = below(4) ? b.len : below((uint32_t)b.len + 1);
		exact = malloc(len + !len);
		memcpy(exact, b.p, len);
		for (uint32_t k = below(8); k && len; k--)
			exact[below(3) ? below((uint32_t)len) : below(len < 24 ? (uint32_t)len : 24)] =
				(uint8_t)below(below(2) ? 256 : 8);
		for (size_t i = below(8) ? len : 8 + below(8); i < len;
		     i++) /* every position, those that are not there too */
			if (i < 24 || i >= 24 + 256)
				exact[i] = 0xff;
		for (size_t i = 0; i < sizeof s; i++)
			s[i] = (char)("abcdx"[below(5)]);
		r = ask(exact, len, s, below(sizeof s));
		CHECK(r == 0 || r == 1);
		if (len != b.len && len < 8)
			CHECK_EQ(r, 0);
		free(exact);
		buf_done(&b);
	}
}

TEST(a_program_of_another_size_than_it_says_answers_no)
{
	struct helper_regex_error e;
	struct buf b;

	CHECK_OK(pack(".*", &b, &e));
	CHECK_EQ(ask(b.p, b.len, "a", 1), 1);
	for (size_t cut = 0; cut < b.len; cut++)
		CHECK_EQ(ask(b.p, cut, "a", 1), 0);
	CHECK_EQ(ask(b.p, b.len + 1, "a", 1), 0);
	buf_done(&b);
}
