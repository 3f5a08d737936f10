/* SPDX-License-Identifier: Apache-2.0 */
/* Relocations that do not fit their instruction, or whose result does not, are refused when an object is read. */
#include "make.h"

#include "engine/obj/obj.h"

extern const uint8_t core_v3_bpf[];
extern const size_t core_v3_bpf_bytes;

/* An object that may be damaged, and types to fit it to. */
struct damaged {
	struct arena a;
	struct make m;
	uint8_t *file;
	struct btf local, target;
	uint8_t *record; /* of the relocation at work, in file */
	uint8_t *insn;   /* its instruction */
};

/* Offsets in a record of .BTF.ext, and in an instruction. */
enum { REC_OFF = 0, REC_ACCESS = 8, REC_KIND = 12, REC_BYTES = 16, INSN_OFF = 2, INSN_IMM = 4 };

static void damaged_init(struct damaged *g)
{
	struct obj_opts opts = { 0 };
	struct diag d;
	struct obj o;

	arena_init(&g->a, 64 << 20);
	make_init(&g->m, NULL);
	g->file = arena_alloc(&g->a, core_v3_bpf_bytes);
	assert(g->file);
	memcpy(g->file, core_v3_bpf, core_v3_bpf_bytes);
	diag_init(&d);
	make_int(&g->m, "int", 4, 1);
	CHECK_OK(make_read(&g->m, NULL, &g->a, &g->target, &d));
	opts.target = &g->target;
	CHECK_OK(obj_read(view_of(g->file, core_v3_bpf_bytes), "core", &opts, &g->a, &o, &d));
	CHECK_OK(btf_read(obj_section(&o, ".BTF")->bytes, NULL, &g->a, &g->local, &d));
}

static void damaged_done(struct damaged *g)
{
	make_done(&g->m);
	arena_done(&g->a);
}

