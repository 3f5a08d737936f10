/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random programs before the running kernel and before kverify: the same verdict, and after it the same number of
 * instructions. Where every path begins, the same is known: each register with its links, the stack. Only where the
 * kernel is of a release that is modelled, and bpf(2) is granted. SALLYPORT_PATH_PROGRAMS, SALLYPORT_PATH_FIRST: how
 * many programs, and the first of them.
 */
#include "test.h"

#include "path_programs.h"

#include "engine/kverify/internal.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/utsname.h>

enum { LOG_BYTES = 4 << 20, PROGRAMS = 400, SHOWN = 12, MANY_STEPS = 5000 /* more: the log keeps their end only */ };

static const struct kernel_profile *running_kernel(void)
{
	struct utsname u;
	const struct kernel_profile *k;
	unsigned major, minor;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return NULL;
	k = kernel_profile(u.release);
	return k && k->measured ? k : NULL;
}

/* ---- the kernel ---- */

struct says {
	bool accepts;
	uint64_t steps;
	const char *log;
	char last[200]; /* its reason */
};

static uint32_t encode(const struct path_program *p, int map, uint8_t *out)
{
	size_t at = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		struct isa_insn in = p->insns[i];

		if (in.sem == ISA_PAD)
			continue;
		if (in.sem == ISA_IMM64)
			in.imm = map;
		at += isa_encode(&in, out + at);
	}
	return (uint32_t)(at / ISA_SLOT_BYTES);
}

/* The line before "processed ...". */
static void reason(const char *log, const char *end, char *out, size_t room)
{
	const char *begin = end;

	while (begin > log && begin[-1] != '\n')
		begin--;
	(void)snprintf(out, room, "%.*s", (int)(end - begin), begin);
}

static void ask_kernel(const struct path_program *p, int map, char *log, struct says *out)
{
	static _Alignas(8) uint8_t code[PATH_MAX_INSNS * ISA_SLOT_BYTES];
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log, .log_size = LOG_BYTES, .log_level = 2);
	uint32_t n = encode(p, map, code);
	const char *end;
	int fd;

	log[0] = '\0';
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "paths", "GPL", (const void *)code, n, &o);
	if (fd >= 0)
		(void)close(fd);
	*out = (struct says){ .accepts = fd >= 0, .log = log };
	end = strstr(log, "\nprocessed ");
	if (!end)
		return;
	out->steps = strtoull(end + strlen("\nprocessed "), NULL, 10);
	reason(log, end, out->last, sizeof out->last);
}

/* ---- kverify ---- */

struct watch {
	const char *log; /* of the kernel; what of it has been compared is behind */
	uint32_t compared, wrong;
	uint64_t seed;
	const void *path; /* the state's own memory: another one for each path */
};

/* "from 12 to 20: R0=..." that is next; paths that a kept state covers have no state. NULL: there is none. */
static const char *next_path(struct watch *w, uint32_t *to)
{
	for (;;) {
		const char *at = strstr(w->log, "\nfrom "), *colon = at ? strchr(at, ':') : NULL,
			   *word = at ? strstr(at, " to ") : NULL;

		if (!colon || !word)
			return NULL;
		w->log = colon + 1;
		*to = (uint32_t)strtoul(word + 4, NULL, 10);
		if (strncmp(colon, ": safe", 6))
			return colon + 1;
	}
}

