/* SPDX-License-Identifier: Apache-2.0 */
/* The library through its public headers only, linked as users link it. */
#include <sallyport/sallyport.h>

#include "cmocka_rows.h"

struct bed {
	struct sp_env *env;
	struct sp_thread *thread;
	struct sp_report *report;
};

static struct bed bed_new(const struct sp_thread_opts *o)
{
	struct bed b = { sp_env_new(), sp_thread_new(o), sp_report_new() };

	assert_non_null(b.env);
	assert_non_null(b.thread);
	assert_non_null(b.report);
	return b;
}

static void bed_done(struct bed *b)
{
	sp_thread_free(b->thread);
	sp_env_free(b->env);
	sp_report_free(b->report);
}

static struct sp_module *load_text(struct bed *b, const char *text, const struct sp_module_opts *o, enum sp_status want)
{
	struct sp_module *m = NULL;
	void *code;
	size_t n;

	assert_int_equal(sp_assemble(text, strlen(text), &code, &n, b->report), SP_OK);
	assert_int_equal(sp_module_load_code(b->env, code, n, o, &m, b->report), want);
	free(code);
	return m;
}

static enum sp_status run_text(struct bed *b, const char *text, enum sp_setting setting, const struct sp_run *run,
			       uint64_t *ret)
{
	const struct sp_module_opts o = { .setting = setting };
	struct sp_module *m = load_text(b, text, &o, SP_OK);
	enum sp_status s = sp_run(b->thread, sp_module_program(m, "main"), run, ret, b->report);

	sp_module_free(m);
	return s;
}

static bool has_native(struct bed *b)
{
	const struct sp_module_opts o = { .setting = SP_SANDBOXED };
	struct sp_module *m = NULL;
	static const uint8_t code[] = { 0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0 };
	bool yes = sp_module_load_code(b->env, code, sizeof code, &o, &m, b->report) == SP_OK;

	sp_module_free(m);
	return yes;
}

/* Every setting that this host has. */
#define EACH_SETTING(b, s)                                              \
	for (enum sp_setting s = SP_VERIFIED; s <= SP_INTERPRETED; s++) \
		if (s == SP_INTERPRETED || has_native(b))

ROW(every_setting_gives_the_same_result)
{
	struct bed b = bed_new(NULL);
	uint64_t ret;

	EACH_SETTING(&b, s)
	{
		assert_int_equal(run_text(&b, "r0 = 6\nr0 *= 7\nexit\n", s, NULL, &ret), SP_OK);
		assert_int_equal(ret, 42);
	}
	bed_done(&b);
}

ROW(what_is_not_proven_is_not_loaded_as_verified)
{
	struct bed b = bed_new(NULL);

	assert_null(load_text(&b, "r0 = *(u64 *)(r1 + 0)\nexit\n", NULL, SP_REJECTED));
	assert_true(sp_report_id(b.report)[0] == 'V');
	assert_int_equal(sp_report_insn(b.report), 0);
	assert_true(strlen(sp_report_long(b.report)) > strlen(sp_report_text(b.report)));
	bed_done(&b);
}

ROW(a_fault_is_an_error_with_its_place)
{
	struct bed b = bed_new(NULL);
	uint64_t ret = 7;

	for (enum sp_setting s = SP_SANDBOXED; s <= SP_INTERPRETED; s++) {
		if (s == SP_SANDBOXED && !has_native(&b))
			continue;
		assert_int_equal(run_text(&b, "r2 = 0\nr1 = 64\n*(u32 *)(r1 + 4) = r2\nexit\n", s, NULL, &ret),
				 SP_FAULT);
		assert_int_equal(sp_report_insn(b.report), 2);
		assert_int_equal(ret, 7);
		assert_int_equal(run_text(&b, "l:\ngoto l\n", s, &(struct sp_run){ .fuel = 1000 }, &ret), SP_FUEL);
		assert_int_equal(run_text(&b, "l:\ncall l\nexit\n", s, NULL, &ret), SP_FAULT);
	}
	bed_done(&b);
}

ROW(a_context_smaller_than_the_modules_is_refused)
{
	static const struct sp_ctx_def ctx = { .name = "pair", .bytes = 16 };
	const struct sp_module_opts o = { .ctx = &ctx };
	struct bed b = bed_new(NULL);
	struct sp_module *m;
	uint64_t pair[2] = { 3, 4 }, ret = 0;
	struct sp_run run = { .ctx = pair, .ctx_bytes = 8 };

	if (!has_native(&b)) {
		bed_done(&b);
		return;
	}
	m = load_text(&b, "r0 = *(u64 *)(r1 + 8)\nexit\n", &o, SP_OK);
	assert_int_equal(sp_run(b.thread, sp_module_program(m, "main"), &run, &ret, b.report), SP_INVALID);
	run.ctx_bytes = 16;
	assert_int_equal(sp_run(b.thread, sp_module_program(m, "main"), &run, &ret, b.report), SP_OK);
	assert_int_equal(ret, 4);
	sp_module_free(m);
	bed_done(&b);
}

