/* SPDX-License-Identifier: Apache-2.0 */
/* Every diagnostic is provoked by the tests before: linked last, since tests run in the order of linking. */
#include "rows.h"

TEST(every_diagnostic_was_provoked)
{
	for (size_t i = 0; i < verify_n_diags; i++) {
		if (!provoked[verify_diags[i].id])
			print_error("V%u (%s) is not provoked\n", verify_diags[i].id, verify_diags[i].title);
		CHECK(provoked[verify_diags[i].id]);
		CHECK(verify_diags[i].title[0] && verify_diags[i].help[0]);
		CHECK(!i || verify_diags[i - 1].id < verify_diags[i].id);
	}
}
