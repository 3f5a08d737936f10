/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of obj share. Not a door.
 *
 * Order of a read: elf_read (tables) -> btf_read, maps_read -> lines_read -> link_progs.
 */
#ifndef SALLYPORT_ENGINE_OBJ_INTERNAL_H
#define SALLYPORT_ENGINE_OBJ_INTERNAL_H

#include <elf.h>

#include "engine/obj/obj.h"

enum {
	NO_INDEX = 0xffffffffu,
	NO_SECTION = 0xffffffffu, /* an absolute or common symbol */
	SECTION_HDR_BYTES = 64,
	SYMBOL_BYTES = 24,
	REL_BYTES = 16,
	R_64_64 = 1,  /* relocation types: a 64-bit immediate */
	R_64_32 = 10, /* a call */
};

struct elf_section {
	const char *name;
	uint32_t type, link, info;
	uint64_t flags, size, entsize;
	uint64_t off;     /* in the file, for messages */
	struct view data; /* empty for SHT_NOBITS */
};

struct elf_symbol {
	const char *name;
	uint64_t value, size;
	uint32_t section; /* 0: undefined; NO_SECTION: in none */
	uint8_t type, bind;
};

struct elf {
	struct view file;
	struct arena *a;
	struct diag *d;
	struct elf_section *sections;
	uint32_t n_sections;
	struct elf_symbol *symbols;
	uint32_t n_symbols;
	uint32_t symtab; /* its section index, 0 if there is none */
};

/* Where in the file the next message is about. */
static inline void elf_at(const struct elf *e, uint64_t off)
{
	if (e->d)
		e->d->offset = off;
}

FALLIBLE elf_read(struct elf *e);
/* The section with this name in *out, NULL when there is none; more than one is an error. */
FALLIBLE elf_find_one(const struct elf *e, const char *name, const struct elf_section **out);
/* E_LIMIT when the name is over OBJ_MAX_NAME bytes: what is compared and sorted has short names. */
FALLIBLE elf_check_name(const struct elf *e, const char *name, const char *what);

static inline bool elf_is_code(const struct elf_section *s)
{
	return s->type == SHT_PROGBITS && s->flags & SHF_EXECINSTR && s->size;
}

/* The i-th row of a SHT_REL section; call with i < size / REL_BYTES. */
struct elf_rel {
	uint64_t off;
	uint32_t symbol, type;
};
struct elf_rel elf_rel_at(const struct elf_section *s, uint64_t i);

/* Until obj reads types through engine/btf these two would be defined twice. */
#define btf_read obj_types_read
#define btf_size obj_types_size

/* BTF, as far as map definitions and line information need it. Ids begin at 1; id 0 is void. */
struct btf {
	struct elf *e;
	uint64_t off; /* of the section in the file */
	struct view types, strings;
	uint32_t *type_off; /* by id - 1 */
	uint32_t n_types;
};

struct btf_type {
	uint32_t name, kind, vlen;
	uint32_t size;    /* or the id of another type, by kind */
	struct view rest; /* what follows the 12 bytes that all types have */
};

enum btf_kind {
	BTF_VOID,
	BTF_INT,
	BTF_PTR,
	BTF_ARRAY,
	BTF_STRUCT,
	BTF_UNION,
	BTF_ENUM,
	BTF_FWD,
	BTF_TYPEDEF,
	BTF_VOLATILE,
	BTF_CONST,
	BTF_RESTRICT,
	BTF_FUNC,
	BTF_FUNC_PROTO,
	BTF_VAR,
	BTF_DATASEC,
	BTF_FLOAT,
	BTF_DECL_TAG,
	BTF_TYPE_TAG,
	BTF_ENUM64,
	BTF_N_KINDS
};

FALLIBLE btf_read(struct elf *e, const struct elf_section *s, struct btf *out);
/* NULL: outside the string area. */
const char *btf_str(const struct btf *b, uint32_t off);
/* False: no such id. */
bool btf_type(const struct btf *b, uint32_t id, struct btf_type *out);
/* Past typedefs and qualifiers; false: no such id, or a chain that is too long. */
bool btf_strip(const struct btf *b, uint32_t id, struct btf_type *out);
/* Bytes that a value of the type takes. E_FORMAT: it has no size. */
FALLIBLE btf_size(const struct btf *b, uint32_t id, uint32_t *out);

/* Maps, and how code finds them. */
struct obj_maps {
	struct prog_map *maps;
	uint64_t *value;    /* by map: its symbol's offset in .maps */
	uint32_t n_defined; /* the first ones come from .maps; the others are data sections */
	uint32_t n;
	uint32_t maps_section; /* index of .maps, 0 if there is none */
	uint32_t *by_section;  /* section index -> map index of a data section, or NO_INDEX */
};

/* b: NULL without BTF */
FALLIBLE maps_read(struct elf *e, const struct btf *b, struct obj_maps *out);

/* Line rows of one code section, by slot in that section, strictly ascending. */
struct obj_lines {
	struct prog_line *rows;
	uint32_t n;
};

/* *out: one element per section of the file */
FALLIBLE lines_read(struct elf *e, const struct btf *b, struct obj_lines **out);

FALLIBLE link_progs(struct elf *e, const struct obj_maps *maps, const struct obj_lines *lines, struct obj *out);

#endif
