/* SPDX-License-Identifier: Apache-2.0 */
/* slot: the state's bytes. One function names every field in order, for both directions. */
#include "release/local/local.h"

enum {
	HEAD_BYTES = 32,
	HASH_AT = LOCAL_SLOT_BYTES - OBJECT_DIGEST_BYTES,
	FIXED_BYTES = 128,
	LANE_BYTES = 160,
	QUARANTINE_BYTES = 112,
	STATE_BYTES = FIXED_BYTES + LOCAL_N_LANES * LANE_BYTES + LOCAL_MAX_QUARANTINE * QUARANTINE_BYTES,
	OLDEST_READER = 1, /* the oldest LOCAL_VERSION that may read what this one writes */
};
static_assert(HEAD_BYTES + STATE_BYTES <= HASH_AT, "a slot holds the state, with room for later releases'");

static const uint8_t magic[8] = { 'S', 'P', 'L', 'O', 'C', 'A', 'L', 0x1a };

struct codec {
	uint8_t *p; /* written to only when writing */
	size_t at;
	bool writing;
};

static void bytes(struct codec *c, void *v, size_t n)
{
	if (c->writing)
		memcpy(c->p + c->at, v, n);
	else
		memcpy(v, c->p + c->at, n);
	c->at += n;
}

static uint64_t number(struct codec *c, uint64_t v, size_t n)
{
	uint64_t got = 0;

	for (size_t i = 0; i < n; i++, c->at++) {
		if (c->writing)
			c->p[c->at] = (uint8_t)(v >> 8 * i);
		got |= (uint64_t)c->p[c->at] << 8 * i;
	}
	return got;
}

static void u32(struct codec *c, uint32_t *v)
{
	*v = (uint32_t)number(c, *v, 4);
}

static void u64(struct codec *c, uint64_t *v)
{
	*v = number(c, *v, 8);
}

static void skip_to(struct codec *c, size_t at)
{
	assert(c->at <= at);
	c->at = at;
}

struct head {
	uint8_t magic[8];
	uint32_t version, readable_by, state_bytes, zero;
	uint64_t generation;
};

static void code_head(struct codec *c, struct head *h)
{
	bytes(c, h->magic, sizeof h->magic);
	u32(c, &h->version);
	u32(c, &h->readable_by);
	u32(c, &h->state_bytes);
	u32(c, &h->zero);
	u64(c, &h->generation);
	assert(c->at == HEAD_BYTES);
}

enum { FLAG_DIRTY = 1, FLAG_SAFE_BY_HAND = 2 };

static void code_fixed(struct codec *c, struct local_state *s, uint32_t *flags)
{
	bytes(c, s->boot, sizeof s->boot);
	u32(c, flags);
	u32(c, &s->hooks);
	u32(c, &s->hooks_barred);
	u32(c, &s->boot_strikes);
	u32(c, &s->agent_deaths);
	u32(c, &s->any_deaths);
	u64(c, &s->calm_s);
	u64(c, &s->strikes);
	u64(c, &s->unclean_boots);
	u64(c, &s->worker_deaths);
	u64(c, &s->blind_ms);
	u32(c, &s->n_quarantine);
}

static void code_lane(struct codec *c, struct local_lane_state *l)
{
	bytes(c, l->lkg, sizeof l->lkg);
	bytes(c, l->lkg1, sizeof l->lkg1);
	bytes(c, l->candidate, sizeof l->candidate);
	u32(c, &l->phase);
	u32(c, &l->level);
	u64(c, &l->in_phase_s);
	u32(c, &l->clean_restarts);
	u32(c, &l->deaths);
	u64(c, &l->quiet_s);
	u64(c, &l->release_seq);
	u64(c, &l->down_s);
	u64(c, &l->retry_s);
}

static void code_quarantine(struct codec *c, struct local_quarantine *q)
{
	bytes(c, q->digest, sizeof q->digest);
	u32(c, &q->cause);
	u32(c, &q->signal);
	u64(c, &q->time_s);
	bytes(c, q->rule, sizeof q->rule);
}

static void code_state(struct codec *c, struct local_state *s, uint32_t *flags)
{
	size_t at = HEAD_BYTES + FIXED_BYTES;

	code_fixed(c, s, flags);
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++, at += LANE_BYTES) {
		skip_to(c, at);
		code_lane(c, &s->lane[i]);
	}
	for (uint32_t i = 0; i < LOCAL_MAX_QUARANTINE; i++, at += QUARANTINE_BYTES) {
		skip_to(c, at);
		code_quarantine(c, &s->quarantine[i]);
	}
	skip_to(c, HEAD_BYTES + STATE_BYTES);
}

