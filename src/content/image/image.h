/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: the sections that make a BPF ELF file compiled content: which fields each program was
 * compiled against, what the rules say about themselves, and (when there is one) what programs share.
 *
 * The rule compiler writes them, the runtime reads them; neither knows the other. Reading is hostile input: every
 * offset and count is checked here, what the fields mean for a given sensor is judged by the runtime.
 * Normative text: docs/formats/content.md. All integers are little-endian, nothing is padded implicitly.
 */
#ifndef SALLYPORT_CONTENT_IMAGE_H
#define SALLYPORT_CONTENT_IMAGE_H

#include "base/base.h"
#include "content/template/template.h"

#define IMAGE_PROG_SECTION "sallyport/rule" /* programs: one global function per (rule, template type) */
#define IMAGE_SCHEMA_SECTION ".sallyport.schema"
#define IMAGE_RULES_SECTION ".sallyport.rules"
#define IMAGE_INDEX_SECTION ".sallyport.index" /* may be absent */
#define IMAGE_NAMES_SECTION ".sallyport.names" /* left out when there are none */

enum {
	IMAGE_VERSION = 1,
	IMAGE_MAX_PROGS = 32768,
	IMAGE_MAX_RULES = 4096,
	IMAGE_MAX_TAGS = 65536,          /* over all rules */
	IMAGE_MAX_PLACEHOLDERS = 262144, /* over all rules */
	IMAGE_MAX_INDEX = 1023,          /* %proc.aname[N] */
	IMAGE_MAX_WIDTH = 1024,          /* %12proc.name */
	IMAGE_MAX_NAMES = 1024,          /* domain names over all rules */
	IMAGE_MAX_NAME = 511,            /* bytes of every string but these: */
	IMAGE_MAX_TEXT = 65535,          /* description, output */
	IMAGE_NO_STRING = 0xffffffffu,
	IMAGE_MAX_PREDS = 4096,  /* of one template type */
	IMAGE_MAX_GUARDS = 8,    /* of one program */
	IMAGE_MAX_IDS = 1 << 20, /* numbers of predicates and fields, over all programs */
	IMAGE_MAX_DATA = 16 << 20,
};

/*
 * .sallyport.schema: header, n_records records, n_used field ids of 2 bytes, string area of str_bytes; nothing after
 * it.
 *
 *   offset  bytes  header              offset  bytes  record
 *        0      4  magic "SPSC"             0      4  prog: symbol name, offset into the string area
 *        4      4  version, 1               4      4  rule: index into .sallyport.rules
 *        8      4  n_records                8      4  type: name of the template type
 *       12      4  n_used, all records     12      4  used_first: first id in the area of ids
 *       16      4  str_bytes               16      4  n_used: ids, strictly ascending
 *       20      4  0                       20      4  n_common: fields counted in the common section
 *                                          24      4  last_common: name of the last one counted
 *                                          28      4  n_own
 *                                          32      4  last_own
 *                                          36     32  digest of the n_common fields (template_digest)
 *                                          68     32  digest of the n_own fields
 */
struct image_schema_hdr {
	char magic[4];
	uint32_t version, n_records, n_used, str_bytes, zero;
};
struct image_schema_rec {
	uint32_t prog, rule, type, used_first, n_used;
	uint32_t n_common, last_common, n_own, last_own;
	uint8_t digest_common[TEMPLATE_DIGEST_BYTES], digest_own[TEMPLATE_DIGEST_BYTES];
};
static_assert(sizeof(struct image_schema_hdr) == 24, "docs/formats/content.md");
static_assert(sizeof(struct image_schema_rec) == 100, "docs/formats/content.md");
static_assert(offsetof(struct image_schema_rec, digest_common) == 36, "docs/formats/content.md");

/*
 * .sallyport.rules: header, n_rules records, n_placeholders placeholders, n_tags string offsets of 4 bytes, string
 * area of str_bytes; nothing after it.
 *
 *   offset  bytes  header              offset  bytes  record
 *        0      4  magic "SPRU"             0      4  name
 *        4      4  version, 1               4      4  desc
 *        8      4  n_rules                  8      4  output: the template text as the author wrote it
 *       12      4  n_placeholders          12      4  source
 *       16      4  n_tags                  16      4  drill, IMAGE_NO_STRING if none
 *       20      4  str_bytes               20      4  priority, 0..7
 *                                          24      4  first_tag
 *                                          28      4  n_tags
 *   offset  bytes  placeholder             32      4  first_placeholder
 *        0      4  text: "proc.aname[2]"   36      4  n_placeholders
 *        4      4  field: "proc.aname"
 *        8      4  index, -1 for none
 */
