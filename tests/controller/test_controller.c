/* SPDX-License-Identifier: Apache-2.0 */
/* The controller with fleets of simulated hosts in virtual time. */
#include "../test.h"
#include "hosts.h"

#include <sys/wait.h>

static const char *const changed[] = { "New rule" };

static void with_rule(struct world *w)
{
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		struct object_health *h = &w->host[i].h;

		h->n_rules = 1;
		(void)snprintf(h->rule[0].name, sizeof h->rule[0].name, "%s", changed[0]);
	}
}

TEST(controller_takes_a_good_release_through_all_rings)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release r;
	uint32_t highest = 0, n = 0;

	world_init(w, 100, 12, true);
	with_rule(w);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, changed, 1, &r));
	for (; n < 300 && world_release(w, r.id).state != RELEASE_BLESSED; n++) {
		struct release now;

		world_step(w);
		now = world_release(w, r.id);
		CHECK(now.ring <= highest + 1 && now.ring >= highest);
		highest = now.ring;
		if (now.state != RELEASE_RING && now.state != RELEASE_BLESSED) {
			struct gate_result res;
			AUTO_FREE struct gate *g = calloc(1, sizeof *g);

			CHECK_OK(
				controller_gate(w->l, &now, &w->fleet.root.plan, &w->c.gate, w->now_s, g, &res, &w->d));
			test_row = res.text;
			CHECK_EQ(now.state, RELEASE_RING);
		}
	}
	CHECK_EQ(world_release(w, r.id).state, RELEASE_BLESSED);
	/* Seven soaks and ramps at least. */
	CHECK(n >= 7 * 600 / STEP_S);
	world_step(w);
	CHECK_EQ(w->armed, 100);
	CHECK(world_audit(w) >= 8);
	CHECK_OK(ledger_verify(w->l, &w->d));
	world_done(w);
}

static void crash_all(struct world *w, struct host *h)
{
	(void)w;
	if (h->h.phase != HEALTH_PROBATION)
		return;
	memcpy(h->h.strike_digest, h->h.candidate, 32);
	h->h.strike_cause = CAUSE_CRASH;
	h->h.strike_signal = 11;
	h->h.strikes++;
	memset(h->h.candidate, 0, 32);
	h->h.phase = HEALTH_NONE;
}

TEST(controller_never_lets_a_crashing_release_out_of_ring_0)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release r;

	world_init(w, 60, 12, true);
	w->harm = crash_all;
	w->answer = CONTROLLER_DIED;
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &r));
	CHECK(world_until(w, r.id, RELEASE_WITHDRAWN, 60));
	CHECK_EQ(world_release(w, r.id).ring, 0);
	CHECK_EQ(w->armed, 12);
	CHECK_EQ(w->n_revoked, 1);
	CHECK_EQ(world_audit(w), 1);
	/* The same digest does not come back by this way. */
	CHECK_EQ(world_publish(w, 1, "1.1", PLAN_NORMAL, NULL, 0, &r), E_REJECTED);
	world_done(w);
}

/* The first two of ring 0 are bought. */
static void crash_two(struct world *w, struct host *h)
{
	if (h == &w->host[0] || h == &w->host[1])
		crash_all(w, h);
}

TEST(controller_pauses_for_two_bought_hosts_and_revokes_nothing)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release r;
	uint32_t paused = 0;

	world_init(w, 100, 14, true);
	w->harm = crash_two;
	w->answer = CONTROLLER_FINE;
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &r));
	for (uint32_t i = 0; i < 400 && world_release(w, r.id).state != RELEASE_BLESSED; i++) {
		world_step(w);
		paused += world_release(w, r.id).state == RELEASE_PAUSED;
	}
	CHECK_EQ(world_release(w, r.id).state, RELEASE_BLESSED);
	CHECK(paused && w->asked);
	CHECK_EQ(w->n_revoked, 0);
	(void)world_audit(w);
	world_done(w);
}

TEST(f07_without_telemetry_nothing_goes_on)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release r;

	world_init(w, 60, 12, true);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &r));
	for (int i = 0; i < 4; i++)
		world_step(w);
	CHECK_EQ(world_release(w, r.id).state, RELEASE_RING);
	for (uint32_t i = 0; i < w->n_hosts; i++)
		w->host[i].mute = true;
	for (int i = 0; i < 100; i++) {
		world_step(w);
		CHECK_EQ(world_release(w, r.id).ring, 0);
	}
	CHECK_EQ(world_release(w, r.id).state, RELEASE_ABORTED);
	world_done(w);
}

