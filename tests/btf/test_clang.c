/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clang makes of core.bpf.c, fitted to target.h and run: every value must be what C itself says of target.h, which
 * is compiled into this test too.
 */
#include "test.h"

#include "engine/obj/obj.h"
#include "engine/vm/vm.h"

#include "target.h"

extern const uint8_t core_old_bpf[], core_v1_bpf[], core_v3_bpf[], core_v4_bpf[], target_bpf[];
extern const size_t core_old_bpf_bytes, core_v1_bpf_bytes, core_v3_bpf_bytes, core_v4_bpf_bytes, target_bpf_bytes;

static const struct {
	const char *name;
	const uint8_t *bytes;
	const size_t *n;
} objects[] = {
	{ "-mcpu=v1", core_v1_bpf, &core_v1_bpf_bytes },
	{ "-mcpu=v3", core_v3_bpf, &core_v3_bpf_bytes },
	{ "-mcpu=v4", core_v4_bpf, &core_v4_bpf_bytes },
	{ "clang 14", core_old_bpf, &core_old_bpf_bytes },
};
enum { OLD = 3 };

/* All but the last, where this machine has no clang 14. */
static size_t n_objects(void)
{
	return core_old_bpf_bytes ? OLD + 1 : OLD;
}

TEST(clang_14_is_one_of_the_compilers)
{
	if (!core_old_bpf_bytes)
		SKIP("this machine has no clang-14");
	CHECK_EQ(n_objects(), countof(objects));
}

struct fitted {
	struct arena a;
	struct obj o;
	struct btf local, target;
	struct vm *vm;
};

static void read_types(struct view file, struct arena *a, struct btf *out)
{
	struct diag d;
	struct obj o;

	diag_init(&d);
	if (obj_read(file, "target", NULL, a, &o, &d) != E_OK ||
	    btf_read(obj_section(&o, ".BTF")->bytes, NULL, a, out, &d) != E_OK)
		fail_msg("%s", d.text);
}

static void fit(struct fitted *f, size_t object)
{
	struct obj_opts opts = { .target = &f->target };
	struct diag d;

	test_row = objects[object].name;
	arena_init(&f->a, 64 << 20);
	diag_init(&d);
	read_types(view_of(target_bpf, target_bpf_bytes), &f->a, &f->target);
	if (obj_read(view_of(objects[object].bytes, *objects[object].n), "core", &opts, &f->a, &f->o, &d) != E_OK)
		fail_msg("%c%u %s", d.family, d.id, d.text);
	CHECK_OK(btf_read(obj_section(&f->o, ".BTF")->bytes, NULL, &f->a, &f->local, &d));
	CHECK_OK(vm_new(&f->vm));
}

static void fitted_done(struct fitted *f)
{
	vm_free(f->vm);
	arena_done(&f->a);
}

static const struct prog *get(const struct fitted *f, const char *name)
{
	const struct prog *p = obj_prog(&f->o, name);

	if (!p)
		fail_msg("no program %s", name);
	return p;
}

/* d: optional */
static enum err run(const struct fitted *f, const char *name, void *ctx, size_t ctx_bytes, uint64_t *ret,
		    struct diag *d)
{
	static const struct abi_profile none = { .name = "none" };
	const struct vm_prog_opts opts = { .profile = &none, .keep = true };
	const struct vm_run_args args = { .ctx = ctx, .ctx_bytes = ctx_bytes, .ctx_writable = true };
	struct vm_prog *vp;
	struct diag why;
	enum err err;

	diag_init(&why);
	if (vm_prog_new(get(f, name), &opts, &vp, &why) != E_OK)
		fail_msg("%s: %s", name, why.text);
	err = vm_run(f->vm, vp, &args, ret, NULL, d);
	vm_prog_free(vp);
	return err;
}

static uint64_t value(const struct fitted *f, const char *name, void *ctx, size_t ctx_bytes)
{
	uint64_t ret = 0;

	test_row = name;
	CHECK_OK(run(f, name, ctx, ctx_bytes, &ret, NULL));
	return ret;
}

static int callee(void *p, int n)
{
	return p ? n : 0;
}

/* A struct moved in which every field has a value of its own, and behind it three elements of its list. */
static struct moved *sample(size_t *bytes)
{
	struct moved *s;

