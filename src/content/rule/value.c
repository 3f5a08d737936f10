/* SPDX-License-Identifier: Apache-2.0 */
/* value: the text of a literal as the value it means. */
#include <arpa/inet.h>

#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

static bool digits(const char *p, size_t len, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		char ch = p[i];
		unsigned d = ch >= '0' && ch <= '9'                               ? (unsigned)(ch - '0')
			     : base == 16 && (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (unsigned)((ch | 32) - 'a') + 10
										  : 16;

		if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	*out = v;
	return len != 0;
}

bool rule_value_u64(const char *p, size_t len, uint64_t *out)
{
	if (len > 1 && p[0] == '+')
		return digits(p + 1, len - 1, 10, out);
	if (len > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		return digits(p + 2, len - 2, 16, out);
	return digits(p, len, 10, out);
}

bool rule_value_i64(const char *p, size_t len, int64_t *out)
{
	bool minus = len && p[0] == '-';
	uint64_t v;

	if (!rule_value_u64(p + minus, len - minus, &v) || (minus && len > 1 && p[1] == '+'))
		return false;
	if (v > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

bool rule_value_port(const char *p, size_t len, uint64_t *out)
{
	if (rule_value_u64(p, len, out))
		return *out <= UINT16_MAX;
	*out = rule_service_port(p, len);
	return *out != 0;
}

bool rule_value_number(uint8_t field_type, const char *p, size_t len, uint64_t *out)
{
	int64_t i = 0;
	bool b = false, good;

	switch (field_type) {
	case TEMPLATE_BOOL:
		good = rule_value_bool(p, len, &b);
		*out = b;
		return good;
	case TEMPLATE_I64:
		good = rule_value_i64(p, len, &i);
		*out = (uint64_t)i;
		return good;
	case TEMPLATE_PORT:
		return rule_value_port(p, len, out);
	default:
		return rule_value_u64(p, len, out);
	}
}

bool rule_value_bool(const char *p, size_t len, bool *out)
{
	*out = len == 4 && !memcmp(p, "true", 4);
	return *out || (len == 5 && !memcmp(p, "false", 5));
}

bool rule_value_net(const char *p, size_t len, struct helper_net *out)
{
	char text[INET6_ADDRSTRLEN];
	const char *slash = memchr(p, '/', len);
	size_t n = slash ? (size_t)(slash - p) : len;
	uint64_t prefix;
	unsigned bits;

	*out = (struct helper_net){ 0 };
	if (n >= sizeof text)
		return false;
	memcpy(text, p, n);
	text[n] = 0;
	out->addr_len = memchr(p, ':', n) ? 16 : 4;
	bits = 8u * out->addr_len;
	if (inet_pton(out->addr_len == 16 ? AF_INET6 : AF_INET, text, out->addr) != 1)
		return false;
	prefix = bits;
	if (slash && (!digits(slash + 1, len - n - 1, 10, &prefix) || prefix > bits))
		return false;
	out->prefix = (uint8_t)prefix;
	for (unsigned i = (unsigned)prefix; i < bits; i++)
		out->addr[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
	return true;
}

bool rule_value_fits(uint8_t field_type, const char *p, size_t len)
{
	struct helper_net net;
	uint64_t u;
	int64_t i;
	bool b;

	switch ((enum template_field_type)field_type) {
	case TEMPLATE_BOOL:
		return rule_value_bool(p, len, &b);
	case TEMPLATE_U64:
	case TEMPLATE_TIME:
		return rule_value_u64(p, len, &u);
	case TEMPLATE_PORT:
		return rule_value_u64(p, len, &u) && u <= UINT16_MAX;
	case TEMPLATE_I64:
		return rule_value_i64(p, len, &i);
	case TEMPLATE_IP:
		return rule_value_net(p, len, &net);
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
	case TEMPLATE_DICT:
		return true;
	}
	return false;
}
