/* SPDX-License-Identifier: Apache-2.0 */
/* places: which place a target is, and where the kernel asks for more than a place. */
#include <string.h>

#include "engine/kernel/places.h"

#define AT(name) (1ull << PLACE_NUMBER_##name)

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Linux: kernel/trace/bpf_trace.c:is_kprobe_multi, is_uprobe_multi, v7.2 */
static uint64_t kprobe_place(uint32_t attach)
{
	switch (attach) {
	case KATTACH_TRACE_KPROBE_MULTI:
	case KATTACH_TRACE_KPROBE_SESSION:
		return AT(KPROBE_MULTI);
	case KATTACH_TRACE_UPROBE_MULTI:
	case KATTACH_TRACE_UPROBE_SESSION:
		return AT(UPROBE_MULTI);
	default:
		return AT(KPROBE);
	}
}

/* Linux: net/core/filter.c:sock_addr_func_proto, kernel/bpf/cgroup.c:cgroup_common_func_proto, v7.2 */
static uint64_t sock_addr_place(uint32_t attach)
{
	switch (attach) {
	case KATTACH_CGROUP_INET4_CONNECT:
	case KATTACH_CGROUP_INET6_CONNECT:
		return AT(SOCK_ADDR_CONNECT);
	case KATTACH_CGROUP_UDP4_RECVMSG:
	case KATTACH_CGROUP_UDP6_RECVMSG:
	case KATTACH_CGROUP_UNIX_RECVMSG:
	case KATTACH_CGROUP_INET4_GETPEERNAME:
	case KATTACH_CGROUP_INET6_GETPEERNAME:
	case KATTACH_CGROUP_INET4_GETSOCKNAME:
	case KATTACH_CGROUP_INET6_GETSOCKNAME:
		return AT(SOCK_ADDR_NO_RETVAL);
	case KATTACH_CGROUP_UNIX_GETPEERNAME:
	case KATTACH_CGROUP_UNIX_GETSOCKNAME:
		return AT(SOCK_ADDR_UNIX_NAME);
	default:
		return AT(SOCK_ADDR);
	}
}

/* Linux: kernel/bpf/bpf_iter.c:bpf_iter_get_func_proto and who sets get_func_proto: tcp_ipv4.c, af_unix.c, v6.1 */
static uint64_t tracing_place(const struct kernel_target *t)
{
	static const char *const socks[] = { "tcp", "unix" };
	const char *name = kernel_attach_bare(t);

	switch (t->attach_type) {
	case KATTACH_TRACE_RAW_TP:
		return AT(TP_BTF);
	case KATTACH_TRACE_ITER:
		return name && is_one_of(name, socks, countof(socks)) ? AT(ITER_SOCK) : AT(ITER);
	default:
		return AT(TRAMPOLINE);
	}
}

/* Linux: kernel/bpf/bpf_lsm.c:bpf_lsm_locked_sockopt_hooks, bpf_lsm_unlocked_sockopt_hooks, v6.1 to v7.2 */
static uint64_t lsm_place(const struct kernel_target *t)
{
	static const char *const locked[] = { "sock_graft", "inet_csk_clone", "inet_conn_established" };
	static const char *const unlocked[] = { "socket_post_create", "socket_socketpair" };
	const char *name = kernel_attach_bare(t);

	if (t->attach_type != KATTACH_LSM_CGROUP)
		return AT(LSM);
	if (name && is_one_of(name, locked, countof(locked)))
		return AT(LSM_CGROUP_LOCKED);
	if (name && is_one_of(name, unlocked, countof(unlocked)))
		return AT(LSM_CGROUP_UNLOCKED);
	return AT(LSM_CGROUP);
}

/*
 * attach_name is "struct/member" or "struct". The dummy struct of the kernel's own tests has no helpers at all; one
 * that is not known has those of any program (drivers/hid/bpf, net/sched/bpf_qdisc.c, v7.2).
 */
