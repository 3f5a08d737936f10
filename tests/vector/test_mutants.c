/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutants: rules with one comparison changed, against the vectors of the rule as it was. At least one vector must fail:
 * content that was not compiled as it was written does not pass its self-test.
 *
 * Mutants that say the same as their rule can not fail; they are listed with the reason. Authors' tests do not take
 * part.
 */
#include "vector_test.h"

#include "content/rule/internal.h"

struct mutation {
	const char *name;
	/* Change the comparison, or say that it does not apply. What it was is restored by the caller. */
	bool (*apply)(struct rule_cond *c, struct arena *a);
};

static bool is_text(const struct rule_check *k)
{
	uint32_t id;

	for (uint32_t i = 0; i < template_builtin.n_types && !k->left; i++) {
		const struct template_field *f = template_field_find(&template_builtin, &template_builtin.types[i],
								     k->field, strlen(k->field), &id);

		if (f)
			return f->type == TEMPLATE_STR;
	}
	return false;
}

static bool swap_op(struct rule_cond *c, enum rule_op from, enum rule_op to, bool text)
{
	if (c->check.op != from || c->check.modifier || (text && (!is_text(&c->check) || c->check.length)))
		return false;
	c->check.op = (uint8_t)to;
	return true;
}

static bool negate(struct rule_cond *c, struct arena *a)
{
	struct rule_cond *was = ARENA_NEW(a, struct rule_cond);

	*was = *c;
	c->kids = ARENA_ARRAY(a, struct rule_cond *, 1);
	c->kids[0] = was;
	c->n = 1;
	c->kind = COND_NOT;
	return true;
}

static bool equal_differs(struct rule_cond *c, struct arena *a)
{
	(void)a;
	return swap_op(c, OP_EQ, OP_NE, false) || swap_op(c, OP_NE, OP_EQ, false);
}

static bool other_end(struct rule_cond *c, struct arena *a)
{
	(void)a;
	return swap_op(c, OP_LT, OP_LE, false) || swap_op(c, OP_LE, OP_LT, false) || swap_op(c, OP_GT, OP_GE, false) ||
	       swap_op(c, OP_GE, OP_GT, false);
}

static bool wider(struct rule_cond *c, struct arena *a)
{
	(void)a;
	return swap_op(c, OP_EQ, OP_STARTSWITH, true) || swap_op(c, OP_STARTSWITH, OP_CONTAINS, true) ||
	       swap_op(c, OP_ENDSWITH, OP_CONTAINS, true) || swap_op(c, OP_CONTAINS, OP_ICONTAINS, true) ||
	       swap_op(c, OP_GLOB, OP_IGLOB, true);
}

static bool narrower(struct rule_cond *c, struct arena *a)
{
	(void)a;
	return swap_op(c, OP_STARTSWITH, OP_EQ, true) || swap_op(c, OP_ENDSWITH, OP_EQ, true) ||
	       swap_op(c, OP_CONTAINS, OP_STARTSWITH, true) || swap_op(c, OP_ICONTAINS, OP_CONTAINS, true) ||
	       swap_op(c, OP_IGLOB, OP_GLOB, true);
}

static bool without_first(struct rule_cond *c, struct arena *a)
{
	(void)a;
	if (c->check.n_values < 2)
		return false;
	c->check.values++;
	c->check.n_values--;
	return true;
}

static bool without_last(struct rule_cond *c, struct arena *a)
{
	(void)a;
	if (c->check.n_values < 2)
		return false;
	c->check.n_values--;
	return true;
}

static bool other_value(struct rule_cond *c, struct arena *a)
{
	struct rule_value *v;
	char *text;

	if (c->check.n_values != 1 || c->check.op != OP_EQ || !is_text(&c->check) || !c->check.values->len)
		return false;
	v = ARENA_NEW(a, struct rule_value);
	*v = c->check.values[0];
	text = arena_strndup(a, v->p, v->len);
	text[v->len - 1] ^= 1;
	v->p = text;
	c->check.values = v;
	return true;
}

