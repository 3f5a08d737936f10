/* SPDX-License-Identifier: Apache-2.0 */
/* report: how a run ended, counted. Contracts: scripts read these lines. */
#include "agent/supervisor.h"

#include <sys/stat.h>

enum { MAX_ROWS = CONTROL_FILE_OUTPUT + 1 + COURIER_N_OUTPUTS, MAX_GROUPS = 3 };

/* sent = delivered + lost */
struct row {
	const char *name;
	uint64_t sent, delivered, lost, retried, cut;
};

/* Lines of the worker for this sink and the supervisor's own; the courier's pipe delivers nothing by itself. */
static struct row row_of_sink(const struct supervisor *s, const char *name, uint32_t i)
{
	const struct output *own = s->sinks.sink[i].out;
	uint64_t written = page_get(&s->page->sent[i]) + (own ? output_sent(own) : 0);
	uint64_t dropped = page_get(&s->page->dropped[i]) + (own ? output_dropped(own) + output_waiting(own) : 0);

	return (struct row){ .name = name, .sent = written + dropped, .delivered = written, .lost = dropped };
}

/*
 * Whatever went into the pipe and was not delivered is lost, wherever it was when a courier died. A worker that is
 * killed between a write and its count has delivered more than it says.
 */
static struct row row_of_courier(const struct supervisor *s, const char *name, const struct courier_counts *c)
{
	struct row r = row_of_sink(s, name, CONTROL_COURIER_PIPE);

	r.delivered = page_get(&c->delivered);
	r.sent = r.sent > r.delivered ? r.sent : r.delivered;
	r.lost = r.sent - r.delivered;
	r.retried = page_get(&c->retried);
	r.cut = page_get(&c->cut);
	return r;
}

static uint32_t count_outputs(const struct supervisor *s, struct row rows[MAX_ROWS])
{
	const struct config *c = s->o->config;
	const struct courier_counts *out = s->courier.page ? s->courier.page->out : NULL;
	uint32_t n = 0;

	if (c->stdout_enabled)
		rows[n++] = row_of_sink(s, "stdout", CONTROL_STDOUT);
	if (c->file_path)
		rows[n++] = row_of_sink(s, "file", CONTROL_FILE_OUTPUT);
	if (out && c->syslog_transport)
		rows[n++] = row_of_courier(s, "syslog", &out[COURIER_SYSLOG]);
	if (out && c->http_url)
		rows[n++] = row_of_courier(s, "http", &out[COURIER_HTTP]);
	return n;
}

static void put_text(struct buf *b, const struct row *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "sallyport: output %s sent=%llu delivered=%llu lost=%llu retried=%llu cut=%llu\n",
			   rows[i].name, (unsigned long long)rows[i].sent, (unsigned long long)rows[i].delivered,
			   (unsigned long long)rows[i].lost, (unsigned long long)rows[i].retried,
			   (unsigned long long)rows[i].cut);
}

static void put_number(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void put_json(struct buf *b, const struct supervisor *s, const struct super_totals *t, uint64_t dropped,
		     const struct row *rows, uint32_t n)
{
	struct json j;

	json_init(&j, b);
	json_object(&j);
	put_number(&j, "alerts", page_get(&s->page->alerts));
	put_number(&j, "consumed", t->consumed);
	put_number(&j, "dropped_alerts", dropped);
	put_number(&j, "events", page_get(&s->page->events));
	put_number(&j, "filtered", t->filtered);
	put_number(&j, "lost", t->lost);
	put_number(&j, "lost_quota", t->lost_quota);
	json_key(&j, "outputs");
	json_object(&j);
	for (uint32_t i = 0; i < n; i++) {
		json_key(&j, rows[i].name);
		json_object(&j);
		put_number(&j, "cut", rows[i].cut);
		put_number(&j, "delivered", rows[i].delivered);
		put_number(&j, "lost", rows[i].lost);
		put_number(&j, "retried", rows[i].retried);
		put_number(&j, "sent", rows[i].sent);
		json_end_object(&j);
	}
	json_end_object(&j);
	put_number(&j, "produced", t->produced);
	json_end_object(&j);
	buf_putc(b, '\n');
}

void super_report_groups(struct supervisor *s)
{
	static const char *const rings[WIRE_N_RINGS] = { [WIRE_RING_RESERVED] = "reserved", [WIRE_RING_BULK] = "bulk" };
	uint64_t lost = super_totals(s).lost_quota;
	struct kern_group g[MAX_GROUPS];
	uint32_t n;

	if (lost == s->quota_said)
		return;
	s->quota_said = lost;
	n = kern_lost_groups(s->kern, g, MAX_GROUPS);
	for (uint32_t i = 0; i < n; i++)
		log_warning("control group '%s' fills the %s ring: lost=%llu of its own records so far", g[i].name,
			    rings[g[i].ring % WIRE_N_RINGS], (unsigned long long)g[i].lost);
}

static void say_stopped(struct supervisor *s)
{
	struct super_totals t = super_totals(s);
	struct row rows[MAX_ROWS];
	uint32_t n = count_outputs(s, rows);
	uint64_t dropped = 0;
	struct buf b;

	for (uint32_t i = 0; i < n; i++)
		dropped += rows[i].lost;
	super_report_groups(s);
	if (t.produced - t.lost > t.consumed)
		log_warning("the worker did not drain the rings: records were not judged count=%llu",
			    (unsigned long long)(t.produced - t.lost - t.consumed));
	buf_init(&b, 16 << 10);
	put_text(&b, rows, n);
	if (s->o->config->stdout_format == CONFIG_JSON)
		put_json(&b, s, &t, dropped, rows, n);
	buf_printf(&b,
		   "sallyport: stopped events=%llu alerts=%llu lost=%llu lost_quota=%llu produced=%llu "
		   "consumed=%llu dropped_alerts=%llu filtered=%llu throttled=%llu muted=%llu\n",
		   (unsigned long long)page_get(&s->page->events), (unsigned long long)page_get(&s->page->alerts),
		   (unsigned long long)t.lost, (unsigned long long)t.lost_quota, (unsigned long long)t.produced,
		   (unsigned long long)t.consumed, (unsigned long long)dropped, (unsigned long long)t.filtered,
		   (unsigned long long)page_get(&s->page->throttled), (unsigned long long)page_get(&s->page->muted));
	(void)!write(STDERR_FILENO, b.p, b.len);
	buf_done(&b);
}

static void say_recorded(struct supervisor *s)
{
	uint64_t n = page_get(&s->page->recorded);
	struct stat st = { 0 };

	if (n == PAGE_RECORD_FAILED) {
		s->exit_code = EXIT_HOST;
		return;
	}
	(void)fstat(s->record_fd, &st);
	(void)fprintf(stderr, "sallyport: recorded records=%llu bytes=%llu\n", (unsigned long long)n,
		      (unsigned long long)st.st_size);
}

void super_report(struct supervisor *s)
{
	if (!s->ever_watched)
		return;
	say_stopped(s);
	if (s->o->record)
		say_recorded(s);
}
