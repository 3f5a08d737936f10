/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type: whether a comparison makes sense: the field exists, the operator fits its type, the values can be its values.
 *
 * One name can be a field of several template types; every one of them is asked.
 */
#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

#define BIT(op) (1u << OP_##op)
enum {
	OPS_EQUAL = BIT(EQ) | BIT(NE) | BIT(IN) | BIT(INTERSECTS) | BIT(EXISTS),
	OPS_ORDER = BIT(LT) | BIT(LE) | BIT(GT) | BIT(GE),
	OPS_TEXT = BIT(CONTAINS) | BIT(ICONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH) | BIT(GLOB) | BIT(IGLOB) |
		   BIT(PMATCH) | BIT(REGEX),
};

static const uint32_t admitted[] = {
	[TEMPLATE_BOOL] = OPS_EQUAL,
	[TEMPLATE_U64] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_I64] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_TIME] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_PORT] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_STR] = OPS_EQUAL | OPS_ORDER | OPS_TEXT,
	[TEMPLATE_BYTES] = OPS_EQUAL | BIT(CONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH),
	[TEMPLATE_IP] = OPS_EQUAL,
	[TEMPLATE_LIST] = BIT(IN) | BIT(INTERSECTS) | BIT(EXISTS),
	[TEMPLATE_ANCESTRY] = OPS_EQUAL | OPS_TEXT,
	[TEMPLATE_NAMES] = BIT(IN) | BIT(INTERSECTS) | BIT(EXISTS),
	[TEMPLATE_DICT] = BIT(EXISTS),
};

static const char *const type_names[] = {
	[TEMPLATE_BOOL] = "true or false", [TEMPLATE_U64] = "a non-negative number",
	[TEMPLATE_I64] = "a number",       [TEMPLATE_TIME] = "a time in nanoseconds",
	[TEMPLATE_STR] = "text",           [TEMPLATE_IP] = "an address or a network",
	[TEMPLATE_LIST] = "a list",        [TEMPLATE_ANCESTRY] = "a list of ancestors",
	[TEMPLATE_PORT] = "a port",        [TEMPLATE_BYTES] = "bytes",
	[TEMPLATE_NAMES] = "domain names", [TEMPLATE_DICT] = "a dictionary",
};

