/* SPDX-License-Identifier: Apache-2.0 */
/* read: libyaml events against one table of keys; each value is a short text or a list of them. */
#include <stdarg.h>
#include <yaml.h>

#include "release/policy/internal.h"

enum { MAX_DEPTH = 32 };

const struct policy_diag_row policy_diags[] = {
	{ POLICY_SYNTAX, "the file is not YAML" },
	{ POLICY_UNKNOWN, "there is no such key" },
	{ POLICY_KIND, "a mapping, a list or a plain value is needed here" },
	{ POLICY_VALUE, "the value is not one of those that the key takes" },
	{ POLICY_RANGE, "the number or the length of time is out of range" },
	{ POLICY_TWICE, "the key stands twice" },
	{ POLICY_ALIAS, "anchors, aliases and tags are not allowed" },
	{ POLICY_DOCUMENTS, "one YAML document is allowed" },
	{ POLICY_TOO_MANY, "the file or a list is too long" },
	{ POLICY_WINDOW, "a window is not of the form 'Mon-Thu 09:00-16:00 Europe/Berlin'" },
	{ POLICY_FREEZE, "a freeze is not of the form '2026-12-20..2027-01-04 Europe/Berlin'" },
	{ POLICY_NO_ZONE, "there is no such time zone here" },
	{ POLICY_ZONE, "the file of a time zone is broken" },
	{ POLICY_CONFLICT, "two keys contradict each other" },
	{ POLICY_EMPTY, "the file says nothing" },
};
const size_t policy_n_diags = countof(policy_diags);

static const char *line_at(const struct reader *r, uint32_t line)
{
	const char *s = (const char *)r->text.p, *end = s + r->text.len, *nl;

	for (uint32_t i = 0; i < line && s < end; i++) {
		nl = memchr(s, '\n', (size_t)(end - s));
		s = nl ? nl + 1 : end;
	}
	nl = memchr(s, '\n', (size_t)(end - s));
	return arena_strndup(r->ds->arena, s, (size_t)((nl ? nl : end) - s));
}

void policy_complain(struct reader *r, const struct place *at, size_t skip, enum policy_id id, const char *hint,
		     const char *fmt, ...)
{
	struct diag d;
	va_list ap;

	diag_init(&d);
	d.err = E_REJECTED;
	d.family = 'Y';
	d.id = (uint16_t)id;
	d.pos = (struct diag_pos){ r->file, at->line + 1, at->col + 1 + (at->exact ? (uint32_t)skip : 0), 1 };
	d.line_text = line_at(r, at->line);
	va_start(ap, fmt);
	(void)vsnprintf(d.text, sizeof d.text, fmt, ap);
	va_end(ap);
	if (hint)
		diag_hint(&d, "%s", hint);
	diags_add(r->ds, &d);
}

static struct place place_of(const yaml_mark_t *m)
{
	return (struct place){ (uint32_t)m->line, (uint32_t)m->column, false };
}

/* Of a scalar's text: behind its quote. */
static struct place text_place(const yaml_event_t *e)
{
	struct place at = place_of(&e->start_mark);
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	at.exact = e->start_mark.line == e->end_mark.line &&
		   e->end_mark.column - e->start_mark.column == e->data.scalar.length + (plain ? 0 : 2);
	at.col += at.exact && !plain;
	return at;
}

/* The next event; on YAML that cannot be parsed it complains, and the reader stops. */
static bool next(struct reader *r, yaml_parser_t *y, yaml_event_t *e)
{
	struct place at;

	if (r->err != E_OK)
		return false;
	if (yaml_parser_parse(y, e))
		return true;
	at = place_of(&y->problem_mark);
	r->err = y->error == YAML_MEMORY_ERROR ? E_NOMEM : E_REJECTED;
	if (r->err == E_REJECTED)
		policy_complain(r, &at, 0, POLICY_SYNTAX, NULL, "not YAML: %s",
				y->problem ? y->problem : "cannot be read");
	return false;
}

