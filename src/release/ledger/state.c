/* SPDX-License-Identifier: Apache-2.0 */
/* state: releases, sequences, statistics, and what goes into the repository. */
#include "release/ledger/sql.h"

static FALLIBLE write_release(struct ledger *l, const struct release *r, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l,
			"INSERT INTO release(id, digest, channel, version, number, lane, state, ring, cutoff,"
			" started_s, since_s, paused_s, fleet, by_person, passed, blocked)"
			" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
			" ON CONFLICT(id) DO UPDATE SET state = excluded.state, ring = excluded.ring,"
			" cutoff = excluded.cutoff, started_s = excluded.started_s, since_s = excluded.since_s,"
			" paused_s = excluded.paused_s, fleet = excluded.fleet, by_person = excluded.by_person,"
			" passed = excluded.passed, blocked = excluded.blocked",
			&s, d));
	sql_blob(&s, r->id, sizeof r->id);
	sql_blob(&s, r->digest, sizeof r->digest);
	sql_text(&s, r->channel);
	sql_text(&s, r->version);
	sql_u64(&s, r->number);
	sql_u64(&s, r->lane);
	sql_u64(&s, r->state);
	sql_u64(&s, r->ring);
	sql_u64(&s, r->cutoff);
	sql_u64(&s, r->started_s);
	sql_u64(&s, r->since_s);
	sql_u64(&s, r->paused_s);
	sql_u64(&s, r->fleet);
	sql_u64(&s, r->by_person);
	sql_u64(&s, r->passed);
	sql_u64(&s, r->blocked);
	return sql_run(&s, d);
}

FALLIBLE ledger_put_release(struct ledger *l, const struct release *r, const char *actor, const char *kind,
			    const char *body, uint64_t now_s, struct diag *d)
{
	enum err err;
	bool own;

	TRY(sql_enter(l, &own, d));
	err = write_release(l, r, d);
	if (err == E_OK)
		err = ledger_log(l, actor, kind, body, now_s, d);
	return sql_leave(l, own, err, d);
}

static FALLIBLE read_release(struct sql *s, struct release *r, struct diag *d)
{
	uint64_t lane = sql_col_u64(s, 5), state = sql_col_u64(s, 6), ring = sql_col_u64(s, 7);

	*r = (struct release){ .number = sql_col_u64(s, 4),
			       .lane = (enum plan_lane)lane,
			       .state = (enum release_state)state,
			       .ring = (uint32_t)ring,
			       .cutoff = (uint32_t)sql_col_u64(s, 8),
			       .started_s = sql_col_u64(s, 9),
			       .since_s = sql_col_u64(s, 10),
			       .paused_s = sql_col_u64(s, 11),
			       .fleet = sql_col_u64(s, 12),
			       .by_person = sql_col_u64(s, 13) != 0,
			       .passed = sql_col_u64(s, 14) != 0,
			       .blocked = sql_col_u64(s, 15) != 0 };
	if (lane >= PLAN_N_LANES || state >= RELEASE_N_STATES || ring > PLAN_BLESSED)
		return sql_damaged(s, "lane, state or ring of a release", d);
	TRY(sql_col_bytes(s, 0, r->id, sizeof r->id, d));
	TRY(sql_col_bytes(s, 1, r->digest, sizeof r->digest, d));
	TRY(sql_col_text(s, 2, r->channel, sizeof r->channel, d));
	return sql_col_text(s, 3, r->version, sizeof r->version, d);
}

FALLIBLE ledger_releases(struct ledger *l, struct release *out, uint32_t max, uint32_t *n, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	uint32_t found = 0;
	bool row;

	TRY(sql_prepare(l,
			"SELECT id, digest, channel, version, number, lane, state, ring, cutoff, started_s, since_s,"
			" paused_s, fleet, by_person, passed, blocked FROM release ORDER BY number DESC",
			&s, d));
	while (found < max) {
		TRY(sql_step(&s, &row, d));
		if (!row)
			break;
		TRY(read_release(&s, &out[found], d));
		found++;
	}
	*n = found;
	return E_OK;
}

FALLIBLE ledger_last(struct ledger *l, const char *sequence, uint64_t *out, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	bool row;

	TRY(sql_prepare(l, "SELECT value FROM sequence WHERE name = ?", &s, d));
	sql_text(&s, sequence);
	TRY(sql_step(&s, &row, d));
	*out = row ? sql_col_u64(&s, 0) : 0;
	return E_OK;
}

FALLIBLE ledger_next(struct ledger *l, const char *sequence, uint64_t *out, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	bool row;

	/* One statement is a transaction, and is not over before the last step. */
	TRY(sql_prepare(l,
			"INSERT INTO sequence(name, value) VALUES(?, 1)"
			" ON CONFLICT(name) DO UPDATE SET value = value + 1 RETURNING value",
			&s, d));
	sql_text(&s, sequence);
	TRY(sql_step(&s, &row, d));
	if (!row)
		return sql_damaged(&s, "a sequence", d);
	*out = sql_col_u64(&s, 0);
	return sql_run(&s, d);
}

static FALLIBLE to_arena(struct view v, struct arena *a, struct view *out)
{
	uint8_t *p = arena_alloc(a, v.len + 1);

	if (!p)
		return E_NOMEM;
	if (v.len)
		memcpy(p, v.p, v.len);
	*out = view_of(p, v.len);
	return E_OK;
}

/* The one blob that a prepared statement gives. */
static FALLIBLE one_blob(struct sql *s, struct arena *a, struct view *out, struct diag *d)
{
	bool row;

	TRY(sql_step(s, &row, d));
	return row ? to_arena(sql_col_blob(s, 0), a, out) : E_NOT_FOUND;
}

