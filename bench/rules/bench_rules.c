/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_rules [--rounds N] [--set NAME] [--peers DIR] [--judge] [--callgrind] [CAPTURE...]: what an event costs from
 * its record to the verdict of all rules.
 *
 * Sets of rules: none, ours (rules/), 25 (the public stable file) and 93 (all three public files, which are looked for
 * in
 * DIR/falco-rules; DIR is ../shared/peers beside the source unless said), and as many made up (shape.c) for machines
 * without them. Over the stream of a modelled host (model.c: 60 % opens, 20 % network, 20 % processes), and over each
 * capture. Every arm has tables of its own, made anew each round; arms are interleaved; shown are floor and median of
 * CPU time per record. Each set is judged interpreted and as native code, with the programs that the index lets start
 * and, for what programs cost, with all programs of the event's type.
 *
 * The exit status says whether the bars hold for the largest public set: BAR_NS per event (floor), BAR_LOAD_MS,
 * BAR_KIB.
 */
#include "model.h"
#include "shape.h"

#include "agent/worker.h"
#include "content/rule/rule.h"
#include "content/runtime/runtime.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC "falco-rules/"

enum {
	BAR_NS = 200,
	BAR_LOAD_MS = 50,
	BAR_KIB = 30 << 10,
	ROUNDS_MAX = 99,
	N_RECORDS = 30000,
	N_WARM = 3000,
	MAX_FILES = 8,
	LOADS = 5,
	MAX_ARMS = 40,
};

/* ---- sets of rules ---- */

static const struct set_of_files {
	const char *name, *what;
	const char *files[MAX_FILES]; /* relative to the source, or to the peers */
	bool made_up, public;
} sets[] = {
	{ "none", "no rules", { NULL }, false, false },
	{ "ours",
	  "rules/",
	  { "rules/process.yaml", "rules/file.yaml", "rules/network.yaml", "rules/ipc.yaml" },
	  false,
	  false },
	{ "25", "public stable", { PUBLIC "falco_rules.yaml" }, false, true },
	{ "93",
	  "all public",
	  { PUBLIC "falco_rules.yaml", PUBLIC "falco-incubating_rules.yaml", PUBLIC "falco-sandbox_rules.yaml" },
	  false,
	  true },
	{ "shape", "93 made up", { NULL }, true, false },
};
enum { N_SETS = countof(sets), SET_93 = 3 };

struct loaded {
	struct content *content;
	struct jit_image *image; /* NULL: there is no compiler for this machine */
	uint32_t n_rules, n_programs;
	double parse_ms, compile_ms, load_ms, total_ms; /* best of LOADS */
	double native_ms;                               /* to native code */
	char why_not[sizeof((struct diag *)0)->text];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const char *peers = SOURCE_ROOT "/../shared/peers";

struct texts {
	char *text[MAX_FILES];
	struct rule_source src[MAX_FILES];
	uint32_t n;
};

/* "macro: x" or "list: x" of the item at p, up to the line's end; empty when it is another kind of item. */
static struct view item_name(const char *p)
{
	size_t n = strcspn(p, "\n");