	*bytes = sizeof *s + 3 * sizeof s->list[0];
	s = calloc(1, *bytes);
	assert(s);
	memset(s->pad, 0x5a, sizeof s->pad);
	s->b = 0x1122334455667788;
	s->first = -12;
	s->a = -345678;
	s->p = s;
	memcpy(s->name, "abcdefgh", 8);
	s->in = (struct leaf){ .y = 3, .x = 0x7654321, .tag = "XYZ" };
	s->many[2] = (struct leaf){ .y = 4, .x = -9, .tag = "two" };
	s->narrow = 0xfedc;
	s->wide = 0x80000001;
	s->small = -3;
	s->signed_narrow = -4;
	s->color = BLUE;
	s->flag = 1;
	s->bits = 0x155;
	s->signed_bits = -7;
	s->far_bits = 0x1aaaaaaaaull;
	s->plain = 0xdeadbeef;
	s->fn = callee;
	s->next = &s->many[1];
	s->list[2] = 4711;
	return s;
}

TEST(fields_are_read_where_the_target_has_them)
{
	struct fitted f;
	size_t bytes;

	for (size_t i = 0; i < n_objects(); i++) {
		struct moved *s = sample(&bytes);

		fit(&f, i);
		CHECK_EQ((int)value(&f, "read_a", s, bytes), s->a);
		CHECK_EQ(value(&f, "read_b", s, bytes), s->b);
		CHECK_EQ(value(&f, "read_p", s, bytes), (uintptr_t)s->p);
		CHECK_EQ(value(&f, "read_name_3", s, bytes), s->name[3]);
		CHECK_EQ((int)value(&f, "read_in_x", s, bytes), s->in.x);
		CHECK_EQ(value(&f, "read_in_tag_1", s, bytes), s->in.tag[1]);
		CHECK_EQ((int)value(&f, "read_many_2_x", s, bytes), s->many[2].x);
		CHECK_EQ(value(&f, "read_narrow", s, bytes), s->narrow);
		CHECK_EQ(value(&f, "read_wide", s, bytes), s->wide);
		CHECK_EQ(value(&f, "read_small", s, bytes), s->small);
		CHECK_EQ((int)value(&f, "read_color", s, bytes), s->color);
		CHECK_EQ((int)value(&f, "read_list_2", s, bytes), s->list[2]);
		CHECK_EQ(value(&f, "read_first", s, bytes), s->first);
		CHECK_EQ(value(&f, "read_fn", s, bytes), (uintptr_t)s->fn);
		CHECK_EQ(value(&f, "read_next", s, bytes), (uintptr_t)s->next);
		CHECK_EQ(value(&f, "read_guarded", s, bytes), 77);
		CHECK_EQ(value(&f, "read_by_call", s, bytes), s->b + (uint64_t)s->in.x + (uint64_t)s->a);
		CHECK_EQ(value(&f, "read_by_call_too", s, bytes), s->b + (uint64_t)s->in.x);
		fitted_done(&f);
		free(s);
	}
}

TEST(bit_fields_are_read_by_what_is_said_of_them)
{
	struct fitted f;
	size_t bytes;

	for (size_t i = 0; i < n_objects(); i++) {
		struct moved *s = sample(&bytes);

		fit(&f, i);
		CHECK_EQ(value(&f, "bits_flag", s, bytes), s->flag);
		CHECK_EQ(value(&f, "bits_bits", s, bytes), s->bits);
		CHECK_EQ(value(&f, "bits_signed_bits", s, bytes), s->signed_bits);
		CHECK_EQ(value(&f, "bits_far_bits", s, bytes), s->far_bits);
		CHECK_EQ(value(&f, "bits_plain", s, bytes), s->plain);
		fitted_done(&f);
		free(s);
	}
}

TEST(fields_are_written_with_the_targets_width)
{
	struct fitted f;
	size_t bytes;

	for (size_t i = 0; i < n_objects(); i++) {
		struct moved *s = sample(&bytes), *want = sample(&bytes);

		fit(&f, i);
		want->p = s;
		want->next = &s->many[1];
		want->a = 1234;
		want->narrow = 0xbeef;
		want->wide = 5;
		CHECK_EQ(value(&f, "store_a_and_narrow", s, bytes), 1234 + 0xbeef);
		CHECK(!memcmp(s, want, bytes));
		fitted_done(&f);
		free(s);
		free(want);
	}
}

TEST(what_the_target_lacks_faults_and_says_what_it_is)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "read_unguarded", "the target has no byte offset of struct moved.gone" },
		{ "read_signed_narrow",
		  "the target has no field of the width of byte offset of struct moved.signed_narrow" },
		{ "read_bits_merged", "the target has no field of the width of byte offset of struct moved.flag" },
		{ "read_guarded", "the target has no byte offset of struct moved.gone" },
		{ "enum_purple", "the target has no value of enum color.PURPLE" },
	};
	struct fitted f;
	size_t bytes;

	for (size_t i = 0; i < n_objects(); i++) {
		struct moved *s = sample(&bytes);

		fit(&f, i);
		for (size_t k = 0; k < countof(rows); k++) {
			const struct prog *p = get(&f, rows[k].name);
			uint64_t ret;
			const char *text = NULL;
			struct diag d;

			test_row = rows[k].name;
			for (uint32_t n = 0; n < p->n_insns; n++)
				text = prog_missing(p, n) ? prog_missing(p, n) : text;
			CHECK_STR(text, rows[k].want);
			diag_init(&d);
			CHECK_EQ(run(&f, rows[k].name, s, bytes, &ret, &d), k == 3 ? E_OK : E_FAULT);
			if (k != 3)
				CHECK_HAS(d.text, rows[k].want);
		}
		for (uint32_t n = 0; n < get(&f, "read_a")->n_insns; n++)
			CHECK(!prog_missing(get(&f, "read_a"), n));
		fitted_done(&f);
		free(s);
	}
}

