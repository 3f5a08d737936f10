/* SPDX-License-Identifier: Apache-2.0 */
/* program_file: a program from a file that is an object, a text of assembly, or bare instructions. */
#ifndef SALLYPORT_CLI_PROGRAM_FILE_H
#define SALLYPORT_CLI_PROGRAM_FILE_H

#include "cli/cli.h"
#include "engine/obj/obj.h"
#include "engine/prog/prog.h"

enum { PROGRAM_ARENA_MAX = 512 << 20 };

struct program_file {
	struct arena arena;
	char *bytes; /* the programs borrow from it */
	size_t len;
	struct prog own; /* of a text, of bare instructions */
	struct obj obj;
	const struct prog *progs;
	uint32_t n_progs;
	bool is_object;
};

/*
 * Read it: an object when it begins as ELF files do, with raw bare instructions, else a text (a zero byte: bare
 * instructions too). Of a test file of the conformance suite, which has sections that begin with a line such as
 * "-- asm", the part under that line is the text. The exit code with what is wrong said on stderr, or 0;
 * program_file_done in any case.
 */
int program_file_read(const char *path, bool raw, struct program_file *out);
void program_file_done(struct program_file *f);
/* The program with this name; NULL: the first one. *out is NULL, and the exit code not 0, when there is none. */
int program_file_pick(const struct program_file *f, const char *path, const char *name, const struct prog **out);

#endif
