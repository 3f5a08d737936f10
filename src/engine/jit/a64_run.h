/* SPDX-License-Identifier: Apache-2.0 */
/* a64_run: where native code finds what it reads and writes of a run (vm/native.h), as offsets. */
#ifndef SALLYPORT_ENGINE_JIT_A64_RUN_H
#define SALLYPORT_ENGINE_JIT_A64_RUN_H

#include "engine/jit/a64.h"

#define RUN_FIELD(field) ((int)offsetof(struct vm_run_state, field))
enum {
	RUN_VP = RUN_FIELD(vp),
	RUN_ENV = RUN_FIELD(env),
	RUN_CTX = RUN_FIELD(ctx),
	RUN_LOAD_SPAN = RUN_FIELD(load_span),
	RUN_STORE_SPAN = RUN_FIELD(store_span),
	RUN_STACK_LO = RUN_FIELD(stack_lo), /* and after it stack_live */
	RUN_LAST_WINDOW = RUN_FIELD(last_window),
	RUN_FUEL = RUN_FIELD(fuel),
	RUN_R = RUN_FIELD(r),
	RUN_IMPORTS = RUN_FIELD(imports),
	RUN_ENTRY = RUN_FIELD(entry),
	RUN_DEPTH = RUN_FIELD(depth),
	RUN_AT = RUN_FIELD(at),
	RUN_PROTO = RUN_FIELD(proto),
	RUN_WHY = RUN_FIELD(why),
	RUN_ADDR = RUN_FIELD(addr),
	RUN_BYTES = RUN_FIELD(bytes),
};

_Static_assert(offsetof(struct vm_run_state, stack_live) == offsetof(struct vm_run_state, stack_lo) + 8, "one pair");
_Static_assert(offsetof(struct vm_run_state, r) + sizeof(uint64_t) * ISA_N_REGS <= 504, "pairs reach r[]");
_Static_assert(offsetof(struct vm_run_state, r) % 8 == 0, "pairs of eights");
_Static_assert(sizeof(enum vm_why) == 4, "stored as a word");

#endif
