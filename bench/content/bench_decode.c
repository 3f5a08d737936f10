/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_decode [RULES.yaml...]: from a record's bytes to an event, per kind of record and for a mix as a busy host
 * sends it; with rule files, also through those rules, with the fields that they use.
 *
 * Fields are those that rules about files, processes and connections commonly name; "all" is every field there is,
 * which no rule set uses. The records are made beforehand, from a fixed seed. Shown are floor and median over rounds;
 * arms are interleaved. The exit status says whether an open costs at most BAR_NS with the common fields.
 */
#include "content/rule/rule.h"
#include "content/runtime/runtime.h"
#include "sensor/decode/decode.h"

#include "../../tests/records.h"

#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 41, N_PROCS = 2000, N_RECORDS = 20000, BAR_NS = 300, T0 = 1000000 };

enum arm {
	ARM_OPEN_NONE,
	ARM_OPEN,
	ARM_OPEN_ALL,
	ARM_EXEC,
	ARM_CONNECT,
	ARM_FDS,
	ARM_FORK_EXIT,
	ARM_MIX,
	ARM_OPEN_RULES,
	ARM_EXEC_RULES,
	ARM_MIX_RULES,
	N_ARMS
};
static const char *const arm_names[N_ARMS] = {
	"open, no rule about it",
	"open, common fields",
	"open, all fields",
	"exec, common fields",
	"connect, common fields",
	"pipe and close, nothing wanted",
	"fork and exit, nothing wanted",
	"mix, common fields",
	"open, rules",
	"exec, rules",
	"mix, rules",
};

struct stream {
	uint8_t *bytes;
	uint32_t *len;
	size_t n, used, cap;
};

static struct content *content;
static struct content_eval eval;
static uint64_t seed = 7, n_events, n_fired, sum;

static uint32_t rnd(uint32_t n)
{
	seed = hash_u64(seed + 0x9e3779b97f4a7c15ull);
	return (uint32_t)(seed >> 33) % n;
}

static void put(struct stream *s, const struct rec *r)
{
	if (s->used + r->hdr.bytes > s->cap) {
		s->cap = s->cap ? 2 * s->cap : 1 << 20;
		s->bytes = realloc(s->bytes, s->cap);
		if (!s->bytes)
			abort();
	}
	memcpy(s->bytes + s->used, r->bytes, r->hdr.bytes);
	s->used += r->hdr.bytes;
	s->len[s->n++] = r->hdr.bytes;
}

static void put_open(struct stream *s, uint32_t pid)
{
	static const char *const paths[] = {
		"/etc/passwd",
		"/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/proc/self/status",
		"/var/log/nginx/access.log",
		"/home/someone/src/project/module/include/header.h",
		"/usr/share/zoneinfo/Europe/Berlin",
		"/tmp/build/a/b/c/d/e/f/g/o.o",
	};
	struct rec r;

	rec_open(&r, pid, "worker", paths[rnd(countof(paths))], rnd(4) ? 02000000 : 01101, 3 + rnd(10), T0);
	put(s, &r);
}

static void put_exec(struct stream *s, uint32_t pid)
{
	static const char *const args[] = { "cc -O2 -c file.c -o file.o -I include", "sh -c make", "ls",
					    "python3 manage.py runserver 0.0.0.0:8000" };
	struct wire_fd fds[3] = { { .fd = 0, .kind = WIRE_FD_CHAR },
				  rec_pipe(1, 50 + pid, WIRE_FD_WRITE),
				  { .fd = 2, .kind = WIRE_FD_CHAR } };
	struct rec r;

	rec_exec(&r,
		 &(struct rec_exec){
			 .pid = pid,
			 .ppid = pid / 2,
			 .sid = 2,
			 .comm = "worker",
			 .exe = "/usr/bin/worker",
			 .cwd = "/srv/app",
			 .filename = "/usr/bin/worker",
			 .args = args[rnd(countof(args))],
			 .time_ns = T0,
			 .fds = fds,
			 .n_fds = 3,
			 .cgroup = "docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope" });
	put(s, &r);
}

