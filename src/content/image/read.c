/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: the two sections as C structs. Header counts are bounded first, then the sizes they imply must make up the
 * section to the byte; after that only offsets inside records can lie, and each is checked where it is followed.
 */
#include "content/image/image.h"

struct cursor {
	struct view bytes, strings;
	struct arena *a;
	struct diag *d;
};

static void at(struct cursor *c, uint64_t off)
{
	if (c->d)
		c->d->offset = off;
}

/* magic and version, which both headers begin with */
static FALLIBLE check_start(struct cursor *c, const char *magic, size_t hdr_bytes, const char *what)
{
	uint32_t version;

	at(c, 0);
	if (!view_has(c->bytes, 0, hdr_bytes))
		FAIL_ID(c->d, TRUNCATED, 'S', 30, "%s is shorter than its header", what);
	if (memcmp(c->bytes.p, magic, 4))
		FAIL_ID(c->d, FORMAT, 'S', 31, "%s does not begin with %s", what, magic);
	memcpy(&version, c->bytes.p + 4, 4);
	at(c, 4);
	if (version != IMAGE_VERSION)
		FAIL_ID(c->d, UNSUPPORTED, 'S', 32, "%s has version %u, this build reads version %d", what, version,
			IMAGE_VERSION);
	return E_OK;
}

/* used + strings make up the whole section; the string area is NUL-terminated. */
static FALLIBLE take_strings(struct cursor *c, uint64_t used, uint32_t str_bytes, const char *what)
{
	at(c, used);
	if (used > c->bytes.len || str_bytes > c->bytes.len - used)
		FAIL_ID(c->d, TRUNCATED, 'S', 34, "%s has %zu bytes, its header counts %llu", what, c->bytes.len,
			(unsigned long long)(used + str_bytes));
	if (used + str_bytes != c->bytes.len)
		FAIL_ID(c->d, FORMAT, 'S', 35, "%s goes on after its string area", what);
	c->strings = view_of(c->bytes.p + used, str_bytes);
	if (!str_bytes || c->strings.p[0] || c->strings.p[str_bytes - 1])
		FAIL_ID(c->d, FORMAT, 'S', 36, "the string area of %s does not begin and end with a NUL", what);
	return E_OK;
}

/* The area ends in a NUL, so a string is all there when it begins inside; its length is bounded before anyone walks it.
 */
static FALLIBLE get_text(struct cursor *c, uint32_t off, size_t max, const char **out)
{
	const char *s = (const char *)c->strings.p + off;

	if (off >= c->strings.len)
		FAIL_ID(c->d, FORMAT, 'S', 37, "a string at %u lies outside the string area of %zu bytes", off,
			c->strings.len);
	if (strnlen(s, max + 1) > max)
		FAIL_ID(c->d, LIMIT, 'S', 47, "the string '%.32s...' has over %zu bytes", s, max);
	*out = s;
	return E_OK;
}

static FALLIBLE get_str(struct cursor *c, uint32_t off, const char **out)
{
	return get_text(c, off, IMAGE_MAX_NAME, out);
}

/* [first, first + n) lies within total */
static FALLIBLE check_range(struct cursor *c, uint32_t first, uint32_t n, uint32_t total, const char *what)
{
	if (first > total || n > total - first)
		FAIL_ID(c->d, FORMAT, 'S', 38, "a record refers to %s %u..%llu of %u", what, first,
			(unsigned long long)first + n, total);
	return E_OK;
}

static FALLIBLE check_used(struct cursor *c, const struct image_prog *p)
{
	for (uint32_t i = 0; i < p->n_used; i++) {
		uint32_t id = p->used[i], n = id < TEMPLATE_CAP ? p->common.n : p->own.n;

		if (i && p->used[i - 1] >= id)
			FAIL_ID(c->d, FORMAT, 'S', 39, "the field ids of program '%s' are not ascending", p->prog);
		if (id >= 2 * TEMPLATE_CAP || id % TEMPLATE_CAP >= n)
			FAIL_ID(c->d, FORMAT, 'S', 40,
				"program '%s' uses field id %u, beyond the fields that it counts", p->prog, id);
	}
	return E_OK;
}

static FALLIBLE get_prefix(struct cursor *c, uint32_t n, uint32_t last, const uint8_t *digest, struct image_prefix *out)
{
	out->n = n;
	memcpy(out->digest, digest, sizeof out->digest);
	if (n > TEMPLATE_CAP)
		FAIL_ID(c->d, LIMIT, 'S', 41, "a record counts %u fields, a section has at most %d", n, TEMPLATE_CAP);
	TRY(get_str(c, last, &out->last));
	if (!n != !out->last[0])
		FAIL_ID(c->d, FORMAT, 'S', 42, "a record counts %u fields and names '%.64s' as the last", n, out->last);
	return E_OK;
}

