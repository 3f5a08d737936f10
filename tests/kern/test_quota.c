/* SPDX-License-Identifier: Apache-2.0 */
/* A control group floods a ring whose reader is slow or stands still: it loses its own records, others lose none. */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { FORKS = 1000, GROUPS = 4, HOOKS = KERN_HOOK_PROCESS | KERN_HOOK_CHDIR };

static const char *group_root;

static void group_path(char out[256], const char *name)
{
	(void)snprintf(out, 256, "%s/sallyport-test-%d-%s", group_root, (int)getpid(), name);
}

static bool group_make_in(const char *root, const char *name)
{
	char path[256], procs[300];

	group_root = root;
	group_path(path, name);
	(void)snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
	if (mkdir(path, 0755))
		return false;
	if (!access(procs, W_OK))
		return true;
	(void)rmdir(path);
	return false;
}

/* In the default hierarchy or, where there is none, the memory controller's: as the programs look at them. */
static void groups_make(const char *const *names, uint32_t n)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory" };
	uint32_t at = 0;

	bed_require();
	while (at < countof(roots) && !group_make_in(roots[at], names[0]))
		at++;
	if (at == countof(roots))
		SKIP("no control group can be made here: %s", strerror(errno));
	for (uint32_t i = 1; i < n; i++)
		CHECK(group_make_in(roots[at], names[i]));
}

static void groups_remove(const char *const *names, uint32_t n)
{
	char path[256];

	for (uint32_t i = 0; i < n; i++) {
		group_path(path, names[i]);
		for (int tries = 0; rmdir(path) && tries < 200; tries++)
			usleep(10000);
	}
}

/* A child of this name in this group, that begins when *go is not 0. */
static pid_t start_in(const char *group, void (*fn)(void), volatile int *go)
{
	char path[256], procs[300];
	pid_t pid;
	int fd;

	group_path(path, group);
	(void)snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
	pid = fork();
	CHECK(pid >= 0);
	if (pid)
		return pid;
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	MUST(fd >= 0 && write(fd, "0", 1) == 1 && !prctl(PR_SET_NAME, group) && !prctl(PR_SET_PDEATHSIG, SIGKILL));
	while (!*go)
		usleep(500);
	fn();
	_exit(0);
}

static void flood(void)
{
	for (;;) { /* far more than a reader here takes, yet not all of the machine */
		for (int i = 0; i < 200; i++)
			(void)!chdir("/");
		usleep(1000);
	}
}

static void do_forks(void)
{
	for (int i = 0; i < FORKS; i++) {
		int status;
		pid_t pid = vfork();

		if (!pid)
			_exit(0);
		MUST(pid > 0 && waitpid(pid, &status, 0) == pid);
		usleep(200);
	}
}

struct seen {
	uint32_t forks, exits; /* of the victim and its children */
	uint32_t chdirs;       /* of who floods */
};

static bool look(struct bed *b, struct seen *seen)
{
	struct wire_hdr h;
	struct view v;
	bool victim;

	if (!ring_next(b->r, &v))
		return false;
	CHECK_OK(VIEW_READ(v, 0, &h));
	victim = !strcmp(h.comm, "victim");
	seen->forks += victim && h.kind == WIRE_FORK;
	seen->exits += victim && h.kind == WIRE_EXIT;
	seen->chdirs += h.kind == WIRE_CHDIR;
	return true;
}

static uint64_t lost_quota(const struct bed *b)
{
	struct wire_stats st;

	ring_stats_read(b->s, &st);
	return st.lost_quota[WIRE_RING_RESERVED];
}

static volatile int *go_new(void)
{
	volatile int *go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(go != MAP_FAILED);
	return go;
}

static void end(pid_t pid)
{
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* Nothing is attached any more: read the rest, and all counters must agree. */
static void settle(struct bed *b, struct seen *seen, struct wire_stats *st)
{
	CHECK_OK(kern_attach(b->k, 0, NULL));
	while (look(b, seen))
		;
	ring_stats_read(b->s, st);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++) {
		CHECK_EQ(st->produced[i] - st->lost[i], ring_consumed(b->r, i));
		CHECK(st->lost_quota[i] <= st->lost[i]);
	}
	CHECK_EQ(ring_malformed(b->r), 0);
}

static void victim_lost_nothing(const struct seen *seen)
{
	CHECK_EQ(seen->forks, FORKS);
	CHECK_EQ(seen->exits, FORKS + 1);
}

