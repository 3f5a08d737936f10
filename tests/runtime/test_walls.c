/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field 21 of 20: content that reads one field more than the sensor supplies, against each of the three walls with the
 * ones before it taken away. Then the other side: what a sensor may change without touching content.
 */
#include "content_make.h"

enum {
	PIPE = TEMPLATE_TYPE_ipc_pipe,
	N_PIPE = FIELD_ipc_pipe_end_ - TEMPLATE_CAP, /* 21 */
	LAST = FIELD_ipc_pipe_chain,
	HOPS = FIELD_ipc_pipe_hops,
};

static_assert(N_PIPE == 21 && LAST == TEMPLATE_CAP + 20, "the 21st field is ipc.chain");

/* One rule that wants ipc.chain to be a string that it is not sure to be, and one that looks at hops. */
static void make_two_rules(struct make *m, const struct template_table *t)
{
	make_init(m, t);
	make_rule(m, "reads the last field", "chain");
	make_begin(m);
	make_if_string(m, LAST, "sh <- nc");
	make_end(m, PIPE);
	make_rule(m, "reads an early field", "hops=%ipc.hops");
	make_begin(m);
	make_if_number(m, HOPS, 2);
	make_end(m, PIPE);
}

static void hex(const uint8_t *digest, char out[65])
{
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static const char *render(const struct diag *d, struct buf *b)
{
	buf_init(b, 1 << 16);
	diag_render(b, d, false);
	return b->p;
}

TEST(f01_wall_1_the_schema_names_rule_field_counts_and_digests)
{
	uint8_t want[TEMPLATE_DIGEST_BYTES], have[TEMPLATE_DIGEST_BYTES];
	const struct template_section *own = &template_builtin.types[PIPE].own;
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;
	struct buf b;
	char text[65];

	arena_init(&a, 1 << 20);
	make_two_rules(&m, &template_builtin);
	CHECK_EQ(make_load(&m, &(struct content_opts){ .table = make_table(&a, TEMPLATE_N_COMMON, 20) }, &a, &c, &d),
		 E_SCHEMA);
	CHECK(!c);
	CHECK_EQ(d.family, 'S');
	CHECK_EQ(d.id, 1);
	render(&d, &b);
	CHECK_HAS(b.p, "rule 'reads the last field' needs 'ipc.chain', field 21 of ipc_pipe; this sensor has 20");
	template_digest("ipc_pipe", own, 21, want);
	template_digest("ipc_pipe", own, 20, have);
	hex(want, text);
	CHECK_HAS(b.p, text);
	hex(have, text);
	CHECK_HAS(b.p, text);
	buf_done(&b);
	make_done(&m);
	arena_done(&a);
}

TEST(f02_wall_2_the_verifier_refuses_what_the_schema_let_through)
{
	static const struct prog_line lines[] = { { 0, "rules.yaml", "condition: ipc.chain = 'sh <- nc'", 7, 3 } };
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;
	struct buf b;

	arena_init(&a, 16 << 20);
	make_two_rules(&m, &template_builtin);
	m.progs[0].lines = lines;
	m.progs[0].n_lines = 1;
	CHECK_EQ(
		make_load(&m,
			  &(struct content_opts){ .table = make_table(&a, TEMPLATE_N_COMMON, 20), .skip_schema = true },
			  &a, &c, &d),
		E_REJECTED);
	CHECK(!c);
	CHECK_EQ(d.family, 'V');
	render(&d, &b);
	CHECK_HAS(b.p, "2272"); /* 64 + 8 * 256 + 8 * 20: the first byte behind the context */
	CHECK_HAS(b.p, "ipc_pipe");
	CHECK_HAS(b.p, "reads the last field");
	CHECK_HAS(b.p, "rules.yaml:7:3");
	CHECK_HAS(b.p, lines[0].text);
	buf_done(&b);
	make_done(&m);
	arena_done(&a);
}

TEST(f02_wall_3_the_vm_ends_the_program_and_the_event_does_not_match)
{
	struct content_eval ce = { 0 };
	struct content *c;
	struct event *e = malloc(sizeof *e);
	struct arena a;
	struct make m;
	struct diag d;
	uint32_t fired[4];
	struct content_opts o = { .skip_schema = true, .skip_verify = true, .all_matches = true };

	arena_init(&a, 16 << 20);
	o.table = make_table(&a, TEMPLATE_N_COMMON, 20);
	make_two_rules(&m, &template_builtin);
	CHECK_OK(make_load(&m, &o, &a, &c, &d));
	CHECK_OK(vm_new(&ce.vm));
	event_init(e, o.table);
	event_begin(e, PIPE);
	event_mark(e, LAST); /* even when a presence bit claims the field, and its slot is in our own memory */
	memset(e->ctx + template_slot_off(LAST), 1, 8);
	event_set_u64(e, HOPS, 2);
	CHECK_EQ(content_eval(c, &ce, e, fired, 4), 1); /* the other rule goes on */
	CHECK_EQ(fired[0], 1);
	CHECK_EQ(ce.programs_run, 2);
	CHECK_EQ(ce.faults, 1);
	CHECK_EQ(ce.fault.rule, 0);
	CHECK_EQ(ce.fault.d.err, E_FAULT);
	CHECK_STR(ce.fault.d.subject, "reads the last field");
	CHECK_HAS(ce.fault.d.text, "context+2272, 8 bytes past its end (2272)");
	vm_free(ce.vm);
	content_free(c);
	free(e);
	make_done(&m);
	arena_done(&a);
}

/* Does content compiled against the built-in table load, and judge right, on a sensor with this table? */
static void check_runs_on(const struct template_table *t, bool with_last)
{
	struct content_eval ce = { 0 };
	struct content *c;
	struct event *e = malloc(sizeof *e);
	struct arena a;
	struct make m;
	struct diag d;
	uint32_t fired[4];

	arena_init(&a, 16 << 20);
	make_init(&m, &template_builtin);
	make_rule(&m, "early", "%ipc.hops %proc.name");
	make_begin(&m);
	make_if_number(&m, HOPS, 2);
	make_if_string(&m, FIELD_proc_name, "sh");
	if (with_last)
		make_if_string(&m, LAST, "sh <- nc");
	make_end(&m, PIPE);
	CHECK_OK(make_load(&m, &(struct content_opts){ .table = t }, &a, &c, &d));
	CHECK_OK(vm_new(&ce.vm));
	event_init(e, t);
	for (int right = 0; right < 2; right++) {
		event_begin(e, PIPE);
		event_set_u64(e, HOPS, 1u + (unsigned)right);
		event_set_cstr(e, FIELD_proc_name, "sh");
		if (with_last)
			event_set_cstr(e, LAST, "sh <- nc");
		CHECK_EQ(content_eval(c, &ce, e, fired, 4), right);
	}
	CHECK_EQ(ce.faults, 0);
	vm_free(ce.vm);
	content_free(c);
	free(e);
	make_done(&m);
	arena_done(&a);
}

TEST(content_that_uses_only_the_first_20_runs_on_a_sensor_with_20)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	check_runs_on(make_table(&a, TEMPLATE_N_COMMON, 20), false);
	arena_done(&a);
}

