/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write: programs and maps to a relocatable file.
 *
 * Sections stand in this order: string table, code with its relocations by section name, .text with the subprograms,
 * .maps, data, license, extra sections, types, lines, symbols. Local symbols come first, as ELF wants: data sections,
 * then subprograms; then programs and maps. Their numbers are known before any code is written, so relocations are
 * written in the same pass.
 */
#include "engine/obj/write.h"

struct out_section {
	const char *name;
	uint32_t type, link, info, entsize, name_off;
	uint64_t flags, nobits;
	struct buf data;
};

struct writer {
	const struct obj_out *in;
	struct diag *d;
	struct arena a;
	struct buf strings, symbols;
	struct out_section *sections; /* OBJ_MAX_SECTIONS; the first is the null section */
	uint32_t n_sections;
	uint32_t n_locals, maps_section;
	uint32_t *map_symbol;
	uint32_t *sub_symbol; /* by program: its first subprogram's */
	uint32_t prog_symbol; /* of the first program */
	uint32_t text_section;
	struct write_place *places;
	uint32_t *code_section; /* by number of the section name: index of its section */
	uint32_t n_codes;
};

static FALLIBLE add_section(struct writer *w, const char *name, uint32_t type, uint64_t flags, struct out_section **out)
{
	struct out_section *s;

	if (w->n_sections == OBJ_MAX_SECTIONS)
		FAIL_ID(w->d, LIMIT, 'E', 270, "more than %d sections", OBJ_MAX_SECTIONS);
	if (!name[0] || strlen(name) > OBJ_MAX_NAME)
		FAIL_ID(w->d, INVALID, 'E', 271, "a section needs a name of at most %d bytes", OBJ_MAX_NAME);
	for (uint32_t i = 1; i < w->n_sections; i++)
		if (!strcmp(w->sections[i].name, name))
			FAIL_ID(w->d, INVALID, 'E', 272, "two sections are called '%s'", name);
	s = &w->sections[w->n_sections++];
	*s = (struct out_section){ .name = name, .type = type, .flags = flags };
	buf_init(&s->data, OBJ_MAX_BYTES);
	*out = s;
	return E_OK;
}

static uint32_t put_str(struct writer *w, const char *s)
{
	uint32_t off = (uint32_t)w->strings.len;

	buf_put(&w->strings, s, strlen(s) + 1);
	return off;
}

static void put_symbol(struct writer *w, const char *name, uint8_t bind, uint8_t type, uint32_t section, uint64_t value,
		       uint64_t size)
{
	Elf64_Sym s = { .st_info = (uint8_t)(bind << 4 | type),
			.st_shndx = (uint16_t)section,
			.st_value = value,
			.st_size = size };

	s.st_name = name[0] ? put_str(w, name) : 0;
	buf_put(&w->symbols, &s, sizeof s);
}

/* ---- what is asked for must be something that obj_read would give ---- */

static bool begins(const char *name, const char *base)
{
	size_t n = strlen(base);

	return !strncmp(name, base, n) && (!name[n] || name[n] == '.');
}

static FALLIBLE check_data_map(const struct writer *w, const struct prog_map *m)
{
	bool rodata = begins(m->name, ".rodata"), bss = begins(m->name, ".bss");

	if (!rodata && !bss && !begins(m->name, ".data"))
		FAIL_ID(w->d, UNSUPPORTED, 'E', 273, "a data section is called .rodata, .data or .bss, not '%s'",
			m->name);
	if (m->kind != PROG_MAP_ARRAY || m->key_size != 4 || m->max_entries != 1 || !m->value_size ||
	    m->value_size > OBJ_MAX_VALUE_BYTES || m->flags != (rodata ? PROG_MAP_RDONLY : 0u) ||
	    m->init.len > m->value_size || (bss && m->init.len))
		FAIL_ID(w->d, UNSUPPORTED, 'E', 273, "'%s' is not an array of one value as data sections are", m->name);
	return E_OK;
}

