/* SPDX-License-Identifier: Apache-2.0 */
/* A rule that alerts without end, and mutes: what is not written is counted, and judging goes on. */
#include "judge_bed.h"

#define S 1000000000ull

static const char noisy[] = BED_RULE("Noisy", "/a", "WARNING") BED_RULE("Grave", "/b", "CRITICAL");

static const struct content_rule *rule(const struct bed *b, uint32_t i)
{
	return content_rule(b->w.set->contents[0], i);
}

static struct bed *throttled_bed(uint32_t per_minute)
{
	struct bed *b = bed_new(noisy, 0);

	CHECK_OK(worker_throttle_new(&b->w, per_minute));
	return b;
}

static void done(struct bed *b)
{
	worker_throttle_free(&b->w);
	bed_free(b);
}

static bool pass(struct bed *b, const char *cgroup, const char *exe, uint64_t now_ns)
{
	bed_begin(b, "/a");
	bed_set(b, "proc.exepath", exe);
	bed_set(b, "thread.cgroup[]", cgroup);
	return worker_throttle_pass(&b->w, rule(b, 0), &b->e, now_ns);
}

/* F22: a rule that matches every event. */
TEST(f22_a_flood_of_alerts_is_throttled_within_5_s_and_the_file_stops_growing)
{
	struct bed *b = throttled_bed(60);
	uint64_t throttled_at = 0, written = 0, after;

	for (uint64_t now = S; now < 11 * S; now += S / 100) {
		bool passed = pass(b, "memory=/x", "/bin/a", now);

		written += passed;
		if (!passed && !throttled_at)
			throttled_at = now;
	}
	CHECK(throttled_at && throttled_at < 5 * S);
	CHECK(written < 60 + 5);
	after = written;
	/* an hour of it: a budget a minute, and a few notes */
	for (uint64_t now = 11 * S; now < 3600 * S; now += S / 20)
		written += pass(b, "memory=/x", "/bin/a", now);
	CHECK(written - after < 60ull * 62);
	CHECK(bed_count(b, "rule throttled") < 2 * 62);
	done(b);
}

TEST(f22_judging_goes_on_and_what_is_held_back_is_counted)
{
	struct bed *b = throttled_bed(10);
	const struct page *p = b->w.page;
	uint64_t written;

	for (int i = 0; i < 5000; i++)
		bed_open(b, "/a");
	CHECK_EQ(page_get(&p->rules[0].alerts), 5000);
	CHECK(page_get(&p->rules[0].evaluated) >= 5000);
	written = bed_count(b, "\"rule\":\"Noisy\"");
	CHECK(written >= 10 && written < 30);
	CHECK_EQ(page_get(&p->throttled), 5000 - written);
	CHECK_EQ(page_get(&p->rules[0].throttled), 5000 - written);
	CHECK_EQ(bed_count(b, "\"rule\":\"Sallyport internal: rule throttled\""), 1);
	CHECK_EQ(bed_count(b, "\"per_minute\":10"), 1);
	done(b);
}

TEST(critical_rules_are_never_throttled)
{
	struct bed *b = throttled_bed(10);

	for (int i = 0; i < 500; i++)
		bed_open(b, "/b");
	CHECK_EQ(bed_count(b, "\"rule\":\"Grave\""), 500);
	CHECK_EQ(page_get(&b->w.page->throttled), 0);
	done(b);
}

TEST(one_noisy_program_does_not_hide_another)
{
	struct bed *b = throttled_bed(10);
	int quiet = 0;

	for (int i = 0; i < 1000; i++)
		(void)pass(b, "memory=/x", "/bin/noisy", S);
	for (int i = 0; i < 5; i++) {
		quiet += pass(b, "memory=/x", "/bin/quiet", S);
		quiet += pass(b, "memory=/y", "/bin/noisy", S);
	}
	CHECK_EQ(quiet, 10);
	CHECK_EQ(bed_count(b, "for /bin/noisy in control group /x"), 1);
	done(b);
}

