/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: functions to programs.
 *
 * Every function is decoded once. Relocations turn references into indexes: of a map in a 64-bit immediate, of a
 * function in a local call. Then each program is its entry function followed by all functions it can reach, in the
 * order in which a walk over the calls first meets them, with calls turned back into distances. A program without local
 * calls borrows its function's instructions.
 */
#include "engine/obj/internal.h"

enum { CALL_RESOLVED = 1 };

struct func {
	const char *name;
	uint32_t section, start, n; /* in slots */
	uint32_t first;             /* the function with the same place that comes first: aliases share it */
	bool is_prog;
	struct isa_insn *insns; /* a resolved local call has off CALL_RESOLVED and imm = function index */
};

struct linker {
	struct elf *e;
	const struct obj_maps *maps;
	const struct obj_lines *lines;
	struct func *funcs; /* by section, then start */
	uint32_t n_funcs, n_progs;
	struct isa_insn map_fd, map_value;
	/* of the program being linked */
	uint32_t *order, n_order; /* functions in it */
	uint32_t *start_of;       /* by function: its first slot in the program */
	uint32_t *member_of;      /* by function: number of the last program that has it, from 1 */
	uint64_t total;           /* slots of all programs so far */
};

static int by_place(const void *pa, const void *pb)
{
	const struct func *a = pa, *b = pb;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return strcmp(a->name, b->name);
}

static FALLIBLE add_function(struct linker *l, const struct elf_symbol *s)
{
	const struct elf_section *sec = &l->e->sections[s->section];
	struct func *f = &l->funcs[l->n_funcs];

	TRY(elf_check_name(l->e, s->name, "function"));
	if (!s->name[0] || !s->size || s->value % ISA_SLOT_BYTES || s->size % ISA_SLOT_BYTES ||
	    !view_has(sec->data, s->value, s->size))
		FAIL_ID(l->e->d, FORMAT, 'E', 221,
			"function '%s' (0x%llx bytes at 0x%llx) does not lie on instructions of section %s", s->name,
			(unsigned long long)s->size, (unsigned long long)s->value, sec->name);
	*f = (struct func){ .name = s->name,
			    .section = s->section,
			    .start = (uint32_t)(s->value / ISA_SLOT_BYTES),
			    .n = (uint32_t)(s->size / ISA_SLOT_BYTES) };
	f->is_prog = s->bind != STB_LOCAL && strcmp(sec->name, ".text") != 0;
	l->n_progs += f->is_prog;
	l->n_funcs++;
	return E_OK;
}

static FALLIBLE find_aliases(struct linker *l)
{
	for (uint32_t i = 0; i < l->n_funcs; i++) {
		struct func *f = &l->funcs[i], *prev = i ? &l->funcs[i - 1] : NULL;

		f->first = i;
		if (!prev || prev->section != f->section || prev->start + prev->n <= f->start)
			continue;
		if (prev->start != f->start || prev->n != f->n)
			FAIL_ID(l->e->d, FORMAT, 'E', 222, "functions '%s' and '%s' overlap", prev->name, f->name);
		f->first = prev->first;
	}
	return E_OK;
}

/* Code that no function covers would be left out without a word. */
static FALLIBLE refuse_nameless_code(const struct linker *l)
{
	uint32_t k = 0;

	for (uint32_t i = 1; i < l->e->n_sections; i++) {
		while (k < l->n_funcs && l->funcs[k].section < i)
			k++;
		elf_at(l->e, l->e->sections[i].off);
		if (elf_is_code(&l->e->sections[i]) && (k == l->n_funcs || l->funcs[k].section != i))
			FAIL_ID(l->e->d, FORMAT, 'E', 223, "section %s has code, but no function symbol",
				l->e->sections[i].name);
	}
	elf_at(l->e, DIAG_NONE);
	return E_OK;
}

