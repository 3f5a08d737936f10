/* SPDX-License-Identifier: Apache-2.0 */
/* calls: see calls.h. Helpers stand by number, as in include/uapi/linux/bpf.h. */
#include "calls.h"

// clang-format off

const char *const call_releases[CALL_RELEASES] = { "5.10", "6.1", "6.12", "6.18", "7.2" };

#define ALL(id) { id, id, id, id, id }
#define KEY "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\n"
#define RETURN_0 "r0 = 0\nexit\n"
#define RESERVE_8 "r1 = rb ll\nr2 = 8\nr3 = 0\ncall 131\n" /* ringbuf_reserve */
#define SUBMIT "r2 = 0\ncall 132\n"			     /* ringbuf_submit */
#define RINGBUF ".map rb, ringbuf, 0, 0, 4096\n"
#define ARRAY ".map m, array, 4, 64, 1\n"
#define LOOP(n) "r1 = " n "\nr2 = cb ll\nr3 = r10\nr3 += -8\nr4 = 0\ncall 181\n"
#define CALLBACK .types = "gi:c si:ip"
#define RESERVE_DYNPTR "r1 = rb ll\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\n"
#define LOCAL_DYNPTR KEY "r1 = m ll\ncall 1\nif r0 == 0 goto out\nr1 = r0\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -24\ncall 197\n"

