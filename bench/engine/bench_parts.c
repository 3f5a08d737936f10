/* SPDX-License-Identifier: Apache-2.0 */
/* bench_parts: what one map or helper operation costs, called directly; medians of interleaved rounds, loop included.
 */
#include "bench.h"
#include "engine/helpers/helpers.h"
#include "engine/maps/maps.h"

enum { N_KEYS = 1024, N_STRINGS = 200, OPS = 2048 };

static struct map *hash4, *hash16, *array;
static struct helper_str words[N_STRINGS];
static struct buf set, nets;
static struct helper_value values[N_STRINGS + 1];
static struct helper_env env = { .values = values, .n_values = countof(values) };
static uint64_t sum; /* keeps results alive */

static void each_hash4(uint32_t i)
{
	uint32_t key = i % N_KEYS;

	sum += (uintptr_t)map_lookup(hash4, &key);
}

static void each_hash16(uint32_t i)
{
	uint32_t key[4] = { i % N_KEYS, 0, 0, 1 };

	sum += (uintptr_t)map_lookup(hash16, key);
}

static void each_array(uint32_t i)
{
	uint32_t key = i % N_KEYS;

	sum += (uintptr_t)map_lookup(array, &key);
}

static void ask(uint32_t id, uint64_t handle, const void *mem, size_t bytes)
{
	sum += helper_call(helper_lookup(id), &env,
			   (uint64_t[ABI_MAX_ARGS]){ handle, (uint64_t)(uintptr_t)mem, bytes });
}

static void each_eq(uint32_t i)
{
	ask(ABI_HELPER_str_eq, 1 + i % N_STRINGS, "/usr/bin/tool-42", 16);
}

static void each_in(uint32_t i)
{
	ask(ABI_HELPER_str_in, 1 + i % N_STRINGS, set.p, set.len);
}

static void each_prefix(uint32_t i)
{
	ask(ABI_HELPER_str_startswith_in, 1 + i % N_STRINGS, set.p, set.len);
}

static void each_contains(uint32_t i)
{
	ask(ABI_HELPER_str_contains, 1 + i % N_STRINGS, "ol-4", 4);
}

static void each_icontains(uint32_t i)
{
	ask(ABI_HELPER_str_icontains, 1 + i % N_STRINGS, "OL-4", 4);
}

static void each_glob(uint32_t i)
{
	ask(ABI_HELPER_str_glob, 1 + i % N_STRINGS, "/usr/*/tool-?2", 14);
}

static void each_net(uint32_t i)
{
	(void)i;
	ask(ABI_HELPER_ip_in_net, 1 + N_STRINGS, nets.p, nets.len);
}

static const struct {
	const char *name;
	void (*each)(uint32_t i);
} rows[] = {
	{ "array lookup", each_array },
	{ "hash lookup, 4-byte key", each_hash4 },
	{ "hash lookup, 16-byte key", each_hash16 },
	{ "str_eq", each_eq },
	{ "str_in, 100 strings", each_in },
	{ "str_startswith_in, 100 strings", each_prefix },
	{ "str_contains", each_contains },
	{ "str_icontains", each_icontains },
	{ "str_glob", each_glob },
	{ "ip_in_net, 8 networks", each_net },
};

static struct map *make_map(uint32_t kind, uint32_t key_size)
{
	struct prog_map def = {
		.name = "m", .kind = kind, .key_size = key_size, .value_size = 8, .max_entries = N_KEYS
	};
	struct map *m = NULL;

	if (map_new(&def, &m, NULL) != E_OK)
		exit(1);
	for (uint32_t i = 0; i < N_KEYS; i++) {
		uint32_t key[4] = { i, 0, 0, 1 };

		if (map_update(m, key, &(uint64_t){ i }, MAP_ANY) != E_OK)
			exit(1);
	}
	return m;
}

/* Half of the strings that are asked for are in the set. */
static void make_values(void)
{
	struct helper_net n[8] = { 0 };
	struct helper_str in_set[N_STRINGS / 2];
	static char text[N_STRINGS][24];

	for (uint32_t i = 0; i < N_STRINGS; i++) {
		words[i].p = text[i];
		words[i].len = (uint32_t)snprintf(text[i], sizeof text[i], "/usr/bin/tool-%u", i);
		values[i] = (struct helper_value){ .kind = HELPER_VALUE_STR, .len = words[i].len, .p = words[i].p };
		if (i % 2)
			in_set[i / 2] = words[i];
	}
	values[N_STRINGS] = (struct helper_value){ .kind = HELPER_VALUE_IP, .len = 4, .p = "\x08\x08\x08\x08" };
	for (unsigned i = 0; i < 8; i++)
		n[i] = (struct helper_net){ .addr = { 10, (uint8_t)i }, .addr_len = 4, .prefix = 16 };
	buf_init(&set, 1 << 20);
	buf_init(&nets, 1 << 20);
	helper_pack_nets(n, 8, &nets);
	if (helper_pack_set(in_set, countof(in_set), &set) != E_OK)
		exit(1);
}

void bench_parts(void)
{
	static double ns[countof(rows)][BENCH_ROUNDS];

	hash4 = make_map(PROG_MAP_HASH, 4);
	hash16 = make_map(PROG_MAP_HASH, 16);
	array = make_map(PROG_MAP_ARRAY, 4);
	make_values();
	for (unsigned round = 0; round < BENCH_ROUNDS; round++)
		for (size_t i = 0; i < countof(rows); i++) {
			double start = bench_now_ns();

			for (uint32_t n = 0; n < OPS; n++)
				rows[i].each(n);
			ns[i][round] = (bench_now_ns() - start) / OPS;
		}
	printf("\n%-32s %8s\n", "operation", "ns");
	for (size_t i = 0; i < countof(rows); i++)
		printf("%-32s %8.1f\n", rows[i].name, bench_median(ns[i]));
	map_free(hash4);
	map_free(hash16);
	map_free(array);
	buf_done(&set);
	buf_done(&nets);
}