TEST(f07_reports_of_others_are_no_news_of_the_ring)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release r;

	/* Too few to be compared: only that they are not heard of stops it. */
	world_init(w, 60, 6, true);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &r));
	world_step(w);
	for (uint32_t i = 0; i < w->n_ring0; i++)
		w->host[i].mute = true;
	for (int i = 0; i < 60; i++)
		world_step(w);
	CHECK_EQ(world_release(w, r.id).ring, 0);
	CHECK(world_release(w, r.id).state != RELEASE_RING);
	world_done(w);
}

TEST(controller_waits_for_a_person_from_ring_4_on)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct controller person;
	uint32_t signatures = 0, ring = 0;
	struct release r;

	world_init(w, 100, 12, false);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &r));
	person = w->c;
	CHECK_EQ(controller_approve(&person, r.id, "bob", w->now_s, &ring, &w->d), E_REJECTED);
	for (uint32_t i = 0; i < 400 && world_release(w, r.id).state != RELEASE_BLESSED; i++) {
		struct release now = world_release(w, r.id);

		world_step(w);
		if (!(now.state == RELEASE_RING && now.passed && now.ring >= 3))
			continue;
		/* However long it takes, without one it does not go on. */
		for (int k = 0; k < 3; k++)
			world_step(w);
		CHECK_EQ(world_release(w, r.id).ring, now.ring);
		CHECK_EQ(controller_approve(&person, r.id, "bob", w->now_s, &ring, &w->d), E_REJECTED);
		person.keys.approve = &w->fleet.key[K_PROMOTE];
		CHECK_EQ(controller_approve(&person, r.id, "bob", w->now_s, &ring, &w->d), E_REJECTED);
		person.keys.approve = &w->fleet.key[K_APPROVE];
		CHECK_OK(controller_approve(&person, r.id, "bob", w->now_s, &ring, &w->d));
		CHECK_EQ(ring, now.ring + 1);
		signatures++;
		person.keys.approve = NULL;
		world_step(w);
	}
	CHECK_EQ(world_release(w, r.id).state, RELEASE_BLESSED);
	CHECK_EQ(signatures, 4);
	(void)world_audit(w);
	world_done(w);
}

TEST(f25_a_person_with_every_key_opens_no_ring_before_its_gate)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release_step s;
	struct release r;
	uint32_t ring = 0;

	world_init(w, 60, 12, true);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_URGENT, NULL, 0, &r));
	world_step(w);
	CHECK_EQ(world_release(w, r.id).ring, 0);
	/* Ring 0 has just opened: nothing that a person may do opens ring 1. */
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(controller_approve(&w->c, r.id, "eve", w->now_s, &ring, &w->d), E_REJECTED);
		for (uint32_t ev = 0; ev < RELEASE_N_EVENTS; ev++)
			if (ev != RELEASE_EV_HALT && ev != RELEASE_EV_REVERT && ev != RELEASE_EV_PAUSE)
				CHECK_EQ(controller_person(&w->c, r.id, (enum release_event)ev, "eve", w->now_s, &s,
							   &w->d),
					 E_REJECTED);
		world_step(w);
		CHECK_EQ(world_release(w, r.id).ring, 0);
	}
	CHECK_EQ(world_audit(w), 1);
	world_done(w);
}

TEST(f05_every_promotion_in_the_repository_cites_evidence_of_its_own)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release a, b;

	world_init(w, 80, 12, true);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &a));
	CHECK(world_until(w, a.id, RELEASE_BLESSED, 300));
	CHECK_OK(world_publish(w, 2, "2.0", PLAN_URGENT, NULL, 0, &b));
	CHECK(world_until(w, b.id, RELEASE_BLESSED, 300));
	CHECK(world_audit(w) >= 16);
	world_done(w);
}

TEST(controller_goes_back_to_what_was_blessed_before)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct release a, b, to;
	struct release_step s;
	uint32_t n = 0;

	world_init(w, 60, 12, true);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &a));
	CHECK(world_until(w, a.id, RELEASE_BLESSED, 300));
	CHECK_EQ(controller_rollback(&w->c, &a, "ann", w->now_s, &to, &w->d), E_NOT_FOUND);
	CHECK_OK(world_publish(w, 2, "2.0", PLAN_NORMAL, NULL, 0, &b));
	CHECK(world_until(w, b.id, RELEASE_BLESSED, 300));
	CHECK_OK(controller_rollback(&w->c, &b, "ann", w->now_s, &to, &w->d));
	CHECK(!memcmp(to.id, a.id, 16));
	CHECK_OK(controller_person(&w->c, b.id, RELEASE_EV_REVERT, "ann", w->now_s, &s, &w->d));
	/* What is blessed is revoked by two. */
	for (int i = 0; i < 3; i++)
		world_step(w);
	CHECK_EQ(w->n_revoked, 0);
	w->c.keys.revoke[0] = &w->fleet.key[K_REVOKE + 1];
	CHECK_OK(controller_sign_revokes(&w->c, "bob", w->now_s, &n, &w->d));
	CHECK_EQ(n, 1);
	CHECK(world_until(w, b.id, RELEASE_WITHDRAWN, 20));
	CHECK_EQ(w->n_revoked, 1);
	CHECK(!memcmp(w->host[20].h.lkg, a.digest, 32) || !memcmp(w->host[20].h.candidate, a.digest, 32));
	(void)world_audit(w);
	world_done(w);
}

