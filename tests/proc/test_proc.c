/* SPDX-License-Identifier: Apache-2.0 */
/* proc: who descends from whom, what exec sets, who is forgotten, and that none of it grows. */
#include "sensor/proc/proc.h"

#include "records.h"
#include "test.h"

static struct proc_str str(const char *s)
{
	return (struct proc_str){ s, (uint32_t)strlen(s) };
}

static struct proc_key key_of(uint32_t pid)
{
	return (struct proc_key){ pid, REC_START(pid) };
}

static struct proc *do_fork(struct proc_table *t, uint32_t parent, const char *comm, uint32_t child, uint64_t time_ns)
{
	struct rec r;

	rec_fork(&r, parent, comm, child, time_ns);
	return proc_on_fork(t, &r.fork);
}

/* args: separated by a space; text keeps them alive for the call. */
static struct proc *do_exec(struct proc_table *t, const struct rec_exec *x, const char *exe, const char *cgroup)
{
	static struct rec r;
	char args[512];
	size_t n = x->args ? strlen(x->args) + 1 : 0;

	rec_exec(&r, x);
	if (n)
		memcpy(args, x->args, n);
	for (size_t i = 0; i + 1 < n; i++)
		args[i] = (char)(args[i] == ' ' ? 0 : args[i]);
	return proc_on_exec(t, &r.exec,
			    &(struct proc_exec_strs){ .exe_path = str(exe),
						      .cwd = str(x->cwd ? x->cwd : ""),
						      .cgroup = str(cgroup),
						      .filename = str(x->filename ? x->filename : ""),
						      .interp = str(x->interp ? x->interp : ""),
						      .args = args,
						      .args_len = (uint32_t)n,
						      .exe_memfd = !strncmp(exe, "memfd:", 6) });
}

static void do_exit(struct proc_table *t, uint32_t pid)
{
	struct proc *p = proc_find(t, key_of(pid));
	struct rec r;

	rec_exit(&r, pid, p ? p->comm : "x", 0, 0);
	(void)proc_on_exit(t, &r.exit);
}

static struct proc_table *new_table(void)
{
	struct proc_table *t = NULL;

	CHECK_OK(proc_table_new(&t));
	return t;
}

TEST(exec_sets_the_strings_and_a_forked_child_has_the_same_ones)
{
	struct proc_table *t = new_table();
	struct proc *p = do_exec(
		t, &(struct rec_exec){ .pid = 10, .comm = "nginx", .args = "/usr/sbin/nginx -g daemon", .cwd = "/srv" },
		"/usr/sbin/nginx", "x.service");
	struct proc *c = do_fork(t, 10, "nginx", 11, 5);
	struct proc_view v, vc;

	v = *proc_view(p);
	CHECK_STR(v.exepath.p, "/usr/sbin/nginx");
	CHECK_STR(v.exe.p, "/usr/sbin/nginx");
	CHECK_STR(v.args.p, "-g daemon");
	CHECK_STR(v.cmdline.p, "nginx -g daemon");
	CHECK_EQ(v.cmdline.len, strlen("nginx -g daemon"));
	CHECK_EQ(p->cgroup->ident.runtime, CONTAINER_HOST);
	CHECK_STR(p->cwd, "/srv");
	vc = *proc_view(c);
	CHECK(vc.cmdline.p == v.cmdline.p && "shared, not copied");
	CHECK_EQ(c->image_id, p->image_id);
	CHECK(c->cwd == p->cwd);
	CHECK(c->parent == p);
	CHECK_EQ(c->ppid, 10);

	/* its own exec, and its own directory, change nothing for the parent */
	(void)do_exec(t, &(struct rec_exec){ .pid = 11, .comm = "id", .args = "id", .cwd = "/tmp" }, "/usr/bin/id", "");
	vc = *proc_view(c);
	CHECK_STR(vc.cmdline.p, "id");
	CHECK_STR(vc.args.p, "");
	CHECK(c->image_id != p->image_id);
	CHECK_STR(p->cwd, "/srv");
	v = *proc_view(p);
	CHECK_STR(v.cmdline.p, "nginx -g daemon");
	proc_table_free(t);
}

