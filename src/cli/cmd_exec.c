/* SPDX-License-Identifier: Apache-2.0 */
/* exec: run one program here and say what came of it. */
#include <getopt.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "cli/exec.h"
#include "engine/helpers/helpers.h"

const char cmd_exec_help[] = "usage: sallyport exec FILE [--prog NAME] [--mem HEX|@FILE] [--fuel N] [--repeat N]\n"
			     "                      [--interpreted|--sandboxed|--verified] [--trace] [--profile]\n"
			     "                      [--raw] [--json]\n"
			     "\n"
			     "Run a program and print r0. FILE is an object, a text of assembly (docs/asm.md), or\n"
			     "bare instructions. It runs checked: a bad access ends it with a message that says\n"
			     "where. It has fresh maps, the helpers of Sallyport's runtime, and no event.\n"
			     "\n"
			     "  --prog NAME      this program of the object; unless said, the first one\n"
			     "  --mem HEX|@FILE  the memory that r1 points to, in hexadecimal or a file's bytes;\n"
			     "                   r2 is its size. Unless said, both are 0\n"
			     "  --fuel N         about how many instructions may run; unless said, 1000000\n"
			     "  --repeat N       run it N times, each with the memory as given, and tell the time\n"
			     "                   that a run took; maps keep what runs wrote\n"
			     "  --trace          print each instruction with the registers that it changed, on\n"
			     "                   standard error; interpreted runs only, as --profile\n"
			     "  --profile        count instructions by source line and by function\n"
			     "  --interpreted    by the interpreter; so it is unless said\n"
			     "  --sandboxed      as native code with the interpreter's checks in it\n"
			     "  --verified       as native code without checks, after the verifier has proven that\n"
			     "                   it needs none with memory of this size\n"
			     "  --raw            FILE is bare instructions, whatever it looks like\n"
			     "  --json           one object with the result\n"
			     "\n"
			     "Exit code 0: it ran to its end. 1: it was refused, or ended by a fault.\n";

enum { MEM_MAX = 16 << 20, OUTPUT_MAX = 256 << 20 };

struct exec_args {
	const char *path, *prog, *mem;
	uint64_t fuel, repeat;
	enum exec_way way;
	bool trace, profile, raw, json;
};

struct exec_job {
	const struct exec_args *args;
	const struct prog *p;
	struct exec_set set;
	struct vm *vm;
	char *mem; /* as given; NULL: none */
	size_t mem_bytes;
	char *ctx; /* what the run gets: a copy */
	struct helper_env env;
	struct exec_watch watch;
	uint64_t r0, ns; /* of the last run; of all */
};

/* ---- what the host gives to helpers ---- */

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t host_now(struct helper_env *env)
{
	(void)env;
	return clock_ns(CLOCK_MONOTONIC);
}

static uint32_t host_random(struct helper_env *env)
{
	uint32_t v = 0;

	(void)env;
	return getrandom(&v, sizeof v, 0) == sizeof v ? v : 0;
}

static void host_print(struct helper_env *env, const char *text, size_t len)
{
	struct buf line;

	(void)env;
	buf_init(&line, 1 << 16);
	buf_put_safe(&line, text, len);
	(void)fprintf(stderr, "%s\n", line.p ? line.p : "");
	buf_done(&line);
}

/* ---- making it ready ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "0102", "01 02" */
static int parse_hex(struct exec_job *k, const char *p)
{
	k->mem = malloc(strlen(p) / 2 + 1);
	if (!k->mem)
		return cli_fail(CLI_HOST, "%s", err_text(E_NOMEM));
	while (*p) {
		if (*p == ' ' || *p == '\t' || *p == '\n') {
			p++;
			continue;
		}
		if (digit(p[0]) < 0 || digit(p[1]) < 0)
			return cli_fail(CLI_USAGE, "--mem takes pairs of hexadecimal digits, or @FILE");
		k->mem[k->mem_bytes++] = (char)(digit(p[0]) << 4 | digit(p[1]));
		p += 2;
	}
	return 0;
}

