/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: cmocka with tests that register themselves and checks that print both values.
 *
 * TEST(sentence_about_behaviour) { ... CHECK_EQ(got, want); }
 * In table tests set test_row to the row's name: a failing check prints it.
 */
#ifndef SALLYPORT_TESTS_TEST_H
#define SALLYPORT_TESTS_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h> /* cmocka wants it */
#include <cmocka.h>

#include "base/base.h"

extern const char *test_row;

struct test_case {
	const char *name;
	void (*fn)(void **state);
	struct test_case *next;
};
void test_register(struct test_case *t);

#define TEST(name)                                                          \
	static void name(void **state);                                     \
	static struct test_case test_case_##name = { #name, name, NULL };   \
	__attribute__((constructor)) static void test_register_##name(void) \
	{                                                                   \
		test_register(&test_case_##name);                           \
	}                                                                   \
	static void name(void **state __attribute__((unused)))

/* Skip the rest of this test, saying why. The test counts as passed to TAP; tests/check.py counts it as skipped. */
#define SKIP(...)                                     \
	do {                                          \
		print_message("# SKIP " __VA_ARGS__); \
		print_message("\n");                  \
		test_skip();                          \
	} while (0)
_Noreturn void test_skip(void);

void test_fail_eq(const char *file, int line, const char *expr, long long got, long long want);
void test_fail_str(const char *file, int line, const char *expr, const char *got, const char *want);

#define CHECK_EQ(got, want)                                                               \
	do {                                                                              \
		long long got_ = (long long)(got), want_ = (long long)(want);             \
		if (got_ != want_)                                                        \
			test_fail_eq(__FILE__, __LINE__, #got " == " #want, got_, want_); \
	} while (0)
#define CHECK(cond) CHECK_EQ(!!(cond), 1)
#define CHECK_STR(got, want)                                                                    \
	do {                                                                                    \
		const char *got_ = (got), *want_ = (want);                                      \
		if (!got_ || strcmp(got_, want_))                                               \
			test_fail_str(__FILE__, __LINE__, #got, got_ ? got_ : "(null)", want_); \
	} while (0)
/* got contains the text want */
#define CHECK_HAS(got, want)                                                                                \
	do {                                                                                                \
		const char *got_ = (got), *want_ = (want);                                                  \
		if (!got_ || !strstr(got_, want_))                                                          \
			test_fail_str(__FILE__, __LINE__, #got " contains", got_ ? got_ : "(null)", want_); \
	} while (0)
#define CHECK_OK(expr) CHECK_EQ((expr), E_OK)

#endif
