/* SPDX-License-Identifier: Apache-2.0 */
/* What a helper gave is returned as it is. kernel: 6.12 */
#include "mistake.h"

SEC("cgroup/connect4")
int connect(struct bpf_sock_addr *ctx)
{
#ifdef MENDED
	return bpf_get_prandom_u32() != 0;
#else
	return bpf_get_prandom_u32();
#endif
}
LICENSE("GPL");
