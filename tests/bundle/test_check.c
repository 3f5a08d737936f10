/* SPDX-License-Identifier: Apache-2.0 */
/* What a host checks of a bundle whose bytes are in order: fields, limits, programs. */
#include "bundle_make.h"

enum { PIPE = TEMPLATE_TYPE_ipc_pipe };

static enum err read_and_load(const struct buf *file, const struct bundle_host *h, struct diag *d)
{
	struct content *c = NULL;
	struct bundle b;
	struct arena a;
	enum err err;

	diag_init(d);
	arena_init(&a, BUNDLE_ARENA_MAX);
	err = bundle_read(view_of(file->p, file->len), &a, &b, d);
	if (err == E_OK)
		err = bundle_load(&b, "test", h, false, &a, &c, d);
	if (err == E_OK)
		CHECK_EQ(content_n_rules(c), b.manifest.n_rules);
	else
		CHECK(!c);
	content_free(c);
	d->subject = NULL;
	d->notes = NULL; /* they were in the arena */
	arena_done(&a);
	return err;
}

static void write_bundle(struct bundle_make *m, struct buf *out)
{
	buf_done(&m->elf);
	make_write(&m->m, &m->elf);
	m->parts.content = view_of(m->elf.p, m->elf.len);
	buf_init(out, BUNDLE_MAX_BYTES);
	CHECK_OK(bundle_write(&m->parts, out, NULL));
}

TEST(a_bundle_loads_where_it_was_made)
{
	const struct bundle_host h = bundle_this_host();
	struct bundle_make m;
	struct buf file;
	struct diag d;

	bundle_make_init(&m);
	write_bundle(&m, &file);
	CHECK_OK(read_and_load(&file, &h, &d));
	buf_done(&file);
	bundle_make_done(&m);
}

TEST(f01_a_field_more_or_less_than_the_bundle_counts)
{
	struct bundle_host h = bundle_this_host();
	uint32_t n = FIELD_ipc_pipe_hops - TEMPLATE_CAP + 1;
	struct bundle_make m;
	struct arena a;
	struct buf file;
	struct diag d;

	arena_init(&a, 16 << 20);
	bundle_make_init(&m);
	write_bundle(&m, &file);
	h.table = make_table(&a, TEMPLATE_N_COMMON, n - 1);
	CHECK_EQ(read_and_load(&file, &h, &d), E_SCHEMA);
	CHECK_EQ(d.id, 51);
	h.table = make_table(&a, FIELD_proc_name, TEMPLATE_CAP);
	CHECK_EQ(read_and_load(&file, &h, &d), E_SCHEMA);
	CHECK_EQ(d.id, 51);
	/* Exactly what it counts, and fields appended behind those, are good enough. */
	h.table = make_table(&a, FIELD_proc_name + 1, n);
	CHECK_OK(read_and_load(&file, &h, &d));
	h.table = make_table(&a, TEMPLATE_N_COMMON + 1, FIELD_ipc_pipe_end_ - TEMPLATE_CAP + 1);
	CHECK_OK(read_and_load(&file, &h, &d));
	buf_done(&file);
	bundle_make_done(&m);
	arena_done(&a);
}

TEST(f01_a_bundle_for_other_fields_at_the_same_places_is_refused)
{
	struct template_field own[TEMPLATE_CAP];
	struct template_type types[TEMPLATE_N_TYPES];
	struct template_table t = template_builtin;
	struct bundle_host h = bundle_this_host();
	struct bundle_make m;
	struct buf file;
	struct diag d;

	bundle_make_init(&m);
	write_bundle(&m, &file);
	memcpy(types, t.types, sizeof types);
	memcpy(own, types[PIPE].own.fields, types[PIPE].own.n * sizeof *own);
	own[0].type = own[0].type == TEMPLATE_U64 ? TEMPLATE_I64 : TEMPLATE_U64;
	types[PIPE].own.fields = own;
	t.types = types;
	h.table = &t;
	CHECK_EQ(read_and_load(&file, &h, &d), E_SCHEMA);
	CHECK_EQ(d.id, 52);
	t.n_types = PIPE;
	CHECK_EQ(read_and_load(&file, &h, &d), E_SCHEMA);
	CHECK_EQ(d.id, 50);
	buf_done(&file);
	bundle_make_done(&m);
}

/* The manifest is the sensor's own, and so are the records of the schema: only the verifier is in the way. */
TEST(f02_programs_that_read_fields_20_to_255_are_refused_by_the_verifier)
{
	const struct bundle_host h = bundle_this_host();

	for (uint32_t field = 20; field < TEMPLATE_CAP; field++) {
		struct isa_insn in = isa_make(ISA_LDX, 64, ISA_FORM_LDX, 0);
		bool there = field < template_builtin.types[PIPE].own.n;
		struct bundle_make m;
		struct buf file;
		struct diag d;

		bundle_make_init(&m);
		make_rule(&m.m, "reads too far", "");
		make_begin(&m.m);
		in.dst = 0;
		in.src = 6;
		in.off = (int32_t)template_slot_off(TEMPLATE_CAP + field);
		make_insn(&m.m, in);
		make_end(&m.m, PIPE);
		write_bundle(&m, &file);
		CHECK_EQ(read_and_load(&file, &h, &d), there ? E_OK : E_REJECTED);
		CHECK_EQ(d.family, there ? 0 : 'V');
		buf_done(&file);
		bundle_make_done(&m);
	}
}

