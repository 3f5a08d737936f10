/* SPDX-License-Identifier: Apache-2.0 */
/* status: how the running agent does. */
#include "cli/owner.h"

#include <getopt.h>

const char cmd_status_help[] = "usage: sallyport status [--socket PATH] [--config F] [--json]\n"
			       "\n"
			       "What the agent on this host has armed, how it came there, what its worker did,\n"
			       "and what needs its owner. Needs root.\n"
			       "\n"
			       "  --socket PATH   where the agent answers, instead of what the settings say\n"
			       "  --config F      settings, instead of " CLI_CONFIG_PATH "\n"
			       "  --json          one JSON object\n"
			       "\n"
			       "Exit codes: 0 all is well, 1 something needs the owner (the lines LOOK AT say\n"
			       "what), 3 no agent answers.\n";

int cmd_status(int argc, char **argv)
{
	static const struct option opts[] = { OWNER_OPTIONS, { "json", no_argument, NULL, OWNER_JSON }, { 0 } };
	struct steward_request q = { .question = STEWARD_STATUS };
	struct owner_args a = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1)
		if (!owner_option(c, optarg, &a))
			return cli_usage("status");
	return optind == argc ? owner_ask(&a, &q) : cli_usage("status");
}
