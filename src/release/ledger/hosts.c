/* SPDX-License-Identifier: Apache-2.0 */
/* hosts: their keys, their newest reports, and what of them was counted. */
#include "release/ledger/sql.h"

static FALLIBLE count_hosts(struct ledger *l, uint64_t *out, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	bool row;

	TRY(sql_prepare(l, "SELECT count(*) FROM host", &s, d));
	TRY(sql_step(&s, &row, d));
	*out = row ? sql_col_u64(&s, 0) : 0;
	return E_OK;
}

FALLIBLE ledger_host_key(struct ledger *l, const uint8_t agent[OBJECT_AGENT_ID_BYTES], uint8_t out[OBJECT_KEY_BYTES],
			 struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	bool row;

	TRY(sql_prepare(l, "SELECT key FROM host WHERE agent = ?", &s, d));
	sql_blob(&s, agent, OBJECT_AGENT_ID_BYTES);
	TRY(sql_step(&s, &row, d));
	return row ? sql_col_bytes(&s, 0, out, OBJECT_KEY_BYTES, d) : E_NOT_FOUND;
}

static FALLIBLE insert_host(struct ledger *l, const uint8_t *agent, const uint8_t *key, uint64_t now_s, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "INSERT INTO host(agent, key, seq, first_s, received_s, report) VALUES(?, ?, 0, ?, 0, x'')",
			&s, d));
	sql_blob(&s, agent, OBJECT_AGENT_ID_BYTES);
	sql_blob(&s, key, OBJECT_KEY_BYTES);
	sql_u64(&s, now_s);
	return sql_run(&s, d);
}

static FALLIBLE enrol(struct ledger *l, const uint8_t *agent, const uint8_t *key, uint64_t now_s, struct diag *d)
{
	char id[2 * OBJECT_AGENT_ID_BYTES + 1], hex[2 * OBJECT_KEY_BYTES + 1], body[256];

	object_hex(agent, OBJECT_AGENT_ID_BYTES, id);
	object_hex(key, OBJECT_KEY_BYTES, hex);
	(void)snprintf(body, sizeof body, "{\"agent\":\"%s\",\"key\":\"%s\"}", id, hex);
	TRY(insert_host(l, agent, key, now_s, d));
	return ledger_log(l, "controller", "enrol", body, now_s, d);
}

FALLIBLE ledger_enrol(struct ledger *l, const uint8_t agent[OBJECT_AGENT_ID_BYTES], const uint8_t key[OBJECT_KEY_BYTES],
		      uint64_t now_s, struct diag *d)
{
	uint8_t have[OBJECT_KEY_BYTES];
	enum err err = ledger_host_key(l, agent, have, d);
	uint64_t n = 0;
	bool own;

	if (err == E_OK && memcmp(have, key, sizeof have) != 0)
		FAIL_ID(d, EXISTS, 'D', 211, "this host was enrolled with another key");
	if (err != E_NOT_FOUND)
		return err;
	TRY(count_hosts(l, &n, d));
	if (n >= LEDGER_MAX_HOSTS)
		FAIL_ID(d, LIMIT, 'D', 212, "the ledger has %d hosts, the most that it takes", LEDGER_MAX_HOSTS);
	TRY(sql_enter(l, &own, d));
	err = enrol(l, agent, key, now_s, d);
	return sql_leave(l, own, err, d);
}

/* E_OK: it is of an enrolled host, with its key, and newer. */
static FALLIBLE is_news(struct ledger *l, const struct object_health *h, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	uint8_t key[OBJECT_KEY_BYTES];
	bool row;

	TRY(sql_prepare(l, "SELECT key, seq FROM host WHERE agent = ?", &s, d));
	sql_blob(&s, h->agent, sizeof h->agent);
	TRY(sql_step(&s, &row, d));
	if (!row)
		FAIL_ID(d, NOT_FOUND, 'D', 213, "the host of this report is not enrolled");
	TRY(sql_col_bytes(&s, 0, key, sizeof key, d));
	if (memcmp(key, h->key, sizeof key) != 0)
		FAIL_ID(d, REJECTED, 'D', 211, "this host was enrolled with another key");
	if (h->seq <= sql_col_u64(&s, 1))
		FAIL_ID(d, EXISTS, 'D', 214, "report %llu of this host is not newer than %llu",
			(unsigned long long)h->seq, (unsigned long long)sql_col_u64(&s, 1));
	return E_OK;
}

