/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps in maps in maps.
 *
 * refuse E254 is to be held by a map and to hold others
 */
#include "conf.h"

struct leaf {
	NUMBER(type, ARRAY);
	TYPE(key, u32);
	TYPE(value, u64);
	NUMBER(max_entries, 3);
};
struct middle {
	NUMBER(type, ARRAY_OF_MAPS);
	TYPE(key, u32);
	NUMBER(max_entries, 3);
	struct leaf *values[1];
};
struct {
	NUMBER(type, ARRAY_OF_MAPS);
	TYPE(key, u32);
	NUMBER(max_entries, 4);
	struct middle *values[4];
} outer SEC(".maps");

SEC("conf") u64 entry(u64 *ctx)
{
	return (&outer != 0) + ctx[0];
}
