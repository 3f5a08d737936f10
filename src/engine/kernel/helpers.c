/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helpers: which helpers a release has, which of them a program may call, and what they take and give.
 *
 * Three tables: helpers.def names them, protos.def says what each prototype is in which releases, grants.def gives
 * places prototypes. grants.def stands by helper, so a question is a search for the helper's rows and a walk of those.
 */
#include <string.h>

#include "engine/kernel/own.h"
#include "engine/kernel/places.h"

/* The tables' words. */
#define V(major, minor) KERNEL_V(major, minor)
enum { ALWAYS = KERNEL_ALWAYS, NOW = KERNEL_NOT_YET };

/* ---- names ---- */

enum {
#define HELPER(id, name, since) HELPER_##name = (id),
#include "engine/kernel/helpers.def"
#undef HELPER
	N_HELPERS
};
static_assert(N_HELPERS <= KERNEL_HELPER_WORDS * 64, "helpers are bits of kernel_own");

static const struct {
	const char *name;
	uint16_t since;
} helpers[N_HELPERS] = {
#define HELPER(id, name, since) [id] = { #name, since },
#include "engine/kernel/helpers.def"
#undef HELPER
};

const char *kernel_helper_name(uint32_t id)
{
	return id < countof(helpers) ? helpers[id].name : NULL;
}

uint16_t kernel_helper_since(uint32_t id)
{
	return kernel_helper_name(id) ? helpers[id].since : (uint16_t)KERNEL_NOT_YET;
}

/* ---- prototypes ---- */

/* What a helper asks beyond the place: struct bpf_func_proto, allowed. */
enum allowed { ANYWHERE, D_PATH, SLEEPABLE_HOOK, SK_STORAGE };

struct proto_row {
	struct kernel_proto proto;
	uint16_t since, until;
	uint8_t allowed; /* enum allowed */
};

enum {
#define PROTO(helper, name, n, ...) PROTO_##name##_##n,
#include "engine/kernel/protos.def"
#undef PROTO
	N_PROTOS
};

enum {
	GPL = KP_GPL,
	PKT_ACCESS = KP_PKT_ACCESS,
	MIGHT_SLEEP = KP_MIGHT_SLEEP,
	CHANGES_PACKET = KP_CHANGES_PACKET,
	FASTCALL = KP_FASTCALL,
};
enum {
	OR_NULL = KF_OR_NULL,
	RDONLY = KF_RDONLY,
	RINGBUF = KF_RINGBUF,
	RELEASE = KF_RELEASE,
	UNINIT = KF_UNINIT,
	DYNPTR_LOCAL = KF_DYNPTR_LOCAL,
	DYNPTR_RINGBUF = KF_DYNPTR_RINGBUF,
	FIXED_SIZE = KF_FIXED_SIZE,
	TRUSTED = KF_TRUSTED,
	ALIGNED = KF_ALIGNED,
	WRITE = KF_WRITE,
};

/* The result and the arguments have words of their own for the base: the first letter of a row's cell picks them. */
#define RET_T(base_)                 \
	{                            \
		.base = KRET_##base_ \
	}
#define RET_F(base_, flags_)                            \
	{                                               \
		.base = KRET_##base_, .flags = (flags_) \
	}
#define RET_B(base_, flags_, btf_)                                     \
	{                                                              \
		.base = KRET_##base_, .flags = (flags_), .btf = (btf_) \
	}
#define ARG_T(base_)               \
	{                          \
		.base = KA_##base_ \
	}
#define ARG_F(base_, flags_)                          \
	{                                             \
		.base = KA_##base_, .flags = (flags_) \
	}
#define ARG_B(base_, flags_, btf_)                                   \
	{                                                            \
		.base = KA_##base_, .flags = (flags_), .btf = (btf_) \
	}
#define ARG_S(base_, flags_, size_)                                    \
	{                                                              \
		.base = KA_##base_, .flags = (flags_), .size = (size_) \
	}
#define ARG__                       \
	{                           \
		.base = KA_DONTCARE \
	}

static const struct proto_row protos[] = {
#define PROTO(helper, name_, n, since_, until_, flags_, allowed_, ret_, a1, a2, a3, a4, a5, source) \
	{ .proto = { .id = HELPER_##helper,                                                         \
		     .name = #helper,                                                               \
		     .flags = (flags_),                                                             \
		     .ret = RET_##ret_,                                                             \
		     .arg = { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 } },                 \
	  .since = since_,                                                                          \
	  .until = until_,                                                                          \
	  .allowed = allowed_ },
#include "engine/kernel/protos.def"
#undef PROTO
};

/* ---- who may call what ---- */

/* A set of places without some. */
#define EXCEPT(places, without) ((places) & ~(uint64_t)(without))

enum when { ANY, SLEEPABLE, NOT_SLEEPABLE };

struct grant {
	uint64_t places;
	uint16_t helper, since, until;
	uint16_t proto; /* the first row of the prototype's name */
	uint8_t when;
};

enum {
#define PLACE(name) name = 1ull << PLACE_NUMBER_##name,
#define GROUP(name, places) name = (places),
#include "engine/kernel/places.def"
#undef GROUP
#undef PLACE
};

