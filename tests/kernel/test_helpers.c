/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers, maps and kfuncs of each release: that the tables are well formed, and facts one by one. */
#include "test.h"

#include "engine/kernel/kernel.h"

/* The tables' words, as engine/kernel reads them. */
#define V(major, minor) KERNEL_V(major, minor)
enum { ALWAYS = KERNEL_ALWAYS, NOW = KERNEL_NOT_YET };
enum { ANY, SLEEPABLE, NOT_SLEEPABLE };
#define EXCEPT(places, without) ((places) & ~(uint64_t)(without))

enum {
#define HELPER(id, name, since) HELPER_##name = (id),
#include "engine/kernel/helpers.def"
#undef HELPER
};
enum {
#define PLACE(name) NUMBER_##name,
#define GROUP(name, places)
#include "engine/kernel/places.def"
#undef GROUP
#undef PLACE
};
enum {
#define PLACE(name) name = 1ull << NUMBER_##name,
#define GROUP(name, places) name = (places),
#include "engine/kernel/places.def"
#undef GROUP
#undef PLACE
};

struct row {
	const char *name;
	uint32_t key; /* helper, or number of the row among those of its name */
	uint16_t since, until;
	uint64_t places;
	uint8_t when;
};

static const struct row grants[] = {
#define GRANT(helper, proto, when, since, until, places) { #helper, HELPER_##helper, since, until, places, when },
#include "engine/kernel/grants.def"
#undef GRANT
};
static const struct row protos[] = {
#define PROTO(helper, name, n, since, until, ...) { #name, n, since, until, 0, 0 },
#include "engine/kernel/protos.def"
#undef PROTO
};
static const struct row kfuncs[] = {
#define KFUNC(name, since, until, ...) { #name, 0, since, until, 0, 0 },
#include "engine/kernel/kfuncs.def"
#undef KFUNC
};
static const struct row helpers[] = {
#define HELPER(id, name, since) { #name, id, since, NOW, 0, 0 },
#include "engine/kernel/helpers.def"
#undef HELPER
};
static const struct row hooks[] = {
#define LSM_HOOK(name, since, until) { #name, 0, since, until, 0, 0 },
#include "engine/kernel/lsm_hooks.def"
#undef LSM_HOOK
};

static void check_times(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		test_row = rows[i].name;
		CHECK(rows[i].since < rows[i].until);
	}
	test_row = NULL;
}

TEST(every_row_begins_before_it_ends)
{
	check_times(grants, countof(grants));
	check_times(protos, countof(protos));
	check_times(kfuncs, countof(kfuncs));
	check_times(hooks, countof(hooks));
}

TEST(helpers_stand_by_id_without_gaps)
{
	for (size_t i = 0; i < countof(helpers); i++) {
		test_row = helpers[i].name;
		CHECK_EQ(helpers[i].key, i + 1);
		CHECK_STR(kernel_helper_name(helpers[i].key), helpers[i].name);
		CHECK_EQ(kernel_helper_since(helpers[i].key), helpers[i].since);
	}
	test_row = NULL;
	CHECK(kernel_helper_name(0) == NULL);
	CHECK(kernel_helper_name((uint32_t)countof(helpers) + 1) == NULL);
	CHECK_EQ(kernel_helper_since(UINT32_MAX), KERNEL_NOT_YET);
}

static bool same_program_same_time(const struct row *a, const struct row *b)
{
	return (a->places & b->places) && (a->when == ANY || b->when == ANY || a->when == b->when) &&
	       a->since < b->until && b->since < a->until;
}

TEST(grants_stand_by_helper_and_never_give_two_answers)
{
	for (size_t i = 1; i < countof(grants); i++) {
		test_row = grants[i].name;
		CHECK(grants[i - 1].key <= grants[i].key);
		for (size_t j = i; j-- > 0 && grants[j].key == grants[i].key;)
			CHECK(!same_program_same_time(&grants[i], &grants[j]));
	}
	test_row = NULL;
}

TEST(rows_of_a_prototype_follow_one_another_in_time)
{
	for (size_t i = 0; i < countof(protos); i++) {
		bool first = i == 0 || strcmp(protos[i - 1].name, protos[i].name) != 0;
		bool last = i + 1 == countof(protos) || strcmp(protos[i + 1].name, protos[i].name) != 0;

		test_row = protos[i].name;
		CHECK_EQ(protos[i].key, first ? 1 : protos[i - 1].key + 1);
		CHECK_EQ(protos[i].since, first ? ALWAYS : protos[i - 1].until);
		if (last)
			CHECK_EQ(protos[i].until, NOW);
	}
	test_row = NULL;
}

