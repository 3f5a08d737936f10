/* SPDX-License-Identifier: Apache-2.0 */
/* An index is added to the context pointer. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int pick(struct __sk_buff *skb)
{
	u32 i = skb->queue_mapping & 3;

	return skb->cb[i];
}
LICENSE("GPL");
