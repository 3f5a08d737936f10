/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of asm share. Not a door.
 *
 * lex.c makes tokens, parse.c takes lines apart (labels, which syntax), directive.c the lines that begin with a dot,
 * llvm.c and mnemonic.c one instruction each, resolve.c makes slots of names. print.c and list.c go the other way.
 */
#ifndef SALLYPORT_ENGINE_ASM_INTERNAL_H
#define SALLYPORT_ENGINE_ASM_INTERNAL_H

#include "engine/abi/abi.h"
#include "engine/asm/asm.h"

enum tok_kind {
	TOK_END,  /* of the statement: newline, semicolon, or of the text */
	TOK_NAME, /* a symbol or a word */
	TOK_SYM,  /* a name in quotes: a symbol whatever it looks like */
	TOK_REG,  /* num: its number; width: 32 for w0, 64 for r0 */
	TOK_NUM,
	TOK_OP,
};

struct tok {
	uint8_t kind;
	uint8_t width;
	bool percent; /* TOK_REG: written %r0 */
	uint32_t len; /* of p, bytes */
	uint32_t line;
	const char *p;
	const char *line_start;
	uint64_t num;
};

/* A name that an instruction refers to; resolved when all labels are known. */
enum ref_kind { REF_NONE, REF_JUMP, REF_CALL, REF_CALL_LOCAL, REF_IMM64 };

struct stmt {
	struct isa_insn in;
	struct tok at;  /* its first token */
	struct tok ref; /* REF_*: the name */
	uint8_t ref_kind;
	bool has_off; /* REF_IMM64: an offset was written */
	int32_t off;
};

/* Code of .text, and code of the section that names the program: the latter comes first. */
enum { PART_MAIN, PART_TEXT, N_PARTS };

struct part {
	struct stmt *s;
	size_t n, cap;
};

struct label {
	struct tok name;
	uint32_t part, at; /* statements of the part before it; resolve.c adds what the order of parts makes of it */
	bool is_func;
};

struct equ {
	const char *name;
	uint64_t value;
	bool negative;
};

struct as {
	const char *name;
	struct arena *a;
	struct diag *d;
	const char *p, *end, *line_start;
	uint32_t line;
	struct tok t; /* the token at hand */
	struct part parts[N_PARTS];
	uint32_t part;
	bool in_code; /* false: a section that holds no code */
	const char *section;
	struct label *labels;
	size_t n_labels, labels_cap;
	struct tok *globals; /* names that .globl or .type call functions */
	size_t n_globals, globals_cap;
	struct equ *equs;
	size_t n_equs, equs_cap;
	struct prog_map *maps;
	size_t n_maps, maps_cap;
};

/* Point d at a token and fail. */
void as_point(const struct as *s, const struct tok *t);
#define FAIL_TOK(s, t, kind, id, ...)                        \
	do {                                                 \
		as_point((s), (t));                          \
		FAIL_ID((s)->d, kind, 'A', id, __VA_ARGS__); \
	} while (0)

/* lex.c: the next token to s->t. */
FALLIBLE as_next(struct as *s);
bool tok_is(const struct tok *t, const char *text);
/* "'x'", or "the end of the line"; in out. */
const char *tok_said(const struct tok *t, char out[40]);
bool tok_is_name(const struct tok *t);

/* parse.c: operands that both syntaxes have. Each reads from s->t on and leaves the token after it there. */
struct num {
	struct tok at;
	uint64_t v; /* magnitude */
	bool negative, has_sign;
};
FALLIBLE as_want(struct as *s, const char *op);
FALLIBLE as_want_reg(struct as *s, struct tok *out);
bool as_is_num(const struct as *s);
FALLIBLE as_num(struct as *s, struct num *out);
FALLIBLE as_imm32(struct as *s, const struct num *n, int64_t *out);
FALLIBLE as_imm64(struct as *s, const struct num *n, int64_t *out);
FALLIBLE as_off16(struct as *s, const struct num *n, int32_t *out);
/* A label, or a signed distance. */
FALLIBLE as_target(struct as *s, struct stmt *out);
/* What comes after `call`. */
FALLIBLE as_call(struct as *s, struct stmt *out);
/* What a 64-bit immediate may be: a number, a map or function, map_fd(1)... */
FALLIBLE as_imm64_operand(struct as *s, struct stmt *out);
/* The row of an instruction; its operands zero. */
FALLIBLE as_row(struct as *s, const struct tok *at, enum isa_sem sem, unsigned width, enum isa_form form, unsigned aux,
		struct isa_insn *out);
/* One instruction; s->t is its first token, and TOK_END afterwards. */
FALLIBLE as_llvm(struct as *s, struct stmt *out);
FALLIBLE as_mnemonic(struct as *s, struct stmt *out);
bool as_is_llvm(const struct as *s);
/* directive.c: a line that begins with a dot, s->t being that word. */
FALLIBLE as_directive(struct as *s);
const struct equ *as_equ(const struct as *s, const struct tok *t);
/* resolve.c */
FALLIBLE as_resolve(struct as *s, struct prog *out);

/* Kinds of 64-bit immediates as they are written, by enum isa_imm64; [0] is NULL. */
extern const char *const asm_imm64_names[7];
/* The name may stand without quotes, and is none that means something else. */
bool asm_plain_name(const char *name);
void asm_put_name(const char *name, struct buf *out);
/* A map whose values a bare name means, and not the map. */
static inline bool asm_is_data_map(const struct prog_map *m)
{
	return m->name[0] == '.';
}

/* print.c: as asm_print, jumps and calls to `label` (in place of a distance) when it is not NULL. */
void asm_print_to(const struct isa_insn *in, uint32_t slot, const struct prog *p, const char *label, struct buf *out);
/* A call's or function reference's target slot; false: not such an instruction, or outside of the program. */
bool asm_target(const struct isa_insn *in, uint32_t slot, uint32_t n, uint32_t *out);

#endif
