/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_allow: "# sallyport: allow L105 L110 because ..." in a rules file.
 *
 * It counts where it stands in the comment right above an item: for findings in that item, and, above a rule, for
 * findings about that rule wherever they are. "# sallyport: allow L105 in this file" counts for the file. Comments are
 * looked for in the text: YAML parsers drop them.
 */
#include "content/rule/lint.h"

static size_t line_start(const struct rule_file *f, uint32_t line)
{
	return line < f->n_lines ? f->lines[line] : f->len;
}

/* Line `line` (from 0) without leading blanks and without its end. */
static struct view line_of(const struct rule_file *f, uint32_t line, uint32_t *indent)
{
	size_t from = line_start(f, line), to = line_start(f, line + 1), start = from;

	while (to > from && strchr("\r\n", f->text[to - 1]))
		to--;
	while (from < to && f->text[from] == ' ')
		from++;
	*indent = (uint32_t)(from - start);
	return view_of(f->text + from, to - from);
}

static bool take_word(struct view *v, const char *word)
{
	size_t len = strlen(word);

	while (v->len && (v->p[0] == ' ' || v->p[0] == ',')) {
		v->p++;
		v->len--;
	}
	if (v->len < len || memcmp(v->p, word, len) != 0)
		return false;
	v->p += len;
	v->len -= len;
	return true;
}

/* The comment allows the id; *in_file: for the whole file. */
static bool comment_allows(struct view v, enum lint_id id, bool *in_file)
{
	bool found = false;
	char want[8];

	if (!take_word(&v, "#") || !take_word(&v, "sallyport:") || !take_word(&v, "allow "))
		return false;
	(void)snprintf(want, sizeof want, "%u", (unsigned)id);
	while (take_word(&v, "L") && v.len >= 3) {
		found |= !memcmp(v.p, want, 3) && (v.len == 3 || v.p[3] < '0' || v.p[3] > '9');
		while (v.len && v.p[0] >= '0' && v.p[0] <= '9') {
			v.p++;
			v.len--;
		}
	}
	*in_file = take_word(&v, "in this file");
	return found;
}

/* Items begin with '-', indented as the first one of the file. */
static uint32_t item_indent(const struct rule_file *f)
{
	uint32_t indent;

	for (uint32_t i = 0; i < f->n_lines; i++) {
		struct view v = line_of(f, i, &indent);

		if (v.len && v.p[0] == '-' && !(v.len >= 3 && !memcmp(v.p, "---", 3)))
			return indent;
	}
	return 0;
}

/* line: from 0, anywhere in the item. */
static bool above_item(const struct rule_file *f, uint32_t line, enum lint_id id)
{
	uint32_t want = item_indent(f), indent = 0;
	struct view v = line_of(f, line, &indent);
	bool in_file;

	while (line && !(v.len && v.p[0] == '-' && indent == want))
		v = line_of(f, --line, &indent);
	while (line--) {
		v = line_of(f, line, &indent);
		if (!v.len || v.p[0] != '#')
			return false;
		if (comment_allows(v, id, &in_file) && !in_file)
			return true;
	}
	return false;
}

static bool in_file(const struct rule_file *f, enum lint_id id)
{
	bool all;
	uint32_t indent;

	for (uint32_t i = 0; i < f->n_lines; i++)
		if (comment_allows(line_of(f, i, &indent), id, &all) && all)
			return true;
	return false;
}

bool lint_allowed(const struct lint *l, enum lint_id id, const struct rule_file *f, uint32_t line,
		  struct rule_span rule_name)
{
	struct diag_pos pos = rule_span_pos(rule_name, l->c.a, NULL);

	return in_file(f, id) || (line && above_item(f, line - 1, id)) ||
	       (pos.line && above_item(rule_name.text->segs->file, pos.line - 1, id));
}
