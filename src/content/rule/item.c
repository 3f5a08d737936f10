/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item: what a rules file defines, in order: lists, macros; rules are in item_rule.c, versions in item_version.c.
 *
 * A later item of the same name replaces the earlier one in its place; append and override change parts of it.
 */
#include <strings.h>

#include "content/rule/internal.h"

enum { N_BUCKETS = 16384 };

FALLIBLE rule_items_init(struct rule_items *it)
{
	*it = (struct rule_items){ 0 };
	TRY(htab_init(&it->lists_by_name, N_BUCKETS));
	TRY(htab_init(&it->macros_by_name, N_BUCKETS));
	return htab_init(&it->rules_by_name, N_BUCKETS);
}

void rule_items_done(struct rule_items *it)
{
	htab_done(&it->lists_by_name);
	htab_done(&it->macros_by_name);
	htab_done(&it->rules_by_name);
}

static bool span_equals(struct rule_span s, const char *name, size_t len)
{
	return s.len == len && !memcmp(s.text->p + s.off, name, len);
}

struct rule_list *rule_list_find(const struct rule_items *it, const char *name, size_t len)
{
	for (struct hnode *n = htab_first(&it->lists_by_name, hash_bytes(name, len, 0)); n; n = htab_next(n)) {
		struct rule_list *l = CONTAINER_OF(n, struct rule_list, node);

		if (span_equals(l->name, name, len))
			return l;
	}
	return NULL;
}

struct rule_macro *rule_macro_find(const struct rule_items *it, const char *name, size_t len)
{
	for (struct hnode *n = htab_first(&it->macros_by_name, hash_bytes(name, len, 0)); n; n = htab_next(n)) {
		struct rule_macro *m = CONTAINER_OF(n, struct rule_macro, node);

		if (span_equals(m->name, name, len))
			return m;
	}
	return NULL;
}

/* ---- reading an item's keys ---- */

static const char *const kind_words[] = { "text", "a list", "a mapping" };

const struct rule_node *rule_item_get(struct rule_ctx *c, const struct rule_node *item, const char *key,
				      enum rule_node_kind kind, bool required)
{
	const struct rule_node *n = rule_node_get(item, key);

	if (!n || rule_node_is_null(n)) {
		if (required)
			rule_report(c, RD_MISSING_KEY, rule_node_span(n ? n : item), "the key '%s' is missing or empty",
				    key);
		return NULL;
	}
	if (n->kind != kind) {
		rule_report(c, RD_WRONG_KIND, rule_node_span(n), "'%s' must be %s", key, kind_words[kind]);
		return NULL;
	}
	return n;
}

bool rule_item_short(struct rule_ctx *c, const struct rule_text *t, uint32_t max)
{
	if (t->len <= max)
		return true;
	rule_report(c, RD_BAD_VALUE, (struct rule_span){ t, 0, 1 }, "a text of more than %u bytes", max);
	return false;
}

bool rule_item_bool(struct rule_ctx *c, const struct rule_node *item, const char *key, bool fallback)
{
	static const char *const yes[] = { "true", "yes", "on", "y" }, *const no[] = { "false", "no", "off", "n" };
	const struct rule_node *n = rule_node_get(item, key);

	if (!n)
		return fallback;
	for (size_t i = 0; n->kind == NODE_SCALAR && i < countof(yes); i++) {
		if (!strcasecmp(n->text.p, yes[i]))
			return true;
		if (!strcasecmp(n->text.p, no[i]))
			return false;
	}
	rule_report(c, RD_BAD_VALUE, rule_node_span(n), "'%s' must be true or false", key);
	return fallback;
}

void rule_item_keys(struct rule_ctx *c, const struct rule_node *item, const char *const *keys, size_t n)
{
	for (uint32_t i = 0; i < item->n; i += 2) {
		const struct rule_text *key = &item->kids[i]->text;
		struct rule_nearest near = { .want = key->p, .want_len = key->len };
		size_t k = 0;

		while (k < n && strcmp(keys[k], key->p))
			k++;
		if (k < n)
			continue;
		near.d = rule_report(c, RD_UNKNOWN_KEY, rule_span_all(key), "unknown key '%.60s', ignored", key->p);
		for (k = 0; k < n; k++)
			rule_nearest_try(&near, keys[k]);
		rule_nearest_hint(&near);
	}
}

static bool one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

enum rule_change rule_item_change(const struct rule_node *item, const char *key)
{
	const struct rule_node *o = rule_node_get(item, "override"), *n = o ? rule_node_get(o, key) : NULL;

	return !n ? CHANGE_NONE : !strcmp(n->text.p, "append") ? CHANGE_APPEND : CHANGE_REPLACE;
}

