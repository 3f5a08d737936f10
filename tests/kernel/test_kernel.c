/* SPDX-License-Identifier: Apache-2.0 */
/* What engine/kernel says of releases that do not run here, row by row. */
#include "test.h"

#include "engine/isa/isa.h"
#include "engine/kernel/kernel.h"

#include <bpf/libbpf.h>

TEST(a_release_is_found_by_its_name)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "6.1", "6.1" },
		{ "v6.1", "6.1" },
		{ "6.1.192-cloud-amd64", "6.1" },
		{ "6.12.107+deb13", "6.12" },
		{ "5.10", "5.10" },
		{ "7.2-rc3", "7.2" },
		{ "6.2", NULL },
		{ "6", NULL },
		{ "6.", NULL },
		{ "", NULL },
		{ "six", NULL },
		{ "6.1x", NULL },
		{ "6.18", "6.18" },
		{ "6.18.44-x", "6.18" },
		{ "4.19", NULL },
		{ "6.00000001", NULL },
		{ "262.1", NULL },
		{ "6.257", NULL },
		{ NULL, NULL },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct kernel_profile *k = kernel_profile(rows[i].name);

		test_row = rows[i].name ? rows[i].name : "(null)";
		CHECK_EQ(k != NULL, rows[i].want != NULL);
		if (k && rows[i].want)
			CHECK_STR(k->name, rows[i].want);
	}
	test_row = NULL;
}

TEST(a_release_without_a_profile_has_the_one_before_it)
{
	CHECK(kernel_profile_for(KERNEL_V(4, 19)) == NULL);
	CHECK_STR(kernel_profile_for(KERNEL_V(5, 4))->name, "5.4");
	CHECK_STR(kernel_profile_for(KERNEL_V(6, 2))->name, "6.1");
	CHECK_STR(kernel_profile_for(KERNEL_V(6, 17))->name, "6.12");
	CHECK_STR(kernel_profile_for(KERNEL_V(9, 0))->name, "7.2");
}

TEST(profiles_stand_by_age_and_have_every_limit)
{
	for (size_t i = 0; i < kernel_n_profiles; i++) {
		const struct kernel_limits *l = &kernel_profiles[i].limits;

		CHECK(!i || kernel_profiles[i - 1].version < kernel_profiles[i].version);
		CHECK(l->insns && l->steps && l->branches && l->stack_bytes && l->frames && l->subprogs && l->maps);
		CHECK(kernel_profile(kernel_profiles[i].name) == &kernel_profiles[i]);
	}
	CHECK_EQ(kernel_profile("6.18")->limits.frames, 8);
	CHECK_EQ(kernel_profile("7.2")->limits.frames, 16);
}

TEST(behaviours_say_where_they_come_from)
{
	for (size_t i = 0; i < KERNEL_N_BEHAVIOURS; i++) {
		const struct kernel_behaviour_row *b = &kernel_behaviours[i];

		test_row = b->name;
		CHECK(b->since < b->until);
		CHECK_HAS(b->source, ", v");
		CHECK(b->text[0]);
	}
	test_row = NULL;
}

