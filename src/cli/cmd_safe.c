/* SPDX-License-Identifier: Apache-2.0 */
/* safe: content off and on again, by the owner's word. */
#include "cli/owner.h"

#include <getopt.h>

const char cmd_safe_help[] = "usage: sallyport safe on|off [--socket PATH] [--config F]\n"
			     "\n"
			     "on    content goes: no rule and no release runs. A fixed feed stays, of programs\n"
			     "      started, changes of user, kernel modules and uses of bpf. It lasts over\n"
			     "      restarts and boots\n"
			     "off   the last known good content is armed again, and hooks that were left out\n"
			     "      after unclean boots are attached again\n"
			     "\n"
			     "  --socket PATH   where the agent answers, instead of what the settings say\n"
			     "  --config F      settings, instead of " CLI_CONFIG_PATH "\n"
			     "\n"
			     "Without a working agent: a file named 'safe' in the state directory (setting\n"
			     "'state') does the same, and is stronger than 'safe off'. Exit codes: 0 done,\n"
			     "1 refused, 3 no agent answers, or it could not.\n";

int cmd_safe(int argc, char **argv)
{
	static const struct option opts[] = { OWNER_OPTIONS, { 0 } };
	struct steward_request q = { 0 };
	struct owner_args a = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1)
		if (!owner_option(c, optarg, &a))
			return cli_usage("safe");
	if (optind + 1 == argc && !strcmp(argv[optind], "on"))
		q.question = STEWARD_SAFE_ON;
	else if (optind + 1 == argc && !strcmp(argv[optind], "off"))
		q.question = STEWARD_SAFE_OFF;
	else
		return cli_fail(CLI_USAGE, "on or off? 'sallyport safe --help' tells what they do");
	return owner_ask(&a, &q);
}