	return strncmp(p, "- macro: ", 9) && strncmp(p, "- list: ", 8) ? view_of(p, 0) : view_of(p, n);
}

static const char *next_item(const char *p)
{
	const char *at = strstr(p, "\n- ");

	return at ? at + 1 : p + strlen(p);
}

static bool defined_before(const struct texts *t, uint32_t file, struct view name)
{
	for (uint32_t i = 0; i < file; i++)
		for (const char *p = next_item(t->text[i]); *p; p = next_item(p)) {
			struct view v = item_name(p);

			if (v.len == name.len && !memcmp(v.p, name.p, name.len))
				return true;
		}
	return false;
}

/*
 * The public files repeat each other's macros, word for word, so that each can be loaded alone; in one set the second
 * definition hides the first from the macros above it. So repeated ones become comments.
 */
static void drop_repeated(struct texts *t)
{
	for (uint32_t i = 1; i < t->n; i++)
		for (const char *p = next_item(t->text[i]), *end; *p; p = end) {
			struct view name = item_name(p);

			end = next_item(p);
			if (!name.len || !defined_before(t, i, name))
				continue;
			for (char *c = t->text[i] + (p - t->text[i]); c < end; c++)
				*c = *c == '\n' ? '\n' : '#';
		}
}

static FALLIBLE texts_read(const struct set_of_files *s, struct texts *out, struct diag *d)
{
	for (uint32_t i = 0; i < MAX_FILES && s->files[i]; i++) {
		char path[512];
		size_t len;

		(void)snprintf(path, sizeof path, "%s/%s", s->public ? peers : SOURCE_ROOT, s->files[i]);
		TRY(io_read_file(path, RULE_MAX_FILE_BYTES, &out->text[i], &len, d));
		out->src[out->n++] = (struct rule_source){ s->files[i], out->text[i], len };
	}
	drop_repeated(out);
	if (s->made_up) {
		struct buf b;

		buf_init(&b, RULE_MAX_FILE_BYTES);
		shape_rules(&b);
		out->text[0] = b.p;
		out->src[out->n++] = (struct rule_source){ "shape.yaml", b.p, b.len };
	}
	return E_OK;
}

static void texts_done(struct texts *t)
{
	for (uint32_t i = 0; i < MAX_FILES; i++)
		free(t->text[i]);
}

/* As the worker loads: text to programs that are proven and ready. */
static FALLIBLE load_once(const struct texts *t, struct loaded *out, struct diag *d)
{
	struct content_opts o = { .table = &template_builtin };
	struct arena a;
	struct diags ds;
	struct rule_set *rs = NULL;
	struct buf elf;
	double at[4] = { now_ns() };
	enum err err;

	arena_init(&a, 512 << 20);
	diags_init(&ds, &a);
	buf_init(&elf, 64 << 20);
	err = rule_load(t->src, t->n, &template_builtin, &a, &ds, &rs);
	at[1] = now_ns();
	if (err == E_OK)
		err = rule_compile(rs, &a, &elf, &ds);
	at[2] = now_ns();
	for (const struct diag_node *n = err != E_OK ? ds.head : NULL; n; n = n->next)
		if (n->d.severity == DIAG_ERROR) {
			(void)snprintf(d->text, sizeof d->text, "%s", n->d.text);
			break;
		}
	if (err == E_OK)
		err = content_load(view_of(elf.p, elf.len), "bench", &o, &a, &out->content, d);
	at[3] = now_ns();
	if (err == E_OK) {
		double total = (at[3] - at[0]) / 1e6;

		out->n_rules = content_n_rules(out->content);
		out->n_programs = content_n_programs(out->content);
		if (out->total_ms == 0 || total < out->total_ms) {
			out->total_ms = total;
			out->parse_ms = (at[1] - at[0]) / 1e6;
			out->compile_ms = (at[2] - at[1]) / 1e6;
			out->load_ms = (at[3] - at[2]) / 1e6;
		}
	}
	buf_done(&elf);
	arena_done(&a);
	return err;
}

/* As the compiler process does, in this one. */
static void compile(struct loaded *l)
{
	const struct jit_opts o = { .target = jit_host(), .features = jit_host_features(), .fuel = true };
	struct jit_code *codes = calloc(l->n_programs + 1, sizeof *codes);
	double start = now_ns();
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, 512 << 20);
	if (codes && content_compile(l->content, &o, &a, codes, &d) == E_OK &&
	    jit_map(codes, l->n_programs, &l->image, &d) == E_OK)
		l->native_ms = (now_ns() - start) / 1e6;
	arena_done(&a);
	free(codes);
}

static void load(const struct set_of_files *s, unsigned times, struct loaded *out)
{
	struct texts t = { .n = 0 };
	struct diag d;
	enum err err;

	*out = (struct loaded){ .content = NULL };
	diag_init(&d);
	err = texts_read(s, &t, &d);
	for (unsigned i = 0; i < times && t.n && err == E_OK; i++) {
		content_free(out->content);
		out->content = NULL;
		err = load_once(&t, out, &d);
	}
	if (err != E_OK)
		(void)snprintf(out->why_not, sizeof out->why_not, "%s", d.text);
	texts_done(&t);
}