static FALLIBLE check_maps(const struct writer *w)
{
	const struct obj_out *in = w->in;
	bool data = false;

	if (in->n_maps > OBJ_MAX_MAPS)
		FAIL_ID(w->d, LIMIT, 'E', 270, "%u maps, at most %d can be read", in->n_maps, OBJ_MAX_MAPS);
	for (uint32_t i = 0; i < in->n_maps; i++) {
		const struct prog_map *m = &in->maps[i];

		if (m->inner || m->n_inner_maps || m->n_ptrs || m->pinning || m->n_hashes)
			FAIL_ID(w->d, UNSUPPORTED, 'E', 281,
				"map '%s' holds maps, programs or addresses, or has attributes", m->name);
		if (write_is_data(m)) {
			data = true;
			TRY(check_data_map(w, m));
			continue;
		}
		if (!m->name[0] || strlen(m->name) > OBJ_MAX_NAME || m->init.len || m->key_size > OBJ_MAX_KEY_BYTES ||
		    m->value_size > OBJ_MAX_VALUE_BYTES)
			FAIL_ID(w->d, UNSUPPORTED, 'E', 273, "map '%s' has no name, too long values or initial ones",
				m->name);
		if (data)
			FAIL_ID(w->d, INVALID, 'E', 274, "map '%s' stands after a data section", m->name);
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(in->maps[k].name, m->name))
				FAIL_ID(w->d, INVALID, 'E', 272, "two maps are called '%s'", m->name);
	}
	return E_OK;
}

static bool is_function_start(const struct prog *p, int64_t slot)
{
	const struct prog_func *f;

	if (slot < 0 || slot >= p->n_insns)
		return false;
	if (!p->n_funcs)
		return slot == 0;
	f = prog_func_at(p, (uint32_t)slot);
	return f && f->start == slot;
}

static FALLIBLE check_insn(const struct writer *w, const struct prog *p, uint32_t i)
{
	const struct isa_insn *in = &p->insns[i];
	bool fd = in->sem == ISA_IMM64 && in->aux == ISA_IMM64_MAP_FD;
	bool value = in->sem == ISA_IMM64 && in->aux == ISA_IMM64_MAP_VALUE;
	const struct prog_map *m = (fd || value) && (uint64_t)in->imm < w->in->n_maps ? &w->in->maps[in->imm] : NULL;

	if (in->sem == ISA_PAD || (in->sem == ISA_IMM64 && (i + 1 == p->n_insns || p->insns[i + 1].sem != ISA_PAD)))
		FAIL_ID(w->d, INVALID, 'E', 275, "program '%s': slot %u is half of a 64-bit immediate", p->name, i);
	if (in->sem == ISA_IMM64 && (in->aux == ISA_IMM64_FUNC || in->aux == ISA_IMM64_BTF_ID))
		FAIL_ID(w->d, UNSUPPORTED, 'E', 281, "program '%s': slot %u holds the address of a function or type",
			p->name, i);
	if (in->sem == ISA_IMM64 && in->aux != ISA_IMM64_VALUE && !m)
		FAIL_ID(w->d, INVALID, 'E', 276, "program '%s': slot %u refers to no map", p->name, i);
	if (m && (fd == write_is_data(m) || (value && (in->off < 0 || (uint32_t)in->off > m->value_size))))
		FAIL_ID(w->d, INVALID, 'E', 276, "program '%s': slot %u refers to '%s' in a way that it does not have",
			p->name, i, m->name);
	if (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL && !is_function_start(p, (int64_t)i + 1 + in->imm))
		FAIL_ID(w->d, INVALID, 'E', 277, "program '%s': slot %u calls where no function begins", p->name, i);
	return E_OK;
}

static FALLIBLE check_prog(const struct writer *w, const struct prog *p)
{
	if (!p->name[0] || strlen(p->name) > OBJ_MAX_NAME || !p->n_insns || !p->section[0] || p->section[0] == '.')
		FAIL_ID(w->d, INVALID, 'E', 278,
			"program '%s' needs a name, instructions, and a section that does not begin with a dot",
			p->name);
	if (p->on_demand)
		FAIL_ID(w->d, UNSUPPORTED, 'E', 281, "program '%s' is to be loaded on demand only", p->name);
	for (uint32_t i = 0; i < p->n_funcs; i++)
		if (p->funcs[i].start >= p->n_insns ||
		    (i ? p->funcs[i].start <= p->funcs[i - 1].start : p->funcs[i].start) ||
		    strlen(p->funcs[i].name) > OBJ_MAX_NAME || !p->funcs[i].name[0])
			FAIL_ID(w->d, INVALID, 'E', 279, "program '%s': its functions do not ascend from slot 0",
				p->name);
	for (uint32_t i = 0; i < p->n_lines; i++)
		if (p->lines[i].insn >= p->n_insns || (i && p->lines[i].insn <= p->lines[i - 1].insn))
			FAIL_ID(w->d, INVALID, 'E', 279, "program '%s': its lines do not ascend", p->name);
	for (uint32_t i = 0; i < p->n_insns; i += p->insns[i].sem == ISA_IMM64 ? 2 : 1)
		TRY(check_insn(w, p, i));
	return E_OK;
}

