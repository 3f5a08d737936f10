/* SPDX-License-Identifier: Apache-2.0 */
/* own: reading Sallyport's own format. A block is looked at only after both of its checksums agree. */
#include "sensor/capture/parts.h"

struct own {
	struct source *src;
	struct capture_stats *stats;
	char *users, *groups;
	uint8_t *block; /* CAPTURE_BLOCK_MAX bytes */
	size_t at, len;
	uint64_t block_offset;
	uint64_t records; /* in the blocks so far */
	uint64_t kinds[WIRE_MAX_KINDS];
	bool ended;
};

static FALLIBLE read_header(struct source *src, struct own_header *h, struct diag *d)
{
	struct view v;

	TRY(source_take(src, sizeof *h, &v, d));
	memcpy(h, v.p, sizeof *h);
	if (h->version != CAPTURE_VERSION)
		return source_fail(src, d, E_UNSUPPORTED, DIAG_VERSION, 8,
				   "version %u, and this program reads version %d", h->version, CAPTURE_VERSION);
	if (capture_crc32c(0, h, offsetof(struct own_header, crc)) != h->crc)
		return source_fail(src, d, E_FORMAT, DIAG_CHECKSUM, 0, "the checksum of the header does not agree");
	if (h->bytes != sizeof *h || h->flags)
		return source_fail(src, d, E_UNSUPPORTED, DIAG_VERSION, 12, "a header of %u bytes with flags 0x%x",
				   h->bytes, h->flags);
	if (h->layout != capture_layout())
		return source_fail(
			src, d, E_SCHEMA, DIAG_LAYOUT, 20,
			"its records are laid out as %08x and this program's as %08x: replay it with sallyport %.*s",
			h->layout, capture_layout(), (int)sizeof h->sensor, h->sensor);
	return E_OK;
}

static bool is_text(const struct own_block *b)
{
	return b->type == OWN_USERS || b->type == OWN_GROUPS;
}

static FALLIBLE check_block(const struct own *o, const struct own_block *b, uint64_t at, struct diag *d)
{
	if (b->magic != OWN_BLOCK_MAGIC)
		return source_fail(o->src, d, E_FORMAT, DIAG_BLOCK, at, "no block begins here");
	if (capture_crc32c(0, b, offsetof(struct own_block, crc)) != b->crc)
		return source_fail(o->src, d, E_FORMAT, DIAG_CHECKSUM, at,
				   "the checksum of the block's header does not agree");
	if (b->type < OWN_USERS || b->type > OWN_GROUPS)
		return source_fail(o->src, d, E_FORMAT, DIAG_BLOCK, at + 4, "there is no block of type %u", b->type);
	if (b->bytes > (is_text(b) ? CAPTURE_USERS_MAX : CAPTURE_BLOCK_MAX))
		return source_fail(o->src, d, E_LIMIT, DIAG_SIZE, at + 8, "a block of %u bytes", b->bytes);
	if (b->first != o->records || (is_text(b) && (o->records || b->n_records)) ||
	    (b->type == OWN_USERS && o->stats->blocks))
		return source_fail(o->src, d, E_FORMAT, DIAG_ORDER, at,
				   "the block with record %llu stands where record %llu comes",
				   (unsigned long long)b->first, (unsigned long long)o->records);
	return E_OK;
}

/* The next block's header, checked, and its payload. */
static FALLIBLE read_block(struct own *o, struct own_block *b, struct view *payload, struct diag *d)
{
	uint64_t at = source_offset(o->src);
	struct view v;

	TRY(source_take(o->src, sizeof *b, &v, d));
	memcpy(b, v.p, sizeof *b);
	TRY(check_block(o, b, at, d));
	TRY(source_take(o->src, b->bytes, payload, d));
	if (capture_crc32c(0, payload->p, payload->len) != b->payload_crc)
		return source_fail(o->src, d, E_FORMAT, DIAG_CHECKSUM, at,
				   "the checksum of the block's contents does not agree");
	o->block_offset = at + sizeof *b;
	return E_OK;
}

/* Records that fill the block exactly, as many as it says. */
static FALLIBLE check_records(struct own *o, const struct own_block *b, struct view v, struct diag *d)
{
	uint64_t at = 0;
	uint32_t n = 0;

	for (; at < v.len; n++) {
		struct wire_hdr h;

		if (VIEW_READ(v, at, &h) != E_OK || h.bytes < sizeof h || h.bytes > WIRE_RECORD_MAX + WIRE_ARGS_BYTES ||
		    !view_has(v, at, h.bytes))
			return source_fail(o->src, d, E_FORMAT, DIAG_RECORDS, o->block_offset + at,
					   "record %llu does not fit into its block",
					   (unsigned long long)(o->records + n));
		if (h.kind < WIRE_N_KINDS)
			o->kinds[h.kind]++;
		at += h.bytes;
	}
	if (n != b->n_records)
		return source_fail(o->src, d, E_FORMAT, DIAG_RECORDS, o->block_offset,
				   "the block has %u records and claims %u", n, b->n_records);
	return E_OK;
}

