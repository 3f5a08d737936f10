/* SPDX-License-Identifier: Apache-2.0 */
/* .scap: what each kind of list and event comes to, in old and new captures. */
#include "../test.h"
#include "make.h"

#define FDCWD (-100)
#define AFTER_CWD P64(1024), P64(0), P64(0), P32(0), P32(0), P32(0) /* of exec and clone: limit to memory */

static void check_lines(struct mk *m, const char *want)
{
	struct judged j;

	judge(mk_view(m), &j);
	CHECK_EQ(j.err, E_NOT_FOUND);
	CHECK_EQ(j.malformed, 0);
	CHECK_STR(j.lines.p, want);
	judged_done(&j);
	buf_done(&m->b);
}

TEST(paths_of_opens_are_joined_with_where_the_caller_was)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 3, P64(3), PSTR("/etc/passwd"), P32(1), P32(0), P32(0x801), P64(77));
	mk_event(&m, 100, 3, P64(4), PSTR("notes/../../x//./y"), P32(1 | 1 << 12), P32(0));
	mk_event(&m, 100, 307, P64(5), P64(FDCWD), PSTR("."), P32(1 | 1 << 10), P32(0), P32(1), P64(2));
	mk_event(&m, 100, 307, P64(6), P64(5), PSTR("in/it"), P32(2 | 4 | 1 << 8 | 1 << 14), P32(0644), P32(1), P64(2));
	mk_event(&m, 100, 327, P64(7), P64(99), PSTR("who/knows"), P32(3), P32(0), P32(0), P32(1), P64(2));
	mk_event(&m, 100, 59, P64(8), PSTR("/new"), P32(0755), P32(1), P64(2));
	mk_event(&m, 100, 3, P64(-2), PSTR("/gone"), P32(1), P32(0));
	check_lines(&m, "open 100 1000 [bash] <init> /etc/passwd O_RDONLY 3 false\n"
			"open 100 1000 [bash] <init> /home/x/y O_RDONLY|O_CLOEXEC 4 false\n"
			"openat 100 1000 [bash] <init> /home/u O_RDONLY|O_DIRECTORY 5 false\n"
			"openat 100 1000 [bash] <init> /home/u/in/it O_WRONLY|O_CREAT|O_TRUNC 6 true\n"
			"openat2 100 1000 [bash] <init> .../who/knows O_RDWR 7 false\n"
			"creat 100 1000 [bash] <init> /new O_WRONLY|O_CREAT|O_TRUNC 8 false\n"
			"open 100 1000 [bash] <init> /gone O_RDONLY -1 false\n");
}

TEST(an_old_capture_has_the_arguments_in_the_entry)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event_v1(&m, 100, 102, P64(FDCWD), PSTR("a"), P32(1), P32(0));
	mk_event_v1(&m, 1, 102, P64(FDCWD), PSTR("other thread"), P32(1), P32(0));
	mk_event_v1(&m, 100, 103, P64(3));
	mk_event_v1(&m, 100, 103, P64(4)); /* its entry is not there */
	mk_event_v1(&m, 100, 96, P64(3));
	mk_event_v1(&m, 100, 97, P64(0));
	mk_event_v1(&m, 100, 102, P64(FDCWD), PSTR("b"), P32(1), P32(0));
	mk_event_v1(&m, 100, 103, P64(4));
	check_lines(&m, "openat 100 1000 [bash] <init> /home/u/a O_RDONLY 3 false\n"
			"openat 100 1000 [bash] <init> /home/u/a/b O_RDONLY 4 false\n");
}

