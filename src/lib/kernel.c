/* SPDX-License-Identifier: Apache-2.0 */
/* kernel: verdicts of releases of Linux. */
#include "lib/lib.h"

#include "engine/kobj/kobj.h"

enum { MEMORY_MAX = 256 << 20, NOTES_MAX = 16 << 20, OWN_TYPE = 1 << 16, FIRST_OWN = 1000 };

/* What one call works with. */
struct asking {
	const struct sp_kernel_opts *o;
	const struct kernel_profile *kernel;
	uint16_t release; /* that was asked for */
	size_t memory_max;
	struct kverify_extra extra;
	struct kobj object;
	struct arena arena;
};

SP_API const char *sp_kernel_at(size_t i)
{
	return i < kernel_n_profiles ? kernel_profiles[i].name : NULL;
}

/* ---- an embedder's program type ---- */

static const struct {
	uint8_t base;
	uint32_t flags;
} args[] = {
	[SP_ARG_NONE] = { KA_DONTCARE, 0 },
	[SP_ARG_NUMBER] = { KA_ANYTHING, 0 },
	[SP_ARG_MAP] = { KA_CONST_MAP_PTR, 0 },
	[SP_ARG_MAP_KEY] = { KA_MAP_KEY, 0 },
	[SP_ARG_MAP_VALUE] = { KA_MAP_VALUE, 0 },
	[SP_ARG_MEM] = { KA_MEM, KF_RDONLY },
	[SP_ARG_MEM_WRITE] = { KA_MEM, KF_UNINIT | KF_WRITE },
	[SP_ARG_SIZE] = { KA_CONST_SIZE, 0 },
	[SP_ARG_SIZE_OR_ZERO] = { KA_CONST_SIZE_OR_ZERO, 0 },
	[SP_ARG_CTX] = { KA_CTX, 0 },
};

/* The rows of the environment are the engine's own kinds: those that users can add have a counterpart here. */
static uint8_t public_arg(uint8_t abi)
{
	static const uint8_t of[] = {
		[ABI_ARG_NONE] = SP_ARG_NONE,
		[ABI_ARG_SCALAR] = SP_ARG_NUMBER,
		[ABI_ARG_CONST_MAP] = SP_ARG_MAP,
		[ABI_ARG_MAP_KEY] = SP_ARG_MAP_KEY,
		[ABI_ARG_MAP_VALUE] = SP_ARG_MAP_VALUE,
		[ABI_ARG_MEM] = SP_ARG_MEM,
		[ABI_ARG_MEM_WRITE] = SP_ARG_MEM_WRITE,
		[ABI_ARG_SIZE] = SP_ARG_SIZE,
		[ABI_ARG_SIZE_OR_ZERO] = SP_ARG_SIZE_OR_ZERO,
		[ABI_ARG_CTX] = SP_ARG_CTX,
	};

	return abi < countof(of) ? of[abi] : SP_ARG_NUMBER;
}

static struct kernel_proto proto_of(const struct abi_helper *h)
{
	bool value = h->ret == ABI_RET_MAP_VALUE_OR_NULL;
	struct kernel_proto p = { .id = h->id,
				  .name = h->name,
				  .ret = { .base = value ? KRET_MAP_VALUE : KRET_INTEGER,
					   .flags = value ? KF_OR_NULL : 0 } };

	for (int i = 0; i < ABI_MAX_ARGS; i++) {
		p.arg[i].base = args[public_arg(h->args[i])].base;
		p.arg[i].flags = args[public_arg(h->args[i])].flags;
	}
	return p;
}

static FALLIBLE make_extra(struct asking *k, struct diag *d)
{
	const struct sp_kernel_type *t = k->o->type;
	struct kernel_proto *protos;

	if (!t)
		return E_OK;
	if (!t->section || !t->ctx || t->ctx->fields || t->ret_min > t->ret_max)
		FAIL(d, INVALID, "a program type needs a section, a context of plain memory, and ret_min <= ret_max");
	k->extra = (struct kverify_extra){ .prog_type = OWN_TYPE,
					   .ctx_size = t->ctx->bytes,
					   .ctx_writable = t->ctx->writable,
					   .ret_min = t->ret_min,
					   .ret_max = t->ret_max,
					   .allowed = t->helpers,
					   .n_allowed = (uint32_t)t->n_helpers };
	protos = ARENA_ARRAY(&k->arena, struct kernel_proto, (t->env ? t->env->n : 0) + 1);
	if (!protos)
		return E_NOMEM;
	for (uint32_t i = 0; t->env && i < t->env->n; i++)
		if (t->env->helpers[i].id >= FIRST_OWN)
			protos[k->extra.n_helpers++] = proto_of(&t->env->helpers[i]);
	k->extra.helpers = protos;
	return E_OK;
}

