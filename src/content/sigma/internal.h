/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of this module share. Nobody outside includes it, but its own tests.
 *
 * The way of a rule: sigma_read (read.c) makes searches of the detection (search.c, with pattern.c for values) and a
 * tree of its condition (condition.c); sigma_build (build.c) asks for each view (map.c) what is left of the tree and
 * writes that as a condition of the rules language (compare.c, regex.c); sigma_write_rule (write.c) makes YAML of it.
 */
#ifndef SALLYPORT_CONTENT_SIGMA_INTERNAL_H
#define SALLYPORT_CONTENT_SIGMA_INTERNAL_H

#include "content/sigma/sigma.h"

enum {
	SIGMA_MAX_DEPTH = 40,    /* of a condition: each level can take two of the rules language's RULE_MAX_DEPTH */
	SIGMA_MAX_TERMS = 4096,  /* of a condition, with its patterns of names put in */
	SIGMA_MAX_VALUES = 8192, /* of one test, with its modifiers applied */
	SIGMA_MAX_MODIFIERS = 16,
	SIGMA_MAX_WINDASH = 4,                 /* dashes in one value: each has five forms */
	SIGMA_MAX_CONDITION_BYTES = 128 << 10, /* of what comes out; the rules language takes 256 KiB */
	SIGMA_MAX_NAME_BYTES = 200,
	SIGMA_MAX_DESC_BYTES = 16 << 10,
	SIGMA_MAX_TAGS = 64,
};

/* The ids, by name. */
enum sigma_diag {
#define M(id, ident, title, help) MD_##ident = (id),
#include "content/sigma/sigma_diags.def"
#undef M
};

/* Why something is not imported, and where that stands. */
struct sigma_why {
	enum sigma_diag id;
	const struct rule_node *at;
	uint32_t off, len;
	const char *text;
};

/* What every stage of one file passes on. */
struct sigma_ctx {
	const struct template_table *table;
	struct arena *a;
	struct diags *ds;
	bool no_memory; /* a sigma_why_new failed: sticks */
};

/* In the arena; when that is full, a static one, and c->no_memory. */
const struct sigma_why *sigma_why_new(struct sigma_ctx *c, enum sigma_diag id, const struct rule_node *at,
				      const char *fmt, ...) PRINTF_LIKE(4, 5);
