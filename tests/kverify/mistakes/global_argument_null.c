/* SPDX-License-Identifier: Apache-2.0 */
/* A global function is verified for itself: its pointer may be NULL. kernel: 6.1 */
#include "mistake.h"

struct key {
	u32 saddr, daddr;
};

__noinline int hash(struct key *key)
{
#ifdef MENDED
	if (!key)
		return 0;
#endif
	return (int)(key->saddr ^ key->daddr);
}

SEC("tc")
int pick(struct __sk_buff *skb)
{
	struct key key = { .saddr = skb->hash, .daddr = 7 };

	return hash(&key) & 1;
}
LICENSE("GPL");
