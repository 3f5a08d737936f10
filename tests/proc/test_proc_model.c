/* SPDX-License-Identifier: Apache-2.0 */
/* proc against a model: random lives of processes, with records missing, compared with what a naive list says. */
#include "sensor/proc/proc.h"

#include "records.h"
#include "test.h"

enum { MODEL_MAX = 4000, MODEL_PIDS = 60, MODEL_STEPS = 12000 };

/* A process that ever was; never removed. */
struct model {
	uint32_t pid;
	uint64_t start_ns;
	int parent; /* index, -1: none or not known to the table */
	bool alive;
	char comm[WIRE_COMM];
	char cmdline[64];
	bool has_image;
};

static struct model m[MODEL_MAX];
static int n_models;
static uint64_t seed, now;

static uint32_t rnd(uint32_t n)
{
	seed = hash_u64(seed + 0x9e3779b97f4a7c15ull);
	return (uint32_t)(seed >> 33) % n;
}

static void header(struct rec *r, uint16_t kind, size_t fixed, const struct model *p)
{
	rec_begin(r, kind, fixed, p->pid, p->start_ns, p->comm, ++now);
}

static int pick_alive(void)
{
	for (int tries = 0; tries < 200; tries++) {
		int i = (int)rnd((uint32_t)n_models);

		if (m[i].alive)
			return i;
	}
	for (int i = 0; i < n_models; i++)
		if (m[i].alive)
			return i;
	return -1;
}

static uint32_t free_pid(void)
{
	for (;;) {
		uint32_t pid = 2 + rnd(MODEL_PIDS);
		bool used = false;

		for (int i = 0; i < n_models; i++)
			used |= m[i].alive && m[i].pid == pid;
		if (!used)
			return pid;
	}
}

static int count_alive(void)
{
	int n = 0;

	for (int i = 0; i < n_models; i++)
		n += m[i].alive;
	return n;
}

static void exec_record(struct proc_table *t, int i)
{
	struct model *p = &m[i];
	struct rec r;
	char args[48];
	int n = snprintf(args, sizeof args, "arg0%cx%u", 0, rnd(1000)) + 1;
	uint32_t name = rnd(1000);

	(void)snprintf(p->comm, sizeof p->comm, "c%u", name);
	(void)snprintf(p->cmdline, sizeof p->cmdline, "c%u %s", name, args + 5);
	p->has_image = true;
	header(&r, WIRE_EXEC, sizeof r.exec, p);
	if (p->parent >= 0 && m[p->parent].alive) {
		r.exec.ppid = m[p->parent].pid;
		r.exec.parent_start_ns = m[p->parent].start_ns;
	}
	CHECK(proc_on_exec(
		t, &r.exec,
		&(struct proc_exec_strs){
			.exe_path = { "/x", 2 }, .cwd = { "/", 1 }, .args = args, .args_len = (uint32_t)n }));
}

static void do_fork(struct proc_table *t, bool lose_record)
{
	int parent = pick_alive();
	struct model *c = &m[n_models];
	struct rec r;

	*c = m[parent];
	c->parent = parent;
	c->pid = free_pid();
	c->start_ns = ++now;
	n_models++;
	if (lose_record) { /* its exec tells of it, and who its parent is */
		exec_record(t, n_models - 1);
		return;
	}
	header(&r, WIRE_FORK, sizeof r.fork, &m[parent]);
	r.fork.child_pid = c->pid;
	r.fork.child_start_ns = c->start_ns;
	CHECK(proc_on_fork(t, &r.fork));
}

static void do_exit(struct proc_table *t)
{
	int i = pick_alive();
	struct rec r;

	if (i == 0 || count_alive() < 3)
		return;
	m[i].alive = false;
	header(&r, WIRE_EXIT, sizeof r.exit, &m[i]);
	CHECK(proc_on_exit(t, &r.exit));
}

