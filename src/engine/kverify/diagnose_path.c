/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_path: which way the program goes to the instruction that fails, branch by branch. */
#include "engine/kverify/diagnose.h"

enum { FIRST = 3, LAST = 5 };

uint32_t dx_last_call(const struct dx *x, uint32_t helper, uint32_t before)
{
	for (uint32_t at = before; at--;) {
		const struct isa_insn *in = dx_insn(x, at);

		if (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER && in->imm == helper)
			return at;
	}
	return UINT32_MAX;
}

/* Line tables give one row to conditions that the compiler put together: then the text is of another one. */
static bool has_line_of_its_own(const struct dx *x, uint32_t insn)
{
	const struct prog_line *l = prog_line_at(x->p, insn);

	if (!l)
		return false;
	for (uint32_t i = l->insn; i < insn; i++)
		if (isa_is_cond_jump(&x->p->insns[i]))
			return false;
	return true;
}

static void note_branch(struct dx *x, const struct dx_fact *f, uint32_t rounds)
{
	uint32_t insn = x->step[f->at].insn;
	char cond[DX_TEXT], times[40] = "", quote[DX_TEXT] = "";
	const char *text = dx_line_text(x, insn);

	if (rounds > 1)
		(void)snprintf(times, sizeof times, ", the last of %u times", rounds);
	if (has_line_of_its_own(x, insn) && strlen(text) > 2)
		(void)snprintf(quote, sizeof quote, ": `%.100s`", text);
	dx_note(x, f->at, "path%s: here %s%s", quote, dx_condition(x, f, cond), times);
}

static uint32_t rounds_of(const struct dx *x, uint32_t i)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k <= i; k++)
		n += x->step[x->fact[k].at].insn == x->step[x->fact[i].at].insn;
	return n;
}

/* Is this the last time that the path comes to this branch? */
static bool is_last(const struct dx *x, uint32_t i)
{
	for (uint32_t k = i + 1; k < x->n_facts; k++)
		if (x->step[x->fact[k].at].insn == x->step[x->fact[i].at].insn)
			return false;
	return true;
}

/* Each branch once, as it was the last time; of many the first and the last ones. */
void dx_note_path(struct dx *x)
{
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; i < x->n_facts; i++)
		n += is_last(x, i);
	for (uint32_t i = 0; i < x->n_facts; i++) {
		if (!is_last(x, i))
			continue;
		if (n <= FIRST + LAST || k < FIRST || k >= n - LAST)
			note_branch(x, &x->fact[i], rounds_of(x, i));
		else if (k == FIRST)
			dx_note_plain(x, "path: %u more branch%s", n - FIRST - LAST, n - FIRST - LAST == 1 ? "" : "es");
		k++;
	}
}
