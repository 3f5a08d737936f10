/* SPDX-License-Identifier: Apache-2.0 */
/* gen: a grammar of rules, walked at random. Values are few and alike, so that comparisons are often true. */
#include "gen.h"

#include "content/rule/rule.h"

/* Both spellings of what is being written. */
struct both {
	struct buf *disguised, *flat;
};

enum { MAX_DEPTH = 3 };

uint32_t gen_below(struct gen *g, uint32_t n)
{
	g->seed = g->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(g->seed >> 33) % n;
}

#define PICK(g, table) ((table)[gen_below(g, countof(table))])

static const char *const words[] = { "a", "b", "ab", "A", "/a", "/a/b", "/a/bc", "abab", "", "YQ", "L2E=" };
static const char *const patterns[] = { "a", "*", "a*", "?b", "/a", "/*/b", "[ab]", "*b*", "[!a]b", "/a/b" };
static const char *const regexes[] = { "a", ".*", "a|b", "/a.*", "(ab)+", "[^a]*", "(/.)+", "" };
static const char *const paths[] = { "/a", "/*/b", "/a/b", "/?/*", "/*", "/[ab]" };
static const char *const numbers[] = { "0",          "1",          "2",          "0x10",
				       "2147483647", "2147483648", "4294967296", "9223372036854775807" };
