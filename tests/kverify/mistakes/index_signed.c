/* SPDX-License-Identifier: Apache-2.0 */
/* A signed index has an upper bound and no lower one. kernel: 6.12 */
#include "mistake.h"

u64 counters[32];

SEC("xdp")
int count(struct xdp_md *ctx)
{
	int slot = (int)ctx->rx_queue_index - 1;

#ifdef MENDED
	if (slot < 0 || slot > 31)
#else
	if (slot > 31)
#endif
		return XDP_PASS;
	counters[slot]++;
	return XDP_PASS;
}
LICENSE("GPL");
