/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach_check: may a program be attached there at all?
 *
 * Linux: kernel/bpf/verifier.c:check_attach_btf_id, bpf_check_attach_target, check_struct_ops_btf_id; kernel/bpf/
 * bpf_lsm.c:bpf_lsm_verify_prog, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/mem.h"

/* The attach target's name without what BTF puts before it. */
static const char *bare(const struct kverifier *v)
{
	return kernel_attach_bare(&v->o->target);
}

/* ---- functions whose result may be changed, and in which a program may sleep ---- */

enum answer { NO, YES, NOT_KNOWN };

enum set { INJECT, FMODRET };

static const struct modifiable {
	const char *name;
	uint16_t since, until;
	uint8_t set; /* enum set */
	bool sleepable;
} modifiables[] = {
#define V(major, minor) KERNEL_V(major, minor)
#define ALWAYS KERNEL_ALWAYS
#define NOW KERNEL_NOT_YET
#define MODIFIABLE(name, since, until, set, sleepable) { name, since, until, set, sleepable },
#include "engine/kverify/modifiable.def"
#undef MODIFIABLE
#undef NOW
#undef ALWAYS
#undef V
};

static bool injects(const struct kverifier *v)
{
	return !(v->o->lacks & KVERIFY_LACKS_ERROR_INJECTION);
}

/* A system call's own function, as on x86-64: each of them is made with its place in the list. */
static bool is_syscall(const char *name)
{
	return !strncmp(name, "__x64_", 6);
}

static enum answer listed(const struct kverifier *v, const char *name, bool to_sleep)
{
	for (size_t i = 0; i < countof(modifiables); i++) {
		const struct modifiable *m = &modifiables[i];

		if (v->k->version < m->since || v->k->version >= m->until || strcmp(m->name, name) != 0 ||
		    (m->set == INJECT && !injects(v)))
			continue;
		return m->sleepable || !to_sleep ? YES : NO;
	}
	if (is_syscall(name) && (injects(v) || khas(v, KERNEL_SYSCALLS_MODIFIABLE)))
		return YES;
	return injects(v) ? NOT_KNOWN : NO;
}

static FALLIBLE not_known(struct kverifier *v, const char *what)
{
	KUNSUPPORTED(v, "whether programs may %s %s(): the kernel's list of such functions is not known", what,
		     v->o->target.attach_name);
}

static FALLIBLE check_sleeps(struct kverifier *v)
{
	const char *name = v->o->target.attach_name;
	enum answer a = listed(v, name, true);

	if (a == NOT_KNOWN)
		return not_known(v, "sleep in");
	if (a == NO)
		KREJECT(v, ATTACH_SLEEP, "%s is not sleepable", name);
	return E_OK;
}

static FALLIBLE check_modifies(struct kverifier *v)
{
	const char *name = v->o->target.attach_name;
	enum answer a = !strncmp(name, "security_", 9) ? YES : listed(v, name, false);

	if (a == NOT_KNOWN)
		return not_known(v, "change the result of");
	if (a == NO)
		KREJECT(v, ATTACH_MODIFY, "%s() is not modifiable", name);
	return E_OK;
}

/* ---- by type ---- */

static FALLIBLE check_tracing(struct kverifier *v)
{
	const struct kernel_target *t = &v->o->target;
	const char *name = bare(v);

	switch (t->attach_type) {
	case KATTACH_TRACE_ITER:
		return E_OK;
	case KATTACH_TRACE_RAW_TP:
		if (t->sleepable && strcmp(name, "sys_enter") != 0 && strcmp(name, "sys_exit") != 0 &&
		    khas(v, KERNEL_TRACEPOINTS_SLEEP))
			KREJECT(v, ATTACH_SLEEP, "Sleepable program cannot attach to non-faultable tracepoint %s",
				name);
		return E_OK;
	case KATTACH_TRACE_FENTRY_MULTI:
	case KATTACH_TRACE_FEXIT_MULTI:
	case KATTACH_TRACE_FSESSION_MULTI: /* asked when they are attached */
		return E_OK;
	default:
		break;
	}
	if (t->sleepable)
		return check_sleeps(v);
	return t->attach_type == KATTACH_MODIFY_RETURN ? check_modifies(v) : E_OK;
}

/* Hooks whose results mean too many things. Linux: kernel/bpf/bpf_lsm.c:bpf_lsm_disabled_hooks, v6.12, v7.2 */
static bool is_disabled_hook(const char *name)
{
	static const char *const hooks[] = { "vm_enough_memory",   "inode_need_killpriv", "inode_getsecurity",
					     "inode_listsecurity", "inode_copy_up_xattr", "getselfattr",
					     "getprocattr",        "setprocattr",         "key_getsecurity",
					     "audit_rule_match",   "xfrm_decode_session", "ismaclabel" };

	for (size_t i = 0; i < countof(hooks); i++)
		if (!strcmp(hooks[i], name))
			return true;
	return false;
}

