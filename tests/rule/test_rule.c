/* SPDX-License-Identifier: Apache-2.0 */
/* rule: loading, and what the compiled file says about itself. */
#include "rule_test.h"

TEST(a_rule_becomes_one_program_for_each_type_that_it_can_fire_on)
{
	struct loaded l;
	struct buf elf;
	struct obj o;
	struct diag d;

	load_text(&l, "- list: shells\n  items: [bash, sh]\n"
		      "- macro: shell\n  condition: proc.name in (shells)\n"
		      "- rule: r\n  condition: evt.type in (execve, open) and shell and not proc.exepath = "
		      "/bin/x\n" RULE_TAIL);
	CHECK_STR(l.said.p, "");
	CHECK_OK(l.err);
	CHECK_EQ(l.rs->n_rules, 1);
	CHECK_EQ(l.rs->rules[0].types, 1u << TEMPLATE_TYPE_process_exec | 1u << TEMPLATE_TYPE_file_open);
	buf_init(&elf, 1 << 20);
	CHECK_OK(rule_compile(l.rs, &l.a, &elf, &l.ds));
	CHECK_OK(obj_read(view_of(elf.p, elf.len), "r", NULL, &l.a, &o, &d));
	CHECK_EQ(o.n_progs, 2);
	buf_done(&elf);
	unload(&l);
}
