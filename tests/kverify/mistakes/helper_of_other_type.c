/* SPDX-License-Identifier: Apache-2.0 */
/* A helper for socket buffers in an XDP program. kernel: 6.12 */
#include "mistake.h"

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	u16 proto = 0;

#ifndef MENDED
	bpf_skb_load_bytes(ctx, 12, &proto, sizeof proto);
#endif
	return proto ? XDP_PASS : XDP_DROP;
}
LICENSE("GPL");
