/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: types as C spells them.
 *
 * A declaration has a part left and a part right of its name; both walk the same chain. A pointer to an array or a
 * function puts parentheses around what is inside. Only prototypes and anonymous types nest: their depth is limited,
 * since BTF can make circles that C cannot.
 */
#include "engine/btf/internal.h"

struct printer {
	const struct btf *b;
	struct buf *out;
	int depth;
};

static void put_type(struct printer *p, uint32_t id, const char *name);

static void put_name(struct printer *p, const char *name)
{
	buf_put_safe(p->out, name, strlen(name));
}

static const char *keyword(const struct btf_type *t)
{
	if (t->kind == BTF_FWD)
		return t->flag ? "union" : "struct";
	return t->kind == BTF_STRUCT ? "struct" : t->kind == BTF_UNION ? "union" : "enum";
}

static void put_enumerators(struct printer *p, const struct btf_type *t)
{
	for (uint32_t i = 0; i < t->n && !p->out->full; i++) {
		buf_puts(p->out, i ? ", " : " ");
		put_name(p, t->enumerators[i].name);
		if (t->flag)
			buf_printf(p->out, " = %lld", (long long)t->enumerators[i].value);
		else
			buf_printf(p->out, " = %llu", (unsigned long long)t->enumerators[i].value);
	}
}

static void put_members(struct printer *p, const struct btf_type *t)
{
	for (uint32_t i = 0; i < t->n && !p->out->full; i++) {
		buf_putc(p->out, ' ');
		put_type(p, t->members[i].type, t->members[i].name);
		if (t->members[i].bit_size)
			buf_printf(p->out, " : %u", t->members[i].bit_size);
		buf_putc(p->out, ';');
	}
}

/* struct, union, enum: by name, or whole */
static void put_tagged(struct printer *p, const struct btf_type *t)
{
	buf_puts(p->out, keyword(t));
	if (t->name[0]) {
		buf_putc(p->out, ' ');
		put_name(p, t->name);
		return;
	}
	buf_puts(p->out, " {");
	if (++p->depth > BTF_MAX_DEPTH)
		buf_puts(p->out, " ...");
	else if (is_enum(t))
		put_enumerators(p, t);
	else if (is_composite(t))
		put_members(p, t);
	p->depth--;
	buf_puts(p->out, " }");
}

static void put_params(struct printer *p, const struct btf_type *t)
{
	buf_putc(p->out, '(');
	if (++p->depth > BTF_MAX_DEPTH)
		buf_puts(p->out, "...");
	else if (!t->n)
		buf_puts(p->out, "void");
	else
		for (uint32_t i = 0; i < t->n && !p->out->full; i++) {
			buf_puts(p->out, i ? ", " : "");
			if (!t->params[i].type)
				buf_puts(p->out, "...");
			else
				put_type(p, t->params[i].type, t->params[i].name);
		}
	p->depth--;
	buf_putc(p->out, ')');
}

static const char *qualifier(const struct btf_type *t)
{
	return t->kind == BTF_CONST ? "const" : t->kind == BTF_VOLATILE ? "volatile" : "restrict";
}

static bool is_qualifier(const struct btf_type *t)
{
	return t->kind == BTF_CONST || t->kind == BTF_VOLATILE || t->kind == BTF_RESTRICT;
}

/* The first type down the chain that is neither a qualifier nor a type tag. */
static const struct btf_type *unqualified(const struct btf *b, const struct btf_type *t)
{
	while (is_qualifier(t) || t->kind == BTF_TYPE_TAG)
		t = btf_get(b, t->type);
	return t;
}

static bool needs_parentheses(const struct btf *b, const struct btf_type *ptr)
{
	const struct btf_type *t = unqualified(b, btf_get(b, ptr->type));

	return t->kind == BTF_ARRAY || t->kind == BTF_FUNC_PROTO;
}