static int load_mem(struct exec_job *k)
{
	const char *mem = k->args->mem;
	struct diag d;
	enum err err;
	int code = 0;

	if (!mem)
		return 0;
	diag_init(&d);
	err = mem[0] == '@' ? io_read_file(mem + 1, MEM_MAX, &k->mem, &k->mem_bytes, &d) : E_OK;
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	if (mem[0] != '@')
		code = parse_hex(k, mem);
	if (code)
		return code;
	k->ctx = malloc(k->mem_bytes ? k->mem_bytes : 1);
	return k->ctx ? 0 : cli_fail(CLI_HOST, "%s", err_text(E_NOMEM));
}

static FALLIBLE make_ready(struct exec_job *k, const struct program_file *f, struct diag *d)
{
	TRY(exec_load(&k->set, f, k->p, d));
	if (k->args->way != EXEC_INTERPRETED)
		TRY(exec_compile(&k->set, k->args->way, k->mem_bytes, d));
	k->env = (struct helper_env){ .now_ns = host_now, .random = host_random, .print = host_print };
	k->watch = (struct exec_watch){ .p = k->p, .vp = k->set.vp, .trace = k->args->trace };
	if (k->args->profile) {
		k->watch.counts = calloc((size_t)k->p->n_insns + 1, sizeof *k->watch.counts);
		if (!k->watch.counts)
			return E_NOMEM;
	}
	return vm_new(&k->vm);
}

static void job_done(struct exec_job *k)
{
	vm_free(k->vm);
	exec_unload(&k->set);
	free(k->mem);
	free(k->ctx);
	free(k->watch.counts);
}

/* ---- running and telling ---- */

static FALLIBLE run_once(struct exec_job *k, struct diag *d)
{
	struct vm_run_args args = { .ctx_writable = true, .env = &k->env, .fuel = k->args->fuel };
	struct vm_observer o = exec_observer(&k->watch);
	enum err err;

	if (k->mem) {
		memcpy(k->ctx, k->mem, k->mem_bytes);
		args.ctx = k->ctx;
		args.ctx_bytes = k->mem_bytes;
	}
	if (!k->args->trace && !k->args->profile)
		return vm_run(k->vm, k->set.vp, &args, &k->r0, NULL, d);
	err = vm_run_observed(k->vm, k->set.vp, &args, &o, &k->r0, NULL, d);
	exec_watch_end(&k->watch, err == E_OK, k->r0);
	return err;
}

static FALLIBLE run_all(struct exec_job *k, struct diag *d)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);

	for (uint64_t i = 0; i < k->args->repeat; i++)
		TRY(run_once(k, d));
	k->ns = clock_ns(CLOCK_MONOTONIC) - start;
	return E_OK;
}

static int tell_json(struct exec_job *k, enum err err, struct diag *d)
{
	struct buf out;
	struct json j;
	int code = 0;

	buf_init(&out, OUTPUT_MAX);
	json_init(&j, &out);
	json_object(&j);
	if (err != E_OK) {
		json_key(&j, "diagnostic");
		cli_json_diag(&j, d);
	}
	json_key(&j, "ok");
	json_bool(&j, err == E_OK);
	if (k->watch.counts) {
		json_key(&j, "profile");
		code = exec_profile_json(&k->watch, &j);
	}
	if (err == E_OK) {
		char r0[32];

		/* As text: not every reader of JSON has 64-bit numbers. */
		(void)snprintf(r0, sizeof r0, "0x%llx", (unsigned long long)k->r0);
		json_key(&j, "r0");
		json_str(&j, r0);
		json_key(&j, "run_ns");
		json_f64(&j, (double)k->ns / (double)k->args->repeat);
	}
	json_end_object(&j);
	if (code) {
		buf_done(&out);
		return code;
	}
	code = cli_print(&out);
	return code ? code : err == E_OK ? CLI_OK : CLI_REFUSED;
}