static FALLIBLE list_functions(struct linker *l)
{
	struct elf *e = l->e;

	l->funcs = ARENA_ARRAY(e->a, struct func, e->n_symbols);
	if (!l->funcs)
		return E_NOMEM;
	for (uint32_t i = 1; i < e->n_symbols; i++) {
		const struct elf_symbol *s = &e->symbols[i];

		if (s->type != STT_FUNC || s->section == 0 || s->section == NO_SECTION ||
		    !elf_is_code(&e->sections[s->section]))
			continue;
		elf_at(e, e->sections[e->symtab].off + (uint64_t)i * SYMBOL_BYTES);
		TRY(add_function(l, s));
	}
	elf_at(e, DIAG_NONE);
	if (l->n_progs > OBJ_MAX_PROGS)
		FAIL_ID(e->d, LIMIT, 'E', 224, "%u programs, at most %d are read", l->n_progs, OBJ_MAX_PROGS);
	qsort(l->funcs, l->n_funcs, sizeof *l->funcs, by_place);
	TRY(find_aliases(l));
	return refuse_nameless_code(l);
}

static FALLIBLE decode_functions(struct linker *l)
{
	const char *subject = l->e->d ? l->e->d->subject : NULL;

	for (uint32_t i = 0; i < l->n_funcs; i++) {
		struct func *f = &l->funcs[i];
		const uint8_t *code = l->e->sections[f->section].data.p + (size_t)f->start * ISA_SLOT_BYTES;
		uint32_t n;

		if (f->first != i) {
			f->insns = l->funcs[f->first].insns;
			continue;
		}
		if (l->e->d)
			l->e->d->subject = f->name;
		TRY(isa_decode(view_of(code, (size_t)f->n * ISA_SLOT_BYTES), l->e->a, &f->insns, &n, l->e->d));
	}
	if (l->e->d)
		l->e->d->subject = subject;
	return E_OK;
}

/* The last function that begins at or before the slot, its first alias; NULL when there is none in the section. */
static struct func *func_before(const struct linker *l, uint32_t section, uint64_t slot)
{
	uint32_t lo = 0, hi = l->n_funcs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct func *f = &l->funcs[mid];

		if (f->section < section || (f->section == section && f->start <= slot))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || l->funcs[lo - 1].section != section)
		return NULL;
	return &l->funcs[l->funcs[lo - 1].first];
}

static FALLIBLE resolve_call(struct linker *l, struct isa_insn *in, uint32_t section, int64_t slot)
{
	struct func *f = slot >= 0 ? func_before(l, section, (uint64_t)slot) : NULL;

	if (!f || f->start != (uint64_t)slot)
		FAIL_ID(l->e->d, FORMAT, 'E', 225, "a call to slot %lld of section %s, where no function begins",
			(long long)slot, l->e->sections[section].name);
	in->off = CALL_RESOLVED;
	in->imm = f - l->funcs;
	return E_OK;
}

static FALLIBLE relocate_call(struct linker *l, struct isa_insn *in, const struct elf_symbol *s)
{
	if (in->sem != ISA_CALL || in->aux != ISA_CALL_LOCAL || in->off == CALL_RESOLVED)
		FAIL_ID(l->e->d, FORMAT, 'E', 228, "a call relocation stands on '%s'", isa_rows[in->row].mnemonic);
	if (s->section == NO_SECTION || !elf_is_code(&l->e->sections[s->section]) || s->value % ISA_SLOT_BYTES ||
	    s->value >= l->e->sections[s->section].size)
		FAIL_ID(l->e->d, FORMAT, 'E', 225, "a call to symbol '%.64s', which is no place in code", s->name);
	return resolve_call(l, in, s->section, (int64_t)(s->value / ISA_SLOT_BYTES) + in->imm + 1);
}

/* Index of the map at this offset of .maps, or NO_INDEX. */
static uint32_t map_at(const struct obj_maps *m, uint64_t value)
{
	for (uint32_t i = 0; i < m->n_defined; i++)
		if (m->value[i] == value)
			return i;
	return NO_INDEX;
}

static void set_imm64(struct isa_insn *in, const struct isa_insn *kind, uint32_t map, uint32_t off)
{
	in->row = kind->row;
	in->aux = kind->aux;
	in->imm = map;
	in->off = (int32_t)off;
}