static int by_name(const void *pa, const void *pb)
{
	const struct prog *const *a = pa, *const *b = pb;

	return strcmp((*a)->name, (*b)->name);
}

static FALLIBLE check_progs(struct writer *w)
{
	const struct prog **sorted;
	uint64_t slots = 0;

	if (w->in->n_progs > OBJ_MAX_PROGS)
		FAIL_ID(w->d, LIMIT, 'E', 270, "%u programs, at most %d can be read", w->in->n_progs, OBJ_MAX_PROGS);
	sorted = ARENA_ARRAY(&w->a, const struct prog *, w->in->n_progs);
	if (!sorted)
		return E_NOMEM;
	for (uint32_t i = 0; i < w->in->n_progs; i++) {
		slots += w->in->progs[i].n_insns;
		if (w->in->progs[i].n_insns > ISA_MAX_SLOTS || slots > OBJ_MAX_SLOTS)
			FAIL_ID(w->d, LIMIT, 'E', 270,
				"program '%s' brings the code over %d instructions, or %d in one", w->in->progs[i].name,
				OBJ_MAX_SLOTS, ISA_MAX_SLOTS);
		TRY(check_prog(w, &w->in->progs[i]));
		sorted[i] = &w->in->progs[i];
	}
	qsort(sorted, w->in->n_progs, sizeof *sorted, by_name);
	for (uint32_t i = 1; i < w->in->n_progs; i++)
		if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
			FAIL_ID(w->d, INVALID, 'E', 272, "two programs are called '%s'", sorted[i]->name);
	return E_OK;
}

/* ---- sections ---- */

/* Which number each symbol will have. */
static FALLIBLE number_symbols(struct writer *w)
{
	const struct obj_out *in = w->in;
	uint32_t global;

	w->map_symbol = ARENA_ARRAY(&w->a, uint32_t, in->n_maps);
	w->sub_symbol = ARENA_ARRAY(&w->a, uint32_t, in->n_progs);
	if (!w->map_symbol || !w->sub_symbol)
		return E_NOMEM;
	w->n_locals = 1;
	for (uint32_t i = 0; i < in->n_maps; i++)
		if (write_is_data(&in->maps[i]))
			w->map_symbol[i] = w->n_locals++;
	for (uint32_t i = 0; i < in->n_progs; i++) {
		w->sub_symbol[i] = w->n_locals;
		w->n_locals += in->progs[i].n_funcs ? in->progs[i].n_funcs - 1 : 0;
	}
	w->prog_symbol = w->n_locals;
	global = w->n_locals + in->n_progs;
	for (uint32_t i = 0; i < in->n_maps; i++)
		if (!write_is_data(&in->maps[i]))
			w->map_symbol[i] = global++;
	if (global > OBJ_MAX_SYMBOLS)
		FAIL_ID(w->d, LIMIT, 'E', 270, "%u symbols, at most %d can be read", global, OBJ_MAX_SYMBOLS);
	return E_OK;
}

/* A call from the entry to a subprogram or back leaves its section: the symbol to relocate it by, or 0. */
static uint32_t call_symbol(const struct writer *w, uint32_t prog, uint32_t slot, const struct isa_insn *in)
{
	const struct prog *p = &w->in->progs[prog];
	uint32_t split = w->places[prog].split, target;

	if (in->sem != ISA_CALL || in->aux != ISA_CALL_LOCAL)
		return 0;
	target = (uint32_t)(slot + 1 + in->imm);
	if ((slot < split) == (target < split))
		return 0;
	if (target < split)
		return w->prog_symbol + prog;
	return w->sub_symbol[prog] + (uint32_t)(prog_func_at(p, target) - p->funcs) - 1;
}

