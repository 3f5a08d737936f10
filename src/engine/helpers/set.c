/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set: sorted sets of strings and sets of networks as one run of bytes, written here and read here.
 *
 * The bytes are literal data of a program, so a reader trusts nothing: every offset is compared with the
 * size before it is used, and what does not fit answers "not in the set". Layout: docs/formats/packed-sets.md.
 */
#include "engine/helpers/impl.h"

enum { SET_HEAD_BYTES = 8, SET_MAX_STRINGS = 65535, SET_MAX_STRING_BYTES = 65535, SET_MAX_PROBES = 64 };
enum { NETS_HEAD_BYTES = 8, NET4_BYTES = 8, NET6_BYTES = 32 };

/* A set whose tables lie inside it. */
struct set {
	struct helper_str raw;
	uint32_t n, n_slots;
	uint64_t slots_at;
};

static uint32_t u32_at(struct helper_str set, uint64_t off)
{
	uint32_t v;

	memcpy(&v, set.p + off, sizeof v);
	return v;
}

static bool set_open(struct helper_str raw, struct set *out)
{
	struct set s = { .raw = raw };

	if (raw.len < SET_HEAD_BYTES)
		return false;
	s.n = u32_at(raw, 0);
	s.n_slots = u32_at(raw, 4);
	s.slots_at = SET_HEAD_BYTES + 4 * ((uint64_t)s.n + 1);
	if (s.slots_at + 4 * (uint64_t)s.n_slots > raw.len || s.n_slots & (s.n_slots - 1))
		return false;
	*out = s;
	return true;
}

/* String i, which must be below n. */
static bool set_get(const struct set *set, uint32_t i, struct helper_str *out)
{
	uint32_t from = u32_at(set->raw, SET_HEAD_BYTES + 4 * (uint64_t)i);
	uint32_t to = u32_at(set->raw, SET_HEAD_BYTES + 4 * ((uint64_t)i + 1));

	if (from > to || to > set->raw.len)
		return false;
	*out = (struct helper_str){ set->raw.p + from, to - from };
	return true;
}

/* Up to 7 bytes as a little-endian number. */
static uint64_t short_word(const char *p, uint32_t len)
{
	uint64_t v = 0;
	uint32_t v32;
	uint16_t v16;
	unsigned at = 0;

	if (len & 4) {
		memcpy(&v32, p, sizeof v32);
		v = v32;
		at = 4;
	}
	if (len & 2) {
		memcpy(&v16, p + at, sizeof v16);
		v |= (uint64_t)v16 << 8 * at;
		at += 2;
	}
	if (len & 1)
		v |= (uint64_t)(uint8_t)p[at] << 8 * at;
	return v;
}

/* Part of the format: docs/formats/packed-sets.md. */
uint32_t set_hash(struct helper_str s)
{
	const uint64_t k = 0x9e3779b97f4a7c15ull;
	uint64_t h = s.len * k, w;
	uint32_t i = 0;

	for (; s.len - i >= 8; i += 8) {
		memcpy(&w, s.p + i, sizeof w);
		h = (h ^ w) * k;
		h ^= h >> 32;
	}
	if (i < s.len)
		h = (h ^ short_word(s.p + i, s.len - i)) * k;
	h = (h ^ h >> 32) *
	    k; /* multiplying carries upwards only: strings that differ in their last byte must part too */
	return (uint32_t)(h >> 32);
}

static bool is_string(const struct set *set, uint32_t i, struct helper_str s)
{
	struct helper_str m;

	return i < set->n && set_get(set, i, &m) && m.len == s.len && (!m.len || !memcmp(m.p, s.p, m.len));
}

bool set_has(struct helper_str s, struct helper_str raw, uint64_t *work)
{
	uint32_t hash, slot;
	struct set set;

	if (!set_open(raw, &set) || !set.n_slots)
		return false;
	hash = set_hash(s);
	*work += 8 + s.len / 4;
	for (uint32_t probe = 0; probe < SET_MAX_PROBES; probe++) {
		slot = u32_at(raw, set.slots_at + 4 * (uint64_t)((hash + probe) & (set.n_slots - 1)));
		if (!slot)
			return false;
		if ((slot ^ hash) < 1u << 16 && is_string(&set, (slot & 0xffff) - 1, s))
			return true;
	}
	return false;
}

