/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: the Falco rules language, from YAML text to eBPF programs.
 *
 * load: YAML -> items -> conditions parsed, lists and macros expanded, fields and operators type-checked against a
 * template table. compile: one program of type sallyport/rule per (rule, template type) in one ELF file
 * (docs/formats/content.md). Pure: text in, diagnostics and bytes out; no files, no clock. Input is hostile: sizes,
 * depths, counts and YAML aliases are bounded.
 */
#ifndef SALLYPORT_CONTENT_RULE_H
#define SALLYPORT_CONTENT_RULE_H

#include "base/base.h"
#include "content/template/template.h"

enum {
	RULE_MAX_FILE_BYTES = 8 << 20,
	RULE_MAX_RULES = 4096,
	RULE_MAX_DEPTH = 100, /* nesting of conditions and of YAML */
};

enum rule_priority {
	RULE_EMERGENCY,
	RULE_ALERT,
	RULE_CRITICAL,
	RULE_ERROR,
	RULE_WARNING,
	RULE_NOTICE,
	RULE_INFORMATIONAL,
	RULE_DEBUG,
};
/* "Emergency"..."Debug". */
const char *rule_priority_name(uint32_t p);

struct rule_source {
	const char *name; /* for messages; borrowed */
	const char *text;
	size_t len;
};

/* One row under a rule's `tests:`. */
struct rule_test_field {
	const char *name, *value; /* list elements separated by a newline */
	size_t value_len;
	struct diag_pos pos;
};

struct rule_test {
	const char *name;
	const char *type; /* template type */
	bool fires;       /* what is expected */
	const struct rule_test_field *fields;
	uint32_t n_fields;
	struct diag_pos pos;
};

struct rule_cond; /* a checked condition; private */
struct rule_book; /* macros, lists and places; private */

struct rule {
	const char *name, *desc, *output, *source;
	uint32_t priority; /* enum rule_priority */
	bool enabled;
	const char *const *tags;
	uint32_t n_tags;
	const char *drill; /* name of the harmless stimulus that must make it fire, or NULL */
	const struct rule_test *tests;
	uint32_t n_tests;
	uint64_t types;  /* bit i: it can fire on table->types[i] */
	uint64_t always; /* bit i: it fires on every event of that type */
	struct diag_pos pos;
	const struct rule_cond *cond;
};

struct rule_set {
	const struct template_table *table;
	struct rule *rules; /* in order of definition, disabled ones too */
	uint32_t n_rules;
	uint32_t n_macros, n_lists;
	const struct rule_book *book;
};

struct rule_opts {
	/*
	 * Do as Falco does where it is not what its documentation says: names of lists are replaced anywhere in the
	 * text, in quotes too; fd.net in (a, b) looks at a only. docs/rules.md lists them.
	 */
	bool strict_falco;
};

/*
 * Load files as one set, in order. Goes on after errors to report all it can.
 *
 * E_OK          ds->n_errors is 0; *out is set
 * E_REJECTED    at least one error is in ds; *out untouched
 * E_NOMEM, E_LIMIT  the arena's cap
 */
FALLIBLE rule_load(const struct rule_source *src, size_t n, const struct template_table *t, struct arena *a,
		   struct diags *ds, struct rule_set **out);
/* The same with options. */
FALLIBLE rule_load_opts(const struct rule_source *src, size_t n, const struct template_table *t,
			const struct rule_opts *o, struct arena *a, struct diags *ds, struct rule_set **out);

/*
 * Compile the enabled rules to one ELF file, appended to out. Deterministic. Errors as rule_load.
 */
FALLIBLE rule_compile(const struct rule_set *rs, struct arena *a, struct buf *out, struct diags *ds);
/* The simple way: every program asks everything itself, and nothing is known of it. Same answers: for tests. */
FALLIBLE rule_compile_simple(const struct rule_set *rs, struct arena *a, struct buf *out, struct diags *ds);

/* A field that Falco has and no event here, or with a '.' at its end all those below a name; and why. */
struct rule_refused {
	const char *name, *reason;
};
extern const struct rule_refused *const rule_refused;
extern const size_t rule_n_refused;
/*
 * Names that conditions can speak of and that are no rows of a table: what stands for them. Ends with a NULL name.
 * For lists of fields: the language knows them by itself.
 */
struct rule_extra_field {
	const char *name, *type, *doc;
};
extern const struct rule_extra_field rule_extra_fields[];

/*
 * The event of a file with one mapping as under `tests:`, of which only `event` and `fields` are needed; JSON will do.
 * E_REJECTED with ds, E_NOMEM.
 */
FALLIBLE rule_read_event(const struct rule_source *src, const struct template_table *t, struct arena *a,
			 struct diags *ds, struct rule_test *out);

/* ---- the parts of a condition: part.c ---- */

enum rule_part_kind { RULE_PART_AND, RULE_PART_OR, RULE_PART_NOT, RULE_PART_CHECK, RULE_PART_MACRO };

struct rule_part_field {
	const char *name, *shown; /* of the table's row; with index or key, as a condition has it */
	int32_t index;            /* -1 for none */
	const char *key;          /* or NULL */
	uint32_t key_len;
	uint32_t rule; /* of rule_parts.set: it fires when the event has a value here */
};

