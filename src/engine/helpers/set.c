/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set: sorted sets of strings and sets of networks as one run of bytes, written here and read here.
 *
 * The bytes are literal data of a program, so a reader trusts nothing: every offset is compared with the
 * size before it is used, and what does not fit answers "not in the set". Layout: docs/formats/packed-sets.md.
 */
#include "engine/helpers/impl.h"

enum { SET_HEAD_BYTES = 4, SET_MAX_STRINGS = 65535, SET_MAX_STRING_BYTES = 65535 };
enum { NETS_HEAD_BYTES = 8, NET4_BYTES = 8, NET6_BYTES = 32 };

static uint32_t u32_at(struct helper_str set, uint64_t off)
{
	uint32_t v;

	memcpy(&v, set.p + off, sizeof v);
	return v;
}

uint32_t set_count(struct helper_str set)
{
	uint32_t n;

	if (set.len < SET_HEAD_BYTES)
		return 0;
	n = u32_at(set, 0);
	return SET_HEAD_BYTES + 4 * ((uint64_t)n + 1) <= set.len ? n : 0;
}

/* i must be below set_count(set). */
bool set_get(struct helper_str set, uint32_t i, struct helper_str *out)
{
	uint32_t from = u32_at(set, SET_HEAD_BYTES + 4 * (uint64_t)i);
	uint32_t to = u32_at(set, SET_HEAD_BYTES + 4 * ((uint64_t)i + 1));

	if (from > to || to > set.len)
		return false;
	*out = (struct helper_str){ set.p + from, to - from };
	return true;
}

/* The last string that is not after s in byte order. False when there is none, or the set is malformed. */
static bool last_not_after(struct helper_str s, struct helper_str set, uint32_t n, struct helper_str *out)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct helper_str m;

		if (!set_get(set, mid, &m))
			return false;
		if (str_order(m, s) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && set_get(set, lo - 1, out);
}

bool set_has(struct helper_str s, struct helper_str set)
{
	uint32_t n = set_count(set);
	struct helper_str m;

	return last_not_after(s, set, n, &m) && !str_order(m, s);
}

/*
 * Is one string of the set a prefix of s? If the last string m that is not after s is not a prefix, it parts from s at
 * some byte k; a longer prefix of s than k would stand between m and s, so only prefixes up to k are left: look again
 * with s cut to k. Each round shortens s; with few nested prefixes in a set there are one or two.
 */
bool set_has_prefix_of(struct helper_str s, struct helper_str set)
{
	uint32_t n = set_count(set), k;
	struct helper_str m;

	while (last_not_after(s, set, n, &m)) {
		for (k = 0; k < m.len && k < s.len && m.p[k] == s.p[k]; k++)
			;
		if (k == m.len)
			return true;
		if (k >= s.len)
			return false; /* only an unsorted set gives an m that goes on past s */
		s.len = k;
	}
	return false;
}

/* Cost: all bytes of the set, at worst times the longest component of s. */
bool set_pmatch(struct helper_str s, struct helper_str set)
{
	uint32_t n = set_count(set);
	struct helper_str m;

	for (uint32_t i = 0; i < n; i++) {
		if (!set_get(set, i, &m))
			return false;
		if (helper_pmatch(s.p, s.len, m.p, m.len))
			return true;
	}
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return str_order(*(const struct helper_str *)a, *(const struct helper_str *)b);
}

static size_t drop_repeats(struct helper_str *strs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!kept || str_order(strs[kept - 1], strs[i]))
			strs[kept++] = strs[i];
	return kept;
}

FALLIBLE helper_pack_set(struct helper_str *strs, size_t n, struct buf *out)
{
	uint64_t end = 0;
	uint32_t count, off;

	for (size_t i = 0; i < n; i++)
		if (strs[i].len > SET_MAX_STRING_BYTES)
			return E_LIMIT;
	if (n)
		qsort(strs, n, sizeof *strs, by_bytes);
	n = drop_repeats(strs, n);
	for (size_t i = 0; i < n; i++)
		end += strs[i].len;
	if (n > SET_MAX_STRINGS || end > INT32_MAX)
		return E_LIMIT;
	count = (uint32_t)n;
	buf_put(out, &count, sizeof count);
	off = SET_HEAD_BYTES + 4 * (count + 1);
	buf_put(out, &off, sizeof off);
	for (size_t i = 0; i < n; i++) {
		off += strs[i].len;
		buf_put(out, &off, sizeof off);
	}
	for (size_t i = 0; i < n; i++)
		buf_put(out, strs[i].p, strs[i].len);
	return out->full ? E_LIMIT : E_OK;
}

static void put_net(const struct helper_net *net, struct buf *out)
{
	uint8_t addr[16], mask[16];

	for (unsigned i = 0; i < net->addr_len; i++) {
		unsigned left = net->prefix > 8 * i ? net->prefix - 8 * i : 0;

		mask[i] = (uint8_t)(left >= 8 ? 0xff : 0xff00 >> left);
		addr[i] = net->addr[i] & mask[i];
	}
	buf_put(out, addr, net->addr_len);
	buf_put(out, mask, net->addr_len);
}

void helper_pack_nets(const struct helper_net *nets, size_t n, struct buf *out)
{
	uint32_t count[2] = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		assert((nets[i].addr_len == 4 || nets[i].addr_len == 16) && nets[i].prefix <= 8 * nets[i].addr_len &&
		       "the caller's parser gives networks that exist");
		count[nets[i].addr_len == 16]++;
	}
	buf_put(out, count, sizeof count);
	for (uint8_t addr_len = 4; addr_len <= 16; addr_len = (uint8_t)(addr_len + 12))
		for (size_t i = 0; i < n; i++)
			if (nets[i].addr_len == addr_len)
				put_net(&nets[i], out);
}

static bool net_has(const char *net, const char *addr, unsigned len)
{
	uint8_t differ = 0;

	for (unsigned i = 0; i < len; i++)
		differ |= (uint8_t)((net[i] ^ addr[i]) & net[len + i]);
	return !differ;
}

uint64_t helper_ip_in_net(struct helper_env *env, const uint64_t args[ABI_MAX_ARGS])
{
	const struct helper_value *v = handle_value(env, args[0], HELPER_VALUE_IP);
	struct helper_str set = literal(args[1], args[2]);
	uint64_t n4, n6, n, at = NETS_HEAD_BYTES;

	if (!v || (v->len != 4 && v->len != 16) || set.len < NETS_HEAD_BYTES)
		return 0;
	n4 = u32_at(set, 0);
	n6 = u32_at(set, 4);
	if (NETS_HEAD_BYTES + n4 * NET4_BYTES + n6 * NET6_BYTES > set.len)
		return 0;
	n = v->len == 4 ? n4 : n6;
	if (v->len == 16)
		at += n4 * NET4_BYTES;
	for (; n; n--, at += 2 * (uint64_t)v->len)
		if (net_has(set.p + at, v->p, v->len))
			return 1;
	return 0;
}