/* The last string that is not after s in byte order. False when there is none, or the set is malformed. */
static bool last_not_after(struct helper_str s, const struct set *set, struct helper_str *out)
{
	uint32_t lo = 0, hi = set->n;

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

/*
 * Is one string of the set a prefix of s? If the last string m that is not after s is not a prefix, it parts from s at
 * some byte k; a longer prefix of s than k would stand between m and s, so only prefixes up to k are left: look again
 * with s cut to k. Each round shortens s; with few nested prefixes in a set there are one or two.
 */
bool set_has_prefix_of(struct helper_str s, struct helper_str raw, uint64_t *work)
{
	struct helper_str m;
	struct set set;
	uint32_t k;

	if (!set_open(raw, &set))
		return false;
	while (last_not_after(s, &set, &m)) {
		*work += 32 + s.len; /* up to 16 comparisons of 8 bytes a step, mostly of the first few */
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

uint32_t set_count(struct helper_str raw)
{
	struct set set;

	return set_open(raw, &set) ? set.n : 0;
}

bool set_string(struct helper_str raw, uint32_t i, struct helper_str *out)
{
	struct set set;

	return set_open(raw, &set) && i < set.n && set_get(&set, i, out);
}

/* Cost: all bytes of the set, at worst times the longest component of s. */
bool set_pmatch(struct helper_str s, struct helper_str raw, uint64_t *work)
{
	struct helper_str m;
	struct set set;

	if (!set_open(raw, &set))
		return false;
	for (uint32_t i = 0; i < set.n; i++) {
		if (!set_get(&set, i, &m))
			return false;
		if (glob_pmatch(s.p, s.len, m.p, m.len, work))
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

/* False: one string is further than SET_MAX_PROBES from its place. */
static bool place_all(const struct helper_str *strs, uint32_t n, uint32_t *slots, uint32_t n_slots)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t hash = set_hash(strs[i]), probe = 0;

		while (slots[(hash + probe) & (n_slots - 1)])
			if (++probe == SET_MAX_PROBES)
				return false;
		slots[(hash + probe) & (n_slots - 1)] = (hash & 0xffff0000) | (i + 1);
	}
	return true;
}

/* At least two slots for a string; more while strings crowd. */
static FALLIBLE make_slots(const struct helper_str *strs, uint32_t n, uint32_t **out, uint32_t *out_n)
{
	uint32_t n_slots = n ? 2 : 0;

	while (n_slots < 2 * n)
		n_slots *= 2;
	for (unsigned tries = 0; tries < 4; tries++, n_slots *= 2) {
		AUTO_FREE uint32_t *slots = calloc((size_t)n_slots + 1, sizeof *slots);

		if (!slots)
			return E_NOMEM;
		if (place_all(strs, n, slots, n_slots)) {
			*out = TAKE(slots);
			*out_n = n_slots;
			return E_OK;
		}
	}
	return E_LIMIT; /* strings made to collide */
}

static void put_set(const struct helper_str *strs, uint32_t n, const uint32_t *slots, uint32_t n_slots, struct buf *out)
{
	uint32_t off = SET_HEAD_BYTES + 4 * (n + 1) + 4 * n_slots;

	buf_put(out, &n, sizeof n);
	buf_put(out, &n_slots, sizeof n_slots);
	buf_put(out, &off, sizeof off);
	for (uint32_t i = 0; i < n; i++) {
		off += strs[i].len;
		buf_put(out, &off, sizeof off);
	}
	buf_put(out, slots, n_slots * sizeof *slots);
	for (uint32_t i = 0; i < n; i++)
		buf_put(out, strs[i].p, strs[i].len);
}

FALLIBLE helper_pack_set(struct helper_str *strs, size_t n, struct buf *out)
{
	AUTO_FREE uint32_t *slots = NULL;
	uint64_t bytes = 0;
	uint32_t n_slots;

	for (size_t i = 0; i < n; i++)
		if (strs[i].len > SET_MAX_STRING_BYTES)
			return E_LIMIT;
	if (n)
		qsort(strs, n, sizeof *strs, by_bytes);
	n = drop_repeats(strs, n);
	for (size_t i = 0; i < n; i++)
		bytes += strs[i].len;
	if (n > SET_MAX_STRINGS || bytes > INT32_MAX)
		return E_LIMIT;
	TRY(make_slots(strs, (uint32_t)n, &slots, &n_slots));
	put_set(strs, (uint32_t)n, slots, n_slots, out);
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

HELPER_FN(ip_in_net, h, mem, bytes)
{
	const struct helper_value *v = handle_value(env, h, HELPER_VALUE_IP);
	struct helper_str set = literal(mem, bytes);
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
	env->work += n * v->len;
	for (; n; n--, at += 2 * (uint64_t)v->len)
		if (net_has(set.p + at, v->p, v->len))
			return 1;
	return 0;
}