#define OLD_EXEC(comm, args, cwd)                                                                               \
	P64(0), PSTR(comm), PSTR(args), P64(100), P64(100), P64(1), PSTR(cwd), AFTER_CWD, PSTR(comm),           \
		PSTR("cpu=/\0cpuset=/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), \
		PSTR("A=b")
#define NEW_EXEC(flags, exepath)                                                                               \
	OLD_EXEC("sh", "-c\0ls", "/tmp"), P32(34816), P64(100), P32(1000), P32(flags), P64(0), P64(0), P64(0), \
		P64(4711), P64(0), P64(0), P32(0), PSTR(exepath), P64(100), P32(0), PSTR("./sh")

TEST(execs_of_every_age)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 13, P64(0), PSTR("/bin/old"), PSTR("-x"), P64(100), P64(100), P64(1), PSTR("/srv"),
		 P64(1024));
	mk_event(&m, 100, 231, OLD_EXEC("cat", "a b\0c", "/tmp"));
	mk_event(&m, 100, 288, PSTR("bin/ls"));
	mk_event(&m, 100, 289, OLD_EXEC("ls", "-l", "/usr/"), P32(5));
	mk_event(&m, 100, 293, NEW_EXEC(0, "/usr/bin/dash"));
	mk_event(&m, 100, 293, NEW_EXEC(0, "/usr/bin/gone (deleted)"));
	mk_event(&m, 100, 293, NEW_EXEC(4, "/memfd:evil (deleted)"));
	mk_event(&m, 100, 292, PSTR("./no"));
	mk_event(&m, 100, 293, P64(-13), PSTR("no")); /* refused */
	check_lines(&m, "execve 100 1000 [/bin/old -x] <init> - - /srv host\n"
			"execve 100 1000 [cat a b c] <init> - - /tmp 0123456789ab\n"
			"execve 100 1000 [ls -l] <init> bin/ls /usr/bin/ls /usr 0123456789ab\n"
			"execve 100 0 [sh -c ls] <init> ./sh /usr/bin/dash /tmp 0123456789ab\n"
			"execve 100 0 [sh -c ls] <init> ./sh /usr/bin/gone /tmp 0123456789ab\n"
			"execve 100 0 [sh -c ls] <init> ./sh memfd:evil /tmp 0123456789ab\n"
			"execve 100 0 [sh -c ls] <init> ./no memfd:evil /tmp 0123456789ab\n");
}

#define CLONE(res, tid, pid, ptid, flags, vtid)                                                                \
	P64(res), PSTR("bash"), PSTR("-c"), P64(tid), P64(pid), P64(ptid), PSTR("/"), AFTER_CWD, PSTR("bash"), \
		PSTR("cpu=/"), P32(flags), P32(1000), P32(1000), P64(vtid), P64(vtid)

TEST(a_child_is_known_whoever_tells_first_and_dies_with_its_last_thread)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 223, CLONE(200, 100, 100, 1, 0, 100)); /* the parent, then the child */
	mk_event(&m, 200, 223, CLONE(0, 200, 200, 100, 0, 200));
	mk_event(&m, 201, 225, CLONE(0, 201, 201, 200, 0, 201)); /* the other way round */
	mk_event(&m, 200, 225, CLONE(201, 200, 200, 100, 0, 200));
	mk_event(&m, 201, 335, CLONE(202, 201, 201, 200, 1 << 13, 201)); /* a thread */
	mk_event(&m, 202, 335, CLONE(0, 202, 201, 200, 1 << 13, 202));
	mk_event(&m, 202, 3, P64(3), PSTR("/by/thread"), P32(1), P32(0));
	mk_event(&m, 201, 186, P64(256), P64(1), P8(0), P8(0), P64(0));
	mk_event(&m, 202, 186, P64(256), P64(1), P8(0), P8(0), P64(0));
	mk_event(&m, 200, 186, P64(9), P64(0), P8(9), P8(0), P64(0));
	check_lines(&m, "open 201 1000 [bash] <bash> /by/thread O_RDONLY 3 false\n"
			"procexit 201 1000 [bash] <bash> 256 1\n"
			"procexit 200 1000 [bash] <bash> 9 -\n");
}

