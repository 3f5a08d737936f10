/* SPDX-License-Identifier: Apache-2.0 */
/*
 * section: `.sallyport.filter`, as bytes.
 *
 * Header, n_progs programs, n_clauses clauses, n_names names, string area; nothing after it. Every list of a record is
 * the next so many of the area that follows, so that no record can point anywhere.
 */
#include "content/filter/filter.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they are");

enum { ANY_NAME = 0xffffffffu, MAX_SYMBOL = 511 };

struct section_hdr {
	char magic[4];
	uint32_t version, n_progs, n_clauses, n_names, str_bytes;
};
struct section_prog {
	uint32_t prog, n_clauses; /* symbol name, as an offset into the string area */
};
struct section_clause {
	uint64_t classes[FILTER_CLASSES / 64];
	uint32_t n_names[FILTER_PLACES]; /* ANY_NAME: every name */
	uint32_t upwards;                /* 1 or 0 */
};
static_assert(sizeof(struct section_hdr) == 24, "docs/formats/content.md");
static_assert(sizeof(struct section_prog) == 8, "docs/formats/content.md");
static_assert(sizeof(struct section_clause) == 48, "docs/formats/content.md");

static uint32_t write_clause(const struct filter_clause *c, struct buf *out, struct buf *names)
{
	struct section_clause rec = { .upwards = c->upwards };
	uint32_t n = 0;

	memcpy(rec.classes, c->classes, sizeof rec.classes);
	for (uint32_t p = 0; p < FILTER_PLACES; p++) {
		rec.n_names[p] = c->at[p].any ? ANY_NAME : c->at[p].n;
		if (c->at[p].n)
			buf_put(names, c->at[p].list, c->at[p].n * sizeof *c->at[p].list);
		n += c->at[p].n;
	}
	buf_put(out, &rec, sizeof rec);
	return n;
}

FALLIBLE filter_write(const struct filter_prog *progs, uint32_t n, struct buf *out, struct diag *d)
{
	struct section_hdr h = { .magic = "SPFI", .version = FILTER_VERSION, .n_progs = n };
	AUTO(buf_done) struct buf records, clauses, names, strings;

	buf_init(&records, 1 << 20);
	buf_init(&clauses, 32 << 20);
	buf_init(&names, (size_t)FILTER_MAX_NAMES * sizeof(struct filter_name));
	buf_init(&strings, 16 << 20);
	buf_putc(&strings, 0);
	for (uint32_t i = 0; i < n; i++) {
		struct section_prog rec = { (uint32_t)strings.len, progs[i].filter.n };

		buf_put(&strings, progs[i].prog, strlen(progs[i].prog) + 1);
		buf_put(&records, &rec, sizeof rec);
		h.n_clauses += progs[i].filter.n;
		for (uint32_t k = 0; k < progs[i].filter.n; k++)
			h.n_names += write_clause(&progs[i].filter.clauses[k], &clauses, &names);
	}
	h.str_bytes = (uint32_t)strings.len;
	buf_put(out, &h, sizeof h);
	buf_put(out, records.p, records.len);
	buf_put(out, clauses.p, clauses.len);
	buf_put(out, names.p, names.len);
	buf_put(out, strings.p, strings.len);
	if (n > FILTER_MAX_PROGS || records.full || clauses.full || names.full || strings.full || out->full)
		FAIL_ID(d, LIMIT, 'S', 60, "the filter data of %u programs with %u names does not fit", n, h.n_names);
	return E_OK;
}

struct reader {
	struct view records, clauses, names, strings;
	uint64_t clause, name; /* next of each */
	struct arena *a;
	struct diag *d;
};

static FALLIBLE read_names(struct reader *r, uint32_t n, struct filter_names *out)
{
	struct filter_name *list;
	struct view bytes;

	if (!view_sub(r->names, r->name * sizeof *list, (uint64_t)n * sizeof *list, &bytes))
		FAIL_ID(r->d, FORMAT, 'S', 63, "%s: a clause has more names than the section", FILTER_SECTION);
	r->name += n;
	list = ARENA_ARRAY(r->a, struct filter_name, n);
	if (!list)
		return E_NOMEM;
	if (n)
		memcpy(list, bytes.p, bytes.len);
	for (uint32_t i = 0; i < n; i++)
		if (list[i].text[FILTER_NAME_BYTES] || (i && memcmp(&list[i - 1], &list[i], sizeof *list) >= 0))
			FAIL_ID(r->d, FORMAT, 'S', 64, "%s: the names of a clause are not ascending", FILTER_SECTION);
	*out = (struct filter_names){ .n = n, .list = list };
	return E_OK;
}

