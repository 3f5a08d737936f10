/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of the kernel, by the running kernel's BTF: arguments of hooks, fields, what is trusted. Each release's
 * verdict, with these types; and the running kernel's, for its own release.
 */
#include "test.h"

#include "calls.h"

#include "engine/asm/asm.h"
#include "engine/kernel/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TYPES "/sys/kernel/btf/vmlinux"

enum { CAP = 512 << 20, TYPES_MAX = 64 << 20 };
enum { TRACING = 26, STRUCT_OPS = 27, EXT = 28, LSM = 29 };
enum { RAW_TP = 23, FENTRY = 24, FEXIT = 25, MODIFY = 26, LSM_MAC = 27, ITER = 28, LSM_CGROUP = 43 };
enum { NO_INJECTION = KVERIFY_LACKS_ERROR_INJECTION };

#define ALL(id)                    \
	{                          \
		id, id, id, id, id \
	}
#define RETURN_0 "r0 = 0\nexit\n"
#define TASK "r1 = *(u64 *)(r1 + 8)\n" /* the second argument of sched_switch */

// clang-format off
static const struct row {
	const char *name, *text, *hook;
	int16_t want[CALL_RELEASES];
	uint8_t type, attach;
	bool not_gpl, sleepable;
	uint32_t lacks;
	const char *symbol; /* what the one 64-bit immediate is the address of */
} rows[] = {
	{ "a field of a task", TASK "r0 = *(u64 *)(r1 + 0)\n" RETURN_0, "sched_switch", ALL(0), TRACING, RAW_TP },
	{ "a field of a task, by a program that is not under the GPL", TASK "r0 = *(u64 *)(r1 + 0)\n" RETURN_0, "sched_switch", { 0, 0, 372, 372, 372 }, TRACING, RAW_TP, .not_gpl = true },
	{ "beyond a task", TASK "r0 = *(u64 *)(r1 + 32760)\n" RETURN_0, "sched_switch", ALL(373), TRACING, RAW_TP },
	{ "before a task", TASK "r0 = *(u64 *)(r1 - 8)\n" RETURN_0, "sched_switch", ALL(370), TRACING, RAW_TP },
	{ "a task that is written", TASK "*(u64 *)(r1 + 0) = 0\n" RETURN_0, "sched_switch", ALL(371), TRACING, RAW_TP },
	{ "a task at an index", "r6 = *(u64 *)(r1 + 8)\ncall 7\nr0 &= 8\nr6 += r0\nr0 = *(u64 *)(r6 + 0)\n" RETURN_0, "sched_switch", ALL(376), TRACING, RAW_TP },
	{ "an argument that is a number", "r0 = *(u64 *)(r1 + 0)\n" RETURN_0, "sched_switch", ALL(0), TRACING, RAW_TP },
	{ "an argument that is a pointer to a function", "r0 = *(u64 *)(r1 + 24)\n" RETURN_0, "cpuhp_enter", { 340, 340, 340, 340, 0 }, TRACING, RAW_TP },
	{ "an argument that is not there", "r0 = *(u64 *)(r1 + 64)\n" RETURN_0, "sched_switch", ALL(340), TRACING, RAW_TP },
	{ "half of an argument that is a pointer", "r0 = *(u32 *)(r1 + 8)\n" RETURN_0, "sched_switch", { 0, 0, 340, 340, 340 }, TRACING, RAW_TP },
	{ "an argument that may be NULL", "r1 = *(u64 *)(r1 + 8)\nr0 = *(u64 *)(r1 + 0)\n" RETURN_0, "sched_pi_setprio", { 0, 0, 301, 301, 301 }, TRACING, RAW_TP },
	{ "an argument that may be NULL and is not", "r1 = *(u64 *)(r1 + 8)\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 0)\n" RETURN_0, "sched_pi_setprio", ALL(0), TRACING, RAW_TP },
	{ "an object of an iterator that may be over", "r1 = *(u64 *)(r1 + 8)\nr0 = *(u64 *)(r1 + 0)\n" RETURN_0, "task", ALL(301), TRACING, ITER },
	{ "an object of an iterator that is not over", "r1 = *(u64 *)(r1 + 8)\nif r1 == 0 goto +1\nr0 = *(u64 *)(r1 + 0)\n" RETURN_0, "task", ALL(0), TRACING, ITER },
	{ "a file that a hook is given", "r1 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 0)\n" RETURN_0, "file_open", ALL(0), LSM, LSM_MAC },
	{ "what a function returns, before it", "r0 = *(u64 *)(r1 + 16)\n" RETURN_0, "do_unlinkat", ALL(340), TRACING, FENTRY },
	{ "what a function returns, after it", "r0 = *(u64 *)(r1 + 16)\n" RETURN_0, "do_unlinkat", ALL(0), TRACING, FEXIT },
	{ "a hook, by a program that is not under the GPL", RETURN_0, "file_open", ALL(714), LSM, LSM_MAC, .not_gpl = true },
	{ "a hook in which programs sleep", RETURN_0, "file_open", { 712, 0, 0, 0, 0 }, LSM, LSM_MAC, .sleepable = true },
	{ "a hook in which none may sleep", RETURN_0, "task_free", ALL(712), LSM, LSM_MAC, .sleepable = true },
	{ "a hook that is disabled", RETURN_0, "inode_getsecurity", { 0, 0, 715, 715, 715 }, LSM, LSM_MAC },
	{ "a function that is not there", RETURN_0, "no_such_function", ALL(980), TRACING, FENTRY },
	{ "the result of a hook, changed", RETURN_0, "security_file_open", ALL(0), TRACING, MODIFY, .lacks = NO_INJECTION },
	{ "the result of a function that is not listed, changed", RETURN_0, "do_unlinkat", ALL(713), TRACING, MODIFY, .lacks = NO_INJECTION },
	{ "the result of a function that may be listed, changed", RETURN_0, "do_unlinkat", ALL(980), TRACING, MODIFY },
	{ "sleeping in a system call", RETURN_0, "__x64_sys_getpgid", ALL(0), TRACING, FENTRY, .sleepable = true },
	{ "sleeping in a system call, without error injection", RETURN_0, "__x64_sys_getpgid", { 712, 712, 712, 712, 0 }, TRACING, FENTRY, .sleepable = true, .lacks = NO_INJECTION },
	{ "sleeping in a function that is not listed", RETURN_0, "do_unlinkat", ALL(712), TRACING, FENTRY, .sleepable = true, .lacks = NO_INJECTION },
	{ "a member that the kernel calls", RETURN_0, "tcp_congestion_ops/init", ALL(0), STRUCT_OPS, 0 },
	{ "a member that the kernel does not call", RETURN_0, "tcp_congestion_ops/get_info", ALL(716), STRUCT_OPS, 0 },
	{ "a member, by a program that is not under the GPL", RETURN_0, "tcp_congestion_ops/init", ALL(714), STRUCT_OPS, 0, .not_gpl = true },
	{ "a socket option as a connection begins", "r1 = *(u64 *)(r1 + 0)\nr2 = 6\nr3 = 1\nr4 = r10\nr4 += -8\n*(u64 *)(r10 - 8) = 0\nr5 = 4\ncall 49\n" RETURN_0, "tcp_congestion_ops/init", { 403, 0, 0, 0, 0 }, STRUCT_OPS, 0 },
	{ "a socket option as a connection ends", "r1 = *(u64 *)(r1 + 0)\nr2 = 6\nr3 = 1\nr4 = r10\nr4 += -8\n*(u64 *)(r10 - 8) = 0\nr5 = 4\ncall 49\n" RETURN_0, "tcp_congestion_ops/release", { 403, 403, 402, 402, 402 }, STRUCT_OPS, 0 },
	{ "an argument that the kernel's stub says may be NULL", "r1 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 0)\n" RETURN_0, "bpf_dummy_ops/test_1", { 0, 0, 301, 301, 301 }, STRUCT_OPS, 0 },
	{ "a program in the place of another's function", RETURN_0, "other", ALL(980), EXT, 0 },
	{ "a variable of each CPU, through its helper", "r1 = 1 ll\nr2 = 0\ncall 153\nif r0 == 0 goto +1\nr0 = *(u32 *)(r0 + 0)\n" RETURN_0, "sched_switch", ALL(0), TRACING, RAW_TP, .symbol = "runqueues" },
	{ "a variable of each CPU, which may not be there", "r1 = 1 ll\nr2 = 0\ncall 153\nr0 = *(u32 *)(r0 + 0)\n" RETURN_0, "sched_switch", ALL(301), TRACING, RAW_TP, .symbol = "runqueues" },
	{ "a variable of this CPU", "r1 = 1 ll\ncall 154\nr0 = *(u32 *)(r0 + 0)\n" RETURN_0, "sched_switch", ALL(0), TRACING, RAW_TP, .symbol = "runqueues" },
	{ "a variable of each CPU, by itself", "r1 = 1 ll\nr0 = *(u32 *)(r1 + 0)\n" RETURN_0, "sched_switch", ALL(375), TRACING, RAW_TP, .symbol = "runqueues" },
	{ "a variable whose address the kernel does not tell", "r1 = 1 ll\n" RETURN_0, "sched_switch", ALL(718), TRACING, RAW_TP, .symbol = "runqueues", .lacks = KVERIFY_LACKS_DATA_SYMBOLS },
	{ "a function's address", "r1 = 1 ll\n" RETURN_0, "sched_switch", { 717, 717, 0, 0, 0 }, TRACING, RAW_TP, .symbol = "do_unlinkat" },
	{ "user memory that is written", "r1 = 0\nr2 = r10\nr2 += -8\n*(u64 *)(r10 - 8) = 0\nr3 = 8\ncall 36\n" RETURN_0, "sched_switch", ALL(0), TRACING, RAW_TP },
	{ "user memory that is written, locked down", "r1 = 0\nr2 = r10\nr2 += -8\n*(u64 *)(r10 - 8) = 0\nr3 = 8\ncall 36\n" RETURN_0, "sched_switch", { 403, 403, 402, 402, 402 }, TRACING, RAW_TP, .lacks = KVERIFY_LACKS_WRITE_USER },
	{ "what a hook returns, as its own result", "r0 = *(u64 *)(r1 + 8)\nexit\n", "file_open", ALL(0), LSM, LSM_MAC },
};
// clang-format on