/* One node of a condition, macros and lists put in. A parent stands before its parts, and they in their order. */
struct rule_part {
	uint8_t kind;
	uint32_t parent, end, depth; /* the first one's parent is itself; end: the first index that is not below it */
	uint32_t rule;               /* of rule_parts.set: it fires when this part is true */
	const char *text;            /* a comparison as it was written, a macro's name; "and", "or", "not" */
	const struct rule_part_field *fields; /* that a comparison looks at, as the table names them */
	uint32_t n_fields;
	bool asks_exists; /* the comparison is "field exists" */
	struct diag_pos pos;
};

/*
 * The set has one rule for each part that can be true or false for itself, and one for each field that they look at
 * ("field exists"); compiled by rule_compile like any other, its programs tell what each part is for an event.
 */
struct rule_parts {
	const struct rule_part *parts;
	uint32_t n;
	struct rule_set set;
};

/* E_LIMIT: more parts than content can have rules, E_NOMEM. */
FALLIBLE rule_parts(const struct rule_set *rs, uint32_t rule, struct arena *a, struct rule_parts *out);

/*
 * Values worth trying for the fields of a comparison, for those who make events: some satisfy it, some miss by a byte
 * or by one. Which do what is for the compiled part to say.
 */
enum rule_sample_place { RULE_SAMPLE_WHOLE, RULE_SAMPLE_BEGIN, RULE_SAMPLE_INSIDE, RULE_SAMPLE_END };
enum {
	RULE_SAMPLE_FIELDS = 4,       /* of one comparison; those behind them get no values */
	RULE_SAMPLE_MAX_BYTES = 4096, /* of a value */
	RULE_SAMPLE_LIST = 24,        /* of a longer list the first and the last so many halves */
};
struct rule_sample_value {
	uint32_t field;   /* index into the part's fields */
	int32_t element;  /* of a list: which element this is; -1: any, or no list; -2: the list as `tests:` have it */
	const char *key;  /* of a dictionary: the element is key=text; else NULL */
	const char *text; /* as `tests:` write a value; an element of a list has no newline */
	uint32_t len;
	uint8_t place; /* enum rule_sample_place: where in a value of several wishes this text must stand */
};
struct rule_sample {
	struct rule_sample_value v[RULE_SAMPLE_FIELDS];
	uint32_t n;
};
/* Of a part that is a comparison, for events of that type. In the arena. E_NOMEM. */
FALLIBLE rule_part_samples(const struct rule_parts *p, uint32_t part, uint32_t type_index, struct arena *a,
			   const struct rule_sample **out, uint32_t *ret_n);

/* Names that a rule's condition reaches, each once, in order of definition. In the arena. */
struct rule_uses {
	const char **macros, **lists, **fields;
	uint32_t n_macros, n_lists, n_fields;
};
FALLIBLE rule_find_uses(const struct rule_set *rs, uint32_t rule, struct arena *a, struct rule_uses *out);

/* ---- static analysis: lint.c, docs/analysis.md ---- */

/*
 * Look for rules that do not do what their author must have meant. Findings are warnings L... in ds, with the rule's
 * name as subject, at most DIAGS_MAX. Those that a comment "# sallyport: allow L..." admits are left out. Sound but not
 * complete where it says never or always. E_NOMEM.
 */
FALLIBLE rule_lint(const struct rule_set *rs, struct arena *a, struct diags *ds);

struct rule_lint_row {
	uint16_t id;
	const char *title, *help;
};
extern const struct rule_lint_row rule_lints[];
extern const size_t rule_n_lints;

/*
 * YAML whose nodes know where they stand: how rules files are read, for those who read other languages made of YAML.
 *
 * rule_documents reads a file's documents, null ones left out. Nodes live in the arena and borrow the source; text is
 * UTF-8 without NUL, NUL-terminated. Errors as rule_load: the same limits, the same diagnostics (R100-R106).
 */
enum rule_node_kind { NODE_SCALAR, NODE_SEQ, NODE_MAP };
struct rule_node;
FALLIBLE rule_documents(const struct rule_source *src, struct arena *a, struct diags *ds,
			const struct rule_node *const **docs, uint32_t *n_docs);
bool rule_node_is(const struct rule_node *n, enum rule_node_kind kind);
/* A plain scalar that says null in one of YAML's ways. */
bool rule_node_is_null(const struct rule_node *n);
/* A scalar's value; "" for others. */
struct view rule_node_text(const struct rule_node *n);
/* Elements of a sequence, entries of a mapping; 0 for a scalar. */
uint32_t rule_node_count(const struct rule_node *n);
/* The i-th element, or the key and value of the i-th entry; i < rule_node_count(n). */
const struct rule_node *rule_node_at(const struct rule_node *n, uint32_t i);
const struct rule_node *rule_node_key(const struct rule_node *map, uint32_t i);
/* Where bytes off to off + len of a scalar's value stand (of others: where they begin); *line_text as struct diag's. */
struct diag_pos rule_node_pos(const struct rule_node *n, uint32_t off, uint32_t len, struct arena *a,
			      const char **line_text);

/* Every diagnostic id this module can give. */
struct rule_diag_row {
	uint16_t id;
	const char *falco_code; /* LOAD_ERR_VALIDATE..., or NULL */
	const char *title, *help;
};
extern const struct rule_diag_row rule_diags[];
extern const size_t rule_n_diags;

#endif
