/* SPDX-License-Identifier: Apache-2.0 */
/* names: system calls, errors, kinds and requests as words; addresses taken out of sockets. */
#include "sensor/decode/parts.h"

#include <netinet/in.h>

#define X32_BIT 0x40000000u /* arch/x86/include/uapi/asm/unistd.h: __X32_SYSCALL_BIT */

static const struct {
	struct proc_str name;
	uint8_t type;
} calls[N_CALLS] = {
#define CALL(type_, name_) [CALL_##name_] = { { #name_, sizeof #name_ - 1 }, TEMPLATE_TYPE_##type_ },
#define CALL_NR64(name, nr)
#define CALL_NR32(name, nr)
#include "sensor/decode/calls.def"
#undef CALL
#undef CALL_NR64
#undef CALL_NR32
};

#define CALL(type, name)
static const uint8_t call_of_nr64[] = {
#define CALL_NR64(name, nr) [nr] = CALL_##name,
#define CALL_NR32(name, nr)
#include "sensor/decode/calls.def"
#undef CALL_NR64
#undef CALL_NR32
};
static const uint8_t call_of_nr32[] = {
#define CALL_NR64(name, nr)
#define CALL_NR32(name, nr) [nr] = CALL_##name,
#include "sensor/decode/calls.def"
#undef CALL_NR64
#undef CALL_NR32
};
#undef CALL

static_assert(N_CALLS <= UINT8_MAX, "numbers of calls are bytes");

enum call call_of(const struct wire_hdr *h, uint32_t type)
{
	bool compat = h->flags & WIRE_COMPAT;
	uint32_t nr = compat ? h->syscall : h->syscall & ~X32_BIT;
	uint8_t call = CALL_NONE;

	if (nr < (compat ? sizeof call_of_nr32 : sizeof call_of_nr64))
		call = compat ? call_of_nr32[nr] : call_of_nr64[nr];
	if (call && calls[call].type == type)
		return (enum call)call;
	for (call = CALL_NONE + 1; call < N_CALLS; call++)
		if (calls[call].type == type)
			return (enum call)call;
	return CALL_NONE;
}

struct proc_str call_name(enum call call)
{
	return calls[call].name;
}

const char *name_of_error(int64_t ret)
{
	if (ret >= 0)
		return "SUCCESS";
	return ret < -4095 ? NULL : strerrorname_np((int)-ret);
}

const char *name_of_stdio(uint8_t fd_kind)
{
	static const char *const names[] = {
		[WIRE_FD_NONE] = NULL,   [WIRE_FD_FILE] = "file",   [WIRE_FD_DIR] = "dir",   [WIRE_FD_CHAR] = "char",
		[WIRE_FD_PIPE] = "pipe", [WIRE_FD_FIFO] = "fifo",   [WIRE_FD_UNIX] = "unix", [WIRE_FD_IPV4] = "ipv4",
		[WIRE_FD_IPV6] = "ipv6", [WIRE_FD_OTHER] = "other",
	};

	return fd_kind < countof(names) ? names[fd_kind] : "other";
}

const char *name_of_l4proto(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	case IPPROTO_RAW:
		return "raw";
	default:
		return "other";
	}
}

/* include/linux/socket.h */
const char *name_of_family(uint64_t domain)
{
	static const char *const names[] = {
		"AF_UNSPEC",     "AF_UNIX",      "AF_INET",     "AF_AX25",  "AF_IPX",     "AF_APPLETALK",
		"AF_NETROM",     "AF_BRIDGE",    "AF_ATMPVC",   "AF_X25",   "AF_INET6",   "AF_ROSE",
		"AF_DECnet",     "AF_NETBEUI",   "AF_SECURITY", "AF_KEY",   "AF_NETLINK", "AF_PACKET",
		"AF_ASH",        "AF_ECONET",    "AF_ATMSVC",   "AF_RDS",   "AF_SNA",     "AF_IRDA",
		"AF_PPPOX",      "AF_WANPIPE",   "AF_LLC",      "AF_IB",    "AF_MPLS",    "AF_CAN",
		"AF_TIPC",       "AF_BLUETOOTH", "AF_IUCV",     "AF_RXRPC", "AF_ISDN",    "AF_PHONET",
		"AF_IEEE802154", "AF_CAIF",      "AF_ALG",      "AF_NFC",   "AF_VSOCK",   "AF_KCM",
		"AF_QIPCRTR",    "AF_SMC",       "AF_XDP",      "AF_MCTP",
	};

	return domain < countof(names) ? names[domain] : NULL;
}