TEST(kfuncs_and_hooks_stand_by_name_then_by_release)
{
	for (size_t i = 1; i < countof(kfuncs); i++) {
		int order = strcmp(kfuncs[i - 1].name, kfuncs[i].name);

		test_row = kfuncs[i].name;
		CHECK(order < 0 || (order == 0 && kfuncs[i - 1].until <= kfuncs[i].since));
	}
	for (size_t i = 1; i < countof(hooks); i++) {
		test_row = hooks[i].name;
		CHECK(strcmp(hooks[i - 1].name, hooks[i].name) < 0);
	}
	test_row = NULL;
}

static struct kernel_profile release(uint16_t version)
{
	return (struct kernel_profile){ .version = version };
}

/* ---- who may call what ---- */

TEST(who_may_call_which_helper)
{
	static const struct {
		const char *name;
		uint16_t version;
		struct kernel_target t;
		uint32_t helper;
		enum kernel_refusal want;
	} rows[] = {
		/* net/core/filter.c:xdp_func_proto */
		{ "redirect_map from XDP", V(5, 10), { .prog_type = KPROG_XDP }, 51, KERNEL_ALLOWED },
		{ "redirect_map from tc", V(7, 2), { .prog_type = KPROG_SCHED_CLS }, 51, KERNEL_NOT_HERE },
		/* include/uapi/linux/bpf.h, v5.15 and v6.1 */
		{ "loop in 5.15", V(5, 15), { .prog_type = KPROG_XDP }, 181, KERNEL_NO_HELPER },
		{ "loop in 6.1", V(6, 1), { .prog_type = KPROG_XDP }, 181, KERNEL_ALLOWED },
		{ "an id that nobody has", V(7, 2), { .prog_type = KPROG_XDP }, 4096, KERNEL_NO_HELPER },
		{ "id 0", V(7, 2), { .prog_type = KPROG_XDP }, 0, KERNEL_NO_HELPER },
		/* kernel/bpf/helpers.c:bpf_base_func_proto, v6.1, v6.12 */
		{ "strtol from XDP in 5.10", V(5, 10), { .prog_type = KPROG_XDP }, 105, KERNEL_NOT_HERE },
		{ "strtol from XDP in 6.1", V(6, 1), { .prog_type = KPROG_XDP }, 105, KERNEL_ALLOWED },
		{ "get_current_pid_tgid from XDP in 6.6", V(6, 6), { .prog_type = KPROG_XDP }, 14, KERNEL_NOT_HERE },
		{ "get_current_pid_tgid from XDP in 6.12", V(6, 12), { .prog_type = KPROG_XDP }, 14, KERNEL_ALLOWED },
		{ "find_vma from a filter in 6.18",
		  V(6, 18),
		  { .prog_type = KPROG_SOCKET_FILTER },
		  180,
		  KERNEL_ALLOWED },
		/* kernel/trace/bpf_trace.c:bpf_tracing_func_proto, v5.10, v6.1: sleepable programs alone */
		{ "copy_from_user, sleepable, 5.10",
		  V(5, 10),
		  { .prog_type = KPROG_LSM, .sleepable = true },
		  148,
		  KERNEL_ALLOWED },
		{ "copy_from_user, 5.10", V(5, 10), { .prog_type = KPROG_LSM }, 148, KERNEL_NOT_HERE },
		{ "copy_from_user, 6.12: asked later", V(6, 12), { .prog_type = KPROG_LSM }, 148, KERNEL_ALLOWED },
		/* net/core/filter.c:sock_addr_func_proto */
		{ "bind from connect4",
		  V(6, 1),
		  { .prog_type = KPROG_CGROUP_SOCK_ADDR, .attach_type = KATTACH_CGROUP_INET4_CONNECT },
		  64,
		  KERNEL_ALLOWED },
		{ "bind from bind4",
		  V(6, 1),
		  { .prog_type = KPROG_CGROUP_SOCK_ADDR, .attach_type = KATTACH_CGROUP_INET4_BIND },
		  64,
		  KERNEL_NOT_HERE },
		{ "get_retval from recvmsg4",
		  V(6, 12),
		  { .prog_type = KPROG_CGROUP_SOCK_ADDR, .attach_type = KATTACH_CGROUP_UDP4_RECVMSG },
		  186,
		  KERNEL_NOT_HERE },
		/* kernel/trace/bpf_trace.c:tracing_prog_func_proto */
		{ "seq_write from an iterator",
		  V(6, 1),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER },
		  127,
		  KERNEL_ALLOWED },
		{ "seq_write from fentry",
		  V(6, 1),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY },
		  127,
		  KERNEL_NOT_HERE },
		{ "get_func_arg from tp_btf, 6.18",
		  V(6, 18),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_RAW_TP },
		  183,
		  KERNEL_NOT_HERE },
		{ "get_func_arg from tp_btf, 7.2",
		  V(7, 2),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_RAW_TP },
		  183,
		  KERNEL_ALLOWED },
		/* bpf_d_path_allowed, v5.10, v6.1 */
		{ "d_path from vfs_getattr",
		  V(5, 10),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY, .attach_name = "vfs_getattr" },
		  147,
		  KERNEL_ALLOWED },
		{ "d_path from vfs_read",
		  V(6, 12),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY, .attach_name = "vfs_read" },
		  147,
		  KERNEL_NOT_IN_PROBE },
		{ "d_path from an iterator in 5.10",
		  V(5, 10),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER },
		  147,
		  KERNEL_NOT_IN_PROBE },
		{ "d_path from an iterator in 6.1",
		  V(6, 1),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER },
		  147,
		  KERNEL_ALLOWED },
		{ "d_path from a hook that sleeps",
		  V(6, 1),
		  { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_MAC, .attach_name = "bpf_lsm_file_open" },
		  147,
		  KERNEL_ALLOWED },
		{ "d_path from a hook that does not",
		  V(6, 1),
		  { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_MAC, .attach_name = "bpf_lsm_task_free" },
		  147,
		  KERNEL_NOT_IN_PROBE },
		/* net/core/bpf_sk_storage.c:bpf_sk_storage_tracing_allowed */
		{ "sk_storage_get from its own function",
		  V(6, 1),
		  { .prog_type = KPROG_TRACING,
		    .attach_type = KATTACH_TRACE_FENTRY,
		    .attach_name = "bpf_sk_storage_free" },
		  107,
		  KERNEL_NOT_IN_PROBE },
		/* kernel/bpf/bpf_lsm.c:bpf_lsm_func_proto, v6.1 */
		{ "setsockopt from a hook with the lock",
		  V(6, 1),
		  { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_CGROUP, .attach_name = "bpf_lsm_sock_graft" },
		  49,
		  KERNEL_ALLOWED },
		{ "setsockopt from any other hook",
		  V(6, 1),
		  { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_CGROUP, .attach_name = "bpf_lsm_socket_bind" },
		  49,
		  KERNEL_NOT_HERE },
		/* net/ipv4/bpf_tcp_ca.c:bpf_tcp_ca_get_func_proto; net/bpf/bpf_dummy_struct_ops.c has none */
		{ "tcp_send_ack from tcp_congestion_ops",
		  V(6, 1),
		  { .prog_type = KPROG_STRUCT_OPS, .attach_name = "tcp_congestion_ops.cong_avoid" },
		  116,
		  KERNEL_ALLOWED },
		{ "setsockopt from its release",
		  V(6, 1),
		  { .prog_type = KPROG_STRUCT_OPS, .attach_name = "tcp_congestion_ops.release" },
		  49,
		  KERNEL_NOT_HERE },
		{ "anything from the dummy struct",
		  V(6, 18),
		  { .prog_type = KPROG_STRUCT_OPS, .attach_name = "bpf_dummy_ops.test_1" },
		  1,
		  KERNEL_NOT_HERE },
		{ "a type that there is not", V(6, 18), { .prog_type = 99 }, 1, KERNEL_NOT_HERE },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_profile k = release(rows[i].version);
		const struct kernel_proto *p = NULL;

		test_row = rows[i].name;
		CHECK_EQ(kernel_helper(&k, &rows[i].t, rows[i].helper, &p), rows[i].want);
		CHECK_EQ(p != NULL, rows[i].want == KERNEL_ALLOWED);
		if (p)
			CHECK_EQ(p->id, rows[i].helper);
	}
	test_row = NULL;
}

