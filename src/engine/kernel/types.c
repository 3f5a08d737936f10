/* SPDX-License-Identifier: Apache-2.0 */
/* types: what holds of all programs of a type: where it may go, what it may return, what it may do with packets. */
#include "engine/kernel/own.h"

enum attach_rule { ATTACH_ANY, ATTACH_LISTED, ATTACH_ZERO };

static const struct prog_row {
	struct kernel_prog_type type;
	uint8_t attach; /* enum attach_rule */
} progs[KPROG_N] = {
#define PROG_TYPE(name_, number, text, since_, attach_, ctx)                                                           \
	[number] = {                                                                                                   \
		.type = { .type = number, .name = text, .since = since_, .until = KERNEL_NOT_YET, .ctx_struct = ctx }, \
		.attach = ATTACH_##attach_                                                                             \
	},
#include "engine/kernel/prog_types.def"
#undef PROG_TYPE
};

static const struct attach_row {
	const char *name;
	uint16_t since;
	uint8_t prog;
} attaches[KATTACH_N] = {
#define ATTACH_TYPE(name_, number, text, since_, prog_) [number] = { text, since_, KPROG_##prog_ },
#include "engine/kernel/attach_types.def"
#undef ATTACH_TYPE
};

const struct kernel_prog_type *kernel_prog_type(const struct kernel_profile *k, uint32_t type)
{
	const struct kernel_prog_type *t;

	if (type >= KPROG_N || !progs[type].type.name)
		return NULL;
	t = &progs[type].type;
	if (k->own)
		return k->own->progs >> type & 1 ? t : NULL;
	return k->version >= t->since && k->version < t->until ? t : NULL;
}

const char *kernel_prog_type_name(uint32_t type)
{
	return type < KPROG_N ? progs[type].type.name : NULL;
}

const char *kernel_attach_type_name(uint32_t attach)
{
	return attach < KATTACH_N ? attaches[attach].name : NULL;
}

bool kernel_has_attach(const struct kernel_profile *k, uint32_t attach)
{
	if (attach >= KATTACH_N || !attaches[attach].name)
		return false;
	return k->own ? k->own->attaches >> attach & 1 : k->version >= attaches[attach].since;
}

/* Linux: kernel/bpf/syscall.c:bpf_prog_load_fixup_attach_type, v6.12: 0 stands for the attach type that there was at
 * first. */
static uint32_t attach_type(const struct kernel_profile *k, const struct kernel_target *t)
{
	if (t->attach_type)
		return t->attach_type;
	if (t->prog_type == KPROG_CGROUP_SOCK)
		return KATTACH_CGROUP_INET_SOCK_CREATE;
	if (t->prog_type == KPROG_SK_REUSEPORT && kernel_has_attach(k, KATTACH_SK_REUSEPORT_SELECT))
		return KATTACH_SK_REUSEPORT_SELECT;
	return 0;
}

/* Some attach types of a program type are older than that bpf(2) looks at them. */
static enum attach_rule attach_rule(const struct kernel_profile *k, uint32_t type)
{
	if (type == KPROG_SK_REUSEPORT && k->version < KERNEL_V(5, 14))
		return ATTACH_ANY;
	return (enum attach_rule)progs[type].attach;
}

bool kernel_attach_ok(const struct kernel_profile *k, const struct kernel_target *t)
{
	uint32_t attach = attach_type(k, t);

	if (!kernel_prog_type(k, t->prog_type))
		return false;
	switch (attach_rule(k, t->prog_type)) {
	case ATTACH_ANY:
		return true;
	case ATTACH_ZERO:
		return !attach;
	case ATTACH_LISTED:
		return attach < KATTACH_N && attaches[attach].prog == t->prog_type && kernel_has_attach(k, attach);
	}
	return false;
}