static FALLIBLE relocate_imm64(struct linker *l, struct isa_insn *in, const struct elf_symbol *s)
{
	uint64_t off = s->value + (uint64_t)in->imm;
	uint32_t map;

	if (in->sem != ISA_IMM64 || in->aux != ISA_IMM64_VALUE)
		FAIL_ID(l->e->d, FORMAT, 'E', 228, "a relocation of a 64-bit immediate stands on '%s'",
			isa_rows[in->row].mnemonic);
	if (s->section != NO_SECTION && s->section == l->maps->maps_section) {
		map = map_at(l->maps, off);
		if (map == NO_INDEX)
			FAIL_ID(l->e->d, FORMAT, 'E', 229, "a reference to byte %llu of .maps, where no map begins",
				(unsigned long long)off);
		set_imm64(in, &l->map_fd, map, 0);
		return E_OK;
	}
	map = s->section == NO_SECTION ? NO_INDEX : l->maps->by_section[s->section];
	if (map == NO_INDEX)
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 230, "the address of '%.64s' is neither a map nor data", s->name);
	if (off >= l->maps->maps[map].value_size)
		FAIL_ID(l->e->d, FORMAT, 'E', 231, "a reference to byte %lld of %s, which has %u", (long long)off,
			l->maps->maps[map].name, l->maps->maps[map].value_size);
	set_imm64(in, &l->map_value, map, (uint32_t)off);
	return E_OK;
}

static FALLIBLE relocate(struct linker *l, uint32_t section, const struct elf_rel *r)
{
	const struct elf_symbol *s;
	uint64_t slot = r->off / ISA_SLOT_BYTES;
	struct func *f = func_before(l, section, slot);

	if (r->off % ISA_SLOT_BYTES || !f || slot - f->start >= f->n || !r->symbol || r->symbol >= l->e->n_symbols)
		FAIL_ID(l->e->d, FORMAT, 'E', 226,
			"a relocation of byte 0x%llx of section %s by symbol %u is about nothing there",
			(unsigned long long)r->off, l->e->sections[section].name, r->symbol);
	s = &l->e->symbols[r->symbol];
	if (!s->section)
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 227, "symbol '%.64s' is defined nowhere in this file", s->name);
	if (r->type == R_64_32)
		return relocate_call(l, &f->insns[slot - f->start], s);
	if (r->type == R_64_64)
		return relocate_imm64(l, &f->insns[slot - f->start], s);
	FAIL_ID(l->e->d, UNSUPPORTED, 'E', 232, "relocation type %u in section %s", r->type,
		l->e->sections[section].name);
}

static FALLIBLE apply_relocs(struct linker *l)
{
	for (uint32_t i = 1; i < l->e->n_sections; i++) {
		const struct elf_section *s = &l->e->sections[i];

		if (s->type != SHT_REL || !elf_is_code(&l->e->sections[s->info]))
			continue;
		for (uint64_t k = 0; k < s->data.len / REL_BYTES; k++) {
			struct elf_rel r = elf_rel_at(s, k);

			elf_at(l->e, s->off + k * REL_BYTES);
			TRY(relocate(l, s->info, &r));
		}
	}
	return E_OK;
}

/* Calls that the compiler resolved itself. */
static FALLIBLE finish_function(struct linker *l, const struct func *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		struct isa_insn *in = &f->insns[i];

		if (in->sem != ISA_CALL || in->aux != ISA_CALL_LOCAL || in->off == CALL_RESOLVED)
			continue;
		elf_at(l->e, l->e->sections[f->section].off + ((uint64_t)f->start + i) * ISA_SLOT_BYTES);
		TRY(resolve_call(l, in, f->section, (int64_t)f->start + i + 1 + in->imm));
	}
	return E_OK;
}

/* Before any relocation: a map reference in the file's bytes names a descriptor of somebody's process. */
static FALLIBLE refuse_raw_refs(const struct linker *l, const struct func *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		if (f->insns[i].sem != ISA_IMM64 || f->insns[i].aux == ISA_IMM64_VALUE)
			continue;
		elf_at(l->e, l->e->sections[f->section].off + ((uint64_t)f->start + i) * ISA_SLOT_BYTES);
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 233, "'%s' has a 64-bit immediate of kind %u without relocation",
			f->name, f->insns[i].aux);
	}
	return E_OK;
}

