/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare: a decoded program to what the interpreter runs.
 *
 * Each instruction becomes an operation specialised by its operands: which are in the accumulator, and which stack
 * accesses are inside the frame whatever happens. A register is known to be in the accumulator when the instruction
 * before wrote it and no jump leads in between.
 */
#include "engine/vm/prepare.h"

/* The function that starts at a slot. */
static const struct vm_func *func_at(const struct prep *s, uint32_t start)
{
	uint32_t lo = 0, hi = s->n_funcs;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->funcs[mid].start <= start)
			lo = mid;
		else
			hi = mid;
	}
	return &s->funcs[lo];
}

/* --- helpers --- */

/* A key or value needs the map before it, memory its size after it, a size its memory before it. */
static bool proto_is_usable(const struct abi_helper *h)
{
	bool map = false;

	for (unsigned i = 0; i < ABI_MAX_ARGS; i++) {
		bool mem = i && (h->args[i - 1] == ABI_ARG_MEM || h->args[i - 1] == ABI_ARG_MEM_WRITE);
		bool size = h->args[i] == ABI_ARG_SIZE || h->args[i] == ABI_ARG_SIZE_OR_ZERO;

		if (size != mem || ((h->args[i] == ABI_ARG_MAP_KEY || h->args[i] == ABI_ARG_MAP_VALUE) && !map))
			return false;
		map |= h->args[i] == ABI_ARG_CONST_MAP;
	}
	return h->args[ABI_MAX_ARGS - 1] != ABI_ARG_MEM && h->args[ABI_MAX_ARGS - 1] != ABI_ARG_MEM_WRITE;
}

/* Kinds that the profile does not list are not restricted: their maps refuse what they do not have. */
static uint64_t kinds_that_take(const struct abi_profile *p, uint32_t id)
{
	uint64_t kinds = UINT64_MAX;

	for (uint32_t i = 0; i < p->n_map_kinds; i++)
		if (p->map_kinds[i].kind < 64 && !abi_map_takes(&p->map_kinds[i], id))
			kinds &= ~(UINT64_C(1) << p->map_kinds[i].kind);
	return kinds;
}

/* A call that the VM has no part in but to pass arguments: native code may make it itself. */
static bool takes_handle(const struct abi_helper *h)
{
	for (unsigned i = 0; i < ABI_MAX_ARGS; i++)
		if (h->args[i] == ABI_ARG_HANDLE)
			return true;
	return false;
}

static bool is_direct(const struct abi_helper *h)
{
	for (unsigned i = 0; i < ABI_MAX_ARGS; i++)
		if (h->args[i] == ABI_ARG_FUNC || h->args[i] == ABI_ARG_TIMER)
			return false;
	return true;
}

FALLIBLE vm_call_plan(const struct vm_helpers *h, uint32_t id, struct vm_call *c)
{
	*c = (struct vm_call){ .proto = abi_helper(h->profile, id), .map_arg = NO_REG };
	if (c->proto && h->fns)
		c->fn = h->fns[c->proto - h->profile->helpers];
	else if (c->proto)
		c->fn = (h->lookup ? h->lookup : helper_lookup)(id);
	if (!c->fn)
		return E_NOT_FOUND;
	if (!proto_is_usable(c->proto))
		return E_INVALID;
	while (c->n_args < ABI_MAX_ARGS && c->proto->args[c->n_args] != ABI_ARG_NONE) {
		if (c->proto->args[c->n_args] == ABI_ARG_CONST_MAP && c->map_arg == NO_REG)
			c->map_arg = c->n_args;
		c->n_args++;
	}
	c->map_kinds = kinds_that_take(h->profile, id);
	c->may_fault = h->fns || takes_handle(c->proto);
	c->direct = is_direct(c->proto) && !helper_asks_vm(c->fn);
	return E_OK;
}

