/* SPDX-License-Identifier: Apache-2.0 */
/* The types of the kernel that runs: as libbpf reads them, and relocated against themselves. */
#include "make.h"
#include "oracle.h"

#include "engine/obj/obj.h"
#include "sensor/bpf/bpf.h"

#define KERNEL "/sys/kernel/btf/vmlinux"

struct kernel {
	struct arena a;
	char *bytes;
	size_t n;
	struct btf b;
};

static void kernel_read(struct kernel *k)
{
	struct diag d;

	diag_init(&d);
	if (io_read_file(KERNEL, BTF_MAX_BYTES, &k->bytes, &k->n, &d) != E_OK)
		SKIP("this kernel does not show its types in " KERNEL);
	arena_init(&k->a, 512 << 20);
	if (btf_read(view_of(k->bytes, k->n), NULL, &k->a, &k->b, &d) != E_OK)
		fail_msg("U%u %s", d.id, d.text);
}

static void kernel_done(struct kernel *k)
{
	arena_done(&k->a);
	free(k->bytes);
}

static void compare_members(const struct kernel *k, const struct oracle *o, uint32_t id)
{
	const struct btf_type *t = btf_get(&k->b, id);

	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t type;

		CHECK_EQ((uint64_t)t->members[i].bit_off << 8 | t->members[i].bit_size, oracle_member(o, id, i, &type));
		CHECK_EQ(t->members[i].type, type);
	}
}

TEST(the_kernels_types_are_what_libbpf_reads)
{
	struct oracle *o;
	struct kernel k;

	kernel_read(&k);
	o = oracle_new(k.bytes, k.n);
	if (!o) {
		kernel_done(&k);
		SKIP("this libbpf cannot read this kernel's types");
	}
	CHECK_EQ(k.b.n_types, oracle_n_types(o));
	for (uint32_t id = 1; id < k.b.n_types; id++) {
		const struct btf_type *t = btf_get(&k.b, id);
		uint64_t size = 0;
		bool sized = btf_size(&k.b, id, &size);

		CHECK_EQ(t->kind, oracle_kind(o, id));
		CHECK_STR(t->name, oracle_name(o, id));
		CHECK_EQ(sized ? (int64_t)size : -1, oracle_size(o, id));
		CHECK_EQ(btf_skip(&k.b, id), oracle_skip(o, id));
		if (t->kind == BTF_STRUCT || t->kind == BTF_UNION)
			compare_members(&k, o, id);
		if (t->name[0] && t->kind != BTF_DECL_TAG && t->kind != BTF_TYPE_TAG && id % 64 == 0)
			CHECK_EQ(btf_find(&k.b, t->kind, t->name, 0), oracle_find(o, t->kind, t->name));
	}
	oracle_free(o);
	kernel_done(&k);
}

TEST(every_type_of_the_kernel_has_a_spelling)
{
	struct kernel k;
	struct buf out;

	kernel_read(&k);
	buf_init(&out, 1 << 20);
	for (uint32_t id = 0; id < k.b.n_types; id++) {
		buf_reset(&out);
		btf_print(&k.b, id, &out);
		CHECK(out.len && !out.full);
	}
	buf_reset(&out);
	btf_print(&k.b, btf_find(&k.b, BTF_FUNC, "kfree", 0), &out);
	CHECK_HAS(out.p, "void kfree(const void *");
	buf_done(&out);
	kernel_done(&k);
}

/* All that a member can be asked for, of a type and that type itself: nothing changes. */
static uint32_t relocate_member(const struct kernel *k, uint32_t id, uint32_t i, uint64_t *steps)
{
	char access[16];
	struct core_relo r = { .type = id, .access = access };
	struct core_result out;
	uint32_t n = 0;

	(void)snprintf(access, sizeof access, "0:%u", i);
	for (r.kind = CORE_FIELD_BYTE_OFFSET; r.kind <= CORE_FIELD_RSHIFT_U64; r.kind++) {
		enum err err = core_resolve(&k->b, &r, &k->b, steps, &out, NULL);

		if (err == E_REJECTED || err == E_UNSUPPORTED) /* another type has its name, or it has no such thing */
			continue;
		CHECK_OK(err);
		CHECK(out.exists && !out.poison);
		CHECK_EQ(out.value, out.was);
		CHECK(!out.bytes || out.bytes == out.bytes_was); /* 0: a namesake has it elsewhere or otherwise */
		n++;
	}
	return n;
}

