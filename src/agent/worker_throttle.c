/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_throttle: a rule that alerts too often is judged and counted as ever; most of its alerts are not written.
 *
 * A budget for each (rule, control group, executable), and one of WIDE times as much for the rule as a whole, so that
 * many executables are no way around it. Whoever is over a budget is held back for HOLD_NS; a note says so, and another
 * one how many were held back. So a rule writes at most WIDE budgets and a few notes a minute, whatever happens.
 * Rules of priority critical and above are never held back. Memory is fixed: the budgets that were used longest ago go.
 */
#include "agent/worker.h"

#include <sodium.h>

#include "content/rule/rule.h"

enum { BUCKETS = 64, PLACES = 8, WIDE = 10, TEXT_BYTES = 96, TICK_NS = 1000000000 };

#define MINUTE_NS 60000000000ull
#define HOLD_NS MINUTE_NS

/* A bucket of tokens: a minute's worth when it is full, and each alert takes its part. */
struct budget {
	uint64_t key; /* 0: free */
	uint64_t left_ns, at_ns;
	uint64_t until_ns, held; /* held back until then; 0: it is not */
	bool wide;
	char rule[TEXT_BYTES], cgroup[TEXT_BYTES], exe[TEXT_BYTES]; /* cut; for the note */
};

struct worker_throttle {
	uint32_t per_minute;
	uint64_t ticked_ns;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	struct budget budgets[BUCKETS][PLACES];
};

FALLIBLE worker_throttle_new(struct worker *w, uint32_t per_minute)
{
	if (!per_minute)
		return E_OK;
	w->throttle = calloc(1, sizeof *w->throttle);
	if (!w->throttle)
		return E_NOMEM;
	w->throttle->per_minute = per_minute;
	crypto_shorthash_keygen(w->throttle->hash_key);
	return E_OK;
}

void worker_throttle_free(struct worker *w)
{
	free(TAKE(w->throttle));
}

static void put_text(char out[TEXT_BYTES], struct view v)
{
	(void)snprintf(out, TEXT_BYTES, "%.*s", (int)(v.len < TEXT_BYTES ? v.len : TEXT_BYTES - 1),
		       v.p ? (const char *)v.p : "");
}

static void say(struct worker *w, const struct budget *b, bool ends)
{
	static const char *const keys[] = { "held_back", "per_minute", "until" };
	uint64_t per_minute = (uint64_t)w->throttle->per_minute * (b->wide ? WIDE : 1);
	uint64_t values[] = { b->held, per_minute, b->until_ns + w->start.boot_to_wall_ns };
	char who[3 * TEXT_BYTES + 64], text[640];
	struct output_note n = { .rule = "Sallyport internal: rule throttled",
				 .text = text,
				 .keys = keys,
				 .values = values,
				 .n = countof(keys) };

	if (b->wide)
		(void)snprintf(who, sizeof who, "rule \"%s\"", b->rule);
	else
		(void)snprintf(who, sizeof who, "rule \"%s\" for %s in control group %s", b->rule,
			       b->exe[0] ? b->exe : "?", b->cgroup[0] ? b->cgroup : "?");
	if (ends)
		(void)snprintf(text, sizeof text, "%s is throttled no longer: %llu alerts were held back", who,
			       (unsigned long long)b->held);
	else
		(void)snprintf(text, sizeof text,
			       "%s is throttled: more than %llu alerts a minute; it is judged and counted, its alerts "
			       "are held back for %llu s",
			       who, (unsigned long long)per_minute, (unsigned long long)(HOLD_NS / 1000000000));
	worker_note(w, &n);
}

static void end_hold(struct worker *w, struct budget *b, uint64_t now_ns)
{
	say(w, b, true);
	b->until_ns = b->held = 0;
	b->left_ns = MINUTE_NS;
	b->at_ns = now_ns;
}

/* Of those that are not held back, if there are any, the one that was used longest ago. */
static struct budget *oldest(struct budget *places)
{
	struct budget *b = &places[0];

	for (uint32_t i = 1; i < PLACES; i++) {
		bool less = !places[i].until_ns && b->until_ns;

		if (less || (!places[i].until_ns == !b->until_ns && places[i].at_ns < b->at_ns))
			b = &places[i];
	}
	return b;
}

static struct budget *find(struct worker *w, uint64_t key, uint64_t now_ns)
{
	struct budget *places = w->throttle->budgets[key % BUCKETS], *b;

