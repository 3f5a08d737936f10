/* SPDX-License-Identifier: Apache-2.0 */
/* The header's length is added to the pointer after the check, so that what was checked is another pointer.
 * kernel: 6.12 */
#include "mistake.h"

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	u8 *data = (void *)(long)ctx->data;
	u8 *end = (void *)(long)ctx->data_end;
	u32 header;
	u8 *payload;

	if (data + 20 > end)
		return XDP_DROP;
	header = (data[0] & 15) * 4;
	payload = data + header;
#ifdef MENDED
	if (payload + 9 > end)
		return XDP_DROP;
#endif
	return payload[8] ? XDP_PASS : XDP_DROP;
}
LICENSE("GPL");