TEST(a_target_has_a_helper_since_the_release_that_gave_it_to_the_type)
{
	static const struct {
		const char *name;
		struct kernel_target t;
		uint32_t helper;
		uint16_t want;
	} rows[] = {
		{ "map_lookup_elem from XDP: since XDP", { .prog_type = KPROG_XDP }, 1, V(4, 8) },
		{ "ringbuf_output from XDP: since the helper", { .prog_type = KPROG_XDP }, 130, V(5, 8) },
		{ "get_current_pid_tgid from XDP", { .prog_type = KPROG_XDP }, 14, V(6, 10) },
		{ "redirect_map from tc", { .prog_type = KPROG_SCHED_CLS }, 51, KERNEL_NOT_YET },
		{ "nobody's id", { .prog_type = KPROG_XDP }, 5000, KERNEL_NOT_YET },
		{ "copy_from_user, sleepable",
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY, .sleepable = true },
		  148,
		  V(5, 10) },
		{ "copy_from_user", { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY }, 148, V(6, 2) },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK_EQ(kernel_helper_since_for(&rows[i].t, rows[i].helper), rows[i].want);
	}
	test_row = NULL;
}

/* ---- prototypes ---- */

static const struct kernel_proto *proto(uint16_t version, uint32_t type, uint32_t helper)
{
	struct kernel_profile k = release(version);
	struct kernel_target t = { .prog_type = type };
	const struct kernel_proto *p = NULL;

	CHECK_EQ(kernel_helper(&k, &t, helper, &p), KERNEL_ALLOWED);
	return p;
}

