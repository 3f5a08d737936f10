/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose_words: values, registers and places in the words of the person who wrote the program. */
#include "engine/kverify/diagnose.h"

#include <inttypes.h>
#include <stdarg.h>

/* ---- names ---- */

/* "*p": the load is of what the plain name points to. */
static bool is_followed(const char *line, uint32_t col, const char *name)
{
	const char *at = line + col - 1;

	if (strpbrk(name, "-.["))
		return false;
	return *at == '*' || (col > 1 && at[-1] == '*');
}

static bool with_star(char name[DX_NAME])
{
	size_t n = strlen(name);

	if (n + 2 > DX_NAME)
		return false;
	memmove(name + 1, name, n + 1);
	name[0] = '*';
	return true;
}

static bool name_of_load(const struct dx *x, const struct dx_value *val, char name[DX_NAME])
{
	uint32_t insn = x->step[val->at].insn;
	const struct prog_line *l = prog_line_at(x->p, insn);
	const char *right;

	if (!l || !l->text)
		return false;
	if (dx_assigned(l->text, l->col, name, &right) && dx_is_plain(right))
		return true;
	return dx_expression_at(l->text, l->col, name) && (!is_followed(l->text, l->col, name) || with_star(name));
}

static bool name_of_call(const struct dx *x, const struct dx_value *val, char name[DX_NAME])
{
	const struct prog_line *l = prog_line_at(x->p, x->step[val->at].insn);
	const char *right;

	return l && l->text && dx_assigned(l->text, l->col, name, &right) && strchr(right, '(');
}

/* What is computed on the line of an assignment is what is assigned, when nothing of that line comes later. */
static bool name_of_alu(const struct dx *x, uint32_t v, char name[DX_NAME])
{
	const struct dx_value *val = &x->value[v];
	uint32_t insn = x->step[val->at].insn;
	const struct prog_line *l = prog_line_at(x->p, insn);
	const char *right;

	/* "i++" in the head of a loop */
	if (l && l->text && dx_expression_at(l->text, l->col, name)) {
		if (!strncmp(l->text + l->col - 1 + strlen(name), "++", 2) ||
		    !strncmp(l->text + l->col - 1 + strlen(name), "+=", 2))
			return true;
		if (l->col >= 3 && !strncmp(l->text + l->col - 3, "++", 2))
			return true;
	}
	if (val->at + 1 < x->n && dx_line(x, x->step[val->at + 1].insn) == dx_line(x, insn))
		for (size_t later = v + 1; later < x->n_values; later++)
			if (x->value[later].a == v && x->value[later].kind == DX_ALU &&
			    dx_line(x, x->step[x->value[later].at].insn) == dx_line(x, insn))
				return false;
	return l && l->text && dx_assigned(l->text, l->col, name, &right) && !strchr(name, '[') && !dx_is_plain(right);
}

/* A parameter, by the function's prototype. Steps that are not kept may lie before the first one. */
static bool name_of_parameter(const struct dx *x, const struct dx_value *val, char name[DX_NAME])
{
	const struct prog_func *f = prog_func_at(x->p, x->step[val->at].insn);
	const struct btf *types = x->v->o->types;
	const struct btf_type *t;

	if (!f || !f->type || !types || f->type >= types->n_types || (val->at == 0 && x->n_before) || val->imm < 1)
		return false;
	t = btf_get(types, f->type);
	t = t->kind == BTF_FUNC && t->type < types->n_types ? btf_get(types, t->type) : t;
	if (t->kind != BTF_FUNC_PROTO || val->imm > t->n || !t->params[val->imm - 1].name[0])
		return false;
	(void)snprintf(name, DX_NAME, "%s", t->params[val->imm - 1].name);
	return true;
}

bool dx_name(const struct dx *x, uint32_t v, char name[DX_NAME])
{
	const struct dx_value *val = &x->value[v];

	switch (v ? val->kind : DX_UNKNOWN) {
	case DX_LOAD:
		return name_of_load(x, val, name);
	case DX_CALL:
		return name_of_call(x, val, name);
	case DX_ALU:
		return name_of_alu(x, v, name);
	case DX_LOW:
		return dx_name(x, val->a, name);
	case DX_ENTRY:
		return name_of_parameter(x, val, name);
	default:
		return false;
	}
}

const char *dx_call_it(const struct dx *x, unsigned r, char out[DX_NAME + 8])
{
	char name[DX_NAME];

	if (dx_name(x, dx_in_reg(x, r), name))
		(void)snprintf(out, DX_NAME + 8, "`%s` (r%u)", name, r);
	else
		(void)snprintf(out, DX_NAME + 8, "r%u", r);
	return out;
}

