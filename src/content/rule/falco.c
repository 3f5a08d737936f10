/* SPDX-License-Identifier: Apache-2.0 */
/* falco: names that Falco knows and this release does not supply, and what to say about names that are not there. */
#include "content/rule/internal.h"

static const struct rule_refused refused[] = {
#define FALCO_FIELD(name, reason) { name, reason },
#define FALCO_EVENT(names)
#include "content/rule/falco.def"
#undef FALCO_FIELD
#undef FALCO_EVENT
};
const struct rule_refused *const rule_refused = refused;
const size_t rule_n_refused = countof(refused);

/* Why the field is not supplied, or NULL. */
static const char *refusal(const char *name, size_t len)
{
	for (size_t i = 0; i < countof(refused); i++) {
		size_t n = strlen(refused[i].name);
		bool below = refused[i].name[n - 1] == '.';

		if (below ? len > n && !memcmp(name, refused[i].name, n)
			  : len == n && !memcmp(name, refused[i].name, n))
			return refused[i].reason;
	}
	return NULL;
}

bool rule_falco_event(const char *name, size_t len)
{
	static const struct template_type rows[] = {
#define FALCO_FIELD(name, reason)
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

static bool has_row(const struct template_table *t, const char *name)
{
	uint32_t id;

	for (uint32_t i = 0; i < t->n_types; i++)
		if (template_field_find(t, &t->types[i], name, strlen(name), &id))
			return true;
	return false;
}

void rule_report_field(struct rule_ctx *c, enum rule_diag id, struct rule_span at, const char *name, size_t len)
{
	struct rule_nearest near = { .want = name, .want_len = len };
	const char *reason = refusal(name, len), *row = arena_printf(c->a, "%.*s[]", (int)(len < 80 ? len : 80), name);

	if (row && has_row(c->table, row)) {
		rule_report(c, RD_INDEX, at, "'%.*s' needs an index: %.*s[0], or a key", (int)(len < 80 ? len : 80),
			    name, (int)(len < 80 ? len : 80), name);
		return;
	}
	if (reason) {
		diag_hint(rule_report(c, id == RD_UNKNOWN_FIELD ? RD_FALCO_FIELD : id, at,
				      "Falco's field '%.*s' is not supplied by this release",
				      (int)(len < 80 ? len : 80), name),
			  "%s", reason);
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
