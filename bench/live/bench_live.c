/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_live: what the programs add to a system call.
 *
 * Arms are interleaved, round by round, each round beginning with another arm, so that a drifting machine drifts for
 * all. Shown are floor and median over rounds; on a busy machine the floor is the steadier figure, and "added" is the
 * floor's distance from the floor of "off". The yardstick is "null": programs that only return, on the same hooks.
 * Bars: a call that no hook looks at costs at most IDLE_BAR_NS more than under null; an open that the filter drops by
 * its name at most DROP_BAR_NS more than without a sensor. The exit status says whether they are met.
 */
#include "base/base.h"
#include "kern/kern.h"
#include "sensor/bpf/bpf.h"
#include "sensor/ring/ring.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum {
	ROUNDS = 61,
	N_GETPPID = 20000,
	N_STAT = 3000,
	N_OPEN = 1500,
	N_CONNECT = 1000,
	N_EXEC = 3,
	IDLE_BAR_NS = 15,
	DROP_BAR_NS = 700,
	DEPTH = 10,
	N_FILL = 20 /* runs of TASK_OPEN that fill BULK_BYTES */,
	BULK_BYTES = 4 << 20,
	CLAUSE = 1,
};

enum arm {
	ARM_OFF,
	ARM_NULL,
	ARM_DROP_CLASS,
	ARM_DROP_NAME,
	ARM_DROP_TOP,
	ARM_DROP_ALL,
	ARM_OPEN_LOST,
	ARM_OPEN_SENT,
	ARM_IPC,
	ARM_ALL_SENT,
	N_ARMS
};
enum task { TASK_GETPPID, TASK_STAT, TASK_OPEN, TASK_OPEN_DEEP, TASK_CONNECT, TASK_EXEC, N_TASKS };

static const struct {
	const char *name;
	uint32_t hooks;
	bool reads;
} arms[N_ARMS] = {
	[ARM_OFF] = { "off", 0, false },
	[ARM_NULL] = { "null, on the same hooks", 0, false },
	[ARM_DROP_CLASS] = { "open, dropped: class", KERN_HOOK_OPEN, true },
	[ARM_DROP_NAME] = { "open, dropped: names", KERN_HOOK_OPEN, true },
	[ARM_DROP_TOP] = { "open, dropped: walk", KERN_HOOK_OPEN, true },
	[ARM_DROP_ALL] = { "all hooks, dropped", KERN_HOOK_ALL, true },
	[ARM_OPEN_LOST] = { "open, ring is full", KERN_HOOK_OPEN, false },
	[ARM_OPEN_SENT] = { "open, read", KERN_HOOK_OPEN, true },
	[ARM_IPC] = { "ipc only, read", KERN_HOOK_IPC, true },
	[ARM_ALL_SENT] = { "all hooks, read", KERN_HOOK_ALL, true },
};

static char deep[256];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run_open(const char *path, int n)
{
	for (int i = 0; i < n; i++)
		close(open(path, O_RDONLY));
}

/* Of a datagram socket: nothing is sent. */
static void run_connect(int n)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < n; i++)
		(void)connect(fd, (void *)&a, sizeof a);
	close(fd);
}

static void run_exec(int n)
{
	char *argv[] = { (char *)"true", NULL }, *envp[] = { NULL };

	for (int i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (!pid) {
			(void)execve("/bin/true", argv, envp);
			_exit(127);
		}
		(void)waitpid(pid, NULL, 0);
	}
}

static double run_task(enum task t)
{
	static const int counts[N_TASKS] = { N_GETPPID, N_STAT, N_OPEN, N_OPEN, N_CONNECT, N_EXEC };
	double start = now_ns();
	struct stat st;

	switch (t) {
	case TASK_GETPPID:
		for (int i = 0; i < N_GETPPID; i++)
			syscall(SYS_getppid);
		break;
	case TASK_STAT:
		for (int i = 0; i < N_STAT; i++)
			(void)stat("/etc/hostname", &st);
		break;
	case TASK_OPEN:
	case TASK_OPEN_DEEP:
		run_open(t == TASK_OPEN ? "/etc/hostname" : deep, N_OPEN);
		break;
	case TASK_CONNECT:
		run_connect(N_CONNECT);
		break;
	case TASK_EXEC:
		run_exec(N_EXEC);
		break;
	case N_TASKS:
		break;
	}
	return (now_ns() - start) / counts[t];
}