static void check_typed(const struct kernel_typed *t, uint8_t base, uint32_t flags)
{
	CHECK_EQ(t->base, base);
	CHECK_EQ(t->flags, flags);
}

TEST(prototypes_change_with_the_release)
{
	const uint32_t fixed = KF_FIXED_SIZE | KF_UNINIT | KF_WRITE | KF_ALIGNED;

	/* kernel/bpf/helpers.c:bpf_strtol_proto, v5.10 and v6.1 */
	check_typed(&proto(V(5, 10), KPROG_CGROUP_SYSCTL, 105)->arg[3], KA_LONG, 0);
	check_typed(&proto(V(6, 1), KPROG_CGROUP_SYSCTL, 105)->arg[3], KA_MEM, fixed);
	CHECK_EQ(proto(V(6, 1), KPROG_CGROUP_SYSCTL, 105)->arg[3].size, 8);
	/* net/core/filter.c:bpf_skb_load_bytes_proto, v5.10 and v6.1 */
	check_typed(&proto(V(5, 10), KPROG_SCHED_CLS, 26)->arg[2], KA_MEM, KF_UNINIT);
	check_typed(&proto(V(6, 1), KPROG_SCHED_CLS, 26)->arg[2], KA_MEM, KF_UNINIT | KF_WRITE);
	/* net/core/filter.c:bpf_skb_store_bytes_proto: read-only memory is taken since v5.17 */
	check_typed(&proto(V(5, 15), KPROG_SCHED_CLS, 9)->arg[2], KA_MEM, 0);
	check_typed(&proto(V(6, 1), KPROG_SCHED_CLS, 9)->arg[2], KA_MEM, KF_RDONLY);
	/* kernel/bpf/ringbuf.c, v5.10 and v6.1 */
	check_typed(&proto(V(5, 10), KPROG_XDP, 131)->ret, KRET_MEM, KF_OR_NULL | KF_RINGBUF);
	check_typed(&proto(V(6, 1), KPROG_XDP, 132)->arg[0], KA_RINGBUF_MEM, KF_RELEASE);
	check_typed(&proto(V(5, 10), KPROG_XDP, 132)->arg[0], KA_RINGBUF_MEM, 0);
	/* kernel/bpf/bpf_task_storage.c: NULL is taken since v6.4 */
	check_typed(&proto(V(6, 1), KPROG_KPROBE, 156)->arg[1], KA_BTF_ID, 0);
	check_typed(&proto(V(6, 6), KPROG_KPROBE, 156)->arg[1], KA_BTF_ID, KF_OR_NULL);
	CHECK_STR(proto(V(6, 6), KPROG_KPROBE, 156)->arg[1].btf, "task_struct");
	/* kernel/bpf/bpf_iter.c:bpf_loop_proto, v6.12 and v7.2 */
	check_typed(&proto(V(6, 18), KPROG_XDP, 181)->arg[0], KA_ANYTHING, 0);
	check_typed(&proto(V(7, 2), KPROG_XDP, 181)->arg[0], KA_SCALAR, 0);
}

