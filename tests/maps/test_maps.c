/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: creation, and what users of arrays and hashes see. */
#include "test.h"
#include "engine/maps/maps.h"

static struct prog_map def_of(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	return (struct prog_map){
		.name = "m", .kind = kind, .key_size = key, .value_size = value, .max_entries = entries
	};
}

static struct map *make(const struct prog_map *def)
{
	struct map *m = NULL;

	CHECK_OK(map_new(def, &m, NULL));
	return m;
}

static uint64_t rnd(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15ull;
	return hash_u64(*s);
}

TEST(sizes_and_flags_that_a_kind_does_not_allow_are_refused)
{
	static const uint8_t bytes[9];
	static const struct prog_map
		programs = { .kind = PROG_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 },
		outer = { .kind = PROG_MAP_ARRAY_OF_MAPS },
		plain = { .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
	static const struct {
		const char *name;
		struct prog_map def;
		enum err want;
		uint16_t id;
		// clang-format off
	} rows[] = {
		{ "no kind", { .kind = 0, .key_size = 4, .value_size = 8, .max_entries = 1 }, E_UNSUPPORTED, 101 },
		{ "a kind of the future", { .kind = 99, .key_size = 4, .value_size = 4, .max_entries = 1 }, E_UNSUPPORTED, 101 },
		{ "no value", { .kind = 2, .key_size = 4, .max_entries = 1 }, E_INVALID, 102 },
		{ "no entries", { .kind = 2, .key_size = 4, .value_size = 8 }, E_INVALID, 102 },
		{ "array key", { .kind = 2, .key_size = 8, .value_size = 8, .max_entries = 1 }, E_INVALID, 103 },
		{ "no hash key", { .kind = 1, .value_size = 8, .max_entries = 1 }, E_INVALID, 103 },
		{ "long hash key", { .kind = 1, .key_size = 513, .value_size = 8, .max_entries = 1 }, E_INVALID, 103 },
		{ "unknown flag", { .kind = 2, .key_size = 4, .value_size = 8, .max_entries = 1, .flags = 1 }, E_INVALID, 104 },
		{ "64 MiB and one entry", { .kind = 2, .key_size = 4, .value_size = 8, .max_entries = (8 << 20) + 1 }, E_LIMIT, 105 },
		{ "all sizes at their top", { .kind = 2, .key_size = 4, .value_size = UINT32_MAX, .max_entries = UINT32_MAX }, E_LIMIT, 105 },
		{ "hash at the top", { .kind = 1, .key_size = 512, .value_size = 1, .max_entries = UINT32_MAX }, E_LIMIT, 105 },
		{ "hash whose keys are too much", { .kind = 1, .key_size = 512, .value_size = 1, .max_entries = 150000 }, E_LIMIT, 105 },
		{ "long contents", { .kind = 2, .key_size = 4, .value_size = 8, .max_entries = 1, .init = { bytes, 9 } }, E_INVALID, 106 },
		{ "LRU without preallocation", { .kind = 9, .key_size = 4, .value_size = 8, .max_entries = 1, .flags = 1 }, E_INVALID, 104 },
		{ "per-CPU array with contents", { .kind = 6, .key_size = 4, .value_size = 8, .max_entries = 1, .init = { bytes, 1 } }, E_INVALID, 106 },
		{ "LPM trie without data", { .kind = 11, .key_size = 4, .value_size = 8, .max_entries = 1 }, E_INVALID, 103 },
		{ "LPM trie with long data", { .kind = 11, .key_size = 261, .value_size = 8, .max_entries = 1 }, E_INVALID, 103 },
		{ "LPM trie with contents", { .kind = 11, .key_size = 8, .value_size = 8, .max_entries = 1, .init = { bytes, 1 } }, E_INVALID, 106 },
		{ "queue with keys", { .kind = 22, .key_size = 4, .value_size = 8, .max_entries = 1 }, E_INVALID, 103 },
		{ "stack with contents", { .kind = 23, .value_size = 8, .max_entries = 1, .init = { bytes, 1 } }, E_INVALID, 106 },
		{ "bloom filter with 16 hashes", { .kind = 30, .value_size = 8, .max_entries = 1, .n_hashes = 16 }, E_INVALID, 109 },
		{ "bloom filter of long values", { .kind = 30, .value_size = 513, .max_entries = 1 }, E_INVALID, 107 },
		{ "bloom filter of many bits", { .kind = 30, .value_size = 8, .max_entries = UINT32_MAX, .n_hashes = 15 }, E_LIMIT, 105 },
		{ "ring of less than a page", { .kind = 27, .max_entries = 2048 }, E_INVALID, 107 },
		{ "ring of three pages", { .kind = 27, .max_entries = 12288 }, E_INVALID, 107 },
		{ "ring with values", { .kind = 27, .value_size = 4, .max_entries = 4096 }, E_INVALID, 107 },
		{ "user ring with keys", { .kind = 31, .key_size = 4, .max_entries = 4096 }, E_INVALID, 103 },
		{ "ring of 2 GiB", { .kind = 27, .max_entries = 1u << 31 }, E_LIMIT, 105 },
		{ "map of maps that nothing describes", { .kind = 12, .key_size = 4, .value_size = 4, .max_entries = 1 }, E_INVALID, 110 },
		{ "map of maps of program arrays", { .kind = 13, .key_size = 4, .value_size = 4, .max_entries = 1, .inner = &programs }, E_INVALID, 110 },
		{ "map of maps of maps", { .kind = 13, .key_size = 4, .value_size = 4, .max_entries = 1, .inner = &outer }, E_INVALID, 110 },
		{ "map of maps with values", { .kind = 12, .key_size = 4, .value_size = 8, .max_entries = 1, .inner = &plain }, E_INVALID, 107 },
		{ "map of maps with wide keys", { .kind = 12, .key_size = 8, .value_size = 4, .max_entries = 1, .inner = &plain }, E_INVALID, 103 },
		{ "map of too many maps", { .kind = 12, .key_size = 4, .value_size = 4, .max_entries = (1 << 20) + 1, .inner = &plain }, E_LIMIT, 105 },
		{ "hash with contents", { .kind = 1, .key_size = 4, .value_size = 8, .max_entries = 1, .init = { bytes, 1 } }, E_INVALID, 106 },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		struct prog_map def = rows[i].def;
		struct map *m = NULL;
		struct diag d;

		test_row = def.name = rows[i].name;
		diag_init(&d);
		CHECK_EQ(map_new(&def, &m, &d), rows[i].want);
		CHECK_EQ(d.id, rows[i].id);
		CHECK_HAS(d.text, rows[i].name);
		CHECK(!m);
	}
}

TEST(an_array_starts_with_its_contents_and_zeroes)
{
	struct prog_map def = def_of(PROG_MAP_ARRAY, 4, 5, 3);
	uint32_t key = 0;
	struct map *m;
	uint8_t *base;
	size_t bytes;
	bool writable;

	def.init = view_of("abc", 3);
	m = make(&def);
	CHECK(!memcmp(map_lookup(m, &key), "abc\0\0", 5));
	key = 2;
	CHECK(!memcmp(map_lookup(m, &key), "\0\0\0\0\0", 5));
	key = 3;
	CHECK(!map_lookup(m, &key));
	key = UINT32_MAX;
	CHECK(!map_lookup(m, &key));
	map_values(m, &base, &bytes, &writable);
	key = 2;
	CHECK((uint8_t *)map_lookup(m, &key) + 5 == base + bytes);
	CHECK(writable);
	CHECK_STR(map_def(m)->name, "m");
	map_free(m);
	map_free(NULL);
}

TEST(a_read_only_map_says_so)
{
	struct prog_map def = def_of(PROG_MAP_ARRAY, 4, 5, 1);
	uint8_t *base;
	size_t bytes;
	bool writable;
	struct map *m;

	def.flags = PROG_MAP_RDONLY;
	m = make(&def);
	map_values(m, &base, &bytes, &writable);
	CHECK(!writable);
	CHECK_EQ(bytes, 5);
	map_free(m);
}

TEST(update_flags_mean_what_linux_says)
{
	static const struct {
		uint32_t kind, key;
		uint64_t flags;
		enum err want;
		// clang-format off
	} rows[] = {
		{ PROG_MAP_ARRAY, 0, MAP_ANY, E_OK }, { PROG_MAP_ARRAY, 0, MAP_EXIST, E_OK },
		{ PROG_MAP_ARRAY, 0, MAP_NOEXIST, E_EXISTS }, { PROG_MAP_ARRAY, 2, MAP_ANY, E_INVALID },
		{ PROG_MAP_ARRAY, 0, 3, E_INVALID }, { PROG_MAP_ARRAY, 0, UINT64_MAX, E_INVALID },
		{ PROG_MAP_HASH, 0, MAP_EXIST, E_NOT_FOUND }, { PROG_MAP_HASH, 0, MAP_NOEXIST, E_OK },
		{ PROG_MAP_HASH, 7, MAP_NOEXIST, E_EXISTS }, { PROG_MAP_HASH, 7, MAP_EXIST, E_OK },
		{ PROG_MAP_HASH, 7, MAP_ANY, E_OK }, { PROG_MAP_HASH, 0, MAP_ANY, E_OK }, { PROG_MAP_HASH, 0, 4, E_INVALID },
	};
	// clang-format on

	for (size_t i = 0; i < countof(rows); i++) {
		struct prog_map def = def_of(rows[i].kind, 4, 4, 2);
		struct map *m = make(&def);
		uint32_t seven = 7, value = 9;

		if (rows[i].kind == PROG_MAP_HASH)
			CHECK_OK(map_update(m, &seven, &seven, MAP_ANY));
		CHECK_EQ(map_update(m, &rows[i].key, &value, rows[i].flags), rows[i].want);
		if (rows[i].want == E_OK)
			CHECK(!memcmp(map_lookup(m, &rows[i].key), &value, 4));
		map_free(m);
	}
}

TEST(array_values_cannot_be_deleted)
{
	struct prog_map def = def_of(PROG_MAP_ARRAY, 4, 4, 2);
	struct map *m = make(&def);
	uint32_t key = 0;

	CHECK_EQ(map_delete(m, &key), E_INVALID);
	CHECK(map_lookup(m, &key));
	map_free(m);
}

TEST(a_full_hash_takes_no_new_key_but_still_changes_old_ones)
{
	struct prog_map def = def_of(PROG_MAP_HASH, 4, 4, 100);
	struct map *m = make(&def);
	uint32_t key;

	for (key = 0; key < 100; key++)
		CHECK_OK(map_update(m, &key, &key, MAP_ANY));
	CHECK_EQ(map_update(m, &key, &key, MAP_ANY), E_LIMIT);
	key = 50;
	CHECK_OK(map_update(m, &key, &key, MAP_ANY));
	CHECK_OK(map_delete(m, &key));
	CHECK_EQ(map_delete(m, &key), E_NOT_FOUND);
	key = 100;
	CHECK_OK(map_update(m, &key, &key, MAP_ANY));
	map_free(m);
}

TEST(a_value_that_was_deleted_stays_memory_of_the_map)
{
	struct prog_map def = def_of(PROG_MAP_HASH, 4, 8, 4);
	struct map *m = make(&def);
	uint64_t value = 1111, *held;
	uint32_t key = 1;
	uint8_t *base;
	size_t bytes;
	bool writable;

	CHECK_OK(map_update(m, &key, &value, MAP_ANY));
	held = map_lookup(m, &key);
	CHECK_OK(map_delete(m, &key));
	CHECK(!map_lookup(m, &key));
	CHECK_EQ(*held, 1111);
	map_values(m, &base, &bytes, &writable);
	CHECK((uint8_t *)held >= base && (uint8_t *)(held + 1) <= base + bytes);
	for (key = 10; key < 14; key++)
		CHECK_OK(map_update(m, &key, &value, MAP_ANY));
	CHECK_EQ(map_update(m, &key, &value, MAP_ANY), E_LIMIT);
	map_free(m);
}

/* A naive table: an unsorted list of keys and values. */
struct oracle {
	uint8_t key[64][13];
	uint32_t value[64];
	unsigned n;
};

static unsigned oracle_find(const struct oracle *o, const uint8_t *key, uint32_t key_size)
{
	unsigned i = 0;

	while (i < o->n && memcmp(o->key[i], key, key_size))
		i++;
	return i;
}

static enum err oracle_update(struct oracle *o, const uint8_t *key, uint32_t key_size, uint32_t value, uint64_t flags,
			      uint32_t max)
{
	unsigned i = oracle_find(o, key, key_size);

	if (i < o->n && flags == MAP_NOEXIST)
		return E_EXISTS;
	if (i == o->n && flags == MAP_EXIST)
		return E_NOT_FOUND;
	if (i == o->n && o->n == max)
		return E_LIMIT;
	if (i == o->n)
		memcpy(o->key[o->n++], key, key_size);
	o->value[i] = value;
	return E_OK;
}

static enum err oracle_delete(struct oracle *o, const uint8_t *key, uint32_t key_size)
{
	unsigned i = oracle_find(o, key, key_size);

	if (i == o->n)
		return E_NOT_FOUND;
	o->n--;
	memcpy(o->key[i], o->key[o->n], key_size);
	o->value[i] = o->value[o->n];
	return E_OK;
}

static void check_same(struct map *m, const struct oracle *o, const uint8_t *key, uint32_t key_size)
{
	unsigned i = oracle_find(o, key, key_size);
	void *got = map_lookup(m, key);

	CHECK_EQ(got != NULL, i < o->n);
	if (got)
		CHECK(!memcmp(got, &o->value[i], 4));
}

TEST(a_hash_agrees_with_a_naive_table_over_random_histories)
{
	uint64_t seed = 3;

	for (unsigned history = 0; history < 200; history++) {
		uint32_t key_size = 1 + (uint32_t)(rnd(&seed) % 13), max = 1 + (uint32_t)(rnd(&seed) % 40);
		struct prog_map def = def_of(PROG_MAP_HASH, key_size, 4, max);
		struct map *m = make(&def);
		struct oracle o = { 0 };

		for (unsigned step = 0; step < 500; step++) {
			uint8_t key[13] = { 0 };
			uint32_t value = (uint32_t)rnd(&seed);
			uint64_t flags = rnd(&seed) % 3;

			key[rnd(&seed) % key_size] = (uint8_t)(rnd(&seed) % 8);
			if (rnd(&seed) % 3) {
				CHECK_EQ(map_update(m, key, &value, flags),
					 oracle_update(&o, key, key_size, value, flags, max));
			} else {
				CHECK_EQ(map_delete(m, key), oracle_delete(&o, key, key_size));
			}
			check_same(m, &o, key, key_size);
		}
		for (unsigned i = 0; i < o.n; i++)
			check_same(m, &o, o.key[i], key_size);
		map_free(m);
	}
}

/*
 * Keys chosen to fall into one bucket: found as an attacker would who knows the seed, by computing the hash
 * (hash.c:map_hash_words). A bucket's chain is bounded, so some are refused; those that are in are found; all other
 * keys are not disturbed.
 */
static uint64_t bucket_of(uint64_t key)
{
	unsigned __int128 p = (unsigned __int128)(key ^ 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	return ((uint64_t)p ^ (uint64_t)(p >> 64)) & 1023;
}

TEST(keys_aimed_at_one_bucket_are_bounded_and_hurt_no_other_key)
{
	struct prog_map def = def_of(PROG_MAP_HASH, 8, 8, 1000);
	unsigned in = 0, refused = 0;
	struct map *m;

	def.flags = PROG_MAP_ZERO_SEED;
	m = make(&def);
	for (uint64_t key = 0; in + refused < 100; key++) {
		if (bucket_of(key))
			continue;
		if (map_update(m, &key, &key, MAP_ANY) == E_OK)
			in++;
		else
			refused++;
		CHECK_EQ(map_lookup(m, &key) != NULL, refused == 0);
	}
	CHECK_EQ(in, 32);
	for (uint64_t other = 1ull << 40; other < (1ull << 40) + 900; other++)
		if (bucket_of(other))
			CHECK_OK(map_update(m, &other, &other, MAP_ANY));
	map_free(m);
}

TEST(an_lru_hash_gives_up_one_of_the_keys_that_are_aimed_at_one_bucket)
{
	struct prog_map def = def_of(PROG_MAP_LRU_HASH, 8, 8, 1000);
	unsigned in = 0;
	struct map *m;

	def.flags = PROG_MAP_ZERO_SEED;
	m = make(&def);
	for (uint64_t key = 0; in < 100; key++) {
		if (bucket_of(key))
			continue;
		CHECK_OK(map_update(m, &key, &key, MAP_NOEXIST));
		CHECK_EQ(*(uint64_t *)map_lookup(m, &key), key);
		in++;
	}
	CHECK_EQ(map_count(m), 32);
	map_free(m);
}

/* Keys as programs have them: counters, addresses, ports in one half: none may look chosen to the hash. */
TEST(regular_keys_do_not_collide)
{
	for (unsigned shift = 0; shift < 64; shift++) {
		struct prog_map def = def_of(PROG_MAP_HASH, 8, 1, 4096);
		struct map *m = make(&def);
		uint64_t n = shift > 52 ? 1ull << (64 - shift) : 4096;

		for (uint64_t i = 0; i < n; i++)
			CHECK_OK(map_update(m, &(uint64_t){ i << shift }, &i, MAP_NOEXIST));
		map_free(m);
	}
}

TEST(a_large_hash_holds_all_its_keys)
{
	struct prog_map def = def_of(PROG_MAP_HASH, 8, 8, 200000);
	struct map *m = make(&def);

	for (uint64_t key = 0; key < 200000; key++)
		CHECK_OK(map_update(m, &key, &key, MAP_NOEXIST));
	for (uint64_t key = 0; key < 200000; key++)
		CHECK_EQ(*(uint64_t *)map_lookup(m, &key), key);
	map_free(m);
}
