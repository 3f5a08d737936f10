/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_obj: any bytes as an object. What is read keeps the promises that verifier and VM build on, and when it can be
 * written it reads back with the same programs.
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
		if (in->sem != ISA_IMM64 || in->aux == ISA_IMM64_VALUE)
			continue;
		must(in->imm >= 0 && in->imm < p->n_maps);
		if (in->aux == ISA_IMM64_MAP_VALUE)
			must(in->off >= 0 && (uint32_t)in->off <= p->maps[in->imm].value_size);
	}
	for (uint32_t i = 0; i < p->n_lines; i++)
		must(p->lines[i].insn < p->n_insns && p->lines[i].file && p->lines[i].text);
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
	if (obj_read(view_of(p, n), "fuzz.o", NULL, &a, &o, &d) == E_OK) {
		for (uint32_t i = 0; i < o.n_progs; i++)
			check_prog(&o.progs[i]);
		write_and_read(&o);
	} else {
		must(d.err != E_OK && d.err != E_BUG);
	}
	arena_done(&a);
	return 0;
}
