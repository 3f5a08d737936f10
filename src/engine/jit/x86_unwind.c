/* SPDX-License-Identifier: Apache-2.0 */
/* x86_unwind: where the caller's frame is, from each place of the code on at which that changes. */
#include "engine/jit/x86.h"

/* Its place in jit_unwind.saved, or JIT_UNWIND_REGS: calls do not preserve it. */
static unsigned unwind_index(unsigned host)
{
	if (host == RBX)
		return 0;
	if (host == RBP)
		return 1;
	return host >= R12 && host <= R15 ? host - R12 + 2 : JIT_UNWIND_REGS;
}

static bool same(const struct jit_unwind *a, const struct jit_unwind *b)
{
	return a->insn == b->insn && a->cfa == b->cfa && a->base == b->base &&
	       !memcmp(a->saved, b->saved, sizeof a->saved);
}

void x86_unwind_note(struct x86 *x)
{
	struct x86_rows *t = &x->rows[x->in_cold];
	uint32_t at = (uint32_t)(x->c.p - (x->in_cold ? x->cold.start : x->hot.start));

	x->unwind.native = at;
	if (t->n && same(&t->p[t->n - 1].u, &x->unwind))
		return;
	if (t->n && t->p[t->n - 1].u.native == at)
		t->n--;
	if (t->n == t->cap) {
		size_t want = t->cap ? 2 * t->cap : 64;
		struct x86_unwind *p = realloc(t->p, want * sizeof *p);

		if (!p) {
			x->oom = true;
			return;
		}
		t->p = p;
		t->cap = want;
	}
	t->p[t->n++] = (struct x86_unwind){ x->unwind, (uint32_t)x->n_branches };
}

void x86_unwind_start(struct x86 *x, uint32_t insn)
{
	x->unwind = (struct jit_unwind){ .insn = insn, .cfa = 8, .base = JIT_UNWIND_SP };
	x86_unwind_note(x);
}

void x86_unwind_sp(struct x86 *x, int bytes)
{
	x->unwind.cfa = (uint16_t)(x->unwind.cfa + bytes);
	x86_unwind_note(x);
}

void x86_unwind_saved(struct x86 *x, unsigned host)
{
	unsigned i = unwind_index(host);

	if (i < JIT_UNWIND_REGS && !x->unwind.saved[i])
		x->unwind.saved[i] = (uint8_t)(x->unwind.cfa / 8 + 1);
	x->unwind.cfa += 8;
}

void x86_save(struct x86 *x, unsigned host)
{
	x86_push(&x->c, host);
	x86_unwind_saved(x, host);
	x86_unwind_note(x);
}

void x86_restore(struct x86 *x, unsigned host)
{
	unsigned i = unwind_index(host);

	x86_pop(&x->c, host);
	if (i < JIT_UNWIND_REGS && x->unwind.saved[i] == x->unwind.cfa / 8)
		x->unwind.saved[i] = 0;
	x86_unwind_sp(x, -8);
}

FALLIBLE x86_unwind_table(const struct x86 *x, const uint32_t *saved, uint32_t hot_bytes, struct arena *a,
			  struct jit_code *out)
{
	size_t n = x->rows[0].n + x->rows[1].n;
	struct jit_unwind *rows = ARENA_ARRAY(a, struct jit_unwind, n);

	if (!rows)
		return E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		bool cold = i >= x->rows[0].n;
		const struct x86_unwind *from = cold ? &x->rows[1].p[i - x->rows[0].n] : &x->rows[0].p[i];

		rows[i] = from->u;
		rows[i].native = cold ? hot_bytes + from->u.native : from->u.native - saved[from->n_branches];
	}
	out->unwind = rows;
	out->n_unwind = (uint32_t)n;
	return E_OK;
}
