/* SPDX-License-Identifier: Apache-2.0 */
/* mem_rows: programs about memory, as text, with what each measured release says of them. */
#ifndef SALLYPORT_TESTS_KVERIFY_MEM_ROWS_H
#define SALLYPORT_TESTS_KVERIFY_MEM_ROWS_H

#include "calls.h"

extern const struct call_row mem_rows[];
extern const size_t n_mem_rows;

#endif
