/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle: the meaning of conditions by libc, straight from the language's description.
 *
 * A comparison has three outcomes: it holds, it does not, or something in it has no value. The third counts as not
 * holding, before any `not` around it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <fnmatch.h>
#include <regex.h>

#include "oracle.h"

#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

enum tri { NO, YES, GONE };
enum kind { NONE, NUMBER, TEXT, LIST, ADDRESS };

struct val {
	enum kind kind;
	bool is_signed; /* NUMBER */
	uint64_t number;
	const char *s; /* TEXT, NUL after it; ADDRESS */
	size_t n;
	struct val *items; /* LIST of TEXT */
	size_t n_items;
};

struct oracle {
	const struct event *e;
	struct arena a;
};

static const struct val none = { .kind = NONE };

static struct val text(struct oracle *o, const char *s, size_t n)
{
	return (struct val){ .kind = TEXT, .s = arena_strndup(&o->a, n ? s : "", n), .n = n };
}

static struct val number(uint64_t v, bool is_signed)
{
	return (struct val){ .kind = NUMBER, .number = v, .is_signed = is_signed };
}

/* ---- transformers ---- */

static struct val in_case(struct oracle *o, struct val v, int (*to)(int))
{
	struct val out = text(o, v.s, v.n);

	for (size_t i = 0; i < out.n; i++)
		((char *)(uintptr_t)out.s)[i] =
			(char)((unsigned char)out.s[i] < 128 ? to((unsigned char)out.s[i]) : out.s[i]);
	return out;
}

static struct val last_component(struct oracle *o, struct val v)
{
	size_t at = v.n;

	while (at && v.s[at - 1] != '/')
		at--;
	return text(o, v.s + at, v.n - at);
}

/* Bit by bit. */
static struct val base64(struct oracle *o, struct val v)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = v.n, n_bits = 0;
	char *out = arena_alloc(&o->a, v.n + 1);

	for (int pad = 0; pad < 2 && n && v.s[n - 1] == '='; pad++)
		n--;
	memset(out, 0, v.n + 1);
	for (size_t i = 0; i < n; i++) {
		const char *at = v.s[i] ? strchr(letters, v.s[i]) : NULL;

		if (!at)
			return none;
		for (int bit = 5; bit >= 0; bit--, n_bits++)
			if ((at - letters) >> bit & 1)
				out[n_bits / 8] |= (char)(0x80 >> n_bits % 8);
	}
	if (n_bits % 8 >= 6 || out[n_bits / 8])
		return none; /* a letter too many, or bits that belong to no byte */
	return text(o, out, n_bits / 8);
}

static struct val each(struct oracle *o, struct val v, uint8_t call)
{
	if (v.kind == TEXT && call == HELPER_TMP_LOWER)
		return in_case(o, v, tolower);
	if (v.kind == TEXT && call == HELPER_TMP_UPPER)
		return in_case(o, v, toupper);
	if (v.kind == TEXT && call == HELPER_TMP_BASENAME)
		return last_component(o, v);
	if (v.kind == TEXT)
		return base64(o, v);
	for (size_t i = 0; v.kind == LIST && i < v.n_items; i++) {
		v.items[i] = each(o, v.items[i], call);
		if (v.items[i].kind == NONE)
			return none;
	}
	return v;
}

static struct val append(struct oracle *o, struct val a, struct val b)
{
	char *both = arena_alloc(&o->a, a.n + b.n + 1);

	memcpy(both, a.s, a.n);
	memcpy(both + a.n, b.s, b.n);
	return text(o, both, a.n + b.n);
}

static struct val joined(struct oracle *o, struct val sep, struct val list)
{
	struct val out = text(o, "", 0);

	for (size_t i = 0; i < list.n_items; i++)
		out = append(o, i ? append(o, out, sep) : out, list.items[i]);
	return out;
}

struct options {
	struct val *items;
	size_t n;
	char want;
	struct val last;
};

static void found(struct oracle *o, struct options *x, char option, const struct val *value, bool lacks)
{
	if (x->want && x->want != option)
		return;
	if (x->want) {
		x->last = value ? *value : lacks ? text(o, "", 0) : text(o, &option, 1);
		return;
	}
	x->items[x->n++] = lacks ? text(o, "", 0) : text(o, &option, 1);
	if (value)
		x->items[x->n++] = *value;
}

/* One argument of short options; true when it took the next argument as a value. */
static bool cluster(struct oracle *o, struct options *x, struct val arg, const struct val *next, const char *options)
{
	for (size_t i = 1; i < arg.n; i++) {
		const char *at = arg.s[i] && arg.s[i] != ':' ? strchr(options, arg.s[i]) : NULL;
		struct val rest = text(o, arg.s + i + 1, arg.n - i - 1);

		if (!at) {
			if (!x->want)
				found(o, x, '?', NULL, false);
			continue;
		}
		if (at[1] != ':') {
			found(o, x, *at, NULL, false);
			continue;
		}
		found(o, x, *at, rest.n ? &rest : next, !rest.n && !next);
		return !rest.n && next;
	}
	return false;
}