TEST(a_number_that_is_given_again_is_another_process)
{
	struct mk m;
	struct judged j;

	mk_start(&m);
	mk_shell(&m);
	for (int i = 0; i < 3; i++) { /* its end is never seen */
		mk_event(&m, 100, 223, CLONE(200, 100, 100, 1, 0, 100));
		mk_event(&m, 200, 223, CLONE(0, 200, 200, 100, 0, 200));
	}
	judge(mk_view(&m), &j);
	CHECK_EQ(j.records, 2 + 3);
	judged_done(&j);
	buf_done(&m.b);
}

#define TUPLE4 "\2\12\0\0\1\x39\x30\xcb\0\161\11\xbb\1" /* 10.0.0.1:12345 -> 203.0.113.9:443 */
#define TUPLE_UNIX "\1\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0@abs"

TEST(sockets_have_both_ends_and_their_protocol)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 18, P32(2), P32(2), P32(0)); /* a datagram socket, from the entry */
	mk_event(&m, 100, 19, P64(3));
	mk_event(&m, 100, 23, P64(0), PBYTES(TUPLE4, 13), P64(3));
	mk_event(&m, 100, 19, P64(4), P32(2), P32(1 | 02000000), P32(0));
	mk_event_v1(&m, 100, 22, P64(4));
	mk_event_v1(&m, 100, 23, P64(-115), PBYTES(TUPLE4, 13));
	mk_event(&m, 100, 23, P64(-111), PBYTES(TUPLE4, 13), P64(4)); /* refused */
	mk_event(&m, 100, 19, P64(5), P32(1), P32(1), P32(0));
	mk_event(&m, 100, 23, P64(0), PBYTES(TUPLE_UNIX, 22), P64(5));
	check_lines(&m, "socket 100 1000 [bash] <init> domain=AF_INET type=2 proto=0 fd=3(<4u>)\n"
			"connect 100 1000 [bash] <init> 10.0.0.1:12345->203.0.113.9:443 udp 3\n"
			"socket 100 1000 [bash] <init> domain=AF_INET type=524289 proto=0 fd=4(<4t>)\n"
			"connect 100 1000 [bash] <init> 10.0.0.1:12345->203.0.113.9:443 tcp 4\n"
			"connect 100 1000 [bash] <init> 10.0.0.1:12345->203.0.113.9:443 tcp 4\n"
			"socket 100 1000 [bash] <init> domain=AF_UNIX type=1 proto=0 fd=5(<u>)\n"
			"connect 100 1000 [bash] <init> @abs - 5\n");
}

TEST(a_pipe_from_the_network_to_a_shell_is_seen)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 61, P64(0), P64(3), P64(4), P64(999));
	mk_event(&m, 100, 223, CLONE(200, 100, 100, 1, 0, 100));
	mk_event(&m, 100, 223, CLONE(201, 100, 100, 1, 0, 100));
	mk_event(&m, 200, 363, P64(1), P64(4), P64(1)); /* dup2(4, 1) */
	mk_event(&m, 200, 5, P64(0), P64(3));
	mk_event(&m, 200, 5, P64(0), P64(4));
	mk_event_v1(&m, 201, 362, P64(3));
	mk_event_v1(&m, 201, 363, P64(0)); /* the same, old: dup2(3, 0) */
	mk_event(&m, 201, 5, P64(0), P64(3));
	mk_event(&m, 201, 5, P64(0), P64(4));
	mk_event(&m, 100, 5, P64(0), P64(3));
	mk_event(&m, 100, 5, P64(0), P64(4));
	mk_event(&m, 200, 19, P64(3), P32(2), P32(1), P32(0));
	mk_event(&m, 200, 23, P64(0), PBYTES(TUPLE4, 13), P64(3));
	check_lines(&m, "dup2 200 1000 [bash] <bash> oldfd=4 newfd=1 res=1(<p>)\n"
			"dup2 201 1000 [bash] <bash> oldfd=3 newfd=0 res=0(<p>)\n"
			"socket 200 1000 [bash] <bash> domain=AF_INET type=1 proto=0 fd=3(<4t>)\n"
			"connect 200 1000 [bash] <bash> 10.0.0.1:12345->203.0.113.9:443 tcp 3\n"
			"ipc_pipe 201 1000 [bash] <bash> bash <- bash connect 443\n");
}

