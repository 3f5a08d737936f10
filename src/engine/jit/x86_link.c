/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_link: two streams to one, with branches as short as they can be.
 *
 * Branches are emitted with four bytes of distance, or with one where a loop already shows that this suffices. Here
 * they shrink, in rounds: shortening one brings others nearer and none farther, so what was made short stays right, and
 * the rounds may end at any time. Then the pieces between branches move together.
 */
#include "engine/jit/x86.h"

enum { ROUNDS = 6 };

uint32_t x86_cold_next(const struct x86 *x)
{
	return (uint32_t)(x->cold.p - x->cold.start);
}

void x86_cold_begin(struct x86 *x)
{
	x->hot.p = x->c.p;
	x->c.p = x->cold.p;
	x->in_cold = true;
	if (x->unwind.insn != JIT_NO_INSN)
		x->unwind.insn = x->at;
	x86_unwind_note(x);
}

void x86_cold_end(struct x86 *x)
{
	x->cold.p = x->c.p;
	x->c.p = x->hot.p;
	x->in_cold = false;
	if (x->unwind.insn != JIT_NO_INSN)
		x->unwind.insn = x->f->start;
}

static uint32_t hot_now(const struct x86 *x)
{
	return (uint32_t)((x->in_cold ? x->hot.p : x->c.p) - x->hot.start);
}

static void *grow(struct x86 *x, void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? 2 * *cap : 256;
	void *p;

	if (n < *cap)
		return array;
	p = realloc(array, want * size);
	if (!p) {
		x->oom = true;
		return NULL;
	}
	*cap = want;
	return p;
}

static void note(struct x86 *x, struct x86_branch b)
{
	struct x86_branch *p = grow(x, x->branches, x->n_branches, &x->cap_branches, sizeof *p);

	if (!p)
		return;
	x->branches = p;
	p[x->n_branches++] = b;
}

static unsigned long_bytes(unsigned cc)
{
	return cc < X86_JMP ? 6 : 5;
}

/* The instruction with its distance left open. */
static void emit_long(struct x86_code *c, unsigned cc)
{
	if (cc < X86_JMP) {
		x86_u8(c, 0x0f);
		x86_u8(c, 0x80 | cc);
	} else {
		x86_u8(c, cc == X86_JMP ? 0xe9 : 0xe8);
	}
	x86_u32(c, 0);
}

void x86_jump(struct x86 *x, unsigned cc, uint32_t label, bool fixed)
{
	uint32_t pos = hot_now(x);
	struct x86_branch b = { .pos = pos, .target = label, .kind = X86_TO_SLOT, .cc = (uint8_t)cc, .fixed = fixed };

	if (cc != X86_CALL && x->native[label] != UINT32_MAX && pos + 2 - x->native[label] <= 128) {
		x86_u8(&x->c, cc == X86_JMP ? 0xeb : 0x70 | cc);
		x86_u8(&x->c, 0);
		b.len = 2;
	} else {
		emit_long(&x->c, cc);
		b.len = (uint8_t)long_bytes(cc);
	}
	b.fixed |= cc == X86_CALL;
	note(x, b);
}

void x86_to_cold(struct x86 *x, unsigned cc, uint32_t cold_offset)
{
	struct x86_branch b = { .pos = hot_now(x),
				.target = cold_offset,
				.kind = X86_TO_COLD,
				.cc = (uint8_t)cc,
				.len = (uint8_t)long_bytes(cc),
				.fixed = true };

	emit_long(&x->c, cc);
	note(x, b);
}

void x86_back_to_hot(struct x86 *x, unsigned cc)
{
	struct x86_back *p = grow(x, x->backs, x->n_backs, &x->cap_backs, sizeof *p);

	emit_long(&x->c, cc);
	if (!p)
		return;
	x->backs = p;
	p[x->n_backs++] = (struct x86_back){ .pos = (uint32_t)(x->c.p - x->cold.start) - 4,
					     .hot = hot_now(x),
					     .n_branches = (uint32_t)x->n_branches };
}

void x86_within_cold(struct x86 *x, unsigned op, uint32_t cold_offset)
{
	x86_u8(&x->c, op);
	x86_u32(&x->c, cold_offset - (uint32_t)(x->c.p + 4 - x->cold.start));
}

/* --- shrinking --- */

/* saved[i]: bytes that the branches before number i will be shorter by. */
static void sum_up(const struct x86 *x, uint32_t *saved)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < x->n_branches; i++) {
		saved[i] = sum;
		sum += x->branches[i].shrink;
	}
	saved[x->n_branches] = sum;
}

static uint32_t slot_after(const struct x86 *x, uint32_t slot, const uint32_t *saved)
{
	return x->native[slot] - saved[x->branch_at[slot]];
}

