/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env: what a host offers its programs: helper functions and contexts. Verifier, interpreter and native code read
 * the same rows.
 *
 * Make one, add to it, then load modules with it. It may not change while a module uses it, and is then free to share
 * between threads.
 *
 * A new one has the helpers of Linux that need no kernel, under Linux's numbers: maps (1, 2, 3, 87-89, 195), ring
 * buffers (130-134, 209), loops and callbacks (164, 181), timers (169-172), tail calls (12), random numbers, time and
 * CPU number (5, 7, 8: from the thread, thread.h), trace_printk (6), strncmp (182), strtol, strtoul (105, 106).
 */
#ifndef SALLYPORT_PUBLIC_ENV_H
#define SALLYPORT_PUBLIC_ENV_H

#include "sallyport/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SP_HELPER_MAX_ARGS = 5 };

/* What a helper wants in an argument. The verifier proves it; interpreter and sandboxed code check it at run time. */
enum sp_arg {
	SP_ARG_NONE,         /* there is no such argument, nor one after it */
	SP_ARG_NUMBER,       /* any number; a pointer is refused */
	SP_ARG_MAP,          /* a map: the helper gets a struct sp_map * */
	SP_ARG_MAP_KEY,      /* key_size readable bytes; of the map before it */
	SP_ARG_MAP_VALUE,    /* value_size readable bytes; of the map before it */
	SP_ARG_MEM,          /* readable bytes; how many is the next argument */
	SP_ARG_MEM_WRITE,    /* bytes that the helper fills; how many is the next argument */
	SP_ARG_SIZE,         /* 1 or more; of the memory before it */
	SP_ARG_SIZE_OR_ZERO, /* with 0, the pointer before it is one that may not be followed */
	SP_ARG_CTX,          /* the program's context */
};

enum sp_ret {
	SP_RET_NUMBER,            /* between ret_min and ret_max, signed: the verifier believes it */
	SP_RET_MAP_VALUE_OR_NULL, /* a value of the map argument, or NULL */
};

/* The call at hand, as a helper sees it. */
struct sp_call;
/* What sp_run was given as `user`. */
void *sp_call_user(const struct sp_call *c);
/* Charge fuel for what the helper does: about one for each 4 ns. */
void sp_call_charge(struct sp_call *c, uint64_t fuel);
/* The run shall end with SP_FAULT when the helper returns. */
void sp_call_fault(struct sp_call *c);

/* May run in any thread that runs programs, in several at once. */
typedef uint64_t sp_helper_fn(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, struct sp_call *c);

struct sp_helper {
	uint32_t id;      /* what programs call; 1 to 2^31 - 1. Extern functions of objects find it by name */
	const char *name; /* a C identifier */
	sp_helper_fn *fn;
	enum sp_arg args[SP_HELPER_MAX_ARGS];
	enum sp_ret ret;
	int64_t ret_min, ret_max; /* SP_RET_NUMBER; both 0: any number */
};

/* A field of a context: reads of exactly these bytes are allowed. */
struct sp_ctx_field {
	const char *name;
	uint32_t offset, bytes; /* 1, 2, 4, 8 */
};

/* What r1 points to. */
struct sp_ctx_def {
	const char *name;
	uint32_t bytes;
	const struct sp_ctx_field *fields; /* sorted by offset; NULL: all bytes may be read at any aligned offset */
	uint32_t n_fields;
	bool writable; /* only without fields */
};

struct sp_env;
struct sp_env *sp_env_new(void); /* NULL: no memory */
void sp_env_free(struct sp_env *e);

/* Copied. SP_EXISTS: that number or name is taken; SP_INVALID: a prototype that could not be checked; SP_NOMEM. */
SP_MUST_USE enum sp_status sp_env_add_helper(struct sp_env *e, const struct sp_helper *h, struct sp_report *r);
/* Take one out again, "by default nothing" policies; SP_NOT_FOUND. */
SP_MUST_USE enum sp_status sp_env_remove_helper(struct sp_env *e, uint32_t id);

#ifdef __cplusplus
}
#endif
#endif
