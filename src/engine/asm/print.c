/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: one instruction to LLVM's text.
 *
 * 32-bit loads and stores name w registers, as LLVM does from v3 on; numbers are decimal, as clang -S writes them.
 */
#include "engine/asm/internal.h"

static const char *const alu_ops[] = {
	[ISA_ADD] = "+=",   [ISA_SUB] = "-=",   [ISA_MUL] = "*=",    [ISA_DIV] = "/=", [ISA_MOD] = "%=",
	[ISA_SDIV] = "s/=", [ISA_SMOD] = "s%=", [ISA_OR] = "|=",     [ISA_AND] = "&=", [ISA_XOR] = "^=",
	[ISA_LSH] = "<<=",  [ISA_RSH] = ">>=",  [ISA_ARSH] = "s>>=", [ISA_MOV] = "=",
};

static const char *const compare_ops[] = {
	[ISA_JEQ] = "==",  [ISA_JNE] = "!=",   [ISA_JGT] = ">",   [ISA_JGE] = ">=",
	[ISA_JLT] = "<",   [ISA_JLE] = "<=",   [ISA_JSGT] = "s>", [ISA_JSGE] = "s>=",
	[ISA_JSLT] = "s<", [ISA_JSLE] = "s<=", [ISA_JSET] = "&",
};

static char letter(unsigned width)
{
	return width == 64 ? 'r' : 'w';
}

/* r1 + 8, r1 - 4 */
static void put_address(uint8_t reg, int32_t off, struct buf *out)
{
	buf_printf(out, "r%u %c %d", reg, off < 0 ? '-' : '+', off < 0 ? -off : off);
}

static void put_mem(char type, unsigned bits, uint8_t reg, int32_t off, struct buf *out)
{
	buf_printf(out, "*(%c%u *)(", type, bits);
	put_address(reg, off, out);
	buf_putc(out, ')');
}

static void put_operand(const struct isa_insn *in, struct buf *out)
{
	if (isa_b_is_imm(in))
		buf_printf(out, "%lld", (long long)in->imm);
	else
		buf_printf(out, "%c%u", letter(in->width), in->src);
}

static void put_alu(const struct isa_insn *in, struct buf *out)
{
	char c = letter(in->width);

	switch (in->sem) {
	case ISA_NEG:
		buf_printf(out, "%c%u = -%c%u", c, in->dst, c, in->dst);
		return;
	case ISA_MOVSX:
		buf_printf(out, "%c%u = (s%u)%c%u", c, in->dst, in->aux, c, in->src);
		return;
	case ISA_ADDR_CAST:
		buf_printf(out, "r%u = addr_space_cast(r%u, %u, %u)", in->dst, in->src, (uint32_t)in->imm >> 16,
			   (uint32_t)in->imm & 0xffff);
		return;
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_BSWAP:
		buf_printf(out, "r%u = %s%u r%u", in->dst,
			   in->sem == ISA_END_LE   ? "le"
			   : in->sem == ISA_END_BE ? "be"
						   : "bswap",
			   in->width, in->dst);
		return;
	default:
		buf_printf(out, "%c%u %s ", c, in->dst, alu_ops[in->sem]);
		put_operand(in, out);
	}
}

static void put_atomic(const struct isa_insn *in, struct buf *out)
{
	static const char *const names[] = { [ISA_ATOMIC_ADD >> 4] = "add",
					     [ISA_ATOMIC_OR >> 4] = "or",
					     [ISA_ATOMIC_AND >> 4] = "and",
					     [ISA_ATOMIC_XOR >> 4] = "xor" };
	static const char *const ops[] = { [ISA_ATOMIC_ADD >> 4] = "+=",
					   [ISA_ATOMIC_OR >> 4] = "|=",
					   [ISA_ATOMIC_AND >> 4] = "&=",
					   [ISA_ATOMIC_XOR >> 4] = "^=" };
	const char *size = in->width == 64 ? "_64" : "32_32";
	char c = letter(in->width);

	if (in->aux == ISA_ATOMIC_XCHG || in->aux == ISA_ATOMIC_CMPXCHG) {
		bool compare = in->aux == ISA_ATOMIC_CMPXCHG;

		buf_printf(out, "%c%u = %sxchg%s(", c, compare ? 0 : in->src, compare ? "cmp" : "", size);
		put_address(in->dst, in->off, out);
		buf_printf(out, compare ? ", %c0, %c%u)" : ", %c%u)", c, compare ? c : in->src, in->src);
		return;
	}
	if (!isa_atomic_fetches(in->aux)) {
		buf_puts(out, "lock ");
		put_mem('u', in->width, in->dst, in->off, out);
		buf_printf(out, " %s %c%u", ops[in->aux >> 4], c, in->src);
		return;
	}
	buf_printf(out, "%c%u = atomic_fetch_%s((u%u *)(", c, in->src, names[in->aux >> 4], in->width);
	put_address(in->dst, in->off, out);
	buf_printf(out, "), %c%u)", c, in->src);
}