TEST(other_calls)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 95, P64(0), PSTR("../v"));
	mk_event(&m, 100, 3, P64(3), PSTR("f"), P32(1), P32(0));
	mk_event(&m, 100, 95, P64(-2), PSTR("/nowhere"));
	mk_event(&m, 100, 199, P64(0), P32(0));
	mk_event(&m, 100, 405, P64(4), PSTR("payload"), P32(1));
	mk_event(&m, 100, 192, P32(-1), P32(1000), P32(-1));
	mk_event(&m, 100, 193, P64(0));
	mk_event(&m, 100, 151, P64(9), P64(3), P8(26), P64(0));
	mk_event(&m, 100, 3, P64(5), PSTR("g"), P32(1), P32(0));
	check_lines(&m, "open 100 1000 [bash] <init> /home/v/f O_RDONLY 3 false\n"
			"setuid 100 1000 [bash] <init> uid=0\n"
			"memfd_create 100 0 [bash] <init> memfd:payload 4\n"
			"setresuid 100 0 [bash] <init> uid=1000\n"
			"open 100 1000 [bash] <init> /home/v/g O_RDONLY 5 false\n");
}

#define ADDR4 "\2\12\0\0\1\26\0" /* 10.0.0.1:22 */

TEST(calls_on_sockets_tell_who_serves_and_what_is_sent)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 19, P64(3), P32(2), P32(1), P32(0));
	mk_event(&m, 100, 21, P64(0), PBYTES(ADDR4, 7), P64(3));
	mk_event(&m, 100, 25, P64(0), P64(3), P32(128));
	mk_event(&m, 100, 389, P64(4), PBYTES(TUPLE4, 13), P8(0), P32(0), P32(0), P32(0));
	mk_event(&m, 100, 27, P64(-11), PBYTES("", 0), P8(0));
	mk_event(&m, 100, 35, P64(3), PBYTES("abc", 3), PBYTES(TUPLE4, 13), P64(4), P32(100));
	mk_event(&m, 100, 19, P64(5), P32(2), P32(2), P32(0));
	mk_event(&m, 100, 31, P64(2), PBYTES("hi", 2), P64(5), P32(2), PBYTES(TUPLE4, 13));
	mk_event_v1(&m, 100, 30, P64(5), P32(7), PBYTES(TUPLE4, 13));
	mk_event_v1(&m, 100, 31, P64(-1), PBYTES("", 0));
	mk_event(&m, 100, 23, P64(-111), PBYTES("", 0), P64(5), PBYTES(ADDR4, 7));
	check_lines(&m, "socket 100 1000 [bash] <init> domain=AF_INET type=1 proto=0 fd=3(<4t>)\n"
			"listen 100 1000 [bash] <init> fd=3(<4t>10.0.0.1:22) backlog=128\n"
			"accept4 100 1000 [bash] <init> fd=4(<4t>10.0.0.1:12345->203.0.113.9:443) flags=0\n"
			"accept 100 1000 [bash] <init> fd=-11(EAGAIN)\n"
			"recvfrom 100 1000 [bash] <init> size=100 fd=4(<4t>10.0.0.1:12345->203.0.113.9:443) "
			"tuple=10.0.0.1:12345->203.0.113.9:443\n"
			"socket 100 1000 [bash] <init> domain=AF_INET type=2 proto=0 fd=5(<4u>)\n"
			"sendto 100 1000 [bash] <init> size=2 fd=5(<4u>10.0.0.1:12345->203.0.113.9:443) "
			"tuple=10.0.0.1:12345->203.0.113.9:443\n"
			"sendto 100 1000 [bash] <init> size=7 fd=5(<4u>10.0.0.1:12345->203.0.113.9:443) "
			"tuple=10.0.0.1:12345->203.0.113.9:443\n"
			"connect 100 1000 [bash] <init> 10.0.0.1:12345->10.0.0.1:22 udp 5\n");
}

