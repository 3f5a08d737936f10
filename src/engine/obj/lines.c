/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: .BTF.ext's line and function information as rows per code section.
 *
 * Rows must ascend strictly within a section, as the kernel demands too (kernel/bpf/verifier.c:check_btf_line, v6.12):
 * no slot has two rows, so copies of rows per program stay within the number of slots. Layout: kernel
 * Documentation/bpf/btf.rst, v6.12, section 4.2.
 */
#include "engine/obj/internal.h"

enum {
	EXT_MAGIC = 0xeb9f,
	EXT_HDR_MIN = 24,
	EXT_HDR_CORE = 32,
	FUNC_BYTES = 8,
	LINE_BYTES = 16,
	RECORD_BYTES_MAX = 256
};

struct ext_hdr {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};
static_assert(sizeof(struct ext_hdr) == EXT_HDR_MIN, "btf.rst section 4.2");

struct reader {
	struct elf *e;
	const struct btf *b;
	struct obj_lines *out; /* by section */
};

/* Index of the section called name, or 0. */
static uint32_t section_index(const struct elf *e, const char *name)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (elf_is_code(&e->sections[i]) && !strcmp(e->sections[i].name, name))
			return i;
	return 0;
}

static FALLIBLE read_slot(const struct reader *r, struct view rec, uint32_t section, uint32_t *slot)
{
	uint64_t bytes = r->e->sections[section].size;
	uint32_t off;

	TRY(VIEW_READ(rec, 0, &off));
	if (off % ISA_SLOT_BYTES || off >= bytes)
		FAIL_ID(r->e->d, FORMAT, 'E', 263, "a row of .BTF.ext is about byte %u of a section of %llu", off,
			(unsigned long long)bytes);
	*slot = off / ISA_SLOT_BYTES;
	return E_OK;
}

static FALLIBLE read_line(const struct reader *r, struct view rec, uint32_t section, struct prog_line *out)
{
	uint32_t raw[4]; /* byte offset of the instruction, file name, line text, line << 10 | column */

	TRY(VIEW_READ(rec, 0, &raw));
	*out = (struct prog_line){ .file = btf_string(r->b, raw[1]),
				   .text = btf_string(r->b, raw[2]),
				   .line = raw[3] >> 10,
				   .col = raw[3] & 0x3ff };
	if (!out->file || !out->text)
		FAIL_ID(r->e->d, FORMAT, 'E', 263, "a row of .BTF.ext has a string outside .BTF");
	return read_slot(r, rec, section, &out->insn);
}

/* n records of one section, `size` bytes each, at the beginning of v. */
static FALLIBLE read_section_lines(const struct reader *r, uint32_t section, struct view v, uint32_t n, uint32_t size)
{
	struct obj_lines *out = &r->out[section];

	out->rows = ARENA_ARRAY(r->e->a, struct prog_line, n);
	if (!out->rows)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		TRY(read_line(r, view_of(v.p + (size_t)i * size, size), section, &out->rows[i]));
		if (i && out->rows[i].insn <= out->rows[i - 1].insn)
			FAIL_ID(r->e->d, FORMAT, 'E', 264, "the rows of .BTF.ext do not ascend");
	}
	out->n = n;
	return E_OK;
}

static FALLIBLE read_section_funcs(const struct reader *r, uint32_t section, struct view v, uint32_t n, uint32_t size)
{
	struct obj_lines *out = &r->out[section];

	out->types = ARENA_ARRAY(r->e->a, struct obj_func_type, n);
	if (!out->types)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct view rec = view_of(v.p + (size_t)i * size, size);
		uint32_t raw[2]; /* byte offset of the function, its type */

		TRY(VIEW_READ(rec, 0, &raw));
		TRY(read_slot(r, rec, section, &out->types[i].slot));
		if (i && out->types[i].slot <= out->types[i - 1].slot)
			FAIL_ID(r->e->d, FORMAT, 'E', 264, "the rows of .BTF.ext do not ascend");
		if (raw[1] >= r->b->n_types || btf_get(r->b, raw[1])->kind != BTF_FUNC)
			FAIL_ID(r->e->d, FORMAT, 'E', 263, "a row of .BTF.ext gives a function type %u, which is none",
				raw[1]);
		out->types[i].type = raw[1];
	}
	out->n_types = n;
	return E_OK;
}

