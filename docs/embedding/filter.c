/* SPDX-License-Identifier: Apache-2.0 */
/* filter: programs that judge requests. The verifier knows which fields a request has, and refuses a program that reads
 * others. */
#include "common.h"

#include <stddef.h>

struct request {
	uint32_t method, port;
	uint64_t bytes;
};

static const struct sp_ctx_field fields[] = {
	{ "method", offsetof(struct request, method), 4 },
	{ "port", offsetof(struct request, port), 4 },
	{ "bytes", offsetof(struct request, bytes), 8 },
};

static const struct sp_ctx_def request_ctx = {
	.name = "request", .bytes = sizeof(struct request), .fields = fields, .n_fields = 3
};

int main(int argc, char **argv)
{
	const char *good = "filter", *bad = "broken";
	struct sp_module_opts opts = {
		.ctx = &request_ctx, .ret_min = 0, .ret_max = 1, .sections = &good, .n_sections = 1
	};
	static struct request requests[] = { { 1, 80, 200 }, { 2, 8080, 5000000 }, { 2, 443, 5000000 } };
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	struct sp_thread *thread = must_have(sp_thread_new(NULL));
	struct sp_module *module;
	size_t n = 0;
	void *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;

	if (!bytes) {
		fprintf(stderr, "usage: filter filter.bpf.o\n");
		return 2;
	}
	must(sp_module_load(env, bytes, n, &opts, &module, report), report);
	for (int i = 0; i < 3; i++) {
		struct sp_run run = { .ctx = &requests[i], .ctx_bytes = sizeof requests[i] };
		uint64_t ret;

		must(sp_run(thread, sp_module_program(module, "refuse_uploads"), &run, &ret, report), report);
		printf("request %d: %s\n", i, ret ? "refused" : "allowed");
	}
	sp_module_free(module);

	/* The other program is never run. */
	opts.sections = &bad;
	if (sp_module_load(env, bytes, n, &opts, &module, report) != SP_REJECTED)
		return 1;
	printf("not loaded: %s: %s\n", sp_report_id(report), sp_report_text(report));

	free(bytes);
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
