/* SPDX-License-Identifier: Apache-2.0 */
/* write: what write.c and write_btf.c share. Not a door. */
#ifndef SALLYPORT_ENGINE_OBJ_WRITE_H
#define SALLYPORT_ENGINE_OBJ_WRITE_H

#include "engine/obj/internal.h"

enum { MAP_DEF_BYTES = 40 }; /* of a definition in .maps: five pointers */

static inline bool write_is_data(const struct prog_map *m)
{
	return m->name[0] == '.';
}

/*
 * Where the code of a program went: its entry function, up to slot `split`, to the section of its name; its subprograms
 * to .text. Loaders take every function in another section for a program.
 */
struct write_place {
	uint32_t section; /* number of the section name, in order of appearance */
	uint32_t start;
	uint32_t split, text_start;
};

/*
 * Types of the maps that are not data go to .BTF; lines of all programs to .BTF.ext, whose strings stand in .BTF.
 * Either stays empty when there is nothing to say.
 */
void write_btf(const struct obj_out *in, const struct write_place *places, uint32_t n_sections, struct buf *btf,
	       struct buf *ext);

#endif
