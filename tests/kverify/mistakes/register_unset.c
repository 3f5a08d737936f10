/* SPDX-License-Identifier: Apache-2.0 */
/* Assembly that counts on r1 after a call. kernel: 6.12 */
#include "mistake.h"

SEC("xdp")
__attribute__((naked)) int twice(struct xdp_md *ctx)
{
	__asm__ volatile("r6 = r1\n"
			 "call 5\n"
#ifdef MENDED
			 "r1 = r6\n"
#endif
			 "r0 = *(u32 *)(r1 + 0)\n"
			 "exit\n");
}
LICENSE("GPL");
