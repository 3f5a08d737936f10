/* SPDX-License-Identifier: Apache-2.0 */
/* A field of 4 bytes is read as 8. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int both(struct __sk_buff *skb)
{
	u64 *both = (u64 *)&skb->mark;

	return *both != 0;
}
LICENSE("GPL");