TEST(sections_say_what_libbpf_makes_of_them)
{
	static const struct {
		const char *section;
		uint32_t prog, attach;
		bool sleepable;
		const char *rest;
	} rows[] = {
		{ "xdp", KPROG_XDP, KATTACH_XDP, false, "" },
		{ "xdp.frags", KPROG_XDP, KATTACH_XDP, false, "" },
		{ "xdp/devmap", KPROG_XDP, KATTACH_XDP_DEVMAP, false, "" },
		{ "xdp_devmap/prog", KPROG_XDP, KATTACH_XDP_DEVMAP, false, "prog" },
		{ "xdp_prog1", KPROG_XDP, KATTACH_XDP, false, "_prog1" },
		{ "tc", KPROG_SCHED_CLS, 0, false, "" },
		{ "tc/ingress", KPROG_SCHED_CLS, KATTACH_TCX_INGRESS, false, "" },
		{ "tcx/egress", KPROG_SCHED_CLS, KATTACH_TCX_EGRESS, false, "" },
		{ "classifier/x", KPROG_SCHED_CLS, 0, false, "x" },
		{ "action", KPROG_SCHED_ACT, 0, false, "" },
		{ "socket", KPROG_SOCKET_FILTER, 0, false, "" },
		{ "socket1", KPROG_SOCKET_FILTER, 0, false, "1" },
		{ "kprobe/do_exit", KPROG_KPROBE, 0, false, "do_exit" },
		{ "kprobe.multi/tcp_*", KPROG_KPROBE, KATTACH_TRACE_KPROBE_MULTI, false, "tcp_*" },
		{ "kprobe.session/x", KPROG_KPROBE, KATTACH_TRACE_KPROBE_SESSION, false, "x" },
		{ "uprobe.s//bin/sh:main", KPROG_KPROBE, 0, true, "/bin/sh:main" },
		{ "usdt", KPROG_KPROBE, 0, false, "" },
		{ "tp/syscalls/sys_enter_open", KPROG_TRACEPOINT, 0, false, "syscalls/sys_enter_open" },
		{ "raw_tp.w/x", KPROG_RAW_TRACEPOINT_WRITABLE, 0, false, "x" },
		{ "tp_btf/sched_switch", KPROG_TRACING, KATTACH_TRACE_RAW_TP, false, "sched_switch" },
		{ "fentry.s/do_exit", KPROG_TRACING, KATTACH_TRACE_FENTRY, true, "do_exit" },
		{ "?fexit/do_exit", KPROG_TRACING, KATTACH_TRACE_FEXIT, false, "do_exit" },
		{ "lsm/file_open", KPROG_LSM, KATTACH_LSM_MAC, false, "file_open" },
		{ "lsm.s/bpf", KPROG_LSM, KATTACH_LSM_MAC, true, "bpf" },
		{ "lsm_cgroup/socket_bind", KPROG_LSM, KATTACH_LSM_CGROUP, false, "socket_bind" },
		{ "iter/task", KPROG_TRACING, KATTACH_TRACE_ITER, false, "task" },
		{ "struct_ops/init", KPROG_STRUCT_OPS, 0, false, "init" },
		{ "struct_ops.s/init", KPROG_STRUCT_OPS, 0, true, "init" },
		{ "cgroup/connect4", KPROG_CGROUP_SOCK_ADDR, KATTACH_CGROUP_INET4_CONNECT, false, "" },
		{ "cgroup/connect_unix", KPROG_CGROUP_SOCK_ADDR, KATTACH_CGROUP_UNIX_CONNECT, false, "" },
		{ "cgroup_skb/ingress", KPROG_CGROUP_SKB, KATTACH_CGROUP_INET_INGRESS, false, "" },
		{ "cgroup/sock", KPROG_CGROUP_SOCK, KATTACH_CGROUP_INET_SOCK_CREATE, false, "" },
		{ "cgroup/sock_release", KPROG_CGROUP_SOCK, KATTACH_CGROUP_INET_SOCK_RELEASE, false, "" },
		{ "cgroup/dev", KPROG_CGROUP_DEVICE, KATTACH_CGROUP_DEVICE, false, "" },
		{ "cgroup/getsockopt", KPROG_CGROUP_SOCKOPT, KATTACH_CGROUP_GETSOCKOPT, false, "" },
		{ "sk_lookup", KPROG_SK_LOOKUP, KATTACH_SK_LOOKUP, false, "" },
		{ "sk_lookup/echo", KPROG_SK_LOOKUP, KATTACH_SK_LOOKUP, false, "echo" },
		{ "sk_reuseport/migrate", KPROG_SK_REUSEPORT, KATTACH_SK_REUSEPORT_SELECT_OR_MIGRATE, false, "" },
		{ "syscall", KPROG_SYSCALL, 0, true, "" },
		{ "freplace/f", KPROG_EXT, 0, false, "f" },
		{ "netfilter", KPROG_NETFILTER, KATTACH_NETFILTER, false, "" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_target t;
		const char *rest;

		test_row = rows[i].section;
		CHECK(kernel_section(rows[i].section, &t, &rest));
		CHECK_EQ(t.prog_type, rows[i].prog);
		CHECK_EQ(t.attach_type, rows[i].attach);
		CHECK_EQ(t.sleepable, rows[i].sleepable);
		CHECK(!t.attach_name);
		CHECK_STR(rest, rows[i].rest);
	}
	test_row = NULL;
}

TEST(sections_that_libbpf_does_not_know_are_none)
{
	static const char *const rows[] = { "",        "?",      ".text", "maps",       "kprobes/x",
					    "fentryx", "lsmx/y", "tcx",   "tracepointx" };

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_target t;
		const char *rest;

		test_row = rows[i];
		CHECK(!kernel_section(rows[i], &t, &rest));
	}
	test_row = NULL;
}

