/* SPDX-License-Identifier: Apache-2.0 */
/*
 * glob: shell patterns over bytes, as fnmatch(3) has them without flags in the C locale: `*`, `?`, `[set]` with ranges,
 * `[!set]` and `[^set]`, character classes `[:alpha:]`, and `\` before any byte. `*` and `?` match `/` too. Folding
 * case leaves classes as they are. Collation (`[.x.]`, `[=x=]`) needs a locale and is not there; a class of unknown
 * name is empty.
 *
 * Matching walks both strings once and, on a mismatch, goes back to the last `*` only: whatever an earlier `*`
 * could still take, the last one can take as well. At most len * pat_len steps; no recursion.
 */
#include "engine/helpers/impl.h"

#include <ctype.h>

struct glob {
	const char *pat;
	size_t pat_len;
	bool fold_case;
};

static unsigned char low(unsigned char c)
{
	return (unsigned char)fold((char)c);
}

/* The C locale's classes, ASCII only: isalpha() and its like depend on the process's locale. */
bool ascii_class(const char *name, size_t len, unsigned char c)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} rows[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl },
		{ "digit", isdigit }, { "graph", isgraph }, { "lower", islower }, { "print", isprint },
		{ "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (len == 5 + (rows[i].name[5] != 0) && !memcmp(rows[i].name, name, len))
			return c < 0x80 && rows[i].is(c);
	return false;
}

/* Length of "[:name:]" at p, or 0; *hit: c is in it. */
static size_t class_at(const char *p, size_t len, unsigned char c, bool *hit)
{
	size_t n = 2;

	if (len < 4 || p[0] != '[' || p[1] != ':')
		return 0;
	while (n < len && p[n] >= 'a' && p[n] <= 'z')
		n++;
	if (n + 1 >= len || p[n] != ':' || p[n + 1] != ']')
		return 0;
	*hit = ascii_class(p + 2, n - 2, c);
	return n + 2;
}

/* One byte of a set, escaped or plain. *i moves past it. False at the pattern's end. */
static bool set_byte(const struct glob *g, size_t *i, unsigned char *out)
{
	if (*i < g->pat_len && g->pat[*i] == '\\')
		++*i;
	if (*i >= g->pat_len)
		return false;
	*out = (unsigned char)g->pat[(*i)++];
	return true;
}

static bool in_range(const struct glob *g, unsigned char lo, unsigned char hi, unsigned char c)
{
	if (g->fold_case) {
		lo = low(lo);
		hi = low(hi);
		c = low(c);
	}
	return lo <= c && c <= hi;
}

/*
 * Does c match the set whose '[' stands at i? Returns the index after its ']', or 0 when there is no
 * end: then '[' is an ordinary byte.
 */
static size_t set_match(const struct glob *g, size_t i, unsigned char c, bool *hit)
{
	bool negate = false, found = false;
	unsigned char lo, hi;
	size_t first;

	i++;
	if (i < g->pat_len && (g->pat[i] == '!' || g->pat[i] == '^')) {
		negate = true;
		i++;
	}
	for (first = i; i < g->pat_len && (g->pat[i] != ']' || i == first);) {
		bool in = false;
		size_t n = class_at(g->pat + i, g->pat_len - i, c, &in);

		if (n) {
			found |= in;
			i += n;
			continue;
		}
		if (!set_byte(g, &i, &lo))
			return 0;
		hi = lo;
		if (i + 1 < g->pat_len && g->pat[i] == '-' && g->pat[i + 1] != ']') {
			i++;
			if (!set_byte(g, &i, &hi))
				return 0;
		}
		found |= in_range(g, lo, hi, c);
	}
	if (i >= g->pat_len)
		return 0;
	*hit = found != negate;
	return i + 1;
}

/* Does the pattern's element at i (not a star) match c? *next: index of the element after it. */
static bool one_match(const struct glob *g, size_t i, unsigned char c, size_t *next)
{
	unsigned char p = (unsigned char)g->pat[i];
	bool hit = false;

	if (p == '?') {
		*next = i + 1;
		return true;
	}
	if (p == '[') {
		*next = set_match(g, i, c, &hit);
		if (*next)
			return hit;
	}
	if (p == '\\') {
		if (++i == g->pat_len)
			return false; /* a lone \ at the end matches nothing */
		p = (unsigned char)g->pat[i];
	}
	*next = i + 1;
	return g->fold_case ? low(p) == low(c) : p == c;
}

bool glob_match(const char *s, size_t len, const char *pat, size_t pat_len, bool fold_case, uint64_t *work)
{
	const struct glob g = { pat, pat_len, fold_case };
	size_t i = 0, j = 0, next, star = SIZE_MAX, star_i = 0;

	while (i < len) {
		*work += j < pat_len && pat[j] == '[' ? pat_len - j : 2;
		if (j < pat_len && pat[j] == '*') {
			star = ++j;
			star_i = i;
		} else if (j < pat_len && one_match(&g, j, (unsigned char)s[i], &next)) {
			i++;
			j = next;
		} else if (star != SIZE_MAX) {
			i = ++star_i;
			j = star;
		} else {
			return false;
		}
	}
	while (j < pat_len && pat[j] == '*')
		j++;
	return j == pat_len;
}

bool helper_glob(const char *s, size_t len, const char *pat, size_t pat_len, bool fold_case)
{
	uint64_t work = 0;

	return glob_match(s, len, pat, pat_len, fold_case, &work);
}

/* The next component at *i, empty ones left out; false at the end. */
static bool component(const char *p, size_t len, size_t *i, struct helper_str *out)
{
	size_t start;

	while (*i < len && p[*i] == '/')
		++*i;
	start = *i;
	while (*i < len && p[*i] != '/')
		++*i;
	*out = (struct helper_str){ p + start, (uint32_t)(*i - start) };
	return *i > start;
}

bool glob_pmatch(const char *path, size_t len, const char *pat, size_t pat_len, uint64_t *work)
{
	struct helper_str want, have;
	size_t i = 0, j = 0;

	*work += 8;
	if (!pat_len || !len)
		return len == pat_len;
	if ((path[0] == '/') != (pat[0] == '/'))
		return false;
	while (component(pat, pat_len, &j, &want))
		if (!component(path, len, &i, &have) || !glob_match(have.p, have.len, want.p, want.len, false, work))
			return false;
	return true;
}

bool helper_pmatch(const char *path, size_t len, const char *pat, size_t pat_len)
{
	uint64_t work = 0;

	return glob_pmatch(path, len, pat, pat_len, &work);
}
