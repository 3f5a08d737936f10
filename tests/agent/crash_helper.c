/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_helper: a sensor with a fault in it, for end-to-end tests: a helper that kills the process when an event's
 * string is exactly the rule's literal and that literal holds MARK. Never installed.
 */
#include <signal.h>

#include "engine/helpers/helpers.h"

#define MARK "sallyport-crash-me"

helper_fn __real_helper_str_eq, __wrap_helper_str_eq;

uint64_t __wrap_helper_str_eq(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	const void *literal = (const void *)(uintptr_t)args[1];
	uint64_t equal = __real_helper_str_eq(env, args);

	if (equal && memmem(literal, args[2], MARK, sizeof MARK - 1))
		(void)raise(SIGSEGV);
	return equal;
}
