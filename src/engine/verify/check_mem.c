/* SPDX-License-Identifier: Apache-2.0 */
/* check_mem: loads, stores and atomic operations, and the memory that helpers are given. */
#include "engine/verify/verify_internal.h"

/* One access, of at least min and at most max bytes, at the base register's offset plus off. */
struct access_at {
	unsigned reg;
	int64_t off;
	uint64_t min, max;
	enum access how;
	bool aligned; /* must be */
	const char *who;
};

static FALLIBLE offset_of(struct verifier *v, const struct access_at *a, struct scalar *out)
{
	ENSURE(v, scalar_alu(ISA_ADD, 64, reg_at(v, a->reg)->s, scalar_const((uint64_t)a->off), out));
	return E_OK;
}

static FALLIBLE check_aligned(struct verifier *v, const struct access_at *a, const struct scalar *at)
{
	if (tnum_max(at->t) & (a->max - 1))
		REJECT_REG(v, MISALIGNED, (int)a->reg, "%s: %llu bytes at an offset that is not a multiple of that",
			   a->who, (unsigned long long)a->max);
	return E_OK;
}

static bool inside(const struct scalar *at, uint64_t n_bytes, uint64_t size)
{
	return at->smin >= 0 && at->umax <= size && n_bytes <= size - at->umax;
}

static FALLIBLE access_value(struct verifier *v, const struct access_at *a)
{
	const struct prog_map *m = reg_map(v, reg_at(v, a->reg));
	struct scalar at;

	ENSURE(v, m);
	TRY(offset_of(v, a, &at));
	if (a->aligned)
		TRY(check_aligned(v, a, &at));
	if (!inside(&at, a->max, m->value_size))
		REJECT_REG(v, VALUE_BOUNDS, (int)a->reg,
			   "%s: %llu bytes at offset %lld..%lld of a value of map %s, which has %u", a->who,
			   (unsigned long long)a->max, (long long)at.smin, (long long)at.smax, m->name, m->value_size);
	if (a->how != ACCESS_READ && m->flags & PROG_MAP_RDONLY)
		REJECT_REG(v, VALUE_READONLY, (int)a->reg, "%s: map %s is read-only", a->who, m->name);
	return E_OK;
}

/* A record, or the key of a callback. */
static FALLIBLE access_object(struct verifier *v, const struct access_at *a)
{
	const struct reg *r = reg_at(v, a->reg);
	const struct prog_map *m = r->type == REG_KEY ? reg_map(v, r) : NULL;
	uint32_t size = m ? m->key_size : r->map;
	struct scalar at;

	ENSURE(v, m || r->type == REG_RECORD);
	TRY(offset_of(v, a, &at));
	if (a->aligned)
		TRY(check_aligned(v, a, &at));
	if (!inside(&at, a->max, size))
		REJECT_REG(v, OBJECT_BOUNDS, (int)a->reg, "%s: %llu bytes at offset %lld..%lld of %s, which has %u",
			   a->who, (unsigned long long)a->max, (long long)at.smin, (long long)at.smax,
			   m ? "a key" : "a record", size);
	if (m && a->how != ACCESS_READ)
		REJECT_REG(v, KEY_WRITE, (int)a->reg, "%s: a key of map %s", a->who, m->name);
	return E_OK;
}

/* A context that is plain memory. */
static FALLIBLE access_plain(struct verifier *v, const struct access_at *a)
{
	const struct abi_ctx *c = v->o->ctx;
	struct scalar at;

	TRY(offset_of(v, a, &at));
	if (a->how != ACCESS_READ && !c->writable)
		REJECT_REG(v, CTX_WRITE, (int)a->reg, "%s: the context %s is read-only", a->who, c->name);
	if (!inside(&at, a->max, c->size))
		REJECT_REG(v, CTX_BOUNDS, (int)a->reg,
			   "%s: %llu bytes at offset %lld..%lld of the context, which has %u", a->who,
			   (unsigned long long)a->max, (long long)at.smin, (long long)at.smax, c->size);
	return a->aligned ? check_aligned(v, a, &at) : E_OK;
}

static const struct abi_ctx_field *field_at(const struct abi_ctx *c, uint64_t off)
{
	uint32_t lo = 0, hi = c->n_fields;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->fields[mid].off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && off - c->fields[lo - 1].off < c->fields[lo - 1].bytes ? &c->fields[lo - 1] : NULL;
}

/* The one field that a load of n_bytes at off reads. */
static FALLIBLE find_field(struct verifier *v, unsigned reg, int64_t off, uint64_t n_bytes,
			   const struct abi_ctx_field **out)
{
	const struct abi_ctx *c = v->o->ctx;
	const struct reg *r = reg_at(v, reg);
	const struct abi_ctx_field *f = NULL;
	int64_t at;

	ENSURE(v, scalar_is_const(&r->s));
	at = (int64_t)r->s.t.value + off;
	f = at < 0 ? NULL : field_at(c, (uint64_t)at);
	if (at < 0 || (uint64_t)at >= c->size || n_bytes > c->size - (uint64_t)at)
		REJECT_REG(v, CTX_FIELD, (int)reg, "%llu bytes at offset %lld of the context %s, which has %u bytes",
			   (unsigned long long)n_bytes, (long long)at, c->name, c->size);
	if (!f)
		REJECT_REG(v, CTX_FIELD, (int)reg, "the context %s has no field at offset %lld", c->name,
			   (long long)at);
	if (f->off != at || f->bytes != n_bytes)
		REJECT_REG(v, CTX_FIELD, (int)reg,
			   "%llu bytes at offset %lld of the context %s: the field %s is %u bytes at %u",
			   (unsigned long long)n_bytes, (long long)at, c->name, f->name, f->bytes, f->off);
	*out = f;
	return E_OK;
}

