/* SPDX-License-Identifier: Apache-2.0 */
/* release status, release log: where releases are, what they wait for, and what was done. */
#include "cli/release.h"

#include <time.h>

enum { TAIL = 8 };

struct status {
	struct release_args args;
	struct release_desk desk;
	struct release all[LEDGER_MAX_RELEASES];
	uint32_t n;
	struct gate gate;
	struct gate_result result;
	bool has_result;
	struct buf out;
	struct json j;
	uint64_t first; /* entry of the log */
};

static void put_time(struct buf *out, uint64_t s)
{
	time_t t = (time_t)s;
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		(void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &tm);
	buf_puts(out, text);
}

static bool is_watched(const struct release *r)
{
	return r->state == RELEASE_RING || r->state == RELEASE_PAUSED;
}

static void judge(struct status *s, const struct release *r)
{
	struct diag d;

	diag_init(&d);
	s->has_result = is_watched(r) && controller_gate(s->desk.ledger, r, &s->desk.trust->root.plan, &s->desk.c.gate,
							 s->desk.now_s, &s->gate, &s->result, &d) == E_OK;
}

/* '=' watched to its end, '>' the one that is open, '!' the one that it was stopped in, '.' not yet. */
static char ring_sign(const struct release *r, uint32_t ring)
{
	if (r->state == RELEASE_BLESSED)
		return '=';
	if (r->state < RELEASE_RING || ring > r->ring)
		return '.';
	if (ring < r->ring)
		return '=';
	return r->state == RELEASE_RING ? '>' : '!';
}

static void put_value(struct buf *out, double v)
{
	if (v >= 100 || v == (double)(int64_t)v)
		buf_printf(out, "%.0f", v);
	else
		buf_printf(out, "%.3g", v);
}

static void text_gate(struct status *s)
{
	for (uint32_t t = 0; t < GATE_N_TESTS; t++) {
		const struct gate_result *g = &s->result;

		if (!g->applies[t])
			continue;
		buf_printf(&s->out, "    %-13s %-5s ", gate_test_name((enum gate_test)t),
			   gate_verdict_name((enum gate_verdict)g->passed[t]));
		put_value(&s->out, g->value[t]);
		buf_puts(&s->out, " of ");
		put_value(&s->out, g->bound[t]);
		buf_putc(&s->out, '\n');
	}
	buf_printf(&s->out, "    hosts         %llu in the ring, %llu reported; %llu to compare with\n",
		   (unsigned long long)s->gate.arm.hosts, (unsigned long long)s->gate.arm.reporting,
		   (unsigned long long)s->gate.control.hosts);
}

static void text_release(struct status *s, const struct release *r)
{
	struct buf waits;

	buf_printf(&s->out, "%-16s %-10s %-7s ", r->version, r->channel, r->lane == PLAN_URGENT ? "urgent" : "normal");
	for (uint32_t ring = 0; ring < PLAN_RINGS; ring++)
		buf_printf(&s->out, " %c", ring_sign(r, ring));
	buf_printf(&s->out, "  %s", release_state_name(r->state));
	if (r->state == RELEASE_RING)
		buf_printf(&s->out, " %u", r->ring);
	buf_putc(&s->out, '\n');
	judge(s, r);
	buf_init(&waits, 1024);
	controller_waits_for(s->desk.ledger, r, &s->desk.trust->root.plan, s->has_result ? &s->result : NULL, &waits);
	if (waits.len)
		buf_printf(&s->out, "    waits for     %s\n", waits.p);
	buf_done(&waits);
	if (s->has_result)
		text_gate(s);
}

static bool text_entry(void *user, const struct ledger_entry *e)
{
	struct status *s = user;

	put_time(&s->out, e->time_s);
	buf_printf(&s->out, "  %llu  ", (unsigned long long)e->n);
	buf_put_safe(&s->out, e->actor, strlen(e->actor));
	buf_puts(&s->out, "  ");
	buf_put_safe(&s->out, e->kind, strlen(e->kind));
	buf_puts(&s->out, "  ");
	buf_put_safe(&s->out, e->body, strlen(e->body));
	buf_putc(&s->out, '\n');
	return true;
}

static bool json_entry(void *user, const struct ledger_entry *e)
{
	char hex[2 * OBJECT_DIGEST_BYTES + 1];
	struct status *s = user;
	struct json *j = &s->j;

	object_hex(e->hash, sizeof e->hash, hex);
	json_object(j);
	json_key(j, "actor");
	json_str(j, e->actor);
	json_key(j, "body");
	json_str(j, e->body);
	json_key(j, "hash");
	json_str(j, hex);
	json_key(j, "kind");
	json_str(j, e->kind);
	json_key(j, "n");
	json_u64(j, e->n);
	json_key(j, "time");
	json_u64(j, e->time_s);
	json_end_object(j);
	return true;
}

static void json_gate(struct status *s)
{
	const struct gate_result *g = &s->result;
	struct json *j = &s->j;

	json_object(j);
	json_key(j, "control");
	json_u64(j, s->gate.control.hosts);
	json_key(j, "hosts");
	json_u64(j, s->gate.arm.hosts);
	json_key(j, "reporting");
	json_u64(j, s->gate.arm.reporting);
	json_key(j, "tests");
	json_array(j);
	for (uint32_t t = 0; t < GATE_N_TESTS; t++) {
		if (!g->applies[t])
			continue;
		json_object(j);
		json_key(j, "bound");
		json_f64(j, g->bound[t]);
		json_key(j, "effect");
		json_f64(j, g->effect[t]);
		json_key(j, "name");
		json_str(j, gate_test_name((enum gate_test)t));
		json_key(j, "value");
		json_f64(j, g->value[t]);
		json_key(j, "verdict");
		json_str(j, gate_verdict_name((enum gate_verdict)g->passed[t]));
		json_end_object(j);
	}
	json_end_array(j);
	json_key(j, "text");
	json_str(j, g->text);
	json_key(j, "verdict");
	json_str(j, gate_verdict_name(g->verdict));
	json_end_object(j);
}

