/* SPDX-License-Identifier: Apache-2.0 */
/* What clang makes of progs.bpf.c, read: programs, calls, maps, data and lines come out as the source says. */
#include "sample.h"

#include <bpf/libbpf.h>

static void open_progs(struct arena *a, struct obj *o)
{
	struct diag d;

	arena_init(a, 16 << 20);
	diag_init(&d);
	d.text[0] = 0;
	CHECK_OK(obj_read(view_of(progs_bpf, progs_bpf_bytes), "progs.bpf.o", NULL, a, o, &d));
	CHECK_STR(d.text, "");
	check_promises(o);
}

static const struct prog *get(const struct obj *o, const char *name)
{
	const struct prog *p = obj_prog(o, name);

	if (!p)
		fail_msg("no program %s", name);
	return p;
}

TEST(the_programs_are_the_global_functions_outside_text)
{
	static const struct {
		const char *name, *section;
	} want[] = {
		{ "one", "first" }, { "two", "first" }, { "three", "first" }, { "four", "second" }, { "five", "second" }
	};
	struct arena a;
	struct obj o;

	open_progs(&a, &o);
	CHECK_EQ(o.n_progs, countof(want));
	for (size_t i = 0; i < countof(want); i++) {
		test_row = want[i].name;
		CHECK_STR(o.progs[i].name, want[i].name);
		CHECK_STR(o.progs[i].section, want[i].section);
		CHECK_STR(o.progs[i].funcs[0].name, want[i].name);
		CHECK_EQ(o.progs[i].insns[o.progs[i].n_insns - 1].sem, ISA_EXIT);
	}
	CHECK_STR(o.license, "Apache-2.0");
	CHECK(!obj_prog(&o, "scale"));
	CHECK(!obj_prog(&o, "pick"));
	CHECK(obj_section(&o, ".BTF") && !obj_section(&o, ".none"));
	arena_done(&a);
}

/* Names of the functions that a program holds, and of those that each of its functions calls, in order. */
static void describe(const struct prog *p, struct buf *out)
{
	for (uint32_t k = 0, f = 0; k < p->n_insns; k++) {
		const struct isa_insn *in = &p->insns[k];

		if (f < p->n_funcs && p->funcs[f].start == k)
			buf_printf(out, "%s%s:", f ? " " : "", p->funcs[f].name), f++;
		if (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL)
			buf_printf(out, "%s,", prog_func_at(p, (uint32_t)(k + 1 + in->imm))->name);
	}
}

TEST(every_program_holds_what_it_can_reach_and_calls_land_where_the_source_says)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "one", "one:count, count:scale, scale:" }, /* static in .text, which calls a global in .text */
		{ "two", "two:pick, pick:" },                /* static in its own section, resolved by the compiler */
		{ "three",
		  "three:two,count,two, two:pick, count:scale, pick: scale:" }, /* a global that is not the first one */
		{ "four", "four:count,two, count:scale, two:pick, scale: pick:" }, /* a program of another section */
		{ "five", "five:" },
	};
	struct arena a;
	struct buf b;
	struct obj o;

	open_progs(&a, &o);
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		buf_init(&b, 1024);
		describe(get(&o, rows[i].name), &b);
		CHECK_STR(b.p, rows[i].want);
		buf_done(&b);
	}
	arena_done(&a);
}

TEST(a_function_that_is_hidden_says_so)
{
	const struct prog *p;
	struct arena a;
	struct obj o;

	open_progs(&a, &o);
	p = get(&o, "one");
	CHECK_EQ(p->n_funcs, 3);
	for (uint32_t i = 0; i < p->n_funcs; i++)
		CHECK_EQ(p->funcs[i].hidden, !strcmp(p->funcs[i].name, "scale"));
	arena_done(&a);
}

static const struct prog_map *map(const struct obj *o, const char *name)
{
	for (uint32_t i = 0; i < o->n_maps; i++)
		if (!strcmp(o->maps[i].name, name))
			return &o->maps[i];
	fail_msg("no map %s", name);
	return NULL;
}

