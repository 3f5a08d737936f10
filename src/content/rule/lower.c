/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower: a folded condition to eBPF.
 *
 * Each node gets two labels, where to go when it holds and when it does not, and knows which of them comes next; so
 * and, or and not cost no instructions. A comparison tests the field's presence bit, loads the slot, and compares or
 * calls a helper. A field whose presence was tested on every way to here is not tested again. R6 holds the context;
 * nothing else lives across a comparison.
 */
#include "content/rule/lower.h"
#include "engine/helpers/helpers.h"

enum { KNOWN_WORDS = TEMPLATE_PRESENCE_BYTES / 8 };

struct known {
	uint64_t w[KNOWN_WORDS];
};

/* ---- single instructions ---- */

void lower_mov_imm(struct lower *x, uint8_t dst, int32_t imm)
{
	struct isa_insn in = isa_make(ISA_MOV, 64, ISA_FORM_RI, 0);

	in.dst = dst;
	in.imm = imm;
	rule_emit(x->code, in);
}

void lower_mov_reg(struct lower *x, uint8_t dst, uint8_t src)
{
	struct isa_insn in = isa_make(ISA_MOV, 64, ISA_FORM_RR, 0);

	in.dst = dst;
	in.src = src;
	rule_emit(x->code, in);
}

void lower_load_ctx(struct lower *x, uint8_t dst, uint32_t off)
{
	struct isa_insn in = isa_make(ISA_LDX, 64, ISA_FORM_LDX, 0);

	in.dst = dst;
	in.src = R6;
	in.off = (int32_t)off;
	rule_emit(x->code, in);
}

void lower_load_imm64(struct lower *x, uint8_t dst, enum isa_imm64 kind, int64_t imm, uint32_t off)
{
	struct isa_insn in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, kind), pad = { .sem = ISA_PAD };

	in.dst = dst;
	in.imm = imm;
	in.off = (int32_t)off;
	rule_emit(x->code, in);
	rule_emit(x->code, pad);
}

void lower_call(struct lower *x, enum abi_helper_id id)
{
	struct isa_insn in = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER);

	in.imm = id;
	rule_emit(x->code, in);
}

static void finish_program(struct lower *x, int32_t r0)
{
	lower_mov_imm(x, R0, r0);
	rule_emit(x->code, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0));
}

static void jump_always(struct lower *x, struct rule_label *to)
{
	rule_emit_jump(x->code, isa_make(ISA_JA, 64, ISA_FORM_J, 0), to);
}

/* if (reg SEM value) goto to; uses R2 for values that need 64 bits. */
void lower_jump_if(struct lower *x, enum isa_sem sem, uint8_t reg, int64_t value, struct rule_label *to)
{
	bool small = value == (int32_t)value;
	struct isa_insn in;

	if (!small)
		lower_load_imm64(x, R2, ISA_IMM64_VALUE, value, 0);
	in = isa_make(sem, 64, small ? ISA_FORM_JRI : ISA_FORM_JRR, 0);
	in.dst = reg;
	in.src = small ? 0 : R2;
	in.imm = small ? value : 0;
	rule_emit_jump(x->code, in, to);
}

enum isa_sem lower_opposite(enum isa_sem sem)
{
	switch (sem) {
	case ISA_JEQ:
		return ISA_JNE;
	case ISA_JNE:
		return ISA_JEQ;
	case ISA_JLT:
		return ISA_JGE;
	case ISA_JLE:
		return ISA_JGT;
	case ISA_JGT:
		return ISA_JLE;
	case ISA_JGE:
		return ISA_JLT;
	case ISA_JSLT:
		return ISA_JSGE;
	case ISA_JSLE:
		return ISA_JSGT;
	case ISA_JSGT:
		return ISA_JSLE;
	case ISA_JSGE:
		return ISA_JSLT;
	default:
		assert(false && "a comparison with an opposite");
		abort();
	}
}

/* The last jump of a comparison, which holds when reg SEM value. */
void lower_decide(struct lower *x, enum isa_sem sem, uint8_t reg, int64_t value, const struct way *w)
{
	if (w->yes_is_next)
		lower_jump_if(x, lower_opposite(sem), reg, value, w->no);
	else
		lower_jump_if(x, sem, reg, value, w->yes);
}

/* ---- presence ---- */

/* R1 and a mask whose bit says whether the field is there. */
static struct isa_insn test_presence(struct lower *x, uint32_t id)
{
	struct isa_insn shift, in = isa_make(ISA_JSET, 64, ISA_FORM_JRI, 0);
	uint32_t bit = id & 63;

