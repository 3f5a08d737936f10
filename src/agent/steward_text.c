/* SPDX-License-Identifier: Apache-2.0 */
/* steward_text: the state of this host in words, for its owner: status, the proof of a bundle, mutes. */
#include <inttypes.h>

#include "agent/steward_parts.h"

enum { HEX = 2 * OBJECT_DIGEST_BYTES + 1, SHORT = 12 };

static const char *const phases[] = { "none", "selftest", "shadow", "probation" };
static const char *const levels[] = { "normal", "factory", "SAFE" };
static const char *const causes[] = { "none", "crash", "hang", "memory", "refused", "vector", "budget", "boot" };
static const char *const lanes[] = { "release", "owner" };

#define WORD(table, i) ((i) < countof(table) ? (table)[i] : "?")

static bool is_zero(const uint8_t d[OBJECT_DIGEST_BYTES])
{
	static const uint8_t zero[OBJECT_DIGEST_BYTES];

	return !memcmp(d, zero, sizeof zero);
}

static const char *hex_of(const uint8_t *digest, char out[HEX])
{
	object_hex(digest, OBJECT_DIGEST_BYTES, out);
	return out;
}

/* 3 d 2 h, 5 min, 12 s */
static void put_span(struct buf *out, uint64_t s)
{
	if (s >= 86400)
		buf_printf(out, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		buf_printf(out, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		buf_printf(out, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		buf_printf(out, "%" PRIu64 " s", s);
}

/* status */

struct counted {
	uint64_t events, alerts, faults, throttled, muted, deaths, blind_ms;
};

static struct counted count(const struct steward *s)
{
	const struct page *p = s->page;

	return (struct counted){ .events = page_get(&p->events),
				 .alerts = page_get(&p->alerts),
				 .faults = page_get(&p->faults),
				 .throttled = page_get(&p->throttled),
				 .muted = page_get(&p->muted),
				 .deaths = s->fact[LOCAL_RELEASE].worker_deaths,
				 .blind_ms = s->fact[LOCAL_RELEASE].blind_ms };
}

static void put_content(struct buf *out, const char *what, const struct steward *s, const uint8_t *digest)
{
	const struct steward_seen *n = steward_seen(s, digest);
	char hex[HEX];

	if (is_zero(digest))
		return;
	buf_printf(out, "  %-10s %.*s", what, SHORT, hex_of(digest, hex));
	if (n && n->name[0])
		buf_printf(out, "  %s %s", n->name, n->version);
	buf_putc(out, '\n');
}

static void put_lane(struct buf *out, const struct steward *s, uint32_t lane)
{
	const struct control_fact *f = &s->fact[lane];

	if (lane == LOCAL_OWNER && is_zero(f->lkg) && is_zero(f->candidate) && is_zero(f->strike))
		return;
	buf_printf(out, "%s content\n", lanes[lane]);
	if (is_zero(f->lkg))
		buf_puts(out, lane == LOCAL_RELEASE ? "  armed      the rules of this installation\n"
						    : "  armed      none\n");
	put_content(out, f->phase == LOCAL_PROBATION ? "last good" : "armed", s, f->lkg);
	put_content(out, f->phase == LOCAL_PROBATION ? "armed" : "candidate", s, f->candidate);
	if (!is_zero(f->candidate)) {
		buf_printf(out, "  phase      %s for ", WORD(phases, f->phase));
		put_span(out, f->in_phase_s);
		buf_putc(out, '\n');
	}
	if (!is_zero(f->strike)) {
		put_content(out, "quarantine", s, f->strike);
		buf_printf(out, "             %s", WORD(causes, f->cause));
		if (f->signal)
			buf_printf(out, " (signal %u)", f->signal);
		if (f->rule[0]) {
			buf_puts(out, " in rule \"");
			buf_put_safe(out, f->rule, strnlen(f->rule, sizeof f->rule));
			buf_puts(out, "\"");
		}
		buf_putc(out, '\n');
	}
}

static void put_release(struct buf *out, const struct steward *s)
{
	uint64_t now = steward_unix_s();

	buf_printf(out, "repository   %s\n", s->start.repository);
	buf_puts(out, "  looked at  ");
	if (s->synced_s) {
		put_span(out, now > s->synced_s ? now - s->synced_s : 0);
		buf_puts(out, " ago\n");
	} else {
		buf_puts(out, "not yet\n");
	}
	if (s->sync_error[0]) {
		buf_puts(out, "  problem    ");
		buf_put_safe(out, s->sync_error, strlen(s->sync_error));
		buf_putc(out, '\n');
	}
	buf_printf(out, "  newest     promotion %" PRIu64 ", revoke %" PRIu64 ", root %u of fleet %s%s\n",
		   s->trust.promotion_seq, s->trust.revoke_seq, s->trust.root.version, s->trust.root.fleet,
		   trust_is_stale(&s->trust, now) ? "; STALE: nothing new is taken, what is armed goes on" : "");
	if (s->policy_broken)
		buf_puts(out, "  policy     BROKEN: nothing new is taken until it is mended (see the log)\n");
}

static void put_status_text(const struct steward *s, struct buf *out)
{
	struct counted n = count(s);
	char id[2 * OBJECT_AGENT_ID_BYTES + 1];

	object_hex(s->host.agent_id, OBJECT_AGENT_ID_BYTES, id);
	buf_printf(out, "sallyport    %s, agent %s, up ", SALLYPORT_VERSION, id);
	put_span(out, steward_boot_s() - s->started_s);
	buf_printf(out, "\nlevel        %s\n", WORD(levels, s->fact[LOCAL_RELEASE].level));
	if (s->fact[LOCAL_RELEASE].text[0]) {
		buf_puts(out, "             ");
		buf_put_safe(out, s->fact[LOCAL_RELEASE].text,
			     strnlen(s->fact[LOCAL_RELEASE].text, sizeof s->fact[LOCAL_RELEASE].text));
		buf_putc(out, '\n');
	}
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		put_lane(out, s, i);
	if (s->has_root)
		put_release(out, s);
	buf_printf(out,
		   "worker       %" PRIu64 " events, %" PRIu64 " alerts, %" PRIu64 " throttled, %" PRIu64
		   " muted, %" PRIu64 " faults\n",
		   n.events, n.alerts, n.throttled, n.muted, n.faults);
	buf_printf(out, "             %" PRIu64 " deaths, blind for %.1f s in all\n", n.deaths,
		   (double)n.blind_ms / 1e3);
	if (s->n_mutes)
		buf_printf(out, "mutes        %u\n", s->n_mutes);
}

static void key_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void key_str(struct json *j, const char *key, const char *v)
{
	json_key(j, key);
	json_str(j, v);
}

static void key_digest(struct json *j, const char *key, const uint8_t *digest)
{
	char hex[HEX];

	json_key(j, key);
	if (is_zero(digest))
		json_null(j);
	else
		json_str(j, hex_of(digest, hex));
}

static void json_lane(struct json *j, const struct control_fact *f)
{
	json_object(j);
	key_digest(j, "lkg", f->lkg);
	key_digest(j, "candidate", f->candidate);
	key_str(j, "phase", WORD(phases, f->phase));
	key_u64(j, "in_phase_s", f->in_phase_s);
	key_digest(j, "quarantined", f->strike);
	key_str(j, "cause", WORD(causes, f->cause));
	key_u64(j, "signal", f->signal);
	json_key(j, "rule");
	json_strn(j, f->rule, strnlen(f->rule, sizeof f->rule));
	json_end_object(j);
}

static void json_release(struct json *j, const struct steward *s)
{
	json_object(j);
	key_str(j, "url", s->start.repository);
	key_str(j, "fleet", s->trust.root.fleet);
	key_u64(j, "root", s->trust.root.version);
	key_u64(j, "promotion_seq", s->trust.promotion_seq);
	key_u64(j, "revoke_seq", s->trust.revoke_seq);
	key_u64(j, "synced", s->synced_s);
	json_key(j, "stale");
	json_bool(j, trust_is_stale(&s->trust, steward_unix_s()));
	json_key(j, "policy_broken");
	json_bool(j, s->policy_broken);
	key_str(j, "error", s->sync_error);
	json_end_object(j);
}

static void put_status_json(const struct steward *s, struct buf *out)
{
	struct counted n = count(s);
	char id[2 * OBJECT_AGENT_ID_BYTES + 1];
	struct json j;

	object_hex(s->host.agent_id, OBJECT_AGENT_ID_BYTES, id);
	json_init(&j, out);
	json_object(&j);
	key_str(&j, "version", SALLYPORT_VERSION);
	key_str(&j, "agent", id);
	key_u64(&j, "uptime_s", steward_boot_s() - s->started_s);
	key_str(&j, "level", WORD(levels, s->fact[LOCAL_RELEASE].level));
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++) {
		json_key(&j, lanes[i]);
		json_lane(&j, &s->fact[i]);
	}
	json_key(&j, "repository");
	if (s->has_root)
		json_release(&j, s);
	else
		json_null(&j);
	key_u64(&j, "events", n.events);
	key_u64(&j, "alerts", n.alerts);
	key_u64(&j, "throttled", n.throttled);
	key_u64(&j, "muted", n.muted);
	key_u64(&j, "faults", n.faults);
	key_u64(&j, "worker_deaths", n.deaths);
	key_u64(&j, "blind_ms", n.blind_ms);
	key_u64(&j, "mutes", s->n_mutes);
	json_end_object(&j);
	buf_putc(out, '\n');
}

void steward_put_status(struct steward *s, bool as_json, struct buf *out)
{
	if (as_json)
		put_status_json(s, out);
	else
		put_status_text(s, out);
}

/* the proof of a bundle */

static const struct endpoint_known *find_known(const struct steward *s, const char *digest)
{
	const struct endpoint_known *found = NULL;
	size_t len = strlen(digest);
	char hex[HEX];

	for (uint32_t i = 0; i < s->table.n; i++)
		if (len <= HEX - 1 && !strncmp(hex_of(s->table.k[i].digest, hex), digest, len) &&
		    (!found || s->table.k[i].seq > found->seq))
			found = &s->table.k[i];
	return found;
}

static void put_checks(struct steward *s, const struct endpoint_known *k, struct buf *out)
{
	struct endpoint_facts f = steward_facts(s, k);
	int64_t now = (int64_t)steward_unix_s();
	struct endpoint_verdict v;

	endpoint_decide(&s->trust.root.plan, &s->policy, &s->host, k, &f, now, &v);
	buf_printf(out, "may this host activate it? %s\n", v.go ? "yes" : "not now");
	for (uint32_t c = 0; c < ENDPOINT_N_CHECKS; c++) {
		buf_printf(out, "  %-3s ", v.failed & 1u << c ? "no" : "yes");
		endpoint_explain(&s->trust.root.plan, &s->policy, &s->host, k, &f, now, (enum endpoint_check)c, out);
		buf_putc(out, '\n');
	}
}

static void json_checks(struct steward *s, const struct endpoint_known *k, struct json *j)
{
	struct endpoint_facts f = steward_facts(s, k);
	int64_t now = (int64_t)steward_unix_s();
	struct endpoint_verdict v;
	struct buf text;

	endpoint_decide(&s->trust.root.plan, &s->policy, &s->host, k, &f, now, &v);
	json_key(j, "go");
	json_bool(j, v.go);
	key_u64(j, "own_ring", v.ring);
	json_key(j, "checks");
	json_array(j);
	buf_init(&text, 1024);
	for (uint32_t c = 0; c < ENDPOINT_N_CHECKS; c++) {
		buf_reset(&text);
		endpoint_explain(&s->trust.root.plan, &s->policy, &s->host, k, &f, now, (enum endpoint_check)c, &text);
		json_object(j);
		key_str(j, "check", endpoint_check_name((enum endpoint_check)c));
		json_key(j, "ok");
		json_bool(j, !(v.failed & 1u << c));
		json_key(j, "text");
		json_strn(j, text.p ? text.p : "", text.len);
		json_end_object(j);
	}
	buf_done(&text);
	json_end_array(j);
}

static void put_evidence(struct steward *s, const struct endpoint_known *k, struct buf *out)
{
	if (k->ring == 0)
		return;
	buf_puts(out, "the gate before this ring, judged again here:\n");
	(void)steward_evidence(s, k, out);
}

bool steward_put_explain(struct steward *s, const char *digest, bool as_json, struct buf *out)
{
	const struct endpoint_known *k = find_known(s, digest);
	const struct steward_seen *n;
	char hex[HEX];
	struct json j;

	if (!k)
		return false;
	n = steward_seen(s, k->digest);
	if (as_json) {
		json_init(&j, out);
		json_object(&j);
		key_digest(&j, "digest", k->digest);
		key_u64(&j, "promotion", k->seq);
		key_u64(&j, "ring", k->ring);
		key_u64(&j, "dwell_s", k->dwell_s);
		json_checks(s, k, &j);
		json_end_object(&j);
		buf_putc(out, '\n');
		return true;
	}
	buf_printf(out, "bundle %s%s%s%s%s\n", hex_of(k->digest, hex), n ? "  " : "", n ? n->name : "", n ? " " : "",
		   n ? n->version : "");
	buf_printf(out, "promotion %" PRIu64 " opened %s %u; root %u of fleet %s\n", k->seq,
		   k->blessed ? "all, blessed, after ring" : "ring", k->blessed ? PLAN_LAST : k->ring,
		   s->trust.root.version, s->trust.root.fleet);
	if (n && n->why[0])
		buf_printf(out, "refused: %s\n", n->why);
	put_checks(s, k, out);
	if (!s->syncing)
		put_evidence(s, k, out);
	return true;
}

/* mutes */

void steward_put_mutes(struct steward *s, bool as_json, struct buf *out)
{
	uint64_t now = steward_boot_s();
	struct json j;

	if (!as_json) {
		for (uint32_t i = 0; i < s->n_mutes; i++) {
			const struct control_mute *m = &s->mute[i].m;

			buf_put_safe(out, m->rule, strlen(m->rule));
			if (m->key[0]) {
				buf_puts(out, "  where ");
				buf_put_safe(out, m->key, strlen(m->key));
				buf_putc(out, '=');
				buf_put_safe(out, m->value, strlen(m->value));
			}
			buf_puts(out, "  for another ");
			put_span(out, s->mute[i].until_s - now);
			buf_puts(out, ": ");
			buf_put_safe(out, m->reason, strlen(m->reason));
			buf_putc(out, '\n');
		}
		if (!s->n_mutes)
			buf_puts(out, "nothing is muted\n");
		return;
	}
	json_init(&j, out);
	json_array(&j);
	for (uint32_t i = 0; i < s->n_mutes; i++) {
		const struct control_mute *m = &s->mute[i].m;

		json_object(&j);
		key_str(&j, "rule", m->rule);
		key_str(&j, "key", m->key);
		key_str(&j, "value", m->value);
		key_str(&j, "reason", m->reason);
		key_u64(&j, "left_s", s->mute[i].until_s - now);
		json_end_object(&j);
	}
	json_end_array(&j);
	buf_putc(out, '\n');
}
