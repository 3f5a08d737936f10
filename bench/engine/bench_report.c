/* SPDX-License-Identifier: Apache-2.0 */
/* bench_report: the tables of bench-engine, and each bar beside its figure. */
#include "bench.h"

#include "base/base.h"

#define BAR_NS 2.0
#define BAR_VERIFIED 1.35
#define BAR_SANDBOXED 1.8
#define BAR_FLOOR_US 10.0

static bool missed;

void bench_line(const char *what, double value, const char *unit, double bar)
{
	printf("%-48s %10.2f %-11s", what, value, unit);
	if (bar > 0) {
		printf(" bar %g: %s", bar, value <= bar ? "met" : "NOT MET");
		missed |= value > bar;
	}
	printf("\n");
}

bool bench_missed(void)
{
	return missed;
}

static const char *way_name(unsigned way)
{
	static const char *const names[] = {
		[GCC] = "gcc",           [CLANG] = "clang",         [INTERPRETED] = "interp",
		[VERIFIED] = "verified", [SANDBOXED] = "sandboxed", [KERNEL] = "kernel"
	};
	static char peer[16];

	if (way < PEER)
		return names[way];
	(void)snprintf(peer, sizeof peer, "peer%u", way - PEER + 1);
	return peer;
}

static void heading(const char *title, unsigned first, unsigned end)
{
	printf("\n%-10s", title);
	for (unsigned w = first; w < end; w++)
		printf(" %9s", way_name(w));
}

static void cells(struct bench_subject *s, double (*v)[BENCH_ROUNDS], unsigned first, unsigned end)
{
	printf("%-10s", s->name);
	for (unsigned w = first; w < end; w++) {
		if (bench_has(s, w))
			printf(" %9.*f", v == s->ns ? 1 : 2, bench_median(v[w]));
		else
			printf(" %9s", "-");
	}
}

static void times(struct bench_subject *s, unsigned n, unsigned end)
{
	heading("ns", GCC, end);
	printf(" %7s %7s\n", "insns", "ns/insn");
	for (unsigned i = 0; i < n; i++) {
		cells(&s[i], s[i].ns, GCC, end);
		printf(" %7llu %7.2f\n", (unsigned long long)s[i].insns,
		       bench_median(s[i].ns[INTERPRETED]) / (double)s[i].insns);
	}
}

static void ratios(struct bench_subject *s, unsigned n, unsigned end)
{
	heading("x native", INTERPRETED, end);
	printf("\n");
	for (unsigned i = 0; i < n; i++) {
		cells(&s[i], s[i].ratio, INTERPRETED, end);
		printf("\n");
	}
}

/* `empty` is the price of a call; it has no part in the means. */
static bool counts(const struct bench_subject *s, unsigned way)
{
	return strcmp(s->name, "empty") != 0 && bench_has(s, way);
}

static void mean(struct bench_subject *s, unsigned n, unsigned way)
{
	const double bars[N_WAYS] = { [VERIFIED] = BAR_VERIFIED, [SANDBOXED] = BAR_SANDBOXED };
	double logs = 0, same = 0;
	unsigned k = 0;
	char name[64];

	for (unsigned i = 0; i < n; i++) {
		if (!counts(&s[i], way))
			continue;
		logs += __builtin_log(bench_median(s[i].ratio[way]));
		same += __builtin_log(bench_median(s[i].ratio[VERIFIED]));
		k++;
	}
	if (!k)
		return;
	(void)snprintf(name, sizeof name, "%s, geomean of %u programs", way_name(way), k);
	bench_line(name, __builtin_exp(logs / k), "x native", bars[way]);
	if (way < N_OURS)
		return;
	(void)snprintf(name, sizeof name, "  verified, of the same programs");
	bench_line(name, __builtin_exp(same / k), "x native", 0);
}

static void interpreter(struct bench_subject *s, unsigned n)
{
	double logs = 0;
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++)
		if (counts(&s[i], INTERPRETED)) {
			logs += __builtin_log(bench_median(s[i].ns[INTERPRETED]) / (double)s[i].insns);
			k++;
		}
	bench_line("interpreter", __builtin_exp(logs / k), "ns/insn", BAR_NS);
}

static void compiling(const struct bench_subject *s, unsigned n)
{
	printf("\n%-10s %6s", "compiling", "slots");
	for (unsigned w = VERIFIED; w < N_OURS; w++)
		printf("  %9s us ns/insn  bytes  /insn", way_name(w));
	printf("\n");
	for (unsigned i = 0; i < n; i++) {
		printf("%-10s %6u", s[i].name, s[i].slots);
		for (unsigned w = VERIFIED; w < N_OURS; w++)
			printf("  %12.2f %7.1f %6zu %6.2f", s[i].compile_ns[w] / 1000, s[i].compile_ns[w] / s[i].slots,
			       s[i].code_bytes[w], (double)s[i].code_bytes[w] / s[i].slots);
		printf("\n");
	}
}

void bench_report(struct bench_subject *s, unsigned n, const char *const *peers, unsigned n_peers)
{
	unsigned end = PEER + n_peers;

	for (unsigned i = 0; i < n_peers; i++)
		printf("peer%u: %s\n", i + 1, peers[i]);
	if (n_peers)
		printf("A peer's time is a difference of CPU times of processes, in microseconds, over many calls.\n");
	times(s, n, end);
	printf("'-': not run so; a peer has no helper to call. kernel: without what its `empty` takes, and that is "
	       "all.\n");
	ratios(s, n, end);
	printf("\n");
	for (unsigned w = INTERPRETED; w < end; w++)
		mean(s, n, w);
	interpreter(s, n);
	compiling(s, n);
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(s[i].name, "empty"))
			bench_line("compiling `empty`, verified", s[i].compile_ns[VERIFIED] / 1000, "us", BAR_FLOOR_US);
}