	lower_load_ctx(x, R1, (id >> 6) * 8);
	in.dst = R1;
	in.imm = bit < 31 ? 1ll << bit : 1;
	if (bit >= 31) {
		shift = isa_make(ISA_RSH, 64, ISA_FORM_RI, 0);
		shift.dst = R1;
		shift.imm = bit;
		rule_emit(x->code, shift);
	}
	return in;
}

static void need_present(struct lower *x, uint32_t id, struct rule_label *missing)
{
	struct rule_label here = rule_label();

	rule_emit_jump(x->code, test_presence(x, id), &here);
	jump_always(x, missing);
	rule_bind(x->code, &here);
}

static void decide_present(struct lower *x, uint32_t id, const struct way *w)
{
	if (w->yes_is_next)
		need_present(x, id, w->no);
	else
		rule_emit_jump(x->code, test_presence(x, id), w->yes);
}

/* ---- numbers ---- */

int64_t rule_number(const struct rule_value *v, uint8_t type)
{
	uint64_t u = 0;
	bool good = rule_value_number(type, v->p, v->len, &u);

	assert(good && "rule_check_types judged the value");
	return (int64_t)u;
}

enum isa_sem lower_sem_of(enum rule_op op, bool is_signed)
{
	switch (op) {
	case OP_NE:
		return ISA_JNE;
	case OP_LT:
		return is_signed ? ISA_JSLT : ISA_JLT;
	case OP_LE:
		return is_signed ? ISA_JSLE : ISA_JLE;
	case OP_GT:
		return is_signed ? ISA_JSGT : ISA_JGT;
	case OP_GE:
		return is_signed ? ISA_JSGE : ISA_JGE;
	default:
		return ISA_JEQ;
	}
}

void lower_compare_number(struct lower *x, const struct rule_check *k, uint8_t type, uint8_t reg, const struct way *w)
{
	for (uint32_t i = 0; i + 1 < k->n_values; i++)
		lower_jump_if(x, ISA_JEQ, reg, rule_number(&k->values[i], type), w->yes);
	lower_decide(x, lower_sem_of(k->op, type == TEMPLATE_I64), reg, rule_number(&k->values[k->n_values - 1], type),
		     w);
}

static void lower_number(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	const struct rule_check *k = f->check;
	uint8_t type = f->field->type;

	lower_load_ctx(x, R1, template_slot_off(f->id));
	lower_compare_number(x, k, type, R1, w);
}

/* ---- literals ---- */

static void stick(struct lower *x, enum err err)
{
	if (err && !x->code->err)
		x->code->err = err;
}

/* ptr = the bytes, size = how many. */
void lower_load_literal(struct lower *x, uint8_t ptr, uint8_t size, const void *bytes, size_t len)
{
	uint32_t off = 0;

	if (!len) {
		lower_mov_imm(x, ptr, 0); /* any initialised value will do for no bytes */
	} else {
		stick(x, rule_pool_add(x->pool, bytes, len, &off));
		lower_load_imm64(x, ptr, ISA_IMM64_MAP_VALUE, 0, off);
	}
	lower_mov_imm(x, size, (int32_t)len);
}

/* The same for the packed set of a comparison's values. */
static void load_set(struct lower *x, uint8_t ptr, uint8_t size, const struct rule_check *k, bool nets)
{
	uint32_t off = 0, len = 0;

	stick(x, rule_pool_set(x->pool, k->values, k->n_values, nets, &off, &len));
	lower_load_imm64(x, ptr, ISA_IMM64_MAP_VALUE, 0, off);
	lower_mov_imm(x, size, (int32_t)len);
}

/* ---- strings ---- */

static const enum abi_helper_id text_tests[OP_COUNT] = {
	[OP_CONTAINS] = ABI_HELPER_str_contains,
	[OP_BCONTAINS] = ABI_HELPER_str_contains,
	[OP_ICONTAINS] = ABI_HELPER_str_icontains,
	[OP_STARTSWITH] = ABI_HELPER_str_startswith,
	[OP_BSTARTSWITH] = ABI_HELPER_str_startswith,
	[OP_ENDSWITH] = ABI_HELPER_str_endswith,
	[OP_GLOB] = ABI_HELPER_str_glob,
	[OP_IGLOB] = ABI_HELPER_str_iglob,
#ifdef SALLYPORT_TEST_FAULTS
	[OP_FAULTY] = ABI_HELPER_test_fault,
#endif
};

