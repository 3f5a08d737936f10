/* SPDX-License-Identifier: Apache-2.0 */
/* What obj_write is given comes back from obj_read; what obj_read would not give is refused. */
#include "sample.h"

TEST(the_sample_reads_back_as_it_was_written)
{
	const struct obj_section *extra;
	const struct prog *p;
	struct sample s;
	struct arena a;
	struct buf file;
	struct obj o;

	sample_init(&s);
	sample_write(&file);
	arena_init(&a, 1 << 20);
	CHECK_OK(obj_read(view_of(file.p, file.len), "sample.o", NULL, &a, &o, NULL));
	CHECK_EQ(o.n_progs, 2);
	CHECK_EQ(o.n_maps, SAMPLE_N_MAPS);
	for (uint32_t i = 0; i < SAMPLE_N_MAPS; i++) {
		test_row = s.maps[i].name;
		CHECK_STR(o.maps[i].name, s.maps[i].name);
		CHECK_EQ(o.maps[i].kind, s.maps[i].kind);
		CHECK_EQ(o.maps[i].key_size, s.maps[i].key_size);
		CHECK_EQ(o.maps[i].value_size, s.maps[i].value_size);
		CHECK_EQ(o.maps[i].max_entries, s.maps[i].max_entries);
		CHECK_EQ(o.maps[i].flags, s.maps[i].flags);
		CHECK_EQ(o.maps[i].init.len, s.maps[i].init.len);
	}
	p = obj_prog(&o, "one");
	CHECK_EQ(p->n_insns, 9);
	CHECK(same_code(p->insns, s.code, 9));
	CHECK_EQ(p->n_funcs, 2);
	CHECK_STR(p->funcs[1].name, "sub");
	CHECK_EQ(p->n_lines, 3);
	CHECK_STR(p->lines[2].file, "b.yaml");
	CHECK_STR(p->lines[1].text, "");
	CHECK_EQ(p->lines[2].line, 1000000);
	CHECK_EQ(p->lines[2].col, 1023);
	CHECK_STR(p->section, "sallyport/rule");
	p = obj_prog(&o, "two");
	CHECK_EQ(p->n_insns, 2);
	CHECK_EQ(p->n_lines, 0);
	extra = obj_section(&o, ".sallyport.schema");
	CHECK(extra && extra->bytes.len == 8 && extra->bytes.p[7] == 8);
	CHECK_STR(o.license, "Apache-2.0");
	buf_done(&file);
	arena_done(&a);
	sample_done(&s);
}

TEST(writing_is_deterministic_and_appends)
{
	struct sample s;
	struct buf one, two;

	sample_init(&s);
	sample_write(&one);
	buf_init(&two, 1 << 20);
	buf_puts(&two, "abc");
	CHECK_OK(obj_write(&s.out, &two, NULL));
	CHECK_EQ(two.len, one.len + 3);
	CHECK(!memcmp(two.p + 3, one.p, one.len));
	buf_done(&one);
	buf_done(&two);
	sample_done(&s);
}

TEST(an_object_of_nothing_is_an_object)
{
	struct obj_out nothing = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	CHECK_OK(obj_write(&nothing, &b, NULL));
	CHECK_OK(read_exact(b.p, b.len, NULL));
	buf_done(&b);
}

TEST(as_many_programs_as_rules_and_types_can_make_fit_into_one_object)
{
	enum { N = 4096 * 6 };
	struct isa_insn code[2] = { insn_mov(0, 0), insn_exit() };
	struct obj_out out = { .n_progs = N };
	struct prog *progs;
	struct arena a;
	struct buf b;

	arena_init(&a, 64 << 20);
	progs = ARENA_ARRAY(&a, struct prog, N);
	for (uint32_t i = 0; i < N; i++)
		progs[i] = (struct prog){
			.name = arena_printf(&a, "r%u", i), .section = "sallyport/rule", .insns = code, .n_insns = 2
		};
	out.progs = progs;
	buf_init(&b, OBJ_MAX_BYTES);
	CHECK_OK(obj_write(&out, &b, NULL));
	CHECK_OK(read_exact(b.p, b.len, NULL));
	buf_done(&b);
	arena_done(&a);
}

/* Each makes one thing wrong. */
static char long_name[OBJ_MAX_NAME + 2];
static struct prog_map many_maps[OBJ_MAX_MAPS + 1];
static struct isa_insn *big;

