/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: a document to a rule: is it one, is it for events that a host's sensor has, what does it look for.
 *
 * What the YAML must be and is not, is malformed; what is right but not for us, is refused.
 */
#include "content/sigma/internal.h"

#include <stdarg.h>

const struct rule_node *sigma_get(const struct rule_node *map, const char *key)
{
	size_t len = strlen(key);

	for (uint32_t i = 0; rule_node_is(map, NODE_MAP) && i < rule_node_count(map); i++) {
		struct view k = rule_node_text(rule_node_key(map, i));

		if (k.len == len && !memcmp(k.p, key, len))
			return rule_node_is_null(rule_node_at(map, i)) ? NULL : rule_node_at(map, i);
	}
	return NULL;
}

/* ---- diagnostics ---- */

const struct sigma_why *sigma_why_new(struct sigma_ctx *c, enum sigma_diag id, const struct rule_node *at,
				      const char *fmt, ...)
{
	static const struct sigma_why none = { .id = MD_TOO_LARGE, .text = "there is no memory to say why" };
	struct sigma_why *why = ARENA_NEW(c->a, struct sigma_why);
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (why)
		*why = (struct sigma_why){ .id = id, .at = at, .text = arena_strndup(c->a, text, strlen(text)) };
	if (!why || !why->text) {
		c->no_memory = true;
		return &none;
	}
	why->len = (uint32_t)rule_node_text(at).len;
	return why;
}

static void report(struct sigma_ctx *c, enum sigma_diag id, const struct rule_node *at, uint32_t off, uint32_t len,
		   const char *text)
{
	struct diag d;

	diag_init(&d);
	d.err = E_REJECTED;
	d.severity = id < 200 ? DIAG_ERROR : DIAG_WARNING;
	d.family = 'M';
	d.id = (uint16_t)id;
	if (at)
		d.pos = rule_node_pos(at, off, len, c->a, &d.line_text);
	(void)snprintf(d.text, sizeof d.text, "%s", text);
	diags_add(c->ds, &d);
}

void sigma_report(struct sigma_ctx *c, const struct sigma_why *why, const char *fmt, ...)
{
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	report(c, why->id, why->at, why->off, why->len, text);
}

FALLIBLE sigma_malformed(struct sigma_ctx *c, enum sigma_diag id, const struct rule_node *at, uint32_t off,
			 uint32_t len, const char *fmt, ...)
{
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	report(c, id, at, off, len, text);
	return E_REJECTED;
}

/* ---- shape ---- */

static FALLIBLE need(struct sigma_ctx *c, const struct rule_node *map, const char *key, enum rule_node_kind kind,
		     const struct rule_node **out)
{
	*out = sigma_get(map, key);
	if (!*out)
		return sigma_malformed(c, MD_MISSING_KEY, map, 0, 0, "a Sigma rule needs '%s' here", key);
	if (!rule_node_is(*out, kind))
		return sigma_malformed(c, MD_WRONG_KIND, *out, 0, 0, "'%s' is %s", key,
				       kind == NODE_MAP ? "a mapping" : "text");
	return E_OK;
}

static bool text_is(const struct rule_node *n, const char *word)
{
	struct view v = n && rule_node_is(n, NODE_SCALAR) ? rule_node_text(n) : view_of("", 0);

	return v.len == strlen(word) && !strncasecmp((const char *)v.p, word, v.len);
}

static FALLIBLE refuse(const struct sigma_why *y, const struct sigma_why **why)
{
	*why = y;
	return E_UNSUPPORTED;
}

/* Documents that are Sigma's, but no detections. */
static FALLIBLE check_kind(struct sigma_ctx *c, const struct rule_node *doc, const struct sigma_why **why)
{
	static const char *const keys[] = { "correlation", "filter", "action" };

	for (size_t i = 0; i < countof(keys); i++) {
		const struct rule_node *n = sigma_get(doc, keys[i]);

		if (n)
			return refuse(sigma_why_new(c, MD_KIND, n, "it is a %s, not a detection of its own", keys[i]),
				      why);
	}
	return E_OK;
}

