/* SPDX-License-Identifier: Apache-2.0 */
/* steward_text: the state of this host in words, for its owner: status, the proof of a bundle, mutes. */
#include <inttypes.h>

#include "agent/steward_parts.h"

enum {
	HEX = 2 * OBJECT_DIGEST_BYTES + 1,
	SHORT = 12,
	QUIET_S = 20, /* a worker without a heartbeat for so long does not watch, and has not only been restarted */
	MIN_DIGITS = 4,
	MAX_NEEDS = 6,
};

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

/* How rules are run, in words; the count is a worker's. */
static const char *native_word(const struct page *p)
{
	static const char *const words[] = {
		[PAGE_NATIVE_WAITS] = "not yet: a compiler is at work, or no worker watches",
		[PAGE_NATIVE_OFF] = "off: by the setting `native`",
		[PAGE_NATIVE_GIVEN] = "no: the worker refused it; the agent's log says why",
		[PAGE_NATIVE_NONE] = "no: the compiler failed; the agent's log says why",
		[PAGE_NATIVE_DIED] = "no: a worker died with the native code of this content"
	};

	return page_get(&p->native) ? "yes" : WORD(words, page_get(&p->native_state));
}

/* What the owner should look at: reasons of exit code 1. A quarantine is none, for the host has helped itself. */
struct needs {
	const char *text[MAX_NEEDS];
	uint32_t n;
};

static struct needs find_needs(struct steward *s)
{
	uint32_t level = s->fact[LOCAL_RELEASE].level;
	struct needs a = { .n = 0 };

	if (level == LOCAL_SAFE)
		a.text[a.n++] = "SAFE: content is off, only the fixed feed is watched; `sallyport safe off` ends it";
	if (level == LOCAL_FACTORY)
		a.text[a.n++] = "released content did harm here and is not armed; the rules of this installation are";
	if (steward_quiet_s(s) > QUIET_S)
		a.text[a.n++] = "nobody watches: no worker shows signs of life; the agent's log says why";
	if (s->policy_broken)
		a.text[a.n++] = "release.policy cannot be understood: nothing new is activated until it is mended";
	if (s->has_root && trust_is_stale(&s->trust, steward_unix_s()))
		a.text[a.n++] = "the repository has told nothing new for too long: nothing new is activated, what is "
				"armed goes on";
	return a;
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

#define FACTORY_LINE "  armed      the rules of this installation\n"

static void put_lane(struct buf *out, const struct steward *s, uint32_t lane)
{
	const struct control_fact *f = &s->fact[lane];
	bool on_trial = f->phase == LOCAL_PROBATION;
	bool off = f->level == LOCAL_SAFE || (lane == LOCAL_RELEASE && f->level == LOCAL_FACTORY);

	if (lane == LOCAL_OWNER && is_zero(f->lkg) && is_zero(f->candidate) && is_zero(f->strike))
		return;
	buf_printf(out, "%s content\n", lanes[lane]);
	if (off)
		buf_puts(out, f->level == LOCAL_SAFE ? "  armed      nothing: SAFE\n" : FACTORY_LINE);
	else if (!on_trial && is_zero(f->lkg))
		buf_puts(out, lane == LOCAL_RELEASE ? FACTORY_LINE : "  armed      nothing yet\n");
	put_content(out, off || on_trial ? "last good" : "armed", s, f->lkg);
	put_content(out, !off && on_trial ? "armed" : "candidate", s, f->candidate);
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
		   trust_is_stale(&s->trust, now) ? "; STALE" : "");
	if (s->policy_broken)
		buf_puts(out, "  policy     BROKEN\n");
}

static void put_status_text(const struct steward *s, const struct needs *needs, struct buf *out)
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
	for (uint32_t i = 0; i < needs->n; i++)
		buf_printf(out, "%s%s\n", i ? "             " : "LOOK AT      ", needs->text[i]);
	if (!(s->start.flags & CONTROL_STEWARD_KEEPS))
		buf_puts(out,
			 "state        none kept: no releases, no SAFE, mutes end with the agent (setting `state`)\n");
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
	buf_printf(out, "native code  %s\n", native_word(s->page));
	if (s->n_mutes)
		buf_printf(out, "mutes        %u: `sallyport mute --list`\n", s->n_mutes);
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

