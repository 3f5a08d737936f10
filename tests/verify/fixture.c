/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

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
};

static const struct abi_ctx_field fields[] = {
	{ CTX_U64, 8, ABI_CTX_SCALAR, "u64" },   { CTX_U32, 4, ABI_CTX_SCALAR, "u32" },
	{ CTX_U8, 1, ABI_CTX_SCALAR, "u8" },     { CTX_HANDLE, 8, ABI_CTX_HANDLE, "path" },
	{ CTX_LIST, 8, ABI_CTX_HANDLE, "args" },
};

const struct abi_ctx fixture_ctx = { .name = "test", .size = CTX_BYTES, .fields = fields, .n_fields = countof(fields) };
const struct abi_ctx fixture_memory = { .name = "memory", .size = 64, .plain_memory = true };
const struct abi_ctx fixture_buffer = { .name = "buffer", .size = 64, .plain_memory = true, .writable = true };

static const struct abi_helper helpers[] = {
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
};

static const uint32_t allowed[] = {
#define HELPER(id, ...) id,
#include "engine/abi/helpers.def"
#undef HELPER
	HELPER_FILL,
	HELPER_CTX,
	HELPER_READ,
	HELPER_BROKEN,
};

const struct abi_prog_type fixture_type = {
	.section = "test", .ret_min = 0, .ret_max = 1, .helpers = allowed, .n_helpers = countof(allowed)
};
const struct abi_prog_type fixture_any = {
	.section = "any", .ret_min = INT64_MIN, .ret_max = INT64_MAX, .helpers = allowed, .n_helpers = countof(allowed)
};

static const struct abi_map_kind kinds[] = {
	{ .kind = PROG_MAP_HASH, .name = "hash" },
	{ .kind = PROG_MAP_ARRAY, .name = "array", .direct_value = true, .values_exist = true },
};

const struct abi_profile fixture_profile = {
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
	.n_helpers = countof(helpers),
	.map_kinds = kinds,
	.n_map_kinds = countof(kinds),
};

struct prog fixture_prog(const struct isa_insn *code, size_t n)
{
	return (struct prog){ .name = "test",
			      .section = "test",
			      .insns = (struct isa_insn *)(uintptr_t)code,
			      .n_insns = (uint32_t)n,
			      .maps = fixture_maps,
			      .n_maps = N_MAPS };
}