/* Skip what is left of a value whose first event was e. */
static void skip(struct reader *r, yaml_parser_t *y, const yaml_event_t *e)
{
	int depth = e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT;
	yaml_event_t n;

	while (depth && next(r, y, &n)) {
		depth += n.type == YAML_MAPPING_START_EVENT || n.type == YAML_SEQUENCE_START_EVENT;
		depth -= n.type == YAML_MAPPING_END_EVENT || n.type == YAML_SEQUENCE_END_EVENT;
		/* libyaml's work for a token grows with the depth that it is at. */
		if (depth > MAX_DEPTH)
			r->err = E_REJECTED;
		yaml_event_delete(&n);
	}
}

static void unknown_key(struct reader *r, const struct place *at, const char *name)
{
	char hint[96] = "docs/policy.md lists all keys";
	unsigned best = 4; /* more letters than this are another word */

	for (size_t i = 0; i < policy_n_keys; i++) {
		const char *key = policy_keys[i].name;
		unsigned d = text_distance(name, strlen(name), key, strlen(key));

		if (d < best) {
			best = d;
			(void)snprintf(hint, sizeof hint, "did you mean '%s'?", key);
		}
	}
	policy_complain(r, at, 0, POLICY_UNKNOWN, hint, "there is no key '%.60s'", name);
}

static void set_scalar(struct reader *r, const struct policy_key *k, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	struct place at = text_place(e);

	if (e->data.scalar.anchor || e->data.scalar.tag)
		policy_complain(r, &at, 0, POLICY_ALIAS, NULL, "anchors, aliases and tags are not allowed here");
	else if (strlen(text) != e->data.scalar.length)
		policy_complain(r, &at, 0, POLICY_VALUE, NULL, "a value holds a NUL byte");
	else
		k->set(r, &at, text);
}

static void read_list(struct reader *r, yaml_parser_t *y, const struct policy_key *k)
{
	yaml_event_t e;
	bool end = false;

	while (!end && next(r, y, &e)) {
		struct place at = place_of(&e.start_mark);

		end = e.type == YAML_SEQUENCE_END_EVENT;
		if (e.type == YAML_SCALAR_EVENT) {
			set_scalar(r, k, &e);
		} else if (!end) {
			policy_complain(r, &at, 0, e.type == YAML_ALIAS_EVENT ? POLICY_ALIAS : POLICY_KIND, NULL,
					"'%s' is a list of plain values", k->name);
			skip(r, y, &e);
		}
		yaml_event_delete(&e);
	}
}

static void read_value(struct reader *r, yaml_parser_t *y, size_t key, const yaml_event_t *e)
{
	const struct policy_key *k = &policy_keys[key];
	struct place at = place_of(&e->start_mark);

	if (!GUARD(16, !(r->seen >> key & 1)))
		policy_complain(r, &at, 0, POLICY_TWICE, NULL, "'%s' stands twice", k->name);
	r->seen |= UINT64_C(1) << key;
	r->marks[key] = at;
	if (e->type == YAML_ALIAS_EVENT) {
		policy_complain(r, &at, 0, POLICY_ALIAS, NULL, "anchors, aliases and tags are not allowed here");
	} else if (k->list && e->type == YAML_SEQUENCE_START_EVENT) {
		if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
			policy_complain(r, &at, 0, POLICY_ALIAS, NULL,
					"anchors, aliases and tags are not allowed here");
		read_list(r, y, k);
	} else if (!k->list && e->type == YAML_SCALAR_EVENT) {
		set_scalar(r, k, e);
	} else {
		policy_complain(r, &at, 0, POLICY_KIND, k->list ? "put '- ' before each line" : NULL, "'%s' needs a %s",
				k->name, k->list ? "list" : "plain value");
		skip(r, y, e);
	}
}

