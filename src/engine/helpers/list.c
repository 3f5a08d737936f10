/* SPDX-License-Identifier: Apache-2.0 */
/* list: lists of strings, of key=value too, and IP addresses. */
#include "engine/helpers/impl.h"

/* An id that is not a string predicate's answers 0: it is the compiler's constant, not the event's. */
HELPER_FN(list_any, h, test_id, mem, bytes, from)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);
	str_test *test = str_test_find(test_id);

	if (!v || !test)
		return 0;
	for (uint64_t i = from; i < v->len; i++)
		if (test(v->list[i], literal(mem, bytes), &env->work))
			return 1;
	return 0;
}

HELPER_FN(list_all, h, test_id, mem, bytes, from)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);
	str_test *test = str_test_find(test_id);

	if (!v || !test || from >= v->len)
		return 0;
	for (uint64_t i = from; i < v->len; i++)
		if (!test(v->list[i], literal(mem, bytes), &env->work))
			return 0;
	return 1;
}

static bool has_text(const struct helper_value *list, struct helper_str s, uint64_t *work)
{
	*work += 2ull * list->len + s.len / 8;
	for (uint32_t i = 0; i < list->len; i++)
		if (list->list[i].len == s.len && !str_order(list->list[i], s))
			return true;
	return false;
}

/* At most as many steps as the product of the lists' lengths. */
HELPER_FN(list_in_list, h, set_h, all_flag)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);
	const struct helper_value *set = handle_value(env, set_h, HELPER_VALUE_LIST);
	bool all = all_flag != 0;

	if (!v || !set || !v->len)
		return 0;
	for (uint32_t i = 0; i < v->len; i++)
		if (has_text(set, v->list[i], &env->work) != all)
			return !all;
	return all;
}

/* What follows the first '=', pushed. */
static uint64_t push_value(struct helper_env *env, struct helper_str s, const char *equals, bool forget)
{
	uint32_t skip = equals ? (uint32_t)(equals - s.p) + 1 : s.len;

	if (!env->tmp)
		return 0;
	if (forget)
		tmp_forget(env->tmp);
	if (!tmp_add(env->tmp, (struct helper_value){ .kind = HELPER_VALUE_STR, .p = s.p + skip, .len = s.len - skip }))
		return 0;
	return helper_handle(env->n_values + env->tmp->n - 1);
}

static const char *find_equals(struct helper_str s)
{
	return s.len ? memchr(s.p, '=', s.len) : NULL;
}

HELPER_FN(dict_key, h, mem, bytes, forget)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);
	struct helper_str key = literal(mem, bytes);

	for (uint32_t i = 0; v && i < v->len; i++) {
		const char *equals = find_equals(v->list[i]);
		size_t len = equals ? (size_t)(equals - v->list[i].p) : v->list[i].len;

		if (glob_match(v->list[i].p, len, key.p, key.len, false, &env->work))
			return push_value(env, v->list[i], equals, forget);
	}
	return 0;
}

HELPER_FN(dict_at, h, i, forget)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);

	if (!v || i >= v->len)
		return 0;
	return push_value(env, v->list[i], find_equals(v->list[i]), forget);
}

HELPER_FN(list_get, h, i)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);

	return v && i < v->len ? h | (i + 1) << 32 : 0;
}

HELPER_FN(list_len, h)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_LIST);

	return v ? v->len : 0;
}

HELPER_FN(ip_eq, h, mem, bytes)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_IP);

	return v && v->len == bytes && !memcmp(v->p, (const void *)(uintptr_t)mem, v->len);
}

HELPER_FN(ip_eq2, h1, h2)
{
	const struct helper_value *v = handle_value(env, h1, HELPER_VALUE_IP);
	const struct helper_value *w = handle_value(env, h2, HELPER_VALUE_IP);

	return v && w && v->len == w->len && !memcmp(v->p, w->p, v->len);
}