static FALLIBLE check_status(struct sigma_ctx *c, const struct rule_node *doc, const struct sigma_why **why)
{
	const struct rule_node *n = sigma_get(doc, "status");

	if (text_is(n, "deprecated") || text_is(n, "unsupported"))
		return refuse(sigma_why_new(c, MD_STATUS, n, "its status is '%s'",
					    text_is(n, "deprecated") ? "deprecated" : "unsupported"),
			      why);
	return E_OK;
}

static const char *text_of(const struct rule_node *n)
{
	return n && rule_node_is(n, NODE_SCALAR) ? (const char *)rule_node_text(n).p : "-";
}

static FALLIBLE read_source(struct sigma_ctx *c, const struct rule_node *n, struct sigma_rule *out,
			    const struct sigma_why **why)
{
	static const struct {
		const char *key, *value;
		enum sigma_source source;
	} rows[] = {
		{ "category", "process_creation", SOURCE_PROCESS },
		{ "category", "file_event", SOURCE_FILE },
		{ "category", "network_connection", SOURCE_NETWORK },
		{ "service", "auditd", SOURCE_AUDITD },
	};
	const struct rule_node *product = sigma_get(n, "product"), *category = sigma_get(n, "category"),
			       *service = sigma_get(n, "service");

	for (size_t i = 0; i < countof(rows) && text_is(product, "linux"); i++) {
		bool by_category = !strcmp(rows[i].key, "category");

		if (!text_is(by_category ? category : service, rows[i].value) || (by_category ? service : category))
			continue;
		out->source = rows[i].source;
		return E_OK;
	}
	return refuse(sigma_why_new(c, MD_LOGSOURCE, n,
				    "no event stands for the log source product %.30s, category %.40s, service %.40s",
				    text_of(product), text_of(category), text_of(service)),
		      why);
}

/* ---- detection ---- */

static FALLIBLE read_searches(struct sigma_ctx *c, const struct rule_node *detection, struct sigma_rule *out)
{
	uint32_t n = rule_node_count(detection);

	out->searches = ARENA_ARRAY(c->a, struct sigma_search, n);
	if (!out->searches)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct rule_node *key = rule_node_key(detection, i);
		struct sigma_search *s = &out->searches[out->n_searches];

		if (text_is(key, "condition") || text_is(key, "timeframe"))
			continue;
		*s = (struct sigma_search){ .name = rule_node_text(key), .key = key };
		TRY(sigma_read_search(c, rule_node_at(detection, i), &s->expr));
		out->n_searches++;
	}
	return E_OK;
}

static FALLIBLE read_detection(struct sigma_ctx *c, const struct rule_node *detection, struct sigma_rule *out,
			       const struct sigma_why **why)
{
	const struct rule_node *n = sigma_get(detection, "timeframe");

	if (n)
		return refuse(sigma_why_new(c, MD_KIND, n, "it counts events within a time"), why);
	out->condition = sigma_get(detection, "condition");
	if (!out->condition)
		return sigma_malformed(c, MD_MISSING_KEY, detection, 0, 0, "a detection needs 'condition'");
	TRY(read_searches(c, detection, out));
	return sigma_read_condition(c, out, out->condition, &out->expr, why);
}

FALLIBLE sigma_read(struct sigma_ctx *c, const struct rule_node *doc, struct sigma_rule *out,
		    const struct sigma_why **why)
{
	const struct rule_node *logsource, *detection;

	*out = (struct sigma_rule){ .doc = doc };
	if (!rule_node_is(doc, NODE_MAP))
		return sigma_malformed(c, MD_NOT_A_RULE, doc, 0, 0, "a Sigma rule is a mapping");
	if (sigma_get(doc, "title") && rule_node_is(sigma_get(doc, "title"), NODE_SCALAR))
		out->title = sigma_get(doc, "title");
	TRY(check_kind(c, doc, why));
	TRY(need(c, doc, "title", NODE_SCALAR, &out->title));
	TRY(need(c, doc, "logsource", NODE_MAP, &logsource));
	TRY(need(c, doc, "detection", NODE_MAP, &detection));
	TRY(check_status(c, doc, why));
	TRY(read_source(c, logsource, out, why));
	return read_detection(c, detection, out, why);
}
