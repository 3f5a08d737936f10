/* SPDX-License-Identifier: Apache-2.0 */
/* What features.bpf.c leaves open, answered; what it refers to, found; answers and files that do not fit, refused. */
#include "sample.h"

/* The caller's side of one read: what it was asked, and one answer that is another one than sample_resolve's. */
struct caller {
	const char *other; /* name, or NULL */
	struct obj_bound answer;
	struct buf asked;
};

static bool resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	struct caller *c = user;

	buf_printf(&c->asked, "%s kind %u%s%s size %u\n", x->name, x->kind, x->weak ? " weak" : "",
		   x->is_signed ? " signed"
		   : x->typed   ? " typed"
				: "",
		   x->value_size);
	if (!c->other || strcmp(c->other, x->name) != 0)
		return sample_resolve(NULL, x, out);
	*out = c->answer;
	return true;
}

static enum err read_features(struct caller *c, struct view file, struct arena *a, struct obj *o, struct diag *d)
{
	struct obj_opts opts = { .resolve = resolve, .user = c };

	arena_init(a, 16 << 20);
	diag_init(d);
	buf_init(&c->asked, 4096);
	return obj_read(file, "features.bpf.o", &opts, a, o, d);
}

static void open_features(struct caller *c, struct arena *a, struct obj *o)
{
	struct diag d;

	CHECK_OK(read_features(c, view_of(features_bpf, features_bpf_bytes), a, o, &d));
	check_promises(o);
}

static void close_features(struct caller *c, struct arena *a)
{
	buf_done(&c->asked);
	arena_done(a);
}

static const struct prog_map *map(const struct obj *o, const char *name)
{
	for (uint32_t i = 0; i < o->n_maps; i++)
		if (!strcmp(o->maps[i].name, name))
			return &o->maps[i];
	fail_msg("no map %s", name);
	return NULL;
}

TEST(the_caller_is_asked_once_for_what_is_used_with_kind_and_size)
{
	static const char *const want[] = { "ext_function kind 0 size 0\n",
					    "ext_absent kind 0 weak size 0\n",
					    "ext_symbol kind 1 size 0\n",
					    "ext_typed kind 1 typed size 8\n",
					    "CONFIG_NUMBER kind 2 size 4\n",
					    "CONFIG_WEAK kind 2 weak size 1\n",
					    "CONFIG_TEXT kind 2 " };
	struct caller c = { 0 };
	unsigned lines = 0;
	struct arena a;
	struct obj o;

	open_features(&c, &a, &o);
	for (size_t i = 0; i < countof(want); i++)
		CHECK_HAS(c.asked.p, want[i]);
	for (size_t i = 0; i < c.asked.len; i++)
		lines += c.asked.p[i] == '\n';
	CHECK_EQ(lines, countof(want));
	close_features(&c, &a);
}

static unsigned count(const struct prog *p, enum isa_sem sem, uint8_t aux, int64_t imm)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < p->n_insns; i++)
		n += p->insns[i].sem == sem && p->insns[i].aux == aux && p->insns[i].imm == imm;
	return n;
}

TEST(answers_become_helpers_numbers_and_a_read_only_map)
{
	const struct prog_map *config;
	const struct prog *p;
	struct caller c = { 0 };
	struct arena a;
	struct obj o;

	open_features(&c, &a, &o);
	p = obj_prog(&o, "one");
	CHECK_EQ(count(p, ISA_CALL, ISA_CALL_HELPER, 7), 1);
	CHECK_EQ(count(p, ISA_IMM64, ISA_IMM64_VALUE, 0x1122334455667788), 1);
	CHECK_EQ(count(p, ISA_IMM64, ISA_IMM64_VALUE, 0), 1); /* ext_absent's address */
	config = map(&o, ".kconfig");
	CHECK_EQ(config - o.maps, o.n_maps - 1);
	CHECK(config->flags == PROG_MAP_RDONLY && config->kind == PROG_MAP_ARRAY && config->max_entries == 1);
	CHECK_EQ(config->init.len, config->value_size);
	CHECK(memmem(config->init.p, config->init.len, "d\0\0\0", 4)); /* 100 */
	CHECK(memmem(config->init.p, config->init.len, "abc\0\0\0\0\0\0\0\0\0", 12));
	close_features(&c, &a);
}

