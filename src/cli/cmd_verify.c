/* SPDX-License-Identifier: Apache-2.0 */
/* verify: will it load, and where: under Sallyport's own runtime, and on releases of Linux. */
#include "cli/verify.h"

#include <getopt.h>
#include <unistd.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "engine/abi/abi.h"

const char cmd_verify_help[] = "usage: sallyport verify OBJ [--prog NAME] [--kernel LIST] [--btf FILE|DIR]\n"
			       "                        [--compat [LIST]] [--source] [--policy FILE]\n"
			       "                        [--log kernel] [--schema FILE] [--trace]\n"
			       "                        [--format text|json|sarif]\n"
			       "       sallyport verify --explain ID\n"
			       "       sallyport verify --kernels [LIST|A..B] [--btf FILE|DIR] [--json]\n"
			       "\n"
			       "Say of every program of an eBPF object whether it will be accepted, without\n"
			       "loading it, or which instruction will not, what was known there, and what would\n"
			       "mend it.\n"
			       "\n"
			       "  --prog NAME      only this program\n"
			       "  --kernel LIST    whose verdict: releases of Linux (5.10,6.1,6.12), 'host' (the\n"
			       "                   kernel that runs here), 'all', or 'sallyport' (this program's\n"
			       "                   own runtime). Default: sallyport for content, else host\n"
			       "  --btf FILE|DIR   the kernel's types: one file for all kernels, or a folder\n"
			       "                   with one per release (6.1.btf). Default: this host's. A\n"
			       "                   kernel that has its own types is judged by what they say\n"
			       "  --compat [LIST]  a table of programs by kernels (all of them, or those of LIST\n"
			       "                   or --kernel) with the first reason\n"
			       "  --source         where verification time goes, by source line\n"
			       "  --policy FILE    the house's own checks on top: docs/verify.md\n"
			       "  --log kernel     what the kernel's own log would say\n"
			       "  --schema FILE    content: the events of another release, as its\n"
			       "                   'sallyport rules list schema' prints them\n"
			       "  --trace          content: each processed instruction with the state before it,\n"
			       "                   on standard error\n"
			       "  --format FORMAT  text, json (--json is the same), or sarif\n"
			       "  --explain ID     what a reason means, such as Q301, with an example; all: each\n"
			       "  --kernels [LIST|A..B]\n"
			       "                   what these kernels have, or what differs between two\n"
			       "\n"
			       "Exit code 0: all are accepted. 1: at least one is not, or nothing can be said of\n"
			       "it, or the object cannot be read. 3: this host cannot tell.\n";

enum { OBJECT_ARENA_MAX = 512 << 20, WALK_ARENA_MAX = 512 << 20, NOTES_ARENA_MAX = 64 << 20 };

const char *const verify_verdict_words[VERIFY_N_VERDICTS] = { [VERIFY_ACCEPTED] = "accepted",
							      [VERIFY_REJECTED] = "rejected",
							      [VERIFY_UNSUPPORTED] = "unsupported",
							      [VERIFY_NO_VERDICT] = "no verdict" };

/* ---- outcomes to where they go ---- */

int verify_sink_open(struct verify_sink *s, const struct verify_args *args, const struct verify_kernels *k)
{
	*s = (struct verify_sink){ .args = args };
	buf_init(&s->out, 256 << 20);
	json_init(&s->j, &s->out);
	if (args->compat) {
		s->matrix = verify_matrix_new(k);
		if (!s->matrix)
			return cli_fail(CLI_HOST, "out of memory");
	}
	if (args->format == VERIFY_SARIF)
		verify_open_sarif(s);
	if (args->format != VERIFY_JSON)
		return 0;
	json_object(&s->j);
	if (!args->compat) {
		json_key(&s->j, "results");
		json_array(&s->j);
	}
	return 0;
}

void verify_sink_put(struct verify_sink *s, const struct verify_outcome *o)
{
	s->counts[o->verdict]++;
	s->n_policy += o->policy != NULL;
	if (s->matrix)
		verify_matrix_put(s->matrix, o);
	else if (s->args->format == VERIFY_JSON)
		verify_put_json(s, o);
	else if (s->args->format == VERIFY_SARIF)
		verify_put_sarif(s, o);
	else if (s->args->format == VERIFY_TEXT)
		verify_put_text(s, o);
}