static void put_memory(const struct isa_insn *in, struct buf *out)
{
	char c = letter(in->width);

	switch (in->sem) {
	case ISA_LDX:
	case ISA_LDXS:
		buf_printf(out, "%c%u = ", in->sem == ISA_LDXS ? 'r' : c, in->dst);
		put_mem(in->sem == ISA_LDXS ? 's' : 'u', in->width, in->src, in->off, out);
		return;
	case ISA_ST:
	case ISA_STX:
		put_mem('u', in->width, in->dst, in->off, out);
		if (in->sem == ISA_ST)
			buf_printf(out, " = %lld", (long long)in->imm);
		else
			buf_printf(out, " = %c%u", c, in->src);
		return;
	case ISA_ATOMIC:
		put_atomic(in, out);
		return;
	case ISA_LOAD_ACQ:
		buf_printf(out, "%c%u = load_acquire((u%u *)(", c, in->dst, in->width);
		put_address(in->src, in->off, out);
		buf_puts(out, "))");
		return;
	case ISA_STORE_REL:
		buf_printf(out, "store_release((u%u *)(", in->width);
		put_address(in->dst, in->off, out);
		buf_printf(out, "), %c%u)", c, in->src);
		return;
	case ISA_LD_ABS:
		buf_printf(out, "r0 = *(u%u *)skb[%lld]", in->width, (long long)in->imm);
		return;
	default:
		buf_printf(out, "r0 = *(u%u *)skb[r%u", in->width, in->src);
		if (in->imm)
			buf_printf(out, " %c %lld", in->imm < 0 ? '-' : '+',
				   (long long)(in->imm < 0 ? -in->imm : in->imm));
		buf_putc(out, ']');
	}
}

static void put_jump(const struct isa_insn *in, const char *label, struct buf *out)
{
	if (in->sem == ISA_MAY_GOTO)
		buf_puts(out, "may_goto ");
	else if (in->sem == ISA_JA)
		buf_puts(out, in->form == ISA_FORM_JL ? "gotol " : "goto ");
	else {
		buf_printf(out, "if %c%u %s ", letter(in->width), in->dst, compare_ops[in->sem]);
		put_operand(in, out);
		buf_puts(out, " goto ");
	}
	if (label)
		buf_puts(out, label);
	else
		buf_printf(out, "%+d", in->off);
}

bool asm_target(const struct isa_insn *in, uint32_t slot, uint32_t n, uint32_t *out)
{
	bool refers = (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL) ||
		      (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC);
	int64_t to;

	if (!refers || in->imm < INT32_MIN || in->imm > INT32_MAX)
		return false;
	to = (int64_t)slot + 1 + in->imm;
	if (to < 0 || to >= n)
		return false;
	*out = (uint32_t)to;
	return true;
}

/* The function that begins at a target, by a name that reads back as it. */
static const char *func_name(const struct isa_insn *in, uint32_t slot, const struct prog *p)
{
	const struct prog_func *f;
	uint32_t to;

	if (!p || !asm_target(in, slot, p->n_insns, &to) || p->insns[to].sem == ISA_PAD)
		return NULL;
	f = prog_func_at(p, to);
	return f && f->start == to && f->name[0] ? f->name : NULL;
}