struct image_rules_hdr {
	char magic[4];
	uint32_t version, n_rules, n_placeholders, n_tags, str_bytes;
};
struct image_rules_rec {
	uint32_t name, desc, output, source, drill, priority;
	uint32_t first_tag, n_tags, first_placeholder, n_placeholders;
};
struct image_rules_placeholder {
	uint32_t text, field;
	int32_t index;
};
static_assert(sizeof(struct image_rules_hdr) == 24, "docs/formats/content.md");
static_assert(sizeof(struct image_rules_rec) == 40, "docs/formats/content.md");
static_assert(sizeof(struct image_rules_placeholder) == 12, "docs/formats/content.md");

/*
 * .sallyport.index: header, n_preds predicates, n_progs records, n_guards guards, n_ids numbers of 2 bytes, data_bytes
 * of operands; nothing after it. A predicate's number is its place among those of its template type.
 *
 *   offset  bytes  header              offset  bytes  predicate
 *        0      4  magic "SPIX"             0      4  record of .sallyport.schema whose type it is about
 *        4      4  version, 1               4      2  field id
 *        8      4  n_preds                  6      1  subject: enum image_subject
 *       12      4  n_progs: as many as      7      1  1: negated
 *                  .sallyport.schema has    8      4  test
 *       16      4  n_guards                12      4  index
 *       20      4  n_ids                   16      8  number
 *       24      4  data_bytes              24      4  operand: offset into the data
 *                                          28      4  its bytes
 *   offset  bytes  record
 *        0      4  first_guard         offset  bytes  guard
 *        4      4  n_guards                 0      4  first_id: numbers of predicates
 *        8      4  first_read: field ids    4      4  n_ids
 *       12      4  n_reads
 */
struct image_index_hdr {
	char magic[4];
	uint32_t version, n_preds, n_progs, n_guards, n_ids, data_bytes;
};
struct image_index_pred {
	uint32_t record;
	uint16_t field;
	uint8_t subject, negated;
	uint32_t test, index;
	uint64_t number;
	uint32_t operand, operand_bytes;
};
struct image_index_prog {
	uint32_t first_guard, n_guards, first_read, n_reads;
};
struct image_index_guard {
	uint32_t first_id, n_ids;
};
static_assert(sizeof(struct image_index_hdr) == 28, "docs/formats/content.md");
static_assert(sizeof(struct image_index_pred) == 32, "docs/formats/content.md");
static_assert(sizeof(struct image_index_prog) == 16, "docs/formats/content.md");
static_assert(sizeof(struct image_index_guard) == 8, "docs/formats/content.md");

/* The first n fields of a section, as content was compiled against them. */
struct image_prefix {
	uint32_t n;
	const char *last; /* name of field n - 1; "" when n is 0 */
	uint8_t digest[TEMPLATE_DIGEST_BYTES];
};

struct image_prog {
	const char *prog;     /* symbol name */
	uint32_t rule;        /* index into the rules */
	const char *type;     /* template type */
	const uint16_t *used; /* ids of the fields that the program, and its rule's output for this type, use; strictly
				 ascending */
	uint32_t n_used;
	struct image_prefix common, own; /* highest used index + 1 */
};

struct image_schema {
	const struct image_prog *progs;
	uint32_t n_progs;
};

struct image_placeholder {
	const char *text;  /* as it stands in the output, without % and width: "proc.aname[2]" */
	const char *field; /* "proc.aname" */
	int32_t index;     /* 2; -1 for none */
};

struct image_rule {
	const char *name, *desc, *output, *source;
	const char *drill; /* or NULL */
	uint32_t priority; /* enum rule_priority */
	const char *const *tags;
	uint32_t n_tags;
	const struct image_placeholder *placeholders; /* each text once, in order of appearance */
	uint32_t n_placeholders;
};

struct image_rules {
	const struct image_rule *rules;
	uint32_t n_rules;
};

/* What a predicate is about; the numbers are part of the format, and those of enum helper_subject. */
enum image_subject {
	IMAGE_TEXT,
	IMAGE_ELEMENT,
	IMAGE_ANY_ELEMENT,
	IMAGE_ADDRESS,
	IMAGE_NUMBER,
	IMAGE_PRESENT,
	IMAGE_N_SUBJECTS
};

