/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose_source: the program's own names, read off its source lines.
 *
 * Line information gives a line of C and a column, nothing of what a register stands for. What is read here is little
 * and sure: the left side of an assignment, the expression at a column, an argument of a call that stands on one line.
 * What does not parse has no name.
 */
#include "engine/kverify/diagnose.h"

#include <ctype.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

const char *dx_line_text(const struct dx *x, uint32_t insn)
{
	const struct prog_line *l = prog_line_at(x->p, insn);

	return l && l->text ? l->text + strspn(l->text, " \t") : "";
}

uint32_t dx_line(const struct dx *x, uint32_t insn)
{
	const struct prog_line *l = prog_line_at(x->p, insn);

	return l ? l->line : 0;
}

static bool take(const char *from, const char *to, char name[DX_NAME])
{
	while (from < to && isspace((unsigned char)*from))
		from++;
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	if (from >= to || to - from >= DX_NAME)
		return false;
	memcpy(name, from, (size_t)(to - from));
	name[to - from] = '\0';
	return true;
}

/* Where the `=` of the assignment at column col stands (0: of the only one), outside of parentheses and strings; NULL:
 * there is none. */
static const char *assignment(const char *line, uint32_t col)
{
	const char *found = NULL;
	bool quoted = false, stale = false;
	int depth = 0;

	for (const char *c = line; *c; c++) {
		if (*c == '"' && (c == line || c[-1] != '\\'))
			quoted = !quoted;
		if (quoted)
			continue;
		if (col && found && c - line >= (ptrdiff_t)col - 1)
			return stale ? NULL : found;
		depth += *c == '(' || *c == '{';
		depth -= *c == ')' || *c == '}';
		stale |= found && *c == ',' && !depth;
		if (*c != '=' || depth)
			continue;
		if (c[1] == '=' || (c > line && strchr("=<>!", c[-1]))) {
			c += c[1] == '=';
			continue;
		}
		if (found && !stale)
			return NULL;
		found = c;
		stale = false;
	}
	return stale ? NULL : found;
}

/* The start of the chain of members that ends before `end`: "a->b[i].c". */
static const char *chain_start(const char *line, const char *end)
{
	const char *c = end;

	while (c > line) {
		if (c[-1] == ']') {
			while (c > line && c[-1] != '[')
				c--;
			c -= c > line;
		} else if (is_word(c[-1]) || c[-1] == '.') {
			c--;
		} else if (c - line >= 2 && c[-1] == '>' && c[-2] == '-') {
			c -= 2;
		} else {
			break;
		}
	}
	return c;
}

bool dx_assigned(const char *line, uint32_t col, char name[DX_NAME], const char **right)
{
	const char *eq = assignment(line, col), *end, *start;

	if (!eq)
		return false;
	*right = eq + 1;
	end = eq;
	if (end > line && strchr("+-*/%&|^", end[-1]))
		end--;
	else if (end - line >= 2 && end[-1] == end[-2] && strchr("<>", end[-1]))
		end -= 2;
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	start = chain_start(line, end);
	if (start > line && start[-1] == '*' && start - 1 == line)
		start--;
	return take(start, end, name) && !isdigit((unsigned char)name[0]);
}

static const char *chain_end(const char *c)
{
	for (;;) {
		if (is_word(*c) || *c == '.') {
			c++;
		} else if (c[0] == '-' && c[1] == '>') {
			c += 2;
		} else if (*c == '[' && strchr(c, ']')) {
			c = strchr(c, ']') + 1;
		} else {
			return c;
		}
	}
}

bool dx_expression_at(const char *line, uint32_t col, char name[DX_NAME])
{
	size_t len = strlen(line);
	const char *at = line + (col ? col - 1 : 0), *start, *end;

	if (!col || col > len)
		return false;
	while (*at == '*' || *at == '&' || *at == '(')
		at++;
	if (*at == '-' && at[1] == '>')
		at += 2;
	if (!is_word(*at) || isdigit((unsigned char)*at))
		return false;
	end = chain_end(at);
	start = chain_start(line, at);
	return *end != '(' && take(start, end, name) && strcmp(name, "return") && strcmp(name, "if");
}

bool dx_member_of(const char *line, const char *base, char name[DX_NAME])
{
	size_t n = strlen(base);

	for (const char *c = strstr(line, base); c; c = strstr(c + 1, base))
		if ((c == line || !is_word(c[-1])) && (c[n] == '[' || c[n] == '.' || !strncmp(c + n, "->", 2)))
			return take(c, chain_end(c), name);
	return false;
}

bool dx_argument(const char *line, const char *function, unsigned n, char name[DX_NAME])
{
	const char *c = strstr(line, function), *start;
	int depth = 0;

	if (!c || c[strlen(function)] != '(')
		return false;
	c += strlen(function) + 1;
	for (start = c; *c; c++) {
		if (!depth && (*c == ',' || *c == ')')) {
			if (!n--)
				return take(start, c, name);
			if (*c == ')')
				return false;
			start = c + 1;
		}
		depth += *c == '(' || *c == '[' || *c == '{';
		depth -= *c == ')' || *c == ']' || *c == '}';
	}
	return false;
}

/* Casts, names, members, indexes by a name, one leading * or &; ends at ; or , */
bool dx_is_plain(const char *e)
{
	size_t n = strcspn(e, ";,");
	int depth = 0;

	for (size_t i = 0; i < n; i++) {
		depth += e[i] == '(';
		depth -= e[i] == ')';
		if (depth > 0 && strchr("*", e[i]))
			continue;
		if (e[i] == '-' && e[i + 1] == '>') {
			i++;
			continue;
		}
		if (e[i] == '*' || e[i] == '&') {
			size_t before = i;

			while (before && isspace((unsigned char)e[before - 1]))
				before--;
			if (before && e[before - 1] != '(' && e[before - 1] != ')')
				return false;
			continue;
		}
		if (strchr("+-/%|^?<>!~=", e[i]))
			return false;
	}
	return true;
}
