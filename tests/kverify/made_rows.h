/* SPDX-License-Identifier: Apache-2.0 */
/* made_rows: see made_rows.c. */
#ifndef SALLYPORT_TESTS_KVERIFY_MADE_ROWS_H
#define SALLYPORT_TESTS_KVERIFY_MADE_ROWS_H

#include "engine/kernel/kernel.h"

struct made_row {
	uint32_t type;     /* KPROG_* */
	const char *value; /* NULL: it has no map */
	const char *text;
};
extern const struct made_row made_rows[];
extern const size_t n_made_rows;
extern const char *const made_kfuncs[];
extern const size_t n_made_kfuncs;
enum { MADE_KFUNC = 9000, MADE_NODE = 9900 };

#endif
