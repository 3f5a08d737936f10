/* SPDX-License-Identifier: Apache-2.0 */
#include "release/ledger/sql.h"

static enum err err_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return E_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return E_EXISTS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
		return E_FORMAT;
	case SQLITE_CONSTRAINT:
		return E_INVALID;
	case SQLITE_TOOBIG:
		return E_LIMIT;
	default:
		return E_IO;
	}
}

FALLIBLE sql_fail(struct ledger *l, const char *what, struct diag *d)
{
	int code = sqlite3_extended_errcode(l->db);
	enum err err =
		diag_fail(d, err_of(code), 'D', 201, __FILE__, __LINE__, "ledger: %s: %s", what, sqlite3_errmsg(l->db));

	if ((code & 0xff) == SQLITE_FULL)
		diag_hint(d, "make room on its file system; nothing that was acknowledged is lost");
	return err;
}

FALLIBLE sql_exec(struct ledger *l, const char *sql, struct diag *d)
{
	if (sqlite3_exec(l->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(l, "it cannot be written or read", d);
	return E_OK;
}

FALLIBLE sql_prepare(struct ledger *l, const char *text, struct sql *out, struct diag *d)
{
	*out = (struct sql){ .l = l };
	if (sqlite3_prepare_v2(l->db, text, -1, &out->st, NULL) != SQLITE_OK)
		return sql_fail(l, "it cannot be read", d);
	return E_OK;
}

void sql_done(struct sql *s)
{
	(void)sqlite3_finalize(s->st);
	s->st = NULL;
}

void sql_u64(struct sql *s, uint64_t v)
{
	s->failed |= sqlite3_bind_int64(s->st, ++s->n, (sqlite3_int64)v) != SQLITE_OK;
}

void sql_text(struct sql *s, const char *v)
{
	s->failed |= sqlite3_bind_text(s->st, ++s->n, v, -1, SQLITE_TRANSIENT) != SQLITE_OK;
}

void sql_blob(struct sql *s, const void *p, size_t len)
{
	s->n++;
	if (!len)
		s->failed |= sqlite3_bind_zeroblob(s->st, s->n, 0) != SQLITE_OK;
	else
		s->failed |= sqlite3_bind_blob64(s->st, s->n, p, len, SQLITE_TRANSIENT) != SQLITE_OK;
}

FALLIBLE sql_step(struct sql *s, bool *row, struct diag *d)
{
	int code = s->failed ? SQLITE_ERROR : sqlite3_step(s->st);

	*row = code == SQLITE_ROW;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sql_fail(s->l, "it cannot be written or read", d);
	return E_OK;
}

FALLIBLE sql_run(struct sql *s, struct diag *d)
{
	bool row = true;

	while (row)
		TRY(sql_step(s, &row, d));
	return E_OK;
}

uint64_t sql_col_u64(struct sql *s, int col)
{
	return (uint64_t)sqlite3_column_int64(s->st, col);
}

struct view sql_col_blob(struct sql *s, int col)
{
	const void *p = sqlite3_column_blob(s->st, col);

	return view_of(p, p ? (size_t)sqlite3_column_bytes(s->st, col) : 0);
}

FALLIBLE sql_damaged(struct sql *s, const char *what, struct diag *d)
{
	(void)s;
	FAIL_ID(d, FORMAT, 'D', 202, "the ledger is damaged: %s", what);
}

FALLIBLE sql_col_bytes(struct sql *s, int col, void *out, size_t len, struct diag *d)
{
	struct view v = sql_col_blob(s, col);

	if (v.len != len)
		return sql_damaged(s, sqlite3_column_name(s->st, col), d);
	memcpy(out, v.p, len);
	return E_OK;
}

FALLIBLE sql_col_text(struct sql *s, int col, char *out, size_t max, struct diag *d)
{
	const char *t = (const char *)sqlite3_column_text(s->st, col);

	if (!t || strlen(t) >= max)
		return sql_damaged(s, sqlite3_column_name(s->st, col), d);
	memset(out, 0, max);
	memcpy(out, t, strlen(t));
	return E_OK;
}

FALLIBLE sql_enter(struct ledger *l, bool *own, struct diag *d)
{
	*own = !l->open;
	return *own ? ledger_begin(l, d) : E_OK;
}

FALLIBLE sql_leave(struct ledger *l, bool own, enum err err, struct diag *d)
{
	if (!own)
		return err;
	if (err == E_OK)
		err = ledger_commit(l, d);
	if (err != E_OK)
		ledger_rollback(l);
	return err;
}
