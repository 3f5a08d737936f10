/* SPDX-License-Identifier: Apache-2.0 */
/* state: packing, comparing and printing. */
#include "engine/verify/state.h"

struct reg reg_scalar(struct scalar s, uint32_t set_at)
{
	return (struct reg){ .type = REG_SCALAR, .set_at = set_at, .s = s };
}

static bool slot_is_used(const struct slot *s)
{
	for (int i = 0; i < SLOT_BYTES; i++)
		if (s->byte[i] > BYTE_DEAD)
			return true;
	return false;
}

static void count(const struct state *s, uint32_t *n_regs, uint32_t *n_slots)
{
	*n_regs = *n_slots = 0;
	for (uint32_t f = 0; f < s->n_frames; f++) {
		const struct frame *fr = &s->frames[f];

		for (int r = 0; r < ISA_N_REGS; r++)
			*n_regs += reg_is_readable(&fr->r[r]);
		for (uint32_t i = 0; i < fr->n_slots; i++) {
			*n_slots += slot_is_used(&fr->slots[i]);
			*n_regs += fr->slots[i].byte[0] == BYTE_SPILL;
		}
	}
}

static size_t bytes_for(const struct state *s, uint32_t n_regs, uint32_t n_slots)
{
	return sizeof(struct snap) + n_regs * sizeof(struct reg) + n_slots * sizeof(struct snap_slot) +
	       s->n_frames * sizeof(struct snap_frame) + s->n_refs * sizeof(struct ref) + n_regs;
}

size_t snap_size(const struct state *s)
{
	uint32_t n_regs, n_slots;

	count(s, &n_regs, &n_slots);
	return bytes_for(s, n_regs, n_slots);
}

static void fill_slots(const struct frame *fr, struct snap *n, struct snap_frame *sf)
{
	for (uint32_t i = 0; i < fr->n_slots; i++) {
		struct snap_slot *ss = &n->slots[n->n_slots];

		if (!slot_is_used(&fr->slots[i]))
			continue;
		*ss = (struct snap_slot){ .index = i, .spill = fr->slots[i].byte[0] == BYTE_SPILL };
		for (int b = 0; b < SLOT_BYTES; b++)
			ss->byte[b] = fr->slots[i].byte[b] > BYTE_DEAD ? fr->slots[i].byte[b] : BYTE_NONE;
		if (ss->spill)
			n->regs[n->n_regs++] = fr->slots[i].reg;
		n->n_slots++;
		sf->n_slots++;
	}
}

struct snap *snap_fill(const struct state *s, void *mem)
{
	struct snap *n = mem;
	uint32_t n_regs, n_slots;

	count(s, &n_regs, &n_slots);
	*n = (struct snap){ .bytes = bytes_for(s, n_regs, n_slots),
			    .n_frames = s->n_frames,
			    .n_refs = s->n_refs,
			    .between = s->between };
	n->regs = (struct reg *)(n + 1);
	n->slots = (struct snap_slot *)(n->regs + n_regs);
	n->frames = (struct snap_frame *)(n->slots + n_slots);
	n->refs = (struct ref *)(n->frames + s->n_frames);
	memcpy(n->refs, s->refs, s->n_refs * sizeof *n->refs);
	n->precise = (uint8_t *)(n->refs + s->n_refs);
	memset(n->precise, 0, n_regs);
	for (uint32_t f = 0; f < s->n_frames; f++) {
		const struct frame *fr = &s->frames[f];
		struct snap_frame *sf = &n->frames[f];

		*sf = (struct snap_frame){
			.call_site = fr->call_site, .func = fr->func, .callback = fr->callback, .stamp = fr->stamp
		};
		for (int r = 0; r < ISA_N_REGS; r++) {
			if (!reg_is_readable(&fr->r[r]))
				continue;
			sf->regs |= 1u << r;
			n->regs[n->n_regs++] = fr->r[r];
		}
		fill_slots(fr, n, sf);
	}
	assert(n->n_regs == n_regs && n->n_slots == n_slots && "counted as filled");
	return n;
}