static FALLIBLE read_clause(struct reader *r, struct filter_clause *out)
{
	struct section_clause rec;

	if (VIEW_READ(r->clauses, r->clause * sizeof rec, &rec))
		FAIL_ID(r->d, FORMAT, 'S', 63, "%s: a program has more clauses than the section", FILTER_SECTION);
	r->clause++;
	*out = (struct filter_clause){ .upwards = rec.upwards != 0 };
	memcpy(out->classes, rec.classes, sizeof out->classes);
	for (uint32_t p = 0; p < FILTER_PLACES; p++) {
		if (rec.n_names[p] == ANY_NAME)
			out->at[p].any = true;
		else
			TRY(read_names(r, rec.n_names[p], &out->at[p]));
	}
	return E_OK;
}

static FALLIBLE read_prog(struct reader *r, uint32_t i, struct filter_prog *out)
{
	struct section_prog rec;

	TRY(VIEW_READ(r->records, (uint64_t)i * sizeof rec, &rec));
	out->prog = view_str(r->strings, rec.prog);
	if (!out->prog || strnlen(out->prog, MAX_SYMBOL + 1) > MAX_SYMBOL)
		FAIL_ID(r->d, FORMAT, 'S', 65, "%s: a program's name lies outside the string area, or is too long",
			FILTER_SECTION);
	if (rec.n_clauses > FILTER_MAX_CLAUSES)
		FAIL_ID(r->d, LIMIT, 'S', 66, "%s: program '%s' has %u clauses, at most %d", FILTER_SECTION, out->prog,
			rec.n_clauses, FILTER_MAX_CLAUSES);
	out->filter.n = rec.n_clauses;
	for (uint32_t k = 0; k < rec.n_clauses; k++)
		TRY(read_clause(r, &out->filter.clauses[k]));
	return E_OK;
}

/* The parts make up the section to the byte. */
static FALLIBLE take_parts(struct reader *r, struct view bytes, const struct section_hdr *h)
{
	uint64_t progs = (uint64_t)h->n_progs * sizeof(struct section_prog),
		 clauses = (uint64_t)h->n_clauses * sizeof(struct section_clause),
		 names = (uint64_t)h->n_names * sizeof(struct filter_name), at = sizeof *h;

	if (at + progs + clauses + names + h->str_bytes != bytes.len)
		FAIL_ID(r->d, TRUNCATED, 'S', 62, "%s has %zu bytes, its header counts %llu", FILTER_SECTION, bytes.len,
			(unsigned long long)(at + progs + clauses + names + h->str_bytes));
	r->records = view_of(bytes.p + at, progs);
	r->clauses = view_of(bytes.p + at + progs, clauses);
	r->names = view_of(bytes.p + at + progs + clauses, names);
	r->strings = view_of(bytes.p + at + progs + clauses + names, h->str_bytes);
	return E_OK;
}

FALLIBLE filter_read(struct view bytes, struct arena *a, struct filter_prog **out, uint32_t *n, struct diag *d)
{
	struct reader r = { .a = a, .d = d };
	struct section_hdr h;
	struct filter_prog *progs;

	if (VIEW_READ(bytes, 0, &h))
		FAIL_ID(d, TRUNCATED, 'S', 62, "%s is shorter than its header", FILTER_SECTION);
	if (memcmp(h.magic, "SPFI", 4) || h.version != FILTER_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'S', 61, "%s does not begin with SPFI, version %d", FILTER_SECTION,
			FILTER_VERSION);
	if (h.n_progs > FILTER_MAX_PROGS || h.n_clauses > FILTER_MAX_PROGS * FILTER_MAX_CLAUSES ||
	    h.n_names > FILTER_MAX_NAMES)
		FAIL_ID(d, LIMIT, 'S', 66, "%s counts %u programs, %u clauses, %u names: at most %d, %d, %d",
			FILTER_SECTION, h.n_progs, h.n_clauses, h.n_names, FILTER_MAX_PROGS,
			FILTER_MAX_PROGS * FILTER_MAX_CLAUSES, FILTER_MAX_NAMES);
	TRY(take_parts(&r, bytes, &h));
	progs = ARENA_ARRAY(a, struct filter_prog, h.n_progs);
	if (!progs)
		return E_NOMEM;
	for (uint32_t i = 0; i < h.n_progs; i++)
		TRY(read_prog(&r, i, &progs[i]));
	*out = progs;
	*n = h.n_progs;
	return E_OK;
}
