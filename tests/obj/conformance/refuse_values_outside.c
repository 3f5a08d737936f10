/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map that is to hold more than it has entries.
 *
 * refuse E268 is about no value of a map
 */
#include "conf.h"

struct inner {
	NUMBER(type, ARRAY);
	TYPE(key, u32);
	TYPE(value, u64);
	NUMBER(max_entries, 3);
};
struct inner inner SEC(".maps");
struct {
	NUMBER(type, ARRAY_OF_MAPS);
	TYPE(key, u32);
	NUMBER(max_entries, 2);
	struct inner *values[4];
} outer SEC(".maps") = { .values = { [2] = &inner } };

SEC("conf") u64 entry(u64 *ctx)
{
	return (&outer != 0) + ctx[0];
}
