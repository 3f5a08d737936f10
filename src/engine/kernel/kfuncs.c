/* SPDX-License-Identifier: Apache-2.0 */
/* kfuncs: which functions of the kernel a program may call, by release and program type. */
#include <string.h>

#include "engine/kernel/own.h"

#define V(major, minor) KERNEL_V(major, minor)
enum { ALWAYS = KERNEL_ALWAYS, NOW = KERNEL_NOT_YET };
enum {
	ACQUIRE = KK_ACQUIRE,
	RELEASE = KK_RELEASE,
	RET_NULL = KK_RET_NULL,
	KPTR_GET = KK_KPTR_GET,
	TRUSTED_ARGS = KK_TRUSTED_ARGS,
	SLEEPABLE = KK_SLEEPABLE,
	DESTRUCTIVE = KK_DESTRUCTIVE,
	RCU = KK_RCU,
	ITER_NEW = KK_ITER_NEW,
	ITER_NEXT = KK_ITER_NEXT,
	ITER_DESTROY = KK_ITER_DESTROY,
	RCU_PROTECTED = KK_RCU_PROTECTED,
	FASTCALL = KK_FASTCALL,
	ARENA_RET = KK_ARENA_RET,
	ARENA_ARG1 = KK_ARENA_ARG1,
	ARENA_ARG2 = KK_ARENA_ARG2,
	IMPLICIT_ARGS = KK_IMPLICIT_ARGS,
};
enum {
	COMMON = 1 << KH_COMMON,
	XDP = 1 << KH_XDP,
	TC = 1 << KH_TC,
	STRUCT_OPS = 1 << KH_STRUCT_OPS,
	TRACING = 1 << KH_TRACING,
	SYSCALL = 1 << KH_SYSCALL,
	CGROUP = 1 << KH_CGROUP,
	SCHED_ACT = 1 << KH_SCHED_ACT,
	SK_SKB = 1 << KH_SK_SKB,
	SOCKET_FILTER = 1 << KH_SOCKET_FILTER,
	LWT = 1 << KH_LWT,
	NETFILTER = 1 << KH_NETFILTER,
	KPROBE = 1 << KH_KPROBE,
};

/* Which programs of its hooks a set admits: struct btf_kfunc_id_set, filter. */
enum who {
	ALL_OF_HOOK,
	LSM_ONLY,     /* fs/bpf_fs_kfuncs.c:bpf_fs_kfuncs_filter, v6.12 */
	ITER_ONLY,    /* net/core/filter.c:tracing_iter_filter, v6.12 */
	SESSION_ONLY, /* kernel/trace/bpf_trace.c:bpf_session_filter, v7.2 */
	QDISC_ONLY, /* net/sched/bpf_qdisc.c:bpf_qdisc_kfunc_filter, v7.2: the struct; which member is not asked here */
	SCX_ONLY,   /* kernel/sched/ext/ext.c:scx_kfunc_context_filter, v7.2: likewise */
};

static const struct kernel_kfunc kfuncs[] = {
#define KFUNC(name_, since_, until_, flags_, hooks_, who_, source_) \
	{ .name = #name_,                                           \
	  .since = since_,                                          \
	  .until = until_,                                          \
	  .flags = flags_,                                          \
	  .hooks = hooks_,                                          \
	  .who = who_,                                              \
	  .source = source_ },
#include "engine/kernel/kfuncs.def"
#undef KFUNC
};

static_assert(countof(kfuncs) <= KERNEL_KFUNC_WORDS * 64, "rows are bits of kernel_own");

const struct kernel_kfunc *kernel_kfunc_at(size_t i)
{
	return i < countof(kfuncs) ? &kfuncs[i] : NULL;
}

