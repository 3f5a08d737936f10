/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_call: helper calls by prototype, calls between functions of the program, and exit.
 *
 * A local call is explored in the caller's own state: the callee gets a frame on top, and its exit goes on in the
 * caller. What a function does is so known for each call, at the price of looking at it once per call. Global
 * functions are no exception: Linux verifies them for themselves, against what their types say of arguments, and here
 * a call with arguments that do no harm is accepted whatever the types say.
 */
#include "engine/verify/verify_internal.h"

/* A helper call at work. */
struct call {
	const struct abi_helper *h;
	const struct prog_map *map; /* of the map argument seen so far, which map_reg describes */
	struct reg map_reg;
	struct reg timer; /* the address, a value of a map */
	uint32_t func;    /* slot of the callback */
	uint32_t record;  /* id of the one that is given back */
	char who[80];
};

static FALLIBLE arg_mismatch(struct verifier *v, const struct call *c, unsigned reg, const char *wanted)
{
	const struct reg *r = reg_at(v, reg);

	if (reg_may_be_null(r))
		REJECT_REG(v, ARG_NULL, (int)reg, "%s takes %s; r%u is %s", c->who, wanted, reg, verify_type_name(r));
	REJECT_REG(v, ARG_TYPE, (int)reg, "%s takes %s; r%u is %s", c->who, wanted, reg, verify_type_name(r));
}

static FALLIBLE arg_map(struct verifier *v, struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);

	const struct abi_map_kind *kind;

	if (r->type != REG_MAP)
		return arg_mismatch(v, c, reg, "a map");
	c->map = reg_map(v, r);
	c->map_reg = *r;
	ENSURE(v, c->map);
	kind = abi_map_kind(v->o->profile, c->map->kind);
	if (!kind)
		REJECT_REG(v, MAP_KIND, (int)reg, "map %s is of kind %u, which %s does not have", c->map->name,
			   c->map->kind, v->o->profile->name);
	if (!abi_map_takes(kind, c->h->id))
		REJECT_REG(v, MAP_USE, (int)reg, "%s does not work on map %s, a %s", c->h->name, c->map->name,
			   kind->name);
	return E_OK;
}

/* To peek into a bloom filter is to ask for a value. */
static FALLIBLE arg_map_memory(struct verifier *v, const struct call *c, unsigned reg, enum abi_arg arg)
{
	bool key = arg == ABI_ARG_MAP_KEY, fill = arg == ABI_ARG_MAP_VALUE_WRITE;
	uint32_t size;

	ENSURE(v, c->map);
	size = key ? c->map->key_size : c->map->value_size;
	if (!reg_is_memory(reg_at(v, reg)))
		return arg_mismatch(v, c, reg, key ? "memory with a key" : "memory with a value");
	if (c->map->kind == PROG_MAP_BLOOM_FILTER)
		fill = false;
	return check_region(v, reg, 0, size, size, fill ? ACCESS_FILL : ACCESS_READ, c->who);
}

/* Memory in `reg`, its size in the register after it. */
static FALLIBLE arg_memory(struct verifier *v, const struct call *c, unsigned reg, enum abi_arg size_kind, bool fill)
{
	const struct reg *size = reg_at(v, reg + 1);

	ENSURE(v, size_kind == ABI_ARG_SIZE || size_kind == ABI_ARG_SIZE_OR_ZERO);
	TRY(reg_read(v, reg + 1));
	if (size->type != REG_SCALAR)
		return arg_mismatch(v, c, reg + 1, "a size");
	precise_reg(v, reg + 1);
	if (size->s.smin < 0)
		REJECT_REG(v, ARG_SIZE, (int)reg + 1, "%s: the size in r%u may be negative", c->who, reg + 1);
	if (size_kind == ABI_ARG_SIZE && !size->s.umin)
		REJECT_REG(v, ARG_SIZE, (int)reg + 1, "%s: the size in r%u may be zero", c->who, reg + 1);
	if (!size->s.umax)
		return E_OK;
	if (size->s.umax > VERIFY_MAX_OFFSET)
		REJECT_REG(v, ARG_SIZE, (int)reg + 1, "%s: the size in r%u has no useful bound", c->who, reg + 1);
	if (!reg_is_memory(reg_at(v, reg)))
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

static FALLIBLE arg_record(struct verifier *v, struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);

	if (r->type != REG_RECORD || !scalar_is_const(&r->s) || r->s.t.value)
		return arg_mismatch(v, c, reg, "the start of a record");
	c->record = r->id;
	return E_OK;
}

