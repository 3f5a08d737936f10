/* SPDX-License-Identifier: Apache-2.0 */
/* ctx: what a program may read and write of its context and of sockets, and what a load gives. */
#include "engine/kernel/kernel.h"

/* Bytes [off, off + bytes) of a context. */
struct field {
	const char *name;
	uint16_t since, off, bytes;
	uint8_t read, write; /* sizes that may be accessed, added up; FIRST */
	uint8_t gives;       /* index in given */
	uint64_t attach;     /* bit per attach type */
};

struct ctx_view {
	const struct field *fields;
	size_t n;
};

enum { FIRST = 16 }; /* an access begins where the field does */

/* What a load gives. */
enum {
	SCALAR,
	PACKET,
	PACKET_END,
	PACKET_META,
	FLOW_KEYS,
	SOCKET,
	SOCKET_NULL,
	SOCK_COMMON_NULL,
	BTF_SK_BUFF,
	BTF_NF_HOOK_STATE
};
static const struct {
	uint8_t reg;    /* enum kernel_reg */
	uint32_t flags; /* enum kernel_flag */
	const char *btf;
} given[] = {
	[SCALAR] = { KR_SCALAR, 0, NULL },
	[PACKET] = { KR_PACKET, 0, NULL },
	[PACKET_END] = { KR_PACKET_END, 0, NULL },
	[PACKET_META] = { KR_PACKET_META, 0, NULL },
	[FLOW_KEYS] = { KR_FLOW_KEYS, 0, NULL },
	[SOCKET] = { KR_SOCKET, 0, NULL },
	[SOCKET_NULL] = { KR_SOCKET, KF_OR_NULL, NULL },
	[SOCK_COMMON_NULL] = { KR_SOCK_COMMON, KF_OR_NULL, NULL },
	[BTF_SK_BUFF] = { KR_BTF_ID, KF_TRUSTED, "sk_buff" },
	[BTF_NF_HOOK_STATE] = { KR_BTF_ID, KF_TRUSTED, "nf_hook_state" },
};

static_assert(KATTACH_N <= 63, "attach types are bits of a word, the highest is FULL_SOCK");
#define AT(name) (UINT64_C(1) << KATTACH_##name)
#define ALL UINT64_MAX
#define FULL_SOCK (UINT64_C(1) << 63) /* of rows of sock: not for SOCK_COMMON */
#define SOCK_MADE (AT(CGROUP_INET_SOCK_CREATE) | AT(CGROUP_INET_SOCK_RELEASE))
#define IP4_ADDR                                                                           \
	(AT(CGROUP_INET4_BIND) | AT(CGROUP_INET4_CONNECT) | AT(CGROUP_INET4_GETPEERNAME) | \
	 AT(CGROUP_INET4_GETSOCKNAME) | AT(CGROUP_UDP4_SENDMSG) | AT(CGROUP_UDP4_RECVMSG))
#define IP6_ADDR                                                                           \
	(AT(CGROUP_INET6_BIND) | AT(CGROUP_INET6_CONNECT) | AT(CGROUP_INET6_GETPEERNAME) | \
	 AT(CGROUP_INET6_GETSOCKNAME) | AT(CGROUP_UDP6_SENDMSG) | AT(CGROUP_UDP6_RECVMSG))

#define ROW(name, off, bytes, read, write, gives, since, attach) \
	{ #name, since, off, bytes, read, write, gives, attach },

/* ---- struct __sk_buff: a column of ctx_skb.def for each family ---- */

#define N 0
#define R 1
#define W 3
#define SKB_ROW(name, off, bytes, read, write, gives, since, may) \
	ROW(name, off, bytes, (may) ? (read) : 0, (may) == W ? (write) : 0, gives, since, ALL)

static const struct field filter_skb[] = {
#define SKB(name, off, bytes, read, write, gives, since, filter, cgroup, lwt, tc, sk) \
	SKB_ROW(name, off, bytes, read, write, gives, since, filter)
#include "engine/kernel/ctx_skb.def"
#undef SKB
};
static const struct field cgroup_skb[] = {
#define SKB(name, off, bytes, read, write, gives, since, filter, cgroup, lwt, tc, sk) \
	SKB_ROW(name, off, bytes, read, write, gives, since, cgroup)
#include "engine/kernel/ctx_skb.def"
#undef SKB
};
static const struct field lwt_skb[] = {
#define SKB(name, off, bytes, read, write, gives, since, filter, cgroup, lwt, tc, sk) \
	SKB_ROW(name, off, bytes, read, write, gives, since, lwt)
#include "engine/kernel/ctx_skb.def"
#undef SKB
};
static const struct field tc_skb[] = {
#define SKB(name, off, bytes, read, write, gives, since, filter, cgroup, lwt, tc, sk) \
	SKB_ROW(name, off, bytes, read, write, gives, since, tc)
#include "engine/kernel/ctx_skb.def"
#undef SKB
};
static const struct field sk_skb[] = {
#define SKB(name, off, bytes, read, write, gives, since, filter, cgroup, lwt, tc, sk) \
	SKB_ROW(name, off, bytes, read, write, gives, since, sk)
#include "engine/kernel/ctx_skb.def"
#undef SKB
};
#undef N
#undef R
#undef W

/* ---- the others ---- */

#define CTX(view) static const struct field view[] = {
#define FIELD ROW
#define END() \
	}     \
	;
