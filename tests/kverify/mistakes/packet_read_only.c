/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to the packet from a program type that may only read it. kernel: 6.12 */
#include "mistake.h"

SEC("cgroup_skb/ingress")
int clear(struct __sk_buff *skb)
{
	u8 *data = (void *)(long)skb->data;
	u8 *end = (void *)(long)skb->data_end;

	if (data + 1 > end)
		return 1;
#ifndef MENDED
	*data = 0;
#endif
	return 1;
}
LICENSE("GPL");