static struct val getopt_value(struct oracle *o, struct val args, struct val options, uint8_t want)
{
	size_t room = 2;
	struct options x = { .want = (char)want, .last = none };

	for (size_t i = 0; i < args.n_items; i++)
		room += 2 * args.items[i].n + 2;
	x.items = arena_alloc(&o->a, room * sizeof(struct val));
	for (size_t i = 0; i < args.n_items; i++) {
		struct val arg = args.items[i];
		bool more = i + 1 < args.n_items;

		if (arg.n < 2 || arg.s[0] != '-' || !strcmp(arg.s, "--"))
			break;
		if (arg.s[1] != '-')
			i += cluster(o, &x, arg, more ? &args.items[i + 1] : NULL, options.s);
	}
	return want ? x.last : (struct val){ .kind = LIST, .items = x.items, .n_items = x.n };
}

/* ---- fields ---- */

static struct val list_of(struct oracle *o, const struct helper_value *v)
{
	struct val out = { .kind = LIST,
			   .items = arena_alloc(&o->a, (v->len + 1) * sizeof(struct val)),
			   .n_items = v->len };

	for (uint32_t i = 0; i < v->len; i++)
		out.items[i] = text(o, v->list[i].p, v->list[i].len);
	return out;
}

/* What follows the '=' of the element that the index or the key names. */
static struct val dictionary(struct oracle *o, struct val list, int32_t index, const char *key)
{
	for (size_t i = 0; i < list.n_items; i++) {
		struct val item = list.items[i];
		const char *equals = memchr(item.s, '=', item.n);
		size_t n = equals ? (size_t)(equals - item.s) : item.n;
		struct val name = text(o, item.s, n);

		if (key ? fnmatch(key, name.s, 0) != 0 : (int32_t)i != index)
			continue;
		return equals ? text(o, equals + 1, item.n - n - 1) : text(o, "", 0);
	}
	return none;
}

static struct val field_value(struct oracle *o, const char *name, int32_t index, const char *key)
{
	uint32_t id;
	const struct template_field *f = template_field_find(o->e->table, o->e->type, name, strlen(name), &id);
	const struct helper_value *v;
	struct val list;

	if (!f || !event_has(o->e, id))
		return none;
	v = &o->e->values[id];
	switch ((enum template_field_type)f->type) {
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		return text(o, v->p, v->len);
	case TEMPLATE_IP:
		return (struct val){ .kind = ADDRESS, .s = v->p, .n = v->len };
	case TEMPLATE_BOOL:
	case TEMPLATE_U64:
	case TEMPLATE_I64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
		return number(event_u64(o->e, id), f->type == TEMPLATE_I64);
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		break;
	}
	list = list_of(o, v);
	if (f->type == TEMPLATE_DICT)
		return dictionary(o, list, index, key);
	if (index >= 0)
		return (size_t)index < list.n_items ? list.items[index] : none;
	return list;
}

/* ---- computed values ---- */

static struct val value_of(struct oracle *o, const struct rule_expr *e);

static struct val all_of(struct oracle *o, const struct rule_expr *e)
{
	struct val out = { .kind = LIST,
			   .items = arena_alloc(&o->a, (e->n + 1) * sizeof(struct val)),
			   .n_items = e->n };

	for (uint32_t i = 0; i < e->n; i++) {
		out.items[i] = value_of(o, e->kids[i]);
		if (out.items[i].kind == NONE)
			return none;
	}
	return out;
}

static struct val call(struct oracle *o, const struct rule_expr *e)
{
	struct val args = all_of(o, e), *v = args.items;

	if (args.kind == NONE)
		return none;
	switch (e->call) {
	case RULE_CALL_VAL:
		return v[0];
	case RULE_CALL_LEN:
		return number(v[0].kind == LIST ? v[0].n_items : v[0].n, false);
	case HELPER_TMP_CONCAT:
		return joined(o, text(o, "", 0), args);
	case HELPER_TMP_JOIN:
		return joined(o, v[0], v[1]);
	case HELPER_TMP_GETOPT:
		return getopt_value(o, v[0], v[1], e->option);
	}
	return each(o, v[0], e->call);
}

static struct val value_of(struct oracle *o, const struct rule_expr *e)
{
	switch ((enum rule_expr_kind)e->kind) {
	case EXPR_FIELD:
		return field_value(o, e->text, e->index, e->key);
	case EXPR_TEXT:
		return text(o, e->text, e->len);
	case EXPR_LIST:
		return all_of(o, e);
	case EXPR_CALL:
		return call(o, e);
	}
	return none;
}

