/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not content, content that contradicts itself, and content with bits flipped. */
#include "content_make.h"

enum { OPEN = TEMPLATE_TYPE_file_open, EXEC = TEMPLATE_TYPE_process_exec, BAD_HANDLE = 308 };

static void make_small(struct make *m)
{
	make_init(m, &template_builtin);
	make_rule(m, "one", "%proc.name %proc.aname[1]");
	make_begin(m);
	make_if_string(m, FIELD_proc_name, "sh");
	make_end(m, OPEN);
	make_rule(m, "two", "%fd.name");
	make_begin(m);
	make_if_number(m, FIELD_file_open_flags, 5);
	make_end(m, OPEN);
}

static void record_of_nothing(struct make *m)
{
	m->records[1].prog = "nothing";
}
static void two_records_of_one_program(struct make *m)
{
	m->records[1].prog = m->records[0].prog;
}
static void rule_out_of_range(struct make *m)
{
	m->records[1].rule = 2;
}
static void two_programs_of_one_rule(struct make *m)
{
	m->records[1].rule = 0;
}
static void program_of_another_kind(struct make *m)
{
	m->progs[1].section = "xdp";
}
static void unknown_type(struct make *m)
{
	m->records[1].type = "future_type";
}
static void more_map_than_memory(struct make *m)
{
	for (uint32_t i = 3; i; i--)
		m->maps[i] = m->maps[i - 1];
	m->maps[0] = (struct prog_map){
		.name = "a", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 1 << 20, .max_entries = 60
	};
	m->maps[1] = m->maps[0];
	m->maps[1].name = "b";
	m->maps[2] = m->maps[0];
	m->maps[2].name = "c";
	m->n_maps = 4;
	for (uint32_t i = 0; i < m->n_progs; i++)
		for (uint32_t k = 0; k < m->progs[i].n_insns; k++)
			if (m->progs[i].insns[k].sem == ISA_IMM64)
				m->progs[i].insns[k].imm = 3;
	for (uint32_t i = 0; i < 3; i++)
		m->maps[3] = (struct prog_map){ .name = ".rodata",
						.kind = PROG_MAP_ARRAY,
						.key_size = 4,
						.max_entries = 1,
						.flags = PROG_MAP_RDONLY };
}
static void unknown_kind_of_map(struct make *m)
{
	m->maps[1] = m->maps[0];
	m->maps[0] = (struct prog_map){ .name = "a", .kind = 99, .key_size = 4, .value_size = 4, .max_entries = 1 };
	m->n_maps = 2;
	for (uint32_t k = 0; k < m->progs[0].n_insns; k++)
		if (m->progs[0].insns[k].sem == ISA_IMM64)
			m->progs[0].insns[k].imm = 1;
}

TEST(content_that_contradicts_itself_is_refused)
{
	static const struct {
		void (*spoil)(struct make *m);
		enum err err;
		uint16_t id;
		const char *name;
	} rows[] = {
#define ROW(fn, err, id) { fn, err, id, #fn }
		ROW(record_of_nothing, E_FORMAT, 21),
		ROW(two_records_of_one_program, E_FORMAT, 21),
		ROW(rule_out_of_range, E_FORMAT, 23),
		ROW(two_programs_of_one_rule, E_FORMAT, 24),
		ROW(program_of_another_kind, E_UNSUPPORTED, 25),
		ROW(unknown_type, E_SCHEMA, 3),
		ROW(more_map_than_memory, E_LIMIT, 50),
		ROW(unknown_kind_of_map, E_UNSUPPORTED, 101),
#undef ROW
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct content *c;
		struct arena a;
		struct make m;
		struct diag d;

		test_row = rows[i].name;
		arena_init(&a, 16 << 20);
		make_small(&m);
		rows[i].spoil(&m);
		CHECK_EQ(make_load(&m, &(struct content_opts){ .table = &template_builtin, .arena_max = 128 << 20 }, &a,
				   &c, &d),
			 rows[i].err);
		CHECK_EQ(d.id, rows[i].id);
		CHECK(!c);
		make_done(&m);
		arena_done(&a);
	}
}

TEST(a_record_without_a_program_is_refused)
{
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;

	arena_init(&a, 1 << 20);
	make_small(&m);
	m.records[2] = m.records[1];
	m.records[2].prog = "third";
	m.progs[2] = m.progs[1];
	m.progs[2].name = "third";
	m.progs[2].insns = NULL;
	m.n_progs = 3;
	/* written with three records, but two programs */
	{
		struct obj_section extra[2];
		struct obj_out o = {
			.progs = m.progs, .n_progs = 2, .maps = m.maps, .n_maps = 1, .extra = extra, .n_extra = 2
		};
		struct buf schema, rules, file;

		m.maps[0].init = view_of(m.literals.p, m.literals.len);
		m.maps[0].value_size = (uint32_t)m.literals.len;
		buf_init(&schema, 1 << 16);
		buf_init(&rules, 1 << 16);
		buf_init(&file, 1 << 16);
		CHECK_OK(image_write_schema(&(struct image_schema){ m.records, 3 }, &schema, NULL));
		CHECK_OK(image_write_rules(&(struct image_rules){ m.rules, 2 }, &rules, NULL));
		extra[0] = (struct obj_section){ IMAGE_SCHEMA_SECTION, view_of(schema.p, schema.len) };
		extra[1] = (struct obj_section){ IMAGE_RULES_SECTION, view_of(rules.p, rules.len) };
		CHECK_OK(obj_write(&o, &file, NULL));
		diag_init(&d);
		CHECK_EQ(content_load(view_of(file.p, file.len), "t",
				      &(struct content_opts){ .table = &template_builtin }, &a, &c, &d),
			 E_FORMAT);
		CHECK_EQ(d.id, 22);
		for (uint32_t missing = 0; missing < 2; missing++) {
			o.extra = extra + missing;
			o.n_extra = 1;
			buf_reset(&file);
			CHECK_OK(obj_write(&o, &file, NULL));
			diag_init(&d);
			CHECK_EQ(content_load(view_of(file.p, file.len), "t",
					      &(struct content_opts){ .table = &template_builtin }, &a, &c, &d),
				 E_FORMAT);
			CHECK_EQ(d.id, 20);
			CHECK_STR(d.subject, "t");
		}
		buf_done(&schema);
		buf_done(&rules);
		buf_done(&file);
	}
	make_done(&m);
	arena_done(&a);
}

