/* SPDX-License-Identifier: Apache-2.0 */
/* The Ethernet header is 14 bytes long, 13 are checked. kernel: 6.12 */
#include "mistake.h"

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (data + sizeof *eth - 1 > end)
		return XDP_DROP;
#ifdef MENDED
	if (data + 14 > end)
		return XDP_DROP;
#endif
	if (eth->proto == 8)
		return XDP_PASS;
	return XDP_DROP;
}
LICENSE("GPL");
