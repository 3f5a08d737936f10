/* SPDX-License-Identifier: Apache-2.0 */
/* rows: small programs and what the verifier must say of each. Together the files of tests provoke every diagnostic. */
#ifndef SALLYPORT_TESTS_VERIFY_ROWS_H
#define SALLYPORT_TESTS_VERIFY_ROWS_H

#include "asm.h"
#include "fixture.h"
#include "test.h"

struct row {
	const char *name;
	const struct isa_insn *code;
	size_t n;
	uint16_t id; /* 0: accepted */
	const struct abi_ctx *ctx;
};

/* By id of a diagnostic: a program was refused with it. */
extern bool provoked[1000];

enum err verify_with(const struct row *r, const struct abi_profile *profile, const struct abi_prog_type *type,
		     size_t cap, struct diag *d);
void check_rows(const struct row *rows, size_t n, const struct abi_prog_type *type);

/*
 * FUNC(2, n) at slot s names the instruction at s + 1 + n. Callbacks stand behind the program; CB is what most of these
 * programs begin with: loop 10 times, with the frame's address.
 */
#define CB(n) mov(1, 10), FUNC(2, n), movr(3, 10), mov(4, 0)

#define LOOKUP(map) st(64, 10, -8, 0), MAP_FD(1, map), movr(2, 10), add(2, -8), call(ABI_HELPER_map_lookup_elem)
#define RESERVE(n) MAP_FD(1, MAP_RING), mov(2, n), mov(3, 0), call(LINUX_RESERVE)
#define SUBMIT(r) movr(1, r), mov(2, 0), call(LINUX_SUBMIT)
/* Go on if r0 is not null, else end. */
#define OR_END jcc(ISA_JNE, 64, 0, 0, 2), mov(0, 0), exit_()

#endif
