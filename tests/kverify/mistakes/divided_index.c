/* SPDX-License-Identifier: Apache-2.0 */
/* The bound is on the number of bytes, the index counts words. kernel: 6.12 */
#include "mistake.h"

u32 table[16];

SEC("xdp")
int pick(struct xdp_md *ctx)
{
	u32 i = ctx->rx_queue_index;

#ifdef MENDED
	if (i > 15)
#else
	if (i >= sizeof table)
#endif
		return XDP_PASS;
	return table[i];
}
LICENSE("GPL");