static void put_status_json(const struct steward *s, const struct needs *needs, struct buf *out)
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
	json_key(&j, "said");
	json_strn(&j, s->fact[LOCAL_RELEASE].text,
		  strnlen(s->fact[LOCAL_RELEASE].text, sizeof s->fact[LOCAL_RELEASE].text));
	json_key(&j, "look_at");
	json_array(&j);
	for (uint32_t i = 0; i < needs->n; i++)
		json_str(&j, needs->text[i]);
	json_end_array(&j);
	json_key(&j, "keeps_state");
	json_bool(&j, s->start.flags & CONTROL_STEWARD_KEEPS);
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
	json_key(&j, "native");
	json_bool(&j, page_get(&s->page->native) != 0);
	key_str(&j, "native_why", native_word(s->page));
	key_u64(&j, "native_deaths", page_get(&s->page->native_deaths));
	json_end_object(&j);
	buf_putc(out, '\n');
}

int steward_put_status(struct steward *s, bool as_json, struct buf *out)
{
	struct needs needs = find_needs(s);

	if (as_json)
		put_status_json(s, &needs, out);
	else
		put_status_text(s, &needs, out);
	return needs.n > 0;
}

/* the proof of a bundle */

static bool begins_with(const uint8_t *have, const char *digest)
{
	char hex[HEX];

	return !strncmp(hex_of(have, hex), digest, strlen(digest));
}

/* How many digests begin so; one of them. */
struct found {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	uint32_t n;
};

static void count_digest(struct found *f, const uint8_t *have, const char *digest)
{
	if (is_zero(have) || !begins_with(have, digest) || (f->n && !memcmp(f->digest, have, sizeof f->digest)))
		return;
	memcpy(f->digest, have, sizeof f->digest);
	f->n++;
}

static struct found find_digest(const struct steward *s, const char *digest)
{
	struct found f = { .n = 0 };

	for (uint32_t i = 0; i < s->table.n; i++)
		count_digest(&f, s->table.k[i].digest, digest);
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++) {
		count_digest(&f, s->fact[i].lkg, digest);
		count_digest(&f, s->fact[i].candidate, digest);
		count_digest(&f, s->fact[i].strike, digest);
	}
	return f;
}

/* Its newest promotion, or NULL: the owner's content has none. */
static const struct endpoint_known *find_known(const struct steward *s, const uint8_t *digest)
{
	const struct endpoint_known *found = NULL;

	for (uint32_t i = 0; i < s->table.n; i++)
		if (!memcmp(s->table.k[i].digest, digest, OBJECT_DIGEST_BYTES) &&
		    (!found || s->table.k[i].seq > found->seq))
			found = &s->table.k[i];
	return found;
}

/* What it is on this host; "" when it is only known of. */
static const char *standing(const struct steward *s, const uint8_t *digest)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++) {
		const struct control_fact *f = &s->fact[i];

		if (!memcmp(f->strike, digest, OBJECT_DIGEST_BYTES))
			return "quarantined";
		if (!memcmp(f->candidate, digest, OBJECT_DIGEST_BYTES))
			return WORD(phases, f->phase);
		if (!memcmp(f->lkg, digest, OBJECT_DIGEST_BYTES))
			return "last known good";
	}
	return "";
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

/* A question to the repository is out already: it takes one at a time. */
static bool is_asking(const struct steward *s)
{
	return s->asked_id && !s->answered;
}

static void put_evidence(struct steward *s, const struct endpoint_known *k, struct buf *out)
{
	if (k->ring == 0)
		return;
	buf_puts(out, "the gate before this ring, judged again here:\n");
	if (is_asking(s))
		buf_puts(out, "  not now: the repository is being read, ask again in a minute\n");
	else
		(void)steward_evidence(s, k, out);
}

static void json_promotion(struct steward *s, const struct endpoint_known *k, struct json *j)
{
	struct buf text;

	key_u64(j, "promotion", k->seq);
	key_u64(j, "ring", k->ring);
	json_key(j, "blessed");
	json_bool(j, k->blessed);
	key_u64(j, "dwell_s", k->dwell_s);
	json_checks(s, k, j);
	buf_init(&text, 64 << 10);
	put_evidence(s, k, &text);
	json_key(j, "evidence");
	json_strn(j, text.p ? text.p : "", text.len);
	buf_done(&text);
}