TEST(arguments_are_joined_whatever_they_are)
{
	static const struct {
		const char *name, *args;
		uint32_t len;
		const char *exe, *joined, *cmdline;
	} rows[] = {
		{ "none at all", "", 0, "", "", "sh" },
		{ "argument 0 is empty", "\0-c\0", 4, "", "-c", "sh -c" },
		{ "an empty one in the middle", "sh\0-c\0\0x\0", 9, "sh", "-c  x", "sh -c  x" },
		{ "an empty one at the end", "sh\0\0", 4, "sh", "", "sh" },
		{ "cut: the last has no NUL", "sh\0abc", 6, "sh", "abc", "sh abc" },
		{ "cut inside argument 0", "/very/long", 10, "/very/long", "", "sh" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct proc_table *t = new_table();
		struct rec r;
		struct proc_view v;

		test_row = rows[i].name;
		rec_exec(&r, &(struct rec_exec){ .pid = 5, .comm = "sh" });
		v = *proc_view(proc_on_exec(t, &r.exec,
					    &(struct proc_exec_strs){ .exe_path = str("/bin/sh"),
								      .cwd = str("/"),
								      .filename = str(""),
								      .interp = str(""),
								      .cgroup = str(""),
								      .args = rows[i].args,
								      .args_len = rows[i].len }));
		CHECK_STR(v.exe.p, rows[i].exe);
		CHECK_STR(v.args.p, rows[i].joined);
		CHECK_STR(v.cmdline.p, rows[i].cmdline);
		CHECK_EQ(v.args.len, strlen(rows[i].joined));
		proc_table_free(t);
	}
}

TEST(a_process_is_in_the_group_that_its_last_exec_told)
{
	struct proc_table *t = new_table();
	struct proc *p = do_exec(t, &(struct rec_exec){ .pid = 10, .comm = "sh" }, "/bin/sh", "/a"),
		    *c = do_fork(t, 10, "sh", 11, 5);
	struct container_stats st;

	CHECK(p->cgroup && c->cgroup == p->cgroup);
	CHECK_STR(p->cgroup->memory.p, "memory=/a");
	(void)do_exec(t, &(struct rec_exec){ .pid = 11, .comm = "id" }, "/bin/id", "/b");
	CHECK_STR(c->cgroup->memory.p, "memory=/b");
	CHECK_STR(p->cgroup->memory.p, "memory=/a");
	(void)do_exec(t, &(struct rec_exec){ .pid = 11, .comm = "id" }, "/bin/id", ""); /* not told: as it was */
	CHECK_STR(c->cgroup->memory.p, "memory=/b");
	container_table_stats(proc_containers(t), &st);
	CHECK_EQ(st.groups, 2);
	do_exit(t, 11);
	proc_sweep(t, UINT64_MAX);
	container_table_stats(proc_containers(t), &st);
	CHECK_EQ(st.groups, 1);
	proc_table_free(t);
}

TEST(a_pid_that_is_used_again_is_another_process)
{
	struct proc_table *t = new_table();
	struct proc *old = do_exec(t, &(struct rec_exec){ .pid = 10, .comm = "old" }, "/bin/old", ""), *p;
	struct rec r;

	rec_exec(&r, &(struct rec_exec){ .pid = 10, .comm = "new" });
	r.hdr.start_ns += 7;
	p = proc_on_exec(t, &r.exec,
			 &(struct proc_exec_strs){ .exe_path = str("/bin/new"), .cwd = str("/"), .args = "" });
	CHECK(p != old);
	CHECK(proc_find_pid(t, 10) == p);
	CHECK(!old->alive && "its exit was lost, and is inferred");
	CHECK(proc_find(t, key_of(10)) == old);

	/* a record of the older one that comes late does not bring it back, nor make a third */
	rec_open(&r, 10, "old", "/x", 0, 3, 1);
	CHECK(proc_of(t, &r.hdr) == old);
	CHECK(proc_find_pid(t, 10) == p);
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 1);
	p = proc_of(t, &r.hdr);
	CHECK(p && !p->alive);
	CHECK(proc_find_pid(t, 10) != p);
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 1);
	proc_table_free(t);
}