static void put_summary(struct verify_sink *s)
{
	buf_printf(&s->out, "%u accepted, %u rejected", s->counts[VERIFY_ACCEPTED], s->counts[VERIFY_REJECTED]);
	if (s->counts[VERIFY_UNSUPPORTED])
		buf_printf(&s->out, ", %u not modelled", s->counts[VERIFY_UNSUPPORTED]);
	if (s->counts[VERIFY_NO_VERDICT])
		buf_printf(&s->out, ", %u without a verdict", s->counts[VERIFY_NO_VERDICT]);
	if (s->n_policy)
		buf_printf(&s->out, ", %u against the policy", s->n_policy);
	buf_putc(&s->out, '\n');
}

int verify_sink_close(struct verify_sink *s, const struct verify_kernels *k)
{
	bool good = !s->n_policy && s->counts[VERIFY_ACCEPTED] && !s->counts[VERIFY_REJECTED] &&
		    !s->counts[VERIFY_UNSUPPORTED] && !s->counts[VERIFY_NO_VERDICT];
	int code;

	(void)k;
	if (s->args->format == VERIFY_JSON) {
		if (s->matrix)
			verify_matrix_json(s->matrix, &s->j);
		else
			json_end_array(&s->j);
		json_end_object(&s->j);
	} else if (s->args->format == VERIFY_SARIF) {
		verify_close_sarif(s);
	} else if (s->matrix) {
		verify_matrix_print(s->matrix, &s->out, cli_colour(STDOUT_FILENO));
	} else if (s->args->format == VERIFY_TEXT) {
		put_summary(s);
	}
	verify_matrix_free(s->matrix);
	code = cli_print(&s->out);
	return code ? code : good ? CLI_OK : CLI_REFUSED;
}

/* ---- judging ---- */

struct job {
	const struct verify_args *args;
	struct verify_sink sink;
	struct verify_policy *policy;
	char *bytes;
	size_t len;
	uint32_t n_judged;
};

struct heat {
	uint32_t *steps;
	struct verify_log *log; /* --log kernel */
};

static void count_step(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	struct heat *h = user;

	if (h->steps)
		h->steps[insn]++;
	if (h->log)
		verify_log_step(h->log, v, insn, s);
}

static enum verify_verdict verdict_of(enum err err)
{
	switch (err) {
	case E_OK:
		return VERIFY_ACCEPTED;
	case E_REJECTED:
		return VERIFY_REJECTED;
	case E_UNSUPPORTED:
		return VERIFY_UNSUPPORTED;
	default:
		return VERIFY_NO_VERDICT;
	}
}

static void judge(struct job *job, const struct verify_kernel *k, const struct kobj *object, const struct prog *p)
{
	bool log = job->args->format == VERIFY_KERNEL_LOG;
	struct heat heat = { .steps = job->args->source ? calloc(p->n_insns + 1, sizeof *heat.steps) : NULL,
			     .log = log ? verify_log_new(&job->sink.out, p) : NULL };
	const struct kverify_watcher watcher = { .step = count_step, .user = &heat };
	struct verify_outcome o = { .kernel = k, .object = object, .prog = p };
	struct arena walk, notes;
	struct diag d;
	enum err err;

	arena_init(&walk, WALK_ARENA_MAX);
	arena_init(&notes, NOTES_ARENA_MAX);
	diag_init(&d);
	d.subject = p->name;
	o.d = &d;
	err = kobj_target(object, p, &o.opts, &d);
	if (!k->host)
		o.opts.lacks = 0; /* what this machine's kernel was built without says nothing of others */
	if (heat.steps || log)
		o.opts.watcher = &watcher;
	o.opts.cpus = k->host ? (uint32_t)sysconf(_SC_NPROCESSORS_CONF) : 0;
	if (err == E_OK)
		err = log ? kverify_prog(p, &o.opts, &walk, &o.stats, &d)
			  : kverify_diagnose(p, &o.opts, &walk, &notes, &o.stats, &d);
	o.verdict = verdict_of(err);
	if (err != E_OK && !d.text[0])
		(void)snprintf(d.text, sizeof d.text, "%s", err_text(err));
	o.heat = heat.steps;
	if (heat.log)
		verify_log_end(heat.log, &o);
	verify_log_free(heat.log);
	o.policy = job->policy ? verify_policy_check(job->policy, &o) : NULL;
	verify_sink_put(&job->sink, &o);
	free(heat.steps);
	arena_done(&notes);
	arena_done(&walk);
	job->n_judged++;
}

