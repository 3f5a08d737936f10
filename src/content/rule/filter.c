/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: what a condition can depend on, as clauses (content/filter).
 *
 * Negations are carried down to the comparisons. A comparison that the kernel side can decide becomes clauses; of every
 * other one nothing is known, and all events pass. A missing value makes a comparison false and its negation true; the
 * facts used here are of each event, or missing in exactly the class that says so (a failed call).
 */
#include "content/filter/filter.h"
#include "content/rule/internal.h"

enum { MAX_NAMES = 4096 };

struct derive {
	const struct template_type *type;
	struct arena *a;
};

struct text {
	const char *p;
	size_t len;
};

static bool is(const struct rule_fold *f, const char *name)
{
	return !strcmp(f->field->name, name);
}

static bool is_open(const struct derive *x)
{
	return !strcmp(x->type->name, "file_open");
}

/* The values say what they say: nothing is done to the field's value first, and no modifier counts them. */
static bool is_plain(const struct rule_check *k)
{
	return !k->left && !k->right && !k->key && !k->modifier && !k->transforms && !k->length && k->index < 0;
}

static bool wants_any(const struct rule_check *k)
{
	return k->op == OP_EQ || k->op == OP_IN || k->op == OP_INTERSECTS;
}

/* ---- success and failure ---- */

/* Can a call that succeeded (the value is at least 0), and one that failed (it is negative), satisfy the comparison? */
static void by_sign(const struct rule_check *k, bool negated, bool *ok, bool *failed)
{
	bool some_ok = false, some_failed = false;
	int64_t v = 0;

	for (uint32_t i = 0; i < k->n_values; i++) {
		if (!rule_value_i64(k->values[i].p, k->values[i].len, &v)) {
			*ok = *failed = true;
			return;
		}
		some_ok |= v >= 0;
		some_failed |= v < 0;
	}
	switch ((enum rule_op)k->op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		*ok = some_ok || negated;
		*failed = some_failed || negated;
		return;
	case OP_GE:
	case OP_LT:
		/* below v: some that failed always; some that succeeded when v > 0. At least v: the other way round. */
		*ok = (k->op == OP_GE) != negated ? true : v > 0;
		*failed = (k->op == OP_GE) != negated ? v < 0 : true;
		return;
	case OP_GT:
	case OP_LE:
		*ok = (k->op == OP_GT) != negated ? true : v >= 0;
		*failed = (k->op == OP_GT) != negated ? v < -1 : true;
		return;
	default:
		*ok = *failed = true;
	}
}

static void set_sign(struct filter *out, bool ok, bool failed)
{
	if (ok && failed)
		filter_all(out);
	else if (ok || failed)
		filter_class(out, failed ? FILTER_FAILED : 0, ok ? FILTER_FAILED : 0);
	else
		filter_none(out);
}

/* evt.res: SUCCESS, or the name of an error; it is missing only for failures without a name. */
static void by_result(const struct rule_check *k, bool negated, struct filter *out)
{
	bool success = false, error = false;

	if (!wants_any(k) && k->op != OP_NE) {
		filter_all(out);
		return;
	}
	for (uint32_t i = 0; i < k->n_values; i++) {
		bool same = k->values[i].len == 7 && !memcmp(k->values[i].p, "SUCCESS", 7);

		success |= same;
		error |= !same;
	}
	if ((k->op == OP_NE) != negated)
		set_sign(out, !success, true);
	else
		set_sign(out, success, error);
}

/* ---- classes ---- */

static bool value_is(const struct rule_check *k, const char *text)
{
	return k->n_values == 1 && k->values->len == strlen(text) && !memcmp(k->values->p, text, k->values->len);
}

/* A field that is true or false in every event. */
static void by_bit(const struct rule_check *k, bool negated, uint32_t bit, bool set_when_true, struct filter *out)
{
	bool want;

	if ((k->op != OP_EQ && k->op != OP_NE) || (!value_is(k, "true") && !value_is(k, "false"))) {
		filter_all(out);
		return;
	}
	want = value_is(k, "true") == (k->op == OP_EQ);
	want = want != negated;
	filter_class(out, want == set_when_true ? bit : 0, want == set_when_true ? 0 : bit);
}

