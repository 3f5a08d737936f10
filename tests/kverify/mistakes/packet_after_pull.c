/* SPDX-License-Identifier: Apache-2.0 */
/* A helper that may move the packet makes pointers into it useless. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int parse(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data;
	u8 *end = (void *)(long)skb->data_end;

	if (data + 14 > end)
		return 0;
	bpf_skb_pull_data(skb, 64);
#ifdef MENDED
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (data + 14 > end)
		return 0;
#endif
	return data[12];
}
LICENSE("GPL");
