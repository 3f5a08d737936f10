/* SPDX-License-Identifier: Apache-2.0 */
/* explain: what a rule is, and what an event makes of it. */
#include "cli/cli.h"

#include "agent/agent.h"

#include <getopt.h>

const char cmd_explain_help[] = "usage: sallyport explain rule RULE [--rules F|DIR]... [--event E] [--json]\n"
				"       sallyport explain event E [--rules F|DIR]... [--json]\n"
				"       sallyport explain bundle D [--socket PATH] [--config F] [--json]\n"
				"\n"
				"rule   what a rule is made of; with --event what each part of its condition is\n"
				"       for that event, and which of them decided\n"
				"event  which rules fire for an event, and which would but for one part of their\n"
				"       condition\n"
				"bundle whether the agent that runs here may activate a release: each thing that\n"
				"       must hold, and the evidence of the ring before, judged again. Needs root\n"
				"\n"
				"  RULE            its name, or a part of it that only one has\n"
				"  --event E       an event: a file with one as under 'tests:' (- is standard\n"
				"                  input), such an event itself, or one of a capture:\n"
				"                    '{event: file_open, fields: {evt.type: openat}}'\n"
				"                    @CAPTURE:NUM, numbered as 'sallyport replay' with the same\n"
				"                    rules numbers (evt.num)\n"
				"  --rules F|DIR   rules as text; may be given again. Without it the default\n"
				"                  rules\n"
				"  D               the bundle's digest, or its first digits, from 4 on\n"
				"  --socket PATH   where the agent answers, instead of what the settings say\n"
				"  --config F      settings, instead of " CLI_CONFIG_PATH "\n"
				"  --json          one JSON object\n"
				"\n"
				"Each part is compiled, proven and run as the rule itself is. Exit codes:\n"
				"0 explained, 1 no such rule, event or bundle, 3 no agent answers.\n";

static int parse(int argc, char **argv, struct explain_args *a, char **rules, uint32_t *n_rules)
{
	static const struct option opts[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "event", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'r' && *n_rules < AGENT_MAX_FILES)
			rules[(*n_rules)++] = optarg;
		else if (c == 'r')
			return cli_fail(CLI_USAGE, "--rules may be given %d times", AGENT_MAX_FILES);
		else if (c == 'e')
			a->event = optarg;
		else if (c == 'j')
			a->json = true;
		else
			return cli_usage("explain");
	}
	return 0;
}

static int load(struct explain_args *a, char **rules, uint32_t n)
{
	const char *builtin = cli_default_rules();
	int code;

	if (!n && !builtin)
		return cli_fail(CLI_REFUSED,
				"no rules: none are installed in " SALLYPORT_RULES_DIR ", and --rules names none");
	if (!n)
		rules[n++] = (char *)(uintptr_t)builtin;
	code = cli_rules_load(rules, n, &template_builtin, &a->rules);
	if (code)
		cli_rules_show(&a->rules);
	return code;
}

int cmd_explain(int argc, char **argv)
{
	static char *rules[AGENT_MAX_FILES];
	struct explain_args a = { .colour = cli_colour(STDOUT_FILENO) };
	const char *sub = argc >= 2 ? argv[1] : "";
	uint32_t n_rules = 0;
	bool rule = !strcmp(sub, "rule");
	int code;

	if (!strcmp(sub, "bundle"))
		return explain_bundle(argc - 1, argv + 1);
	if (!rule && strcmp(sub, "event") != 0) {
		(void)cli_fail(CLI_USAGE, argc < 2 ? "rule, event or bundle?" : "there is no 'explain %s'", sub);
		return cli_usage("explain");
	}
	code = parse(argc - 1, argv + 1, &a, rules, &n_rules);
	if (code)
		return code;
	if (optind + 1 != argc - 1)
		return cli_fail(CLI_USAGE, optind + 1 > argc - 1 ? "which %s?" : "one %s at a time", sub);
	if (!rule && a.event)
		return cli_fail(CLI_USAGE, "'explain event' takes the event without --event");
	*(rule ? &a.what : &a.event) = argv[1 + optind];
	code = load(&a, rules, n_rules);
	if (!code)
		code = rule ? explain_rule(&a) : explain_event(&a);
	cli_rules_done(&a.rules);
	return code;
}