/* A key, and its value. */
static void read_entry(struct reader *r, yaml_parser_t *y, const yaml_event_t *key)
{
	struct place at = place_of(&key->start_mark);
	const char *name = (const char *)key->data.scalar.value;
	size_t i = 0;
	yaml_event_t e;

	if (key->type != YAML_SCALAR_EVENT || strlen(name) != key->data.scalar.length) {
		policy_complain(r, &at, 0, POLICY_KIND, NULL, "a key is a plain word");
		r->err = E_REJECTED; /* keys and values would be mixed up from here on */
		return;
	}
	while (i < policy_n_keys && strcmp(policy_keys[i].name, name) != 0)
		i++;
	if (key->data.scalar.anchor || key->data.scalar.tag)
		policy_complain(r, &at, 0, POLICY_ALIAS, NULL, "anchors, aliases and tags are not allowed here");
	if (i == policy_n_keys)
		unknown_key(r, &at, name);
	if (!next(r, y, &e))
		return;
	if (i == policy_n_keys)
		skip(r, y, &e);
	else
		read_value(r, y, i, &e);
	yaml_event_delete(&e);
}

static void read_mapping(struct reader *r, yaml_parser_t *y)
{
	yaml_event_t e;
	bool end = false;

	while (!end && next(r, y, &e)) {
		end = e.type == YAML_MAPPING_END_EVENT;
		if (!end)
			read_entry(r, y, &e);
		yaml_event_delete(&e);
	}
}

static void read_stream(struct reader *r, yaml_parser_t *y)
{
	bool done = false;
	uint32_t documents = 0;
	yaml_event_t e;

	while (!done && next(r, y, &e)) {
		struct place at = place_of(&e.start_mark);

		done = e.type == YAML_STREAM_END_EVENT;
		if (e.type == YAML_DOCUMENT_START_EVENT && documents++) {
			policy_complain(r, &at, 0, POLICY_DOCUMENTS, NULL, "one YAML document is allowed");
			done = true;
		} else if (e.type == YAML_MAPPING_START_EVENT) {
			read_mapping(r, y);
		} else if (e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_ALIAS_EVENT ||
			   (e.type == YAML_SCALAR_EVENT && e.data.scalar.length)) {
			policy_complain(r, &at, 0, POLICY_KIND, NULL, "the file is a mapping of keys to values");
			skip(r, y, &e);
		}
		yaml_event_delete(&e);
	}
}

static FALLIBLE read_text(struct reader *r)
{
	const struct place top = { 0, 0, false };
	yaml_parser_t y;

	if (r->text.len > POLICY_MAX_BYTES) {
		policy_complain(r, &top, 0, POLICY_TOO_MANY, NULL, "a policy of more than %d bytes", POLICY_MAX_BYTES);
		return E_REJECTED;
	}
	if (!yaml_parser_initialize(&y))
		return E_NOMEM;
	yaml_parser_set_encoding(&y, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y, r->text.p, r->text.len);
	read_stream(r, &y);
	yaml_parser_delete(&y);
	if (r->err == E_OK && !r->ds->n_errors && !r->seen)
		policy_complain(r, &top, 0, POLICY_EMPTY, "'channel: stable' allows all; or remove the file",
				"the file says nothing, which might be all that is left of it");
	if (r->err == E_OK && !r->ds->n_errors)
		policy_check_conflicts(r);
	return r->err == E_OK && r->ds->n_errors ? E_REJECTED : r->err;
}

FALLIBLE policy_read(const char *file, struct view text, policy_zone_fn *zone_bytes, void *user, struct arena *a,
		     struct diags *ds, struct policy *out)
{
	struct policy p;
	struct reader r = { text, file, &p, zone_bytes, user, a, ds, { { 0 } }, 0, E_OK };
	enum err err;

	policy_init(&p);
	err = read_text(&r);
	if (err != E_OK) {
		policy_init(&p);
		p.paused = true;
	}
	*out = p;
	return err;
}
