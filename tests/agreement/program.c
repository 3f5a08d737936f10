/* SPDX-License-Identifier: Apache-2.0 */
/* program: a line of text to a program as data, and that to what the engine's loader would give. */
#include "agree.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>

#include "engine/isa/isa.h"

const char *agree_verdict_name(enum agree_verdict v)
{
	static const char *const names[] = { "accept", "reject", "unsupported", "bug", "env" };

	return names[v];
}

/* The next number of "1,2;3", with what ends it. */
static bool number(char **at, uint32_t *out, char *end)
{
	char *stop;
	unsigned long long n;

	errno = 0;
	n = strtoull(*at, &stop, 0);
	if (stop == *at || errno || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	*end = *stop;
	*at = *stop ? stop + 1 : stop;
	return true;
}

/* "1,2;3,4" by rows of `width` numbers. */
static bool rows(char *text, uint32_t width, uint32_t most, uint32_t *out, uint32_t *n)
{
	char end = ';';

	*n = 0;
	if (!strcmp(text, "-"))
		return true;
	while (end == ';' && *n < most) {
		for (uint32_t i = 0; i < width; i++)
			if (!number(&text, &out[*n * width + i], &end) || (i + 1 < width && end != ','))
				return false;
		++*n;
	}
	return !end;
}

/* "7=bpf_key_put;8=..." */
static bool names(char *text, struct agree_program *p)
{
	char *row;

	if (!strcmp(text, "-"))
		return true;
	while ((row = strsep(&text, ";"))) {
		struct agree_kfunc *k = &p->kfuncs[p->n_kfuncs];
		char end;

		if (p->n_kfuncs++ == AGREE_MAX_KFUNCS || !number(&row, &k->number, &end) || end != '=' || !*row)
			return false;
		k->name = row;
	}
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex(const char *text, struct arena *a, struct view *out)
{
	size_t n = strlen(text) / 2;
	uint8_t *bytes = arena_alloc(a, n + 1);

	*out = view_of(bytes, 0);
	if (!strcmp(text, "-"))
		return true;
	if (!bytes || strlen(text) % 2)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out = view_of(bytes, n);
	return true;
}

static bool one(const char *text, uint32_t *out)
{
	char copy[32], *at = copy, end;

	(void)snprintf(copy, sizeof copy, "%s", text);
	return number(&at, out, &end) && !end;
}

enum { FIELDS = 10 };
static const char *const field_names[FIELDS] = { "id",   "type",  "attach_type", "flags", "attach_name",
						 "maps", "funcs", "kfuncs",      "btf",   "code" };

FALLIBLE agree_parse(char *line, struct arena *a, struct agree_program *out, struct diag *d)
{
	struct agree_program p = { 0 };
	char *f[FIELDS], *rest = line;
	bool ok[FIELDS];

	_Static_assert(sizeof(struct agree_map) == 7 * 4 && sizeof(struct agree_func) == 2 * 4, "rows of numbers");
	for (int i = 0; i < FIELDS; i++) {
		f[i] = strsep(&rest, "\t\n");
		if (!f[i])
			FAIL(d, FORMAT, "a program has %d fields, this line has %d", FIELDS, i);
	}
	p.id = f[0];
	p.attach_name = strcmp(f[4], "-") ? f[4] : NULL;
	ok[0] = ok[4] = true;
	ok[1] = one(f[1], &p.prog_type);
	ok[2] = one(f[2], &p.attach_type);
	ok[3] = one(f[3], &p.flags);
	ok[5] = rows(f[5], 7, AGREE_MAX_MAPS, (uint32_t *)p.maps, &p.n_maps);
	ok[6] = rows(f[6], 2, AGREE_MAX_FUNCS, (uint32_t *)p.funcs, &p.n_funcs);
	ok[7] = names(f[7], &p);
	ok[8] = hex(f[8], a, &p.btf);
	ok[9] = hex(f[9], a, &p.code);
	for (int i = 0; i < FIELDS; i++)
		if (!ok[i])
			FAIL(d, FORMAT, "program %.40s: %s: %.80s", f[0], field_names[i], f[i]);
	*out = p;
	return E_OK;
}

static void print_hex(struct view v, struct buf *out)
{
	if (!v.len)
		buf_putc(out, '-');
	for (size_t i = 0; i < v.len; i++)
		buf_printf(out, "%02x", v.p[i]);
}

void agree_print(const struct agree_program *p, struct buf *out)
{
	buf_printf(out, "%s\t%u\t%u\t%u\t%s\t", p->id, p->prog_type, p->attach_type, p->flags,
		   p->attach_name ? p->attach_name : "-");
	for (uint32_t i = 0; i < p->n_maps; i++)
		buf_printf(out, "%s%u,%u,%u,%u,%u,%u,%u", i ? ";" : "", p->maps[i].kind, p->maps[i].key,
			   p->maps[i].value, p->maps[i].entries, p->maps[i].flags, p->maps[i].btf_key,
			   p->maps[i].btf_value);
	buf_puts(out, p->n_maps ? "\t" : "-\t");
	for (uint32_t i = 0; i < p->n_funcs; i++)
		buf_printf(out, "%s%u,%u", i ? ";" : "", p->funcs[i].start, p->funcs[i].type);
	buf_puts(out, p->n_funcs ? "\t" : "-\t");
	for (uint32_t i = 0; i < p->n_kfuncs; i++)
		buf_printf(out, "%s%u=%s", i ? ";" : "", p->kfuncs[i].number, p->kfuncs[i].name);
	buf_puts(out, p->n_kfuncs ? "\t" : "-\t");
	print_hex(p->btf, out);
	buf_putc(out, '\t');
	print_hex(p->code, out);
}

/* What the maps inside of a map of maps look like, as the kernel side makes them (kernel.c). */
static const struct prog_map inner_map = {
	.name = "inner", .kind = 2, .key_size = 4, .value_size = 4, .max_entries = 1
};

static const struct prog_map *to_maps(const struct agree_program *p, struct arena *a)
{
	struct prog_map *maps = ARENA_ARRAY(a, struct prog_map, p->n_maps + 1);

	for (uint32_t i = 0; maps && i < p->n_maps; i++) {
		const struct agree_map *m = &p->maps[i];

		maps[i] = (struct prog_map){ .name = arena_printf(a, "m%u", i),
					     .kind = m->kind,
					     .key_size = m->key,
					     .value_size = m->value,
					     .max_entries = m->entries,
					     .key_type = m->btf_key,
					     .value_type = m->btf_value,
					     .flags = m->flags };
		if (m->kind == BPF_MAP_TYPE_ARRAY_OF_MAPS || m->kind == BPF_MAP_TYPE_HASH_OF_MAPS)
			maps[i].inner = &inner_map;
		if (!maps[i].name)
			return NULL;
	}
	return maps;
}

uint32_t agree_kfunc_id(const struct agree_program *p, uint32_t number, const struct btf *kernel_types)
{
	for (uint32_t i = 0; i < p->n_kfuncs; i++)
		if (p->kfuncs[i].number == number)
			return kernel_types ? btf_find(kernel_types, BTF_FUNC, p->kfuncs[i].name, 1) : 0;
	return number;
}

/* What the loader makes of a reference: the map's index with the offset apart, the distance of a function with its
 * sign. */
static void refer(const struct agree_program *p, const struct btf *kernel_types, struct isa_insn *in)
{
	if (in->sem == ISA_CALL && in->aux == ISA_CALL_KFUNC)
		in->imm = agree_kfunc_id(p, (uint32_t)in->imm, kernel_types);
	if (in->sem != ISA_IMM64)
		return;
	if (in->aux == ISA_IMM64_MAP_VALUE) {
		in->off = (int32_t)(in->imm >> 32);
		in->imm &= UINT32_MAX;
	} else if (in->aux == ISA_IMM64_FUNC || (in->aux == ISA_IMM64_MAP_FD && !(in->imm >> 32))) {
		in->imm = (int32_t)in->imm;
	}
}

static const char *attach_name(const struct agree_program *p, struct arena *a)
{
	const char *prefix = "";

	if (!p->attach_name)
		return NULL;
	if (p->prog_type == BPF_PROG_TYPE_LSM)
		prefix = "bpf_lsm_";
	else if (p->attach_type == BPF_TRACE_ITER)
		prefix = "bpf_iter_";
	else if (p->attach_type == BPF_TRACE_RAW_TP)
		prefix = "btf_trace_";
	return arena_printf(a, "%s%s", prefix, p->attach_name);
}

static FALLIBLE to_funcs(const struct agree_program *p, struct arena *a, struct agree_prog *o)
{
	struct prog_func *funcs = ARENA_ARRAY(a, struct prog_func, p->n_funcs + 1);

	if (!funcs)
		return E_NOMEM;
	for (uint32_t i = 0; i < p->n_funcs; i++) {
		const struct agree_func *f = &p->funcs[i];
		bool named = o->types && f->type < o->types->n_types;

		funcs[i] = (struct prog_func){ .name = named ? btf_get(o->types, f->type)->name : "",
					       .start = f->start,
					       .type = f->type };
	}
	o->prog.funcs = funcs;
	o->prog.n_funcs = p->n_funcs;
	return E_OK;
}

FALLIBLE agree_to_prog(const struct agree_program *p, const struct btf *kernel_types, struct arena *a,
		       struct agree_prog *out, struct diag *d)
{
	struct agree_prog *o = out;

	*o = (struct agree_prog){ .prog.section = "" };
	TRY(prog_from_code(p->code, p->id, a, &o->prog, d));
	for (uint32_t i = 0; i < o->prog.n_insns; i++)
		refer(p, kernel_types, &o->prog.insns[i]);
	o->prog.maps = to_maps(p, a);
	o->prog.n_maps = p->n_maps;
	if (!o->prog.maps)
		return E_NOMEM;
	if (p->btf.len) {
		TRY(btf_read(p->btf, NULL, a, &o->btf, d));
		o->types = &o->btf;
	}
	TRY(to_funcs(p, a, o));
	o->target = (struct kernel_target){ .prog_type = p->prog_type,
					    .attach_type = p->attach_type,
					    .sleepable = p->flags & BPF_F_SLEEPABLE,
					    .attach_name = attach_name(p, a) };
	return E_OK;
}
