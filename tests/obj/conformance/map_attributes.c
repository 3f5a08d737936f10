/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a definition may say besides sizes.
 *
 * load
 * map plain kind 1 key 4 value 8 entries 5 flags 1 pin 1
 * map bloom kind 30 key 0 value 4 entries 9 flags 0 extra 3
 */
#include "conf.h"

struct {
	NUMBER(type, HASH);
	TYPE(key, u32);
	TYPE(value, u64);
	NUMBER(max_entries, 5);
	NUMBER(map_flags, 1);
	NUMBER(pinning, 1);
	NUMBER(numa_node, 2);
} plain SEC(".maps");

struct {
	NUMBER(type, BLOOM_FILTER);
	NUMBER(value_size, 4);
	NUMBER(max_entries, 9);
	enum { bloom_extra = 3 } map_extra;
} bloom SEC(".maps");

SEC("conf") u64 entry(u64 *ctx)
{
	return (&plain != 0) + ctx[0];
}
