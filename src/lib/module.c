/* SPDX-License-Identifier: Apache-2.0 */
/* module: from a read object to programs that can run: maps, verification, native code. */
#include "lib/lib.h"

/* Maps */

static bool same_shape(const struct prog_map *a, const struct prog_map *b)
{
	return a->kind == b->kind && a->key_size == b->key_size && a->value_size == b->value_size &&
	       a->max_entries == b->max_entries && (a->flags & PROG_MAP_RDONLY) == (b->flags & PROG_MAP_RDONLY);
}

static FALLIBLE make_map(struct sp_module *m, uint32_t i, const struct sp_module_opts *o, struct diag *d)
{
	const struct prog_map *def = &m->obj.maps[i];
	struct map_opts mo = { .n_cpus = o->n_cpus };

	for (uint32_t k = 0; k < o->n_maps; k++) {
		if (strcmp(o->maps[k].name, def->name) != 0)
			continue;
		if (!same_shape(def, map_def(lib_map(o->maps[k].map))))
			FAIL(d, INVALID, "map '%s': the one that is to be used has another kind, size or flags",
			     def->name);
		m->maps[i] = map_ref(lib_map(o->maps[k].map));
		return E_OK;
	}
	return map_new_with(def, &mo, &m->maps[i], d);
}

/* Is it one that this module made, and so is to fill? */
static bool is_own(const struct sp_module *m, uint32_t i, const struct sp_module_opts *o)
{
	for (uint32_t k = 0; k < o->n_maps; k++)
		if (!strcmp(o->maps[k].name, m->obj.maps[i].name))
			return false;
	return true;
}

/* Inner maps that the object puts into maps of maps. */
static FALLIBLE fill_outer(struct sp_module *m, uint32_t i, struct diag *d)
{
	const struct prog_map *def = &m->obj.maps[i];

	if (def->kind != PROG_MAP_ARRAY_OF_MAPS && def->kind != PROG_MAP_HASH_OF_MAPS)
		return E_OK;
	for (uint32_t k = 0; k < def->n_inner_maps; k++)
		if (def->inner_maps[k] && def->inner_maps[k] <= m->obj.n_maps)
			TRY(map_set_inner(m->maps[i], &k, m->maps[def->inner_maps[k] - 1], d));
	return E_OK;
}

/* Addresses of other data in data sections. */
static void fill_pointers(struct sp_module *m, uint32_t i)
{
	const struct prog_map *def = &m->obj.maps[i];
	uint8_t *mine, *base;
	size_t bytes;
	bool writable;

	map_values(m->maps[i], &mine, &bytes, &writable);
	for (uint32_t k = 0; k < def->n_ptrs; k++) {
		const struct prog_ptr *p = &def->ptrs[k];
		uint64_t address = VM_FUNC_REF + p->func;

		if (p->map != PROG_PTR_FUNC) {
			map_values(m->maps[p->map], &base, &bytes, &writable);
			address = (uint64_t)(uintptr_t)base + p->off;
		}
		memcpy(mine + p->at, &address, sizeof address);
	}
}

static FALLIBLE make_maps(struct sp_module *m, const struct sp_module_opts *o, struct diag *d)
{
	m->maps = ARENA_ARRAY(&m->arena, struct map *, m->obj.n_maps ? m->obj.n_maps : 1);
	if (!m->maps)
		return E_NOMEM;
	for (uint32_t i = 0; i < m->obj.n_maps; i++)
		TRY(make_map(m, i, o, d));
	for (uint32_t i = 0; i < m->obj.n_maps; i++)
		if (is_own(m, i, o)) {
			TRY(fill_outer(m, i, d));
			fill_pointers(m, i);
		}
	return E_OK;
}

/* Programs */

