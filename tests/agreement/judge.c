/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: kjudge, what tests/agreement/agreement.py drives. Programs come as lines on standard input (agree.h) or as
 * object files, verdicts leave as rows.
 */
#include "judge.h"

#include <getopt.h>
#include <unistd.h>
#include <inttypes.h>

enum { MIB = 1 << 20 };

static const char usage[] =
	"usage: kjudge COMMAND [--kernel V]... [--live] [OPTION...]\n"
	"  lines      programs on standard input: a row for each and each judge\n"
	"  show       the first program: its instructions, then what each judge says; --trace: step by step\n"
	"  objects FILE...\n"
	"             every program of these objects, each on its own; --program NAME: only this one, with\n"
	"             its instructions, its log, and --trace\n"
	"  generate   random programs, --count N or --seconds N, --seed N, beside the running kernel; disagreements go "
	"to --out DIR\n"
	"  kernels    the releases that kverify knows\n"
	"  diags      the reasons to reject, with their classes and the kernel's words\n"
	"--live: the running kernel judges too (root). --host: kverify as the running kernel's release.\n"
	"--btf FILE: the kernel's types, unless it is the running one's. --config FILE: its configuration. --memory "
	"MIB: of one judgement, 512.\n"
	"--refine: profiles are refined by those types (kernel_refine).\n";

void judge_print(const char *id, const char *judge, const struct agree_result *r)
{
	printf("%s\t%s\t%s\t%s\t%" PRId64 "\t%" PRIu64 "\t%u\t%u\t%" PRIu64 "\t%s\n", id, judge,
	       agree_verdict_name(r->verdict), r->id, (int64_t)r->insn, r->steps, r->states_total, r->states_peak,
	       r->us, r->line);
}

static void judge_one(struct judge *j, const struct agree_program *p)
{
	struct agree_result r;

	for (uint32_t i = 0; i < j->n_kernels; i++) {
		agree_judge(&j->ours, j->kernels[i], p, &r);
		judge_print(p->id, j->kernels[i]->name, &r);
	}
	if (j->live) {
		agree_load(j->kernel, p, j->log_level, &r, NULL);
		judge_print(p->id, "live", &r);
	}
}

int judge_lines(struct judge *j)
{
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	int code = 0;

	while (getline(&line, &cap, stdin) > 0) {
		struct agree_program p;
		struct arena a;
		struct diag d;

		diag_init(&d);
		arena_init(&a, 64 * (size_t)MIB);
		if (agree_parse(line, &a, &p, &d)) {
			(void)fprintf(stderr, "kjudge: %s\n", d.text);
			code = 2;
		} else {
			judge_one(j, &p);
		}
		arena_done(&a);
	}
	return code;
}

static int list_kernels(struct judge *j)
{
	(void)j;
	for (size_t i = 0; i < kernel_n_profiles; i++)
		printf("%s\t%s\n", kernel_profiles[i].name, kernel_profiles[i].measured ? "measured" : "-");
	return 0;
}

static int list_diags(struct judge *j)
{
	static const char *const classes[] = { "structure", "numbers", "memory", "call",        "resource",
					       "type",      "load",    "size",   "unsupported", "bug" };

	(void)j;
	_Static_assert(countof(classes) == KCLASS_BUG + 1, "one name for each class");
	for (size_t i = 0; i < kverify_n_diags; i++)
		printf("Q%u\t%s\t%s\t%s\t%s\n", kverify_diags[i].id, kverify_diags[i].name,
		       classes[kverify_diags[i].cls], kverify_diags[i].log, kverify_diags[i].title);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct judge *j);
	bool judges;
} commands[] = {
	{ "lines", judge_lines, true },       { "show", judge_show, true },       { "objects", judge_objects, true },
	{ "generate", judge_generate, true }, { "kernels", list_kernels, false }, { "diags", list_diags, false },
};

static bool add_kernel(struct judge *j, const struct kernel_profile *k)
{
	if (!k || j->n_kernels == MAX_KERNELS)
		return false;
	j->kernels[j->n_kernels++] = k;
	return true;
}

/* Lines of a file, in the judge's arena. */
static bool read_config(struct judge *j, const char *path)
{
	char *text;
	size_t n, at = 0, cap = 0;
	struct diag d;

	diag_init(&d);
	if (io_read_file(path, 16 * (size_t)MIB, &text, &n, &d))
		return (void)fprintf(stderr, "kjudge: %s\n", d.text), false;
	while (at < n) {
		size_t len = strcspn(text + at, "\n");

		j->config = arena_grow(&j->arena, j->config, j->n_config, &cap, sizeof *j->config);
		if (!j->config)
			return false;
		j->config[j->n_config++] = arena_strndup(&j->arena, text + at, len);
		at += len + 1;
	}
	free(text);
	return true;
}

