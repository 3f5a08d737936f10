/* SPDX-License-Identifier: Apache-2.0 */
/* evidence: goes out and comes back to the bit, gives the verdict again, and nothing else is read. */
#include "test.h"

#include <stdlib.h>

#include "world.h"

static struct gate_evidence made, got;

static void random_evidence(struct rng *r)
{
	struct gate_seen seen = { .host_hours = rng_unit(r) * 1e4 };

	memset(&made, 0, sizeof made);
	world_clean(&made.gate, (uint32_t)(rng_u64(r) % PLAN_RINGS), r);
	for (size_t i = 0; i < sizeof made.digest; i++)
		made.digest[i] = (uint8_t)rng_u64(r);
	made.opts = gate_default;
	made.opts.min_share = rng_unit(r) / 100;
	seen.hosts[rng_u64(r) % GATE_N_STRIKES] = rng_u64(r) % 4 == 0;
	seen.unclean_boots = (uint32_t)(rng_u64(r) % 3);
	gate_observe(&made.gate, &made.opts, &seen, made.gate.updated_s);
	made.gate.arm.silent += rng_u64(r) % 4 == 0 ? made.gate.arm.hosts / 50 : 0;
	made.gate.rule[0].evaluated = rng_u64(r) % 3000;
	made.judged_s = world_end(&made.gate) - 100 + rng_u64(r) % 200;
}

static struct view written(struct buf *b)
{
	buf_init(b, GATE_EVIDENCE_MAX_BYTES);
	CHECK_OK(gate_write_evidence(&made, b, NULL));
	return view_of(b->p, b->len);
}

TEST(what_is_read_gives_the_same_verdict_and_the_same_bytes)
{
	struct rng r = { 5 };
	uint32_t seen[4] = { 0 };

	for (uint32_t i = 0; i < 300; i++) {
		struct gate_result a, b;
		struct buf first, again;
		struct view v;

		random_evidence(&r);
		v = written(&first);
		CHECK_OK(gate_read_evidence(v, &got, NULL));
		gate_judge(&made.gate, &made.opts, &plan_default, made.judged_s, &a);
		gate_judge(&got.gate, &got.opts, &plan_default, got.judged_s, &b);
		CHECK_EQ(memcmp(&a, &b, sizeof a), 0);
		seen[a.verdict]++;
		made = got;
		CHECK_EQ(memcmp(written(&again).p, v.p, v.len), 0);
		CHECK_EQ(again.len, v.len);
		buf_done(&first);
		buf_done(&again);
	}
	for (uint32_t v = 0; v < countof(seen); v++)
		CHECK(seen[v] > 0);
}

TEST(every_truncation_and_every_longer_file_is_refused)
{
	struct rng r = { 6 };
	struct view v;
	struct buf b;

	random_evidence(&r);
	v = written(&b);
	for (size_t n = 0; n < v.len; n += n < 600 ? 1 : 97) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, v.p, n);
		CHECK_EQ(gate_read_evidence(view_of(copy, n), &got, NULL), E_TRUNCATED);
		free(copy);
	}
	buf_putc(&b, 0);
	CHECK_EQ(gate_read_evidence(view_of(b.p, b.len), &got, NULL), E_FORMAT);
	buf_done(&b);
}

/* A flipped bit is refused, or is another value that is written as it was read. */
TEST(there_is_one_way_to_write_it)
{
	struct rng r = { 8 };
	uint32_t refused = 0, rounds = 3000;
	struct buf b;

	random_evidence(&r);
	(void)written(&b);
	for (uint32_t i = 0; i < rounds; i++) {
		size_t at = (size_t)(rng_u64(&r) % b.len);
		uint8_t bit = (uint8_t)(1u << rng_u64(&r) % 8);
		struct gate_result judged;
		struct buf again;
		struct diag d;

		diag_init(&d);
		b.p[at] ^= (char)bit;
		if (gate_read_evidence(view_of(b.p, b.len), &got, &d) != E_OK) {
			CHECK_EQ(d.family, 'G');
			refused++;
		} else {
			gate_judge(&got.gate, &got.opts, &plan_default, got.judged_s, &judged);
			buf_init(&again, GATE_EVIDENCE_MAX_BYTES);
			CHECK_OK(gate_write_evidence(&got, &again, NULL));
			CHECK_EQ(memcmp(again.p, b.p, b.len), 0);
			buf_done(&again);
		}
		b.p[at] ^= (char)bit;
	}
	CHECK(refused > 20);
	buf_done(&b);
}

