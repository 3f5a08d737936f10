/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers, maps and kfuncs against the running kernel, wherever there is a profile of it: every helper and every kfunc
 * from every type of program that loads here, every kind of map with helpers that take any. A program does nothing but
 * the call: when the kernel's log says that there is no such function, or not for this program, the table must say so
 * too.
 */
#include "test.h"

#include "bed.h"
#include "engine/btf/btf.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TYPES "/sys/kernel/btf/vmlinux"

struct running {
	const struct kernel_profile *k;
	struct arena a;
	char *bytes;
	struct btf btf;
	uint32_t asked, wrong;
};

static void running_init(struct running *r)
{
	static char why[128];
	struct diag d;
	size_t n;

	memset(r, 0, sizeof *r);
	r->k = bed_profile(why, sizeof why);
	if (!r->k)
		SKIP("%s", why);
	diag_init(&d);
	if (io_read_file(TYPES, BTF_MAX_BYTES, &r->bytes, &n, &d) != E_OK)
		SKIP("this kernel does not show its types in " TYPES);
	arena_init(&r->a, 512 << 20);
	if (btf_read(view_of(r->bytes, n), NULL, &r->a, &r->btf, &d) != E_OK)
		fail_msg("U%u %s", d.id, d.text);
}

static void running_free(struct running *r)
{
	arena_done(&r->a);
	free(r->bytes);
}

static void running_done(struct running *r)
{
	print_message("# %u questions to the kernel\n", r->asked);
	running_free(r);
	test_row = NULL;
	CHECK_EQ(r->wrong, 0);
	CHECK(r->asked > 200);
}

/* ---- targets ---- */

/* Of each place one, as the kernel is asked for it. btf: what it attaches to. */
static const struct target {
	struct kernel_target t;
	enum btf_kind kind;
	const char *btf;
} targets[] = {
#define TYPE(type)                                \
	{                                         \
		.t = {.prog_type = KPROG_##type } \
	}
#define AT(type, attach)                                                           \
	{                                                                          \
		.t = {.prog_type = KPROG_##type, .attach_type = KATTACH_##attach } \
	}
	TYPE(SOCKET_FILTER),
	TYPE(KPROBE),
	{ .t = { .prog_type = KPROG_KPROBE, .sleepable = true } },
	AT(KPROBE, TRACE_KPROBE_MULTI),
	AT(KPROBE, TRACE_UPROBE_MULTI),
	TYPE(SCHED_CLS),
	TYPE(SCHED_ACT),
	TYPE(TRACEPOINT),
	TYPE(XDP),
	TYPE(PERF_EVENT),
	TYPE(CGROUP_SKB),
	AT(CGROUP_SOCK, CGROUP_INET_SOCK_CREATE),
	AT(CGROUP_SOCK, CGROUP_INET4_POST_BIND),
	AT(CGROUP_SOCK, CGROUP_INET_SOCK_RELEASE),
	TYPE(LWT_IN),
	TYPE(LWT_OUT),
	TYPE(LWT_XMIT),
	TYPE(LWT_SEG6LOCAL),
	TYPE(SOCK_OPS),
	TYPE(SK_SKB),
	TYPE(SK_MSG),
	TYPE(CGROUP_DEVICE),
	AT(CGROUP_DEVICE, CGROUP_DEVICE),
	TYPE(RAW_TRACEPOINT),
	TYPE(RAW_TRACEPOINT_WRITABLE),
	AT(CGROUP_SOCK_ADDR, CGROUP_INET4_BIND),
	AT(CGROUP_SOCK_ADDR, CGROUP_INET6_CONNECT),
	AT(CGROUP_SOCK_ADDR, CGROUP_UDP4_SENDMSG),
	AT(CGROUP_SOCK_ADDR, CGROUP_UDP6_RECVMSG),
	AT(CGROUP_SOCK_ADDR, CGROUP_INET4_GETPEERNAME),
	AT(CGROUP_SOCK_ADDR, CGROUP_INET6_GETSOCKNAME),
	AT(CGROUP_SOCK_ADDR, CGROUP_UNIX_CONNECT),
	AT(CGROUP_SOCK_ADDR, CGROUP_UNIX_GETPEERNAME),
	AT(CGROUP_SOCK_ADDR, CGROUP_UNIX_RECVMSG),
	TYPE(LIRC_MODE2),
	TYPE(SK_REUSEPORT),
	TYPE(FLOW_DISSECTOR),
	AT(CGROUP_SYSCTL, CGROUP_SYSCTL),
	AT(CGROUP_SOCKOPT, CGROUP_GETSOCKOPT),
	AT(CGROUP_SOCKOPT, CGROUP_SETSOCKOPT),
	AT(SK_LOOKUP, SK_LOOKUP),
	AT(NETFILTER, NETFILTER),
	{ .t = { .prog_type = KPROG_SYSCALL, .sleepable = true } },
	{ .t = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_RAW_TP },
	  .kind = BTF_TYPEDEF,
	  .btf = "btf_trace_sched_switch" },
	{ .t = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER },
	  .kind = BTF_FUNC,
	  .btf = "bpf_iter_task" },
	{ .t = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER, .sleepable = true },
	  .kind = BTF_FUNC,
	  .btf = "bpf_iter_task" },
	{ .t = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_ITER },
	  .kind = BTF_FUNC,
	  .btf = "bpf_iter_tcp" },
	{ .t = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FENTRY },
	  .kind = BTF_FUNC,
	  .btf = "security_file_open" },
	{ .t = { .prog_type = KPROG_TRACING, .attach_type = KATTACH_TRACE_FEXIT },
	  .kind = BTF_FUNC,
	  .btf = "bpf_sk_storage_free" },
	{ .t = { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_MAC },
	  .kind = BTF_FUNC,
	  .btf = "bpf_lsm_file_open" },
	{ .t = { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_MAC, .sleepable = true },
	  .kind = BTF_FUNC,
	  .btf = "bpf_lsm_file_open" },
	{ .t = { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_CGROUP },
	  .kind = BTF_FUNC,
	  .btf = "bpf_lsm_sock_graft" },
	{ .t = { .prog_type = KPROG_LSM, .attach_type = KATTACH_LSM_CGROUP },
	  .kind = BTF_FUNC,
	  .btf = "bpf_lsm_socket_bind" },
	/* the first member: for struct_ops the attach type is its number */
	{ .t = { .prog_type = KPROG_STRUCT_OPS }, .kind = BTF_STRUCT, .btf = "tcp_congestion_ops" },
	{ .t = { .prog_type = KPROG_STRUCT_OPS }, .kind = BTF_STRUCT, .btf = "bpf_dummy_ops" },