/* Reads as the worker does: woken by the ring, then at rest for a while, so that it is not woken for each record. */
struct reader {
	struct kern *k;
	struct ring *ring;
	pthread_t thread;
	bool stop;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	struct epoll_event e = { .events = EPOLLIN };
	struct view v;
	int ep = epoll_create1(EPOLL_CLOEXEC);

	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		(void)epoll_ctl(ep, EPOLL_CTL_ADD, kern_ring_fd(r->k, i), &e);
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		(void)epoll_wait(ep, &e, 1, 100);
		while (ring_next(r->ring, &v))
			;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	close(ep);
	return NULL;
}

enum { N_NULL = 4 };

/* Programs that only return, where ours are. */
static bool null_attach(int links[N_NULL])
{
	static const char *const hooks[N_NULL] = { "btf_trace_sys_exit", "btf_trace_sched_process_fork",
						   "btf_trace_sched_process_exec", "btf_trace_sched_process_exit" };
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	static struct btf *btf;
	bool ok = true;

	if (!btf)
		btf = btf__load_vmlinux_btf();
	for (int i = 0; i < N_NULL; i++) {
		LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
		int id = btf ? btf__find_by_name_kind(btf, hooks[i], BTF_KIND_TYPEDEF) : -1, prog;

		opts.attach_btf_id = id < 0 ? 0 : (__u32)id;
		prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "null", "GPL", insns, countof(insns), &opts);
		links[i] = prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);
		if (prog >= 0)
			close(prog);
		ok &= links[i] >= 0;
	}
	return ok;
}

static void null_detach(int links[N_NULL])
{
	for (int i = 0; i < N_NULL; i++)
		if (links[i] >= 0)
			close(links[i]);
}

/* What the arm's filter asks about; no open of the tasks has it. */
static FALLIBLE set_filter(struct kern *k, enum arm a, struct diag *d)
{
	const struct wire_filter_name names[] = { { WIRE_PLACE_LEAF, "shadow" },
						  { WIRE_PLACE_PARENT, "sudoers.d" },
						  { WIRE_PLACE_TOP, "boot" } };
	const uint32_t masks[] = { CLAUSE, CLAUSE, CLAUSE };
	struct wire_filter f = { .kinds = a == ARM_DROP_ALL ? 0 : 1ull << WIRE_OPEN };

	if (a < ARM_DROP_CLASS || a > ARM_DROP_ALL)
		return kern_filter_swap(k, NULL, NULL, NULL, 0, d);
	for (uint32_t c = 0; c < WIRE_OPEN_CLASSES && a != ARM_DROP_CLASS; c++)
		f.open_class[c] = CLAUSE | CLAUSE << 1;
	/* One clause asks for the name, another for the directory; or one for the top alone. */
	if (a == ARM_DROP_TOP) {
		f.any[WIRE_PLACE_LEAF] = f.any[WIRE_PLACE_PARENT] = CLAUSE | CLAUSE << 1;
	} else {
		f.any[WIRE_PLACE_LEAF] = CLAUSE << 1;
		f.any[WIRE_PLACE_PARENT] = CLAUSE;
		f.any[WIRE_PLACE_TOP] = CLAUSE | CLAUSE << 1;
	}
	return kern_filter_swap(k, &f, names, masks, countof(names), d);
}

