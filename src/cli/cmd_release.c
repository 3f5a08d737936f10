/* SPDX-License-Identifier: Apache-2.0 */
/* release: its subcommands. */
#include "cli/release.h"

const char cmd_release_help[] =
	"usage: sallyport release root new --fleet NAME --keys FILE -o OUT [--days N] [--json]\n"
	"       sallyport release root new --after OLD --keys FILE -o OUT [--new-epoch]\n"
	"                                  [--days N] [--json]\n"
	"       sallyport release root sign FILE --key K... [--json]\n"
	"       sallyport release root show FILE [--json]\n"
	"       sallyport release publish BUNDLE --channel C --repo URL --ledger L\n"
	"                                 [--lane normal|urgent] [--root FILE] [--json]\n"
	"       sallyport release status --ledger L [--last N] [--json]\n"
	"       sallyport release log --ledger L [--verify] [--last N] [--json]\n"
	"       sallyport release promote R --key K --repo URL --ledger L [--json]\n"
	"       sallyport release pause|resume|halt R --repo URL --ledger L [--json]\n"
	"       sallyport release revert R [--key K]... --repo URL --ledger L [--json]\n"
	"       sallyport release export --repo URL -o FILE [--json]\n"
	"       sallyport release import FILE --repo URL [--json]\n"
	"\n"
	"The root of a fleet's trust says which keys sign what, how many of them it takes, and\n"
	"the plan of its releases (docs/formats/release.md). Hosts get the first one from their\n"
	"owner; each further one is signed by enough keys of the one before and of itself.\n"
	"\n"
	"root new   write an unsigned root: the first of a fleet, or the one that follows OLD\n"
	"root sign  add the signatures of secret keys to FILE.minisig\n"
	"root show  what it says, and who signed it\n"
	"\n"
	"A release is a signed bundle on its way through the rings of a fleet (docs/release.md);\n"
	"'sallyport controller' takes it there. R is its version, or the beginning of its digest.\n"
	"\n"
	"publish    check bundle, proofs and signatures (BUNDLE.minisig), put it into the\n"
	"           repository; the controller opens ring 0\n"
	"status     where each release is, its gate's numbers, what it waits for, the log's end\n"
	"log        all that was done, by whom\n"
	"promote    sign for the next ring, where one needs a person (rings 4 to 6, blessing,\n"
	"           urgent lane) and its gate has passed; nothing else opens a ring\n"
	"pause      no further host gets it, until a person resumes\n"
	"resume     go on; the soak of its ring begins again\n"
	"halt       stop it for good; the controller revokes it\n"
	"revert     revoke it; of a blessed one the blessed release before is promoted again\n"
	"export     all that hosts need of a repository in one tar file\n"
	"import     put such a file's content into a repository; hosts check it as ever\n"
	"\n"
	"--fleet NAME  of the fleet: a-z, 0-9, '.', '_' and '-'\n"
	"--after OLD   the root before; fleet and epoch come from it\n"
	"--keys FILE   roles with their keys and thresholds, and a plan, in YAML\n"
	"-o OUT        where the root, or the archive, goes; a root that is there already is never\n"
	"              touched\n"
	"--days N      it expires after N days, 365 unless said; then hosts take nothing new,\n"
	"              and go on with what they have\n"
	"--new-epoch   begin all sequence numbers anew: after the theft of an online key\n"
	"--key K       a secret key's file; may be given again. Of revert the first is a person's\n"
	"              (role approve), all of them sign the revoke\n"
	"--channel C   hosts follow one channel\n"
	"--lane L      urgent: shorter soaks, the same rings, and a person signs for each\n"
	"--repo URL    the repository: dir:// and an absolute path\n"
	"--ledger L    what the release server remembers; made if there is none\n"
	"--root FILE   the root to trust, with FILE.minisig: once, or the next one\n"
	"--last N      so many entries of the log\n"
	"--verify      check that every entry of the log follows the one before\n"
	"--json        one JSON object\n";

int cmd_release(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} subs[] = {
		{ "root", cmd_release_root }, { "publish", release_publish }, { "status", release_status },
		{ "log", release_log },       { "promote", release_change },  { "pause", release_change },
		{ "resume", release_change }, { "halt", release_change },     { "revert", release_change },
		{ "export", release_export }, { "import", release_import },
	};

	for (size_t i = 0; argc >= 2 && i < countof(subs); i++)
		if (!strcmp(argv[1], subs[i].name))
			return subs[i].run(argc - 1, argv + 1);
	(void)cli_fail(CLI_USAGE,
		       argc < 2 ? "root, publish, status, log, promote, pause, resume, halt, revert, export or import?"
				: "there is no 'release %s'",
		       argc < 2 ? "" : argv[1]);
	return cli_usage("release");
}
