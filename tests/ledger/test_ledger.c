/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: its log only grows and says when it was changed; nothing acknowledged is lost, nothing is given twice. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "release/ledger/ledger.h"

struct place {
	char dir[64], path[96];
	struct ledger *l;
	struct diag d;
};

static void place_make(struct place *p)
{
	*p = (struct place){ 0 };
	(void)snprintf(p->dir, sizeof p->dir, "/tmp/sallyport-ledger-XXXXXX");
	CHECK(mkdtemp(p->dir));
	(void)snprintf(p->path, sizeof p->path, "%s/ledger", p->dir);
	diag_init(&p->d);
}

static void place_open(struct place *p)
{
	place_make(p);
	CHECK_OK(ledger_open(p->path, true, &p->l, &p->d));
}

static void place_done(struct place *p)
{
	char cmd[128];

	ledger_close(p->l);
	(void)snprintf(cmd, sizeof cmd, "rm -rf %s", p->dir);
	CHECK_EQ(system(cmd), 0);
}

static void reopen(struct place *p)
{
	ledger_close(p->l);
	p->l = NULL;
	CHECK_OK(ledger_open(p->path, true, &p->l, &p->d));
}

/* As somebody with a shell would. */
static int shell(struct place *p, const char *sql)
{
	sqlite3 *db;
	int code;

	CHECK_EQ(sqlite3_open(p->path, &db), SQLITE_OK);
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return code;
}

static struct release a_release(uint8_t id)
{
	struct release r = { .channel = "stable",
			     .version = "1.2.3",
			     .number = id,
			     .lane = PLAN_URGENT,
			     .state = RELEASE_RING,
			     .ring = 3,
			     .cutoff = 77,
			     .started_s = 5,
			     .since_s = 6,
			     .paused_s = 7,
			     .fleet = 1ull << 40,
			     .by_person = true };

	memset(r.id, id, sizeof r.id);
	memset(r.digest, id + 1, sizeof r.digest);
	return r;
}

static bool count(void *user, const struct ledger_entry *e)
{
	(void)e;
	++*(uint64_t *)user;
	return true;
}

static uint64_t entries(struct place *p)
{
	uint64_t n = 0;

	CHECK_OK(ledger_each(p->l, 1, count, &n, &p->d));
	return n;
}

/* All but the padding at the end. */
static bool same(const struct release *a, const struct release *b)
{
	return !memcmp(a, b, offsetof(struct release, blocked) + sizeof a->blocked);
}

TEST(ledger_gives_back_what_was_put_after_a_restart)
{
	struct release r = a_release(1), s = a_release(2), got[4];
	uint8_t head[32], again[32];
	struct place p;
	uint32_t n = 0;

	place_open(&p);
	CHECK_OK(ledger_put_release(p.l, &r, "ann", "publish", "{}", 100, &p.d));
	CHECK_OK(ledger_put_release(p.l, &s, "ann", "publish", "{}", 101, &p.d));
	r.state = RELEASE_BLESSED;
	r.passed = true;
	CHECK_OK(ledger_put_release(p.l, &r, "controller", "bless", "{\"a\":1}", 102, &p.d));
	ledger_head(p.l, head);
	reopen(&p);
	ledger_head(p.l, again);
	CHECK(!memcmp(head, again, 32));
	CHECK_EQ(ledger_entries(p.l), 3);
	CHECK_OK(ledger_verify(p.l, &p.d));
	CHECK_OK(ledger_releases(p.l, got, 4, &n, &p.d));
	CHECK_EQ(n, 2);
	CHECK(same(&got[0], &s) && same(&got[1], &r));
	CHECK_OK(ledger_releases(p.l, got, 1, &n, &p.d));
	CHECK(n == 1 && got[0].number == 2);
	place_done(&p);
}

