/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->p)
		b->p[0] = 0;
}

static bool reserve(struct buf *b, size_t extra)
{
	size_t cap = b->cap ? b->cap : 128;
	char *p;

	if (b->full || extra > b->max || b->len > b->max - extra) {
		b->full = true;
		return false;
	}
	if (b->len + extra < b->cap)
		return true;
	while (cap <= b->len + extra)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!GUARD(13, p)) {
		b->full = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_put(struct buf *b, const void *p, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && reserve(b, (size_t)n)) {
		(void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_align(struct buf *b, size_t align)
{
	static const char zero[64];
	size_t pad = (align - (b->len & (align - 1))) & (align - 1);

	assert(align <= sizeof zero && "buf_align serves small alignments");
	buf_put(b, zero, pad);
}

size_t utf8_decode(const char *s, size_t len, uint32_t *out)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *u = (const uint8_t *)s;
	size_t n;
	uint32_t c;

	if (!len)
		return 0;
	if (u[0] < 0x80) {
		*out = u[0];
		return 1;
	}
	n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	if (u[0] < 0xc2 || u[0] > 0xf4 || n > len)
		return 0;
	c = u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

static void put_escaped(struct buf *b, uint32_t c)
{
	switch (c) {
	case '\n':
		buf_puts(b, "\\n");
		return;
	case '\r':
		buf_puts(b, "\\r");
		return;
	case '\t':
		buf_puts(b, "\\t");
		return;
	default:
		buf_printf(b, "\\x%02x", c);
	}
}

void buf_put_safe(struct buf *b, const char *s, size_t len)
{
	uint32_t c = 0;

	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = utf8_decode(s + i, len - i, &c);
		if (!n)
			buf_puts(b, "\xef\xbf\xbd");
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			put_escaped(b, c);
		else
			buf_put(b, s + i, n);
	}
}
