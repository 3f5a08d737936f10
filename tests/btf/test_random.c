/* SPDX-License-Identifier: Apache-2.0 */
/* Random graphs of types: what is read, written by the test and read again, is the same. */
#include "make.h"

enum { ROUNDS = 300, MAX_TYPES = 120 };

static uint32_t pick(uint64_t *seed, uint32_t n)
{
	*seed += 0x9e3779b97f4a7c15;
	return (uint32_t)(hash_u64(*seed) % n);
}

static const char *random_name(uint64_t *seed)
{
	static const char *const names[] = { "", "a", "b", "list", "list___v2", "task", "x___", "___y", "node" };

	return names[pick(seed, countof(names))];
}

/* A type that may stand anywhere: ints come first, then what was made so far, or what will be (a struct). */
static uint32_t random_type(struct make *m, uint64_t *seed)
{
	return pick(seed, m->next_id);
}

static void random_composite(struct make *m, uint64_t *seed)
{
	struct make_member members[6];
	uint32_t n = pick(seed, countof(members)), bits = pick(seed, 2);

	for (uint32_t i = 0; i < n; i++)
		members[i] = (struct make_member){ random_name(seed), bits ? 1 : random_type(m, seed), pick(seed, 900),
						   bits ? pick(seed, 8) + 1 : 0 };
	make_struct(m, pick(seed, 2) ? BTF_STRUCT : BTF_UNION, random_name(seed), 128, members, n);
}

static void random_enum(struct make *m, uint64_t *seed)
{
	struct make_value values[5];
	uint32_t n = pick(seed, countof(values));
	bool wide = pick(seed, 2);

	for (uint32_t i = 0; i < n; i++)
		values[i] = (struct make_value){ random_name(seed), hash_u64(*seed + i) >> (wide ? 0 : 32) };
	make_enum(m, wide ? BTF_ENUM64 : BTF_ENUM, random_name(seed), pick(seed, 2), values, n);
}

static void random_proto(struct make *m, uint64_t *seed)
{
	uint32_t words[8], n = pick(seed, 5);

	for (uint32_t i = 0; i < n; i++) {
		words[2 * i] = make_string(m, random_name(seed));
		words[2 * i + 1] = random_type(m, seed);
	}
	make_type(m, "", BTF_FUNC_PROTO, n, random_type(m, seed), words, 2 * (size_t)n);
}

static void random_one(struct make *m, uint64_t *seed)
{
	static const uint8_t refs[] = { BTF_PTR, BTF_TYPEDEF, BTF_VOLATILE, BTF_CONST, BTF_RESTRICT, BTF_TYPE_TAG };

	switch (pick(seed, 8)) {
	case 0:
		make_int(m, random_name(seed), 1u << pick(seed, 4), pick(seed, 8));
		break;
	case 1:
		random_composite(m, seed);
		break;
	case 2:
		random_enum(m, seed);
		break;
	case 3:
		random_proto(m, seed);
		break;
	case 4:
		make_array(m, random_type(m, seed), hash_u64(*seed) >> 32 & 0xff);
		break;
	case 5:
		make_type(m, random_name(seed), BTF_FWD, pick(seed, 2) ? MAKE_FLAG : 0, 0, NULL, 0);
		break;
	default:
		make_ref(m, refs[pick(seed, countof(refs))], random_name(seed), random_type(m, seed));
		break;
	}
}

static uint32_t rewrite_composite(struct make *m, const struct btf_type *t)
{
	struct make_member *members = calloc(t->n + 1, sizeof *members);
	uint32_t id;

	assert(members);
	for (uint32_t i = 0; i < t->n; i++)
		members[i] = (struct make_member){ t->members[i].name, t->members[i].type, t->members[i].bit_off,
						   t->members[i].bit_size };
	id = make_struct(m, t->kind, t->name, t->size, members, t->n);
	free(members);
	return id;
}

