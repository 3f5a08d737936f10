/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: helpers that call back into the program: loops over numbers and over maps, and timers, which are the VM's.
 * Semantics: kernel/bpf/bpf_iter.c:bpf_loop, bpf_for_each_map_elem, kernel/bpf/helpers.c:bpf_timer_*, v6.12.
 */
#include "engine/helpers/impl.h"

#include <errno.h>

enum { MAX_LOOPS = 8 << 20 };

HELPER_FN(loop, n, func, ctx, flags)
{
	uint64_t ret = 0;

	if (flags)
		return (uint64_t)-EINVAL;
	if (n > MAX_LOOPS)
		return (uint64_t)-E2BIG;
	for (uint64_t i = 0; i < n; i++) {
		if (!env->vm->call(env, func, (uint64_t[ABI_MAX_ARGS]){ i, ctx }, &ret))
			return 0;
		if (ret)
			return i + 1;
	}
	return n;
}

/* The key is a copy in memory that is lent: keys themselves are out of the program's reach. */
HELPER_FN(for_each_map_elem, map, func, ctx, flags)
{
	struct map *m = (struct map *)(uintptr_t)map;
	struct map_cursor at = { 0 };
	uint64_t n = 0, ret = 0;
	void *key, *value;

	if (flags)
		return (uint64_t)-EINVAL;
	key = env->vm->lend(env, HELPER_LEND_MAX);
	while (key && map_each(m, &at, env->cpu, key, &value)) {
		uint64_t args[ABI_MAX_ARGS] = { env->vm->arg(env, 0), (uint64_t)(uintptr_t)key,
						(uint64_t)(uintptr_t)value, ctx };

		n++;
		if (!env->vm->call(env, func, args, &ret) || ret)
			break;
	}
	return n;
}

HELPER_FN(timer_init, timer, map, flags)
{
	return (uint64_t)env->vm->timer_init(env, timer, (struct map *)(uintptr_t)map, flags);
}

HELPER_FN(timer_set_callback, timer, func)
{
	return (uint64_t)env->vm->timer_set_callback(env, timer, func);
}

HELPER_FN(timer_start, timer, ns, flags)
{
	return (uint64_t)env->vm->timer_start(env, timer, ns, flags);
}

HELPER_FN(timer_cancel, timer)
{
	return (uint64_t)env->vm->timer_cancel(env, timer);
}
