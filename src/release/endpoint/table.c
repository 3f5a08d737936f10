/* SPDX-License-Identifier: Apache-2.0 */
/* table: the releases that a host knows, and how long. */
#include "release/endpoint/internal.h"

void endpoint_table_init(struct endpoint_table *t)
{
	*t = (struct endpoint_table){ .n = 0 };
}

static bool is_newer(uint32_t epoch, uint64_t seq, uint32_t than_epoch, uint64_t than_seq)
{
	return epoch != than_epoch ? epoch > than_epoch : seq > than_seq;
}

static bool is_overtaken(const struct endpoint_table *t, const struct endpoint_known *k)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->k[i].blessed && is_newer(t->k[i].first_epoch, t->k[i].first_seq, k->first_epoch, k->first_seq))
			return true;
	return false;
}

/* Should a be forgotten rather than b? A total order over what the header says. */
static bool goes_first(const struct endpoint_table *t, const struct endpoint_known *a, const struct endpoint_known *b)
{
	bool a_over = is_overtaken(t, a), b_over = is_overtaken(t, b);

	if (a->epoch != b->epoch)
		return a->epoch < b->epoch;
	if (a_over != b_over)
		return a_over;
	if (a_over)
		return is_newer(b->first_epoch, b->first_seq, a->first_epoch, a->first_seq);
	if (a->ring != b->ring)
		return a->ring < b->ring;
	return a->dwell_s != b->dwell_s ? a->dwell_s < b->dwell_s : a > b;
}

static struct endpoint_known *new_entry(struct endpoint_table *t, const struct policy *pol)
{
	struct endpoint_known *victim = NULL;

	if (t->n < ENDPOINT_MAX_KNOWN)
		return &t->k[t->n++];
	for (uint32_t i = 0; i < t->n; i++)
		if (!(pol->pinned && !memcmp(pol->pin, t->k[i].digest, sizeof pol->pin)) &&
		    (!victim || goes_first(t, &t->k[i], victim)))
			victim = &t->k[i];
	return victim;
}

static struct endpoint_known *find(struct endpoint_table *t, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!memcmp(t->k[i].digest, digest, OBJECT_DIGEST_BYTES))
			return &t->k[i];
	return NULL;
}

static void start(struct endpoint_known *k, const struct object_promotion *p)
{
	*k = (struct endpoint_known){ .first_epoch = p->epoch, .first_seq = p->seq };
	memcpy(k->release, p->release, sizeof k->release);
	memcpy(k->digest, p->digest, sizeof k->digest);
	for (uint32_t i = 0; i < PLAN_RINGS; i++)
		k->open_dwell_s[i] = UINT64_MAX;
}

struct endpoint_known *endpoint_take(struct endpoint_table *t, const struct object_promotion *p,
				     const struct policy *pol)
{
	struct endpoint_known *k = find(t, p->digest);

	if (strncmp(p->channel, pol->channel, sizeof p->channel) != 0 ||
	    (k && !is_newer(p->epoch, p->seq, k->epoch, k->seq)))
		return NULL;
	if (!k) {
		k = new_entry(t, pol);
		start(k, p);
	}
	memcpy(k->channel, p->channel, sizeof k->channel);
	k->epoch = p->epoch;
	k->seq = p->seq;
	k->ring = p->ring < PLAN_BLESSED ? p->ring : PLAN_BLESSED;
	k->lane = p->lane == PLAN_URGENT ? PLAN_URGENT : PLAN_NORMAL;
	k->cutoff = p->cutoff;
	k->not_before = p->not_before;
	k->expires = p->expires;
	k->security_floor = p->security_floor;
	k->blessed = p->ring >= PLAN_BLESSED;
	k->rollback = p->rollback;
	memcpy(k->evidence, p->evidence, sizeof k->evidence);
	k->evidence_ok = false;
	/* A ring that is closed again opens anew. */
	for (uint32_t i = 0; i < PLAN_RINGS; i++)
		if (i > k->ring)
			k->open_dwell_s[i] = UINT64_MAX;
		else if (k->open_dwell_s[i] == UINT64_MAX)
			k->open_dwell_s[i] = k->dwell_s;
	return k;
}

void endpoint_forget(struct endpoint_table *t, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	struct endpoint_known *k = find(t, digest);

	if (k)
		*k = t->k[--t->n];
}

void endpoint_tick(struct endpoint_table *t, uint64_t elapsed_s)
{
	if (!GUARD(18, elapsed_s <= ENDPOINT_MAX_TICK_S))
		elapsed_s = ENDPOINT_MAX_TICK_S;
	for (uint32_t i = 0; i < t->n; i++)
		t->k[i].dwell_s += elapsed_s;
}

uint32_t endpoint_newer(const struct endpoint_table *t, const struct plan *plan, const struct policy *p,
			const struct endpoint_host *h, const struct endpoint_known *k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct endpoint_known *o = &t->k[i];
		struct endpoint_measure m;

		if (!is_newer(o->first_epoch, o->first_seq, k->first_epoch, k->first_seq) ||
		    strncmp(o->channel, k->channel, sizeof o->channel) != 0)
			continue;
		endpoint_measure(plan, p, h, o, &m);
		n += endpoint_ring_is_open(o, &m) && o->dwell_s >= m.dwell_s;
	}
	return n;
}
