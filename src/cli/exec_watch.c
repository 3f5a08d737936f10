/* SPDX-License-Identifier: Apache-2.0 */
/* exec_watch: a trace of a run, and where its instructions went. */
#include <stdlib.h>

#include "cli/exec.h"
#include "engine/asm/asm.h"

enum { TEXT_COLUMN = 56, LINE_MAX_BYTES = 8192 };

static void put_changes(struct exec_watch *w, const uint64_t *regs)
{
	for (size_t col = w->line.len; col < TEXT_COLUMN; col++)
		buf_putc(&w->line, ' ');
	for (unsigned i = 0; i < ISA_N_REGS; i++)
		if (regs[i] != w->last[i])
			buf_printf(&w->line, " r%u=0x%llx", i, (unsigned long long)regs[i]);
}

/* The line of the instruction before, complete now. */
static void flush_line(struct exec_watch *w, const uint64_t *regs)
{
	if (!w->line.len)
		return;
	if (regs)
		put_changes(w, regs);
	while (w->line.len && w->line.p[w->line.len - 1] == ' ')
		w->line.p[--w->line.len] = 0;
	(void)fprintf(stderr, "%s\n", w->line.p);
	buf_reset(&w->line);
}

static void trace(struct exec_watch *w, const struct prog *p, uint32_t slot, const uint64_t *regs, uint32_t depth)
{
	if (!w->begun) {
		buf_init(&w->line, LINE_MAX_BYTES);
		w->begun = true;
	} else {
		flush_line(w, regs);
	}
	memcpy(w->last, regs, sizeof w->last);
	buf_printf(&w->line, "%6u: %*s", slot, (int)(2 * depth), "");
	if (p)
		asm_print(&p->insns[slot], slot, p, &w->line);
	else
		buf_puts(&w->line, "(another program)");
}

static void step(void *user, const struct vm_prog *vp, uint32_t slot, const uint64_t *regs, uint32_t depth)
{
	struct exec_watch *w = user;
	bool own = vp == w->vp;

	if (own && w->counts)
		w->counts[slot]++;
	if (w->trace)
		trace(w, own ? w->p : NULL, slot, regs, depth);
}

struct vm_observer exec_observer(struct exec_watch *w)
{
	return (struct vm_observer){ .step = step, .user = w };
}

void exec_watch_end(struct exec_watch *w, bool ok, uint64_t r0)
{
	uint64_t regs[ISA_N_REGS];

	if (!w->begun)
		return;
	memcpy(regs, w->last, sizeof regs);
	regs[0] = r0;
	flush_line(w, ok ? regs : NULL);
	buf_done(&w->line);
	w->begun = false;
}

/* A source line (or, without lines, an instruction) or a function, and how many instructions ran of it. */
struct part {
	const struct prog_line *line;
	uint32_t slot; /* the first one of it */
	uint64_t n;
};

