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
#ifdef SALLYPORT_TEST_FAULTS
	OPS_TEST = BIT(FAULTY),
#else
	OPS_TEST = 0,
#endif
	OPS_EQUAL = BIT(EQ) | BIT(NE) | BIT(IN) | BIT(INTERSECTS) | BIT(EXISTS),
	OPS_ORDER = BIT(LT) | BIT(LE) | BIT(GT) | BIT(GE),
	OPS_TEXT = BIT(CONTAINS) | BIT(ICONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH) | BIT(GLOB) | BIT(IGLOB) |
		   BIT(PMATCH) | BIT(REGEX) | OPS_TEST,
	OPS_BYTES = BIT(CONTAINS) | BIT(STARTSWITH) | BIT(ENDSWITH) | BIT(BCONTAINS) | BIT(BSTARTSWITH),
};
enum { MAX_COUNTED = 64 }; /* values of oneof, anyof, allof around numbers and addresses: fold_many.c */

static const uint32_t admitted[] = {
	[TEMPLATE_BOOL] = OPS_EQUAL,
	[TEMPLATE_U64] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_I64] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_TIME] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_PORT] = OPS_EQUAL | OPS_ORDER,
	[TEMPLATE_STR] = OPS_EQUAL | OPS_ORDER | OPS_TEXT,
	[TEMPLATE_BYTES] = OPS_EQUAL | OPS_BYTES,
	[TEMPLATE_IP] = OPS_EQUAL,
	[TEMPLATE_LIST] = BIT(IN) | BIT(INTERSECTS) | BIT(EXISTS),
	[TEMPLATE_ANCESTRY] = OPS_EQUAL | OPS_TEXT,
	[TEMPLATE_NAMES] = OPS_EQUAL | OPS_TEXT,
	[TEMPLATE_DICT] = 0, /* only with an index, and then it is text */
};

static const char *const type_names[] = {
	[TEMPLATE_BOOL] = "true or false", [TEMPLATE_U64] = "a non-negative number",
	[TEMPLATE_I64] = "a number",       [TEMPLATE_TIME] = "a time in nanoseconds",
	[TEMPLATE_STR] = "text",           [TEMPLATE_IP] = "an address or a network",
	[TEMPLATE_LIST] = "a list",        [TEMPLATE_ANCESTRY] = "a list of ancestors",
	[TEMPLATE_PORT] = "a port",        [TEMPLATE_BYTES] = "bytes",
	[TEMPLATE_NAMES] = "domain names", [TEMPLATE_DICT] = "a dictionary",
};

const char *rule_type_name(uint8_t type)
{
	return type_names[type];
}

/* ---- one comparison with one field ---- */

bool rule_check_operator(struct rule_ctx *c, const struct rule_check *k, uint8_t type)
{
	struct diag *d;

	if (admitted[type] >> k->op & 1)
		return true;
	d = rule_report(c, RD_OPERATOR, k->op_at, "'%s' can not be used with '%s%.60s', which is %s",
			rule_ops[k->op].word, k->length ? "len of " : "", k->field, type_names[type]);
	if (type == TEMPLATE_LIST)
		diag_hint(d, "a list takes exists, in and intersects, or an index: [0]");
	return false;
}

static bool check_index(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f)
{
	if (f->type == TEMPLATE_DICT)
		return true; /* its name ends in [], so that an index made it */
	if (k->key && (f->type == TEMPLATE_LIST || f->type == TEMPLATE_ANCESTRY)) {
		rule_report(c, RD_INDEX, k->at, "an index is a number from 0 to %d", RULE_MAX_INDEX);
		return false;
	}
	if ((k->index < 0 && !k->key) || f->type == TEMPLATE_LIST || f->type == TEMPLATE_ANCESTRY)
		return true;
	rule_report(c, RD_INDEX, k->at, "'%s' is %s and takes no index", f->name, type_names[f->type]);
	return false;
}