static FALLIBLE check_end(struct own *o, struct view v, struct diag *d)
{
	struct own_end e;
	struct view rest;

	if (v.len != sizeof e)
		return source_fail(o->src, d, E_FORMAT, DIAG_BLOCK, o->block_offset, "an end of %zu bytes", v.len);
	memcpy(&e, v.p, sizeof e);
	if (e.records != o->records || e.blocks != o->stats->blocks || memcmp(e.kinds, o->kinds, sizeof e.kinds))
		return source_fail(o->src, d, E_FORMAT, DIAG_TOTALS, o->block_offset,
				   "the end tells of %llu records, and %llu came", (unsigned long long)e.records,
				   (unsigned long long)o->records);
	o->stats->blocks++;
	o->ended = true;
	TRY(source_peek(o->src, 1, &rest, d));
	if (rest.len)
		return source_fail(o->src, d, E_FORMAT, DIAG_TRAILING, source_offset(o->src),
				   "something follows the end of the capture");
	return E_NOT_FOUND;
}

/* Blocks until one has a record. */
static FALLIBLE fill(struct own *o, struct diag *d)
{
	while (o->at == o->len) {
		struct own_block b;
		struct view v;

		if (o->ended)
			return E_NOT_FOUND;
		TRY(read_block(o, &b, &v, d));
		if (b.type == OWN_END)
			return check_end(o, v, d);
		if (b.type != OWN_RECORDS)
			return source_fail(o->src, d, E_FORMAT, DIAG_ORDER, o->block_offset,
					   "users and groups stand only at the beginning");
		TRY(check_records(o, &b, v, d));
		memcpy(o->block, v.p, v.len);
		o->at = 0;
		o->len = v.len;
		o->records += b.n_records;
		o->stats->blocks++;
	}
	return E_OK;
}

FALLIBLE own_next(struct own *o, struct view *out, struct diag *d)
{
	uint32_t bytes;

	TRY(fill(o, d));
	memcpy(&bytes, o->block + o->at, sizeof bytes); /* check_records saw that it fits */
	*out = view_of(o->block + o->at, bytes);
	o->at += bytes;
	return E_OK;
}

/* The text that the next block has, when it is of this type. *out is freed with o. */
static FALLIBLE read_text(struct own *o, uint32_t type, char **out, size_t *len, struct diag *d)
{
	struct own_block b;
	struct view v;

	TRY(source_peek(o->src, sizeof b, &v, d));
	if (VIEW_READ(v, 0, &b) != E_OK || b.type != type)
		return E_OK;
	TRY(read_block(o, &b, &v, d));
	*out = malloc(v.len + 1);
	if (!*out)
		return E_NOMEM;
	if (v.len)
		memcpy(*out, v.p, v.len);
	(*out)[v.len] = 0;
	*len = v.len;
	o->stats->blocks++;
	return E_OK;
}

static FALLIBLE read_texts(struct own *o, struct capture_info *info, struct diag *d)
{
	TRY(read_text(o, OWN_USERS, &o->users, &info->users_len, d));
	info->users = o->users ? o->users : info->users;
	TRY(read_text(o, OWN_GROUPS, &o->groups, &info->groups_len, d));
	info->groups = o->groups ? o->groups : info->groups;
	return E_OK;
}

static void copy_text(char *to, const char *from, size_t n)
{
	memcpy(to, from, n);
	to[n - 1] = 0;
}

FALLIBLE own_open(struct source *s, struct capture_info *info, struct capture_stats *stats, struct own **out,
		  struct diag *d)
{
	struct own *o;
	struct own_header h;

	TRY(read_header(s, &h, d));
	info->kind = CAPTURE_OWN;
	info->major = h.version;
	info->boot_to_wall_ns = h.boot_to_wall_ns;
	copy_text(info->hostname, h.hostname, sizeof info->hostname);
	copy_text(info->sensor, h.sensor, sizeof info->sensor);
	o = calloc(1, sizeof *o);
	if (!o)
		return E_NOMEM;
	*out = o; /* freed with the capture */
	o->src = s;
	o->stats = stats;
	o->block = malloc(CAPTURE_BLOCK_MAX);
	if (!o->block)
		return E_NOMEM;
	return read_texts(o, info, d);
}

void own_free(struct own *o)
{
	if (!o)
		return;
	free(o->users);
	free(o->groups);
	free(o->block);
	free(o);
}