/* A call of a function that is not there must not go on: its instruction leads to itself. */
TEST(a_call_of_nothing_never_goes_on)
{
	const struct isa_insn *in;
	const struct prog *p;
	struct caller c = { 0 };
	unsigned n = 0;
	struct arena a;
	struct obj o;

	open_features(&c, &a, &o);
	p = obj_prog(&o, "one");
	for (uint32_t i = 0; i < p->n_insns; i++) {
		in = &p->insns[i];
		n += in->sem == ISA_JEQ && in->form == ISA_FORM_JRR && in->dst == ISA_FP && in->src == ISA_FP &&
		     in->off == -1;
	}
	CHECK_EQ(n, 1);
	close_features(&c, &a);
}

TEST(functions_and_variables_can_be_bound_by_type)
{
	struct caller f = { .other = "ext_function", .answer = { .kind = OBJ_BOUND_KFUNC, .number = 1234 } };
	struct caller v = { .other = "ext_typed", .answer = { .kind = OBJ_BOUND_BTF_ID, .number = 4321 } };
	struct caller present = { .other = "ext_absent", .answer = { .kind = OBJ_BOUND_HELPER, .number = 9 } };
	struct arena a;
	struct obj o;

	open_features(&f, &a, &o);
	CHECK_EQ(count(obj_prog(&o, "one"), ISA_CALL, ISA_CALL_KFUNC, 1234), 1);
	close_features(&f, &a);
	CHECK_OK(read_features(&v, view_of(features_bpf, features_bpf_bytes), &a, &o, &(struct diag){ 0 }));
	CHECK_EQ(count(obj_prog(&o, "one"), ISA_IMM64, ISA_IMM64_BTF_ID, 4321), 1);
	close_features(&v, &a);
	open_features(&present, &a, &o);
	CHECK_EQ(count(obj_prog(&o, "one"), ISA_CALL, ISA_CALL_HELPER, 9), 1);
	CHECK_EQ(count(obj_prog(&o, "one"), ISA_IMM64, ISA_IMM64_VALUE, 9), 1); /* what callx takes for it */
	close_features(&present, &a);
}

TEST(answers_that_do_not_fit_are_refused)
{
	static const struct {
		const char *row, *name;
		struct obj_bound answer;
	} rows[] = {
		{ "a function as a number", "ext_function", { .kind = OBJ_BOUND_NUMBER } },
		{ "a function as a variable", "ext_function", { .kind = OBJ_BOUND_BTF_ID } },
		{ "a helper over 31 bits", "ext_function", { .kind = OBJ_BOUND_HELPER, .number = 1u << 31 } },
		{ "a variable as a helper", "ext_symbol", { .kind = OBJ_BOUND_HELPER } },
		{ "a BTF id over 31 bits", "ext_typed", { .kind = OBJ_BOUND_BTF_ID, .number = UINT64_MAX } },
		{ "a value as a helper", "CONFIG_NUMBER", { .kind = OBJ_BOUND_HELPER } },
		{ "a value over 32 bits", "CONFIG_NUMBER", { .kind = OBJ_BOUND_NUMBER, .number = 1ull << 32 } },
		{ "a negative value where none is",
		  "CONFIG_NUMBER",
		  { .kind = OBJ_BOUND_NUMBER, .number = UINT64_MAX } },
		{ "a number for a text", "CONFIG_TEXT", { .kind = OBJ_BOUND_NUMBER } },
		{ "a longer text", "CONFIG_TEXT", { OBJ_BOUND_BYTES, 0, { (const uint8_t *)"0123456789abc", 13 } } },
		{ "no kind that there is", "CONFIG_WEAK", { .kind = 77 } },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct caller c = { .other = rows[i].name, .answer = rows[i].answer };
		struct arena a;
		struct diag d;
		struct obj o;

		test_row = rows[i].row;
		CHECK_EQ(read_features(&c, view_of(features_bpf, features_bpf_bytes), &a, &o, &d), E_INVALID);
		CHECK_EQ(d.id, 283);
		CHECK_HAS(d.text, rows[i].name);
		close_features(&c, &a);
	}
}

TEST(without_answers_the_first_strong_extern_is_named)
{
	struct arena a;
	struct diag d;
	struct obj o;

	arena_init(&a, 16 << 20);
	diag_init(&d);
	CHECK_EQ(obj_read(view_of(features_bpf, features_bpf_bytes), "x.o", NULL, &a, &o, &d), E_UNSUPPORTED);
	CHECK_EQ(d.id, 227);
	arena_done(&a);
}

