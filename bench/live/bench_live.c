/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_live: what the programs add to a system call.
 *
 * Arms are interleaved, round by round, each round beginning with another arm, so that a drifting machine drifts for
 * all. Shown are floor and median over rounds; on a busy machine the floor is the steadier figure, and "added" is the
 * floor's distance from the floor of "off". The yardstick is "null": a program that only returns, on the same hook. A
 * call that no hook looks at may cost at most BAR_NS more than under null; the exit status says whether it did.
 */
#include "base/base.h"
#include "kern/kern.h"
#include "sensor/bpf/bpf.h"
#include "sensor/ring/ring.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	ROUNDS = 101,
	N_GETPPID = 20000,
	N_OPEN = 1500,
	BAR_NS = 15,
	DEPTH = 10,
	N_FILL = 20 /* runs of TASK_OPEN that fill BULK_BYTES */,
	BULK_BYTES = 4 << 20
};

enum arm { ARM_OFF, ARM_NULL, ARM_OPEN_LOST, ARM_OPEN_SENT, ARM_IPC, ARM_ALL_SENT, N_ARMS };
enum task { TASK_GETPPID, TASK_OPEN, TASK_OPEN_DEEP, N_TASKS };

static const char *const arm_names[N_ARMS] = {
	"off", "null tp_btf/sys_exit", "open, ring is full", "open, read", "ipc only, read", "all hooks, read",
};
static const uint32_t arm_hooks[N_ARMS] = { 0, 0, KERN_HOOK_OPEN, KERN_HOOK_OPEN, KERN_HOOK_IPC, KERN_HOOK_ALL };

static char deep[256];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double run_task(enum task t)
{
	const char *path = t == TASK_OPEN_DEEP ? deep : "/etc/hostname";
	int n = t == TASK_GETPPID ? N_GETPPID : N_OPEN;
	double start = now_ns();

	if (t == TASK_GETPPID)
		for (int i = 0; i < n; i++)
			syscall(SYS_getppid);
	else
		for (int i = 0; i < n; i++)
			close(open(path, O_RDONLY));
	return (now_ns() - start) / n;
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

static int null_attach(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "btf_trace_sys_exit", BTF_KIND_TYPEDEF) : -1, prog, link;

	btf__free(btf);
	if (id < 0)
		return -1;
	opts.attach_btf_id = (__u32)id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "null", "GPL", insns, countof(insns), &opts);
	link = prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);
	if (prog >= 0)
		close(prog);
	return link;
}

static FALLIBLE run_arm(struct reader *r, enum arm a, double *out, struct diag *d)
{
	bool reads = a >= ARM_OPEN_SENT;
	int null_link = -1;
	struct view v;

	TRY(kern_attach(r->k, arm_hooks[a], d));
	if (a == ARM_NULL) {
		null_link = null_attach();
		if (null_link < 0)
			FAIL(d, HOST, "the null program cannot be attached: %m");
	}
	if (a == ARM_OPEN_LOST)
		for (int i = 0; i < N_FILL; i++)
			(void)run_task(TASK_OPEN);
	r->stop = false;
	if (reads && pthread_create(&r->thread, NULL, read_all, r))
		FAIL(d, HOST, "no thread");
	for (int t = 0; t < N_TASKS; t++)
		out[t] = run_task((enum task)t);
	__atomic_store_n(&r->stop, true, __ATOMIC_RELAXED);
	if (reads)
		pthread_join(r->thread, NULL);
	if (null_link >= 0)
		close(null_link);
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

/* True when a call without a hook stays within the bar. */
static bool print_table(void)
{
	static const char *const task_names[N_TASKS] = { "getppid", "open+close", "open+close, 12 deep" };
	double off[N_TASKS], null_added = 0;
	bool ok = true;

	printf("%-20s", "floor/median, ns");
	for (int t = 0; t < N_TASKS; t++)
		printf(" %21s", task_names[t]);
	printf("\n");
	for (int a = 0; a < N_ARMS; a++) {
		printf("%-20s", arm_names[a]);
		for (int t = 0; t < N_TASKS; t++) {
			double floor_ns = quarter((enum arm)a, (enum task)t, 0);

			if (a == ARM_OFF)
				off[t] = floor_ns;
			printf(" %6.0f/%6.0f %+7.0f", floor_ns, quarter((enum arm)a, (enum task)t, 2),
			       floor_ns - off[t]);
			if (t == TASK_GETPPID && a == ARM_NULL)
				null_added = floor_ns - off[t];
			if (t == TASK_GETPPID && a > ARM_NULL && floor_ns - off[t] > null_added + BAR_NS)
				ok = false;
		}
		printf("\n");
	}
	printf("bar: a call without a hook adds at most null + %d ns: %s\n", BAR_NS, ok ? "met" : "NOT met");
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