const char *rule_field_alias(const char *name, size_t len)
{
	static const struct {
		const char *name, *field;
	} rows[] = {
		{ "fd.snet", "fd.sip" }, { "fd.cnet", "fd.cip" }, { "fd.lnet", "fd.lip" }, { "fd.rnet", "fd.rip" }
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (strlen(rows[i].name) == len && !memcmp(rows[i].name, name, len))
			return rows[i].field;
	return NULL;
}

static bool is_falco_field(const char *name, size_t len)
{
	static const char *const rows[] = {
#define FALCO_FIELD(name) name,
#define FALCO_EVENT(names)
#include "content/rule/falco.def"
#undef FALCO_FIELD
#undef FALCO_EVENT
	};

	for (size_t i = 0; i < countof(rows); i++) {
		size_t n = strlen(rows[i]);
		bool below = rows[i][n - 1] == '.';

		if (below ? len > n && !memcmp(name, rows[i], n) : len == n && !memcmp(name, rows[i], n))
			return true;
	}
	return false;
}

static bool is_falco_event(const char *name, size_t len)
{
	static const struct template_type rows[] = {
#define FALCO_FIELD(name)
#define FALCO_EVENT(names) { .events = names },
#include "content/rule/falco.def"
#undef FALCO_FIELD
#undef FALCO_EVENT
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (template_has_event(&rows[i], name, len))
			return true;
	return false;
}

void rule_report_field(struct rule_ctx *c, enum rule_diag id, struct rule_span at, const char *name, size_t len)
{
	struct rule_nearest near = { .want = name, .want_len = len };

	if (is_falco_field(name, len)) {
		rule_report(c, id == RD_UNKNOWN_FIELD ? RD_FALCO_FIELD : id, at,
			    "Falco's field '%.*s' is not supplied by this release", (int)(len < 80 ? len : 80), name);
		return;
	}
	near.d = rule_report(c, id, at, "no event has a field '%.*s'", (int)(len < 80 ? len : 80), name);
	for (uint32_t i = 0; near.d && i < c->table->common.n; i++)
		rule_nearest_try(&near, c->table->common.fields[i].name);
	for (uint32_t t = 0; near.d && t < c->table->n_types; t++)
		for (uint32_t i = 0; i < c->table->types[t].own.n; i++)
			rule_nearest_try(&near, c->table->types[t].own.fields[i].name);
	rule_nearest_hint(&near);
}

/* ---- one comparison with one field ---- */

static void bad_operator(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f)
{
	struct diag *d = rule_report(c, RD_OPERATOR, k->op_at, "'%s' can not be used with '%s%s', which is %s",
				     rule_ops[k->op].word, k->length ? "len of " : "", f->name,
				     type_names[k->length ? TEMPLATE_U64 : f->type]);

	if (!k->length && f->type == TEMPLATE_LIST)
		diag_hint(d, "a list takes exists and intersects, or an index: %s[0]", f->name);
}

static bool check_index(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f)
{
	if (k->index < 0 || f->type == TEMPLATE_LIST || f->type == TEMPLATE_ANCESTRY)
		return true;
	rule_report(c, RD_INDEX, k->at, "'%s' is %s and takes no index", f->name, type_names[f->type]);
	return false;
}

static bool value_fits(const struct rule_check *k, const struct rule_value *v, uint8_t type)
{
	int64_t number;

	if (v->len > RULE_MAX_VALUE_BYTES)
		return false;
	if (type == TEMPLATE_STR && (1u << k->op & OPS_ORDER))
		return rule_value_i64(v->p, v->len, &number);
	return rule_value_fits(type, v->p, v->len);
}

static void warn_na(struct rule_ctx *c, const struct rule_check *k, const struct rule_value *v)
{
	if (v->len == 4 && !memcmp(v->p, "<NA>", 4))
		diag_hint(rule_report(c, RD_NA_CHECK, v->at,
				      "a missing value is not the text <NA>: this compares with that text"),
			  "write '%s%.60s exists'", k->op == OP_NE ? "" : "not ", k->field);
}

static bool check_transformers(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f,
			       uint8_t type)
{
	bool text = type == TEMPLATE_STR || type == TEMPLATE_LIST || type == TEMPLATE_ANCESTRY;
	struct diag *d;

	if (k->length && !k->transforms && type == TEMPLATE_LIST)
		return true;
	if (k->length ? type == TEMPLATE_STR : text || !k->transforms)
		return true;
	d = rule_report(c, RD_TRANSFORMER, k->at, "'%s' is %s: %s can not be used with it", f->name, type_names[type],
			k->length ? "len" : "a transformer of text");
	if (k->length && text)
		diag_hint(d, "take the length of one element: len(%s[1])", f->name);
	return false;
}

/* The order of transformed text is of no use, and no helper tells it. */
static bool check_order(struct rule_ctx *c, const struct rule_check *k)
{
	if (!k->transforms || k->length || !(1u << k->op & OPS_ORDER))
		return true;
	rule_report(c, RD_UNSUPPORTED, k->op_at, "'%s' on transformed text is not supported by this release",
		    rule_ops[k->op].word);
	return false;
}

/* Modifiers ask about text; of numbers and addresses a list says enough. */
static bool check_modifier(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f, uint8_t type)
{
	if (!k->modifier || type == TEMPLATE_STR || type == TEMPLATE_ANCESTRY)
		return true;
	diag_hint(rule_report(c, RD_OPERATOR, k->op_at, "'%s%s' is %s: oneof, anyof and allof are for text",
			      k->length ? "len of " : "", f->name, type_names[type]),
		  "write '%s in (...)'", k->field);
	return false;
}

/* Where a byte of a value stands: only a value without escapes says so. */
static struct rule_span value_byte(const struct rule_value *v, uint32_t i)
{
	struct rule_span at = v->at;
	uint32_t quotes = at.len == v->len + 2 ? 1 : 0;

	if (at.len != v->len + 2 * quotes || (quotes && !v->quoted) || at.text->len < at.off + at.len)
		return at;
	at.off += quotes + (i < v->len || !v->len ? i : v->len - 1);
	at.len = 1;
	return at;
}

static bool check_regex(struct rule_ctx *c, const struct rule_value *v)
{
	struct helper_regex_error e;
	struct arena scratch;
	struct buf out;
	enum err err;

	arena_init(&scratch, REGEX_SCRATCH_BYTES);
	buf_init(&out, REGEX_SCRATCH_BYTES);
	err = helper_pack_regex(v->p, v->len, &scratch, &out, &e);
	if (err == E_REJECTED)
		rule_report(c, RD_REGEX, value_byte(v, e.at), "'%.60s': %s", v->p, e.text);
	else if (err)
		rule_report(c, RD_REGEX, v->at, "'%.60s': there is no memory for it", v->p);
	buf_done(&out);
	arena_done(&scratch);
	return !err;
}

/* type: of what is compared, the element for an index. */
static bool check_values(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f, uint8_t type)
{
	for (uint32_t i = 0; i < k->n_values; i++) {
		const struct rule_value *v = &k->values[i];

		if (!value_fits(k, v, type)) {
			bool order = type == TEMPLATE_STR;

			rule_report(c, RD_VALUE, v->at, "'%.60s' is no value for '%s %s': %s is needed", v->p, f->name,
				    rule_ops[k->op].word, order ? "a number" : type_names[type]);
			return false;
		}
		if (k->op == OP_REGEX && !check_regex(c, v))
			return false;
		if (type == TEMPLATE_STR)
			warn_na(c, k, v);
	}
	return true;
}

static bool check_field(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f)
{
	uint8_t type = k->index >= 0 ? TEMPLATE_STR : f->type;

	if (!check_index(c, k, f) || !check_transformers(c, k, f, type) || !check_order(c, k))
		return false;
	type = k->length ? TEMPLATE_U64 : type;
	if (rule_ops[k->op].flags & OP_REFUSED) {
		rule_report(c, RD_UNSUPPORTED, k->op_at, "the operator '%s' is not supported by this release",
			    rule_ops[k->op].word);
		return false;
	}
	if (!(admitted[type] >> k->op & 1)) {
		bad_operator(c, k, f);
		return false;
	}
	if (type == TEMPLATE_LIST && k->op == OP_IN) {
		rule_report(c, RD_UNSUPPORTED, k->op_at, "'in' on the whole list '%s' is not supported by this release",
			    f->name);
		return false;
	}
	if (type == TEMPLATE_ANCESTRY && k->op == OP_NE) {
		diag_hint(rule_report(c, RD_UNSUPPORTED, k->op_at,
				      "'!=' on all ancestors is not supported by this release"),
			  "it would hold as soon as one ancestor differs; write 'not %s = ...'", f->name);
		return false;
	}
	return check_modifier(c, k, f, type) && check_values(c, k, f, type);
}

/* ---- evt.type and evt.dir ---- */

static bool event_in_table(const struct template_table *t, const struct rule_value *v)
{
	for (uint32_t i = 0; i < t->n_types; i++)
		if (template_has_event(&t->types[i], v->p, v->len))
			return true;
	return false;
}

static const struct rule_value *find_unknown_event(struct rule_ctx *c, const struct rule_check *k)
{
	if (strcmp(k->field, "evt.type") || k->transforms || k->length)
		return NULL;
	if (k->op != OP_EQ && k->op != OP_NE && k->op != OP_IN && k->op != OP_INTERSECTS)
		return NULL;
	for (uint32_t i = 0; i < k->n_values; i++)
		if (!event_in_table(c->table, &k->values[i]) && !is_falco_event(k->values[i].p, k->values[i].len))
			return &k->values[i];
	return NULL;
}

static void report_event(struct rule_ctx *c, const struct rule_value *v)
{
	struct rule_nearest near = { .want = v->p, .want_len = v->len };

	near.d = rule_report(c, RD_UNKNOWN_EVENT, v->at, "no event is called '%.60s'", v->p);
	for (uint32_t i = 0; near.d && i < c->table->n_types; i++) {
		const char *s = c->table->types[i].events;

		for (size_t n; *s; s += n + (s[n] == ' ')) {
			char *word;

			n = strcspn(s, " ");
			word = arena_strndup(c->a, s, n);
			if (word)
				rule_nearest_try(&near, word);
		}
	}
	rule_nearest_hint(&near);
}

static void warn_events(struct rule_ctx *c, const struct rule_check *k)
{
	if (strcmp(k->field, "evt.type") || k->transforms || k->length ||
	    (k->op != OP_EQ && k->op != OP_IN && k->op != OP_INTERSECTS))
		return;
	for (uint32_t i = 0; i < k->n_values; i++)
		if (!event_in_table(c->table, &k->values[i]))
			rule_report(c, RD_EVENT, k->values[i].at,
				    "this release does not watch '%.60s': here it never happens", k->values[i].p);
}

static enum rule_check_state check_direction(struct rule_ctx *c, const struct rule_check *k)
{
	if (k->transforms || k->length) {
		rule_report(c, RD_TRANSFORMER, k->at, "'evt.dir' takes no transformer");
		return CHECK_BAD;
	}
	if ((k->op != OP_EQ && k->op != OP_NE && k->op != OP_IN && k->op != OP_EXISTS) || k->modifier) {
		rule_report(c, RD_OPERATOR, k->op_at, "'%s%s' can not be used with 'evt.dir'", rule_ops[k->op].word,
			    k->modifier ? " oneof, anyof, allof" : "");
		return CHECK_BAD;
	}
	for (uint32_t i = 0; i < k->n_values; i++) {
		if (k->values[i].len != 1 || !strchr("<>", k->values[i].p[0])) {
			rule_report(c, RD_VALUE, k->values[i].at, "evt.dir is < or >");
			return CHECK_BAD;
		}
	}
	diag_hint(rule_report(c, RD_DEPRECATED, k->at, "evt.dir is deprecated: there are only < events"),
		  "leave the comparison out");
	return CHECK_GOOD;
}

/* ---- all of them ---- */

static enum rule_check_state judge(struct rule_ctx *c, const struct rule_check *k)
{
	const struct template_table *t = c->table;
	const struct template_field *f;
	size_t len = strlen(k->field);
	bool found = false;
	uint32_t id = 0;

	if (!strcmp(k->field, "evt.dir"))
		return check_direction(c, k);
	for (uint32_t i = 0; i < t->n_types; i++) {
		f = template_field_find(t, &t->types[i], k->field, len, &id);
		if (!f)
			continue;
		if (!check_field(c, k, f))
			return CHECK_BAD;
		found = true;
		if (id < TEMPLATE_CAP)
			break; /* the same row for all types */
	}
	if (!found || find_unknown_event(c, k))
		return CHECK_UNKNOWN;
	warn_events(c, k);
	return CHECK_GOOD;
}

static enum rule_type_verdict verdict_of(struct rule_ctx *c, struct rule_check *k, bool quiet_unknown,
					 struct rule_span *unknown)
{
	const struct rule_value *event;

	if (k->twin)
		return TYPE_GOOD;
	if (k->state == CHECK_NEW)
		k->state = (uint8_t)judge(c, k);
	if (k->state != CHECK_UNKNOWN)
		return k->state == CHECK_GOOD ? TYPE_GOOD : TYPE_BAD;
	event = find_unknown_event(c, k);
	*unknown = event ? event->at : k->at;
	if (!quiet_unknown && !k->reported) {
		k->reported = true;
		if (event)
			report_event(c, event);
		else
			rule_report_field(c, RD_UNKNOWN_FIELD, k->at, k->field, strlen(k->field));
	}
	return TYPE_UNKNOWN;
}

enum rule_type_verdict rule_check_types(struct rule_ctx *c, struct rule_cond *cond, bool quiet_unknown,
					struct rule_span *unknown)
{
	enum rule_type_verdict worst = TYPE_GOOD;

	if (cond->kind == COND_CHECK)
		return verdict_of(c, &cond->check, quiet_unknown, unknown);
	for (uint32_t i = 0; i < cond->n; i++) {
		enum rule_type_verdict v = rule_check_types(c, cond->kids[i], quiet_unknown, unknown);

		worst = v > worst ? v : worst;
	}
	return worst;
}
