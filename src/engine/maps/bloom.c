/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bloom: a set that is sure only about what was not pushed.
 *
 * Bits for max_entries values at 7 bits for every 5 hashes, rounded up to a power of two
 * (kernel/bpf/bloom_filter.c:bloom_map_alloc, v6.12). The hashes are h1 + i h2 of two independent ones (A. Kirsch, M.
 * Mitzenmacher, "Less hashing, same performance", 2006). Bits are set one by one and never cleared: no lock.
 */
#include "engine/maps/impl.h"

enum { HASHES_DEFAULT = 5, HASHES_MAX = 15, VALUE_MAX = 512 };

static FALLIBLE bloom_check(const struct prog_map *def, struct diag *d)
{
	if (def->value_size > VALUE_MAX)
		FAIL_ID(d, INVALID, 'X', 107, "map '%s': a bloom filter's value has at most %d bytes, not %u",
			def->name, VALUE_MAX, def->value_size);
	if (def->n_hashes > HASHES_MAX)
		FAIL_ID(d, INVALID, 'X', 109, "map '%s': at most %d hash functions, not %u", def->name, HASHES_MAX,
			def->n_hashes);
	return map_check_no_key(def, d);
}

static uint64_t no_slots(const struct prog_map *def)
{
	(void)def;
	return 0;
}

static uint32_t n_hashes(const struct prog_map *def)
{
	return def->n_hashes ? def->n_hashes : HASHES_DEFAULT;
}

static uint64_t n_bits(const struct prog_map *def)
{
	uint64_t want = (uint64_t)def->max_entries * n_hashes(def) / 5 * 7, n = 64;

	while (n < want)
		n *= 2;
	return n;
}

static uint64_t bloom_side_bytes(const struct prog_map *def)
{
	return n_bits(def) / 8;
}

static FALLIBLE bloom_init(struct map *m, const struct prog_map *def)
{
	m->bloom.n_hashes = n_hashes(def);
	m->bloom.mask = n_bits(def) - 1;
	m->bloom.seed = def->flags & PROG_MAP_ZERO_SEED ? 0 : m->opts.seed;
	m->bloom.words = calloc(n_bits(def) / 64, 8);
	return m->bloom.words ? E_OK : E_NOMEM;
}

static void bloom_done(struct map *m)
{
	free(m->bloom.words);
}

/* Of what is in the value: the word and bit of hash i are (h1 + i h2) modulo the bits. */
struct hashes {
	uint64_t h1, h2;
};

static struct hashes hashes_of(const struct map *m, const void *value)
{
	uint64_t w[VALUE_MAX / 8] __attribute__((uninitialized));
	uint32_t n = (m->def.value_size + 7) / 8;
	const uint8_t *p = value;

	for (uint32_t i = 0; i < n; i++) {
		size_t left = m->def.value_size - 8 * (size_t)i;

		w[i] = word_of(p + 8 * (size_t)i, left < 8 ? left : 8);
	}
	return (struct hashes){ map_hash_words(w, n, m->bloom.seed),
				hash_u64(map_hash_words(w, n, ~m->bloom.seed)) | 1 };
}

static FALLIBLE bloom_push(struct map *m, const void *value, uint64_t flags)
{
	struct hashes h = hashes_of(m, value);

	if (flags != MAP_ANY)
		return E_INVALID;
	for (uint32_t i = 0; i < m->bloom.n_hashes; i++) {
		uint64_t bit = (h.h1 + i * h.h2) & m->bloom.mask;

		atomic_fetch_or_explicit(&m->bloom.words[bit / 64], UINT64_C(1) << bit % 64, memory_order_release);
	}
	return E_OK;
}

static FALLIBLE bloom_peek(struct map *m, void *value)
{
	struct hashes h = hashes_of(m, value);

	for (uint32_t i = 0; i < m->bloom.n_hashes; i++) {
		uint64_t bit = (h.h1 + i * h.h2) & m->bloom.mask;

		if (!(atomic_load_explicit(&m->bloom.words[bit / 64], memory_order_acquire) >> bit % 64 & 1))
			return E_NOT_FOUND;
	}
	return E_OK;
}

const struct map_ops map_bloom_ops = {
	.kind = PROG_MAP_BLOOM_FILTER,
	.flags = PROG_MAP_RDONLY | PROG_MAP_ZERO_SEED,
	.check = bloom_check,
	.slots = no_slots,
	.side_bytes = bloom_side_bytes,
	.init = bloom_init,
	.done = bloom_done,
	.push = bloom_push,
	.peek = bloom_peek,
};
