/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmp: values that a comparison computes from fields: tolower(x), join(",", x), getopt(x, "c:")[c].
 *
 * A stack machine, because a program has few registers and a handle no arithmetic: push, push, apply, get. Everything
 * lives in the event's own room (struct helper_tmp): nothing is allocated, and what does not fit has no value. Texts
 * that are not changed are borrowed.
 */
#include "engine/helpers/impl.h"

static bool fail(struct helper_tmp *t)
{
	t->failed = true;
	return false;
}

bool tmp_add(struct helper_tmp *t, struct helper_value v)
{
	if (t->failed || t->n == HELPER_TMP_VALUES)
		return fail(t);
	t->values[t->n++] = v;
	return true;
}

char *tmp_bytes(struct helper_tmp *t, uint64_t n)
{
	if (t->failed || n > (uint64_t)HELPER_TMP_BYTES - t->n_bytes) {
		fail(t);
		return NULL;
	}
	t->n_bytes += (uint32_t)n;
	return t->bytes + t->n_bytes - n;
}

struct helper_str *tmp_strs(struct helper_tmp *t, uint64_t n)
{
	if (t->failed || n > (uint64_t)HELPER_TMP_STRS - t->n_strs) {
		fail(t);
		return NULL;
	}
	t->n_strs += (uint32_t)n;
	return t->strs + t->n_strs - n;
}

static struct helper_value text_value(struct helper_str s)
{
	return (struct helper_value){ .kind = HELPER_VALUE_STR, .p = s.p, .len = s.len };
}

/* The value that a handle names, whatever its kind. */
static bool any_value(struct helper_env *env, uint64_t handle, struct helper_value *out)
{
	uint32_t i = (uint32_t)handle - 1;
	struct helper_str s;

	if (!(handle >> 32) && i < env->n_values && env->values[i].kind == HELPER_VALUE_LIST) {
		*out = env->values[i];
		return true;
	}
	if (!handle_str(env, handle, &s))
		return false;
	*out = text_value(s);
	return true;
}

HELPER_FN(tmp_push, h, forget)
{
	struct helper_value v;

	if (!any_value(env, h, &v) || !env->tmp)
		return 0;
	if (forget)
		tmp_forget(env->tmp);
	return tmp_add(env->tmp, v);
}

HELPER_FN(tmp_text, mem, bytes, forget)
{
	struct helper_str s = literal(mem, bytes);

	if (!env->tmp)
		return 0;
	if (forget)
		tmp_forget(env->tmp);
	if (!s.len)
		s.p = ""; /* the address of no bytes may be anything */
	return tmp_add(env->tmp, text_value(s));
}

HELPER_FN(tmp_get, none)
{
	if (!env->tmp || env->tmp->failed || !env->tmp->n)
		return 0;
	return helper_handle(env->n_values + env->tmp->n - 1);
}