static const char *const ports[] = { "0", "22", "80", "443", "ssh", "http", "https", "0x16" };
static const char *const port_numbers[] = { "0", "22", "80", "443" };
static const char *const addresses[] = { "10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "fe80::1", "fe80::/64", "10.1.2.2/31" };
static const char *const hexes[] = { "61", "6162", "2f61", "41", "62", "" };
static const char *const keys[] = { "k1", "k*", "'[ab]'", "x", "0", "1", "\"k1\"" };
static const char *const elements[] = { "k1=a", "k1=/a/b", "a=b", "x",  "k2=ab=A", "b=", "-a",
					"-bab", "-b",      "a",   "--", "-ab",     "/a" };
static const char *const pids[] = { "1", "12", "77" };

static void put(const struct both *b, const char *s)
{
	buf_puts(b->disguised, s);
	buf_puts(b->flat, s);
}

/* ---- fields ---- */

/* "proc.args[]" is read as proc.args[i], "proc.env[]" as proc.env[k]. */
static void put_name(struct gen *g, const struct both *b, const struct template_field *f, bool index)
{
	char name[96];
	size_t len = strlen(f->name);
	bool brackets = len > 2 && !strcmp(f->name + len - 2, "[]");

	if (brackets)
		(void)snprintf(name, sizeof name, "%.*s[%s]", (int)len - 2, f->name,
			       f->type == TEMPLATE_DICT ? PICK(g, keys)
			       : gen_below(g, 2)        ? "0"
							: "1");
	else if (index)
		(void)snprintf(name, sizeof name, "%s[%u]", f->name, gen_below(g, 4));
	else
		(void)snprintf(name, sizeof name, "%s", f->name);
	put(b, name);
}

static const struct template_field *any_field(struct gen *g)
{
	const struct template_section *common = &template_builtin.common, *own = &g->type->own;
	uint32_t i = gen_below(g, common->n + own->n);

	/* half of them the type's own */
	if (own->n && gen_below(g, 2))
		return &own->fields[gen_below(g, own->n)];
	return i < common->n ? &common->fields[i] : &own->fields[i - common->n];
}

static bool is_text(const struct template_field *f)
{
	return f->type == TEMPLATE_STR && strcmp(f->name, "evt.type") != 0 && strcmp(f->name, "evt.dir") != 0;
}

static const struct template_field *text_field(struct gen *g)
{
	const struct template_field *f = any_field(g);

	while (!is_text(f))
		f = any_field(g);
	return f;
}

/* ---- values ---- */

static void one_value(struct gen *g, struct buf *b, uint8_t type, const char *op)
{
	switch ((enum template_field_type)type) {
	case TEMPLATE_BOOL:
		buf_puts(b, gen_below(g, 2) ? "true" : "false");
		return;
	case TEMPLATE_IP:
		buf_puts(b, PICK(g, addresses));
		return;
	case TEMPLATE_PORT:
		buf_puts(b, strchr("<>", op[0]) ? PICK(g, port_numbers) : PICK(g, ports));
		return;
	case TEMPLATE_I64:
		buf_printf(b, "%s%s", gen_below(g, 3) ? "" : "-", PICK(g, numbers));
		return;
	case TEMPLATE_U64:
	case TEMPLATE_TIME:
		buf_puts(b, PICK(g, numbers));
		return;
	default:
		break;
	}
	if (strchr("<>", op[0]))
		buf_puts(b, PICK(g, numbers));
	else
		buf_printf(b, "\"%s\"",
			   !strcmp(op, "pmatch")                                    ? PICK(g, paths)
			   : !strcmp(op, "regex")                                   ? PICK(g, regexes)
			   : !strcmp(op, "bcontains") || !strcmp(op, "bstartswith") ? PICK(g, hexes)
			   : strstr(op, "glob")                                     ? PICK(g, patterns)
										    : PICK(g, words));
}

/* (a, b), or a list's name, or both kinds in one. */
static void value_list(struct gen *g, const struct both *b, uint8_t type, const char *op)
{
	uint32_t n = gen_below(g, 4), listed = 0;

	if (n && gen_below(g, 3) == 0)
		listed = 1 + gen_below(g, n);
	if (listed)
		buf_printf(&g->items, "- list: l%u\n  items: [", g->n_lists);
	put(b, "(");
	for (uint32_t i = 0; i < n; i++) {
		struct buf v;

		buf_init(&v, 4096);
		one_value(g, &v, type, op);
		if (i < listed) /* a list's items keep their quotes inside those of YAML */
			buf_printf(&g->items, "%s'%s'", i ? ", " : "", v.p);
		buf_printf(b->flat, "%s%s", i ? ", " : "", v.p);
		if (i >= listed)
			buf_printf(b->disguised, "%s%s", i > listed || listed ? ", " : "", v.p);
		else if (!i)
			buf_printf(b->disguised, "l%u", g->n_lists);
		buf_done(&v);
	}
	put(b, ")");
	if (listed) {
		buf_puts(&g->items, "]\n");
		g->n_lists++;
	}
}

/* ---- computed text ---- */

static void text_expr(struct gen *g, const struct both *b, unsigned depth);

static void list_expr(struct gen *g, const struct both *b, unsigned depth)
{
	switch (gen_below(g, 4)) {
	case 0:
		put(b, "proc.args");
		return;
	case 1:
		put(b, "getopt(proc.args, \"ab:\")");
		return;
	case 2:
		put(b, "toupper(proc.args)");
		return;
	}
	put(b, "(");
	for (uint32_t i = 0, n = 1 + gen_below(g, 2); i < n; i++) {
		put(b, i ? ", " : "");
		text_expr(g, b, depth);
	}
	put(b, ")");
}

static void text_expr(struct gen *g, const struct both *b, unsigned depth)
{
	static const char *const unary[] = { "toupper(", "tolower(", "basename(", "b64(" };
	const struct template_field *f;

	switch (depth ? gen_below(g, 6) : 5) {
	case 0:
	case 1:
		put(b, PICK(g, unary));
		text_expr(g, b, depth - 1);
		put(b, ")");
		return;
	case 2:
		put(b, "concat(");
		text_expr(g, b, depth - 1);
		put(b, gen_below(g, 2) ? ", \"a\", " : ", ");
		text_expr(g, b, depth - 1);
		put(b, ")");
		return;
	case 3:
		put(b, "join(\"/\", ");
		list_expr(g, b, depth - 1);
		put(b, ")");
		return;
	case 4:
		put(b, gen_below(g, 2) ? "getopt(proc.args, \"ab:\")[b]" : "getopt(proc.args, \"ab:\")[a]");
		return;
	}
	f = gen_below(g, 8) ? text_field(g) : any_field(g);
	while (!is_text(f) && f->type != TEMPLATE_LIST && f->type != TEMPLATE_DICT)
		f = any_field(g);
	put_name(g, b, f, false);
}

/* ---- comparisons ---- */

static const char *const text_ops[] = { "=",     "!=",    "contains", "icontains",  "startswith", "endswith", "glob",
					"iglob", "regex", "in",       "intersects", "pmatch",     "exists" };
static const char *const number_ops[] = { "=", "!=", "<", "<=", ">", ">=", "in", "exists" };
static const char *const equal_ops[] = { "=", "!=", "in", "intersects", "exists" };
static const char *const bytes_ops[] = { "=",         "!=",          "contains", "startswith", "endswith",
					 "bcontains", "bstartswith", "in",       "exists" };

static bool takes_list(const char *op)
{
	return !strcmp(op, "in") || !strcmp(op, "intersects") || !strcmp(op, "pmatch");
}

static const char *operator_for(struct gen *g, uint8_t type)
{
	switch ((enum template_field_type)type) {
	case TEMPLATE_BOOL:
	case TEMPLATE_IP:
		return PICK(g, equal_ops);
	case TEMPLATE_U64:
	case TEMPLATE_I64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
		return PICK(g, number_ops);
	case TEMPLATE_BYTES:
		return PICK(g, bytes_ops);
	default:
		return PICK(g, text_ops);
	}
}

static void operand(struct gen *g, const struct both *b, uint8_t type, const char *op)
{
	static const char *const modifiers[] = { "oneof ", "anyof ", "allof " };
	struct buf v;

	if (!strcmp(op, "exists"))
		return;
	if (takes_list(op)) {
		value_list(g, b, type, op);
		return;
	}
	if (gen_below(g, 4) == 0 && !strchr("<>", op[0]) && type != TEMPLATE_NAMES) {
		put(b, PICK(g, modifiers));
		value_list(g, b, type, op);
		return;
	}
	buf_init(&v, 4096);
	one_value(g, &v, type, op);
	put(b, v.p);
	buf_done(&v);
}

static void process_numbers(struct gen *g, const struct both *b)
{
	char text[64];

	(void)snprintf(text, sizeof text, "proc.apid%s %s %s", gen_below(g, 2) ? "[1]" : "",
		       gen_below(g, 2) ? "=" : "!=", PICK(g, pids));
	put(b, text);
}

/* A field, perhaps with transformers that are flags of a comparison. */
static void field_check(struct gen *g, const struct both *b)
{
	static const char *const wraps[] = { "toupper(", "tolower(", "basename(", "tolower(basename(" };
	const struct template_field *f = any_field(g);
	bool index = f->type == TEMPLATE_ANCESTRY && gen_below(g, 2), text;
	const char *wrap = "", *op;
	uint8_t type = f->type;

	if (!strcmp(f->name, "evt.dir"))
		f = text_field(g), type = f->type;
	if (!strcmp(f->name, "evt.type")) {
		put(b, gen_below(g, 2) ? "evt.type in (open, connect)" : "evt.type intersects (execve, openat)");
		return;
	}
	if (!strcmp(f->name, "proc.apid")) {
		process_numbers(g, b);
		return;
	}
	if (f->type == TEMPLATE_LIST || f->type == TEMPLATE_DICT || index)
		type = TEMPLATE_STR; /* one element */
	text = type == TEMPLATE_STR || type == TEMPLATE_ANCESTRY;
	op = operator_for(g, type);
	if (text && gen_below(g, 3) == 0)
		wrap = PICK(g, wraps);
	if (type == TEMPLATE_STR && gen_below(g, 8) == 0) {
		wrap = "len(";
		op = PICK(g, number_ops);
		type = TEMPLATE_U64;
	}
	put(b, wrap);
	put_name(g, b, f, index);
	for (; *wrap; wrap++)
		if (*wrap == '(')
			put(b, ")");
	put(b, " ");
	put(b, op);
	put(b, " ");
	operand(g, b, type, op);
}

static void length_check(struct gen *g, const struct both *b)
{
	const char *op = PICK(g, number_ops);

	put(b, "len(");
	if (gen_below(g, 3))
		text_expr(g, b, 2);
	else
		put(b, "getopt(proc.args, \"ab:\")");
	put(b, ") ");
	put(b, op);
	put(b, " ");
	operand(g, b, TEMPLATE_U64, op);
}

static void computed_check(struct gen *g, const struct both *b)
{
	static const char *const list_ops[] = { "in", "intersects", "exists" };
	const char *op;

	if (gen_below(g, 4) == 0) {
		length_check(g, b);
		return;
	}
	if (gen_below(g, 5) == 0) {
		op = PICK(g, list_ops);
		put(b, gen_below(g, 2) ? "getopt(proc.args, \"ab:\") " : "tolower(getopt(proc.args, \"ab\")) ");
		put(b, op);
		put(b, " ");
		operand(g, b, TEMPLATE_STR, op);
		return;
	}
	text_expr(g, b, 2);
	put(b, " ");
	op = gen_below(g, 8) ? PICK(g, text_ops) : PICK(g, number_ops);
	put(b, op);
	put(b, " ");
	operand(g, b, TEMPLATE_STR, op);
}

static bool may_stand_right(const struct template_field *f)
{
	return f->type <= TEMPLATE_BYTES && strcmp(f->name, "evt.dir") && strncmp(f->name, "evt.rawarg", 10);
}

/* Two fields of one type, or two texts. */
static void sides_check(struct gen *g, const struct both *b)
{
	static const char *const ops[] = { "=",         "!=",         "<",        "<=",   ">",     ">=", "contains",
					   "icontains", "startswith", "endswith", "glob", "iglob", "in", "intersects" };
	static const char *const equal[] = { "=", "!=", "in", "intersects" };
	static const char *const order[] = { "=", "!=", "<", ">=", "in" };
	const struct template_field *f = any_field(g), *other;

	if (gen_below(g, 2)) {
		text_expr(g, b, 2);
		put(b, " ");
		put(b, PICK(g, ops));
		put(b, " ");
		put(b, "tolower(");
		text_expr(g, b, 1);
		put(b, ")");
		return;
	}
	while (!may_stand_right(f))
		f = any_field(g);
	other = f;
	for (int tries = 0; tries < 50; tries++) {
		const struct template_field *next = any_field(g);

		if (next->type == f->type && may_stand_right(next)) {
			other = next;
			break;
		}
	}
	put_name(g, b, f, false);
	put(b, " ");
	put(b, f->type == TEMPLATE_STR                                                           ? PICK(g, ops)
	       : f->type == TEMPLATE_BYTES || f->type == TEMPLATE_BOOL || f->type == TEMPLATE_IP ? PICK(g, equal)
												 : PICK(g, order));
	put(b, " val(");
	put_name(g, b, other, false);
	put(b, ")");
}

static void check(struct gen *g, const struct both *b)
{
	switch (gen_below(g, 6)) {
	case 0:
		computed_check(g, b);
		return;
	case 1:
		sides_check(g, b);
		return;
	default:
		field_check(g, b);
	}
}

/* ---- conditions ---- */

static void condition(struct gen *g, const struct both *b, unsigned depth);

/* The condition under a name, above the rule; the name in its place. */
static void macro(struct gen *g, const struct both *b, unsigned depth)
{
	struct buf text;
	struct both inner = { &text, b->flat };

	buf_init(&text, 1 << 16);
	buf_puts(b->flat, "(");
	condition(g, &inner, depth);
	buf_puts(b->flat, ")");
	buf_printf(&g->items, "- macro: m%u\n  condition: >\n    %s\n", g->n_macros, text.p);
	buf_printf(b->disguised, "m%u", g->n_macros++);
	buf_done(&text);
}

static void condition(struct gen *g, const struct both *b, unsigned depth)
{
	uint32_t n = 2 + gen_below(g, 3);
	bool and = gen_below(g, 2);

	if (!depth || gen_below(g, 4) == 0) {
		check(g, b);
		return;
	}
	if (gen_below(g, 4) == 0) {
		macro(g, b, depth - 1);
		return;
	}
	if (gen_below(g, 3) == 0) {
		put(b, "not ");
		condition(g, b, 0);
		return;
	}
	put(b, gen_below(g, 3) ? "(" : "not (");
	for (uint32_t i = 0; i < n; i++) {
		put(b, !i ? "" : and? " and " : " or ");
		condition(g, b, depth - 1);
	}
	put(b, ")");
}

/* ---- exceptions ---- */

/* fields: [f, f], comps: [c, c], values: tuples. */
static void tuples(struct gen *g, struct buf *flat)
{
	static const char *const comps[] = { "=", "!=", "contains", "startswith", "endswith" };
	const struct template_field *f[2] = { text_field(g), text_field(g) };
	const char *comp[2] = { PICK(g, comps), PICK(g, comps) };
	uint32_t n = 1 + gen_below(g, 3);

	buf_printf(&g->exceptions, "fields: [%s, %s], comps: ['%s', '%s'], values: [", f[0]->name, f[1]->name, comp[0],
		   comp[1]);
	for (uint32_t i = 0; i < n; i++) {
		const char *v[2] = { PICK(g, words), PICK(g, words) };

		buf_printf(&g->exceptions, "%s['%s', '%s']", i ? ", " : "", v[0], v[1]);
		buf_printf(flat, "%s(%s %s \"%s\" and %s %s \"%s\")", i ? " or " : "", f[0]->name, comp[0], v[0],
			   f[1]->name, comp[1], v[1]);
	}
	buf_puts(&g->exceptions, "]");
}

static void flat_values(struct gen *g, struct buf *flat)
{
	static const char *const comps[] = { "in", "intersects", "startswith oneof", "contains anyof" };
	const struct template_field *f = text_field(g);
	const char *comp = PICK(g, comps);
	uint32_t n = 1 + gen_below(g, 3);

	buf_printf(&g->exceptions, "fields: %s, comps: %s, values: [", f->name, comp);
	buf_printf(flat, "%s %s (", f->name, comp);
	for (uint32_t i = 0; i < n; i++) {
		const char *v = PICK(g, words);

		buf_printf(&g->exceptions, "%s'%s'", i ? ", " : "", v);
		buf_printf(flat, "%s\"%s\"", i ? ", " : "", v);
	}
	buf_puts(&g->exceptions, "]");
	buf_puts(flat, ")");
}

static void exceptions(struct gen *g, struct buf *flat)
{
	for (uint32_t i = 0, n = gen_below(g, 3); i < n; i++) {
		buf_printf(&g->exceptions, "%s  - {name: e%u, ", i ? "" : "  exceptions:\n", i);
		buf_puts(flat, " and not (");
		if (gen_below(g, 2))
			tuples(g, flat);
		else
			flat_values(g, flat);
		buf_puts(flat, ")");
		buf_puts(&g->exceptions, "}\n");
	}
}

static void put_rule(struct buf *out, const char *condition, const char *more)
{
	buf_printf(out,
		   "- rule: r\n  condition: >\n    %s\n  desc: d\n  output: o\n  priority: info\n"
		   "  warn_evttypes: false\n%s",
		   condition, more);
}

void gen_rules(struct gen *g, const struct template_type *type, struct buf *disguised, struct buf *flat)
{
	struct buf a, b;
	struct both both = { &a, &b };

	g->type = type;
	g->n_lists = g->n_macros = 0;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	buf_init(&g->items, 1 << 20);
	buf_init(&g->exceptions, 1 << 20);
	buf_puts(&g->items, "");
	buf_puts(&g->exceptions, "");
	buf_puts(&b, "(");
	condition(g, &both, MAX_DEPTH);
	buf_puts(&b, ")");
	exceptions(g, &b);
	buf_puts(disguised, g->items.p);
	put_rule(disguised, a.p, g->exceptions.p);
	put_rule(flat, b.p, "");
	buf_done(&a);
	buf_done(&b);
	buf_done(&g->items);
	buf_done(&g->exceptions);
}

/* ---- events ---- */

static void set_list(struct gen *g, struct event *e, uint32_t id, bool numeric)
{
	uint32_t n = gen_below(g, 5);
	struct helper_str *list = arena_alloc(&g->a, (n + 1) * sizeof *list);

	for (uint32_t i = 0; i < n; i++) {
		const char *s = numeric ? PICK(g, pids) : gen_below(g, 2) ? PICK(g, elements) : PICK(g, words);

		list[i] = (struct helper_str){ s, (uint32_t)strlen(s) };
	}
	event_set_list(e, id, list, n);
}

static void set_field(struct gen *g, struct event *e, uint32_t id, const struct template_field *f)
{
	switch ((enum template_field_type)f->type) {
	case TEMPLATE_BOOL:
		event_set_u64(e, id, gen_below(g, 2));
		return;
	case TEMPLATE_U64:
	case TEMPLATE_TIME:
		event_set_u64(e, id, strtoull(PICK(g, numbers), NULL, 0));
		return;
	case TEMPLATE_PORT:
		event_set_u64(e, id, strtoull(PICK(g, port_numbers), NULL, 0));
		return;
	case TEMPLATE_I64:
		event_set_i64(e, id, (gen_below(g, 2) ? 1 : -1) * strtoll(PICK(g, numbers), NULL, 0));
		return;
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		event_set_cstr(e, id, PICK(g, words));
		return;
	case TEMPLATE_IP:
		if (gen_below(g, 2))
			event_set_ip(e, id, gen_below(g, 2) ? "\x0a\x01\x02\x03" : "\x0b\1\1\1", 4);
		else
			event_set_ip(e, id, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
		return;
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		set_list(g, e, id, !strcmp(f->name, "proc.apid"));
		return;
	}
}

void gen_event(struct gen *g, struct event *e)
{
	for (uint32_t id = 0; id < 2 * TEMPLATE_CAP; id++) {
		const struct template_field *f = template_field_at(e->table, e->type, id);

		if (f && id != FIELD_evt_type && id != FIELD_evt_num && gen_below(g, 4))
			set_field(g, e, id, f);
	}
}
