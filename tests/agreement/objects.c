/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects: every program of object files, each on its own: kverify by way of our loader, the running kernel by way of
 * libbpf. What either loader does not get to a verifier is `env`.
 */
#include "judge.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "engine/kobj/kobj.h"

enum { MAX_OBJECT = 16 << 20, LOG_BYTES = 1 << 20, LOADER_LINE = 200, STACK_FRAMES = 127 };

/* The kernel's configuration, "CONFIG_X=value" by lines. */
static const char *config_value(void *user, const char *name)
{
	const struct judge *j = user;
	size_t n = strlen(name);

	for (size_t i = 0; i < j->n_config; i++)
		if (!strncmp(j->config[i], name, n) && j->config[i][n] == '=')
			return j->config[i] + n + 1;
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void named(char *out, size_t n, const char *path, const char *prog)
{
	(void)snprintf(out, n, "%s:%s", base_name(path), prog);
}

/* What a program is whose test says it when it loads it, not the section's name: such a name. */
static const char *section_of_test(const char *path, const char *prog)
{
	if (!strncmp(base_name(path), "test_lwt_seg6local", 18))
		return "lwt_seg6local";
	if (!strncmp(base_name(path), "test_lwt_ip_encap", 17))
		return "lwt_xmit";
	return strstr(prog, "xdp") ? "xdp" : "tc";
}

static void refuse(struct agree_result *r, const struct diag *d)
{
	*r = (struct agree_result){ .insn = UINT64_MAX };
	/* The kernel lacks what the object names, or the object itself is not one: no verdict, as of libbpf. */
	r->verdict = d->err == E_UNSUPPORTED || d->err == E_FORMAT ? AGREE_UNSUPPORTED : AGREE_ENV;
	(void)snprintf(r->id, sizeof r->id, "%c%u", d->family ? d->family : '-', d->id);
	(void)snprintf(r->line, sizeof r->line, "%s", d->text);
}

static void judge_at_length(struct judge *j, const struct prog *p, struct kverify_opts *opts, struct arena *a,
			    struct agree_result *r)
{
	struct show_trace t;
	struct kverify_watcher w = show_watch(&t, p);

	if (j->program)
		show_listing(p);
	j->ours.watcher = j->program && j->trace ? &w : NULL;
	agree_judge_prog(&j->ours, p, opts, a, r);
	buf_done(&t.out);
}

static bool wanted(const struct judge *j, const char *prog)
{
	return !j->program || !strcmp(j->program, prog);
}

static void judge_program(struct judge *j, const char *path, const struct kobj *o, const struct prog *p,
			  struct agree_result *r)
{
	struct prog of_test = *p;
	struct kverify_opts opts;
	struct kernel_target t;
	struct arena a;
	const char *rest;
	struct diag d;

	if (!kernel_section(p->section, &t, &rest))
		of_test.section = section_of_test(path, p->name);

	diag_init(&d);
	arena_init(&a, j->ours.arena_bytes);
	if (kobj_target(o, &of_test, &opts, &d))
		refuse(r, &d);
	else
		judge_at_length(j, &of_test, &opts, &a, r);
	arena_done(&a);
}

static void ours(struct judge *j, const struct kernel_profile *k, const char *path, struct view bytes)
{
	struct kobj_opts opts = { .kernel = k,
				  .kernel_types = j->ours.kernel_types,
				  .config = j->n_config ? config_value : NULL,
				  .user = j };
	struct agree_result r = { .insn = UINT64_MAX };
	struct kobj o;
	struct arena a;
	struct diag d;
	char id[256];

	diag_init(&d);
	arena_init(&a, j->ours.arena_bytes);
	if (kobj_read(bytes, path, &opts, &a, &o, &d)) {
		refuse(&r, &d);
		named(id, sizeof id, path, "*");
		judge_print(id, k->name, &r);
	} else {
		for (uint32_t i = 0; i < o.obj.n_progs; i++) {
			if (!wanted(j, o.obj.progs[i].name))
				continue;
			judge_program(j, path, &o, &o.obj.progs[i], &r);
			named(id, sizeof id, path, o.obj.progs[i].name);
			judge_print(id, k->name, &r);
		}
	}
	arena_done(&a);
}

/* libbpf's last warning: why it gave nothing to the kernel. libbpf takes no user data. */
static char loader_line[LOADER_LINE];

static int keep_line(enum libbpf_print_level level, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static int keep_line(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !loader_line[0])
		(void)vsnprintf(loader_line, sizeof loader_line, fmt, ap);
	for (char *c = loader_line; *c; c++)
		if (*c == '\t' || *c == '\n')
			*c = ' ';
	return 0;
}

/*
 * Instructions that libbpf put in place of what the kernel lacks, and addresses that this kernel does not tell, say
 * nothing of the verifier.
 */
static bool is_poison(const char *line)
{
	static const char *const poison[] = { "invalid CO-RE relocation",
					      "unknown#1958960",
					      "unknown#2001000",
					      "unknown#2002000",
					      "unresolved map",
					      "failed to find the address for kernel symbol",
					      "kfunc '" };

	for (size_t i = 0; i < countof(poison); i++)
		if (strstr(line, poison[i]))
			return true;
	return false;
}

/* Maps that belong to something else are as large as that. */
static bool has_no_size(enum bpf_map_type t)
{
	return t == BPF_MAP_TYPE_CGROUP_STORAGE || t == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ||
	       t == BPF_MAP_TYPE_SK_STORAGE || t == BPF_MAP_TYPE_INODE_STORAGE || t == BPF_MAP_TYPE_TASK_STORAGE ||
	       t == 32 /* CGRP_STORAGE */;
}

/* Sizes that a test sets before it loads: what they are is of no account to the verifier. */
static void give_sizes(struct bpf_object *o)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, o)
	{
		enum bpf_map_type t = bpf_map__type(m);
		bool ring = t == BPF_MAP_TYPE_RINGBUF || t == BPF_MAP_TYPE_USER_RINGBUF;

		if (t == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(m))
			(void)bpf_map__set_value_size(m, STACK_FRAMES * sizeof(uint64_t));
		if (ring)
			(void)bpf_map__set_max_entries(m, 4096);
		else if (!bpf_map__max_entries(m) && bpf_map__key_size(m) && !has_no_size(t))
			(void)bpf_map__set_max_entries(m, 1);
	}
}

