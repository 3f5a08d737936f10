/* SPDX-License-Identifier: Apache-2.0 */
/*
 * special: names of the language that are no rows of a template table.
 *
 *   fd.ip fd.port            either end: of the client or of the server; unequal means that neither is
 *   fd.net fd.snet ...       the same addresses, compared with networks only
 *   evt.type.is[open] = 1    evt.type = open
 *   evt.arg[0]               by number: which argument that is depends on the event (args.def)
 */
#include "content/rule/internal.h"

/* Fields that mean either end of a connection, and the two that they stand for. */
static const struct {
	const char *name, *first, *second;
	bool net;
} either[] = {
	{ "fd.ip", "fd.cip", "fd.sip", false },
	{ "fd.net", "fd.cip", "fd.sip", true },
	{ "fd.port", "fd.cport", "fd.sport", false },
	{ "fd.proto", "fd.cproto", "fd.sproto", false },
};

static const struct {
	const char *name, *field;
} nets[] = { { "fd.snet", "fd.sip" }, { "fd.cnet", "fd.cip" }, { "fd.lnet", "fd.lip" }, { "fd.rnet", "fd.rip" } };

const struct rule_extra_field rule_extra_fields[] = {
	{ "evt.arg", "string", "an argument by its name or number: evt.arg.flags, evt.arg[flags], evt.arg[0]" },
	{ "evt.rawarg", "any", "the same as a number" },
	{ "evt.dir", "string", "deprecated: events are told when the call returns, so that it is <" },
	{ "evt.type.is", "number", "1 for the event that is named, else 0: evt.type.is[open]" },
	{ "fd.ip", "ip", "fd.cip or fd.sip" },
	{ "fd.net", "network", "the same, in networks" },
	{ "fd.snet", "network", "fd.sip, in networks" },
	{ "fd.cnet", "network", "fd.cip, in networks" },
	{ "fd.lnet", "network", "fd.lip, in networks" },
	{ "fd.rnet", "network", "fd.rip, in networks" },
	{ "fd.port", "port", "fd.cport or fd.sport" },
	{ "fd.proto", "string", "fd.cproto or fd.sproto" },
	{ NULL, NULL, NULL },
};

static const struct {
	const char *event, *args;
} arguments[] = {
#define ARGS(event, args) { event, args },
#include "content/rule/args.def"
#undef ARGS
};

bool rule_no_right_side(const char *field)
{
	static const char *const names[] = { "fd.cip.name", "fd.sip.name",   "fd.lip.name",   "fd.rip.name",
					     "fd.types",    "fd.types[]",    "proc.acmdline", "proc.aenv",
					     "proc.aexe",   "proc.aexepath", "proc.aname",    "proc.apid" };

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(names[i], field))
			return true;
	for (size_t i = 0; i < countof(either); i++)
		if (!strcmp(either[i].name, field))
			return true;
	for (size_t i = 0; i < countof(nets); i++)
		if (!strcmp(nets[i].name, field))
			return true;
	return !strncmp(field, "evt.rawarg", strlen("evt.rawarg"));
}

/* ---- arguments of events ---- */

static bool has_word(const char *words, const char *word, size_t len)
{
	for (size_t n; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		if (n == len && !memcmp(words, word, n))
			return true;
	}
	return false;
}

/* Argument number i of a list, or an empty span's length 0. */
static size_t nth_word(const char *words, uint32_t i, const char **out)
{
	for (size_t n; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		*out = words;
		if (!i--)
			return n;
	}
	return 0;
}

static size_t argument_prefix(const char *field)
{
	static const char *const prefixes[] = { "evt.arg.", "evt.rawarg." };

	for (size_t i = 0; i < countof(prefixes); i++)
		if (!strncmp(field, prefixes[i], strlen(prefixes[i])))
			return strlen(prefixes[i]);
	return 0;
}

bool rule_known_argument(const char *field, size_t len)
{
	size_t prefix = argument_prefix(field);

	for (size_t i = 0; i < countof(arguments) && prefix && len > prefix; i++)
		if (has_word(arguments[i].args, field + prefix, len - prefix))
			return true;
	return false;
}

/* ---- nodes ---- */

static struct rule_cond *one_check(struct rule_ctx *c, const struct rule_check *k, const char *field, bool twin)
{
	struct rule_cond *cond = rule_cond_new(c, COND_CHECK, k->at, NULL, 0);

	if (cond) {
		cond->check = *k;
		cond->check.field = field;
		cond->check.twin = twin;
	}
	return cond;
}

static FALLIBLE two(struct rule_ctx *c, enum rule_cond_kind kind, struct rule_cond *a, struct rule_cond *b,
		    struct rule_cond **out)
{
	struct rule_cond **kids = ARENA_ARRAY(c->a, struct rule_cond *, 2);

