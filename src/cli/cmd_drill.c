/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill: does it really alert? Starts a sensor of its own, sets off each rule that names a stimulus, and waits for that
 * rule's alert.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

const char cmd_drill_help[] = "usage: sallyport drill [RULE]... [--rules F|DIR]... [--json]\n"
			      "\n"
			      "Start a sensor, do something harmless for each rule that names a `drill:`, and\n"
			      "report whether it alerted and how fast. With RULE names only those. Needs root.\n"
			      "Exit code 1 when a rule did not alert.\n"
			      "\n"
			      "  --rules F|DIR   rules to try, instead of the default ones; may be given again\n"
			      "  --json          one JSON object\n";

enum { MAX_PATHS = 64, ALERT_TIMEOUT_MS = 3000, START_TIMEOUT_MS = 30000, BUFFER = 256 << 10 };

/* A pipe of lines. */
struct lines {
	int fd;
	size_t have;
	char text[BUFFER];
};

struct sensor {
	pid_t pid;
	struct lines out, err;
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Read more into l, for at most timeout_ms. False: nothing came, or the end. */
static bool read_more(struct lines *l, int timeout_ms)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	ssize_t n;

	if (l->have == sizeof l->text - 1)
		l->have = 0; /* a line longer than any of ours */
	if (poll(&p, 1, timeout_ms) <= 0)
		return false;
	n = read(l->fd, l->text + l->have, sizeof l->text - 1 - l->have);
	if (n <= 0)
		return false;
	l->have += (size_t)n;
	return true;
}

/* Take lines until one has the word; false when none came until the time. Each line taken is shown when show is set. */
static bool wait_for(struct lines *l, const char *word, uint64_t until_us, bool show)
{
	for (;;) {
		char *nl;
		uint64_t now;

		while ((nl = memchr(l->text, '\n', l->have))) {
			bool found;

			*nl = 0;
			found = strstr(l->text, word) != NULL;
			if (show && !found)
				(void)fprintf(stderr, "%s\n", l->text);
			l->have -= (size_t)(nl + 1 - l->text);
			memmove(l->text, nl + 1, l->have);
			if (found)
				return true;
		}
		now = now_us();
		if (now >= until_us || !read_more(l, (int)((until_us - now) / 1000 + 1)))
			return false;
	}
}

static _Noreturn void become_sensor(char *const *paths, uint32_t n, int out, int err)
{
	char *argv[6 + 2 * MAX_PATHS], a0[] = "sallyport", a1[] = "run", a2[] = "--json", a3[] = "--all-matches",
				       r[] = "--rules";
	uint32_t k = 0;

	argv[k++] = a0;
	argv[k++] = a1;
	argv[k++] = a2;
	argv[k++] = a3;
	for (uint32_t i = 0; i < n; i++) {
		argv[k++] = r;
		argv[k++] = paths[i];
	}
	argv[k] = NULL;
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(err, STDERR_FILENO);
	execv("/proc/self/exe", argv);
	_exit(CLI_HOST);
}

static int start_sensor(struct sensor *s, char *const *paths, uint32_t n)
{
	int out[2], err[2], status;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return cli_fail(CLI_HOST, "pipe: %s", strerror(errno));
	(void)fflush(NULL);
	s->pid = fork();
	if (s->pid == 0)
		become_sensor(paths, n, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	s->out.fd = out[0];
	s->err.fd = err[0];
	if (s->pid < 0)
		return cli_fail(CLI_HOST, "fork: %s", strerror(errno));
	if (wait_for(&s->err, " watching ", now_us() + START_TIMEOUT_MS * 1000ull, true))
		return 0;
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, &status, 0);
	s->pid = 0;
	return cli_fail(WIFEXITED(status) ? (enum cli_exit)WEXITSTATUS(status) : CLI_HOST, "the sensor did not start");
}

static void stop_sensor(struct sensor *s)
{
	if (s->pid > 0) {
		(void)kill(s->pid, SIGTERM);
		while (read_more(&s->out, 5000))
			s->out.have = 0;
		(void)waitpid(s->pid, NULL, 0);
	}
}

static const struct drill_stimulus *stimulus(const char *name)
{
	for (size_t i = 0; i < drill_n_stimuli; i++)
		if (!strcmp(drill_stimuli[i].name, name))
			return &drill_stimuli[i];
	return NULL;
}

struct result {
	const struct rule *rule;
	bool alerted;
	uint64_t latency_us;
	char problem[120];
};

/* In a child, so that no stimulus can leave its mark on this process, and the clock runs while it lingers. */
static pid_t start_stimulus(const struct drill_stimulus *st, const char *dir)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(st->run(dir));
	return pid;
}

/* 0, or an errno. */
static int finish_stimulus(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static bool wait_for_alert(struct sensor *s, const char *rule, uint64_t until_us)
{
	struct buf word;
	struct json j;
	bool found;

	buf_init(&word, 4096);
	buf_puts(&word, "\"rule\":");
	json_init(&j, &word);
	json_str(&j, rule);
	found = !word.full && wait_for(&s->out, word.p, until_us, false);
	buf_done(&word);
	return found;
}

static void drill_one(struct sensor *s, struct result *r)
{
	const struct drill_stimulus *st = stimulus(r->rule->drill);
	char dir[] = "/tmp/sallyport-drill-XXXXXX";
	uint64_t started;
	pid_t pid;
	int error;

	if (!st || !mkdtemp(dir)) {
		(void)snprintf(r->problem, sizeof r->problem,
			       st ? "no directory in /tmp" : "there is no stimulus '%.60s'", r->rule->drill);
		return;
	}
	/* What an earlier stimulus set off is not this one's doing. */
	while (read_more(&s->out, 0))
		s->out.have = 0;
	s->out.have = 0;
	started = now_us();
	pid = start_stimulus(st, dir);
	r->alerted = wait_for_alert(s, r->rule->name, started + ALERT_TIMEOUT_MS * 1000ull);
	r->latency_us = now_us() - started;
	error = finish_stimulus(pid);
	(void)rmdir(dir);
	if (error)
		(void)snprintf(r->problem, sizeof r->problem, "the stimulus failed: %s", strerror(error));
	else if (!r->alerted)
		(void)snprintf(r->problem, sizeof r->problem, "no alert within %d s", ALERT_TIMEOUT_MS / 1000);
	r->alerted = r->alerted && !error;
}

static bool is_wanted(const struct rule *r, char **names, int n)
{
	if (!r->enabled || (!n && !r->drill))
		return false;
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], r->name))
			return true;
	return !n;
}

