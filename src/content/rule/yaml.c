/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: a rules file to nodes that know where they stand.
 *
 * libyaml's event interface does the parsing; this keeps the tree, resolves aliases and bounds everything. Aliases
 * share nodes, so a bomb costs no memory; every node counts its expanded size, and that has the limit.
 */
#include <yaml.h>

#include "content/rule/internal.h"

enum { MAX_ANCHORS = 1000, MAX_KEYS = 512 };

struct anchor {
	struct anchor *next;
	const char *name;
	struct rule_node *node; /* NULL while it is being read */
};

struct loader {
	struct rule_ctx *c;
	const struct rule_file *f;
	yaml_parser_t parser;
	struct anchor *anchors; /* of the document */
	unsigned n_anchors;
	uint64_t weight; /* of the whole file */
	unsigned depth;
	size_t index; /* code points from the start of the file to `at`: the marks of events only move on */
	uint32_t at;
};

static bool file_is_text(struct rule_ctx *c, const struct rule_file *f)
{
	uint32_t cp;

	for (size_t i = 0, n; i < f->len; i += n) {
		if (!f->text[i]) {
			rule_report_at(c, RD_NOT_TEXT, f, (uint32_t)i, "the file holds a NUL byte: it is not text");
			return false;
		}
		n = utf8_decode(f->text + i, f->len - i, &cp);
		if (!n) {
			rule_report_at(c, RD_NOT_TEXT, f, (uint32_t)i, "the file is not UTF-8 text: byte 0x%02x",
				       (uint8_t)f->text[i]);
			return false;
		}
	}
	return true;
}

/* libyaml counts columns in code points. For an error: it looks at the line from its start. */
static uint32_t error_byte(const struct rule_file *f, const yaml_mark_t *m)
{
	size_t i = m->line < f->n_lines ? f->lines[m->line] : f->len;
	uint32_t cp;

	for (size_t k = 0; k < m->column && i < f->len; k++) {
		size_t n = utf8_decode(f->text + i, f->len - i, &cp);

		i += n ? n : 1;
	}
	return (uint32_t)i;
}

static uint32_t byte_of(struct loader *l, const yaml_mark_t *m)
{
	if (m->index < l->index)
		return error_byte(l->f, m);
	while (l->index < m->index && l->at < l->f->len) {
		for (l->at++; l->at < l->f->len && (l->f->text[l->at] & 0xc0) == 0x80; l->at++)
			;
		l->index++;
	}
	return l->at;
}

