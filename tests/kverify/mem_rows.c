/* SPDX-License-Identifier: Apache-2.0 */
/* mem_rows: programs about memory, as text, with what each measured release says of them. See calls.h. */
#include "mem_rows.h"

// clang-format off

#define ALL(id) { id, id, id, id, id }
#define RETURN_0 "r0 = 0\nexit\n"
#define ARRAY ".map m, array, 4, 64, 1\n"
#define FROZEN ".map m, array, 4, 8, 1, 128\n.bytes m, f0 ff ff ff ff ff ff ff\n"
#define HASH ".map m, hash, 4, 64, 8\n"
#define VALUE "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = m ll\ncall 1\nif r0 == 0 goto out\n"
#define NUMBER "call 7\n" /* get_prandom_u32 */
#define PACKET "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\n"
#define HOLDS(n) "r4 = r2\nr4 += " n "\nif r4 > r3 goto out\n"
#define OUT "out:\n" RETURN_0
#define HASH_KEY ".map h, hash, 4, 8, 8\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\n"

const struct call_row mem_rows[] = {
	/* which pointers */
	{ "a load through a number", KPROG_XDP, "r1 = 8\nr0 = *(u64 *)(r1 + 0)\nexit\n", ALL(301) },
	{ "a load from a value that may be NULL, which a constant key of an array is not", KPROG_XDP, ARRAY "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = m ll\ncall 1\nr0 = *(u64 *)(r0 + 0)\nexit\n", { 301, 301, 301, 0, 0 } },
	{ "a load from the end of the packet", KPROG_XDP, PACKET "r0 = *(u8 *)(r3 + 0)\nexit\n", ALL(301) },
	{ "an instruction for the context and for the stack", KPROG_XDP,
	  "*(u64 *)(r10 - 8) = 0\nr6 = r1\n" NUMBER "r1 = r6\nif r0 == 0 goto +2\nr1 = r10\nr1 += -8\nr0 = *(u32 *)(r1 + 0)\n" RETURN_0, ALL(303) },
	{ "an instruction for a value and for the stack", KPROG_XDP,
	  ARRAY VALUE "*(u64 *)(r10 - 16) = 0\nr6 = r0\n" NUMBER "if r0 == 0 goto +2\nr6 = r10\nr6 += -16\nr0 = *(u32 *)(r6 + 0)\n" OUT, ALL(0) },

	/* alignment */
	{ "an access to the stack that is not aligned", KPROG_XDP, "*(u32 *)(r10 - 6) = 0\n" RETURN_0, ALL(302) },
	{ "an access to a value that is not aligned", KPROG_XDP, ARRAY VALUE "*(u32 *)(r0 + 3) = 0\n" OUT, ALL(0) },
	{ "an atomic operation that is not aligned", KPROG_XDP, ARRAY VALUE "r1 = 1\nlock *(u32 *)(r0 + 2) += w1\n" OUT, ALL(302) },

	/* the stack */
	{ "a store below the stack", KPROG_XDP, "*(u64 *)(r10 - 520) = 0\n" RETURN_0, ALL(320) },
	{ "a store above the stack", KPROG_XDP, "*(u64 *)(r10 + 0) = 0\n" RETURN_0, ALL(320) },
	{ "a load of what was never written", KPROG_XDP, "r0 = *(u64 *)(r10 - 8)\n" RETURN_0, { 320, 0, 0, 0, 0 } },
	{ "a load of what was never written, above what was", KPROG_XDP, "*(u64 *)(r10 - 16) = 0\nr0 = *(u64 *)(r10 - 8)\n" RETURN_0, ALL(0) },
	{ "a part of a pointer is stored", KPROG_XDP, "*(u32 *)(r10 - 8) = r1\n" RETURN_0, ALL(323) },
	{ "a part of a pointer is loaded", KPROG_XDP, "*(u64 *)(r10 - 8) = r1\nr0 = *(u32 *)(r10 - 8)\n" RETURN_0, ALL(324) },
	{ "a pointer comes back", KPROG_XDP, "*(u64 *)(r10 - 8) = r1\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)\n" RETURN_0, ALL(0) },
	{ "a pointer of which a byte was overwritten", KPROG_XDP, "*(u64 *)(r10 - 8) = r1\n*(u8 *)(r10 - 3) = 0\nr2 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r2 + 0)\n" RETURN_0, ALL(301) },
	{ "a bounded number comes back with its bounds", KPROG_XDP, ARRAY VALUE "r6 = r0\n" NUMBER "r0 &= 7\n*(u64 *)(r10 - 16) = r0\nr1 = *(u64 *)(r10 - 16)\nr6 += r1\n*(u8 *)(r6 + 56) = 0\n" OUT, ALL(0) },
	{ "a number that was bounded after it was stored", KPROG_XDP, ARRAY VALUE "r6 = r0\n" NUMBER "*(u64 *)(r10 - 16) = r0\nif r0 > 7 goto out\nr1 = *(u64 *)(r10 - 16)\nr6 += r1\n*(u8 *)(r6 + 56) = 0\n" OUT, { 220, 220, 0, 0, 0 } },
	{ "an unknown number that is bounded after it was stored", KPROG_XDP, ARRAY VALUE "r6 = *(u64 *)(r0 + 8)\n*(u64 *)(r10 - 16) = r6\nif r6 > 7 goto out\nr1 = *(u64 *)(r10 - 16)\nr0 += r1\n*(u8 *)(r0 + 56) = 0\n" OUT, { 220, 220, 0, 0, 0 } },
	{ "the lower half of a number comes back", KPROG_XDP, ARRAY VALUE "r6 = r0\n" NUMBER "r0 &= 7\n*(u64 *)(r10 - 16) = r0\nw1 = *(u32 *)(r10 - 16)\nr6 += r1\n*(u8 *)(r6 + 56) = 0\n" OUT, { 312, 312, 0, 0, 0 } },
	{ "a number in half a slot comes back", KPROG_XDP, ARRAY VALUE "r6 = r0\n" NUMBER "r0 &= 7\n*(u32 *)(r10 - 16) = r0\nw1 = *(u32 *)(r10 - 16)\nr6 += r1\n*(u8 *)(r6 + 56) = 0\n" OUT, ALL(0) },
	{ "zeroes of several stores are a zero", KPROG_XDP, ARRAY VALUE "*(u32 *)(r10 - 16) = 0\n*(u32 *)(r10 - 12) = 0\nr1 = *(u64 *)(r10 - 16)\nr0 += r1\n*(u64 *)(r0 + 56) = 0\n" OUT, { 0, 0, 220, 220, 220 } },
	{ "an index into the stack", KPROG_XDP, NUMBER "r0 &= 8\nr1 = r10\nr1 += -16\nr1 += r0\n*(u64 *)(r1 + 0) = 5\nr0 = *(u64 *)(r10 - 16)\n" RETURN_0, ALL(0) },
	{ "an index into the stack that leaves it", KPROG_XDP, NUMBER "r0 &= 24\nr1 = r10\nr1 += -16\nr1 += r0\n*(u64 *)(r1 + 0) = 5\n" RETURN_0, ALL(320) },
	{ "an index into the stack without bounds", KPROG_XDP, "r6 = *(u32 *)(r1 + 16)\nr6 <<= 3\nr1 = r10\nr1 += r6\n*(u64 *)(r1 + 0) = 5\n" RETURN_0, ALL(321) },
	{ "a pointer to the stack is kept in the caller's", KPROG_XDP, "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall f\n" RETURN_0 "f:\n*(u64 *)(r1 + 0) = r10\n" RETURN_0, ALL(325) },
	{ "an atomic operation at an index into the stack", KPROG_XDP, "*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\n" NUMBER "r0 &= 8\nr1 = r10\nr1 += -16\nr1 += r0\nr2 = 1\nlock *(u64 *)(r1 + 0) += r2\n" RETURN_0, ALL(326) },

	/* memory of calls */
	{ "a key that was never written", KPROG_XDP, HASH "r2 = r10\nr2 += -4\nr1 = m ll\ncall 1\n" RETURN_0, { 322, 0, 0, 0, 0 } },
	{ "a buffer that a helper only reads", KPROG_XDP, ARRAY HASH_KEY "*(u64 *)(r10 - 16) = 3\nr3 = r10\nr3 += -16\nr1 = h ll\nr4 = 0\nr5 = 0\ncall 2\nr6 = *(u64 *)(r10 - 16)\nr1 = m ll\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\nr0 += r6\n*(u8 *)(r0 + 60) = 0\n" OUT, { 220, 220, 220, 0, 0 } },
	{ "a size that may be negative", KPROG_TRACEPOINT, "r6 = *(u64 *)(r1 + 8)\nr1 = r10\nr1 += -64\nr2 = r6\nr3 = 0\ncall 4\n" RETURN_0, ALL(314) },
	{ "a size without bounds", KPROG_TRACEPOINT, "r2 = *(u64 *)(r1 + 8)\nr2 >>= 1\nr1 = r10\nr1 += -64\nr3 = 0\ncall 4\n" RETURN_0, ALL(316) },
	{ "a size that may be too large", KPROG_TRACEPOINT, "r2 = *(u64 *)(r1 + 8)\nr2 &= 127\nr1 = r10\nr1 += -64\nr3 = 0\ncall 4\n" RETURN_0, ALL(320) },
	{ "a size that may be zero, where it must not be", KPROG_TRACEPOINT, "*(u64 *)(r10 - 8) = 0\nr2 = *(u64 *)(r1 + 8)\nr2 &= 7\nr1 = r10\nr1 += -8\ncall 16\n" RETURN_0, ALL(315) },

	/* values of maps */
	{ "a value's last bytes", KPROG_XDP, ARRAY VALUE "*(u64 *)(r0 + 56) = 0\n" OUT, ALL(0) },
	{ "beyond a value", KPROG_XDP, ARRAY VALUE "*(u64 *)(r0 + 57) = 0\n" OUT, ALL(311) },
	{ "before a value", KPROG_XDP, ARRAY VALUE "*(u64 *)(r0 - 8) = 0\n" OUT, ALL(311) },
	{ "an index that may be negative", KPROG_XDP, ARRAY VALUE "r1 = *(u64 *)(r0 + 0)\nif r1 s> 8 goto out\nif r1 s< -8 goto out\nr0 += r1\n*(u8 *)(r0 + 0) = 0\n" OUT, ALL(310) },
	{ "an index without bounds", KPROG_XDP, ARRAY VALUE "w1 = *(u32 *)(r0 + 0)\nr0 += r1\n*(u8 *)(r0 + 0) = 0\n" OUT, ALL(312) },
	{ "an index that may be too large", KPROG_XDP, ARRAY VALUE "w1 = *(u32 *)(r0 + 0)\nr1 &= 64\nr0 += r1\n*(u8 *)(r0 + 0) = 0\n" OUT, ALL(313) },
	{ "a map that programs may not write", KPROG_XDP, ".map m, array, 4, 64, 1, 128\n" VALUE "*(u64 *)(r0 + 0) = 0\n" OUT, ALL(350) },
	{ "a map that programs may not read", KPROG_XDP, ".map m, array, 4, 64, 1, 256\n" VALUE "r1 = *(u64 *)(r0 + 0)\n" OUT, ALL(351) },
	{ "a map that programs may only read, read", KPROG_XDP, ".map m, array, 4, 64, 1, 128\n" VALUE "r1 = *(u64 *)(r0 + 0)\n" OUT, ALL(0) },

	/* packets */
	{ "a packet that was not measured", KPROG_XDP, PACKET "r0 = *(u8 *)(r2 + 0)\nexit\n", { 330, 330, 330, 330, 311 } },
	{ "within what was measured", KPROG_XDP, PACKET HOLDS("14") "r0 = *(u16 *)(r2 + 12)\n" OUT, ALL(0) },
	{ "beyond what was measured", KPROG_XDP, PACKET HOLDS("14") "r0 = *(u16 *)(r2 + 13)\n" OUT, { 330, 330, 330, 330, 311 } },
	{ "before the packet", KPROG_XDP, PACKET HOLDS("14") "r0 = *(u8 *)(r2 - 1)\n" OUT, { 330, 330, 330, 330, 311 } },
	{ "a packet that may not be written", KPROG_CGROUP_SKB, "r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\n" HOLDS("14") "*(u8 *)(r2 + 0) = 0\n" "out:\nr0 = 1\nexit\n", ALL(331) },
	{ "a packet that is written", KPROG_XDP, PACKET HOLDS("14") "*(u8 *)(r2 + 0) = 0\n" OUT, ALL(0) },

	/* contexts, sockets */
	{ "a field that the context does not have", KPROG_XDP, "r0 = *(u32 *)(r1 + 200)\nexit\n", ALL(340) },
	{ "a field with the wrong size", KPROG_XDP, "r0 = *(u64 *)(r1 + 0)\nexit\n", ALL(340) },
	{ "a context that was moved", KPROG_XDP, "r1 += 4\nr0 = *(u32 *)(r1 + 0)\nexit\n", ALL(304) },
	{ "a context at an index", KPROG_XDP, "r2 = *(u32 *)(r1 + 16)\nr2 &= 4\nr1 += r2\nr0 = *(u32 *)(r1 + 0)\nexit\n", ALL(306) },
	{ "a constant in the context", KPROG_SCHED_CLS, "*(u32 *)(r1 + 8) = 1\n" RETURN_0, { 341, 341, 0, 0, 0 } },
	{ "a number in the context", KPROG_SCHED_CLS, "r2 = 1\n*(u32 *)(r1 + 8) = r2\n" RETURN_0, ALL(0) },
	{ "an atomic operation on the context", KPROG_SCHED_CLS, "r2 = 1\nlock *(u32 *)(r1 + 8) += w2\n" RETURN_0, ALL(342) },
	{ "an atomic operation on the packet", KPROG_XDP, PACKET HOLDS("16") "r5 = 1\nlock *(u32 *)(r2 + 0) += w5\n" OUT, ALL(342) },
	{ "a field that a socket does not have", KPROG_CGROUP_SKB, "r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\nr0 = *(u32 *)(r1 + 12)\nout:\nr0 = 1\nexit\n", ALL(362) },
	{ "a field that a socket has", KPROG_CGROUP_SKB, "r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\nr0 = *(u32 *)(r1 + 4)\nout:\nr0 = 1\nexit\n", ALL(0) },
	{ "a socket that is written", KPROG_CGROUP_SKB, "r1 = *(u64 *)(r1 + 168)\nif r1 == 0 goto out\nr0 = 1\n*(u32 *)(r1 + 4) = r0\nout:\nr0 = 1\nexit\n", ALL(360) },
	{ "flow keys", KPROG_FLOW_DISSECTOR, "r1 = *(u64 *)(r1 + 144)\nr0 = *(u32 *)(r1 + 52)\n" RETURN_0, ALL(0) },
	{ "beyond the flow keys", KPROG_FLOW_DISSECTOR, "r1 = *(u64 *)(r1 + 144)\nr0 = *(u32 *)(r1 + 56)\n" RETURN_0, ALL(361) },

	/* what a load knows */
	{ "data that never changes", KPROG_XDP, FROZEN VALUE "r1 = *(u64 *)(r0 + 0)\nr2 = r10\nr2 += r1\n*(u64 *)(r2 + 0) = 0\n" OUT, ALL(0) },
	{ "data that may change", KPROG_XDP, ARRAY VALUE "r1 = *(u64 *)(r0 + 0)\nr2 = r10\nr2 += r1\n*(u64 *)(r2 + 0) = 0\n" OUT, ALL(220) },
	{ "a byte is less than 256", KPROG_XDP, ".map m, array, 4, 256, 1\n" VALUE "r6 = r0\nw1 = *(u8 *)(r0 + 0)\nr6 += r1\n*(u8 *)(r6 + 0) = 0\n" OUT, ALL(0) },
	{ "a number stored through another register than R10", KPROG_XDP, ARRAY VALUE "r6 = r0\n" NUMBER "r0 &= 7\nr7 = r10\nr7 += -16\n*(u64 *)(r7 + 0) = r0\nr1 = *(u64 *)(r7 + 0)\nr6 += r1\n*(u8 *)(r6 + 56) = 0\n" OUT, ALL(0) },
	{ "a number stored by a function in its caller's frame", KPROG_XDP, ARRAY VALUE "r6 = r0\nr1 = r10\nr1 += -16\ncall f\nr1 = *(u64 *)(r10 - 16)\nr6 += r1\n*(u8 *)(r6 + 56) = 0\n" OUT "f:\nr6 = r1\n" NUMBER "r0 &= 7\n*(u64 *)(r6 + 0) = r0\n" RETURN_0, ALL(0) },
	{ "a store at an index forgets the pointers there", KPROG_XDP, "*(u64 *)(r10 - 8) = r1\n*(u64 *)(r10 - 16) = 0\n" NUMBER "r0 &= 8\nr2 = r10\nr2 += -16\nr2 += r0\n*(u64 *)(r2 + 0) = 5\nr1 = *(u64 *)(r10 - 8)\nr0 = *(u32 *)(r1 + 0)\n" RETURN_0, ALL(301) },
	{ "an exchange gives any number", KPROG_XDP, ARRAY VALUE "r1 = 1\nr1 = xchg_64(r0 + 0, r1)\nr0 += r1\n*(u8 *)(r0 + 0) = 0\n" OUT, { 124, 220, 220, 220, 220 } },
	{ "an exchange with the stack gives what was there", KPROG_XDP, ARRAY VALUE "*(u64 *)(r10 - 16) = 7\nr1 = 1\nr1 = xchg_64(r10 - 16, r1)\nr0 += r1\n*(u8 *)(r0 + 0) = 0\n" OUT, { 124, 0, 0, 0, 0 } },
	{ "a load-acquire", KPROG_XDP, ARRAY VALUE "w1 = load_acquire((u32 *)(r0 + 0))\n" OUT, { 124, 124, 124, 0, 0 } },
	{ "a store-release to the context", KPROG_SCHED_CLS, "w2 = 1\nstore_release((u32 *)(r1 + 8), w2)\n" RETURN_0, { 124, 124, 124, 342, 342 } },

	/* strict alignment is a flag; a context at an odd offset never is */
	{ "a field of the context that is not aligned", KPROG_XDP, "r0 = *(u32 *)(r1 + 2)\nexit\n", ALL(340) },
	{ "an instruction for the context and for a socket", KPROG_CGROUP_SKB, "r6 = r1\nr7 = *(u64 *)(r1 + 168)\nif r7 == 0 goto out\n" NUMBER "if r0 == 0 goto +1\nr7 = r6\nr0 = *(u32 *)(r7 + 4)\nout:\nr0 = 1\nexit\n", ALL(303) },

	/* loads of classic BPF */
	{ "a legacy load where there is none", KPROG_XDP, "r6 = r1\nr0 = *(u8 *)skb[0]\n" RETURN_0, ALL(380) },
	{ "a legacy load without the context", KPROG_SOCKET_FILTER, "r6 = 0\nr0 = *(u8 *)skb[0]\n" RETURN_0, ALL(381) },
	{ "a legacy load", KPROG_SOCKET_FILTER, "r6 = r1\nr0 = *(u8 *)skb[0]\n" RETURN_0, ALL(0) },
	{ "a register that a legacy load spoils", KPROG_SOCKET_FILTER, "r6 = r1\nr2 = 1\nr0 = *(u8 *)skb[0]\nr0 = r2\nexit\n", ALL(121) },
};
const size_t n_mem_rows = countof(mem_rows);
