/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka: of it, what tests/test.h needs, for a machine that has no cmocka (cross_main.c). */
#ifndef SALLYPORT_TESTS_JIT_CROSS_CMOCKA_H
#define SALLYPORT_TESTS_JIT_CROSS_CMOCKA_H

#include <stdio.h>

#define print_message(...) printf(__VA_ARGS__)

#endif
