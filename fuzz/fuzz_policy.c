/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_policy: any bytes as a policy. What is refused says why and pauses; what is read has a first open moment. */
#include "release/policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct policy_zone_files zones = { 0 };
	int64_t now = 1790000000, next;
	struct policy policy;
	struct arena a;
	struct diags ds;
	enum err err;

	arena_init(&a, 64 << 20);
	diags_init(&ds, &a);
	err = policy_read("fuzz", view_of(p, n), policy_zone_file, &zones, &a, &ds, &policy);
	if (err != E_OK && (!policy.paused || (err == E_REJECTED && !ds.n_errors)))
		abort();
	next = policy_next_open(&policy, now);
	if (next < now || policy_open_at(&policy, now) != (next == now) ||
	    (next != INT64_MAX && !policy_open_at(&policy, next)))
		abort();
	policy_zone_files_done(&zones);
	arena_done(&a);
	return 0;
}
