/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: the verdict of the running kernel. Programs are loaded, their descriptor is closed at once; none is attached
 * or run.
 */
#include "agree.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/utsname.h>
#include <time.h>

enum { MAX_KEPT = 512, LOG_BYTES = 16 << 20, MAX_CODE = 1 << 20, LOG_LAST_LINE = 4 };

struct kept_map {
	struct agree_map shape;
	uint64_t btf;       /* hash of the program's BTF when the shape has types */
	uint32_t prog_type; /* of maps of programs, which take one type only */
	int fd;
};

struct agree_kernel {
	const struct btf *types;
	struct kept_map maps[MAX_KEPT];
	uint32_t n_maps;
	uint64_t btf_hash;
	int btf_fd, inner_fd;
	char *log;
	uint64_t code[MAX_CODE];
};

struct agree_kernel *agree_kernel_new(const struct btf *kernel_types)
{
	struct agree_kernel *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	k->types = kernel_types;
	k->btf_fd = k->inner_fd = -1;
	k->log = malloc(LOG_BYTES);
	if (k->log)
		return k;
	free(k);
	return NULL;
}

static void forget_maps(struct agree_kernel *k)
{
	for (uint32_t i = 0; i < k->n_maps; i++)
		(void)close(k->maps[i].fd);
	k->n_maps = 0;
}

void agree_kernel_free(struct agree_kernel *k)
{
	if (!k)
		return;
	forget_maps(k);
	if (k->btf_fd >= 0)
		(void)close(k->btf_fd);
	if (k->inner_fd >= 0)
		(void)close(k->inner_fd);
	free(k->log);
	free(k);
}

static uint64_t hash_of(struct view v)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < v.len; i++)
		h = (h ^ v.p[i]) * 0x100000001b3;
	return h;
}

static bool load_btf(struct agree_kernel *k, const struct agree_program *p)
{
	uint64_t h = hash_of(p->btf);

	if (!p->btf.len || (k->btf_fd >= 0 && k->btf_hash == h))
		return true;
	if (k->btf_fd >= 0)
		(void)close(k->btf_fd);
	k->btf_fd = bpf_btf_load(p->btf.p, p->btf.len, NULL);
	k->btf_hash = h;
	return k->btf_fd >= 0;
}

static bool holds_maps(uint32_t kind)
{
	return kind == BPF_MAP_TYPE_ARRAY_OF_MAPS || kind == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Maps of programs belong to the type of the first program that uses them. */
static uint32_t owner(const struct agree_program *p, uint32_t kind)
{
	return kind == BPF_MAP_TYPE_PROG_ARRAY || kind == BPF_MAP_TYPE_CGROUP_STORAGE ||
			       kind == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
		       ? p->prog_type + 1
		       : 0;
}

static int make_map(struct agree_kernel *k, const struct agree_map *m)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags);

	if (holds_maps(m->kind)) {
		if (k->inner_fd < 0)
			k->inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 4, 1, NULL);
		o.inner_map_fd = (uint32_t)k->inner_fd;
	}
	if (m->btf_value) {
		o.btf_fd = (uint32_t)k->btf_fd;
		o.btf_key_type_id = m->btf_key;
		o.btf_value_type_id = m->btf_value;
	}
	return bpf_map_create(m->kind, "sallyport_agree", m->key, m->value, m->entries, &o);
}

static int map_fd(struct agree_kernel *k, const struct agree_program *p, const struct agree_map *m)
{
	uint64_t btf = m->btf_value ? k->btf_hash : 0;
	uint32_t type = owner(p, m->kind);
	int fd;

	for (uint32_t i = 0; i < k->n_maps; i++)
		if (!memcmp(&k->maps[i].shape, m, sizeof *m) && k->maps[i].btf == btf && k->maps[i].prog_type == type)
			return k->maps[i].fd;
	if (k->n_maps == MAX_KEPT)
		forget_maps(k);
	fd = make_map(k, m);
	if (fd >= 0)
		k->maps[k->n_maps++] = (struct kept_map){ .shape = *m, .btf = btf, .prog_type = type, .fd = fd };
	return fd;
}

