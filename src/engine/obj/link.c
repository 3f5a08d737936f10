/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: functions to programs.
 *
 * Each program is its entry function followed by all functions it can reach, in the order in which a walk over calls
 * and addresses first meets them, with references turned back into distances. A program without any borrows its
 * function's instructions.
 */
#include "engine/obj/link.h"

/* The program that is being put together. */
struct gathering {
	uint32_t number; /* in member_of and map_of */
	uint64_t slots;
	bool has_callx;
	uint32_t *maps, n_maps; /* those that it refers to, and those that they point to */
	uint32_t n_followed;    /* of maps: their pointers to maps were followed, ... */
	uint32_t n_called;      /* ... to functions too */
};

static void add_func(struct linker *l, const struct gathering *g, uint32_t func)
{
	func = l->funcs[func].first;
	if (l->member_of[func] == g->number)
		return;
	l->member_of[func] = g->number;
	l->order[l->n_order++] = func;
}

static void add_map(struct linker *l, struct gathering *g, uint32_t map)
{
	if (l->map_of[map] == g->number)
		return;
	l->map_of[map] = g->number;
	g->maps[g->n_maps++] = map;
}

static void add_refs(struct linker *l, struct gathering *g, const struct func *f)
{
	for (uint32_t k = 0; k < f->n; k++) {
		const struct isa_insn *in = &f->insns[k];

		if (func_is_ref(in))
			add_func(l, g, (uint32_t)in->imm);
		else if (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_MAP_VALUE)
			add_map(l, g, (uint32_t)in->imm);
		g->has_callx |= in->sem == ISA_CALLX;
	}
}

/* Every program may look at all addresses in data: so many that a loader would not come to an end. */
static FALLIBLE count_ptrs(struct linker *l, const struct prog_map *m)
{
	l->total_ptrs += m->n_ptrs;
	if (l->total_ptrs > OBJ_MAX_SLOTS)
		FAIL_ID(l->e->d, LIMIT, 'E', 234, "programs refer to data with over %d addresses", OBJ_MAX_SLOTS);
	return E_OK;
}

/* Functions whose addresses stand in data that the program can see: it may call them if it has indirect calls. */
static FALLIBLE add_pointed(struct linker *l, struct gathering *g)
{
	for (; g->n_followed < g->n_maps; g->n_followed++) {
		const struct prog_map *m = &l->maps->maps[g->maps[g->n_followed]];

		TRY(count_ptrs(l, m));
		for (uint32_t k = 0; k < m->n_ptrs; k++)
			if (m->ptrs[k].map != PROG_PTR_FUNC)
				add_map(l, g, m->ptrs[k].map);
	}
	for (; g->has_callx && g->n_called < g->n_maps; g->n_called++) {
		const struct prog_map *m = &l->maps->maps[g->maps[g->n_called]];

		for (uint32_t k = 0; k < m->n_ptrs; k++)
			if (m->ptrs[k].map == PROG_PTR_FUNC)
				add_func(l, g, m->ptrs[k].func);
	}
	return E_OK;
}

/* Fill order with the entry and everything it can reach; g says the rest. */
static FALLIBLE gather(struct linker *l, uint32_t entry, struct gathering *g)
{
	l->n_order = 0;
	add_func(l, g, entry);
	for (uint32_t i = 0; i < l->n_order; i++) {
		const struct func *f = &l->funcs[l->order[i]];

		l->start_of[l->order[i]] = (uint32_t)g->slots;
		g->slots += f->n;
		if (g->slots > ISA_MAX_SLOTS || g->slots > OBJ_MAX_SLOTS - l->total)
			FAIL_ID(l->e->d, LIMIT, 'E', 234,
				"program '%s' brings the linked code over %d instructions, or %d in one",
				l->funcs[entry].name, OBJ_MAX_SLOTS, ISA_MAX_SLOTS);
		add_refs(l, g, f);
		if (i + 1 == l->n_order)
			TRY(add_pointed(l, g));
	}
	l->total += g->slots;
	return E_OK;
}

