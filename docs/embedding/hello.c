/* SPDX-License-Identifier: Apache-2.0 */
/* hello: load an object file and run the program in it. */
#include "common.h"

int main(int argc, char **argv)
{
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	struct sp_thread *thread = must_have(sp_thread_new(NULL));
	struct sp_module *module;
	uint64_t ret;
	size_t n = 0;
	void *bytes = argc > 1 ? read_file(argv[1], &n) : NULL;

	if (!bytes) {
		fprintf(stderr, "usage: hello hello.bpf.o\n");
		return 2;
	}
	must(sp_module_load(env, bytes, n, NULL, &module, report), report);
	free(bytes);
	must(sp_run(thread, sp_module_program(module, "answer"), NULL, &ret, report), report);
	printf("%llu\n", (unsigned long long)ret);

	sp_module_free(module);
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