#include "engine/kernel/ctx.def"
#undef CTX
#undef FIELD
#undef END

#define VIEW(rows)                  \
	{                           \
		rows, countof(rows) \
	}
static const struct ctx_view views[KPROG_N] = {
	[KPROG_SOCKET_FILTER] = VIEW(filter_skb),
	[KPROG_CGROUP_SKB] = VIEW(cgroup_skb),
	[KPROG_LWT_IN] = VIEW(lwt_skb),
	[KPROG_LWT_OUT] = VIEW(lwt_skb),
	[KPROG_LWT_XMIT] = VIEW(lwt_skb),
	[KPROG_LWT_SEG6LOCAL] = VIEW(lwt_skb),
	[KPROG_SCHED_CLS] = VIEW(tc_skb),
	[KPROG_SCHED_ACT] = VIEW(tc_skb),
	[KPROG_SK_SKB] = VIEW(sk_skb),
	[KPROG_XDP] = VIEW(xdp),
	[KPROG_FLOW_DISSECTOR] = VIEW(flow_dissector),
	[KPROG_CGROUP_SOCK] = VIEW(cgroup_sock),
	[KPROG_CGROUP_SOCK_ADDR] = VIEW(cgroup_sock_addr),
	[KPROG_SOCK_OPS] = VIEW(sock_ops),
	[KPROG_SK_MSG] = VIEW(sk_msg),
	[KPROG_SK_REUSEPORT] = VIEW(sk_reuseport),
	[KPROG_SK_LOOKUP] = VIEW(sk_lookup),
	[KPROG_CGROUP_DEVICE] = VIEW(cgroup_device),
	[KPROG_CGROUP_SYSCTL] = VIEW(cgroup_sysctl),
	[KPROG_CGROUP_SOCKOPT] = VIEW(cgroup_sockopt),
	[KPROG_PERF_EVENT] = VIEW(perf_event),
	[KPROG_NETFILTER] = VIEW(netfilter),
	[KPROG_LIRC_MODE2] = VIEW(lirc_mode2),
};

/* ---- plain memory: no fields, a size and a few rules ---- */

enum {
	X86_PT_REGS = 21 * 8,     /* arch/x86/include/uapi/asm/ptrace.h:struct pt_regs */
	TRACE_ARGS = 12 * 8,      /* include/linux/bpf.h:MAX_BPF_FUNC_ARGS */
	SYSCALL_CTX = UINT16_MAX, /* kernel/bpf/syscall.c:syscall_prog_is_valid_access */
	TRACE_COMMON = 8,         /* kernel/trace/bpf_trace.c:tp_prog_is_valid_access: not its hidden first word */
	OLD_TRACE_SIZE = 2048,    /* include/linux/trace_events.h:PERF_MAX_TRACE_SIZE, until v5.15 */
	TRACE_SIZE = 8192,        /* from v5.16 */
};

/* Bytes of a context that is plain memory, and of one that is a list of arguments; 0: it is neither. */
static uint32_t plain_size(const struct kernel_profile *k, uint32_t type)
{
	switch (type) {
	case KPROG_KPROBE:
		return X86_PT_REGS;
	case KPROG_TRACEPOINT:
		return k->version < KERNEL_V(5, 16) ? OLD_TRACE_SIZE : TRACE_SIZE;
	case KPROG_RAW_TRACEPOINT:
	case KPROG_RAW_TRACEPOINT_WRITABLE:
	case KPROG_TRACING:
	case KPROG_STRUCT_OPS:
		return TRACE_ARGS;
	case KPROG_SYSCALL:
		return SYSCALL_CTX;
	default:
		return 0;
	}
}

static bool plain_may_write(const struct kernel_profile *k, uint32_t type)
{
	return type == KPROG_SYSCALL || (type == KPROG_KPROBE && kernel_has(k, KERNEL_KPROBE_WRITES_CTX));
}

static bool plain_access(const struct kernel_profile *k, uint32_t type, int32_t off, uint32_t size, bool write)
{
	bool any_alignment = type == KPROG_SYSCALL && kernel_has(k, KERNEL_CTX_VAR_OFF);
	/* tp_prog_is_valid_access compares with a size_t: what lies before the context is not seen to be less */
	bool before = type == KPROG_TRACEPOINT && off < 0;

	if (!before && (off < (type == KPROG_TRACEPOINT ? TRACE_COMMON : 0) || (uint32_t)off >= plain_size(k, type)))
		return false;
	if (write && !plain_may_write(k, type))
		return false;
	return any_alignment || !((uint32_t)off % size);
}

