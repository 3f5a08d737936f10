/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of obj share. Not a door.
 *
 * Order of a read: elf_read (tables) -> btf_read, maps_read -> externs_read -> lines_read -> link_progs.
 */
#ifndef SALLYPORT_ENGINE_OBJ_INTERNAL_H
#define SALLYPORT_ENGINE_OBJ_INTERNAL_H

#include <elf.h>

#include "engine/btf/btf.h"
#include "engine/obj/obj.h"

enum {
	NO_INDEX = 0xffffffffu,
	NO_SECTION = 0xffffffffu, /* an absolute or common symbol */
	SECTION_HDR_BYTES = 64,
	SYMBOL_BYTES = 24,
	REL_BYTES = 16,
	/* Relocation types (LLVM's Documentation/bpf/llvm_reloc.rst, Linux v6.12); 3 and 4 are for BTF and debuggers.
	 */
	R_64_64 = 1,    /* a 64-bit immediate */
	R_64_ABS64 = 2, /* 8 bytes of data */
	R_64_32 = 10,   /* a call */
	POINTER_BYTES = 8,
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
	uint8_t type, bind, visibility;
};

struct elf {
	struct view file;
	struct arena *a;
	struct diag *d;
	const struct obj_opts *opts; /* never NULL */
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

static inline uint32_t elf_max_key(const struct elf *e)
{
	return e->opts->kernel_sizes ? OBJ_KERNEL_KEY_BYTES : OBJ_MAX_KEY_BYTES;
}

static inline uint32_t elf_max_value(const struct elf *e)
{
	return e->opts->kernel_sizes ? OBJ_KERNEL_VALUE_BYTES : OBJ_MAX_VALUE_BYTES;
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

/* Maps, and how code finds them. */
struct obj_maps {
	struct prog_map *maps;
	uint64_t *value, *bytes; /* by map: its symbol's offset in .maps, and its size there */
	uint32_t *values_off;    /* by map: where its member `values` begins in it, or NO_INDEX */
	uint32_t n_defined;      /* the first ones come from .maps; the others are data sections */
	uint32_t n;
	uint32_t maps_section; /* index of .maps, 0 if there is none */
	uint32_t *by_section;  /* section index -> map index of a data section, or NO_INDEX */
};

/* b: NULL without BTF */
FALLIBLE maps_read(struct elf *e, const struct btf *b, struct obj_maps *out);
/* Index of the map that begins at this offset of .maps, or NO_INDEX. */
uint32_t maps_at(const struct obj_maps *m, uint64_t value);

/* What an undefined symbol turned out to be. */
enum extern_state { EXTERN_UNUSED, EXTERN_USED, EXTERN_CALLED, EXTERN_MISSING, EXTERN_BOUND };
struct obj_found {
	uint8_t state; /* enum extern_state; MISSING only when it is weak */
	uint8_t kind;  /* enum obj_extern_kind */
	struct obj_bound bound;
	uint32_t size, off; /* CONFIG: bytes, and where they are in .kconfig */
};
struct obj_externs {
	struct obj_found *found; /* by symbol */
	uint32_t config;         /* index of the map .kconfig, or NO_INDEX */
};

/* Asks the caller for every extern that code or data use; adds .kconfig to the maps. */
FALLIBLE externs_read(struct elf *e, const struct btf *b, struct obj_maps *maps, struct obj_externs *out);

/* Line rows and types of functions of one code section, by slot in that section, strictly ascending. */
struct obj_func_type {
	uint32_t slot, type;
};
struct obj_lines {
	struct prog_line *rows;
	uint32_t n;
	struct obj_func_type *types;
	uint32_t n_types;
};

/* *out: one element per section of the file */
FALLIBLE lines_read(struct elf *e, const struct btf *b, struct obj_lines **out);

/* b: NULL without BTF */
FALLIBLE link_progs(struct elf *e, const struct btf *b, struct obj_maps *maps, const struct obj_externs *externs,
		    const struct obj_lines *lines, struct obj *out);

#endif
