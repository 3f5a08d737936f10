/* SPDX-License-Identifier: Apache-2.0 */
/* F26: content brings no program for the kernel, under whatever name; what it has for the kernel is data. */
#include "../runtime/content_make.h"

TEST(f26_content_brings_no_program_for_the_kernel)
{
	static const char *const sections[] = { "kprobe/do_exit",
						"tracepoint/sched/sched_switch",
						"raw_tp/sys_enter",
						"lsm/file_open",
						"fentry/vfs_read",
						"iter/task",
						"xdp",
						"socket" };

	for (size_t i = 0; i < countof(sections); i++) {
		struct content *c = NULL;
		struct arena a;
		struct make m;
		struct diag d;

		test_row = sections[i];
		arena_init(&a, 16 << 20);
		make_init(&m, &template_builtin);
		make_rule(&m, "rides along", "");
		make_begin(&m);
		make_if_string(&m, FIELD_proc_name, "sh");
		make_end(&m, TEMPLATE_TYPE_file_open);
		CHECK_OK(make_load(&m, &(struct content_opts){ .table = &template_builtin }, &a, &c, &d));
		content_free(TAKE(c));
		m.progs[0].section = sections[i];
		CHECK_EQ(make_load(&m, &(struct content_opts){ .table = &template_builtin }, &a, &c, &d),
			 E_UNSUPPORTED);
		CHECK_EQ(d.id, 25);
		CHECK(!c);
		make_done(&m);
		arena_done(&a);
	}
}