static int tell_text(struct exec_job *k, enum err err, const struct diag *d)
{
	struct buf out;
	int code = 0;

	buf_init(&out, OUTPUT_MAX);
	if (err == E_OK)
		buf_printf(&out, "r0 = %llu (0x%llx)\n", (unsigned long long)k->r0, (unsigned long long)k->r0);
	if (err == E_OK && k->args->repeat > 1)
		buf_printf(&out, "%llu runs, %.1f ns each\n", (unsigned long long)k->args->repeat,
			   (double)k->ns / (double)k->args->repeat);
	if (k->watch.counts)
		code = exec_profile_text(&k->watch, &out);
	if (code)
		buf_done(&out);
	else
		code = cli_print(&out);
	if (err != E_OK)
		return cli_fail_diag(err, d);
	return code;
}

static int run_prog(const struct exec_args *a, const struct program_file *f, const struct prog *p)
{
	struct exec_job k = { .args = a, .p = p };
	struct diag d;
	enum err err;
	int code;

	diag_init(&d);
	code = load_mem(&k);
	if (!code) {
		err = make_ready(&k, f, &d);
		if (err == E_OK)
			err = run_all(&k, &d);
		if (err != E_OK && !d.text[0])
			(void)snprintf(d.text, sizeof d.text, "%s", err_text(err));
		if (err != E_OK && !d.subject)
			d.subject = p->name;
		code = a->json ? tell_json(&k, err, &d) : tell_text(&k, err, &d);
	}
	job_done(&k);
	return code;
}

static int run(const struct exec_args *a)
{
	const struct prog *p = NULL;
	struct program_file f;
	int code = program_file_read(a->path, a->raw, &f);

	if (!code)
		code = program_file_pick(&f, a->path, a->prog, &p);
	if (!code)
		code = run_prog(a, &f, p);
	program_file_done(&f);
	return code;
}

static int parse_option(int c, struct exec_args *a)
{
	switch (c) {
	case 'p':
		a->prog = optarg;
		return 0;
	case 'm':
		a->mem = optarg;
		return 0;
	case 'f':
		a->fuel = cli_number(optarg, INT64_MAX);
		return a->fuel ? 0 : cli_fail(CLI_USAGE, "--fuel takes a number from 1 on");
	case 'n':
		a->repeat = cli_number(optarg, INT64_MAX);
		return a->repeat ? 0 : cli_fail(CLI_USAGE, "--repeat takes a number from 1 on");
	case 't':
		a->trace = true;
		return 0;
	case 'q':
		a->profile = true;
		return 0;
	case 'i':
		a->way = EXEC_INTERPRETED;
		return 0;
	case 's':
		a->way = EXEC_SANDBOXED;
		return 0;
	case 'v':
		a->way = EXEC_VERIFIED;
		return 0;
	case 'r':
		a->raw = true;
		return 0;
	case 'j':
		a->json = true;
		return 0;
	default:
		return cli_usage("exec");
	}
}

int cmd_exec(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "prog", required_argument, NULL, 'p' },  { "mem", required_argument, NULL, 'm' },
		{ "fuel", required_argument, NULL, 'f' },  { "repeat", required_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 't' },       { "profile", no_argument, NULL, 'q' },
		{ "interpreted", no_argument, NULL, 'i' }, { "sandboxed", no_argument, NULL, 's' },
		{ "verified", no_argument, NULL, 'v' },    { "raw", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },        { 0 },
	};
	struct exec_args a = { .repeat = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		int code = parse_option(c, &a);

		if (code)
			return code;
	}
	if (optind + 1 != argc) {
		(void)cli_fail(CLI_USAGE, "one file is needed");
		return cli_usage("exec");
	}
	if (a.way != EXEC_INTERPRETED && (a.trace || a.profile)) {
		(void)cli_fail(CLI_USAGE, "only an interpreted run can be watched");
		return cli_usage("exec");
	}
	a.path = argv[optind];
	return run(&a);
}
