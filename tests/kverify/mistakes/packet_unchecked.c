/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is compared with data_end. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int parse(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

#ifdef MENDED
	if ((u8 *)eth + 14 > (u8 *)(long)skb->data_end)
		return 0;
#endif
	return eth->proto == 8;
}
LICENSE("GPL");