static void json_release(struct status *s, const struct release *r)
{
	char digest[2 * OBJECT_DIGEST_BYTES + 1], id[33];
	struct json *j = &s->j;
	struct buf waits;

	judge(s, r);
	object_hex(r->digest, sizeof r->digest, digest);
	object_hex(r->id, sizeof r->id, id);
	buf_init(&waits, 1024);
	controller_waits_for(s->desk.ledger, r, &s->desk.trust->root.plan, s->has_result ? &s->result : NULL, &waits);
	json_object(j);
	json_key(j, "channel");
	json_str(j, r->channel);
	json_key(j, "cutoff");
	json_u64(j, r->cutoff);
	json_key(j, "digest");
	json_str(j, digest);
	json_key(j, "gate");
	if (s->has_result)
		json_gate(s);
	else
		json_null(j);
	json_key(j, "id");
	json_str(j, id);
	json_key(j, "lane");
	json_str(j, r->lane == PLAN_URGENT ? "urgent" : "normal");
	json_key(j, "number");
	json_u64(j, r->number);
	json_key(j, "ring");
	json_u64(j, r->ring);
	json_key(j, "state");
	json_str(j, release_state_name(r->state));
	json_key(j, "version");
	json_str(j, r->version);
	json_key(j, "waits_for");
	json_str(j, waits.p ? waits.p : "");
	json_end_object(j);
	buf_done(&waits);
}

static enum err put_tail(struct status *s)
{
	return ledger_each(s->desk.ledger, s->first, s->args.json ? json_entry : text_entry, s, &s->desk.d);
}

static void set_first(struct status *s, uint64_t tail)
{
	uint64_t n = ledger_entries(s->desk.ledger);

	s->first = n > tail ? n - tail + 1 : 1;
}

static enum err put_status(struct status *s)
{
	if (!s->args.json) {
		buf_puts(&s->out,
			 s->n ? "VERSION          CHANNEL    LANE     0 1 2 3 4 5 6  STATE\n" : "no releases\n");
		for (uint32_t i = 0; i < s->n; i++)
			text_release(s, &s->all[i]);
		buf_puts(&s->out, "\nlog, newest last:\n");
		return put_tail(s);
	}
	json_object(&s->j);
	json_key(&s->j, "log");
	json_array(&s->j);
	TRY(put_tail(s));
	json_end_array(&s->j);
	json_key(&s->j, "releases");
	json_array(&s->j);
	for (uint32_t i = 0; i < s->n; i++)
		json_release(s, &s->all[i]);
	json_end_array(&s->j);
	json_end_object(&s->j);
	return E_OK;
}

static int with_status(int argc, char **argv, const char *command, uint32_t takes, enum err (*fn)(struct status *))
{
	struct status *s = calloc(1, sizeof *s);
	enum err err;
	int code;

	if (!s)
		return cli_fail(CLI_HOST, "out of memory");
	buf_init(&s->out, 64 << 20);
	json_init(&s->j, &s->out);
	code = release_parse(command, argc, argv, takes, RELEASE_OPT_LEDGER, false, &s->args);
	if (!code)
		code = release_desk_open(&s->args, false, &s->desk);
	if (!code) {
		err = ledger_releases(s->desk.ledger, s->all, countof(s->all), &s->n, &s->desk.d);
		set_first(s, s->args.last ? s->args.last : TAIL);
		if (err == E_OK)
			err = fn(s);
		code = err == E_OK ? cli_print(&s->out) : cli_fail_diag(err, &s->desk.d);
	}
	release_desk_done(&s->desk);
	buf_done(&s->out);
	free(s);
	return code;
}

int release_status(int argc, char **argv)
{
	return with_status(argc, argv, "release status", RELEASE_OPT_LEDGER | RELEASE_OPT_JSON | RELEASE_OPT_LAST,
			   put_status);
}

static enum err put_log(struct status *s)
{
	char hex[2 * OBJECT_DIGEST_BYTES + 1];
	uint8_t head[OBJECT_DIGEST_BYTES];

	if (!s->args.last)
		s->first = 1;
	if (s->args.verify)
		TRY(ledger_verify(s->desk.ledger, &s->desk.d));
	ledger_head(s->desk.ledger, head);
	object_hex(head, sizeof head, hex);
	if (!s->args.json) {
		TRY(put_tail(s));
		buf_printf(&s->out, "head %s%s\n", hex, s->args.verify ? ": every entry follows the one before" : "");
		return E_OK;
	}
	json_object(&s->j);
	json_key(&s->j, "entries");
	json_array(&s->j);
	TRY(put_tail(s));
	json_end_array(&s->j);
	json_key(&s->j, "head");
	json_str(&s->j, hex);
	json_key(&s->j, "verified");
	json_bool(&s->j, s->args.verify);
	json_end_object(&s->j);
	return E_OK;
}

int release_log(int argc, char **argv)
{
	return with_status(argc, argv, "release log",
			   RELEASE_OPT_LEDGER | RELEASE_OPT_JSON | RELEASE_OPT_VERIFY | RELEASE_OPT_LAST, put_log);
}