static FALLIBLE make_program(struct sp_module *m, const struct prog *p, const struct sp_module_opts *o, struct diag *d)
{
	struct vm_prog_opts vo = { .profile = &m->env->profile, .maps = m->maps, .fns = m->env->fns, .keep = true };
	struct sp_program *out = &m->programs[m->n_programs];
	struct arena a;
	enum err e;

	*out = (struct sp_program){ .module = m, .prog = p };
	d->subject = p->name;
	TRY(vm_prog_new(p, &vo, &out->vp, d));
	m->n_programs++;
	if (m->setting != SP_VERIFIED)
		return E_OK;
	arena_init(&a, o->memory_max);
	e = lib_verify(m, p, o, &out->verified, &a, d);
	out->is_verified = e == E_OK;
	/* The notes are in the arena that goes: what the report shows without them is still whole. */
	d->notes = NULL;
	arena_done(&a);
	return e;
}

static FALLIBLE make_programs(struct sp_module *m, const struct sp_module_opts *o, struct diag *d)
{
	m->programs = ARENA_ARRAY(&m->arena, struct sp_program, m->obj.n_progs ? m->obj.n_progs : 1);
	if (!m->programs)
		return E_NOMEM;
	for (uint32_t i = 0; i < m->obj.n_progs; i++)
		if (lib_is_wanted(o, &m->obj.progs[i]))
			TRY(make_program(m, &m->obj.progs[i], o, d));
	return E_OK;
}

/* Debuggers are told. */
static FALLIBLE show(struct sp_module *m, const struct jit_code *codes, struct diag *d)
{
	const struct vm_prog **vps = ARENA_ARRAY(&m->arena, const struct vm_prog *, m->n_programs);

	if (!vps)
		return E_NOMEM;
	for (uint32_t i = 0; i < m->n_programs; i++)
		vps[i] = m->programs[i].vp;
	return jit_gdb_register(m->image, codes, vps, m->n_programs, d);
}

static FALLIBLE compile(struct sp_module *m, const struct sp_module_opts *o, struct diag *d)
{
	struct jit_opts jo = { .target = jit_host(),
			       .features = jit_host_features(),
			       .sandboxed = m->setting == SP_SANDBOXED,
			       .fuel = o->fuel,
			       .blind = o->blind_constants,
			       .retpoline = o->retpolines,
			       .seed = o->blind_seed };
	struct jit_code *codes = ARENA_ARRAY(&m->arena, struct jit_code, m->n_programs ? m->n_programs : 1);

	if (!codes)
		return E_NOMEM;
	if (jo.target == JIT_N_TARGETS)
		FAIL(d, UNSUPPORTED, "there is no native code for this host; SP_INTERPRETED runs anywhere");
	for (uint32_t i = 0; i < m->n_programs; i++) {
		d->subject = m->programs[i].prog->name;
		TRY(jit_compile(m->programs[i].vp, &jo, &m->arena, &codes[i], d));
		m->programs[i].native_bytes = (uint32_t)codes[i].code.len;
	}
	TRY(jit_map(codes, m->n_programs, &m->image, d));
	for (uint32_t i = 0; i < m->n_programs; i++)
		TRY(jit_attach(m->programs[i].vp, m->image, i, d));
	return o->gdb ? show(m, codes, d) : E_OK;
}

static struct sp_program *program_of(struct sp_module *m, uint32_t index)
{
	for (uint32_t i = 0; i < m->n_programs; i++)
		if (m->programs[i].prog == &m->obj.progs[index])
			return &m->programs[i];
	return NULL;
}

/* Programs that the object puts into prog arrays. */
static FALLIBLE fill_prog_arrays(struct sp_module *m, const struct sp_module_opts *o)
{
	for (uint32_t i = 0; i < m->obj.n_maps; i++) {
		const struct prog_map *def = &m->obj.maps[i];

		if (def->kind != PROG_MAP_PROG_ARRAY || !is_own(m, i, o))
			continue;
		for (uint32_t k = 0; k < def->n_inner_maps; k++) {
			struct sp_program *p = def->inner_maps[k] && def->inner_maps[k] <= m->obj.n_progs
						       ? program_of(m, def->inner_maps[k] - 1)
						       : NULL;

			if (p)
				TRY(vm_prog_array_set(m->maps[i], k, p->vp));
		}
	}
	return E_OK;
}

