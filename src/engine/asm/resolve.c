/* SPDX-License-Identifier: Apache-2.0 */
/* resolve: statements and labels to a program: the parts in order, names to distances, functions, lines. */
#include "engine/asm/internal.h"

#include <stdlib.h>

static int compare_names(const struct tok *a, const struct tok *b)
{
	int c = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

static int compare_labels(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	int c = compare_names(&x->name, &y->name);

	return c ? c : (x->name.line > y->name.line) - (x->name.line < y->name.line);
}

static struct label *find_label(const struct as *s, const struct tok *name)
{
	size_t lo = 0, hi = s->n_labels;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = compare_names(&s->labels[mid].name, name);

		if (!c)
			return &s->labels[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static FALLIBLE sort_labels(struct as *s)
{
	if (s->n_labels)
		qsort(s->labels, s->n_labels, sizeof *s->labels, compare_labels);
	for (size_t i = 1; i < s->n_labels; i++) {
		const struct tok *t = &s->labels[i].name;

		if (!compare_names(&s->labels[i - 1].name, t))
			FAIL_TOK(s, t, FORMAT, 170, "a second label '%.*s'; the first is in line %u",
				 (int)(t->len < 60 ? t->len : 60), t->p, s->labels[i - 1].name.line);
	}
	return E_OK;
}

static uint32_t slot_of(const struct as *s, const struct label *l)
{
	return l->at + (l->part == PART_TEXT ? (uint32_t)s->parts[PART_MAIN].n : 0);
}

/* A jump to `exit`, where no label is called so, goes to the first exit instruction: ubpf's convention. */
static bool first_exit(const struct prog *p, uint32_t *slot)
{
	for (*slot = 0; *slot < p->n_insns; (*slot)++)
		if (p->insns[*slot].sem == ISA_EXIT)
			return true;
	return false;
}

static FALLIBLE no_such(struct as *s, const struct tok *t, const char *what)
{
	FAIL_TOK(s, t, NOT_FOUND, 171, "there is no %s '%.*s'", what, (int)(t->len < 60 ? t->len : 60), t->p);
}

static FALLIBLE resolve_jump(struct as *s, const struct stmt *st, uint32_t at, struct prog *p)
{
	const struct label *l = find_label(s, &st->ref);
	struct isa_insn *in = &p->insns[at];
	uint32_t to;

	if (!l && !(tok_is(&st->ref, "exit") && first_exit(p, &to)))
		return no_such(s, &st->ref, "label");
	if (l)
		to = slot_of(s, l);
	in->off = (int32_t)((int64_t)to - at - 1);
	if (in->form != ISA_FORM_JL && in->off != (int16_t)in->off)
		FAIL_TOK(s, &st->ref, FORMAT, 172, "the label is %d slots away; gotol reaches that far", in->off);
	return E_OK;
}

static const struct abi_helper *find_helper(const struct tok *t)
{
	for (uint32_t i = 0; i < abi_sallyport.n_helpers; i++)
		if (tok_is(t, abi_sallyport.helpers[i].name))
			return &abi_sallyport.helpers[i];
	return NULL;
}

static FALLIBLE resolve_call(struct as *s, const struct stmt *st, uint32_t at, struct prog *p)
{
	struct label *l = find_label(s, &st->ref);
	const struct abi_helper *h = l || st->ref_kind == REF_CALL_LOCAL ? NULL : find_helper(&st->ref);

	if (h) {
		p->insns[at].imm = (int32_t)h->id;
		return E_OK;
	}
	if (!l)
		return no_such(s, &st->ref, "function or helper");
	l->is_func = true;
	p->insns[at] = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL);
	p->insns[at].imm = (int64_t)slot_of(s, l) - at - 1;
	return E_OK;
}

static FALLIBLE resolve_imm64(struct as *s, const struct stmt *st, uint32_t at, struct prog *p)
{
	struct isa_insn *in = &p->insns[at];
	uint8_t dst = in->dst;
	struct label *l;

	for (size_t i = 0; i < s->n_maps; i++) {
		const struct prog_map *m = &s->maps[i];
		bool value = asm_is_data_map(m) || st->has_off;

		if (strlen(m->name) != st->ref.len || memcmp(m->name, st->ref.p, st->ref.len) != 0)
			continue;
		*in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, value ? ISA_IMM64_MAP_VALUE : ISA_IMM64_MAP_FD);
		in->dst = dst;
		in->imm = (int64_t)i;
		in->off = st->off;
		return E_OK;
	}
	l = find_label(s, &st->ref);
	if (!l || st->has_off)
		return no_such(s, &st->ref, st->has_off ? "map" : "map or function");
	l->is_func = true;
	*in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_FUNC);
	in->dst = dst;
	in->imm = (int64_t)slot_of(s, l) - at - 1;
	return E_OK;
}

