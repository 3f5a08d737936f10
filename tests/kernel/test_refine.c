/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel's own types change in the profile of its release, sign by sign; and that the running kernel's change
 * nothing. */
#include "../btf/make.h"
#include "test.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "base/io.h"
#include "engine/kernel/kernel.h"

#define V(major, minor) KERNEL_V(major, minor)

/* ---- types by hand ---- */

enum { MAX_HELPERS = 256 };

struct types {
	struct make m;
	struct make_value helpers[MAX_HELPERS];
	char names[MAX_HELPERS][64];
	uint32_t n_helpers;
	bool verifier;
};

static void types_init(struct types *t)
{
	*t = (struct types){ .verifier = true };
	make_init(&t->m, NULL);
	(void)make_int(&t->m, "int", 4, 1);
}

static void types_helper(struct types *t, uint32_t id, const char *name)
{
	(void)snprintf(t->names[t->n_helpers], sizeof t->names[0], "BPF_FUNC_%s", name);
	t->helpers[t->n_helpers] = (struct make_value){ t->names[t->n_helpers], id };
	t->n_helpers++;
}

/* All helpers of a release. */
static void types_helpers(struct types *t, const char *release)
{
	for (uint32_t id = 1; id < MAX_HELPERS; id++)
		if (kernel_has_helper(kernel_profile(release), id))
			types_helper(t, id, kernel_helper_name(id));
}

static bool is_enum(const char *container)
{
	return !strcmp(container, "bpf_reg_type") || !strcmp(container, "bpf_func_id") ||
	       !strcmp(container, "bpf_type_flag") || !strcmp(container, "btf_field_type") ||
	       !strcmp(container, "bpf_stack_slot_type") || !strcmp(container, "bpf_map_type") ||
	       !strcmp(container, "bpf_prog_type");
}

static const struct {
	uint16_t since;
	const char *container, *member;
	bool lacks;
} signs[] = {
#define HAS false
#define LACKS true
#define TELL(behaviour, weight, sign, container_, member_) { 0, container_, member_, sign },
#define STEP(since_, container_, member_) { since_, container_, member_, HAS },
#include "engine/kernel/tells.def"
#undef STEP
#undef TELL
#undef LACKS
#undef HAS
};
static const uint16_t sign_behaviours[] = {
#define TELL(behaviour, weight, sign, container, member) KERNEL_##behaviour,
#define STEP(since, container, member) KERNEL_N_BEHAVIOURS,
#include "engine/kernel/tells.def"
#undef STEP
#undef TELL
};

/* Is the member in the types of this release? */
static bool member_is_in(size_t i, uint16_t version)
{
	const struct kernel_behaviour_row *b = &kernel_behaviours[sign_behaviours[i]];

	if (sign_behaviours[i] == KERNEL_N_BEHAVIOURS)
		return version >= signs[i].since;
	return (version >= b->since && version < b->until) != signs[i].lacks;
}

/* The members that are signs, as in a release, but without one (SIZE_MAX: all). */
static void types_signs(struct types *t, uint16_t version, size_t without)
{
	for (size_t i = 0; i < countof(signs); i++) {
		const struct make_member member = { signs[i].member, 1, 0, 0 };
		const struct make_value value = { signs[i].member, 1 };

		if (i == without || !member_is_in(i, version) || !strcmp(signs[i].container, "bpf_func_id"))
			continue;
		if (is_enum(signs[i].container))
			(void)make_enum(&t->m, BTF_ENUM, signs[i].container, false, &value, 1);
		else
			(void)make_struct(&t->m, BTF_STRUCT, signs[i].container, 4, &member, 1);
	}
}

static void types_refine(struct types *t, const char *release, struct kernel_refined *out)
{
	const struct make_member member = { "insn_idx", 1, 0, 0 };
	struct arena a;
	struct btf b;
	struct diag d;

	if (t->verifier)
		(void)make_struct(&t->m, BTF_STRUCT, "bpf_verifier_env", 4, &member, 1);
	if (t->n_helpers)
		(void)make_enum(&t->m, BTF_ENUM, "bpf_func_id", false, t->helpers, t->n_helpers);
	arena_init(&a, 64 << 20);
	diag_init(&d);
	CHECK_EQ(make_read(&t->m, NULL, &a, &b, &d), E_OK);
	kernel_refine(kernel_profile(release), &b, out);
	arena_done(&a);
	make_done(&t->m);
}

