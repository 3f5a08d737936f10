/* SPDX-License-Identifier: Apache-2.0 */
/* sql: the ledger's few ways to talk to SQLite; every refusal becomes a diagnostic. */
#ifndef SALLYPORT_RELEASE_LEDGER_SQL_H
#define SALLYPORT_RELEASE_LEDGER_SQL_H

#include <sqlite3.h>

#include "release/ledger/ledger.h"

struct ledger {
	sqlite3 *db;
	int lock;  /* -1: opened for reading */
	bool open; /* a transaction */
	uint64_t n, begin_n;
	uint8_t head[OBJECT_DIGEST_BYTES], begin_head[OBJECT_DIGEST_BYTES];
};

/* d from what SQLite said last; what: the sentence's beginning. */
FALLIBLE sql_fail(struct ledger *l, const char *what, struct diag *d);
/* Statements without parameters and rows. */
FALLIBLE sql_exec(struct ledger *l, const char *sql, struct diag *d);

/* A statement while its scope lasts. A bind that fails is told by the step. */
struct sql {
	struct ledger *l;
	sqlite3_stmt *st;
	int n; /* bound so far */
	bool failed;
};
FALLIBLE sql_prepare(struct ledger *l, const char *text, struct sql *out, struct diag *d);
void sql_done(struct sql *s);
void sql_u64(struct sql *s, uint64_t v);
void sql_text(struct sql *s, const char *v);
void sql_blob(struct sql *s, const void *p, size_t len); /* len 0: an empty one */
/* *row: there is one. */
FALLIBLE sql_step(struct sql *s, bool *row, struct diag *d);
/* To its end; rows are not looked at. */
FALLIBLE sql_run(struct sql *s, struct diag *d);
uint64_t sql_col_u64(struct sql *s, int col);
struct view sql_col_blob(struct sql *s, int col);
/* Exactly len bytes, or E_FORMAT. */
FALLIBLE sql_col_bytes(struct sql *s, int col, void *out, size_t len, struct diag *d);
/* A text that fits, or E_FORMAT. */
FALLIBLE sql_col_text(struct sql *s, int col, char *out, size_t max, struct diag *d);
FALLIBLE sql_damaged(struct sql *s, const char *what, struct diag *d);

/* A transaction of the call's own unless the caller has one open; leave ends it as err says and returns the outcome. */
FALLIBLE sql_enter(struct ledger *l, bool *own, struct diag *d);
FALLIBLE sql_leave(struct ledger *l, bool own, enum err err, struct diag *d);

#endif
