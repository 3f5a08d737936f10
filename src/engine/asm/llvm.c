/* SPDX-License-Identifier: Apache-2.0 */
/* llvm: one instruction as LLVM's BPF assembler spells it (llvm/lib/Target/BPF/BPFInstrInfo.td, 14 to 20). */
#include "engine/asm/internal.h"

struct word {
	const char *text;
	uint8_t sem;
};

static const struct word alu_ops[] = {
	{ "+=", ISA_ADD },   { "-=", ISA_SUB },   { "*=", ISA_MUL },    { "/=", ISA_DIV }, { "%=", ISA_MOD },
	{ "s/=", ISA_SDIV }, { "s%=", ISA_SMOD }, { "|=", ISA_OR },     { "&=", ISA_AND }, { "^=", ISA_XOR },
	{ "<<=", ISA_LSH },  { ">>=", ISA_RSH },  { "s>>=", ISA_ARSH },
};

static const struct word compare_ops[] = {
	{ "==", ISA_JEQ },  { "!=", ISA_JNE },   { ">", ISA_JGT },   { ">=", ISA_JGE },
	{ "<", ISA_JLT },   { "<=", ISA_JLE },   { "s>", ISA_JSGT }, { "s>=", ISA_JSGE },
	{ "s<", ISA_JSLT }, { "s<=", ISA_JSLE }, { "&", ISA_JSET },
};

/* Functions of one register. */
static const struct {
	const char *text;
	uint8_t sem, width;
} swaps[] = {
	{ "le16", ISA_END_LE, 16 },   { "le32", ISA_END_LE, 32 },   { "le64", ISA_END_LE, 64 },
	{ "be16", ISA_END_BE, 16 },   { "be32", ISA_END_BE, 32 },   { "be64", ISA_END_BE, 64 },
	{ "bswap16", ISA_BSWAP, 16 }, { "bswap32", ISA_BSWAP, 32 }, { "bswap64", ISA_BSWAP, 64 },
};

static const struct word fetches[] = {
	{ "atomic_fetch_add", ISA_ATOMIC_ADD_FETCH },
	{ "atomic_fetch_or", ISA_ATOMIC_OR_FETCH },
	{ "atomic_fetch_and", ISA_ATOMIC_AND_FETCH },
	{ "atomic_fetch_xor", ISA_ATOMIC_XOR_FETCH },
};

static const struct word *find(const struct word *w, size_t n, const struct tok *t)
{
	for (size_t i = 0; i < n; i++)
		if (tok_is(t, w[i].text))
			return &w[i];
	return NULL;
}

bool as_is_llvm(const struct as *s)
{
	const char *p = s->p;

	if (s->t.kind == TOK_REG || tok_is(&s->t, "*"))
		return true;
	while (p < s->end && (*p == ' ' || *p == '\t'))
		p++;
	if (tok_is(&s->t, "lock"))
		return p < s->end && *p == '*';
	if (tok_is(&s->t, "store_release"))
		return p < s->end && *p == '(';
	return tok_is(&s->t, "if") || tok_is(&s->t, "goto");
}

/* A register of this width, or of either when 32 bits or fewer are moved: w1 and r1 name the same bits there. */
static FALLIBLE want_reg_of(struct as *s, unsigned width, struct tok *out)
{
	TRY(as_want_reg(s, out));
	if (width == 64 && out->width == 32)
		FAIL_TOK(s, out, FORMAT, 130, "64 bits need r%llu, not w%llu", (unsigned long long)out->num,
			 (unsigned long long)out->num);
	return E_OK;
}

static FALLIBLE want_same(struct as *s, const struct tok *reg)
{
	struct tok again;

	TRY(as_want_reg(s, &again));
	if (again.num != reg->num || again.width != reg->width)
		FAIL_TOK(s, &again, FORMAT, 131, "the instruction works in place: both registers must be the same");
	return E_OK;
}

/* u8 to u64, s8 to s32 */
static FALLIBLE want_type(struct as *s, unsigned *bits, bool *is_signed)
{
	static const char *const types[] = { "u8", "u16", "u32", "u64", "s8", "s16", "s32" };
	char said[40];

	for (unsigned i = 0; i < countof(types); i++) {
		if (!tok_is(&s->t, types[i]))
			continue;
		*is_signed = i > 3;
		*bits = 8u << i % 4;
		return as_next(s);
	}
	FAIL_TOK(s, &s->t, FORMAT, 132, "expected a type such as u32, found %s", tok_said(&s->t, said));
}

