/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: one line of a file of alerts, read back by somebody who believes nothing.
 *
 * The line must be one JSON object (RFC 8259) of bounded depth, in valid UTF-8 and without control characters. Texts
 * are borrowed as they stand between their quotes. A library is not needed: there is one shape to know, and nothing
 * to allocate.
 */
#include "sensor/output/output.h"

#include "content/rule/rule.h"

#include <time.h>

enum { MAX_DEPTH = 16 };

struct cursor {
	const char *p, *end;
};

static void skip_spaces(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static bool take(struct cursor *c, char want)
{
	skip_spaces(c);
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four digits of \uXXXX; -1: they are none. */
static int32_t read_unit(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/* Behind a quote: the text up to the next one. */
static bool take_text(struct cursor *c, struct view *out)
{
	const char *from = c->p;
	uint32_t code;
	size_t n;

	while (c->p < c->end && *c->p != '"') {
		if (*c->p == '\\') {
			if (c->end - c->p < 2 || !strchr("\"\\/bfnrtu", c->p[1]) || !c->p[1])
				return false;
			if (c->p[1] == 'u' && read_unit(c->p + 2, c->end) < 0)
				return false;
			c->p += c->p[1] == 'u' ? 6 : 2;
			continue;
		}
		n = utf8_decode(c->p, (size_t)(c->end - c->p), &code);
		if (!n || code < 0x20 || code == 0x7f)
			return false;
		c->p += n;
	}
	if (c->p == c->end)
		return false;
	*out = view_of(from, (size_t)(c->p - from));
	c->p++;
	return true;
}

static bool take_digits(struct cursor *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > from;
}

static bool take_number(struct cursor *c)
{
	const char *from;

	if (c->p < c->end && *c->p == '-')
		c->p++;
	from = c->p;
	if (!take_digits(c) || (*from == '0' && c->p - from > 1))
		return false;
	if (c->p < c->end && *c->p == '.' && (c->p++, !take_digits(c)))
		return false;
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		return take_digits(c);
	}
	return true;
}

/* A value that is no object, list or text. */
static bool take_plain(struct cursor *c)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < countof(words); i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(c->end - c->p) >= n && !memcmp(c->p, words[i], n)) {
			c->p += n;
			return true;
		}
	}
	return take_number(c);
}

static bool take_key(struct cursor *c, struct view *key)
{
	return take(c, '"') && take_text(c, key) && take(c, ':');
}

/*
 * Any value, by a stack of open brackets and not by recursion. In an object a key stands before each value.
 */
static bool skip_value(struct cursor *c)
{
	char open[MAX_DEPTH];
	uint32_t depth = 0;
	struct view text;

	for (;;) {
		skip_spaces(c);
		if (c->p < c->end && (*c->p == '{' || *c->p == '[')) {
			if (depth == MAX_DEPTH)
				return false;
			open[depth++] = *c->p++ == '{' ? '}' : ']';
			if (!take(c, open[depth - 1])) {
				if (open[depth - 1] == '}' && !take_key(c, &text))
					return false;
				continue;
			}
			depth--;
		} else if (take(c, '"') ? !take_text(c, &text) : !take_plain(c)) {
			return false;
		}
		while (depth && take(c, open[depth - 1]))
			depth--;
		if (!depth)
			return true;
		if (!take(c, ',') || (open[depth - 1] == '}' && !take_key(c, &text)))
			return false;
	}
}

static bool is_key(struct view key, const char *name)
{
	return key.len == strlen(name) && !memcmp(key.p, name, key.len);
}

/* "2026-03-01T12:00:00Z", with a fraction of up to nine digits, and an offset instead of Z. */
static bool take_two(struct cursor *c, int max, char before, int *out)
{
	if ((before && !take(c, before)) || c->end - c->p < 2 || c->p[0] < '0' || c->p[0] > '9' || c->p[1] < '0' ||
	    c->p[1] > '9')
		return false;
	*out = (c->p[0] - '0') * 10 + c->p[1] - '0';
	c->p += 2;
	return *out <= max;
}

static bool take_offset(struct cursor *c, int64_t *seconds)
{
	int hours, minutes;
	char sign;

	*seconds = 0;
	if (take(c, 'Z') || take(c, 'z'))
		return true;
	if (c->p == c->end || (*c->p != '+' && *c->p != '-'))
		return false;
	sign = *c->p++;
	if (!take_two(c, 23, 0, &hours) || !take_two(c, 59, ':', &minutes))
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
	return true;
}