#undef AT
#undef TYPE
};

/* What this kernel does not load at all cannot be asked. Types whose R0 must be 1 say so in a log, and can. */
static bool loads(const struct target *x, uint32_t btf_id)
{
	struct bed_prog p = { .btf_id = btf_id };
	struct bed_verdict v;

	bed_end(&p, 0);
	bed_load(&x->t, &p, BED_WHY, &v);
	return v.accepted || strstr(v.log, "R0");
}

/* The target as the tables want it; false: not on this kernel. */
static bool target_get(const struct running *r, const struct target *x, struct kernel_target *t, uint32_t *btf_id)
{
	*t = x->t;
	t->attach_name = x->btf;
	*btf_id = x->btf ? btf_find(&r->btf, x->kind, x->btf, 1) : 0;
	if ((!x->btf || *btf_id) && loads(x, *btf_id))
		return true;
	print_message("# not here: %s %s\n", kernel_prog_type_name(t->prog_type), x->btf ? x->btf : "");
	return false;
}

/* r2 to r5 = 0; the call; r0 = 0; exit */
static void call_prog(struct bed_prog *p, uint8_t src, int32_t imm)
{
	for (uint8_t i = BPF_REG_2; i <= BPF_REG_5; i++)
		bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, i, 0, 0, 0));
	bed_add(p, bed_op(BPF_JMP | BPF_CALL, 0, src, 0, imm));
	bed_end(p, 0);
}

static void tell(struct running *r, const struct kernel_target *t, const char *what, int table, const char *log)
{
	r->wrong++;
	print_error("%s/%u %s%s: %s: the table says %d, the kernel: %.80s\n", kernel_prog_type_name(t->prog_type),
		    t->attach_type, t->attach_name ? t->attach_name : "", t->sleepable ? ", sleepable" : "", what,
		    table, log);
}

/* ---- helpers ---- */

static enum kernel_refusal refusal_of(const char *log)
{
	if (strstr(log, "invalid func"))
		return KERNEL_NO_HELPER;
	if (strstr(log, "program of this type cannot use helper") || strstr(log, "unknown func"))
		return KERNEL_NOT_HERE;
	if (strstr(log, "helper call is not allowed in probe"))
		return KERNEL_NOT_IN_PROBE;
	return KERNEL_ALLOWED;
}

/* Lockdown takes the one away, a kernel's configuration the other; the tables are of kernels that have all. */
static bool may_be_missing(uint32_t helper)
{
	return !strcmp(kernel_helper_name(helper), "probe_write_user") ||
	       !strcmp(kernel_helper_name(helper), "override_return");
}

