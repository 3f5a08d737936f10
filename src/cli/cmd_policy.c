/* SPDX-License-Identifier: Apache-2.0 */
/* policy: the owner's file in words, and when it lets something new in. */
#include "cli/cli.h"

#include <getopt.h>
#include <time.h>

#include "release/policy/policy.h"

const char cmd_policy_help[] = "usage: sallyport policy check FILE [--json]\n"
			       "\n"
			       "Read a host's policy (docs/policy.md) and say what it means: what it lets in,\n"
			       "how late, and when its windows open next. Errors have a place and a hint.\n"
			       "\n"
			       "  --json    one JSON object; times are seconds since 1970\n"
			       "\n"
			       "Exit code 0: the policy is good. 1: it is not, or cannot be read; a host with\n"
			       "such a file takes nothing new.\n";

enum { N_NEXT = 3, LONGEST_S = 8 * 86400 };

struct opening {
	int64_t from, to; /* to: or LONGEST_S later */
};

struct checked {
	const char *path;
	bool json;
	struct arena arena;
	struct diags ds;
	struct policy p;
	struct policy_zone_files zones;
	char *text;
	enum err err;
	int64_t now;
	struct opening next[N_NEXT];
	uint32_t n_next;
};

static int parse(int argc, char **argv, struct checked *c)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	int opt;

	if (argc < 2 || strcmp(argv[1], "check") != 0) {
		(void)cli_fail(CLI_USAGE, argc < 2 ? "check?" : "there is no 'policy %s'", argc < 2 ? "" : argv[1]);
		return cli_usage("policy");
	}
	argc--;
	argv++;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'j')
			return cli_usage("policy");
		c->json = true;
	}
	if (argc - optind != 1) {
		(void)cli_fail(CLI_USAGE, "one policy file is needed");
		return cli_usage("policy");
	}
	c->path = argv[optind];
	return 0;
}

/* The next times that it is open, with their ends. */
static void find_openings(struct checked *c)
{
	int64_t t = c->now;

	for (; c->n_next < N_NEXT; c->n_next++) {
		struct opening *o = &c->next[c->n_next];

		o->from = policy_next_open(&c->p, t);
		if (o->from == INT64_MAX || (!c->p.n_windows && !c->p.n_freezes))
			return;
		/* to the minute: windows and days begin and end at one */
		for (t = o->from - o->from % 60 + 60; t < o->from + LONGEST_S && policy_open_at(&c->p, t);)
			t += 60;
		o->to = t;
		if (t >= o->from + LONGEST_S) {
			c->n_next++;
			return;
		}
	}
}

/* "Mon 2026-11-23 09:00" */
static void put_time(struct buf *out, const struct policy *p, int64_t t)
{
	uint32_t zone = p->n_windows ? p->window[0].zone : p->freeze[0].zone;
	time_t local = (time_t)policy_local_s(p, zone, t);
	char text[64] = "?";
	struct tm tm;

	if (gmtime_r(&local, &tm))
		(void)strftime(text, sizeof text, "%a %Y-%m-%d %H:%M", &tm);
	buf_printf(out, "%s %s", text, policy_zone_name(p, zone));
}

static void put_openings(struct buf *out, const struct checked *c)
{
	bool bounded = c->p.n_windows || c->p.n_freezes;

	if (c->p.paused) {
		buf_puts(out, "  now         paused: nothing new, whatever the rest says\n");
		return;
	}
	buf_printf(out, "  now         %s\n", policy_open_at(&c->p, c->now) ? "open" : "closed");
	if (bounded && !c->n_next)
		buf_puts(out, "  opens       not within 400 days\n");
	for (uint32_t i = 0; i < c->n_next; i++) {
		buf_puts(out, i ? "              " : "  opens       ");
		if (c->next[i].from == c->now)
			buf_puts(out, "now");
		else
			put_time(out, &c->p, c->next[i].from);
		if (c->next[i].to >= c->next[i].from + LONGEST_S) {
			buf_puts(out, ", for more than a week\n");
			continue;
		}
		buf_puts(out, ", closes ");
		put_time(out, &c->p, c->next[i].to);
		buf_putc(out, '\n');
	}
}

static void put_hold(struct buf *out, const struct policy *p)
{
	if (!p->hold_s && !p->urgent_hold_s) {
		buf_puts(out, "none");
		return;
	}
	policy_put_span(out, p->hold_s);
	buf_puts(out, " after its own ring came; urgent releases ");
	policy_put_span(out, p->urgent_hold_s);
}

static void put_ring(struct buf *out, const struct policy *p)
{
	if (p->critical)
		buf_puts(out, "the last: the host is critical");
	else if (p->ring0)
		buf_puts(out, "0: this host volunteers to be among the first");
	else if (p->first_ring)
		buf_printf(out, "the one that its hash gives for each release, but not before %u", p->first_ring);
	else
		buf_puts(out, "the one that its hash gives for each release");
}

static void put_choice(struct buf *out, const struct policy *p)
{
	char digest[2 * OBJECT_DIGEST_BYTES + 1];

	object_hex(p->pin, sizeof p->pin, digest);
	if (p->pinned)
		buf_printf(out, "only %s", digest);
	else if (p->lag)
		buf_printf(out, "%u release%s behind the newest that may come here", p->lag, PLURAL(p->lag));
	else
		buf_puts(out, "the newest that may come here");
}