static uint32_t word_at(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

static struct obj_section section(const struct damaged *g, const char *name)
{
	const struct obj_opts opts = { .target = &g->target };
	struct obj o;

	CHECK_OK(obj_read(view_of(g->file, core_v3_bpf_bytes), "core", &opts, (struct arena *)(uintptr_t)&g->a, &o,
			  NULL));
	return *obj_section(&o, name);
}

/* Find the first relocation of this kind, by a type of this name and an access, in this section. */
static void find(struct damaged *g, const char *in, enum core_kind kind, const char *type, const char *access)
{
	struct obj_section ext = section(g, ".BTF.ext"), code = section(g, in);
	uint8_t *p = (uint8_t *)(uintptr_t)ext.bytes.p, *end;

	end = p + word_at(p + 4) + word_at(p + 24) + word_at(p + 28);
	for (p += word_at(p + 4) + word_at(p + 24) + 4; p < end;) {
		uint32_t n = word_at(p + 4);
		bool here = !strcmp(btf_string(&g->local, word_at(p)), in);

		for (p += 8; n--; p += REC_BYTES) {
			if (!here || word_at(p + REC_KIND) != kind ||
			    strcmp(btf_get(&g->local, word_at(p + 4))->name, type) != 0 ||
			    strcmp(btf_string(&g->local, word_at(p + REC_ACCESS)), access) != 0)
				continue;
			g->record = p;
			g->insn = (uint8_t *)(uintptr_t)code.bytes.p + word_at(p);
			return;
		}
	}
	fail_msg("no relocation of %s %s in %s", type, access, in);
}

static void refused(struct damaged *g, const char *row, enum err want, char family, unsigned id)
{
	const struct obj_opts opts = { .target = &g->target };
	struct diag d;
	struct obj o;

	test_row = row;
	diag_init(&d);
	CHECK_EQ(obj_read(view_of(g->file, core_v3_bpf_bytes), "core", &opts, &g->a, &o, &d), want);
	CHECK_EQ(d.family, family);
	CHECK_EQ(d.id, id);
	CHECK(d.offset < core_v3_bpf_bytes);
}

/* The target knows struct moved with these members. */
static void target_is(struct damaged *g, uint32_t bytes, const struct make_member *members, uint32_t n)
{
	struct diag d;

	make_struct(&g->m, BTF_STRUCT, "moved", bytes, members, n);
	if (make_read(&g->m, NULL, &g->a, &g->target, &d) != E_OK)
		fail_msg("%s", d.text);
}

TEST(an_instruction_that_is_not_what_the_types_say_is_refused)
{
	static const struct {
		const char *row, *section;
		enum core_kind kind;
		const char *type, *access;
		bool in_record;
		uint32_t at, flip;
	} rows[] = {
		{ "immediate", "say", CORE_FIELD_BYTE_SIZE, "moved", "0:1", false, INSN_IMM, 1 },
		{ "64-bit immediate", "say", CORE_ENUMVAL_VALUE, "color", "0", false, INSN_IMM, 1 },
		{ "offset of a load", "read", CORE_FIELD_BYTE_OFFSET, "moved", "0:1", false, INSN_OFF, 8 },
		{ "between instructions", "read", CORE_FIELD_BYTE_OFFSET, "moved", "0:1", true, REC_OFF, 4 },
		{ "exit", "say", CORE_FIELD_BYTE_SIZE, "moved", "0:1", true, REC_OFF, 8 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct damaged g;
		uint8_t *at;

		test_row = rows[i].row;
		damaged_init(&g);
		target_is(&g, 16, (struct make_member[]){ { "b", make_int(&g.m, "u64", 8, 0), 64, 0 } }, 1);
		make_enum(&g.m, BTF_ENUM, "color", false, (struct make_value[]){ { "RED", 9 } }, 1);
		target_is(&g, 16, (struct make_member[]){ { "b", make_int(&g.m, "u64", 8, 0), 64, 0 } }, 1);
		find(&g, rows[i].section, rows[i].kind, rows[i].type, rows[i].access);
		at = (rows[i].in_record ? g.record : g.insn) + rows[i].at;
		*at ^= (uint8_t)rows[i].flip;
		refused(&g, rows[i].row, E_FORMAT, 'E', 290);
		damaged_done(&g);
	}
}

TEST(an_access_that_is_not_as_wide_as_the_types_say_is_not_given_another_width)
{
	enum { LDX_W = 0x61, LDX_H = 0x69, ATOMIC_W = 0xc3 };
	struct damaged g;

	damaged_init(&g);
	target_is(&g, 8, (struct make_member[]){ { "narrow", make_int(&g.m, "u16", 2, 0), 0, 0 } }, 1);
	find(&g, "read", CORE_FIELD_BYTE_OFFSET, "moved", "0:6");
	CHECK_EQ(g.insn[0], LDX_W);
	g.insn[0] = LDX_H;
	refused(&g, "a load of 2 bytes", E_FORMAT, 'E', 290);
	g.insn[0] = ATOMIC_W;
	memset(g.insn + INSN_IMM, 0, 4);
	refused(&g, "an atomic operation", E_FORMAT, 'E', 290);
	damaged_done(&g);
}

TEST(a_reference_is_no_number_to_relocate)
{
	enum { LDDW_KIND = 0x10 }; /* src 1: a map */
	struct damaged g;

	damaged_init(&g);
	make_enum(&g.m, BTF_ENUM, "color", false, (struct make_value[]){ { "RED", 9 } }, 1);
	target_is(&g, 0, NULL, 0);
	find(&g, "say", CORE_ENUMVAL_VALUE, "color", "0");
	g.insn[1] |= LDDW_KIND;
	refused(&g, "lddw of a map", E_UNSUPPORTED, 'E', 233);
	damaged_done(&g);
}

TEST(results_that_no_instruction_can_hold_are_refused)
{
	struct damaged g;

	damaged_init(&g);
	target_is(&g, 40008, (struct make_member[]){ { "b", make_int(&g.m, "u64", 8, 0), 40000 * 8, 0 } }, 1);
	refused(&g, "an offset of 40000", E_LIMIT, 'E', 291);
	damaged_done(&g);

	damaged_init(&g);
	target_is(&g, 0xfffffff0, NULL, 0);
	refused(&g, "a size of almost 4 GiB", E_LIMIT, 'E', 291);
	damaged_done(&g);

	damaged_init(&g);
	target_is(&g, 16, (struct make_member[]){ { "narrow", make_int(&g.m, "u128", 16, 0), 0, 0 } }, 1);
	refused(&g, "a load of 16 bytes", E_LIMIT, 'E', 291);
	damaged_done(&g);
}

TEST(what_is_wrong_with_types_and_lists_is_said_at_its_byte_in_the_file)
{
	struct damaged g;

	damaged_init(&g);
	find(&g, "read", CORE_FIELD_BYTE_OFFSET, "moved", "0:1");
	g.record[REC_KIND] = CORE_N_KINDS;
	refused(&g, "unknown kind", E_UNSUPPORTED, 'U', 205);
	damaged_done(&g);

	damaged_init(&g);
	target_is(&g, 8, (struct make_member[]){ { "b", make_int(&g.m, "u64", 8, 0), 0, 0 } }, 1);
	target_is(&g, 16, (struct make_member[]){ { "b", make_int(&g.m, "u64", 8, 0), 64, 0 } }, 1);
	refused(&g, "two that disagree", E_REJECTED, 'U', 212);
	damaged_done(&g);
}

TEST(types_without_any_match_leave_an_object_of_questions_whole)
{
	struct damaged g;
	const struct obj_opts opts = { .target = &g.target };
	const struct prog *p;
	struct obj o;
	uint32_t missing = 0;

	damaged_init(&g);
	CHECK_OK(obj_read(view_of(g.file, core_v3_bpf_bytes), "core", &opts, &g.a, &o, NULL));
	p = obj_prog(&o, "exists_a");
	CHECK_EQ(p->insns[0].imm, 0);
	p = obj_prog(&o, "read_a");
	for (uint32_t i = 0; i < p->n_insns; i++)
		missing += prog_missing(p, i) != NULL;
	CHECK_EQ(missing, 1);
	p = obj_prog(&o, "enum_red"); /* both slots, lest the second be no instruction */
	CHECK(prog_missing(p, 0) && prog_missing(p, 1));
	CHECK_STR(prog_missing(p, 0), "the target has no value of enum color.RED");
	damaged_done(&g);
}
