/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: is a program safe? Without running or loading it. Pure: no state is kept, any thread.
 */
#ifndef SALLYPORT_PUBLIC_VERIFY_H
#define SALLYPORT_PUBLIC_VERIFY_H

#include "sallyport/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_verdict {
	const char *program;   /* lives as long as the call of fn */
	enum sp_status status; /* SP_OK, SP_REJECTED, SP_UNSUPPORTED, SP_LIMIT, SP_BUG */
	uint64_t steps;        /* instructions processed */
	uint32_t stack_bytes, states_peak;
};
/* Called for each program; r holds why it was refused. Return false to stop. */
typedef bool sp_verdict_fn(void *user, const struct sp_verdict *v, const struct sp_report *r);

/*
 * Verify every program of an object as sp_module_load would for SP_VERIFIED. SP_OK: all were judged (whatever the
 * verdicts); else as sp_module_load, for the object as a whole.
 */
SP_MUST_USE enum sp_status sp_verify_object(const struct sp_env *env, const void *bytes, size_t n,
					    const struct sp_module_opts *opts, sp_verdict_fn *fn, void *user,
					    struct sp_report *r);

/*
 * ---- Linux ----
 *
 * What would a release of Linux say to this object? Without loading it, on any machine: no file is read, there is no
 * clock, and memory has a cap that the caller sets.
 */

/* Releases that can be asked for, oldest first: "5.10". NULL: there is none at i. Constant. */
const char *sp_kernel_at(size_t i);

/*
 * A program type that Linux does not have: programs in a section of this name, or whose section begins with it and '/'.
 * Its programs may call the helpers of `env`, and Linux's of `helpers`.
 */
struct sp_kernel_type {
	const char *section;
	const struct sp_ctx_def *ctx; /* without fields: plain memory */
	int64_t ret_min, ret_max;     /* what R0 may be at exit */
	const struct sp_env *env;     /* helpers with numbers from 1000 on; NULL: none */
	const uint32_t *helpers;      /* Linux's, by number, sorted; NULL: none */
	size_t n_helpers;
};

struct sp_kernel_opts {
	/* "6.1", "5.14.0-503.el9". A release that sp_kernel_at does not have is judged as the newest before it. */
	const char *kernel;
	/* That very kernel's types (/sys/kernel/btf/vmlinux): what it has beyond its release is taken from them. NULL:
	 * objects that need them are refused. */
	const void *btf;
	size_t btf_bytes;
	size_t memory_max;   /* bytes, for the object and for each program in turn; 0: 256 MiB. Beside it up to
				32 MiB to say why a program is rejected */
	const char *program; /* only this one; NULL: all */
	bool (*cancelled)(void *user); /* asked every some thousand instructions; NULL: never */
	void *user;
	const struct sp_kernel_type *type; /* one more program type; NULL: none */
};

struct sp_kernel_verdict {
	const char *program;   /* lives as long as the call of fn */
	enum sp_status status; /* SP_OK accepted; SP_REJECTED; SP_UNSUPPORTED: it uses what is not modelled; SP_LIMIT:
				  memory_max; SP_CANCELLED */
	uint64_t steps, steps_limit; /* instructions processed, and how many this kernel allows */
	uint32_t states_peak;
	uint32_t stack_bytes, stack_limit;
};
/* Called for each program; r holds why it is not accepted. Return false to stop. */
typedef bool sp_kernel_verdict_fn(void *user, const struct sp_kernel_verdict *v, const struct sp_report *r);

/*
 * bytes  an ELF object, as clang writes it; borrowed for the call
 *
 * SP_OK: all were judged, whatever the verdicts. SP_NOT_FOUND: no such kernel or program; SP_FORMAT, SP_LIMIT,
 * SP_UNSUPPORTED, SP_NOMEM: the object or the types cannot be read, see r.
 */
SP_MUST_USE enum sp_status sp_kernel_verify(const void *bytes, size_t n, const struct sp_kernel_opts *opts,
					    sp_kernel_verdict_fn *fn, void *user, struct sp_report *r);

#ifdef __cplusplus
}
#endif
#endif
