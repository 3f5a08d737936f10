/* SPDX-License-Identifier: Apache-2.0 */
/* read: bytes to the programs and maps that they describe, and what the caller's options make of them. */
#include "engine/btf/btf.h"

#include "lib/lib.h"

enum { MEMORY_MAX = 256 << 20, VERIFY_STEPS = 1000000 };

struct sp_module_opts lib_opts(const struct sp_module_opts *opts)
{
	struct sp_module_opts o = { 0 };

	if (opts)
		o = *opts;
	if (!o.verify_steps)
		o.verify_steps = VERIFY_STEPS;
	if (!o.memory_max)
		o.memory_max = MEMORY_MAX;
	if (!o.ret_min && !o.ret_max) {
		o.ret_min = INT64_MIN;
		o.ret_max = INT64_MAX;
	}
	return o;
}

/* A program of a section whose name begins with '?' is one only when its section is asked for. */
bool lib_is_wanted(const struct sp_module_opts *o, const struct prog *p)
{
	for (uint32_t i = 0; i < o->n_sections; i++)
		if (!strcmp(o->sections[i], p->section))
			return true;
	return !o->n_sections && !p->on_demand;
}

struct resolving {
	const struct sp_env *env;
	const struct sp_module_opts *o;
};

static bool resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	const struct resolving *r = user;

	if (x->kind == OBJ_EXTERN_FUNC) {
		for (uint32_t i = 0; i < r->env->n; i++)
			if (!strcmp(r->env->helpers[i].name, x->name)) {
				*out = (struct obj_bound){ .kind = OBJ_BOUND_HELPER, .number = r->env->helpers[i].id };
				return true;
			}
		return false;
	}
	for (uint32_t i = 0; i < r->o->n_externs; i++)
		if (!strcmp(r->o->externs[i].name, x->name)) {
			*out = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER, .number = r->o->externs[i].value };
			return true;
		}
	return false;
}

static FALLIBLE set_context(struct sp_module *m, const struct sp_module_opts *o, struct diag *d)
{
	const struct sp_ctx_def *c = o->ctx;
	struct abi_ctx_field *fields;

	m->ctx = (struct abi_ctx){ .name = "no context", .plain_memory = true };
	if (!c)
		return E_OK;
	m->ctx.name = arena_printf(&m->arena, "%.255s", c->name ? c->name : "context");
	m->ctx.size = c->bytes;
	m->ctx.plain_memory = !c->fields;
	m->ctx.writable = c->writable;
	if (c->fields && c->writable)
		FAIL(d, INVALID, "context %s: one with fields cannot be writable", m->ctx.name ? m->ctx.name : "");
	fields = ARENA_ARRAY(&m->arena, struct abi_ctx_field, c->n_fields ? c->n_fields : 1);
	if (!m->ctx.name || !fields)
		return E_NOMEM;
	for (uint32_t i = 0; c->fields && i < c->n_fields; i++) {
		const struct sp_ctx_field *f = &c->fields[i];

		if (!f->bytes || f->bytes > 8 || f->bytes & (f->bytes - 1) || f->offset > c->bytes ||
		    f->bytes > c->bytes - f->offset || (i && f->offset <= c->fields[i - 1].offset))
			FAIL(d, INVALID,
			     "context %s: field %u is not 1, 2, 4 or 8 bytes inside it, in order of offsets",
			     m->ctx.name, i);
		fields[i] = (struct abi_ctx_field){ .off = f->offset, .bytes = (uint8_t)f->bytes, .name = "field" };
		if (f->name && !(fields[i].name = arena_printf(&m->arena, "%.255s", f->name)))
			return E_NOMEM;
	}
	m->ctx.fields = fields;
	m->ctx.n_fields = c->fields ? c->n_fields : 0;
	return E_OK;
}

static FALLIBLE read_code(struct sp_module *m, struct view code, struct diag *d)
{
	struct prog *p = ARENA_NEW(&m->arena, struct prog);

	if (!p)
		return E_NOMEM;
	TRY(prog_from_code(code, "main", &m->arena, p, d));
	p->section = "";
	m->obj = (struct obj){ .progs = p, .n_progs = 1, .license = "" };
	return E_OK;
}

FALLIBLE lib_read(struct sp_module *m, const struct sp_env *env, const struct lib_source *src,
		  const struct sp_module_opts *o, struct diag *d)
{
	struct resolving r = { env, o };
	struct obj_opts opts = { .resolve = resolve, .user = &r };
	struct btf target;
	void *copy;

	m->env = env;
	m->setting = o->setting;
	m->type = env->type;
	m->type.ret_min = o->ret_min;
	m->type.ret_max = o->ret_max;
	TRY(set_context(m, o, d));
	if (src->n > OBJ_MAX_BYTES)
		FAIL(d, LIMIT, "%zu bytes are over the limit of %d", src->n, OBJ_MAX_BYTES);
	/* Maps and lines borrow from it. */
	copy = arena_alloc(&m->arena, src->n ? src->n : 1);
	if (!copy)
		return E_NOMEM;
	if (src->n)
		memcpy(copy, src->bytes, src->n);
	if (src->is_code)
		return read_code(m, view_of(copy, src->n), d);
	if (o->target_btf) {
		TRY(btf_read(view_of(o->target_btf, o->target_btf_bytes), NULL, &m->arena, &target, d));
		opts.target = &target;
	}
	return obj_read(view_of(copy, src->n), "object", &opts, &m->arena, &m->obj, d);
}

FALLIBLE lib_verify(const struct sp_module *m, const struct prog *p, const struct sp_module_opts *o,
		    struct verify_stats *stats, struct arena *a, struct diag *d)
{
	struct abi_profile profile = m->env->profile;
	const struct verify_opts opts = { .profile = &profile, .type = &m->type, .ctx = &m->ctx };

	profile.limits.steps = o->verify_steps;
	return verify_prog(p, &opts, a, stats, d);
}