/* ---- behaviours ---- */

TEST(signs_stand_by_age)
{
	uint16_t last = 0;

	for (size_t i = 0; i < countof(signs); i++) {
		uint16_t since = sign_behaviours[i] == KERNEL_N_BEHAVIOURS
					 ? signs[i].since
					 : kernel_behaviours[sign_behaviours[i]].since;

		test_row = signs[i].member;
		CHECK(since >= last);
		last = since;
	}
	test_row = NULL;
}

TEST(signs_of_a_later_release_make_it_that_release)
{
	static const char *const pairs[][2] = {
		{ "6.1", "6.12" }, { "5.10", "6.1" }, { "5.4", "5.15" }, { "6.12", "7.2" }
	};

	for (size_t i = 0; i < countof(pairs); i++) {
		const struct kernel_profile *want = kernel_profile(pairs[i][1]);
		struct kernel_refined r;
		struct types t;

		test_row = pairs[i][1];
		types_init(&t);
		types_helpers(&t, pairs[i][1]);
		types_signs(&t, want->version, SIZE_MAX);
		types_refine(&t, pairs[i][0], &r);
		CHECK(r.changed && !r.profile.measured);
		CHECK_STR(r.profile.name, pairs[i][0]);
		for (uint32_t b = 0; b < KERNEL_N_BEHAVIOURS; b++)
			CHECK_EQ(kernel_has(&r.profile, (enum kernel_behaviour)b),
				 kernel_has(want, (enum kernel_behaviour)b));
		for (uint32_t id = 0; id < MAX_HELPERS; id++)
			CHECK_EQ(kernel_has_helper(&r.profile, id), kernel_has_helper(want, id));
		CHECK_EQ(r.profile.version, want->version);
	}
	test_row = NULL;
}

/* 5.14 with what came until 6.12, but without backtracking through calls (6.5): it is no 6.5. */
TEST(a_missing_sign_ends_what_is_concluded)
{
	struct kernel_refined r;
	struct types t;
	size_t bt = 0;

	while (strcmp(signs[bt].member, "bt") != 0)
		bt++;
	types_init(&t);
	types_helpers(&t, "6.12");
	types_signs(&t, V(6, 12), bt);
	types_refine(&t, "5.10", &r);
	CHECK_EQ(r.profile.version, V(6, 4));
	CHECK(!kernel_has(&r.profile, KERNEL_PRECISE_CALLS));
	CHECK(kernel_has(&r.profile, KERNEL_FASTCALL));           /* it has a sign of its own */
	CHECK(!kernel_has(&r.profile, KERNEL_NUM_DEDUCE_WIDTHS)); /* 6.8, and no sign */
	CHECK(kernel_has(&r.profile, KERNEL_BTF_NEEDS_GPL));      /* 6.2 */
}

/* One backport on an old release: the behaviour, and nothing around it. */
TEST(a_sign_alone_is_a_behaviour_alone)
{
	const struct make_member member = { "changes_pkt_data", 1, 0, 0 };
	struct kernel_refined r;
	struct types t;

	types_init(&t);
	types_helpers(&t, "5.15");
	types_signs(&t, V(5, 15), SIZE_MAX);
	(void)make_struct(&t.m, BTF_STRUCT, "bpf_subprog_info", 4, &member, 1);
	types_refine(&t, "5.15", &r);
	CHECK_EQ(r.profile.version, V(5, 15));
	CHECK_EQ(r.more.behaviours, 1);
	CHECK_EQ(r.less.behaviours, 0);
	CHECK(kernel_has(&r.profile, KERNEL_GLOBAL_PACKET));
}

TEST(types_that_say_nothing_change_nothing)
{
	for (size_t i = 0; i < kernel_n_profiles; i++) {
		struct kernel_refined r;
		struct types t;

		test_row = kernel_profiles[i].name;
		types_init(&t);
		t.verifier = false;
		types_signs(&t, V(6, 12), SIZE_MAX); /* signs, but no helpers */
		types_refine(&t, kernel_profiles[i].name, &r);
		CHECK_EQ(r.more.behaviours + r.less.behaviours, 0);
		CHECK_EQ(r.more.helpers + r.less.helpers, 0);
		CHECK_EQ(r.profile.version, kernel_profiles[i].version);
	}
	test_row = NULL;
}

