/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gene: a program that can be changed. Edits keep jumps, calls and addresses of functions at the instructions that they
 * lead to; a wide instruction stays whole.
 */
#ifndef SALLYPORT_TESTS_AGREE_GENE_H
#define SALLYPORT_TESTS_AGREE_GENE_H

#include <linux/bpf.h>

#include "agree.h"

enum { GENE_MAX = 400, GENE_MAPS = 8 };

struct gene {
	uint32_t prog_type, attach_type, flags;
	struct agree_map maps[GENE_MAPS];
	uint32_t n_maps, n;
	struct view btf; /* of a seed; borrowed */
	struct bpf_insn insn[GENE_MAX];
	bool accepted; /* what the kernel said */
};

struct gene_rng {
	uint64_t s;
};
uint64_t gene_random(struct gene_rng *r);
static inline uint32_t gene_below(struct gene_rng *r, uint32_t n)
{
	return (uint32_t)(gene_random(r) % n);
}
/* Numbers at which verdicts change. */
int32_t gene_number(struct gene_rng *r);

/* False: too large, or with functions that its types describe. */
bool gene_from(struct gene *g, const struct agree_program *p);
/* Borrows from g. */
void gene_program(const struct gene *g, const char *id, struct agree_program *out);

static inline bool gene_is_wide(const struct bpf_insn *in)
{
	return in->code == (BPF_LD | BPF_IMM | BPF_DW);
}
bool gene_is_jump(const struct bpf_insn *in); /* a jump, a call of a function of the program, or the address of one */
/* Slots of the instruction at `at`: 1 or 2. */
uint32_t gene_unit(const struct gene *g, uint32_t at);
/* A random instruction's first slot. */
uint32_t gene_pick(const struct gene *g, struct gene_rng *r);
void gene_remove(struct gene *g, uint32_t at, uint32_t n);
/* False: no room. Jumps within `code` are relative and stay. */
bool gene_insert(struct gene *g, uint32_t at, const struct bpf_insn *code, uint32_t n);

/* Fields that an instruction does not have are zero, as the kernel wants them. */
void gene_tidy(struct gene *g);

/* One to a few changes. other: whose instructions may be taken over. */
void gene_mutate(struct gene *g, const struct gene *other, struct gene_rng *r);
/* A program that does a few things that programs do, some of them wrongly. */
void gene_fresh(struct gene *g, struct gene_rng *r);
/* A piece of code that fits anywhere as far as types go. Returns slots written, at most GENE_PIECE. */
enum { GENE_PIECE = 32 };
uint32_t gene_piece(const struct gene *g, struct gene_rng *r, struct bpf_insn *out);

/* Make g smaller while `still` holds of it. */
typedef bool gene_holds(void *user, const struct gene *g);
void gene_shrink(struct gene *g, gene_holds *still, void *user, uint32_t budget);

#endif