static bool value_fits(const struct rule_check *k, const struct rule_value *v, uint8_t type)
{
	bool order = 1u << k->op & OPS_ORDER;
	uint64_t port;
	int64_t number;

	if (v->len > RULE_MAX_VALUE_BYTES)
		return false;
	if (type == TEMPLATE_STR && order)
		return rule_value_i64(v->p, v->len, &number);
	if (type == TEMPLATE_PORT && !order)
		return rule_value_port(v->p, v->len, &port);
	if (k->net && !memchr(v->p, '/', v->len))
		return false;
	return rule_value_fits(type, v->p, v->len);
}

static void warn_na(struct rule_ctx *c, const struct rule_check *k, const struct rule_value *v)
{
	if (v->len == 4 && !memcmp(v->p, "<NA>", 4))
		diag_hint(rule_report(c, RD_NA_CHECK, v->at,
				      "a missing value is not the text <NA>: this compares with that text"),
			  "write '%s%.*s exists'", k->op == OP_NE ? "" : "not ", (int)(k->at.len < 60 ? k->at.len : 60),
			  k->at.text->p + k->at.off);
}

static bool check_transformers(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f,
			       uint8_t type)
{
	bool text = type == TEMPLATE_STR || type == TEMPLATE_LIST || type == TEMPLATE_ANCESTRY;
	struct diag *d;

	if (k->length && !k->transforms && (type == TEMPLATE_LIST || type == TEMPLATE_BYTES))
		return true;
	if (k->length ? type == TEMPLATE_STR : text || !k->transforms)
		return true;
	d = rule_report(c, RD_TRANSFORMER, k->at, "'%s' is %s: %s can not be used with it", f->name, type_names[type],
			k->length ? "len" : "a transformer of text");
	if (k->length && text)
		diag_hint(d, "take the length of one element: len(%s[1])", f->name);
	return false;
}