TEST(names_are_joined_and_old_captures_have_them_in_the_entry)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 307, P64(5), P64(FDCWD), PSTR("d"), P32(1 | 1 << 10), P32(0), P32(1), P64(2));
	mk_event(&m, 100, 175, P64(0), PSTR("a"), PSTR("../b"));
	mk_event(&m, 100, 319, P64(-2), P64(5), PSTR("a"), P64(FDCWD), PSTR("/b"), P32(1));
	mk_event(&m, 100, 301, P64(0), PSTR("x"));
	mk_event(&m, 100, 303, P64(0), P64(5), PSTR("x"), P32(0x200));
	mk_event_v1(&m, 100, 108, PSTR("old"));
	mk_event_v1(&m, 100, 109, P64(0));
	mk_event_v1(&m, 100, 110, P64(5), PSTR("old"));
	mk_event_v1(&m, 100, 111, P64(0));
	mk_event_v1(&m, 100, 109, P64(0)); /* its entry is not there */
	mk_event_v1(&m, 100, 106, P64(5), PSTR("l1"), P64(FDCWD), PSTR("l2"));
	mk_event_v1(&m, 100, 107, P64(0));
	mk_event(&m, 100, 309, P64(0), PSTR("l1"), PSTR("l2"));
	mk_event(&m, 100, 181, P64(0), PSTR("../t"), P64(5), PSTR("s"));
	mk_event(&m, 100, 277, P64(0), PSTR("m"), P32(0700));
	mk_event(&m, 100, 279, P64(0), PSTR("m"));
	mk_event(&m, 100, 313, P64(0), P64(99), PSTR("c"), P32(04755));
	mk_event(&m, 100, 317, P64(0), P64(5), P32(0600));
	check_lines(&m, "openat 100 1000 [bash] <init> /home/u/d O_RDONLY|O_DIRECTORY 5 false\n"
			"rename 100 1000 [bash] <init> oldpath=/home/u/a newpath=/home/b\n"
			"renameat2 100 1000 [bash] <init> oldpath=/home/u/d/a newpath=/b flags=RENAME_NOREPLACE\n"
			"unlink 100 1000 [bash] <init> path=/home/u/x\n"
			"unlinkat 100 1000 [bash] <init> name=/home/u/d/x flags=AT_REMOVEDIR\n"
			"unlink 100 1000 [bash] <init> path=/home/u/old\n"
			"unlinkat 100 1000 [bash] <init> name=/home/u/d/old flags=0\n"
			"linkat 100 1000 [bash] <init> oldpath=/home/u/d/l1 newpath=/home/u/l2 flags=0\n"
			"link 100 1000 [bash] <init> oldpath=/home/u/l1 newpath=/home/u/l2\n"
			"symlinkat 100 1000 [bash] <init> target=../t linkpath=/home/u/d/s\n"
			"mkdir 100 1000 [bash] <init> path=/home/u/m mode=0700\n"
			"rmdir 100 1000 [bash] <init> path=/home/u/m\n"
			"fchmodat 100 1000 [bash] <init> filename=.../c name=.../c "
			"mode=S_ISUID|S_IRUSR|S_IWUSR|S_IXUSR|S_IRGRP|S_IXGRP|S_IROTH|S_IXOTH\n"
			"fchmod 100 1000 [bash] <init> fd=5(<f>/home/u/d) mode=S_IRUSR|S_IWUSR\n");
}

