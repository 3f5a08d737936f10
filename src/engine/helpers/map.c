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

static struct map *map_arg(uint64_t map)
{
	return (struct map *)(uintptr_t)map;
}

static const void *bytes_arg(uint64_t mem)
{
	return (const void *)(uintptr_t)mem;
}

static bool read_only(const struct map *m)
{
	return map_def(m)->flags & PROG_MAP_RDONLY;
}

HELPER_FN(map_lookup_elem, map, key)
{
	return (uint64_t)(uintptr_t)map_lookup(map_arg(map), bytes_arg(key));
}

HELPER_FN(map_update_elem, map, key, value, flags)
{
	struct map *m = map_arg(map);

	if (read_only(m))
		return (uint64_t)-EPERM;
	return result(map_update(m, bytes_arg(key), bytes_arg(value), flags));
}

HELPER_FN(map_delete_elem, map, key)
{
	struct map *m = map_arg(map);

	if (read_only(m))
		return (uint64_t)-EPERM;
	return result(map_delete(m, bytes_arg(key)));
}
