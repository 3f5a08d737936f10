/* SPDX-License-Identifier: Apache-2.0 */
/* Half of a pointer is kept on the stack. kernel: 6.12 */
#include "mistake.h"

SEC("xdp")
__attribute__((naked)) int halves(struct xdp_md *ctx)
{
	__asm__ volatile("*(u64 *)(r10 - 8) = r1\n"
#ifdef MENDED
			 "r2 = *(u64 *)(r10 - 8)\n"
#else
			 "r2 = *(u32 *)(r10 - 8)\n"
#endif
			 "r0 = *(u32 *)(r2 + 0)\n"
			 "exit\n");
}
LICENSE("GPL");
