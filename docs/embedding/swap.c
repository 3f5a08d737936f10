/* SPDX-License-Identifier: Apache-2.0 */
/* swap: a new version of a program while the host goes on. What threads run is a pointer; the old module is freed when
 * no thread runs it any more, and the map in which both count stays. */
#include "common.h"

#include <string.h>

static struct sp_module *load(const struct sp_env *env, const void *bytes, size_t n, struct sp_map *visits,
			      struct sp_report *report)
{
	static const struct sp_ctx_def ctx = { .name = "visit", .bytes = 8 };
	struct sp_named_map shared = { "visits", visits };
	struct sp_module_opts opts = { .ctx = &ctx, .maps = &shared, .n_maps = visits ? 1 : 0 };
	struct sp_module *module;

	must(sp_module_load(env, bytes, n, &opts, &module, report), report);
	return module;
}

int main(int argc, char **argv)
{
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	struct sp_thread *thread = must_have(sp_thread_new(NULL));
	uint32_t visit[2] = { 7, 1 };
	const struct sp_run run = { .ctx = visit, .ctx_bytes = sizeof visit };
	struct sp_module *now, *next;
	struct sp_map *visits;
	uint64_t ret, *count;
	size_t n = 0;
	void *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;

	if (!bytes) {
		fprintf(stderr, "usage: swap maps.bpf.o\n");
		return 2;
	}
	now = load(env, bytes, n, NULL, report);
	visits = sp_map_ref(sp_module_map(now, "visits"));
	must(sp_run(thread, sp_module_program(now, "count"), &run, &ret, report), report);
	/* Ready before the old one goes: nothing is missed in between. */
	next = load(env, bytes, n, visits, report);
	sp_module_free(now);
	now = next;
	must(sp_run(thread, sp_module_program(now, "count"), &run, &ret, report), report);
	count = sp_map_lookup(visits, visit);
	printf("user 7: %llu visits\n", (unsigned long long)(count ? *count : 0));

	sp_module_free(now);
	sp_map_free(visits);
	free(bytes);
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
