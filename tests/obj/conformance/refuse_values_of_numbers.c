/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map that is to hold numbers.
 *
 * refuse E267 'values' holds neither maps nor functions
 */
#include "conf.h"

struct {
	NUMBER(type, ARRAY_OF_MAPS);
	TYPE(key, u32);
	NUMBER(max_entries, 4);
	u64 *values[4];
} outer SEC(".maps");

SEC("conf") u64 entry(u64 *ctx)
{
	return (&outer != 0) + ctx[0];
}
