/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: a template table as text, and back.
 *
 *   sallyport-schema 1
 *   common
 *   field evt.num u64 always
 *   type file_open open openat openat2 creat
 *   field fd.num i64 always
 *
 * Other sensor releases are played and targeted this way; the text is hostile input.
 */
#include "content/template/template.h"

enum { MAX_LINE = 512, MAX_NAME = 64 };

static const char header[] = "sallyport-schema 1";

static void write_fields(const struct template_section *s, struct buf *out)
{
	for (uint32_t i = 0; i < s->n; i++)
		buf_printf(out, "field %s %s %s\n", s->fields[i].name, template_type_word(s->fields[i].type),
			   s->fields[i].presence == TEMPLATE_ALWAYS ? "always" : "maybe");
}

void template_write_schema(const struct template_table *t, struct buf *out)
{
	buf_printf(out, "%s\ncommon\n", header);
	write_fields(&t->common, out);
	for (uint32_t i = 0; i < t->n_types; i++) {
		buf_printf(out, "type %s %s\n", t->types[i].name, t->types[i].events);
		write_fields(&t->types[i].own, out);
	}
}

struct reader {
	struct arena *a;
	struct diag *d;
	struct template_table *t;
	struct template_type *types;
	struct template_field *fields; /* of the section being read */
	struct template_section *section;
};

/* The next word of the line; *s moves past it and the space. */
static struct view next_word(struct view *s)
{
	size_t n = 0;
	struct view w;

	while (n < s->len && s->p[n] != ' ')
		n++;
	w = view_of(s->p, n);
	n += n < s->len;
	*s = view_of(s->p + n, s->len - n);
	return w;
}

static bool is(struct view w, const char *s)
{
	return w.len == strlen(s) && !memcmp(w.p, s, w.len);
}

static bool name_is_plain(struct view w)
{
	for (size_t i = 0; i < w.len; i++)
		if (!(w.p[i] == '_' || w.p[i] == '.' || (w.p[i] >= 'a' && w.p[i] <= 'z') ||
		      (w.p[i] >= '0' && w.p[i] <= '9') || w.p[i] == '[' || w.p[i] == ']'))
			return false;
	return w.len && w.len <= MAX_NAME;
}

static FALLIBLE start_section(struct reader *r, struct template_section *s)
{
	r->fields = ARENA_ARRAY(r->a, struct template_field, TEMPLATE_CAP);
	if (!r->fields)
		return E_NOMEM;
	*s = (struct template_section){ .fields = r->fields };
	r->section = s;
	return E_OK;
}

static FALLIBLE read_field(struct reader *r, struct view line)
{
	struct view name = next_word(&line), type = next_word(&line), presence = next_word(&line);
	struct template_field f = { .source = TEMPLATE_DERIVED, .doc = "" };
	uint8_t k = 0;

	if (!r->section)
		FAIL_ID(r->d, FORMAT, 'S', 11, "a field before any section");
	if (r->section->n == TEMPLATE_CAP)
		FAIL_ID(r->d, LIMIT, 'S', 12, "more than %d fields in one section", TEMPLATE_CAP);
	if (!name_is_plain(name))
		FAIL_ID(r->d, FORMAT, 'S', 13, "a field name may have a-z 0-9 _ . [ ] only");
	while (k <= TEMPLATE_DICT && !is(type, template_type_word(k)))
		k++;
	if (k > TEMPLATE_DICT)
		FAIL_ID(r->d, FORMAT, 'S', 14, "unknown field type '%.*s'", (int)type.len, type.p);
	if (!is(presence, "always") && !is(presence, "maybe"))
		FAIL_ID(r->d, FORMAT, 'S', 15, "'always' or 'maybe' is needed after the type");
	f.type = k;
	f.presence = is(presence, "always") ? TEMPLATE_ALWAYS : TEMPLATE_MAYBE;
	f.name = arena_strndup(r->a, (const char *)name.p, name.len);
	if (!f.name)
		return E_NOMEM;
	r->fields[r->section->n++] = f;
	return E_OK;
}

static FALLIBLE read_type(struct reader *r, struct view line)
{
	struct view name = next_word(&line);
	struct template_type *t = &r->types[r->t->n_types];

	if (r->t->n_types == TEMPLATE_MAX_TYPES)
		FAIL_ID(r->d, LIMIT, 'S', 16, "more than %d types", TEMPLATE_MAX_TYPES);
	if (!name_is_plain(name) || !line.len)
		FAIL_ID(r->d, FORMAT, 'S', 17, "a type needs a name and at least one event");
	t->name = arena_strndup(r->a, (const char *)name.p, name.len);
	t->events = arena_strndup(r->a, (const char *)line.p, line.len);
	t->doc = "";
	if (!t->name || !t->events)
		return E_NOMEM;
	r->t->n_types++;
	return start_section(r, &t->own);
}

static FALLIBLE read_line(struct reader *r, struct view line)
{
	struct view word;

	if (memchr(line.p, 0, line.len) || line.len > MAX_LINE)
		FAIL_ID(r->d, FORMAT, 'S', 18, "a line holds a NUL byte or is over %d bytes", MAX_LINE);
	word = next_word(&line);
	if (is(word, "field"))
		return read_field(r, line);
	if (is(word, "type"))
		return read_type(r, line);
	if (is(word, "common") && !r->t->common.fields)
		return start_section(r, &r->t->common);
	FAIL_ID(r->d, FORMAT, 'S', 19, "'common' (once, first), 'type' or 'field' is needed here");
}

FALLIBLE template_read_schema(const char *text, size_t len, const char *name, struct arena *a,
			      const struct template_table **out, struct diag *d)
{
	struct reader r = { .a = a,
			    .d = d,
			    .t = ARENA_NEW(a, struct template_table),
			    .types = ARENA_ARRAY(a, struct template_type, TEMPLATE_MAX_TYPES) };
	uint32_t number = 0;

	if (!r.t || !r.types)
		return E_NOMEM;
	r.t->types = r.types;
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;

		number++;
		if (d)
			d->pos = (struct diag_pos){ .file = name, .line = number, .col = 1 };
		if (number == 1) {
			if (!is(view_of(text, n), header))
				FAIL_ID(d, FORMAT, 'S', 10, "a schema begins with the line '%s'", header);
		} else if (n) {
			TRY(read_line(&r, view_of(text, n)));
		}
		text += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
	if (!r.t->common.fields || !r.t->n_types)
		FAIL_ID(d, FORMAT, 'S', 11, "a schema has a common section and at least one type");
	*out = r.t;
	return E_OK;
}