static uint64_t struct_ops_place(const char *name)
{
	static const char tcp[] = "tcp_congestion_ops", dummy[] = "bpf_dummy_ops", scx[] = "sched_ext_ops";

	if (!name)
		return AT(STRUCT_OPS_TCP);
	if (!strncmp(name, dummy, sizeof(dummy) - 1))
		return 0;
	if (!strncmp(name, scx, sizeof(scx) - 1))
		return AT(STRUCT_OPS_SCX);
	if (strncmp(name, tcp, sizeof(tcp) - 1) != 0)
		return AT(STRUCT_OPS);
	name += sizeof(tcp) - 1;
	return (*name == '.' || *name == '/') && !strcmp(name + 1, "release") ? AT(STRUCT_OPS_TCP_RELEASE)
									      : AT(STRUCT_OPS_TCP);
}

uint64_t kernel_place(const struct kernel_target *t)
{
	static const uint64_t places[KPROG_N] = {
		[KPROG_SOCKET_FILTER] = AT(SOCKET_FILTER),
		[KPROG_SCHED_CLS] = AT(TC),
		[KPROG_SCHED_ACT] = AT(TC),
		[KPROG_TRACEPOINT] = AT(TRACEPOINT),
		[KPROG_XDP] = AT(XDP),
		[KPROG_PERF_EVENT] = AT(PERF_EVENT),
		[KPROG_CGROUP_SKB] = AT(CGROUP_SKB),
		[KPROG_LWT_IN] = AT(LWT_IN),
		[KPROG_LWT_OUT] = AT(LWT_OUT),
		[KPROG_LWT_XMIT] = AT(LWT_XMIT),
		[KPROG_LWT_SEG6LOCAL] = AT(LWT_SEG6LOCAL),
		[KPROG_SOCK_OPS] = AT(SOCK_OPS),
		[KPROG_SK_SKB] = AT(SK_SKB),
		[KPROG_SK_MSG] = AT(SK_MSG),
		[KPROG_RAW_TRACEPOINT] = AT(RAW_TRACEPOINT),
		[KPROG_RAW_TRACEPOINT_WRITABLE] = AT(RAW_TRACEPOINT),
		[KPROG_LIRC_MODE2] = AT(LIRC_MODE2),
		[KPROG_SK_REUSEPORT] = AT(SK_REUSEPORT),
		[KPROG_FLOW_DISSECTOR] = AT(FLOW_DISSECTOR),
		[KPROG_CGROUP_SYSCTL] = AT(CGROUP_SYSCTL),
		[KPROG_SK_LOOKUP] = AT(SK_LOOKUP),
		[KPROG_SYSCALL] = AT(SYSCALL),
		[KPROG_NETFILTER] = AT(NETFILTER),
	};

	switch (t->prog_type) {
	case KPROG_KPROBE:
		return kprobe_place(t->attach_type);
	case KPROG_CGROUP_SOCK:
		return t->attach_type == KATTACH_CGROUP_INET_SOCK_CREATE ? AT(CGROUP_SOCK_CREATE) : AT(CGROUP_SOCK);
	case KPROG_CGROUP_DEVICE:
		return t->attach_type == KATTACH_CGROUP_DEVICE ? AT(CGROUP_DEVICE) : AT(CGROUP_DEVICE_0);
	case KPROG_CGROUP_SOCK_ADDR:
		return sock_addr_place(t->attach_type);
	case KPROG_CGROUP_SOCKOPT:
		return t->attach_type == KATTACH_CGROUP_SETSOCKOPT ? AT(SETSOCKOPT) : AT(GETSOCKOPT);
	case KPROG_TRACING:
		return tracing_place(t);
	case KPROG_LSM:
		return lsm_place(t);
	case KPROG_STRUCT_OPS:
		return struct_ops_place(t->attach_name);
	default:
		return t->prog_type < countof(places) ? places[t->prog_type] : 0;
	}
}
