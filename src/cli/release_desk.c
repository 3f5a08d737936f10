/* SPDX-License-Identifier: Apache-2.0 */
/* release_desk: options, and opening what they name. */
#include "cli/release.h"

#include <getopt.h>
#include <pwd.h>
#include <time.h>

static const struct option options[] = { { "repo", required_argument, NULL, 0 },
					 { "ledger", required_argument, NULL, 1 },
					 { "root", required_argument, NULL, 2 },
					 { "channel", required_argument, NULL, 3 },
					 { "lane", required_argument, NULL, 4 },
					 { "key", required_argument, NULL, 5 },
					 { "json", no_argument, NULL, 6 },
					 { "verify", no_argument, NULL, 7 },
					 { "out", required_argument, NULL, 8 },
					 { "keys", required_argument, NULL, 9 },
					 { "once", no_argument, NULL, 10 },
					 { "interval", required_argument, NULL, 11 },
					 { "approve-key", required_argument, NULL, 12 },
					 { "last", required_argument, NULL, 13 },
					 { 0 } };

static int set_number(uint32_t *to, const char *text, const char *name)
{
	*to = (uint32_t)cli_number(text, 86400);
	return *to ? 0 : cli_fail(CLI_USAGE, "--%s takes a number from 1 to 86400", name);
}

static int set_lane(struct release_args *a, const char *text)
{
	if (strcmp(text, "normal") != 0 && strcmp(text, "urgent") != 0)
		return cli_fail(CLI_USAGE, "a lane is 'normal' or 'urgent'");
	a->lane = text[0] == 'u' ? PLAN_URGENT : PLAN_NORMAL;
	return 0;
}

static int set(struct release_args *a, int which, const char *value)
{
	const char **texts[] = { [0] = &a->repo, [1] = &a->ledger, [2] = &a->root,        [3] = &a->channel,
				 [8] = &a->out,  [9] = &a->keys,   [12] = &a->approve_key };

	if (which == 4)
		return set_lane(a, value);
	if (which == 11)
		return set_number(&a->interval_s, value, "interval");
	if (which == 13)
		return set_number(&a->last, value, "last");
	if (which == 5 && a->n_keys == RELEASE_MAX_KEYS)
		return cli_fail(CLI_USAGE, "at most %d keys at once", RELEASE_MAX_KEYS);
	if (which == 5)
		a->key[a->n_keys++] = value;
	else if (which == 6)
		a->json = true;
	else if (which == 7)
		a->verify = true;
	else if (which == 10)
		a->once = true;
	else
		*texts[which] = value;
	return 0;
}

static int missing(const char *command, const struct release_args *a, uint32_t needs)
{
	const struct {
		uint32_t bit;
		const char *value, *name;
	} all[] = { { RELEASE_OPT_REPO, a->repo, "--repo" },
		    { RELEASE_OPT_LEDGER, a->ledger, "--ledger" },
		    { RELEASE_OPT_CHANNEL, a->channel, "--channel" },
		    { RELEASE_OPT_OUT, a->out, "-o" },
		    { RELEASE_OPT_KEYS, a->keys, "--keys" } };

	for (size_t i = 0; i < countof(all); i++)
		if (needs & all[i].bit && !all[i].value)
			return cli_fail(CLI_USAGE, "'%s' needs %s", command, all[i].name);
	return 0;
}

int release_parse(const char *command, int argc, char **argv, uint32_t takes, uint32_t needs, bool operand,
		  struct release_args *out)
{
	const char *page = strncmp(command, "release", 7) ? command : "release";
	int c, code;

	*out = (struct release_args){ 0 };
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == 'o')
			c = 8;
		if (c == '?')
			return cli_usage(page);
		if (!(takes & 1u << c)) {
			(void)cli_fail(CLI_USAGE, "'%s' has no %s", command, c == 8 ? "-o" : options[c].name);
			return cli_usage(page);
		}
		code = set(out, c, optarg);
		if (code)
			return code;
	}
	if (argc - optind > (operand ? 1 : 0)) {
		(void)cli_fail(CLI_USAGE, "what is '%s'?", argv[optind + (operand ? 1 : 0)]);
		return cli_usage(page);
	}
	out->operand = operand && optind < argc ? argv[optind] : NULL;
	return missing(command, out, needs);
}