static FALLIBLE plan_call(struct prep *s, uint32_t at, struct vm_call *c)
{
	int64_t id = s->p->insns[at].imm;
	enum err e = vm_call_plan(&s->helpers, id > 0 && id <= UINT32_MAX ? (uint32_t)id : 0, c);

	if (e != E_OK && !c->proto)
		FAIL_AT(at, UNSUPPORTED, 208, "helper %lld is not in profile '%s'", (long long)id, s->o->profile->name);
	if (e == E_NOT_FOUND)
		FAIL_AT(at, UNSUPPORTED, 209, "helper %lld ('%s') has no implementation", (long long)id,
			c->proto->name);
	if (e != E_OK)
		FAIL_AT(at, UNSUPPORTED, 211, "helper %lld ('%s') has a prototype that cannot be checked",
			(long long)id, c->proto->name);
	return E_OK;
}

static FALLIBLE translate_call(struct prep *s, uint32_t at, struct vm_op *op)
{
	struct vm_prog *vp = s->vp;

	uint32_t i = 0;

	while (i < vp->n_calls && vp->calls[i].proto->id != (uint64_t)s->p->insns[at].imm)
		i++;
	if (i == vp->n_calls) {
		TRY(plan_call(s, at, &vp->calls[i]));
		vp->n_calls++;
		/* What looking up in a map of maps gives, the VM makes a reference of. */
		for (uint32_t m = 0; vp->calls[i].proto->ret == ABI_RET_MAP_VALUE_OR_NULL && m < vp->n_maps; m++)
			vp->calls[i].direct &= !vm_is_outer(vp->maps[m]);
	}
	op->call = &vp->calls[i];
	op->code = op->call->fn == helper_tail_call ? VM_OP_TAIL_CALL : VM_OP_CALL;
	return E_OK;
}

/* --- instructions --- */