/* Fill order with the entry and everything it can reach; *n: their slots. */
static FALLIBLE gather(struct linker *l, uint32_t entry, uint32_t number, uint32_t *n)
{
	uint64_t slots = 0;

	l->order[0] = l->funcs[entry].first;
	l->n_order = 1;
	l->member_of[l->order[0]] = number;
	for (uint32_t i = 0; i < l->n_order; i++) {
		const struct func *f = &l->funcs[l->order[i]];

		l->start_of[l->order[i]] = (uint32_t)slots;
		slots += f->n;
		if (slots > ISA_MAX_SLOTS || slots > OBJ_MAX_SLOTS - l->total)
			FAIL_ID(l->e->d, LIMIT, 'E', 234,
				"program '%s' brings the linked code over %d instructions, or %d in one",
				l->funcs[entry].name, OBJ_MAX_SLOTS, ISA_MAX_SLOTS);
		for (uint32_t k = 0; k < f->n; k++) {
			const struct isa_insn *in = &f->insns[k];

			if (in->sem != ISA_CALL || in->aux != ISA_CALL_LOCAL || l->member_of[in->imm] == number)
				continue;
			l->member_of[in->imm] = number;
			l->order[l->n_order++] = (uint32_t)in->imm;
		}
	}
	l->total += slots;
	*n = (uint32_t)slots;
	return E_OK;
}

/* Copy one function's instructions; calls become distances. */
static void place(const struct linker *l, const struct func *f, struct isa_insn *out, uint32_t start)
{
	memcpy(out + start, f->insns, f->n * sizeof *out);
	for (uint32_t i = start; i < start + f->n; i++) {
		if (out[i].sem != ISA_CALL || out[i].aux != ISA_CALL_LOCAL)
			continue;
		out[i].imm = (int64_t)l->start_of[out[i].imm] - (i + 1);
		out[i].off = 0;
	}
}

static bool has_calls(const struct func *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->insns[i].sem == ISA_CALL && f->insns[i].aux == ISA_CALL_LOCAL)
			return true;
	return false;
}

static FALLIBLE link_code(struct linker *l, struct prog *p)
{
	struct prog_func *funcs = ARENA_ARRAY(l->e->a, struct prog_func, l->n_order);
	const struct func *entry = &l->funcs[l->order[0]];

	if (!funcs)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->n_order; i++)
		funcs[i] = (struct prog_func){ l->funcs[l->order[i]].name, l->start_of[l->order[i]] };
	funcs[0].name = p->name;
	p->funcs = funcs;
	p->n_funcs = l->n_order;
	if (!has_calls(entry)) {
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

static FALLIBLE link_one(struct linker *l, uint32_t entry, uint32_t number, struct prog *p)
{
	const struct func *f = &l->funcs[entry];

	*p = (struct prog){
		.name = f->name, .section = l->e->sections[f->section].name, .maps = l->maps->maps, .n_maps = l->maps->n
	};
	TRY(gather(l, entry, number, &p->n_insns));
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
	TRY(list_functions(l));
	TRY(decode_functions(l));
	for (uint32_t i = 0; i < l->n_funcs; i++)
		TRY(refuse_raw_refs(l, &l->funcs[i]));
	TRY(apply_relocs(l));
	for (uint32_t i = 0; i < l->n_funcs; i++)
		if (l->funcs[i].first == i)
			TRY(finish_function(l, &l->funcs[i]));
	elf_at(l->e, DIAG_NONE);
	l->order = ARENA_ARRAY(l->e->a, uint32_t, l->n_funcs);
	l->start_of = ARENA_ARRAY(l->e->a, uint32_t, l->n_funcs);
	l->member_of = ARENA_ARRAY(l->e->a, uint32_t, l->n_funcs);
	return l->order && l->start_of && l->member_of ? E_OK : E_NOMEM;
}

FALLIBLE link_progs(struct elf *e, const struct obj_maps *maps, const struct obj_lines *lines, struct obj *out)
{
	struct linker l = { .e = e, .maps = maps, .lines = lines };

	l.map_fd = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_MAP_FD);
	l.map_value = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_MAP_VALUE);
	TRY(prepare(&l));
	out->progs = ARENA_ARRAY(e->a, struct prog, l.n_progs);
	if (!out->progs)
		return E_NOMEM;
	for (uint32_t i = 0; i < l.n_funcs; i++) {
		if (!l.funcs[i].is_prog)
			continue;
		TRY(link_one(&l, i, out->n_progs + 1, &out->progs[out->n_progs]));
		out->n_progs++;
	}
	return refuse_same_names(e, out);
}
