/* SPDX-License-Identifier: Apache-2.0 */
/* map: the three map helpers. Results are Linux's: 0 or a negative errno. */
#include "engine/helpers/impl.h"

#include <errno.h>

static uint64_t result(enum err e)
{
	switch ((int)e) {
	case E_OK:
		return 0;
	case E_EXISTS:
		return (uint64_t)-EEXIST;
	case E_NOT_FOUND:
		return (uint64_t)-ENOENT;
	case E_LIMIT:
		return (uint64_t)-E2BIG;
	}
	return (uint64_t)-EINVAL;
}

static struct map *map_arg(const uint64_t args[ABI_MAX_ARGS])
{
	return (struct map *)(uintptr_t)args[0];
}

static bool read_only(const struct map *m)
{
	return map_def(m)->flags & PROG_MAP_RDONLY;
}

uint64_t helper_map_lookup_elem(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	(void)env;
	return (uint64_t)(uintptr_t)map_lookup(map_arg(args), (const void *)(uintptr_t)args[1]);
}

uint64_t helper_map_update_elem(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	struct map *m = map_arg(args);

	(void)env;
	if (read_only(m))
		return (uint64_t)-EPERM;
	return result(map_update(m, (const void *)(uintptr_t)args[1], (const void *)(uintptr_t)args[2], args[3]));
}

uint64_t helper_map_delete_elem(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	struct map *m = map_arg(args);

	(void)env;
	if (read_only(m))
		return (uint64_t)-EPERM;
	return result(map_delete(m, (const void *)(uintptr_t)args[1]));
}