void snap_restore(const struct snap *n, struct state *s)
{
	const struct reg *reg = n->regs;
	const struct snap_slot *ss = n->slots;

	s->n_frames = n->n_frames;
	s->n_refs = n->n_refs;
	s->between = n->between;
	memcpy(s->refs, n->refs, n->n_refs * sizeof *n->refs);
	for (uint32_t f = 0; f < n->n_frames; f++) {
		const struct snap_frame *sf = &n->frames[f];
		struct frame *fr = &s->frames[f];

		fr->call_site = sf->call_site;
		fr->func = sf->func;
		fr->callback = sf->callback;
		fr->stamp = sf->stamp;
		for (int r = 0; r < ISA_N_REGS; r++)
			fr->r[r] = sf->regs >> r & 1 ? *reg++ : (struct reg){ .type = REG_NONE };
		fr->n_slots = sf->n_slots ? ss[sf->n_slots - 1].index + 1 : 0;
		memset(fr->slots, 0, fr->n_slots * sizeof *fr->slots);
		for (uint32_t i = 0; i < sf->n_slots; i++, ss++) {
			memcpy(fr->slots[ss->index].byte, ss->byte, SLOT_BYTES);
			if (ss->spill)
				fr->slots[ss->index].reg = *reg++;
		}
	}
}

/* The ids met so far, and how often. */
struct ids {
	uint32_t *seen, *times, n;
};

static uint32_t met(struct ids *ids, uint32_t id)
{
	uint32_t k = 0;

	while (k < ids->n && ids->seen[k] != id)
		k++;
	if (k == ids->n) {
		ids->seen[ids->n] = id;
		ids->times[ids->n++] = 0;
	}
	ids->times[k]++;
	return k + 1;
}