static int more_first(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int compare_lines(const struct prog_line *a, const struct prog_line *b)
{
	int c;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	c = strcmp(a->file, b->file);
	return c ? c : (a->line > b->line) - (a->line < b->line);
}

static int by_line(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int c = compare_lines(x->line, y->line);

	return c ? c : x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* One row per source line that ran. Rows are made per slot and joined, since a line may stand in many places. */
static uint32_t lines_of(const struct exec_watch *w, struct part *rows)
{
	uint32_t n = 0, kept = 0;

	for (uint32_t i = 0; i < w->p->n_insns; i++)
		if (w->counts[i])
			rows[n++] = (struct part){ prog_line_at(w->p, i), i, w->counts[i] };
	if (!n)
		return 0;
	qsort(rows, n, sizeof *rows, by_line);
	for (uint32_t i = 0; i < n; i++) {
		bool same = kept && rows[i].line && !compare_lines(rows[kept - 1].line, rows[i].line);

		if (same)
			rows[kept - 1].n += rows[i].n;
		else
			rows[kept++] = rows[i];
	}
	qsort(rows, kept, sizeof *rows, more_first);
	return kept;
}

static uint32_t funcs_of(const struct exec_watch *w, struct part *rows)
{
	uint32_t n = 0;

	for (uint32_t f = 0; f < w->p->n_funcs; f++) {
		uint32_t end = f + 1 < w->p->n_funcs ? w->p->funcs[f + 1].start : w->p->n_insns;
		struct part row = { .slot = w->p->funcs[f].start };

		for (uint32_t i = row.slot; i < end; i++)
			row.n += w->counts[i];
		if (row.n)
			rows[n++] = row;
	}
	if (n)
		qsort(rows, n, sizeof *rows, more_first);
	return n;
}

static uint64_t total(const struct exec_watch *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->p->n_insns; i++)
		n += w->counts[i];
	return n;
}

static void put_row(struct buf *out, const struct part *r, uint64_t all)
{
	buf_printf(out, "%14llu  %5.1f%%  ", (unsigned long long)r->n, all ? 100.0 * (double)r->n / (double)all : 0);
}

static void put_line(const struct exec_watch *w, const struct part *r, struct buf *out)
{
	if (r->line) {
		const char *text = r->line->text + strspn(r->line->text, " \t");

		buf_put_safe(out, r->line->file, strlen(r->line->file));
		buf_printf(out, ":%u: ", r->line->line);
		buf_put_safe(out, text, strlen(text));
	} else {
		buf_printf(out, "slot %u: ", r->slot);
		asm_print(&w->p->insns[r->slot], r->slot, w->p, out);
	}
	buf_putc(out, '\n');
}

/* Room for either list. */
static struct part *rows_new(const struct exec_watch *w)
{
	size_t n = w->p->n_insns > w->p->n_funcs ? w->p->n_insns : w->p->n_funcs;

	return calloc(n + 1, sizeof(struct part));
}

int exec_profile_text(const struct exec_watch *w, struct buf *out)
{
	AUTO_FREE struct part *rows = rows_new(w);
	uint64_t all = total(w);
	uint32_t n;

	if (!rows)
		return cli_fail(CLI_HOST, "%s", err_text(E_NOMEM));
	buf_printf(out, "%14llu instructions\n\nby line\n", (unsigned long long)all);
	n = lines_of(w, rows);
	for (uint32_t i = 0; i < n; i++) {
		put_row(out, &rows[i], all);
		put_line(w, &rows[i], out);
	}
	n = funcs_of(w, rows);
	if (n)
		buf_puts(out, "\nby function\n");
	for (uint32_t i = 0; i < n; i++) {
		const char *name = prog_func_at(w->p, rows[i].slot)->name;

		put_row(out, &rows[i], all);
		buf_put_safe(out, name, strlen(name));
		buf_putc(out, '\n');
	}
	return 0;
}

static void json_line(const struct part *r, struct json *j)
{
	json_object(j);
	json_key(j, "count");
	json_u64(j, r->n);
	if (r->line) {
		json_key(j, "file");
		json_str(j, r->line->file);
		json_key(j, "line");
		json_u64(j, r->line->line);
	}
	json_key(j, "slot");
	json_u64(j, r->slot);
	if (r->line) {
		json_key(j, "text");
		json_str(j, r->line->text);
	}
	json_end_object(j);
}

int exec_profile_json(const struct exec_watch *w, struct json *j)
{
	AUTO_FREE struct part *rows = rows_new(w);
	uint32_t n;

	if (!rows)
		return cli_fail(CLI_HOST, "%s", err_text(E_NOMEM));
	json_object(j);
	json_key(j, "functions");
	json_array(j);
	n = funcs_of(w, rows);
	for (uint32_t i = 0; i < n; i++) {
		json_object(j);
		json_key(j, "count");
		json_u64(j, rows[i].n);
		json_key(j, "name");
		json_str(j, prog_func_at(w->p, rows[i].slot)->name);
		json_end_object(j);
	}
	json_end_array(j);
	json_key(j, "instructions");
	json_u64(j, total(w));
	json_key(j, "lines");
	json_array(j);
	n = lines_of(w, rows);
	for (uint32_t i = 0; i < n; i++)
		json_line(&rows[i], j);
	json_end_array(j);
	json_end_object(j);
	return 0;
}
