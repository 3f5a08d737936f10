/* SPDX-License-Identifier: Apache-2.0 */
/* a64_asm: growing arrays, fixing of jumps, constants. */
#include "engine/jit/a64_asm.h"

void a64_asm_done(struct a64_asm *as)
{
	free(as->words);
	free(as->labels);
	free(as->fixes);
	free(as->lines);
	free(as->unwind);
	*as = (struct a64_asm){ 0 };
}

void a64_asm_reset(struct a64_asm *as)
{
	as->n_words = as->n_labels = as->n_fixes = as->n_lines = as->n_unwind = 0;
	as->failed = E_OK;
}

/* Room for n more of `size` bytes in the array that `field` points to; false, and failed set, without. */
static bool room(struct a64_asm *as, void *field, uint32_t used, uint32_t n, uint32_t *cap, size_t size)
{
	size_t want = *cap;
	void *p;

	if (n <= *cap - used)
		return true;
	while (want - used < n)
		want = want ? want * 2 : 256;
	memcpy(&p, field, sizeof p);
	p = want <= UINT32_MAX ? realloc(p, want * size) : NULL;
	if (!p) {
		as->failed = E_NOMEM;
		return false;
	}
	memcpy(field, &p, sizeof p);
	*cap = (uint32_t)want;
	return true;
}

#define ROOM(as, name, n) room((as), &(as)->name, (as)->n_##name, (n), &(as)->cap_##name, sizeof *(as)->name)

void a64_put(struct a64_asm *as, uint32_t word)
{
	if (as->failed != E_OK)
		return;
	if (as->n_words >= JIT_MAX_BYTES / 4) {
		as->failed = E_LIMIT;
		return;
	}
	if (ROOM(as, words, 1))
		as->words[as->n_words++] = word;
}

void a64_mark(struct a64_asm *as, uint32_t insn)
{
	if (as->failed != E_OK || !ROOM(as, lines, 1))
		return;
	/* An instruction without code of its own has no row. */
	if (as->n_lines && as->lines[as->n_lines - 1].native == as->n_words * 4)
		as->n_lines--;
	as->lines[as->n_lines++] = (struct jit_line){ .native = as->n_words * 4, .insn = insn };
}

void a64_unwind(struct a64_asm *as, const struct jit_unwind *u)
{
	if (as->failed != E_OK || !ROOM(as, unwind, 1))
		return;
	if (as->n_unwind && as->unwind[as->n_unwind - 1].native == as->n_words * 4)
		as->n_unwind--;
	as->unwind[as->n_unwind] = *u;
	as->unwind[as->n_unwind++].native = as->n_words * 4;
}

a64_label a64_labels_new(struct a64_asm *as, uint32_t n)
{
	a64_label first = as->n_labels;

	if (as->failed != E_OK || !ROOM(as, labels, n))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		as->labels[as->n_labels++] = A64_UNBOUND;
	return first;
}

void a64_bind(struct a64_asm *as, a64_label l)
{
	if (as->failed != E_OK)
		return;
	assert(l < as->n_labels && as->labels[l] == A64_UNBOUND);
	as->labels[l] = as->n_words;
}

static void add_fix(struct a64_asm *as, enum a64_branch k, a64_label l)
{
	if (as->failed == E_OK && ROOM(as, fixes, 1))
		as->fixes[as->n_fixes++] = (struct a64_fix){ .at = as->n_words, .to = l, .kind = k };
}

/* The same branch taken when this one is not. */
static uint32_t inverted(uint32_t word, enum a64_branch k)
{
	return k == A64_BCOND ? word ^ 1 : word ^ 1u << 24;
}

static bool is_long(const struct a64_asm *as, enum a64_branch k, a64_label l)
{
	bool test = k == A64_TBZ || k == A64_TBNZ;

	if (k == A64_B || k == A64_BL || k == A64_ADR || k == A64_DISTANCE)
		return false;
	if (as->labels[l] != A64_UNBOUND)
		return !a64_branch_fits(k, (int64_t)as->labels[l] - as->n_words);
	return as->far >= (test ? A64_FAR_TEST : A64_FAR_ALL);
}

