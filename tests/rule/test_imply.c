/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imply: "whenever this holds, so does that" is a proof; random events must never show it wrong.
 *
 * Random conditions are compiled and run; what the analysis claims of two of them is held against all events.
 */
#include "rule_test.h"

#include "content/rule/internal.h"

enum { N_RULES = 60, N_CHECKS = 40, N_EVENTS = 250, N_BATCHES = 40 };

static uint64_t seed = 1;

static uint32_t pick(uint32_t n)
{
	seed = hash_u64(seed + 0x9e3779b97f4a7c15ull);
	return (uint32_t)(seed >> 16) % n;
}

#define PICK(array) ((array)[pick(countof(array))])

/* ---- conditions ---- */

static void put_text_check(struct buf *b)
{
	static const char *const fields[] = { "proc.name", "fd.name", "proc.aname", "proc.aname[1]",
					      "tolower(proc.name)" };
	static const char *const ops[] = { "=",    "!=", "contains",         "icontains", "startswith", "endswith",
					   "glob", "in", "startswith anyof", "= anyof",   "pmatch",     "exists",
					   "in",   "=" };
	static const char *const values[] = { "a",   "b", "ab",     "aab",      "/a",   "/a/b", "/ab",
					      "/a/", "/", "\"*a\"", "\"/*/b\"", "\"\"", "//a",  "A" };
	const char *field = PICK(fields), *op = PICK(ops);
	bool list = !strcmp(op, "in") || !strcmp(op, "pmatch") || strchr(op, ' ');
	uint32_t n = list ? 1 + pick(3) : 1;

	if (!strcmp(op, "!=") && !strcmp(field, "proc.aname"))
		op = "=";
	buf_printf(b, "%s %s", field, op);
	if (!strcmp(op, "exists"))
		return;
	buf_puts(b, list ? " (" : " ");
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i ? ", " : "", PICK(values));
	buf_puts(b, list ? ")" : "");
}

static void put_number_check(struct buf *b)
{
	static const char *const fields[] = { "proc.pid", "evt.rawres", "user.uid", "proc.is_exe_from_memfd",
					      "len(fd.name)" };
	static const char *const ops[] = { "=", "!=", "<", "<=", ">", ">=", "in" };
	uint32_t f = pick(countof(fields));
	const char *op = PICK(ops);
	int low = f < 2 ? -1 : 0;

	if (f == 3) {
		buf_printf(b, "%s %s %s", fields[f], pick(2) ? "=" : "!=", pick(2) ? "true" : "false");
		return;
	}
	if (!strcmp(op, "in"))
		buf_printf(b, "%s in (%d, %d)", fields[f], low + (int)pick(4), low + (int)pick(4));
	else
		buf_printf(b, "%s %s %d", fields[f], op, low + (int)pick(4));
}

static void put_address_check(struct buf *b)
{
	static const char *const values[] = { "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "1.1.1.1",
					      "::1",        "::/0",        "0.0.0.0/0" };
	static const char *const ops[] = { "=", "!=", "in" };
	const char *op = PICK(ops);

	if (!strcmp(op, "in"))
		buf_printf(b, "fd.sip in (%s, %s)", PICK(values), PICK(values));
	else
		buf_printf(b, "fd.sip %s %s", op, PICK(values));
}

static void put_check(struct buf *b)
{
	uint32_t k = pick(8);

	if (k < 5)
		put_text_check(b);
	else if (k < 7)
		put_number_check(b);
	else
		put_address_check(b);
}

static void put_condition(struct buf *b, unsigned depth)
{
	uint32_t k = depth ? pick(4) : 0;

	if (k == 0) {
		put_check(b);
	} else if (k == 1) {
		buf_puts(b, "not (");
		put_condition(b, depth - 1);
		buf_putc(b, ')');
	} else {
		buf_putc(b, '(');
		put_condition(b, depth - 1);
		buf_puts(b, k == 2 ? " and " : " or ");
		put_condition(b, depth - 1);
		buf_putc(b, ')');
	}
}

/* ---- events ---- */