TEST(numbers_of_calls_are_what_linux_calls_them)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 3, P64(5), PSTR("/root/x.ko"), P32(1), P32(0));
	mk_event(&m, 100, 168, P16(11), P64(1));
	mk_event(&m, 100, 169, P64(0), PBYTES("", 0), PBYTES("", 0));
	mk_event(&m, 100, 169, P64(0), PBYTES("", 0), PBYTES("", 0), P16(20), P64(77));
	mk_event(&m, 100, 285, P64(0), P32(1 << 5 | 1 << 20));
	mk_event(&m, 100, 241, P64(-1), P64(5), P32(1 << 4));
	mk_event(&m, 100, 413, P64(0), P64(5), PSTR("a=1"), P32(4));
	mk_event(&m, 100, 411, P64(0), PBYTES("ELF", 3), P64(3), PSTR("b"));
	mk_event(&m, 100, 369, P64(3), P32(5));
	mk_event_v1(&m, 100, 296, P64(0));
	mk_event_v1(&m, 100, 297, P64(3));
	mk_event(&m, 100, 321, P64(3), P32(1));
	mk_event(&m, 100, 353, P64(0), P64(0), P64(1), P64(1));
	mk_event(&m, 100, 427, P64(0), P32(5), P32(-1));
	mk_event(&m, 100, 429, P64(0), P32(5), P32(7));
	mk_event(&m, 100, 367, P64(-9), P64(44));
	mk_event(&m, 100, 337, P64(6), P64(5), P32(1), PSTR("/by/handle"), P32(1), P64(2));
	check_lines(&m, "open 100 1000 [bash] <init> /root/x.ko O_RDONLY 5 false\n"
			"ptrace 100 1000 [bash] <init> request=PTRACE_ATTACH pid=1(init)\n"
			"ptrace 100 1000 [bash] <init> request=PTRACE_SEIZE pid=77\n"
			"unshare 100 1000 [bash] <init> flags=CLONE_NEWUSER|CLONE_NEWNS\n"
			"setns 100 1000 [bash] <init> flags=CLONE_NEWNET nstype=CLONE_NEWNET fd=5(<f>/root/x.ko)\n"
			"finit_module 100 1000 [bash] <init> uargs=a=1 fd=5(<f>/root/x.ko) "
			"flags=MODULE_INIT_COMPRESSED_FILE\n"
			"init_module 100 1000 [bash] <init> uargs=b\n"
			"bpf 100 1000 [bash] <init> cmd=BPF_PROG_LOAD\n"
			"bpf 100 1000 [bash] <init> cmd=BPF_MAP_CREATE\n"
			"userfaultfd 100 1000 [bash] <init> flags=UFFD_USER_MODE_ONLY\n"
			"capset 100 1000 [bash] <init> -\n"
			"setreuid 100 1000 [bash] <init> uid=4294967295\n"
			"setregid 100 1000 [bash] <init> gid=7\n"
			"dup 100 1000 [bash] <init> oldfd=44 res=-9(EBADF)\n"
			"open_by_handle_at 100 1000 [bash] <init> /by/handle O_RDONLY 6 false\n");
}

TEST(process_lists_of_every_version_say_the_same)
{
	static const struct mk_proc p[] = {
		{ 7, 7, 5, 33, "perl", "perl", "-e\0001", "/w", "/usr/bin/perl", "cpu=/x" },
		{ 8, 7, 5, 33, "perl", "perl", "", "/w", "/usr/bin/perl", "" }, /* a thread */
		{ 5, 5, 0, 0, "runit", "runit", "", "/", "/sbin/runit", "" },
	};

	for (int version = 1; version <= 9; version++) {
		for (int appended = 0; appended <= (version == 9 ? 2 : 0); appended++) {
			struct mk m;

			mk_start(&m);
			mk_begin(&m, mk_proc_type(version));
			for (uint32_t i = 0; i < countof(p); i++)
				mk_proc(&m, version, &p[i], appended);
			mk_end(&m);
			mk_event(&m, 8, 3, P64(3), PSTR("x"), P32(1), P32(0));
			check_lines(&m, "open 7 33 [perl -e] <runit> /w/x O_RDONLY 3 false\n");
		}
	}
}