void snap_normalise(struct snap *n, uint32_t *scratch)
{
	struct ids ids = { .seen = scratch, .times = scratch + n->n_regs + n->n_refs };
	uint32_t next = 1;

	for (uint32_t i = 0; i < n->n_regs; i++) {
		n->regs[i].set_at = 0;
		if (n->regs[i].id)
			n->regs[i].id = met(&ids, n->regs[i].id);
	}
	for (uint32_t i = 0; i < n->n_refs; i++) {
		n->refs[i].id = met(&ids, n->refs[i].id);
		ids.times[n->refs[i].id - 1]++; /* a record that no register knows is still held */
	}
	for (uint32_t k = 0; k < ids.n; k++)
		ids.times[k] = ids.times[k] > 1 ? next++ : 0;
	for (uint32_t i = 0; i < n->n_regs; i++)
		if (n->regs[i].id)
			n->regs[i].id = ids.times[n->regs[i].id - 1];
	for (uint32_t i = 0; i < n->n_refs; i++)
		n->refs[i].id = ids.times[n->refs[i].id - 1];
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

uint64_t snap_hash(const struct snap *n, uint32_t insn)
{
	uint64_t h = mix(mix(insn, n->n_frames), n->n_refs);
	const size_t words = n->n_regs * (sizeof(struct reg) / sizeof(uint64_t));
	const uint64_t *w = (const uint64_t *)n->regs;

	for (uint32_t f = 0; f < n->n_frames; f++)
		h = mix(h, (uint64_t)n->frames[f].call_site << 32 | n->frames[f].regs);
	for (uint32_t i = 0; i < n->n_slots; i++) {
		uint64_t bytes;

		memcpy(&bytes, n->slots[i].byte, sizeof bytes);
		h = mix(mix(h, n->slots[i].index), bytes);
	}
	for (size_t i = 0; i < words; i++)
		h = mix(h, w[i]);
	return h;
}
static_assert(sizeof(struct reg) == 80 && offsetof(struct reg, s) == 16, "no padding: hashed and compared as bytes");

static bool frames_equal(const struct snap *a, const struct snap *b)
{
	for (uint32_t f = 0; f < a->n_frames; f++)
		if (memcmp(&a->frames[f], &b->frames[f], offsetof(struct snap_frame, stamp)) != 0)
			return false;
	return true;
}

bool snap_equal(const struct snap *a, const struct snap *b)
{
	return a->n_frames == b->n_frames && a->n_regs == b->n_regs && a->n_slots == b->n_slots &&
	       a->n_refs == b->n_refs && frames_equal(a, b) && !memcmp(a->refs, b->refs, a->n_refs * sizeof *a->refs) &&
	       !memcmp(a->slots, b->slots, a->n_slots * sizeof *a->slots) &&
	       !memcmp(a->regs, b->regs, a->n_regs * sizeof *a->regs);
}

/*
 * What old links by one id must be linked in new, too. Different ids of old may be one in new: that only means that
 * new stands for fewer machines. An id that links nothing was dropped: 0.
 */
static bool ids_agree(uint32_t old, uint32_t new, uint32_t *map)
{
	if (!old)
		return true;
	if (!new)
		return false;
	if (!map[old])
		map[old] = new;
	return map[old] == new;
}

/* any: old's number does not matter. */
static bool reg_subsumes(const struct reg *old, const struct reg *new, uint32_t *map, bool any)
{
	if (any && old->type == REG_SCALAR)
		return new->type == REG_SCALAR;
	if (old->type != new->type && !(old->type == REG_VALUE_OR_NULL && new->type == REG_VALUE && !old->id) &&
	    !(old->type == REG_MAP_OR_NULL && new->type == REG_MAP && !old->id) &&
	    !(old->type == REG_HANDLE_OR_NULL && new->type == REG_HANDLE && !old->id))
		return false;
	if (old->frame != new->frame || old->direct != new->direct || old->inner != new->inner || old->map != new->map)
		return false;
	return scalar_subset(&new->s, &old->s) && ids_agree(old->id, new->id, map);
}

/* The old slot has single bytes; the new one may have a number saved there instead. */
static bool bytes_subsume(const struct snap_slot *old, const struct snap_slot *new, const struct reg *spilled)
{
	bool zero = spilled && spilled->type == REG_SCALAR && scalar_is_const(&spilled->s) && !spilled->s.t.value;

	for (int i = 0; i < SLOT_BYTES; i++) {
		uint8_t is = new->byte[i];

		if (old->byte[i] == BYTE_NONE)
			continue;
		if (is == BYTE_NONE || (is == BYTE_SPILL && spilled->type != REG_SCALAR))
			return false;
		if (old->byte[i] == BYTE_ZERO && is != BYTE_ZERO && !(is == BYTE_SPILL && zero))
			return false;
	}
	return true;
}

/* The old slot holds any number, linked to nothing, or one that does not matter: single bytes will do as well. */
static bool any_number_subsumes(const struct reg *old, const struct snap_slot *new, bool any)
{
	if (old->type != REG_SCALAR || (!any && (old->id || !scalar_is_unknown(&old->s))))
		return false;
	for (int i = 0; i < SLOT_BYTES; i++)
		if (new->byte[i] != BYTE_MISC &&new->byte[i] != BYTE_ZERO)
			return false;
	return true;
}

/* Where a comparison has got to in one snap. */
struct cursor {
	const struct reg *reg;
	const uint8_t *precise; /* of reg; NULL: all */
	const struct snap_slot *slot, *end;
};

static bool cursor_any(const struct cursor *c)
{
	return c->precise && !*c->precise;
}

static void cursor_skip(struct cursor *c)
{
	c->reg += c->slot->spill;
	if (c->precise)
		c->precise += c->slot->spill;
	c->slot++;
}

static bool slots_subsume(struct cursor *old, struct cursor *new, uint32_t *map)
{
	for (; old->slot < old->end; cursor_skip(old)) {
		bool ok;

		while (new->slot < new->end &&new->slot->index < old->slot->index)
			cursor_skip(new);
		if (new->slot == new->end || new->slot->index != old->slot->index)
			return false;
		if (!old->slot->spill)
			ok = bytes_subsume(old->slot, new->slot, new->slot->spill ? new->reg : NULL);
		else if (new->slot->spill)
			ok = reg_subsumes(old->reg, new->reg, map, cursor_any(old));
		else
			ok = any_number_subsumes(old->reg, new->slot, cursor_any(old));
		if (!ok)
			return false;
	}
	while (new->slot < new->end)
		cursor_skip(new);
	return true;
}

static bool refs_subsume(const struct snap *old, const struct snap *new, uint32_t *map)
{
	for (uint32_t i = 0; i < old->n_refs; i++)
		if (old->refs[i].frame != new->refs[i].frame || !ids_agree(old->refs[i].id, new->refs[i].id, map))
			return false;
	return true;
}

bool snap_subsumes(const struct snap *old, const struct snap *new, uint32_t *map, bool loose)
{
	struct cursor o = { .reg = old->regs, .slot = old->slots, .precise = loose ? old->precise : NULL },
		      n = { .reg = new->regs, .slot = new->slots };

	if (old->n_frames != new->n_frames || old->n_refs != new->n_refs)
		return false;
	memset(map, 0, (old->n_regs + old->n_refs + 1) * sizeof *map);
	for (uint32_t f = 0; f < old->n_frames; f++) {
		const struct snap_frame *of = &old->frames[f], *nf = &new->frames[f];

		if (of->call_site != nf->call_site || of->func != nf->func || of->callback != nf->callback ||
		    of->regs & ~nf->regs)
			return false;
		for (int r = 0; r < ISA_N_REGS; r++) {
			bool in_old = of->regs >> r & 1, in_new = nf->regs >> r & 1;

			if (in_old && !reg_subsumes(o.reg, n.reg, map, cursor_any(&o)))
				return false;
			o.reg += in_old;
			if (o.precise)
				o.precise += in_old;
			n.reg += in_new;
		}
		o.end = o.slot + of->n_slots;
		n.end = n.slot + nf->n_slots;
		if (!slots_subsume(&o, &n, map))
			return false;
	}
	return refs_subsume(old, new, map);
}