static struct val left_value(struct oracle *o, const struct rule_check *k)
{
	struct val v;

	if (k->left)
		return value_of(o, k->left);
	v = field_value(o, k->field, k->index, k->key);
	if (k->transforms & HELPER_BASENAME)
		v = each(o, v, HELPER_TMP_BASENAME);
	if (k->transforms & HELPER_LOWER)
		v = each(o, v, HELPER_TMP_LOWER);
	else if (k->transforms & HELPER_UPPER)
		v = each(o, v, HELPER_TMP_UPPER);
	if (k->length && v.kind != NONE)
		v = number(v.kind == LIST ? v.n_items : v.n, false);
	return v;
}

/* ---- one value against one value ---- */

static int order(struct val a, struct val b)
{
	int c = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);

	return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

static bool ordered(enum rule_op op, int c)
{
	switch (op) {
	case OP_NE:
		return c != 0;
	case OP_LT:
		return c < 0;
	case OP_LE:
		return c <= 0;
	case OP_GT:
		return c > 0;
	case OP_GE:
		return c >= 0;
	default:
		return c == 0;
	}
}

/* The component at *at, which moves behind it; repeated slashes are one. */
static bool component(const char **at, char *out, size_t room)
{
	size_t n;

	*at += strspn(*at, "/");
	n = strcspn(*at, "/");
	(void)snprintf(out, room, "%.*s", (int)n, *at);
	*at += n;
	return n > 0;
}

/* Every component of the pattern matches the path's component at the same place. */
static bool path_covers(const char *path, const char *pat)
{
	char a[256], b[256];

	if (!*path || !*pat || (*path == '/') != (*pat == '/'))
		return !*path && !*pat;
	while (component(&pat, b, sizeof b))
		if (!component(&path, a, sizeof a) || fnmatch(b, a, FNM_NOESCAPE))
			return false;
	return true;
}

static bool regex_matches(const char *s, const char *pat)
{
	char whole[512];
	regex_t r;
	bool yes;

	(void)snprintf(whole, sizeof whole, "^(%s)$", pat);
	if (regcomp(&r, whole, REG_EXTENDED | REG_NOSUB))
		abort();
	yes = !regexec(&r, s, 0, NULL, 0);
	regfree(&r);
	return yes;
}

/* libc's patterns end at a NUL, the language's do not: here it is a byte that nothing else has. */
static const char *without_nul(struct oracle *o, struct val v)
{
	struct val copy = text(o, v.s, v.n);

	for (size_t i = 0; i < copy.n; i++)
		if (!copy.s[i])
			((char *)(uintptr_t)copy.s)[i] = 1;
	return copy.s;
}

static bool patterns_hold(enum rule_op op, const char *s, const char *v)
{
	switch (op) {
	case OP_ICONTAINS:
		return strcasestr(s, v) != NULL;
	case OP_GLOB:
		return !fnmatch(v, s, 0);
	case OP_IGLOB:
		return !fnmatch(v, s, FNM_CASEFOLD);
	case OP_REGEX:
		return regex_matches(s, v);
	default:
		return path_covers(s, v);
	}
}

static bool texts_hold(struct oracle *o, enum rule_op op, struct val s, struct val v)
{
	switch (op) {
	case OP_CONTAINS:
	case OP_BCONTAINS:
		return !v.n || memmem(s.s, s.n, v.s, v.n);
	case OP_STARTSWITH:
	case OP_BSTARTSWITH:
		return s.n >= v.n && !memcmp(s.s, v.s, v.n);
	case OP_ENDSWITH:
		return s.n >= v.n && !memcmp(s.s + s.n - v.n, v.s, v.n);
	case OP_ICONTAINS:
	case OP_GLOB:
	case OP_IGLOB:
	case OP_REGEX:
	case OP_PMATCH:
		return patterns_hold(op, without_nul(o, s), without_nul(o, v));
	default:
		return ordered(op, order(s, v));
	}
}

static bool numbers_hold(enum rule_op op, struct val a, struct val b)
{
	if (a.is_signed)
		return ordered(op, ((int64_t)a.number > (int64_t)b.number) - ((int64_t)a.number < (int64_t)b.number));
	return ordered(op, (a.number > b.number) - (a.number < b.number));
}

