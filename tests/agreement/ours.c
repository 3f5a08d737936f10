/* SPDX-License-Identifier: Apache-2.0 */
/* ours: the verdict of kverify. */
#include "agree.h"

#include <linux/bpf.h>
#include <time.h>

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static enum agree_verdict verdict_of(enum err e)
{
	switch (e) {
	case E_OK:
		return AGREE_ACCEPT;
	case E_REJECTED:
		return AGREE_REJECT;
	case E_UNSUPPORTED:
		return AGREE_UNSUPPORTED;
	default:
		return AGREE_BUG;
	}
}

static void say(enum err e, const struct diag *d, struct agree_result *out)
{
	size_t n = 0;

	out->insn = e && d->insn != DIAG_NONE ? d->insn : UINT64_MAX;
	out->id[0] = out->line[0] = 0;
	if (!e)
		return;
	(void)snprintf(out->id, sizeof out->id, "%c%u", d->family ? d->family : '-', d->id);
	(void)snprintf(out->line, sizeof out->line, "%s", d->err ? d->text : err_text(e));
	for (; out->line[n]; n++)
		if (out->line[n] == '\t' || out->line[n] == '\n')
			out->line[n] = ' ';
}

void agree_judge_prog(const struct agree_ours *o, const struct prog *p, struct kverify_opts *opts, struct arena *a,
		      struct agree_result *out)
{
	struct kverify_stats stats = { 0 };
	struct diag d;
	uint64_t begin = now_us();
	enum err e;

	diag_init(&d);
	opts->kernel_types = o->kernel_types;
	opts->watcher = o->watcher;
	opts->cpus = o->cpus;
	e = kverify_prog(p, opts, a, &stats, &d);
	out->us = now_us() - begin;
	out->verdict = verdict_of(e);
	out->steps = stats.steps;
	out->states_total = stats.states_total;
	out->states_peak = stats.states_peak;
	say(e, &d, out);
}

void agree_judge(const struct agree_ours *o, const struct kernel_profile *k, const struct agree_program *p,
		 struct agree_result *out)
{
	struct agree_prog ap;
	struct arena a, walk; /* the program; what is known of it */
	struct diag d;
	enum err e;

	*out = (struct agree_result){ .insn = UINT64_MAX };
	diag_init(&d);
	arena_init(&a, o->arena_bytes);
	arena_init(&walk, o->arena_bytes);
	e = agree_to_prog(p, o->kernel_types, &a, &ap, &d);
	if (e) {
		/* What does not decode has no instructions to judge; the kernel refuses it when it first looks at them.
		 */
		out->verdict = e == E_FORMAT || e == E_TRUNCATED || e == E_LIMIT ? AGREE_REJECT : AGREE_BUG;
		say(e, &d, out);
	} else {
		struct kverify_opts opts = { .kernel = k,
					     .target = ap.target,
					     .flags = p->flags & (KVERIFY_STRICT_ALIGN | KVERIFY_ANY_ALIGN |
								  KVERIFY_STATE_FREQ | KVERIFY_REG_INVARIANTS),
					     .gpl = true,
					     .types = ap.types };

		_Static_assert(KVERIFY_STRICT_ALIGN == BPF_F_STRICT_ALIGNMENT &&
				       KVERIFY_ANY_ALIGN == BPF_F_ANY_ALIGNMENT &&
				       KVERIFY_STATE_FREQ == BPF_F_TEST_STATE_FREQ,
			       "flags are those of bpf(2)");
		agree_judge_prog(o, &ap.prog, &opts, &walk, out);
	}
	arena_done(&walk);
	arena_done(&a);
}