TEST(the_kernels_types_relocated_against_themselves_do_not_change)
{
	uint64_t steps = UINT64_MAX;
	uint32_t n = 0;
	struct kernel k;

	kernel_read(&k);
	for (uint32_t id = 1; id < k.b.n_types; id += 7) {
		const struct btf_type *t = btf_get(&k.b, id);
		uint32_t i = t->n / 2;

		if ((t->kind != BTF_STRUCT && t->kind != BTF_UNION) || !t->n || !t->name[0] || !t->members[i].name[0])
			continue;
		n += relocate_member(&k, id, i, &steps);
	}
	CHECK(n > 100);
	kernel_done(&k);
}

TEST(a_field_of_the_kernel_is_found_by_a_program_that_knows_only_its_name)
{
	struct core_relo r = { .access = "0:1", .kind = CORE_FIELD_BYTE_OFFSET };
	uint64_t steps = CORE_MAX_STEPS;
	struct core_result out;
	struct kernel k;
	struct oracle *o;
	struct btf local;
	struct make m;
	struct diag d;
	uint32_t type, c, i, id;
	const struct btf_type *t;

	kernel_read(&k);
	make_init(&m, NULL);
	i = make_int(&m, "int", 4, 1);
	c = make_array(&m, make_int(&m, "char", 1, 1), 16);
	r.type = make_struct(&m, BTF_STRUCT, "task_struct___mine", 20,
			     (struct make_member[]){ { "pid", i, 0, 0 }, { "comm", c, 32, 0 } }, 2);
	CHECK_OK(make_read(&m, NULL, &k.a, &local, &d));
	CHECK_OK(core_resolve(&local, &r, &k.b, &steps, &out, &d));
	CHECK(out.exists);
	o = oracle_new(k.bytes, k.n);
	assert(o);
	id = oracle_find(o, BTF_STRUCT, "task_struct");
	t = btf_get(&k.b, id);
	for (i = 0; strcmp(t->members[i].name, "comm") != 0;)
		i++;
	CHECK_EQ(out.value, oracle_member(o, id, i, &type) >> 11);
	CHECK_EQ(out.type, id);
	oracle_free(o);
	make_done(&m);
	kernel_done(&k);
}

static uint32_t count_relocations(const struct obj *o, struct arena *a)
{
	struct view ext = obj_section(o, ".BTF.ext")->bytes;
	const struct core_relo *list;
	uint32_t n, all = 0;
	struct btf types;

	CHECK_OK(btf_read(obj_section(o, ".BTF")->bytes, NULL, a, &types, NULL));
	for (uint32_t i = 0; i < o->n_progs; i++) {
		CHECK_OK(core_read(ext, &types, o->progs[i].section, a, &list, &n, NULL));
		all += n;
	}
	return all;
}

TEST(the_sensors_own_object_fits_this_kernel)
{
	struct obj_opts opts = { 0 };
	struct kernel k;
	struct diag d;
	struct obj o;

	kernel_read(&k);
	opts.target = &k.b;
	diag_init(&d);
	if (obj_read(view_of(sensor_bpf_object, (size_t)(sensor_bpf_object_end - sensor_bpf_object)), "sensor.bpf.o",
		     &opts, &k.a, &o, &d) != E_OK)
		fail_msg("%c%u %s", d.family, d.id, d.text);
	CHECK(count_relocations(&o, &k.a) > 50);
	kernel_done(&k);
}
