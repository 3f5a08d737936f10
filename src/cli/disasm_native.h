/* SPDX-License-Identifier: Apache-2.0 */
/* disasm_native: native code beside the instructions that it was made of. */
#ifndef SALLYPORT_CLI_DISASM_NATIVE_H
#define SALLYPORT_CLI_DISASM_NATIVE_H

#include "cli/program_file.h"
#include "engine/jit/jit.h"

struct native_opts {
	enum jit_target target;
	bool verified, lines; /* code without checks; source lines too */
};

/* "x86-64", "aarch64", NULL: this machine's. False: no such target. */
bool native_target(const char *name, enum jit_target *out);
/* The program as text, in the order of its native code. An exit code, said on stderr, or 0. */
int native_list(const struct program_file *f, const struct prog *p, const struct native_opts *o, struct buf *out);

#endif