TEST(little_memory_is_an_error_not_a_crash)
{
	struct make m;
	unsigned n_ok = 0;

	make_small(&m);
	for (size_t max = 1; max < 2 << 20; max += 16 << 10) {
		struct content *c;
		struct arena a;
		struct diag d;
		enum err e;

		arena_init(&a, max);
		e = make_load(&m, &(struct content_opts){ .table = &template_builtin, .arena_max = max }, &a, &c, &d);
		CHECK(e == E_OK ? c != NULL : (e == E_NOMEM || e == E_LIMIT) && !c);
		n_ok += e == E_OK;
		content_free(c);
		arena_done(&a);
	}
	CHECK(n_ok > 10);
	make_done(&m);
}

static void make_event(struct event *e, uint64_t noise)
{
	static const struct helper_str names[] = { { "sh", 2 }, { "", 0 } };

	event_begin(e, noise % 3 ? OPEN : EXEC);
	event_set_cstr(e, FIELD_proc_name, noise & 4 ? "sh" : "");
	event_set_u64(e, FIELD_evt_time, noise);
	event_set_list(e, FIELD_proc_aname, names, noise & 8 ? 2 : 0);
	if (noise % 3) {
		event_set_u64(e, FIELD_file_open_flags, noise & 16 ? 5 : noise);
		event_set_cstr(e, FIELD_file_open_name, "/x");
	}
}

/* Load the damaged file; judge and print with what still loads. Returns whether it loaded. */
static bool try_damaged(const void *p, size_t len, const struct content_opts *o, struct event *e, struct vm *vm,
			bool verified)
{
	AUTO_FREE uint8_t *copy = malloc(len ? len : 1);
	struct content_eval ce = { .vm = vm };
	struct content *c = NULL;
	struct arena a;
	struct diag d;
	uint32_t fired[4], n;
	enum err err;

	memcpy(copy, p, len);
	arena_init(&a, 8 << 20);
	diag_init(&d);
	err = content_load(view_of(copy, len), "t", o, &a, &c, &d);
	CHECK(err == E_OK ? c != NULL : d.err == err || err == E_NOMEM);
	for (uint64_t i = 0; c && i < 8; i++) {
		struct buf text;
		struct json j;

		make_event(e, hash_u64(i));
		n = content_eval(c, &ce, e, fired, 4);
		/*
		 * What the verifier accepts never strays, whatever wrote it. It does not know which fields are there,
		 * so a program without the test for presence may show a helper a handle to nothing.
		 */
		if (verified && ce.faults)
			CHECK_EQ(ce.fault.d.id, BAD_HANDLE);
		buf_init(&text, 1 << 20);
		for (uint32_t k = 0; k < n; k++) {
			content_format(c, fired[k], e, &text);
			json_init(&j, &text);
			content_json_fields(c, fired[k], e, &j);
		}
		buf_done(&text);
	}
	content_free(c);
	arena_done(&a);
	return err == E_OK;
}

TEST(damaged_content_is_refused_or_harmless)
{
	struct content_opts o = {
		.table = &template_builtin, .all_matches = true, .fuel = 10000, .arena_max = 16 << 20
	};
	struct event *e = malloc(sizeof *e);
	uint64_t seed = 1;
	unsigned n_ok[2] = { 0 };
	struct make m;
	struct buf file;
	struct vm *vm;

	CHECK_OK(vm_new(&vm));
	event_init(e, &template_builtin);
	make_small(&m);
	make_write(&m, &file);
	for (unsigned i = 0; i < 12000; i++) {
		size_t at = hash_u64(seed) % file.len;
		uint8_t old = (uint8_t)file.p[at];

		file.p[at] = (char)(old ^ 1u << (hash_u64(seed++) >> 32) % 8);
		o.skip_schema = o.skip_verify = i % 2;
		n_ok[i % 2] += try_damaged(file.p, file.len, &o, e, vm, !(i % 2));
		file.p[at] = (char)old;
	}
	CHECK(n_ok[0] > 100 && n_ok[1] > n_ok[0]);
	o.skip_schema = o.skip_verify = false;
	for (size_t n = 0; n < file.len; n += 5)
		CHECK(!try_damaged(file.p, n, &o, e, vm, true));
	buf_done(&file);
	make_done(&m);
	vm_free(vm);
	free(e);
}
