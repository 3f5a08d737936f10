/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of map against a naive model over random histories, and what the host's side promises. */
#include "test.h"
#include "engine/maps/maps.h"

static uint64_t rnd(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15ull;
	return hash_u64(*s);
}

static struct map *make_with(const struct prog_map *def, const struct map_opts *o)
{
	struct map *m = NULL;

	CHECK_OK(map_new_with(def, o, &m, NULL));
	return m;
}

static struct map *make(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	struct prog_map def = {
		.name = "m", .kind = kind, .key_size = key, .value_size = value, .max_entries = entries
	};

	return make_with(&def, NULL);
}

/* ---- per-CPU arrays and hashes ---- */

enum { CPUS = 3, STRIDE = 16, VALUE = 12, MAX_KEYS = 40 };

/* Values by key; a hash has the key or not. */
struct percpu_model {
	bool there[MAX_KEYS];
	uint8_t value[MAX_KEYS][CPUS][VALUE];
	uint32_t n, max;
	bool array;
};

static enum err model_flags(const struct percpu_model *p, uint32_t key, uint64_t flags)
{
	if (p->array)
		return key >= p->max ? E_INVALID : flags == MAP_NOEXIST ? E_EXISTS : E_OK;
	if (p->there[key])
		return flags == MAP_NOEXIST ? E_EXISTS : E_OK;
	return flags == MAP_EXIST ? E_NOT_FOUND : p->n == p->max ? E_LIMIT : E_OK;
}

static void model_add(struct percpu_model *p, uint32_t key)
{
	if (!p->there[key])
		memset(p->value[key], 0, sizeof p->value[key]);
	p->n += !p->there[key];
	p->there[key] = true;
}

static void percpu_same(struct map *m, const struct percpu_model *p, uint32_t key)
{
	uint8_t all[CPUS * STRIDE];
	bool there = p->array ? key < p->max : p->there[key];

	CHECK_EQ(map_read(m, &key, all), there ? E_OK : E_NOT_FOUND);
	for (uint32_t c = 0; c < CPUS; c++) {
		uint8_t *one = map_lookup_cpu(m, &key, c);

		CHECK_EQ(one != NULL, there);
		if (one)
			CHECK(!memcmp(one, p->value[key][c], VALUE) &&
			      !memcmp(all + (size_t)c * STRIDE, p->value[key][c], VALUE) &&
			      !memcmp(all + (size_t)c * STRIDE + VALUE, "\0\0\0\0", 4));
	}
	CHECK(!map_lookup_cpu(m, &key, CPUS));
}

static void percpu_step(struct map *m, struct percpu_model *p, uint64_t *s)
{
	uint32_t key = (uint32_t)(rnd(s) % MAX_KEYS), cpu = (uint32_t)(rnd(s) % (CPUS + 1));
	uint64_t flags = rnd(s) % 3, v[CPUS * STRIDE / 8];
	enum err e;

	for (unsigned i = 0; i < countof(v); i++)
		v[i] = rnd(s);
	switch (rnd(s) % 4) {
	case 0:
		e = p->array ? E_INVALID : p->there[key] ? E_OK : E_NOT_FOUND;
		CHECK_EQ(map_delete(m, &key), e);
		p->n -= e == E_OK;
		p->there[key] &= e != E_OK;
		break;
	case 1: /* the host: all CPUs */
		e = model_flags(p, key, flags);
		CHECK_EQ(map_update(m, &key, v, flags), e);
		if (e != E_OK)
			break;
		model_add(p, key);
		for (uint32_t c = 0; c < CPUS; c++)
			memcpy(p->value[key][c], (uint8_t *)v + (size_t)c * STRIDE, VALUE);
		break;
	default: /* a program: its own */
		e = cpu == CPUS ? E_INVALID : model_flags(p, key, flags);
		CHECK_EQ(map_prog_update(m, &key, v, flags, cpu), e);
		if (e != E_OK)
			break;
		model_add(p, key);
		memcpy(p->value[key][cpu], v, VALUE);
	}
	percpu_same(m, p, key);
	CHECK_EQ(map_count(m), p->array ? p->max : p->n);
}

