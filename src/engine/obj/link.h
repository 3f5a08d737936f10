/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: what the files that put programs together share. Not a door.
 *
 * funcs.c lists and decodes functions, core.c fits them to the target's types, reloc.c turns their references into
 * indexes, data.c does the same for addresses in data, link.c makes programs of them.
 */
#ifndef SALLYPORT_ENGINE_OBJ_LINK_H
#define SALLYPORT_ENGINE_OBJ_LINK_H

#include "engine/obj/internal.h"

enum { CALL_RESOLVED = 1 };

struct func {
	const char *name;
	uint32_t section, start, n; /* in slots */
	uint32_t first;             /* the function with the same place that comes first: aliases share it */
	uint32_t prog;              /* its index in struct obj, or NO_INDEX */
	bool hidden;                /* seen in its object only */
	struct isa_insn
		*insns; /* a resolved local call has off CALL_RESOLVED and imm = function index; so an address */
};

struct linker {
	struct elf *e;
	struct obj_maps *maps;
	const struct obj_externs *externs;
	const struct obj_lines *lines;
	const struct btf *types; /* NULL: there are none */
	const char **missing;    /* n_missing: what CO-RE relocations did not find (prog.h) */
	uint32_t n_missing;
	struct func *funcs; /* by section, then start */
	uint32_t n_funcs, n_progs;
	struct prog_ptr **ptrs; /* by map: those of maps->maps, to be written; of a function: its index in func */
	/* of the program being linked */
	uint32_t *order, n_order; /* functions in it */
	uint32_t *start_of;       /* by function: its first slot in the program */
	uint32_t *member_of;      /* by function: number of the last program that has it, from 1 */
	uint32_t *map_of;         /* by map: number of the last program whose pointers were followed into it */
	uint64_t total;           /* slots of all programs so far */
	uint64_t total_ptrs;      /* rows of ptrs that were looked through for them */
};

static inline bool func_is_local_call(const struct isa_insn *in)
{
	return in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;
}

/* A local call or the address of a function: imm is a function's index. */
static inline bool func_is_ref(const struct isa_insn *in)
{
	return func_is_local_call(in) || (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC);
}

/* Fill funcs, decoded; every reference in them is still as in the file. */
FALLIBLE funcs_list(struct linker *l);
/* The last function that begins at or before the slot, its first alias; NULL when there is none in the section. */
struct func *func_before(const struct linker *l, uint32_t section, uint64_t slot);
/* The one that begins at this byte, or NULL. */
struct func *func_at(const struct linker *l, uint32_t section, uint64_t off);

/* Apply the CO-RE relocations, before any other. */
FALLIBLE core_relocate(struct linker *l);
/* Apply the relocations of code, and resolve the calls that the compiler resolved itself. */
FALLIBLE code_relocate(struct linker *l);
/* Apply the relocations of data sections and of .maps. */
FALLIBLE data_relocate(struct linker *l);

#endif
