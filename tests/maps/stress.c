/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stress: each kind of map under several threads, with what must hold meanwhile and afterwards.
 *
 * stress MILLISECONDS: each scenario for so long. Built by tsan.py, plainly and with -fsanitize=thread. A broken
 * promise ends it with a message and exit code 1.
 *
 * What every value looks like: words that say the same, so that a torn copy shows.
 */
#include "engine/maps/maps.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { N_THREADS = 4, WORDS = 4, STABLE = 64, MAX = 512, KEYS = 1500 };

static _Atomic bool stop;
static struct map *map;
static uint32_t kind;

#define MUST(cond)                                                                                              \
	do {                                                                                                    \
		if (!(cond)) {                                                                                  \
			fprintf(stderr, "%s:%d: kind %u: %s does not hold\n", __FILE__, __LINE__, kind, #cond); \
			_exit(1);                                                                               \
		}                                                                                               \
	} while (0)

static uint64_t rnd(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15ull;
	return hash_u64(*s);
}

static void fill(uint64_t v[WORDS], uint64_t first, uint64_t stamp)
{
	v[0] = first;
	for (unsigned i = 1; i < WORDS; i++)
		v[i] = stamp;
}

static bool whole(const uint64_t v[WORDS])
{
	for (unsigned i = 2; i < WORDS; i++)
		if (v[i] != v[1])
			return false;
	return true;
}

static struct map *make(uint32_t key, uint32_t value, uint32_t entries, uint32_t n_cpus)
{
	struct prog_map def = {
		.name = "m", .kind = kind, .key_size = key, .value_size = value, .max_entries = entries
	};
	struct map *m = NULL;

	MUST(map_new_with(&def, &(struct map_opts){ .n_cpus = n_cpus }, &m, NULL) == E_OK);
	return m;
}

/* ---- arrays ---- */

static void array_begin(void)
{
	map = make(4, 8 * WORDS, 8, 1);
}

static void array_work(unsigned id, uint64_t *s)
{
	uint32_t key = (uint32_t)(rnd(s) % 8);
	uint64_t v[WORDS];

	if (id % 2) {
		fill(v, rnd(s), rnd(s));
		MUST(map_prog_update(map, &key, v, MAP_ANY, 0) == E_OK);
	} else {
		MUST(map_read(map, &key, v) == E_OK && whole(v));
	}
}

static void percpu_array_begin(void)
{
	map = make(4, 8 * WORDS, 8, N_THREADS);
}

static void percpu_array_work(unsigned id, uint64_t *s)
{
	uint32_t key = (uint32_t)(rnd(s) % 8);
	uint64_t v[N_THREADS][WORDS];

	fill(v[0], id, rnd(s));
	MUST(map_prog_update(map, &key, v[0], MAP_ANY, id) == E_OK);
	MUST(map_read(map, &key, v) == E_OK);
	for (unsigned c = 0; c < N_THREADS; c++)
		MUST(whole(v[c]) && (v[c][0] == c || !v[c][0]));
}

/* ---- hashes: keys below STABLE stay, others come and go; a value begins with its key ---- */

static void hash_put(uint32_t key, uint64_t stamp)
{
	uint64_t v[N_THREADS * WORDS];
	enum err e;

	for (uint32_t c = 0; c < map_cpus(map); c++)
		fill(v + c * WORDS, key, stamp);
	e = map_update(map, &key, v, MAP_ANY);
	MUST(e == E_OK || (e == E_LIMIT && key >= STABLE));
}

static bool hash_right(uint32_t key, const uint64_t *v)
{
	for (uint32_t c = 0; c < map_cpus(map); c++)
		if (v[c * WORDS] != key || !whole(v + c * WORDS))
			return false;
	return true;
}

static bool percpu(void)
{
	return kind == PROG_MAP_PERCPU_HASH || kind == PROG_MAP_LRU_PERCPU_HASH;
}

static bool lru(void)
{
	return kind == PROG_MAP_LRU_HASH || kind == PROG_MAP_LRU_PERCPU_HASH;
}

static void hash_begin(void)
{
	map = make(4, 8 * WORDS, MAX, percpu() ? 2 : 1);
	for (uint32_t key = 0; key < STABLE; key++)
		hash_put(key, key);
}

/* A walk sees each stable key once, whatever happens. */
static void hash_walk(void)
{
	static _Thread_local uint32_t keys[KEYS];
	static _Thread_local uint64_t values[KEYS * 2 * WORDS];
	struct map_cursor c = { 0 };
	unsigned stable = 0;
	bool end = false;
	uint32_t n;

	while (!end) {
		MUST(map_batch(map, &c, keys, values, 100, &n, &end) == E_OK);
		for (uint32_t i = 0; i < n; i++) {
			MUST(hash_right(keys[i], values + (size_t)i * map_cpus(map) * WORDS));
			stable += keys[i] < STABLE;
		}
	}
	MUST(lru() || stable == STABLE);
}

static void hash_work(unsigned id, uint64_t *s)
{
	uint32_t key = STABLE + (uint32_t)(rnd(s) % (KEYS - STABLE)), stable = (uint32_t)(rnd(s) % STABLE);
	uint64_t v[2 * WORDS];
	_Atomic uint64_t *p;
	enum err e;

	if (id % 2) {
		if (rnd(s) % 2)
			hash_put(key, rnd(s));
		else if (rnd(s) % 2)
			(void)!map_prog_delete(map, &key);
		else if (map_take(map, &key, v) == E_OK)
			MUST(hash_right(key, v));
		if (rnd(s) % 16 == 0)
			hash_put(stable, rnd(s));
		return;
	}
	p = map_lookup_cpu(map, &stable, 0);
	MUST(lru() || p);
	MUST(lru() || atomic_load_explicit(p, memory_order_relaxed) == stable);
	e = map_read(map, &stable, v);
	MUST(e == E_OK ? hash_right(stable, v) : lru());
	if (map_read(map, &key, v) == E_OK)
		MUST(hash_right(key, v));
	if (rnd(s) % 256 == 0)
		hash_walk();
}

/* All slots are there again: none was lost, none is in two places. */
static void hash_end(void)
{
	uint64_t v[2 * WORDS] = { 0 };
	uint32_t n = 0;

	hash_walk();
	for (uint32_t key = 0; key < KEYS; key++)
		n += map_delete(map, &key) == E_OK;
	MUST(n <= MAX && map_count(map) == 0);
	for (uint32_t key = 0; key < MAX; key++)
		MUST(map_update(map, &key, v, MAP_NOEXIST) == E_OK);
	MUST(map_count(map) == MAX);
	MUST(map_update(map, &(uint32_t){ MAX }, v, MAP_ANY) == (lru() ? E_OK : E_LIMIT));
	MUST(map_count(map) == MAX);
}

/* ---- a hash of few slots, which change hands all the time: none may be lost or given out twice ---- */

enum { FEW = 3 };

static void churn_begin(void)
{
	map = make(4, 8 * WORDS, FEW, 1);
}

static void churn_work(unsigned id, uint64_t *s)
{
	uint32_t key = (uint32_t)(rnd(s) % 64) * N_THREADS + id; /* nobody else's */
	uint64_t v[WORDS];

	fill(v, key, rnd(s));
	if (map_prog_update(map, &key, v, MAP_NOEXIST, 0) != E_OK)
		return;
	MUST(map_read(map, &key, v) == E_OK && whole(v) && v[0] == key);
	MUST(map_prog_delete(map, &key) == E_OK);
}

static void churn_end(void)
{
	uint64_t v[WORDS] = { 0 };

	MUST(!map_count(map));
	for (uint32_t key = 0; key < FEW; key++)
		MUST(map_update(map, &key, v, MAP_NOEXIST) == E_OK);
	MUST(map_update(map, &(uint32_t){ FEW }, v, MAP_NOEXIST) == E_LIMIT);
}

/* ---- LPM trie: addresses 10.0.0.x stay; shorter and longer prefixes around them come and go ---- */

struct net {
	uint32_t bits;
	uint8_t addr[4];
};

static void lpm_put(const struct net *n, uint64_t stamp)
{
	uint64_t v[WORDS];
	enum err e;

	fill(v, n->bits, stamp);
	e = map_prog_update(map, n, v, MAP_ANY, 0);
	MUST(e == E_OK || e == E_LIMIT);
}

static void lpm_begin(void)
{
	map = make(sizeof(struct net), 8 * WORDS, MAX, 1);
	for (unsigned i = 0; i < STABLE; i++)
		lpm_put(&(struct net){ 32, { 10, 0, 0, (uint8_t)i } }, i);
}

static void lpm_walk(void)
{
	struct net nets[100];
	uint64_t v[100][WORDS];
	struct map_cursor c = { 0 };
	unsigned stable = 0;
	bool end = false;
	uint32_t n;

	while (!end) {
		MUST(map_batch(map, &c, nets, v, 100, &n, &end) == E_OK);
		for (uint32_t i = 0; i < n; i++) {
			MUST(whole(v[i]) && v[i][0] == nets[i].bits);
			stable += nets[i].bits == 32 && nets[i].addr[0] == 10 && !nets[i].addr[1] && !nets[i].addr[2] &&
				  nets[i].addr[3] < STABLE;
		}
	}
	MUST(stable == STABLE);
}

static void lpm_work(unsigned id, uint64_t *s)
{
	uint64_t r = rnd(s);
	struct net n = { 8 + (uint32_t)(r % 24),
			 { 10, (uint8_t)(r >> 8 & 3), (uint8_t)(r >> 16 & 3), (uint8_t)(r >> 24) } };
	struct net stable = { 32, { 10, 0, 0, (uint8_t)(rnd(s) % STABLE) } };
	uint64_t v[WORDS];

	if (id % 2) {
		if (rnd(s) % 2)
			lpm_put(&n, rnd(s));
		else
			(void)!map_prog_delete(map, &n);
		return;
	}
	MUST(map_lookup_cpu(map, &stable, 0));
	MUST(map_read(map, &stable, v) == E_OK && whole(v) && v[0] == 32 && v[1] == stable.addr[3]);
	if (rnd(s) % 256 == 0)
		lpm_walk();
}

static void lpm_end(void)
{
	struct map_cursor c = { 0 };
	struct net nets[MAX];
	uint64_t v[WORDS] = { 0 };
	uint32_t n;
	bool end;

	lpm_walk();
	MUST(map_batch(map, &c, nets, NULL, MAX, &n, &end) == E_OK && end && n == map_count(map));
	for (uint32_t i = 0; i < n; i++)
		MUST(map_delete(map, &nets[i]) == E_OK);
	MUST(!map_count(map));
	for (uint32_t i = 0; i < MAX; i++) /* as many forks as can be */
		MUST(map_update(map, &(struct net){ 32, { (uint8_t)(i * 37), (uint8_t)(i >> 8), 0, (uint8_t)i } }, v,
				MAP_NOEXIST) == E_OK);
}

/* ---- queue, stack: {who, count}; what went in comes out once, of a queue in order ---- */

static _Atomic uint64_t pushed, popped;

static void queue_begin(void)
{
	atomic_store(&pushed, 0);
	atomic_store(&popped, 0);
	map = make(0, 8 * WORDS, 16, 1);
}

static void queue_work(unsigned id, uint64_t *s)
{
	static _Thread_local uint64_t count, last[N_THREADS];
	uint64_t v[WORDS];

	(void)s;
	if (id % 2) {
		fill(v, id, count + 1);
		if (map_prog_push(map, v, MAP_ANY) == E_OK) {
			count++;
			atomic_fetch_add(&pushed, 1);
		}
		return;
	}
	if (map_prog_peek(map, v) == E_OK)
		MUST(whole(v) && v[0] < N_THREADS);
	if (map_prog_pop(map, v) != E_OK)
		return;
	MUST(whole(v) && v[0] < N_THREADS);
	MUST(kind == PROG_MAP_STACK || v[1] > last[v[0]]);
	last[v[0]] = v[1];
	atomic_fetch_add(&popped, 1);
}

static void queue_end(void)
{
	MUST(atomic_load(&pushed) - atomic_load(&popped) == map_count(map));
}

/* ---- bloom filter: what one thread pushed, the others find ---- */

static _Atomic uint64_t in_bloom;

static void bloom_begin(void)
{
	atomic_store(&in_bloom, 0);
	map = make(0, 8, 1 << 20, 1);
}

static void bloom_work(unsigned id, uint64_t *s)
{
	uint64_t n = atomic_load(&in_bloom), v;

	if (id == 1 && n < 1 << 20) {
		MUST(map_prog_push(map, &n, MAP_ANY) == E_OK);
		atomic_store(&in_bloom, n + 1);
	} else if (n) {
		v = rnd(s) % n;
		MUST(map_prog_peek(map, &v) == E_OK);
	}
}

/* ---- rings: thread 0 consumes; records are {who, count, bytes of who}; some are discarded ---- */

static _Atomic uint64_t sent, got, notified;
static uint64_t last_of[N_THREADS];

static void ring_notified(struct map *m, void *arg)
{
	(void)m;
	(void)arg;
	atomic_fetch_add(&notified, 1);
}

static void ring_begin(void)
{
	struct prog_map def = { .name = "m", .kind = kind, .max_entries = 4096 };

	atomic_store(&sent, 0);
	atomic_store(&got, 0);
	atomic_store(&notified, 0);
	memset(last_of, 0, sizeof last_of);
	MUST(map_new_with(&def, &(struct map_opts){ .notify = ring_notified }, &map, NULL) == E_OK);
}

static void ring_send(unsigned id, uint64_t *s)
{
	static _Thread_local uint64_t count;
	uint64_t bytes = 16 + rnd(s) % 600;
	uint8_t *p = map_ring_reserve(map, bytes);

	if (!p)
		return;
	memset(p, (int)id, bytes);
	if (rnd(s) % 8 == 0) {
		map_ring_discard(map, p, 0);
		return;
	}
	count++;
	memcpy(p + 8, &count, 8);
	atomic_fetch_add(&sent, 1);
	map_ring_submit(map, p, 0);
}

static bool ring_record(void *arg, const uint8_t *p, uint32_t bytes)
{
	uint64_t count;

	(void)arg;
	MUST(bytes >= 16 && bytes < 616 && p[0] < N_THREADS);
	memcpy(&count, p + 8, 8);
	MUST(count == last_of[p[0]] + 1);
	last_of[p[0]] = count;
	for (uint32_t i = 16; i < bytes; i++)
		MUST(p[i] == p[0]);
	atomic_fetch_add(&got, 1);
	return true;
}

static void ring_take(void)
{
	struct view v;

	while (map_ring_next(map, &v)) {
		(void)ring_record(NULL, v.p, (uint32_t)v.len);
		map_ring_done(map);
	}
}

static void ring_work(unsigned id, uint64_t *s)
{
	if (id)
		ring_send(id, s);
	else
		ring_take();
}

static void ring_end(void)
{
	ring_take();
	MUST(atomic_load(&sent) == atomic_load(&got));
	MUST(map_ring_query(map, MAP_RING_AVAIL) == 0);
	MUST(atomic_load(&notified) > 0);
}

/* Two threads drain; one at a time. */
static void user_ring_work(unsigned id, uint64_t *s)
{
	uint32_t n = 0;
	enum err e;

	if (id >= 2) {
		ring_send(id, s);
		return;
	}
	e = map_drain(map, ring_record, NULL, 0, &n);
	MUST(e == E_OK || e == E_EXISTS);
}

static void user_ring_end(void)
{
	uint32_t n;

	MUST(map_drain(map, ring_record, NULL, 0, &n) == E_OK);
	MUST(atomic_load(&sent) == atomic_load(&got));
}

/* ---- maps of maps: thread 0 is the host, which replaces; others are programs. runs: held while a program runs ---- */

static pthread_rwlock_t runs = PTHREAD_RWLOCK_INITIALIZER;
static const struct prog_map inner_def = {
	.name = "i", .kind = PROG_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 4
};

static void outer_begin(void)
{
	struct prog_map def = {
		.name = "m", .kind = kind, .key_size = 4, .value_size = 4, .max_entries = 4, .inner = &inner_def
	};

	MUST(map_new(&def, &map, NULL) == E_OK);
}

static void outer_host(uint64_t *s)
{
	uint32_t key = (uint32_t)(rnd(s) % 4), seven = 7;
	struct map *m;
	enum err e;

	if (rnd(s) % 8 == 0) {
		e = map_set_inner(map, &key, NULL, NULL);
		MUST(e == E_OK || e == E_NOT_FOUND);
		return;
	}
	MUST(map_new(&inner_def, &m, NULL) == E_OK);
	MUST(map_update(m, &seven, &(uint64_t){ 7 }, MAP_ANY) == E_OK);
	e = map_set_inner(map, &key, m, NULL);
	map_free(m);
	if (e == E_LIMIT) { /* 12 wait: no program may run for a moment */
		pthread_rwlock_wrlock(&runs);
		map_quiesce(map);
		pthread_rwlock_unlock(&runs);
	} else {
		MUST(e == E_OK);
	}
}

static void outer_work(unsigned id, uint64_t *s)
{
	uint32_t key = (uint32_t)(rnd(s) % 4), seven = 7, ref;
	_Atomic uint64_t *p;
	struct map *m;

	if (!id) {
		outer_host(s);
		return;
	}
	pthread_rwlock_rdlock(&runs);
	ref = map_inner_lookup(map, &key);
	if (ref) {
		m = map_inner_at(map, ref);
		MUST(m);
		for (unsigned i = 0; i < 20; i++) {
			MUST(map_inner_at(map, ref) == m);
			p = map_lookup_cpu(m, &seven, 0);
			MUST(p && atomic_load_explicit(p, memory_order_relaxed) == 7);
			MUST(map_inner_holding(map, (uint64_t)(uintptr_t)p, 8) == m);
		}
	}
	pthread_rwlock_unlock(&runs);
}

/* ---- running ---- */

static const struct scenario {
	uint32_t kind;
	void (*begin)(void);
	void (*work)(unsigned id, uint64_t *seed);
	void (*end)(void); /* or NULL */
} scenarios[] = {
	{ PROG_MAP_ARRAY, array_begin, array_work, NULL },
	{ PROG_MAP_PERCPU_ARRAY, percpu_array_begin, percpu_array_work, NULL },
	{ PROG_MAP_HASH, hash_begin, hash_work, hash_end },
	{ PROG_MAP_PERCPU_HASH, hash_begin, hash_work, hash_end },
	{ PROG_MAP_LRU_HASH, hash_begin, hash_work, hash_end },
	{ PROG_MAP_LRU_PERCPU_HASH, hash_begin, hash_work, hash_end },
	{ PROG_MAP_HASH, churn_begin, churn_work, churn_end },
	{ PROG_MAP_LPM_TRIE, lpm_begin, lpm_work, lpm_end },
	{ PROG_MAP_QUEUE, queue_begin, queue_work, queue_end },
	{ PROG_MAP_STACK, queue_begin, queue_work, queue_end },
	{ PROG_MAP_BLOOM_FILTER, bloom_begin, bloom_work, NULL },
	{ PROG_MAP_RINGBUF, ring_begin, ring_work, ring_end },
	{ PROG_MAP_USER_RINGBUF, ring_begin, user_ring_work, user_ring_end },
	{ PROG_MAP_ARRAY_OF_MAPS, outer_begin, outer_work, NULL },
	{ PROG_MAP_HASH_OF_MAPS, outer_begin, outer_work, NULL },
};
static const struct scenario *now;
static _Atomic uint64_t steps;

static void *thread(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg;
	uint64_t seed = id, n = 0;

	for (; !atomic_load_explicit(&stop, memory_order_relaxed); n++)
		now->work(id, &seed);
	atomic_fetch_add(&steps, n);
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long ms = argc == 2 ? strtoul(argv[1], NULL, 10) : 100;

	for (size_t i = 0; i < countof(scenarios); i++) {
		pthread_t t[N_THREADS];

		now = &scenarios[i];
		kind = now->kind;
		atomic_store(&stop, false);
		atomic_store(&steps, 0);
		now->begin();
		for (unsigned id = 0; id < N_THREADS; id++)
			MUST(!pthread_create(&t[id], NULL, thread, (void *)(uintptr_t)id));
		usleep((useconds_t)ms * 1000);
		atomic_store(&stop, true);
		for (unsigned id = 0; id < N_THREADS; id++)
			pthread_join(t[id], NULL);
		if (now->end)
			now->end();
		map_free(map);
		printf("kind %u: %llu steps\n", kind, (unsigned long long)atomic_load(&steps));
	}
	return 0;
}
