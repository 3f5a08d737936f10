/* SPDX-License-Identifier: Apache-2.0 */
/* A function that calls itself. kernel: 6.1 */
#include "mistake.h"

static __noinline int depth(int n)
{
	barrier_var(n);
#ifdef MENDED
	int sum = 0;

	for (int i = 0; i < 4; i++)
		sum += n * i;
	return sum;
#else
	return n > 3 ? 0 : 1 + depth(n + 1) * n;
#endif
}

SEC("tc")
int count(struct __sk_buff *skb)
{
	return depth((int)skb->mark);
}
LICENSE("GPL");
