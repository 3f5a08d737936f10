/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_helper: a sensor with a fault in it, for end-to-end tests: a helper that kills the process when a predicate
 * holds of an event of which a string has MARK in it. Never installed.
 */
#include <signal.h>

#include "engine/helpers/helpers.h"

#define MARK "sallyport-crash-me"

helper_fn __real_helper_holds, __wrap_helper_holds;

static bool is_marked(const struct helper_env *env)
{
	for (uint32_t i = 0; i < env->n_values; i++)
		if (env->values[i].kind == HELPER_VALUE_STR &&
		    memmem(env->values[i].p, env->values[i].len, MARK, sizeof MARK - 1))
			return true;
	return false;
}

uint64_t __wrap_helper_holds(HELPER_ARGS(pred))
{
	uint64_t holds = __real_helper_holds(pred, 0, 0, 0, 0, env);

	if (holds && is_marked(env))
		(void)raise(SIGSEGV);
	return holds;
}
