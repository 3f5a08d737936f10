/* SPDX-License-Identifier: Apache-2.0 */
/* vector: vectors are made of every rule, show every field, and say when content is not what they were made of. */
#include "vector_test.h"

static const struct vector_claim *claim_of(const struct vector_set *s, uint32_t rule, const char *subject)
{
	for (uint32_t i = 0; i < s->n_claims; i++)
		if (s->claims[i].rule == rule && !strcmp(s->claims[i].subject, subject))
			return &s->claims[i];
	return NULL;
}

static const struct vector_field *field_of(const struct vector *v, const char *name)
{
	for (uint32_t i = 0; i < v->n_fields; i++)
		if (!strcmp(v->fields[i].name, name))
			return &v->fields[i];
	return NULL;
}

static bool same_value(const struct vector_field *a, const struct vector_field *b)
{
	return !a == !b && (!a || (a->value_len == b->value_len && !memcmp(a->value, b->value, a->value_len)));
}

/* They are about the same and differ in the subject alone. */
static bool is_pair(const struct vector *a, const struct vector *b)
{
	if (a->rule != b->rule || strcmp(a->type, b->type) || strcmp(a->subject, b->subject) || a->fires == b->fires)
		return false;
	for (uint32_t i = 0; i < a->n_fields; i++)
		if (strcmp(a->fields[i].name, a->subject) != 0 &&
		    !same_value(&a->fields[i], field_of(b, a->fields[i].name)))
			return false;
	for (uint32_t i = 0; i < b->n_fields; i++)
		if (strcmp(b->fields[i].name, a->subject) != 0 && !field_of(a, b->fields[i].name))
			return false;
	return true;
}

/* Each claim with both sorts has a pair. Returns how many fields have one. */
static uint32_t count_pairs(const struct vector_set *s, uint32_t *ret_fields)
{
	uint32_t pairs = 0, fields = 0;

	for (uint32_t k = 0; k < s->n_claims; k++) {
		const struct vector_claim *c = &s->claims[k];
		bool found = false;

		if (!c->subject[0])
			continue;
		fields++;
		for (uint32_t i = 0; i < s->n && !found; i++) {
			const struct vector *v = &s->v[i];

			if (v->rule != c->rule || strcmp(v->subject, c->subject) || strcmp(v->type, c->type))
				continue;
			for (uint32_t j = i + 1; j < s->n && s->v[j].rule == v->rule && !found; j++)
				found = is_pair(v, &s->v[j]);
		}
		CHECK_EQ(found, c->n_fires && c->n_silent);
		pairs += found;
	}
	*ret_fields = fields;
	return pairs;
}

static void check_runs(const struct made *m, const struct content *c)
{
	struct vector_result r;
	struct diag d;

	diag_init(&d);
	if (vector_run(c, &template_builtin, &m->set, NULL, &r, &d))
		fail_msg("%s", d.text);
	CHECK_EQ(r.n, m->set.n);
	CHECK_EQ(r.failed, 0);
}

static void check_complete(const struct made *m)
{
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, 256 << 20);
	if (vector_complete(&m->set, content_n_rules(m->c), m->l.rs, &a, &d))
		fail_msg("W%u: %s", d.id, d.text);
	arena_done(&a);
}

TEST(every_field_of_the_shipped_rules_has_a_pair)
{
	struct made m;
	uint32_t fields, pairs;

	make_shipped(&m);
	CHECK_STR(m.l.said.p, "");
	CHECK_OK(m.err);
	CHECK_EQ(m.set.n_rules, content_n_rules(m.c));
	pairs = count_pairs(&m.set, &fields);
	print_message("# %u vectors of %u rules; %u of %u fields have a pair\n", m.set.n, m.set.n_rules, pairs, fields);
	CHECK_EQ(pairs, fields);
	check_runs(&m, m.c);
	check_complete(&m);
	made_done(&m);
}

