/* SPDX-License-Identifier: Apache-2.0 */
/* explain bundle: the agent's own proof, whether a release may be activated on this host and why. */
#include "cli/owner.h"

#include <getopt.h>

int explain_bundle(int argc, char **argv)
{
	static const struct option opts[] = { OWNER_OPTIONS, { "json", no_argument, NULL, OWNER_JSON }, { 0 } };
	struct steward_request q = { .question = STEWARD_EXPLAIN };
	struct owner_args a = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1)
		if (!owner_option(c, optarg, &a))
			return cli_usage("explain");
	if (optind + 1 != argc)
		return cli_fail(CLI_USAGE, optind == argc ? "which bundle?" : "one bundle at a time");
	for (const char *p = argv[optind]; *p; p++) {
		/* Digests are written in lower case. */
		char digit = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;

		if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f')) || p - argv[optind] >= 64)
			return cli_fail(CLI_USAGE,
					"'%s' is no digest: up to 64 hexadecimal digits, or the first few of "
					"them",
					argv[optind]);
		q.digest[p - argv[optind]] = digit;
	}
	q.digest_len = (uint32_t)strlen(q.digest);
	return owner_ask(&a, &q);
}
