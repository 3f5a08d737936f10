/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: what this host grants, found by doing it.
 *
 * Nothing stays: programs and maps go with their descriptors, a trial cgroup is removed again. Needs no
 * privilege; then the answers say what is refused.
 */
#include "kern/kern.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

enum { PROBE_RING_BYTES = 1 << 20, MOUNTS_MAX_BYTES = 1 << 20 };

static const char mend_root[] =
	"run as root; in a container it needs CAP_BPF, CAP_PERFMON and a seccomp profile that allows bpf(2)";

static const struct bpf_insn returns_zero[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

/* bpf_probe_read_kernel(stack - 8, 0, NULL) */
static const struct bpf_insn reads_kernel[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
	{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3 },
	{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static struct kern_probe *add(struct kern_report *r, const char *id, const char *what, bool required)
{
	struct kern_probe *p = &r->probes[r->n];

	assert(r->n < KERN_MAX_PROBES && "raise KERN_MAX_PROBES");
	r->n++;
	*p = (struct kern_probe){ .id = id, .what = what, .required = required, .grade = KERN_UNKNOWN, .mend = "" };
	return p;
}

PRINTF_LIKE(3, 4) static void grade(struct kern_probe *p, enum kern_grade g, const char *fmt, ...)
{
	va_list ap;

	p->grade = (uint8_t)g;
	va_start(ap, fmt);
	(void)vsnprintf(p->detail, sizeof p->detail, fmt, ap);
	va_end(ap);
}

/* fd as a bpf(2) call returned it, negative with errno; closed. EPERM and EACCES: mend is to become root. */
static void grade_fd(struct kern_probe *p, int fd, const char *mend)
{
	int error = errno;

	if (fd >= 0) {
		close(fd);
		grade(p, KERN_YES, "works");
		return;
	}
	grade(p, KERN_NO, "%s", strerror(error));
	p->mend = (error == EPERM || error == EACCES) && geteuid() ? mend_root : mend;
}

static void probe_release(struct kern_report *r)
{
	struct kern_probe *p = add(r, "kernel", "kernel release", false);
	struct utsname u;

	if (uname(&u))
		return;
	(void)snprintf(r->release, sizeof r->release, "%s", u.release);
	grade(p, KERN_YES, "%s %s", u.release, u.machine);
}

static struct btf *probe_btf(struct kern_report *r)
{
	struct kern_probe *p = add(r, "btf", "the kernel describes its own types (BTF)", true);
	struct btf *btf = btf__load_vmlinux_btf();

	if (btf) {
		grade(p, KERN_YES, "%u types", btf__type_cnt(btf));
		return btf;
	}
	grade(p, KERN_NO, "%s", strerror(errno));
	p->mend = "use a kernel that is built with CONFIG_DEBUG_INFO_BTF=y";
	return NULL;
}

static void probe_maps(struct kern_report *r)
{
	LIBBPF_OPTS(bpf_map_create_opts, mmapable, .map_flags = BPF_F_MMAPABLE);
	struct kern_probe *p;

	p = add(r, "bpf", "bpf(2) is permitted", true);
	grade_fd(p, bpf_map_create(BPF_MAP_TYPE_ARRAY, "sallyport_probe", 4, 8, 1, NULL),
		 "check lockdown, the security module and the container's seccomp profile");
	p = add(r, "mmap_array", "arrays that user space can map", true);
	grade_fd(p, bpf_map_create(BPF_MAP_TYPE_ARRAY, "sallyport_probe", 4, 8, 1, &mmapable),
		 "use a kernel from 5.8 on");
	p = add(r, "ringbuf", "ring buffers", true);
	grade_fd(p, bpf_map_create(BPF_MAP_TYPE_RINGBUF, "sallyport_probe", 0, 0, PROBE_RING_BYTES, NULL),
		 "use a kernel from 5.8 on, and allow 1 MiB of locked memory");
}

/* What to load and attach. name: the type in the kernel's BTF to attach to, or NULL. */
struct trial {
	const char *id, *what;
	bool required;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char *name;
	int kind;           /* BTF_KIND_* of name */
	const char *raw_tp; /* tracepoint by name instead */
	bool load_only;
	const struct bpf_insn *insns;
	size_t n_insns;
	const char *mend;
};

static const struct trial trials[] = {
	{ "read_kernel", "programs may read kernel memory", true, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL, 0, NULL, true,
	  reads_kernel, countof(reads_kernel),
	  "lockdown=confidentiality forbids it: boot with lockdown=integrity or none" },
	{ "raw_tp", "raw tracepoints", false, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, NULL, 0, "sched_process_exit", false,
	  returns_zero, countof(returns_zero), "use a kernel with CONFIG_BPF_EVENTS=y" },
	{ "tp_btf", "typed tracepoints", true, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_sched_process_exit",
	  BTF_KIND_TYPEDEF, NULL, false, returns_zero, countof(returns_zero),
	  "use a kernel from 5.8 on with BTF and CONFIG_BPF_EVENTS=y" },
	{ "syscall_exit", "a hook on system calls' return", true, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP,
	  "btf_trace_sys_exit", BTF_KIND_TYPEDEF, NULL, true, returns_zero, countof(returns_zero),
	  "use a kernel with CONFIG_FTRACE_SYSCALLS=y" },
	{ "iter_task", "iterators over processes", true, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_task",
	  BTF_KIND_FUNC, NULL, true, returns_zero, countof(returns_zero), "use a kernel from 5.8 on" },
	{ "fentry", "function entry hooks (not needed)", false, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY,
	  "bpf_fentry_test1", BTF_KIND_FUNC, NULL, false, returns_zero, countof(returns_zero),
	  "needs CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE" },
	{ "lsm", "security hooks (not needed)", false, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_quotactl",
	  BTF_KIND_FUNC, NULL, false, returns_zero, countof(returns_zero), "boot with bpf in the lsm= list" },
};

static int trial_load(const struct trial *t, const struct btf *btf)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = t->attach);
	int id;

	if (t->name) {
		id = btf ? btf__find_by_name_kind(btf, t->name, (__u32)t->kind) : -ENOENT;
		if (id < 0) {
			errno = ENOENT;
			return -1;
		}
		opts.attach_btf_id = (__u32)id;
	}
	return bpf_prog_load(t->type, "sallyport_probe", "GPL", t->insns, t->n_insns, &opts);
}

static void probe_program(struct kern_report *r, const struct trial *t, const struct btf *btf)
{
	struct kern_probe *p = add(r, t->id, t->what, t->required);
	AUTO_FD int prog = trial_load(t, btf);

	if (prog < 0 || t->load_only) {
		grade_fd(p, TAKE(prog), t->mend);
		return;
	}
	grade_fd(p, bpf_raw_tracepoint_open(t->raw_tp, prog), t->mend);
}

static void probe_seccomp(struct kern_report *r)
{
	struct kern_probe *p = add(r, "seccomp", "processes can give up system calls (seccomp)", true);
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)) {
		grade(p, KERN_YES, "filters that kill the process");
		return;
	}
	grade(p, KERN_NO, "%s", strerror(errno));
	p->mend = "use a kernel with CONFIG_SECCOMP_FILTER=y";
}

