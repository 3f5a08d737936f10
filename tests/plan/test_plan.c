/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "release/plan/plan.h"

static void refused(const struct plan *p, const char *why)
{
	struct diag d;

	test_row = why;
	diag_init(&d);
	CHECK_EQ(plan_check(p, &d), E_INVALID);
	CHECK_HAS(d.text, why);
	test_row = NULL;
}

#define REFUSED(change, why)                  \
	do {                                  \
		struct plan p = plan_default; \
		change;                       \
		refused(&p, why);             \
	} while (0)

TEST(the_default_plan_is_sound)
{
	CHECK_OK(plan_check(&plan_default, NULL));
}

TEST(plans_out_of_bounds_are_refused)
{
	REFUSED(p.ring[0].cutoff = 1, "ring 0 is not larger");
	REFUSED(p.ring[2].cutoff = p.ring[1].cutoff, "ring 2 is not larger");
	REFUSED(p.ring[PLAN_LAST].cutoff = UINT32_MAX - 1, "the last ring is not all hosts");
	REFUSED(p.ring[3].soak_s[PLAN_URGENT] = 0, "ring 3 soaks");
	REFUSED(p.ring[3].soak_s[PLAN_NORMAL] = PLAN_MAX_S + 1, "ring 3 soaks");
	REFUSED(p.ring[3].ramp_s[PLAN_NORMAL] = PLAN_MAX_S + 1, "ring 3 soaks");
	REFUSED(p.ring[5].soak_s[PLAN_URGENT] = p.ring[5].soak_s[PLAN_NORMAL] + 1, "ring 5 is watched longer");
	REFUSED(p.ring0_hosts = 0, "ring 0 of 0");
	REFUSED(p.ring0_hosts = PLAN_RING0_HOSTS + 1, "ring 0 of 201");
	REFUSED(p.shadow_s = 0, "shadow 0 s");
	REFUSED(p.shadow_s = PLAN_MAX_S + 1, "shadow");
	REFUSED(p.shadow_events = 0, "0 events");
	REFUSED(p.probation_s = 0, "probation 0 s");
	REFUSED(p.probation_s = PLAN_MAX_S + 1, "probation");
	REFUSED(p.report_s = 0, "every 0 s");
	REFUSED(p.report_s = 86401, "every 86401 s");
}

TEST(each_bucket_is_in_one_ring_and_rings_hold_their_share)
{
	const struct plan *p = &plan_default;

	CHECK_EQ(plan_ring_of(p, 0), 1);
	CHECK_EQ(plan_ring_of(p, UINT32_MAX), PLAN_LAST);
	for (uint32_t i = 1; i < PLAN_LAST; i++) {
		CHECK_EQ(plan_ring_of(p, p->ring[i].cutoff - 1), i);
		CHECK_EQ(plan_ring_of(p, p->ring[i].cutoff), i + 1);
	}
	/* 0.01 %, 0.1 %, 1 %, 5 %, 20 % of 2^32 */
	CHECK_EQ(p->ring[1].cutoff, 429496);
	CHECK_EQ(p->ring[5].cutoff, 858993459);
}

TEST(a_host_waits_for_the_soaks_of_all_rings_before_its_own)
{
	const struct plan *p = &plan_default;

	CHECK_EQ(plan_dwell_s(p, 0, PLAN_NORMAL), 0);
	CHECK_EQ(plan_dwell_s(p, 1, PLAN_NORMAL), 3600);
	CHECK_EQ(plan_dwell_s(p, PLAN_LAST, PLAN_NORMAL), 26 * 3600);
	CHECK_EQ(plan_dwell_s(p, PLAN_LAST, PLAN_URGENT), (20 + 20 + 30 + 30 + 40 + 40) * 60);
	/* out of range: all there are, never past the array */
	CHECK_EQ(plan_dwell_s(p, UINT32_MAX, PLAN_NORMAL), 50 * 3600);
}

TEST(buckets_are_even_and_differ_by_release)
{
	enum { HOSTS = 20000 };
	uint8_t salt[16] = { 1 }, other[16] = { 2 }, id[16] = { 0 };
	uint32_t n[10] = { 0 }, same = 0;

	for (uint32_t i = 0; i < HOSTS; i++) {
		uint32_t bucket;

		memcpy(id, &i, sizeof i);
		bucket = plan_bucket(salt, id);
		n[(uint64_t)bucket * 10 >> 32]++;
		same += bucket >> 28 == plan_bucket(other, id) >> 28;
		CHECK_EQ(plan_bucket(salt, id), bucket);
	}
	for (uint32_t i = 0; i < 10; i++)
		CHECK(n[i] > HOSTS / 10 - 250 && n[i] < HOSTS / 10 + 250);
	CHECK(same > HOSTS / 16 - 250 && same < HOSTS / 16 + 250);
}
