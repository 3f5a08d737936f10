/* SPDX-License-Identifier: Apache-2.0 */
/* verify: verdicts without loading anything. */
#include "lib/lib.h"

static FALLIBLE judge(struct sp_module *m, const struct sp_module_opts *o, sp_verdict_fn *fn, void *user)
{
	struct sp_report *r = sp_report_new();
	bool more = true;

	if (!r)
		return E_NOMEM;
	for (uint32_t i = 0; i < m->obj.n_progs && more; i++) {
		struct sp_verdict v = { .program = m->obj.progs[i].name };
		struct verify_stats stats = { 0 };
		struct arena a;
		struct diag d;

		if (!lib_is_wanted(o, &m->obj.progs[i]))
			continue;
		diag_init(&d);
		lib_report_clear(r);
		arena_init(&a, o->memory_max);
		v.status = lib_report(r, lib_verify(m, &m->obj.progs[i], o, &stats, &a, &d), &d);
		arena_done(&a);
		v.steps = stats.steps;
		v.stack_bytes = stats.stack_bytes;
		v.states_peak = stats.states_peak;
		more = fn(user, &v, r);
	}
	sp_report_free(r);
	return E_OK;
}

SP_API enum sp_status sp_verify_object(const struct sp_env *env, const void *bytes, size_t n,
				       const struct sp_module_opts *opts, sp_verdict_fn *fn, void *user,
				       struct sp_report *r)
{
	const struct sp_module_opts o = lib_opts(opts);
	const struct lib_source src = { bytes, n, false };
	struct sp_module m = { 0 };
	enum sp_status s;
	struct diag d;
	enum err e;

	diag_init(&d);
	lib_report_clear(r);
	arena_init(&m.arena, o.memory_max);
	e = lib_read(&m, env, &src, &o, &d);
	if (e == E_OK)
		e = judge(&m, &o, fn, user);
	s = lib_report(r, e, &d);
	arena_done(&m.arena);
	return s;
}
