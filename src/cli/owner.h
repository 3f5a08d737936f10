/* SPDX-License-Identifier: Apache-2.0 */
/* owner: commands for a running agent: status, alerts, mute, unmute, safe, support-bundle, explain bundle. */
#ifndef SALLYPORT_CLI_OWNER_H
#define SALLYPORT_CLI_OWNER_H

#include "agent/agent.h"
#include "cli/cli.h"

enum {
	OWNER_ANSWER_MAX = 8 * STEWARD_REPLY_MAX, /* an answer made safe for terminals */
	OWNER_SPAN_MAX_S = 100 * 366 * 86400ll,
};

/* Options that all of them have; values of getopt_long. */
enum { OWNER_SOCKET = 256, OWNER_CONFIG, OWNER_JSON };
#define OWNER_OPTIONS                                           \
	{ "socket", required_argument, NULL, OWNER_SOCKET },    \
	{                                                       \
		"config", required_argument, NULL, OWNER_CONFIG \
	}

struct owner_args {
	const char *socket, *config; /* NULL: by the settings; the usual ones */
	bool json;
};

/* Take c when it is one of these options. */
bool owner_option(int c, const char *arg, struct owner_args *a);
/* Ask and print. The exit code; what is refused goes to stderr. */
int owner_ask(const struct owner_args *a, const struct steward_request *q);
/* The answer into out, safe for terminals, and its own exit code; or an exit code when there is none, said on stderr.
 */
int owner_fetch(const struct owner_args *a, const struct steward_request *q, struct buf *out, int *answered);
/* Copy into a field of a request. False: empty, or too long. */
bool owner_text(char *out, size_t max, const char *text);
/* "90s", "10m", "2h", "3d" in seconds; 0: it is none. */
uint64_t owner_span_s(const char *text);

#endif
