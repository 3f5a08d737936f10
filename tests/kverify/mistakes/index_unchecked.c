/* SPDX-License-Identifier: Apache-2.0 */
/* An index that comes from outside is used as it is. kernel: 6.12 */
#include "mistake.h"

u64 counters[32];

SEC("xdp")
int count(struct xdp_md *ctx)
{
	u32 queue = ctx->rx_queue_index;

#ifdef MENDED
	if (queue > 31)
		return 0;
#endif
	counters[queue]++;
	return XDP_PASS;
}
LICENSE("GPL");