/* A predicate for each program, and names in a filter: content of known size in everything that is limited. */
static void grow(struct bundle_make *m)
{
	for (uint32_t i = 0; i < 3; i++) {
		make_rule(&m->m, "more", "");
		make_begin(&m->m);
		make_if_number(&m->m, FIELD_ipc_pipe_hops, (int32_t)i);
		make_end(&m->m, PIPE);
	}
}

TEST(f15_content_at_each_limit_is_taken_and_one_above_it_is_refused)
{
	const struct bundle_host h = bundle_this_host();
	const char *const sizes[] = { "programs", "instructions", "rules" };
	struct bundle_make m;
	struct buf file;
	struct diag d;

	bundle_make_init(&m);
	grow(&m);
	for (size_t i = 0; i < countof(sizes); i++) {
		uint64_t *limit, is = 0;

		test_row = sizes[i];
		m.parts.limits = bundle_usual_limits;
		limit = bundle_limit_by_word(&m.parts.limits, sizes[i], strlen(sizes[i]));
		CHECK(limit);
		for (uint32_t p = 0; i == 1 && p < m.m.n_progs; p++)
			is = m.m.progs[p].n_insns > is ? m.m.progs[p].n_insns : is;
		*limit = i == 0 ? m.m.n_progs : i == 1 ? is : m.m.n_rules;
		write_bundle(&m, &file);
		CHECK_OK(read_and_load(&file, &h, &d));
		buf_done(&file);
		--*limit;
		write_bundle(&m, &file);
		CHECK_EQ(read_and_load(&file, &h, &d), E_LIMIT);
		CHECK_EQ(d.id, 45);
		buf_done(&file);
	}
	bundle_make_done(&m);
}

TEST(f15_the_memory_of_a_load_is_limited_to_the_byte)
{
	const struct bundle_host h = bundle_this_host();
	uint64_t low = 1, high = CONTENT_ARENA_MAX;
	struct bundle_make m;
	struct buf file;
	struct diag d;

	bundle_make_init(&m);
	while (low < high) {
		m.parts.limits.arena_bytes = (low + high) / 2;
		write_bundle(&m, &file);
		if (read_and_load(&file, &h, &d) == E_OK)
			high = m.parts.limits.arena_bytes;
		else
			low = m.parts.limits.arena_bytes + 1;
		buf_done(&file);
	}
	CHECK(low > 4096 && low < 4 << 20);
	for (int less = 0; less < 2; less++) {
		m.parts.limits.arena_bytes = low - (uint64_t)less;
		write_bundle(&m, &file);
		CHECK_EQ(read_and_load(&file, &h, &d), less ? E_LIMIT : E_OK);
		buf_done(&file);
	}
	bundle_make_done(&m);
}

TEST(f15_each_limit_of_a_bundle_is_at_most_the_hosts)
{
	const struct bundle_host h = bundle_this_host();

	for (size_t i = 0; i < bundle_n_limits; i++) {
		struct bundle_make m;
		struct buf file;
		struct diag d;
		uint64_t *limit;

		test_row = bundle_limit_rows[i].word;
		bundle_make_init(&m);
		limit = bundle_limit_by_word(&m.parts.limits, test_row, strlen(test_row));
		CHECK(limit && *limit <= bundle_limit_at(&h.limits, i));
		*limit = bundle_limit_at(&h.limits, i);
		write_bundle(&m, &file);
		CHECK_OK(read_and_load(&file, &h, &d));
		buf_done(&file);
		++*limit;
		write_bundle(&m, &file);
		CHECK_EQ(read_and_load(&file, &h, &d), E_LIMIT);
		CHECK_EQ(d.id, 44);
		buf_done(&file);
		bundle_make_done(&m);
	}
	CHECK(!bundle_limit_by_word(&(struct bundle_limits){ 0 }, "program", 7));
	CHECK(!bundle_limit_by_word(&(struct bundle_limits){ 0 }, "programsx", 9));
}

TEST(a_program_has_the_fuel_that_the_manifest_gives_it)
{
	static struct event e;
	struct content_eval *ce = calloc(1, sizeof *ce);
	const struct bundle_host h = bundle_this_host();
	struct content *c;
	struct bundle_make m;
	struct bundle b;
	struct arena a;
	struct buf file;
	uint32_t fired[4];
	char text[1001];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	CHECK_OK(vm_new(&ce->vm));
	event_init(&e, &template_builtin);
	for (int tight = 0; tight < 2; tight++) {
		bundle_make_init(&m);
		make_rule(&m.m, "long", "");
		make_begin(&m.m);
		make_if_string(&m.m, FIELD_proc_name, text);
		make_end(&m.m, TEMPLATE_TYPE_file_open);
		if (tight)
			m.parts.limits.fuel = 5;
		write_bundle(&m, &file);
		arena_init(&a, BUNDLE_ARENA_MAX);
		CHECK_OK(bundle_read(view_of(file.p, file.len), &a, &b, NULL));
		CHECK_OK(bundle_load(&b, "test", &h, true, &a, &c, NULL));
		event_begin(&e, TEMPLATE_TYPE_file_open);
		event_set_cstr(&e, FIELD_proc_name, text);
		ce->faults = 0;
		CHECK_EQ(content_eval(c, ce, &e, fired, 4), tight ? 0 : 1);
		CHECK_EQ(ce->faults, tight ? 1 : 0);
		content_free(c);
		arena_done(&a);
		buf_done(&file);
		bundle_make_done(&m);
	}
	vm_free(ce->vm);
	free(ce);
}
