/* SPDX-License-Identifier: Apache-2.0 */
/* parse: the text line by line: labels, directives, instructions; and the operands that both syntaxes have. */
#include "engine/asm/internal.h"

const char *const asm_imm64_names[7] = {
	[ISA_IMM64_MAP_FD] = "map_fd", [ISA_IMM64_MAP_VALUE] = "map_value", [ISA_IMM64_BTF_ID] = "btf_id",
	[ISA_IMM64_FUNC] = "func",     [ISA_IMM64_MAP_IDX] = "map_idx",     [ISA_IMM64_MAP_IDX_VALUE] = "map_idx_value",
};

/* Code points from the start of the line, from 1. */
static uint32_t column(const char *line, const char *p)
{
	uint32_t col = 1;

	for (; line < p; line++)
		col += ((uint8_t)*line & 0xc0) != 0x80;
	return col;
}

void as_point(const struct as *s, const struct tok *t)
{
	size_t len = 0;

	if (!s->d)
		return;
	while (t->line_start + len < s->end && t->line_start[len] != '\n')
		len++;
	s->d->pos = (struct diag_pos){ .file = s->name, .line = t->line, .len = t->len ? t->len : 1 };
	/* What is in quotes was decoded to other memory. */
	s->d->pos.col = t->p >= t->line_start && t->p <= t->line_start + len ? column(t->line_start, t->p) : 1;
	s->d->line_text = arena_strndup(s->a, t->line_start, len < 400 ? len : 400);
}

FALLIBLE as_want(struct as *s, const char *op)
{
	char said[40];

	if (!tok_is(&s->t, op))
		FAIL_TOK(s, &s->t, FORMAT, 110, "expected '%s', found %s", op, tok_said(&s->t, said));
	return as_next(s);
}

FALLIBLE as_want_reg(struct as *s, struct tok *out)
{
	char said[40];

	if (s->t.kind != TOK_REG)
		FAIL_TOK(s, &s->t, FORMAT, 111, "expected a register, found %s", tok_said(&s->t, said));
	*out = s->t;
	return as_next(s);
}

bool as_is_num(const struct as *s)
{
	return s->t.kind == TOK_NUM || tok_is(&s->t, "+") || tok_is(&s->t, "-") || as_equ(s, &s->t);
}

FALLIBLE as_num(struct as *s, struct num *out)
{
	struct num n = { .at = s->t, .has_sign = tok_is(&s->t, "+") || tok_is(&s->t, "-") };
	const struct equ *e;
	char said[40];

	if (n.has_sign) {
		n.negative = tok_is(&s->t, "-");
		TRY(as_next(s));
	}
	e = as_equ(s, &s->t);
	if (!e && s->t.kind != TOK_NUM)
		FAIL_TOK(s, &s->t, FORMAT, 112, "expected a number, found %s", tok_said(&s->t, said));
	n.v = e ? e->value : s->t.num;
	if (e)
		n.negative ^= e->negative;
	*out = n;
	return as_next(s);
}

/* Signed or unsigned: what fits the field either way. */
FALLIBLE as_imm32(struct as *s, const struct num *n, int64_t *out)
{
	if (n->v > (n->negative ? UINT64_C(1) << 31 : UINT32_MAX))
		FAIL_TOK(s, &n->at, FORMAT, 113, "the number does not fit into the 32 bits of an immediate");
	*out = (int32_t)(uint32_t)(n->negative ? 0 - n->v : n->v);
	return E_OK;
}

FALLIBLE as_imm64(struct as *s, const struct num *n, int64_t *out)
{
	if (n->negative && n->v > UINT64_C(1) << 63)
		FAIL_TOK(s, &n->at, FORMAT, 103, "the number does not fit into 64 bits");
	*out = (int64_t)(n->negative ? 0 - n->v : n->v);
	return E_OK;
}

FALLIBLE as_off16(struct as *s, const struct num *n, int32_t *out)
{
	if (n->v > (n->negative ? 32768u : 32767u))
		FAIL_TOK(s, &n->at, FORMAT, 114, "an offset is -32768 to 32767");
	*out = n->negative ? -(int32_t)n->v : (int32_t)n->v;
	return E_OK;
}

static FALLIBLE dist32(struct as *s, const struct num *n, int64_t *out)
{
	if (n->v > (n->negative ? UINT64_C(1) << 31 : INT32_MAX))
		FAIL_TOK(s, &n->at, FORMAT, 114, "a distance is -2147483648 to 2147483647");
	*out = n->negative ? -(int64_t)n->v : (int64_t)n->v;
	return E_OK;
}