static void put_limits(struct buf *out, const struct policy *p)
{
	if (p->max_cpu_percent)
		buf_printf(out, "  cpu         at most %u %% of one core\n", p->max_cpu_percent);
	if (p->max_memory_mib)
		buf_printf(out, "  memory      at most %u MiB\n", p->max_memory_mib);
	if (p->max_stale_s) {
		buf_puts(out, "  stale       alarm when nothing was heard for ");
		policy_put_span(out, p->max_stale_s);
		buf_puts(out, "; detection goes on\n");
	}
	if (p->stratum[0])
		buf_printf(out, "  stratum     %s\n", p->stratum);
}

static int print_text(const struct checked *c)
{
	const struct policy *p = &c->p;
	struct buf out;

	buf_init(&out, 1 << 16);
	buf_printf(&out, "  channel     %s\n  ring        ", p->channel);
	put_ring(&out, p);
	buf_puts(&out, "\n  takes       ");
	put_choice(&out, p);
	buf_puts(&out, "\n  hold        ");
	put_hold(&out, p);
	buf_printf(&out, "\n  evidence    %s\n",
		   p->require_evidence ? "of the ring before is judged again on this host" : "is not asked for");
	put_limits(&out, p);
	put_openings(&out, c);
	return cli_print(&out);
}

static void json_time_pair(struct json *j, const struct opening *o)
{
	json_object(j);
	json_key(j, "from");
	json_i64(j, o->from);
	json_key(j, "to");
	if (o->to >= o->from + LONGEST_S)
		json_null(j);
	else
		json_i64(j, o->to);
	json_end_object(j);
}

static void json_number(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void json_flag(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

static void json_policy(struct json *j, const struct policy *p)
{
	char digest[2 * OBJECT_DIGEST_BYTES + 1];

	object_hex(p->pin, sizeof p->pin, digest);
	json_object(j);
	json_key(j, "channel");
	json_str(j, p->channel);
	json_flag(j, "critical", p->critical);
	json_number(j, "first_ring", p->first_ring);
	json_number(j, "freezes", p->n_freezes);
	json_number(j, "hold_s", p->hold_s);
	json_number(j, "lag", p->lag);
	json_number(j, "max_cpu_percent", p->max_cpu_percent);
	json_number(j, "max_memory_mib", p->max_memory_mib);
	json_number(j, "max_stale_s", p->max_stale_s);
	json_flag(j, "pause", p->paused);
	json_key(j, "pin");
	json_str(j, p->pinned ? digest : NULL);
	json_flag(j, "require_evidence", p->require_evidence);
	json_flag(j, "ring0", p->ring0);
	json_key(j, "stratum");
	json_str(j, p->stratum);
	json_number(j, "urgent_hold_s", p->urgent_hold_s);
	json_number(j, "windows", p->n_windows);
	json_end_object(j);
}

static int print_json(const struct checked *c)
{
	struct buf out;
	struct json j;

	buf_init(&out, 1 << 20);
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "diagnostics");
	json_array(&j);
	for (const struct diag_node *n = c->ds.head; n; n = n->next)
		cli_json_diag(&j, &n->d);
	json_end_array(&j);
	json_key(&j, "file");
	json_str(&j, c->path);
	json_key(&j, "next_open");
	json_array(&j);
	for (uint32_t i = 0; i < c->n_next; i++)
		json_time_pair(&j, &c->next[i]);
	json_end_array(&j);
	json_flag(&j, "ok", c->err == E_OK);
	json_flag(&j, "open", !c->p.paused && policy_open_at(&c->p, c->now));
	json_key(&j, "policy");
	json_policy(&j, &c->p);
	json_end_object(&j);
	return cli_print(&out);
}

static void show_errors(const struct checked *c)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	diags_render(&text, &c->ds, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
}

static int check(struct checked *c)
{
	struct diag d;
	size_t len;

	diag_init(&d);
	c->err = io_read_file(c->path, 2 * POLICY_MAX_BYTES, &c->text, &len, &d);
	if (c->err != E_OK)
		return cli_fail_diag(c->err, &d);
	c->err = policy_read(c->path, view_of(c->text, len), policy_zone_file, &c->zones, &c->arena, &c->ds, &c->p);
	if (c->err == E_NOMEM)
		return cli_fail(CLI_HOST, "%s", err_text(c->err));
	find_openings(c);
	if (c->json) {
		int code = print_json(c);

		return code ? code : c->err == E_OK ? CLI_OK : CLI_REFUSED;
	}
	if (c->err == E_OK)
		return print_text(c);
	show_errors(c);
	return CLI_REFUSED;
}

int cmd_policy(int argc, char **argv)
{
	struct checked c = { .now = (int64_t)time(NULL) };
	int code = parse(argc, argv, &c);

	if (code)
		return code;
	arena_init(&c.arena, 16 << 20);
	diags_init(&c.ds, &c.arena);
	policy_init(&c.p);
	code = check(&c);
	policy_zone_files_done(&c.zones);
	arena_done(&c.arena);
	free(c.text);
	return code;
}