TEST(per_cpu_values_are_each_cpus_own_for_programs_and_together_for_the_host)
{
	static const uint32_t kinds[] = { PROG_MAP_PERCPU_ARRAY, PROG_MAP_PERCPU_HASH };
	uint64_t seed = 1;

	for (unsigned history = 0; history < 100; history++) {
		struct percpu_model p = { .max = 1 + (uint32_t)(rnd(&seed) % (MAX_KEYS - 1)) };
		struct prog_map def = { .name = "m",
					.kind = kinds[history % 2],
					.key_size = 4,
					.value_size = VALUE,
					.max_entries = p.max };
		struct map *m = make_with(&def, &(struct map_opts){ .n_cpus = CPUS });

		p.array = history % 2 == 0;
		CHECK_EQ(map_cpus(m), CPUS);
		CHECK_EQ(map_value_bytes(m), CPUS * STRIDE);
		for (unsigned step = 0; step < 300; step++)
			percpu_step(m, &p, &seed);
		map_free(m);
	}
}

TEST(values_of_all_cpus_lie_in_the_window_and_where_the_shape_says)
{
	struct prog_map def = {
		.name = "m", .kind = PROG_MAP_PERCPU_ARRAY, .key_size = 4, .value_size = VALUE, .max_entries = 5
	};
	struct map *m = make_with(&def, &(struct map_opts){ .n_cpus = CPUS }), *h;
	struct map_shape shape;
	uint8_t *base;
	size_t bytes;
	bool writable;

	CHECK(map_shape(m, &shape));
	CHECK_EQ(shape.max_entries, 5);
	CHECK_EQ(shape.n_cpus, CPUS);
	map_values(m, &base, &bytes, &writable);
	for (uint32_t c = 0; c < CPUS; c++)
		for (uint32_t i = 0; i < 5; i++) {
			uint8_t *v = map_lookup_cpu(m, &i, c);

			CHECK(v == shape.values + c * shape.cpu_stride + i * shape.stride);
			CHECK(v >= base && v + VALUE <= base + bytes);
		}
	map_free(m);
	h = make(PROG_MAP_HASH, 4, 4, 1);
	CHECK(!map_shape(h, &shape));
	map_free(h);
}

TEST(more_cpus_than_the_limit_are_refused)
{
	struct prog_map def = {
		.name = "m", .kind = PROG_MAP_PERCPU_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1
	};
	struct map *m = NULL;
	struct diag d;

	diag_init(&d);
	CHECK_EQ(map_new_with(&def, &(struct map_opts){ .n_cpus = MAP_MAX_CPUS + 1 }, &m, &d), E_INVALID);
	CHECK_EQ(d.id, 108);
	def.max_entries = (64 << 20) / 64 / 4 + 1; /* 64 bytes apart: over the limit on 4 CPUs */
	def.value_size = 64;
	CHECK_EQ(map_new_with(&def, &(struct map_opts){ .n_cpus = 4 }, &m, &d), E_LIMIT);
	CHECK(!m);
	m = make_with(&def, &(struct map_opts){ .n_cpus = 2 });
	map_free(m);
}

/* ---- LRU ---- */

TEST(an_lru_hash_gives_up_what_nobody_used)
{
	uint64_t seed = 5;

	for (unsigned history = 0; history < 50; history++) {
		uint32_t max = 4 + (uint32_t)(rnd(&seed) % 100), used = max / 2, key;
		struct map *m = make(PROG_MAP_LRU_HASH, 4, 4, max);

		for (key = 0; key < max; key++)
			CHECK_OK(map_update(m, &key, &key, MAP_NOEXIST));
		for (key = 0; key < used; key++)
			CHECK(map_lookup(m, &(uint32_t){ key * 2 })); /* every other one */
		for (key = 0; key < max - used; key++)
			CHECK_OK(map_update(m, &(uint32_t){ 1000 + key }, &key, MAP_NOEXIST));
		for (key = 0; key < used; key++)
			CHECK(map_lookup(m, &(uint32_t){ key * 2 }));
		for (key = 0; key < max - used; key++)
			CHECK(map_lookup(m, &(uint32_t){ 1000 + key }));
		CHECK_EQ(map_count(m), max);
		map_free(m);
	}
}

static bool lru_same(struct map *m, uint32_t key, uint32_t want)
{
	uint32_t v;

	if (map_read(m, &key, &v) != E_OK)
		return false;
	CHECK_EQ(v, want);
	return true;
}

