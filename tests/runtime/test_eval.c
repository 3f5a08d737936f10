/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules judge which events, in which order, and what is known of loaded content. */
#include "content_make.h"

#include <sodium.h>

enum { OPEN = TEMPLATE_TYPE_file_open, EXEC = TEMPLATE_TYPE_process_exec, PIPE = TEMPLATE_TYPE_ipc_pipe };

struct run {
	struct arena a;
	struct make m;
	struct content *c;
	struct content_eval ce;
	struct event *e;
};

/*
 * Rules over two types, their programs in no order:
 *   0  opens and execs by sh   1  opens with flags 5   2  execs only   3  any open
 */
static void start(struct run *r, bool all_matches)
{
	struct diag d;

	*r = (struct run){ .e = malloc(sizeof *r->e) };
	arena_init(&r->a, 16 << 20);
	make_init(&r->m, &template_builtin);
	make_rule(&r->m, "sh", "%fd.name %evt.arg.filename");
	for (uint32_t i = 0; i < 2; i++) {
		make_begin(&r->m);
		make_if_string(&r->m, FIELD_proc_name, "sh");
		make_end(&r->m, i ? EXEC : OPEN);
	}
	make_rule(&r->m, "flags", "");
	make_begin(&r->m);
	make_if_number(&r->m, FIELD_file_open_flags, 5);
	make_end(&r->m, OPEN);
	make_rule(&r->m, "exec", "");
	make_begin(&r->m);
	make_end(&r->m, EXEC);
	make_rule(&r->m, "open", "");
	make_begin(&r->m);
	make_end(&r->m, OPEN);
	/* the file's order of programs and records is nobody's business */
	for (uint32_t i = 0; i < 2; i++) {
		struct image_prog t = r->m.records[i];

		r->m.records[i] = r->m.records[4 - i];
		r->m.records[4 - i] = t;
	}
	CHECK_OK(make_load(&r->m, &(struct content_opts){ .table = &template_builtin, .all_matches = all_matches },
			   &r->a, &r->c, &d));
	CHECK_OK(vm_new(&r->ce.vm));
	event_init(r->e, &template_builtin);
}

static void end(struct run *r)
{
	CHECK_EQ(r->ce.faults, 0);
	vm_free(r->ce.vm);
	content_free(r->c);
	make_done(&r->m);
	arena_done(&r->a);
	free(r->e);
}

static void open_by(struct run *r, const char *name, uint64_t flags)
{
	event_begin(r->e, OPEN);
	event_set_cstr(r->e, FIELD_proc_name, name);
	event_set_u64(r->e, FIELD_file_open_flags, flags);
}

TEST(all_rules_that_match_fire_in_order_of_definition)
{
	uint32_t fired[4];
	struct run r;

	start(&r, true);
	open_by(&r, "sh", 5);
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 4), 3);
	CHECK(fired[0] == 0 && fired[1] == 1 && fired[2] == 3);
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 2), 2);
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 0), 0);
	open_by(&r, "bash", 5);
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 4), 2);
	CHECK(fired[0] == 1 && fired[1] == 3);
	open_by(&r, NULL, 6); /* a missing field matches nothing */
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 4), 1);
	CHECK_EQ(fired[0], 3);
	event_begin(r.e, EXEC);
	event_set_cstr(r.e, FIELD_proc_name, "sh");
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 4), 2);
	CHECK(fired[0] == 0 && fired[1] == 2);
	event_begin(r.e, PIPE);
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 4), 0);
	end(&r);
}

static void note(void *user, uint32_t rule)
{
	buf_printf(user, "%u ", rule);
}

TEST(only_the_first_match_fires_unless_asked_and_each_program_is_announced)
{
	uint32_t fired[4];
	struct buf b;
	struct run r;

	start(&r, false);
	buf_init(&b, 100);
	r.ce.before = note;
	r.ce.before_user = &b;
	open_by(&r, "bash", 5);
	CHECK_EQ(content_eval(r.c, &r.ce, r.e, fired, 4), 1);
	CHECK_EQ(fired[0], 1);
	CHECK_STR(b.p, "0 1 ");
	CHECK_EQ(r.ce.programs_run, 2);
	buf_done(&b);
	end(&r);
}

TEST(content_says_what_it_judges_and_what_it_reads)
{
	uint8_t digest[CONTENT_DIGEST_BYTES];
	struct buf file;
	struct run r;

	start(&r, false);
	CHECK_EQ(content_n_rules(r.c), 4);
	CHECK_EQ(content_n_programs(r.c), 5);
	CHECK_EQ(content_types(r.c), 1u << OPEN | 1u << EXEC);
	CHECK_STR(content_rule(r.c, 1)->name, "flags");
	CHECK_EQ(content_rule(r.c, 0)->types, 1u << OPEN | 1u << EXEC);
	CHECK_EQ(content_rule(r.c, 1)->types, 1u << OPEN);
	CHECK(content_uses(r.c, OPEN, FIELD_proc_name) && content_uses(r.c, EXEC, FIELD_proc_name));
	CHECK(content_uses(r.c, OPEN, FIELD_file_open_flags) && !content_uses(r.c, EXEC, FIELD_file_open_flags));
	CHECK(content_uses(r.c, OPEN, FIELD_file_open_name)); /* only in an output */
	CHECK(!content_uses(r.c, OPEN, FIELD_file_open_mode));
	CHECK(content_uses(r.c, OPEN, FIELD_evt_time)); /* every alert shows it */
	CHECK(!content_uses(r.c, PIPE, FIELD_evt_time) && !content_uses(r.c, PIPE, FIELD_proc_name));
	make_write(&r.m, &file);
	crypto_generichash(digest, sizeof digest, (const uint8_t *)file.p, file.len, NULL, 0);
	CHECK(!memcmp(content_digest(r.c), digest, sizeof digest));
	buf_done(&file);
	end(&r);
}

/* A program that would never end is ended, and the event is not matched. */
TEST(fuel_ends_a_program_that_got_past_the_verifier)
{
	struct isa_insn loop = isa_make(ISA_JA, 64, ISA_FORM_J, 0);
	struct content_eval ce = { 0 };
	struct event *e = malloc(sizeof *e);
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;
	uint32_t fired;

	loop.off = -1;
	arena_init(&a, 1 << 20);
	make_init(&m, &template_builtin);
	make_rule(&m, "forever", "");
	make_begin(&m);
	make_insn(&m, loop);
	make_end(&m, OPEN);
	CHECK_EQ(make_load(&m, &(struct content_opts){ .table = &template_builtin }, &a, &c, &d), E_REJECTED);
	CHECK_OK(make_load(&m, &(struct content_opts){ .table = &template_builtin, .skip_verify = true, .fuel = 1000 },
			   &a, &c, &d));
	CHECK_OK(vm_new(&ce.vm));
	event_init(e, &template_builtin);
	event_begin(e, OPEN);
	CHECK_EQ(content_eval(c, &ce, e, &fired, 1), 0);
	CHECK_EQ(ce.faults, 1);
	CHECK_EQ(ce.fault.d.err, E_FUEL);
	vm_free(ce.vm);
	content_free(c);
	free(e);
	make_done(&m);
	arena_done(&a);
}