static void ask_helper(struct running *r, const struct kernel_target *t, uint32_t btf_id, uint32_t helper)
{
	struct bed_prog p = { .btf_id = btf_id };
	const struct kernel_proto *proto;
	enum kernel_refusal want = kernel_helper(r->k, t, helper, &proto), got;
	const char *name = kernel_helper_name(helper);
	struct bed_verdict v;

	call_prog(&p, 0, (int32_t)helper);
	bed_load(t, &p, BED_WHY, &v);
	got = refusal_of(v.log);
	r->asked++;
	if (got != want && !(name && got == KERNEL_NOT_HERE && may_be_missing(helper)))
		tell(r, t, name ? name : "an id of no helper", (int)want, v.log);
}

TEST(every_helper_is_given_to_the_programs_that_the_running_kernel_gives_it_to)
{
	enum { SOME_BEYOND = 4 };
	uint32_t n = 1;
	struct running r;

	running_init(&r);
	while (kernel_helper_name(n))
		n++;
	for (size_t i = 0; i < countof(targets); i++) {
		struct kernel_target t;
		uint32_t btf_id;

		if (!target_get(&r, &targets[i], &t, &btf_id))
			continue;
		for (uint32_t helper = 1; helper < n + SOME_BEYOND; helper++)
			ask_helper(&r, &t, btf_id, helper);
	}
	running_done(&r);
}

/* ---- kfuncs ---- */

static void ask_kfunc(struct running *r, const struct kernel_target *t, uint32_t btf_id, const char *name,
		      uint32_t func)
{
	const struct kernel_kfunc *f = kernel_kfunc(r->k, name);
	struct bed_prog p = { .btf_id = btf_id };
	bool want = f && kernel_kfunc_allowed(r->k, t, f);
	struct bed_verdict v;

	call_prog(&p, BPF_PSEUDO_KFUNC_CALL, (int32_t)func);
	bed_load(t, &p, BED_WHY, &v);
	if (strstr(v.log, "metadata kfuncs require")) /* of a device: said before the program type is looked at */
		return;
	r->asked++;
	if (want == !!strstr(v.log, "calling kernel function"))
		tell(r, t, name, want, v.log);
}

/* The kernel tags in its types what programs may call: since 6.10. */
TEST(every_kfunc_is_given_to_the_programs_that_the_running_kernel_gives_it_to)
{
	struct running r;

	running_init(&r);
	for (size_t i = 0; i < countof(targets); i++) {
		struct kernel_target t;
		uint32_t btf_id;

		if (!target_get(&r, &targets[i], &t, &btf_id))
			continue;
		for (uint32_t id = 1; id < r.btf.n_types; id++) {
			const struct btf_type *tag = btf_get(&r.btf, id);

			if (tag->kind == BTF_DECL_TAG && !strcmp(tag->name, "bpf_kfunc"))
				ask_kfunc(&r, &t, btf_id, btf_get(&r.btf, tag->type)->name, tag->type);
		}
	}
	if (!r.asked && r.k->version < KERNEL_V(6, 10)) {
		running_free(&r);
		SKIP("this kernel's types do not say which functions programs may call");
	}
	running_done(&r);
}

/* ---- maps ---- */

/* Of each kind a map that the kernel makes without more ado: its sizes and flags. */
static const struct map {
	uint32_t kind, key, value, entries, flags;
} maps[] = {
	{ 1, 4, 8, 4, 0 },
	{ 2, 4, 8, 4, 0 },
	{ 3, 4, 4, 4, 0 },
	{ 4, 4, 4, 4, 0 },
	{ 5, 4, 8, 4, 0 },
	{ 6, 4, 8, 4, 0 },
	{ 7, 4, 8, 4, 0 },
	{ 8, 4, 4, 4, 0 },
	{ 9, 4, 8, 4, 0 },
	{ 10, 4, 8, 4, 0 },
	{ 11, 8, 8, 4, BPF_F_NO_PREALLOC },
	{ 14, 4, 4, 4, 0 },
	{ 15, 4, 4, 4, 0 },
	{ 16, 4, 4, 4, 0 },
	{ 17, 4, 4, 4, 0 },
	{ 18, 4, 4, 4, 0 },
	{ 20, 4, 4, 4, 0 },
	{ 22, 0, 8, 4, 0 },
	{ 23, 0, 8, 4, 0 },
	{ 25, 4, 4, 4, 0 },
	{ 27, 0, 0, 4096, 0 },
	{ 30, 0, 8, 4, 0 },
	{ 31, 0, 0, 4096, 0 },
};

