/* SPDX-License-Identifier: Apache-2.0 */
/* live_regs: which registers may be read at or after an instruction, by the program's text: live variables, as every
 * compiler has them. Linux: kernel/bpf/liveness.c:bpf_compute_live_registers, v7.2. */
#include "engine/kverify/prune.h"

enum { ALL = 0xffff, CALLER_SAVED = 0x3f, ARGS = 0x3e };

struct use_def {
	uint16_t use, def;
};

static uint16_t bit(unsigned r)
{
	return (uint16_t)(1u << r);
}

static uint16_t first_args(unsigned n)
{
	return (uint16_t)(((1u << (n < 5 ? n : 5)) - 1) << 1);
}

/* Registers that a call reads; all arguments when its prototype is not known. */
static uint16_t args_of_call(struct kverifier *v, const struct isa_insn *in)
{
	const struct kernel_proto *proto = NULL;
	unsigned n = 0;

	if (in->aux == ISA_CALL_KFUNC && kcall_n_params(v, in, &n))
		return first_args(n);
	if (in->aux != ISA_CALL_HELPER || !kcall_proto(v, (uint32_t)in->imm, &proto))
		return ARGS;
	while (n < 5 && proto->arg[n].base != KA_DONTCARE)
		n++;
	return first_args(n);
}

static struct use_def of_atomic(const struct isa_insn *in)
{
	struct use_def u = { .use = (uint16_t)(bit(in->dst) | bit(in->src)) };

	if (in->aux == ISA_ATOMIC_CMPXCHG)
		return (struct use_def){ .use = (uint16_t)(u.use | bit(0)), .def = bit(0) };
	if (isa_atomic_fetches(in->aux))
		u.def = bit(in->src);
	return u;
}

static struct use_def of_insn(struct kverifier *v, const struct isa_insn *in)
{
	uint16_t dst = bit(in->dst), src = bit(in->src);

	switch ((enum isa_sem)in->sem) {
	case ISA_PAD:
	case ISA_JA:
	case ISA_MAY_GOTO:
		return (struct use_def){ 0 };
	case ISA_IMM64:
		return (struct use_def){ .def = dst };
	case ISA_LD_ABS:
	case ISA_LD_IND:
	case ISA_CALLX:
		return (struct use_def){ .use = ALL };
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_LOAD_ACQ:
		return (struct use_def){ .use = src, .def = dst };
	case ISA_ST:
		return (struct use_def){ .use = dst };
	case ISA_STX:
	case ISA_STORE_REL:
		return (struct use_def){ .use = dst | src };
	case ISA_ATOMIC:
		return of_atomic(in);
	case ISA_CALL:
		return (struct use_def){ .use = args_of_call(v, in), .def = CALLER_SAVED };
	case ISA_EXIT:
		return (struct use_def){ .use = bit(0) };
	case ISA_MOV:
	case ISA_MOVSX:
	case ISA_ADDR_CAST:
		return (struct use_def){ .use = isa_b_is_imm(in) ? 0 : src, .def = dst };
	default:
		break;
	}
	if (isa_is_cond_jump(in))
		return (struct use_def){ .use = isa_b_is_imm(in) ? dst : dst | src };
	return (struct use_def){ .use = in->form == ISA_FORM_RR ? dst | src : dst, .def = dst };
}

static struct use_def of(struct kverifier *v, uint32_t i)
{
	return v->aux[i].one_way ? (struct use_def){ 0 } : of_insn(v, &v->p->insns[i]);
}

/* Is it other than it was? */
static bool flow_back(struct kverifier *v, uint32_t i, struct use_def u)
{
	uint32_t next[2];
	uint16_t out = 0, in;
	bool changed;

	for (unsigned n = kflow_next(v, i, next); n; n--)
		out |= v->aux[next[n - 1]].live_regs;
	in = (uint16_t)((out & ~u.def) | u.use);
	changed = in != v->aux[i].live_regs;
	v->aux[i].live_regs = in;
	return changed;
}

/* Instructions come after those that follow them: without loops once is enough. */
FALLIBLE klive_regs_compute(struct kverifier *v)
{
	const struct kflow *f = &v->live->flow;
	uint32_t n = f->first[v->n_subprogs];
	struct use_def *u;

	for (uint32_t k = 0; !v->goes_back && k < n; k++)
		(void)flow_back(v, f->order[k], of(v, f->order[k]));
	if (!v->goes_back)
		return E_OK;
	u = KSCRATCH(v, struct use_def, n);
	KNEED(v, u);
	for (uint32_t k = 0; k < n; k++)
		u[k] = of(v, f->order[k]);
	for (bool more = true; more;) {
		more = false;
		for (uint32_t k = 0; k < n; k++)
			more |= flow_back(v, f->order[k], u[k]);
	}
	kscratch_done(v);
	return E_OK;
}