TEST(ledger_numbers_are_given_once_and_in_order)
{
	struct place p;
	uint64_t v = 0;

	place_open(&p);
	CHECK_OK(ledger_last(p.l, "promotion", &v, &p.d));
	CHECK_EQ(v, 0);
	for (uint64_t want = 1; want < 6; want++) {
		CHECK_OK(ledger_next(p.l, "promotion", &v, &p.d));
		CHECK_EQ(v, want);
		reopen(&p);
	}
	CHECK_OK(ledger_next(p.l, "revoke", &v, &p.d));
	CHECK_EQ(v, 1);
	CHECK_OK(ledger_begin(p.l, &p.d));
	CHECK_OK(ledger_next(p.l, "promotion", &v, &p.d));
	CHECK_EQ(v, 6);
	ledger_rollback(p.l);
	CHECK_OK(ledger_last(p.l, "promotion", &v, &p.d));
	CHECK_EQ(v, 5);
	place_done(&p);
}

TEST(ledger_transaction_is_all_or_nothing)
{
	struct release r = a_release(1), got[2];
	uint8_t before[32], after[32];
	struct place p;
	uint32_t n = 9;

	place_open(&p);
	CHECK_OK(ledger_log(p.l, "a", "b", NULL, 1, &p.d));
	ledger_head(p.l, before);
	CHECK_OK(ledger_begin(p.l, &p.d));
	CHECK_OK(ledger_put_release(p.l, &r, "a", "b", "{}", 2, &p.d));
	CHECK_OK(ledger_put_value(p.l, "x", view_of("y", 1), &p.d));
	ledger_rollback(p.l);
	ledger_head(p.l, after);
	CHECK(!memcmp(before, after, 32));
	CHECK_OK(ledger_releases(p.l, got, 2, &n, &p.d));
	CHECK_EQ(n, 0);
	CHECK_OK(ledger_begin(p.l, &p.d));
	CHECK_OK(ledger_put_release(p.l, &r, "a", "b", "{}", 2, &p.d));
	CHECK_OK(ledger_commit(p.l, &p.d));
	CHECK_OK(ledger_begin(p.l, &p.d));
	CHECK_OK(ledger_log(p.l, "a", "lost", NULL, 3, &p.d));
	reopen(&p); /* an open transaction is none */
	CHECK_EQ(entries(&p), 2);
	CHECK_OK(ledger_verify(p.l, &p.d));
	place_done(&p);
}

TEST(ledger_log_cannot_be_changed_by_the_way)
{
	static const char *const sql[] = {
		"UPDATE log SET body = '{}' WHERE n = 1",
		"DELETE FROM log WHERE n = 3",
		"DELETE FROM log",
		"INSERT INTO log SELECT 9, time_s, actor, kind, body, prev, randomblob(32) FROM log WHERE n = 3",
		"REPLACE INTO log SELECT n, time_s, actor, kind, 'x', prev, zeroblob(32) FROM log WHERE n = 2",
	};
	struct place p;

	place_open(&p);
	for (int i = 0; i < 3; i++)
		CHECK_OK(ledger_log(p.l, "a", "b", "{}", 1, &p.d));
	for (size_t i = 0; i < countof(sql); i++) {
		test_row = sql[i];
		CHECK_EQ(shell(&p, sql[i]), SQLITE_CONSTRAINT);
	}
	CHECK_EQ(entries(&p), 3);
	CHECK_OK(ledger_verify(p.l, &p.d));
	place_done(&p);
}