static bool check_modifier(struct rule_ctx *c, const struct rule_check *k, uint8_t type)
{
	bool text = type == TEMPLATE_STR || type == TEMPLATE_ANCESTRY || type == TEMPLATE_BYTES;

	if (!k->modifier || text)
		return true;
	if (type == TEMPLATE_LIST || type == TEMPLATE_NAMES) {
		diag_hint(rule_report(c, RD_OPERATOR, k->op_at,
				      "'%.60s' is %s: oneof, anyof and allof are for single values", k->field,
				      type_names[type]),
			  "write '%.60s in (...)' or '%.60s intersects (...)'", k->field, k->field);
		return false;
	}
	if (k->n_values <= MAX_COUNTED)
		return true;
	rule_report(c, RD_TOO_LARGE, k->op_at, "oneof, anyof and allof take at most %d numbers or addresses",
		    MAX_COUNTED);
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

static void bad_value(struct rule_ctx *c, const struct rule_check *k, const struct rule_value *v, uint8_t type)
{
	const char *what = k->net                  ? "a network with its prefix, such as 10.0.0.0/8,"
			   : type == TEMPLATE_STR  ? "a number"
			   : type == TEMPLATE_PORT ? "a port's number or a service's name"
						   : type_names[type];

	rule_report(c, RD_VALUE, v->at, "'%.60s' is no value for '%.60s %s': %s is needed", v->p, k->field,
		    rule_ops[k->op].word, what);
}

bool rule_check_values(struct rule_ctx *c, const struct rule_check *k, uint8_t type)
{
	if (!check_modifier(c, k, type))
		return false;
	for (uint32_t i = 0; i < k->n_values; i++) {
		const struct rule_value *v = &k->values[i];

		if (!value_fits(k, v, type)) {
			bad_value(c, k, v, type);
			return false;
		}
		if (k->op == OP_REGEX && !check_regex(c, v))
			return false;
		if (type == TEMPLATE_STR)
			warn_na(c, k, v);
	}
	return true;
}

/* proc.apid is a list of texts that are numbers: they are compared as what they are. */
static bool check_pids(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f)
{
	int64_t number;

	if (strcmp(f->name, "proc.apid"))
		return true;
	if (!(1u << k->op & OPS_EQUAL) || k->modifier || k->transforms || k->length) {
		diag_hint(rule_report(c, RD_OPERATOR, k->op_at, "'%s' can not be used with 'proc.apid'",
				      rule_ops[k->op].word),
			  "one of = != in intersects exists");
		return false;
	}
	for (uint32_t i = 0; i < k->n_values; i++) {
		const struct rule_value *v = &k->values[i];

		if (!rule_value_i64(v->p, v->len, &number) || number < 0 ||
		    (v->len > 1 && !(v->p[0] >= '1' && v->p[0] <= '9')) || (v->len > 1 && (v->p[1] | 32) == 'x')) {
			rule_report(c, RD_VALUE, v->at, "'%.60s' is no process number", v->p);
			return false;
		}
	}
	return true;
}

/* The type of what is compared: a text when an index picks one. */
static uint8_t picked_type(const struct rule_check *k, const struct template_field *f)
{
	return k->index >= 0 || k->key ? TEMPLATE_STR : f->type;
}

static bool check_field(struct rule_ctx *c, const struct rule_check *k, const struct template_field *f)
{
	uint8_t type = picked_type(k, f);

	if (!check_index(c, k, f) || !check_transformers(c, k, f, type) || !check_pids(c, k, f))
		return false;
	type = k->length ? TEMPLATE_U64 : type;
	return rule_check_operator(c, k, type) && rule_check_values(c, k, type);
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
		if (!event_in_table(c->table, &k->values[i]) && !rule_falco_event(k->values[i].p, k->values[i].len))
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

static bool find_any(const struct template_table *t, const char *name)
{
	uint32_t id;

	for (uint32_t i = 0; i < t->n_types; i++)
		if (template_field_find(t, &t->types[i], name, strlen(name), &id))
			return true;
	return false;
}

static enum rule_check_state judge(struct rule_ctx *c, const struct rule_check *k)
{
	const struct template_table *t = c->table;
	const struct template_field *f;
	size_t len = strlen(k->field);
	bool found = false;
	uint32_t id = 0;

	if (!strcmp(k->field, "evt.dir"))
		return check_direction(c, k);
	if (!find_any(t, k->field) && rule_known_argument(k->field, len)) {
		rule_report(c, RD_ARGUMENT, k->at, "this release does not supply '%.60s': here it is always missing",
			    k->field);
		return CHECK_GOOD;
	}
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

/* Say what is not there, unless nobody wants to hear it. */
static void report_unknown(struct rule_ctx *c, struct rule_check *k, bool quiet, struct rule_span *unknown)
{
	const struct rule_value *event = k->left ? NULL : find_unknown_event(c, k);
	const struct rule_expr *leaf = k->left ? rule_unknown_leaf(c, k) : NULL;
	const char *name = leaf ? leaf->text : k->field;

	*unknown = event ? event->at : leaf ? leaf->at : k->at;
	if (quiet || k->reported)
		return;
	k->reported = true;
	if (event)
		report_event(c, event);
	else
		rule_report_field(c, RD_UNKNOWN_FIELD, *unknown, name, strlen(name));
}

static enum rule_type_verdict verdict_of(struct rule_ctx *c, struct rule_check *k, bool quiet_unknown,
					 struct rule_span *unknown)
{
	if (k->twin)
		return TYPE_GOOD;
	if (k->state == CHECK_NEW)
		k->state = (uint8_t)(k->left ? rule_judge_expr(c, k) : judge(c, k));
	if (k->state != CHECK_UNKNOWN)
		return k->state == CHECK_GOOD ? TYPE_GOOD : TYPE_BAD;
	report_unknown(c, k, quiet_unknown, unknown);
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