const struct call_row call_rows[] = {
	/* which helpers */
	{ "a helper that no release has", KPROG_SOCKET_FILTER, "call 9999\nexit\n", ALL(401) },
	{ "a helper that socket filters do not have", KPROG_SOCKET_FILTER, "r2 = 0\nr3 = 0\nr4 = 0\nr5 = 0\ncall 9\nexit\n",
	  { 403, 403, 402, 402, 402 } },
	{ "a helper of the GPL", KPROG_KPROBE, "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall 4\n" RETURN_0, ALL(404), .not_gpl = true },
	{ "a helper of the GPL, under it", KPROG_KPROBE, "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall 4\n" RETURN_0, ALL(0) },
	{ "a helper that sleeps", KPROG_KPROBE, "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall 148\n" RETURN_0, { 403, 403, 405, 405, 406 } },

	/* kinds of arguments */
	{ "a number for a map", KPROG_XDP, KEY "r1 = 7\ncall 1\n" RETURN_0, ALL(407) },
	{ "a value that may be NULL for a key", KPROG_XDP, ".map h, hash, 4, 64, 4\n" KEY "r1 = h ll\ncall 1\nr2 = r0\nr1 = h ll\ncall 1\n" RETURN_0, ALL(438) },
	{ "a value that is not NULL for a key", KPROG_XDP,
	  ARRAY KEY "r1 = m ll\ncall 1\nif r0 == 0 goto out\nr2 = r0\nr1 = m ll\ncall 1\nout:\n" RETURN_0, ALL(0) },
	{ "the context with an offset", KPROG_XDP, "r1 += 4\nr2 = 4\ncall 44\n" RETURN_0, ALL(304) },
	{ "an array of programs to look up in", KPROG_XDP, ".map p, prog_array, 4, 4, 4\n" KEY "r1 = p ll\ncall 1\n" RETURN_0, ALL(421) },
	{ "an update of a map that programs may not write", KPROG_XDP,
	  ".map m, array, 4, 4, 1, 128\n" KEY "r1 = m ll\nr3 = r2\nr4 = 0\ncall 2\n" RETURN_0, ALL(422) },
	{ "a tail call through an array", KPROG_XDP, ARRAY "r2 = m ll\nr3 = 0\ncall 12\n" RETURN_0, ALL(442) },
	{ "a deletion from a map of sockets, in a program of a cgroup", KPROG_CGROUP_SKB, ".map s, 15, 4, 4, 1\n" KEY "r1 = s ll\ncall 3\n" RETURN_0,
	  ALL(423) },
	{ "a deletion from a map of sockets, in a filter", KPROG_SCHED_CLS, ".map s, 15, 4, 4, 1\n" KEY "r1 = s ll\ncall 3\n" RETURN_0, ALL(0) },
	{ "a size that is not constant", KPROG_XDP, RINGBUF "call 7\nr2 = r0\nr2 &= 7\nr1 = rb ll\nr3 = 0\ncall 131\n" RETURN_0, ALL(414) },

	/* references */
	{ "a reservation that is submitted", KPROG_XDP, RINGBUF RESERVE_8 "if r0 == 0 goto out\nr1 = r0\n" SUBMIT "out:\n" RETURN_0, ALL(0) },
	{ "a reservation that is forgotten", KPROG_XDP, RINGBUF RESERVE_8 RETURN_0, { 501, 501, 501, 502, 502 } },
	{ "a reservation that may be NULL", KPROG_XDP, RINGBUF RESERVE_8 "r1 = r0\n" SUBMIT RETURN_0, ALL(407) },
	{ "a reservation that is submitted twice", KPROG_XDP,
	  RINGBUF RESERVE_8 "if r0 == 0 goto out\nr6 = r0\nr1 = r0\n" SUBMIT "r1 = r6\n" SUBMIT "out:\n" RETURN_0, ALL(407) },
	{ "a reservation that is submitted from its middle", KPROG_XDP,
	  RINGBUF RESERVE_8 "if r0 == 0 goto out\nr1 = r0\nr1 += 4\n" SUBMIT "out:\n" RETURN_0, { 0, 304, 506, 506, 506 } },
	{ "a tail call with a reservation", KPROG_XDP,
	  RINGBUF ".map p, prog_array, 4, 4, 4\nr6 = r1\n" RESERVE_8
		  "if r0 == 0 goto out\nr7 = r0\nr1 = r6\nr2 = p ll\nr3 = 0\ncall 12\nr1 = r7\n" SUBMIT "out:\n" RETURN_0,
	  ALL(502) },
	{ "a reservation that a function takes and its caller submits", KPROG_XDP,
	  RINGBUF "call f\nif r0 == 0 goto out\nr1 = r0\n" SUBMIT "out:\n" RETURN_0 "f:\n" RESERVE_8 "exit\n", ALL(0) },
	{ "a reservation that a callback forgets", KPROG_XDP, RINGBUF LOOP("4") RETURN_0 "cb:\n" RESERVE_8 RETURN_0,
	  { 102, 501, 501, 502, 502 }, CALLBACK },
	{ "a caller's reservation that a callback submits", KPROG_XDP,
	  RINGBUF RESERVE_8 "if r0 == 0 goto out\n*(u64 *)(r10 - 8) = r0\n" LOOP("1") "r1 = *(u64 *)(r10 - 8)\n" SUBMIT "out:\n" RETURN_0 "cb:\nr1 = *(u64 *)(r2 + 0)\n" SUBMIT RETURN_0,
	  { 102, 505, 505, 407, 407 }, CALLBACK },

	/* functions, and what they give back */
	{ "a function that gives back its stack", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = r10\nexit\n", ALL(464) },
	{ "a function that gives back its argument", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = r1\nexit\n", ALL(0) },
	{ "r6 of the caller in a function", KPROG_XDP, "r6 = 1\ncall f\n" RETURN_0 "f:\nr0 = r6\nexit\n", ALL(121) },
	{ "r1 after a call", KPROG_XDP, "call f\nr0 = r1\nexit\nf:\n" RETURN_0, ALL(121) },
	{ "a range of a cgroup's program", KPROG_CGROUP_SKB, "r0 = 4\nexit\n", ALL(460), .attach = KATTACH_CGROUP_INET_EGRESS },
	{ "within that range", KPROG_CGROUP_SKB, "r0 = 3\nexit\n", ALL(0), .attach = KATTACH_CGROUP_INET_EGRESS },
	{ "a number of which nothing is known", KPROG_CGROUP_SKB, "r0 = *(u32 *)(r1 + 0)\nexit\n", ALL(460) },
	{ "a pointer at exit", KPROG_CGROUP_SKB, "r0 = r1\nexit\n", ALL(461) },
	{ "by its bits 0 or 1, by its bounds as well", KPROG_CGROUP_SKB, "r0 = *(u32 *)(r1 + 0)\nr0 &= 1\nexit\n", ALL(0) },
	{ "by its bounds at most 1 of 2 bits", KPROG_CGROUP_SKB,
	  "r0 = *(u32 *)(r1 + 0)\nr0 &= 3\nif r0 > 1 goto out\nexit\nout:\n" RETURN_0, ALL(0) },
	{ "any number from XDP", KPROG_XDP, "r0 = -5\nexit\n", ALL(0) },

	/* callbacks */
	{ "a callback that stops", KPROG_XDP, LOOP("8") RETURN_0 "cb:\nr0 = 1\nexit\n", { 102, 0, 0, 0, 0 }, CALLBACK },
	{ "a callback that gives back 2", KPROG_XDP, LOOP("8") RETURN_0 "cb:\nr0 = 2\nexit\n", { 102, 460, 460, 460, 460 }, CALLBACK },
	{ "a callback that gives back a pointer", KPROG_XDP, LOOP("8") RETURN_0 "cb:\nr0 = r2\nexit\n", { 102, 464, 464, 464, 464 }, CALLBACK },
	{ "a callback that gives back a map's value", KPROG_XDP,
	  ARRAY LOOP("8") RETURN_0 "cb:\n" KEY "r1 = m ll\ncall 1\nexit\n", { 102, 463, 463, 463, 463 }, CALLBACK },
	{ "a counter that runs over in the second round", KPROG_XDP,
	  ARRAY "*(u64 *)(r10 - 8) = 60\n" LOOP("8") RETURN_0
		"cb:\nr6 = *(u64 *)(r2 + 0)\nr7 = r6\nr7 += 4\n*(u64 *)(r2 + 0) = r7\n" KEY
		"r1 = m ll\ncall 1\nif r0 == 0 goto out2\nr0 += r6\n*(u32 *)(r0 + 0) = 0\nout2:\n" RETURN_0,
	  { 102, 0, 311, 311, 311 }, CALLBACK },
	{ "a counter that is tested", KPROG_XDP,
	  ARRAY "*(u64 *)(r10 - 8) = 60\n" LOOP("8") RETURN_0
		"cb:\nr6 = *(u64 *)(r2 + 0)\nr7 = r6\nr7 += 4\n*(u64 *)(r2 + 0) = r7\nif r6 > 60 goto out2\n" KEY
		"r1 = m ll\ncall 1\nif r0 == 0 goto out2\nr0 += r6\n*(u32 *)(r0 + 0) = 0\nout2:\n" RETURN_0,
	  { 102, 0, 0, 0, 0 }, CALLBACK },
	{ "for each of a ring buffer", KPROG_XDP, RINGBUF "r1 = rb ll\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall 164\n" RETURN_0 "cb:\n" RETURN_0,
	  { 102, 426, 426, 426, 426 }, CALLBACK },
	{ "for each of an array", KPROG_XDP,
	  ARRAY "r1 = m ll\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall 164\n" RETURN_0 "cb:\nr0 = *(u32 *)(r2 + 0)\n*(u64 *)(r3 + 56) = r0\n" RETURN_0,
	  { 102, 0, 0, 0, 0 }, CALLBACK },
	{ "the key of for each is read-only", KPROG_XDP,
	  ARRAY "r1 = m ll\nr2 = cb ll\nr3 = 0\nr4 = 0\ncall 164\n" RETURN_0 "cb:\n*(u32 *)(r2 + 0) = 0\n" RETURN_0,
	  { 102, 352, 352, 352, 352 }, CALLBACK },
	{ "a callback for no function", KPROG_XDP, "r1 = 1\nr2 = 0\nr3 = 0\nr4 = 0\ncall 181\n" RETURN_0, { 401, 407, 407, 407, 407 } },

	{ "a tail call in a callback", KPROG_XDP,
	  ".map p, prog_array, 4, 4, 4\n*(u64 *)(r10 - 8) = r1\n" LOOP("8") RETURN_0 "cb:\nr1 = *(u64 *)(r2 + 0)\nr2 = p ll\nr3 = 0\ncall 12\n" RETURN_0, { 102, 0, 0, 431, 431 },
	  CALLBACK, .other_words = true },
	{ "what a function with a tail call gives back", KPROG_CGROUP_SKB,
	  ".map p, prog_array, 4, 4, 4\ncall f\nexit\nf:\nr2 = p ll\nr3 = 0\ncall 12\n" RETURN_0, { 0, 0, 0, 460, 460 }, .types = "gi:p si:p" },

	/* global functions */
	{ "a global function of a number, and a pointer for it", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = r1\nexit\n", ALL(450), .types = "gi:c gi:i" },
	{ "a global function of a number", KPROG_XDP, "r1 = 1\ncall f\n" RETURN_0 "f:\nr0 = r1\nexit\n", ALL(0), .types = "gi:c gi:i" },
	{ "what a global function gives back is any number", KPROG_CGROUP_SKB, "r1 = 1\ncall f\nexit\nf:\nr0 = 1\nexit\n", ALL(460), .types = "gi:p gi:i" },
	{ "what a static function gives back is what it is", KPROG_CGROUP_SKB, "r1 = 1\ncall f\nexit\nf:\nr0 = 1\nexit\n", ALL(0), .types = "gi:p si:i" },
	{ "a function whose types say that it takes five arguments", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = 1\nexit\n", ALL(0), .types = "gi:c si:iiiii" },
	{ "a function whose types say that it takes six", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = 1\nexit\n", { 0, 0, 0, 0, 465 }, .types = "gi:c si:iiiiii" },
	{ "a function whose types say that it takes thirteen", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = 1\nexit\n", { 0, 0, 0, 0, 465 }, .types = "gi:c si:iiiiiiiiiiiii" },
	{ "a global function of the context", KPROG_XDP, "call f\n" RETURN_0 "f:\nr0 = *(u32 *)(r1 + 4)\n" RETURN_0, ALL(0), .types = "gi:c gi:c" },
	{ "a global function of the context, and another pointer", KPROG_XDP, "r1 = r10\nr1 += -8\ncall f\n" RETURN_0 "f:\n" RETURN_0, ALL(450),
	  .types = "gi:c gi:c" },
	{ "a global function of memory", KPROG_XDP,
	  "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall f\n" RETURN_0 "f:\nif r1 == 0 goto n\n*(u64 *)(r1 + 0) = 1\nn:\n" RETURN_0, { 451, 0, 0, 0, 0 },
	  .types = "gi:c gi:m" },
	{ "a global function of memory that may be NULL", KPROG_XDP,
	  "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall f\n" RETURN_0 "f:\n*(u64 *)(r1 + 0) = 1\n" RETURN_0, { 451, 301, 301, 301, 301 },
	  .types = "gi:c gi:m" },
	{ "a global function of memory that is not NULL", KPROG_XDP,
	  "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall f\n" RETURN_0 "f:\n*(u64 *)(r1 + 0) = 1\n" RETURN_0, { 451, 301, 0, 0, 0 },
	  .types = "gi:c gi:n" },
	{ "a global function of memory, and too little of it", KPROG_XDP,
	  "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -4\ncall f\n" RETURN_0 "f:\n" RETURN_0, { 451, 450, 450, 450, 450 }, .types = "gi:c gi:m" },
	{ "a global function of void *", KPROG_XDP, "call f\n" RETURN_0 "f:\n" RETURN_0, { 451, 453, 450, 450, 450 }, .types = "gi:c gi:p" },
	{ "a global function of a struct by value", KPROG_XDP, "call f\n" RETURN_0 "f:\n" RETURN_0, { 451, 451, 450, 450, 450 }, .types = "gi:c gi:s" },
	{ "a global function that gives nothing back", KPROG_XDP, "call f\n" RETURN_0 "f:\n" RETURN_0, { 452, 452, 450, 450, 0 }, .types = "gi:c gv:" },
	{ "a global function that gives back a pointer", KPROG_XDP, "r1 = 1\ncall f\n" RETURN_0 "f:\nr0 = r10\nexit\n", ALL(462), .types = "gi:c gi:i" },

	/* dynptrs */
	{ "a dynptr that is submitted", KPROG_XDP, RINGBUF RESERVE_DYNPTR "r1 = r10\nr1 += -16\nr2 = 0\ncall 199\n" RETURN_0, { 401, 0, 0, 0, 0 } },
	{ "a dynptr that is forgotten", KPROG_XDP, RINGBUF RESERVE_DYNPTR RETURN_0, { 401, 501, 501, 502, 502 } },
	{ "a dynptr that is written over", KPROG_XDP, RINGBUF RESERVE_DYNPTR "*(u64 *)(r10 - 16) = 0\nr1 = r10\nr1 += -16\nr2 = 0\ncall 199\n" RETURN_0,
	  { 401, 532, 537, 537, 537 } },
	{ "a dynptr at an odd place", KPROG_XDP, RINGBUF "r1 = rb ll\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -17\ncall 198\n" RETURN_0,
	  { 401, 534, 534, 534, 534 } },
	{ "a dynptr of one slot", KPROG_XDP, RINGBUF "r1 = rb ll\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -8\ncall 198\n" RETURN_0,
	  { 401, 320, 534, 534, 534 } },
	{ "data of a dynptr after its end", KPROG_XDP,
	  RINGBUF RESERVE_DYNPTR "r1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall 203\nr6 = r0\nr1 = r10\nr1 += -16\nr2 = 0\ncall 199\nif r6 == 0 goto out\n"
		  "*(u64 *)(r6 + 0) = 0\nout:\n" RETURN_0,
	  { 401, 301, 301, 301, 301 } },
	{ "data of a dynptr", KPROG_XDP,
	  RINGBUF RESERVE_DYNPTR "r1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall 203\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 0\nout:\nr1 = r10\nr1 += "
				 "-16\nr2 = 0\ncall 199\n" RETURN_0,
	  { 401, 0, 0, 0, 0 } },
	{ "a dynptr of the stack", KPROG_XDP, "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -24\ncall 197\n" RETURN_0,
	  { 401, 441, 441, 441, 441 } },
	{ "a dynptr of a map's value, read", KPROG_XDP,
	  ARRAY LOCAL_DYNPTR "r1 = r10\nr1 += -8\nr2 = 8\nr3 = r10\nr3 += -24\nr4 = 0\nr5 = 0\ncall 201\nout:\n" RETURN_0, { 401, 0, 0, 0, 0 } },
	{ "a dynptr of a map's value, released", KPROG_XDP, ARRAY LOCAL_DYNPTR "r1 = r10\nr1 += -24\nr2 = 0\ncall 199\nout:\n" RETURN_0,
	  { 401, 538, 538, 538, 533 } },
	{ "a dynptr that is none", KPROG_XDP, "*(u64 *)(r10 - 8) = 0\n*(u64 *)(r10 - 16) = 0\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall 201\n" RETURN_0,
	  { 401, 532, 532, 532, 532 } },

	/* what is known of results */
	{ "bytes of a stack trace", KPROG_KPROBE,
	  "r6 = r1\nr2 = r10\nr2 += -64\nr3 = 56\nr4 = 0\ncall 67\nif r0 s< 0 goto out\nr1 = r10\nr1 += -64\nr1 += r0\n*(u8 *)(r1 + 0) = 0\nout:\n" RETURN_0,
	  ALL(0) },
	{ "the number of a CPU as an index", KPROG_XDP,
	  ".map m, array, 4, 8192, 1\n" KEY "r1 = m ll\ncall 1\nif r0 == 0 goto out\nr6 = r0\ncall 8\nr6 += r0\n*(u8 *)(r6 + 0) = 0\nout:\n" RETURN_0,
	  { 220, 220, 0, 0, 0 } },
	{ "a look-up in an array with a constant index", KPROG_XDP, ARRAY KEY "r1 = m ll\ncall 1\nr0 = *(u32 *)(r0 + 0)\nexit\n",
	  { 301, 301, 301, 0, 0 } },
	{ "a look-up in an array behind its end", KPROG_XDP, ARRAY "*(u32 *)(r10 - 4) = 1\nr2 = r10\nr2 += -4\nr1 = m ll\ncall 1\nr0 = *(u32 *)(r0 + 0)\nexit\n",
	  ALL(301) },

	/* what one helper asks for */
	{ "a format of one number and a value", KPROG_SCHED_CLS,
	  ".map .rodata, array, 4, 8, 1, 128\n.bytes .rodata, 25 64 00\n*(u64 *)(r10 - 8) = 1\n*(u64 *)(r10 - 32) = 0\n*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -32\nr2 = 16\nr3 = .rodata ll\nr4 = r10\nr4 += -8\nr5 = 8\ncall 165\n" RETURN_0,
	  { 401, 0, 0, 0, 0 } },
	{ "a format of one number and no value", KPROG_SCHED_CLS,
	  ".map .rodata, array, 4, 8, 1, 128\n.bytes .rodata, 25 64 00\n*(u64 *)(r10 - 32) = 0\n*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -32\nr2 = 16\nr3 = .rodata ll\nr4 = 0\nr5 = 0\ncall 165\n" RETURN_0,
	  { 401, 419, 419, 419, 419 } },
	{ "a format that nobody knows", KPROG_SCHED_CLS,
	  ".map .rodata, array, 4, 8, 1, 128\n.bytes .rodata, 25 7a 00\n*(u64 *)(r10 - 8) = 1\n*(u64 *)(r10 - 32) = 0\n*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -32\nr2 = 16\nr3 = .rodata ll\nr4 = r10\nr4 += -8\nr5 = 8\ncall 165\n" RETURN_0,
	  { 401, 419, 419, 419, 419 } },
	{ "a format without an end", KPROG_SCHED_CLS,
	  ".map .rodata, array, 4, 4, 1, 128\n.bytes .rodata, 25 64 25 64\n*(u64 *)(r10 - 32) = 0\n*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -32\nr2 = 16\nr3 = .rodata ll\nr4 = 0\nr5 = 0\ncall 165\n" RETURN_0,
	  { 401, 418, 418, 418, 418 } },
	{ "a format that could be changed", KPROG_SCHED_CLS,
	  ARRAY "*(u64 *)(r10 - 32) = 0\n*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -32\nr2 = 16\nr3 = map_value(0, 0) ll\nr4 = 0\nr5 = 0\ncall 165\n" RETURN_0, { 401, 416, 416, 416, 416 } },
	{ "what a hook gives back, out of its range", KPROG_CGROUP_SOCKOPT, "r1 = 5\ncall 187\nr0 = 1\nexit\n", { 401, 0, 0, 0, 460 },
	  .attach = KATTACH_CGROUP_SETSOCKOPT },
	{ "what a hook gives back, within it", KPROG_CGROUP_SOCKOPT, "r1 = -5\ncall 187\nr0 = 1\nexit\n", { 401, 0, 0, 0, 0 },
	  .attach = KATTACH_CGROUP_SETSOCKOPT },
	{ "the address of the probed function", KPROG_KPROBE, "call 173\n" RETURN_0, { 401, 0, 0, 0, 0 } },
	{ "nine frames", KPROG_XDP,
	  "call f1\nexit\nf1:\ncall f2\nexit\nf2:\ncall f3\nexit\nf3:\ncall f4\nexit\nf4:\ncall f5\nexit\nf5:\ncall f6\nexit\nf6:\ncall f7\nexit\nf7:\n"
	  "call f8\nexit\nf8:\n" RETURN_0,
	  { 904, 904, 904, 904, 0 } },
	{ "eight frames", KPROG_XDP,
	  "call f1\nexit\nf1:\ncall f2\nexit\nf2:\ncall f3\nexit\nf3:\ncall f4\nexit\nf4:\ncall f5\nexit\nf5:\ncall f6\nexit\nf6:\ncall f7\nexit\nf7:\n" RETURN_0,
	  ALL(0) },
	{ "a call through a register", KPROG_XDP, "r2 = 0\ncallx r2\nexit\n", ALL(102) },
};
const size_t n_call_rows = sizeof call_rows / sizeof call_rows[0];
