/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of maps: what goes in, and how long it lives. */
#include "test.h"
#include "engine/maps/maps.h"

static const struct prog_map array_def = {
	.name = "inner", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2
};

static struct map *make(const struct prog_map *def)
{
	struct map *m = NULL;

	CHECK_OK(map_new(def, &m, NULL));
	return m;
}

static struct map *outer(uint32_t kind, uint32_t key, const struct prog_map *inner, uint32_t entries)
{
	struct prog_map def = {
		.name = "outer", .kind = kind, .key_size = key, .value_size = 4, .max_entries = entries, .inner = inner
	};

	return make(&def);
}

static struct map *numbered(uint64_t n)
{
	struct map *m = make(&array_def);

	CHECK_OK(map_update(m, &(uint32_t){ 0 }, &n, MAP_ANY));
	return m;
}

/* The map belongs to the outer one alone afterwards. */
static enum err put(struct map *o, uint64_t key, uint64_t n)
{
	struct map *m = numbered(n);
	enum err e = map_set_inner(o, &key, m, NULL);

	map_free(m);
	return e;
}

static uint64_t number_at(const struct map *o, uint32_t ref)
{
	struct map *m = map_inner_at(o, ref);

	CHECK(m);
	return *(uint64_t *)map_lookup(m, &(uint32_t){ 0 });
}

TEST(only_maps_of_the_described_shape_go_in)
{
	static const struct {
		const char *differs;
		struct prog_map def;
	} rows[] = {
		// clang-format off
		{ "kind", { .name = "i", .kind = PROG_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 2 } },
		{ "key size", { .name = "i", .kind = PROG_MAP_HASH, .key_size = 8, .value_size = 8, .max_entries = 2 } },
		{ "value size", { .name = "i", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2 } },
		{ "flags", { .name = "i", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2, .flags = PROG_MAP_RDONLY } },
		{ "number of entries", { .name = "i", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 3 } },
		// clang-format on
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct prog_map shape = array_def;
		struct map *o, *m = make(&rows[i].def);
		struct diag d;

		test_row = rows[i].differs;
		if (i == 1)
			shape.kind = PROG_MAP_HASH;
		o = outer(PROG_MAP_ARRAY_OF_MAPS, 4, &shape, 1);
		diag_init(&d);
		CHECK_EQ(map_set_inner(o, &(uint32_t){ 0 }, m, &d), E_INVALID);
		CHECK_EQ(d.id, 110);
		CHECK_HAS(d.text, rows[i].differs);
		map_free(m);
		map_free(o);
	}
}

TEST(entries_may_differ_where_the_kind_or_the_flag_allows_it)
{
	struct prog_map shape = array_def, def;
	struct map *o, *m;

	shape.flags = PROG_MAP_INNER;
	def = shape;
	def.max_entries = 100;
	o = outer(PROG_MAP_ARRAY_OF_MAPS, 4, &shape, 1);
	m = make(&def);
	CHECK_OK(map_set_inner(o, &(uint32_t){ 0 }, m, NULL));
	map_free(m);
	map_free(o);
	shape.flags = def.flags = 0;
	shape.kind = def.kind = PROG_MAP_HASH;
	o = outer(PROG_MAP_HASH_OF_MAPS, 8, &shape, 1);
	m = make(&def);
	CHECK_OK(map_set_inner(o, &(uint64_t){ 5 }, m, NULL));
	map_free(m);
	map_free(o);
}