TEST(ledger_chain_tells_every_change_that_was_forced)
{
	static const struct {
		const char *sql;
		uint16_t id;
	} rows[] = {
		{ "UPDATE log SET body = '{\"a\":2}' WHERE n = 2", 207 },
		{ "UPDATE log SET actor = 'ax', kind = 'b' WHERE n = 2", 207 },
		{ "UPDATE log SET actor = 'ab', kind = '' WHERE n = 2", 207 },
		{ "UPDATE log SET time_s = 8 WHERE n = 1", 207 },
		{ "UPDATE log SET prev = zeroblob(32) WHERE n = 3", 207 },
		{ "UPDATE log SET hash = randomblob(32) WHERE n = 4", 207 },
		{ "DELETE FROM log WHERE n = 2", 209 },
		{ "DELETE FROM log WHERE n = 1", 209 },
		{ "UPDATE log SET n = 7 WHERE n = 5", 207 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct place p;
		enum err err;

		test_row = rows[i].sql;
		place_open(&p);
		for (uint64_t n = 0; n < 5; n++)
			CHECK_OK(ledger_log(p.l, "a", "b", "{}", n, &p.d));
		CHECK_OK(ledger_verify(p.l, &p.d));
		ledger_close(p.l);
		p.l = NULL;
		CHECK_EQ(shell(&p, "DROP TRIGGER log_update; DROP TRIGGER log_delete"), SQLITE_OK);
		CHECK_EQ(shell(&p, rows[i].sql), SQLITE_OK);
		/* The newest entry is looked at when it is opened. */
		err = ledger_open(p.path, true, &p.l, &p.d);
		if (err == E_OK)
			err = ledger_verify(p.l, &p.d);
		CHECK_EQ(err, E_FORMAT);
		CHECK_EQ(p.d.id, rows[i].id);
		place_done(&p);
	}
}

TEST(ledger_has_one_writer_and_readers_beside_it)
{
	struct ledger *second = NULL, *reader = NULL;
	struct place p;
	uint64_t n = 0;

	place_open(&p);
	CHECK_OK(ledger_log(p.l, "a", "b", "{}", 1, &p.d));
	CHECK_EQ(ledger_open(p.path, true, &second, &p.d), E_EXISTS);
	CHECK_EQ(p.d.id, 204);
	CHECK_OK(ledger_open(p.path, false, &reader, &p.d));
	CHECK_OK(ledger_log(p.l, "a", "b", "{}", 2, &p.d));
	CHECK_OK(ledger_each(reader, 1, count, &n, &p.d));
	CHECK_EQ(n, 2);
	CHECK(ledger_log(reader, "a", "b", "{}", 3, &p.d) != E_OK);
	ledger_close(reader);
	ledger_close(p.l);
	p.l = NULL;
	CHECK_OK(ledger_open(p.path, true, &second, &p.d));
	ledger_close(second);
	place_done(&p);
}

TEST(ledger_of_another_kind_or_version_is_refused)
{
	struct place p;
	struct ledger *l = NULL;
	FILE *f;

	place_make(&p);
	CHECK_EQ(ledger_open(p.path, false, &l, &p.d), E_IO);
	CHECK_EQ(shell(&p, "CREATE TABLE x(a)"), SQLITE_OK);
	CHECK_EQ(ledger_open(p.path, true, &l, &p.d), E_FORMAT);
	CHECK_EQ(p.d.id, 205);
	CHECK_EQ(unlink(p.path), 0);
	CHECK_OK(ledger_open(p.path, true, &p.l, &p.d));
	ledger_close(p.l);
	p.l = NULL;
	CHECK_EQ(shell(&p, "PRAGMA user_version = 2"), SQLITE_OK);
	CHECK_EQ(ledger_open(p.path, true, &l, &p.d), E_FORMAT);
	CHECK_EQ(p.d.id, 206);
	f = fopen(p.path, "w");
	(void)fprintf(f, "%4096s", "this is no database");
	(void)fclose(f);
	CHECK_EQ(ledger_open(p.path, true, &l, &p.d), E_FORMAT);
	place_done(&p);
}

TEST(ledger_objects_keep_their_bytes)
{
	struct ledger_object o = { .name = "promotion/1-1", .bytes = view_of("abc", 3), .state = LEDGER_PENDING }, got;
	struct arena a;
	struct place p;

	arena_init(&a, 1 << 20);
	place_open(&p);
	CHECK_OK(ledger_put_object(p.l, &o, false, &p.d));
	o.signatures = view_of("s", 1);
	o.state = LEDGER_READY;
	CHECK_OK(ledger_put_object(p.l, &o, false, &p.d));
	o.bytes = view_of("abd", 3);
	CHECK_EQ(ledger_put_object(p.l, &o, false, &p.d), E_EXISTS);
	CHECK_OK(ledger_get_object(p.l, "promotion/1-1", &a, &got, &p.d));
	CHECK(got.bytes.len == 3 && !memcmp(got.bytes.p, "abc", 3) && got.state == LEDGER_READY);
	CHECK(got.signatures.len == 1 && got.signatures.p[0] == 's');
	CHECK_OK(ledger_set_object(p.l, "promotion/1-1", LEDGER_PUT, &p.d));
	CHECK_OK(ledger_get_object(p.l, "promotion/1-1", &a, &got, &p.d));
	CHECK_EQ(got.state, LEDGER_PUT);
	CHECK_OK(ledger_put_object(p.l, &o, true, &p.d));
	CHECK_EQ(ledger_get_object(p.l, "promotion/1-2", &a, &got, &p.d), E_NOT_FOUND);
	place_done(&p);
	arena_done(&a);
}

static struct object_health a_health(uint8_t agent, uint64_t seq)
{
	struct object_health h = { .seq = seq, .time = 1, .kernel = "6.1", .engine = "0.1.0", .stratum = "web" };

	memset(h.agent, agent, sizeof h.agent);
	memset(h.key, agent, sizeof h.key);
	return h;
}

static bool take_host(void *user, const struct ledger_host *h)
{
	*(struct ledger_host *)user = *h;
	return true;
}

TEST(ledger_takes_only_newer_reports_of_the_enrolled_key)
{
	struct object_health h = a_health(7, 5);
	struct ledger_host got = { 0 };
	uint8_t other[32] = { 9 };
	struct place p;

	place_open(&p);
	CHECK_EQ(ledger_put_health(p.l, &h, 10, &p.d), E_NOT_FOUND);
	CHECK_OK(ledger_enrol(p.l, h.agent, h.key, 9, &p.d));
	CHECK_OK(ledger_enrol(p.l, h.agent, h.key, 10, &p.d));
	CHECK_EQ(ledger_enrol(p.l, h.agent, other, 10, &p.d), E_EXISTS);
	CHECK_EQ(entries(&p), 1);
	CHECK_OK(ledger_hosts(p.l, take_host, &got, &p.d));
	CHECK(got.health.seq == 0 && got.first_s == 9 && !memcmp(got.health.agent, h.agent, 16));
	CHECK_OK(ledger_put_health(p.l, &h, 10, &p.d));
	CHECK_EQ(ledger_put_health(p.l, &h, 11, &p.d), E_EXISTS);
	h.seq = 4;
	CHECK_EQ(ledger_put_health(p.l, &h, 11, &p.d), E_EXISTS);
	h.seq = UINT64_MAX;
	CHECK_OK(ledger_put_health(p.l, &h, 12, &p.d));
	h.seq = 6;
	CHECK_EQ(ledger_put_health(p.l, &h, 13, &p.d), E_EXISTS);
	memset(h.key, 1, sizeof h.key);
	CHECK_EQ(ledger_put_health(p.l, &h, 13, &p.d), E_REJECTED);
	reopen(&p);
	CHECK_OK(ledger_hosts(p.l, take_host, &got, &p.d));
	CHECK(got.health.seq == UINT64_MAX && got.received_s == 12 && got.first_s == 9);
	CHECK_STR(got.health.stratum, "web");
	place_done(&p);
}

TEST(ledger_remembers_what_was_counted)
{
	struct ledger_seen s = { .first_s = 1, .counted_s = 2, .boots = 3, .strikes = 4, .booted = true, .seq = 6 },
			   got;
	uint8_t release[16] = { 1 }, other[16] = { 2 };
	struct place p;

	place_open(&p);
	CHECK_EQ(ledger_get_seen(p.l, release, s.agent, &got, &p.d), E_NOT_FOUND);
	CHECK_OK(ledger_put_seen(p.l, release, &s, &p.d));
	s.counted_s = 9;
	CHECK_OK(ledger_put_seen(p.l, release, &s, &p.d));
	CHECK_OK(ledger_get_seen(p.l, release, s.agent, &got, &p.d));
	CHECK(got.first_s == 1 && got.counted_s == 9 && got.boots == 3 && got.strikes == 4 && got.booted &&
	      got.seq == 6);
	CHECK_OK(ledger_put_seen(p.l, other, &s, &p.d));
	CHECK_OK(ledger_forget_seen(p.l, release, &p.d));
	CHECK_EQ(ledger_get_seen(p.l, release, s.agent, &got, &p.d), E_NOT_FOUND);
	CHECK_OK(ledger_get_seen(p.l, other, s.agent, &got, &p.d));
	place_done(&p);
}

/* Log and take numbers until killed; each acknowledged entry is told through the pipe. */
static _Noreturn void write_until_killed(const char *path, int to)
{
	struct ledger *l;
	struct diag d;

	if (ledger_open(path, true, &l, &d) != E_OK)
		_exit(1);
	for (;;) {
		struct release r = a_release((uint8_t)(1 + ledger_entries(l) % 50));
		uint64_t v, n;

		if (ledger_begin(l, &d) != E_OK || ledger_next(l, "promotion", &v, &d) != E_OK)
			_exit(2);
		r.cutoff = (uint32_t)v;
		if (ledger_put_release(l, &r, "w", "step", "{}", v, &d) != E_OK || ledger_commit(l, &d) != E_OK)
			_exit(3);
		n = ledger_entries(l);
		if (v != n || write(to, &n, sizeof n) != sizeof n)
			_exit(4);
	}
}

static void start_and_kill(struct place *p, uint64_t *acknowledged, unsigned *seed)
{
	struct timespec wait = { 0, rand_r(seed) % 3000000 };
	int entries_first = 1 + rand_r(seed) % 3; /* however slow the disk is */
	int fd[2], status;
	uint64_t n;
	pid_t pid;

	CHECK_EQ(pipe(fd), 0);
	pid = fork();
	if (pid == 0)
		write_until_killed(p->path, fd[1]);
	close(fd[1]);
	for (int i = 0; i < entries_first; i++)
		if (read(fd[0], &n, sizeof n) == sizeof n)
			*acknowledged = n;
	(void)nanosleep(&wait, NULL);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	while (read(fd[0], &n, sizeof n) == sizeof n)
		*acknowledged = n;
	close(fd[0]);
}

TEST(ledger_writer_killed_fifty_times_loses_nothing_that_it_acknowledged)
{
	uint64_t acknowledged = 0, v = 0;
	unsigned seed = 4711;
	struct place p;

	place_make(&p);
	for (int i = 0; i < 50; i++) {
		start_and_kill(&p, &acknowledged, &seed);
		CHECK_OK(ledger_open(p.path, true, &p.l, &p.d));
		CHECK_OK(ledger_verify(p.l, &p.d));
		CHECK(ledger_entries(p.l) >= acknowledged);
		CHECK(ledger_entries(p.l) <= acknowledged + 1);
		CHECK_OK(ledger_last(p.l, "promotion", &v, &p.d));
		CHECK_EQ(v, ledger_entries(p.l));
		acknowledged = v;
		ledger_close(p.l);
		p.l = NULL;
	}
	CHECK(acknowledged > 50);
	place_done(&p);
}

/* In a child whose files may not grow: as a full disk, without one. Exit code: what happened. */
static _Noreturn void fill(const char *path)
{
	struct rlimit small = { 256 << 10, 256 << 10 };
	static char body[8000];
	struct ledger *l;
	struct diag d;
	uint64_t n;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (ledger_open(path, true, &l, &d) != E_OK || setrlimit(RLIMIT_FSIZE, &small) != 0)
		_exit(1);
	memset(body, 'x', sizeof body - 1);
	for (int i = 0; i < 1000; i++) {
		enum err err;

		n = ledger_entries(l);
		diag_init(&d);
		err = ledger_log(l, "a", "b", body, (uint64_t)i, &d);
		if (err == E_OK)
			continue;
		/* It says so, and is still what it was. */
		_exit(err == E_IO && d.family == 'D' && ledger_entries(l) == n && n > 5 && ledger_verify(l, &d) == E_OK
			      ? 42
			      : 2);
	}
	_exit(3);
}

TEST(ledger_full_disk_is_an_error_that_loses_nothing)
{
	struct place p;
	uint64_t n;
	int status;
	pid_t pid;

	place_open(&p);
	ledger_close(p.l);
	p.l = NULL;
	pid = fork();
	if (pid == 0)
		fill(p.path);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 42);
	CHECK_OK(ledger_open(p.path, true, &p.l, &p.d));
	CHECK_OK(ledger_verify(p.l, &p.d));
	n = ledger_entries(p.l);
	CHECK(n > 5);
	CHECK_OK(ledger_log(p.l, "a", "b", "{}", 1, &p.d));
	CHECK_EQ(ledger_entries(p.l), n + 1);
	place_done(&p);
}
