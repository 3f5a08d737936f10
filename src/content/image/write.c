/* SPDX-License-Identifier: Apache-2.0 */
/* write: the two sections from C structs. Records first go to the output, their strings to an area that follows. */
#include "content/image/image.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they are");

enum { STRINGS_MAX = 64 << 20 };

/* The string area; `long_one` is a string that the reader would refuse, if there was one. */
struct strings {
	struct buf b;
	const char *long_one;
};

/* Offset of a copy of s; offset 0 is the empty string. */
static uint32_t put_text(struct strings *t, const char *s, size_t max)
{
	uint32_t off = (uint32_t)t->b.len;

	if (!s[0])
		return 0;
	if (strlen(s) > max)
		t->long_one = s;
	buf_put(&t->b, s, strlen(s) + 1);
	return off;
}

static uint32_t put_str(struct strings *t, const char *s)
{
	return put_text(t, s, IMAGE_MAX_NAME);
}

static void strings_init(struct strings *t)
{
	t->long_one = NULL;
	buf_init(&t->b, STRINGS_MAX);
	buf_putc(&t->b, 0);
}

static void strings_done(struct strings *t)
{
	buf_done(&t->b);
}

/* Append the string area. */
static FALLIBLE finish(struct buf *out, const struct strings *strings, struct diag *d)
{
	if (strings->long_one)
		FAIL_ID(d, LIMIT, 'S', 47, "the string '%.32s...' has over %d bytes, or %d", strings->long_one,
			IMAGE_MAX_NAME, IMAGE_MAX_TEXT);
	buf_put(out, strings->b.p, strings->b.len);
	if (out->full || strings->b.full)
		FAIL_ID(d, LIMIT, 'S', 49, "the section does not fit into %zu bytes", out->max);
	return E_OK;
}

static void put_record(const struct image_prog *p, uint32_t used_first, struct buf *out, struct strings *strings)
{
	struct image_schema_rec r = { .rule = p->rule,
				      .used_first = used_first,
				      .n_used = p->n_used,
				      .n_common = p->common.n,
				      .n_own = p->own.n };

	r.prog = put_str(strings, p->prog);
	r.type = put_str(strings, p->type);
	r.last_common = put_str(strings, p->common.last);
	r.last_own = put_str(strings, p->own.last);
	memcpy(r.digest_common, p->common.digest, sizeof r.digest_common);
	memcpy(r.digest_own, p->own.digest, sizeof r.digest_own);
	buf_put(out, &r, sizeof r);
}

FALLIBLE image_write_schema(const struct image_schema *in, struct buf *out, struct diag *d)
{
	struct image_schema_hdr h = { .magic = "SPSC", .version = IMAGE_VERSION, .n_records = in->n_progs };
	AUTO(strings_done) struct strings strings;
	AUTO(buf_done) struct buf records;

	strings_init(&strings);
	buf_init(&records, (size_t)IMAGE_MAX_PROGS * sizeof(struct image_schema_rec));
	if (in->n_progs > IMAGE_MAX_PROGS)
		FAIL_ID(d, LIMIT, 'S', 48, "more than %d programs", IMAGE_MAX_PROGS);
	for (uint32_t i = 0; i < in->n_progs; i++) {
		put_record(&in->progs[i], h.n_used, &records, &strings);
		h.n_used += in->progs[i].n_used;
	}
	h.str_bytes = (uint32_t)strings.b.len;
	buf_put(out, &h, sizeof h);
	buf_put(out, records.p, records.len);
	for (uint32_t i = 0; i < in->n_progs; i++)
		buf_put(out, in->progs[i].used, in->progs[i].n_used * sizeof(uint16_t));
	if (records.full)
		FAIL_ID(d, LIMIT, 'S', 49, "no memory for the section's records");
	return finish(out, &strings, d);
}

static void put_rule(const struct image_rule *r, struct image_rules_hdr *h, struct buf *out, struct strings *strings)
{
	struct image_rules_rec rec = { .priority = r->priority,
				       .n_tags = r->n_tags,
				       .n_placeholders = r->n_placeholders,
				       .first_tag = h->n_tags,
				       .first_placeholder = h->n_placeholders };

	rec.name = put_str(strings, r->name);
	rec.desc = put_text(strings, r->desc, IMAGE_MAX_TEXT);
	rec.output = put_text(strings, r->output, IMAGE_MAX_TEXT);
	rec.source = put_str(strings, r->source);
	rec.drill = r->drill ? put_str(strings, r->drill) : IMAGE_NO_STRING;
	h->n_tags += r->n_tags;
	h->n_placeholders += r->n_placeholders;
	buf_put(out, &rec, sizeof rec);
}

static void put_lists(const struct image_rules *in, struct buf *placeholders, struct buf *tags, struct strings *strings)
{
	for (uint32_t i = 0; i < in->n_rules; i++) {
		for (uint32_t k = 0; k < in->rules[i].n_placeholders; k++) {
			const struct image_placeholder *p = &in->rules[i].placeholders[k];
			struct image_rules_placeholder rec = { .index = p->index };

			rec.text = put_str(strings, p->text);
			rec.field = put_str(strings, p->field);
			buf_put(placeholders, &rec, sizeof rec);
		}
		for (uint32_t k = 0; k < in->rules[i].n_tags; k++) {
			uint32_t off = put_str(strings, in->rules[i].tags[k]);

			buf_put(tags, &off, sizeof off);
		}
	}
}

FALLIBLE image_write_rules(const struct image_rules *in, struct buf *out, struct diag *d)
{
	struct image_rules_hdr h = { .magic = "SPRU", .version = IMAGE_VERSION, .n_rules = in->n_rules };
	AUTO(strings_done) struct strings strings;
	AUTO(buf_done) struct buf records, placeholders, tags;

	strings_init(&strings);
	buf_init(&records, STRINGS_MAX);
	buf_init(&placeholders, STRINGS_MAX);
	buf_init(&tags, STRINGS_MAX);
	if (in->n_rules > IMAGE_MAX_RULES)
		FAIL_ID(d, LIMIT, 'S', 48, "more than %d rules", IMAGE_MAX_RULES);
	for (uint32_t i = 0; i < in->n_rules; i++)
		put_rule(&in->rules[i], &h, &records, &strings);
	if (h.n_tags > IMAGE_MAX_TAGS || h.n_placeholders > IMAGE_MAX_PLACEHOLDERS)
		FAIL_ID(d, LIMIT, 'S', 48, "%u tags and %u placeholders: at most %d and %d", h.n_tags, h.n_placeholders,
			IMAGE_MAX_TAGS, IMAGE_MAX_PLACEHOLDERS);
	put_lists(in, &placeholders, &tags, &strings);
	h.str_bytes = (uint32_t)strings.b.len;
	buf_put(out, &h, sizeof h);
	buf_put(out, records.p, records.len);
	buf_put(out, placeholders.p, placeholders.len);
	buf_put(out, tags.p, tags.len);
	if (records.full || placeholders.full || tags.full)
		FAIL_ID(d, LIMIT, 'S', 49, "no memory for the section's records");
	return finish(out, &strings, d);
}
