/* SPDX-License-Identifier: Apache-2.0 */
/* parts: the line that carries an alert in both forms, read back by somebody who believes nothing. */
#include "content/rule/rule.h"
#include "sensor/output/output.h"

/* The bytes up to the next tab, which is skipped. */
static bool next_part(struct view *rest, struct view *out)
{
	const uint8_t *tab = rest->len ? memchr(rest->p, '\t', rest->len) : NULL;

	if (!tab)
		return false;
	*out = view_of(rest->p, (size_t)(tab - rest->p));
	*rest = view_of(tab + 1, rest->len - out->len - 1);
	return true;
}

static bool read_number(struct view v, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, v.p[i] - '0', &n))
			return false;
	}
	*out = n;
	return v.len > 0;
}

static bool is_plain(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] < ' ' || v.p[i] == 0x7f)
			return false;
	return v.len > 0;
}

bool output_parts_read(struct view line, struct output_parts *out)
{
	struct view priority, time, text;
	struct output_parts p;
	uint64_t n;

	if (line.len > OUTPUT_LINE_MAX || !next_part(&line, &priority) || !next_part(&line, &time) ||
	    !next_part(&line, &text))
		return false;
	if (!read_number(priority, &n) || n > RULE_DEBUG || !read_number(time, &p.time_ns))
		return false;
	p.priority = (uint32_t)n;
	p.text = text;
	p.json = line;
	if (!is_plain(p.text) || !is_plain(p.json) || p.json.p[0] != '{' || p.json.p[p.json.len - 1] != '}')
		return false;
	*out = p;
	return true;
}