static void put_fd(struct mk *m, int version, uint64_t fd, uint8_t type, const void *rest, size_t len)
{
	if (version >= 2)
		mk_num(m, 4 + 17 + len + 3, 4);
	mk_num(m, fd, 8);
	mk_num(m, 55, 8);
	mk_num(m, type, 1);
	buf_put(&m->b, rest, len);
	if (version >= 2)
		buf_put(&m->b, "new", 3); /* what this program does not know yet */
}

TEST(descriptor_lists_give_what_paths_are_relative_to)
{
	for (int version = 1; version <= 2; version++) {
		struct mk m;

		mk_start(&m);
		mk_shell(&m);
		mk_begin(&m, version == 1 ? 0x203 : 0x218);
		mk_num(&m, 100, 8);
		put_fd(&m, version, 0, 7, "\12\0pipe:[123]", 12);
		put_fd(&m, version, 3, 3, "\12\0\0\1\12\0\0\2\1\0\2\0\2", 13);
		put_fd(&m, version, 5, 5, "\12\0\0\1\1\0\2", 7);
		put_fd(&m, version, 6, 8, "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0/s", 20);
		put_fd(&m, version, 7, 2, "\4\0/dir", 6);
		put_fd(&m, version, 9, 16, "\1\0\0\0\2\0/f", 8);
		mk_end(&m);
		mk_event(&m, 100, 307, P64(10), P64(7), PSTR("x"), P32(1), P32(0), P32(1), P64(2));
		mk_event(&m, 100, 307, P64(11), P64(9), PSTR("x"), P32(1), P32(0), P32(1), P64(2));
		check_lines(&m, "openat 100 1000 [bash] <init> /dir/x O_RDONLY 10 false\n"
				"openat 100 1000 [bash] <init> /f/x O_RDONLY 11 false\n");
	}
}

TEST(who_was_never_listed_is_known_from_its_events)
{
	struct mk m;

	mk_start(&m);
	mk_event(&m, 4242, 3, P64(3), PSTR("rel"), P32(1), P32(0));
	check_lines(&m, "open 4242 0 [] <> .../rel O_RDONLY 3 false\n");
}

TEST(a_second_section_begins_anew)
{
	struct mk m;

	mk_start(&m);
	mk_shell(&m);
	mk_event(&m, 100, 3, P64(3), PSTR("a"), P32(1), P32(0));
	mk_section(&m, 1);
	mk_event(&m, 100, 3, P64(3), PSTR("a"), P32(1), P32(0));
	check_lines(&m, "open 100 1000 [bash] <init> /home/u/a O_RDONLY 3 false\n"
			"open 100 0 [] <> .../a O_RDONLY 3 false\n");
}

TEST(blocks_with_flags_and_blocks_that_are_not_known_pass)
{
	static const struct mk_param p[] = { P64(3), PSTR("/a"), P32(1), P32(0) };
	struct mk m;

	mk_start(&m);
	mk_begin(&m, 0x7777);
	mk_num(&m, 1, 8);
	mk_end(&m);
	mk_event_at(&m, 1, true, MK_BOOT * 2, 5, 3, p, 4);
	mk_event_at(&m, 2, true, MK_BOOT * 2, 5, 3, p, 4);
	mk_event(&m, 5, 9999, P64(1), P64(2));
	check_lines(&m, "open 5 0 [] <> /a O_RDONLY 3 false\nopen 5 0 [] <> /a O_RDONLY 3 false\n");
}