/* *bytes: to be freed when the types are no longer looked at. NULL: there are none. */
static const struct btf *read_types(struct arena *a, char **bytes)
{
	struct btf *b = ARENA_NEW(a, struct btf);
	size_t len;

	assert(b && "the arena has room");
	if (io_read_file(TYPES, TYPES_MAX, bytes, &len, NULL) != E_OK)
		return NULL;
	CHECK_EQ(btf_read(view_of(*bytes, len), NULL, a, b, NULL), E_OK);
	return b;
}

static void name_symbol(const struct row *r, const struct btf *types, struct prog *p)
{
	uint32_t id = btf_find(types, BTF_VAR, r->symbol, 0);

	for (uint32_t i = 0; i < p->n_insns; i++)
		if (p->insns[i].sem == ISA_IMM64) {
			p->insns[i].aux = ISA_IMM64_BTF_ID;
			p->insns[i].imm = id ? id : btf_find(types, BTF_FUNC, r->symbol, 0);
		}
}

static void assemble(const struct row *r, const struct btf *types, struct arena *a, struct prog *p)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = asm_text(view_of(r->text, strlen(r->text)), "types", a, p, &d);
	CHECK_STR(err == E_OK ? "" : d.text, "");
	if (r->symbol)
		name_symbol(r, types, p);
}