enum abi_helper_id lower_text_test(enum rule_op op)
{
	return text_tests[op] ? text_tests[op] : ABI_HELPER_str_eq;
}

/* What one value is asked, or all values of an operator that takes a set. */
static enum abi_helper_id string_predicate(const struct rule_check *k)
{
	switch ((enum rule_op)k->op) {
	case OP_PMATCH:
		return ABI_HELPER_str_pmatch;
	case OP_REGEX:
		return ABI_HELPER_str_regex;
	case OP_IN:
	case OP_INTERSECTS:
		return k->n_values == 1 ? ABI_HELPER_str_eq : ABI_HELPER_str_in;
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		return ABI_HELPER_str_cmp;
	default:
		return lower_text_test(k->op);
	}
}

static bool any_of(const struct rule_check *k, enum rule_op op)
{
	return k->modifier == MOD_ANYOF && k->op == op;
}

uint32_t rule_string_helper(const struct rule_check *k)
{
	if (any_of(k, OP_EQ) && !k->transforms)
		return ABI_HELPER_str_in;
	if (any_of(k, OP_STARTSWITH) && !k->transforms)
		return ABI_HELPER_str_startswith_in;
	return k->modifier || k->transforms ? ABI_HELPER_str_ask : string_predicate(k);
}

/* The packed question, for what no predicate answers alone. negate: != is part of it. */
static void load_question(struct lower *x, uint8_t ptr, uint8_t size, const struct rule_check *k, bool negate)
{
	static const uint8_t modes[] = {
		[MOD_NONE] = HELPER_ANY, [MOD_ANYOF] = HELPER_ANY, [MOD_ALLOF] = HELPER_ALL, [MOD_ONEOF] = HELPER_ONE
	};
	struct helper_question q = {
		.test = string_predicate(k), .transforms = k->transforms, .mode = modes[k->modifier], .negate = negate
	};
	uint32_t off = 0, len = 0;

	stick(x, rule_pool_question(x->pool, k->values, k->n_values, &q, &off, &len));
	lower_load_imm64(x, ptr, ISA_IMM64_MAP_VALUE, 0, off);
	lower_mov_imm(x, size, (int32_t)len);
}

static void load_regex(struct lower *x, uint8_t ptr, uint8_t size, const struct rule_check *k)
{
	uint32_t off = 0, len = 0;

	stick(x, rule_pool_regex(x->pool, k->values, &off, &len));
	lower_load_imm64(x, ptr, ISA_IMM64_MAP_VALUE, 0, off);
	lower_mov_imm(x, size, (int32_t)len);
}

static void load_operand(struct lower *x, uint8_t ptr, uint8_t size, const struct rule_check *k,
			 enum abi_helper_id helper)
{
	if (helper == ABI_HELPER_str_ask)
		load_question(x, ptr, size, k, k->modifier && k->op == OP_NE);
	else if (helper == ABI_HELPER_str_regex)
		load_regex(x, ptr, size, k);
	else if (helper == ABI_HELPER_str_in || helper == ABI_HELPER_str_pmatch ||
		 helper == ABI_HELPER_str_startswith_in)
		load_set(x, ptr, size, k, false);
	else
		lower_load_literal(x, ptr, size, k->values->p, k->values->len);
}

void lower_pick(struct lower *x, uint8_t type, int32_t index, const char *key, uint32_t key_len, bool fresh)
{
	if (key) {
		lower_load_literal(x, R2, R3, key, key_len);
		lower_mov_imm(x, R4, fresh);
		lower_call(x, ABI_HELPER_dict_key);
		return;
	}
	lower_mov_imm(x, R2, index);
	if (type == TEMPLATE_DICT)
		lower_mov_imm(x, R3, fresh);
	lower_call(x, type == TEMPLATE_DICT ? ABI_HELPER_dict_at : ABI_HELPER_list_get);
}

/* An element or value, not the field as a whole. */
static bool picked(const struct rule_check *k)
{
	return k->index >= 0 || k->key;
}

static void pick(struct lower *x, const struct rule_fold *f)
{
	const struct rule_check *k = f->check;

	lower_load_ctx(x, R1, template_slot_off(f->id));
	lower_pick(x, f->field->type, k->index, k->key, k->key_len, true);
}

/* The element of an indexed list, else the field itself, in R1. */
static void load_string(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	if (!picked(f->check)) {
		lower_load_ctx(x, R1, template_slot_off(f->id));
		return;
	}
	pick(x, f);
	lower_jump_if(x, ISA_JEQ, R0, 0, w->no);
	lower_mov_reg(x, R1, R0);
}

