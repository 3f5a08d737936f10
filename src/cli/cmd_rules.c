/* SPDX-License-Identifier: Apache-2.0 */
/* rules: its subcommands. */
#include "cli/cli.h"

const char cmd_rules_help[] = "usage: sallyport rules check F|DIR... [--lint=warn|error|off] [--schema FILE]\n"
			      "                             [--strict-falco] [--json]\n"
			      "       sallyport rules test F|DIR... [--coverage] [--strict-falco] [--json]\n"
			      "       sallyport rules list [rules [F|DIR...]|fields|events|schema]\n"
			      "                            [--strict-falco] [--json]\n"
			      "       sallyport rules compile F|DIR... -o OUT [--schema FILE] [--strict-falco]\n"
			      "                               [--json]\n"
			      "       sallyport rules diff OLD NEW --capture F... [--all-matches] [--exit-code]\n"
			      "                            [--json]\n"
			      "       sallyport rules vectors F|DIR... [--strict-falco] [--json]\n"
			      "       sallyport rules import sigma F|DIR... [-o OUT] [--json]\n"
			      "\n"
			      "check    parse, type-check, compile and verify; errors have a place, an id and a\n"
			      "         hint. Then look for rules that hardly do what was meant\n"
			      "         (docs/analysis.md), and list which types of events each is judged on\n"
			      "test     run the tests that stand beside the rules\n"
			      "list     rules, or what conditions can speak of: fields and events; schema is\n"
			      "         what --schema reads\n"
			      "compile  to one eBPF object that 'sallyport run --rules' and 'sallyport verify'\n"
			      "         read\n"
			      "diff     replay captures through two contents (rules, a directory of them, or\n"
			      "         compiled ones): which alerts appear and vanish, which rules changed,\n"
			      "         and what either costs\n"
			      "vectors  the events that travel with compiled rules and are run on a host before\n"
			      "         the rules are: for every field of a condition one that makes the rule\n"
			      "         fire and one that does not, and the tests beside the rules\n"
			      "import   rules in Sigma's format, directories with all below them, as rules of\n"
			      "         this language, on standard output or in OUT; each that cannot be said\n"
			      "         is refused with its reason. License and author stay with each rule.\n"
			      "         Exit code 0: at least one was imported and no file was malformed;\n"
			      "         1: none was, or one was (the good ones are written all the same)\n"
			      "\n"
			      "--lint=error    findings about rules fail the check; off leaves them out\n"
			      "--coverage      of test: say which comparisons no test saw both true and false\n"
			      "--schema FILE   judge against the fields of another release, as its\n"
			      "                'sallyport rules list schema' prints them\n"
			      "--capture F     of diff: what to replay; may be given again\n"
			      "--all-matches   of diff: every rule that matches alerts, not only the first\n"
			      "--exit-code     of diff: 1 when the alerts differ; without it 0 says that the\n"
			      "                comparison was made\n"
			      "-o OUT          where the object, or the imported rules, go\n"
			      "--strict-falco  read rules as Falco does where that is not what its\n"
			      "                documentation says (docs/rules.md)\n"
			      "--json          one JSON object; of import a report of what became of each rule,\n"
			      "                which wants -o\n";

int cmd_rules(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} subs[] = { { "check", rules_check },     { "test", rules_test }, { "list", rules_list },
		     { "compile", rules_compile }, { "diff", rules_diff }, { "import", rules_import },
		     { "vectors", rules_vectors } };

	for (size_t i = 0; argc >= 2 && i < countof(subs); i++)
		if (!strcmp(argv[1], subs[i].name))
			return subs[i].run(argc - 1, argv + 1);
	(void)cli_fail(CLI_USAGE,
		       argc < 2 ? "check, test, list, compile, diff, vectors or import?" : "there is no 'rules %s'",
		       argc < 2 ? "" : argv[1]);
	return cli_usage("rules");
}
