/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F4: what is checked is what runs. `bundle check` and a host's scratch worker give the same verdict on good bundles,
 * on bundles that lie, and on damaged ones; and a bundle that is for other engines is refused by both.
 */
#include <fcntl.h>
#include <unistd.h>

#include "../agent/judge_bed.h"
#include "mode_bundle.h"

static uint64_t seed = 4;

static uint32_t rnd(uint32_t below)
{
	seed += 0x9e3779b97f4a7c15ull;
	return (uint32_t)(hash_u64(seed) % below);
}

/* What a scratch worker does with it (worker.c), in this process. */
static bool worker_takes(struct bed *b, struct view bytes)
{
	struct worker_file f = { .name = "b", .text = (char *)(uintptr_t)bytes.p, .len = bytes.len };
	struct content_set *set = NULL;
	struct vector_result r;
	struct diag d;
	bool takes;

	b->w.start.flags = CONTROL_BUNDLES;
	if (worker_load(&b->w, &f, 1, &set))
		return false;
	diag_init(&d);
	takes = worker_vectors(set, NULL, NULL, &r, &d) == E_OK;
	content_set_free(set);
	return takes;
}

struct seen {
	uint32_t good, unread, unloaded, failed;
	uint32_t differ; /* checked when messages can be seen again */
};

static void same_verdict(struct bed *bed, const struct buf *file, struct seen *seen)
{
	const struct bundle_host h = bundle_this_host();
	struct view v = view_of(file->p, file->len);
	struct diag d;
	enum err err = mode_check(v, &h, &d);

	seen->differ += worker_takes(bed, v) != (err == E_OK);
	seen->good += err == E_OK;
	seen->failed += d.family == 'W';
	seen->unread += d.family == 'B' && d.id < 40;
	seen->unloaded += err != E_OK && (d.family != 'W' && (d.family != 'B' || d.id >= 40));
}

/* The sections of two good bundles in every mixture, all digests right. */
static void mixtures(struct bed *bed, const struct buf *one, const struct buf *two, struct seen *seen)
{
	for (uint32_t mix = 0; mix < 16; mix++) {
		struct bundle_split s, o;
		struct buf file;

		bundle_split_init(&s, one);
		bundle_split_init(&o, two);
		for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++)
			if (mix >> i & 1) {
				struct buf t = s.part[i];

				s.part[i] = o.part[i];
				o.part[i] = t;
			}
		bundle_split_join(&s, &file);
		same_verdict(bed, &file, seen);
		buf_done(&file);
		bundle_split_done(&s);
		bundle_split_done(&o);
	}
}

static void damaged(struct bed *bed, const struct buf *good, struct seen *seen)
{
	for (uint32_t i = 0; i < 400; i++) {
		struct bundle_split s;
		struct buf file, *p;

		bundle_split_init(&s, good);
		p = &s.part[i % BUNDLE_N_SECTIONS];
		for (uint32_t n = 1 + rnd(3); n && p->len; n--)
			p->p[rnd((uint32_t)p->len)] ^= (char)(1 << rnd(8));
		if (i % 10 == 9)
			p->len -= rnd(2);
		bundle_split_join(&s, &file);
		if (i % 20 == 19)
			file.len -= rnd(100);
		same_verdict(bed, &file, seen);
		buf_done(&file);
		bundle_split_done(&s);
	}
}

TEST(f04_a_worker_takes_what_bundle_check_takes_and_nothing_else)
{
	struct bed *bed = bed_new(BED_RULE("Any", "/a", "WARNING"), 0);
	struct seen seen = { 0 };
	struct buf one, two;
	int err_fd = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	mode_bundle(mode_rules, 0, BUNDLE_ANY_ENGINE, &one);
	mode_bundle(mode_other, 0, BUNDLE_ANY_ENGINE, &two);
	(void)dup2(null, STDERR_FILENO); /* what the worker says of each */
	mixtures(bed, &one, &two, &seen);
	damaged(bed, &one, &seen);
	(void)dup2(err_fd, STDERR_FILENO);
	close(err_fd);
	close(null);
	CHECK_EQ(seen.differ, 0);
	CHECK(seen.good > 10);
	CHECK(seen.unread > 10);
	CHECK(seen.unloaded > 10);
	CHECK(seen.failed > 5);
	buf_done(&one);
	buf_done(&two);
	bed_free(bed);
}

/* Engines of several levels that are in the field at once. */
TEST(f04_a_bundle_runs_on_the_engines_that_it_is_for_and_on_no_other)
{
	enum { NEWEST = ABI_LEVEL + 3 };

	for (uint32_t min = 1; min <= NEWEST; min++)
		for (uint32_t max = min; max <= NEWEST; max++) {
			struct buf file;

			mode_bundle(mode_rules, min, max, &file);
			for (uint32_t level = 1; level <= NEWEST; level++)
				for (uint32_t oldest = 1; oldest <= level; oldest++) {
					struct bundle_host h = bundle_this_host();
					bool fits = min <= level && level <= max && min >= oldest;
					struct diag d;

					h.level = level;
					h.level_oldest = oldest;
					CHECK_EQ(mode_check(view_of(file.p, file.len), &h, &d),
						 fits ? E_OK : E_UNSUPPORTED);
				}
			buf_done(&file);
		}
}