bool output_time_read(struct view text, uint64_t *out)
{
	struct cursor c = { (const char *)text.p, (const char *)text.p + text.len };
	uint64_t ns = 0, unit = 1000000000;
	struct tm tm = { 0 };
	int century, year;
	int64_t offset, s;

	if (memchr(text.p, ' ', text.len) || memchr(text.p, '\t', text.len) || !take_two(&c, 99, 0, &century) ||
	    !take_two(&c, 99, 0, &year) || !take_two(&c, 12, '-', &tm.tm_mon) || !take_two(&c, 31, '-', &tm.tm_mday) ||
	    !(take(&c, 'T') || take(&c, 't')) || !take_two(&c, 23, 0, &tm.tm_hour) ||
	    !take_two(&c, 59, ':', &tm.tm_min) || !take_two(&c, 60, ':', &tm.tm_sec))
		return false;
	if (take(&c, '.'))
		for (const char *from = c.p; c.p < c.end && *c.p >= '0' && *c.p <= '9'; c.p++) {
			if (c.p - from == 9)
				return false;
			unit /= 10;
			ns += unit * (uint64_t)(*c.p - '0');
		}
	if (!take_offset(&c, &offset) || c.p != c.end || !tm.tm_mon || !tm.tm_mday)
		return false;
	tm.tm_year = century * 100 + year - 1900;
	tm.tm_mon--;
	s = timegm(&tm) - offset;
	if (s < 0 || (uint64_t)s > UINT64_MAX / 1000000000 - 1)
		return false;
	*out = (uint64_t)s * 1000000000 + ns;
	return true;
}

static bool read_priority(struct view text, uint32_t *out)
{
	for (uint32_t p = 0; p <= RULE_DEBUG; p++)
		if (is_key(text, rule_priority_name(p))) {
			*out = p;
			return true;
		}
	return false;
}

enum { HAVE_OUTPUT = 1, HAVE_PRIORITY = 2, HAVE_RULE = 4, HAVE_TIME = 8, HAVE_ALL = 15 };

/* A member whose value is wanted; *have knows which were there already. */
static bool take_member(struct cursor *c, struct view key, struct output_read *out, uint32_t *have)
{
	uint32_t bit = is_key(key, "output")     ? HAVE_OUTPUT
		       : is_key(key, "priority") ? HAVE_PRIORITY
		       : is_key(key, "rule")     ? HAVE_RULE
		       : is_key(key, "time")     ? HAVE_TIME
						 : 0;
	struct view text;

	if (!bit)
		return skip_value(c);
	if (*have & bit || !take(c, '"') || !take_text(c, &text))
		return false;
	*have |= bit;
	if (bit == HAVE_PRIORITY)
		return read_priority(text, &out->priority);
	if (bit == HAVE_TIME)
		return output_time_read(text, &out->time_ns);
	*(bit == HAVE_RULE ? &out->rule : &out->output) = text;
	return true;
}

bool output_json_read(struct view line, struct output_read *out)
{
	struct cursor c = { (const char *)line.p, (const char *)line.p + line.len };
	struct output_read r = { 0 };
	uint32_t have = 0;
	struct view key;

	if (!line.len || line.len > OUTPUT_LINE_MAX || !take(&c, '{'))
		return false;
	do {
		if (!take_key(&c, &key) || !take_member(&c, key, &r, &have))
			return false;
	} while (take(&c, ','));
	if (!take(&c, '}'))
		return false;
	skip_spaces(&c);
	if (c.p != c.end || have != HAVE_ALL)
		return false;
	*out = r;
	return true;
}

/* Half of a surrogate pair without the other is U+FFFD. Returns how many bytes of the escape were used. */
static size_t unescape(const char *p, const char *end, uint32_t *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int32_t low, high;

	if (p[1] != 'u') {
		*out = (uint8_t)to[strchr(from, p[1]) - from];
		return 2;
	}
	high = read_unit(p + 2, end);
	*out = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return 6;
	*out = 0xfffd;
	low = end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? read_unit(p + 8, end) : -1;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return 6;
	*out = 0x10000 + ((uint32_t)(high - 0xd800) << 10 | (uint32_t)(low - 0xdc00));
	return 12;
}

static size_t encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

void output_unescape(struct view text, struct buf *out)
{
	const char *p = (const char *)text.p, *end = p + text.len;
	char bytes[4];
	uint32_t code;

	while (p < end) {
		const char *plain = p;

		while (p < end && *p != '\\')
			p++;
		buf_put(out, plain, (size_t)(p - plain));
		if (p == end)
			return;
		p += unescape(p, end, &code);
		buf_put(out, bytes, encode(code, bytes));
	}
}
