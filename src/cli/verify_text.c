/* SPDX-License-Identifier: Apache-2.0 */
/* verify_text: outcomes for people, with what is left of each limit. */
#include "cli/verify.h"

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned)(part * 100 / whole) : 0;
}

static void put_verdict(struct buf *out, const struct verify_outcome *o, bool colour)
{
	static const char *const colours[] = { [VERIFY_ACCEPTED] = "\033[32m",
					       [VERIFY_REJECTED] = "\033[1;31m",
					       [VERIFY_UNSUPPORTED] = "\033[33m",
					       [VERIFY_NO_VERDICT] = "\033[33m" };

	buf_printf(out, "%s%s%s  %s  %s", colour ? colours[o->verdict] : "", verify_verdict_words[o->verdict],
		   colour ? "\033[0m" : "", o->kernel->label, o->prog ? o->prog->name : "(the object)");
}

static void put_headroom(struct buf *out, const struct verify_outcome *o)
{
	const struct kernel_limits *l = &o->kernel->profile->limits;

	buf_printf(out, ": %llu instructions processed (%u %% of %llu), %u states at most, stack %u of %u bytes\n",
		   (unsigned long long)o->stats.steps, percent(o->stats.steps, l->steps), (unsigned long long)l->steps,
		   o->stats.states_peak, o->stats.stack_bytes, l->stack_bytes);
}

void verify_put_text(struct verify_sink *s, const struct verify_outcome *o)
{
	bool colour = cli_colour(STDOUT_FILENO);

	put_verdict(&s->out, o, colour);
	if (o->verdict == VERIFY_ACCEPTED)
		put_headroom(&s->out, o);
	else
		buf_putc(&s->out, '\n');
	if (o->verdict != VERIFY_ACCEPTED)
		diag_render(&s->out, o->d, colour);
	if (o->policy)
		buf_printf(&s->out, "%spolicy%s   %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "",
			   o->policy);
	if (o->heat)
		verify_put_heat(&s->out, o);
}

void verify_json_headroom(struct json *j, const struct verify_outcome *o)
{
	const struct kernel_limits *l = &o->kernel->profile->limits;

	json_key(j, "headroom");
	json_object(j);
	json_key(j, "instructions_percent");
	json_f64(j, 100.0 * (double)o->stats.steps / (double)l->steps);
	json_key(j, "stack_percent");
	json_f64(j, 100.0 * (double)o->stats.stack_bytes / (double)l->stack_bytes);
	json_key(j, "waiting_branches_percent");
	json_f64(j, 100.0 * (double)o->stats.branch_peak / (double)l->branches);
	json_end_object(j);
}

void verify_put_json(struct verify_sink *s, const struct verify_outcome *o)
{
	struct json *j = &s->j;

	json_object(j);
	if (o->verdict != VERIFY_ACCEPTED) {
		json_key(j, "diagnostic");
		cli_json_diag(j, o->d);
	}
	if (o->prog) {
		verify_json_headroom(j, o);
		json_key(j, "instructions");
		json_u64(j, o->prog->n_insns);
	}
	json_key(j, "kernel");
	json_str(j, o->kernel->name);
	json_key(j, "name");
	json_str(j, o->prog ? o->prog->name : NULL);
	if (o->policy) {
		json_key(j, "policy");
		json_str(j, o->policy);
	}
	if (o->prog) {
		json_key(j, "section");
		json_str(j, o->prog->section);
		json_key(j, "stack_bytes");
		json_u64(j, o->stats.stack_bytes);
		json_key(j, "states");
		json_u64(j, o->stats.states_peak);
		json_key(j, "steps");
		json_u64(j, o->stats.steps);
	}
	json_key(j, "verdict");
	json_str(j, verify_verdict_words[o->verdict]);
	json_end_object(j);
}