TEST(an_lru_hash_is_never_full_and_loses_one_key_for_each_new_one)
{
	uint64_t seed = 6;

	for (unsigned history = 0; history < 50; history++) {
		uint32_t max = 1 + (uint32_t)(rnd(&seed) % 30), value[100] = { 0 }, before = 0;
		struct map *m = make(PROG_MAP_LRU_HASH, 4, 4, max);
		bool there[100] = { 0 };

		for (unsigned step = 0; step < 500; step++) {
			uint32_t key = (uint32_t)(rnd(&seed) % 100), v = (uint32_t)rnd(&seed), now = 0, lost = 0;
			uint64_t flags = rnd(&seed) % 3;
			bool was = there[key];
			enum err want = flags == MAP_NOEXIST && was  ? E_EXISTS
					: flags == MAP_EXIST && !was ? E_NOT_FOUND
								     : E_OK;

			CHECK_EQ(map_update(m, &key, &v, flags), want);
			if (want == E_OK)
				value[key] = v;
			for (uint32_t i = 0; i < 100; i++) {
				bool is = lru_same(m, i, value[i]);

				CHECK(!is || there[i] || i == key);
				lost += there[i] && !is;
				there[i] = is;
				now += is;
			}
			CHECK_EQ(there[key], want == E_OK || was);
			CHECK_EQ(lost, want == E_OK && !was && before == max);
			CHECK_EQ(map_count(m), now);
			before = now;
		}
		map_free(m);
	}
}

/* ---- LPM ---- */

struct lpm_key {
	uint32_t bits;
	uint8_t data[20];
};
struct lpm_model {
	struct lpm_key key[32];
	uint32_t value[32];
	unsigned n, max, data_bytes;
};

