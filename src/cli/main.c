/* SPDX-License-Identifier: Apache-2.0 */
/* main: which command is meant. */
#include "agent/agent.h"
#include "cli/cli.h"

#include <signal.h>

static const struct {
	const char *name, *summary, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
#define CMD(name, summary) { #name, summary, cmd_##name##_help, cmd_##name },
#include "cli/commands.def"
#undef CMD
};

/* As it is typed: support-bundle. */
static const char *typed(const char *name, char out[32])
{
	size_t i = 0;

	for (; name[i] && i < 31; i++)
		out[i] = name[i] == '_' ? '-' : name[i];
	out[i] = 0;
	return out;
}

static void usage(FILE *to)
{
	char name[32];

	(void)fprintf(to, "usage: sallyport COMMAND [ARGS]\n\n");
	for (size_t i = 0; i < countof(commands); i++)
		(void)fprintf(to, "  %-14s  %s\n", typed(commands[i].name, name), commands[i].summary);
	(void)fprintf(to, "\n'sallyport COMMAND --help' explains one.\n"
			  "Exit codes: 0 done, 1 refused or failed, 2 wrong use, 3 this host cannot.\n");
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (is_help(argv[i]))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	char name[32];

	if (argc >= 2 && !strcmp(argv[1], AGENT_WORKER_ARG))
		return agent_worker(argc, argv);
	if (argc >= 2 && !strcmp(argv[1], AGENT_COMPILER_ARG))
		return agent_compiler(argc, argv);
	if (argc >= 2 && !strcmp(argv[1], AGENT_COURIER_ARG))
		return agent_courier();
	if (argc >= 2 && !strcmp(argv[1], AGENT_STEWARD_ARG))
		return agent_steward();
	if (argc < 2) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (is_help(argv[1]) || !strcmp(argv[1], "help")) {
		usage(stdout);
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--version"))
		return cmd_version(1, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < countof(commands); i++) {
		if (strcmp(argv[1], typed(commands[i].name, name)))
			continue;
		if (wants_help(argc - 1, argv + 1)) {
			(void)fputs(commands[i].help, stdout);
			return CLI_OK;
		}
		return commands[i].run(argc - 1, argv + 1);
	}
	(void)cli_fail(CLI_USAGE, "there is no command '%s'", argv[1]);
	usage(stderr);
	return CLI_USAGE;
}
