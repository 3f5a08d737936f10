/* SPDX-License-Identifier: Apache-2.0 */
#include <sallyport/bpf.h>

static const int table[] = { 19, 23 };

static __attribute__((noinline)) int sum(const int *v, int n)
{
	int s = 0;

	for (int i = 0; i < n; i++)
		s += v[i];
	return s;
}

SEC("program") int answer(void *ctx)
{
	return sum(table, 2);
}