/* ---- one text ---- */

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* False: not base64, or bits are left over that are not 0. */
static bool decode(struct helper_str s, char *out, uint32_t *ret_len)
{
	uint32_t bits = 0, n_bits = 0, n = 0;

	for (uint32_t i = 0; i < s.len; i++) {
		int v = sextet(s.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		out[n++] = (char)(bits >> n_bits);
		bits &= (1u << n_bits) - 1;
	}
	*ret_len = n;
	return n_bits < 6 && !bits;
}

static bool decode_base64(struct helper_tmp *t, struct helper_str *s)
{
	struct helper_str in = *s;
	char *out;

	for (unsigned pad = 0; pad < 2 && in.len && in.p[in.len - 1] == '='; pad++)
		in.len--;
	out = tmp_bytes(t, in.len / 4ull * 3 + 3);
	if (!out || !decode(in, out, &s->len))
		return fail(t);
	s->p = out;
	return true;
}

static bool change_case(struct helper_tmp *t, struct helper_str *s, bool up)
{
	char *out = tmp_bytes(t, s->len);

	if (!out)
		return false;
	for (uint32_t i = 0; i < s->len; i++)
		out[i] = up ? unfold(s->p[i]) : fold(s->p[i]);
	s->p = out;
	return true;
}

static bool change(struct helper_tmp *t, enum helper_tmp_op op, struct helper_str *s)
{
	if (op == HELPER_TMP_BASENAME)
		*s = str_basename(*s);
	else if (op == HELPER_TMP_B64)
		return decode_base64(t, s);
	else
		return change_case(t, s, op == HELPER_TMP_UPPER);
	return true;
}

/* A text, or each of a list. */
static bool change_value(struct helper_tmp *t, enum helper_tmp_op op)
{
	struct helper_value *v = &t->values[t->n - 1];
	struct helper_str s = { v->p, v->len }, *list;

	if (v->kind == HELPER_VALUE_STR) {
		if (!change(t, op, &s))
			return false;
		*v = text_value(s);
		return true;
	}
	list = tmp_strs(t, v->len);
	if (!list)
		return false;
	for (uint32_t i = 0; i < v->len; i++) {
		list[i] = v->list[i];
		if (!change(t, op, &list[i]))
			return false;
	}
	v->list = list;
	return true;
}

/* ---- several ---- */

/* The n topmost values are texts. */
static bool all_texts(const struct helper_tmp *t, uint64_t n)
{
	if (!n || n > t->n)
		return false;
	for (uint64_t i = t->n - n; i < t->n; i++)
		if (t->values[i].kind != HELPER_VALUE_STR)
			return false;
	return true;
}

static bool make_list(struct helper_tmp *t, uint64_t n)
{
	struct helper_str *list;

	if (n && !all_texts(t, n))
		return fail(t);
	list = tmp_strs(t, n);
	if (!list)
		return false;
	t->n -= (uint32_t)n;
	for (uint32_t i = 0; i < n; i++)
		list[i] = (struct helper_str){ t->values[t->n + i].p, t->values[t->n + i].len };
	return tmp_add(t, (struct helper_value){ .kind = HELPER_VALUE_LIST, .len = (uint32_t)n, .list = list });
}

static char *put(char *to, struct helper_str s)
{
	if (s.len)
		memcpy(to, s.p, s.len);
	return to + s.len;
}

static bool concat(struct helper_tmp *t, uint64_t n)
{
	uint64_t len = 0;
	char *out, *to;

	if (!all_texts(t, n))
		return fail(t);
	for (uint64_t i = t->n - n; i < t->n; i++)
		len += t->values[i].len;
	out = to = tmp_bytes(t, len);
	if (!out)
		return false;
	t->n -= (uint32_t)n;
	for (uint64_t i = t->n; i < t->n + n; i++)
		to = put(to, (struct helper_str){ t->values[i].p, t->values[i].len });
	return tmp_add(t, text_value((struct helper_str){ out, (uint32_t)len }));
}

static bool join(struct helper_tmp *t)
{
	struct helper_value list;
	struct helper_str sep;
	uint64_t len = 0;
	char *out, *to;

	if (t->n < 2 || t->values[t->n - 1].kind != HELPER_VALUE_LIST || t->values[t->n - 2].kind != HELPER_VALUE_STR)
		return fail(t);
	list = t->values[t->n - 1];
	sep = (struct helper_str){ t->values[t->n - 2].p, t->values[t->n - 2].len };
	t->n -= 2;
	for (uint32_t i = 0; i < list.len; i++)
		len += list.list[i].len + (i ? (uint64_t)sep.len : 0);
	out = to = tmp_bytes(t, len);
	if (!out)
		return false;
	for (uint32_t i = 0; i < list.len; i++) {
		to = i ? put(to, sep) : to;
		to = put(to, list.list[i]);
	}
	return tmp_add(t, text_value((struct helper_str){ out, (uint32_t)len }));
}

static bool getopt_values(struct helper_tmp *t, uint64_t option)
{
	struct helper_value args, options;

	if (t->n < 2 || t->values[t->n - 2].kind != HELPER_VALUE_LIST || t->values[t->n - 1].kind != HELPER_VALUE_STR ||
	    option > UINT8_MAX)
		return fail(t);
	args = t->values[t->n - 2];
	options = t->values[t->n - 1];
	t->n -= 2;
	return tmp_getopt(t, args, (struct helper_str){ options.p, options.len }, (uint8_t)option) || fail(t);
}

static bool apply(struct helper_tmp *t, uint64_t op, uint64_t arg)
{
	switch (op) {
	case HELPER_TMP_LOWER:
	case HELPER_TMP_UPPER:
	case HELPER_TMP_BASENAME:
	case HELPER_TMP_B64:
		return t->n ? change_value(t, (enum helper_tmp_op)op) : fail(t);
	case HELPER_TMP_LIST:
		return make_list(t, arg);
	case HELPER_TMP_CONCAT:
		return concat(t, arg);
	case HELPER_TMP_JOIN:
		return join(t);
	case HELPER_TMP_GETOPT:
		return getopt_values(t, arg);
	}
	return fail(t);
}

HELPER_FN(tmp_apply, op, arg)
{
	struct helper_tmp *t = env->tmp;
	uint32_t made;
	bool good;

	if (!t || t->failed)
		return 0;
	made = t->n_bytes + 8 * t->n_strs;
	good = apply(t, op, arg);
	env->work += 64 + (t->n_bytes + 8 * t->n_strs - made); /* nothing is taken back here */
	return good;
}