/* Without "_w" and the like behind names. */
static void plain(const char *line, char *out, size_t room)
{
	size_t n = 0, len = strcspn(line, "\n");

	for (size_t i = 0; i < len && n + 1 < room; i++) {
		size_t mark = line[i] == '_' ? 1 + strspn(line + i + 1, "rwD") : 0;

		if (mark > 1 && line[i + mark] == '=')
			i += mark;
		out[n++] = line[i];
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

static void step(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	static char want[8192];
	struct watch *w = user;
	const char *line;
	uint32_t to = 0;
	struct buf b;

	if (!w->path || w->path == s->frame[0] || v->k->version < KERNEL_V(6, 7)) { /* older logs look otherwise */
		w->path = s->frame[0];
		return;
	}
	w->path = s->frame[0];
	line = next_path(w, &to);
	if (!line)
		return;
	plain(line, want, sizeof want);
	buf_init(&b, sizeof want);
	kverify_state_print(v, s, &b);
	w->compared++;
	if ((to != insn || strcmp(b.p, want)) && w->wrong++ < 1)
		print_message("# program %llu, path at %u (kernel: at %u)\n#   ours  %s\n#   kernel%s\n",
			      (unsigned long long)w->seed, insn, to, b.p, want);
	buf_done(&b);
}

static enum err ask_ours(const struct kernel_profile *k, struct path_program *p, struct watch *w,
			 struct kverify_stats *stats, struct diag *d)
{
	const struct prog_map map = { .name = "paths",
				      .kind = PROG_MAP_ARRAY,
				      .key_size = 4,
				      .value_size = PATH_VALUE_BYTES,
				      .max_entries = PATH_ENTRIES };
	const struct prog prog = { .name = "paths", .insns = p->insns, .n_insns = p->n, .maps = &map, .n_maps = 1 };
	const struct kverify_watcher watcher = { step, w };
	const struct kverify_opts o = {
		.kernel = k, .target = { .prog_type = BPF_PROG_TYPE_XDP }, .gpl = true, .watcher = &watcher
	};
	struct arena a;
	enum err e;

	arena_init(&a, 256 << 20);
	e = kverify_prog(&prog, &o, &a, stats, d);
	arena_done(&a);
	return e;
}

struct totals {
	uint64_t programs, accepted, paths, lines, wrong;
};

static void judge(const struct kernel_profile *k, uint64_t seed, int map, char *log, struct totals *t)
{
	struct path_program p;
	struct kverify_stats stats;
	struct says says;
	struct watch w = { .seed = seed };
	struct diag d;
	enum err e;

	path_program_make(&p, seed, k->version >= KERNEL_V(6, 9));
	ask_kernel(&p, map, log, &says);
	w.log = says.steps < MANY_STEPS ? log : "";
	diag_init(&d);
	e = ask_ours(k, &p, &w, &stats, &d);
	t->programs++;
	t->accepted += says.accepts;
	t->paths += w.compared;
	t->lines += says.accepts || !strcmp(says.last, d.text);
	if ((e == E_OK) == says.accepts && (e == E_OK || e == E_REJECTED) && stats.steps == says.steps && !w.wrong)
		return;
	if (t->wrong++ < SHOWN)
		print_message("# program %llu: ours %s after %llu at %lld: %s; kernel %s after %llu: %s\n",
			      (unsigned long long)seed, err_text(e), (unsigned long long)stats.steps,
			      e ? (long long)d.insn : -1, e ? d.text : "", says.accepts ? "accepts" : "rejects",
			      (unsigned long long)says.steps, says.accepts ? "" : says.last);
}

TEST(the_running_kernel_goes_the_same_paths)
{
	const struct kernel_profile *k = running_kernel();
	const char *how_many = getenv("SALLYPORT_PATH_PROGRAMS"), *first = getenv("SALLYPORT_PATH_FIRST");
	uint64_t n = how_many ? strtoull(how_many, NULL, 10) : PROGRAMS, begin = first ? strtoull(first, NULL, 10) : 0;
	struct totals t = { 0 };
	char *log = test_malloc(LOG_BYTES);
	int map;

	if (!k)
		SKIP("the running kernel is of no release that is modelled");
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "paths", 4, PATH_VALUE_BYTES, PATH_ENTRIES, NULL);
	if (map < 0)
		SKIP("bpf(2) is not granted");
	for (uint64_t seed = begin; seed < begin + n; seed++)
		judge(k, seed, map, log, &t);
	print_message("# %llu programs, %llu accepted, %llu paths compared; the same reason in the same words: %llu; "
		      "%llu differ\n",
		      (unsigned long long)t.programs, (unsigned long long)t.accepted, (unsigned long long)t.paths,
		      (unsigned long long)t.lines, (unsigned long long)t.wrong);
	(void)close(map);
	test_free(log);
	CHECK_EQ(t.wrong, 0);
	CHECK(t.accepted);
}