const char *kernel_attach_prefix(const struct kernel_target *t)
{
	if (t->prog_type == KPROG_LSM)
		return "bpf_lsm_";
	if (t->prog_type == KPROG_TRACING && t->attach_type == KATTACH_TRACE_RAW_TP)
		return "btf_trace_";
	if (t->prog_type == KPROG_TRACING && t->attach_type == KATTACH_TRACE_ITER)
		return "bpf_iter_";
	return "";
}

const char *kernel_attach_bare(const struct kernel_target *t)
{
	const char *prefix = kernel_attach_prefix(t);
	size_t n = strlen(prefix);

	return t->attach_name && !strncmp(t->attach_name, prefix, n) ? t->attach_name + n : t->attach_name;
}

/* ---- packets. Linux: kernel/bpf/verifier.c:may_access_direct_pkt_data, v5.10 to v7.2 ---- */

bool kernel_packet_write(const struct kernel_profile *k, const struct kernel_target *t)
{
	(void)k; /* the same in all releases */
	switch (t->prog_type) {
	case KPROG_SCHED_CLS:
	case KPROG_SCHED_ACT:
	case KPROG_XDP:
	case KPROG_LWT_XMIT:
	case KPROG_SK_SKB:
	case KPROG_SK_MSG:
	case KPROG_CGROUP_SOCKOPT:
		return true;
	default:
		return false;
	}
}

bool kernel_packet_read(const struct kernel_profile *k, const struct kernel_target *t)
{
	switch (t->prog_type) {
	case KPROG_LWT_IN:
	case KPROG_LWT_OUT:
	case KPROG_LWT_SEG6LOCAL:
	case KPROG_SK_REUSEPORT:
	case KPROG_FLOW_DISSECTOR:
	case KPROG_CGROUP_SKB:
		return true;
	default:
		return kernel_packet_write(k, t);
	}
}

/* ---- what a program may return. Linux: kernel/bpf/verifier.c:check_return_code, v5.10 to v6.12; return_retval_range,
 * v7.2 ---- */

static struct kernel_ret_range between(int64_t min, int64_t max)
{
	return (struct kernel_ret_range){ .have = true, .min = min, .max = max };
}

static const struct kernel_ret_range any_scalar = { 0 };

static struct kernel_ret_range ret_sock_addr(const struct kernel_profile *k, uint32_t attach)
{
	switch (attach) {
	case KATTACH_CGROUP_UDP4_RECVMSG:
	case KATTACH_CGROUP_UDP6_RECVMSG:
	case KATTACH_CGROUP_UNIX_RECVMSG:
	case KATTACH_CGROUP_INET4_GETPEERNAME:
	case KATTACH_CGROUP_INET6_GETPEERNAME:
	case KATTACH_CGROUP_UNIX_GETPEERNAME:
	case KATTACH_CGROUP_INET4_GETSOCKNAME:
	case KATTACH_CGROUP_INET6_GETSOCKNAME:
	case KATTACH_CGROUP_UNIX_GETSOCKNAME:
		return between(1, 1);
	case KATTACH_CGROUP_INET4_BIND:
	case KATTACH_CGROUP_INET6_BIND:
		return between(0, kernel_has(k, KERNEL_BIND_RETURNS_FLAGS) ? 3 : 1);
	default:
		return between(0, 1);
	}
}

static struct kernel_ret_range ret_tracing(uint32_t attach)
{
	switch (attach) {
	case KATTACH_TRACE_RAW_TP:
	case KATTACH_MODIFY_RETURN:
		return any_scalar;
	case KATTACH_TRACE_ITER:
		return between(0, 1);
	default:
		return between(0, 0);
	}
}

static struct kernel_ret_range ret_kprobe(const struct kernel_profile *k, uint32_t attach)
{
	bool session = attach == KATTACH_TRACE_KPROBE_SESSION || attach == KATTACH_TRACE_UPROBE_SESSION;

	return session && kernel_has_attach(k, attach) ? between(0, 1) : any_scalar;
}

