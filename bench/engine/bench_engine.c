/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_engine: how much slower than native code is a program here, in the running kernel, in another runtime?
 *
 * Each program computes over a 4 KiB buffer, and is compiled for the host from the same source by gcc and by clang:
 * "native" is the faster of the two. The ways to run it stand in one table. Results are compared before anything is
 * timed. Rounds are interleaved (every program, each way, then again), times are the thread's CPU time, each ratio is
 * the median of the rounds' ratios, so that a busy neighbour disturbs all alike. The kernel keeps its own time
 * (bench_kernel.c), of a peer it is that of processes (bench_peer.c). Instructions are counted by the counting build of
 * the interpreter: exact, and not part of what is timed.
 */
#include "bench.h"
#include "engine/jit/jit.h"
#include "engine/obj/obj.h"
#include "engine/vm/impl.h" /* vm_interp_counted */

#include <time.h>

enum { SAMPLE_NS = 300000, ARENA_BYTES = 64 << 20, COMPILES = 200, DIR_BYTES = 3500 };

#define PROG(name) bench_native_fn gcc_##name, clang_##name;
BENCH_PROGS
#undef PROG

static const struct {
	const char *name;
	bench_native_fn *gcc, *clang;
} progs[] = {
#define PROG(name) { #name, gcc_##name, clang_##name },
	BENCH_PROGS
#undef PROG
	{ NULL, NULL, NULL },
};
static const unsigned n_progs = countof(progs) - 1;

/* Helper 42 of helper.c: as little as a call can do, out of the optimiser's sight. */
uint64_t native_helper42(void);
__attribute__((noinline)) uint64_t native_helper42(void)
{
	__asm__ volatile("");
	return 7;
}

static uint64_t helper42(HELPER_ARGS(none))
{
	return native_helper42();
}

static helper_fn *find_helper(uint32_t id)
{
	return id == 42 ? helper42 : NULL;
}

static const struct abi_helper helpers[] = {
	{ .id = 42, .name = "helper42", .ret = ABI_RET_SCALAR, .ret_max = UINT32_MAX },
};
static const struct abi_profile profile = { .name = "bench", .helpers = helpers, .n_helpers = countof(helpers) };

static _Alignas(64) uint8_t mem[BENCH_BUF_BYTES];
static struct vm *vm;
static const char *peers[BENCH_MAX_PEERS];
static unsigned n_peers;
static bool kernel_there;

static void die(const char *what, const struct diag *d)
{
	fprintf(stderr, "bench-engine: %s: %s\n", what, d->text);
	exit(1);
}

static bool is_native(unsigned w)
{
	return w < INTERPRETED;
}

static bool is_compiled(unsigned w)
{
	return w == VERIFIED || w == SANDBOXED;
}

bool bench_has(const struct bench_subject *s, unsigned way)
{
	if (way == KERNEL)
		return s->kernel;
	return way < N_OURS || s->peer[way - PEER];
}

/* What pktparse reads: IPv4 with TCP or UDP, one frame of four in a VLAN, one of sixteen something else. */
static void fill_frames(uint8_t *frames)
{
	for (unsigned k = 0; k < 15; k++) {
		uint8_t *type = frames + (size_t)k * 64 + 12;

		if (k % 4 == 3) {
			type[0] = 0x81;
			type[1] = 0;
			type += 4;
		}
		type[0] = 8;
		type[1] = 0;
		type[2] = 0x45;
		type[2 + 9] = k % 2 ? 6 : 17;
	}
}

void bench_fill(uint8_t *to)
{
	for (size_t i = 0; i < BENCH_BUF_BYTES; i += 8) {
		uint64_t v = hash_u64(i + 1);

		memcpy(to + i, &v, 8);
	}
	fill_frames(to + 3072);
}

double bench_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static const struct vm_run_args run_args = {
	.ctx = mem, .ctx_bytes = BENCH_BUF_BYTES, .ctx_writable = true, .fuel = UINT64_C(1) << 40
};

static uint64_t run_vm(const struct bench_subject *s, enum bench_way w)
{
	static struct diag d;
	uint64_t r0 = 0;

	if (vm_run(vm, s->vp[w], &run_args, &r0, NULL, &d) != E_OK)
		die("run", &d);
	return r0;
}

