/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: opening, transactions, and the log. */
#include "release/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <sys/file.h>

#include "release/ledger/sql.h"

/* "SPLG", in the file's header. */
#define APPLICATION_ID 1397771335
enum { SCHEMA_VERSION = 1, BUSY_MS = 5000 };

/* clang-format off */
static const char schema[] =
	"CREATE TABLE log(n INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,"
	"  body TEXT NOT NULL, prev BLOB NOT NULL CHECK(length(prev) = 32), hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32)) STRICT;"
	"CREATE TRIGGER log_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;"
	"CREATE TRIGGER log_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;"
	"CREATE TRIGGER log_insert BEFORE INSERT ON log"
	"  WHEN NEW.n != (SELECT coalesce(max(n), 0) + 1 FROM log)"
	"  BEGIN SELECT RAISE(ABORT, 'the log only grows at its end'); END;"
	"CREATE TABLE release(id BLOB PRIMARY KEY CHECK(length(id) = 16), digest BLOB NOT NULL CHECK(length(digest) = 32),"
	"  channel TEXT NOT NULL, version TEXT NOT NULL, number INTEGER NOT NULL UNIQUE, lane INTEGER NOT NULL,"
	"  state INTEGER NOT NULL, ring INTEGER NOT NULL, cutoff INTEGER NOT NULL, started_s INTEGER NOT NULL,"
	"  since_s INTEGER NOT NULL, paused_s INTEGER NOT NULL, fleet INTEGER NOT NULL, by_person INTEGER NOT NULL,"
	"  passed INTEGER NOT NULL, blocked INTEGER NOT NULL) STRICT;"
	"CREATE TABLE sequence(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
	"CREATE TABLE gate(release BLOB NOT NULL, ring INTEGER NOT NULL, evidence BLOB NOT NULL,"
	"  PRIMARY KEY(release, ring)) STRICT;"
	"CREATE TABLE value(name TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
	"CREATE TABLE object(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, release BLOB NOT NULL CHECK(length(release) = 16),"
	"  state INTEGER NOT NULL, bytes BLOB NOT NULL, signatures BLOB NOT NULL) STRICT;"
	"CREATE INDEX object_state ON object(state);"
	"CREATE TABLE host(agent BLOB PRIMARY KEY CHECK(length(agent) = 16), key BLOB NOT NULL CHECK(length(key) = 32),"
	"  seq INTEGER NOT NULL, first_s INTEGER NOT NULL, received_s INTEGER NOT NULL, report BLOB NOT NULL) STRICT;"
	"CREATE TABLE seen(release BLOB NOT NULL, agent BLOB NOT NULL, first_s INTEGER NOT NULL, counted_s INTEGER NOT NULL,"
	"  boots INTEGER NOT NULL, strikes INTEGER NOT NULL, booted INTEGER NOT NULL, seq INTEGER NOT NULL,"
	"  PRIMARY KEY(release, agent)) STRICT, WITHOUT ROWID;"
	"PRAGMA application_id = 1397771335;"
	"PRAGMA user_version = 1;";
/* clang-format on */

