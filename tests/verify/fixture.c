/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const struct prog_map inner_map = {
	.name = "inner", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = INNER_VALUE_BYTES, .max_entries = 3
};

const struct prog_map fixture_maps[N_MAPS] = {
	[MAP_HASH] = { .name = "h",
		       .kind = PROG_MAP_HASH,
		       .key_size = HASH_KEY_BYTES,
		       .value_size = HASH_VALUE_BYTES,
		       .max_entries = 4 },
	[MAP_ARRAY] = { .name = "a",
			.kind = PROG_MAP_ARRAY,
			.key_size = 4,
			.value_size = ARRAY_VALUE_BYTES,
			.max_entries = 2 },
	[MAP_RODATA] = { .name = ".rodata",
			 .kind = PROG_MAP_ARRAY,
			 .key_size = 4,
			 .value_size = 32,
			 .max_entries = 1,
			 .flags = PROG_MAP_RDONLY },
	[MAP_ODD_KIND] = { .name = "odd", .kind = 99, .key_size = 4, .value_size = 4, .max_entries = 1 },
	[MAP_PROGS] = { .name = "progs",
			.kind = PROG_MAP_PROG_ARRAY,
			.key_size = 4,
			.value_size = 4,
			.max_entries = 2 },
	[MAP_RING] = { .name = "ring", .kind = PROG_MAP_RINGBUF, .max_entries = 4096 },
	[MAP_USER_RING] = { .name = "user", .kind = PROG_MAP_USER_RINGBUF, .max_entries = 4096 },
	[MAP_OUTER] = { .name = "outer",
			.kind = PROG_MAP_ARRAY_OF_MAPS,
			.key_size = 4,
			.value_size = 4,
			.max_entries = 2,
			.inner = &inner_map },
	[MAP_OUTER_BARE] = { .name = "bare",
			     .kind = PROG_MAP_HASH_OF_MAPS,
			     .key_size = 4,
			     .value_size = 4,
			     .max_entries = 2 },
	[MAP_BLOOM] = { .name = "bloom", .kind = PROG_MAP_BLOOM_FILTER, .value_size = 8, .max_entries = 2 },
	[MAP_TEXT] = { .name = ".rodata.str",
		       .kind = PROG_MAP_ARRAY,
		       .key_size = 4,
		       .value_size = 8,
		       .max_entries = 1,
		       .flags = PROG_MAP_RDONLY,
		       .init = { .p = (const uint8_t *)"one\0more", .len = 8 } },
	[MAP_QUEUE] = { .name = "queue", .kind = PROG_MAP_QUEUE, .value_size = 8, .max_entries = 2 },
};

static const struct abi_ctx_field fields[] = {
	{ CTX_U64, 8, ABI_CTX_SCALAR, "u64" },   { CTX_U32, 4, ABI_CTX_SCALAR, "u32" },
	{ CTX_U8, 1, ABI_CTX_SCALAR, "u8" },     { CTX_HANDLE, 8, ABI_CTX_HANDLE, "path" },
	{ CTX_LIST, 8, ABI_CTX_HANDLE, "args" },
};

const struct abi_ctx fixture_ctx = { .name = "test", .size = CTX_BYTES, .fields = fields, .n_fields = countof(fields) };
const struct abi_ctx fixture_memory = { .name = "memory", .size = 64, .plain_memory = true };
const struct abi_ctx fixture_buffer = { .name = "buffer", .size = 64, .plain_memory = true, .writable = true };

