/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex_pack: a regular expression to the bytes that str_regex reads.
 *
 * The tree becomes states: those that take a byte, and splits and anchors that take none. Each state that takes a byte
 * is a position; what follows a position are the positions that its successor reaches without a byte. `^` lets
 * pass only before the first byte, `$` only after the last, so no anchor is left in the result.
 */
#include "engine/helpers/regex.h"

enum { MAX_STATES = 2048, MAX_POSITIONS = 256, MAX_WORK = 1 << 16, BYTES = 256 };
enum { ACCEPT = 0 }; /* the first state */

enum state_kind { STATE_ACCEPT, STATE_BYTE, STATE_SPLIT, STATE_BEGIN, STATE_END };

struct state {
	uint8_t kind;
	uint16_t position; /* BYTE */
	uint16_t to, or_to;
};

struct pack {
	struct state states[MAX_STATES];
	uint16_t n_states, n; /* n: positions */
	uint16_t state_of[MAX_POSITIONS];
	const uint64_t *set_of[MAX_POSITIONS];
	uint32_t work;
	/* of one walk */
	bool seen[MAX_STATES];
	uint16_t stack[2 * MAX_STATES];
	struct helper_regex_error *e;
};

static FALLIBLE too_large(struct pack *k)
{
	*k->e = (struct helper_regex_error){
		"the expression is too large: at most 256 bytes and sets, repetitions counted", 0
	};
	return E_REJECTED;
}

static FALLIBLE state_new(struct pack *k, enum state_kind kind, uint16_t to, uint16_t or_to, uint16_t *out)
{
	if (k->n_states == MAX_STATES)
		return too_large(k);
	k->states[k->n_states] = (struct state){ .kind = (uint8_t)kind, .to = to, .or_to = or_to };
	*out = k->n_states++;
	return E_OK;
}

/* ---- the tree to states, from its end: each part is told where to go on ---- */

static FALLIBLE add(struct pack *k, const struct regex_node *n, uint16_t next, uint16_t *out);

static FALLIBLE add_byte(struct pack *k, const struct regex_node *n, uint16_t next, uint16_t *out)
{
	if (k->n == MAX_POSITIONS)
		return too_large(k);
	TRY(state_new(k, STATE_BYTE, next, next, out));
	k->states[*out].position = k->n;
	k->state_of[k->n] = *out;
	k->set_of[k->n++] = n->set;
	return E_OK;
}

static FALLIBLE add_alternatives(struct pack *k, const struct regex_node *n, uint16_t next, uint16_t *out)
{
	uint16_t one, all;

	TRY(add(k, n->kids, next, &all));
	for (const struct regex_node *kid = n->kids->before; kid; kid = kid->before) {
		TRY(add(k, kid, next, &one));
		TRY(state_new(k, STATE_SPLIT, one, all, &all));
	}
	*out = all;
	return E_OK;
}

/* The optional ones last: (x(x)?)?, or a loop; before them those that must be. */
static FALLIBLE add_repeat(struct pack *k, const struct regex_node *n, uint16_t next, uint16_t *out)
{
	uint16_t at = next, loop, body;

	if (n->max == REGEX_MANY) {
		TRY(state_new(k, STATE_SPLIT, next, next, &loop));
		TRY(add(k, n->kids, loop, &body));
		k->states[loop].or_to = body;
		at = loop;
	}
	for (uint32_t i = n->min; i < n->max && n->max != REGEX_MANY; i++) {
		TRY(add(k, n->kids, at, &body));
		TRY(state_new(k, STATE_SPLIT, next, body, &at));
	}
	for (uint32_t i = 0; i < n->min; i++)
		TRY(add(k, n->kids, at, &at));
	*out = at;
	return E_OK;
}

static FALLIBLE add(struct pack *k, const struct regex_node *n, uint16_t next, uint16_t *out)
{
	if (++k->work > MAX_WORK)
		return too_large(k);
	switch (n->kind) {
	case REGEX_BYTE:
		return add_byte(k, n, next, out);
	case REGEX_SEQUENCE:
		*out = next;
		for (const struct regex_node *kid = n->kids; kid; kid = kid->before)
			TRY(add(k, kid, *out, out));
		return E_OK;
	case REGEX_ALTERNATIVES:
		return add_alternatives(k, n, next, out);
	case REGEX_REPEAT:
		return add_repeat(k, n, next, out);
	case REGEX_BEGIN:
		return state_new(k, STATE_BEGIN, next, next, out);
	case REGEX_END:
		return state_new(k, STATE_END, next, next, out);
	}
	return E_BUG;
}

