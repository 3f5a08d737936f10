/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More maps than are read.
 *
 * refuse E256
 */
#include "conf.h"

#ifdef __bpf__
#define ONE(n) MAP(m_##n, ARRAY, u32, u32, 1);
#else
#define ONE(n) int m_##n;
#endif
#define FOUR(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3)
#define MANY(n) FOUR(n##0) FOUR(n##1) FOUR(n##2) FOUR(n##3)
#define MORE(n) MANY(n##0) MANY(n##1) MANY(n##2) MANY(n##3)
MORE(a)
MORE(b)
MORE(c)
MORE(d)
ONE(last);

SEC("conf") u64 entry(u64 *ctx)
{
	return (&m_last != 0) + ctx[0];
}
