/* SPDX-License-Identifier: Apache-2.0 */
/* explain: how parts of conditions are shown; what the explain commands and coverage share. */
#ifndef SALLYPORT_CLI_EXPLAIN_H
#define SALLYPORT_CLI_EXPLAIN_H

#include "cli/cli.h"

/* A rule's condition as a tree; values and e may be NULL: then without truth. */
struct explain_view {
	const struct rule_parts *parts;
	const struct explain_value *values;
	const struct event *e;
	bool colour;
};
void explain_put_tree(struct buf *out, const struct explain_view *v);
/* "file:line:col: fd.name = x is false: fd.name is y". */
void explain_put_reason(struct buf *out, const struct explain_view *v, uint32_t part);
/* The keys of a part into an object that is open. */
void explain_json_part(struct json *j, const struct explain_view *v, uint32_t part);
void explain_json_event(struct json *j, const struct event *e);
/* "file_open", with evt.type and evt.num when it has them. */
void explain_put_event(struct buf *out, const struct event *e);
/* Text from rules and events, for a terminal. */
void explain_put_text(struct buf *out, const char *text, size_t max);
/* An explain for the rule; errors are said on stderr. */
int explain_open(struct cli_rules *r, uint32_t rule, struct explain **out);

#endif