TEST(prototypes_have_the_kernels_flags)
{
	/* kernel/trace/bpf_trace.c:bpf_get_smp_processor_id_proto, v6.12 */
	CHECK_EQ(proto(V(6, 1), KPROG_XDP, 8)->flags, 0);
	CHECK_EQ(proto(V(6, 12), KPROG_XDP, 8)->flags, KP_FASTCALL);
	/* kernel/bpf/helpers.c:bpf_copy_from_user_proto, v6.12 */
	CHECK_EQ(proto(V(6, 12), KPROG_KPROBE, 148)->flags, KP_MIGHT_SLEEP);
	/* net/core/filter.c:bpf_helper_changes_pkt_data, v5.10 to v7.2 */
	CHECK_EQ(proto(V(5, 10), KPROG_SCHED_CLS, 9)->flags, KP_CHANGES_PACKET);
	CHECK_EQ(proto(V(7, 2), KPROG_SCHED_CLS, 9)->flags, KP_CHANGES_PACKET);
	/* kernel/bpf/helpers.c:bpf_map_update_elem_proto; kernel/trace/bpf_trace.c:bpf_trace_printk_proto */
	CHECK_EQ(proto(V(6, 1), KPROG_XDP, 2)->flags, KP_PKT_ACCESS);
	CHECK_EQ(proto(V(6, 1), KPROG_XDP, 6)->flags, KP_GPL);
	/* net/core/filter.c:bpf_skc_to_tcp_sock_proto */
	check_typed(&proto(V(6, 1), KPROG_XDP, 137)->ret, KRET_BTF_ID, KF_OR_NULL);
	CHECK_STR(proto(V(6, 1), KPROG_XDP, 137)->ret.btf, "tcp_sock");
}

/* ---- maps ---- */

TEST(kinds_of_maps_and_helpers_belong_together)
{
	static const struct {
		const char *name;
		uint16_t version;
		uint32_t kind, helper;
		bool want;
	} rows[] = {
		{ "lookup in a hash", V(5, 10), 1, 1, true },
		{ "lookup in a queue", V(5, 10), 22, 1, false },
		{ "push to a queue", V(5, 10), 22, 87, true },
		{ "push to a hash", V(6, 1), 1, 87, false },
		{ "push to a bloom filter", V(6, 1), 30, 87, true },
		{ "pop from a bloom filter", V(6, 1), 30, 88, false },
		{ "no bloom filter in 5.10", V(5, 10), 30, 87, false },
		{ "for_each_map_elem over an array", V(6, 1), 2, 164, true },
		{ "kptr_xchg with a storage of 6.1", V(6, 1), 29, 194, false },
		{ "kptr_xchg with a storage of 6.6", V(6, 6), 29, 194, true },
		{ "kptr_xchg with a hash", V(6, 1), 1, 194, true },
		{ "redirect_map with a cpumap", V(5, 10), 16, 51, true },
		{ "lookup in a cpumap", V(7, 2), 16, 1, false },
		{ "lookup in a devmap", V(5, 10), 14, 1, true },
		{ "ringbuf_output to a ring", V(5, 10), 27, 130, true },
		{ "ringbuf_output to an array", V(5, 10), 2, 130, false },
		{ "tail_call through an array", V(5, 10), 2, 12, false },
		{ "anything with an instruction array", V(7, 2), 34, 1, false },
		{ "lookup per CPU in a hash", V(6, 1), 1, 195, false },
		{ "lookup per CPU in a per-CPU hash", V(6, 1), 5, 195, true },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_profile k = release(rows[i].version);

		test_row = rows[i].name;
		CHECK_EQ(kernel_map_takes(&k, rows[i].kind, rows[i].helper), rows[i].want);
	}
	test_row = NULL;
}

