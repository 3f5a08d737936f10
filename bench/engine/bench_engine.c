/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_engine: how much slower than native code is a program here?
 *
 * Each program computes over a 4 KiB buffer, and is compiled for the host from the same source by gcc and by clang:
 * "native" is the faster of the two. The ways to run it stand in one table. Results are compared before anything is
 * timed. Rounds are interleaved (every program, each way, then again), times are the thread's CPU time, each ratio is
 * the median of the rounds' ratios, so that a busy neighbour disturbs all alike. Instructions are counted by the
 * counting build of the interpreter: exact, and not part of what is timed.
 */
#include "bench.h"
#include "engine/jit/jit.h"
#include "engine/obj/obj.h"
#include "engine/vm/impl.h" /* vm_interp_counted */

#include <time.h>

enum { BUF_BYTES = 4096, SAMPLE_NS = 300000, ARENA_BYTES = 64 << 20, COMPILES = 200 };
#define BAR_NS 2.0
#define BAR_VERIFIED 1.35
#define BAR_SANDBOXED 1.8

typedef uint64_t native_fn(uint8_t *mem, uint64_t len);

#define PROG(name) native_fn gcc_##name, clang_##name;
BENCH_PROGS
#undef PROG

static const struct {
	const char *name;
	native_fn *gcc, *clang;
} progs[] = {
#define PROG(name) { #name, gcc_##name, clang_##name },
	BENCH_PROGS
#undef PROG
	{ NULL, NULL, NULL },
};
static const unsigned n_progs = countof(progs) - 1;

enum way { GCC, CLANG, INTERPRETED, VERIFIED, SANDBOXED, N_WAYS };
static const struct {
	const char *name;
	bool native, compiled, sandboxed;
	double bar; /* times native; 0: none */
} ways[N_WAYS] = {
	[GCC] = { "gcc", .native = true },
	[CLANG] = { "clang", .native = true },
	[INTERPRETED] = { "interp" },
	[VERIFIED] = { "verified", .compiled = true, .bar = BAR_VERIFIED },
	[SANDBOXED] = { "sandboxed", .compiled = true, .sandboxed = true, .bar = BAR_SANDBOXED },
};

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
	struct vm_prog *vp[N_WAYS]; /* NULL: native */
	struct jit_image *image[N_WAYS];
	uint64_t insns;
	uint32_t slots;
	size_t code_bytes[N_WAYS];
	double compile_ns[N_WAYS];
	unsigned reps[N_WAYS];
	double ns[N_WAYS][BENCH_ROUNDS], ratio[N_WAYS][BENCH_ROUNDS];
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

static uint64_t run_vm(const struct subject *s, enum way w)
{
	static struct diag d;
	uint64_t r0 = 0;

	if (vm_run(vm, s->vp[w], &run_args, &r0, NULL, &d) != E_OK)
		die("run", &d);
	return r0;
}

static uint64_t run_once(const struct subject *s, unsigned i, enum way w)
{
	return w == GCC ? progs[i].gcc(mem, BUF_BYTES) : w == CLANG ? progs[i].clang(mem, BUF_BYTES) : run_vm(s, w);
}

static struct jit_opts opts_of(enum way w)
{
	return (struct jit_opts){ .target = jit_host(),
				  .features = jit_host_features(),
				  .sandboxed = ways[w].sandboxed };
}

static void compile(struct subject *s, enum way w)
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

static double time_compile(const struct subject *s, enum way w)
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

static void load(struct subject *s, const char *dir, const char *name)
{
	struct vm_prog_opts o = { .profile = &profile, .lookup = find_helper };
	struct arena a;
	struct obj obj;
	struct diag d;
	const struct prog *p;
	AUTO_FREE char *bytes = NULL;
	char path[4096];
	size_t len;

	diag_init(&d);
	arena_init(&a, ARENA_BYTES);
	(void)snprintf(path, sizeof path, "%s/engine/%s.bpf.o", dir, name);
	if (io_read_file(path, OBJ_MAX_BYTES, &bytes, &len, &d) != E_OK ||
	    obj_read(view_of(bytes, len), name, NULL, &a, &obj, &d) != E_OK)
		die(path, &d);
	p = obj_prog(&obj, name);
	for (unsigned w = 0; w < N_WAYS; w++) {
		if (ways[w].native)
			continue;
		if (!p || vm_prog_new(p, &o, &s->vp[w], &d) != E_OK)
			die(path, &d);
		if (ways[w].compiled)
			compile(s, w);
	}
	s->slots = p ? p->n_insns : 0;
	if (p && !strcmp(name, "rules"))
		bench_compile(p, &o);
	arena_done(&a);
}

