/* SPDX-License-Identifier: Apache-2.0 */
/* threads: one program, run by many threads at once, each with a thread object of its own. */
#include "common.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 4, RUNS = 10000 };

static const struct sp_program *program;

static void *work(void *arg)
{
	struct sp_thread *thread = must_have(sp_thread_new(NULL));
	uint64_t *sum = arg, ret;

	for (int i = 0; i < RUNS; i++)
		if (sp_run(thread, program, NULL, &ret, NULL) == SP_OK)
			*sum += ret;
	sp_thread_free(thread);
	return NULL;
}

int main(void)
{
	static const char text[] = "r0 = 1\nr0 <<= 2\nexit\n";
	const struct sp_module_opts opts = { .setting = SP_SANDBOXED };
	struct sp_report *report = sp_report_new();
	struct sp_env *env = must_have(sp_env_new());
	uint64_t sum[THREADS] = { 0 }, all = 0;
	pthread_t threads[THREADS];
	struct sp_module *module;
	void *code;
	size_t n;

	must(sp_assemble(text, strlen(text), &code, &n, report), report);
	must(sp_module_load_code(env, code, n, &opts, &module, report), report);
	free(code);
	program = sp_module_program(module, "main");
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, &sum[i]))
			return 1;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += sum[i];
	}
	printf("%llu\n", (unsigned long long)all);

	sp_module_free(module);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