TEST(ancestry_survives_exits_and_reparenting)
{
	struct proc_table *t = new_table();
	struct proc *p;

	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "init" }, "/sbin/init", "");
	(void)do_fork(t, 1, "init", 2, 1);
	(void)do_exec(t, &(struct rec_exec){ .pid = 2, .comm = "sshd" }, "/sbin/sshd", "");
	(void)do_fork(t, 2, "sshd", 3, 2);
	(void)do_exec(t, &(struct rec_exec){ .pid = 3, .comm = "bash" }, "/bin/bash", "");
	(void)do_fork(t, 3, "bash", 4, 3);
	do_exit(t, 3);
	do_exit(t, 2);
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 4);

	/* the kernel has given it to init: ancestry still is who forked whom */
	p = do_exec(t, &(struct rec_exec){ .pid = 4, .ppid = 1, .comm = "evil", .args = "evil" }, "/tmp/evil", "");
	CHECK_EQ(p->ppid, 3);
	CHECK_STR(proc_ancestor(p, 0)->comm, "evil");
	CHECK_STR(proc_ancestor(p, 1)->comm, "bash");
	CHECK_STR(proc_ancestor(p, 2)->comm, "sshd");
	CHECK_STR(proc_ancestor(p, 3)->comm, "init");
	CHECK(!proc_ancestor(p, 4));

	/* and with the last of the line, all of it goes */
	do_exit(t, 4);
	CHECK(proc_find(t, key_of(4)) && "findable until the sweep");
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 1);
	proc_table_free(t);
}

TEST(a_sweep_leaves_those_that_died_lately)
{
	struct proc_table *t = new_table();
	struct rec r;

	for (uint32_t pid = 1; pid <= 3; pid++) {
		rec_exit(&r, pid, "x", 0, pid * 100);
		(void)proc_on_exit(t, &r.exit);
	}
	proc_sweep(t, 200);
	CHECK_EQ(proc_count(t), 2);
	CHECK(!proc_find(t, key_of(1)) && proc_find(t, key_of(2)));
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 0);
	proc_table_free(t);
}

TEST(records_may_come_without_the_ones_before_them)
{
	struct proc_table *t = new_table();
	struct proc *p, *parent;
	struct proc_view v;
	struct rec r;

	/* an open of a process that nobody announced */
	rec_open(&r, 20, "ghost", "/x", 0, 3, 1);
	r.hdr.uid = 33;
	p = proc_of(t, &r.hdr);
	CHECK_STR(p->comm, "ghost");
	CHECK_EQ(p->uid, 33);
	CHECK(p->alive && !p->parent);
	v = *proc_view(p);
	CHECK_STR(v.exepath.p, "");

	/* exec names a parent that is not known either */
	p = do_exec(t, &(struct rec_exec){ .pid = 31, .ppid = 30, .comm = "id" }, "/bin/id", "");
	parent = proc_find_pid(t, 30);
	CHECK(parent && p->parent == parent);
	/* whose own record then fills it in */
	CHECK(do_exec(t, &(struct rec_exec){ .pid = 30, .kind = WIRE_TASK, .comm = "sh" }, "/bin/sh", "") == parent);
	CHECK_STR(proc_ancestor(p, 1)->comm, "sh");

	/* the fork after the child's exec: the child keeps what it told itself */
	p = do_exec(t, &(struct rec_exec){ .pid = 41, .comm = "ls" }, "/bin/ls", "");
	CHECK(do_fork(t, 40, "bash", 41, 9) == p);
	CHECK_STR(p->comm, "ls");
	CHECK_STR(proc_ancestor(p, 1)->comm, "bash");

	/* the exit of an unknown one leaves nothing */
	do_exit(t, 50);
	proc_sweep(t, UINT64_MAX);
	CHECK(!proc_find(t, key_of(50)));
	proc_table_free(t);
}

