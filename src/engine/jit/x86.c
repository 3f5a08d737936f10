/* SPDX-License-Identifier: Apache-2.0 */
/* x86: a program, instruction by instruction, to x86-64. x86.h says how registers and code are laid out. */
#include "engine/jit/x86.h"

uint32_t x86_exit_label(const struct x86 *x, uint32_t func)
{
	return x->plan->n_insns + func;
}

uint32_t x86_entry_label(const struct x86 *x, uint32_t func)
{
	return x->plan->n_insns + x->plan->n_funcs + func; /* number n_funcs: for callbacks */
}

void x86_label(struct x86 *x, uint32_t label)
{
	x->native[label] = (uint32_t)(x->c.p - x->hot.start);
	x->branch_at[label] = (uint32_t)x->n_branches;
}

/* A constant that needs the process: maps. */
void x86_imm64(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	unsigned dst;

	x->need = in->live;
	if (in->aux == ISA_IMM64_MAP_FD && !x->fuel && !x->o->blind) {
		x86_pend(x, in->dst,
			 (struct x86_expr){ X86_NO_REG, X86_NO_REG, .map = true, .disp = (int32_t)in->imm });
		return;
	}
	x86_overwrite(x, in->dst);
	dst = x86_host[in->dst];
	if (in->aux != ISA_IMM64_MAP_FD && in->aux != ISA_IMM64_MAP_VALUE && !in->imm) {
		x86_alu_rr(&x->c, false, X_XOR, dst, dst);
	} else if (in->aux != ISA_IMM64_MAP_FD && in->aux != ISA_IMM64_MAP_VALUE) {
		x86_const(x, dst, (uint64_t)in->imm);
	} else if (in->aux == ISA_IMM64_MAP_FD) {
		x86_const(x, dst, VM_MAP_REF + (uint64_t)in->imm);
	} else {
		x86_rm(&x->c, X_W, 0x8b, dst, X86_RUN_FIELD(imports));
		x86_rm(&x->c, X_W, 0x8b, dst, x86_at(dst, jit_import_values(x->vp, (uint32_t)in->imm)));
		if (in->off)
			x86_alu_ri(&x->c, true, X_ADD, dst, in->off);
	}
}

/* Only its result matters. */
static bool is_pure(uint8_t sem)
{
	return (sem >= ISA_ADD && sem <= ISA_IMM64) || sem == PLAN_ROL;
}

static FALLIBLE one(struct x86 *x)
{
	const struct plan_insn *in = x->in;

	if (is_pure(in->sem) && !x86_is_live(x, in->dst)) {
		x->pending &= (uint16_t)~x86_bit(in->dst);
		return E_OK;
	}
	switch (in->sem) {
	case PLAN_NOP:
		break;
	case ISA_DIV:
	case ISA_MOD:
	case ISA_SDIV:
	case ISA_SMOD:
		x86_divide(x);
		break;
	case ISA_IMM64:
		x86_imm64(x);
		break;
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_ST:
	case ISA_STX:
	case ISA_ATOMIC:
	case ISA_LOAD_ACQ:
	case ISA_STORE_REL:
		x86_memory(x);
		break;
	case ISA_CALL:
	case ISA_CALLX:
	case PLAN_TAIL_CALL:
		x86_call(x);
		break;
	case ISA_EXIT:
		x86_exit(x);
		break;
	default:
		if (is_pure(in->sem))
			x86_alu(x);
		else if (in->sem >= ISA_JA && in->sem <= ISA_MAY_GOTO)
			x86_branch(x);
		else
			return E_BUG;
	}
	return E_OK;
}

/* What is known of values after the instruction. */
static void track(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	uint16_t dst = in->def, src = x86_bit(in->src);
	bool imm = in->flags & PLAN_B_IMM, below = false, stack = false;

	x->zero = plan_zero_upper(in, x->zero);
	if (!dst)
		return;
	switch (in->sem) {
	case ISA_LDX:
	case ISA_LOAD_ACQ:
	case ISA_END_BE:
	case ISA_END_LE:
	case ISA_BSWAP:
		below = in->width <= 16;
		break;
	case ISA_MOV:
		below = imm ? in->imm >= 0 && in->imm <= UINT16_MAX : x->small & src;
		stack = !imm && x->stackish & src;
		break;
	case ISA_AND:
		below = imm ? in->imm >= 0 && in->imm <= UINT16_MAX : (x->small & (src | dst)) != 0;
		break;
	case ISA_ADD:
		stack = x->stackish & dst || (!imm && x->stackish & src);
		break;
	case ISA_SUB:
		stack = x->stackish & dst;
		break;
	}
	x->small = (uint16_t)(below ? x->small | dst : x->small & ~dst);
	x->stackish = (uint16_t)(stack ? x->stackish | dst : x->stackish & ~dst);
}