TEST(a_sensor_that_appends_fields_runs_older_content)
{
	static const uint32_t grown[][2] = { { TEMPLATE_N_COMMON, 21 },
					     { TEMPLATE_N_COMMON, 22 },
					     { TEMPLATE_N_COMMON, 65 },
					     { TEMPLATE_N_COMMON, 70 },
					     { TEMPLATE_N_COMMON, 256 },
					     { TEMPLATE_N_COMMON + 1, 21 },
					     { 64, 64 },
					     { 65, 65 },
					     { 256, 256 } };
	struct arena a;

	arena_init(&a, 16 << 20);
	for (size_t i = 0; i < countof(grown); i++)
		check_runs_on(make_table(&a, grown[i][0], grown[i][1]), true);
	arena_done(&a);
}

TEST(appending_fields_moves_no_slot_and_keeps_the_digests_of_prefixes)
{
	const struct template_type *old = &template_builtin.types[PIPE], *grown;
	const struct template_table *t;
	struct arena a;

	arena_init(&a, 16 << 20);
	t = make_table(&a, 100, 130);
	grown = &t->types[PIPE];
	for (uint32_t n = 0; n <= old->own.n; n++) {
		uint8_t x[TEMPLATE_DIGEST_BYTES], y[TEMPLATE_DIGEST_BYTES];

		template_digest(old->name, &old->own, n, x);
		template_digest(grown->name, &grown->own, n, y);
		CHECK(!memcmp(x, y, sizeof x));
	}
	for (uint32_t i = 0; i < old->own.n; i++) {
		uint32_t before = 0, after = 0;

		test_row = old->own.fields[i].name;
		CHECK(template_field_find(&template_builtin, old, test_row, strlen(test_row), &before) != NULL);
		CHECK(template_field_find(t, grown, test_row, strlen(test_row), &after) != NULL);
		CHECK_EQ(before, after);
		CHECK_EQ(template_slot_off(before), template_slot_off(after));
	}
	arena_done(&a);
}

