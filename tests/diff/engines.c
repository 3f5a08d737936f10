/* SPDX-License-Identifier: Apache-2.0 */
#include "engines.h"

#include "engine/jit/jit.h"
#include "engine/verify/verify.h"

const char *const diff_engine_names[DIFF_N_ENGINES] = {
	[DIFF_INTERPRETER] = "interpreter", [DIFF_VERIFIED] = "verified", [DIFF_SANDBOXED] = "sandboxed",
	[DIFF_BLINDED] = "blinded",         [DIFF_KERNEL] = "kernel",
};

const struct prog_map diff_maps[2] = {
	{ .name = "memory", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = DIFF_OUT, .max_entries = 1 },
	{ .name = "cells", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = DIFF_CELL, .max_entries = DIFF_CELLS },
};

enum { ARENA_BYTES = 256 << 20, FUEL = 100000000 };

static void must(enum err e, const struct diag *d)
{
	if (e == E_OK)
		return;
	(void)fprintf(stderr, "diff: %s: %s\n", err_text(e), d->text);
	exit(3);
}

void diff_bed_init(struct diff_bed *b, bool kernel, char *why_not, size_t n)
{
	struct diag d;

	memset(b, 0, sizeof *b);
	diag_init(&d);
	for (uint32_t i = 0; i < 2; i++)
		must(map_new(&diff_maps[i], &b->maps[i], &d), &d);
	must(vm_new(&b->vm), &d);
	b->has[DIFF_INTERPRETER] = true;
	b->has[DIFF_VERIFIED] = b->has[DIFF_SANDBOXED] = b->has[DIFF_BLINDED] = jit_host() != JIT_N_TARGETS;
	why_not[0] = 0;
	b->has[DIFF_KERNEL] = kernel && diff_kernel_init(b, why_not, n);
}

void diff_bed_done(struct diff_bed *b)
{
	diff_kernel_done(b);
	vm_free(b->vm);
	map_free(b->maps[0]);
	map_free(b->maps[1]);
}

static void copy(struct diff_bed *b, struct diff_memory *m, bool in)
{
	uint8_t *base;
	size_t bytes;
	bool writable;

	for (uint32_t i = 0; i < 2; i++) {
		void *mine = i ? (void *)m->cells : m->mem;
		size_t size = i ? sizeof m->cells : sizeof m->mem;

		map_values(b->maps[i], &base, &bytes, &writable);
		if (in)
			memcpy(base, mine, size);
		else
			memcpy(mine, base, size);
	}
}

static FALLIBLE attach(struct diff_bed *b, enum diff_engine e, struct vm_prog *vp, struct jit_image **im,
		       struct diag *d)
{
	struct jit_opts o = {
		.target = jit_host(),
		.sandboxed = e == DIFF_SANDBOXED,
		.blind = e == DIFF_BLINDED,
		.retpoline = e == DIFF_BLINDED && jit_host() == JIT_X86_64,
		.seed = 0x1234567,
	};
	struct jit_code code;

	TRY(jit_compile(vp, &o, &b->a, &code, d));
	TRY(jit_map(&code, 1, im, d));
	return jit_attach(vp, *im, 0, d);
}

static FALLIBLE prepare(struct diff_bed *b, enum diff_engine e, const struct prog *p, struct vm_prog **vp,
			struct jit_image **im, struct diag *d)
{
	const struct vm_prog_opts o = { .profile = &abi_sallyport, .maps = b->maps };

	TRY(vm_prog_new(p, &o, vp, d));
	return e == DIFF_INTERPRETER ? E_OK : attach(b, e, *vp, im, d);
}

/* The verifier's word is not needed here: these programs are safe by construction. It is counted. */
static void ask_verifier(struct diff_bed *b, const struct prog *p)
{
	const struct abi_ctx ctx = { .name = "none", .size = 8, .plain_memory = true };
	const struct verify_opts o = { .profile = &abi_sallyport,
				       .type = abi_prog_type(&abi_sallyport, "sallyport/program"),
				       .ctx = &ctx };
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, ARENA_BYTES);
	if (o.type && verify_prog(p, &o, &a, NULL, &d) != E_OK) {
		b->unproven++;
		(void)snprintf(b->unproven_why, sizeof b->unproven_why, "%s", d.text);
	}
	arena_done(&a);
}

enum diff_result diff_run(struct diff_bed *b, enum diff_engine e, const struct diff_code *c, struct diff_memory *m)
{
	struct prog p = { .name = "diff",
			  .section = "xdp",
			  .insns = (struct isa_insn *)c->insns,
			  .n_insns = c->n,
			  .maps = diff_maps,
			  .n_maps = 2 };
	struct vm_run_args args = { .fuel = FUEL };
	struct jit_image *im = NULL;
	struct vm_prog *vp = NULL;
	enum diff_result r = DIFF_REFUSED;
	uint64_t ret;
	struct diag d;

	if (e == DIFF_KERNEL) {
		r = diff_kernel_run(b, c, m);
		b->ran[e] += r == DIFF_RAN;
		b->refused[e] += r == DIFF_REFUSED;
		return r;
	}
	if (e == DIFF_VERIFIED)
		ask_verifier(b, &p);
	diag_init(&d);
	arena_init(&b->a, ARENA_BYTES);
	if (prepare(b, e, &p, &vp, &im, &d) == E_OK) {
		copy(b, m, true);
		r = vm_run(b->vm, vp, &args, &ret, NULL, &d) == E_OK ? DIFF_RAN : DIFF_FAULT;
		copy(b, m, false);
	}
	if (r != DIFF_RAN)
		(void)snprintf(b->why, sizeof b->why, "%s", d.text);
	b->ran[e] += r == DIFF_RAN;
	b->refused[e] += r == DIFF_REFUSED;
	if (vp)
		jit_detach(vp);
	vm_prog_free(vp);
	jit_image_free(im);
	arena_done(&b->a);
	return r;
}
