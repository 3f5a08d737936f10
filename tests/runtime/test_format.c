/* SPDX-License-Identifier: Apache-2.0 */
/* What an alert says: placeholders, widths, missing fields, and values that an attacker chose. */
#include "content_make.h"

#include "content/rule/rule.h"

enum { OPEN = TEMPLATE_TYPE_file_open, MEMFD = TEMPLATE_TYPE_memfd_create };

static void fill(struct event *e)
{
	static const struct helper_str names[] = { { "cat", 3 }, { "sh\033[2J", 6 }, { "init", 4 } };

	event_begin(e, OPEN);
	event_set_u64(e, FIELD_evt_time, 1700000000123456789ull);
	event_set_i64(e, FIELD_proc_pid, -7);
	event_set_cstr(e, FIELD_proc_name, "cat");
	event_set_cstr(e, FIELD_proc_cmdline, "cat\n\xff \xc3\xa4\xc3\xb6\xc3\xbc");
	event_set_list(e, FIELD_proc_aname, names, 3);
	event_set_cstr(e, FIELD_file_open_name, "/etc/shadow");
	event_set_u64(e, FIELD_file_open_is_write, 1);
}

/* Load one rule with this output, show it for the filled event (type `type`). */
static void show(const char *output, uint32_t type, struct buf *text, struct buf *fields)
{
	struct event *e = malloc(sizeof *e);
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;
	struct json j;

	arena_init(&a, 1 << 20);
	make_init(&m, &template_builtin);
	make_rule(&m, "r", output);
	make_begin(&m);
	make_end(&m, OPEN);
	CHECK_OK(make_load(&m, &(struct content_opts){ .table = &template_builtin }, &a, &c, &d));
	event_init(e, &template_builtin);
	fill(e);
	if (type != OPEN) {
		event_begin(e, type);
		event_set_cstr(e, FIELD_proc_name, "cat");
	}
	buf_init(text, 1 << 16);
	buf_init(fields, 1 << 16);
	buf_puts(text, "");
	content_format(c, 0, e, text);
	json_init(&j, fields);
	content_json_fields(c, 0, e, &j);
	content_free(c);
	make_done(&m);
	arena_done(&a);
	free(e);
}

TEST(an_output_shows_its_fields)
{
	static const struct {
		const char *output, *want;
	} rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "%proc.name", "cat" },
		{ "a %proc.name b %proc.name.", "a cat b cat." },
		{ "%proc.name%fd.name", "cat/etc/shadow" },
		{ "pid=%proc.pid w=%evt.is_open_write", "pid=-7 w=true" },
		{ "*%proc.name", "cat" },
		{ "**%proc.name", "*cat" },
		{ "%5proc.name|", "cat  |" },
		{ "%2proc.name|", "ca|" },
		{ "%3proc.name|", "cat|" },
		{ "%8proc.pname|", "<NA>    |" },
		{ "%proc.pname", "<NA>" },
		{ "%fd.sip", "<NA>" }, /* a field of another type */
		{ "%proc.aname", "cat,sh\\x1b[2J,init" },
		{ "%proc.aname[2]", "init" },
		{ "%proc.aname[1]", "sh\\x1b[2J" },
		{ "%proc.aname[3]", "<NA>" },
		{ "%proc.aname[1000]", "<NA>" },
		{ "%proc.cmdline", "cat\\n\xef\xbf\xbd \xc3\xa4\xc3\xb6\xc3\xbc" },
		{ "%9proc.cmdline|", "cat\\n\xef\xbf\xbd \xc3\xa4\xc3\xb6|" }, /* characters, not bytes */
		{ "100% sure %", "100% sure %" },
		{ "a\nb\033[31m", "a\\nb\\x1b[31m" }, /* the author's text is made safe too */
		{ "%evt.time", "2023-11-14T22:13:20.123456789Z" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct buf text, fields;

		test_row = rows[i].output;
		show(rows[i].output, OPEN, &text, &fields);
		CHECK_STR(text.p, rows[i].want);
		buf_done(&text);
		buf_done(&fields);
	}
}