static uint64_t add_to_user(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, struct sp_call *c)
{
	uint64_t *sum = sp_call_user(c);

	(void)a2, (void)a3, (void)a4, (void)a5;
	if (a1 == 13)
		sp_call_fault(c);
	if (a1 == 14)
		sp_call_charge(c, 1000000);
	return *sum += a1;
}

ROW(helpers_see_the_user_of_the_run_can_fault_and_charge)
{
	const struct sp_helper h = { .id = 77777, .name = "add_to_user", .fn = add_to_user, .args = { SP_ARG_NUMBER } };
	struct bed b = bed_new(NULL);
	uint64_t sum = 1, ret;
	const struct sp_run run = { .user = &sum, .fuel = 1000 };

	assert_int_equal(sp_env_add_helper(b.env, &h, b.report), SP_OK);
	EACH_SETTING(&b, s)
	{
		sum = 1;
		assert_int_equal(run_text(&b, "r1 = 5\ncall 77777\nexit\n", s, &run, &ret), SP_OK);
		assert_int_equal(ret, 6);
		assert_int_equal(run_text(&b, "r1 = 13\ncall 77777\nexit\n", s, &run, &ret), SP_FAULT);
		if (s != SP_VERIFIED)
			assert_int_equal(run_text(&b, "r1 = 14\ncall 77777\nexit\n", s, &run, &ret), SP_FUEL);
	}
	bed_done(&b);
}

ROW(helpers_that_could_not_be_checked_are_refused)
{
	static const struct sp_helper bad[] = {
		{ .id = 0, .name = "a", .fn = add_to_user },
		{ .id = 0x80000000, .name = "a", .fn = add_to_user },
		{ .id = 9000, .name = "", .fn = add_to_user },
		{ .id = 9000, .name = "a" },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { SP_ARG_MEM } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { SP_ARG_SIZE } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { SP_ARG_NONE, SP_ARG_NUMBER } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { SP_ARG_MAP_KEY } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { SP_ARG_MAP, SP_ARG_MAP } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { 1, 1, 1, 1, SP_ARG_MEM_WRITE } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .args = { 99 } },
		{ .id = 9000, .name = "a", .fn = add_to_user, .ret = SP_RET_MAP_VALUE_OR_NULL },
		{ .id = 9000, .name = "a", .fn = add_to_user, .ret_min = 2, .ret_max = 1 },
	};
	struct bed b = bed_new(NULL);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(sp_env_add_helper(b.env, &bad[i], b.report), SP_INVALID);
		assert_true(sp_report_text(b.report)[0]);
	}
	bed_done(&b);
}

ROW(an_environment_takes_thousands_of_helpers_and_each_once)
{
	struct bed b = bed_new(NULL);
	uint64_t sum = 0, ret;
	const struct sp_run run = { .user = &sum };
	char name[32];
	struct sp_helper h = { .name = name, .fn = add_to_user, .args = { SP_ARG_NUMBER } };

	for (uint32_t i = 0; i < 3000; i++) {
		h.id = 1000000 - i * 7;
		(void)snprintf(name, sizeof name, "helper_%u", i);
		assert_int_equal(sp_env_add_helper(b.env, &h, b.report), SP_OK);
	}
	assert_int_equal(sp_env_add_helper(b.env, &h, b.report), SP_EXISTS);
	h.id = 5;
	(void)snprintf(name, sizeof name, "another");
	assert_int_equal(sp_env_add_helper(b.env, &h, b.report), SP_EXISTS);
	h.id = 4242;
	(void)snprintf(name, sizeof name, "helper_17");
	assert_int_equal(sp_env_add_helper(b.env, &h, b.report), SP_EXISTS);
	assert_int_equal(run_text(&b, "r1 = 2\ncall 1000000\nr1 = r0\ncall 979007\nexit\n", SP_INTERPRETED, &run, &ret),
			 SP_OK);
	assert_int_equal(ret, 4);
	/* Taken out, it is no helper any more. */
	assert_int_equal(sp_env_remove_helper(b.env, 1000000), SP_OK);
	assert_int_equal(sp_env_remove_helper(b.env, 1000000), SP_NOT_FOUND);
	assert_null(load_text(&b, "r1 = 2\ncall 1000000\nexit\n", &(struct sp_module_opts){ .setting = SP_INTERPRETED },
			      SP_UNSUPPORTED));
	assert_int_equal(sp_env_remove_helper(b.env, 1), SP_OK);
	bed_done(&b);
}

