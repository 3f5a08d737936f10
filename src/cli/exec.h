/* SPDX-License-Identifier: Apache-2.0 */
/* exec: what its files share: a program made ready, and a run that is watched, instruction by instruction. */
#ifndef SALLYPORT_CLI_EXEC_H
#define SALLYPORT_CLI_EXEC_H

#include "cli/program_file.h"
#include "engine/vm/vm.h"

/* A program with its maps, and the programs that those hold. */
struct exec_set {
	const struct program_file *file;
	struct map **maps;
	struct vm_prog **progs; /* by number in file; those that are used */
	uint32_t n_maps;
	struct vm_prog *vp;      /* the one to run */
	struct jit_image *image; /* NULL: interpreted */
};

/* p is one of f's. exec_unload in any case. E_UNSUPPORTED, E_INVALID, E_FORMAT, E_LIMIT with d; E_NOMEM. */
FALLIBLE exec_load(struct exec_set *s, const struct program_file *f, const struct prog *p, struct diag *d);
void exec_unload(struct exec_set *s);

enum exec_way { EXEC_INTERPRETED, EXEC_SANDBOXED, EXEC_VERIFIED };
/*
 * Compile the programs of the set for this machine, to run with a context of so many bytes. VERIFIED: prove them first;
 * E_REJECTED and others of the verifier. E_UNSUPPORTED: no compiler for this machine.
 */
FALLIBLE exec_compile(struct exec_set *s, enum exec_way way, size_t ctx_bytes, struct diag *d);

/* What a trace and a profile remember. */
struct exec_watch {
	const struct prog *p;
	const struct vm_prog *vp; /* other programs' instructions (tail calls) are not of p */
	bool trace;               /* each instruction to standard error, with the registers that it changed */
	uint64_t *counts;         /* by slot; NULL: no profile */
	uint64_t last[ISA_N_REGS];
	bool begun;
	struct buf line; /* of the instruction that runs; printed when it is known what it changed */
};

struct vm_observer exec_observer(struct exec_watch *w);
/* The instruction that ran last; ok: it left r0. */
void exec_watch_end(struct exec_watch *w, bool ok, uint64_t r0);

/* Instructions by source line, most first, and by function; of all runs. */
int exec_profile_text(const struct exec_watch *w, struct buf *out);
int exec_profile_json(const struct exec_watch *w, struct json *j);

#endif
