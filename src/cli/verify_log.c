/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify_log: what the kernel's log would say, for tools that read it.
 *
 * Source lines, instructions and states as BPF_LOG_LEVEL2 prints them: "3: (61) r2 = *(u32 *)(r1 +76)", then what is
 * known; at the end the reason and "processed N insns". Linux: kernel/bpf/verifier.c:do_check,
 * print_verification_stats, v6.12.
 */
#include "cli/verify.h"

#include "engine/asm/asm.h"

static void put_line(struct buf *out, const struct prog *p, uint32_t insn)
{
	const struct prog_line *l = prog_line_at(p, insn);
	const char *file;

	if (!l || l->insn != insn || !l->text)
		return;
	file = strrchr(l->file, '/');
	buf_puts(out, "; ");
	buf_put_safe(out, l->text + strspn(l->text, " \t"), strlen(l->text + strspn(l->text, " \t")));
	buf_printf(out, " @ %s:%u\n", file ? file + 1 : l->file, l->line);
}

void verify_put_log(struct verify_sink *s, const struct prog *p, const struct kverifier *v, uint32_t insn,
		    const struct kverify_state *st)
{
	put_line(&s->out, p, insn);
	buf_printf(&s->out, "%u: ", insn);
	buf_printf(&s->out, "(%02x) ", isa_rows[p->insns[insn].row].byte);
	asm_print(&p->insns[insn], insn, p, &s->out);
	buf_puts(&s->out, "  ;");
	kverify_state_print(v, st, &s->out);
	buf_putc(&s->out, '\n');
}

void verify_end_log(struct verify_sink *s, const struct verify_outcome *o)
{
	if (o->verdict != VERIFY_ACCEPTED)
		buf_printf(&s->out, "%s\n", o->d->text);
	buf_printf(&s->out,
		   "processed %llu insns (limit %llu) max_states_per_insn %u total_states %u peak_states %u mark_read "
		   "%u\n",
		   (unsigned long long)o->stats.steps, (unsigned long long)o->kernel->profile->limits.steps,
		   o->stats.states_per_insn, o->stats.states_total, o->stats.states_peak, o->stats.mark_read);
}
