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

#ifdef __cplusplus
}
#endif
#endif