static void compare_with_native(struct subject *s, unsigned i)
{
	uint64_t want, got;
	struct diag d;

	fill();
	want = progs[i].gcc(mem, BUF_BYTES);
	for (unsigned w = CLANG; w < N_WAYS; w++) {
		fill();
		got = run_once(s, i, w);
		if (got == want)
			continue;
		fprintf(stderr, "bench-engine: %s, %s: got %#llx, gcc's code %#llx\n", progs[i].name, ways[w].name,
			(unsigned long long)got, (unsigned long long)want);
		exit(1);
	}
	if (vm_run_with(vm_interp_counted, vm, s->vp[INTERPRETED], &run_args, &got, NULL, &s->insns, &d) != E_OK)
		die("count", &d);
}

static double sample(const struct subject *s, unsigned i, enum way w, unsigned reps)
{
	double start = bench_now_ns();

	for (unsigned n = 0; n < reps; n++)
		(void)run_once(s, i, w);
	return (bench_now_ns() - start) / reps;
}

static void calibrate(struct subject *s, unsigned i)
{
	for (unsigned w = 0; w < N_WAYS; w++) {
		double ns = sample(s, i, w, 100);

		s->reps[w] = 1 + (unsigned)(SAMPLE_NS / (ns > 1 ? ns : 1));
		s->compile_ns[w] = ways[w].compiled ? time_compile(s, w) : 0;
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
			double native;

			for (unsigned w = 0; w < N_WAYS; w++)
				s->ns[w][round] = sample(s, i, w, s->reps[w]);
			native = s->ns[GCC][round] < s->ns[CLANG][round] ? s->ns[GCC][round] : s->ns[CLANG][round];
			for (unsigned w = 0; w < N_WAYS; w++)
				s->ratio[w][round] = s->ns[w][round] / native;
		}
}

static void row(struct subject *s, const char *name, double *log_ratio)
{
	double ns[N_WAYS];

	printf("%-10s", name);
	for (unsigned w = 0; w < N_WAYS; w++)
		printf(" %9.1f", ns[w] = bench_median(s->ns[w]));
	for (unsigned w = INTERPRETED; w < N_WAYS; w++) {
		double r = bench_median(s->ratio[w]);

		printf(" %9.2f", r);
		log_ratio[w] += __builtin_log(r);
	}
	printf(" %7llu %7.2f\n", (unsigned long long)s->insns, ns[INTERPRETED] / (double)s->insns);
	log_ratio[N_WAYS] += __builtin_log(ns[INTERPRETED] / (double)s->insns);
}

/* `empty` is the price of a call; it has no part in the mean. */
static void report(struct subject *subjects)
{
	double log_ratio[N_WAYS + 1] = { 0 }, none[N_WAYS + 1], ns;
	unsigned n = 0;

	printf("%-10s", "program ns");
	for (unsigned w = 0; w < N_WAYS; w++)
		printf(" %9s", ways[w].name);
	for (unsigned w = INTERPRETED; w < N_WAYS; w++)
		printf(" %9s", ways[w].name);
	printf(" %7s %7s\n", "insns", "ns/insn");
	for (unsigned i = 0; i < n_progs; i++) {
		bool empty = !strcmp(progs[i].name, "empty");

		row(&subjects[i], progs[i].name, empty ? none : log_ratio);
		n += !empty;
	}
	ns = __builtin_exp(log_ratio[N_WAYS] / n);
	bench_parts();
	bench_lookup();
	printf("\ngeomean of %u programs, times native (the second group of columns, too):\n", n);
	for (unsigned w = INTERPRETED; w < N_WAYS; w++) {
		double r = __builtin_exp(log_ratio[w] / n);

		printf("%-10s %6.2f", ways[w].name, r);
		if (ways[w].bar > 0)
			printf(" bar %.2f: %s", ways[w].bar, r <= ways[w].bar ? "met" : "NOT MET");
		printf("\n");
	}
	printf("interpreter: %.2f ns per instruction; bar %.1f ns: %s\n", ns, BAR_NS, ns <= BAR_NS ? "met" : "NOT MET");
}

static void report_compiling(const struct subject *subjects)
{
	printf("\n%-10s %6s", "compiling", "slots");
	for (unsigned w = VERIFIED; w < N_WAYS; w++)
		printf("  %9s us ns/insn  bytes  /insn", ways[w].name);
	printf("\n");
	for (unsigned i = 0; i < n_progs; i++) {
		const struct subject *s = &subjects[i];

		printf("%-10s %6u", progs[i].name, s->slots);
		for (unsigned w = VERIFIED; w < N_WAYS; w++)
			printf("  %12.2f %7.1f %6zu %6.2f", s->compile_ns[w] / 1000, s->compile_ns[w] / s->slots,
			       s->code_bytes[w], (double)s->code_bytes[w] / s->slots);
		printf("\n");
	}
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
	report_compiling(subjects);
	for (unsigned i = 0; i < n_progs; i++)
		for (unsigned w = 0; w < N_WAYS; w++) {
			if (ways[w].compiled)
				jit_detach(subjects[i].vp[w]);
			vm_prog_free(subjects[i].vp[w]);
			jit_image_free(subjects[i].image[w]);
		}
	vm_free(vm);
	return 0;
}