static FALLIBLE want_unsigned(struct as *s, unsigned *bits)
{
	struct tok at = s->t;
	bool is_signed;

	TRY(want_type(s, bits, &is_signed));
	if (is_signed)
		FAIL_TOK(s, &at, FORMAT, 132, "only a plain load has signed types");
	return E_OK;
}

/* r1 + 8, without parentheses */
static FALLIBLE address(struct as *s, uint8_t *reg, int32_t *off)
{
	struct tok base;
	struct num n;

	TRY(want_reg_of(s, 64, &base));
	*reg = (uint8_t)base.num;
	*off = 0;
	if (!tok_is(&s->t, "+") && !tok_is(&s->t, "-"))
		return E_OK;
	TRY(as_num(s, &n));
	return as_off16(s, &n, off);
}

static FALLIBLE in_parens(struct as *s, uint8_t *reg, int32_t *off)
{
	TRY(as_want(s, "("));
	TRY(address(s, reg, off));
	return as_want(s, ")");
}

/* ((u64 *)(r1 + 8): as in the functions of memory; the last parenthesis is the caller's */
static FALLIBLE typed_address(struct as *s, unsigned *bits, uint8_t *reg, int32_t *off)
{
	TRY(as_want(s, "("));
	TRY(as_want(s, "("));
	TRY(want_unsigned(s, bits));
	TRY(as_want(s, "*"));
	TRY(as_want(s, ")"));
	return in_parens(s, reg, off);
}

/* skb[7], skb[r3]; r0 = stands before it. LLVM has no word for an index with a distance: skb[r3 + 7]. */
static FALLIBLE packet_load(struct as *s, const struct tok *dst, unsigned bits, struct stmt *out)
{
	bool indirect;
	struct num n;

	if (dst->num)
		FAIL_TOK(s, dst, FORMAT, 133, "packet loads go to r0");
	TRY(as_next(s));
	TRY(as_want(s, "["));
	indirect = s->t.kind == TOK_REG;
	TRY(as_row(s, &out->at, indirect ? ISA_LD_IND : ISA_LD_ABS, bits, indirect ? ISA_FORM_LDIND : ISA_FORM_LDABS, 0,
		   &out->in));
	if (indirect) {
		out->in.src = (uint8_t)s->t.num;
		TRY(as_next(s));
	}
	if (!indirect || as_is_num(s)) {
		TRY(as_num(s, &n));
		TRY(as_imm32(s, &n, &out->in.imm));
	}
	return as_want(s, "]");
}

/* = *(u32 *)(r2 + 4); s->t is the first star. */
static FALLIBLE load(struct as *s, const struct tok *dst, struct stmt *out)
{
	bool is_signed;
	unsigned bits;

	TRY(as_want(s, "*"));
	TRY(as_want(s, "("));
	TRY(want_type(s, &bits, &is_signed));
	TRY(as_want(s, "*"));
	TRY(as_want(s, ")"));
	if (tok_is(&s->t, "skb"))
		return packet_load(s, dst, bits, out);
	if (dst->width == 32 && (bits == 64 || is_signed))
		FAIL_TOK(s, dst, FORMAT, 130, "this load fills 64 bits: r%llu", (unsigned long long)dst->num);
	TRY(as_row(s, &out->at, is_signed ? ISA_LDXS : ISA_LDX, bits, ISA_FORM_LDX, 0, &out->in));
	out->in.dst = (uint8_t)dst->num;
	return in_parens(s, &out->in.src, &out->in.off);
}

/* = (s8)r2 */
static FALLIBLE movsx(struct as *s, const struct tok *dst, struct stmt *out)
{
	struct tok src, type;
	bool is_signed;
	unsigned bits;

	TRY(as_want(s, "("));
	type = s->t;
	TRY(want_type(s, &bits, &is_signed));
	if (!is_signed)
		FAIL_TOK(s, &type, FORMAT, 132, "a register is extended from s8, s16 or s32");
	TRY(as_want(s, ")"));
	TRY(as_want_reg(s, &src));
	if (src.width != dst->width)
		FAIL_TOK(s, &src, FORMAT, 134, "both registers must have the same width");
	TRY(as_row(s, &out->at, ISA_MOVSX, dst->width, ISA_FORM_RR, bits, &out->in));
	out->in.dst = (uint8_t)dst->num;
	out->in.src = (uint8_t)src.num;
	return E_OK;
}