/* Linux: kernel/bpf/verifier.c:process_timer_func, v6.12. Nobody here knows which inner map an address lies in. */
static FALLIBLE arg_timer(struct verifier *v, struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);

	if (r->type != REG_VALUE)
		return arg_mismatch(v, c, reg, "a timer in a value of a map");
	if (!scalar_is_const(&r->s) || r->s.t.value % TIMER_ALIGN || r->inner)
		REJECT_REG(v, TIMER, (int)reg, "%s: the timer's place in the value is not one known multiple of %d%s",
			   c->who, TIMER_ALIGN, r->inner ? " of a map that is in no other" : "");
	c->timer = *r;
	return check_region(v, reg, 0, TIMER_BYTES, TIMER_BYTES, ACCESS_WRITE, c->who);
}

static bool has_zero(const struct prog_map *m, uint64_t off)
{
	if (off >= m->init.len) /* what is not said is zero */
		return off < m->value_size;
	return memchr(m->init.p + off, 0, m->init.len - off) || m->init.len < m->value_size;
}

/* Constant data, with its end. Linux: kernel/bpf/verifier.c:check_reg_const_str, v6.12. */
static FALLIBLE arg_text(struct verifier *v, const struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);
	const struct prog_map *m;

	if (r->type != REG_VALUE)
		return arg_mismatch(v, c, reg, "text in read-only data");
	m = reg_map(v, r);
	ENSURE(v, m);
	if (!r->direct || !(m->flags & PROG_MAP_RDONLY) || !scalar_is_const(&r->s) || r->s.smin < 0 ||
	    !has_zero(m, r->s.t.value))
		REJECT_REG(v, TEXT, (int)reg, "%s: r%u points to no known text with an end", c->who, reg);
	return E_OK;
}

static FALLIBLE arg_func(struct verifier *v, struct call *c, unsigned reg)
{
	const struct reg *r = reg_at(v, reg);

	if (r->type != REG_FUNC)
		return arg_mismatch(v, c, reg, "a function of the program");
	c->func = r->map;
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
	case ABI_ARG_MAP_VALUE:
	case ABI_ARG_MAP_VALUE_WRITE:
		return arg_map_memory(v, c, reg, args[i]);
	case ABI_ARG_LONG_WRITE:
		if (!reg_is_memory(reg_at(v, reg)))
			return arg_mismatch(v, c, reg, "memory");
		return check_region(v, reg, 0, sizeof(uint64_t), sizeof(uint64_t), ACCESS_FILL, c->who);
	case ABI_ARG_STR:
		return arg_text(v, c, reg);
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
	case ABI_ARG_ANY:
		return E_OK;
	case ABI_ARG_FUNC:
		return arg_func(v, c, reg);
	case ABI_ARG_RECORD:
		return arg_record(v, c, reg);
	case ABI_ARG_TIMER:
		return arg_timer(v, c, reg);
	default:
		REJECT(v, BUG, "%s has a type that the verifier does not know", c->who);
	}
}

static bool holds_maps(const struct prog_map *m)
{
	return m->kind == PROG_MAP_ARRAY_OF_MAPS || m->kind == PROG_MAP_HASH_OF_MAPS;
}

/* What a lookup finds: a value, or a map where the values are maps. */
static FALLIBLE result_value(struct verifier *v, const struct call *c, struct reg *r)
{
	ENSURE(v, c->map);
	r->type = REG_VALUE_OR_NULL;
	r->map = c->map_reg.map;
	r->inner = c->map_reg.inner;
	r->id = reg_fresh_id(v);
	if (!holds_maps(c->map))
		return E_OK;
	if (c->map_reg.inner || !c->map->inner)
		REJECT(v, MAP_INNER, "it is not known what the maps in %s are like", c->map->name);
	r->type = REG_MAP_OR_NULL;
	r->inner = 1;
	return E_OK;
}

static FALLIBLE result_record(struct verifier *v, const struct call *c, struct reg *r)
{
	const struct reg *size = reg_at(v, 2);

	if (size->type != REG_SCALAR || !scalar_is_const(&size->s) || !size->s.t.value ||
	    size->s.t.value > VERIFY_MAX_OFFSET)
		REJECT_REG(v, RECORD_SIZE, 2, "%s: the size in r2 is %s", c->h->name,
			   scalar_is_const(&size->s) ? "out of range" : "not one known number");
	precise_reg(v, 2);
	r->type = REG_RECORD_OR_NULL;
	r->map = (uint32_t)size->s.t.value;
	return ref_take(v, &r->id);
}

