/* SPDX-License-Identifier: Apache-2.0 */
/* A field of 4 bytes is read as 8. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int both(struct __sk_buff *skb)
{
#ifdef MENDED
	u32 *both = &skb->mark;
#else
	u64 *both = (u64 *)&skb->mark;
#endif

	return *both != 0;
}
LICENSE("GPL");