TEST(hostile_parents_make_no_cycle)
{
	struct proc_table *t = new_table();
	struct proc *a = do_exec(t, &(struct rec_exec){ .pid = 1, .ppid = 2, .comm = "a" }, "/a", "");
	struct proc *b = do_exec(t, &(struct rec_exec){ .pid = 2, .ppid = 1, .comm = "b" }, "/b", "");
	struct proc *self = do_exec(t, &(struct rec_exec){ .pid = 3, .ppid = 3, .comm = "c" }, "/c", "");

	CHECK(!a->parent && "older than its alleged parent");
	CHECK(b->parent == a);
	CHECK(!self->parent);
	(void)do_fork(t, 4, "d", 4, 1);
	for (uint32_t pid = 1; pid <= 4; pid++)
		do_exit(t, pid);
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 0);
	proc_table_free(t);
}

TEST(comm_follows_the_main_thread_only)
{
	struct proc_table *t = new_table();
	struct proc *p =
		do_exec(t, &(struct rec_exec){ .pid = 5, .comm = "java", .args = "java -jar" }, "/bin/java", "");
	struct rec r;

	rec_open(&r, 5, "GC Thread#0", "/x", 0, 3, 1);
	r.hdr.tid = 6;
	(void)proc_of(t, &r.hdr);
	CHECK_STR(p->comm, "java");
	rec_open(&r, 5, "[kworker]", "/x", 0, 3, 1);
	(void)proc_of(t, &r.hdr);
	CHECK_STR(p->comm, "[kworker]");
	proc_table_free(t);
}

TEST(a_look_is_shared_by_nobody_whose_name_or_image_differs)
{
	struct proc_table *t = new_table(), *other = new_table();
	struct proc *p = do_exec(t, &(struct rec_exec){ .pid = 5, .comm = "sh", .args = "sh -x" }, "/bin/sh", "");
	struct proc *child = do_fork(t, 5, "sh", 6, 5), *q;
	uint64_t look = p->look;
	struct rec r;

	CHECK(look != 0);
	CHECK_EQ(child->look, look);
	rec_open(&r, 5, "sh", "/x", 0, 3, 1);
	(void)proc_of(t, &r.hdr);
	CHECK_EQ(p->look, look);
	CHECK(do_fork(t, 5, "worker", 7, 6)->look != look);
	rec_open(&r, 5, "bash", "/x", 0, 3, 1);
	(void)proc_of(t, &r.hdr);
	CHECK(p->look != look);
	CHECK_EQ(child->look, look);
	rec_open(&r, 5, "sh", "/x", 0, 3, 1); /* back again: nobody remembers that it was the same */
	(void)proc_of(t, &r.hdr);
	CHECK(p->look != look);
	(void)do_exec(t, &(struct rec_exec){ .pid = 6, .comm = "sh", .args = "sh -y" }, "/bin/sh", "");
	CHECK(child->look != look);
	q = do_exec(t, &(struct rec_exec){ .pid = 8, .kind = WIRE_TASK, .comm = "cron" }, "/sbin/cron", "");
	look = q->look;
	CHECK_OK(proc_set_args(t, 8, "cron\0-f\0", 8));
	CHECK(q->look != look);
	/* the same process in another table */
	look = do_exec(other, &(struct rec_exec){ .pid = 5, .comm = "sh", .args = "sh -x" }, "/bin/sh", "")->look;
	CHECK(look > q->look);
	proc_table_free(t);
	proc_table_free(other);
}

TEST(a_session_is_named_by_its_leader_even_when_that_is_dead)
{
	struct proc_table *t = new_table();
	struct proc *p;
	struct rec r;

	(void)do_exec(t, &(struct rec_exec){ .pid = 7, .sid = 7, .comm = "login" }, "/bin/login", "");
	rec_fork(&r, 7, "login", 8, 1);
	r.fork.sid = 7;
	p = proc_on_fork(t, &r.fork);
	CHECK_STR(proc_session(t, p)->comm, "login");
	do_exit(t, 7);
	proc_sweep(t, UINT64_MAX);
	CHECK_STR(proc_session(t, p)->comm, "login");
	/* setsid makes no record: the next fork tells */
	rec_fork(&r, 8, "login", 9, 2);
	r.fork.sid = 8;
	CHECK(proc_session(t, proc_on_fork(t, &r.fork)) == p);
	CHECK_EQ(p->sid, 8);
	proc_table_free(t);
}

