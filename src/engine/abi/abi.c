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

/* A rule may call Sallyport's own helpers, and these of Linux's. Content does not gain what embedders get. */
static const uint32_t rule_helpers[] = { ABI_HELPER_map_lookup_elem, ABI_HELPER_map_update_elem,
					 ABI_HELPER_map_delete_elem };
enum { FIRST_OWN = 1000 };

static const struct abi_prog_type types[] = {
	{ .section = "sallyport/rule",
	  .ret_min = 0,
	  .ret_max = 1,
	  .helpers = rule_helpers,
	  .n_helpers = countof(rule_helpers),
	  .first_helper = FIRST_OWN,
	  .last_helper = UINT32_MAX },
	{ .section = "sallyport/program",
	  .ret_min = INT64_MIN,
	  .ret_max = INT64_MAX,
	  .first_helper = 1,
	  .last_helper = FIRST_OWN - 1 },
};

/*
 * Which helpers take which kind of map: kernel/bpf/verifier.c:check_map_func_compatibility, and the operations that
 * each kind has (e.g. map_for_each_callback), v6.12. 164 is for_each_map_elem, 169 timer_init, 209 user_ringbuf_drain.
 */
static const uint32_t with_keys[] = { 1, 2, 3, 164, 169 };
static const uint32_t per_cpu[] = { 1, 2, 3, 164, 195 };
static const uint32_t lpm_trie[] = { 1, 2, 3 };
static const uint32_t prog_array[] = { 12 };
static const uint32_t of_maps[] = { 1 };
static const uint32_t in_order[] = { 87, 88, 89 };
static const uint32_t bloom_filter[] = { 87, 89 };
static const uint32_t ringbuf[] = { 130, 131, 134 };
static const uint32_t user_ringbuf[] = { 209 };

#define TAKES(list) .helpers = list, .n_helpers = countof(list)
static const struct abi_map_kind map_kinds[] = {
	{ .kind = PROG_MAP_HASH, .name = "hash", TAKES(with_keys) },
	{ .kind = PROG_MAP_ARRAY, .name = "array", .direct_value = true, .values_exist = true, TAKES(with_keys) },
	{ .kind = PROG_MAP_PROG_ARRAY, .name = "prog_array", TAKES(prog_array) },
	{ .kind = PROG_MAP_PERCPU_HASH, .name = "percpu_hash", TAKES(per_cpu) },
	{ .kind = PROG_MAP_PERCPU_ARRAY, .name = "percpu_array", .values_exist = true, TAKES(per_cpu) },
	{ .kind = PROG_MAP_LRU_HASH, .name = "lru_hash", TAKES(with_keys) },
	{ .kind = PROG_MAP_LRU_PERCPU_HASH, .name = "lru_percpu_hash", TAKES(per_cpu) },
	{ .kind = PROG_MAP_LPM_TRIE, .name = "lpm_trie", TAKES(lpm_trie) },
	{ .kind = PROG_MAP_ARRAY_OF_MAPS, .name = "array_of_maps", TAKES(of_maps) },
	{ .kind = PROG_MAP_HASH_OF_MAPS, .name = "hash_of_maps", TAKES(of_maps) },
	{ .kind = PROG_MAP_QUEUE, .name = "queue", TAKES(in_order) },
	{ .kind = PROG_MAP_STACK, .name = "stack", TAKES(in_order) },
	{ .kind = PROG_MAP_RINGBUF, .name = "ringbuf", TAKES(ringbuf) },
	{ .kind = PROG_MAP_BLOOM_FILTER, .name = "bloom_filter", TAKES(bloom_filter) },
	{ .kind = PROG_MAP_USER_RINGBUF, .name = "user_ringbuf", TAKES(user_ringbuf) },
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

bool abi_map_takes(const struct abi_map_kind *k, uint32_t helper_id)
{
	for (uint32_t i = 0; i < k->n_helpers; i++)
		if (k->helpers[i] == helper_id)
			return true;
	return !k->helpers;
}

bool abi_may_call(const struct abi_prog_type *t, uint32_t helper_id)
{
	for (uint32_t i = 0; i < t->n_helpers; i++)
		if (t->helpers[i] == helper_id)
			return true;
	return helper_id && helper_id >= t->first_helper && helper_id <= t->last_helper;
}