struct image_pred {
	uint32_t record; /* index into the schema's programs: the predicate is about events of that one's type */
	uint16_t field;
	uint8_t subject;
	bool negated;
	uint32_t test;  /* subject's: a helper's id; of a number: 0 = 1 < 2 <= 3 > 4 >=, signed 5 < 6 <= 7 > 8 >= */
	uint32_t index; /* of an element; of any: the first */
	uint64_t number;
	struct view operand;
};

/* An event that satisfies none of the predicates cannot match the program. */
struct image_guard {
	const uint16_t *preds;
	uint32_t n;
};

/* What is known of a program, in order of the schema's. */
struct image_plan {
	const struct image_guard *guards;
	uint32_t n_guards;
	const uint16_t *reads; /* fields whose slots it loads itself; strictly ascending */
	uint32_t n_reads;
};

struct image_index {
	const struct image_pred *preds; /* those of a type in order of their numbers */
	uint32_t n_preds;
	const struct image_plan *plans;
	uint32_t n_plans;
};

/* Fill *out with count, last name and digest of the first n fields (n <= s->n). section_name as for template_digest. */
void image_prefix_of(const char *section_name, const struct template_section *s, uint32_t n, struct image_prefix *out);
/* Set out->type, used, common and own from the ids used (strictly ascending, all in table and type). */
void image_prog_fields(const struct template_table *t, const struct template_type *type, const uint16_t *used,
		       uint32_t n_used, struct image_prog *out);

/*
 * Append a section's bytes to out. Deterministic. E_LIMIT: over an IMAGE_MAX_*, or out is full.
 */
FALLIBLE image_write_schema(const struct image_schema *in, struct buf *out, struct diag *d);
FALLIBLE image_write_rules(const struct image_rules *in, struct buf *out, struct diag *d);
FALLIBLE image_write_index(const struct image_index *in, struct buf *out, struct diag *d);

/*
 * Read a section. Strings borrow from bytes, which must outlive *out; the rest lives in the arena.
 * E_TRUNCATED E_FORMAT E_LIMIT E_UNSUPPORTED (a version this build does not know), with d (S030...S049) and d->offset;
 * E_NOMEM.
 */
FALLIBLE image_read_schema(struct view bytes, struct arena *a, struct image_schema *out, struct diag *d);
FALLIBLE image_read_rules(struct view bytes, struct arena *a, struct image_rules *out, struct diag *d);
/* Whether a predicate's field, test and operand make sense is the runtime's to judge, and so is which numbers exist. */
FALLIBLE image_read_index(struct view bytes, struct arena *a, struct image_index *out, struct diag *d);

/*
 * The domain names that conditions use: NUL-terminated, one behind the other, nothing else. What is read lives in the
 * arena. E_LIMIT (S052), E_FORMAT (S051), E_NOMEM.
 */
FALLIBLE image_write_names(const char *const *names, uint32_t n, struct buf *out, struct diag *d);
FALLIBLE image_read_names(struct view bytes, struct arena *a, const char *const **out, uint32_t *out_n, struct diag *d);

/*
 * The placeholder that begins at s[0] == '%', as compiler and runtime both see it:
 *
 *   '%' [width: digits] value
 *   value    name ['[' digits | key ']'] | transformer '(' value ')'
 *
 * where name is [a-z0-9_.]+, begins with a letter and does not end in a dot (a dot after it is text), and a key is in
 * quotes or has no blank, bracket, quote or % in it, nor digits only. Returns the bytes it takes, or 0 when there is no
 * placeholder here: the '%' is text then.
 */
enum image_transform { IMAGE_LOWER, IMAGE_UPPER, IMAGE_BASENAME, IMAGE_B64, IMAGE_LEN };
enum { IMAGE_MAX_TRANSFORMS = 8 }; /* of one placeholder */
struct image_token {
	const char *text; /* not NUL-terminated: all but '%' and width */
	uint32_t text_len;
	const char *name; /* of it, the field's name */
	uint32_t name_len;
	const char *key; /* or NULL */
	uint32_t key_len;
	int32_t index;                            /* -1 for none */
	uint32_t width;                           /* 0: as long as it is */
	uint8_t transforms[IMAGE_MAX_TRANSFORMS]; /* enum image_transform, the outermost first */
	uint32_t n_transforms;
};
size_t image_token(const char *s, size_t len, struct image_token *out);

#endif
