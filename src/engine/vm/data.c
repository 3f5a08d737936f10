/* SPDX-License-Identifier: Apache-2.0 */
/* data: addresses that initial data holds, written when maps lie where they will be. */
#include "engine/vm/native.h"

static uint64_t address(const struct prog_ptr *p, struct map *const *maps)
{
	bool writable;
	uint8_t *base;
	size_t n;

	if (p->map == PROG_PTR_FUNC)
		return VM_FUNC_REF + p->func;
	map_values(maps[p->map], &base, &n, &writable);
	return (uint64_t)(uintptr_t)base + p->off;
}

void vm_put_addresses(const struct prog_map *defs, struct map *const *maps, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool writable;
		uint8_t *base;
		size_t bytes;

		map_values(maps[i], &base, &bytes, &writable);
		for (uint32_t k = 0; k < defs[i].n_ptrs; k++) {
			const struct prog_ptr *p = &defs[i].ptrs[k];
			uint64_t value = address(p, maps);

			assert(p->at <= bytes && bytes - p->at >= sizeof value && "obj_read keeps them inside");
			memcpy(base + p->at, &value, sizeof value);
		}
	}
}