/* Not memory at all, or not yet known to be. */
static FALLIBLE check_is_memory(struct verifier *v, const struct access_at *a)
{
	const struct reg *r = reg_at(v, a->reg);

	switch ((enum reg_type)r->type) {
	case REG_CTX:
	case REG_STACK:
	case REG_VALUE:
	case REG_KEY:
	case REG_RECORD:
		return E_OK;
	case REG_RECORD_OR_NULL:
	case REG_VALUE_OR_NULL:
		REJECT_REG(v, NULL_ACCESS, (int)a->reg, "%s: r%u may be null", a->who, a->reg);
	case REG_HANDLE:
	case REG_HANDLE_OR_NULL:
		REJECT_REG(v, HANDLE_ACCESS, (int)a->reg, "%s: r%u is %s, not an address", a->who, a->reg,
			   verify_type_name(r));
	default:
		REJECT_REG(v, NOT_MEMORY, (int)a->reg, "%s: r%u is %s, not a pointer to memory", a->who, a->reg,
			   verify_type_name(r));
	}
}

static FALLIBLE stack_at(struct verifier *v, const struct access_at *a, struct stack_access *out)
{
	*out = (struct stack_access){ .base = reg_at(v, a->reg), .reg = a->reg, .n_bytes = a->max };
	TRY(offset_of(v, a, &out->at));
	TRY(stack_check_bounds(v, out));
	return a->aligned ? check_aligned(v, a, &out->at) : E_OK;
}

static FALLIBLE load_ctx(struct verifier *v, const struct isa_insn *in, const struct access_at *a, struct reg *out)
{
	const struct abi_ctx_field *f = NULL;

	if (in->sem == ISA_LOAD_ACQ)
		REJECT_REG(v, ATOMIC, in->src, "an atomic load from the context");
	if (v->o->ctx->plain_memory)
		return access_plain(v, a);
	TRY(find_field(v, a->reg, a->off, a->max, &f));
	if (f->kind == ABI_CTX_SCALAR)
		return E_OK;
	if (in->sem != ISA_LDX || in->width != 64)
		REJECT_REG(v, CTX_FIELD, in->src, "the field %s is a handle: load all 8 bytes of it", f->name);
	*out = (struct reg){ .type = REG_HANDLE };
	return E_OK;
}

/* Any number of this many bits, unless the memory says more. */
static FALLIBLE load_value(struct verifier *v, const struct isa_insn *in, struct reg *out)
{
	struct access_at a = {
		.reg = in->src, .off = in->off, .min = in->width / 8u, .max = in->width / 8u, .who = "load"
	};
	struct stack_access sa;

	TRY(check_is_memory(v, &a));
	*out = reg_scalar(scalar_bits(in->width), 0);
	switch (reg_at(v, in->src)->type) {
	case REG_CTX:
		a.aligned = true;
		return load_ctx(v, in, &a, out);
	case REG_VALUE:
		a.aligned = in->sem == ISA_LOAD_ACQ;
		return access_value(v, &a);
	case REG_KEY:
	case REG_RECORD:
		a.aligned = in->sem == ISA_LOAD_ACQ;
		return access_object(v, &a);
	default:
		a.aligned = true;
		TRY(stack_at(v, &a, &sa));
		return stack_load(v, &sa, out);
	}
}

FALLIBLE check_load(struct verifier *v, const struct isa_insn *in)
{
	struct reg r;

	TRY(reg_may_write(v, in->dst));
	TRY(reg_read(v, in->src));
	TRY(load_value(v, in, &r));
	if (in->sem == ISA_LDXS) {
		ENSURE(v, r.type == REG_SCALAR);
		ENSURE(v, scalar_sext(r.s, in->width, 64, &r.s));
	}
	reg_set(v, in->dst, r);
	return E_OK;
}

/* Pointers and handles may be kept on the stack only. */
static FALLIBLE check_may_leave(struct verifier *v, const struct isa_insn *in, const struct reg *value)
{
	if (reg_is_handle(value))
		REJECT_REG(v, HANDLE_STORE, in->src, "r%u is %s, and is stored outside of the stack", in->src,
			   verify_type_name(value));
	if (value->type != REG_SCALAR)
		REJECT_REG(v, POINTER_STORE, in->src, "r%u is %s, and is stored outside of the stack", in->src,
			   verify_type_name(value));
	return E_OK;
}