/* Pointers to functions hold slots, so that two programs with indirect calls must agree on them. */
static FALLIBLE settle_ptrs(struct linker *l, const struct gathering *g, uint32_t entry)
{
	for (uint32_t i = 0; g->has_callx && i < g->n_maps; i++) {
		const struct prog_map *m = &l->maps->maps[g->maps[i]];

		for (uint32_t k = 0; k < m->n_ptrs; k++) {
			struct prog_ptr *p = &l->ptrs[g->maps[i]][k];
			uint32_t slot = p->map == PROG_PTR_FUNC ? l->start_of[l->funcs[p->func].first] : 0;

			if (p->map != PROG_PTR_FUNC)
				continue;
			if (p->prog != NO_INDEX && p->off != slot)
				FAIL_ID(l->e->d, UNSUPPORTED, 'E', 286,
					"section %s holds the address of '%s', which has another place in program "
					"'%s' than in one before; both call what addresses name",
					m->name, l->funcs[p->func].name, l->funcs[entry].name);
			if (p->prog == NO_INDEX)
				p->prog = l->funcs[entry].prog;
			p->off = slot;
		}
	}
	return E_OK;
}

/* All programs are linked: func becomes a slot. What no program can call stays zero. */
static void finish_ptrs(struct linker *l)
{
	for (uint32_t i = 0; i < l->maps->n; i++) {
		struct prog_map *m = &l->maps->maps[i];
		uint32_t n = 0;

		for (uint32_t k = 0; k < m->n_ptrs; k++) {
			struct prog_ptr p = m->ptrs[k];

			if (p.map == PROG_PTR_FUNC && p.prog == NO_INDEX)
				continue;
			if (p.map == PROG_PTR_FUNC)
				p.func = p.off;
			p.off = p.map == PROG_PTR_FUNC ? 0 : p.off;
			p.prog = p.map == PROG_PTR_FUNC ? p.prog : 0;
			l->ptrs[i][n++] = p;
		}
		m->n_ptrs = n;
	}
}

/* Copy one function's instructions; calls and addresses become distances. */
static void place(const struct linker *l, const struct func *f, struct isa_insn *out, uint32_t start)
{
	memcpy(out + start, f->insns, f->n * sizeof *out);
	for (uint32_t i = start; i < start + f->n; i++) {
		if (!func_is_ref(&out[i]))
			continue;
		out[i].imm = (int64_t)l->start_of[l->funcs[out[i].imm].first] - (i + 1);
		out[i].off = 0;
	}
}

static bool has_refs(const struct func *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (func_is_ref(&f->insns[i]))
			return true;
	return false;
}

/* The type that .BTF.ext gives the function, or 0. */
static uint32_t type_of(const struct linker *l, const struct func *f)
{
	const struct obj_lines *lines = &l->lines[f->section];
	uint32_t lo = 0, hi = lines->n_types;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (lines->types[mid].slot == f->start)
			return lines->types[mid].type;
		if (lines->types[mid].slot < f->start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static FALLIBLE link_code(struct linker *l, struct prog *p)
{
	struct prog_func *funcs = ARENA_ARRAY(l->e->a, struct prog_func, l->n_order);
	const struct func *entry = &l->funcs[l->order[0]];

	if (!funcs)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->n_order; i++) {
		const struct func *f = &l->funcs[l->order[i]];

		funcs[i] = (struct prog_func){
			.name = f->name, .start = l->start_of[l->order[i]], .type = type_of(l, f), .hidden = f->hidden
		};
	}
	funcs[0].name = p->name;
	p->funcs = funcs;
	p->n_funcs = l->n_order;
	if (l->n_order == 1 && !has_refs(entry)) {
		p->insns = entry->insns;
		return E_OK;
	}
	p->insns = ARENA_ARRAY(l->e->a, struct isa_insn, p->n_insns);
	if (!p->insns)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->n_order; i++)
		place(l, &l->funcs[l->order[i]], p->insns, funcs[i].start);
	return E_OK;
}

/* Rows of one function: [*first, returned) of its section's. */
static uint32_t rows_of(const struct obj_lines *lines, const struct func *f, uint32_t *first)
{
	uint32_t bound[2] = { f->start, f->start + f->n }, found[2];

	for (int i = 0; i < 2; i++) {
		uint32_t lo = 0, hi = lines->n;

		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (lines->rows[mid].insn < bound[i])
				lo = mid + 1;
			else
				hi = mid;
		}
		found[i] = lo;
	}
	*first = found[0];
	return found[1];
}

