/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose_bounds: a number that must lie in a range: where it comes from, what was compared on the way, why that is
 * not enough, and the comparison that would be.
 */
#include "engine/kverify/diagnose.h"

#include <inttypes.h>

void dx_note_origin(struct dx *x, uint32_t v, unsigned reg)
{
	const struct dx_value *val = dx_value(x, v);
	const char *text = v ? dx_line_text(x, x->step[val->at].insn) : "";
	char name[DX_NAME], called[DX_NAME + 16], callee[DX_NAME];
	bool named = dx_name(x, v, name);

	if (!v || val->kind == DX_ENTRY || val->kind == DX_UNKNOWN || val->kind == DX_ADDRESS)
		return;
	if (named)
		(void)snprintf(called, sizeof called, "`%s` (r%u)", name, reg);
	else
		(void)snprintf(called, sizeof called, "r%u", reg);
	if (val->kind == DX_CALL)
		dx_note(x, val->at, "%s is what %s gave here", called,
			dx_callee(x, val->in, x->step[val->at].insn, callee));
	else if (val->kind == DX_LOAD)
		dx_note(x, val->at, "%s is loaded here%s%.120s%s", called, text[0] ? ": `" : "", text,
			text[0] ? "`" : "");
	else if (val->kind == DX_GONE)
		dx_note(x, val->at, "r%u is gone after the call of %s: calls keep r6 to r9 only", reg,
			dx_callee(x, dx_insn(x, val->at), x->step[val->at].insn, callee));
	else if (val->kind == DX_CONST)
		dx_note(x, val->at, "%s is set to %" PRId64 " here", called, val->imm);
	else
		dx_note(x, val->at, "%s is computed here%s%.120s%s", called, text[0] ? ": `" : "", text,
			text[0] ? "`" : "");
}

/* "`len` <= 64" */
static const char *range(const struct dx_need *need, const char *name, char out[DX_TEXT])
{
	char max[DX_NAME];

	if (need->limit)
		(void)snprintf(max, sizeof max, "%s", need->limit);
	else
		(void)snprintf(max, sizeof max, "%" PRId64, need->max);
	if (need->min > need->max)
		(void)snprintf(out, DX_TEXT, "no value of %s fits", name);
	else if (need->min == need->max)
		(void)snprintf(out, DX_TEXT, "%s == %" PRId64, name, need->min);
	else if (need->reg.n.smin >= need->min)
		(void)snprintf(out, DX_TEXT, "%s <= %s", name, max);
	else if (need->reg.n.smax <= need->max)
		(void)snprintf(out, DX_TEXT, "%s >= %" PRId64, name, need->min);
	else
		(void)snprintf(out, DX_TEXT, "%s >= %" PRId64 " and %s <= %s", name, need->min, name, max);
	return out;
}

/* The comparison is of the number itself. */
static void same(struct dx *x, const struct dx_need *need, const struct dx_fact *f, const char *name)
{
	char says[DX_TEXT], cond[DX_TEXT], where[DX_NAME], r[DX_TEXT];

	dx_describe(x, &need->reg, says);
	dx_note(x, f->at, "what is compared here, %s, leaves %s", dx_condition(x, f, cond), says);
	dx_where(x, f->at, where);
	if (need->reg.n.smin < need->min && need->reg.n.smax <= need->max && !need->min)
		dx_mend(x,
			"the comparison at %s is signed and leaves negative numbers: make %s unsigned, or also check "
			"that %s "
			">= 0",
			where, name, name);
	else if (need->reg.n.smin < need->min && need->reg.n.smax <= need->max)
		dx_mend(x, "at %s also check the lower end: needed is %s", where, range(need, name, r));
	else
		dx_mend(x, "make the check at %s stricter: needed is %s", where, range(need, name, r));
}

/* ---- counters of loops ---- */

static uint32_t times(const struct dx *x, uint32_t insn)
{
	uint32_t n = 0;

	for (uint32_t at = 0; at < x->n; at++)
		n += x->step[at].insn == insn;
	return n;
}

/* Constants that were added are taken off, down to what the counter began with. */
static const struct dx_value *start_of(const struct dx *x, uint32_t v)
{
	const struct dx_value *val = dx_value(x, v);

	while ((val->kind == DX_ALU && !val->b && val->in->sem == ISA_ADD) || val->kind == DX_LOW)
		val = dx_value(x, val->a);
	return val;
}

/* The branch that the loop comes back by: the last one on the path that it meets more than once. */
static const struct dx_fact *loop_branch(const struct dx *x)
{
	for (uint32_t i = x->n_facts; i--;)
		if (times(x, x->step[x->fact[i].at].insn) > 1)
			return &x->fact[i];
	return NULL;
}

/* A number that grows by 1 in each round of a loop, from a constant, has grown too large. */
static bool counter(struct dx *x, const struct dx_need *need)
{
	const struct dx_value *val = dx_value(x, need->value), *start = start_of(x, need->value);
	const struct dx_fact *f = loop_branch(x);
	char where[DX_NAME], cond[DX_TEXT], says[DX_TEXT], bound[DX_NAME], quote[DX_TEXT] = "";
	uint32_t insn;
	unsigned other;

	if (val->kind != DX_ALU || val->b || val->imm != 1 || start->kind != DX_CONST || !f || need->max < start->imm)
		return false;
	insn = x->step[f->at].insn;
	if (dx_line_text(x, insn)[0])
		(void)snprintf(quote, sizeof quote, ", `%.80s`,", dx_line_text(x, insn));
	dx_where(x, f->at, where);
	dx_note(x, f->at, "this is round %u of the loop at %s%s which goes on while %s",
		times(x, x->step[need->at].insn), where, quote, dx_condition(x, f, cond));
	other = x->step[f->at].r[f->in->dst].base == KR_SCALAR && kreg_is_const(&x->step[f->at].r[f->in->dst])
			? f->in->src
			: f->in->dst;
	if (!dx_name(x, other == f->in->dst ? f->a : f->b, bound))
		(void)snprintf(bound, sizeof bound, "%s", "its bound");
	dx_note_plain(x, "`%s` is %s there: %" PRId64 " rounds fit", bound,
		      dx_describe(x, &x->step[f->at].r[other], says), need->max - start->imm + 1);
	dx_mend(x, "stop the loop at %s after %" PRId64 " rounds, whatever `%s` is: `i < %" PRId64 " && ...`", where,
		need->max - start->imm + 1, bound, need->max - start->imm + 1);
	return true;
}

