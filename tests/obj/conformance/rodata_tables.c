/* SPDX-License-Identifier: Apache-2.0 */
/* Several tables in one section: each at its own offset. */
#include "conf.h"

static const u8 bytes[5] = { 1, 2, 3, 4, 5 };
static const u16 halves[3] = { 1000, 2000, 3000 };
const u64 words[4] = { 1ull << 40, 2ull << 40, 3ull << 40, 4ull << 40 };

SEC("conf") u64 entry(u64 *ctx)
{
	return bytes[ctx[0] % 5] + halves[ctx[1] % 3] + words[ctx[2] & 3];
}