static const struct mutation mutations[] = {
	{ "negated", negate },
	{ "= for !=", equal_differs },
	{ "the other end of the range", other_end },
	{ "a wider operator", wider },
	{ "a narrower operator", narrower },
	{ "without the first value", without_first },
	{ "without the last value", without_last },
	{ "another value", other_value },
};

/* ---- running them ---- */

struct tally {
	uint32_t killed, equivalent, survived;
	char first[400]; /* of those that survived */
};

struct rule_world {
	const struct made *m;
	uint32_t rule, in_content;
	struct vector *v; /* the rule's vectors, for content that has it alone */
	uint32_t n;
	struct rule_cond *conds[4096]; /* its comparisons, each once */
	uint32_t n_conds;
	struct tally *tally;
};

static void find_checks(struct rule_world *w, const struct rule_cond *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		find_checks(w, c->kids[i]);
	if (c->kind != COND_CHECK || w->n_conds == countof(w->conds))
		return;
	for (uint32_t i = 0; i < w->n_conds; i++)
		if (w->conds[i] == c)
			return;
	w->conds[w->n_conds++] = (struct rule_cond *)(uintptr_t)c;
}

/* The rule as it is now, alone, fails at least one of its vectors. */
static bool fails(const struct rule_world *w)
{
	struct rule one = w->m->l.rs->rules[w->rule];
	struct rule_set rs = *w->m->l.rs;
	struct vector_set set = { .v = w->v, .n = w->n, .n_rules = 1 };
	struct vector_result r;
	struct content *c;
	struct rule_ctx ctx;
	struct arena a;
	struct diag d;
	bool bad;

	arena_init(&a, 64 << 20);
	diag_init(&d);
	ctx = (struct rule_ctx){ .table = rs.table, .a = &a };
	CHECK_OK(rule_find_types(&ctx, one.cond, &one.types, &one.always));
	rs.rules = &one;
	rs.n_rules = 1;
	c = load_content(&rs, &a, true);
	bad = vector_run(c, rs.table, &set, NULL, &r, &d) != E_OK;
	content_free(c);
	arena_done(&a);
	return bad;
}

/* Mutants that are no other rule, and why. */
static const struct excuse {
	const char *mutation, *check, *why;
} excuses[] = {
	{ "a wider operator", "evt.type = connect", "no other event's name begins with it: the type decides" },
	{ "a wider operator", "evt.type = ipc_pipe", "no other event's name begins with it: the type decides" },
	{ "a wider operator", "proc.args contains \">&\"", "there are no letters, so no other case" },
	{ "a wider operator", "proc.args contains \"<&\"", "there are no letters, so no other case" },
	{ "a wider operator", "proc.args contains \"&>\"", "there are no letters, so no other case" },
};

static bool is_excused(const char *mutation, const char *check)
{
	for (size_t i = 0; i < countof(excuses); i++)
		if (!strcmp(excuses[i].mutation, mutation) && !strcmp(excuses[i].check, check))
			return true;
	return false;
}

static void try_mutation(struct rule_world *w, struct rule_cond *c, const struct mutation *mu)
{
	const char *rule = w->m->l.rs->rules[w->rule].name, *text;
	struct rule_cond was = *c;
	struct arena a;

	arena_init(&a, 1 << 20);
	text = rule_check_text(&a, &c->check);
	if (mu->apply(c, &a)) {
		if (fails(w)) {
			w->tally->killed++;
		} else if (is_excused(mu->name, text)) {
			w->tally->equivalent++;
		} else {
			w->tally->survived++;
			print_message("# survives: %s: %s: %s\n", rule, text, mu->name);
			if (!w->tally->first[0])
				(void)snprintf(w->tally->first, sizeof w->tally->first, "%s: %s: %s", rule, text,
					       mu->name);
		}
	}
	*c = was;
	arena_done(&a);
}

static void try_rule(struct rule_world *w)
{
	const struct vector_set *s = &w->m->set;

	w->v = calloc(s->n + 1, sizeof *w->v);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i].rule == w->in_content && s->v[i].kind != VECTOR_AUTHOR) {
			w->v[w->n] = s->v[i];
			w->v[w->n++].rule = 0;
		}
	find_checks(w, w->m->l.rs->rules[w->rule].cond);
	CHECK(!fails(w)); /* as it is, it passes */
	for (uint32_t i = 0; i < w->n_conds; i++)
		for (size_t k = 0; k < countof(mutations); k++)
			try_mutation(w, w->conds[i], &mutations[k]);
	free(w->v);
}

