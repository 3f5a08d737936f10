/* SPDX-License-Identifier: Apache-2.0 */
/* flags: bits that calls are given, by their names. */
#include "sensor/decode/parts.h"

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

/* include/linux/net.h */
static const struct flag accept_table[] = { { 000004000, "SOCK_NONBLOCK" }, { 002000000, "SOCK_CLOEXEC" } };

static const struct flag dup_table[] = { { 002000000, "O_CLOEXEC" } };

/* include/uapi/linux/fcntl.h (renameat2: fs.h) */
static const struct flag rename_table[] = { { 1, "RENAME_NOREPLACE" },
					    { 2, "RENAME_EXCHANGE" },
					    { 4, "RENAME_WHITEOUT" } };
static const struct flag at_table[] = { { 0x100, "AT_SYMLINK_NOFOLLOW" },
					{ 0x400, "AT_SYMLINK_FOLLOW" },
					{ 0x1000, "AT_EMPTY_PATH" } };
static const struct flag unlink_table[] = { { 0x200, "AT_REMOVEDIR" } };

/* include/uapi/linux/stat.h */
static const struct flag mode_table[] = {
	{ 04000, "S_ISUID" }, { 02000, "S_ISGID" }, { 01000, "S_ISVTX" }, { 0400, "S_IRUSR" },
	{ 0200, "S_IWUSR" },  { 0100, "S_IXUSR" },  { 0040, "S_IRGRP" },  { 0020, "S_IWGRP" },
	{ 0010, "S_IXGRP" },  { 0004, "S_IROTH" },  { 0002, "S_IWOTH" },  { 0001, "S_IXOTH" },
};

/* include/uapi/linux/sched.h: what setns and unshare take */
static const struct flag clone_table[] = {
	{ 0x10000000, "CLONE_NEWUSER" }, { 0x20000000, "CLONE_NEWPID" },    { 0x40000000, "CLONE_NEWNET" },
	{ 0x00020000, "CLONE_NEWNS" },   { 0x02000000, "CLONE_NEWCGROUP" }, { 0x04000000, "CLONE_NEWUTS" },
	{ 0x08000000, "CLONE_NEWIPC" },  { 0x00000080, "CLONE_NEWTIME" },   { 0x00000100, "CLONE_VM" },
	{ 0x00000200, "CLONE_FS" },      { 0x00000400, "CLONE_FILES" },     { 0x00000800, "CLONE_SIGHAND" },
	{ 0x00010000, "CLONE_THREAD" },  { 0x00040000, "CLONE_SYSVSEM" },
};

/* include/uapi/linux/module.h */
static const struct flag module_table[] = {
	{ 1, "MODULE_INIT_IGNORE_MODVERSIONS" },
	{ 2, "MODULE_INIT_IGNORE_VERMAGIC" },
	{ 4, "MODULE_INIT_COMPRESSED_FILE" },
};

/* include/uapi/linux/userfaultfd.h */
static const struct flag userfaultfd_table[] = { { 002000000, "O_CLOEXEC" },
						 { 000004000, "O_NONBLOCK" },
						 { 1, "UFFD_USER_MODE_ONLY" } };

/* Our own: bits in the order of fields_exec. */
static const struct flag exe_table[] = {
	{ 1, "EXE_WRITABLE" }, { 2, "EXE_UPPER_LAYER" }, { 4, "EXE_LOWER_LAYER" }, { 8, "EXE_FROM_MEMFD" }
};

#define TABLE(t)              \
	{                     \
		t, countof(t) \
	}
static const struct {
	const struct flag *flags;
	size_t n;
} tables[N_FLAGS] = {
	[FLAGS_OPEN] = TABLE(open_table),     [FLAGS_MEMFD] = TABLE(memfd_table),
	[FLAGS_ACCEPT] = TABLE(accept_table), [FLAGS_DUP] = TABLE(dup_table),
	[FLAGS_RENAME] = TABLE(rename_table), [FLAGS_AT] = TABLE(at_table),
	[FLAGS_UNLINK] = TABLE(unlink_table), [FLAGS_MODE] = TABLE(mode_table),
	[FLAGS_CLONE] = TABLE(clone_table),   [FLAGS_MODULE] = TABLE(module_table),
	[FLAGS_EXE] = TABLE(exe_table),       [FLAGS_USERFAULTFD] = TABLE(userfaultfd_table),
};

static size_t add(char out[FLAGS_TEXT], size_t len, const char *word)
{
	size_t n = strlen(word);

	if (len)
		out[len++] = '|';
	memcpy(out + len, word, n);
	return len + n;
}

struct proc_str flags_text(enum flag_kind kind, uint64_t flags, char out[FLAGS_TEXT])
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };
	size_t len = 0;
	char rest[24];

	if (kind == FLAGS_OPEN) {
		len = add(out, len, modes[flags & 3]);
		flags &= ~3ull;
	}
	for (size_t i = 0; flags && i < tables[kind].n; i++) {
		const struct flag *f = &tables[kind].flags[i];

		if ((flags & f->bits) != f->bits)
			continue;
		flags &= ~f->bits;
		len = add(out, len, f->name);
	}
	if (flags || !len) {
		(void)snprintf(rest, sizeof rest, flags ? "0x%llx" : "%llu", (unsigned long long)flags);
		len = add(out, len, rest);
	}
	return (struct proc_str){ out, (uint32_t)len };
}
