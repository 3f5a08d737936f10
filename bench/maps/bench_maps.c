/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_maps: what operations on maps cost, beside what the kernel's cost (reference/runtimes.md section 1d: 1,024
 * keys, warm, loop included, measured once on one machine: an orientation, no bar).
 *
 * Rounds are interleaved (every operation, then again), times are the thread's CPU time, each figure is a median. Bars
 * are design.md's: a hash lookup in at most 25 ns, an array lookup that is inlined in at most 1.6 ns.
 */
#include "engine/helpers/helpers.h"
#include "engine/maps/maps.h"

#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 41, N_KEYS = 1024, OPS = 4096 };

static struct map *maps[32], *hash16;
static struct map_shape shape;
static struct helper_records records;
static struct helper_env env = { .records = &records };
static uint64_t sum; /* keeps results alive */

static void inlined(uint32_t i)
{
	uint32_t key = i % N_KEYS;

	if (key < shape.max_entries)
		sum += (uintptr_t)(shape.values + key * shape.stride);
	__asm__ volatile("" : "+r"(sum));
}

static void lookup(uint32_t kind, uint32_t i)
{
	uint32_t key = i % N_KEYS;

	sum += (uintptr_t)map_lookup_cpu(maps[kind], &key, 0);
}

static void array(uint32_t i)
{
	lookup(PROG_MAP_ARRAY, i);
}

static void percpu_array(uint32_t i)
{
	lookup(PROG_MAP_PERCPU_ARRAY, i);
}

static void hash(uint32_t i)
{
	lookup(PROG_MAP_HASH, i);
}

static void percpu_hash(uint32_t i)
{
	lookup(PROG_MAP_PERCPU_HASH, i);
}

static void lru_hash(uint32_t i)
{
	lookup(PROG_MAP_LRU_HASH, i);
}

static void hash_long(uint32_t i)
{
	uint32_t key[4] = { i % N_KEYS, 0, 0, 1 };

	sum += (uintptr_t)map_lookup_cpu(hash16, key, 0);
}

static void hash_read(uint32_t i)
{
	uint32_t key = i % N_KEYS;
	uint64_t v;

	if (map_read(maps[PROG_MAP_HASH], &key, &v) == E_OK)
		sum += v;
}

/* Addresses spread over all bits. */
static void lpm_key(uint32_t i, uint32_t key[2])
{
	key[0] = 32;
	key[1] = (i % N_KEYS) * 2654435761u;
}

static void lpm(uint32_t i)
{
	uint32_t key[2];

	lpm_key(i, key);
	sum += (uintptr_t)map_lookup_cpu(maps[PROG_MAP_LPM_TRIE], key, 0);
}

static void must(enum err e)
{
	if (e != E_OK)
		exit(1);
}

static void array_update(uint32_t i)
{
	uint32_t key = i % N_KEYS;
	uint64_t v = i;

	must(map_prog_update(maps[PROG_MAP_ARRAY], &key, &v, MAP_ANY, 0));
}

static void hash_update(uint32_t i)
{
	uint32_t key = i % N_KEYS;
	uint64_t v = i;

	must(map_prog_update(maps[PROG_MAP_HASH], &key, &v, MAP_ANY, 0));
}

static void hash_add_delete(uint32_t i)
{
	uint32_t key = i % N_KEYS;
	uint64_t v = i;

	must(map_prog_delete(maps[PROG_MAP_HASH], &key));
	must(map_prog_update(maps[PROG_MAP_HASH], &key, &v, MAP_ANY, 0));
}

/* Every key is new: something has to go. */
static void lru_new(uint32_t i)
{
	static uint32_t key = N_KEYS;
	uint64_t v = i;

	key++;
	must(map_prog_update(maps[PROG_MAP_LRU_PERCPU_HASH], &key, &v, MAP_ANY, 0));
}

static void queue(uint32_t i)
{
	uint64_t v = i;

	must(map_prog_push(maps[PROG_MAP_QUEUE], &v, MAP_ANY));
	must(map_prog_pop(maps[PROG_MAP_QUEUE], &v));
}

static void bloom(uint32_t i)
{
	uint64_t v = i;

	sum += (uint64_t)map_prog_peek(maps[PROG_MAP_BLOOM_FILTER], &v);
}

static uint64_t call(uint32_t id, uint64_t a, uint64_t b)
{
	return helper_lookup(id)(a, b, 0, 0, 0, &env);
}

static void ring_discard(uint32_t i)
{
	(void)i;
	(void)call(ABI_HELPER_ringbuf_discard,
		   call(ABI_HELPER_ringbuf_reserve, (uint64_t)(uintptr_t)maps[PROG_MAP_RINGBUF], 32), 0);
	if (i % 64 == 0) {
		struct view v;

		(void)map_ring_next(maps[PROG_MAP_RINGBUF], &v);
	}
}

