/* SPDX-License-Identifier: Apache-2.0 */
/* test_main: runs every test that registered itself in this executable, or those that its argument names; --list. */
#include "test.h"

static struct test_case *first, **last = &first;
const char *test_row;

void test_register(struct test_case *t)
{
	*last = t;
	last = &t->next;
}

static void where(const char *file, int line)
{
	print_error("%s:%d: ", file, line);
	if (test_row)
		print_error("[%s] ", test_row);
}

void test_fail_eq(const char *file, int line, const char *expr, long long got, long long want)
{
	where(file, line);
	print_error("%s: got %lld (%s), want %lld (%s)\n", expr, got, err_name((enum err)got), want,
		    err_name((enum err)want));
	_fail(file, line);
}

void test_fail_str(const char *file, int line, const char *expr, const char *got, const char *want)
{
	where(file, line);
	print_error("%s:\n   got: %s\n  want: %s\n", expr, got, want);
	_fail(file, line);
}

/* cmocka's own skip() prints "not ok", which TAP readers take for a failure. */
static jmp_buf skipped;

_Noreturn void test_skip(void)
{
	longjmp(skipped, 1);
}

static void run(void **state)
{
	const struct test_case *t = *state;

	if (!setjmp(skipped))
		t->fn(state);
}

static int reset(void **state)
{
	(void)state;
	test_row = NULL;
	return 0;
}

/* No word: all. =NAME: that one. Else those that have it in their names. */
static bool is_wanted(const char *name, const char *word)
{
	return !word || (word[0] == '=' ? !strcmp(name, word + 1) : strstr(name, word) != NULL);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	struct CMUnitTest tests[512];
	size_t n = 0;

	if (word && !strcmp(word, "--list")) {
		for (struct test_case *t = first; t; t = t->next)
			puts(t->name);
		return 0;
	}
	for (struct test_case *t = first; t && n < countof(tests); t = t->next)
		if (is_wanted(t->name, word))
			tests[n++] = (struct CMUnitTest){
				.name = t->name, .test_func = run, .setup_func = reset, .initial_state = t
			};
	return _cmocka_run_group_tests("sallyport", tests, n, NULL, NULL);
}