/* Whatever field among those counted is another one, in name or type, content is refused; behind them it is not looked
 * at. */
TEST(a_sensor_that_changes_a_counted_field_refuses_the_content)
{
	struct arena a;
	struct make m;

	arena_init(&a, 64 << 20);
	make_init(&m, &template_builtin);
	make_rule(&m, "counts to hops", "");
	make_begin(&m);
	make_if_number(&m, HOPS, 2);
	make_if_string(&m, FIELD_proc_name, "sh");
	make_end(&m, PIPE);
	for (uint32_t id = 0; id < TEMPLATE_CAP + N_PIPE; id++) {
		bool counted = id < TEMPLATE_CAP ? id <= FIELD_proc_name : id <= HOPS;

		if (id >= TEMPLATE_N_COMMON && id < TEMPLATE_CAP)
			continue;
		for (int how = 0; how < 2; how++) {
			const struct template_table *t = make_table(&a, TEMPLATE_N_COMMON, N_PIPE);
			struct template_field *f =
				(struct template_field *)(uintptr_t)template_field_at(t, &t->types[PIPE], id);
			struct content *c;
			struct diag d;

			test_row = f->name;
			if (how)
				f->type = f->type == TEMPLATE_U64 ? TEMPLATE_I64 : TEMPLATE_U64;
			else
				f->name = "renamed";
			CHECK_EQ(make_load(&m, &(struct content_opts){ .table = t }, &a, &c, &d),
				 counted ? E_SCHEMA : E_OK);
			if (counted)
				CHECK_EQ(d.id, 2);
			content_free(c);
		}
	}
	make_done(&m);
	arena_done(&a);
}

/* A record that counts too few fields for its program gets past wall 1 only. */
TEST(a_record_that_lies_about_its_program_meets_the_verifier)
{
	const struct template_section *own = &template_builtin.types[PIPE].own;
	struct content *c;
	struct arena a;
	struct make m;
	struct diag d;

	arena_init(&a, 16 << 20);
	make_two_rules(&m, &template_builtin);
	m.records[0].n_used = 0;
	image_prefix_of("ipc_pipe", own, 20, &m.records[0].own);
	CHECK_EQ(make_load(&m, &(struct content_opts){ .table = make_table(&a, TEMPLATE_N_COMMON, 20) }, &a, &c, &d),
		 E_REJECTED);
	CHECK_EQ(d.family, 'V');
	make_done(&m);
	arena_done(&a);
}
