/* SPDX-License-Identifier: Apache-2.0 */
/* thread: a stack, what helpers need of the host, and one run at a time. */
#include "lib/lib.h"

struct sp_thread {
	struct helper_env env;
	struct vm *vm;
	struct vm_timers *timers; /* or NULL */
	struct sp_thread_opts o;
	const struct sp_run *run;
	uint64_t random;
	bool fault;
};

static struct sp_thread *thread_of(const struct helper_env *env)
{
	return env->host;
}

static uint64_t now_ns(struct helper_env *env)
{
	const struct sp_thread *t = thread_of(env);

	return t->o.now_ns ? t->o.now_ns(t->o.user) : 0;
}

/* xorshift64* (Vigna, 2016). */
static uint32_t next_random(struct helper_env *env)
{
	uint64_t *x = &thread_of(env)->random;

	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return (uint32_t)(*x * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

static void print(struct helper_env *env, const char *text, size_t len)
{
	const struct sp_thread *t = thread_of(env);

	if (t->o.print)
		t->o.print(t->o.user, text, len);
}

SP_API struct sp_thread *sp_thread_new(const struct sp_thread_opts *opts)
{
	struct sp_thread *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	if (opts)
		t->o = *opts;
	t->random = t->o.random_seed ? t->o.random_seed : 1;
	t->env.host = t;
	t->env.now_ns = now_ns;
	t->env.random = next_random;
	t->env.cpu = t->o.cpu;
	t->env.print = print;
	if (vm_new(&t->vm) != E_OK || (t->o.max_timers && vm_timers_new(t->o.max_timers, &t->timers) != E_OK)) {
		sp_thread_free(t);
		return NULL;
	}
	t->env.timers = t->timers;
	return t;
}

SP_API void sp_thread_free(struct sp_thread *t)
{
	if (!t)
		return;
	vm_timers_free(t->timers);
	vm_free(t->vm);
	free(t);
}

SP_API void *sp_call_user(const struct sp_call *c)
{
	const struct sp_thread *t = thread_of((const struct helper_env *)(const void *)c);

	return t->run->user;
}

SP_API void sp_call_charge(struct sp_call *c, uint64_t fuel)
{
	struct helper_env *env = (struct helper_env *)(void *)c;

	env->work += fuel < UINT64_MAX >> 8 ? fuel << VM_WORK_PER_FUEL_LOG2 : UINT64_MAX >> 8;
}

SP_API void sp_call_fault(struct sp_call *c)
{
	((struct helper_env *)(void *)c)->bad_handle = true;
}

static FALLIBLE run(struct sp_thread *t, const struct sp_program *p, const struct sp_run *args, uint64_t *ret,
		    struct diag *d)
{
	const struct abi_ctx *ctx;
	struct vm_run_args a = { .ctx = args->ctx, .ctx_bytes = args->ctx_bytes, .env = &t->env, .fuel = args->fuel };
	const struct sp_run *before = t->run;
	enum err e;

	if (!p)
		FAIL(d, INVALID, "there is no program to run: sp_module_program gave NULL");
	ctx = &p->module->ctx;
	a.ctx_writable = ctx->writable;
	if (args->ctx_bytes < ctx->size || (ctx->size && !args->ctx))
		FAIL(d, INVALID, "the context '%s' has %u bytes; %zu were given", ctx->name, ctx->size,
		     args->ctx ? args->ctx_bytes : 0);
	t->run = args;
	e = vm_run(t->vm, p->vp, &a, ret, NULL, d);
	t->run = before;
	return e;
}

SP_API enum sp_status sp_run(struct sp_thread *t, const struct sp_program *p, const struct sp_run *args, uint64_t *ret,
			     struct sp_report *r)
{
	static const struct sp_run none = { 0 };
	struct diag d;
	enum err e;

	if (!r) {
		e = run(t, p, args ? args : &none, ret, NULL);
		return lib_status(e);
	}
	diag_init(&d);
	lib_report_clear(r);
	e = run(t, p, args ? args : &none, ret, &d);
	return lib_report(r, e, &d);
}

SP_API uint64_t sp_thread_next_timer(const struct sp_thread *t)
{
	return t->timers ? vm_timers_next_ns(t->timers) : UINT64_MAX;
}

static FALLIBLE run_timers(struct sp_thread *t, uint64_t now, const struct sp_run *args, uint32_t *n, struct diag *d)
{
	const struct vm_run_args a = { .env = &t->env, .fuel = args->fuel };
	const struct sp_run *before = t->run;
	enum err e;

	*n = 0;
	if (!t->timers)
		return E_OK;
	t->run = args;
	e = vm_timers_run(t->timers, t->vm, now, &a, n, NULL, d);
	t->run = before;
	return e;
}

SP_API enum sp_status sp_thread_run_timers(struct sp_thread *t, uint64_t now, const struct sp_run *args, uint32_t *n,
					   struct sp_report *r)
{
	static const struct sp_run none = { 0 };
	struct diag d;

	diag_init(&d);
	lib_report_clear(r);
	return lib_report(r, run_timers(t, now, args ? args : &none, n, &d), &d);
}

SP_API void sp_thread_drop_timers(struct sp_thread *t, const struct sp_module *m)
{
	for (uint32_t i = 0; t->timers && i < m->n_programs; i++)
		vm_timers_drop(t->timers, m->programs[i].vp);
}
