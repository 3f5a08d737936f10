/* SPDX-License-Identifier: Apache-2.0 */
/* bundle: its subcommands. */
#include "cli/cli.h"

#include "agent/agent.h"

static_assert((int)BUNDLE_MAX_BYTES <= (int)AGENT_MAX_FILE_BYTES && (int)BUNDLE_MAX_SOURCES == (int)AGENT_MAX_FILES &&
		      (int)BUNDLE_MAX_SOURCE_BYTES == (int)RULE_MAX_FILE_BYTES,
	      "what can be written can be read everywhere");

const char cmd_bundle_help[] = "usage: sallyport bundle build F|DIR... -o OUT [--name N] [--version V]\n"
			       "                              [--security-floor N] [--engine-max N]\n"
			       "                              [--limit NAME=N]... [--in-order]\n"
			       "                              [--strict-falco] [--json]\n"
			       "       sallyport bundle inspect F [--json]\n"
			       "       sallyport bundle check F [--rebuild] [--json]\n"
			       "       sallyport bundle sign F --key K... [--json]\n"
			       "\n"
			       "A bundle is one file with everything that a host needs of some rules: compiled\n"
			       "content, what it counts on and may take, test vectors, and the rules themselves\n"
			       "(docs/formats/bundle.md). The same rules and options always give the same bytes,\n"
			       "whose digest is the bundle's name. Where rules are read, a bundle may stand.\n"
			       "\n"
			       "build    compile the rules, prove them, and write the bundle. Files are known by\n"
			       "         the last part of their path, and read in the order of those names\n"
			       "inspect  show what the bundle says of itself; whether it is true, and fits this\n"
			       "         host, is for check\n"
			       "check    everything that a host checks before it runs one: the file itself,\n"
			       "         limits, fields, the proof of each program, its vectors\n"
			       "sign     add the signatures of secret keys to F.minisig, after that check; the\n"
			       "         first of them is one that minisign verifies\n"
			       "\n"
			       "-o OUT              the bundle; it appears whole or not at all\n"
			       "--name N            what the content is called, 'local' unless said\n"
			       "--version V         a label of this version, '0' unless said\n"
			       "--security-floor N  a host that ran content with this floor takes none with a\n"
			       "                    lower one any more; 0 unless said\n"
			       "--engine-max N      the newest engine level that the content is for\n"
			       "--limit NAME=N      what the content may take: programs, instructions, rules,\n"
			       "                    predicates, filter-names, arena-bytes, fuel,\n"
			       "                    alerts-per-minute or cpu-ns; may be given again\n"
			       "--in-order          read the files in the order in which they are given: for files\n"
			       "                    that change what others define\n"
			       "--strict-falco      read rules as Falco does where that is not what its\n"
			       "                    documentation says (docs/rules.md)\n"
			       "--rebuild           compile the sources again, and compare byte for byte\n"
			       "--key K             a secret key's file; may be given again\n"
			       "--json              one JSON object\n";

int cmd_bundle(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} subs[] = {
		{ "build", cmd_bundle_build },
		{ "inspect", cmd_bundle_inspect },
		{ "check", cmd_bundle_check },
		{ "sign", cmd_bundle_sign },
	};

	for (size_t i = 0; argc >= 2 && i < countof(subs); i++)
		if (!strcmp(argv[1], subs[i].name))
			return subs[i].run(argc - 1, argv + 1);
	(void)cli_fail(CLI_USAGE, argc < 2 ? "build, inspect, check or sign?" : "there is no 'bundle %s'",
		       argc < 2 ? "" : argv[1]);
	return cli_usage("bundle");
}

int cli_bundle_read(const char *path, struct arena *a, char **text, size_t *len, struct bundle *out)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = agent_file_read(path, text, len, &d);
	if (err != E_OK)
		return cli_fail_diag(err, &d);
	d.subject = path;
	err = bundle_read(view_of(*text, *len), a, out, &d);
	return err == E_OK ? 0 : cli_fail_diag(err, &d);
}
