/* SPDX-License-Identifier: Apache-2.0 */
/* Workers of every kind, as processes: from a capture, in a scratch run, as a shadow beside a live one. */
#include "worker_bed.h"

#include "../ring/fake.h"

#include <time.h>

static const char rules[] = BED_RULE("A", "/a", "WARNING") BED_RULE("B", "/b", "NOTICE");

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A task, then opens of /a, /b and /c in turn, this far apart. */
static int capture_of(uint32_t n_opens, uint64_t apart_ns)
{
	static const char *const paths[] = { "/a", "/b", "/c" };
	struct capture_info info = { .hostname = "elsewhere", .sensor = "test", .users = "", .groups = "" };
	struct capture_writer *cw = NULL;
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct rec *r = calloc(1, sizeof *r);

	CHECK(fd >= 0 && r);
	CHECK_OK(capture_write_open(fd, &info, &cw));
	rec_exec(r, &(struct rec_exec){ .pid = 7, .time_ns = 1000, .comm = "cat", .kind = WIRE_TASK });
	CHECK_OK(capture_write(cw, rec_view(r)));
	for (uint32_t i = 0; i < n_opens; i++) {
		rec_open(r, 7, "cat", paths[i % 3], 0, 3, 1000 + i * apart_ns);
		CHECK_OK(capture_write(cw, rec_view(r)));
	}
	CHECK_OK(capture_write_end(cw));
	capture_write_free(cw);
	free(r);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void start_captured(struct bed *b, int fd, uint32_t per_s, uint32_t throttle)
{
	struct control_packet p;

	bed_spawn(b);
	bed_start(b, CONTROL_CAPTURED, throttle, NULL, 0);
	bed_output(b);
	control_init(&p, CONTROL_CAPTURE);
	p.msg.u.capture.records_per_s = per_s;
	p.fds[p.n_fds++] = fd;
	bed_send(b, &p);
	close(fd);
	bed_load(b, rules, sizeof rules - 1);
}

TEST(a_capture_is_judged_round_after_round)
{
	struct bed b;
	uint64_t rounds;

	start_captured(&b, capture_of(30, 1000), 1000, 0);
	bed_run(&b, false);
	CHECK_EQ(b.ready_rules, 2);
	CHECK(bed_until(&b.page->events, 200)); /* more than 6 rounds */
	CHECK_EQ(bed_stop(&b), 0);
	start_captured(&b, capture_of(30, 1000), 1000, 0);
	bed_run(&b, false);
	CHECK(bed_until(&b.page->events, 95));
	bed_simple(&b, CONTROL_STOP, -1);
	CHECK(bed_wait(&b, CONTROL_FINAL));
	rounds = page_get(&b.page->events) / 30;
	CHECK(page_get(&b.page->rules[0].alerts) >= 10 * rounds);
	CHECK(page_get(&b.page->rules[1].alerts) >= 10 * rounds);
	CHECK_EQ(page_get(&b.page->malformed), 0);
	CHECK_EQ(bed_count(&b, "\"rule\":\"A\""), page_get(&b.page->rules[0].alerts));
	CHECK(bed_count(&b, "by cat") > 0); /* the task at its beginning is known in every round */
	CHECK_EQ(bed_count(&b, "<NA>"), 0);
	CHECK_EQ(bed_end(&b), 0);
}

TEST(a_capture_keeps_its_pace_or_the_one_that_is_asked_for)
{
	uint64_t since, took;
	struct bed b;

	start_captured(&b, capture_of(100, 20000000), 0, 0); /* 50 a second */
	bed_run(&b, false);
	CHECK(bed_until(&b.page->events, 1));
	since = now_ms();
	CHECK(bed_until(&b.page->events, 41));
	took = now_ms() - since;
	CHECK(took >= 700 && took < 5000);
	CHECK_EQ(bed_stop(&b), 0);
	start_captured(&b, capture_of(100, 20000000), 2000, 0);
	bed_run(&b, false);
	since = now_ms();
	CHECK(bed_until(&b.page->events, 1000));
	took = now_ms() - since;
	CHECK(took >= 450 && took < 5000);
	CHECK_EQ(bed_stop(&b), 0);
}

TEST(a_capture_that_is_none_ends_the_worker)
{
	struct bed b;

	start_captured(&b, bed_bytes("no capture at all", 17), 0, 0);
	CHECK(!bed_wait(&b, CONTROL_READY));
	CHECK_EQ(bed_end(&b), 3);
	start_captured(&b, capture_of(0, 0), 0, 0);
	bed_run(&b, false);
	CHECK_EQ(bed_stop(&b), 0);
}

TEST(a_worker_of_a_capture_does_not_start_without_one)
{
	struct bed b;

	bed_spawn(&b);
	bed_start(&b, CONTROL_CAPTURED, 0, NULL, 0);
	bed_load(&b, rules, sizeof rules - 1);
	CHECK(!bed_wait(&b, CONTROL_READY));
	CHECK_EQ(bed_end(&b), 3);
}

TEST(a_mute_and_the_throttle_hold_in_a_worker)
{
	struct control_packet p;
	struct bed b;

	start_captured(&b, capture_of(300, 1000), 0, 20);
	control_init(&p, CONTROL_MUTE);
	p.msg.u.mute = (struct control_mute){ .until_s = UINT64_MAX, .rule = "B", .key = "proc.name", .value = "cat" };
	bed_run(&b, false);
	bed_send(&b, &p);
	CHECK(bed_until(&b.page->muted, 100));
	CHECK(bed_until(&b.page->throttled, 1000));
	bed_simple(&b, CONTROL_STOP, -1);
	CHECK(bed_wait(&b, CONTROL_FINAL));
	CHECK(bed_count(&b, "\"rule\":\"A\"") < 40);
	CHECK_EQ(bed_count(&b, "is throttled: more than 20 alerts a minute"), bed_count(&b, "rule throttled"));
	CHECK(page_get(&b.page->rules[0].throttled) >= 900);
	CHECK_EQ(bed_end(&b), 0);
}

TEST(a_scratch_run_loads_answers_and_ends)
{
	struct flight f;
	struct bed b;

	bed_spawn(&b);
	bed_start(&b, CONTROL_SCRATCH, 0, NULL, 0);
	bed_load(&b, rules, sizeof rules - 1);
	CHECK(bed_wait(&b, CONTROL_TESTED));
	CHECK_EQ(b.last.u.tested.n_failed, 0);
	CHECK(b.last.u.tested.digest[0] || b.last.u.tested.digest[1]);
	CHECK_OK(flight_read(b.flight_fd, &f));
	CHECK_EQ(f.phase, FLIGHT_DRAINING);
	CHECK_EQ(bed_end(&b), 0);
	bed_spawn(&b);
	bed_start(&b, CONTROL_SCRATCH, 0, NULL, 0);
	bed_load(&b, "- rule: x\n", 10);
	CHECK(bed_wait(&b, CONTROL_FAILED));
	CHECK_EQ(b.last.u.failed.exit_code, 1);
	CHECK_EQ(bed_end(&b), 1);
}

/* Rings by hand, and what belongs to them. */
struct rings {
	struct fake ring[WIRE_N_RINGS];
	int stats, fds[3], for_reading[3];
};

static void rings_open(struct rings *r)
{
	struct wire_stats none = { 0 };
	char path[32];

	for (int i = 0; i < WIRE_N_RINGS; i++) {
		fake_open(&r->ring[i], 0);
		r->fds[i] = r->ring[i].fd;
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", r->fds[i]);
		r->for_reading[i] = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(r->for_reading[i] >= 0);
	}
	r->stats = bed_bytes(&none, sizeof none);
	CHECK_EQ(ftruncate(r->stats, 4096), 0);
	r->fds[2] = r->for_reading[2] = r->stats;
}

static void rings_close(struct rings *r)
{
	for (int i = 0; i < WIRE_N_RINGS; i++) {
		fake_close(&r->ring[i]);
		close(r->for_reading[i]);
	}
	close(r->stats);
}

/* As the kernel: only where there is room. False: there is none now. */
static bool emit(struct rings *r, const struct rec *rec)
{
	struct fake *f = &r->ring[WIRE_RING_BULK];
	uint32_t len = rec->hdr.bytes;
	uint64_t at = f->pos, end = at + ((HDR + len + 7) & ~7u);

	if (end - __atomic_load_n((uint64_t *)(void *)f->p, __ATOMIC_ACQUIRE) > DATA - 1)
		return false;
	put_at(f, at, &len, sizeof len);
	put_at(f, at + HDR, rec->bytes, len);
	f->pos = end;
	__atomic_store_n((uint64_t *)(void *)(f->p + PAGE), end, __ATOMIC_RELEASE);
	return true;
}

static void emit_opens(struct rings *r, uint32_t n, uint64_t begin_ns)
{
	static const char *const paths[] = { "/a", "/b", "/c", "/d" };
	struct rec *rec = calloc(1, sizeof *rec);

	CHECK(rec);
	for (uint32_t i = 0; i < n; i++) {
		rec_open(rec, 7, "cat", paths[i % 4], 0, 3, begin_ns + i);
		while (!emit(r, rec))
			usleep(100);
	}
	free(rec);
}

TEST(a_shadow_sees_what_the_live_worker_sees_and_writes_nothing)
{
	static const char other[] = BED_RULE("A", "/a", "WARNING") BED_RULE("D", "/d", "NOTICE");
	struct bed live, shadow;
	struct rings r;

	rings_open(&r);
	bed_spawn(&live);
	bed_start(&live, 0, 0, r.fds, DATA);
	bed_output(&live);
	bed_load(&live, rules, sizeof rules - 1);
	bed_run(&live, true);
	bed_spawn(&shadow);
	bed_start(&shadow, CONTROL_SHADOW, 0, r.for_reading, DATA);
	bed_load(&shadow, other, sizeof other - 1);
	bed_run(&shadow, true);
	/* few enough at a time for the ring to hold, so that nothing need be skipped */
	for (uint32_t i = 1; i <= 20; i++) {
		emit_opens(&r, 16, i * 1000);
		CHECK(bed_until(&live.page->consumed[WIRE_RING_BULK], i * 16));
		CHECK(bed_until(&shadow.page->consumed[WIRE_RING_BULK], i * 16));
	}
	CHECK(bed_until(&live.page->events, 320) && bed_until(&shadow.page->events, 320));
	CHECK_EQ(page_get(&live.page->alerts), 160);
	CHECK_EQ(page_get(&shadow.page->alerts), 160);
	CHECK_EQ(page_get(&live.page->rules[0].alerts), page_get(&shadow.page->rules[0].alerts));
	CHECK_STR(shadow.page->names[1], "D");
	CHECK_EQ(page_get(&shadow.page->rules[1].alerts), 80);
	CHECK_EQ(page_get(&shadow.page->skips), 0);
	CHECK_EQ(page_get(&shadow.page->malformed), 0);
	CHECK_EQ(bed_count(&live, "\"rule\":\"A\""), 80);
	CHECK_EQ(bed_stop(&shadow), 0);
	/* its end is nothing to the other one */
	emit_opens(&r, 16, 1000000);
	CHECK(bed_until(&live.page->events, 336));
	CHECK_EQ(bed_stop(&live), 0);
	rings_close(&r);
}

TEST(a_shadow_that_is_stopped_for_a_while_counts_what_it_missed_and_holds_nobody_up)
{
	struct bed live, shadow;
	struct rings r;

	rings_open(&r);
	bed_spawn(&live);
	bed_start(&live, 0, 0, r.fds, DATA);
	bed_load(&live, rules, sizeof rules - 1);
	bed_run(&live, true);
	bed_spawn(&shadow);
	bed_start(&shadow, CONTROL_SHADOW, 0, r.for_reading, DATA);
	bed_load(&shadow, rules, sizeof rules - 1);
	bed_run(&shadow, true);
	emit_opens(&r, 8, 1000);
	CHECK(bed_until(&shadow.page->events, 8));
	CHECK_EQ(kill(shadow.pid, SIGSTOP), 0);
	emit_opens(&r, 400, 2000);
	CHECK(bed_until(&live.page->events, 408));
	CHECK_EQ(kill(shadow.pid, SIGCONT), 0);
	emit_opens(&r, 8, 10000);
	CHECK(bed_until(&shadow.page->skips, 1));
	CHECK(bed_until(&shadow.page->events, 9));
	CHECK(page_get(&shadow.page->skipped_bytes) > 0);
	CHECK_EQ(page_get(&shadow.page->malformed), 0);
	CHECK_EQ(bed_stop(&shadow), 0);
	CHECK_EQ(bed_stop(&live), 0);
	rings_close(&r);
}

TEST(a_worker_takes_what_its_kind_has_and_nothing_else)
{
	struct control_packet p;
	struct bed b;

	bed_spawn(&b);
	bed_start(&b, CONTROL_SCRATCH | CONTROL_SHADOW, 0, NULL, 0);
	CHECK(!bed_wait(&b, CONTROL_READY));
	CHECK_EQ(bed_end(&b), 3);
	bed_spawn(&b);
	bed_start(&b, 0, 0, NULL, DATA); /* a live one without rings */
	CHECK(!bed_wait(&b, CONTROL_READY));
	CHECK_EQ(bed_end(&b), 3);
	bed_spawn(&b);
	bed_start(&b, CONTROL_SCRATCH, 0, NULL, 0);
	control_init(&p, CONTROL_CAPTURE);
	p.fds[p.n_fds++] = b.alerts;
	bed_send(&b, &p);
	CHECK(!bed_wait(&b, CONTROL_READY));
	CHECK_EQ(bed_end(&b), 3);
}