FALLIBLE as_target(struct as *s, struct stmt *out)
{
	struct num n;
	int64_t far;
	char said[40];

	if (tok_is_name(&s->t) && !as_equ(s, &s->t)) {
		out->ref = s->t;
		out->ref_kind = REF_JUMP;
		return as_next(s);
	}
	if (!as_is_num(s))
		FAIL_TOK(s, &s->t, FORMAT, 115, "expected a label or a distance, found %s", tok_said(&s->t, said));
	TRY(as_num(s, &n));
	if (!n.has_sign)
		FAIL_TOK(s, &n.at, FORMAT, 115, "a distance has a sign: +%llu", (unsigned long long)n.v);
	if (out->in.form != ISA_FORM_JL)
		return as_off16(s, &n, &out->in.off);
	TRY(dist32(s, &n, &far));
	out->in.off = (int32_t)far;
	return E_OK;
}

FALLIBLE as_row(struct as *s, const struct tok *at, enum isa_sem sem, unsigned width, enum isa_form form, unsigned aux,
		struct isa_insn *out)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];

		if (r->sem == sem && r->width == width && r->form == form && r->aux == aux) {
			*out = isa_make(sem, width, form, aux);
			return E_OK;
		}
	}
	FAIL_TOK(s, at, FORMAT, 116, "there is no such instruction with %u bits", width);
}

static FALLIBLE call_local(struct as *s, struct stmt *out)
{
	struct num n;

	out->in = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL);
	if (tok_is_name(&s->t) && !as_equ(s, &s->t)) {
		out->ref = s->t;
		out->ref_kind = REF_CALL_LOCAL;
		return as_next(s);
	}
	TRY(as_num(s, &n));
	if (!n.has_sign)
		FAIL_TOK(s, &n.at, FORMAT, 115, "a distance has a sign: +%llu", (unsigned long long)n.v);
	return dist32(s, &n, &out->in.imm);
}

/* Is the word at hand followed by more on the line? Then it is a word of the syntax, else a name. */
static bool is_last_word(const struct as *s)
{
	const char *p = s->p;

	while (p < s->end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p == s->end || strchr("\n;#/", *p) != NULL;
}

/* call 5, call map_lookup_elem, call func, call local func, call helper 5, call kfunc 5, call %r1. */
FALLIBLE as_call(struct as *s, struct stmt *out)
{
	unsigned kind = ISA_CALL_HELPER;
	struct tok word = s->t;
	struct num n;

	if (s->t.kind == TOK_REG) {
		out->in = isa_make(ISA_CALLX, 64, ISA_FORM_R, 0);
		out->in.dst = (uint8_t)s->t.num;
		return as_next(s);
	}
	if (word.kind == TOK_NAME && !is_last_word(s)) {
		bool local = tok_is(&word, "local"), kfunc = tok_is(&word, "kfunc") || tok_is(&word, "runtime");

		if (local || kfunc || tok_is(&word, "helper"))
			TRY(as_next(s));
		if (local)
			return call_local(s, out);
		if (kfunc)
			kind = ISA_CALL_KFUNC;
		else if (s->t.kind == TOK_REG)
			return as_call(s, out);
	}
	out->in = isa_make(ISA_CALL, 64, ISA_FORM_CALL, kind);
	if (tok_is_name(&s->t) && !as_equ(s, &s->t) && kind == ISA_CALL_HELPER) {
		out->ref = s->t;
		out->ref_kind = REF_CALL;
		return as_next(s);
	}
	TRY(as_num(s, &n));
	return as_imm32(s, &n, &out->in.imm);
}

/* map_value(1, 8): s->t is the open parenthesis. */
static FALLIBLE pseudo(struct as *s, unsigned kind, struct stmt *out)
{
	bool two = kind == ISA_IMM64_MAP_VALUE || kind == ISA_IMM64_MAP_IDX_VALUE;
	int64_t low, high = 0;
	struct num n;

	out->in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, kind);
	TRY(as_want(s, "("));
	TRY(as_num(s, &n));
	if (!two) {
		TRY(as_imm64(s, &n, &out->in.imm));
		return as_want(s, ")");
	}
	TRY(as_imm32(s, &n, &low));
	TRY(as_want(s, ","));
	TRY(as_num(s, &n));
	TRY(as_imm32(s, &n, &high));
	out->in.imm = (uint32_t)low;
	if (kind == ISA_IMM64_MAP_VALUE)
		out->in.off = (int32_t)high;
	else
		out->in.imm = (int64_t)((uint64_t)(uint32_t)low | (uint64_t)high << 32);
	return as_want(s, ")");
}