static uint64_t fixed_time(void *user)
{
	(void)user;
	return 123456;
}

static void keep(void *user, const char *text, size_t len)
{
	(void)snprintf(user, 64, "%.*s", (int)len, text);
}

ROW(time_chance_and_cpu_come_from_the_thread)
{
	char printed[64] = "";
	const struct sp_thread_opts o = {
		.cpu = 3, .now_ns = fixed_time, .random_seed = 42, .print = keep, .user = printed
	};
	struct bed b = bed_new(&o);
	uint64_t ret, first, second;

	EACH_SETTING(&b, s)
	{
		assert_int_equal(run_text(&b, "call 5\nexit\n", s, NULL, &ret), SP_OK);
		assert_int_equal(ret, 123456);
		assert_int_equal(run_text(&b, "call 8\nexit\n", s, NULL, &ret), SP_OK);
		assert_int_equal(ret, 3);
		assert_int_equal(run_text(&b, "call 7\nexit\n", s, NULL, &first), SP_OK);
		assert_int_equal(run_text(&b, "call 7\nexit\n", s, NULL, &second), SP_OK);
		assert_true(first != second);
	}
	bed_done(&b);
}

ROW(a_line_is_the_same_in_every_setting_and_shows_nothing_of_the_host)
{
	static const char text[] = "r1 = 0x0a64253d6e ll\n"
				   "*(u64 *)(r10 - 16) = r1\n"
				   "r6 = 0\n"
				   "again:\n"
				   "r1 = r10\n"
				   "r1 += -16\n"
				   "r2 = 6\n"
				   "r3 = r6\n"
				   "r3 += 42\n"
				   "r4 = 7\n"
				   "r5 = 0\n"
				   "call 6\n"
				   "r6 += 1\n"
				   "if r6 != 2 goto again\n"
				   "exit\n";
	static const char unset[] = "r1 = 0x0a64253d6e ll\n"
				    "*(u64 *)(r10 - 16) = r1\n"
				    "r1 = r10\n"
				    "r1 += -16\n"
				    "r2 = 6\n"
				    "call 6\n"
				    "exit\n";
	char printed[64] = "";
	const struct sp_thread_opts o = { .print = keep, .user = printed };
	struct bed b = bed_new(&o);
	uint64_t ret;

	EACH_SETTING(&b, s)
	{
		printed[0] = 0;
		assert_int_equal(run_text(&b, text, s, NULL, &ret), SP_OK);
		assert_memory_equal(printed, "n=43", 4);
	}
	assert_null(load_text(&b, unset, NULL, SP_REJECTED));
	/* What the program did not set is zero, and no register of the host. */
	for (enum sp_setting s = SP_SANDBOXED; s <= SP_INTERPRETED; s++) {
		if (s == SP_SANDBOXED && !has_native(&b))
			continue;
		assert_int_equal(run_text(&b, unset, s, NULL, &ret), SP_OK);
		assert_memory_equal(printed, "n=0", 3);
	}
	bed_done(&b);
}

ROW(a_program_that_is_not_there_is_no_crash)
{
	struct bed b = bed_new(NULL);
	uint64_t ret;

	assert_int_equal(sp_run(b.thread, NULL, NULL, &ret, b.report), SP_INVALID);
	assert_true(sp_report_text(b.report)[0]);
	assert_int_equal(sp_run(b.thread, NULL, NULL, &ret, NULL), SP_INVALID);
	bed_done(&b);
}

ROW(maps_do_what_their_kind_does)
{
	const struct sp_map_def hash = {
		.name = "h", .kind = SP_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 2
	};
	struct sp_map_def back;
	struct bed b = bed_new(NULL);
	struct sp_map *m;
	uint32_t key = 1, keys[4];
	uint64_t value = 10, values[4], cursor = 0;
	uint32_t n;

	assert_int_equal(sp_map_new(&hash, &m, b.report), SP_OK);
	assert_int_equal(sp_map_update(m, &key, &value, SP_EXIST), SP_NOT_FOUND);
	assert_int_equal(sp_map_update(m, &key, &value, SP_NOEXIST), SP_OK);
	assert_int_equal(sp_map_update(m, &key, &value, SP_NOEXIST), SP_EXISTS);
	key = 2;
	assert_int_equal(sp_map_update(m, &key, &value, SP_ANY), SP_OK);
	key = 3;
	assert_int_equal(sp_map_update(m, &key, &value, SP_ANY), SP_LIMIT);
	assert_int_equal(sp_map_count(m), 2);
	assert_int_equal(sp_map_batch(m, &cursor, keys, values, 4, &n), SP_OK);
	assert_int_equal(n, 2);
	assert_int_equal(keys[0] + keys[1], 3);
	assert_int_equal(values[0] + values[1], 20);
	assert_int_equal(sp_map_next(m, &cursor, &key), SP_NOT_FOUND);
	key = 2;
	assert_int_equal(sp_map_delete(m, &key), SP_OK);
	assert_int_equal(sp_map_delete(m, &key), SP_NOT_FOUND);
	assert_null(sp_map_lookup(m, &key));
	assert_int_equal(sp_map_push(m, &value, 0), SP_UNSUPPORTED);
	sp_map_describe(m, &back);
	assert_string_equal(back.name, "h");
	assert_int_equal(back.max_entries, 2);
	sp_map_free(sp_map_ref(m));
	sp_map_freeze(m);
	assert_int_equal(sp_map_update(m, &key, &value, SP_ANY), SP_INVALID);
	sp_map_free(m);
	bed_done(&b);
}

