/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf: the tables of a relocatable file (headers, sections, symbols), each bounded before it is walked.
 *
 * String tables must end in a NUL, so that a string is there when its offset is inside, and no search for its end can
 * be made to run over the whole file again and again.
 */
#include "engine/obj/internal.h"

static_assert(sizeof(Elf64_Ehdr) == 64 && sizeof(Elf64_Shdr) == SECTION_HDR_BYTES, "ELF-64 layout");
static_assert(sizeof(Elf64_Sym) == SYMBOL_BYTES && sizeof(Elf64_Rel) == REL_BYTES, "ELF-64 layout");

static FALLIBLE check_header(struct elf *e, Elf64_Ehdr *h)
{
	elf_at(e, 0);
	if (e->file.len > OBJ_MAX_BYTES)
		FAIL_ID(e->d, LIMIT, 'E', 201, "the file has %zu bytes, at most %d are read", e->file.len,
			OBJ_MAX_BYTES);
	if (VIEW_READ(e->file, 0, h) != E_OK)
		FAIL_ID(e->d, TRUNCATED, 'E', 202, "%zu bytes are too few for an ELF header", e->file.len);
	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		FAIL_ID(e->d, FORMAT, 'E', 203, "this is not an ELF file");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_BPF ||
	    h->e_type != ET_REL || h->e_ident[EI_VERSION] != EV_CURRENT)
		FAIL_ID(e->d, UNSUPPORTED, 'E', 204, "this is not a relocatable 64-bit little-endian BPF object");
	elf_at(e, offsetof(Elf64_Ehdr, e_shentsize));
	if (h->e_shentsize != SECTION_HDR_BYTES || !h->e_shnum || h->e_shstrndx >= h->e_shnum)
		FAIL_ID(e->d, FORMAT, 'E', 205,
			"the section header table (%u entries of %u bytes, names in %u) makes no sense", h->e_shnum,
			h->e_shentsize, h->e_shstrndx);
	if (h->e_shnum > OBJ_MAX_SECTIONS)
		FAIL_ID(e->d, LIMIT, 'E', 206, "%u sections, at most %d are read", h->e_shnum, OBJ_MAX_SECTIONS);
	if (!view_has(e->file, h->e_shoff, (uint64_t)h->e_shnum * SECTION_HDR_BYTES))
		FAIL_ID(e->d, TRUNCATED, 'E', 207, "the section header table lies outside the file");
	return E_OK;
}

static FALLIBLE read_section(struct elf *e, uint64_t off, uint32_t index)
{
	struct elf_section *s = &e->sections[index];
	Elf64_Shdr h;

	elf_at(e, off);
	TRY(VIEW_READ(e->file, off, &h));
	*s = (struct elf_section){ .name = "",
				   .type = h.sh_type,
				   .link = h.sh_link,
				   .info = h.sh_info,
				   .flags = h.sh_flags,
				   .size = h.sh_size,
				   .entsize = h.sh_entsize,
				   .off = h.sh_offset };
	if (h.sh_type == SHT_NULL || h.sh_type == SHT_NOBITS)
		return E_OK;
	if (!view_sub(e->file, h.sh_offset, h.sh_size, &s->data))
		FAIL_ID(e->d, TRUNCATED, 'E', 208, "section %u (0x%llx bytes at 0x%llx) lies outside the file", index,
			(unsigned long long)h.sh_size, (unsigned long long)h.sh_offset);
	if (h.sh_type == SHT_STRTAB && h.sh_size && s->data.p[h.sh_size - 1])
		FAIL_ID(e->d, FORMAT, 'E', 209, "string table %u does not end in a NUL", index);
	return E_OK;
}

/* The string at off of a string table; NULL outside. */
static const char *table_str(const struct elf_section *s, uint64_t off)
{
	return s->type == SHT_STRTAB && off < s->data.len ? (const char *)s->data.p + off : NULL;
}

FALLIBLE elf_check_name(const struct elf *e, const char *name, const char *what)
{
	if (strnlen(name, OBJ_MAX_NAME + 1) > OBJ_MAX_NAME)
		FAIL_ID(e->d, LIMIT, 'E', 211, "the name of a %s, '%.32s...', has over %d bytes", what, name,
			OBJ_MAX_NAME);
	return E_OK;
}

static FALLIBLE read_sections(struct elf *e, const Elf64_Ehdr *h)
{
	e->n_sections = h->e_shnum;
	e->sections = ARENA_ARRAY(e->a, struct elf_section, e->n_sections);
	if (!e->sections)
		return E_NOMEM;
	for (uint32_t i = 0; i < e->n_sections; i++)
		TRY(read_section(e, h->e_shoff + (uint64_t)i * SECTION_HDR_BYTES, i));
	for (uint32_t i = 1; i < e->n_sections; i++) {
		uint32_t name;

		elf_at(e, h->e_shoff + (uint64_t)i * SECTION_HDR_BYTES);
		TRY(VIEW_READ(e->file, h->e_shoff + (uint64_t)i * SECTION_HDR_BYTES, &name));
		e->sections[i].name = table_str(&e->sections[h->e_shstrndx], name);
		if (!e->sections[i].name)
			FAIL_ID(e->d, FORMAT, 'E', 210, "the name of section %u lies outside the string table", i);
		TRY(elf_check_name(e, e->sections[i].name, "section"));
	}
	return E_OK;
}

