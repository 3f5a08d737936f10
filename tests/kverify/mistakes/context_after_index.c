/* SPDX-License-Identifier: Apache-2.0 */
/* The context is added to, and then given to a helper. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int load(struct __sk_buff *skb)
{
	u8 byte = 0;

#ifdef MENDED
	bpf_skb_load_bytes(skb, 8, &byte, 1);
#else
	bpf_skb_load_bytes((void *)skb + 8, 0, &byte, 1);
#endif
	return byte;
}
LICENSE("GPL");