static FALLIBLE syntax_error(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	struct diag *d;
	uint32_t at = error_byte(l->f, &p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return E_NOMEM;
	if (p->error == YAML_READER_ERROR)
		at = p->problem_offset < l->f->len ? (uint32_t)p->problem_offset : (uint32_t)l->f->len;
	d = rule_report_at(l->c, RD_YAML_SYNTAX, l->f, at, "YAML: %s", p->problem ? p->problem : "not well-formed");
	if (d && p->context) {
		struct note *n = diag_note(d, l->c->a, "%s", p->context);

		if (n)
			n->pos = rule_file_pos(l->f, error_byte(l->f, &p->context_mark), l->c->a, NULL);
	}
	return E_REJECTED;
}

static FALLIBLE next_event(struct loader *l, yaml_event_t *e)
{
	return yaml_parser_parse(&l->parser, e) ? E_OK : syntax_error(l);
}

static FALLIBLE new_node(struct loader *l, const yaml_event_t *e, enum rule_node_kind kind, struct rule_node **out)
{
	struct rule_node *n = ARENA_NEW(l->c->a, struct rule_node);
	struct rule_seg *seg = ARENA_NEW(l->c->a, struct rule_seg);

	if (!n || !seg)
		return E_NOMEM;
	*seg = (struct rule_seg){ .at = byte_of(l, &e->start_mark), .fixed = true, .file = l->f };
	n->kind = (uint8_t)kind;
	n->weight = 1;
	n->text = (struct rule_text){ .p = "", .segs = seg, .n_segs = 1 };
	if (++l->weight > RULE_MAX_NODES) {
		rule_report_at(l->c, RD_YAML_LIMIT, l->f, seg->at, "more than %d values in one file", RULE_MAX_NODES);
		return E_REJECTED;
	}
	*out = n;
	return E_OK;
}

static FALLIBLE add_anchor(struct loader *l, const yaml_char_t *name, uint32_t at, struct anchor **out)
{
	struct anchor *an;

	*out = NULL;
	if (!name)
		return E_OK;
	if (++l->n_anchors > MAX_ANCHORS) {
		rule_report_at(l->c, RD_YAML_LIMIT, l->f, at, "more than %d anchors", MAX_ANCHORS);
		return E_REJECTED;
	}
	an = ARENA_NEW(l->c->a, struct anchor);
	if (!an)
		return E_NOMEM;
	an->name = arena_strndup(l->c->a, (const char *)name, strlen((const char *)name));
	if (!an->name)
		return E_NOMEM;
	an->next = l->anchors;
	l->anchors = an;
	*out = an;
	return E_OK;
}

static FALLIBLE read_alias(struct loader *l, const yaml_event_t *e, struct rule_node **out)
{
	const char *name = (const char *)e->data.alias.anchor;
	uint32_t at = byte_of(l, &e->start_mark);
	struct anchor *an = l->anchors;

	while (an && strcmp(an->name, name))
		an = an->next;
	if (!an || !an->node) {
		rule_report_at(l->c, RD_YAML_ALIAS, l->f, at,
			       an ? "alias '*%.60s' stands inside the value that it names"
				  : "no anchor '&%.60s' above this alias",
			       name);
		return E_REJECTED;
	}
	l->weight += an->node->weight;
	if (l->weight > RULE_MAX_NODES) {
		rule_report_at(l->c, RD_YAML_LIMIT, l->f, at,
			       "with its aliases put in, the file has more than %d values", RULE_MAX_NODES);
		return E_REJECTED;
	}
	*out = an->node;
	return E_OK;
}

static enum rule_scalar_style style_of(yaml_scalar_style_t s)
{
	switch (s) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return SCALAR_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return SCALAR_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return SCALAR_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return SCALAR_FOLDED;
	default:
		return SCALAR_PLAIN;
	}
}

static FALLIBLE read_scalar(struct loader *l, const yaml_event_t *e, struct rule_node **out)
{
	size_t len = e->data.scalar.length;
	enum rule_scalar_style style = style_of(e->data.scalar.style);
	struct anchor *an;
	struct rule_node *n;
	const char *p = (const char *)e->data.scalar.value;

	TRY(new_node(l, e, NODE_SCALAR, &n));
	if (len > RULE_MAX_SCALAR_BYTES) {
		rule_report(l->c, RD_YAML_LIMIT, rule_node_span(n), "a value of more than %d KiB",
			    RULE_MAX_SCALAR_BYTES >> 10);
		return E_REJECTED;
	}
	if (memchr(p, 0, len)) {
		rule_report(l->c, RD_NOT_TEXT, rule_node_span(n), "the value holds a NUL byte");
		return E_REJECTED;
	}
	n->plain = style == SCALAR_PLAIN;
	n->text.p = arena_strndup(l->c->a, p, len);
	n->text.len = (uint32_t)len;
	if (!n->text.p)
		return E_NOMEM;
	TRY(rule_scalar_map(l->c->a, l->f, n->text.segs->at, byte_of(l, &e->end_mark), style, &n->text));
	TRY(add_anchor(l, e->data.scalar.anchor, n->text.segs->at, &an));
	if (an)
		an->node = n;
	*out = n;
	return E_OK;
}

static FALLIBLE read_node(struct loader *l, const yaml_event_t *e, struct rule_node **out);

/* The events up to the end of a sequence or mapping. */
static FALLIBLE read_kids(struct loader *l, struct rule_node *n, yaml_event_type_t end)
{
	size_t cap = 0;

	for (;;) {
		yaml_event_t e;
		enum err err;
		bool last;
		struct rule_node *kid = NULL;

		TRY(next_event(l, &e));
		last = e.type == end;
		err = last ? E_OK : read_node(l, &e, &kid);
		yaml_event_delete(&e);
		if (err || last)
			return err;
		n->kids = arena_grow(l->c->a, n->kids, n->n, &cap, sizeof(struct rule_node *));
		if (!n->kids)
			return E_NOMEM;
		n->kids[n->n++] = kid;
		n->weight += kid->weight; /* cannot pass RULE_MAX_NODES */
	}
}