TEST(sleepable_programs_may_use_more_kinds_of_maps_with_each_release)
{
	static const struct {
		uint16_t version;
		uint32_t kind;
		const char *want; /* how the refusal ends */
	} rows[] = {
		{ V(5, 10), 2, NULL },  { V(5, 10), 5, "array and hash maps" },
		{ V(6, 1), 5, NULL },   { V(6, 1), 22, "array, hash, and ringbuf maps" },
		{ V(6, 12), 22, NULL }, { V(6, 18), 11, "array, hash, ringbuf and local storage maps" },
		{ V(7, 2), 11, NULL },  { V(7, 2), 4, "array, hash, ringbuf and local storage maps" },
	};
	struct kernel_target t = { .prog_type = KPROG_SYSCALL, .sleepable = true };

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_profile k = release(rows[i].version);
		const char *why = kernel_map_prog(&k, &t, rows[i].kind);

		test_row = kernel_map_kind_name(rows[i].kind);
		CHECK_EQ(why != NULL, rows[i].want != NULL);
		if (why && rows[i].want)
			CHECK(strstr(why, rows[i].want) != NULL);
	}
	test_row = NULL;
}

TEST(a_map_without_preallocation_is_refused_to_some_until_6_1)
{
	struct kernel_profile old = release(V(5, 10)), new = release(V(6, 1));
	struct kernel_target perf = { .prog_type = KPROG_PERF_EVENT }, xdp = { .prog_type = KPROG_XDP };

	/* kernel/bpf/verifier.c:check_map_prog_compatibility, v5.10 */
	CHECK_STR(kernel_map_no_prealloc(&old, &perf, 1), "perf_event programs can only use preallocated hash map");
	CHECK(kernel_map_no_prealloc(&old, &xdp, 1) == NULL);
	CHECK(kernel_map_no_prealloc(&old, &perf, 2) == NULL);
	CHECK(kernel_map_no_prealloc(&new, &perf, 1) == NULL);
}

TEST(sockmaps_are_changed_where_no_socket_is_locked)
{
	struct kernel_profile k = release(V(6, 1));
	struct kernel_target tc = { .prog_type = KPROG_SCHED_CLS }, ops = { .prog_type = KPROG_SOCK_OPS };
	struct kernel_target kprobe = { .prog_type = KPROG_KPROBE };

	/* kernel/bpf/verifier.c:may_update_sockmap */
	CHECK(kernel_sockmap_updates(&k, &tc, 2));
	CHECK(!kernel_sockmap_updates(&k, &ops, 2));
	CHECK(kernel_sockmap_updates(&k, &ops, 3));
	CHECK(!kernel_sockmap_updates(&k, &kprobe, 3));
}

TEST(kinds_of_maps_have_the_names_of_bpftool)
{
	struct kernel_profile k = release(V(5, 10));

	CHECK_STR(kernel_map_kind_name(9), "lru_hash");
	CHECK(kernel_map_kind_name(0) == NULL);
	CHECK(kernel_map_kind_name(1000) == NULL);
	CHECK(kernel_map_kind(&k, 28) != NULL);
	CHECK(kernel_map_kind(&k, 29) == NULL); /* task_storage: v5.11 */
}

/* ---- kfuncs ---- */

