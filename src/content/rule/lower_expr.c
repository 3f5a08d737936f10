/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower_expr: comparisons of computed values (transformers) and of fields with fields.
 *
 * A computed value is pushed and applied on the stack of engine/helpers/tmp.c, whose first push in a comparison empties
 * it. The left side waits in R7, the right one in R8, as a number or a handle; a side without a value goes to `no`.
 */
#include "content/rule/lower.h"
#include "engine/helpers/helpers.h"

struct side {
	struct lower *x;
	const struct rule_fold *f;
	const struct way *w;
	uint32_t leaf; /* fields come in the order in which the folder saw them */
	bool fresh;    /* nothing has been pushed yet */
};

static bool picked(const struct rule_expr *e)
{
	return e->index >= 0 || e->key;
}

/* What the expression gives; its first field is leaf number `leaf`. */
static uint8_t result_type(const struct rule_fold *f, const struct rule_expr *e, uint32_t leaf)
{
	if (e->kind == EXPR_TEXT)
		return TEMPLATE_STR;
	if (e->kind == EXPR_LIST)
		return TEMPLATE_LIST;
	if (e->kind == EXPR_FIELD)
		return picked(e) ? TEMPLATE_STR : f->leaves[leaf].field->type;
	switch (e->call) {
	case RULE_CALL_LEN:
		return TEMPLATE_U64;
	case HELPER_TMP_CONCAT:
	case HELPER_TMP_JOIN:
		return TEMPLATE_STR;
	case HELPER_TMP_GETOPT:
		return e->option ? TEMPLATE_STR : TEMPLATE_LIST;
	}
	return result_type(f, e->kids[0], leaf); /* val, and what makes text of text */
}

static bool take_fresh(struct side *s)
{
	bool fresh = s->fresh;

	s->fresh = false;
	return fresh;
}

/* The field, or what its index picks, in reg. A value of a dictionary is on the stack too then. */
static void load_field(struct side *s, const struct rule_expr *e, uint8_t reg)
{
	const struct rule_leaf *leaf = &s->f->leaves[s->leaf++];

	if (!picked(e)) {
		lower_load_ctx(s->x, reg, template_slot_off(leaf->id));
		return;
	}
	lower_load_ctx(s->x, R1, template_slot_off(leaf->id));
	lower_pick(s->x, leaf->field->type, e->index, e->key, e->key_len,
		   leaf->field->type == TEMPLATE_DICT && take_fresh(s));
	lower_jump_if(s->x, ISA_JEQ, R0, 0, s->w->no);
	lower_mov_reg(s->x, reg, R0);
}

static void push_text(struct side *s, const char *text, uint32_t len)
{
	lower_load_literal(s->x, R1, R2, text, len);
	lower_mov_imm(s->x, R3, take_fresh(s));
	lower_call(s->x, ABI_HELPER_tmp_text);
}

static void apply(struct side *s, enum helper_tmp_op op, uint32_t arg)
{
	lower_mov_imm(s->x, R1, op);
	lower_mov_imm(s->x, R2, (int32_t)arg);
	lower_call(s->x, ABI_HELPER_tmp_apply);
}

static void push(struct side *s, const struct rule_expr *e);

static void push_field(struct side *s, const struct rule_expr *e)
{
	bool dict = s->f->leaves[s->leaf].field->type == TEMPLATE_DICT;

	load_field(s, e, R1);
	if (dict)
		return; /* picking from it pushed the value */
	lower_mov_imm(s->x, R2, take_fresh(s));
	lower_call(s->x, ABI_HELPER_tmp_push);
}

static void push_kids(struct side *s, const struct rule_expr *e)
{
	if (!e->n && s->fresh)
		push_text(s, "", 0); /* below the empty list, so that the stack has begun */
	for (uint32_t i = 0; i < e->n; i++)
		push(s, e->kids[i]);
}

static void push(struct side *s, const struct rule_expr *e)
{
	switch ((enum rule_expr_kind)e->kind) {
	case EXPR_FIELD:
		push_field(s, e);
		return;
	case EXPR_TEXT:
		push_text(s, e->text, e->len);
		return;
	case EXPR_LIST:
		push_kids(s, e);
		apply(s, HELPER_TMP_LIST, e->n);
		return;
	case EXPR_CALL:
		push_kids(s, e);
		if (e->call < HELPER_TMP_OPS)
			apply(s, (enum helper_tmp_op)e->call, e->call == HELPER_TMP_GETOPT ? e->option : e->n);
		return;
	}
}

