/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap: the blocks of a .scap file: type and length, body, length again, one after the other, as in pcapng.
 *
 * First the section header, then lists, then events. Lists may come again (files that were put together); a new section
 * begins anew.
 */
#include "sensor/capture/scap.h"

enum { SECTION = 0x0a0d0d0a, MAGIC = 0x1a2b3c4d, SWAPPED = 0x4d3c2b1a, HEAD_BYTES = 8, TAIL_BYTES = 4, MAJOR = 1 };

enum block_kind { BLOCK_UNKNOWN, BLOCK_SECTION, BLOCK_MACHINE, BLOCK_PROCESSES, BLOCK_FDS, BLOCK_USERS, BLOCK_EVENT };

struct block_row {
	uint32_t type;
	uint8_t kind, version; /* events: 1 or 2, with or without a number of parameters */
	bool flags;            /* events: 32 bits of them */
};

/* userspace/libscap/scap_savefile.h. The numbers above 0x80000000 were in use before the first release. */
static const struct block_row rows[] = {
	{ SECTION, BLOCK_SECTION, 0, false },      { 0x201, BLOCK_MACHINE, 0, false },
	{ 0x8002abcd, BLOCK_MACHINE, 0, false },   { 0x202, BLOCK_PROCESSES, 1, false },
	{ 0x8000abcd, BLOCK_PROCESSES, 1, false }, { 0x207, BLOCK_PROCESSES, 2, false },
	{ 0x8013abcd, BLOCK_PROCESSES, 2, false }, { 0x209, BLOCK_PROCESSES, 3, false },
	{ 0x8014abcd, BLOCK_PROCESSES, 3, false }, { 0x210, BLOCK_PROCESSES, 4, false },
	{ 0x211, BLOCK_PROCESSES, 5, false },      { 0x212, BLOCK_PROCESSES, 6, false },
	{ 0x213, BLOCK_PROCESSES, 7, false },      { 0x214, BLOCK_PROCESSES, 8, false },
	{ 0x215, BLOCK_PROCESSES, 9, false },      { 0x203, BLOCK_FDS, 1, false },
	{ 0x8001abcd, BLOCK_FDS, 1, false },       { 0x218, BLOCK_FDS, 2, false },
	{ 0x206, BLOCK_USERS, 1, false },          { 0x8012abcd, BLOCK_USERS, 1, false },
	{ 0x220, BLOCK_USERS, 2, false },          { 0x204, BLOCK_EVENT, 1, false },
	{ 0x8010abcd, BLOCK_EVENT, 1, false },     { 0x208, BLOCK_EVENT, 1, true },
	{ 0x216, BLOCK_EVENT, 2, false },          { 0x217, BLOCK_EVENT, 2, true },
	{ 0x221, BLOCK_EVENT, 2, false },          { 0x222, BLOCK_EVENT, 2, true },
};

static struct block_row row_of(uint32_t type)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].type == type)
			return rows[i];
	return (struct block_row){ .type = type };
}

/* What the next block is, without passing over it. E_NOT_FOUND: there is none. */
static FALLIBLE next_type(struct scap *s, struct block_row *out, struct diag *d)
{
	struct view v;
	uint32_t type;

	TRY(source_peek(s->src, HEAD_BYTES, &v, d));
	if (!v.len)
		return E_NOT_FOUND;
	if (VIEW_READ(v, 0, &type) != E_OK || v.len < HEAD_BYTES)
		return source_fail(s->src, d, E_TRUNCATED, DIAG_CUT, source_offset(s->src),
				   "the file ends within a block's header");
	*out = row_of(type);
	return E_OK;
}

/* The next block's body, at *at in the file. */
static FALLIBLE take_block(struct scap *s, struct view *body, uint64_t *at, struct diag *d)
{
	uint64_t start = source_offset(s->src);
	uint32_t head[2], tail;
	struct view v;

	TRY(source_take(s->src, HEAD_BYTES, &v, d));
	memcpy(head, v.p, sizeof head);
	if (head[1] < HEAD_BYTES + TAIL_BYTES)
		return source_fail(s->src, d, E_FORMAT, DIAG_BLOCK, start + 4, "a block of %u bytes", head[1]);
	if (head[1] > CAPTURE_SCAP_BLOCK_MAX)
		return source_fail(s->src, d, E_LIMIT, DIAG_SIZE, start + 4, "a block of %u bytes", head[1]);
	TRY(source_take(s->src, head[1] - HEAD_BYTES, &v, d));
	memcpy(&tail, v.p + v.len - TAIL_BYTES, TAIL_BYTES);
	if (tail != head[1])
		return source_fail(s->src, d, E_FORMAT, DIAG_BLOCK, start,
				   "a block says %u bytes at its beginning and %u at its end", head[1], tail);
	*body = view_of(v.p, v.len - TAIL_BYTES);
	*at = start + HEAD_BYTES;
	s->stats->blocks++;
	return E_OK;
}

