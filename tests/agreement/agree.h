/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agree: one program as data, and what two judges say of it: kverify for a release, and the running kernel.
 *
 * A program is bare: code, the shapes of its maps, the place where it goes. Programs that need more of an object
 * (CO-RE, data sections, externs) go through objects.c.
 */
#ifndef SALLYPORT_TESTS_AGREE_H
#define SALLYPORT_TESTS_AGREE_H

#include "engine/kverify/kverify.h"

enum { AGREE_MAX_MAPS = 64, AGREE_MAX_FUNCS = 64, AGREE_MAX_KFUNCS = 16, AGREE_LINE = 240 };

struct agree_map {
	uint32_t kind, key, value, entries, flags;
	uint32_t btf_key, btf_value; /* types of the program's BTF; 0: none */
};

struct agree_func {
	uint32_t start, type; /* slot; BTF_FUNC of the program's BTF */
};

/* Calls of kernel functions by a number of the program's own, which stands for a name; each kernel has its own numbers.
 */
struct agree_kfunc {
	uint32_t number;
	const char *name;
};

struct agree_program {
	const char *id;
	uint32_t prog_type, attach_type;
	uint32_t flags;          /* BPF_F_*, as bpf(2) takes them */
	const char *attach_name; /* "bpf_fentry_test1", a hook's name for LSM; NULL: none */
	struct agree_map maps[AGREE_MAX_MAPS];
	uint32_t n_maps;
	struct agree_func funcs[AGREE_MAX_FUNCS];
	uint32_t n_funcs;
	struct agree_kfunc kfuncs[AGREE_MAX_KFUNCS];
	uint32_t n_kfuncs;
	struct view btf;  /* of the program: types of map values and functions */
	struct view code; /* references to maps hold an index; one that is out of range stands for a bad descriptor */
};

enum agree_verdict {
	AGREE_ACCEPT,
	AGREE_REJECT,
	AGREE_UNSUPPORTED, /* kverify does not model it */
	AGREE_BUG,         /* a broken invariant, or no memory */
	AGREE_ENV,         /* the kernel never judged it: no such map kind, attach target, permission */
};

struct agree_result {
	enum agree_verdict verdict;
	char id[12];           /* kverify's, "" when it accepts */
	char line[AGREE_LINE]; /* the last line of the log */
	uint64_t insn;         /* kverify: where; UINT64_MAX: nowhere */
	uint64_t steps;
	uint32_t states_total, states_peak;
	uint64_t us;
};

const char *agree_verdict_name(enum agree_verdict v);

/*
 * One line of text, fields separated by tabs:
 *   id type attach_type flags attach_name|- maps|- funcs|- kfuncs|- btf-hex|- code-hex
 *   maps:  kind,key,value,entries,flags,btf_key,btf_value;...   by index
 *   funcs: slot,type;...
 *   kfuncs: number=name;...
 * E_FORMAT names the field. Strings point into line, which is cut up; bytes lie in the arena.
 */
FALLIBLE agree_parse(char *line, struct arena *a, struct agree_program *out, struct diag *d);
/* The same line, without newline. */
void agree_print(const struct agree_program *p, struct buf *out);

/* The BTF id of a kernel function that the program calls by this number; the number where it has no name for it, 0
 * where the kernel has none of that name. */
uint32_t agree_kfunc_id(const struct agree_program *p, uint32_t number, const struct btf *kernel_types);

/* As the engine's loader gives it. *types: the program's BTF, NULL when it has none. */
struct agree_prog {
	struct prog prog;
	struct kernel_target target;
	struct btf btf;
	const struct btf *types;
};
FALLIBLE agree_to_prog(const struct agree_program *p, const struct btf *kernel_types, struct arena *a,
		       struct agree_prog *out, struct diag *d);

/* What kverify judges with, shared by all programs. */
struct agree_ours {
	const struct btf *kernel_types; /* NULL: none */
	size_t arena_bytes;
	uint32_t cpus;                         /* of the running machine, when its kernel is meant; 0: not known */
	const struct kverify_watcher *watcher; /* NULL: none */
};
void agree_judge(const struct agree_ours *o, const struct kernel_profile *k, const struct agree_program *p,
		 struct agree_result *out);
/* The same of a program that came otherwise; the arena holds it and is used up. */
void agree_judge_prog(const struct agree_ours *o, const struct prog *p, struct kverify_opts *opts, struct arena *a,
		      struct agree_result *out);

/* The running kernel: bpf(2), root. Maps are made once for each shape and kept. */
struct agree_kernel;
struct agree_kernel *agree_kernel_new(const struct btf *kernel_types);
void agree_kernel_free(struct agree_kernel *k);
/* level: of the log, 4 for the last line only. *log: all of it, until the next call; NULL when it is not wanted. */
void agree_load(struct agree_kernel *k, const struct agree_program *p, uint32_t level, struct agree_result *out,
		const char **log);
/* The last line that says why, and the counts, of a kernel's log. */
void agree_read_log(const char *log, struct agree_result *out);

/* The running kernel's BTF, and its release as KERNEL_V. E_HOST: it has none. */
FALLIBLE agree_host_types(struct arena *a, const char *path, struct btf *out, struct diag *d);
uint16_t agree_host_release(void);

#endif
