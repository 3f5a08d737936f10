/* SPDX-License-Identifier: Apache-2.0 */
/* Every diagnostic of the reader, provoked by one damage each to an object that was good. */
#include "sample.h"

static Elf64_Ehdr *head(struct buf *f)
{
	return (Elf64_Ehdr *)(void *)f->p;
}

static Elf64_Rel *rel(struct buf *f, int i)
{
	return (Elf64_Rel *)(void *)bytes_of(f, ".relsallyport/rule") + i;
}

static uint8_t *code(struct buf *f, int slot)
{
	return bytes_of(f, "sallyport/rule") + 8 * slot;
}

static void set32(void *at, uint32_t v)
{
	memcpy(at, &v, 4);
}

/* The n-th word of .BTF's types; they begin behind the header of 24 bytes. */
static uint8_t *type_word(struct buf *f, int n)
{
	return bytes_of(f, ".BTF") + 24 + 4 * n;
}

/* The n-th word of .BTF.ext; the header has 8, line information begins with the record size. */
static uint8_t *ext_word(struct buf *f, int n)
{
	return bytes_of(f, ".BTF.ext") + 4 * n;
}

/* ---- headers and tables ---- */

static void short_file(struct buf *f)
{
	f->len = 63;
}
static void no_magic(struct buf *f)
{
	f->p[0] = 'x';
}
static void big_endian(struct buf *f)
{
	f->p[EI_DATA] = ELFDATA2MSB;
}
static void another_machine(struct buf *f)
{
	head(f)->e_machine = EM_X86_64;
}
static void an_executable(struct buf *f)
{
	head(f)->e_type = ET_EXEC;
}
static void small_section_headers(struct buf *f)
{
	head(f)->e_shentsize = 40;
}
static void no_sections(struct buf *f)
{
	head(f)->e_shnum = 0;
}
static void names_in_no_section(struct buf *f)
{
	head(f)->e_shstrndx = head(f)->e_shnum;
}
static void too_many_sections(struct buf *f)
{
	head(f)->e_shnum = OBJ_MAX_SECTIONS + 1;
}
static void section_table_outside(struct buf *f)
{
	head(f)->e_shoff = UINT64_MAX - 63;
}
static void section_outside(struct buf *f)
{
	shdr(f, ".rodata")->sh_offset = f->len - 7;
}
static void section_size_wraps(struct buf *f)
{
	shdr(f, ".rodata")->sh_size = UINT64_MAX;
}
static void strings_without_end(struct buf *f)
{
	Elf64_Shdr *s = shdr(f, ".strtab");

	f->p[s->sh_offset + s->sh_size - 1] = 'x';
}
static void section_name_outside(struct buf *f)
{
	shdr(f, ".rodata")->sh_name = 0x10000;
}
static void section_name_just_outside(struct buf *f)
{
	shdr(f, ".rodata")->sh_name = (uint32_t)shdr(f, ".strtab")->sh_size;
}
static void long_section_name(struct buf *f)
{
	Elf64_Shdr *s = shdr(f, ".rodata"), *strings = shdr(f, ".strtab");
	uint8_t *room = bytes_of(f, ".room");

	memset(room, 'n', 299);
	s->sh_name = 1;
	strings->sh_offset = shdr(f, ".room")->sh_offset; /* the names are now one very long one */
	strings->sh_size = 300;
}
static void symbol_entry_size(struct buf *f)
{
	shdr(f, ".symtab")->sh_entsize = 16;
}
static void symbols_cut(struct buf *f)
{
	shdr(f, ".symtab")->sh_size -= 1;
}
static void symbol_names_in_no_section(struct buf *f)
{
	shdr(f, ".symtab")->sh_link = 0xffff;
}
static void symbol_name_outside(struct buf *f)
{
	symbol(f, "two")->st_name = 0x7fffffff;
}
static void symbol_name_just_outside(struct buf *f)
{
	symbol(f, "two")->st_name = (uint32_t)shdr(f, ".strtab")->sh_size;
}
static void symbol_just_behind_the_sections(struct buf *f)
{
	symbol(f, "two")->st_shndx = head(f)->e_shnum;
}
static void symbol_in_no_section(struct buf *f)
{
	symbol(f, "two")->st_shndx = 200;
}
static void two_symbol_tables(struct buf *f)
{
	shdr(f, ".room")->sh_type = SHT_SYMTAB;
}
static void too_many_symbols(struct buf *f)
{
	shdr(f, ".symtab")->sh_offset = shdr(f, ".room")->sh_offset;
	shdr(f, ".symtab")->sh_size = (OBJ_MAX_SYMBOLS + 1) * sizeof(Elf64_Sym);
}
static void relocs_for_no_section(struct buf *f)
{
	shdr(f, ".relsallyport/rule")->sh_info = 1000;
}
static void explicit_addends(struct buf *f)
{
	shdr(f, ".relsallyport/rule")->sh_type = SHT_RELA;
}
static void relocs_cut(struct buf *f)
{
	shdr(f, ".relsallyport/rule")->sh_size -= 8;
}
static void relocs_with_other_symbols(struct buf *f)
{
	shdr(f, ".relsallyport/rule")->sh_link = 1;
}
static void maps_twice(struct buf *f)
{
	shdr(f, ".room")->sh_name = shdr(f, ".maps")->sh_name;
}
static void types_twice(struct buf *f)
{
	shdr(f, ".room")->sh_name = shdr(f, ".BTF")->sh_name;
}

