/* SPDX-License-Identifier: Apache-2.0 */
/* num_branch: what num_branch.c and num_branch_old.c share. */
#ifndef SALLYPORT_ENGINE_KVERIFY_NUM_BRANCH_H
#define SALLYPORT_ENGINE_KVERIFY_NUM_BRANCH_H

#include "engine/kverify/num.h"

enum kcompare_what { KOP_EQ, KOP_NE, KOP_SET, KOP_UNSET, KOP_LT, KOP_LE };
struct kcompare_op {
	uint8_t what; /* enum kcompare_what */
	bool is_signed;
	bool swapped; /* b OP a */
};
/* Of a conditional jump; never KOP_UNSET. */
struct kcompare_op kcompare_of(uint8_t sem);
struct kcompare_op kcompare_not(struct kcompare_op op);

int knum_branch_old(const struct knum_rules *r, const struct isa_insn *in, const struct knum *a, const struct knum *b);
void knum_learn_old(const struct knum_rules *r, const struct isa_insn *in, struct knum *a_true, struct knum *b_true,
		    struct knum *a_false, struct knum *b_false);

#endif
