/* SPDX-License-Identifier: Apache-2.0 */
/* What is const is in a map that cannot be written. kernel: 6.12 */
#include "mistake.h"

#ifdef MENDED
static volatile u32 limit = 7;
#else
static const volatile u32 limit = 7;
#endif

SEC("xdp")
int raise(struct xdp_md *ctx)
{
	*(volatile u32 *)&limit = ctx->rx_queue_index;
	return XDP_PASS;
}
LICENSE("GPL");