static const uint16_t alu_base[ISA_N_SEMS][2] = {
#define VM_ALU(sem, result) [ISA_##sem] = { VM_OP_##sem##32_I, VM_OP_##sem##64_I },
#include "engine/vm/ops.def"
};
static const uint16_t jmp_base[ISA_N_SEMS][2][2] = {
#define VM_JMP(sem, taken) \
	[ISA_##sem] = { { VM_OP_##sem##32F_I, VM_OP_##sem##32K_I }, { VM_OP_##sem##64F_I, VM_OP_##sem##64K_I } },
#include "engine/vm/ops.def"
};

/* 8, 16, 32, 64 bits to 0..3. */
static unsigned width_log2(unsigned bits)
{
	return (unsigned)__builtin_ctz(bits) - 3;
}

static unsigned operand_variant(const struct isa_insn *in, uint8_t acc)
{
	if (isa_b_is_imm(in))
		return in->dst == acc ? VM_IA : VM_I;
	return in->dst == acc ? VM_RA : in->src == acc ? VM_RB : VM_R;
}

static uint16_t move_code(const struct isa_insn *in)
{
	if (in->sem == ISA_MOV)
		return in->width == 64 ? VM_OP_MOV64 : VM_OP_MOV32;
	if (in->width == 32)
		return in->aux == 8 ? VM_OP_MOVSX32_8 : VM_OP_MOVSX32_16;
	return in->aux == 8 ? VM_OP_MOVSX64_8 : in->aux == 16 ? VM_OP_MOVSX64_16 : VM_OP_MOVSX64_32;
}

static uint16_t unary_code(const struct isa_insn *in)
{
	static const uint16_t le[] = { VM_OP_LE16, VM_OP_LE32, VM_OP_LE64 },
			      be[] = { VM_OP_BE16, VM_OP_BE32, VM_OP_BE64 },
			      swap[] = { VM_OP_BSWAP16, VM_OP_BSWAP32, VM_OP_BSWAP64 };
	unsigned i = width_log2(in->width) - 1;

	switch ((enum isa_sem)in->sem) {
	case ISA_END_LE:
		return le[i];
	case ISA_END_BE:
		return be[i];
	case ISA_BSWAP:
		return swap[i];
	default:
		return in->width == 64 ? VM_OP_NEG64 : VM_OP_NEG32;
	}
}

static void translate_alu(const struct isa_insn *in, uint8_t acc, struct vm_op *op)
{
	bool move = in->sem == ISA_MOV || in->sem == ISA_MOVSX;

	op->imm = in->width == 32 ? (int64_t)(uint32_t)in->imm : in->imm;
	if (move && in->form == ISA_FORM_RI)
		op->code = VM_OP_LDI;
	else if (move)
		op->code = (uint16_t)(move_code(in) + (in->src == acc));
	else if (in->form == ISA_FORM_R)
		op->code = (uint16_t)(unary_code(in) + (in->dst == acc));
	else
		op->code = (uint16_t)(alu_base[in->sem][in->width == 64] + operand_variant(in, acc));
}

static uint16_t load_code(const struct isa_insn *in, uint8_t acc)
{
	static const uint16_t ldx[] = { VM_OP_LDX8, VM_OP_LDX16, VM_OP_LDX32, VM_OP_LDX64 },
			      ldxs[] = { VM_OP_LDXS8, VM_OP_LDXS16, VM_OP_LDXS32 };
	unsigned i = width_log2(in->width);
	uint32_t depth;
	unsigned where = fixed_stack_access(in, &depth) ? VM_MEM_FP : in->src == acc ? VM_MEM_A : VM_MEM;

	return (uint16_t)((in->sem == ISA_LDX ? ldx[i] : ldxs[i]) + where);
}

static uint16_t store_code(const struct isa_insn *in, uint8_t acc)
{
	static const uint16_t st[] = { VM_OP_ST8, VM_OP_ST16, VM_OP_ST32, VM_OP_ST64 };
	uint16_t base = st[width_log2(in->width)];
	uint32_t depth;
	bool fp = fixed_stack_access(in, &depth);

	if (in->sem == ISA_ST)
		return (uint16_t)(base + (fp ? VM_MEM_FP : in->dst == acc ? VM_MEM_A : VM_MEM));
	base = (uint16_t)(base + VM_STX_OF_ST);
	if (in->src == acc)
		return (uint16_t)(base + (fp ? VM_STX_FPB : VM_STX_B));
	return (uint16_t)(base + (fp ? VM_MEM_FP : in->dst == acc ? VM_MEM_A : VM_MEM));
}

static void translate_memory(const struct isa_insn *in, uint8_t acc, struct vm_op *op)
{
	static const uint16_t acq[] = { VM_OP_LOAD_ACQ8, VM_OP_LOAD_ACQ16, VM_OP_LOAD_ACQ32, VM_OP_LOAD_ACQ64 },
			      rel[] = { VM_OP_STORE_REL8, VM_OP_STORE_REL16, VM_OP_STORE_REL32, VM_OP_STORE_REL64 };
	unsigned i = width_log2(in->width);

	op->off = in->off;
	op->imm = in->imm;
	switch ((enum isa_sem)in->sem) {
	case ISA_LOAD_ACQ:
		op->code = acq[i];
		break;
	case ISA_STORE_REL:
		op->code = rel[i];
		break;
	case ISA_ATOMIC:
		op->imm = in->aux;
		op->code = in->width == 64 ? VM_OP_ATOMIC64 : VM_OP_ATOMIC32;
		break;
	case ISA_LDX:
	case ISA_LDXS:
		op->code = load_code(in, acc);
		break;
	default:
		op->code = store_code(in, acc);
	}
}

static uint32_t func_index(const struct prep *s, uint32_t start)
{
	return (uint32_t)(func_at(s, start) - s->funcs);
}

static FALLIBLE map_value_address(struct prep *s, uint32_t at, uint64_t *out)
{
	const struct isa_insn *in = &s->p->insns[at];
	struct map *m = s->o->maps[in->imm];
	const struct abi_map_kind *kind = abi_map_kind(s->o->profile, map_def(m)->kind);
	uint8_t *base;
	size_t bytes;
	bool writable;

	map_values(m, &base, &bytes, &writable);
	if (!kind || !kind->direct_value || in->off < 0 || (uint32_t)in->off > map_def(m)->value_size)
		FAIL_AT(at, FORMAT, 206, "map '%s' has no value that could be addressed directly at offset %d",
			map_def(m)->name, in->off);
	*out = (uint64_t)(uintptr_t)base + (uint32_t)in->off;
	return E_OK;
}

static FALLIBLE translate_imm64(struct prep *s, uint32_t at, struct vm_op *op)
{
	const struct isa_insn *in = &s->p->insns[at];
	uint64_t value = (uint64_t)in->imm;
	uint32_t start = (uint32_t)((int64_t)at + 1 + func_delta(in));

	op->code = VM_OP_LDI2;
	op->src = in->aux;
	if (in->aux == ISA_IMM64_FUNC) {
		op->off = (int32_t)func_index(s, start);
		value = VM_FUNC_REF + start;
	} else if (in->aux != ISA_IMM64_VALUE) {
		if (in->imm < 0 || in->imm >= s->p->n_maps)
			FAIL_AT(at, FORMAT, 205, "map %lld: the program has %u maps", (long long)in->imm, s->p->n_maps);
		op->off = (int32_t)in->imm;
		value = VM_MAP_REF + (uint64_t)in->imm;
		if (in->aux == ISA_IMM64_MAP_VALUE)
			TRY(map_value_address(s, at, &value));
	}
	op->imm = (int64_t)value;
	return E_OK;
}

static void translate_jump(const struct isa_insn *in, uint8_t acc, struct vm_op *op)
{
	bool back = in->off < 0;

	op->off = in->off + 1;
	op->imm = in->width == 32 ? (int64_t)(uint32_t)in->imm : in->imm;
	if (in->sem == ISA_JA)
		op->code = back ? VM_OP_JA_BACK : VM_OP_JA;
	else if (in->sem == ISA_MAY_GOTO)
		op->code = back ? VM_OP_MAY_GOTO_BACK : VM_OP_MAY_GOTO;
	else
		op->code = (uint16_t)(jmp_base[in->sem][in->width == 64][back] + operand_variant(in, acc));
}

static void translate_local_call(const struct prep *s, uint32_t at, struct vm_op *op)
{
	int32_t delta = (int32_t)s->p->insns[at].imm + 1;
	const struct vm_func *f = func_at(s, (uint32_t)((int32_t)at + delta));

	op->code = VM_OP_CALL_LOCAL;
	op->off = delta;
	op->zero_bytes = f->zero_bytes;
	op->charge = f->end - f->start;
}

static FALLIBLE translate(struct prep *s, uint32_t at, uint8_t acc, struct vm_op *op)
{
	const struct isa_insn *in = &s->p->insns[at];

	op->dst = in->dst;
	op->src = reads_src(in) ? in->src : 0;
	if (in->sem == ISA_PAD)
		op->code = VM_OP_PAD;
	else if (in->sem == ISA_EXIT)
		op->code = VM_OP_EXIT;
	else if (in->sem == ISA_CALLX)
		op->code = VM_OP_CALLX;
	else if (in->sem == ISA_IMM64)
		return translate_imm64(s, at, op);
	else if (is_local_call(in))
		translate_local_call(s, at, op);
	else if (in->sem == ISA_CALL)
		return translate_call(s, at, op);
	else if (is_jump(in))
		translate_jump(in, acc, op);
	else if (is_memory_sem(in->sem))
		translate_memory(in, acc, op);
	else
		translate_alu(in, acc, op);
	return E_OK;
}

/* Which register is in the accumulator after this instruction. */
static uint8_t acc_after(const struct isa_insn *in, uint8_t acc)
{
	if (in->sem == ISA_ATOMIC)
		return written_reg(in) == acc ? NO_REG : acc;
	if (in->sem == ISA_JA || in->sem == ISA_EXIT)
		return NO_REG;
	return written_reg(in) == NO_REG ? acc : written_reg(in);
}

static FALLIBLE translate_all(struct prep *s)
{
	uint8_t acc = NO_REG;

	for (uint32_t i = 0; i < s->p->n_insns; i++) {
		if (s->leader[i])
			acc = NO_REG;
		TRY(translate(s, i, acc, &s->vp->ops[i]));
		acc = acc_after(&s->p->insns[i], acc);
	}
	memcpy(s->vp->funcs, s->funcs, sizeof *s->funcs * s->n_funcs);
	s->vp->zero_bytes = s->funcs[0].zero_bytes;
	return E_OK;
}

/* --- the whole --- */

static int by_base(const void *a, const void *b)
{
	const struct vm_window *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static void fill_windows(struct vm_prog *vp)
{
	for (uint32_t i = 0; i < vp->n_maps; i++) {
		struct vm_window *w = &vp->windows[i];
		uint8_t *base;
		size_t bytes;

		map_values(vp->maps[i], &base, &bytes, &w->writable);
		w->base = (uint64_t)(uintptr_t)base;
		w->bytes = bytes;
		w->map = vp->maps[i];
	}
	if (vp->n_maps)
		qsort(vp->windows, vp->n_maps, sizeof *vp->windows, by_base);
}

static uint32_t count_helper_ids(const struct prog *p, uint32_t most)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_insns && n < most; i++)
		n += p->insns[i].sem == ISA_CALL && p->insns[i].aux == ISA_CALL_HELPER;
	return n;
}