TEST(maps_begin_with_the_maps_and_programs_that_the_source_puts_in)
{
	const struct prog_map *m;
	struct caller c = { 0 };
	struct arena a;
	struct obj o;

	open_features(&c, &a, &o);
	m = map(&o, "outer");
	CHECK(m->kind == PROG_MAP_ARRAY_OF_MAPS && m->value_size == 4 && m->max_entries == 3);
	CHECK(m->inner && m->inner->kind == PROG_MAP_ARRAY && m->inner->value_size == 8 && m->inner->max_entries == 3);
	CHECK_STR(m->inner->name, "outer.inner");
	CHECK_EQ(m->n_inner_maps, 2);
	CHECK_EQ(m->inner_maps[0], 0);
	CHECK_STR(o.maps[m->inner_maps[1] - 1].name, "inner_a");
	m = map(&o, "jumps");
	CHECK(m->kind == PROG_MAP_PROG_ARRAY && m->value_size == 4 && !m->inner && m->n_inner_maps == 2);
	CHECK_STR(o.progs[m->inner_maps[1] - 1].name, "two");
	close_features(&c, &a);
}

TEST(addresses_in_data_become_rows_and_numbers)
{
	unsigned funcs = 0, places = 0;
	const struct prog_map *m;
	struct caller c = { 0 };
	struct arena a;
	struct obj o;

	open_features(&c, &a, &o);
	m = map(&o, ".data");
	for (uint32_t i = 0; i < m->n_ptrs; i++) {
		const struct prog_ptr *p = &m->ptrs[i];

		if (p->map != PROG_PTR_FUNC) {
			places++;
			continue;
		}
		funcs++;
		CHECK_STR(o.progs[p->prog].name, "one");
		CHECK_STR(prog_func_at(&o.progs[p->prog], p->func)->name, p->at > m->ptrs[0].at ? "minus" : "plus");
	}
	CHECK_EQ(funcs, 2);
	CHECK_EQ(places, 2);                                                          /* third, config */
	CHECK(memmem(m->init.p, m->init.len, "\x88\x77\x66\x55\x44\x33\x22\x11", 8)); /* symbol */
	CHECK_EQ(obj_prog(&o, "one")->n_funcs, 3);
	CHECK_EQ(obj_prog(&o, "two")->n_funcs, 1); /* no indirect calls */
	close_features(&c, &a);
}

TEST(programs_and_functions_keep_what_the_object_says_of_them)
{
	const struct prog *p;
	struct caller c = { 0 };
	struct arena a;
	struct obj o;

	open_features(&c, &a, &o);
	CHECK_EQ(o.version, 0x60c00);
	p = obj_prog(&o, "two");
	CHECK_STR(p->section, "second");
	CHECK(p->on_demand);
	p = obj_prog(&o, "one");
	CHECK(!p->on_demand);
	for (uint32_t i = 0; i < p->n_funcs; i++)
		CHECK(p->funcs[i].type != 0);
	close_features(&c, &a);
}

TEST(functions_of_text_are_programs_when_asked_for)
{
	struct obj_opts opts = { .text_programs = true };
	struct arena a;
	struct obj o;

	arena_init(&a, 16 << 20);
	CHECK_OK(obj_read(view_of(progs_bpf, progs_bpf_bytes), "progs.bpf.o", &opts, &a, &o, NULL));
	check_promises(&o);
	CHECK(obj_prog(&o, "scale") && !obj_prog(&o, "count")); /* global, static */
	CHECK_STR(obj_prog(&o, "scale")->section, ".text");
	arena_done(&a);
}

/* ---- damage ---- */