TEST(sections_mean_what_the_libbpf_that_is_here_makes_of_them)
{
	static const struct {
		const char *name;
		uint32_t prog, attach;
	} rows[] = {
#define SECTION(name, prog, attach, sleepable, form) { name, KPROG_##prog, attach },
#include "engine/kernel/sections.def"
#undef SECTION
	};
	uint32_t known = 0;

	for (size_t i = 0; i < countof(rows); i++) {
		enum bpf_prog_type type;
		enum bpf_attach_type attach;
		struct kernel_target t;
		const char *rest;

		if (libbpf_prog_type_by_name(rows[i].name, &type, &attach))
			continue;
		test_row = rows[i].name;
		CHECK(kernel_section(rows[i].name, &t, &rest));
		CHECK_EQ(t.prog_type, type);
		CHECK_EQ(t.attach_type, attach);
		known++;
	}
	test_row = NULL;
	CHECK(known > 60);
}

TEST(contexts_grow_with_releases)
{
	static const struct {
		const char *name;
		uint32_t prog, attach;
		int32_t off;
		uint32_t size;
		bool write;
		const char *first_yes;
	} rows[] = {
		{ "hwtstamp", KPROG_SCHED_CLS, 0, 184, 8, false, "6.1" },
		{ "tstamp_type", KPROG_SCHED_ACT, 0, 180, 1, false, "6.1" },
		{ "gso_size", KPROG_SCHED_CLS, 0, 176, 4, false, "5.10" },
		{ "egress_ifindex", KPROG_XDP, KATTACH_XDP_DEVMAP, 20, 4, false, "5.10" },
		{ "skb_hwtstamp", KPROG_SOCK_OPS, 0, 216, 8, false, "6.6" },
		{ "skb_len", KPROG_SOCK_OPS, 0, 208, 4, false, "5.10" },
		{ "ingress_ifindex", KPROG_SK_LOOKUP, KATTACH_SK_LOOKUP, 64, 4, false, "6.1" },
		{ "migrating_sk", KPROG_SK_REUSEPORT, 0, 48, 8, false, "5.15" },
		{ "registers written", KPROG_KPROBE, 0, 80, 8, true, "7.2" },
		{ "trace beyond two KiB", KPROG_TRACEPOINT, 0, 2048, 8, false, "6.1" },
		{ "unaligned", KPROG_SYSCALL, 0, 1, 8, false, "7.2" },
		{ "netfilter", KPROG_NETFILTER, KATTACH_NETFILTER, 8, 8, false, "6.6" },
		{ "sk_lookup", KPROG_SK_LOOKUP, KATTACH_SK_LOOKUP, 0, 8, false, "5.10" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct kernel_target t = { .prog_type = rows[i].prog, .attach_type = rows[i].attach };
		struct kernel_ctx_access a;

		test_row = rows[i].name;
		for (size_t j = 0; j < kernel_n_profiles; j++) {
			const struct kernel_profile *k = &kernel_profiles[j];
			bool yes = kernel_ctx_access(k, &t, rows[i].off, rows[i].size, rows[i].write, &a) ==
				   KERNEL_CTX_YES;

			CHECK_EQ(yes, k->version >= kernel_profile(rows[i].first_yes)->version);
		}
	}
	test_row = NULL;
}

TEST(contexts_of_btf_arguments_are_asked_of_btf)
{
	const struct kernel_profile *k = kernel_profile("6.12");
	struct kernel_target fentry = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY };
	struct kernel_target ops = { .prog_type = KPROG_STRUCT_OPS }, lsm = { .prog_type = KPROG_LSM };
	struct kernel_ctx_access a;

	CHECK_EQ(kernel_ctx_access(k, &fentry, 8, 8, false, &a), KERNEL_CTX_BTF);
	CHECK_EQ(kernel_ctx_access(k, &ops, 88, 8, false, &a), KERNEL_CTX_BTF);
	CHECK_EQ(kernel_ctx_access(k, &lsm, 8, 8, false, &a), KERNEL_CTX_BTF);
	CHECK_EQ(kernel_ctx_access(k, &fentry, 96, 8, false, &a), KERNEL_CTX_NO);
	CHECK_EQ(kernel_ctx_access(k, &fentry, 8, 8, true, &a), KERNEL_CTX_NO);
	CHECK_EQ(kernel_ctx_access(k, &fentry, 4, 8, false, &a), KERNEL_CTX_NO);
	CHECK_EQ(kernel_ctx_access(k, &fentry, 8, 3, false, &a), KERNEL_CTX_NO);
}