/* One allocation; arrays in order of falling alignment. */
static struct vm_prog *alloc(const struct prog *p, uint32_t n_calls, uint32_t n_funcs)
{
	size_t ops = sizeof(struct vm_op) * p->n_insns, calls = sizeof(struct vm_call) * n_calls,
	       windows = sizeof(struct vm_window) * p->n_maps, maps = sizeof(struct map *) * p->n_maps,
	       funcs = sizeof(struct vm_func) * n_funcs;
	size_t bytes = sizeof(struct vm_prog) + ops + calls + windows + maps + funcs;
	struct vm_prog *vp = calloc(1, bytes);

	if (!vp)
		return NULL;
	vp->ops = (struct vm_op *)(void *)(vp + 1);
	vp->calls = (struct vm_call *)(void *)((char *)vp->ops + ops);
	vp->windows = (struct vm_window *)(void *)((char *)vp->calls + calls);
	vp->maps = (struct map **)(void *)((char *)vp->windows + windows);
	vp->funcs = (struct vm_func *)(void *)((char *)vp->maps + maps);
	vp->n_ops = p->n_insns;
	vp->n_maps = p->n_maps;
	vp->n_funcs = n_funcs;
	vp->bytes = bytes;
	return vp;
}

static FALLIBLE prepare(struct prep *s)
{
	const struct prog *p = s->p;

	TRY(prep_check(s));
	s->vp = alloc(p, count_helper_ids(p, s->o->profile->n_helpers), s->n_funcs);
	if (!s->vp)
		return E_NOMEM;
	s->vp->helpers = s->helpers;
	if (s->o->keep)
		s->vp->prog = *p;
	for (uint32_t i = 0; i < p->n_maps; i++)
		s->vp->maps[i] = s->o->maps[i];
	fill_windows(s->vp);
	return translate_all(s);
}

FALLIBLE vm_prog_new(const struct prog *p, const struct vm_prog_opts *o, struct vm_prog **out, struct diag *d)
{
	struct prep s = { .p = p, .o = o, .helpers = { o->profile, o->lookup, o->fns }, .d = d };
	enum err e = E_NOMEM;

	s.leader = calloc((size_t)p->n_insns + 1, 1);
	if (s.leader)
		e = prepare(&s);
	free(s.leader);
	free(s.funcs);
	if (e != E_OK) {
		vm_prog_free(s.vp);
		return e;
	}
	*out = s.vp;
	return E_OK;
}

void vm_prog_free(struct vm_prog *vp)
{
	free(vp);
}

size_t vm_prog_bytes(const struct vm_prog *vp)
{
	return vp->bytes;
}

const struct vm_func *vm_prog_funcs(const struct vm_prog *vp, uint32_t *n)
{
	*n = vp->n_funcs;
	return vp->funcs;
}