/* fd.typechar, fd.type of an open: a device counts as a file, and so does what a failed call asked for. */
static FALLIBLE by_kind(struct derive *x, const struct rule_check *k, bool negated, struct filter *out)
{
	struct filter one;

	filter_all(out);
	if (negated || !wants_any(k))
		return E_OK;
	filter_none(out);
	for (uint32_t i = 0; i < k->n_values; i++) {
		const struct rule_value *v = &k->values[i];
		bool dir = (v->len == 1 && *v->p == 'd') || (v->len == 9 && !memcmp(v->p, "directory", 9));

		filter_class(&one, dir ? FILTER_DIR : 0, dir ? 0 : FILTER_DIR);
		TRY(filter_or(out, &one, x->a));
	}
	return E_OK;
}

/* ---- names in paths ---- */

static bool has_meta(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (strchr("*?[\\", t.p[i]))
			return true;
	return false;
}

/* The first component, when the text has all of it: it is followed by a slash, or ends the whole path. */
static bool first_component(struct text path, bool whole, struct text *out)
{
	const char *end;

	if (path.len < 2 || path.p[0] != '/')
		return false;
	end = memchr(path.p + 1, '/', path.len - 1);
	if (!end && !whole)
		return false;
	*out = (struct text){ path.p + 1, end ? (size_t)(end - path.p) - 1 : path.len - 1 };
	return out->len > 0;
}

/* The n-th component from the end (0: the last), when a slash comes before it. */
static bool component_from_end(struct text path, uint32_t n, struct text *out)
{
	size_t end = path.len, at = end;

	for (;; n--) {
		for (at = end; at && path.p[at - 1] != '/'; at--)
			;
		if (!at)
			return false;
		if (!n)
			break;
		end = at - 1;
	}
	*out = (struct text){ path.p + at, end - at };
	return out->len > 0;
}

enum part { PART_TOP, PART_LAST, PART_BEFORE_LAST, PART_ALL };

static bool part_of(struct text value, enum part part, bool whole, bool pattern, struct text *out)
{
	bool found = false;

	switch (part) {
	case PART_TOP:
		found = first_component(value, whole, out);
		break;
	case PART_LAST:
		found = component_from_end(value, 0, out);
		break;
	case PART_BEFORE_LAST:
		found = component_from_end(value, 1, out);
		break;
	case PART_ALL:
		*out = value;
		found = value.len > 0 && !memchr(value.p, '/', value.len);
		break;
	}
	return found && !(pattern && has_meta(*out));
}

/* Every value names something at this place: ask for it. One that does not: ask nothing. */
static FALLIBLE ask(struct derive *x, const struct rule_check *k, enum filter_place place, enum part part, bool whole,
		    struct filter *out)
{
	bool pattern = k->op == OP_GLOB || k->op == OP_PMATCH;
	struct filter_name *names;
	struct text t;

	if (k->n_values > MAX_NAMES)
		return E_OK;
	names = ARENA_ARRAY(x->a, struct filter_name, k->n_values);
	if (!names)
		return E_NOMEM;
	for (uint32_t i = 0; i < k->n_values; i++) {
		if (!part_of((struct text){ k->values[i].p, k->values[i].len }, part, whole, pattern, &t))
			return E_OK;
		filter_name_set(&names[i], t.p, t.len);
	}
	return filter_ask(out, place, names, k->n_values, x->a);
}

/* The path as a whole. */
static FALLIBLE by_path(struct derive *x, const struct rule_check *k, struct filter *out)
{
	bool equal = wants_any(k);

	if (equal || k->op == OP_STARTSWITH || k->op == OP_GLOB || k->op == OP_PMATCH)
		TRY(ask(x, k, FILTER_TOP, PART_TOP, equal || k->op == OP_PMATCH, out));
	if (equal || k->op == OP_ENDSWITH || k->op == OP_GLOB)
		TRY(ask(x, k, FILTER_LEAF, PART_LAST, true, out));
	if (equal || k->op == OP_ENDSWITH)
		TRY(ask(x, k, FILTER_PARENT, PART_BEFORE_LAST, true, out));
	return E_OK;
}

static FALLIBLE by_directory(struct derive *x, const struct rule_check *k, struct filter *out)
{
	bool equal = wants_any(k);

	if (equal || k->op == OP_STARTSWITH)
		TRY(ask(x, k, FILTER_TOP, PART_TOP, equal, out));
	if (equal)
		TRY(ask(x, k, FILTER_PARENT, PART_LAST, true, out));
	return E_OK;
}

