/* SPDX-License-Identifier: Apache-2.0 */
/* report: the engine's diagnostics for users. */
#include "lib/lib.h"

enum { LONG_BYTES = 1 << 20 };

struct sp_report {
	char text[240], hint[240], id[8], file[256];
	uint64_t insn, offset;
	uint32_t line;
	struct buf all;
};

static const struct {
	enum sp_status status;
	const char *text;
} rows[] = {
	{ SP_OK, "success" },
	{ SP_NOMEM, "out of memory" },
	{ SP_INVALID, "an argument that is not allowed" },
	{ SP_FORMAT, "malformed input" },
	{ SP_UNSUPPORTED, "not supported" },
	{ SP_LIMIT, "a limit was exceeded" },
	{ SP_REJECTED, "the program is not proven safe" },
	{ SP_FAULT, "the program did what it may not" },
	{ SP_FUEL, "the program used up its fuel" },
	{ SP_NOT_FOUND, "not found" },
	{ SP_EXISTS, "exists already" },
	{ SP_CANCELLED, "stopped by the caller" },
	{ SP_BUG, "a broken invariant of the library" },
};

SP_API const char *sp_status_text(enum sp_status s)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].status == s)
			return rows[i].text;
	return "unknown status";
}

SP_API const char *sp_version(void)
{
	return SALLYPORT_VERSION;
}

enum sp_status lib_status(enum err e)
{
	switch ((int)e) {
	case E_OK:
		return SP_OK;
	case E_NOMEM:
		return SP_NOMEM;
	case E_FORMAT:
	case E_TRUNCATED:
	case E_TYPE:
		return SP_FORMAT;
	case E_UNSUPPORTED:
	case E_HOST:
		return SP_UNSUPPORTED;
	case E_LIMIT:
		return SP_LIMIT;
	case E_REJECTED:
		return SP_REJECTED;
	case E_FAULT:
		return SP_FAULT;
	case E_FUEL:
		return SP_FUEL;
	case E_CANCELLED:
		return SP_CANCELLED;
	case E_NOT_FOUND:
		return SP_NOT_FOUND;
	case E_EXISTS:
		return SP_EXISTS;
	case E_INVALID:
	case E_PERM:
	case E_USAGE:
		return SP_INVALID;
	}
	return SP_BUG;
}

SP_API struct sp_report *sp_report_new(void)
{
	struct sp_report *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	buf_init(&r->all, LONG_BYTES);
	lib_report_clear(r);
	return r;
}

SP_API void sp_report_free(struct sp_report *r)
{
	if (!r)
		return;
	buf_done(&r->all);
	free(r);
}

void lib_report_clear(struct sp_report *r)
{
	if (!r)
		return;
	r->text[0] = r->hint[0] = r->id[0] = r->file[0] = 0;
	r->insn = r->offset = SP_NO_PLACE;
	r->line = 0;
	buf_reset(&r->all);
}

enum sp_status lib_report(struct sp_report *r, enum err e, const struct diag *d)
{
	if (!r || e == E_OK)
		return lib_status(e);
	lib_report_clear(r);
	(void)snprintf(r->text, sizeof r->text, "%s", d->text[0] ? d->text : err_text(e));
	(void)snprintf(r->hint, sizeof r->hint, "%s", d->hint);
	if (d->family)
		(void)snprintf(r->id, sizeof r->id, "%c%03u", d->family, d->id);
	if (d->pos.file)
		(void)snprintf(r->file, sizeof r->file, "%s", d->pos.file);
	r->line = d->pos.line;
	r->insn = d->insn == DIAG_NONE ? SP_NO_PLACE : d->insn;
	r->offset = d->offset == DIAG_NONE ? SP_NO_PLACE : d->offset;
	if (d->text[0])
		diag_render(&r->all, d, false);
	else
		buf_printf(&r->all, "error: %s\n", err_text(e));
	return lib_status(e);
}

SP_API const char *sp_report_text(const struct sp_report *r)
{
	return r->text;
}

SP_API const char *sp_report_id(const struct sp_report *r)
{
	return r->id;
}

SP_API const char *sp_report_long(const struct sp_report *r)
{
	return r->all.p && r->all.len ? r->all.p : "";
}

SP_API const char *sp_report_hint(const struct sp_report *r)
{
	return r->hint;
}

SP_API uint64_t sp_report_insn(const struct sp_report *r)
{
	return r->insn;
}

SP_API uint64_t sp_report_offset(const struct sp_report *r)
{
	return r->offset;
}

SP_API const char *sp_report_file(const struct sp_report *r)
{
	return r->file[0] ? r->file : NULL;
}

SP_API uint32_t sp_report_line(const struct sp_report *r)
{
	return r->line;
}
