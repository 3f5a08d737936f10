/* SPDX-License-Identifier: Apache-2.0 */
/* record: what the sensor sees, to a file. */
#include "agent/agent.h"
#include "cli/cli.h"

#include <getopt.h>

const char cmd_record_help[] = "usage: sallyport record -o FILE [--duration S] [--rules F|DIR]... [--json]\n"
			       "                        [--ring-kib N]\n"
			       "\n"
			       "Write down everything that the sensor sees on this host, until interrupted, for\n"
			       "'sallyport replay'. Needs root.\n"
			       "\n"
			       "  -o FILE         the capture; what the file held before is gone. It has names\n"
			       "                  of files, arguments of programs and addresses in it, and\n"
			       "                  /etc/passwd: only root may read it at first\n"
			       "  --duration S    stop after S seconds\n"
			       "  --rules F|DIR   also judge events, and print alerts, as 'sallyport run' does;\n"
			       "                  may be given again\n"
			       "  --json          alerts as one JSON object a line\n"
			       "  --ring-kib N    size of the bulk ring buffer, a power of two, 4 to 65536\n";

struct record_args {
	struct config config;
	const char *path;
	uint64_t duration_s;
};

static int add_rules(struct record_args *a, const char *path)
{
	enum err err = config_add_rule(&a->config, path);

	return err == E_OK ? 0 : cli_fail(CLI_USAGE, "--rules %s: %s", path, err_text(err));
}

static int set_ring(struct record_args *a, const char *text)
{
	uint64_t kib = cli_number(text, 65536);

	if (kib < 4 || kib & (kib - 1))
		return cli_fail(CLI_USAGE, "--ring-kib takes a power of two from 4 to 65536");
	a->config.bulk_kib = (uint32_t)kib;
	return 0;
}

static int take_option(int c, struct record_args *a)
{
	switch (c) {
	case 'o':
		a->path = optarg;
		return 0;
	case 'r':
		return add_rules(a, optarg);
	case 'k':
		return set_ring(a, optarg);
	case 'j':
		a->config.stdout_format = CONFIG_JSON;
		return 0;
	case 'd':
		a->duration_s = cli_number(optarg, 1 << 30);
		return a->duration_s ? 0 : cli_fail(CLI_USAGE, "--duration takes whole seconds from 1 on");
	default:
		return cli_usage("record");
	}
}

static int parse(int argc, char **argv, struct record_args *a)
{
	static const struct option opts[] = {
		{ "output", required_argument, NULL, 'o' },   { "rules", required_argument, NULL, 'r' },
		{ "duration", required_argument, NULL, 'd' }, { "json", no_argument, NULL, 'j' },
		{ "ring-kib", required_argument, NULL, 'k' }, { 0 },
	};
	int c, code;

	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		code = take_option(c, a);
		if (code)
			return code;
	}
	if (optind != argc)
		return cli_fail(CLI_USAGE, "'%s' is not an option: the capture is given with -o", argv[optind]);
	return a->path ? 0 : cli_fail(CLI_USAGE, "which file? -o FILE");
}

int cmd_record(int argc, char **argv)
{
	struct record_args a = { 0 };
	struct agent_opts o = { .config = &a.config };
	int code;

	config_init(&a.config);
	code = parse(argc, argv, &a);
	if (!code && geteuid())
		code = cli_fail(CLI_HOST,
				"recording a host needs root: loading programs into the kernel is its right alone");
	if (!code) {
		a.config.stdout_enabled = a.config.n_rules > 0;
		o.record = a.path;
		o.duration_ms = a.duration_s * 1000;
		o.colour = cli_colour(STDOUT_FILENO);
		o.colour_stderr = cli_colour(STDERR_FILENO);
		code = agent_run(&o);
	}
	config_done(&a.config);
	return code;
}