static FALLIBLE fetch(struct as *s, const struct tok *dst, unsigned aux, struct stmt *out)
{
	struct isa_insn to = { 0 };
	struct tok src;
	unsigned bits;

	TRY(typed_address(s, &bits, &to.dst, &to.off));
	TRY(as_want(s, ","));
	TRY(want_reg_of(s, bits, &src));
	if (src.num != dst->num)
		FAIL_TOK(s, &src, FORMAT, 131,
			 "what was in memory goes to the operand's register: both must be the same");
	TRY(as_row(s, &out->at, ISA_ATOMIC, bits, ISA_FORM_STX, aux, &out->in));
	out->in.dst = to.dst;
	out->in.off = to.off;
	out->in.src = (uint8_t)src.num;
	return as_want(s, ")");
}

/* xchg_64(r1 + 8, r2), cmpxchg_64(r1 + 8, r0, r2): the result's register is the operand's, or R0 */
static FALLIBLE exchange(struct as *s, const struct tok *dst, unsigned width, bool compare, struct stmt *out)
{
	struct tok old, src;

	TRY(as_row(s, &out->at, ISA_ATOMIC, width, ISA_FORM_STX, compare ? ISA_ATOMIC_CMPXCHG : ISA_ATOMIC_XCHG,
		   &out->in));
	TRY(as_want(s, "("));
	TRY(address(s, &out->in.dst, &out->in.off));
	TRY(as_want(s, ","));
	if (compare) {
		TRY(want_reg_of(s, width, &old));
		if (old.num || dst->num)
			FAIL_TOK(s, old.num ? &old : dst, FORMAT, 135, "compare-and-exchange compares and returns r0");
		TRY(as_want(s, ","));
	}
	TRY(want_reg_of(s, width, &src));
	if (!compare && src.num != dst->num)
		FAIL_TOK(s, &src, FORMAT, 131,
			 "what was in memory goes to the operand's register: both must be the same");
	out->in.src = (uint8_t)src.num;
	return as_want(s, ")");
}

static FALLIBLE load_acquire(struct as *s, const struct tok *dst, struct stmt *out)
{
	struct isa_insn to = { 0 };
	unsigned bits;

	TRY(typed_address(s, &bits, &to.src, &to.off));
	TRY(as_row(s, &out->at, ISA_LOAD_ACQ, bits, ISA_FORM_LDX, 0, &out->in));
	if (bits == 64 && dst->width == 32)
		FAIL_TOK(s, dst, FORMAT, 130, "this load fills 64 bits: r%llu", (unsigned long long)dst->num);
	out->in.dst = (uint8_t)dst->num;
	out->in.src = to.src;
	out->in.off = to.off;
	return as_want(s, ")");
}

static FALLIBLE store_release(struct as *s, struct stmt *out)
{
	struct isa_insn to = { 0 };
	struct tok src;
	unsigned bits;

	TRY(as_next(s));
	TRY(typed_address(s, &bits, &to.dst, &to.off));
	TRY(as_want(s, ","));
	TRY(want_reg_of(s, bits, &src));
	TRY(as_row(s, &out->at, ISA_STORE_REL, bits, ISA_FORM_STX, 0, &out->in));
	out->in.dst = to.dst;
	out->in.off = to.off;
	out->in.src = (uint8_t)src.num;
	return as_want(s, ")");
}

/* addr_space_cast(r2, 0, 1): the spaces to and from stand in the halves of imm. */
static FALLIBLE addr_cast(struct as *s, const struct tok *dst, struct stmt *out)
{
	struct num n[2];
	struct tok src;

	TRY(as_row(s, &out->at, ISA_ADDR_CAST, dst->width, ISA_FORM_RRI, 0, &out->in));
	TRY(as_want(s, "("));
	TRY(want_reg_of(s, 64, &src));
	for (unsigned i = 0; i < 2; i++) {
		TRY(as_want(s, ","));
		TRY(as_num(s, &n[i]));
		if (n[i].negative || n[i].v > UINT16_MAX)
			FAIL_TOK(s, &n[i].at, FORMAT, 136, "an address space is 0 to 65535");
	}
	out->in.dst = (uint8_t)dst->num;
	out->in.src = (uint8_t)src.num;
	out->in.imm = (int32_t)(uint32_t)(n[0].v << 16 | n[1].v);
	return as_want(s, ")");
}