void lower_compare_text(struct lower *x, const struct rule_check *k, const struct way *w)
{
	enum abi_helper_id helper = rule_string_helper(k);

	load_operand(x, R2, R3, k, helper);
	lower_call(x, helper);
	if (helper == ABI_HELPER_str_cmp)
		lower_decide(x, lower_sem_of(k->op, true), R0, 0, w);
	else
		lower_decide(x, k->op == OP_NE && !k->modifier ? ISA_JEQ : ISA_JNE, R0, 0, w);
}

static void lower_string(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	load_string(x, f, w);
	lower_compare_text(x, f->check, w);
}

/* Of text in bytes, of a whole list in elements. */
static void lower_length(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	bool list = f->field->type == TEMPLATE_LIST && !picked(f->check);

	load_string(x, f, w);
	if (!list)
		lower_mov_imm(x, R2, f->check->transforms);
	lower_call(x, list ? ABI_HELPER_list_len : ABI_HELPER_str_len);
	lower_compare_number(x, f->check, TEMPLATE_U64, R0, w);
}

/* An element exists: the lookup itself decides. */
static void lower_element_exists(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	pick(x, f);
	lower_decide(x, ISA_JNE, R0, 0, w);
}

/*
 * One element is enough, but for `in` on a list, which wants every element there, and for domain names that are all to
 * differ.
 */
void lower_compare_list(struct lower *x, const struct rule_check *k, uint8_t type, int32_t first, const struct way *w)
{
	bool differ = k->op == OP_NE && !k->modifier;
	bool all = (type == TEMPLATE_LIST && k->op == OP_IN) || (type == TEMPLATE_NAMES && differ);
	enum abi_helper_id helper = differ ? ABI_HELPER_str_ask : rule_string_helper(k);

	lower_mov_imm(x, R2, helper);
	if (differ)
		load_question(x, R3, R4, k, true);
	else
		load_operand(x, R3, R4, k, helper);
	lower_mov_imm(x, R5, first);
	lower_call(x, all ? ABI_HELPER_list_all : ABI_HELPER_list_any);
	lower_decide(x, ISA_JNE, R0, 0, w);
}

/* Of ancestors the process itself (0) does not count. */
static void lower_list(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	int32_t first = f->field->type == TEMPLATE_ANCESTRY;

	lower_load_ctx(x, R1, template_slot_off(f->id));
	if (f->check->op == OP_EXISTS) {
		lower_call(x, ABI_HELPER_list_len);
		lower_decide(x, ISA_JGT, R0, first, w);
		return;
	}
	lower_compare_list(x, f->check, f->field->type, first, w);
}

/* ---- addresses ---- */

static void lower_address(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	const struct rule_check *k = f->check;
	struct helper_net net;
	bool one = k->n_values == 1 && rule_value_net(k->values->p, k->values->len, &net) &&
		   net.prefix == 8 * net.addr_len;

	lower_load_ctx(x, R1, template_slot_off(f->id));
	if (one)
		lower_load_literal(x, R2, R3, net.addr, net.addr_len);
	else
		load_set(x, R2, R3, k, true);
	lower_call(x, one ? ABI_HELPER_ip_eq : ABI_HELPER_ip_in_net);
	lower_decide(x, k->op == OP_NE ? ISA_JEQ : ISA_JNE, R0, 0, w);
}

/* ---- conditions ---- */

static void lower_value(struct lower *x, const struct rule_fold *f, const struct way *w)
{
	if (f->check->left) {
		lower_expr(x, f, w);
		return;
	}
	if (f->check->length && f->check->op != OP_EXISTS) {
		lower_length(x, f, w);
		return;
	}
	switch ((enum template_field_type)f->field->type) {
	case TEMPLATE_BOOL:
	case TEMPLATE_U64:
	case TEMPLATE_I64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
		lower_number(x, f, w);
		return;
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		lower_string(x, f, w);
		return;
	case TEMPLATE_IP:
		lower_address(x, f, w);
		return;
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		if (!picked(f->check))
			lower_list(x, f, w);
		else if (f->check->op == OP_EXISTS)
			lower_element_exists(x, f, w);
		else
			lower_string(x, f, w);
		return;
	}
}

/* Every field of the comparison is there, or it does not hold. */
static void need_leaves(struct lower *x, const struct rule_fold *f, const struct way *w, struct known *yes)
{
	for (uint32_t i = 0; i < f->n_leaves; i++) {
		uint32_t id = f->leaves[i].id;
		uint64_t *word = &yes->w[id >> 6], bit = 1ull << (id & 63);

		x->used[id] = true;
		if (!(*word & bit))
			need_present(x, id, w->no);
		*word |= bit;
	}
}