TEST(a_scan_buries_those_whose_exit_was_lost)
{
	struct proc_table *t = new_table();
	struct rec r;

	for (uint32_t pid = 1; pid <= 5; pid++)
		(void)do_exec(t, &(struct rec_exec){ .pid = pid, .comm = "p", .args = "p q" }, "/bin/p", "");
	proc_scan_begin(t);
	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .kind = WIRE_TASK, .comm = "p" }, "/bin/p", "");
	rec_open(&r, 2, "p", "/x", 0, 3, 1);
	(void)proc_of(t, &r.hdr);
	(void)do_fork(t, 1, "p", 6, 1);
	CHECK_EQ(proc_scan_end(t), 3);
	proc_sweep(t, UINT64_MAX);
	CHECK_EQ(proc_count(t), 3);
	CHECK(proc_find_pid(t, 1) && proc_find_pid(t, 2) && proc_find_pid(t, 6));
	CHECK_EQ(proc_scan_end(t), 0);
	proc_table_free(t);
}

TEST(a_task_record_does_not_wipe_what_exec_told_and_args_can_be_added_to_it)
{
	struct proc_table *t = new_table();
	struct proc *p =
		do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "sh", .args = "sh -x", .time_ns = 50 }, "/bin/sh", "");
	struct proc_view v;
	uint64_t image = p->image_id;

	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .kind = WIRE_TASK, .comm = "sh", .time_ns = 60 }, "/bin/sh", "");
	v = *proc_view(p);
	CHECK_STR(v.cmdline.p, "sh -x");
	CHECK_EQ(p->image_id, image);
	/* what the scan saw before the exec is stale */
	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .kind = WIRE_TASK, .comm = "login", .time_ns = 40 },
		      "/bin/login", "");
	v = *proc_view(p);
	CHECK_STR(v.exepath.p, "/bin/sh");

	p = do_exec(t, &(struct rec_exec){ .pid = 2, .kind = WIRE_TASK, .comm = "cron" }, "/sbin/cron", "");
	v = *proc_view(p);
	CHECK(!v.args_known);
	CHECK_STR(v.cmdline.p, "cron");
	CHECK_OK(proc_set_args(t, 2, "/sbin/cron\0-f\0", 14));
	v = *proc_view(p);
	CHECK_STR(v.cmdline.p, "cron -f");
	CHECK_STR(v.exe.p, "/sbin/cron");
	CHECK_STR(v.exepath.p, "/sbin/cron");
	CHECK_EQ(proc_set_args(t, 2, "x", 1), E_EXISTS);
	CHECK_EQ(proc_set_args(t, 1, "x", 1), E_EXISTS);
	CHECK_EQ(proc_set_args(t, 3, "x", 1), E_NOT_FOUND);
	proc_table_free(t);
}

static uint32_t dropped;
static void count_drop(void *user, struct proc *p)
{
	(void)user;
	(void)p;
	dropped++;
}

TEST(a_million_forks_leave_nothing)
{
	struct proc_table *t = new_table();
	struct rec fork_rec, exit_rec;
	uint32_t most = 0;
	size_t text;

	dropped = 0;
	proc_table_on_drop(t, count_drop, NULL);
	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "make", .args = "make -j", .cwd = "/src" }, "/bin/make",
		      "");
	text = proc_text_bytes(t);
	rec_fork(&fork_rec, 1, "make", 2, 1);
	rec_exit(&exit_rec, 2, "make", 0, 1);
	for (uint32_t i = 2; i < 1000002; i++) {
		fork_rec.fork.child_pid = exit_rec.hdr.pid = exit_rec.hdr.tid = i;
		fork_rec.fork.child_start_ns = exit_rec.hdr.start_ns = REC_START(i);
		CHECK(proc_on_fork(t, &fork_rec.fork));
		(void)proc_on_exit(t, &exit_rec.exit);
		proc_sweep(t, UINT64_MAX);
		most = proc_count(t) > most ? proc_count(t) : most;
	}
	CHECK_EQ(most, 1);
	CHECK_EQ(proc_count(t), 1);
	CHECK_EQ(dropped, 1000000);
	CHECK_EQ(proc_text_bytes(t), text);
	CHECK_EQ(proc_refused(t), 0);
	proc_table_free(t);
}