	for (uint32_t i = 0; i < PLACES; i++)
		if (places[i].key == key)
			return &places[i];
	b = oldest(places);
	if (b->until_ns)
		end_hold(w, b, now_ns);
	*b = (struct budget){ .key = key, .left_ns = MINUTE_NS, .at_ns = now_ns };
	return b;
}

/* True: it is not held back now. */
static bool is_open(struct worker *w, struct budget *b, uint64_t now_ns)
{
	if (b->until_ns && now_ns >= b->until_ns)
		end_hold(w, b, now_ns);
	b->held += b->until_ns != 0;
	return !b->until_ns;
}

/* True: one alert was paid for. */
static bool pay(struct worker *w, struct budget *b, uint64_t now_ns)
{
	uint64_t cost = MINUTE_NS / ((uint64_t)w->throttle->per_minute * (b->wide ? WIDE : 1));
	uint64_t passed = now_ns > b->at_ns ? now_ns - b->at_ns : 0;

	b->left_ns = passed < MINUTE_NS - b->left_ns ? b->left_ns + passed : MINUTE_NS;
	b->at_ns = now_ns;
	if (GUARD(22, b->left_ns >= cost)) {
		b->left_ns -= cost;
		return true;
	}
	b->until_ns = now_ns + HOLD_NS;
	say(w, b, false);
	b->held = 1;
	return false;
}

static uint64_t hash(const struct worker_throttle *t, const struct buf *text)
{
	uint64_t h = 0;

	static_assert(crypto_shorthash_BYTES == sizeof h, "a word");
	(void)crypto_shorthash((uint8_t *)&h, (const uint8_t *)text->p, text->len, t->hash_key);
	return h ? h : 1;
}

static struct budget *wide_budget(struct worker *w, const struct content_rule *r, struct buf *key, uint64_t now_ns)
{
	struct budget *b;

	buf_puts(key, r->name);
	b = find(w, hash(w->throttle, key), now_ns);
	b->wide = true;
	put_text(b->rule, view_of(r->name, strlen(r->name)));
	return b;
}

/* After the rule's name in key: NUL, control group, NUL, executable. */
static struct budget *narrow_budget(struct worker *w, const struct content_rule *r, struct event *e, struct buf *key,
				    uint64_t now_ns)
{
	size_t cgroup, exe;
	struct budget *b;

	buf_putc(key, 0);
	cgroup = key->len;
	worker_put_cgroup(e, key);
	buf_putc(key, 0);
	exe = key->len;
	event_need(e, FIELD_proc_exepath);
	(void)event_format(e, FIELD_proc_exepath, -1, key);
	if (key->full)
		return NULL;
	b = find(w, hash(w->throttle, key), now_ns);
	put_text(b->rule, view_of(r->name, strlen(r->name)));
	put_text(b->cgroup, view_of(key->p + cgroup, exe - 1 - cgroup));
	put_text(b->exe, view_of(key->p + exe, key->len - exe));
	return b;
}

bool worker_throttle_pass(struct worker *w, const struct content_rule *r, struct event *e, uint64_t now_ns)
{
	struct budget *wide, *narrow;
	struct buf key;
	bool pass;

	if (!w->throttle || r->priority <= RULE_CRITICAL)
		return true;
	buf_init(&key, 64 << 10);
	wide = wide_budget(w, r, &key, now_ns);
	pass = is_open(w, wide, now_ns);
	/* The rule's own budget may have gone to make room for this one, so it is looked for again. */
	narrow = pass ? narrow_budget(w, r, e, &key, now_ns) : NULL;
	pass = pass && narrow && is_open(w, narrow, now_ns) && pay(w, narrow, now_ns);
	if (pass) {
		key.len = 0;
		pass = pay(w, wide_budget(w, r, &key, now_ns), now_ns);
	}
	buf_done(&key);
	return pass;
}

void worker_throttle_tick(struct worker *w, uint64_t now_ns)
{
	struct worker_throttle *t = w->throttle;

	if (!t || now_ns - t->ticked_ns < TICK_NS)
		return;
	t->ticked_ns = now_ns;
	for (uint32_t i = 0; i < BUCKETS; i++)
		for (uint32_t k = 0; k < PLACES; k++)
			if (t->budgets[i][k].until_ns && now_ns >= t->budgets[i][k].until_ns)
				end_hold(w, &t->budgets[i][k], now_ns);
}
