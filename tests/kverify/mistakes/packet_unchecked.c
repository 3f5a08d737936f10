/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is compared with data_end. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int parse(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;

	return eth->proto == 8;
}
LICENSE("GPL");
