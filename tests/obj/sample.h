/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: a small object of our own making that has one of everything, and tools to damage it.
 *
 *   one   section "sallyport/rule", slots 0-5: refers to the hash and to .rodata + 4, and calls `sub`, three slots in
 * .text two   the same section, slots 6 and 7 maps  hot (hash), .rodata, .data, .bss
 */
#ifndef SALLYPORT_TESTS_OBJ_SAMPLE_H
#define SALLYPORT_TESTS_OBJ_SAMPLE_H

#include <elf.h>

#include "test.h"

#include "engine/obj/obj.h"

extern const uint8_t progs_bpf[];
extern const size_t progs_bpf_bytes;
extern const uint8_t features_bpf[];
extern const size_t features_bpf_bytes;

enum { SAMPLE_N_MAPS = 4, SAMPLE_HOT = 0, SAMPLE_RODATA = 1, SAMPLE_DATA = 2, SAMPLE_BSS = 3 };

struct sample {
	struct arena a;
	struct obj_out out;
	struct prog progs[2];
	struct prog_map maps[SAMPLE_N_MAPS];
	struct prog_func funcs[2];
	struct prog_line lines[3];
	struct obj_section extra[1];
	struct isa_insn *code; /* of progs[0] */
};

void sample_init(struct sample *s);
void sample_done(struct sample *s);
/* The sample as a file; the caller calls buf_done. */
void sample_write(struct buf *out);

/* Has what begins with ext_ (but ext_absent) or CONFIG_ (but CONFIG_WEAK); see sample.c. */
bool sample_resolve(void *user, const struct obj_extern *x, struct obj_bound *out);

/* Read a copy that ends where its bytes end; memory is freed before it returns. The diagnostic's id goes to *id.
 * Externs are sample_resolve's. */
enum err read_exact(const void *p, size_t len, uint16_t *id);
/* Are these the same instructions? (Not their padding.) */
bool same_code(const struct isa_insn *x, const struct isa_insn *y, uint32_t n);
/* What prog.h promises of programs that were read. */
void check_promises(const struct obj *o);

/* The header of the section with this name, in the file's bytes. */
Elf64_Shdr *shdr(struct buf *file, const char *name);
uint32_t shdr_index(struct buf *file, const char *name);
/* The bytes of that section. */
uint8_t *bytes_of(struct buf *file, const char *name);
/* The symbol with this name. */
Elf64_Sym *symbol(struct buf *file, const char *name);

/* Code by hand: mov dst, imm; call local; exit; lddw of a map. */
struct isa_insn insn_mov(uint8_t dst, int32_t imm);
struct isa_insn insn_call(int32_t distance);
struct isa_insn insn_exit(void);
struct isa_insn insn_ref(uint8_t dst, enum isa_imm64 kind, uint32_t map, int32_t off);

#endif
