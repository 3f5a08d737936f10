/* SPDX-License-Identifier: Apache-2.0 */
/* rows: tests that register themselves, with nothing of the project's inside: what is tested is what is installed. */
#ifndef CMOCKA_ROWS_H
#define CMOCKA_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct CMUnitTest rows[64];
static size_t n_rows;

#define ROW(name_)                                                                          \
	static void name_##_body(void);                                                     \
	static void name_(void **state)                                                     \
	{                                                                                   \
		(void)state;                                                                \
		name_##_body();                                                             \
	}                                                                                   \
	__attribute__((constructor)) static void name_##_register(void)                     \
	{                                                                                   \
		rows[n_rows++] = (struct CMUnitTest){ .name = #name_, .test_func = name_ }; \
	}                                                                                   \
	static void name_##_body(void)

static int rows_run(void)
{
	return _cmocka_run_group_tests("sallyport", rows, n_rows, NULL, NULL);
}

#endif
