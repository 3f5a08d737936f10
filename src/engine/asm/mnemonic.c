/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mnemonic: one instruction as `op operands`: ubpf's syntax, which the conformance suite uses.
 *
 * The words are those of isa.def and a few others for the same; operands are read by shape, and the row is the one with
 * that word whose form takes them.
 */
#include "engine/asm/internal.h"

enum { MAX_OPERANDS = 3, MAX_MNEMONIC = 40 };

enum shape { SHAPE_REG, SHAPE_NUM, SHAPE_MEM };

struct operand {
	struct tok at;
	uint8_t shape;
	uint8_t reg;
	int32_t off;
	struct num num;
};

/* Other words for a mnemonic of isa.def. */
static const struct {
	const char *word, *mnemonic;
} aliases[] = {
	{ "ja32", "gotol" },
	{ "swap16", "bswap16" },
	{ "swap32", "bswap32" },
	{ "swap64", "bswap64" },
	{ "movsx864", "movsx8" },
	{ "movsx1664", "movsx16" },
	{ "movsx3264", "movsx32" },
	{ "add64", "add" },
	{ "sub64", "sub" },
	{ "mul64", "mul" },
	{ "div64", "div" },
	{ "sdiv64", "sdiv" },
	{ "or64", "or" },
	{ "and64", "and" },
	{ "lsh64", "lsh" },
	{ "rsh64", "rsh" },
	{ "neg64", "neg" },
	{ "mod64", "mod" },
	{ "smod64", "smod" },
	{ "xor64", "xor" },
	{ "mov64", "mov" },
	{ "arsh64", "arsh" },
	{ "load_acquire", "load_acquire64" },
	{ "store_release", "store_release64" },
};

/* lock [fetch] add32, lock fetch_add32, lock add fetch32: as isa.def has it, the last of them. */
static FALLIBLE lock_word(struct as *s, char out[MAX_MNEMONIC])
{
	bool fetch = tok_is(&s->t, "fetch"), narrow;
	char said[40];
	struct tok op;

	if (fetch)
		TRY(as_next(s));
	op = s->t;
	if (op.kind != TOK_NAME)
		FAIL_TOK(s, &op, FORMAT, 140, "expected an operation such as add after lock, found %s",
			 tok_said(&op, said));
	if (!fetch && op.len > 6 && !memcmp(op.p, "fetch_", 6)) {
		fetch = true;
		op.p += 6;
		op.len -= 6;
	}
	narrow = op.len > 2 && !memcmp(op.p + op.len - 2, "32", 2);
	op.len -= narrow ? 2 : 0;
	TRY(as_next(s));
	if (!fetch && (tok_is(&s->t, "fetch") || tok_is(&s->t, "fetch32"))) {
		fetch = true;
		narrow |= s->t.len == 7;
		TRY(as_next(s));
	}
	(void)snprintf(out, MAX_MNEMONIC, "lock %.*s%s%s", (int)(op.len < 20 ? op.len : 20), op.p,
		       fetch ? " fetch" : "", narrow ? "32" : "");
	return E_OK;
}

static bool is_word(const char *mnemonic)
{
	for (size_t i = 0; i < isa_n_rows; i++)
		if (!strcmp(isa_rows[i].mnemonic, mnemonic))
			return true;
	return false;
}

/* The mnemonic at hand, in isa.def's words. */
static FALLIBLE mnemonic(struct as *s, char out[MAX_MNEMONIC])
{
	struct tok at = s->t;
	char said[40];

	if (at.kind != TOK_NAME)
		FAIL_TOK(s, &at, FORMAT, 141, "expected an instruction, found %s", tok_said(&at, said));
	(void)snprintf(out, MAX_MNEMONIC, "%.*s", (int)(at.len < MAX_MNEMONIC ? at.len : 0), at.p);
	for (size_t i = 0; i < countof(aliases); i++)
		if (!strcmp(out, aliases[i].word))
			(void)snprintf(out, MAX_MNEMONIC, "%s", aliases[i].mnemonic);
	TRY(as_next(s));
	if (!strcmp(out, "lock"))
		TRY(lock_word(s, out));
	if (!is_word(out))
		FAIL_TOK(s, &at, FORMAT, 141, "%s is no instruction", tok_said(&at, said));
	return E_OK;
}

/* [%r1+8] */
static FALLIBLE memory(struct as *s, struct operand *out)
{
	struct tok base;
	struct num n;

	TRY(as_want(s, "["));
	TRY(as_want_reg(s, &base));
	out->shape = SHAPE_MEM;
	out->reg = (uint8_t)base.num;
	if (!tok_is(&s->t, "]")) {
		TRY(as_num(s, &n));
		if (!n.has_sign)
			FAIL_TOK(s, &n.at, FORMAT, 142, "an offset follows its register with a sign: [%%r1+8]");
		TRY(as_off16(s, &n, &out->off));
	}
	return as_want(s, "]");
}

static FALLIBLE operand(struct as *s, struct operand *out)
{
	char said[40];

	*out = (struct operand){ .at = s->t };
	if (s->t.kind == TOK_REG) {
		if (s->t.width == 32)
			FAIL_TOK(s, &s->t, FORMAT, 143, "this syntax has no w%llu: the mnemonic says how many bits",
				 (unsigned long long)s->t.num);
		out->shape = SHAPE_REG;
		out->reg = (uint8_t)s->t.num;
		return as_next(s);
	}
	if (tok_is(&s->t, "["))
		return memory(s, out);
	if (!as_is_num(s))
		FAIL_TOK(s, &s->t, FORMAT, 144, "expected a register, a number or memory, found %s",
			 tok_said(&s->t, said));
	out->shape = SHAPE_NUM;
	return as_num(s, &out->num);
}

