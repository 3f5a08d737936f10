/* SPDX-License-Identifier: Apache-2.0 */
/* lint: what the parts of the static analysis share. Not a door. */
#ifndef SALLYPORT_CONTENT_RULE_LINT_H
#define SALLYPORT_CONTENT_RULE_LINT_H

#include "content/rule/internal.h"

enum lint_id {
#define L(id, ident, title, help) LINT_##ident = (id),
#include "content/rule/lints.def"
#undef L
};

enum { LINT_NO_RULE = UINT32_MAX };
enum { LINT_FORGE = 1, LINT_COMM = 2, LINT_PATH = 4, LINT_RAW = 8, LINT_KNOWN = 16, LINT_WORDS = 32 };
struct lint_field {
	const char *name, *better;
	uint8_t flags;
};
/* What is known of a field; NULL: nothing. */
const struct lint_field *lint_field_find(const char *name);

/* A finding that was reported, or left out: each once. */
struct lint_seen {
	struct hnode node;
	const char *file;
	uint32_t line, col, id;
};

struct lint {
	struct rule_ctx c; /* ds is the findings' own */
	const struct rule_set *rs;
	uint32_t rule; /* that is being looked at; LINT_NO_RULE: a list */ /* that is being looked at */
	const struct rule_fold *(*folds)[TEMPLATE_MAX_TYPES];              /* by rule; NULL where it is false */
	struct arena fold_arena;
	struct htab seen;
	uint32_t fuel;       /* steps that are left for proofs; none: fewer findings */
	uint32_t names_left; /* comparisons of names that are left */
};

/*
 * Report at a place, once, with the rule as subject, unless a comment admits it. NULL: nothing was added. A hint or
 * notes can be given to what is returned.
 */
struct diag *lint_report(struct lint *l, enum lint_id id, struct rule_span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A comparison's place. */
struct rule_span lint_place(const struct rule_check *k);
/* It stands in a macro, which other rules may use too. */
bool lint_in_macro(const struct lint *l, const struct rule_check *k);
/* Its text, cut to fit a message. */
const char *lint_text(struct lint *l, const struct rule_check *k);

/* lint_allow.c: a comment above the place's item, above the rule (none: empty), or for the whole file, names the id. */
bool lint_allowed(const struct lint *l, enum lint_id id, const struct rule_file *f, uint32_t line,
		  struct rule_span rule_name);

/* lint_logic.c: what can never or always be. lint_trust.c: what an attacker chooses. lint_value.c: odd values. */
void lint_logic(struct lint *l);
void lint_shadowed(struct lint *l);
void lint_trust(struct lint *l);
void lint_values(struct lint *l);
void lint_lists(struct lint *l);

#endif
