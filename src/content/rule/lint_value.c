/* SPDX-License-Identifier: Apache-2.0 */
/* lint_value: values that can not mean what they seem to: misspelt lists, cut names, directories without a slash. */
#include "content/rule/lint.h"

enum { COMM_BYTES = 15, NAME_DISTANCE = 2, SHORT_NAME = 6, MAX_COMPARED = 2000 };

static bool is_value(const struct rule_value *v, const char *s, size_t len)
{
	return v->len == len && !memcmp(v->p, s, len);
}

static bool has_value(const struct rule_check *k, const char *s, size_t len)
{
	for (uint32_t i = 0; i < k->n_values; i++)
		if (is_value(&k->values[i], s, len))
			return true;
	return false;
}

/* ---- lists ---- */

/* Lists are named with underscores; programs and files hardly ever are. */
static void near_list(struct lint *l, const struct rule_check *k, const struct rule_value *v)
{
	struct diag unused;
	struct rule_nearest near = { .want = v->p, .want_len = v->len, .d = &unused };
	const struct rule_book *b = l->rs->book;

	if (v->quoted || v->len < SHORT_NAME || !memchr(v->p, '_', v->len) || memchr(v->p, '/', v->len))
		return;
	for (uint32_t i = 0; i < b->n_lists && l->names_left; i++, l->names_left--)
		rule_nearest_try(&near, b->lists[i]->name.text->p);
	if (!near.best || near.distance > NAME_DISTANCE || !near.distance)
		return;
	diag_hint(lint_report(l, LINT_LIST_NAME, v->at, "'%.60s' is no list: '%.60s' is compared with this very text",
			      v->p, k->field),
		  "did you mean list '%s'? If not, put quotes around the value", near.best);
}

/* ---- names of processes ---- */

static bool compares_bytes(const struct rule_check *k)
{
	switch ((enum rule_op)k->op) {
	case OP_EQ:
	case OP_NE:
	case OP_IN:
	case OP_INTERSECTS:
	case OP_STARTSWITH:
	case OP_ENDSWITH:
	case OP_CONTAINS:
	case OP_ICONTAINS:
		return !k->length;
	default:
		return false;
	}
}

static void long_name(struct lint *l, const struct rule_check *k, const struct rule_value *v)
{
	const struct lint_field *f = lint_field_find(k->field);

	if (!f || !(f->flags & LINT_COMM) || !compares_bytes(k) || v->len <= COMM_BYTES ||
	    has_value(k, v->p, COMM_BYTES))
		return;
	diag_hint(lint_report(l, LINT_COMM_LENGTH, v->at, "'%.60s' has %u bytes, and %s at most %d: it never fits",
			      v->p, v->len, k->field, COMM_BYTES),
		  "write '%.*s'", COMM_BYTES, v->p);
}

/* ---- directories ---- */

static void no_slash(struct lint *l, const struct rule_check *k, const struct rule_value *v)
{
	static const char *const dirs[] = { "/etc",      "/bin",       "/sbin",          "/usr",     "/usr/bin",
					    "/usr/sbin", "/usr/local", "/usr/local/bin", "/root",    "/home",
					    "/tmp",      "/var",       "/var/tmp",       "/var/log", "/var/run",
					    "/run",      "/dev",       "/dev/shm",       "/proc",    "/sys",
					    "/boot",     "/opt",       "/srv",           "/mnt",     "/media" };
	const struct lint_field *f = lint_field_find(k->field);

	if (!f || !(f->flags & (LINT_PATH | LINT_RAW)) || k->op != OP_STARTSWITH || k->transforms)
		return;
	for (size_t i = 0; i < countof(dirs); i++)
		if (is_value(v, dirs[i], strlen(dirs[i])) && !has_value(k, dirs[i], strlen(dirs[i]) + 1))
			diag_hint(lint_report(l, LINT_PREFIX_SLASH, v->at, "'%s' also begins %sx", dirs[i], dirs[i]),
				  "write '%s/', or '%.60s pmatch (%s)'", dirs[i], k->field, dirs[i]);
}

/* ---- values that others cover ---- */

