/* SPDX-License-Identifier: Apache-2.0 */
/* run: the sensor on this host. */
#include "agent/agent.h"
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>

const char cmd_run_help[] = "usage: sallyport run [--rules F|DIR]... [--bundle F] [--config F] [--duration S]\n"
			    "                     [--json] [--ring-kib N] [--all-matches] [--strict-falco]\n"
			    "\n"
			    "Watch this host and print alerts until interrupted. Needs root.\n"
			    "\n"
			    "  --rules F|DIR   rules to load, instead of those in the settings: a YAML file,\n"
			    "                  compiled content, a bundle, or a directory of them; may be given\n"
			    "                  again. Rules are taken as they are: nobody has signed them.\n"
			    "  --bundle F      a bundle to load, instead of rules; nothing else is taken for one\n"
			    "  --config F      settings, instead of " CLI_CONFIG_PATH "\n"
			    "                  (docs/config.md)\n"
			    "  --duration S    stop after S seconds\n"
			    "  --json          one JSON object a line; at the end one with all counts on\n"
			    "                  standard error\n"
			    "  --ring-kib N    size of the bulk ring buffer, a power of two, 64 to 65536\n"
			    "  --all-matches   every rule that matches an event alerts, not only the first\n"
			    "  --strict-falco  read rules as Falco does where that is not what its\n"
			    "                  documentation says (docs/rules.md)\n"
			    "\n"
			    "SIGHUP reads the rules again; if they are refused, the old ones stay in force.\n";

struct run_args {
	struct config config;
	const char *config_path;
	bool json, all, strict, rules_given, bundle_given;
	uint64_t duration_s, ring_kib;
};

static int add_rules(struct run_args *a, const char *path, bool bundle)
{
	enum err err;

	if (a->bundle_given || (bundle && a->rules_given))
		return cli_fail(CLI_USAGE, "one bundle, or rules: --bundle stands alone");
	err = config_add_rule(&a->config, path);
	a->rules_given = true;
	a->bundle_given = bundle;
	return err == E_OK ? 0 : cli_fail(CLI_USAGE, "%s: %s", path, err_text(err));
}

static int parse(int argc, char **argv, struct run_args *a)
{
	static const struct option opts[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "config", required_argument, NULL, 'c' },
		{ "duration", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "ring-kib", required_argument, NULL, 'k' },
		{ "all-matches", no_argument, NULL, 'a' },
		{ "strict-falco", no_argument, NULL, 's' },
		{ "bundle", required_argument, NULL, 'b' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'r':
		case 'b':
			if (add_rules(a, optarg, c == 'b'))
				return CLI_USAGE;
			break;
		case 'c':
			a->config_path = optarg;
			break;
		case 'd':
			a->duration_s = cli_number(optarg, 1 << 30);
			if (!a->duration_s)
				return cli_fail(CLI_USAGE, "--duration takes whole seconds from 1 on");
			break;
		case 'k':
			a->ring_kib = cli_number(optarg, 65536);
			if (a->ring_kib < 64 || a->ring_kib & (a->ring_kib - 1))
				return cli_fail(CLI_USAGE, "--ring-kib takes a power of two from 64 to 65536");
			break;
		case 'j':
			a->json = true;
			break;
		case 'a':
			a->all = true;
			break;
		case 's':
			a->strict = true;
			break;
		default:
			return cli_usage("run");
		}
	}
	return optind == argc
		       ? 0
		       : cli_fail(CLI_USAGE, "'%s' is not an option: rules are given with --rules", argv[optind]);
}

/* The owner's file over the defaults; then the command line over both. */
static int read_config(struct run_args *a)
{
	struct config c;
	int code = cli_settings(a->config_path, &c);

	if (code)
		return code;
	/* Paths of the command line stand instead of those of the file. */
	for (uint32_t i = 0; a->rules_given && i < c.n_rules; i++)
		free(TAKE(c.rules[i]));
	if (a->rules_given) {
		memcpy(c.rules, a->config.rules, sizeof c.rules);
		c.n_rules = a->config.n_rules;
		a->config.n_rules = 0;
	}
	config_done(&a->config);
	a->config = c;
	return 0;
}

static int finish_config(struct run_args *a)
{
	int code = read_config(a);

	if (code)
		return code;
	if (a->json)
		a->config.stdout_format = CONFIG_JSON;
	if (a->all)
		a->config.matching = CONFIG_ALL;
	if (a->strict)
		a->config.strict_falco = 1;
	if (a->ring_kib)
		a->config.bulk_kib = (uint32_t)a->ring_kib;
	if (!a->config.stdout_enabled && !a->config.file_path && !a->config.syslog_transport && !a->config.http_url)
		return cli_fail(CLI_REFUSED, "alerts would go nowhere: standard output is off, and no file, syslog or "
					     "HTTP output is configured");
	if (!a->config.n_rules) {
		const char *rules = cli_default_rules();

		if (!rules)
			return cli_fail(CLI_REFUSED, "no rules: none are installed in " SALLYPORT_RULES_DIR
						     ", and neither --rules nor the configuration names any");
		if (config_add_rule(&a->config, rules) != E_OK)
			return cli_fail(CLI_HOST, "out of memory");
	}
	return 0;
}

int cmd_run(int argc, char **argv)
{
	struct run_args a = { 0 };
	struct agent_opts o = { .config = &a.config };
	int code;

	config_init(&a.config);
	code = parse(argc, argv, &a);
	if (!code)
		code = finish_config(&a);
	if (!code && geteuid())
		code = cli_fail(CLI_HOST,
				"watching a host needs root: loading programs into the kernel is its right alone. "
				"Try 'sudo sallyport run'; 'sallyport doctor' says what else is missing");
	if (!code) {
		o.bundles = a.bundle_given;
		o.duration_ms = a.duration_s * 1000;
		o.colour = cli_colour(STDOUT_FILENO);
		o.colour_stderr = cli_colour(STDERR_FILENO);
		code = agent_run(&o);
	}
	config_done(&a.config);
	return code;
}