/* ---- one way of playing a stream ---- */

/* STAGE_WORKER: with the counters and the flight recorder of the agent. */
enum stage { STAGE_STATE, STAGE_FIELDS, STAGE_JUDGE, STAGE_WORKER };

struct arm {
	char name[64];
	struct content *content; /* NULL: no rules */
	enum stage stage;
	struct jit_image *image; /* NULL: interpreted */
	bool simple;             /* every program of the event's type is started */
	double ns[ROUNDS_MAX];
	uint64_t events, fired, faults, programs;
};

static struct vm *vm;
static struct arm *current;
static struct content_eval eval;
static struct worker worker;
static uint64_t sum;

static void on_event(void *user, struct event *e)
{
	struct arm *a = user;
	static uint32_t fired[64];

	a->events++;
	if (a->stage == STAGE_FIELDS)
		event_need_all(e);
	if (a->stage == STAGE_JUDGE)
		a->fired += content_eval(a->content, &eval, e, fired, countof(fired));
	if (a->stage == STAGE_WORKER)
		worker_on_event(&worker, e);
	sum += e->ctx[0];
}

static void on_alert(void *user, const struct content *c, uint32_t rule, uint32_t set_rule)
{
	struct arm *a = user;

	(void)c, (void)rule, (void)set_rule;
	a->fired++;
}

static void worker_make(struct arm *a)
{
	static struct content_set set;

	vm_free(worker.eval.vm);
	free(worker.page);
	set = (struct content_set){ .contents = { a->content },
				    .n_contents = 1,
				    .n_rules = content_n_rules(a->content) };
	worker = (struct worker){
		.page = calloc(1, sizeof *worker.page), .set = &set, .on_alert = on_alert, .on_alert_user = a
	};
	if (!worker.page || worker_judge_init(&worker) != E_OK)
		abort();
}

static bool wants(void *user, uint32_t type, uint32_t id)
{
	const struct arm *a = user;

	return a->content && content_uses(a->content, type, id);
}

static struct decode *decode_make(struct arm *a, uint64_t types, uint64_t boot_to_wall_ns)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n";
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = passwd,
				 .passwd_len = sizeof passwd - 1,
				 .boot_to_wall_ns = boot_to_wall_ns,
				 .wants = wants,
				 .wants_user = a,
				 .types = types,
				 .late = true,
				 .emit = on_event,
				 .emit_user = a };
	struct decode *d;

	if (decode_new(&o, &d) != E_OK)
		abort();
	return d;
}

static const uint8_t *play(struct decode *d, const struct model_stream *s, const uint8_t *p, size_t from, size_t to)
{
	for (size_t i = from; i < to; p += s->len[i++])
		(void)!decode_record(d, view_of(p, s->len[i]));
	return p;
}

/* Not inlined: callgrind collects here. */
__attribute__((noinline)) void bench_rules_timed(struct decode *d, const struct model_stream *s, const uint8_t *p,
						 size_t from);
void bench_rules_timed(struct decode *d, const struct model_stream *s, const uint8_t *p, size_t from)
{
	(void)play(d, s, p, from, s->n);
}

struct source {
	struct model_stream scan, run;
	size_t warm;
	uint64_t boot_to_wall_ns;
	bool synthetic;
};

