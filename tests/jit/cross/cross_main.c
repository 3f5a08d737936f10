/* SPDX-License-Identifier: Apache-2.0 */
/* cross_main: test_main.c without cmocka: runs every test that registered itself, and prints TAP. */
#include "test.h"

static struct test_case *first, **last = &first;
const char *test_row;
static jmp_buf ended;
enum { FAILED = 1, SKIPPED };

void test_register(struct test_case *t)
{
	*last = t;
	last = &t->next;
}

static void where(const char *file, int line)
{
	printf("# %s:%d: ", file, line);
	if (test_row)
		printf("[%s] ", test_row);
}

void test_fail_eq(const char *file, int line, const char *expr, long long got, long long want)
{
	where(file, line);
	printf("%s: got %lld, want %lld\n", expr, got, want);
	longjmp(ended, FAILED);
}

void test_fail_str(const char *file, int line, const char *expr, const char *got, const char *want)
{
	where(file, line);
	printf("%s: got: %s; want: %s\n", expr, got, want);
	longjmp(ended, FAILED);
}

_Noreturn void test_skip(void)
{
	longjmp(ended, SKIPPED);
}

int main(int argc, char **argv)
{
	static unsigned n, failed; /* static: they must be whole after longjmp */
	static struct test_case *t;

	for (t = first; t; t = t->next) {
		if (argc > 1 && !strstr(t->name, argv[1]))
			continue;
		test_row = NULL;
		switch (setjmp(ended)) {
		case 0:
			t->fn(NULL);
			printf("ok %u - %s\n", ++n, t->name);
			break;
		case SKIPPED:
			printf("ok %u - %s # SKIP\n", ++n, t->name);
			break;
		default:
			printf("not ok %u - %s\n", ++n, t->name);
			failed++;
		}
		(void)fflush(stdout);
	}
	printf("1..%u\n", n);
	return failed > 0;
}
