/* SPDX-License-Identifier: Apache-2.0 */
/* text: where a byte of a condition stands in its file, and saying so. */
#include <stdarg.h>

#include "content/rule/internal.h"

enum { MAX_SHOWN_LINE = 1024, MAX_TRIES = 4096 };

static const uint8_t severities[] = {
#define R(id, ident, severity, falco, title, help) [id] = DIAG_##severity,
#include "content/rule/rule_diags.def"
#undef R
};

const struct rule_diag_row rule_diags[] = {
#define R(id_, ident, severity, falco, title_, help_) { id_, falco[0] ? "LOAD_" falco : NULL, title_, help_ },
#include "content/rule/rule_diags.def"
#undef R
};
const size_t rule_n_diags = countof(rule_diags);

/* Bytes of the line break at p, as YAML 1.1 has them (libyaml counts lines by it), or 0. */
static size_t line_break(const char *p, size_t len)
{
	if (p[0] == '\r')
		return len > 1 && p[1] == '\n' ? 2 : 1;
	if (p[0] == '\n')
		return 1;
	if (len > 1 && !memcmp(p, "\xc2\x85", 2))
		return 2;
	if (len > 2 && (!memcmp(p, "\xe2\x80\xa8", 3) || !memcmp(p, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}

FALLIBLE rule_file_init(struct rule_file *f, struct arena *a)
{
	size_t n = 1, brk;

	for (size_t i = 0; i < f->len; i += brk ? brk : 1) {
		brk = line_break(f->text + i, f->len - i);
		n += brk != 0;
	}
	f->lines = ARENA_ARRAY(a, uint32_t, n);
	f->memo = ARENA_NEW(a, struct rule_pos_memo);
	if (!f->lines || !f->memo)
		return E_NOMEM;
	f->memo->col = 1;
	f->n_lines = 1;
	for (size_t i = 0; i < f->len; i += brk ? brk : 1) {
		brk = line_break(f->text + i, f->len - i);
		if (brk)
			f->lines[f->n_lines++] = (uint32_t)(i + brk);
	}
	return E_OK;
}

static uint32_t line_of(const struct rule_file *f, uint32_t at)
{
	uint32_t lo = 0, hi = f->n_lines;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (f->lines[mid] <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t code_points(const char *p, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((uint8_t)p[i] & 0xc0) != 0x80;
	return n;
}

static char *copy_line(const struct rule_file *f, uint32_t start, struct arena *a)
{
	size_t end = start;

	while (end < f->len && end - start <= MAX_SHOWN_LINE && !line_break(f->text + end, f->len - end))
		end++;
	return end - start <= MAX_SHOWN_LINE ? arena_strndup(a, f->text + start, end - start) : NULL;
}

struct diag_pos rule_file_pos(const struct rule_file *f, uint32_t at, struct arena *a, const char **line_text)
{
	uint32_t line = line_of(f, at);
	struct rule_pos_memo m = *f->memo;

	if (m.line != line || m.at > at)
		m = (struct rule_pos_memo){ .line = line, .at = f->lines[line], .col = 1 };
	m.col += code_points(f->text + m.at, at - m.at);
	m.at = at;
	*f->memo = m;
	if (line_text)
		*line_text = copy_line(f, f->lines[line], a);
	return (struct diag_pos){ .file = f->name, .line = line + 1, .col = m.col, .len = 1 };
}

static const struct rule_seg *seg_of(const struct rule_text *t, uint32_t off)
{
	uint32_t lo = 0, hi = t->n_segs;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->segs[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	return &t->segs[lo];
}

static uint32_t file_byte(const struct rule_text *t, uint32_t off, const struct rule_file **f)
{
	const struct rule_seg *s = seg_of(t, off);
	uint32_t at = s->at;

	*f = s->file;
	if (!s->fixed)
		at += off - s->off;
	return at < s->file->len ? at : (uint32_t)s->file->len;
}

struct diag_pos rule_span_pos(struct rule_span s, struct arena *a, const char **line_text)
{
	const struct rule_file *f, *last_file;
	uint32_t at, last;
	struct diag_pos pos;

	if (!s.text || !s.text->n_segs) {
		if (line_text)
			*line_text = NULL;
		return (struct diag_pos){ 0 };
	}
	at = file_byte(s.text, s.off, &f);
	pos = rule_file_pos(f, at, a, line_text);
	if (s.len > 1) {
		last = file_byte(s.text, s.off + s.len - 1, &last_file);
		if (last_file == f && last > at && line_of(f, last) == line_of(f, at))
			pos.len = code_points(f->text + at, last - at + 1);
	}
	return pos;
}

const struct rule_text *rule_text_join(struct arena *a, const struct rule_text *x, const struct rule_text *y)
{
	struct rule_text *t = ARENA_NEW(a, struct rule_text);
	struct rule_seg *segs = ARENA_ARRAY(a, struct rule_seg, (size_t)x->n_segs + y->n_segs);

	if (!t || !segs)
		return NULL;
	t->p = arena_printf(a, "%s %s", x->p, y->p);
	t->len = x->len + 1 + y->len;
	memcpy(segs, x->segs, x->n_segs * sizeof *segs);
	memcpy(segs + x->n_segs, y->segs, y->n_segs * sizeof *segs);
	for (uint32_t i = 0; i < y->n_segs; i++)
		segs[x->n_segs + i].off += x->len + 1;
	t->segs = segs;
	t->n_segs = x->n_segs + y->n_segs;
	return t->p ? t : NULL;
}

static void add_seg(struct rule_text_maker *m, struct rule_seg seg)
{
	seg.off = (uint32_t)m->out.len;
	m->segs = m->nomem ? NULL : arena_grow(m->a, m->segs, m->n_segs, &m->cap, sizeof seg);
	if (m->segs)
		m->segs[m->n_segs++] = seg;
	else
		m->nomem = true;
}

void rule_text_take(struct rule_text_maker *m, struct rule_span part)
{
	const struct rule_text *t = part.text;

	for (uint32_t i = part.off, end = part.off + part.len, next; i < end; i = next) {
		const struct rule_seg *s = seg_of(t, i);
		struct rule_seg seg = *s;

		next = s + 1 < t->segs + t->n_segs && s[1].off < end ? s[1].off : end;
		if (!s->fixed)
			seg.at += i - s->off;
		add_seg(m, seg);
		buf_put(&m->out, t->p + i, next - i);
	}
}

void rule_text_put(struct rule_text_maker *m, const char *p, size_t len, struct rule_span at)
{
	struct rule_seg seg = { .fixed = true };

	seg.at = file_byte(at.text, at.off, &seg.file);
	add_seg(m, seg);
	buf_put(&m->out, p, len);
}

const struct rule_text *rule_text_finish(struct rule_text_maker *m)
{
	struct rule_text *t = ARENA_NEW(m->a, struct rule_text);

	if (!t || m->nomem || m->out.full || !m->n_segs)
		return NULL;
	*t = (struct rule_text){ .p = arena_strndup(m->a, m->out.p ? m->out.p : "", m->out.len),
				 .len = (uint32_t)m->out.len,
				 .segs = m->segs,
				 .n_segs = m->n_segs };
	return t->p ? t : NULL;
}

struct rule_span rule_span_all(const struct rule_text *t)
{
	return (struct rule_span){ t, 0, t ? t->len : 0 };
}

bool rule_span_is(struct rule_span s, const char *word)
{
	return strlen(word) == s.len && !memcmp(s.text->p + s.off, word, s.len);
}

static struct diag *PRINTF_LIKE(5, 0) report(struct rule_ctx *c, enum rule_diag id, struct diag_pos pos,
					     const char *line_text, const char *fmt, va_list ap)
{
	struct diag_node **tail = c->ds->tail;
	struct diag d;

	diag_init(&d);
	d.err = E_REJECTED;
	d.severity = severities[id];
	d.family = 'R';
	d.id = (uint16_t)id;
	d.pos = pos;
	d.line_text = line_text;
	(void)vsnprintf(d.text, sizeof d.text, fmt, ap);
	diags_add(c->ds, &d);
	/* tail points into the node that was just added, whose first member it is */
	return c->ds->tail != tail ? &((struct diag_node *)(void *)c->ds->tail)->d : NULL;
}

/* Nobody will see it: only count. Warnings get half of the room, so that they cannot hide errors. */
static bool dropped(struct rule_ctx *c, enum rule_diag id)
{
	struct diags *ds = c->ds;

	if (severities[id] == DIAG_WARNING && ds->n_warnings >= DIAGS_MAX / 2) {
		ds->overflow = true;
		return true;
	}
	if (ds->n_errors + ds->n_warnings < DIAGS_MAX)
		return false;
	ds->overflow = true;
	if (severities[id] == DIAG_ERROR)
		ds->n_errors++;
	return true;
}

struct diag *rule_report(struct rule_ctx *c, enum rule_diag id, struct rule_span at, const char *fmt, ...)
{
	const char *line_text;
	struct diag_pos pos;
	struct diag *d;
	va_list ap;

	if (dropped(c, id))
		return NULL;
	pos = rule_span_pos(at, c->a, &line_text);
	va_start(ap, fmt);
	d = report(c, id, pos, line_text, fmt, ap);
	va_end(ap);
	return d;
}

struct diag *rule_report_at(struct rule_ctx *c, enum rule_diag id, const struct rule_file *f, uint32_t at,
			    const char *fmt, ...)
{
	const char *line_text;
	struct diag_pos pos;
	struct diag *d;
	va_list ap;

	if (dropped(c, id))
		return NULL;
	pos = rule_file_pos(f, at < f->len ? at : (uint32_t)f->len, c->a, &line_text);
	va_start(ap, fmt);
	d = report(c, id, pos, line_text, fmt, ap);
	va_end(ap);
	return d;
}

void rule_note(struct rule_ctx *c, struct diag *d, struct rule_span at, const char *fmt, ...)
{
	char text[240];
	struct note *n;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	n = diag_note(d, c->a, "%s", text);
	if (n)
		n->pos = rule_span_pos(at, c->a, NULL);
}

void rule_nearest_try(struct rule_nearest *n, const char *name)
{
	unsigned d;
	size_t common = 0;

	if (!n->d || n->tried == MAX_TRIES)
		return;
	n->tried++;
	d = text_distance(n->want, n->want_len, name, strlen(name));
	while (common < n->want_len && n->want[common] == name[common])
		common++;
	/* at most a third of the letters wrong: a worse guess would not help. Among equals the one that begins alike */
	if (d * 3 > n->want_len || (n->best && (d > n->distance || (d == n->distance && common <= n->common))))
		return;
	n->best = name;
	n->distance = d;
	n->common = common;
}

void rule_nearest_hint(const struct rule_nearest *n)
{
	if (n->best)
		diag_hint(n->d, "did you mean '%s'?", n->best);
}
