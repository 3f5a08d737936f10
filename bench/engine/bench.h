/* SPDX-License-Identifier: Apache-2.0 */
/* bench: what the files of bench-engine share. */
#ifndef SALLYPORT_BENCH_ENGINE_H
#define SALLYPORT_BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_ROUNDS = 41, BENCH_MAX_PEERS = 4, BENCH_BUF_BYTES = 4096 };

typedef uint64_t bench_native_fn(uint8_t *mem, uint64_t len);
struct bench_kernel;
struct bench_peer;
struct jit_image;
struct prog;
struct vm_prog;
struct vm_prog_opts;

/* The ways to run a program. The kernel and the peers may be absent, or fail at some program. */
enum bench_way {
	GCC,
	CLANG,
	INTERPRETED,
	VERIFIED,
	SANDBOXED,
	N_OURS,
	KERNEL = N_OURS,
	PEER,
	N_WAYS = PEER + BENCH_MAX_PEERS
};

struct bench_subject {
	const char *name;
	bench_native_fn *native[INTERPRETED]; /* by way */
	struct vm_prog *vp[N_OURS];           /* NULL: native */
	struct jit_image *image[N_OURS];
	struct bench_kernel *kernel;              /* NULL: it did not take the program */
	struct bench_peer *peer[BENCH_MAX_PEERS]; /* NULL: this one does not run it */
	uint64_t insns;
	uint32_t slots;
	size_t code_bytes[N_OURS];
	double compile_ns[N_OURS];
	unsigned reps[N_WAYS];
	double ns[N_WAYS][BENCH_ROUNDS], ratio[N_WAYS][BENCH_ROUNDS];
};
bool bench_has(const struct bench_subject *s, unsigned way);

/* CPU time of this thread. */
double bench_now_ns(void);
/* Of BENCH_ROUNDS values; sorts them. */
double bench_median(double *v);
/* The buffer that programs compute over, as each of them finds it. */
void bench_fill(uint8_t *mem);

/* One line: a figure and its bar (0: none). Whether any was missed is the exit code. */
void bench_line(const char *what, double value, const char *unit, double bar);
bool bench_missed(void);

void bench_parts(void);
/* Lookups in maps, calls and helper calls: what one costs in a program. */
void bench_costs(void);
/* What a VM holds that does nothing. */
void bench_idle(const struct bench_subject *empty);
/* Compile time and size of a long program, made of that one. */
void bench_compile(const struct prog *rules, const struct vm_prog_opts *o);
/* The tables of all programs; n_peers of them were measured. */
void bench_report(struct bench_subject *s, unsigned n, const char *const *peers, unsigned n_peers);

/*
 * The running kernel, through BPF_PROG_TEST_RUN: the program, compiled from the same source as XDP, whose buffer is the
 * value of a map. NULL when it takes programs; else why not.
 */
const char *bench_kernel_why_not(void);
/* NULL: the kernel did not take it, said on standard error. */
struct bench_kernel *bench_kernel_load(const char *path);
void bench_kernel_free(struct bench_kernel *k);
/* The buffer becomes these BENCH_BUF_BYTES. */
void bench_kernel_fill(const struct bench_kernel *k, const uint8_t *mem);
/* The kernel's own time of one run, mean of that many; its clock stops while it gives way. */
double bench_kernel_run(const struct bench_kernel *k, unsigned repeat, uint32_t *ret);

/*
 * A peer: a command that speaks the plugin protocol of the public conformance suite. It knows no time, so that it is
 * run as a process with bytecode that calls the program k times, and once, and the difference of the processes' CPU
 * times is divided by k - 1.
 * NULL: it does not run this program, or not to the same result, said on standard error.
 */
struct bench_peer *bench_peer_new(const char *cmd, const struct prog *p, const struct bench_subject *s);
void bench_peer_free(struct bench_peer *peer);
double bench_peer_sample(const struct bench_peer *peer);

#endif