static void explain_json(struct steward *s, const uint8_t *digest, const struct endpoint_known *k, struct buf *out)
{
	const struct steward_seen *n = steward_seen(s, digest);
	struct json j;

	json_init(&j, out);
	json_object(&j);
	key_digest(&j, "digest", digest);
	key_str(&j, "name", n ? n->name : NULL);
	key_str(&j, "version", n ? n->version : NULL);
	key_str(&j, "here", standing(s, digest));
	key_str(&j, "refused", n ? n->why : "");
	if (k)
		json_promotion(s, k, &j);
	json_end_object(&j);
	buf_putc(out, '\n');
}

static void explain_text(struct steward *s, const uint8_t *digest, const struct endpoint_known *k, struct buf *out)
{
	const struct steward_seen *n = steward_seen(s, digest);
	const char *here = standing(s, digest);
	char hex[HEX];

	buf_printf(out, "bundle     %s\n", hex_of(digest, hex));
	if (n && n->name[0]) {
		buf_puts(out, "           ");
		buf_put_safe(out, n->name, strlen(n->name));
		buf_putc(out, ' ');
		buf_put_safe(out, n->version, strlen(n->version));
		buf_putc(out, '\n');
	}
	buf_printf(out, "here       %s\n", here[0] ? here : "not armed, nor on trial");
	if (n && n->why[0]) {
		buf_puts(out, "refused    ");
		buf_put_safe(out, n->why, strlen(n->why));
		buf_putc(out, '\n');
	}
	if (!k) {
		buf_puts(out, "promotion  none that this host knows: it is the owner's content, or an old release\n");
		return;
	}
	buf_printf(out, "promotion  %" PRIu64, k->seq);
	if (k->blessed)
		buf_puts(out, " blesses it: all hosts");
	else
		buf_printf(out, " opens ring %u", k->ring);
	buf_printf(out, "; root %u of fleet %s\n", s->trust.root.version, s->trust.root.fleet);
	put_checks(s, k, out);
	put_evidence(s, k, out);
}

int steward_put_explain(struct steward *s, const char *digest, bool as_json, struct buf *out)
{
	struct found f = find_digest(s, digest);

	if (strlen(digest) < MIN_DIGITS || strlen(digest) >= HEX) {
		buf_printf(out, "a bundle is named by %d to %d hexadecimal digits of its digest\n", MIN_DIGITS,
			   HEX - 1);
		return 1;
	}
	if (f.n != 1) {
		buf_puts(out, f.n ? "several bundles' digests begin so: give more digits\n"
				  : "this host knows no bundle whose digest begins so: `sallyport status` shows those "
				    "that are armed\n");
		return 1;
	}
	if (as_json)
		explain_json(s, f.digest, find_known(s, f.digest), out);
	else
		explain_text(s, f.digest, find_known(s, f.digest), out);
	return 0;
}

/* mutes */

static uint64_t left_s(const struct steward_mute *m, uint64_t now_s)
{
	return m->until_s > now_s ? m->until_s - now_s : 0;
}

void steward_put_mutes(struct steward *s, bool as_json, struct buf *out)
{
	uint64_t now = steward_boot_s();
	struct json j;

	if (!as_json) {
		for (uint32_t i = 0; i < s->n_mutes; i++) {
			const struct control_mute *m = &s->mute[i].m;

			buf_put_safe(out, m->rule, strlen(m->rule));
			if (m->key[0]) {
				buf_puts(out, "\n  where    ");
				buf_put_safe(out, m->key, strlen(m->key));
				buf_putc(out, '=');
				buf_put_safe(out, m->value, strlen(m->value));
			}
			buf_puts(out, "\n  for      ");
			put_span(out, left_s(&s->mute[i], now));
			buf_puts(out, "\n  because  ");
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
		key_u64(&j, "left_s", left_s(&s->mute[i], now));
		json_end_object(&j);
	}
	json_end_array(&j);
	buf_putc(out, '\n');
}