/* ---- functions, calls, relocations ---- */

static void function_misplaced(struct buf *f)
{
	symbol(f, "two")->st_value += 4;
}
static void function_outside(struct buf *f)
{
	symbol(f, "two")->st_size = UINT64_MAX - 7;
}
static void function_empty(struct buf *f)
{
	symbol(f, "two")->st_size = 0;
}
static void functions_overlap(struct buf *f)
{
	symbol(f, "one")->st_size += 8;
}
static void code_without_function(struct buf *f)
{
	symbol(f, "one")->st_info = symbol(f, "two")->st_info = symbol(f, "sub")->st_info = STT_NOTYPE;
}
static void call_into_a_function(struct buf *f)
{
	set32(code(f, 4) + 4, 0);
}
static void call_before_the_section(struct buf *f)
{
	set32(code(f, 4) + 4, (uint32_t)-2);
}
static void call_to_itself_without_relocation(struct buf *f)
{
	shdr(f, ".relsallyport/rule")->sh_size -= sizeof(Elf64_Rel);
}
static void call_relocated_to_data(struct buf *f)
{
	rel(f, 2)->r_info = rel(f, 1)->r_info + 9; /* the data section's symbol, R_BPF_64_32 */
}
static void reloc_inside_an_instruction(struct buf *f)
{
	rel(f, 0)->r_offset = 4;
}
static void reloc_outside(struct buf *f)
{
	rel(f, 0)->r_offset = 8 * 8;
}
static void reloc_by_no_symbol(struct buf *f)
{
	rel(f, 0)->r_info = 1000ull << 32 | 1;
}
static void undefined_symbol(struct buf *f)
{
	symbol(f, "hot")->st_shndx = 0;
}
static void map_reloc_on_a_call(struct buf *f)
{
	rel(f, 0)->r_offset = 32;
}
static void map_reloc_on_half_an_immediate(struct buf *f)
{
	rel(f, 0)->r_offset = 8;
}
static void map_reloc_twice(struct buf *f)
{
	rel(f, 1)->r_offset = 0;
}
static void call_reloc_on_a_map(struct buf *f)
{
	rel(f, 0)->r_info += 9;
}
static void inside_a_map(struct buf *f)
{
	set32(code(f, 0) + 4, 8);
}
static void address_inside_a_function(struct buf *f)
{
	Elf64_Sym *first = (Elf64_Sym *)(void *)bytes_of(f, ".symtab");

	rel(f, 0)->r_info = (uint64_t)(symbol(f, "two") - first) << 32 | 1;
	set32(code(f, 0) + 4, 8);
}
static void address_of_nothing(struct buf *f)
{
	symbol(f, "hot")->st_shndx = SHN_ABS;
}
static void beyond_data(struct buf *f)
{
	set32(code(f, 2) + 4, 9);
}
static void before_data(struct buf *f)
{
	memset(code(f, 2) + 4, 0xff, 4);
	memset(code(f, 3) + 4, 0xff, 4);
}
static void unknown_reloc(struct buf *f)
{
	rel(f, 0)->r_info += 1;
}
static void raw_descriptor(struct buf *f)
{
	code(f, 0)[1] |= 0x10;
}
static void same_name_twice(struct buf *f)
{
	symbol(f, "two")->st_name = symbol(f, "one")->st_name;
}
static void license_without_end(struct buf *f)
{
	bytes_of(f, "license")[10] = 'x';
}