/* {section name, n, n records} over and over, after the record size. */
static FALLIBLE read_info(const struct reader *r, struct view v, bool funcs)
{
	const char *what = funcs ? "function" : "line";
	uint32_t size, raw[2];
	uint64_t off = sizeof size;

	if (!v.len)
		return E_OK;
	if (VIEW_READ(v, 0, &size) != E_OK || size < (funcs ? FUNC_BYTES : LINE_BYTES) || size > RECORD_BYTES_MAX)
		FAIL_ID(r->e->d, FORMAT, 'E', 261, "the %s information of .BTF.ext has no record size that makes sense",
			what);
	while (off < v.len) {
		const char *name;
		struct view rows;
		uint32_t i;

		elf_at(r->e, (uint64_t)(v.p - r->e->file.p) + off);
		if (VIEW_READ(v, off, &raw) != E_OK || !raw[1] ||
		    !view_sub(v, off + sizeof raw, (uint64_t)raw[1] * size, &rows))
			FAIL_ID(r->e->d, TRUNCATED, 'E', 262,
				"the %s information of .BTF.ext is cut off, or has an empty part", what);
		name = btf_string(r->b, raw[0]);
		i = name ? section_index(r->e, name) : 0;
		if (!i || (funcs ? r->out[i].n_types : r->out[i].n))
			FAIL_ID(r->e->d, FORMAT, 'E', 262,
				"the %s information of .BTF.ext is for no section, or twice for one", what);
		TRY((funcs ? read_section_funcs : read_section_lines)(r, i, rows, raw[1], size));
		off += sizeof raw + rows.len;
	}
	return E_OK;
}

/* CO-RE relocations change instructions: without doing them the program would read the wrong bytes. */
static FALLIBLE refuse_core(const struct elf *e, const struct elf_section *s, uint32_t hdr_len)
{
	uint32_t core[2] = { 0, 0 }; /* offset, length; the length includes the record size */

	if (e->opts->target || hdr_len < EXT_HDR_CORE)
		return E_OK;
	TRY(VIEW_READ(s->data, EXT_HDR_MIN, &core)); /* the line information lies behind it, so it is there */
	if (core[1] > sizeof(uint32_t))
		FAIL_ID(e->d, UNSUPPORTED, 'E', 265,
			"the programs need CO-RE relocation against a kernel's types, and none are given");
	return E_OK;
}

FALLIBLE lines_read(struct elf *e, const struct btf *b, struct obj_lines **out)
{
	struct obj_lines *lines = ARENA_ARRAY(e->a, struct obj_lines, e->n_sections);
	const struct elf_section *s;
	struct reader r = { .e = e, .b = b, .out = lines };
	struct view funcs, rows;
	struct ext_hdr h;

	if (!lines)
		return E_NOMEM;
	TRY(elf_find_one(e, ".BTF.ext", &s));
	*out = lines;
	if (!s)
		return E_OK;
	elf_at(e, s->off);
	if (VIEW_READ(s->data, 0, &h) != E_OK)
		FAIL_ID(e->d, TRUNCATED, 'E', 260, ".BTF.ext is shorter than its header");
	if (!b || h.magic != EXT_MAGIC || h.version != 1 || h.hdr_len < EXT_HDR_MIN ||
	    !view_sub(s->data, (uint64_t)h.hdr_len + h.func_off, h.func_len, &funcs) ||
	    !view_sub(s->data, (uint64_t)h.hdr_len + h.line_off, h.line_len, &rows))
		FAIL_ID(e->d, FORMAT, 'E', 261, ".BTF.ext has a header that makes no sense, or there is no .BTF");
	TRY(refuse_core(e, s, h.hdr_len));
	TRY(read_info(&r, funcs, true));
	TRY(read_info(&r, rows, false));
	elf_at(e, DIAG_NONE);
	return E_OK;
}
