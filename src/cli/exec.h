/* SPDX-License-Identifier: Apache-2.0 */
/* exec: what its files share: a run that is watched, instruction by instruction. */
#ifndef SALLYPORT_CLI_EXEC_H
#define SALLYPORT_CLI_EXEC_H

#include "cli/cli.h"
#include "engine/prog/prog.h"
#include "engine/vm/vm.h"

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