/* ---- types and maps ---- */

static void short_types(struct buf *f)
{
	shdr(f, ".BTF")->sh_size = 23;
}
static void types_magic(struct buf *f)
{
	bytes_of(f, ".BTF")[0] = 0;
}
static void types_outside(struct buf *f)
{
	set32(bytes_of(f, ".BTF") + 12, 0xffffffff);
}
static void type_strings_without_end(struct buf *f)
{
	bytes_of(f, ".BTF")[shdr(f, ".BTF")->sh_size - 1] = 'x';
}
static void unknown_type(struct buf *f)
{
	set32(type_word(f, 1), 31u << 24);
}
static void type_cut(struct buf *f)
{
	set32(type_word(f, 1), 4u << 24 | 0xffff);
}
static void maps_without_types(struct buf *f)
{
	shdr(f, ".BTF")->sh_name = shdr(f, ".BTF.ext")->sh_name = shdr(f, ".room")->sh_name;
}
static void map_unknown_to_types(struct buf *f)
{
	symbol(f, "hot")->st_name++;
}
/* Words: int 4, then five times array 6 and pointer 3, then struct 3 + 15, variable 4, section 3 + 3. */
enum {
	ARRAY_TYPE = 4,
	PTR_TYPE = ARRAY_TYPE + 6,
	STRUCT = 4 + 45,
	MEMBERS = STRUCT + 3,
	VAR = MEMBERS + 15,
	DATASEC = VAR + 4
};
static void no_section_in_types(struct buf *f)
{
	set32(type_word(f, DATASEC), 0);
}
static void map_of_another_type(struct buf *f)
{
	set32(type_word(f, VAR + 2), 1);
}
static void member_name_outside(struct buf *f)
{
	set32(type_word(f, MEMBERS), 0x7fffffff);
}
static void member_says_nothing(struct buf *f)
{
	set32(type_word(f, MEMBERS + 1), 1);
}
static void member_points_at_itself(struct buf *f)
{
	set32(type_word(f, PTR_TYPE + 1), 8u << 24); /* a typedef ... */
	set32(type_word(f, PTR_TYPE + 2), 3);        /* ... of itself */
}
/* key_size becomes key: a pointer to a type now, whose size counts. Its array is type 4. */
static void array_of_itself(struct buf *f)
{
	uint8_t *name = memmem(bytes_of(f, ".BTF"), shdr(f, ".BTF")->sh_size, "key_size", 8);

	name[3] = 0;
	set32(type_word(f, ARRAY_TYPE + 9 + 3), 4);
	set32(type_word(f, ARRAY_TYPE + 9 + 5), 1);
}
static void unknown_member(struct buf *f)
{
	uint8_t *name = memmem(bytes_of(f, ".BTF"), shdr(f, ".BTF")->sh_size, "map_flags", 9);

	name[8] = 'z';
}
static void huge_value(struct buf *f)
{
	set32(type_word(f, ARRAY_TYPE + 2 * 9 + 5), OBJ_MAX_VALUE_BYTES + 1);
}
static void huge_key(struct buf *f)
{
	set32(type_word(f, ARRAY_TYPE + 9 + 5), OBJ_MAX_KEY_BYTES + 1);
}
static void too_many_maps_in_types(struct buf *f)
{
	Elf64_Shdr *types = shdr(f, ".BTF");
	uint32_t type_len, str_len, more = 12 * OBJ_MAX_MAPS;
	uint8_t *room = bytes_of(f, ".room"), *old = bytes_of(f, ".BTF");

	memcpy(&type_len, old + 12, 4);
	memcpy(&str_len, old + 20, 4);
	memcpy(room, old, 24 + type_len);
	memcpy(room + 24 + type_len + more, old + 24 + type_len, str_len);
	set32(room + 12, type_len + more);
	set32(room + 16, type_len + more);
	types->sh_offset = shdr(f, ".room")->sh_offset;
	types->sh_size += more;
	set32(type_word(f, DATASEC + 1), 15u << 24 | (OBJ_MAX_MAPS + 1));
}
static void two_maps_at_one_place(struct buf *f)
{
	Elf64_Sym *two = symbol(f, "two"), *hot = symbol(f, "hot");

	two->st_info = hot->st_info;
	two->st_shndx = hot->st_shndx;
	two->st_value = hot->st_value;
}
static void huge_data(struct buf *f)
{
	shdr(f, ".bss.x")->sh_size = OBJ_MAX_VALUE_BYTES + 1;
}
static void addresses_in_data(struct buf *f)
{
	shdr(f, ".relsallyport/rule")->sh_info = shdr_index(f, ".data");
}