/* Each of a thousand executables is below its own budget. */
TEST(many_executables_are_no_way_around_the_rules_own_budget)
{
	struct bed *b = throttled_bed(10);
	int written = 0;

	for (int i = 0; i < 3000; i++) {
		char exe[32];

		(void)snprintf(exe, sizeof exe, "/bin/%d", i % 1000);
		written += pass(b, "memory=/x", exe, S + (uint64_t)i * 1000000);
	}
	CHECK(written >= 100 && written < 110);
	CHECK_EQ(bed_count(b, "more than 100 alerts a minute"), 1);
	done(b);
}

TEST(the_end_of_a_throttle_says_how_many_were_held_back)
{
	struct bed *b = throttled_bed(10);
	int first = 0;

	for (int i = 0; i < 110; i++)
		first += pass(b, "memory=/x", "/bin/a", S);
	CHECK_EQ(first, 10);
	worker_throttle_tick(&b->w, 30 * S);
	CHECK_EQ(bed_count(b, "held_back"), 1);
	worker_throttle_tick(&b->w, 62 * S); /* nobody alerts any more: it is said all the same */
	CHECK_EQ(bed_count(b, "throttled no longer: 100 alerts were held back"), 1);
	CHECK_EQ(bed_count(b, "\"held_back\":100"), 1);
	CHECK(pass(b, "memory=/x", "/bin/a", 63 * S));
	done(b);
}

/* More keys than there is room for: the count of a throttle whose place is needed is said, not lost. */
TEST(memory_is_bounded_and_no_count_is_lost)
{
	struct bed *b = throttled_bed(1);
	char exe[32], *text, *at;
	unsigned long long said = 0;
	uint64_t held = 0;

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(exe, sizeof exe, "/bin/%d", i / 2);
		/* the rule's own budget is not in the way: throttles end because their place is needed, or by time */
		held += !pass(b, "memory=/x", exe, S + (uint64_t)i * 7 * S);
		worker_sinks_flush(&b->w);
	}
	worker_throttle_tick(&b->w, 1000000 * S);
	text = bed_text(b);
	for (at = text; (at = strstr(at, "\"held_back\":")); at++)
		said += strtoull(at + 12, NULL, 10);
	free(text);
	CHECK(held > 1000);
	CHECK_EQ(said, held);
	done(b);
}

static struct control_mute mute_of(const char *name, const char *key, const char *value, uint64_t until_s)
{
	struct control_mute m = { .until_s = until_s };

	(void)snprintf(m.rule, sizeof m.rule, "%s", name);
	(void)snprintf(m.key, sizeof m.key, "%s", key);
	(void)snprintf(m.value, sizeof m.value, "%s", value);
	return m;
}

static bool muted(struct bed *b)
{
	bed_begin(b, "/a");
	bed_set(b, "proc.name", "cron");
	bed_set(b, "user.name", "root");
	bed_set(b, "container.id", "host");
	bed_set(b, "thread.cgroup[]", "memory=/system.slice\ndefault=/system.slice");
	return worker_muted(&b->w, "Noisy", &b->e);
}

