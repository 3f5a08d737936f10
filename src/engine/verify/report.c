/* SPDX-License-Identifier: Apache-2.0 */
/* report: why a program was refused, where, what was known there, and how the path came there. */
#include <stdarg.h>

#include "engine/verify/verify_internal.h"

enum { NOTE_BYTES = 400 };

static const enum err row_err[] = {
#define VDIAG(id, name, err, title, help) E_##err,
#include "engine/verify/diagnostics.def"
#undef VDIAG
};

const struct verify_diag_row verify_diags[] = {
#define VDIAG(id_, name, err, title_, help_) { .id = (id_), .title = title_, .help = help_ },
#include "engine/verify/diagnostics.def"
#undef VDIAG
};
const size_t verify_n_diags = countof(verify_diags);

static size_t row_of(enum verify_id id)
{
	for (size_t i = 0; i < verify_n_diags; i++)
		if (verify_diags[i].id == (uint16_t)id)
			return i;
	assert(false && "every id has a row");
	abort();
}

const char *verify_type_name(const struct reg *r)
{
	static const char *const name[] = {
		[REG_NONE] = "nothing",
		[REG_DEAD] = "nothing",
		[REG_SCALAR] = "a number",
		[REG_CTX] = "the context pointer",
		[REG_STACK] = "a stack pointer",
		[REG_VALUE] = "a pointer to a map value",
		[REG_VALUE_OR_NULL] = "a pointer to a map value, or null",
		[REG_KEY] = "a pointer to a map key",
		[REG_RECORD] = "a pointer to a record",
		[REG_RECORD_OR_NULL] = "a pointer to a record, or null",
		[REG_MAP] = "a map",
		[REG_MAP_OR_NULL] = "a map, or null",
		[REG_FUNC] = "a function",
		[REG_HANDLE] = "a handle",
		[REG_HANDLE_OR_NULL] = "a handle, or null",
	};

	return name[r->type];
}

static void place(const struct prog *p, uint32_t insn, struct diag_pos *pos, const char **text)
{
	const struct prog_line *l = prog_line_at(p, insn);

	if (!l)
		return;
	*pos = (struct diag_pos){ .file = l->file, .line = l->line, .col = l->col };
	if (text && l->text && l->text[0])
		*text = l->text;
}

static void note_reg(struct verifier *v, int reg)
{
	const struct reg *r = &state_frame(&v->cur)->r[reg];
	bool known = reg_is_readable(r) && r->set_at < v->p->n_insns;
	struct note *n;
	struct buf b;

	buf_init(&b, NOTE_BYTES);
	reg_print(r, &b);
	n = diag_note(v->d, v->arena, "r%d is %s%s", reg, b.p ? b.p : "?", known ? ", set here" : "");
	buf_done(&b);
	if (!n || !known)
		return;
	n->insn = r->set_at;
	place(v->p, r->set_at, &n->pos, NULL);
}

static void note_path(struct verifier *v)
{
	const struct state *s = &v->cur;
	uint32_t n = s->n_recent < RECENT_MAX ? s->n_recent : RECENT_MAX;

	if (s->n_recent > n)
		(void)diag_note(v->d, v->arena, "the path: %u branches, then", s->n_recent - n);
	for (uint32_t i = s->n_recent - n; i < s->n_recent; i++) {
		uint32_t insn = s->recent[i % RECENT_MAX] / 2;
		struct note *note = diag_note(v->d, v->arena, "the path: this branch was %s",
					      s->recent[i % RECENT_MAX] & 1 ? "taken" : "not taken");

		if (!note)
			return;
		note->insn = insn;
		place(v->p, insn, &note->pos, NULL);
	}
}

static void note_calls(struct verifier *v)
{
	for (uint32_t f = v->cur.n_frames; f-- > 1;) {
		uint32_t at = v->cur.frames[f].call_site;
		const struct prog_func *fn = prog_func_at(v->p, v->funcs[v->cur.frames[f].func].start);
		struct note *n = diag_note(v->d, v->arena, "in %s, called from here", fn ? fn->name : "a function");

		if (!n)
			return;
		n->insn = at;
		place(v->p, at, &n->pos, NULL);
	}
}

FALLIBLE verify_fail(struct verifier *v, enum verify_id id, int reg, const char *file, int line, const char *fmt, ...)
{
	size_t row = row_of(id);
	struct diag *d = v->d;
	va_list ap;
	char text[sizeof d->text];
	enum err err;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err = diag_fail(d, row_err[row], 'V', (uint16_t)id, file, line, "%s", text);
	if (!d)
		return err;
	d->subject = v->p->name;
	diag_hint(d, "%s", verify_diags[row].help);
	if (v->cur.insn < v->p->n_insns) {
		d->insn = v->cur.insn;
		place(v->p, v->cur.insn, &d->pos, &d->line_text);
	}
	if (reg >= 0 && v->cur.n_frames)
		note_reg(v, reg);
	note_calls(v);
	note_path(v);
	return err;
}

FALLIBLE verify_out_of_memory(struct verifier *v)
{
	REJECT(v, MEMORY, "verification needs more than %zu KiB", v->arena->cap >> 10);
}
