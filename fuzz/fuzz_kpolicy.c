/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kpolicy: any text as a policy for `verify`, and what it says of a program. Messages go to standard error: run
 * with -close_fd_mask=2.
 */
#include "cli/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct isa_insn insns[] = { { .sem = ISA_CALL, .aux = ISA_CALL_HELPER, .imm = 1 }, { .sem = ISA_EXIT } };
	static const struct prog_map map = {
		.name = "m", .kind = 2, .key_size = 4, .value_size = UINT32_MAX, .max_entries = UINT32_MAX
	};
	static const struct prog prog = { .name = "p", .insns = insns, .n_insns = 2, .maps = &map, .n_maps = 1 };
	const struct verify_kernel kernel = { .profile = &kernel_profiles[0] };
	const struct verify_outcome o = { .kernel = &kernel,
					  .prog = &prog,
					  .stats = {
						  .steps = 1000000, .stack_bytes = 512, .states_peak = UINT32_MAX } };
	struct verify_policy *policy = NULL;
	int code = verify_policy_read("fuzz", (const char *)p, n, &policy);

	if (code && code != CLI_REFUSED)
		abort();
	if (!code)
		(void)verify_policy_check(policy, &o);
	verify_policy_free(policy);
	return 0;
}
