/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/asm/asm.h"

#include "lib/lib.h"

enum { ARENA_MAX = 256 << 20, TEXT_MAX = 256 << 20 };

static FALLIBLE assemble(const char *text, size_t len, struct arena *a, void **code, size_t *bytes, struct diag *d)
{
	struct buf out;
	struct prog p;

	TRY(asm_text(view_of(text, len), "assembly", a, &p, d));
	buf_init(&out, (size_t)ISA_MAX_SLOTS * ISA_SLOT_BYTES);
	asm_encode(p.insns, p.n_insns, &out);
	if (out.full) {
		buf_done(&out);
		return E_NOMEM;
	}
	*code = out.p;
	*bytes = out.len;
	return E_OK;
}

SP_API enum sp_status sp_assemble(const char *text, size_t len, void **code, size_t *bytes, struct sp_report *r)
{
	enum sp_status s;
	struct arena a;
	struct diag d;

	diag_init(&d);
	lib_report_clear(r);
	arena_init(&a, ARENA_MAX);
	s = lib_report(r, assemble(text, len, &a, code, bytes, &d), &d);
	arena_done(&a);
	return s;
}

static FALLIBLE disassemble(struct view code, struct arena *a, char **text, struct diag *d)
{
	struct prog p = { .name = "code" };
	struct buf out;

	TRY(prog_from_code(code, "code", a, &p, d));
	buf_init(&out, TEXT_MAX);
	asm_list(&p, 0, &out);
	if (out.full || !out.p) {
		buf_done(&out);
		return out.full ? E_LIMIT : E_NOMEM;
	}
	*text = out.p;
	return E_OK;
}

SP_API enum sp_status sp_disassemble(const void *code, size_t bytes, char **text, struct sp_report *r)
{
	enum sp_status s;
	struct arena a;
	struct diag d;

	diag_init(&d);
	lib_report_clear(r);
	arena_init(&a, ARENA_MAX);
	s = lib_report(r, disassemble(view_of(code, bytes), &a, text, &d), &d);
	arena_done(&a);
	return s;
}