static FALLIBLE read_section(struct scap *s, struct view v, uint64_t at, struct diag *d)
{
	uint32_t magic;
	uint16_t major, minor;

	if (VIEW_READ(v, 0, &magic) != E_OK || VIEW_READ(v, 4, &major) != E_OK || VIEW_READ(v, 6, &minor) != E_OK)
		return source_fail(s->src, d, E_FORMAT, DIAG_BLOCK, at, "a section header of %zu bytes", v.len);
	if (magic == SWAPPED)
		return source_fail(s->src, d, E_UNSUPPORTED, DIAG_ENDIAN, at,
				   "the capture is of a machine of the other byte order");
	if (magic != MAGIC)
		return source_fail(s->src, d, E_FORMAT, DIAG_KIND, at, "a section with the magic number 0x%08x", magic);
	if (major != MAJOR)
		return source_fail(s->src, d, E_UNSUPPORTED, DIAG_VERSION, at + 4,
				   "version %u.%u, and this program reads %d.x", major, minor, MAJOR);
	s->info->major = major;
	s->info->minor = minor;
	state_clear(s);
	return E_OK;
}

static FALLIBLE check_room(const struct scap *s, uint64_t at, struct diag *d)
{
	if (s->full)
		return source_fail(s->src, d, E_LIMIT, DIAG_MEMORY, at,
				   "the capture has more than %d MiB of processes and descriptors",
				   CAPTURE_SCAP_MEMORY >> 20);
	return E_OK;
}

static FALLIBLE read_list(struct scap *s, struct block_row row, struct diag *d)
{
	enum err err = E_OK;
	struct view v;
	uint64_t at;

	TRY(take_block(s, &v, &at, d));
	switch ((enum block_kind)row.kind) {
	case BLOCK_SECTION:
		err = read_section(s, v, at, d);
		break;
	case BLOCK_MACHINE:
		err = list_machine(s, v, at, d);
		break;
	case BLOCK_PROCESSES:
		err = list_processes(s, row.version, v, at, d);
		break;
	case BLOCK_FDS:
		err = list_fds(s, row.version, v, at, d);
		break;
	case BLOCK_USERS:
		err = list_users(s, row.version, v, at, d);
		s->info->users = s->users.p ? s->users.p : "";
		s->info->users_len = s->users.len;
		s->info->groups = s->groups.p ? s->groups.p : "";
		s->info->groups_len = s->groups.len;
		break;
	case BLOCK_UNKNOWN: /* interfaces, and what is not known yet */
	case BLOCK_EVENT:
		break;
	}
	return err != E_OK ? err : check_room(s, at, d);
}

/* events */

enum { TS_AT = 0, TID_AT = 8, LEN_AT = 16, TYPE_AT = 20, V1_BYTES = 22, V2_BYTES = 26 };

/* n lengths of 16 bits, then as many parameters, fill v exactly. */
static bool split(struct view v, uint32_t n, struct sevent *e)
{
	uint64_t at = 2 * (uint64_t)n;

	for (uint32_t i = 0; i < n; i++) {
		struct view p;
		uint16_t len;

		if (VIEW_READ(v, 2 * (uint64_t)i, &len) != E_OK || !view_sub(v, at, len, &p))
			return false;
		if (i < SCAP_PARAMS)
			e->param[i] = p;
		at += len;
	}
	e->n = n < SCAP_PARAMS ? n : SCAP_PARAMS;
	return at == v.len;
}

/* Version 1 does not say how many parameters there are: the largest number that fits. */
static bool split_v1(struct view v, int max, struct sevent *e)
{
	for (int n = max; n >= 0; n--)
		if (split(v, (uint32_t)n, e))
			return true;
	return false;
}

/* The event in a block. *known false: of a type that is not translated; then only its head is read. */
static FALLIBLE read_event(struct scap *s, struct block_row row, struct view v, uint64_t at, bool *known,
			   struct diag *d)
{
	uint64_t head = 2 + (row.flags ? 4 : 0), fixed = row.version == 1 ? V1_BYTES : V2_BYTES;
	struct sevent *e = &s->ev;
	struct view ev, params;
	uint32_t len, n = 0;
	int max;