/* The buffer of a writable tracepoint is its first argument: all of it is loaded, or nothing. */
static bool is_trace_buffer(uint32_t type, int32_t off)
{
	return type == KPROG_RAW_TRACEPOINT_WRITABLE && off == 0;
}

static enum kernel_ctx_answer access_plain(const struct kernel_profile *k, const struct kernel_target *t, int32_t off,
					   uint32_t size, bool write, struct kernel_ctx_access *out)
{
	bool buffer = is_trace_buffer(t->prog_type, off);

	if (!plain_access(k, t->prog_type, off, size, write) || (buffer && size != sizeof(uint64_t)))
		return KERNEL_CTX_NO;
	if (t->prog_type == KPROG_TRACING || t->prog_type == KPROG_STRUCT_OPS)
		return KERNEL_CTX_BTF;
	*out = (struct kernel_ctx_access){ .reg = buffer ? KR_TP_BUFFER : KR_SCALAR, .field_size = size, .name = "" };
	return KERNEL_CTX_YES;
}

/* ---- structs ---- */

static bool fits(const struct field *f, uint32_t off, uint32_t size, bool write)
{
	uint8_t sizes = write ? f->write : f->read;

	return off >= f->off && off + size <= (uint32_t)f->off + f->bytes && (sizes & size) && !(off % size) &&
	       (!(sizes & FIRST) || off == f->off);
}

/* The largest size with which it may be read. */
static uint32_t whole(const struct field *f)
{
	return f->read & 8 ? 8 : f->read & 4 ? 4 : f->read & 2 ? 2 : 1;
}

static bool access_view(const struct kernel_profile *k, const struct ctx_view *v, uint64_t attach, int32_t off,
			uint32_t size, bool write, struct kernel_ctx_access *out)
{
	if (off < 0 || off > UINT16_MAX)
		return false;
	for (size_t i = 0; i < v->n; i++) {
		const struct field *f = &v->fields[i];

		if (f->since > k->version || !(f->attach & attach) || !fits(f, (uint32_t)off, size, write))
			continue;
		*out = (struct kernel_ctx_access){
			.reg = given[f->gives].reg,
			.flags = given[f->gives].flags,
			.btf = given[f->gives].btf,
			.field_size = whole(f),
			.name = f->name,
			.sign_extends = f->gives == PACKET || f->gives == PACKET_END || f->gives == PACKET_META,
		};
		return true;
	}
	return false;
}

/* The bit of the target's attach type. 0 is an attach type of its own, and means the first one where that is another.
 */
static uint64_t attach_bit(const struct kernel_target *t)
{
	if (t->prog_type == KPROG_CGROUP_SOCK && !t->attach_type)
		return AT(CGROUP_INET_SOCK_CREATE);
	return t->attach_type < KATTACH_N ? UINT64_C(1) << t->attach_type : FULL_SOCK;
}

static bool is_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

enum kernel_ctx_answer kernel_ctx_access(const struct kernel_profile *k, const struct kernel_target *t, int32_t off,
					 uint32_t size, bool write, struct kernel_ctx_access *out)
{
	if (!is_size(size) || !kernel_prog_type(k, t->prog_type))
		return KERNEL_CTX_NO;
	if (t->prog_type ==
	    KPROG_LSM) /* bpf_lsm.c:lsm_verifier_ops: nothing is looked at but the types of the arguments */
		return KERNEL_CTX_BTF;
	if (plain_size(k, t->prog_type))
		return access_plain(k, t, off, size, write, out);
	return access_view(k, &views[t->prog_type], attach_bit(t), off, size, write, out) ? KERNEL_CTX_YES
											  : KERNEL_CTX_NO;
}

uint32_t kernel_ctx_size(const struct kernel_profile *k, const struct kernel_target *t)
{
	const struct ctx_view *v;
	uint32_t end = 0;

	if (!kernel_prog_type(k, t->prog_type))
		return 0;
	v = &views[t->prog_type];
	for (size_t i = 0; i < v->n; i++)
		if (v->fields[i].since <= k->version && end < (uint32_t)v->fields[i].off + v->fields[i].bytes)
			end = (uint32_t)v->fields[i].off + v->fields[i].bytes;
	return end ? end : plain_size(k, t->prog_type);
}

bool kernel_sock_access(const struct kernel_profile *k, enum kernel_reg reg, int32_t off, uint32_t size,
			struct kernel_ctx_access *out)
{
	static const struct ctx_view sock_view = VIEW(sock), tcp_view = VIEW(tcp_sock), xdp_view = VIEW(xdp_sock);

	if (!is_size(size))
		return false;
	if (reg == KR_SOCKET)
		return access_view(k, &sock_view, ALL, off, size, false, out);
	if (reg == KR_SOCK_COMMON)
		return access_view(k, &sock_view, (uint64_t)~FULL_SOCK, off, size, false, out);
	if (reg == KR_TCP_SOCK)
		return access_view(k, &tcp_view, ALL, off, size, false, out);
	return reg == KR_XDP_SOCK && access_view(k, &xdp_view, ALL, off, size, false, out);
}
