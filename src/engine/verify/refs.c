/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refs: records that helpers hand out and that must be given back.
 *
 * Each has an id of its own, which every copy of the pointer carries. The list of ids in the state says what is held,
 * even when no register knows it any more. A callback may run never or often, so it gives back what it took and nothing
 * else. Linux: kernel/bpf/verifier.c:acquire_reference_state, release_reference, check_reference_leak, v6.12.
 */
#include "engine/verify/verify_internal.h"

/* Number of frames when the innermost callback at work began. */
static uint32_t callback_frame(const struct state *s)
{
	uint32_t f = s->n_frames;

	while (f && !s->frames[f - 1].callback)
		f--;
	return f;
}

FALLIBLE ref_take(struct verifier *v, uint32_t *id)
{
	struct state *s = &v->cur;

	if (s->n_refs == REFS_MAX)
		REJECT(v, RECORDS, "more than %d records are held", REFS_MAX);
	*id = reg_fresh_id(v);
	s->refs[s->n_refs++] = (struct ref){ .id = *id, .frame = callback_frame(s) };
	return E_OK;
}

bool ref_drop(struct state *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->n_refs; i++) {
		if (s->refs[i].id != id)
			continue;
		memmove(&s->refs[i], &s->refs[i + 1], (s->n_refs - i - 1) * sizeof s->refs[0]);
		s->n_refs--;
		return true;
	}
	return false;
}

static void forget(struct frame *f, uint32_t id)
{
	for (int r = 0; r < ISA_N_REGS; r++)
		if (f->r[r].id == id && reg_is_readable(&f->r[r]))
			f->r[r] = (struct reg){ .type = REG_NONE };
	for (uint32_t i = 0; i < f->n_slots; i++)
		if (f->slots[i].byte[0] == BYTE_SPILL && f->slots[i].reg.id == id)
			memset(f->slots[i].byte, BYTE_NONE, SLOT_BYTES);
}

FALLIBLE ref_give_back(struct verifier *v, uint32_t id)
{
	struct state *s = &v->cur;
	uint32_t callback = callback_frame(s);

	for (uint32_t i = 0; i < s->n_refs; i++)
		if (s->refs[i].id == id && s->refs[i].frame != callback)
			REJECT(v, RECORD_FOREIGN, "the record was taken before this callback began");
	ENSURE(v, ref_drop(s, id));
	for (uint32_t f = 0; f < s->n_frames; f++)
		forget(&s->frames[f], id);
	return E_OK;
}

FALLIBLE ref_none_held(struct verifier *v, bool in_callback, const char *where)
{
	const struct state *s = &v->cur;
	uint32_t callback = callback_frame(s), n = 0;

	for (uint32_t i = 0; i < s->n_refs; i++)
		n += !in_callback || s->refs[i].frame == callback;
	if (n)
		REJECT(v, RECORD_HELD, "%s with %u record%s held", where, n, n == 1 ? "" : "s");
	return E_OK;
}
