/* SPDX-License-Identifier: Apache-2.0 */
/* lower: what lower.c (comparisons of fields, and, or, not) and lower_expr.c (computed values) share. */
#ifndef SALLYPORT_CONTENT_RULE_LOWER_H
#define SALLYPORT_CONTENT_RULE_LOWER_H

#include "content/rule/share.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8 };

struct lower {
	struct rule_code *code;
	struct rule_pool *pool;
	struct rule_share *share; /* or NULL */
	bool *used, *asked;
};

/* Where a node goes on. */
struct way {
	struct rule_label *yes, *no;
	bool yes_is_next;
};

/* Single instructions. R6 holds the context; R7 and R8 are a comparison's own. */
void lower_mov_imm(struct lower *x, uint8_t dst, int32_t imm);
void lower_mov_reg(struct lower *x, uint8_t dst, uint8_t src);
void lower_load_ctx(struct lower *x, uint8_t dst, uint32_t off);
void lower_load_imm64(struct lower *x, uint8_t dst, enum isa_imm64 kind, int64_t imm, uint32_t off);
void lower_call(struct lower *x, enum abi_helper_id id);
/* if (reg SEM value) goto to; uses R2 for values that need 64 bits. */
void lower_jump_if(struct lower *x, enum isa_sem sem, uint8_t reg, int64_t value, struct rule_label *to);
enum isa_sem lower_opposite(enum isa_sem sem);
/* The last jump of a comparison, which holds when reg SEM value. */
void lower_decide(struct lower *x, enum isa_sem sem, uint8_t reg, int64_t value, const struct way *w);
/* The helper that asks a text for one value; of any other operator str_eq. */
enum abi_helper_id lower_text_test(enum rule_op op);
enum isa_sem lower_sem_of(enum rule_op op, bool is_signed);
/* ptr = the bytes, size = how many. */
void lower_load_literal(struct lower *x, uint8_t ptr, uint8_t size, const void *bytes, size_t len);
/* The comparison of a number in reg with k's values. */
void lower_compare_number(struct lower *x, const struct rule_check *k, uint8_t type, uint8_t reg, const struct way *w);
/* The comparison of the text in R1, a handle, with k's values. */
void lower_compare_text(struct lower *x, const struct rule_check *k, const struct way *w);
/* Some (or, of a LIST with `in`, all) elements of the list in R1, from `first` on, satisfy k. */
void lower_compare_list(struct lower *x, const struct rule_check *k, uint8_t type, int32_t first, const struct way *w);
/* R0 = handle of the value under the index or key of the list or dictionary in R1, or 0. fresh: nothing computed is
 * needed any more. */
void lower_pick(struct lower *x, uint8_t type, int32_t index, const char *key, uint32_t key_len, bool fresh);

/* lower_expr.c: a comparison with f->check->left. Presence of all its fields has been tested. */
void lower_expr(struct lower *x, const struct rule_fold *f, const struct way *w);

#endif
