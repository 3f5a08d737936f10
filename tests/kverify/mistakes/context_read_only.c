/* SPDX-License-Identifier: Apache-2.0 */
/* A field of the context that programs may only read is written. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int cut(struct __sk_buff *skb)
{
#ifndef MENDED
	skb->len = 0;
#endif
	return 0;
}
LICENSE("GPL");