/* Every value has "../" in it, and so has whatever satisfies the comparison. */
static void by_raw_path(const struct rule_check *k, struct filter *out)
{
	bool literal = wants_any(k) || k->op == OP_CONTAINS || k->op == OP_STARTSWITH || k->op == OP_ENDSWITH ||
		       k->op == OP_GLOB;

	for (uint32_t i = 0; i < k->n_values; i++)
		literal = literal && memmem(k->values[i].p, k->values[i].len, "../", 3) &&
			  !(k->op == OP_GLOB && memchr(k->values[i].p, '[', k->values[i].len));
	if (literal && k->n_values)
		filter_ask_upwards(out);
}

static FALLIBLE by_name(struct derive *x, const struct rule_fold *f, bool negated, struct filter *out)
{
	filter_all(out);
	if (negated)
		return E_OK;
	if (is(f, "fd.name") || is(f, "fs.path.name"))
		return by_path(x, f->check, out);
	if (is(f, "fd.nameraw") || is(f, "fs.path.nameraw")) {
		by_raw_path(f->check, out);
		return E_OK;
	}
	if (is(f, "fd.directory"))
		return by_directory(x, f->check, out);
	if (is(f, "fd.filename") && wants_any(f->check))
		return ask(x, f->check, FILTER_LEAF, PART_ALL, true, out);
	return E_OK;
}

/* ---- comparisons ---- */

static FALLIBLE derive_open(struct derive *x, const struct rule_fold *f, bool negated, struct filter *out)
{
	const struct rule_check *k = f->check;

	if (is(f, "evt.is_open_read"))
		by_bit(k, negated, FILTER_READ, true, out);
	else if (is(f, "evt.is_open_write"))
		by_bit(k, negated, FILTER_WRITE, true, out);
	else if (is(f, "evt.is_open_create"))
		by_bit(k, negated, FILTER_CREATED, true, out);
	else if (is(f, "evt.is_open_exec"))
		by_bit(k, negated, FILTER_EXEC, true, out);
	else if (is(f, "evt.arg.flags") && k->op == OP_CONTAINS && value_is(k, "O_TRUNC"))
		filter_class(out, negated ? 0 : FILTER_TRUNC, negated ? FILTER_TRUNC : 0);
	else if (is(f, "fd.typechar") || is(f, "fd.type"))
		return by_kind(x, k, negated, out);
	else
		return by_name(x, f, negated, out);
	return E_OK;
}

static FALLIBLE derive_check(struct derive *x, const struct rule_fold *f, bool negated, struct filter *out)
{
	const struct rule_check *k = f->check;
	bool ok, failed;

	filter_all(out);
	if (!is_plain(k))
		return E_OK;
	if (is(f, "evt.rawres") || (is(f, "fd.num") && is_open(x))) {
		by_sign(k, negated, &ok, &failed);
		set_sign(out, ok, failed);
	} else if (is(f, "evt.res")) {
		by_result(k, negated, out);
	} else if (is(f, "evt.failed")) {
		by_bit(k, negated, FILTER_FAILED, true, out);
	} else if (is(f, "fd.name_changed")) {
		if (!strcmp(x->type->name, "net_send") || !strcmp(x->type->name, "net_recv"))
			by_bit(k, negated, FILTER_SAME_NAME, false, out);
	} else if (is_open(x)) {
		return derive_open(x, f, negated, out);
	}
	return E_OK;
}

/* ---- conditions ---- */

static FALLIBLE derive(struct derive *x, const struct rule_fold *f, bool negated, struct filter *out)
{
	struct filter *one;
	bool both;

	switch ((enum rule_fold_kind)f->kind) {
	case FOLD_FALSE:
	case FOLD_TRUE:
		if ((f->kind == FOLD_TRUE) != negated)
			filter_all(out);
		else
			filter_none(out);
		return E_OK;
	case FOLD_NOT:
		return derive(x, f->kids[0], !negated, out);
	case FOLD_CHECK:
		return derive_check(x, f, negated, out);
	case FOLD_AND:
	case FOLD_OR:
		break;
	}
	both = (f->kind == FOLD_AND) != negated;
	one = ARENA_NEW(x->a, struct filter); /* conditions can be deep, stacks are not */
	if (!one)
		return E_NOMEM;
	if (both)
		filter_all(out);
	else
		filter_none(out);
	for (uint32_t i = 0; i < f->n; i++) {
		TRY(derive(x, f->kids[i], negated, one));
		TRY(both ? filter_and(out, one, x->a) : filter_or(out, one, x->a));
	}
	return E_OK;
}

FALLIBLE rule_filter(const struct rule_fold *f, const struct template_type *type, struct arena *a, struct filter *out)
{
	struct derive x = { type, a };

	return derive(&x, f, false, out);
}
