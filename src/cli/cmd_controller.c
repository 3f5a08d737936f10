/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controller: rounds, until it is told to stop. Between two rounds the ledger is closed, so that people's commands and
 * this process take turns; a round needs nothing of the one before.
 */
#include "cli/release.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

const char cmd_controller_help[] =
	"usage: sallyport controller --repo URL --ledger FILE --keys DIR [--root FILE]\n"
	"                            [--approve-key FILE] [--interval S] [--once] [--json]\n"
	"\n"
	"Take releases through their rings: read what hosts report, judge the gates, sign what\n"
	"follows (docs/release.md). One process; everything that it knows is in the ledger, so\n"
	"it may be stopped, killed and started at any time.\n"
	"\n"
	"--repo URL          the repository that hosts read and report to\n"
	"--ledger FILE       what it remembers; made if there is none\n"
	"--keys DIR          promote.key, timestamp.key, revoke.key and, if it may revoke what\n"
	"                    is blessed by itself, revoke2.key; without passwords. One that is\n"
	"                    missing is not needed until something is to be signed with it\n"
	"--root FILE         the root to trust, with FILE.minisig: at the first start, or the\n"
	"                    next one\n"
	"--approve-key FILE  a person's key: then rings 4 to 6, blessing and the urgent lane go\n"
	"                    on without a person. Whoever takes over this machine can then\n"
	"                    sign everything but bundles; hosts still wait for their own rings\n"
	"--interval S        seconds between two rounds, 60 unless said\n"
	"--once              one round, then end\n"
	"--json              with --once: what the round did, as one JSON object\n"
	"\n"
	"No option opens a ring: only its gate does.\n";

enum { INTERVAL_S = 60, REPRODUCE_S = 120, CPU_S = 60, N_KEYS = 5 };

enum key_slot { KEY_PROMOTE, KEY_TIMESTAMP, KEY_REVOKE, KEY_REVOKE2, KEY_APPROVE };

struct watch { /* the scratch process */
	pid_t pid;
	uint8_t digest[OBJECT_DIGEST_BYTES];
	time_t started;
};

struct controlling {
	struct release_args args;
	struct sign_secret key[N_KEYS];
	bool has[N_KEYS];
	struct watch watch;
	struct transport *repo; /* of this round */
};

static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
	(void)sig;
	stop = 1;
}

static int load_keys(struct controlling *k)
{
	static const char *const names[] = { "promote.key", "timestamp.key", "revoke.key", "revoke2.key" };
	int code = 0;

	for (uint32_t i = 0; i < countof(names) && !code; i++) {
		char path[PATH_MAX];

		if ((size_t)snprintf(path, sizeof path, "%s/%s", k->args.keys, names[i]) >= sizeof path)
			return cli_fail(CLI_USAGE, "--keys: the path is too long");
		if (access(path, F_OK) != 0)
			continue;
		code = cli_secret_load(path, &k->key[i]);
		k->has[i] = !code;
	}
	if (!code && !k->has[KEY_PROMOTE] && !k->has[KEY_TIMESTAMP])
		return cli_fail(CLI_REFUSED, "there is neither promote.key nor timestamp.key in '%s'", k->args.keys);
	if (!code && k->args.approve_key) {
		code = cli_secret_load(k->args.approve_key, &k->key[KEY_APPROVE]);
		k->has[KEY_APPROVE] = !code;
	}
	return code;
}

static const struct sign_secret *key_of(const struct controlling *k, enum key_slot slot)
{
	return k->has[slot] ? &k->key[slot] : NULL;
}

/* In the child: this program's own check of a bundle, as nobody, with little of everything. */
static _Noreturn void check_bundle(int fd)
{
	const struct rlimit cpu = { CPU_S, CPU_S }, none = { 0, 0 };
	char path[32];
	const struct passwd *nobody = getpwnam("nobody");
	char *const argv[] = { (char *)"sallyport", (char *)"bundle", (char *)"check", path, NULL };
	char *const envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || setrlimit(RLIMIT_CPU, &cpu) ||
	    setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_FSIZE, &none))
		_exit(126);
	if (geteuid() == 0 && (!nobody || setgroups(0, NULL) || setgid(nobody->pw_gid) || setuid(nobody->pw_uid)))
		_exit(126);
	(void)execve("/proc/self/exe", argv, envp);
	_exit(126);
}

static bool start_check(struct controlling *k, const struct release *r)
{
	AUTO_FREE char *bytes = NULL;
	AUTO_FD int fd = memfd_create("bundle", 0);
	char name[OBJECT_PATH_BYTES], hex[2 * OBJECT_DIGEST_BYTES + 1];
	struct diag d;
	size_t len = 0;
	pid_t pid;

	diag_init(&d);
	object_hex(r->digest, sizeof r->digest, hex);
	object_path(name, "bundle/%s", hex);
	if (fd < 0 || transport_get(k->repo, name, BUNDLE_MAX_BYTES, &bytes, &len, &d) != E_OK ||
	    io_write_all(fd, bytes, len) != E_OK) {
		log_warning("bundle %s cannot be run here: %s", hex, d.text[0] ? d.text : strerror(errno));
		return false;
	}
	pid = fork();
	if (pid == 0)
		check_bundle(fd);
	if (pid < 0)
		return false;
	k->watch = (struct watch){ .pid = pid, .started = time(NULL) };
	memcpy(k->watch.digest, r->digest, sizeof k->watch.digest);
	return true;
}