static FALLIBLE get_prog(struct cursor *c, const struct image_schema_rec *r, const uint16_t *used, uint32_t n_used,
			 struct image_prog *out)
{
	TRY(get_str(c, r->prog, &out->prog));
	TRY(get_str(c, r->type, &out->type));
	out->rule = r->rule;
	TRY(get_prefix(c, r->n_common, r->last_common, r->digest_common, &out->common));
	TRY(get_prefix(c, r->n_own, r->last_own, r->digest_own, &out->own));
	TRY(check_range(c, r->used_first, r->n_used, n_used, "field ids"));
	out->used = used + r->used_first;
	out->n_used = r->n_used;
	return check_used(c, out);
}

FALLIBLE image_read_schema(struct view bytes, struct arena *a, struct image_schema *out, struct diag *d)
{
	struct cursor c = { .bytes = bytes, .a = a, .d = d };
	struct image_schema_hdr h;
	struct image_schema_rec rec;
	struct image_prog *progs;
	uint64_t ids_off;
	uint16_t *used;

	TRY(check_start(&c, "SPSC", sizeof h, IMAGE_SCHEMA_SECTION));
	TRY(VIEW_READ(bytes, 0, &h));
	at(&c, 8);
	if (h.n_records > IMAGE_MAX_PROGS || h.n_used > IMAGE_MAX_PROGS * 2u * TEMPLATE_CAP)
		FAIL_ID(d, LIMIT, 'S', 33, "%u records with %u field ids: at most %d with %d each", h.n_records,
			h.n_used, IMAGE_MAX_PROGS, 2 * TEMPLATE_CAP);
	if (h.zero)
		FAIL_ID(d, FORMAT, 'S', 43, "a reserved header field is %u, not 0", h.zero);
	ids_off = sizeof h + (uint64_t)h.n_records * sizeof rec;
	TRY(take_strings(&c, ids_off + 2ull * h.n_used, h.str_bytes, IMAGE_SCHEMA_SECTION));
	progs = ARENA_ARRAY(a, struct image_prog, h.n_records);
	used = ARENA_ARRAY(a, uint16_t, h.n_used);
	if (!progs || !used)
		return E_NOMEM;
	if (h.n_used)
		memcpy(used, bytes.p + ids_off, 2ull * h.n_used);
	for (uint32_t i = 0; i < h.n_records; i++) {
		at(&c, sizeof h + (uint64_t)i * sizeof rec);
		TRY(VIEW_READ(bytes, sizeof h + (uint64_t)i * sizeof rec, &rec));
		TRY(get_prog(&c, &rec, used, h.n_used, &progs[i]));
	}
	at(&c, DIAG_NONE);
	*out = (struct image_schema){ progs, h.n_records };
	return E_OK;
}

/* Where the parts of .sallyport.rules begin, and room for what they become. */
struct rules_parts {
	struct image_rules_hdr h;
	uint64_t placeholders_off, tags_off;
	struct image_rule *rules;
	struct image_placeholder *placeholders;
	const char **tags;
};

/* The field is the text's: its name, the row that an index or key picks from, or an argument by its name. */
static bool field_agrees(const char *field, const struct image_token *t)
{
	size_t n = t->name_len;

	if (strncmp(field, t->name, n) != 0)
		return false;
	if (!field[n])
		return true;
	if ((t->key || t->index >= 0) && !strcmp(field + n, "[]"))
		return true;
	return t->key && field[n] == '.' && strlen(field + n + 1) == t->key_len &&
	       !memcmp(field + n + 1, t->key, t->key_len);
}

static bool text_agrees(const struct image_placeholder *p)
{
	char marked[IMAGE_MAX_NAME + 2];
	struct image_token t;
	int n = snprintf(marked, sizeof marked, "%%%s", p->text);

	return image_token(marked, (size_t)n, &t) == (size_t)n && !t.width && t.index == p->index &&
	       field_agrees(p->field, &t);
}

static FALLIBLE get_placeholders(struct cursor *c, struct rules_parts *p)
{
	struct image_rules_placeholder rec;

	for (uint32_t i = 0; i < p->h.n_placeholders; i++) {
		struct image_placeholder *ph = &p->placeholders[i];

		at(c, p->placeholders_off + (uint64_t)i * sizeof rec);
		TRY(VIEW_READ(c->bytes, p->placeholders_off + (uint64_t)i * sizeof rec, &rec));
		TRY(get_str(c, rec.text, &ph->text));
		TRY(get_str(c, rec.field, &ph->field));
		ph->index = rec.index;
		if (rec.index < -1 || rec.index > IMAGE_MAX_INDEX || !text_agrees(ph))
			FAIL_ID(c->d, FORMAT, 'S', 44, "placeholder '%.64s' is said to be field '%.64s', index %d",
				ph->text, ph->field, rec.index);
	}
	return E_OK;
}

