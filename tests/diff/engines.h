/* SPDX-License-Identifier: Apache-2.0 */
/* engines: everything that can run a program: what it leaves in memory is to be the same. */
#ifndef SALLYPORT_TESTS_DIFF_ENGINES_H
#define SALLYPORT_TESTS_DIFF_ENGINES_H

#include "engine/maps/maps.h"
#include "engine/vm/vm.h"
#include "program.h"

enum diff_engine { DIFF_INTERPRETER, DIFF_VERIFIED, DIFF_SANDBOXED, DIFF_BLINDED, DIFF_KERNEL, DIFF_N_ENGINES };
extern const char *const diff_engine_names[DIFF_N_ENGINES];
extern const struct prog_map diff_maps[2];

/* What a program starts with, and what it leaves. */
struct diff_memory {
	uint8_t mem[DIFF_OUT];
	uint8_t cells[DIFF_CELLS][DIFF_CELL];
};

struct diff_bed {
	struct map *maps[2];
	struct vm *vm;
	struct arena a;
	bool has[DIFF_N_ENGINES];
	int map_fd[2];
	uint8_t *kernel_map[2]; /* mapped */
	uint64_t ran[DIFF_N_ENGINES], refused[DIFF_N_ENGINES], unproven;
	char why[4096];         /* of the last refusal or fault */
	char unproven_why[240]; /* of the last program that the verifier did not prove */
};

/* why_not: of the kernel, when it is not to be had: "" else. */
void diff_bed_init(struct diff_bed *b, bool kernel, char *why_not, size_t n);
void diff_bed_done(struct diff_bed *b);

enum diff_result { DIFF_RAN, DIFF_REFUSED, DIFF_FAULT };
/* Run from *m, which becomes what the program leaves. why of a fault in b->why. */
enum diff_result diff_run(struct diff_bed *b, enum diff_engine e, const struct diff_code *c, struct diff_memory *m);

/* kernel.c */
bool diff_kernel_init(struct diff_bed *b, char *why_not, size_t n);
void diff_kernel_done(struct diff_bed *b);
enum diff_result diff_kernel_run(struct diff_bed *b, const struct diff_code *c, struct diff_memory *m);

#endif