/* Those that can never fire as they are published: a list that is empty, a condition that contradicts itself. */
static bool never_fires(const char *rule)
{
	return !strcmp(rule, "Network Connection outside Local Subnet") || !strcmp(rule, "Launch Disallowed Container");
}

TEST(every_public_rule_that_can_fire_has_a_vector_that_fires)
{
	struct made m;
	uint32_t fields, pairs, errors = 0, warnings = 0;

	if (!make_falco(&m))
		SKIP("the public rules are not here (../shared/peers beside the source tree)");
	CHECK_EQ(m.l.rs->n_rules, 93);
	CHECK_EQ(m.err, E_REJECTED);
	for (const struct diag_node *n = m.ds.head; n; n = n->next) {
		errors += n->d.severity == DIAG_ERROR;
		if (n->d.severity == DIAG_ERROR && (n->d.id != 101 || !never_fires(n->d.subject)))
			fail_msg("%s: W%u %s", n->d.subject, n->d.id, n->d.text);
	}
	CHECK_EQ(errors, 2);
	for (uint32_t i = 0; i < m.l.rs->n_rules; i++)
		m.l.rs->rules[i].enabled = !never_fires(m.l.rs->rules[i].name);
	content_free(m.c);
	m.c = load_content(m.l.rs, &m.l.a, true);
	diags_init(&m.ds, &m.l.a);
	CHECK_OK(vector_make(m.l.rs, m.c, &m.l.a, &m.ds, &m.set));
	for (const struct diag_node *n = m.ds.head; n; n = n->next)
		warnings += n->d.id == 102;
	pairs = count_pairs(&m.set, &fields);
	print_message("# %u vectors of %u rules; %u of %u fields have a pair; %u comparisons decide nothing\n", m.set.n,
		      m.set.n_rules, pairs, fields, warnings);
	CHECK(pairs * 100 >= fields * 97);
	CHECK(warnings <= 12);
	check_runs(&m, m.c);
	check_complete(&m);
	made_done(&m);
}

/* ---- what events are made ---- */

#define TWO                                                                                                   \
	"- rule: First\n  condition: evt.type = open and fd.name startswith /etc\n" RULE_TAIL                 \
	"- rule: Off\n  enabled: false\n  condition: evt.type = open and fd.name startswith /etc\n" RULE_TAIL \
	"- rule: Second\n  condition: evt.type = open and fd.name = /etc/shadow\n" RULE_TAIL

#define RULE(condition) "- rule: A\n  condition: " condition "\n" RULE_TAIL

