/* SPDX-License-Identifier: Apache-2.0 */
/* alerts: those that the sensor wrote to a file. */
#include "cli/alert_files.h"
#include "cli/owner.h"

#include <getopt.h>
#include <time.h>

const char cmd_alerts_help[] = "usage: sallyport alerts [--since T] [--until T] [--rule R] [--priority P] [--follow]\n"
			       "                        [--file F]... [--config F] [--json]\n"
			       "\n"
			       "Show alerts that the sensor wrote to its file (setting 'outputs.file', format\n"
			       "json) and to those that it was renamed to, oldest first.\n"
			       "\n"
			       "  --since T     from then on: 10m, 2h, 3d ago, or a time as in alerts,\n"
			       "                2026-03-01T12:00:00Z\n"
			       "  --until T     up to then\n"
			       "  --rule R      of rules whose name is R or has it as a part; case is ignored\n"
			       "  --priority P  of this priority and above: debug, informational, notice, warning,\n"
			       "                error, critical, alert, emergency\n"
			       "  --follow      go on as alerts come, until interrupted\n"
			       "  --file F      such a file, instead of the one in the settings; may be given again\n"
			       "  --config F    settings, instead of " CLI_CONFIG_PATH "\n"
			       "  --json        as they are in the file: one JSON object a line\n"
			       "\n"
			       "Lines that are no alerts are left out, and counted on standard error. Exit codes:\n"
			       "0 read, 1 there is no such file, 3 it cannot be read.\n";

enum { MAX_ALERT_FILES = 16 };

struct alerts_args {
	struct owner_args owner;
	const char *files[MAX_ALERT_FILES], *rule;
	uint32_t n_files, priority; /* this one and what is more severe */
	uint64_t since_ns, until_ns;
	bool follow;
	/* while it runs */
	struct buf out, name;
	uint64_t left_out;
	bool broken; /* standard output */
};

static bool when(const char *text, uint64_t *out)
{
	uint64_t span = owner_span_s(text);
	struct timespec now;

	if (!span)
		return output_time_read(view_of(text, strlen(text)), out);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	*out = (uint64_t)now.tv_sec > span ? ((uint64_t)now.tv_sec - span) * 1000000000 + (uint64_t)now.tv_nsec : 0;
	return true;
}

static bool priority_of(const char *text, uint32_t *out)
{
	for (uint32_t p = 0; p <= RULE_DEBUG; p++)
		if (!strcasecmp(text, rule_priority_name(p))) {
			*out = p;
			return true;
		}
	return false;
}

static int take_option(int c, struct alerts_args *a)
{
	if (c == 's' || c == 'u')
		return when(optarg, c == 's' ? &a->since_ns : &a->until_ns)
			       ? 0
			       : cli_fail(CLI_USAGE, "'%s' is no time: 10m, 2h, 3d, or 2026-03-01T12:00:00Z", optarg);
	if (c == 'p')
		return priority_of(optarg, &a->priority)
			       ? 0
			       : cli_fail(CLI_USAGE, "there is no priority '%s': 'sallyport alerts --help' lists them",
					  optarg);
	if (c == 'f' && a->n_files == MAX_ALERT_FILES)
		return cli_fail(CLI_USAGE, "--file may be given %d times", MAX_ALERT_FILES);
	if (c == 'f')
		a->files[a->n_files++] = optarg;
	else if (c == 'r')
		a->rule = optarg;
	else if (c == 'F')
		a->follow = true;
	else if (c == OWNER_SOCKET || !owner_option(c, optarg, &a->owner))
		return cli_usage("alerts");
	return 0;
}

static int parse(int argc, char **argv, struct alerts_args *a)
{
	static const struct option opts[] = { { "config", required_argument, NULL, OWNER_CONFIG },
					      { "json", no_argument, NULL, OWNER_JSON },
					      { "since", required_argument, NULL, 's' },
					      { "until", required_argument, NULL, 'u' },
					      { "rule", required_argument, NULL, 'r' },
					      { "priority", required_argument, NULL, 'p' },
					      { "follow", no_argument, NULL, 'F' },
					      { "file", required_argument, NULL, 'f' },
					      { 0 } };
	int c, code;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		code = take_option(c, a);
		if (code)
			return code;
	}
	if (optind != argc)
		return cli_usage("alerts");
	return a->follow && a->n_files > 1 ? cli_fail(CLI_USAGE, "--follow goes with one file") : 0;
}

