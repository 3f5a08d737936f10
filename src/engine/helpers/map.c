/* SPDX-License-Identifier: Apache-2.0 */
/* map: helpers on maps. Results are Linux's: 0 or a negative errno. */
#include "engine/helpers/impl.h"

#include <errno.h>

static uint64_t result(const struct map *m, enum err e)
{
	switch ((int)e) {
	case E_OK:
		return 0;
	case E_EXISTS:
		return (uint64_t)-EEXIST;
	case E_NOT_FOUND:
		return (uint64_t)-ENOENT;
	case E_LIMIT: /* kernel/bpf/lpm_trie.c:trie_update_elem, hashtab.c, queue_stack_maps.c; v6.12 */
		return map_def(m)->kind == PROG_MAP_LPM_TRIE ? (uint64_t)-ENOSPC : (uint64_t)-E2BIG;
	case E_PERM:
		return (uint64_t)-EPERM;
	case E_UNSUPPORTED:
		return (uint64_t)-EOPNOTSUPP;
	}
	return (uint64_t)-EINVAL;
}

static struct map *map_arg(uint64_t map)
{
	return (struct map *)(uintptr_t)map;
}

static void *bytes_arg(uint64_t mem)
{
	return (void *)(uintptr_t)mem;
}

static bool is_outer(const struct map *m)
{
	return map_def(m)->kind == PROG_MAP_ARRAY_OF_MAPS || map_def(m)->kind == PROG_MAP_HASH_OF_MAPS;
}

/* What the VM does itself where a program runs; without one there is nothing to go on in. */
HELPER_FN(tail_call, ctx, map, index)
{
	return (uint64_t)-ENOENT;
}

/* Of a map of maps it gives map_inner_lookup's number: the VM makes a reference of it. */
HELPER_FN(map_lookup_elem, map, key)
{
	struct map *m = map_arg(map);
	void *value = map_lookup_cpu(m, bytes_arg(key), env->cpu);

	if (!value && is_outer(m))
		return map_inner_lookup(m, bytes_arg(key));
	return (uint64_t)(uintptr_t)value;
}

HELPER_FN(map_update_elem, map, key, value, flags)
{
	struct map *m = map_arg(map);

	return result(m, map_prog_update(m, bytes_arg(key), bytes_arg(value), flags, env->cpu));
}

HELPER_FN(map_delete_elem, map, key)
{
	struct map *m = map_arg(map);

	return result(m, map_prog_delete(m, bytes_arg(key)));
}

HELPER_FN(map_push_elem, map, value, flags)
{
	struct map *m = map_arg(map);

	return result(m, map_prog_push(m, bytes_arg(value), flags));
}

HELPER_FN(map_pop_elem, map, value)
{
	struct map *m = map_arg(map);

	return result(m, map_prog_pop(m, bytes_arg(value)));
}

HELPER_FN(map_peek_elem, map, value)
{
	struct map *m = map_arg(map);

	return result(m, map_prog_peek(m, bytes_arg(value)));
}

/* kernel/bpf/helpers.c:bpf_map_lookup_percpu_elem: the CPU is 32 bits wide. */
HELPER_FN(map_lookup_percpu_elem, map, key, cpu)
{
	struct map *m = map_arg(map);

	if ((uint32_t)cpu >= map_cpus(m))
		return 0;
	return (uint64_t)(uintptr_t)map_lookup_cpu(m, bytes_arg(key), (uint32_t)cpu);
}