/* Make a cgroup below dir, see whether it has the limit's file, and remove it. */
static bool cgroup_try(const char *dir, const char *limit, char *why, size_t why_bytes)
{
	char path[256], file[320];
	bool ok;

	(void)snprintf(path, sizeof path, "%s/sallyport-probe-%d", dir, (int)getpid());
	if (mkdir(path, 0755)) {
		(void)snprintf(why, why_bytes, "%.60s: %.50s", dir, strerror(errno));
		return false;
	}
	(void)snprintf(file, sizeof file, "%s/%s", path, limit);
	ok = !access(file, W_OK);
	(void)snprintf(why, why_bytes, ok ? "%.80s" : "%.80s: no memory controller below it", dir);
	(void)rmdir(path);
	return ok;
}

static void probe_cgroup(struct kern_report *r)
{
	struct kern_probe *p = add(r, "cgroup_memory", "the worker's memory can be limited by a cgroup", false);
	AUTO_FREE char *mounts = NULL;
	char why[120] = "no cgroup file system is mounted";
	char *save = NULL;
	size_t len;

	p->mend = "mount a cgroup file system with the memory controller, writable; without it only the worker's own "
		  "limits hold";
	if (io_read_file("/proc/self/mounts", MOUNTS_MAX_BYTES, &mounts, &len, NULL) != E_OK)
		return;
	for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char dir[200], type[32], opts[300];
		bool v2;

		if (sscanf(line, "%*s %199s %31s %299s", dir, type, opts) != 3)
			continue;
		v2 = !strcmp(type, "cgroup2");
		if (!v2 && (strcmp(type, "cgroup") || !strstr(opts, "memory")))
			continue;
		if (cgroup_try(dir, v2 ? "memory.max" : "memory.limit_in_bytes", why, sizeof why)) {
			grade(p, KERN_YES, "%s: %s", v2 ? "v2" : "v1", why);
			p->mend = "";
			return;
		}
	}
	grade(p, KERN_NO, "%s", why);
}

