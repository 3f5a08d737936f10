/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made_mutate: new programs, and changes of programs that keep them programs.
 *
 * New ones are rows of the tests of calls and memory, random programs of tests/agreement, and those of path_programs.
 */
#include "made.h"

#include "../agreement/gene.h"
#include "calls.h"
#include "engine/asm/asm.h"
#include "made_rows.h"
#include "mem_rows.h"
#include "path_programs.h"

/* ---- what is laid out ---- */

struct shape {
	struct made_head h;
	struct made_map maps[MADE_MAPS];
	struct made_func funcs[MADE_FUNCS];
	struct view btf;
	struct bpf_insn code[GENE_MAX];
	uint32_t n;
};

static bool take(struct view *v, void *out, size_t n)
{
	if (v->len < n)
		return false;
	memcpy(out, v->p, n);
	*v = view_of(v->p + n, v->len - n);
	return true;
}

/* False: no program, or one that is too long for changes by instruction. */
static bool unpack(struct view v, struct shape *s)
{
	if (!take(&v, &s->h, sizeof s->h))
		return false;
	s->h.n_maps %= MADE_MAPS + 1;
	s->h.n_funcs %= MADE_FUNCS + 1;
	if (!take(&v, s->maps, s->h.n_maps * sizeof s->maps[0]) ||
	    !take(&v, s->funcs, s->h.n_funcs * sizeof s->funcs[0]) || v.len < s->h.btf_bytes)
		return false;
	s->btf = view_of(v.p, s->h.btf_bytes);
	v = view_of(v.p + s->h.btf_bytes, v.len - s->h.btf_bytes);
	s->n = (uint32_t)(v.len / sizeof s->code[0] < GENE_MAX ? v.len / sizeof s->code[0] : GENE_MAX);
	return s->n && take(&v, s->code, s->n * sizeof s->code[0]) && v.len < sizeof s->code[0];
}

/* 0: no room. The types of s may lie in `out`, where they are. */
static size_t pack(struct shape *s, uint8_t *out, size_t max)
{
	size_t maps = s->h.n_maps * sizeof s->maps[0], funcs = s->h.n_funcs * sizeof s->funcs[0];
	size_t code = s->n * sizeof s->code[0], at = sizeof s->h;

	if (at + maps + funcs + s->btf.len + code > max)
		return 0;
	s->h.btf_bytes = (uint16_t)s->btf.len;
	if (s->btf.len)
		memmove(out + at + maps + funcs, s->btf.p, s->btf.len);
	memcpy(out, &s->h, at);
	memcpy(out + at, s->maps, maps);
	memcpy(out + at + maps, s->funcs, funcs);
	at += maps + funcs + s->btf.len;
	memcpy(out + at, s->code, code);
	return at + code;
}

/* ---- new programs ---- */

static void add_map(struct shape *s, const struct prog_map *m)
{
	if (s->h.n_maps < MADE_MAPS)
		s->maps[s->h.n_maps++] = (struct made_map){ .kind = (uint8_t)m->kind,
							    .flags = (uint8_t)m->flags,
							    .key = (uint16_t)m->key_size,
							    .value = (uint16_t)m->value_size,
							    .entries = (uint16_t)m->max_entries };
}

static void add_code(struct shape *s, const struct isa_insn *insns, uint32_t n)
{
	uint8_t code[16];

	for (uint32_t i = 0; i < n && s->n + 2 <= GENE_MAX; i++) {
		struct isa_insn in = insns[i];
		size_t len;

		if (in.sem == ISA_PAD)
			continue;
		if (in.sem == ISA_IMM64 && in.aux == ISA_IMM64_MAP_VALUE)
			in.imm |= (int64_t)in.off << 32;
		len = isa_encode(&in, code);
		memcpy(&s->code[s->n], code, len);
		s->n += (uint32_t)(len / sizeof s->code[0]);
	}
}