TEST(maps_are_what_their_definitions_say)
{
	const struct prog_map *m;
	struct arena a;
	struct obj o;

	open_progs(&a, &o);
	m = map(&o, "by_number");
	CHECK_EQ(m->kind, PROG_MAP_HASH);
	CHECK_EQ(m->key_size, 4);
	CHECK_EQ(m->value_size, 24); /* struct value: 8 + 3 * 4, padded */
	CHECK_EQ(m->max_entries, 16);
	CHECK_EQ(m->flags, 1);
	m = map(&o, "counters");
	CHECK_EQ(m->kind, PROG_MAP_ARRAY);
	CHECK_EQ(m->key_size, 4);
	CHECK_EQ(m->value_size, 8);
	CHECK_EQ(m->max_entries, 4);
	m = map(&o, ".data");
	CHECK_EQ(m->kind, PROG_MAP_ARRAY);
	CHECK_EQ(m->max_entries, 1);
	CHECK_EQ(m->flags, 0);
	CHECK_EQ(m->init.len, 8);
	CHECK_EQ(m->init.p[0], 7);
	m = map(&o, ".bss");
	CHECK_EQ(m->value_size, 8);
	CHECK_EQ(m->init.len, 0);
	CHECK_EQ(m->flags, 0);
	arena_done(&a);
}

TEST(maps_say_which_types_their_keys_and_values_have)
{
	const struct prog_map *m;
	struct arena a;
	struct obj o;

	open_progs(&a, &o);
	CHECK(o.types);
	m = map(&o, "by_number");
	CHECK_STR(btf_get(o.types, m->key_type)->name, "u32");
	CHECK_STR(btf_get(o.types, m->value_type)->name, "value");
	m = map(&o, "counters");
	CHECK_EQ(m->key_type, 0);
	CHECK_EQ(m->value_type, 0);
	for (uint32_t i = 0; i < o.n_maps; i++)
		if (o.maps[i].init.len && o.maps[i].value_type)
			CHECK_STR(btf_get(o.types, o.maps[i].value_type)->name, o.maps[i].name);
	m = map(&o, ".data");
	CHECK_EQ(btf_get(o.types, m->value_type)->kind, BTF_DATASEC);
	arena_done(&a);
}

/* The first reference of this kind in the function: its map. */
static const struct prog_map *reference(const struct prog *p, const char *func, enum isa_imm64 kind, int32_t *off)
{
	for (uint32_t k = 0; k < p->n_insns; k++) {
		const struct isa_insn *in = &p->insns[k];

		if (in->sem != ISA_IMM64 || in->aux != kind || strcmp(prog_func_at(p, k)->name, func) != 0)
			continue;
		*off = in->off;
		return &p->maps[in->imm];
	}
	fail_msg("%s refers to nothing", func);
	return NULL;
}

TEST(code_refers_to_the_maps_and_data_that_the_source_names)
{
	const struct prog_map *m;
	struct arena a;
	struct obj o;
	uint32_t v;
	int32_t off;

	open_progs(&a, &o);
	CHECK_STR(reference(get(&o, "one"), "one", ISA_IMM64_MAP_FD, &off)->name, "counters");
	CHECK_STR(reference(get(&o, "four"), "two", ISA_IMM64_MAP_FD, &off)->name, "by_number");
	CHECK_STR(reference(get(&o, "four"), "scale", ISA_IMM64_MAP_VALUE, &off)->name, ".data");
	CHECK_STR(reference(get(&o, "three"), "count", ISA_IMM64_MAP_VALUE, &off)->name, ".bss");
	m = reference(get(&o, "three"), "pick", ISA_IMM64_MAP_VALUE, &off);
	CHECK(!strncmp(m->name, ".rodata", 7));
	CHECK_EQ(m->flags, PROG_MAP_RDONLY);
	for (uint32_t i = 0; i < 8; i++) {
		memcpy(&v, m->init.p + off + 4 * i, 4);
		CHECK_EQ(v, 11 * (i + 1));
	}
	arena_done(&a);
}

TEST(lines_follow_functions_into_every_program)
{
	const struct prog_line *row;
	const struct prog *p;
	struct arena a;
	struct obj o;

	open_progs(&a, &o);
	p = get(&o, "four");
	for (uint32_t k = 0; k < p->n_funcs; k++) {
		test_row = p->funcs[k].name;
		row = prog_line_at(p, p->funcs[k].start);
		CHECK(row && row->insn == p->funcs[k].start);
		CHECK_STR(strrchr(row->file, '/'), "/progs.bpf.c");
		CHECK(row->line > 0);
	}
	row = prog_line_at(p, p->n_insns - 1); /* the end of pick, the last function */
	CHECK_HAS(row->text, "return x ^ table[x & 7];");
	CHECK_STR(p->funcs[p->n_funcs - 1].name, "pick");
	p = get(&o, "five");
	CHECK_HAS(prog_line_at(p, 1)->text, "return ctx[0] + 5;");
	arena_done(&a);
}