ROW(malformed_bytes_are_refused_with_a_place)
{
	struct bed b = bed_new(NULL);
	struct sp_module *m = NULL;

	assert_int_equal(sp_module_load(b.env, "\177ELFgarbage", 11, NULL, &m, b.report), SP_FORMAT);
	assert_true(sp_report_text(b.report)[0]);
	assert_int_equal(sp_module_load(b.env, NULL, 0, NULL, &m, b.report), SP_FORMAT);
	assert_int_equal(sp_module_load_code(b.env, "123", 3, NULL, &m, b.report), SP_FORMAT);
	assert_null(m);
	bed_done(&b);
}

ROW(a_reports_words_go_with_the_next_call)
{
	struct bed b = bed_new(NULL);
	void *code;
	size_t n;

	assert_int_equal(sp_assemble("r0 = what\n", 10, &code, &n, b.report), SP_FORMAT);
	assert_true(sp_report_text(b.report)[0]);
	assert_int_equal(sp_report_line(b.report), 1);
	assert_int_equal(sp_assemble("exit\n", 5, &code, &n, b.report), SP_OK);
	assert_string_equal(sp_report_text(b.report), "");
	assert_int_equal(sp_report_insn(b.report), SP_NO_PLACE);
	free(code);
	for (int s = SP_OK; s <= SP_BUG; s++)
		assert_string_not_equal(sp_status_text((enum sp_status)s), sp_status_text((enum sp_status)99));
	bed_done(&b);
}

ROW(perf_and_debuggers_are_told_of_native_code)
{
	const struct sp_module_opts native = { .setting = SP_SANDBOXED, .gdb = true },
				    not_native = { .setting = SP_INTERPRETED, .gdb = true };
	struct bed b = bed_new(NULL);
	struct sp_module *m = load_text(&b, "r0 = 1\nexit\n", &not_native, SP_OK);
	FILE *f = tmpfile();
	unsigned long long at, bytes;
	struct sp_program_stats s;
	char name[16] = "";

	assert_non_null(f);
	assert_int_equal(sp_module_perf_map(m, fileno(f)), SP_NOT_FOUND);
	sp_module_free(m);
	if (has_native(&b)) {
		m = load_text(&b, "r0 = 1\nexit\n", &native, SP_OK);
		assert_int_equal(sp_module_perf_map(m, -1), SP_INVALID);
		assert_int_equal(sp_module_perf_map(m, fileno(f)), SP_OK);
		rewind(f);
		assert_int_equal(fscanf(f, "%llx %llx %15s", &at, &bytes, name), 3);
		assert_string_equal(name, "bpf:main");
		sp_program_stats(sp_module_program(m, "main"), &s);
		assert_int_equal(bytes, s.native_bytes);
		assert_true(at != 0);
		sp_module_free(m);
	}
	(void)fclose(f);
	bed_done(&b);
}

ROW(text_goes_both_ways)
{
	static const char text[] = "r0 = 1\nif r1 > 5 goto +1\nr0 += 2\nexit\n";
	struct bed b = bed_new(NULL);
	void *code, *again;
	char *out;
	size_t n, m;

	assert_int_equal(sp_assemble(text, strlen(text), &code, &n, b.report), SP_OK);
	assert_int_equal(n, 32);
	assert_int_equal(sp_disassemble(code, n, &out, b.report), SP_OK);
	assert_int_equal(sp_assemble(out, strlen(out), &again, &m, b.report), SP_OK);
	assert_int_equal(m, n);
	assert_memory_equal(code, again, n);
	free(code);
	free(again);
	free(out);
	bed_done(&b);
}

int main(void)
{
	return rows_run();
}