static FALLIBLE blob_fits(struct view v, struct diag *d)
{
	if (v.len > LEDGER_MAX_BLOB)
		FAIL_ID(d, LIMIT, 'D', 208, "the ledger keeps at most %d bytes of one object", LEDGER_MAX_BLOB);
	return E_OK;
}

FALLIBLE ledger_put_gate(struct ledger *l, const uint8_t release[16], uint32_t ring, struct view evidence,
			 struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(blob_fits(evidence, d));
	TRY(sql_prepare(l, "INSERT OR REPLACE INTO gate(release, ring, evidence) VALUES(?, ?, ?)", &s, d));
	sql_blob(&s, release, 16);
	sql_u64(&s, ring);
	sql_blob(&s, evidence.p, evidence.len);
	return sql_run(&s, d);
}

FALLIBLE ledger_get_gate(struct ledger *l, const uint8_t release[16], uint32_t ring, struct arena *a, struct view *out,
			 struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "SELECT evidence FROM gate WHERE release = ? AND ring = ?", &s, d));
	sql_blob(&s, release, 16);
	sql_u64(&s, ring);
	return one_blob(&s, a, out, d);
}

FALLIBLE ledger_put_value(struct ledger *l, const char *name, struct view bytes, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(blob_fits(bytes, d));
	TRY(sql_prepare(l, "INSERT OR REPLACE INTO value(name, bytes) VALUES(?, ?)", &s, d));
	sql_text(&s, name);
	sql_blob(&s, bytes.p, bytes.len);
	return sql_run(&s, d);
}

FALLIBLE ledger_get_value(struct ledger *l, const char *name, struct arena *a, struct view *out, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "SELECT bytes FROM value WHERE name = ?", &s, d));
	sql_text(&s, name);
	return one_blob(&s, a, out, d);
}

#define OBJECT_COLUMNS "name, release, state, bytes, signatures"

static FALLIBLE read_object(struct sql *s, struct ledger_object *o, struct diag *d)
{
	uint64_t state = sql_col_u64(s, 2);

	*o = (struct ledger_object){ .state = (enum ledger_object_state)state,
				     .bytes = sql_col_blob(s, 3),
				     .signatures = sql_col_blob(s, 4) };
	if (state > LEDGER_DROPPED)
		return sql_damaged(s, "state of an object", d);
	TRY(sql_col_text(s, 0, o->name, sizeof o->name, d));
	return sql_col_bytes(s, 1, o->release, sizeof o->release, d);
}

/* *there: an object of that name is there; its bytes must be these. */
static FALLIBLE same_bytes(struct ledger *l, const struct ledger_object *o, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	struct view v;
	bool row;

	TRY(sql_prepare(l, "SELECT bytes FROM object WHERE name = ?", &s, d));
	sql_text(&s, o->name);
	TRY(sql_step(&s, &row, d));
	if (!row)
		return E_OK;
	v = sql_col_blob(&s, 0);
	if (v.len != o->bytes.len || (v.len && memcmp(v.p, o->bytes.p, v.len) != 0))
		FAIL_ID(d, EXISTS, 'D', 210, "the ledger has other bytes as '%s'", o->name);
	return E_OK;
}

FALLIBLE ledger_put_object(struct ledger *l, const struct ledger_object *o, bool replace, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(blob_fits(o->bytes, d));
	TRY(blob_fits(o->signatures, d));
	if (!replace)
		TRY(same_bytes(l, o, d));
	TRY(sql_prepare(l,
			"INSERT INTO object(" OBJECT_COLUMNS ") VALUES(?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET"
			" state = excluded.state, bytes = excluded.bytes, signatures = excluded.signatures",
			&s, d));
	sql_text(&s, o->name);
	sql_blob(&s, o->release, sizeof o->release);
	sql_u64(&s, o->state);
	sql_blob(&s, o->bytes.p, o->bytes.len);
	sql_blob(&s, o->signatures.p, o->signatures.len);
	return sql_run(&s, d);
}

FALLIBLE ledger_each_object(struct ledger *l, enum ledger_object_state state,
			    bool (*fn)(void *user, const struct ledger_object *o), void *user, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	struct ledger_object o;
	bool row;

	TRY(sql_prepare(l, "SELECT " OBJECT_COLUMNS " FROM object WHERE state = ? ORDER BY n", &s, d));
	sql_u64(&s, state);
	for (;;) {
		TRY(sql_step(&s, &row, d));
		if (!row)
			return E_OK;
		TRY(read_object(&s, &o, d));
		if (!fn(user, &o))
			return E_OK;
	}
}

FALLIBLE ledger_get_object(struct ledger *l, const char *name, struct arena *a, struct ledger_object *out,
			   struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	struct ledger_object o;
	bool row;

	TRY(sql_prepare(l, "SELECT " OBJECT_COLUMNS " FROM object WHERE name = ?", &s, d));
	sql_text(&s, name);
	TRY(sql_step(&s, &row, d));
	if (!row)
		return E_NOT_FOUND;
	TRY(read_object(&s, &o, d));
	TRY(to_arena(o.bytes, a, &o.bytes));
	TRY(to_arena(o.signatures, a, &o.signatures));
	*out = o;
	return E_OK;
}

FALLIBLE ledger_set_object(struct ledger *l, const char *name, enum ledger_object_state state, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "UPDATE object SET state = ? WHERE name = ?", &s, d));
	sql_u64(&s, state);
	sql_text(&s, name);
	return sql_run(&s, d);
}