static void print_text(const struct result *r, uint32_t n, uint32_t n_left, struct buf *out)
{
	bool colour = cli_colour(STDOUT_FILENO);

	buf_printf(out, "%-9s %-14s %9s  %s\n", "alerted", "stimulus", "time", "rule");
	for (uint32_t i = 0; i < n; i++) {
		buf_printf(out, "%s%-9s%s %-14s ",
			   !colour        ? ""
			   : r[i].alerted ? "\033[32m"
					  : "\033[1;31m",
			   r[i].alerted ? "yes" : "NO", colour ? "\033[0m" : "",
			   r[i].rule->drill ? r[i].rule->drill : "-");
		if (r[i].alerted)
			buf_printf(out, "%6.1f ms  %s\n", (double)r[i].latency_us / 1e3, r[i].rule->name);
		else
			buf_printf(out, "%9s  %s (%s)\n", "-", r[i].rule->name, r[i].problem);
	}
	if (n_left)
		buf_printf(out, "%u more rule%s without a stimulus\n", n_left, PLURAL(n_left));
}

static void print_json(const struct result *r, uint32_t n, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_array(&j);
	for (uint32_t i = 0; i < n; i++) {
		json_object(&j);
		json_key(&j, "alerted");
		json_bool(&j, r[i].alerted);
		json_key(&j, "drill");
		json_str(&j, r[i].rule->drill);
		json_key(&j, "latency_ms");
		json_f64(&j, (double)r[i].latency_us / 1e3);
		json_key(&j, "problem");
		json_str(&j, r[i].problem);
		json_key(&j, "rule");
		json_str(&j, r[i].rule->name);
		json_end_object(&j);
	}
	json_end_array(&j);
}

struct drill_args {
	char *paths[MAX_PATHS];
	uint32_t n_paths;
	bool json;
	char **names;
	int n_names;
};

/* Every name that was given is a rule's. */
static int check_names(const struct drill_args *a, const struct rule_set *rs)
{
	for (int k = 0; k < a->n_names; k++) {
		uint32_t i = 0;

		while (i < rs->n_rules && strcmp(rs->rules[i].name, a->names[k]) != 0)
			i++;
		if (i == rs->n_rules)
			return cli_fail(CLI_REFUSED, "there is no rule '%s' ('sallyport rules list rules' names them)",
					a->names[k]);
	}
	return 0;
}

static int drill_all(const struct drill_args *a, const struct rule_set *rs)
{
	struct result *r = calloc(rs->n_rules + 1u, sizeof *r);
	struct sensor *s = calloc(1, sizeof *s);
	uint32_t n = 0, n_bad = 0;
	struct buf out;
	int code = r && s ? check_names(a, rs) : cli_fail(CLI_HOST, "out of memory");

	for (uint32_t i = 0; !code && i < rs->n_rules; i++)
		if (is_wanted(&rs->rules[i], a->names, a->n_names))
			r[n++].rule = &rs->rules[i];
	if (!code && !n)
		code = cli_fail(CLI_REFUSED, "no rule names a `drill:`");
	if (!code)
		code = start_sensor(s, a->paths, a->n_paths);
	if (!code) {
		for (uint32_t i = 0; i < n; i++) {
			if (r[i].rule->drill)
				drill_one(s, &r[i]);
			else
				(void)snprintf(r[i].problem, sizeof r[i].problem, "it names no `drill:`");
			n_bad += !r[i].alerted;
		}
		stop_sensor(s);
		buf_init(&out, 4 << 20);
		if (a->json)
			print_json(r, n, &out);
		else
			print_text(r, n, a->n_names ? 0 : rs->n_rules - n, &out);
		code = cli_print(&out);
	}
	free(s);
	free(r);
	return code ? code : n_bad ? CLI_REFUSED : CLI_OK;
}

int cmd_drill(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "rules", required_argument, NULL, 'r' },
					      { 0 } };
	struct drill_args a = { 0 };
	struct cli_rules rules = { 0 };
	int c, code;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'j')
			a.json = true;
		else if (c == 'r' && a.n_paths < MAX_PATHS)
			a.paths[a.n_paths++] = optarg;
		else
			return cli_usage("drill");
	}
	a.names = argv + optind;
	a.n_names = argc - optind;
	if (!a.n_paths && cli_default_rules())
		a.paths[a.n_paths++] = (char *)(uintptr_t)cli_default_rules();
	if (!a.n_paths)
		return cli_fail(CLI_REFUSED,
				"no rules are installed in " SALLYPORT_RULES_DIR ": give some with --rules");
	if (geteuid())
		return cli_fail(CLI_HOST, "a drill runs the sensor, which needs root: try 'sudo sallyport drill'");
	code = cli_rules_load(a.paths, a.n_paths, &template_builtin, &rules);
	cli_rules_show(&rules);
	if (!code)
		code = drill_all(&a, rules.set);
	cli_rules_done(&rules);
	return code;
}