static void unreadable(struct job *job, const struct verify_kernel *k, struct diag *d)
{
	struct verify_outcome o = { .kernel = k, .verdict = VERIFY_NO_VERDICT, .d = d };

	verify_sink_put(&job->sink, &o);
}

/* One kernel: the object as it would be loaded there, and each of its programs. */
static int judge_kernel(struct job *job, const struct verify_kernels *ks, const struct verify_kernel *k)
{
	const struct kobj_opts opts = { .kernel = k->profile,
					.kernel_types = k->types,
					.version = k->version,
					.config = verify_config,
					.user = (void *)ks };
	const struct prog *one = NULL;
	struct kobj object;
	struct arena a;
	struct diag d;
	enum err err;
	int code = 0;

	arena_init(&a, OBJECT_ARENA_MAX);
	diag_init(&d);
	d.subject = job->args->path;
	err = kobj_read(view_of(job->bytes, job->len), job->args->path, &opts, &a, &object, &d);
	if (err == E_OK && job->args->prog) {
		one = obj_prog(&object.obj, job->args->prog);
		if (!one)
			code = cli_fail(CLI_REFUSED, "'%s' has no program '%s'", job->args->path, job->args->prog);
	}
	if (err == E_FORMAT || err == E_TRUNCATED) /* for no kernel is it an object */
		code = cli_fail_diag(err, &d);
	else if (err != E_OK)
		unreadable(job, k, &d);
	for (uint32_t i = 0; err == E_OK && !code && i < object.obj.n_progs; i++)
		if (!one || one == &object.obj.progs[i])
			judge(job, k, &object, &object.obj.progs[i]);
	if (err == E_OK && !code && !object.obj.n_progs)
		code = cli_fail(CLI_REFUSED, "'%s' holds no program", job->args->path);
	arena_done(&a);
	return code;
}

static void say_stand_ins(const struct verify_args *args, const struct verify_kernels *ks)
{
	for (uint32_t i = 0; i < ks->n; i++)
		if (ks->k[i].stand_in) {
			(void)fprintf(stderr,
				      "sallyport: note: %s, so that fields and kfuncs which differ are judged as "
				      "there\n",
				      args->btf && ks->k[i].types_from == args->btf
					      ? "--btf gives one file for several kernels: its types stand in for "
						"theirs"
					      : "no types of other kernels are given (--btf): this host's stand in "
						"for theirs");
			return;
		}
}

static int judge_kernels(struct job *job, const struct verify_kernels *ks)
{
	int code = verify_sink_open(&job->sink, job->args, ks), end;

	say_stand_ins(job->args, ks);
	for (uint32_t i = 0; i < ks->n && !code; i++)
		code = judge_kernel(job, ks, &ks->k[i]);
	if (code) {
		verify_matrix_free(job->sink.matrix);
		buf_done(&job->sink.out);
		return code;
	}
	end = verify_sink_close(&job->sink, ks);
	return end;
}

static int verify_linux(const struct verify_args *args)
{
	struct job job = { .args = args };
	struct verify_kernels ks;
	struct diag d;
	int code = verify_kernels_open(args, &ks);
	enum err err;

	diag_init(&d);
	if (!code && args->policy)
		code = verify_policy_open(args->policy, &job.policy);
	if (!code) {
		err = agent_file_read(args->path, &job.bytes, &job.len, &d);
		code = err == E_OK ? 0 : cli_fail_diag(err, &d);
	}
	if (!code)
		code = judge_kernels(&job, &ks);
	verify_policy_free(job.policy);
	free(job.bytes);
	verify_kernels_done(&ks);
	return code;
}