/* The ledger, waiting for whoever writes now. */
static enum err open_ledger(const char *path, bool writable, struct ledger **out, struct diag *d)
{
	const struct timespec pause = { 0, 100000000 };
	enum err err = E_EXISTS;

	for (int i = 0; err == E_EXISTS && i < 10 * RELEASE_LOCK_WAIT_S; i++) {
		if (i)
			(void)nanosleep(&pause, NULL);
		diag_init(d);
		err = ledger_open(path, writable, out, d);
	}
	return err;
}

static int load_trust(const struct release_args *a, struct release_desk *k)
{
	AUTO_FREE char *root = NULL, *signatures = NULL;
	AUTO_FREE char *name = NULL;
	size_t n = 0, m = 0;
	enum err err = E_OK;

	k->trust = calloc(1, sizeof *k->trust);
	if (!k->trust)
		return cli_fail(CLI_HOST, "out of memory");
	if (a->root) {
		if (asprintf(&name, "%s.minisig", a->root) < 0)
			return cli_fail(CLI_HOST, "out of memory");
		err = io_read_file(a->root, OBJECT_MAX_BYTES, &root, &n, &k->d);
		if (err == E_OK)
			err = io_read_file(name, TRUST_MAX_SIGNATURE_TEXT, &signatures, &m, &k->d);
	}
	if (err == E_OK)
		err = controller_trust(k->ledger, k->repo, view_of(root, n), view_of(signatures, m), k->trust, k->now_s,
				       &k->d);
	return err == E_OK ? 0 : cli_fail_diag(err, &k->d);
}

static void name_actor(char out[64])
{
	const struct passwd *p = getpwuid(getuid());

	if (p && p->pw_name[0])
		(void)snprintf(out, 64, "%.60s", p->pw_name);
	else
		(void)snprintf(out, 64, "uid-%u", (unsigned)getuid());
}

int release_desk_open(const struct release_args *a, bool writable, struct release_desk *out)
{
	enum err err = E_OK;

	*out = (struct release_desk){ .now_s = (uint64_t)time(NULL) };
	diag_init(&out->d);
	name_actor(out->actor);
	for (uint32_t i = 0; i < a->n_keys; i++) {
		int code = cli_secret_load(a->key[i], &out->key[i]);

		if (code)
			return code;
		out->n_keys++;
	}
	if (a->repo)
		err = transport_open(a->repo, writable, &out->repo, &out->d);
	if (err == E_OK && a->ledger)
		err = open_ledger(a->ledger, writable, &out->ledger, &out->d);
	if (err != E_OK)
		return cli_fail_diag(err, &out->d);
	controller_init(&out->c, out->ledger, out->repo);
	return a->ledger ? load_trust(a, out) : 0;
}

void release_desk_done(struct release_desk *d)
{
	for (uint32_t i = 0; i < d->n_keys; i++)
		sign_secret_done(&d->key[i]);
	free(d->trust);
	ledger_close(d->ledger);
	transport_close(d->repo);
}

static bool means(const struct release *r, const char *what)
{
	char hex[2 * OBJECT_DIGEST_BYTES + 1];

	object_hex(r->digest, sizeof r->digest, hex);
	return !strcmp(r->version, what) || (strlen(what) >= 8 && !strncmp(hex, what, strlen(what)));
}

int release_find(struct release_desk *d, const char *what, struct release *out)
{
	AUTO_FREE struct release *all = calloc(LEDGER_MAX_RELEASES, sizeof *all);
	uint32_t n = 0, found = 0;
	enum err err = all ? ledger_releases(d->ledger, all, LEDGER_MAX_RELEASES, &n, &d->d) : E_NOMEM;

	if (err != E_OK)
		return cli_fail_diag(err, &d->d);
	if (!what)
		return cli_fail(CLI_USAGE, "which release? Its version, or the beginning of its digest");
	/* Newest first: of several with one version the newest is meant. */
	for (uint32_t i = 0; i < n && !found; i++)
		if (means(&all[i], what)) {
			*out = all[i];
			found++;
		}
	return found ? 0 : cli_fail(CLI_REFUSED, "there is no release '%s'", what);
}