static int map_make(const struct map *m)
{
	union bpf_attr a;

	memset(&a, 0, sizeof a);
	a.map_type = m->kind;
	a.key_size = m->key;
	a.value_size = m->value;
	a.max_entries = m->entries;
	a.map_flags = m->flags;
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a);
}

static void add_map(struct bed_prog *p, uint8_t reg, int fd)
{
	bed_add(p, bed_op(BPF_LD | BPF_IMM | BPF_DW, reg, BPF_PSEUDO_MAP_FD, 0, fd));
	bed_add(p, bed_op(0, 0, 0, 0, 0));
}

/* Helpers of which the map alone matters, and which argument it is; r1 keeps the context where it is the second. */
static const struct {
	uint32_t helper;
	uint8_t reg;
} takers[] = {
	{ 1, BPF_REG_1 },   { 2, BPF_REG_1 },   { 3, BPF_REG_1 },   { 12, BPF_REG_2 },
	{ 51, BPF_REG_1 },  { 87, BPF_REG_1 },  { 88, BPF_REG_1 },  { 89, BPF_REG_1 },
	{ 130, BPF_REG_1 }, { 134, BPF_REG_1 }, { 195, BPF_REG_1 },
};

/* r2 and r3 = 16 bytes of zeroes each, unless one is the map; r4 = 0 */
static void map_prog(struct bed_prog *p, uint32_t taker, int fd)
{
	for (int16_t off = -32; off < 0; off = (int16_t)(off + 8))
		bed_add(p, bed_op(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, off, 0));
	for (uint8_t i = BPF_REG_2; i <= BPF_REG_3; i++) {
		bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_X, i, BPF_REG_10, 0, 0));
		bed_add(p, bed_op(BPF_ALU64 | BPF_ADD | BPF_K, i, 0, 0, i == BPF_REG_2 ? -32 : -16));
	}
	/* numbers, where the helper wants those */
	if (takers[taker].helper == 12 || takers[taker].helper == 130 || takers[taker].helper == 195)
		bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 8));
	if (takers[taker].helper == 51 || takers[taker].helper == 134)
		bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0));
	if (takers[taker].helper == 51 || takers[taker].helper == 87)
		bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0));
	bed_add(p, bed_op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0));
	add_map(p, takers[taker].reg, fd);
	bed_add(p, bed_op(BPF_JMP | BPF_CALL, 0, 0, 0, (int32_t)takers[taker].helper));
	bed_end(p, 0);
}

static void ask_taker(struct running *r, uint32_t kind, int fd, uint32_t taker)
{
	struct kernel_target xdp = { .prog_type = KPROG_XDP };
	struct bed_prog p = { .n = 0 };
	struct bed_verdict v;
	bool want = kernel_map_takes(r->k, kind, takers[taker].helper);

	map_prog(&p, taker, fd);
	bed_load(&xdp, &p, BED_WHY, &v);
	r->asked++;
	/* before the kernel looks at the pair, it looks for keys and values in maps that have none */
	if (want ? !!strstr(v.log, "cannot pass map_type") : v.accepted)
		tell(r, &xdp, kernel_map_kind_name(kind), want, v.log);
}

static void ask_sleepable(struct running *r, uint32_t kind, int fd)
{
	struct kernel_target t = { .prog_type = KPROG_SYSCALL, .sleepable = true };
	const char *want = kernel_map_prog(r->k, &t, kind);
	struct bed_prog p = { .n = 0 };
	struct bed_verdict v;

	add_map(&p, BPF_REG_1, fd);
	bed_end(&p, 0);
	bed_load(&t, &p, BED_WHY, &v);
	r->asked++;
	if (want ? !strstr(v.log, want) : !v.accepted)
		tell(r, &t, kernel_map_kind_name(kind), !want, v.log);
}

TEST(kinds_of_maps_go_with_helpers_and_programs_as_in_the_running_kernel)
{
	uint32_t made = 0;
	struct running r;

	running_init(&r);
	for (size_t i = 0; i < countof(maps); i++) {
		int fd = map_make(&maps[i]);

		if (fd < 0) {
			print_message("# no %s: %s\n", kernel_map_kind_name(maps[i].kind), strerror(errno));
			continue;
		}
		made++;
		for (uint32_t taker = 0; taker < countof(takers); taker++)
			ask_taker(&r, maps[i].kind, fd, taker);
		ask_sleepable(&r, maps[i].kind, fd);
		(void)close(fd);
	}
	CHECK(made > countof(maps) / 2);
	running_done(&r);
}