static void replaced_map_stays(uint32_t kind, uint32_t key_size)
{
	struct map *o = outer(kind, key_size, &array_def, 4), *m;
	uint64_t key = 1;
	uint32_t first, second;

	CHECK_EQ(map_inner_lookup(o, &key), 0);
	CHECK_OK(put(o, key, 111));
	first = map_inner_lookup(o, &key);
	CHECK_EQ(number_at(o, first), 111);
	m = map_inner_at(o, first);
	CHECK_OK(put(o, key, 222));
	second = map_inner_lookup(o, &key);
	CHECK_EQ(number_at(o, second), 222);
	CHECK(map_inner_at(o, first) == m); /* a program may still hold it */
	CHECK_EQ(number_at(o, first), 111);
	CHECK_OK(map_set_inner(o, &key, NULL, NULL));
	CHECK_EQ(map_inner_lookup(o, &key), 0);
	CHECK_EQ(map_set_inner(o, &key, NULL, NULL), E_NOT_FOUND);
	CHECK_EQ(number_at(o, second), 222);
	map_quiesce(o);
	CHECK(!map_inner_at(o, first));
	CHECK(!map_inner_at(o, second));
	CHECK(!map_lookup(o, &key)); /* a reference is no memory */
	CHECK_EQ(map_update(o, &key, &first, MAP_ANY), E_UNSUPPORTED);
	CHECK_EQ(map_delete(o, &key), E_UNSUPPORTED);
	map_free(o);
}

TEST(a_replaced_map_stays_until_no_program_runs)
{
	replaced_map_stays(PROG_MAP_ARRAY_OF_MAPS, 4);
	replaced_map_stays(PROG_MAP_HASH_OF_MAPS, 8);
	replaced_map_stays(PROG_MAP_HASH_OF_MAPS, 4);
}

TEST(replacing_for_ever_without_quiesce_comes_to_an_end)
{
	struct map *o = outer(PROG_MAP_HASH_OF_MAPS, 8, &array_def, 2);
	unsigned n = 0;

	CHECK_OK(put(o, 1, 0));
	CHECK_OK(put(o, 2, 0));
	CHECK_EQ(put(o, 3, 0), E_LIMIT); /* the outer map is full */
	while (put(o, 1, n) == E_OK)
		n++;
	CHECK_EQ(n, 2 + 8);
	CHECK_EQ(number_at(o, map_inner_lookup(o, &(uint64_t){ 1 })), n - 1);
	map_quiesce(o);
	CHECK_OK(put(o, 1, 99));
	CHECK_EQ(map_count(o), 2);
	map_free(o);
}

TEST(forged_references_name_no_map)
{
	struct map *o = outer(PROG_MAP_ARRAY_OF_MAPS, 4, &array_def, 2);

	CHECK_OK(put(o, 0, 1));
	CHECK(map_inner_at(o, 1));
	CHECK(!map_inner_at(o, 0));
	CHECK(!map_inner_at(o, 2));
	CHECK(!map_inner_at(o, 13));
	CHECK(!map_inner_at(o, UINT32_MAX));
	CHECK_EQ(put(o, 2, 1), E_INVALID); /* an index out of range */
	map_free(o);
}

TEST(an_address_is_found_in_the_inner_map_that_holds_it)
{
	struct map *o = outer(PROG_MAP_ARRAY_OF_MAPS, 4, &array_def, 2), *a = numbered(1), *b = numbered(2);
	uint64_t at;

	CHECK_OK(map_set_inner(o, &(uint32_t){ 0 }, a, NULL));
	CHECK_OK(map_set_inner(o, &(uint32_t){ 1 }, b, NULL));
	at = (uint64_t)(uintptr_t)map_lookup(b, &(uint32_t){ 1 });
	CHECK(map_inner_holding(o, at, 8) == b);
	CHECK(!map_inner_holding(o, at, 9));
	CHECK(!map_inner_holding(o, at - 9, 8));
	CHECK(!map_inner_holding(o, 0, 1));
	CHECK(!map_inner_holding(a, at, 1));
	map_free(a);
	map_free(b);
	CHECK(map_inner_holding(o, at, 8) == b); /* the outer map owns it too */
	map_freeze(o);
	CHECK_EQ(map_set_inner(o, &(uint32_t){ 0 }, NULL, NULL), E_PERM);
	map_free(o);
}

TEST(what_describes_inner_maps_is_copied)
{
	struct prog_map shape = array_def;
	struct map *o = outer(PROG_MAP_ARRAY_OF_MAPS, 4, &shape, 1);

	shape.value_size = 4;
	CHECK_EQ(map_def(o)->inner->value_size, 8);
	CHECK_OK(put(o, 0, 1));
	map_free(o);
}
