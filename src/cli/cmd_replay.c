/* SPDX-License-Identifier: Apache-2.0 */
/* replay: rules against a capture. */
#include "agent/agent.h"
#include "cli/cli.h"

#include <getopt.h>

const char cmd_replay_help[] = "usage: sallyport replay FILE [--rules F|DIR]... [--hosts FILE] [--json]\n"
			       "                        [--all-matches] [--strict-falco]\n"
			       "\n"
			       "Judge what a capture holds as if it happened now, and print the alerts, with the\n"
			       "times of the capture. Needs no rights and touches nothing. The same file and\n"
			       "rules always give the same output.\n"
			       "\n"
			       "  FILE            a capture of 'sallyport record', or a .scap; either may be\n"
			       "                  compressed with gzip; - is standard input\n"
			       "  --rules F|DIR   rules, compiled content, a bundle, or a directory of them; may be\n"
			       "                  given again. Without it the default rules\n"
			       "  --hosts FILE    what domain names in rules stand for (fd.sip.name...), in the\n"
			       "                  format of /etc/hosts; without it they stand for nothing: a\n"
			       "                  replay asks no resolver\n"
			       "  --json          one JSON object a line\n"
			       "  --all-matches   every rule that matches an event alerts, not only the first\n"
			       "  --strict-falco  read rules as Falco does where that is not what its\n"
			       "                  documentation says (docs/rules.md)\n"
			       "\n"
			       "A capture that is cut off or damaged is replayed up to that place; then the\n"
			       "error tells where, and the exit code is 1.\n";

static int parse(int argc, char **argv, char **rules, struct agent_replay_opts *o)
{
	static const struct option opts[] = {
		{ "rules", required_argument, NULL, 'r' },  { "hosts", required_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },         { "all-matches", no_argument, NULL, 'a' },
		{ "strict-falco", no_argument, NULL, 's' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'r':
			if (o->n_rules == AGENT_MAX_FILES)
				return cli_fail(CLI_USAGE, "--rules may be given %d times", AGENT_MAX_FILES);
			rules[o->n_rules++] = optarg;
			break;
		case 'h':
			o->hosts = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'a':
			o->all_matches = true;
			break;
		case 's':
			o->strict_falco = true;
			break;
		default:
			return cli_usage("replay");
		}
	}
	if (optind + 1 != argc)
		return cli_fail(CLI_USAGE, optind == argc ? "which capture?" : "one capture at a time");
	o->capture = argv[optind];
	return 0;
}

int cmd_replay(int argc, char **argv)
{
	static char *rules[AGENT_MAX_FILES];
	struct agent_replay_opts o = { .rules = rules,
				       .colour = cli_colour(STDOUT_FILENO),
				       .colour_stderr = cli_colour(STDERR_FILENO) };
	const char *builtin;
	int code = parse(argc, argv, rules, &o);

	if (code)
		return code;
	if (!o.n_rules) {
		builtin = cli_default_rules();
		if (!builtin)
			return cli_fail(CLI_REFUSED, "no rules: none are installed in " SALLYPORT_RULES_DIR
						     ", and --rules names none");
		rules[o.n_rules++] = (char *)(uintptr_t)builtin;
	}
	return agent_replay(&o);
}
