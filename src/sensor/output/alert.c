/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert: what one alert, or one note of the sensor about itself, looks like.
 *
 * The JSON form is that of Falco's json_output: keys sorted, `output` begins with the time of day and the priority
 * (userspace/falco/formats.cpp:format_event, 0.44). All times are UTC.
 */
#include "sensor/output/queue.h"

#include "content/rule/rule.h"

#include <time.h>

static const char *priority_colour(uint32_t p)
{
	return p <= RULE_ERROR     ? "\033[1;31m"
	       : p == RULE_WARNING ? "\033[1;33m"
	       : p == RULE_NOTICE  ? "\033[1;36m"
				   : "\033[32m";
}

static void put_time(struct buf *out, uint64_t ns, bool with_date)
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	char date[40] = "", clock[40] = "";

	if (!gmtime_r(&s, &tm))
		return;
	if (with_date)
		(void)strftime(date, sizeof date, "%Y-%m-%dT", &tm);
	(void)strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	buf_printf(out, "%s%s.%09u", date, clock, (unsigned)(ns % 1000000000));
}

/* "HH:MM:SS.nnnnnnnnn: Priority " */
static void put_lead(struct buf *out, uint64_t ns, uint32_t priority, bool colour)
{
	buf_puts(out, colour ? "\033[2m" : "");
	put_time(out, ns, false);
	buf_puts(out, colour ? ":\033[0m " : ": ");
	buf_puts(out, colour ? priority_colour(priority) : "");
	buf_puts(out, rule_priority_name(priority));
	buf_puts(out, colour ? "\033[0m " : " ");
}

/* What both kinds of line are made of; the writer of output_fields comes in between. */
struct line {
	uint64_t time_ns;
	uint32_t priority;
	const char *rule, *source;
	const char *const *tags;
	uint32_t n_tags;
};

static void json_head(struct output *o, struct json *j)
{
	json_init(j, &o->line);
	json_object(j);
	json_key(j, "hostname");
	json_str(j, o->hostname);
	json_key(j, "output");
	json_strn(j, o->message.p, o->message.len);
	json_key(j, "output_fields");
}

static void json_tail(struct output *o, struct json *j, const struct line *l)
{
	json_key(j, "priority");
	json_str(j, rule_priority_name(l->priority));
	json_key(j, "rule");
	json_str(j, l->rule);
	json_key(j, "source");
	json_str(j, l->source);
	json_key(j, "tags");
	json_array(j);
	for (uint32_t i = 0; i < l->n_tags; i++)
		json_str(j, l->tags[i]);
	json_end_array(j);
	json_key(j, "time");
	buf_reset(&o->message); /* its text is in the line by now: the memory serves again */
	put_time(&o->message, l->time_ns, true);
	buf_putc(&o->message, 'Z');
	json_strn(j, o->message.p, o->message.len);
	json_end_object(j);
}

static void start(struct output *o)
{
	buf_reset(&o->line);
	buf_reset(&o->message);
}

/* OUTPUT_BOTH: what goes before the JSON form; the text is in o->message. */
static void put_parts(struct output *o, const struct line *l)
{
	size_t from;

	if (o->format != OUTPUT_BOTH)
		return;
	buf_printf(&o->line, "%u\t%llu\t", l->priority, (unsigned long long)l->time_ns);
	from = o->line.len;
	buf_put(&o->line, o->message.p, o->message.len);
	/* A rule's own text may hold a tab or a newline, which have a meaning here. */
	for (size_t i = from; i < o->line.len; i++)
		if ((unsigned char)o->line.p[i] < ' ' || o->line.p[i] == 0x7f)
			o->line.p[i] = ' ';
	buf_putc(&o->line, '\t');
}

bool output_alert(struct output *o, const struct content *c, uint32_t rule, const struct event *e)
{
	const struct content_rule *r = content_rule(c, rule);
	struct line l = { .time_ns = event_u64(e, FIELD_evt_time),
			  .priority = r->priority,
			  .rule = r->name,
			  .source = r->source,
			  .tags = r->tags,
			  .n_tags = r->n_tags };
	struct json j;

	start(o);
	if (o->format == OUTPUT_TEXT || o->format == OUTPUT_COLOR) {
		put_lead(&o->line, l.time_ns, l.priority, o->format == OUTPUT_COLOR);
		content_format(c, rule, e, &o->line);
		return output_queue_built(o);
	}
	put_lead(&o->message, l.time_ns, l.priority, false);
	content_format(c, rule, e, &o->message);
	if (!o->message.full) {
		put_parts(o, &l);
		json_head(o, &j);
		content_json_fields(c, rule, e, &j);
		json_tail(o, &j, &l);
	}
	return output_queue_built(o);
}

bool output_note(struct output *o, const struct output_note *n)
{
	struct line l = { .priority = RULE_CRITICAL, .rule = n->rule, .source = "internal" };
	struct timespec now;
	struct json j;

	start(o);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	l.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (o->format == OUTPUT_TEXT || o->format == OUTPUT_COLOR) {
		put_lead(&o->line, l.time_ns, l.priority, o->format == OUTPUT_COLOR);
		buf_put_safe(&o->line, n->text, strlen(n->text));
		return output_queue_built(o);
	}
	put_lead(&o->message, l.time_ns, l.priority, false);
	buf_put_safe(&o->message, n->text, strlen(n->text));
	if (!o->message.full) {
		put_parts(o, &l);
		json_head(o, &j);
		json_object(&j);
		for (uint32_t i = 0; i < n->n; i++) {
			json_key(&j, n->keys[i]);
			json_u64(&j, n->values[i]);
		}
		json_end_object(&j);
		json_tail(o, &j, &l);
	}
	return output_queue_built(o);
}