static void put_base(struct printer *p, const struct btf_type *t)
{
	if (t->kind == BTF_VOID)
		buf_puts(p->out, "void");
	else if (is_composite(t) || is_enum(t) || t->kind == BTF_FWD)
		put_tagged(p, t);
	else
		put_name(p, t->name);
}

/* More pointers than this in a row are no C: BTF can point in circles. */
enum { MAX_LINKS = 4 * BTF_MAX_DEPTH };

/* The chain from the type to its base, from the outside in. The last one is the base. */
static uint32_t unwind(const struct btf *b, uint32_t id, const struct btf_type **chain)
{
	uint32_t n = 0;

	for (const struct btf_type *t = btf_get(b, id);; t = btf_get(b, t->type)) {
		chain[n++] = t;
		if (n == MAX_LINKS || (t->kind != BTF_PTR && t->kind != BTF_ARRAY && t->kind != BTF_FUNC_PROTO &&
				       t->kind != BTF_TYPE_TAG && !is_qualifier(t)))
			return n;
	}
}

/* True: it ends with '*', after which no space stands. */
static bool put_left(struct printer *p, const struct btf_type *const *chain, uint32_t n)
{
	bool glued = false;

	for (uint32_t i = n - 1; i-- > 0;) {
		const struct btf_type *t = chain[i];

		if (is_qualifier(t) && unqualified(p->b, t)->kind == BTF_PTR) {
			buf_printf(p->out, "%s%s", glued ? "" : " ", qualifier(t));
			glued = false;
		} else if (t->kind == BTF_PTR) {
			buf_printf(p->out, "%s%s", glued ? "" : " ", needs_parentheses(p->b, t) ? "(*" : "*");
			glued = true;
		}
	}
	return glued;
}

static void put_right(struct printer *p, const struct btf_type *const *chain, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n && !p->out->full; i++) {
		const struct btf_type *t = chain[i];

		if (t->kind == BTF_PTR && needs_parentheses(p->b, t))
			buf_putc(p->out, ')');
		else if (t->kind == BTF_ARRAY)
			buf_printf(p->out, "[%u]", t->n);
		else if (t->kind == BTF_FUNC_PROTO)
			put_params(p, t);
	}
}

/* Qualifiers of what is no pointer stand before it; those of an array are its elements'. */
static void put_qualifiers(struct printer *p, const struct btf_type *const *chain, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n; i++)
		if (is_qualifier(chain[i]) && unqualified(p->b, chain[i])->kind != BTF_PTR)
			buf_printf(p->out, "%s ", qualifier(chain[i]));
}

static void put_type(struct printer *p, uint32_t id, const char *name)
{
	const struct btf_type *chain[MAX_LINKS];
	uint32_t n = unwind(p->b, id, chain);
	bool glued;

	put_qualifiers(p, chain, n);
	if (n == MAX_LINKS)
		buf_puts(p->out, "...");
	else
		put_base(p, chain[n - 1]);
	glued = put_left(p, chain, n);
	if (name[0]) {
		buf_puts(p->out, glued ? "" : " ");
		put_name(p, name);
	} else if (chain[0]->kind == BTF_FUNC_PROTO) {
		buf_putc(p->out, ' ');
	}
	put_right(p, chain, n);
}

/* What is declared, not a type: as its declaration. */
static bool put_declaration(struct printer *p, const struct btf_type *t)
{
	if (t->kind == BTF_FUNC || t->kind == BTF_VAR) {
		put_type(p, t->type, t->name);
		return true;
	}
	if (t->kind == BTF_DATASEC || t->kind == BTF_DECL_TAG) {
		put_name(p, t->name);
		return true;
	}
	return false;
}

void btf_print(const struct btf *b, uint32_t id, struct buf *out)
{
	struct printer p = { .b = b, .out = out };

	if (!put_declaration(&p, btf_get(b, id)))
		put_type(&p, id, "");
}
