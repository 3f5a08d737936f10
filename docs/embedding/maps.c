/* SPDX-License-Identifier: Apache-2.0 */
/* maps: what programs leave for the host, and for other modules. */
#include "common.h"

#include <string.h>

struct visit {
	uint32_t user, page;
};

static const struct sp_ctx_def visit_ctx = { .name = "visit", .bytes = sizeof(struct visit) };

static bool show(void *user, const void *record, uint32_t bytes)
{
	struct visit v;

	(void)user;
	if (bytes != sizeof v)
		return true;
	memcpy(&v, record, sizeof v);
	printf("user %u again, page %u\n", v.user, v.page);
	return true;
}

int main(int argc, char **argv)
{
	static struct visit visits[] = { { 7, 1 }, { 8, 1 }, { 7, 2 }, { 7, 3 }, { 8, 2 }, { 7, 4 } };
	struct sp_module_opts opts = { .ctx = &visit_ctx };
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	struct sp_thread *thread = must_have(sp_thread_new(NULL));
	struct sp_module *first, *second;
	struct sp_named_map shared = { "visits", NULL };
	uint64_t cursor = 0, value, ret;
	uint32_t key;
	size_t n = 0;
	void *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;

	if (!bytes) {
		fprintf(stderr, "usage: maps maps.bpf.o\n");
		return 2;
	}
	must(sp_module_load(env, bytes, n, &opts, &first, report), report);
	/* A second module that counts into the first one's map, and has a ring buffer of its own. */
	shared.map = sp_module_map(first, "visits");
	opts.maps = &shared;
	opts.n_maps = 1;
	must(sp_module_load(env, bytes, n, &opts, &second, report), report);
	for (int i = 0; i < 6; i++) {
		struct sp_run run = { .ctx = &visits[i], .ctx_bytes = sizeof visits[i] };
		struct sp_module *m = i % 2 ? second : first;

		must(sp_run(thread, sp_module_program(m, "count"), &run, &ret, report), report);
	}
	while (sp_map_next(sp_module_map(second, "visits"), &cursor, &key) == SP_OK)
		if (sp_map_read(shared.map, &key, &value) == SP_OK)
			printf("user %u: %llu visits\n", key, (unsigned long long)value);
	sp_ringbuf_consume(sp_module_map(first, "news"), show, NULL);
	sp_ringbuf_consume(sp_module_map(second, "news"), show, NULL);

	sp_module_free(first);
	sp_module_free(second);
	free(bytes);
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
