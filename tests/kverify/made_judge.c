/* SPDX-License-Identifier: Apache-2.0 */
/* made_judge: what must hold of the verdict on any program. */
#include "made.h"

#include <time.h>

enum { NOTES_BYTES = 8 << 20 };

struct verdict {
	enum err err;
	struct kverify_stats stats;
	struct diag d;
	uint64_t seen, ms; /* steps that were watched, CPU time */
};

struct asked {
	uint32_t n, at;
};

static bool stop_at(void *user)
{
	struct asked *s = user;

	return ++s->n == s->at;
}

static void watch(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	struct verdict *out = user;
	struct buf text;

	(void)insn;
	if (out->seen++ % 16)
		return;
	buf_init(&text, 1 << 16);
	kverify_state_print(v, s, &text);
	buf_done(&text);
}

static uint64_t cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct job {
	const struct prog *p;
	const struct kverify_opts *o;
	size_t room;
	uint32_t cancel_at;
	bool diagnose, watched;
};

static void judge(const struct job *j, struct verdict *out)
{
	struct kverify_opts o = *j->o;
	const struct kverify_watcher watcher = { watch, out };
	struct asked asked = { 0, j->cancel_at };
	struct arena walk, notes;
	uint64_t begin = cpu_ms();

	*out = (struct verdict){ 0 };
	arena_init(&walk, j->room);
	arena_init(&notes, j->room < NOTES_BYTES ? j->room : NOTES_BYTES);
	diag_init(&out->d);
	if (j->cancel_at) {
		o.cancelled = stop_at;
		o.cancel_user = &asked;
	}
	if (j->watched)
		o.watcher = &watcher;
	out->err = j->diagnose ? kverify_diagnose(j->p, &o, &walk, &notes, &out->stats, &out->d)
			       : kverify_prog(j->p, &o, &walk, &out->stats, &out->d);
	for (const struct note *n = out->d.notes; n; n = n->next)
		out->seen += strlen(n->text);
	out->d.notes = NULL;
	arena_done(&walk);
	arena_done(&notes);
	out->ms = cpu_ms() - begin;
}

static bool same(const struct verdict *a, const struct verdict *b)
{
	return a->err == b->err && a->d.id == b->d.id && a->d.family == b->d.family && a->d.insn == b->d.insn &&
	       !strcmp(a->d.text, b->d.text) && !strcmp(a->d.hint, b->d.hint) &&
	       !memcmp(&a->stats, &b->stats, sizeof a->stats) && a->seen == b->seen;
}

/* What was said goes to standard error. */
static const char *wrong(const struct verdict *v, const char *what)
{
	(void)fprintf(stderr, "%s: %c%u %s (%s:%d, %llu ms)\n", err_text(v->err), v->d.family ? v->d.family : '-',
		      v->d.id, v->d.text, v->d.src_file ? v->d.src_file : "?", v->d.src_line,
		      (unsigned long long)v->ms);
	return what;
}

static const char *judge_twice(const struct job *j)
{
	struct verdict a, b;

	judge(j, &a);
	switch (a.err) {
	case E_OK:
		break;
	case E_REJECTED:
	case E_UNSUPPORTED:
	case E_LIMIT:
		if (a.d.err != a.err || !a.d.id || !a.d.text[0])
			return wrong(&a, "a verdict without a reason");
		break;
	case E_CANCELLED:
		if (!j->cancel_at)
			return wrong(&a, "cancelled by nobody");
		break;
	case E_BUG:
		return wrong(&a, "a broken invariant");
	default:
		return wrong(&a, "a verdict that is none");
	}
	if (a.err == E_REJECTED && a.d.insn != DIAG_NONE && a.d.insn > j->p->n_insns)
		return wrong(&a, "a place outside of the program");
	if (a.ms > MADE_CPU_MS)
		return wrong(&a, "too slow");
	judge(j, &b);
	if (same(&a, &b))
		return NULL;
	(void)wrong(&a, "");
	return wrong(&b, "another verdict the second time");
}

const char *made_judge_prog(const struct prog *p, const struct kverify_opts *o, size_t room, bool diagnose)
{
	return judge_twice(&(struct job){ .p = p, .o = o, .room = room, .diagnose = diagnose });
}

const char *made_judge(const struct made *m)
{
	return judge_twice(&(struct job){ .p = &m->prog,
					  .o = &m->opts,
					  .room = m->room,
					  .cancel_at = m->cancel_at,
					  .diagnose = m->diagnose,
					  .watched = m->watched && !m->diagnose });
}
