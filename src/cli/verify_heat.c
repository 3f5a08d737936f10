/* SPDX-License-Identifier: Apache-2.0 */
/* verify_heat: where verification time goes, by source line. */
#include "cli/verify.h"

enum { LINES_SHOWN = 20, BAR = 24 };

struct line {
	const struct prog_line *l; /* NULL: instructions without a line */
	uint64_t steps;
	uint32_t insn;
};

static int by_place(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;
	int files = strcmp(a->l ? a->l->file : "", b->l ? b->l->file : "");
	uint32_t la = a->l ? a->l->line : 0, lb = b->l ? b->l->line : 0;

	return files ? files : la < lb ? -1 : la > lb;
}

static int by_steps(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;

	return a->steps > b->steps ? -1 : a->steps < b->steps ? 1 : by_place(pa, pb);
}

static uint32_t merge(struct line *l, uint32_t n)
{
	uint32_t out = 0;

	qsort(l, n, sizeof *l, by_place);
	for (uint32_t i = 0; i < n; i++) {
		if (out && !by_place(&l[out - 1], &l[i]))
			l[out - 1].steps += l[i].steps;
		else
			l[out++] = l[i];
	}
	return out;
}

static void put_line(struct buf *out, const struct line *l, uint64_t total, uint64_t top)
{
	unsigned bar = top ? (unsigned)(l->steps * BAR / top) : 0;

	buf_printf(out, "  %5.1f %%  %-*.*s ", 100.0 * (double)l->steps / (double)total, BAR, (int)bar,
		   "########################");
	if (!l->l) {
		buf_printf(out, "instruction %u\n", l->insn);
		return;
	}
	buf_put_safe(out, l->l->file, strlen(l->l->file));
	buf_printf(out, ":%u: ", l->l->line);
	if (l->l->text)
		buf_put_safe(out, l->l->text + strspn(l->l->text, " \t"),
			     strlen(l->l->text + strspn(l->l->text, " \t")));
	buf_putc(out, '\n');
}

void verify_put_heat(struct buf *out, const struct verify_outcome *o)
{
	struct line *l = calloc(o->prog->n_insns + 1, sizeof *l);
	uint64_t total = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; l && i < o->prog->n_insns; i++) {
		const struct prog_line *at = prog_line_at(o->prog, i);

		if (!o->heat[i])
			continue;
		total += o->heat[i];
		l[n++] = (struct line){ .l = at, .steps = o->heat[i], .insn = i };
	}
	if (n) {
		bool typed = l[0].l != NULL;

		n = typed ? merge(l, n) : n;
		qsort(l, n, sizeof *l, by_steps);
		for (uint32_t i = 0; i < n && i < LINES_SHOWN; i++)
			put_line(out, &l[i], total, l[0].steps);
		if (n > LINES_SHOWN)
			buf_printf(out, "  and %u more line%s\n", n - LINES_SHOWN, PLURAL(n - LINES_SHOWN));
	}
	free(l);
}
