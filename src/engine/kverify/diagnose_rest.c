/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_rest: what is held at the end of a path, registers that are not set, loops, and what a kernel does not have.
 */
#include "engine/kverify/diagnose.h"

#include <inttypes.h>

/* ---- references and locks ---- */

static const char *release_of(const struct isa_insn *in)
{
	static const struct {
		uint32_t helper;
		const char *release;
	} rows[] = {
		{ 84, "bpf_sk_release" },
		{ 85, "bpf_sk_release" },
		{ 99, "bpf_sk_release" },
		{ 131, "bpf_ringbuf_submit or bpf_ringbuf_discard" },
		{ 198, "bpf_ringbuf_submit_dynptr or bpf_ringbuf_discard_dynptr" },
		{ 194, "the release function of its type, or put it back with bpf_kptr_xchg" },
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (in->aux == ISA_CALL_HELPER && in->imm == rows[i].helper)
			return rows[i].release;
	return NULL;
}

static uint32_t step_of_insn(const struct dx *x, uint32_t insn)
{
	for (uint32_t at = x->n; at--;)
		if (x->step[at].insn == insn)
			return at;
	return UINT32_MAX;
}

/* The last branch on the path: the way on which it was forgotten. */
static void mend_on_path(struct dx *x, const char *what, const char *from)
{
	char cond[DX_TEXT], where[DX_NAME];
	const struct dx_fact *f = x->n_facts ? &x->fact[x->n_facts - 1] : NULL;

	if (f)
		dx_mend(x, "call %s on the way out that starts at %s, where %s (taken at %s)", what,
			dx_where(x, f->at, where), dx_condition(x, f, cond), from);
	else
		dx_mend(x, "call %s before the program returns (taken at %s)", what, from);
}

static void leaked(struct dx *x)
{
	const struct kverify_state *s = &x->v->cur;
	const struct kref *ref = s->n_refs ? &s->refs[s->n_refs - 1] : NULL;
	uint32_t at = ref ? step_of_insn(x, ref->insn) : UINT32_MAX;
	const struct isa_insn *in;
	const char *release, *right;
	const struct prog_line *l;
	char name[DX_NAME], it[DX_NAME + 8], callee[DX_NAME], where[DX_NAME], what[DX_TEXT];

	if (at == UINT32_MAX)
		return;
	in = dx_insn(x, at);
	release = release_of(in);
	l = prog_line_at(x->p, ref->insn);
	dx_callee(x, in, ref->insn, callee);
	if (l && l->text && dx_assigned(l->text, l->col, name, &right))
		(void)snprintf(it, sizeof it, "`%s`", name);
	else
		(void)snprintf(it, sizeof it, "what %.60s gave", callee);
	dx_note(x, at, "%s is taken here by %s", it, callee);
	dx_note(x, x->n - 1, "and here the program ends without having given it back");
	(void)snprintf(what, sizeof what, "%s for %s", release ? release : "its release function", it);
	mend_on_path(x, what, dx_where(x, at, where));
}

static void still_locked(struct dx *x)
{
	uint32_t lock = dx_last_call(x, 93, x->n);
	char where[DX_NAME];

	if (lock == UINT32_MAX)
		return;
	dx_note(x, lock, "the lock is taken here");
	dx_note(x, x->n - 1, "and here it is still held");
	mend_on_path(x, "bpf_spin_unlock", dx_where(x, lock, where));
}

bool dx_resources(struct dx *x)
{
	if (!x->n)
		return false;
	switch (x->d->id) {
	case KV_REF_LEAK:
	case KV_REF_LEAK_AT:
		leaked(x);
		return true;
	case KV_UNLOCK_MISSING:
	case KV_LOCK_HELD:
		still_locked(x);
		return true;
	default:
		return false;
	}
}

/* ---- registers ---- */

static void unset(struct dx *x)
{
	unsigned reg = (unsigned)x->v->failed_reg;
	const struct dx_value *val = dx_value(x, dx_in_reg(x, reg));
	char callee[DX_NAME], where[DX_NAME];

	if (val->kind == DX_GONE) {
		dx_note_origin(x, dx_in_reg(x, reg), reg);
		dx_mend(x, "keep what r%u held in one of r6 to r9, or on the stack, before the call of %s at %s", reg,
			dx_callee(x, dx_insn(x, val->at), x->step[val->at].insn, callee), dx_where(x, val->at, where));
	} else if (val->kind == DX_ENTRY) {
		dx_note_plain(x, "nothing on this path writes to r%u", reg);
		dx_mend(x, "%s%s", reg ? "give the variable a value before " : "return a value on every path to ",
			dx_where(x, x->n - 1, where));
	}
}

static void bad_pointer_operation(struct dx *x)
{
	const struct dx_step *s = &x->step[x->n - 1];
	unsigned reg = x->v->failed_reg >= 0 ? (unsigned)x->v->failed_reg : dx_insn(x, x->n - 1)->dst;
	char says[DX_TEXT], it[DX_NAME + 8], where[DX_NAME];

	if (s->r[reg].base == KR_SCALAR)
		return;
	dx_note(x, x->n - 1, "%s is %s", dx_call_it(x, reg, it), dx_describe(x, &s->r[reg], says));
	dx_note_origin(x, dx_in_reg(x, reg), reg);
	dx_where(x, x->n - 1, where);
	if (s->r[reg].flags & KF_OR_NULL)
		dx_explain_null(x, dx_in_reg(x, reg), reg);
	else if (x->d->id == KV_POINTER_BITS)
		dx_mend(x,
			"do not round or mask the pointer at %s: compute the offset as a number, and add it to the "
			"pointer",
			where);
}

/* ---- loops ---- */

static void loops(struct dx *x)
{
	uint32_t best = 0;
	char where[DX_NAME];
	const char *text;
	uint64_t all = 0;
	uint32_t line;

	for (uint32_t i = 0; x->heat && i < x->p->n_insns; i++) {
		all += x->heat[i];
		if (isa_is_cond_jump(&x->p->insns[i]) && x->heat[i] > x->heat[best])
			best = i;
	}
	if (!all || x->heat[best] < 2)
		return;
	text = dx_line_text(x, best);
	line = dx_line(x, best);
	if (line)
		(void)snprintf(where, sizeof where, "line %u", line);
	else
		(void)snprintf(where, sizeof where, "instruction %u", best);
	dx_note_plain(x, "of %" PRIu64 " instructions processed, the branch at %s%s%.80s%s was judged %u times", all,
		      where, text[0] ? ", `" : "", text, text[0] ? "`," : "", x->heat[best]);
	if (x->d->id == KV_ENDLESS_LOOP)
		dx_mend(x,
			"give the loop at %s a counter and a bound that the verifier can see: `for (int i = 0; i < 100 "
			"&& ...; i++)`",
			where);
	else
		dx_mend(x,
			"fewer rounds at %s, or bpf_loop (since 5.17), or a counter that stays inside of the loop: "
			"each branch in it "
			"doubles what must be looked at",
			where);
}

/* ---- what the kernel or the object does not have ---- */

static void stack(struct dx *x)
{
	for (uint32_t i = 0; i < x->v->n_subprogs; i++) {
		const struct ksubprog *s = &x->v->subprogs[i];
		const struct prog_func *f = prog_func_at(x->p, s->start);

		if (s->stack_bytes >= 64)
			dx_note_plain(x, "%s uses %u bytes of the stack", f ? f->name : "a function", s->stack_bytes);
	}
	dx_mend(x, "keep the largest of these buffers in a per-CPU array map: a value that is looked up with key 0");
}

static void recursion(struct dx *x)
{
	const struct prog_func *f = x->d->insn < x->p->n_insns ? prog_func_at(x->p, (uint32_t)x->d->insn) : NULL;

	if (!f)
		return;
	dx_note_plain(x, "%s calls itself, or what it calls does", f->name);
	dx_mend(x,
		"write %s as a loop with a bound, and keep what each round needs in an array: releases before 6.6 take "
		"no "
		"recursion, later ones follow it to eight frames",
		f->name);
}

static bool missing(struct dx *x)
{
	const char *what = x->d->insn < x->p->n_insns ? prog_missing(x->p, (uint32_t)x->d->insn) : NULL;
	uint32_t line = x->d->pos.line;

	if (!what)
		return false;
	dx_note_plain(x, "%s: the kernel's types are not those that the program was written for", what);
	dx_mend(x,
		"ask first, at line %u: `if (bpf_core_field_exists(...))`, with a path that does without it on this "
		"kernel",
		line);
	return true;
}

static void instruction(struct dx *x)
{
	const struct isa_insn *in = x->d->insn < x->p->n_insns ? &x->p->insns[x->d->insn] : NULL;
	uint16_t since = in ? kernel_insn_since(in) : KERNEL_NOT_YET;

	if (!in || since == KERNEL_NOT_YET || since <= x->v->k->version)
		return;
	dx_note_plain(x, "the instruction is there from %u.%u on, this is %s", since >> 8, since & 255u, x->v->k->name);
	for (uint32_t i = (uint32_t)x->d->insn; in->aux == ISA_IMM64_FUNC && i < x->p->n_insns && i < x->d->insn + 8;
	     i++) {
		const struct isa_insn *call = &x->p->insns[i];
		uint16_t v = call->sem == ISA_CALL && call->aux == ISA_CALL_HELPER
				     ? kernel_helper_since((uint32_t)call->imm)
				     : 0;

		if (v && v != KERNEL_NOT_YET && v > since) {
			since = v;
			dx_note_plain(x, "it is for bpf_%s, which is there from %u.%u on",
				      kernel_helper_name((uint32_t)call->imm), v >> 8, v & 255u);
			break;
		}
	}
	if (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC)
		dx_mend(x,
			"line %u takes the address of a function for a callback: write the loop itself for kernels "
			"before %u.%u",
			x->d->pos.line, since >> 8, since & 255u);
}

bool dx_structure(struct dx *x)
{
	if (missing(x))
		return true;
	switch (x->d->id) {
	case KV_UNKNOWN_OPCODE:
		instruction(x);
		return true;
	case KV_ENDLESS_LOOP:
	case KV_TOO_LARGE:
	case KV_TOO_MANY_BRANCHES:
		loops(x);
		return true;
	case KV_STACK_TOO_LARGE:
		stack(x);
		return true;
	case KV_BACK_EDGE:
		recursion(x);
		return true;
	default:
		break;
	}
	if (!x->n)
		return false;
	switch (x->d->id) {
	case KV_REG_UNREADABLE:
		unset(x);
		return true;
	case KV_POINTER_MAY_BE_NULL:
	case KV_POINTER_FIXED:
	case KV_POINTER_OPERATOR:
	case KV_POINTER_BITS:
	case KV_POINTER_AND_POINTER:
	case KV_POINTER_32:
		bad_pointer_operation(x);
		return true;
	default:
		return false;
	}
}