TEST(a_mute_is_for_its_rule_where_its_field_has_its_value)
{
	static const struct {
		const char *rule, *key, *value;
		bool muted;
	} rows[] = {
		{ "Noisy", "", "", true },
		{ "Nois", "", "", false },
		{ "Grave", "", "", false },
		{ "Noisy", "proc.name", "cron", true },
		{ "Noisy", "proc.name", "cro", false },
		{ "Noisy", "proc.name", "crond", false },
		{ "Noisy", "user.name", "root", true },
		{ "Noisy", "container.id", "host", true },
		{ "Noisy", "cgroup", "/system.slice", true },
		{ "Noisy", "cgroup", "/system", false },
		{ "Noisy", "fd.name", "/a", true },    /* a field of the event's own type */
		{ "Noisy", "proc.exepath", "", true }, /* missing */
		{ "Noisy", "proc.exepath", "/x", false },
		{ "Noisy", "no.such.field", "", false },
	};
	uint64_t now_s = worker_boot_ns() / S;

	for (size_t i = 0; i < countof(rows); i++) {
		struct bed *b = bed_new(noisy, 0);
		struct control_mute m = mute_of(rows[i].rule, rows[i].key, rows[i].value, now_s + 100);

		test_row = rows[i].key;
		worker_mute(&b->w, &m, now_s);
		CHECK_EQ(muted(b), rows[i].muted);
		m.remove = 1;
		worker_mute(&b->w, &m, now_s);
		CHECK(!muted(b));
		CHECK_EQ(b->w.n_mutes, 0);
		bed_free(b);
	}
	test_row = NULL;
}

TEST(a_muted_alert_is_counted_and_not_written)
{
	struct bed *b = bed_new(noisy, 0);
	struct control_mute m = mute_of("Noisy", "", "", worker_boot_ns() / S + 100);

	worker_mute(&b->w, &m, worker_boot_ns() / S);
	for (int i = 0; i < 4; i++)
		bed_open(b, "/a");
	bed_open(b, "/b");
	CHECK_EQ(page_get(&b->w.page->alerts), 5);
	CHECK_EQ(page_get(&b->w.page->muted), 4);
	CHECK_EQ(page_get(&b->w.page->rules[0].muted), 4);
	CHECK_EQ(bed_count(b, "Noisy"), 0);
	CHECK_EQ(bed_count(b, "\"rule\":\"Grave\""), 1);
	bed_free(b);
}

TEST(mutes_expire_and_there_is_a_most)
{
	struct bed *b = bed_new(noisy, 0);
	uint64_t now_s = worker_boot_ns() / S;
	struct control_mute m = mute_of("Noisy", "", "", now_s);

	worker_mute(&b->w, &m, now_s); /* over already */
	CHECK_EQ(b->w.n_mutes, 0);
	for (uint32_t i = 0; i < WORKER_MAX_MUTES + 5; i++) {
		char value[16];

		(void)snprintf(value, sizeof value, "%u", i);
		m = mute_of("Noisy", "proc.name", value, now_s + 10);
		worker_mute(&b->w, &m, now_s);
		worker_mute(&b->w, &m, now_s); /* the same again is the same */
	}
	CHECK_EQ(b->w.n_mutes, WORKER_MAX_MUTES);
	m = mute_of("Noisy", "", "", now_s + 20);
	worker_mute(&b->w, &m, now_s + 10);
	CHECK_EQ(b->w.n_mutes, 1);
	b->w.mutes[0].until_s = now_s;
	CHECK(!muted(b));
	bed_free(b);
}

TEST(what_mutes_and_the_throttle_look_at_is_decoded)
{
	struct bed *b = bed_new(noisy, 0);
	struct control_mute m = mute_of("Noisy", "user.name", "root", worker_boot_ns() / S + 100);
	uint32_t type = TEMPLATE_TYPE_file_open;

	CHECK(worker_wants(&b->w, type, FIELD_proc_name)); /* the rule's own */
	CHECK(!worker_wants(&b->w, type, FIELD_user_name));
	CHECK(!worker_wants(&b->w, type, FIELD_thread_cgroup));
	worker_mute(&b->w, &m, worker_boot_ns() / S);
	CHECK_OK(worker_throttle_new(&b->w, 60));
	CHECK(worker_wants(&b->w, type, FIELD_user_name));
	CHECK(worker_wants(&b->w, type, FIELD_thread_cgroup));
	CHECK(worker_wants(&b->w, type, FIELD_proc_exepath));
	CHECK(!worker_wants(&b->w, type, FIELD_proc_env));
	done(b);
}