/* ---- states to positions ---- */

/* Whether from here the end is reached without a byte; `bits` (or NULL) gets the positions that are. */
static bool walk(struct pack *k, uint16_t from, bool at_begin, bool at_end, uint64_t *bits)
{
	uint32_t n = 0;
	bool end = false;

	memset(k->seen, 0, sizeof k->seen);
	for (k->stack[n++] = from; n;) {
		uint16_t i = k->stack[--n];
		const struct state *s = &k->states[i];

		if (k->seen[i])
			continue;
		k->seen[i] = true;
		end |= s->kind == STATE_ACCEPT;
		if (s->kind == STATE_BYTE && bits)
			bits[s->position / 64] |= 1ull << s->position % 64;
		if (s->kind == STATE_SPLIT)
			k->stack[n++] = s->or_to;
		if (s->kind == STATE_SPLIT || (s->kind == STATE_BEGIN && at_begin) || (s->kind == STATE_END && at_end))
			k->stack[n++] = s->to;
	}
	return end;
}

/* Per byte the positions that take it; bytes with the same ones share a class. Returns the number of classes. */
static uint16_t make_classes(const struct pack *k, uint8_t *map, uint64_t (*classes)[REGEX_SET_WORDS])
{
	uint16_t n = 0;

	for (unsigned c = 0; c < BYTES; c++) {
		uint64_t who[REGEX_SET_WORDS] = { 0 };
		uint16_t i = 0;

		for (uint32_t p = 0; p < k->n; p++)
			who[p / 64] |= (k->set_of[p][c / 64] >> c % 64 & 1) << p % 64;
		while (i < n && memcmp(classes[i], who, sizeof who))
			i++;
		if (i == n)
			memcpy(classes[n++], who, sizeof who);
		map[c] = (uint8_t)i;
	}
	return n;
}

static void write_out(struct pack *k, uint16_t start, struct buf *out)
{
	uint64_t classes[BYTES][REGEX_SET_WORDS], first[REGEX_SET_WORDS] = { 0 }, last[REGEX_SET_WORDS] = { 0 };
	uint8_t map[BYTES];
	uint16_t n_classes = make_classes(k, map, classes);
	uint16_t head[4] = { k->n, walk(k, start, true, true, NULL), n_classes, 0 };
	size_t row = k->n > 64 ? (k->n + 63u) / 64 * 8 : 8;

	(void)walk(k, start, true, false, first);
	for (uint32_t p = 0; p < k->n; p++)
		if (walk(k, k->states[k->state_of[p]].to, false, true, NULL))
			last[p / 64] |= 1ull << p % 64;
	buf_put(out, head, sizeof head);
	buf_put(out, first, row);
	buf_put(out, last, row);
	buf_put(out, map, sizeof map);
	for (uint32_t i = 0; i < n_classes; i++)
		buf_put(out, classes[i], row);
	for (uint32_t p = 0; p < k->n; p++) {
		uint64_t follow[REGEX_SET_WORDS] = { 0 };

		(void)walk(k, k->states[k->state_of[p]].to, false, false, follow);
		buf_put(out, follow, row);
	}
}

FALLIBLE helper_pack_regex(const char *text, size_t len, struct arena *a, struct buf *out, struct helper_regex_error *e)
{
	struct regex_node *tree;
	struct pack *k = ARENA_NEW(a, struct pack);
	uint16_t start;

	if (!k)
		return E_NOMEM;
	TRY(regex_parse(text, len, a, &tree, e));
	k->n_states = k->n = 0;
	k->work = 0;
	k->e = e;
	TRY(state_new(k, STATE_ACCEPT, ACCEPT, ACCEPT, &start));
	TRY(add(k, tree, ACCEPT, &start));
	write_out(k, start, out);
	return out->full ? E_LIMIT : E_OK;
}