/* The first function that this program's types have a word for gets the id that the made types have for it. */
static void add_funcs(struct shape *s, const struct prog *p, const struct made_kit *k, const char *types)
{
	uint32_t xdp = btf_find(&k->types, BTF_FUNC, "f_ctx", 1), callback = btf_find(&k->types, BTF_FUNC, "f_each", 1);

	for (uint32_t i = 0; types && i < p->n_funcs && i < MADE_FUNCS; i++)
		s->funcs[s->h.n_funcs++] =
			(struct made_func){ (uint16_t)p->funcs[i].start, (uint16_t)(i ? callback : xdp) };
	if (types)
		s->h.types = MADE_OUR_TYPES;
}

static void from_row(struct shape *s, const struct call_row *r, const struct made_kit *k)
{
	struct arena a;
	struct prog p;

	arena_init(&a, 1 << 20);
	if (asm_text(view_of(r->text, strlen(r->text)), "row", &a, &p, NULL) == E_OK) {
		for (uint32_t i = 0; i < p.n_maps; i++)
			add_map(s, &p.maps[i]);
		add_code(s, p.insns, p.n_insns);
		add_funcs(s, &p, k, r->types);
	}
	arena_done(&a);
	s->h.prog_type = (uint8_t)r->type;
	s->h.attach_type = (uint8_t)r->attach;
}

/* Numbers that stand for names become the ids of what has them. */
static void bind(struct shape *s, const struct made_kit *k)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct bpf_insn *in = &s->code[i];
		uint32_t nth = (uint32_t)in->imm - MADE_KFUNC;

		if (in->code == (BPF_JMP | BPF_CALL) && !in->src_reg && nth < n_made_kfuncs) {
			in->src_reg = BPF_PSEUDO_KFUNC_CALL;
			in->imm = (int32_t)btf_find(&k->types, BTF_FUNC, made_kfuncs[nth], 1);
		} else if (in->code == (BPF_ALU64 | BPF_MOV | BPF_K) && in->imm == MADE_NODE) {
			in->imm = (int32_t)btf_find(&k->types, BTF_STRUCT, "node", 1);
		}
	}
}

static void from_made(struct shape *s, const struct made_row *r, const struct made_kit *k)
{
	const struct call_row row = { .text = r->text, .type = r->type, .types = "" };
	uint32_t id = r->value ? btf_find(&k->types, BTF_STRUCT, r->value, 1) : 0;
	uint64_t size;

	from_row(s, &row, k);
	bind(s, k);
	if (id && s->h.n_maps && btf_size(&k->types, id, &size)) {
		s->maps[0].value_type = (uint16_t)id;
		s->maps[0].value = (uint16_t)size;
	}
	if (r->type == KPROG_TRACING) {
		s->h.attach_type = KATTACH_TRACE_RAW_TP;
		s->h.hook = 6;
	}
}

static void from_gene(struct shape *s, const struct gene *g)
{
	s->h.prog_type = (uint8_t)g->prog_type;
	s->h.attach_type = (uint8_t)g->attach_type;
	for (uint32_t i = 0; i < g->n_maps; i++)
		add_map(s, &(struct prog_map){ .kind = g->maps[i].kind,
					       .flags = g->maps[i].flags,
					       .key_size = g->maps[i].key,
					       .value_size = g->maps[i].value,
					       .max_entries = g->maps[i].entries });
	s->n = g->n;
	memcpy(s->code, g->insn, g->n * sizeof g->insn[0]);
}

static void from_paths(struct shape *s, uint64_t seed)
{
	struct path_program p;

	path_program_make(&p, seed, seed & 1);
	add_map(s, &(struct prog_map){ .kind = PROG_MAP_ARRAY,
				       .key_size = 4,
				       .value_size = PATH_VALUE_BYTES,
				       .max_entries = PATH_ENTRIES });
	add_code(s, p.insns, p.n);
	s->h.prog_type = KPROG_XDP;
}