	if (!kids || !a || !b)
		return E_NOMEM;
	kids[0] = a;
	kids[1] = b;
	*out = rule_cond_new(c, kind, a->at, kids, 2);
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE either_end(struct rule_ctx *c, const struct rule_check *k, size_t row, struct rule_cond **out)
{
	struct rule_check end = *k;

	end.net = either[row].net;
	end.first_only = either[row].net && c->opts.strict_falco && k->op == OP_IN;
	return two(c, k->op == OP_NE ? COND_AND : COND_OR, one_check(c, &end, either[row].first, false),
		   one_check(c, &end, either[row].second, true), out);
}

static FALLIBLE bad_event_test(struct rule_ctx *c, const struct rule_check *k)
{
	rule_report(c, RD_VALUE, k->at, "'%.60s' is 0 or 1: compare it with '= 1' or '= 0'", k->field);
	return E_REJECTED;
}

/* evt.type.is.NAME */
static FALLIBLE event_test(struct rule_ctx *c, const struct rule_check *k, const char *name, struct rule_cond **out)
{
	struct rule_check event = *k;
	struct rule_value *v = ARENA_NEW(c->a, struct rule_value);
	bool one, zero;

	if (!v)
		return E_NOMEM;
	one = k->n_values == 1 && k->values->len == 1 && k->values->p[0] == '1';
	zero = k->n_values == 1 && k->values->len == 1 && k->values->p[0] == '0';
	if ((!one && !zero) || (k->op != OP_EQ && k->op != OP_NE) || k->modifier || k->transforms || k->length)
		return bad_event_test(c, k);
	*v = (struct rule_value){ .p = name, .len = (uint32_t)strlen(name), .quoted = true, .at = k->at };
	event.op = one == (k->op == OP_EQ) ? OP_EQ : OP_NE;
	event.values = v;
	*out = one_check(c, &event, "evt.type", false);
	return *out ? E_OK : E_NOMEM;
}

/* ---- evt.arg[N] ---- */

static bool in_table(const struct template_table *t, const char *event)
{
	for (uint32_t i = 0; i < t->n_types; i++)
		if (template_has_event(&t->types[i], event, strlen(event)))
			return true;
	return false;
}

/* evt.type in (those whose argument N has this name) and evt.arg.NAME ... */
static FALLIBLE one_argument(struct rule_ctx *c, const struct rule_check *k, const char *name, size_t len, bool twin,
			     struct rule_cond **out)
{
	struct rule_check events = { .field = "evt.type", .index = -1, .op = OP_IN, .at = k->at, .op_at = k->op_at },
			  arg = *k;
	struct rule_value *values = ARENA_ARRAY(c->a, struct rule_value, countof(arguments));
	const char *other, *field = arena_printf(c->a, "%s.%.*s", k->field, (int)len, name);

	if (!values || !field)
		return E_NOMEM;
	for (size_t i = 0; i < countof(arguments); i++)
		if (nth_word(arguments[i].args, (uint32_t)k->index, &other) == len && !memcmp(other, name, len) &&
		    in_table(c->table, arguments[i].event))
			values[events.n_values++] = (struct rule_value){ .p = arguments[i].event,
									 .len = (uint32_t)strlen(arguments[i].event),
									 .quoted = true,
									 .at = k->at };
	events.values = values;
	arg.index = -1;
	return two(c, COND_AND, one_check(c, &events, events.field, false), one_check(c, &arg, field, twin), out);
}

static bool supplied(const struct template_table *t, const char *prefix, const char *name, size_t len)
{
	char field[80];
	uint32_t id;
	int n = snprintf(field, sizeof field, "%s.%.*s", prefix, (int)len, name);

	for (uint32_t i = 0; i < t->n_types && n < (int)sizeof field; i++)
		if (template_field_find(t, &t->types[i], field, (size_t)n, &id))
			return true;
	return false;
}

/* This name has been argument N of an event above. */
static bool named_above(const struct rule_ctx *c, uint32_t index, size_t row, const char *name, size_t len)
{
	const char *other;

	for (size_t i = 0; i < row; i++)
		if (in_table(c->table, arguments[i].event) && nth_word(arguments[i].args, index, &other) == len &&
		    !memcmp(other, name, len))
			return true;
	return false;
}

static FALLIBLE no_argument(struct rule_ctx *c, const struct rule_check *k)
{
	diag_hint(rule_report(c, RD_UNSUPPORTED, k->at,
			      "no event of this release has an argument number %d that it supplies", k->index),
		  "use the argument's name: %s.flags", k->field);
	return E_REJECTED;
}

static FALLIBLE numbered_argument(struct rule_ctx *c, const struct rule_check *k, struct rule_cond **out)
{
	struct rule_cond **kids = ARENA_ARRAY(c->a, struct rule_cond *, countof(arguments));
	const char *name;
	uint32_t n = 0;

	if (!kids)
		return E_NOMEM;
	for (size_t i = 0; i < countof(arguments); i++) {
		size_t len = nth_word(arguments[i].args, (uint32_t)k->index, &name);

		if (!len || !in_table(c->table, arguments[i].event) || !supplied(c->table, k->field, name, len) ||
		    named_above(c, (uint32_t)k->index, i, name, len))
			continue;
		TRY(one_argument(c, k, name, len, n != 0, &kids[n]));
		n++;
	}
	if (!n)
		return no_argument(c, k);
	*out = n == 1 ? kids[0] : rule_cond_new(c, COND_OR, k->at, kids, n);
	return *out ? E_OK : E_NOMEM;
}

FALLIBLE rule_check_cond(struct rule_ctx *c, const struct rule_check *k, struct rule_cond **out)
{
	static const char is[] = "evt.type.is.";
	struct rule_check net = *k;

	for (size_t i = 0; i < countof(either) && !k->left; i++)
		if (!strcmp(either[i].name, k->field))
			return either_end(c, k, i, out);
	for (size_t i = 0; i < countof(nets) && !k->left; i++) {
		if (!strcmp(nets[i].name, k->field)) {
			net.field = nets[i].field;
			net.net = true;
		}
	}
	if (!k->left && !strncmp(k->field, is, strlen(is)))
		return event_test(c, k, k->field + strlen(is), out);
	if (!k->left && k->index >= 0 && (!strcmp(k->field, "evt.arg") || !strcmp(k->field, "evt.rawarg")))
		return numbered_argument(c, k, out);
	*out = one_check(c, &net, net.field, k->twin);
	return *out ? E_OK : E_NOMEM;
}
