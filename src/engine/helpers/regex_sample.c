/* SPDX-License-Identifier: Apache-2.0 */
/* regex_sample: texts that a regular expression matches, from its tree: for those who make events that fit a rule. */
#include "engine/helpers/regex.h"

enum { MAX_STEPS = 1 << 16 };

struct sampler {
	struct buf *out;
	uint32_t variant, steps;
};

static bool takes(const struct regex_node *n, unsigned c)
{
	return n->set[c / 64] >> c % 64 & 1;
}

/* A byte that reads well, if the set has one; which of them, the variant says. */
static void put_byte(struct sampler *s, const struct regex_node *n)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/_-. ";
	uint32_t skip = s->variant % 3;
	int found = -1;

	for (const char *c = good; *c && (found < 0 || skip); c++) {
		if (!takes(n, (unsigned char)*c))
			continue;
		skip -= found >= 0;
		found = (unsigned char)*c;
	}
	for (unsigned c = 0; c < 256 && found < 0; c++)
		if (takes(n, c))
			found = (int)c;
	if (found >= 0)
		buf_putc(s->out, (char)found);
}

static void put(struct sampler *s, const struct regex_node *n);

/* Siblings hang backwards. */
static void put_sequence(struct sampler *s, const struct regex_node *last)
{
	if (!last)
		return;
	put_sequence(s, last->before);
	put(s, last);
}

static void put_alternative(struct sampler *s, const struct regex_node *last)
{
	uint32_t n = 0;

	for (const struct regex_node *k = last; k; k = k->before)
		n++;
	for (n = n ? n - 1 - s->variant % n : 0; n && last; n--)
		last = last->before;
	if (last)
		put(s, last);
}

static void put(struct sampler *s, const struct regex_node *n)
{
	uint32_t times;

	if (s->out->full || s->steps == MAX_STEPS)
		return;
	s->steps++;
	switch (n->kind) {
	case REGEX_BYTE:
		put_byte(s, n);
		return;
	case REGEX_SEQUENCE:
		put_sequence(s, n->kids);
		return;
	case REGEX_ALTERNATIVES:
		put_alternative(s, n->kids);
		return;
	case REGEX_REPEAT:
		times = n->min + (s->variant & 1);
		for (uint32_t i = 0; i < times && i < n->max && s->steps < MAX_STEPS && !s->out->full; i++)
			put(s, n->kids);
		return;
	case REGEX_BEGIN:
	case REGEX_END:
		return;
	}
}

FALLIBLE helper_regex_sample(const char *text, size_t len, uint32_t variant, struct arena *a, struct buf *out)
{
	struct sampler s = { .out = out, .variant = variant };
	struct helper_regex_error e;
	struct regex_node *tree;

	TRY(regex_parse(text, len, a, &tree, &e));
	put(&s, tree);
	return out->full || s.steps == MAX_STEPS ? E_LIMIT : E_OK;
}
