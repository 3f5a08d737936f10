/* SPDX-License-Identifier: Apache-2.0 */
/* release: its subcommands. */
#include "cli/cli.h"

const char cmd_release_help[] =
	"usage: sallyport release root new --fleet NAME --keys FILE -o OUT [--days N] [--json]\n"
	"       sallyport release root new --after OLD --keys FILE -o OUT [--new-epoch]\n"
	"                                  [--days N] [--json]\n"
	"       sallyport release root sign FILE --key K... [--json]\n"
	"       sallyport release root show FILE [--json]\n"
	"\n"
	"The root of a fleet's trust says which keys sign what, how many of them it takes, and\n"
	"the plan of its releases (docs/formats/release.md). Hosts get the first one from their\n"
	"owner; each further one is signed by enough keys of the one before and of itself.\n"
	"\n"
	"root new   write an unsigned root: the first of a fleet, or the one that follows OLD\n"
	"root sign  add the signatures of secret keys to FILE.minisig\n"
	"root show  what it says, and who signed it\n"
	"\n"
	"--fleet NAME  of the fleet: a-z, 0-9, '.', '_' and '-'\n"
	"--after OLD   the root before; fleet and epoch come from it\n"
	"--keys FILE   roles with their keys and thresholds, and a plan, in YAML\n"
	"-o OUT        where the root goes; a file that is there already is never touched\n"
	"--days N      it expires after N days, 365 unless said; then hosts take nothing new,\n"
	"              and go on with what they have\n"
	"--new-epoch   begin all sequence numbers anew: after the theft of an online key\n"
	"--key K       a secret key's file; may be given again\n"
	"--json        one JSON object\n";

int cmd_release(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "root"))
		return cmd_release_root(argc - 1, argv + 1);
	(void)cli_fail(CLI_USAGE, argc < 2 ? "root?" : "there is no 'release %s'", argc < 2 ? "" : argv[1]);
	return cli_usage("release");
}
