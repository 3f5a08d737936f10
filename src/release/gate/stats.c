/* SPDX-License-Identifier: Apache-2.0 */
#include "release/gate/stats.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_ARM = 512, MAX_TESTS = 16 };

struct ranked {
	float value;
	bool first; /* of arm a */
};

static int by_value(const void *x, const void *y)
{
	float a = ((const struct ranked *)x)->value, b = ((const struct ranked *)y)->value;

	return (a > b) - (a < b);
}

/* Sum of the ranks of arm a; *ties: the sum of t^3 - t over groups of equal values. */
static double rank_sum(const struct ranked *r, uint32_t n, double *ties)
{
	double sum = 0;
	uint32_t end;

	*ties = 0;
	for (uint32_t i = 0; i < n; i = end) {
		double t;

		for (end = i + 1; end < n && !(r[end].value > r[i].value); end++)
			;
		t = end - i;
		*ties += t * t * t - t;
		for (uint32_t k = i; k < end; k++)
			sum += r[k].first ? (i + 1 + end) / 2.0 : 0;
	}
	return sum;
}

double stats_mann_whitney(const float *a, uint32_t n, const float *b, uint32_t m)
{
	struct ranked r[2 * MAX_ARM];
	uint32_t all = n + m;
	double u, ties, variance;

	assert(n <= MAX_ARM && m <= MAX_ARM);
	if (!n || !m)
		return 1;
	for (uint32_t i = 0; i < all; i++)
		r[i] = i < n ? (struct ranked){ a[i], true } : (struct ranked){ b[i - n], false };
	qsort(r, all, sizeof r[0], by_value);
	u = rank_sum(r, all, &ties) - (double)n * (n + 1) / 2;
	variance = (double)n * m / 12 * (all + 1 - ties / ((double)all * (all - 1)));
	if (!(variance > 0))
		return 1;
	return 0.5 * erfc((u - (double)n * m / 2 - 0.5) / sqrt(2 * variance));
}

static double ln_choose(uint64_t n, uint64_t k)
{
	int sign;

	return lgamma_r((double)n + 1, &sign) - lgamma_r((double)k + 1, &sign) - lgamma_r((double)(n - k) + 1, &sign);
}

/* The hypergeometric tail: of the x + y that are so, at least x in the first arm. Each term from the one before. */
double stats_shares(uint64_t x, uint64_t n, uint64_t y, uint64_t m)
{
	uint64_t k = x + y, most = k < n ? k : n;
	double term, sum;

	assert(x <= n && y <= m);
	if (!n || !m || !x)
		return 1;
	if ((double)x * (double)m <= (double)y * (double)n)
		return 1; /* not higher: never small, and the tail would be long */
	term = exp(ln_choose(n, x) + ln_choose(m, y) - ln_choose(n + m, k));
	sum = term;
	for (uint64_t i = x; i < most && term > sum * 1e-15; i++) {
		/* i + 1 in the first arm, k - i - 1 in the second */
		term *= (double)(n - i) / (double)(i + 1) * (double)(k - i) / (double)(m - k + i + 1);
		sum += term;
	}
	return sum < 1 ? sum : 1;
}

static int by_size(const void *x, const void *y)
{
	float a = *(const float *)x, b = *(const float *)y;

	return (a > b) - (a < b);
}

double stats_median(const float *v, uint32_t n)
{
	float sorted[MAX_ARM];

	assert(n <= MAX_ARM);
	if (!n)
		return 0;
	memcpy(sorted, v, n * sizeof v[0]);
	qsort(sorted, n, sizeof sorted[0], by_size);
	return ((double)sorted[(n - 1) / 2] + (double)sorted[n / 2]) / 2;
}

double stats_mean(const float *v, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += (double)v[i];
	return n ? sum / n : 0;
}

void stats_holm(const double *p, uint32_t n, double alpha, double *level, bool *falls)
{
	bool done[MAX_TESTS] = { false };
	bool so_far = true;

	assert(n <= MAX_TESTS);
	for (uint32_t step = 0; step < n; step++) {
		uint32_t least = n;

		for (uint32_t i = 0; i < n; i++)
			if (!done[i] && (least == n || p[i] < p[least]))
				least = i;
		done[least] = true;
		level[least] = alpha / (n - step);
		so_far = so_far && p[least] <= level[least];
		falls[least] = so_far;
	}
}
