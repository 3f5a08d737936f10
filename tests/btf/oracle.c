/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/btf.h>

static const struct btf *in(const struct oracle *o)
{
	return (const struct btf *)(const void *)o;
}

struct oracle *oracle_new(const void *bytes, size_t n)
{
	struct btf *b = btf__new(bytes, (uint32_t)n);

	return libbpf_get_error(b) ? NULL : (struct oracle *)(void *)b;
}

void oracle_free(struct oracle *o)
{
	btf__free((struct btf *)(void *)o);
}

uint32_t oracle_n_types(const struct oracle *o)
{
	return btf__type_cnt(in(o));
}

const char *oracle_name(const struct oracle *o, uint32_t id)
{
	return btf__name_by_offset(in(o), btf__type_by_id(in(o), id)->name_off);
}

uint32_t oracle_kind(const struct oracle *o, uint32_t id)
{
	return btf_kind(btf__type_by_id(in(o), id));
}

int64_t oracle_size(const struct oracle *o, uint32_t id)
{
	int64_t n = btf__resolve_size(in(o), id);

	return n < 0 ? -1 : n;
}

static bool is_wrapper(const struct btf_type *t)
{
	return btf_is_mod(t) || btf_is_typedef(t) || btf_kind(t) == BTF_KIND_TYPE_TAG;
}

uint32_t oracle_skip(const struct oracle *o, uint32_t id)
{
	while (is_wrapper(btf__type_by_id(in(o), id)))
		id = btf__type_by_id(in(o), id)->type;
	return id;
}

uint64_t oracle_member(const struct oracle *o, uint32_t id, uint32_t i, uint32_t *type)
{
	const struct btf_type *t = btf__type_by_id(in(o), id);

	*type = btf_members(t)[i].type;
	return (uint64_t)btf_member_bit_offset(t, i) << 8 | btf_member_bitfield_size(t, i);
}

uint32_t oracle_find(const struct oracle *o, uint32_t kind, const char *name)
{
	int32_t id = btf__find_by_name_kind(in(o), name, kind);

	return id < 0 ? 0 : (uint32_t)id;
}