static void refused_field(void)
{
	struct buf b;
	struct diag d;

	diag_init(&d);
	buf_init(&b, GATE_EVIDENCE_MAX_BYTES);
	CHECK_EQ(gate_write_evidence(&made, &b, &d), E_INVALID);
	CHECK_EQ(d.id, 103);
	CHECK_EQ(b.len, 0);
	buf_done(&b);
}

#define BAD(change)                    \
	do {                           \
		struct rng r_ = { 9 }; \
		random_evidence(&r_);  \
		change;                \
		refused_field();       \
	} while (0)

TEST(what_no_reader_takes_is_not_written)
{
	BAD(made.gate.ring = PLAN_RINGS);
	BAD(made.gate.lane = PLAN_N_LANES);
	BAD(made.gate.arm.n_sample = GATE_SAMPLE + 1);
	BAD(made.gate.n_rules = GATE_MAX_RULES + 1);
	BAD(made.gate.arm.reporting = made.gate.arm.hosts + 1);
	BAD(made.gate.strike[1].drawn = 1);
	BAD(made.gate.cusum_boots = NAN);
	BAD(made.gate.cusum_boots = -1);
	BAD(made.gate.cusum_boots = -0.0);
	BAD(made.gate.control.cpu_ns_per_event[3] = INFINITY);
	BAD(made.gate.rule[0].name[0] = 0);
	BAD(made.gate.rule[0].name[HEALTH_RULE_BYTES - 1] = 'x');
	BAD(made.opts.strikes1 = made.opts.strikes0);
	BAD(made.opts.bound = 0);
	BAD(made.opts.halt_hosts = 0);
}

static enum err checked(uint32_t ring, uint16_t *id)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = gate_check_evidence(&made, &gate_default, &plan_default, made.digest, made.release, ring, &d);
	*id = d.id;
	return err;
}

static void passing(void)
{
	struct rng r = { 3 };

	memset(&made, 0, sizeof made);
	world_clean(&made.gate, 2, &r);
	made.opts = gate_default;
	made.digest[0] = 1;
	made.judged_s = world_end(&made.gate);
}

TEST(f05_no_promotion_without_evidence_for_this_digest)
{
	uint8_t other[OBJECT_DIGEST_BYTES] = { 2 }, release[16] = { 9 };
	uint16_t id;

	passing();
	CHECK_OK(checked(2, &id));
	CHECK_EQ(checked(3, &id), E_REJECTED); /* of an earlier ring */
	CHECK_EQ(id, 120);
	CHECK_EQ(gate_check_evidence(&made, &gate_default, &plan_default, other, made.release, 2, NULL), E_REJECTED);
	CHECK_EQ(gate_check_evidence(&made, &gate_default, &plan_default, made.digest, release, 2, NULL), E_REJECTED);
	/* Judged too early, or of a ring that did not pass. */
	made.judged_s--;
	CHECK_EQ(checked(2, &id), E_REJECTED);
	CHECK_EQ(id, 122);
	passing();
	made.gate.reproduced = true;
	CHECK_EQ(checked(2, &id), E_REJECTED);
}

TEST(laxer_bounds_are_refused_and_stricter_ones_taken)
{
	uint16_t id;

	passing();
	made.opts.bound *= 2;
	CHECK_EQ(checked(2, &id), E_REJECTED);
	CHECK_EQ(id, 121);
	passing();
	made.opts.exposure = 0;
	CHECK_EQ(checked(2, &id), E_REJECTED);
	passing();
	made.opts.strikes0 /= 2;
	CHECK_EQ(checked(2, &id), E_REJECTED);
	passing();
	made.opts.exposure *= 2;
	made.opts.reporting = 0.98;
	CHECK_OK(checked(2, &id));
}