/* ---- copies ---- */

static const char *why_forgotten(const struct dx *x, uint32_t from, uint32_t to)
{
	for (uint32_t at = from; at < to; at++)
		if (dx_insn(x, at)->sem == ISA_CALL)
			return "a call between them may have changed it";
	return "the memory may change between the two";
}

static void other_copy(struct dx *x, const struct dx_need *need, const struct dx_fact *f, enum dx_relation how,
		       const char *name)
{
	uint32_t made = dx_value(x, need->value)->at;
	char cond[DX_TEXT], a[DX_NAME], b[DX_NAME], r[DX_TEXT];

	switch (how) {
	case DX_RELOADED:
		dx_note(x, f->at, "a copy is checked here (%s), which the program loads again at %s: %s",
			dx_condition(x, f, cond), dx_where(x, made, a), why_forgotten(x, f->at, made));
		dx_mend(x,
			"load %s once into a local variable, check that variable and use it at %s; where the "
			"compiler "
			"loads it again nonetheless, make the load volatile",
			name, dx_where(x, need->at, b));
		return;
	case DX_HALF:
		dx_note(x, f->at, "only some bits are checked here (%s), all of %s is used at %s",
			dx_condition(x, f, cond), name, dx_where(x, need->at, a));
		dx_mend(x,
			"keep what is checked at %s in a variable of its own (`u32`) and use that at %s, or check all "
			"64 "
			"bits: %s",
			dx_where(x, f->at, a), dx_where(x, need->at, b), range(need, name, r));
		return;
	case DX_BEFORE:
		dx_note(x, f->at, "what is checked here (%s) is changed at %s", dx_condition(x, f, cond),
			dx_where(x, made, a));
		dx_mend(x, "check the result: needed is %s, between %s and %s", range(need, name, r),
			dx_where(x, made, a), dx_where(x, need->at, b));
		return;
	default:
		dx_note(x, f->at, "what is checked here (%s) is computed from it, which says nothing of %s itself",
			dx_condition(x, f, cond), name);
		dx_mend(x, "check the number that is used: needed is %s before %s", range(need, name, r),
			dx_where(x, need->at, b));
	}
}

static const char *called(const struct dx *x, const struct dx_need *need, char out[DX_NAME + 16])
{
	const struct dx_value *val = dx_value(x, need->value);
	char name[DX_NAME];

	if (need->name)
		(void)snprintf(out, DX_NAME + 16, "`%s`", need->name);
	else if (dx_name(x, need->value, name))
		(void)snprintf(out, DX_NAME + 16, "`%s`", name);
	else if (val->kind == DX_LOAD || val->kind == DX_ALU || val->kind == DX_CONST)
		(void)snprintf(out, DX_NAME + 16, "the number in r%u", val->in->dst);
	else
		(void)snprintf(out, DX_NAME + 16, "the number");
	return out;
}

void dx_explain_bounds(struct dx *x, const struct dx_need *need)
{
	enum dx_relation how;
	const struct dx_fact *f = dx_fact_about(x, need->value, &how);
	char name[DX_NAME + 16], where[DX_NAME], r[DX_TEXT], says[DX_TEXT];

	if (!need->value)
		return;
	called(x, need, name);
	dx_note(x, need->at, "%s is %s here", name, dx_describe(x, &need->reg, says));
	dx_note_plain(x, "needed: %s%s%s", range(need, name, r), need->whose ? ": " : "",
		      need->whose ? need->whose : "");
	if (need->min > need->max || counter(x, need))
		return;
	if (f && how == DX_SAME) {
		same(x, need, f, name);
	} else if (f && how != DX_UNRELATED && how != DX_SAME_CALL) {
		other_copy(x, need, f, how, name);
	} else {
		dx_note_plain(x, "nothing on this path compares %s", name);
		dx_mend(x, "check %s before %s: needed is %s", name, dx_where(x, need->at, where),
			range(need, name, r));
	}
}

void dx_explain_null(struct dx *x, uint32_t v, unsigned reg)
{
	const struct dx_value *val = dx_value(x, v);
	enum dx_relation how;
	const struct dx_fact *f = dx_fact_about(x, v, &how);
	char name[DX_NAME], where[DX_NAME], made[DX_NAME], again[DX_NAME];

	if (!v)
		return;
	if (!dx_name(x, v, name))
		(void)snprintf(name, sizeof name, "r%u", reg);
	dx_note_origin(x, v, reg);
	dx_where(x, x->n - 1, where);
	if (f && how == DX_SAME_CALL) {
		dx_note(x, f->at, "what is tested here is what another call gave, at %s",
			dx_where(x, dx_value(x, f->a)->at, made));
		dx_mend(x, "test `%s` too, between %s and %s: `if (!%s) return 0;`; or use the pointer of %s again",
			name, dx_where(x, val->at, again), where, name, made);
	} else {
		dx_note_plain(x, "nothing on this path tests `%s` for NULL", name);
		dx_mend(x, "test `%s` for NULL before %s: `if (!%s) return 0;`", name, where, name);
	}
}