static uint64_t run_once(const struct bench_subject *s, enum bench_way w)
{
	return is_native(w) ? s->native[w](mem, sizeof mem) : run_vm(s, w);
}

static struct jit_opts opts_of(enum bench_way w)
{
	return (struct jit_opts){ .target = jit_host(), .features = jit_host_features(), .sandboxed = w == SANDBOXED };
}

static void compile(struct bench_subject *s, enum bench_way w)
{
	struct jit_opts o = opts_of(w);
	struct jit_code code;
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, ARENA_BYTES);
	if (jit_compile(s->vp[w], &o, &a, &code, &d) != E_OK || jit_map(&code, 1, &s->image[w], &d) != E_OK ||
	    jit_attach(s->vp[w], s->image[w], 0, &d) != E_OK)
		die("compile", &d);
	s->code_bytes[w] = code.code.len;
	arena_done(&a);
}

static double time_compile(const struct bench_subject *s, enum bench_way w)
{
	struct jit_opts o = opts_of(w);
	double start = bench_now_ns();

	for (unsigned n = 0; n < COMPILES; n++) {
		struct jit_code code;
		struct arena a;

		arena_init(&a, ARENA_BYTES);
		if (jit_compile(s->vp[w], &o, &a, &code, NULL) != E_OK)
			exit(1);
		arena_done(&a);
	}
	return (bench_now_ns() - start) / COMPILES;
}

static void prepare(struct bench_subject *s, const struct prog *p)
{
	struct vm_prog_opts o = { .profile = &profile, .lookup = find_helper };
	struct diag d;

	diag_init(&d);
	for (unsigned w = INTERPRETED; w < N_OURS; w++) {
		if (vm_prog_new(p, &o, &s->vp[w], &d) != E_OK)
			die(s->name, &d);
		if (is_compiled(w))
			compile(s, w);
	}
	s->slots = p->n_insns;
	if (!strcmp(s->name, "rules"))
		bench_compile(p, &o);
}

static void load(struct bench_subject *s, const char *dir)
{
	struct arena a;
	struct obj obj;
	struct diag d;
	const struct prog *p;
	AUTO_FREE char *bytes = NULL;
	char path[DIR_BYTES + 200];
	size_t len;

	diag_init(&d);
	arena_init(&a, ARENA_BYTES);
	(void)snprintf(path, sizeof path, "%s/engine/%s.bpf.o", dir, s->name);
	if (io_read_file(path, OBJ_MAX_BYTES, &bytes, &len, &d) != E_OK ||
	    obj_read(view_of(bytes, len), s->name, NULL, &a, &obj, &d) != E_OK)
		die(path, &d);
	p = obj_prog(&obj, s->name);
	if (!p)
		die(path, &d);
	prepare(s, p);
	(void)snprintf(path, sizeof path, "%s/engine/%s.kernel.o", dir, s->name);
	if (kernel_there)
		s->kernel = bench_kernel_load(path);
	for (unsigned i = 0; i < n_peers; i++)
		s->peer[i] = bench_peer_new(peers[i], p, s);
	arena_done(&a);
}

static void check(const struct bench_subject *s, const char *way, uint64_t got, uint64_t want)
{
	if (got == want)
		return;
	fprintf(stderr, "bench-engine: %s, %s: got %#llx, gcc's code %#llx\n", s->name, way, (unsigned long long)got,
		(unsigned long long)want);
	exit(1);
}

/* Peers were compared when they were made. */
static void compare_with_native(struct bench_subject *s)
{
	static const char *const names[] = { "gcc", "clang", "interpreted", "verified", "sandboxed" };
	uint64_t want, got;
	uint32_t ret;
	struct diag d;

	bench_fill(mem);
	want = run_once(s, GCC);
	for (unsigned w = CLANG; w < N_OURS; w++) {
		bench_fill(mem);
		check(s, names[w], run_once(s, w), want);
	}
	/* Its helper 42 is another one: the node's number. */
	if (s->kernel && strcmp(s->name, "helper") != 0) {
		bench_fill(mem);
		bench_kernel_fill(s->kernel, mem);
		(void)bench_kernel_run(s->kernel, 1, &ret);
		check(s, "kernel", ret, want);
	}
	if (vm_run_with(vm_interp_counted, vm, s->vp[INTERPRETED], &run_args, &got, NULL, &s->insns, &d) != E_OK)
		die("count", &d);
}