static FALLIBLE resolve_all(struct as *s, struct prog *p)
{
	uint32_t at = 0;

	for (unsigned k = 0; k < N_PARTS; k++) {
		for (size_t i = 0; i < s->parts[k].n; i++, at++) {
			const struct stmt *st = &s->parts[k].s[i];

			switch ((enum ref_kind)st->ref_kind) {
			case REF_NONE:
				break;
			case REF_JUMP:
				TRY(resolve_jump(s, st, at, p));
				break;
			case REF_CALL:
			case REF_CALL_LOCAL:
				TRY(resolve_call(s, st, at, p));
				break;
			case REF_IMM64:
				TRY(resolve_imm64(s, st, at, p));
				break;
			}
		}
	}
	return E_OK;
}

static int compare_funcs(const void *a, const void *b)
{
	const struct prog_func *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void mark_globals(struct as *s)
{
	for (size_t i = 0; i < s->n_globals; i++) {
		struct label *l = find_label(s, &s->globals[i]);

		if (l)
			l->is_func = true;
	}
}

/* Functions are the labels that were called, or said to be one; and slot 0, under its own label or as "prog". */
static FALLIBLE make_funcs(struct as *s, struct prog *p)
{
	struct prog_func *f = ARENA_ARRAY(s->a, struct prog_func, s->n_labels + 1);
	uint32_t n = 0, kept = 0;

	if (!f)
		return E_NOMEM;
	for (size_t i = 0; i < s->n_labels; i++) {
		const struct label *l = &s->labels[i];
		uint32_t start = slot_of(s, l);

		if ((!l->is_func && start) || start >= p->n_insns)
			continue;
		f[n].name = arena_strndup(s->a, l->name.p, l->name.len);
		f[n].start = start;
		if (!f[n++].name)
			return E_NOMEM;
	}
	if (n)
		qsort(f, n, sizeof *f, compare_funcs);
	if (!n || f[0].start) {
		memmove(f + 1, f, n++ * sizeof *f);
		f[0] = (struct prog_func){ .name = "prog" };
	}
	for (uint32_t i = 0; i < n; i++)
		if (!kept || f[kept - 1].start != f[i].start)
			f[kept++] = f[i];
	p->funcs = f;
	p->n_funcs = p->n_insns ? kept : 0;
	p->name = f[0].name;
	return E_OK;
}

/* The line without blanks around it. */
static FALLIBLE line_text(struct as *s, const struct tok *t, const char **out)
{
	const char *p = t->line_start, *end = p;

	while (end < s->end && *end != '\n')
		end++;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*out = arena_strndup(s->a, p, (size_t)(end - p));
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE make_lines(struct as *s, struct prog *p)
{
	struct prog_line *rows = ARENA_ARRAY(s->a, struct prog_line, p->n_insns ? p->n_insns : 1);
	uint32_t n = 0, at = 0, last = 0;

	if (!rows)
		return E_NOMEM;
	for (unsigned k = 0; k < N_PARTS; k++) {
		for (size_t i = 0; i < s->parts[k].n; i++, at++) {
			const struct tok *t = &s->parts[k].s[i].at;

			if (t->line == last)
				continue;
			last = t->line;
			rows[n] = (struct prog_line){ .insn = at, .file = s->name, .line = t->line, .col = 1 };
			TRY(line_text(s, t, &rows[n++].text));
		}
	}
	p->lines = rows;
	p->n_lines = n;
	return E_OK;
}

FALLIBLE as_resolve(struct as *s, struct prog *out)
{
	struct prog p = { .section = s->section, .maps = s->maps, .n_maps = (uint32_t)s->n_maps };
	uint32_t at = 0;

	p.n_insns = (uint32_t)(s->parts[PART_MAIN].n + s->parts[PART_TEXT].n);
	p.insns = ARENA_ARRAY(s->a, struct isa_insn, p.n_insns ? p.n_insns : 1);
	if (!p.insns)
		return E_NOMEM;
	for (unsigned k = 0; k < N_PARTS; k++)
		for (size_t i = 0; i < s->parts[k].n; i++)
			p.insns[at++] = s->parts[k].s[i].in;
	TRY(sort_labels(s));
	TRY(resolve_all(s, &p));
	mark_globals(s);
	TRY(make_funcs(s, &p));
	TRY(make_lines(s, &p));
	if (s->d)
		s->d->subject = NULL;
	*out = p;
	return E_OK;
}
