/* SPDX-License-Identifier: Apache-2.0 */
/* kernels: which releases of Linux would load these programs? Nothing is loaded, and it need not run on Linux. */
#include "common.h"

#include <string.h>

static const struct sp_ctx_def request = { .name = "request", .bytes = 16 };
static const struct sp_kernel_type filter = { .section = "filter", .ctx = &request, .ret_min = 0, .ret_max = 1 };

static bool print(void *user, const struct sp_kernel_verdict *v, const struct sp_report *r)
{
	const char *kernel = user;

	if (v->status == SP_OK)
		printf("%s: %s: accepted, %llu of %llu instructions\n", kernel, v->program,
		       (unsigned long long)v->steps, (unsigned long long)v->steps_limit);
	else
		printf("%s: %s: %s: %s\n", kernel, v->program, sp_report_id(r), sp_report_text(r));
	return true;
}

int main(int argc, char **argv)
{
	const char *const kernels[] = { "5.10", "6.1" };
	struct sp_report *report = sp_report_new();
	size_t n = 0;
	void *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;

	if (!bytes) {
		fprintf(stderr, "usage: kernels kernels.bpf.o\n");
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		const struct sp_kernel_opts opts = { .kernel = kernels[i], .memory_max = 64 << 20, .type = &filter };

		must(sp_kernel_verify(bytes, n, &opts, print, (void *)(uintptr_t)kernels[i], report), report);
	}
	free(bytes);
	sp_report_free(report);
	return 0;
}