static FALLIBLE get_tags(struct cursor *c, struct rules_parts *p)
{
	for (uint32_t i = 0; i < p->h.n_tags; i++) {
		uint32_t off;

		at(c, p->tags_off + 4ull * i);
		TRY(VIEW_READ(c->bytes, p->tags_off + 4ull * i, &off));
		TRY(get_str(c, off, &p->tags[i]));
	}
	return E_OK;
}

static FALLIBLE get_rule(struct cursor *c, const struct rules_parts *p, const struct image_rules_rec *r,
			 struct image_rule *out)
{
	TRY(get_str(c, r->name, &out->name));
	TRY(get_text(c, r->desc, IMAGE_MAX_TEXT, &out->desc));
	TRY(get_text(c, r->output, IMAGE_MAX_TEXT, &out->output));
	TRY(get_str(c, r->source, &out->source));
	if (r->drill != IMAGE_NO_STRING)
		TRY(get_str(c, r->drill, &out->drill));
	if (!out->name[0])
		FAIL_ID(c->d, FORMAT, 'S', 45, "a rule has no name");
	if (r->priority > 7)
		FAIL_ID(c->d, FORMAT, 'S', 46, "rule '%.64s' has priority %u, the last is 7", out->name, r->priority);
	TRY(check_range(c, r->first_tag, r->n_tags, p->h.n_tags, "tags"));
	TRY(check_range(c, r->first_placeholder, r->n_placeholders, p->h.n_placeholders, "placeholders"));
	out->priority = r->priority;
	out->tags = p->tags + r->first_tag;
	out->n_tags = r->n_tags;
	out->placeholders = p->placeholders + r->first_placeholder;
	out->n_placeholders = r->n_placeholders;
	return E_OK;
}

static FALLIBLE read_rules_hdr(struct cursor *c, struct rules_parts *p)
{
	TRY(check_start(c, "SPRU", sizeof p->h, IMAGE_RULES_SECTION));
	TRY(VIEW_READ(c->bytes, 0, &p->h));
	at(c, 8);
	if (p->h.n_rules > IMAGE_MAX_RULES || p->h.n_tags > IMAGE_MAX_TAGS ||
	    p->h.n_placeholders > IMAGE_MAX_PLACEHOLDERS)
		FAIL_ID(c->d, LIMIT, 'S', 33, "%u rules, %u tags, %u placeholders: at most %d, %d, %d", p->h.n_rules,
			p->h.n_tags, p->h.n_placeholders, IMAGE_MAX_RULES, IMAGE_MAX_TAGS, IMAGE_MAX_PLACEHOLDERS);
	p->placeholders_off = sizeof p->h + (uint64_t)p->h.n_rules * sizeof(struct image_rules_rec);
	p->tags_off = p->placeholders_off + (uint64_t)p->h.n_placeholders * sizeof(struct image_rules_placeholder);
	return take_strings(c, p->tags_off + 4ull * p->h.n_tags, p->h.str_bytes, IMAGE_RULES_SECTION);
}

FALLIBLE image_read_rules(struct view bytes, struct arena *a, struct image_rules *out, struct diag *d)
{
	struct cursor c = { .bytes = bytes, .a = a, .d = d };
	struct rules_parts p = { 0 };
	struct image_rules_rec rec;

	TRY(read_rules_hdr(&c, &p));
	p.rules = ARENA_ARRAY(a, struct image_rule, p.h.n_rules);
	p.placeholders = ARENA_ARRAY(a, struct image_placeholder, p.h.n_placeholders);
	p.tags = ARENA_ARRAY(a, const char *, p.h.n_tags);
	if (!p.rules || !p.placeholders || !p.tags)
		return E_NOMEM;
	TRY(get_placeholders(&c, &p));
	TRY(get_tags(&c, &p));
	for (uint32_t i = 0; i < p.h.n_rules; i++) {
		at(&c, sizeof p.h + (uint64_t)i * sizeof rec);
		TRY(VIEW_READ(bytes, sizeof p.h + (uint64_t)i * sizeof rec, &rec));
		TRY(get_rule(&c, &p, &rec, &p.rules[i]));
	}
	at(&c, DIAG_NONE);
	*out = (struct image_rules){ p.rules, p.h.n_rules };
	return E_OK;
}
