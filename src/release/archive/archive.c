/* SPDX-License-Identifier: Apache-2.0 */
#include "release/archive/archive.h"

#include "transport/transport.h"

/*
 *   offset  bytes  ustar header (POSIX.1-1988)
 *        0    100  name
 *      100      8  mode      108  8  uid     116  8  gid
 *      124     12  size, octal
 *      136     12  mtime, octal
 *      148      8  checksum: sum of all bytes, with spaces in its own place
 *      156      1  type: '0' or NUL for a regular file
 *      157    100  name of a link
 *      257      8  "ustar", NUL, "00"
 *      265     32  user     297 32  group    329 8 8  device numbers
 *      345    155  prefix of the name
 */
enum {
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_MTIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_LINK = 157,
	AT_MAGIC = 257,
	AT_PREFIX = 345,
	SIZE_DIGITS = 11,
	SUM_DIGITS = 6
};

static void put_octal(uint8_t *at, uint32_t digits, uint64_t v)
{
	for (uint32_t i = digits; i-- > 0; v >>= 3)
		at[i] = (uint8_t)('0' + (v & 7));
}

static uint64_t sum_of(const uint8_t *h)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < ARCHIVE_BLOCK; i++)
		sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : h[i];
	return sum;
}

static void pad(struct buf *out)
{
	static const char zero[ARCHIVE_BLOCK];

	if (out->len % ARCHIVE_BLOCK)
		buf_put(out, zero, ARCHIVE_BLOCK - out->len % ARCHIVE_BLOCK);
}

FALLIBLE archive_add(struct buf *out, const char *name, struct view bytes, struct diag *d)
{
	uint8_t h[ARCHIVE_BLOCK] = { 0 };

	if (!transport_name_ok(name) || strlen(name) >= ARCHIVE_MAX_NAME)
		FAIL_ID(d, INVALID, 'D', 401, "'%.100s' is no name for a file in an archive", name);
	if (bytes.len > ARCHIVE_MAX_FILE)
		FAIL_ID(d, LIMIT, 'D', 402, "'%s' has %zu bytes; a file in an archive at most %d", name, bytes.len,
			ARCHIVE_MAX_FILE);
	memcpy(h, name, strlen(name));
	put_octal(h + AT_MODE, 7, 0644);
	put_octal(h + AT_UID, 7, 0);
	put_octal(h + AT_GID, 7, 0);
	put_octal(h + AT_SIZE, SIZE_DIGITS, bytes.len);
	put_octal(h + AT_MTIME, SIZE_DIGITS, 0);
	h[AT_TYPE] = '0';
	memcpy(h + AT_MAGIC, "ustar\00000", 8);
	put_octal(h + AT_SUM, SUM_DIGITS, sum_of(h));
	h[AT_SUM + SUM_DIGITS + 1] = ' ';
	buf_put(out, h, sizeof h);
	buf_put(out, bytes.p, bytes.len);
	pad(out);
	if (out->full)
		FAIL_ID(d, LIMIT, 'D', 402, "the archive would be larger than %zu bytes", out->max);
	return E_OK;
}

FALLIBLE archive_end(struct buf *out)
{
	static const char zero[2 * ARCHIVE_BLOCK];

	buf_put(out, zero, sizeof zero);
	return out->full ? E_LIMIT : E_OK;
}

/* Octal digits, then a NUL or a space or the field's end. */
static bool get_octal(const uint8_t *at, uint32_t width, uint64_t *out)
{
	uint64_t v = 0;
	uint32_t i = 0;

	while (i < width && at[i] >= '0' && at[i] <= '7')
		v = v << 3 | (uint64_t)(at[i++] - '0');
	*out = v;
	return i > 0 && (i == width || at[i] == 0 || at[i] == ' ');
}

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

#define BAD(kind, id, ...)                                                                 \
	do {                                                                               \
		if (d)                                                                     \
			d->offset = *at;                                                   \
		return diag_fail(d, E_##kind, 'D', (id), __FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

static FALLIBLE check_header(const uint8_t *h, const size_t *at, uint64_t *size, struct diag *d)
{
	uint64_t sum = 0;

	if (memcmp(h + AT_MAGIC, "ustar", 5) != 0 || !get_octal(h + AT_SUM, 8, &sum) || sum != sum_of(h))
		BAD(FORMAT, 403, "the archive is damaged, or is no tar file");
	if (h[AT_TYPE] != '0' && h[AT_TYPE] != 0)
		BAD(UNSUPPORTED, 404, "the archive has something that is no regular file (type 0x%02x)", h[AT_TYPE]);
	if (!is_zero(h + AT_LINK, 100) || h[AT_PREFIX])
		BAD(UNSUPPORTED, 404, "the archive has a link, or a name that is too long");
	if (!get_octal(h + AT_SIZE, 12, size))
		BAD(FORMAT, 403, "the archive is damaged: a size is no number");
	if (*size > ARCHIVE_MAX_FILE)
		BAD(LIMIT, 402, "the archive has a file of %llu bytes; at most %d are taken", (unsigned long long)*size,
		    ARCHIVE_MAX_FILE);
	return E_OK;
}

FALLIBLE archive_next(struct view archive, size_t *at, struct archive_file *out, struct diag *d)
{
	struct archive_file f = { 0 };
	uint64_t size = 0, padded;
	struct view h;

	if (!view_sub(archive, *at, ARCHIVE_BLOCK, &h))
		BAD(TRUNCATED, 405, "the archive ends too early");
	if (is_zero(h.p, ARCHIVE_BLOCK))
		return E_NOT_FOUND;
	TRY(check_header(h.p, at, &size, d));
	memcpy(f.name, h.p, ARCHIVE_MAX_NAME - 1);
	if (h.p[ARCHIVE_MAX_NAME - 1] || !transport_name_ok(f.name))
		BAD(FORMAT, 401, "the archive has a name that no file of a repository has");
	padded = (size + ARCHIVE_BLOCK - 1) / ARCHIVE_BLOCK * ARCHIVE_BLOCK;
	if (!view_has(archive, *at + ARCHIVE_BLOCK, padded))
		BAD(TRUNCATED, 405, "the archive ends within '%s'", f.name);
	(void)view_sub(archive, *at + ARCHIVE_BLOCK, size, &f.bytes);
	*at += ARCHIVE_BLOCK + padded;
	*out = f;
	return E_OK;
}