/* Each forks the next and exits: the dead ancestors of the last one are kept, but not all of them. */
TEST(a_chain_of_forks_keeps_only_as_many_ancestors_as_anybody_can_ask_for)
{
	struct proc_table *t = new_table();
	uint32_t most = 0;
	struct proc *p;

	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "worm" }, "/worm", "");
	for (uint32_t i = 1; i < 100000; i++) {
		(void)do_fork(t, i, "worm", i + 1, i);
		do_exit(t, i);
		proc_sweep(t, UINT64_MAX);
		most = proc_count(t) > most ? proc_count(t) : most;
	}
	CHECK(most <= PROC_MAX_ANCESTORS + 2);
	p = proc_find_pid(t, 100000);
	CHECK_STR(proc_ancestor(p, PROC_MAX_ANCESTORS)->comm, "worm");
	CHECK_EQ(proc_ancestor(p, PROC_MAX_ANCESTORS)->key.pid, 100000 - PROC_MAX_ANCESTORS);
	CHECK(!proc_ancestor(p, PROC_MAX_ANCESTORS + 1));
	proc_table_free(t);
}

/* ...and whoever is nearer to them loses nothing by it: or a shell's child could shake off where it came from. */
TEST(a_long_chain_of_descendants_costs_nobody_else_their_ancestors)
{
	struct proc_table *t = new_table();

	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "php-fpm" }, "/php", "");
	(void)do_fork(t, 1, "php-fpm", 2, 1);
	(void)do_exec(t, &(struct rec_exec){ .pid = 2, .comm = "sh" }, "/bin/sh", "");
	(void)do_fork(t, 2, "sh", 3, 2);
	do_exit(t, 2);
	for (uint32_t i = 3; i < 300; i++) {
		(void)do_fork(t, i, "sh", i + 1, i);
		if (i > 3)
			do_exit(t, i);
		proc_sweep(t, UINT64_MAX);
	}
	(void)do_fork(t, 3, "sh", 1000, 1000);
	CHECK_STR(proc_ancestor(proc_find_pid(t, 1000), 3)->comm, "php-fpm");
	CHECK(proc_count(t) <= PROC_MAX_ANCESTORS + 5);
	proc_table_free(t);
}

TEST(a_full_table_makes_room_from_the_dead_and_then_refuses)
{
	struct proc_table *t = new_table();
	struct proc *first, *child;

	/* a dead parent that its child still needs, then living ones up to the brim */
	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "old" }, "/old", "");
	child = do_fork(t, 1, "old", 2, 1);
	do_exit(t, 1);
	proc_sweep(t, UINT64_MAX);
	for (uint32_t pid = 3; pid <= PROC_MAX; pid++)
		(void)do_fork(t, 2, "old", pid, 1);
	CHECK_EQ(proc_count(t), PROC_MAX);
	CHECK(child->parent);

	first = do_fork(t, 2, "old", PROC_MAX + 1, 2);
	CHECK(first && "the dead ancestor made room");
	CHECK(!child->parent && "and its child knows it no more");
	CHECK_EQ(proc_count(t), PROC_MAX);
	CHECK(!do_fork(t, 2, "old", PROC_MAX + 2, 3));
	CHECK_EQ(proc_refused(t), 1);

	do_exit(t, 3);
	CHECK(do_fork(t, 2, "old", PROC_MAX + 2, 3));
	CHECK(!proc_find(t, key_of(3)));
	proc_table_free(t);
}