static FALLIBLE make_result(struct verifier *v, const struct call *c, struct reg *r)
{
	*r = (struct reg){ 0 };
	switch ((enum abi_ret)c->h->ret) {
	case ABI_RET_SCALAR:
		ENSURE(v, c->h->ret_min <= c->h->ret_max);
		*r = reg_scalar(scalar_signed(c->h->ret_min, c->h->ret_max), 0);
		return E_OK;
	case ABI_RET_MAP_VALUE_OR_NULL:
		return result_value(v, c, r);
	case ABI_RET_HANDLE_OR_NULL:
		r->type = REG_HANDLE_OR_NULL;
		r->id = reg_fresh_id(v);
		return E_OK;
	case ABI_RET_RECORD_OR_NULL:
		return result_record(v, c, r);
	default:
		REJECT(v, BUG, "%s gives a type that the verifier does not know", c->h->name);
	}
}

static void finish_call(struct verifier *v, struct reg r0)
{
	for (unsigned i = 0; i <= 5; i++)
		*reg_at(v, i) = (struct reg){ .type = REG_NONE };
	reg_set(v, 0, r0);
	v->cur.insn++;
}

/* The frame at work is gone, and its caller has r0; its scratch registers hold nothing any more. */
static void drop_frame(struct verifier *v, struct reg r0)
{
	struct frame *caller = state_frame(&v->cur) - 1;

	for (unsigned r = 0; r <= 5; r++)
		caller->r[r] = (struct reg){ .type = REG_NONE };
	if (reg_is_readable(&r0))
		caller->r[0] = r0;
	v->cur.n_frames--;
}

/*
 * A tail call that fails goes on with any number in r0. One that works never comes back to its function; what the other
 * program returns is then what the function's caller gets.
 */
static FALLIBLE tail_call(struct verifier *v)
{
	struct reg any = reg_scalar(scalar_unknown(), v->cur.insn);
	size_t bytes = snap_size(&v->cur);
	struct snap *before;
	void *mem;

	for (uint32_t f = 0; f < v->cur.n_frames; f++)
		if (v->cur.frames[f].callback)
			REJECT(v, TAIL_CALL, "a tail call while a callback runs");
	TRY(ref_none_held(v, false, "a tail call"));
	if (v->cur.n_frames > 1) {
		mem = pool_alloc(v, bytes);
		NEED(v, mem);
		before = snap_fill(&v->cur, mem);
		drop_frame(v, any);
		TRY(walk_push(v, v->cur.frames[v->cur.n_frames].call_site + 1));
		snap_restore(before, &v->cur);
		pool_free(v, mem, bytes);
	}
	finish_call(v, any);
	return E_OK;
}

static FALLIBLE with_callback(struct verifier *v, const struct call *c, enum callback kind, struct reg r0)
{
	struct callback_call cb = { .kind = kind, .func = c->func };

	if (kind == CALLBACK_FOR_EACH) {
		cb.map = c->map_reg.map;
		cb.inner = c->map_reg.inner;
	}
	if (kind != CALLBACK_TIMER)
		return callback_rounds(v, &cb, r0);
	cb.map = c->timer.map;
	TRY(callback_later(v, &cb));
	finish_call(v, r0);
	return E_OK;
}

/* A timer belongs to the map that it lies in. */
static FALLIBLE check_timer_map(struct verifier *v, const struct call *c)
{
	if (c->timer.type == REG_VALUE && c->map && (c->map_reg.inner || c->map_reg.map != c->timer.map))
		REJECT_REG(v, TIMER, 1, "%s: the timer lies in map %s, and the other map is %s", c->h->name,
			   v->p->maps[c->timer.map].name, c->map->name);
	return E_OK;
}

static bool has_arg(const struct abi_helper *h, enum abi_arg kind)
{
	for (unsigned i = 0; i < ABI_MAX_ARGS; i++)
		if (h->args[i] == kind)
			return true;
	return false;
}

