/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps as they were defined before types were.
 *
 * refuse E266 in the way of before BTF
 */
#include "conf.h"

struct {
	u32 type, key_size, value_size, max_entries;
} old SEC("maps") = { 2, 4, 8, 1 };

SEC("conf") u64 entry(u64 *ctx)
{
	return (&old != 0) + ctx[0];
}