void make_everything(struct mk *m)
{
	mk_start(m);
	mk_begin(m, 0x220);
	mk_num(m, 4 + 1 + 8 + 3 * 2 + 4, 4);
	mk_num(m, 0, 1);
	mk_num(m, 1000, 4);
	mk_num(m, 1000, 4);
	mk_text(m, "user");
	mk_text(m, "");
	mk_text(m, "");
	mk_end(m);
	mk_shell(m);
	mk_begin(m, 0x218);
	mk_num(m, 100, 8);
	put_fd(m, 2, 0, 7, "\12\0pipe:[123]", 12);
	put_fd(m, 2, 3, 3, "\12\0\0\1\12\0\0\2\1\0\2\0\2", 13);
	put_fd(m, 2, 9, 16, "\1\0\0\0\2\0/f", 8);
	mk_end(m);
	mk_event(m, 100, 307, P64(6), P64(5), PSTR("in/it"), P32(2 | 4 | 1 << 8 | 1 << 14), P32(0644), P32(1), P64(2));
	mk_event_v1(m, 100, 102, P64(FDCWD), PSTR("a"), P32(1), P32(0));
	mk_event_v1(m, 100, 103, P64(7));
	mk_event(m, 100, 223, CLONE(200, 100, 100, 1, 0, 100));
	mk_event(m, 200, 223, CLONE(0, 200, 200, 100, 0, 200));
	mk_event(m, 200, 293, NEW_EXEC(0, "/usr/bin/dash"));
	mk_event(m, 200, 61, P64(0), P64(3), P64(4), P64(999));
	mk_event(m, 200, 363, P64(1), P64(4), P64(1));
	mk_event(m, 200, 5, P64(0), P64(3));
	mk_event(m, 200, 19, P64(5), P32(2), P32(1), P32(0));
	mk_event(m, 200, 23, P64(0), PBYTES(TUPLE4, 13), P64(5));
	mk_event(m, 200, 247, P64(8), PBYTES(TUPLE4, 13), P8(0));
	mk_event(m, 200, 43, P64(0), P64(10), P64(11), P64(1), P64(2));
	mk_event(m, 200, 405, P64(12), PSTR("payload"), P32(1));
	mk_event(m, 200, 95, P64(0), PSTR("../v"));
	mk_event(m, 200, 389, P64(13), PBYTES(TUPLE4, 13), P8(0), P32(0), P32(0), P32(0));
	mk_event(m, 200, 21, P64(0), PBYTES(ADDR4, 7), P64(5));
	mk_event(m, 200, 25, P64(0), P64(5), P32(128));
	mk_event(m, 200, 31, P64(2), PBYTES("hi", 2), P64(5), P32(2), PBYTES(TUPLE4, 13));
	mk_event(m, 200, 35, P64(2), PBYTES("hi", 2), PBYTES(TUPLE_UNIX, 22), P64(10), P32(2));
	mk_event(m, 200, 319, P64(0), P64(5), PSTR("a"), P64(FDCWD), PSTR("/b"), P32(1));
	mk_event_v1(m, 200, 106, P64(5), PSTR("l1"), P64(FDCWD), PSTR("l2"));
	mk_event_v1(m, 200, 107, P64(0));
	mk_event(m, 200, 181, P64(0), PSTR("../t"), P64(5), PSTR("s"));
	mk_event(m, 200, 313, P64(0), P64(99), PSTR("c"), P32(04755));
	mk_event(m, 200, 317, P64(0), P64(5), P32(0600));
	mk_event(m, 200, 303, P64(0), P64(5), PSTR("x"), P32(0x200));
	mk_event(m, 200, 305, P64(0), P64(5), PSTR("x"), P32(0755));
	mk_event(m, 200, 169, P64(0), PBYTES("", 0), PBYTES("", 0), P16(20), P64(77));
	mk_event(m, 200, 199, P64(0), P32(0));
	mk_event(m, 200, 241, P64(0), P64(5), P32(1 << 4));
	mk_event(m, 200, 413, P64(0), P64(5), PSTR("a=1"), P32(4));
	mk_event(m, 200, 369, P64(3), P32(5));
	mk_event(m, 200, 321, P64(3), P32(1));
	mk_event(m, 200, 3, P64(-2), PSTR("gone"), P32(1), P32(0));
	mk_event(m, 200, 293, P64(-13), PSTR("no"));
	mk_event(m, 200, 186, P64(9), P64(0), P8(9), P8(0), P64(0));
}
