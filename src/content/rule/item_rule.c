/* SPDX-License-Identifier: Apache-2.0 */
/* item_rule: taking up one rule item: a definition, a redefinition, or a change of an earlier one. */
#include <strings.h>

#include "content/rule/internal.h"

static const char *const priorities[] = {
	[RULE_EMERGENCY] = "Emergency",
	[RULE_ALERT] = "Alert",
	[RULE_CRITICAL] = "Critical",
	[RULE_ERROR] = "Error",
	[RULE_WARNING] = "Warning",
	[RULE_NOTICE] = "Notice",
	[RULE_INFORMATIONAL] = "Informational",
	[RULE_DEBUG] = "Debug",
};

const char *rule_priority_name(uint32_t p)
{
	return p < countof(priorities) ? priorities[p] : "unknown";
}

static const char *const rule_keys[] = {
	"rule",
	"condition",
	"output",
	"desc",
	"priority",
	"source",
	"enabled",
	"tags",
	"exceptions",
	"warn_evttypes",
	"skip-if-unknown-filter",
	"capture",
	"capture_duration",
	"append",
	"override",
	"drill",
	"tests",
};
static const char *const appendable[] = { "condition", "output", "desc", "tags", "exceptions", NULL };
static const char *const replaceable[] = {
	"condition",
	"output",
	"desc",
	"tags",
	"exceptions",
	"priority",
	"enabled",
	"capture",
	"capture_duration",
	"warn_evttypes",
	"skip-if-unknown-filter",
	NULL,
};

static struct rule_draft *draft_find(const struct rule_items *it, const struct rule_text *name)
{
	for (struct hnode *n = htab_first(&it->rules_by_name, hash_bytes(name->p, name->len, 0)); n; n = htab_next(n)) {
		struct rule_draft *r = CONTAINER_OF(n, struct rule_draft, node);

		if (r->name.len == name->len && !memcmp(r->name.text->p, name->p, name->len))
			return r;
	}
	return NULL;
}

static FALLIBLE draft_add(struct rule_ctx *c, struct rule_items *it, const struct rule_draft *from)
{
	struct rule_draft *r = ARENA_NEW(c->a, struct rule_draft);

	if (it->n_drafts == RULE_MAX_RULES) {
		rule_report(c, RD_TOO_MANY, from->name, "more than %d rules", RULE_MAX_RULES);
		return E_REJECTED;
	}
	it->drafts = arena_grow(c->a, it->drafts, it->n_drafts, &it->drafts_cap, sizeof(struct rule_draft *));
	if (!r || !it->drafts)
		return E_NOMEM;
	*r = *from;
	htab_add(&it->rules_by_name, &r->node, hash_bytes(r->name.text->p, r->name.len, 0));
	it->drafts[it->n_drafts++] = r;
	return E_OK;
}

/* ---- the single keys ---- */

static FALLIBLE read_priority(struct rule_ctx *c, const struct rule_node *item, uint32_t *out)
{
	const struct rule_node *n = rule_item_get(c, item, "priority", NODE_SCALAR, true);

	if (!n)
		return E_REJECTED;
	for (uint32_t i = 0; i < countof(priorities); i++) {
		if (!strcasecmp(n->text.p, priorities[i]) ||
		    (i == RULE_INFORMATIONAL && !strcasecmp(n->text.p, "info"))) {
			*out = i;
			return E_OK;
		}
	}
	diag_hint(rule_report(c, RD_BAD_VALUE, rule_node_span(n), "'%.40s' is no priority", n->text.p),
		  "one of Emergency Alert Critical Error Warning Notice Informational Debug");
	return E_REJECTED;
}

static bool has_tag(const struct rule_draft *r, const char *tag)
{
	for (uint32_t i = 0; i < r->n_tags; i++)
		if (!strcmp(r->tags[i], tag))
			return true;
	return false;
}

