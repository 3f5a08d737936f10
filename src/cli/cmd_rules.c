/* SPDX-License-Identifier: Apache-2.0 */
/* rules: its subcommands. */
#include "cli/cli.h"

const char cmd_rules_help[] =
	"usage: sallyport rules check F|DIR... [--lint=warn|error|off] [--schema FILE] [--strict-falco] [--json]\n"
	"       sallyport rules test F|DIR... [--coverage] [--strict-falco] [--json]\n"
	"       sallyport rules list [rules [F|DIR...]|fields|events|schema] [--strict-falco] [--json]\n"
	"       sallyport rules compile F|DIR... -o OUT [--schema FILE] [--strict-falco] [--json]\n"
	"       sallyport rules diff OLD NEW --capture F... [--all-matches] [--exit-code] [--json]\n"
	"       sallyport rules import sigma F|DIR... [-o OUT] [--json]\n"
	"\n"
	"check    parse, type-check, compile and verify; errors have a place, an id and a hint; then look for\n"
	"         rules that hardly do what was meant (docs/analysis.md): --lint=error fails on them, off leaves that "
	"out;\n"
	"         then, per rule, the types of events that it is judged on\n"
	"test     run the tests that stand beside the rules; --coverage: and say which comparisons no test saw both "
	"true and "
	"false\n"
	"list     rules, or what conditions can speak of: fields and events; schema is what --schema reads\n"
	"compile  to one eBPF object that 'sallyport run --rules' and 'sallyport verify' read\n"
	"diff     replay captures through two contents (rules, a directory of them, or compiled ones): which alerts\n"
	"         appear and vanish, which rules changed, and what either costs\n"
	"import   rules in Sigma's format, directories with all below them, as rules of this language, on standard\n"
	"         output or in OUT; each that cannot be said is refused with its reason. Exit code 0: at least one\n"
	"         was imported and no file was malformed; 1: none was, or one was (the good ones are written). --json\n"
	"         reports what became of each rule, and wants -o. License and author stay with each rule.\n"
	"\n"
	"--schema FILE  judge against the fields of another release, as its 'sallyport rules list schema' prints "
	"them\n"
	"--exit-code    of diff: 1 when the alerts differ; without it 0 says that the comparison was made\n"
	"--strict-falco read rules as Falco does where that is not what its documentation says: docs/rules.md\n";

int cmd_rules(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} subs[] = { { "check", rules_check },
		     { "test", rules_test },
		     { "list", rules_list },
		     { "compile", rules_compile },
		     { "diff", rules_diff },
		     { "import", rules_import } };

	for (size_t i = 0; argc >= 2 && i < countof(subs); i++)
		if (!strcmp(argv[1], subs[i].name))
			return subs[i].run(argc - 1, argv + 1);
	(void)cli_fail(CLI_USAGE, argc < 2 ? "check, test, list, compile, diff or import?" : "there is no 'rules %s'",
		       argc < 2 ? "" : argv[1]);
	return cli_usage("rules");
}
