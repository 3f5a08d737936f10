/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An array of maps that begins with two of them in it.
 *
 * load
 * map in_a kind 2 key 4 value 8 entries 3 flags 0
 * map in_b kind 2 key 4 value 8 entries 3 flags 0
 * map outer kind 12 key 4 value 4 entries 4 flags 0 inner (kind 2 key 4 value 8 entries 3 flags 0) holds 0:in_b 3:in_a
 */
#include "conf.h"

struct inner {
	NUMBER(type, ARRAY);
	TYPE(key, u32);
	TYPE(value, u64);
	NUMBER(max_entries, 3);
};
struct inner in_a SEC(".maps"), in_b SEC(".maps");
struct {
	NUMBER(type, ARRAY_OF_MAPS);
	TYPE(key, u32);
	NUMBER(max_entries, 4);
	struct inner *values[4];
} outer SEC(".maps") = { .values = { [0] = &in_b, [3] = &in_a } };

SEC("conf") u64 entry(u64 *ctx)
{
	return (&outer != 0) + ctx[0];
}
