/* SPDX-License-Identifier: Apache-2.0 */
/* show: one program at length: its instructions, kverify's states, the kernel's log. */
#include "judge.h"

#include "engine/asm/asm.h"

enum { MIB = 1 << 20, LISTING_BYTES = 64 << 20 };

static void trace_step(void *user, const struct kverifier *v, uint32_t insn, const struct kverify_state *s)
{
	struct show_trace *t = user;

	buf_reset(&t->out);
	buf_printf(&t->out, "%u: ", insn);
	asm_print(&t->p->insns[insn], insn, t->p, &t->out);
	buf_puts(&t->out, "\n      ;");
	kverify_state_print(v, s, &t->out);
	puts(t->out.p);
}

struct kverify_watcher show_watch(struct show_trace *t, const struct prog *p)
{
	t->p = p;
	buf_init(&t->out, MIB);
	return (struct kverify_watcher){ trace_step, t };
}

void show_listing(const struct prog *p)
{
	struct buf text;

	buf_init(&text, LISTING_BYTES);
	for (uint32_t i = 0; i < p->n_insns; i++) {
		if (p->insns[i].sem == ISA_PAD)
			continue;
		buf_printf(&text, "%4u: ", i);
		asm_print(&p->insns[i], i, p, &text);
		buf_putc(&text, '\n');
	}
	fputs(text.p ? text.p : "", stdout);
	buf_done(&text);
}

static void show_ours(struct judge *j, const struct agree_program *p, const struct agree_prog *ap)
{
	struct show_trace t;
	struct kverify_watcher w = show_watch(&t, &ap->prog);
	struct agree_result r;

	j->ours.watcher = j->trace ? &w : NULL;
	for (uint32_t i = 0; i < j->n_kernels; i++) {
		if (j->trace)
			printf("== kverify as %s\n", j->kernels[i]->name);
		agree_judge(&j->ours, j->kernels[i], p, &r);
		judge_print(p->id, j->kernels[i]->name, &r);
	}
	buf_done(&t.out);
}

static void show(struct judge *j, const struct agree_program *p)
{
	struct agree_prog ap = { 0 };
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, 256 * (size_t)MIB);
	if (agree_to_prog(p, j->ours.kernel_types, &a, &ap, &d)) {
		printf("does not decode: %s\n", d.text);
	} else {
		show_listing(&ap.prog);
	}
	show_ours(j, p, &ap);
	if (j->live) {
		struct agree_result r;
		const char *log;

		agree_load(j->kernel, p, j->trace ? 2 | 4 : 1 | 4, &r, &log);
		printf("== the running kernel\n%s", log);
		judge_print(p->id, "live", &r);
	}
	arena_done(&a);
}

int judge_show(struct judge *j)
{
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	struct agree_program p;
	struct arena a;
	struct diag d;
	int code = 2;

	diag_init(&d);
	arena_init(&a, 64 * (size_t)MIB);
	if (getline(&line, &cap, stdin) <= 0) {
		(void)fprintf(stderr, "kjudge: no program on standard input\n");
	} else if (agree_parse(line, &a, &p, &d)) {
		(void)fprintf(stderr, "kjudge: %s\n", d.text);
	} else {
		show(j, &p);
		code = 0;
	}
	arena_done(&a);
	return code;
}