/* As a diagnostic; the id's hundred decides error or warning. */
void sigma_report(struct sigma_ctx *c, const struct sigma_why *why, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Malformed: an error, E_REJECTED. */
FALLIBLE sigma_malformed(struct sigma_ctx *c, enum sigma_diag id, const struct rule_node *at, uint32_t off,
			 uint32_t len, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* ---- patterns: pattern.c, encode.c ---- */

enum sigma_glyph { GLYPH_BYTE, GLYPH_ONE, GLYPH_MANY };

/* A Sigma string: bytes, `?` and `*`. */
struct sigma_pattern {
	char *p;        /* bytes; of wildcards a 0 */
	uint8_t *glyph; /* enum sigma_glyph, one for each */
	uint32_t len;
};

/* Read the escapes of a Sigma string. E_NOMEM. */
FALLIBLE sigma_pattern_parse(struct arena *a, struct view text, struct sigma_pattern *out);
/* A pattern without wildcards. E_NOMEM. */
FALLIBLE sigma_pattern_literal(struct arena *a, const char *p, size_t len, struct sigma_pattern *out);
bool sigma_pattern_is_literal(const struct sigma_pattern *p);
/* `*` before and after, where there is none. E_NOMEM. */
FALLIBLE sigma_pattern_stars(struct arena *a, const struct sigma_pattern *p, bool before, bool after,
			     struct sigma_pattern *out);
/* Whether the text matches, ASCII case ignored. At most p->len * len steps. */
bool sigma_pattern_matches(const struct sigma_pattern *p, const char *s, size_t len);

struct sigma_patterns {
	struct sigma_pattern *p;
	uint32_t n;
	size_t cap;
};
/* E_LIMIT past SIGMA_MAX_VALUES, E_NOMEM. */
FALLIBLE sigma_patterns_add(struct arena *a, struct sigma_patterns *list, struct sigma_pattern p);

enum sigma_encoding { ENCODE_BASE64, ENCODE_BASE64_OFFSET, ENCODE_UTF16LE, ENCODE_UTF16BE, ENCODE_UTF16 };
/*
 * Append the forms that a pattern takes. E_INVALID: it has wildcards, or is too short to leave anything; E_LIMIT,
 * E_NOMEM.
 */
FALLIBLE sigma_encode(struct arena *a, enum sigma_encoding how, const struct sigma_pattern *p,
		      struct sigma_patterns *out);
/* The forms that `windash` asks for. E_LIMIT: more than SIGMA_MAX_WINDASH dashes, or as sigma_patterns_add. */
FALLIBLE sigma_windash(struct arena *a, const struct sigma_pattern *p, struct sigma_patterns *out);

/* ---- what a rule says: read.c, search.c, condition.c ---- */

enum sigma_source { SOURCE_PROCESS, SOURCE_FILE, SOURCE_NETWORK, SOURCE_AUDITD };

enum sigma_test_kind { TEST_PATTERN, TEST_REGEX, TEST_CIDR, TEST_LT, TEST_LE, TEST_GT, TEST_GE, TEST_EXISTS };

struct sigma_value {
	bool null;
	struct sigma_pattern pattern; /* TEST_PATTERN */
	struct view text;             /* others */
	const struct rule_node *node;
};

/* field|modifiers: values. */
struct sigma_test {
	const char *field; /* NULL: keywords */
	uint8_t kind;      /* enum sigma_test_kind */
	bool all, cased, differs, ignore_case;
	struct sigma_value *values;
	uint32_t n_values;
	size_t cap;
	const struct rule_node *at;
	const struct sigma_why *why; /* it cannot be expressed, whatever the field */
};

enum sigma_expr_kind { EXPR_AND, EXPR_OR, EXPR_NOT, EXPR_TEST, EXPR_SEARCH };

struct sigma_expr {
	uint8_t kind;
	struct sigma_expr **kids; /* AND, OR: any number. NOT: one */
	uint32_t n;
	size_t cap;
	struct sigma_test *test; /* TEST */
	uint32_t search;         /* SEARCH: its number */
};

struct sigma_search {
	struct view name;
	const struct rule_node *key;
	struct sigma_expr *expr;
};

struct sigma_rule {
	const struct rule_node *doc, *title, *condition;
	enum sigma_source source;
	struct sigma_search *searches;
	uint32_t n_searches;
	struct sigma_expr *expr;
};

/* The value under a key of a mapping, or NULL; null values count as none. */
const struct rule_node *sigma_get(const struct rule_node *map, const char *key);
/*
 * E_REJECTED: malformed, reported. E_UNSUPPORTED: *why says what is not imported. E_NOMEM.
 * out->doc and out->title are set in any case, title to NULL where there is none.
 */
FALLIBLE sigma_read(struct sigma_ctx *c, const struct rule_node *doc, struct sigma_rule *out,
		    const struct sigma_why **why);
/* What one search identifier says. Errors as sigma_read, but never E_UNSUPPORTED: such tests carry their reason. */
FALLIBLE sigma_read_search(struct sigma_ctx *c, const struct rule_node *n, struct sigma_expr **out);
/* The condition's tree. Errors as sigma_read. */
FALLIBLE sigma_read_condition(struct sigma_ctx *c, const struct sigma_rule *r, const struct rule_node *n,
			      struct sigma_expr **out, const struct sigma_why **why);
struct sigma_expr *sigma_expr_new(struct sigma_ctx *c, enum sigma_expr_kind kind);
/* E_NOMEM. */
FALLIBLE sigma_expr_add(struct sigma_ctx *c, struct sigma_expr *e, struct sigma_expr *kid);

/* ---- views and fields: map.c ---- */

enum sigma_view_id {
#define VIEW(ident, source, record, macro, event, keywords, condition) VIEW_##ident,
#include "content/sigma/views.def"
#undef VIEW
	SIGMA_N_VIEWS
};

struct sigma_view {
	enum sigma_source source;
	const char *record, *macro, *event, *keywords, *condition;
};
extern const struct sigma_view sigma_views[SIGMA_N_VIEWS];

enum { FIELD_RESOLVED = 1 };

struct sigma_field {
	const char *name; /* in conditions: proc.exepath, proc.args[0]; NULL: none */
	enum template_field_type type;
	uint8_t flags;
};

enum sigma_found {
	FOUND_FIELD,        /* *out is set */
	FOUND_WORDS,        /* sigma_words knows it */
	FOUND_MISSING,      /* a field of other records of the same source: no event of this view has it */
	FOUND_NOT_SUPPLIED, /* out->name is the field that the table lacks */
	FOUND_NOTHING,
};
/* What a Sigma field is in a view. E_NOMEM is told by out->name being NULL with FOUND_FIELD. */
enum sigma_found sigma_field_find(struct sigma_ctx *c, enum sigma_view_id view, const char *field,
				  struct sigma_field *out);
/* A field of the rules language in a view. */
bool sigma_field_type(struct sigma_ctx *c, enum sigma_view_id view, const char *name, struct sigma_field *out);

struct sigma_word {
	uint32_t views;
	const char *field, *value, *condition;
};
extern const struct sigma_word sigma_words[];
extern const size_t sigma_n_words;
/* The view's events are in the table. */
bool sigma_view_there(const struct template_table *t, enum sigma_view_id view);

/* ---- what comes out: build.c, compare.c, regex.c, write.c ---- */

/*
 * Comparisons of one field with the values of a test. *why is set, and nothing appended, when it cannot be said. *lost
 * is set when what was said holds for fewer events: that will not do below a `not`.
 */
void sigma_compare(struct sigma_ctx *c, const struct sigma_field *f, const struct sigma_test *t, struct buf *out,
		   const struct sigma_why **why, const struct sigma_why **lost);
/* A value between quotes, for a condition. It can be any bytes but NUL. */
void sigma_put_quoted(struct buf *out, const char *p, size_t len);
/*
 * A PCRE expression that is looked for anywhere, as one that the rules language matches with the whole text. *why as
 * above. lower: the text is in lower case.
 */
void sigma_regex(struct sigma_ctx *c, const struct sigma_value *v, bool lower, struct buf *out,
		 const struct sigma_why **why);

struct sigma_built {
	const char *condition;
	uint32_t views;               /* bit i: the view's macro is used, or its events */
	const struct sigma_why *lost; /* the first alternative that was left out, or NULL */
};
/* E_UNSUPPORTED with *why; E_NOMEM. */
FALLIBLE sigma_build(struct sigma_ctx *c, const struct sigma_rule *r, struct sigma_built *out,
		     const struct sigma_why **why);

/* The rule's name from its title: printable, short. E_NOMEM. */
const char *sigma_name(struct arena *a, struct view title);
void sigma_write_rule(struct sigma_ctx *c, const struct sigma_rule *r, const char *name, const struct sigma_built *b,
		      struct buf *out);
/* The macros of these views, and what stands above them. */
void sigma_write_head(uint32_t views, struct buf *out);

#endif