enum option_key {
	KERNEL = 'k',
	LIVE = 'l',
	HOST = 'h',
	BTF = 'b',
	MEMORY = 'm',
	TRACE = 't',
	LOG = 'g',
	SEED = 's',
	COUNT = 'n',
	SECONDS = 'd',
	OUT = 'o',
	CONFIG = 'c',
	PROGRAM = 'p',
	REFINE = 'r'
};
static const struct option options[] = {
	{ "kernel", 1, NULL, KERNEL },   { "live", 0, NULL, LIVE },
	{ "host", 0, NULL, HOST },       { "btf", 1, NULL, BTF },
	{ "memory", 1, NULL, MEMORY },   { "trace", 0, NULL, TRACE },
	{ "log", 1, NULL, LOG },         { "seed", 1, NULL, SEED },
	{ "count", 1, NULL, COUNT },     { "seconds", 1, NULL, SECONDS },
	{ "out", 1, NULL, OUT },         { "config", 1, NULL, CONFIG },
	{ "program", 1, NULL, PROGRAM }, { "refine", 0, NULL, REFINE },
	{ 0 },
};

static bool take_option(struct judge *j, int key, const char **btf)
{
	uint64_t n = optarg ? strtoull(optarg, NULL, 0) : 0;

	switch (key) {
	case KERNEL:
		return add_kernel(j, kernel_profile(optarg));
	case HOST:
		j->ours.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
		return add_kernel(j, kernel_profile_for(agree_host_release()));
	case LIVE:
		j->live = true;
		return true;
	case BTF:
		*btf = optarg;
		return true;
	case PROGRAM:
		j->program = optarg;
		return true;
	case CONFIG:
		return read_config(j, optarg);
	case REFINE:
		j->refine = true;
		return true;
	case MEMORY:
		j->ours.arena_bytes = n * MIB;
		return n > 0;
	case TRACE:
		j->trace = true;
		return true;
	case LOG:
		j->log_level = (uint32_t)n;
		return true;
	case SEED:
		j->seed = n;
		return true;
	case COUNT:
		j->count = n;
		return true;
	case SECONDS:
		j->seconds = (uint32_t)n;
		return true;
	case OUT:
		j->out = optarg;
		return true;
	default:
		return false;
	}
}

static bool refine(struct judge *j)
{
	struct kernel_refined *r = ARENA_ARRAY(&j->arena, struct kernel_refined, MAX_KERNELS);

	if (!r || !j->ours.kernel_types)
		return (void)fprintf(stderr, "kjudge: --refine needs types\n"), false;
	for (uint32_t i = 0; i < j->n_kernels; i++) {
		kernel_refine(j->kernels[i], j->ours.kernel_types, &r[i]);
		j->kernels[i] = &r[i].profile;
	}
	return true;
}

/* Types of the running kernel: without them kverify says of the programs that need them that it does not know. */
static bool prepare(struct judge *j, const char *btf)
{
	struct diag d;

	diag_init(&d);
	if (!agree_host_types(&j->arena, btf, &j->types, &d))
		j->ours.kernel_types = &j->types;
	else if (btf)
		return (void)fprintf(stderr, "kjudge: %s: %s\n", btf, d.text), false;
	if (j->refine && !refine(j))
		return false;
	if (j->live && !(j->kernel = agree_kernel_new(j->ours.kernel_types)))
		return (void)fprintf(stderr, "kjudge: out of memory\n"), false;
	return true;
}

int main(int argc, char **argv)
{
	struct judge j = { .log_level = 4, .seed = 1, .ours.arena_bytes = 512 * (size_t)MIB };
	const char *btf = NULL;
	int key, code = 2;

	arena_init(&j.arena, 512 * (size_t)MIB);
	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(&j, key, &btf))
			return (void)fprintf(stderr, "kjudge: %s: not an option, or no such kernel\n%s",
					     argv[optind - 1], usage),
			       2;
	for (size_t i = 0; optind < argc && i < countof(commands); i++) {
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		j.files = argv + optind + 1;
		j.n_files = argc - optind - 1;
		if (!commands[i].judges || prepare(&j, btf))
			code = commands[i].run(&j);
		agree_kernel_free(j.kernel);
		arena_done(&j.arena);
		return code;
	}
	(void)fputs(usage, stderr);
	return 2;
}