static bool is_own(const struct asking *k, const struct prog *p)
{
	size_t len = k->o->type ? strlen(k->o->type->section) : 0;

	return len && !strncmp(p->section, k->o->type->section, len) && (!p->section[len] || p->section[len] == '/');
}

static FALLIBLE target(const struct asking *k, const struct prog *p, struct kverify_opts *out, struct diag *d)
{
	if (!is_own(k, p))
		return kobj_target(&k->object, p, out, d);
	*out = (struct kverify_opts){ .kernel = k->kernel,
				      .target = { .prog_type = OWN_TYPE },
				      .gpl = true,
				      .types = k->object.obj.types,
				      .kernel_types = k->object.kernel_types,
				      .extra = &k->extra };
	return E_OK;
}

/* ---- judging ---- */

static bool judge(const struct asking *k, const struct prog *p, sp_kernel_verdict_fn *fn, void *user,
		  struct sp_report *r)
{
	struct sp_kernel_verdict v = { .program = p->name,
				       .steps_limit = k->kernel->limits.steps,
				       .stack_limit = k->kernel->limits.stack_bytes };
	struct kverify_opts opts;
	struct kverify_stats stats = { 0 };
	struct arena a, notes;
	struct diag d;
	enum err e;

	diag_init(&d);
	d.subject = p->name;
	lib_report_clear(r);
	arena_init(&a, k->memory_max);
	arena_init(&notes, NOTES_MAX);
	e = target(k, p, &opts, &d);
	if (e == E_OK) {
		opts.cancelled = k->o->cancelled;
		opts.cancel_user = k->o->user;
		e = kverify_diagnose(p, &opts, &a, &notes, &stats, &d);
	}
	v.status = lib_report(r, e, &d);
	arena_done(&notes);
	arena_done(&a);
	v.steps = stats.steps;
	v.states_peak = stats.states_peak;
	v.stack_bytes = stats.stack_bytes;
	return fn(user, &v, r);
}

static FALLIBLE judge_all(const struct asking *k, sp_kernel_verdict_fn *fn, void *user, struct diag *d)
{
	struct sp_report *r = sp_report_new();
	uint32_t n = 0;
	bool more = true;

	if (!r)
		return E_NOMEM;
	for (uint32_t i = 0; i < k->object.obj.n_progs && more; i++) {
		const struct prog *p = &k->object.obj.progs[i];

		if (k->o->program && strcmp(k->o->program, p->name))
			continue;
		more = judge(k, p, fn, user, r);
		n++;
	}
	sp_report_free(r);
	if (!n && k->o->program)
		FAIL(d, NOT_FOUND, "the object has no program '%s'", k->o->program);
	return E_OK;
}

static FALLIBLE read_all(struct asking *k, struct view bytes, struct diag *d)
{
	struct kobj_opts opts = { .version = (uint32_t)(k->release >> 8) << 16 | (k->release & 255u) << 8 };
	struct btf *types = NULL;
	struct kernel_refined *own;

	if (k->o->btf) {
		types = ARENA_NEW(&k->arena, struct btf);
		if (!types)
			return E_NOMEM;
		d->subject = "types of the kernel";
		TRY(btf_read(view_of(k->o->btf, k->o->btf_bytes), NULL, &k->arena, types, d));
		own = ARENA_NEW(&k->arena, struct kernel_refined);
		if (!own)
			return E_NOMEM;
		kernel_refine(k->kernel, types, own);
		k->kernel = &own->profile;
	}
	opts.kernel = k->kernel;
	opts.kernel_types = types;
	TRY(make_extra(k, d));
	d->subject = "object";
	return kobj_read(bytes, "object", &opts, &k->arena, &k->object, d);
}

SP_API enum sp_status sp_kernel_verify(const void *bytes, size_t n, const struct sp_kernel_opts *opts,
				       sp_kernel_verdict_fn *fn, void *user, struct sp_report *r)
{
	struct asking k = { .o = opts,
			    .release = opts->kernel ? kernel_version(opts->kernel) : 0,
			    .memory_max = opts->memory_max ? opts->memory_max : MEMORY_MAX };
	enum sp_status s;
	struct diag d;
	enum err e;

	diag_init(&d);
	lib_report_clear(r);
	arena_init(&k.arena, k.memory_max);
	k.kernel = kernel_profile_for(k.release);
	if (!k.kernel)
		e = diag_fail(&d, E_NOT_FOUND, 0, 0, __FILE__, __LINE__, "there is no kernel '%s': see sp_kernel_at",
			      opts->kernel ? opts->kernel : "");
	else
		e = read_all(&k, view_of(bytes, n), &d);
	if (e == E_OK)
		e = judge_all(&k, fn, user, &d);
	s = lib_report(r, e, &d);
	arena_done(&k.arena);
	return s;
}