static Elf64_Rel *rel(struct buf *f, const char *section, int i)
{
	return (Elf64_Rel *)(void *)bytes_of(f, section) + i;
}
static void set_section(struct buf *f, const char *name, uint32_t section)
{
	symbol(f, name)->st_shndx = (uint16_t)section;
}
static void data_pointer_between(struct buf *f)
{
	rel(f, ".rel.data", 0)->r_offset += 4;
}
static void data_pointer_outside(struct buf *f)
{
	rel(f, ".rel.data", 0)->r_offset = shdr(f, ".data")->sh_size;
}
static void data_pointer_twice(struct buf *f)
{
	rel(f, ".rel.data", 0)->r_offset = rel(f, ".rel.data", 1)->r_offset;
}
static void data_pointer_by_no_symbol(struct buf *f)
{
	rel(f, ".rel.data", 0)->r_info = 99999ull << 32 | 2;
}
static void data_pointer_of_another_kind(struct buf *f)
{
	rel(f, ".rel.data", 0)->r_info += 1;
}
static void data_pointer_into_nothing(struct buf *f)
{
	set_section(f, "target", shdr_index(f, "version"));
}
static void data_pointer_beyond(struct buf *f)
{
	symbol(f, "target")->st_value = 1 << 20;
}
static void data_pointer_into_code(struct buf *f)
{
	set_section(f, "target", shdr_index(f, "first"));
	symbol(f, "target")->st_value = 4;
}
static void two_tables(struct buf *f)
{
	Elf64_Sym *first = (Elf64_Sym *)(void *)bytes_of(f, ".symtab");

	rel(f, ".rel.maps", 0)->r_offset = 0;
	rel(f, ".rel.maps", 0)->r_info = (uint64_t)(symbol(f, "target") - first) << 32 | 2;
	shdr(f, ".rel.maps")->sh_size = sizeof(Elf64_Rel);
	shdr(f, ".rel.maps")->sh_info = shdr_index(f, ".data");
}
static void holder_outside(struct buf *f)
{
	rel(f, ".rel.maps", 0)->r_offset = 0;
}
static void held_number(struct buf *f)
{
	set_section(f, "inner_a", shdr_index(f, ".data"));
}
static void held_section(struct buf *f)
{
	set_section(f, "two", 0);
}
static void version_of_three_bytes(struct buf *f)
{
	shdr(f, "version")->sh_size = 3;
}
static void legacy_maps(struct buf *f)
{
	char *names = (char *)bytes_of(f, ".strtab");

	memcpy(names + shdr(f, "version")->sh_name, "maps", 5);
}
/* .BTF.ext: header of 32 bytes, function information begins with the record size; a section; {offset, type} */
static void set_ext(struct buf *f, int word, uint32_t v)
{
	memcpy(bytes_of(f, ".BTF.ext") + 32 + 4 * word, &v, 4);
}
static void function_type_that_is_none(struct buf *f)
{
	set_ext(f, 4, 1);
}
static void function_type_outside(struct buf *f)
{
	set_ext(f, 4, 1u << 20);
}
static void function_between(struct buf *f)
{
	set_ext(f, 3, 4);
}
static void functions_descend(struct buf *f)
{
	set_ext(f, 5, 0);
}
static void small_function_rows(struct buf *f)
{
	set_ext(f, 0, 4);
}
static void functions_cut(struct buf *f)
{
	set_ext(f, 2, 4000);
}

TEST(every_damage_to_references_has_its_diagnostic)
{
	static const struct {
		void (*damage)(struct buf *f);
		enum err err;
		uint16_t id;
		const char *name;
	} rows[] = {
#define ROW(fn, err, id) { fn, err, id, #fn }
		ROW(data_pointer_between, E_FORMAT, 285),
		ROW(data_pointer_outside, E_FORMAT, 285),
		ROW(data_pointer_twice, E_FORMAT, 285),
		ROW(data_pointer_by_no_symbol, E_FORMAT, 285),
		ROW(data_pointer_of_another_kind, E_UNSUPPORTED, 232),
		ROW(data_pointer_into_nothing, E_UNSUPPORTED, 259),
		ROW(data_pointer_beyond, E_UNSUPPORTED, 259),
		ROW(data_pointer_into_code, E_UNSUPPORTED, 259),
		ROW(two_tables, E_FORMAT, 285),
		ROW(holder_outside, E_FORMAT, 268),
		ROW(held_number, E_UNSUPPORTED, 269),
		ROW(held_section, E_UNSUPPORTED, 227),
		ROW(version_of_three_bytes, E_FORMAT, 236),
		ROW(legacy_maps, E_UNSUPPORTED, 266),
		ROW(function_type_that_is_none, E_FORMAT, 263),
		ROW(function_type_outside, E_FORMAT, 263),
		ROW(function_between, E_FORMAT, 263),
		ROW(functions_descend, E_FORMAT, 264),
		ROW(small_function_rows, E_FORMAT, 261),
		ROW(functions_cut, E_TRUNCATED, 262),
#undef ROW
	};

	for (size_t i = 0; i < countof(rows); i++) {
		uint16_t id = 0;
		struct buf f;

		test_row = rows[i].name;
		buf_init(&f, 1 << 20);
		buf_put(&f, features_bpf, features_bpf_bytes);
		rows[i].damage(&f);
		CHECK_EQ(read_exact(f.p, f.len, &id), rows[i].err);
		CHECK_EQ(id, rows[i].id);
		buf_done(&f);
	}
}
