/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: .BTF.ext's line information as rows per code section.
 *
 * Rows must ascend strictly within a section, as the kernel demands too (kernel/bpf/verifier.c:check_btf_line, v6.12):
 * no slot has two rows, so copies of rows per program stay within the number of slots. Layout: kernel
 * Documentation/bpf/btf.rst, v6.12, section 4.2.
 */
#include "engine/obj/internal.h"

enum { EXT_MAGIC = 0xeb9f, EXT_HDR_MIN = 24, EXT_HDR_CORE = 32, LINE_BYTES = 16, LINE_BYTES_MAX = 256 };

struct ext_hdr {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};
static_assert(sizeof(struct ext_hdr) == EXT_HDR_MIN, "btf.rst section 4.2");

/* Index of the section called name, or 0. */
static uint32_t section_index(const struct elf *e, const char *name)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (elf_is_code(&e->sections[i]) && !strcmp(e->sections[i].name, name))
			return i;
	return 0;
}

static FALLIBLE read_row(const struct btf *b, struct view rec, uint64_t section_bytes, struct prog_line *out)
{
	uint32_t raw[4]; /* byte offset of the instruction, file name, line text, line << 10 | column */

	TRY(VIEW_READ(rec, 0, &raw));
	if (raw[0] % ISA_SLOT_BYTES || raw[0] >= section_bytes)
		FAIL_ID(b->e->d, FORMAT, 'E', 263, "a row of .BTF.ext is about byte %u of a section of %llu", raw[0],
			(unsigned long long)section_bytes);
	*out = (struct prog_line){ .insn = raw[0] / ISA_SLOT_BYTES,
				   .file = btf_str(b, raw[1]),
				   .text = btf_str(b, raw[2]),
				   .line = raw[3] >> 10,
				   .col = raw[3] & 0x3ff };
	if (!out->file || !out->text)
		FAIL_ID(b->e->d, FORMAT, 'E', 263, "a row of .BTF.ext has a string outside .BTF");
	return E_OK;
}

/* One section's rows at the beginning of v, `size` bytes each. */
static FALLIBLE read_rows(const struct btf *b, struct view v, uint32_t n, uint32_t size, uint64_t section_bytes,
			  struct obj_lines *out)
{
	out->rows = ARENA_ARRAY(b->e->a, struct prog_line, n);
	if (!out->rows)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		TRY(read_row(b, view_of(v.p + (size_t)i * size, size), section_bytes, &out->rows[i]));
		if (i && out->rows[i].insn <= out->rows[i - 1].insn)
			FAIL_ID(b->e->d, FORMAT, 'E', 264, "the rows of .BTF.ext do not ascend");
	}
	out->n = n;
	return E_OK;
}

/* {section name, n, n records} over and over, after the record size. */
static FALLIBLE read_lines(const struct btf *b, struct view v, struct obj_lines *out)
{
	uint32_t size, raw[2];
	uint64_t off = sizeof size;

	if (!v.len)
		return E_OK;
	if (VIEW_READ(v, 0, &size) != E_OK || size < LINE_BYTES || size > LINE_BYTES_MAX)
		FAIL_ID(b->e->d, FORMAT, 'E', 261,
			"the line information of .BTF.ext has no record size that makes sense");
	while (off < v.len) {
		const char *name;
		struct view rows;
		uint32_t i;

		elf_at(b->e, (uint64_t)(v.p - b->e->file.p) + off);
		if (VIEW_READ(v, off, &raw) != E_OK || !raw[1] ||
		    !view_sub(v, off + sizeof raw, (uint64_t)raw[1] * size, &rows))
			FAIL_ID(b->e->d, TRUNCATED, 'E', 262,
				"the line information of .BTF.ext is cut off, or has an empty part");
		name = btf_str(b, raw[0]);
		i = name ? section_index(b->e, name) : 0;
		if (!i || out[i].n)
			FAIL_ID(b->e->d, FORMAT, 'E', 262,
				"the line information of .BTF.ext is for no section, or twice for one");
		TRY(read_rows(b, rows, raw[1], size, b->e->sections[i].size, &out[i]));
		off += sizeof raw + rows.len;
	}
	return E_OK;
}

/* CO-RE relocations change instructions: without doing them the program would read the wrong bytes. */
static FALLIBLE refuse_core(const struct elf *e, const struct elf_section *s, uint32_t hdr_len)
{
	uint32_t core[2] = { 0, 0 }; /* offset, length; the length includes the record size */

	if (hdr_len < EXT_HDR_CORE)
		return E_OK;
	TRY(VIEW_READ(s->data, EXT_HDR_MIN, &core)); /* the line information lies behind it, so it is there */
	if (core[1] > sizeof(uint32_t))
		FAIL_ID(e->d, UNSUPPORTED, 'E', 265, "the programs need CO-RE relocation against a kernel's types");
	return E_OK;
}

FALLIBLE lines_read(struct elf *e, const struct btf *b, struct obj_lines **out)
{
	struct obj_lines *lines = ARENA_ARRAY(e->a, struct obj_lines, e->n_sections);
	const struct elf_section *s;
	struct ext_hdr h;
	struct view v;

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
	    !view_sub(s->data, (uint64_t)h.hdr_len + h.line_off, h.line_len, &v))
		FAIL_ID(e->d, FORMAT, 'E', 261, ".BTF.ext has a header that makes no sense, or there is no .BTF");
	TRY(refuse_core(e, s, h.hdr_len));
	TRY(read_lines(b, v, lines));
	elf_at(e, DIAG_NONE);
	return E_OK;
}
