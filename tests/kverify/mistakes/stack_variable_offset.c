/* SPDX-License-Identifier: Apache-2.0 */
/* An index into an array on the stack is never bounded. kernel: 6.12 */
#include "mistake.h"

SEC("xdp")
int pick(struct xdp_md *ctx)
{
	char name[16] = "sixteen letters";
	u32 i = ctx->rx_queue_index;

	barrier_var(i);
#ifdef MENDED
	if (i > 15)
		return 0;
#endif
	name[i] = 0;
	barrier();
	return name[3];
}
LICENSE("GPL");
