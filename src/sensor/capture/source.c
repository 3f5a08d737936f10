/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: bytes from a descriptor or memory, through inflate when they are gzip (RFC 1952), also of several members.
 *
 * Memory grows with what is really there, never with what a length field claims.
 */
#include "sensor/capture/parts.h"

#include <errno.h>
#include <stdarg.h>
#include <zlib.h>

enum { INPUT_BYTES = 64 << 10, STEP_BYTES = 64 << 10, GZIP_WINDOW = 15 + 16 };

struct source {
	int fd;
	struct view bytes; /* when fd is -1: what is left of it */
	const char *name;
	uint64_t offset; /* of data[head] */
	uint8_t *data;
	size_t head, tail, cap;
	bool raw_end, end;

	bool compressed, member_open, inflate_ready;
	z_stream z;
	uint64_t in_total, out_total;
	uint8_t input[INPUT_BYTES];
	size_t in_head, in_tail;
};

FALLIBLE source_fail(const struct source *s, struct diag *d, enum err err, enum capture_diag_id id, uint64_t offset,
		     const char *fmt, ...)
{
	char text[sizeof d->text];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err = diag_fail(d, err, 'P', (uint16_t)id, __FILE__, __LINE__, "%s", text);
	if (d) {
		d->subject = s->name;
		d->offset = offset;
	}
	return err;
}

/* Up to max bytes as the file has them; 0: no more. */
static FALLIBLE read_raw(struct source *s, uint8_t *to, size_t max, size_t *out_n, struct diag *d)
{
	ssize_t n;

	if (s->fd < 0) {
		n = (ssize_t)(max < s->bytes.len ? max : s->bytes.len);
		if (n)
			memcpy(to, s->bytes.p, (size_t)n);
		s->bytes.p += n;
		s->bytes.len -= (size_t)n;
	} else {
		do
			n = read(s->fd, to, max);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return source_fail(s, d, E_IO, DIAG_READ, s->offset, "cannot be read: %s", strerror(errno));
	}
	*out_n = (size_t)n;
	return E_OK;
}

static FALLIBLE fill_input(struct source *s, struct diag *d)
{
	size_t n;

	if (s->in_head < s->in_tail || s->raw_end)
		return E_OK;
	TRY(read_raw(s, s->input, sizeof s->input, &n, d));
	s->in_head = 0;
	s->in_tail = n;
	s->raw_end = !n;
	return E_OK;
}

/* Up to max bytes after decompression; 0: no more. */
static FALLIBLE read_gzip(struct source *s, uint8_t *to, size_t max, size_t *out_n, struct diag *d)
{
	uint64_t at = s->offset + (s->tail - s->head);
	int rc;

	*out_n = 0;
	while (!*out_n) {
		TRY(fill_input(s, d));
		if (s->in_head == s->in_tail && !s->member_open)
			return E_OK;
		if (s->in_head == s->in_tail)
			return source_fail(s, d, E_TRUNCATED, DIAG_CUT, at, "the compressed data ends before its end");
		s->z.next_in = s->input + s->in_head;
		s->z.avail_in = (uInt)(s->in_tail - s->in_head);
		s->z.next_out = to;
		s->z.avail_out = (uInt)max;
		s->member_open = true;
		rc = inflate(&s->z, Z_NO_FLUSH);
		s->in_total += s->in_tail - s->in_head - s->z.avail_in;
		s->in_head = s->in_tail - s->z.avail_in;
		*out_n = max - s->z.avail_out;
		s->out_total += *out_n;
		if (rc == Z_MEM_ERROR)
			return E_NOMEM;
		if (rc != Z_OK && rc != Z_STREAM_END && *out_n)
			return E_OK; /* what came before the damage first; inflate says it again */
		if (rc != Z_OK && rc != Z_STREAM_END)
			return source_fail(s, d, E_FORMAT, DIAG_INFLATE, at, "the compressed data is damaged: %s",
					   s->z.msg ? s->z.msg : "no progress");
		if (s->out_total > CAPTURE_RATIO_FREE && s->out_total / CAPTURE_RATIO_MAX > s->in_total)
			return source_fail(s, d, E_LIMIT, DIAG_BOMB, at, "%llu compressed bytes became %llu",
					   (unsigned long long)s->in_total, (unsigned long long)s->out_total);
		if (rc == Z_STREAM_END) {
			s->member_open = false;
			if (inflateReset(&s->z) != Z_OK)
				return E_NOMEM;
		}
	}
	return E_OK;
}

