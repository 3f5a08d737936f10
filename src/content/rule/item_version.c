/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_version: what a file needs of the engine, and of plugins.
 *
 * A version is major.minor.patch (semver.org): what is needed is there when major is the same and the rest not newer.
 * What rules use of Falco's container plugin is built in.
 */
#include "content/rule/internal.h"

struct version {
	uint64_t v[3];
};

static const struct version engine = { { 0, 63, 0 } };

static const struct {
	const char *name;
	struct version version;
} plugins[] = { { "container", { { 0, 4, 99 } } } }; /* any patch of 0.4 */

/* Three numbers; what may follow, a pre-release or build, does not count. */
static bool parse_version(const char *s, struct version *out)
{
	for (size_t n = 0, len; n < 3; n++, s += len + (n < 3)) {
		len = strspn(s, "0123456789");
		if (!rule_value_u64(s, len, &out->v[n]))
			return false;
		if (n < 2 ? s[len] != '.' : s[len] && s[len] != '-' && s[len] != '+')
			return false;
	}
	return true;
}

static bool compatible(const struct version *have, const struct version *need)
{
	if (have->v[0] != need->v[0])
		return false;
	if (have->v[1] != need->v[1])
		return have->v[1] > need->v[1];
	return have->v[2] >= need->v[2];
}

void rule_item_engine_version(struct rule_ctx *c, const struct rule_node *item)
{
	static const char *const keys[] = { "required_engine_version" };
	const struct rule_node *n = rule_item_get(c, item, keys[0], NODE_SCALAR, true);
	struct version need = { { 0 } };

	rule_item_keys(c, item, keys, countof(keys));
	if (!n)
		return;
	/* a number alone is the minor version */
	if (!rule_value_u64(n->text.p, n->text.len, &need.v[1]) && !parse_version(n->text.p, &need))
		rule_report(c, RD_BAD_VALUE, rule_node_span(n), "a number, or a version like 0.57.0, is needed here");
	else if (!compatible(&engine, &need))
		rule_report(c, RD_ENGINE_VERSION, rule_node_span(n),
			    "the file asks for engine %.30s; this release has 0.%u.0", n->text.p,
			    (unsigned)engine.v[1]);
}

/* ---- plugins ---- */

enum plugin { PLUGIN_BAD, PLUGIN_UNKNOWN, PLUGIN_OLD, PLUGIN_GOOD };

static enum plugin judge_plugin(struct rule_ctx *c, const struct rule_node *p)
{
	const struct rule_node *name, *version;
	struct version need;

	if (p->kind != NODE_MAP) {
		rule_report(c, RD_WRONG_KIND, rule_node_span(p), "a mapping with name and version is needed here");
		return PLUGIN_BAD;
	}
	name = rule_item_get(c, p, "name", NODE_SCALAR, true);
	version = rule_item_get(c, p, "version", NODE_SCALAR, true);
	if (!name || !version)
		return PLUGIN_BAD;
	if (!parse_version(version->text.p, &need)) {
		rule_report(c, RD_BAD_VALUE, rule_node_span(version), "a version like 0.4.0 is needed here");
		return PLUGIN_BAD;
	}
	for (size_t i = 0; i < countof(plugins); i++)
		if (!strcmp(plugins[i].name, name->text.p))
			return compatible(&plugins[i].version, &need) ? PLUGIN_GOOD : PLUGIN_OLD;
	return PLUGIN_UNKNOWN;
}

/* One of the alternatives is here. */
static bool has_alternative(struct rule_ctx *c, const struct rule_node *p)
{
	const struct rule_node *seq = p->kind == NODE_MAP ? rule_item_get(c, p, "alternatives", NODE_SEQ, false) : NULL;

	for (uint32_t i = 0; seq && i < seq->n; i++)
		if (judge_plugin(c, seq->kids[i]) == PLUGIN_GOOD)
			return true;
	return false;
}

void rule_item_plugin_versions(struct rule_ctx *c, const struct rule_node *item)
{
	static const char *const keys[] = { "required_plugin_versions" };
	const struct rule_node *seq = rule_item_get(c, item, keys[0], NODE_SEQ, true);

	rule_item_keys(c, item, keys, countof(keys));
	for (uint32_t i = 0; seq && i < seq->n; i++) {
		const struct rule_node *p = seq->kids[i];
		enum plugin found = judge_plugin(c, p);

		if (found == PLUGIN_BAD || found == PLUGIN_GOOD || has_alternative(c, p))
			continue;
		if (found == PLUGIN_OLD)
			rule_report(c, RD_PLUGIN_OLD, rule_node_span(rule_node_get(p, "version")),
				    "the file asks for '%.40s' %.30s, which this release does not have",
				    rule_node_get(p, "name")->text.p, rule_node_get(p, "version")->text.p);
		else
			rule_report(c, RD_PLUGIN, rule_node_span(rule_node_get(p, "name")),
				    "there is no plugin '%.60s' in this release", rule_node_get(p, "name")->text.p);
	}
}
