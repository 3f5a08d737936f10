/* SPDX-License-Identifier: Apache-2.0 */
/* regs: reading and writing registers of the frame at work, and what links them. */
#include "engine/verify/verify_internal.h"

FALLIBLE reg_read(struct verifier *v, unsigned r)
{
	const struct reg *reg = reg_at(v, r);

	ENSURE(v, reg->type != REG_DEAD);
	if (reg->type == REG_NONE)
		REJECT(v, UNINIT, "r%u is read, but nothing wrote it on this path", r);
	return E_OK;
}

FALLIBLE reg_read_scalar(struct verifier *v, unsigned r, struct scalar *out)
{
	TRY(reg_read(v, r));
	if (reg_is_handle(reg_at(v, r)))
		REJECT_REG(v, HANDLE_OP, (int)r, "r%u is %s where a number is needed", r,
			   verify_type_name(reg_at(v, r)));
	if (reg_at(v, r)->type != REG_SCALAR)
		REJECT_REG(v, POINTER_OP, (int)r, "r%u is %s where a number is needed", r,
			   verify_type_name(reg_at(v, r)));
	*out = reg_at(v, r)->s;
	return E_OK;
}

FALLIBLE reg_may_write(struct verifier *v, unsigned r)
{
	if (r == ISA_FP)
		REJECT(v, FRAME_POINTER, "r10 is the frame pointer and cannot be written");
	return E_OK;
}

void reg_set(struct verifier *v, unsigned r, struct reg value)
{
	value.set_at = v->cur.insn;
	*reg_at(v, r) = value;
}

void reg_set_scalar(struct verifier *v, unsigned r, struct scalar s)
{
	reg_set(v, r, reg_scalar(s, 0));
}

uint32_t reg_fresh_id(struct verifier *v)
{
	return v->next_id++;
}

/* Is there something to learn later that would hold for copies, too? */
static bool wants_link(const struct reg *r)
{
	switch ((enum reg_type)r->type) {
	case REG_SCALAR:
		return !scalar_is_const(&r->s);
	case REG_VALUE:
		return !r->direct;
	case REG_VALUE_OR_NULL:
	case REG_MAP_OR_NULL:
	case REG_HANDLE_OR_NULL:
		return true;
	default:
		return false;
	}
}

struct reg reg_copy(struct verifier *v, struct reg *r)
{
	if (!r->id && wants_link(r))
		r->id = reg_fresh_id(v);
	return *r;
}

void regs_with_id(struct state *s, uint32_t id, reg_visit *fn, const void *user)
{
	for (uint32_t f = 0; f < s->n_frames; f++) {
		struct frame *fr = &s->frames[f];

		for (int r = 0; r < ISA_N_REGS; r++)
			if (fr->r[r].id == id && reg_is_readable(&fr->r[r]))
				fn(&fr->r[r], user);
		for (uint32_t i = 0; i < fr->n_slots; i++)
			if (fr->slots[i].byte[0] == BYTE_SPILL && fr->slots[i].reg.id == id)
				fn(&fr->slots[i].reg, user);
	}
}

const struct prog_map *reg_map(const struct verifier *v, const struct reg *r)
{
	if (r->map >= v->p->n_maps)
		return NULL;
	return r->inner ? v->p->maps[r->map].inner : &v->p->maps[r->map];
}

/* Both point into the same memory, so that offsets compare as addresses do. */
bool regs_same_object(const struct reg *a, const struct reg *b)
{
	if (a->type != b->type)
		return false;
	switch ((enum reg_type)a->type) {
	case REG_CTX:
		return true;
	case REG_STACK:
		return a->frame == b->frame;
	case REG_VALUE:
		return a->map == b->map && a->inner == b->inner && a->direct == b->direct && a->id == b->id &&
		       (a->direct || a->id);
	case REG_RECORD:
		return a->id == b->id;
	default:
		return false;
	}
}