/* ---- helpers, kinds of maps, types ---- */

TEST(a_helper_that_was_taken_over_is_as_in_the_first_release_that_has_it)
{
	const struct kernel_target xdp = { .prog_type = KPROG_XDP };
	const struct kernel_proto *p = NULL, *first = NULL;
	struct kernel_refined r;
	struct types t;

	types_init(&t);
	types_helpers(&t, "5.10");
	types_helper(&t, 189, "xdp_load_bytes");
	types_helper(&t, 201, "something_else"); /* dynptr_read, elsewhere */
	types_helper(&t, 250, "of_a_vendor");
	types_refine(&t, "5.10", &r);
	CHECK_EQ(r.more.helpers, 1);
	CHECK_EQ(kernel_helper(kernel_profile("5.10"), &xdp, 189, &p), KERNEL_NO_HELPER);
	CHECK_EQ(kernel_helper(&r.profile, &xdp, 189, &p), KERNEL_ALLOWED);
	CHECK_EQ(kernel_helper(kernel_profile("6.1"), &xdp, 189, &first), KERNEL_ALLOWED);
	CHECK(p == first);
	CHECK_EQ(kernel_helper(&r.profile, &xdp, 201, &p), KERNEL_STRANGE);
	CHECK_EQ(kernel_helper(&r.profile, &xdp, 250, &p), KERNEL_STRANGE);
	CHECK_EQ(kernel_helper(&r.profile, &xdp, 190, &p), KERNEL_NO_HELPER);
	CHECK_EQ(kernel_helper(&r.profile, &xdp, 255, &p), KERNEL_NO_HELPER);
	CHECK_EQ(kernel_helper(&r.profile, &xdp, UINT32_MAX, &p), KERNEL_NO_HELPER);
}

TEST(a_helper_that_was_taken_out_is_not_there)
{
	const struct kernel_target kprobe = { .prog_type = KPROG_KPROBE };
	const struct kernel_proto *p;
	struct kernel_refined r;
	struct types t;

	types_init(&t);
	types_helper(&t, 1, "map_lookup_elem");
	types_refine(&t, "6.1", &r);
	CHECK_EQ(kernel_helper(&r.profile, &kprobe, 1, &p), KERNEL_ALLOWED);
	CHECK_EQ(kernel_helper(&r.profile, &kprobe, 36, &p), KERNEL_NO_HELPER);
	CHECK_EQ(r.less.helpers, 208);
}

TEST(kinds_of_maps_and_types_are_those_of_the_enums)
{
	static const struct make_value maps[] = { { "BPF_MAP_TYPE_HASH", 1 },
						  { "BPF_MAP_TYPE_ARENA", 33 },
						  { "__MAX_BPF_MAP_TYPE", 34 } };
	static const struct make_value progs[] = { { "BPF_PROG_TYPE_XDP", 6 }, { "BPF_PROG_TYPE_NETFILTER", 32 } };
	static const struct make_value attaches[] = { { "BPF_XDP", KATTACH_XDP },
						      { "BPF_NETKIT_PRIMARY", KATTACH_NETKIT_PRIMARY },
						      { "BPF_OF_A_VENDOR", 4000 } };
	struct kernel_refined r;
	struct types t;

	types_init(&t);
	(void)make_enum(&t.m, BTF_ENUM, "bpf_map_type", false, maps, countof(maps));
	(void)make_enum(&t.m, BTF_ENUM, "bpf_prog_type", false, progs, countof(progs));
	(void)make_enum(&t.m, BTF_ENUM64, "bpf_attach_type", false, attaches, countof(attaches));
	types_refine(&t, "6.1", &r);
	CHECK(kernel_map_kind(&r.profile, 1) && kernel_map_kind(&r.profile, 33));
	CHECK(!kernel_map_kind(&r.profile, 2) && !kernel_map_kind(&r.profile, 34));
	CHECK(kernel_prog_type(&r.profile, KPROG_XDP) && kernel_prog_type(&r.profile, KPROG_NETFILTER));
	CHECK(!kernel_prog_type(&r.profile, KPROG_KPROBE));
	CHECK(kernel_has_attach(&r.profile, KATTACH_XDP) && kernel_has_attach(&r.profile, KATTACH_NETKIT_PRIMARY));
	CHECK(!kernel_has_attach(&r.profile, KATTACH_CGROUP_INET4_BIND));
	CHECK_EQ(r.more.maps + r.more.progs, 2);
}

