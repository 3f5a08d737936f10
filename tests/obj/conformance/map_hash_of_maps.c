/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash of maps that begins empty; what it may hold is defined inside of it.
 *
 * load
 * map outer kind 13 key 8 value 4 entries 100 flags 1 inner (kind 1 key 4 value 16 entries 7 flags 0)
 */
#include "conf.h"

struct {
	NUMBER(type, HASH_OF_MAPS);
	TYPE(key, u64);
	NUMBER(max_entries, 100);
	NUMBER(map_flags, 1);
	struct {
		NUMBER(type, HASH);
		TYPE(key, u32);
		NUMBER(value_size, 16);
		NUMBER(max_entries, 7);
	} * values[];
} outer SEC(".maps");

SEC("conf") u64 entry(u64 *ctx)
{
	return (&outer != 0) + ctx[0];
}