static double play_arm(struct arm *a, const struct source *src)
{
	struct decode *d = decode_make(a, a->content ? content_types(a->content) : 0, src->boot_to_wall_ns);
	const uint8_t *p;
	double start;

	eval = (struct content_eval){ .vm = vm, .simple = a->simple };
	if (a->content)
		content_detach(a->content);
	if (a->image && content_attach(a->content, a->image, 0, NULL) != E_OK)
		abort();
	if (a->stage == STAGE_WORKER)
		worker_make(a);
	current = a;
	(void)play(d, &src->scan, src->scan.bytes, 0, src->scan.n);
	p = play(d, &src->run, src->run.bytes, 0, src->warm);
	a->events = a->fired = 0;
	eval.programs_run = eval.faults = worker.eval.programs_run = 0;
	start = now_ns();
	bench_rules_timed(d, &src->run, p, src->warm);
	start = now_ns() - start;
	if (a->stage == STAGE_WORKER)
		eval.programs_run = worker.eval.programs_run;
	a->programs = eval.programs_run;
	a->faults = eval.faults;
	decode_free(d);
	return start / (double)(src->run.n - src->warm);
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void play_all(struct arm *arms, int n, int rounds, const struct source *src)
{
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++) {
			struct arm *a = &arms[(i + round) % n];

			a->ns[round] = play_arm(a, src);
		}
	printf("%-36s %8s %8s %9s %9s %8s %7s\n", "ns per record (CPU)", "floor", "median", "events", "programs",
	       "fired", "faults");
	for (int i = 0; i < n; i++) {
		struct arm *a = &arms[i];

		qsort(a->ns, (size_t)rounds, sizeof a->ns[0], by_value);
		printf("%-36s %8.0f %8.0f %9llu %9.2f %8llu %7llu\n", a->name, a->ns[0], a->ns[rounds / 2],
		       (unsigned long long)a->events, a->events ? (double)a->programs / (double)a->events : 0.0,
		       (unsigned long long)a->fired, (unsigned long long)a->faults);
	}
}

/* The same set in other ways: interpreted and native, programs chosen by the index and all of them. */
static int make_more(struct arm *arms, const struct loaded *l, const char *set, bool judge)
{
	static const struct {
		const char *what;
		enum stage stage;
		bool simple, native;
	} ways[] = { { "native", STAGE_JUDGE, false, true },
		     { "as the worker judges", STAGE_WORKER, false, false },
		     { "the same, native", STAGE_WORKER, false, true },
		     { "all programs", STAGE_JUDGE, true, false },
		     { "all programs, native", STAGE_JUDGE, true, true } };
	int n = 0;

	for (size_t i = 0; i < countof(ways); i++) {
		if ((ways[i].native && !l->image) || (judge && (ways[i].native || ways[i].simple)))
			continue;
		arms[n] = (struct arm){ .content = l->content,
					.stage = ways[i].stage,
					.simple = ways[i].simple,
					.image = ways[i].native ? l->image : NULL };
		(void)snprintf(arms[n++].name, sizeof arms->name, "%s: %s", set, ways[i].what);
	}
	return n;
}

static int make_arms(struct arm *arms, const struct loaded *l, int only, bool judge)
{
	int n = 0;

	for (int i = 0; i < (int)N_SETS; i++) {
		if ((only >= 0 && i != only) || l[i].why_not[0])
			continue;
		if (!judge && i && i == (only >= 0 ? only : l[SET_93].content ? SET_93 : N_SETS - 1)) {
			arms[n] = (struct arm){ .content = l[i].content, .stage = STAGE_FIELDS };
			(void)snprintf(arms[n++].name, sizeof arms->name, "events for %s, not judged", sets[i].name);
		}
		arms[n] = (struct arm){ .content = l[i].content, .stage = l[i].content ? STAGE_JUDGE : STAGE_STATE };
		(void)snprintf(arms[n++].name, sizeof arms->name, "%s: %u rules, %u programs", sets[i].name,
			       l[i].n_rules, l[i].n_programs);
		if (i && l[i].content)
			n += make_more(arms + n, &l[i], sets[i].name, judge);
	}
	return n;
}

/* ---- where records come from ---- */

static void add(struct model_stream *s, struct view rec)
{
	if (s->used + rec.len > s->cap) {
		s->cap = 2 * (s->cap + rec.len);
		s->bytes = realloc(s->bytes, s->cap);
	}
	if (s->n == s->n_cap) {
		s->n_cap = 2 * s->n_cap + 1024;
		s->len = realloc(s->len, s->n_cap * sizeof *s->len);
	}
	if (!s->bytes || !s->len)
		abort();
	memcpy(s->bytes + s->used, rec.p, rec.len);
	s->used += rec.len;
	s->len[s->n++] = (uint32_t)rec.len;
}