/* Every mutant of every rule, without the help of authors' tests. */
static struct tally try_all(const struct made *m)
{
	struct tally t = { .killed = 0 };
	uint32_t in_content = 0;

	for (uint32_t i = 0; i < m->l.rs->n_rules; i++) {
		struct rule_world *w;

		if (!m->l.rs->rules[i].enabled)
			continue;
		w = calloc(1, sizeof *w);
		*w = (struct rule_world){ .m = m, .rule = i, .in_content = in_content++, .tally = &t };
		try_rule(w);
		free(w);
	}
	print_message("# %u mutants: %u killed, %u equivalent, %u survive\n", t.killed + t.equivalent + t.survived,
		      t.killed, t.equivalent, t.survived);
	return t;
}

TEST(f03_each_mutant_of_the_shipped_rules_fails_a_vector)
{
	struct made m;
	struct tally t;

	make_shipped(&m);
	CHECK_OK(m.err);
	t = try_all(&m);
	CHECK_STR(t.first, "");
	CHECK(t.killed >= 450);
	made_done(&m);
}

TEST(f03_each_mutant_of_every_kind_of_comparison_fails_a_vector)
{
	static const char text[] =
		"- macro: m\n  condition: (proc.name = a or proc.name startswith b)\n"
		"- rule: numbers\n  condition: evt.type = connect and fd.sport >= 1024 and fd.sport < 2048\n" RULE_TAIL
		"- rule: signed\n  condition: evt.type = connect and (evt.rawres <= -5 or evt.rawres > 7)\n" RULE_TAIL
		"- rule: sets\n  condition: evt.type = open and proc.name in (a, b, c) and not fd.name in (/x, "
		"/y)\n" RULE_TAIL "- rule: texts\n  condition: evt.type = open and fd.name startswith /etc/ and "
		"fd.name endswith .conf and "
		"not fd.name contains secret\n" RULE_TAIL "- rule: patterns\n  condition: evt.type = open and (fd.name "
		"glob '/home/*/x' or fd.name iglob '*.EXE' or "
		"fd.name regex '/p/[0-9]+' or fd.name pmatch (/usr/a, /usr/b))\n" RULE_TAIL
		"- rule: addresses\n  condition: evt.type = connect and fd.sip in (10.0.0.0/8, 192.168.0.0/16) and "
		"fd.sip "
		"!= 10.1.1.1\n" RULE_TAIL
		"- rule: lists\n  condition: evt.type = open and (proc.aname in (x, y) or proc.aname[2] = z) and not "
		"proc.aname[3] exists\n" RULE_TAIL "- rule: dictionaries\n  condition: evt.type = execve and "
		"proc.env[A] = b and not proc.env[C] exists\n" RULE_TAIL
		"- rule: sides\n  condition: evt.type = execve and proc.name = val(proc.pname) and proc.pid != "
		"val(proc.vpid)\n" RULE_TAIL
		"- rule: nested\n  condition: evt.type = execve and not (m and (user.uid = 0 or not proc.pname = "
		"c)) and proc.exepath exists\n" RULE_TAIL "- rule: shared\n  condition: evt.type = execve and (m or "
		"user.uid = 0) and not (m and user.uid = 1)\n" RULE_TAIL
		"- rule: lengths\n  condition: evt.type = execve and len(proc.cmdline) > 9 and len(proc.args[0]) <= "
		"3\n" RULE_TAIL
		"- rule: names\n  condition: evt.type in (open, openat, creat) and evt.failed = false\n" RULE_TAIL;
	struct made m;
	struct tally t;

	make_text(&m, text);
	CHECK_STR(m.l.said.p, "");
	t = try_all(&m);
	CHECK_STR(t.first, "");
	CHECK(t.killed >= 125);
	made_done(&m);
}