/* As the worker maps native code: sealed memory, shared, read and execute. */
static void probe_native(struct kern_report *r)
{
	struct kern_probe *p = add(r, "native", "memory of another process can be mapped executable", false);
	AUTO_FD int fd = memfd_create("sallyport-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *code = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, sysconf(_SC_PAGESIZE)) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
		code = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (code == MAP_FAILED) {
		grade(p, KERN_NO, "%s: rules are interpreted", strerror(errno));
		p->mend = "allow it in the policy of this host (SELinux: execute on tmpfs files), or leave it: alerts "
			  "are the "
			  "same";
		return;
	}
	(void)munmap(code, 1);
	grade(p, KERN_YES, "rules can run as native code");
}

static void probe_lockdown(struct kern_report *r)
{
	struct kern_probe *p = add(r, "lockdown", "the kernel is not locked down against reading its memory", false);
	AUTO_FREE char *text = NULL;
	size_t len;

	if (io_read_file("/sys/kernel/security/lockdown", 256, &text, &len, NULL) != E_OK) {
		grade(p, KERN_UNKNOWN, "/sys/kernel/security/lockdown cannot be read");
		return;
	}
	if (strstr(text, "[confidentiality]")) {
		grade(p, KERN_NO, "confidentiality");
		p->mend = "boot with lockdown=integrity or none";
		return;
	}
	grade(p, KERN_YES, "%s", strstr(text, "[integrity]") ? "integrity" : "none");
}

static void probe_memlock(struct kern_report *r)
{
	struct kern_probe *p = add(r, "memlock", "locked memory for maps", false);
	struct rlimit l;

	if (getrlimit(RLIMIT_MEMLOCK, &l))
		return;
	if (l.rlim_cur == RLIM_INFINITY)
		grade(p, KERN_YES, "unlimited");
	else
		grade(p, KERN_YES, "%llu KiB; kernels from 5.11 on charge the cgroup instead",
		      (unsigned long long)l.rlim_cur >> 10);
}

static int print_nothing(enum libbpf_print_level level __attribute__((unused)), const char *fmt __attribute__((unused)),
			 va_list ap __attribute__((unused)))
{
	return 0;
}

void kern_probe(struct kern_report *out)
{
	libbpf_print_fn_t printer = libbpf_set_print(print_nothing);
	struct btf *btf;

	*out = (struct kern_report){ .can_run = true };
	probe_release(out);
	btf = probe_btf(out);
	probe_maps(out);
	for (size_t i = 0; i < countof(trials); i++)
		probe_program(out, &trials[i], btf);
	probe_seccomp(out);
	probe_cgroup(out);
	probe_native(out);
	probe_lockdown(out);
	probe_memlock(out);
	btf__free(btf);
	libbpf_set_print(printer);
	for (uint32_t i = 0; i < out->n; i++)
		if (out->probes[i].required && out->probes[i].grade != KERN_YES)
			out->can_run = false;
}

void kern_probe_object(const struct kern_opts *o, struct kern_report *r)
{
	struct kern_probe *p = add(r, "programs", "the kernel takes the sensor's programs", true);
	struct kern *k = NULL;
	struct diag d;

	diag_init(&d);
	if (kern_open(o, &k, &d) == E_OK) {
		grade(p, KERN_YES, "loaded, and let go again");
		kern_close(k);
		return;
	}
	grade(p, KERN_NO, "%.150s", d.text[0] ? d.text : "no memory");
	p->mend = geteuid() ? mend_root : "use another kernel, and report this one";
	r->can_run = false;
}
