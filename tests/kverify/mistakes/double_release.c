/* SPDX-License-Identifier: Apache-2.0 */
/* A socket is released twice. kernel: 6.12 */
#include "mistake.h"

SEC("tc")
int find(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = { .saddr = 1, .daddr = 2, .sport = 3, .dport = 4 };
	struct bpf_sock *sk = bpf_sk_lookup_tcp(skb, &tuple, sizeof tuple, 0, 0);

	if (!sk)
		return 0;
	bpf_sk_release(sk);
#ifndef MENDED
	bpf_sk_release(sk);
#endif
	return 0;
}
LICENSE("GPL");