const char *dx_callee(const struct dx *x, const struct isa_insn *in, uint32_t insn, char out[DX_NAME])
{
	const char *name = NULL;

	if (in->aux == ISA_CALL_HELPER && in->sem == ISA_CALL) {
		name = kernel_helper_name((uint32_t)in->imm);
		if (name)
			(void)snprintf(out, DX_NAME, "bpf_%s", name);
		else
			(void)snprintf(out, DX_NAME, "helper %d", (int)in->imm);
		return out;
	}
	if (in->aux == ISA_CALL_LOCAL) {
		const struct prog_func *f = prog_func_at(x->p, (uint32_t)((int64_t)insn + 1 + in->imm));

		(void)snprintf(out, DX_NAME, "%s", f ? f->name : "a function");
		return out;
	}
	(void)snprintf(out, DX_NAME, "a kfunc");
	return out;
}

/* ---- what is known ---- */

static void put_signed(struct buf *out, int64_t v)
{
	buf_printf(out, "%" PRId64, v);
}

static void number(const struct knum *n, struct buf *out)
{
	bool nonneg = n->smin >= 0;

	if (knum_is_const(n)) {
		buf_puts(out, "the number ");
		put_signed(out, (int64_t)n->t.value);
	} else if (nonneg && n->umax < INT64_MAX) {
		buf_printf(out, "a number from %" PRIu64 " to %" PRIu64, n->umin, n->umax);
	} else if (nonneg) {
		buf_printf(out, "a number of at least %" PRIu64 ", without an upper bound", n->umin);
	} else if (n->smin > INT64_MIN / 2 && n->smax < INT64_MAX / 2) {
		buf_puts(out, "a number from ");
		put_signed(out, n->smin);
		buf_puts(out, " to ");
		put_signed(out, n->smax);
	} else if (n->smax < INT64_MAX / 2) {
		buf_printf(out, "a number of at most %" PRId64 ", possibly negative without a lower bound", n->smax);
	} else if (n->umin32 || n->umax32 != UINT32_MAX) {
		buf_printf(out, "any number whose lower half is from %u to %u", n->umin32, n->umax32);
	} else {
		buf_puts(out, "any number");
	}
}

static void offset(const struct kreg *r, struct buf *out)
{
	if (knum_is_const(&r->n)) {
		int64_t off = (int64_t)r->n.t.value + r->off;

		if (off)
			buf_printf(out, " %s %" PRId64, off < 0 ? "minus" : "plus", off < 0 ? -off : off);
		return;
	}
	if (r->off)
		buf_printf(out, " %s %d", r->off < 0 ? "minus" : "plus", r->off < 0 ? -r->off : r->off);
	buf_puts(out, " plus ");
	number(&r->n, out);
}

static const struct prog_map *map_of(const struct dx *x, const struct kreg *r)
{
	return r->map < x->p->n_maps ? &x->p->maps[r->map] : NULL;
}

static void object(const struct dx *x, const struct kreg *r, struct buf *out)
{
	const struct btf *types = ktypes_btf(x->v, (enum ktypes)r->types);

	if (types && r->type_id < types->n_types)
		buf_printf(out, "a struct %s", btf_get(types, r->type_id)->name);
	else
		buf_puts(out, "an object of the kernel");
}

static void pointer(const struct dx *x, const struct kreg *r, struct buf *out)
{
	static const char *const plain[KR_N] = {
		[KR_CTX] = "the context",
		[KR_MAP_KEY] = "a map's key",
		[KR_PACKET_META] = "the packet's metadata",
		[KR_PACKET] = "packet data",
		[KR_PACKET_END] = "the end of the packet",
		[KR_FLOW_KEYS] = "the flow keys",
		[KR_SOCKET] = "a socket",
		[KR_SOCK_COMMON] = "a socket (the part common to all kinds)",
		[KR_TCP_SOCK] = "a TCP socket",
		[KR_TP_BUFFER] = "a tracepoint's buffer",
		[KR_XDP_SOCK] = "an XDP socket",
		[KR_ARENA] = "arena memory",
		[KR_BUF] = "a buffer",
		[KR_FUNC] = "a function's address",
		[KR_DYNPTR] = "a dynptr",
		[KR_INSN] = "an instruction's address",
	};
	const struct prog_map *m = map_of(x, r);

	if (r->base == KR_MAP)
		buf_printf(out, "the map %s", m ? m->name : "?");
	else if (r->base == KR_MAP_VALUE && m && !strncmp(m->name, ".", 1))
		buf_printf(out, "a global variable (in %s)", m->name);
	else if (r->base == KR_MAP_VALUE)
		buf_printf(out, "a value of %s, %u bytes long,", m ? m->name : "a map", m ? m->value_size : 0);
	else if (r->base == KR_MEM)
		buf_printf(out, "%s of %u bytes%s", r->flags & KF_RINGBUF ? "a ring buffer record" : "memory",
			   r->mem_size, r->off ? "," : "");
	else if (r->base == KR_BTF_ID)
		object(x, r, out);
	else if (r->base == KR_STACK)
		buf_puts(out, "the stack");
	else
		buf_puts(out, r->base < KR_N && plain[r->base] ? plain[r->base] : "a pointer");
}