static bool check_override(struct rule_ctx *c, const struct rule_node *item, const struct rule_node *o,
			   const char *const *appendable, const char *const *replaceable)
{
	for (uint32_t i = 0; i < o->n; i += 2) {
		const struct rule_node *key = o->kids[i], *how = o->kids[i + 1];
		bool append = how->kind == NODE_SCALAR && !strcmp(how->text.p, "append");

		if (!append && !(how->kind == NODE_SCALAR && !strcmp(how->text.p, "replace"))) {
			rule_report(c, RD_BAD_OVERRIDE, rule_node_span(how), "'append' or 'replace' is needed here");
			return false;
		}
		if (!one_of(key->text.p, append ? appendable : replaceable)) {
			rule_report(c, RD_BAD_OVERRIDE, rule_node_span(key), "'%.60s' can not be %s", key->text.p,
				    append ? "appended to" : "replaced");
			return false;
		}
		if (!rule_node_get(item, key->text.p)) {
			rule_report(c, RD_BAD_OVERRIDE, rule_node_span(key), "the item has no key '%.60s' to %s",
				    key->text.p, append ? "append" : "put in");
			return false;
		}
	}
	for (uint32_t i = 0; i < item->n; i += 2) {
		const struct rule_node *key = item->kids[i];

		if (one_of(key->text.p, replaceable) && !rule_node_get(o, key->text.p)) {
			rule_report(c, RD_BAD_OVERRIDE, rule_node_span(key),
				    "'override' does not say what to do with '%.60s'", key->text.p);
			return false;
		}
	}
	return true;
}

bool rule_item_changes(struct rule_ctx *c, const struct rule_node *item, const char *const *appendable,
		       const char *const *replaceable, bool *ret_append, bool *ret_override)
{
	const struct rule_node *o = rule_node_get(item, "override"), *a = rule_node_get(item, "append");

	*ret_append = rule_item_bool(c, item, "append", false);
	*ret_override = o != NULL;
	if (o && a) {
		rule_report(c, RD_BAD_OVERRIDE, rule_node_span(a), "'append' and 'override' can not stand together");
		return false;
	}
	if (*ret_append)
		diag_hint(rule_report(c, RD_DEPRECATED, rule_node_span(a), "'append: true' is deprecated"),
			  "use 'override' with 'append' for the key that is meant");
	if (!o)
		return true;
	return rule_item_get(c, item, "override", NODE_MAP, true) &&
	       check_override(c, item, o, appendable, replaceable);
}

static FALLIBLE no_target(struct rule_ctx *c, const struct rule_node *name, const char *what)
{
	rule_report(c, RD_NO_TARGET, rule_node_span(name), "no %s '%.60s' is defined above that this could change",
		    what, name->text.p);
	return E_REJECTED;
}

/* ---- lists ---- */

static FALLIBLE too_many(struct rule_ctx *c, const struct rule_node *name, const char *what)
{
	rule_report(c, RD_TOO_MANY, rule_node_span(name), "more than %d %s", RULE_MAX_ITEMS, what);
	return E_REJECTED;
}

static FALLIBLE new_list(struct rule_ctx *c, struct rule_items *it, const struct rule_node *name,
			 struct rule_list **out)
{
	struct rule_list *l = ARENA_NEW(c->a, struct rule_list);

	if (it->n_lists == RULE_MAX_ITEMS)
		return too_many(c, name, "lists");
	it->lists = arena_grow(c->a, it->lists, it->n_lists, &it->lists_cap, sizeof(struct rule_list *));
	if (!l || !it->lists)
		return E_NOMEM;
	l->name = rule_node_span(name);
	htab_add(&it->lists_by_name, &l->node, hash_bytes(name->text.p, name->text.len, 0));
	it->lists[it->n_lists++] = l;
	*out = l;
	return E_OK;
}

static void check_list_name(struct rule_ctx *c, const struct rule_node *name)
{
	if (!name->text.len || strpbrk(name->text.p, "()\"' \t\n\r=,"))
		rule_report(c, RD_LIST_NAME, rule_node_span(name), "no condition can refer to a list of this name");
}

static FALLIBLE add_items(struct rule_ctx *c, struct rule_list *l, const struct rule_node *items)
{
	for (uint32_t i = 0; i < items->n; i++) {
		const struct rule_node *n = items->kids[i];

		if (n->kind != NODE_SCALAR) {
			rule_report(c, RD_WRONG_KIND, rule_node_span(n), "an item of a list must be text or a number");
			continue;
		}
		l->items = arena_grow(c->a, l->items, l->n_items, &l->cap, sizeof(struct rule_text *));
		if (!l->items)
			return E_NOMEM;
		l->items[l->n_items++] = &n->text;
	}
	return E_OK;
}

