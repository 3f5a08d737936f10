/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_call: helper calls by prototype, calls between functions of the program, and exit.
 *
 * A local call is explored in the caller's own state: the callee gets a frame on top, and its exit goes on in the
 * caller. What a function does is so known for each call, at the price of looking at it once per call.
 */
#include "engine/verify/verify_internal.h"

/* A helper call at work. */
struct call {
	const struct abi_helper *h;
	const struct prog_map *map; /* of the map argument seen so far */
	uint32_t map_index;
	char who[80];
};

static FALLIBLE arg_mismatch(struct verifier *v, const struct call *c, unsigned reg, const char *wanted)
{
	const struct reg *r = reg_at(v, reg);

	if (r->type == REG_VALUE_OR_NULL || r->type == REG_HANDLE_OR_NULL)
		REJECT_REG(v, ARG_NULL, (int)reg, "%s takes %s; r%u is %s", c->who, wanted, reg, verify_type_name(r));
	REJECT_REG(v, ARG_TYPE, (int)reg, "%s takes %s; r%u is %s", c->who, wanted, reg, verify_type_name(r));
}

static FALLIBLE arg_map(struct verifier *v, struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);

	if (r->type != REG_MAP)
		return arg_mismatch(v, c, reg, "a map");
	ENSURE(v, r->map < v->p->n_maps);
	c->map = &v->p->maps[r->map];
	c->map_index = r->map;
	return E_OK;
}

static bool is_memory(const struct reg *r)
{
	return r->type == REG_CTX || r->type == REG_STACK || r->type == REG_VALUE;
}

static FALLIBLE arg_map_memory(struct verifier *v, const struct call *c, unsigned reg, bool key)
{
	uint32_t size;

	ENSURE(v, c->map);
	size = key ? c->map->key_size : c->map->value_size;
	if (!is_memory(reg_at(v, reg)))
		return arg_mismatch(v, c, reg, key ? "memory with a key" : "memory with a value");
	return check_region(v, reg, 0, size, size, ACCESS_READ, c->who);
}

/* Memory in `reg`, its size in the register after it. */
static FALLIBLE arg_memory(struct verifier *v, const struct call *c, unsigned reg, enum abi_arg size_kind, bool fill)
{
	const struct reg *size = reg_at(v, reg + 1);

	ENSURE(v, size_kind == ABI_ARG_SIZE || size_kind == ABI_ARG_SIZE_OR_ZERO);
	TRY(reg_read(v, reg + 1));
	if (size->type != REG_SCALAR)
		return arg_mismatch(v, c, reg + 1, "a size");
	if (size->s.smin < 0)
		REJECT_REG(v, ARG_SIZE, (int)reg + 1, "%s: the size in r%u may be negative", c->who, reg + 1);
	if (size_kind == ABI_ARG_SIZE && !size->s.umin)
		REJECT_REG(v, ARG_SIZE, (int)reg + 1, "%s: the size in r%u may be zero", c->who, reg + 1);
	if (!size->s.umax)
		return E_OK;
	if (size->s.umax > VERIFY_MAX_OFFSET)
		REJECT_REG(v, ARG_SIZE, (int)reg + 1, "%s: the size in r%u has no useful bound", c->who, reg + 1);
	if (!is_memory(reg_at(v, reg)))
		return arg_mismatch(v, c, reg, "memory");
	return check_region(v, reg, 0, size->s.umin, size->s.umax, fill ? ACCESS_FILL : ACCESS_READ, c->who);
}

static FALLIBLE arg_ctx(struct verifier *v, const struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);

	if (r->type != REG_CTX || !scalar_is_const(&r->s) || r->s.t.value)
		return arg_mismatch(v, c, reg, "the unmodified context pointer");
	return E_OK;
}

static FALLIBLE check_arg(struct verifier *v, struct call *c, unsigned i)
{
	const uint8_t *args = c->h->args;
	unsigned reg = i + 1;

	(void)snprintf(c->who, sizeof c->who, "argument %u of %s", i + 1, c->h->name);
	TRY(reg_read(v, reg));
	switch ((enum abi_arg)args[i]) {
	case ABI_ARG_SCALAR:
		return reg_at(v, reg)->type == REG_SCALAR ? E_OK : arg_mismatch(v, c, reg, "a number");
	case ABI_ARG_CONST_MAP:
		return arg_map(v, c, reg);
	case ABI_ARG_MAP_KEY:
		return arg_map_memory(v, c, reg, true);
	case ABI_ARG_MAP_VALUE:
		return arg_map_memory(v, c, reg, false);
	case ABI_ARG_MEM:
	case ABI_ARG_MEM_WRITE:
		ENSURE(v, i + 1 < ABI_MAX_ARGS);
		return arg_memory(v, c, reg, args[i + 1], args[i] == ABI_ARG_MEM_WRITE);
	case ABI_ARG_SIZE:
	case ABI_ARG_SIZE_OR_ZERO:
		ENSURE(v, i > 0 && (args[i - 1] == ABI_ARG_MEM || args[i - 1] == ABI_ARG_MEM_WRITE));
		return E_OK;
	case ABI_ARG_CTX:
		return arg_ctx(v, c, reg);
	case ABI_ARG_HANDLE:
		return reg_at(v, reg)->type == REG_HANDLE ? E_OK : arg_mismatch(v, c, reg, "a handle");
	default:
		REJECT(v, BUG, "%s has a type that the verifier does not know", c->who);
	}
}