static void describe(const struct dx *x, const struct kreg *r, struct buf *out)
{
	size_t start = out->len;

	if (r->base == KR_NONE) {
		buf_puts(out, "not set");
		return;
	}
	if (r->base == KR_SCALAR) {
		number(&r->n, out);
		return;
	}
	pointer(x, r, out);
	offset(r, out);
	if (out->len > start && out->p[out->len - 1] == ',')
		out->p[--out->len] = '\0';
	if (kreg_is_pkt(r) && r->range >= 0 && r->range)
		buf_printf(out, ", of which %d byte%s known to be there", r->range, r->range == 1 ? " is" : "s are");
	else if (kreg_is_pkt(r))
		buf_puts(out, ", of which no byte is known to be there");
	if (r->flags & KF_OR_NULL)
		buf_puts(out, ", or NULL");
}

static const char *taken_out(struct buf *b, char out[DX_TEXT])
{
	(void)snprintf(out, DX_TEXT, "%s", b->p ? b->p : "");
	buf_done(b);
	return out;
}

const char *dx_describe(const struct dx *x, const struct kreg *r, char out[DX_TEXT])
{
	struct buf b;

	buf_init(&b, 4096);
	describe(x, r, &b);
	return taken_out(&b, out);
}

/* ---- conditions ---- */

static const char *relation_of(const struct dx_fact *f)
{
	static const char *const when[2][12] = {
		{ "!=", "==", "<=", "<", ">=", ">", "<=", "<", ">=", ">", "has no bit of", "" },
		{ "==", "!=", ">", ">=", "<", "<=", ">", ">=", "<", "<=", "has a bit of", "" },
	};
	unsigned i = (unsigned)(f->in->sem - ISA_JEQ);

	return i < 12 ? when[f->taken][i] : "?";
}

static void operand(const struct dx *x, const struct dx_fact *f, bool second, struct buf *out)
{
	uint32_t v = second ? f->b : f->a;
	unsigned r = second ? f->in->src : f->in->dst;
	char name[DX_NAME];

	if (second && isa_b_is_imm(f->in)) {
		put_signed(out, f->in->imm);
		return;
	}
	if (dx_name(x, v, name))
		buf_printf(out, "`%s`", name);
	else if (x->value[v].kind == DX_CONST)
		put_signed(out, x->value[v].imm);
	else
		buf_printf(out, "r%u", r);
}

static void condition(const struct dx *x, const struct dx_fact *f, struct buf *out)
{
	const struct kreg *a = &x->step[f->at].r[f->in->dst];
	bool null = isa_b_is_imm(f->in) && !f->in->imm && a->base != KR_SCALAR && f->in->sem <= ISA_JNE;

	operand(x, f, false, out);
	buf_printf(out, " %s ", relation_of(f));
	if (null)
		buf_puts(out, "NULL");
	else
		operand(x, f, true, out);
	if (dx_is_signed(f))
		buf_puts(out, " (signed)");
	/* Of a number that has no more than 32 bits it goes without saying. */
	if (f->in->width == 32 && a->base == KR_SCALAR && (a->n.umax > UINT32_MAX || a->n.smin < 0))
		buf_puts(out, " (lower 32 bits)");
}

const char *dx_condition(const struct dx *x, const struct dx_fact *f, char out[DX_TEXT])
{
	struct buf b;

	buf_init(&b, 4096);
	condition(x, f, &b);
	return taken_out(&b, out);
}

/* ---- notes ---- */

const char *dx_where(const struct dx *x, uint32_t at, char out[DX_NAME])
{
	uint32_t insn = x->step[at].insn, line = dx_line(x, insn);

	if (line)
		(void)snprintf(out, DX_NAME, "line %u", line);
	else
		(void)snprintf(out, DX_NAME, "instruction %u", insn);
	return out;
}

void dx_note(struct dx *x, uint32_t at, const char *fmt, ...)
{
	const struct prog_line *l = prog_line_at(x->p, x->step[at].insn);
	char text[512];
	struct note *n;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n = diag_note(x->d, x->arena, "%s", text);
	if (!n)
		return;
	n->insn = x->step[at].insn;
	if (l) {
		n->pos.file = l->file;
		n->pos.line = l->line;
		n->pos.col = l->col;
	}
}

void dx_note_plain(struct dx *x, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)diag_note(x->d, x->arena, "%s", text);
}

void dx_mend(struct dx *x, const char *fmt, ...)
{
	char text[DX_TEXT];
	va_list ap;

	if (strcmp(x->d->hint, x->row->mend) && x->d->hint[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	diag_hint(x->d, "%s", text);
}