/* ---- lines ---- */

static void short_lines(struct buf *f)
{
	shdr(f, ".BTF.ext")->sh_size = 23;
}
static void lines_magic(struct buf *f)
{
	bytes_of(f, ".BTF.ext")[0] = 0;
}
static void lines_outside(struct buf *f)
{
	set32(ext_word(f, 5), 0xffffffff);
}
static void small_rows(struct buf *f)
{
	set32(ext_word(f, 8), 12);
}
static void rows_cut(struct buf *f)
{
	set32(ext_word(f, 10), 4);
}
static void no_rows(struct buf *f)
{
	set32(ext_word(f, 10), 0);
}
static void rows_for_no_section(struct buf *f)
{
	set32(ext_word(f, 9), 0);
}
static void row_between_instructions(struct buf *f)
{
	set32(ext_word(f, 11), 4);
}
static void row_outside(struct buf *f)
{
	set32(ext_word(f, 11), 8 * 8);
}
static void row_file_outside(struct buf *f)
{
	set32(ext_word(f, 12), 0x7fffffff);
}
static void rows_descend(struct buf *f)
{
	set32(ext_word(f, 15), 0);
}
static void core_relocations(struct buf *f)
{
	set32(ext_word(f, 7), 8);
}
static void short_core_header(struct buf *f)
{
	shdr(f, ".BTF.ext")->sh_size = 28;
	set32(ext_word(f, 5), 0);
	set32(ext_word(f, 4), 0);
	set32(ext_word(f, 1), 32);
}

/* The sample, with a section of zeroes to damage things with. */
static void make(struct buf *f)
{
	static uint8_t zero[(OBJ_MAX_SYMBOLS + 1) * sizeof(Elf64_Sym)];
	struct obj_section extra[2];
	struct sample s;

	sample_init(&s);
	extra[0] = s.extra[0];
	extra[1] = (struct obj_section){ ".room", { zero, sizeof zero } };
	s.out.extra = extra;
	s.out.n_extra = 2;
	buf_init(f, 4 << 20);
	CHECK_OK(obj_write(&s.out, f, NULL));
	sample_done(&s);
}

