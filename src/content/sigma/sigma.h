/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigma: detections in Sigma's format, turned into the Falco rules language.
 *
 * One file at a time goes in; what can be said in the rules language comes out as one YAML text, in the order of the
 * input, the same bytes for the same input. What cannot is refused, rule by rule, with a reason: nothing is
 * approximated silently. A rule that is given out was loaded and compiled against the template table first, so that
 * `rules check` takes it.
 *
 * Meaning: a converted rule fires on no event that the Sigma rule does not describe. When some of its alternatives
 * cannot be said, the rest is imported and the rule counts as partial. docs/sigma.md has the mapping of fields.
 *
 * Pure: text in, text and diagnostics out. Input is hostile: every size, depth and count is bounded.
 * Source: SigmaHQ/sigma-specification 2.1.0.
 */
#ifndef SALLYPORT_CONTENT_SIGMA_H
#define SALLYPORT_CONTENT_SIGMA_H

#include "base/base.h"
#include "content/rule/rule.h"
#include "content/template/template.h"

enum {
	SIGMA_FILE_ARENA_BYTES = 256 << 20, /* what the arena of one file should be given */
	SIGMA_MAX_OUT_BYTES = RULE_MAX_FILE_BYTES,
	SIGMA_MAX_RULES = RULE_MAX_RULES, /* more would not load as one set */
};

/* What became of one rule. */
enum sigma_fate { SIGMA_IMPORTED, SIGMA_PARTIAL, SIGMA_REFUSED, SIGMA_MALFORMED };

struct sigma_outcome {
	const char *title, *id; /* as in the file; NULL where it has none */
	const char *name;       /* the imported rule's, NULL when there is none */
	const char *reason;     /* of all but IMPORTED */
	enum sigma_fate fate;
	struct diag_pos pos; /* of the title, or of the document */
	const struct sigma_outcome *next;
};

struct sigma_counts {
	uint32_t imported; /* partial ones too */
	uint32_t partial, refused;
	uint32_t malformed; /* rules, and files that could not be read */
};

struct sigma_import;

/* t must outlive it. E_NOMEM. */
FALLIBLE sigma_new(const struct template_table *t, struct sigma_import **out);
void sigma_free(struct sigma_import *s);

/*
 * Take up the rules of one file. For each that is refused or partial there is a warning in ds, for each malformed one
 * an error; *first (may be NULL) is set to the outcomes in order. Both live in the arena, and borrow src->name.
 *
 * E_OK        also when rules were refused or malformed
 * E_REJECTED  the file is not YAML (R1xx in ds); counted as one malformed
 * E_LIMIT     SIGMA_MAX_RULES or SIGMA_MAX_OUT_BYTES would be passed: nothing more fits
 * E_NOMEM
 */
FALLIBLE sigma_add(struct sigma_import *s, const struct rule_source *src, struct arena *a, struct diags *ds,
		   const struct sigma_outcome **first);

struct sigma_counts sigma_counts(const struct sigma_import *s);

/* All imported rules as one rules file, with the macros that they use. E_LIMIT, E_NOMEM. */
FALLIBLE sigma_write(const struct sigma_import *s, struct buf *out);

/* Every diagnostic id this module can give. */
struct sigma_diag_row {
	uint16_t id;
	const char *title, *help;
};
extern const struct sigma_diag_row sigma_diags[];
extern const size_t sigma_n_diags;

#endif
