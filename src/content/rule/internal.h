/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of this module share. Nobody outside includes it, but its own tests.
 *
 * The way of a rule: rule_yaml_load (yaml.c) gives nodes, rule_items_collect (item.c) sorts them into lists, macros and
 * rules, rule_parse (parse.c) makes a tree of each condition, rule_expand (expand.c) puts macros and lists in,
 * rule_check_types (type.c) judges fields and values, rule_fold (fold.c) asks what is left of a condition for one
 * template type, rule_lower (lower.c) makes a program of that.
 */
#ifndef SALLYPORT_CONTENT_RULE_INTERNAL_H
#define SALLYPORT_CONTENT_RULE_INTERNAL_H

#include "base/base.h"
#include "content/rule/rule.h"
#include "engine/isa/isa.h"

enum {
	RULE_MAX_NODES = 1 << 19, /* values of one file, aliases counted as often as they are used */
	RULE_MAX_SCALAR_BYTES = 256 << 10,
	RULE_MAX_ITEMS = 65536,        /* lists and macros */
	RULE_MAX_COND_NODES = 1 << 16, /* of one condition with all macros put in; so many values count as one: */
	RULE_VALUES_PER_NODE = 64,
	RULE_MAX_TOTAL_NODES = 1 << 22, /* of all conditions together */
	RULE_MAX_VALUES = 65535,        /* of one comparison, with all lists put in; a packed set holds no more */
	RULE_MAX_VALUE_BYTES = 65535,
	RULE_MAX_EXPANDED_DEPTH = 1000, /* of a condition with all macros put in */
	RULE_MAX_PROG_SLOTS = 65536,    /* abi_sallyport's limit */
	RULE_MAX_INDEX = 1023,          /* proc.aname[N] */
	RULE_MAX_NAME_BYTES = 511,      /* of rules, tags and drills; these two are compiled content's: content/image */
	REGEX_SCRATCH_BYTES = 4 << 20,  /* of compiling one regular expression */
	RULE_MAX_TEXT_BYTES = 65535,    /* of descriptions and outputs */
};

/* The ids, by name. */
enum rule_diag {
#define R(id, ident, severity, falco, title, help) RD_##ident = (id),
#include "content/rule/rule_diags.def"
#undef R
};

/* ---- text and positions: text.c ---- */

/* The last place whose column was counted: a line can be as long as the file. */
struct rule_pos_memo {
	uint32_t line, at, col;
};

struct rule_file {
	const char *name, *text;
	size_t len;
	uint32_t *lines; /* byte offset of the start of each line */
	uint32_t n_lines;
	struct rule_pos_memo *memo;
};

/* From byte `off` of a text on, its bytes stand in the file from byte `at` on. */
struct rule_seg {
	uint32_t off, at;
	bool fixed; /* all of them stand at `at` */
	const struct rule_file *file;
};

/* A scalar's value, NUL-terminated, and where each of its bytes comes from. */
struct rule_text {
	const char *p;
	uint32_t len;
	struct rule_seg *segs; /* at least one, the first at 0 */
	uint32_t n_segs;
};

/* A part of a text. */
struct rule_span {
	const struct rule_text *text;
	uint32_t off, len;
};

/* What every stage of a load passes on. */
struct rule_ctx {
	const struct template_table *table;
	struct arena *a;
	struct diags *ds;
	uint64_t total_nodes;
	struct rule_opts opts;
};

FALLIBLE rule_file_init(struct rule_file *f, struct arena *a);
/* Line and column of a byte; *line_text gets a copy of the line, or NULL when it is too long to show. */
struct diag_pos rule_file_pos(const struct rule_file *f, uint32_t at, struct arena *a, const char **line_text);
struct diag_pos rule_span_pos(struct rule_span s, struct arena *a, const char **line_text);
/* Two texts joined by one space, positions kept. NULL without memory. */
const struct rule_text *rule_text_join(struct arena *a, const struct rule_text *x, const struct rule_text *y);

