/* SPDX-License-Identifier: Apache-2.0 */
/* bed: what the running kernel says to a program of a few instructions. */
#ifndef SALLYPORT_TESTS_KERNEL_BED_H
#define SALLYPORT_TESTS_KERNEL_BED_H

#include "engine/kernel/kernel.h"

#include <linux/bpf.h>

enum { BED_LOG = 8192, BED_INSNS = 24 };

/* struct bpf_insn, its two registers as one byte */
struct bed_insn {
	uint8_t code, regs;
	int16_t off;
	int32_t imm;
};

struct bed_prog {
	struct bed_insn insn[BED_INSNS];
	uint32_t n;
	uint32_t btf_id; /* what it attaches to, of the kernel's types; 0: nothing that has one */
};

struct bed_verdict {
	bool accepted;
	int error;         /* errno */
	char log[BED_LOG]; /* states after each instruction, when asked for */
};

/* The profile of the running kernel; NULL: it has none of its own, or bpf(2) is not granted. why: a sentence. */
const struct kernel_profile *bed_profile(char *why, size_t n);

struct bed_insn bed_op(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm);
void bed_add(struct bed_prog *p, struct bed_insn in);
/* r0 = value; exit */
void bed_end(struct bed_prog *p, int32_t value);

enum { BED_STATES = 2, BED_QUIET = 0, BED_WHY = 1 };
void bed_load(const struct kernel_target *t, const struct bed_prog *p, uint32_t log_level, struct bed_verdict *out);

#endif