/* Hooks that return true or false, not an error. Linux: kernel/bpf/bpf_lsm.c:bool_lsm_hooks, v6.12 and v7.2 */
static bool lsm_hook_is_bool(const char *name)
{
	static const char *const hooks[] = { "xfrm_state_pol_flow_match", "audit_rule_known", "inode_xattr_skipcap" };
	const size_t prefix = strlen("bpf_lsm_");

	if (!name)
		return false;
	if (!strncmp(name, "bpf_lsm_", prefix))
		name += prefix;
	for (size_t i = 0; i < countof(hooks); i++)
		if (!strcmp(name, hooks[i]))
			return true;
	return false;
}

static struct kernel_ret_range ret_lsm(const struct kernel_profile *k, const struct kernel_target *t)
{
	enum { MAX_ERRNO = 4095 };
	struct kernel_ret_range r;

	if (t->attach_type == KATTACH_LSM_CGROUP)
		return t->attach_void ? between(1, 1) : between(0, 1);
	if (t->attach_void)
		return (struct kernel_ret_range){ .may_be_anything = true };
	if (!kernel_has(k, KERNEL_LSM_RETURNS_ERRNO))
		return any_scalar;
	r = lsm_hook_is_bool(t->attach_name) ? between(0, 1) : between(-MAX_ERRNO, 0);
	r.ret32 = true;
	return r;
}

/* A pointer is NULL, or an object that the program hands over: of that its type and reference are asked, not its value.
 */
static struct kernel_ret_range ret_struct_ops(const struct kernel_profile *k, const struct kernel_target *t)
{
	if (t->attach_pointer && kernel_has(k, KERNEL_STRUCT_OPS_RETURNS_KPTR))
		return between(0, 0);
	return (struct kernel_ret_range){ .may_be_anything = t->attach_void };
}

struct kernel_ret_range kernel_ret_range(const struct kernel_profile *k, const struct kernel_target *t)
{
	struct kernel_ret_range r;

	switch (t->prog_type) {
	case KPROG_CGROUP_SOCK_ADDR:
		return ret_sock_addr(k, t->attach_type);
	case KPROG_CGROUP_SKB:
		r = between(0, t->attach_type == KATTACH_CGROUP_INET_EGRESS ? 3 : 1);
		r.enforces_attach = r.max == 3;
		return r;
	case KPROG_CGROUP_SOCK:
	case KPROG_SOCK_OPS:
	case KPROG_CGROUP_DEVICE:
	case KPROG_CGROUP_SYSCTL:
	case KPROG_CGROUP_SOCKOPT:
	case KPROG_SK_LOOKUP: /* SK_DROP, SK_PASS */
	case KPROG_NETFILTER: /* NF_DROP, NF_ACCEPT */
		return between(0, 1);
	case KPROG_TRACING:
		return ret_tracing(t->attach_type);
	case KPROG_KPROBE:
		return ret_kprobe(k, t->attach_type);
	case KPROG_LSM:
		return ret_lsm(k, t);
	case KPROG_STRUCT_OPS:
		return ret_struct_ops(k, t);
	default:
		return any_scalar;
	}
}

/* ---- facts ---- */

/* Linux: kernel/bpf/verifier.c:check_attach_btf_id, v5.10 and v6.1; can_be_sleepable, v6.12 and v7.2 */
static bool may_sleep(const struct kernel_profile *k, const struct kernel_target *t)
{
	switch (t->prog_type) {
	case KPROG_TRACING:
		if (k->version < KERNEL_V(6, 2))
			return true;
		if (t->attach_type == KATTACH_TRACE_RAW_TP)
			return kernel_has(k, KERNEL_TRACEPOINTS_SLEEP);
		return true;
	case KPROG_LSM:
		return t->attach_type != KATTACH_LSM_CGROUP || !kernel_has(k, KERNEL_LSM_CGROUP_NO_SLEEP);
	case KPROG_KPROBE:
		return k->version >= KERNEL_V(6, 0);
	case KPROG_SYSCALL:
		return true;
	case KPROG_STRUCT_OPS:
		return k->version >= KERNEL_V(6, 3);
	case KPROG_RAW_TRACEPOINT:
	case KPROG_TRACEPOINT:
		return kernel_has(k, KERNEL_TRACEPOINTS_SLEEP);
	default:
		return false;
	}
}