static FALLIBLE call_helper(struct verifier *v, const struct isa_insn *in)
{
	struct call c = { .h = in->imm >= 0 ? abi_helper(v->o->profile, (uint32_t)in->imm) : NULL };
	enum callback kind;
	struct reg r0;

	if (!c.h)
		REJECT(v, HELPER_UNKNOWN, "%s has no helper %lld", v->o->profile->name, (long long)in->imm);
	if (!abi_may_call(v->o->type, c.h->id))
		REJECT(v, HELPER_DENIED, "programs of type %s may not call %s", v->o->type->section, c.h->name);
	for (unsigned i = 0; i < ABI_MAX_ARGS && c.h->args[i] != ABI_ARG_NONE; i++)
		TRY(check_arg(v, &c, i));
	if (c.map && c.map->flags & PROG_MAP_RDONLY && helper_changes_map(c.h->id))
		REJECT_REG(v, MAP_READONLY, 1, "%s on map %s, which is read-only", c.h->name, c.map->name);
	TRY(check_timer_map(v, &c));
	if (c.h->id == HELPER_TAIL_CALL)
		return tail_call(v);
	kind = helper_callback(c.h->id);
	ENSURE(v, has_arg(c.h, ABI_ARG_FUNC) == (kind != CALLBACK_NONE));
	if (c.record)
		TRY(ref_give_back(v, c.record));
	TRY(make_result(v, &c, &r0));
	if (kind != CALLBACK_NONE)
		return with_callback(v, &c, kind, r0);
	finish_call(v, r0);
	return E_OK;
}

FALLIBLE call_enter(struct verifier *v, uint32_t to, const struct reg *args)
{
	struct frame *callee = &v->cur.frames[v->cur.n_frames];
	const struct func *f = cfg_func(v, to);

	ENSURE(v, f->start == to);
	if (v->cur.n_frames >= v->limits->frames)
		REJECT(v, NESTING, "more than %u calls are nested", v->limits->frames);
	TRY(walk_need_frame(v, v->cur.n_frames));
	for (unsigned r = 0; r < ISA_N_REGS; r++)
		callee->r[r] = r >= 1 && r <= 5 ? args[r] : (struct reg){ .type = REG_NONE };
	callee->r[ISA_FP] = (struct reg){ .type = REG_STACK, .frame = (uint8_t)v->cur.n_frames, .set_at = to };
	callee->call_site = v->cur.insn;
	callee->func = (uint32_t)(f - v->funcs);
	callee->callback = CALLBACK_NONE;
	callee->stamp = (struct stamp){ .life = f->may_goto ? ++v->next_work : 0 };
	callee->n_slots = 0;
	v->cur.n_frames++;
	v->cur.insn = to;
	return E_OK;
}

static FALLIBLE call_register(struct verifier *v, const struct isa_insn *in)
{
	const struct reg *r = reg_at(v, in->dst);

	TRY(reg_read(v, in->dst));
	if (r->type != REG_FUNC)
		REJECT_REG(v, CALL_REGISTER, in->dst, "r%u is %s, and is called", in->dst, verify_type_name(r));
	TRY(calls_note(v, r->map));
	return call_enter(v, r->map, state_frame(&v->cur)->r);
}

FALLIBLE check_call(struct verifier *v, const struct isa_insn *in)
{
	if (in->sem == ISA_CALLX)
		return call_register(v, in);
	if (in->aux == ISA_CALL_LOCAL)
		return call_enter(v, cfg_call_target(v->cur.insn, in), state_frame(&v->cur)->r);
	ENSURE(v, in->aux == ISA_CALL_HELPER);
	return call_helper(v, in);
}

static FALLIBLE return_to_caller(struct verifier *v)
{
	struct frame *callee = state_frame(&v->cur);
	struct reg r0 = callee->r[0];

	if (r0.type == REG_STACK && r0.frame == v->cur.n_frames - 1)
		REJECT_REG(v, RETURN_STACK, 0, "the function returns a pointer to its own stack");
	drop_frame(v, r0);
	v->cur.insn = callee->call_site + 1;
	return E_OK;
}

FALLIBLE check_exit(struct verifier *v)
{
	const struct abi_prog_type *t = v->o->type;
	const struct reg *r = reg_at(v, 0);

	if (state_frame(&v->cur)->callback)
		return callback_end(v);
	if (v->cur.n_frames > 1)
		return return_to_caller(v);
	TRY(reg_read(v, 0));
	if (r->type != REG_SCALAR)
		REJECT_REG(v, RETURN_TYPE, 0, "the program returns %s", verify_type_name(r));
	if (r->s.smin < t->ret_min || r->s.smax > t->ret_max)
		REJECT_REG(v, RETURN_RANGE, 0, "the program may return %lld..%lld; %s allows %lld..%lld",
			   (long long)r->s.smin, (long long)r->s.smax, t->section, (long long)t->ret_min,
			   (long long)t->ret_max);
	if (t->ret_min != INT64_MIN || t->ret_max != INT64_MAX)
		precise_reg(v, 0);
	TRY(ref_none_held(v, false, "the program ends"));
	precise_end(v);
	v->path_ends = true;
	return E_OK;
}
