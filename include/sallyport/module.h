/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module: an object file, loaded: its maps made, its programs verified and compiled.
 *
 *   sp_module_load(env, bytes, n, NULL, &m, r)   then   sp_module_program(m, "main")
 *
 * Takes what clang 14 and later write for the bpf target, at -mcpu=v1 to v4: several programs, functions in any
 * section, maps, global variables, extern functions by name, CO-RE. Programs are the global functions outside of .text.
 */
#ifndef SALLYPORT_PUBLIC_MODULE_H
#define SALLYPORT_PUBLIC_MODULE_H

#include "sallyport/env.h"
#include "sallyport/map.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How safe, and how fast: docs/embedding/README.md compares them. */
enum sp_setting {
	/* Verified where the verifier accepts, and this host has native code; SP_REJECTED otherwise. */
	SP_VERIFIED,
	/* Native code that checks what it does. Needs no verifier: a bad access, spent fuel, a stack too deep end in an
	   error. */
	SP_SANDBOXED,
	/* The interpreter, which checks everything. Any host. */
	SP_INTERPRETED,
};

struct sp_named_map {
	const char *name;
	struct sp_map *map;
};

struct sp_extern {
	const char *name;
	uint64_t value;
};

struct sp_module_opts {
	enum sp_setting setting;
	const struct sp_ctx_def *ctx;     /* of all its programs; NULL: none, r1 is NULL */
	int64_t ret_min, ret_max;         /* what programs may return, for the verifier; both 0: any number */
	uint64_t verify_steps;            /* instructions that the verifier may process for a program; 0: 1,000,000 */
	size_t memory_max;                /* bytes that loading may take; 0: 256 MiB */
	bool fuel;                        /* SP_VERIFIED: count fuel all the same */
	bool blind_constants, retpolines; /* of native code */
	uint64_t blind_seed;
	const char *const *sections; /* programs of these sections only; NULL: all */
	uint32_t n_sections;
	/* Maps to use instead of new ones, by name: shared with other modules. The shapes must be equal. */
	const struct sp_named_map *maps;
	uint32_t n_maps;
	/* Values of .kconfig externs, by name. */
	const struct sp_extern *externs;
	uint32_t n_externs;
	const void *target_btf; /* for CO-RE: what memory looks like; NULL: as the object says */
	size_t target_btf_bytes;
	uint32_t n_cpus; /* of per-CPU maps; 0: 1 */
	/*
	 * Tell debuggers of the native code: names, source lines, how to unwind (GDB's JIT interface). It
	 * is a list of the whole process, under a lock of the library's: the only state that modules share.
	 */
	bool gdb;
};

struct sp_module;
struct sp_program;

/*
 * bytes  an object file, at most 16 MiB. Hostile bytes are fine: nothing is believed. Borrowed during the call.
 * opts   NULL: SP_VERIFIED, no context
 *
 * SP_FORMAT, SP_UNSUPPORTED, SP_LIMIT, SP_REJECTED, SP_NOT_FOUND (an extern that nobody gave), SP_NOMEM; r says where.
 * Any thread; env is only read.
 */
SP_MUST_USE enum sp_status sp_module_load(const struct sp_env *env, const void *bytes, size_t n,
					  const struct sp_module_opts *opts, struct sp_module **out,
					  struct sp_report *r);
/* The same for bare instructions: one program, "main", without maps. */
SP_MUST_USE enum sp_status sp_module_load_code(const struct sp_env *env, const void *code, size_t bytes,
					       const struct sp_module_opts *opts, struct sp_module **out,
					       struct sp_report *r);
/*
 * Append a line for each program's native code to fd, which is /tmp/perf-PID.map: perf names samples by it.
 * SP_NOT_FOUND: the module is interpreted; SP_INVALID: fd cannot be written, or a control character in a name. Any
 * thread; lines of modules that write to one fd at the same time do not mix when it was opened with O_APPEND.
 */
SP_MUST_USE enum sp_status sp_module_perf_map(const struct sp_module *m, int fd);
/* No program of it may be running, and no prog array hold one. */
void sp_module_free(struct sp_module *m);

uint32_t sp_module_n_programs(const struct sp_module *m);
const struct sp_program *sp_module_program_at(const struct sp_module *m, uint32_t i);
/* By function name; NULL. */
const struct sp_program *sp_module_program(const struct sp_module *m, const char *name);
uint32_t sp_module_n_maps(const struct sp_module *m);
struct sp_map *sp_module_map_at(const struct sp_module *m, uint32_t i);
/* By name (".rodata", "counts"); NULL. Lives as long as the module, unless the caller takes a reference. */
struct sp_map *sp_module_map(const struct sp_module *m, const char *name);

const char *sp_program_name(const struct sp_program *p);
const char *sp_program_section(const struct sp_program *p);
/* What the verifier said, for SP_VERIFIED: instructions that it processed, deepest stack. */
struct sp_program_stats {
	uint32_t insns;        /* slots */
	uint64_t verify_steps; /* 0: not verified */
	uint32_t stack_bytes;
	uint32_t native_bytes; /* 0: interpreted */
	size_t memory;         /* bytes that it holds, native code aside */
};
void sp_program_stats(const struct sp_program *p, struct sp_program_stats *out);
/* A program into a prog array, for tail calls; NULL takes it out. SP_INVALID: another env or setting. */
SP_MUST_USE enum sp_status sp_map_set_program(struct sp_map *prog_array, uint32_t index, const struct sp_program *p);

#ifdef __cplusplus
}
#endif
#endif
