/* SPDX-License-Identifier: Apache-2.0 */
/* An index is added to the context pointer. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int pick(struct __sk_buff *skb)
{
	u32 i = skb->queue_mapping & 3;

#ifdef MENDED
	u32 first = skb->cb[0], second = skb->cb[1];

	barrier_var(first);
	return i == 0 ? first : second;
#else
	return skb->cb[i];
#endif
}
LICENSE("GPL");