/* Both streams have room for one instruction more. */
static bool make_room(struct x86_stream *s, uint8_t **p)
{
	size_t used = (size_t)(*p - s->start), want = 2 * (size_t)(s->end - s->start);
	uint8_t *fresh;

	if (s->end - *p >= X86_ROOM)
		return true;
	if (want > 2 * (size_t)JIT_MAX_BYTES)
		return false;
	fresh = malloc(want);
	if (!fresh)
		return false;
	memcpy(fresh, s->start, used);
	free(s->start);
	s->start = fresh;
	s->end = fresh + want;
	*p = fresh + used;
	return true;
}

static void leader(struct x86 *x, uint16_t live_before)
{
	x->need = live_before;
	x86_settle(x, live_before, true);
	x->zero = x->small = 0;
	x->n_facts = 0;
}

static FALLIBLE func(struct x86 *x, const struct plan_func *f)
{
	uint16_t live_before = 0;

	x->f = f;
	x->pending = x->zero = x->small = 0;
	x->stackish = x86_bit(ISA_FP);
	x->n_facts = 0;
	for (uint32_t i = f->start; i < f->end; i++) {
		const struct plan_insn *in = &x->plan->insns[i];

		if (!make_room(&x->hot, &x->c.p) || !make_room(&x->cold, &x->cold.p) || x->oom)
			return E_NOMEM;
		x->at = i;
		if (in->flags & PLAN_LEADER)
			leader(x, live_before);
		x->in = in;
		if (i == f->start)
			x86_func_begin(x);
		x86_label(x, i);
		x->need = (uint16_t)(in->live | in->use);
		if (one(x) != E_OK)
			FAIL(x->d, BUG, "instruction %u is one that the VM should have refused", i);
		live_before = in->live;
		if (x->skips_next) {
			x->skips_next = false;
			x86_label(x, ++i);
			live_before = (uint16_t)((in[2].live & ~in[2].def) | in[2].use);
		} else {
			track(x);
		}
	}
	return E_OK;
}

static FALLIBLE compile(struct x86 *x, struct arena *a, struct jit_code *out)
{
	size_t n = x->plan->n_insns, n_labels = n + 2 * (size_t)x->plan->n_funcs + 1;
	size_t bytes = 4 * n + 2 * X86_ROOM;

	x->hot.start = malloc(bytes);
	x->cold.start = malloc(x->fuel ? bytes : 2 * X86_ROOM);
	x->native = malloc(n_labels * sizeof *x->native);
	x->branch_at = malloc(n_labels * sizeof *x->branch_at);
	if (!x->hot.start || !x->cold.start || !x->native || !x->branch_at)
		return E_NOMEM;
	x->hot.end = x->hot.start + bytes;
	x->cold.end = x->cold.start + (x->fuel ? bytes : 2 * X86_ROOM);
	x->hot.p = x->c.p = x->hot.start;
	x->cold.p = x->cold.start;
	memset(x->native, 0xff, n_labels * sizeof *x->native);
	x->f = &x->plan->funcs[0];
	x->unwind.insn = JIT_NO_INSN;
	x86_common(x);
	for (uint32_t i = 0; i < x->plan->n_funcs; i++)
		TRY(func(x, &x->plan->funcs[i]));
	if (!make_room(&x->hot, &x->c.p))
		return E_NOMEM;
	x86_callback(x);
	if (x->oom)
		return E_NOMEM;
	return x86_link(x, a, out);
}

/* A call whose map is not known is the VM's. */
static bool takes_maps(const struct vm_prog *vp)
{
	for (uint32_t i = 0; i < vp->n_calls; i++)
		for (unsigned k = 0; k < vp->calls[i].n_args; k++)
			if (vp->calls[i].proto->args[k] == ABI_ARG_CONST_MAP)
				return true;
	return false;
}

static bool may_fault(const struct vm_prog *vp)
{
	for (uint32_t i = 0; i < vp->n_calls; i++)
		if (vp->calls[i].may_fault)
			return true;
	return false;
}

FALLIBLE x86_compile(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
		     struct diag *d)
{
	struct x86 x = { .o = o,
			 .vp = vp,
			 .d = d,
			 .sandboxed = o->sandboxed,
			 .fuel = o->sandboxed || o->fuel,
			 .bmi2 = o->features & JIT_BMI2,
			 .key = o->seed };
	struct plan plan;
	enum err e = plan_make(vp, o->sandboxed, a, &plan);

	if (e == E_OK) {
		x.plan = &plan;
		x.frames = o->sandboxed || plan.needs_vm || (plan.n_funcs > 1 && takes_maps(vp));
		x.leaves = x.fuel || plan.needs_vm || takes_maps(vp) || may_fault(vp);
		e = compile(&x, a, out);
		out->n_insns = plan.n_insns;
		out->verified = !o->sandboxed;
		out->first_called = plan.funcs[0].called;
		out->n_imports = jit_n_imports(vp);
	}
	free(x.hot.start);
	free(x.cold.start);
	free(x.native);
	free(x.branch_at);
	free(x.branches);
	free(x.backs);
	free(x.rows[0].p);
	free(x.rows[1].p);
	return e;
}
