/* SPDX-License-Identifier: Apache-2.0 */
/* distance: how far one word is from another: "did you mean". */
#ifndef SALLYPORT_BASE_DISTANCE_H
#define SALLYPORT_BASE_DISTANCE_H

#include <stddef.h>

enum { DISTANCE_MAX = 64 };

/* Letters to insert, delete or change (Levenshtein); DISTANCE_MAX when either word is longer than that. O(n m). */
unsigned text_distance(const char *a, size_t n, const char *b, size_t m);

#endif
