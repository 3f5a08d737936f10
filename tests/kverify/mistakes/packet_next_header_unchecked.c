/* SPDX-License-Identifier: Apache-2.0 */
/* The Ethernet header is checked, the IP header behind it is not. kernel: 6.1 */
#include "mistake.h"

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof *eth;

	if (data + sizeof *eth > end)
		return XDP_DROP;
	if (eth->proto != 8)
		return XDP_PASS;
#ifdef MENDED
	if (data + 24 > end)
		return XDP_DROP;
#endif
	return ip->protocol == 6 ? XDP_PASS : XDP_DROP;
}
LICENSE("GPL");