size_t made_fresh(uint8_t *bytes, size_t max, const struct made_kit *k, uint64_t seed)
{
	struct gene_rng r = { seed };
	uint32_t what = gene_below(&r, 8);
	struct shape s = { .h = { .release = (uint8_t)gene_below(&r, 16),
				  .how = (uint8_t)(MADE_GPL | (gene_below(&r, 4) ? 0 : gene_random(&r))),
				  .room = 13,
				  .kernel_types = MADE_OUR_TYPES } };
	struct gene g = { 0 };

	if (!what) {
		from_made(&s, &made_rows[gene_below(&r, (uint32_t)n_made_rows)], k);
	} else if (what < 3) {
		from_row(&s, &call_rows[gene_below(&r, (uint32_t)n_call_rows)], k);
	} else if (what < 5) {
		from_row(&s, &mem_rows[gene_below(&r, (uint32_t)n_mem_rows)], k);
	} else if (what < 7) {
		gene_fresh(&g, &r);
		from_gene(&s, &g);
	} else {
		from_paths(&s, gene_random(&r));
	}
	return pack(&s, bytes, max);
}

/* ---- changes ---- */

static const uint8_t kinds[] = { 1, 2, 3, 4, 5, 6, 9, 12, 13, 14, 15, 22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33, 34 };

/* A type of the kit by a random name. */
static uint16_t some_type(const struct made_kit *k, struct gene_rng *r)
{
	static const char *const values[] = { "locked", "timed", "queued", "pointers", "arrayed", "twice", "node" };

	if (!gene_below(r, 8))
		return (uint16_t)gene_below(r, k->types.n_types + 2);
	return (uint16_t)btf_find(&k->types, BTF_STRUCT, values[gene_below(r, countof(values))], 1);
}

static void change_map(struct shape *s, const struct made_kit *k, struct gene_rng *r)
{
	struct made_map *m;
	uint64_t size;

	if (s->h.n_maps < MADE_MAPS && !gene_below(r, 3))
		s->maps[s->h.n_maps++] = (struct made_map){ .kind = 2, .key = 4, .value = 64, .entries = 1 };
	if (!s->h.n_maps)
		return;
	m = &s->maps[gene_below(r, s->h.n_maps)];
	switch (gene_below(r, 6)) {
	case 0:
		m->kind = kinds[gene_below(r, countof(kinds))];
		break;
	case 1:
		m->flags ^= (uint8_t)(1u << gene_below(r, 8));
		break;
	case 2:
		m->inner = (uint8_t)gene_below(r, s->h.n_maps + 1u);
		break;
	case 3:
		m->init = (uint8_t)gene_random(r);
		break;
	case 4:
		m->value = (uint16_t)gene_number(r);
		break;
	default:
		s->h.types = MADE_OUR_TYPES;
		m->value_type = some_type(k, r);
		if (m->value_type < k->types.n_types && btf_size(&k->types, m->value_type, &size) && size < 4096)
			m->value = (uint16_t)size;
	}
}

static void change_head(struct shape *s, const struct made_kit *k, struct gene_rng *r)
{
	struct made_head *h = &s->h;

	(void)k;
	switch (gene_below(r, 12)) {
	case 0:
	case 1:
	case 2:
		h->release = (uint8_t)gene_random(r);
		break;
	case 3:
	case 4:
		h->prog_type = (uint8_t)gene_below(r, KPROG_N + 1);
		h->attach_type = 0;
		break;
	case 5:
		h->attach_type = (uint8_t)gene_below(r, KATTACH_N + 1);
		break;
	case 6:
		h->hook = (uint8_t)gene_random(r);
		h->prog_type = gene_below(r, 2) ? KPROG_TRACING : KPROG_LSM;
		break;
	case 7:
		h->room = gene_below(r, 2) ? 13 : (uint8_t)gene_below(r, 14);
		break;
	case 8:
		h->types = (uint8_t)gene_below(r, MADE_N_TYPES);
		h->kernel_types = (uint8_t)gene_below(r, MADE_N_TYPES);
		break;
	case 9:
		h->cancel = (uint8_t)gene_below(r, 3);
		break;
	case 10:
		h->more ^= MADE_LINES;
		break;
	default:
		h->how ^= (uint8_t)(1u << gene_below(r, 8));
	}
}

