/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core: the CO-RE relocations of .BTF.ext, listed.
 *
 * The part is a record size, then for each section of the object its name, a count and so many records. Layout: kernel
 * Documentation/bpf/btf.rst, v6.12, section 4.2; records longer than known are read as libbpf does.
 */
#include "engine/btf/internal.h"

enum { EXT_HDR_BYTES = 24, EXT_HDR_CORE = 32, RECORD_BYTES = 16, RECORD_ALIGN = 4 };

struct ext_hdr {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};
static_assert(sizeof(struct ext_hdr) == EXT_HDR_BYTES, "btf.rst section 4.2");

struct lister {
	const struct btf *local;
	const char *section;
	struct view all, part;
	uint32_t record_bytes, n, parts;
	struct core_relo *out; /* NULL: only count */
	struct diag *d;
};

static void at(const struct lister *l, const uint8_t *p)
{
	if (l->d)
		l->d->offset = (uint64_t)(p - l->all.p);
}

/* The part with relocations, empty when the header is too old to have one. */
static FALLIBLE find_part(struct lister *l)
{
	struct ext_hdr h;
	uint32_t core[2]; /* offset, bytes */

	at(l, l->all.p);
	if (VIEW_READ(l->all, 0, &h) != E_OK)
		FAIL_ID(l->d, TRUNCATED, 'U', 201, ".BTF.ext is shorter than its header");
	if (h.magic != BTF_MAGIC || h.version != 1 || h.hdr_len < EXT_HDR_BYTES)
		FAIL_ID(l->d, FORMAT, 'U', 202, ".BTF.ext has a header that makes no sense");
	if (h.hdr_len < EXT_HDR_CORE)
		return E_OK;
	if (VIEW_READ(l->all, EXT_HDR_BYTES, &core) != E_OK)
		FAIL_ID(l->d, TRUNCATED, 'U', 201, ".BTF.ext is shorter than its header");
	if (!view_sub(l->all, (uint64_t)h.hdr_len + core[0], core[1], &l->part))
		FAIL_ID(l->d, FORMAT, 'U', 202, "the header of .BTF.ext names parts that are not there");
	return E_OK;
}

static FALLIBLE read_record_size(struct lister *l)
{
	if (!l->part.len)
		return E_OK;
	at(l, l->part.p);
	if (VIEW_READ(l->part, 0, &l->record_bytes) != E_OK || l->record_bytes < RECORD_BYTES ||
	    l->record_bytes % RECORD_ALIGN)
		FAIL_ID(l->d, FORMAT, 'U', 203, "the relocations of .BTF.ext have no record size that makes sense");
	return E_OK;
}

static FALLIBLE take_record(struct lister *l, const uint8_t *p)
{
	uint32_t raw[4]; /* byte of the instruction, type, access, kind */
	const char *access;

	at(l, p);
	memcpy(raw, p, sizeof raw);
	access = btf_string(l->local, raw[2]);
	if (!access || raw[1] >= l->local->n_types)
		FAIL_ID(l->d, FORMAT, 'U', 204, "a relocation is by type %u and the access at %u, which are not there",
			raw[1], raw[2]);
	if (raw[3] >= CORE_N_KINDS)
		FAIL_ID(l->d, UNSUPPORTED, 'U', 205, "a relocation of kind %u", raw[3]);
	if (l->out)
		l->out[l->n] = (struct core_relo){ raw[0], raw[1], access, (uint8_t)raw[3] };
	l->n++;
	return E_OK;
}

static FALLIBLE walk(struct lister *l)
{
	uint32_t raw[2]; /* section's name, records */
	uint64_t off = sizeof l->record_bytes;
	struct view records;

	l->n = 0;
	l->parts = 0;
	for (; off < l->part.len; off += sizeof raw + records.len) {
		const char *name;

		at(l, l->part.p + off);
		if (l->parts++ == CORE_MAX_PARTS)
			FAIL_ID(l->d, LIMIT, 'U', 206, ".BTF.ext has relocations for more than %d sections",
				CORE_MAX_PARTS);
		if (VIEW_READ(l->part, off, &raw) != E_OK || !raw[1] ||
		    !view_sub(l->part, off + sizeof raw, (uint64_t)raw[1] * l->record_bytes, &records))
			FAIL_ID(l->d, FORMAT, 'U', 204, "the relocations of .BTF.ext are cut off, or a part is empty");
		name = btf_string(l->local, raw[0]);
		if (!name)
			FAIL_ID(l->d, FORMAT, 'U', 204, "the relocations of .BTF.ext are for no section");
		if (strcmp(name, l->section) != 0)
			continue;
		for (uint32_t i = 0; i < raw[1]; i++)
			TRY(take_record(l, records.p + (size_t)i * l->record_bytes));
	}
	return E_OK;
}

FALLIBLE core_read(struct view btf_ext, const struct btf *local, const char *section, struct arena *a,
		   const struct core_relo **out, uint32_t *out_n, struct diag *d)
{
	struct lister l = { .local = local, .section = section, .all = btf_ext, .d = d };

	TRY(find_part(&l));
	TRY(read_record_size(&l));
	TRY(walk(&l));
	l.out = ARENA_ARRAY(a, struct core_relo, l.n);
	if (!l.out)
		return E_NOMEM;
	TRY(walk(&l));
	if (d)
		d->offset = DIAG_NONE;
	*out = l.out;
	*out_n = l.n;
	return E_OK;
}

static const char *const words[CORE_N_KINDS] = {
	[CORE_FIELD_BYTE_OFFSET] = "byte offset of", [CORE_FIELD_BYTE_SIZE] = "byte size of",
	[CORE_FIELD_EXISTS] = "existence of",        [CORE_FIELD_SIGNED] = "sign of",
	[CORE_FIELD_LSHIFT_U64] = "left shift of",   [CORE_FIELD_RSHIFT_U64] = "right shift of",
	[CORE_TYPE_ID_LOCAL] = "local id of",        [CORE_TYPE_ID_TARGET] = "target's id of",
	[CORE_TYPE_EXISTS] = "existence of",         [CORE_TYPE_SIZE] = "size of",
	[CORE_ENUMVAL_EXISTS] = "existence of",      [CORE_ENUMVAL_VALUE] = "value of",
	[CORE_TYPE_MATCHES] = "a match of",
};

static void put_step(const struct accessor *at, bool first, struct buf *out)
{
	if (at->name) {
		buf_putc(out, '.');
		buf_put_safe(out, at->name, strlen(at->name));
	} else if (!first || at->index) {
		buf_printf(out, "[%u]", at->index);
	}
}

void core_print(const struct btf *local, const struct core_relo *r, struct buf *out)
{
	uint64_t steps = CORE_MAX_STEPS;
	struct core c = { local, local, r, &steps, NULL };
	struct access a;

	buf_printf(out, "%s ", r->kind < CORE_N_KINDS ? words[r->kind] : "nothing known of");
	btf_print(local, r->type, out);
	if (access_parse(&c, &a) != E_OK)
		return;
	for (uint32_t i = 0; i < a.n; i++)
		put_step(&a.at[i], i == 0, out);
}