static void too_many_maps(struct sample *s)
{
	for (size_t i = 0; i < countof(many_maps); i++)
		many_maps[i] = s->maps[SAMPLE_HOT];
	s->out.maps = many_maps;
	s->out.n_maps = countof(many_maps);
}
static void too_many_programs(struct sample *s)
{
	s->out.n_progs = OBJ_MAX_PROGS + 1;
}
static void too_many_slots(struct sample *s)
{
	s->progs[1].insns = big;
	s->progs[1].n_insns = ISA_MAX_SLOTS + 1;
}
static void long_section(struct sample *s)
{
	s->extra[0].name = long_name;
}
static void long_program_section(struct sample *s)
{
	s->progs[1].section = long_name;
}
static void section_twice(struct sample *s)
{
	s->extra[0].name = "license";
}
static void map_twice(struct sample *s)
{
	s->maps[SAMPLE_RODATA] = s->maps[SAMPLE_HOT];
	s->out.n_maps = 2;
	s->code[2] = s->code[0];
}
static void program_twice(struct sample *s)
{
	s->progs[1].name = "one";
}
static void unknown_data(struct sample *s)
{
	s->maps[SAMPLE_BSS].name = ".other";
}
static void bss_with_values(struct sample *s)
{
	s->maps[SAMPLE_BSS].init = s->maps[SAMPLE_DATA].init;
}
static void writable_rodata(struct sample *s)
{
	s->maps[SAMPLE_RODATA].flags = 0;
}
static void two_entries_of_data(struct sample *s)
{
	s->maps[SAMPLE_DATA].max_entries = 2;
}
static void values_longer_than_the_value(struct sample *s)
{
	s->maps[SAMPLE_DATA].value_size = 7;
}
static void hash_with_values(struct sample *s)
{
	s->maps[SAMPLE_HOT].init = s->maps[SAMPLE_DATA].init;
}
static void map_without_name(struct sample *s)
{
	s->maps[SAMPLE_HOT].name = "";
}
static void map_behind_data(struct sample *s)
{
	s->maps[SAMPLE_BSS] = s->maps[SAMPLE_HOT];
	s->maps[SAMPLE_BSS].name = "cold";
}
static void half_immediate(struct sample *s)
{
	s->progs[0].n_insns = 1;
	s->progs[0].n_funcs = s->progs[0].n_lines = 0;
}
static void lone_pad(struct sample *s)
{
	s->progs[0].insns = s->code + 1;
	s->progs[0].n_insns = s->progs[0].n_funcs = s->progs[0].n_lines = 1;
}
static void no_such_map(struct sample *s)
{
	s->code[0].imm = SAMPLE_N_MAPS;
}
static void negative_map(struct sample *s)
{
	s->code[0].imm = -1;
}
static void immediate_of_another_kind(struct sample *s)
{
	s->code[0] = insn_ref(1, ISA_IMM64_BTF_ID, 0, 0);
}
static void value_of_a_hash(struct sample *s)
{
	s->code[2].imm = SAMPLE_HOT;
}
static void descriptor_of_data(struct sample *s)
{
	s->code[0].imm = SAMPLE_DATA;
}
static void beyond_the_value(struct sample *s)
{
	s->code[2].off = 9;
}
static void address_of_a_function(struct sample *s)
{
	s->code[0] = insn_ref(1, ISA_IMM64_FUNC, 5, 0);
}
static void on_demand(struct sample *s)
{
	s->progs[1].on_demand = true;
}
static void pinned_map(struct sample *s)
{
	s->maps[SAMPLE_HOT].pinning = 1;
}
static void map_with_addresses(struct sample *s)
{
	static const struct prog_ptr to_itself = { .map = SAMPLE_DATA };

	s->maps[SAMPLE_DATA].ptrs = &to_itself;
	s->maps[SAMPLE_DATA].n_ptrs = 1;
}
static void call_to_no_function(struct sample *s)
{
	s->code[4].imm = 2;
}
static void call_outside(struct sample *s)
{
	s->code[4].imm = -100;
}
static void call_without_functions(struct sample *s)
{
	s->progs[0].n_funcs = 0;
}
static void program_without_name(struct sample *s)
{
	s->progs[1].name = "";
}
static void program_in_text(struct sample *s)
{
	s->progs[1].section = ".text";
}
static void empty_program(struct sample *s)
{
	s->progs[1].n_insns = 0;
}
static void functions_descend(struct sample *s)
{
	s->funcs[1].start = 0;
}
static void first_function_late(struct sample *s)
{
	s->funcs[0].start = 1;
}
static void lines_descend(struct sample *s)
{
	s->lines[2].insn = 4;
}
static void line_outside(struct sample *s)
{
	s->lines[2].insn = 9;
}

