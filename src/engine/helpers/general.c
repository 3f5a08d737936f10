/* SPDX-License-Identifier: Apache-2.0 */
/* general: what the host knows (time, CPU, random numbers), numbers in text, comparing text. */
#include "engine/helpers/impl.h"

#include <errno.h>

HELPER_FN(ktime_get_ns, none)
{
	return env->now_ns ? env->now_ns(env) : 0;
}

HELPER_FN(get_prandom_u32, none)
{
	return env->random ? env->random(env) : 0;
}

HELPER_FN(get_smp_processor_id, none)
{
	return env->cpu;
}

HELPER_FN(strncmp, mem, bytes, text)
{
	const uint8_t *a = (const uint8_t *)(uintptr_t)mem, *b = (const uint8_t *)(uintptr_t)text;
	uint64_t i = 0;

	while (i < bytes && a[i] == b[i] && a[i])
		i++;
	env->work += i;
	if (i == bytes || a[i] == b[i])
		return 0;
	return a[i] < b[i] ? (uint64_t)-1 : 1;
}

/* ---- numbers in text. kernel/bpf/helpers.c:__bpf_strtoull, lib/kstrtox.c:_parse_integer, v6.12 ---- */

enum { DIGITS_MAX = 63, BASE_MASK = 0x1f };

struct number {
	uint64_t value;
	uint64_t read; /* bytes, from the text's beginning */
	bool negative;
};

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint32_t digit(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	c = fold(c);
	return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : UINT32_MAX;
}

static bool has_hex_prefix(struct helper_str s)
{
	return s.len > 2 && s.p[0] == '0' && fold(s.p[1]) == 'x' && digit(s.p[2]) < 16;
}

/* Digits to the base. 0, -EINVAL: none, -ERANGE. */
static int read_digits(struct helper_str s, uint32_t base, struct number *out)
{
	uint32_t i = 0;
	bool overflow = false;

	out->value = 0;
	for (; i < s.len && digit(s.p[i]) < base; i++) {
		overflow |= __builtin_mul_overflow(out->value, base, &out->value);
		overflow |= __builtin_add_overflow(out->value, digit(s.p[i]), &out->value);
	}
	out->read += i;
	return overflow ? -ERANGE : i ? 0 : -EINVAL;
}

static int read_number(struct helper_str s, uint64_t flags, struct number *out)
{
	uint32_t base = (uint32_t)flags & BASE_MASK, skip = 0;

	if (flags & ~(uint64_t)BASE_MASK || (base && base != 8 && base != 10 && base != 16))
		return -EINVAL;
	while (skip < s.len && is_blank(s.p[skip]))
		skip++;
	out->negative = skip < s.len && s.p[skip] == '-';
	skip += out->negative;
	s = (struct helper_str){ s.p + skip, s.len - skip };
	if (s.len > DIGITS_MAX)
		s.len = DIGITS_MAX;
	if (!base)
		base = has_hex_prefix(s) ? 16 : s.len && s.p[0] == '0' ? 8 : 10;
	out->read = skip;
	if (base == 16 && has_hex_prefix(s)) {
		out->read += 2;
		s = (struct helper_str){ s.p + 2, s.len - 2 };
	}
	return read_digits(s, base, out);
}

static void store(uint64_t at, uint64_t value)
{
	memcpy((void *)(uintptr_t)at, &value, sizeof value);
}

HELPER_FN(strtol, mem, bytes, flags, out)
{
	struct number n = { 0 };
	int e = read_number(literal(mem, bytes), flags, &n);

	env->work += n.read;
	store(out, 0);
	if (e)
		return (uint64_t)e;
	if (n.value > (uint64_t)INT64_MAX + n.negative)
		return (uint64_t)-ERANGE;
	store(out, n.negative ? 0 - n.value : n.value);
	return n.read;
}

HELPER_FN(strtoul, mem, bytes, flags, out)
{
	struct number n = { 0 };
	int e = read_number(literal(mem, bytes), flags, &n);

	env->work += n.read;
	store(out, 0);
	if (e || n.negative)
		return (uint64_t)(e ? e : -EINVAL);
	store(out, n.value);
	return n.read;
}