/* A text that is put together from parts of others. out is freed with buf_done; err sticks. */
struct rule_text_maker {
	struct arena *a;
	struct buf out;
	struct rule_seg *segs;
	uint32_t n_segs;
	size_t cap;
	bool nomem;
};
/* Part of a text, with its positions. */
void rule_text_take(struct rule_text_maker *m, struct rule_span part);
/* Other bytes, which are said to stand where `at` begins. */
void rule_text_put(struct rule_text_maker *m, const char *p, size_t len, struct rule_span at);
/* NULL without memory. */
const struct rule_text *rule_text_finish(struct rule_text_maker *m);

struct rule_span rule_span_all(const struct rule_text *t);
bool rule_span_is(struct rule_span s, const char *word);

/*
 * Add a diagnostic with the severity of its row. Hint and notes can be given to the returned copy. NULL when it was
 * dropped: there are DIAGS_MAX, or it is a warning and half of them are warnings. A dropped one costs next to nothing.
 */
struct diag *rule_report(struct rule_ctx *c, enum rule_diag id, struct rule_span at, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
struct diag *rule_report_at(struct rule_ctx *c, enum rule_diag id, const struct rule_file *f, uint32_t at,
			    const char *fmt, ...) PRINTF_LIKE(5, 6);
/* A note with a position. */
void rule_note(struct rule_ctx *c, struct diag *d, struct rule_span at, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The nearest of many names, for a diagnostic's hint (none when d is NULL): keep the best so far. */
struct rule_nearest {
	const char *want, *best;
	size_t want_len, common;
	unsigned distance, tried;
	struct diag *d;
};
void rule_nearest_try(struct rule_nearest *n, const char *name);
void rule_nearest_hint(const struct rule_nearest *n);

/* ---- YAML: document.c, yaml.c, scalar.c ---- */

struct rule_node {
	uint8_t kind;
	bool plain;              /* scalar without quotes */
	uint32_t weight, n;      /* nodes below and itself; children */
	struct rule_text text;   /* scalars; of others one segment: where they begin */
	struct rule_node **kids; /* SEQ: elements. MAP: key, value, key, value */
};

/* The documents of a file, null ones left out. Reports and returns E_REJECTED; E_NOMEM. */
FALLIBLE rule_source_load(struct rule_ctx *c, const struct rule_source *src, struct rule_node ***docs,
			  uint32_t *n_docs);
/* The same of a file whose lines are known. */
FALLIBLE rule_yaml_load(struct rule_ctx *c, const struct rule_file *f, struct rule_node ***docs, uint32_t *n_docs);
/* The value under a key of a mapping, or NULL. */
struct rule_node *rule_node_get(const struct rule_node *map, const char *key);
struct rule_span rule_node_span(const struct rule_node *n);

enum rule_scalar_style { SCALAR_PLAIN, SCALAR_SINGLE, SCALAR_DOUBLE, SCALAR_LITERAL, SCALAR_FOLDED };
/*
 * Where each byte of a scalar's value stands in the file: the scalar's source [from, to) is read again, and only if
 * that gives exactly `value` is the map good; else all of it points at the start. value->segs is room for one on entry.
 * E_NOMEM.
 */
FALLIBLE rule_scalar_map(struct arena *a, const struct rule_file *f, uint32_t from, uint32_t to,
			 enum rule_scalar_style style, struct rule_text *value);

/* ---- conditions ---- */

enum { OP_WORD = 1, OP_LIST = 2, OP_UNARY = 4, OP_MANY = 8, OP_ALONE = 16 };

enum rule_op {
#define OP(ident, word, flags) OP_##ident,
#include "content/rule/ops.def"
#undef OP
	OP_COUNT
};

struct rule_op_row {
	const char *word;
	uint8_t flags;
};
extern const struct rule_op_row rule_ops[OP_COUNT];

struct rule_value {
	const char *p;
	uint32_t len;
	bool quoted;
	struct rule_span at;
};

/* How many of the values: as the operator itself has it, or by a word after it. */
enum rule_modifier { MOD_NONE, MOD_ANYOF, MOD_ALLOF, MOD_ONEOF };

/*
 * A value that is computed: transformers of the language and what they take. Its field is found by name in each type of
 * event, as a comparison's is.
 */
enum rule_expr_kind { EXPR_FIELD, EXPR_TEXT, EXPR_LIST, EXPR_CALL };
enum { RULE_CALL_LEN = 0x40, RULE_CALL_VAL }; /* beside enum helper_tmp_op */
struct rule_expr {
	uint8_t kind;     /* enum rule_expr_kind */
	uint8_t call;     /* CALL: enum helper_tmp_op, or one of the two above */
	uint8_t option;   /* of getopt: the one that is meant, or 0 */
	int32_t index;    /* FIELD: as in struct rule_check */
	const char *text; /* FIELD: its name. TEXT: the bytes */
	uint32_t len;     /* of TEXT */
	const char *key;  /* FIELD: as in struct rule_check */
	uint32_t key_len;
	struct rule_expr **kids; /* CALL, LIST */
	uint32_t n;
	struct rule_span at;
};

enum rule_check_state { CHECK_NEW, CHECK_GOOD, CHECK_UNKNOWN, CHECK_BAD };

/* field operator values */
struct rule_check {
	const char *field; /* as the table names it; with `left`, how the condition has it */
	int32_t index;     /* -1 for none */
	const char *key;   /* field[key], or NULL. A number is the index, and no key */
	uint32_t key_len;
	uint8_t op;                    /* enum rule_op */
	uint8_t modifier;              /* enum rule_modifier */
	uint8_t transforms;            /* enum helper_transform: what is done to the value first */
	bool length;                   /* and then its length is taken: a number */
	uint8_t state;                 /* enum rule_check_state */
	bool reported;                 /* that it is not good */
	bool twin;                     /* the second half of an either-end field: errors are the first one's */
	bool net;                      /* fd.net and its like: every value is a network */
	bool first_only;               /* of the values, when all lists are in: Falco's fd.net, with strict_falco */
	const struct rule_expr *left;  /* what is compared, when field and transforms can not say it; else NULL */
	const struct rule_expr *right; /* what it is compared with, instead of values; else NULL */
	const struct rule_value *values;
	uint32_t n_values;
	struct rule_span at, op_at;
	struct rule_span text; /* all of it, as it was written; an exception's is nowhere in one piece: empty */
};

enum rule_cond_kind { COND_AND, COND_OR, COND_NOT, COND_CHECK, COND_MACRO };

struct rule_cond {
	uint8_t kind;
	struct rule_cond **kids; /* AND, OR: two or more. NOT: one. MACRO: one, once expanded */
	uint32_t n;
	struct rule_check check; /* CHECK */
	struct rule_span at;
};

/* ---- items: item.c ---- */

enum rule_visit { VISIT_NEW, VISIT_ACTIVE, VISIT_DONE, VISIT_FAILED };

struct rule_list {
	struct hnode node;
	struct rule_span name;
	const struct rule_text **items;
	uint32_t n_items;
	size_t cap;
	uint8_t visit;
	bool used;
	const struct rule_value *values; /* once expanded */
	uint32_t n_values;
};

struct rule_macro;
/* A macro's name in a condition. */
struct rule_macro_ref {
	struct rule_macro *to;
	struct rule_span at;
};

struct rule_macro {
	struct hnode node;
	struct rule_span name;
	const struct rule_text *text;
	uint32_t defined; /* number of the item that first defined it */
	uint32_t changed; /* of the one that last changed it */
	struct rule_macro_ref *refs;
	uint32_t n_refs, next_ref;
	size_t refs_cap;
	uint8_t visit;
	bool used;
	struct rule_cond *cond;
	uint32_t size, depth; /* once expanded */
};

struct rule_exception {
	const struct rule_node *name, *fields, *comps;
	const struct rule_node **values; /* elements of `values`, appended ones too */
	uint32_t n_values;
	size_t cap;
};

/* A rule while it is being collected. */
struct rule_draft {
	struct hnode node;
	struct rule_span name;
	const struct rule_text *condition, *output, *desc;
	const char *source, *drill;
	uint32_t priority;
	bool enabled, warn_evttypes, skip_unknown, skipped;
	const char **tags;
	uint32_t n_tags;
	size_t tags_cap;
	struct rule_exception *exceptions;
	uint32_t n_exceptions;
	size_t exceptions_cap;
	const struct rule_node *tests;
};

struct rule_items {
	struct htab lists_by_name, macros_by_name, rules_by_name;
	struct rule_list **lists;
	struct rule_macro **macros;
	struct rule_macro **order; /* the same, each behind those that it refers to; once expanded */
	struct rule_draft **drafts;
	uint32_t n_lists, n_macros, n_drafts, n_seen;
	size_t lists_cap, macros_cap, drafts_cap;
};

/* What a set was made of, for those who explain it or find fault with it. Texts point into the sources. */
struct rule_book {
	struct rule_list *const *lists;
	struct rule_macro *const *macros;
	uint32_t n_lists, n_macros;
	struct rule_draft *const *drafts; /* by rule of the set */
};

FALLIBLE rule_items_init(struct rule_items *it);
void rule_items_done(struct rule_items *it);
/* Take up the items of one document. Reports what is wrong and goes on. E_NOMEM. */
FALLIBLE rule_items_collect(struct rule_ctx *c, struct rule_items *it, const struct rule_node *doc);
void rule_item_engine_version(struct rule_ctx *c, const struct rule_node *item);
void rule_item_plugin_versions(struct rule_ctx *c, const struct rule_node *item);
FALLIBLE rule_item_rule(struct rule_ctx *c, struct rule_items *it, const struct rule_node *item);

/* What an item says about itself; item.c has the helpers, the rest is in item_rule.c too. */
enum rule_change { CHANGE_NONE, CHANGE_APPEND, CHANGE_REPLACE };
/* The node under key when it is of this kind, else NULL; reports a wrong kind, and a missing one if required. */
const struct rule_node *rule_item_get(struct rule_ctx *c, const struct rule_node *item, const char *key,
				      enum rule_node_kind kind, bool required);
/* The scalar is at most max bytes long; reports if not. */
bool rule_item_short(struct rule_ctx *c, const struct rule_text *t, uint32_t max);
/* true, false or (missing) fallback; reports other values. */
bool rule_item_bool(struct rule_ctx *c, const struct rule_node *item, const char *key, bool fallback);
void rule_item_keys(struct rule_ctx *c, const struct rule_node *item, const char *const *keys, size_t n);
/* Check `append` and `override`; appendable and replaceable end with NULL. False: reported. */
bool rule_item_changes(struct rule_ctx *c, const struct rule_node *item, const char *const *appendable,
		       const char *const *replaceable, bool *ret_append, bool *ret_override);
enum rule_change rule_item_change(const struct rule_node *item, const char *key);
struct rule_list *rule_list_find(const struct rule_items *it, const char *name, size_t len);
struct rule_macro *rule_macro_find(const struct rule_items *it, const char *name, size_t len);

/* ---- parse.c ---- */

/* A tree of a condition's text, in which macros and lists are still names. E_REJECTED (reported), E_NOMEM. */
FALLIBLE rule_parse(struct rule_ctx *c, const struct rule_text *text, struct rule_cond **out);
/* What an exception compares, a field with its index or transformers around one: the whole text. */
FALLIBLE rule_parse_field(struct rule_ctx *c, const struct rule_text *text, struct rule_check *out);
/* An exception's value: *out is NULL unless it is a transformer. E_REJECTED (reported), E_NOMEM. */
FALLIBLE rule_parse_value(struct rule_ctx *c, const struct rule_text *text, const struct rule_expr **out);
/* kids is kept. NULL without memory. */
struct rule_cond *rule_cond_new(struct rule_ctx *c, enum rule_cond_kind kind, struct rule_span at,
				struct rule_cond **kids, uint32_t n);
/* An operator by its word; OP_COUNT when there is none. */
enum rule_op rule_op_find(const char *s, size_t len);
/* oneof, anyof, allof; MOD_NONE when it is none of them. */
enum rule_modifier rule_modifier_find(const char *s, size_t len);

/* ---- special.c ---- */

/*
 * The node, or nodes, of one settled comparison: names of the language that are no rows of a table are put in terms of
 * rows. E_REJECTED (reported), E_NOMEM.
 */
FALLIBLE rule_check_cond(struct rule_ctx *c, const struct rule_check *k, struct rule_cond **out);
/* field is evt.arg.NAME or evt.rawarg.NAME, and some event of Falco's has an argument of that name. */
bool rule_known_argument(const char *field, size_t len);
/* Falco does not let the field stand beside another field (its NO_RHS). */
bool rule_no_right_side(const char *field);

/* ---- left.c ---- */

struct rule_lex;
/* The word before a '(' at x->i is a transformer: its call, else -1. val is one only if `val`. */
int rule_transformer(const struct rule_lex *x, struct rule_span word, bool val);
/*
 * The left side of a comparison, whose first name was read, as k->left. Call rule_settle_left when operator and right
 * side are in k. E_REJECTED (reported), E_NOMEM.
 */
FALLIBLE rule_parse_left(struct rule_lex *x, struct rule_span name, struct rule_check *k);
/* Says k->left by field, index, key, transforms and length when that is enough; it is NULL then. */
void rule_settle_left(struct rule_check *k);
/* val(field) or a transformer, whose name was read. E_REJECTED (reported), E_NOMEM. */
FALLIBLE rule_parse_right(struct rule_lex *x, struct rule_span word, const struct rule_expr **out);

/* ---- lex.c ---- */

struct rule_lex {
	struct rule_ctx *c;
	const struct rule_text *text;
	uint32_t i;
};
void rule_lex_blanks(struct rule_lex *x);
/* The bytes from i on that are not blank, up to a delimiter; at least one byte unless the text ends: for messages. */
struct rule_span rule_lex_here(const struct rule_lex *x);
/* The word at i is this keyword, and a blank, a parenthesis or the end follows it. */
bool rule_lex_keyword(struct rule_lex *x, const char *word);
/* [a-zA-Z][a-zA-Z0-9_]* parts joined by dots; *n_parts. Empty when there is none. */
struct rule_span rule_lex_name(struct rule_lex *x, uint32_t *n_parts);
/* An operator; OP_COUNT (nothing consumed) when there is none here. */
enum rule_op rule_lex_operator(struct rule_lex *x, struct rule_span *at);
/* A bare or quoted value. E_REJECTED (reported): none here, or a bad escape. E_NOMEM. */
FALLIBLE rule_lex_value(struct rule_lex *x, struct rule_value *out);
/* 0..15, or -1. */
int rule_hex_digit(char ch);
/* A text of its own (a list's item, an exception's value) as a value: quotes around it are taken off. */
FALLIBLE rule_text_value(struct rule_ctx *c, const struct rule_text *t, struct rule_value *out);

/* ---- substitute.c ---- */

/*
 * The text with every list's name that stands between delimiters replaced by the list's items, as Falco does it. *out
 * is `text` itself when there is none. E_REJECTED (reported), E_NOMEM.
 */
FALLIBLE rule_substitute(struct rule_ctx *c, struct rule_items *it, const struct rule_text *text,
			 const struct rule_text **out);

/* ---- expand.c ---- */

/* Parse and expand every macro. What is wrong is reported; a rule that needs such a macro is refused. E_NOMEM. */
FALLIBLE rule_expand_macros(struct rule_ctx *c, struct rule_items *it);
/* Put macros and lists into a rule's condition. E_REJECTED (reported), E_NOMEM. */
FALLIBLE rule_expand(struct rule_ctx *c, struct rule_items *it, struct rule_cond *cond);
/* After all rules: warn of macros and lists that none of them reaches. */
void rule_warn_unused(struct rule_ctx *c, struct rule_items *it);

/* ---- exception.c ---- */

/* cond and not (what the draft's exceptions say). */
FALLIBLE rule_exceptions_apply(struct rule_ctx *c, const struct rule_draft *r, struct rule_cond **cond);
/* Take up the `exceptions` of an item. E_REJECTED (reported), E_NOMEM. */
FALLIBLE rule_exceptions_collect(struct rule_ctx *c, struct rule_draft *r, const struct rule_node *seq, bool append);

/* ---- type.c, value.c ---- */

enum rule_type_verdict { TYPE_GOOD, TYPE_UNKNOWN, TYPE_BAD };
/*
 * Judge every comparison of a condition against the table; each is reported once. With `quiet_unknown` a field or event
 * that is not there is not reported; *unknown then says where it is.
 */
enum rule_type_verdict rule_check_types(struct rule_ctx *c, struct rule_cond *cond, bool quiet_unknown,
					struct rule_span *unknown);

/* ---- falco.c ---- */

/* Say that a field is not there: unknown altogether, or Falco's. */
void rule_report_field(struct rule_ctx *c, enum rule_diag id, struct rule_span at, const char *name, size_t len);
bool rule_falco_event(const char *name, size_t len);

/* ---- type_expr.c ---- */

/* Judge a comparison with k->left. */
enum rule_check_state rule_judge_expr(struct rule_ctx *c, const struct rule_check *k);
/* The first field of either side that no event has, or NULL. */
const struct rule_expr *rule_unknown_leaf(struct rule_ctx *c, const struct rule_check *k);
/* Whether the operator fits the type, and the values of k the operator: for type.c and type_expr.c. False: reported. */
bool rule_check_operator(struct rule_ctx *c, const struct rule_check *k, uint8_t type);
bool rule_check_values(struct rule_ctx *c, const struct rule_check *k, uint8_t type);
/* "true or false", "text"... */
const char *rule_type_name(uint8_t type);

/* bit i: the condition is not false for every event of type i; and: it is true for every one. E_NOMEM. */
FALLIBLE rule_find_types(struct rule_ctx *c, const struct rule_cond *cond, uint64_t *ret_types, uint64_t *ret_always);
/* The name under which the table has a field that rules may spell in other ways; len 0: no change. */
const char *rule_field_alias(const char *name, size_t len);

bool rule_value_i64(const char *p, size_t len, int64_t *out);
bool rule_value_u64(const char *p, size_t len, uint64_t *out);
bool rule_value_bool(const char *p, size_t len, bool *out);
/* A port's number, or a well-known service's name. */
bool rule_value_port(const char *p, size_t len, uint64_t *out);
/* Any number, by its field's type, as a slot holds it. */
bool rule_value_number(uint8_t field_type, const char *p, size_t len, uint64_t *out);
/* The port of a service by its name, or 0: service.c. */
uint16_t rule_service_port(const char *name, size_t len);
struct helper_net;
/* An address, or a network with its prefix; host bits are cleared. */
bool rule_value_net(const char *p, size_t len, struct helper_net *out);
/* Whether the text is a value of this field type. */
bool rule_value_fits(uint8_t field_type, const char *p, size_t len);

/* ---- fold.c ---- */

enum rule_fold_kind { FOLD_FALSE, FOLD_TRUE, FOLD_AND, FOLD_OR, FOLD_NOT, FOLD_CHECK };

/* A field of a computed comparison. */
struct rule_leaf {
	const struct template_field *field;
	uint32_t id;
};

/* What is left of a condition for one template type: constants only at the top. */
struct rule_fold {
	uint8_t kind;
	const struct rule_fold **kids;
	uint32_t n;
	const struct rule_check *check;     /* CHECK */
	const struct template_field *field; /* with check->left: that of the first leaf */
	uint32_t id;
	const struct rule_leaf
		*leaves; /* with check->left: its fields, then those of check->right, as they are written */
	uint32_t n_leaves;
};

/* The tree for oneof, anyof or allof around numbers and addresses: of single comparisons. NULL without memory. */
const struct rule_fold *rule_fold_many(const struct rule_fold *check, struct arena *a);
/* O(size of the condition). NULL without memory. */
const struct rule_fold *rule_fold(const struct rule_cond *cond, const struct template_table *t,
				  const struct template_type *type, struct arena *a);
/* The values that checks on TEMPLATE_NAMES fields compare with, each once. */
struct rule_names {
	const char **names;
	uint32_t n;
	size_t cap;
};
/* E_NOMEM. */
FALLIBLE rule_names_collect(const struct rule_fold *f, struct rule_names *n, struct arena *a);
/* The condition compares evt.type somewhere. */
bool rule_names_event(const struct rule_cond *cond);

/* ---- filter.c ---- */

struct filter;
/* What an event of this type must at least be like to satisfy f. In the arena. E_NOMEM. */
FALLIBLE rule_filter(const struct rule_fold *f, const struct template_type *type, struct arena *a, struct filter *out);

/* ---- imply.c ---- */

/* A folded condition, or its opposite. */
struct rule_lit {
	const struct rule_fold *f;
	bool negated;
};
/* The same without leading nots. */
struct rule_lit rule_lit_strip(struct rule_lit x);
/* Both folded for the same type. True is a proof, false is none. fuel: steps that are left; none: false. */
bool rule_implies(const struct rule_fold *a, const struct rule_fold *b, uint32_t *fuel);
/* The same of comparisons (FOLD_CHECK); and: they can not both hold. */
bool rule_check_implies(const struct rule_fold *p, const struct rule_fold *q);
bool rule_check_excludes(const struct rule_fold *p, const struct rule_fold *q);
bool rule_lit_implies(struct rule_lit a, struct rule_lit b);
bool rule_lit_excludes(struct rule_lit a, struct rule_lit b);
/* A comparison of a number that holds for all numbers of its type (1), or for none (0); -1: neither is proven. */
int rule_check_constant(const struct rule_fold *f);

/* ---- part.c ---- */

/* A comparison as it was written, on one line. NULL without memory. */
const char *rule_check_text(struct arena *a, const struct rule_check *k);

/* ---- output.c, test.c ---- */

/*
 * Check an output's placeholders; *out is the text that is left without a leading star and %container.info. Verdict and
 * *unknown as of rule_check_types; NULL in *out without memory.
 */
enum rule_type_verdict rule_check_output(struct rule_ctx *c, const struct rule_text *output, bool quiet_unknown,
					 struct rule_span *unknown, const char **out);
struct image_token;
/* The row that a placeholder shows. NULL without memory. */
const char *rule_output_field(const struct template_table *t, struct arena *a, const struct image_token *tok);
/* E_REJECTED (reported), E_NOMEM. */
FALLIBLE rule_read_tests(struct rule_ctx *c, const struct rule_node *tests, struct rule *out);

/* ---- emit.c, lower.c ---- */

struct helper_question;
/* Literals of all programs, each once. Packed sets are also found by the values they were made of: lists are shared. */
struct rule_pool {
	struct htab by_bytes, by_values;
	struct buf bytes;
	struct arena *a;
};
FALLIBLE rule_pool_init(struct rule_pool *p, struct arena *a);
void rule_pool_done(struct rule_pool *p);
/* Offset of the bytes in the pool; len > 0. E_LIMIT, E_NOMEM. */
FALLIBLE rule_pool_add(struct rule_pool *p, const void *bytes, size_t len, uint32_t *ret_off);
/* The packed set (of networks, else of strings) of the values. */
FALLIBLE rule_pool_set(struct rule_pool *p, const struct rule_value *values, uint32_t n, bool nets, uint32_t *ret_off,
		       uint32_t *ret_len);
/* The packed regular expression of one value. */
FALLIBLE rule_pool_regex(struct rule_pool *p, const struct rule_value *value, uint32_t *ret_off, uint32_t *ret_len);
/* The packed question of the values; q->operands and q->n are ignored. */
FALLIBLE rule_pool_question(struct rule_pool *p, const struct rule_value *values, uint32_t n,
			    const struct helper_question *q, uint32_t *ret_off, uint32_t *ret_len);

struct rule_label {
	int32_t at;    /* slot, or -1 */
	int32_t chain; /* last jump that waits for it, or -1; its off holds the one before */
};
struct rule_code {
	struct arena *a;
	struct isa_insn *insns;
	uint32_t n;
	size_t cap;
	enum err err; /* sticks */
};

void rule_emit(struct rule_code *c, struct isa_insn in);
void rule_emit_jump(struct rule_code *c, struct isa_insn in, struct rule_label *to);
/* The label is here. Jumps are forward only. E_LIMIT in c->err when one does not reach. */
void rule_bind(struct rule_code *c, struct rule_label *l);
static inline struct rule_label rule_label(void)
{
	return (struct rule_label){ -1, -1 };
}

struct rule_share;
/*
 * A program: R0 is 1 at exit when the event satisfies f, else 0. f is not FOLD_FALSE.
 * pool is map 0. share: the predicates of the type; NULL: the program asks all itself. used, asked: 2 * TEMPLATE_CAP
 * flags by field id, set for each that the program reads itself, and each that a predicate which it asks for is about.
 * E_LIMIT: the program or the pool is too large; E_NOMEM.
 */
FALLIBLE rule_lower(const struct rule_fold *f, struct rule_pool *pool, struct rule_share *share, struct rule_code *code,
		    bool *used, bool *asked);
/* The string helper that answers a comparison, and the number that a value of a number's field is. */
uint32_t rule_string_helper(const struct rule_check *k);
int64_t rule_number(const struct rule_value *v, uint8_t type);

#endif