static const struct grant grants[] = {
#define GRANT(helper_, proto_, when_, since_, until_, places_) \
	{ .places = (places_),                                 \
	  .helper = HELPER_##helper_,                          \
	  .since = since_,                                     \
	  .until = until_,                                     \
	  .proto = PROTO_##proto_##_1,                         \
	  .when = when_ },
#include "engine/kernel/grants.def"
#undef GRANT
};

/* The first row of this helper, or of the next that has one. */
static size_t first_grant(uint32_t id)
{
	size_t lo = 0, hi = countof(grants);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (grants[mid].helper < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool grant_is_for(const struct grant *g, uint64_t place, bool sleepable)
{
	return (g->places & place) && (g->when == ANY || (g->when == SLEEPABLE) == sleepable);
}

/* The prototype of this name in this release: its rows follow one another. */
static const struct proto_row *proto_in(uint16_t first, uint16_t version)
{
	const struct proto_row *p = &protos[first];

	while (p->until <= version)
		p++;
	return p;
}

/* Linux: kernel/trace/bpf_trace.c:btf_allowlist_d_path, bpf_d_path_allowed, v5.10 to v7.2 */
static bool d_path_allowed(const struct kernel_profile *k, const struct kernel_target *t)
{
	static const char *const functions[] = { "security_file_permission",
						 "security_inode_getattr",
						 "security_file_open",
						 "security_path_truncate",
						 "vfs_truncate",
						 "vfs_fallocate",
						 "dentry_open",
						 "vfs_getattr",
						 "filp_close" };

	if (t->prog_type == KPROG_TRACING && t->attach_type == KATTACH_TRACE_ITER && k->version >= KERNEL_V(5, 12))
		return true;
	if (!t->attach_name)
		return false;
	if (t->prog_type == KPROG_LSM && k->version >= KERNEL_V(5, 11))
		return kernel_lsm_hook_sleeps(k, t->attach_name);
	for (size_t i = 0; i < countof(functions); i++)
		if (!strcmp(t->attach_name, functions[i]))
			return true;
	return false;
}

/* Linux: net/core/bpf_sk_storage.c:bpf_sk_storage_tracing_allowed, v7.2 */
static bool sk_storage_allowed(const struct kernel_target *t)
{
	static const char own[] = "bpf_sk_storage";

	switch (t->attach_type) {
	case KATTACH_TRACE_ITER:
	case KATTACH_TRACE_RAW_TP:
		return t->prog_type == KPROG_TRACING;
	case KATTACH_TRACE_FENTRY:
	case KATTACH_TRACE_FEXIT:
	case KATTACH_TRACE_FSESSION:
		return t->attach_name && strncmp(t->attach_name, own, sizeof(own) - 1) != 0;
	default:
		return false;
	}
}

static bool is_allowed(const struct kernel_profile *k, const struct kernel_target *t, enum allowed a)
{
	switch (a) {
	case ANYWHERE:
		return true;
	case D_PATH:
		return d_path_allowed(k, t);
	case SLEEPABLE_HOOK:
		return t->attach_name && kernel_lsm_hook_sleeps(k, t->attach_name);
	case SK_STORAGE:
		return sk_storage_allowed(t);
	}
	return false;
}

bool kernel_has_helper(const struct kernel_profile *k, uint32_t id)
{
	return k->own ? id < N_HELPERS && own_has(k->own->helpers, id) : kernel_helper_since(id) <= k->version;
}

static enum kernel_refusal why_no_helper(const struct kernel_profile *k, uint32_t id)
{
	return k->own && id < KERNEL_HELPER_WORDS * 64 && own_has(k->own->strange, id) ? KERNEL_STRANGE
										       : KERNEL_NO_HELPER;
}

enum kernel_refusal kernel_helper(const struct kernel_profile *kernel, const struct kernel_target *t, uint32_t id,
				  const struct kernel_proto **out)
{
	const struct kernel_profile at = { .version = kernel_as_of(kernel, kernel_helper_since(id)) }, *k = &at;
	uint64_t place = kernel_place(t);

	if (!kernel_has_helper(kernel, id))
		return why_no_helper(kernel, id);
	for (size_t i = first_grant(id); i < countof(grants) && grants[i].helper == id; i++) {
		const struct grant *g = &grants[i];
		const struct proto_row *p;

		if (k->version < g->since || k->version >= g->until || !grant_is_for(g, place, t->sleepable))
			continue;
		p = proto_in(g->proto, k->version);
		if (!is_allowed(k, t, p->allowed))
			return KERNEL_NOT_IN_PROBE;
		*out = &p->proto;
		return KERNEL_ALLOWED;
	}
	return KERNEL_NOT_HERE;
}

uint16_t kernel_helper_since_for(const struct kernel_target *t, uint32_t id)
{
	static const struct kernel_profile newest = { .version = KERNEL_NOT_YET - 1 };
	const struct kernel_prog_type *type = kernel_prog_type(&newest, t->prog_type);
	uint64_t place = kernel_place(t);
	uint16_t first = KERNEL_NOT_YET, least;

	if (!type || !kernel_helper_name(id))
		return KERNEL_NOT_YET;
	least = type->since > helpers[id].since ? type->since : helpers[id].since;
	for (size_t i = first_grant(id); i < countof(grants) && grants[i].helper == id; i++) {
		const struct grant *g = &grants[i];
		uint16_t since = g->since > least ? g->since : least;

		if (since < g->until && since < first && grant_is_for(g, place, t->sleepable))
			first = since;
	}
	return first;
}