static FALLIBLE item_list(struct rule_ctx *c, struct rule_items *it, const struct rule_node *item)
{
	static const char *const keys[] = { "list", "items", "append", "override" }, *const changes[] = { "items",
													  NULL };
	const struct rule_node *name = rule_item_get(c, item, "list", NODE_SCALAR, true);
	const struct rule_node *items = rule_item_get(c, item, "items", NODE_SEQ, true);
	struct rule_list *l;
	bool append, override;

	rule_item_keys(c, item, keys, countof(keys));
	if (!name || !items || !rule_item_changes(c, item, changes, changes, &append, &override))
		return E_OK;
	l = rule_list_find(it, name->text.p, name->text.len);
	if (!l && (append || override))
		return no_target(c, name, "list");
	check_list_name(c, name);
	if (!l)
		TRY(new_list(c, it, name, &l));
	if (!append && rule_item_change(item, "items") != CHANGE_APPEND) {
		l->items = NULL;
		l->n_items = 0;
		l->cap = 0;
	}
	return add_items(c, l, items);
}

/* ---- macros ---- */

static FALLIBLE new_macro(struct rule_ctx *c, struct rule_items *it, const struct rule_node *name,
			  struct rule_macro **out)
{
	struct rule_macro *m = ARENA_NEW(c->a, struct rule_macro);

	if (it->n_macros == RULE_MAX_ITEMS)
		return too_many(c, name, "macros");
	it->macros = arena_grow(c->a, it->macros, it->n_macros, &it->macros_cap, sizeof(struct rule_macro *));
	if (!m || !it->macros)
		return E_NOMEM;
	m->name = rule_node_span(name);
	m->defined = it->n_seen;
	htab_add(&it->macros_by_name, &m->node, hash_bytes(name->text.p, name->text.len, 0));
	it->macros[it->n_macros++] = m;
	*out = m;
	return E_OK;
}

static void check_macro_name(struct rule_ctx *c, const struct rule_node *name)
{
	const char *p = name->text.p;
	bool good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');

	for (; good && *p; p++)
		good = *p == '_' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
	if (!good)
		rule_report(c, RD_MACRO_NAME, rule_node_span(name), "no condition can refer to a macro of this name");
}

static FALLIBLE item_macro(struct rule_ctx *c, struct rule_items *it, const struct rule_node *item)
{
	static const char *const keys[] = { "macro", "condition", "append", "override" }, *const changes[] = {
		"condition", NULL
	};
	const struct rule_node *name = rule_item_get(c, item, "macro", NODE_SCALAR, true);
	const struct rule_node *cond = rule_item_get(c, item, "condition", NODE_SCALAR, true);
	struct rule_macro *m;
	bool append, override;

	rule_item_keys(c, item, keys, countof(keys));
	if (!name || !cond || !rule_item_changes(c, item, changes, changes, &append, &override))
		return E_OK;
	m = rule_macro_find(it, name->text.p, name->text.len);
	if (!m && (append || override))
		return no_target(c, name, "macro");
	check_macro_name(c, name);
	if (!m)
		TRY(new_macro(c, it, name, &m));
	if (append || rule_item_change(item, "condition") == CHANGE_APPEND)
		m->text = rule_text_join(c->a, m->text, &cond->text);
	else
		m->text = &cond->text;
	m->changed = it->n_seen;
	return m->text ? E_OK : E_NOMEM;
}

/* ---- all of them ---- */

static FALLIBLE collect_item(struct rule_ctx *c, struct rule_items *it, const struct rule_node *item)
{
	struct diag *d;

	it->n_seen++;
	if (rule_node_get(item, "required_engine_version"))
		rule_item_engine_version(c, item);
	else if (rule_node_get(item, "required_plugin_versions"))
		rule_item_plugin_versions(c, item);
	else if (rule_node_get(item, "list"))
		return item_list(c, it, item);
	else if (rule_node_get(item, "macro"))
		return item_macro(c, it, item);
	else if (rule_node_get(item, "rule"))
		return rule_item_rule(c, it, item);
	else {
		d = rule_report(c, RD_UNKNOWN_ITEM, rule_node_span(item->n ? item->kids[0] : item),
				"unknown item, ignored");
		diag_hint(d, "an item has one of the keys rule, macro, list, required_engine_version, "
			     "required_plugin_versions");
	}
	return E_OK;
}

FALLIBLE rule_items_collect(struct rule_ctx *c, struct rule_items *it, const struct rule_node *doc)
{
	if (doc->kind != NODE_SEQ) {
		rule_report(c, RD_YAML_SHAPE, rule_node_span(doc), "a rules file is a list of items: '- rule: ...'");
		return E_OK;
	}
	for (uint32_t i = 0; i < doc->n; i++) {
		const struct rule_node *item = doc->kids[i];
		enum err err;

		if (rule_node_is_null(item))
			continue;
		if (item->kind != NODE_MAP) {
			rule_report(c, RD_YAML_SHAPE, rule_node_span(item), "an item is a mapping: '- rule: ...'");
			continue;
		}
		err = collect_item(c, it, item);
		if (err && err != E_REJECTED)
			return err;
	}
	return E_OK;
}
