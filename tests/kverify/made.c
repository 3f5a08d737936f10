/* SPDX-License-Identifier: Apache-2.0 */
/* made: bytes to a program and how it is to be judged. */
#include "made.h"

#include "engine/obj/obj.h"

extern const unsigned char made_types_bpf[];
extern const size_t made_types_bpf_bytes;

static_assert(sizeof(struct made_head) == 16 && sizeof(struct made_map) == 14 && sizeof(struct made_func) == 4,
	      "the layout has no gaps");

bool made_kit_init(struct made_kit *k)
{
	struct obj o;

	arena_init(&k->arena, 16 << 20);
	if (obj_read(view_of(made_types_bpf, made_types_bpf_bytes), "made_types", NULL, &k->arena, &o, NULL) != E_OK ||
	    !o.types)
		return false;
	k->types = *o.types;
	return true;
}

void made_kit_done(struct made_kit *k)
{
	arena_done(&k->arena);
}

/* Takes n bytes from the front. */
static bool take(struct view *v, void *out, size_t n)
{
	if (v->len < n)
		return false;
	memcpy(out, v->p, n);
	*v = view_of(v->p + n, v->len - n);
	return true;
}

static bool read_maps(struct view *v, uint32_t n, struct arena *a, struct prog *p)
{
	struct prog_map *maps = ARENA_ARRAY(a, struct prog_map, MADE_MAPS);

	if (!maps)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct made_map m;

		if (!take(v, &m, sizeof m))
			return false;
		maps[i] = (struct prog_map){ .name = m.init & 1 ? ".rodata" : "m",
					     .kind = m.kind,
					     .flags = (uint32_t)m.flags << (m.init & 2 ? 6 : 0),
					     .key_size = m.key,
					     .value_size = m.value,
					     .max_entries = m.entries,
					     .key_type = m.key_type,
					     .value_type = m.value_type,
					     .inner = m.inner && m.inner <= n ? &maps[m.inner - 1] : NULL };
		if (m.init & 4)
			maps[i].init = view_of(v->p, m.value < v->len ? m.value : v->len);
	}
	p->maps = maps;
	p->n_maps = n;
	return true;
}

static bool read_funcs(struct view *v, uint32_t n, struct arena *a, struct prog *p)
{
	struct prog_func *funcs = ARENA_ARRAY(a, struct prog_func, MADE_FUNCS);

	if (!funcs)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct made_func f;

		if (!take(v, &f, sizeof f))
			return false;
		funcs[i] = (struct prog_func){ "f", f.start & 0x7fff, f.type, f.start >> 15 };
	}
	p->funcs = funcs;
	p->n_funcs = n;
	return true;
}

/* What the object reader promises of functions: the first is at 0, and they are sorted. */
static bool in_order(const struct prog *p)
{
	for (uint32_t i = 0; i < p->n_funcs; i++)
		if (p->funcs[i].start >= p->n_insns ||
		    (i ? p->funcs[i].start <= p->funcs[i - 1].start : p->funcs[i].start))
			return false;
	return true;
}

/* The object reader has the offset into a map's value apart, and the distance of a function with its sign. */
static void refer(const struct prog *p, bool raw)
{
	for (uint32_t i = 0; i < p->n_insns; i++) {
		struct isa_insn *in = &p->insns[i];

		if (in->sem != ISA_IMM64 || raw)
			continue;
		if (in->aux == ISA_IMM64_MAP_VALUE || in->aux == ISA_IMM64_MAP_IDX_VALUE) {
			in->off = (int32_t)(in->imm >> 32);
			in->imm &= UINT32_MAX;
		} else if (in->aux == ISA_IMM64_FUNC) {
			in->imm = (int32_t)in->imm;
		}
	}
}

static const struct btf *types_of(uint8_t which, const struct made_kit *k, const struct made *m)
{
	switch (which % MADE_N_TYPES) {
	case MADE_OUR_TYPES:
		return &k->types;
	case MADE_GIVEN_TYPES:
		return m->given.n_types ? &m->given : NULL;
	default:
		return NULL;
	}
}

static const char *hook_of(uint8_t n)
{
	static const char *const hooks[] = { NULL,
					     "bpf_lsm_file_open",
					     "bpf_lsm_bprm_check_security",
					     "do_unlinkat",
					     "give_task",
					     "nothing",
					     "btf_trace_sched_switch",
					     "bpf_iter_task",
					     "task_struct",
					     "no_such_hook",
					     "" };

	return hooks[n % countof(hooks)];
}

static void set_options(const struct made_head *h, const struct made_kit *k, struct made *m)
{
	m->kernel = kernel_profiles[h->release % kernel_n_profiles];
	m->kernel.limits.steps = MADE_STEPS;
	m->room = (size_t)4096 << h->room % 14;
	m->cancel_at = h->cancel;
	m->diagnose = h->how & MADE_DIAGNOSE;
	m->watched = h->how & MADE_WATCHED;
	m->opts = (struct kverify_opts){ .kernel = &m->kernel,
					 .target = { .prog_type = h->prog_type,
						     .attach_type = h->attach_type,
						     .sleepable = h->how & MADE_SLEEPABLE,
						     .attach_name = hook_of(h->hook) },
					 .flags = h->how & (MADE_STRICT | MADE_ANY_ALIGN),
					 .gpl = h->how & MADE_GPL,
					 .types = types_of(h->types, k, m),
					 .kernel_types = types_of(h->kernel_types, k, m) };
	if (h->how & MADE_STATES)
		m->opts.flags |= KVERIFY_STATE_FREQ;
	if (h->how & MADE_INVARIANTS)
		m->opts.flags |= KVERIFY_REG_INVARIANTS;
}

static bool give_lines(struct made *m, struct arena *a)
{
	struct prog_line *lines = ARENA_ARRAY(a, struct prog_line, m->prog.n_insns);

	if (!lines)
		return false;
	for (uint32_t i = 0; i < m->prog.n_insns; i++)
		lines[i] = (struct prog_line){ i, "made.c", i % 3 ? "\tvalue->a[i] = bpf_get_prandom_u32();" : "",
					       i + 1, 1 };
	m->prog.lines = lines;
	m->prog.n_lines = m->prog.n_insns;
	return true;
}

bool made_from(struct view bytes, const struct made_kit *k, struct arena *a, struct made *out)
{
	struct made_head h;
	struct view btf;
	struct prog p, code;

	*out = (struct made){ 0 };
	p = (struct prog){ 0 };
	if (!take(&bytes, &h, sizeof h) || !read_maps(&bytes, h.n_maps % (MADE_MAPS + 1), a, &p) ||
	    !read_funcs(&bytes, h.n_funcs % (MADE_FUNCS + 1), a, &p) || h.btf_bytes > bytes.len)
		return false;
	btf = view_of(bytes.p, h.btf_bytes);
	bytes = view_of(bytes.p + h.btf_bytes, (bytes.len - h.btf_bytes) & ~(size_t)7);
	if (prog_from_code(bytes, "made", a, &code, NULL) != E_OK)
		return false;
	code.maps = p.maps;
	code.n_maps = p.n_maps;
	code.funcs = p.funcs;
	code.n_funcs = p.n_funcs;
	out->prog = code;
	if (!in_order(&out->prog))
		out->prog.n_funcs = 0;
	refer(&out->prog, h.more & MADE_RAW);
	if (h.btf_bytes && btf_read(btf, NULL, a, &out->given, NULL) != E_OK)
		out->given = (struct btf){ 0 };
	set_options(&h, k, out);
	return !(h.more & MADE_LINES) || give_lines(out, a);
}
