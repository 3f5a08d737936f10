/* SPDX-License-Identifier: Apache-2.0 */
/* untrusted: code from strangers, that no verifier would accept. It runs sandboxed: whatever it does, this program goes
 * on. */
#include "common.h"

#include <string.h>

static const struct {
	const char *what, *text;
} strangers[] = {
	{ "adds", "r0 = 40\nr0 += 2\nexit\n" },
	{ "reads address 16", "r1 = 16\nr0 = *(u64 *)(r1 + 0)\nexit\n" },
	{ "never ends", "forever:\nr0 = 1\ngoto forever\n" },
	{ "recurses", "self:\ncall self\nexit\n" },
	{ "is no program", "r0 = 1\n" },
};

int main(void)
{
	const struct sp_module_opts opts = { .setting = SP_SANDBOXED };
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	struct sp_thread *thread = must_have(sp_thread_new(NULL));

	for (int i = 0; i < 5; i++) {
		struct sp_module *module;
		enum sp_status s;
		uint64_t ret = 0;
		void *code;
		size_t n;

		must(sp_assemble(strangers[i].text, strlen(strangers[i].text), &code, &n, report), report);
		s = sp_module_load_code(env, code, n, &opts, &module, report);
		free(code);
		if (s == SP_OK) {
			s = sp_run(thread, sp_module_program(module, "main"), NULL, &ret, report);
			sp_module_free(module);
		}
		if (s == SP_OK)
			printf("one that %s: %llu\n", strangers[i].what, (unsigned long long)ret);
		else
			printf("one that %s: %s\n", strangers[i].what, sp_report_text(report));
	}
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