static int judge(const struct row *r, const char *release, const struct btf *types, struct diag *d)
{
	struct kverify_opts o = { .kernel = kernel_profile(release),
				  .gpl = !r->not_gpl,
				  .lacks = r->lacks,
				  .kernel_types = types,
				  .target = { .prog_type = r->type,
					      .attach_type = r->attach,
					      .sleepable = r->sleepable,
					      .attach_name = r->hook } };
	struct arena a;
	struct prog p;
	enum err err;

	arena_init(&a, 64 << 20);
	test_row = r->name;
	assemble(r, types, &a, &p);
	test_row = NULL;
	diag_init(d);
	err = kverify_prog(&p, &o, &a, NULL, d);
	arena_done(&a);
	return err == E_OK ? 0 : d->id;
}

/* 0: loaded; 1: refused; -1: this kernel does not grant it, or has no such hook. */
static int ask_kernel(const struct row *r, const struct btf *types, char *log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log, .log_size = CALL_LOG_BYTES, .log_level = 1,
		    .expected_attach_type = r->attach, .prog_flags = r->sleepable ? BPF_F_SLEEPABLE : 0);
	struct buf code;
	struct arena a;
	struct prog p;
	int fd, e;

	log[0] = '\0';
	fd = libbpf_find_vmlinux_btf_id(r->hook, r->attach);
	if (fd < 0)
		return -1;
	o.attach_btf_id = (uint32_t)fd;
	arena_init(&a, CAP);
	assemble(r, types, &a, &p);
	buf_init(&code, 1 << 16);
	asm_encode(p.insns, p.n_insns, &code);
	fd = bpf_prog_load(r->type, "types", r->not_gpl ? "Proprietary" : "GPL", (const void *)code.p,
			   code.len / ISA_SLOT_BYTES, &o);
	e = errno;
	buf_done(&code);
	arena_done(&a);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 ? 0 : e == EPERM && !log[0] ? -1 : 1;
}