TEST(every_kind_of_comparison_gets_its_pair)
{
	static const char *const rows[] = {
		"evt.type = openat and fd.name = /etc/shadow",
		"evt.type in (open, openat) and fd.name != /etc/shadow",
		"evt.type = open and proc.name in (a, b, c)",
		"evt.type = open and not proc.name in (a, b, c)",
		"evt.type = open and fd.name startswith /etc and fd.name endswith .conf and fd.name contains passwd",
		"evt.type = open and fd.name startswith /etc and not fd.name startswith /etc/ssl",
		"evt.type = open and fd.name glob '/home/*/.ssh/id_[a-z]*'",
		"evt.type = open and fd.name glob '/[!a]?/*' and fd.name endswith x.y",
		"evt.type = open and fd.name iglob '*.EXE'",
		"evt.type = execve and proc.cmdline icontains PassWord and proc.cmdline contains -v",
		"evt.type = open and fd.name regex '/proc/[0-9]+/(mem|maps)'",
		"evt.type = open and fd.name regex '[a-z]{3,5}\\\\.(so|a)(\\\\.[0-9])*'",
		"evt.type = open and fd.name pmatch (/etc, /usr/lib)",
		"evt.type = connect and fd.sip in (10.0.0.0/8, 192.168.0.0/16)",
		"evt.type = connect and fd.sip = 1.2.3.4",
		"evt.type = connect and fd.snet in (2001:db8::/32)",
		"evt.type = connect and fd.ip = 1.2.3.4",
		"evt.type = connect and fd.sport = https",
		"evt.type = connect and fd.sport >= 1024 and fd.sport < 2048",
		"evt.type = connect and evt.rawres < 0",
		"evt.type = connect and fd.sip.name = example.com",
		"evt.type = open and user.uid != 0 and user.loginuid > -1",
		"evt.type = open and evt.is_open_write = true",
		"evt.type = open and proc.aname in (sshd, cron)",
		"evt.type = open and proc.aname[2] = sshd and proc.aname[3] startswith sys",
		"evt.type = open and not proc.aname[1] exists",
		"evt.type = execve and proc.env[LD_PRELOAD] exists and proc.env[HOME] = /root",
		"evt.type = execve and proc.env[LD_*] startswith /tmp",
		"evt.type = execve and proc.args[0] = -c and proc.args[1] contains http",
		"evt.type = execve and proc.args intersects (a, b)",
		"evt.type = execve and proc.cmdline startswith anyof (a, b)",
		"evt.type = execve and proc.cmdline contains allof (a, b)",
		"evt.type = execve and proc.cmdline contains oneof (a, b)",
		"evt.type = execve and tolower(proc.name) = bash",
		"evt.type = execve and toupper(proc.name) = BASH",
		"evt.type = execve and basename(proc.exepath) = bash",
		"evt.type = execve and len(proc.cmdline) > 200",
		"evt.type = execve and proc.name = val(proc.pname)",
		"evt.type = execve and proc.pid != val(proc.vpid)",
		"evt.type = execve and b64(proc.args[0]) contains curl",
		"evt.type = execve and concat(proc.name, \"-\", proc.pname) = a-b",
		"evt.type = execve and (proc.name = a or proc.pname = b) and not (proc.name = a and proc.pname = b)",
		"evt.type = open and (fd.name = /a or fd.name = /b) and not fd.name = /c",
		"evt.arg.flags contains O_TRUNC and evt.type = open",
		"evt.type in (open, openat, creat) and evt.failed = false",
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct made m;
		struct arena a;
		uint32_t fields;

		test_row = rows[i];
		arena_init(&a, 1 << 20);
		make_text(&m, arena_printf(&a, "- rule: A\n  condition: >\n    %s\n" RULE_TAIL, rows[i]));
		CHECK_STR(m.l.said.p, "");
		CHECK_OK(m.err);
		CHECK_EQ(count_pairs(&m.set, &fields), fields);
		CHECK(fields > 0);
		check_runs(&m, m.c);
		check_complete(&m);
		made_done(&m);
		arena_done(&a);
	}
	test_row = NULL;
}

TEST(a_rule_without_a_comparison_to_turn_has_a_vector_that_fires)
{
	struct made m;

	make_text(&m, RULE("evt.type = ptrace"));
	CHECK_STR(m.l.said.p, "");
	CHECK_OK(m.err);
	CHECK_EQ(m.set.n, 1);
	CHECK(m.set.v[0].fires && !m.set.v[0].subject[0]);
	check_complete(&m);
	made_done(&m);
}

TEST(the_tests_beside_a_rule_are_vectors_and_wrong_ones_are_refused)
{
	static const char good[] =
		RULE("evt.type = open and fd.name = /x") "  tests:\n    - {name: n, event: file_open, "
							 "fires: true, fields: {proc.name: me, "
							 "fd.name: /x, evt.type: open}}\n";
	static const char wrong[] = RULE("evt.type = open and fd.name = /x") "  tests:\n    - {name: n, event: "
									     "file_open, fires: true, fields: "
									     "{fd.name: /y, evt.type: open}}\n";
	struct made m;

	make_text(&m, good);
	CHECK_OK(m.err);
	CHECK_EQ(m.set.v[0].kind, VECTOR_AUTHOR);
	CHECK_EQ(m.set.v[0].n_fields, 3);
	CHECK_STR(m.set.v[0].fields[0].name, "evt.type"); /* ascending */
	CHECK(claim_of(&m.set, 0, "")->n_fires >= 1);
	made_done(&m);
	make_text(&m, wrong);
	CHECK_EQ(m.err, E_REJECTED);
	CHECK(made_said(&m, 103));
	made_done(&m);
}

