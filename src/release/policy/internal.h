/* SPDX-License-Identifier: Apache-2.0 */
/* internal: the parts of policy among themselves. */
#ifndef SALLYPORT_RELEASE_POLICY_INTERNAL_H
#define SALLYPORT_RELEASE_POLICY_INTERNAL_H

#include "release/policy/policy.h"
#include "release/policy/zone.h"

enum { POLICY_DAY_S = 86400 };

/* Numbers after the letter Y. */
enum policy_id {
	POLICY_SYNTAX = 101,
	POLICY_UNKNOWN,
	POLICY_KIND,
	POLICY_VALUE,
	POLICY_RANGE,
	POLICY_TWICE,
	POLICY_ALIAS,
	POLICY_DOCUMENTS,
	POLICY_TOO_MANY,
	POLICY_WINDOW,
	POLICY_FREEZE,
	POLICY_NO_ZONE,
	POLICY_ZONE,
	POLICY_CONFLICT,
	POLICY_EMPTY,
};

/* Where a value stands: the first byte of its text, when that is known exactly. */
struct place {
	uint32_t line, col; /* from 0 */
	bool exact;         /* the value is plain or simply quoted on one line: col + i is its i-th byte */
};

struct reader {
	struct view text;
	const char *file;
	struct policy *p;
	policy_zone_fn *zone_bytes;
	void *user;
	struct arena *a;
	struct diags *ds;
	struct place marks[32]; /* of the keys' values */
	uint64_t seen;          /* bit by index of policy_keys */
	enum err err;           /* E_OK while reading can go on */
};

/* Sets the value, or complains. */
typedef void policy_set_fn(struct reader *r, const struct place *at, const char *text);
struct policy_key {
	const char *name;
	policy_set_fn *set;
	bool list;
};
extern const struct policy_key policy_keys[];
extern const size_t policy_n_keys;

/* skip: bytes of the value before the place that is meant. hint: or NULL. */
void policy_complain(struct reader *r, const struct place *at, size_t skip, enum policy_id id, const char *hint,
		     const char *fmt, ...) PRINTF_LIKE(6, 7);

/* value.c */
void policy_check_conflicts(struct reader *r);

/* when.c */
void policy_add_window(struct reader *r, const struct place *at, const char *text);
void policy_add_freeze(struct reader *r, const struct place *at, const char *text);
/* One to max_digits digits at *s, which moves behind them. */
bool policy_digits(const char **s, int max_digits, uint32_t *out);

/* zone_rule.c */
bool zone_read_rule(const char *text, struct zone_rule *out);
int32_t zone_rule_east(const struct zone_rule *r, int64_t t);
int64_t zone_rule_next(const struct zone_rule *r, int64_t t);

#endif
