/* SPDX-License-Identifier: Apache-2.0 */
/* vmtest: short programs written as C, run in one call. */
#ifndef SALLYPORT_TESTS_VMTEST_H
#define SALLYPORT_TESTS_VMTEST_H

#include "test.h"
#include "engine/vm/impl.h" /* for the counting interpreter */

enum { CODE_MAX = 2048 };

struct code {
	struct isa_insn insns[CODE_MAX];
	uint32_t n;
	const struct prog_map *maps;
	struct map *const *map_objs;
	uint32_t n_maps;
	const struct abi_profile *profile; /* NULL: abi_sallyport */
	helper_fn *(*lookup)(uint32_t id);
};

/* Append the instruction of this row of isa.def. */
static inline struct isa_insn *emit(struct code *c, const char *row, unsigned dst, unsigned src, int32_t off,
				    int64_t imm)
{
	const struct isa_row *r = isa_row_by_name(row);
	struct isa_insn *in = &c->insns[c->n++];

	assert(r && c->n < CODE_MAX - 1);
	*in = (struct isa_insn){ .sem = r->sem,
				 .width = r->width,
				 .form = r->form,
				 .aux = r->aux,
				 .row = (uint16_t)(r - isa_rows),
				 .dst = (uint8_t)dst,
				 .src = (uint8_t)src,
				 .off = off,
				 .imm = imm };
	if (r->sem == ISA_IMM64)
		c->insns[c->n++] = (struct isa_insn){ 0 };
	return in;
}

static inline void lddw(struct code *c, unsigned dst, uint64_t imm)
{
	(void)emit(c, "LDDW", dst, 0, 0, (int64_t)imm);
}

static inline void movi(struct code *c, unsigned dst, int32_t imm)
{
	(void)emit(c, "MOV64_IMM", dst, 0, 0, imm);
}

static inline void mov(struct code *c, unsigned dst, unsigned src)
{
	(void)emit(c, "MOV64_REG", dst, src, 0, 0);
}

static inline void addi(struct code *c, unsigned dst, int32_t imm)
{
	(void)emit(c, "ADD64_IMM", dst, 0, 0, imm);
}

static inline void ldx(struct code *c, const char *row, unsigned dst, unsigned src, int32_t off)
{
	(void)emit(c, row, dst, src, off, 0);
}

static inline void stx(struct code *c, const char *row, unsigned dst, int32_t off, unsigned src)
{
	(void)emit(c, row, dst, src, off, 0);
}

static inline void call(struct code *c, uint32_t id)
{
	(void)emit(c, "CALL", 0, 0, 0, id);
}

static inline void exit_(struct code *c)
{
	(void)emit(c, "EXIT", 0, 0, 0, 0);
}

struct outcome {
	enum err err;
	uint64_t r0, executed;
	struct vm_fault fault;
	struct diag d;
};

static inline enum err prepare_code(const struct code *c, struct vm_prog **vp, struct diag *d)
{
	struct prog p = { .name = "t",
			  .section = "",
			  .insns = (struct isa_insn *)(uintptr_t)c->insns,
			  .n_insns = c->n,
			  .maps = c->maps,
			  .n_maps = c->n_maps };
	struct vm_prog_opts o = { .profile = c->profile ? c->profile : &abi_sallyport,
				  .maps = c->map_objs,
				  .lookup = c->lookup };

	return vm_prog_new(&p, &o, vp, d);
}

/* Prepare and run; executed counts instructions only with vm_interp_counted. */
static inline struct outcome run_with(vm_interp_fn *interp, const struct code *c, const struct vm_run_args *args)
{
	struct outcome o = { 0 };
	struct vm_run_args a = args ? *args : (struct vm_run_args){ 0 };
	struct vm_prog *vp = NULL;
	struct vm *v = NULL;

	diag_init(&o.d);
	o.err = prepare_code(c, &vp, &o.d);
	if (o.err != E_OK)
		return o;
	CHECK_OK(vm_new(&v));
	o.err = vm_run_with(interp, v, vp, &a, &o.r0, &o.fault, &o.executed, &o.d);
	vm_free(v);
	vm_prog_free(vp);
	return o;
}

static inline struct outcome run_code(const struct code *c, const struct vm_run_args *args)
{
	return run_with(vm_interp, c, args);
}

static inline uint64_t rnd(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15ull;
	return hash_u64(*s);
}

#endif