/* Room for step more bytes behind tail. */
static FALLIBLE make_room(struct source *s, size_t step)
{
	size_t have = s->tail - s->head, cap = s->cap;
	uint8_t *p;

	if (s->head && have + step > s->cap - s->head) {
		memmove(s->data, s->data + s->head, have);
		s->head = 0;
		s->tail = have;
	}
	while (cap - s->tail < step)
		cap = cap ? cap * 2 : 2 * STEP_BYTES;
	if (cap == s->cap)
		return E_OK;
	p = realloc(s->data, cap);
	if (!p)
		return E_NOMEM;
	s->data = p;
	s->cap = cap;
	return E_OK;
}

FALLIBLE source_peek(struct source *s, size_t n, struct view *out, struct diag *d)
{
	while (s->tail - s->head < n && !s->end) {
		size_t got = 0;

		TRY(make_room(s, STEP_BYTES));
		if (s->compressed)
			TRY(read_gzip(s, s->data + s->tail, STEP_BYTES, &got, d));
		else if (s->in_head < s->in_tail) { /* what was read to see what it is */
			got = s->in_tail - s->in_head < STEP_BYTES ? s->in_tail - s->in_head : STEP_BYTES;
			memcpy(s->data + s->tail, s->input + s->in_head, got);
			s->in_head += got;
		} else
			TRY(read_raw(s, s->data + s->tail, STEP_BYTES, &got, d));
		s->tail += got;
		s->end = !got;
	}
	*out = view_of(s->data + s->head, s->tail - s->head < n ? s->tail - s->head : n);
	return E_OK;
}

FALLIBLE source_take(struct source *s, size_t n, struct view *out, struct diag *d)
{
	struct view v;

	TRY(source_peek(s, n, &v, d));
	if (v.len < n)
		return source_fail(s, d, E_TRUNCATED, DIAG_CUT, s->offset,
				   "the file ends here: %zu bytes are needed, %zu are there", n, v.len);
	s->head += n;
	s->offset += n;
	*out = v;
	return E_OK;
}

bool source_compressed(const struct source *s)
{
	return s->compressed;
}

uint64_t source_offset(const struct source *s)
{
	return s->offset;
}

/* Is it gzip? A pipe may give the first two bytes one by one. */
static FALLIBLE look(struct source *s, struct diag *d)
{
	while (s->in_tail < 2) {
		size_t n;

		TRY(read_raw(s, s->input + s->in_tail, sizeof s->input - s->in_tail, &n, d));
		if (!n)
			return E_OK;
		s->in_tail += n;
	}
	s->compressed = s->input[0] == 0x1f && s->input[1] == 0x8b;
	if (!s->compressed)
		return E_OK;
	if (inflateInit2(&s->z, GZIP_WINDOW) != Z_OK)
		return E_NOMEM;
	s->inflate_ready = true;
	return E_OK;
}

FALLIBLE source_new(int fd, struct view bytes, const char *name, struct source **out, struct diag *d)
{
	struct source *s = calloc(1, sizeof *s);
	enum err err;

	if (!s)
		return E_NOMEM;
	s->fd = fd;
	s->bytes = bytes;
	s->name = name;
	err = look(s, d);
	if (err != E_OK) {
		source_free(s);
		return err;
	}
	*out = s;
	return E_OK;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	if (s->inflate_ready)
		(void)inflateEnd(&s->z);
	free(s->data);
	free(s);
}