void local_write(const struct local_state *s, uint8_t out[LOCAL_SLOT_BYTES])
{
	struct local_state copy = *s;
	struct codec c = { .p = out, .writing = true };
	struct head h = { .version = LOCAL_VERSION,
			  .readable_by = OLDEST_READER,
			  .state_bytes = STATE_BYTES,
			  .generation = s->generation };
	uint32_t flags = (s->dirty ? FLAG_DIRTY : 0) | (s->safe_by_hand ? FLAG_SAFE_BY_HAND : 0);

	memset(out, 0, LOCAL_SLOT_BYTES);
	memcpy(h.magic, magic, sizeof magic);
	code_head(&c, &h);
	code_state(&c, &copy, &flags);
	object_digest(view_of(out, HASH_AT), out + HASH_AT);
}

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

static FALLIBLE check_lane(const struct local_state *s, uint32_t i, struct diag *d)
{
	const struct local_lane_state *l = &s->lane[i];
	bool candidate = !is_zero(l->candidate, sizeof l->candidate);

	if (l->phase > LOCAL_PROBATION || l->level > (i == LOCAL_RELEASE ? LOCAL_SAFE : LOCAL_FACTORY) ||
	    candidate != (l->phase != LOCAL_NONE) || (l->phase == LOCAL_PROBATION && l->level != LOCAL_NORMAL) ||
	    (l->level != LOCAL_NORMAL && !l->retry_s) || l->retry_s > LOCAL_RETRY_MAX_S)
		FAIL_ID(d, FORMAT, 'H', 204, "lane %u: phase %u, level %u and candidate do not agree", i, l->phase,
			l->level);
	if (!is_zero(l->lkg1, sizeof l->lkg1) && is_zero(l->lkg, sizeof l->lkg))
		FAIL_ID(d, FORMAT, 'H', 204, "lane %u: an older content is good, but no newer one", i);
	if (local_is_quarantined(s, l->lkg) || local_is_quarantined(s, l->lkg1) ||
	    local_is_quarantined(s, l->candidate))
		FAIL_ID(d, FORMAT, 'H', 204, "lane %u holds content that is quarantined", i);
	return E_OK;
}

static FALLIBLE check_quarantine(const struct local_quarantine *q, bool used, uint32_t i, struct diag *d)
{
	if (used ? is_zero(q->digest, sizeof q->digest) || q->cause > CAUSE_BOOT || !memchr(q->rule, 0, sizeof q->rule)
		 : !is_zero(q, sizeof *q))
		FAIL_ID(d, FORMAT, 'H', 205, "entry %u of the quarantine is malformed", i);
	return E_OK;
}

static FALLIBLE check_state(const struct local_state *s, uint32_t flags, struct diag *d)
{
	if (flags & ~(uint32_t)(FLAG_DIRTY | FLAG_SAFE_BY_HAND) || s->boot_strikes > LOCAL_MAX_STRIKES ||
	    s->agent_deaths >= LOCAL_DEATHS || s->any_deaths >= LOCAL_ANY_DEATHS ||
	    s->n_quarantine > LOCAL_MAX_QUARANTINE)
		FAIL_ID(d, FORMAT, 'H', 203, "flags 0x%x, %u strikes, %u quarantined: out of bounds", flags,
			s->boot_strikes, s->n_quarantine);
	for (uint32_t i = 0; i < LOCAL_MAX_QUARANTINE; i++)
		TRY(check_quarantine(&s->quarantine[i], i < s->n_quarantine, i, d));
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		TRY(check_lane(s, i, d));
	return E_OK;
}

FALLIBLE local_read(struct view slot, struct local_state *out, struct diag *d)
{
	struct codec c = { .p = (uint8_t *)slot.p };
	uint8_t hash[OBJECT_DIGEST_BYTES];
	struct local_state s = { 0 };
	uint32_t flags = 0;
	struct head h = { 0 };

	if (slot.len != LOCAL_SLOT_BYTES)
		FAIL_ID(d, TRUNCATED, 'H', 201, "a slot of %zu bytes, not %d", slot.len, LOCAL_SLOT_BYTES);
	code_head(&c, &h);
	object_digest(view_of(slot.p, HASH_AT), hash);
	if (memcmp(h.magic, magic, sizeof magic) || !GUARD(9, GUARD(16, !memcmp(hash, slot.p + HASH_AT, sizeof hash))))
		FAIL_ID(d, FORMAT, 'H', 201, "the slot is torn: its checksum does not agree");
	if (!GUARD(23, h.readable_by <= LOCAL_VERSION) || h.version < h.readable_by)
		FAIL_ID(d, UNSUPPORTED, 'H', 202, "state of version %u, to be read by version %u or later; this is %d",
			h.version, h.readable_by, LOCAL_VERSION);
	if (h.state_bytes < STATE_BYTES || h.state_bytes > HASH_AT - HEAD_BYTES || h.zero)
		FAIL_ID(d, FORMAT, 'H', 203, "a state of %u bytes; %d to %d", h.state_bytes, STATE_BYTES,
			HASH_AT - HEAD_BYTES);
	code_state(&c, &s, &flags);
	s.generation = h.generation;
	s.dirty = flags & FLAG_DIRTY;
	s.safe_by_hand = flags & FLAG_SAFE_BY_HAND;
	TRY(check_state(&s, flags, d));
	*out = s;
	return E_OK;
}
