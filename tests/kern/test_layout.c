/* SPDX-License-Identifier: Apache-2.0 */
/* Both sides of the wire compile the same header with different compilers: their layouts must be equal, member by
 * member. */
#include "bed.h"

#include <bpf/btf.h>

struct member {
	const char *name;
	size_t offset;
};
#define M(type, name)                              \
	{                                          \
#name, offsetof(struct type, name) \
	}

static const struct {
	const char *type;
	size_t bytes;
	struct member members[32];
} types[] = {
	{ "wire_hdr",
	  sizeof(struct wire_hdr),
	  { M(wire_hdr, bytes), M(wire_hdr, kind), M(wire_hdr, flags), M(wire_hdr, time_ns), M(wire_hdr, pid),
	    M(wire_hdr, tid), M(wire_hdr, start_ns), M(wire_hdr, ret), M(wire_hdr, syscall), M(wire_hdr, uid),
	    M(wire_hdr, gid), M(wire_hdr, reserved), M(wire_hdr, cap_inheritable), M(wire_hdr, cap_permitted),
	    M(wire_hdr, cap_effective), M(wire_hdr, comm) } },
	{ "wire_seg", sizeof(struct wire_seg), { M(wire_seg, len), M(wire_seg, flags) } },
	{ "wire_fd",
	  sizeof(struct wire_fd),
	  { M(wire_fd, fd), M(wire_fd, kind), M(wire_fd, flags), M(wire_fd, l4proto), M(wire_fd, reserved),
	    M(wire_fd, ino), M(wire_fd, dev), M(wire_fd, remote_addr), M(wire_fd, local_addr), M(wire_fd, remote_port),
	    M(wire_fd, local_port), M(wire_fd, reserved2) } },
	{ "wire_fork",
	  sizeof(struct wire_fork),
	  { M(wire_fork, hdr), M(wire_fork, child_start_ns), M(wire_fork, child_pid), M(wire_fork, sid),
	    M(wire_fork, child_vpid), M(wire_fork, pgid), M(wire_fork, vpgid), M(wire_fork, reserved) } },
	{ "wire_exec",
	  sizeof(struct wire_exec),
	  { M(wire_exec, hdr),
	    M(wire_exec, fields),
	    M(wire_exec, exe_ino),
	    M(wire_exec, exe_dev),
	    M(wire_exec, exe_ctime_ns),
	    M(wire_exec, exe_mtime_ns),
	    M(wire_exec, parent_start_ns),
	    M(wire_exec, sid_start_ns),
	    M(wire_exec, ppid),
	    M(wire_exec, sid),
	    M(wire_exec, loginuid),
	    M(wire_exec, tty),
	    M(wire_exec, vpid),
	    M(wire_exec, pgid),
	    M(wire_exec, vpgid),
	    M(wire_exec, exe_flags),
	    M(wire_exec, exe_uid),
	    M(wire_exec, n_fds),
	    M(wire_exec, exe),
	    M(wire_exec, cwd),
	    M(wire_exec, filename),
	    M(wire_exec, interp),
	    M(wire_exec, args),
	    M(wire_exec, env),
	    M(wire_exec, cgroup),
	    M(wire_exec, reserved),
	    M(wire_exec, fds) } },
	{ "wire_exit", sizeof(struct wire_exit), { M(wire_exit, hdr), M(wire_exit, fields) } },
	{ "wire_open",
	  sizeof(struct wire_open),
	  { M(wire_open, hdr), M(wire_open, fields), M(wire_open, file), M(wire_open, created), M(wire_open, path),
	    M(wire_open, asked), M(wire_open, dirfd) } },
	{ "wire_memfd",
	  sizeof(struct wire_memfd),
	  { M(wire_memfd, hdr), M(wire_memfd, fields), M(wire_memfd, name), M(wire_memfd, reserved) } },
	{ "wire_connect",
	  sizeof(struct wire_connect),
	  { M(wire_connect, hdr), M(wire_connect, fields), M(wire_connect, sock), M(wire_connect, sock_flags),
	    M(wire_connect, path), M(wire_connect, data), M(wire_connect, reserved) } },
	{ "wire_fds",
	  sizeof(struct wire_fds),
	  { M(wire_fds, hdr), M(wire_fds, op), M(wire_fds, n_fds), M(wire_fds, fds) } },
	{ "wire_chdir",
	  sizeof(struct wire_chdir),
	  { M(wire_chdir, hdr), M(wire_chdir, path), M(wire_chdir, reserved) } },
	{ "wire_stats",
	  sizeof(struct wire_stats),
	  { M(wire_stats, produced), M(wire_stats, lost), M(wire_stats, produced_kind), M(wire_stats, lost_kind),
	    M(wire_stats, filtered), M(wire_stats, lost_quota), M(wire_stats, reserved) } },
	{ "wire_quota_key",
	  sizeof(struct wire_quota_key),
	  { M(wire_quota_key, group), M(wire_quota_key, ring), M(wire_quota_key, reserved) } },
	{ "wire_quota",
	  sizeof(struct wire_quota),
	  { M(wire_quota, begin), M(wire_quota, end), M(wire_quota, bytes), M(wire_quota, before), M(wire_quota, lost),
	    M(wire_quota, name) } },
	{ "wire_process_exec_fields",
	  sizeof(struct wire_process_exec_fields),
	  { M(wire_process_exec_fields, exe_nlink), M(wire_process_exec_fields, exe_mode) } },
	{ "wire_process_exit_fields",
	  sizeof(struct wire_process_exit_fields),
	  { M(wire_process_exit_fields, status) } },
	{ "wire_file_open_fields",
	  sizeof(struct wire_file_open_fields),
	  { M(wire_file_open_fields, num), M(wire_file_open_fields, ino), M(wire_file_open_fields, dev),
	    M(wire_file_open_fields, nlink), M(wire_file_open_fields, flags), M(wire_file_open_fields, mode) } },
	{ "wire_memfd_create_fields",
	  sizeof(struct wire_memfd_create_fields),
	  { M(wire_memfd_create_fields, num), M(wire_memfd_create_fields, flags) } },
	{ "wire_net_connect_fields", sizeof(struct wire_net_connect_fields), { M(wire_net_connect_fields, num) } },
};