TEST(who_may_call_which_kfunc)
{
	static const struct {
		const char *name;
		uint16_t version;
		struct kernel_target t;
		int want; /* 1 may, 0 may not, -1 there is none */
	} rows[] = {
		/* net/ipv4/bpf_tcp_ca.c:bpf_tcp_ca_kfunc_ids */
		{ "tcp_reno_ssthresh", V(5, 10), { .prog_type = KPROG_STRUCT_OPS }, -1 },
		{ "tcp_reno_ssthresh", V(5, 15), { .prog_type = KPROG_STRUCT_OPS }, 1 },
		{ "tcp_reno_ssthresh", V(6, 1), { .prog_type = KPROG_XDP }, 0 },
		/* kernel/bpf/helpers.c:common_btf_ids */
		{ "bpf_iter_num_new", V(6, 1), { .prog_type = KPROG_XDP }, -1 },
		{ "bpf_iter_num_new", V(6, 12), { .prog_type = KPROG_SOCKET_FILTER }, 1 },
		/* kernel/bpf/helpers.c:generic_btf_ids; btf.c:bpf_prog_type_to_kfunc_hook */
		{ "bpf_task_acquire", V(6, 12), { .prog_type = KPROG_LSM }, 1 },
		{ "bpf_task_acquire", V(6, 6), { .prog_type = KPROG_TRACEPOINT }, 0 },
		{ "bpf_task_acquire", V(6, 12), { .prog_type = KPROG_TRACEPOINT }, 1 },
		{ "bpf_task_acquire", V(6, 18), { .prog_type = KPROG_RAW_TRACEPOINT }, 0 },
		{ "bpf_task_acquire", V(7, 2), { .prog_type = KPROG_RAW_TRACEPOINT }, 1 },
		{ "bpf_task_acquire", V(6, 12), { .prog_type = KPROG_SOCK_OPS }, 0 },
		{ "bpf_task_acquire", V(6, 18), { .prog_type = KPROG_SOCK_OPS }, 1 },
		/* net/netfilter/nf_conntrack_bpf.c, v6.1 */
		{ "bpf_ct_release", V(6, 1), { .prog_type = KPROG_XDP }, 1 },
		{ "bpf_ct_release", V(6, 1), { .prog_type = KPROG_SCHED_ACT }, 0 },
		/* fs/bpf_fs_kfuncs.c:bpf_fs_kfuncs_filter, v6.12 */
		{ "bpf_get_task_exe_file", V(6, 12), { .prog_type = KPROG_LSM }, 1 },
		{ "bpf_get_task_exe_file", V(6, 12), { .prog_type = KPROG_TRACING }, 0 },
		/* net/core/filter.c:tracing_iter_filter, v6.12 */
		{ "bpf_sock_destroy", V(6, 12), { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER }, 1 },
		{ "bpf_sock_destroy",
		  V(6, 12),
		  { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY },
		  0 },
		/* kernel/trace/bpf_trace.c:bpf_kprobe_multi_filter, v6.12 */
		{ "bpf_session_cookie", V(6, 12), { .prog_type = KPROG_KPROBE }, 0 },
		{ "bpf_session_cookie",
		  V(6, 12),
		  { .prog_type = KPROG_KPROBE, .attach_type = KATTACH_TRACE_KPROBE_SESSION },
		  1 },
		{ "no_such_function", V(7, 2), { .prog_type = KPROG_XDP }, -1 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_profile k = release(rows[i].version);
		const struct kernel_kfunc *f = kernel_kfunc(&k, rows[i].name);

		test_row = rows[i].name;
		CHECK_EQ(f ? (int)kernel_kfunc_allowed(&k, &rows[i].t, f) : -1, rows[i].want);
	}
	test_row = NULL;
}

TEST(kfuncs_have_the_flags_of_their_set)
{
	struct kernel_profile k = release(V(6, 12));

	/* kernel/bpf/helpers.c:generic_btf_ids, common_btf_ids, v6.12 */
	CHECK_EQ(kernel_kfunc(&k, "bpf_task_acquire")->flags, KK_ACQUIRE | KK_RCU | KK_RET_NULL);
	CHECK_EQ(kernel_kfunc(&k, "bpf_iter_num_next")->flags, KK_ITER_NEXT | KK_RET_NULL);
	CHECK_EQ(kernel_kfunc(&k, "bpf_rcu_read_lock")->flags, 0);
	CHECK_EQ(kernel_kfunc(&k, "bpf_rcu_read_lock")->hooks, 1 << KH_COMMON);
}

TEST(hooks_in_which_programs_may_sleep)
{
	struct kernel_profile old = release(V(5, 10)), new = release(V(6, 1));

	/* kernel/bpf/verifier.c:btf_sleepable_lsm_hooks, v5.10; kernel/bpf/bpf_lsm.c:sleepable_lsm_hooks, v6.1 */
	CHECK(kernel_lsm_hook_sleeps(&old, "bpf_lsm_bprm_committed_creds"));
	CHECK(!kernel_lsm_hook_sleeps(&old, "bpf_lsm_file_open"));
	CHECK(kernel_lsm_hook_sleeps(&new, "bpf_lsm_file_open"));
	CHECK(!kernel_lsm_hook_sleeps(&new, "bpf_lsm_task_free"));
	CHECK(kernel_lsm_hook_sleeps(&new, "file_open")); /* without what BTF puts before it, too */
	CHECK(!kernel_lsm_hook_sleeps(&new, "file_opened"));
}