/* ---- the command line ---- */

static int format_of(const char *name, enum verify_format *out)
{
	if (!strcmp(name, "text"))
		*out = VERIFY_TEXT;
	else if (!strcmp(name, "json"))
		*out = VERIFY_JSON;
	else if (!strcmp(name, "sarif"))
		*out = VERIFY_SARIF;
	else
		return cli_fail(CLI_USAGE, "--format takes text, json or sarif, not '%s'", name);
	return 0;
}

static int choose(const struct verify_args *a)
{
	bool linux_only = a->compat || a->source || a->policy || a->btf || a->format == VERIFY_SARIF ||
			  a->format == VERIFY_KERNEL_LOG;
	bool content = a->kernels && !strcmp(a->kernels, abi_sallyport.name);

	if (!a->kernels && !linux_only)
		content = verify_is_content(a->path);
	if (content && linux_only)
		return cli_fail(CLI_USAGE, "--compat, --source, --policy, --btf, --log and sarif are for kernels of "
					   "Linux: not with --kernel sallyport");
	if (!content && (a->trace || a->schema))
		return cli_fail(CLI_USAGE, "--trace and --schema are for content: give --kernel sallyport");
	return content ? verify_content(a) : verify_linux(a);
}

/* --compat 5.10,6.1: what follows is a list of kernels, and no object. */
static bool take_list(int argc, char **argv)
{
	const char *next = optind < argc ? argv[optind] : "";
	char first[64];
	size_t len = strcspn(next, ",");

	if (!len || len >= sizeof first || strchr(next, '/') || !access(next, F_OK))
		return false;
	memcpy(first, next, len);
	first[len] = '\0';
	return !strcmp(first, "host") || !strcmp(first, "all") || kernel_version(first);
}

int cmd_verify(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "prog", required_argument, NULL, 'p' },   { "kernel", required_argument, NULL, 'k' },
		{ "schema", required_argument, NULL, 's' }, { "format", required_argument, NULL, 'f' },
		{ "btf", required_argument, NULL, 'b' },    { "policy", required_argument, NULL, 'P' },
		{ "log", required_argument, NULL, 'l' },    { "explain", required_argument, NULL, 'e' },
		{ "compat", optional_argument, NULL, 'c' }, { "kernels", optional_argument, NULL, 'K' },
		{ "source", no_argument, NULL, 'S' },       { "trace", no_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },         { 0 },
	};
	struct verify_args a = { 0 };
	const char *explain = NULL, *which = NULL;
	bool list = false;
	int c, code = 0;

	while (!code && (c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'p':
			a.prog = optarg;
			break;
		case 's':
			a.schema = optarg;
			break;
		case 'k':
			a.kernels = optarg;
			break;
		case 'b':
			a.btf = optarg;
			break;
		case 'P':
			a.policy = optarg;
			break;
		case 'e':
			explain = optarg;
			break;
		case 'c':
			a.compat = true;
			a.kernels = optarg ? optarg : take_list(argc, argv) ? argv[optind++] : a.kernels;
			break;
		case 'K':
			list = true;
			which = optarg ? optarg : which;
			break;
		case 'S':
			a.source = true;
			break;
		case 't':
			a.trace = true;
			break;
		case 'j':
			a.format = VERIFY_JSON;
			break;
		case 'f':
			code = format_of(optarg, &a.format);
			break;
		case 'l':
			if (strcmp(optarg, "kernel"))
				code = cli_fail(CLI_USAGE, "--log takes kernel, not '%s'", optarg);
			a.format = VERIFY_KERNEL_LOG;
			break;
		default:
			return cli_usage("verify");
		}
	}
	if (code)
		return code;
	if (list && !which && optind < argc)
		which = argv[optind++];
	if (list && optind == argc)
		return verify_list(&a, which);
	if (explain && optind == argc)
		return verify_explain(explain, a.format == VERIFY_JSON);
	if (optind + 1 != argc) {
		(void)cli_fail(CLI_USAGE, "one object is needed");
		return cli_usage("verify");
	}
	a.path = argv[optind];
	return choose(&a);
}