static void put_insn(const struct writer *w, uint32_t prog, uint32_t slot, struct buf *code, struct buf *rels)
{
	struct isa_insn in = w->in->progs[prog].insns[slot];
	uint32_t call = call_symbol(w, prog, slot, &in);
	Elf64_Rel r = { .r_offset = code->len };
	uint8_t bytes[16];

	if (call) {
		r.r_info = ELF64_R_INFO((uint64_t)call, R_64_32);
		in.imm = -1;
	} else if (in.sem == ISA_IMM64 && in.aux != ISA_IMM64_VALUE) {
		uint32_t value = in.aux == ISA_IMM64_MAP_VALUE ? (uint32_t)in.off : 0;
		uint8_t dst = in.dst;

		r.r_info = ELF64_R_INFO((uint64_t)w->map_symbol[in.imm], R_64_64);
		in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_VALUE);
		in.dst = dst;
		in.imm = value;
	}
	if (r.r_info)
		buf_put(rels, &r, sizeof r);
	buf_put(code, bytes, isa_encode(&in, bytes));
}

static FALLIBLE begin_code(struct writer *w, const char *name, struct out_section **code, struct out_section **rels)
{
	const char *rel_name = arena_printf(&w->a, ".rel%s", name);

	if (!rel_name)
		return E_NOMEM;
	TRY(add_section(w, name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, code));
	TRY(add_section(w, rel_name, SHT_REL, SHF_INFO_LINK, rels));
	(*rels)->entsize = REL_BYTES;
	(*rels)->info = w->n_sections - 2;
	return E_OK;
}

/* The section of relocations that begin_code began goes when there are none. */
static void end_code(struct writer *w, const struct out_section *rels)
{
	if (!rels->data.len)
		w->n_sections--;
}

static void put_part(struct writer *w, uint32_t prog, uint32_t from, uint32_t to, struct buf *code, struct buf *rels)
{
	for (uint32_t k = from; k < to; k++)
		if (w->in->progs[prog].insns[k].sem != ISA_PAD)
			put_insn(w, prog, k, code, rels);
}

/* The entries of the programs of one section name, one behind the other. */
static FALLIBLE put_code(struct writer *w, const char *name, uint32_t number)
{
	struct out_section *code, *rels;

	w->code_section[number] = w->n_sections;
	TRY(begin_code(w, name, &code, &rels));
	for (uint32_t i = 0; i < w->in->n_progs; i++) {
		const struct prog *p = &w->in->progs[i];
		struct write_place *at = &w->places[i];

		if (strcmp(p->section, name) != 0)
			continue;
		at->section = number;
		at->start = (uint32_t)(code->data.len / ISA_SLOT_BYTES);
		at->split = p->n_funcs > 1 ? p->funcs[1].start : p->n_insns;
		put_part(w, i, 0, at->split, &code->data, &rels->data);
	}
	end_code(w, rels);
	return E_OK;
}

static FALLIBLE put_text(struct writer *w)
{
	struct out_section *code, *rels;

	if (w->prog_symbol == (w->in->n_progs ? w->sub_symbol[0] : w->prog_symbol))
		return E_OK; /* no subprograms */
	w->text_section = w->n_sections;
	TRY(begin_code(w, ".text", &code, &rels));
	for (uint32_t i = 0; i < w->in->n_progs; i++) {
		w->places[i].text_start = (uint32_t)(code->data.len / ISA_SLOT_BYTES);
		put_part(w, i, w->places[i].split, w->in->progs[i].n_insns, &code->data, &rels->data);
	}
	end_code(w, rels);
	return E_OK;
}

static FALLIBLE put_codes(struct writer *w)
{
	w->places = ARENA_ARRAY(&w->a, struct write_place, w->in->n_progs);
	w->code_section = ARENA_ARRAY(&w->a, uint32_t, OBJ_MAX_SECTIONS);
	if (!w->places || !w->code_section)
		return E_NOMEM;
	for (uint32_t i = 0; i < w->in->n_progs; i++) {
		const char *name = w->in->progs[i].section;
		bool seen = false;

		for (uint32_t k = 0; k < w->n_codes && !seen; k++)
			seen = !strcmp(w->sections[w->code_section[k]].name, name);
		if (!seen)
			TRY(put_code(w, name, w->n_codes++));
	}
	return put_text(w);
}