static void random_event(struct ready *r)
{
	static const char *const texts[] = { "a",   "b",      "ab",    "aab", "A", "aB",   "/a", "/a/b",
					     "/ab", "/a/b/c", "//a/b", "",    "/", "/x/b", "ba", "abcdefgh" };
	static const uint8_t v4[][4] = { { 10, 1, 2, 3 }, { 10, 1, 9, 9 }, { 10, 9, 9, 9 }, { 1, 1, 1, 1 } };
	static const uint8_t v6[16] = { [15] = 1 };
	static struct helper_str names[3];
	struct event *e = r->event;
	uint32_t n = pick(4);

	ready_event(r, TEMPLATE_TYPE_net_connect);
	if (pick(5))
		event_set_cstr(e, FIELD_proc_name, PICK(texts));
	if (pick(5))
		event_set_cstr(e, FIELD_net_connect_name, PICK(texts));
	for (uint32_t i = 0; i < n; i++) {
		names[i].p = PICK(texts);
		names[i].len = (uint32_t)strlen(names[i].p);
	}
	if (n)
		event_set_list(e, FIELD_proc_aname, names, n);
	event_set_i64(e, FIELD_proc_pid, (int64_t)pick(6) - 2);
	if (pick(4))
		event_set_i64(e, FIELD_evt_rawres, (int64_t)pick(6) - 2);
	if (pick(4))
		event_set_u64(e, FIELD_user_uid, pick(5));
	event_set_u64(e, FIELD_proc_is_exe_from_memfd, pick(2));
	if (pick(4))
		event_set_ip(e, FIELD_net_connect_sip, PICK(v4), 4);
	if (!pick(4))
		event_set_ip(e, FIELD_net_connect_sip, v6, 16);
}

/* ---- claims ---- */

struct batch {
	struct loaded l;
	struct ready r;
	bool truth[N_RULES][N_EVENTS];
	const struct rule_fold *folds[N_RULES];
	const char *conditions[N_RULES];
	uint32_t n_implied, n_excluded;
};

static void make_batch(struct batch *b)
{
	size_t starts[N_RULES], ends[N_RULES];
	struct buf text;

	buf_init(&text, 1 << 20);
	for (uint32_t i = 0; i < N_RULES; i++) {
		buf_printf(&text, "- rule: r%u\n  condition: >\n    ", i);
		starts[i] = text.len;
		put_condition(&text, i < N_CHECKS ? 0 : 2);
		ends[i] = text.len;
		buf_puts(&text, "\n" RULE_TAIL);
	}
	load_text(&b->l, text.p);
	ready_make(&b->r, &b->l);
	for (uint32_t i = 0; i < N_RULES; i++) {
		b->folds[i] = rule_fold(b->l.rs->rules[i].cond, &template_builtin,
					&template_builtin.types[TEMPLATE_TYPE_net_connect], &b->l.a);
		CHECK(b->folds[i] != NULL);
		b->conditions[i] = arena_strndup(&b->l.a, text.p + starts[i], ends[i] - starts[i]);
	}
	for (uint32_t e = 0; e < N_EVENTS; e++) {
		random_event(&b->r);
		for (uint32_t i = 0; i < N_RULES; i++)
			b->truth[i][e] = ready_fires(&b->r, i);
	}
	buf_done(&text);
}

static void holds_for_all(struct batch *b, uint32_t i, uint32_t k, bool excludes)
{
	for (uint32_t e = 0; e < N_EVENTS; e++)
		if (b->truth[i][e] && b->truth[k][e] == excludes)
			fail_msg("'%s' does not %s '%s'", b->conditions[i], excludes ? "exclude" : "imply",
				 b->conditions[k]);
}

static void check_pair(struct batch *b, uint32_t i, uint32_t k)
{
	const struct rule_fold *p = b->folds[i], *q = b->folds[k];
	uint32_t fuel = 10000;

	if (rule_implies(p, q, &fuel)) {
		b->n_implied++;
		holds_for_all(b, i, k, false);
	}
	if (p->kind != FOLD_CHECK || q->kind != FOLD_CHECK)
		return;
	if (rule_check_excludes(p, q)) {
		b->n_excluded++;
		holds_for_all(b, i, k, true);
	}
}

TEST(what_is_said_to_follow_or_to_be_excluded_is_so_on_every_event)
{
	struct batch *b = calloc(1, sizeof *b);
	uint32_t n_implied = 0, n_excluded = 0;

	for (uint32_t n = 0; n < N_BATCHES; n++) {
		memset(b, 0, sizeof *b);
		make_batch(b);
		for (uint32_t i = 0; i < N_RULES; i++)
			for (uint32_t k = 0; k < N_RULES; k++)
				if (i != k)
					check_pair(b, i, k);
		n_implied += b->n_implied;
		n_excluded += b->n_excluded;
		ready_done(&b->r);
		unload(&b->l);
	}
	/* not by keeping silent */
	CHECK(n_implied > 2000);
	CHECK(n_excluded > 1000);
	free(b);
}