/* R0 = handle of the computed value, or 0. */
static void compute(struct side *s, const struct rule_expr *e)
{
	push(s, e);
	lower_call(s->x, ABI_HELPER_tmp_get);
}

/* The number or handle in reg. */
static void load_side(struct side *s, const struct rule_expr *e, uint8_t reg)
{
	bool length = e->kind == EXPR_CALL && e->call == RULE_CALL_LEN;
	uint32_t first = s->leaf;

	while (e->kind == EXPR_CALL && (e->call == RULE_CALL_LEN || e->call == RULE_CALL_VAL))
		e = e->kids[0];
	if (e->kind == EXPR_FIELD) {
		load_field(s, e, reg);
	} else {
		compute(s, e);
		lower_jump_if(s->x, ISA_JEQ, R0, 0, s->w->no);
		lower_mov_reg(s->x, reg, R0);
	}
	if (!length)
		return;
	lower_mov_reg(s->x, R1, reg);
	if (result_type(s->f, e, first) == TEMPLATE_LIST) {
		lower_call(s->x, ABI_HELPER_list_len);
	} else {
		lower_mov_imm(s->x, R2, 0);
		lower_call(s->x, ABI_HELPER_str_len);
	}
	lower_mov_reg(s->x, reg, R0);
}

/* The value is there. A list without elements is not; its length is. */
static void lower_exists(struct side *s, const struct rule_expr *e)
{
	bool length = e->kind == EXPR_CALL && e->call == RULE_CALL_LEN;

	if (length)
		e = e->kids[0];
	compute(s, e);
	if (!length && result_type(s->f, e, 0) == TEMPLATE_LIST) {
		lower_jump_if(s->x, ISA_JEQ, R0, 0, s->w->no);
		lower_mov_reg(s->x, R1, R0);
		lower_call(s->x, ABI_HELPER_list_len);
	}
	lower_decide(s->x, ISA_JNE, R0, 0, s->w);
}

/* ---- two sides ---- */

static void compare_registers(struct side *s, enum isa_sem sem)
{
	bool next = s->w->yes_is_next;
	struct isa_insn in = isa_make(next ? lower_opposite(sem) : sem, 64, ISA_FORM_JRR, 0);

	in.dst = R7;
	in.src = R8;
	rule_emit_jump(s->x->code, in, next ? s->w->no : s->w->yes);
}

static bool is_order(enum rule_op op)
{
	return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
}

static void compare_handles(struct side *s, enum rule_op op, uint8_t type)
{
	struct lower *x = s->x;

	lower_mov_reg(x, R1, R7);
	if (type == TEMPLATE_LIST) {
		lower_mov_reg(x, R2, R8);
		lower_mov_imm(x, R3, op == OP_IN);
		lower_call(x, ABI_HELPER_list_in_list);
	} else if (type == TEMPLATE_IP || is_order(op)) {
		lower_mov_reg(x, R2, R8);
		lower_call(x, type == TEMPLATE_IP ? ABI_HELPER_ip_eq2 : ABI_HELPER_str_cmp2);
	} else {
		lower_mov_imm(x, R2, lower_text_test(op));
		lower_mov_reg(x, R3, R8);
		lower_call(x, ABI_HELPER_str_test2);
	}
	if (is_order(op))
		lower_decide(x, lower_sem_of(op, true), R0, 0, s->w);
	else
		lower_decide(x, op == OP_NE ? ISA_JEQ : ISA_JNE, R0, 0, s->w);
}

void lower_expr(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	const struct rule_check *k = f->check;
	struct side s = { .x = x, .f = f, .w = w, .fresh = true };
	uint8_t type = result_type(f, k->left, 0);

	if (k->op == OP_EXISTS) {
		lower_exists(&s, k->left);
		return;
	}
	load_side(&s, k->left, R7);
	if (k->right) {
		load_side(&s, k->right, R8);
		if (template_is_handle(type))
			compare_handles(&s, k->op, type);
		else
			compare_registers(&s, lower_sem_of(k->op, type == TEMPLATE_I64));
		return;
	}
	if (!template_is_handle(type)) {
		lower_compare_number(x, k, type, R7, w);
		return;
	}
	lower_mov_reg(x, R1, R7);
	if (type == TEMPLATE_LIST)
		lower_compare_list(x, k, type, 0, w);
	else
		lower_compare_text(x, k, w);
}