static void btf_free_ptr(struct btf **b)
{
	btf__free(*b);
}

static struct btf *object_btf(void)
{
	static const char name[] = "sallyport-layout.XXXXXX";
	char path[64];
	struct view o = bed_object();
	struct btf *btf;
	int fd;

	(void)snprintf(path, sizeof path, "/tmp/%s", name);
	fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK_OK(io_write_all(fd, o.p, o.len));
	close(fd);
	btf = btf__parse_elf(path, NULL);
	unlink(path);
	CHECK(btf);
	return btf;
}

/* Offset of the member in bytes; -1 when the type has none of that name. */
static long member_offset(const struct btf *btf, const struct btf_type *t, const char *name)
{
	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), name))
			return (long)(btf_member_bit_offset(t, i) / 8);
	return -1;
}

TEST(both_sides_lay_out_every_record_alike)
{
	AUTO(btf_free_ptr) struct btf *btf = object_btf();

	for (size_t i = 0; i < countof(types); i++) {
		int id = btf__find_by_name_kind(btf, types[i].type, BTF_KIND_STRUCT);
		const struct btf_type *t;
		uint32_t n = 0;

		test_row = types[i].type;
		CHECK(id > 0);
		t = btf__type_by_id(btf, (__u32)id);
		CHECK_EQ(t->size, types[i].bytes);
		for (; n < countof(types[i].members) && types[i].members[n].name; n++)
			CHECK_EQ(member_offset(btf, t, types[i].members[n].name), types[i].members[n].offset);
		CHECK_EQ(btf_vlen(t), n); /* none is missing here */
	}
}

TEST(the_programs_and_user_space_number_the_hooks_alike)
{
	static const struct {
		const char *name;
		int value;
	} want[] = {
		// clang-format off
		{ "HOOK_PROCESS", KERN_HOOK_PROCESS },
		{ "HOOK_OPEN", KERN_HOOK_OPEN },
		{ "HOOK_MEMFD", KERN_HOOK_MEMFD },
		{ "HOOK_CONNECT", KERN_HOOK_CONNECT },
		{ "HOOK_IPC", KERN_HOOK_IPC },
		{ "HOOK_CHDIR", KERN_HOOK_CHDIR },
		{ "HOOK_EXEC_FAILED", KERN_HOOK_EXEC_FAILED },
		{ "HOOK_ACCEPT", KERN_HOOK_ACCEPT },
		{ "HOOK_LISTEN", KERN_HOOK_LISTEN },
		{ "HOOK_SOCKET", KERN_HOOK_SOCKET },
		{ "HOOK_SEND", KERN_HOOK_SEND },
		{ "HOOK_RECV", KERN_HOOK_RECV },
		{ "HOOK_DUP", KERN_HOOK_DUP },
		{ "HOOK_RENAME", KERN_HOOK_RENAME },
		{ "HOOK_UNLINK", KERN_HOOK_UNLINK },
		{ "HOOK_LINK", KERN_HOOK_LINK },
		{ "HOOK_SYMLINK", KERN_HOOK_SYMLINK },
		{ "HOOK_MKDIR", KERN_HOOK_MKDIR },
		{ "HOOK_CHMOD", KERN_HOOK_CHMOD },
		{ "HOOK_PTRACE", KERN_HOOK_PTRACE },
		{ "HOOK_CREDS", KERN_HOOK_CREDS },
		{ "HOOK_NAMESPACE", KERN_HOOK_NAMESPACE },
		{ "HOOK_MODULE", KERN_HOOK_MODULE },
		{ "HOOK_BPF", KERN_HOOK_BPF },
		{ "HOOK_USERFAULTFD", KERN_HOOK_USERFAULTFD },
		// clang-format on
	};
	AUTO(btf_free_ptr) struct btf *btf = object_btf();
	int id = btf__find_by_name_kind(btf, "hook", BTF_KIND_ENUM);
	const struct btf_type *t;

	CHECK(id > 0);
	t = btf__type_by_id(btf, (__u32)id);
	CHECK_EQ(btf_vlen(t), countof(want));
	for (uint32_t i = 0; i < countof(want); i++) {
		test_row = want[i].name;
		CHECK_STR(btf__name_by_offset(btf, btf_enum(t)[i].name_off), want[i].name);
		CHECK_EQ(btf_enum(t)[i].val, want[i].value);
	}
}
