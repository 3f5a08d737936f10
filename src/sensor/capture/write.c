/* SPDX-License-Identifier: Apache-2.0 */
/* write: Sallyport's own format. A block goes out in one write, so a writer that dies leaves whole blocks and at most
 * one part of one. */
#include "sensor/capture/parts.h"

#include <errno.h>

struct capture_writer {
	int fd;
	bool broken;
	struct own_end totals; /* blocks and kinds of what was written; records of all */
	uint64_t first, bytes;
	uint32_t n_records;
	size_t len; /* of block, its header included */
	uint8_t block[sizeof(struct own_block) + OWN_BLOCK_FILL];
};

static FALLIBLE put(struct capture_writer *w, const void *p, size_t len)
{
	if (w->broken) {
		errno = EPIPE;
		return E_IO;
	}
	if (io_write_all(w->fd, p, len) != E_OK) {
		w->broken = true;
		return E_IO;
	}
	w->bytes += len;
	return E_OK;
}

static void seal(struct own_block *b, const void *payload)
{
	b->magic = OWN_BLOCK_MAGIC;
	b->payload_crc = capture_crc32c(0, payload, b->bytes);
	b->crc = capture_crc32c(0, b, offsetof(struct own_block, crc));
}

static FALLIBLE put_text(struct capture_writer *w, uint32_t type, const char *text, size_t len)
{
	struct own_block b = { .type = type, .bytes = (uint32_t)(len < CAPTURE_USERS_MAX ? len : CAPTURE_USERS_MAX) };

	if (!b.bytes)
		return E_OK;
	seal(&b, text);
	TRY(put(w, &b, sizeof b));
	w->totals.blocks++;
	return put(w, text, b.bytes);
}

static FALLIBLE put_header(struct capture_writer *w, const struct capture_info *info)
{
	struct own_header h = { .version = CAPTURE_VERSION,
				.bytes = sizeof h,
				.layout = capture_layout(),
				.boot_to_wall_ns = info->boot_to_wall_ns };

	memcpy(h.magic, OWN_MAGIC, sizeof h.magic);
	(void)snprintf(h.hostname, sizeof h.hostname, "%s", info->hostname);
	(void)snprintf(h.sensor, sizeof h.sensor, "%s", info->sensor);
	h.crc = capture_crc32c(0, &h, offsetof(struct own_header, crc));
	return put(w, &h, sizeof h);
}

FALLIBLE capture_write_open(int fd, const struct capture_info *info, struct capture_writer **out)
{
	struct capture_writer *w = calloc(1, sizeof *w);
	enum err err;

	if (!w)
		return E_NOMEM;
	w->fd = fd;
	w->len = sizeof(struct own_block);
	err = put_header(w, info);
	if (err == E_OK)
		err = put_text(w, OWN_USERS, info->users, info->users_len);
	if (err == E_OK)
		err = put_text(w, OWN_GROUPS, info->groups, info->groups_len);
	if (err != E_OK) {
		free(w);
		return err;
	}
	*out = w;
	return E_OK;
}

FALLIBLE capture_write_flush(struct capture_writer *w)
{
	struct own_block b = { .type = OWN_RECORDS,
			       .bytes = (uint32_t)(w->len - sizeof b),
			       .n_records = w->n_records,
			       .first = w->first };

	if (!w->n_records)
		return w->broken ? E_IO : E_OK;
	seal(&b, w->block + sizeof b);
	memcpy(w->block, &b, sizeof b);
	TRY(put(w, w->block, w->len));
	w->first += w->n_records;
	w->n_records = 0;
	w->len = sizeof b;
	w->totals.blocks++;
	return E_OK;
}

FALLIBLE capture_write(struct capture_writer *w, struct view rec)
{
	struct wire_hdr h;

	if (VIEW_READ(rec, 0, &h) != E_OK || h.bytes != rec.len || rec.len > WIRE_RECORD_MAX + WIRE_ARGS_BYTES)
		return E_FORMAT;
	if (rec.len > sizeof w->block - w->len)
		TRY(capture_write_flush(w));
	if (w->broken)
		return E_IO;
	memcpy(w->block + w->len, rec.p, rec.len);
	w->len += rec.len;
	w->n_records++;
	w->totals.records++;
	if (h.kind < WIRE_N_KINDS)
		w->totals.kinds[h.kind]++;
	return E_OK;
}

FALLIBLE capture_write_end(struct capture_writer *w)
{
	struct own_block b = { .type = OWN_END, .bytes = sizeof w->totals };
	uint8_t all[sizeof b + sizeof w->totals];

	TRY(capture_write_flush(w));
	b.first = w->first;
	seal(&b, &w->totals);
	memcpy(all, &b, sizeof b);
	memcpy(all + sizeof b, &w->totals, sizeof w->totals);
	return put(w, all, sizeof all);
}

void capture_write_free(struct capture_writer *w)
{
	free(w);
}

void capture_written(const struct capture_writer *w, struct capture_written *out)
{
	*out = (struct capture_written){ .records = w->totals.records, .bytes = w->bytes, .blocks = w->totals.blocks };
}