size_t kernel_kfunc_first(const char *name)
{
	size_t lo = 0, hi = countof(kfuncs);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(kfuncs[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool has_row(const struct kernel_profile *k, size_t i)
{
	return k->own ? own_has(k->own->kfuncs, i) : k->version >= kfuncs[i].since && k->version < kfuncs[i].until;
}

const struct kernel_kfunc *kernel_kfunc(const struct kernel_profile *k, const char *name)
{
	for (size_t i = kernel_kfunc_first(name); i < countof(kfuncs) && !strcmp(kfuncs[i].name, name); i++)
		if (has_row(k, i))
			return &kfuncs[i];
	return NULL;
}

/* ---- hooks ---- */

/* Types whose hook came after the first: since which release it is theirs. */
static uint64_t since(const struct kernel_profile *k, uint16_t version, uint64_t hook)
{
	return k->version >= version ? hook : 0;
}

/* Linux: kernel/bpf/btf.c:bpf_prog_type_to_kfunc_hook, v6.1, v6.12, v7.2 */
static uint64_t hook_of(const struct kernel_profile *k, uint32_t type)
{
	switch (type) {
	case KPROG_XDP:
		return XDP;
	case KPROG_SCHED_CLS:
		return TC;
	case KPROG_STRUCT_OPS:
		return STRUCT_OPS;
	case KPROG_TRACING:
	case KPROG_LSM:
		return TRACING;
	case KPROG_TRACEPOINT:
	case KPROG_PERF_EVENT:
		return since(k, KERNEL_V(6, 12), TRACING);
	case KPROG_RAW_TRACEPOINT:
		return since(k, KERNEL_V(7, 0), TRACING);
	case KPROG_SYSCALL:
		return SYSCALL;
	case KPROG_CGROUP_SKB:
		return since(k, KERNEL_V(6, 4), CGROUP);
	case KPROG_CGROUP_SOCK_ADDR:
		return since(k, KERNEL_V(6, 7), CGROUP);
	case KPROG_CGROUP_SOCK:
	case KPROG_CGROUP_DEVICE:
	case KPROG_CGROUP_SOCKOPT:
	case KPROG_CGROUP_SYSCTL:
		return since(k, KERNEL_V(6, 12), CGROUP);
	case KPROG_SOCK_OPS:
		return since(k, KERNEL_V(6, 16), CGROUP);
	case KPROG_SCHED_ACT:
		return since(k, KERNEL_V(6, 4), SCHED_ACT);
	case KPROG_SK_SKB:
		return since(k, KERNEL_V(6, 4), SK_SKB);
	case KPROG_SOCKET_FILTER:
		return since(k, KERNEL_V(6, 4), SOCKET_FILTER);
	case KPROG_LWT_IN:
	case KPROG_LWT_OUT:
	case KPROG_LWT_XMIT:
	case KPROG_LWT_SEG6LOCAL:
		return since(k, KERNEL_V(6, 4), LWT);
	case KPROG_NETFILTER:
		return since(k, KERNEL_V(6, 5), NETFILTER);
	case KPROG_KPROBE:
		return since(k, KERNEL_V(6, 10), KPROBE);
	default:
		return 0;
	}
}

static bool is_session(const struct kernel_profile *k, const struct kernel_target *t)
{
	switch (t->attach_type) {
	case KATTACH_TRACE_KPROBE_SESSION:
		return t->prog_type == KPROG_KPROBE;
	case KATTACH_TRACE_UPROBE_SESSION:
		return t->prog_type == KPROG_KPROBE && k->version >= KERNEL_V(6, 13);
	case KATTACH_TRACE_FSESSION:
	case KATTACH_TRACE_FSESSION_MULTI:
		return t->prog_type == KPROG_TRACING;
	default:
		return false;
	}
}

/* A struct of operations that is not said may be this one. */
static bool is_of_struct(const struct kernel_target *t, const char *name)
{
	return t->prog_type == KPROG_STRUCT_OPS && (!t->attach_name || !strncmp(t->attach_name, name, strlen(name)));
}

static bool who_allows(const struct kernel_profile *k, const struct kernel_target *t, enum who who)
{
	switch (who) {
	case ALL_OF_HOOK:
		return true;
	case LSM_ONLY:
		return t->prog_type == KPROG_LSM;
	case ITER_ONLY:
		return t->attach_type == KATTACH_TRACE_ITER;
	case SESSION_ONLY:
		return is_session(k, t);
	case QDISC_ONLY:
		return is_of_struct(t, "Qdisc_ops");
	case SCX_ONLY:
		return t->prog_type == KPROG_SYSCALL || is_of_struct(t, "sched_ext_ops");
	}
	return false;
}

bool kernel_kfunc_allowed(const struct kernel_profile *kernel, const struct kernel_target *t,
			  const struct kernel_kfunc *f)
{
	const struct kernel_profile at = { .version = kernel_as_of(kernel, f->since) }, *k = &at;

	if (!(f->hooks & (COMMON | hook_of(k, t->prog_type))))
		return false;
	return who_allows(k, t, (enum who)f->who);
}
