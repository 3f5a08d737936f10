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

static const char *range(const struct dx_need *need, const char *name, char out[DX_TEXT])
{
	if (need->min > need->max)
		(void)snprintf(out, DX_TEXT, "no value of `%s` fits", name);
	else if (need->min == need->max)
		(void)snprintf(out, DX_TEXT, "`%s` == %" PRId64, name, need->min);
	else if (need->reg.n.smin >= need->min)
		(void)snprintf(out, DX_TEXT, "`%s` <= %" PRId64, name, need->max);
	else if (need->reg.n.smax <= need->max)
		(void)snprintf(out, DX_TEXT, "`%s` >= %" PRId64, name, need->min);
	else
		(void)snprintf(out, DX_TEXT, "`%s` >= %" PRId64 " && `%s` <= %" PRId64, name, need->min, name,
			       need->max);
	return out;
}

/* The comparison is of the number itself. */
static void same(struct dx *x, const struct dx_need *need, const struct dx_fact *f, const char *name)
{
	char says[DX_TEXT], cond[DX_TEXT], where[DX_NAME], r[DX_TEXT];

	dx_describe(x, &need->reg, says);
	dx_note(x, f->at, "what is compared here, %s, leaves %s", dx_condition(x, f, cond), says);
	if (dx_is_signed(f) && need->reg.n.smin < need->min && need->reg.n.smax <= need->max)
		dx_mend(x,
			"make `%s` unsigned, or also check that it is not %s at %s: `if (%s < %" PRId64 ") return 0;`",
			name, need->min ? "too small" : "negative", dx_where(x, f->at, where), name, need->min);
	else
		dx_mend(x, "make the check at %s stricter: needed is %s", dx_where(x, f->at, where),
			range(need, name, r));
}

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
			"load `%s` once into a local variable, check that variable and use it at %s; where the "
			"compiler "
			"loads it again nonetheless, make the load volatile",
			name, dx_where(x, need->at, b));
		return;
	case DX_HALF:
		dx_note(x, f->at, "only some bits are checked here (%s), all of `%s` is used at %s",
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
		dx_note(x, f->at, "what is checked here (%s) is computed from it, which says nothing of `%s` itself",
			dx_condition(x, f, cond), name);
		dx_mend(x, "check the number that is used: needed is %s before %s", range(need, name, r),
			dx_where(x, need->at, b));
	}
}

void dx_explain_bounds(struct dx *x, const struct dx_need *need)
{
	const struct dx_value *val = dx_value(x, need->value);
	enum dx_relation how;
	const struct dx_fact *f = dx_fact_about(x, need->value, &how);
	char name[DX_NAME], where[DX_NAME], r[DX_TEXT], says[DX_TEXT];

	if (!need->value)
		return;
	if (!dx_name(x, need->value, name))
		(void)snprintf(name, sizeof name, "r%u",
			       val->kind == DX_LOAD || val->kind == DX_ALU ? val->in->dst
			       : val->kind == DX_CALL                      ? 0
									   : 1);
	dx_note(x, need->at, "`%s` is %s here", name, dx_describe(x, &need->reg, says));
	dx_note_plain(x, "needed: %s%s%s", range(need, name, r), need->whose ? ": " : "",
		      need->whose ? need->whose : "");
	if (f && how == DX_SAME && need->min <= need->max) {
		same(x, need, f, name);
	} else if (f && how != DX_UNRELATED && how != DX_SAME_CALL && need->min <= need->max) {
		other_copy(x, need, f, how, name);
	} else if (need->min <= need->max) {
		dx_note_plain(x, "nothing on this path compares `%s`", name);
		dx_mend(x, "check `%s` before %s: needed is %s", name, dx_where(x, need->at, where),
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