/* Linux: kernel/bpf/verifier.c:is_tracing_prog_type, v5.10 to v7.2 */
static bool is_tracing(const struct kernel_profile *k, uint32_t type)
{
	switch (type) {
	case KPROG_KPROBE:
	case KPROG_TRACEPOINT:
	case KPROG_PERF_EVENT:
	case KPROG_RAW_TRACEPOINT:
		return true;
	case KPROG_RAW_TRACEPOINT_WRITABLE:
		return k->version >= KERNEL_V(6, 1);
	default:
		return false;
	}
}

/* Linux: kernel/bpf/verifier.c:bpf_enable_priv_stack, include/linux/bpf_verifier.h:bpf_prog_check_recur, v6.12 and v7.2
 */
static bool has_private_stack(const struct kernel_target *t)
{
	switch (t->prog_type) {
	case KPROG_KPROBE:
	case KPROG_TRACEPOINT:
	case KPROG_PERF_EVENT:
	case KPROG_RAW_TRACEPOINT:
		return true;
	case KPROG_TRACING:
		return t->attach_type != KATTACH_TRACE_ITER;
	default: /* LSM and struct_ops by what they say of themselves: v6.12 no, v7.2 struct_ops on request */
		return false;
	}
}

/* Types whose accesses of the context are not rewritten: struct bpf_verifier_ops without convert_ctx_access, v7.2. */
static bool ctx_is_plain(uint32_t type)
{
	switch (type) {
	case KPROG_KPROBE:
	case KPROG_TRACEPOINT:
	case KPROG_RAW_TRACEPOINT:
	case KPROG_RAW_TRACEPOINT_WRITABLE:
	case KPROG_TRACING:
	case KPROG_STRUCT_OPS:
	case KPROG_LSM:
	case KPROG_CGROUP_DEVICE:
	case KPROG_LIRC_MODE2:
	case KPROG_SYSCALL:
	case KPROG_NETFILTER:
		return true;
	default:
		return false;
	}
}

bool kernel_type_is(const struct kernel_profile *k, const struct kernel_target *t, enum kernel_type_fact f)
{
	switch (f) {
	case KERNEL_TYPE_SLEEPABLE:
		return may_sleep(k, t);
	case KERNEL_TYPE_MUST_SLEEP:
		return t->prog_type == KPROG_SYSCALL;
	case KERNEL_TYPE_LD_ABS: /* Linux: kernel/bpf/verifier.c:may_access_skb, v5.10 to v7.2 */
		return t->prog_type == KPROG_SOCKET_FILTER || t->prog_type == KPROG_SCHED_CLS ||
		       t->prog_type == KPROG_SCHED_ACT;
	case KERNEL_TYPE_TRACING:
		return is_tracing(k, t->prog_type);
	case KERNEL_TYPE_PRIVATE_STACK:
		return kernel_has(k, KERNEL_PRIVATE_STACK) && has_private_stack(t);
	case KERNEL_TYPE_CTX_PLAIN:
		return ctx_is_plain(t->prog_type);
	case KERNEL_TYPE_CTX_FIXED_OFF:
		return kernel_has(k, KERNEL_CTX_FIXED_OFF) && ctx_is_plain(t->prog_type);
	case KERNEL_TYPE_CTX_VAR_OFF:
		return kernel_has(k, KERNEL_CTX_VAR_OFF) && t->prog_type == KPROG_SYSCALL;
	}
	return false;
}
