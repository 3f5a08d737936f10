/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_btf: the types of maps and the line information of programs, as compilers write them.
 *
 * A map is a struct of pointers to arrays; a number is the array's count of elements. Layout:
 * kernel Documentation/bpf/btf.rst, v6.12.
 */
#include "engine/obj/write.h"

enum { STRINGS_MAX = OBJ_MAX_BYTES, LINE_MAX_ = (1 << 22) - 1, COL_MAX_ = (1 << 10) - 1 };

struct types {
	struct buf types, strings;
	uint32_t n;       /* types written; the last one's id */
	const char *file; /* file name written last, at file_off: rows repeat it */
	uint32_t file_off;
};

static uint32_t put_str(struct types *t, const char *s)
{
	uint32_t off = (uint32_t)t->strings.len;

	if (!s[0])
		return 0;
	buf_put(&t->strings, s, strlen(s) + 1);
	return off;
}

static uint32_t put_file(struct types *t, const char *s)
{
	if (!t->file || strcmp(t->file, s) != 0) {
		t->file = s;
		t->file_off = put_str(t, s);
	}
	return t->file_off;
}

static void put_u32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, sizeof v);
}

/* The 12 bytes all types begin with; returns the id. */
static uint32_t put_type(struct types *t, const char *name, enum btf_kind kind, uint32_t vlen, uint32_t size)
{
	put_u32(&t->types, put_str(t, name));
	put_u32(&t->types, (uint32_t)kind << 24 | vlen);
	put_u32(&t->types, size);
	return ++t->n;
}

/* Pointer to an array of n int. */
static uint32_t put_number(struct types *t, uint32_t int_id, uint32_t n)
{
	uint32_t array = put_type(t, "", BTF_ARRAY, 0, 0);

	put_u32(&t->types, int_id);
	put_u32(&t->types, int_id);
	put_u32(&t->types, n);
	return put_type(t, "", BTF_PTR, 0, array);
}

/* Returns the id of the variable. */
static uint32_t put_map(struct types *t, uint32_t int_id, const struct prog_map *m)
{
	const struct {
		const char *name;
		uint32_t value;
	} members[] = { { "type", m->kind },
			{ "key_size", m->key_size },
			{ "value_size", m->value_size },
			{ "max_entries", m->max_entries },
			{ "map_flags", m->flags } };
	uint32_t ids[countof(members)], id;

	static_assert(countof(members) * 8 == MAP_DEF_BYTES, "one pointer per member");
	for (size_t i = 0; i < countof(members); i++)
		ids[i] = put_number(t, int_id, members[i].value);
	id = put_type(t, "", BTF_STRUCT, countof(members), MAP_DEF_BYTES);
	for (uint32_t i = 0; i < countof(members); i++) {
		put_u32(&t->types, put_str(t, members[i].name));
		put_u32(&t->types, ids[i]);
		put_u32(&t->types, i * 64); /* bits */
	}
	id = put_type(t, m->name, BTF_VAR, 0, id);
	put_u32(&t->types, 1); /* global */
	return id;
}

static void put_maps(struct types *t, const struct obj_out *in)
{
	uint32_t ids[OBJ_MAX_MAPS], n = 0, int_id = put_type(t, "int", BTF_INT, 0, 4);

	put_u32(&t->types, 1u << 24 | 32); /* signed, 32 bits */
	for (uint32_t i = 0; i < in->n_maps; i++)
		if (!write_is_data(&in->maps[i]))
			ids[n++] = put_map(t, int_id, &in->maps[i]);
	if (!n)
		return;
	put_type(t, ".maps", BTF_DATASEC, n, n * MAP_DEF_BYTES);
	for (uint32_t i = 0; i < n; i++) {
		put_u32(&t->types, ids[i]);
		put_u32(&t->types, i * MAP_DEF_BYTES);
		put_u32(&t->types, MAP_DEF_BYTES);
	}
}

static void put_row(struct types *t, struct buf *b, const struct prog_line *row, uint32_t slot)
{
	uint32_t line = row->line <= LINE_MAX_ ? row->line : 0, col = row->col <= COL_MAX_ ? row->col : 0;

	put_u32(b, slot * ISA_SLOT_BYTES);
	put_u32(b, put_file(t, row->file));
	put_u32(b, put_str(t, row->text));
	put_u32(b, line << 10 | col);
}

/* The rows of one program that fall into a section, or into .text. Returns how many. */
static uint32_t put_rows(struct types *t, const struct prog *p, const struct write_place *at, bool text, struct buf *b)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < p->n_lines; k++) {
		uint32_t slot = p->lines[k].insn;

		if ((slot >= at->split) != text)
			continue;
		put_row(t, b, &p->lines[k], text ? slot - at->split + at->text_start : slot + at->start);
		n++;
	}
	return n;
}

/* One part per section that has rows; number n_sections is .text. */
static void put_lines(struct types *t, const struct obj_out *in, const struct write_place *places, uint32_t n_sections,
		      struct buf *b)
{
	AUTO(buf_done) struct buf rows;

	buf_init(&rows, STRINGS_MAX);
	for (uint32_t s = 0; s <= n_sections; s++) {
		bool text = s == n_sections;
		const char *name = ".text";
		uint32_t n = 0;

		buf_reset(&rows);
		for (uint32_t i = 0; i < in->n_progs; i++) {
			if (!text && places[i].section != s)
				continue;
			name = text ? name : in->progs[i].section;
			n += put_rows(t, &in->progs[i], &places[i], text, &rows);
		}
		if (!n)
			continue;
		if (!b->len)
			put_u32(b, 16); /* bytes of a row */
		put_u32(b, put_str(t, name));
		put_u32(b, n);
		buf_put(b, rows.p, rows.len);
		b->full |= rows.full;
	}
}

static void put_ext(const struct buf *lines, struct buf *ext)
{
	put_u32(ext, 0xeb9f | 1u << 16); /* magic, version, flags */
	put_u32(ext, 32);                /* header; offsets count from its end */
	put_u32(ext, 0);
	put_u32(ext, 0); /* no function information */
	put_u32(ext, 0);
	put_u32(ext, (uint32_t)lines->len);
	put_u32(ext, (uint32_t)lines->len);
	put_u32(ext, 0); /* no CO-RE relocations */
	buf_put(ext, lines->p, lines->len);
}

void write_btf(const struct obj_out *in, const struct write_place *places, uint32_t n_sections, struct buf *btf,
	       struct buf *ext)
{
	AUTO(buf_done) struct buf lines;
	struct types t = { 0 };

	buf_init(&lines, STRINGS_MAX);
	buf_init(&t.types, STRINGS_MAX);
	buf_init(&t.strings, STRINGS_MAX);
	buf_putc(&t.strings, 0);
	put_maps(&t, in);
	put_lines(&t, in, places, n_sections, &lines);
	btf->full |= t.types.full || t.strings.full || lines.full;
	if (t.n > 1 || lines.len) {
		put_u32(btf, 0xeb9f | 1u << 16);
		put_u32(btf, 24);
		put_u32(btf, 0);
		put_u32(btf, (uint32_t)t.types.len);
		put_u32(btf, (uint32_t)t.types.len);
		put_u32(btf, (uint32_t)t.strings.len);
		buf_put(btf, t.types.p, t.types.len);
		buf_put(btf, t.strings.p, t.strings.len);
	}
	if (lines.len)
		put_ext(&lines, ext);
	buf_done(&t.types);
	buf_done(&t.strings);
}
