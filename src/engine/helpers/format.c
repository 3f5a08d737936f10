/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: text from a format and numbers, for trace_printk and snprintf.
 *
 * What a format may have is the kernel's (kernel/bpf/helpers.c:bpf_bprintf_prepare, v6.12): %% %c %s %d %i %u %x %X,
 * with l and ll, flags of "0+- ", a width; %p with s, S, B, K, x, and i4, I4, i6, I6. Numbers without l have 32 bits.
 * Pointers are only followed where the program itself may read; elsewhere %s is empty. There are no symbols: %ps and
 * the like are addresses.
 */
#include "engine/helpers/impl.h"

#include <errno.h>

enum { WIDTH_MAX = 512, LINE_BYTES = 1024, MAX_VALUES = 12 };

struct out {
	char *p;
	uint64_t cap, len; /* len: of the whole text */
};

static void put(struct out *o, const char *p, uint64_t len)
{
	if (o->len < o->cap)
		memcpy(o->p + o->len, p, len < o->cap - o->len ? len : o->cap - o->len);
	o->len += len;
}

static void put_times(struct out *o, char c, uint64_t n)
{
	for (; n; n--)
		put(o, &c, 1);
}

struct spec {
	bool zero, plus, minus, space, wide;
	uint32_t width;
	char kind;
};

static void put_padded(struct out *o, const struct spec *s, const char *sign, const char *p, uint64_t len)
{
	uint64_t all = strlen(sign) + len, pad = s->width > all ? s->width - all : 0;

	if (!s->minus && !s->zero)
		put_times(o, ' ', pad);
	put(o, sign, strlen(sign));
	if (!s->minus && s->zero)
		put_times(o, '0', pad);
	put(o, p, len);
	if (s->minus)
		put_times(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v)
{
	bool is_signed = s->kind == 'd' || s->kind == 'i';
	unsigned base = s->kind == 'x' || s->kind == 'X' ? 16 : 10;
	const char *sign = is_signed && s->plus ? "+" : is_signed && s->space ? " " : "";
	const char *digits = s->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	unsigned at = sizeof text;

	if (!s->wide)
		v = is_signed ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
	if (is_signed && (int64_t)v < 0) {
		v = 0 - v;
		sign = "-";
	}
	do
		text[--at] = digits[v % base];
	while (v /= base);
	put_padded(o, s, sign, text + at, sizeof text - at);
}

static void put_str(struct out *o, const struct spec *s, uint64_t addr, struct helper_env *env)
{
	uint64_t most = env->vm ? env->vm->readable(env, addr) : 0;
	const char *p = (const char *)(uintptr_t)addr;
	struct spec blanks = *s;

	blanks.zero = false;
	put_padded(o, &blanks, "", p, most ? strnlen(p, most) : 0);
}

static void put_ip(struct out *o, char kind, bool v6, uint64_t addr, struct helper_env *env)
{
	unsigned bytes = v6 ? 16 : 4;
	uint8_t b[16];
	char text[8];

	if (!env->vm || env->vm->readable(env, addr) < bytes)
		return;
	memcpy(b, (const void *)(uintptr_t)addr, bytes);
	for (unsigned i = 0; i < bytes; i += v6 ? 2 : 1) {
		if (i && (!v6 || kind == 'I'))
			put(o, v6 ? ":" : ".", 1);
		(void)(v6            ? snprintf(text, sizeof text, "%02x%02x", b[i], b[i + 1])
		       : kind == 'I' ? snprintf(text, sizeof text, "%u", b[i])
				     : snprintf(text, sizeof text, "%03u", b[i]));
		put(o, text, strlen(text));
	}
}

/* What follows %p; how many bytes of it, or -1. */
static int put_pointer(struct out *o, const struct spec *s, const char *f, uint64_t v, struct helper_env *env)
{
	struct spec hex = { .wide = true, .kind = 'x', .zero = true, .width = s->width > 16 ? s->width : 16 };

	if ((*f == 'i' || *f == 'I') && (f[1] == '4' || f[1] == '6')) {
		put_ip(o, *f, f[1] == '6', v, env);
		return 2;
	}
	if (*f == 'i' || *f == 'I')
		return -1;
	put_number(o, &hex, v);
	return *f && strchr("sSBKx", *f) ? 1 : 0;
}

static const char *read_spec(const char *f, struct spec *s)
{
	for (; *f && strchr("0+- ", *f); f++) {
		s->zero |= *f == '0';
		s->plus |= *f == '+';
		s->minus |= *f == '-';
		s->space |= *f == ' ';
	}
	for (; *f >= '0' && *f <= '9' && s->width <= WIDTH_MAX; f++)
		s->width = 10 * s->width + (uint32_t)(*f - '0');
	return f;
}

/* One conversion, after its %; what follows it, or NULL. */
static const char *convert(struct out *o, const char *f, uint64_t v, struct helper_env *env)
{
	struct spec s = { 0 };
	int n;

	f = read_spec(f, &s);
	if (s.width > WIDTH_MAX)
		return NULL;
	if (*f == 'p') {
		n = put_pointer(o, &s, f + 1, v, env);
		return n < 0 ? NULL : f + 1 + n;
	}
	if (*f == 's') {
		put_str(o, &s, v, env);
		return f + 1;
	}
	if (*f == 'c') {
		put_padded(o, &(struct spec){ .minus = s.minus, .width = s.width }, "", &(char){ (char)v }, 1);
		return f + 1;
	}
	for (n = 0; *f == 'l' && n < 2; n++, f++)
		s.wide = true;
	if (!*f || !strchr("diuxX", *f))
		return NULL;
	s.kind = *f;
	put_number(o, &s, v);
	return f + 1;
}

static bool is_plain(char c)
{
	return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r');
}

/* f ends in a zero byte. False: the format is malformed, or has more conversions than values. */
static bool format(struct out *o, const char *f, const uint64_t *values, unsigned n, struct helper_env *env)
{
	while (*f) {
		if (!is_plain(*f))
			return false;
		if (*f != '%' || f[1] == '%') {
			put(o, f, 1);
			f += *f == '%' ? 2 : 1;
			continue;
		}
		if (!n--)
			return false;
		f = convert(o, f + 1, *values++, env);
		if (!f)
			return false;
	}
	env->work += o->len;
	return true;
}

HELPER_FN(trace_printk, mem, bytes, a, b, c)
{
	const char *f = (const char *)(uintptr_t)mem;
	char line[LINE_BYTES];
	struct out o = { .p = line, .cap = sizeof line };

	if (f[bytes - 1] || !format(&o, f, (uint64_t[]){ a, b, c }, 3, env))
		return (uint64_t)-EINVAL;
	if (o.len > sizeof line)
		o.len = sizeof line;
	if (env->print)
		env->print(env, line, o.len);
	return o.len;
}

HELPER_FN(snprintf, mem, bytes, text, data, data_bytes)
{
	struct out o = { .p = (char *)(uintptr_t)mem, .cap = bytes ? bytes - 1 : 0 };
	uint64_t values[MAX_VALUES];

	if (data_bytes % 8 || data_bytes > sizeof values)
		return (uint64_t)-EINVAL;
	memcpy(values, (const void *)(uintptr_t)data, data_bytes);
	if (!format(&o, (const char *)(uintptr_t)text, values, (unsigned)(data_bytes / 8), env))
		return (uint64_t)-EINVAL;
	if (bytes)
		o.p[o.len < o.cap ? o.len : o.cap] = 0;
	return o.len + 1;
}

bool helper_asks_vm(helper_fn *fn)
{
	return fn == helper_trace_printk || fn == helper_snprintf;
}