static FALLIBLE read_symbol(struct elf *e, const struct elf_section *tab, uint32_t i)
{
	struct elf_symbol *s = &e->symbols[i];
	Elf64_Sym raw;

	elf_at(e, tab->off + (uint64_t)i * SYMBOL_BYTES);
	TRY(VIEW_READ(tab->data, (uint64_t)i * SYMBOL_BYTES, &raw));
	*s = (struct elf_symbol){ .value = raw.st_value,
				  .size = raw.st_size,
				  .section = raw.st_shndx,
				  .type = ELF64_ST_TYPE(raw.st_info),
				  .bind = ELF64_ST_BIND(raw.st_info),
				  .visibility = ELF64_ST_VISIBILITY(raw.st_other) };
	s->name = table_str(&e->sections[tab->link], raw.st_name);
	if (!s->name)
		FAIL_ID(e->d, FORMAT, 'E', 213, "the name of symbol %u lies outside its string table", i);
	if (raw.st_shndx == SHN_ABS || raw.st_shndx == SHN_COMMON)
		s->section = NO_SECTION;
	else if (raw.st_shndx >= e->n_sections)
		FAIL_ID(e->d, FORMAT, 'E', 214, "symbol %u is in section %u of %u", i, raw.st_shndx, e->n_sections);
	return E_OK;
}

static FALLIBLE read_symbols(struct elf *e)
{
	const struct elf_section *tab = NULL;

	for (uint32_t i = 1; i < e->n_sections; i++) {
		if (e->sections[i].type != SHT_SYMTAB)
			continue;
		elf_at(e, e->sections[i].off);
		if (tab)
			FAIL_ID(e->d, FORMAT, 'E', 215, "there are two symbol tables");
		tab = &e->sections[i];
		e->symtab = i;
	}
	if (!tab)
		return E_OK;
	if (tab->entsize != SYMBOL_BYTES || tab->data.len % SYMBOL_BYTES || tab->link >= e->n_sections)
		FAIL_ID(e->d, FORMAT, 'E', 212,
			"the symbol table (0x%zx bytes, entries of %llu, names in %u) makes no sense", tab->data.len,
			(unsigned long long)tab->entsize, tab->link);
	if (tab->data.len / SYMBOL_BYTES > OBJ_MAX_SYMBOLS)
		FAIL_ID(e->d, LIMIT, 'E', 216, "%zu symbols, at most %d are read", tab->data.len / SYMBOL_BYTES,
			OBJ_MAX_SYMBOLS);
	e->n_symbols = (uint32_t)(tab->data.len / SYMBOL_BYTES);
	e->symbols = ARENA_ARRAY(e->a, struct elf_symbol, e->n_symbols);
	if (!e->symbols)
		return E_NOMEM;
	for (uint32_t i = 0; i < e->n_symbols; i++)
		TRY(read_symbol(e, tab, i));
	return E_OK;
}

/* Tables of relocations are bounded here; what each row means is link.c's answer. */
static FALLIBLE check_relocs(struct elf *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const struct elf_section *s = &e->sections[i];

		if (s->type != SHT_REL && s->type != SHT_RELA)
			continue;
		elf_at(e, s->off);
		if (s->info >= e->n_sections)
			FAIL_ID(e->d, FORMAT, 'E', 217, "relocations %s are for section %u of %u", s->name, s->info,
				e->n_sections);
		if (s->type == SHT_RELA && e->sections[s->info].flags & SHF_ALLOC)
			FAIL_ID(e->d, UNSUPPORTED, 'E', 218, "relocations %s have explicit addends", s->name);
		if (s->type == SHT_REL && (s->entsize != REL_BYTES || s->data.len % REL_BYTES || s->link != e->symtab))
			FAIL_ID(e->d, FORMAT, 'E', 219,
				"the relocation table %s (0x%zx bytes, entries of %llu, symbols in %u) makes no sense",
				s->name, s->data.len, (unsigned long long)s->entsize, s->link);
	}
	return E_OK;
}

FALLIBLE elf_read(struct elf *e)
{
	Elf64_Ehdr h;

	TRY(check_header(e, &h));
	TRY(read_sections(e, &h));
	TRY(read_symbols(e));
	TRY(check_relocs(e));
	elf_at(e, DIAG_NONE);
	return E_OK;
}

FALLIBLE elf_find_one(const struct elf *e, const char *name, const struct elf_section **out)
{
	const struct elf_section *found = NULL;

	for (uint32_t i = 1; i < e->n_sections; i++) {
		if (strcmp(e->sections[i].name, name))
			continue;
		elf_at(e, e->sections[i].off);
		if (found)
			FAIL_ID(e->d, FORMAT, 'E', 220, "there are two sections %s", name);
		found = &e->sections[i];
	}
	elf_at(e, DIAG_NONE);
	*out = found;
	return E_OK;
}

struct elf_rel elf_rel_at(const struct elf_section *s, uint64_t i)
{
	Elf64_Rel raw;

	assert(view_has(s->data, i * REL_BYTES, sizeof raw) && "i < size / REL_BYTES");
	memcpy(&raw, s->data.p + i * REL_BYTES, sizeof raw);
	return (struct elf_rel){ .off = raw.r_offset,
				 .symbol = (uint32_t)ELF64_R_SYM(raw.r_info),
				 .type = (uint32_t)ELF64_R_TYPE(raw.r_info) };
}