static FALLIBLE check_lsm(struct kverifier *v)
{
	const struct kernel_target *t = &v->o->target;

	if (t->sleepable && !kernel_lsm_hook_sleeps(v->k, t->attach_name))
		KREJECT(v, ATTACH_SLEEP, "bpf_lsm_%s is not sleepable", bare(v));
	if (!v->o->gpl)
		KREJECT(v, ATTACH_GPL, "LSM programs must have a GPL compatible license");
	if (khas(v, KERNEL_LSM_RETURNS_ERRNO) && is_disabled_hook(bare(v)))
		KREJECT(v, ATTACH_HOOK, "attach_btf_id %u points to disabled hook bpf_lsm_%s", v->attach.id, bare(v));
	return E_OK;
}

/* Members that the kernel calls no program for, and those in which one may sleep. */
static const struct op_row {
	const char *ops, *member;
	bool never, sleeps;
} op_rows[] = {
	{ "tcp_congestion_ops", "get_info", .never = true },
	{ "bpf_dummy_ops", "test_sleepable", .sleeps = true },
	{ "hid_bpf_ops", "hid_rdesc_fixup", .sleeps = true },
	{ "hid_bpf_ops", "hid_hw_request", .sleeps = true },
	{ "hid_bpf_ops", "hid_hw_output_report", .sleeps = true },
	{ "sched_ext_ops", "init_task", .sleeps = true },
	{ "sched_ext_ops", "cgroup_init", .sleeps = true },
	{ "sched_ext_ops", "cgroup_exit", .sleeps = true },
	{ "sched_ext_ops", "cgroup_prep_move", .sleeps = true },
	{ "sched_ext_ops", "cpu_online", .sleeps = true },
	{ "sched_ext_ops", "cpu_offline", .sleeps = true },
	{ "sched_ext_ops", "init", .sleeps = true },
	{ "sched_ext_ops", "exit", .sleeps = true },
};

/* Of which structs the rows above know all members in which a program may sleep. */
static bool knows_sleepers(const char *ops, size_t n)
{
	for (size_t i = 0; i < countof(op_rows); i++)
		if (op_rows[i].sleeps && strlen(op_rows[i].ops) == n && !strncmp(op_rows[i].ops, ops, n))
			return true;
	return false;
}

static const struct op_row *find_op(const char *ops, size_t n, const char *member)
{
	for (size_t i = 0; i < countof(op_rows); i++)
		if (strlen(op_rows[i].ops) == n && !strncmp(op_rows[i].ops, ops, n) &&
		    !strcmp(op_rows[i].member, member))
			return &op_rows[i];
	return NULL;
}

static FALLIBLE check_struct_ops(struct kverifier *v)
{
	const struct kernel_target *t = &v->o->target;
	const char *dash = t->attach_name ? strpbrk(t->attach_name, "/.") : NULL;
	const struct op_row *row;
	size_t n;

	if (!v->o->gpl)
		KREJECT(v, ATTACH_GPL, "struct ops programs must have a GPL compatible license");
	if (!dash)
		return E_OK;
	n = (size_t)(dash - t->attach_name);
	row = find_op(t->attach_name, n, dash + 1);
	if ((row && row->never) || (t->sleepable && !(row && row->sleeps) && knows_sleepers(t->attach_name, n)))
		KREJECT(v, ATTACH_MEMBER, "attach to unsupported member %s of struct %.*s", dash + 1, (int)n,
			t->attach_name);
	return E_OK;
}

/* The kernel knows the target; a module of it may, too. */
static FALLIBLE check_found(struct kverifier *v)
{
	if (!v->o->kernel_types || !v->o->target.attach_name || v->attach.proto)
		return E_OK;
	KUNSUPPORTED(v, "'%s', where the program is to be attached, was not found in the kernel's types",
		     v->o->target.attach_name);
}

FALLIBLE kattach_check(struct kverifier *v)
{
	v->insn = UINT32_MAX;
	TRY(kattach_find(v, &v->attach));
	switch (v->o->target.prog_type) {
	case KPROG_STRUCT_OPS:
		TRY(check_struct_ops(v));
		return check_found(v);
	case KPROG_TRACING:
		TRY(check_found(v));
		return v->o->target.attach_name ? check_tracing(v) : E_OK;
	case KPROG_LSM:
		TRY(check_found(v));
		return v->o->target.attach_name ? check_lsm(v) : E_OK;
	case KPROG_EXT:
		KUNSUPPORTED(v, "a program that takes the place of another one's function");
	default:
		return E_OK;
	}
}