/* A late fork record: its parent is dead, kept for one dead child only, and that child is the first to make room. */
TEST(room_is_not_made_by_dropping_the_parent_at_hand)
{
	struct proc_table *t = new_table();
	struct proc *child;

	(void)do_exec(t, &(struct rec_exec){ .pid = 1, .comm = "a" }, "/a", "");
	(void)do_fork(t, 1, "a", 2, 1);
	(void)do_fork(t, 2, "a", 3, 1);
	do_exit(t, 1);
	do_exit(t, 2);
	proc_sweep(t, UINT64_MAX); /* both kept for 3; 1 only for 2 */
	for (uint32_t pid = 4; pid <= PROC_MAX; pid++)
		(void)do_fork(t, 3, "a", pid, 1);
	CHECK_EQ(proc_count(t), PROC_MAX);
	child = do_fork(t, 1, "a", PROC_MAX + 1, 2);
	CHECK(child && child->parent == proc_find(t, key_of(1)));
	CHECK(!proc_find(t, key_of(2)));
	CHECK_STR(child->parent->comm, "a");
	proc_table_free(t);
}

TEST(long_strings_on_many_processes_cost_a_bounded_amount)
{
	struct proc_table *t = new_table();
	static char args[WIRE_ARGS_BYTES];
	struct proc_view v;
	struct rec r;

	memset(args, 'a', sizeof args - 1);
	args[10] = 0;
	for (uint32_t pid = 1; pid <= PROC_MAX; pid++) {
		rec_exec(&r, &(struct rec_exec){ .pid = pid, .comm = "fat" });
		(void)proc_on_exec(t, &r.exec,
				   &(struct proc_exec_strs){ .exe_path = { args + 11, 4000 },
							     .cwd = { args + 11, 4000 },
							     .cgroup = str(""),
							     .args = args,
							     .args_len = sizeof args });
	}
	CHECK(proc_text_bytes(t) < PROC_TEXT_MAX + (size_t)PROC_MAX * (4 * PROC_TEXT_CUT));
	CHECK(proc_text_cut(t) > 0);
	v = *proc_view(proc_find_pid(t, 1));
	CHECK_EQ(v.exepath.len, 4000);
	v = *proc_view(proc_find_pid(t, PROC_MAX));
	CHECK_EQ(v.exepath.len, PROC_TEXT_CUT);
	proc_table_free(t);
}

static bool script_of(struct proc_table *t, uint32_t pid, const struct rec_exec *like)
{
	struct rec_exec x = *like;
	struct proc_view v;

	x.pid = pid;
	x.comm = "sh";
	v = *proc_view(do_exec(t, &x, "/bin/sh", ""));
	return v.script_from_memfd;
}

static const struct wire_fd fd3_file = { .fd = 3, .kind = WIRE_FD_FILE, .flags = WIRE_FD_READ, .dev = 5 };
static const struct wire_fd fd3_pipe = { .fd = 3, .kind = WIRE_FD_PIPE, .flags = WIRE_FD_READ, .dev = 12 };