static FALLIBLE add_tags(struct rule_ctx *c, struct rule_draft *r, const struct rule_node *item)
{
	const struct rule_node *seq = rule_item_get(c, item, "tags", NODE_SEQ, false);

	for (uint32_t i = 0; seq && i < seq->n; i++) {
		const struct rule_node *n = seq->kids[i];

		if (n->kind != NODE_SCALAR || !n->text.len) {
			rule_report(c, RD_WRONG_KIND, rule_node_span(n), "a tag must be text");
			return E_REJECTED;
		}
		if (!rule_item_short(c, &n->text, RULE_MAX_NAME_BYTES))
			return E_REJECTED;
		if (has_tag(r, n->text.p))
			continue;
		if (r->n_tags == 64) {
			rule_report(c, RD_TOO_MANY, rule_node_span(n), "more than 64 tags");
			return E_REJECTED;
		}
		r->tags = arena_grow(c->a, r->tags, r->n_tags, &r->tags_cap, sizeof(const char *));
		if (!r->tags)
			return E_NOMEM;
		r->tags[r->n_tags++] = n->text.p;
	}
	return E_OK;
}

static FALLIBLE read_source(struct rule_ctx *c, const struct rule_node *item, struct rule_draft *r)
{
	const struct rule_node *n = rule_item_get(c, item, "source", NODE_SCALAR, false);

	r->source = n ? n->text.p : "syscall";
	r->skipped = strcmp(r->source, "syscall") != 0;
	if (r->skipped)
		rule_report(c, RD_UNKNOWN_SOURCE, rule_node_span(n), "unknown source '%.40s': rule '%.60s' is skipped",
			    r->source, r->name.text->p);
	return E_OK;
}

/* The switches that have defaults; those not in the item keep what they are. */
static void read_switches(struct rule_ctx *c, const struct rule_node *item, struct rule_draft *r)
{
	r->enabled = rule_item_bool(c, item, "enabled", r->enabled);
	r->warn_evttypes = rule_item_bool(c, item, "warn_evttypes", r->warn_evttypes);
	r->skip_unknown = rule_item_bool(c, item, "skip-if-unknown-filter", r->skip_unknown);
	if (rule_item_bool(c, item, "capture", false))
		rule_report(c, RD_UNKNOWN_KEY, rule_node_span(rule_node_get(item, "capture")),
			    "captures on a rule's match are not made by this release: 'capture' is ignored");
}

/* ---- the ways an item can be meant ---- */

static FALLIBLE define(struct rule_ctx *c, struct rule_items *it, const struct rule_node *item,
		       const struct rule_node *name, struct rule_draft *old)
{
	struct rule_draft r = { .name = rule_node_span(name), .enabled = true, .warn_evttypes = true };
	const struct rule_node *condition = rule_item_get(c, item, "condition", NODE_SCALAR, true);
	const struct rule_node *output = rule_item_get(c, item, "output", NODE_SCALAR, true);
	const struct rule_node *desc = rule_item_get(c, item, "desc", NODE_SCALAR, true);
	const struct rule_node *drill = rule_item_get(c, item, "drill", NODE_SCALAR, false);
	enum err priority = read_priority(c, item, &r.priority);

	if (!condition || !output || !desc || priority || !rule_item_short(c, &name->text, RULE_MAX_NAME_BYTES) ||
	    (drill && !rule_item_short(c, &drill->text, RULE_MAX_NAME_BYTES)))
		return E_REJECTED;
	r.condition = &condition->text;
	r.output = &output->text;
	r.desc = &desc->text;
	r.drill = drill ? drill->text.p : NULL;
	r.tests = rule_node_get(item, "tests");
	read_switches(c, item, &r);
	TRY(read_source(c, item, &r));
	TRY(add_tags(c, &r, item));
	TRY(rule_exceptions_collect(c, &r, rule_node_get(item, "exceptions"), false));
	if (!old)
		return draft_add(c, it, &r);
	if (strcmp(old->source, r.source)) {
		rule_report(c, RD_SOURCE_CHANGE, rule_node_span(name), "rule '%.60s' was defined for source '%.40s'",
			    name->text.p, old->source);
		return E_REJECTED;
	}
	r.node = old->node;
	*old = r;
	return E_OK;
}