static FALLIBLE load(struct sp_module *m, const struct sp_env *env, const struct lib_source *src,
		     const struct sp_module_opts *o, struct diag *d)
{
	if ((unsigned)o->setting > SP_INTERPRETED)
		FAIL(d, INVALID, "there is no such setting");
	TRY(lib_read(m, env, src, o, d));
	TRY(make_maps(m, o, d));
	TRY(make_programs(m, o, d));
	if (m->setting != SP_INTERPRETED && m->n_programs)
		TRY(compile(m, o, d));
	return fill_prog_arrays(m, o);
}

static enum sp_status load_any(const struct sp_env *env, const struct lib_source *src,
			       const struct sp_module_opts *opts, struct sp_module **out, struct sp_report *r)
{
	const struct sp_module_opts o = lib_opts(opts);
	struct sp_module *m = calloc(1, sizeof *m);
	enum sp_status s;
	struct diag d;

	diag_init(&d);
	lib_report_clear(r);
	if (!m)
		return SP_NOMEM;
	arena_init(&m->arena, o.memory_max);
	s = lib_report(r, load(m, env, src, &o, &d), &d);
	if (s != SP_OK)
		sp_module_free(m);
	else
		*out = m;
	return s;
}

SP_API enum sp_status sp_module_load(const struct sp_env *env, const void *bytes, size_t n,
				     const struct sp_module_opts *opts, struct sp_module **out, struct sp_report *r)
{
	return load_any(env, &(struct lib_source){ bytes, n, false }, opts, out, r);
}

SP_API enum sp_status sp_module_load_code(const struct sp_env *env, const void *code, size_t bytes,
					  const struct sp_module_opts *opts, struct sp_module **out,
					  struct sp_report *r)
{
	return load_any(env, &(struct lib_source){ code, bytes, true }, opts, out, r);
}

SP_API enum sp_status sp_module_perf_map(const struct sp_module *m, int fd)
{
	for (uint32_t i = 0; i < m->n_programs; i++) {
		enum err e = jit_perf_map(m->programs[i].vp, m->programs[i].prog->name, fd);

		if (e == E_IO)
			return SP_INVALID;
		if (e != E_OK)
			return lib_status(e);
	}
	return SP_OK;
}

SP_API void sp_module_free(struct sp_module *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->n_programs; i++) {
		jit_detach(m->programs[i].vp);
		vm_prog_free(m->programs[i].vp);
	}
	jit_image_free(m->image);
	for (uint32_t i = 0; m->maps && i < m->obj.n_maps; i++)
		map_free(m->maps[i]);
	arena_done(&m->arena);
	free(m);
}

/* What is in it */

SP_API uint32_t sp_module_n_programs(const struct sp_module *m)
{
	return m->n_programs;
}

SP_API const struct sp_program *sp_module_program_at(const struct sp_module *m, uint32_t i)
{
	return i < m->n_programs ? &m->programs[i] : NULL;
}

SP_API const struct sp_program *sp_module_program(const struct sp_module *m, const char *name)
{
	for (uint32_t i = 0; i < m->n_programs; i++)
		if (!strcmp(m->programs[i].prog->name, name))
			return &m->programs[i];
	return NULL;
}

SP_API uint32_t sp_module_n_maps(const struct sp_module *m)
{
	return m->obj.n_maps;
}

SP_API struct sp_map *sp_module_map_at(const struct sp_module *m, uint32_t i)
{
	return i < m->obj.n_maps ? lib_sp_map(m->maps[i]) : NULL;
}

SP_API struct sp_map *sp_module_map(const struct sp_module *m, const char *name)
{
	for (uint32_t i = 0; i < m->obj.n_maps; i++)
		if (!strcmp(m->obj.maps[i].name, name))
			return lib_sp_map(m->maps[i]);
	return NULL;
}

SP_API const char *sp_program_name(const struct sp_program *p)
{
	return p->prog->name;
}

SP_API const char *sp_program_section(const struct sp_program *p)
{
	return p->prog->section;
}

SP_API void sp_program_stats(const struct sp_program *p, struct sp_program_stats *out)
{
	*out = (struct sp_program_stats){ .insns = p->prog->n_insns,
					  .verify_steps = p->is_verified ? p->verified.steps : 0,
					  .stack_bytes = p->is_verified ? p->verified.stack_bytes : 0,
					  .native_bytes = p->native_bytes,
					  .memory = vm_prog_bytes(p->vp) };
}