static void put_connect(struct stream *s, uint32_t pid)
{
	struct wire_fd sock = rec_tcp4(4 + rnd(4), 100000 + pid, (uint8_t)rnd(200), (uint16_t)(40000 + rnd(1000)), 443);
	struct rec r;

	rec_connect(&r, pid, "worker", &sock, T0);
	put(s, &r);
}

static void put_fds(struct stream *s, uint32_t pid)
{
	struct wire_fd fds[2] = { rec_pipe(5, 200000 + rnd(5000), WIRE_FD_READ),
				  rec_pipe(6, 200000 + rnd(5000), WIRE_FD_WRITE) };
	struct rec r;

	rec_fds(&r, pid, "worker", WIRE_FDS_OPEN, fds, 2, T0);
	put(s, &r);
	rec_fds(&r, pid, "worker", WIRE_FDS_CLOSE, fds, 1, T0);
	put(s, &r);
}

static void put_fork_exit(struct stream *s, uint32_t pid)
{
	uint32_t child = 100000 + rnd(100000);
	struct rec r;

	rec_fork(&r, pid, "worker", child, T0);
	put(s, &r);
	rec_exit(&r, child, "worker", 0, T0);
	put(s, &r);
}

static void put_mix(struct stream *s, uint32_t pid)
{
	uint32_t what = rnd(100);

	if (what < 85)
		put_open(s, pid);
	else if (what < 88)
		put_connect(s, pid);
	else if (what < 93)
		put_fds(s, pid);
	else if (what < 97)
		put_fork_exit(s, pid);
	else
		put_exec(s, pid);
}

static void (*const put_of[N_ARMS])(struct stream *, uint32_t) = {
	[ARM_OPEN_NONE] = put_open,      [ARM_OPEN] = put_open,       [ARM_OPEN_ALL] = put_open,
	[ARM_EXEC] = put_exec,           [ARM_CONNECT] = put_connect, [ARM_FDS] = put_fds,
	[ARM_FORK_EXIT] = put_fork_exit, [ARM_MIX] = put_mix,         [ARM_OPEN_RULES] = put_open,
	[ARM_EXEC_RULES] = put_exec,     [ARM_MIX_RULES] = put_mix,
};

static void stream_make(struct stream *s, void (*fn)(struct stream *, uint32_t))
{
	*s = (struct stream){ .len = calloc(N_RECORDS + 2, sizeof *s->len) };
	if (!s->len)
		abort();
	while (s->n < N_RECORDS)
		fn(s, 2 + rnd(N_PROCS));
}

static void play(struct decode *d, const struct stream *s)
{
	const uint8_t *p = s->bytes;

	for (size_t i = 0; i < s->n; p += s->len[i++])
		if (decode_record(d, view_of(p, s->len[i])) != E_OK)
			abort();
}

static void on_event(void *user, struct event *e)
{
	(void)user;
	n_events++;
	sum += e->ctx[0];
}

static bool wants_common(void *user, uint32_t type, uint32_t id)
{
	(void)user;
	switch (id) {
	case FIELD_evt_num:
	case FIELD_evt_time:
	case FIELD_evt_type:
	case FIELD_proc_pid:
	case FIELD_proc_name:
	case FIELD_proc_exepath:
	case FIELD_proc_cmdline:
	case FIELD_proc_pname:
	case FIELD_proc_aname:
	case FIELD_proc_tty:
	case FIELD_user_uid:
	case FIELD_user_name:
	case FIELD_user_loginuid:
	case FIELD_container_id:
		return true;
	}
	if (type != TEMPLATE_TYPE_file_open)
		return id >= TEMPLATE_CAP;
	return id == FIELD_file_open_num || id == FIELD_file_open_name || id == FIELD_file_open_directory ||
	       id == FIELD_file_open_typechar || id == FIELD_file_open_is_read || id == FIELD_file_open_is_write;
}

static void judge(void *user, struct event *e)
{
	uint32_t fired[8];

	(void)user;
	n_events++;
	n_fired += content_eval(content, &eval, e, fired, countof(fired));
}

static bool rules_want(void *user, uint32_t type, uint32_t id)
{
	return content_uses(user, type, id);
}

