/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread: where programs run. A program is immutable and may run in many threads at once; each of those has an
 * sp_thread of its own, which holds the stack. Running allocates nothing.
 */
#ifndef SALLYPORT_PUBLIC_THREAD_H
#define SALLYPORT_PUBLIC_THREAD_H

#include "sallyport/module.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sp_thread;

/* What helpers need of the host. All may be NULL or 0. Called in the running thread. */
struct sp_thread_opts {
	uint32_t cpu;                                            /* number for per-CPU maps and get_smp_processor_id */
	uint64_t (*now_ns)(void *user);                          /* ktime_get_ns; NULL: always 0 */
	uint64_t random_seed;                                    /* get_prandom_u32 */
	void (*print)(void *user, const char *text, size_t len); /* trace_printk */
	void *user;
	uint32_t max_timers; /* that may wait at a time (helpers timer_*); 0: programs cannot make timers */
};

/* NULL: no memory. About 6 KiB. */
struct sp_thread *sp_thread_new(const struct sp_thread_opts *opts);
void sp_thread_free(struct sp_thread *t);

struct sp_run {
	void *ctx;        /* r1 */
	size_t ctx_bytes; /* r2. SP_VERIFIED: at least what the module's context says */
	uint64_t fuel;    /* about the instructions that may run; 0: 1,000,000. SP_VERIFIED counts it only when asked */
	void *user;       /* for sp_call_user */
};

/*
 * *ret is what the program returned; set on success only.
 * SP_FAULT, SP_FUEL: r says at which instruction and source line, and what it wanted; never a signal.
 * SP_INVALID: p is NULL (no program of that name), or a context smaller than the module's. Costs about 5 ns over the
 * program's own work.
 */
SP_MUST_USE enum sp_status sp_run(struct sp_thread *t, const struct sp_program *p, const struct sp_run *args,
				  uint64_t *ret, struct sp_report *r);

/*
 * Timers that programs started in this thread: when the next is due, by now_ns (UINT64_MAX: none waits). O(1).
 */
uint64_t sp_thread_next_timer(const struct sp_thread *t);
/*
 * Run the functions of those that are due at `now`, earliest first, each once; *n: how many ran. The first that fails
 * ends it, with the status of sp_run. args: for each of them.
 */
SP_MUST_USE enum sp_status sp_thread_run_timers(struct sp_thread *t, uint64_t now, const struct sp_run *args,
						uint32_t *n, struct sp_report *r);
/* Before a module whose programs made timers in this thread is freed: they are no more. */
void sp_thread_drop_timers(struct sp_thread *t, const struct sp_module *m);

#ifdef __cplusplus
}
#endif
#endif