/* libbpf takes fewer names of sections than it did when the tests were written. */
static void give_type(const char *path, struct bpf_program *p)
{
	const char *section = bpf_program__section_name(p), *rest;
	struct kernel_target t;

	if (bpf_program__type(p) != BPF_PROG_TYPE_UNSPEC || !strcmp(section, ".text"))
		return;
	if (!kernel_section(section, &t, &rest) &&
	    !kernel_section(section_of_test(path, bpf_program__name(p)), &t, &rest))
		return;
	(void)bpf_program__set_type(p, (enum bpf_prog_type)t.prog_type);
	(void)bpf_program__set_expected_attach_type(p, (enum bpf_attach_type)t.attach_type);
}

static void load_one(const char *path, const char *name, uint32_t level, char *log, struct agree_result *r)
{
	struct bpf_object *o = bpf_object__open_file(path, NULL);
	struct bpf_program *p;
	struct timespec begin, end;
	int e;

	*r = (struct agree_result){ .insn = UINT64_MAX };
	log[0] = loader_line[0] = 0;
	if (!o) {
		r->verdict = AGREE_ENV;
		(void)snprintf(r->line, sizeof r->line, "%s", loader_line);
		return;
	}
	give_sizes(o);
	bpf_object__for_each_program(p, o)
	{
		bool it = !strcmp(bpf_program__name(p), name);

		(void)bpf_program__set_autoload(p, it);
		if (!it)
			continue;
		give_type(path, p);
		(void)bpf_program__set_log_buf(p, log, LOG_BYTES);
		(void)bpf_program__set_log_level(p, level);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	e = bpf_object__load(o);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	r->us = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000 + (uint64_t)((end.tv_nsec - begin.tv_nsec) / 1000);
	agree_read_log(log, r); /* it knows the time better: the verifier's own */
	r->verdict = log[0] ? e ? AGREE_REJECT : AGREE_ACCEPT : AGREE_ENV;
	if (log[0] && !e)
		r->line[0] = 0;
	else if (!r->line[0]) { /* nothing against the program: something else went wrong, before it or after */
		r->verdict = AGREE_ENV;
		(void)snprintf(r->line, sizeof r->line, "%s: %s", strerror(e < 0 ? -e : 0), loader_line);
	}
	if (r->verdict == AGREE_REJECT && is_poison(r->line))
		r->verdict = AGREE_ENV;
	bpf_object__close(o);
}

static void live(const struct judge *j, const char *path, char *log)
{
	struct bpf_object *o;
	struct bpf_program *p;
	struct agree_result r = { .verdict = AGREE_ENV, .insn = UINT64_MAX };
	char id[256];

	loader_line[0] = 0;
	o = bpf_object__open_file(path, NULL);
	if (!o) {
		(void)snprintf(r.line, sizeof r.line, "%s", loader_line);
		named(id, sizeof id, path, "*");
		judge_print(id, "live", &r);
		return;
	}
	bpf_object__for_each_program(p, o)
	{
		if (!wanted(j, bpf_program__name(p)))
			continue;
		load_one(path, bpf_program__name(p), j->program ? j->trace ? 2 | 4 : 1 | 4 : 4, log, &r);
		if (j->program)
			printf("== the running kernel\n%s", log);
		named(id, sizeof id, path, bpf_program__name(p));
		judge_print(id, "live", &r);
		(void)fflush(stdout);
	}
	bpf_object__close(o);
}

int judge_objects(struct judge *j)
{
	AUTO_FREE char *log = malloc(LOG_BYTES);

	if (!log)
		return 2;
	(void)libbpf_set_print(keep_line);
	for (int i = 0; i < j->n_files; i++) {
		char *bytes;
		size_t n;
		struct diag d;

		diag_init(&d);
		if (io_read_file(j->files[i], MAX_OBJECT, &bytes, &n, &d)) {
			(void)fprintf(stderr, "kjudge: %s\n", d.text);
			return 2;
		}
		for (uint32_t k = 0; k < j->n_kernels; k++)
			ours(j, j->kernels[k], j->files[i], view_of(bytes, n));
		free(bytes);
		if (j->live)
			live(j, j->files[i], log);
	}
	return 0;
}