FALLIBLE as_imm64_operand(struct as *s, struct stmt *out)
{
	struct num n;
	char said[40];

	for (unsigned k = 1; k < countof(asm_imm64_names); k++) {
		if (s->t.kind != TOK_NAME || !tok_is(&s->t, asm_imm64_names[k]) || s->p == s->end || *s->p != '(')
			continue;
		TRY(as_next(s));
		return pseudo(s, k, out);
	}
	out->in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_VALUE);
	if (as_is_num(s)) {
		TRY(as_num(s, &n));
		return as_imm64(s, &n, &out->in.imm);
	}
	if (!tok_is_name(&s->t))
		FAIL_TOK(s, &s->t, FORMAT, 117, "expected a number, a map or a function, found %s",
			 tok_said(&s->t, said));
	out->ref = s->t;
	out->ref_kind = REF_IMM64;
	TRY(as_next(s));
	out->has_off = tok_is(&s->t, "+") || tok_is(&s->t, "-");
	if (!out->has_off)
		return E_OK;
	TRY(as_num(s, &n));
	if (n.v > INT32_MAX)
		FAIL_TOK(s, &n.at, FORMAT, 113, "the offset into a map's value does not fit into 32 bits");
	out->off = n.negative ? -(int32_t)n.v : (int32_t)n.v;
	return E_OK;
}

static FALLIBLE emit(struct as *s, const struct stmt *st)
{
	struct part *part = &s->parts[s->part];
	unsigned slots = st->in.sem == ISA_IMM64 ? 2 : 1;

	if (s->parts[0].n + s->parts[1].n + slots > ISA_MAX_SLOTS)
		FAIL_TOK(s, &st->at, LIMIT, 118, "more than %d instructions", ISA_MAX_SLOTS);
	for (unsigned i = 0; i < slots; i++) {
		struct stmt *to = arena_grow(s->a, part->s, part->n, &part->cap, sizeof *to);

		if (!to)
			return E_NOMEM;
		part->s = to;
		part->s[part->n++] = i ? (struct stmt){ .at = st->at } : *st;
	}
	return E_OK;
}

static FALLIBLE instruction(struct as *s)
{
	struct stmt st = { .at = s->t };
	char said[40];

	if (as_is_llvm(s))
		TRY(as_llvm(s, &st));
	else
		TRY(as_mnemonic(s, &st));
	if (s->t.kind != TOK_END)
		FAIL_TOK(s, &s->t, FORMAT, 119, "the instruction ends before %s", tok_said(&s->t, said));
	return emit(s, &st);
}

static FALLIBLE add_label(struct as *s, const struct tok *name)
{
	struct label *to = arena_grow(s->a, s->labels, s->n_labels, &s->labels_cap, sizeof *to);

	if (!to)
		return E_NOMEM;
	s->labels = to;
	s->labels[s->n_labels++] =
		(struct label){ .name = *name, .part = s->part, .at = (uint32_t)s->parts[s->part].n };
	return E_OK;
}

static bool colon_follows(const struct as *s)
{
	const char *p = s->p;

	while (p < s->end && (*p == ' ' || *p == '\t'))
		p++;
	return p < s->end && *p == ':';
}

static FALLIBLE skip_statement(struct as *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
	return as_next(s);
}

/* One statement; s->t is its first token. */
static FALLIBLE statement(struct as *s)
{
	char said[40];

	while (tok_is_name(&s->t) && colon_follows(s)) {
		struct tok name = s->t;

		if (s->in_code)
			TRY(add_label(s, &name));
		TRY(as_next(s));
		TRY(as_want(s, ":"));
	}
	if (s->t.kind == TOK_END)
		return E_OK;
	if (s->t.kind == TOK_NAME && s->t.p[0] == '.')
		return as_directive(s);
	if (!s->in_code)
		FAIL_TOK(s, &s->t, FORMAT, 120, "%s in a section that holds no code", tok_said(&s->t, said));
	return instruction(s);
}

static bool line_is_comment(const struct as *s)
{
	const char *p = s->p;

	while (p < s->end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p < s->end && *p == ';';
}

FALLIBLE asm_text(struct view text, const char *name, struct arena *a, struct prog *out, struct diag *d)
{
	struct as s = { .name = name,
			.a = a,
			.d = d,
			.p = (const char *)text.p,
			.line_start = (const char *)text.p,
			.line = 1,
			.in_code = true,
			.section = ".text" };

	if (d)
		d->subject = name;
	if (text.len > ASM_MAX_BYTES)
		FAIL_ID(d, LIMIT, 'A', 100, "the text has %zu bytes; at most %d are read", text.len, ASM_MAX_BYTES);
	if (!text.len)
		s.p = s.line_start = "";
	s.end = s.p + text.len;
	while (s.p < s.end) {
		/* A semicolon that begins a line begins a comment; others part statements. */
		if (s.p == s.line_start && line_is_comment(&s)) {
			TRY(skip_statement(&s));
			continue;
		}
		TRY(as_next(&s));
		TRY(statement(&s));
	}
	return as_resolve(&s, out);
}