TEST(what_could_not_be_read_back_is_not_written)
{
	static const struct {
		void (*spoil)(struct sample *s);
		enum err err;
		uint16_t id;
		const char *name;
	} rows[] = {
#define ROW(fn, err, id) { fn, err, id, #fn }
		ROW(too_many_maps, E_LIMIT, 270),
		ROW(too_many_programs, E_LIMIT, 270),
		ROW(too_many_slots, E_LIMIT, 270),
		ROW(long_section, E_INVALID, 271),
		ROW(long_program_section, E_INVALID, 271),
		ROW(section_twice, E_INVALID, 272),
		ROW(map_twice, E_INVALID, 272),
		ROW(program_twice, E_INVALID, 272),
		ROW(unknown_data, E_UNSUPPORTED, 273),
		ROW(bss_with_values, E_UNSUPPORTED, 273),
		ROW(writable_rodata, E_UNSUPPORTED, 273),
		ROW(two_entries_of_data, E_UNSUPPORTED, 273),
		ROW(values_longer_than_the_value, E_UNSUPPORTED, 273),
		ROW(hash_with_values, E_UNSUPPORTED, 273),
		ROW(map_without_name, E_UNSUPPORTED, 273),
		ROW(map_behind_data, E_INVALID, 274),
		ROW(half_immediate, E_INVALID, 275),
		ROW(lone_pad, E_INVALID, 275),
		ROW(no_such_map, E_INVALID, 276),
		ROW(negative_map, E_INVALID, 276),
		ROW(immediate_of_another_kind, E_UNSUPPORTED, 281),
		ROW(value_of_a_hash, E_INVALID, 276),
		ROW(descriptor_of_data, E_INVALID, 276),
		ROW(beyond_the_value, E_INVALID, 276),
		ROW(address_of_a_function, E_UNSUPPORTED, 281),
		ROW(on_demand, E_UNSUPPORTED, 281),
		ROW(pinned_map, E_UNSUPPORTED, 281),
		ROW(map_with_addresses, E_UNSUPPORTED, 281),
		ROW(call_to_no_function, E_INVALID, 277),
		ROW(call_outside, E_INVALID, 277),
		ROW(call_without_functions, E_INVALID, 277),
		ROW(program_without_name, E_INVALID, 278),
		ROW(program_in_text, E_INVALID, 278),
		ROW(empty_program, E_INVALID, 278),
		ROW(functions_descend, E_INVALID, 279),
		ROW(first_function_late, E_INVALID, 279),
		ROW(lines_descend, E_INVALID, 279),
		ROW(line_outside, E_INVALID, 279),
#undef ROW
	};

	memset(long_name, 'n', sizeof long_name - 1);
	big = calloc(ISA_MAX_SLOTS + 1, sizeof *big);
	for (size_t i = 0; i < countof(rows); i++) {
		struct sample s;
		struct diag d;
		struct buf b;

		test_row = rows[i].name;
		sample_init(&s);
		rows[i].spoil(&s);
		diag_init(&d);
		buf_init(&b, 1 << 20);
		CHECK_EQ(obj_write(&s.out, &b, &d), rows[i].err);
		CHECK_EQ(d.family, 'E');
		CHECK_EQ(d.id, rows[i].id);
		CHECK_EQ(b.len, 0);
		buf_done(&b);
		sample_done(&s);
	}
	free(big);
}

TEST(an_object_that_does_not_fit_is_an_error)
{
	static const size_t max[] = { 0, 100, 1000 };
	struct sample s;

	sample_init(&s);
	for (size_t i = 0; i < countof(max); i++) {
		struct diag d;
		struct buf b;

		diag_init(&d);
		buf_init(&b, max[i]);
		CHECK_EQ(obj_write(&s.out, &b, &d), E_LIMIT);
		CHECK_EQ(d.id, 280);
		buf_done(&b);
	}
	sample_done(&s);
}