	e->offset = at;
	if (!view_sub(v, head, v.len < head ? 0 : v.len - head, &ev) || ev.len < fixed)
		return source_fail(s->src, d, E_FORMAT, DIAG_EVENT, at, "an event's block of %zu bytes", v.len);
	memcpy(&e->ts, ev.p + TS_AT, 8);
	memcpy(&e->tid, ev.p + TID_AT, 8);
	memcpy(&len, ev.p + LEN_AT, 4);
	memcpy(&e->type, ev.p + TYPE_AT, 2);
	max = event_params(e->type);
	*known = max >= 0;
	if (!*known)
		return E_OK;
	if (len < fixed || !view_sub(ev, fixed, len - fixed, &params))
		return source_fail(s->src, d, E_FORMAT, DIAG_EVENT, at + head,
				   "an event of %u bytes in a block that has %zu", len, ev.len);
	if (row.version == 2)
		memcpy(&n, ev.p + V1_BYTES, 4);
	if (row.version == 1 ? !split_v1(params, max, e) : n > UINT16_MAX || !split(params, n, e))
		return source_fail(s->src, d, E_FORMAT, DIAG_EVENT, at + head,
				   "the parameters of an event of type %u do not fit into it", e->type);
	return E_OK;
}

/* True: s->rec is a record. */
static FALLIBLE take_event(struct scap *s, struct block_row row, bool *made, struct diag *d)
{
	enum event_result r = EVENT_SKIPPED;
	struct view v;
	uint64_t at;
	bool known = false;

	*made = false;
	TRY(take_block(s, &v, &at, d));
	TRY(read_event(s, row, v, at, &known, d));
	if (known)
		r = event_apply(s, &s->ev);
	TRY(check_room(s, at, d));
	s->stats->events++;
	s->stats->merged += r == EVENT_MERGED;
	s->stats->skipped += r == EVENT_SKIPPED;
	*made = r == EVENT_RECORD;
	return E_OK;
}

/* When the next block's event happened, to tell the processes of that moment. */
static FALLIBLE next_time(struct scap *s, struct block_row row, uint64_t *out, struct diag *d)
{
	struct view v;

	*out = s->boot_ns;
	TRY(source_peek(s->src, HEAD_BYTES + 6 + 8, &v, d));
	(void)VIEW_READ(v, HEAD_BYTES + 2 + (row.flags ? 4u : 0), out);
	return E_OK;
}

/* All blocks before the next event or the end. E_NOT_FOUND: the end. */
static FALLIBLE read_lists(struct scap *s, struct block_row *row, struct diag *d)
{
	for (;;) {
		TRY(next_type(s, row, d));
		if (row->kind == BLOCK_EVENT)
			return E_OK;
		TRY(read_list(s, *row, d));
	}
}

/* What the call before did to descriptors. */
static void yield_then(struct scap *s, struct view *out)
{
	s->then_told = false;
	s->rec_len = sizeof s->then;
	memcpy(&s->rec, &s->then, sizeof s->then);
	s->rec.hdr.bytes = (uint32_t)s->rec_len;
	*out = view_of(s->rec.bytes, s->rec_len);
}

static void yield(struct scap *s, struct view *out)
{
	build_end(s);
	*out = view_of(s->rec.bytes, s->rec_len);
}

FALLIBLE scap_next(struct scap *s, struct view *out, struct diag *d)
{
	for (;;) {
		struct block_row row = { 0 };
		enum err err;
		bool made;

		if (s->then_told) {
			yield_then(s, out);
			return E_OK;
		}
		if (s->next_order < s->n_order) {
			struct task *t = s->order[s->next_order++];

			build_exec(s, WIRE_TASK, t, t, s->ev.ts, NULL);
			yield(s, out);
			return E_OK;
		}
		err = read_lists(s, &row, d);
		if (err != E_OK && err != E_NOT_FOUND)
			return err;
		if (s->listing) {
			TRY(next_time(s, row, &s->ev.ts, d));
			TRY(list_order(s));
			continue;
		}
		TRY(err);
		TRY(take_event(s, row, &made, d));
		if (made) {
			yield(s, out);
			return E_OK;
		}
	}
}

FALLIBLE scap_open(struct source *src, struct capture_info *info, struct capture_stats *stats, struct scap **out,
		   struct diag *d)
{
	struct scap *s = calloc(1, sizeof *s);
	struct block_row row;
	enum err err;

	if (!s)
		return E_NOMEM;
	*out = s; /* freed with the capture */
	s->src = src;
	s->info = info;
	s->stats = stats;
	info->kind = CAPTURE_SCAP;
	buf_init(&s->users, CAPTURE_USERS_MAX);
	buf_init(&s->groups, CAPTURE_USERS_MAX);
	TRY(state_init(s));
	err = read_lists(s, &row, d);
	return err == E_NOT_FOUND ? E_OK : err;
}

void scap_free(struct scap *s)
{
	if (!s)
		return;
	state_done(s);
	buf_done(&s->users);
	buf_done(&s->groups);
	free(s);
}