TEST(a_group_that_floods_a_ring_that_nobody_reads_takes_nothing_from_another)
{
	static const char *const names[] = { "victim", "attacker" };
	volatile int *go = go_new(), *go_victim = go_new();
	struct kern_group g[8];
	struct seen seen = { 0 };
	struct wire_stats st;
	pid_t attacker, victim;
	uint64_t charged = 0;
	struct bed b;
	char name[64];
	uint32_t n;
	int status;

	groups_make(names, 2);
	bed_open_sized(&b, HOOKS, 4 << 20, 64 << 10);
	victim = start_in("victim", do_forks, go_victim);
	attacker = start_in("attacker", flood, go);
	*go = 1;
	for (int i = 0; lost_quota(&b) < 10000 && i < 5000; i++)
		usleep(1000);
	*go_victim = 1;
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	CHECK_EQ(status, 0);
	end(attacker);
	settle(&b, &seen, &st);
	victim_lost_nothing(&seen);
	CHECK(st.lost_quota[WIRE_RING_RESERVED] >= 10000);
	CHECK_EQ(st.lost[WIRE_RING_RESERVED], st.lost_quota[WIRE_RING_RESERVED]); /* the ring itself was never full */
	/* Whose they are is known, exactly. */
	(void)snprintf(name, sizeof name, "sallyport-test-%d-attacker", (int)getpid());
	n = kern_lost_groups(b.k, g, countof(g));
	for (uint32_t i = 0; i < n; i++)
		charged += g[i].lost;
	CHECK(n >= 1);
	CHECK_STR(g[0].name, name);
	CHECK_EQ(g[0].ring, WIRE_RING_RESERVED);
	CHECK_EQ(charged, st.lost_quota[WIRE_RING_RESERVED]);
	CHECK_EQ(kern_lost_groups(b.k, g, 0), 0);
	bed_close(&b);
	groups_remove(names, 2);
}

TEST(several_groups_that_flood_take_nothing_from_another_while_the_reader_is_slow)
{
	static const char *const names[GROUPS] = { "victim", "one", "two", "three" };
	volatile int *go = go_new(), *go_victim = go_new();
	struct seen seen = { 0 };
	struct wire_stats st;
	pid_t pids[GROUPS];
	struct bed b;
	bool ended = false;
	int status = 0;

	groups_make(names, GROUPS);
	bed_open_sized(&b, HOOKS, 1 << 20, 64 << 10);
	pids[0] = start_in("victim", do_forks, go_victim);
	for (int i = 1; i < GROUPS; i++)
		pids[i] = start_in(names[i], flood, go);
	*go = 1;
	for (int i = 0; lost_quota(&b) < 10000 && i < 5000; i++)
		usleep(1000);
	*go_victim = 1;
	/* Until who floods has sent more than the ring holds at once: that goes on as the reader does. */
	while (!ended || seen.chdirs < 2 * (1u << 20) / sizeof(struct wire_chdir)) {
		ended = ended || waitpid(pids[0], &status, WNOHANG) == pids[0];
		for (int i = 0; i < 40; i++)
			(void)look(&b, &seen);
		usleep(500);
	}
	CHECK_EQ(status, 0);
	for (int i = 1; i < GROUPS; i++)
		end(pids[i]);
	settle(&b, &seen, &st);
	victim_lost_nothing(&seen);
	CHECK_EQ(st.lost[WIRE_RING_RESERVED], st.lost_quota[WIRE_RING_RESERVED]);
	bed_close(&b);
	groups_remove(names, GROUPS);
}

TEST(a_group_alone_has_the_ring_to_itself_up_to_the_share_and_half_of_what_is_left_beyond)
{
	static const char *const names[] = { "attacker" };
	volatile int *go = go_new();
	struct seen seen = { 0 };
	struct wire_stats st;
	struct bed b;
	pid_t pid;

	groups_make(names, 1);
	bed_open_sized(&b, HOOKS, 1 << 20, 64 << 10);
	pid = start_in("attacker", flood, go);
	*go = 1;
	for (int i = 0; lost_quota(&b) < 10000 && i < 5000; i++)
		usleep(1000);
	end(pid);
	settle(&b, &seen, &st);
	/* A quarter and a third of three quarters: half of the ring; its records are 8 bytes longer in there. */
	CHECK(seen.chdirs * (sizeof(struct wire_chdir) + 8) > (1 << 20) * 9 / 20);
	CHECK(seen.chdirs * (sizeof(struct wire_chdir) + 8) < (1 << 20) * 11 / 20);
	bed_close(&b);
	groups_remove(names, 1);
}