TEST(controller_believes_no_report_that_its_host_did_not_sign)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct controller_report rep;
	struct sign_secret mine;

	world_init(w, 20, 12, true);
	world_step(w);
	hosts_step(w);
	/* Another's key, another's name, an old report, rubbish, and too much of it. */
	mine = w->host[0].key;
	w->host[0].key = w->host[1].key;
	host_report(w, &w->host[0]);
	w->host[0].key = mine;
	w->host[2].h.agent[0] = 3;
	host_report(w, &w->host[2]);
	w->host[2].h.agent[0] = 2;
	w->host[4].h.seq = 0;
	host_report(w, &w->host[4]);
	CHECK_OK(transport_put(w->repo, "health/00112233445566778899aabbccddeeff", view_of("x", 1), false, &w->d));
	w->now_s += STEP_S;
	CHECK_OK(controller_tick(&w->c, w->now_s, &rep, &w->d));
	CHECK_EQ(rep.hosts, 20);
	CHECK_EQ(rep.enrolled, 0);
	CHECK_EQ(rep.refused, 2);
	CHECK_EQ(rep.news, 20 - 3);
	world_done(w);
}

TEST(controller_does_nothing_when_the_clock_went_back)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	struct controller_report rep;

	world_init(w, 20, 12, true);
	world_step(w);
	CHECK_EQ(controller_tick(&w->c, w->now_s - 3600, &rep, &w->d), E_INVALID);
	CHECK_OK(controller_tick(&w->c, w->now_s - 100, &rep, &w->d));
	world_done(w);
}

/* Killed at a step that is chosen by count: the file of the repository and the ledger are all that is left. */
struct killer {
	uint32_t at, n;
};
static struct killer killer;

static void die_at(void *user, const char *what)
{
	(void)user, (void)what;
	if (++killer.n == killer.at)
		_exit(9);
}

/* One tick in a child that dies at step `at`; true: it went through. */
static bool tick_and_die(struct world *w, uint32_t at)
{
	int status;
	pid_t pid;

	ledger_close(w->l);
	w->l = NULL;
	pid = fork();
	if (pid == 0) {
		struct controller_report rep;

		if (ledger_open(w->ledger, true, &w->l, &w->d) != E_OK)
			_exit(1);
		w->c.ledger = w->l;
		w->c.step = die_at;
		killer = (struct killer){ .at = at };
		_exit(controller_tick(&w->c, w->now_s, &rep, &w->d) == E_OK ? 0 : 2);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0);
	CHECK_OK(ledger_open(w->ledger, true, &w->l, &w->d));
	w->c.ledger = w->l;
	return WEXITSTATUS(status) == 0;
}

TEST(controller_killed_at_every_step_goes_on_where_it_was)
{
	AUTO_FREE struct world *w = malloc(sizeof *w);
	uint32_t highest = 0, kills = 0, promotions;
	struct release r;

	world_init(w, 60, 12, true);
	world_step(w);
	CHECK_OK(world_publish(w, 1, "1.0", PLAN_NORMAL, NULL, 0, &r));
	for (uint32_t i = 0; i < 200 && world_release(w, r.id).state != RELEASE_BLESSED; i++) {
		hosts_step(w);
		w->now_s += STEP_S;
		for (uint32_t at = 1; !tick_and_die(w, at); at++) {
			kills++;
			CHECK(at < 100);
		}
		CHECK(world_release(w, r.id).ring <= highest + 1);
		highest = world_release(w, r.id).ring;
	}
	CHECK_EQ(world_release(w, r.id).state, RELEASE_BLESSED);
	CHECK(kills > 200);
	promotions = world_audit(w);
	/* Nothing was done twice: each number was taken for a file that is there. */
	{
		uint64_t last = 0;

		CHECK_OK(ledger_last(w->l, "promotion/1", &last, &w->d));
		CHECK_EQ(last, promotions);
	}
	CHECK_OK(ledger_verify(w->l, &w->d));
	world_done(w);
}