static FALLIBLE check_keys(struct loader *l, const struct rule_node *n)
{
	for (uint32_t i = 0; i < n->n; i += 2) {
		if (n->kids[i]->kind != NODE_SCALAR) {
			rule_report(l->c, RD_YAML_SHAPE, rule_node_span(n->kids[i]), "a key must be plain text");
			return E_REJECTED;
		}
	}
	if (n->n > 2 * MAX_KEYS) {
		rule_report(l->c, RD_YAML_LIMIT, rule_node_span(n), "a mapping of more than %d keys", MAX_KEYS);
		return E_REJECTED;
	}
	for (uint32_t i = 0; i < n->n; i += 2) {
		for (uint32_t k = 0; k < i; k += 2) {
			struct diag *d;

			if (strcmp(n->kids[i]->text.p, n->kids[k]->text.p))
				continue;
			d = rule_report(l->c, RD_YAML_DUPLICATE, rule_node_span(n->kids[i]),
					"the key '%.60s' stands here twice", n->kids[i]->text.p);
			rule_note(l->c, d, rule_node_span(n->kids[k]), "the first one");
			return E_REJECTED;
		}
	}
	return E_OK;
}

static FALLIBLE read_collection(struct loader *l, const yaml_event_t *e, struct rule_node **out)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	struct rule_node *n;
	struct anchor *an;
	enum err err;

	TRY(new_node(l, e, map ? NODE_MAP : NODE_SEQ, &n));
	if (l->depth == RULE_MAX_DEPTH) {
		rule_report(l->c, RD_YAML_LIMIT, rule_node_span(n), "YAML nested more than %d deep", RULE_MAX_DEPTH);
		return E_REJECTED;
	}
	TRY(add_anchor(l, map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor, n->text.segs->at, &an));
	l->depth++;
	err = read_kids(l, n, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT);
	l->depth--;
	TRY(err);
	if (map)
		TRY(check_keys(l, n));
	if (an)
		an->node = n;
	*out = n;
	return E_OK;
}

static FALLIBLE read_node(struct loader *l, const yaml_event_t *e, struct rule_node **out)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return read_alias(l, e, out);
	case YAML_SCALAR_EVENT:
		return read_scalar(l, e, out);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return read_collection(l, e, out);
	default:
		return E_BUG;
	}
}

static FALLIBLE read_stream(struct loader *l, struct rule_node ***docs, uint32_t *n_docs)
{
	struct rule_node **list = NULL;
	uint32_t n = 0;
	size_t cap = 0;

	for (;;) {
		yaml_event_t e;
		yaml_event_type_t type;
		enum err err = E_OK;
		struct rule_node *doc = NULL;

		TRY(next_event(l, &e));
		type = e.type;
		if (type == YAML_DOCUMENT_START_EVENT)
			l->anchors = NULL;
		else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
			 type != YAML_DOCUMENT_END_EVENT)
			err = read_node(l, &e, &doc);
		yaml_event_delete(&e);
		TRY(err);
		if (type == YAML_STREAM_END_EVENT)
			break;
		if (!doc || rule_node_is_null(doc))
			continue;
		list = arena_grow(l->c->a, list, n, &cap, sizeof(struct rule_node *));
		if (!list)
			return E_NOMEM;
		list[n++] = doc;
	}
	*docs = list;
	*n_docs = n;
	return E_OK;
}

FALLIBLE rule_yaml_load(struct rule_ctx *c, const struct rule_file *f, struct rule_node ***docs, uint32_t *n_docs)
{
	struct loader l = { .c = c, .f = f };
	enum err err;

	if (!file_is_text(c, f))
		return E_REJECTED;
	if (!yaml_parser_initialize(&l.parser))
		return E_NOMEM;
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)f->text, f->len);
	err = read_stream(&l, docs, n_docs);
	yaml_parser_delete(&l.parser);
	return err;
}

bool rule_node_is_null(const struct rule_node *n)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (n->kind != NODE_SCALAR || !n->plain)
		return false;
	for (size_t i = 0; i < countof(words); i++)
		if (!strcmp(n->text.p, words[i]))
			return true;
	return false;
}

struct rule_node *rule_node_get(const struct rule_node *map, const char *key)
{
	for (uint32_t i = 0; map->kind == NODE_MAP && i < map->n; i += 2)
		if (!strcmp(map->kids[i]->text.p, key))
			return map->kids[i + 1];
	return NULL;
}

struct rule_span rule_node_span(const struct rule_node *n)
{
	return rule_span_all(&n->text);
}