static void check_same(const struct obj *x, const struct obj *y)
{
	CHECK_EQ(x->n_progs, y->n_progs);
	CHECK_EQ(x->n_maps, y->n_maps);
	for (uint32_t i = 0; i < x->n_maps; i++) {
		const struct prog_map *m = &x->maps[i], *n = &y->maps[i];

		test_row = m->name;
		CHECK_STR(n->name, m->name);
		CHECK(m->kind == n->kind && m->key_size == n->key_size && m->value_size == n->value_size &&
		      m->max_entries == n->max_entries && m->flags == n->flags && m->init.len == n->init.len);
		CHECK(!m->init.len || !memcmp(m->init.p, n->init.p, m->init.len));
	}
	for (uint32_t i = 0; i < x->n_progs; i++) {
		const struct prog *p = &x->progs[i], *q = &y->progs[i];

		test_row = p->name;
		CHECK_STR(q->name, p->name);
		CHECK_STR(q->section, p->section);
		CHECK(p->n_insns == q->n_insns && p->n_funcs == q->n_funcs && p->n_lines == q->n_lines);
		CHECK(same_code(p->insns, q->insns, p->n_insns));
		for (uint32_t k = 0; k < p->n_funcs; k++) {
			CHECK_STR(q->funcs[k].name, p->funcs[k].name);
			CHECK_EQ(q->funcs[k].start, p->funcs[k].start);
		}
		for (uint32_t k = 0; k < p->n_lines; k++) {
			CHECK_STR(q->lines[k].file, p->lines[k].file);
			CHECK_STR(q->lines[k].text, p->lines[k].text);
			CHECK(q->lines[k].insn == p->lines[k].insn && q->lines[k].line == p->lines[k].line &&
			      q->lines[k].col == p->lines[k].col);
		}
	}
	CHECK_STR(y->license, x->license);
}

TEST(a_compiled_object_survives_being_written_and_read_again)
{
	struct arena a, b;
	struct buf once, twice;
	struct obj o, again;
	struct obj_out out;

	open_progs(&a, &o);
	arena_init(&b, 16 << 20);
	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	out = (struct obj_out){
		.progs = o.progs, .n_progs = o.n_progs, .maps = o.maps, .n_maps = o.n_maps, .license = o.license
	};
	CHECK_OK(obj_write(&out, &once, NULL));
	CHECK_OK(obj_read(view_of(once.p, once.len), "again", NULL, &b, &again, NULL));
	check_promises(&again);
	check_same(&o, &again);
	out = (struct obj_out){ .progs = again.progs,
				.n_progs = again.n_progs,
				.maps = again.maps,
				.n_maps = again.n_maps,
				.license = again.license };
	CHECK_OK(obj_write(&out, &twice, NULL));
	CHECK_EQ(once.len, twice.len);
	CHECK(!memcmp(once.p, twice.p, once.len));
	buf_done(&once);
	buf_done(&twice);
	arena_done(&a);
	arena_done(&b);
}

/* Another reader of the same kind of file agrees on what we wrote. */
TEST(libbpf_opens_what_we_write)
{
	struct bpf_object *obj;
	struct bpf_map *m;
	struct buf file;

	sample_write(&file);
	obj = bpf_object__open_mem(file.p, file.len, NULL);
	CHECK(obj != NULL);
	CHECK(bpf_object__find_program_by_name(obj, "one") && bpf_object__find_program_by_name(obj, "two"));
	m = bpf_object__find_map_by_name(obj, "hot");
	CHECK(m != NULL);
	CHECK_EQ(bpf_map__type(m), 1);
	CHECK_EQ(bpf_map__key_size(m), 4);
	CHECK_EQ(bpf_map__value_size(m), 16);
	CHECK_EQ(bpf_map__max_entries(m), 8);
	CHECK_EQ(bpf_program__insn_cnt(bpf_object__find_program_by_name(obj, "two")), 2);
	bpf_object__close(obj);
	buf_done(&file);
}