static FALLIBLE run_arm(struct reader *r, enum arm a, double *out, struct diag *d)
{
	int links[N_NULL] = { -1, -1, -1, -1 };
	struct view v;

	TRY(set_filter(r->k, a, d));
	TRY(kern_attach(r->k, arms[a].hooks, d));
	if (a == ARM_NULL && !null_attach(links))
		FAIL(d, HOST, "the null programs cannot be attached: %m");
	if (a == ARM_OPEN_LOST)
		for (int i = 0; i < N_FILL; i++)
			(void)run_task(TASK_OPEN);
	r->stop = false;
	if (arms[a].reads && pthread_create(&r->thread, NULL, read_all, r))
		FAIL(d, HOST, "no thread");
	for (int t = 0; t < N_TASKS; t++)
		out[t] = run_task((enum task)t);
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	if (arms[a].reads)
		pthread_join(r->thread, NULL);
	null_detach(links);
	TRY(kern_attach(r->k, 0, d));
	while (ring_next(r->ring, &v)) /* every arm starts with empty rings */
		;
	return E_OK;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* DEPTH directories with a file in the last; the process's own, so that runs do not meet. */
static FALLIBLE make_deep(char *root, size_t root_bytes, struct diag *d)
{
	size_t len = (size_t)snprintf(root, root_bytes, "/tmp/sallyport-bench.XXXXXX");
	int fd;

	if (!mkdtemp(root))
		FAIL(d, IO, "cannot make a directory in /tmp: %m");
	memcpy(deep, root, len);
	for (int i = 0; i < DEPTH; i++) {
		len += (size_t)snprintf(deep + len, sizeof deep - len, "/directory");
		if (mkdir(deep, 0755))
			FAIL(d, IO, "cannot make '%s': %m", deep);
	}
	(void)snprintf(deep + len, sizeof deep - len, "/file");
	fd = open(deep, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		FAIL(d, IO, "cannot make '%s': %m", deep);
	close(fd);
	return E_OK;
}

static void remove_deep(void)
{
	char *slash;

	(void)unlink(deep);
	for (int i = 0; i <= DEPTH && (slash = strrchr(deep, '/')); i++) {
		*slash = 0;
		(void)rmdir(deep);
	}
}

static double rounds[N_ARMS][N_TASKS][ROUNDS];

/* The q-th quarter of the rounds: 0 is the floor, 2 the median. */
static double quarter(enum arm a, enum task t, int q)
{
	qsort(rounds[a][t], ROUNDS, sizeof(double), by_value);
	return rounds[a][t][(ROUNDS - 1) * q / 4];
}

/* True when the bars are met. */
static bool print_table(void)
{
	static const char *const task_names[N_TASKS] = { "getppid",          "stat",    "open+close",
							 "open+close, deep", "connect", "vfork+exec" };
	double off[N_TASKS], null_added = 0, idle = 0, drop = 0;
	bool ok;

	printf("%-24s", "floor/median, added: ns");
	for (int t = 0; t < N_TASKS; t++)
		printf(" %21s", task_names[t]);
	printf("\n");
	for (int a = 0; a < N_ARMS; a++) {
		printf("%-24s", arms[a].name);
		for (int t = 0; t < N_TASKS; t++) {
			double floor_ns = quarter((enum arm)a, (enum task)t, 0), added;

			if (a == ARM_OFF)
				off[t] = floor_ns;
			added = floor_ns - off[t];
			printf(" %6.0f/%6.0f %+7.0f", floor_ns, quarter((enum arm)a, (enum task)t, 2), added);
			if (t == TASK_GETPPID && a == ARM_NULL)
				null_added = added;
			if (t == TASK_GETPPID && a > ARM_NULL && added - null_added > idle)
				idle = added - null_added;
			if (t == TASK_OPEN && a == ARM_DROP_NAME)
				drop = added;
		}
		printf("\n");
	}
	ok = idle <= IDLE_BAR_NS && drop <= DROP_BAR_NS;
	printf("bars: a call without a hook adds null + %.0f ns (at most %d), an open that is dropped by its names "
	       "%.0f "
	       "ns (at most %d): %s\n",
	       idle, IDLE_BAR_NS, drop, DROP_BAR_NS, ok ? "met" : "NOT met");
	return ok;
}

static FALLIBLE measure(struct reader *r, struct diag *d)
{
	for (int i = 0; i < ROUNDS; i++)
		for (int j = 0; j < N_ARMS; j++) {
			enum arm a = (enum arm)((i + j) % N_ARMS);
			double ns[N_TASKS];

			TRY(run_arm(r, a, ns, d));
			for (int t = 0; t < N_TASKS; t++)
				rounds[a][t][i] = ns[t];
		}
	return E_OK;
}

static FALLIBLE open_and_measure(struct reader *r, struct diag *d)
{
	struct kern_opts o = {
		.object = view_of(sensor_bpf_object, (size_t)(sensor_bpf_object_end - sensor_bpf_object)),
		.reserved_bytes = 1 << 20,
		.bulk_bytes = BULK_BYTES,
	};
	char root[64];

	TRY(make_deep(root, sizeof root, d));
	TRY(kern_open(&o, &r->k, d));
	TRY(ring_open((int[]){ kern_ring_fd(r->k, 0), kern_ring_fd(r->k, 1) },
		      (uint32_t[]){ o.reserved_bytes, o.bulk_bytes }, WIRE_N_RINGS, &r->ring, d));
	return measure(r, d);
}

int main(void)
{
	struct reader r = { 0 };
	struct diag d;
	enum err e;
	bool ok;

	diag_init(&d);
	e = open_and_measure(&r, &d);
	ring_close(r.ring);
	kern_close(r.k);
	remove_deep();
	if (e != E_OK) {
		fprintf(stderr, "bench-live: %s\n", d.text[0] ? d.text : err_text(e));
		return 3;
	}
	ok = print_table();
	return ok ? 0 : 1;
}