/* Every arm has tables of its own, with N_PROCS living processes up to eleven generations deep. */
static struct decode *decode_make(enum arm a)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n";
	bool nothing = a == ARM_OPEN_NONE || a == ARM_FDS || a == ARM_FORK_EXIT;
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = passwd,
				 .passwd_len = sizeof passwd - 1,
				 .wants = a == ARM_OPEN_ALL ? NULL : wants_common,
				 .types = nothing ? 0 : (1 << TEMPLATE_N_TYPES) - 1,
				 .emit = on_event };
	struct stream s = { .len = calloc(N_PROCS, sizeof *s.len) };
	struct decode *d;

	if (a >= ARM_OPEN_RULES) {
		o.wants = rules_want;
		o.wants_user = content;
		o.types = content_types(content);
		o.emit = judge;
		o.late = true;
	}
	if (!s.len || decode_new(&o, &d) != E_OK)
		abort();
	for (uint32_t pid = 2; pid < N_PROCS + 2; pid++)
		put_exec(&s, pid);
	play(d, &s);
	free(s.bytes);
	free(s.len);
	return d;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* Rule files to programs. */
static FALLIBLE load_rules(char **paths, int n, struct diag *d)
{
	struct rule_source src[16];
	struct arena a;
	struct diags ds;
	struct rule_set *rs;
	struct buf elf;
	enum err err = E_OK;

	arena_init(&a, 512 << 20);
	diags_init(&ds, &a);
	buf_init(&elf, 64 << 20);
	if (n > (int)countof(src))
		n = countof(src);
	for (int i = 0; i < n && err == E_OK; i++) {
		char *text;
		size_t len;

		err = io_read_file(paths[i], RULE_MAX_FILE_BYTES, &text, &len, d);
		if (err == E_OK)
			src[i] = (struct rule_source){ paths[i], text, len };
	}
	if (err == E_OK)
		err = rule_load(src, (size_t)n, &template_builtin, &a, &ds, &rs);
	if (err == E_OK)
		err = rule_compile(rs, &a, &elf, &ds);
	if (err == E_OK)
		err = content_load(view_of(elf.p, elf.len), "bench",
				   &(struct content_opts){ .table = &template_builtin }, &a, &content, d);
	return err == E_OK ? vm_new(&eval.vm) : err;
}

static void show(double ns[N_ARMS][ROUNDS], int n_arms)
{
	printf("%-34s %9s %9s %12s\n", "ns per record", "floor", "median", "records/s");
	for (int a = 0; a < n_arms; a++) {
		qsort(ns[a], ROUNDS, sizeof ns[a][0], by_value);
		printf("%-34s %9.0f %9.0f %12.0f\n", arm_names[a], ns[a][0], ns[a][ROUNDS / 2], 1e9 / ns[a][0]);
	}
	printf("events %llu, fired %llu (%llu)\n", (unsigned long long)n_events, (unsigned long long)n_fired,
	       (unsigned long long)sum);
	if (ns[ARM_OPEN][0] > BAR_NS)
		printf("an open costs more than %d ns\n", BAR_NS);
}

int main(int argc, char **argv)
{
	static double ns[N_ARMS][ROUNDS];
	int n_arms = argc > 1 ? N_ARMS : ARM_OPEN_RULES;
	struct decode *d[N_ARMS];
	struct stream s[N_ARMS];
	struct diag diag;

	diag_init(&diag);
	if (argc > 1 && load_rules(argv + 1, argc - 1, &diag) != E_OK) {
		fprintf(stderr, "the rules do not load: %s\n", diag.text);
		return 2;
	}
	for (int a = 0; a < n_arms; a++) {
		stream_make(&s[a], put_of[a]);
		d[a] = decode_make((enum arm)a);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < n_arms; i++) {
			int a = (i + round) % n_arms;
			double start = now_ns();

			play(d[a], &s[a]);
			ns[a][round] = (now_ns() - start) / (double)s[a].n;
		}
	}
	show(ns, n_arms);
	for (int a = 0; a < n_arms; a++) {
		decode_free(d[a]);
		free(s[a].bytes);
		free(s[a].len);
	}
	content_free(content);
	vm_free(eval.vm);
	return ns[ARM_OPEN][0] > BAR_NS;
}
