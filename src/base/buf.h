/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow up to a limit.
 *
 * Writes past the limit (or without memory) are dropped whole and set `full`, which sticks: a
 * writer checks once, at the end. The text is always NUL-terminated when p is not NULL.
 */
#ifndef SALLYPORT_BASE_BUF_H
#define SALLYPORT_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *p;
	size_t len, cap, max;
	bool full;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
void buf_reset(struct buf *b); /* keeps the memory */
void buf_put(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Pad with zero bytes to a multiple of align (a power of two). */
void buf_align(struct buf *b, size_t align);
/*
 * Append untrusted text for a person: invalid UTF-8 becomes U+FFFD, control characters (C0, DEL, C1)
 * become \n \r \t or \xHH, so that no event can drive a terminal.
 */
void buf_put_safe(struct buf *b, const char *s, size_t len);

/* Decode one UTF-8 code point; returns its length (1-4), or 0 where the bytes are not valid. */
size_t utf8_decode(const char *s, size_t len, uint32_t *out);

#endif
