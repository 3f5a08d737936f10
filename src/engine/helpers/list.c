/* SPDX-License-Identifier: Apache-2.0 */
/* list: lists of strings, and IP addresses. */
#include "engine/helpers/impl.h"

/* An id that is not a string predicate's answers 0: it is the compiler's constant, not the event's. */
uint64_t helper_list_any(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	const struct helper_value *v = handle_value(env, args[0], HELPER_VALUE_LIST);
	str_test *test = str_test_find(args[1]);

	if (!v || !test)
		return 0;
	for (uint64_t i = args[4]; i < v->len; i++)
		if (test(v->list[i], literal(args[2], args[3])))
			return 1;
	return 0;
}

uint64_t helper_list_get(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	const struct helper_value *v = handle_value(env, args[0], HELPER_VALUE_LIST);

	return v && args[1] < v->len ? args[0] | (args[1] + 1) << 32 : 0;
}

uint64_t helper_list_len(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	const struct helper_value *v = handle_value(env, args[0], HELPER_VALUE_LIST);

	return v ? v->len : 0;
}

uint64_t helper_ip_eq(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	const struct helper_value *v = handle_value(env, args[0], HELPER_VALUE_IP);

	return v && v->len == args[2] && !memcmp(v->p, (const void *)(uintptr_t)args[1], v->len);
}
