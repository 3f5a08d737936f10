/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debugger: a process for debugger.py to look at.
 *
 * usage: debugger OBJECT PROGRAM verified|sandboxed|guarded [gdb]. Prints the program's result or the fault.
 */
#include <sallyport/sallyport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t stop_here(uint64_t n, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, struct sp_call *c)
{
	(void)a2, (void)a3, (void)a4, (void)a5, (void)c;
	return 3 * n;
}

static const struct sp_helper helper = { .id = 6000, .name = "stop_here", .fn = stop_here, .args = { SP_ARG_NUMBER } };

static size_t read_all(const char *path, void *to, size_t max)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(to, 1, max, f) : 0;

	if (f)
		fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[1 << 20];
	static const struct sp_ctx_def ctx = { .name = "number", .bytes = 8 };
	struct sp_module_opts o = { .ctx = &ctx };
	struct sp_report *report = sp_report_new();
	struct sp_env *env = sp_env_new();
	struct sp_thread *thread = sp_thread_new(NULL);
	struct sp_module *m = NULL;
	char section[64];
	uint64_t n = 2, ret = 0;
	struct sp_run run = { .ctx = &n, .ctx_bytes = sizeof n };

	if (argc < 4)
		return 2;
	o.setting = strcmp(argv[3], "verified") != 0 ? SP_SANDBOXED : SP_VERIFIED;
	o.retpolines = !strcmp(argv[3], "guarded");
	o.blind_constants = o.retpolines;
	o.gdb = argc > 4;
	if (sp_env_add_helper(env, &helper, report) != SP_OK)
		return 1;
	/* What cannot be proven is not asked for: the other program of the object stays out. */
	(void)snprintf(section, sizeof section, "test/%s", argv[2]);
	o.sections = (const char *const[]){ section };
	o.n_sections = 1;
	if (sp_module_load(env, bytes, read_all(argv[1], bytes, sizeof bytes), &o, &m, report) != SP_OK ||
	    sp_run(thread, sp_module_program_at(m, 0), &run, &ret, report) != SP_OK)
		printf("%s\n", sp_report_text(report));
	else
		printf("%llu\n", (unsigned long long)ret);
	sp_module_free(m);
	sp_thread_free(thread);
	sp_env_free(env);
	sp_report_free(report);
	return 0;
}