static void compare(struct proc_table *t, int i)
{
	struct proc *p = proc_find(t, (struct proc_key){ m[i].pid, m[i].start_ns });
	struct proc_view v;

	CHECK(p && p->alive);
	CHECK(proc_find_pid(t, m[i].pid) == p);
	for (uint32_t depth = 0; depth <= PROC_MAX_ANCESTORS && i >= 0; depth++, i = m[i].parent) {
		p = depth ? p->parent : p;
		CHECK(p != NULL);
		CHECK_EQ(p->key.pid, m[i].pid);
		CHECK_EQ(p->key.start_ns, m[i].start_ns);
		CHECK_STR(p->comm, m[i].comm);
		v = *proc_view(p);
		CHECK_STR(v.cmdline.p, m[i].has_image ? m[i].cmdline : "");
	}
	CHECK(i >= 0 || !p->parent);
}

/* Living ones, and their ancestors as far as anybody can ask. */
static uint32_t needed(void)
{
	static bool mark[MODEL_MAX];
	uint32_t n = 0;

	memset(mark, 0, sizeof mark);
	for (int i = 0; i < n_models; i++)
		for (int k = m[i].alive ? i : -1, depth = 0; k >= 0 && depth <= PROC_MAX_ANCESTORS;
		     k = m[k].parent, depth++) {
			n += !mark[k];
			mark[k] = true;
		}
	return n;
}

static void live(struct proc_table *t, uint32_t lose_percent)
{
	n_models = 1;
	m[0] = (struct model){ .pid = 1, .start_ns = 1, .parent = -1, .alive = true, .comm = "init" };
	exec_record(t, 0);
	for (int i = 0; i < MODEL_STEPS && n_models < MODEL_MAX; i++) {
		uint32_t what = rnd(100);
		bool lose = rnd(100) < lose_percent;
		int alive = count_alive();

		if (what < 45 ? alive < MODEL_PIDS - 5 : alive < 4)
			do_fork(t, lose);
		else if (what < 65)
			exec_record(t, pick_alive());
		else if (what < 95)
			do_exit(t);
		else
			proc_sweep(t, UINT64_MAX);
		if (i % 16 == 0)
			compare(t, pick_alive());
	}
	proc_sweep(t, UINT64_MAX);
	for (int i = 0; i < n_models; i++)
		if (m[i].alive)
			compare(t, i);
}

TEST(random_lives_agree_with_a_naive_list)
{
	for (seed = 1; seed < 6; seed++) {
		struct proc_table *t = NULL;
		uint64_t s = seed;

		CHECK_OK(proc_table_new(&t));
		live(t, 0);
		CHECK_EQ(proc_count(t), needed());
		proc_table_free(t);
		seed = s;
	}
}

TEST(random_lives_with_forks_that_were_lost_still_agree)
{
	for (seed = 11; seed < 14; seed++) {
		struct proc_table *t = NULL;
		uint64_t s = seed;

		CHECK_OK(proc_table_new(&t));
		live(t, 30);
		CHECK_EQ(proc_count(t), needed());
		proc_table_free(t);
		seed = s;
	}
}

TEST(exits_that_were_lost_leave_at_most_one_ghost_per_pid)
{
	struct proc_table *t = NULL;

	CHECK_OK(proc_table_new(&t));
	seed = 21;
	n_models = 1;
	m[0] = (struct model){ .pid = 1, .start_ns = 1, .parent = -1, .alive = true, .comm = "init" };
	exec_record(t, 0);
	while (n_models < MODEL_MAX) {
		struct model *c = &m[n_models];
		struct rec r;

		*c = m[0];
		c->parent = 0;
		c->pid = free_pid();
		c->start_ns = ++now;
		c->alive = false; /* at once, and nobody says so */
		n_models++;
		header(&r, WIRE_FORK, sizeof r.fork, &m[0]);
		r.fork.child_pid = c->pid;
		r.fork.child_start_ns = c->start_ns;
		CHECK(proc_on_fork(t, &r.fork));
		proc_sweep(t, UINT64_MAX);
		CHECK(proc_count(t) <= MODEL_PIDS + 2);
	}
	proc_table_free(t);
}
