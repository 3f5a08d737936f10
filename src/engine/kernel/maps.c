/* SPDX-License-Identifier: Apache-2.0 */
/* maps: the kinds of maps of a release, which helpers take which kind, which programs may use it. */
#include "engine/kernel/own.h"

#define V(major, minor) KERNEL_V(major, minor)
enum { ALWAYS = KERNEL_ALWAYS, NEVER = KERNEL_NOT_YET, SINCE_BIRTH = KERNEL_ALWAYS };

enum {
#define HELPER(id, name, since) HELPER_##name = (id),
#include "engine/kernel/helpers.def"
#undef HELPER
};

enum {
#define MAP_KIND(name, number, text, since, helpers, sleepable) MAP_##name = (number),
#include "engine/kernel/maps.def"
#undef MAP_KIND
	N_MAP_KINDS
};
static_assert(N_MAP_KINDS <= 64, "kinds of maps are bits of kernel_own");

enum takes { ANY, OWN };

static const struct {
	struct kernel_map_kind kind;
	uint16_t sleepable;
	uint8_t takes; /* enum takes */
} kinds[N_MAP_KINDS] = {
#define MAP_KIND(name_, number, text, since_, helpers_, sleepable_)                                        \
	[number] = { .kind = { .kind = (number), .name = text, .since = since_, .until = KERNEL_NOT_YET }, \
		     .sleepable = sleepable_,                                                              \
		     .takes = helpers_ },
#include "engine/kernel/maps.def"
#undef MAP_KIND
};

static const struct {
	uint8_t kind, helper;
	uint16_t since;
} pairs[] = {
#define MAP_HELPER(kind_, helper_, since_) { .kind = MAP_##kind_, .helper = HELPER_##helper_, .since = since_ },
#include "engine/kernel/maps.def"
#undef MAP_HELPER
};

const char *kernel_map_kind_name(uint32_t kind)
{
	return kind < countof(kinds) ? kinds[kind].kind.name : NULL;
}

const struct kernel_map_kind *kernel_map_kind(const struct kernel_profile *k, uint32_t kind)
{
	if (!kernel_map_kind_name(kind))
		return NULL;
	if (k->own ? !(k->own->maps >> kind & 1) : kinds[kind].kind.since > k->version)
		return NULL;
	return &kinds[kind].kind;
}

/* ---- helpers ---- */

/* What any kind of map may be given to, as far as the helper is asked. */
static bool helper_takes_any(uint32_t helper)
{
	switch (helper) {
	case HELPER_map_lookup_elem:
	case HELPER_map_update_elem:
	case HELPER_map_delete_elem:
	case HELPER_kptr_xchg:
		return true;
	default:
		return false;
	}
}

bool kernel_map_takes(const struct kernel_profile *k, uint32_t kind, uint32_t helper)
{
	bool belongs = false;
	uint16_t version;

	if (!kernel_map_kind(k, kind))
		return false;
	version = kernel_as_of(k, kinds[kind].kind.since);
	if (k->own && kernel_helper_since(helper) != KERNEL_NOT_YET && version < kernel_helper_since(helper))
		version = kernel_helper_since(helper);
	for (size_t i = 0; i < countof(pairs); i++) {
		if (pairs[i].helper != helper)
			continue;
		if (pairs[i].kind == kind)
			return pairs[i].since <= version;
		belongs = true;
	}
	return kinds[kind].takes == ANY && (!belongs || helper_takes_any(helper));
}

bool kernel_sockmap_updates(const struct kernel_profile *k, const struct kernel_target *t, uint32_t helper)
{
	if (k->version < KERNEL_V(5, 10))
		return helper == HELPER_map_delete_elem;
	switch (t->prog_type) {
	case KPROG_TRACING:
		return t->attach_type == KATTACH_TRACE_ITER;
	case KPROG_SOCK_OPS:
		return helper == HELPER_map_delete_elem;
	case KPROG_SOCKET_FILTER:
	case KPROG_SCHED_CLS:
	case KPROG_SCHED_ACT:
	case KPROG_XDP:
	case KPROG_SK_REUSEPORT:
	case KPROG_FLOW_DISSECTOR:
	case KPROG_SK_LOOKUP:
		return true;
	default:
		return false;
	}
}

/* ---- programs ---- */

static const char *not_sleepable(const struct kernel_profile *k)
{
	if (k->version < KERNEL_V(5, 12))
		return "Sleepable programs can only use array and hash maps";
	if (k->version < KERNEL_V(6, 2))
		return "Sleepable programs can only use array, hash, and ringbuf maps";
	return "Sleepable programs can only use array, hash, ringbuf and local storage maps";
}

const char *kernel_map_prog(const struct kernel_profile *k, const struct kernel_target *t, uint32_t kind)
{
	if (!kernel_map_kind(k, kind))
		return "there is no such kind of map";
	if (kind == MAP_STRUCT_OPS)
		return "bpf_struct_ops map cannot be used in prog";
	if (t->sleepable && kinds[kind].sleepable > kernel_as_of(k, kinds[kind].kind.since))
		return not_sleepable(k);
	return NULL;
}

/* Linux: kernel/bpf/verifier.c:is_preallocated_map, v5.10; relaxed by v6.1 */
const char *kernel_map_no_prealloc(const struct kernel_profile *k, const struct kernel_target *t, uint32_t kind)
{
	if (k->version >= KERNEL_V(6, 1))
		return NULL;
	if (kind != MAP_HASH && kind != MAP_PERCPU_HASH && kind != MAP_HASH_OF_MAPS)
		return NULL;
	if (t->prog_type == KPROG_PERF_EVENT)
		return "perf_event programs can only use preallocated hash map";
	if (t->sleepable)
		return "Sleepable programs can only use preallocated hash maps";
	return NULL;
}