struct fact {
	const char *name;
	uint64_t want;
};

/* Clang 14 cannot ask for matches, and has no enumerations of 64 bits. */
static bool too_old(size_t object, const char *name)
{
	return object == OLD &&
	       (!strncmp(name, "matches_", 8) || !strcmp(name, "enum_huge") || !strcmp(name, "enum_top"));
}

static void check_facts(const struct fitted *f, size_t object, const struct fact *facts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!too_old(object, facts[i].name))
			CHECK_EQ(value(f, facts[i].name, NULL, 0), facts[i].want);
}

TEST(fields_of_the_target_are_what_c_says_of_them)
{
	static const struct fact facts[] = {
		{ "offset_a", offsetof(struct moved, a) },
		{ "offset_in_x", offsetof(struct moved, in.x) },
		{ "offset_name", offsetof(struct moved, name) },
		{ "offset_many_1_tag", offsetof(struct moved, many[1].tag) },
		{ "offset_list", offsetof(struct moved, list) },
		{ "size_b", sizeof(((struct moved *)0)->b) },
		{ "size_name", sizeof(((struct moved *)0)->name) },
		{ "size_narrow", sizeof(((struct moved *)0)->narrow) },
		{ "size_in", sizeof(struct leaf) },
		{ "size_many", sizeof(((struct moved *)0)->many) },
		{ "exists_a", 1 },
		{ "exists_gone", 0 },
		{ "exists_gone_other", 0 },
		{ "exists_many_2", 1 },
		{ "signed_a", 1 },
		{ "signed_b", 0 },
		{ "signed_color", (enum color) - 1 < 0 },
		{ "lshift_narrow", 64 - 8 * sizeof(((struct moved *)0)->narrow) },
		{ "rshift_narrow", 64 - 8 * sizeof(((struct moved *)0)->narrow) },
	};
	struct fitted f;

	for (size_t i = 0; i < n_objects(); i++) {
		fit(&f, i);
		check_facts(&f, i, facts, countof(facts));
		fitted_done(&f);
	}
}

TEST(types_of_the_target_are_what_c_says_of_them)
{
	static const struct fact facts[] = {
		{ "type_leaf", 1 },
		{ "type_moved_other", 1 },
		{ "type_nowhere", 0 },
		{ "type_only_declared", 0 }, /* a declaration is of another kind */
		{ "type_callback", 1 },
		{ "type_callback_narrower", 0 }, /* a parameter less */
		{ "type_anonymous", 1 },
		{ "type_size_leaf", sizeof(struct leaf) },
		{ "type_size_moved", sizeof(struct moved) },
		{ "type_size_anonymous", sizeof(anonymous_t) },
		{ "type_size_color", sizeof(enum color) },
		{ "type_size_nowhere", 0 },
		{ "matches_same", 1 },
		{ "matches_leaf", 0 }, /* tag is longer */
		{ "matches_differs", 0 },
		{ "matches_callback", 1 },
		{ "matches_color", 0 }, /* no PURPLE */
		{ "matches_big", 1 },
		{ "matches_nowhere", 0 },
		{ "target_id_nowhere", 0 },
		{ "enum_red", RED },
		{ "enum_green", GREEN___shade },
		{ "enum_blue", (uint64_t)BLUE },
		{ "enum_purple_exists", 0 },
		{ "enum_green_exists", 1 },
		{ "enum_huge", HUGE },
		{ "enum_top", TOP },
		{ "enum_small", SMALL },
	};
	struct fitted f;

	for (size_t i = 0; i < n_objects(); i++) {
		fit(&f, i);
		check_facts(&f, i, facts, countof(facts));
		CHECK_EQ(value(&f, "local_id_leaf", NULL, 0), btf_find(&f.local, BTF_STRUCT, "leaf", 0));
		CHECK_EQ(value(&f, "target_id_leaf", NULL, 0), btf_find(&f.target, BTF_STRUCT, "leaf", 0));
		fitted_done(&f);
	}
}
