/* SPDX-License-Identifier: Apache-2.0 */
/* abi: the tables of Sallyport's own runtime, and look-ups that serve any profile. */
#include "engine/abi/abi.h"
#include "engine/prog/prog.h"

static const struct abi_helper helpers[] = {
#define HELPER(id_, name_, ret_, a1, a2, a3, a4, a5, min_, max_, doc_) \
	{ .id = id_,                                                   \
	  .name = #name_,                                              \
	  .ret = ABI_RET_##ret_,                                       \
	  .ret_min = min_,                                             \
	  .ret_max = max_,                                             \
	  .doc = doc_,                                                 \
	  .args = { ABI_ARG_##a1, ABI_ARG_##a2, ABI_ARG_##a3, ABI_ARG_##a4, ABI_ARG_##a5 } },
#include "engine/abi/helpers.def"
#undef HELPER
};

/* A rule may call everything there is. */
static const uint32_t rule_helpers[] = {
#define HELPER(id, ...) id,
#include "engine/abi/helpers.def"
#undef HELPER
};

static const struct abi_prog_type types[] = {
	{ .section = "sallyport/rule",
	  .ret_min = 0,
	  .ret_max = 1,
	  .helpers = rule_helpers,
	  .n_helpers = countof(rule_helpers) },
};

static const struct abi_map_kind map_kinds[] = {
	{ .kind = PROG_MAP_HASH, .name = "hash" },
	{ .kind = PROG_MAP_ARRAY, .name = "array", .direct_value = true, .values_exist = true },
};

const struct abi_profile abi_sallyport = {
	.name = "sallyport",
	.limits = { .prog_slots = 65536,
		    .steps = 1000000,
		    .stack_bytes = 512,
		    .frames = 8,
		    .total_stack_bytes = 4096,
		    .branch_depth = 8192,
		    .isa_version = 4 },
	.types = types,
	.n_types = countof(types),
	.helpers = helpers,
	.n_helpers = countof(helpers),
	.map_kinds = map_kinds,
	.n_map_kinds = countof(map_kinds),
};

const struct abi_helper *abi_helper(const struct abi_profile *p, uint32_t id)
{
	uint32_t lo = 0, hi = p->n_helpers;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->helpers[mid].id == id)
			return &p->helpers[mid];
		if (p->helpers[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct abi_prog_type *abi_prog_type(const struct abi_profile *p, const char *section)
{
	for (uint32_t i = 0; i < p->n_types; i++)
		if (!strcmp(p->types[i].section, section))
			return &p->types[i];
	return NULL;
}

const struct abi_map_kind *abi_map_kind(const struct abi_profile *p, uint32_t kind)
{
	for (uint32_t i = 0; i < p->n_map_kinds; i++)
		if (p->map_kinds[i].kind == kind)
			return &p->map_kinds[i];
	return NULL;
}

bool abi_may_call(const struct abi_prog_type *t, uint32_t helper_id)
{
	for (uint32_t i = 0; i < t->n_helpers; i++)
		if (t->helpers[i] == helper_id)
			return true;
	return false;
}