static const struct abi_helper own_helpers[] = {
#define HELPER(id_, name_, ret_, a1, a2, a3, a4, a5, min_, max_, doc_) \
	{ .id = id_,                                                   \
	  .name = #name_,                                              \
	  .ret = ABI_RET_##ret_,                                       \
	  .ret_min = min_,                                             \
	  .ret_max = max_,                                             \
	  .args = { ABI_ARG_##a1, ABI_ARG_##a2, ABI_ARG_##a3, ABI_ARG_##a4, ABI_ARG_##a5 } },
#include "engine/abi/helpers.def"
#undef HELPER
	{ .id = HELPER_FILL, .name = "fill", .args = { ABI_ARG_MEM_WRITE, ABI_ARG_SIZE } },
	{ .id = HELPER_CTX, .name = "ctx_id", .args = { ABI_ARG_CTX }, .ret_min = -4096, .ret_max = 4095 },
	{ .id = HELPER_READ, .name = "checksum", .args = { ABI_ARG_MEM, ABI_ARG_SIZE }, .ret_max = UINT32_MAX },
	{ .id = HELPER_BROKEN, .name = "broken", .args = { ABI_ARG_MEM, ABI_ARG_SCALAR } },
	{ .id = HELPER_DENIED, .name = "denied" },
	{ .id = HELPER_LONG, .name = "long", .args = { ABI_ARG_LONG_WRITE } },
	{ .id = HELPER_TEXT, .name = "text", .args = { ABI_ARG_STR } },
};

/* Where Sallyport's runtime has one of them, its own row counts. */
static const struct abi_helper linux_helpers[] = {
	{ .id = LINUX_TAIL_CALL,
	  .name = "tail_call",
	  .args = { ABI_ARG_CTX, ABI_ARG_CONST_MAP, ABI_ARG_SCALAR },
	  .ret_min = INT32_MIN,
	  .ret_max = INT32_MAX },
	{ .id = LINUX_RESERVE,
	  .name = "ringbuf_reserve",
	  .ret = ABI_RET_RECORD_OR_NULL,
	  .args = { ABI_ARG_CONST_MAP, ABI_ARG_SCALAR, ABI_ARG_SCALAR } },
	{ .id = LINUX_SUBMIT, .name = "ringbuf_submit", .args = { ABI_ARG_RECORD, ABI_ARG_SCALAR } },
	{ .id = LINUX_FOR_EACH,
	  .name = "for_each_map_elem",
	  .args = { ABI_ARG_CONST_MAP, ABI_ARG_FUNC, ABI_ARG_ANY, ABI_ARG_SCALAR },
	  .ret_min = INT32_MIN,
	  .ret_max = INT32_MAX },
	{ .id = LINUX_TIMER_INIT,
	  .name = "timer_init",
	  .args = { ABI_ARG_TIMER, ABI_ARG_CONST_MAP, ABI_ARG_SCALAR },
	  .ret_min = INT32_MIN },
	{ .id = LINUX_TIMER_SET_CALLBACK,
	  .name = "timer_set_callback",
	  .args = { ABI_ARG_TIMER, ABI_ARG_FUNC },
	  .ret_min = INT32_MIN },
	{ .id = LINUX_TIMER_START,
	  .name = "timer_start",
	  .args = { ABI_ARG_TIMER, ABI_ARG_SCALAR, ABI_ARG_SCALAR },
	  .ret_min = INT32_MIN },
	{ .id = LINUX_LOOP,
	  .name = "loop",
	  .args = { ABI_ARG_SCALAR, ABI_ARG_FUNC, ABI_ARG_ANY, ABI_ARG_SCALAR },
	  .ret_min = INT32_MIN,
	  .ret_max = INT32_MAX },
	{ .id = LINUX_DRAIN,
	  .name = "user_ringbuf_drain",
	  .args = { ABI_ARG_CONST_MAP, ABI_ARG_FUNC, ABI_ARG_ANY, ABI_ARG_SCALAR },
	  .ret_min = INT32_MIN,
	  .ret_max = INT32_MAX },
};

enum { N_HELPERS_MAX = countof(own_helpers) + countof(linux_helpers) };

static struct abi_helper helpers[N_HELPERS_MAX];
static uint32_t allowed[N_HELPERS_MAX], n_helpers;

const struct abi_prog_type fixture_type = {
	.section = "test", .ret_min = 0, .ret_max = 1, .helpers = allowed, .n_helpers = N_HELPERS_MAX
};
const struct abi_prog_type fixture_any = {
	.section = "any", .ret_min = INT64_MIN, .ret_max = INT64_MAX, .helpers = allowed, .n_helpers = N_HELPERS_MAX
};

static const uint32_t with_keys[] = { 1, 2, 3, LINUX_FOR_EACH, LINUX_TIMER_INIT }, look_up[] = { 1 },
		      progs[] = { LINUX_TAIL_CALL }, in_order[] = { 87, 88, 89 }, bloom[] = { 87, 89 },
		      ring[] = { LINUX_RESERVE }, user_ring[] = { LINUX_DRAIN };

#define TAKES(list) .helpers = list, .n_helpers = countof(list)
static const struct abi_map_kind kinds[] = {
	{ .kind = PROG_MAP_BLOOM_FILTER, .name = "bloom filter", TAKES(bloom) },
	{ .kind = PROG_MAP_HASH, .name = "hash", TAKES(with_keys) },
	{ .kind = PROG_MAP_ARRAY, .name = "array", .direct_value = true, .values_exist = true, TAKES(with_keys) },
	{ .kind = PROG_MAP_PROG_ARRAY, .name = "program array", TAKES(progs) },
	{ .kind = PROG_MAP_ARRAY_OF_MAPS, .name = "array of maps", TAKES(look_up) },
	{ .kind = PROG_MAP_HASH_OF_MAPS, .name = "hash of maps", TAKES(look_up) },
	{ .kind = PROG_MAP_QUEUE, .name = "queue", TAKES(in_order) },
	{ .kind = PROG_MAP_RINGBUF, .name = "ring buffer", TAKES(ring) },
	{ .kind = PROG_MAP_USER_RINGBUF, .name = "user ring buffer", TAKES(user_ring) },
};

struct abi_profile fixture_profile = {
	.name = "fixture",
	.limits = { .prog_slots = 4096,
		    .steps = 1000000,
		    .stack_bytes = 512,
		    .frames = 8,
		    .total_stack_bytes = 1024,
		    .branch_depth = 1024,
		    .isa_version = 4 },
	.types = &fixture_type,
	.n_types = 1,
	.helpers = helpers,
	.map_kinds = kinds,
	.n_map_kinds = countof(kinds),
};

static int by_id(const void *a, const void *b)
{
	uint32_t x = ((const struct abi_helper *)a)->id, y = ((const struct abi_helper *)b)->id;

	return x < y ? -1 : x > y;
}

__attribute__((constructor)) static void make_helpers(void)
{
	memcpy(helpers, own_helpers, sizeof own_helpers);
	n_helpers = countof(own_helpers);
	for (size_t i = 0; i < countof(linux_helpers); i++)
		if (!bsearch(&linux_helpers[i], own_helpers, countof(own_helpers), sizeof helpers[0], by_id))
			helpers[n_helpers++] = linux_helpers[i];
	qsort(helpers, n_helpers, sizeof helpers[0], by_id);
	for (uint32_t i = 0; i < n_helpers; i++)
		allowed[i] = helpers[i].id == HELPER_DENIED ? 0 : helpers[i].id;
	fixture_profile.n_helpers = n_helpers;
}

struct prog fixture_prog(const struct isa_insn *code, size_t n)
{
	return (struct prog){ .name = "test",
			      .section = "test",
			      .insns = (struct isa_insn *)(uintptr_t)code,
			      .n_insns = (uint32_t)n,
			      .maps = fixture_maps,
			      .n_maps = N_MAPS };
}