/* One round: true when something became shorter. */
static bool shrink(struct x86 *x, const uint32_t *saved)
{
	bool any = false;

	for (size_t i = 0; i < x->n_branches; i++) {
		struct x86_branch *b = &x->branches[i];
		int64_t from, to;

		if (b->fixed || b->len == 2 || b->shrink)
			continue;
		from = (int64_t)b->pos - saved[i] + 2;
		to = slot_after(x, b->target, saved);
		/* Forwards, what this one itself saves comes on top. */
		if (to > from)
			to -= b->len - 2;
		if (to - from > 127 || to - from < -128)
			continue;
		b->shrink = b->len - 2;
		any = true;
	}
	return any;
}

static void patch(uint8_t *at, int64_t distance)
{
	int32_t d = (int32_t)distance;

	memcpy(at, &d, 4);
}

/* Copy the hot stream, branch by branch. */
static void move(const struct x86 *x, const uint32_t *saved, uint32_t hot_bytes, uint8_t *to)
{
	struct x86_code c = { to };
	uint32_t from = 0;

	for (size_t i = 0; i < x->n_branches; i++) {
		const struct x86_branch *b = &x->branches[i];
		uint32_t len = b->len - b->shrink;
		int64_t target = b->kind == X86_TO_COLD ? hot_bytes + b->target : slot_after(x, b->target, saved);
		int64_t distance = target - ((int64_t)b->pos - saved[i] + len);

		memcpy(c.p, x->hot.start + from, b->pos - from);
		c.p += b->pos - from;
		from = b->pos + b->len;
		if (len == 2) {
			x86_u8(&c, b->cc == X86_JMP ? 0xeb : 0x70u | b->cc);
			x86_u8(&c, (uint8_t)distance);
		} else {
			emit_long(&c, b->cc);
			patch(c.p - 4, distance);
		}
	}
	memcpy(c.p, x->hot.start + from, (size_t)(x->hot.p - x->hot.start) - from);
}

static void patch_cold(const struct x86 *x, const uint32_t *saved, uint32_t hot_bytes, uint8_t *code)
{
	for (size_t i = 0; i < x->n_backs; i++) {
		const struct x86_back *b = &x->backs[i];
		uint32_t at = hot_bytes + b->pos;

		patch(code + at, (int64_t)b->hot - saved[b->n_branches] - (at + 4));
	}
}

static FALLIBLE tables(const struct x86 *x, const uint32_t *saved, struct arena *a, struct jit_code *out)
{
	struct jit_line *lines = ARENA_ARRAY(a, struct jit_line, (size_t)x->plan->n_insns + 2);
	uint32_t *entries = ARENA_ARRAY(a, uint32_t, (size_t)x->plan->n_funcs + 1), n = 0;

	if (!lines || !entries)
		return E_NOMEM;
	for (uint32_t i = 0; i < x->plan->n_insns; i++) {
		uint32_t at = slot_after(x, i, saved);

		if (!i && at)
			lines[n++] = (struct jit_line){ 0, JIT_NO_INSN };
		if (i + 1 < x->plan->n_insns && slot_after(x, i + 1, saved) == at)
			continue;
		lines[n++] = (struct jit_line){ at, i };
	}
	lines[n++] = (struct jit_line){ (uint32_t)(x->hot.p - x->hot.start) - saved[x->n_branches], JIT_NO_INSN };
	for (uint32_t i = 0; i <= x->plan->n_funcs; i++)
		entries[i] = slot_after(x, x86_entry_label(x, i), saved);
	if (entries[x->plan->n_funcs] >= out->code.len)
		entries[x->plan->n_funcs] = 0; /* there is none, and nobody asks */
	out->lines = lines;
	out->n_lines = n;
	out->entries = entries;
	out->n_entries = x->plan->n_funcs + 1;
	return E_OK;
}

FALLIBLE x86_link(struct x86 *x, struct arena *a, struct jit_code *out)
{
	AUTO_FREE uint32_t *saved = malloc((x->n_branches + 1) * sizeof *saved);
	uint32_t hot_bytes, cold_bytes = x86_cold_next(x);
	uint8_t *code;

	if (!saved)
		return E_NOMEM;
	x->hot.p = x->c.p;
	sum_up(x, saved);
	for (unsigned i = 0; i < ROUNDS && shrink(x, saved); i++)
		sum_up(x, saved);
	hot_bytes = (uint32_t)(x->hot.p - x->hot.start) - saved[x->n_branches];
	if ((size_t)hot_bytes + cold_bytes > JIT_MAX_BYTES)
		FAIL_ID(x->d, LIMIT, 'J', 102, "%zu bytes of code, more than %d", (size_t)hot_bytes + cold_bytes,
			JIT_MAX_BYTES);
	code = arena_alloc(a, (size_t)hot_bytes + cold_bytes);
	if (!code)
		return E_NOMEM;
	move(x, saved, hot_bytes, code);
	memcpy(code + hot_bytes, x->cold.start, cold_bytes);
	patch_cold(x, saved, hot_bytes, code);
	out->code = (struct view){ code, (size_t)hot_bytes + cold_bytes };
	TRY(x86_unwind_table(x, saved, hot_bytes, a, out));
	return tables(x, saved, a, out);
}