TEST(a_rule_that_nothing_fires_is_refused_and_a_comparison_that_decides_nothing_is_named)
{
	static const struct {
		const char *text;
		unsigned id;
		enum err err;
	} rows[] = {
		{ RULE("evt.type = open and fd.name = /a and fd.name = /b"), 101, E_REJECTED },
		{ RULE("evt.type = open and container.id = x and not container.id exists"), 101, E_REJECTED },
		{ RULE("evt.type = open and (fd.name = /a or fd.name startswith /)"), 102, E_OK },
		{ RULE("evt.type in (open, connect) and (fd.sport = 1 or fd.name = /a) and (fd.name = /b or fd.sport = "
		       "1)"),
		  105, E_OK },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct made m;

		test_row = rows[i].text;
		make_text(&m, rows[i].text);
		CHECK_EQ(m.err, rows[i].err);
		CHECK(made_said(&m, rows[i].id));
		for (const struct diag_node *n = m.ds.head; n; n = n->next)
			CHECK(n->d.pos.line > 0);
		made_done(&m);
	}
	test_row = NULL;
}

TEST(a_condition_too_large_to_search_has_its_authors_vectors)
{
	static const char tests[] = "  tests:\n    - {name: n, event: file_open, fires: true, fields: {fd.name: /a7, "
				    "evt.type: open}}\n";
	struct made m;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "- macro: m\n  condition: (fd.name = /a0");
	for (unsigned i = 1; i < 100; i++)
		buf_printf(&b, " or fd.name = /a%u", i);
	buf_puts(&b, ")\n- rule: A\n  condition: >\n    evt.type = open and (m");
	for (unsigned i = 0; i < 50; i++)
		buf_printf(&b, " or (m and proc.name = p%u)", i);
	buf_puts(&b, ")\n" RULE_TAIL);
	make_text(&m, b.p);
	CHECK_EQ(m.err, E_REJECTED);
	CHECK(made_said(&m, 106) && made_said(&m, 101));
	made_done(&m);
	buf_puts(&b, tests);
	make_text(&m, b.p);
	CHECK_OK(m.err);
	CHECK(made_said(&m, 106));
	CHECK_EQ(m.set.n, 1);
	check_complete(&m);
	made_done(&m);
	buf_done(&b);
}

/* Whatever memory there is, it ends in an error or in the same set. */
TEST(too_little_memory_is_an_error_and_no_smaller_set)
{
	unsigned failed = 0, good = 0;
	struct made m;

	make_text(&m, TWO);
	for (size_t cap = 1 << 8; cap < 8 << 20; cap += cap / 3) {
		struct vector_set s;
		struct diags ds;
		struct arena a;
		enum err err;

		arena_init(&a, cap);
		diags_init(&ds, &m.l.a);
		err = vector_make(m.l.rs, m.c, &a, &ds, &s);
		CHECK(err == E_OK || err == E_NOMEM);
		if (!err)
			CHECK_EQ(s.n, m.set.n);
		failed += err != E_OK;
		good += err == E_OK;
		arena_done(&a);
	}
	CHECK(failed > 5 && good > 5);
	made_done(&m);
}

TEST(what_no_event_can_ask_wants_no_vector)
{
	struct made m;

	make_text(&m, "- macro: never\n  condition: (evt.num = 0)\n" RULE(
			      "evt.type = open and fd.name = /a and not (never and proc.name = x)"));
	CHECK_STR(m.l.said.p, "");
	CHECK_OK(m.err);
	CHECK(!claim_of(&m.set, 0, "proc.name"));
	check_complete(&m);
	made_done(&m);
}

