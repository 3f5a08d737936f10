/* SPDX-License-Identifier: Apache-2.0 */
/* stats: the tests that gate compares two arms with. Pure; one-sided: is the first arm higher? Small is significant. */
#ifndef SALLYPORT_RELEASE_GATE_STATS_H
#define SALLYPORT_RELEASE_GATE_STATS_H

#include "base/base.h"

/*
 * Mann-Whitney U with tie correction and continuity, normal approximation: for 8 values and more in each arm, where it
 * errs to the safe side. n + m <= 1024. 1 when all values are the same.
 */
double stats_mann_whitney(const float *a, uint32_t n, const float *b, uint32_t m);
/* Fisher's exact test: x of n against y of m. Exact for rare events, cheap for millions. x <= n, y <= m. */
double stats_shares(uint64_t x, uint64_t n, uint64_t y, uint64_t m);
double stats_median(const float *v, uint32_t n); /* n <= 512; 0 for none */
double stats_mean(const float *v, uint32_t n);
/*
 * Holm: which of n hypotheses fall at a family-wise alpha? level[i]: what p[i] is held against. n <= 16.
 */
void stats_holm(const double *p, uint32_t n, double alpha, double *level, bool *falls);

#endif