static FALLIBLE store_ctx(struct verifier *v, const struct isa_insn *in, const struct access_at *a)
{
	if (in->sem == ISA_STORE_REL)
		REJECT_REG(v, ATOMIC, in->dst, "an atomic store to the context");
	if (!v->o->ctx->plain_memory)
		REJECT_REG(v, CTX_WRITE, in->dst, "the context %s is read-only", v->o->ctx->name);
	return access_plain(v, a);
}

FALLIBLE check_store(struct verifier *v, const struct isa_insn *in)
{
	struct access_at a = { .reg = in->dst,
			       .off = in->off,
			       .min = in->width / 8u,
			       .max = in->width / 8u,
			       .how = ACCESS_WRITE,
			       .aligned = true,
			       .who = "store" };
	struct reg value = reg_scalar(scalar_const((uint64_t)in->imm), v->cur.insn);
	struct stack_access sa;

	TRY(reg_read(v, in->dst));
	if (in->sem != ISA_ST) {
		TRY(reg_read(v, in->src));
		value = *reg_at(v, in->src);
	}
	TRY(check_is_memory(v, &a));
	if (reg_at(v, in->dst)->type == REG_STACK) {
		TRY(stack_at(v, &a, &sa));
		if (in->sem != ISA_ST && in->width == 64)
			value = reg_copy(v, reg_at(v, in->src));
		if (in->sem != ISA_ST && value.type == REG_SCALAR && scalar_is_const(&value.s) &&
		    !(scalar_is_const(&sa.at) && sa.n_bytes == SLOT_BYTES))
			precise_reg(v, in->src); /* bytes of a constant may become known zeroes */
		return stack_store(v, &sa, &value);
	}
	TRY(check_may_leave(v, in, &value));
	if (reg_at(v, in->dst)->type == REG_CTX)
		return store_ctx(v, in, &a);
	a.aligned = in->sem == ISA_STORE_REL;
	return reg_at(v, in->dst)->type == REG_VALUE ? access_value(v, &a) : access_object(v, &a);
}

static FALLIBLE atomic_operand(struct verifier *v, unsigned r)
{
	TRY(reg_read(v, r));
	if (reg_at(v, r)->type != REG_SCALAR)
		REJECT_REG(v, ATOMIC, (int)r, "the operand r%u of an atomic operation is %s", r,
			   verify_type_name(reg_at(v, r)));
	return E_OK;
}

FALLIBLE check_atomic(struct verifier *v, const struct isa_insn *in)
{
	struct access_at a = { .reg = in->dst,
			       .off = in->off,
			       .min = in->width / 8u,
			       .max = in->width / 8u,
			       .how = ACCESS_WRITE,
			       .aligned = true,
			       .who = "atomic operation" };
	struct stack_access sa;

	TRY(reg_read(v, in->dst));
	TRY(atomic_operand(v, in->src));
	if (in->aux == ISA_ATOMIC_CMPXCHG)
		TRY(atomic_operand(v, 0));
	TRY(check_is_memory(v, &a));
	switch (reg_at(v, in->dst)->type) {
	case REG_CTX:
		REJECT_REG(v, ATOMIC, in->dst, "an atomic operation on the context");
	case REG_VALUE:
		TRY(access_value(v, &a));
		break;
	case REG_KEY:
	case REG_RECORD:
		TRY(access_object(v, &a));
		break;
	default:
		TRY(stack_at(v, &a, &sa));
		TRY(stack_read_bytes(v, &sa));
		stack_write_bytes(v, &sa, true, false);
	}
	if (!isa_atomic_fetches(in->aux))
		return E_OK;
	if (in->aux == ISA_ATOMIC_CMPXCHG) {
		reg_set_scalar(v, 0, scalar_bits(in->width));
		return E_OK;
	}
	TRY(reg_may_write(v, in->src));
	reg_set_scalar(v, in->src, scalar_bits(in->width));
	return E_OK;
}

static FALLIBLE region_stack(struct verifier *v, const struct access_at *a)
{
	struct stack_access sa;

	TRY(stack_at(v, a, &sa));
	if (!a->max)
		return E_OK;
	if (a->how == ACCESS_READ)
		return stack_read_bytes(v, &sa);
	stack_write_bytes(v, &sa, false, false);
	sa.n_bytes = a->min;
	if (a->min)
		stack_write_bytes(v, &sa, true, false);
	return E_OK;
}

FALLIBLE check_region(struct verifier *v, unsigned reg, int64_t off, uint64_t min, uint64_t max, enum access how,
		      const char *who)
{
	const struct access_at a = { .reg = reg, .off = off, .min = min, .max = max, .how = how, .who = who };

	TRY(check_is_memory(v, &a));
	switch (reg_at(v, reg)->type) {
	case REG_STACK:
		return region_stack(v, &a);
	case REG_VALUE:
		return access_value(v, &a);
	case REG_KEY:
	case REG_RECORD:
		return access_object(v, &a);
	default:
		if (!v->o->ctx->plain_memory)
			REJECT_REG(v, CTX_FIELD, (int)reg, "%s: the fields of the context are not plain memory", who);
		return access_plain(v, &a);
	}
}
