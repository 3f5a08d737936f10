/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <math.h>

void json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

static void before_value(struct json *j)
{
	if (j->after_key)
		j->after_key = false;
	else if (j->comma[j->depth])
		buf_putc(j->out, ',');
	j->comma[j->depth] = true;
}

static void open(struct json *j, char c)
{
	before_value(j);
	buf_putc(j->out, c);
	assert(j->depth + 1 < JSON_DEPTH && "our own documents are shallow");
	j->comma[++j->depth] = false;
}

static void close_with(struct json *j, char c)
{
	assert(j->depth && "closes what was opened");
	j->depth--;
	buf_putc(j->out, c);
}

void json_object(struct json *j)
{
	open(j, '{');
}

void json_end_object(struct json *j)
{
	close_with(j, '}');
}

void json_array(struct json *j)
{
	open(j, '[');
}

void json_end_array(struct json *j)
{
	close_with(j, ']');
}

static void put_quoted(struct buf *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t plain = 0;
	uint32_t c = 0;

	buf_putc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &c);
		if (n && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			plain += n;
			continue;
		}
		buf_put(out, s + i - plain, plain);
		plain = 0;
		if (!n) {
			n = 1;
			buf_puts(out, "\xef\xbf\xbd");
		} else if (c == '"' || c == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, (char)c);
		} else {
			buf_puts(out, "\\u00");
			buf_putc(out, hex[c >> 4]);
			buf_putc(out, hex[c & 15]);
		}
	}
	buf_put(out, s + len - plain, plain);
	buf_putc(out, '"');
}

void json_key(struct json *j, const char *key)
{
	before_value(j);
	put_quoted(j->out, key, strlen(key));
	buf_putc(j->out, ':');
	j->after_key = true;
}

void json_strn(struct json *j, const char *s, size_t len)
{
	before_value(j);
	put_quoted(j->out, s, len);
}

void json_str(struct json *j, const char *s)
{
	if (s)
		json_strn(j, s, strlen(s));
	else
		json_null(j);
}

void json_u64(struct json *j, uint64_t v)
{
	before_value(j);
	buf_printf(j->out, "%llu", (unsigned long long)v);
}

void json_i64(struct json *j, int64_t v)
{
	before_value(j);
	buf_printf(j->out, "%lld", (long long)v);
}

void json_f64(struct json *j, double v)
{
	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	before_value(j);
	buf_printf(j->out, "%.3f", v);
}

void json_bool(struct json *j, bool v)
{
	before_value(j);
	buf_puts(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
	before_value(j);
	buf_puts(j->out, "null");
}