/* What a form takes, in order; 'r' register, 'n' number, 'm' memory, 't' target, 'c' what call takes, 'w' lddw's. */
static const char *const shapes[] = {
	[ISA_FORM_N] = "",      [ISA_FORM_R] = "r",     [ISA_FORM_RR] = "rr",    [ISA_FORM_RI] = "rn",
	[ISA_FORM_RRI] = "rrn", [ISA_FORM_LDX] = "rm",  [ISA_FORM_ST] = "mn",    [ISA_FORM_STX] = "mr",
	[ISA_FORM_LDDW] = "rw", [ISA_FORM_LDABS] = "n", [ISA_FORM_LDIND] = "rn", [ISA_FORM_J] = "t",
	[ISA_FORM_JL] = "t",    [ISA_FORM_JRR] = "rrt", [ISA_FORM_JRI] = "rnt",  [ISA_FORM_CALL] = "c",
};

static bool fits(const char *shape, const struct operand *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = ops[i].shape == SHAPE_REG ? 'r' : ops[i].shape == SHAPE_NUM ? 'n' : 'm';

		if (shape[i] != c)
			return false;
	}
	return !shape[n] || shape[n] == 't';
}

static const struct isa_row *choose(const char *word, const struct operand *ops, size_t n)
{
	for (size_t i = 0; i < isa_n_rows; i++)
		if (!strcmp(isa_rows[i].mnemonic, word) && fits(shapes[isa_rows[i].form], ops, n))
			return &isa_rows[i];
	return NULL;
}

/* "takes a register and a number" would need a grammar: an example says it shorter. */
static const char *example(const char *word)
{
	const char *shape = "";
	static const struct {
		const char *shape, *text;
	} texts[] = {
		{ "", "no operands" },      { "r", "%r1" },           { "rr", "%r1, %r2" },
		{ "rn", "%r1, 5" },         { "rrn", "%r1, %r2, 5" }, { "rm", "%r1, [%r2+8]" },
		{ "mn", "[%r1+8], 5" },     { "mr", "[%r1+8], %r2" }, { "rrt", "%r1, %r2, label" },
		{ "rnt", "%r1, 5, label" }, { "t", "a label" },       { "n", "5" },
	};

	for (size_t i = 0; i < isa_n_rows; i++)
		if (!strcmp(isa_rows[i].mnemonic, word))
			shape = shapes[isa_rows[i].form];
	for (size_t i = 0; i < countof(texts); i++)
		if (!strcmp(texts[i].shape, shape))
			return texts[i].text;
	return "other operands";
}

static FALLIBLE fill(struct as *s, const struct isa_row *r, const struct operand *ops, struct stmt *out)
{
	const char *shape = shapes[r->form];
	bool second = false;

	out->in = isa_make(r->sem, r->width, r->form, r->aux);
	if (r->form == ISA_FORM_LDIND)
		second = true;
	for (size_t i = 0; shape[i] && shape[i] != 't'; i++) {
		switch (shape[i]) {
		case 'r':
			*(second ? &out->in.src : &out->in.dst) = ops[i].reg;
			second = true;
			break;
		case 'm':
			*(second ? &out->in.src : &out->in.dst) = ops[i].reg;
			out->in.off = ops[i].off;
			second = true;
			break;
		default:
			TRY(as_imm32(s, &ops[i].num, &out->in.imm));
		}
	}
	return E_OK;
}

static FALLIBLE wide(struct as *s, struct stmt *out)
{
	struct tok dst;

	TRY(as_want_reg(s, &dst));
	TRY(as_want(s, ","));
	TRY(as_imm64_operand(s, out));
	out->in.dst = (uint8_t)dst.num;
	return E_OK;
}

/* Operands up to the end, or up to a jump's target, which is the last one. */
static FALLIBLE operands(struct as *s, const char *word, size_t max, struct operand *ops, size_t *n)
{
	for (*n = 0; s->t.kind != TOK_END && *n < max; (*n)++) {
		if (*n)
			TRY(as_want(s, ","));
		TRY(operand(s, &ops[*n]));
	}
	if (max == 2 && word[0] == 'j')
		TRY(as_want(s, ","));
	return E_OK;
}

FALLIBLE as_mnemonic(struct as *s, struct stmt *out)
{
	struct operand ops[MAX_OPERANDS];
	const struct isa_row *r;
	char word[MAX_MNEMONIC];
	bool jump, straight;
	size_t n = 0;

	if (tok_is(&s->t, "call") || tok_is(&s->t, "callx")) {
		TRY(as_next(s));
		return as_call(s, out);
	}
	TRY(mnemonic(s, word));
	if (!strcmp(word, "lddw"))
		return wide(s, out);
	straight = !strcmp(word, "ja") || !strcmp(word, "gotol") || !strcmp(word, "may_goto");
	jump = straight || word[0] == 'j';
	if (!straight)
		TRY(operands(s, word, jump ? 2 : MAX_OPERANDS, ops, &n));
	r = choose(word, ops, n);
	if (!r) {
		struct tok at = n ? ops[n - 1].at : out->at;

		FAIL_TOK(s, &at, FORMAT, 145, "%s is written with other operands: %s", word, example(word));
	}
	TRY(fill(s, r, ops, out));
	return jump ? as_target(s, out) : E_OK;
}
