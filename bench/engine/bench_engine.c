/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_engine: how much slower than native code is a checked program?
 *
 * Each program computes over a 4 KiB buffer. Its native twin is the same source compiled by the host's compiler.
 * Results are compared before anything is timed. Rounds are interleaved (every program, both ways, then again), times
 * are the thread's CPU time, and each figure is a median, so that a busy neighbour disturbs all alike. Instructions are
 * counted by the counting build of the interpreter: exact, and not part of what is timed.
 */
#include "bench.h"
#include "engine/obj/obj.h"
#include "engine/vm/impl.h" /* vm_interp_counted */

#include <time.h>

enum { BUF_BYTES = 4096, SAMPLE_NS = 400000, ARENA_BYTES = 16 << 20 };
#define BAR_NS 2.0

typedef uint64_t native_fn(uint8_t *mem, uint64_t len);

#define PROG(name) native_fn native_##name;
BENCH_PROGS
#undef PROG

static const struct {
	const char *name;
	native_fn *native;
} progs[] = {
#define PROG(name) { #name, native_##name },
	BENCH_PROGS
#undef PROG
	{ NULL, NULL },
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

struct subject {
	struct vm_prog *vp;
	uint64_t insns;
	unsigned reps[2];
	double ns[2][BENCH_ROUNDS], ratio[BENCH_ROUNDS];
};

static _Alignas(64) uint8_t mem[BUF_BYTES];
static struct vm *vm;

static void die(const char *what, const struct diag *d)
{
	fprintf(stderr, "bench-engine: %s: %s\n", what, d->text);
	exit(1);
}

static void fill(void)
{
	for (size_t i = 0; i < BUF_BYTES; i += 8) {
		uint64_t v = hash_u64(i + 1);

		memcpy(mem + i, &v, 8);
	}
}

double bench_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static const struct vm_run_args run_args = {
	.ctx = mem, .ctx_bytes = BUF_BYTES, .ctx_writable = true, .fuel = UINT64_C(1) << 40
};

static uint64_t run_once(const struct subject *s, vm_interp_fn *interp, uint64_t *executed)
{
	static struct diag d;
	uint64_t r0 = 0;

	if (vm_run_with(interp, vm, s->vp, &run_args, &r0, NULL, executed, &d) != E_OK)
		die("run", &d);
	return r0;
}

static void load(struct subject *s, const char *dir, const char *name)
{
	struct arena a;
	struct obj o;
	struct diag d;
	const struct prog *p;
	AUTO_FREE char *bytes = NULL;
	char path[4096];
	size_t len;

	diag_init(&d);
	arena_init(&a, ARENA_BYTES);
	(void)snprintf(path, sizeof path, "%s/engine/%s.bpf.o", dir, name);
	if (io_read_file(path, OBJ_MAX_BYTES, &bytes, &len, &d) != E_OK ||
	    obj_read(view_of(bytes, len), name, NULL, &a, &o, &d) != E_OK)
		die(path, &d);
	p = obj_prog(&o, name);
	if (!p ||
	    vm_prog_new(p, &(struct vm_prog_opts){ .profile = &profile, .lookup = find_helper }, &s->vp, &d) != E_OK)
		die(path, &d);
	arena_done(&a);
}

static void compare_with_native(struct subject *s, unsigned i)
{
	uint64_t want, got;

	fill();
	want = progs[i].native(mem, BUF_BYTES);
	fill();
	got = run_once(s, vm_interp_counted, &s->insns);
	if (got != want) {
		fprintf(stderr, "bench-engine: %s: got %#llx, native %#llx\n", progs[i].name, (unsigned long long)got,
			(unsigned long long)want);
		exit(1);
	}
}

static double sample(const struct subject *s, unsigned i, unsigned way, unsigned reps)
{
	double start = bench_now_ns();

	for (unsigned n = 0; n < reps; n++) {
		if (way)
			(void)run_once(s, vm_interp, NULL);
		else
			(void)progs[i].native(mem, BUF_BYTES);
	}
	return (bench_now_ns() - start) / reps;
}

static void calibrate(struct subject *s, unsigned i)
{
	for (unsigned way = 0; way < 2; way++) {
		double ns = sample(s, i, way, 100);

		s->reps[way] = 1 + (unsigned)(SAMPLE_NS / (ns > 1 ? ns : 1));
	}
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

static void measure(struct subject *subjects)
{
	for (unsigned round = 0; round < BENCH_ROUNDS; round++)
		for (unsigned i = 0; i < n_progs; i++) {
			struct subject *s = &subjects[i];

			for (unsigned way = 0; way < 2; way++)
				s->ns[way][round] = sample(s, i, way, s->reps[way]);
			s->ratio[round] = s->ns[1][round] / s->ns[0][round];
		}
}

/* `empty` is the price of a call into the interpreter; it has no part in the mean. */
static void report(struct subject *subjects)
{
	double log_ns = 0, log_ratio = 0;
	unsigned n = 0;

	printf("%-10s %12s %12s %8s %10s %8s\n", "program", "native ns", "interp ns", "ratio", "insns", "ns/insn");
	for (unsigned i = 0; i < n_progs; i++) {
		struct subject *s = &subjects[i];
		double native = bench_median(s->ns[0]), interp = bench_median(s->ns[1]), ratio = bench_median(s->ratio);
		double per_insn = interp / (double)s->insns;

		printf("%-10s %12.1f %12.1f %8.1f %10llu %8.2f\n", progs[i].name, native, interp, ratio,
		       (unsigned long long)s->insns, per_insn);
		if (!strcmp(progs[i].name, "empty"))
			continue;
		log_ns += __builtin_log(per_insn);
		log_ratio += __builtin_log(ratio);
		n++;
	}
	log_ns = __builtin_exp(log_ns / n);
	bench_parts();
	printf("\ngeomean of %u: %.1f times native, %.2f ns per instruction; bar %.1f ns: %s\n", n,
	       __builtin_exp(log_ratio / n), log_ns, BAR_NS, log_ns <= BAR_NS ? "met" : "NOT MET");
}

int main(void)
{
	static struct subject subjects[countof(progs)];
	char dir[3500];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof dir - 1);

	if (!n_progs || len < 0) {
		printf("skipped: the benchmark programs were not there when this was built (option bench_progs)\n");
		return 0;
	}
	dir[len] = 0;
	*strrchr(dir, '/') = 0;
	if (vm_new(&vm) != E_OK)
		return 1;
	for (unsigned i = 0; i < n_progs; i++) {
		load(&subjects[i], dir, progs[i].name);
		compare_with_native(&subjects[i], i);
		calibrate(&subjects[i], i);
	}
	measure(subjects);
	report(subjects);
	for (unsigned i = 0; i < n_progs; i++)
		vm_prog_free(subjects[i].vp);
	vm_free(vm);
	return 0;
}
