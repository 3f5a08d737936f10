/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of helpers, functions and callbacks: the verdict and its reason, release by release; and the running kernel's
 * verdict. */
#include "test.h"

#include "calls.h"

TEST(each_release_gives_its_own_reason_for_refusing_a_call)
{
	unsigned wrong = 0;
	struct diag d;

	for (size_t i = 0; i < n_call_rows; i++)
		for (int k = 0; k < CALL_RELEASES; k++) {
			int got = call_judge(&call_rows[i], kernel_profile(call_releases[k]), &d);

			if (got == call_rows[i].want[k])
				continue;
			wrong++;
			print_error("%s, %s: Q%d instead of Q%d (%s)\n", call_rows[i].name, call_releases[k], got,
				    call_rows[i].want[k], got ? d.text : "accepted");
		}
	CHECK_EQ(wrong, 0);
}

TEST(the_running_kernel_judges_the_same_calls_so)
{
	static char log[CALL_LOG_BYTES];
	const struct kernel_profile *k = call_running_kernel();
	unsigned wrong = 0;
	struct diag d;

	if (!k)
		SKIP("the running kernel is of no release that was measured");
	for (size_t i = 0; i < n_call_rows; i++) {
		int kernel = call_ask_kernel(&call_rows[i], log);
		int ours = call_judge(&call_rows[i], k, &d);

		if (kernel < 0)
			SKIP("bpf(2) is not granted");
		if ((ours != 0) == kernel && (!ours || call_rows[i].other_words || call_same_reason(ours, log)))
			continue;
		wrong++;
		print_error("%s: Q%d (%s), the kernel: %.2000s\n", call_rows[i].name, ours, ours ? d.text : "accepted",
			    kernel ? log : "accepted");
	}
	CHECK_EQ(wrong, 0);
}