TEST(the_same_rules_give_the_same_vectors)
{
	struct buf b[2];

	for (int i = 0; i < 2; i++) {
		struct made m;

		make_shipped(&m);
		buf_init(&b[i], VECTOR_MAX_FILE_BYTES);
		CHECK_OK(vector_write(&m.set, &b[i], NULL));
		made_done(&m);
	}
	print_message("# %zu bytes\n", b[0].len);
	CHECK_EQ(b[0].len, b[1].len);
	CHECK(!memcmp(b[0].p, b[1].p, b[0].len));
	buf_done(&b[0]);
	buf_done(&b[1]);
}

/* ---- running ---- */

TEST(an_earlier_rule_that_fires_does_not_hide_a_verdict)
{
	struct content *first_only;
	struct made m;

	make_text(&m, TWO);
	CHECK_OK(m.err);
	CHECK_EQ(m.set.n_rules, 2);
	CHECK(claim_of(&m.set, 1, "fd.name")->n_fires > 0);
	first_only = load_content(m.l.rs, &m.l.a, false);
	check_runs(&m, first_only);
	content_free(first_only);
	made_done(&m);
}

static void count_before(void *user, uint32_t vector, const struct vector *v)
{
	uint32_t *n = user;

	(void)v;
	CHECK_EQ(vector, *n);
	CHECK(v != NULL);
	++*n;
}

TEST(f03_other_content_than_was_meant_fails_its_vectors)
{
	static const char other[] =
		"- rule: First\n  condition: evt.type = open and fd.name startswith /usr\n" RULE_TAIL
		"- rule: Second\n  condition: evt.type = open and fd.name = /etc/shadow\n" RULE_TAIL;
	struct vector_result r;
	struct made m, o;
	struct diag d;
	uint32_t n = 0;
	const struct vector_run_opts opts = { count_before, &n };

	make_text(&m, TWO);
	make_text(&o, other);
	diag_init(&d);
	CHECK_EQ(vector_run(o.c, &template_builtin, &m.set, &opts, &r, &d), E_REJECTED);
	CHECK_EQ(n, m.set.n);
	CHECK(r.failed > 0 && r.failed < r.n);
	CHECK_EQ(r.rule, 0);
	CHECK_HAS(r.text, "First");
	CHECK_EQ(d.id, 301);
	made_done(&m);
	made_done(&o);
}

TEST(an_event_that_this_sensor_does_not_have_fails_and_is_no_accident)
{
	static const struct vector_field bad_field = { "no.such", "x", 1 }, bad_value = { "evt.rawres", "x", 1 };
	static const struct vector rows[] = {
		{ 0, "no_such_type", "", VECTOR_FIRES, true, NULL, 0 },
		{ 0, "file_open", "", VECTOR_FIRES, true, &bad_field, 1 },
		{ 0, "file_open", "", VECTOR_FIRES, true, &bad_value, 1 },
		{ 7, "file_open", "", VECTOR_SILENT, false, NULL, 0 },
	};
	struct made m;

	make_text(&m, TWO);
	for (size_t i = 0; i < countof(rows); i++) {
		struct vector_set s = { .v = &rows[i], .n = 1, .n_rules = 2 };
		struct vector_result r;

		CHECK_EQ(vector_run(m.c, &template_builtin, &s, NULL, &r, NULL), E_REJECTED);
		CHECK_EQ(r.failed, 1);
	}
	made_done(&m);
}

/* ---- completeness ---- */

static enum err complete(const struct made *m, const struct vector_set *s, unsigned *id)
{
	struct arena a;
	struct diag d;
	enum err err;

	diag_init(&d);
	arena_init(&a, 256 << 20);
	err = vector_complete(s, content_n_rules(m->c), m->l.rs, &a, &d);
	*id = d.id;
	arena_done(&a);
	return err;
}