TEST(every_damage_has_its_own_diagnostic)
{
	static const struct {
		void (*damage)(struct buf *f);
		enum err err;
		uint16_t id;
		const char *name;
	} rows[] = {
#define ROW(fn, err, id) { fn, err, id, #fn }
		ROW(short_file, E_TRUNCATED, 202),
		ROW(no_magic, E_FORMAT, 203),
		ROW(big_endian, E_UNSUPPORTED, 204),
		ROW(another_machine, E_UNSUPPORTED, 204),
		ROW(an_executable, E_UNSUPPORTED, 204),
		ROW(small_section_headers, E_FORMAT, 205),
		ROW(no_sections, E_FORMAT, 205),
		ROW(names_in_no_section, E_FORMAT, 205),
		ROW(too_many_sections, E_LIMIT, 206),
		ROW(section_table_outside, E_TRUNCATED, 207),
		ROW(section_outside, E_TRUNCATED, 208),
		ROW(section_size_wraps, E_TRUNCATED, 208),
		ROW(strings_without_end, E_FORMAT, 209),
		ROW(section_name_outside, E_FORMAT, 210),
		ROW(section_name_just_outside, E_FORMAT, 210),

		ROW(long_section_name, E_LIMIT, 211),
		ROW(symbol_entry_size, E_FORMAT, 212),
		ROW(symbols_cut, E_FORMAT, 212),
		ROW(symbol_names_in_no_section, E_FORMAT, 212),
		ROW(symbol_name_outside, E_FORMAT, 213),
		ROW(symbol_name_just_outside, E_FORMAT, 213),
		ROW(symbol_just_behind_the_sections, E_FORMAT, 214),
		ROW(symbol_in_no_section, E_FORMAT, 214),
		ROW(two_symbol_tables, E_FORMAT, 215),
		ROW(too_many_symbols, E_LIMIT, 216),
		ROW(relocs_for_no_section, E_FORMAT, 217),
		ROW(explicit_addends, E_UNSUPPORTED, 218),
		ROW(relocs_cut, E_FORMAT, 219),
		ROW(relocs_with_other_symbols, E_FORMAT, 219),
		ROW(maps_twice, E_FORMAT, 220),
		ROW(types_twice, E_FORMAT, 220),

		ROW(function_misplaced, E_FORMAT, 221),
		ROW(function_outside, E_FORMAT, 221),
		ROW(function_empty, E_FORMAT, 221),
		ROW(functions_overlap, E_FORMAT, 222),
		ROW(code_without_function, E_FORMAT, 223),
		ROW(call_into_a_function, E_FORMAT, 225),
		ROW(call_before_the_section, E_FORMAT, 225),
		ROW(call_to_itself_without_relocation, E_FORMAT, 225),
		ROW(call_relocated_to_data, E_FORMAT, 225),
		ROW(reloc_inside_an_instruction, E_FORMAT, 226),
		ROW(reloc_outside, E_FORMAT, 226),
		ROW(reloc_by_no_symbol, E_FORMAT, 226),
		ROW(undefined_symbol, E_UNSUPPORTED, 227),
		ROW(map_reloc_on_a_call, E_FORMAT, 228),
		ROW(map_reloc_on_half_an_immediate, E_FORMAT, 228),
		ROW(map_reloc_twice, E_FORMAT, 228),
		ROW(call_reloc_on_a_map, E_FORMAT, 228),
		ROW(inside_a_map, E_FORMAT, 229),
		ROW(address_inside_a_function, E_FORMAT, 225),
		ROW(address_of_nothing, E_UNSUPPORTED, 230),
		ROW(beyond_data, E_FORMAT, 231),
		ROW(before_data, E_FORMAT, 231),
		ROW(unknown_reloc, E_UNSUPPORTED, 232),
		ROW(raw_descriptor, E_UNSUPPORTED, 233),
		ROW(same_name_twice, E_FORMAT, 235),
		ROW(license_without_end, E_FORMAT, 236),

		ROW(short_types, E_TRUNCATED, 101),
		ROW(types_magic, E_FORMAT, 102),
		ROW(types_outside, E_FORMAT, 104),
		ROW(type_strings_without_end, E_FORMAT, 105),
		ROW(unknown_type, E_FORMAT, 107),
		ROW(type_cut, E_TRUNCATED, 101),
		ROW(maps_without_types, E_UNSUPPORTED, 250),
		ROW(map_unknown_to_types, E_FORMAT, 251),
		ROW(no_section_in_types, E_FORMAT, 251),
		ROW(map_of_another_type, E_FORMAT, 252),
		ROW(member_name_outside, E_FORMAT, 108),
		ROW(member_says_nothing, E_FORMAT, 253),
		ROW(member_points_at_itself, E_LIMIT, 106),
		ROW(array_of_itself, E_LIMIT, 106),
		ROW(unknown_member, E_UNSUPPORTED, 254),
		ROW(huge_value, E_LIMIT, 255),
		ROW(huge_key, E_LIMIT, 255),
		ROW(too_many_maps_in_types, E_FORMAT, 115),
		ROW(two_maps_at_one_place, E_FORMAT, 257),
		ROW(huge_data, E_LIMIT, 258),
		ROW(addresses_in_data, E_FORMAT, 225),

		ROW(short_lines, E_TRUNCATED, 260),
		ROW(short_core_header, E_FORMAT, 261),
		ROW(lines_magic, E_FORMAT, 261),
		ROW(lines_outside, E_FORMAT, 261),
		ROW(small_rows, E_FORMAT, 261),
		ROW(rows_cut, E_TRUNCATED, 262),
		ROW(no_rows, E_TRUNCATED, 262),
		ROW(rows_for_no_section, E_FORMAT, 262),
		ROW(row_between_instructions, E_FORMAT, 263),
		ROW(row_outside, E_FORMAT, 263),
		ROW(row_file_outside, E_FORMAT, 263),
		ROW(rows_descend, E_FORMAT, 264),
		ROW(core_relocations, E_UNSUPPORTED, 265),
#undef ROW
	};

	for (size_t i = 0; i < countof(rows); i++) {
		uint16_t id = 0;
		struct buf f;

		test_row = rows[i].name;
		make(&f);
		rows[i].damage(&f);
		CHECK_EQ(read_exact(f.p, f.len, &id), rows[i].err);
		CHECK_EQ(id, rows[i].id);
		buf_done(&f);
	}
}