static const struct abi_helper *helper_of(const struct isa_insn *in, const struct prog *p)
{
	const struct abi_helper *h = NULL;

	if (p && in->imm > 0 && in->imm <= INT32_MAX)
		h = abi_helper(&abi_sallyport, (uint32_t)in->imm);
	for (uint32_t i = 0; h && i < p->n_funcs; i++)
		if (!strcmp(p->funcs[i].name, h->name))
			return NULL; /* there the name means the function */
	return h;
}

static void put_call(const struct isa_insn *in, uint32_t slot, const struct prog *p, const char *label, struct buf *out)
{
	const char *name = label ? NULL : func_name(in, slot, p);
	const struct abi_helper *h = in->aux == ISA_CALL_HELPER ? helper_of(in, p) : NULL;

	buf_puts(out, "call ");
	if (label)
		buf_puts(out, label);
	else if (name)
		asm_put_name(name, out);
	else if (h)
		buf_puts(out, h->name);
	else if (in->aux == ISA_CALL_LOCAL)
		buf_printf(out, "local %+lld", (long long)in->imm);
	else
		buf_printf(out, "%s%lld", in->aux == ISA_CALL_KFUNC ? "kfunc " : "", (long long)in->imm);
}

/* NAME, or NAME+8 for the values of a map. False: no map, or not one that the name alone would mean. */
static bool put_map(const struct isa_insn *in, const struct prog *p, struct buf *out)
{
	bool value = in->aux == ISA_IMM64_MAP_VALUE;
	const struct prog_map *m;

	if (!p || (in->aux != ISA_IMM64_MAP_FD && !value) || (uint64_t)in->imm >= p->n_maps)
		return false;
	m = &p->maps[in->imm];
	for (int64_t i = 0; i < in->imm; i++)
		if (!strcmp(p->maps[i].name, m->name))
			return false;
	if (!m->name[0] || (!value && asm_is_data_map(m)) || in->off < -INT32_MAX)
		return false;
	asm_put_name(m->name, out);
	if (value)
		buf_printf(out, "%+d", in->off);
	return true;
}

static void put_imm64(const struct isa_insn *in, uint32_t slot, const struct prog *p, const char *label,
		      struct buf *out)
{
	uint64_t v = (uint64_t)in->imm;
	const char *name = label ? label : func_name(in, slot, p);

	buf_printf(out, "r%u = ", in->dst);
	if (in->aux == ISA_IMM64_VALUE)
		buf_printf(out, "%lld", (long long)in->imm);
	else if (label)
		buf_puts(out, label);
	else if (name)
		asm_put_name(name, out);
	else if (in->aux == ISA_IMM64_MAP_VALUE && !put_map(in, p, out))
		buf_printf(out, "map_value(%u, %d)", (uint32_t)v, (int32_t)(v >> 32 | (uint32_t)in->off));
	else if (in->aux == ISA_IMM64_MAP_IDX_VALUE)
		buf_printf(out, "map_idx_value(%u, %d)", (uint32_t)v, (int32_t)(v >> 32));
	else if (in->aux != ISA_IMM64_MAP_VALUE && !put_map(in, p, out))
		buf_printf(out, "%s(%lld)", asm_imm64_names[in->aux], (long long)in->imm);
	buf_puts(out, " ll");
}

void asm_print_to(const struct isa_insn *in, uint32_t slot, const struct prog *p, const char *label, struct buf *out)
{
	switch (in->sem) {
	case ISA_PAD:
		return;
	case ISA_IMM64:
		put_imm64(in, slot, p, label, out);
		return;
	case ISA_CALL:
		put_call(in, slot, p, label, out);
		return;
	case ISA_CALLX:
		buf_printf(out, "callx r%u", in->dst);
		return;
	case ISA_EXIT:
		buf_puts(out, "exit");
		return;
	default:
		break;
	}
	if (in->sem >= ISA_JA && in->sem <= ISA_MAY_GOTO)
		put_jump(in, label, out);
	else if (in->sem >= ISA_LDX && in->sem <= ISA_LD_IND)
		put_memory(in, out);
	else
		put_alu(in, out);
}

void asm_print(const struct isa_insn *in, uint32_t slot, const struct prog *p, struct buf *out)
{
	asm_print_to(in, slot, p, NULL, out);
}