static FALLIBLE append_text(struct rule_ctx *c, const struct rule_node *item, const char *key,
			    const struct rule_text **text)
{
	const struct rule_node *n = rule_item_get(c, item, key, NODE_SCALAR, true);

	if (!n)
		return E_REJECTED;
	*text = rule_text_join(c->a, *text, &n->text);
	return *text ? E_OK : E_NOMEM;
}

static FALLIBLE change_text(struct rule_ctx *c, const struct rule_node *item, const char *key,
			    const struct rule_text **text)
{
	const struct rule_node *n;

	switch (rule_item_change(item, key)) {
	case CHANGE_NONE:
		return E_OK;
	case CHANGE_APPEND:
		return append_text(c, item, key, text);
	case CHANGE_REPLACE:
		n = rule_item_get(c, item, key, NODE_SCALAR, true);
		if (!n)
			return E_REJECTED;
		*text = &n->text;
		return E_OK;
	}
	return E_BUG;
}

static FALLIBLE apply_override(struct rule_ctx *c, const struct rule_node *item, struct rule_draft *r)
{
	TRY(change_text(c, item, "condition", &r->condition));
	TRY(change_text(c, item, "output", &r->output));
	TRY(change_text(c, item, "desc", &r->desc));
	if (rule_item_change(item, "tags") == CHANGE_REPLACE) {
		r->tags = NULL;
		r->n_tags = 0;
		r->tags_cap = 0;
	}
	TRY(add_tags(c, r, item));
	if (rule_item_change(item, "priority"))
		TRY(read_priority(c, item, &r->priority));
	read_switches(c, item, r);
	if (rule_node_get(item, "tests"))
		r->tests = rule_node_get(item, "tests");
	return rule_exceptions_collect(c, r, rule_node_get(item, "exceptions"),
				       rule_item_change(item, "exceptions") == CHANGE_APPEND);
}

static FALLIBLE apply_append(struct rule_ctx *c, const struct rule_node *item, const struct rule_node *name,
			     struct rule_draft *r)
{
	const struct rule_node *exceptions = rule_node_get(item, "exceptions");

	if (!exceptions && !rule_node_get(item, "condition")) {
		rule_report(c, RD_MISSING_KEY, rule_node_span(name),
			    "an appended rule needs 'condition' or 'exceptions'");
		return E_REJECTED;
	}
	if (rule_node_get(item, "condition"))
		TRY(append_text(c, item, "condition", &r->condition));
	return rule_exceptions_collect(c, r, exceptions, true);
}

static bool only_switches(const struct rule_node *item)
{
	return rule_node_get(item, "enabled") && !rule_node_get(item, "condition") && !rule_node_get(item, "output") &&
	       !rule_node_get(item, "desc") && !rule_node_get(item, "priority");
}

FALLIBLE rule_item_rule(struct rule_ctx *c, struct rule_items *it, const struct rule_node *item)
{
	const struct rule_node *name = rule_item_get(c, item, "rule", NODE_SCALAR, true);
	struct rule_draft *old;
	bool append, override;

	rule_item_keys(c, item, rule_keys, countof(rule_keys));
	if (name && !name->text.len) {
		rule_report(c, RD_BAD_VALUE, rule_node_span(name), "a rule needs a name");
		return E_REJECTED;
	}
	if (!name || !rule_item_changes(c, item, appendable, replaceable, &append, &override))
		return E_REJECTED;
	old = draft_find(it, &name->text);
	if (!append && !override && !only_switches(item))
		return define(c, it, item, name, old);
	if (!old) {
		rule_report(c, RD_NO_TARGET, rule_node_span(name),
			    "no rule '%.60s' is defined above that this could change", name->text.p);
		return E_REJECTED;
	}
	if (override)
		return apply_override(c, item, old);
	if (append)
		return apply_append(c, item, name, old);
	diag_hint(rule_report(c, RD_DEPRECATED, rule_node_span(name), "an item with only 'enabled' is deprecated"),
		  "use 'override: {enabled: replace}'");
	old->enabled = rule_item_bool(c, item, "enabled", true);
	return E_OK;
}
