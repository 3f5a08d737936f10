/* SPDX-License-Identifier: Apache-2.0 */
/* helpers: functions that programs call. The prototype says what the arguments are: the verifier, or in the other
 * settings a check at run time, sees to it that a helper gets memory that is there. */
#include "common.h"

#include <string.h>

struct shop {
	uint64_t tea;
	char noted[64];
};

static uint64_t stock(uint64_t article, uint64_t len, uint64_t a3, uint64_t a4, uint64_t a5, struct sp_call *c)
{
	const struct shop *shop = sp_call_user(c);

	(void)a3, (void)a4, (void)a5;
	return len == 3 && !memcmp((const char *)(uintptr_t)article, "tea", 3) ? shop->tea : 0;
}

static uint64_t note(uint64_t text, uint64_t len, uint64_t a3, uint64_t a4, uint64_t a5, struct sp_call *c)
{
	struct shop *shop = sp_call_user(c);

	(void)a3, (void)a4, (void)a5;
	snprintf(shop->noted, sizeof shop->noted, "%.*s", (int)len, (const char *)(uintptr_t)text);
	return 0;
}

static const struct sp_helper ours[] = {
	{ .id = 5000, .name = "stock", .fn = stock, .args = { SP_ARG_MEM, SP_ARG_SIZE }, .ret_max = 1000000 },
	{ .id = 5001, .name = "note", .fn = note, .args = { SP_ARG_MEM, SP_ARG_SIZE } },
};

int main(int argc, char **argv)
{
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	struct sp_thread *thread = must_have(sp_thread_new(NULL));
	struct shop shop = { .tea = 3 };
	const struct sp_run run = { .user = &shop };
	struct sp_module *module;
	uint64_t ret;
	size_t n = 0;
	void *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;

	if (!bytes) {
		fprintf(stderr, "usage: helpers helpers.bpf.o\n");
		return 2;
	}
	for (int i = 0; i < 2; i++)
		must(sp_env_add_helper(env, &ours[i], report), report);
	must(sp_module_load(env, bytes, n, NULL, &module, report), report);
	must(sp_run(thread, sp_module_program(module, "reorder"), &run, &ret, report), report);
	printf("reorder: %llu, noted: %s\n", (unsigned long long)ret, shop.noted);

	sp_module_free(module);
	free(bytes);
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