/* r1 = NAME...: *done is false when the name is none of a function and must be a symbol. */
static FALLIBLE assign_function(struct as *s, const struct tok *dst, struct stmt *out, bool *done)
{
	const struct word *w = find(fetches, countof(fetches), &s->t);
	bool compare = tok_is(&s->t, "cmpxchg_64") || tok_is(&s->t, "cmpxchg32_32");

	*done = true;
	for (size_t i = 0; i < countof(swaps); i++) {
		if (!tok_is(&s->t, swaps[i].text))
			continue;
		out->in = isa_make(swaps[i].sem, swaps[i].width, ISA_FORM_R, 0);
		out->in.dst = (uint8_t)dst->num;
		TRY(as_next(s));
		return want_same(s, dst);
	}
	if (w) {
		TRY(as_next(s));
		return fetch(s, dst, w->sem, out);
	}
	if (compare || tok_is(&s->t, "xchg_64") || tok_is(&s->t, "xchg32_32")) {
		unsigned width = s->t.p[s->t.len - 1] == '4' ? 64 : 32;

		TRY(as_next(s));
		return exchange(s, dst, width, compare, out);
	}
	if (tok_is(&s->t, "load_acquire")) {
		TRY(as_next(s));
		return load_acquire(s, dst, out);
	}
	if (tok_is(&s->t, "addr_space_cast")) {
		TRY(as_next(s));
		return addr_cast(s, dst, out);
	}
	*done = false;
	return E_OK;
}

/* r1 = 5, r1 = 5 ll, r1 = name ll */
static FALLIBLE assign_number(struct as *s, const struct tok *dst, struct stmt *out)
{
	struct num n = { 0 };

	if (as_is_num(s)) {
		TRY(as_num(s, &n));
		if (!tok_is(&s->t, "ll")) {
			out->in = isa_make(ISA_MOV, dst->width, ISA_FORM_RI, 0);
			out->in.dst = (uint8_t)dst->num;
			return as_imm32(s, &n, &out->in.imm);
		}
		out->in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_VALUE);
		TRY(as_imm64(s, &n, &out->in.imm));
	} else {
		TRY(as_imm64_operand(s, out));
	}
	if (dst->width == 32)
		FAIL_TOK(s, dst, FORMAT, 130, "64 bits need r%llu, not w%llu", (unsigned long long)dst->num,
			 (unsigned long long)dst->num);
	out->in.dst = (uint8_t)dst->num;
	return as_want(s, "ll");
}

static FALLIBLE assign(struct as *s, const struct tok *dst, struct stmt *out)
{
	bool done = false;
	struct tok src;

	if (tok_is(&s->t, "*"))
		return load(s, dst, out);
	if (tok_is(&s->t, "("))
		return movsx(s, dst, out);
	if (s->t.kind == TOK_NAME)
		TRY(assign_function(s, dst, out, &done));
	if (done)
		return E_OK;
	if (s->t.kind != TOK_REG) {
		struct as ahead = *s;

		/* r1 = -r1 */
		ahead.d = NULL;
		if (!tok_is(&s->t, "-") || as_next(&ahead) != E_OK || ahead.t.kind != TOK_REG)
			return assign_number(s, dst, out);
		TRY(as_next(s));
		out->in = isa_make(ISA_NEG, dst->width, ISA_FORM_R, 0);
		out->in.dst = (uint8_t)dst->num;
		return want_same(s, dst);
	}
	TRY(as_want_reg(s, &src));
	if (src.width != dst->width)
		FAIL_TOK(s, &src, FORMAT, 134, "both registers must have the same width");
	out->in = isa_make(ISA_MOV, dst->width, ISA_FORM_RR, 0);
	out->in.dst = (uint8_t)dst->num;
	out->in.src = (uint8_t)src.num;
	return E_OK;
}

/* The second operand of arithmetic and of comparisons. */
static FALLIBLE operand(struct as *s, const struct tok *dst, unsigned sem, bool jump, struct stmt *out)
{
	struct tok src;
	struct num n;

	if (s->t.kind != TOK_REG) {
		TRY(as_num(s, &n));
		out->in = isa_make(sem, dst->width, jump ? ISA_FORM_JRI : ISA_FORM_RI, 0);
		out->in.dst = (uint8_t)dst->num;
		return as_imm32(s, &n, &out->in.imm);
	}
	TRY(as_want_reg(s, &src));
	if (src.width != dst->width)
		FAIL_TOK(s, &src, FORMAT, 134, "both registers must have the same width");
	out->in = isa_make(sem, dst->width, jump ? ISA_FORM_JRR : ISA_FORM_RR, 0);
	out->in.dst = (uint8_t)dst->num;
	out->in.src = (uint8_t)src.num;
	return E_OK;
}