TEST(the_buffer_of_a_writable_tracepoint_is_loaded_whole)
{
	const struct kernel_profile *k = kernel_profile("6.1");
	struct kernel_target t = { .prog_type = KPROG_RAW_TRACEPOINT_WRITABLE };
	struct kernel_ctx_access a;

	CHECK_EQ(kernel_ctx_access(k, &t, 0, 8, false, &a), KERNEL_CTX_YES);
	CHECK_EQ(a.reg, KR_TP_BUFFER);
	CHECK_EQ(kernel_ctx_access(k, &t, 0, 4, false, &a), KERNEL_CTX_NO);
	CHECK_EQ(kernel_ctx_access(k, &t, 8, 4, false, &a), KERNEL_CTX_YES);
	CHECK_EQ(a.reg, KR_SCALAR);
}

TEST(return_ranges_differ_by_release_and_hook)
{
	static const struct {
		const char *name, *kernel;
		struct kernel_target t;
		struct kernel_ret_range want;
	} rows[] = {
		{ "bind4, then", "5.10", { KPROG_CGROUP_SOCK_ADDR, KATTACH_CGROUP_INET4_BIND }, { true, 0, 1 } },
		{ "bind4, now", "5.15", { KPROG_CGROUP_SOCK_ADDR, KATTACH_CGROUP_INET4_BIND }, { true, 0, 3 } },
		{ "recvmsg", "5.10", { KPROG_CGROUP_SOCK_ADDR, KATTACH_CGROUP_UDP6_RECVMSG }, { true, 1, 1 } },
		{ "fentry", "6.1", { KPROG_TRACING, KATTACH_TRACE_FENTRY }, { true, 0, 0 } },
		{ "fmod_ret", "6.1", { KPROG_TRACING, KATTACH_MODIFY_RETURN }, { false } },
		{ "iter", "6.1", { KPROG_TRACING, KATTACH_TRACE_ITER }, { true, 0, 1 } },
		{ "kprobe session, then", "6.6", { KPROG_KPROBE, KATTACH_TRACE_KPROBE_SESSION }, { false } },
		{ "kprobe session, now", "6.12", { KPROG_KPROBE, KATTACH_TRACE_KPROBE_SESSION }, { true, 0, 1 } },
		{ "LSM, then", "6.6", { KPROG_LSM, KATTACH_LSM_MAC, false, "bpf_lsm_file_open" }, { false } },
		{ "LSM", "6.12", { KPROG_LSM, KATTACH_LSM_MAC, false, "file_open" }, { true, -4095, 0, true } },
		{ "LSM, bool",
		  "6.12",
		  { KPROG_LSM, KATTACH_LSM_MAC, false, "bpf_lsm_audit_rule_known" },
		  { true, 0, 1, true } },
		{ "LSM, void", "6.12", { KPROG_LSM, KATTACH_LSM_MAC, false, "x", true }, { false, 0, 0, false, true } },
		{ "LSM of a cgroup", "6.1", { KPROG_LSM, KATTACH_LSM_CGROUP }, { true, 0, 1 } },
		{ "LSM of a cgroup, void", "6.1", { KPROG_LSM, KATTACH_LSM_CGROUP, false, "x", true }, { true, 1, 1 } },
		{ "struct_ops, a number", "7.2", { KPROG_STRUCT_OPS }, { false } },
		{ "struct_ops, nothing",
		  "7.2",
		  { KPROG_STRUCT_OPS, .attach_void = true },
		  { .may_be_anything = true } },
		{ "struct_ops, a pointer", "7.2", { KPROG_STRUCT_OPS, .attach_pointer = true }, { true, 0, 0 } },
		{ "struct_ops, a pointer, then", "6.12", { KPROG_STRUCT_OPS, .attach_pointer = true }, { false } },
		{ "xdp", "6.1", { KPROG_XDP, KATTACH_XDP }, { false } },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct kernel_ret_range *w = &rows[i].want;
		struct kernel_ret_range r = kernel_ret_range(kernel_profile(rows[i].kernel), &rows[i].t);

		test_row = rows[i].name;
		CHECK_EQ(r.have, w->have);
		CHECK_EQ(r.min, w->min);
		CHECK_EQ(r.max, w->max);
		CHECK_EQ(r.ret32, w->ret32);
		CHECK_EQ(r.may_be_anything, w->may_be_anything);
	}
	test_row = NULL;
}