static bool same_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	for (uint32_t i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static unsigned lpm_exact(const struct lpm_model *o, const struct lpm_key *k)
{
	unsigned i = 0;

	while (i < o->n && (o->key[i].bits != k->bits || !same_bits(o->key[i].data, k->data, k->bits)))
		i++;
	return i;
}

static const uint32_t *lpm_longest(const struct lpm_model *o, const struct lpm_key *k)
{
	const struct lpm_key *best = NULL;
	const uint32_t *value = NULL;

	for (unsigned i = 0; i < o->n; i++) {
		const struct lpm_key *e = &o->key[i];

		if (e->bits <= k->bits && same_bits(e->data, k->data, e->bits) && (!best || e->bits > best->bits)) {
			best = e;
			value = &o->value[i];
		}
	}
	return value;
}

static enum err lpm_model_update(struct lpm_model *o, const struct lpm_key *k, uint32_t value, uint64_t flags)
{
	unsigned i = lpm_exact(o, k);

	if (k->bits > 8 * o->data_bytes)
		return E_INVALID;
	if (i < o->n && flags == MAP_NOEXIST)
		return E_EXISTS;
	if (i == o->n && flags == MAP_EXIST)
		return E_NOT_FOUND;
	if (i == o->max)
		return E_LIMIT;
	if (i == o->n)
		o->key[o->n++] = *k;
	o->value[i] = value;
	return E_OK;
}

static enum err lpm_model_delete(struct lpm_model *o, const struct lpm_key *k)
{
	unsigned i = lpm_exact(o, k);

	if (k->bits > 8 * o->data_bytes)
		return E_INVALID;
	if (i == o->n)
		return E_NOT_FOUND;
	o->key[i] = o->key[--o->n];
	o->value[i] = o->value[o->n];
	return E_OK;
}

/* Few different bytes, so that prefixes meet. */
static struct lpm_key lpm_key(const struct lpm_model *o, uint64_t *s)
{
	struct lpm_key k = { .bits = (uint32_t)(rnd(s) % (8 * o->data_bytes + 2)) };

	for (unsigned i = 0; i < o->data_bytes; i++)
		k.data[i] = (uint8_t)(rnd(s) % 3 ? 0xaa : 1 << rnd(s) % 8);
	return k;
}

static void lpm_all(struct map *m, const struct lpm_model *o)
{
	uint8_t keys[32 * 24], zeroes[20] = { 0 };
	struct map_cursor c = { 0 };
	uint32_t values[32], n;
	bool end;

	CHECK_OK(map_batch(m, &c, keys, values, 32, &n, &end));
	CHECK(end);
	CHECK_EQ(n, o->n);
	for (uint32_t i = 0; i < n; i++) {
		struct lpm_key k = { 0 };
		unsigned at;

		memcpy(&k, keys + (size_t)i * (4 + o->data_bytes), 4 + o->data_bytes);
		at = lpm_exact(o, &k);
		CHECK(at < o->n);
		CHECK_EQ(values[i], o->value[at]);
		for (uint32_t b = k.bits; b < 8 * o->data_bytes; b++) /* nothing behind the prefix */
			CHECK(!((k.data[b / 8] ^ zeroes[b / 8]) >> (7 - b % 8) & 1));
	}
}

TEST(an_lpm_trie_agrees_with_a_list_of_prefixes)
{
	uint64_t seed = 9;

	for (unsigned history = 0; history < 200; history++) {
		struct lpm_model o = { .max = 1 + (unsigned)(rnd(&seed) % 32),
				       .data_bytes = 1 + (unsigned)(rnd(&seed) % 20) };
		struct map *m = make(PROG_MAP_LPM_TRIE, 4 + o.data_bytes, 4, o.max);

		for (unsigned step = 0; step < 400; step++) {
			struct lpm_key k = lpm_key(&o, &seed), ask = lpm_key(&o, &seed);
			uint32_t v = (uint32_t)rnd(&seed), *got;
			uint64_t flags = rnd(&seed) % 3;
			const uint32_t *want;

			if (rnd(&seed) % 3)
				CHECK_EQ(map_update(m, &k, &v, flags), lpm_model_update(&o, &k, v, flags));
			else
				CHECK_EQ(map_delete(m, &k), lpm_model_delete(&o, &k));
			ask.bits = rnd(&seed) % 2 ? 8 * o.data_bytes : ask.bits;
			want = ask.bits <= 8 * o.data_bytes ? lpm_longest(&o, &ask) : NULL;
			got = map_lookup(m, &ask);
			CHECK_EQ(got != NULL, want != NULL);
			if (got)
				CHECK_EQ(*got, *want);
			CHECK_EQ(map_count(m), o.n);
		}
		lpm_all(m, &o);
		map_free(m);
	}
}

/* ---- queue, stack ---- */

TEST(queues_and_stacks_agree_with_a_list)
{
	uint64_t seed = 11;

	for (unsigned history = 0; history < 200; history++) {
		uint32_t max = 1 + (uint32_t)(rnd(&seed) % 20), n = 0;
		bool stack = history % 2;
		struct map *m = make(stack ? PROG_MAP_STACK : PROG_MAP_QUEUE, 0, 4, max);
		uint32_t list[20], v;

		for (unsigned step = 0; step < 300; step++) {
			uint32_t at = stack && n ? n - 1 : 0;
			enum err there = n ? E_OK : E_NOT_FOUND;
			uint64_t flags = rnd(&seed) % 3;

			v = (uint32_t)rnd(&seed) | 1;
			if (rnd(&seed) % 2) {
				enum err want = flags == MAP_NOEXIST           ? E_INVALID
						: n == max && flags == MAP_ANY ? E_LIMIT
									       : E_OK;

				CHECK_EQ(map_push(m, &v, flags), want);
				if (want == E_OK && n == max)
					memmove(list, list + 1, --n * sizeof *list);
				if (want == E_OK)
					list[n++] = v;
				continue;
			}
			CHECK_EQ(map_peek(m, &v), there);
			CHECK_EQ(v, n ? list[at] : 0);
			CHECK_EQ(map_pop(m, &v), there);
			CHECK_EQ(v, n ? list[at] : 0);
			if (n)
				memmove(list + at, list + at + 1, (--n - at) * sizeof *list);
			CHECK_EQ(map_count(m), n);
		}
		map_free(m);
	}
}

/* ---- bloom ---- */

TEST(a_bloom_filter_forgets_nothing_and_seldom_invents)
{
	static const uint32_t hashes[] = { 0, 1, 5, 15 };

	for (size_t i = 0; i < countof(hashes); i++) {
		struct prog_map def = { .name = "m",
					.kind = PROG_MAP_BLOOM_FILTER,
					.value_size = 9,
					.max_entries = 1000,
					.n_hashes = hashes[i] };
		struct map *m = make_with(&def, NULL);
		uint8_t value[9] = { 0 };
		unsigned invented = 0;

		for (uint32_t v = 0; v < 1000; v++) {
			memcpy(value + 3, &v, 4);
			CHECK_EQ(map_push(m, value, MAP_NOEXIST), E_INVALID);
			CHECK_OK(map_push(m, value, MAP_ANY));
		}
		for (uint32_t v = 0; v < 11000; v++) {
			memcpy(value + 3, &v, 4);
			if (v < 1000)
				CHECK_OK(map_peek(m, value));
			else
				invented += map_peek(m, value) == E_OK;
		}
		CHECK(invented < 5500); /* with one hash half of the bits may be set */
		if (hashes[i] != 1)
			CHECK(invented < 500);
		CHECK_EQ(map_pop(m, value), E_UNSUPPORTED);
		map_free(m);
	}
}

/* ---- the host ---- */

TEST(a_kind_refuses_what_it_does_not_have)
{
	struct map *a = make(PROG_MAP_ARRAY, 4, 4, 1), *q = make(PROG_MAP_QUEUE, 0, 4, 1),
		   *r = make(PROG_MAP_RINGBUF, 0, 0, 4096);
	uint32_t v = 0, n;
	struct map_cursor c = { 0 };
	bool end;

	CHECK_EQ(map_push(a, &v, 0), E_UNSUPPORTED);
	CHECK_EQ(map_pop(a, &v), E_UNSUPPORTED);
	CHECK_EQ(map_peek(a, &v), E_UNSUPPORTED);
	CHECK_EQ(map_take(a, &v, &v), E_UNSUPPORTED);
	CHECK_EQ(map_ring_output(a, &v, 4, 0), E_UNSUPPORTED);
	CHECK_EQ(map_drain(a, NULL, NULL, 0, &n), E_UNSUPPORTED);
	CHECK_EQ(map_set_inner(a, &v, a, NULL), E_UNSUPPORTED);
	CHECK(!map_ring_reserve(a, 8));
	CHECK_EQ(map_ring_query(a, MAP_RING_SIZE), 0);
	CHECK_EQ(map_inner_lookup(a, &v), 0);
	CHECK(!map_inner_at(a, 1));
	CHECK(!map_lookup(q, &v));
	CHECK(!map_lookup(r, &v));
	CHECK_EQ(map_read(q, &v, &v), E_UNSUPPORTED);
	CHECK_EQ(map_update(q, &v, &v, 0), E_UNSUPPORTED);
	CHECK_EQ(map_prog_update(r, &v, &v, 0, 0), E_UNSUPPORTED);
	CHECK_EQ(map_delete(r, &v), E_UNSUPPORTED);
	CHECK_EQ(map_batch(q, &c, &v, &v, 1, &n, &end), E_UNSUPPORTED);
	CHECK(!map_each(q, &c, 0, &v, NULL));
	map_free(a);
	map_free(q);
	map_free(r);
}

TEST(a_frozen_map_is_the_programs_alone_and_a_read_only_one_the_hosts)
{
	struct prog_map def = { .name = "m", .kind = PROG_MAP_HASH, .key_size = 4, .value_size = 4, .max_entries = 4 };
	struct map *m = make_with(&def, NULL);
	uint32_t key = 1, v = 2;

	CHECK_OK(map_update(m, &key, &v, MAP_ANY));
	map_freeze(m);
	CHECK(map_is_frozen(m));
	CHECK_EQ(map_update(m, &key, &v, MAP_ANY), E_PERM);
	CHECK_EQ(map_delete(m, &key), E_PERM);
	CHECK_EQ(map_take(m, &key, &v), E_PERM);
	CHECK_OK(map_read(m, &key, &v));
	CHECK_OK(map_prog_update(m, &key, &v, MAP_ANY, 0));
	CHECK_OK(map_prog_delete(m, &key));
	map_free(m);
	def.flags = PROG_MAP_RDONLY;
	m = make_with(&def, NULL);
	CHECK_EQ(map_prog_update(m, &key, &v, MAP_ANY, 0), E_PERM);
	CHECK_OK(map_update(m, &key, &v, MAP_ANY));
	CHECK_EQ(map_prog_delete(m, &key), E_PERM);
	map_free(m);
	def = (struct prog_map){
		.name = "m", .kind = PROG_MAP_QUEUE, .value_size = 4, .max_entries = 4, .flags = PROG_MAP_RDONLY
	};
	m = make_with(&def, NULL);
	CHECK_EQ(map_prog_push(m, &v, MAP_ANY), E_PERM);
	CHECK_OK(map_push(m, &v, MAP_ANY));
	CHECK_EQ(map_prog_pop(m, &v), E_PERM);
	CHECK_OK(map_prog_peek(m, &v));
	map_freeze(m);
	CHECK_EQ(map_push(m, &v, MAP_ANY), E_PERM);
	CHECK_EQ(map_pop(m, &v), E_PERM);
	map_free(m);
}

TEST(taking_gives_the_value_and_deletes_the_key)
{
	struct map *m = make(PROG_MAP_HASH, 4, 8, 4);
	uint64_t v = 77, got = 0;
	uint32_t key = 3;

	CHECK_EQ(map_take(m, &key, &got), E_NOT_FOUND);
	CHECK_OK(map_update(m, &key, &v, MAP_ANY));
	CHECK_OK(map_take(m, &key, &got));
	CHECK_EQ(got, 77);
	CHECK(!map_lookup(m, &key));
	map_free(m);
}

TEST(a_walk_looks_at_a_bounded_number_of_places)
{
	struct map *m = make(PROG_MAP_HASH, 4, 4, 20000);
	struct map_cursor c = { 0 };
	uint32_t keys[10], values[10], n, key, calls = 0;
	bool end = false;

	for (key = 0; key < 20000; key++)
		CHECK_OK(map_update(m, &key, &key, MAP_ANY));
	for (key = 0; key < 19999; key++)
		CHECK_OK(map_delete(m, &key));
	for (; !end; calls++) {
		CHECK_OK(map_batch(m, &c, keys, values, 10, &n, &end));
		CHECK(n == 0 || (n == 1 && keys[0] == 19999 && values[0] == 19999));
	}
	CHECK(calls > 20000 / (MAP_BATCH_LOOK + 10));
	map_free(m);
}

TEST(batches_tell_how_far_they_came)
{
	struct map *m = make(PROG_MAP_HASH, 4, 4, 3);
	uint32_t keys[4] = { 1, 2, 3, 4 }, values[4] = { 10, 20, 30, 40 }, done;

	CHECK_EQ(map_batch_update(m, keys, values, 4, MAP_NOEXIST, &done), E_LIMIT);
	CHECK_EQ(done, 3);
	CHECK_EQ(*(uint32_t *)map_lookup(m, &keys[2]), 30);
	CHECK_EQ(map_batch_delete(m, keys, 2, &done), E_OK);
	CHECK_EQ(done, 2);
	CHECK_EQ(map_batch_delete(m, keys + 1, 2, &done), E_NOT_FOUND);
	CHECK_EQ(done, 0);
	CHECK_EQ(map_count(m), 1);
	map_free(m);
}

TEST(each_gives_values_in_place_of_one_cpu)
{
	struct prog_map def = {
		.name = "m", .kind = PROG_MAP_PERCPU_HASH, .key_size = 4, .value_size = 8, .max_entries = 10
	};
	struct map *m = make_with(&def, &(struct map_opts){ .n_cpus = 2 });
	struct map_cursor c = { 0 };
	uint32_t key, seen = 0;
	void *value;

	for (key = 0; key < 10; key++)
		CHECK_OK(map_prog_update(m, &key, &(uint64_t){ key }, MAP_ANY, 1));
	while (map_each(m, &c, 1, &key, &value)) {
		CHECK_EQ(*(uint64_t *)value, key);
		CHECK(value == map_lookup_cpu(m, &key, 1));
		CHECK_OK(map_prog_delete(m, &key)); /* what a callback may do */
		seen++;
	}
	CHECK_EQ(seen, 10);
	CHECK_EQ(map_count(m), 0);
	map_free(m);
}

TEST(the_seed_decides_where_keys_go)
{
	struct prog_map def = {
		.name = "m", .kind = PROG_MAP_BLOOM_FILTER, .value_size = 8, .max_entries = 4, .n_hashes = 1
	};
	struct map *a = make_with(&def, &(struct map_opts){ .seed = 1 }),
		   *b = make_with(&def, &(struct map_opts){ .seed = 2 });
	unsigned differ = 0;

	for (uint64_t v = 0; v < 8; v++) {
		CHECK_OK(map_push(a, &v, MAP_ANY));
		CHECK_OK(map_push(b, &v, MAP_ANY));
	}
	for (uint64_t v = 8; v < 1000; v++)
		differ += map_peek(a, &v) != map_peek(b, &v);
	CHECK(differ);
	map_free(a);
	map_free(b);
}