/* Each function's rows behind one another; a function that begins without a row gets an empty one, lest it inherit. */
static FALLIBLE link_lines(struct linker *l, struct prog *p)
{
	uint32_t n = 0, first, end;
	struct prog_line *rows;

	for (uint32_t i = 0; i < l->n_order; i++) {
		const struct func *f = &l->funcs[l->order[i]];

		end = rows_of(&l->lines[f->section], f, &first);
		n += end - first + 1;
	}
	if (n == l->n_order)
		return E_OK;
	rows = ARENA_ARRAY(l->e->a, struct prog_line, n);
	if (!rows)
		return E_NOMEM;
	p->lines = rows;
	for (uint32_t i = 0; i < l->n_order; i++) {
		const struct func *f = &l->funcs[l->order[i]];
		const struct prog_line *from = l->lines[f->section].rows;

		end = rows_of(&l->lines[f->section], f, &first);
		if (i && (first == end || from[first].insn != f->start))
			rows[p->n_lines++] = (struct prog_line){ .insn = p->funcs[i].start, .file = "", .text = "" };
		for (; first < end; first++) {
			rows[p->n_lines] = from[first];
			rows[p->n_lines++].insn = from[first].insn - f->start + p->funcs[i].start;
		}
	}
	return E_OK;
}

static FALLIBLE link_one(struct linker *l, uint32_t entry, struct prog *p)
{
	const struct func *f = &l->funcs[entry];
	uint32_t maps[OBJ_MAX_MAPS];
	struct gathering g = { .number = f->prog + 1, .maps = maps };

	*p = (struct prog){
		.name = f->name,
		.section = l->e->sections[f->section].name,
		.maps = l->maps->maps,
		.n_maps = l->maps->n,
		.missing = l->missing,
		.n_missing = l->n_missing,
	};
	p->on_demand = p->section[0] == '?';
	p->section += p->on_demand;
	TRY(gather(l, entry, &g));
	TRY(settle_ptrs(l, &g, entry));
	p->n_insns = (uint32_t)g.slots;
	TRY(link_code(l, p));
	return link_lines(l, p);
}

static int by_name(const void *pa, const void *pb)
{
	const char *const *a = pa, *const *b = pb;

	return strcmp(*a, *b);
}

static FALLIBLE refuse_same_names(const struct elf *e, const struct obj *o)
{
	const char **names = ARENA_ARRAY(e->a, const char *, o->n_progs);

	if (!names)
		return E_NOMEM;
	for (uint32_t i = 0; i < o->n_progs; i++)
		names[i] = o->progs[i].name;
	qsort(names, o->n_progs, sizeof *names, by_name);
	for (uint32_t i = 1; i < o->n_progs; i++)
		if (!strcmp(names[i - 1], names[i]))
			FAIL_ID(e->d, FORMAT, 'E', 235, "there are two programs '%s'", names[i]);
	return E_OK;
}

static FALLIBLE prepare(struct linker *l)
{
	TRY(funcs_list(l));
	TRY(core_relocate(l));
	TRY(code_relocate(l));
	TRY(data_relocate(l));
	l->order = ARENA_ARRAY(l->e->a, uint32_t, l->n_funcs);
	l->start_of = ARENA_ARRAY(l->e->a, uint32_t, l->n_funcs);
	l->member_of = ARENA_ARRAY(l->e->a, uint32_t, l->n_funcs);
	l->map_of = ARENA_ARRAY(l->e->a, uint32_t, l->maps->n);
	return l->order && l->start_of && l->member_of && l->map_of ? E_OK : E_NOMEM;
}

FALLIBLE link_progs(struct elf *e, const struct btf *b, struct obj_maps *maps, const struct obj_externs *externs,
		    const struct obj_lines *lines, struct obj *out)
{
	struct linker l = { .e = e, .types = b, .maps = maps, .externs = externs, .lines = lines };

	TRY(prepare(&l));
	out->progs = ARENA_ARRAY(e->a, struct prog, l.n_progs);
	if (!out->progs)
		return E_NOMEM;
	for (uint32_t i = 0; i < l.n_funcs; i++) {
		if (l.funcs[i].prog == NO_INDEX)
			continue;
		TRY(link_one(&l, i, &out->progs[out->n_progs]));
		out->n_progs++;
	}
	finish_ptrs(&l);
	return refuse_same_names(e, out);
}
