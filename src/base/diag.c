/* SPDX-License-Identifier: Apache-2.0 */
/* diag: filling, collecting and rendering diagnostics. */
#include "base/base.h"

#include <stdarg.h>

void diag_init(struct diag *d)
{
	*d = (struct diag){ .offset = DIAG_NONE, .insn = DIAG_NONE };
}

FALLIBLE diag_fail(struct diag *d, enum err err, char family, uint16_t id, const char *src_file, int src_line,
		   const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return err;
	d->err = err;
	d->severity = DIAG_ERROR;
	d->family = family;
	d->id = id;
	d->src_file = src_file;
	d->src_line = src_line;
	va_start(ap, fmt);
	(void)vsnprintf(d->text, sizeof d->text, fmt, ap);
	va_end(ap);
	return err;
}

void diag_hint(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	if (!d)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d->hint, sizeof d->hint, fmt, ap);
	va_end(ap);
}

struct note *diag_note(struct diag *d, struct arena *a, const char *fmt, ...)
{
	struct note *n, **tail;
	char text[512];
	va_list ap;

	if (!d)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n = ARENA_NEW(a, struct note);
	if (!n)
		return NULL;
	n->insn = DIAG_NONE;
	n->text = arena_strndup(a, text, strlen(text));
	if (!n->text)
		return NULL;
	for (tail = &d->notes; *tail; tail = &(*tail)->next)
		;
	*tail = n;
	return n;
}

void diags_init(struct diags *ds, struct arena *a)
{
	*ds = (struct diags){ .arena = a };
	ds->tail = &ds->head;
}

void diags_add(struct diags *ds, const struct diag *d)
{
	struct diag_node *n;

	if (d->severity == DIAG_ERROR)
		ds->n_errors++;
	else if (d->severity == DIAG_WARNING)
		ds->n_warnings++;
	n = ds->n_errors + ds->n_warnings <= DIAGS_MAX ? ARENA_NEW(ds->arena, struct diag_node) : NULL;
	if (!n) {
		ds->overflow = true;
		return;
	}
	n->d = *d;
	*ds->tail = n;
	ds->tail = &n->next;
}

static const char *colour_of(enum diag_severity s)
{
	return s == DIAG_ERROR ? "\033[1;31m" : s == DIAG_WARNING ? "\033[1;33m" : "\033[1;36m";
}

static void render_pos(struct buf *out, const struct diag_pos *p)
{
	buf_put_safe(out, p->file, strlen(p->file));
	if (p->line)
		buf_printf(out, ":%u:%u", p->line, p->col ? p->col : 1);
	buf_puts(out, ": ");
}

static void render_subject(struct buf *out, const struct diag *d)
{
	if (d->pos.file) {
		render_pos(out, &d->pos);
		return;
	}
	if (d->subject) {
		buf_put_safe(out, d->subject, strlen(d->subject));
		if (d->insn != DIAG_NONE)
			buf_printf(out, ":%llu", (unsigned long long)d->insn);
		else if (d->offset != DIAG_NONE)
			buf_printf(out, ":+0x%llx", (unsigned long long)d->offset);
		buf_puts(out, ": ");
	}
}

/* The line with tabs as one space each, and a caret under column col. */
static void render_excerpt(struct buf *out, const struct diag_pos *p, const char *text, bool colour)
{
	size_t len = strlen(text), shown = 0, width;
	uint32_t c, col = p->col ? p->col : 1;

	buf_printf(out, "%6u | ", p->line);
	for (size_t i = 0, n; i < len; i += n, shown++) {
		n = utf8_decode(text + i, len - i, &c);
		if (!n || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			n = n ? n : 1;
			buf_putc(out, c == '\t' ? ' ' : '?');
			continue;
		}
		buf_put(out, text + i, n);
	}
	buf_puts(out, "\n       | ");
	for (uint32_t i = 1; i < col && i <= shown + 1; i++)
		buf_putc(out, ' ');
	buf_puts(out, colour ? "\033[1;32m^" : "^");
	width = p->len > 1 ? p->len : 1;
	for (size_t i = 1; i < width && col + i <= shown; i++)
		buf_putc(out, '~');
	buf_puts(out, colour ? "\033[0m\n" : "\n");
}

static void render_id(struct buf *out, const struct diag *d)
{
	if (d->family)
		buf_printf(out, "[%c%03u]", d->family, d->id);
}

void diag_render(struct buf *out, const struct diag *d, bool colour)
{
	static const char *const word[] = { "error", "warning", "note" };

	render_subject(out, d);
	buf_puts(out, colour ? colour_of(d->severity) : "");
	buf_puts(out, word[d->severity]);
	render_id(out, d);
	buf_puts(out, colour ? "\033[0m: " : ": ");
	buf_put_safe(out, d->text, strlen(d->text));
	buf_putc(out, '\n');
	if (d->pos.line && d->line_text)
		render_excerpt(out, &d->pos, d->line_text, colour);
	if (d->hint[0]) {
		buf_puts(out, "  hint: ");
		buf_put_safe(out, d->hint, strlen(d->hint));
		buf_putc(out, '\n');
	}
	for (const struct note *n = d->notes; n; n = n->next) {
		buf_puts(out, "  note: ");
		if (n->pos.file)
			render_pos(out, &n->pos);
		if (n->insn != DIAG_NONE)
			buf_printf(out, "insn %llu: ", (unsigned long long)n->insn);
		buf_put_safe(out, n->text, strlen(n->text));
		buf_putc(out, '\n');
	}
}

void diags_render(struct buf *out, const struct diags *ds, bool colour)
{
	for (const struct diag_node *n = ds->head; n; n = n->next)
		diag_render(out, &n->d, colour);
	if (ds->overflow)
		buf_printf(out, "more than %d messages: the rest are not shown\n", DIAGS_MAX);
}