/* The tasks that stand at its beginning are not measured. */
static FALLIBLE read_capture(const char *path, struct source *out, struct diag *d)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct capture *c;
	struct view rec;
	enum err err;

	if (fd < 0)
		FAIL(d, IO, "cannot open '%s'", path);
	TRY(capture_open(fd, path, &c, d));
	out->boot_to_wall_ns = capture_info(c)->boot_to_wall_ns;
	while ((err = capture_next(c, &rec, d)) == E_OK) {
		struct wire_hdr h;

		memcpy(&h, rec.p, sizeof h);
		add(h.kind == WIRE_TASK ? &out->scan : &out->run, rec);
	}
	capture_close(c);
	return err == E_NOT_FOUND ? E_OK : err;
}

static void make_synthetic(struct source *out)
{
	static const struct model_mix mix = { .opens = 60, .network = 20 };
	struct model *m = model_new(3);

	*out = (struct source){ .warm = N_WARM, .synthetic = true };
	model_scan(m, &out->scan);
	model_run(m, &mix, N_WARM + N_RECORDS, &out->run);
	model_free(m);
}

static void source_done(struct source *s)
{
	model_stream_done(&s->scan);
	model_stream_done(&s->run);
}

static void play_capture(const char *path, const struct loaded *l, int only, int rounds)
{
	static struct arm arms[MAX_ARMS];
	struct source src = { .warm = 0 };
	struct diag d;

	diag_init(&d);
	if (read_capture(path, &src, &d) != E_OK)
		printf("\n%s: skipped: %s\n", path, d.text);
	else if (src.run.n) {
		printf("\n%s: %zu records after the start\n", path, src.run.n);
		play_all(arms, make_arms(arms, l, only, false), rounds, &src);
	}
	source_done(&src);
}

/* ---- memory ---- */

static long status_kib(const char *key)
{
	char text[4096] = "";
	const char *at;
	AUTO_FD int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		return -1;
	at = strstr(text, key);
	return at ? (long)strtoull(at + strlen(key), NULL, 10) : -1;
}

/* In a process of its own: load as the worker does, then the host's processes and a second of events. */
static int resident(int set)
{
	struct loaded l;
	struct source src;
	struct arm a = { .stage = STAGE_JUDGE };
	long before = status_kib("VmRSS:"), streams;

	load(&sets[set], 1, &l);
	if (!l.content)
		return 2;
	a.content = l.content;
	streams = status_kib("VmRSS:");
	make_synthetic(&src);
	streams = status_kib("VmRSS:") - streams;
	(void)play_arm(&a, &src);
	printf("%ld %ld\n", status_kib("VmRSS:") - streams, before);
	return 0;
}

static long resident_kib(const char *self, int set)
{
	char command[600], line[80] = "";
	FILE *f;
	long kib = -1;

	(void)snprintf(command, sizeof command, "'%s' --peers '%s' --resident %d", self, peers, set);
	f = popen(command, "r");
	if (f && fgets(line, sizeof line, f))
		kib = (long)strtoull(line, NULL, 10);
	if (f)
		(void)pclose(f);
	return kib;
}

/* ---- the program ---- */

static int set_by_name(const char *name)
{
	for (int i = 0; i < (int)N_SETS; i++)
		if (!strcmp(sets[i].name, name))
			return i;
	return -1;
}

static void show_loads(const struct loaded *l, const char *self)
{
	printf("%-24s %6s %9s %9s %9s %9s %9s %9s %13s\n", "load, ms of CPU", "rules", "programs", "parse", "compile",
	       "prove", "all", "native", "resident KiB");
	for (int i = 1; i < (int)N_SETS; i++) {
		if (l[i].why_not[0])
			printf("%-24s skipped: %s\n", sets[i].what, l[i].why_not);
		else if (l[i].content)
			printf("%-24s %6u %9u %9.1f %9.1f %9.1f %9.1f %9.1f %13ld\n", sets[i].what, l[i].n_rules,
			       l[i].n_programs, l[i].parse_ms, l[i].compile_ms, l[i].load_ms, l[i].total_ms,
			       l[i].native_ms, resident_kib(self, i));
	}
	printf("\n");
}