static void rewrite(struct make *m, const struct btf_type *t)
{
	struct make_value values[8];
	uint32_t words[16] = { 0 };

	switch (t->kind) {
	case BTF_INT:
		make_type(m, t->name, BTF_INT, 0, t->size,
			  (uint32_t[]){ (uint32_t)t->int_enc << 24 | (uint32_t)t->int_off << 16 | t->int_bits }, 1);
		return;
	case BTF_STRUCT:
	case BTF_UNION:
		rewrite_composite(m, t);
		return;
	case BTF_ENUM:
	case BTF_ENUM64:
		for (uint32_t i = 0; i < t->n; i++)
			values[i] = (struct make_value){ t->enumerators[i].name, t->enumerators[i].value };
		make_enum(m, t->kind, t->name, t->flag, values, t->n);
		return;
	case BTF_FUNC_PROTO:
		for (uint32_t i = 0; i < t->n; i++) {
			words[2 * i] = make_string(m, t->params[i].name);
			words[2 * i + 1] = t->params[i].type;
		}
		make_type(m, t->name, BTF_FUNC_PROTO, t->n, t->type, words, 2 * (size_t)t->n);
		return;
	case BTF_ARRAY:
		make_type(m, "", BTF_ARRAY, 0, 0, (uint32_t[]){ t->type, t->index_type, t->n }, 3);
		return;
	case BTF_FWD:
		make_type(m, t->name, BTF_FWD, t->flag ? MAKE_FLAG : 0, 0, NULL, 0);
		return;
	default:
		make_ref(m, t->kind, t->name, t->type);
		return;
	}
}

/* Is each type found by its name, and no other by that name before it? */
static void check_index(const struct btf *b)
{
	for (uint32_t id = 1; id < b->n_types; id++) {
		const struct btf_type *t = btf_get(b, id);
		uint32_t first = 1;

		if (!t->name[0] || t->kind == BTF_TYPE_TAG)
			continue;
		while (btf_get(b, first)->kind != t->kind || strcmp(btf_get(b, first)->name, t->name) != 0)
			first++;
		CHECK_EQ(btf_find(b, t->kind, t->name, 0), first);
		CHECK_EQ(btf_find(b, t->kind, t->name, id), id);
	}
}

static void print_all(const struct btf *b, struct buf *out)
{
	buf_init(out, 1 << 20);
	for (uint32_t id = 0; id < b->n_types; id++) {
		uint64_t size = 0;
		bool sized = btf_size(b, id, &size);

		btf_print(b, id, out);
		buf_printf(out, " %d %llu\n", sized, (unsigned long long)size);
	}
}

TEST(random_graphs_are_the_same_after_being_written_and_read_again)
{
	const char *env = getenv("SALLYPORT_TEST_PROGRAMS");
	unsigned long n = env ? strtoul(env, NULL, 10) : ROUNDS, accepted = 0;

	for (uint64_t round = 0; round < n; round++) {
		uint64_t seed = hash_u64(round);
		struct make m, again;
		struct btf x, y;
		struct buf px, py, fx, fy;
		struct arena a;
		struct diag d;

		arena_init(&a, 16 << 20);
		make_init(&m, NULL);
		make_int(&m, "int", 4, 1);
		for (uint32_t k = pick(&seed, MAX_TYPES); k; k--)
			random_one(&m, &seed);
		if (make_read(&m, NULL, &a, &x, &d) == E_OK) {
			accepted++;
			make_init(&again, NULL);
			for (uint32_t id = 1; id < x.n_types; id++)
				rewrite(&again, btf_get(&x, id));
			CHECK_OK(make_read(&again, NULL, &a, &y, &d));
			make_write(&m, &fx);
			make_write(&again, &fy);
			CHECK_EQ(fx.len, fy.len); /* strings may have moved, nothing else */
			print_all(&x, &px);
			print_all(&y, &py);
			CHECK_STR(px.p, py.p);
			check_index(&x);
			buf_done(&px);
			buf_done(&py);
			buf_done(&fx);
			buf_done(&fy);
			make_done(&again);
		}
		make_done(&m);
		arena_done(&a);
	}
	CHECK(accepted > n / 2);
}
