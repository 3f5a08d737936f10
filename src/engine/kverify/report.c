/* SPDX-License-Identifier: Apache-2.0 */
/* report: a reason to reject becomes a diagnostic: id, place, the kernel's words, what to do. */
#include "engine/kverify/internal.h"

#include <stdarg.h>

const struct kverify_diag_row kverify_diags[] = {
#define KDIAG(id, name, cls, title, need, mend, log) { id, #name, KCLASS_##cls, title, need, mend, log },
#include "engine/kverify/diagnostics.def"
#undef KDIAG
};
const size_t kverify_n_diags = countof(kverify_diags);

static const struct kverify_diag_row *row_of(enum kverify_id id)
{
	for (size_t i = 0; i < kverify_n_diags; i++)
		if (kverify_diags[i].id == id)
			return &kverify_diags[i];
	return NULL;
}

static enum err err_of(enum kverify_id id, const struct kverify_diag_row *row)
{
	if (id == KV_MEMORY)
		return E_LIMIT;
	if (id == KV_CANCELLED)
		return E_CANCELLED;
	if (!row || row->cls == KCLASS_BUG)
		return E_BUG;
	return row->cls == KCLASS_UNSUPPORTED ? E_UNSUPPORTED : E_REJECTED;
}

static void place(const struct prog *p, uint32_t insn, struct diag *d)
{
	const struct prog_line *l = prog_line_at(p, insn);

	d->insn = insn;
	if (!l)
		return;
	d->pos.file = l->file;
	d->pos.line = l->line;
	d->pos.col = l->col;
	if (l->text && l->text[0])
		d->line_text = l->text;
}

FALLIBLE kv_fail(struct kverifier *v, enum kverify_id id, int reg, const char *file, int line, const char *fmt, ...)
{
	const struct kverify_diag_row *row = row_of(id);
	struct diag *d = v->d;
	char text[sizeof d->text];
	va_list ap;
	enum err err;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err = diag_fail(d, err_of(id, row), 'Q', (uint16_t)id, file, line, "%s", text);
	v->failed_reg = reg;
	if (!d)
		return err;
	d->subject = v->p->name;
	if (row)
		diag_hint(d, "%s", row->mend);
	if (v->insn < v->p->n_insns)
		place(v->p, v->insn, d);
	return err;
}

FALLIBLE kv_out_of_memory(struct kverifier *v)
{
	return kv_fail(v, KV_MEMORY, -1, __FILE__, __LINE__, "the verification needs more than %zu KiB",
		       v->arena->cap >> 10);
}
