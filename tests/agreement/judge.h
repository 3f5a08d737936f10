/* SPDX-License-Identifier: Apache-2.0 */
/* judge: what the commands of kjudge share. */
#ifndef SALLYPORT_TESTS_AGREE_JUDGE_H
#define SALLYPORT_TESTS_AGREE_JUDGE_H

#include "agree.h"

enum { MAX_KERNELS = 16 };

struct judge {
	const struct kernel_profile *kernels[MAX_KERNELS];
	uint32_t n_kernels;
	bool live, trace, refine;
	uint32_t log_level;
	uint64_t seed, count;
	uint32_t seconds;
	const char *out;
	const char *program; /* objects: only the one of this name, at length */
	struct agree_ours ours;
	struct agree_kernel *kernel;
	char **config; /* lines of the kernel's configuration */
	size_t n_config;
	char **files;
	int n_files;
	struct btf types; /* the kernel's, in .arena */
	struct arena arena;
};

/* One row of results: id, judge, verdict, diagnostic, instruction, steps, states, peak, µs, line; by tabs. */
void judge_print(const char *id, const char *judge, const struct agree_result *r);

/* Instructions, one a line, on standard output. */
void show_listing(const struct prog *p);
/* A watcher that prints each step of p with the state before it. t->out is to be freed. */
struct show_trace {
	const struct prog *p;
	struct buf out;
};
struct kverify_watcher show_watch(struct show_trace *t, const struct prog *p);

int judge_lines(struct judge *j);
int judge_show(struct judge *j);
int judge_objects(struct judge *j);
int judge_generate(struct judge *j);

#endif