/* `empty` comes first in each round: what the kernel's test run costs around a program. */
static double sample_kernel(const struct bench_subject *s, unsigned reps)
{
	static double around;
	uint32_t ret;
	double ns = bench_kernel_run(s->kernel, reps, &ret);

	if (strcmp(s->name, "empty") != 0)
		return ns > around ? ns - around : 0;
	return around = ns;
}

static double sample(const struct bench_subject *s, enum bench_way w, unsigned reps)
{
	double start;

	if (w == KERNEL)
		return sample_kernel(s, reps);
	if (w >= PEER)
		return bench_peer_sample(s->peer[w - PEER]);
	start = bench_now_ns();
	for (unsigned n = 0; n < reps; n++)
		(void)run_once(s, w);
	return (bench_now_ns() - start) / reps;
}

static void calibrate(struct bench_subject *s)
{
	for (unsigned w = 0; w < N_OURS; w++) {
		double ns = sample(s, w, 100);

		s->reps[w] = 1 + (unsigned)(SAMPLE_NS / (ns > 1 ? ns : 1));
		s->compile_ns[w] = is_compiled(w) ? time_compile(s, w) : 0;
	}
	s->reps[KERNEL] = s->reps[VERIFIED];
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double bench_median(double *v)
{
	qsort(v, BENCH_ROUNDS, sizeof *v, by_value);
	return v[BENCH_ROUNDS / 2];
}

static void round_of(struct bench_subject *s, unsigned round)
{
	double native;

	for (unsigned w = 0; w < N_WAYS; w++)
		if (bench_has(s, w))
			s->ns[w][round] = sample(s, w, s->reps[w]);
	native = s->ns[GCC][round] < s->ns[CLANG][round] ? s->ns[GCC][round] : s->ns[CLANG][round];
	for (unsigned w = 0; w < N_WAYS; w++)
		s->ratio[w][round] = s->ns[w][round] / native;
}

static void done(struct bench_subject *s)
{
	for (unsigned w = INTERPRETED; w < N_OURS; w++) {
		if (is_compiled(w))
			jit_detach(s->vp[w]);
		vm_prog_free(s->vp[w]);
		jit_image_free(s->image[w]);
	}
	bench_kernel_free(s->kernel);
	for (unsigned i = 0; i < n_peers; i++)
		bench_peer_free(s->peer[i]);
}

static void measure(const char *dir)
{
	static struct bench_subject subjects[countof(progs)];

	for (unsigned i = 0; i < n_progs; i++) {
		struct bench_subject *s = &subjects[i];

		s->name = progs[i].name;
		s->native[GCC] = progs[i].gcc;
		s->native[CLANG] = progs[i].clang;
		load(s, dir);
		compare_with_native(s);
		calibrate(s);
	}
	for (unsigned round = 0; round < BENCH_ROUNDS; round++)
		for (unsigned i = 0; i < n_progs; i++)
			round_of(&subjects[i], round);
	bench_report(subjects, n_progs, peers, n_peers);
	bench_idle(&subjects[0]);
	for (unsigned i = 0; i < n_progs; i++)
		done(&subjects[i]);
}

static bool parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--peer") != 0 || i + 1 == argc || n_peers == BENCH_MAX_PEERS || !*argv[i + 1])
			return false;
		peers[n_peers++] = argv[++i];
	}
	return true;
}

int main(int argc, char **argv)
{
	char dir[DIR_BYTES];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof dir - 1);
	const char *why_not;

	if (!parse(argc, argv)) {
		fprintf(stderr,
			"usage: bench-engine [--peer \"COMMAND [OPTION...]\"]..., at most %d: a plugin of the "
			"bpf_conformance suite\n",
			BENCH_MAX_PEERS);
		return 2;
	}
	if (!n_progs || len < 0) {
		printf("skipped: the benchmark programs were not there when this was built (option bench_progs)\n");
		return 0;
	}
	dir[len] = 0;
	*strrchr(dir, '/') = 0;
	if (vm_new(&vm) != E_OK)
		return 1;
	why_not = bench_kernel_why_not();
	kernel_there = !why_not;
	if (why_not)
		printf("kernel: skipped: bpf(2): %s\n", why_not);
	measure(dir);
	bench_costs();
	bench_parts();
	vm_free(vm);
	return bench_missed();
}