/* include/uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h */
const char *name_of_ptrace(uint64_t request)
{
	static const char *const low[] = {
		[0] = "PTRACE_TRACEME",
		[1] = "PTRACE_PEEKTEXT",
		[2] = "PTRACE_PEEKDATA",
		[3] = "PTRACE_PEEKUSR",
		[4] = "PTRACE_POKETEXT",
		[5] = "PTRACE_POKEDATA",
		[6] = "PTRACE_POKEUSR",
		[7] = "PTRACE_CONT",
		[8] = "PTRACE_KILL",
		[9] = "PTRACE_SINGLESTEP",
		[12] = "PTRACE_GETREGS",
		[13] = "PTRACE_SETREGS",
		[14] = "PTRACE_GETFPREGS",
		[15] = "PTRACE_SETFPREGS",
		[16] = "PTRACE_ATTACH",
		[17] = "PTRACE_DETACH",
		[18] = "PTRACE_GETFPXREGS",
		[19] = "PTRACE_SETFPXREGS",
		[21] = "PTRACE_OLDSETOPTIONS",
		[24] = "PTRACE_SYSCALL",
		[25] = "PTRACE_GET_THREAD_AREA",
		[26] = "PTRACE_SET_THREAD_AREA",
		[30] = "PTRACE_ARCH_PRCTL",
		[31] = "PTRACE_SYSEMU",
		[32] = "PTRACE_SYSEMU_SINGLESTEP",
		[33] = "PTRACE_SINGLEBLOCK",
	};
	static const char *const high[] = {
		"PTRACE_SETOPTIONS",
		"PTRACE_GETEVENTMSG",
		"PTRACE_GETSIGINFO",
		"PTRACE_SETSIGINFO",
		"PTRACE_GETREGSET",
		"PTRACE_SETREGSET",
		"PTRACE_SEIZE",
		"PTRACE_INTERRUPT",
		"PTRACE_LISTEN",
		"PTRACE_PEEKSIGINFO",
		"PTRACE_GETSIGMASK",
		"PTRACE_SETSIGMASK",
		"PTRACE_SECCOMP_GET_FILTER",
		"PTRACE_SECCOMP_GET_METADATA",
		"PTRACE_GET_SYSCALL_INFO",
		"PTRACE_GET_RSEQ_CONFIGURATION",
		"PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG",
		"PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG",
		"PTRACE_SET_SYSCALL_INFO",
	};
	const uint64_t first_high = 0x4200;
	const char *name = NULL;

	if (request < countof(low))
		name = low[request];
	else if (request >= first_high && request - first_high < countof(high))
		name = high[request - first_high];
	return name ? name : "PTRACE_UNKNOWN";
}

/* include/uapi/linux/bpf.h: enum bpf_cmd */
const char *name_of_bpf(uint64_t cmd)
{
	static const char *const names[] = {
		"BPF_MAP_CREATE",        "BPF_MAP_LOOKUP_ELEM",
		"BPF_MAP_UPDATE_ELEM",   "BPF_MAP_DELETE_ELEM",
		"BPF_MAP_GET_NEXT_KEY",  "BPF_PROG_LOAD",
		"BPF_OBJ_PIN",           "BPF_OBJ_GET",
		"BPF_PROG_ATTACH",       "BPF_PROG_DETACH",
		"BPF_PROG_TEST_RUN",     "BPF_PROG_GET_NEXT_ID",
		"BPF_MAP_GET_NEXT_ID",   "BPF_PROG_GET_FD_BY_ID",
		"BPF_MAP_GET_FD_BY_ID",  "BPF_OBJ_GET_INFO_BY_FD",
		"BPF_PROG_QUERY",        "BPF_RAW_TRACEPOINT_OPEN",
		"BPF_BTF_LOAD",          "BPF_BTF_GET_FD_BY_ID",
		"BPF_TASK_FD_QUERY",     "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
		"BPF_MAP_FREEZE",        "BPF_BTF_GET_NEXT_ID",
		"BPF_MAP_LOOKUP_BATCH",  "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
		"BPF_MAP_UPDATE_BATCH",  "BPF_MAP_DELETE_BATCH",
		"BPF_LINK_CREATE",       "BPF_LINK_UPDATE",
		"BPF_LINK_GET_FD_BY_ID", "BPF_LINK_GET_NEXT_ID",
		"BPF_ENABLE_STATS",      "BPF_ITER_CREATE",
		"BPF_LINK_DETACH",       "BPF_PROG_BIND_MAP",
		"BPF_TOKEN_CREATE",      "BPF_PROG_STREAM_READ_BY_FD",
	};

	return cmd < countof(names) ? names[cmd] : NULL;
}

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	return !memcmp(addr, prefix, sizeof prefix);
}

static bool is_zero(const uint8_t addr[16])
{
	static const uint8_t zero[16];

	return !memcmp(addr, zero, sizeof zero);
}

struct inet inet_of(const struct wire_fd *fd)
{
	struct inet i = { fd->remote_addr, fd->local_addr, fd->kind == WIRE_FD_IPV4 ? 4 : 16 };

	/* the remote end decides, where there is one; an unbound local end is all zeros in either form */
	if (i.addr_len == 16 && (is_mapped(fd->remote_addr) || (is_zero(fd->remote_addr) && is_mapped(fd->local_addr))))
		i = (struct inet){ fd->remote_addr + 12, fd->local_addr + 12, 4 };
	return i;
}
