/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of cgroup/connect4 return 0 or 1. kernel: 6.12 */
#include "mistake.h"

SEC("cgroup/connect4")
int connect(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port == 0x5000)
#ifdef MENDED
		return 0;
#else
		return -1;
#endif
	return 1;
}
LICENSE("GPL");