TEST(a_file_over_the_limit_is_not_looked_at)
{
	AUTO_FREE uint8_t *big = calloc(1, (size_t)OBJ_MAX_BYTES + 1);
	uint16_t id = 0;

	memcpy(big,
	       "\x7f"
	       "ELF",
	       4);
	CHECK_EQ(read_exact(big, (size_t)OBJ_MAX_BYTES + 1, &id), E_LIMIT);
	CHECK_EQ(id, 201);
}

TEST(a_bad_instruction_names_its_function)
{
	struct arena a;
	struct diag d;
	struct obj o;
	struct buf f;

	make(&f);
	*code(&f, 6) = 0xff; /* the first of `two` */
	arena_init(&a, 1 << 20);
	diag_init(&d);
	CHECK_EQ(obj_read(view_of(f.p, f.len), "test.o", NULL, &a, &o, &d), E_FORMAT);
	CHECK_EQ(d.id, 101);
	CHECK_EQ(d.insn, 0);
	CHECK_STR(d.subject, "two");
	arena_done(&a);
	buf_done(&f);
}

TEST(more_programs_than_the_limit_are_refused)
{
	struct isa_insn body[4] = { insn_call(1), insn_exit(), insn_mov(0, 0), insn_exit() };
	Elf64_Sym *first, *sub;
	struct prog_func funcs[2] = { { "r0", 0 }, { "sub", 2 } };
	struct prog *progs;
	struct arena a;
	struct buf f;
	uint16_t id = 0;

	arena_init(&a, 64 << 20);
	progs = ARENA_ARRAY(&a, struct prog, OBJ_MAX_PROGS);
	for (uint32_t i = 0; i < OBJ_MAX_PROGS; i++)
		progs[i] = (struct prog){
			.name = arena_printf(&a, "r%u", i), .section = "x", .insns = body + 2, .n_insns = 2
		};
	progs[0].insns = body;
	progs[0].n_insns = 4;
	progs[0].funcs = funcs;
	progs[0].n_funcs = 2;
	buf_init(&f, OBJ_MAX_BYTES);
	CHECK_OK(obj_write(&(struct obj_out){ .progs = progs, .n_progs = OBJ_MAX_PROGS }, &f, NULL));
	first = symbol(&f, "r1");
	sub = symbol(&f, "sub"); /* becomes another name for r1 */
	sub->st_info = first->st_info;
	sub->st_shndx = first->st_shndx;
	sub->st_value = first->st_value;
	sub->st_size = first->st_size;
	CHECK_EQ(read_exact(f.p, f.len, &id), E_LIMIT);
	CHECK_EQ(id, 224);
	buf_done(&f);
	arena_done(&a);
}

