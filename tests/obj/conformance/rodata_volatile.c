/* SPDX-License-Identifier: Apache-2.0 */
/* Constants that the host could change before loading: read, not folded. */
#include "conf.h"

const volatile u64 limit = 400;
const volatile u8 step = 3;

SEC("conf") u64 entry(u64 *ctx)
{
	return ctx[0] < limit ? limit + step * ctx[1] : 0;
}