static FALLIBLE reg_first(struct as *s, struct stmt *out)
{
	const struct word *w;
	struct tok dst = s->t;
	char said[40];

	TRY(as_next(s));
	if (tok_is(&s->t, "=")) {
		TRY(as_next(s));
		return assign(s, &dst, out);
	}
	w = find(alu_ops, countof(alu_ops), &s->t);
	if (!w)
		FAIL_TOK(s, &s->t, FORMAT, 137, "expected = or an operator such as +=, found %s",
			 tok_said(&s->t, said));
	TRY(as_next(s));
	return operand(s, &dst, w->sem, false, out);
}

static FALLIBLE branch(struct as *s, struct stmt *out)
{
	const struct word *w;
	struct tok dst;
	char said[40];

	TRY(as_next(s));
	TRY(as_want_reg(s, &dst));
	w = find(compare_ops, countof(compare_ops), &s->t);
	if (!w)
		FAIL_TOK(s, &s->t, FORMAT, 138, "expected a comparison such as s>=, found %s", tok_said(&s->t, said));
	TRY(as_next(s));
	TRY(operand(s, &dst, w->sem, true, out));
	TRY(as_want(s, "goto"));
	return as_target(s, out);
}

/* *(u32 *)(r1 + 4) = w2, = 5 */
static FALLIBLE store(struct as *s, struct stmt *out)
{
	struct isa_insn to = { 0 };
	unsigned bits;
	struct tok src;
	struct num n;
	bool imm;

	TRY(as_want(s, "*"));
	TRY(as_want(s, "("));
	TRY(want_unsigned(s, &bits));
	TRY(as_want(s, "*"));
	TRY(as_want(s, ")"));
	TRY(in_parens(s, &to.dst, &to.off));
	TRY(as_want(s, "="));
	imm = s->t.kind != TOK_REG;
	TRY(as_row(s, &out->at, imm ? ISA_ST : ISA_STX, bits, imm ? ISA_FORM_ST : ISA_FORM_STX, 0, &out->in));
	out->in.dst = to.dst;
	out->in.off = to.off;
	if (imm) {
		TRY(as_num(s, &n));
		return as_imm32(s, &n, &out->in.imm);
	}
	TRY(want_reg_of(s, bits, &src));
	out->in.src = (uint8_t)src.num;
	return E_OK;
}

/* lock *(u64 *)(r1 + 8) += r2 */
static FALLIBLE locked(struct as *s, struct stmt *out)
{
	static const struct word ops[] = {
		{ "+=", ISA_ATOMIC_ADD }, { "|=", ISA_ATOMIC_OR }, { "&=", ISA_ATOMIC_AND }, { "^=", ISA_ATOMIC_XOR }
	};
	struct isa_insn to = { 0 };
	const struct word *w;
	struct tok src;
	unsigned bits;
	char said[40];

	TRY(as_next(s));
	TRY(as_want(s, "*"));
	TRY(as_want(s, "("));
	TRY(want_unsigned(s, &bits));
	TRY(as_want(s, "*"));
	TRY(as_want(s, ")"));
	TRY(in_parens(s, &to.dst, &to.off));
	w = find(ops, countof(ops), &s->t);
	if (!w)
		FAIL_TOK(s, &s->t, FORMAT, 139, "expected += |= &= or ^=, found %s", tok_said(&s->t, said));
	TRY(as_next(s));
	TRY(want_reg_of(s, bits, &src));
	TRY(as_row(s, &out->at, ISA_ATOMIC, bits, ISA_FORM_STX, w->sem, &out->in));
	out->in.dst = to.dst;
	out->in.off = to.off;
	out->in.src = (uint8_t)src.num;
	return E_OK;
}

FALLIBLE as_llvm(struct as *s, struct stmt *out)
{
	if (s->t.kind == TOK_REG)
		return reg_first(s, out);
	if (tok_is(&s->t, "*"))
		return store(s, out);
	if (tok_is(&s->t, "if"))
		return branch(s, out);
	if (tok_is(&s->t, "store_release"))
		return store_release(s, out);
	if (tok_is(&s->t, "lock"))
		return locked(s, out);
	out->in = isa_make(ISA_JA, 64, ISA_FORM_J, 0);
	TRY(as_next(s));
	return as_target(s, out);
}