TEST(each_release_judges_objects_of_the_kernel_in_its_own_way)
{
	const struct btf *types;
	unsigned wrong = 0;
	char *bytes = NULL;
	struct arena a;
	struct diag d;

	arena_init(&a, CAP);
	types = read_types(&a, &bytes);
	if (!types)
		SKIP("there is no " TYPES);
	for (size_t i = 0; i < countof(rows); i++)
		for (int k = 0; k < CALL_RELEASES; k++) {
			int got = judge(&rows[i], call_releases[k], types, &d);

			if (got == rows[i].want[k])
				continue;
			wrong++;
			print_error("%s, %s: Q%d instead of Q%d (%s)\n", rows[i].name, call_releases[k], got,
				    rows[i].want[k], got ? d.text : "accepted");
		}
	arena_done(&a);
	free(bytes);
	CHECK_EQ(wrong, 0);
}

static bool lacks(const char *log)
{
	return strstr(log, "is not sleepable") ||
	       strstr(log, "is not modifiable") || strstr(log, "cannot use helper bpf_probe_write_user");
}

TEST(the_running_kernel_judges_its_objects_so)
{
	static char log[CALL_LOG_BYTES];
	const struct kernel_profile *k = call_running_kernel();
	const struct btf *types;
	unsigned wrong = 0, asked = 0;
	char *bytes = NULL;
	struct arena a;
	struct diag d;

	arena_init(&a, CAP);
	types = read_types(&a, &bytes);
	if (!k || !types)
		SKIP("the running kernel is of no release that was measured, or has no " TYPES);
	for (size_t i = 0; i < countof(rows); i++) {
		int kernel = ask_kernel(&rows[i], types, log);
		int ours = judge(&rows[i], k->name, types, &d);

		/* What a row says that the kernel lacks, this one may have, and the other way round; and addresses of
		 * symbols are no text of the assembler's. */
		if (kernel < 0 || rows[i].lacks || rows[i].symbol || lacks(log))
			continue;
		asked++;
		if ((ours != 0) == kernel && (!ours || call_same_reason(ours, log)))
			continue;
		wrong++;
		print_error("%s: Q%d (%s), the kernel: %.2000s\n", rows[i].name, ours, ours ? d.text : "accepted",
			    kernel ? log : "accepted");
	}
	arena_done(&a);
	free(bytes);
	CHECK_EQ(wrong, 0);
	if (!asked)
		SKIP("bpf(2) is not granted");
}
