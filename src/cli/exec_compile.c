/* SPDX-License-Identifier: Apache-2.0 */
/* exec_compile: the programs of a set as native code, proven before where they are to run without checks. */
#include "cli/exec.h"
#include "engine/jit/jit.h"
#include "engine/verify/verify.h"

enum { VERIFY_ARENA_MAX = 512 << 20 };

/* Under Sallyport's own rules: as what its section says, or as a program of no special type. */
static FALLIBLE prove(const struct prog *p, size_t ctx_bytes, struct diag *d)
{
	struct abi_ctx ctx = { .name = "memory", .size = (uint32_t)ctx_bytes, .plain_memory = true, .writable = true };
	struct verify_opts o = { .profile = &abi_sallyport,
				 .type = abi_prog_type(&abi_sallyport, p->section),
				 .ctx = &ctx };
	struct arena a;
	enum err err;

	if (!o.type)
		o.type = abi_prog_type(&abi_sallyport, "sallyport/program");
	if (!o.type)
		FAIL(d, UNSUPPORTED, "program type '%s' is not one of Sallyport's runtime", p->section);
	arena_init(&a, VERIFY_ARENA_MAX);
	err = verify_prog(p, &o, &a, NULL, d);
	/* The notes go with the arena; what is wrong and where stays. */
	if (d)
		d->notes = NULL;
	arena_done(&a);
	return err;
}

static FALLIBLE compile_all(struct exec_set *s, enum exec_way way, size_t ctx_bytes, struct arena *a, struct diag *d)
{
	struct jit_opts o = {
		.target = jit_host(), .features = jit_host_features(), .sandboxed = way == EXEC_SANDBOXED, .fuel = true
	};
	struct jit_code *codes = ARENA_ARRAY(a, struct jit_code, s->file->n_progs);
	uint32_t n = 0, at = 0;

	if (!codes)
		return E_NOMEM;
	if (o.target == JIT_N_TARGETS)
		FAIL(d, UNSUPPORTED, "there is no compiler for this machine");
	for (uint32_t i = 0; i < s->file->n_progs; i++) {
		if (!s->progs[i])
			continue;
		if (way == EXEC_VERIFIED)
			TRY(prove(&s->file->progs[i], ctx_bytes, d));
		TRY(jit_compile(s->progs[i], &o, a, &codes[n++], d));
	}
	TRY(jit_map(codes, n, &s->image, d));
	for (uint32_t i = 0; i < s->file->n_progs; i++)
		if (s->progs[i])
			TRY(jit_attach(s->progs[i], s->image, at++, d));
	return E_OK;
}

FALLIBLE exec_compile(struct exec_set *s, enum exec_way way, size_t ctx_bytes, struct diag *d)
{
	struct arena a;
	enum err err;

	arena_init(&a, PROGRAM_ARENA_MAX);
	err = compile_all(s, way, ctx_bytes, &a, d);
	arena_done(&a);
	return err;
}
