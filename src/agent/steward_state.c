/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steward_state: what the steward has kept for its successor, and the keys of this agent.
 *
 *   offset  bytes
 *        0      4  magic "SPST"
 *        4      4  version, 1
 *        8      8  number of the last report
 *       16      8  bytes of trust, which follow (trust_save)
 *       24      8  bytes of known releases, which follow (endpoint_save)
 *       32      8  n_mutes
 *       40         trust, known releases, n_mutes times struct steward_mute, until_s in Unix seconds
 */
#include <sodium.h>

#include "agent/steward_parts.h"

enum { STATE_VERSION = 1, STATE_MAX = 1 << 20, KEY_MAX = 4096 };

struct state_hdr {
	char magic[4];
	uint32_t version;
	uint64_t report_seq, trust_bytes, table_bytes, n_mutes;
};
static_assert(sizeof(struct state_hdr) == 40, "as above");

static void hand_over(struct steward *s, uint32_t what, struct view bytes)
{
	AUTO_FD int fd = steward_memory(bytes);
	struct control_packet p;

	if (fd < 0)
		return;
	control_init(&p, CONTROL_SAVE);
	p.msg.u.save = (struct control_save){ .what = what, .bytes = (uint32_t)bytes.len };
	p.fds[p.n_fds++] = fd;
	steward_send(s, &p);
}

static uint64_t left_s(uint64_t until_s, uint64_t now_s)
{
	return until_s > now_s ? until_s - now_s : 0;
}

static FALLIBLE put_state(const struct steward *s, struct buf *out)
{
	struct state_hdr h = {
		.magic = "SPST", .version = STATE_VERSION, .report_seq = s->report_seq, .n_mutes = s->n_mutes
	};
	size_t at;

	buf_put(out, &h, sizeof h);
	if (s->has_root)
		TRY(trust_save(&s->trust, out));
	h.trust_bytes = out->len - sizeof h;
	at = out->len;
	TRY(endpoint_save(&s->table, out));
	h.table_bytes = out->len - at;
	for (uint32_t i = 0; i < s->n_mutes; i++) {
		struct steward_mute m = s->mute[i];

		m.until_s = steward_unix_s() + left_s(m.until_s, steward_boot_s());
		buf_put(out, &m, sizeof m);
	}
	if (out->full)
		return E_LIMIT;
	memcpy(out->p, &h, sizeof h);
	return E_OK;
}

void steward_save(struct steward *s)
{
	struct buf b;

	s->dirty = false;
	s->saved_s = steward_boot_s();
	buf_init(&b, STATE_MAX);
	if (put_state(s, &b) == E_OK)
		hand_over(s, CONTROL_SAVED_STATE, view_of(b.p, b.len));
	else
		log_error("steward: what it knows cannot be kept");
	buf_done(&b);
}

/* A mute that was kept: its texts end, and it does not last for ever. */
static bool mute_ok(const struct steward_mute *m)
{
	return memchr(m->m.rule, 0, sizeof m->m.rule) && memchr(m->m.key, 0, sizeof m->m.key) &&
	       memchr(m->m.value, 0, sizeof m->m.value) && memchr(m->m.reason, 0, sizeof m->m.reason);
}

static FALLIBLE take_mutes(struct steward *s, struct view v, uint64_t n, struct diag *d)
{
	if (n > STEWARD_MAX_MUTES || v.len != n * sizeof *s->mute)
		FAIL(d, FORMAT, "%llu mutes in %zu bytes", (unsigned long long)n, v.len);
	for (uint64_t i = 0; i < n; i++) {
		struct steward_mute *m = &s->mute[i];
		uint64_t left;

		TRY(VIEW_READ(v, i * sizeof *m, m));
		if (!mute_ok(m))
			FAIL(d, FORMAT, "mute %llu has a text without end", (unsigned long long)i);
		/* A clock that was set back does not make it last longer than it could be asked for. */
		left = left_s(m->until_s, steward_unix_s());
		m->until_s = m->m.until_s = steward_boot_s() + (left < STEWARD_MAX_MUTE_S ? left : STEWARD_MAX_MUTE_S);
		s->n_mutes++;
	}
	return E_OK;
}

FALLIBLE steward_restore(struct steward *s, struct view bytes, struct diag *d)
{
	struct endpoint_table table;
	struct view trust, known, mutes;
	AUTO_FREE struct trust *t = calloc(1, sizeof *t);
	struct state_hdr h;

	if (!t)
		return E_NOMEM;
	TRY(VIEW_READ(bytes, 0, &h));
	if (!GUARD(16, !memcmp(h.magic, "SPST", 4)) || h.version != STATE_VERSION)
		FAIL(d, FORMAT, "this is no state of a steward, or one of another version");
	if (!view_sub(bytes, sizeof h, h.trust_bytes, &trust) ||
	    !view_sub(bytes, sizeof h + h.trust_bytes, h.table_bytes, &known) ||
	    !view_sub(bytes, sizeof h + h.trust_bytes + h.table_bytes,
		      bytes.len - sizeof h - h.trust_bytes - h.table_bytes, &mutes))
		FAIL(d, TRUNCATED, "the state of the steward ends too early");
	if (trust.len && s->has_root) {
		TRY(trust_restore(trust, t, d));
		/* The owner put another fleet's root on this host, or a newer one. */
		if (strcmp(t->root.fleet, s->trust.root.fleet) || t->root.version < s->trust.root.version)
			FAIL(d, FORMAT, "it is about root %u of fleet '%s', the host's is %u of '%s'", t->root.version,
			     t->root.fleet, s->trust.root.version, s->trust.root.fleet);
	}
	TRY(endpoint_restore(known, &table, d));
	TRY(take_mutes(s, mutes, h.n_mutes, d));
	if (trust.len && s->has_root)
		s->trust = *t;
	s->table = table;
	s->report_seq = h.report_seq;
	return E_OK;
}

static FALLIBLE make_keys(struct steward *s, struct diag *d)
{
	struct buf text;
	enum err err;

	TRY(sign_new(&s->key));
	buf_init(&text, KEY_MAX);
	err = sign_put_secret(&s->key, NULL, &text, d);
	if (err == E_OK)
		hand_over(s, CONTROL_SAVED_KEY, view_of(text.p, text.len));
	if (text.p)
		sodium_memzero(text.p, text.cap);
	buf_done(&text);
	return err;
}

FALLIBLE steward_identity(struct steward *s, struct view secret, struct diag *d)
{
	if (!secret.len) {
		TRY(make_keys(s, d));
	} else if (sign_read_secret(secret, NULL, &s->key, d) != E_OK) {
		log_error("the keys of this agent are damaged, it gets new ones and a new name: %s", d->text);
		TRY(make_keys(s, d));
	}
	(void)crypto_generichash(s->host.agent_id, sizeof s->host.agent_id, s->key.pub.key, sizeof s->key.pub.key, NULL,
				 0);
	return E_OK;
}
