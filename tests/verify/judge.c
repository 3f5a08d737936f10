/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

enum { MEMORY = 64 << 20 };

typedef enum err verify_fn(const struct prog *p, const struct verify_opts *o, struct arena *a,
			   struct verify_stats *stats, struct diag *d, struct watch *w);

static enum err loosely(const struct prog *p, const struct verify_opts *o, struct arena *a, struct verify_stats *stats,
			struct diag *d, struct watch *w)
{
	(void)w;
	return verify_prog(p, o, a, stats, d);
}

static enum err while_watched(const struct prog *p, const struct verify_opts *o, struct arena *a,
			      struct verify_stats *stats, struct diag *d, struct watch *w)
{
	return verify_observed(p, o, a, stats, d, watch_observe, w);
}

static void nobody(void *user, const struct state *s)
{
	(void)user;
	(void)s;
}

static enum err strictly(const struct prog *p, const struct verify_opts *o, struct arena *a, struct verify_stats *stats,
			 struct diag *d, struct watch *w)
{
	(void)w;
	return verify_observed(p, o, a, stats, d, nobody, NULL);
}

static enum err on_every_path(const struct prog *p, const struct verify_opts *o, struct arena *a,
			      struct verify_stats *stats, struct diag *d, struct watch *w)
{
	(void)w;
	return verify_every_path(p, o, a, stats, d);
}

static enum err verdict(const struct judge *j, verify_fn *verify, const struct prog *p, struct watch *w,
			uint64_t *steps, struct diag *d)
{
	struct verify_opts o = { .profile = j->profile, .type = j->type, .ctx = j->ctx };
	struct verify_stats stats;
	struct arena a;
	enum err err;

	arena_init(&a, MEMORY);
	diag_init(d);
	err = verify(p, &o, &a, &stats, d, w);
	d->notes = NULL;
	*steps += stats.steps;
	arena_done(&a);
	return err;
}

static bool wrong(struct judge *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct judge *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(j->wrong, sizeof j->wrong, fmt, ap);
	va_end(ap);
	return false;
}

static bool run(struct judge *j, const struct watch *w, const struct prog *p)
{
	static const struct abi_ctx no_ctx = { .name = "none" };

	for (uint64_t k = 0; k < j->runs; k++) {
		uint32_t insn = 0;
		const char *what = watch_run(w, p, j->ctx ? j->ctx : &no_ctx, j->seed * j->runs + k, &insn);

		if (what)
			return wrong(j, "run %llu, instruction %u: %s%s", (unsigned long long)k, insn, what,
				     w->overflow ? " (nobody watched)" : "");
	}
	return true;
}

static void note(struct judge *j, enum err err, const struct diag *d)
{
	j->programs++;
	j->accepted += !err;
	if (err && d->id < countof(j->refused))
		j->refused[d->id]++;
}

bool judge_watched(struct judge *j, const struct prog *p)
{
	static struct watch w;
	struct diag d;
	enum err err;
	bool ok = true;

	watch_init(&w);
	w.census = j->census;
	err = verdict(j, while_watched, p, &w, &j->strict_steps, &d);
	note(j, err, &d);
	if (err == E_BUG)
		ok = wrong(j, "%s", d.text);
	else if (!err)
		ok = run(j, &w, p);
	watch_done(&w);
	return ok;
}

/* other leaves less out than got. */
static bool agree(struct judge *j, enum err got, enum err other, const struct diag *d, const char *how)
{
	if (got == E_BUG || other == E_BUG)
		return wrong(j, "%s", d->text);
	if (got ? other != E_OK : !other || other == E_LIMIT)
		return true;
	return wrong(j, "%s, but not %s: V%u at %llu: %s", got ? "refused" : "accepted", how, d->id,
		     (unsigned long long)d->insn, d->text);
}

/*
 * Where the runtime bounds a loop its states are widened after a few rounds (widen.c), by how they came there: to walk
 * more paths may then lose more, and refuse what is safe. No verdict on all paths, then.
 */
static bool widens(const struct prog *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++) {
		const struct isa_insn *in = &p->insns[i];

		if (in->sem == ISA_MAY_GOTO ||
		    (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER &&
		     (in->imm == LINUX_LOOP || in->imm == LINUX_FOR_EACH || in->imm == LINUX_DRAIN)))
			return true;
	}
	return false;
}

bool judge_pruned(struct judge *j, const struct prog *p)
{
	static const struct watch unwatched = { .overflow = true };
	struct diag d, strict_d, every_d;
	enum err err = verdict(j, loosely, p, NULL, &j->steps, &d),
		 strict = verdict(j, strictly, p, NULL, &j->strict_steps, &strict_d),
		 every = verdict(j, on_every_path, p, NULL, &j->every_steps, &every_d);

	note(j, err, &d);
	j->over_budget += every == E_LIMIT;
	if (every != E_BUG && widens(p))
		every = strict;
	return agree(j, err, strict, err ? &d : &strict_d, "with every number compared") &&
	       agree(j, strict, every, strict ? &strict_d : &every_d, "with every path walked") &&
	       (err || run(j, &unwatched, p));
}