static int missed(const char *self, const struct loaded *l, const struct arm *arms, int n)
{
	int bad = 0;

	for (int i = 0; i < n; i++)
		if (arms[i].stage == STAGE_JUDGE && !arms[i].simple && l->content && arms[i].content == l->content &&
		    arms[i].ns[0] > BAR_NS)
			bad = printf("missed: %.0f ns per record, the bar is %d\n", arms[i].ns[0], BAR_NS);
	if (l->total_ms > BAR_LOAD_MS)
		bad = printf("missed: loading takes %.1f ms, the bar is %d\n", l->total_ms, BAR_LOAD_MS);
	if (l->content && resident_kib(self, SET_93) > BAR_KIB)
		bad = printf("missed: more than %d KiB resident\n", BAR_KIB);
	return bad != 0;
}

static int count_instructions(char **argv, const char *set)
{
	execlp("valgrind", "valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=bench_rules_timed",
	       argv[0], "--peers", peers, "--set", set, "--rounds", "1", "--judge", (char *)NULL);
	perror("valgrind");
	return 2;
}

struct args {
	int rounds, only, resident;
	bool callgrind, judge;
	char *captures[16];
	int n_captures;
};

static bool parse(int argc, char **argv, struct args *a)
{
	*a = (struct args){ .rounds = 15, .only = -1, .resident = -1 };
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			a->rounds = (int)strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--set") && i + 1 < argc)
			a->only = set_by_name(argv[++i]);
		else if (!strcmp(argv[i], "--peers") && i + 1 < argc)
			peers = argv[++i];
		else if (!strcmp(argv[i], "--resident") && i + 1 < argc) /* the bench, to itself */
			a->resident = (int)strtoul(argv[++i], NULL, 10) % (int)N_SETS;
		else if (!strcmp(argv[i], "--callgrind"))
			a->callgrind = true;
		else if (!strcmp(argv[i], "--judge")) /* nothing else, for profilers */
			a->judge = true;
		else if (argv[i][0] == '-' || a->n_captures == (int)countof(a->captures))
			return false;
		else
			a->captures[a->n_captures++] = argv[i];
	}
	return a->rounds > 0 && a->rounds < ROUNDS_MAX;
}

int main(int argc, char **argv)
{
	static struct arm arms[MAX_ARMS];
	static struct loaded l[N_SETS];
	struct source src;
	struct args a;
	int n, code;

	if (vm_new(&vm) != E_OK)
		return 2;
	if (!parse(argc, argv, &a)) {
		fprintf(stderr, "usage: bench-rules [--rounds N] [--set none|ours|25|93|shape] [--peers DIR] "
				"[--judge] [--callgrind] [CAPTURE...]\n");
		return 2;
	}
	if (a.resident >= 0)
		return resident(a.resident);
	if (a.callgrind)
		return count_instructions(argv, a.only < 0 ? "93" : sets[a.only].name);
	for (int i = 0; i < (int)N_SETS; i++)
		if (a.only < 0 || i == a.only)
			load(&sets[i], a.rounds > 1 ? LOADS : 1, &l[i]);
	for (int i = 0; i < (int)N_SETS; i++)
		if (l[i].content)
			compile(&l[i]);
	if (!a.judge)
		show_loads(l, argv[0]);
	make_synthetic(&src);
	n = make_arms(arms, l, a.only, a.judge);
	play_all(arms, n, a.rounds, &src);
	code = a.judge ? 0 : missed(argv[0], &l[SET_93], arms, n);
	source_done(&src);
	for (int i = 0; i < a.n_captures; i++)
		play_capture(a.captures[i], l, a.only, a.rounds);
	for (int i = 0; i < (int)N_SETS; i++) {
		content_free(l[i].content);
		jit_image_free(l[i].image);
	}
	vm_free(vm);
	vm_free(worker.eval.vm);
	free(worker.page);
	return code;
}