static void change_funcs(struct shape *s, const struct made_kit *k, struct gene_rng *r)
{
	static const char *const names[] = { "f_ctx",  "f_skb",    "f_numbers", "f_mem", "f_tags",
					     "f_void", "f_static", "f_each",    "f_all" };
	uint32_t starts = 0;

	if (s->h.n_funcs && gene_below(r, 2)) {
		s->funcs[gene_below(r, s->h.n_funcs)].type =
			(uint16_t)btf_find(&k->types, BTF_FUNC, names[gene_below(r, countof(names))], 1);
		return;
	}
	s->h.types = MADE_OUR_TYPES;
	s->h.n_funcs = 0;
	for (uint32_t i = 0; i < s->n && s->h.n_funcs < MADE_FUNCS; i++)
		if (!i || (s->code[i - 1].code == (BPF_JMP | BPF_EXIT) && gene_below(r, 4)))
			s->funcs[s->h.n_funcs++] =
				(struct made_func){ (uint16_t)i,
						    (uint16_t)btf_find(&k->types, BTF_FUNC,
								       names[starts++ % countof(names)], 1) };
}

/* A call of a helper or a kernel function, a function of the program as a number, an atomic, a load with a sign. */
static void change_call(struct shape *s, const struct made_kit *k, struct gene_rng *r)
{
	struct bpf_insn *in = &s->code[gene_below(r, s->n)];

	switch (gene_below(r, 5)) {
	case 0:
		*in = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = (int32_t)gene_below(r, 215) };
		break;
	case 1:
		for (uint32_t i = 0, t; i < 64; i++) {
			t = gene_below(r, k->types.n_types);
			if (btf_get(&k->types, t)->kind != BTF_FUNC)
				continue;
			*in = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
						 .src_reg = BPF_PSEUDO_KFUNC_CALL,
						 .imm = (int32_t)t };
			break;
		}
		break;
	case 2:
		*in = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL,
					 .src_reg = BPF_PSEUDO_CALL,
					 .imm = (int32_t)gene_below(r, s->n) - 8 };
		break;
	case 3:
		if (gene_is_wide(in))
			in->src_reg = gene_below(r, 7) & 15u;
		break;
	default:
		in->code = (uint8_t)gene_random(r);
	}
}

/* As tests/agreement changes programs. */
static void change_code(struct shape *s, const struct made_kit *k, struct gene_rng *r)
{
	struct gene g = { .prog_type = s->h.prog_type, .n_maps = s->h.n_maps, .n = s->n }, other = { 0 };
	uint32_t was = s->n;

	for (uint32_t i = 0; i < g.n_maps; i++)
		g.maps[i] = (struct agree_map){ .kind = s->maps[i].kind,
						.key = s->maps[i].key,
						.value = s->maps[i].value,
						.entries = s->maps[i].entries };
	memcpy(g.insn, s->code, s->n * sizeof g.insn[0]);
	if (gene_below(r, 2)) {
		struct shape from = { 0 };

		from_made(&from, &made_rows[gene_below(r, (uint32_t)n_made_rows)], k);
		other.n = from.n;
		memcpy(other.insn, from.code, from.n * sizeof other.insn[0]);
	} else {
		gene_fresh(&other, r);
	}
	gene_mutate(&g, &other, r);
	s->h.prog_type = (uint8_t)g.prog_type;
	s->n = g.n;
	memcpy(s->code, g.insn, g.n * sizeof g.insn[0]);
	if (s->n != was && s->h.n_funcs)
		for (uint32_t i = 1; i < s->h.n_funcs; i++)
			s->funcs[i].start = (uint16_t)(s->funcs[i].start + s->n - was);
}

size_t made_mutate(uint8_t *bytes, size_t n, size_t max, const struct made_kit *k, uint64_t seed)
{
	struct gene_rng r = { seed };
	struct shape s = { 0 };
	size_t len;

	if (!unpack(view_of(bytes, n), &s))
		return made_fresh(bytes, max, k, gene_random(&r));
	for (uint32_t i = 1 + gene_below(&r, 3); i; i--) {
		uint32_t what = gene_below(&r, 16);

		if (!s.n)
			break;
		if (what < 8)
			change_code(&s, k, &r);
		else if (what < 10)
			change_map(&s, k, &r);
		else if (what < 12)
			change_head(&s, k, &r);
		else if (what < 13)
			change_funcs(&s, k, &r);
		else
			change_call(&s, k, &r);
	}
	len = pack(&s, bytes, max);
	return len ? len : n;
}
