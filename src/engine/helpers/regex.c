/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex: matching a whole string against a packed regular expression, without ever going back.
 *
 * The expression is a set of at most 256 positions (its bytes and sets, each as often as it was written). A bit says
 * that the text so far can end there; per byte of the text the followers of all set positions are joined, and those
 * stay that take the byte. So a match costs at most len * positions * words steps, whatever the expression: 256 * 4
 * per byte. The bits live on the stack.
 *
 * The bytes are literal data of a program: sizes must agree exactly, a class beyond the table takes no byte, and a
 * position beyond the last has no followers. Layout: docs/formats/packed-sets.md.
 */
#include "engine/helpers/impl.h"

enum { HEAD_BYTES = 8, MAP_BYTES = 256, MAX_POSITIONS = 256, MAX_WORDS = MAX_POSITIONS / 64 };

struct regex {
	uint32_t n, n_classes, words;
	bool takes_empty;
	const char *first, *last, *map, *classes, *follow;
};

static uint16_t u16_at(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static uint64_t word_at(const char *bits, uint32_t i)
{
	uint64_t v;

	memcpy(&v, bits + (size_t)8 * i, sizeof v);
	return v;
}

static bool regex_open(struct helper_str raw, struct regex *r)
{
	uint32_t row;

	if (raw.len < HEAD_BYTES)
		return false;
	r->n = u16_at(raw.p);
	r->takes_empty = u16_at(raw.p + 2) == 1;
	r->n_classes = u16_at(raw.p + 4);
	r->words = r->n > 64 ? (r->n + 63) / 64 : 1;
	row = 8 * r->words;
	if (r->n > MAX_POSITIONS || u16_at(raw.p + 2) > 1 || r->n_classes > 256 || u16_at(raw.p + 6))
		return false;
	r->first = raw.p + HEAD_BYTES;
	r->last = r->first + row;
	r->map = r->last + row;
	r->classes = r->map + MAP_BYTES;
	r->follow = r->classes + (size_t)row * r->n_classes;
	return raw.len == HEAD_BYTES + 2 * row + MAP_BYTES + row * (r->n_classes + r->n);
}

/* The positions that take the byte; NULL: none does. */
static const char *takers(const struct regex *r, char byte)
{
	uint32_t class = (uint8_t)r->map[(uint8_t)byte];

	return class < r->n_classes ? r->classes + (size_t)8 * r->words * class : NULL;
}

static void add_followers(const struct regex *r, const uint64_t *now, uint64_t *next, uint64_t *work)
{
	for (uint32_t w = 0; w < r->words; w++) {
		for (uint64_t bits = now[w]; bits; bits &= bits - 1) {
			uint32_t p = 64 * w + (uint32_t)__builtin_ctzll(bits);

			if (p >= r->n)
				return;
			*work += r->words;
			for (uint32_t k = 0; k < r->words; k++)
				next[k] |= word_at(r->follow + (size_t)8 * r->words * p, k);
		}
	}
}

/* Keep of the positions those that take the byte; false: none is left. */
static bool keep_takers(const struct regex *r, char byte, uint64_t *bits)
{
	const char *who = takers(r, byte);
	uint64_t any = 0;

	for (uint32_t w = 0; w < r->words && who; w++)
		any |= bits[w] &= word_at(who, w);
	return any != 0;
}

bool test_regex(struct helper_str s, struct helper_str raw, uint64_t *work)
{
	uint64_t now[MAX_WORDS] = { 0 }, next[MAX_WORDS];
	struct regex r;

	if (!regex_open(raw, &r))
		return false;
	if (!s.len)
		return r.takes_empty;
	for (uint32_t w = 0; w < r.words; w++)
		now[w] = word_at(r.first, w);
	if (!keep_takers(&r, s.p[0], now))
		return false;
	for (uint32_t i = 1; i < s.len; i++) {
		memset(next, 0, sizeof next);
		*work += 8;
		add_followers(&r, now, next, work);
		if (!keep_takers(&r, s.p[i], next))
			return false;
		memcpy(now, next, sizeof now);
	}
	for (uint32_t w = 0; w < r.words; w++)
		if (now[w] & word_at(r.last, w))
			return true;
	return false;
}