/* A small file in which many programs share one large function must not become a large load. */
TEST(linking_does_not_multiply_code_without_limit)
{
	enum { BIG = 900000, N = 5 };
	struct isa_insn *big = calloc(BIG, sizeof *big), small[3] = { insn_exit(), insn_exit(), insn_exit() };
	struct prog_func funcs[2] = { { "p0", 0 }, { "big", 2 } };
	struct prog progs[N] = {
		{ .name = "p0", .section = "x", .insns = big, .n_insns = BIG, .funcs = funcs, .n_funcs = 2 }
	};
	static const char *const names[N] = { "p0", "p1", "p2", "p3", "p4" };
	uint16_t id = 0;
	struct buf f;

	for (uint32_t i = 0; i < BIG; i++)
		big[i] = insn_exit();
	big[0] = small[0] = insn_call(1);
	for (uint32_t i = 1; i < N; i++)
		progs[i] = (struct prog){
			.name = names[i], .section = "x", .insns = small, .n_insns = 3, .funcs = funcs, .n_funcs = 2
		};
	buf_init(&f, OBJ_MAX_BYTES);
	CHECK_OK(obj_write(&(struct obj_out){ .progs = progs, .n_progs = N }, &f, NULL));
	for (uint32_t i = 1; i < N; i++) { /* all call the large function of p0 */
		Elf64_Rel *rels = (Elf64_Rel *)(void *)bytes_of(&f, ".relx");

		rels[i].r_info = rels[0].r_info;
	}
	CHECK_EQ(read_exact(f.p, f.len, &id), E_LIMIT);
	CHECK_EQ(id, 234);
	buf_done(&f);
	free(big);
}

/* Two names for one function are two programs of the same code. */
TEST(aliases_are_programs_of_the_same_code)
{
	Elf64_Sym *one, *two;
	struct arena a;
	struct obj o;
	struct buf f;

	make(&f);
	one = symbol(&f, "one");
	two = symbol(&f, "two");
	two->st_value = one->st_value;
	two->st_size = one->st_size;
	arena_init(&a, 1 << 20);
	CHECK_OK(obj_read(view_of(f.p, f.len), "test.o", NULL, &a, &o, NULL));
	check_promises(&o);
	CHECK_EQ(obj_prog(&o, "one")->n_insns, obj_prog(&o, "two")->n_insns);
	CHECK_STR(obj_prog(&o, "two")->funcs[0].name, "two");
	arena_done(&a);
	buf_done(&f);
}

TEST(maps_of_kernels_may_be_larger_than_ours)
{
	static void (*const damages[])(struct buf * f) = { huge_value, huge_key, huge_data };
	const struct obj_opts opts = { .kernel_sizes = true };

	for (size_t i = 0; i < countof(damages); i++) {
		struct arena a;
		struct buf f;
		struct obj o;
		struct diag d;

		make(&f);
		damages[i](&f);
		arena_init(&a, 16 << 20);
		diag_init(&d);
		CHECK_EQ(obj_read(view_of(f.p, f.len), "large", NULL, &a, &o, &d), E_LIMIT);
		CHECK_EQ(obj_read(view_of(f.p, f.len), "large", &opts, &a, &o, &d), E_OK);
		arena_done(&a);
		buf_done(&f);
	}
}
