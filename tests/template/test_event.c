/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "content/event/event.h"

TEST(an_event_reads_back_what_was_set_and_forgets_it_at_the_next)
{
	static struct event e;
	struct buf b;

	buf_init(&b, 4096);
	event_init(&e, &template_builtin);
	event_begin(&e, TEMPLATE_TYPE_file_open);
	event_set_cstr(&e, FIELD_file_open_name, "/etc/shadow");
	event_set_i64(&e, FIELD_file_open_num, -3);
	event_set_u64(&e, FIELD_proc_is_exe_deleted, 1);
	CHECK(event_format(&e, FIELD_file_open_name, -1, &b));
	buf_putc(&b, ' ');
	CHECK(event_format(&e, FIELD_file_open_num, -1, &b));
	buf_putc(&b, ' ');
	CHECK(event_format(&e, FIELD_proc_is_exe_deleted, -1, &b));
	CHECK_STR(b.p, "/etc/shadow -3 true");
	event_begin(&e, TEMPLATE_TYPE_file_open);
	CHECK(!event_has(&e, FIELD_file_open_name));
	CHECK(!event_format(&e, FIELD_file_open_name, -1, &b));
	CHECK_EQ(e.values[FIELD_file_open_name].kind, HELPER_VALUE_NONE);
	buf_done(&b);
}

TEST(text_becomes_the_field_s_type_or_a_clear_error)
{
	static const struct {
		uint32_t id;
		const char *text, *shown; /* shown NULL: refused */
	} rows[] = {
		{ FIELD_proc_pid, "-12", "-12" },
		{ FIELD_user_uid, "0x10", "16" },
		{ FIELD_user_uid, "-1", NULL },
		{ FIELD_user_uid, "1x", NULL },
		{ FIELD_user_uid, "", NULL },
		{ FIELD_user_uid, "18446744073709551616", NULL },
		{ FIELD_proc_is_exe_deleted, "true", "true" },
		{ FIELD_proc_is_exe_deleted, "yes", NULL },
		{ FIELD_net_connect_sip, "10.1.2.3", "10.1.2.3" },
		{ FIELD_net_connect_sip, "2001:db8::1", "2001:db8::1" },
		{ FIELD_net_connect_sip, "10.1.2", NULL },
		{ FIELD_proc_aname, "sh\nbash\ninit", "sh,bash,init" },
		{ FIELD_evt_time, "1700000000123456789", "2023-11-14T22:13:20.123456789Z" },
	};
	static struct event e;
	struct arena a;

	arena_init(&a, 1 << 16);
	event_init(&e, &template_builtin);
	for (size_t i = 0; i < countof(rows); i++) {
		struct diag d;
		struct buf b;
		enum err err;

		test_row = rows[i].text;
		diag_init(&d);
		buf_init(&b, 4096);
		event_begin(&e, TEMPLATE_TYPE_net_connect);
		err = event_set_text(&e, rows[i].id, rows[i].text, strlen(rows[i].text), &a, &d);
		CHECK_EQ(err, rows[i].shown ? E_OK : E_TYPE);
		if (rows[i].shown) {
			CHECK(event_format(&e, rows[i].id, -1, &b));
			CHECK_STR(b.p, rows[i].shown);
		} else {
			CHECK(d.text[0]);
		}
		buf_done(&b);
	}
	arena_done(&a);
}

TEST(json_values_have_their_types)
{
	static const struct helper_str names[] = { { "a", 1 }, { "b\xff", 2 } };
	static struct event e;
	struct json j;
	struct buf b;

	buf_init(&b, 4096);
	json_init(&j, &b);
	event_init(&e, &template_builtin);
	event_begin(&e, TEMPLATE_TYPE_file_open);
	event_set_i64(&e, FIELD_proc_pid, 7);
	event_set_list(&e, FIELD_proc_aname, names, 2);
	json_array(&j);
	event_json(&e, FIELD_proc_pid, -1, &j);
	event_json(&e, FIELD_proc_aname, 1, &j);
	event_json(&e, FIELD_proc_aname, 2, &j);
	event_json(&e, FIELD_proc_name, -1, &j);
	json_end_array(&j);
	CHECK_STR(b.p, "[7,\"b\xef\xbf\xbd\",null,null]");
	buf_done(&b);
}