TEST(f03_a_set_that_lacks_one_vector_is_not_complete)
{
	struct made m;
	struct vector *v;
	unsigned id;

	make_text(&m, TWO);
	CHECK_EQ(complete(&m, &m.set, &id), E_OK);
	v = ARENA_ARRAY(&m.l.a, struct vector, m.set.n);
	for (uint32_t gone = 0; gone < m.set.n; gone++) {
		struct vector_set s = m.set;

		memcpy(v, s.v, s.n * sizeof *v);
		memmove(v + gone, v + gone + 1, (s.n - gone - 1) * sizeof *v);
		s.v = v;
		s.n--;
		CHECK_EQ(complete(&m, &s, &id), E_REJECTED);
		CHECK(id == 401 || id == 402);
	}
	made_done(&m);
}

TEST(f03_a_set_that_says_nothing_of_a_field_or_a_rule_is_not_complete)
{
	struct made m;
	struct vector_set s;
	struct vector_claim *k;
	unsigned id;

	make_text(&m, TWO);
	k = ARENA_ARRAY(&m.l.a, struct vector_claim, m.set.n_claims);
	for (uint32_t gone = 0; gone < m.set.n_claims; gone++) {
		uint32_t n = 0;
		struct vector *v = ARENA_ARRAY(&m.l.a, struct vector, m.set.n);

		if (!m.set.claims[gone].subject[0])
			continue;
		s = m.set;
		memcpy(k, s.claims, s.n_claims * sizeof *k);
		memmove(k + gone, k + gone + 1, (s.n_claims - gone - 1) * sizeof *k);
		for (uint32_t i = 0; i < s.n; i++)
			if (s.v[i].rule != m.set.claims[gone].rule ||
			    strcmp(s.v[i].subject, m.set.claims[gone].subject))
				v[n++] = s.v[i];
		s = (struct vector_set){ v, n, k, s.n_claims - 1, s.n_rules };
		CHECK_EQ(complete(&m, &s, &id), E_REJECTED);
		CHECK(id == 403);
	}
	s = m.set;
	s.n_rules = 3;
	CHECK_EQ(complete(&m, &s, &id), E_REJECTED);
	CHECK_EQ(id, 404);
	s = (struct vector_set){ .n_rules = 2 };
	CHECK_EQ(complete(&m, &s, &id), E_REJECTED);
	CHECK_EQ(id, 401);
	made_done(&m);
}

/* Compiled here, mapped, and attached: what a host does through another process. */
static enum err attach(struct content *c, struct arena *a, struct jit_image **out)
{
	const struct jit_opts o = { .target = jit_host(), .features = jit_host_features(), .fuel = true };
	uint32_t n = content_n_programs(c);
	struct jit_code *codes = ARENA_ARRAY(a, struct jit_code, n);
	struct diag d;

	CHECK(codes != NULL);
	diag_init(&d);
	TRY(content_compile(c, &o, a, codes, &d));
	TRY(jit_map(codes, n, out, &d));
	return content_attach(c, *out, 0, &d);
}

/* True unless there is no compiler for this machine. */
static bool check_native(struct made *m)
{
	struct vector_result interpreted, native;
	struct jit_image *im = NULL;
	struct arena a;
	struct diag d;
	enum err err;

	diag_init(&d);
	arena_init(&a, 512 << 20);
	CHECK_OK(vector_run(m->c, &template_builtin, &m->set, NULL, &interpreted, &d));
	err = attach(m->c, &a, &im);
	if (err == E_OK) {
		CHECK_EQ(content_n_attached(m->c), content_n_programs(m->c));
		CHECK_OK(vector_run(m->c, &template_builtin, &m->set, NULL, &native, &d));
		CHECK_EQ(native.n, interpreted.n);
		CHECK_EQ(native.failed, 0);
		content_detach(m->c);
	}
	jit_image_free(im);
	arena_done(&a);
	made_done(m);
	CHECK(err == E_OK || err == E_UNSUPPORTED);
	return err == E_OK;
}

TEST(every_vector_holds_in_native_code)
{
	struct made m;

	make_shipped(&m);
	if (!check_native(&m))
		SKIP("no compiler for this machine");
	if (!make_falco(&m))
		SKIP("the public rules are not here");
	CHECK(check_native(&m));
}