/* The lock is a file of its own: SQLite has its own locks on the ledger's. */
static FALLIBLE take_lock(const char *path, int *out, struct diag *d)
{
	AUTO_FD int fd = 0;
	char lock[PATH_MAX];

	if ((size_t)snprintf(lock, sizeof lock, "%s.lock", path) >= sizeof lock)
		FAIL_ID(d, IO, 'D', 203, "the ledger's path is too long");
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		FAIL_ID(d, IO, 'D', 203, "the ledger's lock '%s' cannot be opened: %s", lock, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		FAIL_ID(d, EXISTS, 'D', 204, "another process writes to the ledger '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		FAIL_ID(d, IO, 'D', 203, "the ledger's lock '%s': %s", lock, strerror(errno));
	*out = TAKE(fd);
	return E_OK;
}

static FALLIBLE pragma(struct ledger *l, const char *text, uint64_t *out, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	bool row;

	TRY(sql_prepare(l, text, &s, d));
	TRY(sql_step(&s, &row, d));
	*out = row ? sql_col_u64(&s, 0) : 0;
	return E_OK;
}

/* A fresh file gets its tables; another must be a ledger of this version. */
static FALLIBLE check_schema(struct ledger *l, const char *path, struct diag *d)
{
	uint64_t app, version, tables;

	TRY(pragma(l, "PRAGMA application_id", &app, d));
	TRY(pragma(l, "PRAGMA user_version", &version, d));
	TRY(pragma(l, "SELECT count(*) FROM sqlite_schema", &tables, d));
	if (!tables && !app && !version && l->lock >= 0) {
		enum err err;

		TRY(ledger_begin(l, d));
		err = sql_exec(l, schema, d);
		return sql_leave(l, true, err, d);
	}
	if (app != APPLICATION_ID)
		FAIL_ID(d, FORMAT, 'D', 205, "'%s' is not a ledger", path);
	if (version != SCHEMA_VERSION)
		FAIL_ID(d, FORMAT, 'D', 206, "the ledger '%s' is of version %llu; this release knows version %d", path,
			(unsigned long long)version, SCHEMA_VERSION);
	return E_OK;
}

static void put_u32(crypto_generichash_state *s, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	(void)crypto_generichash_update(s, b, sizeof b);
}

static void put_text(crypto_generichash_state *s, const char *text)
{
	put_u32(s, (uint32_t)strlen(text));
	(void)crypto_generichash_update(s, (const uint8_t *)text, strlen(text));
}

static void hash_entry(const struct ledger_entry *e, uint8_t out[OBJECT_DIGEST_BYTES])
{
	static const uint8_t magic[8] = "SPLOG001";
	crypto_generichash_state s;

	(void)crypto_generichash_init(&s, NULL, 0, OBJECT_DIGEST_BYTES);
	(void)crypto_generichash_update(&s, magic, sizeof magic);
	put_u32(&s, (uint32_t)e->n);
	put_u32(&s, (uint32_t)(e->n >> 32));
	put_u32(&s, (uint32_t)e->time_s);
	put_u32(&s, (uint32_t)(e->time_s >> 32));
	(void)crypto_generichash_update(&s, e->prev, sizeof e->prev);
	put_text(&s, e->actor);
	put_text(&s, e->kind);
	put_text(&s, e->body);
	(void)crypto_generichash_final(&s, out, OBJECT_DIGEST_BYTES);
}

#define ENTRY_COLUMNS "n, time_s, actor, kind, body, prev, hash"

static FALLIBLE read_entry(struct sql *s, struct ledger_entry *e, struct diag *d)
{
	*e = (struct ledger_entry){ .n = sql_col_u64(s, 0),
				    .time_s = sql_col_u64(s, 1),
				    .actor = (const char *)sqlite3_column_text(s->st, 2),
				    .kind = (const char *)sqlite3_column_text(s->st, 3),
				    .body = (const char *)sqlite3_column_text(s->st, 4) };
	if (!e->actor || !e->kind || !e->body)
		return sql_damaged(s, "an entry of its log has no text", d);
	TRY(sql_col_bytes(s, 5, e->prev, sizeof e->prev, d));
	return sql_col_bytes(s, 6, e->hash, sizeof e->hash, d);
}

static FALLIBLE check_entry(const struct ledger_entry *e, struct diag *d)
{
	uint8_t hash[OBJECT_DIGEST_BYTES];

	hash_entry(e, hash);
	if (sodium_memcmp(hash, e->hash, sizeof hash) != 0)
		FAIL_ID(d, FORMAT, 'D', 207, "entry %llu of the ledger's log is not what its hash says",
			(unsigned long long)e->n);
	return E_OK;
}

static FALLIBLE load_head(struct ledger *l, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	struct ledger_entry e;
	bool row;

	TRY(sql_prepare(l, "SELECT " ENTRY_COLUMNS " FROM log ORDER BY n DESC LIMIT 1", &s, d));
	TRY(sql_step(&s, &row, d));
	l->n = 0;
	memset(l->head, 0, sizeof l->head);
	if (!row)
		return E_OK;
	TRY(read_entry(&s, &e, d));
	TRY(check_entry(&e, d));
	l->n = e.n;
	memcpy(l->head, e.hash, sizeof l->head);
	return E_OK;
}

static FALLIBLE open_db(struct ledger *l, const char *path, bool writable, struct diag *d)
{
	int flags = writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;

	if (sodium_init() < 0)
		FAIL(d, HOST, "libsodium cannot be initialised");
	if (sqlite3_open_v2(path, &l->db, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		if (!l->db)
			return E_NOMEM;
		FAIL_ID(d, IO, 'D', 203, "the ledger '%s' cannot be opened: %s", path, sqlite3_errmsg(l->db));
	}
	(void)sqlite3_extended_result_codes(l->db, 1);
	(void)sqlite3_busy_timeout(l->db, BUSY_MS);
	(void)sqlite3_db_config(l->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(l->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (writable)
		TRY(sql_exec(l, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cell_size_check = 1", d));
	TRY(check_schema(l, path, d));
	return load_head(l, d);
}

FALLIBLE ledger_open(const char *path, bool writable, struct ledger **out, struct diag *d)
{
	struct ledger *l = calloc(1, sizeof *l);
	enum err err = E_OK;

	if (!l)
		return E_NOMEM;
	l->lock = -1;
	if (writable)
		err = take_lock(path, &l->lock, d);
	if (err == E_OK)
		err = open_db(l, path, writable, d);
	if (err == E_OK)
		*out = l;
	else
		ledger_close(l);
	return err;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	ledger_rollback(l);
	(void)sqlite3_close(l->db);
	if (l->lock >= 0)
		close(l->lock);
	free(l);
}

FALLIBLE ledger_begin(struct ledger *l, struct diag *d)
{
	assert(!l->open && "transactions of a ledger are not nested");
	TRY(sql_exec(l, "BEGIN IMMEDIATE", d));
	l->open = true;
	l->begin_n = l->n;
	memcpy(l->begin_head, l->head, sizeof l->head);
	return E_OK;
}

FALLIBLE ledger_commit(struct ledger *l, struct diag *d)
{
	assert(l->open && "ledger_commit ends what ledger_begin began");
	TRY(sql_exec(l, "COMMIT", d));
	l->open = false;
	return E_OK;
}

void ledger_rollback(struct ledger *l)
{
	if (!l->open)
		return;
	/* SQLite may have rolled back by itself: then this one fails, and nothing is left to do. */
	(void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	l->open = false;
	l->n = l->begin_n;
	memcpy(l->head, l->begin_head, sizeof l->head);
}

static FALLIBLE insert_entry(struct ledger *l, const struct ledger_entry *e, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "INSERT INTO log(" ENTRY_COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, ?)", &s, d));
	sql_u64(&s, e->n);
	sql_u64(&s, e->time_s);
	sql_text(&s, e->actor);
	sql_text(&s, e->kind);
	sql_text(&s, e->body);
	sql_blob(&s, e->prev, sizeof e->prev);
	sql_blob(&s, e->hash, sizeof e->hash);
	return sql_run(&s, d);
}

FALLIBLE ledger_log(struct ledger *l, const char *actor, const char *kind, const char *body, uint64_t now_s,
		    struct diag *d)
{
	struct ledger_entry e = {
		.n = l->n + 1, .time_s = now_s, .actor = actor, .kind = kind, .body = body ? body : "{}"
	};
	enum err err;
	bool own;

	if (strlen(e.body) > LEDGER_MAX_TEXT || strlen(actor) > LEDGER_NAME_BYTES || strlen(kind) > LEDGER_NAME_BYTES)
		FAIL_ID(d, LIMIT, 'D', 208, "an entry of the ledger's log has at most %d bytes", LEDGER_MAX_TEXT);
	memcpy(e.prev, l->head, sizeof e.prev);
	hash_entry(&e, e.hash);
	TRY(sql_enter(l, &own, d));
	err = insert_entry(l, &e, d);
	if (err == E_OK) {
		l->n = e.n;
		memcpy(l->head, e.hash, sizeof l->head);
	}
	return sql_leave(l, own, err, d);
}

FALLIBLE ledger_verify(struct ledger *l, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	uint8_t prev[OBJECT_DIGEST_BYTES] = { 0 };
	bool row;

	TRY(sql_prepare(l, "SELECT " ENTRY_COLUMNS " FROM log ORDER BY n", &s, d));
	for (uint64_t n = 1;; n++) {
		struct ledger_entry e;

		TRY(sql_step(&s, &row, d));
		if (!row)
			return E_OK;
		TRY(read_entry(&s, &e, d));
		if (e.n != n)
			FAIL_ID(d, FORMAT, 'D', 209, "the ledger's log has no entry %llu", (unsigned long long)n);
		if (sodium_memcmp(prev, e.prev, sizeof prev) != 0)
			FAIL_ID(d, FORMAT, 'D', 207, "entry %llu of the ledger's log does not follow the one before",
				(unsigned long long)n);
		TRY(check_entry(&e, d));
		memcpy(prev, e.hash, sizeof prev);
	}
}

void ledger_head(const struct ledger *l, uint8_t out[OBJECT_DIGEST_BYTES])
{
	memcpy(out, l->head, OBJECT_DIGEST_BYTES);
}

uint64_t ledger_entries(const struct ledger *l)
{
	return l->n;
}

FALLIBLE ledger_each(struct ledger *l, uint64_t from, bool (*fn)(void *user, const struct ledger_entry *e), void *user,
		     struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	struct ledger_entry e;
	bool row;

	TRY(sql_prepare(l, "SELECT " ENTRY_COLUMNS " FROM log WHERE n >= ? ORDER BY n", &s, d));
	sql_u64(&s, from);
	for (;;) {
		TRY(sql_step(&s, &row, d));
		if (!row)
			return E_OK;
		TRY(read_entry(&s, &e, d));
		if (!fn(user, &e))
			return E_OK;
	}
}