/* The list that the comparison names alone, if it names no other list itself. */
static const struct rule_list *own_list(const struct lint *l, const struct rule_check *k)
{
	for (uint32_t i = 0; i < l->rs->book->n_lists; i++) {
		const struct rule_list *list = l->rs->book->lists[i];

		if (list->values == k->values && list->n_values == k->n_values && list->n_items == k->n_values)
			return list;
	}
	return NULL;
}

/* Both stand in the comparison itself: lists that are joined overlap as they like. */
static bool same_place(const struct rule_check *k, const struct rule_value *v, const struct rule_value *w)
{
	return v->at.text == w->at.text && v->at.text == k->at.text;
}

static bool covers(const struct rule_check *k, const struct rule_value *w, const struct rule_value *v)
{
	struct rule_check a = *k, b = *k;
	static const struct template_field text = { .name = "", .type = TEMPLATE_STR };
	struct rule_fold p = { .kind = FOLD_CHECK, .check = &a, .field = &text }, q = p;

	q.check = &b;
	a.values = v;
	b.values = w;
	a.n_values = b.n_values = 1;
	a.transforms = b.transforms = 0;
	a.modifier = b.modifier = MOD_NONE;
	return rule_check_implies(&p, &q);
}

static void covered_values(struct lint *l, const struct rule_check *k)
{
	bool one = own_list(l, k) != NULL;

	if ((k->op != OP_STARTSWITH && k->op != OP_PMATCH && k->op != OP_CONTAINS && k->op != OP_ENDSWITH) ||
	    k->n_values > MAX_COMPARED || k->modifier == MOD_ALLOF || k->modifier == MOD_ONEOF)
		return;
	for (uint32_t i = 0; i < k->n_values; i++) {
		for (uint32_t n = 0; n < k->n_values && l->fuel; n++) {
			const struct rule_value *v = &k->values[i], *w = &k->values[n];

			l->fuel--;
			if (n == i || is_value(v, w->p, w->len) || !(one || same_place(k, v, w)) || !covers(k, w, v))
				continue;
			diag_hint(lint_report(l, LINT_COVERED, v->at, "'%.60s' adds nothing to '%.60s'", v->p, w->p),
				  "leave it out");
			break;
		}
	}
}

static void repeated_values(struct lint *l, const struct rule_check *k)
{
	for (uint32_t i = 1; i < k->n_values && k->n_values <= MAX_COMPARED; i++)
		for (uint32_t n = 0; n < i && l->fuel; n++, l->fuel--)
			if (is_value(&k->values[i], k->values[n].p, k->values[n].len) &&
			    same_place(k, &k->values[i], &k->values[n]))
				lint_report(l, LINT_TWICE, k->values[i].at, "'%.60s' stands here twice",
					    k->values[i].p);
}

/* ---- all comparisons ---- */

static void look(struct lint *l, const struct rule_check *k)
{
	if (!strncmp(k->field, "evt.type", 8) || !strcmp(k->field, "evt.dir") || k->left)
		return;
	for (uint32_t i = 0; i < k->n_values; i++) {
		near_list(l, k, &k->values[i]);
		long_name(l, k, &k->values[i]);
		no_slash(l, k, &k->values[i]);
	}
	covered_values(l, k);
	repeated_values(l, k);
}

static void look_below(struct lint *l, const struct rule_cond *cond)
{
	if (cond->kind == COND_CHECK && !cond->check.twin)
		look(l, &cond->check);
	for (uint32_t i = 0; i < cond->n; i++)
		look_below(l, cond->kids[i]);
}

void lint_lists(struct lint *l)
{
	const struct rule_book *b = l->rs->book;

	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct rule_list *list = b->lists[i];

		for (uint32_t k = 1; k < list->n_items && list->n_items <= MAX_COMPARED; k++)
			for (uint32_t n = 0; n < k && l->fuel; n++, l->fuel--)
				if (!strcmp(list->items[k]->p, list->items[n]->p))
					lint_report(l, LINT_TWICE, rule_span_all(list->items[k]),
						    "'%.60s' stands in list '%.60s' twice", list->items[k]->p,
						    list->name.text->p);
	}
}

void lint_values(struct lint *l)
{
	look_below(l, l->rs->rules[l->rule].cond);
}
