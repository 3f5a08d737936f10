/* SPDX-License-Identifier: Apache-2.0 */
/* mute, unmute: alerts of a rule that the owner does not want to see for a while. */
#include "cli/owner.h"

#include <getopt.h>

const char cmd_mute_help[] = "usage: sallyport mute RULE --for T --reason TEXT [--where FIELD=VALUE]\n"
			     "                      [--socket PATH] [--config F]\n"
			     "       sallyport mute --list [--json] [--socket PATH] [--config F]\n"
			     "\n"
			     "Alerts of a rule are not written for a while. The rule is judged and its alerts\n"
			     "are counted as ever; any rule can be muted, also one of priority Critical. Needs\n"
			     "root.\n"
			     "\n"
			     "  RULE                 the whole name of a rule that is loaded\n"
			     "  --for T              for so long: 30s, 10m, 2h, 3d, at most 366d\n"
			     "  --reason TEXT        why; 'mute --list' shows it\n"
			     "  --where FIELD=VALUE  only alerts whose event has this value, as it is written in\n"
			     "                       alerts: proc.exepath=/usr/bin/make. FIELD 'cgroup' is the\n"
			     "                       path of the control group\n"
			     "  --list               what is muted, for how long, and why\n"
			     "  --json               the list as a JSON array\n"
			     "  --socket PATH        where the agent answers, instead of what the settings say\n"
			     "  --config F           settings, instead of " CLI_CONFIG_PATH "\n"
			     "\n"
			     "Mutes outlive the agent and the boot when the agent has a state directory\n"
			     "(setting 'state'); there can be 64. Exit codes: 0 done, 1 refused, 3 no agent\n"
			     "answers.\n";

const char cmd_unmute_help[] = "usage: sallyport unmute RULE [--where FIELD=VALUE] [--socket PATH] [--config F]\n"
			       "\n"
			       "Alerts of a rule are written again. Needs root.\n"
			       "\n"
			       "  RULE                 as it was muted\n"
			       "  --where FIELD=VALUE  as it was muted\n"
			       "  --socket PATH        where the agent answers, instead of what the settings say\n"
			       "  --config F           settings, instead of " CLI_CONFIG_PATH "\n"
			       "\n"
			       "Exit codes: 0 done, 1 there is no such mute, 3 no agent answers.\n";

enum { OPT_FOR = 'f', OPT_REASON = 'r', OPT_WHERE = 'w', OPT_LIST = 'l' };

struct mute_args {
	struct owner_args a;
	struct steward_request q;
	const char *span, *reason, *where;
	bool list;
};

static int parse(int argc, char **argv, const struct option *opts, struct mute_args *m)
{
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == OPT_FOR)
			m->span = optarg;
		else if (c == OPT_REASON)
			m->reason = optarg;
		else if (c == OPT_WHERE)
			m->where = optarg;
		else if (c == OPT_LIST)
			m->list = true;
		else if (!owner_option(c, optarg, &m->a))
			return cli_usage(argv[0]);
	}
	return 0;
}

/* Which rule, and where. */
static int take_what(int argc, char **argv, struct mute_args *m)
{
	const char *value = m->where ? strchr(m->where, '=') : NULL;
	char key[sizeof m->q.key + 1];

	if (optind + 1 != argc)
		return cli_fail(CLI_USAGE, optind == argc ? "which rule?" : "one rule at a time; its name in quotes");
	if (!owner_text(m->q.rule, sizeof m->q.rule, argv[optind]))
		return cli_fail(CLI_USAGE, "a rule's name has 1 to %zu bytes here", sizeof m->q.rule - 1);
	if (!m->where)
		return 0;
	(void)snprintf(key, sizeof key, "%.*s", value ? (int)(value - m->where) : 0, m->where);
	if (!owner_text(m->q.key, sizeof m->q.key, key) || !owner_text(m->q.value, sizeof m->q.value, value + 1))
		return cli_fail(CLI_USAGE, "--where takes FIELD=VALUE, of at most %zu and %zu bytes",
				sizeof m->q.key - 1, sizeof m->q.value - 1);
	return 0;
}

int cmd_mute(int argc, char **argv)
{
	static const struct option opts[] = { OWNER_OPTIONS,
					      { "json", no_argument, NULL, OWNER_JSON },
					      { "for", required_argument, NULL, OPT_FOR },
					      { "reason", required_argument, NULL, OPT_REASON },
					      { "where", required_argument, NULL, OPT_WHERE },
					      { "list", no_argument, NULL, OPT_LIST },
					      { 0 } };
	struct mute_args m = { .q.question = STEWARD_MUTE };
	int code = parse(argc, argv, opts, &m);

	if (code)
		return code;
	if (m.list && (optind != argc || m.span || m.reason || m.where))
		return cli_fail(CLI_USAGE, "--list stands alone");
	if (m.list) {
		m.q.question = STEWARD_MUTES;
		return owner_ask(&m.a, &m.q);
	}
	if (m.a.json)
		return cli_fail(CLI_USAGE, "--json goes with --list");
	code = take_what(argc, argv, &m);
	if (code)
		return code;
	m.q.seconds = m.span ? owner_span_s(m.span) : 0;
	if (!m.q.seconds)
		return cli_fail(CLI_USAGE, "for how long? --for takes 30s, 10m, 2h, 3d");
	if (!m.reason || !owner_text(m.q.reason, sizeof m.q.reason, m.reason))
		return cli_fail(CLI_USAGE, "why? --reason takes 1 to %zu bytes", sizeof m.q.reason - 1);
	return owner_ask(&m.a, &m.q);
}

int cmd_unmute(int argc, char **argv)
{
	static const struct option opts[] = { OWNER_OPTIONS, { "where", required_argument, NULL, OPT_WHERE }, { 0 } };
	struct mute_args m = { .q.question = STEWARD_UNMUTE };
	int code = parse(argc, argv, opts, &m);

	if (!code)
		code = take_what(argc, argv, &m);
	return code ? code : owner_ask(&m.a, &m.q);
}