TEST(instructions_have_the_release_that_brought_them)
{
	static const struct {
		const char *row;
		uint16_t since;
	} rows[] = {
		{ "ADD64_IMM", KERNEL_V(3, 18) },    { "JLT64_IMM", KERNEL_V(4, 14) },
		{ "JLT32_IMM", KERNEL_V(5, 1) },     { "JEQ32_REG", KERNEL_V(5, 1) },
		{ "ARSH32_IMM", KERNEL_V(5, 0) },    { "ATOMIC_ADD64", KERNEL_V(3, 18) },
		{ "ATOMIC_OR32", KERNEL_V(5, 12) },  { "ATOMIC_ADD_FETCH64", KERNEL_V(5, 12) },
		{ "CALL_LOCAL", KERNEL_V(4, 16) },   { "CALL_KFUNC", KERNEL_V(5, 13) },
		{ "LDDW_MAP_IDX", KERNEL_V(5, 14) }, { "LDDW_FUNC", KERNEL_V(5, 13) },
		{ "SDIV64_IMM", KERNEL_V(6, 6) },    { "MOVSX64_8", KERNEL_V(6, 6) },
		{ "LDXSW", KERNEL_V(6, 6) },         { "JA32", KERNEL_V(6, 6) },
		{ "JA", KERNEL_V(3, 18) },           { "BSWAP64", KERNEL_V(6, 6) },
		{ "MAY_GOTO", KERNEL_V(6, 9) },      { "ADDR_SPACE_CAST", KERNEL_V(6, 9) },
		{ "LOAD_ACQ8", KERNEL_V(6, 15) },    { "STORE_REL64", KERNEL_V(6, 15) },
		{ "CALLX", KERNEL_NOT_YET },         { "EXIT", KERNEL_V(3, 18) },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		const struct isa_row *r = isa_row_by_name(rows[i].row);
		struct isa_insn in;

		test_row = rows[i].row;
		CHECK(r != NULL);
		in = (struct isa_insn){ .sem = r->sem, .width = r->width, .form = r->form, .aux = r->aux };
		CHECK_EQ(kernel_insn_since(&in), rows[i].since);
	}
	test_row = NULL;
}