void a64_jump(struct a64_asm *as, enum a64_branch k, uint32_t word, a64_label l)
{
	if (as->failed != E_OK)
		return;
	if (is_long(as, k, l)) {
		a64_put(as, a64_branch_to(inverted(word, k), k, 2));
		k = A64_B;
		word = a64_b(0);
	}
	add_fix(as, k, l);
	a64_put(as, word);
}

bool a64_asm_finish(struct a64_asm *as)
{
	enum a64_far far = as->far;

	for (uint32_t i = 0; i < as->n_fixes && as->failed == E_OK; i++) {
		const struct a64_fix *f = &as->fixes[i];
		int64_t words = (int64_t)as->labels[f->to] - f->at;

		assert(as->labels[f->to] != A64_UNBOUND);
		if (a64_branch_fits(f->kind, words))
			as->words[f->at] = a64_branch_to(as->words[f->at], f->kind, words);
		else if (f->kind == A64_TBZ || f->kind == A64_TBNZ)
			far = far < A64_FAR_TEST ? A64_FAR_TEST : far;
		else
			far = A64_FAR_ALL;
	}
	if (far == as->far)
		return true;
	as->far = far;
	return false;
}

/* --- constants --- */

static unsigned halves_that_differ(uint64_t v, unsigned n, uint16_t from)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += (uint16_t)(v >> 16 * i) != from;
	return count;
}

void a64_put_imm(struct a64_asm *as, bool sf, unsigned rd, uint64_t v)
{
	unsigned n = sf ? 4 : 2;
	bool neg;
	uint32_t field;

	if (!sf)
		v = (uint32_t)v;
	neg = halves_that_differ(v, n, 0xffff) < halves_that_differ(v, n, 0);
	if (halves_that_differ(v, n, neg ? 0xffff : 0) > 1 && a64_bitmask_fits(sf, v, &field)) {
		a64_put(as, a64_logic_imm(sf, A64_ORR, rd, A64_ZR, field));
		return;
	}
	bool first = true;
	for (unsigned i = 0; i < n; i++) {
		uint16_t half = (uint16_t)(v >> 16 * i);

		if (half == (neg ? 0xffff : 0))
			continue;
		if (first)
			a64_put(as, a64_mov_wide(sf, neg ? A64_MOVN : A64_MOVZ, rd, neg ? (uint16_t)~half : half, i));
		else
			a64_put(as, a64_mov_wide(sf, A64_MOVK, rd, half, i));
		first = false;
	}
	if (first)
		a64_put(as, a64_mov_wide(sf, neg ? A64_MOVN : A64_MOVZ, rd, 0, 0));
}

void a64_put_add(struct a64_asm *as, bool sf, unsigned rd, unsigned rn, int64_t delta, unsigned tmp)
{
	uint64_t up = sf ? (uint64_t)delta : (uint32_t)delta, down = sf ? 0 - (uint64_t)delta : 0 - (uint32_t)delta;

	if (!sf)
		down = (uint32_t)down;
	if (a64_addsub_fits(up)) {
		a64_put(as, a64_addsub_imm(sf, A64_ADD, rd, rn, up));
	} else if (a64_addsub_fits(down)) {
		a64_put(as, a64_addsub_imm(sf, A64_SUB, rd, rn, down));
	} else if (up >> 24 == 0) {
		a64_put(as, a64_addsub_imm(sf, A64_ADD, rd, rn, up & 0xfff000));
		a64_put(as, a64_addsub_imm(sf, A64_ADD, rd, rd, up & 0xfff));
	} else {
		a64_put_imm(as, sf, tmp, up);
		a64_put(as, a64_addsub_reg(sf, A64_ADD, rd, rn, tmp, A64_LSL, 0));
	}
}