/* Indexes become descriptors. False: a map cannot be made. */
static bool refer(struct agree_kernel *k, const struct agree_program *p, size_t n)
{
	struct bpf_insn *code = (struct bpf_insn *)k->code;
	int fds[AGREE_MAX_MAPS];

	for (uint32_t i = 0; i < p->n_maps; i++) {
		fds[i] = map_fd(k, p, &p->maps[i]);
		if (fds[i] < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t index = (uint32_t)code[i].imm;

		if (code[i].code == (BPF_JMP | BPF_CALL) && code[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			code[i].imm = (int32_t)agree_kfunc_id(p, index, k->types);
		if (code[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (code[i].src_reg == BPF_PSEUDO_MAP_FD || code[i].src_reg == BPF_PSEUDO_MAP_VALUE)
			code[i].imm = index < p->n_maps ? fds[index] : -1;
		i++;
	}
	return true;
}

static bool is_count(const char *line)
{
	static const char *const counts[] = { "processed ",  "insns processed ", "verification time", "stack depth",
					      "max_states",  "-- END",           "-- BEGIN",          "insns_processed",
					      "peak_states", "subprog#" };

	for (size_t i = 0; i < countof(counts); i++)
		if (!strncmp(line, counts[i], strlen(counts[i])))
			return true;
	return !*line;
}

/* Some lines of a kernel lack their end: the counts follow at once. */
static size_t line_bytes(const char *log)
{
	size_t n = strcspn(log, "\n");
	const char *counts = strstr(log, "verification time ");

	return counts && counts > log && counts < log + n ? (size_t)(counts - log) : n;
}

void agree_read_log(const char *log, struct agree_result *out)
{
	out->line[0] = 0;
	while (*log) {
		size_t n = line_bytes(log);
		char line[AGREE_LINE];
		unsigned long long steps, us;
		unsigned total, peak;

		(void)snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), log);
		if (sscanf(line,
			   "processed %llu insns (limit %*u) max_states_per_insn %*u total_states %u peak_states %u",
			   &steps, &total, &peak) == 3) {
			out->steps = steps;
			out->states_total = total;
			out->states_peak = peak;
		} else if (sscanf(line, "verification time %llu usec", &us) == 1) {
			out->us = us;
		} else if (!is_count(line)) {
			(void)snprintf(out->line, sizeof out->line, "%s", line);
		}
		log += n + (log[n] == '\n');
	}
	for (size_t i = 0; out->line[i]; i++)
		if (out->line[i] == '\t')
			out->line[i] = ' ';
}

/*
 * The kernel's BTF id of the place where the program is to go. A raw tracepoint is a typedef, all others are functions.
 * False: there is no such place.
 */
static bool attach_id(const struct agree_kernel *k, const struct agree_program *p, uint32_t *out)
{
	char name[128];

	*out = 0;
	if (!p->attach_name)
		return true;
	if (!k->types)
		return false;
	if (p->prog_type == BPF_PROG_TYPE_LSM)
		(void)snprintf(name, sizeof name, "bpf_lsm_%s", p->attach_name);
	else if (p->attach_type == BPF_TRACE_ITER)
		(void)snprintf(name, sizeof name, "bpf_iter_%s", p->attach_name);
	else if (p->attach_type == BPF_TRACE_RAW_TP)
		(void)snprintf(name, sizeof name, "btf_trace_%s", p->attach_name);
	else
		(void)snprintf(name, sizeof name, "%s", p->attach_name);
	*out = btf_find(k->types, p->attach_type == BPF_TRACE_RAW_TP ? BTF_TYPEDEF : BTF_FUNC, name, 1);
	return *out;
}

static void no_verdict(struct agree_result *out, const char *why)
{
	out->verdict = AGREE_ENV;
	(void)snprintf(out->line, sizeof out->line, "%s: %s", why, strerror(errno));
}

/* Did the kernel look at the program at all? */
static enum agree_verdict verdict_of(int error, const char *log)
{
	switch (error) {
	case EACCES:
	case EINVAL:
	case E2BIG:
	case ERANGE:
	case EFAULT:
		return AGREE_REJECT;
	default:
		return *log ? AGREE_REJECT : AGREE_ENV;
	}
}

struct func_row { /* struct bpf_func_info */
	uint32_t slot, type;
};

void agree_load(struct agree_kernel *k, const struct agree_program *p, uint32_t level, struct agree_result *out,
		const char **log)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = p->attach_type, .prog_flags = p->flags,
		    .log_buf = k->log, .log_size = LOG_BYTES, .log_level = level);
	struct func_row rows[AGREE_MAX_FUNCS];
	size_t n = p->code.len / sizeof(struct bpf_insn);
	struct timespec begin, end;
	int fd, error;

	*out = (struct agree_result){ .insn = UINT64_MAX };
	k->log[0] = 0;
	if (log)
		*log = k->log;
	if (n > MAX_CODE)
		n = MAX_CODE;
	memcpy(k->code, p->code.p, n * sizeof(struct bpf_insn));
	if (!load_btf(k, p)) {
		no_verdict(out, "the program's BTF");
		return;
	}
	if (!refer(k, p, n)) {
		no_verdict(out, "a map");
		return;
	}
	if (!attach_id(k, p, &o.attach_btf_id)) {
		errno = ESRCH;
		no_verdict(out, "the place to attach to");
		return;
	}
	if (p->btf.len) {
		o.prog_btf_fd = (uint32_t)k->btf_fd;
		for (uint32_t i = 0; i < p->n_funcs; i++)
			rows[i] = (struct func_row){ p->funcs[i].start, p->funcs[i].type };
		o.func_info = p->n_funcs ? rows : NULL;
		o.func_info_cnt = p->n_funcs;
		o.func_info_rec_size = sizeof rows[0];
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	fd = bpf_prog_load(p->prog_type, "sallyport_agree", "GPL", (const struct bpf_insn *)k->code, n, &o);
	error = errno;
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	if (fd >= 0)
		(void)close(fd);
	out->us = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000 + (uint64_t)((end.tv_nsec - begin.tv_nsec) / 1000);
	agree_read_log(k->log, out); /* it knows the time better: the verifier's own */
	out->verdict = fd >= 0 ? AGREE_ACCEPT : verdict_of(error, k->log);
	if (fd >= 0)
		out->line[0] = 0;
	else if (!out->line[0])
		(void)snprintf(out->line, sizeof out->line, "no log: %s", strerror(error));
}

uint16_t agree_host_release(void)
{
	struct utsname u;
	unsigned major, minor;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return KERNEL_V(major, minor);
}

FALLIBLE agree_host_types(struct arena *a, const char *path, struct btf *out, struct diag *d)
{
	char *bytes;
	size_t n;
	void *copy;

	TRY(io_read_file(path ? path : "/sys/kernel/btf/vmlinux", 64 << 20, &bytes, &n, d));
	copy = arena_alloc(a, n);
	if (copy)
		memcpy(copy, bytes, n);
	free(bytes);
	if (!copy)
		FAIL(d, NOMEM, "the kernel's BTF takes %zu bytes", n);
	return btf_read(view_of(copy, n), NULL, a, out, d);
}
