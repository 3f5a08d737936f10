/* SPDX-License-Identifier: Apache-2.0 */
/*
 * obj: relocatable BPF ELF bytes to programs, and back.
 *
 * Reading treats every byte as hostile: all access goes through struct view, every count and
 * size has a limit, nothing is trusted because a header says so. It links local calls across
 * sections, resolves .maps and data sections to maps, asks the caller for what the object leaves
 * open (extern functions and variables), and keeps line and function information. Sections that
 * it does not know are kept as bytes for the caller (obj_section).
 * Writing makes the same kind of file from programs, for the rule compiler.
 */
#ifndef SALLYPORT_ENGINE_OBJ_H
#define SALLYPORT_ENGINE_OBJ_H

#include "base/base.h"
#include "engine/btf/btf.h"
#include "engine/prog/prog.h"

enum {
	OBJ_MAX_BYTES = 16 << 20,
	OBJ_MAX_SECTIONS = 1024,
	OBJ_MAX_SYMBOLS = 65536,
	OBJ_MAX_PROGS = 32768,
	OBJ_MAX_MAPS = 256,
	OBJ_MAX_KEY_BYTES = 512,
	OBJ_MAX_VALUE_BYTES = 4 << 20,
	OBJ_KERNEL_KEY_BYTES = 1 << 20,
	OBJ_KERNEL_VALUE_BYTES = 1 << 30,
	OBJ_MAX_NAME = 255,      /* bytes of a section's, function's or map's name */
	OBJ_MAX_SLOTS = 4 << 20, /* of all linked programs together */
};

struct obj_section {
	const char *name;
	struct view bytes;
};

/* A name that the object uses and does not define. */
enum obj_extern_kind {
	OBJ_EXTERN_FUNC,   /* a function: a helper by name, or a kfunc */
	OBJ_EXTERN_VAR,    /* a variable (.ksyms): its address counts */
	OBJ_EXTERN_CONFIG, /* a variable of .kconfig: its value counts */
};
struct obj_extern {
	const char *name;
	uint8_t kind;        /* enum obj_extern_kind */
	bool weak;           /* may be missing: an address or value of 0; a call of it never comes back */
	bool typed;          /* VAR: the types say what it is, and not only that it has an address (void) */
	bool is_signed;      /* CONFIG: a number that may be negative */
	uint32_t value_size; /* CONFIG: bytes; VAR: bytes, or 0 when the types do not say */
};
/* What it stands for. */
enum obj_bound_kind {
	OBJ_BOUND_HELPER, /* FUNC: number is a helper's id; its address is that number too, as callx takes it */
	OBJ_BOUND_KFUNC,  /* FUNC: number is a BTF id */
	OBJ_BOUND_BTF_ID, /* VAR: number is a BTF id */
	OBJ_BOUND_NUMBER, /* VAR: the address. CONFIG: the value, which must fit */
	OBJ_BOUND_BYTES,  /* CONFIG: the value's first bytes, the others are 0 */
};
struct obj_bound {
	uint8_t kind; /* enum obj_bound_kind */
	uint64_t number;
	struct view bytes; /* borrowed until obj_read returns */
};

struct obj_opts {
	/* Called once for each extern that is used. False: there is no such thing. NULL: there is none at all. */
	bool (*resolve)(void *user, const struct obj_extern *x, struct obj_bound *out);
	void *user;
	/* What CO-RE relocations are resolved against; NULL: an object that has some is refused (E265). */
	const struct btf *target;
	/* Maps may be as large as a kernel makes them (keys to OBJ_KERNEL_KEY_BYTES, values to OBJ_KERNEL_VALUE_BYTES):
	 * for who looks at them and makes none. */
	bool kernel_sizes;
	bool text_programs; /* global functions of .text are programs too (libbpf: they are not) */
};

struct obj {
	struct prog *progs; /* global functions in executable sections other than .text, by section, then place */
	uint32_t n_progs;
	/*
	 * Those of .maps by offset, then data sections in file order, then .kconfig: a read-only array of one value,
	 * where the variables that are used lie in the order of their symbols, aligned to their size up to 8.
	 */
	const struct prog_map *maps;
	uint32_t n_maps;
	const struct obj_section *sections; /* every named section with contents */
	uint32_t n_sections;
	const char *license;     /* "" when there is none */
	uint32_t version;        /* of section version, 0 when there is none */
	const struct btf *types; /* .BTF: what type ids of maps and functions count in; NULL when there is none */
};

/*
 * bytes  the whole file; must outlive *out (maps' init and sections borrow from it)
 * name   for messages
 * opts   NULL: as if all were zero
 * a      owns everything in *out
 *
 * E_FORMAT E_TRUNCATED E_LIMIT E_UNSUPPORTED (with d: section and byte offset), E_NOMEM.
 * O(file size). No I/O.
 */
FALLIBLE obj_read(struct view bytes, const char *name, const struct obj_opts *opts, struct arena *a, struct obj *out,
		  struct diag *d);

/* The section with this name, or NULL. */
const struct obj_section *obj_section(const struct obj *o, const char *name);
/* The program with this name, or NULL. */
const struct prog *obj_prog(const struct obj *o, const char *name);

/* What obj_write needs: refs to maps by index stand in the instructions as obj_read gives them. */
struct obj_out {
	const struct prog *progs; /* all with the same maps; several may share a section name */
	uint32_t n_progs;
	const struct prog_map
		*maps; /* names that begin with '.' become data sections and come last; others go to .maps */
	uint32_t n_maps;
	const struct obj_section *extra; /* written as they are, not loaded */
	uint32_t n_extra;
	const char *license;
};

/*
 * Append the ELF file to out. Deterministic: the same input gives the same bytes.
 *
 * obj_read of the result gives the same maps and sections, and the same programs, ordered by section name as those
 * first appear; functions of a program that no call reaches are gone, the others in the order in which calls first name
 * them.
 *
 * E_INVALID      something that obj_read would not give: a name twice, a reference to no map, a call to no function...
 * E_UNSUPPORTED  a map that is not plain data, the address of a function or type, a program on demand
 * E_LIMIT        out is full (it then holds part of the file), or an OBJ_MAX_*
 * E_NOMEM
 */
FALLIBLE obj_write(const struct obj_out *in, struct buf *out, struct diag *d);

#endif