TEST(output_fields_are_every_placeholder_and_the_time_in_order_of_their_names)
{
	static const struct {
		const char *output, *want;
	} rows[] = {
		{ "", "{\"evt.time\":1700000000123456789}" },
		{ "%evt.time", "{\"evt.time\":1700000000123456789}" },
		{ "%proc.name %fd.name %proc.name",
		  "{\"evt.time\":1700000000123456789,\"fd.name\":\"/etc/shadow\",\"proc.name\":\"cat\"}" },
		{ "%12proc.pid %container.id",
		  "{\"container.id\":null,\"evt.time\":1700000000123456789,\"proc.pid\":-7}" },
		{ "%proc.aname[2] %proc.aname[1] %fd.sip", "{\"evt.time\":1700000000123456789,\"fd.sip\":null,\"proc."
							   "aname[1]\":\"sh\\u001b[2J\",\"proc.aname[2]\":\"init\"}" },
		{ "%evt.is_open_write", "{\"evt.is_open_write\":true,\"evt.time\":1700000000123456789}" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct buf text, fields;

		test_row = rows[i].output;
		show(rows[i].output, OPEN, &text, &fields);
		CHECK_STR(fields.p, rows[i].want);
		buf_done(&text);
		buf_done(&fields);
	}
}

TEST(a_field_that_the_events_type_does_not_have_is_missing)
{
	struct buf text, fields;

	show("%proc.name opened %evt.is_open_write", MEMFD, &text, &fields);
	CHECK_STR(text.p, "cat opened <NA>");
	CHECK_STR(fields.p, "{\"evt.is_open_write\":null,\"evt.time\":null,\"proc.name\":\"cat\"}");
	buf_done(&text);
	buf_done(&fields);
}

/* The compiler and the runtime mean the same by the same file. */
TEST(a_rule_from_its_text_to_its_alert)
{
	static const char yaml[] =
		"- rule: shadow read\n"
		"  desc: somebody reads the shadow file\n"
		"  condition: evt.type in (open, openat) and fd.name = /etc/shadow and proc.aname in (init)\n"
		"  output: \"%proc.name[pid %proc.pid] reads %fd.name (%proc.aname[1])\"\n"
		"  priority: WARNING\n";
	struct rule_source src = { "t.yaml", yaml, sizeof yaml - 1 };
	struct event *e = malloc(sizeof *e);
	struct content_eval ce = { 0 };
	struct content *c = NULL;
	struct rule_set *rs;
	struct diags ds;
	struct arena a;
	struct diag d;
	struct buf elf, text;
	uint32_t fired;

	arena_init(&a, 64 << 20);
	diags_init(&ds, &a);
	diag_init(&d);
	buf_init(&elf, 1 << 20);
	buf_init(&text, 1 << 16);
	CHECK_OK(rule_load(&src, 1, &template_builtin, &a, &ds, &rs));
	CHECK_OK(rule_compile(rs, &a, &elf, &ds));
	CHECK_OK(content_load(view_of(elf.p, elf.len), "t", &(struct content_opts){ .table = &template_builtin }, &a,
			      &c, &d));
	buf_done(&elf);
	CHECK_OK(vm_new(&ce.vm));
	event_init(e, &template_builtin);
	fill(e);
	event_set_cstr(e, FIELD_evt_type, "openat");
	CHECK_EQ(content_eval(c, &ce, e, &fired, 1), 1);
	content_format(c, fired, e, &text);
	CHECK_STR(text.p, "cat[pid -7] reads /etc/shadow (sh\\x1b[2J)");
	CHECK_EQ(content_rule(c, 0)->priority, RULE_WARNING);
	event_set_cstr(e, FIELD_file_open_name, "/etc/passwd");
	CHECK_EQ(content_eval(c, &ce, e, &fired, 1), 0);
	CHECK_EQ(ce.faults, 0);
	vm_free(ce.vm);
	content_free(c);
	buf_done(&text);
	arena_done(&a);
	free(e);
}

/* Of one element, one value of a dictionary, and through transformers. */
TEST(placeholders_with_keys_and_transformers_show_what_conditions_compare)
{
	static const struct {
		const char *output, *text, *fields;
	} rows[] = {
		{ "%proc.env[HOME]", "/root", "\"proc.env[HOME]\":\"/root\"" },
		{ "%proc.env['X*']|", "|", "\"proc.env['X*']\":\"\"" },
		{ "%proc.env[NO]", "<NA>", "\"proc.env[NO]\":null" },
		{ "%proc.env[0] %proc.env[9]", "/root <NA>", "\"proc.env[0]\":\"/root\",\"proc.env[9]\":null" },
		{ "%proc.args[1]", "YQ", "\"proc.args[1]\":\"YQ\"" },
		{ "%toupper(proc.name)", "CAT", "\"toupper(proc.name)\":\"CAT\"" },
		{ "%b64(proc.args[1])", "a", "\"b64(proc.args[1])\":\"a\"" },
		{ "%b64(proc.args[0])", "<NA>", "\"b64(proc.args[0])\":null" },
		{ "%4len(proc.name)|", "3   |", "\"len(proc.name)\":3" },
		{ "%basename(tolower(proc.exepath))", "cat", "\"basename(tolower(proc.exepath))\":\"cat\"" },
		{ "%toupper(proc.pname)", "<NA>", "\"toupper(proc.pname)\":null" },
		{ "%toupper(proc.aname)", "CAT,SH", "\"toupper(proc.aname)\":\"CAT,SH\"" },
		{ "%len(proc.env[HOME])", "5", "\"len(proc.env[HOME])\":5" },
		{ "%evt.arg[flags]", "O_RDONLY", "\"evt.arg[flags]\":\"O_RDONLY\"" },
		{ "%evt.arg.queuepct|%evt.dir%container.info", "<NA>|<", "\"evt.arg.queuepct\":null" },
	};
	static const struct helper_str env[] = { { "HOME=/root", 10 }, { "XY=", 3 } },
				       args[] = { { "-", 1 }, { "YQ", 2 } }, names[] = { { "cat", 3 }, { "sh", 2 } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct event *e = malloc(sizeof *e);
		struct rule_source src = { .name = "t.yaml" };
		struct rule_set *rs = NULL;
		struct content *c = NULL;
		struct buf elf, text, fields;
		struct arena a;
		struct diags ds;
		struct json j;

		test_row = rows[i].output;
		arena_init(&a, 64 << 20);
		diags_init(&ds, &a);
		src.text = arena_printf(
			&a, "- {rule: r, condition: evt.type = open, desc: d, priority: info, output: \"%s\"}\n",
			rows[i].output);
		src.len = strlen(src.text);
		buf_init(&elf, 1 << 20);
		buf_init(&text, 1 << 16);
		buf_init(&fields, 1 << 16);
		CHECK_OK(rule_load(&src, 1, &template_builtin, &a, &ds, &rs));
		CHECK_OK(rule_compile(rs, &a, &elf, &ds));
		CHECK_OK(content_load(view_of(elf.p, elf.len), "t",
				      &(struct content_opts){ .table = &template_builtin }, &a, &c, NULL));
		event_init(e, &template_builtin);
		event_begin(e, OPEN);
		event_set_cstr(e, FIELD_proc_name, "cat");
		event_set_cstr(e, FIELD_proc_exepath, "/bin/CAT");
		event_set_list(e, FIELD_proc_envs, env, 2);
		event_set_list(e, FIELD_proc_argv, args, 2);
		event_set_list(e, FIELD_proc_aname, names, 2);
		event_set_cstr(e, FIELD_file_open_flags_str, "O_RDONLY");
		content_format(c, 0, e, &text);
		json_init(&j, &fields);
		content_json_fields(c, 0, e, &j);
		CHECK_STR(text.p, rows[i].text);
		CHECK_HAS(fields.p, rows[i].fields);
		content_free(c);
		buf_done(&elf);
		buf_done(&text);
		buf_done(&fields);
		arena_done(&a);
		free(e);
	}
}
