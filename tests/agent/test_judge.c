/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker counts of each rule, and what it leaves in the flight recorder, while it judges. */
#include "judge_bed.h"

#include "../runtime/content_make.h"

static const char two[] = BED_RULE("First", "/a", "WARNING") BED_RULE("Second", "/b", "NOTICE");

static uint64_t word(const _Atomic uint64_t *v)
{
	return page_get(v);
}

TEST(each_rule_has_its_own_counters)
{
	struct bed *b = bed_new(two, 0);
	const struct page *p = b->w.page;

	for (int i = 0; i < 5; i++)
		bed_open(b, "/a");
	for (int i = 0; i < 3; i++)
		bed_open(b, "/b");
	for (int i = 0; i < 7; i++)
		bed_open(b, "/c");
	CHECK_EQ(word(&p->events), 15);
	CHECK_EQ(word(&p->alerts), 8);
	CHECK_EQ(word(&p->rules[0].alerts), 5);
	CHECK_EQ(word(&p->rules[1].alerts), 3);
	CHECK(word(&p->rules[0].evaluated) >= 5);
	CHECK(word(&p->rules[1].evaluated) >= 3);
	CHECK_EQ(word(&p->rules[0].evaluated) + word(&p->rules[1].evaluated), b->w.eval.programs_run);
	CHECK_EQ(word(&p->rules[0].faults), 0);
	CHECK_STR(p->names[1], "Second");
	CHECK_EQ(bed_count(b, "\"rule\":\"First\""), 5);
	bed_free(b);
}

TEST(time_is_taken_of_one_event_in_many)
{
	struct bed *b = bed_new(two, 0);
	const struct page *p = b->w.page;

	for (int i = 0; i < 3 * PAGE_TIMED_EVERY + 1; i++)
		bed_open(b, "/a");
	CHECK_EQ(word(&p->rules[0].timed), 3);
	CHECK(word(&p->rules[0].timed_ns) > 0 && word(&p->rules[0].timed_ns) < 1000000000);
	CHECK_EQ(word(&p->rules[1].timed), 0);
	bed_free(b);
}

TEST(other_content_begins_at_0_and_the_same_goes_on)
{
	struct bed *b = bed_new(two, 0);
	const struct page *p = b->w.page;
	uint64_t table = page_table(p);

	CHECK_EQ(table & 1, 0);
	bed_open(b, "/b");
	CHECK_EQ(page_table(p), table);
	worker_publish_names(&b->w); /* a new worker with the same content */
	CHECK(page_table(p) != table && !(page_table(p) & 1));
	CHECK_EQ(word(&p->rules[1].alerts), 1);
	/* a worker that died in the middle of it leaves an odd number behind */
	page_add(&b->w.page->table, 1);
	worker_publish_names(&b->w);
	CHECK_EQ(page_table(p) & 1, 0);
	content_set_free(b->w.set);
	b->w.set = bed_load(b, BED_RULE("Other", "/b", "NOTICE"));
	worker_publish_names(&b->w);
	CHECK_EQ(word(&p->rules[1].alerts), 0);
	CHECK_EQ(word(&p->rules[1].evaluated), 0);
	CHECK_EQ(word(&p->n_rules), 1);
	CHECK_EQ(memcmp((const void *)p->digest, b->w.set->digest, 32), 0);
	bed_free(b);
}

/* Three rules of which the second one's program runs out of fuel: the fault is its own, and no other's. */
TEST(a_fault_is_counted_for_the_rule_whose_program_it_was)
{
	struct content_opts o = { .table = &template_builtin, .skip_verify = true, .fuel = 1000, .all_matches = true };
	struct bed *b = bed_new(two, CONTROL_ALL_MATCHES);
	struct content_set set = { .n_contents = 1, .n_rules = 3 }, *kept = b->w.set;
	struct isa_insn loop = isa_make(ISA_JA, 64, ISA_FORM_J, 0);
	struct make m;
	struct diag d;

	loop.off = -1;
	diag_init(&d);
	make_init(&m, &template_builtin);
	for (int i = 0; i < 3; i++) {
		make_rule(&m, "r", "o");
		make_begin(&m);
		if (i == 1)
			make_insn(&m, loop);
		make_end(&m, TEMPLATE_TYPE_file_open);
	}
	CHECK_OK(make_load(&m, &o, &b->a, &set.contents[0], &d));
	b->w.set = &set;
	b->w.eval.simple = true;
	bed_open(b, "/a");
	bed_open(b, "/a");
	CHECK_EQ(word(&b->w.page->faults), 2);
	CHECK_EQ(word(&b->w.page->rules[0].faults), 0);
	CHECK_EQ(word(&b->w.page->rules[1].faults), 2);
	CHECK_EQ(word(&b->w.page->rules[2].faults), 0);
	CHECK_EQ(word(&b->w.page->rules[2].alerts), 2);
	b->w.set = kept;
	content_free(set.contents[0]);
	make_done(&m);
	bed_free(b);
}

struct seen {
	struct flight at_alert;
	struct worker *w;
};

static void on_alert(void *user, const struct content *c, uint32_t rule, uint32_t set_rule)
{
	struct seen *s = user;

	(void)c, (void)rule, (void)set_rule;
	s->at_alert = *s->w->flight;
}

TEST(the_flight_recorder_names_event_rule_type_and_content)
{
	struct bed *b = bed_new(two, 0);
	struct seen s = { .w = &b->w };
	uint64_t hash;
	int fd;

	CHECK_OK(flight_open(NULL, &fd));
	CHECK_OK(worker_flight_map(&b->w, fd));
	b->w.on_alert = on_alert;
	b->w.on_alert_user = &s;
	b->w.record_time_ns = 1000;
	b->w.record_pid = 7;
	bed_open(b, "/c");
	bed_open(b, "/b");
	CHECK_EQ(s.at_alert.magic, FLIGHT_MAGIC);
	CHECK_EQ(s.at_alert.phase, FLIGHT_JUDGING);
	CHECK_EQ(s.at_alert.event, 2);
	CHECK_EQ(s.at_alert.rule, 1);
	CHECK_EQ(s.at_alert.type, TEMPLATE_TYPE_file_open);
	CHECK_EQ(s.at_alert.vector, FLIGHT_NONE);
	CHECK_EQ(memcmp(s.at_alert.digest, b->w.set->digest, sizeof s.at_alert.digest), 0);
	hash = s.at_alert.hash;
	CHECK_OK(flight_read(fd, &s.at_alert));
	CHECK_EQ(s.at_alert.phase, FLIGHT_IDLE);
	CHECK_EQ(s.at_alert.rule, 1);
	/* another process at the same moment is another event */
	page_set(&b->w.page->events, 1);
	b->w.record_pid = 8;
	bed_open(b, "/b");
	CHECK(s.at_alert.hash != hash);
	page_set(&b->w.page->events, 1);
	b->w.record_pid = 7;
	bed_open(b, "/b");
	CHECK_EQ(s.at_alert.hash, hash);
	munmap(b->w.flight, sizeof *b->w.flight);
	close(fd);
	bed_free(b);
}
