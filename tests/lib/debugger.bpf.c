/* SPDX-License-Identifier: Apache-2.0 */
/* What a debugger is shown: a function that calls one that calls the host, with registers kept over both. */
#include <sallyport/bpf.h>

extern u64 stop_here(u64 n);

static __attribute__((noinline)) u64 inner(u64 n)
{
	u64 sum = 0;

	for (u64 i = 0; i < (n & 3); i++)
		sum += stop_here(i + n);
	return sum;
}

SEC("test/outer") int outer(u64 *ctx)
{
	u64 n = *ctx, first = inner(n);

	return first + inner(n + 1);
}

/* Sandboxed only: the host's number is no address. */
static __attribute__((noinline)) u64 deep(u64 n)
{
	u64 *where = (u64 *)stop_here(n);

	return *where + n;
}

SEC("test/wild") int wild(u64 *ctx)
{
	return deep(*ctx) + 1;
}
