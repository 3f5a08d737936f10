/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the program, the memory and the moment: one verdict, or that there is none; never a broken invariant, never
 * another verdict the second time.
 */
#include "test.h"

#include <stdlib.h>

#include "made.h"

enum { BYTES = 8192, PROGRAMS = 20000, SAMPLE = 300, ROOM_STEP = 4096, ROOM_MAX = 32 << 20 };

struct bed {
	struct made_kit kit;
	struct arena a;
	struct made m;
	size_t len;
	uint8_t bytes[BYTES];
};

static struct bed *bed_new(void)
{
	struct bed *b = calloc(1, sizeof *b);

	assert(b && "memory for one test");
	CHECK(made_kit_init(&b->kit));
	arena_init(&b->a, 4 << 20);
	return b;
}

static void bed_free(struct bed *b)
{
	arena_done(&b->a);
	made_kit_done(&b->kit);
	free(b);
}

/* A new program, changed as often as the seed says. False: the changes spoilt it. */
static bool bed_make(struct bed *b, uint64_t seed)
{
	b->len = made_fresh(b->bytes, BYTES, &b->kit, seed * 0x9e3779b97f4a7c15);
	for (uint64_t i = 0; i < seed % 4; i++)
		b->len = made_mutate(b->bytes, b->len, BYTES, &b->kit, seed * 31 + i);
	arena_done(&b->a);
	return made_from(view_of(b->bytes, b->len), &b->kit, &b->a, &b->m);
}

TEST(random_programs_get_the_same_verdict_twice_and_never_a_broken_invariant)
{
	struct bed *b = bed_new();
	uint32_t wrong = 0, judged = 0;

	for (uint32_t seed = 0; seed < PROGRAMS; seed++) {
		const char *what;

		if (!bed_make(b, seed))
			continue;
		judged++;
		what = made_judge(&b->m);
		if (!what)
			continue;
		wrong++;
		print_error("program %u: %s\n", seed, what);
	}
	CHECK_EQ(wrong, 0);
	CHECK(judged > PROGRAMS / 2);
	bed_free(b);
}

struct verdict {
	enum err err;
	uint32_t id;
	uint64_t steps;
};

static struct verdict judge(const struct made *m, size_t room, struct kverify_opts o)
{
	struct kverify_stats stats;
	struct verdict v;
	struct arena a;
	struct diag d;

	arena_init(&a, room);
	diag_init(&d);
	v.err = kverify_prog(&m->prog, &o, &a, &stats, &d);
	v.id = d.id;
	v.steps = stats.steps;
	arena_done(&a);
	return v;
}

/* Until it fits, by steps that grow with it; 0: never. */
static size_t find_room(const struct made *m, const struct verdict *full, uint32_t *wrong)
{
	struct verdict v;

	for (size_t room = ROOM_STEP; room <= ROOM_MAX; room += room < 64 * ROOM_STEP ? ROOM_STEP / 4 : room / 16) {
		v = judge(m, room, m->opts);
		if (v.err == full->err && v.id == full->id && v.steps == full->steps)
			return room;
		if (v.err == E_LIMIT)
			continue;
		print_error("with %zu bytes: %s K%u instead of %s K%u\n", room, err_name(v.err), v.id,
			    err_name(full->err), full->id);
		++*wrong;
		return 0;
	}
	return 0;
}

TEST(with_less_memory_than_it_takes_there_is_no_verdict_and_no_other_one)
{
	struct bed *b = bed_new();
	uint32_t wrong = 0, found = 0;

	for (uint32_t seed = 0; seed < SAMPLE; seed++) {
		struct verdict full;

		if (!bed_make(b, seed))
			continue;
		full = judge(&b->m, ROOM_MAX, b->m.opts);
		if (full.err != E_LIMIT)
			found += find_room(&b->m, &full, &wrong) > ROOM_STEP;
	}
	CHECK_EQ(wrong, 0);
	CHECK(found > SAMPLE / 2);
	bed_free(b);
}

struct asked {
	uint32_t n, at;
};

static bool stop_at(void *user)
{
	struct asked *s = user;

	return ++s->n == s->at;
}

/* r0 counts, in a way that takes more steps than are needed to be asked ten times. */
static const uint64_t counting[] = {
	0x00000000000000b7, /* r0 = 0 */
	0x0000000100000007, /* r0 += 1 */
	0x0000c350fffe00a5, /* if r0 < 50000 goto -2 */
	0x00000000000000b7, /* r0 = 0 */
	0x0000000000000095, /* exit */
};

TEST(it_stops_whenever_it_is_asked_to)
{
	struct kverify_opts o = { .kernel = kernel_profile("6.12"),
				  .target = { .prog_type = KPROG_XDP },
				  .cancelled = stop_at };
	struct asked none = { 0 }, some;
	struct made m = { 0 };
	struct arena a;

	arena_init(&a, 1 << 20);
	CHECK_OK(prog_from_code(view_of(counting, sizeof counting), "counting", &a, &m.prog, NULL));
	o.cancel_user = &none;
	CHECK_OK(judge(&m, 512 << 20, o).err);
	CHECK(none.n >= 10);
	for (uint32_t at = 1; at <= none.n; at++) {
		some = (struct asked){ 0, at };
		o.cancel_user = &some;
		CHECK_EQ(judge(&m, 512 << 20, o).err, E_CANCELLED);
		CHECK_EQ(some.n, at);
	}
	arena_done(&a);
}

static void watch(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	uint64_t *sum = user;

	(void)s;
	*sum = *sum * 31 + insn + kverify_step(v);
}

TEST(a_watcher_changes_nothing)
{
	struct bed *b = bed_new();

	for (uint32_t seed = 0; seed < SAMPLE; seed++) {
		uint64_t sums[2] = { 0 };
		struct verdict plain, watched[2];
		struct kverify_watcher w = { .step = watch };
		struct kverify_opts o;

		if (!bed_make(b, seed))
			continue;
		o = b->m.opts;
		plain = judge(&b->m, ROOM_MAX, o);
		o.watcher = &w;
		for (int i = 0; i < 2; i++) {
			w.user = &sums[i];
			watched[i] = judge(&b->m, ROOM_MAX, o);
			CHECK_EQ(watched[i].err, plain.err);
			CHECK_EQ(watched[i].id, plain.id);
			CHECK_EQ(watched[i].steps, plain.steps);
		}
		CHECK_EQ(sums[0], sums[1]);
	}
	bed_free(b);
}