/* Helpers that change the map they are given. Linux: kernel/bpf/verifier.c:record_func_map, v6.12. */
static bool changes_map(const struct abi_helper *h)
{
	return h->id == ABI_HELPER_map_update_elem || h->id == ABI_HELPER_map_delete_elem;
}

static FALLIBLE set_result(struct verifier *v, const struct call *c)
{
	struct reg r = { 0 };

	switch ((enum abi_ret)c->h->ret) {
	case ABI_RET_SCALAR:
		ENSURE(v, c->h->ret_min <= c->h->ret_max);
		r = reg_scalar(scalar_signed(c->h->ret_min, c->h->ret_max), 0);
		break;
	case ABI_RET_MAP_VALUE_OR_NULL:
		ENSURE(v, c->map);
		r.type = REG_VALUE_OR_NULL;
		r.map = c->map_index;
		r.id = reg_fresh_id(v);
		break;
	case ABI_RET_HANDLE_OR_NULL:
		r.type = REG_HANDLE_OR_NULL;
		r.id = reg_fresh_id(v);
		break;
	default:
		REJECT(v, BUG, "%s gives a type that the verifier does not know", c->h->name);
	}
	for (unsigned i = 0; i <= 5; i++)
		*reg_at(v, i) = (struct reg){ .type = REG_NONE };
	reg_set(v, 0, r);
	return E_OK;
}

static FALLIBLE call_helper(struct verifier *v, const struct isa_insn *in)
{
	struct call c = { .h = in->imm >= 0 ? abi_helper(v->o->profile, (uint32_t)in->imm) : NULL };

	if (!c.h)
		REJECT(v, HELPER_UNKNOWN, "%s has no helper %lld", v->o->profile->name, (long long)in->imm);
	if (!abi_may_call(v->o->type, c.h->id))
		REJECT(v, HELPER_DENIED, "programs of type %s may not call %s", v->o->type->section, c.h->name);
	for (unsigned i = 0; i < ABI_MAX_ARGS && c.h->args[i] != ABI_ARG_NONE; i++)
		TRY(check_arg(v, &c, i));
	if (c.map && c.map->flags & PROG_MAP_RDONLY && changes_map(c.h))
		REJECT_REG(v, MAP_READONLY, 1, "%s on map %s, which is read-only", c.h->name, c.map->name);
	TRY(set_result(v, &c));
	v->cur.insn++;
	return E_OK;
}

static FALLIBLE call_local(struct verifier *v, const struct isa_insn *in)
{
	struct frame *caller = state_frame(&v->cur), *callee = caller + 1;
	uint32_t to = (uint32_t)((int64_t)v->cur.insn + 1 + in->imm);
	const struct func *f = cfg_func(v, to);

	ENSURE(v, f->start == to);
	if (v->cur.n_frames >= v->limits->frames)
		REJECT(v, NESTING, "more than %u calls are nested", v->limits->frames);
	TRY(walk_need_frame(v, v->cur.n_frames));
	for (unsigned r = 0; r < ISA_N_REGS; r++)
		callee->r[r] = r >= 1 && r <= 5 ? caller->r[r] : (struct reg){ .type = REG_NONE };
	callee->r[ISA_FP] = (struct reg){ .type = REG_STACK, .frame = (uint8_t)v->cur.n_frames, .set_at = to };
	callee->call_site = v->cur.insn;
	callee->func = (uint32_t)(f - v->funcs);
	callee->n_slots = 0;
	v->cur.n_frames++;
	v->cur.insn = to;
	return E_OK;
}

FALLIBLE check_call(struct verifier *v, const struct isa_insn *in)
{
	if (in->aux == ISA_CALL_LOCAL)
		return call_local(v, in);
	ENSURE(v, in->aux == ISA_CALL_HELPER);
	return call_helper(v, in);
}

/* Back in the caller, with r0; its scratch registers hold nothing any more. */
static FALLIBLE return_to_caller(struct verifier *v)
{
	struct frame *callee = state_frame(&v->cur), *caller = callee - 1;
	struct reg r0 = callee->r[0];

	if (r0.type == REG_STACK && r0.frame == v->cur.n_frames - 1)
		REJECT_REG(v, RETURN_STACK, 0, "the function returns a pointer to its own stack");
	for (unsigned r = 0; r <= 5; r++)
		caller->r[r] = (struct reg){ .type = REG_NONE };
	if (reg_is_readable(&r0))
		caller->r[0] = r0;
	v->cur.n_frames--;
	v->cur.insn = callee->call_site + 1;
	return E_OK;
}

FALLIBLE check_exit(struct verifier *v)
{
	const struct abi_prog_type *t = v->o->type;
	const struct reg *r = reg_at(v, 0);

	if (v->cur.n_frames > 1)
		return return_to_caller(v);
	TRY(reg_read(v, 0));
	if (r->type != REG_SCALAR)
		REJECT_REG(v, RETURN_TYPE, 0, "the program returns %s", verify_type_name(r));
	if (r->s.smin < t->ret_min || r->s.smax > t->ret_max)
		REJECT_REG(v, RETURN_RANGE, 0, "the program may return %lld..%lld; %s allows %lld..%lld",
			   (long long)r->s.smin, (long long)r->s.smax, t->section, (long long)t->ret_min,
			   (long long)t->ret_max);
	v->path_ends = true;
	return E_OK;
}
