/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: questions about a string that are more than one predicate: its lower case, its last component, several
 * literals of which any, all or exactly one must fit.
 *
 * A question travels as literal data of a program, so its reader trusts nothing; a malformed one answers 0. It holds
 * no questions itself: there is no recursion. Layout: docs/formats/packed-sets.md.
 *
 * Changed case needs room: the stack's, so that nothing is allocated and nothing is left for the next event. A string
 * that is longer than the room (twice what a record of the sensor can carry) answers 0 to every question about its
 * case.
 */
#include "engine/helpers/impl.h"

enum { HEAD_BYTES = 12, CASE_ROOM_BYTES = 16384 };
enum { TRANSFORMS = HELPER_LOWER | HELPER_UPPER | HELPER_BASENAME };

struct question {
	str_test *test;
	uint8_t transforms, mode;
	bool negate;
	uint32_t n;
	struct helper_str rest; /* the operands */
};

static bool question_open(struct helper_str raw, struct question *out)
{
	uint32_t id;
	uint8_t flags;

	if (raw.len < HEAD_BYTES)
		return false;
	memcpy(&id, raw.p, sizeof id);
	memcpy(&out->n, raw.p + 8, sizeof out->n);
	out->transforms = (uint8_t)raw.p[4];
	out->mode = (uint8_t)raw.p[5];
	flags = (uint8_t)raw.p[6];
	out->negate = flags & 1;
	out->rest = (struct helper_str){ raw.p + HEAD_BYTES, raw.len - HEAD_BYTES };
	out->test = id == ABI_HELPER_str_ask ? NULL : str_test_find(id);
	return out->test && out->mode <= HELPER_ONE && flags <= 1 && !(out->transforms & ~TRANSFORMS) && !raw.p[7];
}

/* The next operand, taken off the rest. */
static bool operand(struct helper_str *rest, struct helper_str *out)
{
	uint32_t len;

	if (rest->len < sizeof len)
		return false;
	memcpy(&len, rest->p, sizeof len);
	if (len > rest->len - sizeof len)
		return false;
	*out = (struct helper_str){ rest->p + sizeof len, len };
	rest->p += sizeof len + len;
	rest->len -= (uint32_t)sizeof len + len;
	return true;
}

static bool answer(struct question *q, struct helper_str s, uint64_t *work)
{
	uint32_t hits = 0;
	struct helper_str arg;

	for (uint32_t i = 0; i < q->n; i++) {
		if (!operand(&q->rest, &arg))
			return false;
		hits += q->test(s, arg, work) != q->negate;
		if (q->mode == HELPER_ANY && hits)
			return true;
		if (q->mode == HELPER_ALL && hits <= i)
			return false;
		if (q->mode == HELPER_ONE && hits > 1)
			return false;
	}
	return q->mode == HELPER_ALL ? q->n != 0 : hits == 1;
}

struct helper_str str_basename(struct helper_str s)
{
	const char *slash = s.len ? memrchr(s.p, '/', s.len) : NULL;
	uint32_t skip;

	if (!slash)
		return s;
	skip = (uint32_t)(slash - s.p) + 1;
	return (struct helper_str){ s.p + skip, s.len - skip };
}

static bool answer_in_case(struct question *q, struct helper_str s, uint64_t *work)
{
	char room[CASE_ROOM_BYTES];

	if (s.len > sizeof room)
		return false;
	for (uint32_t i = 0; i < s.len; i++)
		room[i] = q->transforms & HELPER_LOWER ? fold(s.p[i]) : unfold(s.p[i]);
	*work += s.len;
	return answer(q, (struct helper_str){ room, s.len }, work);
}

bool test_ask(struct helper_str s, struct helper_str raw, uint64_t *work)
{
	struct question q;

	if (!question_open(raw, &q))
		return false;
	if (q.transforms & HELPER_BASENAME)
		s = str_basename(s);
	return q.transforms & (HELPER_LOWER | HELPER_UPPER) ? answer_in_case(&q, s, work) : answer(&q, s, work);
}

HELPER_FN(str_ask, h, mem, bytes)
{
	struct helper_str s;

	return handle_str(env, h, &s) && test_ask(s, literal(mem, bytes), &env->work);
}

HELPER_FN(str_len, h, flags)
{
	struct helper_str s;

	if (!handle_str(env, h, &s))
		return 0;
	if (flags & HELPER_BASENAME)
		s = str_basename(s);
	return s.len <= INT32_MAX ? s.len : INT32_MAX;
}

void helper_pack_question(const struct helper_question *q, struct buf *out)
{
	uint8_t head[4] = { q->transforms, q->mode, q->negate, 0 };

	buf_put(out, &q->test, sizeof q->test);
	buf_put(out, head, sizeof head);
	buf_put(out, &q->n, sizeof q->n);
	for (uint32_t i = 0; i < q->n; i++) {
		buf_put(out, &q->operands[i].len, sizeof q->operands[i].len);
		buf_put(out, q->operands[i].p, q->operands[i].len);
	}
}