/* A predicate of the type: ask for its answer. */
static void lower_shared(struct lower *x, const struct rule_fold *f, int32_t number, const struct way *w)
{
	x->asked[f->id] = true;
	lower_mov_imm(x, R1, number);
	lower_call(x, ABI_HELPER_holds);
	lower_decide(x, ISA_JNE, R0, 0, w);
}

static void lower_check(struct lower *x, const struct rule_fold *f, const struct way *w, struct known *yes)
{
	bool handles = (f->field->type >= TEMPLATE_LIST && (!f->check->length || picked(f->check))) || f->check->left;
	uint64_t *word = &yes->w[f->id >> 6], bit = 1ull << (f->id & 63);
	int32_t number = x->share ? rule_share_check(x->share, f) : -1;

	if (number >= 0) {
		lower_shared(x, f, number, w);
		return;
	}
	x->used[f->id] = true;
	if (f->check->op == OP_EXISTS && !handles) {
		decide_present(x, f->id, w); /* tested even when known: code behind a constant could not be reached */
	} else {
		need_leaves(x, f, w, yes);
		if (!(*word & bit))
			need_present(x, f->id, w->no);
		lower_value(x, f, w);
	}
	*word |= bit;
}

static void lower_node(struct lower *x, const struct rule_fold *f, const struct way *w, struct known *yes,
		       struct known *no);

/*
 * and: each kid but the last goes on to the next when it holds, to `no` when not; or: the other way round.
 * known: what is present at the start, and then along the way; *leave collects what is present wherever a kid leaves
 * early.
 */
static void lower_many(struct lower *x, const struct rule_fold *f, const struct way *w, struct known *along,
		       struct known *leave)
{
	bool and = f->kind == FOLD_AND;
	struct known out;

	memset(leave, 0xff, sizeof *leave);
	for (uint32_t i = 0; i < f->n; i++) {
		struct rule_label next = rule_label();
		bool last = i + 1 == f->n;
		struct way kid = *w;

		if (!last && and)
			kid = (struct way){ .yes = &next, .no = w->no, .yes_is_next = true };
		else if (!last)
			kid = (struct way){ .yes = w->yes, .no = &next, .yes_is_next = false };
		out = *along;
		if (and)
			lower_node(x, f->kids[i], &kid, along, &out);
		else
			lower_node(x, f->kids[i], &kid, &out, along);
		for (unsigned k = 0; k < KNOWN_WORDS; k++)
			leave->w[k] &= out.w[k];
		rule_bind(x->code, &next);
	}
}

/* yes, no: on entry both hold what is known to be present; on return, what is when the node holds, and when not. */
static void lower_node(struct lower *x, const struct rule_fold *f, const struct way *w, struct known *yes,
		       struct known *no)
{
	struct way other;

	switch ((enum rule_fold_kind)f->kind) {
	case FOLD_CHECK:
		lower_check(x, f, w, yes);
		return;
	case FOLD_NOT:
		other = (struct way){ .yes = w->no, .no = w->yes, .yes_is_next = !w->yes_is_next };
		lower_node(x, f->kids[0], &other, no, yes);
		return;
	case FOLD_AND:
		lower_many(x, f, w, yes, no);
		return;
	case FOLD_OR:
		lower_many(x, f, w, no, yes);
		return;
	case FOLD_FALSE:
	case FOLD_TRUE:
		assert(false && "constants are folded away");
	}
}

FALLIBLE rule_lower(const struct rule_fold *f, struct rule_pool *pool, struct rule_share *share, struct rule_code *code,
		    bool *used, bool *asked)
{
	struct lower x = { .code = code, .pool = pool, .share = share, .used = used, .asked = asked };
	struct rule_label yes = rule_label(), no = rule_label();
	struct way w = { .yes = &yes, .no = &no, .yes_is_next = true };
	struct known known_yes = { { 0 } }, known_no = { { 0 } };

	if (f->kind == FOLD_TRUE) {
		finish_program(&x, 1);
		return code->err;
	}
	lower_mov_reg(&x, R6, R1);
	lower_node(&x, f, &w, &known_yes, &known_no);
	rule_bind(code, &yes);
	finish_program(&x, 1);
	rule_bind(code, &no);
	finish_program(&x, 0);
	return code->err;
}