static enum controller_answer answer_of(int status, const char *version)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		log_info("release=%s runs in a scratch process", version);
		return CONTROLLER_FINE;
	}
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == CLI_HOST)) {
		log_warning("release=%s could not be run in a scratch process", version);
		return CONTROLLER_RUNNING;
	}
	log_warning("release=%s is refused or dies in a scratch process, status=0x%x", version, (unsigned)status);
	return CONTROLLER_DIED;
}

/* One at a time; a round that is the only one waits for it. */
static enum controller_answer reproduce(void *user, const struct release *r)
{
	struct controlling *k = user;
	int status = 0;
	pid_t got = 0;

	if (!k->watch.pid && !start_check(k, r))
		return CONTROLLER_RUNNING;
	if (memcmp(k->watch.digest, r->digest, sizeof r->digest) != 0)
		return CONTROLLER_RUNNING;
	do {
		const struct timespec pause = { 0, 50000000 };

		if (time(NULL) >= k->watch.started + REPRODUCE_S)
			(void)kill(k->watch.pid, SIGKILL);
		got = waitpid(k->watch.pid, &status, WNOHANG);
		if (got == 0 && k->args.once)
			(void)nanosleep(&pause, NULL);
	} while (got == 0 && k->args.once);
	if (got == 0)
		return CONTROLLER_RUNNING;
	k->watch = (struct watch){ 0 };
	return got < 0 ? CONTROLLER_RUNNING : answer_of(status, r->version);
}

static int tell(const struct controlling *k, const struct controller_report *r)
{
	const struct {
		const char *name;
		uint32_t v;
	} rows[] = { { "enrolled", r->enrolled }, { "hosts", r->hosts },     { "news", r->news },
		     { "objects", r->objects },   { "refused", r->refused }, { "steps", r->steps } };
	struct buf out;
	struct json j;

	if (!k->args.json) {
		if (r->steps || r->objects || r->enrolled || r->refused)
			log_info("round hosts=%u news=%u enrolled=%u refused=%u steps=%u objects=%u", r->hosts, r->news,
				 r->enrolled, r->refused, r->steps, r->objects);
		return 0;
	}
	buf_init(&out, 4096);
	json_init(&j, &out);
	json_object(&j);
	for (size_t i = 0; i < countof(rows); i++) {
		json_key(&j, rows[i].name);
		json_u64(&j, rows[i].v);
	}
	json_end_object(&j);
	return cli_print(&out);
}

static int run_round(struct controlling *k)
{
	struct controller_report report;
	struct release_desk desk = { 0 };
	int code = release_desk_open(&k->args, true, &desk);
	enum err err;

	if (!code) {
		k->repo = desk.repo;
		desk.c.keys = (struct controller_keys){ .promote = key_of(k, KEY_PROMOTE),
							.timestamp = key_of(k, KEY_TIMESTAMP),
							.approve = key_of(k, KEY_APPROVE),
							.revoke = { key_of(k, KEY_REVOKE), key_of(k, KEY_REVOKE2) } };
		desk.c.reproduce = reproduce;
		desk.c.user = k;
		err = controller_tick(&desk.c, desk.now_s, &report, &desk.d);
		code = err == E_OK ? tell(k, &report) : cli_fail_diag(err, &desk.d);
	}
	release_desk_done(&desk);
	return code;
}

/* The whole log once; then a round fails for itself, and the next is tried all the same. */
static int verify_log(const struct controlling *k)
{
	struct release_desk desk = { 0 };
	int code = release_desk_open(&k->args, true, &desk);
	enum err err;

	if (!code) {
		err = ledger_verify(desk.ledger, &desk.d);
		code = err == E_OK ? 0 : cli_fail_diag(err, &desk.d);
	}
	release_desk_done(&desk);
	return code;
}

static void run_rounds(struct controlling *k)
{
	const struct sigaction act = { .sa_handler = on_stop };
	uint32_t every = k->args.interval_s ? k->args.interval_s : INTERVAL_S;

	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	while (!stop) {
		struct timespec wait = { every, 0 };

		(void)run_round(k);
		k->args.root = NULL; /* taken, or refused for good */
		while (!stop && nanosleep(&wait, &wait) != 0)
			;
	}
	if (k->watch.pid) {
		(void)kill(k->watch.pid, SIGKILL);
		(void)waitpid(k->watch.pid, NULL, 0);
	}
}

int cmd_controller(int argc, char **argv)
{
	struct controlling *k = calloc(1, sizeof *k);
	int code;

	if (!k)
		return cli_fail(CLI_HOST, "out of memory");
	code = release_parse("controller", argc, argv,
			     RELEASE_OPT_REPO | RELEASE_OPT_LEDGER | RELEASE_OPT_ROOT | RELEASE_OPT_KEYS |
				     RELEASE_OPT_APPROVE_KEY | RELEASE_OPT_INTERVAL | RELEASE_OPT_ONCE |
				     RELEASE_OPT_JSON,
			     RELEASE_OPT_REPO | RELEASE_OPT_LEDGER | RELEASE_OPT_KEYS, false, &k->args);
	if (!code && k->args.json && !k->args.once)
		code = cli_fail(CLI_USAGE, "--json is for --once");
	if (!code)
		code = load_keys(k);
	if (!code)
		code = verify_log(k);
	if (!code && k->args.once)
		code = run_round(k);
	else if (!code)
		run_rounds(k);
	for (uint32_t i = 0; i < N_KEYS; i++)
		sign_secret_done(&k->key[i]);
	free(k);
	return code;
}