TEST(a_script_in_a_memory_file_is_told_from_the_path_of_its_descriptor)
{
	enum { NO_MEMFD, MEMFD, MEMFD_REPLACED };
	static const struct {
		const char *name, *filename, *interp, *args;
		int state;
		const struct wire_fd *fd3;
		bool want;
	} rows[] = {
		{ "execveat gives /dev/fd", "/dev/fd/3", "/bin/sh", "sh /dev/fd/3", MEMFD, NULL, true },
		{ "/proc/self/fd", "/proc/self/fd/3", "/bin/sh", "sh /proc/self/fd/3", MEMFD, &fd3_file, true },
		{ "/proc/thread-self/fd", "/proc/thread-self/fd/3", "/bin/sh", "sh x", MEMFD, NULL, true },
		{ "/proc/PID/fd of itself", "/proc/100/fd/3", "/bin/sh", "sh x", MEMFD, NULL, true },
		{ "nothing is known of the descriptor", "/dev/fd/3", "/bin/sh", "sh /dev/fd/3", NO_MEMFD, NULL, true },
		{ "a descriptor that is out of sight", "/dev/fd/99", "/bin/sh", "sh x", NO_MEMFD, NULL, true },
		{ "no device of memory files is known yet", "/dev/fd/3", "/bin/sh", "sh x", NO_MEMFD, &fd3_file, true },
		{ "it is a pipe", "/dev/fd/3", "/bin/sh", "sh x", NO_MEMFD, &fd3_pipe, false },
		{ "an ordinary script", "/usr/bin/x", "/bin/sh", "sh /usr/bin/x", MEMFD, NULL, false },
		{ "no script but a program", "/dev/fd/3", "/dev/fd/3", "x", MEMFD, NULL, false },
		{ "some other directory", "/home/dev/fd/3", "/bin/sh", "sh x", MEMFD, NULL, false },
		{ "no number", "/dev/fd/3x", "/bin/sh", "sh x", MEMFD, NULL, false },
		{ "no number at all", "/proc/self/fd/", "/bin/sh", "sh x", MEMFD, NULL, false },
		{ "interpreter called by hand", "/bin/sh", "/bin/sh", "sh -e /proc/self/fd/3", MEMFD, NULL, true },
		{ "by hand, a pipe of <(...)", "/bin/sh", "/bin/sh", "sh /dev/fd/63", MEMFD, NULL, false },
		{ "by hand, the number is another file now", "/bin/sh", "/bin/sh", "sh /dev/fd/3", MEMFD_REPLACED, NULL,
		  false },
		{ "by hand, not the first argument", "/bin/sh", "/bin/sh", "sh x /dev/fd/3", MEMFD, NULL, false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct proc_table *t = new_table();
		struct proc *p = do_exec(t, &(struct rec_exec){ .pid = 99, .comm = "py" }, "/bin/py", "");

		test_row = rows[i].name;
		if (rows[i].state != NO_MEMFD)
			proc_on_memfd(p, 3, false);
		p = do_fork(t, 99, "py", 100, 1); /* inherited */
		if (rows[i].state == MEMFD_REPLACED)
			proc_on_fd(p, 3);
		CHECK_EQ(script_of(t, 100,
				   &(struct rec_exec){ .filename = rows[i].filename,
						       .interp = rows[i].interp,
						       .args = rows[i].args,
						       .fds = rows[i].fd3,
						       .n_fds = rows[i].fd3 != NULL }),
			 rows[i].want);
		proc_table_free(t);
	}
}

TEST(what_is_known_of_memory_files_follows_descriptors)
{
	struct proc_table *t = new_table();
	struct proc *p = do_exec(t, &(struct rec_exec){ .pid = 5, .comm = "py" }, "/bin/py", "");
	const struct rec_exec by_hand = { .filename = "/bin/sh", .interp = "/bin/sh", .args = "sh /dev/fd/3" };
	const struct rec_exec others = { .filename = "/bin/sh", .interp = "/bin/sh", .args = "sh /proc/5/fd/4" };
	const struct rec_exec script = {
		.filename = "/dev/fd/3", .interp = "/bin/sh", .args = "sh x", .fds = &fd3_file, .n_fds = 1
	};

	/* close-on-exec: there for the exec itself, gone for the next */
	proc_on_memfd(p, 3, true);
	proc_on_memfd(p, 4, false);
	(void)do_fork(t, 5, "py", 6, 1);
	CHECK(script_of(t, 6, &by_hand));
	CHECK(!script_of(t, 6, &by_hand));
	/* one of another process, by its pid */
	(void)do_fork(t, 1, "x", 7, 1);
	CHECK(script_of(t, 7, &others));

	/* once a program ran from a memory file, their device is known, and files of others are told apart... */
	CHECK(script_of(t, 7, &script));
	(void)do_exec(t, &(struct rec_exec){ .pid = 8, .comm = "m" }, "memfd:m", "");
	CHECK(!script_of(t, 7, &script));
	/* ...but not for those who made memory files, which may be on other devices and copied out of sight */
	CHECK(script_of(t, 6, &script));
	proc_table_free(t);
}
