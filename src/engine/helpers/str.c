/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: handles to strings, and questions about one string.
 *
 * A predicate is a pure function of the string and the literal. Its helper and list_any both call it,
 * so that an element of a list is judged exactly as the field itself would be.
 */
#include "engine/helpers/impl.h"

#include <endian.h>

const struct helper_value *handle_value(struct helper_env *env, uint64_t handle, enum helper_value_kind kind)
{
	uint64_t i = handle - 1; /* null becomes an index that no table has */

	if (i < env->n_values && env->values[i].kind == kind)
		return &env->values[i];
	if (i >= env->n_values && env->tmp && i - env->n_values < env->tmp->n &&
	    env->tmp->values[i - env->n_values].kind == kind)
		return &env->tmp->values[i - env->n_values];
	env->bad_handle = true;
	return NULL;
}

bool handle_str(struct helper_env *env, uint64_t handle, struct helper_str *out)
{
	uint32_t element = (uint32_t)(handle >> 32);
	const struct helper_value *v =
		handle_value(env, (uint32_t)handle, element ? HELPER_VALUE_LIST : HELPER_VALUE_STR);

	if (!v)
		return false;
	if (!element) {
		*out = (struct helper_str){ v->p, v->len };
		return true;
	}
	if (element - 1 >= v->len) {
		env->bad_handle = true;
		return false;
	}
	*out = v->list[element - 1];
	return true;
}

static bool test_eq(struct helper_str s, struct helper_str a, uint64_t *work)
{
	*work += a.len / 16;
	return s.len == a.len && (!a.len || !memcmp(s.p, a.p, a.len));
}

static bool test_startswith(struct helper_str s, struct helper_str a, uint64_t *work)
{
	*work += a.len / 16;
	return s.len >= a.len && (!a.len || !memcmp(s.p, a.p, a.len));
}

static bool test_endswith(struct helper_str s, struct helper_str a, uint64_t *work)
{
	*work += a.len / 16;
	return s.len >= a.len && (!a.len || !memcmp(s.p + (s.len - a.len), a.p, a.len));
}

static bool test_contains(struct helper_str s, struct helper_str a, uint64_t *work)
{
	*work += s.len / 2;
	return !a.len || (s.len >= a.len && memmem(s.p, s.len, a.p, a.len));
}

static bool folded_eq(const char *a, const char *b, uint32_t len, uint64_t *work)
{
	uint32_t i = 0;

	while (i < len && fold(a[i]) == fold(b[i]))
		i++;
	*work += i;
	return i == len;
}

/* At most s.len * a.len steps. */
static bool test_icontains(struct helper_str s, struct helper_str a, uint64_t *work)
{
	*work += s.len;
	if (!a.len)
		return true;
	for (uint32_t i = 0; s.len - i >= a.len && i < s.len; i++)
		if (fold(s.p[i]) == fold(a.p[0]) && folded_eq(s.p + i, a.p, a.len, work))
			return true;
	return false;
}

/* What stands before the first byte that means something else than itself is compared here: mostly that decides. */
static bool test_glob(struct helper_str s, struct helper_str a, uint64_t *work)
{
	uint32_t i = 0;

	for (; i < a.len && a.p[i] != '*' && a.p[i] != '?' && a.p[i] != '[' && a.p[i] != '\\'; i++)
		if (i == s.len || a.p[i] != s.p[i])
			return false;
	*work += i;
	return glob_match(s.p + i, s.len - i, a.p + i, a.len - i, false, work);
}

static bool test_iglob(struct helper_str s, struct helper_str a, uint64_t *work)
{
	return glob_match(s.p, s.len, a.p, a.len, true, work);
}

/* Eight bytes so that numbers order as the bytes do. */
static uint64_t ordered_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return be64toh(w);
}

int str_order(struct helper_str a, struct helper_str b)
{
	uint32_t common = a.len < b.len ? a.len : b.len, i = 0;

	for (; common - i >= 8; i += 8) {
		uint64_t x = ordered_word(a.p + i), y = ordered_word(b.p + i);

		if (x != y)
			return x < y ? -1 : 1;
	}
	for (; i < common; i++)
		if (a.p[i] != b.p[i])
			return (uint8_t)a.p[i] < (uint8_t)b.p[i] ? -1 : 1;
	return a.len < b.len ? -1 : a.len > b.len;
}

str_test *str_test_find(uint64_t id)
{
	switch (id) {
	case ABI_HELPER_str_eq:
		return test_eq;
	case ABI_HELPER_str_startswith:
		return test_startswith;
	case ABI_HELPER_str_endswith:
		return test_endswith;
	case ABI_HELPER_str_contains:
		return test_contains;
	case ABI_HELPER_str_icontains:
		return test_icontains;
	case ABI_HELPER_str_glob:
		return test_glob;
	case ABI_HELPER_str_iglob:
		return test_iglob;
	case ABI_HELPER_str_in:
		return set_has;
	case ABI_HELPER_str_pmatch:
		return set_pmatch;
	case ABI_HELPER_str_startswith_in:
		return set_has_prefix_of;
	case ABI_HELPER_str_ask:
		return test_ask;
	case ABI_HELPER_str_regex:
		return test_regex;
	}
	return NULL;
}

/* helper_<name>(handle, mem, size): the test on the string, 0 for a bad handle. */
#define STR_HELPER(name, test)                                                             \
	HELPER_FN(name, h, mem, bytes)                                                     \
	{                                                                                  \
		struct helper_str s;                                                       \
                                                                                           \
		return handle_str(env, h, &s) && test(s, literal(mem, bytes), &env->work); \
	}

STR_HELPER(str_eq, test_eq)
STR_HELPER(str_startswith, test_startswith)
STR_HELPER(str_endswith, test_endswith)
STR_HELPER(str_contains, test_contains)
STR_HELPER(str_icontains, test_icontains)
STR_HELPER(str_glob, test_glob)
STR_HELPER(str_iglob, test_iglob)
STR_HELPER(str_in, set_has)
STR_HELPER(str_pmatch, set_pmatch)
STR_HELPER(str_startswith_in, set_has_prefix_of)
STR_HELPER(str_regex, test_regex)

HELPER_FN(str_cmp, h, mem, bytes)
{
	struct helper_str s;

	env->work += bytes / 8;
	return handle_str(env, h, &s) ? (uint64_t)(int64_t)str_order(s, literal(mem, bytes)) : 0;
}

HELPER_FN(str_cmp2, h1, h2)
{
	struct helper_str s, arg;

	if (!handle_str(env, h1, &s) || !handle_str(env, h2, &arg))
		return 0;
	return (uint64_t)(int64_t)str_order(s, arg);
}

/*
 * Both texts are the event's. Patterns and folded search cost up to s.len * arg.len steps, so that a long right side
 * answers 0 there; what is packed (sets, questions, expressions) is never an event's.
 */
HELPER_FN(str_test2, h, test_id, arg_h)
{
	bool slow = test_id == ABI_HELPER_str_icontains || test_id == ABI_HELPER_str_glob ||
		    test_id == ABI_HELPER_str_iglob;
	struct helper_str s, arg;

	if (!handle_str(env, h, &s) || !handle_str(env, arg_h, &arg))
		return 0;
	if (!slow && test_id != ABI_HELPER_str_eq && test_id != ABI_HELPER_str_contains &&
	    test_id != ABI_HELPER_str_startswith && test_id != ABI_HELPER_str_endswith)
		return 0;
	return (!slow || arg.len <= HELPER_SLOW_OPERAND_BYTES) && str_test_find(test_id)(s, arg, &env->work);
}