static FALLIBLE put_data(struct writer *w, const struct prog_map *m, uint32_t *index)
{
	bool bss = begins(m->name, ".bss"), rodata = begins(m->name, ".rodata");
	struct out_section *s;

	*index = w->n_sections;
	TRY(add_section(w, m->name, bss ? SHT_NOBITS : SHT_PROGBITS, SHF_ALLOC | (rodata ? 0 : SHF_WRITE), &s));
	if (bss) {
		s->nobits = m->value_size;
		return E_OK;
	}
	buf_put(&s->data, m->init.p, m->init.len);
	for (size_t n = m->init.len; n < m->value_size; n++)
		buf_putc(&s->data, 0);
	return E_OK;
}

/* .maps, data sections, and the symbols of data sections. */
static FALLIBLE put_maps(struct writer *w)
{
	uint32_t n = 0, index;
	struct out_section *s;

	for (uint32_t i = 0; i < w->in->n_maps; i++)
		n += !write_is_data(&w->in->maps[i]);
	if (n) {
		w->maps_section = w->n_sections;
		TRY(add_section(w, ".maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, &s));
		for (uint32_t i = 0; i < n * MAP_DEF_BYTES; i++)
			buf_putc(&s->data, 0);
	}
	for (uint32_t i = n; i < w->in->n_maps; i++) {
		TRY(put_data(w, &w->in->maps[i], &index));
		put_symbol(w, "", STB_LOCAL, STT_SECTION, index, 0, 0);
	}
	return E_OK;
}

static void put_subprograms(struct writer *w)
{
	for (uint32_t i = 0; i < w->in->n_progs; i++) {
		const struct prog *p = &w->in->progs[i];
		const struct write_place *at = &w->places[i];

		for (uint32_t k = 1; k < p->n_funcs; k++) {
			uint64_t start = p->funcs[k].start,
				 end = k + 1 < p->n_funcs ? p->funcs[k + 1].start : p->n_insns;

			put_symbol(w, p->funcs[k].name, STB_LOCAL, STT_FUNC, w->text_section,
				   (start - at->split + at->text_start) * ISA_SLOT_BYTES,
				   (end - start) * ISA_SLOT_BYTES);
		}
	}
}

static void put_globals(struct writer *w)
{
	for (uint32_t i = 0; i < w->in->n_progs; i++)
		put_symbol(w, w->in->progs[i].name, STB_GLOBAL, STT_FUNC, w->code_section[w->places[i].section],
			   (uint64_t)w->places[i].start * ISA_SLOT_BYTES,
			   (uint64_t)w->places[i].split * ISA_SLOT_BYTES);
	for (uint32_t i = 0; i < w->in->n_maps && !write_is_data(&w->in->maps[i]); i++)
		put_symbol(w, w->in->maps[i].name, STB_GLOBAL, STT_OBJECT, w->maps_section, (uint64_t)MAP_DEF_BYTES * i,
			   MAP_DEF_BYTES);
}

static FALLIBLE put_rest(struct writer *w)
{
	struct out_section *s, *ext;

	if (w->in->license && w->in->license[0]) {
		TRY(add_section(w, "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, &s));
		buf_put(&s->data, w->in->license, strlen(w->in->license) + 1);
	}
	for (uint32_t i = 0; i < w->in->n_extra; i++) {
		TRY(add_section(w, w->in->extra[i].name, SHT_PROGBITS, 0, &s));
		buf_put(&s->data, w->in->extra[i].bytes.p, w->in->extra[i].bytes.len);
	}
	TRY(add_section(w, ".BTF", SHT_PROGBITS, 0, &s));
	TRY(add_section(w, ".BTF.ext", SHT_PROGBITS, 0, &ext));
	write_btf(w->in, w->places, w->n_codes, &s->data, &ext->data);
	w->n_sections -= (!s->data.len && !s->data.full) + (!ext->data.len);
	return E_OK;
}

static FALLIBLE put_sections(struct writer *w)
{
	struct out_section *strtab, *symtab;

	w->n_sections = 1;
	TRY(add_section(w, ".strtab", SHT_STRTAB, 0, &strtab));
	buf_putc(&w->strings, 0);
	buf_put(&w->symbols, &(Elf64_Sym){ 0 }, sizeof(Elf64_Sym));
	TRY(put_codes(w));
	TRY(put_maps(w));
	put_subprograms(w);
	put_globals(w);
	TRY(put_rest(w));
	TRY(add_section(w, ".symtab", SHT_SYMTAB, 0, &symtab));
	symtab->link = 1;
	symtab->info = w->n_locals;
	symtab->entsize = SYMBOL_BYTES;
	for (uint32_t i = 1; i < w->n_sections; i++) {
		w->sections[i].name_off = put_str(w, w->sections[i].name);
		if (w->sections[i].type == SHT_REL)
			w->sections[i].link = w->n_sections - 1;
	}
	buf_put(&strtab->data, w->strings.p, w->strings.len);
	buf_put(&symtab->data, w->symbols.p, w->symbols.len);
	strtab->data.full |= w->strings.full;
	symtab->data.full |= w->symbols.full;
	return E_OK;
}

/* ---- the file ---- */

static uint64_t pad8(uint64_t n)
{
	return (n + 7) & ~7ull;
}

static void put_padded(struct buf *out, const struct buf *data)
{
	static const char zero[8];

	buf_put(out, data->p, data->len);
	buf_put(out, zero, pad8(data->len) - data->len);
}

static void put_file(const struct writer *w, struct buf *out)
{
	Elf64_Ehdr h = { .e_type = ET_REL,
			 .e_machine = EM_BPF,
			 .e_version = EV_CURRENT,
			 .e_ehsize = sizeof h,
			 .e_shentsize = SECTION_HDR_BYTES,
			 .e_shnum = (uint16_t)w->n_sections,
			 .e_shstrndx = 1,
			 .e_shoff = sizeof h };
	uint64_t off = sizeof h;

	memcpy(h.e_ident, (uint8_t[]){ 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, 7);
	for (uint32_t i = 1; i < w->n_sections; i++)
		h.e_shoff += pad8(w->sections[i].data.len);
	buf_put(out, &h, sizeof h);
	for (uint32_t i = 1; i < w->n_sections; i++)
		put_padded(out, &w->sections[i].data);
	buf_put(out, &(Elf64_Shdr){ 0 }, sizeof(Elf64_Shdr));
	for (uint32_t i = 1; i < w->n_sections; i++) {
		const struct out_section *s = &w->sections[i];
		Elf64_Shdr sh = { .sh_name = s->name_off,
				  .sh_type = s->type,
				  .sh_flags = s->flags,
				  .sh_offset = off,
				  .sh_size = s->type == SHT_NOBITS ? s->nobits : s->data.len,
				  .sh_link = s->link,
				  .sh_info = s->info,
				  .sh_entsize = s->entsize,
				  .sh_addralign = 8 };

		buf_put(out, &sh, sizeof sh);
		off += pad8(s->data.len);
	}
}

static FALLIBLE write_all(struct writer *w, struct buf *out)
{
	size_t before = out->len;
	bool full = false;

	w->sections = ARENA_ARRAY(&w->a, struct out_section, OBJ_MAX_SECTIONS);
	if (!w->sections)
		return E_NOMEM;
	TRY(check_maps(w));
	TRY(check_progs(w));
	TRY(number_symbols(w));
	TRY(put_sections(w));
	for (uint32_t i = 1; i < w->n_sections; i++)
		full |= w->sections[i].data.full;
	if (!full)
		put_file(w, out);
	if (full || out->full || out->len - before > OBJ_MAX_BYTES)
		FAIL_ID(w->d, LIMIT, 'E', 280, "the object does not fit into %zu bytes, or %d", out->max,
			OBJ_MAX_BYTES);
	return E_OK;
}

FALLIBLE obj_write(const struct obj_out *in, struct buf *out, struct diag *d)
{
	struct writer w = { .in = in, .d = d };
	enum err e;

	arena_init(&w.a, 64 << 20);
	buf_init(&w.strings, OBJ_MAX_BYTES);
	buf_init(&w.symbols, OBJ_MAX_BYTES);
	e = write_all(&w, out);
	for (uint32_t i = 0; w.sections && i < OBJ_MAX_SECTIONS; i++)
		buf_done(&w.sections[i].data);
	buf_done(&w.strings);
	buf_done(&w.symbols);
	arena_done(&w.a);
	return e;
}