static bool of_rule(struct alerts_args *a, struct view rule)
{
	if (!a->rule)
		return true;
	buf_reset(&a->name);
	output_unescape(rule, &a->name);
	return a->name.len && strcasestr(a->name.p, a->rule);
}

/* Those from U+0080 to U+009F are letters to JSON, and orders to some terminals. */
static void put_json(struct buf *out, struct view line)
{
	size_t from = 0;

	for (size_t i = 0; i + 1 < line.len; i++)
		if (line.p[i] == 0xc2 && line.p[i + 1] < 0xa0) {
			buf_put(out, line.p + from, i - from);
			buf_printf(out, "\\u%04x", line.p[i + 1]);
			from = i + 2;
		}
	buf_put(out, line.p + from, line.len - from);
}

/* As the terminal shows it, with the day before it: an alert of last week has the same time of day. */
static void put_text(struct alerts_args *a, const struct output_read *r)
{
	time_t s = (time_t)(r->time_ns / 1000000000);
	char day[32] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		(void)strftime(day, sizeof day, "%Y-%m-%d ", &tm);
	buf_puts(&a->out, day);
	buf_reset(&a->name);
	output_unescape(r->output, &a->name);
	buf_put_safe(&a->out, a->name.p ? a->name.p : "", a->name.len);
}

static bool flush(struct alerts_args *a)
{
	if (a->out.len && fwrite(a->out.p, 1, a->out.len, stdout) != a->out.len)
		a->broken = true;
	buf_reset(&a->out);
	return !a->broken;
}

static bool on_line(void *user, struct view line)
{
	struct alerts_args *a = user;
	struct output_read r;

	if (!output_json_read(line, &r)) {
		a->left_out += !line.p || line.len; /* an empty one ends what a worker had begun */
		return true;
	}
	if (r.time_ns < a->since_ns || r.time_ns > a->until_ns || r.priority > a->priority || !of_rule(a, r.rule))
		return true;
	if (a->owner.json)
		put_json(&a->out, line);
	else
		put_text(a, &r);
	buf_putc(&a->out, '\n');
	return flush(a);
}

static bool on_idle(void *user)
{
	struct alerts_args *a = user;

	if (fflush(stdout))
		a->broken = true;
	return !a->broken;
}

static int read_file(struct alerts_args *a, const char *path)
{
	struct alert_files f = {
		.path = path, .since_ns = a->since_ns, .follow = a->follow, .line = on_line, .idle = on_idle, .user = a
	};
	struct diag d;
	enum err err;

	diag_init(&d);
	err = alert_files_read(&f, &d);
	if (err == E_NOT_FOUND)
		return cli_fail(CLI_REFUSED, "there is no file '%s': no alert was written yet, or to another place",
				path);
	if (err != E_OK)
		return cli_fail(CLI_HOST, "%s", d.text[0] ? d.text : err_text(err));
	return 0;
}

static int read_setting(struct alerts_args *a)
{
	struct config c;
	int code = cli_settings(a->owner.config, &c);

	if (!code && !c.file_path)
		code = cli_fail(CLI_REFUSED, "no file of alerts is configured: set outputs.file.path, or name one with "
					     "--file");
	if (!code && c.file_format != CONFIG_JSON)
		code = cli_fail(CLI_REFUSED, "'%s' holds text: outputs.file.format has to be json", c.file_path);
	if (!code)
		code = read_file(a, c.file_path);
	config_done(&c);
	return code;
}

int cmd_alerts(int argc, char **argv)
{
	struct alerts_args a = { .until_ns = UINT64_MAX, .priority = RULE_DEBUG };
	int code = parse(argc, argv, &a);

	if (code)
		return code;
	buf_init(&a.out, 8 * OUTPUT_LINE_MAX);
	buf_init(&a.name, OUTPUT_LINE_MAX);
	if (!a.n_files)
		code = read_setting(&a);
	for (uint32_t i = 0; i < a.n_files && !code; i++)
		code = read_file(&a, a.files[i]);
	if (fflush(stdout) || a.broken)
		code = cli_fail(CLI_HOST, "standard output cannot be written");
	if (a.left_out)
		(void)fprintf(stderr, "sallyport: %llu lines are no alerts and were left out\n",
			      (unsigned long long)a.left_out);
	buf_done(&a.out);
	buf_done(&a.name);
	return code;
}