/* ---- kfuncs ---- */

TEST(a_kfunc_that_was_taken_over_is_there)
{
	static const struct {
		const char *func, *tagged;
		bool want;
	} rows[] = {
		{ "bpf_strlen", NULL, true },                /* types of before the tags */
		{ "bpf_strlen", "bpf_strlen", true },        /* tagged */
		{ "bpf_strlen", "bpf_task_acquire", false }, /* others are tagged: it is a plain function */
		{ "bpf_strnlen", NULL, false },
		{ "tcp_slow_start", NULL, true }, /* of 6.1 anyway */
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_refined r;
		struct types t;
		uint32_t proto, func, other;

		test_row = rows[i].func;
		types_init(&t);
		proto = make_type(&t.m, "", BTF_FUNC_PROTO, 0, 1, NULL, 0);
		func = make_ref(&t.m, BTF_FUNC, rows[i].func, proto);
		other = rows[i].tagged && strcmp(rows[i].tagged, rows[i].func) != 0
				? make_ref(&t.m, BTF_FUNC, rows[i].tagged, proto)
				: func;
		if (rows[i].tagged)
			(void)make_type(&t.m, "bpf_kfunc", BTF_DECL_TAG, 0, other, (const uint32_t[]){ UINT32_MAX }, 1);
		types_refine(&t, "6.1", &r);
		CHECK_EQ(kernel_kfunc(&r.profile, i == 4 ? "tcp_slow_start" : "bpf_strlen") != NULL, rows[i].want);
	}
	test_row = NULL;
}

/* Functions of the kernel that later became kfuncs are none before. */
TEST(a_function_of_an_old_kernel_is_no_kfunc)
{
	struct kernel_refined r;
	struct types t;
	uint32_t proto;

	types_init(&t);
	proto = make_type(&t.m, "", BTF_FUNC_PROTO, 0, 1, NULL, 0);
	(void)make_ref(&t.m, BTF_FUNC, "tcp_slow_start", proto);
	types_refine(&t, "5.10", &r);
	CHECK(!kernel_kfunc(&r.profile, "tcp_slow_start"));
}

/* ---- limits ---- */

TEST(frames_are_those_of_the_array_within_what_any_release_has)
{
	static const struct {
		uint32_t array, want;
	} rows[] = { { 16, 16 }, { 8, 8 }, { 1, 1 }, { 0, 8 }, { 17, 8 }, { 1 << 20, 8 } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct make_member frame = { "frame", 0, 0, 0 };
		struct kernel_refined r;
		struct types t;

		types_init(&t);
		frame.type = make_array(&t.m, 1, rows[i].array);
		(void)make_struct(&t.m, BTF_STRUCT, "bpf_verifier_state", 4, &frame, 1);
		types_refine(&t, "6.1", &r);
		CHECK_EQ(r.profile.limits.frames, rows[i].want);
	}
}

/* ---- the running kernel ---- */

TEST(the_running_kernels_types_say_what_its_release_has)
{
	const struct kernel_profile *k;
	struct kernel_refined r;
	struct utsname u;
	struct arena a;
	struct btf b;
	struct diag d;
	char *bytes = NULL;
	size_t n = 0;

	diag_init(&d);
	k = uname(&u) ? NULL : kernel_profile(u.release);
	if (!k || !k->measured || io_read_file("/sys/kernel/btf/vmlinux", 64 << 20, &bytes, &n, &d)) {
		SKIP("the running kernel is of no release that was measured, or has no types");
		return;
	}
	arena_init(&a, 512 << 20);
	CHECK_EQ(btf_read(view_of(bytes, n), NULL, &a, &b, &d), E_OK);
	kernel_refine(k, &b, &r);
	CHECK(!r.changed && r.profile.measured);
	CHECK_EQ(r.profile.version, k->version);
	free(bytes);
	arena_done(&a);
}
