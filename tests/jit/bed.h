/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bed: one program on every engine that this machine has, and what differs.
 *
 * The cases_*.c know no target: they are built for the machine at hand, and once more for aarch64, to run under
 * qemu-user (a64.py).
 */
#ifndef SALLYPORT_TESTS_JIT_BED_H
#define SALLYPORT_TESTS_JIT_BED_H

#include "../vm/vmtest.h"
#include "engine/jit/jit.h"

/* How native code was made; INTERP is what all are compared with. */
enum bed_engine { BED_INTERP, BED_VERIFIED, BED_VERIFIED_FUEL, BED_SANDBOXED, BED_BLIND, BED_OTHER_ATOMICS, BED_N };
enum { BED_ALL = (1 << BED_N) - 2, BED_CHECKED = 1 << BED_SANDBOXED };

extern const char *const bed_names[BED_N];

/* What one run left behind: its outcome, and the context and the values of the maps afterwards. */
enum { BED_CTX_MAX = 256, BED_MAP_MAX = 256 };
struct bed_result {
	struct outcome o;
	_Alignas(16) uint8_t ctx[BED_CTX_MAX], map[BED_MAP_MAX];
};

/* Run c on a copy of ctx with the values of its first map as `map` says (both may be empty). */
struct bed_input {
	const uint8_t *ctx, *map;
	size_t ctx_bytes, map_bytes;
	bool read_only;
	bool strays; /* far out of its windows */
	uint64_t fuel;
	struct helper_env *env;
};
void bed_run(enum bed_engine e, const struct code *c, const struct bed_input *in, struct bed_result *out);

/* Run c on the interpreter and on each engine of the set; a difference fails the test, with the listing of c. */
struct bed_result bed_compare(unsigned engines, const struct code *c, const struct bed_input *in);

/* Let vm_run run vp on e from now on, until bed_detach; INTERP: nothing to do. */
struct bed_native {
	struct vm_prog *vp;
	struct jit_image *im;
	struct arena a;
};
void bed_attach(enum bed_engine e, struct vm_prog *vp, struct bed_native *out);
/* Before vp is freed. */
void bed_detach(struct bed_native *n);

/* Bytes of native code that e makes of c. */
size_t bed_code_bytes(enum bed_engine e, const struct code *c);

#endif
