/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_obj: any bytes as an object, loaded by somebody who has all externs. What is read keeps the promises that
 * verifier and VM build on, and when it can be written it reads back with the same programs.
 */
#include "engine/obj/obj.h"

static void must(bool what)
{
	if (!what)
		abort();
}

static bool is_start(const struct prog *p, int64_t slot)
{
	const struct prog_func *f = slot >= 0 && slot < p->n_insns ? prog_func_at(p, (uint32_t)slot) : NULL;

	return f && f->start == slot;
}

static void check_prog(const struct prog *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++) {
		const struct isa_insn *in = &p->insns[i];

		if (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL)
			must(is_start(p, (int64_t)i + 1 + in->imm));
		if (in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC)
			must(is_start(p, (int64_t)i + 1 + in->imm));
		if (in->sem != ISA_IMM64 || in->aux == ISA_IMM64_VALUE || in->aux == ISA_IMM64_FUNC)
			continue;
		must(in->imm >= 0 && in->imm < p->n_maps);
		if (in->aux == ISA_IMM64_MAP_VALUE)
			must(in->off >= 0 && (uint32_t)in->off <= p->maps[in->imm].value_size);
	}
	for (uint32_t i = 0; i < p->n_lines; i++)
		must(p->lines[i].insn < p->n_insns && p->lines[i].file && p->lines[i].text);
}

static void check_map(const struct obj *o, const struct prog_map *m)
{
	static const uint8_t zero[8];

	for (uint32_t i = 0; i < m->n_ptrs; i++) {
		const struct prog_ptr *p = &m->ptrs[i];

		must(view_has(m->init, p->at, 8) && !memcmp(m->init.p + p->at, zero, 8));
		must(!i || p->at > p[-1].at);
		if (p->map == PROG_PTR_FUNC)
			must(p->prog < o->n_progs && is_start(&o->progs[p->prog], p->func));
		else
			must(p->map < o->n_maps && p->off <= o->maps[p->map].value_size);
	}
	must(m->n_inner_maps <= m->max_entries);
	for (uint32_t i = 0; i < m->n_inner_maps; i++)
		must(m->inner_maps[i] <= (m->kind == PROG_MAP_PROG_ARRAY ? o->n_progs : o->n_maps));
}

/* What an extern is bound to depends on its name only. */
static bool resolve(void *user, const struct obj_extern *x, struct obj_bound *out)
{
	(void)user;
	*out = (struct obj_bound){ .kind = x->kind == OBJ_EXTERN_FUNC ? OBJ_BOUND_HELPER : OBJ_BOUND_NUMBER,
				   .number = 5 };
	if (x->kind == OBJ_EXTERN_CONFIG && x->value_size > 8)
		*out = (struct obj_bound){ .kind = OBJ_BOUND_BYTES, .bytes = { (const uint8_t *)x->name, 1 } };
	return !x->weak || x->name[0] & 1;
}

static void write_and_read(const struct obj *o)
{
	struct obj_out out = {
		.progs = o->progs, .n_progs = o->n_progs, .maps = o->maps, .n_maps = o->n_maps, .license = o->license
	};
	struct arena a;
	struct obj again;
	struct buf b;

	arena_init(&a, 256 << 20);
	buf_init(&b, OBJ_MAX_BYTES);
	if (obj_write(&out, &b, NULL) == E_OK) {
		must(obj_read(view_of(b.p, b.len), "again", NULL, &a, &again, NULL) == E_OK);
		must(again.n_progs == o->n_progs && again.n_maps == o->n_maps);
	}
	buf_done(&b);
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct diag d;
	struct obj o;

	arena_init(&a, 256 << 20);
	diag_init(&d);
	if (obj_read(view_of(p, n), "fuzz.o", &(struct obj_opts){ .resolve = resolve, .text_programs = n & 1 }, &a, &o,
		     &d) == E_OK) {
		for (uint32_t i = 0; i < o.n_maps; i++)
			check_map(&o, &o.maps[i]);
		for (uint32_t i = 0; i < o.n_progs; i++)
			check_prog(&o.progs[i]);
		write_and_read(&o);
	} else {
		must(d.err != E_OK && d.err != E_BUG);
	}
	arena_done(&a);
	return 0;
}