static bool in_net(struct val v, const char *net_text)
{
	char addr[64];
	uint8_t net[16];
	const char *slash = strchr(net_text, '/');
	bool v6 = strchr(net_text, ':') != NULL;
	int bits = slash ? (int)strtoul(slash + 1, NULL, 10) : v6 ? 128 : 32;

	(void)snprintf(addr, sizeof addr, "%.*s", (int)strcspn(net_text, "/"), net_text);
	if (v.n != (v6 ? 16u : 4u) || inet_pton(v6 ? AF_INET6 : AF_INET, addr, net) != 1)
		return false;
	for (int i = 0; i < bits; i++)
		if (((uint8_t)v.s[i / 8] ^ net[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static uint64_t parse_number(const char *s, bool is_signed)
{
	static const struct {
		const char *word;
		uint64_t v;
	} words[] = { { "true", 1 }, { "false", 0 }, { "ssh", 22 }, { "http", 80 }, { "https", 443 } };

	for (size_t i = 0; i < countof(words); i++)
		if (!strcmp(words[i].word, s))
			return words[i].v;
	return is_signed ? (uint64_t)strtoll(s, NULL, 0) : strtoull(s, NULL, 0);
}

/* A single value and a literal. */
static bool literal_holds(struct oracle *o, enum rule_op op, struct val v, const struct rule_value *want)
{
	if (v.kind == NUMBER)
		return numbers_hold(op, v, number(parse_number(want->p, v.is_signed), v.is_signed));
	if (v.kind == ADDRESS)
		return in_net(v, want->p) == (op != OP_NE);
	return texts_hold(o, op, v, text(o, want->p, want->len));
}

/* ---- a comparison ---- */

/* in, intersects and pmatch ask for any of the values. */
static enum rule_op single_op(enum rule_op op)
{
	return op == OP_IN || op == OP_INTERSECTS ? OP_EQ : op;
}

static bool single_holds(struct oracle *o, const struct rule_check *k, struct val v)
{
	uint32_t hits = 0;

	if (k->op == OP_EXISTS)
		return true;
	for (uint32_t i = 0; i < k->n_values; i++)
		hits += literal_holds(o, single_op(k->op), v, &k->values[i]);
	switch ((enum rule_modifier)k->modifier) {
	case MOD_ALLOF:
		return k->n_values && hits == k->n_values;
	case MOD_ONEOF:
		return hits == 1;
	default:
		return hits > 0;
	}
}

/* A whole list: unindexed ancestors, domain names, or what getopt gives. */
static enum tri list_holds(struct oracle *o, const struct rule_check *k, struct val list)
{
	uint32_t id;
	const struct template_field *f =
		k->left ? NULL : template_field_find(o->e->table, o->e->type, k->field, strlen(k->field), &id);
	bool every = (!f && k->op == OP_IN) || (f && f->type == TEMPLATE_LIST && k->op == OP_IN) ||
		     (f && f->type == TEMPLATE_NAMES && k->op == OP_NE);
	size_t first = f && f->type == TEMPLATE_ANCESTRY, hits = 0;

	if (list.n_items <= first)
		return GONE;
	for (size_t i = first; i < list.n_items; i++)
		hits += single_holds(o, k, list.items[i]);
	return every ? hits == list.n_items - first : hits > 0;
}

static bool has_item(struct val list, struct val v)
{
	for (size_t i = 0; i < list.n_items; i++)
		if (!order(list.items[i], v))
			return true;
	return false;
}

static enum tri sides_hold(struct oracle *o, const struct rule_check *k, struct val a, struct val b)
{
	size_t hits = 0;

	if (b.kind == NONE)
		return GONE;
	if (a.kind == NUMBER)
		return numbers_hold(single_op(k->op), a, b);
	if (a.kind == ADDRESS)
		return (a.n == b.n && !memcmp(a.s, b.s, a.n)) == (k->op != OP_NE);
	if (a.kind == TEXT)
		return texts_hold(o, single_op(k->op), a, b);
	for (size_t i = 0; i < a.n_items; i++)
		hits += has_item(b, a.items[i]);
	return a.n_items && (k->op == OP_IN ? hits == a.n_items : hits > 0);
}

static enum tri check_holds(struct oracle *o, const struct rule_check *k)
{
	struct val left = strcmp(k->field, "evt.dir") ? left_value(o, k) : text(o, "<", 1);

	if (left.kind == NONE)
		return GONE;
	if (k->right)
		return sides_hold(o, k, left, value_of(o, k->right));
	if (left.kind == LIST)
		return list_holds(o, k, left);
	return single_holds(o, k, left);
}

static bool holds(struct oracle *o, const struct rule_cond *c)
{
	bool and = true, or = false;

	if (c->kind == COND_CHECK)
		return check_holds(o, &c->check) == YES;
	for (uint32_t i = 0; i < c->n; i++) {
		bool kid = holds(o, c->kids[i]);

		and &= kid;
		or |= kid;
	}
	return c->kind == COND_NOT ? !and : c->kind == COND_OR ? or : and;
}

bool oracle_holds(const struct rule_cond *c, const struct event *e)
{
	struct oracle o = { .e = e };
	bool yes;

	arena_init(&o.a, 16 << 20);
	yes = holds(&o, c);
	arena_done(&o.a);
	return yes;
}