static FALLIBLE write_health(struct ledger *l, const struct object_health *h, struct view bytes, uint64_t received_s,
			     struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "UPDATE host SET seq = ?, received_s = ?, report = ? WHERE agent = ?", &s, d));
	sql_u64(&s, h->seq);
	sql_u64(&s, received_s);
	sql_blob(&s, bytes.p, bytes.len);
	sql_blob(&s, h->agent, sizeof h->agent);
	return sql_run(&s, d);
}

FALLIBLE ledger_put_health(struct ledger *l, const struct object_health *h, uint64_t received_s, struct diag *d)
{
	struct buf bytes;
	enum err err;

	TRY(is_news(l, h, d));
	buf_init(&bytes, OBJECT_MAX_BYTES);
	err = object_write_health(h, &bytes, d);
	if (err == E_OK)
		err = write_health(l, h, view_of(bytes.p, bytes.len), received_s, d);
	buf_done(&bytes);
	return err;
}

static FALLIBLE read_host(struct sql *s, struct ledger_host *h, struct diag *d)
{
	struct view report = sql_col_blob(s, 3);

	memset(h, 0, sizeof *h);
	if (report.len && object_read_health(report, &h->health, d) != E_OK)
		return sql_damaged(s, "a report of a host", d);
	TRY(sql_col_bytes(s, 0, h->health.agent, sizeof h->health.agent, d));
	h->first_s = sql_col_u64(s, 1);
	h->received_s = sql_col_u64(s, 2);
	return E_OK;
}

FALLIBLE ledger_hosts(struct ledger *l, bool (*fn)(void *user, const struct ledger_host *h), void *user, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	struct ledger_host h;
	bool row;

	TRY(sql_prepare(l, "SELECT agent, first_s, received_s, report FROM host ORDER BY agent", &s, d));
	for (;;) {
		TRY(sql_step(&s, &row, d));
		if (!row)
			return E_OK;
		TRY(read_host(&s, &h, d));
		if (!fn(user, &h))
			return E_OK;
	}
}

FALLIBLE ledger_get_seen(struct ledger *l, const uint8_t release[16], const uint8_t agent[OBJECT_AGENT_ID_BYTES],
			 struct ledger_seen *out, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };
	bool row;

	TRY(sql_prepare(l,
			"SELECT first_s, counted_s, boots, strikes, booted, seq FROM seen"
			" WHERE release = ? AND agent = ?",
			&s, d));
	sql_blob(&s, release, 16);
	sql_blob(&s, agent, OBJECT_AGENT_ID_BYTES);
	TRY(sql_step(&s, &row, d));
	if (!row)
		return E_NOT_FOUND;
	*out = (struct ledger_seen){ .first_s = sql_col_u64(&s, 0),
				     .counted_s = sql_col_u64(&s, 1),
				     .boots = sql_col_u64(&s, 2),
				     .strikes = (uint32_t)sql_col_u64(&s, 3),
				     .booted = sql_col_u64(&s, 4) != 0,
				     .seq = sql_col_u64(&s, 5) };
	memcpy(out->agent, agent, sizeof out->agent);
	return E_OK;
}

FALLIBLE ledger_put_seen(struct ledger *l, const uint8_t release[16], const struct ledger_seen *seen, struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l,
			"INSERT OR REPLACE INTO seen(release, agent, first_s, counted_s, boots, strikes, booted, seq)"
			" VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
			&s, d));
	sql_blob(&s, release, 16);
	sql_blob(&s, seen->agent, sizeof seen->agent);
	sql_u64(&s, seen->first_s);
	sql_u64(&s, seen->counted_s);
	sql_u64(&s, seen->boots);
	sql_u64(&s, seen->strikes);
	sql_u64(&s, seen->booted);
	sql_u64(&s, seen->seq);
	return sql_run(&s, d);
}

FALLIBLE ledger_forget_seen(struct ledger *l, const uint8_t release[16], struct diag *d)
{
	AUTO(sql_done) struct sql s = { 0 };

	TRY(sql_prepare(l, "DELETE FROM seen WHERE release = ?", &s, d));
	sql_blob(&s, release, 16);
	return sql_run(&s, d);
}