static void ring_send(uint32_t i)
{
	struct view v;

	(void)i;
	(void)call(ABI_HELPER_ringbuf_submit,
		   call(ABI_HELPER_ringbuf_reserve, (uint64_t)(uintptr_t)maps[PROG_MAP_RINGBUF], 32), 0);
	if (map_ring_next(maps[PROG_MAP_RINGBUF], &v))
		map_ring_done(maps[PROG_MAP_RINGBUF]);
}

static const struct {
	const char *name;
	void (*each)(uint32_t i);
	double kernel, bar; /* ns; 0: not known, none */
} rows[] = {
	{ "array lookup, inlined", inlined, 1.6, 1.6 },
	{ "array lookup, called", array, 0, 0 },
	{ "per-CPU array lookup, called", percpu_array, 1.8, 0 },
	{ "hash lookup, 4-byte key", hash, 32, 25 },
	{ "hash lookup, 16-byte key", hash_long, 39, 0 },
	{ "hash read (copy), 4-byte key", hash_read, 0, 0 },
	{ "per-CPU hash lookup", percpu_hash, 32, 0 },
	{ "LRU hash lookup", lru_hash, 32, 0 },
	{ "LPM trie lookup, /32", lpm, 74, 0 },
	{ "array update", array_update, 38, 0 },
	{ "hash update", hash_update, 123, 0 },
	{ "hash delete and update", hash_add_delete, 251, 0 },
	{ "LRU per-CPU hash, new key", lru_new, 0, 0 },
	{ "queue push and pop", queue, 0, 0 },
	{ "bloom filter peek", bloom, 0, 0 },
	{ "ring reserve and discard, 32 B", ring_discard, 21, 0 },
	{ "ring reserve, submit, consume", ring_send, 0, 0 },
};

static struct map *make(uint32_t kind, uint32_t key, uint32_t value, uint32_t entries)
{
	struct prog_map def = {
		.name = "m", .kind = kind, .key_size = key, .value_size = value, .max_entries = entries
	};
	struct map *m = NULL;

	must(map_new_with(&def, &(struct map_opts){ .n_cpus = 4 }, &m, NULL));
	return m;
}

static void set_up(void)
{
	static const uint32_t with_keys[] = { PROG_MAP_ARRAY,       PROG_MAP_PERCPU_ARRAY, PROG_MAP_HASH,
					      PROG_MAP_PERCPU_HASH, PROG_MAP_LRU_HASH,     PROG_MAP_LRU_PERCPU_HASH };

	for (size_t k = 0; k < countof(with_keys); k++) {
		struct map *m = maps[with_keys[k]] = make(with_keys[k], 4, 8, N_KEYS);

		for (uint32_t i = 0; i < N_KEYS; i++)
			must(map_prog_update(m, &i, &(uint64_t){ i }, MAP_ANY, 0));
	}
	hash16 = make(PROG_MAP_HASH, 16, 8, N_KEYS);
	maps[PROG_MAP_LPM_TRIE] = make(PROG_MAP_LPM_TRIE, 8, 8, N_KEYS);
	for (uint32_t i = 0; i < N_KEYS; i++) {
		uint32_t key[4] = { i, 0, 0, 1 }, prefix[2];

		must(map_update(hash16, key, &(uint64_t){ i }, MAP_ANY));
		lpm_key(i, prefix);
		must(map_update(maps[PROG_MAP_LPM_TRIE], prefix, &(uint64_t){ i }, MAP_ANY));
	}
	maps[PROG_MAP_QUEUE] = make(PROG_MAP_QUEUE, 0, 8, 64);
	maps[PROG_MAP_BLOOM_FILTER] = make(PROG_MAP_BLOOM_FILTER, 0, 8, N_KEYS);
	maps[PROG_MAP_RINGBUF] = make(PROG_MAP_RINGBUF, 0, 0, 1 << 16);
	(void)map_shape(maps[PROG_MAP_ARRAY], &shape);
}

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int main(void)
{
	static double ns[countof(rows)][ROUNDS];
	int missed = 0;

	set_up();
	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < countof(rows); i++) {
			double start = now_ns();

			for (uint32_t n = 0; n < OPS; n++)
				rows[i].each(n);
			ns[i][round] = (now_ns() - start) / OPS;
		}
	printf("%-32s %8s %8s %8s\n", "operation", "ns", "kernel", "bar");
	for (size_t i = 0; i < countof(rows); i++) {
		char kernel[16] = "", bar[16] = "";
		bool late;

		qsort(ns[i], ROUNDS, sizeof ns[i][0], by_value);
		late = rows[i].bar > 0 && ns[i][ROUNDS / 2] > rows[i].bar;
		missed |= late;
		if (rows[i].kernel > 0)
			(void)snprintf(kernel, sizeof kernel, "%.1f", rows[i].kernel);
		if (rows[i].bar > 0)
			(void)snprintf(bar, sizeof bar, "%.1f", rows[i].bar);
		printf("%-32s %8.1f %8s %8s%s\n", rows[i].name, ns[i][ROUNDS / 2], kernel, bar, late ? "  MISSED" : "");
	}
	for (size_t i = 0; i < countof(maps); i++)
		map_free(maps[i]);
	map_free(hash16);
	return missed;
}
