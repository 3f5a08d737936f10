/* SPDX-License-Identifier: Apache-2.0 */
/* names: system calls, errors, flags and kinds as words; addresses taken out of sockets. */
#include "sensor/decode/parts.h"

#include <netinet/in.h>

#define X32_BIT 0x40000000u /* arch/x86/include/uapi/asm/unistd.h: __X32_SYSCALL_BIT */

/* Where a type has several. Numbers: arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl; 0: has none. */
static const struct {
	uint32_t nr64, nr32, type;
	const char *name;
} syscalls[] = {
	{ 2, 5, TEMPLATE_TYPE_file_open, "open" },
	{ 257, 295, TEMPLATE_TYPE_file_open, "openat" },
	{ 437, 437, TEMPLATE_TYPE_file_open, "openat2" },
	{ 85, 8, TEMPLATE_TYPE_file_open, "creat" },
	{ 59, 11, TEMPLATE_TYPE_process_exec, "execve" },
	{ 520, 0, TEMPLATE_TYPE_process_exec, "execve" }, /* x32 has its own */
	{ 322, 358, TEMPLATE_TYPE_process_exec, "execveat" },
	{ 545, 0, TEMPLATE_TYPE_process_exec, "execveat" },
};

const char *name_of_syscall(const struct wire_hdr *h, uint32_t type)
{
	static const char *const only[TEMPLATE_N_TYPES] = {
		[TEMPLATE_TYPE_process_exec] = "execve", [TEMPLATE_TYPE_process_exit] = "procexit",
		[TEMPLATE_TYPE_file_open] = "openat",    [TEMPLATE_TYPE_memfd_create] = "memfd_create",
		[TEMPLATE_TYPE_net_connect] = "connect", [TEMPLATE_TYPE_ipc_pipe] = "ipc_pipe",
	};
	uint32_t nr = h->flags & WIRE_COMPAT ? h->syscall : h->syscall & ~X32_BIT;

	for (size_t i = 0; i < countof(syscalls); i++)
		if (syscalls[i].type == type && nr == (h->flags & WIRE_COMPAT ? syscalls[i].nr32 : syscalls[i].nr64))
			return syscalls[i].name;
	return only[type];
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
	case IPPROTO_RAW:
		return "raw";
	default:
		return "other";
	}
}

struct flag {
	uint64_t bits; /* all of them */
	const char *name;
};

/* include/uapi/asm-generic/fcntl.h, which x86 uses as it is. Those of several bits come before their parts. */
static const struct flag open_table[] = {
	{ 000000100, "O_CREAT" },     { 000000200, "O_EXCL" },      { 000000400, "O_NOCTTY" },
	{ 000001000, "O_TRUNC" },     { 000002000, "O_APPEND" },    { 000004000, "O_NONBLOCK" },
	{ 004010000, "O_SYNC" },      { 000010000, "O_DSYNC" },     { 000020000, "O_ASYNC" },
	{ 000040000, "O_DIRECT" },    { 000100000, "O_LARGEFILE" }, { 020200000, "O_TMPFILE" },
	{ 000200000, "O_DIRECTORY" }, { 000400000, "O_NOFOLLOW" },  { 001000000, "O_NOATIME" },
	{ 002000000, "O_CLOEXEC" },   { 010000000, "O_PATH" },
};

/* include/uapi/linux/memfd.h */
static const struct flag memfd_table[] = {
	{ 1, "MFD_CLOEXEC" },     { 2, "MFD_ALLOW_SEALING" }, { 4, "MFD_HUGETLB" },
	{ 8, "MFD_NOEXEC_SEAL" }, { 16, "MFD_EXEC" },
};

/* The names of all flags, joined by |; bits without one as a hexadecimal number at the end. first: may be "". */
static struct proc_str join_flags(uint64_t flags, const char *first, const struct flag *table, size_t n, char out[256])
{
	int len = snprintf(out, 256, "%s", first);

	for (size_t i = 0; i < n; i++) {
		if ((flags & table[i].bits) != table[i].bits)
			continue;
		flags &= ~table[i].bits;
		len += snprintf(out + len, 256 - (size_t)len, "%s%s", len ? "|" : "", table[i].name);
	}
	if (flags || !len)
		len += snprintf(out + len, 256 - (size_t)len, flags ? "%s0x%llx" : "%s%llu", len ? "|" : "",
				(unsigned long long)flags);
	return (struct proc_str){ out, (uint32_t)len };
}

struct proc_str open_flags(uint64_t flags, char out[256])
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	return join_flags(flags & ~3ull, modes[flags & 3], open_table, countof(open_table), out);
}

struct proc_str memfd_flags(uint64_t flags, char out[256])
{
	return join_flags(flags, "", memfd_table, countof(memfd_table), out);
}

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	return !memcmp(addr, prefix, sizeof prefix);
}

struct inet inet_of(const struct wire_fd *fd)
{
	struct inet i = { fd->remote_addr, fd->local_addr, fd->kind == WIRE_FD_IPV4 ? 4 : 16 };

	/* the remote end decides; an unbound local end is all zeros in either form */
	if (i.addr_len == 16 && is_mapped(fd->remote_addr))
		i = (struct inet){ fd->remote_addr + 12, fd->local_addr + 12, 4 };
	return i;
}
