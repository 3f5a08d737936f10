/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper_format: is a format string one that bpf_snprintf takes, with so many values?
 *
 * Linux: kernel/bpf/helpers.c:bpf_bprintf_prepare, v6.12, without values.
 */
#include "engine/kverify/helper.h"

static bool is_ascii(char c)
{
	return !((unsigned char)c & 0x80);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_print(char c)
{
	return c >= ' ' && c <= '~';
}

static bool is_punct(char c)
{
	bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

	return is_print(c) && c != ' ' && !alnum;
}

/* Nothing that would belong to the specifier comes after it. */
static bool ends(char c)
{
	return !c || is_space(c) || is_punct(c);
}

static const char *skip_width(const char *s)
{
	while (*s == '0' || *s == '+' || *s == '-' || *s == ' ')
		s++;
	if (*s >= '1' && *s <= '9')
		while (*s >= '0' && *s <= '9')
			s++;
	return s;
}

/* After %p. NULL: none of the kinds of pointers that are known. */
static const char *pointer(const char *s)
{
	if (ends(s[0]))
		return s;
	if ((s[0] == 'k' || s[0] == 'u') && s[1] == 's')
		return ends(s[2]) ? s + 2 : NULL;
	if (s[0] == 'K' || s[0] == 'x' || s[0] == 's' || s[0] == 'S' || s[0] == 'B')
		return s + 1;
	if ((s[0] == 'i' || s[0] == 'I') && (s[1] == '4' || s[1] == '6'))
		return s + 2;
	return NULL;
}

static const char *number(const char *s)
{
	if (*s == 'l')
		s++;
	if (*s == 'l')
		s++;
	return *s && strchr("iduxX", *s) ? s + 1 : NULL;
}

/* After %: what comes behind the specifier; NULL: it is not one. */
static const char *specifier(const char *s, bool has_chars)
{
	if (!is_ascii(*s))
		return NULL;
	s = skip_width(s);
	if (*s == 'p')
		return pointer(s + 1);
	if (*s == 's')
		return ends(s[1]) ? s + 1 : NULL;
	if (*s == 'c' && has_chars)
		return s + 1;
	return number(s);
}

bool kformat_ok(const struct kverifier *v, const char *fmt, size_t len, uint32_t n)
{
	bool utf8 = khas(v, KERNEL_FORMAT_UTF8);
	const char *end = fmt + len;

	while (fmt < end) {
		if (is_ascii(*fmt) ? !is_print(*fmt) && !is_space(*fmt) : !utf8)
			return false;
		if (*fmt++ != '%')
			continue;
		if (*fmt == '%') {
			fmt++;
			continue;
		}
		if (!n--)
			return false;
		fmt = specifier(fmt, khas(v, KERNEL_FORMAT_CHARS));
		if (!fmt)
			return false;
	}
	return true;
}
